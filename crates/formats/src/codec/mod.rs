//! Compressed streams: one decoder for every codec that containers and files use.
//!
//! Invariant: a stream that is cut off or broken ends with an error, never like a whole one.

mod inflate;
mod input;
mod lz4;
mod members;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::Fault;

pub use inflate::{Inflater, inflater};
use input::Input;
use members::Members;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Raw deflate (RFC 1951), as in zip.
    Deflate,
    /// Gzip (RFC 1952), any number of members.
    Gzip,
    /// Xz, any number of streams.
    Xz,
    /// The older `.lzma` ("LZMA alone").
    Lzma,
    /// Bzip2, any number of streams.
    Bzip2,
    /// Zstandard (RFC 8878), any number of frames, skippable ones passed over.
    Zstd,
    /// Brotli (RFC 7932), without the large-window extension.
    Brotli,
    /// Lz4 frames, and the legacy frames of kernels and ramdisks, any number and mixed.
    Lz4,
}

impl Codec {
    /// The codec that these first bytes show. Deflate and brotli have no mark; that of lzma is weak, so that its header
    /// must look like what encoders write. Lz4 and zstd share their skippable frames: what follows the first one tells.
    pub(crate) fn of(bytes: &[u8]) -> Option<Codec> {
        match bytes {
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Codec::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Codec::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Codec::Bzip2),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Codec::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Codec::Lz4),
            // Usual properties, a power of two as dictionary, and a size that is unknown or under 4 GiB.
            [0x5d, 0, 0, 0 | 1 | 2 | 4 | 8 | 0x10 | 0x20 | 0x40 | 0x80, 0..=4, rest @ ..] => match rest.get(..8)? {
                [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] | [_, _, _, _, 0, 0, 0, 0] => Some(Codec::Lzma),
                _ => None,
            },
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] => {
                let len = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
                match rest.get(len..)? {
                    [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Codec::Zstd),
                    [0x04, 0x22, 0x4d, 0x18, ..] => Some(Codec::Lz4),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Codec::Deflate => "deflate stream",
            Codec::Gzip => "gzip stream",
            Codec::Xz => "xz stream",
            Codec::Lzma => "lzma stream",
            Codec::Bzip2 => "bzip2 stream",
            Codec::Zstd => "zstd stream",
            Codec::Brotli => "brotli stream",
            Codec::Lz4 => "lz4 stream",
        }
    }
}

/// A reader of the decoded bytes of `reader`. Opening reads nothing; what is malformed is an error of a later read, a
/// [`Fault`] whose offset is how far the decoder had read (in steps of its buffer).
pub(crate) fn decoder(codec: Codec, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    let input = Input::new(reader);
    let taken = input.taken();
    let decoder: Box<dyn Read + Send> = match codec {
        Codec::Deflate => Box::new(inflate::Deflate::new(input)),
        Codec::Gzip => Box::new(Members::<members::Gzip>::new(input)),
        Codec::Xz => Box::new(Members::<members::Xz>::new(input)),
        Codec::Lzma => Box::new(Members::<members::Lzma>::new(input)),
        Codec::Bzip2 => Box::new(Members::<members::Bzip2>::new(input)),
        Codec::Zstd => Box::new(Members::<members::Zstd>::new(input)),
        Codec::Brotli => Box::new(Members::<members::Brotli>::new(input)),
        Codec::Lz4 => Box::new(Members::<lz4::Lz4>::new(input)),
    };
    Box::new(Told { decoder, codec, taken })
}

/// Makes faults of the errors of decoders, which else would look like those of a disk.
struct Told {
    decoder: Box<dyn Read + Send>,
    codec: Codec,
    taken: Arc<AtomicU64>,
}

impl Read for Told {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buf).map_err(|error| {
            if error.get_ref().is_some_and(|it| it.is::<Fault>()) || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let at = self.taken.load(Ordering::Relaxed);
            match error.kind() {
                io::ErrorKind::UnexpectedEof => Fault::Truncated { at, wanted: 1 },
                io::ErrorKind::OutOfMemory => Fault::Limit { what: "window of a compressed stream", bound: WINDOW_MAX },
                _ => Fault::malformed(self.codec.name(), at),
            }
            .into()
        })
    }
}

/// The largest window that `xz -9` (64 MiB) and `zstd --long` (128 MiB) use without being asked for more.
const WINDOW_MAX: u64 = 128 << 20;

#[cfg(test)]
mod tests;
