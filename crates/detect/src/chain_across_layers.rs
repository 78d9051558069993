//! A way that an outsider can go through several layers of the phone: an app sets a property, init starts a service as root,
//! its script runs.

use std::collections::BTreeMap;

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use surface::{Gate, GateKind, Lead, Outsider, power_of};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "chain-across-layers",
    class: Class::ExportedCapability,
    title: "A way from outside through several layers",
    detect,
};

/// One finding a gate: the way to the greatest power.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut best: BTreeMap<(&str, &str, GateKind), (&Gate, &Lead)> = BTreeMap::new();
    for gate in &context.surface.gates {
        for lead in gate.leads.iter().filter(|it| is_chain(gate, it)) {
            let key = (gate.owner.as_str(), gate.name.as_str(), gate.kind);
            match best.get(&key) {
                Some(known) if rank_of(known.1) <= rank_of(lead) => {}
                _ => _ = best.insert(key, (gate, lead)),
            }
        }
    }
    for (gate, lead) in best.into_values() {
        findings.extend(judge(gate, lead));
    }
}

/// Whether this detector tells of what a component's code does to a property.
pub(crate) fn tells_of(context: &Context, package: &str, component: &str) -> bool {
    let gates = context.surface.gates.iter().filter(|it| it.owner == package);
    let mut named = gates.filter(|it| it.name == component);
    named.any(|gate| gate.leads.iter().any(|lead| is_chain(gate, lead) && grade_of(gate, lead) < Grade::Capability))
}

/// A way that begins in an app or a program and goes through init, to a power, and that some outsider can go.
fn is_chain(gate: &Gate, lead: &Lead) -> bool {
    let begins = matches!(
        gate.kind,
        GateKind::Service
            | GateKind::Receiver
            | GateKind::Provider
            | GateKind::Activity
            | GateKind::Network
            | GateKind::UpdateChannel
            | GateKind::Push
            | GateKind::Sms
            | GateKind::CellBroadcast
            | GateKind::DialerCode
    );
    let layers = lead.layers();
    begins
        && layers.contains(&"init")
        && 2 < layers.len()
        && power_of(&lead.capability).is_some()
        && gate.open_along(lead).next().is_some()
}

fn rank_of(lead: &Lead) -> impl Ord + use<> {
    (!lead.told, lead.loose, power_of(&lead.capability), lead.steps.len())
}

fn grade_of(gate: &Gate, lead: &Lead) -> Grade {
    let power = power_of(&lead.capability).unwrap_or(Power::None);
    let by_hand = matches!(gate.kind, GateKind::Activity | GateKind::DialerCode);
    match () {
        // What only happens is what the maker wrote: a door where that is a power over the system.
        () if !lead.told && Power::Data <= power => Grade::Capability,
        () if lead.loose || by_hand => Grade::Suspicion,
        () => Grade::Finding,
    }
}

fn judge(gate: &Gate, lead: &Lead) -> Option<Finding> {
    let outsider = gate.open_along(lead).next()?;
    let grade = grade_of(gate, lead);
    let factors = Factors {
        reach: reach_of(outsider),
        power: power_of(&lead.capability)?,
        concealment: if gate.barriers.iter().chain(&lead.barriers).any(|it| it.kind == "secret") {
            Concealment::Hidden
        } else {
            Concealment::None
        },
        holder: if grade == Grade::Capability { Holder::Legitimate } else { Holder::Unknown },
    };
    let how = if lead.told { "what it is told reaches" } else { "it leads, whatever is said, to" };
    let app_last = lead.steps.iter().rposition(|it| it.layer == "app").unwrap_or(0);
    let chain: Vec<&str> = lead.steps.iter().skip(app_last + 1).map(|it| it.what.as_str()).collect();
    let claim = format!(
        "{} can come in by {} of {}; {how} {} as {}: {}",
        outsider.words(),
        gate.name,
        gate.owner,
        crate::way::sink_words(&lead.capability),
        lead.acts_as,
        chain.join(" → "),
    );
    let mut evidence: Vec<Evidence> =
        lead.steps.iter().map(|it| Evidence::at(it.at, format!("{}: {}", it.layer, it.what))).collect();
    for barrier in gate.barriers.iter().chain(&lead.barriers) {
        evidence.push(Evidence::at(gate.at, format!("guard that it passes: {}: {}", barrier.kind, barrier.text)));
    }
    Some(Finding {
        benign: "a diagnosis or factory function that was left in; what is told may be limited to a few values in a way that \
                 was not recognised"
            .to_owned(),
        subject: format!("{} {}", gate.owner, gate.name),
        device_path: gate.device_path.clone(),
        evidence,
        action: "read the steps below in their order; try the way from an app without permissions on a phone of your own"
            .to_owned(),
        ..DETECTOR.finding(grade, if lead.loose { Confidence::Low } else { Confidence::High }, factors, claim)
    })
}

fn reach_of(outsider: Outsider) -> Reach {
    match outsider {
        Outsider::Internet | Outsider::Sms => Reach::Remote,
        Outsider::Nearby => Reach::Adjacent,
        Outsider::App | Outsider::AskingApp => Reach::AnyApp,
        Outsider::Usb | Outsider::Physical => Reach::Physical,
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component, service};
    use model::fact::app::{App, ComponentKind};
    use model::fact::call::CodeCall;
    use model::fact::init::{Action, Command as InitCommand, Section, Service};
    use model::fact::script::{Command, Input, Script};

    /// A receiver that sets a property, and init that reacts to one.
    fn with(permission: Option<&str>, set: &str, trigger: &str, start: &[&str], service: Service) -> Fixture {
        let receiver = component(ComponentKind::Receiver, "a.b.Do", permission, &["a.b.DO"]);
        let path = "/system/priv-app/A/A.apk";
        let mut fixture = Fixture::phone()
            .platform("CN=p")
            .app(path, App { components: vec![receiver], ..app("a.b") }, "CN=p")
            .flow(path, "exported-intent", "set-property", Some("a.b.Do"), &[])
            .service(service);
        let file = fixture.file(path);
        let call = CodeCall {
            what: "set-property".to_owned(),
            class: "a.b.C".to_owned(),
            method: "run()V".to_owned(),
            args: vec![Some(set.to_owned()), None],
            paths: Vec::new(),
            idle: false,
            payload: None,
        };
        fixture.facts.calls.push(Fixture::row(file, call));
        let rc = fixture.file("/system/etc/init/test.rc");
        let action = Action {
            triggers: vec![trigger.to_owned()],
            commands: vec![InitCommand { args: start.iter().map(|it| (*it).to_owned()).collect(), line: 1 }],
        };
        fixture.facts.init.push(Fixture::row(rc, Section::Action(action)));
        let script = fixture.file("/system/bin/s.sh");
        let command = Command {
            words: vec![String::new()],
            inputs: vec![Input::Property("a.b".to_owned())],
            runs_input: true,
            ..Command::default()
        };
        let script_fact = Script { commands: vec![command], ..Script::default() };
        fixture.facts.scripts.push(Fixture::row(script, script_fact));
        fixture
    }
    fn script(user: Option<&str>) -> Service {
        Service { args: vec!["/system/bin/sh".to_owned(), "/system/bin/s.sh".to_owned()], ..service("s", "", user) }
    }
    fn inline() -> Service {
        Service { args: vec!["/system/bin/sh".to_owned(), "-c".to_owned(), "${a.b}".to_owned()], ..service("s", "", None) }
    }

    Cases {
        fires: &[
            || with(None, "a.b", "property:a.b=*", &["start", "s"], script(None)),
            || with(None, "a.b", "property:a.b=*", &["start", "s"], inline()),
        ],
        silent: &[
            || with(Some("android.permission.DUMP"), "a.b", "property:a.b=*", &["start", "s"], script(None)),
            || with(None, "a.c", "property:a.b=*", &["start", "s"], script(None)),
            || with(None, "a.b", "property:a.b=*", &["stop", "s"], script(None)),
            || with(None, "a.b", "property:a.b=*", &["start", "other"], script(None)),
        ],
    }
};
