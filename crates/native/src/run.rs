//! One function, run on what is known: constants, places in memory, and where what they hold comes from.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::body::Body;
use crate::functions::{Function, Functions};
use crate::image::{Image, Slot};
use crate::isa::{Addr, Cond, Expr, Flow, Isa, Op, Src, Target};
use crate::library::{self, Act, From, model};
use crate::value::{Content, Domain, Mask, N_PARAMS, Object, State, Value, What};

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
    };
    run.function(function, body, fuel);
    run.seen
}

/// A block: a run of instructions that is entered at its start.
struct Block {
    first: usize,
    end: usize,
    next: Vec<usize>,
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

    fn callee(&self, state: &State, target: Target) -> Callee {
        let plain = |at: u64| if self.context.image.isa == Isa::A32 { at & !1 } else { at };
        let at_address = |address: u64| {
            let address = plain(address);
            match self.context.functions.thunks.get(&address) {
                Some(Slot::Import(n)) => Callee::Import(*n),
                Some(Slot::Address(to)) => self.starting(plain(*to)),
                None => self.starting(address),
            }
        };
        match target {
            Target::Address(to) => at_address(to),
            Target::Reg(reg) => match state.reg(reg).what {
                What::Import(n) => Callee::Import(n),
                What::Const(to) => at_address(to),
                _ => Callee::Unknown,
            },
            Target::Mem(addr) => match self.load(state, self.address(state, addr), self.isa.pointer()).what {
                What::Import(n) => Callee::Import(n),
                What::Const(to) => at_address(to),
                _ => Callee::Unknown,
            },
        }
    }

    fn starting(&self, at: u64) -> Callee {
        self.context.functions.starting(at).map_or(Callee::Unknown, Callee::Function)
    }

    /// Follows a call; whether it leads to a sink.
    fn call(&mut self, state: &mut State, at: u64, target: Target) -> bool {
        let callee = self.callee(state, target);
        let image = self.context.image;
        let name = match &callee {
            Callee::Import(n) => image.imports.get(*n as usize).map(String::as_str),
            // In a file without imports the library is in it.
            Callee::Function(n) => self.context.functions.all.get(*n).and_then(|it| it.name.as_deref()),
            Callee::Unknown => None,
        };
        self.tell_hosts(state, at);
        if let Some(model) = name.and_then(model) {
            return self.library(state, at, model);
        }
        match callee {
            Callee::Function(n) => self.own(state, at, n),
            _ => {
                let from = (0..4).fold(Mask::NONE, |all, it| all.or(self.argument(state, it).from));
                self.forget(state);
                state.set(0, Value::from(from.and(Mask::OUTSIDE)));
                false
            }
        }
    }

    /// What a call leaves of registers.
    fn forget(&self, state: &mut State) {
        for n in 0..4 {
            if let Some((Object::Stack, offset, true)) = self.argument(state, n).place() {
                state.forget_cells(offset, OUT_PARAM);
            }
        }
        for reg in self.isa.scratch() {
            state.set(*reg, Value::UNKNOWN);
        }
        state.compared = (Value::UNKNOWN, Value::UNKNOWN);
    }

    /// Where a value, and what it points to, comes from.
    fn all_from(&self, state: &State, value: Value) -> Mask {
        let inner = match value.place() {
            Some((Object::Stack, offset, true)) => state.cell(offset, i64::from(self.isa.pointer())),
            _ => None,
        };
        // An object that holds a pointer to text: `std::string` on the stack.
        let inner = inner.map_or(Mask::NONE, |it| it.from.or(state.content(it)));
        value.from.or(state.content(value)).or(inner)
    }

    /// A call of a function of this file.
    fn own(&mut self, state: &mut State, at: u64, callee: usize) -> bool {
        let acts = self.context.acts.get(callee).copied().unwrap_or(false);
        let args: Vec<Value> = (0..N_PARAMS).map(|it| self.argument(state, it)).collect();
        let all: Vec<Mask> = args.iter().map(|it| self.all_from(state, *it)).collect();
        let hop = Hop { function: self.number, at, callee: self.name_of(callee) };
        let context = self.context;
        let Some(Some(summary)) = context.summaries.get(callee) else {
            let from = all.iter().fold(Mask::NONE, |all, it| all.or(*it));
            self.forget(state);
            state.set(0, Value::from(from.and(Mask::OUTSIDE)));
            return acts;
        };
        let given = |from: Mask| {
            let mut known = from.and(Mask::OUTSIDE);
            for (n, (arg, all)) in args.iter().zip(&all).enumerate() {
                let n = n as u8;
                if !from.and(Mask::param(n)).is_none() {
                    known = known.or(*all);
                }
                if !from.and(Mask(Mask::read_from(n).0 & !Mask::OUTSIDE.0)).is_none() {
                    known = known.or(read_from(*arg));
                }
            }
            known
        };
        let lead = |hops: &[Hop]| -> Vec<Hop> {
            std::iter::once(hop.clone()).chain(hops.iter().cloned()).take(HOPS_MAX).collect()
        };
        for (from, hops) in &summary.sources {
            for part in given(*from).each() {
                self.add_source(part, || lead(hops));
            }
        }
        for used in &summary.sinks {
            // What comes from outside there is told there.
            let from = given(Mask(used.from.0 & !Mask::OUTSIDE.0));
            if !from.is_none() {
                self.add_use(Use { kind: used.kind, from, hops: lead(&used.hops) });
            }
        }
        let returns = summary.returns;
        let fills = summary.fills.clone();
        let returned = match returns {
            Some(value) => {
                let what = match value.what {
                    What::At(Object::Param(n), offset) => {
                        args.get(usize::from(n)).map_or(What::Unknown, |it| it.add(offset, self.mask).what)
                    }
                    What::Near(Object::Param(n), _) => {
                        args.get(usize::from(n)).map_or(What::Unknown, |it| it.near().what)
                    }
                    what @ (What::Const(_) | What::Socket(_) | What::Import(_)) => what,
                    _ => What::Unknown,
                };
                Value { what, from: given(value.from) }
            }
            None => Value::UNKNOWN,
        };
        let fills: Vec<(Value, Content, Mask)> = fills
            .into_iter()
            .filter_map(|fill| {
                let from = given(fill.from);
                let base = match fill.object {
                    Object::Param(n) => args.get(usize::from(n))?.add(fill.offset, self.mask),
                    Object::Global => Value::of(What::Const(fill.offset as u64)),
                    _ => return None,
                };
                Some((base, fill, from))
            })
            .collect();
        self.forget(state);
        for (base, fill, from) in fills {
            self.fill(state, base, fill.len, from, false);
        }
        state.set(0, returned);
        acts
    }

    fn name_of(&self, function: usize) -> String {
        self.context.functions.all.get(function).map_or_else(String::new, name_of)
    }

    /// States that memory is filled from somewhere.
    fn fill(&mut self, state: &mut State, place: Value, len: i64, from: Mask, replaces: bool) {
        match replaces {
            true => state.write(place, len, from),
            false => state.append(place, len, from),
        }
        if from.is_none() {
            return;
        }
        match place.place() {
            Some((object @ Object::Param(_), offset, _)) => {
                let content = Content { object, offset, len, from };
                let known = self.seen.summary.fills.contains(&content);
                if !known && self.seen.summary.fills.len() < USES_MAX {
                    self.seen.summary.fills.push(content);
                }
            }
            Some((object @ Object::Global, offset, _)) => {
                let from = from.and(Mask::OUTSIDE);
                let content = Content { object, offset, len, from };
                if !from.is_none() && !self.seen.globals.iter().any(|it| it.0 == content) {
                    let hops = self.source_of(from);
                    self.seen.globals.push((content, hops));
                }
            }
            _ => {}
        }
    }

    fn add_source(&mut self, from: Mask, hops: impl FnOnce() -> Vec<Hop>) {
        let sources = &mut self.seen.summary.sources;
        if !sources.iter().any(|it| it.0 == from) {
            sources.push((from, hops()));
        }
    }

    /// By which way something from outside came here.
    fn source_of(&self, from: Mask) -> Vec<Hop> {
        let own = self.seen.summary.sources.iter().find(|it| !it.0.and(from).is_none());
        let global = self.context.globals.iter().find(|it| !it.0.from.and(from).is_none());
        own.map(|it| it.1.clone()).or_else(|| global.map(|it| it.1.clone())).unwrap_or_default()
    }

    fn add_use(&mut self, used: Use) {
        let sinks = &mut self.seen.summary.sinks;
        if let Some(known) = sinks.iter_mut().find(|it| it.hops == used.hops && it.kind == used.kind) {
            known.from = known.from.or(used.from);
        } else if sinks.len() < USES_MAX {
            sinks.push(used);
        }
    }

    /// A call of a library function; whether it is a sink.
    fn library(&mut self, state: &mut State, at: u64, model: &'static library::Model) -> bool {
        let mut acts = false;
        let arg = |run: &Self, state: &State, n: u8| run.argument(state, n);
        let all = |run: &Self, state: &State, n: u8| run.all_from(state, run.argument(state, n));
        let function = self.number;
        let hop = || vec![Hop { function, at, callee: model.name.to_owned() }];
        if library::is_listed(model.act) {
            self.tell(state, at, model);
        }
        let mut result = Value::UNKNOWN;
        let mut after: Vec<(Value, i64, Mask, bool)> = Vec::new();
        match model.act {
            Act::Receive { into, len, from } => {
                let from = match from {
                    From::Network => Mask::INTERNET,
                    From::Descriptor(n) => match (model.name, read_from(arg(self, state, n))) {
                        // Nothing else than a socket can be received from.
                        ("recv" | "recvfrom" | "recvmsg", from) if from.and(KNOWN).is_none() => {
                            Mask(from.0 & !Mask::INPUT.0).or(Mask::SOCKET)
                        }
                        (_, from) => from,
                    },
                };
                let len = len.and_then(|it| arg(self, state, it).number()).unwrap_or(BUFFER as u64);
                let hops = hop();
                self.add_source(from, || hops);
                after.push((arg(self, state, into), (len as i64).clamp(1, LEN_MAX), from, true));
                if model.name == "fgets" {
                    result = arg(self, state, into);
                }
            }
            Act::Sink { kind, args } => {
                acts = true;
                let mut from = Mask::NONE;
                for n in args {
                    let value = arg(self, state, *n);
                    from = from.or(all(self, state, *n));
                    // The words of a command.
                    if let Some((Object::Stack, offset, _)) = value.place().filter(|_| *n != 0) {
                        let words: Vec<Value> = state.cells_from(offset, WORDS).collect();
                        from = words.into_iter().fold(from, |all, it| all.or(it.from).or(state.content(it)));
                    }
                }
                if !from.is_none() {
                    let hops = hop();
                    self.add_use(Use { kind, from, hops });
                }
            }
            Act::Socket(domain) => result = Value::of(What::Socket(domain)),
            Act::SocketOf(n) => {
                let domain = arg(self, state, n).number().map_or(Domain::Unknown, Domain::of);
                result = Value::of(What::Socket(domain));
            }
            Act::Accept(n) => {
                result = match arg(self, state, n).what {
                    What::Socket(domain) => Value::of(What::Socket(domain)),
                    _ => Value::of(What::Socket(Domain::Unknown)),
                };
            }
            Act::Bind => self.bind(state, at),
            Act::ListenOn { port, address } => {
                let port = arg(self, state, port).number().and_then(|it| u16::try_from(it).ok());
                let address = Some(address.to_owned());
                let bound = Bound { function: self.number, at, domain: Domain::Internet, address, port };
                self.add_bound(bound);
                result = Value::of(What::Socket(Domain::Internet));
            }
            Act::Address(n) => {
                let text = arg(self, state, n).number().and_then(|it| self.context.image.text(it));
                let address = text.and_then(|it| it.parse::<std::net::Ipv4Addr>().ok());
                if let Some(address) = address {
                    result = Value::of(What::Const(u32::from_le_bytes(address.octets()).into()));
                }
            }
            Act::Swap(n) => {
                let value = arg(self, state, n).number().map(|it| u64::from((it as u16).swap_bytes()));
                result = value.map_or(Value::UNKNOWN, |it| Value::of(What::Const(it)));
            }
            Act::Copy { to, from, append } => {
                let source = all(self, state, from);
                after.push((arg(self, state, to), BUFFER, source, !append));
                result = arg(self, state, to);
                result.from = result.from.or(source.and(Mask::OUTSIDE));
            }
            Act::Format { to, format, rest, allocates } => {
                let mut from = Mask::NONE;
                for n in self.taken(state, format, rest) {
                    from = from.or(all(self, state, n));
                }
                from = from.or(state.content(arg(self, state, format)));
                let place = arg(self, state, to);
                if allocates {
                    let memory = Value::of(What::At(Object::Heap(at), 0));
                    if let Some((Object::Stack, offset, true)) = place.place() {
                        let size = self.isa.pointer().into();
                        self.forget(state);
                        state.put(offset, size, memory);
                        state.write(memory, BUFFER, from);
                        return false;
                    }
                } else {
                    after.push((place, BUFFER, from, true));
                }
            }
            Act::Scan { from, format, rest } => {
                let source = all(self, state, from);
                for n in self.taken(state, format, rest) {
                    after.push((arg(self, state, n), BUFFER, source, true));
                }
            }
            Act::Fill { to, len } => {
                let place = arg(self, state, to);
                let len = arg(self, state, len).number().unwrap_or(0).min(LEN_MAX as u64) as i64;
                let zero = arg(self, state, 1).number() == Some(0);
                self.forget(state);
                if let Some((Object::Stack, offset, true)) = place.place().filter(|_| 0 < len) {
                    state.forget_cells(offset, len);
                    if zero {
                        state.put(offset, len, Value::of(What::Const(0)));
                    }
                }
                state.write(place, len, Mask::NONE);
                state.set(0, place);
                return false;
            }
            Act::Within(n) => {
                let value = arg(self, state, n);
                let near = value.near();
                result = Value { what: near.what, from: all(self, state, n) };
            }
            Act::Allocate => result = Value::of(What::At(Object::Heap(at), 0)),
            Act::Duplicate(n) => {
                let memory = Value::of(What::At(Object::Heap(at), 0));
                after.push((memory, BUFFER, all(self, state, n), true));
                result = memory;
            }
            Act::SameDescriptor(n) => result = arg(self, state, n),
            Act::Compare(a, b) => {
                let texts = [a, b].map(|it| arg(self, state, it).number().and_then(|it| self.context.image.text(it)));
                if let [Some(text), None] | [None, Some(text)] = texts
                    && !text.is_empty()
                {
                    result = Value::of(What::Compared(self.compare(at, model.name, text)));
                }
            }
            Act::Thread { function, argument } => {
                let to = arg(self, state, function).number();
                let plain = to.map(|it| if self.context.image.isa == Isa::A32 { it & !1 } else { it });
                if let Some(n) = plain.and_then(|it| self.context.functions.starting(it)) {
                    self.add_call(at, n);
                    let given = arg(self, state, argument);
                    let mut inner = state.clone();
                    match self.isa.arguments().first() {
                        Some(reg) => inner.set(*reg, given),
                        None => {
                            if let Some((Object::Stack, offset, true)) = state.reg(self.isa.stack()).place() {
                                inner.put(offset, self.isa.pointer().into(), given);
                            }
                        }
                    }
                    acts = self.own(&mut inner, at, n);
                }
            }
            Act::Curl => {
                // CURLOPT_WRITEFUNCTION (curl.h).
                let function = arg(self, state, 2).number().filter(|_| arg(self, state, 1).number() == Some(20_011));
                if let Some(to) = function.filter(|it| !self.seen.callbacks.contains(it)) {
                    self.seen.callbacks.push(if self.context.image.isa == Isa::A32 { to & !1 } else { to });
                }
            }
            Act::Named(_) | Act::Listed => {}
        }
        self.forget(state);
        for (place, len, from, replaces) in after {
            self.fill(state, place, len, from, replaces);
        }
        state.set(0, result);
        acts
    }

    fn add_call(&mut self, at: u64, callee: usize) {
        if !self.seen.calls.contains(&(at, callee)) {
            self.seen.calls.push((at, callee));
        }
    }

    fn compare(&mut self, at: u64, name: &'static str, text: &str) -> usize {
        if let Some(known) = self.compares.iter().position(|it| it.at == at) {
            return known;
        }
        self.compares.push(Compare { at, name, text: text.to_owned(), branch: None });
        self.compares.len().saturating_sub(1)
    }

    /// The arguments that a format takes as text. Where the format is not known, all.
    fn taken(&self, state: &State, format: u8, rest: u8) -> Vec<u8> {
        let text = self.argument(state, format).number().and_then(|it| self.context.image.text(it));
        let Some(text) = text else { return (rest..rest.saturating_add(4)).collect() };
        let mut taken = Vec::new();
        let mut n = rest;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                continue;
            }
            for byte in bytes.by_ref() {
                match byte {
                    b'%' => break,
                    // The length as an argument.
                    b'*' => n = n.saturating_add(1),
                    b's' | b'[' | b'S' => {
                        taken.push(n);
                        n = n.saturating_add(1);
                        break;
                    }
                    b'a'..=b'z' | b'A'..=b'Z' if !matches!(byte, b'l' | b'h' | b'z' | b'j' | b't' | b'L' | b'q') => {
                        n = n.saturating_add(1);
                        break;
                    }
                    _ => {}
                }
            }
        }
        taken
    }

    fn bind(&mut self, state: &State, at: u64) {
        let socket = match self.argument(state, 0).what {
            What::Socket(domain) => Some(domain),
            _ => None,
        };
        let place = self.argument(state, 1).place();
        let field = |skip: i64, len: i64| match place {
            Some((Object::Stack, offset, true)) => state.cell(offset.wrapping_add(skip), len)?.number(),
            _ => None,
        };
        let family = field(0, 2).map(Domain::of);
        let domain = match (family, socket) {
            (Some(domain), _) | (None, Some(domain)) => domain,
            _ => Domain::Unknown,
        };
        let internet = domain == Domain::Internet;
        let port = field(2, 2).filter(|_| internet).map(|it| (it as u16).swap_bytes());
        let address = field(4, 4).filter(|_| internet && field(0, 2) == Some(2));
        let address = address.map(|it| std::net::Ipv4Addr::from((it as u32).to_le_bytes()).to_string());
        self.add_bound(Bound { function: self.number, at, domain, address, port });
    }

    fn add_bound(&mut self, bound: Bound) {
        match self.seen.bound.iter_mut().find(|it| it.at == bound.at) {
            // The last round knows best.
            Some(known) => *known = bound,
            None => self.seen.bound.push(bound),
        }
    }

    /// Tells of a call.
    fn tell(&mut self, state: &State, at: u64, model: &'static library::Model) {
        let args =
            (0..ARGS_TOLD).map(|it| self.text_of(self.argument(state, it), library::is_text(model.act, it))).collect();
        let site = Site { function: self.number, at, name: model.name, args };
        match self.seen.sites.iter_mut().find(|it| it.at == at) {
            Some(known) => *known = site,
            None => self.seen.sites.push(site),
        }
    }

    fn text_of(&self, value: Value, is_text: bool) -> Option<String> {
        let number = value.number()?;
        let image = self.context.image;
        let pointer = is_text || NULL_END <= number;
        match image.text(number).filter(|_| pointer && !image.is_code(number)) {
            Some(text) => Some(format!("{text:?}")),
            None if number < 1 << 16 => Some(number.to_string()),
            None => Some(format!("{number:#x}")),
        }
    }

    fn tell_hosts(&mut self, state: &State, at: u64) {
        for n in 0..4 {
            let Some(address) = self.argument(state, n).number().filter(|it| HEADER_SIZE <= *it) else { continue };
            if !self.told.insert((at, n)) || self.context.image.is_code(address) {
                continue;
            }
            let Some(text) = self.context.image.text(address).filter(|it| HOST_MIN <= it.len()) else { continue };
            use formats::elf::strings::{is_address, is_host, is_url};
            if is_url(text) || is_host(text) || is_address(text) {
                self.seen.hosts.push((at, text.to_owned()));
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

/// Where what is read from a descriptor comes from.
fn read_from(descriptor: Value) -> Mask {
    match descriptor.what {
        What::Socket(Domain::Internet) => Mask::INTERNET,
        What::Socket(Domain::Local) => Mask::LOCAL,
        What::Socket(Domain::Kernel) => Mask::NONE,
        What::Socket(Domain::Unknown) => Mask::SOCKET,
        What::At(Object::Param(n), 0) => Mask::read_from(n),
        _ => Mask::INPUT,
    }
}

/// Which blocks are reached from the first without an edge.
fn reached_without(blocks: &[Block], from: usize, to: usize) -> Vec<bool> {
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
fn is_tail(block: &Block, n: usize, body: &Body, target: Target) -> bool {
    match target {
        Target::Address(_) => block.next.is_empty() && n.wrapping_add(1) == block.end && !body.insns.is_empty(),
        Target::Reg(_) | Target::Mem(_) => block.next.is_empty(),
    }
}

fn blocks_of(function: &Function, body: &Body) -> Vec<Block> {
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

/// Places that are told apart.
const KNOWN: Mask = Mask(Mask::INTERNET.0 | Mask::LOCAL.0);

/// How often a loop is gone through.
const ROUNDS: usize = 4;

/// What a buffer holds where its length is not stated, and the longest that is believed.
const BUFFER: i64 = 1024;
const LEN_MAX: i64 = 1 << 20;

/// What a function may write through a pointer to a variable.
const OUT_PARAM: i64 = 16;

/// The words of a command that lie in the frame.
const WORDS: i64 = 64;

/// Ways and uses that a function tells those who call it.
const USES_MAX: usize = 8;
const HOPS_MAX: usize = 12;

/// Comparisons and calls of one function that are put together.
const GATES_MAX: usize = 64;
const GATED_MAX: usize = 64;

/// How many arguments of a call are told.
const ARGS_TOLD: u8 = 4;

/// Addresses below are no pointers.
const NULL_END: u64 = 4096;

/// An ELF header holds no texts.
const HEADER_SIZE: u64 = 64;

/// Shorter texts are no hosts.
const HOST_MIN: usize = 5;
