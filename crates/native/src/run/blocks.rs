//! A function as blocks: which runs of instructions lead to which.

use rustc_hash::FxHashMap;

use crate::body::Body;
use crate::functions::Function;
use crate::isa::{Flow, Isa, Target};

/// A block: a run of instructions that is entered at its start.
pub struct Block {
    /// Its first instruction.
    pub first: usize,
    /// The first that is not in it.
    pub end: usize,
    /// The blocks that it leads to; of a branch first the one that it jumps to.
    pub next: Vec<usize>,
}

/// Which blocks are reached from the first without an edge.
pub fn reached_without(blocks: &[Block], from: usize, to: usize) -> Vec<bool> {
    let mut reached = vec![false; blocks.len()];
    let mut stack = vec![0usize];
    while let Some(n) = stack.pop() {
        let Some(flag) = reached.get_mut(n) else { continue };
        if std::mem::replace(flag, true) {
            continue;
        }
        let next = blocks.get(n).map(|it| it.next.as_slice()).unwrap_or_default();
        stack.extend(next.iter().copied().filter(|it| (n, *it) != (from, to)));
    }
    reached
}

/// Whether a jump leaves the function.
pub fn is_tail(block: &Block, n: usize, body: &Body, target: Target) -> bool {
    match target {
        Target::Address(_) => block.next.is_empty() && n.wrapping_add(1) == block.end && !body.insns.is_empty(),
        Target::Reg(_) | Target::Mem(_) => block.next.is_empty(),
    }
}

/// The blocks of a function.
pub fn blocks_of(function: &Function, body: &Body) -> Vec<Block> {
    let plain = |at: u64| if matches!(function.isa, Isa::A32 | Isa::T32) { at & !1 } else { at };
    let number: FxHashMap<u64, usize> = body.insns.iter().enumerate().map(|(n, it)| (it.at, n)).collect();
    let inside = |to: u64| number.get(&plain(to)).copied();
    let mut firsts: Vec<usize> = vec![0];
    for (n, insn) in body.insns.iter().enumerate() {
        match insn.flow {
            Flow::Next | Flow::Call(_) => continue,
            Flow::Branch(to, _) | Flow::Jump(Target::Address(to)) => firsts.extend(inside(to)),
            _ => {}
        }
        firsts.push(n.wrapping_add(1));
    }
    firsts.extend(body.tables.iter().filter_map(|it| inside(it.1)));
    firsts.retain(|it| *it < body.insns.len());
    firsts.sort_unstable();
    firsts.dedup();
    let block_at = |n: usize| firsts.binary_search(&n).ok();
    let mut blocks: Vec<Block> = Vec::with_capacity(firsts.len());
    let mut entered = vec![false; firsts.len()];
    for (b, first) in firsts.iter().enumerate() {
        let end = firsts.get(b.wrapping_add(1)).copied().unwrap_or(body.insns.len());
        let mut next = Vec::new();
        let follows = (b.wrapping_add(1) < firsts.len()).then(|| b.wrapping_add(1));
        if let Some(last) = end.checked_sub(1).and_then(|it| body.insns.get(it)) {
            let tables = body.tables.iter().filter(|it| Some(it.0) == end.checked_sub(1));
            match last.flow {
                Flow::Next | Flow::Call(_) => next.extend(follows),
                Flow::Branch(to, _) => {
                    next.extend(inside(to).and_then(block_at));
                    next.extend(follows);
                }
                Flow::Jump(target) => {
                    if let Target::Address(to) = target {
                        next.extend(inside(to).and_then(block_at));
                    }
                    if last.maybe {
                        next.extend(follows);
                    }
                }
                Flow::Return | Flow::Stop => next.extend(follows.filter(|_| last.maybe)),
                Flow::Table(_) => {
                    next.extend(tables.filter_map(|it| inside(it.1).and_then(block_at)));
                    next.extend(follows.filter(|_| last.maybe));
                }
            }
        }
        next.dedup();
        for it in &next {
            if let Some(flag) = entered.get_mut(*it) {
                *flag = true;
            }
        }
        blocks.push(Block { first: *first, end, next });
    }
    // Where a jump by an address leads is not known: to what nothing else leads to.
    let jumps: Vec<usize> = blocks
        .iter()
        .enumerate()
        .filter(|(_, it)| {
            let last = it.end.checked_sub(1).and_then(|it| body.insns.get(it)).map(|it| it.flow);
            matches!(last, Some(Flow::Jump(Target::Reg(_) | Target::Mem(_)) | Flow::Table(_))) && it.next.is_empty()
        })
        .map(|it| it.0)
        .collect();
    if !jumps.is_empty() {
        let orphans: Vec<usize> = (1..blocks.len()).filter(|it| entered.get(*it) == Some(&false)).collect();
        for orphan in orphans {
            let before = jumps.partition_point(|it| *it < orphan).saturating_sub(1);
            if let Some(block) = jumps.get(before).and_then(|it| blocks.get_mut(*it)) {
                block.next.push(orphan);
            }
        }
    }
    blocks
}
