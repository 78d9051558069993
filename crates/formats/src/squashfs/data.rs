//! The bytes of a file: blocks one behind the other, and an end that shares a block with those of other files.

use std::sync::Arc;

use model::{Blob, Chunks, Extent, Fault, Origin, Reader, Store};

use super::decode::decode;
use super::inode::{File, Inode};
use super::volume::Volume;

/// The bytes of a file. Its blocks are looked up when it is read.
pub fn data(volume: &Arc<Volume>, inode: u64, file: &File, store: &Store) -> Blob {
    let block_size = u64::from(volume.superblock.block_size);
    let tail = if file.fragment.is_some() { file.size & block_size.saturating_sub(1) } else { 0 };
    let blocks = file.size.saturating_sub(tail);
    let mut extents = Vec::new();
    if blocks != 0 {
        let chunks = Blocks { volume: Arc::clone(volume), inode, start: file.start, len: blocks };
        let blob = store.chunked(chunks);
        if tail == 0 {
            return blob;
        }
        extents.push(Extent { offset: 0, len: blocks, from: Origin::Blob(blob, 0) });
    }
    if let Some((index, offset)) = file.fragment.filter(|_| tail != 0) {
        let start = u64::from(index).saturating_mul(block_size).saturating_add(offset.into());
        let inside = u64::from(offset).saturating_add(tail) <= block_size;
        let from = match volume.fragments.slice(start, tail) {
            Ok(fragment) if inside => Origin::Blob(fragment, 0),
            Ok(_) => Origin::Missing(Fault::malformed("block_offset", volume.superblock.fragment_table)),
            Err(fault) => Origin::Missing(fault),
        };
        extents.push(Extent { offset: blocks, len: tail, from });
    }
    Blob::mapped(file.size, extents)
}

/// Where the blocks of a file stand, and their sizes with the bit that says "as it is".
pub struct List(Vec<(u64, u32)>);

/// The blocks of a file.
struct Blocks {
    volume: Arc<Volume>,
    inode: u64,
    start: u64,
    len: u64,
}

impl Blocks {
    fn list(&self) -> Result<List, Fault> {
        let n_blocks = self.len.div_ceil(self.volume.superblock.block_size.into());
        if BLOCKS_MAX < n_blocks {
            return Err(Fault::Limit { what: "blocks of a file", bound: BLOCKS_MAX });
        }
        let (_, mut cursor) = Inode::read(&self.volume, self.inode)?;
        let mut start = self.start;
        let mut list = Vec::new();
        for _ in 0..n_blocks {
            let size = cursor.u32()?;
            list.push((start, size));
            start = start.saturating_add(u64::from(size & !AS_IT_IS));
        }
        Ok(List(list))
    }
}

impl Chunks for Blocks {
    fn len(&self) -> u64 {
        self.len
    }

    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault> {
        let block_size = u64::from(self.volume.superblock.block_size);
        let start = offset & !block_size.saturating_sub(1);
        Ok((start, self.len.saturating_sub(start).min(block_size)))
    }

    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; usize::try_from(self.piece_at(start)?.1).unwrap_or(0)];
        self.decode_into(start, &mut bytes)?;
        Ok(bytes)
    }

    fn decode_into(&self, start: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let list = self.volume.list(self.inode, || self.list())?;
        let number = start >> self.volume.superblock.block_size.trailing_zeros();
        let block = usize::try_from(number).ok().and_then(|it| list.0.get(it));
        let &(at, size) = block.ok_or(Fault::malformed("block_sizes", start))?;
        if size == 0 {
            buf.fill(0);
            return Ok(());
        }
        match block_into(&self.volume.blob, self.volume.superblock.compressor, at, size, buf)? {
            len if len == buf.len() => Ok(()),
            _ => Err(Fault::malformed("data block", at)),
        }
    }
}

/// Decodes a block, and says how many bytes it has.
fn block_into(blob: &Blob, compressor: u16, at: u64, size: u32, buf: &mut [u8]) -> Result<usize, Fault> {
    let len = u64::from(size & !AS_IT_IS);
    if (super::BLOCK_SIZE_MAX as u64) < len {
        return Err(Fault::malformed("block size", at));
    }
    let input = blob.read_at(at, len)?;
    if size & AS_IT_IS == 0 {
        return decode(compressor, &input, buf, at);
    }
    let bytes = buf.get_mut(..input.len()).ok_or(Fault::malformed("block size", at))?;
    bytes.copy_from_slice(&input);
    Ok(input.len())
}

/// The ends of files. The fragment n starts at n times the block size; behind its end there is nothing.
pub struct Fragments {
    blob: Blob,
    compressor: u16,
    block_size: u32,
    /// Where each stands, and its size.
    table: Vec<(u64, u32)>,
}

impl Fragments {
    pub fn read(volume: &Volume) -> Result<Fragments, Fault> {
        let superblock = &volume.superblock;
        let mut table = Vec::new();
        if superblock.fragment_table != u64::MAX && superblock.n_fragments != 0 {
            let bytes = volume.table(superblock.fragment_table, superblock.n_fragments.into(), 16)?;
            let mut reader = Reader::at(&bytes, superblock.fragment_table);
            while !reader.is_empty() {
                table.push((reader.u64_le("start")?, reader.u32_le("size")?));
                reader.skip(4, "unused")?;
            }
        }
        let (compressor, block_size) = (superblock.compressor, superblock.block_size);
        Ok(Fragments { blob: volume.blob.clone(), compressor, block_size, table })
    }
}

impl Chunks for Fragments {
    fn len(&self) -> u64 {
        (self.table.len() as u64).saturating_mul(self.block_size.into())
    }

    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault> {
        let block_size = u64::from(self.block_size);
        Ok((offset & !block_size.saturating_sub(1), block_size))
    }

    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault> {
        let number = start >> self.block_size.trailing_zeros();
        let fragment = usize::try_from(number).ok().and_then(|it| self.table.get(it));
        let &(at, size) = fragment.ok_or(Fault::malformed("fragment_block_index", start))?;
        let mut bytes = vec![0; usize::try_from(self.block_size).unwrap_or(0)];
        let len = block_into(&self.blob, self.compressor, at, size, &mut bytes)?;
        bytes.truncate(len);
        Ok(bytes)
    }
}

/// A file of 32 GiB in blocks of the usual 128 KiB; its list takes 4 MiB.
const BLOCKS_MAX: u64 = 256 << 10;

const AS_IT_IS: u32 = 1 << 24;
