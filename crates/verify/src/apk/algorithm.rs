//! The signature algorithms of the schemes v2 to v4, and which of them a version of Android verifies.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/SignatureAlgorithm.java`; of ML-DSA `ApkSigningBlockUtils` of Android 17.

use crate::certificate::Certificate;
use crate::hash::Hash;
use crate::key::{KeyFault, Padding, PublicKey};

/// How the content is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Pieces of 1 MiB, by SHA-256.
    ChunkedSha256,
    /// Pages of 4 KiB in a tree, by SHA-256.
    VeritySha256,
    /// Pieces of 1 MiB, by SHA-512.
    ChunkedSha512,
}

impl Content {
    /// AOSP's number (`ContentDigestAlgorithm`), which the stamp signs.
    pub fn id(self) -> u32 {
        match self {
            Content::ChunkedSha256 => 1,
            Content::ChunkedSha512 => 2,
            Content::VeritySha256 => 3,
        }
    }
}

/// A signature algorithm.
#[derive(Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// Its number.
    pub id: u32,
    /// How the content is digested.
    pub content: Content,
    padding: Padding,
    hash: Hash,
    /// The first API level that takes it in a scheme.
    min_sdk: i32,
    /// The first API level whose libraries know it: for stamps.
    library_min_sdk: i32,
}

/// Finds an algorithm.
pub fn by_id(id: u32) -> Option<&'static Algorithm> {
    ALGORITHMS.iter().find(|it| it.id == id)
}

impl Algorithm {
    /// Whether the signature over the message is by this key.
    pub fn verifies(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<bool, KeyFault> {
        key.signed(self.padding, self.hash, &[message], signature)
    }

    /// Whether the key is of the kind that this needs.
    pub fn fits(&self, key: &PublicKey) -> bool {
        key.fits(self.padding)
    }
}

/// Which API levels count: those where a scheme knows an algorithm, or those where the libraries do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Schemes.
    ToScheme,
    /// Libraries.
    ToLibrary,
}

/// A signature with its algorithm.
pub type Signed<'a> = (&'static Algorithm, &'a [u8]);

/// The signatures that some API level of the range would pick: of those that a level knows, the one with the strongest
/// digest. `None` where the lowest level knows none.
pub fn picked<'a>(signatures: &[Signed<'a>], min: i32, max: i32, known: Known) -> Option<Vec<Signed<'a>>> {
    let mut best: Vec<(i32, Signed<'a>)> = Vec::new();
    for &(algorithm, signature) in signatures {
        let since = match known {
            Known::ToScheme => algorithm.min_sdk,
            Known::ToLibrary => algorithm.library_min_sdk,
        };
        if max < since {
            continue;
        }
        match best.iter_mut().find(|it| it.0 == since) {
            Some((_, held)) if held.0.content < algorithm.content => *held = (algorithm, signature),
            Some(_) => {}
            None => best.push((since, (algorithm, signature))),
        }
    }
    if min < best.iter().map(|it| it.0).min()? {
        return None;
    }
    let mut picked: Vec<Signed<'a>> = best.into_iter().map(|it| it.1).collect();
    picked.sort_by_key(|it| it.0.id);
    Some(picked)
}

/// SHA-256 of a certificate, in hex.
pub fn sha256_of(certificate: &Certificate) -> String {
    Hash::Sha256.of(&[&certificate.encoded]).iter().map(|it| format!("{it:02x}")).collect()
}

const fn algorithm(
    id: u32,
    content: Content,
    padding: Padding,
    hash: Hash,
    min_sdk: i32,
    library_min_sdk: i32,
) -> Algorithm {
    Algorithm { id, content, padding, hash, min_sdk, library_min_sdk }
}

static ALGORITHMS: [Algorithm; 11] = [
    algorithm(0x0101, Content::ChunkedSha256, Padding::Pss, Hash::Sha256, 24, 23),
    algorithm(0x0102, Content::ChunkedSha512, Padding::Pss, Hash::Sha512, 24, 23),
    algorithm(0x0103, Content::ChunkedSha256, Padding::Pkcs1, Hash::Sha256, 24, 1),
    algorithm(0x0104, Content::ChunkedSha512, Padding::Pkcs1, Hash::Sha512, 24, 1),
    algorithm(0x0201, Content::ChunkedSha256, Padding::Ecdsa, Hash::Sha256, 24, 11),
    algorithm(0x0202, Content::ChunkedSha512, Padding::Ecdsa, Hash::Sha512, 24, 11),
    algorithm(0x0301, Content::ChunkedSha256, Padding::Dsa, Hash::Sha256, 24, 1),
    algorithm(0x0421, Content::VeritySha256, Padding::Pkcs1, Hash::Sha256, 28, 1),
    algorithm(0x0423, Content::VeritySha256, Padding::Ecdsa, Hash::Sha256, 28, 11),
    algorithm(0x0425, Content::VeritySha256, Padding::Dsa, Hash::Sha256, 28, 1),
    algorithm(0x0501, Content::ChunkedSha512, Padding::MlDsa, Hash::Sha512, 37, 37),
];
