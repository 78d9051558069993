//! The APK Signing Block: what stands between the entries and the central directory, by id.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning/v2>.

use model::{Blob, Fault, Reader};

use super::zip::Sections;

/// A signing block.
#[derive(Debug)]
pub struct Block {
    /// Its offset: what stands before it is signed.
    pub at: u64,
    /// Its bytes between the two sizes.
    pairs: Vec<u8>,
}

impl Block {
    /// Finds it; `None` where there is none that Android would take.
    pub fn read(blob: &Blob, sections: &Sections) -> Result<Option<Block>, Fault> {
        let directory_end = sections.directory_at.saturating_add(sections.directory_size);
        if directory_end != sections.end_at || sections.directory_at < SIZE_MIN {
            return Ok(None);
        }
        let footer_at = sections.directory_at.saturating_sub(FOOTER_SIZE);
        let footer = blob.read_at(footer_at, FOOTER_SIZE)?;
        let mut footer = Reader::at(&footer, footer_at);
        let size = footer.u64_le("size of the signing block")?;
        if footer.rest() != MAGIC || !(FOOTER_SIZE..=SIZE_MAX).contains(&size) {
            return Ok(None);
        }
        let Some(at) = sections.directory_at.checked_sub(size.saturating_add(8)) else { return Ok(None) };
        let head = blob.read_at(at, 8)?;
        if Reader::at(&head, at).u64_le("size of the signing block")? != size {
            return Ok(None);
        }
        let pairs = blob.read_at(at.saturating_add(8), size.saturating_sub(FOOTER_SIZE))?;
        Ok(Some(Block { at, pairs }))
    }

    /// The value of the first pair with this id, as far as Android would walk to it.
    pub fn value(&self, id: u32) -> Option<&[u8]> {
        let mut pairs = Reader::at(&self.pairs, self.at.saturating_add(8));
        while !pairs.is_empty() {
            let len = pairs.u64_le("size of a pair").ok()?;
            let len = usize::try_from(len).ok().filter(|it| (4..=i32::MAX as usize).contains(it))?;
            let mut pair = Reader::new(pairs.take(len, "pair").ok()?);
            if pair.u32_le("id of a pair").ok()? == id {
                return Some(pair.rest());
            }
        }
        None
    }
}

/// Size and magic number at the end.
const FOOTER_SIZE: u64 = 24;
const MAGIC: &[u8] = b"APK Sig Block 42";

/// Below this the file has no room for a block.
const SIZE_MIN: u64 = 32;

/// Signatures have a few KiB and the padding of verity 4; stores add some. AOSP takes any block that fits 31 bits.
const SIZE_MAX: u64 = 64 << 20;
