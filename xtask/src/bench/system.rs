//! What the layers below apps take: all native files of a phone, and its SELinux policy with every question answered. The
//! examples of `native` and `formats` are measured, since `check` does far more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Beside, Bounds, Row, words};

/// Examples, built, with their rows, for every unpacked phone as far as they are wanted.
pub fn rows(folder: &Path, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(PathBuf, Row)>> {
    let mut rows = Vec::new();
    let row = |work, file: PathBuf, ours, seconds| {
        let bounds = Bounds { seconds: Some(seconds), ..Bounds::default() };
        Row { work, file, ours, beside: Beside::Nobody, bounds }
    };
    let mut dumps: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|it| it.path()).collect();
    dumps.retain(|it| it.is_dir() && it.file_name().is_some_and(|it| it.to_string_lossy().starts_with("dump")));
    dumps.sort();
    for dump in dumps {
        let path = dump.display().to_string();
        if is_wanted(NATIVE) {
            rows.push((
                example("native", "contents")?,
                row(NATIVE, dump.clone(), words(&["-s", &path]), NATIVE_SECONDS),
            ));
        }
        let policies = policies_in(&dump);
        if is_wanted(POLICY) && !policies.is_empty() {
            rows.push((example("formats", "policies")?, row(POLICY, dump, policies, POLICY_SECONDS)));
        }
    }
    Ok(rows)
}

fn example(package: &str, name: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", package, "--example", name]).current_dir(root);
    ensure!(cargo.status().context("cargo build")?.success(), "the example {name} does not build");
    Ok(root.join("target/release/examples").join(name))
}

/// The first compiled policy of a phone.
fn policies_in(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if NAMES.iter().any(|it| path.ends_with(it)) {
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found.truncate(1);
    found
}

pub const NATIVE: &str = "all native files of a phone";
pub const POLICY: &str = "a policy, with all that every type may do";

/// The bounds that the project has set itself.
const NATIVE_SECONDS: f64 = 60.0;
const POLICY_SECONDS: f64 = 1.0;

const NAMES: [&str; 2] = ["precompiled_sepolicy", "sepolicy"];
