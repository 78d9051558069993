//! A component that any app may call leads to a privileged action.

use std::collections::BTreeMap;

use model::fact::flow::Way;
use model::finding::{Concealment, Factors, Holder, Reach};
use model::{Class, Confidence, Finding, Grade, Location};
use surface::EntryPoint;

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
    for row in facts.flows.iter().filter(|it| !it.value.bundled && it.value.secret.is_none()) {
        let flow = &row.value;
        let Some(component) = flow.component.as_deref() else { continue };
        let door = Door { at: row.at, sink: &flow.sink, way: &flow.way, told: true, into: flow.into.as_deref() };
        add(&mut doors, (&flow.package, component, &flow.sink), door);
    }
    for row in facts.reaches.iter().filter(|it| !it.value.bundled && UNTOLD.contains(&it.value.sink.as_str())) {
        let reach = &row.value;
        let door = Door { at: row.at, sink: &reach.sink, way: &reach.way, told: false, into: None };
        add(&mut doors, (&reach.package, &reach.component, &reach.sink), door);
    }
    for ((package, component, _), door) in doors {
        let entry = context.surface.entry_points.iter().find(|it| {
            it.app.app.package == package && way::class_of(it.component) == component && is_open_door(context, it)
        });
        let Some(entry) = entry.filter(|it| app_of(context, door.at.artifact).is_some_and(|app| app.at == it.app.at))
        else {
            continue;
        };
        findings.extend(judge(context, entry, &door));
    }
}

/// What the caller says counts for more than what happens whatever is said; then the plainest way.
fn add<'a>(doors: &mut BTreeMap<(&'a str, &'a str, &'a str), Door<'a>>, key: (&'a str, &'a str, &'a str), door: Door<'a>) {
    let rank = |it: &Door| (!it.told, it.way.has_check("caller-check"), it.way.indirect, it.way.steps.len());
    match doors.get(&key) {
        Some(known) if rank(known) <= rank(&door) => {}
        _ => _ = doors.insert(key, door),
    }
}

fn judge(context: &Context, entry: &EntryPoint, door: &Door) -> Option<Finding> {
    let app = entry.app;
    let power = way::power_of(door.sink)?;
    // Where it goes on through init, that is told as one.
    if door.sink == "set-property" && chain_across_layers::tells_of(context, &app.app.package, &entry.component.name) {
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
        "any app may call {} of {}, which leads to {}{}, {how}{check}",
        entry.component.name,
        app.app.package,
        way::sink_words(door.sink),
        door.into.map(|it| format!(" in {it}, to which it hands on what it is told")).unwrap_or_default(),
    );
    Some(Finding {
        benign: "the action may be what the component is there for, limited to what is harmless, or guarded in a way \
                 that was not recognised"
            .to_owned(),
        subject: format!("{} {} {}", app.app.package, entry.component.name, door.sink),
        device_path: app.device_path.clone(),
        evidence: evidence_of(app.declares_at(&entry.component.name), door.way),
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
