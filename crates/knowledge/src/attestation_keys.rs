//! Keys that key attestation and transparency logs end in.

use serde::Deserialize;

use crate::table::Row;

/// A key that chains of attestation end in, or that signs a log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestationKey {
    /// What it is called.
    pub name: String,
    /// What it signs.
    #[serde(rename = "use")]
    pub signs: AttestationUse,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub sha256: String,
    /// The `SubjectPublicKeyInfo`, in Base64.
    pub public_key: String,
    /// The reference that proves the row.
    pub source: String,
}

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttestationUse {
    /// Certificates of secure hardware; its owner alone can sign.
    Hardware,
    /// Certificates of software; keys below it are published.
    Software,
    /// Checkpoints of a transparency log.
    Log,
}

impl Row for AttestationKey {
    fn id(&self) -> String {
        self.sha256.clone()
    }

    fn keys(&self) -> Vec<String> {
        vec![self.sha256.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
