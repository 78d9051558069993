//! Values from source to sink, in every app of what was found.

use knowledge::models::Models;
use model::fact::app::{App, ComponentKind};
use model::{ArtifactId, Gap, Layer};
use rayon::prelude::*;
use taint::{Analysis, Component};

use crate::code;
use crate::walk::Found;

/// What was found in one app.
#[derive(Debug)]
pub struct AppFlows {
    /// The package file.
    pub artifact: ArtifactId,
    /// Package name.
    pub package: String,
    /// Its flows.
    pub analysis: Analysis,
}

/// Follows values through every app, in parallel; in the order of the apps.
pub fn flows(found: &Found, models: &Models) -> (Vec<AppFlows>, Vec<Gap>) {
    let tree = &found.tree;
    let mut gaps = Vec::new();
    let mut units = Vec::new();
    for unit in code::units(found) {
        let owner = unit.artifact;
        let Some(app) = unit.app.filter(|_| !unit.files.is_empty()) else { continue };
        let is_inside = |id: ArtifactId| id == owner || tree.ancestors(id).any(|it| it.id == owner);
        let layouts = found.facts.layouts.iter().filter(|it| is_inside(it.at.artifact)).map(|it| &it.value);
        units.push((owner, app_of(app, layouts), unit));
    }
    let results: Vec<(AppFlows, Vec<Gap>)> = units
        .par_iter()
        .map(|(owner, app, unit)| {
            let (files, mut gaps) = code::open(found, unit);
            // Frames of the analysis lie on the stack of a thread of its own.
            let analysis = std::thread::scope(|scope| {
                let work = || {
                    let mut program = dalvik::Program::new(files);
                    taint::analyse(&mut program, models, app, FUEL)
                };
                let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
                thread.ok().and_then(|it| it.join().ok())
            });
            let analysis = analysis.unwrap_or_else(|| {
                gaps.push(gap(*owner, "internal error: its flows could not be followed".to_owned()));
                Analysis::default()
            });
            for limit in &analysis.limits {
                let first = limit.method.as_ref().map(|it| format!(", first in {it}")).unwrap_or_default();
                let (what, n) = (&limit.what, limit.n);
                let why = format!("a bound was reached in following its values: {what} ({n} times{first})");
                gaps.push(gap(*owner, why));
            }
            (AppFlows { artifact: *owner, package: app.package.clone(), analysis }, gaps)
        })
        .collect();
    let mut all = Vec::new();
    for (flows, more) in results {
        all.push(flows);
        gaps.extend(more);
    }
    (all, gaps)
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
        facts.components.push(Component {
            kind,
            class: descriptor(name),
            exported: component.exported.unwrap_or(!component.filters.is_empty()),
            actions: component.filters.iter().flat_map(|it| it.actions.clone()).collect(),
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

/// Work that one app may cause, in objects that are looked at: some seconds.
const FUEL: u64 = 32_000_000;

/// Room for the deepest chain of calls that is followed.
const STACK: usize = 256 << 20;
