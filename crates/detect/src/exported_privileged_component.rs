//! A component of a privileged app that any app may call: a suspicion until a flow shows where it leads.

use std::collections::BTreeMap;

use model::fact::app::ComponentKind;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{InstalledApp, Place};
use surface::{EntryPoint, is_sent_by_the_system};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "exported-privileged-component",
    class: Class::ExportedCapability,
    title: "Privileged app can be called by any app",
    detect,
};

/// One finding an app.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut by_app: BTreeMap<&str, Vec<&EntryPoint>> = BTreeMap::new();
    for entry in &context.surface.entry_points {
        if is_privileged(entry.app) && entry.guard.is_open_to_any_app() && !is_ordinary(entry) {
            by_app.entry(&entry.app.app.package).or_default().push(entry);
        }
    }
    for (package, entries) in by_app {
        let Some(app) = entries.first().map(|it| it.app) else { continue };
        // Where the code was followed, it is known where its doors lead: see exported-capability.
        let entries: Vec<&EntryPoint> = entries.into_iter().filter(|it| !is_settled(context, it)).collect();
        if entries.is_empty() {
            continue;
        }
        let powers: Vec<&str> = POWERS.iter().copied().filter(|it| app.asks_for(it)).collect();
        let factors = Factors {
            reach: Reach::AnyApp,
            power: Power::Settings,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let names: Vec<&str> = entries.iter().map(|it| short(&it.component.name)).collect();
        let claim = format!(
            "any app may call {} of {package}, which holds {}; what the call leads to cannot be told from the manifest",
            listed(&names),
            powers.join(", ")
        );
        let evidence = entries.iter().take(EVIDENCE_MAX).map(|it| {
            let kind = kind_of(it.component.kind);
            Evidence::at(app.declares_at(&it.component.name), format!("{kind} {} is exported and not guarded", it.component.name))
        });
        findings.push(Finding {
            benign: "many such components check their caller in code, or do nothing that matters".to_owned(),
            subject: package.to_owned(),
            device_path: app.device_path.clone(),
            evidence: evidence.collect(),
            action: "look at what these components do with what they receive".to_owned(),
            ..DETECTOR.finding(Grade::Suspicion, Confidence::Low, factors, claim)
        });
    }
}

/// Whether the code behind the component was followed whole, or is known to lead to a privileged action.
fn is_settled(context: &Context, entry: &EntryPoint) -> bool {
    let facts = &context.phone.facts;
    let of_app = |at: &model::Location| {
        at.artifact == entry.app.artifact || entry.app.splits.contains(&at.artifact)
    };
    let whole = facts.followed.iter().any(|it| of_app(&it.at) && it.value.whole && it.value.n_run != 0);
    let class = crate::way::class_of(entry.component);
    let leads = facts.reaches.iter().any(|it| of_app(&it.at) && it.value.component == class);
    whole || leads
}

/// Enough to see the pattern.
const EVIDENCE_MAX: usize = 12;

/// Powers that a caller would gain.
const POWERS: &[&str] = &[
    "android.permission.INSTALL_PACKAGES",
    "android.permission.DELETE_PACKAGES",
    "android.permission.MASTER_CLEAR",
    "android.permission.RECOVERY",
    "android.permission.REBOOT",
    "android.permission.WRITE_SECURE_SETTINGS",
    "android.permission.MANAGE_DEVICE_ADMINS",
    "android.permission.CALL_PRIVILEGED",
    "android.permission.MODIFY_PHONE_STATE",
    "android.permission.SEND_SMS",
    "android.permission.READ_LOGS",
    "android.permission.CAPTURE_AUDIO_OUTPUT",
    "android.permission.READ_FRAME_BUFFER",
    "android.permission.INJECT_EVENTS",
];

fn is_privileged(app: &InstalledApp) -> bool {
    matches!(app.place, Place::Privileged | Place::System | Place::Framework) && POWERS.iter().any(|it| app.asks_for(it))
}

/// What every app has: screens (a user sees them), and receivers of broadcasts that only the system sends.
fn is_ordinary(entry: &EntryPoint) -> bool {
    match entry.component.kind {
        ComponentKind::Activity | ComponentKind::ActivityAlias => true,
        ComponentKind::Receiver => {
            let mut actions = entry.component.filters.iter().flat_map(|it| &it.actions).peekable();
            actions.peek().is_some() && actions.all(|it| is_sent_by_the_system(it))
        }
        ComponentKind::Service | ComponentKind::Provider => false,
    }
}

fn kind_of(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Activity => "activity",
        ComponentKind::ActivityAlias => "activity alias",
        ComponentKind::Service => "service",
        ComponentKind::Receiver => "receiver",
        ComponentKind::Provider => "provider",
    }
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [a] => (*a).to_owned(),
        [a, b] => format!("{a} and {b}"),
        [a, b, rest @ ..] => format!("{a}, {b} and {} more components", rest.len()),
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app_asking, component};
    use model::fact::app::{App, Component};

    fn with(component: Component, permissions: &[&str]) -> Fixture {
        let app = App { components: vec![component], ..app_asking("a.b", permissions) };
        Fixture::phone().platform("CN=p").app("/system/priv-app/A/A.apk", app, "CN=p")
    }
    const INSTALL: &[&str] = &["android.permission.INSTALL_PACKAGES"];

    Cases {
        fires: &[
            || with(component(ComponentKind::Receiver, "a.b.Do", None, &["a.b.DO"]), INSTALL),
            || with(component(ComponentKind::Service, "a.b.S", Some("android.permission.INTERNET"), &[]), INSTALL),
        ],
        silent: &[
            || with(component(ComponentKind::Receiver, "a.b.Do", Some("android.permission.DUMP"), &["a.b.DO"]), INSTALL),
            || {
                let boot = &["android.intent.action.BOOT_COMPLETED"];
                with(component(ComponentKind::Receiver, "a.b.Boot", None, boot), INSTALL)
            },
            || with(component(ComponentKind::Receiver, "a.b.Do", None, &["a.b.DO"]), &["android.permission.VIBRATE"]),
            || {
                let service = component(ComponentKind::Service, "a.b.S", None, &[]);
                with(Component { exported: Some(false), ..service }, INSTALL)
            },
        ],
    }
};
