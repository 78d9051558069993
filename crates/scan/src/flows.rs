//! Values from source to sink, in every app of what was found.

use std::sync::Arc;

use knowledge::models::Models;
use model::fact::app::{App, ComponentKind};
use model::fact::flow::{Check, Flow, Followed, Reach, Step, Way};
use model::{ArtifactId, Facts, Gap, Layer, Location, Row};
use rayon::prelude::*;
use taint::{Analysis, Component, Platform};

use crate::calls::{Calls, java_name};
use crate::code::{self, Unit};
use crate::outcome::Outcome;
use crate::walk::Found;
use crate::{Cache, Progress, payload};

/// What was found in one app, or in a library.
#[derive(Debug)]
pub struct UnitFlows {
    /// The package file, or the library.
    pub artifact: ArtifactId,
    /// Package name; none for a library. Of an app whose manifest could not be read the name of its folder.
    pub package: Option<String>,
    /// Whether [`UnitFlows::package`] comes from a manifest.
    pub has_manifest: bool,
    /// The files of its code, by the number of the dex file.
    pub files: Vec<ArtifactId>,
    /// The name of the file, of code that is no app.
    pub file: Option<String>,
    /// Its flows.
    pub analysis: Analysis,
    /// What its code calls by name.
    pub calls: Calls,
}

/// Follows values through every app, in parallel; in the order of the apps, then of the libraries. Of a library, which
/// nobody calls here, it is only told how much matters. What a cache holds is not done again.
pub fn flows(
    found: &Found,
    models: &Models,
    control: taint::Control,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> (Vec<UnitFlows>, Vec<Gap>) {
    let tree = &found.tree;
    let all: Vec<Unit> = code::units(tree, &found.facts).into_iter().filter(|it| !it.files.is_empty()).collect();
    let platform = Arc::new(platform_of(found, models, &all));
    let mut units = Vec::new();
    for unit in all {
        let owner = unit.artifact;
        let is_inside = |id: ArtifactId| id == owner || tree.ancestors(id).any(|it| it.id == owner);
        let mut app = match unit.app {
            Some(app) => {
                let layouts = found.facts.layouts.iter().filter(|it| is_inside(it.at.artifact)).map(|it| &it.value);
                app_of(app, layouts)
            }
            // No package has such a name: what is found in the one is not taken for what is found in another.
            None => taint::App {
                package: unit.folder.as_ref().map(|it| format!("{it}/")).unwrap_or_default(),
                ..taint::App::default()
            },
        };
        app.control = control;
        app.platform = platform.clone();
        let size: u64 = unit.files.iter().map(|it| tree.artifact(*it).blob.len()).sum();
        progress.ahead(size);
        units.push((app, unit, size));
    }
    let results: Vec<(UnitFlows, Vec<Gap>)> = units
        .par_iter()
        .map(|(app, unit, size)| {
            let result = follow(found, models, cache, app, unit);
            progress.done(*size, &tree.artifact(unit.artifact).name);
            result
        })
        .collect();
    let mut all = Vec::new();
    let mut gaps = Vec::new();
    for (flows, more) in results {
        all.push(flows);
        gaps.extend(more);
    }
    let pairs: Vec<(&taint::App, &Analysis)> =
        units.iter().map(|it| &it.0).zip(all.iter().map(|it| &it.analysis)).collect();
    let (across, all_found) = taint::across(&pairs, models);
    for (from, flow) in across {
        if let Some(unit) = all.get_mut(from) {
            unit.analysis.flows.push(flow);
        }
    }
    if let Some(first) = all.first().filter(|_| !all_found) {
        gaps.push(gap(
            first.artifact,
            "not all values that travel between apps were followed: there are too many".to_owned(),
        ));
    }
    for unit in &mut all {
        unit.analysis.flows.sort();
    }
    (all, gaps)
}

/// The classes of the libraries that the phone has for all apps, if it has any.
fn platform_of(found: &Found, models: &Models, units: &[Unit]) -> Platform {
    if units.iter().all(|it| it.app.is_none() && it.folder.is_none()) {
        return Platform::default();
    }
    let libraries: Vec<&Unit> =
        units.iter().filter(|it| it.app.is_none() && it.folder.is_none() && !it.plugin).collect();
    // What cannot be read of them is told where they are followed.
    let dexes = |unit: &Unit| code::open(&found.tree, unit).0.into_iter().map(|it| it.0).collect::<Vec<_>>();
    let parts: Vec<Platform> = libraries.par_iter().map(|it| Platform::of(&dexes(it), models.framework())).collect();
    Platform::joined(parts)
}

fn follow(
    found: &Found,
    models: &Models,
    cache: Option<&Cache>,
    app: &taint::App,
    unit: &Unit,
) -> (UnitFlows, Vec<Gap>) {
    let outcome = Outcome::of(found, models, cache, app, unit);
    let (files, mut gaps) = (outcome.files(unit), outcome.gaps(unit));
    let analysis = outcome.analysis.unwrap_or_else(|| {
        gaps.push(gap(unit.artifact, "internal error: its flows could not be followed".to_owned()));
        Analysis::default()
    });
    if !analysis.limits.is_empty() {
        let limits: Vec<String> = analysis
            .limits
            .iter()
            .map(|it| match &it.method {
                Some(method) => format!("{} ({} times, first in {method})", it.what, it.n),
                None => format!("{} ({} times)", it.what, it.n),
            })
            .collect();
        gaps.push(gap(unit.artifact, format!("values were followed up to bounds: {}", limits.join("; "))));
    }
    let folder = unit.folder.clone().filter(|_| !files.is_empty());
    if folder.is_some() {
        let why = "its manifest could not be read: its components are those of its code, and which of them others can \
                   open is not known";
        gaps.push(gap(unit.artifact, why.to_owned()));
    }
    let package = unit.app.map(|it| it.package.clone()).or(folder);
    let file = unit.app.is_none() && unit.folder.is_none();
    let file = file.then(|| String::from_utf8_lossy(found.tree.artifact(unit.artifact).file_name()).into_owned());
    let has_manifest = unit.app.is_some();
    (UnitFlows { artifact: unit.artifact, package, has_manifest, files, file, analysis, calls: outcome.calls }, gaps)
}

/// The same as facts.
pub fn facts_of(found: &Found, units: Vec<UnitFlows>) -> Facts {
    let mut facts = Facts::default();
    let files: Vec<Vec<ArtifactId>> = units.iter().map(|it| it.files.clone()).collect();
    let sealed = units.iter().filter(|it| it.calls.calls.iter().any(|it| it.2.payload.is_some()));
    let inner = payload::Files::of(&found.tree, &sealed.map(|it| it.artifact).collect());
    for unit in units {
        let at = Location { artifact: unit.artifact, offset: 0, size: 0 };
        let analysis = unit.analysis;
        facts.followed.push(Row {
            at,
            value: Followed {
                n_methods: analysis.n_methods,
                n_run: analysis.n_analysed,
                n_quiet: analysis.n_quiet,
                folder: unit.package.clone().filter(|_| !unit.has_manifest),
                whole: !analysis.limits.iter().any(|it| it.what == taint::OUT_OF_WORK),
            },
        });
        let file = |dex: u32| unit.files.get(usize::try_from(dex).ok()?).copied();
        for (dex, offset, mut value) in unit.calls.calls {
            if let Some(payload) = &mut value.payload {
                payload.millibits = inner.millibits_of(found, unit.artifact, &payload.name);
            }
            if let Some(artifact) = file(dex) {
                facts.calls.push(Row { at: Location { artifact, offset, size: 2 }, value });
            }
        }
        let Some(package) = unit.package.or(unit.file) else { continue };
        let way = |steps: Vec<taint::FlowStep>,
                   checks: Vec<taint::Check>,
                   hosts: Vec<String>,
                   (indirect, stored): (bool, bool)| Way {
            steps: steps.into_iter().map(|it| step_of(it, &unit.files, &files)).collect(),
            checks: checks.into_iter().map(|it| Check { kind: it.kind, what: it.what, method: it.method }).collect(),
            hosts,
            indirect,
            stored,
        };
        for flow in analysis.flows {
            facts.flows.push(Row {
                at,
                value: Flow {
                    package: package.clone(),
                    rule: flow.rule,
                    source: flow.source,
                    sink: flow.sink,
                    component: flow.entry.map(|it| java_name(&it.component)),
                    way: way(flow.steps, flow.checks, flow.hosts, (flow.indirect, flow.stored)),
                    bundled: flow.bundled,
                    secret: flow.secret,
                    into: flow.into,
                },
            });
        }
        for reach in analysis.reaches {
            facts.reaches.push(Row {
                at,
                value: Reach {
                    package: package.clone(),
                    component: java_name(&reach.component),
                    sink: reach.sink,
                    way: way(reach.steps, reach.checks, Vec::new(), (false, true)),
                    bundled: reach.bundled,
                },
            });
        }
    }
    facts
}

fn step_of(step: taint::FlowStep, own: &[ArtifactId], all: &[Vec<ArtifactId>]) -> Step {
    let other = step.app.and_then(|it| all.get(usize::try_from(it).ok()?));
    let files = other.map_or(own, |it| it);
    let at = step.at.and_then(|(dex, offset)| {
        let artifact = *files.get(usize::try_from(dex).ok()?)?;
        Some(Location { artifact, offset, size: 2 })
    });
    Step { at, class: java_name(&step.class), method: step.method, what: step.what }
}

fn gap(artifact: ArtifactId, why: String) -> Gap {
    Gap { artifact, why, layer: Layer::Code }
}

fn app_of<'a>(app: &App, layouts: impl Iterator<Item = &'a model::fact::layout::Layout>) -> taint::App {
    let descriptor = |name: &str| format!("L{};", name.replace('.', "/"));
    let mut facts = taint::App {
        package: app.package.clone(),
        application: app.application_class.as_deref().map(descriptor),
        ..taint::App::default()
    };
    for component in app.components.iter().filter(|it| it.enabled && app.enabled) {
        let kind = match component.kind {
            ComponentKind::Activity | ComponentKind::ActivityAlias => "activity",
            ComponentKind::Service => "service",
            ComponentKind::Receiver => "receiver",
            ComponentKind::Provider => "provider",
        };
        let name = component.target_activity.as_deref().unwrap_or(&component.name);
        let actions = component.filters.iter().flat_map(|it| it.actions.iter().cloned());
        let authorities = component.authorities.iter().map(|it| format!("content://{it}"));
        facts.components.push(Component {
            kind,
            class: descriptor(name),
            exported: component.is_exported(app.effective_target_sdk()),
            actions: actions.chain(authorities).collect(),
        });
    }
    for layout in layouts {
        facts.click_handlers.extend(layout.click_handlers.iter().cloned());
        facts.password_views.extend(layout.password_views.iter().map(|it| i64::from(*it)));
        facts.fragments.extend(layout.fragments.iter().map(|it| descriptor(it)));
    }
    facts.click_handlers.sort();
    facts.click_handlers.dedup();
    facts.fragments.sort();
    facts.fragments.dedup();
    facts
}
