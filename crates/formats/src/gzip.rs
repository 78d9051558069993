//! Gzip streams of any number of members.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "gzip",
    title: "gzip stream",
    spec: "https://www.rfc-editor.org/rfc/rfc1952",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Gzip),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".gz", ""), (".tgz", ".tar"), (".taz", ".tar"), (".svgz", ".svg")]);
    out.stream(name, &mut decoder(Codec::Gzip, artifact.blob.stream()))
}
