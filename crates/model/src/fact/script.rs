//! A script.

use serde::{Deserialize, Serialize};

/// What a script says on its face.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The program after `#!`, with its arguments.
    pub interpreter: String,
    /// How many lines it has.
    pub n_lines: u32,
    /// Absolute paths that it names, sorted.
    pub paths: Vec<String>,
}
