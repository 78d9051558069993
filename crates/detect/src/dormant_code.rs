//! A privileged action that waits for a date, a country or a device.

use std::collections::BTreeMap;

use model::fact::flow::Flow;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Finding, Grade, Row};

use crate::way::{self, app_of, evidence_of, flow_of};
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "dormant-code",
    class: Class::MagicSecret,
    title: "Acts only at some time, in some place or on some device",
    detect,
};

/// One finding for each app, gate and kind of action.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Row<Flow>>> = BTreeMap::new();
    for row in &context.phone.facts.flows {
        let flow = &row.value;
        let sink = context.surface.commands.capability(&flow.sink, &flow.way);
        let acts = way::power_of(sink).is_some() && sink != "fixed-program";
        if flow.rule == "dormant" && !flow.bundled && acts {
            groups.entry((&flow.package, &flow.source, sink)).or_default().push(row);
        }
    }
    for ((package, source, sink), mut flows) in groups {
        flows.sort_by_key(|it| (it.value.way.indirect, it.value.way.steps.len()));
        let Some(&first) = flows.first() else { continue };
        let Some(app) = app_of(context, first.at.artifact).filter(|it| it.place.is_system()) else { continue };
        let Some(power) = way::power_of(sink) else { continue };
        let flow = &first.value;
        let mut constants: Vec<&str> = flows.iter().filter_map(|it| it.value.secret.as_deref()).collect();
        constants.sort_unstable();
        constants.dedup();
        // Makers build one app for many countries and models; a date in code has no such reason.
        let dated = source == "time" && way::is_privileged(context, app) && power < Power::Settings;
        let grade = if dated { Grade::Suspicion } else { Grade::Capability };
        let factors = Factors {
            reach: Reach::Physical,
            power,
            concealment: Concealment::Hidden,
            holder: if dated { Holder::Unknown } else { Holder::Legitimate },
        };
        let claim = format!(
            "in {package}, {} is compared with {}, and the outcome decides about {}",
            way::source_words(source),
            constants.join(", "),
            way::sink_words(sink),
        );
        let confidence = if flow.way.indirect { Confidence::Low } else { Confidence::Medium };
        findings.push(Finding {
            benign: "a campaign or certificate that ends on a day, a law of one country, a fault of one model".to_owned(),
            subject: format!("{package} {source} {sink}"),
            device_path: app.device_path.clone(),
            evidence: evidence_of(first.at, &flow.way),
            flow: flow_of(first.at, &flow.way),
            action: "read the way below; a phone elsewhere, or with another date, may behave otherwise".to_owned(),
            ..DETECTOR.finding(grade, confidence, factors, claim)
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};

    fn with(source: &str, sink: &str, secret: &str) -> Fixture {
        let path = "/system/priv-app/A/A.apk";
        Fixture::phone().platform("CN=p").app(path, app("a.b"), "CN=p").secret(path, source, sink, secret)
    }

    Cases {
        fires: &[
            || with("time", "execute-command", "1700000000000"),
            || with("region", "install-package", "\"cn\""),
        ],
        silent: &[
            || with("sms-content", "install-package", "\"##sync##\""),
            || with("time", "change-settings", "1700000000000"),
            || Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app("a.b"), "CN=p"),
        ],
    }
};
