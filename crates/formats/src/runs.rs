//! The bytes of a file in a file system, as runs of blocks of the image.

use std::cell::Cell;
use std::rc::Rc;

use model::{Blob, Extent, Fault, Origin};

/// The blocks of a file system, and the work that may still be spent on mapping files to them.
#[derive(Clone)]
pub(crate) struct Blocks {
    pub image: Blob,
    /// Bytes of a block.
    pub block_size: u64,
    /// How many blocks there are by the superblock: the numbers behind it are malformed.
    pub count: u64,
    fuel: Rc<Cell<u64>>,
}

impl Blocks {
    pub(crate) fn new(image: Blob, block_size: u64, count: u64) -> Blocks {
        Blocks { image, block_size, count, fuel: Rc::new(Cell::new(FUEL)) }
    }

    /// Where a block that holds a part of a map starts in the image. It costs what its entries cost to look at.
    pub(crate) fn node(&self, number: u64) -> Result<u64, Fault> {
        let at = number.saturating_mul(self.block_size);
        self.burn(self.block_size >> 8)?;
        if number == 0 || self.count <= number { Err(Fault::malformed("block number", at)) } else { Ok(at) }
    }

    fn burn(&self, steps: u64) -> Result<(), Fault> {
        let left = self.fuel.get().checked_sub(steps).ok_or(EXHAUSTED)?;
        self.fuel.set(left);
        Ok(())
    }
}

/// The runs of one file, in the order in which they were read.
pub(crate) struct Runs {
    blocks: Blocks,
    /// Bytes that the file has.
    size: u64,
    /// Blocks that it has by its size: what lies behind them is not read.
    n_blocks: u64,
    extents: Vec<Extent>,
    /// The first thing that went wrong.
    fault: Option<Fault>,
    /// Whether the work ran out while this file was read.
    exhausted: bool,
}

impl Runs {
    /// A file of `size` bytes, of which nothing is known yet.
    pub(crate) fn new(blocks: &Blocks, size: u64) -> Runs {
        let n_blocks = size.div_ceil(blocks.block_size.max(1));
        Runs { blocks: blocks.clone(), size, n_blocks, extents: Vec::new(), fault: None, exhausted: false }
    }

    /// How many blocks the file has by its size.
    pub(crate) fn n_blocks(&self) -> u64 {
        self.n_blocks
    }

    /// `len` blocks of the file from `logical` on are those of the image from `physical` on. What of them does not lie
    /// in the image is missing. `at` is where the map says so.
    pub(crate) fn push(&mut self, logical: u64, physical: u64, len: u64, at: u64) {
        // A hash tree (verity) lies behind the end of its file.
        if self.n_blocks <= logical {
            return;
        }
        if physical == 0 || self.blocks.count < physical.saturating_add(len) {
            return self.missing(logical, len, Fault::malformed("block number", at));
        }
        let start = physical.saturating_mul(self.blocks.block_size);
        let size = len.saturating_mul(self.blocks.block_size);
        let there = self.blocks.image.len().saturating_sub(start).min(size);
        let offset = logical.saturating_mul(self.blocks.block_size);
        self.extend(offset, start, there);
        if there < size {
            let fault = Fault::Truncated { at: start.saturating_add(there), wanted: size.saturating_sub(there) };
            self.missing_bytes(offset.saturating_add(there), size.saturating_sub(there), fault);
        }
    }

    /// `len` blocks of the file from `logical` on cannot be read.
    pub(crate) fn missing(&mut self, logical: u64, len: u64, fault: Fault) {
        let len = len.min(self.n_blocks.saturating_sub(logical));
        let block_size = self.blocks.block_size;
        self.missing_bytes(logical.saturating_mul(block_size), len.saturating_mul(block_size), fault);
    }

    /// A run that is decoded by other means.
    pub(crate) fn add(&mut self, extent: Extent) {
        if !self.exhausted && self.blocks.burn(1).is_ok() {
            self.extents.push(extent);
        } else if !self.exhausted {
            // The last run hides all others: of this file, nothing is read.
            self.exhausted = true;
            self.fault = Some(EXHAUSTED);
            self.extents = vec![Extent { offset: 0, len: u64::MAX, from: Origin::Missing(EXHAUSTED) }];
        }
    }

    /// The bytes of the file, and why not all of them can be read.
    pub(crate) fn content(self) -> (Blob, Option<Fault>) {
        // Most files are one run: a plain view of the image.
        if let [Extent { offset: 0, len, from: Origin::Blob(image, start) }] = self.extents.as_slice()
            && self.size <= *len
            && let Ok(blob) = image.slice(*start, self.size)
        {
            return (blob, self.fault);
        }
        (Blob::mapped(self.size, self.extents), self.fault)
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
        self.add(Extent { offset, len, from: Origin::Blob(self.blocks.image.clone(), start) });
    }

    fn missing_bytes(&mut self, offset: u64, len: u64, fault: Fault) {
        // What lies behind the end of the file is not missed.
        if len == 0 || self.size <= offset {
            return;
        }
        let from = Origin::Missing(self.fault.get_or_insert(fault).clone());
        self.add(Extent { offset, len, from });
    }
}

/// Runs of all files together, and what the blocks of their maps cost. A full system image has about 60,000, a
/// fragmented data partition a million; a run takes 64 bytes of memory.
const FUEL: u64 = 2 << 20;

const EXHAUSTED: Fault = Fault::Limit { what: "runs of all files", bound: FUEL };
