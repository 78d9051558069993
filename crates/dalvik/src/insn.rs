//! Instructions: decoded one by one from the code units, without allocation.

/// Opcodes that are asked for by name; ranges are in the order of the specification.
#[allow(missing_docs)]
pub mod op {
    pub const MOVE: u8 = 0x01;
    pub const MOVE_OBJECT_16: u8 = 0x09;
    pub const MOVE_RESULT: u8 = 0x0a;
    pub const MOVE_RESULT_OBJECT: u8 = 0x0c;
    pub const MOVE_EXCEPTION: u8 = 0x0d;
    pub const RETURN_VOID: u8 = 0x0e;
    pub const RETURN: u8 = 0x0f;
    pub const RETURN_OBJECT: u8 = 0x11;
    pub const CONST_4: u8 = 0x12;
    pub const CONST: u8 = 0x14;
    pub const CONST_HIGH16: u8 = 0x15;
    pub const CONST_WIDE_HIGH16: u8 = 0x19;
    pub const CONST_STRING: u8 = 0x1a;
    pub const CONST_STRING_JUMBO: u8 = 0x1b;
    pub const CONST_CLASS: u8 = 0x1c;
    pub const CHECK_CAST: u8 = 0x1f;
    pub const INSTANCE_OF: u8 = 0x20;
    pub const ARRAY_LENGTH: u8 = 0x21;
    pub const NEW_INSTANCE: u8 = 0x22;
    pub const NEW_ARRAY: u8 = 0x23;
    pub const FILLED_NEW_ARRAY: u8 = 0x24;
    pub const FILLED_NEW_ARRAY_RANGE: u8 = 0x25;
    pub const FILL_ARRAY_DATA: u8 = 0x26;
    pub const THROW: u8 = 0x27;
    pub const GOTO: u8 = 0x28;
    pub const GOTO_32: u8 = 0x2a;
    pub const PACKED_SWITCH: u8 = 0x2b;
    pub const SPARSE_SWITCH: u8 = 0x2c;
    pub const CMPL_FLOAT: u8 = 0x2d;
    pub const CMP_LONG: u8 = 0x31;
    pub const IF_EQ: u8 = 0x32;
    pub const IF_LE: u8 = 0x37;
    pub const IF_EQZ: u8 = 0x38;
    pub const IF_LEZ: u8 = 0x3d;
    pub const AGET: u8 = 0x44;
    pub const AGET_SHORT: u8 = 0x4a;
    pub const APUT: u8 = 0x4b;
    pub const APUT_SHORT: u8 = 0x51;
    pub const IGET: u8 = 0x52;
    pub const IGET_SHORT: u8 = 0x58;
    pub const IPUT: u8 = 0x59;
    pub const IPUT_SHORT: u8 = 0x5f;
    pub const SGET: u8 = 0x60;
    pub const SGET_SHORT: u8 = 0x66;
    pub const SPUT: u8 = 0x67;
    pub const SPUT_SHORT: u8 = 0x6d;
    pub const INVOKE_VIRTUAL: u8 = 0x6e;
    pub const INVOKE_SUPER: u8 = 0x6f;
    pub const INVOKE_DIRECT: u8 = 0x70;
    pub const INVOKE_STATIC: u8 = 0x71;
    pub const INVOKE_INTERFACE: u8 = 0x72;
    pub const INVOKE_VIRTUAL_RANGE: u8 = 0x74;
    pub const INVOKE_INTERFACE_RANGE: u8 = 0x78;
    pub const UNOP_FIRST: u8 = 0x7b;
    pub const UNOP_LAST: u8 = 0x8f;
    pub const BINOP_FIRST: u8 = 0x90;
    pub const BINOP_LAST: u8 = 0xaf;
    pub const BINOP_2ADDR_FIRST: u8 = 0xb0;
    pub const BINOP_2ADDR_LAST: u8 = 0xcf;
    pub const BINOP_LIT_FIRST: u8 = 0xd0;
    pub const BINOP_LIT_LAST: u8 = 0xe2;
    pub const IGET_QUICK: u8 = 0xe3;
    pub const IPUT_QUICK: u8 = 0xe6;
    pub const IPUT_OBJECT_QUICK: u8 = 0xe8;
    pub const INVOKE_VIRTUAL_QUICK: u8 = 0xe9;
    pub const INVOKE_VIRTUAL_RANGE_QUICK: u8 = 0xea;
    pub const IPUT_BOOLEAN_QUICK: u8 = 0xeb;
    pub const IPUT_SHORT_QUICK: u8 = 0xee;
    pub const IGET_BOOLEAN_QUICK: u8 = 0xef;
    pub const IGET_SHORT_QUICK: u8 = 0xf2;
    pub const INVOKE_POLYMORPHIC: u8 = 0xfa;
    pub const INVOKE_POLYMORPHIC_RANGE: u8 = 0xfb;
    pub const INVOKE_CUSTOM: u8 = 0xfc;
    pub const INVOKE_CUSTOM_RANGE: u8 = 0xfd;
    pub const CONST_METHOD_HANDLE: u8 = 0xfe;
    pub const CONST_METHOD_TYPE: u8 = 0xff;
}

/// One instruction. Which fields mean something depends on the format of the opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insn {
    /// Where it starts, in code units.
    pub pc: u32,
    /// How many code units it has.
    pub len: u32,
    /// The opcode.
    pub op: u8,
    /// First register, `vA`.
    pub a: u16,
    /// Second register, `vB`.
    pub b: u16,
    /// Third register, `vC`.
    pub c: u16,
    /// Index of a string, type, field, method, call site, handle or proto.
    pub idx: u32,
    /// A second index: the proto of `invoke-polymorphic`.
    pub proto: u32,
    /// A literal, with its sign.
    pub lit: i64,
    /// Where a branch leads or a payload lies, in code units from the start of the method.
    pub target: u32,
    /// The registers of a call or a filled array.
    pub args: Args,
}

impl Insn {
    /// Whether an optimiser took the field or method away and no table gave it back: a call of an unknown method of
    /// the first argument, or a read or write of an unknown field. `idx` is then a vtable index or a byte offset.
    pub fn is_unresolved(&self) -> bool {
        is_unresolved(self.op)
    }
}

pub(crate) fn is_unresolved(op: u8) -> bool {
    (op::IGET_QUICK..=op::IGET_SHORT_QUICK).contains(&op)
}

/// Registers that are passed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Args {
    /// At most five.
    List([u16; 5], u8),
    /// The first, and how many.
    Range(u16, u16),
}

impl Args {
    /// How many registers.
    pub fn len(self) -> usize {
        match self {
            Args::List(_, n) => n.into(),
            Args::Range(_, n) => n.into(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The n-th register.
    pub fn reg(self, n: usize) -> Option<u16> {
        match self {
            Args::List(list, count) if n < usize::from(count) => list.get(n).copied(),
            Args::Range(first, count) if n < usize::from(count) => first.checked_add(u16::try_from(n).ok()?),
            _ => None,
        }
    }
}

/// How an opcode is laid out, by the names of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    F10x,
    F12x,
    F11n,
    F11x,
    F10t,
    F20t,
    F22x,
    F21t,
    F21s,
    F21h32,
    F21h64,
    F21c,
    F23x,
    F22b,
    F22t,
    F22s,
    F22c,
    F30t,
    F32x,
    F31i,
    F31t,
    F31c,
    F35c,
    F3rc,
    F45cc,
    F4rcc,
    F51l,
}

const fn layout_of(op: u8) -> Layout {
    use Layout::*;
    match op {
        0x01 | 0x04 | 0x07 | 0x21 | 0x7b..=0x8f | 0xb0..=0xcf => F12x,
        0x02 | 0x05 | 0x08 => F22x,
        0x03 | 0x06 | 0x09 => F32x,
        0x0a..=0x0d | 0x0f..=0x11 | 0x1d | 0x1e | 0x27 => F11x,
        0x12 => F11n,
        0x13 | 0x16 => F21s,
        0x14 | 0x17 => F31i,
        0x15 => F21h32,
        0x19 => F21h64,
        0x18 => F51l,
        0x1a | 0x1c | 0x1f | 0x22 | 0x60..=0x6d | 0xfe | 0xff => F21c,
        0x1b => F31c,
        // From 0xe3 on: what an optimiser writes, `iget-quick` and its kind.
        0x20 | 0x23 | 0x52..=0x5f | 0xe3..=0xe8 | 0xeb..=0xf2 => F22c,
        0x24 | 0x6e..=0x72 | 0xe9 | 0xfc => F35c,
        0x25 | 0x74..=0x78 | 0xea | 0xfd => F3rc,
        0x26 | 0x2b | 0x2c => F31t,
        0x28 => F10t,
        0x29 => F20t,
        0x2a => F30t,
        0x2d..=0x31 | 0x44..=0x51 | 0x90..=0xaf => F23x,
        0x32..=0x37 => F22t,
        0x38..=0x3d => F21t,
        0xd0..=0xd7 => F22s,
        0xd8..=0xe2 => F22b,
        0xfa => F45cc,
        0xfb => F4rcc,
        _ => F10x,
    }
}

const fn len_of(layout: Layout) -> u32 {
    use Layout::*;
    match layout {
        F10x | F12x | F11n | F11x | F10t => 1,
        F20t | F22x | F21t | F21s | F21h32 | F21h64 | F21c | F23x | F22b | F22t | F22s | F22c => 2,
        F30t | F32x | F31i | F31t | F31c | F35c | F3rc => 3,
        F45cc | F4rcc => 4,
        F51l => 5,
    }
}

/// The instruction at a code unit; none where it does not fit. A payload (of a switch or an array) is no instruction:
/// it is a `nop` with the length of the payload.
pub fn insn_at(insns: &[u8], pc: u32) -> Option<Insn> {
    let unit = |n: u32| unit_at(insns, pc.checked_add(n)?);
    let first = unit(0)?;
    let [op, high] = first.to_le_bytes();
    let (low4, high4) = (u16::from(high & 0xf), u16::from(high >> 4));
    let high = u16::from(high);
    let layout = layout_of(op);
    let len = if op == 0 { payload_len(insns, pc).unwrap_or(1) } else { len_of(layout) };
    let mut insn = Insn { pc, len, op, a: 0, b: 0, c: 0, idx: 0, proto: 0, lit: 0, target: 0, args: Args::Range(0, 0) };
    let branch = |by: i32| pc.checked_add_signed(by).unwrap_or(u32::MAX);
    let word = |n: u32| Some(u32::from(unit(n)?) | u32::from(unit(n.checked_add(1)?)?) << 16);
    use Layout::*;
    match layout {
        F10x => {}
        F12x => (insn.a, insn.b) = (low4, high4),
        F11n => (insn.a, insn.lit) = (low4, i64::from(signed(u32::from(high4), 4))),
        F11x => insn.a = high,
        F10t => insn.target = branch(signed(high.into(), 8)),
        F20t => insn.target = branch(signed(unit(1)?.into(), 16)),
        F22x => (insn.a, insn.b) = (high, unit(1)?),
        F21t => (insn.a, insn.target) = (high, branch(signed(unit(1)?.into(), 16))),
        F21s => (insn.a, insn.lit) = (high, signed(unit(1)?.into(), 16).into()),
        F21h32 => (insn.a, insn.lit) = (high, i64::from(signed(unit(1)?.into(), 16)) << 16),
        F21h64 => (insn.a, insn.lit) = (high, i64::from(signed(unit(1)?.into(), 16)) << 48),
        F21c => (insn.a, insn.idx) = (high, unit(1)?.into()),
        F23x => {
            let [b, c] = unit(1)?.to_le_bytes();
            (insn.a, insn.b, insn.c) = (high, b.into(), c.into());
        }
        F22b => {
            let [b, c] = unit(1)?.to_le_bytes();
            (insn.a, insn.b, insn.lit) = (high, b.into(), signed(c.into(), 8).into());
        }
        F22t => (insn.a, insn.b, insn.target) = (low4, high4, branch(signed(unit(1)?.into(), 16))),
        F22s => (insn.a, insn.b, insn.lit) = (low4, high4, signed(unit(1)?.into(), 16).into()),
        F22c => (insn.a, insn.b, insn.idx) = (low4, high4, unit(1)?.into()),
        F30t => insn.target = branch(signed(word(1)?, 32)),
        F32x => (insn.a, insn.b) = (unit(1)?, unit(2)?),
        F31i => (insn.a, insn.lit) = (high, signed(word(1)?, 32).into()),
        F31t => (insn.a, insn.target) = (high, branch(signed(word(1)?, 32))),
        F31c => (insn.a, insn.idx) = (high, word(1)?),
        F35c | F45cc => {
            insn.idx = unit(1)?.into();
            let regs = unit(2)?;
            let nibble = |shift: u32| regs.checked_shr(shift).unwrap_or(0) & 0xf;
            let count = u8::try_from(high4.min(5)).unwrap_or(5);
            insn.args = Args::List([nibble(0), nibble(4), nibble(8), nibble(12), low4], count);
            if layout == F45cc {
                insn.proto = unit(3)?.into();
            }
        }
        F3rc | F4rcc => {
            insn.idx = unit(1)?.into();
            insn.args = Args::Range(unit(2)?, high);
            if layout == F4rcc {
                insn.proto = unit(3)?.into();
            }
        }
        F51l => {
            let (low, top) = (u64::from(word(1)?), u64::from(word(3)?));
            (insn.a, insn.lit) = (high, i64::from_le_bytes((low | top << 32).to_le_bytes()));
        }
    }
    Some(insn)
}

/// All instructions in order. Ends at the first that does not fit.
#[derive(Debug, Clone)]
pub struct Insns<'a> {
    insns: &'a [u8],
    pc: u32,
}

impl<'a> Insns<'a> {
    /// The instructions of a body.
    pub fn new(insns: &'a [u8]) -> Insns<'a> {
        Insns { insns, pc: 0 }
    }
}

impl Iterator for Insns<'_> {
    type Item = Insn;

    fn next(&mut self) -> Option<Insn> {
        let insn = insn_at(self.insns, self.pc)?;
        self.pc = self.pc.checked_add(insn.len)?;
        Some(insn)
    }
}

/// Keys and targets of the switch at `pc` whose payload lies at `target`; targets count from the start of the method.
pub fn switch_targets(insns: &[u8], pc: u32, target: u32) -> Vec<(i32, u32)> {
    read_switch(insns, pc, target).unwrap_or_default()
}

fn read_switch(insns: &[u8], pc: u32, target: u32) -> Option<Vec<(i32, u32)>> {
    let kind = unit_at(insns, target)?;
    let size = u32::from(unit_at(insns, target.checked_add(1)?)?);
    let word = |n: u32| {
        let at = target.checked_add(2)?.checked_add(n.checked_mul(2)?)?;
        let value = u32::from(unit_at(insns, at)?) | u32::from(unit_at(insns, at.checked_add(1)?)?) << 16;
        Some(i32::from_le_bytes(value.to_le_bytes()))
    };
    let mut targets = Vec::new();
    for n in 0..size {
        let (key, by) = match kind {
            PACKED_SWITCH_PAYLOAD => (word(0)?.wrapping_add_unsigned(n), word(n.checked_add(1)?)?),
            SPARSE_SWITCH_PAYLOAD => (word(n)?, word(n.checked_add(size)?)?),
            _ => return None,
        };
        targets.push((key, pc.checked_add_signed(by)?));
    }
    Some(targets)
}

/// Width of an element and the data of the payload of `fill-array-data`.
pub fn array_data(insns: &[u8], target: u32) -> Option<(u16, &[u8])> {
    if unit_at(insns, target)? != FILL_ARRAY_DATA_PAYLOAD {
        return None;
    }
    let width = unit_at(insns, target.checked_add(1)?)?;
    let at = usize::try_from(target).ok()?.checked_mul(2)?;
    let size: [u8; 4] = *insns.get(at.checked_add(4)?..)?.first_chunk()?;
    let len = usize::try_from(u32::from_le_bytes(size)).ok()?.checked_mul(width.into())?;
    let data = insns.get(at.checked_add(8)?..)?;
    data.get(..len).map(|data| (width, data))
}

fn payload_len(insns: &[u8], pc: u32) -> Option<u32> {
    let size = u32::from(unit_at(insns, pc.checked_add(1)?)?);
    match unit_at(insns, pc)? {
        PACKED_SWITCH_PAYLOAD => size.checked_mul(2)?.checked_add(4),
        SPARSE_SWITCH_PAYLOAD => size.checked_mul(4)?.checked_add(2),
        FILL_ARRAY_DATA_PAYLOAD => {
            let (low, high) = (unit_at(insns, pc.checked_add(2)?)?, unit_at(insns, pc.checked_add(3)?)?);
            let count = u32::from(low) | u32::from(high) << 16;
            count.checked_mul(size)?.checked_add(1)?.checked_div(2)?.checked_add(4)
        }
        _ => None,
    }
}

/// How many code units each opcode takes.
pub(crate) type Lens = [u8; 256];

/// The opcodes of the specification and of ART.
pub(crate) static LENS: Lens = lens();

#[expect(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, clippy::indexing_slicing)]
pub(crate) const fn lens() -> Lens {
    let mut lens = [1; 256];
    let mut op = 0;
    while op < 256 {
        lens[op] = len_of(layout_of(op as u8)) as u8;
        op += 1;
    }
    lens
}

/// Opcode and length of the instruction at a code unit; none behind the last that fits.
pub(crate) fn skim(insns: &[u8], pc: u32, lens: &Lens) -> Option<(u8, u32)> {
    let [op, _] = unit_at(insns, pc)?.to_le_bytes();
    let len = match op {
        0 => payload_len(insns, pc).unwrap_or(1),
        _ => u32::from(*lens.get(usize::from(op))?),
    };
    let end = usize::try_from(pc.checked_add(len)?).ok()?.checked_mul(2)?;
    (end <= insns.len()).then_some((op, len))
}

pub(crate) fn unit_at(insns: &[u8], pc: u32) -> Option<u16> {
    let at = usize::try_from(pc).ok()?.checked_mul(2)?;
    insns.get(at..)?.first_chunk().map(|it| u16::from_le_bytes(*it))
}

/// The low `bits` of a number, with the sign of the highest of them.
fn signed(value: u32, bits: u32) -> i32 {
    let unused = 32u32.saturating_sub(bits);
    i32::from_le_bytes((value << unused).to_le_bytes()) >> unused
}

const PACKED_SWITCH_PAYLOAD: u16 = 0x0100;
const SPARSE_SWITCH_PAYLOAD: u16 = 0x0200;
const FILL_ARRAY_DATA_PAYLOAD: u16 = 0x0300;

#[cfg(test)]
mod tests {
    use super::*;

    fn one(units: &[u16]) -> Insn {
        let bytes: Vec<u8> = units.iter().flat_map(|it| it.to_le_bytes()).collect();
        insn_at(&bytes, 0).unwrap()
    }

    #[test]
    fn instructions_decode_as_the_specification_lays_them_out() {
        let insn = one(&[0xf012]);
        assert_eq!((insn.op, insn.a, insn.lit), (op::CONST_4, 0, -1), "const/4 v0, -1");
        let insn = one(&[0x0513, 0xfffe]);
        assert_eq!((insn.a, insn.lit, insn.len), (5, -2, 2), "const/16 v5, -2");
        let insn = one(&[0x2070, 0x0007, 0x0010]);
        assert_eq!((insn.idx, insn.args.len(), insn.args.reg(0), insn.args.reg(1)), (7, 2, Some(0), Some(1)));
        let insn = one(&[0x0374, 0x0007, 0x0010]);
        assert_eq!(insn.args, Args::Range(16, 3), "three registers from v16 on");
    }

    #[test]
    fn a_payload_is_skipped_whole() {
        let units: [u16; 9] = [0x0e, 0x0100, 1, 5, 0, 0x20, 0, 0x0e, 0];
        let bytes: Vec<u8> = units.iter().flat_map(|it| it.to_le_bytes()).collect();
        let pcs: Vec<u32> = Insns::new(&bytes).map(|it| it.pc).collect();
        assert_eq!(pcs, [0, 1, 7, 8]);
        assert_eq!(switch_targets(&bytes, 0, 1), [(5, 0x20)]);
    }
}
