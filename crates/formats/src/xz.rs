//! Xz streams, any number one behind the other.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "xz",
    title: "xz stream",
    spec: "https://tukaani.org/xz/xz-file-format.txt",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Xz),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".xz", ""), (".txz", ".tar")]);
    out.stream(name, &mut decoder(Codec::Xz, artifact.blob.stream()))
}
