//! An app in a place of the system where no package manager looks: something else must load it.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{Environment, InstalledApp, Place};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "code-outside-app-folders",
    class: Class::PreloadDropper,
    title: "Code where no installer looks",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let outside = |it: &&InstalledApp| {
        it.place == Place::Elsewhere
            && it.environment == Some(Environment::Normal)
            && it.app.overlay.is_none()
            && !usual(&it.device_path)
    };
    for app in phone.apps.all.iter().filter(outside) {
        let named_apk = app.device_path.to_ascii_lowercase().ends_with(".apk");
        let inside = app.device_path.contains('!');
        let platform = phone.platform_signer().map(|it| it.certificate.sha256.as_str());
        let by_platform = platform.is_some_and(|it| app.is_signed_by(it));
        // An app packed into another is common (themes, plugins, watch apps); one that hides its name is not.
        if inside && (named_apk || by_platform) {
            continue;
        }
        let factors = Factors {
            reach: Reach::AnyApp,
            power: Power::Data,
            concealment: if named_apk { Concealment::None } else { Concealment::Misleading },
            holder: if by_platform { Holder::Legitimate } else { Holder::Unknown },
        };
        let name = if named_apk { "" } else { ", under a name that is not that of an app" };
        let claim = format!(
            "{} is an app ({}) in a place where the package manager looks for none{name}; something on the phone has to \
             load or install it",
            app.device_path, app.app.package
        );
        findings.push(Finding {
            benign: "vendors keep apps for a first installation, themes and plugins outside the usual folders".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![
                Evidence::at(app.at, format!("AndroidManifest.xml of {}", app.app.package)),
                Evidence::artifact(app.artifact, format!("signed by {}", app.signer_subject())),
            ],
            action: "find out which program reads this file, and whether it verifies it".to_owned(),
            ..DETECTOR.finding(Grade::Suspicion, Confidence::Medium, factors, claim)
        });
    }
}

/// Places where vendors keep apps that something documented installs.
fn usual(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "/apex/", "/preload", "/vital-app", "/del-app", "/reserve", "/preset", "/themes/", "/theme/", "/custom_app",
        "/removable-app", "/stub", "/container",
    ];
    FOLDERS.iter().any(|it| path.contains(it))
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};
    Cases {
        fires: &[
            || Fixture::phone().platform("CN=p").app("/system/etc/wifi/cal.bin", app("a.plugin"), "CN=x"),
            || Fixture::phone().platform("CN=p").app("/system/fonts/Extra.apk", app("a.plugin"), "CN=x"),
        ],
        silent: &[
            || Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app("a.b"), "CN=x"),
            || Fixture::phone().platform("CN=p").app("/system/app/A/A.apk!assets/wear.apk", app("a.b"), "CN=x"),
            || Fixture::phone().platform("CN=p").app("/vendor/overlay/Theme.apk", app("a.overlay"), "CN=x"),
        ],
    }
};
