//! One entry of a zip: its headers, and how its bytes are read.

use std::io::Read;

use model::fact::anomaly::Kind;
use model::{Blob, Extent, Fault, Origin, Reader, Store};

use super::end::End;
use crate::archive::Odd;
use crate::codec::{self, Codec};

/// An entry of an archive. Sizes and offsets are those that a phone would use, offsets are from the blob's start.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The name as it stands in the central directory.
    pub name: Vec<u8>,
    /// Compression method: 0 stored, 8 deflated.
    pub method: u16,
    /// General purpose bit flag of the central directory.
    pub flags: u16,
    /// Stated checksum.
    pub crc32: u32,
    /// Stated size of the packed bytes.
    pub compressed_size: u64,
    /// Stated size of the unpacked bytes.
    pub uncompressed_size: u64,
    /// Where the packed bytes start.
    pub data_offset: u64,
    /// Where the local header starts.
    pub local_offset: u64,
    /// Where the record in the central directory starts.
    pub central_offset: u64,
    /// `st_mode`, if the entry was made on Unix.
    pub mode: Option<u16>,
    content: Content,
}

/// How the bytes of an entry are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Stored,
    Packed(Codec),
    Encrypted,
    Unsupported,
}

/// The fixed part of a central directory header.
pub(super) const CENTRAL_SIZE: u64 = 46;

/// The fixed part of a local header.
const LOCAL_SIZE: u64 = 30;

impl Entry {
    /// Reads a central directory header (APPNOTE 4.3.12) and the local header that it points to (4.3.7).
    pub(super) fn read(records: &mut Reader, blob: &Blob, end: &End, odd: &mut Odd) -> Result<Entry, Fault> {
        let central_offset = records.offset();
        records.skip(4, "signature")?;
        let made_by = records.u16_le("version made by")?;
        records.skip(2, "version needed")?;
        let flags = records.u16_le("general purpose bit flag")?;
        let method = records.u16_le("compression method")?;
        records.skip(4, "last mod time and date")?;
        let crc32 = records.u32_le("crc-32")?;
        let mut compressed_size = u64::from(records.u32_le("compressed size")?);
        let mut uncompressed_size = u64::from(records.u32_le("uncompressed size")?);
        let name_len = records.u16_le("file name length")?;
        let extra_len = records.u16_le("extra field length")?;
        let comment_len = records.u16_le("file comment length")?;
        records.skip(4, "disk number and internal attributes")?;
        let external = records.u32_le("external file attributes")?;
        let mut offset = u64::from(records.u32_le("relative offset of local header")?);
        let name = records.take(name_len.into(), "file name")?.to_vec();
        let extra = records.take(extra_len.into(), "extra field")?;
        records.skip(comment_len.into(), "file comment")?;
        zip64(extra, [&mut uncompressed_size, &mut compressed_size, &mut offset]);

        let mode = u16::try_from(external >> 16).ok().filter(|&it| made_by >> 8 == 3 && it != 0);
        let local_offset = offset.saturating_add(end.base).min(blob.len());
        let mut entry = Entry {
            name,
            method,
            flags,
            crc32,
            compressed_size,
            uncompressed_size,
            data_offset: local_offset,
            local_offset,
            central_offset,
            mode,
            content: Content::Stored,
        };
        entry.name_anomaly(odd);
        entry.match_local(blob, odd);
        entry.settle(blob, end.central_offset, odd);
        Ok(entry)
    }

    /// Reads a local header alone; `None` if there is none.
    pub(super) fn read_local(blob: &Blob, offset: u64, odd: &mut Odd) -> Result<Option<Entry>, Fault> {
        let Some(local) = Local::read(blob, offset)? else { return Ok(None) };
        let mut entry = Entry {
            name: local.name,
            method: local.method,
            flags: local.flags,
            crc32: local.crc32,
            compressed_size: local.compressed_size,
            uncompressed_size: local.uncompressed_size,
            data_offset: local.data_offset,
            local_offset: offset,
            central_offset: offset,
            mode: None,
            content: Content::Stored,
        };
        entry.name_anomaly(odd);
        entry.content = entry.content_of(blob);
        Ok(Some(entry))
    }

    /// The unpacked bytes. What cannot be read says why when it is read.
    pub(crate) fn blob(&self, archive: &Blob, store: &Store) -> Blob {
        let missing = |why: String| {
            let from = Origin::Missing(Fault::Unsupported(why));
            Blob::mapped(self.uncompressed_size, vec![Extent { offset: 0, len: self.uncompressed_size, from }])
        };
        let raw = archive.clamp(self.data_offset, self.occupied());
        match self.content {
            Content::Stored => raw,
            Content::Packed(_) if self.uncompressed_size == 0 => Blob::empty(),
            Content::Packed(codec) => {
                store.streamed(self.uncompressed_size, move || Ok(codec::decoder(codec, raw.stream())))
            }
            Content::Encrypted => missing("the entry is encrypted".to_owned()),
            Content::Unsupported => missing(format!("compression method {}", self.method)),
        }
    }

    /// Whether the bytes are really encrypted: the flag alone proves nothing.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.content == Content::Encrypted
    }

    /// True length and checksum of the unpacked bytes, decoded up to one byte more than `max`.
    pub(super) fn measure(&self, archive: &Blob, max: u64) -> Result<(u64, u32), Fault> {
        let raw = archive.clamp(self.data_offset, self.occupied());
        let mut stream = match self.content {
            Content::Stored => raw.stream(),
            Content::Packed(codec) => codec::decoder(codec, raw.stream()),
            Content::Encrypted | Content::Unsupported => return Err(Fault::Unsupported("packed bytes".to_owned())),
        }
        .take(max.saturating_add(1));
        let mut crc = flate2::Crc::new();
        let mut len = 0u64;
        let mut buffer = vec![0; 32 << 10];
        loop {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Ok((len, crc.sum()));
            }
            crc.update(buffer.get(..n).unwrap_or_default());
            len = len.saturating_add(n as u64);
        }
    }

    /// How many bytes of the archive are this entry's. Android takes a stored entry's length from its uncompressed size.
    pub(crate) fn occupied(&self) -> u64 {
        if self.content == Content::Stored { self.uncompressed_size } else { self.compressed_size }
    }

    /// Where the data starts is known from the local header only; what else that says must agree.
    fn match_local(&mut self, blob: &Blob, odd: &mut Odd) {
        let name = model::path_name(&self.name);
        let mut mismatch =
            |what: &str| odd.push(self.local_offset, LOCAL_SIZE, Kind::HeaderMismatch, format!("{name}: {what}"));
        // A header that cannot be read is treated as one that is not there: the entry says so when it is read.
        let Ok(Some(local)) = Local::read(blob, self.local_offset) else {
            mismatch("no local header where the directory points to");
            let skip = LOCAL_SIZE.saturating_add(self.name.len() as u64);
            self.data_offset = self.local_offset.saturating_add(skip).min(blob.len());
            return;
        };
        self.data_offset = local.data_offset.min(blob.len());
        let sizes = (local.compressed_size, local.uncompressed_size, local.crc32);
        if local.name != self.name {
            mismatch(&format!("the local header names {}", model::path_name(&local.name)));
        } else if local.method != self.method {
            mismatch(&format!("the local header states method {}, the directory {}", local.method, self.method));
        } else if local.flags & 8 == 0 && sizes != (self.compressed_size, self.uncompressed_size, self.crc32) {
            mismatch("local header and directory disagree on size or checksum");
        } else if (local.flags ^ self.flags) & 1 != 0 {
            mismatch("local header and directory disagree on encryption");
        }
    }

    /// Decides how the bytes are read, and brings lying sizes within what is there.
    pub(super) fn settle(&mut self, blob: &Blob, data_end: u64, odd: &mut Odd) {
        let name = model::path_name(&self.name);
        let (at, size) = (self.central_offset, CENTRAL_SIZE);
        self.content = self.content_of(blob);
        if self.flags & 1 != 0 && self.content != Content::Encrypted {
            odd.push(at, size, Kind::FakeEncryption, format!("{name} says that it is encrypted and is not"));
        }
        if self.content == Content::Stored {
            if self.method != 0 {
                let detail = format!("{name}: method {}, read as stored", self.method);
                odd.push(at, size, Kind::UnknownMethod, detail);
            } else if self.compressed_size != self.uncompressed_size {
                let (packed, unpacked) = (self.compressed_size, self.uncompressed_size);
                let detail = format!("{name}: stored, with a packed size of {packed} and an unpacked of {unpacked}");
                odd.push(at, size, Kind::LyingField, detail);
            }
        }
        let left = data_end.max(self.data_offset).min(blob.len()).saturating_sub(self.data_offset);
        if left < self.occupied() {
            let detail = format!("{name}: a size of {}, where {left} bytes are left", self.occupied());
            odd.push(at, size, Kind::LyingField, detail);
            if self.content == Content::Stored {
                self.uncompressed_size = left;
            } else {
                self.compressed_size = left;
            }
        }
        let most = self.compressed_size.saturating_mul(DEFLATE_RATIO).saturating_add(DEFLATE_RATIO);
        if self.content == Content::Packed(Codec::Deflate) && most < self.uncompressed_size {
            let detail = format!("{name}: {} bytes cannot unpack to {}", self.compressed_size, self.uncompressed_size);
            odd.push(at, size, Kind::LyingField, detail);
            self.uncompressed_size = most;
        }
    }

    fn content_of(&self, blob: &Blob) -> Content {
        let content = match self.method {
            0 => Content::Stored,
            8 => Content::Packed(Codec::Deflate),
            AES if self.flags & 1 != 0 => return Content::Encrypted,
            // Android knows no other method. Of those that exist, sizes that differ show that the method is meant.
            1..=20 | 93..=98 if self.compressed_size != self.uncompressed_size => Content::Unsupported,
            _ => Content::Stored,
        };
        if self.flags & 1 == 0 {
            return content;
        }
        // Traditional encryption puts 12 bytes before the data (APPNOTE 6.1).
        let fake = match content {
            Content::Stored => self.compressed_size != self.uncompressed_size.saturating_add(12),
            Content::Packed(codec) => self.decodes(blob, codec),
            Content::Encrypted | Content::Unsupported => false,
        };
        if fake { content } else { Content::Encrypted }
    }

    /// Whether the packed bytes decode as they are, to the stated size if that is small.
    fn decodes(&self, blob: &Blob, codec: Codec) -> bool {
        let raw = blob.clamp(self.data_offset, self.compressed_size);
        let mut decoded = Vec::new();
        let all = codec::decoder(codec, raw.stream()).take(PROBED).read_to_end(&mut decoded);
        all.is_ok_and(|it| it as u64 == self.uncompressed_size.min(PROBED))
    }

    fn name_anomaly(&self, odd: &mut Odd) {
        odd.name(self.central_offset, CENTRAL_SIZE, &self.name);
    }
}

/// WinZip's AES encryption takes a method number of its own.
const AES: u16 = 99;

/// Deflate cannot pack better: 258 bytes take at least two bits.
const DEFLATE_RATIO: u64 = 1032;

/// Enough to tell deflate from noise.
const PROBED: u64 = 64 << 10;

struct Local {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    crc32: u32,
    compressed_size: u64,
    uncompressed_size: u64,
    data_offset: u64,
}

impl Local {
    fn read(blob: &Blob, offset: u64) -> Result<Option<Local>, Fault> {
        let bytes = blob.read_up_to(offset, LOCAL_SIZE.saturating_add(LOCAL_READ))?;
        let mut fixed = Reader::at(&bytes, offset);
        if !bytes.starts_with(b"PK\x03\x04") {
            return Ok(None);
        }
        fixed.skip(6, "signature and version")?;
        let flags = fixed.u16_le("general purpose bit flag")?;
        let method = fixed.u16_le("compression method")?;
        fixed.skip(4, "last mod time and date")?;
        let crc32 = fixed.u32_le("crc-32")?;
        let mut compressed_size = u64::from(fixed.u32_le("compressed size")?);
        let mut uncompressed_size = u64::from(fixed.u32_le("uncompressed size")?);
        let name_len = fixed.u16_le("file name length")?;
        let extra_len = fixed.u16_le("extra field length")?;
        let variable = u64::from(name_len).saturating_add(extra_len.into());
        let rest = match fixed.rest().len() as u64 {
            there if there < variable => blob.read_up_to(offset.saturating_add(LOCAL_SIZE), variable)?,
            _ => fixed.rest().to_vec(),
        };
        let mut rest = Reader::at(&rest, fixed.offset());
        let name = rest.take(name_len.into(), "file name")?.to_vec();
        let extra = rest.take(extra_len.into(), "extra field")?;
        zip64(extra, [&mut uncompressed_size, &mut compressed_size, &mut 0]);
        let data_offset = offset.saturating_add(LOCAL_SIZE).saturating_add(variable);
        Ok(Some(Local { name, method, flags, crc32, compressed_size, uncompressed_size, data_offset }))
    }
}

/// Names and extra fields are rarely longer: one read gets a header.
const LOCAL_READ: u64 = 226;

/// The zip64 extended information (APPNOTE 4.5.3) holds the values that do not fit 32 bits, in this order; some
/// writers put in all three whether needed or not.
fn zip64(extra: &[u8], values: [&mut u64; 3]) {
    let mut fields = Reader::new(extra);
    // Extra fields are often padded with anything (zipalign): what does not parse is passed over.
    while let (Ok(id), Ok(len)) = (fields.u16_le("header id"), fields.u16_le("data size")) {
        let Ok(data) = fields.take(len.into(), "data") else { return };
        if id != 1 {
            continue;
        }
        let mut data_reader = Reader::new(data);
        for value in values {
            if (*value == 0xffff_ffff || 24 <= data.len())
                && let Ok(wide) = data_reader.u64_le("value")
            {
                *value = wide;
            }
        }
        return;
    }
}
