//! Packages that are known by name, and who signs for whom.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A package of AOSP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AospPackage {
    /// Its name.
    pub package: String,
    /// What it is for.
    pub role: String,
    /// Which of the system's keys signs it: `platform`, `shared`, `media`, `networkstack`, or `testkey` for the default one.
    pub signed_by: String,
    /// `sharedUserId`; empty where it has none.
    #[serde(default)]
    pub shared_user: String,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for AospPackage {
    fn id(&self) -> String {
        self.package.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

/// An app that may change a phone from afar by its trade.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateAgent {
    /// Its package.
    pub package: String,
    /// What trade.
    pub kind: AgentKind,
    /// Whose it is.
    pub maker: String,
    /// What it does.
    pub what: String,
    /// The reference that proves the row.
    pub source: String,
}

/// The trade of an [`UpdateAgent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Updates the system or its apps.
    Updater,
    /// Sells or gives apps.
    Store,
    /// Installs packages for others.
    Installer,
    /// Manages the device for an employer or owner.
    Mdm,
    /// Acts for a carrier.
    CarrierAgent,
    /// Google's services.
    Services,
}

impl Row for UpdateAgent {
    fn id(&self) -> String {
        self.package.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

/// How a maker names itself in the certificates of its apps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorSigner {
    /// The brand.
    pub brand: String,
    /// Parts of a subject, each of which names the maker (`O=Xiaomi`).
    pub subjects: Vec<String>,
    /// Values of `ro.product.brand` or `ro.product.manufacturer`, in lower case, of phones whose own maker this is; none
    /// for makers of parts and of apps.
    pub brands: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for VendorSigner {
    fn id(&self) -> String {
        self.brand.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<VendorSigner> {
    /// Who this subject says it is. A subject is only a claim: anyone can write it into a certificate of his own.
    pub fn of_subject(&self, subject: &str) -> Option<&VendorSigner> {
        self.iter().find(|row| row.subjects.iter().any(|part| subject.split(',').any(|piece| piece.trim() == part)))
    }
}
