//! Properties that open a build for users to debugging.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "debug-properties",
    class: Class::DebugLeftOpen,
    title: "Build for users is open to debugging",
    detect,
};

/// One finding a property. What was set for engineering builds is no finding there.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    if phone.properties.build("type") != Some("user") {
        return;
    }
    for (name, value) in phone.properties.iter() {
        let Some(rule) = context.knowledge.props.broken_by(name, &value.text) else { continue };
        let network = name.contains("tcp");
        let factors = Factors {
            reach: if network { Reach::Adjacent } else { Reach::Physical },
            power: Power::System,
            concealment: Concealment::None,
            holder: Holder::Everyone,
        };
        findings.push(Finding {
            benign: "left over from an engineering build".to_owned(),
            subject: name.to_owned(),
            device_path: phone.device_path(value.at.artifact).to_owned(),
            evidence: vec![Evidence::at(value.at, format!("{name}={}", value.text))],
            references: vec![rule.source.clone()],
            action: "ask the maker for a build for users without this setting; keep adb switched off".to_owned(),
            ..DETECTOR.finding(
                Grade::Finding,
                Confidence::High,
                factors,
                format!("this is a build for users, and sets {name}={}: {}", value.text, rule.meaning),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    Cases {
        fires: &[
            || Fixture::phone().property("ro.build.type", "user").property("ro.debuggable", "1"),
            || Fixture::phone().property("ro.build.type", "user").property("ro.secure", "0"),
        ],
        silent: &[
            || Fixture::phone().property("ro.build.type", "user").property("ro.debuggable", "0"),
            || Fixture::phone().property("ro.build.type", "userdebug").property("ro.debuggable", "1"),
        ],
    }
};
