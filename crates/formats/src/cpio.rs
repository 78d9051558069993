//! Ramdisks: cpio archives in the "new ASCII" form, several one behind the other, also compressed ones.
//!
//! What the kernel unpacks over each other (`init/initramfs.c`) is listed as one: entries of all parts, in order.

use std::collections::HashMap;

use model::fact::anomaly;
use model::fact::file_system::FileSystem;
use model::{Artifact, Blob, Fault, Node, NodeKind, Reader};

use crate::archive::{ENTRIES_MAX, Odd};
use crate::codec::{Codec, decoder};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "cpio",
    title: "cpio ramdisk",
    spec: "https://docs.kernel.org/driver-api/early-userspace/buffer-format.html",
    kind: Kind::FileSystem,
    matches: |_, bytes| {
        MAGICS.iter().any(|it| bytes.starts_with(it))
            && bytes.get(6..HEADER_LEN).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit))
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let mut ramdisk = Ramdisk { odd: Odd::default(), n_entries: 0 };
    let result = ramdisk.read_parts(&artifact.blob, out);
    ramdisk.odd.tell(artifact, out);
    let value = FileSystem {
        kind: "cpio".to_owned(),
        size: artifact.blob.len(),
        n_entries: ramdisk.n_entries,
        ..FileSystem::default()
    };
    let row = out.row(0, artifact.blob.len(), value);
    out.facts.file_systems.push(row);
    result
}

const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
const HEADER_LEN: usize = 110;
const HEADER: u64 = 110;

struct Ramdisk {
    odd: Odd,
    n_entries: u64,
}

struct Header {
    crc: bool,
    ino: (u64, u64, u64),
    mode: u64,
    uid: u64,
    gid: u64,
    nlink: u64,
    filesize: u64,
    device: (u64, u64),
    namesize: u64,
    check: u64,
}

impl Ramdisk {
    /// Emits the entries of all archives, and of those in a compressed part behind them.
    fn read_parts(&mut self, blob: &Blob, out: &mut Reading) -> Result<(), Fault> {
        let Some((offset, codec)) = self.read_part(blob, false, out)? else { return Ok(()) };
        let rest = blob.clamp(offset, u64::MAX);
        let (unpacked, fault) = out.store.spool(&mut decoder(codec, rest.stream()), out.allowance)?;
        if let Some(fault) = fault {
            out.gap(format!("compressed part at offset {offset:#x}: {fault}"));
        }
        match self.read_part(&unpacked, true, out)? {
            None => Ok(()),
            // The kernel unpacks none either.
            Some((offset, _)) => Err(Fault::malformed("compressed part in a compressed part", offset)),
        }
    }

    /// Emits the entries of one part, archive by archive; where a compressed part starts, if one does. Facts stand at
    /// offsets of the artifact: those of a part that was packed stand at its start.
    fn read_part(&mut self, blob: &Blob, packed: bool, out: &mut Reading) -> Result<Option<(u64, Codec)>, Fault> {
        let mut pos = 0u64;
        // Data of files with several names comes with the last one.
        let mut links: HashMap<(u64, u64, u64), Vec<usize>> = HashMap::new();
        loop {
            let head = blob.read_up_to(pos, HEADER)?;
            if head.is_empty() {
                return Ok(None);
            }
            if head.first() == Some(&0) {
                pos = skip_zeros(blob, pos)?;
                links.clear();
                continue;
            }
            if let Some(codec) = Codec::of(&blob.read_up_to(pos, 16)?) {
                return Ok(Some((pos, codec)));
            }
            if !MAGICS.iter().any(|it| head.starts_with(it)) {
                return Err(Fault::malformed("magic", pos));
            }
            if ENTRIES_MAX <= self.n_entries {
                return Err(Fault::Limit { what: "entries of a ramdisk", bound: ENTRIES_MAX });
            }
            let header = Header::read(&head, pos)?;
            if NAME_MAX < header.namesize {
                return Err(Fault::malformed("c_namesize", pos));
            }
            let at = if packed { 0 } else { pos };
            let name = blob.read_at(pos.saturating_add(HEADER), header.namesize)?;
            let name = name.split(|&it| it == 0).next().unwrap_or_default();
            let data = aligned(pos.saturating_add(HEADER).saturating_add(header.namesize));
            let end = data.saturating_add(header.filesize);
            if name == b"TRAILER!!!" {
                pos = aligned(end);
                links.clear();
                continue;
            }
            let content = blob.slice(data, header.filesize)?;
            self.n_entries = self.n_entries.saturating_add(1);
            self.emit(at, &header, name, content, &mut links, out);
            pos = aligned(end).min(blob.len());
        }
    }

    fn emit(
        &mut self,
        at: u64,
        header: &Header,
        name: &[u8],
        content: Blob,
        links: &mut HashMap<(u64, u64, u64), Vec<usize>>,
        out: &mut Reading,
    ) {
        let relative = name.strip_prefix(b"./").unwrap_or(name);
        let relative = relative.strip_prefix(b"/").unwrap_or(relative);
        if matches!(relative, b"" | b".") {
            return;
        }
        self.odd.name(at, HEADER, relative);
        let narrow = |it: u64| u32::try_from(it).ok();
        let mut node = Node {
            mode: u16::try_from(header.mode & 0o7777).ok(),
            uid: narrow(header.uid),
            gid: narrow(header.gid),
            ..Node::file()
        };
        let mut blob = Blob::empty();
        match header.mode & 0o170_000 {
            0o040_000 => node.kind = NodeKind::Directory,
            0o120_000 => {
                node.kind = NodeKind::Symlink;
                match content.bytes("target of a symbolic link", NAME_MAX) {
                    Ok(target) => node.target = Some(model::path_name(&target)),
                    Err(fault) => out.gap(format!("target of the link {}: {fault}", model::path_name(relative))),
                }
            }
            0o020_000 => node.kind = NodeKind::CharDevice,
            0o060_000 => node.kind = NodeKind::BlockDevice,
            0o010_000 => node.kind = NodeKind::Fifo,
            0o140_000 => node.kind = NodeKind::Socket,
            _ => blob = content,
        }
        if matches!(node.kind, NodeKind::CharDevice | NodeKind::BlockDevice) {
            node.device = narrow(header.device.0).zip(narrow(header.device.1));
        }
        if header.crc && node.kind == NodeKind::File && sum(&blob).is_ok_and(|it| u64::from(it) != header.check) {
            let detail = format!("{}: the sum of its bytes is not the stated one", model::path_name(relative));
            self.odd.push(at, HEADER, anomaly::Kind::BadChecksum, detail);
        }
        if node.kind == NodeKind::File && 1 < header.nlink {
            let same = links.entry(header.ino).or_default();
            same.push(out.children.len());
            for &index in same.iter().filter(|_| !blob.is_empty()) {
                if let Some(child) = out.children.get_mut(index) {
                    child.blob = blob.clone();
                }
            }
        }
        out.entry([b"/", relative].concat(), blob, node);
    }
}

/// `PATH_MAX` of Linux, with its NUL.
const NAME_MAX: u64 = 4096;

impl Header {
    fn read(bytes: &[u8], pos: u64) -> Result<Header, Fault> {
        let mut fields = Reader::at(bytes, pos);
        let crc = fields.take(6, "magic")? == b"070702";
        let mut field = |what| {
            let at = fields.offset();
            let digits = std::str::from_utf8(fields.take(8, what)?).map_err(|_| Fault::malformed(what, at))?;
            u64::from_str_radix(digits, 16).map_err(|_| Fault::malformed(what, at))
        };
        let ino = field("c_ino")?;
        let (mode, uid, gid) = (field("c_mode")?, field("c_uid")?, field("c_gid")?);
        let nlink = field("c_nlink")?;
        field("c_mtime")?;
        let filesize = field("c_filesize")?;
        let ino = (ino, field("c_maj")?, field("c_min")?);
        let device = (field("c_rmaj")?, field("c_rmin")?);
        let (namesize, check) = (field("c_namesize")?, field("c_chksum")?);
        Ok(Header { crc, ino, mode, uid, gid, nlink, filesize, device, namesize, check })
    }
}

/// The next multiple of four.
fn aligned(offset: u64) -> u64 {
    offset.checked_next_multiple_of(4).unwrap_or(u64::MAX)
}

/// Where the next byte that is not zero stands, or the end.
fn skip_zeros(blob: &Blob, mut pos: u64) -> Result<u64, Fault> {
    while pos < blob.len() {
        let hole = blob.zeros_at(pos);
        if hole != 0 {
            pos = pos.saturating_add(hole);
            continue;
        }
        let bytes = blob.read_up_to(pos, 64 << 10)?;
        let zeros = bytes.iter().take_while(|&&it| it == 0).count();
        pos = pos.saturating_add(zeros as u64);
        if zeros != bytes.len() {
            break;
        }
    }
    Ok(pos)
}

/// The sum of all bytes, as the "crc" variant states it.
fn sum(blob: &Blob) -> Result<u32, Fault> {
    let mut sum = 0u32;
    let mut pos = 0u64;
    while pos < blob.len() {
        let bytes = blob.read_up_to(pos, 64 << 10)?;
        sum = bytes.iter().fold(sum, |sum, &byte| sum.wrapping_add(byte.into()));
        pos = pos.saturating_add(bytes.len() as u64);
    }
    Ok(sum)
}
