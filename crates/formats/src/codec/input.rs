//! What decoders read from.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A buffered reader that begins small: of most entries of an archive only the first bytes are ever decoded.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    /// How many bytes were taken from the reader.
    taken: Arc<AtomicU64>,
    buffer: Vec<u8>,
    pos: usize,
    end: usize,
}

impl Input {
    /// Nothing is read yet.
    pub fn new(reader: Box<dyn Read + Send>) -> Input {
        Input { reader, taken: Arc::default(), buffer: Vec::new(), pos: 0, end: 0 }
    }

    /// How many bytes were taken from the reader, now and later.
    pub fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.end <= self.pos {
            let len = if self.buffer.is_empty() { FIRST } else { BUFFER };
            if self.buffer.len() < len {
                self.buffer = vec![0; len];
            }
            (self.pos, self.end) = (0, 0);
            self.end = self.reader.read(&mut self.buffer)?;
            self.taken.fetch_add(self.end as u64, Ordering::Relaxed);
        }
        Ok(self.buffer.get(self.pos..self.end).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.pos = self.pos.saturating_add(n).min(self.end);
    }
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

/// Enough for the first 8 KiB of most things.
const FIRST: usize = 4 << 10;

/// As much as a stream over a blob reads at once.
pub(super) const BUFFER: usize = 64 << 10;
