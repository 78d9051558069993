//! Inodes and their extended attributes.

use model::{Fault, FileCapability, Node, NodeKind, Reader};

use super::superblock::PLAIN_XATTR_PFX;
use super::volume::Volume;
use crate::posix;

/// `erofs_inode_compact` or `erofs_inode_extended`.
#[derive(Debug, Clone)]
pub struct Inode {
    pub layout: Layout,
    pub mode: u16,
    pub size: u64,
    pub uid: u32,
    pub gid: u32,
    /// `i_u`: a block address, a device number or a chunk format.
    pub i_u: u32,
    /// Where the attributes start.
    xattr_offset: u64,
    /// Where what comes behind inode and attributes starts: inline data or an index.
    pub body_offset: u64,
}

/// How the data is stored (`EROFS_INODE_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    FlatPlain,
    CompressedFull,
    FlatInline,
    CompressedCompact,
    ChunkBased,
}

impl Inode {
    pub fn read(volume: &Volume, nid: u64) -> Result<Inode, Fault> {
        let base = volume.superblock.block_offset(volume.superblock.meta_blkaddr.into());
        let offset =
            nid.checked_mul(SLOT_SIZE).and_then(|it| it.checked_add(base)).ok_or(Fault::malformed("nid", base))?;
        let head: [u8; 32] = volume.array(offset)?;
        let mut reader = Reader::at(&head, offset);
        let i_format = reader.u16_le("i_format")?;
        if i_format >> 4 != 0 {
            return Err(Fault::Unsupported(format!("i_format {i_format:#x}")));
        }
        let layout = match i_format >> 1 & 7 {
            0 => Layout::FlatPlain,
            1 => Layout::CompressedFull,
            2 => Layout::FlatInline,
            3 => Layout::CompressedCompact,
            4 => Layout::ChunkBased,
            other => return Err(Fault::Unsupported(format!("data layout {other}"))),
        };
        let icount = u64::from(reader.u16_le("i_xattr_icount")?);
        let xattr_size = if icount == 0 { 0 } else { icount.saturating_mul(4).saturating_add(XATTR_HEADER - 4) };
        let mode = reader.u16_le("i_mode")?;
        reader.skip(2, "i_nlink")?;
        let (size, i_u, uid, gid, inode_size);
        if i_format & 1 == 0 {
            size = u64::from(reader.u32_le("i_size")?);
            reader.skip(4, "i_reserved")?;
            i_u = reader.u32_le("i_u")?;
            reader.skip(4, "i_ino")?;
            uid = u32::from(reader.u16_le("i_uid")?);
            gid = u32::from(reader.u16_le("i_gid")?);
            inode_size = 32u64;
        } else {
            size = reader.u64_le("i_size")?;
            i_u = reader.u32_le("i_u")?;
            reader.skip(4, "i_ino")?;
            uid = reader.u32_le("i_uid")?;
            gid = reader.u32_le("i_gid")?;
            inode_size = 64;
        }
        let xattr_offset = offset.saturating_add(inode_size);
        let body_offset = xattr_offset.saturating_add(xattr_size);
        Ok(Inode { layout, mode, size, uid, gid, i_u, xattr_offset, body_offset })
    }

    /// How many bytes of attributes stand in the inode.
    pub fn xattr_size(&self) -> u64 {
        self.body_offset.saturating_sub(self.xattr_offset)
    }

    /// The entry without its attributes and target.
    pub fn node(&self, kind: NodeKind) -> Node {
        let device = matches!(kind, NodeKind::CharDevice | NodeKind::BlockDevice).then(|| {
            // Linux, `new_decode_dev`.
            (self.i_u >> 8 & 0xfff, self.i_u & 0xff | self.i_u >> 12 & 0xf_ff00)
        });
        Node {
            kind,
            mode: Some(self.mode & 0o7777),
            uid: Some(self.uid),
            gid: Some(self.gid),
            device,
            ..Node::default()
        }
    }

    /// Adds what the extended attributes say.
    pub fn attributes(&self, volume: &Volume, prefixes: &[Prefix], node: &mut Node) -> Result<(), Fault> {
        let len = self.xattr_size();
        if len == 0 {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        volume.read(self.xattr_offset, &mut bytes)?;
        let mut reader = Reader::at(&bytes, self.xattr_offset);
        reader.skip(4, "h_name_filter")?;
        let n_shared = reader.u8("h_shared_count")?;
        reader.skip(7, "h_reserved2")?;
        let mut fault = None;
        for _ in 0..n_shared {
            let id = reader.u32_le("h_shared_xattrs")?;
            let offset = volume.superblock.block_offset(volume.superblock.xattr_blkaddr.into());
            let offset = offset.saturating_add(u64::from(id).saturating_mul(4));
            // One broken attribute does not hide the others.
            fault = fault.or(shared_attribute(volume, offset, prefixes, node).err());
        }
        while XATTR_ENTRY <= reader.remaining() as u64 {
            let start = reader.position();
            attribute(&mut reader, prefixes, node)?;
            let end = start.saturating_add(reader.position().saturating_sub(start).next_multiple_of(4));
            if reader.seek(end, "e_value").is_err() {
                break;
            }
        }
        fault.map_or(Ok(()), Err)
    }
}

/// `erofs_xattr_entry`, here and in the shared area.
fn attribute(reader: &mut Reader<'_>, prefixes: &[Prefix], node: &mut Node) -> Result<(), Fault> {
    let name_len = usize::from(reader.u8("e_name_len")?);
    let index = reader.u8("e_name_index")?;
    let value_size = usize::from(reader.u16_le("e_value_size")?);
    let name = reader.take(name_len, "e_name")?;
    let value = reader.take(value_size, "e_value")?;
    let no_infix = Prefix { base_index: index, infix: Vec::new() };
    let prefix = match index & LONG_PREFIX {
        0 => &no_infix,
        _ => {
            prefixes.get(usize::from(index & !LONG_PREFIX)).ok_or(Fault::malformed("e_name_index", reader.offset()))?
        }
    };
    if prefix.base_index != INDEX_SECURITY {
        return Ok(());
    }
    let is = |wanted: &[u8]| wanted.strip_prefix(prefix.infix.as_slice()) == Some(name);
    if is(b"selinux") {
        node.selinux = Some(posix::label_of(value));
    } else if is(b"capability") {
        node.capability = FileCapability::read(value);
        if node.capability.is_none() {
            return Err(Fault::malformed("security.capability", reader.offset()));
        }
    }
    Ok(())
}

fn shared_attribute(volume: &Volume, offset: u64, prefixes: &[Prefix], node: &mut Node) -> Result<(), Fault> {
    let head: [u8; 4] = volume.array(offset)?;
    let [name_len, _, low, high] = head;
    let len = u64::from(name_len).saturating_add(u16::from_le_bytes([low, high]).into()).saturating_add(XATTR_ENTRY);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    volume.read(offset, &mut bytes)?;
    attribute(&mut Reader::at(&bytes, offset), prefixes, node)
}

/// `erofs_xattr_long_prefix`: the part of attribute names that an image states once.
pub struct Prefix {
    base_index: u8,
    infix: Vec<u8>,
}

/// The table of prefixes. `packed` holds it where the image says so.
pub fn prefixes(volume: &Volume, packed: Option<&model::Blob>) -> Result<Vec<Prefix>, Fault> {
    let superblock = &volume.superblock;
    let blob = match packed {
        Some(packed) if superblock.feature_compat & PLAIN_XATTR_PFX == 0 => packed,
        _ => &volume.blob,
    };
    let mut prefixes = Vec::new();
    let mut offset = u64::from(superblock.xattr_prefix_start).saturating_mul(4);
    for _ in 0..superblock.xattr_prefix_count {
        let len = u64::from(Reader::new(&blob.read_at(offset, 2)?).u16_le("xattr prefix")?);
        offset = offset.saturating_add(2);
        let bytes = blob.read_at(offset, len)?;
        let (&base_index, infix) = bytes.split_first().ok_or(Fault::malformed("xattr prefix", offset))?;
        prefixes.push(Prefix { base_index, infix: infix.to_vec() });
        offset = offset.saturating_add(len).checked_next_multiple_of(4).unwrap_or(u64::MAX);
    }
    Ok(prefixes)
}

/// An inode stands at a multiple of this, and its number counts these.
const SLOT_SIZE: u64 = 32;

const XATTR_HEADER: u64 = 12;
const XATTR_ENTRY: u64 = 4;
const LONG_PREFIX: u8 = 0x80;
const INDEX_SECURITY: u8 = 6;
