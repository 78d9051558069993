//! The superblock. Specification: Linux `Documentation/filesystems/ext4`, "Super Block".

use model::{Fault, Reader};

/// Where the superblock starts.
pub(super) const OFFSET: u64 = 1024;
/// How long it is.
pub(super) const SIZE: u64 = 1024;
/// `s_magic`, and where it stands.
pub(super) const MAGIC: u16 = 0xef53;
pub(super) const MAGIC_OFFSET: usize = 1024 + 0x38;
pub(super) const LOG_BLOCK_SIZE_OFFSET: usize = 1024 + 0x18;

/// Blocks are 1 KiB to 64 KiB.
pub(super) const LOG_BLOCK_SIZE_MAX: u32 = 6;

/// What the reader needs of it.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    pub inodes_count: u32,
    pub blocks_count: u64,
    pub block_size: u64,
    pub first_data_block: u64,
    pub blocks_per_group: u64,
    pub inodes_per_group: u32,
    pub inode_size: u64,
    pub desc_size: u64,
    pub first_meta_bg: u64,
    pub backup_bgs: [u32; 2],
    pub uuid: [u8; 16],
    pub volume_name: Vec<u8>,
    pub last_mounted: Vec<u8>,
    compat: u32,
    incompat: u32,
    ro_compat: u32,
}

impl Superblock {
    /// Reads the 1024 bytes at [`OFFSET`].
    pub(super) fn read(bytes: &[u8]) -> Result<Superblock, Fault> {
        let u16_at = |at: usize| field(bytes, at).map(u16::from_le_bytes);
        let u32_at = |at: usize| field(bytes, at).map(u32::from_le_bytes);
        if u16_at(0x38)? != MAGIC {
            return Err(malformed("s_magic", 0x38));
        }
        let log_block_size = u32_at(0x18)?;
        if LOG_BLOCK_SIZE_MAX < log_block_size {
            return Err(malformed("s_log_block_size", 0x18));
        }
        let block_size = 1024u64.wrapping_shl(log_block_size);
        // Revision 0 has no features.
        let old = u32_at(0x4c)? == 0;
        let incompat = if old { 0 } else { u32_at(0x60)? };
        let is_64bit = incompat & INCOMPAT_64BIT != 0;
        let high = if is_64bit { u64::from(u32_at(0x150)?) } else { 0 };
        let superblock = Superblock {
            inodes_count: u32_at(0)?,
            blocks_count: u64::from(u32_at(4)?) | high << 32,
            block_size,
            first_data_block: u32_at(0x14)?.into(),
            blocks_per_group: u32_at(0x20)?.into(),
            inodes_per_group: u32_at(0x28)?,
            inode_size: if old { 128 } else { u16_at(0x58)?.into() },
            desc_size: if is_64bit { u16_at(0xfe)?.into() } else { 32 },
            first_meta_bg: u32_at(0x104)?.into(),
            backup_bgs: [u32_at(0x24c)?, u32_at(0x250)?],
            uuid: field(bytes, 0x68)?,
            volume_name: padded(bytes, 0x78, 16)?,
            last_mounted: padded(bytes, 0x88, 64)?,
            compat: if old { 0 } else { u32_at(0x5c)? },
            incompat,
            ro_compat: if old { 0 } else { u32_at(0x64)? },
        };
        let power_of_two = |size: u64, min: u64| size.is_power_of_two() && (min..=block_size).contains(&size);
        if superblock.blocks_per_group == 0 {
            return Err(malformed("s_blocks_per_group", 0x20));
        }
        if superblock.inodes_per_group == 0 {
            return Err(malformed("s_inodes_per_group", 0x28));
        }
        if !power_of_two(superblock.inode_size, 128) {
            return Err(malformed("s_inode_size", 0x58));
        }
        if !power_of_two(superblock.desc_size, 32) {
            return Err(malformed("s_desc_size", 0xfe));
        }
        Ok(superblock)
    }

    /// Whether an incompatible feature is set.
    pub(super) fn incompat(&self, feature: u32) -> bool {
        self.incompat & feature != 0
    }

    /// `ext2`, `ext3` or `ext4`, by the features that came with each.
    pub(super) fn kind(&self) -> &'static str {
        if self.incompat & !EXT3_INCOMPAT != 0 || self.ro_compat & !EXT3_RO_COMPAT != 0 {
            "ext4"
        } else if self.compat & COMPAT_HAS_JOURNAL != 0 {
            "ext3"
        } else {
            "ext2"
        }
    }

    /// The names of all features, as `dumpe2fs` spells them.
    pub(super) fn features(&self) -> Vec<String> {
        let sets = [(self.compat, COMPAT), (self.incompat, INCOMPAT), (self.ro_compat, RO_COMPAT)];
        let mut features = Vec::new();
        for (class, (bits, names)) in "CIR".chars().zip(sets) {
            for bit in (0..32u32).filter(|bit| bits.wrapping_shr(*bit) & 1 != 0) {
                match names.iter().find(|(known, _)| *known == bit) {
                    Some((_, name)) => features.push((*name).to_owned()),
                    None => features.push(format!("FEATURE_{class}{bit}")),
                }
            }
        }
        features
    }

    /// Incompatible features that no version of this reader's specification knows.
    pub(super) fn unknown_incompat(&self) -> u32 {
        INCOMPAT.iter().fold(self.incompat, |bits, (bit, _)| bits & !1u32.wrapping_shl(*bit))
    }

    /// How many bytes the file system says it has.
    pub(super) fn size(&self) -> u64 {
        self.blocks_count.saturating_mul(self.block_size)
    }

    /// Where the descriptor of a group stands in the image ("Block Group Descriptors", "Meta Block Groups").
    pub(super) fn descriptor_offset(&self, group: u32) -> Option<u64> {
        let group = u64::from(group);
        let per_block = self.block_size.checked_div(self.desc_size)?;
        let (index, within) = (group.checked_div(per_block)?, group.checked_rem(per_block)?);
        let superblock_block = OFFSET.checked_div(self.block_size)?;
        let block = if !self.incompat(INCOMPAT_META_BG) || index < self.first_meta_bg {
            superblock_block.checked_add(1)?.checked_add(index)?
        } else {
            let first = index.checked_mul(per_block)?;
            let start = first.checked_mul(self.blocks_per_group)?.checked_add(self.first_data_block)?;
            let start = if first == 0 { superblock_block } else { start };
            start.checked_add(u64::from(self.has_superblock(first)))?
        };
        block.checked_mul(self.block_size)?.checked_add(within.checked_mul(self.desc_size)?)
    }

    /// Whether a group starts with a copy of the superblock.
    fn has_superblock(&self, group: u64) -> bool {
        let power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        if group == 0 {
            true
        } else if self.compat & COMPAT_SPARSE_SUPER2 != 0 {
            self.backup_bgs.iter().any(|&it| u64::from(it) == group)
        } else if self.ro_compat & RO_COMPAT_SPARSE_SUPER != 0 {
            group == 1 || [3, 5, 7].into_iter().any(power_of)
        } else {
            true
        }
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Fault> {
    let mut reader = Reader::at(bytes, OFFSET);
    reader.seek(at, "superblock")?;
    reader.array("superblock")
}

fn padded(bytes: &[u8], at: usize, len: usize) -> Result<Vec<u8>, Fault> {
    let mut reader = Reader::at(bytes, OFFSET);
    reader.seek(at, "superblock")?;
    reader.padded(len, "superblock").map(<[u8]>::to_vec)
}

fn malformed(what: &'static str, at: u64) -> Fault {
    Fault::malformed(what, OFFSET.saturating_add(at))
}

const COMPAT_HAS_JOURNAL: u32 = 0x4;
const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const RO_COMPAT_SPARSE_SUPER: u32 = 0x1;
pub(super) const INCOMPAT_RECOVER: u32 = 0x4;
pub(super) const INCOMPAT_JOURNAL_DEV: u32 = 0x8;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
pub(super) const INCOMPAT_LARGEDIR: u32 = 0x4000;

/// filetype, recover, journal_dev, meta_bg.
const EXT3_INCOMPAT: u32 = 0x1e;
/// sparse_super, large_file.
const EXT3_RO_COMPAT: u32 = 0x3;

const COMPAT: &[(u32, &str)] = &[
    (0, "dir_prealloc"),
    (1, "imagic_inodes"),
    (2, "has_journal"),
    (3, "ext_attr"),
    (4, "resize_inode"),
    (5, "dir_index"),
    (6, "lazy_bg"),
    (8, "snapshot_bitmap"),
    (9, "sparse_super2"),
    (10, "fast_commit"),
    (11, "stable_inodes"),
    (12, "orphan_file"),
];

const INCOMPAT: &[(u32, &str)] = &[
    (0, "compression"),
    (1, "filetype"),
    (2, "needs_recovery"),
    (3, "journal_dev"),
    (4, "meta_bg"),
    (6, "extent"),
    (7, "64bit"),
    (8, "mmp"),
    (9, "flex_bg"),
    (10, "ea_inode"),
    (12, "dirdata"),
    (13, "metadata_csum_seed"),
    (14, "large_dir"),
    (15, "inline_data"),
    (16, "encrypt"),
    (17, "casefold"),
];

const RO_COMPAT: &[(u32, &str)] = &[
    (0, "sparse_super"),
    (1, "large_file"),
    (3, "huge_file"),
    (4, "uninit_bg"),
    (5, "dir_nlink"),
    (6, "extra_isize"),
    (8, "quota"),
    (9, "bigalloc"),
    (10, "metadata_csum"),
    (11, "replica"),
    (12, "read-only"),
    (13, "project"),
    (14, "shared_blocks"),
    (15, "verity"),
    (16, "orphan_present"),
];
