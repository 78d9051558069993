//! What AOSP itself has, by version: where a phone has more, somebody added it.

use serde::Deserialize;

use crate::SdkRanges;
use crate::table::{Row, Table};

/// A package of a running AOSP build.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselinePackage {
    /// Its name.
    pub package: String,
    /// The versions that have it.
    pub sdks: SdkRanges,
    /// The reference that proves the row.
    pub source: String,
}

/// A library of AOSP's boot class path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineBootJar {
    /// Its name, without folder and ending.
    pub jar: String,
    /// The versions that have it there.
    pub sdks: SdkRanges,
    /// The reference that proves the row.
    pub source: String,
}

/// A name under which a service of AOSP is found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineService {
    /// Its name (binder), or its interface (HIDL).
    pub name: String,
    /// The versions that have it.
    pub sdks: SdkRanges,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for BaselinePackage {
    fn id(&self) -> String {
        self.package.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Row for BaselineBootJar {
    fn id(&self) -> String {
        self.jar.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Row for BaselineService {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<BaselinePackage> {
    /// Whether AOSP of this version has such a package; `None` where nothing is known of the version.
    pub fn has(&self, package: &str, sdk: u32) -> Option<bool> {
        let known = self.iter().any(|it| it.sdks.contains(sdk));
        known.then(|| self.get(package).is_some_and(|it| it.sdks.contains(sdk)))
    }
}

impl Table<BaselineBootJar> {
    /// Whether AOSP of this version has such a library in its boot class path (`/system/framework/ext.jar`); `None` where
    /// nothing is known of the version.
    pub fn has(&self, path: &str, sdk: u32) -> Option<bool> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.strip_suffix(".jar").unwrap_or(name);
        let known = self.iter().any(|it| it.sdks.contains(sdk));
        known.then(|| self.get(name).is_some_and(|it| it.sdks.contains(sdk)))
    }
}

impl Table<BaselineService> {
    /// Whether AOSP's policy of this version knows a service of this name; `None` where nothing is known of the version.
    pub fn has(&self, name: &str, sdk: u32) -> Option<bool> {
        let known = self.iter().any(|it| it.sdks.contains(sdk));
        known.then(|| self.get(name).is_some_and(|it| it.sdks.contains(sdk)))
    }
}
