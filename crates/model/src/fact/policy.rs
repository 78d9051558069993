//! An SELinux policy.

use serde::{Deserialize, Serialize};

/// What a policy says of itself: which domains are permissive, and how large it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// `binary`, `cil` (one file of several), or `linked` (what a phone makes of all its files in CIL).
    pub kind: String,
    /// Version of a binary policy.
    pub version: Option<u32>,
    /// Domains in which nothing is enforced, sorted.
    pub permissive: Vec<String>,
    /// How many types and attributes it has.
    pub n_types: u32,
    /// How many rules on access and transitions a binary policy has.
    #[serde(default)]
    pub n_rules: u64,
    /// What was not understood: then `permissive` may lack domains.
    pub partial: bool,
    /// What apps and the shell may do to what they can name: nodes, files, sockets, properties, services. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Why a phone does not load it although it was compiled for it: it was made from other files than the phone has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
    /// What of the grants is forbidden. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<Broken>,
}

/// A grant that a rule forbids.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Broken {
    /// What is allowed although it is forbidden.
    pub grant: Grant,
    /// Whose rule it is: `platform` (the phone's own files forbid it) or `aosp` (Android's policy of this version does).
    pub by: String,
}

/// What a domain may do to a type of object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The domain.
    pub domain: String,
    /// The type of the object.
    pub target: String,
    /// The class of the object.
    pub class: String,
    /// What is allowed, sorted.
    pub permissions: Vec<String>,
}
