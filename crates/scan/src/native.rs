//! The code of every ELF file of what was found.

use model::{Facts, Gap, Layer, Row};
use rayon::prelude::*;

use crate::Progress;
use crate::walk::Found;

/// Analyses every ELF file, in parallel; in the order of the tree. Code that the runtime compiled from bytecode is left
/// out: what it does is what the bytecode does.
pub fn natives(found: &Found, progress: &dyn Progress) -> (Facts, Vec<Gap>) {
    let files: Vec<_> = found.facts.elfs.iter().filter(|it| !it.value.is_compiled_bytecode()).collect();
    for row in &files {
        progress.ahead(found.tree.artifact(row.at.artifact).blob.len());
    }
    let results: Vec<_> = files
        .par_iter()
        .map(|row| {
            let artifact = found.tree.artifact(row.at.artifact);
            let result = artifact.blob.bytes("bytes of an ELF file", FILE_MAX).and_then(|bytes| {
                let work = || native::analyse(&bytes);
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                caught
                    .unwrap_or_else(|_| Err(model::Fault::Unsupported("internal error: the analysis panicked".into())))
            });
            progress.done(artifact.blob.len(), &artifact.name);
            (row.at, result)
        })
        .collect();
    let (mut facts, mut gaps) = (Facts::default(), Vec::new());
    for (at, result) in results {
        let mut gap = |why: String| gaps.push(Gap { artifact: at.artifact, why, layer: Layer::Native });
        match result {
            Ok(analysis) => {
                analysis.gaps.into_iter().for_each(&mut gap);
                facts.natives.push(Row { at, value: analysis.native });
            }
            Err(fault) => gap(format!("its code was not read: {fault}")),
        }
    }
    (facts, gaps)
}

/// The largest libraries (a browser engine) have 200 MiB.
const FILE_MAX: u64 = 256 << 20;
