//! Opens everything that lies in the input, level by level.
//!
//! Invariant: what is read, and what is refused, does not depend on the number of threads: limits are settled between
//! batches of a fixed size, never inside one.

use formats::{Child, Format, Kind, Reading, Wanted};
use model::observer::Observer;
use model::{Artifact, ArtifactId, Facts, Gap, Layer, NodeKind, Store, Tree, path_name};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{Given, Progress, observe};

/// All that was found.
#[derive(Default)]
pub struct Found {
    /// The artifacts.
    pub tree: Tree,
    /// What readers state about them, sorted by location.
    pub facts: Facts,
    /// Where they could not look.
    pub gaps: Vec<Gap>,
    /// The formats that each artifact was read as, by its id.
    pub formats: Vec<Vec<&'static Format>>,
    /// SHA-256 of artifacts that an observer saw whole.
    pub hashes: FxHashMap<ArtifactId, [u8; 32]>,
}

/// What a batch gives for one artifact: what was read, as what, and the hash of it.
type Opened = (Reading, Vec<&'static Format>, Option<[u8; 32]>);

/// What is to be opened.
pub enum Want<'a> {
    /// Everything, with all facts.
    All,
    /// The same, and an observer sees the bytes.
    Observed(&'a dyn Observer),
    /// Every artifact that shows in the first bytes of what holds it, without the facts that take decoding its content.
    /// How many files may have an archive appended where nobody looked is a gap.
    AllNames,
    /// Containers down to the files of file systems, which are listed and not opened.
    Names,
    /// Artifacts whose path this accepts: asked for each before it is opened.
    Paths(&'a (dyn Fn(&str) -> bool + Sync)),
}

/// Opens what was given, and what lies in it.
pub fn walk(given: Given, want: &Want, store: &Store, progress: &dyn Progress) -> Found {
    let mut walk = Walk {
        found: Found::default(),
        store,
        want,
        progress,
        fuel: 0,
        streams: 0,
        level: Vec::new(),
        ends_unseen: 0,
        sight: 0,
        unsearched: 0,
    };
    walk.start(given);
    let mut depth = 0;
    while !walk.level.is_empty() {
        let level = std::mem::take(&mut walk.level);
        depth += 1;
        if DEPTH_MAX < depth {
            for id in level {
                walk.gap(id, format!("nested deeper than {DEPTH_MAX}"));
            }
            break;
        }
        for batch in level.chunks(BATCH) {
            walk.batch(batch);
        }
    }
    if walk.ends_unseen != 0 {
        let why = "pictures and programs inside archives are packed: what may be appended to them is not listed";
        walk.gap(ArtifactId(0), format!("{} {why}", walk.ends_unseen));
    }
    if walk.unsearched != 0 {
        let why = "files were not searched for known indicators: the input unfolds to more than";
        walk.gap(ArtifactId(0), format!("{} {why} {SIGHT_FACTOR} times its size", walk.unsearched));
    }
    let mut found = walk.found;
    found.formats.resize(found.tree.len(), Vec::new());
    found
}

struct Walk<'a> {
    found: Found,
    store: &'a Store,
    want: &'a Want<'a>,
    progress: &'a dyn Progress,
    /// How many bytes may still be listed.
    fuel: u64,
    /// How many of them may be packed as one stream, which is decoded from its start whoever asks.
    streams: u64,
    /// What is to be opened next.
    level: Vec<ArtifactId>,
    /// How many files may have an archive appended where nobody looked.
    ends_unseen: u64,
    /// How many bytes an observer may still see.
    sight: u64,
    /// How many artifacts it does not see for that.
    unsearched: u64,
}

impl Walk<'_> {
    fn start(&mut self, given: Given) {
        let size: u64 = given.roots.iter().chain(given.entries.iter().flatten()).map(|it| it.blob.len()).sum();
        self.fuel = size.saturating_mul(FUEL_FACTOR).saturating_add(FUEL_FREE);
        self.streams = size.saturating_mul(FUEL_FACTOR).saturating_add(STREAMS_FREE);
        self.sight = size.saturating_mul(SIGHT_FACTOR).saturating_add(SIGHT_FREE);
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for (index, (root, entries)) in given.roots.into_iter().zip(given.entries).enumerate() {
            match root.node.kind {
                NodeKind::Directory => folders.push((index, root, entries)),
                _ => files.push(root),
            }
        }
        let joined = formats::join(files, self.store);
        self.children(None, joined.children, Kind::Wrapper);
        for (index, root, entries) in folders {
            let id = self.found.tree.next_id();
            self.children(None, vec![root], Kind::Wrapper);
            let joined = formats::join(entries, self.store);
            self.children(Some(id), joined.children, Kind::FileSystem);
            for why in joined.gaps {
                self.gap(id, why);
            }
            for (_, path, why) in given.unlisted.iter().filter(|it| it.0 == index) {
                self.gap(id, format!("{path}: {why}"));
            }
        }
        for why in joined.gaps {
            self.gap(ArtifactId(0), why);
        }
    }

    /// Reads a batch in parallel, and takes over the results in order.
    fn batch(&mut self, batch: &[ArtifactId]) {
        let fuel = self.fuel;
        let seen = self.seen_of(batch);
        let (tree, want, store, progress) = (&self.found.tree, self.want, self.store, self.progress);
        let results: Vec<Opened> = batch
            .par_iter()
            .zip(&seen)
            .map(|(&id, &seen)| {
                let artifact = tree.artifact(id);
                let allowance = allowance_of(tree, artifact).min(fuel);
                let (mut reading, formats) = match want {
                    Want::Names if in_folder(tree, artifact) && !holds_images(artifact) => {
                        (Reading::new(artifact, store.clone(), 0), Vec::new())
                    }
                    _ => read_caught(artifact, want, store, allowance),
                };
                let hash = match want {
                    Want::Observed(observer) if seen => observe::show(artifact, &formats, *observer, &mut reading),
                    _ => None,
                };
                progress.done(artifact.blob.len(), &artifact.name);
                (reading, formats, hash)
            })
            .collect();
        for (&id, (reading, formats, hash)) in batch.iter().zip(results) {
            let kind = kind_of(&formats);
            self.found.hashes.extend(hash.map(|it| (id, it)));
            self.ends_unseen += u64::from(reading.end_unseen);
            self.found.facts.merge(reading.facts);
            self.found.gaps.extend(reading.gaps);
            if formats.is_empty() {
                self.unrecognised(id);
            }
            self.found.formats.resize(self.found.formats.len().max(id.0 as usize + 1), Vec::new());
            self.found.formats[id.0 as usize] = formats;
            let joined = formats::join(reading.children, self.store);
            for why in joined.gaps {
                self.gap(id, why);
            }
            self.children(Some(id), joined.children, kind);
        }
    }

    /// Which artifacts of a batch an observer may see.
    fn seen_of(&mut self, batch: &[ArtifactId]) -> Vec<bool> {
        let mut seen = Vec::with_capacity(batch.len());
        for id in batch {
            let rest = self.sight.checked_sub(self.found.tree.artifact(*id).blob.len());
            self.sight = rest.unwrap_or(self.sight);
            seen.push(rest.is_some());
        }
        if matches!(self.want, Want::Observed(_)) {
            self.unsearched += seen.iter().filter(|it| !**it).count() as u64;
        }
        seen
    }

    /// Adds what lies in `parent`, and decides what of it is opened.
    fn children(&mut self, parent: Option<ArtifactId>, children: Vec<Child>, kind: Kind) {
        let depth = parent.map_or(0, |it| self.found.tree.artifact(it).depth + 1);
        let mut seen: FxHashMap<String, u32> = FxHashMap::default();
        let mut refused = 0u64;
        for child in children {
            let len = child.blob.len();
            let budget = if child.blob.is_stream() { &mut self.streams } else { &mut self.fuel };
            if *budget < len || !self.store.reserve(ARTIFACT_COST + NAME_COPIES * child.name.len() as u64) {
                refused += 1;
                continue;
            }
            *budget -= len;
            let id = self.found.tree.next_id();
            let mut name = path_name(&child.name);
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if 1 < *count {
                name = format!("{name}#{count}");
            }
            let (raw_name, blob, node) = (child.name, child.blob, child.node);
            let artifact = Artifact { id, parent, name, raw_name, depth, blob, node };
            let open = artifact.node.kind == NodeKind::File && !artifact.blob.is_empty();
            self.found.tree.push(artifact);
            if open && self.wanted(id, kind) {
                self.progress.ahead(len);
                self.level.push(id);
            }
        }
        if refused != 0 {
            let id = parent.unwrap_or(ArtifactId(0));
            self.gap(
                id,
                format!(
                    "{refused} entries were not looked at: the input unfolds to more entries than half of --max-memory \
                     can keep, or to more than {FUEL_FACTOR} times its size"
                ),
            );
        }
    }

    fn wanted(&self, id: ArtifactId, parent: Kind) -> bool {
        match self.want {
            Want::All | Want::Observed(_) | Want::AllNames => true,
            Want::Names => {
                in_folder(&self.found.tree, self.found.tree.artifact(id))
                    || !matches!(parent, Kind::FileSystem | Kind::App | Kind::Code | Kind::Native)
            }
            Want::Paths(accepts) => accepts(&self.found.tree.path(id)),
        }
    }

    /// Something that no reader knows. Inside file systems and apps that is the normal case (pictures, sounds, data);
    /// a partition or an input that nobody can read is a gap.
    fn unrecognised(&mut self, id: ArtifactId) {
        let artifact = self.found.tree.artifact(id);
        let in_files = artifact.parent.is_some_and(|parent| {
            let formats = self.found.formats.get(parent.0 as usize).map_or(&[][..], |it| it);
            let folder = self.found.tree.artifact(parent).node.kind == NodeKind::Directory;
            folder || matches!(kind_of(formats), Kind::FileSystem | Kind::App | Kind::Archive)
        });
        if !in_files {
            let why = match zeros(artifact) {
                true => "holds only zeros".to_owned(),
                false => "format not recognised".to_owned(),
            };
            self.gap(id, why);
        }
    }

    fn gap(&mut self, artifact: ArtifactId, why: String) {
        self.found.gaps.push(Gap { artifact, why, layer: Layer::Partitions });
    }
}

/// How many bytes a stream may decode to: measured by the smallest form that it has on its way from the input, so that
/// packing a bomb twice gains nothing.
fn allowance_of(tree: &Tree, artifact: &Artifact) -> u64 {
    let smallest = tree
        .ancestors(artifact.id)
        .filter(|it| it.node.kind == NodeKind::File)
        .map(|it| it.blob.len())
        .min()
        .unwrap_or(0);
    smallest.saturating_mul(EXPANSION_MAX).max(EXPANSION_FREE)
}

/// Whether an artifact is a file of a folder on disk.
fn in_folder(tree: &Tree, artifact: &Artifact) -> bool {
    artifact.parent.is_some_and(|it| tree.artifact(it).node.kind == NodeKind::Directory)
}

/// Whether an artifact is an image or holds some, other than an archive of files or an app.
fn holds_images(artifact: &Artifact) -> bool {
    formats::identify(artifact)
        .is_ok_and(|formats| formats.iter().any(|it| matches!(it.kind, Kind::Wrapper | Kind::FileSystem)))
}

/// Whether an artifact begins with nothing but zeros: an empty partition.
fn zeros(artifact: &Artifact) -> bool {
    artifact.blob.read_up_to(0, formats::HEAD_SIZE).is_ok_and(|head| head.iter().all(|&byte| byte == 0))
}

/// The kind that decides how children are treated: a file system before an archive before anything else.
fn kind_of(formats: &[&'static Format]) -> Kind {
    let has = |kind| formats.iter().any(|it| it.kind == kind);
    match () {
        () if has(Kind::FileSystem) => Kind::FileSystem,
        () if has(Kind::App) => Kind::App,
        () if has(Kind::Archive) => Kind::Archive,
        () => formats.first().map_or(Kind::Wrapper, |it| it.kind),
    }
}

/// Reads an artifact; a panic in a reader is a bug, and becomes a gap.
fn read_caught(artifact: &Artifact, want: &Want, store: &Store, allowance: u64) -> (Reading, Vec<&'static Format>) {
    let read = || {
        let mut reading = Reading::new(artifact, store.clone(), allowance);
        reading.wanted = match want {
            Want::All | Want::Observed(_) => Wanted::Facts,
            Want::AllNames => Wanted::Listing,
            Want::Names | Want::Paths(_) => Wanted::Names,
        };
        let formats = formats::read(artifact, &mut reading);
        (reading, formats)
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let mut reading = Reading::new(artifact, store.clone(), allowance);
        reading.gap("internal error: the reader panicked");
        (reading, Vec::new())
    })
}

/// No honest input nests deeper: package, archive, compression, sparse, super, file system, app, dex are eight.
const DEPTH_MAX: u32 = 32;

/// What an artifact takes of memory beside its names, with what is kept about it until the report is written: 1.1 million
/// entries of nested archives took 1.1 GB.
const ARTIFACT_COST: u64 = 1000;

/// Its name is kept as it is and as it is shown, and stands in its paths.
const NAME_COPIES: u64 = 4;

/// What the input may unfold to, of its own size: each level of nesting counts once, and sparse images add holes.
const FUEL_FACTOR: u64 = 64;

/// ... and what it may unfold to however small it is: an empty user-data image packs 100 GB of holes into kilobytes.
const FUEL_FREE: u64 = 256 << 30;

/// ... where each byte costs as much as it would in a file: holes are no streams.
const STREAMS_FREE: u64 = 16 << 30;

/// What an observer may see, of the input's size: sparse images and holes hold little else than zeros...
const SIGHT_FACTOR: u64 = 16;

/// ... and however small the input is.
const SIGHT_FREE: u64 = 8 << 30;

/// A stream may grow to this many times its size (deflate cannot grow further)...
const EXPANSION_MAX: u64 = 1032;

/// ... and to this size in any case.
const EXPANSION_FREE: u64 = 1 << 30;

/// Enough to keep all threads busy, few enough that limits are settled often.
const BATCH: usize = 1024;
