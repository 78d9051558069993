//! Lz4 frames and legacy frames, any number one behind the other.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "lz4",
    title: "lz4 stream",
    spec: "https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Lz4),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".lz4", "")]);
    out.stream(name, &mut decoder(Codec::Lz4, artifact.blob.stream()))
}
