//! An inode. Specification: Linux `Documentation/filesystems/ext4`, "Index Nodes".

use model::{Fault, NodeKind, Reader};

use crate::posix;

/// What the reader needs of it.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    /// `i_size_lo` and `i_size_high`.
    pub size: u64,
    pub links_count: u16,
    pub flags: u32,
    /// `i_block`: a block map, an extent tree, the target of a short link, or the first bytes of the file.
    pub block: [u8; BLOCK_LEN],
    /// Block of extended attributes, or 0.
    pub file_acl: u64,
    /// What follows the fixed fields: extended attributes.
    pub extra: Vec<u8>,
}

/// Bytes of `i_block`.
pub(super) const BLOCK_LEN: usize = 60;

impl Inode {
    /// Reads an inode that stands at `offset` in the image.
    pub(super) fn read(bytes: &[u8], offset: u64) -> Result<Inode, Fault> {
        let mut reader = Reader::at(bytes, offset);
        let mode = reader.u16_le("i_mode")?;
        let uid_low = reader.u16_le("i_uid")?;
        let size_low = reader.u32_le("i_size_lo")?;
        reader.skip(16, "i_atime")?;
        let gid_low = reader.u16_le("i_gid")?;
        let links_count = reader.u16_le("i_links_count")?;
        reader.skip(4, "i_blocks_lo")?;
        let flags = reader.u32_le("i_flags")?;
        reader.skip(4, "osd1")?;
        let block = reader.array("i_block")?;
        reader.skip(4, "i_generation")?;
        let file_acl_low = reader.u32_le("i_file_acl_lo")?;
        let size_high = reader.u32_le("i_size_high")?;
        reader.skip(6, "i_obso_faddr")?;
        let file_acl_high = reader.u16_le("l_i_file_acl_high")?;
        let uid_high = reader.u16_le("l_i_uid_high")?;
        let gid_high = reader.u16_le("l_i_gid_high")?;
        reader.skip(4, "l_i_checksum_lo")?;
        // An inode of 128 bytes ends here.
        let extra = match reader.is_empty() {
            true => Vec::new(),
            false => {
                let extra_isize = usize::from(reader.u16_le("i_extra_isize")?);
                reader.seek(FIXED_LEN.saturating_add(extra_isize), "i_extra_isize")?;
                reader.rest().to_vec()
            }
        };
        Ok(Inode {
            mode,
            uid: u32::from(uid_low) | u32::from(uid_high) << 16,
            gid: u32::from(gid_low) | u32::from(gid_high) << 16,
            size: u64::from(size_low) | u64::from(size_high) << 32,
            links_count,
            flags,
            block,
            file_acl: u64::from(file_acl_low) | u64::from(file_acl_high) << 32,
            extra,
        })
    }

    /// What `i_mode` says it is.
    pub(super) fn kind(&self) -> Option<NodeKind> {
        posix::kind_of(self.mode)
    }

    /// Whether a flag of `i_flags` is set.
    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Major and minor number: the old encoding in the first word of `i_block`, the new one in the second.
    pub(super) fn device(&self) -> Option<(u32, u32)> {
        let mut reader = Reader::new(&self.block);
        let old = reader.u32_le("i_block").ok()?;
        let new = reader.u32_le("i_block").ok()?;
        Some(posix::device_of(old, new))
    }
}

/// The fields that every inode has.
const FIXED_LEN: usize = 128;

pub(super) const ENCRYPT_FL: u32 = 0x800;
pub(super) const EXTENTS_FL: u32 = 0x8_0000;
pub(super) const INLINE_DATA_FL: u32 = 0x1000_0000;
