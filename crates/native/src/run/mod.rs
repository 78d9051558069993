//! One function, run on what is known: constants, places in memory, and where what they hold comes from.

mod blocks;
mod call;
mod library;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::body::Body;
use crate::functions::{Function, Functions};
use crate::image::{Image, Slot};
use crate::isa::{Addr, Cond, Expr, Flow, Isa, Op, Src, Target};
use crate::value::{Content, Domain, Mask, N_PARAMS, Object, State, Value, What};

use blocks::{Block, blocks_of, is_tail, reached_without};

/// What a function does for those who call it, and what was seen in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// What it fills of what its arguments point to.
    pub fills: Vec<Content>,
    /// What it returns.
    pub returns: Option<Value>,
    /// What it does with its arguments, and with what was received before.
    pub sinks: Vec<Use>,
    /// The first way by which something comes from outside, for each place that it comes from.
    pub sources: Vec<(Mask, Vec<Hop>)>,
}

/// A sink and what reaches it.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The kind of the sink.
    pub kind: &'static str,
    /// Where what reaches it comes from.
    pub from: Mask,
    /// The calls that lead to it.
    pub hops: Vec<Hop>,
}

/// A call on a way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// The number of the function that calls.
    pub function: usize,
    /// The call.
    pub at: u64,
    /// What is called.
    pub callee: String,
}

/// A call of a library function that is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The number of the function that calls.
    pub function: usize,
    /// The call.
    pub at: u64,
    /// The library function.
    pub name: &'static str,
    /// What it is given, as far as it is known.
    pub args: Vec<Option<String>>,
}

/// A socket that is bound to an address of the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The number of the function that calls.
    pub function: usize,
    /// The call.
    pub at: u64,
    /// What it talks to.
    pub domain: Domain,
    /// The address, where it is known.
    pub address: Option<String>,
    /// The port, where it is known.
    pub port: Option<u16>,
}

/// A comparison with a constant that decides whether a call is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The number of the function.
    pub function: usize,
    /// The comparison.
    pub at: u64,
    /// What compares.
    pub name: &'static str,
    /// The constant.
    pub text: String,
    /// The calls that are reached only if it is equal, or only if it is not.
    pub calls: Vec<u64>,
    /// Which of both.
    pub equal: bool,
}

/// What was seen in one function.
#[derive(Default)]
pub struct Seen {
    /// For those who call it.
    pub summary: Summary,
    /// Calls of library functions.
    pub sites: Vec<Site>,
    /// Sockets that are bound.
    pub bound: Vec<Bound>,
    /// Comparisons.
    pub gates: Vec<Gate>,
    /// Hosts and addresses that calls are given.
    pub hosts: Vec<(u64, String)>,
    /// Global memory that is filled from outside.
    pub globals: Vec<(Content, Vec<Hop>)>,
    /// Objects that are offered by Binder: the call, and the name.
    pub offers: Vec<(u64, String)>,
    /// Functions that are given to a library function as what it calls with received data.
    pub callbacks: Vec<u64>,
    /// Where indirect calls lead.
    pub calls: Vec<(u64, usize)>,
    /// Whether work ran out.
    pub cut: bool,
}

/// What is known of the file.
pub struct Context<'a> {
    /// The file.
    pub image: &'a Image<'a>,
    /// Its functions.
    pub functions: &'a Functions,
    /// What is known of its functions so far.
    pub summaries: &'a [Option<Summary>],
    /// Whether a function leads to a sink.
    pub acts: &'a [bool],
    /// Global memory that is filled from outside.
    pub globals: &'a [(Content, Vec<Hop>)],
    /// Functions that a library calls with received data.
    pub callbacks: &'a FxHashSet<u64>,
}

/// Runs a function.
pub fn run(context: &Context, number: usize, function: &Function, body: &Body, fuel: &mut u64) -> Seen {
    let mut run = Run {
        context,
        number,
        isa: function.isa,
        mask: if function.isa.pointer() == 4 { 0xffff_ffff } else { u64::MAX },
        seen: Seen::default(),
        compares: Vec::new(),
        told: FxHashSet::default(),
        wide: FxHashMap::default(),
    };
    run.function(function, body, fuel);
    run.seen
}

struct Compare {
    at: u64,
    name: &'static str,
    text: String,
    /// Block that branches, and the blocks for equal and not equal.
    branch: Option<(usize, usize, usize)>,
}

enum Callee {
    Import(u32),
    Function(usize),
    Unknown,
}

struct Run<'a> {
    context: &'a Context<'a>,
    number: usize,
    isa: Isa,
    mask: u64,
    seen: Seen,
    compares: Vec<Compare>,
    /// Calls that were told of.
    told: FxHashSet<(u64, u8)>,
    /// Texts of Binder in the frame: the last that was made at a place.
    wide: FxHashMap<i64, String>,
}

impl Run<'_> {
    fn function(&mut self, function: &Function, body: &Body, fuel: &mut u64) {
        let blocks = blocks_of(function, body);
        let mut states: Vec<Option<State>> = Vec::new();
        states.resize_with(blocks.len(), || None);
        let Some(first) = states.first_mut() else { return };
        *first = Some(self.entry(function));
        let mut changed = vec![false; blocks.len()];
        if let Some(first) = changed.first_mut() {
            *first = true;
        }
        let mut acting: Vec<u64> = Vec::new();
        for _ in 0..ROUNDS {
            if !changed.iter().any(|it| *it) {
                break;
            }
            for (n, block) in blocks.iter().enumerate() {
                let wanted = changed.get_mut(n).is_some_and(std::mem::take);
                let Some(state) = states.get(n).and_then(Option::as_ref).filter(|_| wanted) else { continue };
                let mut state = state.clone();
                let work = block.end.saturating_sub(block.first) as u64;
                if *fuel < work {
                    self.seen.cut = true;
                    return;
                }
                *fuel = fuel.saturating_sub(work);
                self.block(&mut state, n, block, body, &mut acting);
                for next in &block.next {
                    let grew = match states.get_mut(*next) {
                        Some(Some(known)) => known.join(&state),
                        Some(slot) => {
                            *slot = Some(state.clone());
                            true
                        }
                        None => false,
                    };
                    if let Some(flag) = changed.get_mut(*next).filter(|_| grew) {
                        *flag = true;
                    }
                }
            }
        }
        // What other functions left in the file's own data came by their ways.
        let used = self.seen.summary.sinks.iter().fold(Mask::NONE, |all, it| all.or(it.from.and(Mask::OUTSIDE)));
        for bit in used.each() {
            let hops = self.source_of(bit);
            self.add_source(bit, || hops);
        }
        acting.sort_unstable();
        acting.dedup();
        self.gates(&blocks, body, &acting);
    }

    /// What is known when a function is called.
    fn entry(&self, function: &Function) -> State {
        let mut state = State::new();
        state.set(self.isa.stack(), Value::of(What::At(Object::Stack, 0)));
        for n in 0..N_PARAMS {
            let param = Value { what: What::At(Object::Param(n), 0), from: Mask::param(n) };
            match self.isa.arguments().get(usize::from(n)) {
                Some(reg) => state.set(*reg, param),
                None => {
                    let skip = if self.isa == Isa::X86 { 1 } else { 0 };
                    let first = self.isa.arguments().len() as i64;
                    let slot = i64::from(n).wrapping_sub(first).wrapping_add(skip);
                    let size = i64::from(self.isa.pointer());
                    state.put(slot.wrapping_mul(size), size, param);
                }
            }
        }
        for (content, _) in self.context.globals {
            state.add_content(*content);
        }
        if self.context.callbacks.contains(&function.at) {
            state.add_content(Content { object: Object::Param(0), offset: 0, len: BUFFER, from: Mask::INTERNET });
        }
        state
    }

    fn block(&mut self, state: &mut State, n: usize, block: &Block, body: &Body, acting: &mut Vec<u64>) {
        for it in block.first..block.end {
            let Some(insn) = body.insns.get(it) else { break };
            let before = insn.maybe.then(|| state.clone());
            for op in body.ops(it) {
                self.op(state, *op);
            }
            if insn.maybe
                && let Some(before) = &before
                && insn.flow == Flow::Next
            {
                state.join(before);
            }
            if !self.wide.is_empty()
                && let Flow::Call(target) = insn.flow
            {
                self.virtual_call(state, insn.at, self.method_of(body, it, target));
            }
            let called = match insn.flow {
                Flow::Call(target) => self.call(state, insn.at, target),
                // A call whose caller is told directly.
                Flow::Jump(target) if is_tail(block, it, body, target) => {
                    let acts = self.call(state, insn.at, target);
                    self.returns(state);
                    acts
                }
                _ => false,
            };
            if called {
                acting.push(insn.at);
            }
            match insn.flow {
                Flow::Branch(_, cond) => self.branch(state, n, block, cond),
                Flow::Return => self.returns(state),
                _ => {}
            }
        }
    }

    /// How far into a table of methods that lies which is called.
    fn method_of(&self, body: &Body, call: usize, target: Target) -> Option<i64> {
        let of = |addr: Addr| addr.base.filter(|_| addr.index.is_none()).map(|_| addr.offset);
        let reg = match target {
            Target::Mem(addr) => return of(addr),
            Target::Reg(reg) => reg,
            Target::Address(_) => return None,
        };
        let before = (call.saturating_sub(METHOD_REACH)..call).rev();
        let set = before.flat_map(|it| body.ops(it).iter().rev()).find_map(|it| match it {
            Op::Set(to, expr) if *to == reg => Some(*expr),
            _ => None,
        });
        match set? {
            Expr::Load(addr, size) if size == self.isa.pointer() => of(addr),
            _ => None,
        }
    }

    fn op(&mut self, state: &mut State, op: Op) {
        match op {
            Op::Set(reg, expr) => {
                let value = self.value(state, expr);
                state.set(reg, value);
            }
            Op::Store(addr, size, src) => {
                let place = self.address(state, addr);
                let value = self.src(state, src);
                match place.place() {
                    Some((Object::Stack, offset, true)) => state.put(offset, size.into(), value),
                    // A byte or pointer that comes from outside makes what it is put into do so.
                    Some(_) if !value.from.and(Mask::OUTSIDE).is_none() && size == 1 => {
                        state.append(place, 1, value.from);
                    }
                    _ => {}
                }
            }
            Op::Compare(a, b) => state.compared = (self.src(state, a), self.src(state, b)),
        }
    }

    fn src(&self, state: &State, src: Src) -> Value {
        match src {
            Src::Reg(reg) => state.reg(reg),
            Src::Const(value) => Value::of(What::Const(value & self.mask)),
            Src::Other => Value::UNKNOWN,
        }
    }

    fn address(&self, state: &State, addr: Addr) -> Value {
        let base = addr.base.map_or(Value::of(What::Const(0)), |it| state.reg(it));
        let value = base.add(addr.offset, self.mask);
        match addr.index {
            Some(index) => value.sum(state.reg(index), self.mask),
            None => value,
        }
    }

    fn value(&self, state: &State, expr: Expr) -> Value {
        match expr {
            Expr::Const(value) => Value::of(What::Const(value & self.mask)),
            Expr::Copy(reg) => state.reg(reg),
            Expr::Add(reg, imm) => state.reg(reg).add(imm, self.mask),
            Expr::Sum(a, b) => state.reg(a).sum(state.reg(b), self.mask),
            Expr::Near(a, _) => state.reg(a).near(),
            Expr::Either(a, b) => state.reg(a).join(state.reg(b)),
            Expr::Insert(reg, imm, shift) => match state.reg(reg).number() {
                Some(value) => {
                    let field = 0xffffu64.wrapping_shl(shift.into());
                    let new = u64::from(imm).wrapping_shl(shift.into());
                    Value::of(What::Const((value & !field | new) & self.mask))
                }
                None => Value::UNKNOWN,
            },
            Expr::Address(addr) => self.address(state, addr),
            Expr::Load(addr, size) => self.load(state, self.address(state, addr), size),
            Expr::From(a, b) => Value::from(state.reg(a).from.or(state.reg(b).from)),
            Expr::Unknown => Value::UNKNOWN,
        }
    }

    fn load(&self, state: &State, place: Value, size: u8) -> Value {
        let image = self.context.image;
        if let Some(address) = place.number() {
            match image.slots.get(&address) {
                Some(Slot::Import(n)) => return Value::of(What::Import(*n)),
                Some(Slot::Address(value)) => return Value::of(What::Const(*value & self.mask)),
                None => {}
            }
            if let Some(value) = image.constant(address, size.min(8)) {
                return Value::of(What::Const(value));
            }
        }
        if let Some((Object::Stack, offset, true)) = place.place()
            && let Some(value) = state.cell(offset, size.into())
        {
            return value;
        }
        let mut from = state.content(place);
        // What lies in memory that an argument points to is followed as text, not as pointers.
        if size < self.isa.pointer()
            && let Some((Object::Param(n), ..)) = place.place()
        {
            from = from.or(Mask::param(n));
        }
        Value::from(from)
    }

    fn argument(&self, state: &State, n: u8) -> Value {
        let registers = self.isa.arguments();
        match registers.get(usize::from(n)) {
            Some(reg) => state.reg(*reg),
            None => {
                let size = i64::from(self.isa.pointer());
                let slot = i64::from(n).wrapping_sub(registers.len() as i64);
                match state.reg(self.isa.stack()).place() {
                    Some((Object::Stack, offset, true)) => {
                        let offset = offset.wrapping_add(slot.wrapping_mul(size));
                        state.cell(offset, size).unwrap_or(Value::UNKNOWN)
                    }
                    _ => Value::UNKNOWN,
                }
            }
        }
    }

    fn returns(&mut self, state: &State) {
        let value = state.reg(0);
        let returns = &mut self.seen.summary.returns;
        *returns = Some(returns.map_or(value, |it| it.join(value)));
    }

    /// Remembers which way a comparison decides.
    fn branch(&mut self, state: &State, n: usize, block: &Block, cond: Cond) {
        let (compared, other) = state.compared;
        let against_zero = other.number() == Some(0);
        let (value, equal_jumps) = match cond {
            Cond::Zero(reg) => (state.reg(reg), true),
            Cond::NotZero(reg) => (state.reg(reg), false),
            Cond::Equal if against_zero => (compared, true),
            Cond::NotEqual if against_zero => (compared, false),
            _ => return,
        };
        let What::Compared(idx) = value.what else { return };
        let (Some(first), Some(second)) = (block.next.first().copied(), block.next.get(1).copied()) else { return };
        // A block that branches names where it jumps first.
        let (equal, other) = if equal_jumps { (first, second) } else { (second, first) };
        if let Some(compare) = self.compares.get_mut(idx) {
            compare.branch = Some((n, equal, other));
        }
    }

    /// Which comparisons decide whether a call is reached: those of which one way out lies on every way to it.
    fn gates(&mut self, blocks: &[Block], body: &Body, acting: &[u64]) {
        if acting.is_empty() {
            return;
        }
        let block_of = |at: u64| {
            blocks
                .iter()
                .position(|it| body.insns.get(it.first..it.end).unwrap_or_default().iter().any(|it| it.at == at))
        };
        let calls: Vec<(u64, usize)> =
            acting.iter().take(GATED_MAX).filter_map(|it| Some((*it, block_of(*it)?))).collect();
        for compare in self.compares.iter().take(GATES_MAX) {
            let Some((from, equal, other)) = compare.branch else { continue };
            for (to, is_equal) in [(equal, true), (other, false)] {
                let reached = reached_without(blocks, from, to);
                let gated: Vec<u64> =
                    calls.iter().filter(|it| !reached.get(it.1).copied().unwrap_or(true)).map(|it| it.0).collect();
                if !gated.is_empty() {
                    self.seen.gates.push(Gate {
                        function: self.number,
                        at: compare.at,
                        name: compare.name,
                        text: compare.text.clone(),
                        calls: gated,
                        equal: is_equal,
                    });
                }
            }
        }
    }
}

/// The name of a function, or where it starts.
pub fn name_of(function: &Function) -> String {
    function.name.clone().unwrap_or_else(|| format!("sub_{:x}", function.at))
}

/// How far back the place of a method is looked for, in instructions.
const METHOD_REACH: usize = 128;

/// How often a loop is gone through.
const ROUNDS: usize = 4;

/// What a buffer holds where its length is not stated, and the longest that is believed.
const BUFFER: i64 = 1024;

/// Comparisons and calls of one function that are put together.
const GATES_MAX: usize = 64;
const GATED_MAX: usize = 64;
