//! What verifying signatures takes: a tree of hashes beside one hash over the same bytes, and packages beside AOSP's
//! `apksigner`. The examples of `verify` are measured, since `check` does far more.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Beside, Bounds, Row, words};
use crate::fuzz::random::Random;

/// Examples of `verify`, built, with their rows, as far as they are wanted.
pub fn rows(folder: &Path, made: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(PathBuf, Row)>> {
    let mut rows = Vec::new();
    if is_wanted(HASHTREE) {
        let image = made.join("partition.img");
        if image.metadata().map_or(0, |it| it.len()) != PARTITION_SIZE {
            fill(&image).with_context(|| image.display().to_string())?;
        }
        let path = image.display().to_string();
        let beside = Beside::Program("openssl", words(&["dgst", "-sha256", &path]));
        let ours = words(&[&path, "salt"]);
        let row = Row { work: HASHTREE, file: image, ours, beside, bounds: Bounds::cpu(1.3) };
        rows.push((example("hashtree")?, row));
    }
    let apps = folder.join("dump-apps");
    let packages = packages_in(&apps);
    if is_wanted(PACKAGES) && !packages.is_empty() {
        let beside = words(&["-c", APKSIGNER, "sh"]).into_iter().chain(packages.iter().cloned()).collect();
        let beside = Beside::Program("sh", beside);
        let bounds = || Bounds::cpu(1.0 / 20.0);
        let row = Row { work: PACKAGES, file: apps.clone(), ours: packages.clone(), beside, bounds: bounds() };
        rows.push((example("packages")?, row));
        if Path::new(APKSIG).exists() {
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bench/WarmVerify.java");
            let beside = words(&["-cp", APKSIG, source, "0"]).into_iter().chain(packages.iter().cloned()).collect();
            let beside = Beside::Program("java", beside);
            let row = Row { work: PACKAGES_AT_ONCE, file: apps, ours: packages, beside, bounds: bounds() };
            rows.push((example("packages")?, row));
        }
    }
    Ok(rows)
}

fn example(name: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", "verify", "--example", name]).current_dir(root);
    ensure!(cargo.status().context("cargo build")?.success(), "the example {name} does not build");
    Ok(root.join("target/release/examples").join(name))
}

/// Bytes that are alike nowhere.
fn fill(image: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(image)?);
    let mut random = Random::new(1, 1);
    for _ in 0..PARTITION_SIZE / 8 {
        out.write_all(&random.next().to_le_bytes())?;
    }
    out.flush()?;
    Ok(())
}

/// The first packages of a folder, by name.
fn packages_in(folder: &Path) -> Vec<String> {
    let (mut packages, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "apk") {
                packages.push(path.display().to_string());
            }
        }
    }
    packages.sort();
    packages.truncate(N_PACKAGES);
    packages
}

const HASHTREE: &str = "hash tree of a partition";
const PACKAGES: &str = "decide about 100 packages";
/// Beside one process for all of them.
const PACKAGES_AT_ONCE: &str = "100 packages at once";

/// Where Debian keeps AOSP's library.
const APKSIG: &str = "/usr/share/java/apksig.jar";

/// Once for each package, as one would; what it says of a package is an answer.
const APKSIGNER: &str = "command -v apksigner >/dev/null || exit 127; for it; do apksigner verify \"$it\"; done; true";

const PARTITION_SIZE: u64 = 2 << 30;
const N_PACKAGES: usize = 100;
