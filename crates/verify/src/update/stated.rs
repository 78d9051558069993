//! Checksums that packages state of files, and whether two views are of the same bytes.

use flate2::Crc;
use model::{Blob, Fault};

use crate::apk::pieces;
use crate::hash::Hash;

/// The hash of all bytes.
pub fn hash(hash: Hash, blob: &Blob) -> Result<Vec<u8>, Fault> {
    let mut running = hash.start();
    pieces(blob, &mut |piece| running.update(piece))?;
    Ok(running.finalize().into_vec())
}

/// The CRC-32 of all bytes, as zip and Python's `binascii` have it.
pub fn crc32(blob: &Blob) -> Result<u32, Fault> {
    let mut crc = Crc::new();
    pieces(blob, &mut |piece| crc.update(piece))?;
    Ok(crc.sum())
}

/// Whether two views have the same bytes.
pub fn are_same(one: &Blob, other: &Blob) -> Result<bool, Fault> {
    if one.len() != other.len() {
        return Ok(false);
    }
    let mut at = 0u64;
    while at < one.len() {
        let len = STEP.min(one.len().saturating_sub(at));
        if one.read_at(at, len)? != other.read_at(at, len)? {
            return Ok(false);
        }
        at = at.saturating_add(len);
    }
    Ok(true)
}

const STEP: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_that_others_compute() {
        let blob = Blob::from_bytes(&b"123456789"[..]);
        assert_eq!(crc32(&blob), Ok(0xcbf4_3926));
        assert_eq!(hash(Hash::Md5, &blob).unwrap()[..4], [0x25, 0xf9, 0xe7, 0x94]);
    }

    #[test]
    fn two_views_are_the_same_where_every_byte_is() {
        let large = vec![7; (STEP as usize) + 9];
        let mut other = large.clone();
        other[STEP as usize + 3] = 8;
        let [one, other] = [large, other].map(Blob::from_bytes);
        assert_eq!(are_same(&one, &one.clone()), Ok(true));
        assert_eq!(are_same(&one, &other), Ok(false));
        assert_eq!(are_same(&one, &Blob::from_bytes(&b"7"[..])), Ok(false));
    }
}
