//! The vbmeta structure: who signed it, and which images it covers.
//!
//! Source: AOSP `external/avb`, `libavb/avb_vbmeta_image.c`, `avb_crypto.h`.

use formats::vbmeta::structure::{Descriptor, Header};
pub use formats::vbmeta::structure::{HashDescriptor, HashtreeDescriptor};
use model::{Blob, Fault, Reader};

use crate::hash::Hash;
use crate::key::{Padding, PublicKey};

/// A vbmeta structure with what was recomputed of it.
#[derive(Debug)]
pub struct Vbmeta {
    /// Whether its signature holds.
    pub signature: Signature,
    /// `flags`.
    pub flags: u32,
    /// `rollback_index`.
    pub rollback_index: u64,
    /// The key as it stands in the structure; empty where there is none.
    pub public_key: Vec<u8>,
    /// What it covers, in its order.
    pub covers: Vec<Covers>,
}

/// Whether a signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// By the key that stands in the structure.
    Holds,
    /// The structure is not signed.
    None,
    /// The structure is not the one that was signed.
    OtherBytes,
    /// It is not by the key.
    OtherKey,
    /// By an algorithm that is not known here.
    Unsupported(u32),
}

/// A descriptor that covers an image.
#[derive(Debug, Clone)]
pub enum Covers {
    /// By one digest.
    Hash(HashDescriptor),
    /// By a tree of digests.
    Hashtree(HashtreeDescriptor),
    /// By a structure of its own under this key.
    Chain {
        /// The partition.
        partition: String,
        /// The key.
        public_key: Vec<u8>,
        /// Where its rollback index is kept.
        rollback_index_location: u32,
    },
}

impl Vbmeta {
    /// Reads the structure at `at`, and verifies its signature as libavb's `avb_vbmeta_image_verify` does.
    pub fn read(blob: &Blob, at: u64) -> Result<Vbmeta, Fault> {
        let header = Header::read(blob, at)?;
        let is_aligned = |size: u64| size.is_multiple_of(ALIGNMENT);
        if !is_aligned(header.authentication_size) || !is_aligned(header.auxiliary_size) {
            return Err(Fault::malformed("authentication_data_block_size", at.saturating_add(12)));
        }
        let (authentication, auxiliary) = (header.authentication(blob)?, header.auxiliary(blob)?);
        let public_key = auxiliary.part(header.public_key)?.rest();
        let signature = verify(
            header.algorithm_type,
            &[&header.bytes, &auxiliary.bytes],
            authentication.part(header.hash)?.rest(),
            authentication.part(header.signature)?.rest(),
            public_key,
        );
        let mut covers = Vec::new();
        let mut descriptors = auxiliary.part(header.descriptors)?;
        while !descriptors.is_empty() {
            match Descriptor::read(&mut descriptors)? {
                Descriptor::Hash(it) => covers.push(Covers::Hash(it)),
                Descriptor::Hashtree(it) => covers.push(Covers::Hashtree(it)),
                Descriptor::Chain { partition, public_key, rollback_index_location } => {
                    covers.push(Covers::Chain { partition, public_key, rollback_index_location });
                }
                Descriptor::Property { .. } | Descriptor::KernelCmdline { .. } | Descriptor::Unknown { .. } => {}
            }
        }
        Ok(Vbmeta {
            signature,
            flags: header.flags,
            rollback_index: header.rollback_index,
            public_key: public_key.to_vec(),
            covers,
        })
    }
}

/// Verifies hash and signature over the pieces.
fn verify(algorithm_type: u32, pieces: &[&[u8]], stated: &[u8], signature: &[u8], key: &[u8]) -> Signature {
    let (hash, bits) = match algorithm_type {
        0 => return Signature::None,
        1 => (Hash::Sha256, 2048),
        2 => (Hash::Sha256, 4096),
        3 => (Hash::Sha256, 8192),
        4 => (Hash::Sha512, 2048),
        5 => (Hash::Sha512, 4096),
        6 => (Hash::Sha512, 8192),
        other => return Signature::Unsupported(other),
    };
    let digest = hash.of(pieces);
    if digest != stated {
        return Signature::OtherBytes;
    }
    let verified = rsa_key(key, bits).and_then(|it| it.verifies(Padding::Pkcs1, hash, &digest, signature).ok());
    if verified == Some(true) { Signature::Holds } else { Signature::OtherKey }
}

/// `AvbRSAPublicKeyHeader` and the modulus behind it; the exponent is always 65537.
pub fn rsa_key(bytes: &[u8], bits: u32) -> Option<PublicKey> {
    let mut reader = Reader::new(bytes);
    if reader.u32_be("key_num_bits").ok()? != bits {
        return None;
    }
    reader.skip(4, "n0inv").ok()?;
    let modulus = reader.take(usize::try_from(bits / 8).ok()?, "n").ok()?;
    PublicKey::rsa(modulus, &[1, 0, 1]).ok()
}

/// A hash by the name that AVB and dm-verity give it.
pub fn by_name(name: &str) -> Option<Hash> {
    Some(match name {
        "sha1" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha512" => Hash::Sha512,
        "blake2b-256" => Hash::Blake2b256,
        _ => return None,
    })
}

/// Both blocks fill up to this.
const ALIGNMENT: u64 = 64;
