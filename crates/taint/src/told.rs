//! What an analysis tells: flows, capabilities that components lead to, and how much was looked at.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use dalvik::insn::Insns;
use dalvik::{MethodId, RefId, op};
use knowledge::models::{By, Rule};
use serde::{Deserialize, Serialize};

use crate::across::{Entry, Sent};
use crate::builtin::ANSWER;
use crate::engine::{Engine, Guards};
use crate::summary::TrailId;
use crate::value::{Obj, ObjId, Slot, Source};

/// What was found in an app.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Analysis {
    /// In order of source and sink.
    pub flows: Vec<Flow>,
    /// Capabilities that components lead to, whatever they are told; in order of component and kind.
    pub reaches: Vec<Reach>,
    /// Values that leave to other apps.
    pub sent: Vec<Sent>,
    /// Ways from what the provider of another app answers: flows where that app is there and gives something worth telling.
    pub arrivals: Vec<Flow>,
    /// Interfaces of the binders that services hand out: descriptor of the service's class, name of the interface.
    pub doors: Vec<(String, String)>,
    /// How many methods with code there are.
    pub n_methods: u64,
    /// How many were run.
    pub n_analysed: u64,
    /// How many of the others call nothing that matters: no source, no sink, nothing by reflection, no native code.
    pub n_quiet: u64,
    /// Steps of work.
    pub spent: u64,
    /// Bounds that were reached.
    pub limits: Vec<Limit>,
}

/// A value that travels from a source to a sink.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    /// The rule that tells of it.
    pub rule: String,
    /// Kind of the source.
    pub source: String,
    /// Kind of the sink.
    pub sink: String,
    /// From the source, through the methods that pass it on, to the sink.
    pub steps: Vec<FlowStep>,
    /// Checks in the methods on the way.
    pub checks: Vec<Check>,
    /// Addresses of servers that the classes on the way name.
    pub hosts: Vec<String>,
    /// Whether the way lies wholly in code that apps carry along and did not write.
    pub bundled: bool,
    /// Whether the value lies in places that code far apart shares, so that the order in time is not shown. An intent is
    /// none: it is handed over.
    pub indirect: bool,
    /// Whether those places are stores with a name (preferences, messages), and none of them a static field or an object
    /// that the whole app shares, where what does not belong together is hard to keep apart.
    pub stored: bool,
    /// The constant that the value is compared with, where it is the outcome that decides and not the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// For what comes into the app by a component: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// The package of the app that the sink is in, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// A capability that a component leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reach {
    /// Descriptor of the component's class.
    pub component: String,
    /// Kind of the sink.
    pub sink: String,
    /// From the method that the framework calls to the sink.
    pub steps: Vec<FlowStep>,
    /// Checks in the methods on the way.
    pub checks: Vec<Check>,
    /// Whether the sink lies in code that apps carry along and did not write.
    pub bundled: bool,
}

/// A check in a method on the way. That it guards what follows is not shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Check {
    /// Kind of the check.
    pub kind: String,
    /// What is called.
    pub what: String,
    /// The method on the way that calls it, or calls what does.
    pub method: String,
}

/// A place on the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowStep {
    /// Descriptor of the class; empty where the value lies in a place that code shares.
    pub class: String,
    /// Name and proto of the method.
    pub method: String,
    /// Code unit in the method.
    pub offset: u32,
    /// What happens there.
    pub what: String,
    /// Number of the dex file, and where in it the instruction stands, in bytes.
    pub at: Option<(u32, u64)>,
    /// The number of the app, where it is another one than that of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<u32>,
}

/// A bound that was reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limit {
    /// What there was too much of.
    pub what: String,
    /// How often.
    pub n: u64,
    /// The first method where it was.
    pub method: Option<String>,
}

impl Engine<'_> {
    /// Everything that was found, in words.
    pub fn told(&mut self) -> Analysis {
        let mut flows = self.flows();
        flows.sort();
        flows.dedup();
        let (arrivals, flows) = flows.into_iter().partition(|it| it.source == ANSWER);
        let program = self.program;
        let n_methods = program.methods.iter().filter(|it| it.code_off != 0).count() as u64;
        let mut n_quiet = 0;
        for n in 0..program.methods.len() {
            let id = MethodId(n as u32);
            let has_code = program.method(id).is_some_and(|it| it.code_off != 0);
            if has_code && !self.analysed.contains(&id) && self.is_quiet(id) {
                n_quiet += 1;
            }
        }
        let title = |it: MethodId| program.method(it).map(|it| program.title(it.reference));
        let limits = self.limits.iter().map(|(what, (n, method))| Limit {
            what: (*what).to_owned(),
            n: *n,
            method: method.and_then(title),
        });
        Analysis {
            limits: limits.collect(),
            reaches: self.reaches(),
            sent: self.sent(),
            arrivals,
            doors: self.doors.iter().cloned().collect(),
            flows,
            n_methods,
            n_analysed: self.analysed.len() as u64,
            n_quiet,
            spent: self.work(),
        }
    }

    fn flows(&mut self) -> Vec<Flow> {
        let mut flows = Vec::new();
        for ((source, _, _, kind), found) in self.found.clone() {
            let origin = self.arena.source_of(source).clone();
            let compared = found.through.iter().find(|it| self.arena.is_compared(**it)).copied();
            let by = if compared.is_some() { By::Comparison } else { By::Value };
            let rule = self.models.rule(by, &origin.kind, &kind);
            let rule = rule
                .or_else(|| self.models.rule(By::Value, &origin.kind, &kind).filter(|_| self.follows_all_control()));
            // What another app answers is a source by what it answers with.
            let answered =
                (&*origin.kind == ANSWER && compared.is_none()).then(|| self.models.any_rule_to(&kind)).flatten();
            let Some(rule) = rule.or(answered) else { continue };
            let number = found.through.iter().any(|it| matches!(self.arena.get(*it), Obj::Reckoned(_)));
            if number && rule.text.iter().any(|it| **it == *kind) {
                continue;
            }
            let secret = compared.and_then(|it| self.constant_of(it));
            // A time is compared with a number, all else with text.
            if secret.as_deref().is_some_and(|it| it.starts_with('"') == (&*origin.kind == crate::interpret::TIME)) {
                continue;
            }
            if compared.is_some()
                && !self.follows_all_control()
                && !secret.as_deref().is_some_and(|it| self.is_secret(it))
            {
                continue;
            }
            let (mut steps, mut methods) = self.begin(&origin, &found.through);
            self.follow_trail(found.trail, &found.what, &mut steps, &mut methods);
            flows.push(Flow {
                rule: rule.id.clone(),
                source: origin.kind.to_string(),
                sink: kind.to_string(),
                checks: self.checks_in(&methods),
                hosts: self.hosts_in(&methods),
                bundled: self.is_bundled(&methods),
                indirect: found.through.iter().any(|it| self.is_shared_place(*it)),
                stored: found.through.iter().all(|it| !self.is_shared_place(*it) || self.is_store(*it)),
                secret,
                entry: self.entry_of(&origin, &found.through),
                into: None,
                steps,
            });
        }
        flows
    }

    /// The first steps of a way: the source, and the places that the value lies in.
    pub fn begin(&self, origin: &Source, through: &[ObjId]) -> (Vec<FlowStep>, Vec<MethodId>) {
        let mut steps = vec![self.flow_step(origin.method, origin.pc, &origin.what)];
        let mut before = String::new();
        for &place in through {
            if let Obj::Compared { site, .. } = *self.arena.get(place) {
                let at = self.arena.site_of(site);
                let what = match self.constant_of(place) {
                    Some(secret) => format!("is compared with {secret}, which decides about what follows"),
                    None => "is tested, which decides about what follows".to_owned(),
                };
                steps.push(self.flow_step(at.method, at.pc, &what));
                continue;
            }
            if let Obj::Reckoned(_) = self.arena.get(place) {
                continue;
            }
            let what = format!("lies in {}", self.place_name(place));
            if what != before {
                steps.push(self.flow_step(MethodId(u32::MAX), 0, &what));
            }
            before = what;
        }
        (steps, vec![origin.method])
    }

    /// The constant of a comparison, as code would write it.
    fn constant_of(&self, compared: ObjId) -> Option<String> {
        let Obj::Compared { with, .. } = self.arena.get(compared) else { return None };
        match self.arena.get(*with) {
            Obj::Text(text) => Some(format!("\"{}\"", text.chars().take(SECRET_LEN).collect::<String>())),
            Obj::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether a place is a store with a name: preferences, a file, a message.
    pub fn is_store(&self, place: ObjId) -> bool {
        match self.arena.get(place) {
            Obj::Part(base, _) => self.is_store(*base),
            it => matches!(it, Obj::Slot(Slot::Store(_))),
        }
    }

    /// Whether a place is written and read without an order that the code shows.
    pub fn is_shared_place(&self, place: ObjId) -> bool {
        match self.arena.get(place) {
            Obj::Part(base, _) => self.is_shared_place(*base),
            Obj::Slot(Slot::Intent(_) | Slot::Start(_) | Slot::Sent(_))
            | Obj::Compared { .. }
            | Obj::Reckoned(_)
            | Obj::Source(_) => false,
            _ => true,
        }
    }

    /// Whether a constant is more than the name of something that a manifest declares, or that Android sends.
    fn is_secret(&self, constant: &str) -> bool {
        let text = constant.trim_matches('"');
        let mut actions = self.facts.components.iter().flat_map(|it| &it.actions);
        !text.contains(".intent.action.") && !text.starts_with("android.") && actions.all(|it| it != text)
    }

    fn reaches(&mut self) -> Vec<Reach> {
        let mut reaches = Vec::new();
        for ((component, kind), found) in self.reached.clone() {
            if !self.models.is_capability(&kind) {
                continue;
            }
            let (mut steps, mut methods) = (Vec::new(), Vec::new());
            self.follow_trail(found.trail, &found.what, &mut steps, &mut methods);
            let last = methods.last().copied().into_iter().collect::<Vec<_>>();
            reaches.push(Reach {
                component: self.program.names.text(component).to_owned(),
                sink: kind.to_string(),
                checks: self.checks_in(&methods),
                bundled: self.is_bundled(&last),
                steps,
            });
        }
        reaches.sort();
        reaches
    }

    pub fn follow_trail(&self, trail: TrailId, what: &str, steps: &mut Vec<FlowStep>, methods: &mut Vec<MethodId>) {
        let mut at = Some(trail);
        while let Some(step) = at.map(|it| self.step(it)) {
            steps.push(self.flow_step(step.method, step.pc, if step.next.is_some() { "passes it on" } else { what }));
            methods.push(step.method);
            at = step.next;
        }
    }

    fn flow_step(&self, id: MethodId, offset: u32, what: &str) -> FlowStep {
        let program = self.program;
        let method = program.method(id);
        let (class, name) = match method.and_then(|it| program.reference(it.reference)) {
            Some(it) => {
                let text = |name| program.names.text(name);
                (text(it.class).to_owned(), format!("{}{}", text(it.name), text(it.proto)))
            }
            None => (String::new(), String::new()),
        };
        let at = method.and_then(|it| {
            let code = program.code(it)?;
            Some((it.dex, code.insns_off as u64 + 2 * u64::from(offset)))
        });
        FlowStep { class, method: name, offset, what: what.to_owned(), at, app: None }
    }

    fn is_bundled(&self, methods: &[MethodId]) -> bool {
        let program = self.program;
        !methods.is_empty()
            && methods.iter().all(|it| {
                let class = program.method(*it).and_then(|it| program.class(it.class));
                class.is_some_and(|it| self.models.is_bundled(program.names.text(it.name)))
            })
    }

    pub fn checks_in(&mut self, methods: &[MethodId]) -> Vec<Check> {
        let mut checks = BTreeSet::new();
        for &id in methods {
            let method = self.program.method(id).map(|it| self.program.title(it.reference)).unwrap_or_default();
            for (kind, what) in self.guards_of(id, CHECK_DEPTH).iter() {
                let (kind, what) = (kind.to_string(), self.program.title(*what));
                checks.insert(Check { kind, what, method: method.clone() });
            }
        }
        checks.into_iter().take(CHECKS_MAX).collect()
    }

    /// The checks that a method makes, itself or in methods that it calls, down to some depth.
    fn guards_of(&mut self, id: MethodId, depth: u8) -> Guards {
        if let Some(known) = self.guards.get(&(id, depth)) {
            return known.clone();
        }
        // A method that calls itself has nothing to add.
        self.guards.insert((id, depth), Rc::from([]));
        let program = self.program;
        let mut found: Vec<(Arc<str>, RefId)> = Vec::new();
        let code = program.method(id).and_then(|it| Some((it.dex, program.code(it)?)));
        for insn in code.iter().flat_map(|it| Insns::new(it.1.insns)) {
            let Some((dex, _)) = code else { break };
            if !(op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE_RANGE).contains(&insn.op) || GUARDS_MAX <= found.len() {
                continue;
            }
            let Some(called) = program.method_ref(dex, insn.idx) else { continue };
            let Some(reference) = program.reference(called) else { continue };
            // What a class of the program inherits from the framework is named by the class of the program.
            let own = program.class_of(reference.class);
            if let Some(target) = own.and_then(|it| program.resolve(it, reference.name, reference.proto)) {
                if 0 < depth {
                    found.extend(self.guards_of(target, depth - 1).iter().cloned());
                }
                continue;
            }
            for rule in self.rules_of(called).iter().flat_map(|it| it.iter()) {
                if let Rule::Guard { kind } = rule {
                    found.push((Arc::from(&**kind), called));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        let found: Guards = found.into();
        self.guards.insert((id, depth), found.clone());
        found
    }

    /// Addresses that the classes of these methods name in constant strings.
    pub fn hosts_in(&self, methods: &[MethodId]) -> Vec<String> {
        let program = self.program;
        let (mut hosts, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let classes: BTreeSet<_> = methods.iter().filter_map(|it| program.method(*it)).map(|it| it.class).collect();
        let hidden = classes.iter().flat_map(|it| self.decoded.get(it).into_iter().flatten());
        hosts.extend(hidden.filter(|it| is_address(it)).map(|it| it.chars().take(HOST_LEN).collect::<String>()));
        for class in classes.into_iter().filter_map(|it| program.class(it)) {
            for method in class.methods.iter().filter_map(|it| program.method(*it)) {
                let Some(code) = program.code(method) else { continue };
                for insn in Insns::new(code.insns) {
                    let is_text = matches!(insn.op, op::CONST_STRING | op::CONST_STRING_JUMBO);
                    if is_text && hosts.len() < HOSTS_MAX && seen.insert((method.dex, insn.idx)) {
                        let text = program.text(method.dex, insn.idx).unwrap_or_default();
                        if is_address(&text) {
                            hosts.insert(text.chars().take(HOST_LEN).collect());
                        }
                    }
                }
            }
        }
        hosts.into_iter().collect()
    }
}

fn is_address(text: &str) -> bool {
    ["http://", "https://", "ws://", "wss://", "ftp://"]
        .iter()
        .any(|it| text.strip_prefix(it).is_some_and(|rest| rest.starts_with(|it: char| it.is_alphanumeric())))
}

/// How many calls deep a check may lie below a method on the way.
const CHECK_DEPTH: u8 = 2;

/// Checks of one way that are named, and of one method that are kept.
const CHECKS_MAX: usize = 16;
const GUARDS_MAX: usize = 32;

/// Addresses of one way that are named, and characters of each.
const HOSTS_MAX: usize = 8;
const HOST_LEN: usize = 200;

/// Characters of a constant that are shown.
const SECRET_LEN: usize = 80;
