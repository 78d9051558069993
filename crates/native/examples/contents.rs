//! Prints what is found in ELF files: `cargo run --release -p native --example contents -- FILE…`. With `-s` one line a file.

#![allow(clippy::print_stdout)]

use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut short = false;
    for path in std::env::args().skip(1) {
        if path == "-s" {
            short = true;
            continue;
        }
        let bytes = std::fs::read(&path)?;
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
