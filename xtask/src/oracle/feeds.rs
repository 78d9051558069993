//! `cargo xtask oracle feeds DIR`: what is loaded of every feed below a folder, beside a count that knows nothing of how
//! feeds are read: it walks the JSON for indicators and attributes, and their texts for comparisons.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use knowledge::{Feed, FeedFormat};
use serde_json::Value;

/// Loads every feed, and compares.
pub fn run(folder: &str) -> Result<()> {
    let (mut n_files, mut n_indicators, mut n_unused, mut faults) = (0, 0, 0, 0);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let started = Instant::now();
    let mut spent = started.elapsed();
    for file in files_below(Path::new(folder))? {
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        let bytes = fs::read(&file).with_context(|| name.clone())?;
        let begun = Instant::now();
        let feed = Feed::read(&name, &bytes).map_err(anyhow::Error::msg).with_context(|| name.clone())?;
        spent += begun.elapsed();
        let value: Value = serde_json::from_slice(&bytes).with_context(|| name.clone())?;
        let stated = count_of(&value, feed.format);
        let compared = comparisons_of(&value);
        let terms: usize = feed.indicators.iter().map(|it| distinct_terms(&it.groups)).sum();
        println!("{name}: {} stated, {} used, {} not", stated, feed.indicators.len(), feed.unused.len());
        if stated != feed.n_stated() {
            println!("{name}: {} are lost", stated.abs_diff(feed.n_stated()));
            faults += 1;
        }
        if feed.format == FeedFormat::Stix && feed.unused.is_empty() && compared != terms {
            println!("{name}: {compared} comparisons are stated, {terms} are looked for");
            faults += 1;
        }
        for unused in &feed.unused {
            println!("{name}: {}: {}", unused.at, unused.why);
            *reasons.entry(unused.why.clone()).or_default() += 1;
        }
        n_files += 1;
        n_indicators += feed.indicators.len();
        n_unused += feed.unused.len();
    }
    for (why, n) in &reasons {
        println!("not used, {n} times: {why}");
    }
    println!("{n_files} feeds, {n_indicators} indicators used, {n_unused} not, in {} ms", spent.as_millis());
    match (faults, n_files) {
        (_, 0) => bail!("no feed lies below {folder}"),
        (0, _) => Ok(()),
        (n, _) => bail!("{n} counts differ"),
    }
}

/// How many indicators a bundle has, or attributes an event, wherever they stand.
fn count_of(value: &Value, format: FeedFormat) -> usize {
    let below = |values: &mut dyn Iterator<Item = &Value>| values.map(|it| count_of(it, format)).sum::<usize>();
    match value {
        Value::Array(values) => below(&mut values.iter()),
        Value::Object(object) => {
            let own = match format {
                FeedFormat::Stix => usize::from(object.get("type").is_some_and(|it| it == "indicator")),
                _ => object.get("Attribute").and_then(Value::as_array).map_or(0, Vec::len),
            };
            own + below(&mut object.values())
        }
        _ => 0,
    }
}

/// How many comparisons for equality stand in patterns: quotes that open behind an equals sign.
fn comparisons_of(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(comparisons_of).sum(),
        Value::Object(object) => {
            let own = object.get("pattern").and_then(Value::as_str).map_or(0, |pattern| {
                let bare: String = pattern.split_whitespace().collect();
                bare.matches("='").count()
            });
            own + object.values().map(comparisons_of).sum::<usize>()
        }
        _ => 0,
    }
}

fn distinct_terms(groups: &[Vec<knowledge::Term>]) -> usize {
    groups.iter().flatten().map(|it| (it.kind, &it.value)).collect::<BTreeSet<_>>().len()
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let ending = path.extension().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false if ["stix2", "stix", "json"].contains(&ending.as_str()) => files.push(path),
            false => {}
        }
    }
    files.sort();
    Ok(files)
}
