//! x86 in 32 and 64 bits, decoded by `iced-x86`.

use iced_x86::{
    Code, ConditionCode, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

use crate::isa::{Addr, Cond, Expr, Flow, Lifted, Op, Reg, Src, Target};

const SP: Reg = 4;

pub fn lift(bytes: &[u8], at: u64, bitness: u32, ops: &mut Vec<Op>) -> Option<Lifted> {
    let window = bytes.get(..MAX_LEN).unwrap_or(bytes);
    let mut decoder = Decoder::with_ip(bitness, window, at, DecoderOptions::NONE);
    let insn = decoder.decode();
    if insn.is_invalid() {
        return None;
    }
    let wide = if bitness == 64 { 8 } else { 4 };
    let flow = flow_of(&insn, wide, ops);
    if matches!(flow, Flow::Next) {
        effects(&insn, wide, ops);
    }
    let maybe = insn.mnemonic() != Mnemonic::Nop && insn.condition_code() != ConditionCode::None && flow == Flow::Next;
    Some(Lifted { size: insn.len() as u8, flow, maybe, makes_conditional: 0 })
}

fn flow_of(insn: &Instruction, wide: u8, ops: &mut Vec<Op>) -> Flow {
    let target = || match insn.op0_kind() {
        OpKind::Memory => Target::Mem(memory(insn)),
        OpKind::Register => general(insn.op0_register()).map_or(Target::Mem(Addr::fixed(0)), Target::Reg),
        _ => Target::Address(insn.near_branch_target()),
    };
    match insn.flow_control() {
        FlowControl::Next | FlowControl::XbeginXabortXend => Flow::Next,
        // `notrack jmp rax` and the like: a table, or a tail call.
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch => match target() {
            Target::Mem(addr) if addr.index.is_some() => Flow::Table(0),
            target => Flow::Jump(target),
        },
        FlowControl::ConditionalBranch => {
            let cond = match insn.condition_code() {
                ConditionCode::e => Cond::Equal,
                ConditionCode::ne => Cond::NotEqual,
                _ => Cond::Other,
            };
            Flow::Branch(insn.near_branch_target(), cond)
        }
        FlowControl::Return => Flow::Return,
        // `call` to the next instruction reads the program counter.
        FlowControl::Call if insn.op0_kind() != OpKind::Memory && insn.near_branch_target() == insn.next_ip() => {
            ops.push(Op::Set(SP, Expr::Add(SP, i64::from(wide).wrapping_neg())));
            ops.push(Op::Store(Addr::at(SP, 0), wide, Src::Const(insn.next_ip())));
            Flow::Next
        }
        FlowControl::Call | FlowControl::IndirectCall => match insn.code() {
            Code::Syscall | Code::Sysenter => {
                ops.push(Op::Set(0, Expr::Unknown));
                Flow::Next
            }
            _ => Flow::Call(target()),
        },
        FlowControl::Interrupt if insn.mnemonic() == Mnemonic::Int => {
            ops.push(Op::Set(0, Expr::Unknown));
            Flow::Next
        }
        FlowControl::Interrupt | FlowControl::Exception => Flow::Stop,
    }
}

fn effects(insn: &Instruction, wide: u8, ops: &mut Vec<Op>) {
    let size = |register: Register| register.size() as u8;
    let immediate = |n: u32| match insn.op_kind(n) {
        OpKind::Immediate8
        | OpKind::Immediate16
        | OpKind::Immediate32
        | OpKind::Immediate64
        | OpKind::Immediate8to16
        | OpKind::Immediate8to32
        | OpKind::Immediate8to64
        | OpKind::Immediate32to64 => Some(insn.immediate(n)),
        _ => None,
    };
    let register = |n: u32| (insn.op_kind(n) == OpKind::Register).then(|| insn.op_register(n));
    let source = |n: u32| match (immediate(n), register(n).and_then(general)) {
        (Some(value), _) => Src::Const(value),
        (_, Some(reg)) => Src::Reg(reg),
        _ => Src::Other,
    };
    match insn.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsxd | Mnemonic::Movsx => {
            match (register(0).and_then(general), insn.op0_kind()) {
                (Some(rd), _) => {
                    let whole = register(0).is_some_and(|it| 4 <= size(it));
                    let expr = match source(1) {
                        _ if !whole => Expr::From(rd, rd),
                        Src::Const(value) => Expr::Const(value),
                        Src::Reg(rs) if register(1).is_some_and(|it| 4 <= size(it)) => Expr::Copy(rs),
                        Src::Reg(rs) => Expr::From(rs, rs),
                        Src::Other if insn.op1_kind() == OpKind::Memory => {
                            Expr::Load(memory(insn), insn.memory_size().size() as u8)
                        }
                        Src::Other => Expr::Unknown,
                    };
                    ops.push(Op::Set(rd, expr));
                }
                (None, OpKind::Memory) => {
                    ops.push(Op::Store(memory(insn), insn.memory_size().size() as u8, source(1)));
                }
                _ => {}
            }
        }
        Mnemonic::Lea => {
            if let Some(rd) = register(0).and_then(general) {
                ops.push(Op::Set(rd, Expr::Address(memory(insn))));
            }
        }
        Mnemonic::Push => {
            let src = source(0);
            let read = (insn.op0_kind() == OpKind::Memory).then(|| memory(insn));
            if let Some(addr) = read {
                // Read before the stack moves.
                ops.push(Op::Set(SCRATCH, Expr::Load(addr, wide)));
            }
            ops.push(Op::Set(SP, Expr::Add(SP, i64::from(wide).wrapping_neg())));
            ops.push(Op::Store(Addr::at(SP, 0), wide, if read.is_some() { Src::Reg(SCRATCH) } else { src }));
        }
        Mnemonic::Pop => {
            if let Some(rd) = register(0).and_then(general) {
                ops.push(Op::Set(rd, Expr::Load(Addr::at(SP, 0), wide)));
            }
            ops.push(Op::Set(SP, Expr::Add(SP, wide.into())));
        }
        Mnemonic::Leave => {
            ops.push(Op::Set(SP, Expr::Copy(5)));
            ops.push(Op::Set(5, Expr::Load(Addr::at(SP, 0), wide)));
            ops.push(Op::Set(SP, Expr::Add(SP, wide.into())));
        }
        Mnemonic::Add | Mnemonic::Sub if register(0).and_then(general).is_some() => {
            let Some(rd) = register(0).and_then(general) else { return };
            let subtract = insn.mnemonic() == Mnemonic::Sub;
            let expr = match source(1) {
                Src::Const(value) if subtract => Expr::Add(rd, (value as i64).wrapping_neg()),
                Src::Const(value) => Expr::Add(rd, value as i64),
                Src::Reg(rs) if !subtract => Expr::Sum(rd, rs),
                _ => Expr::From(rd, rd),
            };
            if subtract {
                ops.push(Op::Compare(Src::Reg(rd), source(1)));
            }
            ops.push(Op::Set(rd, expr));
        }
        // The stack is aligned downwards: where it then is does not matter, only that it stays one place.
        Mnemonic::And if register(0).and_then(general) == Some(SP) => {}
        Mnemonic::Xor | Mnemonic::Sub if register(0).is_some() && register(0) == register(1) => {
            if let Some(rd) = register(0).and_then(general) {
                ops.push(Op::Set(rd, Expr::Const(0)));
            }
        }
        Mnemonic::Cmp => ops.push(Op::Compare(source(0), source(1))),
        Mnemonic::Test => {
            let zero = register(0).is_some() && register(0) == register(1);
            ops.push(Op::Compare(if zero { source(0) } else { Src::Other }, Src::Const(0)));
        }
        _ => others(insn, ops),
    }
}

/// Every general register that is written becomes unknown; what is stored too.
fn others(insn: &Instruction, ops: &mut Vec<Op>) {
    if insn.rflags_modified() != 0 {
        ops.push(Op::Compare(Src::Other, Src::Other));
    }
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(insn);
    let writes = |access: OpAccess| {
        matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite)
    };
    let moves = insn.condition_code() != ConditionCode::None;
    for used in info.used_registers().iter().filter(|it| writes(it.access())) {
        let Some(rd) = general(used.register()) else { continue };
        let from = match (moves, general(insn.op1_register())) {
            (true, Some(rs)) => Expr::Either(rd, rs),
            _ => Expr::From(rd, general(insn.op1_register()).unwrap_or(rd)),
        };
        ops.push(Op::Set(rd, from));
    }
    for used in info.used_memory().iter().filter(|it| writes(it.access())) {
        if insn.op0_kind() == OpKind::Memory {
            ops.push(Op::Store(memory(insn), used.memory_size().size().min(64) as u8, Src::Other));
        }
    }
}

/// The general register of which one is a part.
fn general(register: Register) -> Option<Reg> {
    register.is_gpr().then(|| register.number() as Reg)
}

fn memory(insn: &Instruction) -> Addr {
    if insn.is_ip_rel_memory_operand() {
        return Addr::fixed(insn.ip_rel_memory_address());
    }
    let offset = insn.memory_displacement64() as i64;
    // In 32 bits a displacement has its sign in bit 31.
    let narrow = insn.memory_base().size() == 4 || insn.memory_index().size() == 4;
    let offset = if narrow { i64::from(offset as i32) } else { offset };
    Addr { base: general(insn.memory_base()), index: general(insn.memory_index()), offset }
}

/// A register beyond those of the machine, for what is read in between.
const SCRATCH: Reg = 31;

/// The longest instruction.
const MAX_LEN: usize = 15;
