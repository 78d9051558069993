//! A pre-installed app signed with the certificate that every developer's machine makes for tests.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "debug-signed-app",
    class: Class::TrustRoot,
    title: "Pre-installed app signed for debugging",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place.is_system()) {
        let Some(signer) = app.signers.iter().find(|it| is_debug(&it.certificate.subject)) else { continue };
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::Data,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let claim = format!(
            "{} is part of the system and signed by \"{}\", the certificate that development tools make for tests: its \
             key lies unprotected on a developer's machine",
            app.app.package, signer.certificate.subject
        );
        findings.push(Finding {
            benign: "a test build of a harmless app was left in the image".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![Evidence::at(
                signer.at,
                format!("signer {}, SHA-256 {}", signer.certificate.subject, signer.certificate.sha256),
            )],
            references: vec!["Android developer documentation, \"Sign your debug build\"".to_owned()],
            action: "ask the maker who holds this key, and for a build signed with the maker's own".to_owned(),
            ..DETECTOR.finding(Grade::Finding, Confidence::High, factors, claim)
        });
    }
}

/// The subject that Android's build tools give their debug certificate.
fn is_debug(subject: &str) -> bool {
    let mut parts: Vec<&str> = subject.split(',').map(str::trim).collect();
    parts.sort_unstable();
    parts.contains(&"CN=Android Debug") && parts.contains(&"O=Android")
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    Cases {
        fires: &[|| Fixture::phone().app("/system/app/A/A.apk", app("a.b"), "CN=Android Debug, O=Android, C=US")],
        silent: &[
            || Fixture::phone().app("/system/app/A/A.apk", app("a.b"), "CN=Android Debugging Ltd, O=Tools"),
            || Fixture::phone().app("/data/app/a.b/base.apk", app("a.b"), "CN=Android Debug, O=Android, C=US"),
        ],
    }
};
