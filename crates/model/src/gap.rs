//! A place where the tool could not look, and why.

use serde::{Deserialize, Serialize};

use crate::{ArtifactId, Fault};

/// A place where the tool could not look. Gaps are part of every report: "nothing found" means nothing without them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Where.
    pub artifact: ArtifactId,
    /// Why, in words: lower case, without a full stop.
    pub why: String,
    /// What was lost by it, for the coverage of a layer.
    pub layer: Layer,
}

impl Gap {
    /// A gap from a fault.
    pub fn of(artifact: ArtifactId, what: &str, fault: &Fault, layer: Layer) -> Gap {
        Gap { artifact, why: format!("{what}: {fault}"), layer }
    }
}

/// The layers of a phone that coverage is told for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Packages, images and file systems.
    Partitions,
    /// Application packages: manifest, resources, signatures.
    Apps,
    /// Bytecode: dex, vdex, odex.
    Code,
    /// Executables and libraries.
    Native,
    /// Kernel and its configuration.
    Kernel,
    /// SELinux policy and contexts.
    Policy,
    /// Certificate stores and keys.
    Trust,
    /// Start-up scripts, properties and other configuration.
    Config,
    /// Baseband and other radio firmware.
    Modem,
    /// Trusted execution environment and its applications.
    Tee,
    /// Boot loaders and other firmware that runs before Android.
    Firmware,
}

impl Layer {
    /// All of them, in the order of a report.
    pub const ALL: [Layer; 11] = [
        Layer::Partitions,
        Layer::Apps,
        Layer::Code,
        Layer::Native,
        Layer::Kernel,
        Layer::Policy,
        Layer::Trust,
        Layer::Config,
        Layer::Modem,
        Layer::Tee,
        Layer::Firmware,
    ];

    /// The word for it in a report.
    pub fn title(self) -> &'static str {
        match self {
            Layer::Partitions => "partitions",
            Layer::Apps => "apps",
            Layer::Code => "bytecode",
            Layer::Native => "native code",
            Layer::Kernel => "kernel",
            Layer::Policy => "SELinux policy",
            Layer::Trust => "trust stores",
            Layer::Config => "configuration",
            Layer::Modem => "modem",
            Layer::Tee => "TEE",
            Layer::Firmware => "boot firmware",
        }
    }
}
