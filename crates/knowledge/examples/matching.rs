//! What the search for known indicators costs: run it under `time`, once for each way, over the same files.
//!
//! ```text
//! matching PATH… read        reads and hashes, as the yardstick
//! matching PATH… cases       with the indicators of the bundled cases
//! matching PATH… 100000      with as many more, made for the purpose
//! matching PATH… rules       300 YARA rules, made for the purpose, and no indicators (with the feature `yara`)
//! matching PATH… both        these rules and 100000 indicators
//! matching PATH… feeds       loads feeds, and says how long that took
//! matching open              opens what is built in, and says how long that took
//! matching print             prints the rules, for another engine
//! ```
//!
//! A folder stands for the files in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use knowledge::{Feed, IndicatorKind, Knowledge, Matcher};
use model::fact::app::App;
use model::observer::{Observation, Observer, Part};
use model::{Artifact, ArtifactId, Blob, Facts, Location, Node, Row};
use sha2::{Digest, Sha256};

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let Some(way) = args.pop() else {
        eprintln!("matching PATH… read|cases|N|rules|both|feeds|open|print");
        return ExitCode::from(2);
    };
    let args = args.iter().flat_map(|it| files_of(Path::new(it)));
    match way.as_str() {
        "feeds" => return feeds(args),
        "open" => return open(),
        "print" => {
            print!("{}", rules_text());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let made = made(if way == "both" { 100_000 } else { way.parse().unwrap_or(0) });
    let more = made.iter().map(|(kind, value)| (*kind, value.as_str()));
    let matcher = Matcher::bundled(more);
    let rules = rules(&way);
    let (mut bytes, mut found) = (0u64, 0);
    let mut buffer = vec![0; 256 << 10];
    for path in args {
        let Ok(mut file) = File::open(&path) else {
            eprintln!("{path} cannot be opened");
            return ExitCode::from(2);
        };
        let artifact = Artifact {
            id: ArtifactId(0),
            parent: None,
            name: path.clone(),
            raw_name: path.clone().into_bytes(),
            depth: 0,
            blob: Blob::empty(),
            node: Node::file(),
        };
        let mut hash = Sha256::new();
        let mut n @ 1.. = file.read(&mut buffer).unwrap_or(0) else { continue };
        // What packs others is shown as such, as a check does it.
        let part = if buffer.starts_with(b"PK") { Part::Packing } else { Part::Content };
        let mut stated = Facts::default();
        if path.ends_with(".apk") {
            // An app, as its manifest says in a check; these are not called as those of cases.
            let at = Location { artifact: ArtifactId(0), offset: 0, size: 0 };
            stated.apps.push(Row { at, value: App::default() });
        }
        let by_matcher = !["read", "rules"].contains(&way.as_str());
        let mut seen: Vec<Box<dyn Observation>> =
            by_matcher.then(|| matcher.observe(&artifact, part, &stated)).flatten().into_iter().collect();
        seen.extend(rules.as_deref().and_then(|it| it.observe(&artifact, part, &stated)));
        while n != 0 {
            bytes += n as u64;
            hash.update(&buffer[..n]);
            seen.iter_mut().for_each(|it| it.bytes(&buffer[..n]));
            n = file.read(&mut buffer).unwrap_or(0);
        }
        let mut facts = Facts::default();
        let hash = hash.finalize().into();
        for it in seen {
            it.finish(Some(&hash), &mut facts).iter().for_each(|gap| eprintln!("{gap}"));
        }
        found += facts.sightings.len();
    }
    println!("{bytes} bytes, {} looked for, {found} found", matcher.len());
    ExitCode::SUCCESS
}

/// A file, or those of a folder, by name.
fn files_of(path: &Path) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(path) else { return vec![path.display().to_string()] };
    let mut entries: Vec<_> = folder.flatten().map(|it| it.path()).filter(|it| !it.is_symlink()).collect();
    entries.sort();
    entries.iter().flat_map(|it| files_of(it)).collect()
}

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn feeds(files: impl Iterator<Item = String>) -> ExitCode {
    let read: Vec<(String, Vec<u8>)> =
        files.filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes))).collect();
    let begun = Instant::now();
    let feeds: Vec<Feed> = read.iter().filter_map(|(path, bytes)| Feed::read(path, bytes).ok()).collect();
    let n: usize = feeds.iter().map(|it| it.indicators.len()).sum();
    println!("{} feeds, {n} indicators, {} ms", feeds.len(), begun.elapsed().as_millis());
    ExitCode::SUCCESS
}

#[allow(clippy::print_stdout)]
fn open() -> ExitCode {
    let begun = Instant::now();
    let knowledge = Knowledge::bundled();
    let n_cases = knowledge.cases.iter().count();
    let cases = begun.elapsed();
    let n = knowledge.matcher.len();
    println!("{n_cases} cases in {} us, and a matcher of {n} in {} us", cases.as_micros(), begun.elapsed().as_micros());
    ExitCode::SUCCESS
}

#[cfg(not(feature = "yara"))]
fn rules(_: &str) -> Option<Box<dyn Observer>> {
    None
}

#[cfg(feature = "yara")]
fn rules(way: &str) -> Option<Box<dyn Observer>> {
    let (rules, feeds) = knowledge::rules::compile(&[("made.yar".to_owned(), rules_text())]);
    assert_eq!(feeds[0].indicators.len(), 300, "{:?}", feeds[0].unused);
    ["rules", "both"].contains(&way).then(|| Box::new(rules) as Box<dyn Observer>)
}

/// Rules as collections have them: three texts, a run of bytes with gaps, and a regular expression.
fn rules_text() -> String {
    let rule = |n: usize| {
        format!(
            "rule r{n} {{ strings: $a = \"marker-{n}-of-a-family\" $b = \"host{n}.example.org\" nocase $c = \"Lcom/example/f{n}/Main;\" \
             $d = {{ {:02x} 7f ?? {:02x} [2-4] 9a bc }} $e = /key{n}=[0-9a-f]{{8,32}}/ condition: 2 of them }}\n",
            n % 256,
            n * 7 % 256
        )
    };
    (0..300).map(rule).collect()
}

/// Indicators as feeds have them: nine domains to a hash.
fn made(n: usize) -> Vec<(IndicatorKind, String)> {
    let indicator = |it: usize| match it % 10 {
        0 => (IndicatorKind::Hash, format!("{:064x}", it.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        _ => (IndicatorKind::Domain, format!("host{it}.example{}.com", it % 97)),
    };
    (0..n).map(indicator).collect()
}
