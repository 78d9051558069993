//! The block that Samsung's signer leaves behind an image: who signed which build, and a signature whose form nobody has
//! published.

use model::fact::package::Package;
use model::{Artifact, Fault, Reader};

use crate::vbmeta::structure::{FOOTER_MAGIC, FOOTER_SIZE};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "samsung-signer",
    title: "block of Samsung's signer",
    // Fields: github.com/CruelKernel/webpit, SamsungSignature; sizes 512 and 784 by what tools cut off.
    spec: "https://github.com/CruelKernel/webpit",
    kind: Kind::Trust,
    matches: |artifact, _| may_have(artifact) && place(artifact).is_ok_and(|it| it.is_some()),
    read,
};

/// The end of an artifact costs its whole decoding: it is looked at only where it can be that of an image, which lies
/// near the top of a package and not deep in a file system.
fn may_have(artifact: &Artifact) -> bool {
    let name = artifact.file_name();
    let is_image = [&b".img"[..], b".bin", b".mbn", b".pit"].iter().any(|it| name.ends_with(it));
    is_image && artifact.raw_name.iter().filter(|it| **it == b'/').count() <= FOLDERS_MAX
}

/// `/images/boot.img`
const FOLDERS_MAX: usize = 2;

/// Where the block stands, and its size: at the end, or in front of what AVB puts behind it.
fn place(artifact: &Artifact) -> Result<Option<(u64, u64)>, Fault> {
    let blob = &artifact.blob;
    let mut ends = vec![blob.len()];
    if let Some(at) = blob.len().checked_sub(FOOTER_SIZE) {
        let bytes = blob.read_at(at, FOOTER_SIZE)?;
        let mut footer = Reader::at(&bytes, at);
        if footer.rest().starts_with(FOOTER_MAGIC) {
            footer.skip(12, "magic and version")?;
            ends.push(footer.u64_be("original_image_size")?);
        }
    }
    for end in ends {
        for (mark, size) in BLOCKS {
            let Some(at) = end.checked_sub(size) else { continue };
            if blob.read_up_to(at, mark.len() as u64)? == mark {
                return Ok(Some((at, size)));
            }
        }
    }
    Ok(None)
}

/// By version of the signer.
const BLOCKS: [(&[u8], u64); 2] = [(b"SignerVer02", 512), (b"SignerVer03", 784)];

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let Some((at, size)) = place(artifact)? else { return Ok(()) };
    let bytes = artifact.blob.read_at(at, size)?;
    let mut reader = Reader::at(&bytes, at);
    let mut properties = Vec::new();
    for (name, len) in FIELDS {
        let value = String::from_utf8_lossy(reader.padded(len, name)?).into_owned();
        if !value.is_empty() {
            properties.push((name.to_owned(), value));
        }
    }
    if let Some(before) = at.checked_sub(ENFORCE.len() as u64)
        && artifact.blob.read_at(before, ENFORCE.len() as u64)? == ENFORCE
    {
        properties.push(("mark".to_owned(), "SEANDROIDENFORCE".to_owned()));
    }
    let package = Package { kind: "samsung-signer".to_owned(), incremental: false, properties };
    let row = out.row(at, size, package);
    out.facts.packages.push(row);
    out.gap("Samsung's own signature behind the image was not verified: its form is not published");
    Ok(())
}

const FIELDS: [(&str, usize); 7] = [
    ("signer_name", 16),
    ("signer_ver", 16),
    ("firmware_ver", 32),
    ("firmware_timestamp", 16),
    ("phone_model", 32),
    ("board1", 16),
    ("board2", 16),
];

/// Boot loaders of Samsung want it behind an image.
const ENFORCE: &[u8] = b"SEANDROIDENFORCE";
