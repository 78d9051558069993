//! The vbmeta structure: who signed it, and which images it covers.
//!
//! Source: AOSP `external/avb`, `libavb/avb_vbmeta_image.h`, `avb_hash_descriptor.h`, `avb_hashtree_descriptor.h`,
//! `avb_chain_partition_descriptor.h`, `avb_crypto.h`.

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

/// `AvbHashDescriptor`
#[derive(Debug, Clone)]
pub struct HashDescriptor {
    /// The partition; empty in an APEX.
    pub partition: String,
    /// How many bytes are hashed.
    pub image_size: u64,
    /// The hash, if it is known here.
    pub algorithm: Option<Hash>,
    /// Its name.
    pub algorithm_name: String,
    /// What is hashed before.
    pub salt: Vec<u8>,
    /// The digest; empty where it is kept elsewhere.
    pub digest: Vec<u8>,
}

/// `AvbHashtreeDescriptor`
#[derive(Debug, Clone)]
pub struct HashtreeDescriptor {
    /// The partition; empty in an APEX.
    pub partition: String,
    /// How many bytes are hashed.
    pub image_size: u64,
    /// Where the tree stands.
    pub tree_offset: u64,
    /// How many bytes it has.
    pub tree_size: u64,
    /// Bytes of a block of data.
    pub data_block_size: u32,
    /// Bytes of a block of the tree.
    pub hash_block_size: u32,
    /// Bytes of error correction.
    pub fec_size: u64,
    /// The hash, if it is known here.
    pub algorithm: Option<Hash>,
    /// Its name.
    pub algorithm_name: String,
    /// What each block is hashed with.
    pub salt: Vec<u8>,
    /// The digest of the tree's top; empty where it is kept elsewhere.
    pub root_digest: Vec<u8>,
}

impl Vbmeta {
    /// Reads the structure at `at`, and verifies its signature as libavb's `avb_vbmeta_image_verify` does.
    pub fn read(blob: &Blob, at: u64) -> Result<Vbmeta, Fault> {
        let header = blob.read_at(at, HEADER_SIZE)?;
        let mut reader = Reader::at(&header, at);
        reader.expect(MAGIC, "magic")?;
        if reader.u32_be("required_libavb_version_major")? != 1 {
            return Err(Fault::Unsupported("another major version of AVB".to_owned()));
        }
        reader.skip(4, "required_libavb_version_minor")?;
        let authentication_size = reader.u64_be("authentication_data_block_size")?;
        let auxiliary_size = reader.u64_be("auxiliary_data_block_size")?;
        let algorithm_type = reader.u32_be("algorithm_type")?;
        let mut span = |what| Ok::<_, Fault>((reader.u64_be(what)?, reader.u64_be(what)?));
        let hash = span("hash_offset")?;
        let signature = span("signature_offset")?;
        let public_key = span("public_key_offset")?;
        span("public_key_metadata_offset")?;
        let descriptors = span("descriptors_offset")?;
        let rollback_index = reader.u64_be("rollback_index")?;
        let flags = reader.u32_be("flags")?;
        let sizes = authentication_size.saturating_add(auxiliary_size);
        if !authentication_size.is_multiple_of(ALIGNMENT)
            || !auxiliary_size.is_multiple_of(ALIGNMENT)
            || SIZE_MAX < sizes
        {
            return Err(Fault::malformed("authentication_data_block_size", at.saturating_add(12)));
        }
        let authentication_at = at.saturating_add(HEADER_SIZE);
        let authentication = blob.read_at(authentication_at, authentication_size)?;
        let auxiliary_at = authentication_at.saturating_add(authentication_size);
        let auxiliary = blob.read_at(auxiliary_at, auxiliary_size)?;
        let hash = part(&authentication, hash, "hash_offset", authentication_at)?;
        let signature = part(&authentication, signature, "signature_offset", authentication_at)?;
        let public_key = part(&auxiliary, public_key, "public_key_offset", auxiliary_at)?;
        let descriptors = part(&auxiliary, descriptors, "descriptors_offset", auxiliary_at)?;
        let signature = verify(algorithm_type, &[&header, &auxiliary], hash, signature, public_key);
        let mut covers = Vec::new();
        let mut descriptors = Reader::at(descriptors, auxiliary_at);
        while !descriptors.is_empty() {
            covers.extend(descriptor(&mut descriptors)?);
        }
        Ok(Vbmeta { signature, flags, rollback_index, public_key: public_key.to_vec(), covers })
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

/// A part of a block.
fn part<'a>(block: &'a [u8], span: (u64, u64), what: &'static str, at: u64) -> Result<&'a [u8], Fault> {
    let end = span.0.checked_add(span.1).and_then(|it| usize::try_from(it).ok());
    let range = usize::try_from(span.0).ok().zip(end);
    range.and_then(|(start, end)| block.get(start..end)).ok_or(Fault::malformed(what, at))
}

/// A descriptor, if it covers an image.
fn descriptor(rest: &mut Reader) -> Result<Option<Covers>, Fault> {
    let tag = rest.u64_be("tag")?;
    let following = rest.u64_be("num_bytes_following")?;
    let following = rest.fits(following, 1, "num_bytes_following")?;
    let at = rest.offset();
    let mut body = Reader::at(rest.take(following, "descriptor")?, at);
    Ok(match tag {
        1 => {
            body.skip(4, "dm_verity_version")?;
            let image_size = body.u64_be("image_size")?;
            let tree_offset = body.u64_be("tree_offset")?;
            let tree_size = body.u64_be("tree_size")?;
            let data_block_size = body.u32_be("data_block_size")?;
            let hash_block_size = body.u32_be("hash_block_size")?;
            body.skip(12, "fec_num_roots and fec_offset")?;
            let fec_size = body.u64_be("fec_size")?;
            let end = digest_of(&mut body)?;
            Some(Covers::Hashtree(HashtreeDescriptor {
                partition: end.partition,
                image_size,
                tree_offset,
                tree_size,
                data_block_size,
                hash_block_size,
                fec_size,
                algorithm: by_name(&end.algorithm_name),
                algorithm_name: end.algorithm_name,
                salt: end.salt,
                root_digest: end.digest,
            }))
        }
        2 => {
            let image_size = body.u64_be("image_size")?;
            let end = digest_of(&mut body)?;
            Some(Covers::Hash(HashDescriptor {
                partition: end.partition,
                image_size,
                algorithm: by_name(&end.algorithm_name),
                algorithm_name: end.algorithm_name,
                salt: end.salt,
                digest: end.digest,
            }))
        }
        4 => {
            let rollback_index_location = body.u32_be("rollback_index_location")?;
            let (name, key) = (body.u32_be("partition_name_len")?, body.u32_be("public_key_len")?);
            body.skip(64, "reserved")?;
            let partition = text(bytes(&mut body, name, "partition_name_len")?);
            let public_key = bytes(&mut body, key, "public_key_len")?.to_vec();
            Some(Covers::Chain { partition, public_key, rollback_index_location })
        }
        _ => None,
    })
}

struct End {
    algorithm_name: String,
    partition: String,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// How both descriptors of digests end.
fn digest_of(body: &mut Reader) -> Result<End, Fault> {
    let algorithm_name = text(body.padded(32, "hash_algorithm")?);
    let name = body.u32_be("partition_name_len")?;
    let salt = body.u32_be("salt_len")?;
    let digest = body.u32_be("digest_len")?;
    body.skip(64, "flags and reserved")?;
    Ok(End {
        algorithm_name,
        partition: text(bytes(body, name, "partition_name_len")?),
        salt: bytes(body, salt, "salt_len")?.to_vec(),
        digest: bytes(body, digest, "digest_len")?.to_vec(),
    })
}

fn bytes<'a>(body: &mut Reader<'a>, len: u32, what: &'static str) -> Result<&'a [u8], Fault> {
    let len = body.fits(len.into(), 1, what)?;
    body.take(len, what)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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

const MAGIC: &[u8] = b"AVB0";
const HEADER_SIZE: u64 = 256;
/// Both blocks fill up to this.
const ALIGNMENT: u64 = 64;
/// libavb refuses structures above 64 KiB; partitions are up to 1 MiB.
const SIZE_MAX: u64 = 1 << 20;
