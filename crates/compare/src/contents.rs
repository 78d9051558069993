//! What lies in packages and libraries: code, programs, resources.

use std::collections::{BTreeMap, BTreeSet};

use model::ArtifactId;

use crate::apps::{self, Apps, Both};
use crate::code::Changes;
use crate::delta::{Delta, Kind, Standing, Topic, listed};
use crate::files::{Explained, File, Share, State};
use crate::sides::{Pair, Seen};
use crate::{Comparison, Opened, Plan, Unit, Unread, Which, native};

/// What belongs together on both sides.
pub(crate) struct Contents<'a> {
    pub apps: Apps<'a>,
    /// Units of code whose files are not the same, by their place in the lists of the sides.
    units: Vec<(usize, usize)>,
    /// Programs and libraries, the same.
    natives: Vec<(ArtifactId, ArtifactId)>,
    /// Policies, the same.
    policies: Vec<(ArtifactId, ArtifactId)>,
    n_units: u64,
    n_natives: u64,
}

impl<'a> Contents<'a> {
    pub fn of(pair: &'a Pair<'a>, files: &[File]) -> Contents<'a> {
        let apps = apps::pair(pair, files);
        let (units, n_units) = units_of(pair, &apps);
        let (natives, n_natives) = natives_of(pair, files, &apps);
        let is_policy = |it: &&File| {
            let of = |seen: &Seen, which| it.on(which).is_some_and(|id| seen.is(id, "sepolicy") || seen.is(id, "cil"));
            it.state == State::Changed && of(&pair.left, Which::Left) && of(&pair.right, Which::Right)
        };
        let policies = files.iter().filter(is_policy).filter_map(|it| it.on(Which::Left).zip(it.on(Which::Right)));
        let policies = policies.collect();
        Contents { apps, units, natives, policies, n_units, n_natives }
    }

    pub fn plan(&self, pair: &Pair) -> Plan {
        let here = |seen: &Seen, unit: usize| {
            seen.side.units.get(unit).is_some_and(|it| it.files.iter().all(|it| seen.is_here(*it)))
        };
        let is_unit = |it: &&(usize, usize)| here(&pair.left, it.0) && here(&pair.right, it.1);
        let is_native = |it: &&(ArtifactId, ArtifactId)| pair.left.is_here(it.0) && pair.right.is_here(it.1);
        Plan {
            units: self.units.iter().filter(is_unit).copied().collect(),
            natives: self.natives.iter().filter(is_native).copied().collect(),
            policies: self.policies.clone(),
        }
    }

    pub fn deltas<'f>(
        &self,
        pair: &Pair,
        files: &[File<'f>],
        (plan, opened): (&Plan, &Opened),
        explained: &mut Explained<'f>,
        comparison: &mut Comparison,
    ) {
        let deltas = &mut comparison.deltas;
        let mut opened_units = BTreeMap::new();
        for (units, changes) in plan.units.iter().zip(&opened.units) {
            if let Some(changes) = changes {
                self.code(pair, units.1, changes, deltas);
                opened_units.insert(*units, changes);
            }
        }
        for units in &self.units {
            let why = match opened_units.get(units) {
                Some(changes) if changes.n_unread == 0 => continue,
                Some(changes) => format!("{} of its methods were not compared: a bound was reached", changes.n_unread),
                None => {
                    "its code differs, and was not compared method by method: not all of it could be read".to_owned()
                }
            };
            if let Some(unit) = pair.right.side.units.get(units.1) {
                comparison.gaps.push(Unread { which: Which::Right, artifact: unit.artifact, why, count: 1 });
            }
        }
        for both in self.apps.both.iter().filter(|it| !it.is_same(pair)) {
            self.package(pair, both, deltas);
        }
        for (ids, changes) in plan.natives.iter().zip(&opened.natives) {
            deltas.extend(self.native(pair, *ids, changes.as_ref()));
        }
        for ((_, right), rules) in plan.policies.iter().zip(&opened.policies) {
            let Some(rules) = rules.as_ref().filter(|it| !it.added.is_empty() || !it.removed.is_empty()) else {
                continue;
            };
            let path = place_of(&pair.right, *right);
            let delta = Delta::new(Kind::Changed, Topic::Power, "rules of the SELinux policy", &path);
            let count = |rules: &[String]| match rules.len() {
                0 => String::new(),
                n => format!("{n} here alone: {}", listed(rules)),
            };
            deltas.push(delta.with(count(&rules.removed), count(&rules.added)).run_by(Standing::Root));
        }
        // What was said about the content of a file need not be said about the file.
        let place = |path: &str| path.split('!').next().unwrap_or_default().to_owned();
        let moved = deltas.iter().filter(|it| it.kind == Kind::Moved).map(|it| place(&it.left));
        let said: BTreeSet<String> = moved.chain(deltas.iter().map(|it| place(&it.device_path))).collect();
        let units = [units_by_file(&pair.left), units_by_file(&pair.right)];
        for file in files {
            let is_explained = [(&pair.left, file.left), (&pair.right, file.right)].into_iter().zip(&units).any(
                |((seen, ids), units)| {
                    // The files of the runtime beside an app belong to it.
                    let is_code = ids.iter().filter_map(|it| units.get(it)).any(|it| said.contains(*it));
                    let is_read =
                        ids.iter().any(|it| seen.is(*it, "apk") || file.state == State::Changed && seen.is(*it, "elf"));
                    is_code || is_read && said.contains(file.path)
                },
            );
            if is_explained {
                explained.insert(file.path);
            }
        }
        comparison.shares.push(Share {
            unit: "units of code",
            layer: ("bytecode", "units"),
            compared: self.n_units - (self.units.len() - opened_units.len()) as u64,
            all: self.n_units,
            same: self.n_units - self.units.len() as u64,
        });
        comparison.shares.push(Share {
            unit: "programs and libraries",
            layer: ("native code", "files"),
            compared: self.n_natives,
            all: self.n_natives,
            same: self.n_natives - self.natives.len() as u64,
        });
    }

    fn code(&self, pair: &Pair, right: usize, changes: &Changes, deltas: &mut Vec<Delta>) {
        let Some(right) = pair.right.side.units.get(right) else { return };
        let app = self.apps.both.iter().find(|it| it.right.artifact == right.artifact);
        let path = place_of(&pair.right, right.artifact);
        let what = match app {
            Some(app) => format!("code of {}", app.right.app.package),
            None => "code of a library".to_owned(),
        };
        let standing = match app {
            Some(app) => apps::standing(app.right),
            None if pair.right.phone().boot_class_path.contains(&path) => Standing::Root,
            None => Standing::Privileged,
        };
        if changes.is_empty() {
            if changes.renamed.is_empty() && changes.classes_renamed.is_empty() {
                return;
            }
            let (lefts, rights) = renames(changes);
            deltas.push(
                Delta::new(Kind::Changed, Topic::Form, format!("names in the {what}"), &path).with(lefts, rights),
            );
            return;
        }
        let (lefts, rights) = said(changes);
        let class_of =
            |method: &String| method.split('(').next().and_then(|it| it.rsplit_once('.')).map(|it| it.0.to_owned());
        let methods = changes.changed.iter().chain(&changes.added).chain(&changes.removed).filter_map(class_of);
        let classes = changes.classes_added.iter().chain(&changes.classes_removed).chain(&changes.classes_changed);
        let names: BTreeSet<String> = methods.chain(classes.cloned()).collect();
        let delta = Delta::new(Kind::Changed, Topic::Code, what, &path).with(lefts, rights).run_by(standing);
        let unannounced = app.is_some_and(|it| it.is_same_version());
        deltas.push(Delta { names: names.into_iter().collect(), unannounced, ..delta });
    }

    /// What else lies in a package than its manifest, its signatures and its code.
    fn package(&self, pair: &Pair, both: &Both, deltas: &mut Vec<Delta>) {
        let entries = |seen: &Seen, app: &phone::InstalledApp| -> BTreeMap<String, ArtifactId> {
            let packages = std::iter::once(&app.artifact).chain(&app.splits);
            packages
                .flat_map(|it| seen.children(*it))
                .map(|it| (seen.artifact(*it).name.clone(), *it))
                .filter(|(name, id)| !is_told(name) && !seen.is(*id, "dex"))
                .collect()
        };
        let (lefts, rights) = (entries(&pair.left, both.left), entries(&pair.right, both.right));
        let (mut resources, mut programs) = ([Vec::new(), Vec::new(), Vec::new()], Vec::new());
        let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
        for name in names {
            let (left, right) = (lefts.get(name), rights.get(name));
            let is_same = matches!((left, right), (Some(l), Some(r)) if pair.left.digest(*l).is_some_and(|it| pair.right.digest(*r) == Some(it)));
            if is_same {
                continue;
            }
            let is = |format: &str| {
                left.is_some_and(|it| pair.left.is(*it, format)) || right.is_some_and(|it| pair.right.is(*it, format))
            };
            let is_loaded = ["elf", "apk", "zip", "dex"].iter().any(|it| is(it)) && !name.starts_with("res/");
            match (left, right) {
                // Both have the program: what differs in it is told of the program.
                (Some(_), Some(_)) if is("elf") => {}
                _ if is_loaded => programs.push((name.clone(), left.is_some(), right.is_some())),
                (Some(_), Some(_)) => resources[1].push(name.clone()),
                (None, _) => resources[0].push(name.clone()),
                (_, None) => resources[2].push(name.clone()),
            }
        }
        let (path, package) = (&both.right.device_path, &both.right.app.package);
        let mut anything = false;
        for (name, left, right) in programs {
            let kind = match (left, right) {
                (true, true) => Kind::Changed,
                (false, _) => Kind::Added,
                (true, false) => Kind::Removed,
            };
            let place = format!("{path}!{name}");
            let delta = Delta::new(kind, Topic::Code, format!("code or archive in {package}"), &place);
            let delta = Delta { unannounced: both.is_same_version(), ..delta };
            deltas.push(delta.run_by(apps::standing(both.right)));
            anything = true;
        }
        let [added, changed, removed] = &resources;
        if resources.iter().any(|it| !it.is_empty()) {
            let count = |n: usize, what: &str| format!("{n} {what}");
            let left = [count(changed.len(), "differ"), count(removed.len(), "are here alone")].join(", ");
            let mut right = [count(changed.len(), "differ"), count(added.len(), "are here alone")].join(", ");
            let some: Vec<String> = added.iter().chain(changed).chain(removed).cloned().collect();
            right += &format!(": {}", listed(&some));
            deltas.push(
                Delta::new(Kind::Changed, Topic::Data, format!("resources of {package}"), path).with(left, right),
            );
            anything = true;
        }
        let is_said = deltas.iter().any(|it| it.device_path.split('!').next() == Some(path) && !path.is_empty());
        if !anything && !is_said {
            let what = format!("package {package}: the same content, packed otherwise");
            deltas.push(Delta::new(Kind::Changed, Topic::Form, what, path));
        }
    }

    fn native(
        &self,
        pair: &Pair,
        (left, right): (ArtifactId, ArtifactId),
        changes: Option<&native::Changes>,
    ) -> Option<Delta> {
        let (lefts, rights) = native::told((&pair.left, left), (&pair.right, right), changes);
        let path = place_of(&pair.right, right);
        let program = path.split('!').next().unwrap_or_default();
        let service = pair.right.phone().services.values().find(|it| it.program() == program);
        let standing = match service {
            Some(service) if service.user() == "root" => Standing::Root,
            Some(_) => Standing::Privileged,
            None if program.contains("/bin/") || program.contains("/xbin/") => Standing::Privileged,
            None => Standing::App,
        };
        let is_program = standing < Standing::App;
        let what = if is_program { "program" } else { "native library" };
        Some(Delta::new(Kind::Changed, Topic::Code, what, &path).with(lefts, rights).run_by(standing))
    }
}

/// Entries of a package that are told of elsewhere: as manifest, as signature.
fn is_told(name: &str) -> bool {
    let is_signature = name
        .strip_prefix("META-INF/")
        .is_some_and(|it| it == "MANIFEST.MF" || [".SF", ".RSA", ".DSA", ".EC"].iter().any(|end| it.ends_with(end)));
    is_signature || name == "AndroidManifest.xml"
}

/// Where something lies: on the phone, or in what was given.
fn place_of(seen: &Seen, id: ArtifactId) -> String {
    match seen.path(id) {
        "" => seen.phone().tree.path(id),
        path => path.to_owned(),
    }
}

/// Where the unit lies that a file holds code of.
fn units_by_file<'a>(seen: &Seen<'a>) -> BTreeMap<ArtifactId, &'a str> {
    let of = |unit: &'a Unit| {
        let path = seen.path(unit.artifact);
        unit.files.iter().chain([&unit.artifact]).map(move |it| (*it, path))
    };
    seen.side.units.iter().flat_map(of).collect()
}

/// Units of both sides that belong together and are not of the same files, and how many belong together.
fn units_of(pair: &Pair, apps: &Apps) -> (Vec<(usize, usize)>, u64) {
    let index = |seen: &Seen| -> BTreeMap<ArtifactId, usize> {
        seen.side.units.iter().enumerate().map(|(n, it)| (it.artifact, n)).collect()
    };
    let (lefts, rights) = (index(&pair.left), index(&pair.right));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let mut taken = BTreeSet::new();
    for both in &apps.both {
        if let (Some(left), Some(right)) = (lefts.get(&both.left.artifact), rights.get(&both.right.artifact)) {
            pairs.push((*left, *right));
            taken.insert(*left);
        }
    }
    // Apps belong together by their packages, all else by its place.
    let is_app = |seen: &Seen, id: ArtifactId| seen.phone().apps.all.iter().any(|it| it.artifact == id);
    let others = rights.iter().filter(|it| !is_app(&pair.right, *it.0));
    let places: BTreeMap<&str, usize> = others.map(|(id, n)| (pair.right.path(*id), *n)).collect();
    for (id, left) in &lefts {
        let path = pair.left.path(*id);
        if !taken.contains(left) && !path.is_empty() && !is_app(&pair.left, *id) {
            pairs.extend(places.get(path).map(|right| (*left, *right)));
        }
    }
    let contents = |seen: &Seen, n: usize| -> Option<Vec<_>> {
        seen.side.units.get(n)?.files.iter().map(|it| seen.digest(*it).copied()).collect()
    };
    let n = pairs.len() as u64;
    pairs.retain(|(left, right)| {
        let left = contents(&pair.left, *left);
        left.is_none() || left != contents(&pair.right, *right)
    });
    pairs.sort_unstable();
    pairs.dedup();
    (pairs, n)
}

/// The same for programs and libraries: those of the file systems, and those in apps.
fn natives_of(pair: &Pair, files: &[File], apps: &Apps) -> (Vec<(ArtifactId, ArtifactId)>, u64) {
    let (mut pairs, mut n) = (Vec::new(), 0);
    for file in files {
        let (Some(left), Some(right)) = (file.on(Which::Left), file.on(Which::Right)) else { continue };
        if pair.left.is(left, "elf") && pair.right.is(right, "elf") {
            n += 1;
            if file.state == State::Changed {
                pairs.push((left, right));
            }
        }
    }
    for both in apps.both.iter().filter(|it| !it.is_same(pair)) {
        let libraries = |seen: &Seen, app: &phone::InstalledApp| -> BTreeMap<String, ArtifactId> {
            let packages = std::iter::once(&app.artifact).chain(&app.splits);
            let all = packages.flat_map(|it| seen.children(*it)).filter(|it| seen.is(**it, "elf"));
            all.map(|it| (seen.artifact(*it).name.clone(), *it)).collect()
        };
        let rights = libraries(&pair.right, both.right);
        for (name, left) in libraries(&pair.left, both.left) {
            let Some(right) = rights.get(&name) else { continue };
            n += 1;
            if pair.left.digest(left).is_none() || pair.left.digest(left) != pair.right.digest(*right) {
                pairs.push((left, *right));
            }
        }
    }
    (pairs, n)
}

fn said(changes: &Changes) -> (String, String) {
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    let add = |side: &mut Vec<String>, what: &str, items: &[String]| {
        if !items.is_empty() {
            side.push(format!("{what} ({}): {}", items.len(), listed(items)));
        }
    };
    add(&mut lefts, "classes here alone", &changes.classes_removed);
    add(&mut lefts, "methods here alone", &changes.removed);
    add(&mut rights, "methods changed", &changes.changed);
    add(&mut rights, "classes changed", &changes.classes_changed);
    add(&mut rights, "classes here alone", &changes.classes_added);
    add(&mut rights, "methods here alone", &changes.added);
    let (lefts_renamed, rights_renamed) = renames(changes);
    if !lefts_renamed.is_empty() {
        lefts.push(lefts_renamed);
        rights.push(rights_renamed);
    }
    lefts.insert(0, format!("{} methods, {} of them the same", changes.n_left, changes.n_same));
    rights.insert(0, format!("{} methods", changes.n_right));
    (lefts.join("; "), rights.join("; "))
}

fn renames(changes: &Changes) -> (String, String) {
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    for (what, pairs) in [("classes", &changes.classes_renamed), ("methods", &changes.renamed)] {
        if !pairs.is_empty() {
            let (left, right): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
            lefts.push(format!("{} {what} under another name: {}", left.len(), listed(&left)));
            rights.push(listed(&right));
        }
    }
    (lefts.join("; "), rights.join("; "))
}
