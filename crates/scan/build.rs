//! Names the engine by its sources: what one engine found is not what another would find.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The crates whose code decides what an analysis of bytecode finds, and one of native code.
const ENGINES: [(&str, &[&str]); 2] = [
    ("ENGINE", &["dalvik", "knowledge", "model", "scan", "taint"]),
    ("NATIVE_ENGINE", &["formats", "model", "native"]),
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ENGINES.iter().try_for_each(|(name, crates)| tell(&root, name, crates))
}

fn tell(root: &Path, variable: &str, crates: &[&str]) -> io::Result<()> {
    let mut files = vec![root.join("Cargo.lock")];
    for name in crates {
        let folder = root.join("crates").join(name).join("src");
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(&folder, &mut files)?;
    }
    println!("cargo::rerun-if-changed={}", files[0].display());
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in files {
        let bytes = fs::read(&file)?;
        hash.write_usize(bytes.len());
        hash.write(&bytes);
    }
    println!("cargo::rustc-env={variable}={:016x}", hash.finish());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
