//! AArch64 (Arm Architecture Reference Manual DDI 0487, chapter C4: the encoding index).

use crate::isa::{Addr, Cond, Expr, Flow, Lifted, Op, Reg, Src, Target, ZERO};

use super::{bits, signed};

pub fn lift(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Lifted> {
    let flow = match bits(word, 25, 4) {
        0b1000 | 0b1001 => immediate(word, at, ops),
        0b1010 | 0b1011 => return branch(word, at, ops).map(lifted),
        0b0100 | 0b0110 | 0b1100 | 0b1110 => return load_store(word, at, ops).map(lifted),
        0b0101 | 0b1101 => register(word, ops),
        0b0111 | 0b1111 => vector(word, ops),
        _ => return None,
    };
    Some(lifted(flow))
}

fn lifted(flow: Flow) -> Lifted {
    Lifted { size: 4, flow, maybe: false, makes_conditional: 0 }
}

/// A register field in which 31 is zero.
fn reg(word: u32, low: u32) -> Reg {
    match bits(word, low, 5) as Reg {
        31 => ZERO,
        other => other,
    }
}

/// A register field in which 31 is the stack pointer.
fn reg_sp(word: u32, low: u32) -> Reg {
    bits(word, low, 5) as Reg
}

fn set(ops: &mut Vec<Op>, reg: Reg, expr: Expr) {
    if reg != ZERO {
        ops.push(Op::Set(reg, expr));
    }
}

/// Data processing, immediate.
fn immediate(word: u32, at: u64, ops: &mut Vec<Op>) -> Flow {
    let wide = bits(word, 31, 1) == 1;
    let (rd, rn) = (reg(word, 0), reg(word, 5));
    match bits(word, 23, 3) {
        0b000 | 0b001 => {
            let offset = signed(bits(word, 5, 19) << 2 | bits(word, 29, 2), 21);
            let address = match wide {
                true => (at & !0xfff).wrapping_add_signed(offset << 12),
                false => at.wrapping_add_signed(offset),
            };
            set(ops, rd, Expr::Const(address));
        }
        0b010 => {
            let imm = i64::from(bits(word, 10, 12)) << if bits(word, 22, 1) == 1 { 12 } else { 0 };
            let (subtract, flags) = (bits(word, 30, 1) == 1, bits(word, 29, 1) == 1);
            let rn = reg_sp(word, 5);
            if flags && subtract {
                ops.push(Op::Compare(Src::Reg(rn), Src::Const(imm as u64)));
            } else if flags {
                ops.push(Op::Compare(Src::Other, Src::Other));
            }
            let rd = if flags { rd } else { reg_sp(word, 0) };
            set(ops, rd, Expr::Add(rn, if subtract { imm.wrapping_neg() } else { imm }));
        }
        0b100 => {
            let opc = bits(word, 29, 2);
            let expr = match (opc, rn, logical_immediate(word)) {
                (1, ZERO, Some(imm)) => Expr::Const(if wide { imm } else { imm & 0xffff_ffff }),
                _ => Expr::From(rn, rn),
            };
            if opc == 3 {
                ops.push(Op::Compare(Src::Other, Src::Other));
                set(ops, rd, expr);
            } else {
                set(ops, reg_sp(word, 0), expr);
            }
        }
        0b101 => {
            let (imm, shift) = (bits(word, 5, 16), bits(word, 21, 2).wrapping_mul(16));
            let value = u64::from(imm).wrapping_shl(shift);
            let expr = match bits(word, 29, 2) {
                0 => Expr::Const(if wide { !value } else { !value & 0xffff_ffff }),
                2 => Expr::Const(value),
                _ => Expr::Insert(rd, imm as u16, shift as u8),
            };
            set(ops, rd, expr);
        }
        0b110 => {
            // `sxtw`, `uxtw` and the like keep what a small number or pointer is.
            let whole = bits(word, 16, 6) == 0 && bits(word, 10, 6) == 31;
            let keeps = bits(word, 29, 2) != 1 && whole;
            set(ops, rd, if keeps { Expr::Copy(rn) } else { Expr::From(rn, rd) });
        }
        0b111 => set(ops, rd, Expr::From(rn, reg(word, 16))),
        _ => set(ops, reg_sp(word, 0), Expr::From(reg_sp(word, 5), ZERO)),
    }
    Flow::Next
}

/// `DecodeBitMasks` for 64 bits.
fn logical_immediate(word: u32) -> Option<u64> {
    let (n, immr, imms) = (bits(word, 22, 1), bits(word, 16, 6), bits(word, 10, 6));
    let len = 31u32.checked_sub((n << 6 | (!imms & 0x3f)).leading_zeros())?;
    let size = 1u32.wrapping_shl(len);
    let levels = size.wrapping_sub(1);
    let (s, r) = (imms & levels, immr & levels);
    if s == levels || len == 0 {
        return None;
    }
    let ones = u64::MAX.wrapping_shr(63u32.wrapping_sub(s));
    let mask = u64::MAX.wrapping_shr(64u32.wrapping_sub(size));
    let turned = (ones.wrapping_shr(r) | ones.wrapping_shl(size.wrapping_sub(r) & 63)) & mask;
    let element = if r == 0 { ones } else { turned };
    let mut value = element;
    let mut filled = size;
    while filled < 64 {
        value |= value.wrapping_shl(filled);
        filled = filled.wrapping_mul(2);
    }
    Some(value)
}

/// Branches, exceptions and system.
fn branch(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Flow> {
    let to = |offset: i64| at.wrapping_add_signed(offset << 2);
    Some(match bits(word, 29, 3) {
        0b000 => Flow::Jump(Target::Address(to(signed(bits(word, 0, 26), 26)))),
        0b100 => Flow::Call(Target::Address(to(signed(bits(word, 0, 26), 26)))),
        0b001 | 0b101 if bits(word, 25, 1) == 0 => {
            let rt = reg(word, 0);
            let cond = if bits(word, 24, 1) == 0 { Cond::Zero(rt) } else { Cond::NotZero(rt) };
            Flow::Branch(to(signed(bits(word, 5, 19), 19)), cond)
        }
        0b001 | 0b101 => Flow::Branch(to(signed(bits(word, 5, 14), 14)), Cond::Other),
        0b010 if bits(word, 25, 1) == 0 => {
            let cond = match bits(word, 0, 4) {
                0 => Cond::Equal,
                1 => Cond::NotEqual,
                _ => Cond::Other,
            };
            Flow::Branch(to(signed(bits(word, 5, 19), 19)), cond)
        }
        0b110 if bits(word, 25, 1) == 1 => {
            let target = Target::Reg(reg(word, 5));
            match bits(word, 21, 4) {
                0 | 8 => Flow::Jump(target),
                1 | 9 => Flow::Call(target),
                2 => Flow::Return,
                4 | 5 => Flow::Stop,
                _ => return None,
            }
        }
        0b110 if bits(word, 24, 1) == 0 => match bits(word, 21, 3) {
            // A system call.
            0 => {
                set(ops, 0, Expr::Unknown);
                Flow::Next
            }
            _ => Flow::Stop,
        },
        0b110 => {
            if bits(word, 21, 1) == 1 && bits(word, 19, 2) != 0 {
                set(ops, reg(word, 0), Expr::Unknown);
            }
            Flow::Next
        }
        _ => return None,
    })
}

/// Loads and stores.
fn load_store(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Flow> {
    let vector = bits(word, 26, 1) == 1;
    let (rt, rn) = (reg(word, 0), reg_sp(word, 5));
    match word & 0x3b00_0000 {
        0x1800_0000 => {
            let address = at.wrapping_add_signed(signed(bits(word, 5, 19), 19) << 2);
            let size = if bits(word, 30, 2) == 1 { 8 } else { 4 };
            if !vector && bits(word, 30, 2) != 3 {
                set(ops, rt, Expr::Load(Addr::fixed(address), size));
            }
        }
        0x2800_0000 | 0x2900_0000 => {
            let opc = bits(word, 30, 2);
            let shift = if vector { opc.wrapping_add(2) } else { (opc >> 1).wrapping_add(2) };
            let size = 1u8.wrapping_shl(shift);
            let offset = signed(bits(word, 15, 7), 7).wrapping_shl(shift);
            let mode = bits(word, 23, 2);
            let first = if mode == 1 { 0 } else { offset };
            let second = first.wrapping_add(i64::from(size));
            let rt2 = reg(word, 10);
            if bits(word, 22, 1) == 0 {
                for (reg, offset) in [(rt, first), (rt2, second)] {
                    let src = if vector { Src::Other } else { Src::Reg(reg) };
                    ops.push(Op::Store(Addr::at(rn, offset), size, src));
                }
            } else if !vector {
                // Where the base is overwritten, it is so last.
                let mut pair = [(rt, first), (rt2, second)];
                if rt == rn {
                    pair.reverse();
                }
                for (reg, offset) in pair {
                    set(ops, reg, Expr::Load(Addr::at(rn, offset), size));
                }
            }
            if mode & 1 == 1 {
                set(ops, rn, Expr::Add(rn, offset));
            }
        }
        0x3900_0000 => {
            let (shift, store) = access(word, vector);
            let offset = i64::from(bits(word, 10, 12)).wrapping_shl(shift);
            single(word, vector, store, shift, Addr::at(rn, offset), ops);
        }
        0x3800_0000 if bits(word, 21, 1) == 0 => {
            let (shift, store) = access(word, vector);
            let offset = signed(bits(word, 12, 9), 9);
            let mode = bits(word, 10, 2);
            single(word, vector, store, shift, Addr::at(rn, if mode == 1 { 0 } else { offset }), ops);
            if mode & 1 == 1 && (store || vector || rt != rn) {
                set(ops, rn, Expr::Add(rn, offset));
            }
        }
        0x3800_0000 if bits(word, 10, 2) == 2 => {
            let (shift, store) = access(word, vector);
            let addr = Addr { base: Some(rn), index: Some(reg(word, 16)), offset: 0 };
            single(word, vector, store, shift, addr, ops);
        }
        // Atomic operations, and loads with authentication.
        0x3800_0000 => set(ops, rt, Expr::Unknown),
        0x0800_0000 if !vector => {
            let single = bits(word, 23, 1) == 1;
            if bits(word, 22, 1) == 1 {
                set(ops, rt, Expr::Unknown);
                if !single && bits(word, 21, 1) == 1 {
                    set(ops, reg(word, 10), Expr::Unknown);
                }
            }
            if !single || bits(word, 21, 1) == 1 {
                set(ops, reg(word, 16), Expr::Unknown);
            }
        }
        // Structures of vectors.
        0x0800_0000 | 0x0900_0000 => {
            if bits(word, 23, 1) == 1 {
                set(ops, rn, Expr::Near(rn, ZERO));
            }
        }
        0x1900_0000 if !vector && bits(word, 21, 1) == 0 => {
            let store = bits(word, 22, 2) == 0;
            if !store {
                set(ops, rt, Expr::Unknown);
            }
        }
        _ => return None,
    }
    Some(Flow::Next)
}

/// How many bytes, as a power of two, and whether they are stored.
fn access(word: u32, vector: bool) -> (u32, bool) {
    let (size, opc) = (bits(word, 30, 2), bits(word, 22, 2));
    match vector {
        true if opc & 2 != 0 => (4, opc == 2),
        true => (size, opc == 0),
        false => (size, opc == 0),
    }
}

fn single(word: u32, vector: bool, store: bool, shift: u32, addr: Addr, ops: &mut Vec<Op>) {
    let rt = reg(word, 0);
    let size = 1u8.wrapping_shl(shift);
    let prefetch = !vector && bits(word, 30, 2) == 3 && bits(word, 22, 2) == 2;
    match (store, vector) {
        (true, true) => ops.push(Op::Store(addr, size, Src::Other)),
        (true, false) => ops.push(Op::Store(addr, size, Src::Reg(rt))),
        (false, false) if !prefetch => set(ops, rt, Expr::Load(addr, size)),
        (false, _) => {}
    }
}

/// Data processing, register.
fn register(word: u32, ops: &mut Vec<Op>) -> Flow {
    let (rd, rn, rm) = (reg(word, 0), reg(word, 5), reg(word, 16));
    match word & 0x1f00_0000 {
        0x0a00_0000 => {
            let opc = bits(word, 29, 2);
            let plain = bits(word, 10, 6) == 0 && bits(word, 22, 2) == 0 && bits(word, 21, 1) == 0;
            if opc == 3 {
                // `tst x0, x0` asks whether it is zero.
                let zero = plain && rn == rm;
                ops.push(Op::Compare(if zero { Src::Reg(rn) } else { Src::Other }, Src::Const(0)));
            }
            let copy = opc == 1 && plain && rn == ZERO;
            set(ops, rd, if copy { Expr::Copy(rm) } else { Expr::From(rn, rm) });
        }
        0x0b00_0000 => {
            let (subtract, flags) = (bits(word, 30, 1) == 1, bits(word, 29, 1) == 1);
            let extended = bits(word, 21, 1) == 1;
            let (rd, rn) = match extended {
                true => (if flags { rd } else { reg_sp(word, 0) }, reg_sp(word, 5)),
                false => (rd, rn),
            };
            if flags {
                let fits = subtract && bits(word, 10, 6) == 0;
                ops.push(Op::Compare(Src::Reg(rn), if fits { Src::Reg(rm) } else { Src::Other }));
            }
            let shift = if extended { bits(word, 10, 3) } else { bits(word, 10, 6) };
            set(
                ops,
                rd,
                match (subtract, shift) {
                    (false, 0) => Expr::Sum(rn, rm),
                    (false, _) => Expr::Near(rn, rm),
                    (true, _) => Expr::From(rn, rm),
                },
            );
        }
        0x1a00_0000 => match bits(word, 21, 3) {
            // Conditional compare: what the flags then say is not followed.
            0b010 => ops.push(Op::Compare(Src::Other, Src::Other)),
            0b100 if bits(word, 30, 1) == 0 && bits(word, 10, 2) == 0 => set(ops, rd, Expr::Either(rn, rm)),
            _ => set(ops, rd, Expr::From(rn, rm)),
        },
        _ => set(ops, rd, Expr::From(rn, rm)),
    }
    Flow::Next
}

/// Vectors and floating point: only what ends in a general register matters.
fn vector(word: u32, ops: &mut Vec<Op>) -> Flow {
    let to_general = word & 0x5f20_fc00 == 0x1e20_0000 && !matches!(bits(word, 16, 3), 2 | 3 | 7);
    let lane = matches!(word & 0xbfe0_fc00, 0x0e00_3c00 | 0x0e00_2c00);
    if to_general || lane {
        set(ops, reg(word, 0), Expr::Unknown);
    }
    Flow::Next
}
