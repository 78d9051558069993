//! BER values as AOSP's verifiers read them: lengths of any form up to four bytes, indefinite lengths; and the same value
//! again as DER.
//!
//! Source: ITU-T X.690.

/// One value.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// Class, constructed bit and number. Numbers from 31 on have no meaning in certificates and are all 31 here.
    pub tag: u8,
    /// All bytes, with tag and length.
    pub whole: &'a [u8],
    /// The bytes of the value.
    pub body: &'a [u8],
}

/// Values that follow each other.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a>(&'a [u8]);

/// The input is no BER, or not of the form that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBer;

impl<'a> Values<'a> {
    /// The values in `bytes`.
    pub fn of(bytes: &'a [u8]) -> Values<'a> {
        Values(bytes)
    }

    /// The next value; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Value<'a>>, NotBer> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (value, rest) = read(self.0, DEPTH_MAX)?;
        self.0 = rest;
        Ok(Some(value))
    }

    /// The next value, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Result<Value<'a>, NotBer> {
        self.read()?.filter(|it| it.tag == tag).ok_or(NotBer)
    }

    /// The next value if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, NotBer> {
        let mut ahead = *self;
        match ahead.read()? {
            Some(value) if value.tag == tag => {
                *self = ahead;
                Ok(Some(value))
            }
            _ => Ok(None),
        }
    }

    /// All values that are left.
    pub fn all(mut self) -> Result<Vec<Value<'a>>, NotBer> {
        let mut values = Vec::new();
        while let Some(value) = self.read()? {
            values.push(value);
        }
        Ok(values)
    }
}

impl<'a> Value<'a> {
    /// The values in this one.
    pub fn inner(&self) -> Values<'a> {
        Values(self.body)
    }

    /// The bytes of a non-negative `INTEGER`, without leading zeros.
    pub fn magnitude(&self) -> &'a [u8] {
        let zeros = self.body.iter().take_while(|it| **it == 0).count();
        self.body.get(zeros..).unwrap_or_default()
    }

    /// The same value with minimal definite lengths.
    pub fn to_der(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.whole.len());
        encode(self, DEPTH_MAX, &mut out);
        out
    }
}

/// A value with this tag, encoded.
pub fn encoded(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len().saturating_add(6));
    push(tag, body, &mut out);
    out
}

fn push(tag: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let len = body.len().to_be_bytes();
    let significant = len.get(len.iter().take_while(|it| **it == 0).count()..).unwrap_or_default();
    match significant {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        bytes => {
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            out.extend_from_slice(bytes);
        }
    }
    out.extend_from_slice(body);
}

fn encode(value: &Value, depth: u32, out: &mut Vec<u8>) {
    let constructed = value.tag & CONSTRUCTED != 0 && value.tag & 0x1f != 0x1f;
    let inner = if constructed && depth != 0 { value.inner().all().ok() } else { None };
    match inner {
        Some(values) => {
            let mut body = Vec::with_capacity(value.body.len());
            for value in &values {
                encode(value, depth.saturating_sub(1), &mut body);
            }
            push(value.tag, &body, out);
        }
        None if value.tag & 0x1f == 0x1f => out.extend_from_slice(value.whole),
        None => push(value.tag, value.body, out),
    }
}

/// One value and what follows it.
fn read(bytes: &[u8], depth: u32) -> Result<(Value<'_>, &[u8]), NotBer> {
    let (&tag, mut rest) = bytes.split_first().ok_or(NotBer)?;
    if tag & 0x1f == 0x1f {
        // Base 128, the last byte without its high bit.
        let more = rest.iter().take_while(|it| *it & 0x80 != 0).count();
        rest = rest.get(more.saturating_add(1)..).ok_or(NotBer)?;
    }
    let (&first, mut rest) = rest.split_first().ok_or(NotBer)?;
    if first == 0x80 {
        let len = if tag & CONSTRUCTED != 0 { constructed_len(rest, depth)? } else { primitive_len(rest)? };
        let (body, after) = rest.split_at_checked(len).ok_or(NotBer)?;
        let after = after.get(2..).ok_or(NotBer)?;
        return Ok((value(tag, bytes, body, after), after));
    }
    let len = if first < 0x80 {
        usize::from(first)
    } else {
        let n = usize::from(first & 0x7f);
        if 4 < n {
            return Err(NotBer);
        }
        let (digits, after) = rest.split_at_checked(n).ok_or(NotBer)?;
        rest = after;
        digits.iter().fold(0usize, |len, digit| len << 8 | usize::from(*digit))
    };
    let (body, after) = rest.split_at_checked(len).ok_or(NotBer)?;
    Ok((value(tag, bytes, body, after), after))
}

fn value<'a>(tag: u8, bytes: &'a [u8], body: &'a [u8], after: &[u8]) -> Value<'a> {
    let len = bytes.len().saturating_sub(after.len());
    Value { tag, whole: bytes.get(..len).unwrap_or_default(), body }
}

/// How many bytes stand before the two zeros that end a constructed value.
fn constructed_len(bytes: &[u8], depth: u32) -> Result<usize, NotBer> {
    let depth = depth.checked_sub(1).ok_or(NotBer)?;
    let mut rest = bytes;
    while !rest.starts_with(&[0, 0]) {
        rest = read(rest, depth)?.1;
    }
    Ok(bytes.len().saturating_sub(rest.len()))
}

fn primitive_len(bytes: &[u8]) -> Result<usize, NotBer> {
    bytes.windows(2).position(|it| it == [0, 0]).ok_or(NotBer)
}

/// Constructed: the body is values.
const CONSTRUCTED: u8 = 0x20;

/// Certificates nest to about a dozen; each level of indefinite length costs a pass over what it holds.
const DEPTH_MAX: u32 = 32;

/// `INTEGER`
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`
pub const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`
pub const OCTET_STRING: u8 = 0x04;
/// `NULL`
pub const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`
pub const OID: u8 = 0x06;
/// `SEQUENCE`
pub const SEQUENCE: u8 = 0x30;
/// `SET`
pub const SET: u8 = 0x31;
/// `[0]`, constructed
pub const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed
pub const CONTEXT_1: u8 = 0xa1;
/// `[3]`, constructed
pub const CONTEXT_3: u8 = 0xa3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indefinite_or_padded_length_reads_the_same_and_becomes_der() {
        let der = [0x30, 5, 0x31, 3, 2, 1, 5];
        for bytes in
            [&der[..], &[0x30, 0x80, 0x31, 0x80, 2, 1, 5, 0, 0, 0, 0], &[0x30, 0x82, 0, 6, 0x31, 0x81, 3, 2, 1, 5]]
        {
            let value = Values::of(bytes).read().unwrap().unwrap();
            assert_eq!(value.whole, bytes);
            assert_eq!(value.to_der(), der);
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend_from_slice(&[0x30, 0x80]);
        }
        assert!(Values::of(&bytes).read().is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic_and_der_is_stable(bytes: Vec<u8>) {
            if let Ok(Some(value)) = Values::of(&bytes).read() {
                let der = value.to_der();
                let again = Values::of(&der).read().unwrap().unwrap();
                proptest::prop_assert_eq!(again.to_der(), der);
            }
        }
    }
}
