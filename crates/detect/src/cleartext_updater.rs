//! An app that installs software and may load it over an unencrypted connection.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::InstalledApp;

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "cleartext-updater",
    class: Class::RemoteCommand,
    title: "Installer allows unencrypted traffic",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place.is_system()) {
        let power = POWERS.iter().find(|it| app.asks_for(it));
        let (Some(power), true, Some((how, stated))) = (power, app.asks_for("android.permission.INTERNET"), cleartext(app)) else {
            continue;
        };
        let factors = Factors {
            reach: Reach::Adjacent,
            power: Power::Install,
            concealment: Concealment::None,
            holder: Holder::Legitimate,
        };
        let claim = format!(
            "{} asks for {power} and for the network, and {how}: whether what it loads is verified cannot be told from \
             the manifest",
            app.app.package
        );
        findings.push(Finding {
            benign: "most installers verify what they load, or use encrypted connections although they need not"
                .to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![Evidence::at(app.at, format!("uses-permission {power}; {how}"))],
            references: vec!["CVE-2016-6564: an updater that ran commands from an unencrypted answer".to_owned()],
            action: "look at what it loads and how it verifies it".to_owned(),
            // A default of its time is no signal.
            ..DETECTOR.finding(if stated { Grade::Suspicion } else { Grade::Capability }, Confidence::Low, factors, claim)
        });
    }
}

const POWERS: &[&str] = &["android.permission.INSTALL_PACKAGES", "android.permission.RECOVERY"];

/// Why unencrypted connections are allowed, and whether the manifest states it; `None` where they are not, or where a configuration decides that is not
/// read. Since target SDK 28 they are not allowed by default.
fn cleartext(app: &InstalledApp) -> Option<(String, bool)> {
    let sdk = app.app.effective_target_sdk();
    match app.app.uses_cleartext_traffic {
        _ if app.app.network_security_config.is_some() && 24 <= sdk => None,
        Some(true) => Some(("its manifest allows unencrypted traffic".to_owned(), true)),
        Some(false) => None,
        None if sdk < 28 => Some((format!("its target SDK {sdk} allows unencrypted traffic"), false)),
        None => None,
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking};
    use model::fact::app::App;
    const POWERFUL: &[&str] = &["android.permission.INSTALL_PACKAGES", "android.permission.INTERNET"];
    Cases {
        fires: &[
            || {
                let app = App { uses_cleartext_traffic: Some(true), ..app_asking("a.ota", POWERFUL) };
                Fixture::phone().app("/system/priv-app/A/A.apk", app, "CN=x")
            },
            || {
                let app = App { target_sdk: Some(22), ..app_asking("a.ota", POWERFUL) };
                Fixture::phone().app("/system/priv-app/A/A.apk", app, "CN=x")
            },
        ],
        silent: &[
            || Fixture::phone().app("/system/priv-app/A/A.apk", app_asking("a.ota", POWERFUL), "CN=x"),
            || {
                let app = App { uses_cleartext_traffic: Some(true), ..app_asking("a", &["android.permission.INTERNET"]) };
                Fixture::phone().app("/system/app/A/A.apk", app, "CN=x")
            },
        ],
    }
};
