//! AArch32, Thumb (ARM Architecture Reference Manual DDI 0406C, chapter A6).

use crate::isa::{Addr, Cond, Expr, Flow, Lifted, Op, Reg, Src, Target};

use super::a32::{PC, block_transfer, branch_exchange, condition, coprocessor, read_pc};
use super::{bits, half, signed};

const SP: Reg = 13;

pub fn lift(bytes: &[u8], at: u64, ops: &mut Vec<Op>) -> Option<Lifted> {
    let first = half(bytes)?;
    let start = ops.len();
    let pc = at.wrapping_add(4);
    let (size, flow, maybe, makes_conditional) = if first >> 11 < 0b11101 {
        let (flow, maybe, makes) = short(first, pc, ops)?;
        (2, flow, maybe, makes)
    } else {
        let second = half(bytes.get(2..)?)?;
        let (flow, maybe) = long(first, second, pc, ops)?;
        (4, flow, maybe, 0)
    };
    for op in ops.iter_mut().skip(start) {
        // Loads count from a multiple of four; `add rN, pc` does not.
        let base = if matches!(op, Op::Set(_, Expr::Load(..) | Expr::Address(..))) { pc & !3 } else { pc };
        read_pc(op, base);
    }
    Some(Lifted { size, flow, maybe, makes_conditional })
}

fn set(ops: &mut Vec<Op>, reg: Reg, expr: Expr) {
    ops.push(Op::Set(reg, expr));
}

/// Instructions of two bytes.
fn short(word: u32, pc: u64, ops: &mut Vec<Op>) -> Option<(Flow, bool, u8)> {
    let low = |at: u32| bits(word, at, 3) as Reg;
    let (rd, rm, r8) = (low(0), low(3), low(8));
    let imm8 = bits(word, 0, 8);
    let compare_zero = |ops: &mut Vec<Op>, src: Src| ops.push(Op::Compare(src, Src::Const(0)));
    match word >> 11 {
        0b00000 if bits(word, 6, 5) == 0 => {
            compare_zero(ops, Src::Reg(rm));
            set(ops, rd, Expr::Copy(rm));
        }
        0b00000..=0b00010 => set(ops, rd, Expr::From(rm, rm)),
        0b00011 => {
            let (subtract, imm) = (bits(word, 9, 1) == 1, i64::from(bits(word, 6, 3)));
            let other = if bits(word, 10, 1) == 1 { Src::Const(imm as u64) } else { Src::Reg(low(6)) };
            if subtract {
                ops.push(Op::Compare(Src::Reg(rm), other));
            }
            set(
                ops,
                rd,
                match (other, subtract) {
                    (Src::Const(_), false) => Expr::Add(rm, imm),
                    (Src::Const(_), true) => Expr::Add(rm, imm.wrapping_neg()),
                    (_, false) => Expr::Sum(rm, low(6)),
                    (_, true) => Expr::From(rm, low(6)),
                },
            );
        }
        0b00100 => set(ops, r8, Expr::Const(imm8.into())),
        0b00101 => ops.push(Op::Compare(Src::Reg(r8), Src::Const(imm8.into()))),
        0b00110 => set(ops, r8, Expr::Add(r8, imm8.into())),
        0b00111 => {
            ops.push(Op::Compare(Src::Reg(r8), Src::Const(imm8.into())));
            set(ops, r8, Expr::Add(r8, i64::from(imm8).wrapping_neg()));
        }
        0b01000 if bits(word, 10, 1) == 0 => match bits(word, 6, 4) {
            8 if rd == rm => compare_zero(ops, Src::Reg(rd)),
            8 | 11 => ops.push(Op::Compare(Src::Other, Src::Other)),
            10 => ops.push(Op::Compare(Src::Reg(rd), Src::Reg(rm))),
            9 | 15 => set(ops, rd, Expr::From(rm, rm)),
            _ => set(ops, rd, Expr::From(rd, rm)),
        },
        0b01000 => {
            let (rd, rm) = ((bits(word, 7, 1) << 3 | bits(word, 0, 3)) as Reg, bits(word, 3, 4) as Reg);
            match bits(word, 8, 2) {
                0 if rd == PC => return Some((Flow::Table(0), false, 0)),
                0 => set(ops, rd, Expr::Sum(rd, rm)),
                1 => ops.push(Op::Compare(Src::Reg(rd), Src::Reg(rm))),
                2 if rd == PC => return Some((branch_exchange(rm, pc), false, 0)),
                2 => set(ops, rd, Expr::Copy(rm)),
                _ if bits(word, 7, 1) == 1 => return Some((Flow::Call(Target::Reg(rm)), false, 0)),
                _ => return Some((branch_exchange(rm, pc), false, 0)),
            }
        }
        0b01001 => set(ops, r8, Expr::Load(Addr::at(PC, i64::from(imm8) << 2), 4)),
        0b01010 | 0b01011 => {
            let addr = Addr { base: Some(rm), index: Some(low(6)), offset: 0 };
            ops.push(match bits(word, 9, 3) {
                0 => Op::Store(addr, 4, Src::Reg(rd)),
                1 => Op::Store(addr, 2, Src::Reg(rd)),
                2 => Op::Store(addr, 1, Src::Reg(rd)),
                3 | 6 => Op::Set(rd, Expr::Load(addr, 1)),
                4 => Op::Set(rd, Expr::Load(addr, 4)),
                _ => Op::Set(rd, Expr::Load(addr, 2)),
            });
        }
        0b01100..=0b10001 => {
            let size: u8 = match word >> 12 {
                0b0110 => 4,
                0b0111 => 1,
                _ => 2,
            };
            let addr = Addr::at(rm, i64::from(bits(word, 6, 5)).wrapping_mul(size.into()));
            ops.push(match bits(word, 11, 1) {
                0 => Op::Store(addr, size, Src::Reg(rd)),
                _ => Op::Set(rd, Expr::Load(addr, size)),
            });
        }
        0b10010 => ops.push(Op::Store(Addr::at(SP, i64::from(imm8) << 2), 4, Src::Reg(r8))),
        0b10011 => set(ops, r8, Expr::Load(Addr::at(SP, i64::from(imm8) << 2), 4)),
        0b10100 => set(ops, r8, Expr::Address(Addr::at(PC, i64::from(imm8) << 2))),
        0b10101 => set(ops, r8, Expr::Add(SP, i64::from(imm8) << 2)),
        0b10110 | 0b10111 => return miscellaneous(word, pc, ops),
        0b11000 => {
            block_transfer(r8, imm8, false, true, true, false, ops);
        }
        0b11001 => {
            let write = imm8.wrapping_shr(r8.into()) & 1 == 0;
            block_transfer(r8, imm8, false, true, write, true, ops);
        }
        0b11010 | 0b11011 => match bits(word, 8, 4) {
            14 => return Some((Flow::Stop, false, 0)),
            15 => set(ops, 0, Expr::Unknown),
            cond => {
                let to = pc.wrapping_add_signed(signed(imm8, 8) << 1);
                return Some((Flow::Branch(to | 1, condition(cond)), true, 0));
            }
        },
        _ => {
            let to = pc.wrapping_add_signed(signed(bits(word, 0, 11), 11) << 1);
            return Some((Flow::Jump(Target::Address(to | 1)), false, 0));
        }
    }
    Some((Flow::Next, false, 0))
}

/// `1011 ….`
fn miscellaneous(word: u32, pc: u64, ops: &mut Vec<Op>) -> Option<(Flow, bool, u8)> {
    let (rd, rm, imm8) = (bits(word, 0, 3) as Reg, bits(word, 3, 3) as Reg, bits(word, 0, 8));
    let mut flow = Flow::Next;
    match bits(word, 8, 4) {
        0b0000 => {
            let imm = i64::from(bits(word, 0, 7)) << 2;
            set(ops, SP, Expr::Add(SP, if bits(word, 7, 1) == 1 { imm.wrapping_neg() } else { imm }));
        }
        0b0001 | 0b0011 | 0b1001 | 0b1011 => {
            let to = pc.wrapping_add(u64::from(bits(word, 9, 1) << 6 | bits(word, 3, 5) << 1));
            let cond = if bits(word, 11, 1) == 1 { Cond::NotZero(rd) } else { Cond::Zero(rd) };
            flow = Flow::Branch(to | 1, cond);
        }
        0b0010 | 0b1010 => set(ops, rd, Expr::From(rm, rm)),
        0b0100 | 0b0101 => {
            block_transfer(SP, imm8 | bits(word, 8, 1) << 14, false, false, true, false, ops);
        }
        0b1100 | 0b1101 => {
            flow = block_transfer(SP, imm8 | bits(word, 8, 1) << 15, false, true, true, true, ops);
        }
        0b0110 => {}
        0b1110 => flow = Flow::Stop,
        0b1111 => {
            let mask = bits(word, 0, 4);
            let makes = if mask == 0 { 0 } else { 4u32.wrapping_sub(mask.trailing_zeros()) };
            return Some((flow, false, makes as u8));
        }
        _ => return None,
    }
    Some((flow, matches!(flow, Flow::Branch(..)), 0))
}

/// Instructions of four bytes.
fn long(first: u32, second: u32, pc: u64, ops: &mut Vec<Op>) -> Option<(Flow, bool)> {
    let word = first << 16 | second;
    let flow = match bits(first, 11, 2) {
        0b01 if first & 0xfe40 == 0xe800 => {
            let list = if bits(first, 4, 1) == 1 { second } else { second & 0x5fff };
            let up = match bits(first, 7, 2) {
                1 => true,
                2 => false,
                _ => return Some((Flow::Next, false)),
            };
            let (write, load) = (bits(first, 5, 1) == 1, bits(first, 4, 1) == 1);
            block_transfer(bits(first, 0, 4) as Reg, list, false, up, write, load, ops)
        }
        0b01 if first & 0xfe40 == 0xe840 => pair(first, second, ops)?,
        0b01 if first & 0xfe00 == 0xea00 => shifted(first, second, ops),
        0b01 if first & 0xef00 == 0xef00 => Flow::Next,
        0b01 => coprocessor(word, ops),
        0b10 if bits(second, 15, 1) == 1 => return branch(first, second, pc, ops),
        0b10 if bits(first, 9, 1) == 0 => immediate(first, second, ops),
        0b10 => plain_immediate(first, second, ops),
        _ if first & 0xff10 == 0xf900 => {
            if bits(second, 0, 4) != 15 {
                let rn = bits(first, 0, 4) as Reg;
                set(ops, rn, Expr::Near(rn, rn));
            }
            Flow::Next
        }
        _ if first & 0xfe00 == 0xf800 => load_store(first, second, ops),
        _ if first & 0xff00 == 0xfa00 => {
            set(ops, bits(second, 8, 4) as Reg, Expr::From(bits(first, 0, 4) as Reg, bits(second, 0, 4) as Reg));
            Flow::Next
        }
        _ if first & 0xff00 == 0xfb00 => {
            set(ops, bits(second, 8, 4) as Reg, Expr::Unknown);
            // Long products have two results.
            if bits(first, 7, 1) == 1 && bits(second, 4, 4) != 15 {
                set(ops, bits(second, 12, 4) as Reg, Expr::Unknown);
            }
            Flow::Next
        }
        _ if first & 0xff00 == 0xff00 => Flow::Next,
        _ => coprocessor(word, ops),
    };
    Some((flow, false))
}

/// Pairs, exclusive accesses, tables of branches.
fn pair(first: u32, second: u32, ops: &mut Vec<Op>) -> Option<Flow> {
    let (before, up) = (bits(first, 8, 1) == 1, bits(first, 7, 1) == 1);
    let (write, load) = (bits(first, 5, 1) == 1, bits(first, 4, 1) == 1);
    let rn = bits(first, 0, 4) as Reg;
    let (rt, rt2) = (bits(second, 12, 4) as Reg, bits(second, 8, 4) as Reg);
    if !before && !write {
        if first & 0xfff0 == 0xe8d0 && bits(second, 5, 3) == 0 {
            return Some(Flow::Table(if bits(second, 4, 1) == 1 { 2 } else { 1 }));
        }
        match (load, up) {
            (true, false) => set(ops, rt, Expr::Unknown),
            (true, true) => {
                set(ops, rt, Expr::Unknown);
                if bits(second, 4, 4) & 7 == 7 {
                    set(ops, rt2, Expr::Unknown);
                }
            }
            (false, false) => set(ops, rt2, Expr::Unknown),
            (false, true) => set(ops, bits(second, 0, 4) as Reg, Expr::Unknown),
        }
        return Some(Flow::Next);
    }
    let imm = i64::from(bits(second, 0, 8)) << 2;
    let offset = if up { imm } else { imm.wrapping_neg() };
    let start = if before { offset } else { 0 };
    let mut pair = [(rt, Addr::at(rn, start)), (rt2, Addr::at(rn, start.wrapping_add(4)))];
    match load {
        true => {
            if rt == rn {
                pair.reverse();
            }
            ops.extend(pair.map(|(reg, addr)| Op::Set(reg, Expr::Load(addr, 4))));
        }
        false => ops.extend(pair.map(|(reg, addr)| Op::Store(addr, 4, Src::Reg(reg)))),
    }
    if write {
        set(ops, rn, Expr::Add(rn, offset));
    }
    Some(Flow::Next)
}

/// What an operation of the data processing group gives.
fn processed(op: u32, rn: Reg, other: Src, flags: bool, rd: Reg, ops: &mut Vec<Op>) {
    let rm = if let Src::Reg(rm) = other { rm } else { rn };
    let tests = rd == PC && flags;
    let expr = match (op, other) {
        (13, _) if tests => {
            ops.push(Op::Compare(Src::Reg(rn), other));
            return;
        }
        (0, Src::Reg(rm)) if tests && rm == rn => {
            ops.push(Op::Compare(Src::Reg(rn), Src::Const(0)));
            return;
        }
        _ if tests => {
            ops.push(Op::Compare(Src::Other, Src::Other));
            return;
        }
        (2, Src::Const(value)) if rn == PC => Expr::Const(value),
        (2, Src::Reg(rm)) if rn == PC => Expr::Copy(rm),
        (3, Src::Const(value)) if rn == PC => Expr::Const(!value & 0xffff_ffff),
        (8, Src::Const(value)) => Expr::Add(rn, value as i64),
        (8, Src::Reg(rm)) => Expr::Sum(rn, rm),
        (8, Src::Other) => Expr::Near(rn, rm),
        (13, Src::Const(value)) => Expr::Add(rn, (value as i64).wrapping_neg()),
        _ if rn == PC => Expr::From(rm, rm),
        _ => Expr::From(rn, rm),
    };
    if flags {
        ops.push(match op {
            13 => Op::Compare(Src::Reg(rn), other),
            2 if rn == PC => Op::Compare(other, Src::Const(0)),
            _ => Op::Compare(Src::Other, Src::Other),
        });
    }
    set(ops, rd, expr);
}

fn shifted(first: u32, second: u32, ops: &mut Vec<Op>) -> Flow {
    let rm = bits(second, 0, 4) as Reg;
    let rn = bits(first, 0, 4) as Reg;
    let plain = bits(second, 12, 3) == 0 && bits(second, 4, 4) == 0;
    let op = bits(first, 5, 4);
    let rd = bits(second, 8, 4) as Reg;
    let other = if plain { Src::Reg(rm) } else { Src::Other };
    if !plain && rd != PC {
        // The register that is shifted is not in `other`.
        let keeps_base = op == 8 && rn != PC;
        set(ops, rd, if keeps_base { Expr::Near(rn, rm) } else { Expr::From(rm, if rn == PC { rm } else { rn }) });
        return Flow::Next;
    }
    processed(op, rn, other, bits(first, 4, 1) == 1, rd, ops);
    Flow::Next
}

/// `ThumbExpandImm`.
fn expanded(imm12: u32) -> u32 {
    let imm8 = imm12 & 0xff;
    match imm12 >> 8 {
        0 => imm8,
        1 => imm8 | imm8 << 16,
        2 => imm8 << 8 | imm8 << 24,
        3 => imm8 | imm8 << 8 | imm8 << 16 | imm8 << 24,
        _ => (0x80 | imm8 & 0x7f).rotate_right(imm12 >> 7),
    }
}

fn imm12(first: u32, second: u32) -> u32 {
    bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | bits(second, 0, 8)
}

fn immediate(first: u32, second: u32, ops: &mut Vec<Op>) -> Flow {
    let other = Src::Const(expanded(imm12(first, second)).into());
    let (rn, rd) = (bits(first, 0, 4) as Reg, bits(second, 8, 4) as Reg);
    processed(bits(first, 5, 4), rn, other, bits(first, 4, 1) == 1, rd, ops);
    Flow::Next
}

fn plain_immediate(first: u32, second: u32, ops: &mut Vec<Op>) -> Flow {
    let (rn, rd) = (bits(first, 0, 4) as Reg, bits(second, 8, 4) as Reg);
    let imm = imm12(first, second);
    let imm16 = bits(first, 0, 4) << 12 | imm;
    let expr = match bits(first, 4, 5) {
        0b00000 => Expr::Address(Addr::at(rn, imm.into())),
        0b01010 => Expr::Address(Addr::at(rn, i64::from(imm).wrapping_neg())),
        0b00100 => Expr::Const(imm16.into()),
        0b01100 => Expr::Insert(rd, imm16 as u16, 16),
        _ if rn == PC => Expr::From(rd, rd),
        _ => Expr::From(rn, rn),
    };
    set(ops, rd, expr);
    Flow::Next
}

fn branch(first: u32, second: u32, pc: u64, ops: &mut Vec<Op>) -> Option<(Flow, bool)> {
    let sign = bits(first, 10, 1);
    let (j1, j2) = (bits(second, 13, 1), bits(second, 11, 1));
    let far = || {
        let (i1, i2) = (1 ^ j1 ^ sign, 1 ^ j2 ^ sign);
        let imm = sign << 24 | i1 << 23 | i2 << 22 | bits(first, 0, 10) << 12 | bits(second, 0, 11) << 1;
        signed(imm, 25)
    };
    Some(match second & 0xd000 {
        0x9000 => (Flow::Jump(Target::Address(pc.wrapping_add_signed(far()) | 1)), false),
        0xd000 => (Flow::Call(Target::Address(pc.wrapping_add_signed(far()) | 1)), false),
        0xc000 => (Flow::Call(Target::Address((pc & !3).wrapping_add_signed(far() & !3))), false),
        _ if bits(first, 7, 3) != 7 => {
            let imm = sign << 20 | j2 << 19 | j1 << 18 | bits(first, 0, 6) << 12 | bits(second, 0, 11) << 1;
            let to = pc.wrapping_add_signed(signed(imm, 21));
            (Flow::Branch(to | 1, condition(bits(first, 6, 4))), true)
        }
        _ if first & 0xfff0 == 0xf7f0 => (Flow::Stop, false),
        _ => {
            if first & 0xffe0 == 0xf3e0 {
                set(ops, bits(second, 8, 4) as Reg, Expr::Unknown);
            }
            (Flow::Next, false)
        }
    })
}

/// Loads and stores of one register.
fn load_store(first: u32, second: u32, ops: &mut Vec<Op>) -> Flow {
    let (rn, rt) = (bits(first, 0, 4) as Reg, bits(second, 12, 4) as Reg);
    let load = bits(first, 4, 1) == 1;
    let size = 1u8.wrapping_shl(bits(first, 5, 2).min(2));
    let (addr, moved) = if rn == PC {
        let imm = i64::from(bits(second, 0, 12));
        (Addr::at(PC, if bits(first, 7, 1) == 1 { imm } else { imm.wrapping_neg() }), None)
    } else if bits(first, 7, 1) == 1 {
        (Addr::at(rn, bits(second, 0, 12).into()), None)
    } else if bits(second, 11, 1) == 1 {
        let imm = i64::from(bits(second, 0, 8));
        let (before, up, write) = (bits(second, 10, 1) == 1, bits(second, 9, 1) == 1, bits(second, 8, 1) == 1);
        let offset = if up { imm } else { imm.wrapping_neg() };
        (Addr::at(rn, if before { offset } else { 0 }), write.then_some(offset))
    } else {
        (Addr { base: Some(rn), index: Some(bits(second, 0, 4) as Reg), offset: 0 }, None)
    };
    let mut flow = Flow::Next;
    match (load, rt) {
        (false, _) => ops.push(Op::Store(addr, size, Src::Reg(rt))),
        (true, PC) if size == 4 && rn == SP => flow = Flow::Return,
        (true, PC) if size == 4 => flow = Flow::Jump(Target::Mem(addr)),
        // Hints for the cache.
        (true, PC) => {}
        (true, _) => set(ops, rt, Expr::Load(addr, size)),
    }
    if let Some(offset) = moved.filter(|_| !load || rt != rn) {
        set(ops, rn, Expr::Add(rn, offset));
    }
    flow
}
