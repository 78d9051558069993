//! Services that AOSP's own init scripts run as root.

use serde::Deserialize;

use crate::SdkRanges;
use crate::table::{Row, Table};

/// A service of AOSP that runs as root.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootService {
    /// Its name.
    pub name: String,
    /// Its program.
    pub program: String,
    /// The versions that run it so.
    pub sdks: SdkRanges,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for RootService {
    fn id(&self) -> String {
        format!("{} {}", self.name, self.program)
    }

    fn keys(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<RootService> {
    /// AOSP's service of this name and program, in any version: phones mix parts of several.
    pub fn of_service(&self, name: &str, program: &str) -> Option<&RootService> {
        self.all(name).find(|row| row.program == program)
    }
}
