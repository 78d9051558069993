//! One dex file, read in place: tables by index, class data and code by offset.
//!
//! A dex file may lie anywhere in the bytes of a larger file, and its data may lie behind it: CompactDex files of a
//! VDEX share one data section, the dex files of a container (version 041) share all of it.
//!
//! Invariant: no index or offset of the file is followed without a check; what does not fit is `None`.

use std::sync::Arc;

use model::Fault;

/// A dex file (versions 035 to 041) or a CompactDex file, a view of the bytes in which it lies.
#[derive(Debug, Clone)]
pub struct Dex {
    bytes: Arc<[u8]>,
    /// Where its header lies.
    start: usize,
    /// What offsets of data count from.
    data: usize,
    form: Form,
    file_size: u32,
    strings: Table,
    types: Table,
    protos: Table,
    fields: Table,
    methods: Table,
    class_defs: Table,
}

/// How code is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Standard,
    Compact,
}

/// A table of the header: how many entries, and where in the bytes.
#[derive(Debug, Clone, Copy)]
struct Table {
    size: u32,
    at: usize,
}

/// An entry of `class_defs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassDef {
    /// `class_idx`, an index into the types.
    pub class_idx: u32,
    /// `access_flags`.
    pub access_flags: u32,
    /// `superclass_idx`, or [`Dex::NO_INDEX`].
    pub superclass_idx: u32,
    /// `interfaces_off`, 0 where there are none.
    pub interfaces_off: u32,
    /// `source_file_idx`, an index into the strings, or [`Dex::NO_INDEX`].
    pub source_file_idx: u32,
    /// `annotations_off`.
    pub annotations_off: u32,
    /// `class_data_off`, 0 for a class without members.
    pub class_data_off: u32,
    /// `static_values_off`.
    pub static_values_off: u32,
}

/// A field or method of a class: `encoded_field`, `encoded_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Index into the fields or methods of the dex.
    pub idx: u32,
    /// `access_flags`.
    pub access_flags: u32,
    /// `code_off`, 0 for fields and for methods without code.
    pub code_off: u32,
}

/// `class_data_item`.
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// Static fields.
    pub static_fields: Vec<Member>,
    /// Instance fields.
    pub instance_fields: Vec<Member>,
    /// Static methods, private methods, constructors.
    pub direct_methods: Vec<Member>,
    /// All others.
    pub virtual_methods: Vec<Member>,
    /// Whether the list ended before its stated end.
    pub truncated: bool,
}

/// The body of a method.
#[derive(Debug, Clone, Copy)]
pub struct CodeItem<'a> {
    /// `registers_size`.
    pub registers_size: u16,
    /// `ins_size`: the last so many registers hold the arguments.
    pub ins_size: u16,
    /// Where the instructions start in the bytes that hold the dex file.
    pub insns_off: usize,
    /// The instructions, two bytes to a code unit.
    pub insns: &'a [u8],
    /// `tries_size`.
    pub tries_size: u16,
    /// `debug_info_off`, 0 where there is none; CompactDex files keep it elsewhere, and it is not read.
    pub debug_info_off: u32,
    /// What follows the instructions: tries and handlers.
    tries: &'a [u8],
}

/// A covered range of instructions and its handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// First covered code unit.
    pub start: u32,
    /// The code unit behind the last covered one.
    pub end: u32,
    /// In the order in which they are tried.
    pub handlers: Vec<Handler>,
}

/// Where an exception is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handler {
    /// The caught type; none catches all.
    pub type_idx: Option<u32>,
    /// Code unit of the handler.
    pub addr: u32,
}

/// Access flags that matter here.
pub mod access {
    /// `protected`.
    pub const PROTECTED: u32 = 0x4;
    /// `static`.
    pub const STATIC: u32 = 0x8;
    /// `public`.
    pub const PUBLIC: u32 = 1;
    /// `final`.
    pub const FINAL: u32 = 0x10;
    /// `native`.
    pub const NATIVE: u32 = 0x100;
    /// `interface`.
    pub const INTERFACE: u32 = 0x200;
    /// `abstract`.
    pub const ABSTRACT: u32 = 0x400;
    /// A constructor or class initialiser.
    pub const CONSTRUCTOR: u32 = 0x1_0000;
}

impl Dex {
    /// The index that stands for none.
    pub const NO_INDEX: u32 = u32::MAX;

    /// Reads the header of a dex file and checks that its tables lie in it.
    pub fn parse(bytes: Arc<[u8]>) -> Result<Dex, Fault> {
        Dex::parse_at(bytes, 0)
    }

    /// Reads the header of the dex or CompactDex file that starts at `start` of a larger file.
    ///
    /// Tables count from the header; in a container (version 041) from its start, which the header names. Data counts
    /// from the same place; in a CompactDex file from `data_off`. Checksums and the map are not looked at.
    pub fn parse_at(bytes: Arc<[u8]>, start: usize) -> Result<Dex, Fault> {
        let place = u64::try_from(start).unwrap_or(u64::MAX);
        let header = bytes.get(start..).unwrap_or_default();
        let form = match header.first_chunk() {
            Some(b"dex\n") => Form::Standard,
            Some(b"cdex") => Form::Compact,
            _ => return Err(Fault::malformed("magic", place)),
        };
        let field = |at: usize, what: &'static str| {
            u32_at(header, at).ok_or(Fault::malformed(what, place.saturating_add(u64::try_from(at).unwrap_or(0))))
        };
        let file_size = field(0x20, "file_size")?;
        let is_container =
            form == Form::Standard && matches!(header.get(4..7), Some(version) if b"041".as_slice() <= version);
        let (mut base, mut data) = (start, start);
        if is_container {
            let header_offset = usize::try_from(field(0x74, "header_offset")?).unwrap_or(usize::MAX);
            base = start.checked_sub(header_offset).ok_or(Fault::malformed("header_offset", place))?;
            data = base;
        }
        if form == Form::Compact {
            data = start.saturating_add(usize::try_from(field(0x6c, "data_off")?).unwrap_or(usize::MAX));
        }
        let table = |at: usize, width: u64, what: &'static str| -> Result<Table, Fault> {
            let size = field(at, what)?;
            let off = field(at.saturating_add(4), what)?;
            let at = base.saturating_add(usize::try_from(off).unwrap_or(usize::MAX));
            let end = u64::from(size).saturating_mul(width).saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            if size != 0 && u64::try_from(bytes.len()).unwrap_or(u64::MAX) < end {
                return Err(Fault::malformed(what, place));
            }
            Ok(Table { size, at })
        };
        Ok(Dex {
            strings: table(0x38, 4, "string_ids_size")?,
            types: table(0x40, 4, "type_ids_size")?,
            protos: table(0x48, 12, "proto_ids_size")?,
            fields: table(0x50, 8, "field_ids_size")?,
            methods: table(0x58, 8, "method_ids_size")?,
            class_defs: table(0x60, 32, "class_defs_size")?,
            start,
            data,
            form,
            file_size,
            bytes,
        })
    }

    /// The bytes in which it lies: its file, or the file that holds it.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Where its header starts in [`Dex::bytes`].
    pub fn start(&self) -> usize {
        self.start
    }

    /// `file_size`: with [`Dex::start`] the range of the file, without shared data. Not checked.
    pub fn file_size(&self) -> u32 {
        self.file_size
    }

    /// Whether it is a CompactDex file.
    pub fn is_compact(&self) -> bool {
        self.form == Form::Compact
    }

    /// `checksum` and `signature`, which name the content of the file that a compiler wrote.
    pub fn identity(&self) -> Option<&[u8; 24]> {
        self.bytes.get(self.start.checked_add(8)?..)?.first_chunk()
    }

    /// What lies from an offset of data on.
    fn data_at(&self, off: u32) -> Option<&[u8]> {
        self.bytes.get(self.data.checked_add(usize::try_from(off).ok()?)?..)
    }

    /// The same; none where the offset says that there is nothing.
    pub(crate) fn data_from(&self, off: u32) -> Option<&[u8]> {
        self.data_at(off).filter(|_| off != 0)
    }

    /// How many strings, types, protos, fields and methods it names.
    pub fn n_strings(&self) -> u32 {
        self.strings.size
    }

    /// `type_ids_size`.
    pub fn n_types(&self) -> u32 {
        self.types.size
    }

    /// `proto_ids_size`.
    pub fn n_protos(&self) -> u32 {
        self.protos.size
    }

    /// `field_ids_size`.
    pub fn n_fields(&self) -> u32 {
        self.fields.size
    }

    /// `method_ids_size`.
    pub fn n_methods(&self) -> u32 {
        self.methods.size
    }

    /// A string as it stands in the file (MUTF-8, without the NUL).
    pub fn string(&self, idx: u32) -> Option<&[u8]> {
        self.string_up_to(idx, usize::MAX)
    }

    /// A string that is no longer than that.
    pub(crate) fn string_within(&self, idx: u32, len_max: usize) -> Option<&[u8]> {
        self.string_up_to(idx, len_max.saturating_add(1)).filter(|it| it.len() <= len_max)
    }

    /// A string, of a longer one so much.
    pub(crate) fn string_up_to(&self, idx: u32, len: usize) -> Option<&[u8]> {
        let off = u32_at(&self.bytes, self.strings.at(idx, 4)?)?;
        let data = self.data_at(off)?;
        let (_, used) = uleb128(data)?;
        let text = data.get(used..)?;
        let some = text.get(..len.min(text.len()))?;
        match some.iter().position(|&byte| byte == 0) {
            Some(end) => some.get(..end),
            // Where the file ends before the string there is none.
            None => Some(some).filter(|it| it.len() < text.len()),
        }
    }

    /// The string that names a type.
    pub fn type_string(&self, idx: u32) -> Option<u32> {
        u32_at(&self.bytes, self.types.at(idx, 4)?)
    }

    /// The descriptor of a type, `Ljava/lang/String;`.
    pub fn descriptor(&self, idx: u32) -> Option<&[u8]> {
        self.string(self.type_string(idx)?)
    }

    /// Return type and parameter types.
    pub fn proto(&self, idx: u32) -> Option<(u32, Vec<u32>)> {
        let at = self.protos.at(idx, 12)?;
        let return_type = u32_at(&self.bytes, at.checked_add(4)?)?;
        let parameters = self.types_at(u32_at(&self.bytes, at.checked_add(8)?)?, PARAMETERS_MAX);
        Some((return_type, parameters))
    }

    /// Class, type and name (a string) of a field.
    pub fn field(&self, idx: u32) -> Option<(u32, u32, u32)> {
        let at = self.fields.at(idx, 8)?;
        self.triple(at)
    }

    /// Class, proto and name (a string) of a method.
    pub fn method(&self, idx: u32) -> Option<(u32, u32, u32)> {
        let at = self.methods.at(idx, 8)?;
        self.triple(at)
    }

    /// The classes that are defined here.
    pub fn class_defs(&self) -> impl Iterator<Item = ClassDef> + '_ {
        (0..self.class_defs.size).filter_map(|n| self.class_def(n))
    }

    /// The class definition with that number.
    pub fn class_def(&self, n: u32) -> Option<ClassDef> {
        let at = self.class_defs.at(n, 32)?;
        let field = |k: usize| u32_at(&self.bytes, at.checked_add(k)?);
        Some(ClassDef {
            class_idx: field(0)?,
            access_flags: field(4)?,
            superclass_idx: field(8)?,
            interfaces_off: field(12)?,
            source_file_idx: field(16)?,
            annotations_off: field(20)?,
            class_data_off: field(24)?,
            static_values_off: field(28)?,
        })
    }

    /// The types of a `type_list`; of one that does not fit, those that do.
    pub fn type_list(&self, off: u32) -> Vec<u32> {
        self.types_at(off, usize::MAX)
    }

    fn types_at(&self, off: u32, most: usize) -> Vec<u32> {
        let list = if off == 0 { None } else { self.data_at(off) };
        let Some((size, items)) = list.and_then(|it| Some((u32_at(it, 0)?, it.get(4..)?))) else {
            return Vec::new();
        };
        let len = usize::try_from(size).unwrap_or(usize::MAX).min(most).saturating_mul(2).min(items.len());
        items
            .get(..len)
            .unwrap_or_default()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|it| u16::from_le_bytes(*it).into())
            .collect()
    }

    /// The members of a class.
    pub fn members(&self, class: &ClassDef) -> Members {
        let mut members = Members::default();
        if class.class_data_off == 0 {
            return members;
        }
        let mut leb = Leb { bytes: self.data_at(class.class_data_off).unwrap_or_default() };
        if read_members(&mut leb, &mut members).is_none() {
            members.truncated = true;
        }
        members
    }

    /// The body at `code_off`.
    pub fn code(&self, code_off: u32) -> Option<CodeItem<'_>> {
        if code_off == 0 {
            return None;
        }
        let at = self.data.checked_add(usize::try_from(code_off).ok()?)?;
        match self.form {
            Form::Standard => self.standard_code(at),
            Form::Compact => self.compact_code(at),
        }
    }

    fn standard_code(&self, at: usize) -> Option<CodeItem<'_>> {
        let item = self.bytes.get(at..)?;
        let insns_size = usize::try_from(u32_at(item, 12)?).ok()?;
        let size = insns_size.checked_mul(2)?;
        let insns = item.get(16..)?.get(..size)?;
        // The tries are aligned to four bytes.
        let behind = 16usize.checked_add(size)?;
        let padded = if insns_size % 2 == 1 { behind.checked_add(2)? } else { behind };
        Some(CodeItem {
            registers_size: u16_at(item, 0)?,
            ins_size: u16_at(item, 2)?,
            insns_off: at.checked_add(16)?,
            insns,
            tries_size: u16_at(item, 6)?,
            debug_info_off: u32_at(item, 8)?,
            tries: item.get(padded..).unwrap_or_default(),
        })
    }

    /// Two code units hold four sizes of four bits, a length of eleven and five flags; a flag says that a size goes on
    /// in front of the item, in the order below (AOSP compact_dex_file.h, `CodeItem`).
    fn compact_code(&self, at: usize) -> Option<CodeItem<'_>> {
        let item = self.bytes.get(at..)?;
        let (fields, flags) = (u16_at(item, 0)?, u16_at(item, 2)?);
        let mut before = at;
        let mut more = |flag: u16| -> Option<u16> {
            if flags & flag == 0 {
                return Some(0);
            }
            before = before.checked_sub(2)?;
            u16_at(&self.bytes, before)
        };
        let (low, high) = (more(0x10)?, more(0x10)?);
        let (registers, ins, _outs, tries) = (more(0x1)?, more(0x2)?, more(0x4)?, more(0x8)?);
        let insns_size = u32::from(flags >> 5).checked_add(u32::from(low) | u32::from(high) << 16)?;
        let ins_size = (fields >> 8 & 0xf).checked_add(ins)?;
        let tries_size = (fields & 0xf).checked_add(tries)?;
        let size = usize::try_from(insns_size).ok()?.checked_mul(2)?;
        let insns_off = at.checked_add(4)?;
        // Items are aligned to two bytes, tries to four where the file lies in memory.
        let behind = insns_off.checked_add(size)?;
        let padded = behind.checked_next_multiple_of(4)?;
        Some(CodeItem {
            registers_size: (fields >> 12).checked_add(registers)?.checked_add(ins_size)?,
            ins_size,
            insns_off,
            insns: self.bytes.get(insns_off..behind)?,
            tries_size,
            debug_info_off: 0,
            tries: self.bytes.get(padded..).unwrap_or_default(),
        })
    }

    fn triple(&self, at: usize) -> Option<(u32, u32, u32)> {
        let class = u16_at(&self.bytes, at)?;
        let second = u16_at(&self.bytes, at.checked_add(2)?)?;
        Some((class.into(), second.into(), u32_at(&self.bytes, at.checked_add(4)?)?))
    }
}

impl Members {
    /// How many fields and methods.
    pub fn len(&self) -> u64 {
        let lists = [&self.static_fields, &self.instance_fields, &self.direct_methods, &self.virtual_methods];
        lists.iter().fold(0, |sum, it| u64::try_from(it.len()).unwrap_or(u64::MAX).saturating_add(sum))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl CodeItem<'_> {
    /// Handlers of all ranges of a method: more than any that a compiler writes.
    pub const HANDLERS_MAX: usize = 1 << 16;

    /// The covered ranges; of lists that do not fit, those that do. Ranges may share a list: at most
    /// [`CodeItem::HANDLERS_MAX`] handlers are listed.
    pub fn tries(&self) -> Vec<Try> {
        let n_tries = usize::from(self.tries_size);
        let handlers = self.tries.get(n_tries.saturating_mul(8)..).unwrap_or_default();
        let (mut tries, mut n_handlers) = (Vec::new(), 0usize);
        for n in 0..n_tries {
            if CodeItem::HANDLERS_MAX <= n_handlers {
                break;
            }
            let Some(item) = self.tries.get(n.saturating_mul(8)..) else { break };
            let (Some(start), Some(count), Some(off)) = (u32_at(item, 0), u16_at(item, 4), u16_at(item, 6)) else {
                break;
            };
            let list = handlers.get(usize::from(off)..).unwrap_or_default();
            let Some(handlers) = read_handlers(list) else { continue };
            n_handlers = n_handlers.saturating_add(handlers.len());
            tries.push(Try { start, end: start.saturating_add(count.into()), handlers });
        }
        tries
    }
}

fn read_handlers(bytes: &[u8]) -> Option<Vec<Handler>> {
    let mut leb = Leb { bytes };
    let size = leb.signed()?;
    let mut handlers = Vec::new();
    for _ in 0..size.unsigned_abs().min(HANDLERS_MAX) {
        handlers.push(Handler { type_idx: Some(leb.next()?), addr: leb.next()? });
    }
    if size <= 0 {
        handlers.push(Handler { type_idx: None, addr: leb.next()? });
    }
    Some(handlers)
}

fn read_members(leb: &mut Leb, members: &mut Members) -> Option<()> {
    let counts = [leb.next()?, leb.next()?, leb.next()?, leb.next()?];
    for (n, count) in counts.into_iter().enumerate() {
        let mut idx = 0u32;
        for _ in 0..count {
            idx = idx.wrapping_add(leb.next()?);
            let access_flags = leb.next()?;
            let code_off = if 2 <= n { leb.next()? } else { 0 };
            let member = Member { idx, access_flags, code_off };
            match n {
                0 => members.static_fields.push(member),
                1 => members.instance_fields.push(member),
                2 => members.direct_methods.push(member),
                _ => members.virtual_methods.push(member),
            }
        }
    }
    Some(())
}

impl Table {
    fn at(self, idx: u32, width: u32) -> Option<usize> {
        let inside = idx < self.size;
        let offset = usize::try_from(u64::from(idx).checked_mul(width.into())?).ok()?;
        if inside { self.at.checked_add(offset) } else { None }
    }
}

/// Numbers in a row.
pub(crate) struct Leb<'a> {
    pub(crate) bytes: &'a [u8],
}

impl Leb<'_> {
    pub(crate) fn next(&mut self) -> Option<u32> {
        let (value, used) = uleb128(self.bytes)?;
        self.bytes = self.bytes.get(used..)?;
        Some(value)
    }

    pub(crate) fn signed(&mut self) -> Option<i32> {
        let (mut value, mut shift) = (0i64, 0u32);
        for n in 0..5 {
            let byte = *self.bytes.get(n)?;
            value |= i64::from(byte & 0x7f) << shift;
            shift = shift.saturating_add(7);
            if byte & 0x80 == 0 {
                if byte & 0x40 != 0 {
                    value |= -1i64 << shift;
                }
                self.bytes = self.bytes.get(n.saturating_add(1)..)?;
                return i32::try_from(value).ok();
            }
        }
        None
    }
}

/// A number of at most five bytes, and how many it took.
pub(crate) fn uleb128(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0u32;
    for n in 0..5usize {
        let byte = *bytes.get(n)?;
        let shift = u32::try_from(n).ok()?.saturating_mul(7);
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value, n.saturating_add(1)));
        }
    }
    None
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|it| u16::from_le_bytes(*it))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|it| u32::from_le_bytes(*it))
}

/// A method takes at most 255 registers (Java virtual machine specification, 4.3.3).
const PARAMETERS_MAX: usize = 255;

/// More catch clauses on one range than any compiler writes.
const HANDLERS_MAX: u32 = 1024;
