//! AVB footers: the last 64 bytes of an image, which point to the vbmeta structure behind what the image holds.
//!
//! What stands before it (a file system, a boot image) is read by its own reader, which knows where it ends.

use model::{Artifact, Fault};

use crate::vbmeta::structure::{self, FOOTER_MAGIC, FOOTER_SIZE};
use crate::{Format, Kind, Reading, vbmeta};

/// The format.
pub static FORMAT: Format = Format {
    id: "avb-footer",
    title: "AVB footer",
    spec: "AOSP external/avb/libavb/avb_footer.h",
    kind: Kind::Trust,
    // The end of an artifact costs its whole decoding: it is looked at only where it can be that of a partition.
    matches: |artifact, _| {
        let len = artifact.blob.len();
        IMAGE_MIN <= len
            && len % 4096 == 0
            && artifact.blob.read_up_to(len.saturating_sub(FOOTER_SIZE), 4).is_ok_and(|it| it == FOOTER_MAGIC)
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    match structure::behind(&artifact.blob)? {
        Some(at) => vbmeta::read_at(&artifact.blob, at, true, out),
        None => Err(Fault::malformed("magic", artifact.blob.len().saturating_sub(FOOTER_SIZE))),
    }
}

/// `avbtool` keeps 4 KiB for the footer and at least as much for the structure.
const IMAGE_MIN: u64 = 8 << 10;
