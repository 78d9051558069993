//! ELF files: what can be read without disassembly. Android's linker uses program headers and the dynamic section, so
//! these count; section headers help where they are.

mod noise;
pub mod strings;
pub mod symbols;

use model::fact::anomaly;
use model::fact::elf::Elf;
use model::{Artifact, Fault, Reader};

use crate::x509::text::hex;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "elf",
    title: "ELF file",
    spec: "https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html",
    kind: Kind::Native,
    matches: |_, head| head.starts_with(b"\x7fELF") && matches!(head.get(4), Some(1 | 2)),
    read,
};

/// An ELF file in memory.
pub struct File<'a> {
    /// The whole file, as far as it is read.
    pub bytes: &'a [u8],
    /// `EI_CLASS`: 64 bits.
    pub wide: bool,
    /// `e_type`.
    pub kind: u16,
    /// `e_machine`.
    pub machine: u16,
    /// `e_entry`.
    pub entry: u64,
    /// Program headers, as many as are there.
    pub segments: Vec<Segment>,
    /// Section headers, as many as are there.
    pub sections: Vec<Section>,
    section_at: u64,
    n_sections: u16,
    section_names_at: u16,
}

/// A program header.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// `p_offset`.
    pub offset: u64,
    /// `p_vaddr`.
    pub address: u64,
    /// `p_filesz`.
    pub size: u64,
}

/// A section header.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    name: u32,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_addr`.
    pub address: u64,
    /// `sh_offset`.
    pub offset: u64,
    /// `sh_size`.
    pub size: u64,
    /// `sh_link`.
    pub link: u32,
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let len = artifact.blob.len();
    let bytes = artifact.blob.read_up_to(0, FILE_MAX)?;
    if FILE_MAX < len {
        out.gap(format!("only the first {FILE_MAX} bytes of the ELF file are read"));
    }
    let file = File::of(&bytes)?;
    if file.section_at != 0 && file.sections.len() < usize::from(file.n_sections) {
        let detail = format!("section headers at {:#x} reach past the end", file.section_at);
        out.anomaly(0, len.min(64), anomaly::Kind::LyingField, detail);
    }

    let mut elf = Elf {
        machine: machine_name(file.machine),
        kind: kind_name(file.kind),
        bits: if file.wide { 64 } else { 32 },
        interpreter: file.segment(PT_INTERP).map(|it| text(until_nul(it))),
        sections: file.section_names(),
        build_id: file.build_id(),
        ..Elf::default()
    };
    symbols::state(&file, file.kind == ET_REL, &mut elf, out);
    strings::state(&file, &mut elf, out);
    noise::state(&file, &mut elf, out);
    let row = out.row(0, len, elf);
    out.facts.elfs.push(row);

    let loaded = file.segments.iter().filter(|it| it.kind == PT_LOAD).map(|it| it.offset.saturating_add(it.size));
    match loaded.max() {
        Some(end) if len < end => Err(Fault::Truncated { at: len, wanted: end.saturating_sub(len) }),
        _ => Ok(()),
    }
}

impl<'a> File<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// The header is no ELF header of a little-endian machine, or is cut off.
    pub fn of(bytes: &'a [u8]) -> Result<File<'a>, Fault> {
        let mut header = Reader::new(bytes);
        header.skip(4, "magic")?;
        let wide = header.u8("EI_CLASS")? == 2;
        if header.u8("EI_DATA")? == 2 {
            return Err(Fault::Unsupported("big-endian ELF".to_owned()));
        }
        header.skip(10, "e_ident")?;
        let (kind, machine) = (header.u16_le("e_type")?, header.u16_le("e_machine")?);
        header.skip(4, "e_version")?;
        let entry = word(&mut header, wide)?;
        let (program_at, section_at) = (word(&mut header, wide)?, word(&mut header, wide)?);
        header.skip(6, "e_flags")?;
        let [program_size, n_programs] = [header.u16_le("e_phentsize")?, header.u16_le("e_phnum")?];
        let [section_size, n_sections] = [header.u16_le("e_shentsize")?, header.u16_le("e_shnum")?];
        let section_names_at = header.u16_le("e_shstrndx")?;
        let (segments, sections) = (Vec::new(), Vec::new());
        let mut file =
            File { bytes, wide, kind, machine, entry, segments, sections, section_at, n_sections, section_names_at };
        file.segments = file.table(program_at, program_size, n_programs, |it| Segment::read(it, wide));
        file.sections = file.table(section_at, section_size, n_sections, |it| Section::read(it, wide));
        Ok(file)
    }

    /// Bytes of the file, as many as are there.
    pub fn range(&self, offset: u64, size: u64) -> &'a [u8] {
        let end = offset.saturating_add(size).min(self.bytes.len() as u64);
        let (Ok(start), Ok(end)) = (usize::try_from(offset), usize::try_from(end)) else { return &[] };
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Entries of a table, as many as are there.
    fn table<T>(&self, at: u64, size: u16, count: u16, read: impl Fn(&mut Reader) -> Result<T, Fault>) -> Vec<T> {
        let whole = self.range(at, u64::from(size).saturating_mul(count.into()));
        if at == 0 || size == 0 {
            return Vec::new();
        }
        // An entry that is cut off is not there.
        whole.chunks_exact(size.into()).map_while(|it| read(&mut Reader::new(it)).ok()).collect()
    }

    /// The bytes of the first segment of a kind.
    pub fn segment(&self, kind: u32) -> Option<&'a [u8]> {
        let segment = self.segments.iter().find(|it| it.kind == kind)?;
        Some(self.range(segment.offset, segment.size))
    }

    /// The bytes from a virtual address to the end of its segment.
    pub fn at_address(&self, address: u64) -> &'a [u8] {
        let found = self.segments.iter().filter(|it| it.kind == PT_LOAD).find_map(|it| {
            let skip = address.checked_sub(it.address).filter(|skip| *skip < it.size)?;
            Some(self.range(it.offset.saturating_add(skip), it.size.saturating_sub(skip)))
        });
        found.unwrap_or_default()
    }

    fn section_names(&self) -> Vec<String> {
        let named = self.sections.iter().map(|it| self.section_name(it)).filter(|it| !it.is_empty());
        named.take(SECTIONS_MAX).collect()
    }

    /// The name of a section.
    pub fn section_name(&self, section: &Section) -> String {
        let names = self.sections.get(usize::from(self.section_names_at));
        name_at(names.map(|it| self.range(it.offset, it.size)).unwrap_or_default(), section.name)
    }

    /// `NT_GNU_BUILD_ID`, from segments or, in a module, from sections.
    fn build_id(&self) -> Option<String> {
        let segments = self.segments.iter().filter(|it| it.kind == PT_NOTE).map(|it| (it.offset, it.size));
        let sections = self.sections.iter().filter(|it| it.kind == SHT_NOTE).map(|it| (it.offset, it.size));
        segments.chain(sections).take(NOTES_MAX).find_map(|(offset, size)| {
            let mut notes = Reader::new(self.range(offset, size.min(NOTE_SIZE_MAX)));
            // A note that is cut off ends the search in this place.
            while let Ok((kind, name, value)) = note(&mut notes) {
                if kind == NT_GNU_BUILD_ID && name == b"GNU\0" && value.len() <= BUILD_ID_MAX {
                    return Some(hex(value));
                }
            }
            None
        })
    }
}

impl Segment {
    fn read(header: &mut Reader, wide: bool) -> Result<Segment, Fault> {
        let kind = header.u32_le("p_type")?;
        let flags = if wide { header.u32_le("p_flags")? } else { 0 };
        let (offset, address) = (word(header, wide)?, word(header, wide)?);
        word(header, wide)?;
        let size = word(header, wide)?;
        if wide {
            return Ok(Segment { kind, flags, offset, address, size });
        }
        header.skip(4, "p_memsz")?;
        Ok(Segment { kind, flags: header.u32_le("p_flags")?, offset, address, size })
    }
}

impl Section {
    fn read(header: &mut Reader, wide: bool) -> Result<Section, Fault> {
        let (name, kind) = (header.u32_le("sh_name")?, header.u32_le("sh_type")?);
        let (flags, address) = (word(header, wide)?, word(header, wide)?);
        let (offset, size) = (word(header, wide)?, word(header, wide)?);
        Ok(Section { name, kind, flags, address, offset, size, link: header.u32_le("sh_link")? })
    }
}

/// A number as wide as the class of the file.
pub fn word(reader: &mut Reader, wide: bool) -> Result<u64, Fault> {
    if wide { reader.u64_le("word") } else { reader.u32_le("word").map(u64::from) }
}

/// Type, name and value of a note.
fn note<'a>(notes: &mut Reader<'a>) -> Result<(u32, &'a [u8], &'a [u8]), Fault> {
    let [name_size, value_size, kind] = [notes.u32_le("n_namesz")?, notes.u32_le("n_descsz")?, notes.u32_le("n_type")?];
    let mut padded = |size: u32| {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = notes.take(size, "note")?;
        let padding = size.checked_next_multiple_of(4).unwrap_or(size).saturating_sub(size);
        notes.skip(padding.min(notes.remaining()), "note")?;
        Ok::<_, Fault>(bytes)
    };
    let name = padded(name_size)?;
    Ok((kind, name, padded(value_size)?))
}

/// A name of a string table, cut where names end.
pub fn name_at(table: &[u8], offset: u32) -> String {
    let rest = usize::try_from(offset).ok().and_then(|it| table.get(it..)).unwrap_or_default();
    text(until_nul(rest))
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.get(..NAME_MAX).unwrap_or(bytes);
    let len = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    bytes.get(..len).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn machine_name(machine: u16) -> String {
    match machine {
        3 => "x86".into(),
        40 => "arm".into(),
        62 => "x86-64".into(),
        183 => "aarch64".into(),
        243 => "riscv64".into(),
        _ => machine.to_string(),
    }
}

fn kind_name(kind: u16) -> String {
    match kind {
        1 => "rel".into(),
        2 => "exec".into(),
        3 => "dyn".into(),
        4 => "core".into(),
        _ => kind.to_string(),
    }
}

const ET_REL: u16 = 1;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const SHT_NOTE: u32 = 7;
const NT_GNU_BUILD_ID: u32 = 3;

/// As much as is read at once: the largest libraries (a browser engine) have 200 MiB.
const FILE_MAX: u64 = 256 << 20;

/// Longer names are cut: mangled names of templates reach a few KiB.
const NAME_MAX: usize = 4 << 10;

/// Kernel modules have the most sections, a few hundred.
const SECTIONS_MAX: usize = 4096;

/// Notes are few and short; a build id is a digest.
const NOTES_MAX: usize = 256;
const NOTE_SIZE_MAX: u64 = 64 << 10;
const BUILD_ID_MAX: usize = 64;
