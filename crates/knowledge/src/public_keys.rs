//! Certificates whose private key is not private.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A certificate whose private key anyone may have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// What its publisher calls it (`testkey`, `platform`).
    pub name: String,
    /// SHA-256 of the certificate's DER, in lower-case hex.
    pub sha256: String,
    /// SHA-1 of the certificate's DER.
    pub sha1: String,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub public_key_sha256: String,
    /// The certificate's subject, as RFC 4514 text.
    pub subject: String,
    /// What such a key is for, and who then holds what it guards.
    pub meaning: String,
    /// Packages that carry this signature on ordinary phones and gain nothing by it.
    #[serde(default)]
    pub innocent_packages: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for PublicKey {
    fn id(&self) -> String {
        self.sha256.clone()
    }

    /// All hashes of the certificate and of its key.
    fn keys(&self) -> Vec<String> {
        vec![self.sha256.clone(), self.sha1.clone(), self.public_key_sha256.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<PublicKey> {
    /// Whether this subject is the one that the Android SDK gives to every debug key. Each developer has a key of their
    /// own under this name, with a password that everyone knows; which one it is, the subject cannot say.
    /// Source: <https://developer.android.com/studio/publish/app-signing#debug-mode>.
    pub fn is_debug_subject(&self, subject: &str) -> bool {
        let parts: Vec<&str> = subject.split(',').map(str::trim).collect();
        ["CN=Android Debug", "O=Android", "C=US"].iter().all(|part| parts.contains(part))
    }
}
