//! A component that any app may call leads to a privileged action.

use std::collections::BTreeMap;

use model::fact::flow::Way;
use model::finding::{Concealment, Factors, Holder, Reach};
use model::{ArtifactId, Class, Confidence, Finding, Grade, Location};
use phone::InstalledApp;
use surface::{GateKind, Outsider};

use crate::way::{self, app_of, evidence_of, flow_of, is_open_door};
use crate::{Context, Detector, chain_across_layers};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "exported-capability",
    class: Class::ExportedCapability,
    title: "Any app can have a privileged app act",
    detect,
};

/// A way from a component to an action.
struct Door<'a> {
    at: Location,
    sink: &'a str,
    way: &'a Way,
    /// Whether what the caller says reaches the action.
    told: bool,
    /// The app that acts, where it is another one.
    into: Option<&'a str>,
}

/// One finding for each app, component and kind of action.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let facts = &context.phone.facts;
    let mut doors: BTreeMap<(&str, &str, &str), Door> = BTreeMap::new();
    let hubs = way::Hubs::of(context);
    for row in facts.flows.iter().filter(|it| !it.value.bundled && it.value.secret.is_none()) {
        let flow = &row.value;
        let Some(component) = flow.component.as_deref() else { continue };
        let sink = context.surface.commands.capability(&flow.sink, &flow.way);
        if hubs.hide(flow, sink) {
            continue;
        }
        let door = Door { at: row.at, sink, way: &flow.way, told: true, into: flow.into.as_deref() };
        add(&mut doors, (&flow.package, component, sink), door);
    }
    for row in facts.reaches.iter().filter(|it| !it.value.bundled) {
        let reach = &row.value;
        let sink = context.surface.commands.capability(&reach.sink, &reach.way);
        let door = Door { at: row.at, sink, way: &reach.way, told: false, into: None };
        if UNTOLD.contains(&sink) {
            add(&mut doors, (&reach.package, &reach.component, sink), door);
        }
    }
    let registered = registered(context);
    for ((package, component, _), door) in doors {
        let Some(app) = app_of(context, door.at.artifact) else { continue };
        let declared = context.surface.entry_points.iter().find(|it| {
            it.app.app.package == package && way::class_of(it.component) == component && is_open_door(context, it)
        });
        let declared = declared.filter(|it| it.app.at == app.at).map(|it| Entry {
            app: it.app,
            name: &it.component.name,
            at: it.app.declares_at(&it.component.name),
            how: "any app may call",
        });
        let by_code = || {
            let (at, how) = *registered.get(&(app.artifact, component))?;
            // Where another file hands on what is called, which methods others may call is not seen.
            let handed_on = || door.way.steps.iter().any(|it| it.method.starts_with("onTransact("));
            if how == BY_NAME && !handed_on() {
                return None;
            }
            Some(Entry { app, name: component, at, how })
        };
        if let Some(entry) = declared.or_else(by_code) {
            findings.extend(judge(context, &entry, &door));
        }
    }
}

/// A component that any app may come to.
struct Entry<'a> {
    app: &'a InstalledApp,
    name: &'a str,
    at: Location,
    how: &'static str,
}

/// Receivers that code registers for any app, and objects that it offers under a name: by the app and their class, with the
/// place where it does, and how one comes to them.
fn registered<'a>(context: &Context<'a>) -> BTreeMap<(ArtifactId, &'a str), (Location, &'static str)> {
    let open: BTreeMap<Location, GateKind> = context
        .surface
        .gates
        .iter()
        .filter(|it| matches!(it.kind, GateKind::DynamicReceiver | GateKind::BinderService))
        .filter(|it| it.open_to().next() == Some(Outsider::App))
        .map(|it| (it.at, it.kind))
        .collect();
    let found = context.phone.facts.calls.iter().filter_map(|row| {
        let (class, how) = match open.get(&row.at)? {
            GateKind::DynamicReceiver => (row.value.args.first(), "any app may send a broadcast to the receiver"),
            _ => (row.value.args.get(1), BY_NAME),
        };
        let app = context.phone.tree.ancestors(row.at.artifact).find_map(|it| app_of(context, it.id))?;
        Some(((app.artifact, class?.as_deref()?), (row.at, how)))
    });
    found.collect()
}

const BY_NAME: &str = "any app may call, under the name of a service,";

/// What the caller says counts for more than what happens whatever is said; then the plainest way.
fn add<'a>(doors: &mut BTreeMap<(&'a str, &'a str, &'a str), Door<'a>>, key: (&'a str, &'a str, &'a str), door: Door<'a>) {
    let rank = |it: &Door| (!it.told, it.way.has_check("caller-check"), it.way.indirect, it.way.steps.len());
    match doors.get(&key) {
        Some(known) if rank(known) <= rank(&door) => {}
        _ => _ = doors.insert(key, door),
    }
}

fn judge(context: &Context, entry: &Entry, door: &Door) -> Option<Finding> {
    let app = entry.app;
    let power = way::power_of(door.sink)?;
    // Where it goes on through init, that is told as one.
    if door.sink == "set-property" && chain_across_layers::tells_of(context, &app.app.package, entry.name) {
        return None;
    }
    let acting = match door.into {
        Some(package) => context.phone.apps.effective().find(|it| it.app.package == package)?,
        None => app,
    };
    if !way::is_privileged(context, acting) {
        return None;
    }
    let checked = door.way.has_check("caller-check");
    // Of its own accord a component does what it is for: only what the caller decides is a door.
    let told_directly = door.told && !door.way.indirect;
    let grade = match () {
        () if checked || way::is_faint(door.way, door.sink) => Grade::Capability,
        // Whoever decides what a program that only tells is told gains next to nothing.
        () if door.sink == "fixed-program" => Grade::Capability,
        () if told_directly => Grade::Finding,
        () if door.told || door.sink == "factory-reset" => Grade::Suspicion,
        () => Grade::Capability,
    };
    let factors = Factors {
        reach: Reach::AnyApp,
        power,
        concealment: Concealment::None,
        holder: if grade == Grade::Capability { Holder::Legitimate } else { Holder::Unknown },
    };
    let how = if door.told { "and what the caller says reaches it" } else { "whatever the caller says" };
    let check = if checked { "; a check of the caller lies on the way" } else { "; no check of the caller was seen" };
    let claim = format!(
        "{} {} of {}, which leads to {}{}, {how}{check}",
        entry.how,
        entry.name,
        app.app.package,
        way::sink_words(door.sink),
        door.into.map(|it| format!(" in {it}, to which it hands on what it is told")).unwrap_or_default(),
    );
    Some(Finding {
        benign: "the action may be what the component is there for, limited to what is harmless, or guarded in a way \
                 that was not recognised"
            .to_owned(),
        subject: format!("{} {} {}", app.app.package, entry.name, door.sink),
        device_path: app.device_path.clone(),
        evidence: evidence_of(entry.at, door.way),
        flow: flow_of(door.at, door.way),
        action: "read the way step by step; try the call from an app without permissions".to_owned(),
        ..DETECTOR.finding(grade, if told_directly { Confidence::High } else { Confidence::Medium }, factors, claim)
    })
}

/// Actions that matter even where the caller has no say in them. Code of its own that an app loads is none.
pub(crate) const UNTOLD: &[&str] = &[
    "factory-reset",
    "install-package",
    "remove-package",
    "grant-permission",
    "system-update",
    "modem-command",
    "execute-command",
    "reboot",
    "send-sms",
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component};
    use model::fact::app::{App, ComponentKind};

    fn with(permission: Option<&str>, action: &str, sink: &str, checks: &[&str]) -> Fixture {
        let receiver = component(ComponentKind::Receiver, "a.b.Do", permission, &[action]);
        let path = "/system/priv-app/A/A.apk";
        Fixture::phone()
            .platform("CN=p")
            .app(path, App { components: vec![receiver], ..app("a.b") }, "CN=p")
            .flow(path, "exported-intent", sink, Some("a.b.Do"), checks)
    }

    Cases {
        fires: &[
            || with(None, "a.b.DO", "execute-command", &[]),
            || with(Some("android.permission.INTERNET"), "a.b.DO", "factory-reset", &[]),
            || with(None, "a.b.DO", "install-package", &["caller-check"]),
        ],
        silent: &[
            || with(Some("android.permission.DUMP"), "a.b.DO", "execute-command", &[]),
            || with(None, "android.intent.action.BOOT_COMPLETED", "execute-command", &[]),
            || with(None, "a.b.DO", "log", &[]),
        ],
    }
};
