//! Whether an image, a partition or an update package is the one that was signed.

use serde::{Deserialize, Serialize};

/// What was recomputed of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCheck {
    /// The partition, or the file.
    pub name: String,
    /// By what it is covered.
    pub method: Method,
    /// Whether it is the one that was signed.
    pub state: State,
    /// Hash and signature, by name.
    pub algorithm: String,
    /// SHA-256 of the key (as it stands in the metadata, or of the `SubjectPublicKeyInfo`), in hex; none where nobody
    /// signed.
    pub public_key_sha256: Option<String>,
    /// The rollback index of the metadata, where they have one.
    pub rollback_index: Option<u64>,
    /// Whether the metadata tell the boot loader not to look.
    pub is_disabled: bool,
    /// Runs of bytes that are not those that were signed, as far as they can be told: offset and size.
    pub altered: Vec<(u64, u64)>,
    /// How many blocks these are in all.
    pub n_altered: u64,
    /// How many blocks could not be held against anything.
    pub n_unknown: u64,
    /// Files that altered blocks belong to, not more than a few.
    pub files: Vec<String>,
    /// In words, what the state alone does not say.
    pub why: String,
}

/// By what an image is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// It is itself signed metadata of verified boot.
    Vbmeta,
    /// A digest in such metadata.
    Hash,
    /// A tree of digests.
    Hashtree,
    /// A structure with other metadata, named by key.
    Chain,
    /// A signature behind a boot image (before AVB 2.0).
    BootSignature,
    /// A signed table of dm-verity (before AVB 2.0).
    VerityTable,
    /// The signature over a whole update package.
    WholeFile,
    /// The signature over the metadata of a payload, and the hashes of its data.
    Payload,
    /// Bytes that correct errors of an image (Reed-Solomon).
    Fec,
    /// What the package states of it: a size, a checksum, a property. Nobody signed that on its own.
    Statement,
}

/// Whether an image is the one that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Every byte that the signature covers was read, hashed, and is the one that was signed.
    Verified,
    /// Bytes are not those that were signed, or the signature is not by its key.
    Altered,
    /// Its bytes are those that the metadata state, and nobody signed these.
    Unsigned,
    /// The metadata name it, and it is not in the input, or not all of it.
    NotPresent,
    /// The key that would verify it is not in the input.
    KeyUnknown,
    /// It is not what is stated of it, and no signature covers that.
    Contradicted,
    /// It is there, and what is stated of it was not recomputed.
    Unchecked,
}
