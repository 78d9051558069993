//! The archive as AOSP's verifiers read it: strictly, from its end record alone.
//!
//! It is another reading than that of `formats`, which takes all that some phone would take; a signature is decided by
//! this one. Source: AOSP `tools/apksig`, `internal/zip`; APPNOTE.TXT 4.3.

use std::cell::Cell;
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};
use model::{Blob, Fault, Reader};

/// Where the parts of the archive stand.
#[derive(Debug)]
pub struct Sections {
    /// Offset of the central directory.
    pub directory_at: u64,
    /// Its size.
    pub directory_size: u64,
    /// How many entries the end record counts.
    pub count: u16,
    /// Offset of the end record.
    pub end_at: u64,
    /// The end record with its comment.
    pub end: Vec<u8>,
}

impl Sections {
    /// Finds them.
    pub fn read(blob: &Blob) -> Result<Sections, Fault> {
        let none = Fault::malformed("end of central directory", blob.len());
        let tail_at = blob.len().saturating_sub(END_SIZE.saturating_add(u64::from(u16::MAX)));
        let tail = blob.read_up_to(tail_at, u64::MAX)?;
        let last = tail.len().checked_sub(END_SIZE_USIZE).ok_or(none.clone())?;
        // The comment must end exactly where the file ends; the shortest comment counts.
        let start = (0..=last)
            .rev()
            .find(|start| {
                let record = tail.get(*start..).unwrap_or_default();
                let comment = record.get(20..).and_then(|it| it.first_chunk::<2>());
                let comment = comment.map(|it| usize::from(u16::from_le_bytes(*it)));
                record.starts_with(END_MAGIC) && comment == Some(last.saturating_sub(*start))
            })
            .ok_or(none)?;
        let end = tail.get(start..).unwrap_or_default().to_vec();
        let end_at = tail_at.saturating_add(start as u64);
        let mut reader = Reader::at(&end, end_at);
        reader.skip(10, "end record")?;
        let count = reader.u16_le("entries in total")?;
        let directory_size = u64::from(reader.u32_le("size of the central directory")?);
        let directory_at = u64::from(reader.u32_le("offset of the central directory")?);
        if end_at < directory_at.saturating_add(directory_size) {
            return Err(Fault::malformed("offset of the central directory", end_at));
        }
        Ok(Sections { directory_at, directory_size, count, end_at, end })
    }
}

/// An entry, as the central directory states it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name; bytes that are no UTF-8 are replaced, as Java does.
    pub name: String,
    name_len: usize,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u32,
    uncompressed: u32,
    local_at: u32,
}

/// All entries but folders.
pub fn records(blob: &Blob, sections: &Sections) -> Result<Vec<Record>, Fault> {
    let bytes = blob
        .slice(sections.directory_at, sections.directory_size)?
        .bytes("bytes of the central directory", DIRECTORY_MAX)?;
    let mut reader = Reader::at(&bytes, sections.directory_at);
    let mut records = Vec::new();
    for _ in 0..sections.count {
        reader.expect(RECORD_MAGIC, "central directory record")?;
        reader.skip(4, "versions")?;
        let flags = reader.u16_le("flags")?;
        let method = reader.u16_le("method")?;
        reader.skip(4, "time")?;
        let crc = reader.u32_le("crc")?;
        let compressed = reader.u32_le("compressed size")?;
        let uncompressed = reader.u32_le("uncompressed size")?;
        let name_len = usize::from(reader.u16_le("length of the name")?);
        let extra_len = usize::from(reader.u16_le("length of the extra field")?);
        let comment_len = usize::from(reader.u16_le("length of the comment")?);
        reader.skip(8, "attributes")?;
        let local_at = reader.u32_le("offset of the local header")?;
        let name = String::from_utf8_lossy(reader.take(name_len, "name")?).into_owned();
        reader.skip(extra_len.saturating_add(comment_len), "extra field and comment")?;
        if !name.ends_with('/') {
            records.push(Record { name, name_len, flags, method, crc, compressed, uncompressed, local_at });
        }
    }
    Ok(records)
}

/// How many bytes may still be unpacked: entries may share their packed bytes, and then unpack to many times the file.
#[derive(Debug)]
pub struct Allowance(Cell<u64>);

impl Allowance {
    /// The allowance of a file.
    pub fn of(blob: &Blob) -> Allowance {
        Allowance(Cell::new(blob.len().saturating_mul(UNPACKED_FACTOR).saturating_add(UNPACKED_BASE)))
    }

    fn take(&self, len: u64) -> Result<(), Fault> {
        let left =
            self.0.get().checked_sub(len).ok_or(Fault::Limit { what: "unpacked bytes", bound: UNPACKED_BASE })?;
        self.0.set(left);
        Ok(())
    }
}

/// What unpacks entries, one after the other, with the same memory.
pub struct Unpacker {
    window: Window,
    inflate: Decompress,
    out: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker { window: Window::default(), inflate: Decompress::new(false), out: vec![0; PIECE] }
    }
}

/// What was read last of a file. Where reads follow each other, ever more is read ahead: a package has thousands of
/// small entries, most in the order of its directory.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
    /// How many bytes were asked for in order.
    run: usize,
}

impl Window {
    /// `len` bytes from `at`, which are at most a piece.
    fn bytes(&mut self, blob: &Blob, at: u64, len: usize) -> Result<&[u8], Fault> {
        let held = |it: &Window| {
            let from = usize::try_from(at.checked_sub(it.start)?).ok()?;
            Some(from..from.checked_add(len)?).filter(|range| range.end <= it.bytes.len())
        };
        let end = self.start.saturating_add(self.bytes.len() as u64);
        let in_order = self.start <= at && at <= end.saturating_add(IN_ORDER);
        self.run = if in_order { self.run.saturating_add(len).min(PIECE) } else { len };
        if held(self).is_none() {
            let left = usize::try_from(blob.len().saturating_sub(at)).unwrap_or(usize::MAX);
            let ahead = self.run.saturating_mul(2).min(PIECE).min(left).max(len);
            self.bytes.resize(ahead, 0);
            self.start = at;
            let mut read = blob.read_into(at, &mut self.bytes);
            if read.is_err() && len < ahead {
                // What is read ahead may be lost, and not be needed.
                self.bytes.resize(len, 0);
                read = blob.read_into(at, &mut self.bytes);
            }
            if let Err(fault) = read {
                self.bytes.clear();
                return Err(fault);
            }
        }
        let range = held(self).unwrap_or_default();
        Ok(self.bytes.get(range).unwrap_or_default())
    }
}

impl Record {
    /// The uncompressed bytes, piece by piece.
    pub fn unpack(
        &self,
        blob: &Blob,
        sections: &Sections,
        unpacker: &mut Unpacker,
        allowance: &Allowance,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        let Unpacker { window, inflate, out } = unpacker;
        let data = self.data(blob, sections, window)?;
        allowance.take(u64::from(self.uncompressed))?;
        let mut packed_pieces = |sink: &mut dyn FnMut(&[u8])| -> Result<(), Fault> {
            let mut at = data.start;
            while at < data.end {
                let len = usize::try_from(data.end.saturating_sub(at)).unwrap_or(PIECE).min(PIECE);
                sink(window.bytes(blob, at, len)?);
                at = at.saturating_add(len as u64);
            }
            Ok(())
        };
        if self.method == STORED {
            return packed_pieces(sink);
        }
        let malformed = Fault::malformed("compressed data", u64::from(self.local_at));
        inflate.reset(false);
        let mut done = false;
        let mut wrong = false;
        let wanted = u64::from(self.uncompressed);
        packed_pieces(&mut |mut packed| {
            while !done && !wrong && !packed.is_empty() {
                let (before, written) = (inflate.total_in(), inflate.total_out());
                match inflate.decompress(packed, out, FlushDecompress::None) {
                    Ok(status) => done = status == Status::StreamEnd,
                    Err(_) => wrong = true,
                }
                let read = usize::try_from(inflate.total_in().saturating_sub(before)).unwrap_or(usize::MAX);
                let len = usize::try_from(inflate.total_out().saturating_sub(written)).unwrap_or(usize::MAX);
                wrong |= wanted < inflate.total_out();
                sink(out.get(..len).unwrap_or_default());
                packed = packed.get(read..).unwrap_or_default();
                // Nothing moves any more: what follows is no use.
                wrong |= read == 0 && len == 0 && !done;
            }
        })?;
        // What the decoder still holds back.
        while !done && !wrong && inflate.total_out() < wanted {
            let written = inflate.total_out();
            match inflate.decompress(&[], out, FlushDecompress::None) {
                Ok(status) => done = status == Status::StreamEnd,
                Err(_) => wrong = true,
            }
            let len = usize::try_from(inflate.total_out().saturating_sub(written)).unwrap_or(usize::MAX);
            sink(out.get(..len).unwrap_or_default());
            wrong |= len == 0;
        }
        if wrong || inflate.total_out() != wanted { Err(malformed) } else { Ok(()) }
    }

    /// All uncompressed bytes.
    pub fn bytes(
        &self,
        blob: &Blob,
        sections: &Sections,
        unpacker: &mut Unpacker,
        allowance: &Allowance,
    ) -> Result<Vec<u8>, Fault> {
        if METADATA_MAX < u64::from(self.uncompressed) {
            return Err(Fault::Limit { what: "bytes of a signature file", bound: METADATA_MAX });
        }
        let mut bytes = Vec::new();
        self.unpack(blob, sections, unpacker, allowance, &mut |it| bytes.extend_from_slice(it))?;
        Ok(bytes)
    }

    /// Where the packed bytes stand. Local and central header must agree in what Android compares.
    fn data(&self, blob: &Blob, sections: &Sections, window: &mut Window) -> Result<Range<u64>, Fault> {
        let at = u64::from(self.local_at);
        let header_len = LOCAL_LEN.saturating_add(self.name_len);
        let header_size = header_len as u64;
        if sections.directory_at < at.saturating_add(header_size) {
            return Err(Fault::malformed("local header", at));
        }
        let mut header = Reader::at(window.bytes(blob, at, header_len)?, at);
        header.expect(LOCAL_MAGIC, "local header")?;
        header.skip(2, "version")?;
        let flags = header.u16_le("flags")?;
        header.skip(6, "method and time")?;
        let crc = header.u32_le("crc")?;
        let compressed = header.u32_le("compressed size")?;
        let uncompressed = header.u32_le("uncompressed size")?;
        let name_len = usize::from(header.u16_le("length of the name")?);
        let extra_len = u64::from(header.u16_le("length of the extra field")?);
        let described = flags & DESCRIPTOR != 0;
        let same_sizes = crc == self.crc && compressed == self.compressed && uncompressed == self.uncompressed;
        if described != (self.flags & DESCRIPTOR != 0) || !described && !same_sizes || self.name_len < name_len {
            return Err(Fault::malformed("local header", at));
        }
        if String::from_utf8_lossy(header.take(name_len, "name")?) != self.name {
            return Err(Fault::malformed("name", at));
        }
        let start = at.saturating_add(LOCAL_LEN as u64).saturating_add(name_len as u64).saturating_add(extra_len);
        let size = u64::from(if self.method == STORED { self.uncompressed } else { self.compressed });
        let end = start.saturating_add(size);
        if sections.directory_at < end {
            return Err(Fault::malformed("data of an entry", at));
        }
        Ok(start..end)
    }
}

/// All bytes of a blob, in pieces.
pub fn pieces(blob: &Blob, sink: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
    let mut buffer = vec![0; PIECE.min(usize::try_from(blob.len()).unwrap_or(PIECE))];
    let mut at = 0;
    while at < blob.len() {
        let len = blob.len().saturating_sub(at).min(PIECE as u64);
        let piece = buffer.get_mut(..usize::try_from(len).unwrap_or(PIECE)).unwrap_or_default();
        blob.read_into(at, piece)?;
        sink(piece);
        at = at.saturating_add(len);
    }
    Ok(())
}

const END_MAGIC: &[u8] = b"PK\x05\x06";
const RECORD_MAGIC: &[u8] = b"PK\x01\x02";
const LOCAL_MAGIC: &[u8] = b"PK\x03\x04";
const END_SIZE: u64 = 22;
const END_SIZE_USIZE: usize = 22;
const LOCAL_LEN: usize = 30;
const STORED: u16 = 0;
/// Sizes stand behind the data.
const DESCRIPTOR: u16 = 8;

/// Large enough to make calls rare, small enough for the cache of a core.
const PIECE: usize = 64 << 10;

/// Between the data of entries stand their descriptors and padding.
const IN_ORDER: u64 = 4096;

/// 65,535 entries with names of a few hundred bytes.
const DIRECTORY_MAX: u64 = 64 << 20;

/// The manifest of the largest packages has a few MiB.
const METADATA_MAX: u64 = 64 << 20;

/// Deflate packs at most 1:1032, real packages about 1:3.
const UNPACKED_FACTOR: u64 = 32;
const UNPACKED_BASE: u64 = 512 << 20;
