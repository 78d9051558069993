//! Compressed streams: one decoder for every codec that containers and files use.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Raw deflate (RFC 1951), as in zip.
    Deflate,
}

/// A reader of the decoded bytes of `reader`. Opening reads nothing; what is malformed is an error of a later read.
pub(crate) fn decoder(codec: Codec, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    match codec {
        Codec::Deflate => Box::new(DeflateDecoder::new(reader)),
    }
}
