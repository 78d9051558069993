//! What the code of one unit comes to: as a cache has it, or by analysis.
//!
//! Invariant: whatever an outcome depends on is in its key, and an outcome says nothing that another tree with the same
//! files would not say. So nobody can tell from a report whether there was a cache.

use dalvik::Program;
use knowledge::models::Models;
use model::{ArtifactId, Fault, Gap, Layer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use taint::Analysis;

use crate::Cache;
use crate::cache::Key;
use crate::calls::{self, Calls};
use crate::code::{self, Unit};
use crate::walk::Found;
use crate::{come_to, offered, without_manifest};

/// What the code of a unit comes to. Files are named by their number in [`Unit::files`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What was found; none where the analysis broke down.
    pub analysis: Option<Analysis>,
    /// What its code calls by name.
    pub calls: Calls,
    /// The file of each dex file.
    files: Vec<usize>,
    /// What could not be read, and of which file.
    gaps: Vec<(usize, String)>,
}

impl Outcome {
    /// Looks it up, or works it out and keeps it.
    pub fn of(found: &Found, models: &Models, cache: Option<&Cache>, app: &taint::App, unit: &Unit) -> Outcome {
        let files = code::read(&found.tree, unit);
        let cache = cache.and_then(|it| Some((it, key_of(ENGINE, models, app, unit, &files)?)));
        if let Some(known) = cache.as_ref().and_then(|(cache, key)| Outcome::read(&cache.get(key)?, unit)) {
            return known;
        }
        let outcome = Outcome::work_out(models, app, unit, files);
        if let Some((cache, key)) = cache
            && outcome.analysis.is_some()
            && let Ok(bytes) = serde_json::to_vec(&outcome)
        {
            cache.put(&key, &bytes);
        }
        outcome
    }

    /// The file of each dex file.
    pub fn files(&self, unit: &Unit) -> Vec<ArtifactId> {
        self.files.iter().filter_map(|it| unit.files.get(*it)).copied().collect()
    }

    /// What could not be read.
    pub fn gaps(&self, unit: &Unit) -> Vec<Gap> {
        let gap = |(file, why): &(usize, String)| {
            Some(Gap { artifact: *unit.files.get(*file)?, why: why.clone(), layer: Layer::Code })
        };
        self.gaps.iter().filter_map(gap).collect()
    }

    fn work_out(models: &Models, app: &taint::App, unit: &Unit, files: Vec<Result<Vec<u8>, Fault>>) -> Outcome {
        let (dexes, gaps) = code::opened(unit, files);
        let number_of = |artifact: ArtifactId| unit.files.iter().position(|it| *it == artifact).unwrap_or_default();
        let files = dexes.iter().map(|it| number_of(it.1)).collect();
        let mut gaps: Vec<_> = gaps.into_iter().map(|it| (number_of(it.artifact), it.why)).collect();
        let dexes: Vec<_> = dexes.into_iter().map(|it| it.0).collect();
        // Frames of the analysis lie on the stack of a thread of its own.
        let analysis = std::thread::scope(|scope| {
            let work = || {
                let mut program = Program::new(dexes);
                let left = left_out_of(&program);
                let mut app = match (&unit.folder, unit.plugin) {
                    (Some(_), _) => without_manifest::app_of(&program, models, app),
                    (None, true) => without_manifest::plugin_of(&program, app),
                    (None, false) => app.clone(),
                };
                // A library has no components: whoever uses it decides what is come to.
                let is_app = unit.app.is_some() || unit.folder.is_some();
                let come_to = is_app.then(|| come_to::come_to(&program, &app));
                let calls = calls::calls_of(&program, come_to.as_ref());
                let declared = app.components.len();
                for component in offered::components_of(&calls) {
                    if app.components.iter().take(declared).all(|it| it.class != component.class) {
                        app.components.push(component);
                    }
                }
                (taint::analyse(&mut program, models, &app, FUEL), left, calls)
            };
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            thread.ok().and_then(|it| it.join().ok())
        });
        let Some((analysis, left, calls)) = analysis else {
            return Outcome { analysis: None, calls: Calls::default(), files, gaps };
        };
        gaps.extend(left.into_iter().map(|why| (0, why)));
        if calls.cut {
            gaps.push((0, "not all of its calls that name a property, a file or a service were listed".to_owned()));
        }
        Outcome { analysis: Some(analysis), calls, files, gaps }
    }

    /// An outcome that was kept, if it fits the unit.
    fn read(bytes: &[u8], unit: &Unit) -> Option<Outcome> {
        let outcome: Outcome = serde_json::from_slice(bytes).ok()?;
        let mut numbers = outcome.files.iter().chain(outcome.gaps.iter().map(|it| &it.0));
        numbers.all(|it| *it < unit.files.len()).then_some(outcome)
    }
}

/// What of a program was not read, for its files lie about where things are.
fn left_out_of(program: &Program) -> Vec<String> {
    let mut left = Vec::new();
    if program.n_overlapping != 0 {
        left.push(format!(
            "the members of {} classes were not read: their lists lie in each other",
            program.n_overlapping
        ));
    }
    if program.n_nameless != 0 {
        left.push(format!("{} names were not read: names lie in each other", program.n_nameless));
    }
    left
}

/// The hash of all that the outcome depends on; none where a file could not be read, which may be otherwise next time.
fn key_of(
    engine: &str,
    models: &Models,
    app: &taint::App,
    unit: &Unit,
    files: &[Result<Vec<u8>, Fault>],
) -> Option<Key> {
    let app = serde_json::to_vec(app).ok()?;
    let fuel = FUEL.to_le_bytes();
    let mut parts = vec![engine.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes(), &fuel, &app];
    // Without a manifest, components are those of the code.
    parts.push(match (&unit.folder, unit.plugin) {
        (Some(_), _) => b"code",
        (None, true) => b"plugin",
        (None, false) => b"manifest",
    });
    let models = models.digest();
    parts.push(&models);
    for file in files {
        parts.push(file.as_ref().ok()?);
    }
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Some(hash.finalize().into())
}

/// Names the code that does the analysis (`build.rs`), so that results end with the engine that found them.
const ENGINE: &str = env!("ENGINE");

/// Work that one app may cause, in objects that are looked at: some seconds.
const FUEL: u64 = 32_000_000;

/// Room for the deepest chain of calls that is followed.
const STACK: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_of(files: Vec<ArtifactId>) -> Unit<'static> {
        Unit { artifact: ArtifactId(0), app: None, folder: None, plugin: false, files }
    }

    #[test]
    fn whatever_an_outcome_depends_on_is_in_its_key() {
        let models = Models::bundled();
        let other_models = Models::parse(&["libraries = [\"La/\"]"]).unwrap();
        let app = taint::App { package: "a.b".to_owned(), ..taint::App::default() };
        let component = taint::Component { kind: "activity", class: String::new(), exported: false, actions: vec![] };
        let other_app = taint::App { components: vec![component], ..app.clone() };
        let files = |texts: &[&str]| texts.iter().map(|it| Ok(it.as_bytes().to_vec())).collect::<Vec<_>>();
        let unit = unit_of(Vec::new());
        let folder = Unit { folder: Some("a.b".to_owned()), ..unit_of(Vec::new()) };
        let plugin = Unit { plugin: true, ..unit_of(Vec::new()) };
        let keys = [
            key_of("1", &models, &app, &unit, &files(&["one", "two"])),
            key_of("2", &models, &app, &unit, &files(&["one", "two"])),
            key_of("1", &other_models, &app, &unit, &files(&["one", "two"])),
            key_of("1", &models, &other_app, &unit, &files(&["one", "two"])),
            key_of("1", &models, &app, &folder, &files(&["one", "two"])),
            key_of("1", &models, &app, &plugin, &files(&["one", "two"])),
            key_of("1", &models, &app, &unit, &files(&["two", "one"])),
            key_of("1", &models, &app, &unit, &files(&["onetwo"])),
            key_of("1", &models, &app, &unit, &files(&["one", "two", ""])),
        ];
        let n_keys = keys.iter().flatten().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(n_keys, keys.len());
        assert_eq!(keys[0], key_of("1", &Models::bundled(), &app, &unit, &files(&["one", "two"])));
    }

    #[test]
    fn what_could_not_be_read_has_no_key() {
        let files = [Ok(b"dex".to_vec()), Err(Fault::malformed("magic", 0))];
        assert_eq!(key_of("1", &Models::bundled(), &taint::App::default(), &unit_of(Vec::new()), &files), None);
    }

    #[test]
    fn an_outcome_of_another_shape_is_none() {
        let unit = unit_of(vec![ArtifactId(1)]);
        let outcome = |files| Outcome {
            analysis: Some(Analysis::default()),
            calls: Calls::default(),
            files,
            gaps: vec![(0, "why".to_owned())],
        };
        let kept = |files| serde_json::to_vec(&outcome(files)).unwrap();
        assert_eq!(Outcome::read(&kept(vec![0, 0]), &unit).unwrap().files(&unit), [ArtifactId(1), ArtifactId(1)]);
        assert!(Outcome::read(&kept(vec![0, 1]), &unit).is_none());
        assert!(Outcome::read(b"{}", &unit).is_none());
    }
}
