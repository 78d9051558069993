//! A rule that gives an SELinux context to a file, property, service or app.

use serde::{Deserialize, Serialize};

/// A line of `file_contexts`, `property_contexts`, `service_contexts` or `seapp_contexts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextRule {
    /// What it labels.
    pub kind: ContextKind,
    /// Path pattern, property prefix, service name; for `seapp` the inputs, as written.
    pub pattern: String,
    /// The context; for `seapp` the outputs, as written.
    pub context: String,
    /// The file type of a `file` rule (`--`, `-d`, `-c`…), or how a `property` rule matches (`exact string`); empty where
    /// not stated.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub qualifier: String,
}

/// What a context rule labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextKind {
    /// `file_contexts`.
    File,
    /// `property_contexts`.
    Property,
    /// `service_contexts`.
    Service,
    /// `hwservice_contexts`.
    HwService,
    /// `vndservice_contexts`.
    VndService,
    /// `seapp_contexts`.
    Seapp,
    /// `keystore2_key_contexts`.
    KeystoreKey,
}
