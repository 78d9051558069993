//! The checkpoint: which of two copies of each block of the node address table counts, and what its journal changes.
//! Specification: `struct f2fs_checkpoint`, `f2fs_summary_block` and `f2fs_journal` of Linux `include/linux/f2fs_fs.h`.

use std::collections::HashMap;

use model::{Blob, Fault, Reader};

use super::crc::crc;
use super::superblock::{MAGIC, Superblock};

/// A checkpoint.
#[derive(Debug, Default)]
pub(super) struct Checkpoint {
    version: u64,
    pub flags: u32,
    /// One bit for each block of the node address table: which copy counts.
    nat_bitmap: Vec<u8>,
    /// Node addresses that are newer than the table.
    pub journal: HashMap<u32, u32>,
}

impl Checkpoint {
    /// Reads both checkpoint packs and takes the newer valid one.
    pub(super) fn read(image: &Blob, sb: &Superblock) -> Result<Checkpoint, Fault> {
        let first = u64::from(sb.cp_blkaddr);
        let second = first.saturating_add(sb.blocks_per_seg());
        match (read_pack(image, sb, first), read_pack(image, sb, second)) {
            (Ok(a), Ok(b)) => Ok(if a.version < b.version { b } else { a }),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
            (Err(fault), Err(_)) => Err(fault),
        }
    }

    /// Whether the second copy of this block of the node address table counts.
    pub(super) fn second_copy(&self, block: u64) -> Option<bool> {
        let byte = self.nat_bitmap.get(usize::try_from(block >> 3).ok()?)?;
        // The highest bit comes first.
        Some(byte.wrapping_shl(u32::try_from(block & 7).ok()?) & 0x80 != 0)
    }
}

fn read_pack(image: &Blob, sb: &Superblock, block: u64) -> Result<Checkpoint, Fault> {
    let block_size = sb.block_size();
    let at = block.saturating_mul(block_size);
    let (bytes, version) = read_block(image, at, block_size)?;
    let mut reader = Reader::at(&bytes, at);
    reader.seek(132, "ckpt_flags")?;
    let flags = reader.u32_le("ckpt_flags")?;
    let total = u64::from(reader.u32_le("cp_pack_total_block_count")?);
    let start_sum = u64::from(reader.u32_le("cp_pack_start_sum")?);
    reader.skip(12, "valid_node_count")?;
    let sit_size = usize::try_from(reader.u32_le("sit_ver_bitmap_bytesize")?).unwrap_or(usize::MAX);
    let nat_size = usize::try_from(reader.u32_le("nat_ver_bitmap_bytesize")?).unwrap_or(usize::MAX);
    if total == 0 || sb.blocks_per_seg() < total || total <= start_sum {
        return Err(Fault::malformed("cp_pack_total_block_count", at.saturating_add(136)));
    }
    let last = at.saturating_add(total.saturating_sub(1).saturating_mul(block_size));
    if read_block(image, last, block_size)?.1 != version {
        return Err(Fault::malformed("checkpoint_ver", last));
    }

    // Where the bitmap stands: "sit_nat_version_bitmap", behind a checksum, first, or behind that of the segments.
    let start = if flags & LARGE_NAT_BITMAP != 0 {
        BITMAP.saturating_add(4)
    } else if sb.cp_payload != 0 {
        BITMAP
    } else {
        BITMAP.saturating_add(sit_size)
    };
    reader.seek(start, "sit_ver_bitmap_bytesize")?;
    let nat_bitmap = reader.take(nat_size, "nat_ver_bitmap_bytesize")?.to_vec();

    // The journal opens the compacted summaries, or closes the first summary block.
    let sum = at.saturating_add(start_sum.saturating_mul(block_size));
    let entries = block_size.saturating_sub(FOOTER).saturating_sub((block_size >> 3).saturating_mul(SUMMARY));
    let skip = if flags & COMPACT_SUM != 0 { 0 } else { (block_size >> 3).saturating_mul(SUMMARY) };
    let journal = read_journal(&image.read_at(sum.saturating_add(skip), entries)?, sum.saturating_add(skip))?;
    Ok(Checkpoint { version, flags, nat_bitmap, journal })
}

/// A block of a checkpoint, whose checksum is verified, and its `checkpoint_ver`.
fn read_block(image: &Blob, at: u64, block_size: u64) -> Result<(Vec<u8>, u64), Fault> {
    let bytes = image.read_at(at, block_size)?;
    let mut reader = Reader::at(&bytes, at);
    let version = reader.u64_le("checkpoint_ver")?;
    reader.seek(164, "checksum_offset")?;
    let checksum_offset = usize::try_from(reader.u32_le("checksum_offset")?).unwrap_or(usize::MAX);
    reader.seek(checksum_offset, "checksum_offset")?;
    let checksum = reader.u32_le("checksum")?;
    // The checksum covers what stands before and behind it.
    let found = crc(MAGIC, bytes.get(..checksum_offset).unwrap_or_default());
    if crc(found, reader.rest()) != checksum {
        return Err(Fault::malformed("checkpoint checksum", at));
    }
    Ok((bytes, version))
}

fn read_journal(bytes: &[u8], at: u64) -> Result<HashMap<u32, u32>, Fault> {
    let mut reader = Reader::at(bytes, at);
    let n_nats = reader.u16_le("n_nats")?;
    let n_nats = reader.fits(n_nats.into(), 13, "n_nats")?;
    let mut journal = HashMap::with_capacity(n_nats);
    for _ in 0..n_nats {
        let nid = reader.u32_le("nid")?;
        reader.skip(5, "ino")?;
        journal.insert(nid, reader.u32_le("block_addr")?);
    }
    Ok(journal)
}

/// The file system was unmounted cleanly.
pub(super) const UMOUNT: u32 = 0x1;
const COMPACT_SUM: u32 = 0x4;
const LARGE_NAT_BITMAP: u32 = 0x400;

/// `sit_nat_version_bitmap`.
const BITMAP: usize = 192;
/// `struct summary_footer` and `struct f2fs_summary`; a block has one summary for each eight bytes.
const FOOTER: u64 = 5;
const SUMMARY: u64 = 7;
