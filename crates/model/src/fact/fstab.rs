//! A line of an `fstab` file.

use serde::{Deserialize, Serialize};

/// One mount (AOSP `fs_mgr/libfstab/fstab.cpp`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FstabEntry {
    /// Block device or partition name.
    pub device: String,
    /// Where it is mounted.
    pub mount_point: String,
    /// File system.
    pub fs_type: String,
    /// Mount options.
    pub options: Vec<String>,
    /// `fs_mgr` flags (`wait`, `verify`, `avb=vbmeta`, `slotselect`…).
    pub flags: Vec<String>,
}
