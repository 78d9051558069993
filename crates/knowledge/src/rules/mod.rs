//! YARA rules: a feed whose indicators an engine looks for. Only in builds with the feature `yara`.
//!
//! A rule that does not compile is left out with its line and the reason, and the others of its file are used. `include`
//! is refused: a rule file reads no other file. What a rule matches is a sighting of kind `rule`, so that it is told as
//! the indicators of other feeds are.
//!
//! Invariant: an artifact is tried whole or not at all; one that is too large, or takes too long, is a gap.

use std::collections::BTreeMap;
use std::time::Duration;

use boreal::compiler::CompilerParams;
use boreal::scanner::{EvaluatedRule, ScanError, ScanParams};
use boreal::{Compiler, Metadata, MetadataValue, Scanner};
use model::fact::sighting::{IndicatorKind, Sighting};
use model::observer::{Observation, Observer, Part};
use model::{Artifact, ArtifactId, Facts, Location, Row};

use crate::feeds::{Feed, FeedFormat, FeedIndicator, Term, Unused};

/// Compiled rules.
#[derive(Debug)]
pub struct Rules {
    scanner: Scanner,
}

/// Compiles rule files, given by name and text: the rules, and each file as a feed.
pub fn compile(files: &[(String, String)]) -> (Rules, Vec<Feed>) {
    let mut compiler = new_compiler();
    let mut feeds: BTreeMap<&str, Feed> = BTreeMap::new();
    for (name, text) in files {
        let (text, unused) = compilable(text);
        // Of the same text a compiler of its own said that it compiles.
        if let Err(error) = compiler.add_rules_str_in_namespace(&text, name) {
            let (line, why) = place_of(&error.to_string());
            feeds.insert(name, feed_of(name, vec![Unused { at: format!("line {line}"), why }]));
            continue;
        }
        feeds.insert(name, feed_of(name, unused));
    }
    let scanner = compiler.finalize();
    for rule in scanner.rules().filter(|it| !it.is_private) {
        let Some(feed) = feeds.get_mut(rule.namespace) else { continue };
        let meta =
            |keys: &[&str]| keys.iter().find_map(|key| meta_of(&scanner, rule.metadatas, key)).unwrap_or_default();
        feed.indicators.push(FeedIndicator {
            id: rule.name.to_owned(),
            name: meta(&["description", "desc", "info"]),
            date: meta(&["date", "created", "last_modified"]),
            groups: vec![vec![Term { kind: IndicatorKind::Rule, value: value_of(rule.namespace, rule.name) }]],
        });
    }
    (Rules { scanner }, feeds.into_values().collect())
}

fn feed_of(name: &str, unused: Vec<Unused>) -> Feed {
    Feed { name: name.to_owned(), format: FeedFormat::Yara, indicators: Vec::new(), unused }
}

fn new_compiler() -> Compiler {
    let mut compiler = Compiler::new();
    compiler.set_params(CompilerParams::default().disable_includes(true).max_strings_per_rule(STRINGS_MAX));
    // What scanners of files set for every rule.
    for symbol in ["filename", "filepath", "extension", "filetype", "owner"] {
        compiler.define_symbol(symbol, "");
    }
    compiler
}

/// The text with those rules blanked out that do not compile, and what was wrong with them. Lines stay where they are.
fn compilable(text: &str) -> (String, Vec<Unused>) {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut unused = Vec::new();
    loop {
        let tried = lines.join("\n");
        let Err(error) = new_compiler().add_rules_str(&tried) else { return (tried, unused) };
        let (line, why) = place_of(&error.to_string());
        unused.push(Unused { at: format!("line {line}"), why });
        let around = rule_around(&lines, line);
        let blank = around.clone().all(|it| lines.get(it).is_none_or(|it| it.is_empty()));
        if blank || BROKEN_MAX < unused.len() {
            return (String::new(), unused);
        }
        lines[around].fill("");
    }
}

/// The lines of the rule in which a line stands: from the line that begins it to the one before the next rule or import. A
/// line before the first of them stands alone.
fn rule_around(lines: &[&str], line: usize) -> std::ops::Range<usize> {
    let begins = |it: &&str| {
        let mut words = it.split_whitespace().skip_while(|it| matches!(*it, "private" | "global"));
        words.next().is_some_and(|it| it == "rule" || it.starts_with("import") || it.starts_with("include"))
    };
    let at = line.saturating_sub(1).min(lines.len().saturating_sub(1));
    let start = lines.iter().take(at + 1).rposition(begins);
    let next = lines.iter().skip(at + 1).position(begins).map_or(lines.len(), |it| at + 1 + it);
    match start {
        Some(start) => start..next,
        None => at..(at + 1).min(lines.len()),
    }
}

/// `mem:7:12: error: unknown identifier` as line and reason.
fn place_of(error: &str) -> (usize, String) {
    let first = error.lines().next().unwrap_or_default();
    let mut parts = first.splitn(4, ':');
    let line = parts.nth(1).and_then(|it| it.parse().ok()).unwrap_or(1);
    let why = parts.nth(1).unwrap_or(first).trim().trim_start_matches("error: ");
    (line, why.to_owned())
}

fn meta_of(scanner: &Scanner, metadatas: &[Metadata], key: &str) -> Option<String> {
    let found = metadatas.iter().find(|it| scanner.get_string_symbol(it.name) == key)?;
    Some(match found.value {
        MetadataValue::Bytes(text) => String::from_utf8_lossy(scanner.get_bytes_symbol(text)).into_owned(),
        MetadataValue::Integer(number) => number.to_string(),
        MetadataValue::Boolean(value) => value.to_string(),
    })
}

/// A rule's name is its file's alone.
fn value_of(file: &str, rule: &str) -> String {
    format!("{file}:{rule}")
}

impl Observer for Rules {
    fn observe(&self, artifact: &Artifact, part: Part, _: &Facts) -> Option<Box<dyn Observation + '_>> {
        let mut scanner = self.scanner.clone();
        let name = String::from_utf8_lossy(artifact.file_name()).into_owned();
        let extension = name.rsplit_once('.').map(|it| it.1.to_owned()).unwrap_or_default();
        for (symbol, value) in [("filename", &name), ("filepath", &artifact.name), ("extension", &extension)] {
            // Rules that do not use a symbol do not have it.
            _ = scanner.define_symbol(symbol, value.as_str());
        }
        Some(Box::new(Tried { scanner, artifact: artifact.id, part, bytes: Vec::new(), len: 0 }))
    }
}

/// An artifact that is gathered, and then tried.
struct Tried {
    scanner: Scanner,
    artifact: ArtifactId,
    part: Part,
    bytes: Vec<u8>,
    len: u64,
}

impl Tried {
    fn grow(&mut self, n: u64) -> bool {
        self.len = self.len.saturating_add(n);
        if SIZE_MAX < self.len {
            self.bytes = Vec::new();
        }
        self.len <= SIZE_MAX
    }

    /// The first place where a text of the rule stands; the whole artifact for one without texts.
    fn place_of(&self, rule: &EvaluatedRule) -> (Location, String) {
        let texts = rule.matches.iter().filter_map(|it| Some((it.matches.first()?, it.name)));
        let whole = Location { artifact: self.artifact, offset: 0, size: self.len };
        match texts.min_by_key(|it| it.0.offset) {
            Some((first, name)) => {
                let at = Location { artifact: self.artifact, offset: first.offset as u64, size: first.length as u64 };
                (at, format!("{} by ${name}", rule.name))
            }
            None => (whole, rule.name.to_owned()),
        }
    }
}

impl Observation for Tried {
    fn bytes(&mut self, bytes: &[u8]) {
        if self.grow(bytes.len() as u64) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn zeros(&mut self, n: u64) {
        if self.grow(n) {
            self.bytes.resize(self.bytes.len() + n as usize, 0);
        }
    }

    fn finish(mut self: Box<Self>, _: Option<&[u8; 32]>, facts: &mut Facts) -> Vec<String> {
        if SIZE_MAX < self.len {
            // What packs others is tried by what lies in it.
            return match self.part {
                Part::Packing => Vec::new(),
                Part::Content => vec![format!("YARA rules are not tried on more than {} MiB", SIZE_MAX >> 20)],
            };
        }
        // Where texts stand is only asked for where a rule matched, which is rare and costs as much again.
        self.scanner.set_scan_params(params());
        let (found, timed_out) = matched(&self.scanner, &self.bytes);
        if found != 0 {
            self.scanner.set_scan_params(params().compute_full_matches(true));
            let result = match self.scanner.scan_mem(&self.bytes) {
                Ok(result) | Err((_, result)) => result,
            };
            for rule in &result.rules {
                let (at, found) = self.place_of(rule);
                let value = value_of(rule.namespace, rule.name);
                let seen = Sighting { kind: IndicatorKind::Rule, value, found, n_hosts: 0 };
                facts.sightings.push(Row { at, value: seen });
            }
        }
        match timed_out {
            true => vec![format!("YARA rules were not finished on it in {} s", TIME_MAX.as_secs())],
            false => Vec::new(),
        }
    }
}

/// How many rules match, and whether the time was over before all were tried.
fn matched(scanner: &Scanner, bytes: &[u8]) -> (usize, bool) {
    match scanner.scan_mem(bytes) {
        Ok(result) => (result.rules.len(), false),
        Err((error, result)) => (result.rules.len(), matches!(error, ScanError::Timeout)),
    }
}

fn params() -> ScanParams {
    ScanParams::default().timeout_duration(Some(TIME_MAX))
}

/// An artifact is held in memory, once for each thread; programs and libraries are smaller.
const SIZE_MAX: u64 = 64 << 20;

/// Far above what any sensible rule takes: a bound of last resort, the only one that depends on the machine.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Real rules have some dozens.
const STRINGS_MAX: usize = 10_000;

/// A file with more broken rules is no rule file.
const BROKEN_MAX: usize = 1000;

#[cfg(test)]
mod tests;
