//! Scripts: what runs them, and which files they name.

use std::collections::BTreeSet;

use model::fact::script::Script;
use model::{Artifact, Fault};

use crate::text::{end_at_nul, string};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "script",
    title: "script",
    spec: "Linux fs/binfmt_script.c",
    kind: Kind::Config,
    // The slash tells it from `#!AMR` (audio) and from text that happens to begin so.
    matches: |_, head| head.strip_prefix(b"#!").is_some_and(|it| it.trim_ascii_start().starts_with(b"/")),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let mut bytes = artifact.blob.read_up_to(0, SCRIPT_MAX)?;
    end_at_nul(artifact, &mut bytes, out);
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut script = Script {
        interpreter: string(first.strip_prefix(b"#!").unwrap_or(first).trim_ascii()),
        n_lines: u32::from(!first.is_empty()),
        paths: Vec::new(),
    };
    let (mut paths, mut full) = (BTreeSet::new(), false);
    for line in lines {
        script.n_lines = script.n_lines.saturating_add(1);
        if !line.trim_ascii_start().starts_with(b"#") {
            for path in paths_of(line) {
                full |= paths.len() == PATHS_MAX;
                if !full && !paths.contains(path) {
                    paths.insert(path);
                }
            }
        }
    }
    if bytes.ends_with(b"\n") {
        script.n_lines = script.n_lines.saturating_sub(1);
    }
    if full {
        out.gap(format!("it names more than {PATHS_MAX} paths"));
    }
    script.paths = paths.into_iter().map(string).collect();
    let row = out.row(0, bytes.len() as u64, script);
    out.facts.scripts.push(row);
    Ok(())
}

/// The absolute paths of a line, as written, with variables and patterns in them.
fn paths_of(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| byte.is_ascii_whitespace() || b"\"'`=:;,|&<>()[]\\".contains(byte));
    words.filter(|it| it.starts_with(b"/") && it.iter().any(u8::is_ascii_alphanumeric))
}

/// The largest one seen has 130 KiB; thirty times that.
const SCRIPT_MAX: u64 = 4 << 20;

/// The most seen are under 500; eight times that.
const PATHS_MAX: usize = 4_096;
