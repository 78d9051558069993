//! Whether the tables of a dex file lie as its map says, apart from each other, and define each class once.
//!
//! A phone that runs a file which was verified before does not look at any of it again; a tool that goes by the map, or
//! takes the other of two classes, sees another program.

use std::collections::BTreeSet;

use model::fact::anomaly::Kind;
use model::{Blob, Fault, Reader};

use crate::Reading;

/// Where a table lies and how many entries it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Table {
    name: &'static str,
    count: u32,
    offset: u32,
    width: u32,
}

impl Table {
    /// The first byte and the one behind the last.
    fn range(self) -> (u64, u64) {
        let start = u64::from(self.offset);
        (start, start.saturating_add(u64::from(self.count).saturating_mul(self.width.into())))
    }
}

/// Looks at the file whose header lies at `at`; offsets count from the start of `blob`.
pub(super) fn check(blob: &Blob, at: u64, header_size: u32, out: &mut Reading) {
    if let Err(fault) = try_check(blob, at, header_size, out) {
        let size = u64::from(header_size).min(blob.len().saturating_sub(at));
        out.anomaly(at, size, Kind::LyingField, format!("its tables cannot be read: {fault}"));
    }
}

fn try_check(blob: &Blob, at: u64, header_size: u32, out: &mut Reading) -> Result<(), Fault> {
    let bytes = blob.read_at(at.saturating_add(MAP_OFF), 0x68u64.saturating_sub(MAP_OFF))?;
    let mut header = Reader::at(&bytes, at.saturating_add(MAP_OFF));
    let map_off = header.u32_le("map_off")?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for &(name, width, _) in TABLES {
        let count = header.u32_le(name)?;
        tables.push(Table { name, count, offset: header.u32_le(name)?, width });
    }
    tables.retain(|it| it.count != 0);
    let map = read_map(blob, at, map_off, &tables, out);
    let mut ranges: Vec<(u64, u64, &str)> = vec![(at, at.saturating_add(header_size.into()), "header")];
    for table in tables.iter().copied().chain(map) {
        let (start, end) = table.range();
        ranges.push((start, end, table.name));
    }
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let &[(_, end, one), (start, _, other)] = pair else { continue };
        if start < end {
            let detail = format!("{one} and {other} claim the same bytes");
            let start = start.min(blob.len());
            out.anomaly(start, end.min(blob.len()).saturating_sub(start), Kind::Overlap, detail);
        }
    }
    check_classes(blob, &tables, out)
}

/// Compares the map with the header; gives where it lies.
fn read_map(blob: &Blob, at: u64, map_off: u32, tables: &[Table], out: &mut Reading) -> Option<Table> {
    let mut odd = |detail: String| out.anomaly(at.saturating_add(MAP_OFF), 4, Kind::LyingField, detail);
    let start = u64::from(map_off);
    let count = blob.read_at(start, 4).ok().and_then(|it| Some(u32::from_le_bytes(*it.first_chunk()?)));
    let Some(count) = count.filter(|_| map_off != 0) else {
        odd(format!("map_off {map_off:#x}: no map lies there"));
        return None;
    };
    let items = blob.read_at(start.saturating_add(4), u64::from(count.min(MAP_MAX)).saturating_mul(12));
    let Some(items) = items.ok().filter(|_| count <= MAP_MAX) else {
        odd(format!("map_off {map_off:#x}: a map of {count} entries is none"));
        return None;
    };
    let mut seen: BTreeSet<u16> = BTreeSet::new();
    let mut last = 0;
    for item in items.as_chunks::<12>().0 {
        let &[t0, t1, _, _, c0, c1, c2, c3, o0, o1, o2, o3] = item;
        let ty = u16::from_le_bytes([t0, t1]);
        let (count, offset) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([o0, o1, o2, o3]));
        if !seen.insert(ty) {
            odd(format!("its map names type {ty:#x} twice"));
        }
        if offset < last {
            odd(format!("its map is not in the order of the file: type {ty:#x} at {offset:#x}"));
        }
        last = offset;
        let Some(&(name, _, _)) = TABLES.iter().find(|it| it.2 == ty) else { continue };
        let stated = tables.iter().find(|it| it.name == name).map_or((0, 0), |it| (it.count, it.offset));
        if stated != (count, offset) && !(stated.0 == 0 && count == 0) {
            odd(format!("{name}: {} at {:#x} says the header, {count} at {offset:#x} the map", stated.0, stated.1));
        }
    }
    Some(Table { name: "map", count: count.saturating_mul(12).saturating_add(4), offset: map_off, width: 1 })
}

/// Tells classes that are defined more than once: a phone takes one of them, a tool may take the other.
fn check_classes(blob: &Blob, tables: &[Table], out: &mut Reading) -> Result<(), Fault> {
    let Some(classes) = tables.iter().find(|it| it.name == "class_defs") else { return Ok(()) };
    let (start, end) = classes.range();
    let Ok(bytes) = blob.read_at(start, end.saturating_sub(start)) else { return Ok(()) };
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut told = 0usize;
    let mut at = start;
    for def in bytes.as_chunks::<32>().0 {
        let class = u32::from_le_bytes(*def.first_chunk().unwrap_or(&[0; 4]));
        if !seen.insert(class) && told < TOLD_MAX {
            told = told.saturating_add(1);
            let name = descriptor(blob, tables, class).unwrap_or_else(|| format!("type {class}"));
            out.anomaly(at, 32, Kind::DuplicateName, format!("class {name} is defined twice"));
        }
        at = at.saturating_add(32);
    }
    Ok(())
}

/// The descriptor of a type.
fn descriptor(blob: &Blob, tables: &[Table], ty: u32) -> Option<String> {
    let entry = |name: &str, n: u32| -> Option<u64> {
        let table = tables.iter().find(|it| it.name == name).filter(|it| n < it.count)?;
        let at = table.range().0.saturating_add(u64::from(n).saturating_mul(table.width.into()));
        let bytes = blob.read_at(at, 4).ok()?;
        Some(u32::from_le_bytes(*bytes.first_chunk()?).into())
    };
    let string = entry("type_ids", ty)?;
    let at = entry("string_ids", u32::try_from(string).ok()?)?;
    let bytes = blob.read_up_to(at, DESCRIPTOR_MAX).ok()?;
    // The length stands before the text: up to five bytes, all but the last with the highest bit.
    let length = bytes.iter().take(5).position(|it| *it < 0x80)?;
    let text = bytes.get(length.saturating_add(1)..)?;
    let text = text.split(|it| *it == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Where `map_off` lies in the header; sizes and offsets of the tables follow.
const MAP_OFF: u64 = 0x34;

/// The tables in the order of the header, with the width of an entry and the type in the map.
const TABLES: &[(&str, u32, u16)] = &[
    ("string_ids", 4, 1),
    ("type_ids", 4, 2),
    ("proto_ids", 12, 3),
    ("field_ids", 8, 4),
    ("method_ids", 8, 5),
    ("class_defs", 32, 6),
];

/// The format knows 21 types of items.
const MAP_MAX: u32 = 64;

/// Classes that are told by name: the first few show what is done.
const TOLD_MAX: usize = 8;

/// A longer descriptor is cut.
const DESCRIPTOR_MAX: u64 = 512;
