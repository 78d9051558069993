//! Class files of Java, as far as a hierarchy needs them: JVM Specification, chapter 4.

use anyhow::{Context, Result, bail};

use super::{Class, Method};

/// The class that a file defines.
pub fn read(bytes: &[u8]) -> Result<(String, Class)> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.u32()? != MAGIC {
        bail!("no class file");
    }
    reader.skip(4)?;
    let pool = read_pool(&mut reader)?;
    let text = |idx: u16| match pool.get(usize::from(idx)) {
        Some(Constant::Text(text)) => Ok(text.clone()),
        _ => bail!("constant {idx} is no text"),
    };
    let class_name = |idx: u16| match pool.get(usize::from(idx)) {
        Some(Constant::Class(name)) => Ok(format!("L{};", text(*name)?)),
        _ => bail!("constant {idx} is no class"),
    };
    let access = u32::from(reader.u16()?);
    let name = class_name(reader.u16()?)?;
    let superclass = match reader.u16()? {
        0 => None,
        idx => Some(class_name(idx)?),
    };
    let mut interfaces = Vec::new();
    for _ in 0..reader.u16()? {
        interfaces.push(class_name(reader.u16()?)?);
    }
    let mut fields = Vec::new();
    for _ in 0..reader.u16()? {
        reader.skip(2)?;
        fields.push(text(reader.u16()?)?);
        reader.skip(2)?;
        skip_attributes(&mut reader)?;
    }
    let mut methods = Vec::new();
    for _ in 0..reader.u16()? {
        let access = u32::from(reader.u16()?);
        let (name, proto) = (text(reader.u16()?)?, text(reader.u16()?)?);
        methods.push(Method { name, protos: vec![proto], access, exact: true });
        skip_attributes(&mut reader)?;
    }
    Ok((name, Class { access, superclass, interfaces, fields, methods }))
}

enum Constant {
    Text(String),
    Class(u16),
    Other,
}

/// Section 4.4.
fn read_pool(reader: &mut Reader) -> Result<Vec<Constant>> {
    let n = reader.u16()?;
    let mut pool = vec![Constant::Other];
    while pool.len() < usize::from(n) {
        let tag = reader.u8()?;
        match tag {
            1 => {
                let len = usize::from(reader.u16()?);
                pool.push(Constant::Text(String::from_utf8_lossy(reader.take(len)?).into_owned()));
                continue;
            }
            7 => {
                pool.push(Constant::Class(reader.u16()?));
                continue;
            }
            8 | 16 | 19 | 20 => reader.skip(2)?,
            15 => reader.skip(3)?,
            3 | 4 | 9..=12 | 17 | 18 => reader.skip(4)?,
            // They take two places.
            5 | 6 => {
                reader.skip(8)?;
                pool.push(Constant::Other);
            }
            _ => bail!("constant of unknown kind {tag}"),
        }
        pool.push(Constant::Other);
    }
    Ok(pool)
}

fn skip_attributes(reader: &mut Reader) -> Result<()> {
    for _ in 0..reader.u16()? {
        reader.skip(2)?;
        let len = reader.u32()?;
        reader.skip(len as usize)?;
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let part = self.bytes.get(self.at..self.at.saturating_add(n)).context("the class file ends too soon")?;
        self.at += n;
        Ok(part)
    }

    fn skip(&mut self, n: usize) -> Result<()> {
        self.take(n).map(|_| ())
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16> {
        let part = self.take(2)?;
        Ok(u16::from_be_bytes([part[0], part[1]]))
    }

    fn u32(&mut self) -> Result<u32> {
        let part = self.take(4)?;
        Ok(u32::from_be_bytes([part[0], part[1], part[2], part[3]]))
    }
}

const MAGIC: u32 = 0xcafe_babe;
