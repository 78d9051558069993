//! Instructions that an optimiser rewrote, brought back to what the compiler wrote.
//!
//! ART replaces field and method indices by offsets and vtable indices (`iget-quick`, `invoke-virtual-quick`), takes
//! away casts that cannot fail, and keeps the indices in a table (AOSP runtime/dex_to_dex_decompiler.cc). Dalvik has
//! no table, and opcodes of its own (AOSP dalvik/libdex/DexOpcodes.h): these become those of ART. What no table brings
//! back stays a quick instruction, see [`Insn::is_unresolved`](crate::Insn::is_unresolved).
//!
//! Invariant: an index that comes from a table lies in the tables of its dex file.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::dex::{Dex, Leb, u16_at, u32_at};
use crate::inline;
use crate::insn::{self, LENS, Lens, is_unresolved, op, skim, unit_at};

/// What was found in the bodies of one dex file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instructions that were brought back.
    pub restored: u64,
    /// Instructions of which only the kind is known.
    pub unresolved: u64,
    /// Bodies whose table does not fit their instructions.
    pub mismatched: u64,
    /// Bodies and classes that were not looked at, since there was no fuel left.
    pub left: u64,
}

/// One or two code units to write at a place of the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edit {
    at: usize,
    units: (u16, Option<u16>),
}

/// Where the original indices of a dex file stand.
pub(crate) enum Table<'a> {
    /// Nowhere.
    Absent,
    /// VDEX 006: what is left of the quickening data, which follows the bodies of all dex files in the order of their
    /// classes: a length, and pairs of code unit and index (LEB128).
    InOrder(&'a [u8]),
    /// VDEX 010: indices in the order of the instructions, by offset of the body.
    ByOffset(FxHashMap<u32, &'a [u8]>),
    /// VDEX 019 and 021: the quickening data, and where in it the offsets by method index start.
    ByMethod(&'a [u8], u32),
    /// Opcodes of Dalvik.
    Dalvik,
}

/// The indices of one body.
enum Entries<'a> {
    None,
    Pairs(Leb<'a>),
    Units(&'a [u8]),
}

impl Edit {
    /// Writes, if the place lies in the bytes.
    pub fn apply(&self, bytes: &mut [u8]) {
        let (first, second) = self.units;
        let mut write = |at: usize, unit: u16| {
            if let Some(place) = bytes.get_mut(at..).and_then(|it| it.first_chunk_mut()) {
                *place = unit.to_le_bytes();
            }
        };
        write(self.at, first);
        if let Some(second) = second {
            write(self.at.saturating_add(2), second);
        }
    }
}

/// What has to be written to bring the bodies of a dex file back. `fuel` counts code units and members.
pub(crate) fn restore(dex: &Dex, table: &mut Table, fuel: &mut u64, edits: &mut Vec<Edit>) -> Counts {
    let mut counts = Counts::default();
    let mut seen = FxHashSet::default();
    let inlined = if matches!(table, Table::Dalvik) { inline::methods(dex) } else { Vec::new() };
    for class in dex.class_defs() {
        // Lists of members may overlap as bodies may.
        if *fuel == 0 {
            counts.left = counts.left.saturating_add(1);
            continue;
        }
        let members = dex.members(&class);
        *fuel = fuel.saturating_sub(members.len());
        for member in members.direct_methods.iter().chain(&members.virtual_methods) {
            if member.code_off == 0 {
                continue;
            }
            let mut entries = entries_of(table, member.code_off, member.idx);
            let Some(code) = dex.code(member.code_off) else { continue };
            // Methods may share a body.
            if !seen.insert(member.code_off) {
                continue;
            }
            let cost = u64::try_from(code.insns.len()).unwrap_or(u64::MAX) / 2;
            let Some(left) = fuel.checked_sub(cost) else {
                counts.left = counts.left.saturating_add(1);
                continue;
            };
            *fuel = left;
            let mut body = Body { dex, insns: code.insns, at: code.insns_off, edits, counts: &mut counts };
            match table {
                Table::Dalvik => body.restore_dalvik(&inlined),
                _ => body.restore_art(&mut entries),
            }
        }
    }
    counts
}

struct Body<'a> {
    dex: &'a Dex,
    insns: &'a [u8],
    /// Where the instructions start in the bytes.
    at: usize,
    edits: &'a mut Vec<Edit>,
    counts: &'a mut Counts,
}

impl Body<'_> {
    fn restore_art(&mut self, entries: &mut Entries) {
        let mut pc = 0u32;
        while let Some((code, mut len)) = skim(self.insns, pc, &LENS) {
            match code {
                0 => {
                    if let Some((register, type_idx)) = entries.cast(pc, self.dex.n_types()) {
                        self.write(pc, u16::from(register) << 8 | u16::from(op::CHECK_CAST), Some(type_idx));
                        len = 2;
                    }
                }
                RETURN_VOID_NO_BARRIER => self.write(pc, op::RETURN_VOID.into(), None),
                _ if is_unresolved(code) => {
                    let original = original_of(code);
                    let is_call = matches!(code, op::INVOKE_VIRTUAL_QUICK | op::INVOKE_VIRTUAL_RANGE_QUICK);
                    let bound = if is_call { self.dex.n_methods() } else { self.dex.n_fields() };
                    match entries.next(pc).filter(|&idx| u32::from(idx) < bound) {
                        Some(idx) => self.rewrite(pc, original, Some(idx)),
                        None => self.counts.unresolved = self.counts.unresolved.saturating_add(1),
                    }
                }
                _ => {}
            }
            pc = pc.saturating_add(len);
        }
        if !entries.is_used_up() {
            self.counts.mismatched = self.counts.mismatched.saturating_add(1);
        }
    }

    fn restore_dalvik(&mut self, inlined: &[Option<inline::Inlined>]) {
        let mut pc = 0u32;
        while let Some((code, len)) = skim(self.insns, pc, &DALVIK_LENS) {
            match code {
                THROW_VERIFICATION_ERROR => self.write(pc, op::THROW.into(), Some(0)),
                EXECUTE_INLINE | EXECUTE_INLINE_RANGE => {
                    let idx = pc.checked_add(1).and_then(|it| unit_at(self.insns, it)).map(usize::from);
                    let found = idx.and_then(|it| inlined.get(it)).copied().flatten();
                    let (first, is_range) = (unit_at(self.insns, pc).unwrap_or(0), code == EXECUTE_INLINE_RANGE);
                    let count = u8::try_from(if is_range { first >> 8 } else { first >> 12 }).unwrap_or(u8::MAX);
                    match found.filter(|it| it.n_args == count) {
                        Some(method) => {
                            let plain = if method.is_static { op::INVOKE_STATIC } else { op::INVOKE_VIRTUAL };
                            let code = if is_range { plain.saturating_add(RANGE) } else { plain };
                            self.rewrite(pc, code, Some(method.idx));
                        }
                        None => self.unresolved(pc, op::INVOKE_VIRTUAL_QUICK.saturating_add(is_range.into())),
                    }
                }
                _ => match dalvik_original_of(code) {
                    Some(plain) if is_unresolved(plain) => self.unresolved(pc, plain),
                    Some(plain) => self.rewrite(pc, plain, None),
                    None => {}
                },
            }
            pc = pc.saturating_add(len);
        }
    }

    /// Replaces the opcode and, if given, the second code unit.
    fn rewrite(&mut self, pc: u32, code: u8, second: Option<u16>) {
        let first = unit_at(self.insns, pc).unwrap_or(0) & 0xff00;
        self.write(pc, first | u16::from(code), second);
    }

    fn unresolved(&mut self, pc: u32, code: u8) {
        self.rewrite(pc, code, None);
        self.counts.restored = self.counts.restored.saturating_sub(1);
        self.counts.unresolved = self.counts.unresolved.saturating_add(1);
    }

    fn write(&mut self, pc: u32, first: u16, second: Option<u16>) {
        let at = usize::try_from(pc).ok().and_then(|it| it.checked_mul(2)?.checked_add(self.at));
        if let Some(at) = at {
            self.edits.push(Edit { at, units: (first, second) });
            self.counts.restored = self.counts.restored.saturating_add(1);
        }
    }
}

impl Entries<'_> {
    /// The index of the quick instruction at `pc`.
    fn next(&mut self, pc: u32) -> Option<u16> {
        match self {
            Entries::None => None,
            Entries::Pairs(pairs) => {
                let mut ahead = Leb { bytes: pairs.bytes };
                let (at, idx) = (ahead.next()?, ahead.next()?);
                if at != pc {
                    return None;
                }
                *pairs = ahead;
                u16::try_from(idx).ok()
            }
            Entries::Units(units) => {
                let idx = u16_at(units, 0)?;
                *units = units.get(2..)?;
                Some(idx)
            }
        }
    }

    /// Register and type of the cast that stood at the `nop` at `pc`.
    fn cast(&mut self, pc: u32, n_types: u32) -> Option<(u8, u16)> {
        let register = self.next(pc)?;
        if matches!(self, Entries::Units(_)) && register == NO_CAST {
            return None;
        }
        let type_idx = self.next(pc)?;
        if n_types <= u32::from(type_idx) {
            return None;
        }
        Some((u8::try_from(register).ok()?, type_idx))
    }

    fn is_used_up(&self) -> bool {
        match self {
            Entries::None => true,
            Entries::Pairs(pairs) => pairs.bytes.is_empty(),
            Entries::Units(units) => units.is_empty(),
        }
    }
}

fn entries_of<'a>(table: &mut Table<'a>, code_off: u32, method_idx: u32) -> Entries<'a> {
    let units = |bytes: Option<&'a [u8]>| bytes.map_or(Entries::None, Entries::Units);
    match table {
        Table::Absent | Table::Dalvik => Entries::None,
        Table::InOrder(rest) => {
            let len = u32_at(rest, 0).and_then(|it| usize::try_from(it).ok());
            let parts = len.and_then(|len| rest.get(4..)?.split_at_checked(len));
            *rest = parts.map_or(&[][..], |it| it.1);
            parts.map_or(Entries::None, |it| Entries::Pairs(Leb { bytes: it.0 }))
        }
        Table::ByOffset(bodies) => units(bodies.get(&code_off).copied()),
        Table::ByMethod(data, offsets) => units(by_method(data, *offsets, method_idx)),
    }
}

/// The indices of a method: a count (LEB128) and code units, at an offset that counts from one.
fn by_method(data: &[u8], offsets: u32, method_idx: u32) -> Option<&[u8]> {
    let table = data.get(usize::try_from(offsets).ok()?..)?;
    let offset = compact_offset(table, method_idx)?.checked_sub(1)?;
    let mut leb = Leb { bytes: data.get(usize::try_from(offset).ok()?..)? };
    let count = usize::try_from(leb.next()?).ok()?;
    leb.bytes.get(..count.checked_mul(2)?)
}

/// An entry of a compact offset table, none for 0 (AOSP compact_offset_table.cc): the least offset, where the blocks
/// are listed, and blocks of sixteen entries: a mask of those that are not 0, and the steps between these.
fn compact_offset(table: &[u8], idx: u32) -> Option<u32> {
    let (least, list) = (u32_at(table, 0)?, u32_at(table, 4)?);
    let blocks = table.get(8..)?;
    let entry = usize::try_from(list).ok()?.checked_add(usize::try_from(idx / BLOCK).ok()?.checked_mul(4)?)?;
    let block = blocks.get(usize::try_from(u32_at(blocks, entry)?).ok()?..)?;
    let mask = u16::from_be_bytes(*block.first_chunk()?);
    let bit = 1u16.checked_shl(idx % BLOCK)?;
    if mask & bit == 0 {
        return None;
    }
    let upto = mask & (bit | bit.wrapping_sub(1));
    let mut steps = Leb { bytes: block.get(2..)? };
    let mut offset = least;
    for _ in 0..upto.count_ones() {
        // A step back is one that wraps.
        offset = offset.wrapping_add(steps.next()?);
    }
    Some(offset)
}

/// What a quick instruction of ART was.
fn original_of(code: u8) -> u8 {
    match code {
        0xe3 => 0x52,
        0xe4 => 0x53,
        0xe5 => 0x54,
        0xe6 => 0x59,
        0xe7 => 0x5a,
        0xe8 => 0x5b,
        0xe9 => 0x6e,
        0xea => 0x74,
        0xeb => 0x5c,
        0xec => 0x5d,
        0xed => 0x5e,
        0xee => 0x5f,
        0xef => 0x55,
        0xf0 => 0x56,
        0xf1 => 0x57,
        0xf2 => 0x58,
        _ => code,
    }
}

/// What an instruction of Dalvik is in ART: volatile accesses keep their index, quick ones and calls of a superclass
/// by vtable become quick ones.
fn dalvik_original_of(code: u8) -> Option<u8> {
    Some(match code {
        0xe3 => 0x52,
        0xe4 => 0x59,
        0xe5 => 0x60,
        0xe6 => 0x67,
        0xe7 => 0x54,
        0xe8 => 0x53,
        0xe9 => 0x5a,
        0xea => 0x61,
        0xeb => 0x68,
        // invoke-object-init/range
        0xf0 => 0x76,
        // return-void-barrier
        0xf1 => 0x0e,
        0xf2 => 0xe3,
        0xf3 => 0xe4,
        0xf4 => 0xe5,
        0xf5 => 0xe6,
        0xf6 => 0xe7,
        0xf7 => 0xe8,
        0xf8 | 0xfa => 0xe9,
        0xf9 | 0xfb => 0xea,
        0xfc => 0x5b,
        0xfd => 0x62,
        0xfe => 0x69,
        _ => return None,
    })
}

static DALVIK_LENS: Lens = dalvik_lens();

#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
const fn dalvik_lens() -> Lens {
    let mut lens = insn::lens();
    let mut code = 0xe3;
    while code < 0x100 {
        lens[code] = match code {
            0xec | 0xf1 | 0xff => 1,
            0xee..=0xf0 | 0xf8..=0xfb => 3,
            _ => 2,
        };
        code += 1;
    }
    lens
}

/// In Android 5 `return-void-barrier`.
const RETURN_VOID_NO_BARRIER: u8 = 0x73;

const THROW_VERIFICATION_ERROR: u8 = 0xed;
const EXECUTE_INLINE: u8 = 0xee;
const EXECUTE_INLINE_RANGE: u8 = 0xef;

/// From a call to the same with a range of registers.
const RANGE: u8 = 6;

/// Entries of a block of a compact offset table.
const BLOCK: u32 = 16;

/// Stands for a `nop` that was no cast.
const NO_CAST: u16 = u16::MAX;
