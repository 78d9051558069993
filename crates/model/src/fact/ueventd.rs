//! A line of `ueventd.rc`.

use serde::{Deserialize, Serialize};

/// A rule for device nodes (AOSP `system/core/init/README.ueventd.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Path pattern of the node.
    pub pattern: String,
    /// The attribute of a `/sys` line.
    pub attribute: Option<String>,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
}
