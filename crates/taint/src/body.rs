//! The body of a method as blocks: where ways part and meet, where exceptions go, which registers still matter.

use std::collections::BTreeSet;

use dalvik::insn::{Insns, switch_targets};
use dalvik::{CodeItem, Insn, Name, op};

/// A method's instructions, cut into blocks.
pub(crate) struct Body {
    /// In the order of the code.
    pub blocks: Vec<Block>,
    /// Stretches that run again and again: from where to where a way leads back. Apart from each other, in order.
    loops: Vec<(u32, u32)>,
    starts: Vec<u32>,
    /// Of every block those that may run next, without handlers.
    next: Vec<Vec<usize>>,
    /// Of every block the registers whose value someone reads later; empty where that was not worked out.
    live: Vec<Vec<u64>>,
    /// How much was looked at, in instructions, targets and words.
    pub work: usize,
}

/// Instructions that run one after the other.
pub(crate) struct Block {
    pub start: u32,
    pub end: u32,
    /// Type and block of every handler, in order.
    pub handlers: Vec<(Option<Name>, usize)>,
}

impl Body {
    /// Cuts the code into blocks; `None` where there is nothing to run, and where tables that lie in each other would take
    /// more work than any honest method.
    pub fn of(code: &CodeItem<'_>, type_name: impl Fn(u32) -> Option<Name>) -> Option<Body> {
        let insns: Vec<Insn> = Insns::new(code.insns).take(INSNS_MAX).collect();
        let last = insns.last().map(|it| it.pc + it.len)?;
        let tries = code.tries();
        let mut leaders: BTreeSet<u32> = BTreeSet::from([0]);
        let mut loops: Vec<(u32, u32)> = Vec::new();
        let mut work = insns.len();
        for insn in &insns {
            let targets = targets_of(insn, code.insns);
            // Each is kept, too.
            work += targets.len() * 8;
            if WORK_MAX < work {
                return None;
            }
            for target in targets {
                leaders.insert(target);
                if target <= insn.pc {
                    loops.push((target, insn.pc));
                }
            }
            if ends_block(insn.op) {
                leaders.insert(insn.pc + insn.len);
            }
        }
        for range in &tries {
            leaders.insert(range.start);
            leaders.insert(range.end);
            leaders.extend(range.handlers.iter().map(|it| it.addr));
        }
        let starts: Vec<u32> = leaders.into_iter().filter(|it| *it < last).collect();
        let ends = starts.iter().skip(1).copied().chain([last]);
        let mut blocks: Vec<Block> =
            starts.iter().zip(ends).map(|(&start, end)| Block { start, end, handlers: Vec::new() }).collect();
        work += tries.len() * blocks.len();
        if WORK_MAX < work || CELLS_MAX < blocks.len() * usize::from(code.registers_size) {
            return None;
        }
        for block in &mut blocks {
            for range in tries.iter().filter(|it| it.start <= block.start && block.start < it.end) {
                work += range.handlers.len();
                if WORK_MAX < work {
                    return None;
                }
                for handler in &range.handlers {
                    let ty = handler.type_idx.and_then(&type_name);
                    block.handlers.extend(starts.binary_search(&handler.addr).ok().map(|n| (ty, n)));
                }
            }
        }
        let mut body = Body { blocks, loops: joined(loops), starts, next: Vec::new(), live: Vec::new(), work };
        body.find_next(&insns, code);
        body.find_live(&insns, code);
        Some(body)
    }

    /// The block that starts here.
    pub fn at(&self, pc: u32) -> Option<usize> {
        self.starts.binary_search(&pc).ok()
    }

    /// Whether the instruction can run more than once in one run of the method.
    pub fn repeats(&self, pc: u32) -> bool {
        let behind = self.loops.partition_point(|it| it.0 <= pc);
        behind.checked_sub(1).and_then(|it| self.loops.get(it)).is_some_and(|it| pc <= it.1)
    }

    /// Whether someone may read what a register holds at the start of a block.
    pub fn is_live(&self, block: usize, reg: usize) -> bool {
        self.live.get(block).is_none_or(|it| it.get(reg / 64).is_none_or(|it| it >> (reg % 64) & 1 == 1))
    }

    /// The blocks that run only where the branch at the end of a block goes one way and not another: those that not all
    /// of its ways lead to, before it is come by again.
    pub fn decided_by(&self, branch: usize) -> Vec<usize> {
        let ways = self.next.get(branch).map_or(&[][..], |it| it);
        let mut n_ways = vec![0usize; self.blocks.len()];
        for &way in ways {
            let mut seen = vec![false; self.blocks.len()];
            let mut waiting = vec![way];
            while let Some(block) = waiting.pop() {
                if block == branch || std::mem::replace(&mut seen[block], true) {
                    continue;
                }
                n_ways[block] += 1;
                waiting.extend(&self.next[block]);
                waiting.extend(self.blocks[block].handlers.iter().map(|it| it.1));
            }
        }
        (0..self.blocks.len()).filter(|it| n_ways[*it] != 0 && n_ways[*it] < ways.len()).collect()
    }

    /// How many blocks may run next.
    pub fn n_ways(&self, block: usize) -> usize {
        self.next.get(block).map_or(0, Vec::len)
    }

    fn range_of(insns: &[Insn], block: &Block) -> std::ops::Range<usize> {
        let from = insns.partition_point(|it| it.pc < block.start);
        from..insns.partition_point(|it| it.pc < block.end)
    }

    fn find_next(&mut self, insns: &[Insn], code: &CodeItem<'_>) {
        let mut next: Vec<Vec<usize>> = Vec::with_capacity(self.blocks.len());
        for (n, block) in self.blocks.iter().enumerate() {
            let mut after = Vec::new();
            let last = insns.get(Self::range_of(insns, block)).and_then(<[Insn]>::last);
            if let Some(last) = last {
                after.extend(targets_of(last, code.insns).into_iter().filter_map(|it| self.at(it)));
            }
            let falls = last.is_none_or(
                |it| !matches!(it.op, op::RETURN_VOID..=op::RETURN_OBJECT | op::THROW | op::GOTO..=op::GOTO_32),
            );
            if falls && n + 1 < self.blocks.len() {
                after.push(n + 1);
            }
            next.push(after);
        }
        self.next = next;
    }

    fn find_live(&mut self, insns: &[Insn], code: &CodeItem<'_>) {
        let words = usize::from(code.registers_size).div_ceil(64);
        if LIVE_MAX < words * self.blocks.len() {
            return;
        }
        let mut live = vec![vec![0u64; words]; self.blocks.len()];
        let mut changed = true;
        let mut now = vec![0u64; words];
        let n_ways = self.next.iter().map(Vec::len).sum::<usize>();
        let n_ways = n_ways + self.blocks.iter().map(|it| 2 + it.handlers.len()).sum::<usize>();
        let pass = insns.len() + words * n_ways;
        while changed {
            changed = false;
            self.work += pass;
            if WORK_MAX < self.work {
                return;
            }
            for (n, block) in self.blocks.iter().enumerate().rev() {
                now.fill(0);
                let merge = |now: &mut [u64], from: &[u64]| now.iter_mut().zip(from).for_each(|(a, b)| *a |= b);
                for &after in &self.next[n] {
                    merge(&mut now, &live[after]);
                }
                for insn in insns.get(Self::range_of(insns, block)).unwrap_or_default().iter().rev() {
                    if let Some(reg) = insn.writes().map(usize::from)
                        && let Some(word) = now.get_mut(reg / 64)
                    {
                        *word &= !(1 << (reg % 64));
                    }
                    insn.each_read(|reg| {
                        let reg = usize::from(reg);
                        if let Some(word) = now.get_mut(reg / 64) {
                            *word |= 1 << (reg % 64);
                        }
                    });
                }
                // A handler takes over from anywhere in the block.
                for &(_, handler) in &block.handlers {
                    merge(&mut now, &live[handler]);
                }
                if live[n] != now {
                    live[n].copy_from_slice(&now);
                    changed = true;
                }
            }
        }
        self.live = live;
    }
}

/// Stretches that touch as one.
fn joined(mut stretches: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    stretches.sort_unstable();
    let mut all: Vec<(u32, u32)> = Vec::new();
    for (from, to) in stretches {
        match all.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

fn targets_of(insn: &Insn, insns: &[u8]) -> Vec<u32> {
    match insn.op {
        op::GOTO..=op::GOTO_32 | op::IF_EQ..=op::IF_LEZ => vec![insn.target],
        op::PACKED_SWITCH | op::SPARSE_SWITCH => {
            switch_targets(insns, insn.pc, insn.target).into_iter().map(|it| it.1).collect()
        }
        _ => Vec::new(),
    }
}

fn ends_block(op: u8) -> bool {
    matches!(op, op::RETURN_VOID..=op::RETURN_OBJECT | op::THROW | op::GOTO..=op::GOTO_32 | op::PACKED_SWITCH | op::SPARSE_SWITCH)
        || (op::IF_EQ..=op::IF_LEZ).contains(&op)
}

/// Longer methods do not load on a phone: the format counts code units in 32 bits, but ART refuses far earlier.
const INSNS_MAX: usize = 1 << 18;

/// Work on the blocks of one method; the longest real ones take a tenth.
const WORK_MAX: usize = 1 << 24;

/// Registers of all blocks, whose values are kept.
const CELLS_MAX: usize = 1 << 23;

/// Words of the tables of live registers: a method with very many registers and blocks keeps what it has.
const LIVE_MAX: usize = 1 << 20;
