//! Every file that holds bytecode, opened down to its dex files: dex, containers of several (041), CompactDex, VDEX,
//! OAT in ELF, ODEX of Dalvik. What an optimiser rewrote is brought back where the file says how.
//!
//! Invariant: what is read does not end at the first fault: a dex file that lies behind it is found all the same.

use std::sync::Arc;

use model::Fault;
use rustc_hash::FxHashMap;

use crate::Dex;
use crate::dex::u32_at;
use crate::quick::{self, Counts, Edit, Table};

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The dex files, in their order.
    pub dexes: Vec<Contained>,
    /// How many dex files it speaks of that lie elsewhere: those of a VDEX in its APK, those of an ODEX in its VDEX.
    pub n_elsewhere: u32,
    /// What could not be read of it.
    pub faults: Vec<Fault>,
}

/// A dex file in a file.
#[derive(Debug)]
pub struct Contained {
    /// Its code; a view of the whole file, in which [`Dex::start`] says where it lies.
    pub dex: Dex,
    /// Instructions that an optimiser had rewritten and that were brought back.
    pub n_restored: u64,
    /// Instructions of which only the kind is known, see [`Insn::is_unresolved`](crate::Insn::is_unresolved).
    pub n_unresolved: u64,
}

/// Where everything lies.
#[derive(Default)]
struct Layout {
    starts: Vec<usize>,
    n_elsewhere: u32,
    faults: Vec<Fault>,
    /// Where original indices stand, and in which form.
    quick: Quick,
}

#[derive(Default, Clone, Copy)]
enum Quick {
    /// Code as the compiler wrote it.
    #[default]
    Plain,
    /// Quick instructions without a table.
    Lost,
    /// Opcodes of Dalvik.
    Dalvik,
    /// The quickening data of VDEX 006.
    InOrder(usize, usize),
    /// ... of VDEX 010.
    ByOffset(usize, usize),
    /// ... of VDEX 019 and 021; where its table starts stands before each dex file.
    ByMethod(usize, usize),
}

/// Opens a file of any of these formats. A fault where it is none of them, or nothing of it can be read.
pub fn open(bytes: impl Into<Arc<[u8]>>) -> Result<Contents, Fault> {
    let mut bytes: Arc<[u8]> = bytes.into();
    let layout = match bytes.get(..4) {
        Some(b"dex\n" | b"cdex") => dex(&bytes),
        Some(b"vdex") => vdex(&bytes)?,
        Some(b"\x7fELF") => oat(&bytes)?,
        Some(b"dey\n") => dey(&bytes)?,
        _ => return Err(Fault::malformed("magic", 0)),
    };
    let (counts, edits) = restore(&bytes, &layout);
    if !edits.is_empty() {
        let bytes = Arc::make_mut(&mut bytes);
        edits.iter().for_each(|it| it.apply(bytes));
    }
    let Layout { starts, n_elsewhere, mut faults, .. } = layout;
    let mut dexes = Vec::new();
    for (start, counts) in starts.into_iter().zip(counts) {
        if counts.mismatched != 0 {
            faults.push(Fault::malformed("quickening info of a method", to_u64(start)));
        }
        if counts.left != 0 {
            faults.push(Fault::Limit { what: "code units of all methods, for each byte of the file", bound: FUEL });
        }
        match Dex::parse_at(Arc::clone(&bytes), start) {
            Ok(dex) => dexes.push(Contained { dex, n_restored: counts.restored, n_unresolved: counts.unresolved }),
            Err(fault) => faults.push(fault),
        }
    }
    match faults.pop() {
        Some(fault) if dexes.is_empty() => Err(fault),
        fault => {
            faults.extend(fault);
            Ok(Contents { dexes, n_elsewhere, faults })
        }
    }
}

/// What has to be written to bring all code back, and what was found in each dex file.
fn restore(bytes: &Arc<[u8]>, layout: &Layout) -> (Vec<Counts>, Vec<Edit>) {
    let (mut counts, mut edits) = (Vec::new(), Vec::new());
    let mut fuel = to_u64(bytes.len()).saturating_mul(FUEL);
    let range = |from, to| bytes.get(from..to).unwrap_or_default();
    let mut in_order: &[u8] = match layout.quick {
        Quick::InOrder(from, to) => range(from, to),
        _ => &[],
    };
    for (n, &start) in layout.starts.iter().enumerate() {
        let mut table = match layout.quick {
            Quick::Plain => {
                counts.push(Counts::default());
                continue;
            }
            Quick::Lost => Table::Absent,
            Quick::Dalvik => Table::Dalvik,
            Quick::InOrder(..) => Table::InOrder(in_order),
            Quick::ByOffset(from, to) => Table::ByOffset(bodies(range(from, to), n, layout.starts.len(), &mut fuel)),
            Quick::ByMethod(from, to) => match start.checked_sub(4).and_then(|it| u32_at(bytes, it)) {
                Some(offsets) => Table::ByMethod(range(from, to), offsets),
                None => Table::Absent,
            },
        };
        let dex = Dex::parse_at(Arc::clone(bytes), start);
        counts
            .push(dex.map_or_else(|_| Counts::default(), |it| quick::restore(&it, &mut table, &mut fuel, &mut edits)));
        if let Table::InOrder(rest) = table {
            in_order = rest;
        }
    }
    (counts, edits)
}

/// A dex file, or from version 041 on several of which each says where the next begins.
fn dex(bytes: &[u8]) -> Layout {
    let mut layout = Layout { starts: vec![0], ..Layout::default() };
    let is_container = |at: usize| {
        let head = bytes.get(at..).and_then(|it| it.first_chunk::<7>());
        head.is_some_and(|it| it.starts_with(b"dex\n") && b"dex\n041" <= it)
    };
    if !is_container(0) {
        return layout;
    }
    let end = u32_at(bytes, 0x70).and_then(|it| usize::try_from(it).ok()).unwrap_or(0).min(bytes.len());
    let mut at = 0usize;
    while let Some(size) = u32_at(bytes, at.saturating_add(0x20)).and_then(|it| usize::try_from(it).ok()) {
        at = at.saturating_add(size);
        if end <= at {
            break;
        }
        let fault = match () {
            () if size < V41_HEADER => Fault::malformed("file_size", to_u64(at.saturating_sub(size))),
            () if DEX_MAX <= layout.starts.len() => Fault::Limit { what: "dex files", bound: to_u64(DEX_MAX) },
            () if !is_container(at) => Fault::malformed("magic", to_u64(at)),
            () => {
                layout.starts.push(at);
                continue;
            }
        };
        layout.faults.push(fault);
        break;
    }
    layout
}

/// VDEX (AOSP runtime/vdex_file.h): before Android 9 one header, then a header for the dex section, from Android 12 on
/// sections.
fn vdex(bytes: &[u8]) -> Result<Layout, Fault> {
    let word = |at: usize, what: &'static str| {
        let value = u32_at(bytes, at).and_then(|it| usize::try_from(it).ok());
        value.ok_or(Fault::malformed(what, to_u64(at)))
    };
    let version = bytes.get(4..8).unwrap_or_default();
    match version {
        b"003\0" | b"006\0" | b"010\0" | b"011\0" => {
            let n_dex = word(8, "number_of_dex_files")?;
            let (size, deps) = (word(12, "dex_size")?, word(16, "verifier_deps_size")?);
            let quick = word(20, "quickening_info_size")?;
            let start = n_dex.saturating_mul(4).saturating_add(24);
            if size == 0 {
                return Ok(elsewhere(n_dex));
            }
            let end = start.saturating_add(size);
            let (from, to) = range_of(bytes, end.saturating_add(deps), quick);
            let mut layout = section(bytes, start, end, n_dex, 0);
            layout.quick = match version {
                _ if quick == 0 => Quick::Lost,
                b"003\0" | b"006\0" => Quick::InOrder(from, to),
                _ => Quick::ByOffset(from, to),
            };
            Ok(layout)
        }
        b"019\0" | b"021\0" => {
            let n_dex = word(12, "number_of_dex_files")?;
            let deps = word(16, "verifier_deps_size")?;
            let header = if version == b"019\0" { 20 } else { 28usize };
            let at = n_dex.saturating_mul(4).saturating_add(header);
            if bytes.get(8..12) == Some(b"000\0") {
                return Ok(elsewhere(n_dex));
            }
            let (size, shared) = (word(at, "dex_size")?, word(at.saturating_add(4), "dex_shared_data_size")?);
            let quick = word(at.saturating_add(8), "quickening_info_size")?;
            let start = at.saturating_add(12);
            let end = start.saturating_add(size);
            let (from, to) = range_of(bytes, end.saturating_add(shared).saturating_add(deps), quick);
            let mut layout = section(bytes, start, end, n_dex, 4);
            layout.quick = if quick == 0 { Quick::Lost } else { Quick::ByMethod(from, to) };
            Ok(layout)
        }
        b"027\0" => {
            let (mut n_dex, mut dex) = (0, None);
            for n in 0..word(8, "number_of_sections")?.min(SECTIONS_MAX) {
                let at = n.saturating_mul(12).saturating_add(12);
                let (offset, size) =
                    (word(at.saturating_add(4), "section_offset")?, word(at.saturating_add(8), "section_size")?);
                match word(at, "section_kind")? {
                    0 => n_dex = size / 4,
                    1 if size != 0 => dex = Some((offset, offset.saturating_add(size))),
                    _ => {}
                }
            }
            Ok(match dex {
                Some((start, end)) => section(bytes, start, end, n_dex, 0),
                None => elsewhere(n_dex),
            })
        }
        _ => {
            let mut layout = scan(bytes, 8);
            let text = String::from_utf8_lossy(version.get(..3).unwrap_or_default()).escape_debug().to_string();
            layout.faults.push(Fault::Unsupported(format!("VDEX version {text}: dex files were looked for")));
            layout.quick = Quick::Lost;
            Ok(layout)
        }
    }
}

/// The dex files of a section, which follow each other; `gap` bytes stand before each.
fn section(bytes: &[u8], start: usize, end: usize, n_dex: usize, gap: usize) -> Layout {
    let mut layout = Layout::default();
    let mut at = start;
    for _ in 0..n_dex {
        at = at.checked_next_multiple_of(4).unwrap_or(usize::MAX).saturating_add(gap);
        let size = u32_at(bytes, at.saturating_add(0x20)).and_then(|it| usize::try_from(it).ok());
        let fault = match size {
            _ if DEX_MAX <= layout.starts.len() => Fault::Limit { what: "dex files", bound: to_u64(DEX_MAX) },
            Some(size) if is_dex(bytes, at) && HEADER <= size && at < end => {
                layout.starts.push(at);
                at = at.saturating_add(size);
                continue;
            }
            _ => Fault::malformed("dex file in the dex section", to_u64(at)),
        };
        layout.faults.push(fault);
        break;
    }
    layout
}

/// OAT in ELF (AOSP runtime/oat.h, oat_file.cc). Since Android 8 the dex files lie in a VDEX file beside it.
fn oat(bytes: &[u8]) -> Result<Layout, Fault> {
    let is_oat = |at: usize| {
        let head = bytes.get(at..).and_then(|it| it.first_chunk::<8>());
        matches!(head, Some([b'o', b'a', b't', b'\n', a, b, c, 0]) if [a, b, c].iter().all(|it| it.is_ascii_digit()))
    };
    // `oatdata` is the start of `.rodata`, which begins a page.
    let at = (0..bytes.len()).step_by(PAGE).find(|&at| is_oat(at)).ok_or(Fault::malformed("oatdata", 0))?;
    let data = bytes.get(at..).unwrap_or_default();
    let version = data.get(4..7).unwrap_or_default();
    let n_dex = u32_at(data, 20).ok_or(Fault::malformed("dex_file_count", to_u64(at)))?;
    if version >= OAT_WITH_VDEX {
        return Ok(Layout { n_elsewhere: n_dex, ..Layout::default() });
    }
    let mut layout = Layout::default();
    match oat_dexes(data, version, n_dex) {
        Some(starts) => layout.starts = starts.into_iter().map(|it| at.saturating_add(it)).collect(),
        None => {
            layout = scan(bytes, at);
            layout.faults.push(Fault::malformed("OatDexFile; dex files were looked for", to_u64(at)));
        }
    }
    layout.quick = Quick::Lost;
    Ok(layout)
}

/// Where the dex files lie in `oatdata`: behind the header and its pairs of text stands for each its location,
/// checksum and offset.
fn oat_dexes(data: &[u8], version: &[u8], n_dex: u32) -> Option<Vec<usize>> {
    let word = |at: usize| u32_at(data, at).and_then(|it| usize::try_from(it).ok());
    let header = if version <= OAT_WITH_PORTABLE { 84 } else { 72usize };
    let mut at = header.checked_add(word(header.checked_sub(4)?)?)?;
    let mut starts = Vec::new();
    for _ in 0..n_dex {
        at = at.checked_add(4)?.checked_add(word(at)?)?;
        let start = word(at.checked_add(4)?)?;
        if !is_dex(data, start) || DEX_MAX <= starts.len() {
            return None;
        }
        starts.push(start);
        // Up to Android 6 an offset for each class follows, then where these stand and where a table of names does.
        let behind = if version <= OAT_WITH_CLASSES { word(start.checked_add(0x60)?)?.checked_mul(4)? } else { 8 };
        at = at.checked_add(8)?.checked_add(behind)?;
    }
    Some(starts)
}

/// ODEX of Dalvik (AOSP dalvik/libdex/DexFile.h, `DexOptHeader`).
fn dey(bytes: &[u8]) -> Result<Layout, Fault> {
    let start = u32_at(bytes, 8).and_then(|it| usize::try_from(it).ok()).ok_or(Fault::malformed("dexOffset", 8))?;
    Ok(Layout { starts: vec![start], quick: Quick::Dalvik, ..Layout::default() })
}

/// Dex files wherever they lie.
fn scan(bytes: &[u8], from: usize) -> Layout {
    let mut layout = Layout::default();
    let mut at = from.checked_next_multiple_of(4).unwrap_or(usize::MAX);
    while at < bytes.len() && layout.starts.len() < DEX_MAX {
        let size = u32_at(bytes, at.saturating_add(0x20)).and_then(|it| usize::try_from(it).ok()).unwrap_or(0);
        let fits = HEADER <= size && at.saturating_add(size) <= bytes.len();
        if fits && is_dex(bytes, at) && u32_at(bytes, at.saturating_add(0x28)) == Some(ENDIAN_CONSTANT) {
            layout.starts.push(at);
            at = at.saturating_add(size).checked_next_multiple_of(4).unwrap_or(usize::MAX);
        } else {
            at = at.saturating_add(4);
        }
    }
    layout
}

/// The quickening data of VDEX 010 for the n-th dex file: behind the data pairs of body and place in the data, and
/// where those of each dex file start, as the last of all. `fuel` counts pairs.
fn bodies<'a>(data: &'a [u8], n: usize, n_dex: usize, fuel: &mut u64) -> FxHashMap<u32, &'a [u8]> {
    let mut read = || {
        let list = data.len().checked_sub(n_dex.checked_mul(4)?)?;
        let start_of = |n: usize| -> Option<usize> {
            match n.checked_mul(4) {
                Some(offset) if n < n_dex => usize::try_from(u32_at(data, list.checked_add(offset)?)?).ok(),
                _ => Some(list),
            }
        };
        let pairs = data.get(start_of(n)?..start_of(n.checked_add(1)?)?)?;
        let mut bodies = FxHashMap::default();
        *fuel = fuel.checked_sub(to_u64(pairs.len() / 8))?;
        for pair in pairs.as_chunks::<8>().0 {
            let (code_off, at) = (u32_at(pair, 0)?, usize::try_from(u32_at(pair, 4)?).ok()?);
            let body = data.get(at..).and_then(|it| {
                let len = usize::try_from(u32_at(it, 0)?).ok()?;
                it.get(4..)?.get(..len)
            });
            bodies.extend(body.map(|it| (code_off, it)));
        }
        Some(bodies)
    };
    read().unwrap_or_default()
}

fn is_dex(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..).and_then(|it| it.first_chunk()), Some(b"dex\n" | b"cdex"))
}

/// A range, as much of it as there is.
fn range_of(bytes: &[u8], start: usize, len: usize) -> (usize, usize) {
    let start = start.min(bytes.len());
    (start, start.saturating_add(len).min(bytes.len()))
}

/// No dex file here; so many lie in another file.
fn elsewhere(n_dex: usize) -> Layout {
    Layout { n_elsewhere: u32::try_from(n_dex).unwrap_or(u32::MAX), ..Layout::default() }
}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Code units that are looked at for each byte of the file: bodies that do not overlap have half a unit a byte.
const FUEL: u64 = 2;

/// Real files hold a few dozen.
const DEX_MAX: usize = 4096;

/// Android 12 to 15 know four kinds.
const SECTIONS_MAX: usize = 16;

const PAGE: usize = 0x1000;
const HEADER: usize = 0x70;
const V41_HEADER: usize = 0x78;
const ENDIAN_CONSTANT: u32 = 0x1234_5678;

/// OAT version of Android 5.1: the header still has trampolines of the portable compiler.
const OAT_WITH_PORTABLE: &[u8] = b"045";

/// ... of Android 6.
const OAT_WITH_CLASSES: &[u8] = b"064";

/// ... of Android 8.
const OAT_WITH_VDEX: &[u8] = b"124";
