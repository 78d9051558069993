//! A component that any app may ask answers with what only apps with a permission may know.

use std::collections::BTreeMap;

use model::fact::app::ComponentKind;
use model::fact::flow::Flow;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Finding, Grade, Row};
use surface::EntryPoint;

use crate::way::{self, app_of, evidence_of, flow_of, is_open_door};
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "data-for-any-app",
    class: Class::ExportedCapability,
    title: "Any app can ask for personal data",
    detect,
};

/// One finding for each app, component and kind of data.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut answers: BTreeMap<(&str, &str, &str), &Row<Flow>> = BTreeMap::new();
    for row in &context.phone.facts.flows {
        let flow = &row.value;
        let guarded = GUARDED.contains(&flow.source.as_str());
        if !guarded || flow.sink != "result-out" || flow.bundled || flow.into.is_some() {
            continue;
        }
        // Whose answer it is: a receiver sets it in a method of its own.
        let Some(class) = flow.way.steps.last().map(|it| it.class.as_str()) else { continue };
        let rank = |it: &Flow| (it.way.has_check("caller-check"), it.way.indirect, it.way.steps.len());
        let known = answers.entry((&flow.package, class, &flow.source)).or_insert(row);
        if rank(flow) < rank(&known.value) {
            *known = row;
        }
    }
    for ((package, class, _), row) in answers {
        let entry = context.surface.entry_points.iter().find(|it| {
            it.app.app.package == package
                && it.component.kind == ComponentKind::Receiver
                && it.component.name == class
                && is_open_door(context, it)
        });
        let of_the_app = |it: &&EntryPoint| app_of(context, row.at.artifact).is_some_and(|app| app.at == it.app.at);
        if let Some(entry) = entry.filter(of_the_app).filter(|it| it.app.place.is_system()) {
            findings.push(judge(entry, row));
        }
    }
}

fn judge(entry: &EntryPoint, row: &Row<Flow>) -> Finding {
    let (app, flow) = (entry.app, &row.value);
    let checked = flow.way.has_check("caller-check");
    let grade = if checked || flow.way.indirect { Grade::Capability } else { Grade::Finding };
    let factors = Factors {
        reach: Reach::AnyApp,
        power: Power::Data,
        concealment: Concealment::None,
        holder: if grade == Grade::Capability { Holder::Legitimate } else { Holder::Unknown },
    };
    let claim = format!(
        "any app may send a broadcast to {} of {}, and the answer holds {}{}",
        entry.component.name,
        app.app.package,
        way::source_words(&flow.source),
        if checked { "; a check of the caller lies on the way" } else { "; no check of the caller was seen" },
    );
    Finding {
        benign: "a tool for tests, or an answer that leaves out what is personal".to_owned(),
        subject: format!("{} {} {}", app.app.package, entry.component.name, flow.source),
        device_path: app.device_path.clone(),
        evidence: evidence_of(app.declares_at(&entry.component.name), &flow.way),
        flow: flow_of(row.at, &flow.way),
        action: "read the way step by step; send the broadcast from an app without permissions".to_owned(),
        ..DETECTOR.finding(grade, Confidence::High, factors, claim)
    }
}

/// What an app needs a permission, a role or the user's consent for.
const GUARDED: &[&str] = &[
    "accessibility-event",
    "account",
    "browser-history",
    "calendar",
    "call-log",
    "clipboard",
    "contacts",
    "device-identifier",
    "location",
    "notification-content",
    "phone-number",
    "provider-data",
    "sms-content",
    "subscriber-identifier",
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component};
    use model::fact::app::App;

    fn with(kind: ComponentKind, permission: Option<&str>, source: &str) -> Fixture {
        let path = "/system/app/A/A.apk";
        let answers = component(kind, "a.b.C", permission, &["a.b.ASK"]);
        Fixture::phone()
            .platform("CN=p")
            .app(path, App { components: vec![answers], ..app("a.b") }, "CN=v")
            .flow(path, source, "result-out", None, &[])
    }

    Cases {
        fires: &[
            || with(ComponentKind::Receiver, None, "location"),
            || with(ComponentKind::Receiver, Some("android.permission.INTERNET"), "sms-content"),
        ],
        silent: &[
            || with(ComponentKind::Receiver, Some("android.permission.DUMP"), "location"),
            || with(ComponentKind::Activity, None, "contacts"),
            || with(ComponentKind::Receiver, None, "sensor"),
        ],
    }
};
