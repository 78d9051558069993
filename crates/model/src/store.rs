//! Where decoded bytes live: a bounded cache for what can be decoded again, and a spool for what cannot.
//!
//! Invariant: what the store keeps in memory stays under the bound it was made with; the spool's files have no name, so
//! that nothing stays behind, however the program ends.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::blob::{Extent, Origin, Source};
use crate::{Blob, Fault};

/// A handle on the cache and the spool. Cloning shares them.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    cache: Mutex<Cache>,
    memory: u64,
    /// What others keep in memory of what they found.
    reserved: AtomicU64,
    /// Bytes of spooled blobs that live in memory now.
    spooled: AtomicU64,
    spool_dir: PathBuf,
    next_id: AtomicU64,
}

impl Inner {
    /// What the cache may take, and what the spool may. A quarter is left to the allocator: pieces of many sizes that come
    /// and go leave room between them.
    fn share(&self) -> u64 {
        (self.memory - self.reserved.load(Ordering::Relaxed)) / 8 * 3
    }
}

/// Something that is decoded in independent pieces: the clusters of a file system, the operations of a payload.
pub trait Chunks: Send + Sync {
    /// How many bytes there are when all is decoded.
    fn len(&self) -> u64;

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The start and length of the piece that holds `offset`. Pieces are disjoint and at most [`CHUNK_MAX`] long.
    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault>;

    /// Decodes the piece that starts at `start`; the result has the length that [`Chunks::piece_at`] told.
    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault>;

    /// Decodes the piece that starts at `start` into `buf`, which is as long as the piece: for those that can spare the
    /// copy.
    fn decode_into(&self, start: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let piece = self.decode(start)?;
        let truncated = Fault::Truncated { at: start, wanted: buf.len() as u64 };
        buf.copy_from_slice(piece.get(..buf.len()).ok_or(truncated)?);
        Ok(())
    }

    /// How many bytes from `offset` on are known to be zero.
    fn zeros_at(&self, _offset: u64) -> u64 {
        0
    }
}

/// The longest piece of a [`Chunks`]: payloads use 2 MiB, some vendors 16 MiB; twice that leaves room.
pub const CHUNK_MAX: u64 = 32 << 20;

impl Store {
    /// A store that keeps at most `memory` bytes in memory and spools the rest to unnamed files in `spool_dir`.
    pub fn new(memory: u64, spool_dir: PathBuf) -> Store {
        Store(Arc::new(Inner {
            cache: Mutex::default(),
            memory,
            reserved: AtomicU64::new(0),
            spooled: AtomicU64::new(0),
            spool_dir,
            next_id: AtomicU64::new(0),
        }))
    }

    /// A store for tests: 64 MiB, the system's temporary folder.
    pub fn small() -> Store {
        Store::new(64 << 20, std::env::temp_dir())
    }

    /// A blob that is decoded piece by piece, when it is read.
    pub fn chunked(&self, chunks: impl Chunks + 'static) -> Blob {
        Blob::new(Chunked { store: self.clone(), id: self.next_id(), chunks })
    }

    /// A blob of a known length behind a decoder that runs from the start: the first bytes are decoded when only they
    /// are asked for, all of them when more is. A stream that fails or ends early keeps what came before.
    pub fn streamed(
        &self,
        len: u64,
        open: impl Fn() -> Result<Box<dyn Read + Send>, Fault> + Send + Sync + 'static,
    ) -> Blob {
        let open = Arc::new(open);
        Blob::new(Streamed { store: self.clone(), id: self.next_id(), len, open, whole: OnceLock::new() })
    }

    /// Decodes a stream of unknown length now. More than `bound` bytes are a fault. The second value is the fault that
    /// ended the stream early; the blob holds what came before it.
    pub fn spool(&self, reader: &mut dyn Read, bound: u64) -> Result<(Blob, Option<Fault>), Fault> {
        let mut spool = Spool::new(&self.0);
        let mut buffer = vec![0; SPOOL_BLOCK];
        let fault = loop {
            match fill(reader, &mut buffer) {
                (0, fault) => break fault,
                (n, fault) => {
                    if bound < spool.len + n as u64 {
                        let keep = (bound - spool.len) as usize;
                        spool.push(&buffer[..keep])?;
                        break Some(Fault::Limit { what: "decoded bytes", bound });
                    }
                    spool.push(&buffer[..n])?;
                    if fault.is_some() {
                        break fault;
                    }
                }
            }
        };
        Ok((spool.finish()?, fault))
    }

    /// Takes memory for something that is not decoded bytes, up to half of the bound; cache and spool then have so much
    /// less. Whether there was so much left.
    pub fn reserve(&self, bytes: u64) -> bool {
        let add = |it: u64| it.checked_add(bytes).filter(|it| *it <= self.0.memory / 2);
        self.0.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn next_id(&self) -> u64 {
        self.0.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn cached(&self, key: Key) -> Option<Arc<[u8]>> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner).find(key)
    }

    fn keep(&self, key: Key, bytes: Arc<[u8]>) {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, bytes, self.0.share());
    }
}

/// Blocks of zeros of this size are not written to the spool: holes of images stay holes.
const SPOOL_BLOCK: usize = 64 << 10;

/// What a single spooled blob may take of memory before it goes to a file.
const SPOOL_MEMORY: u64 = 4 << 20;

/// How much of a stream is decoded when no more is read: what formats are told by.
const FIRST: u64 = 8 << 10;

/// How much of a stream is decoded when only its head is read: enough for every magic number.
const HEAD: u64 = 16 << 10;

/// Streams up to this length are kept in the cache, longer ones are spooled.
const CACHED_MAX: u64 = 16 << 20;

/// The blob and the start of the piece.
type Key = (u64, u64);

/// The least recently used pieces go first.
#[derive(Default)]
struct Cache {
    /// The bytes and when they were last used.
    pieces: HashMap<Key, (Arc<[u8]>, u64)>,
    used: BTreeMap<u64, Key>,
    clock: u64,
    size: u64,
}

impl Cache {
    fn find(&mut self, key: Key) -> Option<Arc<[u8]>> {
        let (bytes, used) = self.pieces.get_mut(&key)?;
        self.used.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.used.insert(self.clock, key);
        Some(Arc::clone(bytes))
    }

    fn insert(&mut self, key: Key, bytes: Arc<[u8]>, max: u64) {
        let len = bytes.len() as u64;
        if max < len {
            return;
        }
        while max < self.size + len {
            let Some((_, oldest)) = self.used.pop_first() else { break };
            if let Some((bytes, _)) = self.pieces.remove(&oldest) {
                self.size -= bytes.len() as u64;
            }
        }
        self.clock += 1;
        if let Some((bytes, used)) = self.pieces.insert(key, (bytes, self.clock)) {
            self.size -= bytes.len() as u64;
            self.used.remove(&used);
        }
        self.used.insert(self.clock, key);
        self.size += len;
    }
}

struct Chunked<C> {
    store: Store,
    id: u64,
    chunks: C,
}

impl<C: Chunks> Source for Chunked<C> {
    fn len(&self) -> u64 {
        self.chunks.len()
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        self.chunks.zeros_at(offset)
    }

    fn read(&self, offset: u64, mut buf: &mut [u8]) -> Result<(), Fault> {
        let mut pos = offset;
        while !buf.is_empty() {
            let (start, len) = self.chunks.piece_at(pos)?;
            if CHUNK_MAX < len {
                return Err(Fault::Limit { what: "bytes of one compressed piece", bound: CHUNK_MAX });
            }
            let key = (self.id, start);
            let cached = self.store.cached(key);
            if cached.is_none() && pos == start && len != 0 && len <= buf.len() as u64 {
                // Whoever takes a whole piece at once rarely comes back for it.
                let (piece, rest) = buf.split_at_mut(len as usize);
                self.chunks.decode_into(start, piece)?;
                buf = rest;
                pos += len;
                continue;
            }
            let piece = match cached {
                Some(piece) => piece,
                None => {
                    // A piece may turn out shorter than it was told: what it has is read.
                    let piece: Arc<[u8]> = self.chunks.decode(start)?.into();
                    self.store.keep(key, Arc::clone(&piece));
                    piece
                }
            };
            let skip = pos.checked_sub(start).ok_or(Fault::malformed("piece", pos))? as usize;
            let bytes = piece.get(skip..).unwrap_or_default();
            let n = bytes.len().min(buf.len());
            if n == 0 {
                return Err(Fault::Truncated { at: pos, wanted: buf.len() as u64 });
            }
            buf[..n].copy_from_slice(&bytes[..n]);
            buf = &mut buf[n..];
            pos += n as u64;
        }
        Ok(())
    }
}

type Open = dyn Fn() -> Result<Box<dyn Read + Send>, Fault> + Send + Sync;

struct Streamed {
    store: Store,
    id: u64,
    len: u64,
    open: Arc<Open>,
    /// Set when the stream is too long for the cache.
    whole: OnceLock<Blob>,
}

impl Streamed {
    fn decode(&self, key: Key, len: u64) -> Result<Arc<[u8]>, Fault> {
        if let Some(bytes) = self.store.cached(key) {
            return Ok(bytes);
        }
        let (mut bytes, mut n, mut fault) = (zeros(len), 0, None);
        if let Some(bytes) = Arc::get_mut(&mut bytes) {
            (n, fault) = fill(&mut *(self.open)()?, bytes);
        }
        if (n as u64) < len {
            // What came before the fault is kept like any spooled bytes, and what comes after it is told as missing.
            let fault = fault.unwrap_or(Fault::Truncated { at: n as u64, wanted: self.len - n as u64 });
            let (blob, _) = self.store.spool(&mut &bytes[..n], len)?;
            let _ = self.whole.set(with_missing(blob, self.len, Some(fault.clone())));
            return Err(fault);
        }
        self.store.keep(key, Arc::clone(&bytes));
        Ok(bytes)
    }
}

impl Source for Streamed {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        if let Some(whole) = self.whole.get() {
            return whole.read_into(offset, buf);
        }
        let end = offset + buf.len() as u64;
        let decoded = if end <= FIRST.min(self.len) {
            self.decode((self.id, 0), FIRST.min(self.len))
        } else if end <= HEAD.min(self.len) {
            self.decode((self.id, 2), HEAD.min(self.len))
        } else if self.len <= CACHED_MAX {
            self.decode((self.id, 1), self.len)
        } else {
            let (blob, fault) = self.store.spool(&mut (self.open)()?.take(self.len), self.len)?;
            let _ = self.whole.set(with_missing(blob, self.len, fault));
            Err(Fault::malformed("stream", offset))
        };
        match (decoded, self.whole.get()) {
            (_, Some(whole)) => whole.read_into(offset, buf),
            (Ok(bytes), None) => Blob::from_bytes(bytes).read_into(offset, buf),
            (Err(fault), None) => Err(fault),
        }
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        self.whole.get().map_or(0, |it| it.zeros_at(offset))
    }

    fn is_stream(&self) -> bool {
        self.whole.get().is_none()
    }

    fn stream(&self) -> Option<Box<dyn Read + Send>> {
        if self.whole.get().is_some() {
            return None;
        }
        // Who looked at its end before had all of it decoded.
        if let Some(bytes) = self.store.cached((self.id, 1)) {
            return Some(Box::new(io::Cursor::new(bytes)));
        }
        match (self.open)() {
            Ok(stream) => Some(Box::new(Exact { stream, left: self.len })),
            Err(fault) => Some(Box::new(Failed(fault))),
        }
    }
}

/// A stream of exactly `left` bytes: what is more is cut off, fewer are a fault.
struct Exact {
    stream: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Exact {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = (buf.len() as u64).min(self.left) as usize;
        if len == 0 {
            return Ok(0);
        }
        match self.stream.read(&mut buf[..len])? {
            0 => Err(Fault::Truncated { at: 0, wanted: self.left }.into()),
            n => {
                self.left -= n as u64;
                Ok(n)
            }
        }
    }
}

struct Failed(Fault);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.clone().into())
    }
}

/// `blob` made `len` bytes long; what it lacks cannot be read, and the fault says why.
fn with_missing(blob: Blob, len: u64, fault: Option<Fault>) -> Blob {
    let have = blob.len().min(len);
    if have == len {
        return blob;
    }
    let fault = fault.unwrap_or(Fault::Truncated { at: have, wanted: len - have });
    let extents = vec![
        Extent { offset: 0, len: have, from: Origin::Blob(blob, 0) },
        Extent { offset: have, len: len - have, from: Origin::Missing(fault) },
    ];
    Blob::mapped(len, extents)
}

/// Bytes to decode into, which are shared where they are.
fn zeros(len: u64) -> Arc<[u8]> {
    std::iter::repeat_n(0, len as usize).collect()
}

/// Reads until `buf` is full, the stream ends, or it fails.
fn fill(reader: &mut dyn Read, buf: &mut [u8]) -> (usize, Option<Fault>) {
    let mut n = 0;
    while n < buf.len() {
        match reader.read(&mut buf[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n, Some(error.into())),
        }
    }
    (n, None)
}

/// Decoded bytes on their way to memory or to an unnamed file.
struct Spool<'a> {
    store: &'a Arc<Inner>,
    memory: Vec<u8>,
    file: Option<File>,
    /// Runs of the file that hold data.
    runs: Vec<(u64, u64)>,
    len: u64,
}

impl<'a> Spool<'a> {
    fn new(store: &'a Arc<Inner>) -> Spool<'a> {
        Spool { store, memory: Vec::new(), file: None, runs: Vec::new(), len: 0 }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.file.is_none() {
            let len = (self.memory.len() + bytes.len()) as u64;
            if len <= SPOOL_MEMORY && self.store.spooled.load(Ordering::Relaxed) + len <= self.store.share() {
                self.memory.extend_from_slice(bytes);
                self.len = len;
                return Ok(());
            }
            let file = tempfile::tempfile_in(&self.store.spool_dir)
                .map_err(|it| Fault::Io(format!("temporary file in {}: {it}", self.store.spool_dir.display())))?;
            self.file = Some(file);
            let memory = std::mem::take(&mut self.memory);
            self.len = 0;
            for block in memory.chunks(SPOOL_BLOCK) {
                self.write(block)?;
            }
        }
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let (start, len) = (self.len, bytes.len() as u64);
        self.len += len;
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        file.write_all_at(bytes, start)?;
        match self.runs.last_mut() {
            Some((run, run_len)) if *run + *run_len == start => *run_len += len,
            _ => self.runs.push((start, len)),
        }
        Ok(())
    }

    fn finish(self) -> Result<Blob, Fault> {
        let Some(mut file) = self.file else {
            self.store.spooled.fetch_add(self.len, Ordering::Relaxed);
            return Ok(Blob::new(Counted { bytes: self.memory.into(), store: Arc::clone(self.store) }));
        };
        file.flush()?;
        file.set_len(self.len)?;
        let file = Blob::new(FileSource::new(file)?);
        let extents = self
            .runs
            .into_iter()
            .map(|(offset, len)| Extent { offset, len, from: Origin::Blob(file.clone(), offset) })
            .collect();
        Ok(Blob::mapped(self.len, extents))
    }
}

/// Spooled bytes in memory, counted against the store's bound as long as they live.
struct Counted {
    bytes: Arc<[u8]>,
    store: Arc<Inner>,
}

impl Source for Counted {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        Blob::from_bytes(Arc::clone(&self.bytes)).read_into(offset, buf)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.store.spooled.fetch_sub(self.bytes.len() as u64, Ordering::Relaxed);
    }
}

/// A file that somebody opened. Reading past a shrunken end is a fault, not a signal: the file is never mapped.
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    /// Takes the file's length as it is now.
    pub fn new(file: File) -> io::Result<FileSource> {
        let len = file.metadata()?.len();
        Ok(FileSource { file, len })
    }

    /// Takes the length that the file had before: where it has become shorter, reading the rest is a fault.
    pub fn with_len(file: File, len: u64) -> FileSource {
        FileSource { file, len }
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let wanted = buf.len() as u64;
        if HOLE_ASKED <= wanted && wanted <= self.zeros_at(offset) {
            buf.fill(0);
            return Ok(());
        }
        self.file.read_exact_at(buf, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Io("the file became shorter while it was read".into()),
            _ => error.into(),
        })
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(data) => data.saturating_sub(offset),
            // Nothing but a hole is left; or nothing at all, where the file has become shorter.
            Err(rustix::io::Errno::NXIO) => match self.file.metadata() {
                Ok(metadata) if self.len <= metadata.len() => self.len.saturating_sub(offset),
                _ => 0,
            },
            // Not every file system can tell.
            Err(_) => 0,
        }
    }
}

/// From this many bytes on, asking for holes costs less than reading one.
const HOLE_ASKED: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_stream_goes_to_a_file_and_keeps_its_holes() {
        let mut bytes = vec![0u8; 12 << 20];
        bytes[9 << 20] = 7;
        let (blob, fault) = Store::small().spool(&mut &bytes[..], u64::MAX).unwrap();
        assert_eq!(fault, None);
        assert_eq!(blob.len(), 12 << 20);
        assert_eq!(blob.read_at((9 << 20) - 1, 3).unwrap(), [0, 7, 0]);
        assert_eq!(blob.zeros_at(0), 9 << 20);
    }

    #[test]
    fn a_hole_in_a_file_is_known_and_a_file_that_becomes_shorter_is_a_fault() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(20 << 30).unwrap();
        file.write_all_at(b"end", (20 << 30) - 3).unwrap();
        let blob = Blob::new(FileSource::new(file.try_clone().unwrap()).unwrap());
        assert!(19 << 30 < blob.zeros_at(1), "the file system of this test knows of holes");
        assert_eq!(blob.read_at(5 << 30, 200_000).unwrap(), vec![0; 200_000]);
        assert_eq!(blob.read_at((20 << 30) - 3, 3).unwrap(), b"end");
        file.set_len(1 << 20).unwrap();
        for len in [3, 200_000] {
            let fault = blob.read_at(5 << 30, len).unwrap_err();
            assert!(fault.to_string().contains("shorter"), "{fault}");
        }
        let mut rest = Vec::new();
        assert!(blob.clamp(0, 2 << 20).stream().read_to_end(&mut rest).is_err(), "a stream does not just end");
    }

    #[test]
    fn what_is_reserved_is_taken_from_cache_and_spool() {
        let store = Store::new(100, std::env::temp_dir());
        assert!(store.reserve(40) && !store.reserve(20) && store.reserve(10));
        store.keep((1, 0), vec![0; 19].into());
        assert!(store.cached((1, 0)).is_none());
        store.keep((1, 0), vec![0; 18].into());
        assert!(store.cached((1, 0)).is_some());
    }

    #[test]
    fn a_stream_over_its_bound_is_cut_and_told() {
        let (blob, fault) = Store::small().spool(&mut io::repeat(1), 100_000).unwrap();
        assert_eq!(blob.len(), 100_000);
        assert_eq!(fault, Some(Fault::Limit { what: "decoded bytes", bound: 100_000 }));
    }

    #[test]
    fn a_stream_that_ends_early_keeps_what_came_before() {
        for len in [100_000, 40 << 20] {
            let blob = Store::small().streamed(len, || Ok(Box::new(io::repeat(5).take(50_000))));
            assert_eq!(blob.read_at(0, 4).unwrap(), [5; 4], "the head alone");
            assert!(blob.read_at(49_999, 2).is_err());
            assert_eq!(blob.read_at(49_000, 1000).unwrap(), [5; 1000]);
        }
    }

    #[test]
    fn the_cache_forgets_the_least_recently_used() {
        let mut cache = Cache::default();
        for n in 0..4 {
            cache.insert((n, 0), vec![0; 30].into(), 100);
            cache.find((1, 0));
        }
        assert!(cache.find((0, 0)).is_none());
        assert!(cache.find((1, 0)).is_some());
        assert_eq!(cache.size, 90);
    }

    #[test]
    fn a_streamed_blob_streams_without_being_kept() {
        let blob = Store::small().streamed(3, || Ok(Box::new(&b"abcdef"[..])));
        let mut seen = String::new();
        blob.stream().read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "abc");
    }
}
