//! What it takes to follow values through code: beside a program that only prints the same bytecode, and beside another taint
//! analysis.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Beside, Bounds, Row, names, words};

pub const APP: &str = "follow values through an app";
pub const PEER: &str = "the same, beside another taint analysis";
pub const PHONE: &str = "check a phone with all its code";
pub const AGAIN: &str = "check it again, with the cache";

/// For each app, and for each dump whose code lies in its apps and libraries, not in files of the runtime.
pub fn rows(folder: &Path, made: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let android = folder.join("android.jar").display().to_string();
    for name in names(folder)?.iter().filter(|it| it.starts_with("app") && it.ends_with(".apk")) {
        let file = folder.join(name);
        let path = file.display().to_string();
        let row = |work, beside, bounds| Row {
            work,
            file: file.clone(),
            ours: words(&["-q", "flows", "--json", "--no-cache", &path]),
            beside,
            bounds,
        };
        let dexdump = Beside::Program("dexdump", words(&["-d", &path]));
        rows.push(row(APP, dexdump, Bounds { cpu: Some(DEXDUMPS), seconds: Some(2.0), ..Bounds::default() }));
        if Path::new(&android).exists() {
            let options = ["--output-directory", "OUT", "--skip-source-indexing", "--apk-path", &path];
            let options = [&["--system-jar-configuration-path", &android], &options[..]].concat();
            let peer = Beside::Program("mariana-trench", words(&options));
            rows.push(row(PEER, peer, Bounds::cpu(DEXDUMPS / PEER_DEXDUMPS)));
        }
    }
    for name in names(folder)?.iter().filter(|it| it.starts_with("dump")) {
        let file = folder.join(name);
        let mut code = Vec::new();
        collect(&file, &mut code)?;
        if code.is_empty() {
            continue;
        }
        let (path, cache) = (file.display().to_string(), made.join("cache").display().to_string());
        let code: Vec<String> = code.iter().map(|it| it.display().to_string()).collect();
        rows.push(Row {
            work: PHONE,
            file: file.clone(),
            ours: words(&["-q", "check", "--no-cache", &path]),
            beside: Beside::Program("dexdump", [vec!["-d".to_owned()], code].concat()),
            bounds: Bounds { cpu: Some(DEXDUMPS), megabytes: Some(2500), ..Bounds::default() },
        });
        rows.push(Row {
            work: AGAIN,
            file,
            ours: words(&["-q", "check", "--cache-dir", &cache, &path]),
            beside: Beside::Before,
            bounds: Bounds { seconds: Some(10.0), ..Bounds::default() },
        });
    }
    Ok(rows)
}

/// Apps and libraries.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        entries.push(entry?);
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|it| it == "apk" || it == "jar") {
            files.push(path);
        }
    }
    Ok(())
}

/// How many times the CPU of printing bytecode it may take to understand it.
const DEXDUMPS: f64 = 13.0;

/// What Mariana Trench 1.0.8 took on apps of real phones, in the same measure.
const PEER_DEXDUMPS: f64 = 162.0;
