//! `check`: the whole way from paths to a report.

use std::path::PathBuf;

use detect::Context;
use formats::Child;
use knowledge::Knowledge;
use model::report::{Input, Report, Tool};
use model::{NodeKind, Store, path_name};
use phone::Phone;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use surface::Surface;

use crate::conclude::{self, Frame};
use crate::flows;
use crate::{Cache, InputError, Phase, Progress, Want};

/// What a check may be told.
pub struct Check {
    /// The paths, all of one phone.
    pub inputs: Vec<PathBuf>,
    /// The command line for the report.
    pub command: String,
    /// The report's day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Whether values are followed through code.
    pub flows: bool,
    /// The version of the program.
    pub version: String,
}

/// Checks a phone: the report and the exit code. A cache changes how long it takes.
pub fn check(
    check: Check,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<(Report, u8), InputError> {
    progress.begin(Phase::Read);
    let given = crate::open(&check.inputs)?;
    let copies: Vec<(Child, Vec<Child>)> = given.roots.iter().cloned().zip(given.entries.iter().cloned()).collect();
    let (mut found, hashed) = rayon::join(
        || crate::walk(given, &Want::All, store, progress),
        || copies.par_iter().map(|(root, entries)| hash_of(root, entries)).collect::<Vec<_>>(),
    );
    let input = copies
        .iter()
        .zip(hashed)
        .map(|((root, entries), sha256)| {
            let name = path_name(&root.name);
            let kind = match root.node.kind {
                NodeKind::Directory => "folder".to_owned(),
                _ => kind_of(&found, &name),
            };
            let size = root.blob.len() + entries.iter().map(|it| it.blob.len()).sum::<u64>();
            Input { name, sha256, size, kind }
        })
        .collect();
    progress.end(Phase::Read);

    progress.begin(Phase::Verify);
    let (facts, gaps) = crate::signatures::verify(&found, store, progress);
    found.facts.merge(facts);
    found.gaps.extend(gaps);
    progress.end(Phase::Verify);

    if check.flows {
        progress.begin(Phase::Follow);
        let models = &Knowledge::bundled().models;
        let (units, gaps) = crate::flows(&found, models, taint::Control::default(), cache, progress);
        found.facts.merge(flows::facts_of(units));
        found.gaps.extend(gaps);
        progress.end(Phase::Follow);
    }

    progress.begin(Phase::Assemble);
    let formats = found.formats.iter().map(|it| it.iter().map(|format| format.id).collect()).collect();
    let phone = Phone::assemble(found.tree, found.facts, found.gaps, formats, Knowledge::bundled());
    let surface = Surface::of(&phone);
    progress.end(Phase::Assemble);

    progress.begin(Phase::Detect);
    let context = Context { phone: &phone, surface: &surface, knowledge: Knowledge::bundled() };
    let findings = detect::detect(&context);
    let controllers = detect::controllers(&context);
    progress.end(Phase::Detect);

    progress.begin(Phase::Conclude);
    let tool = Tool { name: "postern".to_owned(), version: check.version, knowledge: knowledge::VERSION.to_owned() };
    let frame = Frame { tool, command: check.command, date: check.date, input };
    let result = conclude::conclude(&phone, &findings, controllers, frame);
    progress.end(Phase::Conclude);
    Ok(result)
}

/// The id of the format that an input was read as.
fn kind_of(found: &crate::Found, name: &str) -> String {
    let root = found.tree.iter().take_while(|it| it.parent.is_none()).find(|it| it.name == name);
    root.and_then(|it| found.formats.get(it.id.0 as usize)?.first()).map_or("unknown", |it| it.id).to_owned()
}

/// SHA-256 of an input: of its bytes, or for a folder of the sorted lines `<hash or link target>  <path>`. Empty where
/// the bytes cannot be read.
fn hash_of(root: &Child, entries: &[Child]) -> String {
    if root.node.kind != NodeKind::Directory {
        return conclude::sha256_of(&root.blob).unwrap_or_default();
    }
    let lines: Vec<String> = entries
        .par_iter()
        .map(|it| {
            let content = match (&it.node.target, it.node.kind) {
                (Some(target), _) => format!("-> {target}"),
                (None, NodeKind::File) => conclude::sha256_of(&it.blob).unwrap_or_else(|_| "unreadable".to_owned()),
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
