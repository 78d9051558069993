//! Certificate authorities that Android, or Mozilla, trusts or once trusted.

use serde::Deserialize;

use crate::SdkRanges;
use crate::table::{Row, Table};

/// A certificate authority that has been in Android's own store or is in Mozilla's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ca {
    /// SHA-256 of the certificate's DER.
    pub sha256: String,
    /// Its subject, as RFC 4514 text.
    pub subject: String,
    /// The versions in which AOSP shipped it; none where it never did, or only before Android 4.4.
    #[serde(default)]
    pub sdks: SdkRanges,
    /// Shipped only before Android 4.4: the day (`YYYY-MM-DD`) of the last commit that had it.
    #[serde(default)]
    pub gone: Option<String>,
    /// The newest release of Mozilla's list, among those that were looked at, that holds it.
    #[serde(default)]
    pub mozilla: Option<String>,
    /// Trusted only for Wi-Fi Passpoint, in a store of its own.
    #[serde(default)]
    pub wfa: bool,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for Ca {
    fn id(&self) -> String {
        self.sha256.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

/// The SDK levels for which the baseline knows Android's own store. For newer ones Mozilla's list must do.
pub const CA_BASELINE_SDKS: std::ops::RangeInclusive<u32> = 19..=36;

impl Table<Ca> {
    /// How a certificate with this SHA-256 stands to Android's own store of this SDK level.
    pub fn standing(&self, sha256: &str, sdk: u32) -> CaStanding<'_> {
        match self.get(sha256) {
            None => CaStanding::Unknown,
            Some(ca) if ca.sdks.contains(sdk) => CaStanding::Shipped(ca),
            Some(ca) if ca.mozilla.is_some() => CaStanding::Mozilla(ca),
            Some(ca) => CaStanding::OtherVersion(ca),
        }
    }
}

/// How a certificate stands to Android's own store.
#[derive(Debug, Clone, Copy)]
pub enum CaStanding<'a> {
    /// Android of this version ships it.
    Shipped(&'a Ca),
    /// Android of this version does not ship it, but Mozilla trusts it, or did within the last releases.
    Mozilla(&'a Ca),
    /// Android of another version, most often an older one, ships it.
    OtherVersion(&'a Ca),
    /// Neither has ever shipped it: somebody else's.
    Unknown,
}

/// An authority that lost the trust of those who keep the public lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaDistrust {
    /// Whose authority it is.
    pub name: String,
    /// Parts of a subject, each of which gives the authority away (`O=WoSign CA Limited`).
    pub subjects: Vec<String>,
    /// When trust ended (`YYYY-MM-DD`, or `YYYY-MM`).
    pub date: String,
    /// Why.
    pub reason: String,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for CaDistrust {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<CaDistrust> {
    /// The row whose authority this subject names.
    pub fn of_subject(&self, subject: &str) -> Option<&CaDistrust> {
        self.iter().find(|row| row.subjects.iter().any(|part| subject.contains(part.as_str())))
    }
}

/// A place where a phone keeps certificates, and what trust they get there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaStore {
    /// Folder or file on the phone; `*` stands for any text.
    pub path: String,
    /// Who trusts what lies there.
    pub trusted_by: CaScope,
    /// What it is for.
    pub meaning: String,
    /// The reference that proves the row.
    pub source: String,
}

/// Who trusts a certificate of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaScope {
    /// Every app, for every connection.
    AllApps,
    /// One service, for its own connections.
    OneService,
}

impl Row for CaStore {
    fn id(&self) -> String {
        self.path.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
