//! Instructions, one at a time, from bytes to [`Op`]s. Only what moves pointers, numbers and control is told apart;
//! everything else sets its registers to something unknown.

mod a32;
mod a64;
mod t32;
mod x86;

use crate::isa::{Isa, Lifted, Op};

/// Reads the instruction at an address. `None`: these bytes are no instruction that is known.
pub fn lift(isa: Isa, bytes: &[u8], at: u64, ops: &mut Vec<Op>) -> Option<Lifted> {
    match isa {
        Isa::A64 => a64::lift(word(bytes)?, at, ops),
        Isa::A32 => a32::lift(word(bytes)?, at, ops),
        Isa::T32 => t32::lift(bytes, at, ops),
        Isa::X86 => x86::lift(bytes, at, 32, ops),
        Isa::X64 => x86::lift(bytes, at, 64, ops),
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from_le_bytes(*it))
}

fn half(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from(u16::from_le_bytes(*it)))
}

/// `len` bits of a word from bit `low`.
fn bits(word: u32, low: u32, len: u32) -> u32 {
    word.wrapping_shr(low) & 1u32.wrapping_shl(len).wrapping_sub(1)
}

/// A number of `len` bits with its sign.
fn signed(value: u32, len: u32) -> i64 {
    let unused = 32u32.wrapping_sub(len);
    i64::from((value.wrapping_shl(unused) as i32).wrapping_shr(unused))
}
