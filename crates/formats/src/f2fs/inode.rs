//! An inode. Specification: `struct f2fs_inode` of Linux `include/linux/f2fs_fs.h`.

use model::{Fault, Reader};

use super::superblock::{FEATURE_FLEXIBLE_INLINE_XATTR, Superblock};

/// What the reader needs of it.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub mode: u16,
    pub advise: u8,
    inline: u8,
    pub uid: u32,
    pub gid: u32,
    pub links: u32,
    pub size: u64,
    pub xattr_nid: u32,
    pub flags: u32,
    pub compress_algorithm: u8,
    pub log_cluster_size: u8,
    /// Block addresses, or the data or entries of an inline file; without what stands before and behind them.
    pub addrs: Vec<u8>,
    /// Attributes in the inode.
    pub inline_xattr: Vec<u8>,
    /// `i_nid`: two direct nodes, two indirect, one doubly indirect.
    pub nids: [u32; 5],
}

impl Inode {
    /// Reads an inode from its node block, which stands at `at` in the image.
    pub(super) fn read(bytes: &[u8], at: u64, sb: &Superblock) -> Result<Inode, Fault> {
        let mut reader = Reader::at(bytes, at);
        let mode = reader.u16_le("i_mode")?;
        let advise = reader.u8("i_advise")?;
        let inline = reader.u8("i_inline")?;
        let uid = reader.u32_le("i_uid")?;
        let gid = reader.u32_le("i_gid")?;
        let links = reader.u32_le("i_links")?;
        let size = reader.u64_le("i_size")?;
        reader.seek(76, "i_xattr_nid")?;
        let xattr_nid = reader.u32_le("i_xattr_nid")?;
        let flags = reader.u32_le("i_flags")?;

        // `i_addr` starts with the extra attributes and ends with the inline ones.
        let end = bytes.len().saturating_sub(NODE_FOOTER_LEN).saturating_sub(20);
        reader.seek(ADDR, "i_addr")?;
        let mut start = ADDR;
        let (mut xattr_size, mut compress_algorithm, mut log_cluster_size) = (0u16, 0, 0);
        if inline & EXTRA_ATTR != 0 {
            let extra_isize = reader.u16_le("i_extra_isize")?;
            xattr_size = reader.u16_le("i_inline_xattr_size")?;
            if COMPRESS_END <= extra_isize {
                reader.seek(ADDR.saturating_add(32), "i_compress_algorithm")?;
                compress_algorithm = reader.u8("i_compress_algorithm")?;
                log_cluster_size = reader.u8("i_log_cluster_size")?;
            }
            start = start.saturating_add(usize::from(extra_isize & !3));
        }
        if !sb.has(FEATURE_FLEXIBLE_INLINE_XATTR) {
            xattr_size = if inline & (INLINE_XATTR | INLINE_DENTRY) != 0 { DEFAULT_INLINE_XATTR_ADDRS } else { 0 };
        }
        let split = end.saturating_sub(usize::from(xattr_size).saturating_mul(4));
        let addrs = bytes.get(start..split).ok_or(Fault::malformed("i_extra_isize", at.saturating_add(360)))?.to_vec();
        let inline_xattr = match inline & INLINE_XATTR {
            0 => Vec::new(),
            _ => bytes.get(split..end).unwrap_or_default().to_vec(),
        };
        reader.seek(end, "i_nid")?;
        let mut nids = [0; 5];
        for nid in &mut nids {
            *nid = reader.u32_le("i_nid")?;
        }
        Ok(Inode {
            mode,
            advise,
            inline,
            uid,
            gid,
            links,
            size,
            xattr_nid,
            flags,
            compress_algorithm,
            log_cluster_size,
            addrs,
            inline_xattr,
            nids,
        })
    }

    /// The data of a file, or the entries of a directory, that stand in the inode; the first address is reserved.
    pub(super) fn inline_data(&self) -> Option<&[u8]> {
        if self.inline & (INLINE_DATA | INLINE_DENTRY) == 0 { None } else { self.addrs.get(4..) }
    }

    /// Blocks of a cluster of a compressed file.
    pub(super) fn cluster_blocks(&self) -> Option<u64> {
        if self.flags & COMPR_FL == 0 { None } else { Some(1u64.wrapping_shl(self.log_cluster_size.into())) }
    }

    /// Whether names or content are encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.advise & ADVISE_ENCRYPT != 0
    }

    /// Major and minor number: the old encoding in the first address, the new one in the second.
    pub(super) fn device(&self) -> Option<(u32, u32)> {
        let mut reader = Reader::new(&self.addrs);
        let (old, new) = (reader.u32_le("i_addr").ok()?, reader.u32_le("i_addr").ok()?);
        Some(crate::posix::device_of(old, new))
    }
}

/// The footer of every node block.
pub(super) const NODE_FOOTER_LEN: usize = 24;

/// `i_addr`.
const ADDR: usize = 360;

/// From this `i_extra_isize` on, the fields of compression are there.
const COMPRESS_END: u16 = 36;

/// Addresses that attributes take where the size is not flexible.
const DEFAULT_INLINE_XATTR_ADDRS: u16 = 50;

const INLINE_XATTR: u8 = 0x1;
const INLINE_DATA: u8 = 0x2;
const INLINE_DENTRY: u8 = 0x4;
const EXTRA_ATTR: u8 = 0x20;
const ADVISE_ENCRYPT: u8 = 0x4;
const COMPR_FL: u32 = 0x4;
pub(super) const DEVICE_ALIAS_FL: u32 = 0x8000_0000;
