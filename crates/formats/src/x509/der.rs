//! A tolerant walk over DER, and over BER where that uses indefinite lengths: what an encoder may get wrong without a
//! phone minding (padding of lengths, order, negative numbers) is not looked at.
//!
//! Source: ITU-T X.690.

use model::{Fault, Reader};

/// One value with its tag.
#[derive(Debug, Clone, Copy)]
pub struct Tlv<'a> {
    /// The first byte of the tag, which is all of it in certificates.
    pub tag: u8,
    /// Where it starts in the artifact.
    pub at: u64,
    /// All bytes, with tag and length.
    pub whole: &'a [u8],
    /// The bytes of the value.
    pub body: &'a [u8],
    /// Where the value starts in the artifact.
    body_at: u64,
}

/// Values that follow each other.
#[derive(Debug, Clone)]
pub struct Der<'a>(Reader<'a>);

impl<'a> Der<'a> {
    /// The values in `bytes`, which start at `base` in the artifact.
    pub fn at(bytes: &'a [u8], base: u64) -> Der<'a> {
        Der(Reader::at(bytes, base))
    }

    /// The tag of the next value.
    pub fn peek(&self) -> Option<u8> {
        self.0.rest().first().copied()
    }

    /// Whether no value is left: at the end, or at the mark that ends an indefinite length.
    pub fn is_empty(&self) -> bool {
        matches!(self.0.rest(), [] | [0, 0, ..])
    }

    /// The next value.
    pub fn read(&mut self, what: &'static str) -> Result<Tlv<'a>, Fault> {
        let at = self.0.offset();
        let start = self.0.rest();
        let (tag, len) = header(&mut self.0, what)?;
        let body_at = self.0.offset();
        let body = match len {
            Some(len) => self.0.take(len, what)?,
            None => {
                let body = self.0.rest();
                let len = indefinite_len(self.0.clone(), what)?;
                self.0.skip(len.saturating_add(2), what)?;
                body.get(..len).unwrap_or_default()
            }
        };
        let size = start.len().saturating_sub(self.0.remaining());
        Ok(Tlv { tag, at, whole: start.get(..size).unwrap_or_default(), body, body_at })
    }

    /// The next value, which must have this tag.
    pub fn expect(&mut self, tag: u8, what: &'static str) -> Result<Tlv<'a>, Fault> {
        let tlv = self.read(what)?;
        if tlv.tag == tag { Ok(tlv) } else { Err(Fault::malformed(what, tlv.at)) }
    }

    /// The next value if it has this tag.
    pub fn optional(&mut self, tag: u8, what: &'static str) -> Result<Option<Tlv<'a>>, Fault> {
        if self.peek() == Some(tag) { self.read(what).map(Some) } else { Ok(None) }
    }
}

impl<'a> Tlv<'a> {
    /// The values in this one.
    pub fn inner(&self) -> Der<'a> {
        Der::at(self.body, self.body_at)
    }

    /// An object identifier in dotted form.
    pub fn oid(&self) -> String {
        let mut arcs: Vec<u64> = Vec::new();
        let mut arc = 0u64;
        for &byte in self.body {
            arc = arc.saturating_mul(128) | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                if arcs.is_empty() {
                    let first = (arc / 40).min(2);
                    arcs.push(first);
                    arc = arc.saturating_sub(first.saturating_mul(40));
                }
                arcs.push(arc);
                arc = 0;
            }
        }
        arcs.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
    }

    /// How many bits a number has.
    pub fn bits(&self) -> u32 {
        let zeros = self.body.iter().take_while(|&&byte| byte == 0).count();
        let digits = self.body.get(zeros..).unwrap_or_default();
        let first = digits.first().map_or(0, |it| it.leading_zeros());
        u32::try_from(digits.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(first)
    }
}

/// Tag and length; `None` is an indefinite length.
fn header(reader: &mut Reader, what: &'static str) -> Result<(u8, Option<usize>), Fault> {
    let at = reader.offset();
    let tag = reader.u8(what)?;
    if tag & 0x1f == 0x1f {
        return Err(Fault::malformed(what, at));
    }
    let first = reader.u8(what)?;
    let len = match first {
        0..=0x7f => usize::from(first),
        0x80 => return Ok((tag, None)),
        0x81..=0x88 => {
            let bytes = reader.take(usize::from(first & 0x7f), what)?;
            let len = bytes.iter().fold(0u64, |len, &byte| len << 8 | u64::from(byte));
            usize::try_from(len).map_err(|_| Fault::malformed(what, at))?
        }
        _ => return Err(Fault::malformed(what, at)),
    };
    Ok((tag, Some(len)))
}

/// How many bytes stand before the mark that ends an indefinite length.
fn indefinite_len(mut reader: Reader, what: &'static str) -> Result<usize, Fault> {
    let start = reader.position();
    let mut open = 1usize;
    while open != 0 {
        match header(&mut reader, what)? {
            (0, Some(0)) => open = open.saturating_sub(1),
            (_, Some(len)) => reader.skip(len, what)?,
            (_, None) => open = open.saturating_add(1),
        }
    }
    Ok(reader.position().saturating_sub(start).saturating_sub(2))
}

/// `INTEGER`
pub const INTEGER: u8 = 0x02;
/// `OBJECT IDENTIFIER`
pub const OID: u8 = 0x06;
/// `SEQUENCE`
pub const SEQUENCE: u8 = 0x30;
/// `SET`
pub const SET: u8 = 0x31;
/// `[0]`, constructed
pub const CONTEXT_0: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indefinite_length_ends_at_its_own_mark() {
        let bytes = [0x30, 0x80, 0x31, 0x80, 0x02, 0x01, 0x05, 0, 0, 0, 0, 0x04, 0];
        let mut der = Der::at(&bytes, 0x10);
        let outer = der.read("outer").unwrap();
        assert_eq!(outer.whole.len(), 11);
        assert_eq!(outer.inner().read("set").unwrap().body, [2, 1, 5]);
        assert_eq!(der.read("next").unwrap().at, 0x1b);
    }

    #[test]
    fn an_object_identifier_is_dotted() {
        let bytes = [OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
        assert_eq!(Der::at(&bytes, 0).read("oid").unwrap().oid(), "1.2.840.113549.1.1.11");
    }
}
