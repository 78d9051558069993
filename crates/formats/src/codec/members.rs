//! Streams that are made of members one behind the other: gzip members, xz streams, zstd frames.

use std::io::{self, BufRead, Read};
use std::marker::PhantomData;

use brotli_decompressor::Decompressor;
use flate2::bufread::GzDecoder;
use lzma_rust2::{LzmaReader, XzReader};
use model::Fault;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::{Input, WINDOW_MAX};

/// One member of a stream.
pub(super) trait Member: Read + Sized {
    /// Starts on a member; the input has at least one byte.
    fn open(input: Input) -> io::Result<Self>;

    /// Gives back the input behind a member that was read to its end.
    fn close(self) -> Input;
}

/// All members of a stream. Zeros between and behind members are padding (block devices, kernels, xz).
pub(super) struct Members<M> {
    state: State<M>,
    member: PhantomData<M>,
}

enum State<M> {
    Start(Input),
    Inside(M),
    Between(Input),
    Done,
}

impl<M: Member> Members<M> {
    pub(super) fn new(input: Input) -> Members<M> {
        Members { state: State::Start(input), member: PhantomData }
    }

    /// One step; the next state, and how many bytes were delivered.
    fn step(state: State<M>, buf: &mut [u8]) -> io::Result<(State<M>, usize)> {
        Ok(match state {
            State::Start(mut input) => match input.fill_buf()? {
                [] => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => (State::Inside(M::open(input)?), 0),
            },
            State::Inside(mut member) => match member.read(buf)? {
                0 => (State::Between(member.close()), 0),
                n => (State::Inside(member), n),
            },
            State::Between(mut input) => {
                let bytes = input.fill_buf()?;
                let zeros = bytes.iter().take_while(|&&it| it == 0).count();
                match (bytes.is_empty(), zeros) {
                    (true, _) => (State::Done, 0),
                    (false, 0) => (State::Inside(M::open(input)?), 0),
                    _ => {
                        input.consume(zeros);
                        (State::Between(input), 0)
                    }
                }
            }
            State::Done => (State::Done, 0),
        })
    }
}

impl<M: Member> Read for Members<M> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let state = std::mem::replace(&mut self.state, State::Done);
            let (state, n) = Self::step(state, buf)?;
            self.state = state;
            if n != 0 || matches!(self.state, State::Done) {
                return Ok(n);
            }
        }
    }
}

macro_rules! member {
    ($(#[$doc:meta])* $name:ident($inner:ty): $open:expr) => {
        $(#[$doc])*
        pub(super) struct $name($inner);

        impl Read for $name {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0.read(buf)
            }
        }

        impl Member for $name {
            fn open(input: Input) -> io::Result<$name> {
                let open: fn(Input) -> io::Result<$inner> = $open;
                open(input).map($name)
            }

            fn close(self) -> Input {
                self.0.into_inner()
            }
        }
    };
}

member! {
    /// A gzip member.
    Gzip(GzDecoder<Input>): |input| Ok(GzDecoder::new(input))
}

member! {
    /// A bzip2 stream.
    Bzip2(bzip2::bufread::BzDecoder<Input>): |input| Ok(bzip2::bufread::BzDecoder::new(input))
}

member! {
    /// An xz stream.
    Xz(XzReader<Input>): |input| Ok(XzReader::new_mem_limit(input, false, MEMORY_KB))
}

member! {
    /// The whole of a `.lzma` file: nothing marks another one behind it.
    Lzma(LzmaReader<Input>): |input| LzmaReader::new_mem_limit(input, MEMORY_KB, None)
}

/// The window and what the decoder needs besides.
#[allow(clippy::cast_possible_truncation, reason = "a constant that fits")]
const MEMORY_KB: u32 = (WINDOW_MAX >> 10) as u32 + 1024;

/// A zstd frame.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    input: Input,
}

impl Read for Zstd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy::UptoBlocks;
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            self.decoder.decode_blocks(&mut self.input, UptoBlocks(1)).map_err(zstd_error)?;
        }
        let n = self.decoder.read(buf)?;
        let stated = self.decoder.get_checksum_from_data();
        if n == 0 && stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(n)
    }
}

impl Member for Zstd {
    fn open(mut input: Input) -> io::Result<Zstd> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_MAX);
        loop {
            match decoder.init(&mut input) {
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    skip(&mut input, length.into())?;
                    if input.fill_buf()?.is_empty() {
                        // A decoder that was never started delivers nothing.
                        return Ok(Zstd { decoder: FrameDecoder::new(), input });
                    }
                }
                Err(error) => return Err(zstd_error(error)),
                Ok(()) => return Ok(Zstd { decoder, input }),
            }
        }
    }

    fn close(self) -> Input {
        self.input
    }
}

fn zstd_error(error: FrameDecoderError) -> io::Error {
    if let FrameDecoderError::WindowSizeTooBig { .. } = error {
        return io::ErrorKind::OutOfMemory.into();
    }
    // The library wraps what its input said: a cut-off input and a failing disk are told apart from broken bytes.
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(it) = source {
        if let Some(io) = it.downcast_ref::<io::Error>() {
            return match io.get_ref().and_then(|it| it.downcast_ref::<Fault>()) {
                Some(fault) => fault.clone().into(),
                None => io.kind().into(),
            };
        }
        source = it.source();
    }
    io::ErrorKind::InvalidData.into()
}

/// Passes over `len` bytes.
pub(super) fn skip(input: &mut Input, len: u64) -> io::Result<()> {
    if io::copy(&mut input.take(len), &mut io::sink())? == len {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// The whole of a brotli file: nothing marks another one behind it.
pub(super) struct Brotli(Decompressor<Input>);

impl Read for Brotli {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Member for Brotli {
    fn open(mut input: Input) -> io::Result<Brotli> {
        // RFC 7932 section 9.1 leaves this window size out; the large-window extension uses it for up to 1 GiB.
        if input.fill_buf()?.first().is_some_and(|it| it & 0x7f == 0x11) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(Brotli(Decompressor::new(input, super::input::BUFFER)))
    }

    fn close(self) -> Input {
        // The decoder keeps what it took too much: what stands behind the stream is not looked at.
        Input::new(Box::new(io::empty()))
    }
}
