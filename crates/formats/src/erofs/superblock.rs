//! The superblock, the device table and the prefixes of long attribute names.

use model::{Blob, Fault, Reader};

/// Where the superblock stands.
pub const OFFSET: u64 = 1024;

/// How long it is without its extension slots.
pub const SIZE: u64 = 128;

/// `erofs_super_block`.
pub struct Superblock {
    pub feature_compat: u32,
    pub feature_incompat: u32,
    pub block_bits: u32,
    pub root_nid: u64,
    pub blocks: u32,
    pub meta_blkaddr: u32,
    pub xattr_blkaddr: u32,
    pub uuid: [u8; 16],
    pub volume_name: Vec<u8>,
    /// Bit n: the algorithm of that number occurs.
    pub available_compr_algs: u16,
    pub xattr_prefix_count: u8,
    pub xattr_prefix_start: u32,
    pub packed_nid: u64,
    /// The devices besides this one.
    pub devices: Vec<Device>,
}

/// `erofs_deviceslot`: another image that holds data of this one.
pub struct Device {
    blocks: u32,
    mapped_blkaddr: u32,
}

impl Superblock {
    pub fn read(blob: &Blob) -> Result<Superblock, Fault> {
        let bytes = blob.read_at(OFFSET, SIZE)?;
        let mut reader = Reader::at(&bytes, OFFSET);
        reader.expect(&MAGIC, "magic")?;
        reader.skip(4, "checksum")?;
        let feature_compat = reader.u32_le("feature_compat")?;
        let block_bits = u32::from(reader.u8("blkszbits")?);
        reader.skip(1, "sb_extslots")?;
        let root_nid = u64::from(reader.u16_le("root_nid")?);
        reader.skip(8, "inos")?;
        reader.skip(12, "build_time")?;
        let blocks = reader.u32_le("blocks")?;
        let meta_blkaddr = reader.u32_le("meta_blkaddr")?;
        let xattr_blkaddr = reader.u32_le("xattr_blkaddr")?;
        let uuid = reader.array("uuid")?;
        let volume_name = reader.padded(16, "volume_name")?.to_vec();
        let feature_incompat = reader.u32_le("feature_incompat")?;
        let algorithms_or_distance = reader.u16_le("available_compr_algs")?;
        let extra_devices = reader.u16_le("extra_devices")?;
        let devt_slotoff = reader.u16_le("devt_slotoff")?;
        let dirblkbits = reader.u8("dirblkbits")?;
        let xattr_prefix_count = reader.u8("xattr_prefix_count")?;
        let xattr_prefix_start = reader.u32_le("xattr_prefix_start")?;
        let packed_nid = reader.u64_le("packed_nid")?;
        if !(BLOCK_BITS_MIN..=BLOCK_BITS_MAX).contains(&block_bits) {
            return Err(Fault::malformed("blkszbits", 1036));
        }
        if dirblkbits != 0 {
            return Err(Fault::Unsupported("directory blocks of another size".into()));
        }
        // Without the list of algorithms there is only one.
        let listed = feature_incompat & COMPR_CFGS != 0;
        let lz4 = feature_incompat & ZERO_PADDING != 0 || algorithms_or_distance != 0;
        let device_table = feature_incompat & DEVICE_TABLE != 0;
        Ok(Superblock {
            feature_compat,
            feature_incompat,
            block_bits,
            root_nid,
            blocks,
            meta_blkaddr,
            xattr_blkaddr,
            uuid,
            volume_name,
            available_compr_algs: if listed { algorithms_or_distance } else { u16::from(lz4) },
            xattr_prefix_count: if feature_incompat & XATTR_PREFIXES != 0 { xattr_prefix_count } else { 0 },
            xattr_prefix_start,
            packed_nid: if feature_incompat & FRAGMENTS != 0 { packed_nid } else { 0 },
            devices: if device_table { devices(blob, devt_slotoff, extra_devices)? } else { Vec::new() },
        })
    }

    /// Bytes per block.
    pub fn block_size(&self) -> u64 {
        1u64.checked_shl(self.block_bits).unwrap_or(0)
    }

    /// Where a block starts.
    pub fn block_offset(&self, block: u64) -> u64 {
        block.saturating_mul(self.block_size())
    }

    /// How far into its block an offset is.
    pub fn in_block(&self, offset: u64) -> u64 {
        offset & self.block_size().saturating_sub(1)
    }

    /// Bits that say that this reader would misread the file system.
    pub fn unknown_features(&self) -> u32 {
        self.feature_incompat & !KNOWN_INCOMPAT
    }

    /// The features by the names of the specification, and the algorithms.
    pub fn features(&self) -> Vec<String> {
        let compat = COMPAT_NAMES.iter().filter(|it| self.feature_compat & it.0 != 0);
        let incompat = INCOMPAT_NAMES.iter().filter(|it| self.feature_incompat & it.0 != 0);
        // One bit stands for two features, told apart by what goes with it.
        let bit_3 = if self.devices.is_empty() { "compr_head2" } else { "device_table" };
        let bit_5 = if self.packed_nid == 0 { "dedupe" } else { "fragments" };
        let shared = [(DEVICE_TABLE, bit_3), (FRAGMENTS, bit_5)];
        let shared = shared.iter().filter(|it| self.feature_incompat & it.0 != 0);
        let algorithms = ALGORITHMS.iter().filter(|it| self.available_compr_algs & it.0 != 0).map(|it| it.1);
        compat.chain(incompat).chain(shared).map(|it| it.1).chain(algorithms).map(str::to_owned).collect()
    }

    /// Whether the checksum fits; `None` if there is none.
    pub fn checksum_fits(&self, blob: &Blob) -> Result<Option<bool>, Fault> {
        if self.feature_compat & SB_CHKSUM == 0 {
            return Ok(None);
        }
        let size = self.block_size();
        let mut bytes = blob.read_at(OFFSET, if OFFSET < size { size.saturating_sub(OFFSET) } else { size })?;
        let stored = Reader::new(bytes.get(4..8).unwrap_or_default()).u32_le("checksum")?;
        if let Some(field) = bytes.get_mut(4..8) {
            field.fill(0);
        }
        Ok(Some(crc32c(&bytes) == stored))
    }

    /// Where data that is said to be on `device` at `offset` lies in this image.
    pub fn locate(&self, device: u16, offset: u64) -> Result<u64, Fault> {
        let n_devices = self.devices.len();
        // The specification masks the id to as many bits as the count of devices needs.
        let mask = n_devices.saturating_add(1).next_power_of_two().saturating_sub(1);
        let device = usize::from(device) & mask;
        let other = |n: usize| Fault::Unsupported(format!("data on extra device {n}, which is another image"));
        if device != 0 {
            return Err(if n_devices < device { Fault::malformed("device_id", offset) } else { other(device) });
        }
        for (n, device) in self.devices.iter().enumerate().filter(|it| it.1.mapped_blkaddr != 0) {
            let start = self.block_offset(device.mapped_blkaddr.into());
            let end = start.saturating_add(self.block_offset(device.blocks.into()));
            if (start..end).contains(&offset) {
                return Err(other(n.saturating_add(1)));
            }
        }
        Ok(offset)
    }
}

fn devices(blob: &Blob, slot: u16, count: u16) -> Result<Vec<Device>, Fault> {
    let offset = u64::from(slot).saturating_mul(DEVICE_SIZE);
    let bytes = blob.read_at(offset, u64::from(count).saturating_mul(DEVICE_SIZE))?;
    let mut reader = Reader::at(&bytes, offset);
    let mut devices = Vec::new();
    for _ in 0..count {
        reader.skip(64, "tag")?;
        devices.push(Device { blocks: reader.u32_le("blocks")?, mapped_blkaddr: reader.u32_le("mapped_blkaddr")? });
        reader.skip(56, "reserved")?;
    }
    Ok(devices)
}

/// CRC-32C (Castagnoli), seeded with all ones and not inverted at the end, as the superblock uses it.
fn crc32c(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82f6_3b78 })
    })
}

/// `EROFS_SUPER_MAGIC_V1`, as it stands in the file.
pub const MAGIC: [u8; 4] = 0xe0f5_e1e2u32.to_le_bytes();

/// Linux takes blocks of 512 bytes to one page; the largest page of an arm64 phone has 64 KiB.
const BLOCK_BITS_MIN: u32 = 9;
const BLOCK_BITS_MAX: u32 = 16;

const DEVICE_SIZE: u64 = 128;

const SB_CHKSUM: u32 = 0x01;

/// Compressed data stands at the end of its blocks, behind zeros.
pub const ZERO_PADDING: u32 = 0x01;
const COMPR_CFGS: u32 = 0x02;
const DEVICE_TABLE: u32 = 0x08;
const FRAGMENTS: u32 = 0x20;
const XATTR_PREFIXES: u32 = 0x40;
const KNOWN_INCOMPAT: u32 = 0x7f;

/// The prefixes of long attribute names stand in the image itself and not in the packed inode.
pub const PLAIN_XATTR_PFX: u32 = 0x10;

const COMPAT_NAMES: [(u32, &str); 6] = [
    (SB_CHKSUM, "sb_chksum"),
    (0x02, "mtime"),
    (0x04, "xattr_filter"),
    (0x08, "shared_ea_in_metabox"),
    (PLAIN_XATTR_PFX, "plain_xattr_pfx"),
    (0x20, "ishare_xattrs"),
];

const INCOMPAT_NAMES: [(u32, &str); 7] = [
    (ZERO_PADDING, "zero_padding"),
    (COMPR_CFGS, "compr_cfgs"),
    (0x04, "chunked_file"),
    (0x10, "ztailpacking"),
    (XATTR_PREFIXES, "xattr_prefixes"),
    (0x80, "48bit"),
    (0x100, "metabox"),
];

const ALGORITHMS: [(u16, &str); 4] = [(1, "lz4"), (2, "lzma"), (4, "deflate"), (8, "zstd")];
