//! CompactDex files, which Android 9 to 13 put into VDEX files: the header. Their data lies in a section that several
//! share; the code is read from the whole VDEX (`dalvik::container`).

use model::fact::code::{Code, Container};
use model::{Artifact, Fault};

use crate::dex::{self, Header};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "cdex",
    title: "CompactDex file",
    spec: "AOSP art/libdexfile/dex/compact_dex_file.h",
    kind: Kind::Code,
    matches: |_, head| dex::version_of(head, b"cdex").is_some(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let header = Header::read(&artifact.blob, 0, b"cdex")?;
    let code = Code {
        container: Container::CompactDex,
        version: header.version,
        n_classes: Some(header.class_defs.0),
        n_methods: Some(header.method_ids.0),
        n_dex: Some(1),
    };
    let row = out.row(0, artifact.blob.len().min(header.file_size.into()), code);
    out.facts.code.push(row);
    Ok(())
}
