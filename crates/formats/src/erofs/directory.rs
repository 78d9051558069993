//! Folders and what they name.

use std::cmp::Ordering;
use std::sync::Arc;

use model::fact::anomaly;
use model::{Blob, Extent, Fault, Node, NodeKind, Origin, Reader, Store};

use super::data::data;
use super::inode::{Inode, Prefix};
use super::volume::Volume;
use crate::posix;
use crate::walk::{Directories, ENTRIES_MAX, Tally};

/// The folders of an image.
pub struct Folders {
    pub volume: Arc<Volume>,
    pub packed: Option<Blob>,
    pub prefixes: Vec<Prefix>,
    pub store: Store,
    /// What is left of [`METADATA_MAX`].
    left: u64,
}

/// What an entry of a folder says: the number of an inode, and what kind of entry that is.
#[derive(Clone, Copy)]
pub struct Named {
    pub nid: u64,
    pub file_type: u8,
}

impl Folders {
    pub fn new(volume: Arc<Volume>, packed: Option<Blob>, prefixes: Vec<Prefix>, store: Store) -> Folders {
        Folders { volume, packed, prefixes, store, left: METADATA_MAX }
    }

    fn data(&self, inode: &Inode) -> Result<Blob, Fault> {
        data(&self.volume, self.packed.as_ref(), inode, &self.store)
    }

    fn charge(&mut self, len: u64) -> Result<(), Fault> {
        let limit = Fault::Limit { what: "bytes of folders, attributes and links", bound: METADATA_MAX };
        self.left = self.left.checked_sub(len).ok_or(limit)?;
        Ok(())
    }

    /// All entries of a folder, block by block. What was read before a fault stays.
    fn read(&mut self, nid: u64, entries: &mut Vec<(Vec<u8>, Named)>) -> Result<(), Fault> {
        let inode = Inode::read(&self.volume, nid)?;
        let block_size = self.volume.superblock.block_size();
        let blob = self.data(&inode)?;
        let mut offset = 0;
        while offset < blob.len() && (entries.len() as u64) <= ENTRIES_MAX {
            self.charge(block_size)?;
            block_of(&blob.read_up_to(offset, block_size)?, inode.body_offset, entries)?;
            offset = offset.saturating_add(block_size);
        }
        Ok(())
    }

    fn attributes(&mut self, inode: &Inode, node: &mut Node) -> Result<(), Fault> {
        // The largest value of an attribute stands for what an inode shares with others.
        self.charge(inode.xattr_size().saturating_mul(2))?;
        inode.attributes(&self.volume, &self.prefixes, node)
    }

    fn target(&mut self, inode: &Inode) -> Result<Vec<u8>, Fault> {
        let target = self.data(inode)?;
        self.charge(target.len().min(TARGET_MAX))?;
        target.bytes("bytes of a link", TARGET_MAX)
    }
}

impl Directories for Folders {
    type Id = Named;

    fn key(&self, id: &Named) -> u64 {
        id.nid
    }

    fn list(&mut self, directory: &Named, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, Named)> {
        let mut entries = Vec::new();
        if let Err(fault) = self.read(directory.nid, &mut entries) {
            tally.fault("folders cannot be read whole", path, &fault);
        }
        for pair in entries.windows(2) {
            // Linux searches a folder by halves: what is out of order is listed and yet not found by its name.
            if let [(before, _), (after, _)] = pair
                && before.cmp(after) == Ordering::Greater
            {
                tally.odd(anomaly::Kind::Garbage, &[path, after].concat());
            }
        }
        entries.retain(|it| it.0 != b"." && it.0 != b"..");
        entries
    }

    fn open(&mut self, id: &Named, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault> {
        let inode = Inode::read(&self.volume, id.nid)?;
        let kind = posix::kind_of(inode.mode).ok_or(Fault::malformed("i_mode", inode.body_offset))?;
        if kind != kind_of(id.file_type) {
            tally.odd(anomaly::Kind::LyingField, path);
        }
        let mut node = inode.node(kind);
        if let Err(fault) = self.attributes(&inode, &mut node) {
            tally.fault("entries have attributes that cannot be read", path, &fault);
        }
        let blob = match kind {
            NodeKind::File => self.data(&inode).unwrap_or_else(|fault| missing(inode.size, fault)),
            NodeKind::Symlink => {
                match self.target(&inode) {
                    Ok(target) => node.target = Some(model::path_name(&target)),
                    Err(fault) => tally.fault("links have targets that cannot be read", path, &fault),
                }
                Blob::empty()
            }
            _ => Blob::empty(),
        };
        Ok((node, blob))
    }
}

fn missing(len: u64, fault: Fault) -> Blob {
    Blob::mapped(len, vec![Extent { offset: 0, len, from: Origin::Missing(fault) }])
}

/// One block of a folder: the entries (`erofs_dirent`), then their names. The first name starts where the entries end.
fn block_of(block: &[u8], at: u64, entries: &mut Vec<(Vec<u8>, Named)>) -> Result<(), Fault> {
    let malformed = || Fault::malformed("nameoff", at);
    let nameoff = |n: usize| {
        let field = n.saturating_mul(DIRENT).saturating_add(8);
        let bytes = block.get(field..).and_then(|it| it.first_chunk()).ok_or_else(malformed)?;
        Ok::<usize, Fault>(u16::from_le_bytes(*bytes).into())
    };
    let first = nameoff(0)?;
    let n = first / DIRENT;
    if n == 0 {
        return Err(malformed());
    }
    let mut reader = Reader::at(block.get(..first).ok_or_else(malformed)?, at);
    for this in 0..n {
        let nid = reader.u64_le("nid")?;
        let start = usize::from(reader.u16_le("nameoff")?);
        let file_type = reader.u8("file_type")?;
        reader.skip(1, "reserved")?;
        let rest = block.get(start..).filter(|_| first <= start).ok_or_else(malformed)?;
        let next = this.saturating_add(1);
        let name = if next == n {
            // The last name ends at a NUL or with the block.
            rest.split(|&byte| byte == 0).next().unwrap_or_default()
        } else {
            block.get(start..nameoff(next)?).ok_or_else(malformed)?
        };
        if NAME_MAX < name.len() {
            return Err(Fault::malformed("name", at));
        }
        entries.push((name.to_vec(), Named { nid, file_type }));
    }
    Ok(())
}

fn kind_of(file_type: u8) -> NodeKind {
    match file_type {
        2 => NodeKind::Directory,
        3 => NodeKind::CharDevice,
        4 => NodeKind::BlockDevice,
        5 => NodeKind::Fifo,
        6 => NodeKind::Socket,
        7 => NodeKind::Symlink,
        _ => NodeKind::File,
    }
}

/// All folders, attributes and links of an image together. 60,000 entries take some ten MiB; many inodes that name the
/// same blocks would otherwise be read again and again.
const METADATA_MAX: u64 = 256 << 20;

/// `PATH_MAX` of Linux.
const TARGET_MAX: u64 = 4096;

/// `EROFS_NAME_LEN`.
const NAME_MAX: usize = 255;

const DIRENT: usize = 12;
