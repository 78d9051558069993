//! A system property.

use serde::{Deserialize, Serialize};

/// A line of a property file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Property {
    /// `name=value`.
    Set {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// `name?=value`: set only where it is not set yet.
    Default {
        /// The name.
        name: String,
        /// The value.
        value: String,
    },
    /// `import path [prefix]`.
    Import {
        /// The path, which may hold `${property}`.
        path: String,
        /// Only properties that match this pattern are taken.
        prefix: Option<String>,
    },
}
