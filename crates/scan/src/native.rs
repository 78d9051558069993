//! The code of every ELF file of what was found.

use model::fact::native::Native;
use model::{Facts, Fault, Gap, Layer, Row};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::cache::Key;
use crate::walk::Found;
use crate::{Cache, Progress};

/// Analyses every ELF file, in parallel; in the order of the tree. Code that the runtime compiled from bytecode is left
/// out: what it does is what the bytecode does. What a cache holds is not done again.
pub fn natives(found: &Found, cache: Option<&Cache>, progress: &dyn Progress) -> (Facts, Vec<Gap>) {
    let files: Vec<_> = found.facts.elfs.iter().filter(|it| !it.value.is_compiled_bytecode()).collect();
    for row in &files {
        progress.ahead(found.tree.artifact(row.at.artifact).blob.len());
    }
    let results: Vec<_> = files
        .par_iter()
        .map(|row| {
            let artifact = found.tree.artifact(row.at.artifact);
            let result =
                artifact.blob.bytes("bytes of an ELF file", FILE_MAX).and_then(|bytes| analysis_of(&bytes, cache));
            progress.done(artifact.blob.len(), &artifact.name);
            (row.at, result)
        })
        .collect();
    let (mut facts, mut gaps) = (Facts::default(), Vec::new());
    for (at, result) in results {
        let mut gap = |why: String| gaps.push(Gap { artifact: at.artifact, why, layer: Layer::Native });
        match result {
            Ok((native, gaps)) => {
                gaps.into_iter().for_each(&mut gap);
                facts.natives.push(Row { at, value: native });
            }
            Err(fault) => gap(format!("its code was not read: {fault}")),
        }
    }
    (facts, gaps)
}

/// Looks it up by the content of the file, or works it out and keeps it.
fn analysis_of(bytes: &[u8], cache: Option<&Cache>) -> Result<(Native, Vec<String>), Fault> {
    let cache = cache.map(|it| (it, key_of(bytes)));
    if let Some(known) = cache.as_ref().and_then(|(cache, key)| serde_json::from_slice(&cache.get(key)?).ok()) {
        return Ok(known);
    }
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| native::analyse(bytes)));
    let analysis =
        caught.unwrap_or_else(|_| Err(Fault::Unsupported("internal error: the analysis panicked".into())))?;
    let outcome = (analysis.native, analysis.gaps);
    if let Some((cache, key)) = cache
        && let Ok(bytes) = serde_json::to_vec(&outcome)
    {
        cache.put(&key, &bytes);
    }
    Ok(outcome)
}

/// The hash of the file and of the sources that analyse it.
fn key_of(bytes: &[u8]) -> Key {
    let mut hash = Sha256::new();
    for part in [env!("NATIVE_ENGINE").as_bytes(), env!("CARGO_PKG_VERSION").as_bytes(), bytes] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The largest libraries (a browser engine) have 200 MiB.
const FILE_MAX: u64 = 256 << 20;
