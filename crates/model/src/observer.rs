//! Who sees bytes while they are read. The matcher of known indicators plugs in here.
//!
//! Invariant: every byte of an artifact that holds no other artifacts is shown once, in order; of one that does, its
//! content is shown where it lies, and its own bytes only for what concerns it as a whole.

use crate::{Artifact, Facts};

/// Looks at artifacts. Called from many threads.
pub trait Observer: Sync {
    /// Begins with an artifact, of which readers stated some facts already; none where there is nothing to see in it.
    fn observe(&self, artifact: &Artifact, part: Part, stated: &Facts) -> Option<Box<dyn Observation + '_>>;
}

/// What the bytes of an artifact are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Content: nothing else lies in them that is shown by itself.
    Content,
    /// What packs other artifacts, which are shown by themselves.
    Packing,
}

/// One artifact under observation.
pub trait Observation {
    /// The next bytes.
    fn bytes(&mut self, bytes: &[u8]);

    /// So many zeros follow, which nobody read: a hole.
    fn zeros(&mut self, n: u64);

    /// There are no more: what was seen becomes facts, and what was too much becomes the reasons of gaps. With the SHA-256
    /// of the whole, where all of it was shown and none of it was a hole.
    fn finish(self: Box<Self>, sha256: Option<&[u8; 32]>, facts: &mut Facts) -> Vec<String>;
}
