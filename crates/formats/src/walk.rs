//! The walk over the directories of a file system, with the bounds and the care for names that every one needs.

use std::collections::{BTreeMap, HashSet};

use model::fact::anomaly;
use model::{Blob, Fault, Node, NodeKind};

use crate::Reading;

/// A file system, as the walk sees it.
pub(crate) trait Directories {
    /// What a directory entry names.
    type Id: Clone;

    /// Equal for two ids of one directory.
    fn key(&self, id: &Self::Id) -> u64;

    /// The entries of a directory in its order, without its own `.` and `..`. Faults go into the tally; what could be
    /// read in spite of them is returned.
    fn list(&mut self, directory: &Self::Id, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, Self::Id)>;

    /// What an entry says about itself, and its bytes. Parts that cannot be read go into the tally.
    fn open(&mut self, id: &Self::Id, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault>;
}

/// Lists everything below `root` into `out`. Returns the number of entries.
pub(crate) fn walk<T: Directories>(volume: &mut T, root: T::Id, out: &mut Reading, tally: &mut Tally) -> u64 {
    let mut seen = HashSet::from([volume.key(&root)]);
    let mut pending = vec![(b"/".to_vec(), root, 0u32)];
    let mut n_entries = 0u64;
    let mut names_len = 0u64;
    while let Some((prefix, directory, depth)) = pending.pop() {
        let entries = volume.list(&directory, &prefix, tally);
        let mut names = HashSet::with_capacity(entries.len());
        let mut below = Vec::new();
        for (raw, id) in &entries {
            let path = [prefix.as_slice(), &safe_name(raw)].concat();
            if matches!(raw.as_slice(), b"" | b"." | b"..") || raw.iter().any(|byte| matches!(byte, b'/' | 0)) {
                tally.odd(anomaly::Kind::HostileName, &path);
            }
            if !names.insert(raw) {
                tally.odd(anomaly::Kind::DuplicateName, &path);
            }
            n_entries = n_entries.saturating_add(1);
            names_len = names_len.saturating_add(path.len() as u64);
            if ENTRIES_MAX < n_entries || NAMES_MAX < names_len {
                out.gap(format!(
                    "more than {ENTRIES_MAX} entries or {NAMES_MAX} bytes of names: the rest is not listed"
                ));
                return n_entries.saturating_sub(1);
            }
            match volume.open(id, &path, tally) {
                Ok((node, blob)) => {
                    if node.kind == NodeKind::Directory {
                        if DEPTH_MAX <= depth {
                            tally.add("directories lie too deep to be listed", &path);
                        } else if !seen.insert(volume.key(id)) {
                            tally.add("directories lie in a second place and are listed once", &path);
                        } else {
                            below.push(([path.as_slice(), b"/"].concat(), id.clone(), depth.saturating_add(1)));
                        }
                    }
                    out.entry(path, blob, node);
                }
                Err(fault) => {
                    tally.fault("entries cannot be read", &path, &fault);
                    out.unreadable(path, 0, Node::file(), fault);
                }
            }
        }
        below.reverse();
        pending.extend(below);
    }
    n_entries
}

/// A name that cannot be mistaken for a path: a slash or NUL in it becomes a byte that is escaped on output.
fn safe_name(raw: &[u8]) -> Vec<u8> {
    raw.iter().map(|&byte| if matches!(byte, b'/' | 0) { 0xff } else { byte }).collect()
}

/// What went wrong at how many places: one gap for all of a kind, so that a broken image does not flood the report.
#[derive(Default)]
pub(crate) struct Tally {
    gaps: BTreeMap<&'static str, (u64, String)>,
    odd: BTreeMap<anomaly::Kind, (u64, String)>,
}

impl Tally {
    /// One more place: `what` goes on "3 ".
    pub(crate) fn add(&mut self, what: &'static str, path: &[u8]) {
        let (count, _) = self.gaps.entry(what).or_insert_with(|| (0, model::path_name(path)));
        *count = count.saturating_add(1);
    }

    /// One more place, and why.
    pub(crate) fn fault(&mut self, what: &'static str, path: &[u8], fault: &Fault) {
        let (count, _) = self.gaps.entry(what).or_insert_with(|| (0, format!("{}: {fault}", model::path_name(path))));
        *count = count.saturating_add(1);
    }

    /// One more name that is malformed and yet listed.
    pub(crate) fn odd(&mut self, kind: anomaly::Kind, path: &[u8]) {
        let (count, _) = self.odd.entry(kind).or_insert_with(|| (0, model::path_name(path)));
        *count = count.saturating_add(1);
    }

    /// Tells all of it. `offset` and `size` are those of the superblock.
    pub(crate) fn finish(self, out: &mut Reading, offset: u64, size: u64) {
        for (what, (count, first)) in self.gaps {
            out.gap(format!("{count} {what}; the first: {first}"));
        }
        for (kind, (count, first)) in self.odd {
            out.anomaly(offset, size, kind, format!("{count} names; the first: {first}"));
        }
    }
}

/// An Android image has about 60,000; a full data partition some hundred thousand.
pub(crate) const ENTRIES_MAX: u64 = 4 << 20;

/// All paths together: 64 bytes for each of the entries above.
const NAMES_MAX: u64 = 256 << 20;

/// Paths on a phone are at most 4096 bytes long, and about 20 deep.
const DEPTH_MAX: u32 = 256;
