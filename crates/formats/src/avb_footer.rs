//! AVB footers: the last 64 bytes of an image, which point to the vbmeta structure behind what the image holds.
//!
//! What stands before it (a file system, a boot image) is read by its own reader, which knows where it ends.

use model::{Artifact, Fault, Reader};

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
            && artifact.blob.read_up_to(len.saturating_sub(FOOTER_SIZE), 8).is_ok_and(|it| it == MAGIC)
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let len = artifact.blob.len();
    let at = len.saturating_sub(FOOTER_SIZE);
    let bytes = artifact.blob.read_at(at, FOOTER_SIZE)?;
    let mut footer = Reader::at(&bytes, at);
    footer.expect(MAGIC, "magic")?;
    footer.skip(12, "original_image_size")?;
    let vbmeta_offset = footer.u64_be("vbmeta_offset")?;
    let vbmeta_size = footer.u64_be("vbmeta_size")?;
    match vbmeta_offset.checked_add(vbmeta_size) {
        Some(end) if end <= at => vbmeta::read_at(&artifact.blob, vbmeta_offset, true, out),
        _ => Err(Fault::malformed("vbmeta_offset", at.saturating_add(20))),
    }
}

/// `AVB_FOOTER_MAGIC` and major version 1.
const MAGIC: &[u8] = b"AVBf\0\0\0\x01";

/// `AVB_FOOTER_SIZE`.
const FOOTER_SIZE: u64 = 64;

/// `avbtool` keeps 4 KiB for the footer and at least as much for the structure.
const IMAGE_MIN: u64 = 8 << 10;
