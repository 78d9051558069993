//! A pre-installed app that can be debugged: whoever has adb runs code with its powers.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "debuggable-app",
    class: Class::DebugLeftOpen,
    title: "Pre-installed app is debuggable",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place.is_system() && it.app.debuggable) {
        let system = app.app.shared_user_id.as_deref() == Some("android.uid.system");
        let factors = Factors {
            reach: Reach::Physical,
            power: if system { Power::System } else { Power::Data },
            concealment: Concealment::None,
            holder: Holder::Everyone,
        };
        let claim = format!(
            "{} is part of the system and its manifest sets android:debuggable, so that anyone with adb can run code as \
             this app",
            app.app.package
        );
        findings.push(Finding {
            benign: "an engineering build of this app was shipped by mistake".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![Evidence::at(app.at, "android:debuggable=\"true\" in AndroidManifest.xml")],
            references: vec!["Android developer documentation, <application android:debuggable>".to_owned()],
            action: "ask the maker for a build of this app that is not debuggable; keep adb off".to_owned(),
            ..DETECTOR.finding(Grade::Finding, Confidence::High, factors, claim)
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    use model::fact::app::App;
    Cases {
        fires: &[|| Fixture::phone().app("/system/app/A/A.apk", App { debuggable: true, ..app("a.b") }, "CN=x")],
        // An app that the user installed is the user's business.
        silent: &[|| Fixture::phone().app("/data/app/a.b/base.apk", App { debuggable: true, ..app("a.b") }, "CN=x")],
    }
};
