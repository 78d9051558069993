//! Compiled resources (`resources.arsc`): the default value of a resource, without reading more of the table than that
//! takes.
//!
//! Source: AOSP `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h` and `LoadedArsc.cpp`.

use std::cell::{Cell, OnceCell};

use model::fact::anomaly::Kind;
use model::{Blob, Fault, Reader};

use super::Oddities;
use super::axml::{Value, reference_text};
use super::string_pool::StringPool;

/// A table. Types and strings are read when they are asked for.
#[derive(Debug)]
pub struct Table {
    /// What is malformed and read by a phone all the same.
    pub oddities: Oddities,
    /// Why the rest of the table could not be read.
    pub fault: Option<Fault>,
    blob: Blob,
    strings: Option<StringPool>,
    types: Vec<TypeChunk>,
    packages: Vec<Package>,
    /// How many chunks of types may still be looked at.
    left: Cell<u64>,
}

/// `ResTable_package`: where the names of its types and resources are.
#[derive(Debug)]
struct Package {
    id: u8,
    types_at: u64,
    keys_at: u64,
    end: u64,
    /// Types and keys, read when a name is asked for; none where they are broken.
    pools: OnceCell<Option<(StringPool, StringPool)>>,
}

/// `ResTable_type`: the values of one type in one configuration.
#[derive(Debug)]
struct TypeChunk {
    package: u8,
    id: u8,
    offset: u64,
    size: u64,
    header_size: u64,
    flags: u8,
    entry_count: u32,
    entries_start: u32,
    rank: Rank,
}

/// How well a configuration fits a phone of which nothing is known: the better one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// No language, or English where all have one.
    locale: u8,
    /// No density, orientation, operator and so on.
    plain: bool,
    /// The newest version that it asks for.
    sdk_version: u16,
}

impl Table {
    /// Reads the outline of a table.
    pub fn read(blob: &Blob) -> Table {
        let mut table = Table {
            oddities: Oddities::default(),
            fault: None,
            blob: blob.clone(),
            strings: None,
            types: Vec::new(),
            packages: Vec::new(),
            left: Cell::new(LOOKUPS_MAX),
        };
        if let Err(fault) = table.walk() {
            table.fault = Some(fault);
        }
        // The best configuration is looked at first. The sort is stable: of equals the first counts.
        table.types.sort_by_key(|it| (it.package, it.id, std::cmp::Reverse(it.rank)));
        table
    }

    /// The default value of a resource as text, with references followed. `None`: it is not in this table.
    pub fn text(&self, id: u32) -> Option<String> {
        let value = self.value(id)?;
        match value.kind {
            Value::STRING => self.strings.as_ref()?.string(value.data),
            _ => value.number_text(),
        }
    }

    /// The default value of a resource, with references followed as far as this table goes.
    pub fn value(&self, id: u32) -> Option<Value> {
        let mut value = self.entry(id)?;
        for _ in 0..REFERENCES_MAX {
            match value.reference().and_then(|it| self.entry(it)) {
                Some(next) => value = next,
                None => return Some(value),
            }
        }
        Some(value)
    }

    /// Type and name of a resource: `string/app_name`.
    pub fn name(&self, id: u32) -> Option<String> {
        let [package, kind, high, low] = id.to_be_bytes();
        let package = self.packages.iter().find(|it| it.id == package)?;
        let pools = package.pools.get_or_init(|| package.read_pools(&self.blob).ok());
        let (types, keys) = pools.as_ref()?;
        let index = u32::from(u16::from_be_bytes([high, low]));
        let chunks = self.types.iter().filter(|it| (it.package, it.id) == (package.id, kind));
        let key = chunks.take(KEYS_MAX).find_map(|it| it.key(&self.blob, index).ok()?)?;
        Some(format!("{}/{}", types.string(u32::from(kind).checked_sub(1)?)?, keys.string(key)?))
    }

    /// Whether so much was asked for that the rest is not looked up.
    pub fn exhausted(&self) -> bool {
        self.left.get() == 0 || self.strings.as_ref().is_some_and(StringPool::exhausted)
    }

    /// What was odd in strings that were asked for.
    pub fn late_oddities(&self) -> Oddities {
        self.strings.as_ref().map(|it| it.oddities.take()).unwrap_or_default()
    }

    fn walk(&mut self) -> Result<(), Fault> {
        let header = self.blob.read_at(0, 12)?;
        let mut header = Reader::new(&header);
        if header.u16_le("type")? != TABLE_TYPE {
            return Err(Fault::malformed("type", 0));
        }
        let header_size = u64::from(header.u16_le("headerSize")?);
        let size = u64::from(header.u32_le("size")?);
        if header_size < 12 || size < header_size {
            return Err(Fault::malformed("headerSize", 2));
        }
        if size < self.blob.len() {
            self.oddities.add(Kind::TrailingData, "bytes behind the end of the table", size);
        }
        let end = size.min(self.blob.len());
        for chunk in chunks(&self.blob, header_size, end) {
            let chunk = chunk?;
            match chunk.kind {
                STRING_POOL_TYPE if self.strings.is_none() => {
                    self.strings = Some(StringPool::read(&self.blob, chunk.offset, chunk.size)?);
                }
                PACKAGE_TYPE => self.package(&chunk)?,
                _ => self.oddities.add(Kind::Garbage, "chunk of an unknown type", chunk.offset),
            }
        }
        if size > self.blob.len() { Err(Fault::malformed("size", 4)) } else { Ok(()) }
    }

    fn package(&mut self, package: &Chunk) -> Result<(), Fault> {
        let header = self.blob.read_up_to(package.offset.saturating_add(8), PACKAGE_HEADER)?;
        let mut header = Reader::new(&header);
        let id = header.u32_le("id")?;
        let Ok(id) = u8::try_from(id) else { return Err(Fault::malformed("package id", package.offset)) };
        if let Ok((types, keys)) = pools_of(&mut header) {
            self.packages.push(Package {
                id,
                types_at: package.offset.saturating_add(types.into()),
                keys_at: package.offset.saturating_add(keys.into()),
                end: package.offset.saturating_add(package.size),
                pools: OnceCell::new(),
            });
        }
        let start = package.offset.saturating_add(package.header_size);
        for chunk in chunks(&self.blob, start, package.offset.saturating_add(package.size)) {
            let chunk = chunk?;
            match chunk.kind {
                TYPE_TYPE => {
                    if TYPES_MAX <= self.types.len() {
                        return Err(Fault::Limit { what: "types of a resource table", bound: TYPES_MAX as u64 });
                    }
                    self.types.push(TypeChunk::read(&self.blob, &chunk, id)?);
                }
                STRING_POOL_TYPE | TYPE_SPEC_TYPE | LIBRARY_TYPE | OVERLAYABLE_TYPE | STAGED_ALIAS_TYPE => {}
                _ => self.oddities.add(Kind::Garbage, "chunk of an unknown type", chunk.offset),
            }
        }
        Ok(())
    }

    /// The value of an entry in the best configuration that has it. Entries with several values have no one value.
    fn entry(&self, id: u32) -> Option<Value> {
        let [package, kind, high, low] = id.to_be_bytes();
        let index = u32::from(u16::from_be_bytes([high, low]));
        let first = self.types.partition_point(|it| (it.package, it.id) < (package, kind));
        let same = self.types.get(first..)?.iter().take_while(|it| (it.package, it.id) == (package, kind));
        for chunk in same {
            self.left.set(self.left.get().checked_sub(1)?);
            // A broken entry is none, as for a phone; the next configuration may have it.
            if let Ok(Some(value)) = chunk.entry(&self.blob, index) {
                return Some(value);
            }
        }
        None
    }
}

/// `typeStrings` and `keyStrings`, behind the id.
fn pools_of(header: &mut Reader) -> Result<(u32, u32), Fault> {
    header.skip(256, "name")?;
    let types = header.u32_le("typeStrings")?;
    header.skip(4, "lastPublicType")?;
    Ok((types, header.u32_le("keyStrings")?))
}

impl Package {
    fn read_pools(&self, blob: &Blob) -> Result<(StringPool, StringPool), Fault> {
        let pool = |at: u64| StringPool::read(blob, at, self.end.saturating_sub(at));
        Ok((pool(self.types_at)?, pool(self.keys_at)?))
    }
}

impl TypeChunk {
    fn read(blob: &Blob, chunk: &Chunk, package: u8) -> Result<TypeChunk, Fault> {
        let header = blob.read_up_to(chunk.offset, chunk.header_size.min(TYPE_HEADER_MAX))?;
        let mut header = Reader::at(&header, chunk.offset);
        header.skip(8, "header")?;
        let id = header.u8("id")?;
        let flags = header.u8("flags")?;
        header.skip(2, "reserved")?;
        let entry_count = header.u32_le("entryCount")?;
        let entries_start = header.u32_le("entriesStart")?;
        let rank = Rank::of(header.rest());
        let (offset, size, header_size) = (chunk.offset, chunk.size, chunk.header_size);
        Ok(TypeChunk { package, id, offset, size, header_size, flags, entry_count, entries_start, rank })
    }

    fn entry(&self, blob: &Blob, index: u32) -> Result<Option<Value>, Fault> {
        let chunk = blob.clamp(self.offset, self.size);
        let Some(offset) = self.offset_of(&chunk, index)? else { return Ok(None) };
        let at = u64::from(self.entries_start).saturating_add(offset);
        let bytes = chunk.read_up_to(at, 24)?;
        let mut entry = Reader::at(&bytes, at);
        let size = entry.u16_le("size")?;
        let flags = entry.u16_le("flags")?;
        if flags & ENTRY_COMPACT != 0 {
            return Ok(Some(Value { kind: flags.to_be_bytes()[0], data: entry.u32_le("data")? }));
        }
        if flags & ENTRY_COMPLEX != 0 {
            return Ok(None);
        }
        entry.seek(usize::from(size), "size")?;
        entry.skip(3, "Res_value")?;
        Ok(Some(Value { kind: entry.u8("dataType")?, data: entry.u32_le("data")? }))
    }

    /// The key of an entry, an index into the names of resources.
    fn key(&self, blob: &Blob, index: u32) -> Result<Option<u32>, Fault> {
        let chunk = blob.clamp(self.offset, self.size);
        let Some(offset) = self.offset_of(&chunk, index)? else { return Ok(None) };
        let at = u64::from(self.entries_start).saturating_add(offset);
        let bytes = chunk.read_up_to(at, 8)?;
        let mut entry = Reader::at(&bytes, at);
        let size = entry.u16_le("size")?;
        if entry.u16_le("flags")? & ENTRY_COMPACT != 0 {
            return Ok(Some(size.into()));
        }
        Ok(Some(entry.u32_le("key")?))
    }

    /// Where an entry lies behind `entriesStart`, in bytes.
    fn offset_of(&self, chunk: &Blob, index: u32) -> Result<Option<u64>, Fault> {
        if self.flags & TYPE_SPARSE != 0 {
            return self.sparse_offset_of(chunk, index);
        }
        if self.entry_count <= index {
            return Ok(None);
        }
        let (width, none) = if self.flags & TYPE_OFFSET16 != 0 { (2, 0xffff) } else { (4, u64::from(u32::MAX)) };
        let place = self.header_size.saturating_add(u64::from(index).saturating_mul(width));
        let offset = number(&chunk.read_at(place, width)?);
        let unit = if width == 2 { 4 } else { 1 };
        Ok((offset != none).then_some(offset.saturating_mul(unit)))
    }

    /// Sparse types hold pairs of index and offset, sorted by index.
    fn sparse_offset_of(&self, chunk: &Blob, index: u32) -> Result<Option<u64>, Fault> {
        let (mut low, mut high) = (0u64, u64::from(self.entry_count));
        while low < high {
            let middle = low.midpoint(high);
            let place = self.header_size.saturating_add(middle.saturating_mul(4));
            let pair = number(&chunk.read_at(place, 4)?);
            match (pair & 0xffff).cmp(&u64::from(index)) {
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Equal => return Ok(Some((pair >> 16).saturating_mul(4))),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}

impl Rank {
    /// From a `ResTable_config`.
    fn of(config: &[u8]) -> Rank {
        let size = number(config.get(..4).unwrap_or_default());
        let config = config.get(..usize::try_from(size).unwrap_or(usize::MAX)).unwrap_or(config);
        let locale = match config.get(8..12).unwrap_or_default() {
            [0, 0, _, _] | [] => 2,
            [b'e', b'n', _, _] => 1,
            _ => 0,
        };
        let sdk = config.get(24..26).and_then(|it| it.try_into().ok().map(u16::from_le_bytes)).unwrap_or_default();
        // Everything but the size, the language and the version.
        let zero = |from: usize, to: usize| {
            config.get(from..to.min(config.len())).unwrap_or_default().iter().all(|&byte| byte == 0)
        };
        Rank { locale, plain: zero(4, 8) && zero(12, 24) && zero(26, usize::MAX), sdk_version: sdk }
    }
}

struct Chunk {
    kind: u16,
    header_size: u64,
    size: u64,
    offset: u64,
}

/// Chunks that follow each other from `start` to `end`; ends after a fault.
fn chunks(blob: &Blob, start: u64, end: u64) -> impl Iterator<Item = Result<Chunk, Fault>> + use<> {
    let blob = blob.clone();
    let mut pos = start;
    std::iter::from_fn(move || {
        if end.saturating_sub(pos) < 8 {
            return None;
        }
        let chunk = chunk_at(&blob, pos, end);
        pos = match &chunk {
            Ok(chunk) => pos.saturating_add(chunk.size),
            Err(_) => end,
        };
        Some(chunk)
    })
}

fn chunk_at(blob: &Blob, at: u64, end: u64) -> Result<Chunk, Fault> {
    let header = blob.read_at(at, 8)?;
    let mut header = Reader::at(&header, at);
    let kind = header.u16_le("type")?;
    let header_size = u64::from(header.u16_le("headerSize")?);
    let size = u64::from(header.u32_le("size")?);
    if header_size < 8 || size < header_size || end.saturating_sub(at) < size {
        return Err(Fault::malformed("chunk", at));
    }
    Ok(Chunk { kind, header_size, size, offset: at })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// A value as text: strings and numbers as they are, references through the table as far as it goes.
pub fn text_of(value: Value, plain: Option<String>, table: Option<&Table>) -> Option<String> {
    match value.reference() {
        Some(id) => Some(table.and_then(|it| it.text(id)).unwrap_or_else(|| reference_text(id))),
        None => plain,
    }
}

const STRING_POOL_TYPE: u16 = 0x0001;
const TABLE_TYPE: u16 = 0x0002;
const PACKAGE_TYPE: u16 = 0x0200;
const TYPE_TYPE: u16 = 0x0201;
const TYPE_SPEC_TYPE: u16 = 0x0202;
const LIBRARY_TYPE: u16 = 0x0203;
const OVERLAYABLE_TYPE: u16 = 0x0204;
const STAGED_ALIAS_TYPE: u16 = 0x0206;

/// `ResTable_type::FLAG_SPARSE`.
const TYPE_SPARSE: u8 = 1;
/// `ResTable_type::FLAG_OFFSET16`.
const TYPE_OFFSET16: u8 = 2;
/// `ResTable_entry::FLAG_COMPLEX`.
const ENTRY_COMPLEX: u16 = 1;
/// `ResTable_entry::FLAG_COMPACT`.
const ENTRY_COMPACT: u16 = 8;

/// `ResTable_type` is 20 bytes and a `ResTable_config` of under 100.
const TYPE_HEADER_MAX: u64 = 256;

/// The largest tables seen have under 10,000 chunks of types.
const TYPES_MAX: usize = 200_000;

/// Id, name and four fields of `ResTable_package`, behind the header of the chunk.
const PACKAGE_HEADER: u64 = 276;

/// Configurations of a type in which the name of one entry is looked for.
const KEYS_MAX: usize = 64;

/// `AssetManager2` follows 20 references.
const REFERENCES_MAX: usize = 20;

/// A manifest looks up a few hundred resources, each in a few hundred configurations at worst.
const LOOKUPS_MAX: u64 = 1 << 20;
