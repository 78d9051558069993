//! A boot image (boot, recovery, vendor_boot, init_boot).

use serde::{Deserialize, Serialize};

/// The header of a boot image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Whether it is a vendor boot image.
    pub vendor: bool,
    /// `header_version`.
    pub header_version: u32,
    /// `os_version`, as `11.0.0`.
    pub os_version: Option<String>,
    /// `os_patch_level`, as `2021-06`.
    pub patch_level: Option<String>,
    /// `cmdline` and `extra_cmdline`.
    pub cmdline: String,
    /// The boot configuration of a vendor boot image: properties that become `ro.boot.*`, as text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bootconfig: String,
    /// `name` of the board.
    pub board: String,
    /// `kernel_size`.
    pub kernel_size: u64,
    /// `ramdisk_size`, of all ramdisks together.
    pub ramdisk_size: u64,
}
