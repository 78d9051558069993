//! The bytes of an inode as a view of the image.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use model::{Blob, Chunks, Extent, Fault, Origin, Reader, Store};

use super::decode::decode;
use super::index::{From, Index, Method, Piece};
use super::inode::{Inode, Layout};
use super::superblock::ZERO_PADDING;
use super::volume::Volume;

/// The bytes of an inode. `packed` holds the fragments of compressed files.
pub fn data(volume: &Arc<Volume>, packed: Option<&Blob>, inode: &Inode, store: &Store) -> Result<Blob, Fault> {
    if inode.size == 0 {
        return Ok(Blob::empty());
    }
    match inode.layout {
        Layout::FlatPlain | Layout::FlatInline => flat(volume, inode),
        Layout::ChunkBased => chunked(volume, inode),
        Layout::CompressedFull | Layout::CompressedCompact => Ok(store.chunked(Compressed {
            volume: Arc::clone(volume),
            packed: packed.cloned(),
            inode: inode.clone(),
            index: OnceLock::new(),
            last: Mutex::new(None),
        })),
    }
}

/// Blocks in a row; the last, partial one may stand behind the inode.
fn flat(volume: &Volume, inode: &Inode) -> Result<Blob, Fault> {
    let superblock = &volume.superblock;
    let block_size = superblock.block_size();
    let tail = match inode.layout {
        Layout::FlatInline => superblock.in_block(inode.size.saturating_sub(1)).saturating_add(1),
        _ => 0,
    };
    let mut extents = Vec::new();
    let blocks = inode.size.saturating_sub(tail);
    if blocks != 0 && !(inode.layout == Layout::FlatPlain && inode.i_u == NULL_ADDR) {
        let from = superblock.locate(0, superblock.block_offset(inode.i_u.into()))?;
        volume.map(&mut extents, 0, blocks, from);
    }
    if tail != 0 {
        if block_size < superblock.in_block(inode.body_offset).saturating_add(tail) {
            return Err(Fault::malformed("inline data", inode.body_offset));
        }
        volume.map(&mut extents, blocks, tail, inode.body_offset);
    }
    Ok(Blob::mapped(inode.size, extents))
}

/// Chunks of one size, each anywhere, on any device, or nowhere (zeros).
fn chunked(volume: &Volume, inode: &Inode) -> Result<Blob, Fault> {
    let superblock = &volume.superblock;
    let format = inode.i_u & 0xffff;
    if format & !CHUNK_FORMAT_ALL != 0 {
        return Err(Fault::Unsupported(format!("chunk format {format:#x}")));
    }
    let chunk_size = superblock.block_size().checked_shl(format & CHUNK_BLKBITS).unwrap_or(u64::MAX).max(1);
    let unit: u64 = if format & CHUNK_INDEXES != 0 { 8 } else { 4 };
    let at = inode.body_offset.checked_next_multiple_of(unit).unwrap_or(u64::MAX);
    let n_chunks = inode.size.div_ceil(chunk_size);
    // The table lies in the image: a lying size asks for no more memory than the image has bytes.
    if CHUNKS_MAX < n_chunks {
        return Err(Fault::Limit { what: "chunks of a file", bound: CHUNKS_MAX });
    }
    let table = volume.blob.read_at(at, n_chunks.saturating_mul(unit))?;
    let mut reader = Reader::at(&table, at);
    let mut extents: Vec<Extent> = Vec::new();
    let mut run: Option<(u64, u64, u64)> = None;
    for n in 0..n_chunks {
        let device = if unit == 8 { reader.u32_le("device_id")? >> 16 } else { 0 };
        let block = reader.u32_le("blkaddr")?;
        let offset = n.saturating_mul(chunk_size);
        let len = inode.size.saturating_sub(offset).min(chunk_size);
        if block == NULL_ADDR {
            continue;
        }
        let device = u16::try_from(device).unwrap_or(u16::MAX);
        match superblock.locate(device, superblock.block_offset(block.into())) {
            Err(fault) => extents.push(Extent { offset, len, from: Origin::Missing(fault) }),
            // Chunks that follow each other here and there become one run.
            Ok(from) => match &mut run {
                Some((start, run_len, run_from))
                    if start.saturating_add(*run_len) == offset && run_from.saturating_add(*run_len) == from =>
                {
                    *run_len = run_len.saturating_add(len);
                }
                _ => {
                    if let Some((start, len, from)) = run.replace((offset, len, from)) {
                        volume.map(&mut extents, start, len, from);
                    }
                }
            },
        }
    }
    if let Some((start, len, from)) = run {
        volume.map(&mut extents, start, len, from);
    }
    extents.sort_by_key(|it| it.offset);
    Ok(Blob::mapped(inode.size, extents))
}

/// A compressed file. Its index is looked at when it is read.
struct Compressed {
    volume: Arc<Volume>,
    packed: Option<Blob>,
    inode: Inode,
    index: OnceLock<Result<Index, Fault>>,
    /// The piece that was looked up last: it is asked for again when it is decoded.
    last: Mutex<Option<Piece>>,
}

impl Compressed {
    fn piece(&self, offset: u64) -> Result<Piece, Fault> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(piece) = last.filter(|it| offset.checked_sub(it.start).is_some_and(|skip| skip < it.len)) {
            return Ok(piece);
        }
        let index = self.index.get_or_init(|| Index::read(&self.volume, &self.inode)).as_ref().map_err(Fault::clone)?;
        let piece = index.piece(&self.volume, offset)?;
        *last = Some(piece);
        Ok(piece)
    }
}

impl Chunks for Compressed {
    fn len(&self) -> u64 {
        self.inode.size
    }

    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault> {
        self.piece(offset).map(|it| (it.start, it.len))
    }

    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; usize::try_from(self.piece(start)?.len).unwrap_or(0)];
        self.decode_into(start, &mut bytes)?;
        Ok(bytes)
    }

    fn decode_into(&self, start: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let piece = self.piece(start)?;
        let (offset, len, method) = match piece.from {
            From::Packed { offset } => {
                let packed = self.packed.as_ref().ok_or(Fault::malformed("packed_nid", piece.start))?;
                return packed.read_into(offset, buf);
            }
            From::Cluster { offset, len, method } => (offset, len, method),
        };
        let malformed = Fault::malformed("compressed cluster", offset);
        let cluster = self.volume.blob.read_at(offset, len)?;
        match method {
            Method::Shifted => buf.copy_from_slice(cluster.get(..buf.len()).ok_or(malformed)?),
            Method::Interlaced => {
                let superblock = &self.volume.superblock;
                let skip = usize::try_from(superblock.in_block(piece.start)).unwrap_or(0);
                let block = cluster.get(..usize::try_from(superblock.block_size()).unwrap_or(0)).unwrap_or(&cluster);
                let (front, back) = block.split_at_checked(skip).ok_or(malformed.clone())?;
                if block.len() < buf.len() {
                    return Err(malformed);
                }
                buf.iter_mut().zip(back.iter().chain(front)).for_each(|(to, from)| *to = *from);
            }
            Method::Decoded { algorithm, partial } => {
                let padded = self.volume.superblock.feature_incompat & ZERO_PADDING != 0;
                let input = match cluster.iter().position(|&byte| byte != 0) {
                    Some(margin) if padded => cluster.get(margin..).unwrap_or_default(),
                    _ => &cluster,
                };
                decode(algorithm, input, buf, partial || !padded, offset)?;
            }
        }
        Ok(())
    }
}

/// `EROFS_NULL_ADDR`: a hole.
const NULL_ADDR: u32 = u32::MAX;

const CHUNK_BLKBITS: u32 = 0x1f;
const CHUNK_INDEXES: u32 = 0x20;
const CHUNK_FORMAT_ALL: u32 = 0x3f;

/// A file of 16 GiB in chunks of one block.
const CHUNKS_MAX: u64 = 4 << 20;
