//! Android Verified Boot: the signed metadata, and whether partitions equal what it states.
//!
//! Source: AOSP `external/avb`.

pub mod boot_signature;
pub mod hashtree;
pub mod structure;
pub mod verity_table;

use model::{Blob, Fault};

use self::structure::HashDescriptor;
use crate::apk::pieces;

/// Whether an image is the one whose digest a descriptor states. A fault where it is not all there.
pub fn equals(descriptor: &HashDescriptor, image: &Blob) -> Result<bool, Fault> {
    let Some(hash) = descriptor.algorithm else {
        return Err(Fault::Unsupported(format!("hash {}", descriptor.algorithm_name)));
    };
    let mut running = hash.start();
    running.update(&descriptor.salt);
    pieces(&image.slice(0, descriptor.image_size)?, &mut |piece| running.update(piece))?;
    Ok(*running.finalize() == *descriptor.digest)
}
