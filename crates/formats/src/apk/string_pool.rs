//! String pools of compiled resources, read as Android's `ResStringPool` reads them.
//!
//! Source: AOSP `frameworks/base/libs/androidfw/ResourceTypes.cpp` (`ResStringPool::setTo`, `stringAt`, `string8At`).

use std::cell::{Cell, RefCell};

use model::fact::anomaly::Kind;
use model::{Blob, Fault, Reader};

use super::Oddities;

/// A string pool whose strings are decoded when they are asked for.
#[derive(Debug)]
pub struct StringPool {
    /// The bytes of the chunk.
    chunk: Blob,
    /// Where the chunk starts in its document.
    at: u64,
    string_count: u32,
    utf8: bool,
    /// Where the offsets of the strings start in the chunk.
    entries: u64,
    /// Where the characters start in the chunk, and where they end.
    strings: (u64, u64),
    /// What was odd in strings that were asked for.
    pub oddities: RefCell<Oddities>,
    /// How many bytes may still be decoded.
    left: Cell<u64>,
}

impl StringPool {
    /// Reads the header of the pool at `at` of a document; `size` is the size of its chunk.
    pub fn read(document: &Blob, at: u64, size: u64) -> Result<StringPool, Fault> {
        let chunk = document.clamp(at, size);
        let header = chunk.read_up_to(0, HEADER_SIZE)?;
        let mut header = Reader::at(&header, at);
        header.skip(2, "type")?;
        let header_size = u64::from(header.u16_le("headerSize")?);
        header.skip(4, "size")?;
        let string_count = header.u32_le("stringCount")?;
        let style_count = header.u32_le("styleCount")?;
        let flags = header.u32_le("flags")?;
        let strings_start = u64::from(header.u32_le("stringsStart")?);
        let styles_start = u64::from(header.u32_le("stylesStart")?);
        let mut oddities = Oddities::default();
        if header_size != HEADER_SIZE {
            oddities.add(Kind::LyingField, "string pool with an odd header size", at);
        }
        // Android takes the offsets from behind the header, whatever size that claims, and needs room for all of them.
        let entries_end = header_size.saturating_add(u64::from(string_count).saturating_mul(4));
        if chunk.len() < entries_end {
            oddities.add(Kind::LyingField, "string pool with more strings than its bytes can hold", at);
        }
        let end = match (style_count, styles_start) {
            (0, 0) => chunk.len(),
            (0, _) => {
                oddities.add(Kind::LyingField, "string pool with a place for styles and no styles", at);
                chunk.len()
            }
            (_, start) if strings_start < start && start < chunk.len() => start,
            _ => {
                oddities.add(Kind::LyingField, "string pool with styles outside of it", at);
                chunk.len()
            }
        };
        if string_count != 0 && end <= strings_start {
            return Err(Fault::malformed("stringsStart", at));
        }
        let utf8 = flags & UTF8_FLAG != 0;
        let strings = (strings_start, end);
        let oddities = RefCell::new(oddities);
        Ok(StringPool {
            chunk,
            at,
            string_count,
            utf8,
            entries: header_size,
            strings,
            oddities,
            left: Cell::new(DECODED_MAX),
        })
    }

    /// One string. `None`: there is none of this index, or a phone could not decode it and neither could a more patient
    /// reader.
    pub fn string(&self, index: u32) -> Option<String> {
        if self.string_count <= index || self.exhausted() {
            return None;
        }
        let entry = self.entries.checked_add(u64::from(index).checked_mul(4)?)?;
        // A string that lies outside the pool does not exist; that the pool itself cannot be read was told when the
        // document was.
        let offset = self.chunk.read_at(entry, 4).ok()?;
        let offset = u64::from(u32::from_le_bytes(offset.try_into().ok()?));
        let (start, end) = self.strings;
        let start = start.checked_add(offset).filter(|it| *it < end)?;
        let head = self.chunk.read_up_to(start, 4).ok()?;
        let mut head = Reader::new(&head);
        if self.utf8 {
            length8(&mut head)?;
            let len = length8(&mut head)?;
            self.string8(start.checked_add(head.offset())?, len)
        } else {
            let len = length16(&mut head)?;
            self.string16(start.checked_add(head.offset())?, len)
        }
    }

    /// Whether so much was decoded that further strings are not.
    pub fn exhausted(&self) -> bool {
        self.left.get() == 0
    }

    fn charge(&self, bytes: u64) {
        self.left.set(self.left.get().saturating_sub(bytes.saturating_add(STEP_COST)));
    }

    /// Android looks for the NUL where the length says, then at the lengths that end in the same 15 bits; Java then sees
    /// the text up to the first NUL.
    fn string8(&self, start: u64, len: u64) -> Option<String> {
        let left = self.strings.1.checked_sub(start)?;
        let mut size = len;
        loop {
            if left <= size {
                return self.up_to_nul(start, left, 1);
            }
            self.charge(0);
            let ends = self.chunk.read_at(start.checked_add(size)?, 1).ok()?;
            if ends == [0] {
                break;
            }
            size = size.checked_add(LENGTH8_STEP)?;
        }
        self.charge(size.min(STRING_MAX));
        let bytes = self.chunk.read_at(start, size.min(STRING_MAX)).ok()?;
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        if text.len() < bytes.len() {
            self.odd("string with a NUL inside: a phone sees what comes before it", start);
        }
        Some(text8(text))
    }

    fn string16(&self, start: u64, len: u64) -> Option<String> {
        let left = self.strings.1.checked_sub(start)?;
        let size = len.checked_mul(2)?;
        let ends = self.chunk.read_up_to(start.checked_add(size)?, 2).ok()?;
        if left <= size || ends != [0, 0] {
            return self.up_to_nul(start, left, 2);
        }
        self.charge(size.min(STRING_MAX));
        Some(text16(&self.chunk.read_at(start, size.min(STRING_MAX)).ok()?))
    }

    /// A string whose length is wrong: a phone has none, tools see something, and here it ends at its NUL.
    fn up_to_nul(&self, start: u64, left: u64, width: usize) -> Option<String> {
        self.odd("string whose length is wrong", start);
        self.charge(left.min(LYING_STRING_MAX));
        let bytes = self.chunk.read_up_to(start, left.min(LYING_STRING_MAX)).ok()?;
        let len = bytes.chunks(width).take_while(|it| it.iter().any(|&byte| byte != 0)).map(<[u8]>::len).sum();
        let text = bytes.get(..len)?;
        Some(if width == 1 { text8(text) } else { text16(text) })
    }

    fn odd(&self, what: &'static str, at: u64) {
        self.oddities.borrow_mut().add(Kind::LyingField, what, self.at.saturating_add(at));
    }
}

/// `decodeLength` for UTF-8: one byte, or two where the first has its high bit set.
fn length8(reader: &mut Reader) -> Option<u64> {
    let first = u64::from(reader.u8("length").ok()?);
    if first & 0x80 == 0 {
        return Some(first);
    }
    Some((first & 0x7f) << 8 | u64::from(reader.u8("length").ok()?))
}

/// `decodeLength` for UTF-16: one unit, or two where the first has its high bit set.
fn length16(reader: &mut Reader) -> Option<u64> {
    let first = u64::from(reader.u16_le("length").ok()?);
    if first & 0x8000 == 0 {
        return Some(first);
    }
    Some((first & 0x7fff) << 16 | u64::from(reader.u16_le("length").ok()?))
}

fn text16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|it| it.try_into().ok().map(u16::from_le_bytes)).collect();
    String::from_utf16_lossy(&units)
}

/// UTF-8, or Java's modified UTF-8 where it is no UTF-8 (surrogates encoded one by one).
fn text8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf16_lossy(&units_of(bytes)),
    }
}

/// UTF-16 units of modified UTF-8; what fits no pattern becomes U+FFFD.
fn units_of(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let low = |byte: u8| u16::from(byte & 0x3f);
    while let Some((&first, tail)) = rest.split_first() {
        let (unit, used) = match (first, tail) {
            (0..=0x7f, _) => (u16::from(first), 0),
            (0xc0..=0xdf, [second, ..]) => (u16::from(first & 0x1f) << 6 | low(*second), 1),
            (0xe0..=0xef, [second, third, ..]) => (u16::from(first & 0x0f) << 12 | low(*second) << 6 | low(*third), 2),
            _ => (0xfffd, 0),
        };
        units.push(unit);
        rest = tail.get(used..).unwrap_or_default();
    }
    units
}

/// `sizeof(ResStringPool_header)`.
const HEADER_SIZE: u64 = 28;

/// `ResStringPool_header::UTF8_FLAG`.
const UTF8_FLAG: u32 = 1 << 8;

/// Lengths of UTF-8 strings have 15 bits; longer strings keep the low ones.
const LENGTH8_STEP: u64 = 1 << 15;

/// The longest string that is kept: labels and class names stay under 1 KiB, the longest real resource strings under
/// 256 KiB.
const STRING_MAX: u64 = 1 << 20;

/// How much one document may decode: many attributes can name one long string. The largest manifests decode 3 MiB.
const DECODED_MAX: u64 = 64 << 20;

/// What looking at a string costs besides its bytes.
const STEP_COST: u64 = 32;

/// How far the end of a string with a wrong length is looked for: longer than any name.
const LYING_STRING_MAX: u64 = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modified_utf8_is_read() {
        assert_eq!(text8(b"a\xed\xa0\xbd\xed\xb8\x80b"), "a\u{1f600}b");
        assert_eq!(text8(b"\xc3\xa9\xff"), "é\u{fffd}");
    }
}
