//! A section of an init script (AOSP `system/core/init/README.md`).

use serde::{Deserialize, Serialize};

/// A section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// `service`.
    Service(Box<Service>),
    /// `on`.
    Action(Action),
    /// `import`.
    Import(String),
}

/// `service`, with the options that matter for who it is and who can talk to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Program and arguments.
    pub args: Vec<String>,
    /// `class` names; `default` where not stated.
    pub classes: Vec<String>,
    /// `user`; `None` where not stated: then it runs as root.
    pub user: Option<String>,
    /// `group` and supplementary groups.
    pub groups: Vec<String>,
    /// `capabilities`.
    pub capabilities: Option<Vec<String>>,
    /// `seclabel`.
    pub seclabel: Option<String>,
    /// `socket` options.
    pub sockets: Vec<Socket>,
    /// `disabled`.
    pub disabled: bool,
    /// `oneshot`.
    pub oneshot: bool,
    /// `critical`.
    pub critical: bool,
    /// `override`.
    pub overrides: bool,
    /// `interface` options.
    pub interfaces: Vec<String>,
    /// Commands of `onrestart`.
    pub on_restart: Vec<Vec<String>>,
    /// All other options, as written.
    pub other: Vec<Vec<String>>,
}

/// `socket`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// Its name under `/dev/socket`.
    pub name: String,
    /// `stream`, `dgram` or `seqpacket`, with `+passcred` as written.
    pub kind: String,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub user: Option<String>,
    /// Group.
    pub group: Option<String>,
    /// SELinux label.
    pub seclabel: Option<String>,
}

/// `on`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Triggers that all must hold (`boot`, `property:a=b`).
    pub triggers: Vec<String>,
    /// Its commands.
    pub commands: Vec<Command>,
}

/// A command of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The command and its arguments.
    pub args: Vec<String>,
    /// Its line, from 1.
    pub line: u32,
}
