//! A file system.

use serde::{Deserialize, Serialize};

/// What a superblock says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `ext4`, `erofs`, `f2fs`, `squashfs`, `fat`, or a folder on disk (`folder`).
    pub kind: String,
    /// The volume's label.
    pub label: String,
    /// The volume's UUID, in the usual form.
    pub uuid: String,
    /// Bytes per block.
    pub block_size: u32,
    /// Bytes that the file system says it has.
    pub size: u64,
    /// Where it was mounted last, if it says.
    pub mounted_at: Option<String>,
    /// Features that the reader met, by the names of their specification.
    pub features: Vec<String>,
    /// How many entries could be listed.
    pub n_entries: u64,
}
