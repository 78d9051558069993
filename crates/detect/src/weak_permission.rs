//! A permission that stands before privileged components, and that any app gets by asking.

use std::collections::BTreeMap;

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use surface::{EntryPoint, Guard};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "weak-permission",
    class: Class::ExportedCapability,
    title: "Guarded by a permission that everyone gets",
    detect,
};

/// One finding a permission.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut by_permission: BTreeMap<&str, Vec<&EntryPoint>> = BTreeMap::new();
    for entry in &context.surface.entry_points {
        if let Guard::Open { permission, declared_by, level } = &entry.guard
            && level.base() == "normal"
            // The platform's own normal permissions are known to be open.
            && declared_by != "android"
            && entry.app.place.is_system()
            && entry.app.app.shared_user_id.as_deref().is_some_and(|it| it.starts_with("android.uid."))
        {
            by_permission.entry(permission).or_default().push(entry);
        }
    }
    for (permission, entries) in by_permission {
        let Some(declared) = context.phone.permissions.find(permission) else { continue };
        let Some(declaring) = context.phone.apps.package(&declared.package) else { continue };
        let factors = Factors {
            reach: Reach::AnyApp,
            power: Power::Settings,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let names: Vec<String> =
            entries.iter().map(|it| format!("{}/{}", it.app.app.package, it.component.name)).collect();
        let mut evidence =
            vec![Evidence::at(declaring.at, format!("permission {permission} is declared with protectionLevel normal"))];
        evidence.extend(entries.iter().map(|it| {
            Evidence::at(it.app.declares_at(&it.component.name), format!("{} is guarded by {permission}", it.component.name))
        }));
        findings.push(Finding {
            benign: "the component may check its caller again, or do nothing that matters".to_owned(),
            subject: permission.to_owned(),
            device_path: declaring.device_path.clone(),
            evidence,
            action: "ask the maker to declare the permission with the level signature".to_owned(),
            ..DETECTOR.finding(
                Grade::Suspicion,
                Confidence::Medium,
                factors,
                format!(
                    "{permission} guards components that run as the system ({}), and {} declares it so that any app gets \
                     it by asking",
                    names.join(", "),
                    declared.package
                ),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component};
    use model::fact::app::{App, ComponentKind, Permission};

    fn with(level: u32) -> Fixture {
        let app = App {
            shared_user_id: Some("android.uid.system".to_owned()),
            components: vec![component(ComponentKind::Service, "a.b.S", Some("a.b.CALL"), &[])],
            permissions: vec![Permission { name: "a.b.CALL".to_owned(), protection_level: level, group: None }],
            ..app("a.b")
        };
        Fixture::phone().platform("CN=p").app("/system/app/A/A.apk", app, "CN=p")
    }

    Cases { fires: &[|| with(0)], silent: &[|| with(2), || with(0x12)] }
};
