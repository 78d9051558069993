//! A container of bytecode.

use serde::{Deserialize, Serialize};

/// The header of a dex, CompactDex, VDEX, OAT or Dalvik ODEX file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// What it is.
    pub container: Container,
    /// The version in its magic number, as text (`035`, `021`).
    pub version: String,
    /// `class_defs_size`; for containers the sum over what could be counted.
    pub n_classes: Option<u32>,
    /// `method_ids_size`; for containers the sum.
    pub n_methods: Option<u32>,
    /// How many dex files it holds or names.
    pub n_dex: Option<u32>,
}

/// What a bytecode container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// Standard dex.
    Dex,
    /// CompactDex.
    CompactDex,
    /// VDEX.
    Vdex,
    /// OAT in an ELF file (`.odex`, `.oat`).
    Oat,
    /// ODEX of the Dalvik virtual machine.
    DalvikOdex,
    /// ART heap image.
    Art,
}
