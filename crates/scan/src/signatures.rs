//! What signatures cover, recomputed over what is present.

use model::fact::apk_signature::ApkSignature;
use model::fact::app::App;
use model::{Artifact, ArtifactId, Blob, Facts, Fault, Gap, Layer, Location, Row, Store};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use verify::apk::{Apk, Versions};

use crate::images::Context;
use crate::walk::Found;
use crate::{Progress, claims, images};

/// Verifies everything, in parallel; in the order of the artifacts. Error correction is recomputed where that is asked
/// for.
pub fn verify(found: &Found, store: &Store, fec: bool, progress: &dyn Progress) -> (Facts, Vec<Gap>) {
    let (mut facts, mut gaps) = (Facts::default(), Vec::new());
    packages(found, progress, &mut facts, &mut gaps);
    let context = Context::of(found, store);
    for (checks, more) in [images::verify(&context, fec, progress), claims::verify(found, &context)] {
        facts.image_checks.extend(checks);
        gaps.extend(more);
    }
    (facts, gaps)
}

fn packages(found: &Found, progress: &dyn Progress, facts: &mut Facts, gaps: &mut Vec<Gap>) {
    let idsigs = idsigs_of(found);
    let apps: Vec<(&Artifact, &App)> =
        found.facts.apps.iter().map(|it| (found.tree.artifact(it.at.artifact), &it.value)).collect();
    progress.ahead(apps.iter().map(|it| it.0.blob.len()).sum());
    let results: Vec<Result<ApkSignature, Gap>> = apps
        .par_iter()
        .map(|(artifact, app)| {
            let idsig = idsigs.get(&(artifact.parent, artifact.name.as_str())).copied();
            let result =
                caught(artifact.id, Layer::Apps, || Apk::open(&artifact.blob, idsig, Some(Versions::of(app)))?.facts());
            progress.done(artifact.blob.len(), &artifact.name);
            result
        })
        .collect();
    for ((artifact, _), result) in apps.iter().zip(results) {
        match result {
            Ok(value) => facts.apk_signatures.push(Row { at: whole(artifact), value }),
            Err(gap) => gaps.push(gap),
        }
    }
}

/// The files with signatures of the scheme v4, by the folder and the name of the package that they lie beside.
fn idsigs_of(found: &Found) -> FxHashMap<(Option<ArtifactId>, &str), &Blob> {
    let named = found.tree.iter().filter_map(|it| Some(((it.parent, it.name.strip_suffix(".idsig")?), &it.blob)));
    named.collect()
}

fn whole(artifact: &Artifact) -> Location {
    Location { artifact: artifact.id, offset: 0, size: artifact.blob.len() }
}

/// What a verification says; a fault, and a panic, which is a bug, become a gap.
fn caught<T>(artifact: ArtifactId, layer: Layer, verify: impl FnOnce() -> Result<T, Fault>) -> Result<T, Gap> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify));
    let why = match result {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(fault)) => format!("its signatures were not verified: {fault}"),
        Err(_) => "internal error: its signatures could not be verified".to_owned(),
    };
    Err(Gap { artifact, why, layer })
}
