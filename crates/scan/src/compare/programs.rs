//! Programs function by function.

use std::collections::{BTreeMap, BTreeSet};

use compare::native::Changes;
use model::{ArtifactId, Fault};
use phone::Phone;
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// The functions of a program: those that the file names, and those that it does not by what they do.
#[derive(Default)]
struct Program {
    named: BTreeMap<String, Hash>,
    nameless: BTreeMap<Hash, Vec<String>>,
    is_whole: bool,
}

/// What functions only one of two programs has; none where one of them cannot be read.
pub fn compare(left: &Phone, left_id: ArtifactId, right: &Phone, right_id: ArtifactId) -> Option<Changes> {
    let work = || {
        let left = program(&left.tree.artifact(left_id).blob).ok()?;
        let right = program(&right.tree.artifact(right_id).blob).ok()?;
        Some(beside(&left, &right))
    };
    // A panic is a bug; then functions are not told, and that the program differs is.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok().flatten()
}

fn program(blob: &model::Blob) -> Result<Program, Fault> {
    let bytes = blob.bytes("bytes of an ELF file", FILE_MAX)?;
    let mut program = Program::default();
    let is_whole = native::shapes(&bytes, |shape| {
        let hash: Hash = Sha256::digest(shape.form).into();
        match shape.is_named {
            // Of two with one name (in two files that were linked together) both count.
            true if !program.named.contains_key(&shape.name) => _ = program.named.insert(shape.name, hash),
            _ => program.nameless.entry(hash).or_default().push(shape.name),
        }
    })?;
    program.is_whole = is_whole;
    Ok(program)
}

fn beside(left: &Program, right: &Program) -> Changes {
    let mut changes = Changes { partial: !left.is_whole || !right.is_whole, ..Changes::default() };
    for (name, hash) in &left.named {
        match right.named.get(name) {
            None => changes.removed.push(name.clone()),
            Some(other) if other == hash => changes.n_same += 1,
            Some(_) => changes.changed.push(name.clone()),
        }
    }
    changes.added.extend(right.named.keys().filter(|it| !left.named.contains_key(*it)).cloned());
    let hashes: BTreeSet<&Hash> = left.nameless.keys().chain(right.nameless.keys()).collect();
    for hash in hashes {
        let none = Vec::new();
        let (l, r) = (left.nameless.get(hash).unwrap_or(&none), right.nameless.get(hash).unwrap_or(&none));
        let both = l.len().min(r.len());
        changes.n_same += both as u64;
        changes.removed.extend(l.iter().skip(both).cloned());
        changes.added.extend(r.iter().skip(both).cloned());
    }
    // What has no name is called after its place: what is in the same place is the same function, changed.
    let added: BTreeSet<String> = changes.added.iter().cloned().collect();
    let both: BTreeSet<String> = changes.removed.iter().filter(|it| added.contains(*it)).cloned().collect();
    changes.added.retain(|it| !both.contains(it));
    changes.removed.retain(|it| !both.contains(it));
    changes.changed.extend(both);
    changes.added.sort_unstable();
    changes.removed.sort_unstable();
    changes.changed.sort_unstable();
    changes
}

/// The largest libraries (a browser engine) have 200 MiB.
const FILE_MAX: u64 = 256 << 20;
