//! Permissions with the app that declares them and their true protection level.

use std::collections::BTreeMap;

use crate::Apps;

/// Every permission that an app of the phone declares.
#[derive(Debug, Default)]
pub struct Permissions {
    declared: BTreeMap<String, Declared>,
}

/// A permission as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The package that declares it. Where several do, the platform's own, else the first by package name.
    pub package: String,
    /// Its level.
    pub level: ProtectionLevel,
    /// Other packages that declare it too.
    pub others: Vec<String>,
}

/// `PermissionInfo.protectionLevel`: a base in the lowest four bits, flags above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtectionLevel(pub u32);

impl ProtectionLevel {
    /// Whether any app gets it by asking: base `normal`, or `dangerous` after a question to the user.
    pub fn is_open(self) -> bool {
        matches!(self.0 & 0xf, 0 | 1)
    }

    /// The base in Android's words.
    pub fn base(self) -> &'static str {
        match self.0 & 0xf {
            0 => "normal",
            1 => "dangerous",
            2 => "signature",
            3 => "signature|privileged",
            4 => "internal",
            _ => "unknown",
        }
    }

    /// Whether privileged apps get it as well (`privileged` flag, or the old `signatureOrSystem` base).
    pub fn is_privileged(self) -> bool {
        self.0 & 0x10 != 0 || self.0 & 0xf == 3
    }
}

impl Permissions {
    pub(crate) fn of(apps: &Apps) -> Permissions {
        let mut declared: BTreeMap<String, Declared> = BTreeMap::new();
        let platform_first = |package: &str| package != "android";
        let mut effective: Vec<_> = apps.effective().collect();
        effective.sort_by_key(|it| (platform_first(&it.app.package), it.app.package.clone()));
        for app in effective {
            for permission in &app.app.permissions {
                match declared.get_mut(&permission.name) {
                    Some(first) => first.others.push(app.app.package.clone()),
                    None => {
                        let level = ProtectionLevel(permission.protection_level);
                        let package = app.app.package.clone();
                        declared.insert(permission.name.clone(), Declared { package, level, others: Vec::new() });
                    }
                }
            }
        }
        Permissions { declared }
    }

    /// Who declares a permission, and how. `None`: nobody on this phone; then nobody holds it.
    pub fn find(&self, name: &str) -> Option<&Declared> {
        self.declared.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Declared)> {
        self.declared.iter().map(|(name, declared)| (name.as_str(), declared))
    }
}
