//! A cheap, cloneable view of bytes that is read by position.
//!
//! Invariant: a view never reads outside its parent, and making a view reads nothing.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use crate::Fault;

/// Something that delivers bytes by position: a file, a decoder with its cache, bytes in memory.
pub trait Source: Send + Sync {
    /// How many bytes there are. Does not change.
    fn len(&self) -> u64;

    /// Fills `buf` from `offset`. The caller keeps `offset + buf.len()` within [`Source::len`].
    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault>;

    /// How many bytes from `offset` on are known to be zero without reading them (a hole). 0 where nothing is known.
    fn zeros_at(&self, _offset: u64) -> u64 {
        0
    }

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a [`Source::stream`] now.
    fn is_stream(&self) -> bool {
        false
    }

    /// The bytes in order from the start, where that is cheaper than reading by position (a compressed stream).
    fn stream(&self) -> Option<Box<dyn Read + Send>> {
        None
    }
}

/// A view of a part of a [`Source`].
#[derive(Clone)]
pub struct Blob {
    source: Arc<dyn Source>,
    start: u64,
    len: u64,
}

/// One run of bytes of a mapped blob (see [`Blob::mapped`]).
#[derive(Debug, Clone)]
pub struct Extent {
    /// Where the run starts in the mapped blob.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
    /// Where they come from.
    pub from: Origin,
}

/// Where the bytes of an [`Extent`] come from. What no extent covers reads as zero.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Another blob, from this offset on.
    Blob(Blob, u64),
    /// Four bytes, repeated (the fill chunk of a sparse image).
    Fill([u8; 4]),
    /// Bytes that are needed and not there: reading them fails with this fault.
    Missing(Fault),
}

impl Blob {
    /// All bytes of a source.
    pub fn new(source: impl Source + 'static) -> Blob {
        let len = source.len();
        Blob { source: Arc::new(source), start: 0, len }
    }

    /// Bytes in memory.
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Blob {
        Blob::new(Memory(bytes.into()))
    }

    /// No bytes.
    pub fn empty() -> Blob {
        Blob::from_bytes([])
    }

    /// A blob of `len` bytes put together from runs of others. Extents are sorted here; of two that overlap, the one
    /// that is given later hides the earlier; what reaches past `len` is cut off.
    pub fn mapped(len: u64, extents: Vec<Extent>) -> Blob {
        Blob::new(Mapped::new(len, extents))
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A view of `len` bytes from `offset`; a fault if they are not all inside.
    pub fn slice(&self, offset: u64, len: u64) -> Result<Blob, Fault> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => {
                Ok(Blob { source: Arc::clone(&self.source), start: self.start + offset, len })
            }
            _ => Err(Fault::Truncated { at: offset, wanted: len }),
        }
    }

    /// A view of the bytes from `offset` on, at most `len` of them, as many as are there.
    pub fn clamp(&self, offset: u64, len: u64) -> Blob {
        let offset = offset.min(self.len);
        let len = len.min(self.len - offset);
        Blob { source: Arc::clone(&self.source), start: self.start + offset, len }
    }

    /// Fills `buf` from `offset`.
    pub fn read_into(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let wanted = buf.len() as u64;
        match offset.checked_add(wanted) {
            Some(end) if end <= self.len => self.source.read(self.start + offset, buf),
            _ => Err(Fault::Truncated { at: offset, wanted }),
        }
    }

    /// `len` bytes from `offset`. The length is checked against the blob before anything is allocated.
    pub fn read_at(&self, offset: u64, len: u64) -> Result<Vec<u8>, Fault> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => {}
            _ => return Err(Fault::Truncated { at: offset, wanted: len }),
        }
        if READ_MAX < len {
            return Err(Fault::Limit { what: "bytes read at once", bound: READ_MAX });
        }
        let mut bytes = vec![0; len as usize];
        self.source.read(self.start + offset, &mut bytes)?;
        Ok(bytes)
    }

    /// At most `len` bytes from `offset`, fewer at the end of the blob.
    pub fn read_up_to(&self, offset: u64, len: u64) -> Result<Vec<u8>, Fault> {
        let len = len.min(self.len.saturating_sub(offset));
        if len == 0 { Ok(Vec::new()) } else { self.read_at(offset, len) }
    }

    /// The first bytes, at most `len` of them, for someone who needs them once: those of a compressed stream are not kept.
    pub fn first(&self, len: u64) -> Result<Vec<u8>, Fault> {
        let len = len.min(self.len);
        match self.whole_stream() {
            Some(stream) => {
                let mut bytes = Vec::with_capacity(len.min(READ_MAX) as usize);
                stream.take(len).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
            None => self.read_up_to(0, len),
        }
    }

    /// Whether reading the last byte costs decoding all before it: a compressed stream that nobody has decoded yet.
    pub fn is_stream(&self) -> bool {
        self.source.is_stream()
    }

    /// All bytes; a fault if there are more than `bound`.
    pub fn bytes(&self, what: &'static str, bound: u64) -> Result<Vec<u8>, Fault> {
        if bound < self.len {
            return Err(Fault::Limit { what, bound });
        }
        self.read_at(0, self.len)
    }

    /// How many bytes from `offset` on are known to be zero without reading them.
    pub fn zeros_at(&self, offset: u64) -> u64 {
        if self.len <= offset {
            return 0;
        }
        self.source.zeros_at(self.start + offset).min(self.len - offset)
    }

    /// The bytes in order, for decoders and hashes. A [`Fault`] travels inside the `io::Error`.
    pub fn stream(&self) -> Box<dyn Read + Send> {
        let read =
            || Box::new(Stream { blob: self.clone(), pos: 0, buffer: Vec::new(), used: 0 }) as Box<dyn Read + Send>;
        self.whole_stream().unwrap_or_else(read)
    }

    /// The stream of the source, if this is a view of all of it.
    fn whole_stream(&self) -> Option<Box<dyn Read + Send>> {
        if self.start == 0 && self.len == self.source.len() { self.source.stream() } else { None }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len)
    }
}

/// A single read into memory is never larger than this: the largest thing that is read whole is a dex (a few tens of
/// MiB) or a kernel (under 64 MiB unpacked); four times that leaves room.
const READ_MAX: u64 = 256 << 20;

struct Memory(Arc<[u8]>);

impl Source for Memory {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let truncated = || Fault::Truncated { at: offset, wanted: buf.len() as u64 };
        let start = usize::try_from(offset).map_err(|_| truncated())?;
        let end = start.checked_add(buf.len()).ok_or_else(truncated)?;
        let bytes = self.0.get(start..end).ok_or_else(truncated)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

struct Mapped {
    len: u64,
    /// Sorted by offset, disjoint, not empty.
    extents: Vec<Extent>,
}

impl Mapped {
    fn new(len: u64, mut extents: Vec<Extent>) -> Mapped {
        extents.retain(|it| it.len != 0 && it.offset < len);
        for extent in &mut extents {
            extent.len = extent.len.min(len - extent.offset);
        }
        let sorted = extents.windows(2).all(|pair| pair[0].offset + pair[0].len <= pair[1].offset);
        if !sorted {
            extents = flatten(extents);
        }
        Mapped { len, extents }
    }

    /// The index of the first extent that ends after `offset`.
    fn index_at(&self, offset: u64) -> usize {
        self.extents.partition_point(|it| it.offset + it.len <= offset)
    }
}

/// Makes extents disjoint: a later one hides an earlier one.
fn flatten(extents: Vec<Extent>) -> Vec<Extent> {
    use std::collections::BTreeMap;
    let mut runs: BTreeMap<u64, Extent> = BTreeMap::new();
    for new in extents {
        let end = new.offset + new.len;
        // A run that starts before the new one and reaches into it is cut, and what reaches past it is kept.
        if let Some((&start, old)) = runs.range(..new.offset).next_back() {
            let old = old.clone();
            let old_end = old.offset + old.len;
            if new.offset < old_end {
                runs.insert(start, Extent { len: new.offset - start, ..old.clone() });
                if end < old_end {
                    runs.insert(end, old.tail(end));
                }
            }
        }
        while let Some((&start, old)) = runs.range(new.offset..end).next() {
            let old = old.clone();
            runs.remove(&start);
            if end < old.offset + old.len {
                runs.insert(end, old.tail(end));
            }
        }
        runs.insert(new.offset, new);
    }
    runs.into_values().collect()
}

impl Extent {
    /// The part of the run from `offset` on.
    fn tail(&self, offset: u64) -> Extent {
        let skip = offset - self.offset;
        let from = match &self.from {
            Origin::Blob(blob, start) => Origin::Blob(blob.clone(), start.saturating_add(skip)),
            Origin::Fill(pattern) => {
                let mut pattern = *pattern;
                pattern.rotate_left((skip % 4) as usize);
                Origin::Fill(pattern)
            }
            Origin::Missing(fault) => Origin::Missing(fault.clone()),
        };
        Extent { offset, len: self.len - skip, from }
    }
}

impl Source for Mapped {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, offset: u64, mut buf: &mut [u8]) -> Result<(), Fault> {
        let mut pos = offset;
        let mut index = self.index_at(offset);
        while !buf.is_empty() {
            let wanted = buf.len() as u64;
            let extent = self.extents.get(index);
            let run = match extent {
                Some(extent) if extent.offset <= pos => (extent.offset + extent.len - pos).min(wanted),
                Some(extent) => (extent.offset - pos).min(wanted),
                None => wanted,
            };
            let (head, rest) = buf.split_at_mut(run as usize);
            match extent {
                Some(extent) if extent.offset <= pos => {
                    match &extent.from {
                        Origin::Blob(blob, start) => blob.read_into(start.saturating_add(pos - extent.offset), head)?,
                        Origin::Fill(pattern) => {
                            let phase = ((pos - extent.offset) % 4) as usize;
                            for (byte, fill) in head.iter_mut().zip(pattern.iter().cycle().skip(phase)) {
                                *byte = *fill;
                            }
                        }
                        Origin::Missing(fault) => return Err(fault.clone()),
                    }
                    index += 1;
                }
                _ => head.fill(0),
            }
            pos += run;
            buf = rest;
        }
        Ok(())
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        match self.extents.get(self.index_at(offset)) {
            Some(extent) if extent.offset <= offset => {
                let left = extent.offset + extent.len - offset;
                match &extent.from {
                    Origin::Blob(blob, start) => blob.zeros_at(start.saturating_add(offset - extent.offset)).min(left),
                    Origin::Fill([0, 0, 0, 0]) => left,
                    Origin::Fill(_) | Origin::Missing(_) => 0,
                }
            }
            Some(extent) => extent.offset - offset,
            None => self.len - offset,
        }
    }
}

struct Stream {
    blob: Blob,
    pos: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.used == self.buffer.len() {
            let left = self.blob.len - self.pos;
            if left == 0 {
                return Ok(0);
            }
            // Large reads need no buffer of ours, and the first one may be all that is wanted.
            if STREAM_BUFFER <= buf.len() as u64 || (self.pos == 0 && STREAM_FIRST <= buf.len() as u64) {
                let len = (buf.len() as u64).min(left) as usize;
                self.blob.read_into(self.pos, &mut buf[..len])?;
                self.pos += len as u64;
                return Ok(len);
            }
            self.buffer.resize(left.min(STREAM_BUFFER) as usize, 0);
            self.used = self.buffer.len();
            self.blob.read_into(self.pos, &mut self.buffer)?;
            self.pos += self.buffer.len() as u64;
            self.used = 0;
        }
        let len = buf.len().min(self.buffer.len() - self.used);
        buf[..len].copy_from_slice(&self.buffer[self.used..self.used + len]);
        self.used += len;
        Ok(len)
    }
}

/// A first read of this size is passed on as it is.
const STREAM_FIRST: u64 = 4 << 10;

/// Large enough to make system calls rare, small enough for many streams at once.
const STREAM_BUFFER: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped() -> Blob {
        let base = Blob::from_bytes(*b"0123456789");
        Blob::mapped(
            12,
            vec![
                Extent { offset: 1, len: 3, from: Origin::Blob(base.clone(), 5) },
                Extent { offset: 5, len: 5, from: Origin::Fill(*b"abcd") },
                Extent { offset: 7, len: 1, from: Origin::Blob(base, 0) },
            ],
        )
    }

    #[test]
    fn a_mapped_blob_reads_runs_fills_and_holes() {
        assert_eq!(mapped().read_at(0, 12).unwrap(), b"\x00567\x00ab0da\x00\x00");
        assert_eq!(mapped().read_at(8, 2).unwrap(), b"da");
        assert_eq!(mapped().zeros_at(10), 2);
        assert_eq!(mapped().zeros_at(4), 1);
    }

    #[test]
    fn a_view_never_reads_outside_its_parent() {
        let blob = Blob::from_bytes(*b"0123456789").slice(2, 4).unwrap();
        assert_eq!(blob.read_at(0, 4).unwrap(), b"2345");
        assert!(blob.read_at(1, 4).is_err());
        assert!(blob.slice(3, u64::MAX).is_err());
        assert_eq!(blob.clamp(3, 100).len(), 1);
    }

    #[test]
    fn a_stream_gives_the_bytes_in_order() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let mut seen = Vec::new();
        Blob::from_bytes(bytes.clone()).clamp(3, 199_000).stream().read_to_end(&mut seen).unwrap();
        assert_eq!(seen, bytes[3..199_003]);
    }
}
