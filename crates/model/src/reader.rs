//! A cursor over untrusted bytes: every read is checked, every failure says where.
//!
//! Invariant: no method panics, whatever the bytes.

use crate::Fault;

/// Reads fixed-size fields from a slice. `base` is where the slice starts in its artifact, so that faults name offsets
/// of the artifact.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    base: u64,
}

macro_rules! number {
    ($(#[$doc:meta] $name:ident $ty:ty, $from:ident;)*) => {
        $(
            #[$doc]
            pub fn $name(&mut self, what: &'static str) -> Result<$ty, Fault> {
                let at = self.offset();
                let bytes = self.take(size_of::<$ty>(), what)?;
                bytes.try_into().map(<$ty>::$from).map_err(|_| Fault::malformed(what, at))
            }
        )*
    };
}

impl<'a> Reader<'a> {
    /// A reader over a whole artifact.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader::at(bytes, 0)
    }

    /// A reader over a part that starts at `base` in its artifact.
    pub fn at(bytes: &'a [u8], base: u64) -> Reader<'a> {
        Reader { bytes, pos: 0, base }
    }

    /// The offset of the next byte, in the artifact.
    pub fn offset(&self) -> u64 {
        self.base.saturating_add(self.pos as u64)
    }

    /// The position of the next byte, in the slice.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.pos)
    }

    /// Whether all bytes were read.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// Moves to a position in the slice.
    pub fn seek(&mut self, pos: usize, what: &'static str) -> Result<(), Fault> {
        if self.bytes.len() < pos {
            return Err(Fault::malformed(what, self.offset()));
        }
        self.pos = pos;
        Ok(())
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize, _what: &'static str) -> Result<&'a [u8], Fault> {
        let truncated = Fault::Truncated { at: self.offset(), wanted: len as u64 };
        let end = self.pos.checked_add(len).ok_or(truncated.clone())?;
        let bytes = self.bytes.get(self.pos..end).ok_or(truncated)?;
        self.pos = end;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        let at = self.offset();
        self.take(N, what)?.try_into().map_err(|_| Fault::malformed(what, at))
    }

    /// Passes over `len` bytes.
    pub fn skip(&mut self, len: usize, what: &'static str) -> Result<(), Fault> {
        self.take(len, what).map(drop)
    }

    /// A field of `len` bytes that holds a string padded with NUL: the bytes before the first NUL.
    pub fn padded(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], Fault> {
        let field = self.take(len, what)?;
        Ok(field.split(|&byte| byte == 0).next().unwrap_or_default())
    }

    /// A NUL-terminated string, without its NUL.
    pub fn cstr(&mut self, what: &'static str) -> Result<&'a [u8], Fault> {
        let rest = self.rest();
        let len = rest.iter().position(|&byte| byte == 0).ok_or(Fault::malformed(what, self.offset()))?;
        self.pos = self.pos.saturating_add(len).saturating_add(1);
        Ok(rest.get(..len).unwrap_or_default())
    }

    /// Checks that the next bytes equal `magic`, and passes over them.
    pub fn expect(&mut self, magic: &[u8], what: &'static str) -> Result<(), Fault> {
        let at = self.offset();
        if self.take(magic.len(), what)? == magic { Ok(()) } else { Err(Fault::malformed(what, at)) }
    }

    /// A count of things that each take at least `size` bytes: refused if the bytes that are left cannot hold them.
    pub fn fits(&self, count: u64, size: u64, what: &'static str) -> Result<usize, Fault> {
        let need = count.checked_mul(size.max(1)).ok_or(Fault::malformed(what, self.offset()))?;
        if (self.remaining() as u64) < need {
            return Err(Fault::malformed(what, self.offset()));
        }
        usize::try_from(count).map_err(|_| Fault::malformed(what, self.offset()))
    }

    number! {
        /// One byte.
        u8 u8, from_le_bytes;
        /// Unsigned 16 bits, little-endian.
        u16_le u16, from_le_bytes;
        /// Unsigned 32 bits, little-endian.
        u32_le u32, from_le_bytes;
        /// Unsigned 64 bits, little-endian.
        u64_le u64, from_le_bytes;
        /// Signed 32 bits, little-endian.
        i32_le i32, from_le_bytes;
        /// Signed 64 bits, little-endian.
        i64_le i64, from_le_bytes;
        /// Unsigned 16 bits, big-endian.
        u16_be u16, from_be_bytes;
        /// Unsigned 32 bits, big-endian.
        u32_be u32, from_be_bytes;
        /// Unsigned 64 bits, big-endian.
        u64_be u64, from_be_bytes;
    }

    /// An unsigned LEB128 number of at most 32 bits (dex format, "LEB128").
    pub fn uleb128(&mut self, what: &'static str) -> Result<u32, Fault> {
        let at = self.offset();
        let mut value = 0u32;
        for shift in [0u32, 7, 14, 21, 28] {
            let byte = self.u8(what)?;
            value |= u32::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::malformed(what, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_past_the_end_is_truncated_and_names_its_offset() {
        let mut reader = Reader::at(&[1, 2, 3], 0x100);
        assert_eq!(reader.u16_le("a"), Ok(0x0201));
        assert_eq!(reader.u32_le("b"), Err(Fault::Truncated { at: 0x102, wanted: 4 }));
        assert_eq!(reader.u8("c"), Ok(3), "a failed read does not move");
    }

    #[test]
    fn a_count_that_the_bytes_cannot_hold_is_refused() {
        let reader = Reader::new(&[0; 16]);
        assert_eq!(reader.fits(4, 4, "n"), Ok(4));
        assert!(reader.fits(5, 4, "n").is_err());
        assert!(reader.fits(u64::MAX, 8, "n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_sequence_of_reads_panics(bytes: Vec<u8>, lens: Vec<u16>) {
            let mut reader = Reader::at(&bytes, u64::MAX - 3);
            for len in lens {
                let _ = (reader.take(len.into(), "x"), reader.uleb128("x"), reader.cstr("x"), reader.u64_be("x"));
                let _ = reader.seek((len / 3).into(), "x");
            }
        }
    }
}
