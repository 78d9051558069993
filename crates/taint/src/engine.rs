//! The analysis of one app: summaries on demand, from the entry points down.
//!
//! Invariant: everything is visited in the order of ids, so that the same app gives the same flows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use dalvik::{ClassId, MethodId, Name, Program, RefId};
use knowledge::models::{Models, Rule};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::evaluate::Constant;
use crate::summary::{Deed, Effect, Step, Summary, TrailId, Types};
use crate::value::{Arena, Key, Obj, ObjId, SetId, Slot, SourceId};

/// Checks by kind, with the method that each calls.
pub(crate) type Guards = Rc<[(Arc<str>, RefId)]>;

/// The state of an analysis.
pub(crate) struct Engine<'a> {
    pub program: &'a Program,
    pub models: &'a Models,
    pub arena: Arena,
    pub words: Words,
    summaries: FxHashMap<MethodId, Rc<Summary>>,
    special: FxHashMap<(MethodId, Types), Rc<Summary>>,
    n_special: FxHashMap<MethodId, u32>,
    /// How often a method was run, and what the last run said.
    runs: FxHashMap<MethodId, (u32, Rc<Summary>)>,
    /// Methods that are being analysed, outermost first.
    stack: Vec<MethodId>,
    /// The lowest place on the stack that what is being analysed depends on.
    low: usize,
    /// Summaries that rest on a method that is still being analysed.
    provisional: Vec<MethodId>,
    rules: FxHashMap<RefId, Option<Rc<[Rule]>>>,
    targets: FxHashMap<RefId, Rc<[MethodId]>>,
    pub handles: FxHashMap<Name, bool>,
    overridden: FxHashMap<ClassId, Rc<[MethodId]>>,
    trails: Vec<Step>,
    trail_ids: FxHashMap<Step, TrailId>,
    pub globals: Globals,
    pub found: BTreeMap<(SourceId, MethodId, u32, Arc<str>), Found>,
    pub initialised: FxHashSet<ClassId>,
    pub fuel: u64,
    full_until: u64,
    stop_at: u64,
    /// How often a method was not run since there was no work left for it.
    n_stops: u64,
    pub spent: u64,
    /// How deep calls lie in each other that the framework makes.
    pub nested: u32,
    /// Bounds that were reached: how often, and in which method first.
    pub limits: BTreeMap<&'static str, (u64, Option<MethodId>)>,
    /// Work that went into methods that were called, while a method is run.
    pub inner_work: u64,
    /// Constant texts by dex file and index.
    pub texts: FxHashMap<(u32, u32), SetId>,
    pub outsiders: FxHashMap<Name, Vec<ClassId>>,
    pub facts: &'a crate::App,
    pub analysed: FxHashSet<MethodId>,
    /// The component that is run.
    pub component: Option<Name>,
    /// Capabilities that components lead to, by component and kind; of several ways the shortest.
    pub reached: BTreeMap<(Name, Arc<str>), Found>,
    /// Checks that a method makes, itself or in what it calls.
    pub guards: FxHashMap<(MethodId, u8), Guards>,
    /// Classes whose code is taken for what the name of their library says.
    pub libraries: Vec<bool>,
    /// What methods give for constant arguments, where they could be run on them.
    pub evaluated: FxHashMap<(MethodId, Vec<Constant>), Option<Arc<str>>>,
    /// Texts that methods of a class are given by decoders.
    pub decoded: BTreeMap<ClassId, Vec<Arc<str>>>,
    /// Where intents are sent that leave the app; of several ways the shortest.
    pub sends: BTreeMap<Arc<str>, TrailId>,
    /// Methods of a class that web pages may call.
    for_pages: FxHashMap<ClassId, Rc<[MethodId]>>,
    /// Interfaces of the binders that services hand out: component and interface.
    pub doors: BTreeSet<(String, String)>,
    /// Tables of calls that are done, to be used again.
    pub known: Vec<crate::call::Known>,
    search: Search,
    /// Classes with what they extend and implement.
    chains: FxHashMap<Name, Rc<[String]>>,
    /// Whether values of a type have no parts.
    pub values: FxHashMap<Name, bool>,
}

/// A source that reaches a sink.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub trail: TrailId,
    pub what: Arc<str>,
    /// Shared places on the way, from the source on.
    pub through: Vec<ObjId>,
}

/// A source that lies in a shared place, and the places on the way from it.
pub(crate) type Held = (SourceId, Vec<ObjId>);

/// What is shared by the whole app, without order in time.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    /// What parts of static fields and slots hold.
    pub holds: BTreeMap<ObjId, Vec<ObjId>>,
    /// The same as pairs: most of what is published was published before.
    pairs: FxHashSet<(ObjId, ObjId)>,
    /// Classes of the objects that they hold.
    pub classes: FxHashMap<ObjId, Vec<ClassId>>,
    /// Sinks that such parts reach.
    pub sinks: BTreeMap<(ObjId, Arc<str>, MethodId, u32), Found>,
}

/// Shared places as a graph, which grows as it is searched once all is published.
#[derive(Debug, Default)]
struct Search {
    ids: FxHashMap<(ObjId, bool), u32>,
    nodes: Vec<Node>,
    /// Which search this is.
    round: u32,
}

#[derive(Debug)]
struct Node {
    place: (ObjId, bool),
    /// Where it leads to; none as long as nobody asked.
    next: Option<Rc<[u32]>>,
    /// In which search it was come to last, and from where.
    seen: (u32, u32),
}

impl Search {
    fn node(&mut self, place: (ObjId, bool)) -> u32 {
        let nodes = &mut self.nodes;
        *self.ids.entry(place).or_insert_with(|| {
            nodes.push(Node { place, next: None, seen: (0, 0) });
            nodes.len() as u32 - 1
        })
    }

    /// Comes to a node; tells whether that is new.
    fn enter(&mut self, node: u32, from: u32) -> bool {
        let node = &mut self.nodes[node as usize];
        let new = node.seen.0 != self.round;
        if new {
            node.seen = (self.round, from);
        }
        new
    }

    /// The places from a node back to where the search began.
    fn way_to(&self, node: u32) -> Vec<ObjId> {
        let mut way = Vec::new();
        let mut at = self.nodes[node as usize].seen.1;
        loop {
            way.push(self.nodes[at as usize].place.0);
            let before = self.nodes[at as usize].seen.1;
            if before == at {
                return way;
            }
            at = before;
        }
    }
}

/// Names that the engine itself uses.
pub(crate) struct Words {
    pub text: Name,
    pub target: Name,
    /// The handler of a message or messenger, as models name it.
    pub handler: Name,
    pub action: Name,
    pub intent: Name,
    pub stream: Name,
    pub data: Name,
    pub size: Name,
    pub object: Name,
    pub interface: Name,
    pub long: Name,
    pub double: Name,
}

impl Words {
    /// Brings every name that a model uses into the names of the program.
    pub fn of(names: &mut dalvik::Names, models: &Models) -> Words {
        for name in models.names() {
            names.intern(name);
        }
        let mut word = |text: &str| names.intern(text);
        Words {
            text: word("<text>"),
            target: word("<target>"),
            handler: word("target"),
            action: word("action"),
            intent: word("<intent>"),
            stream: word("<stream>"),
            data: word("<data>"),
            size: word("<size>"),
            object: word("Ljava/lang/Object;"),
            interface: word("<interface>"),
            long: word("J"),
            double: word("D"),
        }
    }
}

impl Words {
    /// Whether a value of the type takes two registers.
    pub fn is_wide(&self, ty: Name) -> bool {
        ty == self.long || ty == self.double
    }
}

impl<'a> Engine<'a> {
    pub fn new(program: &'a Program, models: &'a Models, words: Words, facts: &'a crate::App, fuel: u64) -> Engine<'a> {
        let mut outsiders: FxHashMap<Name, Vec<ClassId>> = FxHashMap::default();
        for n in 0..program.classes.len() {
            let id = ClassId(n as u32);
            let class = &program.classes[n];
            for parent in class.superclass.iter().chain(&class.interfaces) {
                if program.class_of(*parent).is_none() {
                    outsiders.entry(*parent).or_default().push(id);
                }
            }
        }
        Engine {
            program,
            models,
            arena: Arena::new(),
            words,
            summaries: FxHashMap::default(),
            special: FxHashMap::default(),
            n_special: FxHashMap::default(),
            runs: FxHashMap::default(),
            stack: Vec::new(),
            low: usize::MAX,
            provisional: Vec::new(),
            rules: FxHashMap::default(),
            targets: FxHashMap::default(),
            handles: FxHashMap::default(),
            overridden: FxHashMap::default(),
            trails: Vec::new(),
            trail_ids: FxHashMap::default(),
            globals: Globals::default(),
            found: BTreeMap::new(),
            initialised: FxHashSet::default(),
            fuel,
            full_until: fuel,
            stop_at: fuel,
            n_stops: 0,
            spent: 0,
            nested: 0,
            limits: BTreeMap::new(),
            inner_work: 0,
            texts: FxHashMap::default(),
            outsiders,
            facts,
            analysed: FxHashSet::default(),
            component: None,
            reached: BTreeMap::new(),
            guards: FxHashMap::default(),
            libraries: Vec::new(),
            evaluated: FxHashMap::default(),
            decoded: BTreeMap::new(),
            sends: BTreeMap::new(),
            for_pages: FxHashMap::default(),
            doors: BTreeSet::new(),
            known: Vec::new(),
            search: Search::default(),
            chains: FxHashMap::default(),
            values: FxHashMap::default(),
        }
    }

    /// Notes that a bound was reached in the method that is being run.
    pub fn limit(&mut self, what: &'static str) {
        let method = self.stack.last().copied();
        self.limits.entry(what).or_insert((0, method)).0 += 1;
    }

    /// Gives what is run next its part of the work that is left, so that one component cannot starve the others.
    pub fn give_share(&mut self) {
        let work = self.work();
        let share = self.fuel.saturating_sub(work) / SHARE;
        self.full_until = work + share;
        self.stop_at = work + 2 * share;
    }

    /// Whether half of the share is gone: from here on methods are run less exactly, so that more of them are.
    pub fn is_frugal(&self) -> bool {
        self.full_until <= self.work()
    }

    /// Whether everything that is tested is followed to what it decides.
    pub fn follows_all_control(&self) -> bool {
        self.facts.control == crate::Control::All
    }

    /// How much was done so far.
    pub fn work(&self) -> u64 {
        self.spent + self.arena.work
    }

    /// Finds the classes that need not be followed: a library's by their name, and nothing in them that is told.
    pub fn find_libraries(&mut self) {
        let program = self.program;
        let mut libraries = Vec::with_capacity(program.classes.len());
        for class in &program.classes {
            let name = program.names.text(class.name);
            // A phone loads its own class of that name, not the app's.
            if self.models.framework().is_everywhere(name) {
                libraries.push(true);
                continue;
            }
            let named = self.models.framework().has(name) || self.models.is_library(name);
            let quiet = named && class.methods.iter().all(|it| self.is_quiet(*it));
            libraries.push(quiet);
        }
        self.libraries = libraries;
    }

    /// Whether a method calls nothing that has an effect or gives something worth protecting, but for the log.
    pub fn is_quiet(&mut self, id: MethodId) -> bool {
        let program = self.program;
        let Some(method) = program.method(id) else { return true };
        let Some(code) = program.code(method) else { return method.access_flags & dalvik::access::NATIVE == 0 };
        for insn in dalvik::Insns::new(code.insns) {
            if !(dalvik::op::INVOKE_VIRTUAL..=dalvik::op::INVOKE_INTERFACE_RANGE).contains(&insn.op) {
                continue;
            }
            let Some(called) = program.method_ref(method.dex, insn.idx) else { continue };
            let own = program
                .reference(called)
                .and_then(|it| program.resolve(program.class_of(it.class)?, it.name, it.proto));
            if own.is_some() {
                continue;
            }
            let loud = self.rules_of(called).is_some_and(|it| {
                it.iter().any(|rule| match rule {
                    Rule::Source { .. } => true,
                    Rule::Sink { kind, .. } => {
                        !matches!(&**kind, "log" | "intent-send" | "result-out" | "stream-output")
                    }
                    Rule::Builtin(builtin) => matches!(builtin, knowledge::models::Builtin::Invoke),
                    _ => false,
                })
            });
            if loud {
                return false;
            }
        }
        true
    }

    pub fn is_library(&self, class: ClassId) -> bool {
        self.libraries.get(class.0 as usize).copied().unwrap_or(false)
    }

    /// What a method does; analysed now if it was not yet.
    pub fn summary(&mut self, id: MethodId) -> Rc<Summary> {
        if let Some(summary) = self.summaries.get(&id) {
            return summary.clone();
        }
        if let Some(place) = self.stack.iter().position(|it| *it == id) {
            self.low = self.low.min(place);
            return Rc::default();
        }
        // In circles within circles a method is not run without end.
        if let Some((n, last)) = self.runs.get(&id)
            && RUNS_MAX <= *n
        {
            let last = last.clone();
            self.summaries.insert(id, last.clone());
            return last;
        }
        if STACK_MAX <= self.stack.len() || self.stop_at <= self.work() {
            self.n_stops += 1;
            let what = if STACK_MAX <= self.stack.len() { "depth of calls" } else { OUT_OF_WORK };
            self.limit(what);
            return Rc::default();
        }
        let n_stops = self.n_stops;
        let place = self.stack.len();
        let outer_low = std::mem::replace(&mut self.low, usize::MAX);
        let n_provisional = self.provisional.len();
        self.stack.push(id);
        let mut summary = Rc::new(self.analyse(id, &Vec::new()));
        // It calls itself, directly or through others: what they found out about it was too little.
        for _ in 0..ROUNDS_MAX {
            if place < self.low || self.low == usize::MAX {
                break;
            }
            for inner in self.provisional.split_off(n_provisional) {
                self.summaries.remove(&inner);
            }
            self.stack.pop();
            self.summaries.insert(id, summary.clone());
            self.stack.push(id);
            self.low = usize::MAX;
            let again = Rc::new(self.analyse(id, &Vec::new()));
            let settled = again == summary;
            summary = again;
            if settled {
                break;
            }
            self.low = place;
        }
        self.stack.pop();
        if self.low < place {
            self.provisional.push(id);
        } else {
            self.provisional.truncate(n_provisional);
        }
        self.low = if self.low < place { outer_low.min(self.low) } else { outer_low };
        let runs = self.runs.get(&id).map_or(0, |it| it.0) + 1;
        self.runs.insert(id, (runs, summary.clone()));
        if n_stops == self.n_stops || self.stack.contains(&id) {
            self.summaries.insert(id, summary.clone());
        }
        summary
    }

    /// What a method does where the classes of some objects of its caller are known.
    pub fn special(&mut self, id: MethodId, types: Types) -> Option<Rc<Summary>> {
        if let Some(summary) = self.special.get(&(id, types.clone())) {
            return Some(summary.clone());
        }
        let spent = self.is_frugal();
        let n = self.n_special.entry(id).or_default();
        if SPECIAL_MAX <= *n || STACK_MAX <= self.stack.len() || spent || self.stack.contains(&id) {
            return None;
        }
        *n += 1;
        self.stack.push(id);
        let low = self.low;
        let summary = Rc::new(self.analyse(id, &types));
        self.low = low.min(self.low);
        self.stack.pop();
        self.special.insert((id, types), summary.clone());
        Some(summary)
    }

    /// Rules for a method that the program does not define: those of its class, or of the nearest superclass or
    /// interface that has some.
    pub fn rules_of(&mut self, id: RefId) -> Option<Rc<[Rule]>> {
        if let Some(rules) = self.rules.get(&id) {
            return rules.clone();
        }
        let reference = self.program.reference(id)?;
        let names = &self.program.names;
        let (name, proto) = (names.text(reference.name), names.text(reference.proto));
        let mut found = None;
        let ancestors = self.ancestors(names.text(reference.class));
        // A constructor is not inherited.
        let n_looked_at = if name == "<init>" { 1 } else { ancestors.len() };
        for class in ancestors.into_iter().take(n_looked_at) {
            if let Some(rules) = self.models.of(&class, name, proto) {
                found = Some(Rc::from(rules));
                break;
            }
        }
        self.rules.insert(id, found.clone());
        found
    }

    /// A class, then its superclasses and interfaces, in the program and in the framework, nearest first.
    pub fn ancestors(&self, class: &str) -> Vec<String> {
        let mut found: Vec<String> = vec![class.to_owned()];
        let mut next = 0;
        while next < found.len() && found.len() < ANCESTORS_MAX {
            let class = found[next].clone();
            next += 1;
            let own = self.program.names.find(&class).and_then(|it| self.program.class_of(it));
            let mut parents: Vec<String> = Vec::new();
            if let Some(class) = own.and_then(|it| self.program.class(it)) {
                let text = |it: &Name| self.program.names.text(*it).to_owned();
                parents.extend(class.superclass.iter().map(text));
                parents.extend(class.interfaces.iter().map(text));
            } else {
                let framework = self.models.framework();
                parents.extend(framework.super_of(&class).map(str::to_owned));
                parents.extend(framework.interfaces_of(&class).map(str::to_owned));
                parents.extend(self.facts.platform.parents_of(&class).map(str::to_owned));
            }
            for parent in parents {
                if !found.contains(&parent) {
                    found.push(parent);
                }
            }
        }
        found
    }

    /// The same, asked more than once.
    pub fn chain(&mut self, class: Name) -> Rc<[String]> {
        if let Some(chain) = self.chains.get(&class) {
            return chain.clone();
        }
        let chain: Rc<[String]> = self.ancestors(self.program.names.text(class)).into();
        self.chains.insert(class, chain.clone());
        chain
    }

    /// The method of the program that a call on exactly this class runs, unless it is a library's.
    pub fn resolve(&self, class: ClassId, name: Name, proto: Name) -> Option<MethodId> {
        let id = self.program.resolve(class, name, proto)?;
        let library = self.program.method(id).is_some_and(|it| self.is_library(it.class));
        (!library).then_some(id)
    }

    /// The methods that a call may run where the class of the receiver is not known.
    pub fn targets_of(&mut self, id: RefId) -> Rc<[MethodId]> {
        if let Some(targets) = self.targets.get(&id) {
            return targets.clone();
        }
        let mut targets = Vec::new();
        if let Some(reference) = self.program.reference(id) {
            let (roots, limit) = match self.program.class_of(reference.class) {
                Some(class) => (vec![class], OVERRIDES_MAX),
                None => (self.outsiders.get(&reference.class).cloned().unwrap_or_default(), OUTSIDERS_MAX),
            };
            let mut classes = Vec::new();
            for root in roots {
                classes.extend(self.program.subclasses(root, SUBCLASSES_MAX).0);
            }
            classes.sort_unstable();
            classes.dedup();
            for class in classes {
                targets.extend(self.resolve(class, reference.name, reference.proto));
            }
            targets.sort_unstable();
            targets.dedup();
            if limit < targets.len() {
                self.limit("overrides of a method");
                targets.clear();
            }
        }
        let targets: Rc<[MethodId]> = targets.into();
        self.targets.insert(id, targets.clone());
        targets
    }

    /// Methods of a class and its superclasses in the program that code outside may call, since they override one of
    /// its own.
    pub fn callbacks_of(&mut self, class: ClassId) -> Rc<[MethodId]> {
        if let Some(found) = self.overridden.get(&class) {
            return found.clone();
        }
        let program = self.program;
        let mut found = Vec::new();
        let mut seen: FxHashSet<(Name, Name)> = FxHashSet::default();
        let name = program.class(class).map(|it| program.names.text(it.name).to_owned()).unwrap_or_default();
        let mut open: FxHashSet<(String, String)> = FxHashSet::default();
        for ancestor in self.ancestors(&name) {
            if program.names.find(&ancestor).and_then(|it| program.class_of(it)).is_none() {
                let owned = |it: (&str, &str)| (it.0.to_owned(), it.1.to_owned());
                open.extend(self.models.framework().overridable(&ancestor).map(owned));
                open.extend(self.facts.platform.overridable(&ancestor).map(owned));
            }
            // A library calls what it leaves open as the framework does.
            let library = program.names.find(&ancestor).and_then(|it| program.class_of(it));
            let library = library.filter(|it| self.is_library(*it)).and_then(|it| program.class(it));
            for &method in library.map(|it| it.methods.as_slice()).unwrap_or_default() {
                let Some(method) = program.method(method) else { continue };
                let Some(reference) = program.reference(method.reference) else { continue };
                let name = program.names.text(reference.name);
                let is_open = method.access_flags & dalvik::access::ABSTRACT != 0 || name.starts_with("on");
                if is_open && method.access_flags & (dalvik::access::STATIC | dalvik::access::FINAL) == 0 {
                    open.insert((name.to_owned(), program.names.text(reference.proto).to_owned()));
                }
            }
        }
        for ancestor in program.superclasses(class) {
            let Some(own) = program.class_of(ancestor).filter(|it| !self.is_library(*it)) else { continue };
            let Some(own) = program.class(own) else { continue };
            for &method in &own.methods {
                let Some(reference) = program.method(method).and_then(|it| program.reference(it.reference)) else {
                    continue;
                };
                let text = |it: Name| program.names.text(it).to_owned();
                let is_open = open.contains(&(text(reference.name), text(reference.proto)));
                if is_open && seen.insert((reference.name, reference.proto)) {
                    found.push(method);
                }
            }
        }
        found.sort_unstable();
        let found: Rc<[MethodId]> = found.into();
        self.overridden.insert(class, found.clone());
        found
    }

    /// Methods of a class and its superclasses in the program that are marked for web pages.
    pub fn for_pages(&mut self, class: ClassId) -> Rc<[MethodId]> {
        if let Some(found) = self.for_pages.get(&class) {
            return found.clone();
        }
        let program = self.program;
        let classes = program.superclasses(class).into_iter().filter_map(|it| program.class_of(it));
        let found: Rc<[MethodId]> = classes.flat_map(|it| program.annotated(it, FOR_PAGES)).collect();
        self.for_pages.insert(class, found.clone());
        found
    }

    pub fn trail(&mut self, method: MethodId, pc: u32, next: Option<TrailId>) -> TrailId {
        let len = next.map_or(1, |it| self.step(it).len.saturating_add(1));
        let step = Step { method, pc, next, len };
        if let Some(&id) = self.trail_ids.get(&step) {
            return id;
        }
        let id = TrailId(self.trails.len() as u32);
        self.trails.push(step);
        self.trail_ids.insert(step, id);
        id
    }

    pub fn step(&self, id: TrailId) -> Step {
        self.trails[id.0 as usize]
    }

    /// Notes that a part of a shared object reaches a sink; of several ways the shortest is kept.
    pub fn note_sink(&mut self, place: ObjId, kind: &Arc<str>, what: &Arc<str>, trail: TrailId) {
        let (method, pc) = self.end_of(trail);
        let key = (place, kind.clone(), method, pc);
        let shorter = self.globals.sinks.get(&key).is_none_or(|it| self.step(trail).len < self.step(it.trail).len);
        if shorter {
            self.globals.sinks.insert(key, Found { trail, what: what.clone(), through: Vec::new() });
        }
    }

    /// Where a way ends.
    fn end_of(&self, trail: TrailId) -> (MethodId, u32) {
        let mut last = self.step(trail);
        while let Some(next) = last.next {
            last = self.step(next);
        }
        (last.method, last.pc)
    }

    /// Notes that a source reaches a sink; of several ways the shortest is kept.
    pub fn report(&mut self, source: SourceId, kind: &Arc<str>, what: &Arc<str>, trail: TrailId, through: Vec<ObjId>) {
        let (method, pc) = self.end_of(trail);
        let len = usize::from(self.step(trail).len) + through.len();
        let key = (source, method, pc, kind.clone());
        let found = Found { trail, what: what.clone(), through };
        match self.found.get(&key) {
            Some(old) if usize::from(self.step(old.trail).len) + old.through.len() <= len => {}
            _ => {
                self.found.insert(key, found);
            }
        }
    }

    /// Notes what a part of a shared object holds.
    pub fn publish(&mut self, place: ObjId, value: ObjId) {
        if place == value || !self.globals.pairs.insert((place, value)) {
            return;
        }
        let holds = self.globals.holds.entry(place).or_default();
        if holds.len() < HOLDS_MAX {
            holds.push(value);
        } else {
            self.limit("values of a shared place");
        }
    }

    /// All sources that lie in a shared object, in what it shares, and in their parts.
    pub fn settle(&mut self) {
        self.search = Search::default();
        let sinks = std::mem::take(&mut self.globals.sinks);
        let children = self.children();
        let mut last: Option<(ObjId, Vec<Held>)> = None;
        for ((place, kind, _, _), Found { trail, what, .. }) in sinks {
            let sources = match last.take() {
                Some((of, sources)) if of == place => sources,
                _ => self.sources_in(place, &children),
            };
            for (source, through) in &sources {
                self.report(*source, &kind, &what, trail, through.clone());
            }
            last = Some((place, sources));
        }
    }

    /// The parts of shared places that hold something, by what they are part of.
    pub fn children(&self) -> FxHashMap<ObjId, Vec<ObjId>> {
        let mut children: FxHashMap<ObjId, Vec<ObjId>> = FxHashMap::default();
        let mut linked: FxHashSet<ObjId> = FxHashSet::default();
        for &place in self.globals.holds.keys() {
            let mut at = place;
            while let Obj::Part(base, _) = self.arena.get(at) {
                if !linked.insert(at) {
                    break;
                }
                children.entry(*base).or_default().push(at);
                at = *base;
            }
        }
        children
    }

    /// The sources that lie in a shared place, each with the places on the way from it.
    pub fn sources_in(&mut self, place: ObjId, children: &FxHashMap<ObjId, Vec<ObjId>>) -> Vec<Held> {
        let mut search = std::mem::take(&mut self.search);
        let start = search.node((place, false));
        search.round += 1;
        search.enter(start, start);
        let mut waiting = VecDeque::from([start]);
        let mut n_seen = 1;
        let mut sources = Vec::new();
        while let Some(here) = waiting.pop_front() {
            let (at, _) = search.nodes[here as usize].place;
            if let Obj::Source(id) = self.arena.get(at) {
                sources.push((*id, search.way_to(here)));
                continue;
            }
            let next = match &search.nodes[here as usize].next {
                Some(next) => next.clone(),
                None => {
                    let next = self.next_places(search.nodes[here as usize].place, children);
                    let next: Rc<[u32]> = next.into_iter().map(|it| search.node(it)).collect();
                    search.nodes[here as usize].next = Some(next.clone());
                    next
                }
            };
            for &next in next.iter() {
                if SHARED_MAX <= n_seen {
                    break;
                }
                if search.enter(next, here) {
                    n_seen += 1;
                    waiting.push_back(next);
                }
            }
        }
        if SHARED_MAX <= n_seen {
            self.limit("shared places that are searched");
        }
        self.search = search;
        sources.sort_unstable();
        sources
    }

    /// What a place may hold, as places; of those with the mark only what was written under an unknown key is meant.
    fn next_places(
        &mut self,
        (at, only_any): (ObjId, bool),
        children: &FxHashMap<ObjId, Vec<ObjId>>,
    ) -> Vec<(ObjId, bool)> {
        if let Obj::Compared { of, .. } | Obj::Reckoned(of) = *self.arena.get(at) {
            return vec![(of, false)];
        }
        // What lies in it as element or content.
        let lies_in = |it: &&ObjId| matches!(self.arena.get(**it), Obj::Part(_, key) if !matches!(key, Key::Field(_)));
        let mut next: Vec<(ObjId, bool)> =
            children.get(&at).into_iter().flatten().filter(lies_in).map(|it| (*it, false)).collect();
        next.extend(self.globals.holds.get(&at).into_iter().flatten().map(|it| (*it, false)));
        // What a whole holds, its part may hold: the part of whatever the whole is.
        let Obj::Part(base, key) = *self.arena.get(at) else { return next };
        for whole in self.wholes_of(base, children) {
            if matches!(self.arena.get(whole), Obj::Source(_)) {
                next.push((whole, false));
            } else if self.arena.is_symbolic(whole) {
                next.push((self.arena.part(whole, key), only_any));
            }
        }
        match key {
            Key::Index(_) | Key::Text(_) => next.push((self.arena.part(base, Key::Any), true)),
            Key::Any if !only_any => next.extend(self.keyed(base, children).map(|it| (it, false))),
            _ => {}
        }
        if key != Key::Content {
            next.push((self.arena.part(base, Key::Content), false));
        }
        next
    }

    /// What a place may be besides itself: what it holds, and the same part of what its own whole may be.
    fn wholes_of(&mut self, base: ObjId, children: &FxHashMap<ObjId, Vec<ObjId>>) -> Vec<ObjId> {
        let mut wholes: Vec<ObjId> = self.globals.holds.get(&base).cloned().unwrap_or_default();
        let Obj::Part(upper, key) = *self.arena.get(base) else { return wholes };
        match key {
            Key::Index(_) | Key::Text(_) => wholes.push(self.arena.part(upper, Key::Any)),
            Key::Any => wholes.extend(self.keyed(upper, children)),
            _ => {}
        }
        for whole in self.globals.holds.get(&upper).cloned().unwrap_or_default() {
            if self.arena.is_symbolic(whole) {
                wholes.push(self.arena.part(whole, key));
            }
        }
        // Of what comes from a source as a whole, every part does, however deep.
        let mut above = Some(upper);
        while let Some(at) = above {
            let held = self.globals.holds.get(&at).into_iter().flatten();
            wholes.extend(held.filter(|it| matches!(self.arena.get(**it), Obj::Source(_))));
            above = match *self.arena.get(at) {
                Obj::Part(base, _) => Some(base),
                _ => None,
            };
        }
        wholes
    }

    /// The parts of a place under a known index or key.
    fn keyed<'c>(
        &'c self,
        base: ObjId,
        children: &'c FxHashMap<ObjId, Vec<ObjId>>,
    ) -> impl Iterator<Item = ObjId> + 'c {
        let of_base = children.get(&base).into_iter().flatten().copied();
        of_base.filter(|it| matches!(self.arena.get(*it), Obj::Part(_, Key::Index(_) | Key::Text(_))))
    }

    /// A shared place in words: what it belongs to and the way to it.
    pub fn place_name(&self, place: ObjId) -> String {
        let text = |name: Name| self.program.names.text(name);
        match self.arena.get(place) {
            Obj::Static(class) => format!("static {}", text(*class)),
            Obj::Slot(Slot::Intent(to)) => format!("intent to {to}"),
            Obj::Slot(Slot::Sent(to)) => match to.split_once(' ') {
                Some(("binder", interface)) => format!("what is passed to {interface} of another process"),
                Some(("answer", address)) => format!("what {address} answers"),
                _ => format!("intent that leaves, to {to}"),
            },
            Obj::Slot(Slot::Start(of)) => format!("what starts {of}"),
            Obj::Slot(Slot::Result(of)) => format!("result of {of}"),
            Obj::Slot(Slot::Returned(to)) => format!("result for {to}"),
            Obj::Slot(Slot::Store(name)) => name.to_string(),
            Obj::Slot(Slot::Shared(class)) => format!("the {}", text(*class)),
            Obj::Part(base, key) => {
                let whole = self.place_name(*base);
                match key {
                    Key::Field(name) => format!("{whole}.{}", text(*name)),
                    Key::Index(n) => format!("{whole}[{n}]"),
                    Key::Text(name) => match self.arena.get(*name) {
                        Obj::Text(name) => format!("{whole}[\"{name}\"]"),
                        _ => format!("{whole}[…]"),
                    },
                    Key::Any => format!("{whole}[…]"),
                    Key::Content => whole,
                }
            }
            _ => String::new(),
        }
    }

    pub fn slot(&mut self, slot: Slot) -> ObjId {
        self.arena.obj(Obj::Slot(slot))
    }

    /// Whether an effect depends on the caller.
    pub fn is_open(&self, effect: &Effect) -> bool {
        effect.args.iter().any(|set| self.arena.members(*set).iter().any(|it| self.arena.is_of_caller(*it)))
            || matches!(effect.deed, Deed::Keep | Deed::Reach { .. })
    }
}

/// What marks a method for web pages.
const FOR_PAGES: &str = "Landroid/webkit/JavascriptInterface;";

/// The bound that leaves methods out altogether.
pub const OUT_OF_WORK: &str = "steps of an app";

/// A component may use twice so much of the work that is left: one part at full exactness, one frugally.
const SHARE: u64 = 5;

/// For how many callers a method is run anew.
const SPECIAL_MAX: u32 = 6;

/// How often a method is run as part of circles.
const RUNS_MAX: u32 = 3;

/// Longer chains of calls are rare, and each takes stack.
const STACK_MAX: usize = 160;

/// How often a circle of methods is gone through until it settles.
const ROUNDS_MAX: usize = 3;

/// More classes above one than any real class has.
const ANCESTORS_MAX: usize = 256;

/// Methods of the program that one call may mean, where the class of the receiver is unknown.
const OVERRIDES_MAX: usize = 24;

/// The same for a method that the framework names, as `run`.
const OUTSIDERS_MAX: usize = 8;

/// Classes below one that are looked at.
const SUBCLASSES_MAX: usize = 512;

/// Different things that one shared place may hold.
const HOLDS_MAX: usize = 256;

/// Places that are searched for one sink.
const SHARED_MAX: usize = 512;
