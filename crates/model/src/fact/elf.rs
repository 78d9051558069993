//! An ELF file.

use serde::{Deserialize, Serialize};

/// The parts of an ELF file that can be read without disassembly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elf {
    /// `aarch64`, `arm`, `x86`, `x86-64`, `riscv64`, or the number of `e_machine`.
    pub machine: String,
    /// `exec`, `dyn`, `rel`, `core`, or the number of `e_type`.
    pub kind: String,
    /// 32 or 64.
    pub bits: u8,
    /// `PT_INTERP`: present in programs.
    pub interpreter: Option<String>,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`.
    pub needed: Vec<String>,
    /// Undefined dynamic symbols, sorted.
    pub imports: Vec<String>,
    /// Defined dynamic symbols, sorted; bounded, see `n_exports`.
    pub exports: Vec<String>,
    /// How many dynamic symbols are defined.
    pub n_exports: u32,
    /// Names of the sections.
    pub sections: Vec<String>,
    /// GNU build id, in hex.
    pub build_id: Option<String>,
    /// Strings worth keeping: hosts, URLs, paths of programs and device nodes, property names, shell commands; sorted,
    /// bounded.
    pub strings: Vec<String>,
    /// Sections whose bytes look like noise, or segments where a file has no sections; in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Noise>,
}

/// A section whose bytes look like noise: packed or encrypted, or a key, a picture, a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Noise {
    /// Its name; empty for a segment.
    pub name: String,
    /// Where it starts in the file.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Its entropy in thousandths of a bit a byte, of at most 64 KiB in its middle.
    pub millibits: u32,
}

impl Noise {
    /// Bytes of which every value comes as often as any other have 8 bits; code has some 6, deflated data more than 7.9.
    pub const MILLIBITS_MIN: u32 = 7_800;
}

impl Elf {
    /// Whether its code was compiled from bytecode by Android's runtime (an OAT file; AOSP `art/runtime/oat`).
    pub fn is_compiled_bytecode(&self) -> bool {
        self.exports.iter().any(|it| it == "oatdata")
    }
}
