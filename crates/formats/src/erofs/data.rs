//! The bytes of an inode as a view of the image.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use model::{Blob, Chunks, Fault, Reader, Source, Store};

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
        Layout::ChunkBased => Ok(Blob::new(ChunkBased::read(volume, inode)?)),
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

/// Chunks of one size, each anywhere, on any device, or nowhere (zeros). Their table is looked at when they are read.
struct ChunkBased {
    volume: Arc<Volume>,
    size: u64,
    chunk_bits: u32,
    table: u64,
    /// Bytes of an entry of the table: 8 with the number of a device, or 4.
    unit: u64,
}

impl ChunkBased {
    fn read(volume: &Arc<Volume>, inode: &Inode) -> Result<ChunkBased, Fault> {
        let format = inode.i_u & 0xffff;
        let chunk_bits = volume.superblock.block_bits.saturating_add(format & CHUNK_BLKBITS);
        if format & !CHUNK_FORMAT_ALL != 0 || CHUNK_BITS_MAX < chunk_bits {
            return Err(Fault::Unsupported(format!("chunk format {format:#x}")));
        }
        let unit = if format & CHUNK_INDEXES != 0 { 8 } else { 4 };
        let table = inode.body_offset.checked_next_multiple_of(unit).unwrap_or(u64::MAX);
        Ok(ChunkBased { volume: Arc::clone(volume), size: inode.size, chunk_bits, table, unit })
    }

    /// Where the bytes at `offset` lie (`None`: nowhere), and how many of them lie there in a row.
    fn run(&self, offset: u64, wanted: u64) -> Result<(Option<u64>, u64), Fault> {
        let chunk_size = 1u64.checked_shl(self.chunk_bits).unwrap_or(u64::MAX);
        let skip = offset & chunk_size.saturating_sub(1);
        let start = self.chunk(offset >> self.chunk_bits)?;
        let mut len = chunk_size.saturating_sub(skip);
        // Chunks that follow each other here and there are read at once.
        while len < wanted {
            let next = self.chunk(offset.saturating_add(len) >> self.chunk_bits)?;
            let follows = match (start, next) {
                (Some(start), Some(next)) => start.saturating_add(skip).saturating_add(len) == next,
                (None, None) => true,
                _ => false,
            };
            if !follows {
                break;
            }
            len = len.saturating_add(chunk_size);
        }
        Ok((start.map(|it| it.saturating_add(skip)), len.min(wanted)))
    }

    fn chunk(&self, number: u64) -> Result<Option<u64>, Fault> {
        let at = number.saturating_mul(self.unit).saturating_add(self.table);
        let mut bytes = [0; 8];
        let len = bytes.len().min(usize::try_from(self.unit).unwrap_or(0));
        self.volume.read(at, bytes.get_mut(..len).unwrap_or_default())?;
        let mut reader = Reader::at(&bytes, at);
        let mut device = 0;
        if self.unit == 8 {
            reader.skip(2, "advise")?;
            device = reader.u16_le("device_id")?;
        }
        let block = reader.u32_le("blkaddr")?;
        if block == NULL_ADDR {
            return Ok(None);
        }
        let superblock = &self.volume.superblock;
        superblock.locate(device, superblock.block_offset(block.into())).map(Some)
    }
}

impl Source for ChunkBased {
    fn len(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, mut buf: &mut [u8]) -> Result<(), Fault> {
        let mut pos = offset;
        while !buf.is_empty() {
            let (from, len) = self.run(pos, buf.len() as u64)?;
            let (head, rest) = buf.split_at_mut(usize::try_from(len).unwrap_or(0).min(buf.len()));
            match from {
                Some(from) => self.volume.blob.read_into(from, head)?,
                None => head.fill(0),
            }
            buf = rest;
            pos = pos.saturating_add(len);
        }
        Ok(())
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        match self.run(offset, ZEROS_SOUGHT) {
            Ok((None, len)) => len.min(self.size.saturating_sub(offset)),
            _ => 0,
        }
    }
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

/// Blocks have at most 16 bits, and chunks at most 31 more.
const CHUNK_BITS_MAX: u32 = 47;

/// How far a hole is followed at once.
const ZEROS_SOUGHT: u64 = 1 << 20;
