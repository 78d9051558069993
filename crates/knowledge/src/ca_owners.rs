//! Whose an authority is, where that matters: a state's, a carrier's, or everyone's.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A holder of certificate authorities.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaOwner {
    /// Who, in words.
    pub name: String,
    /// What kind of holder.
    pub kind: CaOwnerKind,
    /// The country's two letters; empty where nobody holds the key alone.
    #[serde(default)]
    pub country: String,
    /// Parts of a subject, each of which names the holder.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// SHA-256 of certificates.
    #[serde(default)]
    pub sha256: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

/// What kind of holder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaOwnerKind {
    /// A state, or a body of one.
    Government,
    /// A carrier.
    Carrier,
    /// Everyone: the private key came with a product.
    PublicKey,
}

impl Row for CaOwner {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<CaOwner> {
    /// Whose the certificate with this SHA-256 and subject is, or says it is.
    pub fn of(&self, sha256: &str, subject: &str) -> Option<&CaOwner> {
        let is_it = |row: &&CaOwner| {
            row.sha256.iter().any(|it| it == sha256) || row.subjects.iter().any(|it| subject.contains(it.as_str()))
        };
        self.iter().find(is_it)
    }
}
