//! From blocks of a file to blocks of the image: extent trees and block maps. Specification: Linux
//! `Documentation/filesystems/ext4`, "The Contents of inode.i_block".

use model::{Fault, Reader};

use crate::runs::{Blocks, Runs};

/// The blocks of one file.
pub(super) struct Map {
    pub runs: Runs,
    blocks: Blocks,
}

impl Map {
    /// The map of a file of `size` bytes, of which nothing is known yet.
    pub(super) fn new(blocks: &Blocks, size: u64) -> Map {
        Map { runs: Runs::new(blocks, size), blocks: blocks.clone() }
    }

    /// Reads an extent tree from its root in `i_block`.
    pub(super) fn read_extents(&mut self, root: &[u8], at: u64) {
        self.node(root, at, None, (0, self.runs.n_blocks()));
    }

    /// One node of an extent tree, which covers the blocks of `range`. `depth` is what its parent demands.
    fn node(&mut self, bytes: &[u8], at: u64, depth: Option<u16>, range: (u64, u64)) {
        if let Err(fault) = self.try_node(bytes, at, depth, range) {
            self.runs.missing(range.0, range.1.saturating_sub(range.0), fault);
        }
    }

    fn try_node(&mut self, bytes: &[u8], at: u64, depth: Option<u16>, range: (u64, u64)) -> Result<(), Fault> {
        let mut reader = Reader::at(bytes, at);
        if reader.u16_le("eh_magic")? != EXTENT_MAGIC {
            return Err(Fault::malformed("eh_magic", at));
        }
        let entries = reader.u16_le("eh_entries")?;
        reader.skip(2, "eh_max")?;
        let eh_depth = reader.u16_le("eh_depth")?;
        reader.skip(4, "eh_generation")?;
        if depth.is_some_and(|depth| depth != eh_depth) || EXTENT_DEPTH_MAX < eh_depth {
            return Err(Fault::malformed("eh_depth", at));
        }
        let entries = reader.fits(entries.into(), 12, "eh_entries")?;
        let Some(depth) = eh_depth.checked_sub(1) else {
            for _ in 0..entries {
                self.leaf(&mut reader)?;
            }
            return Ok(());
        };
        let mut children = Vec::with_capacity(entries);
        for _ in 0..entries {
            let block = u64::from(reader.u32_le("ei_block")?);
            let low = u64::from(reader.u32_le("ei_leaf_lo")?);
            let high = u64::from(reader.u16_le("ei_leaf_hi")?);
            reader.skip(2, "ei_unused")?;
            children.push((block, low | high << 32));
        }
        let ends = children.iter().skip(1).map(|it| it.0).chain([range.1]);
        for (&(start, physical), end) in children.iter().zip(ends) {
            // What lies behind the end of the file needs no reading.
            if start < self.runs.n_blocks() {
                match self.node_bytes(physical) {
                    Ok((bytes, at)) => self.node(&bytes, at, Some(depth), (start, end)),
                    Err(fault) => self.runs.missing(start, end.saturating_sub(start), fault),
                }
            }
        }
        Ok(())
    }

    fn leaf(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let at = reader.offset();
        let block = reader.u32_le("ee_block")?.into();
        let len = u64::from(reader.u16_le("ee_len")?);
        let high = u64::from(reader.u16_le("ee_start_hi")?);
        let low = u64::from(reader.u32_le("ee_start_lo")?);
        // An extent that is allocated and not yet written reads as zero, like a hole.
        if len <= EXTENT_LEN_MAX {
            self.runs.push(block, low | high << 32, len, at);
        }
        Ok(())
    }

    /// Reads a block map: twelve blocks, then one, two and three levels of indirection.
    pub(super) fn read_block_map(&mut self, i_block: &[u8], at: u64) {
        let mut reader = Reader::at(i_block, at);
        let mut logical = 0u64;
        for n in 0..15u32 {
            let Ok(physical) = reader.u32_le("i_block") else { break };
            let level = n.saturating_sub(11);
            self.indirect(physical, level, logical, at);
            logical = logical.saturating_add(self.covered(level));
        }
    }

    /// How many blocks of a file one pointer of this level stands for.
    fn covered(&self, level: u32) -> u64 {
        (self.blocks.block_size >> 2).saturating_pow(level)
    }

    fn indirect(&mut self, physical: u32, level: u32, logical: u64, at: u64) {
        if physical == 0 || self.runs.n_blocks() <= logical {
            return;
        }
        let Some(level) = level.checked_sub(1) else {
            return self.runs.push(logical, physical.into(), 1, at);
        };
        let covered = self.covered(level);
        match self.node_bytes(physical.into()) {
            Ok((bytes, at)) => {
                for (pointer, n) in bytes.chunks_exact(4).zip(0u64..) {
                    let logical = logical.saturating_add(covered.saturating_mul(n));
                    if self.runs.n_blocks() <= logical {
                        break;
                    }
                    let pointer = u32::from_le_bytes(pointer.try_into().unwrap_or_default());
                    self.indirect(pointer, level, logical, at);
                }
            }
            Err(fault) => self.runs.missing(logical, covered.saturating_mul(self.blocks.block_size >> 2), fault),
        }
    }

    /// A block of the map itself, and where it stands.
    fn node_bytes(&mut self, physical: u64) -> Result<(Vec<u8>, u64), Fault> {
        let at = self.blocks.node(physical)?;
        Ok((self.blocks.image.read_at(at, self.blocks.block_size)?, at))
    }
}

const EXTENT_MAGIC: u16 = 0xf30a;

/// "The maximum depth of an extent tree is 5."
const EXTENT_DEPTH_MAX: u16 = 5;

/// A longer one is not yet written.
const EXTENT_LEN_MAX: u64 = 32768;
