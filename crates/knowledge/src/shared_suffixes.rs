//! Names below which anyone can have a name of his own: no feed can mean all of them.

use serde::Deserialize;

use crate::table::Row;

/// Some of these names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedSuffixes {
    /// `country` or `host`.
    pub kind: String,
    /// The names, in lower case.
    pub suffixes: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for SharedSuffixes {
    fn id(&self) -> String {
        self.kind.clone()
    }

    fn keys(&self) -> Vec<String> {
        self.suffixes.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
