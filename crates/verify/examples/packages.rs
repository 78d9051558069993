//! Decides about packages for every version of Android, and prints from which level on each is accepted: `packages APK…`.
//! What is measured beside `apksigner verify`.

use std::error::Error;

use model::Blob;
use verify::apk::{Apk, Versions};

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let blob = Blob::from_bytes(std::fs::read(&path)?);
        // What the manifest says is read by another crate; every level is asked about here.
        let versions = Versions { min_sdk: 1, target_sdk: 1, target_sandbox: 1 };
        let facts = Apk::open(&blob, None, Some(versions)).and_then(|it| it.facts());
        match facts {
            Ok(facts) => {
                let levels = facts.levels.iter().filter(|it| it.verifies()).map(|it| it.from.to_string());
                println!("{path}: accepted from {}", levels.collect::<Vec<_>>().join(", "));
            }
            Err(fault) => println!("{path}: {fault}"),
        }
    }
    Ok(())
}
