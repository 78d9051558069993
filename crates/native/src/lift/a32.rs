//! AArch32, instructions of four bytes (ARM Architecture Reference Manual DDI 0406C, chapter A5).

use crate::isa::{Addr, Cond, Expr, Flow, Lifted, Op, Reg, Src, Target};

use super::{bits, signed};

/// The program counter.
pub const PC: Reg = 15;
const SP: Reg = 13;
const LR: Reg = 14;

pub fn lift(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Lifted> {
    let cond = bits(word, 28, 4);
    let start = ops.len();
    let flow = match (cond, bits(word, 25, 3)) {
        (15, _) => unconditional(word, at, ops)?,
        (_, 0b000 | 0b001) => data(word, at, ops)?,
        (_, 0b010) => load_store(word, at, ops),
        (_, 0b011) if bits(word, 4, 1) == 0 => load_store(word, at, ops),
        (_, 0b011) => media(word, ops),
        (_, 0b100) => multiple(word, ops),
        (_, 0b101) => {
            let to = at.wrapping_add(8).wrapping_add_signed(signed(bits(word, 0, 24), 24) << 2);
            match bits(word, 24, 1) {
                0 => Flow::Jump(Target::Address(to)),
                _ => Flow::Call(Target::Address(to)),
            }
        }
        _ => coprocessor(word, ops),
    };
    // The program counter reads as this instruction and two more.
    for op in ops.iter_mut().skip(start) {
        read_pc(op, at.wrapping_add(8));
    }
    let maybe = cond < 14;
    let flow = match flow {
        Flow::Jump(Target::Address(to)) if maybe => Flow::Branch(to, condition(cond)),
        other => other,
    };
    Some(Lifted { size: 4, flow, maybe, makes_conditional: 0 })
}

/// What a condition asks.
pub fn condition(cond: u32) -> Cond {
    match cond {
        0 => Cond::Equal,
        1 => Cond::NotEqual,
        _ => Cond::Other,
    }
}

/// Puts the value of the program counter where it is read.
pub fn read_pc(op: &mut Op, pc: u64) {
    let resolve = |addr: &mut Addr| {
        if addr.base == Some(PC) {
            addr.base = None;
            addr.offset = addr.offset.wrapping_add_unsigned(pc);
        }
    };
    match op {
        Op::Set(_, expr) => match expr {
            Expr::Copy(PC) => *expr = Expr::Const(pc),
            Expr::Add(PC, imm) => *expr = Expr::Const(pc.wrapping_add_signed(*imm)),
            Expr::Sum(PC, other) | Expr::Sum(other, PC) => *expr = Expr::Add(*other, pc as i64),
            Expr::Load(addr, _) | Expr::Address(addr) => resolve(addr),
            _ => {}
        },
        Op::Store(addr, ..) => resolve(addr),
        Op::Compare(..) => {}
    }
}

fn reg(word: u32, low: u32) -> Reg {
    bits(word, low, 4) as Reg
}

/// What begins with 1111.
fn unconditional(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Flow> {
    match bits(word, 24, 4) {
        0b1010 | 0b1011 => {
            let offset = signed(bits(word, 0, 24), 24) << 2 | i64::from(bits(word, 24, 1)) << 1;
            let to = at.wrapping_add(8).wrapping_add_signed(offset);
            Some(Flow::Call(Target::Address(to | 1)))
        }
        // Structures of vectors: the base may move.
        0b0100 if bits(word, 20, 1) == 0 && bits(word, 0, 4) != 15 => {
            ops.push(Op::Set(reg(word, 16), Expr::Near(reg(word, 16), reg(word, 16))));
            Some(Flow::Next)
        }
        0b0000..=0b0111 => Some(Flow::Next),
        0b1100..=0b1110 => Some(coprocessor(word, ops)),
        _ => None,
    }
}

/// `A32ExpandImm`.
fn expanded(word: u32) -> u32 {
    bits(word, 0, 8).rotate_right(bits(word, 8, 4).wrapping_mul(2))
}

/// Data processing and miscellaneous.
fn data(word: u32, at: u64, ops: &mut Vec<Op>) -> Option<Flow> {
    let immediate = bits(word, 25, 1) == 1;
    let (rn, rd, rm) = (reg(word, 16), reg(word, 12), reg(word, 0));
    if !immediate && bits(word, 4, 1) == 1 && bits(word, 7, 1) == 1 {
        return Some(match bits(word, 5, 2) {
            0 => {
                multiply(word, ops);
                Flow::Next
            }
            kind => {
                extra(word, kind, ops);
                Flow::Next
            }
        });
    }
    let op = bits(word, 20, 5);
    if op & 0b11001 == 0b10000 {
        return miscellaneous(word, at, immediate, ops);
    }
    let plain = !immediate && bits(word, 4, 8) == 0;
    let imm = u64::from(expanded(word));
    let other = match (immediate, plain) {
        (true, _) => Src::Const(imm),
        (_, true) => Src::Reg(rm),
        _ => Src::Other,
    };
    let expr = match op >> 1 {
        0b1000 | 0b1001 | 0b1011 => {
            let zero = op >> 1 == 0b1000 && plain && rn == rm;
            ops.push(Op::Compare(if zero { Src::Reg(rn) } else { Src::Other }, Src::Const(0)));
            return Some(Flow::Next);
        }
        0b1010 => {
            ops.push(Op::Compare(Src::Reg(rn), other));
            return Some(Flow::Next);
        }
        0b1101 => match (other, immediate) {
            (Src::Const(value), _) => Expr::Const(value),
            (Src::Reg(rm), _) => Expr::Copy(rm),
            _ => Expr::From(rm, rm),
        },
        0b1111 if immediate => Expr::Const(!imm & 0xffff_ffff),
        0b1111 => Expr::From(rm, rm),
        0b0100 => match other {
            Src::Const(value) => Expr::Add(rn, value as i64),
            Src::Reg(rm) => Expr::Sum(rn, rm),
            Src::Other => Expr::Near(rn, rm),
        },
        0b0010 => match other {
            Src::Const(value) => Expr::Add(rn, (value as i64).wrapping_neg()),
            _ => Expr::From(rn, rm),
        },
        _ if immediate => Expr::From(rn, rn),
        _ => Expr::From(rn, rm),
    };
    if op & 1 == 1 {
        let subtracts = op >> 1 == 0b0010;
        let moves = op >> 1 == 0b1101;
        ops.push(match () {
            () if subtracts => Op::Compare(Src::Reg(rn), other),
            () if moves => Op::Compare(other, Src::Const(0)),
            () => Op::Compare(Src::Other, Src::Other),
        });
    }
    if rd != PC {
        ops.push(Op::Set(rd, expr));
        return Some(Flow::Next);
    }
    Some(match expr {
        Expr::Copy(LR) => Flow::Return,
        Expr::Copy(rm) => Flow::Jump(Target::Reg(rm)),
        // `add pc, pc, rN, lsl #2`: branches follow.
        _ => Flow::Table(0),
    })
}

fn miscellaneous(word: u32, at: u64, immediate: bool, ops: &mut Vec<Op>) -> Option<Flow> {
    let (rd, rm) = (reg(word, 12), reg(word, 0));
    let op = bits(word, 21, 2);
    if immediate {
        let imm = bits(word, 16, 4) << 12 | bits(word, 0, 12);
        match op {
            0b00 => ops.push(Op::Set(rd, Expr::Const(imm.into()))),
            0b10 => ops.push(Op::Set(rd, Expr::Insert(rd, imm as u16, 16))),
            // Hints, and moves to the status.
            _ => {}
        }
        return Some(Flow::Next);
    }
    if bits(word, 7, 1) == 1 {
        ops.push(Op::Set(reg(word, 16), Expr::Unknown));
        return Some(Flow::Next);
    }
    Some(match (bits(word, 4, 3), op) {
        (0b001, 0b01) => branch_exchange(rm, at.wrapping_add(8)),
        (0b001, _) => {
            ops.push(Op::Set(rd, Expr::From(rm, rm)));
            Flow::Next
        }
        (0b010, 0b01) => branch_exchange(rm, at.wrapping_add(8)),
        (0b011, 0b01) => Flow::Call(Target::Reg(rm)),
        (0b101, _) => {
            ops.push(Op::Set(rd, Expr::Unknown));
            Flow::Next
        }
        (0b111, 0b01) => Flow::Stop,
        (0b000, _) => {
            if op & 1 == 0 {
                ops.push(Op::Set(rd, Expr::Unknown));
            }
            Flow::Next
        }
        _ => return None,
    })
}

/// `bx`.
pub fn branch_exchange(rm: Reg, pc: u64) -> Flow {
    match rm {
        LR => Flow::Return,
        // From Thumb into ARM code that lies right behind.
        PC => Flow::Jump(Target::Address(pc & !3)),
        _ => Flow::Jump(Target::Reg(rm)),
    }
}

fn multiply(word: u32, ops: &mut Vec<Op>) {
    if bits(word, 24, 1) == 1 {
        // Exclusive loads and stores.
        ops.push(Op::Set(reg(word, 12), Expr::Unknown));
        if bits(word, 20, 4) == 0b1011 {
            ops.push(Op::Set(reg(word, 12).wrapping_add(1) & 15, Expr::Unknown));
        }
        return;
    }
    ops.push(Op::Set(reg(word, 16), Expr::Unknown));
    if bits(word, 23, 1) == 1 || bits(word, 22, 1) == 1 && bits(word, 21, 1) == 0 {
        ops.push(Op::Set(reg(word, 12), Expr::Unknown));
    }
}

/// Loads and stores of halves, of signed values and of pairs.
fn extra(word: u32, kind: u32, ops: &mut Vec<Op>) {
    let (rn, rt) = (reg(word, 16), reg(word, 12));
    let imm = bits(word, 8, 4) << 4 | bits(word, 0, 4);
    let index = (bits(word, 22, 1) == 0).then(|| reg(word, 0));
    let load = bits(word, 20, 1) == 1;
    let size = if kind == 2 && load { 1 } else { 2 };
    transfer(word, rn, imm, index, ops, |addr, ops| match (load, kind) {
        (true, _) => ops.push(Op::Set(rt, Expr::Load(addr, size))),
        (false, 1) => ops.push(Op::Store(addr, 2, Src::Reg(rt))),
        (false, kind) => {
            let second = Addr { offset: addr.offset.wrapping_add(4), ..addr };
            let rt2 = rt.wrapping_add(1) & 15;
            let mut pair = [(rt, addr), (rt2, second)];
            if kind == 3 {
                ops.extend(pair.map(|(reg, addr)| Op::Store(addr, 4, Src::Reg(reg))));
                return;
            }
            if rt == rn {
                pair.reverse();
            }
            ops.extend(pair.map(|(reg, addr)| Op::Set(reg, Expr::Load(addr, 4))));
        }
    });
}

/// An access with the offset before or after it.
fn transfer(
    word: u32,
    rn: Reg,
    imm: u32,
    index: Option<Reg>,
    ops: &mut Vec<Op>,
    access: impl FnOnce(Addr, &mut Vec<Op>),
) {
    let (before, up, write) = (bits(word, 24, 1) == 1, bits(word, 23, 1) == 1, bits(word, 21, 1) == 1);
    let offset = if up { i64::from(imm) } else { i64::from(imm).wrapping_neg() };
    let moved = match index {
        Some(rm) => Addr { base: Some(rn), index: Some(rm), offset: 0 },
        None => Addr::at(rn, offset),
    };
    access(if before { moved } else { Addr::at(rn, 0) }, ops);
    if !before || write {
        ops.push(Op::Set(rn, index.map_or(Expr::Add(rn, offset), |rm| Expr::Near(rn, rm))));
    }
}

/// Loads and stores of words and bytes.
fn load_store(word: u32, at: u64, ops: &mut Vec<Op>) -> Flow {
    let (rn, rt) = (reg(word, 16), reg(word, 12));
    let by_register = bits(word, 25, 1) == 1;
    let index = by_register.then(|| reg(word, 0));
    let size = if bits(word, 22, 1) == 1 { 1 } else { 4 };
    let load = bits(word, 20, 1) == 1;
    if load && rt == PC {
        return match (rn, index) {
            // A table of addresses.
            (PC, Some(_)) => Flow::Table(4),
            (SP, None) => Flow::Return,
            _ => {
                let mut target = None;
                transfer(word, rn, bits(word, 0, 12), index, ops, |addr, _| target = Some(addr));
                let mut addr = target.unwrap_or(Addr::at(rn, 0));
                if rn == PC {
                    addr = Addr::fixed(at.wrapping_add(8).wrapping_add_signed(addr.offset));
                } else if bits(word, 24, 1) == 1 && bits(word, 21, 1) == 1 {
                    // The base was moved before it is read again here.
                    addr.offset = 0;
                }
                Flow::Jump(Target::Mem(addr))
            }
        };
    }
    transfer(word, rn, bits(word, 0, 12), index, ops, |addr, ops| {
        ops.push(match load {
            true => Op::Set(rt, Expr::Load(addr, size)),
            false => Op::Store(addr, size, Src::Reg(rt)),
        });
    });
    Flow::Next
}

/// Parallel arithmetic, packing, reversal, fields of bits.
fn media(word: u32, ops: &mut Vec<Op>) -> Flow {
    let op = bits(word, 20, 5);
    if op == 0b11111 && bits(word, 5, 3) == 7 {
        return Flow::Stop;
    }
    let rd = if (0b10000..=0b11000).contains(&op) { reg(word, 16) } else { reg(word, 12) };
    ops.push(Op::Set(rd, Expr::From(reg(word, 0), reg(word, 0))));
    Flow::Next
}

/// Loads and stores of several registers.
fn multiple(word: u32, ops: &mut Vec<Op>) -> Flow {
    let before = bits(word, 24, 1) == 1;
    let up = bits(word, 23, 1) == 1;
    block_transfer(
        reg(word, 16),
        bits(word, 0, 16),
        before == up,
        up,
        bits(word, 21, 1) == 1,
        bits(word, 20, 1) == 1,
        ops,
    )
}

/// `ldm`, `stm`: the lowest register at the lowest address. `skips`: the base itself is not the lowest place.
pub fn block_transfer(rn: Reg, list: u32, skips: bool, up: bool, write: bool, load: bool, ops: &mut Vec<Op>) -> Flow {
    let total = i64::from(list.count_ones()).wrapping_mul(4);
    let mut offset = match (up, skips) {
        (true, false) => 0,
        (true, true) => 4,
        // Downwards the base itself is the last place, or it lies behind it.
        (false, true) => 4i64.wrapping_sub(total),
        (false, false) => total.wrapping_neg(),
    };
    let mut flow = Flow::Next;
    let mut last = None;
    for reg in (0..16u8).filter(|it| list.wrapping_shr(u32::from(*it)) & 1 == 1) {
        let addr = Addr::at(rn, offset);
        offset = offset.wrapping_add(4);
        match (load, reg) {
            (false, _) => ops.push(Op::Store(addr, 4, Src::Reg(reg))),
            (true, PC) => flow = if rn == SP { Flow::Return } else { Flow::Table(0) },
            (true, _) if reg == rn => last = Some(addr),
            (true, _) => ops.push(Op::Set(reg, Expr::Load(addr, 4))),
        }
    }
    if let Some(addr) = last {
        ops.push(Op::Set(rn, Expr::Load(addr, 4)));
    } else if write {
        ops.push(Op::Set(rn, Expr::Add(rn, if up { total } else { total.wrapping_neg() })));
    }
    flow
}

/// Floating point, vectors, system registers; the same in Thumb. What they do to general registers.
pub fn coprocessor(word: u32, ops: &mut Vec<Op>) -> Flow {
    let (load, rn, rt) = (bits(word, 20, 1) == 1, reg(word, 16), reg(word, 12));
    match bits(word, 24, 4) {
        // Two registers at once.
        0b1100 if bits(word, 21, 3) == 0b010 => {
            if load {
                ops.push(Op::Set(rt, Expr::Unknown));
                ops.push(Op::Set(rn, Expr::Unknown));
            }
            Flow::Next
        }
        // Loads and stores: the base may move (`vpush`, `vpop`).
        0b1100 | 0b1101 => {
            let size = i64::from(bits(word, 0, 8)).wrapping_mul(4);
            let up = bits(word, 23, 1) == 1;
            let moved = if up { size } else { size.wrapping_neg() };
            let at_base = bits(word, 24, 1) == 0 || bits(word, 21, 1) == 1;
            if !load {
                let offset = if at_base && up { 0 } else { moved };
                let size = if at_base { size.clamp(0, 128) as u8 } else { 8 };
                ops.push(Op::Store(Addr::at(rn, offset), size, Src::Other));
            }
            if bits(word, 21, 1) == 1 {
                ops.push(Op::Set(rn, Expr::Add(rn, moved)));
            }
            Flow::Next
        }
        0b1110 => {
            if bits(word, 4, 1) == 1 && load {
                match rt {
                    PC => ops.push(Op::Compare(Src::Other, Src::Other)),
                    rt => ops.push(Op::Set(rt, Expr::Unknown)),
                }
            }
            Flow::Next
        }
        // A system call.
        _ => {
            ops.push(Op::Set(0, Expr::Unknown));
            Flow::Next
        }
    }
}
