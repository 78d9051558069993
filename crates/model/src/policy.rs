//! What `postern policy` answers about the SELinux policy that a phone loads.

use serde::{Deserialize, Serialize};

use crate::fact::policy::{Broken, Grant};

/// The answer. Serialized, it is what `postern policy --json` writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAnswer {
    /// The number of the schema.
    pub schema: u32,
    /// The file that is loaded, or the platform's file where a phone links several.
    pub device_path: String,
    /// `binary` or `linked`.
    pub kind: String,
    /// Version of a binary policy.
    pub version: Option<u32>,
    /// How many types and attributes it has.
    pub n_types: u64,
    /// How many rules.
    pub n_rules: u64,
    /// Compiled policies that are not loaded, with the reason.
    pub stale: Vec<String>,
    /// What of it could not be read or linked.
    pub gaps: Vec<String>,
    /// Domains in which nothing is enforced.
    pub permissive: Vec<String>,
    /// Domains that may do everything, or change the policy itself.
    pub unconfined: Vec<Unconfined>,
    /// Where apps and the shell get by starting programs.
    pub transitions: Vec<Transition>,
    /// The API level whose policy of Android it is held against; none where that is not known.
    pub android: Option<u32>,
    /// What apps and the shell may do that Android's own policy of this version does not allow.
    pub more: Vec<Grant>,
    /// What of that is forbidden.
    pub broken: Vec<Broken>,
    /// Who can do what was asked about.
    pub who: Option<Who>,
    /// What the domain that was asked about may do.
    pub may: Option<Vec<Grant>>,
}

/// A domain that may do everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfined {
    /// The domain.
    pub domain: String,
    /// What says so.
    pub why: String,
}

/// A way from one domain to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Domains in between, from the first to the last.
    pub domains: Vec<String>,
    /// The type of the program's file that leads into the last.
    pub entry: String,
    /// Services that init runs as root in that domain: a way into it gives its rights, not its user.
    pub root_services: Vec<String>,
}

/// Who can do something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The class and the permission.
    pub class: String,
    /// The permission.
    pub permission: String,
    /// What was asked about.
    pub on: String,
    /// Its type.
    pub target: String,
    /// The domains, by name.
    pub domains: Vec<WhoLine>,
}

/// A domain that can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoLine {
    /// The domain.
    pub domain: String,
    /// The rule that lets it, or that nothing is enforced in it.
    pub rule: String,
    /// Whether a constraint on levels keeps it away all the same.
    pub constrained: bool,
    /// Numbers of `ioctl` that it may use, as ranges; empty where none is named, or all are allowed.
    pub numbers: Vec<String>,
}
