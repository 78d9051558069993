//! Bzip2 streams, any number one behind the other.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "bzip2",
    title: "bzip2 stream",
    spec: "https://sourceware.org/bzip2/manual/manual.html",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Bzip2),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".bz2", ""), (".tbz2", ".tar"), (".tbz", ".tar")]);
    out.stream(name, &mut decoder(Codec::Bzip2, artifact.blob.stream()))
}
