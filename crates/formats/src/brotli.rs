//! Brotli files. They have no mark: only their name tells them.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "brotli",
    title: "brotli stream",
    spec: "https://www.rfc-editor.org/rfc/rfc7932",
    kind: Kind::Wrapper,
    matches: |artifact, _| artifact.file_name().to_ascii_lowercase().ends_with(b".br"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".br", "")]);
    out.stream(name, &mut decoder(Codec::Brotli, artifact.blob.stream()))
}
