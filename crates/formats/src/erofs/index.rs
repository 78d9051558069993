//! The index of a compressed file: which logical bytes come from which cluster of the image.
//!
//! A file is cut into logical clusters of one size. Each has an entry: the head of an extent (compressed in one of two
//! ways, or plain), or not a head. An extent reaches from its head to the next one. Entries are 8 bytes long, or packed
//! by two or by sixteen with one block address for the pack. Nothing is expanded in memory: an index as long as the
//! image allows would not fit.

use model::{Fault, Reader};

use super::inode::{Inode, Layout};
use super::volume::Volume;

/// A run of logical bytes and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    pub start: u64,
    pub len: u64,
    pub from: From,
}

/// Where the bytes of a [`Piece`] come from.
#[derive(Debug, Clone, Copy)]
pub enum From {
    /// `len` bytes of the image.
    Cluster { offset: u64, len: u64, method: Method },
    /// Bytes of the packed inode.
    Packed { offset: u64 },
}

/// How the bytes of a cluster become logical bytes.
#[derive(Debug, Clone, Copy)]
pub enum Method {
    /// As they are.
    Shifted,
    /// As they are, each byte where its logical offset stands in a block.
    Interlaced,
    /// Decoded by the algorithm of this number. `partial`: there may be more of them than are wanted.
    Decoded { algorithm: u8, partial: bool },
}

/// The index of one file.
pub struct Index {
    layout: Layout,
    size: u64,
    /// Where the entries start.
    entries: u64,
    advise: u16,
    /// Of the two kinds of heads.
    algorithms: [u8; 2],
    cluster_bits: u32,
    /// How long the last cluster is if it stands behind the index.
    idata_size: u64,
    fragment_offset: u64,
    tail: Option<Tail>,
}

/// The last extent, where it is not an ordinary one.
#[derive(Clone, Copy)]
struct Tail {
    /// The logical cluster of its head.
    lcn: u64,
    /// Where the entries end.
    end: u64,
}

/// One entry.
struct Entry {
    kind: Kind,
    /// Where the extent starts in the logical cluster.
    clusterofs: u64,
    /// How far back the head is.
    back: u64,
    /// How many blocks the cluster has, on the first entry behind a head.
    n_blocks: Option<u64>,
    block: u64,
    partial: bool,
    /// Where the next entry, or pack of entries, stands.
    next: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Head1,
    NonHead,
    Head2,
}

impl Index {
    pub fn read(volume: &Volume, inode: &Inode) -> Result<Index, Fault> {
        let at = inode.body_offset.checked_next_multiple_of(8).ok_or(Fault::malformed("nid", inode.body_offset))?;
        let header: [u8; 8] = volume.array(at)?;
        let mut reader = Reader::at(&header, at);
        let fragmentoff = reader.u32_le("h_fragmentoff")?;
        let advise = reader.u16_le("h_advise")?;
        let algorithmtype = reader.u8("h_algorithmtype")?;
        let clusterbits = reader.u8("h_clusterbits")?;
        let mut index = Index {
            layout: inode.layout,
            size: inode.size,
            entries: at.saturating_add(if inode.layout == Layout::CompressedFull { 16 } else { 8 }),
            advise,
            algorithms: [algorithmtype & 15, algorithmtype >> 4],
            cluster_bits: volume.superblock.block_bits.saturating_add(u32::from(clusterbits & 15)),
            idata_size: 0,
            fragment_offset: fragmentoff.into(),
            tail: None,
        };
        if clusterbits & WHOLE_FILE != 0 {
            index.advise = FRAGMENT_PCLUSTER;
            index.fragment_offset = u64::from_le_bytes(header) & !(1 << 63);
            index.tail = Some(Tail { lcn: 0, end: at });
            return Ok(index);
        }
        if inode.layout == Layout::CompressedFull && advise & EXTENTS != 0 {
            return Err(Fault::Unsupported("index of encoded extents".into()));
        }
        if inode.layout == Layout::CompressedCompact && COMPACT_BITS_MAX < index.cluster_bits {
            return Err(Fault::malformed("h_clusterbits", at));
        }
        let fragment = advise & FRAGMENT_PCLUSTER != 0;
        if !fragment && advise & INLINE_PCLUSTER != 0 {
            index.idata_size = u64::from(fragmentoff >> 16);
        }
        if (fragment || index.idata_size != 0) && index.size != 0 {
            let last = index.size.saturating_sub(1);
            let end = index.entry(volume, last >> index.cluster_bits)?.next;
            let (lcn, head, _) = index.head(volume, last)?;
            index.tail = Some(Tail { lcn, end });
            if fragment && inode.layout == Layout::CompressedFull {
                index.fragment_offset |= head.block << 32;
            }
        }
        Ok(index)
    }

    /// Where the file starts in the packed inode, if all of it lies there.
    pub fn packed(&self) -> Option<u64> {
        let whole = self.advise & FRAGMENT_PCLUSTER != 0 && self.tail.is_some_and(|it| it.lcn == 0);
        whole.then_some(self.fragment_offset)
    }

    /// The piece that holds `offset`, which lies inside the file.
    pub fn piece(&self, volume: &Volume, offset: u64) -> Result<Piece, Fault> {
        if let Some(start) = self.packed() {
            return Ok(part_of_packed(0, self.size, start, offset));
        }
        let (lcn, head, known_end) = self.head(volume, offset)?;
        let start = self.offset_of(lcn).saturating_add(head.clusterofs);
        let malformed = Fault::malformed("di_clusterofs", head.next);
        let end = match known_end {
            Some(end) => end,
            None => self.end(volume, offset, start)?,
        };
        if !(start..end).contains(&offset) {
            return Err(malformed);
        }
        let len = end.saturating_sub(start);
        if let Some(tail) = self.tail.filter(|it| it.lcn == lcn) {
            if self.advise & FRAGMENT_PCLUSTER != 0 {
                return Ok(part_of_packed(start, len, self.fragment_offset, offset));
            }
            let method = self.method(&head);
            return Ok(Piece { start, len, from: From::Cluster { offset: tail.end, len: self.idata_size, method } });
        }
        let block_size = volume.superblock.block_size();
        let size = self.n_blocks(volume, lcn, &head)?.saturating_mul(block_size);
        if PCLUSTER_MAX < size {
            return Err(Fault::Limit { what: "bytes of a compressed cluster", bound: PCLUSTER_MAX });
        }
        let at = volume.superblock.locate(0, volume.superblock.block_offset(head.block))?;
        Ok(Piece { start, len, from: From::Cluster { offset: at, len: size, method: self.method(&head) } })
    }

    fn method(&self, head: &Entry) -> Method {
        let [first, second] = self.algorithms;
        match head.kind {
            Kind::Plain | Kind::NonHead if self.advise & INTERLACED_PCLUSTER != 0 => Method::Interlaced,
            Kind::Plain | Kind::NonHead => Method::Shifted,
            Kind::Head1 => Method::Decoded { algorithm: first, partial: head.partial },
            Kind::Head2 => Method::Decoded { algorithm: second, partial: head.partial },
        }
    }

    /// The head of the extent that holds `offset`, its logical cluster, and where the extent ends if that was seen.
    fn head(&self, volume: &Volume, offset: u64) -> Result<(u64, Entry, Option<u64>), Fault> {
        let mut lcn = offset >> self.cluster_bits;
        let mut entry = self.entry(volume, lcn)?;
        let mut end = None;
        let mut back = entry.back;
        if entry.kind != Kind::NonHead {
            let start = self.offset_of(lcn).saturating_add(entry.clusterofs);
            if start <= offset {
                return Ok((lcn, entry, None));
            }
            // The extent before reaches into this logical cluster.
            end = Some(start);
            back = 1;
        }
        for _ in 0..=self.steps_max() {
            lcn = match lcn.checked_sub(back) {
                Some(lcn) if back != 0 => lcn,
                _ => return Err(Fault::malformed("delta", entry.next)),
            };
            entry = self.entry(volume, lcn)?;
            if entry.kind != Kind::NonHead {
                return Ok((lcn, entry, end));
            }
            back = entry.back;
        }
        Err(Fault::Limit { what: "bytes of a decoded cluster", bound: DECODED_MAX })
    }

    /// Where the extent that starts at `start` and holds `offset` ends: at the next head or at the end of the file.
    fn end(&self, volume: &Volume, offset: u64, start: u64) -> Result<u64, Fault> {
        let mut lcn = (offset >> self.cluster_bits).saturating_add(1);
        loop {
            let at = self.offset_of(lcn);
            if self.size <= at {
                return Ok(self.size);
            }
            if DECODED_MAX < at.saturating_sub(start) {
                return Err(Fault::Limit { what: "bytes of a decoded cluster", bound: DECODED_MAX });
            }
            let entry = self.entry(volume, lcn)?;
            if entry.kind != Kind::NonHead {
                return Ok(at.saturating_add(entry.clusterofs).min(self.size));
            }
            lcn = lcn.saturating_add(1);
        }
    }

    /// How many blocks the cluster of a head has.
    fn n_blocks(&self, volume: &Volume, lcn: u64, head: &Entry) -> Result<u64, Fault> {
        let big = if head.kind == Kind::Head1 { BIG_PCLUSTER_1 } else { BIG_PCLUSTER_2 };
        let next = lcn.saturating_add(1);
        if self.advise & big == 0 || self.size <= self.offset_of(next) {
            return Ok(1);
        }
        let entry = self.entry(volume, next)?;
        match (entry.kind, entry.n_blocks) {
            (Kind::NonHead, Some(n_blocks)) if n_blocks != 0 => Ok(n_blocks),
            (Kind::NonHead, _) => Err(Fault::malformed("CBLKCNT", entry.next)),
            _ => Ok(1),
        }
    }

    fn entry(&self, volume: &Volume, lcn: u64) -> Result<Entry, Fault> {
        let entry = match self.layout {
            Layout::CompressedFull => self.full_entry(volume, lcn)?,
            _ => self.compact_entry(volume, lcn)?,
        };
        if entry.kind != Kind::NonHead && self.offset_of(1) <= entry.clusterofs {
            return Err(Fault::malformed("di_clusterofs", entry.next));
        }
        Ok(entry)
    }

    /// `z_erofs_lcluster_index`.
    fn full_entry(&self, volume: &Volume, lcn: u64) -> Result<Entry, Fault> {
        let at = lcn.saturating_mul(8).saturating_add(self.entries);
        let bytes: [u8; 8] = volume.array(at)?;
        let mut reader = Reader::at(&bytes, at);
        let advise = reader.u16_le("di_advise")?;
        let clusterofs = u64::from(reader.u16_le("di_clusterofs")?);
        let block = reader.u32_le("di_blkaddr")?;
        let delta = block & 0xffff;
        let n_blocks = (delta & CBLKCNT != 0).then_some(u64::from(delta & !CBLKCNT));
        Ok(Entry {
            kind: Kind::of(advise.into()),
            clusterofs,
            back: if n_blocks.is_some() { 1 } else { delta.into() },
            n_blocks,
            block: block.into(),
            partial: advise & PARTIAL_REF != 0,
            next: at.saturating_add(8),
        })
    }

    /// One entry of a pack. A pack ends in the address from which the blocks of its heads count.
    fn compact_entry(&self, volume: &Volume, lcn: u64) -> Result<Entry, Fault> {
        let total = self.size.div_ceil(volume.superblock.block_size());
        if total <= lcn {
            return Err(Fault::malformed("delta", self.entries));
        }
        // Packs of two up to the next multiple of 32 bytes, then packs of sixteen, then packs of two again.
        let first = (self.entries.next_multiple_of(32).saturating_sub(self.entries)) / 4;
        let dense = self.advise & COMPACTED_2B != 0 && first < total;
        let sixteens = if dense { total.saturating_sub(first) & !15 } else { 0 };
        let (start, lcn, pack) = if lcn < first {
            (self.entries, lcn, &TWO)
        } else if lcn.saturating_sub(first) < sixteens {
            (self.entries.saturating_add(first.saturating_mul(4)), lcn.saturating_sub(first), &SIXTEEN)
        } else {
            let start = self.entries.saturating_add(first.saturating_mul(4)).saturating_add(sixteens.saturating_mul(2));
            (start, lcn.saturating_sub(first).saturating_sub(sixteens), &TWO)
        };
        if pack.n_bits == 4 && DENSE_BITS_MAX < self.cluster_bits {
            return Err(Fault::malformed("h_clusterbits", self.entries));
        }
        let at = start.saturating_add((lcn >> pack.n_bits).saturating_mul(pack.size));
        let mut bytes = [0; 32];
        let size = usize::try_from(pack.size).unwrap_or(0);
        volume.read(at, bytes.get_mut(..size).unwrap_or_default())?;
        let bits = Bits { bytes, pack, low_bits: self.cluster_bits.max(12) };
        bits.entry(lcn & pack.n().saturating_sub(1), at, self.advise & BIG_PCLUSTER_1 != 0)
    }

    fn offset_of(&self, lcn: u64) -> u64 {
        lcn.saturating_mul(1u64.checked_shl(self.cluster_bits).unwrap_or(u64::MAX))
    }

    fn steps_max(&self) -> u64 {
        (DECODED_MAX >> self.cluster_bits).saturating_add(1)
    }
}

/// The entries of one pack.
struct Bits<'a> {
    bytes: [u8; 32],
    pack: &'a Pack,
    /// How many bits of an entry are its number; two more are its kind.
    low_bits: u32,
}

struct Pack {
    /// How many entries: two to the power of this.
    n_bits: u32,
    /// How many bytes.
    size: u64,
    /// How many bits an entry has.
    bits: u64,
}

const TWO: Pack = Pack { n_bits: 1, size: 8, bits: 16 };
const SIXTEEN: Pack = Pack { n_bits: 4, size: 32, bits: 14 };

impl Pack {
    fn n(&self) -> u64 {
        if self.n_bits == 1 { 2 } else { 16 }
    }
}

impl Bits<'_> {
    fn entry(&self, n: u64, at: u64, big: bool) -> Result<Entry, Fault> {
        let (kind, low) = self.get(n);
        let mut entry = Entry {
            kind,
            clusterofs: low.into(),
            back: 0,
            n_blocks: None,
            block: 0,
            partial: false,
            next: at.saturating_add(self.pack.size),
        };
        if kind != Kind::NonHead {
            entry.block = self.block(n, at, big)?;
        } else if low & CBLKCNT != 0 {
            entry.n_blocks = Some(u64::from(low & !CBLKCNT));
            entry.back = 1;
        } else if n.saturating_add(1) != self.pack.n() {
            entry.back = low.into();
        } else {
            // The last entry tells how far the next head is; how far back its own is, follows from the entry before.
            entry.back = match self.get(n.saturating_sub(1)) {
                (Kind::NonHead, low) if low & CBLKCNT != 0 => 2,
                (Kind::NonHead, low) => u64::from(low).saturating_add(1),
                _ => 1,
            };
        }
        Ok(entry)
    }

    /// The block of the head `n`: the pack's address, and the blocks of the heads before it in the pack.
    fn block(&self, n: u64, at: u64, big: bool) -> Result<u64, Fault> {
        let mut n_blocks = u64::from(!big);
        let mut left = n;
        while let Some(before) = left.checked_sub(1) {
            let (kind, low) = self.get(before);
            let low = u64::from(low);
            left = before;
            match kind {
                Kind::NonHead if !big => {
                    // Straight to the head; if it stands in the pack before, its block is counted there.
                    let Some(head) = before.checked_sub(low) else { break };
                    left = head;
                    n_blocks = n_blocks.saturating_add(1);
                }
                Kind::NonHead if low & u64::from(CBLKCNT) != 0 => {
                    n_blocks = n_blocks.saturating_add(low & !u64::from(CBLKCNT));
                    left = before.saturating_sub(1);
                }
                Kind::NonHead => {
                    // To the entry behind the head, which tells its blocks.
                    let skip = low.checked_sub(2).ok_or(Fault::malformed("delta", at))?;
                    left = before.saturating_sub(skip);
                }
                _ => n_blocks = n_blocks.saturating_add(1),
            }
        }
        let base = usize::try_from(self.pack.size).unwrap_or(0).saturating_sub(4);
        let base = Reader::new(self.bytes.get(base..).unwrap_or_default()).u32_le("blkaddr")?;
        Ok(u64::from(base).wrapping_add(n_blocks) & 0xffff_ffff)
    }

    fn get(&self, n: u64) -> (Kind, u32) {
        let bit = n.saturating_mul(self.pack.bits);
        let byte = usize::try_from(bit / 8).unwrap_or(0);
        let word = self.bytes.get(byte..).and_then(|it| it.first_chunk()).map_or(0, |it| u32::from_le_bytes(*it));
        let word = word >> (bit & 7);
        let mask = 1u32.checked_shl(self.low_bits).unwrap_or(0).wrapping_sub(1);
        (Kind::of(word >> self.low_bits), word & mask)
    }
}

impl Kind {
    fn of(bits: u32) -> Kind {
        match bits & 3 {
            0 => Kind::Plain,
            1 => Kind::Head1,
            2 => Kind::NonHead,
            _ => Kind::Head2,
        }
    }
}

/// The part of an extent of the packed inode that holds `offset`: the extent may be longer than a piece may be.
fn part_of_packed(start: u64, len: u64, packed: u64, offset: u64) -> Piece {
    let skip = offset.saturating_sub(start) & !(PACKED_PIECE - 1);
    let len = len.saturating_sub(skip).min(PACKED_PIECE);
    Piece { start: start.saturating_add(skip), len, from: From::Packed { offset: packed.saturating_add(skip) } }
}

/// `Z_EROFS_PCLUSTER_MAX_SIZE`: what Linux accepts of compressed bytes in one cluster.
const PCLUSTER_MAX: u64 = 1 << 20;

/// `Z_EROFS_PCLUSTER_MAX_DSIZE`: what Linux accepts of decoded bytes from one cluster.
pub const DECODED_MAX: u64 = 12 << 20;

/// Fragments are copied from pieces of the packed inode; a MiB is a few of them. A power of two.
const PACKED_PIECE: u64 = 1 << 20;

/// The widest logical cluster that an entry of 16, and of 14, bits can address.
const COMPACT_BITS_MAX: u32 = 14;
const DENSE_BITS_MAX: u32 = 12;

const COMPACTED_2B: u16 = 0x01;
const EXTENTS: u16 = 0x01;
const BIG_PCLUSTER_1: u16 = 0x02;
const BIG_PCLUSTER_2: u16 = 0x04;
const INLINE_PCLUSTER: u16 = 0x08;
const INTERLACED_PCLUSTER: u16 = 0x10;
const FRAGMENT_PCLUSTER: u16 = 0x20;
/// `Z_EROFS_FRAGMENT_INODE_BIT`.
const WHOLE_FILE: u8 = 0x80;

const PARTIAL_REF: u16 = 1 << 15;
const CBLKCNT: u32 = 1 << 11;
