//! From paths to a phone that was looked at: what `check` reports on, and what `compare` holds beside another.

use std::path::PathBuf;

use compare::Content;
use detect::Context;
use formats::Child;
use knowledge::{Feeds, Knowledge, Matcher};
use model::observer::Observer;
use model::report::{Controller, Input, SurfaceLine};
use model::{ArtifactId, Finding, Gap, Layer, NodeKind, Store, path_name};
use phone::Phone;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use surface::Surface;

use crate::observe::Together;
use crate::{Cache, Found, InputError, Phase, Progress, Want, conclude, contents, flows, gates};

/// What is to be looked at, and how.
pub struct Inspect<'a> {
    /// The paths, all of one phone.
    pub inputs: &'a [PathBuf],
    /// Whether values are followed through code.
    pub flows: bool,
    /// Whether the error correction of images is recomputed.
    pub fec: bool,
    /// Indicators that others publish.
    pub feeds: &'a Feeds,
    /// Whether it is told what every artifact holds.
    pub contents: bool,
}

/// A phone, and all that was seen on it.
pub struct Inspected {
    /// What was given.
    pub input: Vec<Input>,
    /// The phone.
    pub phone: Phone,
    /// What detectors claim, by rank.
    pub findings: Vec<Finding>,
    /// Who controls it.
    pub controllers: Vec<Controller>,
    /// What the report shows of its gates.
    pub surface: SurfaceLine,
    /// What every artifact holds, by its id; empty where nobody asked.
    pub contents: Vec<Content>,
}

/// Looks at a phone. A cache changes how long it takes.
pub fn inspect(
    inspect: &Inspect,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<Inspected, InputError> {
    let (phone, input, contents) = assemble(inspect, store, cache, progress)?;
    progress.begin(Phase::Detect);
    let surface = Surface::of(&phone);
    let context = Context { phone: &phone, surface: &surface, knowledge: Knowledge::bundled(), feeds: inspect.feeds };
    let findings = detect::detect(&context);
    let controllers = detect::controllers(&context);
    let surface = gates::surface_of(&phone, &surface);
    progress.end(Phase::Detect);
    Ok(Inspected { input, phone, findings, controllers, surface, contents })
}

/// From paths to a phone, with what was given and what every artifact holds.
pub(crate) fn assemble(
    inspect: &Inspect,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<(Phone, Vec<Input>, Vec<Content>), InputError> {
    let feeds = inspect.feeds;
    progress.begin(Phase::Read);
    let given = crate::open(inspect.inputs)?;
    let copies: Vec<(Child, Vec<Child>)> = given.roots.iter().cloned().zip(given.entries.iter().cloned()).collect();
    let of_feeds;
    let matcher = match feeds.is_empty() {
        true => &*Knowledge::bundled().matcher,
        false => {
            of_feeds = Matcher::bundled(feeds.terms());
            &of_feeds
        }
    };
    let observers = Together(std::iter::once(matcher as &dyn Observer).chain(feeds.rules()).collect());
    let mut found = crate::walk(given, &Want::Observed(&observers), store, progress);
    let input = copies
        .iter()
        .map(|(root, entries)| {
            let sha256 = hash_of(root, entries, &found);
            let name = path_name(&root.name);
            let kind = match root.node.kind {
                NodeKind::Directory => "folder".to_owned(),
                _ => kind_of(&found, &name),
            };
            let size = root.blob.len() + entries.iter().map(|it| it.blob.len()).sum::<u64>();
            Input { name, sha256, size, kind }
        })
        .collect();
    found.gaps.extend(unused_of(feeds));
    let contents = if inspect.contents { contents::of(&found) } else { Vec::new() };
    progress.end(Phase::Read);

    progress.begin(Phase::Verify);
    let (facts, gaps) = crate::signatures::verify(&found, store, inspect.fec, progress);
    found.facts.merge(facts);
    found.gaps.extend(gaps);
    progress.end(Phase::Verify);

    if inspect.flows {
        progress.begin(Phase::Follow);
        let models = &Knowledge::bundled().models;
        let (units, gaps) = crate::flows(&found, models, taint::Control::default(), cache, progress);
        let facts = flows::facts_of(&found, units);
        found.facts.merge(facts);
        found.gaps.extend(gaps);
        progress.end(Phase::Follow);

        progress.begin(Phase::Disassemble);
        let (facts, gaps) = crate::native::natives(&found, cache, progress);
        found.facts.merge(facts);
        found.gaps.extend(gaps);
        progress.end(Phase::Disassemble);
    }

    progress.begin(Phase::Assemble);
    let formats = found.formats.iter().map(|it| it.iter().map(|format| format.id).collect()).collect();
    let mut phone = Phone::assemble(found.tree, found.facts, found.gaps, formats, Knowledge::bundled());
    crate::policy::add(&mut phone);
    progress.end(Phase::Assemble);
    Ok((phone, input, contents))
}

/// What of feeds is not used: one gap for each, with the first place.
fn unused_of(feeds: &Feeds) -> Vec<Gap> {
    let gap = |feed: &knowledge::Feed| {
        let first = feed.unused.first()?;
        let (n, all) = (feed.unused.len(), feed.n_stated());
        let why = format!("feed {}: {n} of {all} are not used, the first is {}: {}", feed.name, first.at, first.why);
        Some(Gap { artifact: ArtifactId(0), why, layer: Layer::Config })
    };
    feeds.iter().filter_map(gap).collect()
}

/// The id of the format that an input was read as.
fn kind_of(found: &crate::Found, name: &str) -> String {
    let root = found.tree.iter().take_while(|it| it.parent.is_none()).find(|it| it.name == name);
    root.and_then(|it| found.formats.get(it.id.0 as usize)?.first()).map_or("unknown", |it| it.id).to_owned()
}

/// SHA-256 of an input: of its bytes, or for a folder of the sorted lines `<hash or link target>  <path>`. Empty where
/// the bytes cannot be read. What was hashed while it was read is not read again.
fn hash_of(root: &Child, entries: &[Child], found: &Found) -> String {
    let mut named = found.tree.iter().filter(|it| it.parent.is_none() && it.raw_name == root.name);
    // Of two inputs of one name neither is looked up.
    let root_id = named.next().filter(|_| named.next().is_none()).map(|it| it.id);
    let hashed = |it: ArtifactId| found.hashes.get(&it).map(|it| conclude::hex(it));
    if root.node.kind != NodeKind::Directory {
        let hashed = root_id.and_then(hashed);
        return hashed.unwrap_or_else(|| conclude::sha256_of(&root.blob).unwrap_or_default());
    }
    let files: FxHashMap<&[u8], ArtifactId> = found
        .tree
        .iter()
        .filter(|it| it.parent.is_some() && it.parent == root_id)
        .map(|it| (&*it.raw_name, it.id))
        .collect();
    let lines: Vec<String> = entries
        .par_iter()
        .map(|it| {
            let content = match (&it.node.target, it.node.kind) {
                (Some(target), _) => format!("-> {target}"),
                (None, NodeKind::File) => match files.get(&*it.name).copied().and_then(hashed) {
                    Some(hashed) => hashed,
                    None => conclude::sha256_of(&it.blob).unwrap_or_else(|_| "unreadable".to_owned()),
                },
                (None, _) => "-".to_owned(),
            };
            format!("{content}  {}\n", path_name(&it.name))
        })
        .collect();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(line.as_bytes());
    }
    conclude::hex(&hash.finalize())
}
