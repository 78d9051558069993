//! The image with its tables, and a small cache of decoded metadata.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::{Blob, Fault, Reader};

use super::Superblock;
use super::data::{Fragments, List};
use super::decode::decode;
use crate::Reading;

/// An image.
pub struct Volume {
    pub blob: Blob,
    pub(super) superblock: Superblock,
    /// Owners and groups.
    pub ids: Vec<u32>,
    /// Ends of files: the fragment n starts at n times the block size.
    pub fragments: Blob,
    pub xattrs: Option<Xattrs>,
    metadata: Mutex<HashMap<u64, Metadata>>,
    /// The block lists of the files that were read last.
    lists: Mutex<Vec<(u64, Arc<List>)>>,
}

/// A decoded metadata block, and where the next one stands.
#[derive(Clone)]
struct Metadata {
    bytes: Arc<[u8]>,
    next: u64,
}

/// Where the attributes stand.
pub struct Xattrs {
    /// The names and values.
    pub values: u64,
    /// The metadata blocks of the table of sets.
    pub locations: Vec<u64>,
    pub n_sets: u32,
}

impl Volume {
    pub(super) fn open(blob: Blob, superblock: Superblock, out: &mut Reading) -> Result<Volume, Fault> {
        let mut volume = Volume {
            blob: blob.clone(),
            ids: Vec::new(),
            fragments: Blob::empty(),
            xattrs: None,
            metadata: Mutex::default(),
            lists: Mutex::default(),
            superblock,
        };
        // What is lost with a table is told where it is missed, too; the names can be read without them.
        match volume.read_ids() {
            Ok(ids) => volume.ids = ids,
            Err(fault) => out.gap(format!("table of owners: {fault}")),
        }
        match Fragments::read(&volume) {
            Ok(fragments) => volume.fragments = out.store.chunked(fragments),
            Err(fault) => out.gap(format!("table of fragments: {fault}")),
        }
        match volume.read_xattrs() {
            Ok(xattrs) => volume.xattrs = xattrs,
            Err(fault) => out.gap(format!("table of attributes: {fault}")),
        }
        Ok(volume)
    }

    /// Fixed-size entries in metadata blocks whose places stand in a list at `start`.
    pub fn table(&self, start: u64, count: u64, entry_size: u64) -> Result<Vec<u8>, Fault> {
        let size = count.saturating_mul(entry_size);
        let locations = self.locations(start, size)?;
        let mut bytes = Vec::new();
        for location in locations {
            bytes.extend_from_slice(&self.metadata(location)?.bytes);
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if bytes.len() < size {
            return Err(Fault::malformed("table", start));
        }
        bytes.truncate(size);
        Ok(bytes)
    }

    fn locations(&self, start: u64, size: u64) -> Result<Vec<u64>, Fault> {
        if TABLE_MAX < size {
            return Err(Fault::Limit { what: "bytes of a table", bound: TABLE_MAX });
        }
        let n_blocks = size.div_ceil(METADATA_SIZE);
        let bytes = self.blob.read_at(start, n_blocks.saturating_mul(8))?;
        let mut reader = Reader::at(&bytes, start);
        (0..n_blocks).map(|_| reader.u64_le("location")).collect()
    }

    fn read_ids(&self) -> Result<Vec<u32>, Fault> {
        let bytes = self.table(self.superblock.id_table, self.superblock.n_ids.into(), 4)?;
        Ok(bytes.chunks_exact(4).filter_map(|it| it.try_into().ok().map(u32::from_le_bytes)).collect())
    }

    fn read_xattrs(&self) -> Result<Option<Xattrs>, Fault> {
        let start = self.superblock.xattr_table;
        if start == u64::MAX {
            return Ok(None);
        }
        let bytes = self.blob.read_at(start, 16)?;
        let mut reader = Reader::at(&bytes, start);
        let values = reader.u64_le("kv_start")?;
        let n_sets = reader.u32_le("count")?;
        let locations = self.locations(start.saturating_add(16), u64::from(n_sets).saturating_mul(16))?;
        Ok(Some(Xattrs { values, locations, n_sets }))
    }

    fn metadata(&self, at: u64) -> Result<Metadata, Fault> {
        if let Some(found) = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return Ok(found.clone());
        }
        let header = u16::from_le_bytes(self.blob.read_at(at, 2)?.try_into().unwrap_or_default());
        let size = u64::from(header & 0x7fff);
        let start = at.saturating_add(2);
        let input = self.blob.read_at(start, size)?;
        let bytes = if header & 0x8000 != 0 {
            input
        } else {
            let mut bytes = vec![0; usize::try_from(METADATA_SIZE).unwrap_or(0)];
            let len = decode(self.superblock.compressor, &input, &mut bytes, at)?;
            bytes.truncate(len);
            bytes
        };
        if bytes.is_empty() || METADATA_SIZE < bytes.len() as u64 {
            return Err(Fault::malformed("metadata block", at));
        }
        let metadata = Metadata { bytes: bytes.into(), next: start.saturating_add(size) };
        let mut cache = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        if METADATA_CACHED <= cache.len() {
            cache.clear();
        }
        cache.insert(at, metadata.clone());
        Ok(metadata)
    }

    /// The block list of a file, from the cache or made now.
    pub fn list(&self, inode: u64, make: impl FnOnce() -> Result<List, Fault>) -> Result<Arc<List>, Fault> {
        let lock = || self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, list)) = lock().iter().find(|it| it.0 == inode) {
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(make()?);
        let mut lists = lock();
        if LISTS_CACHED <= lists.len() {
            lists.remove(0);
        }
        lists.push((inode, Arc::clone(&list)));
        Ok(list)
    }
}

/// A cursor over metadata, which goes on from block to block.
pub struct Cursor<'a> {
    volume: &'a Volume,
    block: Metadata,
    pos: usize,
}

impl<'a> Cursor<'a> {
    /// At `offset` of the metadata block at `at`.
    pub fn new(volume: &'a Volume, at: u64, offset: u64) -> Result<Cursor<'a>, Fault> {
        let block = volume.metadata(at)?;
        let pos = usize::try_from(offset).unwrap_or(usize::MAX);
        if block.bytes.len() < pos {
            return Err(Fault::malformed("offset in a metadata block", at));
        }
        Ok(Cursor { volume, block, pos })
    }

    /// At a reference of 48 bits of block, from `table` on, and 16 of offset.
    pub fn at(volume: &'a Volume, table: u64, reference: u64) -> Result<Cursor<'a>, Fault> {
        Cursor::new(volume, table.saturating_add(reference >> 16), reference & 0xffff)
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            if self.pos == self.block.bytes.len() {
                self.block = self.volume.metadata(self.block.next)?;
                self.pos = 0;
            }
            let rest = self.block.bytes.get(self.pos..).unwrap_or_default();
            let part = rest.get(..rest.len().min(len.saturating_sub(bytes.len()))).unwrap_or_default();
            bytes.extend_from_slice(part);
            self.pos = self.pos.saturating_add(part.len());
        }
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_| Fault::malformed("metadata block", self.block.next))
    }

    pub fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }
}

/// What a metadata block holds when it is decoded.
pub const METADATA_SIZE: u64 = 8 << 10;

/// A million entries of 16 bytes: ends of files, or sets of attributes.
const TABLE_MAX: u64 = 16 << 20;

/// 2 MiB of decoded metadata: some hundred folders of usual size with their inodes.
const METADATA_CACHED: usize = 256;

/// As many files are read at once as there are threads, or a few more.
const LISTS_CACHED: usize = 16;
