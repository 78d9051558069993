//! A Linux kernel.

use serde::{Deserialize, Serialize};

/// What a kernel image says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// The banner: `Linux version 4.14.117 (user@host) …`.
    pub banner: String,
    /// Options of the built-in configuration (`ikconfig`), name and value, in their order; empty where there is none.
    pub config: Vec<(String, String)>,
}
