//! ext2, ext3 and ext4: the usual file system of Android before 2021, and still of many data partitions.
//!
//! Files are views of the image: only metadata is read. Checksums of metadata are not verified, and the journal is not
//! replayed: neither changes what a read-only mount of a finished image shows.

mod attributes;
mod directory;
mod inode;
mod map;
mod superblock;

use std::collections::HashMap;

use model::fact::file_system::FileSystem;
use model::{Artifact, Blob, Extent, Fault, Node, NodeKind, Origin, Reader};

use crate::pages::Pages;
use crate::runs::Blocks;
use crate::walk::{Directories, Tally, walk};
use crate::{Format, Kind, Reading, posix};
use attributes::Attributes;
use inode::Inode;
use map::Map;
use superblock::Superblock;

/// The format.
pub static FORMAT: Format = Format {
    id: "ext4",
    title: "ext file system",
    spec: "Linux Documentation/filesystems/ext4",
    kind: Kind::FileSystem,
    matches: |_, head| {
        let field = |at: usize, len: usize| head.get(at..at.saturating_add(len));
        field(superblock::MAGIC_OFFSET, 2) == Some(&superblock::MAGIC.to_le_bytes())
            && field(superblock::LOG_BLOCK_SIZE_OFFSET, 4)
                .and_then(|it| it.try_into().ok())
                .is_some_and(|it| u32::from_le_bytes(it) <= superblock::LOG_BLOCK_SIZE_MAX)
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_up_to(superblock::OFFSET, superblock::SIZE)?;
    let sb = Superblock::read(&bytes)?;
    let mut fact = FileSystem {
        kind: sb.kind().to_owned(),
        label: model::path_name(&sb.volume_name),
        uuid: posix::uuid(&sb.uuid),
        block_size: u32::try_from(sb.block_size).unwrap_or(u32::MAX),
        size: sb.size(),
        mounted_at: (!sb.last_mounted.is_empty()).then(|| model::path_name(&sb.last_mounted)),
        features: sb.features(),
        n_entries: 0,
    };
    let size = superblock::SIZE.min(artifact.blob.len().saturating_sub(superblock::OFFSET));
    if artifact.blob.len() < sb.size() {
        let (there, said) = (artifact.blob.len(), sb.size());
        out.gap(format!("the image has {there} bytes of the {said} that its superblock says"));
    }
    if sb.unknown_incompat() != 0 {
        out.gap(format!("unknown features ({:#x}): what they change is not understood", sb.unknown_incompat()));
    }
    if sb.incompat(superblock::INCOMPAT_RECOVER) {
        out.gap("the journal was not replayed: it was not unmounted cleanly");
    }
    if sb.incompat(superblock::INCOMPAT_JOURNAL_DEV) {
        out.facts.file_systems.push(out.row(superblock::OFFSET, size, fact));
        return Err(Fault::Unsupported("a journal on a device of its own".into()));
    }
    let mut tally = Tally::default();
    let mut volume = Volume::new(artifact.blob.clone(), sb);
    fact.n_entries = walk(&mut volume, ROOT, out, &mut tally);
    out.facts.file_systems.push(out.row(superblock::OFFSET, size, fact));
    tally.finish(out, superblock::OFFSET, size);
    Ok(())
}

/// The inode of the root directory.
const ROOT: u32 = 2;

/// A file system, and what was read of it.
struct Volume {
    image: Blob,
    blocks: Blocks,
    sb: Superblock,
    pages: Pages,
    /// `bg_inode_table` of groups, in bytes.
    tables: HashMap<u32, u64>,
    /// Blocks of attributes: files with the same attributes share one.
    attributes: HashMap<u64, Attributes>,
    /// Files with several names.
    linked: HashMap<u32, (Node, Blob)>,
    /// How many bytes of directories may still be read: no block belongs to two, so all have less than the image.
    directories_left: u64,
}

impl Volume {
    fn new(image: Blob, sb: Superblock) -> Volume {
        Volume {
            pages: Pages::new(image.clone()),
            blocks: Blocks::new(image.clone(), sb.block_size, sb.blocks_count),
            tables: HashMap::new(),
            attributes: HashMap::new(),
            linked: HashMap::new(),
            directories_left: image.len(),
            image,
            sb,
        }
    }

    /// Reads an inode; the second value is where it stands.
    fn inode(&mut self, number: u32) -> Result<(Inode, u64), Fault> {
        let index = number.checked_sub(1).filter(|_| number <= self.sb.inodes_count);
        let index = index.ok_or(Fault::malformed("inode number", superblock::OFFSET))?;
        let group = index.checked_div(self.sb.inodes_per_group).unwrap_or_default();
        let within = u64::from(index.checked_rem(self.sb.inodes_per_group).unwrap_or_default());
        let offset = self.table(group)?.saturating_add(within.saturating_mul(self.sb.inode_size));
        let size = usize::try_from(self.sb.inode_size).unwrap_or_default();
        let inode = Inode::read(&self.pages.read(offset, size)?, offset)?;
        Ok((inode, offset))
    }

    /// Where the inode table of a group starts.
    fn table(&mut self, group: u32) -> Result<u64, Fault> {
        if let Some(&table) = self.tables.get(&group) {
            return Ok(table);
        }
        let at = self.sb.descriptor_offset(group).ok_or(Fault::malformed("block group", superblock::OFFSET))?;
        let bytes = self.pages.read(at, usize::try_from(self.sb.desc_size).unwrap_or_default())?;
        let mut reader = Reader::at(&bytes, at);
        reader.skip(8, "bg_block_bitmap_lo")?;
        let low = u64::from(reader.u32_le("bg_inode_table_lo")?);
        let high = match reader.seek(0x28, "bg_inode_table_hi") {
            Ok(()) if !reader.is_empty() => u64::from(reader.u32_le("bg_inode_table_hi")?),
            _ => 0,
        };
        let block = low | high << 32;
        if block == 0 || self.sb.blocks_count <= block {
            return Err(Fault::malformed("bg_inode_table", at.saturating_add(8)));
        }
        let table = block.saturating_mul(self.sb.block_size);
        self.tables.insert(group, table);
        Ok(table)
    }

    /// The attributes of an inode, from its own bytes and from its block. What was read before a fault stays in `found`.
    fn read_attributes(&mut self, inode: &Inode, at: u64, found: &mut Attributes) -> Result<(), Fault> {
        let mut reader = Reader::at(&inode.extra, at);
        if 4 <= reader.remaining() && reader.u32_le("h_magic")? == attributes::MAGIC {
            let values = reader.rest();
            attributes::read_entries(&mut reader, values, found, &mut |number, len| self.value(number, len))?;
        }
        if inode.file_acl == 0 {
            return Ok(());
        }
        if !self.attributes.contains_key(&inode.file_acl) {
            let mut block = Attributes::default();
            let result = self.read_attribute_block(inode.file_acl, &mut block);
            // A block that is broken is told for every file that it belongs to.
            if let Err(fault) = result {
                found.fill(&block);
                return Err(fault);
            }
            if ATTRIBUTE_BLOCKS_MAX <= self.attributes.len() {
                self.attributes.clear();
            }
            self.attributes.insert(inode.file_acl, block);
        }
        if let Some(block) = self.attributes.get(&inode.file_acl) {
            found.fill(block);
        }
        Ok(())
    }

    fn read_attribute_block(&mut self, block: u64, found: &mut Attributes) -> Result<(), Fault> {
        let at = block.saturating_mul(self.sb.block_size);
        if self.sb.blocks_count <= block {
            return Err(Fault::malformed("i_file_acl", at));
        }
        let bytes = self.image.read_at(at, self.sb.block_size)?;
        let mut reader = Reader::at(&bytes, at);
        if reader.u32_le("h_magic")? != attributes::MAGIC {
            return Err(Fault::malformed("h_magic", at));
        }
        reader.seek(ATTRIBUTE_HEADER_LEN, "h_reserved")?;
        attributes::read_entries(&mut reader, &bytes, found, &mut |number, len| self.value(number, len))
    }

    /// The value of an attribute that is an inode of its own.
    fn value(&mut self, number: u32, len: usize) -> Result<Vec<u8>, Fault> {
        let (inode, at) = self.inode(number)?;
        let (blob, _) = self.content(&inode, at, &Attributes::default())?;
        blob.read_at(0, len as u64)
    }

    /// The bytes of a file, directory or long link, and why not all of them can be read.
    fn content(&mut self, inode: &Inode, at: u64, found: &Attributes) -> Result<(Blob, Option<Fault>), Fault> {
        let large = inode.kind() == Some(NodeKind::File) || self.sb.incompat(superblock::INCOMPAT_LARGEDIR);
        let size = if large { inode.size } else { inode.size & u64::from(u32::MAX) };
        // Blocks of a file are numbered by 32 bits.
        if u64::from(u32::MAX).saturating_mul(self.sb.block_size) < size {
            return Err(Fault::malformed("i_size", at));
        }
        if inode.has(inode::INLINE_DATA_FL) {
            let bytes = [&inode.block, found.data.as_deref().unwrap_or_default()].concat();
            let extent = Extent { offset: 0, len: bytes.len() as u64, from: Origin::Blob(Blob::from_bytes(bytes), 0) };
            return Ok((Blob::mapped(size, vec![extent]), None));
        }
        let mut map = Map::new(&self.blocks, size);
        let at = at.saturating_add(I_BLOCK_OFFSET);
        if inode.has(inode::EXTENTS_FL) {
            map.read_extents(&inode.block, at);
        } else {
            map.read_block_map(&inode.block, at);
        }
        Ok(map.runs.content())
    }

    /// Where a symbolic link points to.
    fn target(&mut self, inode: &Inode, at: u64, found: &Attributes) -> Result<Vec<u8>, Fault> {
        if self.sb.block_size < inode.size {
            return Err(Fault::malformed("i_size", at));
        }
        let fast = inode.size < inode::BLOCK_LEN as u64 && !inode.has(inode::EXTENTS_FL | inode::INLINE_DATA_FL);
        if fast {
            return Reader::at(&inode.block, at)
                .padded(usize::try_from(inode.size).unwrap_or_default(), "i_block")
                .map(<[u8]>::to_vec);
        }
        let (blob, _) = self.content(inode, at, found)?;
        blob.read_at(0, blob.len())
    }
}

impl Directories for Volume {
    type Id = u32;

    fn key(&self, id: &u32) -> u64 {
        (*id).into()
    }

    fn list(&mut self, directory: &u32, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, u32)> {
        let mut entries = Vec::new();
        if let Err(fault) = self.read_directory(*directory, path, tally, &mut entries) {
            tally.fault("directories are not listed, or in part", path, &fault);
        }
        entries
    }

    fn open(&mut self, id: &u32, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault> {
        if let Some(known) = self.linked.get(id) {
            return Ok(known.clone());
        }
        let (inode, at) = self.inode(*id)?;
        let kind = inode.kind().ok_or(Fault::malformed("i_mode", at))?;
        if inode.links_count == 0 {
            return Err(Fault::malformed("i_links_count", at));
        }
        let mut node = Node {
            kind,
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            ..Node::default()
        };
        let mut found = Attributes::default();
        let result = self.read_attributes(&inode, at, &mut found);
        if let Err(fault) = result.and(found.describe(&mut node, at)) {
            tally.fault("entries have attributes that cannot be read", path, &fault);
        }
        let mut blob = Blob::empty();
        let encrypted = inode.has(inode::ENCRYPT_FL);
        match kind {
            NodeKind::File if encrypted => {
                tally.add("files are encrypted", path);
                let fault = Fault::Unsupported("encrypted file".into());
                blob =
                    Blob::mapped(inode.size, vec![Extent { offset: 0, len: inode.size, from: Origin::Missing(fault) }]);
            }
            NodeKind::File => {
                let (content, fault) = self.content(&inode, at, &found)?;
                if let Some(fault) = fault {
                    tally.fault("files cannot be read, or in part", path, &fault);
                }
                blob = content;
            }
            NodeKind::Symlink if encrypted => tally.add("links are encrypted", path),
            NodeKind::Symlink => match self.target(&inode, at, &found) {
                Ok(target) => node.target = Some(model::path_name(&target)),
                Err(fault) => tally.fault("links cannot be read", path, &fault),
            },
            NodeKind::CharDevice | NodeKind::BlockDevice => node.device = inode.device(),
            NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => {}
        }
        if kind == NodeKind::File && 1 < inode.links_count {
            self.linked.insert(*id, (node.clone(), blob.clone()));
        }
        Ok((node, blob))
    }
}

/// `i_block` within an inode.
const I_BLOCK_OFFSET: u64 = 0x28;

/// The header of a block of attributes.
const ATTRIBUTE_HEADER_LEN: usize = 32;

/// An image has one for each combination of attributes, a few hundred; a label is at most a block long.
const ATTRIBUTE_BLOCKS_MAX: usize = 4096;
