//! Android Verified Boot: the signed metadata, and whether partitions equal what it states.
//!
//! Source: AOSP `external/avb`.

pub mod boot_signature;
pub mod fec;
pub mod hashtree;
pub mod structure;
pub mod verity_table;

use model::{Blob, Fault};

use self::structure::{HashDescriptor, by_name};
use crate::apk::pieces;

/// Whether an image is the one whose digest a descriptor states. A fault where it is not all there.
pub fn equals(descriptor: &HashDescriptor, image: &Blob) -> Result<bool, Fault> {
    let stated = &descriptor.digest;
    let Some(hash) = by_name(&stated.algorithm) else {
        return Err(Fault::Unsupported(format!("hash {}", stated.algorithm)));
    };
    let mut running = hash.start();
    running.update(&stated.salt);
    pieces(&image.slice(0, descriptor.image_size)?, &mut |piece| running.update(piece))?;
    Ok(*running.finalize() == *stated.bytes)
}
