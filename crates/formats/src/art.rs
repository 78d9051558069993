//! Heap images of the Android runtime (`boot.art`): the header.

use model::fact::code::{Code, Container};
use model::{Artifact, Fault};

use crate::dex;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "art",
    title: "ART heap image",
    spec: "AOSP art/runtime/oat/image.h",
    kind: Kind::Code,
    matches: |_, head| dex::version_of(head, b"art\n").is_some(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let head = artifact.blob.read_at(0, 8)?;
    let version = dex::version_of(&head, b"art\n").ok_or(Fault::malformed("magic", 0))?;
    let code = Code { container: Container::Art, version, n_classes: None, n_methods: None, n_dex: None };
    let row = out.row(0, artifact.blob.len(), code);
    out.facts.code.push(row);
    Ok(())
}
