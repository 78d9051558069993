//! What `postern gates` lists, and what the report draws: gates, guards, and where they lead.

use serde::{Deserialize, Serialize};

/// All gates of a phone. Serialized, it is what `postern gates --json` writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// The number of the schema.
    pub schema: u32,
    /// How many there are by kind, in order.
    pub counts: Vec<GateCount>,
    /// Each of them: those that lead farthest for the farthest outsider first.
    pub gates: Vec<GateLine>,
    /// Bounds that were reached: what lies behind them is missing.
    pub bounds: Vec<String>,
    /// How many places could not be looked into.
    pub gaps: u64,
}

/// How many gates of a kind there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCount {
    /// The kind's id.
    pub kind: String,
    /// In words.
    pub words: String,
    /// All of them.
    pub total: u64,
    /// Those that let some outsider through.
    pub open: u64,
    /// Those that lead an outsider to something.
    pub leading: u64,
}

/// A gate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateLine {
    /// The kind's id.
    pub kind: String,
    /// Its name: a component, a socket, a property, a path.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Where the phone has what it belongs to.
    pub device_path: String,
    /// The way through the nesting to where it is stated.
    pub path: String,
    /// Where in that file.
    pub offset: u64,
    /// How many bytes; 0 where the file as a whole is meant.
    pub size: u64,
    /// Who can come up to it.
    pub from: Vec<String>,
    /// What stands before it.
    pub guards: Vec<GuardLine>,
    /// Who gets through.
    pub open_to: Vec<String>,
    /// Of a connection by which updates and packages are loaded: how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelLine>,
    /// Where it leads.
    pub leads: Vec<LeadLine>,
}

/// A connection by which updates and packages are loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelLine {
    /// Addresses that the code on the way names.
    pub urls: Vec<String>,
    /// `tls`, `clear`, `both`, `unknown`.
    pub transport: String,
    /// Verifications on the way; none where none was seen.
    pub verification: Vec<String>,
}

/// A guard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardLine {
    /// `permission`, `caller-check`, `verification`, `secret`, `file-mode`, `selinux`, `protected-broadcast`, `user`, `adb`.
    pub kind: String,
    /// In words, with its strength.
    pub text: String,
}

/// Where a gate leads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadLine {
    /// What is gained.
    pub capability: String,
    /// As whom.
    pub acts_as: String,
    /// Whether what the outsider says reaches it.
    pub told: bool,
    /// Whether a link of the way is not shown.
    pub loose: bool,
    /// What stands in the way behind the gate.
    pub guards: Vec<GuardLine>,
    /// Who gets there.
    pub open_to: Vec<String>,
    /// The way.
    pub steps: Vec<StepLine>,
}

/// A step of a way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLine {
    /// `app`, `property`, `init`, `script`, `native`, `file`.
    pub layer: String,
    /// What happens.
    pub what: String,
    /// The way through the nesting.
    pub path: String,
    /// Where in that file.
    pub offset: u64,
    /// How many bytes.
    pub size: u64,
}
