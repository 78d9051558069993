//! Zstandard frames, any number one behind the other.

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "zstd",
    title: "zstd stream",
    spec: "https://www.rfc-editor.org/rfc/rfc8878",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Zstd),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".zst", ""), (".tzst", ".tar"), (".zstd", "")]);
    out.stream(name, &mut decoder(Codec::Zstd, artifact.blob.stream()))
}
