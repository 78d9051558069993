//! The two phones file by file: by content, so that what lies elsewhere is moved and not new.

use std::collections::{BTreeMap, BTreeSet};

use model::{ArtifactId, NodeKind};

use crate::delta::{Delta, Kind, Standing, Topic};
use crate::sides::{Pair, Seen};
use crate::{Comparison, Digest, Unread, Which};

/// How much of something could be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// What is counted: `files`, `units of code`, `programs and libraries`.
    pub unit: &'static str,
    /// What it is a layer of, and what it is counted in, in a word each.
    pub layer: (&'static str, &'static str),
    /// Those of which it is known whether both sides have the same.
    pub compared: u64,
    /// All of both sides; what both have counts once.
    pub all: u64,
    /// Those that are the same.
    pub same: u64,
}

/// A place on the phone.
pub(crate) struct File<'a> {
    pub path: &'a str,
    pub left: &'a [ArtifactId],
    pub right: &'a [ArtifactId],
    pub state: State,
}

/// What is known of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Same,
    Changed,
    Added,
    Removed,
    /// The side that cannot say, and why.
    Unknown(Which, ArtifactId, String),
}

impl File<'_> {
    /// Whether one of the sides has it and cannot be looked into: what it means there is not known.
    pub fn is_dark(&self, pair: &Pair) -> bool {
        let is_shut = |seen: &Seen, ids: &[ArtifactId]| !ids.is_empty() && !ids.iter().any(|it| seen.is_here(*it));
        matches!(self.state, State::Unknown(..)) || is_shut(&pair.left, self.left) || is_shut(&pair.right, self.right)
    }

    /// The artifact of one side.
    pub fn on(&self, which: Which) -> Option<ArtifactId> {
        match which {
            Which::Left => self.left.first().copied(),
            Which::Right => self.right.first().copied(),
        }
    }
}

/// Every place that one of the sides has, in the order of the paths.
pub(crate) fn files<'a>(pair: &'a Pair<'a>) -> Vec<File<'a>> {
    let paths: BTreeSet<&str> = pair.left.files.keys().chain(pair.right.files.keys()).copied().collect();
    let of = |seen: &'a Seen, path: &str| seen.files.get(path).map_or(&[][..], |it| it);
    let file = |path: &'a str| {
        let (left, right) = (of(&pair.left, path), of(&pair.right, path));
        let state = match (left.is_empty(), right.is_empty()) {
            (false, false) => both(pair, left, right),
            (false, true) => only(&pair.left, left, &pair.right, State::Removed),
            (true, _) => only(&pair.right, right, &pair.left, State::Added),
        };
        File { path, left, right, state }
    };
    paths.into_iter().map(file).collect()
}

/// A place that both have. Where one has it twice (an archive beside what was unpacked from it), one of the copies
/// counts.
fn both(pair: &Pair, left: &[ArtifactId], right: &[ArtifactId]) -> State {
    let known = |seen: &Seen, ids: &[ArtifactId]| -> Vec<Digest> {
        ids.iter().filter_map(|it| seen.digest(*it)).copied().collect()
    };
    let (lefts, rights) = (known(&pair.left, left), known(&pair.right, right));
    if lefts.iter().any(|it| rights.contains(it)) {
        return State::Same;
    }
    for (seen, ids, digests) in [(&pair.left, left, &lefts), (&pair.right, right, &rights)] {
        if let Some(id) = ids.first().filter(|_| digests.is_empty()) {
            return State::Unknown(seen.which, *id, seen.why_not(*id));
        }
    }
    State::Changed
}

/// A place that one side has.
fn only(has: &Seen, ids: &[ArtifactId], lacks: &Seen, state: State) -> State {
    let Some(&id) = ids.first() else { return state };
    if has.digest(id).is_none() {
        return State::Unknown(has.which, id, has.why_not(id));
    }
    let Some(mount) = has.phone().mounts.mount(id) else { return state };
    match lacks.lacks(mount, has.artifact(id).node.kind) {
        Ok(()) => state,
        // The gap is about what the other side has, since this one has nothing to point at.
        Err(why) => State::Unknown(has.which, id, format!("{OTHER}{why}")),
    }
}

/// What was said about files by other means, so that it is not said again.
pub(crate) type Explained<'a> = BTreeSet<&'a str>;

/// Files that moved, then what else differs of files that nothing else explains.
pub(crate) fn deltas(pair: &Pair, files: &[File], explained: &Explained, deltas: &mut Vec<Delta>) {
    let moved = moves(pair, files, explained);
    for (from, to) in moved.iter() {
        deltas.push(Delta::new(Kind::Moved, Topic::Form, "file", to).with(*from, *to));
    }
    let moved_paths: BTreeSet<&str> = moved.iter().flat_map(|it| [it.0, it.1]).collect();
    for file in files.iter().filter(|it| !explained.contains(it.path) && !moved_paths.contains(it.path)) {
        let kind = match file.state {
            State::Changed => Kind::Changed,
            State::Added => Kind::Added,
            State::Removed => Kind::Removed,
            State::Same => {
                deltas.extend(node(pair, file));
                continue;
            }
            State::Unknown(..) => continue,
        };
        let (topic, what) = topic_of(pair, file);
        let side = |seen: &Seen, id: Option<&ArtifactId>| id.map_or(String::new(), |it| said(seen, *it));
        let (left, right) = (side(&pair.left, file.left.first()), side(&pair.right, file.right.first()));
        let standing = if topic == Topic::Code { Standing::Privileged } else { Standing::Nobody };
        deltas.push(Delta::new(kind, topic, what, file.path).with(left, right).run_by(standing));
        deltas.extend(node(pair, file));
    }
}

/// Pairs of places, left and right, with the same content of which each side has one. Of several with one content those
/// with the same file name belong together first.
fn moves<'a>(pair: &Pair, files: &[File<'a>], explained: &Explained) -> Vec<(&'a str, &'a str)> {
    let mut by_content: BTreeMap<Digest, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for file in files.iter().filter(|it| !explained.contains(it.path)) {
        let (which, seen) = match file.state {
            State::Removed => (Which::Left, &pair.left),
            State::Added => (Which::Right, &pair.right),
            _ => continue,
        };
        let Some(id) = file.on(which).filter(|it| !seen.artifact(*it).blob.is_empty()) else { continue };
        let Some(digest) = seen.digest(id) else { continue };
        let (lefts, rights) = by_content.entry(*digest).or_default();
        if which == Which::Left { lefts } else { rights }.push(file.path);
    }
    let mut moves = Vec::new();
    for (mut lefts, mut rights) in by_content.into_values() {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        lefts.retain(|left| match rights.iter().position(|it| name(it) == name(left)) {
            Some(at) => {
                moves.push((*left, rights.remove(at)));
                false
            }
            None => true,
        });
        moves.extend(lefts.into_iter().zip(rights));
    }
    moves.sort_unstable();
    moves
}

/// What the file system says about a file that both have: who owns it, who may use it, and as whom it runs.
fn node(pair: &Pair, file: &File) -> Option<Delta> {
    let left = &pair.left.artifact(*file.left.first()?).node;
    let right = &pair.right.artifact(*file.right.first()?).node;
    let mut said = [Vec::new(), Vec::new()];
    let mut add = |what: &str, left: Option<String>, right: Option<String>| {
        if let (Some(left), Some(right)) = (left, right)
            && left != right
        {
            said[0].push(format!("{what} {left}"));
            said[1].push(format!("{what} {right}"));
        }
    };
    let mode = |it: Option<u16>| it.map(|it| format!("{it:04o}"));
    let number = |it: Option<u32>| it.map(|it| it.to_string());
    if left.kind == right.kind && left.kind != NodeKind::Symlink {
        add("mode", mode(left.mode), mode(right.mode));
    }
    add("owner", number(left.uid), number(right.uid));
    add("group", number(left.gid), number(right.gid));
    add("label", left.selinux.clone(), right.selinux.clone());
    // Only where owners are known are capabilities kept, too.
    if left.uid.is_some() && right.uid.is_some() {
        let caps =
            |it: &model::Node| it.capability.as_ref().map_or("none".to_owned(), |it| format!("{:#x}", it.permitted));
        add("capabilities", Some(caps(left)), Some(caps(right)));
    }
    let [lefts, rights] = said;
    if lefts.is_empty() {
        return None;
    }
    let set_id = |it: Option<u16>| it.is_some_and(|it| it & 0o6000 != 0);
    let power = set_id(left.mode) || set_id(right.mode) || left.capability != right.capability;
    let topic = if power { Topic::Power } else { Topic::Setting };
    let delta = Delta::new(Kind::Changed, topic, "owner, mode or label of a file", file.path);
    Some(delta.with(lefts.join(", "), rights.join(", ")).run_by(if power { Standing::Root } else { Standing::Nobody }))
}

/// What a file that nothing else explains is.
fn topic_of(pair: &Pair, file: &File) -> (Topic, String) {
    let is = |format: &str| {
        file.left.iter().any(|it| pair.left.is(*it, format)) || file.right.iter().any(|it| pair.right.is(*it, format))
    };
    let of = |formats: &[&str]| formats.iter().any(|it| is(it));
    match () {
        () if of(&["elf"]) => (Topic::Code, "program or library".to_owned()),
        () if of(&["dex", "oat", "vdex", "dalvik-odex", "cdex"]) => (Topic::Code, "file of code".to_owned()),
        () if of(&["apk", "apks", "apex"]) => (Topic::Code, "package".to_owned()),
        () if of(&["script"]) => (Topic::Code, "script".to_owned()),
        () if of(&[
            "fstab",
            "ueventd",
            "sysconfig",
            "mac-permissions",
            "contexts",
            "cil",
            "sepolicy",
            "init-rc",
            "prop",
        ]) =>
        {
            (Topic::Setting, "configuration".to_owned())
        }
        () => (Topic::Data, "file".to_owned()),
    }
}

/// A file in a few words.
fn said(seen: &Seen, id: ArtifactId) -> String {
    let artifact = seen.artifact(id);
    match artifact.node.kind {
        NodeKind::Symlink => format!("-> {}", artifact.node.target.as_deref().unwrap_or_default()),
        NodeKind::File => match seen.digest(id) {
            Some([a, b, c, d, ..]) => {
                format!("{} bytes, sha256 {a:02x}{b:02x}{c:02x}{d:02x}…", artifact.blob.len())
            }
            None => format!("{} bytes", artifact.blob.len()),
        },
        kind => format!("{kind:?}").to_lowercase(),
    }
}

/// How much of the files could be compared, and what could not.
pub(crate) fn tell(pair: &Pair, files: &[File], comparison: &mut Comparison) {
    let mut share = Share { unit: "files", layer: ("files", "files"), compared: 0, all: 0, same: 0 };
    let mut left_out: BTreeMap<(Which, ArtifactId, &str), u64> = BTreeMap::new();
    for file in files {
        share.all += 1;
        match &file.state {
            State::Unknown(which, id, why) => {
                // What a whole partition has in common is said once.
                let seen = pair.side(*which);
                let about = if why.starts_with(OTHER) { seen.mount_of(*id).unwrap_or(*id) } else { *id };
                *left_out.entry((*which, about, why)).or_default() += 1;
            }
            state => {
                share.compared += 1;
                share.same += u64::from(*state == State::Same);
                for (seen, ids) in [(&pair.left, file.left), (&pair.right, file.right)] {
                    if let Some(id) = ids.first().filter(|it| *state == State::Changed && !seen.is_here(**it)) {
                        let key =
                            (seen.which, *id, "it differs, and in what is not known: only a pointer to it is here");
                        *left_out.entry(key).or_default() += 1;
                    }
                }
            }
        }
    }
    for ((which, id, why), n) in left_out {
        comparison.gaps.push(Unread { which, artifact: id, why: why.to_owned(), count: n });
    }
    comparison.shares.insert(0, share);
}

/// The places of which one side does not say what they hold.
pub(crate) fn dark<'a>(pair: &Pair, files: &[File<'a>]) -> BTreeSet<&'a str> {
    files.iter().filter(|it| it.is_dark(pair)).map(|it| it.path).collect()
}

/// Images that hold nothing that anybody here can read: firmware, kernels, trees of devices. They are told by the name
/// of their partition, whatever they were packed in.
pub(crate) fn images(pair: &Pair, comparison: &mut Comparison) {
    let (lefts, rights) = (images_of(&pair.left), images_of(&pair.right));
    let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
    let mut share = Share { unit: "opaque images", layer: ("opaque images", "images"), compared: 0, all: 0, same: 0 };
    for name in names {
        share.all += 1;
        let gap = |seen: &Seen, id: ArtifactId, why: String| Unread { which: seen.which, artifact: id, why, count: 1 };
        let (left, right) = match (lefts.get(name), rights.get(name)) {
            (Some(left), Some(right)) => (*left, *right),
            (Some(id), None) => {
                comparison.gaps.push(gap(&pair.left, *id, format!("{OTHER}the image {name} is not in it")));
                continue;
            }
            (None, Some(id)) => {
                comparison.gaps.push(gap(&pair.right, *id, format!("{OTHER}the image {name} is not in it")));
                continue;
            }
            (None, None) => continue,
        };
        match (pair.left.digest(left), pair.right.digest(right)) {
            (Some(one), Some(other)) => {
                share.compared += 1;
                share.same += u64::from(one == other);
                if one != other {
                    let delta = Delta::new(Kind::Changed, Topic::Opaque, format!("image {name}"), "");
                    comparison.deltas.push(delta.with(said(&pair.left, left), said(&pair.right, right)));
                    let why = "it differs, and in what is not known: nobody here can read what it holds";
                    comparison.gaps.push(gap(&pair.right, right, why.to_owned()));
                }
            }
            (None, _) => comparison.gaps.push(gap(&pair.left, left, pair.left.why_not(left))),
            (_, None) => comparison.gaps.push(gap(&pair.right, right, pair.right.why_not(right))),
        }
    }
    comparison.shares.push(share);
}

/// Images by the partition that they are of.
fn images_of(seen: &Seen) -> BTreeMap<String, ArtifactId> {
    let phone = seen.phone();
    let mut images = BTreeMap::new();
    for artifact in phone.tree.iter().filter(|it| it.node.kind == NodeKind::File && !it.blob.is_empty()) {
        let formats = phone.formats.get(artifact.id.0 as usize).map_or(&[][..], |it| it);
        let is_opaque = formats.iter().all(|it| OPAQUE.contains(it)) && seen.children(artifact.id).is_empty();
        if !is_opaque || !seen.path(artifact.id).is_empty() {
            continue;
        }
        let name = seen.partition_of(artifact.id);
        let is_image = IMAGES.iter().any(|it| artifact.name.to_ascii_lowercase().ends_with(it));
        let holder = artifact.parent.filter(|it| HOLDERS.iter().any(|format| seen.is(*it, format)));
        match holder {
            // A part of an image is called after both.
            Some(holder) if seen.is(holder, "boot-image") || seen.is(holder, "vendor-boot") => {
                images.entry(format!("{}/{name}", seen.partition_of(holder))).or_insert(artifact.id);
            }
            Some(_) => _ = images.entry(name).or_insert(artifact.id),
            None if is_image => _ = images.entry(name).or_insert(artifact.id),
            None => {}
        }
    }
    images
}

/// Formats of which only a little is read.
const OPAQUE: &[&str] = &["unread", "kernel", "dtb", "dtbo", "qcdt"];
/// What holds images of partitions, or parts of one.
const HOLDERS: &[&str] = &["super-image", "payload", "gpt", "boot-image", "vendor-boot"];
/// How files are called that are images.
const IMAGES: &[&str] = &[".img", ".mbn", ".bin", ".elf"];

/// How a reason begins that lies with the other side.
const OTHER: &str = "of the other side, ";
