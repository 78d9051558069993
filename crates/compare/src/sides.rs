//! A side with what is asked of it again and again.

use std::collections::{BTreeMap, BTreeSet};

use model::{Artifact, ArtifactId, Layer, NodeKind};
use phone::{Environment, Mount, Phone};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{Content, Digest, Side, Which};

/// A side, and where its files are.
pub(crate) struct Seen<'a> {
    pub side: &'a Side<'a>,
    pub which: Which,
    /// Files, links and nodes by their place on the phone; several where partitions hide each other, or the input holds
    /// copies.
    pub files: BTreeMap<&'a str, Vec<ArtifactId>>,
    children: FxHashMap<ArtifactId, Vec<ArtifactId>>,
    /// File systems of which it is not known what else they hold.
    broken: FxHashSet<ArtifactId>,
    has_links: bool,
}

/// Two sides.
pub(crate) struct Pair<'a> {
    pub left: Seen<'a>,
    pub right: Seen<'a>,
}

impl<'a> Pair<'a> {
    pub fn of(left: &'a Side<'a>, right: &'a Side<'a>) -> Pair<'a> {
        Pair { left: Seen::of(left, Which::Left), right: Seen::of(right, Which::Right) }
    }

    pub fn side(&self, which: Which) -> &Seen<'a> {
        match which {
            Which::Left => &self.left,
            Which::Right => &self.right,
        }
    }
}

impl<'a> Seen<'a> {
    fn of(side: &'a Side<'a>, which: Which) -> Seen<'a> {
        let phone = side.phone;
        let mut files: BTreeMap<&str, Vec<ArtifactId>> = BTreeMap::new();
        let mut children: FxHashMap<ArtifactId, Vec<ArtifactId>> = FxHashMap::default();
        let mut has_links = false;
        for artifact in phone.tree.iter() {
            if let Some(parent) = artifact.parent {
                children.entry(parent).or_default().push(artifact.id);
            }
            if phone.mounts.is_entry(artifact.id) && artifact.node.kind != NodeKind::Directory {
                files.entry(phone.device_path(artifact.id)).or_default().push(artifact.id);
                has_links |= artifact.node.kind == NodeKind::Symlink;
            }
        }
        let broken = phone.gaps.iter().filter(|it| it.layer == Layer::Partitions).map(|it| it.artifact).collect();
        Seen { side, which, files, children, broken, has_links }
    }

    pub fn phone(&self) -> &'a Phone {
        self.side.phone
    }

    pub fn artifact(&self, id: ArtifactId) -> &'a Artifact {
        self.side.phone.tree.artifact(id)
    }

    pub fn path(&self, id: ArtifactId) -> &'a str {
        self.side.phone.device_path(id)
    }

    /// The hash of what an artifact holds, if it is known.
    pub fn digest(&self, id: ArtifactId) -> Option<&'a Digest> {
        match self.side.contents.get(id.0 as usize)? {
            Content::Known(digest) | Content::Elsewhere(digest) => Some(digest),
            Content::Unknown(_) => None,
        }
    }

    /// Whether the bytes of an artifact are there to be looked at.
    pub fn is_here(&self, id: ArtifactId) -> bool {
        matches!(self.side.contents.get(id.0 as usize), Some(Content::Known(_)))
    }

    /// Why they are not.
    pub fn why_not(&self, id: ArtifactId) -> String {
        match self.side.contents.get(id.0 as usize) {
            Some(Content::Unknown(why)) => why.clone(),
            Some(Content::Elsewhere(_)) => "only a pointer to it is here".to_owned(),
            Some(Content::Known(_)) | None => "it was not read".to_owned(),
        }
    }

    /// Whether an artifact was read as a format.
    pub fn is(&self, id: ArtifactId, format: &str) -> bool {
        self.side.phone.formats.get(id.0 as usize).is_some_and(|it| it.contains(&format))
    }

    /// The file system that holds a file.
    pub fn mount_of(&self, id: ArtifactId) -> Option<ArtifactId> {
        self.side.phone.mounts.mount(id).map(|it| it.artifact)
    }

    /// The partition that an image is of, by its name: without an ending, without the slot.
    pub fn partition_of(&self, id: ArtifactId) -> String {
        let lower = String::from_utf8_lossy(self.artifact(id).file_name()).to_ascii_lowercase();
        let stem = lower.split('.').next().unwrap_or_default();
        stem.strip_suffix("_a").or(stem.strip_suffix("_b")).unwrap_or(stem).to_owned()
    }

    /// Where the phone has an artifact; an image that is no file of it by its partition.
    pub fn place(&self, id: ArtifactId) -> String {
        match self.path(id) {
            "" => format!("/dev/block/by-name/{}", self.partition_of(id)),
            path => path.to_owned(),
        }
    }

    /// What lies directly in an artifact.
    pub fn children(&self, id: ArtifactId) -> &[ArtifactId] {
        self.children.get(&id).map_or(&[], |it| it)
    }

    /// Whether it is known that this side lacks a file of the other: its partition was given here too and read to its
    /// end. Else the reason why it is not known.
    pub fn lacks(&self, mount: &Mount, kind: NodeKind) -> Result<(), String> {
        let point = |it: &Mount| (it.environment, it.partition.clone());
        let is_same = |it: &&Mount| {
            let root = it.point == mount.point && (it.partition == "root" || mount.partition == "root");
            it.environment == mount.environment && (point(it) == point(mount) || root)
        };
        let mut own = self.side.phone.mounts.all.iter().filter(is_same).peekable();
        if own.peek().is_none() && !self.has_below(mount) {
            return Err(match mount.environment {
                Environment::InactiveSlot => "the slot that is not started is not in it".to_owned(),
                _ => format!("the partition {} is not in it", mount.partition),
            });
        }
        if let Some(broken) = own.find(|it| self.is_broken(it.artifact)) {
            return Err(format!("not all that the partition {} holds could be listed", broken.partition));
        }
        match kind {
            NodeKind::Symlink if !self.has_links => Err("it keeps no symbolic links".to_owned()),
            NodeKind::CharDevice | NodeKind::BlockDevice | NodeKind::Fifo | NodeKind::Socket => {
                Err("it need not keep device nodes".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn is_broken(&self, id: ArtifactId) -> bool {
        self.side.phone.tree.ancestors(id).any(|it| self.broken.contains(&it.id))
    }

    /// Whether a partition's files lie in the folder of another one here (`/vendor` of a system image).
    fn has_below(&self, mount: &Mount) -> bool {
        if mount.point.is_empty() || mount.environment != Environment::Normal {
            return false;
        }
        let folder = format!("{}/", mount.point);
        self.files.range(folder.as_str()..).next().is_some_and(|it| it.0.starts_with(&folder))
    }
}

/// What of two sets only one has: left, right.
pub(crate) fn apart<T: Ord + Clone>(left: &BTreeSet<T>, right: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    (left.difference(right).cloned().collect(), right.difference(left).cloned().collect())
}
