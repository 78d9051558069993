//! A file that apps or a computer may write is watched by an app of the system, and what stands in it decides about an action.

use model::finding::{Concealment, Factors, Holder, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use surface::{Gate, GateKind, Lead, Outsider};

use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "watched-file",
    class: Class::ExportedCapability,
    title: "A file that others may write decides about an action",
    detect,
};

/// One finding a gate: the way to the greatest power.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for gate in context.surface.gates.iter().filter(|it| it.kind == GateKind::WritableFile) {
        let app = context.phone.tree.ancestors(gate.at.artifact).find_map(|it| way::app_of(context, it.id));
        let Some(app) = app.filter(|it| it.place.is_system()) else { continue };
        // What a service of init runs is told by others; this one is watched by an app.
        let is_watched = |it: &&Lead| it.steps.first().is_some_and(|it| it.layer == "app" && it.what.ends_with("watches it"));
        let leads = gate.leads.iter().filter(is_watched).filter(|it| it.told && !it.loose);
        let best = leads
            .filter_map(|lead| Some((way::power_of(&lead.capability)?, gate.open_along(lead).next()?, lead)))
            .min_by_key(|it| (it.0, it.2.steps.len()));
        if let Some((power, outsider, lead)) = best {
            let factors = Factors {
                reach: if outsider < Outsider::Usb { Reach::AnyApp } else { Reach::Physical },
                power,
                concealment: Concealment::None,
                holder: Holder::Unknown,
            };
            let grade = if way::is_privileged(context, app) { Grade::Finding } else { Grade::Capability };
            findings.push(judge(gate, lead, outsider, factors, grade));
        }
    }
}

fn judge(gate: &Gate, lead: &Lead, outsider: Outsider, factors: Factors, grade: Grade) -> Finding {
    let evidence = lead.steps.iter().map(|it| Evidence::at(it.at, format!("{}: {}", it.layer, it.what)));
    Finding {
        benign: "a hook for tests, or a file of the maker's own tools; what is read may be limited to a few values in a way \
                 that was not recognised"
            .to_owned(),
        subject: format!("{} {} {}", gate.owner, gate.name, lead.capability),
        device_path: gate.device_path.clone(),
        evidence: evidence.collect(),
        action: "read the steps below; write the file on a phone of your own, and see what happens".to_owned(),
        ..DETECTOR.finding(
            grade,
            Confidence::Medium,
            factors,
            format!(
                "{} watches {}, which {} may write, and what stands there reaches {}",
                gate.owner,
                gate.name,
                outsider.words(),
                way::sink_words(&lead.capability),
            ),
        )
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    use model::fact::call::CodeCall;

    fn with(path: &str, file: &str, sink: &str) -> Fixture {
        let fixture = Fixture::phone().platform("CN=p").app(path, app("a.b"), "CN=p");
        let mut fixture = fixture.flow(path, "shared-storage-input", sink, None, &[]);
        let class = fixture.facts.flows.iter().find_map(|it| Some(it.value.way.steps.first()?.class.clone()));
        let at = fixture.facts.flows.first().map(|it| it.at.artifact).expect("a flow");
        let call = CodeCall {
            what: "watch-file".to_owned(),
            class: "a.b.C".to_owned(),
            method: "m()V".to_owned(),
            args: vec![Some(file.to_owned()), class],
            ..CodeCall::default()
        };
        fixture.facts.calls.push(Fixture::row(at, call));
        fixture
    }
    const APP: &str = "/system/priv-app/A/A.apk";

    Cases {
        fires: &[
            || with(APP, "/sdcard/tasks.lst", "execute-command"),
            || with(APP, "/data/local/tmp/x", "install-package"),
        ],
        silent: &[
            || with(APP, "/data/data/a.b/files/tasks.lst", "execute-command"),
            || with(APP, "/sdcard/tasks.lst", "log"),
            || with("/data/app/A/A.apk", "/sdcard/tasks.lst", "execute-command"),
        ],
    }
};
