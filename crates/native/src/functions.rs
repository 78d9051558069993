//! Which functions a file has: by its symbols, by the tables for unwinding, by pointers and by calls.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::body::{Body, Extent};
use crate::image::{Image, Slot};
use crate::isa::{Expr, Flow, Isa, N_REGS, Op, Target};
use crate::lift::lift;

/// All functions of a file.
#[derive(Default)]
pub struct Functions {
    /// In the order of addresses.
    pub all: Vec<Function>,
    /// Stubs that lead to an imported function or to one of this file.
    pub thunks: FxHashMap<u64, Slot>,
    /// Whether the work ran out.
    pub cut: bool,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Where it starts.
    pub at: u64,
    /// Where it ends.
    pub end: u64,
    /// Its mode.
    pub isa: Isa,
    /// Whether the file states its end.
    pub sized: bool,
    /// Its name, where the file has one.
    pub name: Option<String>,
    /// Whether all of it was understood: every place an instruction, every jump's target known.
    pub understood: bool,
    /// Calls, and jumps to other functions: where, and to which address.
    pub calls: Vec<(u64, u64)>,
}

impl Functions {
    /// The function that starts at an address.
    pub fn starting(&self, at: u64) -> Option<usize> {
        self.all.binary_search_by_key(&at, |it| it.at).ok()
    }
}

struct Start {
    isa: Isa,
    end: Option<u64>,
    name: Option<String>,
}

/// Finds them. Spends at most `fuel` instructions.
pub fn find(image: &Image, fuel: &mut u64) -> Functions {
    let mut starts: BTreeMap<u64, Start> = BTreeMap::new();
    let mut queue: BTreeSet<u64> = BTreeSet::new();
    let arm = image.isa == Isa::A32;
    let plain = |at: u64| if arm { at & !1 } else { at };
    let isa_of = |at: u64| if arm && at & 1 == 1 { Isa::T32 } else { image.isa };
    for symbol in &image.symbols {
        let at = plain(symbol.at);
        let start = starts.entry(at).or_insert(Start { isa: isa_of(symbol.at), end: None, name: None });
        if symbol.size != 0 {
            start.end = start.end.max(Some(at.saturating_add(symbol.size)));
        }
        start.name = start.name.take().or(Some(symbol.name.clone()));
    }
    for (at, end) in unwound(image) {
        let isa = if arm { guess(image, at) } else { image.isa };
        let start = starts.entry(at).or_insert(Start { isa, end: None, name: None });
        start.end = start.end.max(end);
    }
    let sized: Vec<(u64, u64)> = starts.iter().filter_map(|(at, it)| Some((*at, it.end?))).collect();
    let is_inside = |at: u64| {
        let n = sized.partition_point(|it| it.0 < at);
        n.checked_sub(1).and_then(|it| sized.get(it)).is_some_and(|it| it.0 < at && at < it.1)
    };
    let mut pointers: Vec<u64> = image
        .slots
        .values()
        .filter_map(|it| match it {
            Slot::Address(value) => Some(*value),
            Slot::Import(_) => None,
        })
        .collect();
    pointers.sort_unstable();
    for at in image.entries().into_iter().chain(pointers) {
        if image.is_code(plain(at)) && !is_inside(plain(at)) && is_aligned(isa_of(at), plain(at)) {
            starts.entry(plain(at)).or_insert(Start { isa: isa_of(at), end: None, name: None });
        }
    }
    queue.extend(starts.keys());

    let mut found = Functions::default();
    let mut body = Body::default();
    let mut read: BTreeMap<u64, Read> = BTreeMap::new();
    let mut later: BTreeSet<u64> = BTreeSet::new();
    let mut sweeps = 0;
    // What the file states comes first, then what that calls, and so on: what is known best decides about the rest. At
    // last what lies between and starts as functions do.
    while let Some(at) = queue.pop_first().or_else(|| {
        queue = std::mem::take(&mut later);
        if queue.is_empty() && sweeps < SWEEPS {
            sweeps = SWEEPS.min(sweeps.saturating_add(1));
            for (at, isa) in between(image, &read) {
                starts.entry(at).or_insert(Start { isa, end: None, name: None });
                queue.insert(at);
            }
        }
        queue.pop_first()
    }) {
        let (Some(start), Some((_, region))) = (starts.get(&at), image.region(at)) else { continue };
        if FUNCTIONS_MAX < starts.len() {
            found.cut = true;
        }
        let next = starts.range(at.saturating_add(1)..).next().map_or(region, |it| *it.0).min(region);
        let extent = match start.end {
            Some(end) => Extent::Known(end.min(region)),
            None => Extent::Limit(next),
        };
        let isa = start.isa;
        // Code of one mode holds none of the other.
        if before(&read, at).is_some_and(|it| it.isa != isa) {
            starts.remove(&at);
            continue;
        }
        let end = body.read(image, isa, at, extent, fuel);
        found.cut |= *fuel == 0;
        let mut calls = Vec::new();
        for insn in &body.insns {
            let to = match insn.flow {
                Flow::Call(Target::Address(to)) => to,
                // Behind its own end another function goes on.
                Flow::Jump(Target::Address(to)) | Flow::Branch(to, _) if plain(to) < at || end <= plain(to) => to,
                Flow::Call(Target::Mem(addr)) if addr.base.is_none() && addr.index.is_none() => {
                    calls.push((insn.at, addr.offset as u64));
                    continue;
                }
                _ => continue,
            };
            calls.push((insn.at, to));
            let place = plain(to);
            if starts.contains_key(&place) || found.thunks.contains_key(&place) || !image.is_code(place) {
                continue;
            }
            // A part that the compiler moved away goes back into the middle of its function.
            let calls = matches!(insn.flow, Flow::Call(_));
            if !calls && (is_inside(place) || before(&read, place).is_some()) {
                continue;
            }
            // From Thumb a jump stays in Thumb, a call says its mode.
            let target = if arm && to & 1 == 1 { Isa::T32 } else { image.isa };
            if let Some(slot) = thunk(image, target, place) {
                found.thunks.insert(place, slot);
            } else if !found.cut {
                starts.insert(place, Start { isa: target, end: None, name: None });
                later.insert(place);
            }
        }
        for to in body.pointers(image) {
            let place = plain(to);
            let aligned = !arm || to & 1 == 1 || to & 3 == 0;
            let elsewhere = place < at || end <= place;
            if aligned && elsewhere && is_aligned(isa_of(to), place) && !is_inside(place) && !found.cut {
                // A pointer into a function is one to a table or a label.
                let known = starts.contains_key(&place) || found.thunks.contains_key(&place);
                if known || before(&read, place).is_some() {
                    continue;
                }
                starts.insert(place, Start { isa: isa_of(to), end: None, name: None });
                later.insert(place);
            }
        }
        let understood = body.n_bad == 0 && !body.has_unknown_table && !body.insns.is_empty();
        read.insert(at, Read { isa, end, calls, understood });
    }
    let places: Vec<u64> = read.keys().copied().collect();
    for (n, (at, it)) in read.into_iter().enumerate() {
        let Some(start) = starts.remove(&at) else { continue };
        let sized = start.end.is_some();
        // Another function that was found in it later takes its part.
        let next = places.get(n.wrapping_add(1)).copied().unwrap_or(u64::MAX);
        // A few bytes up to the next one are filler.
        let filled = next.wrapping_sub(it.end) < FILLER;
        let end = if filled { next } else { it.end.min(next) };
        let mut calls = it.calls;
        calls.retain(|it| it.0 < end);
        let name = start.name.filter(|it| !it.is_empty());
        found.all.push(Function { at, end, isa: start.isa, sized, name, understood: it.understood, calls });
    }
    found
}

fn is_aligned(isa: Isa, at: u64) -> bool {
    at & isa.step().wrapping_sub(1) == 0
}

/// What lies between functions and starts as functions do: by saving where to return to.
fn between(image: &Image, read: &BTreeMap<u64, Read>) -> Vec<(u64, Isa)> {
    let mut starts = Vec::new();
    for (start, end) in &image.code {
        let mut at = *start;
        let inside = read.range(..end).map(|it| (*it.0, it.1.end)).filter(|it| *start < it.1);
        for (from, to) in inside.chain([(*end, *end)]) {
            let mut isa = read.range(..=at).next_back().map_or(image.isa, |it| it.1.isa);
            while at < from {
                if let Some(found) = saves_return(image, isa, at) {
                    isa = found;
                    starts.push((at, isa));
                }
                at = at.saturating_add(if image.isa == Isa::A32 { 2 } else { image.isa.step() });
            }
            at = at.max(to);
        }
    }
    starts
}

/// Whether a function that saves where to return to, or says that it may be jumped to, starts here; in which mode.
fn saves_return(image: &Image, isa: Isa, at: u64) -> Option<Isa> {
    let word = image.number(at, 4)? as u32;
    let half = word & 0xffff;
    match isa {
        // `stp x29, x30, [sp, #-n]!`, `paciasp`, `bti c`.
        Isa::A64 => (word & 0xffc0_7fff == 0xa980_7bfd || matches!(word, 0xd503_233f | 0xd503_245f)).then_some(isa),
        // `push {…, lr}`.
        Isa::A32 | Isa::T32 if at & 3 == 0 && word & 0xffff_4000 == 0xe92d_4000 => Some(Isa::A32),
        Isa::A32 | Isa::T32 => {
            let saves = half & 0xff00 == 0xb500 || half == 0xe92d && word & 0x4000_0000 != 0;
            (saves && guess(image, at & !3) == Isa::T32).then_some(Isa::T32)
        }
        // `endbr32`, `endbr64`, `push ebp; mov ebp, esp`.
        Isa::X86 | Isa::X64 => {
            let known = matches!(word, 0xfb1e_0ff3 | 0xfa1e_0ff3) || word & 0xff == 0x55 && word >> 8 & 0xff != 0x55;
            (known && at & 3 == 0).then_some(isa)
        }
    }
}

/// The function that was read and reaches over an address.
fn before(read: &BTreeMap<u64, Read>, at: u64) -> Option<&Read> {
    read.range(..at).next_back().map(|it| it.1).filter(|it| at < it.end)
}

struct Read {
    isa: Isa,
    end: u64,
    calls: Vec<(u64, u64)>,
    understood: bool,
}

/// What a short stub leads to: it works out an address of the linker's table and jumps to what lies there.
pub fn thunk(image: &Image, isa: Isa, start: u64) -> Option<Slot> {
    let (mut isa, mut at) = (isa, start);
    let mut known: [Option<u64>; N_REGS] = [None; N_REGS];
    let mut loaded: [Option<Slot>; N_REGS] = [None; N_REGS];
    if isa == Isa::X86
        && let Some(base) = known.get_mut(3)
    {
        *base = Some(image.got);
    }
    let mut ops = Vec::new();
    for _ in 0..THUNK_MAX {
        ops.clear();
        let lifted = lift(isa, image.bytes(at), at, &mut ops)?;
        let address = |addr: crate::isa::Addr, known: &[Option<u64>; N_REGS]| {
            let read = |reg: Option<u8>| reg.map_or(Some(0), |it| known.get(usize::from(it)).copied().flatten());
            Some(read(addr.base)?.wrapping_add(read(addr.index)?).wrapping_add_signed(addr.offset))
        };
        for op in &ops {
            let Op::Set(reg, expr) = op else { return None };
            let value = |reg: u8| known.get(usize::from(reg)).copied().flatten();
            let (number, slot) = match *expr {
                Expr::Const(value) => (Some(value), None),
                Expr::Copy(other) => (value(other), None),
                Expr::Add(other, imm) => (value(other).map(|it| it.wrapping_add_signed(imm)), None),
                Expr::Sum(a, b) => (value(a).zip(value(b)).map(|(a, b)| a.wrapping_add(b)), None),
                Expr::Insert(other, imm, 16) => (value(other).map(|it| it & 0xffff | u64::from(imm) << 16), None),
                Expr::Address(addr) => (address(addr, &known), None),
                Expr::Load(addr, size) => match address(addr, &known) {
                    Some(at) => (image.constant(at, size), image.slots.get(&at).copied()),
                    None => (None, None),
                },
                _ => (None, None),
            };
            let mask = if image.isa.pointer() == 4 { 0xffff_ffff } else { u64::MAX };
            *known.get_mut(usize::from(*reg))? = number.map(|it| it & mask);
            *loaded.get_mut(usize::from(*reg))? = slot;
        }
        match lifted.flow {
            Flow::Next => at = at.wrapping_add(lifted.size.into()),
            Flow::Jump(Target::Mem(addr)) => return image.slots.get(&address(addr, &known)?).copied(),
            Flow::Jump(Target::Reg(reg)) => return loaded.get(usize::from(reg)).copied().flatten(),
            // A veneer between modes.
            Flow::Jump(Target::Address(to)) if isa == Isa::T32 && to & 3 == 0 => {
                isa = Isa::A32;
                at = to;
            }
            _ => return None,
        }
    }
    None
}

/// Starts of functions in the tables for unwinding, with their ends where these are stated.
fn unwound(image: &Image) -> Vec<(u64, Option<u64>)> {
    let mut all = Vec::new();
    for segment in &image.file.segments {
        let bytes = image.file.range(segment.offset, segment.size);
        match segment.kind {
            PT_GNU_EH_FRAME => frames(image, segment.address, bytes, &mut all),
            PT_ARM_EXIDX if image.isa == Isa::A32 => {
                for (n, entry) in bytes.chunks_exact(8).take(FUNCTIONS_MAX).enumerate() {
                    let Some(word) = entry.first_chunk().map(|it| u32::from_le_bytes(*it)) else { break };
                    let offset = i64::from((word << 1) as i32 >> 1);
                    let place = segment.address.wrapping_add((n as u64).wrapping_mul(8));
                    all.push((place.wrapping_add_signed(offset) & 0xffff_fffe, None));
                }
            }
            _ => {}
        }
    }
    all.retain(|it| image.is_code(it.0));
    all
}

/// `.eh_frame_hdr` with its table, as linkers write it: offsets of four bytes from its own start.
fn frames(image: &Image, start: u64, bytes: &[u8], all: &mut Vec<(u64, Option<u64>)>) {
    let Some([1, _, count_encoding, 0x3b]) = bytes.first_chunk::<4>().copied() else { return };
    if count_encoding != 0x03 {
        return;
    }
    let table = bytes.get(12..).unwrap_or_default();
    let place =
        |bytes: &[u8]| bytes.first_chunk().map(|it| start.wrapping_add_signed(i64::from(i32::from_le_bytes(*it))));
    for entry in table.chunks_exact(8).take(FUNCTIONS_MAX) {
        let (Some(at), Some(frame)) = (place(entry), entry.get(4..).and_then(place)) else { return };
        // Length, pointer to the common part, start, size: believed where the start is the one of the table.
        let begin = image
            .number(frame.wrapping_add(8), 4)
            .map(|it| frame.wrapping_add(8).wrapping_add_signed(i64::from(it as u32 as i32)));
        let size = image.number(frame.wrapping_add(12), 4).filter(|it| begin == Some(at) && *it != 0);
        all.push((at, size.map(|it| at.saturating_add(it))));
    }
}

/// Whether code that nothing tells the mode of is Thumb: ARM code has the condition "always" nearly everywhere.
fn guess(image: &Image, at: u64) -> Isa {
    if at & 3 != 0 {
        return Isa::T32;
    }
    let words = image.bytes(at).chunks_exact(4).take(GUESS_WORDS);
    let always = words.clone().filter(|it| matches!(it, [.., top] if top >> 4 == 0xe)).count();
    if words.len() <= always.saturating_mul(2) && always != 0 { Isa::A32 } else { Isa::T32 }
}

const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_ARM_EXIDX: u32 = 0x7000_0001;

/// The largest libraries have some hundred thousand functions.
const FUNCTIONS_MAX: usize = 1 << 20;

/// Functions start at multiples of 16 at most.
const FILLER: u64 = 16;

/// What is found between functions leads to more.
const SWEEPS: u8 = 2;

/// A stub has three or four instructions, and a landing pad before them.
const THUNK_MAX: usize = 8;

/// Enough to tell ARM code from Thumb.
const GUESS_WORDS: usize = 4;
