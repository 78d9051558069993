//! Who knows a constant can have the phone act.

use std::collections::BTreeMap;

use model::fact::flow::Flow;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Finding, Grade, Row};
use phone::InstalledApp;

use crate::way::{self, app_of, evidence_of, flow_of};
use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "magic-secret",
    class: Class::MagicSecret,
    title: "A constant opens a privileged action",
    detect,
};

/// One finding for each app, kind of action and constant.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Row<Flow>>> = BTreeMap::new();
    for row in &context.phone.facts.flows {
        let flow = &row.value;
        let Some(secret) = flow.secret.as_deref().filter(|_| flow.rule == "secret-decides" && !flow.bundled) else {
            continue;
        };
        let sink = context.surface.commands.capability(&flow.sink, &flow.way);
        if sink != "fixed-program" {
            groups.entry((&flow.package, sink, secret)).or_default().push(row);
        }
    }
    for ((_, sink, secret), mut flows) in groups {
        // Of several ways in the farthest, then the shortest.
        flows.sort_by_key(|it| (reach_of(&it.value.source), it.value.way.indirect, it.value.way.steps.len()));
        let Some(&first) = flows.first() else { continue };
        let Some(app) = app_of(context, first.at.artifact).filter(|it| it.place.is_system()) else { continue };
        findings.extend(judge(context, app, sink, secret, first));
    }
}

fn judge(context: &Context, app: &InstalledApp, sink: &str, secret: &str, row: &Row<Flow>) -> Option<Finding> {
    let flow = &row.value;
    let power = way::power_of(sink)?;
    let text = secret.trim_matches('"');
    let by_message = matches!(flow.source.as_str(), "sms-content" | "push-message");
    // Servers and other apps tell each other by names what to do. Only what nobody would come upon is a secret.
    if !by_message && !is_unguessable(text) {
        return None;
    }
    let dialed = flow.source == "exported-intent" && text.bytes().all(|it| it.is_ascii_digit());
    let grade = match () {
        () if dialed || !way::is_privileged(context, app) => Grade::Capability,
        () if by_message && is_unguessable(text) && power < Power::Settings && !flow.way.indirect => Grade::Finding,
        () => Grade::Suspicion,
    };
    let factors = Factors {
        reach: if dialed { Reach::Physical } else { reach_of(&flow.source) },
        power,
        concealment: Concealment::Hidden,
        holder: if grade == Grade::Capability { Holder::Legitimate } else { Holder::Unknown },
    };
    let claim = format!(
        "in {}, {} is compared with the constant {secret}, and the outcome decides about {}",
        app.app.package,
        way::source_words(&flow.source),
        way::sink_words(sink),
    );
    let confidence = if flow.way.indirect { Confidence::Low } else { Confidence::Medium };
    Some(Finding {
        benign: "a code of an engineering screen, a protocol between the maker's own apps and servers, or a check that \
                 something else on the way repeats"
            .to_owned(),
        subject: format!("{} {sink} {secret}", app.app.package),
        device_path: app.device_path.clone(),
        evidence: evidence_of(row.at, &flow.way),
        flow: flow_of(row.at, &flow.way),
        action: "read the way below; find out who knows the constant, and try what it opens on a phone of your own"
            .to_owned(),
        ..DETECTOR.finding(grade, confidence, factors, claim)
    })
}

fn reach_of(source: &str) -> Reach {
    match source {
        "sms-content" | "push-message" | "network-input" => Reach::Remote,
        "password" => Reach::Physical,
        _ => Reach::AnyApp,
    }
}

/// Whether a text is no word, no name and no address: digits, signs that nobody writes, letters mixed with digits.
fn is_unguessable(text: &str) -> bool {
    if text.len() < SECRET_MIN || text.contains(['.', '/', ':', ' ']) {
        return false;
    }
    let n = |of: fn(&char) -> bool| text.chars().filter(of).count();
    let digits = n(char::is_ascii_digit);
    let signs = n(|it| "#*!@$%^&~|".contains(*it));
    digits == text.len() || 2 <= signs || (LONG <= text.len() && 3 <= digits && !text.contains('_'))
}

/// Shorter constants are numbers of something.
const SECRET_MIN: usize = 4;

/// Letters with digits are a name (`sha256`, `oauth2`) unless there are many.
const LONG: usize = 12;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};

    fn with(path: &str, source: &str, sink: &str, secret: &str) -> Fixture {
        Fixture::phone().platform("CN=p").app(path, app("a.b"), "CN=p").secret(path, source, sink, secret)
    }
    const SYSTEM: &str = "/system/priv-app/A/A.apk";

    Cases {
        fires: &[
            || with(SYSTEM, "sms-content", "install-package", "\"##sync##\""),
            || with(SYSTEM, "push-message", "execute-command", "\"run\""),
            || with(SYSTEM, "exported-intent", "factory-reset", "\"9f86d081884c7d65\""),
        ],
        silent: &[
            || with(SYSTEM, "exported-intent", "install-package", "\"stop\""),
            || with(SYSTEM, "network-input", "load-code", "\"com.example.v2\""),
            || with(SYSTEM, "sms-content", "log", "\"##sync##\""),
            || with("/data/app/A/A.apk", "sms-content", "install-package", "\"##sync##\""),
        ],
    }
};
