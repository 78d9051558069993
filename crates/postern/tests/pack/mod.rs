//! Inputs made from folders: a folder whose name ends like an archive's becomes that archive, and a whole input may be
//! given as a tar with modes, which version control does not keep.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Copies a folder; in the copy, folders named `*.zip` are zip archives.
pub fn copy(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for (name, path) in entries(from) {
        let target = to.join(&name);
        match path.is_dir() {
            true if name.ends_with(".zip") => fs::write(target, zip(&path)).unwrap(),
            true => _ = copy(&path, &target),
            false => _ = fs::copy(&path, target).unwrap(),
        }
    }
    to.to_owned()
}

/// Packs a folder as a tar in which everything belongs to root. Modes are octal, by path; others are 0644.
pub fn tar(from: &Path, modes: &BTreeMap<String, String>, to: &Path) -> PathBuf {
    let mut bytes = Vec::new();
    for (name, content) in files(from, "") {
        let mode = modes.get(&name).map_or("644", |it| it);
        let mut header = [0u8; 512];
        let mut field = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        field(0, &name);
        field(100, &format!("{mode:0>7}"));
        field(108, "0000000");
        field(116, "0000000");
        field(124, &format!("{:011o}", content.len()));
        field(136, "00000000000");
        field(148, "        ");
        field(156, "0");
        field(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|it| u32::from(*it)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(&content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    fs::write(to, bytes).unwrap();
    to.to_owned()
}

/// A zip of a folder, everything stored, without checksums of its own making: the day is that of the format's start.
pub fn zip(from: &Path) -> Vec<u8> {
    trial::zip::write(&files(from, ""))
}

/// All files below a folder, with their paths in it, sorted.
fn files(folder: &Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut files_below = Vec::new();
    for (name, path) in entries(folder) {
        let name = format!("{prefix}{name}");
        match path.is_dir() {
            true => files_below.extend(files(&path, &format!("{name}/"))),
            false => files_below.push((name, fs::read(&path).unwrap())),
        }
    }
    files_below
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut entries: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .unwrap_or_else(|it| panic!("{}: {it}", folder.display()))
        .map(|it| it.unwrap())
        .map(|it| (it.file_name().into_string().unwrap(), it.path()))
        .collect();
    entries.sort();
    entries
}
