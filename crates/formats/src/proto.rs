//! Protocol buffers: the fields of a message, without a schema (protobuf.dev, "Encoding").

use model::{Fault, Reader};

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// Its number in the schema.
    pub number: u64,
    /// Its value.
    pub value: Value<'a>,
}

/// A value, by wire type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// `int32`, `uint64`, `bool`, an enum...
    Varint(u64),
    /// `fixed64`, `double`.
    Fixed64,
    /// `fixed32`, `float`.
    Fixed32,
    /// `string`, `bytes`, a message; with its offset in the artifact.
    Bytes(&'a [u8], u64),
}

impl<'a> Field<'a> {
    /// The number, if it is one.
    pub fn number_value(&self) -> Option<u64> {
        match self.value {
            Value::Varint(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if it is some.
    pub fn bytes(&self) -> &'a [u8] {
        match self.value {
            Value::Bytes(bytes, _) => bytes,
            _ => b"",
        }
    }

    /// The bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

/// The fields of a message that starts at `base` in its artifact, up to the first that is malformed.
pub(crate) fn fields(bytes: &[u8], base: u64) -> impl Iterator<Item = Result<Field<'_>, Fault>> {
    let mut reader = Some(Reader::at(bytes, base));
    std::iter::from_fn(move || {
        let it = reader.as_mut().filter(|it| !it.is_empty())?;
        let field = field(it);
        if field.is_err() {
            reader = None;
        }
        Some(field)
    })
}

fn field<'a>(reader: &mut Reader<'a>) -> Result<Field<'a>, Fault> {
    let at = reader.offset();
    let tag = varint(reader)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(reader)?),
        1 => reader.skip(8, "fixed64").map(|()| Value::Fixed64)?,
        2 => {
            let len = varint(reader)?;
            let len = reader.fits(len, 1, "length")?;
            let at = reader.offset();
            Value::Bytes(reader.take(len, "bytes")?, at)
        }
        5 => reader.skip(4, "fixed32").map(|()| Value::Fixed32)?,
        _ => return Err(Fault::malformed("wire type", at)),
    };
    Ok(Field { number: tag >> 3, value })
}

/// A number of up to ten bytes, seven bits each.
fn varint(reader: &mut Reader) -> Result<u64, Fault> {
    let at = reader.offset();
    let mut value = 0u64;
    for shift in (0u32..70).step_by(7) {
        let byte = reader.u8("varint")?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::malformed("varint", at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_up_to_the_first_malformed_one() {
        let bytes = b"\x08\x96\x01\x12\x03abc\x1d1234\x22\x7fx";
        let seen: Vec<_> = fields(bytes, 0x10).collect();
        assert_eq!(seen.len(), 4);
        assert_eq!(seen[0].as_ref().unwrap().number_value(), Some(150));
        assert!(matches!(seen[1].as_ref().unwrap().value, Value::Bytes(b"abc", 0x15)));
        assert_eq!(seen[2].as_ref().unwrap().number, 3);
        assert!(seen[3].is_err());
        assert!(fields(&[0xff; 11], 0).next().unwrap().is_err());
    }
}
