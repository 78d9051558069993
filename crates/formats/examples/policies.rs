//! Reads SELinux policies and answers every question of what a type may do: `cargo run --release -p formats --example
//! policies -- FILE…`. Files that end in `.cil` are linked into one.

#![allow(clippy::print_stdout)]

use std::time::Instant;

use formats::cil;
use formats::sepolicy::Policydb;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (texts, binaries): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.ends_with(".cil"));
    for path in binaries {
        let bytes = std::fs::read(&path)?;
        let start = Instant::now();
        let (policydb, _, result) = Policydb::read(&bytes);
        result?;
        all(&path, &policydb, start);
    }
    if let Some(first) = texts.first() {
        let files: Vec<(&str, String)> =
            texts.iter().map(|it| Ok((it.as_str(), std::fs::read_to_string(it)?))).collect::<std::io::Result<_>>()?;
        let named: Vec<(&str, &str)> = files.iter().map(|it| (it.0, it.1.as_str())).collect();
        let start = Instant::now();
        let linked = cil::link(&named);
        println!("{first}: linked in {} ms, gaps: {:?}", start.elapsed().as_millis(), linked.gaps);
        all(first, &linked.policydb, start);
    }
    Ok(())
}

fn all(path: &str, policydb: &Policydb, start: Instant) {
    let read = start.elapsed().as_millis();
    let prepared = policydb.prepared();
    let ready = start.elapsed().as_millis();
    let types = policydb.types.iter().filter(|it| !it.1.is_attribute);
    let n: usize = types.map(|it| prepared.access_of(*it.0).len()).sum();
    let done = start.elapsed().as_millis();
    println!(
        "{path}: {} rules, read in {read} ms, prepared in {ready} ms, {n} answers in {done} ms",
        policydb.rules.len()
    );
}
