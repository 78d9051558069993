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

/// Text from the input, made safe for a terminal: control characters and marks that turn the direction of writing are
/// shown as `\u{..}`.
pub fn plain(text: &str) -> String {
    let turns = |it: char| matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(|it| it.is_control() || turns(it)) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut plain, it| {
        if it.is_control() || turns(it) {
            plain.extend(it.escape_unicode());
        } else {
            plain.push(it);
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_steers_a_terminal_is_shown_and_not_obeyed() {
        assert_eq!(plain("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(plain("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(plain("größe"), "größe");
    }
}
