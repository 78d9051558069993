//! Identifiers or personal content of the user reach the network.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::flow::Flow;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Row};

use crate::way::{self, app_of, evidence_of, flow_of};
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "covert-telemetry",
    class: Class::CovertTelemetry,
    title: "Personal data leaves the phone",
    detect,
};

/// One finding an app: what leaves, and to whom as far as the code says. Told as privacy: whether it was declared
/// cannot be seen in the phone.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut by_app: BTreeMap<&str, Vec<&Row<Flow>>> = BTreeMap::new();
    for row in &context.phone.facts.flows {
        if row.value.rule == "personal-data-leaves" && row.value.sink == "network-output" {
            by_app.entry(&row.value.package).or_default().push(row);
        }
    }
    for mut flows in by_app.into_values() {
        flows.sort_by_key(|it| (it.value.way.indirect, it.value.way.steps.len()));
        let Some(&first) = flows.first() else { continue };
        let Some(app) = app_of(context, first.at.artifact) else { continue };
        let package = &app.app.package;
        let kinds: BTreeSet<&str> = flows.iter().map(|it| way::source_words(&it.value.source)).collect();
        let hosts: BTreeSet<&str> = flows.iter().flat_map(|it| &it.value.way.hosts).map(String::as_str).collect();
        let clear: Vec<&str> = hosts.iter().copied().filter(|it| it.starts_with("http://")).collect();
        let factors = Factors {
            reach: Reach::Remote,
            power: Power::Data,
            concealment: Concealment::None,
            holder: if app.place.is_system() { Holder::Legitimate } else { Holder::Unknown },
        };
        let whom = match hosts.len() {
            0 => "to whom, the code on the way does not say".to_owned(),
            _ => format!("the code on the way names {}", listed(&hosts)),
        };
        let clear = if clear.is_empty() { "" } else { "; some of these addresses are not encrypted" };
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let claim = format!("{package} hands to the network: {}; {whom}{clear}", kinds.join(", "));
        let mut evidence = evidence_of(first.at, &first.value.way);
        evidence.push(Evidence::at(first.at, format!("{} ways from such data to the network", flows.len())));
        findings.push(Finding {
            benign: "a service that the user asked for (synchronisation, maps, sign-in), or analytics that the vendor \
                     declares"
                .to_owned(),
            subject: package.clone(),
            device_path: app.device_path.clone(),
            evidence,
            flow: flow_of(first.at, &first.value.way),
            action: "compare with what the vendor declares; capture the traffic of a phone".to_owned(),
            ..DETECTOR.finding(Grade::Privacy, Confidence::Medium, factors, claim)
        });
    }
}

fn listed(hosts: &BTreeSet<&str>) -> String {
    let mut shown: Vec<&str> = hosts.iter().copied().take(HOSTS_SHOWN).collect();
    let more = format!("{} more", hosts.len().saturating_sub(HOSTS_SHOWN));
    if HOSTS_SHOWN < hosts.len() {
        shown.push(&more);
    }
    shown.join(", ")
}

/// Enough to see to whom.
const HOSTS_SHOWN: usize = 6;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};

    fn with(source: &str, sink: &str) -> Fixture {
        let path = "/system/app/A/A.apk";
        Fixture::phone().platform("CN=p").app(path, app("a.b"), "CN=p").flow(path, source, sink, None, &[])
    }

    Cases {
        fires: &[|| with("device-identifier", "network-output"), || with("sms-content", "network-output")],
        silent: &[|| with("device-identifier", "log"), || with("network-input", "network-output")],
    }
};
