//! A firmware or update package.

use serde::{Deserialize, Serialize};

/// What a package says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// `payload`, `recovery-zip`, `fastboot`, `odin`, `apks`, `apex`…
    pub kind: String,
    /// Whether it holds only differences to an earlier version.
    pub incremental: bool,
    /// What it states: name and value.
    pub properties: Vec<(String, String)>,
}
