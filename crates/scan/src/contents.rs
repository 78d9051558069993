//! What every artifact holds, by its hash: so that contents can be held beside each other.

use compare::{Content, Digest};
use formats::Kind;
use model::{Artifact, NodeKind};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::conclude;
use crate::walk::Found;

/// By the id of the artifact. What was hashed while it was read is not read again.
pub fn of(found: &Found) -> Vec<Content> {
    let mut packs = vec![false; found.tree.len()];
    for artifact in found.tree.iter() {
        if let Some(parent) = artifact.parent {
            packs[parent.0 as usize] = true;
        }
    }
    let artifacts: Vec<&Artifact> = found.tree.iter().collect();
    let content = |artifact: &&Artifact| {
        let formats = found.formats.get(artifact.id.0 as usize).map_or(&[][..], |it| it);
        // An image is held by what lies in it.
        let is_image = packs[artifact.id.0 as usize]
            && !artifact.name.starts_with('/')
            && !formats.iter().any(|it| matches!(it.kind, Kind::App | Kind::Archive));
        match found.hashes.get(&artifact.id) {
            Some(digest) => known(artifact, *digest),
            None if is_image => Content::Unknown("it is told by what lies in it".to_owned()),
            None => unseen(artifact),
        }
    };
    artifacts.par_iter().map(content).collect()
}

/// A file that was read to its end.
fn known(artifact: &Artifact, digest: Digest) -> Content {
    // A fault of the machine now is no pointer.
    let head = (artifact.blob.len() <= POINTER_MAX).then(|| artifact.blob.read_up_to(0, POINTER_MAX).ok()).flatten();
    head.and_then(|it| pointer(&it)).map_or(Content::Known(digest), Content::Elsewhere)
}

/// What was not read, or has holes.
fn unseen(artifact: &Artifact) -> Content {
    let words = |text: String| Content::Known(Sha256::digest(text.as_bytes()).into());
    let node = &artifact.node;
    match node.kind {
        NodeKind::File if artifact.blob.is_empty() => Content::Known(Sha256::digest(b"").into()),
        NodeKind::File if HOLES_MAX < artifact.blob.len() => {
            Content::Unknown("it is too large to be hashed".to_owned())
        }
        NodeKind::File => match conclude::digest_of(&artifact.blob) {
            Ok(digest) => known(artifact, digest),
            Err(error) => Content::Unknown(error.to_string()),
        },
        NodeKind::Symlink => words(format!("-> {}", node.target.as_deref().unwrap_or_default())),
        kind => words(format!("{kind:?} {:?}", node.device)),
    }
}

/// The file that a git-lfs pointer stands for.
fn pointer(head: &[u8]) -> Option<Digest> {
    let text = std::str::from_utf8(head).ok()?.strip_prefix("version https://git-lfs.github.com/spec/v1\n")?;
    let hex = text.lines().find_map(|it| it.strip_prefix("oid sha256:"))?;
    let mut digest = Digest::default();
    if hex.len() != 2 * digest.len() || !hex.is_ascii() {
        return None;
    }
    for (n, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// A pointer of git-lfs has less than this (git-lfs, docs/spec.md).
const POINTER_MAX: u64 = 1024;

/// Hashing so many zeros takes seconds; no file of a phone is larger.
const HOLES_MAX: u64 = 8 << 30;
