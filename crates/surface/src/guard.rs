//! What stands before an entry point, and whom it stops.

use model::fact::app::{Component, ComponentKind};
use phone::{Phone, ProtectionLevel};

use crate::Outsider;

/// What stands before an exported component, by its true strength on this phone.
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

    /// As one of the barriers of a gate.
    pub fn barrier(&self) -> Option<Barrier> {
        Some(match self {
            Guard::None => return None,
            Guard::Open { permission, declared_by, level } => Barrier {
                kind: "permission",
                text: format!("{permission} ({}, declared by {declared_by})", level.base()),
                passes: if level.base() == "normal" { ANY_APP } else { ASKING_APPS },
            },
            Guard::Closed { permission, declared_by } => Barrier {
                kind: "permission",
                text: format!("{permission} (signature or privileged, declared by {declared_by})"),
                passes: &[],
            },
            Guard::Undeclared { permission } => Barrier {
                kind: "permission",
                text: format!("{permission}, which nobody declares: an app that declares it holds it"),
                passes: ASKING_APPS,
            },
        })
    }
}

/// Something that stands in the way, and who gets past it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// `permission`, `caller-check`, `verification`, `secret`, `file-mode`, `selinux`, `protected-broadcast`, `not-exported`, `idle`, `user`,
    /// `adb`.
    pub kind: &'static str,
    /// In words, with its strength.
    pub text: String,
    /// Who gets past it.
    pub passes: &'static [Outsider],
}

/// Outsiders that a permission of base normal lets through.
pub const ANY_APP: &[Outsider] = &[Outsider::App, Outsider::AskingApp];

/// Outsiders that a permission lets through for which the user is asked.
pub const ASKING_APPS: &[Outsider] = &[Outsider::AskingApp];

/// The guard of a component: its permission; for a provider the weaker of reading and writing.
pub fn guard_of(phone: &Phone, component: &Component) -> Guard {
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

pub(crate) fn guard_of_permission(phone: &Phone, permission: Option<&str>) -> Guard {
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
