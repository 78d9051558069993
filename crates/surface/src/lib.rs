//! The surface of a phone: where something from outside can enter, and what guards it. Today that is what manifests say;
//! sockets, services, properties and code join the same graph.

use model::fact::app::{Component, ComponentKind};
use phone::{InstalledApp, Phone, ProtectionLevel};

/// Everything that an outsider can reach, with what guards it.
pub struct Surface<'a> {
    /// Exported components of effective, enabled apps, in the order of packages and manifests.
    pub entry_points: Vec<EntryPoint<'a>>,
}

/// An exported component.
pub struct EntryPoint<'a> {
    /// The app that it belongs to.
    pub app: &'a InstalledApp,
    /// The component.
    pub component: &'a Component,
    /// What stands before it. For a provider the weaker of its two sides.
    pub guard: Guard,
}

/// What stands before an entry point, by its true strength on this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    None,
    /// A permission that any app gets by asking (base normal), or by asking the user (dangerous).
    Open {
        /// The permission.
        permission: String,
        /// The package that declares it.
        declared_by: String,
        /// Its level.
        level: ProtectionLevel,
    },
    /// A permission that only the same signer, or a privileged app, gets.
    Closed {
        /// The permission.
        permission: String,
        /// The package that declares it.
        declared_by: String,
    },
    /// A permission that nobody on this phone declares: nobody holds it, and the first app that declares it decides
    /// about its level.
    Undeclared {
        /// The permission.
        permission: String,
    },
}

impl Guard {
    /// Whether any app can pass: nothing stands there, or a permission of base normal.
    pub fn is_open_to_any_app(&self) -> bool {
        match self {
            Guard::None => true,
            Guard::Open { level, .. } => level.base() == "normal",
            Guard::Closed { .. } | Guard::Undeclared { .. } => false,
        }
    }
}

impl<'a> Surface<'a> {
    /// Joins what the phone's manifests say.
    pub fn of(phone: &'a Phone) -> Surface<'a> {
        let entry_points = phone
            .apps
            .effective()
            .filter(|it| it.app.enabled)
            .flat_map(|app| app.app.components.iter().map(move |component| (app, component)))
            .filter(|(app, component)| component.enabled && component.is_exported(app.app.effective_target_sdk()))
            .map(|(app, component)| EntryPoint { app, component, guard: guard_of(phone, component) })
            .collect();
        Surface { entry_points }
    }
}

/// The guard of a component: its permission; for a provider the weaker of reading and writing.
fn guard_of(phone: &Phone, component: &Component) -> Guard {
    if component.kind != ComponentKind::Provider {
        return guard_of_permission(phone, component.permission.as_deref());
    }
    let side = |own: &Option<String>| guard_of_permission(phone, own.as_deref().or(component.permission.as_deref()));
    let (read, write) = (side(&component.read_permission), side(&component.write_permission));
    if strength(&write) < strength(&read) { write } else { read }
}

fn strength(guard: &Guard) -> u8 {
    match guard {
        Guard::None => 0,
        Guard::Open { level, .. } if level.base() == "normal" => 1,
        Guard::Open { .. } => 2,
        Guard::Undeclared { .. } => 3,
        Guard::Closed { .. } => 4,
    }
}

fn guard_of_permission(phone: &Phone, permission: Option<&str>) -> Guard {
    let Some(permission) = permission.filter(|it| !it.is_empty()) else { return Guard::None };
    let name = permission.to_owned();
    match phone.permissions.find(permission) {
        None => Guard::Undeclared { permission: name },
        Some(declared) if declared.level.is_open() => {
            Guard::Open { permission: name, declared_by: declared.package.clone(), level: declared.level }
        }
        Some(declared) => Guard::Closed { permission: name, declared_by: declared.package.clone() },
    }
}
