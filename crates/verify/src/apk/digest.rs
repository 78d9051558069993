//! The digests of the content of a package: in pieces of 1 MiB, or as a tree over pages of 4 KiB.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning/v2>, AOSP `tools/apksig`
//! `internal/util/VerityTreeBuilder.java`.

use model::{Blob, Extent, Fault, Origin};

use super::algorithm::Content;
use super::block::Block;
use super::zip::Sections;
use crate::hash::Hash;

/// The parts of a package that schemes with a signing block sign: entries, central directory, and end record as it was
/// without the block.
pub struct Parts([Blob; 3]);

impl Parts {
    /// The parts.
    pub fn of(blob: &Blob, sections: &Sections, block: &Block) -> Result<Parts, Fault> {
        let mut end = sections.end.clone();
        let at = u32::try_from(block.at).map_err(|_| Fault::malformed("offset of the signing block", block.at))?;
        if let Some(field) = end.get_mut(16..20) {
            field.copy_from_slice(&at.to_le_bytes());
        }
        Ok(Parts([
            blob.slice(0, block.at)?,
            blob.slice(sections.directory_at, sections.end_at.saturating_sub(sections.directory_at))?,
            Blob::from_bytes(end),
        ]))
    }

    /// The digest of this kind. `None` where the package is not aligned as a tree needs it.
    pub fn digest(&self, content: Content, sections: &Sections) -> Result<Option<Vec<u8>>, Fault> {
        match content {
            Content::ChunkedSha256 => self.chunked(Hash::Sha256).map(Some),
            Content::ChunkedSha512 => self.chunked(Hash::Sha512).map(Some),
            Content::VeritySha256 => {
                let block_size = sections.directory_at.saturating_sub(self.entries().len());
                let aligned = |size: u64| size.is_multiple_of(PAGE);
                if !aligned(self.entries().len()) || !aligned(block_size) {
                    return Ok(None);
                }
                let whole = self.whole();
                let mut digest = tree(&whole, &[0; 8])?.root;
                digest.extend_from_slice(&whole.len().to_le_bytes());
                Ok(Some(digest))
            }
        }
    }

    fn entries(&self) -> &Blob {
        &self.0[0]
    }

    fn whole(&self) -> Blob {
        let mut offset = 0u64;
        let mut extents = Vec::new();
        for part in &self.0 {
            extents.push(Extent { offset, len: part.len(), from: Origin::Blob(part.clone(), 0) });
            offset = offset.saturating_add(part.len());
        }
        Blob::mapped(offset, extents)
    }

    fn chunked(&self, hash: Hash) -> Result<Vec<u8>, Fault> {
        let count: u64 = self.0.iter().map(|it| it.len().div_ceil(CHUNK)).sum();
        let count = u32::try_from(count).map_err(|_| Fault::malformed("size of the package", CHUNK))?;
        let mut outer = hash.start();
        outer.update(&[0x5a]);
        outer.update(&count.to_le_bytes());
        let mut buffer = Vec::new();
        for part in &self.0 {
            let mut at = 0;
            while at < part.len() {
                let len = CHUNK.min(part.len().saturating_sub(at));
                buffer.resize(usize::try_from(len).unwrap_or_default(), 0);
                part.read_into(at, &mut buffer)?;
                let len_field = u32::try_from(len).unwrap_or_default().to_le_bytes();
                outer.update(&hash.of(&[&[0xa5], &len_field, &buffer]));
                at = at.saturating_add(len);
            }
        }
        Ok(outer.finalize().into_vec())
    }
}

/// A tree of hashes over pages.
pub struct Tree {
    /// The hash of the first page of the tree.
    pub root: Vec<u8>,
    /// All levels, the top first, each filled up to a whole page.
    pub bytes: Vec<u8>,
}

/// The tree of SHA-256 over pages of 4 KiB, each behind the salt.
pub fn tree(blob: &Blob, salt: &[u8]) -> Result<Tree, Fault> {
    let mut levels: Vec<Vec<u8>> = Vec::new();
    let mut level = Vec::new();
    let mut page = vec![0; PAGE_USIZE];
    let mut at = 0;
    while at < blob.len() {
        let len = PAGE.min(blob.len().saturating_sub(at));
        let part = page.get_mut(..usize::try_from(len).unwrap_or(PAGE_USIZE)).unwrap_or_default();
        blob.read_into(at, part)?;
        let used = part.len();
        page.get_mut(used..).unwrap_or_default().fill(0);
        level.extend(Hash::Sha256.of(&[salt, &page]));
        at = at.saturating_add(len);
    }
    loop {
        let size = level.len();
        level.resize(size.next_multiple_of(PAGE_USIZE).max(PAGE_USIZE), 0);
        let above = if size <= PAGE_USIZE {
            None
        } else {
            Some(level.chunks(PAGE_USIZE).flat_map(|it| Hash::Sha256.of(&[salt, it])).collect())
        };
        levels.push(std::mem::take(&mut level));
        match above {
            Some(hashes) => level = hashes,
            None => break,
        }
    }
    let bytes = levels.into_iter().rev().flatten().collect::<Vec<u8>>();
    let root = Hash::Sha256.of(&[salt, bytes.get(..PAGE_USIZE).unwrap_or_default()]);
    Ok(Tree { root, bytes })
}

const CHUNK: u64 = 1 << 20;
const PAGE: u64 = 4096;
const PAGE_USIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_one_page_is_its_hash_and_one_more_page_adds_a_level() {
        let one = tree(&Blob::from_bytes(vec![7; 4096]), b"s").unwrap();
        assert_eq!(one.bytes.len(), 4096);
        assert_eq!(one.bytes[..32], Hash::Sha256.of(&[b"s", &[7; 4096]]));
        let many = tree(&Blob::from_bytes(vec![7; 4096 * 129]), b"s").unwrap();
        assert_eq!(many.bytes.len(), 3 * 4096, "two pages of hashes below one");
        assert_eq!(many.bytes[..32], Hash::Sha256.of(&[b"s", &many.bytes[4096..8192]]));
    }
}
