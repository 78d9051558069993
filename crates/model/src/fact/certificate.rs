//! An X.509 certificate or a bare public key, and what it stands for where it was found.

use serde::{Deserialize, Serialize};

/// A certificate. Hex is lower case without separators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What it stands for.
    pub role: Role,
    /// SHA-256 of the DER encoding.
    pub sha256: String,
    /// SHA-1 of the DER encoding: older lists know no other.
    pub sha1: String,
    /// MD5 of the DER encoding, by which some lists of spyware know it.
    pub md5: String,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub public_key_sha256: String,
    /// Subject, as RFC 4514 text.
    pub subject: String,
    /// Issuer, as RFC 4514 text.
    pub issuer: String,
    /// Serial number in hex.
    pub serial: String,
    /// Start of validity, seconds since 1970.
    pub not_before: i64,
    /// End of validity, seconds since 1970.
    pub not_after: i64,
    /// `RSA`, `EC`, `DSA`, `Ed25519` or the object identifier.
    pub key_algorithm: String,
    /// Length of the key in bits, where it has one.
    pub key_bits: Option<u32>,
    /// The signature's algorithm, by name or object identifier.
    pub signature_algorithm: String,
}

/// What a certificate stands for where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It signs this app by the v1 (JAR) scheme.
    ApkV1,
    /// It signs this app by the v2 scheme.
    ApkV2,
    /// It signs this app by the v3 scheme.
    ApkV3,
    /// It signs this app by the v3.1 scheme.
    ApkV31,
    /// It signs this app by the v3.2 scheme, beside another.
    ApkV32,
    /// An authority that the system trusts (`/system/etc/security/cacerts*`).
    SystemCa,
    /// It signs updates (`otacerts.zip`).
    OtaKey,
    /// It signs an APEX.
    Apex,
    /// `mac_permissions.xml` gives it a `seinfo`.
    MacPermissions,
    /// Found lying about: in an app's files, in a configuration.
    Other,
}
