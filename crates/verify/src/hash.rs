//! The hashes that signatures are made over, chosen while running.

use blake2::Blake2b;
use blake2::digest::DynDigest;
use blake2::digest::consts::U32;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE2b with 32 bytes.
    Blake2b256,
}

impl Hash {
    /// A computation that has seen nothing yet.
    pub fn start(self) -> Box<dyn DynDigest + Send> {
        match self {
            Hash::Md5 => Box::new(Md5::default()),
            Hash::Sha1 => Box::new(Sha1::default()),
            Hash::Sha224 => Box::new(Sha224::default()),
            Hash::Sha256 => Box::new(Sha256::default()),
            Hash::Sha384 => Box::new(Sha384::default()),
            Hash::Sha512 => Box::new(Sha512::default()),
            Hash::Blake2b256 => Box::new(Blake2b::<U32>::default()),
        }
    }

    /// The hash of several pieces, one behind the other.
    pub fn of(self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut hash = self.start();
        for piece in pieces {
            hash.update(piece);
        }
        hash.finalize().into_vec()
    }

    /// How many bytes it has.
    pub fn size(self) -> usize {
        match self {
            Hash::Md5 => 16,
            Hash::Sha1 => 20,
            Hash::Sha224 => 28,
            Hash::Sha256 | Hash::Blake2b256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Its name, as Java and Android spell it.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Md5 => "MD5",
            Hash::Sha1 => "SHA-1",
            Hash::Sha224 => "SHA-224",
            Hash::Sha256 => "SHA-256",
            Hash::Sha384 => "SHA-384",
            Hash::Sha512 => "SHA-512",
            Hash::Blake2b256 => "BLAKE2b-256",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_the_size_that_it_says_and_pieces_do_not_matter() {
        for hash in [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Blake2b256] {
            assert_eq!(hash.of(&[b"ab", b"", b"c"]), hash.of(&[b"abc"]), "{}", hash.name());
            assert_eq!(hash.of(&[]).len(), hash.size(), "{}", hash.name());
        }
        assert_eq!(Hash::Md5.of(&[]).first(), Some(&0xd4));
    }
}
