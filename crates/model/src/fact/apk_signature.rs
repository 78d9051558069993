//! What the signatures of a package say about its bytes.

use serde::{Deserialize, Serialize};

/// The signatures of a package, recomputed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApkSignature {
    /// What versions of Android decide: disjoint ranges of API levels, ascending, from the package's minimum on.
    pub levels: Vec<Level>,
    /// Who signed, by scheme; only signers whose signature was verified.
    pub signers: Vec<Signer>,
    /// Certificates that the signer followed, oldest first, the signer last.
    pub lineage: Vec<Ancestor>,
    /// The store's stamp, where there is one.
    pub stamp: Option<Stamp>,
    /// Whether a file with signatures of the scheme v4 lay beside it.
    pub has_v4_file: bool,
}

/// What versions of Android decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The first API level.
    pub from: u32,
    /// The last one; none where there is no end.
    pub to: Option<u32>,
    /// The schemes that were verified: of several, a phone takes the newest that it knows.
    pub schemes: Vec<Scheme>,
    /// Why it does not verify; empty where it does.
    pub problems: Vec<Problem>,
}

impl Level {
    /// Whether these versions of Android accept the package.
    pub fn verifies(&self) -> bool {
        self.problems.is_empty()
    }
}

/// A signature scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// Of JAR files.
    #[serde(rename = "v1")]
    V1,
    /// Android 7 on.
    #[serde(rename = "v2")]
    V2,
    /// Android 9 on.
    #[serde(rename = "v3")]
    V3,
    /// Android 13 on.
    #[serde(rename = "v3.1")]
    V31,
    /// Android 17 on: two signers, one of them of ML-DSA.
    #[serde(rename = "v3.2")]
    V32,
    /// Beside the package, for installation while it is still being loaded.
    #[serde(rename = "v4")]
    V4,
}

impl Scheme {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::V1 => "v1",
            Scheme::V2 => "v2",
            Scheme::V3 => "v3",
            Scheme::V31 => "v3.1",
            Scheme::V32 => "v3.2",
            Scheme::V4 => "v4",
        }
    }
}

/// Someone who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// By which scheme.
    pub scheme: Scheme,
    /// SHA-256 of the certificate, in hex.
    pub certificate_sha256: String,
}

/// A certificate of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// SHA-256 of the certificate, in hex.
    pub certificate_sha256: String,
    /// What apps of this signer are still trusted with.
    pub capabilities: Vec<Capability>,
}

/// What apps that a past certificate signed are still trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Data of the installed app go over to the new one.
    InstalledData,
    /// They may share a user id.
    SharedUid,
    /// They are granted signature permissions.
    Permission,
    /// The app may go back to this certificate.
    Rollback,
    /// They may authenticate.
    Auth,
}

/// One reason why a package does not verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// AOSP's name for it (`com.android.apksig.ApkVerifier.Issue`), in kebab-case.
    pub kind: String,
    /// What it means.
    pub class: Class,
    /// Entries of the package that it is about, not more than a few.
    pub entries: Vec<String>,
    /// How many it is about.
    pub count: u64,
}

/// What a problem of a signature means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// There is no signature.
    Unsigned,
    /// Bytes are not those that were signed.
    Content,
    /// Something that was signed is not there.
    Missing,
    /// The signature is not by its key.
    Signature,
    /// A newer signature was taken away.
    Stripped,
    /// The signature is malformed.
    Malformed,
    /// An algorithm that these versions do not know.
    Unsupported,
    /// The signatures contradict each other or a rule of the platform.
    Rule,
}

/// The stamp of a store over the signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// SHA-256 of its certificate, in hex, where it can be read.
    pub certificate_sha256: Option<String>,
    /// AOSP's names for what is wrong with it; empty where it verifies.
    pub problems: Vec<String>,
}
