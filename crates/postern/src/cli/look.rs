//! What `ls`, `cat` and `extract` share: opening the input, and showing names that may be hostile.

use std::path::PathBuf;

use anyhow::Context;
use model::{Artifact, NodeKind};
use scan::{Found, Pattern, Want};

use super::Common;

/// Opens the input as far as the pattern needs it.
pub fn matching(input: &PathBuf, patterns: &[Pattern], common: &Common) -> anyhow::Result<Found> {
    let wanted = |path: &str| patterns.iter().any(|it| it.may_match_below(path));
    open(std::slice::from_ref(input), &Want::Paths(&wanted), common)
}

/// Opens the input.
pub fn open(inputs: &[PathBuf], want: &Want, common: &Common) -> anyhow::Result<Found> {
    let given = scan::open(inputs).context("cannot open the input")?;
    let bars = common.progress();
    let found = scan::walk(given, want, &common.store(), &bars);
    bars.finish();
    Ok(found)
}

/// A pattern in which the input's own name may be left out: what follows it then starts at any depth.
pub fn pattern_for(input: &std::path::Path, text: &str) -> Pattern {
    let name = input.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let own = text.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('!'));
    if own || text.starts_with("**") || text.starts_with('…') {
        Pattern::new(text)
    } else {
        Pattern::new(&format!("**!{text}"))
    }
}

/// What kind of entry something is, as the first letter of `ls -l`.
pub fn letter(artifact: &Artifact) -> char {
    match artifact.node.kind {
        NodeKind::File => '-',
        NodeKind::Directory => 'd',
        NodeKind::Symlink => 'l',
        NodeKind::CharDevice => 'c',
        NodeKind::BlockDevice => 'b',
        NodeKind::Fifo => 'p',
        NodeKind::Socket => 's',
    }
}
