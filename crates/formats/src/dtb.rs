//! Flattened device trees: what hardware they describe, and the kernel command line that they carry. Several may stand
//! one after the other.

use model::fact::package::Package;
use model::{Artifact, Fault, Reader};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "dtb",
    title: "device tree",
    spec: "Devicetree Specification 0.4, chapter 5",
    kind: Kind::Kernel,
    matches: |_, bytes| is_dtb(bytes),
    read,
};

/// Whether a device tree starts here: magic, and offsets that a header of version 17 leaves room for.
pub(crate) fn is_dtb(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) && bytes.get(20..24) == Some(&17u32.to_be_bytes())
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("device trees", SIZE_MAX)?;
    let mut at = 0usize;
    let mut n = 0u32;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if !is_dtb(rest) {
            return Ok(());
        }
        if TREES_MAX <= n {
            return Err(Fault::Limit { what: "device trees", bound: TREES_MAX.into() });
        }
        let base = u64::try_from(at).unwrap_or(u64::MAX);
        let mut package = Package { kind: "dtb".to_owned(), ..Package::default() };
        let size = tree(rest, base, &mut package.properties);
        let shown = size.as_ref().map_or(HEADER_SIZE, |it| *it);
        let row = out.row(base, u64::try_from(shown.min(rest.len())).unwrap_or(0), package);
        out.facts.packages.push(row);
        at = at.saturating_add(size?);
        n = n.saturating_add(1);
        // Some builds align the next tree.
        let padding = bytes.get(at..).unwrap_or_default().iter().take(PADDING_MAX).take_while(|&&it| it == 0).count();
        at = at.saturating_add(padding);
    }
}

/// One tree: the properties of its root and of `/chosen` that are kept. Its size.
fn tree(bytes: &[u8], base: u64, properties: &mut Vec<(String, String)>) -> Result<usize, Fault> {
    let mut header = Reader::at(bytes, base);
    header.skip(4, "magic")?;
    let totalsize = header.u32_be("totalsize")?;
    let off_dt_struct = header.u32_be("off_dt_struct")?;
    let off_dt_strings = header.u32_be("off_dt_strings")?;
    let size = usize::try_from(totalsize).unwrap_or(usize::MAX);
    let tree = bytes
        .get(..size)
        .filter(|_| HEADER_SIZE <= size)
        .ok_or(Fault::malformed("totalsize", base.saturating_add(4)))?;
    let part = |offset: u32, what| {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        tree.get(start..)
            .map(|it| Reader::at(it, base.saturating_add(offset.into())))
            .ok_or(Fault::malformed(what, base))
    };
    let mut tokens = part(off_dt_struct, "off_dt_struct")?;
    let strings = part(off_dt_strings, "off_dt_strings")?;
    // Names of nodes are needed on the first two levels only.
    let (mut depth, mut in_chosen) = (0u32, false);
    loop {
        let at = tokens.offset();
        match tokens.u32_be("token")? {
            BEGIN_NODE => {
                let name = tokens.cstr("name")?;
                align(&mut tokens)?;
                depth = depth.saturating_add(1);
                in_chosen = depth == 2 && name == b"chosen";
            }
            END_NODE => {
                depth = depth.checked_sub(1).ok_or(Fault::malformed("FDT_END_NODE", at))?;
                in_chosen = false;
            }
            PROP => {
                let len = tokens.u32_be("len")?;
                let nameoff = usize::try_from(tokens.u32_be("nameoff")?).unwrap_or(usize::MAX);
                let len = tokens.fits(len.into(), 1, "len")?;
                let value = tokens.take(len, "value")?;
                align(&mut tokens)?;
                if depth == 1 || in_chosen {
                    let name = strings.rest().get(nameoff..).ok_or(Fault::malformed("nameoff", at))?;
                    keep(name, value, depth, properties)?;
                }
            }
            NOP => {}
            END => return Ok(size),
            _ => return Err(Fault::malformed("token", at)),
        }
    }
}

/// Properties that say which hardware a tree is for, and how it starts the kernel. The name ends with a NUL.
fn keep(name: &[u8], value: &[u8], depth: u32, properties: &mut Vec<(String, String)>) -> Result<(), Fault> {
    let kept: &[&str] = if depth == 1 { &["compatible", "model"] } else { &["bootargs"] };
    let is_named = |it: &&&str| name.strip_prefix(it.as_bytes()).is_some_and(|it| it.first() == Some(&0));
    let Some(name) = kept.iter().find(is_named) else { return Ok(()) };
    for value in value.split(|&it| it == 0).filter(|it| !it.is_empty()) {
        if PROPERTIES_MAX <= properties.len() {
            return Err(Fault::Limit { what: "compatible", bound: PROPERTIES_MAX as u64 });
        }
        properties.push(((*name).to_owned(), String::from_utf8_lossy(value).into_owned()));
    }
    Ok(())
}

fn align(tokens: &mut Reader) -> Result<(), Fault> {
    let position = tokens.position().next_multiple_of(4);
    tokens.seek(position, "padding")
}

/// `FDT_MAGIC`.
pub(crate) const MAGIC: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];
const HEADER_SIZE: usize = 40;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// A tree has some hundred KiB; vendor boot images carry dozens.
const SIZE_MAX: u64 = 64 << 20;

/// A kernel for a whole family of phones carries some dozens.
const TREES_MAX: u32 = 1024;

/// A tree names a handful of boards.
const PROPERTIES_MAX: usize = 256;

/// Trees are aligned to a page at most.
const PADDING_MAX: usize = 4096;
