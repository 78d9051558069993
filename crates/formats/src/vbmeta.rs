//! Verified-boot metadata: the header and all descriptors. Parsed, not verified.

use model::fact::avb::{Descriptor, Vbmeta};
use model::{Artifact, Blob, Fault, Reader};
use sha2::{Digest, Sha256};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "vbmeta",
    title: "verified-boot metadata",
    spec: "AOSP external/avb/libavb/avb_vbmeta_image.h",
    kind: Kind::Trust,
    matches: |_, bytes| bytes.starts_with(MAGIC),
    read: |artifact: &Artifact, out: &mut Reading| read_at(&artifact.blob, 0, false, out),
};

/// Reads the vbmeta structure at `at`. What was read before a fault becomes a fact.
pub(crate) fn read_at(blob: &Blob, at: u64, from_footer: bool, out: &mut Reading) -> Result<(), Fault> {
    let bytes = blob.read_at(at, HEADER_SIZE)?;
    let mut header = Reader::at(&bytes, at);
    header.expect(MAGIC, "magic")?;
    header.skip(4, "required_libavb_version_minor")?;
    let authentication_size = header.u64_be("authentication_data_block_size")?;
    let auxiliary_size = header.u64_be("auxiliary_data_block_size")?;
    let algorithm_type = header.u32_be("algorithm_type")?;
    header.skip(32, "hash and signature")?;
    let public_key_offset = header.u64_be("public_key_offset")?;
    let public_key_size = header.u64_be("public_key_size")?;
    header.skip(16, "public_key_metadata")?;
    let descriptors_offset = header.u64_be("descriptors_offset")?;
    let descriptors_size = header.u64_be("descriptors_size")?;
    let rollback_index = header.u64_be("rollback_index")?;
    let flags = header.u32_be("flags")?;
    header.skip(4, "rollback_index_location")?;
    let release = text(header.padded(48, "release_string")?);

    let mut vbmeta = Vbmeta {
        from_footer,
        algorithm: algorithm_of(algorithm_type),
        flags,
        rollback_index,
        public_key_sha256: None,
        public_key_bits: None,
        release,
        descriptors: Vec::new(),
    };
    let base = at.saturating_add(HEADER_SIZE).saturating_add(authentication_size);
    let result = auxiliary(blob, base, auxiliary_size).and_then(|block| {
        let key = part(&block, base, public_key_offset, public_key_size, "public_key_size")?;
        if !key.is_empty() {
            vbmeta.public_key_sha256 = Some(sha256(key.rest()));
            vbmeta.public_key_bits = Some(key.clone().u32_be("key_num_bits")?);
        }
        let mut rest = part(&block, base, descriptors_offset, descriptors_size, "descriptors_size")?;
        while !rest.is_empty() {
            vbmeta.descriptors.push(descriptor(&mut rest)?);
        }
        Ok(())
    });
    let size = HEADER_SIZE.saturating_add(authentication_size).saturating_add(auxiliary_size);
    let row = out.row(at, size.min(blob.len().saturating_sub(at)), vbmeta);
    out.facts.vbmetas.push(row);
    result
}

fn auxiliary(blob: &Blob, base: u64, size: u64) -> Result<Vec<u8>, Fault> {
    if SIZE_MAX < size {
        return Err(Fault::Limit { what: "auxiliary_data_block_size", bound: SIZE_MAX });
    }
    blob.read_at(base, size)
}

/// A part of the auxiliary block.
fn part<'a>(block: &'a [u8], base: u64, offset: u64, size: u64, what: &'static str) -> Result<Reader<'a>, Fault> {
    let range = usize::try_from(offset).ok().zip(offset.checked_add(size).and_then(|it| usize::try_from(it).ok()));
    let bytes = range.and_then(|(start, end)| block.get(start..end)).ok_or(Fault::malformed(what, base))?;
    Ok(Reader::at(bytes, base.saturating_add(offset)))
}

/// `AvbDescriptor` and what follows it.
fn descriptor(rest: &mut Reader) -> Result<Descriptor, Fault> {
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
            let image_size = body.u64_be("image_size")?;
            body.skip(44, "tree and fec")?;
            let (algorithm, partition, root_digest) = digest_of(&mut body)?;
            Descriptor::Hashtree { partition, image_size, algorithm, root_digest }
        }
        2 => {
            let image_size = body.u64_be("image_size")?;
            let (algorithm, partition, digest) = digest_of(&mut body)?;
            Descriptor::Hash { partition, image_size, algorithm, digest }
        }
        3 => {
            let flags = body.u32_be("flags")?;
            let len = body.u32_be("kernel_cmdline_length")?;
            Descriptor::KernelCmdline { cmdline: text(bytes(&mut body, len.into(), "kernel_cmdline_length")?), flags }
        }
        4 => {
            let rollback_index_location = body.u32_be("rollback_index_location")?;
            let (name, key) = (body.u32_be("partition_name_len")?, body.u32_be("public_key_len")?);
            body.skip(64, "reserved")?;
            Descriptor::Chain {
                partition: text(bytes(&mut body, name.into(), "partition_name_len")?),
                rollback_index_location,
                public_key_sha256: sha256(bytes(&mut body, key.into(), "public_key_len")?),
            }
        }
        _ => Descriptor::Unknown { tag },
    })
}

/// How `AvbHashDescriptor` and `AvbHashtreeDescriptor` end: algorithm, partition and digest.
fn digest_of(body: &mut Reader) -> Result<(String, String, String), Fault> {
    let algorithm = text(body.padded(32, "hash_algorithm")?);
    let name = body.u32_be("partition_name_len")?;
    let salt = body.u32_be("salt_len")?;
    let digest = body.u32_be("digest_len")?;
    body.skip(64, "reserved")?;
    let partition = text(bytes(body, name.into(), "partition_name_len")?);
    bytes(body, salt.into(), "salt_len")?;
    Ok((algorithm, partition, hex(bytes(body, digest.into(), "digest_len")?)))
}

fn bytes<'a>(body: &mut Reader<'a>, len: u64, what: &'static str) -> Result<&'a [u8], Fault> {
    let len = body.fits(len, 1, what)?;
    body.take(len, what)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `AvbAlgorithmType`, as `avbtool` spells it.
fn algorithm_of(algorithm_type: u32) -> String {
    let names = [
        "NONE",
        "SHA256_RSA2048",
        "SHA256_RSA4096",
        "SHA256_RSA8192",
        "SHA512_RSA2048",
        "SHA512_RSA4096",
        "SHA512_RSA8192",
    ];
    let known = usize::try_from(algorithm_type).ok().and_then(|it| names.get(it));
    known.map_or_else(|| format!("unknown ({algorithm_type})"), |it| (*it).to_owned())
}

/// `AVB_MAGIC` and major version 1.
const MAGIC: &[u8] = b"AVB0\0\0\0\x01";

/// `AVB_VBMETA_IMAGE_HEADER_SIZE`.
const HEADER_SIZE: u64 = 256;

/// libavb refuses structures above 64 KiB (`VBMETA_MAX_SIZE`); partitions are up to 1 MiB.
const SIZE_MAX: u64 = 1 << 20;
