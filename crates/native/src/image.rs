//! An ELF file as it lies in memory once it is loaded: where its code is, what its pointers and imports are.
//!
//! Android's linker uses program headers and the dynamic section, so these count; sections help where they are.

use formats::elf::{File, name_at, symbols::Dynamic, word};
use model::{Fault, Reader};
use rustc_hash::FxHashMap;

use crate::isa::Isa;

/// A loaded file.
pub struct Image<'a> {
    /// The file.
    pub file: File<'a>,
    /// The machine; for 32-bit ARM its mode without Thumb.
    pub isa: Isa,
    /// Ranges of addresses that hold code, sorted and disjoint.
    pub code: Vec<(u64, u64)>,
    /// How many bytes of it are no stubs to other files.
    pub code_size: u64,
    /// Names of imported symbols.
    pub imports: Vec<String>,
    /// What the linker writes into a cell.
    pub slots: FxHashMap<u64, Slot>,
    /// Functions that the file names.
    pub symbols: Vec<Symbol>,
    /// `DT_PLTGOT`.
    pub got: u64,
    /// What of the relocations was not understood.
    pub gaps: Vec<String>,
    constant: Vec<(u64, u64)>,
}

/// What the linker writes into a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The address of an imported symbol, by its number in `imports`.
    Import(u32),
    /// An address of this file.
    Address(u64),
}

/// A function that the file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Where; for 32-bit ARM with the bit that says Thumb.
    pub at: u64,
    /// `st_size`.
    pub size: u64,
    /// Its name.
    pub name: String,
    /// Whether other files see it.
    pub exported: bool,
}

impl<'a> Image<'a> {
    /// Reads headers, symbols and relocations.
    ///
    /// # Errors
    /// It is no ELF file, or its machine or kind is not one whose code is understood.
    pub fn of(bytes: &'a [u8]) -> Result<Image<'a>, Fault> {
        Reader::new(bytes).expect(b"\x7fELF", "magic")?;
        let file = File::of(bytes)?;
        let isa = match (file.machine, file.wide) {
            (3, false) => Isa::X86,
            (40, false) => Isa::A32,
            (62, true) => Isa::X64,
            (183, true) => Isa::A64,
            (machine, _) => return Err(Fault::Unsupported(format!("code of machine {machine}"))),
        };
        if SEGMENTS_MAX < file.segments.len() {
            return Err(Fault::Limit { what: "number of program headers", bound: SEGMENTS_MAX as u64 });
        }
        if !matches!(file.kind, ET_EXEC | ET_DYN) {
            return Err(Fault::Unsupported("code of object files and kernel modules".to_owned()));
        }
        let mut image = Image {
            code_size: code_of(&file, Want::Functions)
                .iter()
                .fold(0, |sum, it| sum.saturating_add(it.1.saturating_sub(it.0))),
            code: code_of(&file, Want::All),
            constant: constant_of(&file),
            file,
            isa,
            imports: Vec::new(),
            slots: FxHashMap::default(),
            symbols: Vec::new(),
            got: 0,
            gaps: Vec::new(),
        };
        image.link();
        Ok(image)
    }

    /// Whether an address holds code.
    pub fn is_code(&self, address: u64) -> bool {
        self.region(address).is_some()
    }

    /// The range of code around an address.
    pub fn region(&self, address: u64) -> Option<(u64, u64)> {
        let n = self.code.partition_point(|it| it.1 <= address);
        self.code.get(n).filter(|it| it.0 <= address).copied()
    }

    /// The bytes from an address to the end of what is loaded there.
    pub fn bytes(&self, address: u64) -> &'a [u8] {
        self.file.at_address(address)
    }

    /// The offset of an address in the file.
    pub fn offset(&self, address: u64) -> Option<u64> {
        let segments = self.file.segments.iter().filter(|it| it.kind == PT_LOAD);
        segments.into_iter().find_map(|it| {
            let skip = address.checked_sub(it.address).filter(|skip| *skip < it.size)?;
            it.offset.checked_add(skip)
        })
    }

    /// A little-endian number at an address.
    pub fn number(&self, address: u64, size: u8) -> Option<u64> {
        let bytes = self.bytes(address).get(..size.into())?;
        Some(bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    /// A number that stays what it is while the program runs.
    pub fn constant(&self, address: u64, size: u8) -> Option<u64> {
        let fixed = self.constant.iter().any(|(start, end)| *start <= address && address < *end);
        if fixed { self.number(address, size) } else { None }
    }

    /// A pointer of this file, as the linker leaves it.
    pub fn pointer(&self, address: u64) -> Option<u64> {
        match self.slots.get(&address) {
            Some(Slot::Address(value)) => Some(*value),
            Some(Slot::Import(_)) => None,
            None => self.number(address, self.isa.pointer()),
        }
    }

    /// The text at an address: printable, ended by NUL, and outside code.
    pub fn text(&self, address: u64) -> Option<&'a str> {
        let bytes = self.bytes(address);
        let bytes = bytes.get(..TEXT_MAX).unwrap_or(bytes);
        let end = bytes.iter().position(|it| *it == 0)?;
        let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
        text.chars().all(|it| !it.is_control() || matches!(it, '\n' | '\t' | '\r')).then_some(text)
    }

    /// Entry of the program and the functions that the linker calls.
    pub fn entries(&self) -> Vec<u64> {
        let mut entries = Vec::new();
        if self.file.entry != 0 {
            entries.push(self.file.entry);
        }
        let tags = self.tags();
        let value = |tag| tags.get(&tag).copied();
        entries.extend([value(DT_INIT), value(DT_FINI)].into_iter().flatten());
        for (at, size) in [(DT_INIT_ARRAY, DT_INIT_ARRAYSZ), (DT_FINI_ARRAY, DT_FINI_ARRAYSZ)] {
            let (Some(at), Some(size)) = (value(at), value(size)) else { continue };
            let step = u64::from(self.isa.pointer());
            let count = size.checked_div(step).unwrap_or(0).min(ENTRIES_MAX);
            for n in 0..count {
                entries.extend(self.pointer(at.wrapping_add(n.wrapping_mul(step))).filter(|it| *it != 0));
            }
        }
        entries
    }

    fn tags(&self) -> FxHashMap<u64, u64> {
        let mut tags = FxHashMap::default();
        let mut entries = Reader::new(self.file.segment(PT_DYNAMIC).unwrap_or_default());
        while let (Ok(tag), Ok(value)) = (word(&mut entries, self.file.wide), word(&mut entries, self.file.wide)) {
            if tag == 0 {
                break;
            }
            tags.entry(tag).or_insert(value);
        }
        tags
    }

    /// Symbols and relocations.
    fn link(&mut self) {
        let tags = self.tags();
        let value = |tag| tags.get(&tag).copied().unwrap_or(0);
        self.got = value(DT_PLTGOT);
        let mut dynamic = Vec::new();
        if let Some(tables) = Dynamic::of(&self.file).map(|it| it.tables(&self.file)) {
            dynamic = self.add_symbols(tables.0, tables.1, true);
        }
        let table = self.file.sections.iter().find(|it| it.kind == SHT_SYMTAB);
        let names = table.and_then(|it| self.file.sections.get(usize::try_from(it.link).ok()?));
        if let (Some(table), Some(names)) = (table, names) {
            let symbols = self.file.range(table.offset, table.size);
            let names = self.file.range(names.offset, names.size);
            self.add_symbols(symbols, names, false);
        }
        let with_addend = self.file.wide;
        for (at, size, with_addend) in [
            (DT_REL, DT_RELSZ, false),
            (DT_RELA, DT_RELASZ, true),
            (
                DT_JMPREL,
                DT_PLTRELSZ,
                if tags.contains_key(&DT_PLTREL) { value(DT_PLTREL) == DT_RELA } else { with_addend },
            ),
        ] {
            let bytes = self.sized(value(at), value(size));
            self.relocate(bytes, with_addend, &dynamic);
        }
        for (at, size, with_addend) in
            [(DT_ANDROID_REL, DT_ANDROID_RELSZ, false), (DT_ANDROID_RELA, DT_ANDROID_RELASZ, true)]
        {
            let bytes = self.sized(value(at), value(size));
            if !bytes.is_empty() && self.unpack(bytes, with_addend, &dynamic).is_none() {
                self.gaps.push("packed relocations: not understood to their end".to_owned());
            }
        }
    }

    fn sized(&self, address: u64, size: u64) -> &'a [u8] {
        if address == 0 {
            return &[];
        }
        let bytes = self.bytes(address);
        usize::try_from(size).ok().and_then(|it| bytes.get(..it)).unwrap_or(bytes)
    }

    /// Adds functions, and tells what each symbol stands for.
    fn add_symbols(&mut self, symbols: &[u8], names: &[u8], exported: bool) -> Vec<Option<Slot>> {
        let wide = self.file.wide;
        let mut slots = Vec::new();
        for symbol in symbols.chunks_exact(if wide { 24 } else { 16 }).take(SYMBOLS_MAX) {
            let Some((name, value, size, info, section)) = symbol_of(symbol, wide) else { break };
            if section != 0 && info & 15 == STT_FUNC && self.is_code(value & !1) {
                self.symbols.push(Symbol { at: value, size, name: name_at(names, name), exported });
            }
            slots.push(match (section, exported) {
                (0, true) => {
                    self.imports.push(name_at(names, name));
                    Some(Slot::Import(self.imports.len().saturating_sub(1) as u32))
                }
                (0, false) => None,
                _ => Some(Slot::Address(value)),
            });
        }
        slots
    }

    fn relocate(&mut self, bytes: &[u8], with_addend: bool, symbols: &[Option<Slot>]) {
        let wide = self.file.wide;
        let size = if wide { 16 } else { 8 };
        let size = if with_addend { if wide { 24 } else { 12 } } else { size };
        for entry in bytes.chunks_exact(size).take(RELOCATIONS_MAX) {
            let mut entry = Reader::new(entry);
            let (Ok(at), Ok(info)) = (word(&mut entry, wide), word(&mut entry, wide)) else { return };
            let addend = if with_addend { word(&mut entry, wide).ok() } else { None };
            self.apply(at, info, addend, symbols);
        }
    }

    fn apply(&mut self, at: u64, info: u64, addend: Option<u64>, symbols: &[Option<Slot>]) {
        let (symbol, kind) = if self.file.wide { (info >> 32, info & 0xffff_ffff) } else { (info >> 8, info & 0xff) };
        let [absolute, global, jump, relative] = match self.isa {
            Isa::A64 => [257, 1025, 1026, 1027],
            Isa::A32 | Isa::T32 => [2, 21, 22, 23],
            Isa::X86 | Isa::X64 => [1, 6, 7, 8],
        };
        let named = || usize::try_from(symbol).ok().and_then(|it| *symbols.get(it)?);
        let slot = match kind {
            kind if kind == relative => addend.or_else(|| self.number(at, self.isa.pointer())).map(Slot::Address),
            kind if [absolute, global, jump].contains(&kind) => match named() {
                Some(Slot::Address(value)) if kind == absolute => {
                    Some(Slot::Address(value.wrapping_add(addend.unwrap_or(0))))
                }
                slot => slot,
            },
            _ => None,
        };
        if let Some(slot) = slot {
            self.slots.insert(at, slot);
        }
    }

    /// Android's packed relocations (bionic `linker_reloc_iterators.h`): groups of signed LEB128 numbers.
    fn unpack(&mut self, bytes: &[u8], with_addend: bool, symbols: &[Option<Slot>]) -> Option<()> {
        let mut packed = Reader::new(bytes.strip_prefix(b"APS2")?);
        let mut left = sleb(&mut packed)?;
        let mut at = sleb(&mut packed)? as u64;
        if i64::try_from(RELOCATIONS_MAX).ok()? < left {
            return None;
        }
        let mut addend = 0i64;
        while 0 < left {
            let size = sleb(&mut packed)?;
            let flags = sleb(&mut packed)?;
            let delta = if flags & GROUPED_BY_OFFSET_DELTA != 0 { Some(sleb(&mut packed)?) } else { None };
            let info = if flags & GROUPED_BY_INFO != 0 { Some(sleb(&mut packed)?) } else { None };
            let has_addend = with_addend && flags & GROUP_HAS_ADDEND != 0;
            if has_addend && flags & GROUPED_BY_ADDEND != 0 {
                addend = addend.wrapping_add(sleb(&mut packed)?);
            } else if !has_addend {
                addend = 0;
            }
            if size <= 0 || left < size {
                return None;
            }
            for _ in 0..size {
                at = at.wrapping_add_signed(match delta {
                    Some(delta) => delta,
                    None => sleb(&mut packed)?,
                });
                let info = match info {
                    Some(info) => info,
                    None => sleb(&mut packed)?,
                };
                if has_addend && flags & GROUPED_BY_ADDEND == 0 {
                    addend = addend.wrapping_add(sleb(&mut packed)?);
                }
                self.apply(at, info as u64, with_addend.then_some(addend as u64), symbols);
            }
            left = left.wrapping_sub(size);
        }
        Some(())
    }
}

/// Name, value, size, info and section of a symbol.
fn symbol_of(symbol: &[u8], wide: bool) -> Option<(u32, u64, u64, u8, u16)> {
    let mut field = Reader::new(symbol);
    let name = field.u32_le("st_name").ok()?;
    if wide {
        let info = field.u8("st_info").ok()?;
        field.skip(1, "st_other").ok()?;
        let section = field.u16_le("st_shndx").ok()?;
        return Some((name, field.u64_le("st_value").ok()?, field.u64_le("st_size").ok()?, info, section));
    }
    let (value, size) = (field.u32_le("st_value").ok()?, field.u32_le("st_size").ok()?);
    let info = field.u8("st_info").ok()?;
    field.skip(1, "st_other").ok()?;
    Some((name, value.into(), size.into(), info, field.u16_le("st_shndx").ok()?))
}

/// A signed LEB128 number.
fn sleb(reader: &mut Reader) -> Option<i64> {
    let mut value = 0i64;
    for n in 0..10u32 {
        let byte = reader.u8("sleb128").ok()?;
        let shift = n.wrapping_mul(7);
        value |= i64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            let unused = 64u32.saturating_sub(shift.wrapping_add(7));
            return Some(value.wrapping_shl(unused).wrapping_shr(unused));
        }
    }
    None
}

enum Want {
    All,
    /// Without stubs that lead to other files.
    Functions,
}

/// Sections with code; segments with code where there are none.
fn code_of(file: &File, want: Want) -> Vec<(u64, u64)> {
    let is_stubs = |it| file.section_name(it).starts_with(".plt");
    let sections = file.sections.iter().filter(|it| it.kind == SHT_PROGBITS && it.flags & SHF_EXECINSTR != 0);
    let sections = sections.filter(|it| matches!(want, Want::All) || !is_stubs(it));
    let mut code: Vec<_> = sections.map(|it| (it.address, it.address.saturating_add(it.size))).collect();
    // What is not loaded where a section says so is not there.
    code.retain(|it| !file.at_address(it.0).is_empty());
    if code.is_empty() {
        let segments = file.segments.iter().filter(|it| it.kind == PT_LOAD && it.flags & PF_X != 0);
        code = segments.map(|it| (it.address, it.address.saturating_add(it.size))).collect();
    }
    code.sort_unstable();
    let mut reached = 0;
    // No file has more code than bytes, however often it maps them.
    let mut left = file.bytes.len() as u64;
    for (start, end) in &mut code {
        *start = (*start).max(reached);
        let there = (file.at_address(*start).len() as u64).min(left);
        *end = (*end).min(start.saturating_add(there));
        left = left.saturating_sub(end.saturating_sub(*start));
        reached = reached.max(*end);
    }
    code.retain(|(start, end)| start < end);
    code
}

/// What nobody writes: segments without that right, and what the linker locks.
fn constant_of(file: &File) -> Vec<(u64, u64)> {
    let fixed = |kind: u32, flags: u32| kind == PT_LOAD && flags & PF_W == 0 || kind == PT_GNU_RELRO;
    let segments = file.segments.iter().filter(|it| fixed(it.kind, it.flags));
    segments.map(|it| (it.address, it.address.saturating_add(it.size))).collect()
}

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHF_EXECINSTR: u64 = 4;
const STT_FUNC: u8 = 2;
const DT_PLTRELSZ: u64 = 2;
const DT_PLTGOT: u64 = 3;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_INIT: u64 = 12;
const DT_FINI: u64 = 13;
const DT_REL: u64 = 17;
const DT_RELSZ: u64 = 18;
const DT_PLTREL: u64 = 20;
const DT_JMPREL: u64 = 23;
const DT_INIT_ARRAY: u64 = 25;
const DT_FINI_ARRAY: u64 = 26;
const DT_INIT_ARRAYSZ: u64 = 27;
const DT_FINI_ARRAYSZ: u64 = 28;
const DT_ANDROID_REL: u64 = 0x6000_000f;
const DT_ANDROID_RELSZ: u64 = 0x6000_0010;
const DT_ANDROID_RELA: u64 = 0x6000_0011;
const DT_ANDROID_RELASZ: u64 = 0x6000_0012;
const GROUPED_BY_INFO: i64 = 1;
const GROUPED_BY_OFFSET_DELTA: i64 = 2;
const GROUPED_BY_ADDEND: i64 = 4;
const GROUP_HAS_ADDEND: i64 = 8;

/// Real files have under twenty.
const SEGMENTS_MAX: usize = 128;

/// Real files have under 200,000 symbols and a million relocations.
const SYMBOLS_MAX: usize = 1 << 20;
const RELOCATIONS_MAX: usize = 4 << 20;

/// Constructors of a file: some hundred in the largest.
const ENTRIES_MAX: u64 = 1 << 16;

/// Longer texts are no commands, addresses or formats.
const TEXT_MAX: usize = 1 << 10;
