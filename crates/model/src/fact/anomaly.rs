//! A container or code file that is malformed and yet read by a phone.

use serde::{Deserialize, Serialize};

/// One way in which an artifact breaks its format without stopping a phone from reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The format (`Format::id`).
    pub format: String,
    /// What is wrong.
    pub kind: Kind,
    /// Which entry or field, with the values seen.
    pub detail: String,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An entry says that it is encrypted and is not.
    FakeEncryption,
    /// Local and central header of an entry disagree.
    HeaderMismatch,
    /// An unknown compression method, read as stored (as Android's installer does).
    UnknownMethod,
    /// A checksum does not fit the bytes.
    BadChecksum,
    /// Two entries have one name.
    DuplicateName,
    /// A file and a folder share a name, so that unpackers lose one of them.
    ShadowedName,
    /// A name that is absolute, climbs with `..`, is empty, too long or not text.
    HostileName,
    /// Bytes stand before the container's start (for an APK: a dex before the zip).
    LeadingData,
    /// Bytes stand behind the container's end.
    TrailingData,
    /// A count, size or offset in a header lies.
    LyingField,
    /// Two structures claim the same bytes.
    Overlap,
    /// Magic number or version that Android accepts and specifications do not know.
    OddMagic,
    /// A structure that the format forbids here and Android passes over.
    Garbage,
    /// Padding that should be zero carries data.
    HiddenData,
}
