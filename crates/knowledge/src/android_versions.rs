//! Android's versions: SDK levels, names, and the oldest security patch level each can have.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A version of Android.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AndroidVersion {
    /// `ro.build.version.sdk`.
    pub sdk: u32,
    /// What `ro.build.version.release` says, each possible value (`5.1`, `5.1.1`).
    pub releases: Vec<String>,
    /// The patch level of the first public tag (`YYYY-MM-DD`): no build of this version has an older one. `None` where the
    /// source has none.
    #[serde(default)]
    pub first_patch: Option<String>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for AndroidVersion {
    fn id(&self) -> String {
        self.sdk.to_string()
    }

    /// The SDK level, and `release:` with each release.
    fn keys(&self) -> Vec<String> {
        let releases = self.releases.iter().map(|release| format!("release:{release}"));
        std::iter::once(self.id()).chain(releases).collect()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<AndroidVersion> {
    /// The version with this SDK level.
    pub fn of_sdk(&self, sdk: u32) -> Option<&AndroidVersion> {
        self.get(&sdk.to_string())
    }

    /// The versions that call themselves this release; Android 12 and 12L both say `12`.
    pub fn of_release<'a>(&'a self, release: &str) -> impl Iterator<Item = &'a AndroidVersion> + use<'a> {
        self.all(&format!("release:{release}"))
    }
}
