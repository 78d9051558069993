//! The superblock and its copy. Specification: `struct f2fs_super_block` of Linux `include/linux/f2fs_fs.h`.

use model::{Fault, Reader};

use super::crc::crc;

/// The superblock stands this far into block 0, and its copy as far into block 1.
pub(super) const OFFSET: u64 = 1024;
/// How long it is.
pub(super) const SIZE: u64 = 3072;
/// `magic`, which also seeds the checksums.
pub(super) const MAGIC: u32 = 0xf2f5_2010;

/// What the reader needs of it.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub log_block_size: u32,
    pub log_blocks_per_seg: u32,
    pub block_count: u64,
    pub segment_count_nat: u32,
    pub cp_blkaddr: u32,
    pub nat_blkaddr: u32,
    pub root_ino: u32,
    pub uuid: [u8; 16],
    pub volume_name: String,
    pub cp_payload: u32,
    feature: u32,
    /// Whether blocks lie on further devices.
    pub multi_device: bool,
}

/// Whether a superblock starts here.
pub(super) fn matches(bytes: &[u8]) -> bool {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    word(0) == Some(MAGIC) && word(0x10).is_some_and(|it| LOG_BLOCK_SIZES.contains(&it))
}

impl Superblock {
    /// Reads the [`SIZE`] bytes of a superblock that starts at `at`.
    pub(super) fn read(bytes: &[u8], at: u64) -> Result<Superblock, Fault> {
        let mut reader = Reader::at(bytes, at);
        if reader.u32_le("magic")? != MAGIC {
            return Err(Fault::malformed("magic", at));
        }
        reader.skip(12, "major_ver")?;
        let log_block_size = reader.u32_le("log_blocksize")?;
        let log_blocks_per_seg = reader.u32_le("log_blocks_per_seg")?;
        reader.skip(8, "segs_per_sec")?;
        let checksum_offset = reader.u32_le("checksum_offset")?;
        let block_count = reader.u64_le("block_count")?;
        reader.skip(16, "section_count")?;
        let segment_count_nat = reader.u32_le("segment_count_nat")?;
        reader.skip(12, "segment_count_ssa")?;
        let cp_blkaddr = reader.u32_le("cp_blkaddr")?;
        reader.skip(4, "sit_blkaddr")?;
        let nat_blkaddr = reader.u32_le("nat_blkaddr")?;
        reader.skip(8, "ssa_blkaddr")?;
        let root_ino = reader.u32_le("root_ino")?;
        reader.skip(8, "node_ino")?;
        let uuid = reader.array("uuid")?;
        let name = reader.take(1024, "volume_name")?;
        let name = name.chunks_exact(2).map(|it| u16::from_le_bytes(it.try_into().unwrap_or_default()));
        let name: Vec<u16> = name.take_while(|&it| it != 0).collect();
        reader.seek(0x680, "cp_payload")?;
        let cp_payload = reader.u32_le("cp_payload")?;
        reader.seek(0x884, "feature")?;
        let feature = reader.u32_le("feature")?;
        reader.seek(0x899, "devs")?;
        let devices = reader.take(8 * DEVICE_LEN, "devs")?;
        let superblock = Superblock {
            log_block_size,
            log_blocks_per_seg,
            block_count,
            segment_count_nat,
            cp_blkaddr,
            nat_blkaddr,
            root_ino,
            uuid,
            volume_name: String::from_utf16_lossy(&name),
            cp_payload,
            feature,
            multi_device: devices.get(DEVICE_LEN).is_some_and(|&it| it != 0),
        };
        if !LOG_BLOCK_SIZES.contains(&log_block_size) {
            return Err(Fault::malformed("log_blocksize", at.saturating_add(0x10)));
        }
        if LOG_BLOCKS_PER_SEG_MAX < log_blocks_per_seg {
            return Err(Fault::malformed("log_blocks_per_seg", at.saturating_add(0x14)));
        }
        if superblock.has(FEATURE_SB_CHKSUM) {
            let end = usize::try_from(checksum_offset).unwrap_or(usize::MAX);
            reader.seek(end, "checksum_offset")?;
            if bytes.get(..end).map(|it| crc(MAGIC, it)) != Some(reader.u32_le("crc")?) {
                return Err(Fault::malformed("crc", at.saturating_add(checksum_offset.into())));
            }
        }
        Ok(superblock)
    }

    /// Whether a feature is set.
    pub(super) fn has(&self, feature: u32) -> bool {
        self.feature & feature != 0
    }

    /// The names of all features, as `mkfs.f2fs` spells them.
    pub(super) fn features(&self) -> Vec<String> {
        let bits = (0..32u32).filter(|bit| self.feature.wrapping_shr(*bit) & 1 != 0);
        bits.map(|bit| match FEATURES.get(usize::try_from(bit).unwrap_or(usize::MAX)) {
            Some(name) => (*name).to_owned(),
            None => format!("feature_{bit}"),
        })
        .collect()
    }

    /// Bytes of a block.
    pub(super) fn block_size(&self) -> u64 {
        1u64.wrapping_shl(self.log_block_size)
    }

    /// Blocks of a segment.
    pub(super) fn blocks_per_seg(&self) -> u64 {
        1u64.wrapping_shl(self.log_blocks_per_seg)
    }
}

pub(super) const FEATURE_FLEXIBLE_INLINE_XATTR: u32 = 0x40;
const FEATURE_SB_CHKSUM: u32 = 0x800;

const FEATURES: &[&str] = &[
    "encrypt",
    "blkzoned",
    "atomic_write",
    "extra_attr",
    "project_quota",
    "inode_checksum",
    "flexible_inline_xattr",
    "quota",
    "inode_crtime",
    "lost_found",
    "verity",
    "sb_checksum",
    "casefold",
    "compression",
    "ro",
    "device_alias",
    "packed_ssa",
];

/// Blocks are as long as a page of memory: 4 KiB to 64 KiB.
const LOG_BLOCK_SIZES: std::ops::RangeInclusive<u32> = 12..=16;

/// Segments have 512 blocks; the reader needs only that a shift by it is sound.
const LOG_BLOCKS_PER_SEG_MAX: u32 = 16;

/// `struct f2fs_device`.
const DEVICE_LEN: usize = 68;
