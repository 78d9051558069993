//! An app that asks to share the system's user id and is not signed by the platform.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "foreign-system-uid",
    class: Class::TrustRoot,
    title: "Foreign app wants the system's user id",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    // Without the platform's own signer nothing is foreign.
    let Some(platform) = context.phone.platform_signer() else { return };
    for app in context.phone.apps.effective().filter(|it| it.place.is_system()) {
        let shared = app.app.shared_user_id.as_deref().unwrap_or_default();
        if !SYSTEM_IDS.contains(&shared) || app.signers.is_empty() || app.is_signed_by(&platform.certificate.sha256) {
            continue;
        }
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::System,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let claim = format!(
            "{} asks for the user id {shared} and is signed by \"{}\", not by the platform's signer \"{}\": an unmodified \
             Android refuses it, so either the app does not work or the system was changed to accept it",
            app.app.package,
            app.signer_subject(),
            platform.certificate.subject
        );
        let signer = app.signers.first();
        let mut evidence = vec![Evidence::at(app.at, format!("android:sharedUserId=\"{shared}\""))];
        evidence.extend(signer.map(|it| Evidence::at(it.at, format!("signer SHA-256 {}", it.certificate.sha256))));
        evidence.push(Evidence::at(platform.at, format!("platform signer SHA-256 {}", platform.certificate.sha256)));
        findings.push(Finding {
            benign: "left over from another model of the vendor; the package manager then leaves it out".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence,
            action: "look whether the app is installed on a running phone, and under which user id".to_owned(),
            ..DETECTOR.finding(Grade::Suspicion, Confidence::High, factors, claim)
        });
    }
}

const SYSTEM_IDS: &[&str] = &["android.uid.system", "android.uid.phone", "android.uid.systemui", "android.uid.bluetooth", "android.uid.nfc"];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    use model::fact::app::App;

    fn with(shared: &str, signer: &str) -> Fixture {
        let app = App { shared_user_id: Some(shared.to_owned()), ..app("a.b") };
        Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app, signer)
    }

    Cases {
        fires: &[|| with("android.uid.system", "CN=x")],
        silent: &[|| with("android.uid.system", "CN=p"), || with("a.shared", "CN=x")],
    }
};
