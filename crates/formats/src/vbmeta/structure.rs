//! The vbmeta structure field by field: what its facts and its verification are both read from.
//!
//! Source: AOSP `external/avb`, `libavb/avb_vbmeta_image.h`, `avb_crypto.h`, and the header of each descriptor.

use model::{Blob, Fault, Reader};

/// `AvbVBMetaImageHeader`
#[derive(Debug, Clone)]
pub struct Header {
    /// Its 256 bytes.
    pub bytes: Vec<u8>,
    /// Where it stands.
    pub at: u64,
    /// Bytes of the authentication block, which follows.
    pub authentication_size: u64,
    /// Bytes of the auxiliary block, which follows that.
    pub auxiliary_size: u64,
    /// `algorithm_type`
    pub algorithm_type: u32,
    /// The digest, in the authentication block.
    pub hash: Span,
    /// The signature, in the authentication block.
    pub signature: Span,
    /// The key, in the auxiliary block.
    pub public_key: Span,
    /// The descriptors, in the auxiliary block.
    pub descriptors: Span,
    /// `rollback_index`
    pub rollback_index: u64,
    /// `flags`
    pub flags: u32,
    /// `release_string`
    pub release: String,
}

/// A part of a block.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    offset: u64,
    size: u64,
    what: &'static str,
}

/// Where the structure stands that an image carries behind its content: what the last 64 bytes (`AvbFooter`) point to.
/// `None` where these are no footer.
pub fn behind(image: &Blob) -> Result<Option<u64>, Fault> {
    let Some(at) = image.len().checked_sub(FOOTER_SIZE) else { return Ok(None) };
    let bytes = image.read_at(at, FOOTER_SIZE)?;
    let mut footer = Reader::at(&bytes, at);
    if !footer.rest().starts_with(FOOTER_MAGIC) {
        return Ok(None);
    }
    footer.skip(4, "magic")?;
    // libavb takes any version but a later one (`avb_footer.c`), and of the metadata what is there (`avb_slot_verify.c`).
    if 1 < footer.u32_be("version_major")? {
        return Ok(None);
    }
    footer.skip(12, "version_minor and original_image_size")?;
    let vbmeta_offset = footer.u64_be("vbmeta_offset")?;
    let vbmeta_size = footer.u64_be("vbmeta_size")?;
    if VBMETA_MAX_SIZE < vbmeta_size || at <= vbmeta_offset {
        return Err(Fault::malformed("vbmeta_offset", at.saturating_add(20)));
    }
    Ok(Some(vbmeta_offset))
}

/// One of the two blocks behind the header.
#[derive(Debug, Clone)]
pub struct Block {
    /// Where it stands.
    pub at: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Header {
    /// Reads the header of the structure at `at`.
    pub fn read(blob: &Blob, at: u64) -> Result<Header, Fault> {
        let bytes = blob.read_at(at, HEADER_SIZE)?;
        let mut reader = Reader::at(&bytes, at);
        reader.expect(MAGIC, "magic")?;
        reader.skip(4, "required_libavb_version_minor")?;
        let authentication_size = reader.u64_be("authentication_data_block_size")?;
        let auxiliary_size = reader.u64_be("auxiliary_data_block_size")?;
        let algorithm_type = reader.u32_be("algorithm_type")?;
        let mut span = |what| Ok::<_, Fault>(Span { offset: reader.u64_be(what)?, size: reader.u64_be(what)?, what });
        let hash = span("hash_offset")?;
        let signature = span("signature_offset")?;
        let public_key = span("public_key_offset")?;
        span("public_key_metadata_offset")?;
        let descriptors = span("descriptors_offset")?;
        let rollback_index = reader.u64_be("rollback_index")?;
        let flags = reader.u32_be("flags")?;
        reader.skip(4, "rollback_index_location")?;
        let release = text(reader.padded(48, "release_string")?);
        Ok(Header {
            bytes,
            at,
            authentication_size,
            auxiliary_size,
            algorithm_type,
            hash,
            signature,
            public_key,
            descriptors,
            rollback_index,
            flags,
            release,
        })
    }

    /// Bytes of the whole structure.
    pub fn size(&self) -> u64 {
        HEADER_SIZE.saturating_add(self.authentication_size).saturating_add(self.auxiliary_size)
    }

    /// The block with digest and signature.
    pub fn authentication(&self, blob: &Blob) -> Result<Block, Fault> {
        block(blob, self.at.saturating_add(HEADER_SIZE), self.authentication_size, "authentication_data_block_size")
    }

    /// The block with key and descriptors.
    pub fn auxiliary(&self, blob: &Blob) -> Result<Block, Fault> {
        let at = self.at.saturating_add(HEADER_SIZE).saturating_add(self.authentication_size);
        block(blob, at, self.auxiliary_size, "auxiliary_data_block_size")
    }
}

fn block(blob: &Blob, at: u64, size: u64, what: &'static str) -> Result<Block, Fault> {
    if SIZE_MAX < size {
        return Err(Fault::Limit { what, bound: SIZE_MAX });
    }
    Ok(Block { at, bytes: blob.read_at(at, size)? })
}

impl Block {
    /// A part of it.
    pub fn part(&self, span: Span) -> Result<Reader<'_>, Fault> {
        let end = span.offset.checked_add(span.size).and_then(|it| usize::try_from(it).ok());
        let range = usize::try_from(span.offset).ok().zip(end);
        let bytes = range.and_then(|(start, end)| self.bytes.get(start..end));
        let bytes = bytes.ok_or(Fault::malformed(span.what, self.at))?;
        Ok(Reader::at(bytes, self.at.saturating_add(span.offset)))
    }
}

/// `AvbDescriptor` and what follows it.
#[derive(Debug, Clone)]
pub enum Descriptor {
    /// `AvbPropertyDescriptor`
    Property {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// `AvbHashtreeDescriptor`
    Hashtree(HashtreeDescriptor),
    /// `AvbHashDescriptor`
    Hash(HashDescriptor),
    /// `AvbKernelCmdlineDescriptor`
    KernelCmdline {
        /// The text.
        cmdline: String,
        /// When it is used.
        flags: u32,
    },
    /// `AvbChainPartitionDescriptor`
    Chain {
        /// The partition.
        partition: String,
        /// The key of the structure that it carries.
        public_key: Vec<u8>,
        /// Where its rollback index is kept.
        rollback_index_location: u32,
    },
    /// Another kind.
    Unknown {
        /// Its tag.
        tag: u64,
    },
}

/// `AvbHashDescriptor`
#[derive(Debug, Clone)]
pub struct HashDescriptor {
    /// How many bytes are hashed.
    pub image_size: u64,
    /// What they come to.
    pub digest: Digest,
}

/// `AvbHashtreeDescriptor`
#[derive(Debug, Clone)]
pub struct HashtreeDescriptor {
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
    /// Bytes of parity for each codeword of 255; 0 where there are none.
    pub fec_num_roots: u32,
    /// Where the parity stands.
    pub fec_offset: u64,
    /// How many bytes it has.
    pub fec_size: u64,
    /// What the top of the tree comes to.
    pub digest: Digest,
}

/// How both descriptors of digests end.
#[derive(Debug, Clone)]
pub struct Digest {
    /// The name of the hash.
    pub algorithm: String,
    /// The partition; empty in an APEX.
    pub partition: String,
    /// What is hashed before.
    pub salt: Vec<u8>,
    /// The digest; empty where it is kept elsewhere.
    pub bytes: Vec<u8>,
}

impl Descriptor {
    /// Reads the next one.
    pub fn read(rest: &mut Reader) -> Result<Descriptor, Fault> {
        let tag = rest.u64_be("tag")?;
        let following = rest.u64_be("num_bytes_following")?;
        let following = rest.fits(following, 1, "num_bytes_following")?;
        let at = rest.offset();
        let mut body = Reader::at(rest.take(following, "descriptor")?, at);
        Ok(match tag {
            0 => {
                let (key, value) = (body.u64_be("key_num_bytes")?, body.u64_be("value_num_bytes")?);
                let key = text(bytes(&mut body, key, "key_num_bytes")?);
                body.skip(1, "key")?;
                Descriptor::Property { key, value: text(bytes(&mut body, value, "value_num_bytes")?) }
            }
            1 => {
                body.skip(4, "dm_verity_version")?;
                Descriptor::Hashtree(HashtreeDescriptor {
                    image_size: body.u64_be("image_size")?,
                    tree_offset: body.u64_be("tree_offset")?,
                    tree_size: body.u64_be("tree_size")?,
                    data_block_size: body.u32_be("data_block_size")?,
                    hash_block_size: body.u32_be("hash_block_size")?,
                    fec_num_roots: body.u32_be("fec_num_roots")?,
                    fec_offset: body.u64_be("fec_offset")?,
                    fec_size: body.u64_be("fec_size")?,
                    digest: Digest::read(&mut body)?,
                })
            }
            2 => Descriptor::Hash(HashDescriptor {
                image_size: body.u64_be("image_size")?,
                digest: Digest::read(&mut body)?,
            }),
            3 => {
                let flags = body.u32_be("flags")?;
                let len = body.u32_be("kernel_cmdline_length")?;
                let cmdline = text(bytes(&mut body, len.into(), "kernel_cmdline_length")?);
                Descriptor::KernelCmdline { cmdline, flags }
            }
            4 => {
                let rollback_index_location = body.u32_be("rollback_index_location")?;
                let (name, key) = (body.u32_be("partition_name_len")?, body.u32_be("public_key_len")?);
                body.skip(64, "flags and reserved")?;
                let partition = text(bytes(&mut body, name.into(), "partition_name_len")?);
                let public_key = bytes(&mut body, key.into(), "public_key_len")?.to_vec();
                Descriptor::Chain { partition, public_key, rollback_index_location }
            }
            _ => Descriptor::Unknown { tag },
        })
    }
}

impl Digest {
    fn read(body: &mut Reader) -> Result<Digest, Fault> {
        let algorithm = text(body.padded(32, "hash_algorithm")?);
        let name = body.u32_be("partition_name_len")?;
        let salt = body.u32_be("salt_len")?;
        let digest = body.u32_be("digest_len")?;
        body.skip(64, "flags and reserved")?;
        Ok(Digest {
            algorithm,
            partition: text(bytes(body, name.into(), "partition_name_len")?),
            salt: bytes(body, salt.into(), "salt_len")?.to_vec(),
            bytes: bytes(body, digest.into(), "digest_len")?.to_vec(),
        })
    }
}

/// `AvbAlgorithmType`, as `avbtool` spells it.
pub fn algorithm_of(algorithm_type: u32) -> String {
    let known = usize::try_from(algorithm_type).ok().and_then(|it| ALGORITHMS.get(it));
    known.map_or_else(|| format!("unknown ({algorithm_type})"), |it| (*it).to_owned())
}

fn bytes<'a>(body: &mut Reader<'a>, len: u64, what: &'static str) -> Result<&'a [u8], Fault> {
    let len = body.fits(len, 1, what)?;
    body.take(len, what)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const ALGORITHMS: [&str; 9] = [
    "NONE",
    "SHA256_RSA2048",
    "SHA256_RSA4096",
    "SHA256_RSA8192",
    "SHA512_RSA2048",
    "SHA512_RSA4096",
    "SHA512_RSA8192",
    "MLDSA65",
    "MLDSA87",
];

/// `AVB_MAGIC` and major version 1.
pub(super) const MAGIC: &[u8] = b"AVB0\0\0\0\x01";

/// `AVB_FOOTER_MAGIC`
pub(crate) const FOOTER_MAGIC: &[u8] = b"AVBf";

/// What libavb reads of the metadata that a footer points at.
const VBMETA_MAX_SIZE: u64 = 64 << 10;

/// `AVB_FOOTER_SIZE`
pub(crate) const FOOTER_SIZE: u64 = 64;

/// `AVB_VBMETA_IMAGE_HEADER_SIZE`
const HEADER_SIZE: u64 = 256;

/// libavb refuses structures above 64 KiB (`VBMETA_MAX_SIZE`); partitions are up to 1 MiB.
const SIZE_MAX: u64 = 1 << 20;
