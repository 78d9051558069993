//! Inodes and their extended attributes.

use model::{Fault, FileCapability, Node, NodeKind};

use super::volume::{Cursor, METADATA_SIZE, Volume};
use crate::posix;

/// An inode.
pub struct Inode {
    pub kind: NodeKind,
    pub mode: u16,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub body: Body,
    xattr: u32,
}

/// What only some inodes have.
pub enum Body {
    /// The listing: its metadata block, the offset there, and its length.
    Directory {
        block: u32,
        offset: u16,
        size: u32,
    },
    File(File),
    Symlink(Vec<u8>),
    Device(u32),
    Other,
}

/// The data of a file. The sizes of its blocks follow the inode.
#[derive(Clone, Copy)]
pub struct File {
    pub start: u64,
    pub size: u64,
    pub fragment: Option<(u32, u32)>,
}

impl Inode {
    /// Reads an inode. What is behind the cursor afterwards are the sizes of a file's blocks.
    pub fn read<'a>(volume: &'a Volume, reference: u64) -> Result<(Inode, Cursor<'a>), Fault> {
        let at = volume.superblock.inode_table.saturating_add(reference >> 16);
        let mut cursor = Cursor::at(volume, volume.superblock.inode_table, reference)?;
        let kind = cursor.u16()?;
        let mode = cursor.u16()? & 0o7777;
        let uid = volume.ids.get(usize::from(cursor.u16()?)).copied();
        let gid = volume.ids.get(usize::from(cursor.u16()?)).copied();
        cursor.array::<8>()?;
        let extended = 7 < kind;
        let mut xattr = NO_XATTR;
        let (node_kind, body) = match kind {
            1 => {
                let block = cursor.u32()?;
                cursor.u32()?;
                let size = u32::from(cursor.u16()?);
                (NodeKind::Directory, Body::Directory { block, offset: cursor.u16()?, size })
            }
            8 => {
                cursor.u32()?;
                let (size, block) = (cursor.u32()?, cursor.u32()?);
                cursor.u32()?;
                cursor.u16()?;
                let offset = cursor.u16()?;
                xattr = cursor.u32()?;
                (NodeKind::Directory, Body::Directory { block, offset, size })
            }
            2 => {
                let start = u64::from(cursor.u32()?);
                let fragment = (cursor.u32()?, cursor.u32()?);
                let size = u64::from(cursor.u32()?);
                (NodeKind::File, Body::File(File { start, size, fragment: Some(fragment) }))
            }
            9 => {
                let (start, size) = (cursor.u64()?, cursor.u64()?);
                cursor.array::<12>()?;
                let fragment = (cursor.u32()?, cursor.u32()?);
                xattr = cursor.u32()?;
                (NodeKind::File, Body::File(File { start, size, fragment: Some(fragment) }))
            }
            3 | 10 => {
                cursor.u32()?;
                let size = cursor.u32()?;
                if TARGET_MAX < size {
                    return Err(Fault::Limit { what: "bytes of a link", bound: TARGET_MAX.into() });
                }
                let target = cursor.take(usize::try_from(size).unwrap_or(0))?;
                (NodeKind::Symlink, Body::Symlink(target))
            }
            4 | 5 | 11 | 12 => {
                cursor.u32()?;
                let device = cursor.u32()?;
                let kind = if matches!(kind, 4 | 11) { NodeKind::BlockDevice } else { NodeKind::CharDevice };
                (kind, Body::Device(device))
            }
            6 | 7 | 13 | 14 => {
                cursor.u32()?;
                (if matches!(kind, 6 | 13) { NodeKind::Fifo } else { NodeKind::Socket }, Body::Other)
            }
            _ => return Err(Fault::malformed("inode_type", at)),
        };
        if extended && !matches!(kind, 8 | 9) {
            xattr = cursor.u32()?;
        }
        let body = match body {
            Body::File(file) => Body::File(File { fragment: file.fragment.filter(|it| it.0 != NO_FRAGMENT), ..file }),
            other => other,
        };
        Ok((Inode { kind: node_kind, mode, uid, gid, body, xattr }, cursor))
    }

    /// The entry without its attributes.
    pub fn node(&self) -> Node {
        let mut node = Node { kind: self.kind, mode: Some(self.mode), uid: self.uid, gid: self.gid, ..Node::default() };
        match &self.body {
            // Linux, `new_decode_dev`.
            Body::Device(device) => {
                node.device = Some((device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00));
            }
            Body::Symlink(target) => node.target = Some(model::path_name(target)),
            _ => {}
        }
        node
    }

    /// Adds what the extended attributes say. Returns how many bytes were read for it.
    pub fn attributes(&self, volume: &Volume, node: &mut Node) -> Result<u64, Fault> {
        let Some(xattrs) = volume.xattrs.as_ref().filter(|_| self.xattr != NO_XATTR) else { return Ok(0) };
        let malformed = Fault::malformed("xattr_idx", xattrs.values);
        if xattrs.n_sets <= self.xattr {
            return Err(malformed);
        }
        let offset = u64::from(self.xattr).saturating_mul(16);
        let block = usize::try_from(offset / METADATA_SIZE).ok().and_then(|it| xattrs.locations.get(it));
        let mut cursor = Cursor::new(volume, *block.ok_or(malformed.clone())?, offset % METADATA_SIZE)?;
        let (reference, count, _) = (cursor.u64()?, cursor.u32()?, cursor.u32()?);
        if ATTRIBUTES_MAX < count {
            return Err(Fault::Limit { what: "attributes of an inode", bound: ATTRIBUTES_MAX.into() });
        }
        let mut cursor = Cursor::at(volume, xattrs.values, reference)?;
        let mut len = 0u64;
        for _ in 0..count {
            let kind = cursor.u16()?;
            let name_size = usize::from(cursor.u16()?);
            let name = cursor.take(name_size)?;
            let mut size = cursor.u32()?;
            if VALUE_MAX < size {
                return Err(Fault::Limit { what: "bytes of an attribute", bound: VALUE_MAX.into() });
            }
            let mut value = cursor.take(usize::try_from(size).unwrap_or(0))?;
            if kind & OUT_OF_LINE != 0 {
                // The value is where the value is.
                let reference = u64::from_le_bytes(value.try_into().map_err(|_| malformed.clone())?);
                let mut cursor = Cursor::at(volume, xattrs.values, reference)?;
                size = cursor.u32()?;
                if VALUE_MAX < size {
                    return Err(Fault::Limit { what: "bytes of an attribute", bound: VALUE_MAX.into() });
                }
                value = cursor.take(usize::try_from(size).unwrap_or(0))?;
            }
            len = len.saturating_add(name_size as u64).saturating_add(size.into());
            if kind & 0xff != SECURITY {
                continue;
            }
            match name.as_slice() {
                b"selinux" => node.selinux = Some(posix::label_of(&value)),
                b"capability" => {
                    node.capability = Some(FileCapability::read(&value).ok_or(malformed.clone())?);
                }
                _ => {}
            }
        }
        Ok(len)
    }
}

/// `PATH_MAX` of Linux.
const TARGET_MAX: u32 = 4096;

/// `XATTR_SIZE_MAX` of Linux.
const VALUE_MAX: u32 = 64 << 10;

/// Files of Android have two or three.
const ATTRIBUTES_MAX: u32 = 1000;

const NO_FRAGMENT: u32 = u32::MAX;
const NO_XATTR: u32 = u32::MAX;
const SECURITY: u16 = 2;
const OUT_OF_LINE: u16 = 0x100;
