//! Signatures of packages beside AOSP's apksig: each difference of the decision, the schemes or the kinds of problems.
//!
//! Debian's apksig knows no v3.1; classes built from AOSP's `tools/apksig` of 2023 do (`--classes`). At all levels of [`RANGES`]
//! nothing differs from theirs for the 258 packages of two real builds (7,482 answers) and androguard's 310 (8,990). Of AOSP's test
//! packages, 1,000 times changed at random, 37 of 29,000 answers differ, in five packages and of two kinds; both are apksig's:
//!
//! - **Content that v3.1 does not cover.** `ApkSigningBlockUtils.verifyIntegrity` adds an error for the versions V2 and V3 of a result
//!   only; that of v3.1 is V31 (`V3SchemeVerifier.Builder.build`), so a wrong digest goes unnoticed there, and another check
//!   refuses the package, here for levels or a rotation that do not match. Android refuses every wrong digest (`android.util.apk`,
//!   `ApkSigningBlockUtils.verifyIntegrity`), and so does postern, at v3.1.
//! - **A manifest under a compression method that does not exist**, with the lowest level left to the package.
//!   `LocalFileRecord.getRecord` takes all that is not stored as deflate, so `ApkVerifier.verifyAndGetMinSdkVersion` still reads
//!   `minSdkVersion`. Android takes all that is not deflate as stored (`ZipAssetsProvider::OpenInternal`), finds no manifest and
//!   installs nothing; postern reads entries as Android does and decides from level 1 on. At stated levels both say the same:
//!   entries are unpacked for their digests as deflate here, by apksig and by Android (`StrictJarFile.getZipInputStream`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use formats::Reading;
use model::{Artifact, ArtifactId, Blob, Node, Store};
use verify::apk::{Apk, Decision, Levels, Versions};

use crate::fuzz::random::Random;

/// What was asked for.
pub struct Options {
    folder: PathBuf,
    classes: String,
    mutate: Option<u64>,
    seed: u64,
    ranges: Vec<String>,
}

impl Options {
    /// Reads `FOLDER [--classes PATH] [--mutate N] [--seed S] [--ranges MIN:MAX,…]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [folder, rest @ ..] = words else { bail!("the oracle wants a folder of packages") };
        let classes = "/usr/share/java/apksig.jar".to_owned();
        let ranges = RANGES.iter().map(|it| (*it).to_owned()).collect();
        let mut options = Options { folder: PathBuf::from(folder), classes, mutate: None, seed: 1, ranges };
        for pair in rest.chunks(2) {
            let [name, value] = pair else { bail!("{} wants a value", pair[0]) };
            match *name {
                "--classes" => options.classes = (*value).to_owned(),
                "--mutate" => options.mutate = Some(value.parse().context("--mutate")?),
                "--seed" => options.seed = value.parse().context("--seed")?,
                "--ranges" => options.ranges = value.split(',').map(str::to_owned).collect(),
                _ => bail!("the oracle knows no option {name}"),
            }
        }
        Ok(options)
    }
}

/// Asks both and prints where they differ.
pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let work = root.join("target/oracle");
    fs::create_dir_all(&work)?;
    let mut packages = packages_in(&options.folder)?;
    if let Some(n) = options.mutate {
        packages = mutated(&packages, n, options.seed, &work)?;
    }
    let source = work.join("ApkSignatures.java");
    fs::write(&source, include_str!("ApkSignatures.java"))?;
    let started = Instant::now();
    let theirs = ask(&source, options, &packages)?;
    let java = started.elapsed();
    let started = Instant::now();
    let (mut n, mut differences) = (0, BTreeMap::<String, u64>::new());
    for package in &packages {
        let name = package.display().to_string();
        for range in &options.ranges {
            let key = (name.clone(), range.clone());
            let theirs = theirs.get(&key).with_context(|| format!("apksig said nothing about {name} at {range}"))?;
            let ours = answer(package, range)?;
            n += 1;
            if !agree(&ours, theirs) {
                println!("{name} at {range}\n  postern: {}\n  apksig:  {}", ours.text(), theirs.text());
                *differences.entry(name.clone()).or_default() += 1;
            }
        }
    }
    println!(
        "{n} decisions about {} packages, {} differ in {} packages; apksig {:.1} s, postern {:.1} s",
        packages.len(),
        differences.values().sum::<u64>(),
        differences.len(),
        java.as_secs_f64(),
        started.elapsed().as_secs_f64(),
    );
    Ok(())
}

/// A decision: `MIN:MAX`, `-` where it is left to the package, or open.
struct Answer {
    verifies: bool,
    schemes: BTreeSet<String>,
    problems: BTreeSet<String>,
    /// apksig gave up with an exception, whatever its kind.
    gave_up: bool,
}

impl Answer {
    fn text(&self) -> String {
        let verdict = if self.verifies { "verifies" } else { "does not verify" };
        let words = self.schemes.iter().chain(&self.problems).map(String::as_str);
        format!("{verdict}: {}", words.collect::<Vec<_>>().join(" "))
    }
}

/// Whether both say the same; the schemes count where the package verifies, the problems where it does not.
fn agree(ours: &Answer, theirs: &Answer) -> bool {
    ours.verifies == theirs.verifies
        && (!ours.verifies || ours.schemes == theirs.schemes)
        && (theirs.gave_up || ours.problems == theirs.problems)
}

fn answer(package: &Path, range: &str) -> Result<Answer> {
    let blob = Blob::from_bytes(fs::read(package)?);
    let mut idsig = package.as_os_str().to_owned();
    idsig.push(".idsig");
    let idsig = fs::read(idsig).ok().map(Blob::from_bytes);
    let versions = versions_of(&blob);
    let (min, max) = range.split_once(':').context("a range has two ends")?;
    let levels = Levels {
        min: if min == "-" { versions.map_or(1, |it| it.min_sdk) } else { min.parse()? },
        max: if max == "-" { i32::MAX } else { max.parse()? },
    };
    let decision = Apk::open(&blob, idsig.as_ref(), versions).and_then(|it| it.verify(levels));
    Ok(match decision {
        // Without a manifest apksig does not know where to begin.
        Ok(_) if min == "-" && versions.is_none() => refused("malformed-apk"),
        Ok(decision) => answer_of(&decision),
        Err(fault) => refused(&format!("fault: {fault}")),
    })
}

fn refused(why: &str) -> Answer {
    Answer { verifies: false, schemes: BTreeSet::new(), problems: [why.to_owned()].into(), gave_up: false }
}

fn answer_of(decision: &Decision) -> Answer {
    let mut schemes: BTreeSet<String> = decision.schemes.iter().map(|it| it.name().to_owned()).collect();
    if decision.stamp == Some(Ok(())) {
        schemes.insert("stamp".to_owned());
    }
    let problems = decision.problems.iter().map(|it| it.0.name().to_owned()).collect();
    Answer { verifies: decision.problems.is_empty(), schemes, problems, gave_up: false }
}

/// What the manifest says, if there is one.
fn versions_of(blob: &Blob) -> Option<Versions> {
    let artifact = Artifact {
        id: ArtifactId(0),
        parent: None,
        name: "package.apk".to_owned(),
        raw_name: b"package.apk".to_vec(),
        depth: 0,
        blob: blob.clone(),
        node: Node::file(),
    };
    let mut reading = Reading::new(&artifact, Store::small(), u64::MAX);
    formats::read(&artifact, &mut reading);
    let has_manifest = reading.children.iter().any(|it| it.name == b"AndroidManifest.xml");
    let stated = reading.facts.apps.first().map(|it| Versions::of(&it.value));
    stated.or(has_manifest.then_some(Versions { min_sdk: 1, target_sdk: 1, target_sandbox: 1 }))
}

/// What apksig says, by package and range.
fn ask(source: &Path, options: &Options, packages: &[PathBuf]) -> Result<BTreeMap<(String, String), Answer>> {
    let mut answers = BTreeMap::new();
    // A command line has an end.
    for some in packages.chunks(500) {
        let output = Command::new("java")
            .args(["-cp", &options.classes])
            .arg(source)
            .args(&options.ranges)
            .arg("--")
            .args(some)
            .output()
            .context("java cannot be started")?;
        if !output.status.success() {
            bail!("java failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        for line in String::from_utf8(output.stdout)?.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, range, verdict, schemes, problems] = fields.as_slice() else { bail!("no answer: {line}") };
            let gave_up = problems.starts_with("EXCEPTION");
            let problems = match gave_up {
                true => [(*problems).to_owned()].into(),
                false => problems.split_whitespace().map(|it| it.to_lowercase().replace('_', "-")).collect(),
            };
            let schemes = schemes.split_whitespace().map(str::to_owned).collect();
            let answer = Answer { verifies: *verdict == "verifies", schemes, problems, gave_up };
            answers.insert(((*file).to_owned(), (*range).to_owned()), answer);
        }
    }
    Ok(answers)
}

fn packages_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "apk" => packages.push(path),
                _ => {}
            }
        }
    }
    packages.sort();
    Ok(packages)
}

/// Packages with a few bytes changed, more often behind the entries, where signatures stand.
fn mutated(packages: &[PathBuf], n: u64, seed: u64, work: &Path) -> Result<Vec<PathBuf>> {
    let folder = work.join("mutated");
    fs::create_dir_all(&folder)?;
    let mut made = Vec::new();
    for case in 0..n {
        let mut random = Random::new(seed, case);
        let from = random.one_of(packages);
        let mut bytes = fs::read(from)?;
        for _ in 0..=random.below(2) {
            let len = bytes.len();
            let tail = len.min(*random.one_of(&[256, 2048, 8192, 1 << 30]));
            let at = len - tail + random.below(tail);
            match (random.below(4), bytes.get_mut(at)) {
                (0, Some(byte)) => *byte = *random.one_of(&[0, 1, 0x7f, 0x80, 0xff]),
                (1, _) => bytes.truncate(at),
                (_, Some(byte)) => *byte ^= 1 << random.below(8),
                _ => {}
            }
        }
        let path = folder.join(format!("{case:05}.apk"));
        fs::write(&path, bytes)?;
        made.push(path);
    }
    Ok(made)
}

/// Where versions of Android decide in another way, as the lowest of all and as the only one.
const RANGES: [&str; 29] = [
    "-:-", "1:-", "9:-", "17:-", "18:-", "19:-", "21:-", "22:-", "23:-", "24:-", "26:-", "28:-", "30:-", "33:-",
    "34:-", "8:8", "17:17", "18:18", "20:20", "21:21", "22:22", "23:23", "24:24", "27:27", "28:28", "30:30", "32:32",
    "33:33", "34:34",
];
