//! Folders and what they name.

use std::sync::Arc;

use model::fact::anomaly;
use model::{Blob, Fault, Node, NodeKind, Store};

use super::data::data;
use super::inode::{Body, Inode};
use super::volume::{Cursor, Volume};
use crate::walk::{Directories, ENTRIES_MAX, Tally};

/// The folders of an image.
pub struct Folders {
    volume: Arc<Volume>,
    store: Store,
    /// What is left of [`METADATA_MAX`].
    left: u64,
}

/// What an entry of a folder says: where its inode stands, and what kind of entry that is.
#[derive(Clone, Copy)]
pub struct Named {
    pub inode: u64,
    pub kind: u16,
}

impl Folders {
    pub fn new(volume: Arc<Volume>, store: Store) -> Folders {
        Folders { volume, store, left: METADATA_MAX }
    }

    /// Whether a folder is one.
    pub fn check(&self, root: Named) -> Result<(), Fault> {
        match Inode::read(&self.volume, root.inode)?.0.kind {
            NodeKind::Directory => Ok(()),
            _ => Err(Fault::malformed("root_inode_ref", 32)),
        }
    }

    fn charge(&mut self, len: u64) -> Result<(), Fault> {
        let limit = Fault::Limit { what: "bytes of folders, attributes and links", bound: METADATA_MAX };
        self.left = self.left.checked_sub(len).ok_or(limit)?;
        Ok(())
    }

    /// All entries of a folder. What was read before a fault stays.
    fn read(&mut self, directory: Named, entries: &mut Vec<(Vec<u8>, Named)>) -> Result<(), Fault> {
        let volume = Arc::clone(&self.volume);
        let Body::Directory { block, offset, size } = Inode::read(&volume, directory.inode)?.0.body else {
            return Err(Fault::malformed("inode_type", volume.superblock.inode_table));
        };
        // The length counts three bytes for `.` and `..`, which are not stored.
        let mut left = size.saturating_sub(3);
        let at = volume.superblock.directory_table.saturating_add(block.into());
        if left == 0 {
            return Ok(());
        }
        self.charge(left.into())?;
        let mut cursor = Cursor::new(&volume, at, offset.into())?;
        while left != 0 {
            let (count, start, _) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
            left = left.checked_sub(12).ok_or(Fault::malformed("directory header", at))?;
            if RUN_MAX <= count || ENTRIES_MAX < entries.len() as u64 {
                return Err(Fault::malformed("count", at));
            }
            for _ in 0..=count {
                let (offset, _, kind) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
                let name = usize::from(cursor.u16()?).saturating_add(1);
                let entry = u32::try_from(name).unwrap_or(u32::MAX).saturating_add(8);
                left = left.checked_sub(entry).ok_or(Fault::malformed("name_size", at))?;
                let inode = u64::from(start) << 16 | u64::from(offset);
                entries.push((cursor.take(name)?, Named { inode, kind }));
            }
        }
        Ok(())
    }
}

impl Directories for Folders {
    type Id = Named;

    fn key(&self, id: &Named) -> u64 {
        id.inode
    }

    fn list(&mut self, directory: &Named, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, Named)> {
        let mut entries = Vec::new();
        if let Err(fault) = self.read(*directory, &mut entries) {
            tally.fault("folders cannot be read whole", path, &fault);
        }
        entries
    }

    fn open(&mut self, id: &Named, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault> {
        let volume = Arc::clone(&self.volume);
        let (inode, _) = Inode::read(&volume, id.inode)?;
        if kind_of(id.kind) != inode.kind {
            tally.odd(anomaly::Kind::LyingField, path);
        }
        let mut node = inode.node();
        if node.uid.is_none() || node.gid.is_none() {
            tally.add("entries have an owner that the table lacks", path);
        }
        let target = node.target.as_ref().map_or(0, |it| it.len() as u64);
        let attributes = match self.charge(target) {
            Ok(()) => inode.attributes(&volume, &mut node).and_then(|len| self.charge(len)),
            limit => limit,
        };
        if let Err(fault) = attributes {
            tally.fault("entries have attributes that cannot be read", path, &fault);
        }
        let blob = match inode.body {
            Body::File(file) => data(&volume, id.inode, &file, &self.store),
            _ => Blob::empty(),
        };
        Ok((node, blob))
    }
}

/// The kind of an entry: a basic one also stands for the extended one.
fn kind_of(kind: u16) -> NodeKind {
    match kind {
        1 => NodeKind::Directory,
        3 => NodeKind::Symlink,
        4 => NodeKind::BlockDevice,
        5 => NodeKind::CharDevice,
        6 => NodeKind::Fifo,
        7 => NodeKind::Socket,
        _ => NodeKind::File,
    }
}

/// All folders, attributes and links of an image together. 60,000 entries take some ten MiB; many inodes that name the
/// same blocks would otherwise be read again and again.
const METADATA_MAX: u64 = 256 << 20;

/// Entries behind one header, as Linux accepts them.
const RUN_MAX: u32 = 256;
