//! An app that a user or a preloader installed calls itself a part of Android, and asks for what sees or rules everything.

use model::fact::app::ComponentKind;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{InstalledApp, Place};

use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "imitates-system",
    class: Class::ImplantedSpyware,
    title: "Installed app under a name of the system",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place == Place::Data) {
        let by_package = ["android.", "com.android."].iter().any(|it| app.app.package.starts_with(it));
        let label = app.app.label.as_deref().unwrap_or_default().to_ascii_lowercase();
        let by_label = LABELS.iter().any(|it| label == *it) && !app.has_launcher();
        let grants = grants_of(app);
        if (!by_package && !by_label) || grants.is_empty() || !app.asks_for("android.permission.INTERNET") || is_known(context, app) {
            continue;
        }
        let claim = format!(
            "{} (\"{}\"), which was installed and is signed by \"{}\", calls itself a part of the system, and asks to be {}, with the network",
            app.app.package,
            app.app.label.as_deref().unwrap_or_default(),
            app.signer_subject(),
            grants.iter().map(|it| it.1).collect::<Vec<_>>().join(" and ")
        );
        let factors = Factors {
            reach: Reach::Remote,
            power: Power::Data,
            // A package's name is seen by nobody who can open the app by its icon.
            concealment: if app.has_launcher() { Concealment::None } else { Concealment::Misleading },
            holder: Holder::Unknown,
        };
        findings.push(Finding {
            benign: "accessibility tools, parental control and managed phones ask for the same, under names of their own".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: grants.iter().map(|it| Evidence::at(app.declares_at(it.0), format!("{} is {}", it.0, it.1))).collect(),
            action: "ask who installed it; do not use the phone for anything confidential until then".to_owned(),
            ..DETECTOR.finding(Grade::Suspicion, Confidence::Medium, factors, claim)
        });
    }
}

/// Components that a user has to grant a view of everything.
fn grants_of(app: &InstalledApp) -> Vec<(&str, &'static str)> {
    let services = app.app.components.iter().filter(|it| matches!(it.kind, ComponentKind::Service | ComponentKind::Receiver));
    services
        .filter_map(|it| {
            let what = GRANTS.iter().find(|grant| it.permission.as_deref() == Some(grant.0))?.1;
            Some((it.name.as_str(), what))
        })
        .collect()
}

/// Whether who signs it may use such a name: the platform, or a maker that is known to name its apps so.
fn is_known(context: &Context, app: &InstalledApp) -> bool {
    let makers = context.knowledge.vendor_signers.iter().flat_map(|it| &it.subjects);
    let mut parts = makers.map(String::as_str);
    let system = context.phone.apps.all.iter().filter(|it| it.place.is_system());
    way::is_of_the_platform(context, app)
        || parts.any(|part| app.signers.iter().any(|it| it.certificate.subject.contains(part)))
        || system.into_iter().any(|it| it.signers.iter().any(|it| app.is_signed_by(&it.certificate.sha256)))
}

const GRANTS: &[(&str, &str)] = &[
    ("android.permission.BIND_ACCESSIBILITY_SERVICE", "an accessibility service"),
    ("android.permission.BIND_NOTIFICATION_LISTENER_SERVICE", "told of all notifications"),
    ("android.permission.BIND_DEVICE_ADMIN", "an administrator of the device"),
];

/// Names that a user takes for a part of Android.
const LABELS: &[&str] = &[
    "system service", "system services", "system update", "android system", "sync services", "device health", "wifi service",
    "battery", "android update", "update service", "internet service", "settings", "process manager",
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking, component};
    use model::fact::app::App;

    fn with(package: &str, label: &str, permission: &str, signer: &str) -> Fixture {
        let service = component(ComponentKind::Service, "a.S", Some(permission), &[]);
        let app = App {
            components: vec![service],
            label: Some(label.to_owned()),
            ..app_asking(package, &["android.permission.INTERNET"])
        };
        Fixture::phone().platform("CN=p").app("/data/app/a/base.apk", app, signer)
    }
    const ACCESSIBILITY: &str = "android.permission.BIND_ACCESSIBILITY_SERVICE";

    Cases {
        fires: &[
            || with("com.android.sync.helper", "Sync", ACCESSIBILITY, "CN=x"),
            || with("org.n.s", "System Service", "android.permission.BIND_DEVICE_ADMIN", "CN=x"),
        ],
        silent: &[
            || with("org.reader", "Screen Reader", ACCESSIBILITY, "CN=x"),
            || with("com.android.chrome", "Chrome", ACCESSIBILITY, "CN=Android, O=Google Inc."),
            || with("com.android.tool", "Tool", "android.permission.BIND_JOB_SERVICE", "CN=x"),
        ],
    }
};
