//! What the engine does itself at a call: intents, stores, reflection, constant text.

use std::sync::Arc;

use knowledge::models::{Builtin, Models};

use crate::call::Call;
use crate::engine::Engine;
use crate::interpret::Ctx;
use crate::state::State;
use crate::summary::{Deed, Icc, TrailId};
use crate::value::{Key, Obj, ObjId, SetId, Site, Slot, Source};

impl Engine<'_> {
    pub fn builtin(&mut self, builtin: Builtin, call: &mut Call<'_>, is_value: bool, state: &mut State, ctx: &mut Ctx) {
        let arg = |n: usize| call.args.get(n).copied().unwrap_or(SetId::EMPTY);
        let icc = |icc: Icc| Deed::Send(icc);
        match builtin {
            Builtin::IntentTarget => {
                let target = arg(1);
                let key = Key::Field(self.words.target);
                state.heap.store(call.this, key, target, &mut self.arena);
                if call.result != SetId::EMPTY {
                    call.result = call.this;
                }
            }
            Builtin::IntentComponent => {
                let class = self.program.names.find("class").map_or(Key::Content, Key::Field);
                let target = state.heap.load(arg(0), class, &mut self.arena);
                let key = Key::Field(self.words.target);
                state.heap.store(call.this, key, target, &mut self.arena);
                call.result = call.this;
            }
            Builtin::IntentAction => {
                let key = Key::Field(self.words.action);
                state.heap.store(call.this, key, arg(0), &mut self.arena);
                if call.result != SetId::EMPTY {
                    call.result = call.this;
                }
            }
            Builtin::StartActivity => self.send_now(icc(Icc::Activity), vec![call.this, arg(0)], state, ctx),
            Builtin::StartActivityForResult => {
                self.send_now(icc(Icc::ActivityForResult), vec![call.this, arg(0)], state, ctx);
            }
            Builtin::StartService => self.send_now(icc(Icc::Service), vec![call.this, arg(0)], state, ctx),
            Builtin::BindService => self.send_now(icc(Icc::Bind), vec![call.this, arg(0)], state, ctx),
            Builtin::PendingActivity => self.send_now(icc(Icc::Activity), vec![arg(0), arg(2)], state, ctx),
            Builtin::PendingService => self.send_now(icc(Icc::Service), vec![arg(0), arg(2)], state, ctx),
            Builtin::PendingBroadcast => self.send_now(icc(Icc::Broadcast), vec![arg(0), arg(2)], state, ctx),
            Builtin::SendBroadcast => self.send_now(icc(Icc::Broadcast), vec![call.this, arg(0)], state, ctx),
            Builtin::AskProvider => {
                let told = call.args.iter().skip(1).fold(SetId::EMPTY, |told, it| self.arena.union(told, *it));
                self.send_now(icc(Icc::Provider), vec![arg(0), told], state, ctx);
                self.answer(arg(0), call, ctx);
            }
            Builtin::InterfaceToken => {
                let key = Key::Field(self.words.interface);
                state.heap.store(call.this, key, arg(0), &mut self.arena);
            }
            Builtin::AttachInterface => {
                let key = Key::Field(self.words.interface);
                state.heap.store(call.this, key, arg(1), &mut self.arena);
            }
            Builtin::WebBridge => {
                // Whose code is the page's: it calls what is marked for it.
                let trail = self.trail(ctx.method, ctx.pc, None);
                self.perform(Deed::Keep, vec![arg(0), call.this], trail, state, ctx);
            }
            Builtin::Transact => {
                let (binder, parcel) = (call.this, arg(1));
                self.send_now(icc(Icc::Binder), vec![binder, parcel], state, ctx);
                self.pass_on(call, is_value, state);
            }
            Builtin::SetResult => self.send_now(icc(Icc::Result), vec![call.this, arg(1)], state, ctx),
            Builtin::GetIntent => {
                call.result = state.heap.field(call.this, self.words.intent, &mut self.arena);
            }
            Builtin::SetIntent => {
                let key = Key::Field(self.words.intent);
                state.heap.store(call.this, key, arg(0), &mut self.arena);
            }
            Builtin::RegisterReceiver | Builtin::Keep => {}
            Builtin::MessengerSend => {
                let known = state.heap.field(call.this, self.words.handler, &mut self.arena);
                let known = self.arena.members(known).iter().any(|it| matches!(self.arena.get(*it), Obj::Made { .. }));
                if !known {
                    let place = self.slot(Slot::Store("messages".into()));
                    for &message in self.arena.members(arg(0)).iter() {
                        self.hand_over(place, message, state);
                    }
                }
            }
            Builtin::StoreOpen => {
                // Without a name it is the one of the app.
                let key = if self.names_string(call, 0) { self.key_of(arg(0)) } else { self.default_store() };
                let stores = self.slot(Slot::Store("preferences".into()));
                let store = self.arena.part(stores, key);
                call.result = self.arena.one(store);
            }
            Builtin::StorePut => {
                let store = self.store_of(call.this);
                let key = self.key_of(arg(0));
                state.heap.store(store, key, arg(1), &mut self.arena);
                call.result = call.this;
            }
            Builtin::StoreGet => {
                let store = self.store_of(call.this);
                let key = if self.names_string(call, 0) { self.key_of(arg(0)) } else { Key::Any };
                let value = state.heap.load(store, key, &mut self.arena);
                call.result = self.arena.union(value, arg(1));
            }
            Builtin::ClassForName => {
                let name = call.args.iter().find_map(|it| self.arena.text(*it));
                if let Some(name) = name {
                    let descriptor = format!("L{};", name.replace('.', "/"));
                    if let Some(name) = self.program.names.find(&descriptor) {
                        call.result = self.arena.just(Obj::Class(name));
                    }
                }
            }
            Builtin::NewInstance => {
                let args = self.listed(arg(0), state);
                for &obj in self.arena.members(call.this).iter() {
                    let Obj::Class(class) = *self.arena.get(obj) else { continue };
                    let Some(id) = self.program.class_of(class) else { continue };
                    self.initialise(id);
                    let site = Site { method: ctx.method, pc: ctx.pc, inner: Some(obj), depth: 0 };
                    let site = self.arena.site(site);
                    let made = self.arena.just(Obj::Made { site, class, many: ctx.repeats });
                    self.call_by_name(made, "<init>", &args, state, ctx);
                    call.result = self.arena.union(call.result, made);
                }
            }
            Builtin::GetMethod => {
                let Some(name) = self.arena.text(arg(0)) else { return };
                let mut found = SetId::EMPTY;
                for &obj in self.arena.members(call.this).iter() {
                    if let Obj::Class(class) = *self.arena.get(obj) {
                        let method = self.arena.just(Obj::Method(class, name.clone()));
                        found = self.arena.union(found, method);
                    }
                }
                if found != SetId::EMPTY {
                    call.result = found;
                }
            }
            Builtin::Invoke => self.invoke_reflected(call, is_value, state, ctx),
            Builtin::ObjectClass => {
                let mut found = SetId::EMPTY;
                for &obj in self.arena.members(call.this).iter() {
                    if let Obj::Made { class, .. } = *self.arena.get(obj) {
                        let class = self.arena.just(Obj::Class(class));
                        found = self.arena.union(found, class);
                    }
                }
                if found != SetId::EMPTY {
                    call.result = found;
                }
            }
            Builtin::CopyElements => {
                for &from in self.arena.members(arg(0)).iter() {
                    self.copy_elements(from, call.this, state);
                }
                if call.result != SetId::EMPTY {
                    call.result = call.this;
                }
            }
            Builtin::StringAppend => {
                self.append_told(arg(0), call.this, state, ctx);
                let key = Key::Field(self.words.text);
                let before = state.heap.load(call.this, key, &mut self.arena);
                let fresh = before == SetId::EMPTY;
                let before = if fresh { Some(Arc::from("")) } else { self.arena.text(before) };
                let added = self.arena.text(arg(0));
                if before.is_none()
                    && let Some(path) = added.as_deref().filter(|it| is_file_name(it)).and_then(|it| self.path_of(it))
                {
                    let path = self.arena.one(path);
                    state.heap.store(call.this, Key::Content, path, &mut self.arena);
                }
                let after = match (before, added) {
                    (Some(before), Some(added)) if before.len() + added.len() <= TEXT_MAX => {
                        self.arena.just(Obj::Text(format!("{before}{added}").into()))
                    }
                    _ => self.arena.one(self.arena.unknown),
                };
                state.heap.store(call.this, key, after, &mut self.arena);
            }
            Builtin::StringText => {
                let text = state.heap.field(call.this, self.words.text, &mut self.arena);
                if self.arena.text(text).is_some() && self.is_unknown(call.result) {
                    call.result = text;
                }
            }
            Builtin::Compare => {
                let left = if call.this == SetId::EMPTY { arg(1) } else { call.this };
                let outcome = self.compare(left, arg(0), state, ctx);
                call.result = self.arena.union(call.result, outcome);
            }
            Builtin::StringConcat => {
                if let (Some(left), Some(right)) = (self.arena.text(call.this), self.arena.text(arg(0)))
                    && left.len() + right.len() <= TEXT_MAX
                {
                    call.result = self.arena.just(Obj::Text(format!("{left}{right}").into()));
                }
            }
            Builtin::FindView => {
                let Some(id) = self.arena.number(arg(0)) else { return };
                let place = self.slot(Slot::Store(format!("view {id}").into()));
                if self.facts.password_views.contains(&id) {
                    let what = "password field of a layout".into();
                    let source = Source { kind: "password".into(), method: ctx.method, pc: ctx.pc, what };
                    let source = self.arena.source(source);
                    let content = self.arena.part(place, Key::Content);
                    self.publish(content, source);
                }
                call.result = self.arena.one(place);
            }
            Builtin::ContextShared => {
                let class = self.facts.application.as_deref().and_then(|it| self.program.names.find(it));
                let class = class.unwrap_or(self.words.object);
                let shared = self.slot(Slot::Shared(class));
                call.result = self.arena.one(shared);
            }
            Builtin::FileNamed => {
                let name = call.args.last().copied().unwrap_or_default();
                let places: Vec<ObjId> = self.paths_of(name, state);
                let places = self.arena.set(places);
                state.heap.store(made_of(call), Key::Content, places, &mut self.arena);
            }
            Builtin::FileWritten => {
                let mut leads: Vec<ObjId> = Vec::new();
                for path in self.paths_of(arg(0), state) {
                    leads.extend(self.content_of(path).map(|it| self.arena.obj(Obj::Text(it.1))));
                }
                // A path that the caller knows is looked at there.
                let members = self.arena.members(arg(0));
                leads.extend(members.iter().copied().filter(|it| self.arena.is_of_caller(*it)));
                let leads = self.arena.set(leads);
                state.heap.store(made_of(call), Key::Field(self.words.stream), leads, &mut self.arena);
            }
            Builtin::FileRead => {
                let paths = self.paths_of(arg(0), state);
                let contents = paths.into_iter().filter_map(|it| self.content_of(it)).map(|it| it.0).collect();
                let contents = self.arena.set(contents);
                state.heap.store(made_of(call), Key::Content, contents, &mut self.arena);
            }
            Builtin::StreamToNetwork => self.open_stream("network-output", call, state),
            Builtin::StreamToCommand => self.open_stream("execute-command", call, state),
            Builtin::StreamToPackage => self.open_stream("install-package", call, state),
            Builtin::Kill => ctx.ends = true,
        }
    }

    /// The paths that a set names: those of its texts, and those that its objects carry.
    pub fn paths_of(&mut self, set: SetId, state: &State) -> Vec<ObjId> {
        let mut paths: Vec<ObjId> = Vec::new();
        for &obj in self.arena.members(set).iter() {
            if let Obj::Text(text) = self.arena.get(obj).clone() {
                paths.extend(self.path_of(&text));
            }
        }
        let carried = state.heap.carried(set, &mut self.arena);
        paths.extend(carried.into_iter().filter(|it| self.content_of(*it).is_some()));
        paths
    }

    /// The place that stands for a path: files of one name are one, whatever folder they lie in.
    fn path_of(&mut self, text: &str) -> Option<ObjId> {
        let name = text.rsplit('/').next().filter(|it| !it.is_empty() && it.len() <= NAME_MAX)?;
        Some(self.slot(Slot::Store(format!("path {name}").into())))
    }

    /// What lies in the file of a path, and what it is called as a kind of sink.
    pub fn content_of(&mut self, path: ObjId) -> Option<(ObjId, Arc<str>)> {
        let Obj::Slot(Slot::Store(path)) = self.arena.get(path) else { return None };
        let name: Arc<str> = format!("{FILE}{}", path.strip_prefix("path ")?).into();
        Some((self.slot(Slot::Store(name.clone())), name))
    }

    /// What lies in the files that a command or path names.
    pub fn contents_named(&mut self, set: SetId) -> Vec<ObjId> {
        let members = self.arena.members(set);
        let texts = members.iter().filter_map(|it| match self.arena.get(*it) {
            Obj::Text(text) => Some(text.clone()),
            _ => None,
        });
        let texts: Vec<Arc<str>> = texts.collect();
        let mut contents = Vec::new();
        for word in texts.iter().flat_map(|it| it.split_whitespace()).filter(|it| it.contains('/')) {
            let path = self.path_of(word);
            contents.extend(path.and_then(|it| self.content_of(it)).map(|it| it.0));
        }
        contents
    }

    /// Notes on a stream where it leads to: the kind of sink that writing to it is.
    fn open_stream(&mut self, kind: &str, call: &Call<'_>, state: &mut State) {
        let kind = self.arena.just(Obj::Text(kind.into()));
        state.heap.store(call.result, Key::Field(self.words.stream), kind, &mut self.arena);
    }

    fn is_unknown(&self, set: SetId) -> bool {
        self.arena.members(set).iter().all(|it| *it == self.arena.unknown)
    }

    /// What lies in one object under a key comes to lie under the same key of others.
    fn copy_elements(&mut self, from: ObjId, to: SetId, state: &mut State) {
        for (key, set) in state.heap.parts(from).collect::<Vec<_>>() {
            if !matches!(key, Key::Field(_)) {
                state.heap.store(to, key, set, &mut self.arena);
            }
        }
        if self.arena.is_symbolic(from) || matches!(self.arena.get(from), Obj::Source(_)) {
            // Under which keys, only who filled it knows.
            let all = state.heap.load_one(from, Key::Any, &mut self.arena);
            state.heap.store(to, Key::Any, all, &mut self.arena);
            let whole = self.arena.one(from);
            state.heap.store(to, Key::Content, whole, &mut self.arena);
        }
    }

    fn send_now(&mut self, deed: Deed, args: Vec<SetId>, state: &mut State, ctx: &mut Ctx) {
        let trail = self.trail(ctx.method, ctx.pc, None);
        self.perform(deed, args, trail, state, ctx);
    }

    /// The stores that a set names; where it names none, any.
    fn store_of(&mut self, set: SetId) -> SetId {
        let members = self.arena.members(set);
        let known: Vec<ObjId> = members.iter().copied().filter(|it| self.arena.is_symbolic(*it)).collect();
        if !known.is_empty() {
            return self.arena.set(known);
        }
        self.any_store()
    }

    /// A store of which the name is not known.
    pub fn any_store(&mut self) -> SetId {
        let stores = self.slot(Slot::Store("preferences".into()));
        let any = self.arena.part(stores, Key::Any);
        self.arena.one(any)
    }

    fn default_store(&mut self) -> Key {
        Key::Text(self.arena.obj(Obj::Text("".into())))
    }

    /// Whether the method takes a string there.
    fn names_string(&self, call: &Call<'_>, n: usize) -> bool {
        call.reference.params.get(n).is_some_and(|it| self.program.names.text(*it) == "Ljava/lang/String;")
    }

    /// What objects of the program tell of themselves is appended with them.
    fn append_told(&mut self, added: SetId, builder: SetId, state: &mut State, ctx: &mut Ctx) {
        let is_own = |it: &ObjId| matches!(self.arena.get(*it), Obj::Made { class, .. } if self.program.class_of(*class).is_some());
        let own: Vec<ObjId> = self.arena.members(added).iter().copied().filter(is_own).collect();
        if own.is_empty() {
            return;
        }
        let own = self.arena.set(own);
        let told = self.call_by_name(own, "toString", &[], state, ctx);
        let carried = state.heap.carried(told, &mut self.arena);
        if !carried.is_empty() {
            let carried = self.arena.set(carried);
            state.heap.store(builder, Key::Content, carried, &mut self.arena);
        }
    }

    /// The arguments in an array, up to the first place where nothing lies.
    fn listed(&mut self, list: SetId, state: &State) -> Vec<SetId> {
        let mut args = Vec::new();
        while args.len() < REFLECTED_ARGS_MAX {
            let n = Key::Index(args.len() as i64);
            let arg = state.heap.load(list, n, &mut self.arena);
            if arg == SetId::EMPTY {
                break;
            }
            args.push(arg);
        }
        args
    }

    fn invoke_reflected(&mut self, call: &mut Call<'_>, is_value: bool, state: &mut State, ctx: &mut Ctx) {
        let receiver = call.args.first().copied().unwrap_or(SetId::EMPTY);
        let list = call.args.get(1).copied().unwrap_or(SetId::EMPTY);
        let args = self.listed(list, state);
        let program = self.program;
        let mut found = false;
        let mut returned = SetId::EMPTY;
        for &obj in self.arena.members(call.this).iter() {
            let Obj::Method(class, name) = self.arena.get(obj).clone() else { continue };
            let names = &program.names;
            if let Some(class) = program.class_of(class) {
                let Some(name) = names.find(&name) else { continue };
                for ancestor in program.superclasses(class) {
                    let Some(class) = program.class_of(ancestor).and_then(|it| program.class(it)) else { continue };
                    for &id in &class.methods {
                        let Some(method) = program.method(id) else { continue };
                        let Some(reference) = program.reference(method.reference) else { continue };
                        if reference.name != name || reference.params.len() != args.len() || method.code_off == 0 {
                            continue;
                        }
                        found = true;
                        let mut values = Vec::new();
                        if method.access_flags & dalvik::access::STATIC == 0 {
                            values.push(receiver);
                        }
                        values.extend(&args);
                        let summary = self.summary(id);
                        let one = self.apply(&summary, id, &values, state, ctx);
                        returned = self.arena.union(returned, one);
                    }
                }
                continue;
            }
            // A method of the framework: as if it was called by its name.
            let class = names.text(class).to_owned();
            for ancestor in self.ancestors(&class) {
                let Some(rules) = self.models.named(&ancestor, &name) else { continue };
                found = true;
                let rules = rules.to_vec();
                let mut inner = Call {
                    reference: call.reference,
                    id: call.id,
                    this: receiver,
                    args: args.clone(),
                    own: false,
                    vars: [SetId::EMPTY; Models::N_VARS as usize],
                    result: call.result,
                };
                for rule in &rules {
                    self.follow(rule, &mut inner, is_value, state, ctx);
                }
                returned = self.arena.union(returned, inner.result);
                break;
            }
        }
        if found {
            call.result = returned;
        } else {
            self.pass_on(call, is_value, state);
            for arg in args {
                let carried = state.heap.carried(arg, &mut self.arena);
                let carried = self.arena.set(carried);
                state.heap.store(call.result, Key::Content, carried, &mut self.arena);
            }
        }
    }

    /// Sends an intent. Tells whether the caller must look again, since the intent is the caller's.
    pub fn send(&mut self, icc: Icc, args: &[SetId], trail: TrailId, state: &mut State, ctx: &mut Ctx) -> bool {
        let sender = args.first().copied().unwrap_or_default();
        let intents = args.get(1).copied().unwrap_or_default();
        let control = args.get(2).copied().unwrap_or_default();
        match icc {
            Icc::Provider => return self.ask(sender, intents, trail, state),
            Icc::Binder => return self.transact(intents, trail, state),
            _ => {}
        }
        let mut open = false;
        let senders: Vec<Arc<str>> = self
            .arena
            .members(sender)
            .iter()
            .filter_map(|it| match self.arena.get(*it) {
                Obj::Made { class, .. } => Some(Arc::from(self.program.names.text(*class))),
                _ => None,
            })
            .collect();
        let needs_sender = matches!(icc, Icc::Result | Icc::ActivityForResult);
        if needs_sender && self.arena.members(sender).iter().any(|it| self.arena.is_of_caller(*it)) {
            open = true;
        }
        for &intent in self.arena.members(intents).iter() {
            if self.arena.is_of_caller(intent) {
                open = true;
                continue;
            }
            if icc == Icc::Result {
                for sender in &senders {
                    let place = self.slot(Slot::Result(sender.clone()));
                    self.hand_over(place, intent, state);
                }
                continue;
            }
            let target = state.heap.load_one(intent, Key::Field(self.words.target), &mut self.arena);
            let action = state.heap.load_one(intent, Key::Field(self.words.action), &mut self.arena);
            let mut explicit = false;
            let mut targets: Vec<String> = Vec::new();
            // A class of the app's own is there, or nowhere; one that is named may be another app's.
            let mut named: Vec<String> = Vec::new();
            for &obj in self.arena.members(target).iter() {
                match self.arena.get(obj) {
                    Obj::Class(name) => {
                        explicit = true;
                        targets.push(self.program.names.text(*name).to_owned());
                    }
                    Obj::Text(name) => {
                        explicit = true;
                        let name = format!("L{};", name.replace('.', "/"));
                        named.push(name.clone());
                        targets.push(name);
                    }
                    Obj::Part(..) | Obj::Param(_) if self.arena.is_of_caller(obj) => open = true,
                    _ => {}
                }
            }
            if let Some(action) = self.arena.text(action) {
                if let Some(kind) = self.models.action_sink(&action) {
                    self.act(kind.into(), &action, intent, trail, state, ctx);
                }
                for component in &self.facts.components {
                    if component.actions.iter().any(|it| **it == *action) {
                        targets.push(component.class.clone());
                    }
                }
            } else if self.arena.members(action).iter().any(|it| self.arena.is_of_caller(*it)) {
                open = true;
            }
            self.send_away(intent, &named, (!explicit).then_some(action), trail, state);
            // Android starts only what a manifest declares.
            targets.retain(|target| self.facts.components.iter().any(|it| it.class == *target));
            if icc == Icc::ActivityForResult && !explicit {
                // What another app hands back was picked by the user: a contact, a file, a photo.
                for sender in &senders {
                    let place = self.slot(Slot::Returned(sender.clone()));
                    let step = self.step(trail);
                    let what = "result of another app".into();
                    let source = Source { kind: "activity-result".into(), method: step.method, pc: step.pc, what };
                    let source = self.arena.source(source);
                    self.publish(place, source);
                }
            }
            for target in &targets {
                let place = self.slot(Slot::Intent(target.as_str().into()));
                self.hand_over(place, intent, state);
                let start = self.slot(Slot::Start(target.as_str().into()));
                for &reason in self.arena.members(control).iter() {
                    match self.arena.is_of_caller(reason) {
                        true => open = true,
                        false => self.publish(start, reason),
                    }
                }
                if icc == Icc::ActivityForResult {
                    let result = self.slot(Slot::Result(target.as_str().into()));
                    for sender in &senders {
                        let place = self.slot(Slot::Returned(sender.clone()));
                        self.publish(place, result);
                    }
                }
            }
            if !explicit {
                if icc == Icc::Broadcast {
                    let place = self.slot(Slot::Intent("broadcast".into()));
                    self.hand_over(place, intent, state);
                }
                let set = self.arena.one(intent);
                let deed = Deed::Sink { kind: "intent-send".into(), what: format!("{icc:?} intent").into() };
                self.perform(deed, vec![set], trail, state, ctx);
            }
        }
        open
    }

    /// Tells the provider that an address names, of this app or of another, what it is asked.
    fn ask(&mut self, address: SetId, told: SetId, trail: TrailId, state: &State) -> bool {
        let Some(text) = self.arena.text(address) else {
            return self.arena.members(address).iter().any(|it| self.arena.is_of_caller(*it));
        };
        let Some(address) = address_of(&text) else { return false };
        let own = self.own_providers(&address);
        let places: Vec<Slot> = match own.is_empty() {
            false => own.into_iter().map(|it| Slot::Intent(it.into())).collect(),
            true => vec![self.sends_to(format!("action {address}").into(), trail)],
        };
        let told = self.arena.members(told);
        for place in places {
            let place = self.slot(place);
            for &value in told.iter() {
                if !self.arena.is_of_caller(value) {
                    self.hand_over(place, value, state);
                }
            }
        }
        told.iter().any(|it| self.arena.is_of_caller(*it))
    }

    /// Classes of the app's own providers with an address.
    fn own_providers(&self, address: &str) -> Vec<&str> {
        let asked = |it: &&crate::app::Component| it.kind == "provider" && it.actions.iter().any(|it| it == address);
        self.facts.components.iter().filter(asked).map(|it| it.class.as_str()).collect()
    }

    /// What comes back from a provider: what this app's own gives, or what another app makes of it.
    fn answer(&mut self, address: SetId, call: &mut Call<'_>, ctx: &Ctx) {
        let Some(address) = self.arena.text(address).and_then(|it| address_of(&it)) else { return };
        let own: Vec<Slot> = self.own_providers(&address).into_iter().map(|it| Slot::Result(it.into())).collect();
        if own.is_empty() {
            let source = Source { kind: ANSWER.into(), method: ctx.method, pc: ctx.pc, what: address.into() };
            let source = self.arena.source(source);
            let source = self.arena.one(source);
            call.result = self.arena.union(call.result, source);
        }
        for slot in own {
            let place = self.slot(slot);
            let place = self.arena.one(place);
            call.result = self.arena.union(call.result, place);
        }
    }

    /// What is passed to an interface of another process. Tells whether the caller must look again.
    fn transact(&mut self, parcels: SetId, trail: TrailId, state: &State) -> bool {
        let mut open = false;
        for &parcel in self.arena.members(parcels).iter() {
            if self.arena.is_of_caller(parcel) {
                open = true;
                continue;
            }
            if let Some(interface) = self.interface_of(parcel, state) {
                let place = self.sends_to(format!("binder {interface}").into(), trail);
                let place = self.slot(place);
                self.hand_over(place, parcel, state);
            }
        }
        open
    }

    /// The interface that a parcel is for, or that a binder has; not what else lies in them.
    pub fn interface_of(&self, obj: ObjId, state: &State) -> Option<Arc<str>> {
        let key = Key::Field(self.words.interface);
        let set = state.heap.parts(obj).find(|it| it.0 == key)?.1;
        self.arena.text(set)
    }

    /// What a provider answers goes back to who asked, and to other apps where they may ask.
    pub fn give_back(&mut self, provider: &str, answer: SetId, state: &State) {
        let declared = self.facts.components.iter().find(|it| it.kind == "provider" && it.class == provider);
        let Some(declared) = declared.filter(|_| answer != SetId::EMPTY) else { return };
        let mut places = vec![Slot::Result(provider.into())];
        if declared.exported {
            places.extend(declared.actions.iter().map(|it| Slot::Sent(format!("answer {it}").into())));
        }
        for place in places {
            let place = self.slot(place);
            for &obj in self.arena.members(answer).iter() {
                self.hand_over(place, obj, state);
            }
        }
    }

    /// Where what is sent to another app lies; the shortest way there counts.
    fn sends_to(&mut self, to: Arc<str>, trail: TrailId) -> Slot {
        let len = self.step(trail).len;
        if self.sends.get(&to).is_none_or(|it| len < self.step(*it).len) {
            self.sends.insert(to.clone(), trail);
        }
        Slot::Sent(to)
    }

    /// An intent that another app may receive.
    fn send_away(&mut self, intent: ObjId, named: &[String], action: Option<SetId>, trail: TrailId, state: &State) {
        let declared = |it: &&String| !self.facts.components.iter().any(|component| component.class == **it);
        let mut leaves: Vec<Arc<str>> = named.iter().filter(declared).map(|it| it.as_str().into()).collect();
        if let Some(action) = action.and_then(|it| self.arena.text(it)).filter(|it| !it.starts_with("android.")) {
            leaves.push(format!("action {action}").into());
        }
        for to in leaves {
            let place = self.sends_to(to, trail);
            let place = self.slot(place);
            self.hand_over(place, intent, state);
        }
    }

    /// What the system does when it is sent an intent: a reset, a call.
    fn act(&mut self, kind: Arc<str>, action: &str, intent: ObjId, trail: TrailId, state: &mut State, ctx: &mut Ctx) {
        let what: Arc<str> = format!("intent {action}").into();
        if self.models.is_capability(&kind) {
            let deed = Deed::Reach { kind: kind.clone(), what: what.clone() };
            self.perform(deed, Vec::new(), trail, state, ctx);
        }
        let set = self.arena.one(intent);
        self.perform(Deed::Sink { kind, what }, vec![set], trail, state, ctx);
    }

    fn hand_over(&mut self, place: ObjId, intent: ObjId, state: &State) {
        if self.arena.is_symbolic(intent) || matches!(self.arena.get(intent), Obj::Source(_)) {
            self.publish(place, intent);
        }
        self.publish_object(place, intent, state, 0, &mut Vec::new());
    }
}

/// Whether a text that something else stands before ends a path with a file that has an extension.
fn is_file_name(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |it| if it.0.is_empty() { "" } else { it.1 });
    (2..=4).contains(&extension.len())
        && extension.bytes().all(|it| it.is_ascii_alphanumeric())
        && !text.contains(char::is_whitespace)
        && !text.contains(':')
}

/// The address of the provider that an address lies in: `content://authority`.
fn address_of(text: &str) -> Option<String> {
    let authority = text.strip_prefix("content://")?.split('/').next()?;
    Some(format!("content://{authority}"))
}

/// What a constructor makes, or a method gives.
fn made_of(call: &Call) -> SetId {
    if call.result == SetId::EMPTY { call.this } else { call.result }
}

/// The kind of what the provider of another app answers: it is told where that app is there, too.
pub const ANSWER: &str = "provider-answer";

/// How the kind of sink begins that writing to a file of a name is.
pub const FILE: &str = "file ";

/// Longer names of files do not exist (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// Longer texts are data, not names.
const TEXT_MAX: usize = 4096;

/// More arguments than any method that is worth calling by reflection has.
const REFLECTED_ARGS_MAX: usize = 16;
