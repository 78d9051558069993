//! `compare`: two or more phones beside each other.
//!
//! Every phone is looked at as `check` does, and its contents are hashed on the way. What is not the same is looked into
//! afterwards, one pair at a time for each thread: no two phones' bytes are in memory.

mod normal;
mod policy;
mod programs;
mod told;

use std::path::PathBuf;

use compare::{Beside, Comparison, Opened, Plan, Side};
use knowledge::Feeds;
use model::Store;
use model::report::{Report, Tool};
use rayon::prelude::*;

use crate::inspect::{Inspect, Inspected};
use crate::{Cache, InputError, Phase, Progress, code};

pub use told::add;

/// What a comparison may be told.
pub struct Compare {
    /// The phones, two or more. The first is what the others are compared with, unless most of them agree against it.
    pub inputs: Vec<PathBuf>,
    /// The command line for the report.
    pub command: String,
    /// The report's day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Whether values are followed through code.
    pub flows: bool,
    /// The version of the program.
    pub version: String,
}

/// Compares phones: the report and the exit code.
pub fn compare(
    compare: Compare,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<(Report, u8), InputError> {
    let feeds = Feeds::default();
    let look = |path: &PathBuf| {
        let inputs = std::slice::from_ref(path);
        let inspect = Inspect { inputs, flows: compare.flows, fec: false, feeds: &feeds, contents: true };
        crate::inspect(&inspect, store, cache, progress)
    };
    let seen: Vec<Inspected> = compare.inputs.iter().map(look).collect::<Result<_, _>>()?;
    let sides: Vec<Side> = seen.iter().zip(names_of(&seen)).map(|(seen, name)| side_of(name, seen)).collect();
    let base = compare::base(&sides);
    let others: Vec<usize> = (0..sides.len()).filter(|it| *it != base).collect();
    let comparisons: Vec<Comparison> = others.iter().map(|it| beside(&sides[base], &sides[*it], progress)).collect();
    progress.begin(Phase::Conclude);
    let tool = Tool { name: "postern".to_owned(), version: compare.version, knowledge: knowledge::VERSION.to_owned() };
    let frame = told::Frame { tool, command: compare.command, date: compare.date };
    let result = told::report(&seen, &sides, base, comparisons, frame);
    progress.end(Phase::Conclude);
    Ok(result)
}

/// What each side is called: its file name; where two have one name, with its place in the list.
fn names_of(seen: &[Inspected]) -> Vec<String> {
    let names: Vec<String> =
        seen.iter().map(|it| it.input.first().map(|it| it.name.clone()).unwrap_or_default()).collect();
    let is_shared = |name: &String| 1 < names.iter().filter(|it| *it == name).count();
    let name = |(n, name): (usize, &String)| match is_shared(name) {
        true => format!("{}: {name}", n + 1),
        false => name.clone(),
    };
    names.iter().enumerate().map(name).collect()
}

/// What stands beside each other.
pub fn beside(left: &Side, right: &Side, progress: &dyn Progress) -> Comparison {
    progress.begin(Phase::Compare);
    let beside = Beside::of(left, right);
    let plan = beside.plan();
    let opened = open(left, right, &plan, progress);
    let comparison = beside.compare(&plan, &opened);
    progress.end(Phase::Compare);
    comparison
}

/// A phone as a side of a comparison.
pub fn side_of(name: String, seen: &Inspected) -> Side<'_> {
    let units = code::units(&seen.phone.tree, &seen.phone.facts);
    let units = units.into_iter().filter(|it| !it.files.is_empty());
    Side {
        name,
        phone: &seen.phone,
        findings: &seen.findings,
        contents: &seen.contents,
        units: units.map(|it| compare::Unit { artifact: it.artifact, files: it.files }).collect(),
    }
}

/// Looks into what differs, in parallel; one pair at a time is in memory for each thread.
fn open(left: &Side, right: &Side, plan: &Plan, progress: &dyn Progress) -> Opened {
    let size = |side: &Side, unit: &compare::Unit| -> u64 {
        unit.files.iter().map(|it| side.phone.tree.artifact(*it).blob.len()).sum()
    };
    let pairs: Vec<_> =
        plan.units.iter().filter_map(|(l, r)| Some((left.units.get(*l)?, right.units.get(*r)?))).collect();
    progress.ahead(pairs.iter().map(|(l, r)| size(left, l) + size(right, r)).sum());
    let units = pairs
        .par_iter()
        .map(|(l, r)| {
            let both = (normal::code_of(left.phone, l), normal::code_of(right.phone, r));
            progress.done(size(left, l) + size(right, r), &right.phone.tree.artifact(r.artifact).name);
            match both {
                (Some(left), Some(right)) => Some(compare::code::compare(&left, &right)),
                _ => None,
            }
        })
        .collect();
    let natives = plan.natives.par_iter().map(|(l, r)| programs::compare(left.phone, *l, right.phone, *r)).collect();
    let policies = plan.policies.par_iter().map(|(l, r)| policy::compare(left.phone, *l, right.phone, *r)).collect();
    Opened { units, natives, policies }
}
