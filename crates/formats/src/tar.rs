//! Tar archives: ustar, GNU and pax, and Samsung's `.tar.md5` with a checksum line behind the archive.

use std::collections::HashMap;
use std::io::Read;

use md5::{Digest, Md5};
use model::fact::anomaly;
use model::fact::package::Package;
use model::{Artifact, Blob, Extent, Fault, FileCapability, Node, NodeKind, Origin, Reader};

use crate::archive::{self, ENTRIES_MAX, Odd};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "tar",
    title: "tar archive",
    spec: "https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html",
    kind: Kind::Archive,
    matches: |_, bytes| bytes.get(..BLOCK_LEN).is_some_and(|it| it.first() != Some(&0) && checksum_fits(it)),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let mut tar = Tar { blob: &artifact.blob, odd: Odd::default(), names: Vec::new(), files: HashMap::new() };
    let result = tar.read_entries(out);
    tar.odd.tell(artifact, out);
    if let Some(package) = archive::package_of(tar.names.iter().map(|(name, size)| (name.as_slice(), *size))) {
        let row = out.row(0, artifact.blob.len(), package);
        out.facts.packages.push(row);
    }
    odin(artifact, result?, out)
}

/// Headers and data are padded to this.
const BLOCK: u64 = 512;
const BLOCK_LEN: usize = 512;

struct Tar<'a> {
    blob: &'a Blob,
    odd: Odd,
    /// What was listed, with sizes.
    names: Vec<(Vec<u8>, u64)>,
    /// For hard links: where the data of a name is.
    files: HashMap<Vec<u8>, Blob>,
}

/// What extension headers say about the next entry.
#[derive(Default, Clone)]
struct Extended {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    selinux: Option<String>,
    capability: Option<FileCapability>,
    sparse: bool,
}

impl Tar<'_> {
    /// Emits all entries; where the archive ends.
    fn read_entries(&mut self, out: &mut Reading) -> Result<u64, Fault> {
        let (mut global, mut next) = (Extended::default(), Extended::default());
        let mut pos = 0u64;
        for _ in 0..ENTRIES_MAX {
            if pos == self.blob.len() {
                // Without the two blocks of zeros at the end, and yet whole.
                return Ok(pos);
            }
            let block = self.blob.read_at(pos, BLOCK)?;
            if block.iter().all(|&it| it == 0) {
                return Ok(pos.saturating_add(BLOCK));
            }
            if !checksum_fits(&block) {
                return Err(Fault::malformed("header checksum", pos));
            }
            let header = Header::read(&block, pos)?;
            let size = next.size.or(global.size).unwrap_or(header.size);
            let data = match header.kind {
                b'S' => self.behind_map(pos, &block)?,
                _ => pos.saturating_add(BLOCK),
            };
            let end = data.saturating_add(size);
            match header.kind {
                b'L' | b'K' => {
                    let bytes = self.extension(data, header.size)?;
                    let text = bytes.split(|&it| it == 0).next().unwrap_or_default().to_vec();
                    *(if header.kind == b'L' { &mut next.name } else { &mut next.target }) = Some(text);
                }
                b'x' | b'X' => pax(&self.extension(data, header.size)?, data, &mut next)?,
                b'g' => pax(&self.extension(data, header.size)?, data, &mut global)?,
                _ => {
                    let mut extended = std::mem::take(&mut next);
                    extended.or(&global);
                    self.emit(pos, &header, extended, data, size, out);
                    if self.blob.len() < end {
                        return Err(Fault::Truncated { at: data, wanted: size });
                    }
                }
            }
            pos = end.checked_next_multiple_of(BLOCK).ok_or(Fault::malformed("size", pos))?;
            // The padding of the last entry may be lost.
            pos = if end <= self.blob.len() { pos.min(self.blob.len()) } else { pos };
        }
        Err(Fault::Limit { what: "entries of an archive", bound: ENTRIES_MAX })
    }

    /// Where the data of a sparse file starts: its map may go on in blocks behind the header (GNU tar manual, "Old GNU
    /// format"; the flags that say so are `isextended`).
    fn behind_map(&self, pos: u64, block: &[u8]) -> Result<u64, Fault> {
        let mut pos = pos.saturating_add(BLOCK);
        let mut extended = block.get(482).is_some_and(|&it| it != 0);
        while extended {
            extended = self.blob.read_at(pos.saturating_add(504), 1)? != [0];
            pos = pos.saturating_add(BLOCK);
        }
        Ok(pos)
    }

    /// The data of an extension header.
    fn extension(&self, data: u64, size: u64) -> Result<Vec<u8>, Fault> {
        self.blob.clamp(data, size).bytes("bytes of a tar extension header", EXTENSION_MAX).and_then(|bytes| {
            if bytes.len() as u64 == size { Ok(bytes) } else { Err(Fault::Truncated { at: data, wanted: size }) }
        })
    }

    fn emit(&mut self, pos: u64, header: &Header, extended: Extended, data: u64, size: u64, out: &mut Reading) {
        let name = extended.name.unwrap_or_else(|| header.name.clone());
        let target = extended.target.unwrap_or_else(|| header.target.clone());
        let folder = header.kind == b'5' || matches!(header.kind, 0 | b'0') && name.ends_with(b"/");
        let name = name.strip_suffix(b"/").unwrap_or(&name);
        let name = name.strip_prefix(b"./").unwrap_or(name).to_vec();
        let mut node = Node {
            mode: Some(header.mode),
            uid: extended.uid.or(header.uid),
            gid: extended.gid.or(header.gid),
            selinux: extended.selinux,
            capability: extended.capability,
            ..Node::file()
        };
        if folder && matches!(name.as_slice(), b"" | b".") {
            return;
        }
        self.odd.name(pos, BLOCK, &name);
        let mut blob = Blob::empty();
        match header.kind {
            _ if folder => node.kind = NodeKind::Directory,
            b'1' => match self.files.get(target.strip_prefix(b"./").unwrap_or(&target)) {
                Some(linked) => blob = linked.clone(),
                None => out.gap(format!(
                    "{} is a hard link to {}, which is not before it",
                    model::path_name(&name),
                    model::path_name(&target)
                )),
            },
            b'2' => {
                node.kind = NodeKind::Symlink;
                node.target = Some(model::path_name(&target));
            }
            b'3' | b'4' => {
                node.kind = if header.kind == b'3' { NodeKind::CharDevice } else { NodeKind::BlockDevice };
                node.device = header.device;
            }
            b'6' => node.kind = NodeKind::Fifo,
            // A volume label.
            b'V' => return,
            b'S' => return self.sparse(name, size, node, out),
            _ if extended.sparse => return self.sparse(name, size, node, out),
            // What is not known is a file (pax, "typeflag").
            _ => blob = self.data(data, size),
        }
        self.names.push((name.clone(), blob.len()));
        if node.kind == NodeKind::File {
            self.files.insert(name.clone(), blob.clone());
        }
        out.entry(name, blob, node);
    }

    /// A sparse file: its map is not read.
    fn sparse(&mut self, name: Vec<u8>, size: u64, node: Node, out: &mut Reading) {
        out.gap(format!("{} is stored as a sparse file, which is not read", model::path_name(&name)));
        out.unreadable(name, size.min(self.blob.len()), node, Fault::Unsupported("sparse file in a tar".to_owned()));
    }

    /// Bytes of an entry; what the archive lacks cannot be read.
    fn data(&self, data: u64, size: u64) -> Blob {
        let there = self.blob.clamp(data, size);
        if there.len() == size || size / 2 > self.blob.len() {
            // A size beyond reason is no promise of bytes: only those that are there are shown.
            return there;
        }
        let (len, fault) = (there.len(), Fault::Truncated { at: data, wanted: size });
        let missing = Extent { offset: len, len: size.saturating_sub(len), from: Origin::Missing(fault) };
        Blob::mapped(size, vec![Extent { offset: 0, len, from: Origin::Blob(there, 0) }, missing])
    }
}

/// Long names and extended attributes: an attribute has at most 64 KiB.
const EXTENSION_MAX: u64 = 1 << 20;

impl Extended {
    /// Takes what only the global header says.
    fn or(&mut self, global: &Extended) {
        let Extended { name, target, size: _, uid, gid, selinux, capability, sparse: _ } = global.clone();
        self.name = self.name.take().or(name);
        self.target = self.target.take().or(target);
        self.uid = self.uid.or(uid);
        self.gid = self.gid.or(gid);
        self.selinux = self.selinux.take().or(selinux);
        self.capability = self.capability.take().or(capability);
    }
}

/// Records `<length> <key>=<value>\n` (pax, "pax Extended Header").
fn pax(mut bytes: &[u8], base: u64, extended: &mut Extended) -> Result<(), Fault> {
    let broken = || Fault::malformed("pax record", base);
    while let Some(space) = bytes.iter().position(|&it| it == b' ') {
        let (number, _) = bytes.split_at(space);
        let len = std::str::from_utf8(number).ok().and_then(|it| it.parse::<usize>().ok()).ok_or_else(broken)?;
        let record = bytes.get(space.saturating_add(1)..len).ok_or_else(broken)?;
        bytes = bytes.get(len..).ok_or_else(broken)?;
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let equals = record.iter().position(|&it| it == b'=').ok_or_else(broken)?;
        let (key, value) = record.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        let number = || std::str::from_utf8(value).ok().and_then(|it| it.parse::<u64>().ok());
        match key {
            b"path" => extended.name = Some(value.to_vec()),
            b"linkpath" => extended.target = Some(value.to_vec()),
            b"size" => extended.size = Some(number().ok_or_else(broken)?),
            b"uid" => extended.uid = number().and_then(|it| u32::try_from(it).ok()),
            b"gid" => extended.gid = number().and_then(|it| u32::try_from(it).ok()),
            b"SCHILY.xattr.security.selinux" | b"RHT.security.selinux" => {
                let label = value.split(|&it| it == 0).next().unwrap_or_default();
                extended.selinux = Some(String::from_utf8_lossy(label).into_owned());
            }
            b"SCHILY.xattr.security.capability" => extended.capability = FileCapability::read(value),
            _ => extended.sparse |= key.starts_with(b"GNU.sparse."),
        }
    }
    Ok(())
}

/// A header block, its numbers read.
struct Header {
    name: Vec<u8>,
    mode: u16,
    uid: Option<u32>,
    gid: Option<u32>,
    size: u64,
    kind: u8,
    target: Vec<u8>,
    device: Option<(u32, u32)>,
}

impl Header {
    /// pax, "ustar Interchange Format".
    fn read(block: &[u8], pos: u64) -> Result<Header, Fault> {
        let mut fields = Reader::at(block, pos);
        let mut name = fields.padded(100, "name")?.to_vec();
        let mode = number(fields.take(8, "mode")?).unwrap_or_default();
        let id = |field: &[u8]| number(field).and_then(|it| u32::try_from(it).ok());
        let (uid, gid) = (id(fields.take(8, "uid")?), id(fields.take(8, "gid")?));
        let size = number(fields.take(12, "size")?).ok_or(Fault::malformed("size", pos))?;
        fields.skip(20, "mtime and chksum")?;
        let kind = fields.u8("typeflag")?;
        let target = fields.padded(100, "linkname")?.to_vec();
        let magic = fields.take(8, "magic")?;
        fields.skip(64, "uname and gname")?;
        let device = id(fields.take(8, "devmajor")?).zip(id(fields.take(8, "devminor")?));
        // GNU archives use the place of the prefix for other things.
        if magic.starts_with(b"ustar\0") {
            let prefix = fields.padded(155, "prefix")?;
            if !prefix.is_empty() {
                name = [prefix, b"/", &name].concat();
            }
        }
        // Only files and what is not known have data (kinds 1 to 6 may state a size all the same).
        let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let mode = u16::try_from(mode & 0o7777).unwrap_or_default();
        Ok(Header { name, mode, uid, gid, size, kind, target, device })
    }
}

/// Octal digits, or base 256 where the first bit is set (GNU tar manual, "Extensions").
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first @ 0x80..=0xbf, rest)) = field.split_first() {
        return rest
            .iter()
            .try_fold(u64::from(first & 0x3f), |value, &byte| value.checked_mul(256).map(|it| it | u64::from(byte)));
    }
    let digits = field.split(|&it| it == 0).next().unwrap_or_default().trim_ascii();
    digits.iter().try_fold(0u64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8).map(|it| it | u64::from(byte & 7)),
        _ => None,
    })
}

/// The sum of the header's bytes, its own field taken as spaces. Old archives sum signed bytes.
fn checksum_fits(block: &[u8]) -> bool {
    let (Some(before), Some(field), Some(after)) = (block.get(..148), block.get(148..156), block.get(156..512)) else {
        return false;
    };
    let Some(stated) = number(field) else { return false };
    let bytes = || before.iter().chain(b"        ").chain(after);
    let unsigned: u64 = bytes().map(|&it| u64::from(it)).sum();
    let high = bytes().filter(|it| !it.is_ascii()).count() as u64;
    stated == unsigned || high.checked_mul(256).and_then(|it| unsigned.checked_sub(it)) == Some(stated)
}

/// Samsung's flashing tool wants the MD5 of the archive behind it, as `md5sum` prints it.
fn odin(artifact: &Artifact, archive_end: u64, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    let start = archive_end.max(blob.len().saturating_sub(LINE_MAX));
    let tail = blob.read_up_to(start, LINE_MAX)?;
    let line_at = tail.iter().rposition(|&it| it == 0).map_or(0, |it| it.saturating_add(1));
    let line = tail.get(line_at..).unwrap_or_default();
    let offset = start.saturating_add(line_at as u64);
    let Some((hex, name)) = line.split_at_checked(32).filter(|it| it.0.iter().all(u8::is_ascii_hexdigit)) else {
        if !line.is_empty() {
            let more = line.len() as u64;
            out.anomaly(offset, more, anomaly::Kind::TrailingData, format!("{more} bytes behind the archive's end"));
            out.child(&b"(trailing data)"[..], blob.slice(offset, more)?);
        }
        return Ok(());
    };
    let stated = String::from_utf8_lossy(hex).to_ascii_lowercase();
    let mut hash = Md5::new();
    let mut stream = blob.slice(0, offset)?.stream();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(buffer.get(..n).unwrap_or_default());
    }
    let found: String = hash.finalize().iter().map(|it| format!("{it:02x}")).collect();
    if found != stated {
        let detail = format!("the archive states MD5 {stated} of itself and has {found}");
        out.anomaly(offset, line.len() as u64, anomaly::Kind::BadChecksum, detail);
    }
    let name = String::from_utf8_lossy(name.trim_ascii()).trim_start_matches('*').to_owned();
    let matches = if found == stated { "yes" } else { "no" };
    let properties =
        [("md5", stated), ("name", name), ("md5-matches", matches.to_owned())].map(|it| (it.0.to_owned(), it.1));
    let package = Package { kind: "odin".to_owned(), incremental: false, properties: properties.into() };
    let row = out.row(offset, line.len() as u64, package);
    out.facts.packages.push(row);
    Ok(())
}

/// A digest and a file name.
const LINE_MAX: u64 = 4096;
