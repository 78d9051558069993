//! A call: which function it is, and what functions of the file itself do.

use crate::image::Slot;
use crate::isa::{Isa, Target};
use crate::library::model;
use crate::value::{Content, Mask, N_PARAMS, Object, State, Value, What};

use super::library::read_from;
use super::{Callee, Hop, Run, Use, name_of};

impl Run<'_> {
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
    pub fn call(&mut self, state: &mut State, at: u64, target: Target) -> bool {
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
    pub fn forget(&self, state: &mut State) {
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
    pub fn all_from(&self, state: &State, value: Value) -> Mask {
        let inner = match value.place() {
            Some((Object::Stack, offset, true)) => state.cell(offset, i64::from(self.isa.pointer())),
            _ => None,
        };
        // An object that holds a pointer to text: `std::string` on the stack.
        let inner = inner.map_or(Mask::NONE, |it| it.from.or(state.content(it)));
        value.from.or(state.content(value)).or(inner)
    }

    /// A call of a function of this file.
    pub fn own(&mut self, state: &mut State, at: u64, callee: usize) -> bool {
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
    pub fn fill(&mut self, state: &mut State, place: Value, len: i64, from: Mask, replaces: bool) {
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

    pub fn add_source(&mut self, from: Mask, hops: impl FnOnce() -> Vec<Hop>) {
        let sources = &mut self.seen.summary.sources;
        if !sources.iter().any(|it| it.0 == from) {
            sources.push((from, hops()));
        }
    }

    /// By which way something from outside came here.
    pub fn source_of(&self, from: Mask) -> Vec<Hop> {
        let own = self.seen.summary.sources.iter().find(|it| !it.0.and(from).is_none());
        let global = self.context.globals.iter().find(|it| !it.0.from.and(from).is_none());
        own.map(|it| it.1.clone()).or_else(|| global.map(|it| it.1.clone())).unwrap_or_default()
    }

    pub fn add_use(&mut self, used: Use) {
        let sinks = &mut self.seen.summary.sinks;
        if let Some(known) = sinks.iter_mut().find(|it| it.hops == used.hops && it.kind == used.kind) {
            known.from = known.from.or(used.from);
        } else if sinks.len() < USES_MAX {
            sinks.push(used);
        }
    }
}

/// What a function may write through a pointer to a variable.
const OUT_PARAM: i64 = 16;

/// Ways and uses that a function tells those who call it.
const USES_MAX: usize = 8;
const HOPS_MAX: usize = 12;
