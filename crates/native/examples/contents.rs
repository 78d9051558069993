//! Prints what is found in ELF files: `cargo run --release -p native --example contents -- FILE…`. With `-s` one line a file.
//! Of a folder it looks at all files, those left out that a runtime compiled from bytecode.

#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut short = false;
    let mut files: Vec<PathBuf> = Vec::new();
    for path in std::env::args().skip(1) {
        match path.as_str() {
            "-s" => short = true,
            _ => find(Path::new(&path), &mut files)?,
        }
    }
    for path in files {
        let bytes = std::fs::read(&path)?;
        if !bytes.starts_with(b"\x7fELF") {
            continue;
        }
        let path = path.display();
        let start = Instant::now();
        match native::analyse(&bytes) {
            Err(fault) => println!("{path}: {fault}"),
            Ok(found) if short => {
                let native = &found.native;
                println!(
                    "{path}: {} of {} functions, {} followed, {} of {} bytes, {} calls, {} ways, {} ms{}",
                    native.n_understood,
                    native.n_functions,
                    native.n_followed,
                    native.covered_size,
                    native.code_size,
                    native.calls.len(),
                    native.ways.len(),
                    start.elapsed().as_millis(),
                    if native.cut { ", cut" } else { "" }
                );
            }
            Ok(found) => println!("{path}: {:#?}\n{:#?}", found.native, found.gaps),
        }
    }
    Ok(())
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        let is_compiled = path.extension().is_some_and(|it| it == "odex" || it == "oat" || it == "art");
        if !is_compiled {
            files.push(path.to_path_buf());
        }
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?.flatten().map(|it| it.path()).collect();
    entries.sort();
    entries.iter().filter(|it| !it.is_symlink()).try_for_each(|it| find(it, files))
}
