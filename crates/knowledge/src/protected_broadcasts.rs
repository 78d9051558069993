//! Broadcasts that only the system may send.

use serde::Deserialize;

use crate::table::Row;

/// A broadcast action that only the system may send.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedBroadcast {
    /// The action.
    pub action: String,
    /// The SDK levels, among those that were looked at, whose manifest declares it.
    pub sdks: Vec<u32>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for ProtectedBroadcast {
    fn id(&self) -> String {
        self.action.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
