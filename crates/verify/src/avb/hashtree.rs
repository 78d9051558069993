//! Trees of digests over an image, as dm-verity has them: which blocks are not those that were hashed.
//!
//! Source: Linux `Documentation/admin-guide/device-mapper/verity.rst`; AOSP `external/avb`, `avbtool.py`.

use std::ops::Range;

use blake2::Blake2b;
use blake2::digest::Digest;
use blake2::digest::consts::U32;
use model::{Blob, Fault};
use sha1::Sha1;
use sha2::Sha512;

use super::structure::{HashtreeDescriptor, by_name};
use crate::hash::Hash;

/// A tree over an image.
#[derive(Debug, Clone)]
pub struct Hashtree {
    hash: Hash,
    salt: Vec<u8>,
    block: usize,
    /// How many blocks of data.
    n_blocks: u64,
    root: Vec<u8>,
    /// Where the tree stands in the image.
    tree_at: u64,
    /// Bytes of a digest in the tree: its size rounded up to a power of two.
    stride: usize,
}

/// What a tree says of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Whether the image has the root digest.
    pub equal: bool,
    /// Runs of blocks of data that are not those that were hashed: first block and how many. Not more than a bound.
    pub altered: Vec<Range<u64>>,
    /// How many blocks of data these are in all.
    pub n_altered: u64,
    /// How many blocks of data could not be held against anything, because the tree itself is altered or not there.
    pub n_unknown: u64,
    /// Whether the tree beside the image is the one that belongs to it.
    pub tree_equal: bool,
}

impl Hashtree {
    /// The tree that a descriptor states.
    pub fn of(descriptor: &HashtreeDescriptor) -> Result<Hashtree, Fault> {
        let digest = &descriptor.digest;
        let Some(hash) = by_name(&digest.algorithm) else {
            return Err(Fault::Unsupported(format!("hash {}", digest.algorithm)));
        };
        if descriptor.data_block_size != descriptor.hash_block_size {
            return Err(Fault::Unsupported("a hash tree with blocks of two sizes".to_owned()));
        }
        Hashtree::new(
            hash,
            &digest.salt,
            descriptor.data_block_size,
            descriptor.image_size.div_ceil(u64::from(descriptor.data_block_size.max(1))),
            &digest.bytes,
            descriptor.tree_offset,
        )
    }

    /// A tree over so many blocks.
    pub fn new(
        hash: Hash,
        salt: &[u8],
        block_size: u32,
        n_blocks: u64,
        root: &[u8],
        tree_at: u64,
    ) -> Result<Hashtree, Fault> {
        let stride = hash.size().next_power_of_two();
        if !block_size.is_power_of_two() || !(BLOCK_MIN..=BLOCK_MAX).contains(&block_size) {
            return Err(Fault::malformed("data_block_size", 0));
        }
        if root.len() != hash.size() {
            return Err(Fault::malformed("root_digest", 0));
        }
        if LEAVES_MAX <= n_blocks.saturating_mul(stride as u64) {
            return Err(Fault::Limit { what: "bytes of the lowest level of a hash tree", bound: LEAVES_MAX });
        }
        let block = usize::try_from(block_size).map_err(|_| Fault::malformed("data_block_size", 0))?;
        Ok(Hashtree { hash, salt: salt.to_vec(), block, n_blocks, root: root.to_vec(), tree_at, stride })
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> u64 {
        self.block as u64
    }

    /// How many bytes of the image are hashed.
    pub fn len(&self) -> u64 {
        self.n_blocks.saturating_mul(self.block as u64)
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.n_blocks == 0
    }

    /// Runs of blocks that are hashed at once: each can be done on a thread of its own.
    pub fn pieces(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let (n_blocks, step) = (self.n_blocks, PIECE.checked_div(self.block as u64).unwrap_or(1));
        (0..n_blocks)
            .step_by(usize::try_from(step).unwrap_or(1).max(1))
            .map(move |it| it..n_blocks.min(it.saturating_add(step)))
    }

    /// The digests of a run of blocks, one behind the other.
    pub fn leaves(&self, image: &Blob, blocks: Range<u64>) -> Result<Vec<u8>, Fault> {
        let count = usize::try_from(blocks.end.saturating_sub(blocks.start)).unwrap_or(usize::MAX);
        let step = BUFFER.checked_div(self.block).unwrap_or(1).max(1);
        let mut buffer = vec![0; step.min(count).saturating_mul(self.block)];
        let mut leaves = Vec::with_capacity(count.saturating_mul(self.stride));
        let mut at = blocks.start.saturating_mul(self.block as u64);
        let end = blocks.end.saturating_mul(self.block as u64);
        while at < end {
            let len = end.saturating_sub(at).min(buffer.len() as u64);
            // The last block may be cut short; what it lacks counts as zeros.
            let there = len.min(image.len().saturating_sub(at));
            if self.block as u64 <= len.saturating_sub(there) {
                return Err(Fault::Truncated { at, wanted: len });
            }
            let bytes = buffer.get_mut(..usize::try_from(there).unwrap_or_default()).unwrap_or_default();
            image.read_into(at, bytes)?;
            self.digest(bytes, &mut leaves);
            at = at.saturating_add(len);
        }
        Ok(leaves)
    }

    /// The digest of each block of these bytes.
    fn digests(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len().div_ceil(self.block).saturating_mul(self.stride));
        self.digest(bytes, &mut out);
        out
    }

    fn digest(&self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.hash {
            Hash::Sha1 => digest::<Sha1>(self, bytes, out),
            Hash::Sha512 => digest::<Sha512>(self, bytes, out),
            Hash::Blake2b256 => digest::<Blake2b<U32>>(self, bytes, out),
            _ => digest_sha256(self, bytes, out),
        }
    }

    /// Puts the digests of all blocks together and holds them against the root; where they differ, says which blocks,
    /// as far as the tree beside the image is itself covered by the root.
    pub fn check(&self, image: &Blob, leaves: Vec<u8>) -> Checked {
        let levels = self.levels(leaves);
        let root = self.root(&levels);
        let stated = self.stated_levels(image, &levels);
        let tree_equal = self.n_blocks < 2 || stated.iter().zip(&levels).all(|(stated, own)| stated == own);
        if root == self.root {
            return Checked { equal: true, tree_equal, ..Checked::default() };
        }
        let mut checked = Checked { tree_equal, ..Checked::default() };
        self.locate(&levels, &stated, &mut checked);
        checked
    }

    /// The root digest that the digests of all blocks come to.
    pub fn root_of(&self, leaves: Vec<u8>) -> Vec<u8> {
        self.root(&self.levels(leaves))
    }

    fn root(&self, levels: &[Vec<u8>]) -> Vec<u8> {
        let top = levels.last().map(Vec::as_slice).unwrap_or_default();
        // One block has no tree above it.
        let mut root = match (levels.len(), self.n_blocks) {
            (1, 1) => top.to_vec(),
            _ => self.digests(top),
        };
        root.truncate(self.hash.size());
        root
    }

    /// All levels, the lowest first, each filled up to whole blocks.
    fn levels(&self, leaves: Vec<u8>) -> Vec<Vec<u8>> {
        let mut levels = vec![self.filled(leaves)];
        while let Some(last) = levels.last().filter(|it| self.block < it.len()) {
            levels.push(self.filled(self.digests(last)));
        }
        levels
    }

    fn filled(&self, mut level: Vec<u8>) -> Vec<u8> {
        level.resize(level.len().next_multiple_of(self.block), 0);
        level
    }

    /// The levels of the tree beside the image, the lowest first; a level that is not there is empty.
    fn stated_levels(&self, image: &Blob, levels: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut at = self.tree_at;
        let mut stated: Vec<Vec<u8>> = Vec::new();
        for level in levels.iter().rev() {
            // What cannot be read covers nothing: its blocks are then counted as unknown.
            stated.push(image.read_at(at, level.len() as u64).unwrap_or_default());
            at = at.saturating_add(level.len() as u64);
        }
        stated.reverse();
        stated
    }

    /// Walks down the tree beside the image, from the root, through blocks whose digest holds.
    fn locate(&self, levels: &[Vec<u8>], stated: &[Vec<u8>], checked: &mut Checked) {
        // Which blocks of the level above hold, and what that level states.
        let mut sound = vec![self.n_blocks != 1];
        let mut above: Vec<u8> = self.filled(self.padded_root());
        for (height, level) in stated.iter().enumerate().rev() {
            let digests = self.digests(level);
            let n = level.chunks(self.block).len();
            sound = (0..n).map(|idx| self.holds(&above, &sound, idx, &digests)).collect();
            above = level.clone();
            if height == 0 {
                break;
            }
        }
        let own = levels.first().map(Vec::as_slice).unwrap_or_default();
        let n_blocks = usize::try_from(self.n_blocks).unwrap_or(usize::MAX);
        if n_blocks == 1 {
            checked.altered.push(0..1);
            checked.n_altered = 1;
            return;
        }
        let per_block = self.block.checked_div(self.stride).unwrap_or(1);
        for block in 0..n_blocks {
            match block.checked_div(per_block).and_then(|it| sound.get(it)) {
                Some(true) if self.holds(&above, &sound, block, own) => {}
                Some(true) => checked.push(block as u64),
                _ => checked.n_unknown = checked.n_unknown.saturating_add(1),
            }
        }
    }

    fn padded_root(&self) -> Vec<u8> {
        let mut root = self.root.clone();
        root.resize(self.stride, 0);
        root
    }

    /// Whether the digest number `idx` is the one that a sound block above states.
    fn holds(&self, above: &[u8], sound: &[bool], idx: usize, digests: &[u8]) -> bool {
        let at = idx.saturating_mul(self.stride);
        let range = at..at.saturating_add(self.stride);
        let is_sound = at.checked_div(self.block).and_then(|it| sound.get(it)) == Some(&true);
        is_sound && above.get(range.clone()).is_some_and(|it| Some(it) == digests.get(range))
    }
}

impl Checked {
    fn push(&mut self, block: u64) {
        self.n_altered = self.n_altered.saturating_add(1);
        let next = block.saturating_add(1);
        let n_runs = self.altered.len();
        match self.altered.last_mut() {
            Some(last) if last.end == block => last.end = next,
            _ if n_runs < RUNS_MAX => self.altered.push(block..next),
            _ => {}
        }
    }
}

/// The digest of each block, filled up with zeros to the stride.
fn digest<D: Digest + Clone>(tree: &Hashtree, bytes: &[u8], out: &mut Vec<u8>) {
    let mut salted = D::new();
    salted.update(&tree.salt);
    let zeros = vec![0; tree.block];
    for block in bytes.chunks(tree.block) {
        let mut hash = salted.clone();
        hash.update(block);
        hash.update(zeros.get(block.len()..).unwrap_or_default());
        out.extend_from_slice(&hash.finalize());
        out.resize(out.len().next_multiple_of(tree.stride), 0);
    }
}

/// The same by SHA-256, as most partitions have it.
fn digest_sha256(tree: &Hashtree, bytes: &[u8], out: &mut Vec<u8>) {
    use sha2_inlined::{Digest, Sha256};
    let mut salted = Sha256::new();
    salted.update(&tree.salt);
    let zeros = vec![0; tree.block];
    for block in bytes.chunks(tree.block) {
        let mut hash = salted.clone();
        hash.update(block);
        hash.update(zeros.get(block.len()..).unwrap_or_default());
        out.extend_from_slice(&hash.finalize());
    }
}

const BLOCK_MIN: u32 = 512;
const BLOCK_MAX: u32 = 64 << 10;

/// An image of 32 GB by SHA-256.
const LEAVES_MAX: u64 = 256 << 20;

/// Enough for a thread to be worth it, few enough for many at once.
const PIECE: u64 = 4 << 20;

/// What is read stays in the cache of a core until it is hashed.
const BUFFER: usize = 256 << 10;

/// A reader wants to see where, not all of a partition that is another.
const RUNS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree as a signer makes it: block by block, level by level, the top first.
    fn made(image: &[u8], hash: Hash, salt: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let stride = hash.size().next_power_of_two();
        let digest = |block: &[u8]| {
            let mut block = block.to_vec();
            block.resize(4096, 0);
            let mut digest = hash.of(&[salt, &block]);
            digest.resize(stride, 0);
            digest
        };
        let mut tree = Vec::new();
        let mut level: Vec<u8> = image.to_vec();
        while 4096 < level.len() {
            level = level.chunks(4096).flat_map(digest).collect();
            level.resize(level.len().next_multiple_of(4096), 0);
            tree.splice(0..0, level.clone());
        }
        (digest(&level)[..hash.size()].to_vec(), tree)
    }

    fn checked(image: &[u8], tree: &[u8], hash: Hash, root: &[u8], len: usize) -> Checked {
        let blob = Blob::from_bytes([image, tree].concat());
        let n_blocks = len.div_ceil(4096) as u64;
        let found = Hashtree::new(hash, b"salt", 4096, n_blocks, root, image.len() as u64).unwrap();
        let leaves = found.pieces().map(|it| found.leaves(&blob, it).unwrap()).collect::<Vec<_>>().concat();
        found.check(&blob, leaves)
    }

    fn image(blocks: usize) -> Vec<u8> {
        (0..blocks * 4096).map(|it| (it / 4096 * 31 + it) as u8).collect()
    }

    #[test]
    fn an_image_equals_its_tree_for_every_hash_and_depth() {
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512, Hash::Blake2b256] {
            for blocks in [1, 2, 64, 129, 300] {
                let image = image(blocks);
                let (root, tree) = made(&image, hash, b"salt");
                let checked = checked(&image, &tree, hash, &root, image.len());
                assert!(checked.equal && checked.tree_equal, "{} of {blocks}: {checked:?}", hash.name());
            }
        }
    }

    #[test]
    fn an_altered_block_is_found_and_no_other() {
        let mut changed = image(300);
        let (root, tree) = made(&changed, Hash::Sha256, b"salt");
        for at in [0, 7 * 4096 + 5, 8 * 4096, 299 * 4096 + 4095] {
            changed[at] ^= 1;
        }
        let checked = checked(&changed, &tree, Hash::Sha256, &root, changed.len());
        assert!(!checked.equal);
        assert_eq!(checked.altered, [0..1, 7..9, 299..300]);
        assert_eq!((checked.n_altered, checked.n_unknown), (4, 0));
    }

    #[test]
    fn a_tree_that_was_made_anew_does_not_hide_the_change() {
        let mut changed = image(300);
        let (root, _) = made(&changed, Hash::Sha256, b"salt");
        changed[0] ^= 1;
        let (_, tree) = made(&changed, Hash::Sha256, b"salt");
        let checked = checked(&changed, &tree, Hash::Sha256, &root, changed.len());
        assert!(!checked.equal);
        assert_eq!(checked.n_unknown, 300, "its top is not the one that was signed");
    }

    #[test]
    fn an_altered_block_of_the_tree_makes_unknown_only_what_lies_below_it() {
        let mut changed = image(300);
        let (root, mut tree) = made(&changed, Hash::Sha256, b"salt");
        changed[0] ^= 1;
        // The second block of the lowest level.
        tree[2 * 4096] ^= 1;
        let checked = checked(&changed, &tree, Hash::Sha256, &root, changed.len());
        assert_eq!((checked.altered.first(), checked.n_altered), (Some(&(0..1)), 1));
        assert_eq!(checked.n_unknown, 128);
        assert!(!checked.tree_equal);
    }

    proptest::proptest! {
        #[test]
        fn one_flipped_bit_is_one_block(blocks in 1usize..200, at: usize, bit in 0u8..8) {
            let mut changed = image(blocks);
            let (root, tree) = made(&changed, Hash::Sha256, b"salt");
            let at = at % changed.len();
            changed[at] ^= 1 << bit;
            let checked = checked(&changed, &tree, Hash::Sha256, &root, changed.len());
            let block = (at / 4096) as u64;
            proptest::prop_assert_eq!(checked.altered, vec![block..block + 1]);
        }
    }
}
