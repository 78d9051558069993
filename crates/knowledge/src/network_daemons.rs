//! Daemons of Android's own source that talk to a network by their trade.

use serde::Deserialize;

use crate::table::Row;

/// A daemon, by the name of its program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDaemon {
    /// The file's name.
    pub name: String,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for NetworkDaemon {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
