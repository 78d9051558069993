//! The dynamic section and its symbols; for a kernel module, which has none, the symbol table.

use model::Reader;
use model::fact::elf::Elf;

use crate::Reading;

use super::{File, PT_DYNAMIC, name_at, word};

/// States libraries, imports and exports.
pub fn state(file: &File, module: bool, elf: &mut Elf, out: &mut Reading) {
    let dynamic = Dynamic::of(file);
    let from_sections = || {
        let kind = if module { SHT_SYMTAB } else { SHT_DYNSYM };
        let section = file.sections.iter().find(|it| it.kind == kind)?;
        let names = usize::try_from(section.link).ok().and_then(|it| file.sections.get(it))?;
        Some((file.range(section.offset, section.size), file.range(names.offset, names.size)))
    };
    let (symbols, names) = match &dynamic {
        Some(dynamic) => dynamic.tables(file),
        None => from_sections().unwrap_or_default(),
    };
    if let Some(dynamic) = &dynamic {
        elf.soname = dynamic.soname.map(|it| name_at(names, it));
        elf.needed = dynamic.needed.iter().map(|&it| name_at(names, it)).collect();
    }
    let mut left = NAMES_SIZE_MAX;
    for symbol in symbols.chunks_exact(symbol_size(file.wide)) {
        let Some((name, undefined, local)) = symbol_of(symbol, file.wide) else { break };
        let name = name_at(names, name);
        if name.is_empty() || local {
            continue;
        }
        elf.n_exports = elf.n_exports.saturating_add(u32::from(!undefined));
        let Some(rest) = left.checked_sub(name.len()) else {
            out.gap(format!("symbols: names of more than {NAMES_SIZE_MAX} bytes"));
            break;
        };
        left = rest;
        if undefined { &mut elf.imports } else { &mut elf.exports }.push(name);
    }
    elf.imports.sort();
    elf.imports.dedup();
    // What Java calls is kept first.
    elf.exports.sort_by_cached_key(|it| (!it.starts_with("Java_") && !it.starts_with("JNI_"), it.clone()));
    elf.exports.dedup();
    elf.exports.truncate(EXPORTS_MAX);
    elf.exports.sort();
    if IMPORTS_MAX < elf.imports.len() {
        out.gap(format!("{} imports, of which {IMPORTS_MAX} are kept", elf.imports.len()));
        elf.imports.truncate(IMPORTS_MAX);
    }
}

/// What the dynamic section points to.
#[derive(Debug, Default)]
pub struct Dynamic {
    needed: Vec<u32>,
    soname: Option<u32>,
    names: (u64, u64),
    symbols: u64,
    hash: Option<u64>,
    gnu_hash: Option<u64>,
}

impl Dynamic {
    /// Reads it.
    pub fn of(file: &File) -> Option<Dynamic> {
        let mut entries = Reader::new(file.segment(PT_DYNAMIC)?);
        let mut dynamic = Dynamic { names: (0, u64::MAX), ..Dynamic::default() };
        while let (Ok(tag), Ok(value)) = (word(&mut entries, file.wide), word(&mut entries, file.wide)) {
            let offset = u32::try_from(value).unwrap_or(u32::MAX);
            match tag {
                DT_NULL => break,
                DT_NEEDED if dynamic.needed.len() < NEEDED_MAX => dynamic.needed.push(offset),
                DT_SONAME => dynamic.soname = Some(offset),
                DT_HASH => dynamic.hash = Some(value),
                DT_GNU_HASH | DT_GNU_HASH_32 => dynamic.gnu_hash = Some(value),
                DT_STRTAB => dynamic.names.0 = value,
                DT_STRSZ => dynamic.names.1 = value,
                DT_SYMTAB => dynamic.symbols = value,
                _ => {}
            }
        }
        Some(dynamic)
    }

    /// The symbols and their names.
    pub fn tables<'a>(&self, file: &File<'a>) -> (&'a [u8], &'a [u8]) {
        let names = file.at_address(self.names.0);
        let names = usize::try_from(self.names.1).ok().and_then(|it| names.get(..it)).unwrap_or(names);
        let symbols = file.at_address(self.symbols);
        // The table does not tell its length: the hash tables do; else it ends where the names start.
        let count = self.hash.and_then(|it| n_hashed(file.at_address(it)));
        let count = count.or_else(|| n_gnu_hashed(file.at_address(self.gnu_hash?), file.wide));
        let size = match count {
            Some(count) => count.saturating_mul(symbol_size(file.wide)),
            None => usize::try_from(self.names.0.saturating_sub(self.symbols)).unwrap_or(usize::MAX),
        };
        (symbols.get(..size).unwrap_or(symbols), names)
    }
}

/// `nchain` of `DT_HASH` is the number of symbols.
fn n_hashed(table: &[u8]) -> Option<usize> {
    let mut table = Reader::new(table);
    table.skip(4, "nbucket").ok()?;
    usize::try_from(table.u32_le("nchain").ok()?).ok()
}

/// The end of the chain that starts last.
fn n_gnu_hashed(table: &[u8], wide: bool) -> Option<usize> {
    let mut table = Reader::new(table);
    let mut field = |what| usize::try_from(table.u32_le(what).ok()?).ok();
    let (n_buckets, first, bloom) = (field("nbuckets")?, field("symoffset")?, field("bloom_size")?);
    table.skip(4, "bloom_shift").ok()?;
    table.skip(bloom.checked_mul(if wide { 8 } else { 4 })?, "bloom").ok()?;
    let buckets = table.take(n_buckets.checked_mul(4)?, "buckets").ok()?;
    let (buckets, _) = buckets.as_chunks::<4>();
    // Where nothing is exported, nothing is hashed, and the table tells nothing: linkers then state any `symoffset`.
    let last = usize::try_from(buckets.iter().map(|it| u32::from_le_bytes(*it)).max().filter(|it| *it != 0)?).ok()?;
    let Some(skipped) = last.checked_sub(first) else { return Some(first) };
    table.skip(skipped.checked_mul(4)?, "chain").ok()?;
    let mut count = last;
    loop {
        count = count.checked_add(1)?;
        if table.u32_le("chain").ok()? & 1 != 0 {
            return Some(count);
        }
    }
}

/// Name, whether it is undefined, and whether it is local.
fn symbol_of(symbol: &[u8], wide: bool) -> Option<(u32, bool, bool)> {
    let mut field = Reader::new(symbol);
    let name = field.u32_le("st_name").ok()?;
    if !wide {
        field.skip(8, "st_value").ok()?;
    }
    let info = field.u8("st_info").ok()?;
    field.skip(1, "st_other").ok()?;
    Some((name, field.u16_le("st_shndx").ok()? == 0, info >> 4 == 0))
}

fn symbol_size(wide: bool) -> usize {
    if wide { 24 } else { 16 }
}

const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_STRSZ: u64 = 10;
const DT_SONAME: u64 = 14;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
/// The same where the tag was extended by its sign.
const DT_GNU_HASH_32: u64 = 0xffff_ffff_6fff_fef5;

/// Real files need under a hundred libraries, import under 10,000 symbols, and their names take under 16 MiB.
const NEEDED_MAX: usize = 1024;
const IMPORTS_MAX: usize = 50_000;
const NAMES_SIZE_MAX: usize = 64 << 20;

/// How many exports are kept: `n_exports` tells how many there are.
const EXPORTS_MAX: usize = 2048;
