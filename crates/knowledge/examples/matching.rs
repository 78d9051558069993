//! What the search for known indicators costs: run it under `time`, once for each way, over the same files.
//!
//! ```text
//! matching read FILE…        reads and hashes, as the yardstick
//! matching cases FILE…       with the indicators of the bundled cases
//! matching 100000 FILE…      with as many more, made for the purpose
//! ```

use std::fs::File;
use std::io::Read;
use std::process::ExitCode;

use knowledge::{IndicatorKind, Knowledge, Matcher};
use model::observer::{Observer, Part};
use model::{Artifact, ArtifactId, Blob, Facts, Node};
use sha2::{Digest, Sha256};

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(way) = args.next() else {
        eprintln!("matching read|cases|N FILE…");
        return ExitCode::from(2);
    };
    let made = made(way.parse().unwrap_or(0));
    let more = made.iter().map(|(kind, value)| (*kind, value.as_str()));
    let matcher = Matcher::of(Knowledge::bundled().cases.iter(), more);
    let (mut bytes, mut found) = (0u64, 0);
    let mut buffer = vec![0; 256 << 10];
    for path in args {
        let Ok(mut file) = File::open(&path) else {
            eprintln!("{path} cannot be opened");
            return ExitCode::from(2);
        };
        let artifact = Artifact {
            id: ArtifactId(0),
            parent: None,
            name: path.clone(),
            raw_name: path.into_bytes(),
            depth: 0,
            blob: Blob::empty(),
            node: Node::file(),
        };
        let mut hash = Sha256::new();
        let mut seen = (way != "read").then(|| matcher.observe(&artifact, Part::Content)).flatten();
        while let Ok(n @ 1..) = file.read(&mut buffer) {
            bytes += n as u64;
            hash.update(&buffer[..n]);
            if let Some(seen) = &mut seen {
                seen.bytes(&buffer[..n]);
            }
        }
        let mut facts = Facts::default();
        let hash = hash.finalize().into();
        seen.map(|it| it.finish(Some(&hash), &mut facts));
        found += facts.sightings.len();
    }
    println!("{bytes} bytes, {} looked for, {found} found", matcher.len());
    ExitCode::SUCCESS
}

/// Indicators as feeds have them: nine domains to a hash.
fn made(n: usize) -> Vec<(IndicatorKind, String)> {
    let indicator = |it: usize| match it % 10 {
        0 => (IndicatorKind::Hash, format!("{:064x}", it.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        _ => (IndicatorKind::Domain, format!("host{it}.example{}.com", it % 97)),
    };
    (0..n).map(indicator).collect()
}
