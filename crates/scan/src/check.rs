//! `check`: the whole way from paths to a report.

use std::path::PathBuf;

use knowledge::Feeds;
use model::Store;
use model::gates::Gates;
use model::report::{Report, Tool};
use surface::Surface;

use crate::conclude::{self, Frame};
use crate::inspect::{Inspect, Inspected, assemble};
use crate::{Cache, InputError, Phase, Progress, compare};

/// What a check may be told.
pub struct Check {
    /// The paths, all of one phone.
    pub inputs: Vec<PathBuf>,
    /// The command line for the report.
    pub command: String,
    /// The report's day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// The phone that it is compared with.
    pub against: Option<PathBuf>,
    /// Whether values are followed through code.
    pub flows: bool,
    /// Whether the error correction of images is recomputed.
    pub fec: bool,
    /// Indicators that others publish.
    pub feeds: Feeds,
    /// The version of the program.
    pub version: String,
}

/// Checks a phone: the report and the exit code. A cache changes how long it takes.
pub fn check(
    check: Check,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<(Report, u8), InputError> {
    let is_compared = check.against.is_some();
    let look = |inputs: &[PathBuf]| {
        let inspect =
            Inspect { inputs, flows: check.flows, fec: check.fec, feeds: &check.feeds, contents: is_compared };
        crate::inspect(&inspect, store, cache, progress)
    };
    let seen = look(&check.inputs)?;
    let reference = check.against.as_ref().map(|it| look(std::slice::from_ref(it))).transpose()?;
    progress.begin(Phase::Conclude);
    let known = knowledge_of(&check.feeds);
    let tool = Tool { name: "postern".to_owned(), version: check.version, knowledge: known };
    let frame = Frame { tool, command: check.command, date: check.date, input: seen.input.clone() };
    let (mut report, mut code) = conclude::conclude(&seen, frame);
    progress.end(Phase::Conclude);
    if let Some(reference) = reference {
        let [left, right] = [&reference, &seen].map(|it| compare::side_of(name_of(it), it));
        let comparison = compare::beside(&left, &right, progress);
        code = compare::add(&left, &right, comparison, &mut report, code);
    }
    Ok((report, code))
}

/// What a phone is called beside another.
fn name_of(seen: &Inspected) -> String {
    seen.input.first().map(|it| it.name.clone()).unwrap_or_default()
}

/// The gates of a phone, and what could not be looked into.
pub fn gates(
    check: &Check,
    store: &Store,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<Gates, InputError> {
    let inspect =
        Inspect { inputs: &check.inputs, flows: check.flows, fec: false, feeds: &check.feeds, contents: false };
    let (phone, _, _) = assemble(&inspect, store, cache, progress)?;
    Ok(crate::gates::gates_of(&phone, &Surface::of(&phone)))
}

/// The day of what is built in, and what feeds were used with it.
fn knowledge_of(feeds: &Feeds) -> String {
    let n_feeds = feeds.iter().count();
    let names: Vec<&str> = feeds.iter().take(FEEDS_NAMED).map(|it| it.name.as_str()).collect();
    let n_indicators: usize = feeds.iter().map(|it| it.indicators.len()).sum();
    let more = if FEEDS_NAMED < n_feeds { ", …" } else { "" };
    match n_feeds {
        0 => knowledge::VERSION.to_owned(),
        _ => {
            let names = names.join(", ");
            format!("{} + feeds: {n_feeds} with {n_indicators} indicators ({names}{more})", knowledge::VERSION)
        }
    }
}

/// A line of a report names so many feeds; each match names its own.
const FEEDS_NAMED: usize = 3;
