//! Calls: which methods one may run, what a known method does to the caller, what a method outside the program does.
//!
//! Long, since whatever a call does goes through the same values: what is brought from the callee, what a rule says, what is
//! left to the caller.

use std::rc::Rc;
use std::sync::Arc;

use dalvik::{ClassId, Insn, MethodId, MethodRef, Name, RefId, op};
use knowledge::models::{Base, How, Models, Part, Port, Rule, When};
use rustc_hash::FxHashMap;

use crate::builtin::FILE;
use crate::engine::Engine;
use crate::evaluate::{Constant, evaluate};
use crate::interpret::Ctx;
use crate::state::State;
use crate::summary::{Deed, Effect, Summary, TrailId, Types};
use crate::value::{Key, Obj, ObjId, SetId, Site, Slot, Source};

/// The values of one call.
pub(crate) struct Call<'r> {
    pub reference: &'r MethodRef,
    pub id: RefId,
    pub this: SetId,
    pub args: Vec<SetId>,
    /// Whether the receiver is one of the app's own objects, whose parts the framework does not write.
    pub own: bool,
    pub vars: [SetId; Models::N_VARS as usize],
    pub result: SetId,
}

/// What objects of a called method, and sets of them, are for its caller.
#[derive(Debug, Default)]
pub(crate) struct Known {
    objs: FxHashMap<ObjId, SetId>,
    sets: FxHashMap<SetId, SetId>,
}

impl Known {
    fn clear(&mut self) {
        self.objs.clear();
        self.sets.clear();
    }
}

impl Engine<'_> {
    /// A call instruction.
    pub fn invoke(&mut self, insn: &Insn, state: &mut State, ctx: &mut Ctx) {
        let program = self.program;
        let Some(id) = program.method_ref(ctx.dex, insn.idx) else { return };
        let Some(reference) = program.reference(id) else { return };
        let kind = if op::INVOKE_VIRTUAL_RANGE <= insn.op { insn.op - 6 } else { insn.op };
        let is_static = kind == op::INVOKE_STATIC;
        let mut regs = (0..insn.args.len()).map_while(|n| insn.args.reg(n));
        let this = if is_static { SetId::EMPTY } else { regs.next().map_or(SetId::EMPTY, |it| self.reg(state, it)) };
        let mut args = Vec::with_capacity(reference.params.len());
        for param in reference.params.iter() {
            args.push(regs.next().map_or(SetId::EMPTY, |it| self.reg(state, it)));
            if self.words.is_wide(*param) {
                regs.next();
            }
        }
        // Which object a comparison chose decides what runs.
        let control = ctx.control;
        let chosen = self.arena.compared(this);
        ctx.control = self.arena.union(control, chosen);
        let mut outside = SetId::EMPTY;
        let mut any_outside = false;
        let mut targets: Vec<(MethodId, SetId)> = Vec::new();
        match kind {
            op::INVOKE_STATIC | op::INVOKE_DIRECT => {
                let found = program.class_of(reference.class).and_then(|it| {
                    if is_static {
                        self.initialise(it);
                    }
                    self.resolve(it, reference.name, reference.proto)
                });
                match found {
                    Some(target) => targets.push((target, this)),
                    None => (outside, any_outside) = (this, true),
                }
            }
            op::INVOKE_SUPER => {
                let above = ctx.class.and_then(|it| program.class(it)).and_then(|it| it.superclass);
                let found = above
                    .and_then(|it| program.class_of(it))
                    .and_then(|it| self.resolve(it, reference.name, reference.proto))
                    .filter(|it| *it != ctx.method);
                match found {
                    Some(target) => targets.push((target, this)),
                    None => (outside, any_outside) = (this, true),
                }
            }
            _ => {
                let mut by_target: Vec<(MethodId, Vec<ObjId>)> = Vec::new();
                let mut unknown: Vec<ObjId> = Vec::new();
                let mut beyond: Vec<ObjId> = Vec::new();
                for &obj in self.arena.members(this).iter() {
                    match self.arena.get(obj) {
                        Obj::Made { class, .. } | Obj::Outside { class, .. } if program.class_of(*class).is_some() => {
                            let class = program.class_of(*class);
                            match class.and_then(|it| self.resolve(it, reference.name, reference.proto)) {
                                Some(target) => add_to(&mut by_target, target, obj),
                                None => beyond.push(obj),
                            }
                        }
                        Obj::Outside { .. } if program.class_of(reference.class).is_some() => unknown.push(obj),
                        Obj::Made { .. }
                        | Obj::Outside { .. }
                        | Obj::Text(_)
                        | Obj::Class(_)
                        | Obj::Method(..)
                        | Obj::Reckoned(_) => {
                            beyond.push(obj);
                        }
                        Obj::Null | Obj::Number(_) | Obj::Compared { .. } => {}
                        _ => unknown.push(obj),
                    }
                }
                if !unknown.is_empty() {
                    let mut possible = self.targets_of(id);
                    if FRUGAL_TARGETS_MAX < possible.len() && self.is_frugal() {
                        self.limit("overrides of a method");
                        possible = Rc::from([]);
                    }
                    for &obj in &unknown {
                        let known = ctx.types.iter().find(|it| it.0 == obj).map(|it| it.1.clone());
                        if let Some(classes) = known {
                            for class in classes {
                                if let Some(target) = self.resolve(class, reference.name, reference.proto) {
                                    add_to(&mut by_target, target, obj);
                                }
                            }
                            continue;
                        }
                        if 1 < possible.len() && self.arena.is_of_caller(obj) {
                            ctx.wants.insert(obj);
                        }
                        for target in possible.iter() {
                            add_to(&mut by_target, *target, obj);
                        }
                    }
                    if possible.is_empty() || program.class_of(reference.class).is_none() {
                        beyond.extend(unknown);
                    }
                }
                targets.extend(by_target.into_iter().map(|(target, objs)| (target, self.arena.set(objs))));
                any_outside = !beyond.is_empty() || (targets.is_empty() && self.arena.members(this).is_empty());
                outside = self.arena.set(beyond);
            }
        }
        let before = if 1 < targets.len() + usize::from(any_outside) { Some(state.clone()) } else { None };
        let mut joined: Option<State> = None;
        let mut all_end = !any_outside && !targets.is_empty();
        for (target, this) in targets {
            let mut after = before.clone().unwrap_or_else(|| state.clone());
            let summary = self.summary(target);
            let mut values = Vec::with_capacity(args.len() + 1);
            if !is_static {
                values.push(this);
            }
            values.extend(&args);
            after.result = self.apply(&summary, target, &values, &mut after, ctx);
            if kind == op::INVOKE_STATIC
                && let Some(text) = self.evaluate(target, &args, &after, ctx)
            {
                after.result = text;
            }
            all_end &= summary.never_returns;
            match &mut joined {
                Some(joined) => _ = joined.join(&after, &mut self.arena),
                None => joined = Some(after),
            }
        }
        if any_outside {
            let mut after = before.unwrap_or_else(|| state.clone());
            let own = self.is_own(outside) || kind == op::INVOKE_SUPER;
            let vars = [SetId::EMPTY; Models::N_VARS as usize];
            let call = Call { reference, id, this: outside, args, own, vars, result: SetId::EMPTY };
            after.result = self.outside(call, &mut after, ctx);
            match &mut joined {
                Some(joined) => _ = joined.join(&after, &mut self.arena),
                None => joined = Some(after),
            }
        }
        if let Some(joined) = joined {
            *state = joined;
        }
        if all_end {
            ctx.ends = true;
        }
        ctx.control = control;
    }

    /// The text that a static method of the program makes of constants, where it can be run on them.
    fn evaluate(&mut self, target: MethodId, args: &[SetId], state: &State, ctx: &Ctx) -> Option<SetId> {
        let program = self.program;
        let method = program.method(target)?;
        let reference = program.reference(method.reference)?;
        let is_text = program.names.text(reference.returns) == "Ljava/lang/String;";
        // What is known already needs no run.
        if !is_text || self.is_frugal() || self.arena.text(state.result).is_some() {
            return None;
        }
        let args = args.iter().map(|it| self.constant(*it, state)).collect::<Option<Vec<Constant>>>()?;
        let key = (target, args);
        let text = match self.evaluated.get(&key) {
            Some(known) => known.clone(),
            None => {
                let (text, steps) = evaluate(program, target, &key.1);
                self.spent += u64::from(steps) / STEPS_A_LOOK;
                let text: Option<Arc<str>> = text.map(Into::into);
                self.evaluated.insert(key, text.clone());
                text
            }
        }?;
        if let Some(class) = ctx.class {
            let known = self.decoded.entry(class).or_default();
            if !known.contains(&text) && known.len() < DECODED_MAX {
                known.push(text.clone());
            }
        }
        Some(self.arena.just(Obj::Text(text)))
    }

    /// An argument that is known: a number, a text, an array of bytes that was filled from a table.
    fn constant(&mut self, set: SetId, state: &State) -> Option<Constant> {
        if let Some(text) = self.arena.text(set) {
            return Some(Constant::Text(text.to_string()));
        }
        let members = self.arena.members(set);
        let [one] = members.as_ref() else { return None };
        match *self.arena.get(*one) {
            Obj::Null => Some(Constant::Null),
            Obj::Number(number) => Some(Constant::Number(number)),
            Obj::Made { class, .. } if self.program.names.text(class) == "[B" => {
                // Bytes that were written one by one lie beside, and make it another array.
                let mut parts = state.heap.parts(*one);
                let written = parts.any(|it| matches!(it.0, Key::Index(_) | Key::Any | Key::Content));
                let data = state.heap.load_one(*one, Key::Field(self.words.data), &mut self.arena);
                let data = self.arena.text(data).filter(|_| !written)?;
                Some(Constant::Bytes(data.chars().map(|it| it as u32 as u8 as i8).collect()))
            }
            _ => None,
        }
    }

    /// Whether a set has an object of a class of the program.
    fn is_own(&self, set: SetId) -> bool {
        self.arena.members(set).iter().any(|it| match self.arena.get(*it) {
            Obj::Made { class, .. } => self.program.class_of(*class).is_some(),
            _ => false,
        })
    }

    /// Brings what a method does into the caller's state; gives what it returns.
    pub fn apply(
        &mut self,
        summary: &Rc<Summary>,
        callee: MethodId,
        args: &[SetId],
        state: &mut State,
        ctx: &mut Ctx,
    ) -> SetId {
        self.spent += 1 + (summary.heap.len() + summary.effects.len()) as u64;
        let mut known = self.known.pop().unwrap_or_default();
        let mut types: Types = Vec::new();
        for &want in &summary.wants {
            let values = self.bring(want, args, state, ctx, &mut known);
            types.extend(self.classes_of(values, ctx).map(|it| (want, it)));
        }
        let special = if types.is_empty() { None } else { self.special(callee, types) };
        let summary = special.as_ref().unwrap_or(summary);
        let returns = self.bring_set(summary.returns, args, state, ctx, &mut known);
        let throws = self.bring_set(summary.throws, args, state, ctx, &mut known);
        // All is read before anything is written: a summary speaks of what was there before the call.
        let mut writes = Vec::with_capacity(summary.heap.len());
        for &(base, key, set) in &summary.heap {
            let bases = self.bring(base, args, state, ctx, &mut known);
            let key = self.bring_key(key, args, state, ctx, &mut known);
            let set = self.bring_set(set, args, state, ctx, &mut known);
            writes.push((bases, key, set));
        }
        let mut effects = Vec::with_capacity(summary.effects.len());
        for effect in &summary.effects {
            let brought: Vec<SetId> =
                effect.args.iter().map(|it| self.bring_set(*it, args, state, ctx, &mut known)).collect();
            effects.push((effect.deed.clone(), brought, effect.trail));
        }
        known.clear();
        self.known.push(known);
        for (bases, key, set) in writes {
            state.heap.store(bases, key, set, &mut self.arena);
        }
        for (deed, brought, trail) in effects {
            if TRAIL_MAX <= self.step(trail).len {
                continue;
            }
            let trail = if ctx.method.0 == u32::MAX { trail } else { self.trail(ctx.method, ctx.pc, Some(trail)) };
            self.perform(deed, brought, trail, state, ctx);
        }
        state.thrown = self.arena.union(state.thrown, throws);
        returns
    }

    /// The classes of the program that a set of objects has, if all are known; what only the caller knows it is asked.
    fn classes_of(&mut self, set: SetId, ctx: &mut Ctx) -> Option<Vec<ClassId>> {
        let mut classes = Vec::new();
        let mut known = true;
        for &obj in self.arena.members(set).iter() {
            match self.arena.get(obj) {
                Obj::Made { class, .. } => match self.program.class_of(*class) {
                    Some(class) => classes.push(class),
                    None => known = false,
                },
                Obj::Null | Obj::Number(0) => {}
                _ if self.arena.is_of_caller(obj) => match ctx.types.iter().find(|it| it.0 == obj) {
                    Some((_, more)) => classes.extend(more),
                    None => {
                        ctx.wants.insert(obj);
                        known = false;
                    }
                },
                _ => known = false,
            }
        }
        classes.sort_unstable();
        classes.dedup();
        (known && !classes.is_empty()).then_some(classes)
    }

    fn bring_set(&mut self, set: SetId, args: &[SetId], state: &State, ctx: &Ctx, known: &mut Known) -> SetId {
        let members = self.arena.members(set);
        if let [one] = members.as_ref() {
            return self.bring(*one, args, state, ctx, known);
        }
        if let Some(&brought) = known.sets.get(&set) {
            return brought;
        }
        let found = members.iter().map(|it| self.bring(*it, args, state, ctx, known)).collect();
        let brought = self.arena.union_all(found);
        known.sets.insert(set, brought);
        brought
    }

    fn bring_key(&mut self, key: Key, args: &[SetId], state: &State, ctx: &Ctx, known: &mut Known) -> Key {
        let Key::Text(obj) = key else { return key };
        if !self.arena.is_of_caller(obj) {
            return key;
        }
        let set = self.bring(obj, args, state, ctx, known);
        self.key_of(set)
    }

    /// What an object of the called method is for the caller.
    fn bring(&mut self, obj: ObjId, args: &[SetId], state: &State, ctx: &Ctx, known: &mut Known) -> SetId {
        if let Some(&set) = known.objs.get(&obj) {
            return set;
        }
        let set = match self.arena.get(obj).clone() {
            Obj::Param(n) => args.get(usize::from(n)).copied().unwrap_or(SetId::EMPTY),
            Obj::Part(base, key) => {
                let bases = self.bring(base, args, state, ctx, known);
                let key = self.bring_key(key, args, state, ctx, known);
                state.heap.load(bases, key, &mut self.arena)
            }
            Obj::Reckoned(of) => {
                let from = self.bring(of, args, state, ctx, known);
                let from = self.arena.members(from);
                let found = from
                    .iter()
                    .filter(|it| {
                        let obj = self.arena.get(**it);
                        matches!(obj, Obj::Source(_) | Obj::Compared { .. } | Obj::Reckoned(_))
                            || self.arena.is_symbolic(**it)
                    })
                    .copied()
                    .collect::<Vec<_>>();
                let mut found: Vec<ObjId> = found.into_iter().map(|it| self.arena.reckoned(it)).collect();
                found.push(self.arena.unknown);
                self.arena.set(found)
            }
            Obj::Compared { of, with, site } => self.bring_compared(of, with, site, args, state, ctx, known),
            Obj::Made { site, class, many } => {
                let (site, repeated) = self.rename(site, obj, ctx);
                self.arena.just(Obj::Made { site, class, many: many || repeated || ctx.repeats })
            }
            Obj::Outside { site, class } => {
                let (site, _) = self.rename(site, obj, ctx);
                self.arena.just(Obj::Outside { site, class })
            }
            _ => self.arena.one(obj),
        };
        known.objs.insert(obj, set);
        set
    }

    #[expect(clippy::too_many_arguments, reason = "what is brought, and where to")]
    fn bring_compared(
        &mut self,
        of: ObjId,
        with: ObjId,
        site: crate::value::SiteId,
        args: &[SetId],
        state: &State,
        ctx: &Ctx,
        known: &mut Known,
    ) -> SetId {
        let left = self.bring(of, args, state, ctx, known);
        let right = self.bring(with, args, state, ctx, known);
        let at = self.arena.site_of(site);
        let found = self.compare(left, right, state, ctx);
        // It happens where the method says, not where the method is called.
        self.arena.moved(found, at)
    }

    /// Objects that different calls make are different, to a certain depth.
    fn rename(&mut self, site: crate::value::SiteId, obj: ObjId, ctx: &Ctx) -> (crate::value::SiteId, bool) {
        let old = self.arena.site_of(site);
        if SITE_DEPTH_MAX <= old.depth {
            return (site, true);
        }
        let new = Site { method: ctx.method, pc: ctx.pc, inner: Some(obj), depth: old.depth + 1 };
        (self.arena.site(new), false)
    }

    /// An index or key as part of an object.
    pub fn key_of(&mut self, set: SetId) -> Key {
        if let Some(number) = self.arena.number(set) {
            return Key::Index(number);
        }
        let members = self.arena.members(set);
        match members.as_ref() {
            [one] if matches!(self.arena.get(*one), Obj::Text(_)) => Key::Text(*one),
            [one] if self.arena.is_symbolic(*one) => Key::Text(*one),
            _ => Key::Any,
        }
    }

    /// A call of a method that is not in the program.
    pub fn outside(&mut self, mut call: Call<'_>, state: &mut State, ctx: &mut Ctx) -> SetId {
        let returns = call.reference.returns;
        let rules = self.rules_of(call.id);
        let is_value = self.is_value(returns);
        if self.program.names.text(returns) != "V" {
            call.result = if is_value {
                self.arena.one(self.arena.unknown)
            } else if self.program.names.text(returns) == "Landroid/content/SharedPreferences;" {
                self.any_store()
            } else {
                let site = self.arena.site(Site { method: ctx.method, pc: ctx.pc, inner: None, depth: 0 });
                self.arena.just(Obj::Outside { site, class: returns })
            };
        }
        self.keep_callbacks(&call, state, ctx);
        self.wrap_stream(&call, state);
        match &rules {
            Some(rules) => {
                for rule in rules.iter() {
                    self.follow(rule, &mut call, is_value, state, ctx);
                }
            }
            None => self.pass_on(&mut call, is_value, state),
        }
        if self.is_number(returns, &call)
            && !rules.iter().flat_map(|it| it.iter()).any(|it| matches!(it, Rule::Source { .. }))
        {
            let objs: Vec<ObjId> = self.arena.members(call.result).to_vec();
            let mut numbers = Vec::new();
            for obj in objs {
                let carries = matches!(self.arena.get(obj), Obj::Source(_)) || self.arena.is_symbolic(obj);
                numbers.push(if carries { self.arena.reckoned(obj) } else { obj });
            }
            call.result = self.arena.set(numbers);
        }
        if self.follows_all_control() && is_value {
            // What was decided about an argument decides about the result.
            for &arg in &call.args {
                let decided = self.arena.compared(arg);
                call.result = self.arena.union(call.result, decided);
            }
        }
        call.result
    }

    /// A stream around another leads to where that one leads.
    fn wrap_stream(&mut self, call: &Call<'_>, state: &mut State) {
        let names = &self.program.names;
        let is_stream = |name: Name| {
            let text = names.text(name);
            text.ends_with("Stream;") || text.ends_with("Writer;")
        };
        if names.text(call.reference.name) != "<init>" || !is_stream(call.reference.class) {
            return;
        }
        let Some((&inner, _)) = call.args.iter().zip(call.reference.params.iter()).find(|it| is_stream(*it.1)) else {
            return;
        };
        let key = Key::Field(self.words.stream);
        let leads = state.heap.load(inner, key, &mut self.arena);
        if leads != SetId::EMPTY {
            state.heap.store(call.this, key, leads, &mut self.arena);
        }
    }

    /// Whether a call gives a number that says something about its receiver or arguments, and not a piece of them.
    fn is_number(&self, returns: Name, call: &Call<'_>) -> bool {
        let names = &self.program.names;
        let name = names.text(call.reference.name);
        let ty = names.text(returns);
        let boxed = ["Integer;", "Long;", "Double;", "Float;", "Short;", "Boolean;"];
        let number = matches!(ty, "Z" | "S" | "I" | "J" | "F" | "D")
            || ty.strip_prefix("Ljava/lang/").is_some_and(|it| boxed.contains(&it));
        number && !name.starts_with("read") && name != "codePointAt"
    }

    /// Numbers and strings are values; all else has parts.
    fn is_value(&mut self, ty: Name) -> bool {
        let names = &self.program.names;
        *self.values.entry(ty).or_insert_with(|| {
            let text = names.text(ty);
            (text.len() == 1 && text != "V") || text.strip_prefix("Ljava/lang/").is_some_and(|it| VALUES.contains(&it))
        })
    }

    /// What nothing is known of: what goes in comes out, and stays in the receiver.
    pub fn pass_on(&mut self, call: &mut Call<'_>, is_value: bool, state: &mut State) {
        let mut carried: Vec<ObjId> = Vec::new();
        let mut kept: Vec<ObjId> = Vec::new();
        // A context, a resolver, a manager is the way to the system: what comes by it is not what it was given.
        for (&arg, &ty) in call.args.iter().zip(call.reference.params.iter()) {
            if !self.is_handle(ty) {
                carried.extend(state.heap.carried(arg, &mut self.arena));
            }
        }
        carried.retain(|it| !matches!(self.arena.get(*it), Obj::Slot(Slot::Shared(_))));
        kept.extend(&carried);
        let handle = self.is_handle(call.reference.class);
        if !call.own && !handle {
            carried.extend(state.heap.carried(call.this, &mut self.arena));
        }
        if !call.own && !kept.is_empty() && !handle {
            let kept = self.arena.set(kept);
            // What the whole app shares is not changed by what nobody knows.
            let shared = |it: &ObjId| self.arena.is_symbolic(*it) && !self.arena.is_of_caller(*it);
            let receivers: Vec<ObjId> =
                self.arena.members(call.this).iter().copied().filter(|it| !shared(it)).collect();
            let receivers = self.arena.set(receivers);
            state.heap.store(receivers, Key::Content, kept, &mut self.arena);
        }
        if carried.is_empty() {
            return;
        }
        let carried = self.arena.set(carried);
        if is_value {
            call.result = self.arena.union(call.result, carried);
        } else {
            state.heap.store(call.result, Key::Content, carried, &mut self.arena);
        }
    }

    /// Whether an object of the class is only a way to reach the system: it keeps nothing of what it is given.
    fn is_handle(&mut self, class: Name) -> bool {
        if let Some(&known) = self.handles.get(&class) {
            return known;
        }
        let text = self.program.names.text(class).to_owned();
        let known = self.ancestors(&text).iter().any(|it| HANDLES.contains(&it.as_str()));
        self.handles.insert(class, known);
        known
    }

    /// An object of the app that is handed to code outside may be called back later.
    fn keep_callbacks(&mut self, call: &Call<'_>, state: &mut State, ctx: &mut Ctx) {
        for &arg in &call.args {
            // A listener that is taken away again at once.
            if self.arena.number(arg) == Some(0) && self.may_call_back(call, arg) {
                let (block, pc) = (ctx.block, ctx.pc);
                let gone = |at: u32, effect: &Effect| {
                    (block..pc).contains(&at) && effect.deed == Deed::Keep && effect.args.get(1) == Some(&call.this)
                };
                ctx.effects.retain(|(at, _), effect| !gone(*at, effect));
            }
            let kept: Vec<ObjId> = self
                .arena
                .members(arg)
                .iter()
                .copied()
                .filter(|it| match self.arena.get(*it) {
                    Obj::Made { class, .. } => self.program.class_of(*class).is_some(),
                    Obj::Param(_) | Obj::Part(..) => true,
                    _ => false,
                })
                .collect();
            if kept.is_empty() || !self.may_call_back(call, arg) {
                continue;
            }
            let kept = self.arena.set(kept);
            let trail = self.trail(ctx.method, ctx.pc, None);
            self.perform(Deed::Keep, vec![kept, call.this], trail, state, ctx);
        }
    }

    /// Whether the parameter that takes the argument is an interface or class of the framework that has methods to
    /// override.
    fn may_call_back(&self, call: &Call<'_>, arg: SetId) -> bool {
        let names = &self.program.names;
        call.args.iter().zip(call.reference.params.iter()).any(|(set, ty)| {
            let ty = names.text(*ty);
            *set == arg
                && !matches!(ty, "Ljava/lang/Object;" | "Landroid/content/Context;" | "Landroid/app/Activity;")
                && !ty.starts_with("Ljava/lang/String")
                && !ty.starts_with('[')
                && (self.models.framework().overridable(ty).next().is_some()
                    || self.facts.platform.overridable(ty).next().is_some())
        })
    }

    /// The values at a port.
    fn at(&mut self, port: &Port, call: &Call<'_>, state: &State) -> SetId {
        let mut set = match port.base {
            Base::This => call.this,
            Base::Arg(n) => call.args.get(usize::from(n)).copied().unwrap_or(SetId::EMPTY),
            Base::Args => {
                let mut all = SetId::EMPTY;
                for &arg in &call.args {
                    all = self.arena.union(all, arg);
                }
                all
            }
            Base::Return => call.result,
            Base::Var(n) => call.vars.get(usize::from(n)).copied().unwrap_or(SetId::EMPTY),
        };
        for part in &port.path {
            let key = self.part_key(part, call, set, state);
            set = state.heap.load(set, key, &mut self.arena);
        }
        set
    }

    fn part_key(&mut self, part: &Part, call: &Call<'_>, base: SetId, state: &State) -> Key {
        match part {
            Part::Any => Key::Any,
            Part::ByArg(n) => {
                let arg = call.args.get(usize::from(*n)).copied().unwrap_or(SetId::EMPTY);
                self.key_of(arg)
            }
            Part::Append => {
                // The next index is known as long as the list was filled one by one.
                let size = state.heap.load(base, Key::Field(self.words.size), &mut self.arena);
                match (size == SetId::EMPTY, self.arena.number(size)) {
                    (true, _) if self.is_fresh(base) => Key::Index(0),
                    (_, Some(n)) => Key::Index(n),
                    _ => Key::Any,
                }
            }
            Part::Named(name) => match self.program.names.find(name) {
                Some(name) => Key::Field(name),
                None => Key::Content,
            },
        }
    }

    fn is_fresh(&self, base: SetId) -> bool {
        let members = self.arena.members(base);
        matches!(members.as_ref(), [one] if matches!(self.arena.get(*one), Obj::Made { many: false, .. }))
    }

    /// Whether the call is one that the row means: its text is a constant that starts like that.
    fn is_met(&mut self, when: &When, call: &Call<'_>, state: &State) -> bool {
        let set = self.at(&when.port, call, state);
        self.arena.text(set).is_some_and(|it| when.is_met(&it))
    }

    /// Does what a rule says.
    pub fn follow(&mut self, rule: &Rule, call: &mut Call<'_>, is_value: bool, state: &mut State, ctx: &mut Ctx) {
        match rule {
            Rule::Source { when: Some(when), .. } | Rule::Sink { when: Some(when), .. }
                if !self.is_met(when, call, state) => {}
            Rule::Source { kind, port, .. } => {
                let what: Arc<str> = self.program.title(call.id).into();
                let source = Source { kind: Arc::from(&**kind), method: ctx.method, pc: ctx.pc, what };
                let source = self.arena.source(source);
                let source = self.arena.one(source);
                if port.base == Base::Return && port.path.is_empty() {
                    call.result = source;
                } else {
                    let place = self.at(port, call, state);
                    state.heap.store(place, Key::Content, source, &mut self.arena);
                }
            }
            Rule::Sink { kind, ports, .. } => {
                let mut set = SetId::EMPTY;
                for port in ports {
                    let one = self.at(port, call, state);
                    set = self.arena.union(set, one);
                }
                let what: Arc<str> = self.program.title(call.id).into();
                let trail = self.trail(ctx.method, ctx.pc, None);
                if self.models.is_capability(kind) || self.models.is_decided(kind) {
                    let deed = Deed::Reach { kind: Arc::from(&**kind), what: what.clone() };
                    self.perform(deed, Vec::new(), trail, state, ctx);
                }
                let mut values = vec![set];
                if &**kind == STREAM {
                    // Second: where the stream leads to.
                    values.push(state.heap.load(call.this, Key::Field(self.words.stream), &mut self.arena));
                }
                self.perform(Deed::Sink { kind: Arc::from(&**kind), what }, values, trail, state, ctx);
            }
            Rule::Flow { from, to, how } => {
                let value = self.at(from, call, state);
                let value = match how {
                    How::Alias => value,
                    How::Deep => {
                        let carried = state.heap.carried_deep(value, &mut self.arena);
                        self.arena.set(carried)
                    }
                    How::Taint => {
                        let carried = state.heap.carried(value, &mut self.arena);
                        self.arena.set(carried)
                    }
                };
                self.put(to, value, *how, call, is_value, state);
            }
            Rule::Call { receiver, name, args, result } => {
                let receiver = self.at(receiver, call, state);
                let args: Vec<SetId> = args.iter().map(|it| self.at(it, call, state)).collect();
                let value = self.call_by_name(receiver, name, &args, state, ctx);
                if let Some(place) = result.and_then(|it| call.vars.get_mut(usize::from(it))) {
                    *place = value;
                }
            }
            Rule::Guard { .. } => {}
            Rule::Builtin(builtin) => self.builtin(*builtin, call, is_value, state, ctx),
            Rule::Clears(port) => {
                let set = self.at(port, call, state);
                if let [one] = self.arena.members(set).as_ref()
                    && matches!(self.arena.get(*one), Obj::Made { many: false, .. })
                {
                    state.heap.clear(*one);
                }
            }
        }
    }

    fn put(&mut self, to: &Port, value: SetId, how: How, call: &mut Call<'_>, is_value: bool, state: &mut State) {
        if value == SetId::EMPTY {
            return;
        }
        let Some((last, path)) = to.path.split_last() else {
            match to.base {
                Base::Return if is_value || how == How::Alias => {
                    let fresh = how == How::Alias && self.is_placeholder(call.result);
                    call.result = if fresh { value } else { self.arena.union(call.result, value) };
                }
                Base::Return => state.heap.store(call.result, Key::Content, value, &mut self.arena),
                _ => {
                    let place = self.at(to, call, state);
                    state.heap.store(place, Key::Content, value, &mut self.arena);
                }
            }
            return;
        };
        if how != How::Alias && matches!(last, Part::Named(_)) {
            let place = self.at(to, call, state);
            state.heap.store(place, Key::Content, value, &mut self.arena);
            return;
        }
        let whole = Port { base: to.base, path: path.to_vec() };
        let mut place = self.at(&whole, call, state);
        let made_here = self.arena.members(call.result).iter().find_map(|it| match self.arena.get(*it) {
            Obj::Outside { site, .. } => Some(*site),
            _ => None,
        });
        if place == SetId::EMPTY
            && !path.is_empty()
            && let Some(site) = made_here
        {
            // What only the framework makes, as the entries of a map.
            place = self.arena.just(Obj::Outside { site, class: self.words.object });
            self.put(&whole, place, How::Alias, call, is_value, state);
        }
        let key = self.part_key(last, call, place, state);
        if *last == Part::Append {
            let next = match key {
                Key::Index(n) => self.arena.just(Obj::Number(n + 1)),
                _ => self.arena.one(self.arena.unknown),
            };
            let size = Key::Field(self.words.size);
            state.heap.store(place, size, next, &mut self.arena);
        }
        if matches!(last, Part::Any) && how == How::Alias && to.base == Base::Return {
            // The parts of a view of a collection.
            for &obj in self.arena.members(place).iter() {
                state.heap.store_one(obj, key, value, false, &mut self.arena);
            }
            return;
        }
        state.heap.store(place, key, value, &mut self.arena);
    }

    /// Whether a result is only what stands for "something the framework returned".
    fn is_placeholder(&self, set: SetId) -> bool {
        self.arena.members(set).iter().all(|it| matches!(self.arena.get(*it), Obj::Outside { .. } | Obj::Unknown))
    }

    /// Calls the methods of that name and number of arguments of every known object.
    pub fn call_by_name(
        &mut self,
        receiver: SetId,
        name: &str,
        args: &[SetId],
        state: &mut State,
        ctx: &mut Ctx,
    ) -> SetId {
        let program = self.program;
        let Some(name) = program.names.find(name) else { return SetId::EMPTY };
        let mut returned = SetId::EMPTY;
        let mut targets: Vec<(MethodId, ObjId)> = Vec::new();
        for &obj in self.arena.members(receiver).iter() {
            let typed = ctx.types.iter().find(|it| it.0 == obj).map(|it| it.1.clone());
            let classes: Vec<dalvik::ClassId> = match self.arena.get(obj) {
                _ if typed.is_some() => typed.unwrap_or_default(),
                Obj::Made { class, .. } | Obj::Outside { class, .. } => program.class_of(*class).into_iter().collect(),
                Obj::Param(0) => ctx.class.into_iter().collect(),
                _ => self.globals.classes.get(&obj).cloned().unwrap_or_default(),
            };
            for class in classes {
                targets.extend(self.methods_named(class, name, args.len()).into_iter().map(|it| (it, obj)));
            }
        }
        // Whose method it is only the caller knows: it is told to look.
        let is_object = |it: ObjId| !matches!(self.arena.get(it), Obj::Compared { .. } | Obj::Reckoned(_));
        let is_open = |it: &ObjId| self.arena.is_of_caller(*it) && is_object(*it);
        let open: Vec<ObjId> = self.arena.members(receiver).iter().copied().filter(is_open).collect();
        let open: Vec<ObjId> = open.into_iter().filter(|it| !targets.iter().any(|(_, obj)| obj == it)).collect();
        if !open.is_empty() {
            let mut effect = vec![self.arena.set(open)];
            effect.extend(args);
            let trail = self.trail(ctx.method, ctx.pc, None);
            self.leave(Effect { deed: Deed::CallLater(name), args: effect, trail }, ctx);
        }
        if NESTED_MAX <= self.nested {
            self.limit("calls of calls by the framework");
            return SetId::EMPTY;
        }
        self.nested += 1;
        let before = state.clone();
        for (target, obj) in targets {
            let summary = self.summary(target);
            let mut values = vec![self.arena.one(obj)];
            values.extend(args);
            let mut after = before.clone();
            let value = self.apply(&summary, target, &values, &mut after, ctx);
            returned = self.arena.union(returned, value);
            state.join(&after, &mut self.arena);
            // Of one target what it wrote holds.
            state.thrown = SetId::EMPTY;
        }
        self.nested -= 1;
        returned
    }

    /// The methods that an object of a class has under a name, nearest first, without those that are overridden.
    fn methods_named(&self, class: dalvik::ClassId, name: Name, n_args: usize) -> Vec<MethodId> {
        let program = self.program;
        let mut found: Vec<MethodId> = Vec::new();
        let mut protos: Vec<Name> = Vec::new();
        for ancestor in program.superclasses(class) {
            let Some(class) = program.class_of(ancestor).filter(|it| !self.is_library(*it)) else { continue };
            let Some(class) = program.class(class) else { continue };
            for &id in &class.methods {
                let Some(method) = program.method(id) else { continue };
                let Some(reference) = program.reference(method.reference) else { continue };
                if reference.name == name
                    && reference.params.len() == n_args
                    && method.code_off != 0
                    && !protos.contains(&reference.proto)
                {
                    protos.push(reference.proto);
                    found.push(id);
                }
            }
        }
        found
    }

    /// Something happens: now if all is known, otherwise it is left to the caller.
    pub fn perform(&mut self, deed: Deed, args: Vec<SetId>, trail: TrailId, state: &mut State, ctx: &mut Ctx) {
        // Ways that meet again have nothing to add.
        if !ctx.done.insert((deed.clone(), args.clone())) {
            return;
        }
        match &deed {
            Deed::Sink { kind, what } if 1 < args.len() => {
                let leads: Vec<ObjId> = self.arena.members(args[1]).to_vec();
                let value = args[0];
                if leads.iter().any(|it| self.arena.is_of_caller(*it)) {
                    self.leave(Effect { deed, args, trail }, ctx);
                    return;
                }
                let mut kinds: Vec<Arc<str>> = Vec::new();
                for lead in leads {
                    match self.arena.get(lead) {
                        Obj::Text(kind) if kind.starts_with(FILE) || LEADS.contains(&&**kind) => {
                            kinds.push(kind.clone())
                        }
                        _ => {
                            let path = self.arena.one(lead);
                            for path in self.paths_of(path, state) {
                                kinds.extend(self.content_of(path).map(|it| it.1));
                            }
                        }
                    }
                }
                // A file is a place besides.
                if kinds.iter().all(|it| it.starts_with(FILE)) {
                    kinds.push(kind.clone());
                }
                for kind in kinds {
                    self.perform(Deed::Sink { kind, what: what.clone() }, vec![value], trail, state, ctx);
                }
            }
            Deed::Sink { kind, what } => {
                let mut open = Vec::new();
                let value = args.first().copied().unwrap_or_default();
                let mut carried = state.heap.carried(value, &mut self.arena);
                if let Some(file) = kind.starts_with(FILE).then(|| self.slot(Slot::Store(kind.clone()))) {
                    let (others, own) = carried.drain(..).partition(|it| self.arena.is_of_caller(*it));
                    open = others;
                    let own: Vec<ObjId> = own;
                    own.into_iter().for_each(|it| self.publish(file, it));
                }
                if BY_PATH.contains(&&**kind) {
                    let named: Vec<ObjId> =
                        carried.iter().filter_map(|it| self.content_of(*it)).map(|it| it.0).collect();
                    carried.extend(named);
                    carried.extend(self.contents_named(value));
                }
                for obj in carried {
                    match self.arena.get(obj) {
                        Obj::Source(source) => {
                            let source = *source;
                            self.report(source, kind, what, trail, Vec::new());
                        }
                        _ if self.arena.is_of_caller(obj) => open.push(obj),
                        Obj::Compared { of, .. } | Obj::Reckoned(of) => {
                            let of = *of;
                            match self.arena.get(of) {
                                Obj::Source(source) => {
                                    let source = *source;
                                    self.report(source, kind, what, trail, vec![obj]);
                                }
                                _ => self.note_sink(obj, kind, what, trail),
                            }
                        }
                        _ => {
                            self.note_sink(obj, kind, what, trail);
                        }
                    }
                }
                if !open.is_empty() {
                    let open = self.arena.set(open);
                    self.leave(Effect { deed, args: vec![open], trail }, ctx);
                }
            }
            Deed::Reach { kind, what } => {
                if ctx.control != SetId::EMPTY {
                    let sink = Deed::Sink { kind: kind.clone(), what: what.clone() };
                    self.perform(sink, vec![ctx.control], trail, state, ctx);
                }
                self.leave(Effect { deed, args, trail }, ctx);
            }
            Deed::Keep => self.leave(Effect { deed, args, trail }, ctx),
            Deed::CallLater(name) => {
                let receiver = args.first().copied().unwrap_or_default();
                let name = self.program.names.text(*name).to_owned();
                let rest: Vec<SetId> = args.iter().skip(1).copied().collect();
                self.call_by_name(receiver, &name, &rest, state, ctx);
            }
            Deed::Send(icc) => {
                let icc = *icc;
                // Third: what decides that it is sent.
                let control = args.get(2).copied().unwrap_or_default();
                let control = self.arena.union(control, ctx.control);
                let [sender, intent] = [0, 1].map(|n| args.get(n).copied().unwrap_or_default());
                // Fourth: what only the caller knows of what lies in the intent.
                let carried = state.heap.carried_deep(intent, &mut self.arena);
                let unknown = carried.into_iter().filter(|it| self.arena.is_of_caller(*it)).collect();
                let args = vec![sender, intent, control, self.arena.set(unknown)];
                if self.send(icc, &args, trail, state, ctx) || args.last() != Some(&SetId::EMPTY) {
                    self.leave(Effect { deed, args, trail }, ctx);
                }
            }
        }
    }

    fn leave(&mut self, effect: Effect, ctx: &mut Ctx) {
        ctx.seq += 1;
        ctx.effects.insert((ctx.pc, ctx.seq), effect);
    }
}

fn add_to(list: &mut Vec<(MethodId, Vec<ObjId>)>, target: MethodId, obj: ObjId) {
    match list.iter_mut().find(|it| it.0 == target) {
        Some(entry) => entry.1.push(obj),
        None => list.push((target, vec![obj])),
    }
}

/// The kind of sink that writing to a stream is, as long as it is not known where the stream leads to.
const STREAM: &str = "stream-output";

/// Where a stream may lead to but a file.
const LEADS: &[&str] = &["network-output", "execute-command", "install-package"];

/// Kinds of sink that take what lies in a file of which they are told the path.
const BY_PATH: &[&str] = &["execute-command", "load-code", "load-native", "install-package", "system-update"];

/// Classes of the framework that stand for the system and keep nothing.
const HANDLES: &[&str] = &[
    "Landroid/content/Context;",
    "Landroid/content/ContentResolver;",
    "Landroid/content/pm/PackageManager;",
    "Landroid/content/res/Resources;",
    "Landroid/app/ActivityManager;",
    "Landroid/app/NotificationManager;",
    "Landroid/telephony/TelephonyManager;",
    "Ljava/lang/Class;",
    "Ljava/lang/ClassLoader;",
    "Ljava/lang/reflect/Method;",
    "Ljava/lang/reflect/Field;",
    "Ljava/lang/reflect/Constructor;",
    "Ljava/text/Format;",
    "Ljava/util/regex/Pattern;",
];

/// Classes of `java.lang` that hold a number or a text.
const VALUES: &[&str] = &[
    "String;",
    "CharSequence;",
    "Integer;",
    "Long;",
    "Double;",
    "Character;",
    "Float;",
    "Short;",
    "Byte;",
    "Boolean;",
];

/// Instructions of a decoder that are as much work as a look at an object.
const STEPS_A_LOOK: u64 = 8;

/// Texts that are kept of one class.
const DECODED_MAX: usize = 64;

/// Ways longer than this are no evidence that anyone reads.
const TRAIL_MAX: u16 = 48;

/// Methods that one call may mean where work runs out.
const FRUGAL_TARGETS_MAX: usize = 4;

/// A method that has itself called again (a timer) ends here.
const NESTED_MAX: u32 = 3;

/// How many calls deep objects of different calls are kept apart.
const SITE_DEPTH_MAX: u8 = 4;
