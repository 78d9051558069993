//! The image with its superblock, and a small cache for metadata: inodes and indices are read a few bytes at a time.

use std::sync::{Arc, Mutex, PoisonError};

use model::{Blob, Extent, Fault, Origin};

use super::superblock::Superblock;

/// An image.
pub struct Volume {
    pub blob: Blob,
    pub superblock: Superblock,
    /// Pieces of the image, each in the one slot where it may stand.
    windows: Mutex<Vec<Option<Window>>>,
}

/// A piece of the image and which it is.
type Window = (u64, Arc<[u8]>);

impl Volume {
    pub fn new(blob: Blob, superblock: Superblock) -> Volume {
        Volume { blob, superblock, windows: Mutex::new(vec![None; N_WINDOWS]) }
    }

    /// Fills `buf` with metadata from `offset`.
    pub fn read(&self, offset: u64, mut buf: &mut [u8]) -> Result<(), Fault> {
        let mut pos = offset;
        while !buf.is_empty() {
            let window = self.window(pos / WINDOW)?;
            let skip = usize::try_from(pos % WINDOW).unwrap_or(usize::MAX);
            let bytes = window.get(skip..).unwrap_or_default();
            let len = bytes.len().min(buf.len());
            let wanted = buf.len() as u64;
            let (head, rest) = buf.split_at_mut(len);
            match bytes.get(..len) {
                Some(bytes) if len != 0 => head.copy_from_slice(bytes),
                _ => return Err(Fault::Truncated { at: pos, wanted }),
            }
            buf = rest;
            pos = pos.saturating_add(len as u64);
        }
        Ok(())
    }

    /// `N` bytes of metadata from `offset`.
    pub fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    fn window(&self, number: u64) -> Result<Arc<[u8]>, Fault> {
        let slot = usize::try_from(number).unwrap_or(0) & N_WINDOWS.saturating_sub(1);
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some((_, bytes))) = windows.get(slot).filter(|it| it.as_ref().is_some_and(|it| it.0 == number)) {
            return Ok(Arc::clone(bytes));
        }
        drop(windows);
        let bytes: Arc<[u8]> = self.blob.read_up_to(number.saturating_mul(WINDOW), WINDOW)?.into();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = windows.get_mut(slot) {
            *slot = Some((number, Arc::clone(&bytes)));
        }
        Ok(bytes)
    }

    /// Runs that map `len` bytes from `offset` of a file to `from` in the image, or to what is missing there.
    pub fn map(&self, extents: &mut Vec<Extent>, offset: u64, len: u64, from: u64) {
        let here = self.blob.len().saturating_sub(from).min(len);
        if here != 0 {
            extents.push(Extent { offset, len: here, from: Origin::Blob(self.blob.clone(), from) });
        }
        let missing = len.saturating_sub(here);
        if missing != 0 {
            let fault = Fault::Truncated { at: from.saturating_add(here), wanted: missing };
            extents.push(Extent { offset: offset.saturating_add(here), len: missing, from: Origin::Missing(fault) });
        }
    }
}

/// Inodes of one folder stand close together; a few of their neighbours come with them.
const WINDOW: u64 = 16 << 10;

/// A MiB of metadata, a power of two: the folder that is listed, and the indices of the files that are read.
const N_WINDOWS: usize = 64;
