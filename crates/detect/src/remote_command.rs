//! What the network says reaches a command, loaded code, an installation or a property of a pre-installed app.

use std::collections::BTreeMap;

use model::fact::flow::Flow;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Finding, Grade, Row};
use phone::InstalledApp;

use crate::way::{self, app_of, evidence_of, flow_of};
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "remote-command",
    class: Class::RemoteCommand,
    title: "What the network says reaches a privileged action",
    detect,
};

/// One finding for each app and kind of action.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&str, &str), Vec<&Row<Flow>>> = BTreeMap::new();
    let hubs = way::Hubs::of(context);
    for row in &context.phone.facts.flows {
        let flow = &row.value;
        // A message that is passed on is data that leaves, and no order.
        let passed_on = flow.source == "sms-content" && flow.sink == "send-sms";
        let sink = context.surface.commands.capability(&flow.sink, &flow.way);
        let counts = SOURCES.contains(&flow.source.as_str()) && way::power_of(sink).is_some();
        if counts && !passed_on && !flow.bundled && flow.secret.is_none() && !hubs.hide(flow, sink) {
            groups.entry((&flow.package, sink)).or_default().push(row);
        }
    }
    for ((_, sink), mut flows) in groups {
        // The plainest way stands for all.
        flows.sort_by_key(|it| {
            (it.value.way.has_check("verification"), it.value.way.indirect, it.value.way.steps.len())
        });
        let Some(&first) = flows.first() else { continue };
        let Some(app) = app_of(context, first.at.artifact).filter(|it| it.place.is_system()) else { continue };
        if let Some(finding) = judge(context, app, sink, first, flows.len()) {
            findings.push(finding);
        }
    }
}

fn judge(context: &Context, app: &InstalledApp, sink: &str, row: &Row<Flow>, n: usize) -> Option<Finding> {
    let flow = &row.value;
    let power = way::power_of(sink)?;
    let verified = flow.way.has_check("verification");
    let acting = way::acting(context, row)?;
    let privileged = way::is_privileged(context, acting);
    let runs_code = matches!(
        sink,
        "execute-command" | "set-property" | "modem-command" | "selinux" | "init-control" | "enable-adb"
    );
    let grade = match () {
        // The platform checks the signature of an update itself; settings and reboots are what updaters and policies do.
        () if verified || matches!(power, Power::Settings) || sink == "system-update" => Grade::Capability,
        () if way::is_faint(&flow.way, sink) => Grade::Capability,
        () if privileged && runs_code && !flow.way.indirect => Grade::Finding,
        () => Grade::Suspicion,
    };
    let confidence = if flow.way.indirect { Confidence::Low } else { Confidence::Medium };
    let factors = Factors {
        reach: if flow.source == "bluetooth-input" { Reach::Adjacent } else { Reach::Remote },
        power,
        concealment: Concealment::None,
        // The maker of the phone answers for what its key signed; not for an order that is followed unverified, which
        // whoever is on the network's way may give.
        holder: match grade {
            Grade::Capability => Holder::Legitimate,
            Grade::Suspicion if way::is_of_the_platform(context, app) => Holder::Legitimate,
            _ => Holder::Unknown,
        },
    };
    let more = if n == 1 { String::new() } else { format!(" (one of {n} ways)") };
    let check = if verified { "a verification lies on the way" } else { "no verification was seen on the way" };
    let claim = format!(
        "in {}, {} reaches {}{}{more}; {check}",
        app.app.package,
        way::source_words(&flow.source),
        way::sink_words(sink),
        way::into_words(flow),
    );
    Some(Finding {
        benign: "a store, an updater or a plug-in of the vendor does the same; what was received may be verified in a \
                 way that was not recognised, and only a name or number of it may matter"
            .to_owned(),
        subject: format!("{} {sink}", app.app.package),
        device_path: app.device_path.clone(),
        evidence: evidence_of(row.at, &flow.way),
        flow: flow_of(row.at, &flow.way),
        action: "read the way step by step; find out which server it is, and whether what it sends is signed".to_owned(),
        ..DETECTOR.finding(grade, confidence, factors, claim)
    })
}

/// What comes from far away.
const SOURCES: &[&str] = &["network-input", "push-message", "sms-content", "cell-broadcast", "bluetooth-input"];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    use model::fact::flow::Step;

    fn with(path: &str, source: &str, sink: &str, checks: &[&str]) -> Fixture {
        Fixture::phone().platform("CN=p").app(path, app("a.b"), "CN=p").flow(path, source, sink, None, checks)
    }
    const SYSTEM: &str = "/system/priv-app/A/A.apk";

    /// What the network says, and much else, lies in one place of the app.
    fn by_hub(sink: &str) -> Fixture {
        let mut fixture = with(SYSTEM, "network-input", sink, &[]);
        for source in ["location", "contacts", "device-identifier", "account"] {
            fixture = fixture.flow(SYSTEM, source, "network-output", None, &[]);
        }
        for row in &mut fixture.facts.flows {
            let what = "lies in static La/Log;.buffer".to_owned();
            row.value.way.steps.insert(1, Step { at: None, class: String::new(), method: String::new(), what });
            (row.value.way.indirect, row.value.way.stored) = (true, false);
        }
        fixture
    }

    Cases {
        fires: &[
            || with(SYSTEM, "network-input", "execute-command", &[]),
            || with(SYSTEM, "push-message", "install-package", &[]),
            || with(SYSTEM, "sms-content", "load-code", &["verification"]),
            // A command is told all the same.
            || by_hub("execute-command"),
        ],
        silent: &[
            || with(SYSTEM, "shared-storage-input", "execute-command", &[]),
            || with(SYSTEM, "network-input", "log", &[]),
            || with(SYSTEM, "sms-content", "send-sms", &[]),
            || with("/data/app/A/A.apk", "network-input", "execute-command", &[]),
            // Values of every kind lie in one place: which of them comes out of it is not known.
            || by_hub("load-code"),
        ],
    }
};
