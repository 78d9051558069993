//! Who controls this phone: those who can change it without asking its user.

use model::fact::certificate::Role;
use model::report::Controller;
use phone::InstalledApp;

use crate::Context;

/// Updaters, installers, holders of device administration, authorities and update keys, apps that share the platform's
/// key, each with its signer; sorted.
pub fn controllers(context: &Context) -> Vec<Controller> {
    let phone = context.phone;
    let mut controllers = Vec::new();
    let mut add = |role: &str, package: &str, signer: &str, device_path: &str| {
        controllers.push(Controller {
            role: role.to_owned(),
            package: package.to_owned(),
            signer: signer.to_owned(),
            device_path: device_path.to_owned(),
        });
    };
    for app in phone.apps.effective().filter(|it| it.place.is_system()) {
        for (role, permissions) in ROLES {
            if permissions.iter().all(|it| app.asks_for(it)) {
                add(role, &app.app.package, app.signer_subject(), &app.device_path);
            }
        }
        if is_device_admin(app) {
            add("device-admin", &app.app.package, app.signer_subject(), &app.device_path);
        }
    }
    for row in phone.running(&phone.facts.certificates) {
        let role = match row.value.role {
            Role::SystemCa => "ca",
            Role::OtaKey => "ota-key",
            _ => continue,
        };
        add(role, &row.value.subject, &row.value.issuer, phone.device_path(row.at.artifact));
    }
    controllers.sort();
    controllers.dedup();
    controllers
}

/// A role and the permissions that make it, all of them.
const ROLES: &[(&str, &[&str])] = &[
    ("installer", &["android.permission.INSTALL_PACKAGES"]),
    ("remover", &["android.permission.DELETE_PACKAGES"]),
    ("updater", &["android.permission.RECOVERY"]),
    ("updater", &["android.permission.ACCESS_CACHE_FILESYSTEM", "android.permission.REBOOT"]),
    ("eraser", &["android.permission.MASTER_CLEAR"]),
    ("device-owner-setter", &["android.permission.MANAGE_DEVICE_ADMINS"]),
];

/// Whether an app has a receiver that the user can make an administrator of the device.
fn is_device_admin(app: &InstalledApp) -> bool {
    app.app.components.iter().any(|it| it.permission.as_deref() == Some("android.permission.BIND_DEVICE_ADMIN"))
}
