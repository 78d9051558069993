//! Keys of Android Verified Boot that everyone can look up.

use serde::Deserialize;

use crate::table::Row;

/// A published key of Android Verified Boot, by the hash of the key as vbmeta carries it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvbKey {
    /// What its publisher calls it (`testkey_rsa4096`).
    pub name: String,
    /// Length in bits.
    pub bits: u32,
    /// SHA-256 of the public key blob.
    pub sha256: String,
    /// SHA-1 of the public key blob, as `avbtool info_image` prints it.
    pub sha1: String,
    /// Whether the private half is published too: then anyone can sign.
    pub private_known: bool,
    /// What the key is for.
    pub meaning: String,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for AvbKey {
    fn id(&self) -> String {
        self.sha256.clone()
    }

    fn keys(&self) -> Vec<String> {
        vec![self.sha256.clone(), self.sha1.clone()]
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}
