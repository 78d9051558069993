//! The samples, and what is done with bytes that may be broken. Three use this: the tests beside it, `cargo xtask fuzz`
//! and the target in `fuzz/`.

#![allow(dead_code, reason = "each of the three needs a part")]

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use formats::Reading;
use model::{Artifact, ArtifactId, Blob, Node, Store};

/// Reads an artifact, and some of what lies in it, as a scan would. Panics where a reader does, and where a fact lies
/// outside the artifact.
pub fn touch(name: &str, blob: Blob) {
    let artifact = artifact(name, blob);
    let mut reading = Reading::new(&artifact, Store::small(), 4 << 20);
    formats::read(&artifact, &mut reading);
    for row in locations(&reading) {
        assert!(row.0.checked_add(row.1).is_some_and(|end| end <= artifact.blob.len()), "{name}: {row:?} is outside");
    }
    for child in reading.children.iter().take(64) {
        let mut bytes = Vec::new();
        // Broken bytes may be unreadable: what counts is that it ends without a panic.
        let _ = child.blob.stream().take(64 << 10).read_to_end(&mut bytes);
        let _ = child.blob.read_up_to(child.blob.len() / 2, 100);
    }
}

/// Every location of every fact, found through the serialized form so that no kind of fact can be forgotten.
fn locations(reading: &Reading) -> Vec<(u64, u64)> {
    fn walk(value: &serde_json::Value, found: &mut Vec<(u64, u64)>) {
        if let Some(at) = value.get("at") {
            found.push((at["offset"].as_u64().unwrap(), at["size"].as_u64().unwrap()));
            return;
        }
        value.as_array().into_iter().flatten().for_each(|it| walk(it, found));
        value.as_object().into_iter().flat_map(|it| it.values()).for_each(|it| walk(it, found));
    }
    let mut found = Vec::new();
    walk(&serde_json::to_value(&reading.facts).unwrap(), &mut found);
    found
}

/// An artifact of that name; a `%2F` in it stands for a `/`.
pub fn artifact(name: &str, blob: Blob) -> Artifact {
    let name = name.replace("%2F", "/");
    Artifact {
        id: ArtifactId(0),
        parent: None,
        raw_name: name.as_bytes().to_vec(),
        name,
        depth: 0,
        blob,
        node: Node::file(),
    }
}

/// The samples in the folder of one format, unpacked, by name.
pub fn samples_in(folder: &Path) -> Vec<(String, Blob)> {
    let mut samples = Vec::new();
    for path in entries(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".snap") || name.ends_with(".snap.new") || name == "sweep.txt" || name == "README.md" {
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let name = match name.strip_suffix(".gz") {
            Some(inner) if !folder.ends_with("gzip") => {
                let mut unpacked = Vec::new();
                flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
                bytes = unpacked;
                inner
            }
            _ => name,
        };
        samples.push((name.to_owned(), Blob::from_bytes(bytes)));
    }
    samples
}

/// The ranges that the folder's `sweep.txt` names: `<file> <start>..<end>`, one a line.
pub fn ranges_in(folder: &Path) -> Vec<(String, Range<u64>)> {
    let text = fs::read_to_string(folder.join("sweep.txt")).unwrap_or_default();
    let range_of = |line: &str| {
        let (file, range) = line.split_once(' ')?;
        let (start, end) = range.split_once("..")?;
        Some((file.to_owned(), start.parse().ok()?..end.parse().ok()?))
    };
    text.lines().map(|line| range_of(line).expect("sweep.txt: <file> <start>..<end>")).collect()
}

/// What lies in a folder, sorted.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|it| it.unwrap().path())
        .collect();
    entries.sort();
    entries
}
