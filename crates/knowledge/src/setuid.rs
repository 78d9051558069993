//! Files that AOSP itself ships with set-id bits or capabilities.

use serde::Deserialize;

use crate::SdkRanges;
use crate::table::{Row, Table};

/// A file that AOSP ships with set-user-id, set-group-id or file capabilities.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetIdFile {
    /// Where the phone has it.
    pub path: String,
    /// Permission bits, in octal (`06755`).
    pub mode: String,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
    /// Capabilities (`CAP_SETUID`).
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The versions that ship it so.
    pub sdks: SdkRanges,
    /// Whether user builds have it; otherwise engineering builds alone.
    pub user_build: bool,
    /// What it needs the right for.
    pub purpose: String,
    /// The reference that proves the row.
    pub source: String,
}

impl SetIdFile {
    /// The permission bits as a number.
    pub fn mode_bits(&self) -> u16 {
        u16::from_str_radix(&self.mode, 8).unwrap_or(0)
    }
}

impl Row for SetIdFile {
    fn id(&self) -> String {
        format!("{} {}", self.path, self.mode)
    }

    fn keys(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<SetIdFile> {
    /// The row for a file of this path in Android of this SDK level. A file that AOSP shipped so in another version only
    /// has none.
    pub fn shipped(&self, path: &str, sdk: u32) -> Option<&SetIdFile> {
        self.all(path).find(|row| row.sdks.contains(sdk))
    }
}
