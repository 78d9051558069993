//! Where the central directory of a zip lies (APPNOTE 4.3.14 to 4.3.16; libziparchive `FindCentralDirectoryInfo`).

use memchr::memmem;
use model::{Blob, Fault, Reader};

/// The end of central directory record, and what it points to.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// Offset of the end of central directory record.
    pub offset: u64,
    /// Where the archive ends by that record: behind its comment.
    pub archive_end: u64,
    /// Offset of the central directory in the blob.
    pub central_offset: u64,
    /// How many bytes the central directory has.
    pub central_size: u64,
    /// How many entries the record states.
    pub n_entries: u64,
    /// What must be added to the archive's offsets: bytes that were put before it without telling it.
    pub base: u64,
}

/// Finds the record from the end, as Android does: the last one that ends where the file ends; if there is none, the
/// last one whose central directory is there.
pub(super) fn find(blob: &Blob) -> Result<End, Fault> {
    let start = blob.len().saturating_sub(SEARCHED);
    let tail = blob.read_up_to(start, SEARCHED)?;
    let mut other = None;
    // Searching forwards is what the library is fast at, and most tails have none.
    let found: Vec<usize> = memmem::find_iter(&tail, b"PK\x05\x06").collect();
    for pos in found.into_iter().rev() {
        let offset = start.saturating_add(pos as u64);
        let Some(end) = tail.get(pos..).and_then(|it| end_of(blob, it, offset).ok()) else { continue };
        if end.archive_end == blob.len() {
            return Ok(end);
        }
        other = other.or(Some(end));
    }
    other.ok_or(Fault::malformed("end of central directory record", start))
}

/// The record has 22 bytes and a comment of at most 65,535.
const SEARCHED: u64 = 22 + 0xffff;

fn end_of(blob: &Blob, bytes: &[u8], offset: u64) -> Result<End, Fault> {
    let mut record = Reader::at(bytes, offset);
    record.skip(10, "disk numbers")?;
    let mut n_entries = u64::from(record.u16_le("total number of entries")?);
    let mut central_size = u64::from(record.u32_le("size of the central directory")?);
    let mut stated = u64::from(record.u32_le("offset of start of central directory")?);
    let comment = u64::from(record.u16_le("comment length")?);
    let mut central_end = offset;
    let saturated = n_entries == 0xffff || central_size == 0xffff_ffff || stated == 0xffff_ffff;
    if saturated && let Ok((end, values)) = zip64_of(blob, offset) {
        central_end = end;
        [n_entries, central_size, stated] = values;
    }
    let is_central = |at: u64| blob.read_at(at, 4).is_ok_and(|it| it == b"PK\x01\x02");
    let fits = |at: u64| at.checked_add(central_size).is_some_and(|it| it <= central_end);
    // Android takes the offset as it is. Bytes put before the archive move all of it: the directory then lies where it
    // ends, before the record.
    let moved = central_end.checked_sub(central_size);
    let central_offset = match moved {
        _ if n_entries == 0 && central_size == 0 => stated.min(central_end),
        _ if is_central(stated) && stated < central_end => stated,
        Some(at) if stated < at && is_central(at) => at,
        _ => return Err(Fault::malformed("offset of start of central directory", offset)),
    };
    Ok(End {
        offset,
        archive_end: offset.saturating_add(22).saturating_add(comment),
        central_offset,
        central_size: if fits(central_offset) { central_size } else { central_end.saturating_sub(central_offset) },
        n_entries,
        base: central_offset.saturating_sub(stated),
    })
}

/// Number of entries, size and offset of the central directory from the zip64 records, and where those start.
fn zip64_of(blob: &Blob, end_offset: u64) -> Result<(u64, [u64; 3]), Fault> {
    let locator_offset = end_offset.checked_sub(20).ok_or(Fault::malformed("zip64 locator", end_offset))?;
    let bytes = blob.read_at(locator_offset, 20)?;
    let mut locator = Reader::at(&bytes, locator_offset);
    locator.expect(b"PK\x06\x07", "zip64 locator")?;
    locator.skip(4, "disk number")?;
    let stated = locator.u64_le("zip64 end of central directory record offset")?;
    // With bytes put before the archive, the record lies right before its locator.
    let moved = locator_offset.checked_sub(56).unwrap_or(stated);
    let is_record = |at: u64| blob.read_at(at, 4).is_ok_and(|it| it == b"PK\x06\x06");
    let offset = if is_record(stated) { stated } else { moved };
    let bytes = blob.read_at(offset, 56)?;
    let mut record = Reader::at(&bytes, offset);
    record.expect(b"PK\x06\x06", "zip64 end of central directory record")?;
    record.skip(28, "versions and disk numbers")?;
    let values = [
        record.u64_le("total number of entries")?,
        record.u64_le("size of the central directory")?,
        record.u64_le("offset of start of central directory")?,
    ];
    Ok((offset, values))
}
