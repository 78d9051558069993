//! Digests and signature algorithms of PKCS #7 by object identifier, and which API levels of Android take them together.
//!
//! Source: AOSP `tools/apksig`, `internal/oid/OidConstants.java`.

use crate::hash::Hash;
use crate::key::Padding;

/// What a signature's object identifier names: a key, or a key and a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureOid {
    /// What is done with the key.
    pub padding: Padding,
    /// The hash, where the identifier names one: then it decides, whatever the digest's identifier says.
    pub hash: Option<Hash>,
}

/// The hash of a digest's identifier.
pub fn digest(oid: &[u8]) -> Option<Hash> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5] => Hash::Md5,
        [0x2b, 0x0e, 3, 2, 0x1a] => Hash::Sha1,
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, kind] => match kind {
            1 => Hash::Sha256,
            2 => Hash::Sha384,
            3 => Hash::Sha512,
            4 => Hash::Sha224,
            _ => return None,
        },
        _ => return None,
    })
}

/// The algorithm of a signature's identifier.
pub fn signature(oid: &[u8]) -> Option<SignatureOid> {
    let (padding, hash) = match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, kind] => {
            let hash = match kind {
                1 => None,
                4 => Some(Hash::Md5),
                5 => Some(Hash::Sha1),
                11 => Some(Hash::Sha256),
                12 => Some(Hash::Sha384),
                13 => Some(Hash::Sha512),
                14 => Some(Hash::Sha224),
                _ => return None,
            };
            (Padding::Pkcs1, hash)
        }
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => (Padding::Dsa, None),
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => (Padding::Dsa, Some(Hash::Sha1)),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, kind] => {
            let hash = match kind {
                1 => Hash::Sha224,
                2 => Hash::Sha256,
                _ => return None,
            };
            (Padding::Dsa, Some(hash))
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => (Padding::Ecdsa, None),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => (Padding::Ecdsa, Some(Hash::Sha1)),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, kind] => {
            let hash = match kind {
                1 => Hash::Sha224,
                2 => Hash::Sha256,
                3 => Hash::Sha384,
                4 => Hash::Sha512,
                _ => return None,
            };
            (Padding::Ecdsa, Some(hash))
        }
        _ => return None,
    };
    Some(SignatureOid { padding, hash })
}

/// The API levels that take a digest with an algorithm, as inclusive ranges.
pub fn levels(digest: Hash, signature: SignatureOid) -> &'static [(i32, i32)] {
    const ALL: &[(i32, i32)] = &[(0, MAX)];
    const NOT_9_TO_17: &[(i32, i32)] = &[(0, 8), (18, MAX)];
    const NOT_9_TO_20: &[(i32, i32)] = &[(0, 8), (21, MAX)];
    const FROM_9: &[(i32, i32)] = &[(9, MAX)];
    const FROM_18: &[(i32, i32)] = &[(18, MAX)];
    const FROM_21: &[(i32, i32)] = &[(21, MAX)];
    const FROM_22: &[(i32, i32)] = &[(22, MAX)];
    // Android 5 to 6 took the hash of the signature's identifier and did not compare it.
    const ONLY_21: &[(i32, i32)] = &[(21, 21)];
    const ONLY_21_TO_23: &[(i32, i32)] = &[(21, 23)];
    use Hash::{Blake2b256, Md5, Sha1, Sha224, Sha256, Sha384, Sha512};
    match (signature.padding, digest, signature.hash) {
        (_, Blake2b256, _) | (_, _, Some(Blake2b256)) | (Padding::Pss | Padding::MlDsa, ..) => &[],

        (Padding::Pkcs1, Md5 | Sha1, None) => ALL,
        (Padding::Pkcs1, Sha224, None) => NOT_9_TO_20,
        (Padding::Pkcs1, Sha256, None) => NOT_9_TO_17,
        (Padding::Pkcs1, Sha384 | Sha512, None) => FROM_18,
        (Padding::Pkcs1, Md5, Some(Md5)) => NOT_9_TO_20,
        (Padding::Pkcs1, Sha1, Some(Sha1)) => ALL,
        (Padding::Pkcs1, Sha224, Some(Sha224)) => NOT_9_TO_20,
        (Padding::Pkcs1, Sha256, Some(Sha256)) => NOT_9_TO_17,
        (Padding::Pkcs1, Sha384, Some(Sha384)) | (Padding::Pkcs1, Sha512, Some(Sha512)) => FROM_21,
        (Padding::Pkcs1, Sha224, Some(Sha256)) => ONLY_21,
        (Padding::Pkcs1, Sha256, Some(Sha1)) | (Padding::Pkcs1, Sha512, Some(Sha384)) => ONLY_21,
        (Padding::Pkcs1, _, Some(_)) => ONLY_21_TO_23,

        (Padding::Dsa, Sha1, None) => ALL,
        (Padding::Dsa, Sha224 | Sha256, None) => FROM_22,
        (Padding::Dsa, _, None) => &[],
        (Padding::Dsa, Sha1, Some(Sha1)) => FROM_9,
        (Padding::Dsa, Sha224, Some(Sha224)) | (Padding::Dsa, Sha256, Some(Sha256)) => FROM_21,
        (Padding::Dsa, _, Some(Sha1 | Sha224 | Sha256)) => ONLY_21_TO_23,
        (Padding::Dsa, _, Some(_)) => &[],

        (Padding::Ecdsa, Md5, None) => &[],
        (Padding::Ecdsa, Sha224, None) => FROM_21,
        (Padding::Ecdsa, _, None) => FROM_18,
        (Padding::Ecdsa, Sha1, Some(Sha1)) => FROM_18,
        (Padding::Ecdsa, digest, Some(hash)) if digest == hash => FROM_21,
        (Padding::Ecdsa, _, Some(Md5)) => &[],
        (Padding::Ecdsa, _, Some(_)) => ONLY_21_TO_23,
    }
}

/// Whether every level of the range takes it.
pub fn covers(levels: &[(i32, i32)], min: i32, max: i32) -> bool {
    let mut next = min;
    for &(from, to) in levels {
        if from <= next && next <= to {
            if max <= to {
                return true;
            }
            next = to.saturating_add(1);
        }
    }
    false
}

/// No end.
const MAX: i32 = i32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_with_a_hole_is_not_covered() {
        let levels = &[(0, 8), (18, MAX)];
        assert!(covers(levels, 18, MAX) && covers(levels, 1, 8));
        assert!(!covers(levels, 8, 18) && !covers(levels, 9, 17));
        assert!(covers(&[(0, 8), (9, 20)], 3, 20));
    }
}
