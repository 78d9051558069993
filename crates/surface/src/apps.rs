//! Gates of apps: components, codes that are dialled, receivers that code registers, services by name, and what comes from
//! far away by the flows that begin there.

use std::collections::{BTreeMap, BTreeSet};

use knowledge::Knowledge;
use model::fact::app::{Component, ComponentKind};
use model::fact::call::CodeCall;
use model::fact::flow::{Flow, Reach, Step, Way};
use model::{ArtifactId, Location, Row};
use phone::{InstalledApp, Phone};

use crate::gate::{Channel, Gate, GateKind, Lead, LeadStep, Outsider, Transport};
use crate::guard::{ANY_APP, Barrier, guard_of_permission};
use crate::{Commands, EntryPoint, Reactions};

/// All gates of apps and libraries.
pub(crate) fn gates(phone: &Phone, entries: &[EntryPoint], reactions: &Reactions, commands: &Commands) -> Vec<Gate> {
    let code = Code::of(phone, reactions, commands);
    let protected = protected_of(phone);
    let mut gates = Vec::new();
    for entry in entries {
        gates.extend(of_component(&code, entry, &protected));
    }
    for (source, kind, from) in SOURCES {
        for ((_, package), flows) in code.by_source.range((*source, "")..).take_while(|it| it.0.0 == *source) {
            gates.extend(of_source(&code, package, *kind, from, flows));
        }
    }
    gates.extend(called(&code, &protected));
    gates
}

/// Facts about code, by who asks for them.
struct Code<'a> {
    phone: &'a Phone,
    reactions: &'a Reactions<'a>,
    commands: &'a Commands<'a>,
    flows: BTreeMap<(&'a str, &'a str), Vec<&'a Row<Flow>>>,
    reaches: BTreeMap<(&'a str, &'a str), Vec<&'a Row<Reach>>>,
    by_source: BTreeMap<(&'a str, &'a str), Vec<&'a Row<Flow>>>,
    /// By the package file or library, and the class where they begin.
    flows_of_unit: BTreeMap<(ArtifactId, &'a str), Vec<&'a Row<Flow>>>,
    reaches_of_unit: BTreeMap<(ArtifactId, &'a str), Vec<&'a Row<Reach>>>,
    /// Calls that set a property, by file and method.
    sets: BTreeMap<(ArtifactId, &'a str, &'a str), Vec<&'a Row<CodeCall>>>,
    apps: BTreeMap<ArtifactId, &'a InstalledApp>,
}

impl<'a> Code<'a> {
    fn of(phone: &'a Phone, reactions: &'a Reactions<'a>, commands: &'a Commands<'a>) -> Code<'a> {
        let mut code = Code {
            phone,
            reactions,
            commands,
            flows: BTreeMap::new(),
            reaches: BTreeMap::new(),
            by_source: BTreeMap::new(),
            flows_of_unit: BTreeMap::new(),
            reaches_of_unit: BTreeMap::new(),
            sets: BTreeMap::new(),
            apps: BTreeMap::new(),
        };
        for row in phone.facts.flows.iter().filter(|it| !it.value.bundled) {
            let flow = &row.value;
            match flow.component.as_deref() {
                Some(component) => {
                    code.flows.entry((&flow.package, component)).or_default().push(row);
                    code.flows_of_unit.entry((row.at.artifact, component)).or_default().push(row);
                }
                None => code.by_source.entry((&flow.source, &flow.package)).or_default().push(row),
            }
        }
        for row in phone.facts.reaches.iter().filter(|it| !it.value.bundled) {
            code.reaches.entry((&row.value.package, &row.value.component)).or_default().push(row);
            code.reaches_of_unit.entry((row.at.artifact, &row.value.component)).or_default().push(row);
        }
        for row in phone.facts.calls.iter().filter(|it| it.value.what == "set-property") {
            code.sets.entry((row.at.artifact, &row.value.class, &row.value.method)).or_default().push(row);
        }
        for app in phone.apps.effective().chain(&phone.apps.without_manifest) {
            code.apps.insert(app.artifact, app);
            code.apps.extend(app.splits.iter().map(|it| (*it, app)));
        }
        code
    }

    /// The app that a file of code is in.
    fn app_of(&self, artifact: ArtifactId) -> Option<&'a InstalledApp> {
        self.phone.tree.ancestors(artifact).find_map(|it| self.apps.get(&it.id).copied())
    }

    /// Where a flow or a reach leads.
    fn leads_of(
        &self,
        start: &LeadStep,
        acts_as: &str,
        sink: &'a str,
        way: &Way,
        told: bool,
        secret: Option<&str>,
    ) -> Vec<Lead> {
        let mut barriers: Vec<Barrier> = Vec::new();
        for check in &way.checks {
            let kind = if check.kind == "verification" { "verification" } else { "caller-check" };
            let text = format!("{} in {}: that it guards what follows is not shown", check.what, check.method);
            if barriers.iter().all(|it| it.text != text) && barriers.len() < BARRIERS_MAX {
                barriers.push(Barrier { kind, text, passes: &[] });
            }
        }
        if let Some(secret) = secret {
            let text = format!("equals the constant {secret}: who knows it passes");
            barriers.push(Barrier { kind: "secret", text, passes: Outsider::ALL });
        }
        let mut steps = vec![start.clone()];
        let app = way.steps.iter().take(STEPS_MAX).map(|it| LeadStep {
            layer: "app",
            what: format!("{}.{}: {}", it.class, it.method, it.what),
            at: it.at.unwrap_or(start.at),
        });
        steps.extend(app);
        let lead = Lead {
            capability: self.commands.capability(sink, way).to_owned(),
            acts_as: acts_as.to_owned(),
            told,
            loose: way.indirect,
            barriers,
            steps,
        };
        let mut leads = Vec::new();
        if matches!(sink, "set-property" | "init-control" | "enable-adb") {
            for set in self.sets_at(way) {
                leads.extend(self.beyond(&lead, set));
            }
        }
        leads.insert(0, lead);
        leads
    }

    /// Where it leads that a property is set at the end of a way.
    fn beyond(&self, lead: &Lead, set: &Row<CodeCall>) -> Vec<Lead> {
        let arg = |n: usize| set.value.args.get(n).cloned().flatten();
        let Some(name) = arg(0) else { return Vec::new() };
        let value = arg(1);
        let told = lead.told && value.is_none();
        let shown = value.as_deref().map_or("what it is told".to_owned(), |it| format!("{it:?}"));
        let step = LeadStep { layer: "property", what: format!("{name} is set to {shown}"), at: set.at };
        let mut beyond = self.reactions.of_property(&name, value.as_deref(), told);
        for more in &mut beyond {
            let own = std::mem::take(&mut more.steps);
            more.steps = lead.steps.iter().cloned().chain([step.clone()]).chain(own).collect();
            more.loose |= lead.loose;
            more.barriers = lead.barriers.clone();
        }
        beyond
    }

    /// The calls that set a property in the method where a way ends, that at its very end first; where they are told the name,
    /// the nearest call on the way that tells it.
    fn sets_at(&self, way: &Way) -> Vec<&'a Row<CodeCall>> {
        let mut steps = way.steps.iter().rev().filter_map(|it| Some((it, it.at?)));
        let Some((last, at)) = steps.next() else { return Vec::new() };
        let sets_in = |step: &Step, at: Location| {
            self.sets.get(&(at.artifact, step.class.as_str(), step.method.as_str())).cloned().unwrap_or_default()
        };
        let is_named = |it: &&Row<CodeCall>| it.value.args.first().is_some_and(Option::is_some);
        let mut sets = sets_in(last, at);
        sets.sort_by_key(|it| (it.at.offset != at.offset, it.at));
        sets.truncate(SETS_MAX);
        if !sets.iter().any(is_named) {
            sets = steps
                .take(HELPERS_MAX)
                .find_map(|(step, at)| {
                    let set = sets_in(step, at).into_iter().find(|it| it.at.offset == at.offset && is_named(it));
                    set.map(|it| vec![it])
                })
                .unwrap_or_default();
        }
        sets
    }
}

/// As whom an app acts.
fn acts_as(app: &InstalledApp) -> &str {
    let shared = app.app.shared_user_id.as_deref().and_then(|it| it.strip_prefix("android.uid."));
    shared.unwrap_or(&app.app.package)
}

fn of_component(code: &Code, entry: &EntryPoint, protected: &BTreeSet<&str>) -> Vec<Gate> {
    let (app, component) = (entry.app, entry.component);
    let kind = match component.kind {
        ComponentKind::Activity | ComponentKind::ActivityAlias => GateKind::Activity,
        ComponentKind::Service => GateKind::Service,
        ComponentKind::Receiver => GateKind::Receiver,
        ComponentKind::Provider => GateKind::Provider,
    };
    let at = app.declares_at(&component.name);
    let class = component.target_activity.as_deref().unwrap_or(&component.name);
    let start = LeadStep { layer: "app", what: format!("{} of {} is exported", component.name, app.app.package), at };
    let user = acts_as(app);
    let mut leads = Vec::new();
    for row in code.flows.get(&(app.app.package.as_str(), class)).into_iter().flatten() {
        let flow = &row.value;
        let user = flow.into.as_deref().unwrap_or(user);
        leads.extend(code.leads_of(&start, user, &flow.sink, &flow.way, true, flow.secret.as_deref()));
    }
    for row in code.reaches.get(&(app.app.package.as_str(), class)).into_iter().flatten() {
        leads.extend(code.leads_of(&start, user, &row.value.sink, &row.value.way, false, None));
    }
    let leads = nearest(leads);
    let mut barriers: Vec<Barrier> = entry.guard.barrier().into_iter().collect();
    let actions: Vec<&str> = component.filters.iter().flat_map(|it| &it.actions).map(String::as_str).collect();
    if component.kind == ComponentKind::Receiver
        && !actions.is_empty()
        && actions.iter().all(|it| protected.contains(it))
    {
        let text =
            "listens to broadcasts that only the system sends; whether it looks at the action is not known".to_owned();
        barriers.push(Barrier { kind: "protected-broadcast", text, passes: &[] });
    }
    let gate = |kind, name: String, from: &[Outsider], barriers| Gate {
        channel: None,
        kind,
        name,
        owner: app.app.package.clone(),
        device_path: app.device_path.clone(),
        at,
        from: from.to_vec(),
        barriers,
        leads: leads.clone(),
    };
    let mut gates = vec![gate(kind, component.name.clone(), ANY_APP, barriers)];
    for code in codes_of(component) {
        gates.push(gate(GateKind::DialerCode, code, &[Outsider::Physical], Vec::new()));
    }
    if component.kind == ComponentKind::Service && actions.contains(&USSD) {
        // The network of the SIM card answers.
        gates.push(gate(GateKind::DialerCode, "USSD".to_owned(), &[Outsider::Nearby, Outsider::Physical], Vec::new()));
    }
    if component.kind == ComponentKind::Receiver && actions.iter().any(|it| MESSAGES.contains(it)) {
        gates.push(gate(GateKind::Sms, component.name.clone(), &[Outsider::Sms], Vec::new()));
    }
    gates
}

/// `android_secret_code://1234` is typed as `*#*#1234#*#*`.
fn codes_of(component: &Component) -> BTreeSet<String> {
    let data = component.filters.iter().flat_map(|it| &it.data);
    let codes = data.filter(|it| it.scheme.as_deref() == Some("android_secret_code"));
    codes.filter_map(|it| Some(format!("*#*#{}#*#*", it.host.as_deref()?))).collect()
}

/// One gate for what an app gets from a source.
fn of_source(code: &Code, package: &str, kind: GateKind, from: &[Outsider], flows: &[&Row<Flow>]) -> Option<Gate> {
    let first = flows.first()?;
    let app = code.app_of(first.at.artifact)?;
    let mut leads = Vec::new();
    let mut hosts: BTreeSet<&str> = BTreeSet::new();
    for row in flows.iter().filter(|it| !is_data_that_leaves(&it.value)) {
        let flow = &row.value;
        hosts.extend(flow.way.hosts.iter().map(String::as_str));
        let at = flow.way.steps.iter().find_map(|it| it.at).unwrap_or(row.at);
        let start = LeadStep { layer: "app", what: format!("{package} gets {}", flow.source), at };
        let user = flow.into.as_deref().unwrap_or(acts_as(app));
        leads.extend(code.leads_of(&start, user, &flow.sink, &flow.way, true, flow.secret.as_deref()));
    }
    let leads = nearest(leads);
    if leads.is_empty() {
        return None;
    }
    let updates = kind == GateKind::Network && leads.iter().any(|it| UPDATES.contains(&it.capability.as_str()));
    let channel = updates.then(|| channel_of(app, &hosts, &leads));
    let hosts: Vec<&str> = hosts.into_iter().take(HOSTS_SHOWN).collect();
    Some(Gate {
        channel,
        kind: if updates { GateKind::UpdateChannel } else { kind },
        name: if hosts.is_empty() { package.to_owned() } else { hosts.join(" ") },
        owner: package.to_owned(),
        device_path: app.device_path.clone(),
        at: first.at,
        from: from.to_vec(),
        barriers: Vec::new(),
        leads,
    })
}

/// How an app loads what it installs.
fn channel_of(app: &InstalledApp, hosts: &BTreeSet<&str>, leads: &[Lead]) -> Channel {
    let urls: Vec<String> = hosts.iter().take(URLS_MAX).map(|it| (*it).to_owned()).collect();
    // Since target SDK 28 nothing else is allowed, unless the app says so.
    let states = app.app.uses_cleartext_traffic;
    let by_default =
        states.is_none() && 28 <= app.app.effective_target_sdk() && app.app.network_security_config.is_none();
    let installs = leads.iter().filter(|it| UPDATES.contains(&it.capability.as_str())).flat_map(|it| &it.barriers);
    let verification: BTreeSet<&str> =
        installs.filter(|it| it.kind == "verification").map(|it| it.text.as_str()).collect();
    Channel {
        transport: Transport::of(&urls, states == Some(false) || by_default),
        urls,
        verification: verification.into_iter().map(str::to_owned).collect(),
    }
}

/// What is sent away is data, and no order.
fn is_data_that_leaves(flow: &Flow) -> bool {
    matches!(flow.rule.as_str(), "personal-data-leaves" | "profile-leaves" | "password-checked" | "dormant")
}

/// What code that is registered or offered leads to: the class of the receiver or object is where ways begin.
fn of_object(code: &Code, row: &Row<CodeCall>, kind: GateKind, user: &str) -> Vec<Lead> {
    let call = &row.value;
    let class = match kind {
        GateKind::DynamicReceiver => call.args.first(),
        _ => call.args.get(1),
    };
    let Some(class) = class.and_then(Option::as_deref) else { return Vec::new() };
    let what = match kind {
        GateKind::DynamicReceiver => format!("{}.{} registers {class}", call.class, call.method),
        _ => format!("{}.{} offers {class}", call.class, call.method),
    };
    let start = LeadStep { layer: "app", what, at: row.at };
    let mut leads = Vec::new();
    let units = code.phone.tree.ancestors(row.at.artifact).map(|it| it.id);
    for unit in units {
        let key = (unit, class);
        for flow in code.flows_of_unit.get(&key).into_iter().flatten() {
            let user = flow.value.into.as_deref().unwrap_or(user);
            let secret = flow.value.secret.as_deref();
            leads.extend(code.leads_of(&start, user, &flow.value.sink, &flow.value.way, true, secret));
        }
        for reach in code.reaches_of_unit.get(&key).into_iter().flatten() {
            leads.extend(code.leads_of(&start, user, &reach.value.sink, &reach.value.way, false, None));
        }
    }
    nearest(leads)
}

/// What comes in by a socket that code opens: ways that begin at a socket in the same class, or in one inside it.
fn of_socket(code: &Code, row: &Row<CodeCall>, source: &str, package: &str, user: &str) -> Vec<Lead> {
    let outer = |class: &str| class.split('$').next().unwrap_or(class).to_owned();
    let call = &row.value;
    let own = outer(&call.class);
    let start = LeadStep { layer: "app", what: format!("{}.{} opens it", call.class, call.method), at: row.at };
    let mut leads = Vec::new();
    for flow in code.by_source.get(&(source, package)).into_iter().flatten() {
        let way = &flow.value.way;
        let by_socket =
            way.steps.first().is_some_and(|it| it.what.contains("Socket;->") || it.what.contains("NanoHTTPD"));
        let here = way.steps.iter().any(|it| outer(&it.class) == own);
        if by_socket && here && !is_data_that_leaves(&flow.value) {
            leads.extend(code.leads_of(&start, user, &flow.value.sink, way, true, flow.value.secret.as_deref()));
        }
    }
    nearest(leads)
}

/// What a class that watches a file does with what it reads there.
fn of_watched(code: &Code, row: &Row<CodeCall>, package: &str, user: &str) -> Vec<Lead> {
    let call = &row.value;
    let class = call.args.get(1).and_then(Option::as_deref).unwrap_or(&call.class);
    let start = LeadStep { layer: "app", what: format!("{}.{} watches it", call.class, call.method), at: row.at };
    let mut leads = Vec::new();
    for flow in code.by_source.get(&("shared-storage-input", package)).into_iter().flatten() {
        let way = &flow.value.way;
        if way.steps.iter().any(|it| it.class == class) && !is_data_that_leaves(&flow.value) {
            leads.extend(code.leads_of(&start, user, &flow.value.sink, way, true, flow.value.secret.as_deref()));
        }
    }
    nearest(leads)
}

/// Gates that code opens by a call.
fn called(code: &Code, protected: &BTreeSet<&str>) -> Vec<Gate> {
    let mut gates = Vec::new();
    for row in &code.phone.facts.calls {
        let call = &row.value;
        let arg = |n: usize| call.args.get(n).and_then(Option::as_deref);
        let (kind, name, from): (_, String, &[Outsider]) = match call.what.as_str() {
            "register-receiver" => {
                // A receiver that is not known by its actions is not known at all.
                let Some(actions) = arg(1) else { continue };
                let open: Vec<&str> = actions.split(' ').filter(|it| !protected.contains(it)).collect();
                if open.is_empty() {
                    continue;
                }
                (GateKind::DynamicReceiver, open.join(" "), ANY_APP)
            }
            "offer-service" => {
                (GateKind::BinderService, arg(0).unwrap_or("a name that is put together").to_owned(), ANY_APP)
            }
            "listen" => {
                let port = arg(0)
                    .filter(|it| *it != "0")
                    .map_or("a port that is not known".to_owned(), |it| format!("port {it}"));
                (GateKind::ListeningSocket, port, &[Outsider::Nearby, Outsider::App, Outsider::AskingApp])
            }
            "listen-local" => (GateKind::LocalSocket, format!("@{}", arg(0).unwrap_or("?")), ANY_APP),
            "watch-file" => {
                let path = arg(0).unwrap_or("a path that is put together");
                (GateKind::WritableFile, path.to_owned(), crate::writers_of(path).unwrap_or(ANY_APP))
            }
            "listen-bluetooth" => {
                let name = arg(0).unwrap_or("a service whose name is not known");
                (GateKind::Bluetooth, name.to_owned(), &[Outsider::Nearby])
            }
            _ => continue,
        };
        let app = code.app_of(row.at.artifact);
        let owner = match app {
            Some(app) => app.app.package.clone(),
            None if code.phone.is_running(row.at.artifact) => call.class.clone(),
            None => continue,
        };
        let device_path = code.phone.device_path(row.at.artifact);
        let mut barriers = Vec::new();
        if kind == GateKind::DynamicReceiver {
            match arg(2) {
                Some(permission) => barriers.extend(guard_of_permission(code.phone, Some(permission)).barrier()),
                None => barriers.push(Barrier {
                    kind: "permission",
                    text: "one whose name is put together, or which is not known".to_owned(),
                    passes: &[],
                }),
            }
            let flags = arg(3).and_then(|it| it.parse::<u32>().ok()).unwrap_or_default();
            if flags & RECEIVER_NOT_EXPORTED != 0 {
                let text = "registered for the app itself alone".to_owned();
                barriers.push(Barrier { kind: "not-exported", text, passes: &[] });
            }
        }
        if kind == GateKind::WritableFile && crate::writers_of(&name).is_none() {
            let text = "who may write there is not known to be anyone but the system and the app itself".to_owned();
            barriers.push(Barrier { kind: "file-mode", text, passes: &[] });
        }
        if call.idle {
            let text = "no component of the app comes to it, as far as calls show".to_owned();
            barriers.push(Barrier { kind: "idle", text, passes: &[] });
        }
        let user = app.map_or("system", acts_as);
        let mut leads = match kind {
            GateKind::DynamicReceiver | GateKind::BinderService => of_object(code, row, kind, user),
            GateKind::WritableFile => of_watched(code, row, &owner, user),
            GateKind::LocalSocket => of_socket(code, row, "local-socket-input", &owner, user),
            GateKind::Bluetooth => of_socket(code, row, "bluetooth-input", &owner, user),
            _ => of_socket(code, row, "network-input", &owner, user),
        };
        if kind == GateKind::BinderService {
            for lead in &mut leads {
                // Where another file hands on what is called, which methods others may call is not seen.
                lead.loose |= !lead.steps.iter().any(|it| it.what.contains(".onTransact("));
            }
        }
        gates.push(Gate {
            channel: None,
            kind,
            name,
            owner,
            device_path: app.map_or(device_path, |it| &it.device_path).to_owned(),
            at: row.at,
            from: from.to_vec(),
            barriers,
            leads,
        });
    }
    gates
}

/// Of several ways to one capability the one with fewest barriers, then that which is told, then the shortest.
fn nearest(leads: Vec<Lead>) -> Vec<Lead> {
    let mut best: BTreeMap<(String, String), Lead> = BTreeMap::new();
    let rank = |it: &Lead| (it.barriers.len(), !it.told, it.loose, it.steps.len());
    for lead in leads {
        let key = (lead.capability.clone(), lead.acts_as.clone());
        match best.get(&key) {
            Some(known) if rank(known) <= rank(&lead) => {}
            _ => _ = best.insert(key, lead),
        }
    }
    best.into_values().collect()
}

/// Broadcasts that only the system sends: what this phone's apps declare, and what Android's framework does.
fn protected_of(phone: &Phone) -> BTreeSet<&str> {
    let declared = phone.apps.effective().filter(|it| it.place.is_system()).flat_map(|it| &it.app.protected_broadcasts);
    let known = Knowledge::bundled().protected_broadcasts.iter().map(|it| it.action.as_str());
    declared.map(String::as_str).chain(known).collect()
}

/// Where values come from without a component that others open, and from whom.
const SOURCES: &[(&str, GateKind, &[Outsider])] = &[
    ("network-input", GateKind::Network, &[Outsider::Internet]),
    ("push-message", GateKind::Push, &[Outsider::Internet]),
    ("sms-content", GateKind::Sms, &[Outsider::Sms]),
    ("cell-broadcast", GateKind::CellBroadcast, &[Outsider::Nearby]),
    ("bluetooth-input", GateKind::Bluetooth, &[Outsider::Nearby]),
    ("accessibility-event", GateKind::Accessibility, ANY_APP),
    ("nfc-input", GateKind::Nfc, &[Outsider::Nearby]),
    ("usb-input", GateKind::Usb, &[Outsider::Usb]),
    ("shared-storage-input", GateKind::WritableFile, &[Outsider::AskingApp, Outsider::Usb]),
];

/// What makes a connection one for updates.
const UPDATES: &[&str] = &["system-update", "install-package", "load-code", "load-native"];

/// Who is asked about each answer of USSD (AOSP `IExtendedNetworkService`, up to Android 5).
const USSD: &str = "com.android.ussd.IExtendedNetworkService";

/// What a receiver of messages listens to.
const MESSAGES: &[&str] = &[
    "android.provider.Telephony.SMS_RECEIVED",
    "android.provider.Telephony.SMS_DELIVER",
    "android.intent.action.DATA_SMS_RECEIVED",
    "android.provider.Telephony.WAP_PUSH_RECEIVED",
    "android.provider.Telephony.WAP_PUSH_DELIVER",
];

/// `Context.RECEIVER_NOT_EXPORTED`.
const RECEIVER_NOT_EXPORTED: u32 = 4;

const BARRIERS_MAX: usize = 6;
const STEPS_MAX: usize = 24;
const SETS_MAX: usize = 32;
/// Helpers that call one another.
const HELPERS_MAX: usize = 8;
const HOSTS_SHOWN: usize = 3;
const URLS_MAX: usize = 16;
