//! ODEX files of the Dalvik virtual machine (Android up to 4.4): a dex file that was optimised for one device.

use model::fact::anomaly;
use model::fact::code::{Code, Container};
use model::{Artifact, Fault, Reader};

use crate::dex::{self, Header};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "dalvik-odex",
    title: "Dalvik ODEX file",
    spec: "AOSP dalvik/libdex/DexFile.h (struct DexOptHeader)",
    kind: Kind::Code,
    matches: |_, head| dex::version_of(head, b"dey\n").is_some(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    let head = blob.read_at(0, 40)?;
    let version = dex::version_of(&head, b"dey\n").ok_or(Fault::malformed("magic", 0))?;
    let mut header = Reader::new(&head);
    header.skip(8, "magic")?;
    let offset = u64::from(header.u32_le("dexOffset")?);
    let length = u64::from(header.u32_le("dexLength")?);
    let dex = Header::read(blob, offset, b"dex\n");
    let code = Code {
        container: Container::DalvikOdex,
        version,
        n_classes: dex.as_ref().map(|it| it.class_defs.0).ok(),
        n_methods: dex.as_ref().map(|it| it.method_ids.0).ok(),
        n_dex: Some(1),
    };
    let row = out.row(0, blob.len(), code);
    out.facts.code.push(row);
    let view = blob.clamp(offset, length);
    if view.len() < length {
        out.anomaly(
            8,
            8,
            anomaly::Kind::LyingField,
            format!("dexLength {length:#x} at {offset:#x} reaches past the end"),
        );
    }
    if !view.is_empty() {
        out.child(&b"classes.quick.dex"[..], view);
    }
    dex.map(drop)
}
