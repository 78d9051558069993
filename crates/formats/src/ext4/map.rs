//! From blocks of a file to blocks of the image: extent trees and block maps. Specification: Linux
//! `Documentation/filesystems/ext4`, "The Contents of inode.i_block".

use model::{Blob, Extent, Fault, Origin, Reader};

use super::superblock::Superblock;

/// The runs of one file, in the order in which they were read.
pub(super) struct Map<'a> {
    image: &'a Blob,
    block_size: u64,
    blocks_count: u64,
    /// Bytes that the file has.
    size: u64,
    /// Blocks that it has by its size: what lies behind them is not read.
    n_blocks: u64,
    extents: Vec<Extent>,
    /// The first thing that went wrong.
    fault: Option<Fault>,
    /// Whether it ran out while this file was read.
    exhausted: bool,
    /// How much work is left for the maps of all files.
    fuel: &'a mut u64,
}

impl<'a> Map<'a> {
    /// The map of a file of `size` bytes, of which nothing is known yet.
    pub(super) fn new(image: &'a Blob, sb: &Superblock, size: u64, fuel: &'a mut u64) -> Map<'a> {
        Map {
            image,
            block_size: sb.block_size,
            blocks_count: sb.blocks_count,
            size,
            n_blocks: size.div_ceil(sb.block_size),
            extents: Vec::new(),
            fault: None,
            exhausted: false,
            fuel,
        }
    }

    /// The bytes of the file, and why not all of them can be read.
    pub(super) fn content(self) -> (Blob, Option<Fault>) {
        // Most files are one run: a plain view of the image.
        if let [Extent { offset: 0, len, from: Origin::Blob(image, start) }] = self.extents.as_slice()
            && self.size <= *len
            && let Ok(blob) = image.slice(*start, self.size)
        {
            return (blob, self.fault);
        }
        (Blob::mapped(self.size, self.extents), self.fault)
    }

    /// Reads an extent tree from its root in `i_block`.
    pub(super) fn read_extents(&mut self, root: &[u8], at: u64) {
        self.node(root, at, None, (0, self.n_blocks));
    }

    /// One node of an extent tree, which covers the blocks of `range`. `depth` is what its parent demands.
    fn node(&mut self, bytes: &[u8], at: u64, depth: Option<u16>, range: (u64, u64)) {
        if let Err(fault) = self.try_node(bytes, at, depth, range) {
            self.missing(range.0, range.1.saturating_sub(range.0), fault);
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
            if start < self.n_blocks {
                match self.metadata(physical) {
                    Ok((bytes, at)) => self.node(&bytes, at, Some(depth), (start, end)),
                    Err(fault) => self.missing(start, end.saturating_sub(start), fault),
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
            self.push(block, low | high << 32, len, at);
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
        (self.block_size >> 2).saturating_pow(level)
    }

    fn indirect(&mut self, physical: u32, level: u32, logical: u64, at: u64) {
        if physical == 0 || self.n_blocks <= logical {
            return;
        }
        let Some(level) = level.checked_sub(1) else {
            return self.push(logical, physical.into(), 1, at);
        };
        let covered = self.covered(level);
        match self.metadata(physical.into()) {
            Ok((bytes, at)) => {
                for (pointer, n) in bytes.chunks_exact(4).zip(0u64..) {
                    let logical = logical.saturating_add(covered.saturating_mul(n));
                    if self.n_blocks <= logical {
                        break;
                    }
                    let pointer = u32::from_le_bytes(pointer.try_into().unwrap_or_default());
                    self.indirect(pointer, level, logical, at);
                }
            }
            Err(fault) => self.missing(logical, covered.saturating_mul(self.block_size >> 2), fault),
        }
    }

    /// A block of the map itself, and where it stands.
    fn metadata(&mut self, physical: u64) -> Result<(Vec<u8>, u64), Fault> {
        // A block costs what its entries cost to look at.
        self.burn(self.block_size >> 8)?;
        if self.blocks_count <= physical {
            return Err(Fault::malformed("ei_leaf", physical.saturating_mul(self.block_size)));
        }
        let at = physical.saturating_mul(self.block_size);
        Ok((self.image.read_at(at, self.block_size)?, at))
    }

    fn burn(&mut self, steps: u64) -> Result<(), Fault> {
        if self.exhausted {
            return Err(EXHAUSTED);
        }
        *self.fuel = self.fuel.checked_sub(steps).ok_or(EXHAUSTED)?;
        Ok(())
    }

    /// A run of blocks that lies in the image; the part that does not is missing.
    fn push(&mut self, logical: u64, physical: u64, len: u64, at: u64) {
        // A hash tree (verity) lies behind the end of its file.
        if self.n_blocks <= logical {
            return;
        }
        if physical == 0 || self.blocks_count < physical.saturating_add(len) {
            return self.missing(logical, len, Fault::malformed("block number", at));
        }
        let start = physical.saturating_mul(self.block_size);
        let size = len.saturating_mul(self.block_size);
        let there = self.image.len().saturating_sub(start).min(size);
        let offset = logical.saturating_mul(self.block_size);
        self.extend(offset, start, there);
        if there < size {
            let fault = Fault::Truncated { at: start.saturating_add(there), wanted: size.saturating_sub(there) };
            let missing = size.saturating_sub(there);
            self.missing_bytes(offset.saturating_add(there), missing, fault);
        }
    }

    /// Adds a run of bytes, to the last one where it continues it.
    fn extend(&mut self, offset: u64, start: u64, len: u64) {
        if len == 0 {
            return;
        }
        if let Some(Extent { offset: last_offset, len: last_len, from: Origin::Blob(_, last_start) }) =
            self.extents.last_mut()
            && last_offset.saturating_add(*last_len) == offset
            && last_start.saturating_add(*last_len) == start
        {
            *last_len = last_len.saturating_add(len);
            return;
        }
        self.add(Extent { offset, len, from: Origin::Blob(self.image.clone(), start) });
    }

    fn missing(&mut self, logical: u64, len: u64, fault: Fault) {
        let len = len.min(self.n_blocks.saturating_sub(logical));
        let (offset, len) = (logical.saturating_mul(self.block_size), len.saturating_mul(self.block_size));
        self.missing_bytes(offset, len, fault);
    }

    fn missing_bytes(&mut self, offset: u64, len: u64, fault: Fault) {
        // What lies behind the end of the file is not missed.
        if len == 0 || self.size <= offset {
            return;
        }
        let from = Origin::Missing(self.fault.get_or_insert(fault).clone());
        self.add(Extent { offset, len, from });
    }

    fn add(&mut self, extent: Extent) {
        if self.burn(1).is_ok() {
            self.extents.push(extent);
        } else if !self.exhausted {
            // The last run hides all others: of this file, nothing is read.
            self.exhausted = true;
            self.fault = Some(EXHAUSTED);
            self.extents = vec![Extent { offset: 0, len: u64::MAX, from: Origin::Missing(EXHAUSTED) }];
        }
    }
}

const EXTENT_MAGIC: u16 = 0xf30a;

/// "The maximum depth of an extent tree is 5."
const EXTENT_DEPTH_MAX: u16 = 5;

/// A longer one is not yet written.
const EXTENT_LEN_MAX: u64 = 32768;

/// Runs of all files together, and what the blocks of their maps cost. A full system image has about 60,000, a
/// fragmented data partition a million; a run takes 64 bytes of memory.
pub(super) const FUEL: u64 = 2 << 20;

const EXHAUSTED: Fault = Fault::Limit { what: "runs of all files", bound: FUEL };
