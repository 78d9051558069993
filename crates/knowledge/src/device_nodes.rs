//! Device nodes that AOSP lets everyone write to.

use serde::Deserialize;

use crate::SdkRanges;
use crate::table::{Row, Table};

/// A device node that AOSP makes writable for all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenNode {
    /// Its path; `*` stands for any text.
    pub pattern: String,
    /// Permission bits, in octal.
    pub mode: String,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
    /// The versions that do so.
    pub sdks: SdkRanges,
    /// What it is for.
    pub purpose: String,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for OpenNode {
    fn id(&self) -> String {
        format!("{} {}", self.pattern, self.mode)
    }

    fn keys(&self) -> Vec<String> {
        vec![self.pattern.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<OpenNode> {
    /// The row that a node, or a vendor's pattern for nodes, falls under, in any version.
    pub fn of_node(&self, node: &str) -> Option<&OpenNode> {
        self.iter().find(|row| matches(&row.pattern, node))
    }
}

/// Whether `text` is `pattern`, in which one `*` may stand for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => start.len() + end.len() <= text.len() && text.starts_with(start) && text.ends_with(end),
    }
}
