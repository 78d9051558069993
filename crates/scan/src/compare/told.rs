//! From a comparison to the report.

use std::collections::{BTreeMap, BTreeSet};

use compare::{Comparison, Delta, Merged, Share, Side, Which, matters, merge};
use model::report::{
    CodeCount, Coverage, Difference, GapLine, LayerLine, LayerState, Provenance, Report, SCHEMA, SurfaceLine, Tool,
    VerdictLine,
};
use model::{Answer, Confidence, Subject};

use crate::conclude;
use crate::inspect::Inspected;

/// What the report needs beside the comparison.
pub struct Frame {
    /// Name and versions.
    pub tool: Tool,
    /// The command line.
    pub command: String,
    /// `YYYY-MM-DD`; where it is missing, the build date of the last phone is taken.
    pub date: Option<String>,
}

/// Writes the report together, with its exit code: 1 where it differs in what matters, 3 where too little could be
/// compared, else 0.
pub fn report(
    seen: &[Inspected],
    sides: &[Side],
    base: usize,
    comparisons: Vec<Comparison>,
    frame: Frame,
) -> (Report, u8) {
    let others: Vec<usize> = (0..sides.len()).filter(|it| *it != base).collect();
    let shares = shares_of(&comparisons);
    let gaps = gaps_of(sides, base, &comparisons);
    let dark = dark_of(sides, base, &others, &comparisons);
    let merged = merge(&others, comparisons.into_iter().map(|it| it.deltas).collect());
    let last = &seen[seen.len() - 1];
    let percent = percent_of_all(&shares);
    let is_comparable = seen.iter().all(|it| it.phone.is_phone() || !it.phone.apps.all.is_empty());
    let n_matter = merged.iter().filter(|it| matters(&it.delta)).count();
    let (answer, code) = match () {
        () if n_matter != 0 => (Answer::Differs, 1),
        () if percent < PERCENT_MIN || !is_comparable => (Answer::CannotSay, 3),
        () => (Answer::SameInWhatMatters, 0),
    };
    let confidence = match answer {
        Answer::Differs => Confidence::High,
        _ if PERCENT_SURE <= percent => Confidence::Medium,
        _ => Confidence::Low,
    };
    let mut summary = summary_of(seen, sides, &merged, &shares, &gaps);
    if 2 < sides.len() {
        let is_known =
            |side: usize, delta: &Delta| !dark[side].contains(delta.device_path.split('!').next().unwrap_or_default());
        let alone = compare::alone(sides.len(), base, &merged, is_known);
        summary.push(odd_of(sides, &alone));
    }
    let report = Report {
        schema: SCHEMA,
        tool: frame.tool,
        date: frame.date.or_else(|| conclude::build_date_of(&last.phone)),
        command: frame.command,
        input: seen.iter().flat_map(|it| it.input.clone()).collect(),
        device: conclude::device_of(&last.phone),
        verdict: VerdictLine { answer, confidence, percent, subject: Subject::Comparison, summary },
        findings: Vec::new(),
        capabilities: Vec::new(),
        privacy: Vec::new(),
        controllers: Vec::new(),
        coverage: Coverage {
            layers: shares.iter().map(layer_of).collect(),
            code: CodeCount::default(),
            signed: Vec::new(),
        },
        gaps,
        differences: differences_of(sides, base, &merged),
        next: next_of(answer, sides, base),
        apps: Vec::new(),
        daemons: Vec::new(),
        surface: SurfaceLine::default(),
        provenance: Provenance::default(),
    };
    (report, code)
}

/// Adds to the report of a check what differs from a reference. The exit code: 1 where either says so, then 3, then 0.
pub fn add(left: &Side, right: &Side, comparison: Comparison, report: &mut Report, code: u8) -> u8 {
    let sides = [left, right];
    report.gaps.extend(comparison.gaps.iter().map(|it| gap_of(sides[usize::from(it.which == Which::Right)], it)));
    report.gaps.sort_unstable();
    let n_matter = comparison.deltas.iter().filter(|it| matters(it)).count();
    report.verdict.summary.push(format!(
        "Beside the reference {}, {} and {} of names, data or form; {}.",
        left.name,
        many(n_matter, "difference matters", "differences matter"),
        many(comparison.deltas.len() - n_matter, "is", "are"),
        shared(&comparison.shares)
    ));
    let told = comparison.deltas.iter().take(DIFFERENCES_MAX).zip(1..).map(|(it, rank)| it.told(rank));
    report.differences = told.collect();
    let percent = percent_of_all(&comparison.shares);
    match code {
        _ if n_matter != 0 => 1,
        0 if percent < PERCENT_MIN => 3,
        code => code,
    }
}

fn differences_of(sides: &[Side], base: usize, merged: &[Merged]) -> Vec<Difference> {
    let told = |(merged, rank): (&Merged, u32)| {
        let mut told = merged.delta.told(rank);
        if 2 < sides.len() {
            told.left = said_by(&[&sides[base].name], &merged.delta.left);
            let right: Vec<String> = merged
                .rights
                .iter()
                .map(|(sides_of, text)| {
                    let names: Vec<&String> = sides_of.iter().map(|it| &sides[*it].name).collect();
                    said_by(&names, text)
                })
                .collect();
            told.right = right.join(" | ");
        }
        told
    };
    merged.iter().take(DIFFERENCES_MAX).zip(1..).map(told).collect()
}

fn said_by(names: &[&String], text: &str) -> String {
    let names: Vec<&str> = names.iter().map(|it| it.as_str()).collect();
    format!("{}: {}", names.join(", "), if text.is_empty() { "–" } else { text })
}

/// The shares of all comparisons together.
fn shares_of(comparisons: &[Comparison]) -> Vec<Share> {
    let mut all: Vec<Share> = Vec::new();
    for share in comparisons.iter().flat_map(|it| &it.shares) {
        match all.iter_mut().find(|it| it.unit == share.unit) {
            Some(known) => {
                known.compared += share.compared;
                known.all += share.all;
                known.same += share.same;
            }
            None => all.push(share.clone()),
        }
    }
    all
}

/// The lowest share of what can be looked into; opaque images are held beside each other, and that is all.
fn percent_of_all(shares: &[Share]) -> u8 {
    shares.iter().filter(|it| it.unit != "opaque images").filter_map(percent_of).min().unwrap_or(0)
}

fn percent_of(share: &Share) -> Option<u8> {
    let percent = u128::from(share.compared.min(share.all)) * 100;
    percent.checked_div(u128::from(share.all)).map(|it| it as u8)
}

fn layer_of(share: &Share) -> LayerLine {
    let state = match share {
        Share { all: 0, .. } => LayerState::Absent,
        Share { compared: 0, .. } => LayerState::Opaque,
        _ if share.compared == share.all => LayerState::Read,
        _ => LayerState::Partial,
    };
    LayerLine {
        layer: share.layer.0.to_owned(),
        state,
        unit: share.layer.1.to_owned(),
        read: share.compared,
        total: share.all,
        why: if share.all == 0 { String::new() } else { format!("{} are the same", share.same) },
    }
}

fn gaps_of(sides: &[Side], base: usize, comparisons: &[Comparison]) -> Vec<GapLine> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let others = (0..sides.len()).filter(|it| *it != base);
    for (other, comparison) in others.zip(comparisons) {
        for unread in &comparison.gaps {
            let side = if unread.which == Which::Left { &sides[base] } else { &sides[other] };
            let line = gap_of(side, unread);
            let count = counts.entry((line.path, line.why)).or_default();
            *count = (*count).max(line.count);
        }
    }
    counts.into_iter().map(|((path, why), count)| GapLine { path, why, count }).collect()
}

fn gap_of(side: &Side, unread: &compare::Unread) -> GapLine {
    let path = side.phone.tree.path(unread.artifact);
    let path = match path.split_once('!') {
        Some((_, inside)) => format!("{}!{inside}", side.name),
        None => side.name.clone(),
    };
    GapLine { path, why: unread.why.clone(), count: unread.count }
}

fn summary_of(
    seen: &[Inspected],
    sides: &[Side],
    merged: &[Merged],
    shares: &[Share],
    gaps: &[GapLine],
) -> Vec<String> {
    let name = |n: usize| {
        let device = conclude::device_of(&seen[n].phone);
        let known = [&device.brand, &device.model, &device.fingerprint].iter().filter(|it| !it.is_empty()).count();
        let words = match known {
            0 => "says nothing of what it is".to_owned(),
            _ => {
                let build = if device.fingerprint.is_empty() { &device.android } else { &device.fingerprint };
                format!("is {} {} ({build})", device.brand, device.model)
            }
        };
        format!("{} {words}.", sides[n].name)
    };
    let mut summary: Vec<String> = (0..sides.len()).map(name).collect();
    let n_matter = merged.iter().filter(|it| matters(&it.delta)).count();
    let n_bring = merged.iter().filter(|it| !it.delta.brings.is_empty()).count();
    summary.push(match (n_matter, merged.len()) {
        (_, 0) => "Nothing differs in what could be compared.".to_owned(),
        (0, n) => format!("Nothing differs in what matters; {n} differences are of names, data or form."),
        (n, all) => {
            let (are, bring) =
                (if n == 1 { "difference matters" } else { "differences matter" }, many(n_bring, "brings", "bring"));
            let rest = many(all - n, "is", "are");
            format!("{n} {are}, and {bring} something that the other side has not; {rest} of names, data or form.")
        }
    });
    if let Some(first) = merged.first().filter(|it| matters(&it.delta)) {
        summary.push(format!("What matters most: {}.", first_of(&first.delta)));
    }
    summary.push(format!("{}.", capital(&shared(shares))));
    let places: u64 = gaps.iter().map(|it| it.count).sum();
    if places != 0 {
        summary.push(format!("{places} places could not be compared: they may hold anything."));
    }
    summary
}

/// Who of several is not like the others, and how often each is.
fn odd_of(sides: &[Side], alone: &[u64]) -> String {
    let said = |n: &u64| match n {
        0 => "nothing".to_owned(),
        n => many(*n as usize, "thing", "things"),
    };
    let others = |odd: Option<usize>| -> String {
        let all = (0..sides.len()).filter(|it| Some(*it) != odd);
        all.map(|it| format!("{} in {}", sides[it].name, said(&alone[it]))).collect::<Vec<_>>().join(", ")
    };
    match compare::odd_one_out(alone) {
        Some(odd) => format!(
            "The odd one out is {}: it alone differs in {} that {}; {}.",
            sides[odd].name,
            said(&alone[odd]),
            if alone[odd] == 1 { "matters" } else { "matter" },
            others(Some(odd))
        ),
        None => format!("None of them alone stands out: of what matters, {}.", others(None)),
    }
}

/// For each side the places of which it is not known how they are beside the base.
fn dark_of(sides: &[Side], base: usize, others: &[usize], comparisons: &[Comparison]) -> Vec<BTreeSet<String>> {
    let mut dark = vec![BTreeSet::new(); sides.len()];
    for (other, comparison) in others.iter().zip(comparisons) {
        for unread in &comparison.gaps {
            let side = if unread.which == Which::Left { &sides[base] } else { &sides[*other] };
            let path = side.phone.device_path(unread.artifact);
            dark[*other].insert(path.split('!').next().unwrap_or_default().to_owned());
        }
    }
    dark
}

fn first_of(delta: &Delta) -> String {
    let place = if delta.device_path.is_empty() { String::new() } else { format!(" at {}", delta.device_path) };
    let brings = delta.brings.first().map(|it| format!(", which brings {}", it.words.trim_end_matches('.')));
    format!("{} {}{place}{}", delta.what, delta.kind.word(), brings.unwrap_or_default())
}

/// How much of both sides could be compared.
fn shared(shares: &[Share]) -> String {
    let said = |it: &Share| format!("{} of {} {}", it.compared, it.all, it.unit);
    let all: Vec<String> = shares.iter().filter(|it| it.all != 0).map(said).collect();
    match all.is_empty() {
        true => "nothing of them could be compared".to_owned(),
        false => format!("of both sides, {} could be compared", all.join(", ")),
    }
}

fn many(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|it| it.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn next_of(answer: Answer, sides: &[Side], base: usize) -> Vec<String> {
    let names: Vec<&str> = (0..sides.len()).filter(|it| *it != base).map(|it| sides[it].name.as_str()).collect();
    match answer {
        Answer::Differs => vec![format!(
            "look at the first differences one by one; `postern check` on {} shows the evidence of what they bring",
            names.join(" and on ")
        )],
        Answer::CannotSay => vec!["give both phones in the same form and as whole as can be: see the gaps".to_owned()],
        _ => Vec::new(),
    }
}

/// Below this share nothing is said, as in a check.
const PERCENT_MIN: u8 = 50;
/// From this share on "the same" is of medium confidence; it is never of high.
const PERCENT_SURE: u8 = 90;
/// What a report holds; two phones of different makers differ in every file.
const DIFFERENCES_MAX: usize = 20_000;
