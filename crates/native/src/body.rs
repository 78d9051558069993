//! A function as a list of instructions, with the data between them left out.

use rustc_hash::FxHashSet;

use crate::image::Image;
use crate::isa::{Expr, Flow, Isa, N_REGS, Op, Reg, Src, Target};
use crate::lift::lift;

/// A function's instructions. Reused from one function to the next.
#[derive(Default)]
pub struct Body {
    /// In the order of addresses.
    pub insns: Vec<Insn>,
    /// The effects of all of them.
    pub ops: Vec<Op>,
    /// How many places hold no instruction that is known.
    pub n_bad: u64,
    /// Whether it jumps to places that could not be told.
    pub has_unknown_table: bool,
    /// Where a table leads, by the number of the instruction.
    pub tables: Vec<(usize, u64)>,
    literals: FxHashSet<u64>,
}

/// An instruction in a function.
#[derive(Debug, Clone, Copy)]
pub struct Insn {
    /// Its address.
    pub at: u64,
    /// Whether it takes effect only under a condition.
    pub maybe: bool,
    /// What comes after.
    pub flow: Flow,
    /// Where its effects start.
    ops: usize,
}

/// How far a function reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To an address that the file states.
    Known(u64),
    /// At most to an address; it ends where no jump leads on.
    Limit(u64),
}

impl Body {
    /// The effects of an instruction.
    pub fn ops(&self, n: usize) -> &[Op] {
        let start = self.insns.get(n).map_or(0, |it| it.ops);
        let end = self.insns.get(n.wrapping_add(1)).map_or(self.ops.len(), |it| it.ops);
        self.ops.get(start..end).unwrap_or_default()
    }

    /// Reads a function, at most `fuel` instructions; returns where it ends.
    pub fn read(&mut self, image: &Image, isa: Isa, start: u64, extent: Extent, fuel: &mut u64) -> u64 {
        let (limit, known) = match extent {
            Extent::Known(end) => (end, true),
            Extent::Limit(end) => (end, false),
        };
        self.insns.clear();
        self.ops.clear();
        self.tables.clear();
        self.literals.clear();
        self.n_bad = 0;
        self.has_unknown_table = false;
        let mut frontier = start;
        let mut conditional = 0u8;
        let mut at = start;
        let code = image.bytes(start);
        while at < limit {
            if self.literals.contains(&at) {
                at = at.saturating_add(4);
                continue;
            }
            let rest = usize::try_from(at.wrapping_sub(start)).ok().and_then(|it| code.get(it..)).unwrap_or_default();
            if *fuel == 0 || rest.is_empty() {
                self.n_bad = self.n_bad.saturating_add(1);
                break;
            }
            *fuel = fuel.saturating_sub(1);
            let ops = self.ops.len();
            let Some(mut lifted) = lift(isa, rest, at, &mut self.ops) else {
                self.ops.truncate(ops);
                self.n_bad = self.n_bad.saturating_add(1);
                if !known || matches!(isa, Isa::X86 | Isa::X64) {
                    break;
                }
                at = at.saturating_add(isa.step());
                continue;
            };
            if let Some(reg) = reads_pc(image, isa, lifted.flow) {
                self.ops.push(Op::Set(reg, Expr::Const(at.saturating_add(lifted.size.into()))));
                lifted.flow = Flow::Next;
            }
            let maybe = lifted.maybe || 0 < conditional;
            conditional = match lifted.makes_conditional {
                0 => conditional.saturating_sub(1),
                n => n,
            };
            let next = at.saturating_add(lifted.size.into());
            let insn = Insn { at, maybe, flow: lifted.flow, ops };
            self.insns.push(insn);
            self.keep_literals(ops, isa);
            let inside = |to: u64| start <= to && to < limit;
            let mut behind = next;
            match lifted.flow {
                Flow::Branch(to, _) | Flow::Jump(Target::Address(to)) if inside(to) => frontier = frontier.max(to),
                Flow::Table(entry) => {
                    behind = self.read_table(image, isa, at, entry, next);
                    let n = self.insns.len().wrapping_sub(1);
                    let targets = self.tables.iter().rev().take_while(|it| it.0 == n).map(|it| it.1);
                    frontier = frontier.max(targets.filter(|it| inside(*it)).max().unwrap_or(0));
                }
                _ => {}
            }
            at = behind;
            let ends = matches!(lifted.flow, Flow::Jump(_) | Flow::Return | Flow::Stop | Flow::Table(_)) && !maybe;
            if ends && !known && frontier < at {
                break;
            }
        }
        // The numbers that it loads lie behind it, perhaps after a filler.
        for place in [at, at.saturating_add(2)] {
            if self.literals.contains(&place) {
                at = place;
                while self.literals.contains(&at) {
                    at = at.saturating_add(4);
                }
                break;
            }
        }
        at.min(limit)
    }

    /// Addresses of code that it works out: functions that it passes on.
    pub fn pointers(&self, image: &Image) -> Vec<u64> {
        let mut known: [Option<u64>; N_REGS] = [None; N_REGS];
        let mut pointers = Vec::new();
        let mask = if image.isa.pointer() == 4 { 0xffff_ffff } else { u64::MAX };
        for op in &self.ops {
            let Op::Set(reg, expr) = *op else { continue };
            let of = |reg: Reg| known.get(usize::from(reg)).copied().flatten();
            let value = match expr {
                Expr::Const(value) => Some(value),
                Expr::Copy(other) => of(other),
                Expr::Add(other, imm) => of(other).map(|it| it.wrapping_add_signed(imm) & mask),
                Expr::Address(addr) if addr.index.is_none() => {
                    addr.base.map_or(Some(0), of).map(|it| it.wrapping_add_signed(addr.offset) & mask)
                }
                Expr::Load(addr, 4) if addr.base.is_none() && addr.index.is_none() => {
                    image.constant(addr.offset as u64, 4)
                }
                _ => None,
            };
            if matches!(expr, Expr::Add(..) | Expr::Address(_))
                && let Some(value) = value.filter(|it| image.is_code(it & !1))
            {
                pointers.push(value);
            }
            if let Some(slot) = known.get_mut(usize::from(reg)) {
                *slot = value;
            }
        }
        pointers
    }

    /// What is loaded from behind the code is no code.
    fn keep_literals(&mut self, ops: usize, isa: Isa) {
        if !matches!(isa, Isa::A32 | Isa::T32) {
            return;
        }
        for op in self.ops.get(ops..).unwrap_or_default() {
            if let Op::Set(_, Expr::Load(addr, 4)) = op
                && addr.base.is_none()
                && addr.index.is_none()
            {
                self.literals.insert(addr.offset as u64);
            }
        }
    }

    /// Where a jump by table leads; returns where code goes on behind it.
    fn read_table(&mut self, image: &Image, isa: Isa, at: u64, entry: u8, next: u64) -> u64 {
        let n = self.insns.len().wrapping_sub(1);
        // The number of entries stands in the comparison that keeps out what is too large.
        let first = n.saturating_sub(TABLE_REACH);
        let compared = (first..n).rev().find_map(|it| {
            self.ops(it).iter().rev().find_map(|op| match op {
                Op::Compare(_, Src::Const(value)) if *value < TABLE_MAX => Some(value.wrapping_add(1)),
                _ => None,
            })
        });
        let Some(count) = compared else {
            self.has_unknown_table |= isa != Isa::A64 || entry != 0;
            return next;
        };
        match (isa, entry) {
            (Isa::T32, 1 | 2) => {
                let size = u64::from(entry);
                for it in 0..count {
                    if let Some(value) = image.number(next.wrapping_add(it.wrapping_mul(size)), entry) {
                        self.tables.push((n, next.wrapping_add(value.wrapping_mul(2))));
                    }
                }
                let bytes = count.wrapping_mul(size);
                next.saturating_add(bytes.wrapping_add(bytes & 1))
            }
            (Isa::A32, 4) => {
                let table = at.wrapping_add(8);
                for it in 0..count {
                    let place = table.wrapping_add(it.wrapping_mul(4));
                    self.literals.insert(place);
                    self.tables.extend(image.number(place, 4).map(|to| (n, to & !1)));
                }
                next
            }
            (Isa::A32, _) => {
                for it in 0..count {
                    self.tables.push((n, at.wrapping_add(8).wrapping_add(it.wrapping_mul(4))));
                }
                next
            }
            _ => {
                self.has_unknown_table = true;
                next
            }
        }
    }
}

/// A call of `__x86.get_pc_thunk.bx` or its kin (`mov ebx, [esp]; ret`): the register that takes the next address.
fn reads_pc(image: &Image, isa: Isa, flow: Flow) -> Option<Reg> {
    match (isa, flow) {
        (Isa::X86, Flow::Call(Target::Address(to))) => match image.bytes(to) {
            [0x8b, modrm, 0x24, 0xc3, ..] if modrm & 0xc7 == 4 => Some(modrm >> 3),
            _ => None,
        },
        _ => None,
    }
}

/// How far back the comparison of a table is looked for, in instructions.
const TABLE_REACH: usize = 8;

/// Larger tables are not believed.
const TABLE_MAX: u64 = 4096;
