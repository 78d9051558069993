//! A pre-installed app without an entry in the launcher that may install software, read or send messages, and use the
//! network: what a remote operator needs. A capability of its holder, not a backdoor.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "hidden-installer",
    class: Class::CarrierAgent,
    title: "App without icon may install, message and connect",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let platform = context.phone.platform_signer();
    for app in context.phone.apps.effective().filter(|it| it.place.is_system() && !it.has_launcher()) {
        let first = |names: &[&'static str]| names.iter().copied().find(|it| app.asks_for(it));
        let (Some(install), Some(sms), true) =
            (first(INSTALL), first(SMS), app.asks_for("android.permission.INTERNET"))
        else {
            continue;
        };
        let by_platform = platform.is_some_and(|it| app.is_signed_by(&it.certificate.sha256));
        let factors = Factors {
            reach: Reach::Remote,
            power: Power::Install,
            concealment: Concealment::None,
            holder: if by_platform { Holder::Legitimate } else { Holder::Unknown },
        };
        let claim = format!(
            "{} has no icon, and asks for {install}, {sms} and the network; its signer \"{}\" decides what it does with \
             them",
            app.app.package,
            app.signer_subject()
        );
        findings.push(Finding {
            benign: "updaters, backup and carrier services of the phone's maker have such powers".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: vec![Evidence::at(
                app.at,
                format!("uses-permission {install}, {sms}, android.permission.INTERNET; no MAIN/LAUNCHER filter"),
            )],
            action: "ask whose app this is, and for what it needs these powers".to_owned(),
            ..DETECTOR.finding(Grade::Capability, Confidence::Medium, factors, claim)
        });
    }
}

const INSTALL: &[&str] = &["android.permission.INSTALL_PACKAGES"];
const SMS: &[&str] = &[
    "android.permission.READ_SMS",
    "android.permission.RECEIVE_SMS",
    "android.permission.SEND_SMS",
    "android.permission.RECEIVE_WAP_PUSH",
    "android.permission.BROADCAST_SMS",
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking, component};
    use model::fact::app::{App, ComponentKind, IntentFilter};
    const ALL: &[&str] =
        &["android.permission.INSTALL_PACKAGES", "android.permission.READ_SMS", "android.permission.INTERNET"];
    Cases {
        fires: &[|| Fixture::phone().app("/system/priv-app/A/A.apk", app_asking("a.b", ALL), "CN=x")],
        silent: &[
            || Fixture::phone().app("/system/priv-app/A/A.apk", app_asking("a.b", &ALL[1..]), "CN=x"),
            || {
                let mut screen = component(ComponentKind::Activity, "a.b.Main", None, &["android.intent.action.MAIN"]);
                screen.filters = vec![IntentFilter {
                    categories: vec!["android.intent.category.LAUNCHER".to_owned()],
                    ..screen.filters[0].clone()
                }];
                let app = App { components: vec![screen], ..app_asking("a.b", ALL) };
                Fixture::phone().app("/system/priv-app/A/A.apk", app, "CN=x")
            },
        ],
    }
};
