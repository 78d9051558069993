//! Scripts: what runs them, which files they name, and the commands of those of a shell.

mod shell;

use std::collections::BTreeSet;

use model::fact::script::Script;
use model::{Artifact, Fault};

use crate::text::{end_at_nul, is_text, string};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "script",
    title: "script",
    spec: "Linux fs/binfmt_script.c",
    kind: Kind::Config,
    // The slash tells it from `#!AMR` (audio) and from text that happens to begin so.
    matches: |artifact, head| {
        let named = artifact.file_name().ends_with(b".sh") && is_text(head);
        named || head.strip_prefix(b"#!").is_some_and(|it| it.trim_ascii_start().starts_with(b"/"))
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let mut bytes = artifact.blob.read_up_to(0, SCRIPT_MAX)?;
    end_at_nul(artifact, &mut bytes, out);
    let mut lines = bytes.split(|&byte| byte == b'\n').peekable();
    let interpreter = lines.peek().and_then(|it| it.strip_prefix(b"#!")).map(|it| string(it.trim_ascii()));
    let mut script = Script { interpreter: interpreter.unwrap_or_default(), ..Script::default() };
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
    if script.interpreter.is_empty() || is_shell(&script.interpreter) {
        let (commands, cut) = shell::commands_of(&bytes);
        script.commands = commands;
        if cut {
            out.gap(
                "not all of its commands were read: there are too many, or they lie too deep in each other".to_owned(),
            );
        }
    }
    let row = out.row(0, bytes.len() as u64, script);
    out.facts.scripts.push(row);
    Ok(())
}

/// `/system/bin/sh`, `/usr/bin/env bash -e`.
fn is_shell(interpreter: &str) -> bool {
    interpreter.split_ascii_whitespace().any(|it| it.rsplit('/').next().is_some_and(|it| it.ends_with("sh")))
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
