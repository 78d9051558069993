//! Findings, capabilities and ways that only one side has, and the difference that brings each.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::flow::{Flow, Reach};
use model::{Finding, Grade, Severity};

use crate::Which;
use crate::delta::{Bring, Delta, Kind, Topic};
use crate::files::{self, File};
use crate::native::way_of;
use crate::sides::{Pair, Seen};

/// Something that one side has, and where.
struct Only {
    path: String,
    bring: Bring,
    /// The text in which names of what differs are looked for.
    text: String,
    is_way: bool,
    title: String,
}

/// Attaches to each difference what it brings; what no difference explains becomes one of its own.
pub(crate) fn attach(pair: &Pair, files: &[File], deltas: &mut Vec<Delta>) {
    let dark = files::dark(pair, files);
    let mut only = Vec::new();
    for (mine, other) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        only.extend(findings(mine, other));
        only.extend(flows(mine, other));
    }
    // What lies in a file that the other side lacks or could not read is not known to be new.
    only.retain(|it| !dark.contains(it.path.split('!').next().unwrap_or_default()));
    let mut own: BTreeMap<(String, String, Which), Delta> = BTreeMap::new();
    for it in only {
        let best = deltas.iter_mut().filter_map(|delta| Some((fit(delta, &it)?, delta))).min_by_key(|found| found.0);
        match best {
            Some((_, delta)) => delta.brings.push(it.bring),
            None => {
                let key = (it.path.clone(), it.title.clone(), it.bring.which);
                let kind = if it.bring.which == Which::Right { Kind::Added } else { Kind::Removed };
                let delta = own.entry(key).or_insert_with(|| Delta::new(kind, Topic::Setting, it.title, &it.path));
                delta.brings.push(it.bring);
            }
        }
    }
    deltas.extend(own.into_values());
    for delta in deltas {
        delta
            .brings
            .sort_by(|a, b| (a.grade, a.severity, a.which, &a.words).cmp(&(b.grade, b.severity, b.which, &b.words)));
        delta.brings.dedup();
    }
}

/// How well a difference explains what one side has; less is better. None where it has nothing to do with it.
fn fit(delta: &Delta, only: &Only) -> Option<(bool, bool, bool, Topic)> {
    let inside = |outer: &str, inner: &str| {
        !outer.is_empty() && inner.strip_prefix(outer).is_some_and(|it| it.is_empty() || it.starts_with('!'))
    };
    let is_place = inside(&delta.device_path, &only.path)
        || inside(&only.path, &delta.device_path)
        || delta.kind == Kind::Moved && inside(&delta.left, &only.path);
    let is_named = delta.names.iter().any(|it| !it.is_empty() && only.text.contains(it.as_str()));
    let is_other_side = match delta.kind {
        Kind::Added => only.bring.which == Which::Left,
        Kind::Removed => only.bring.which == Which::Right,
        Kind::Changed | Kind::Moved => false,
    };
    if !(is_place || is_named && delta.names.iter().any(|it| it.starts_with('/') && *it == only.path)) || is_other_side
    {
        return None;
    }
    if delta.topic == Topic::Form && delta.kind == Kind::Changed {
        return None;
    }
    let is_code = delta.topic == Topic::Code;
    Some((only.is_way && !is_code, !is_named, only.is_way != is_code, delta.topic))
}

/// Findings of one side that the other has not, or has with less weight. A finding is known by its detector, its place and
/// what it is about; where an app lies elsewhere, by its package.
fn findings(mine: &Seen, other: &Seen) -> Vec<Only> {
    let place = |seen: &Seen, it: &Finding| -> String {
        let apps = &seen.phone().apps.all;
        let app = apps.iter().find(|app| !app.device_path.is_empty() && it.device_path == app.device_path);
        app.map_or_else(|| it.device_path.clone(), |app| app.app.package.clone())
    };
    let key = |seen: &Seen, it: &Finding| (it.detector, place(seen, it), it.subject.clone());
    let weight = |it: &Finding| (it.grade, it.severity());
    let mut known: BTreeMap<_, (Grade, Severity)> = BTreeMap::new();
    for it in other.side.findings {
        let entry = known.entry(key(other, it)).or_insert(weight(it));
        *entry = (*entry).min(weight(it));
    }
    let is_new = |it: &&Finding| known.get(&key(mine, it)).is_none_or(|known| weight(it) < *known);
    let new = mine.side.findings.iter().filter(is_new).map(|it| Only {
        path: it.device_path.clone(),
        bring: Bring {
            words: format!("{}: {}", label(it.grade, it.severity()), it.claim),
            grade: it.grade,
            severity: it.severity(),
            which: mine.which,
        },
        text: format!("{} {} {}", it.claim, it.subject, it.title),
        is_way: !it.flow.is_empty(),
        title: it.title.clone(),
    });
    new.collect()
}

fn label(grade: Grade, severity: Severity) -> String {
    let grade = match grade {
        Grade::Finding => "FINDING",
        Grade::Suspicion => "SUSPICION",
        Grade::Capability => "CAPABILITY",
        Grade::Privacy => "PRIVACY",
    };
    format!("{} {grade}", format!("{severity:?}").to_lowercase())
}

/// Ways through code that one side has and the other has not, and that no finding of this side tells.
fn flows(mine: &Seen, other: &Seen) -> Vec<Only> {
    let told: BTreeSet<(String, String)> = mine
        .side
        .findings
        .iter()
        .filter_map(|it| Some((it.device_path.clone(), it.flow.last()?.what.clone())))
        .collect();
    let mut only = Vec::new();
    let mut add = |path: &str, words: String, sink: &str, outside: bool, last: Option<&str>| {
        let is_told = last.is_some_and(|it| told.contains(&(path.to_owned(), it.to_owned())));
        if is_told {
            return;
        }
        let severity = match (detect::is_act(sink), outside) {
            (true, true) => Severity::Medium,
            (true, false) => Severity::Low,
            (false, _) => Severity::Info,
        };
        let grade = if detect::is_act(sink) { Grade::Capability } else { Grade::Privacy };
        only.push(Only {
            path: path.to_owned(),
            bring: Bring { words: format!("way: {words}"), grade, severity, which: mine.which },
            text: words,
            is_way: true,
            title: "a way through code".to_owned(),
        });
    };
    let facts = |seen: &Seen| -> (BTreeSet<FlowKey>, BTreeSet<ReachKey>, BTreeSet<(String, String)>) {
        let facts = &seen.phone().facts;
        let flows = facts.flows.iter().map(|it| flow_key(&it.value)).collect();
        let reaches = facts.reaches.iter().map(|it| reach_key(&it.value)).collect();
        let ways = facts.natives.iter().flat_map(|row| {
            let path = seen.path(row.at.artifact);
            row.value.ways.iter().map(move |it| (path.to_owned(), way_of(it)))
        });
        (flows, reaches, ways.collect())
    };
    let (flows, reaches, ways) = facts(other);
    let mut seen_keys = BTreeSet::new();
    for row in &mine.phone().facts.flows {
        let (flow, key) = (&row.value, flow_key(&row.value));
        if flows.contains(&key) || !seen_keys.insert(key) {
            continue;
        }
        let component = flow.component.as_deref().map(|it| format!(", by {it}")).unwrap_or_default();
        let words = format!(
            "in {}, {} reaches {}{component}{}",
            flow.package,
            detect::source_words(&flow.source),
            detect::sink_words(&flow.sink),
            last_of(&flow.way)
        );
        let last = flow.way.steps.last().map(|it| it.what.as_str());
        // What no finding is made of does not stand first either.
        let shown = !flow.bundled && !detect::is_faint(&flow.way, &flow.sink);
        add(mine.path(row.at.artifact), words, &flow.sink, shown, last);
    }
    let mut seen_keys = BTreeSet::new();
    for row in &mine.phone().facts.reaches {
        let (reach, key) = (&row.value, reach_key(&row.value));
        if reaches.contains(&key) || !seen_keys.insert(key) {
            continue;
        }
        let words = format!(
            "in {}, {} leads to {}{}",
            reach.package,
            reach.component,
            detect::sink_words(&reach.sink),
            last_of(&reach.way)
        );
        let last = reach.way.steps.last().map(|it| it.what.as_str());
        add(mine.path(row.at.artifact), words, &reach.sink, false, last);
    }
    for row in &mine.phone().facts.natives {
        let path = mine.path(row.at.artifact);
        for way in &row.value.ways {
            let words = way_of(way);
            if !ways.contains(&(path.to_owned(), words.clone())) {
                add(path, format!("it {words}"), &way.sink, way.traced, None);
            }
        }
    }
    only
}

fn last_of(way: &model::fact::flow::Way) -> String {
    way.steps.iter().rev().find(|it| !it.class.is_empty()).map(|it| format!(", in {}", it.class)).unwrap_or_default()
}

type FlowKey = (String, String, String, String, Option<String>, Option<String>, Option<String>);
type ReachKey = (String, String, String);

fn flow_key(it: &Flow) -> FlowKey {
    let (rule, source, sink) = (it.rule.clone(), it.source.clone(), it.sink.clone());
    (it.package.clone(), rule, source, sink, it.component.clone(), it.secret.clone(), it.into.clone())
}

fn reach_key(it: &Reach) -> ReachKey {
    (it.package.clone(), it.component.clone(), it.sink.clone())
}
