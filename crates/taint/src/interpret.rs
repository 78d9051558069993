//! The body of a method, run on abstract values.
//!
//! Long, since it is one loop: each instruction, what it decides, and what is told at the end share the same state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dalvik::insn::{array_data, insn_at, switch_targets};
use dalvik::{Insn, MethodId, Name, access, op};
use rustc_hash::FxHashSet;

use crate::body::Body;
use crate::engine::Engine;
use crate::state::State;
use crate::summary::{Deed, Effect, Summary, TrailId, Types};
use crate::value::{Key, Obj, ObjId, SetId, Site, Source};

/// Where the run is.
pub(crate) struct Ctx {
    pub method: MethodId,
    pub dex: u32,
    pub class: Option<dalvik::ClassId>,
    pub pc: u32,
    /// Whether the instruction can run more than once in one run of the method.
    pub repeats: bool,
    /// Counts the effects of one instruction.
    pub seq: u32,
    /// By instruction and number, so that a second visit replaces what the first found.
    pub effects: BTreeMap<(u32, u32), Effect>,
    /// Where the block of the instruction starts.
    pub block: u32,
    /// Objects of the caller whose class would tell which method runs.
    pub wants: BTreeSet<ObjId>,
    /// Classes of objects of the caller, where this run is for one caller.
    pub types: Types,
    /// What the instruction did already.
    pub done: FxHashSet<(Deed, Vec<SetId>)>,
    /// Set by an instruction behind which nothing runs.
    pub ends: bool,
    /// Comparisons that decide whether the instruction runs.
    pub control: SetId,
}

impl Engine<'_> {
    /// Runs a method until nothing changes, and tells what it does.
    pub fn analyse(&mut self, id: MethodId, types: &Types) -> Summary {
        let program = self.program;
        let Some(method) = program.method(id).copied() else { return Summary::default() };
        let Some(reference) = program.reference(method.reference) else { return Summary::default() };
        let is_static = method.access_flags & access::STATIC != 0;
        let mut params: Vec<(ObjId, bool)> = Vec::new();
        if !is_static {
            params.push((self.arena.obj(Obj::Param(0)), false));
        }
        for ty in reference.params.iter() {
            let n = params.len().min(255) as u8;
            params.push((self.arena.obj(Obj::Param(n)), self.words.is_wide(*ty)));
        }
        let is_initialiser = program.names.text(reference.name) == "<clinit>";
        let Some(code) = program.code(&method) else {
            return self.bodiless(&params);
        };
        self.analysed.insert(id);
        self.initialise(method.class);
        let n_regs = usize::from(code.registers_size);
        let mut entry = State::new(n_regs);
        let mut reg = n_regs.saturating_sub(code.ins_size.into());
        for (param, is_wide) in &params {
            if let Some(place) = entry.regs.get_mut(reg) {
                *place = self.arena.one(*param);
            }
            reg += if *is_wide { 2 } else { 1 };
        }

        let Some(body) = Body::of(&code, |it| program.type_name(method.dex, it)) else {
            if !code.insns.is_empty() {
                self.limit("work on the blocks of a method");
            }
            return Summary::default();
        };
        self.spent += (body.work / STEPS_OF_WORK) as u64;
        let blocks = &body.blocks;
        let mut ctx = Ctx {
            method: id,
            dex: method.dex,
            class: Some(method.class),
            pc: 0,
            repeats: false,
            seq: 0,
            effects: BTreeMap::new(),
            block: 0,
            wants: BTreeSet::new(),
            types: types.clone(),
            done: FxHashSet::default(),
            ends: false,
            control: SetId::EMPTY,
        };
        let mut control = vec![SetId::EMPTY; blocks.len()];
        let mut ins: Vec<Option<State>> = (0..blocks.len()).map(|_| None).collect();
        let mut visits = vec![0u32; blocks.len()];
        ins[0] = Some(entry);
        let mut waiting: BTreeSet<usize> = BTreeSet::from([0]);
        let mut exit: Option<State> = None;
        let mut raised: Option<State> = None;
        let mut is_whole = true;
        let mut returns = SetId::EMPTY;
        let mut throws = SetId::EMPTY;
        let begun = self.work();
        let outer_work = std::mem::replace(&mut self.inner_work, 0);
        while let Some(n) = waiting.pop_first() {
            visits[n] += 1;
            let (visits_max, work_max) = if self.is_frugal() { FRUGAL } else { (VISITS_MAX, METHOD_WORK_MAX) };
            if visits_max < visits[n] || work_max < self.work() - begun - self.inner_work {
                self.limit("visits of a block");
                is_whole = false;
                continue;
            }
            let Some(mut state) = ins[n].clone() else { continue };
            self.spent += (n_regs / STEPS_OF_WORK) as u64;
            let mut told = false;
            let mut pc = blocks[n].start;
            let mut next: Vec<u32> = Vec::new();
            let mut falls = true;
            while pc < blocks[n].end {
                let Some(insn) = insn_at(code.insns, pc) else {
                    falls = false;
                    break;
                };
                self.spent += 1;
                ctx.pc = pc;
                ctx.seq = 0;
                ctx.done.clear();
                ctx.ends = false;
                ctx.repeats = body.repeats(pc);
                let throwing = can_throw(insn.op) && !self.is_within(&insn, &state);
                ctx.block = blocks[n].start;
                ctx.control = control[n];
                // What holds before the first instruction that may throw; later ones tell what they leave.
                if throwing {
                    self.spent += blocks[n].handlers.len() as u64;
                }
                if throwing && !std::mem::replace(&mut told, true) {
                    for (_, handler) in &blocks[n].handlers {
                        if self.throw_into(&mut ins[*handler], &state, SetId::EMPTY, &body, *handler) {
                            waiting.insert(*handler);
                        }
                    }
                }
                if insn.op != op::MOVE_EXCEPTION {
                    state.thrown = SetId::EMPTY;
                }
                if insn.op != op::MOVE_EXCEPTION && !(op::MOVE_RESULT..=op::MOVE_RESULT_OBJECT).contains(&insn.op) {
                    // A result is only there for the next instruction.
                    if !matches!(insn.op, op::NEW_ARRAY) {
                        state.result = SetId::EMPTY;
                    }
                }
                match insn.op {
                    op::RETURN_VOID..=op::RETURN_OBJECT => {
                        if insn.op != op::RETURN_VOID {
                            let value = self.decided(self.reg(&state, insn.a), &ctx);
                            returns = self.arena.union(returns, value);
                        }
                        match &mut exit {
                            Some(exit) => {
                                exit.join(&state, &mut self.arena);
                            }
                            None => exit = Some(state.clone()),
                        }
                        falls = false;
                    }
                    op::THROW => {
                        state.thrown = self.reg(&state, insn.a);
                        falls = false;
                    }
                    op::GOTO..=op::GOTO_32 => {
                        next.push(insn.target);
                        falls = false;
                    }
                    op::IF_EQ..=op::IF_LEZ => {
                        let (jump, fall) = self.decide(&insn, &state);
                        if jump {
                            next.push(insn.target);
                        }
                        falls = fall;
                        let outcome = self.outcome(&insn, &state, &ctx);
                        self.govern(outcome, n, &body, &mut control, &ins, &mut waiting);
                    }
                    op::PACKED_SWITCH | op::SPARSE_SWITCH => {
                        let value = self.reg(&state, insn.a);
                        let outcome = self.outcome(&insn, &state, &ctx);
                        self.govern(outcome, n, &body, &mut control, &ins, &mut waiting);
                        let known = self.arena.number(value);
                        let targets = switch_targets(code.insns, pc, insn.target);
                        match known.and_then(|known| targets.iter().find(|it| i64::from(it.0) == known)) {
                            Some(hit) => {
                                next.push(hit.1);
                                falls = false;
                            }
                            None if known.is_some() => {}
                            None => next.extend(targets.iter().map(|it| it.1)),
                        }
                    }
                    op::FILL_ARRAY_DATA => {
                        // Constant bytes: of interest only where a decoder makes text of them.
                        if let Some((1, data)) = array_data(code.insns, insn.target)
                            && data.len() <= DATA_MAX
                        {
                            let text: String = data.iter().map(|it| char::from(*it)).collect();
                            let data = self.arena.just(Obj::Text(text.into()));
                            let array = self.reg(&state, insn.a);
                            state.heap.store(array, Key::Field(self.words.data), data, &mut self.arena);
                        }
                    }
                    _ => self.run(&insn, &mut state, &mut ctx),
                }
                if ctx.control != SetId::EMPTY
                    && is_made_here(insn.op)
                    && let Some(reg) = insn.writes()
                {
                    let value = self.decided(self.reg(&state, reg), &ctx);
                    self.set_reg(&mut state, reg, value);
                }
                if throwing {
                    let thrown = state.thrown;
                    let mut left = thrown;
                    for (ty, handler) in &blocks[n].handlers {
                        let (caught, rest) = self.caught(left, *ty);
                        left = rest;
                        if insn.op == op::THROW && caught == SetId::EMPTY && ty.is_some() && thrown != SetId::EMPTY {
                            continue;
                        }
                        if self.throw_into(&mut ins[*handler], &state, caught, &body, *handler) {
                            waiting.insert(*handler);
                        }
                    }
                    if left != SetId::EMPTY {
                        throws = self.arena.union(throws, left);
                        match &mut raised {
                            Some(raised) => _ = raised.join(&state, &mut self.arena),
                            None => raised = Some(state.clone()),
                        }
                    }
                }
                if ctx.ends {
                    falls = false;
                }
                if !falls {
                    break;
                }
                pc += insn.len;
            }
            if falls {
                next.push(blocks[n].end);
            }
            for target in next {
                let Some(block) = body.at(target) else { continue };
                self.spent += (n_regs / STEPS_OF_WORK) as u64;
                if self.flow_into(&mut ins[block], &state, &body, block) {
                    waiting.insert(block);
                }
            }
        }
        self.inner_work = outer_work + (self.work() - begun);
        let never_returns = exit.is_none() && is_whole;
        let end = self.end_of_run(exit, raised, throws);
        let mut summary = self.conclude(end, returns, throws, ctx.effects, never_returns, is_initialiser);
        summary.wants = ctx.wants.into_iter().take(WANTS_MAX).collect();
        summary
    }

    /// A value together with the comparisons that decide that it is this one.
    fn decided(&mut self, value: SetId, ctx: &Ctx) -> SetId {
        self.arena.union(value, ctx.control)
    }

    /// The comparisons that a branch depends on; with all control in view, whatever it tests.
    fn outcome(&mut self, insn: &Insn, state: &State, ctx: &Ctx) -> SetId {
        let mut tested = self.reg(state, insn.a);
        if (op::IF_EQ..op::IF_EQZ).contains(&insn.op) {
            let right = self.reg(state, insn.b);
            let dated = self.compare_dates(tested, right, state, ctx);
            tested = self.arena.union(tested, right);
            tested = self.arena.union(tested, dated);
        }
        if !self.follows_all_control() {
            return self.arena.compared(tested);
        }
        let unknown = self.arena.one(self.arena.unknown);
        let outcome = self.compare(tested, unknown, state, ctx);
        let known = self.arena.compared(tested);
        self.arena.union(outcome, known)
    }

    /// What the comparison of two values tells about them.
    pub fn compare(&mut self, left: SetId, right: SetId, state: &State, ctx: &Ctx) -> SetId {
        let site = self.arena.site(Site { method: ctx.method, pc: ctx.pc, inner: None, depth: 0 });
        let mut found = Vec::new();
        for (of, with) in [(left, right), (right, left)] {
            let with: Vec<ObjId> = self
                .arena
                .members(with)
                .iter()
                .copied()
                .filter(|it| match self.arena.get(*it) {
                    Obj::Text(text) => !text.is_empty(),
                    Obj::Number(_) => true,
                    Obj::Unknown => self.follows_all_control(),
                    Obj::Compared { .. } => false,
                    _ => self.arena.is_of_caller(*it),
                })
                .collect();
            if with.is_empty() {
                continue;
            }
            for of in state.heap.carried(of, &mut self.arena) {
                let of_caller = self.arena.is_of_caller(of);
                let kind = match self.arena.get(of) {
                    Obj::Source(source) => Some(self.arena.source_of(*source).kind.clone()),
                    Obj::Compared { .. } => continue,
                    _ => None,
                };
                for &with in &with {
                    // A time is compared with a number, all else with text.
                    let fits = match (self.arena.get(with), kind.as_deref()) {
                        _ if self.follows_all_control() => true,
                        (Obj::Number(_), kind) => kind.map_or(of_caller, |it| it == TIME),
                        (Obj::Text(_), kind) => kind.is_none_or(|it| it != TIME && self.models.is_compared(it)),
                        (_, kind) => kind.is_none_or(|it| self.models.is_compared(it)),
                    };
                    if fits {
                        found.push(Obj::Compared { of, with, site });
                    }
                }
            }
        }
        found.truncate(COMPARED_MAX);
        let found = found.into_iter().map(|it| self.arena.obj(it)).collect();
        self.arena.set(found)
    }

    /// The same, where a time is compared with a date; not with a span of time, which every timer does.
    fn compare_dates(&mut self, left: SetId, right: SetId, state: &State, ctx: &Ctx) -> SetId {
        let is_date =
            |it: &Self, set: SetId| it.arena.number(set).is_some_and(|it| DATES.iter().any(|of| of.contains(&it)));
        if !is_date(self, left) && !is_date(self, right) {
            return SetId::EMPTY;
        }
        let is_time = |it: &Self, obj: ObjId| match it.arena.get(obj) {
            Obj::Source(source) => &*it.arena.source_of(*source).kind == TIME,
            _ => it.arena.is_symbolic(obj),
        };
        let carried = self.arena.union(left, right);
        if !state.heap.carried(carried, &mut self.arena).into_iter().any(|it| is_time(self, it)) {
            return SetId::EMPTY;
        }
        self.compare(left, right, state, ctx)
    }

    /// Notes which blocks run only because of a branch.
    fn govern(
        &mut self,
        outcome: SetId,
        branch: usize,
        body: &Body,
        control: &mut [SetId],
        ins: &[Option<State>],
        waiting: &mut BTreeSet<usize>,
    ) {
        if outcome == SetId::EMPTY {
            return;
        }
        self.spent += (body.blocks.len() * (1 + body.n_ways(branch) / 16)) as u64;
        for block in body.decided_by(branch) {
            let all = self.arena.union(control[block], outcome);
            if all != control[block] {
                control[block] = all;
                if ins[block].is_some() {
                    waiting.insert(block);
                }
            }
        }
    }

    /// What there is when a method is left: behind a `return`, with what an exception holds; or only behind a `throw`.
    fn end_of_run(&mut self, exit: Option<State>, raised: Option<State>, throws: SetId) -> State {
        let (mut end, raised) = match (exit, raised) {
            (Some(exit), Some(raised)) => (exit, raised),
            (exit, raised) => return exit.or(raised).unwrap_or_else(|| State::new(0)),
        };
        self.publish_shared(&raised);
        let mut waiting: Vec<ObjId> = self.arena.members(throws).to_vec();
        let mut seen: FxHashSet<ObjId> = FxHashSet::default();
        while let Some(obj) = waiting.pop() {
            if self.arena.is_symbolic(obj) || FLATTEN_MAX <= seen.len() || !seen.insert(obj) {
                continue;
            }
            for (key, set) in raised.heap.parts(obj) {
                end.heap.store_one(obj, key, set, false, &mut self.arena);
                waiting.extend(self.arena.members(set).iter());
            }
        }
        end
    }

    /// What a handler of this type takes of the thrown objects, and what it leaves for others: where the class is not
    /// known, both.
    fn caught(&mut self, thrown: SetId, ty: Option<Name>) -> (SetId, SetId) {
        let Some(ty) = ty else { return (thrown, SetId::EMPTY) };
        let wanted = self.program.names.text(ty).to_owned();
        let (mut kept, mut left) = (Vec::new(), Vec::new());
        for &obj in self.arena.members(thrown).iter() {
            let (mut fits, mut is_sure) = (true, false);
            if let Obj::Made { class, .. } = *self.arena.get(obj) {
                let chain = self.chain(class);
                is_sure = chain.contains(&wanted);
                // A chain that ends before `Object` is not known whole.
                fits = is_sure || !chain.iter().any(|it| it == "Ljava/lang/Object;");
            }
            if fits {
                kept.push(obj);
            }
            if !is_sure {
                left.push(obj);
            }
        }
        (self.arena.set(kept), self.arena.set(left))
    }

    fn flow_into(&mut self, place: &mut Option<State>, state: &State, body: &Body, block: usize) -> bool {
        let live = |reg: usize| body.is_live(block, reg);
        match place {
            Some(old) => old.join_live(state, live, &mut self.arena),
            None => {
                *place = Some(state.live(live));
                true
            }
        }
    }

    /// Only what writes or throws is told to a handler: what else an instruction changes, the next one tells.
    fn throw_into(
        &mut self,
        place: &mut Option<State>,
        state: &State,
        thrown: SetId,
        body: &Body,
        block: usize,
    ) -> bool {
        let live = |reg: usize| body.is_live(block, reg);
        match place {
            Some(old) => old.join_thrown(state, thrown, live, &mut self.arena),
            None => {
                *place = Some(State { thrown, result: SetId::EMPTY, ..state.live(live) });
                true
            }
        }
    }

    pub fn reg(&self, state: &State, n: u16) -> SetId {
        state.regs.get(usize::from(n)).copied().unwrap_or(SetId::EMPTY)
    }

    fn set_reg(&self, state: &mut State, n: u16, set: SetId) {
        if let Some(place) = state.regs.get_mut(usize::from(n)) {
            *place = set;
        }
    }

    /// Which ways a branch can go.
    fn decide(&self, insn: &Insn, state: &State) -> (bool, bool) {
        let left = self.arena.number(self.reg(state, insn.a));
        let right = if insn.op < op::IF_EQZ { self.arena.number(self.reg(state, insn.b)) } else { Some(0) };
        let (Some(left), Some(right)) = (left, right) else { return (true, true) };
        let kind = if insn.op < op::IF_EQZ { insn.op - op::IF_EQ } else { insn.op - op::IF_EQZ };
        let holds = match kind {
            0 => left == right,
            1 => left != right,
            2 => left < right,
            3 => left >= right,
            4 => left > right,
            _ => left <= right,
        };
        (holds, !holds)
    }

    /// An instruction that goes on to the next.
    fn run(&mut self, insn: &Insn, state: &mut State, ctx: &mut Ctx) {
        let program = self.program;
        match insn.op {
            op::MOVE..=op::MOVE_OBJECT_16 => {
                let value = self.reg(state, insn.b);
                self.set_reg(state, insn.a, value);
            }
            op::MOVE_RESULT..=op::MOVE_RESULT_OBJECT => {
                let value = state.result;
                self.set_reg(state, insn.a, value);
            }
            op::MOVE_EXCEPTION => {
                let unknown = self.arena.one(self.arena.unknown);
                let value = self.arena.union(state.thrown, unknown);
                self.set_reg(state, insn.a, value);
            }
            op::CONST_4..=op::CONST_WIDE_HIGH16 => {
                let value = self.arena.just(Obj::Number(insn.lit));
                self.set_reg(state, insn.a, value);
            }
            op::CONST_STRING | op::CONST_STRING_JUMBO => {
                let value = match self.texts.get(&(ctx.dex, insn.idx)) {
                    Some(&value) => value,
                    None => {
                        let text = program.text(ctx.dex, insn.idx).unwrap_or_default();
                        self.spent += (text.len() / STEPS_OF_WORK) as u64;
                        let value = self.arena.just(Obj::Text(text.into()));
                        self.texts.insert((ctx.dex, insn.idx), value);
                        value
                    }
                };
                self.set_reg(state, insn.a, value);
            }
            op::CONST_CLASS => {
                let value = match program.type_name(ctx.dex, insn.idx) {
                    Some(name) => self.arena.just(Obj::Class(name)),
                    None => SetId::EMPTY,
                };
                self.set_reg(state, insn.a, value);
            }
            op::CHECK_CAST => {
                let value = self.reg(state, insn.a);
                let value = self.cast(value, program.type_name(ctx.dex, insn.idx), state);
                self.set_reg(state, insn.a, value);
            }
            op::INSTANCE_OF | op::ARRAY_LENGTH => {
                let value = self.arena.one(self.arena.unknown);
                self.set_reg(state, insn.a, value);
            }
            op::NEW_INSTANCE => {
                let class = program.type_name(ctx.dex, insn.idx).unwrap_or(self.words.object);
                if let Some(class) = program.class_of(class) {
                    self.trigger(class, state, ctx);
                }
                let value = self.made(class, ctx);
                self.set_reg(state, insn.a, value);
            }
            op::NEW_ARRAY => {
                let class = program.type_name(ctx.dex, insn.idx).unwrap_or(self.words.object);
                let size = self.reg(state, insn.b);
                let value = self.made(class, ctx);
                state.heap.store(value, Key::Field(self.words.size), size, &mut self.arena);
                self.set_reg(state, insn.a, value);
            }
            op::FILLED_NEW_ARRAY | op::FILLED_NEW_ARRAY_RANGE => {
                let class = program.type_name(ctx.dex, insn.idx).unwrap_or(self.words.object);
                let value = self.made(class, ctx);
                for n in 0..insn.args.len() {
                    let element = insn.args.reg(n).map_or(SetId::EMPTY, |it| self.reg(state, it));
                    state.heap.store(value, Key::Index(n as i64), element, &mut self.arena);
                }
                state.result = value;
            }
            op::AGET..=op::AGET_SHORT => {
                let (array, index) = (self.reg(state, insn.b), self.reg(state, insn.c));
                let key = self.arena.number(index).map_or(Key::Any, Key::Index);
                let mut value = state.heap.load(array, key, &mut self.arena);
                if value == SetId::EMPTY && insn.op == op::AGET + 2 && array != SetId::EMPTY {
                    // An array of arrays that was made in one go.
                    let site = self.arena.site(Site { method: ctx.method, pc: ctx.pc, inner: None, depth: 0 });
                    value = self.arena.just(Obj::Outside { site, class: self.words.object });
                    state.heap.store(array, Key::Any, value, &mut self.arena);
                }
                let value = self.or_unknown(value, insn.op != op::AGET + 2);
                self.set_reg(state, insn.a, value);
            }
            op::APUT..=op::APUT_SHORT => {
                let (array, index) = (self.reg(state, insn.b), self.reg(state, insn.c));
                let key = self.arena.number(index).map_or(Key::Any, Key::Index);
                let value = self.decided(self.reg(state, insn.a), ctx);
                state.heap.store(array, key, value, &mut self.arena);
            }
            op::IGET..=op::IGET_SHORT => {
                let base = self.reg(state, insn.b);
                let value = match program.field_ref(ctx.dex, insn.idx) {
                    Some(field) => {
                        let value = state.heap.field(base, field.name, &mut self.arena);
                        self.field_value(field, value, ctx)
                    }
                    None => SetId::EMPTY,
                };
                let value = self.or_unknown(value, insn.op != op::IGET + 2);
                self.set_reg(state, insn.a, value);
            }
            op::IPUT..=op::IPUT_SHORT => {
                let (base, value) = (self.reg(state, insn.b), self.decided(self.reg(state, insn.a), ctx));
                if let Some(field) = program.field_ref(ctx.dex, insn.idx) {
                    state.heap.store(base, Key::Field(field.name), value, &mut self.arena);
                }
            }
            op::SGET..=op::SGET_SHORT => {
                let value = match program.field_ref(ctx.dex, insn.idx) {
                    Some(field) => {
                        let value = if program.class_of(field.class).is_some() {
                            let holder = self.static_holder(field);
                            state.heap.field(holder, field.name, &mut self.arena)
                        } else {
                            // A constant of the framework: nothing that is done to it reaches who else reads it.
                            let site = self.arena.site(Site { method: ctx.method, pc: ctx.pc, inner: None, depth: 0 });
                            let class = field.ty;
                            self.arena.just(Obj::Outside { site, class })
                        };
                        self.field_value(field, value, ctx)
                    }
                    None => SetId::EMPTY,
                };
                self.set_reg(state, insn.a, value);
            }
            op::SPUT..=op::SPUT_SHORT => {
                let value = self.decided(self.reg(state, insn.a), ctx);
                if let Some(field) = program.field_ref(ctx.dex, insn.idx) {
                    let holder = self.static_holder(field);
                    state.heap.store(holder, Key::Field(field.name), value, &mut self.arena);
                }
            }
            op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE | op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE => {
                self.invoke(insn, state, ctx);
            }
            // A field of which only the place in memory is known: the same place is the same field.
            op::IGET_QUICK..op::IPUT_QUICK | op::IGET_BOOLEAN_QUICK..=op::IGET_SHORT_QUICK => {
                let base = self.reg(state, insn.b);
                let value = state.heap.load(base, Key::Index(insn.idx.into()), &mut self.arena);
                let value = self.or_unknown(value, insn.op != op::IGET_QUICK + 2);
                self.set_reg(state, insn.a, value);
            }
            op::IPUT_QUICK..=op::IPUT_OBJECT_QUICK | op::IPUT_BOOLEAN_QUICK..=op::IPUT_SHORT_QUICK => {
                let (base, value) = (self.reg(state, insn.b), self.reg(state, insn.a));
                state.heap.store(base, Key::Index(insn.idx.into()), value, &mut self.arena);
            }
            op::INVOKE_CUSTOM
            | op::INVOKE_CUSTOM_RANGE
            | op::INVOKE_POLYMORPHIC
            | op::INVOKE_POLYMORPHIC_RANGE
            | op::INVOKE_VIRTUAL_QUICK
            | op::INVOKE_VIRTUAL_RANGE_QUICK => {
                let mut value = SetId::EMPTY;
                for n in 0..insn.args.len() {
                    let arg = insn.args.reg(n).map_or(SetId::EMPTY, |it| self.reg(state, it));
                    value = self.arena.union(value, arg);
                }
                state.result = value;
            }
            op::CMPL_FLOAT..=op::CMP_LONG => {
                let (left, right) = (self.reg(state, insn.b), self.reg(state, insn.c));
                let mixed = self.mixed(state, &[left, right]);
                let dated = self.compare_dates(left, right, state, ctx);
                let value = self.arena.union(mixed, dated);
                self.set_reg(state, insn.a, value);
            }
            op::UNOP_FIRST..=op::UNOP_LAST => {
                let value = self.reg(state, insn.b);
                // Widening and narrowing keep small numbers.
                let value = match self.arena.number(value) {
                    Some(number) if matches!(insn.op, 0x81 | 0x84 | 0x8d..=0x8f) => {
                        self.arena.just(Obj::Number(number))
                    }
                    Some(number) if matches!(insn.op, 0x7b | 0x7d) => {
                        self.arena.just(Obj::Number(number.wrapping_neg()))
                    }
                    _ => self.mixed(state, &[value]),
                };
                self.set_reg(state, insn.a, value);
            }
            op::BINOP_FIRST..=op::BINOP_LAST => {
                let (left, right) = (self.reg(state, insn.b), self.reg(state, insn.c));
                let value = self.arithmetic(insn.op - op::BINOP_FIRST, left, right, state);
                self.set_reg(state, insn.a, value);
            }
            op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => {
                let (left, right) = (self.reg(state, insn.a), self.reg(state, insn.b));
                let value = self.arithmetic(insn.op - op::BINOP_2ADDR_FIRST, left, right, state);
                self.set_reg(state, insn.a, value);
            }
            op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST => {
                let left = self.reg(state, insn.b);
                let right = self.arena.just(Obj::Number(insn.lit));
                let n = if insn.op < 0xd8 { insn.op - 0xd0 } else { insn.op - 0xd8 };
                // The literal forms start with add, reverse-subtract, multiply…
                let (kind, left, right) = match n {
                    0 => (0, left, right),
                    1 => (1, right, left),
                    2..=7 => (n, left, right),
                    _ => (n, left, right),
                };
                let value = self.arithmetic(kind, left, right, state);
                self.set_reg(state, insn.a, value);
            }
            _ => {}
        }
    }

    /// The result of an operator on two numbers, by the order of `add-int`, `sub-int`, `mul-int`, …
    fn arithmetic(&mut self, kind: u8, left: SetId, right: SetId, state: &State) -> SetId {
        if let (Some(left), Some(right)) = (self.arena.number(left), self.arena.number(right)) {
            let int = kind < 11;
            let shift = u32::try_from(right & if int { 31 } else { 63 }).unwrap_or(0);
            let number = match kind % 11 {
                0 => Some(left.wrapping_add(right)),
                1 => Some(left.wrapping_sub(right)),
                2 => Some(left.wrapping_mul(right)),
                3 => left.checked_div(right),
                4 => left.checked_rem(right),
                5 => Some(left & right),
                6 => Some(left | right),
                7 => Some(left ^ right),
                8 => Some(left.wrapping_shl(shift)),
                9 => Some(left.wrapping_shr(shift)),
                _ => None,
            };
            if kind < 22
                && let Some(number) = number
            {
                let number = if int { i64::from(number as i32) } else { number };
                return self.arena.just(Obj::Number(number));
            }
        }
        self.mixed(state, &[left, right])
    }

    /// A value that was computed from others: what they carry, and otherwise unknown.
    pub fn mixed(&mut self, state: &State, sets: &[SetId]) -> SetId {
        let mut objs = vec![self.arena.unknown];
        for set in sets {
            objs.extend(state.heap.carried(*set, &mut self.arena));
        }
        self.arena.set(objs)
    }

    /// A field that was never written holds something all the same, unless it is a reference.
    fn or_unknown(&mut self, value: SetId, primitive: bool) -> SetId {
        if value == SetId::EMPTY && primitive { self.arena.one(self.arena.unknown) } else { value }
    }

    fn made(&mut self, class: Name, ctx: &Ctx) -> SetId {
        let site = self.arena.site(Site { method: ctx.method, pc: ctx.pc, inner: None, depth: 0 });
        self.arena.just(Obj::Made { site, class, many: ctx.repeats })
    }

    /// Where a static field lives: with the class that defines it, not with the one that code names.
    fn static_holder(&mut self, field: dalvik::FieldRef) -> SetId {
        let program = self.program;
        let mut holder = field.class;
        if let Some(class) = program.class_of(field.class) {
            self.initialise(class);
            let of_class = |name: &Name| program.class_of(*name).and_then(|it| program.class(it));
            let above = program.superclasses(class);
            if let Some(name) =
                above.iter().find(|it| of_class(it).is_some_and(|it| it.static_fields.contains(&field.name)))
            {
                holder = *name;
            }
        }
        self.arena.just(Obj::Static(holder))
    }

    fn field_value(&mut self, field: dalvik::FieldRef, value: SetId, ctx: &Ctx) -> SetId {
        if self.program.class_of(field.class).is_some() {
            return value;
        }
        let names = &self.program.names;
        let (class, name) = (names.text(field.class), names.text(field.name));
        if let Some(text) = self.models.constant(class, name) {
            return self.arena.just(Obj::Text(text.clone()));
        }
        match self.models.field_source(class, name) {
            Some(kind) => {
                let what = format!("{class}->{name}").into();
                let source = Source { kind: kind.into(), method: ctx.method, pc: ctx.pc, what };
                let source = self.arena.source(source);
                self.arena.one(source)
            }
            None => value,
        }
    }

    /// Whether an access is known to lie within its array, and so throws nothing.
    fn is_within(&mut self, insn: &Insn, state: &State) -> bool {
        match insn.op {
            op::NEW_ARRAY => self.arena.number(self.reg(state, insn.b)).is_some_and(|it| 0 <= it),
            op::AGET..=op::APUT_SHORT => {
                let array = self.reg(state, insn.b);
                let made = self.arena.members(array).iter().all(|it| matches!(self.arena.get(*it), Obj::Made { .. }));
                let size = state.heap.load(array, Key::Field(self.words.size), &mut self.arena);
                let index = self.arena.number(self.reg(state, insn.c));
                made && matches!((index, self.arena.number(size)), (Some(n), Some(size)) if 0 <= n && n < size)
            }
            _ => false,
        }
    }

    /// Of known objects those that a cast lets through.
    fn cast(&mut self, value: SetId, ty: Option<Name>, state: &mut State) -> SetId {
        let Some(ty) = ty else { return value };
        let wanted = self.program.names.text(ty).to_owned();
        let members = self.arena.members(value);
        let Some(target) = self.program.class_of(ty).and_then(|it| self.program.class(it)) else { return value };
        let concrete = target.access_flags & access::INTERFACE == 0;
        let mut kept = Vec::new();
        for &obj in members.iter() {
            if let Obj::Outside { site, class } = *self.arena.get(obj)
                && concrete
                && self.program.class_of(class).is_none()
                && self.program.names.text(class).starts_with('L')
            {
                // What the framework hands out is one of the app's own after all.
                let own = self.arena.obj(Obj::Outside { site, class: ty });
                for (key, set) in state.heap.parts(obj).collect::<Vec<_>>() {
                    state.heap.store_one(own, key, set, false, &mut self.arena);
                }
                kept.push(own);
                continue;
            }
            let fits = match *self.arena.get(obj) {
                Obj::Made { class, .. } => self.chain(class).contains(&wanted),
                _ => true,
            };
            if fits {
                kept.push(obj);
            }
        }
        self.arena.set(kept)
    }

    /// A method without a body here: what goes in comes out.
    fn bodiless(&mut self, params: &[(ObjId, bool)]) -> Summary {
        let mut objs: Vec<ObjId> = params.iter().map(|it| it.0).collect();
        objs.push(self.arena.unknown);
        Summary { returns: self.arena.set(objs), ..Summary::default() }
    }

    /// Brings the end of a run into the caller's terms.
    pub fn conclude(
        &mut self,
        end: State,
        returns: SetId,
        throws: SetId,
        effects: BTreeMap<(u32, u32), Effect>,
        never_returns: bool,
        is_initialiser: bool,
    ) -> Summary {
        self.publish_shared(&end);
        let mut kept: Vec<Effect> = effects.into_values().filter(|it| self.is_open(it)).collect();
        kept.sort_unstable();
        kept.dedup_by(|a, b| a.deed == b.deed && a.args == b.args);
        self.keep_shortest_reach(&mut kept);
        if EFFECTS_MAX < kept.len() {
            self.limit("effects of a method");
            kept.sort_by_key(|it| matches!(&it.deed, Deed::Sink { kind, .. } if &**kind == "log"));
            kept.truncate(EFFECTS_MAX);
        }
        // Objects that outlive the method: what it returns, throws, leaves in the caller's objects or still acts on.
        let mut waiting: Vec<ObjId> = Vec::new();
        let mut bases: Vec<ObjId> = end.heap.bases().collect();
        bases.sort_unstable();
        let of_caller: Vec<ObjId> = bases.iter().copied().filter(|it| self.arena.is_of_caller(*it)).collect();
        waiting.extend(&of_caller);
        let shared: Vec<ObjId> = bases
            .iter()
            .copied()
            .filter(|it| self.arena.is_symbolic(*it) && !self.arena.is_of_caller(*it))
            .filter(|it| {
                self.holds_of_caller(*it, &end) || (is_initialiser && matches!(self.arena.get(*it), Obj::Part(..)))
            })
            .collect();
        waiting.extend(&shared);
        for set in [returns, throws].into_iter().chain(kept.iter().flat_map(|it| it.args.iter().copied())) {
            waiting.extend(self.arena.members(set).iter());
        }
        let mut seen: FxHashSet<ObjId> = FxHashSet::default();
        let mut heap = Vec::new();
        while let Some(base) = waiting.pop() {
            if !seen.insert(base) {
                continue;
            }
            let symbolic = self.arena.is_symbolic(base);
            if symbolic && !of_caller.contains(&base) && !shared.contains(&base) {
                continue;
            }
            for (key, set) in end.heap.parts(base) {
                if symbolic {
                    let part = self.arena.part(base, key);
                    if self.arena.one(part) == set {
                        continue;
                    }
                }
                if symbolic && !self.says_something(set) {
                    continue;
                }
                heap.push((base, key, set));
                waiting.extend(self.arena.members(set).iter());
            }
        }
        heap.sort_unstable();
        if HEAP_MAX < heap.len() {
            self.limit("writes of a method");
            heap.sort_by_cached_key(|it| (self.weight(it.2), *it));
            heap.truncate(HEAP_MAX);
            heap.sort_unstable();
        }
        // A class initialiser has no caller to tell; what it does to objects that others know by a static field, the
        // first user of the class sees.
        Summary { returns, throws, heap, effects: kept, never_returns, wants: Vec::new() }
    }

    /// Of the ways to one capability the shortest is enough.
    fn keep_shortest_reach(&self, effects: &mut Vec<Effect>) {
        let kind_of = |effect: &Effect| match &effect.deed {
            Deed::Reach { kind, .. } => Some(kind.clone()),
            _ => None,
        };
        let mut shortest: BTreeMap<Arc<str>, (u16, TrailId)> = BTreeMap::new();
        for effect in effects.iter() {
            let Some(kind) = kind_of(effect) else { continue };
            let rank = (self.step(effect.trail).len, effect.trail);
            shortest.entry(kind).and_modify(|it| *it = rank.min(*it)).or_insert(rank);
        }
        let is_shortest = |effect: &Effect, kind: &str| shortest.get(kind).is_some_and(|it| it.1 == effect.trail);
        effects.retain(|it| kind_of(it).is_none_or(|kind| is_shortest(it, &kind)));
    }

    /// Whether a value is more than a number or nothing.
    fn says_something(&self, set: SetId) -> bool {
        let members = self.arena.members(set);
        members.iter().any(|it| !matches!(self.arena.get(*it), Obj::Number(_) | Obj::Null | Obj::Unknown))
    }

    /// What is kept first where not all can be: sources, what the caller passed, the app's own objects.
    fn weight(&self, set: SetId) -> u8 {
        let members = self.arena.members(set);
        let one = |obj: &ObjId| match self.arena.get(*obj) {
            Obj::Source(_) => 0,
            Obj::Made { class, .. } if self.program.class_of(*class).is_some() => 2,
            _ if self.arena.is_of_caller(*obj) => 1,
            _ => 3,
        };
        members.iter().map(one).min().unwrap_or(4)
    }

    fn holds_of_caller(&self, base: ObjId, end: &State) -> bool {
        let mut seen: Vec<ObjId> = vec![base];
        let mut waiting: Vec<SetId> = end.heap.parts(base).map(|it| it.1).collect();
        while let Some(set) = waiting.pop() {
            for &obj in self.arena.members(set).iter() {
                if self.arena.is_of_caller(obj) {
                    return true;
                }
                if !seen.contains(&obj) && seen.len() < FLATTEN_MAX && !self.arena.is_symbolic(obj) {
                    seen.push(obj);
                    waiting.extend(end.heap.parts(obj).map(|it| it.1));
                }
            }
        }
        false
    }

    /// What was written into static fields and slots is there for the whole app.
    pub fn publish_shared(&mut self, end: &State) {
        let mut bases: Vec<ObjId> = end.heap.bases().collect();
        bases.sort_unstable();
        for base in bases {
            if self.arena.is_symbolic(base) && !self.arena.is_of_caller(base) {
                self.publish_object(base, base, end, 0, &mut Vec::new());
            }
        }
    }

    /// What the parts of an object hold is held by the parts of a shared place.
    pub fn publish_object(&mut self, place: ObjId, obj: ObjId, end: &State, depth: usize, seen: &mut Vec<ObjId>) {
        if FLATTEN_DEPTH < depth || FLATTEN_MAX <= seen.len() || seen.contains(&obj) {
            return;
        }
        seen.push(obj);
        self.spent += 1;
        for (key, set) in end.heap.parts(obj).collect::<Vec<_>>() {
            let part = self.arena.part(place, key);
            if part == place && matches!(key, Key::Field(_)) {
                // Too deep to tell its fields apart.
                continue;
            }
            for &value in self.arena.members(set).iter() {
                self.publish_value(part, value, end, depth, seen);
            }
        }
    }

    pub fn publish_value(&mut self, part: ObjId, value: ObjId, end: &State, depth: usize, seen: &mut Vec<ObjId>) {
        match self.arena.get(value) {
            Obj::Source(_) => self.publish(part, value),
            Obj::Compared { .. } | Obj::Reckoned(_) if !self.arena.is_of_caller(value) => self.publish(part, value),
            Obj::Made { class, .. } => {
                if let Some(class) = self.program.class_of(*class) {
                    let classes = self.globals.classes.entry(part).or_default();
                    if !classes.contains(&class) && classes.len() < CLASSES_MAX {
                        classes.push(class);
                    }
                }
                self.publish_object(part, value, end, depth + 1, seen);
            }
            Obj::Outside { .. } => self.publish_object(part, value, end, depth + 1, seen),
            _ if self.arena.is_symbolic(value) && !self.arena.is_of_caller(value) => self.publish(part, value),
            _ => {}
        }
    }
}

/// Whether the instruction makes the value that it writes.
fn is_made_here(op: u8) -> bool {
    matches!(op, op::CONST_4..=op::CONST_CLASS | op::NEW_INSTANCE)
        || (op::BINOP_FIRST..=op::BINOP_LAST).contains(&op)
        || (op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST).contains(&op)
        || (op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST).contains(&op)
}

fn can_throw(op: u8) -> bool {
    matches!(op, op::THROW | op::CHECK_CAST | op::NEW_INSTANCE..=op::FILLED_NEW_ARRAY_RANGE | op::INVOKE_POLYMORPHIC..=op::INVOKE_CUSTOM_RANGE)
        || (op::AGET..=op::SPUT_SHORT).contains(&op)
        || (op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE_RANGE).contains(&op)
        || (op::IGET_QUICK..=op::IGET_SHORT_QUICK).contains(&op)
}

/// How many words that are copied, or instructions that are cut into blocks, count as one step.
const STEPS_OF_WORK: usize = 256;

/// Objects whose class a method asks its callers for.
const WANTS_MAX: usize = 4;

/// A table of more bytes is no name.
const DATA_MAX: usize = 4096;

/// The kind of what a clock says.
pub(crate) const TIME: &str = "time";

/// Years, seconds and milliseconds since 1970 that are dates of our time.
const DATES: [std::ops::Range<i64>; 3] =
    [2015..2100, 1_400_000_000..4_100_000_000, 1_400_000_000_000..4_100_000_000_000];

/// Outcomes that one comparison has: more are a table.
const COMPARED_MAX: usize = 4;

/// How often one block is run until its method settles.
const VISITS_MAX: u32 = 8;

/// Work of one method, without those that it calls.
const METHOD_WORK_MAX: u64 = 500_000;

/// The same two where work runs out.
const FRUGAL: (u32, u64) = (3, 20_000);

/// Effects and writes that one method passes on.
const EFFECTS_MAX: usize = 32;
const HEAP_MAX: usize = 64;

/// Classes that one shared place may hold.
const CLASSES_MAX: usize = 16;

/// Objects that are followed from one shared place.
const FLATTEN_MAX: usize = 64;
const FLATTEN_DEPTH: usize = 3;
