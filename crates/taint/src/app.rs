//! One app from its entry points: components as the framework runs them, and what they leave to be called back.

use std::sync::Arc;

use dalvik::{ClassId, MethodId, Name, Program, access};
use knowledge::models::Models;
use serde::{Serialize, Serializer};

use crate::engine::{Engine, Found};
use crate::interpret::Ctx;
use crate::platform::Platform;
use crate::state::State;
use crate::summary::Deed;
use crate::told::Analysis;
use crate::value::{Key, Obj, ObjId, SetId, Site, Slot, Source};

/// What a manifest and the resources say that the code does not.
#[derive(Debug, Clone, Default, Serialize)]
pub struct App {
    /// Package name.
    pub package: String,
    /// Descriptor of the application class.
    pub application: Option<String>,
    /// Components that are declared and not disabled.
    pub components: Vec<Component>,
    /// Methods that layouts name for a click.
    pub click_handlers: Vec<String>,
    /// Ids of views that hold a password.
    pub password_views: Vec<i64>,
    /// Descriptors of fragments that layouts name.
    pub fragments: Vec<String>,
    /// What is followed besides where values go.
    pub control: Control,
    /// The classes of the phone that it is on.
    #[serde(serialize_with = "as_digest")]
    pub platform: Arc<Platform>,
}

fn as_digest<S: Serializer>(platform: &Arc<Platform>, serializer: S) -> Result<S::Ok, S::Error> {
    platform.serialize(serializer)
}

/// What a value decides, and not only where it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Control {
    /// Followed where what someone sends or types in, a time or a place is compared with a constant.
    #[default]
    Secrets,
    /// Followed wherever something is tested.
    All,
}

/// A component.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// `activity`, `service`, `receiver`, `provider`; `registered` for a receiver that code registers, `binder` for an
    /// object that code offers under a name.
    pub kind: &'static str,
    /// Descriptor of its class.
    pub class: String,
    /// Whether other apps can reach it.
    pub exported: bool,
    /// Actions of its filters; for a provider its addresses (`content://authority`).
    pub actions: Vec<String>,
}

/// Follows values through an app, with at most `fuel` steps of work.
pub fn analyse(program: &mut Program, models: &Models, app: &App, fuel: u64) -> Analysis {
    let words = crate::engine::Words::of(&mut program.names, models);
    let program = &*program;
    let mut engine = Engine::new(program, models, words, app, fuel);
    engine.find_libraries();
    engine.run_app();
    engine.settle();
    engine.told()
}

impl Engine<'_> {
    fn run_app(&mut self) {
        let facts = self.facts;
        let class_of =
            |engine: &Engine, text: &str| engine.program.names.find(text).and_then(|it| engine.program.class_of(it));
        if let Some(class) = facts.application.as_deref().and_then(|it| class_of(self, it)) {
            self.run_component("application", class, u32::MAX);
        }
        for (n, component) in facts.components.iter().enumerate() {
            let Some(class) = class_of(self, &component.class) else { continue };
            if component.exported {
                let slot = self.slot(Slot::Intent(component.class.as_str().into()));
                let what = told(component).into();
                let method = self.program.class(class).and_then(|it| it.methods.first().copied());
                let method = method.unwrap_or(MethodId(u32::MAX));
                let source = self.arena.source(Source { kind: "exported-intent".into(), method, pc: 0, what });
                self.publish(slot, source);
            }
            // A receiver that code registers is called where it was registered.
            if component.kind != REGISTERED {
                self.run_component(component.kind, class, n as u32);
            }
        }
        for (n, fragment) in facts.fragments.iter().enumerate() {
            let Some(class) = class_of(self, fragment) else { continue };
            self.run_component("fragment", class, (facts.components.len() + n) as u32);
        }
    }

    /// Runs a component as the framework does: start, then whatever may happen, then stop, and all again.
    fn run_component(&mut self, kind: &'static str, class: ClassId, number: u32) {
        let program = self.program;
        let Some(name) = program.class(class).map(|it| it.name) else { return };
        self.give_share();
        let owner = name;
        self.component = Some(name);
        let mut ctx = Ctx {
            method: MethodId(u32::MAX),
            dex: 0,
            class: None,
            pc: number,
            repeats: false,
            seq: 0,
            effects: Default::default(),
            block: 0,
            wants: Default::default(),
            types: Default::default(),
            done: Default::default(),
            ends: false,
            control: SetId::EMPTY,
        };
        let mut state = State::new(0);
        self.initialise(class);
        let this = if kind == "application" {
            self.slot(Slot::Shared(name))
        } else {
            let site = self.arena.site(Site { method: ctx.method, pc: number, inner: None, depth: 0 });
            self.arena.obj(Obj::Made { site, class: name, many: false })
        };
        let this_set = self.arena.one(this);
        let intent = self.slot(Slot::Intent(program.names.text(name).into()));
        let intent = self.arena.one(intent);
        state.heap.store(this_set, Key::Field(self.words.intent), intent, &mut self.arena);
        for init in self.own_named(class, "<init>") {
            self.enter(init, this, &mut state, &mut ctx);
        }
        let Some(lifecycle) = self.models.lifecycle(kind).cloned() else { return };
        let ordered: Vec<&String> = lifecycle.start.iter().chain(&lifecycle.stop).collect();
        let mut kept: Vec<ObjId> = Vec::new();
        for _ in 0..PASSES {
            let before = state.clone();
            for name in &lifecycle.start {
                let returned = self.step_of_life(class, name, this, &mut state, &mut ctx);
                if name == "onBind" {
                    // Who binds to a service calls what it hands out.
                    self.keep(returned, &mut kept);
                    self.note_doors(owner, returned, &state);
                }
                self.gather(&mut ctx, &mut kept, owner);
            }
            // Whatever may happen while it runs, in any order.
            for _ in 0..PASSES {
                let methods = match kind {
                    BINDER => self.offered_by(class),
                    _ => self.callbacks_of(class).to_vec(),
                };
                for method in methods {
                    let text = program.method(method).and_then(|it| program.reference(it.reference));
                    let text = text.map(|it| program.names.text(it.name)).unwrap_or_default();
                    if !ordered.iter().any(|it| *it == text) {
                        self.maybe(method, this, &mut state, &mut ctx);
                    }
                }
                for handler in self.facts.click_handlers.clone() {
                    for method in self.named(class, &handler) {
                        self.maybe(method, this, &mut state, &mut ctx);
                    }
                }
                self.gather(&mut ctx, &mut kept, owner);
                for object in kept.clone() {
                    let Obj::Made { class: of, .. } = *self.arena.get(object) else { continue };
                    let Some(of) = program.class_of(of) else { continue };
                    let name = program.class(of).map(|it| it.name);
                    let registered = name.filter(|it| self.is_registered(program.names.text(*it)));
                    if registered.is_some() {
                        self.gather(&mut ctx, &mut kept, owner);
                    }
                    let methods: Vec<MethodId> = self.callbacks_of(of).to_vec();
                    for method in methods {
                        self.maybe(method, object, &mut state, &mut ctx);
                    }
                    for &method in self.for_pages(of).iter() {
                        self.called_by_page(method, object, &mut state, &mut ctx);
                    }
                    if let Some(name) = registered {
                        self.gather(&mut ctx, &mut kept, name);
                    }
                }
                self.gather(&mut ctx, &mut kept, owner);
            }
            for name in &lifecycle.stop {
                self.step_of_life(class, name, this, &mut state, &mut ctx);
                self.gather(&mut ctx, &mut kept, owner);
            }
            state.join(&before, &mut self.arena);
        }
        self.publish_shared(&state);
    }

    /// What was left to the framework: objects that it keeps from now on, capabilities that were used.
    fn gather(&mut self, ctx: &mut Ctx, kept: &mut Vec<ObjId>, owner: Name) {
        for effect in std::mem::take(&mut ctx.effects).into_values() {
            match effect.deed {
                Deed::Keep => {
                    let set = effect.args.first().copied().unwrap_or_default();
                    self.keep(set, kept);
                }
                Deed::Reach { kind, what } => {
                    if self.models.is_decided(&kind) {
                        // What decided that the component was started decided about this.
                        let start = self.slot(Slot::Start(self.program.names.text(owner).into()));
                        self.note_sink(start, &kind, &what, effect.trail);
                    }
                    let found = Found { trail: effect.trail, what, through: Vec::new() };
                    let len = self.step(effect.trail).len;
                    let key = (owner, kind);
                    if self.reached.get(&key).is_none_or(|it| len < self.step(it.trail).len) {
                        self.reached.insert(key, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// Notes the interfaces of what a service hands out; what comes to the handler of a messenger comes to the service.
    fn note_doors(&mut self, owner: Name, binders: SetId, state: &State) {
        let handlers = state.heap.field(binders, self.words.handler, &mut self.arena);
        for &handler in self.arena.members(handlers).iter() {
            let Obj::Made { class, .. } = *self.arena.get(handler) else { continue };
            let [own, owner] = [class, owner].map(|it| self.program.names.text(it).to_owned());
            let messages = self.slot(Slot::Store(format!("messages {own}").into()));
            let intent = self.slot(Slot::Intent(owner.into()));
            self.publish(messages, intent);
        }
        for &binder in self.arena.members(binders).iter() {
            if let Some(interface) = self.interface_of(binder, state) {
                self.doors.insert((self.program.names.text(owner).to_owned(), interface.to_string()));
            }
        }
    }

    fn keep(&self, set: SetId, kept: &mut Vec<ObjId>) {
        for &obj in self.arena.members(set).iter() {
            if matches!(self.arena.get(obj), Obj::Made { .. }) && !kept.contains(&obj) && kept.len() < KEPT_MAX {
                kept.push(obj);
            }
        }
    }

    /// Whether code registers it as a receiver that others can reach.
    fn is_registered(&self, class: &str) -> bool {
        self.facts.components.iter().any(|it| it.kind == REGISTERED && it.class == class)
    }

    /// What can be called of an object that is offered under a name: what the framework hands on, and where the class that
    /// does so is not in the program, every public method.
    fn offered_by(&mut self, class: ClassId) -> Vec<MethodId> {
        let program = self.program;
        let called = self.callbacks_of(class).to_vec();
        let hands_on = program.superclasses(class).into_iter().filter_map(|it| program.class_of(it));
        if hands_on.into_iter().any(|it| !self.own_named(it, "onTransact").is_empty()) {
            return called;
        }
        let own = program.class(class).map(|it| it.methods.as_slice()).unwrap_or_default();
        let is_public = |id: &MethodId| {
            let flags = program.method(*id).filter(|it| it.code_off != 0).map_or(0, |it| it.access_flags);
            flags & access::PUBLIC != 0 && flags & (access::STATIC | access::CONSTRUCTOR) == 0
        };
        let mut methods: Vec<MethodId> = own.iter().copied().filter(is_public).chain(called).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    fn step_of_life(&mut self, class: ClassId, name: &str, this: ObjId, state: &mut State, ctx: &mut Ctx) -> SetId {
        let mut returned = SetId::EMPTY;
        for method in self.named(class, name) {
            let one = self.enter(method, this, state, ctx);
            returned = self.arena.union(returned, one);
        }
        returned
    }

    fn maybe(&mut self, method: MethodId, this: ObjId, state: &mut State, ctx: &mut Ctx) {
        let before = state.clone();
        let returned = self.enter(method, this, state, ctx);
        let program = self.program;
        let asked = program.method(method).and_then(|it| program.reference(it.reference));
        if asked.is_some_and(|it| ASKED.contains(&program.names.text(it.name)))
            && let Obj::Made { class, .. } = *self.arena.get(this)
        {
            self.give_back(program.names.text(class), returned, state);
        }
        state.join(&before, &mut self.arena);
    }

    /// Calls a method as a web page may: it decides every text.
    fn called_by_page(&mut self, id: MethodId, this: ObjId, state: &mut State, ctx: &mut Ctx) {
        let program = self.program;
        let Some(reference) = program.method(id).and_then(|it| program.reference(it.reference)) else { return };
        let what: Arc<str> = format!("what a web page passes to {}", program.names.text(reference.name)).into();
        let mut args = vec![self.arena.one(this)];
        for &ty in reference.params.iter() {
            args.push(if matches!(program.names.text(ty), "Ljava/lang/String;" | "[Ljava/lang/String;") {
                let source = Source { kind: "network-input".into(), method: id, pc: 0, what: what.clone() };
                let source = self.arena.source(source);
                self.arena.one(source)
            } else {
                self.arena.one(self.arena.unknown)
            });
        }
        let before = state.clone();
        self.call_in(id, &args, state, ctx);
        state.join(&before, &mut self.arena);
    }

    /// The methods of a class under a name, nearest first, one for each proto.
    fn named(&self, class: ClassId, name: &str) -> Vec<MethodId> {
        let program = self.program;
        let mut found: Vec<MethodId> = Vec::new();
        let mut protos: Vec<Name> = Vec::new();
        for ancestor in program.superclasses(class) {
            let Some(class) = program.class_of(ancestor).filter(|it| !self.is_library(*it)) else { continue };
            for id in self.own_named(class, name) {
                let Some(reference) = program.method(id).and_then(|it| program.reference(it.reference)) else {
                    continue;
                };
                if !protos.contains(&reference.proto) {
                    protos.push(reference.proto);
                    found.push(id);
                }
            }
        }
        found
    }

    fn own_named(&self, class: ClassId, name: &str) -> Vec<MethodId> {
        let program = self.program;
        let methods = program.class(class).map(|it| it.methods.as_slice()).unwrap_or_default();
        methods
            .iter()
            .copied()
            .filter(|id| {
                let method = program.method(*id);
                let reference = method.and_then(|it| program.reference(it.reference));
                method.is_some_and(|it| it.code_off != 0)
                    && reference.is_some_and(|it| program.names.text(it.name) == name)
            })
            .collect()
    }

    /// Calls a method as the framework does.
    fn enter(&mut self, id: MethodId, this: ObjId, state: &mut State, ctx: &mut Ctx) -> SetId {
        let program = self.program;
        let Some(method) = program.method(id) else { return SetId::EMPTY };
        let Some(reference) = program.reference(method.reference) else { return SetId::EMPTY };
        let names = &program.names;
        let mut args = Vec::new();
        if method.access_flags & access::STATIC == 0 {
            args.push(self.arena.one(this));
        }
        let class = program.class(method.class).map(|it| names.text(it.name).to_owned()).unwrap_or_default();
        let own = match self.arena.get(this) {
            Obj::Made { class, .. } => names.text(*class).to_owned(),
            _ => class.clone(),
        };
        let method_name = names.text(reference.name);
        let mut sources: Vec<(u8, Box<str>)> = Vec::new();
        for ancestor in self.ancestors(&class) {
            sources.extend(self.models.callback_sources(&ancestor, method_name).iter().cloned());
        }
        for (n, ty) in reference.params.iter().enumerate() {
            let text = names.text(*ty);
            let mut set = match text {
                "Landroid/content/Intent;" if method_name == "onActivityResult" => {
                    let slot = self.slot(Slot::Returned(own.as_str().into()));
                    self.arena.one(slot)
                }
                "Landroid/content/Intent;" => {
                    let slot = self.slot(Slot::Intent(own.as_str().into()));
                    let broadcast = self.slot(Slot::Intent("broadcast".into()));
                    let dynamic = method_name == "onReceive"
                        && !self.facts.components.iter().any(|it| it.class == own && it.kind != REGISTERED);
                    if dynamic {
                        self.publish(slot, broadcast);
                    }
                    self.arena.one(slot)
                }
                "Landroid/os/Message;" => {
                    // What comes through a messenger may come here; what this handler writes stays here.
                    let slot = self.slot(Slot::Store(format!("messages {own}").into()));
                    let shared = self.slot(Slot::Store("messages".into()));
                    self.publish(slot, shared);
                    self.arena.one(slot)
                }
                "Landroid/content/ComponentName;"
                | "Landroid/net/Uri;"
                | "Landroid/os/Bundle;"
                | "Ljava/lang/String;"
                | "[Ljava/lang/String;"
                | "[B"
                | "Ljava/util/List;"
                    if self.is_binder(&own) =>
                {
                    let slot = self.slot(Slot::Intent(own.as_str().into()));
                    self.arena.one(slot)
                }
                "Landroid/net/Uri;"
                | "Landroid/content/ContentValues;"
                | "[Landroid/content/ContentValues;"
                | "Landroid/os/Bundle;"
                | "Ljava/lang/String;"
                | "[Ljava/lang/String;"
                    if ASKED.contains(&method_name) && self.is_provider(&own) =>
                {
                    let slot = self.slot(Slot::Intent(own.as_str().into()));
                    self.arena.one(slot)
                }
                "Landroid/os/Bundle;" if method_name != "onReceive" => {
                    let slot = self.slot(Slot::Store(format!("saved {own}").into()));
                    self.arena.one(slot)
                }
                "Landroid/content/SharedPreferences;" => self.any_store(),
                "Landroid/os/Parcel;" if method_name == "onTransact" && n == 1 => {
                    let component = self.component.map(|it| names.text(it)).unwrap_or_default();
                    let slot = self.slot(Slot::Intent(component.into()));
                    self.arena.one(slot)
                }
                "Z" | "B" | "S" | "C" | "I" | "J" | "F" | "D" => self.arena.one(self.arena.unknown),
                _ => {
                    let site = self.arena.site(Site { method: id, pc: n as u32, inner: None, depth: 0 });
                    self.arena.just(Obj::Outside { site, class: *ty })
                }
            };
            for (_, kind) in sources.iter().filter(|it| usize::from(it.0) == n) {
                let what = format!("argument {n} of {class}->{method_name}").into();
                let source = self.arena.source(Source { kind: (&**kind).into(), method: id, pc: 0, what });
                set = self.arena.one(source);
            }
            args.push(set);
        }
        self.call_in(id, &args, state, ctx)
    }

    /// Runs a method with these arguments.
    fn call_in(&mut self, id: MethodId, args: &[SetId], state: &mut State, ctx: &mut Ctx) -> SetId {
        let summary = self.summary(id);
        ctx.seq += 1;
        ctx.pc = ctx.pc.wrapping_add(1);
        ctx.done.clear();
        self.apply(&summary, id, args, state, ctx)
    }

    fn is_provider(&self, class: &str) -> bool {
        self.facts.components.iter().any(|it| it.kind == "provider" && it.class == class)
    }

    fn is_binder(&self, class: &str) -> bool {
        self.facts.components.iter().any(|it| it.kind == BINDER && it.class == class)
    }

    /// Runs the class initialiser, once.
    pub fn initialise(&mut self, class: ClassId) {
        if !self.is_library(class) && self.initialised.insert(class) {
            for id in self.own_named(class, "<clinit>") {
                self.summary(id);
            }
        }
    }

    /// Runs the class initialiser, and brings what it does to objects that the method knows into its state: it may run
    /// here, or have run before.
    pub fn trigger(&mut self, class: ClassId, state: &mut State, ctx: &mut Ctx) {
        self.initialise(class);
        if self.is_library(class) {
            return;
        }
        for id in self.own_named(class, "<clinit>") {
            let summary = self.summary(id);
            if !summary.heap.is_empty() {
                let before = state.clone();
                self.apply(&summary, id, &[], state, ctx);
                state.join(&before, &mut self.arena);
            }
        }
    }
}

/// What an outsider does to a component, in words.
fn told(Component { kind, class, .. }: &Component) -> String {
    match *kind {
        REGISTERED => format!("broadcast to {class}, which code registers as a receiver"),
        BINDER => format!("call of {class}, which code offers under a name"),
        "provider" => format!("request to exported provider {class}"),
        kind => format!("intent to exported {kind} {class}"),
    }
}

/// Kinds of component that code makes, and no manifest declares.
const REGISTERED: &str = "registered";
const BINDER: &str = "binder";

/// How often the life of a component is gone through: what one round leaves, the next one finds.
const PASSES: usize = 2;

/// What others ask of a content provider: they decide all arguments.
const ASKED: &[&str] = &[
    "query",
    "insert",
    "bulkInsert",
    "update",
    "delete",
    "call",
    "openFile",
    "openAssetFile",
    "openTypedAssetFile",
    "getType",
];

/// Listeners of one component.
const KEPT_MAX: usize = 512;
