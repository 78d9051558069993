//! The older `.lzma` files ("LZMA alone").

use model::{Artifact, Fault};

use crate::archive::stem;
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "lzma",
    title: "lzma stream",
    spec: "https://github.com/jljusten/LZMA-SDK/blob/master/DOC/lzma-specification.txt",
    kind: Kind::Wrapper,
    matches: |_, bytes| Codec::of(bytes) == Some(Codec::Lzma),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = stem(artifact, &[(".lzma", ""), (".tlz", ".tar")]);
    out.stream(name, &mut decoder(Codec::Lzma, artifact.blob.stream()))
}
