//! The central directory of a zip, with what is odd about it.

use std::io::{self, BufReader};

use flate2::bufread::DeflateDecoder;
use model::fact::anomaly::Kind;
use model::{Blob, Fault, Reader};

use super::end::{self, End};
use super::entry::{self, Entry};
use crate::archive::{ENTRIES_MAX, Odd};

/// What an archive holds.
#[derive(Debug)]
#[allow(dead_code, reason = "readers of what is built on zip need what the zip format itself does not")]
pub(crate) struct Directory {
    /// Its entries, in the order of the central directory.
    pub entries: Vec<Entry>,
    /// Where the central directory starts. An APK signing block lies right before it.
    pub central_offset: u64,
    /// How many bytes the central directory has.
    pub central_size: u64,
    /// Where the end of central directory record starts.
    pub end_offset: u64,
    /// Where the archive ends by its own word.
    pub archive_end: u64,
    /// What a phone passes over.
    pub odd: Odd,
    /// Why reading ended before all entries were read.
    pub fault: Option<Fault>,
}

/// Reads the central directory and the local header of each entry. An archive whose end is lost is read by its local
/// headers; its [`Directory::fault`] says so.
pub(crate) fn directory(blob: &Blob) -> Result<Directory, Fault> {
    match end::find(blob) {
        Ok(end) => central(blob, &end),
        Err(fault) if blob.read_up_to(0, 4)? == b"PK\x03\x04" => Ok(walk(blob, fault)),
        Err(fault) => Err(fault),
    }
}

impl Directory {
    /// The first entry of that name: the one that Android's package parser sees.
    #[allow(dead_code, reason = "for readers of what is built on zip")]
    pub fn entry(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|it| it.name == name)
    }
}

/// The entries whose names are wanted, from the central directory alone: for readers of what is built on zip. What is odd
/// or missing there is told by the zip format.
pub(crate) fn select(blob: &Blob, mut wanted: impl FnMut(&[u8]) -> bool) -> Result<Directory, Fault> {
    let end = end::find(blob)?;
    let bytes = blob.read_at(end.central_offset, end.central_size.min(CENTRAL_MAX))?;
    let mut directory = Directory {
        entries: Vec::new(),
        central_offset: end.central_offset,
        central_size: end.central_size,
        end_offset: end.offset,
        archive_end: end.archive_end.min(blob.len()),
        odd: Odd::default(),
        fault: None,
    };
    let mut records = Reader::at(&bytes, end.central_offset);
    for _ in 0..ENTRIES_MAX {
        let mut record = records.clone();
        let lens = record.rest().starts_with(b"PK\x01\x02").then(|| {
            record.skip(28, "header")?;
            let lens = [record.u16_le("name")?, record.u16_le("extra")?, record.u16_le("comment")?];
            record.skip(12, "header")?;
            Ok::<_, Fault>(lens.map(usize::from))
        });
        let Some(Ok([name, extra, comment])) = lens else { break };
        let Ok(name) = record.take(name, "file name") else { break };
        if wanted(name) {
            match Entry::read(&mut records, blob, &end, &mut directory.odd) {
                Ok(entry) => directory.entries.push(entry),
                Err(_) => break,
            }
        } else if record.skip(extra.saturating_add(comment), "extra field").is_ok() {
            records = record;
        } else {
            break;
        }
    }
    Ok(directory)
}

fn central(blob: &Blob, end: &End) -> Result<Directory, Fault> {
    let mut directory = Directory {
        entries: Vec::new(),
        central_offset: end.central_offset,
        central_size: end.central_size,
        end_offset: end.offset,
        archive_end: end.archive_end.min(blob.len()),
        odd: Odd::default(),
        fault: None,
    };
    let odd = &mut directory.odd;
    if blob.len() < end.archive_end {
        odd.push(end.offset, 22, Kind::LyingField, "the archive comment reaches past the end");
    } else if end.archive_end < blob.len() {
        let more = blob.len().saturating_sub(end.archive_end);
        odd.push(end.archive_end, more, Kind::TrailingData, format!("{more} bytes behind the archive's end"));
    }
    let len = end.central_size.min(CENTRAL_MAX);
    if len < end.central_size {
        directory.fault = Some(Fault::Limit { what: "bytes of a central directory", bound: CENTRAL_MAX });
    }
    let bytes = blob.read_at(end.central_offset, len)?;
    let mut records = Reader::at(&bytes, end.central_offset);
    while records.rest().starts_with(b"PK\x01\x02") {
        if ENTRIES_MAX <= directory.entries.len() as u64 {
            directory.fault = Some(Fault::Limit { what: "entries of an archive", bound: ENTRIES_MAX });
            break;
        }
        match Entry::read(&mut records, blob, end, odd) {
            Ok(entry) => directory.entries.push(entry),
            Err(fault) => {
                directory.fault = directory.fault.or(Some(fault));
                break;
            }
        }
    }
    let found = directory.entries.len() as u64;
    if directory.fault.is_none() {
        // Without zip64 the count wraps at 65,536.
        if found < end.n_entries {
            directory.fault = Some(Fault::malformed("central directory file header", records.offset()));
        } else if found != end.n_entries && found & 0xffff != end.n_entries {
            let detail = format!("{found} entries under a stated count of {}", end.n_entries);
            odd.push(end.offset, 22, Kind::LyingField, detail);
        } else if !records.is_empty() {
            let detail = format!("{} bytes behind the last entry", records.remaining());
            odd.push(records.offset(), records.remaining() as u64, Kind::Garbage, detail);
        }
    }
    overlaps(&directory.entries, odd);
    let first = directory.entries.iter().map(|it| it.local_offset).min().unwrap_or_default();
    let start = padding(blob, first);
    if start < first {
        let len = first.saturating_sub(start);
        odd.push(start, len, Kind::LeadingData, format!("{len} bytes before the first entry"));
    }
    Ok(directory)
}

/// How many of the first bytes are nameless local headers: Android's build tools pad archives with them (zipflinger's
/// "virtual entries").
fn padding(blob: &Blob, end: u64) -> u64 {
    let mut pos = 0u64;
    while pos < end {
        match Entry::read_local(blob, pos, &mut Odd::default()) {
            Ok(Some(entry)) if entry.name.is_empty() && entry.compressed_size == 0 => pos = entry.data_offset,
            _ => break,
        }
    }
    pos.min(end)
}

/// Four times what [`ENTRIES_MAX`] entries of usual names take.
const CENTRAL_MAX: u64 = 64 << 20;

/// Entries that share bytes (a bomb packs one stream under many names).
fn overlaps(entries: &[Entry], odd: &mut Odd) {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|it| (it.local_offset, it.central_offset));
    let mut reached = 0;
    for entry in sorted {
        if entry.local_offset < reached {
            let detail = format!("{} shares bytes with another entry", model::path_name(&entry.name));
            odd.push(entry.central_offset, entry::CENTRAL_SIZE, Kind::Overlap, detail);
        }
        reached = reached.max(entry.data_offset.saturating_add(entry.occupied()));
    }
}

/// Entries by their local headers, from the start up to where the archive was cut off.
fn walk(blob: &Blob, fault: Fault) -> Directory {
    let mut directory = Directory {
        entries: Vec::new(),
        central_offset: blob.len(),
        central_size: 0,
        end_offset: blob.len(),
        archive_end: blob.len(),
        odd: Odd::default(),
        fault: Some(fault),
    };
    let mut pos = 0u64;
    let mut left = WALKED_MAX;
    while let Ok(Some((entry, next))) = local(blob, pos, &mut left, &mut directory.odd) {
        if ENTRIES_MAX <= directory.entries.len() as u64 {
            directory.fault = Some(Fault::Limit { what: "entries of an archive", bound: ENTRIES_MAX });
            break;
        }
        if blob.len() < next {
            directory.fault =
                Some(Fault::Truncated { at: entry.data_offset, wanted: next.saturating_sub(entry.data_offset) });
        }
        directory.entries.push(entry);
        pos = next;
    }
    directory
}

/// How much is decoded to find the ends of entries whose headers do not tell: a whole application's worth.
const WALKED_MAX: u64 = 256 << 20;

/// The entry whose local header is at `pos`, and where the next one starts.
fn local(blob: &Blob, pos: u64, left: &mut u64, odd: &mut Odd) -> Result<Option<(Entry, u64)>, Fault> {
    let Some(mut entry) = Entry::read_local(blob, pos, odd)? else { return Ok(None) };
    let mut next = entry.data_offset.saturating_add(entry.occupied());
    if entry.flags & 8 != 0 && entry.compressed_size == 0 && entry.method == 8 {
        // The sizes stand behind the data: only decoding finds them.
        let raw = blob.clamp(entry.data_offset, u64::MAX);
        let mut decoder = DeflateDecoder::new(BufReader::new(raw.stream()));
        let copied = io::copy(&mut io::Read::take(&mut decoder, *left), &mut io::sink());
        entry.compressed_size = decoder.total_in();
        entry.uncompressed_size = decoder.total_out();
        entry.settle(blob, blob.len(), odd);
        *left = left.saturating_sub(decoder.total_out());
        if copied.is_err() || *left == 0 {
            return Ok(Some((entry, blob.len().saturating_add(1))));
        }
        let end = entry.data_offset.saturating_add(entry.compressed_size);
        let signed = blob.read_up_to(end, 4)? == b"PK\x07\x08";
        next = end.saturating_add(if signed { 16 } else { 12 });
    }
    Ok(Some((entry, next)))
}
