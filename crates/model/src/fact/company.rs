//! Something of a company that collects what devices do, in an artifact.

use serde::{Deserialize, Serialize};

/// A known kit or host that stands in an artifact. What it means is not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanySign {
    /// Of what kind.
    pub kind: CompanySignKind,
    /// The kit's name, or the host as it is known.
    pub name: String,
    /// What stands there: a class, or the host.
    pub found: String,
    /// How many names of hosts stand in the artifact in all.
    pub n_hosts: u32,
}

/// Of what kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompanySignKind {
    /// Classes of a kit.
    Sdk,
    /// A host.
    Host,
}
