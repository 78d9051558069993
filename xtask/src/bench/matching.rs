//! What the search for known indicators and YARA rules takes beside reading and hashing the same files, and beside the rules
//! alone. An example of `knowledge` is measured, since `check` does far more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Beside, Bounds, Row, words};

/// The example, built, with its rows, as far as they are wanted and there are files.
pub fn rows(folder: &Path, made: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(PathBuf, Row)>> {
    let files = folder.join("files");
    if !files.is_dir() || ![INDICATORS, RULES, PEER].iter().any(|it| is_wanted(it)) {
        return Ok(Vec::new());
    }
    let example = example()?;
    let path = files.display().to_string();
    let way = |it: &str| words(&[&path, it]);
    let row = |work, way, beside, cpu| Row { work, file: files.clone(), ours: way, beside, bounds: Bounds::cpu(cpu) };
    let rules = made.join("made.yar");
    fs::write(&rules, Command::new(&example).arg("print").output().context("the example matching")?.stdout)?;
    let yara = words(&["--no-warnings", "--recursive", "--threads=1", &rules.display().to_string(), &path]);
    let rows = [
        row(INDICATORS, way("100000"), Beside::Ourselves(way("read")), 2.0),
        row(RULES, way("both"), Beside::Ourselves(way("rules")), 1.5),
        row(PEER, way("both"), Beside::Program("yara", yara), 1.5),
    ];
    Ok(rows.into_iter().map(|it| (example.clone(), it)).collect())
}

fn example() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", "knowledge", "--example", "matching", "--features", "yara"]);
    ensure!(cargo.current_dir(root).status().context("cargo build")?.success(), "the example matching does not build");
    Ok(root.join("target/release/examples/matching"))
}

/// Read and hashed, and no more; 100,000 indicators may add as much again.
pub const INDICATORS: &str = "look for 100,000 indicators";
/// Read, hashed, and searched by the rules alone.
pub const RULES: &str = "and for 300 YARA rules";
/// YARA itself, with the same rules.
pub const PEER: &str = "the same, beside YARA itself";
