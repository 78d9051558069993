//! Values that travel from one app to another: what leaves one in an intent, or is passed to a binder, comes into the
//! other by a component; what a provider answers comes into who asked.

use std::collections::BTreeMap;

use knowledge::models::{By, Models};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::builtin::ANSWER;
use crate::engine::Engine;
use crate::told::{Analysis, Check, Flow, FlowStep};
use crate::value::{Key, Obj, ObjId, Slot, Source};

/// A value that leaves an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sent {
    /// To whom.
    pub to: Target,
    /// Under which key of the intent; none where that is not known.
    pub key: Option<String>,
    /// Kind of the source.
    pub source: String,
    /// For what came into this app by a component: which.
    pub entry: Option<Entry>,
    /// From the source to where the intent is sent.
    pub steps: Vec<FlowStep>,
    /// Checks in the methods on the way.
    pub checks: Vec<Check>,
    /// Addresses of servers that the classes on the way name.
    pub hosts: Vec<String>,
    /// Whether the order in time is not shown.
    pub indirect: bool,
    /// Whether that is so for stores with a name only.
    pub stored: bool,
}

/// To whom an intent goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The descriptor of a component's class.
    Component(String),
    /// Whoever declares the action.
    Action(String),
    /// Services that hand out a binder with the interface.
    Binder(String),
    /// Whoever asks the provider with the address.
    Answer(String),
}

/// Where a value comes into an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Descriptor of the component's class; for what a provider of another app answers, its address.
    pub component: String,
    /// Key of the intent; none for the whole or for one that is not known.
    pub key: Option<String>,
}

/// The flows that begin in one app and end in another, each with the number of the app that it begins in; and whether they
/// are all.
///
/// Of two ways between the same places the shorter counts. Intents of the framework's own actions go to whom the user or
/// the system picks, and are not followed.
pub fn across(apps: &[(&App, &Analysis)], models: &Models) -> (Vec<(usize, Flow)>, bool) {
    let mut receivers: BTreeMap<Target, Vec<(usize, &str)>> = BTreeMap::new();
    for (n, (app, analysis)) in apps.iter().enumerate() {
        for component in app.components.iter().filter(|it| it.exported) {
            let to = (n, component.class.as_str());
            receivers.entry(Target::Component(component.class.clone())).or_default().push(to);
            for action in component.actions.iter().filter(|it| !it.starts_with("android.")) {
                receivers.entry(Target::Action(action.clone())).or_default().push(to);
            }
            for (_, interface) in analysis.doors.iter().filter(|it| it.0 == component.class) {
                receivers.entry(Target::Binder(interface.clone())).or_default().push(to);
            }
        }
        let entries = analysis.arrivals.iter().map(|it| &it.entry).chain(analysis.sent.iter().map(|it| &it.entry));
        for address in entries.flatten().map(|it| &it.component).filter(|it| it.starts_with("content://")) {
            let askers = receivers.entry(Target::Answer(address.clone())).or_default();
            if askers.last() != Some(&(n, address.as_str())) {
                askers.push((n, address));
            }
        }
    }
    let mut found: BTreeMap<(usize, Vec<FlowStep>, Vec<FlowStep>), Flow> = BTreeMap::new();
    let (mut work, mut all_found) = (0usize, true);
    let mut waiting: Vec<(usize, Sent, Vec<usize>)> = Vec::new();
    for (n, (_, analysis)) in apps.iter().enumerate() {
        waiting.extend(analysis.sent.iter().map(|it| (n, it.clone(), vec![n])));
    }
    while let Some((from, sent, through)) = waiting.pop() {
        if ACROSS_MAX <= found.len() || WORK_MAX <= work {
            all_found = false;
            break;
        }
        let arrives = |entry: &Option<Entry>, component: &str| {
            entry.as_ref().is_some_and(|it| {
                it.component == component && (it.key.is_none() || sent.key.is_none() || it.key == sent.key)
            })
        };
        let all = receivers.get(&sent.to).map_or(&[][..], |it| it);
        for &(to, component) in all.iter().filter(|it| !through.contains(&it.0)).take(RECEIVERS_MAX) {
            let Some((app, analysis)) = apps.get(to) else { continue };
            work += analysis.flows.len() + analysis.sent.len();
            let flows = analysis.flows.iter().chain(&analysis.arrivals);
            let flows = flows.filter(|it| arrives(&it.entry, component) && it.secret.is_none());
            for flow in flows.filter(|it| is_called(&sent, &it.steps)) {
                let Some(rule) = models.rule(By::Value, &sent.source, &flow.sink) else { continue };
                let ends = |steps: &[FlowStep]| steps.first().cloned().into_iter().collect::<Vec<_>>();
                let last = flow.steps.last().map(|it| in_app(it, to)).into_iter().collect();
                let whole = Flow {
                    rule: rule.id.clone(),
                    source: sent.source.clone(),
                    sink: flow.sink.clone(),
                    steps: sent.steps.iter().cloned().chain(flow.steps.iter().map(|it| in_app(it, to))).collect(),
                    checks: sent.checks.iter().chain(&flow.checks).cloned().collect(),
                    hosts: sent.hosts.iter().chain(&flow.hosts).cloned().collect(),
                    bundled: flow.bundled,
                    indirect: sent.indirect || flow.indirect,
                    stored: sent.stored && flow.stored,
                    secret: None,
                    entry: sent.entry.clone(),
                    into: Some(app.package.clone()),
                };
                let key = (from, ends(&sent.steps), last);
                if found.get(&key).is_none_or(|it| whole.steps.len() < it.steps.len()) {
                    found.insert(key, whole);
                }
            }
            if APPS_MAX <= through.len() {
                continue;
            }
            let others = analysis.sent.iter().filter(|it| arrives(&it.entry, component));
            for next in others.filter(|it| is_called(&sent, &it.steps)) {
                let mut passed = sent.clone();
                passed.to = next.to.clone();
                passed.key = next.key.clone();
                passed.steps.extend(next.steps.iter().map(|it| in_app(it, to)));
                passed.checks.extend(next.checks.iter().cloned());
                passed.indirect |= next.indirect;
                passed.stored &= next.stored;
                waiting.push((from, passed, through.iter().copied().chain([to]).collect()));
            }
        }
    }
    (found.into_iter().map(|((from, _, _), flow)| (from, flow)).collect(), all_found)
}

/// Whether the method of an interface that one side calls is the one that the other side runs; where the one or the other
/// is not named, it may be.
fn is_called(sent: &Sent, steps: &[FlowStep]) -> bool {
    if !matches!(sent.to, Target::Binder(_)) {
        return true;
    }
    let entered = steps.iter().position(|it| it.method.starts_with("onTransact("));
    let runs = entered.and_then(|it| steps[it + 1..].iter().find(|it| !it.method.is_empty()));
    let calls = sent.steps.last();
    runs.is_none() || calls.is_none() || runs.map(|it| &it.method) == calls.map(|it| &it.method)
}

/// A step as one of the app with that number.
fn in_app(step: &FlowStep, app: usize) -> FlowStep {
    FlowStep { app: step.app.or(u32::try_from(app).ok()), ..step.clone() }
}

impl Engine<'_> {
    /// What leaves and this app does not receive itself.
    pub fn sent(&mut self) -> Vec<Sent> {
        let children = self.children();
        let places: Vec<ObjId> = self.globals.holds.keys().copied().collect();
        let mut all = Vec::new();
        for place in places {
            let Some((slot, key)) = self.root_of(place) else { continue };
            let Slot::Sent(to) = slot else { continue };
            let trail = self.sends.get(&to).copied();
            for (source, through) in self.sources_in(place, &children) {
                if through.iter().any(|it| self.arena.is_compared(*it)) || SENT_MAX <= all.len() {
                    continue;
                }
                let origin = self.arena.source_of(source).clone();
                let (target, how) = target_of(&to);
                let indirect = through.iter().any(|it| self.is_shared_place(*it));
                let stored = through.iter().all(|it| !self.is_shared_place(*it) || self.is_store(*it));
                // Who asks gets back what it said itself; and what the whole app shares is in every answer.
                if matches!(target, Target::Answer(_)) && (&*origin.kind == "exported-intent" || !stored) {
                    continue;
                }
                let (mut steps, mut methods) = self.begin(&origin, &through);
                if let Some(trail) = trail {
                    self.follow_trail(trail, how, &mut steps, &mut methods);
                }
                all.push(Sent {
                    to: target,
                    key: key.clone(),
                    entry: self.entry_of(&origin, &through),
                    source: origin.kind.to_string(),
                    checks: self.checks_in(&methods),
                    hosts: self.hosts_in(&methods),
                    indirect,
                    stored,
                    steps,
                });
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// By which component, and under which key of its intent, a value came in.
    pub fn entry_of(&self, origin: &Source, through: &[ObjId]) -> Option<Entry> {
        match &*origin.kind {
            ANSWER => return Some(Entry { component: origin.what.to_string(), key: None }),
            "exported-intent" => {}
            _ => return None,
        }
        let first = through.first().and_then(|it| self.root_of(*it))?;
        let Slot::Intent(component) = &first.0 else { return None };
        // The last place of that intent on the way is where it was read.
        let of_entry = through.iter().rev().filter_map(|it| self.root_of(*it)).find(|it| it.0 == first.0);
        Some(Entry { component: component.to_string(), key: of_entry.and_then(|it| it.1) })
    }

    /// The shared place that a place is a part of, and under which constant key.
    fn root_of(&self, place: ObjId) -> Option<(Slot, Option<String>)> {
        match self.arena.get(place) {
            Obj::Slot(slot) => Some((slot.clone(), None)),
            Obj::Part(base, key) => {
                let (slot, above) = self.root_of(*base)?;
                let own = match key {
                    Key::Text(name) => match self.arena.get(*name) {
                        Obj::Text(name) => Some(name.to_string()),
                        _ => None,
                    },
                    _ => None,
                };
                Some((slot, above.or(own)))
            }
            _ => None,
        }
    }
}

/// To whom something leaves, and how the step is told.
fn target_of(to: &str) -> (Target, &'static str) {
    match to.split_once(' ') {
        Some(("action", action)) => (Target::Action(action.to_owned()), "sends an intent"),
        Some(("binder", interface)) => (Target::Binder(interface.to_owned()), "calls another process"),
        Some(("answer", address)) => (Target::Answer(address.to_owned()), "answers"),
        _ => (Target::Component(to.to_owned()), "sends an intent"),
    }
}

/// Apps that one value goes through: longer chains say little about who decides.
const APPS_MAX: usize = 3;

/// Components that one action is sent to.
const RECEIVERS_MAX: usize = 16;

/// Values that leave one app in intents.
const SENT_MAX: usize = 1024;

/// Pairs of ways that are looked at.
const WORK_MAX: usize = 20_000_000;

/// Flows between the apps of one phone.
const ACROSS_MAX: usize = 4096;
