//! The digest over all verified-boot metadata of a phone, as its boot loader hands it to the system and to attestation.
//!
//! Source: AOSP `external/avb`, `libavb/avb_slot_verify.c`, `avb_slot_verify_data_calculate_vbmeta_digest`.

use formats::vbmeta::structure::{self, Descriptor, Header};
use model::{Artifact, Fault, NodeKind, Store};
use verify::hash::Hash;

use crate::images::{self, Context};
use crate::walk::Found;

/// The digest of one set of metadata.
#[derive(Debug)]
pub struct VbmetaDigest {
    /// SHA-256 over them and those that they name by key, in that order.
    pub sha256: Vec<u8>,
    /// Partitions that they name and that are not there: the digest is then not that of the phone.
    pub missing: Vec<String>,
}

/// The digest of every `vbmeta` partition (of each slot, or of each package) that was found.
pub fn vbmeta_digests(found: &Found, store: &Store) -> Vec<(String, Result<VbmetaDigest, Fault>)> {
    let context = Context::of(found, store);
    let is_first = |it: &&Artifact| {
        let is_named = it.node.kind == NodeKind::File && images::stem(it.file_name()).0 == "vbmeta";
        is_named && it.blob.read_up_to(0, 4).is_ok_and(|it| it == b"AVB0")
    };
    found.tree.iter().filter(is_first).map(|it| (found.tree.path(it.id), digest(&context, found, it))).collect()
}

fn digest(context: &Context, found: &Found, metadata: &Artifact) -> Result<VbmetaDigest, Fault> {
    let header = Header::read(&metadata.blob, 0)?;
    let auxiliary = header.auxiliary(&metadata.blob)?;
    let mut hash = Hash::Sha256.start();
    hash.update(&metadata.blob.read_at(0, header.size())?);
    let mut missing = Vec::new();
    let mut descriptors = auxiliary.part(header.descriptors)?;
    while !descriptors.is_empty() {
        let Descriptor::Chain { partition, .. } = Descriptor::read(&mut descriptors)? else { continue };
        let Some(image) = context.image(metadata, &partition, 0) else {
            missing.push(partition);
            continue;
        };
        let image = &found.tree.artifact(image).blob;
        let at = structure::behind(image)?.unwrap_or(0);
        hash.update(&image.read_at(at, Header::read(image, at)?.size())?);
    }
    Ok(VbmetaDigest { sha256: hash.finalize().into_vec(), missing })
}
