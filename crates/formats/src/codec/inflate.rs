//! Deflate, by decoders that are used again.
//!
//! A decoder takes some 50 kB that must lie on certain addresses. A phone has a hundred thousand packed entries, and not
//! every allocator gives such memory out a second time: a bomb of many archives took seven times of what it used.

use std::cell::RefCell;
use std::io::{self, BufRead, Read};
use std::ops::{Deref, DerefMut};

use flate2::{Decompress, FlushDecompress, Status};

use super::Input;

/// A decoder on loan: it is kept for the next who wants one.
pub struct Inflater(Option<Decompress>);

/// A decoder at its start, of raw deflate or with a zlib header.
pub fn inflater(zlib_header: bool) -> Inflater {
    let kept = KEPT.with(|it| it.borrow_mut().pop());
    let decompress = match kept {
        Some(mut kept) => {
            kept.reset(zlib_header);
            kept
        }
        None => Decompress::new(zlib_header),
    };
    Inflater(Some(decompress))
}

thread_local!(static KEPT: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) });

/// Archives in archives are read through as many decoders.
const KEPT_MAX: usize = 16;

impl Deref for Inflater {
    type Target = Decompress;

    #[allow(clippy::expect_used, reason = "it is there until it is dropped")]
    fn deref(&self) -> &Decompress {
        self.0.as_ref().expect("a decoder")
    }
}

impl DerefMut for Inflater {
    #[allow(clippy::expect_used, reason = "it is there until it is dropped")]
    fn deref_mut(&mut self) -> &mut Decompress {
        self.0.as_mut().expect("a decoder")
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        let Some(decompress) = self.0.take() else { return };
        // A thread that ends has nothing to keep.
        _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT_MAX {
                kept.push(decompress);
            }
        });
    }
}

/// The decoded bytes of a raw stream.
pub(super) struct Deflate {
    inflater: Inflater,
    input: Input,
    done: bool,
}

impl Deflate {
    pub(super) fn new(input: Input) -> Deflate {
        Deflate { inflater: inflater(false), input, done: false }
    }
}

impl Read for Deflate {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buf.is_empty() {
            let bytes = self.input.fill_buf()?;
            let at_end = bytes.is_empty();
            let (taken, given) = (self.inflater.total_in(), self.inflater.total_out());
            let flush = if at_end { FlushDecompress::Finish } else { FlushDecompress::None };
            let status = self.inflater.decompress(bytes, buf, flush).map_err(|_| io::ErrorKind::InvalidData)?;
            let taken = usize::try_from(self.inflater.total_in().saturating_sub(taken)).unwrap_or(usize::MAX);
            let given = usize::try_from(self.inflater.total_out().saturating_sub(given)).unwrap_or(usize::MAX);
            self.input.consume(taken);
            self.done = status == Status::StreamEnd;
            match given {
                0 if self.done => break,
                0 if at_end => return Err(io::ErrorKind::UnexpectedEof.into()),
                // Nothing moves any more.
                0 if taken == 0 => return Err(io::ErrorKind::InvalidData.into()),
                0 => {}
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}
