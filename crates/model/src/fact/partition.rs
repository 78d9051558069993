//! A partition that a partition table or a package names.

use serde::{Deserialize, Serialize};

/// One partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name, with its slot suffix.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The group of dynamic partitions that it belongs to.
    pub group: Option<String>,
    /// Which copy of the metadata names it, for `super` (from 0).
    pub metadata_slot: Option<u32>,
    /// The table: `lp`, `payload`, `transfer-list`, `gpt`.
    pub table: String,
    /// Attributes by name (`readonly`, `slot-suffixed`, `disabled`).
    pub attributes: Vec<String>,
}
