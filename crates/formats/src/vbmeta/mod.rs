//! Verified-boot metadata: the header and all descriptors. Parsed, not verified.

pub mod structure;

use model::fact::avb;
use model::{Artifact, Blob, Fault};
use sha2::{Digest, Sha256};

use self::structure::{Descriptor, Header};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "vbmeta",
    title: "verified-boot metadata",
    spec: "AOSP external/avb/libavb/avb_vbmeta_image.h",
    kind: Kind::Trust,
    matches: |_, bytes| bytes.starts_with(structure::MAGIC),
    read: |artifact: &Artifact, out: &mut Reading| read_at(&artifact.blob, 0, false, out),
};

/// Reads the vbmeta structure at `at`. What was read before a fault becomes a fact.
pub(crate) fn read_at(blob: &Blob, at: u64, from_footer: bool, out: &mut Reading) -> Result<(), Fault> {
    let header = Header::read(blob, at)?;
    let mut vbmeta = avb::Vbmeta {
        from_footer,
        algorithm: structure::algorithm_of(header.algorithm_type),
        flags: header.flags,
        rollback_index: header.rollback_index,
        public_key_sha256: None,
        public_key_bits: None,
        release: header.release.clone(),
        descriptors: Vec::new(),
    };
    let result = header.auxiliary(blob).and_then(|block| {
        let key = block.part(header.public_key)?;
        if !key.is_empty() {
            vbmeta.public_key_sha256 = Some(sha256(key.rest()));
            vbmeta.public_key_bits = Some(key.clone().u32_be("key_num_bits")?);
        }
        let mut rest = block.part(header.descriptors)?;
        while !rest.is_empty() {
            vbmeta.descriptors.push(fact_of(Descriptor::read(&mut rest)?));
        }
        Ok(())
    });
    let row = out.row(at, header.size().min(blob.len().saturating_sub(at)), vbmeta);
    out.facts.vbmetas.push(row);
    result
}

fn fact_of(descriptor: Descriptor) -> avb::Descriptor {
    match descriptor {
        Descriptor::Property { key, value } => avb::Descriptor::Property { key, value },
        Descriptor::Hashtree(it) => avb::Descriptor::Hashtree {
            partition: it.digest.partition,
            image_size: it.image_size,
            algorithm: it.digest.algorithm,
            root_digest: hex(&it.digest.bytes),
        },
        Descriptor::Hash(it) => avb::Descriptor::Hash {
            partition: it.digest.partition,
            image_size: it.image_size,
            algorithm: it.digest.algorithm,
            digest: hex(&it.digest.bytes),
        },
        Descriptor::KernelCmdline { cmdline, flags } => avb::Descriptor::KernelCmdline { cmdline, flags },
        Descriptor::Chain { partition, public_key, rollback_index_location } => {
            avb::Descriptor::Chain { partition, rollback_index_location, public_key_sha256: sha256(&public_key) }
        }
        Descriptor::Unknown { tag } => avb::Descriptor::Unknown { tag },
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
