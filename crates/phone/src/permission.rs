//! Permissions with the app that declares them and their true protection level.

use std::collections::BTreeMap;

use knowledge::{Knowledge, Protection};

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
    /// What the phone's apps declare; the framework's own permissions come from the knowledge of AOSP where the
    /// framework is not in the input.
    pub(crate) fn of(apps: &Apps, knowledge: &Knowledge, sdk: Option<u32>) -> Permissions {
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
        if apps.package("android").is_none() {
            for row in knowledge.permissions.iter() {
                let Some(level) = level_of(row, sdk.unwrap_or(SDK_NEWEST)) else { continue };
                declared.entry(row.name.clone()).or_insert_with(|| Declared {
                    package: "android".to_owned(),
                    level,
                    others: Vec::new(),
                });
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

/// Newer than any SDK level: then the newest declaration is taken.
const SDK_NEWEST: u32 = u32::MAX;

/// The level that AOSP of this SDK level declares, as a number.
fn level_of(row: &knowledge::Permission, sdk: u32) -> Option<ProtectionLevel> {
    let base = match row.protection_at(sdk)? {
        Protection::Normal => 0,
        Protection::Dangerous => 1,
        Protection::Signature => 2,
        Protection::Internal => 4,
    };
    let privileged =
        row.level_at(sdk)?.split('|').any(|it| matches!(it, "privileged" | "system" | "signatureOrSystem"));
    Some(ProtectionLevel(base | if privileged { 0x10 } else { 0 }))
}
