//! `cargo xtask droidbench DIR`: the shipped program on each app of DroidBench alone, scored against the suite's own word.
//!
//! An app counts as reported when at least one flow is. A missing result is a wrong one. Apps that work together and disputed
//! rows are left out; `data/droidbench.csv` says where its facts are from.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::bench;

/// What is asked for.
pub struct Options {
    folder: PathBuf,
    out: Option<PathBuf>,
    /// A program that was built already.
    postern: Option<PathBuf>,
}

impl Options {
    /// Reads `DIR [--out FILE] [--postern FILE]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [folder, rest @ ..] = words else { bail!("droidbench wants a folder") };
        let mut options = Options { folder: PathBuf::from(folder), out: None, postern: None };
        for pair in rest.chunks(2) {
            let [name, value] = pair else { bail!("{} wants a value", pair[0]) };
            match *name {
                "--out" => options.out = Some(PathBuf::from(value)),
                "--postern" => options.postern = Some(PathBuf::from(value)),
                _ => bail!("droidbench knows no option {name}"),
            }
        }
        Ok(options)
    }
}

/// Analyses every app, prints the table, and fails where a bar is missed.
pub fn run(options: &Options) -> Result<()> {
    let postern = match &options.postern {
        Some(postern) => postern.clone(),
        None => bench::built()?,
    };
    let mut score = Score::default();
    for row in rows()?.iter().filter(|it| it.counts()) {
        let answer = ask(&postern, &options.folder.join("apk").join(&row.apk), &row.sha256);
        score.add(row, answer);
    }
    let text = score.text();
    print!("{text}");
    if let Some(out) = &options.out {
        fs::write(out, text).with_context(|| out.display().to_string())?;
    }
    score.bars()
}

/// Whether an app is reported.
fn ask(postern: &Path, apk: &Path, sha256: &str) -> Result<bool> {
    let bytes = fs::read(apk).with_context(|| apk.display().to_string())?;
    let is: String = Sha256::digest(&bytes).iter().map(|it| format!("{it:02x}")).collect();
    ensure!(is == sha256, "another file than the one that the suite speaks of");
    let mut command = Command::new(postern);
    let output = command.args(["flows", "-q", "--json", "--no-cache"]).arg(apk).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    is_reported(std::str::from_utf8(&output.stdout)?)
}

/// Whether the answer of `flows --json`, an object for each app, names a flow.
fn is_reported(answer: &str) -> Result<bool> {
    let mut reported = None;
    for line in answer.lines() {
        let app: serde_json::Value = serde_json::from_str(line)?;
        if let Some(error) = app["error"].as_str() {
            bail!("{error}");
        }
        let n_flows = app["flows"].as_array().context("no list of flows")?.len();
        reported = Some(reported.unwrap_or_default() || n_flows != 0);
    }
    reported.context("no app")
}

/// What the suite says of an app.
struct Row {
    apk: String,
    category: String,
    leaky: bool,
    disputed: bool,
    sha256: String,
}

impl Row {
    fn counts(&self) -> bool {
        !self.disputed && self.category != "InterAppCommunication"
    }
}

fn rows() -> Result<Vec<Row>> {
    let mut lines = TRUTH.lines().filter(|it| !it.starts_with('#'));
    ensure!(lines.next() == Some("apk,category,expected_leaks,leaky,disputed,sha256"), "other columns");
    lines.map(|it| row_of(it).with_context(|| it.to_owned())).collect()
}

fn row_of(line: &str) -> Result<Row> {
    let cells: Vec<&str> = line.split(',').collect();
    let [apk, category, expected_leaks, leaky, disputed, sha256] = cells[..] else { bail!("not six cells") };
    let is_set = |text: &str| match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => bail!("neither 0 nor 1: {text}"),
    };
    let (leaky, disputed) = (is_set(leaky)?, is_set(disputed)?);
    ensure!(leaky == (0 < expected_leaks.parse::<u32>()?), "leaky is not what expected_leaks says");
    Ok(Row { apk: apk.to_owned(), category: category.to_owned(), leaky, disputed, sha256: sha256.to_owned() })
}

#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Cells {
    found: u32,
    missed: u32,
    false_alarms: u32,
    quiet: u32,
}

impl Cells {
    /// Of what is reported, the share that leaks; none where nothing is.
    fn precision(&self) -> Option<f64> {
        share(self.found, self.false_alarms)
    }

    /// Of what leaks, the share that is reported.
    fn recall(&self) -> Option<f64> {
        share(self.found, self.missed)
    }
}

fn share(part: u32, rest: u32) -> Option<f64> {
    (part + rest != 0).then(|| f64::from(part) / f64::from(part + rest))
}

#[derive(Default)]
struct Score {
    categories: BTreeMap<String, Cells>,
    all: Cells,
    missed: Vec<String>,
    false_alarms: Vec<String>,
    absent: Vec<String>,
}

impl Score {
    fn add(&mut self, row: &Row, answer: Result<bool>) {
        // Without an answer it is as if the wrong one was given.
        let reported = match &answer {
            Ok(reported) => *reported,
            Err(_) => !row.leaky,
        };
        for cells in [&mut self.all, self.categories.entry(row.category.clone()).or_default()] {
            match (row.leaky, reported) {
                (true, true) => cells.found += 1,
                (true, false) => cells.missed += 1,
                (false, true) => cells.false_alarms += 1,
                (false, false) => cells.quiet += 1,
            }
        }
        match (answer, row.leaky, reported) {
            (Err(why), ..) => self.absent.push(format!("{} ({why:#})", row.apk)),
            (_, true, false) => self.missed.push(row.apk.clone()),
            (_, false, true) => self.false_alarms.push(row.apk.clone()),
            _ => {}
        }
    }

    fn text(&self) -> String {
        let mut text = "| category | leaks found | missed | false alarms | rightly quiet | precision | recall |\n\
                        | --- | --: | --: | --: | --: | --: | --: |\n"
            .to_owned();
        let number = |it: Option<f64>| it.map_or("–".to_owned(), |it| format!("{it:.3}"));
        let all = ("all".to_owned(), self.all);
        for (category, cells) in self.categories.clone().into_iter().chain([all]) {
            let Cells { found, missed, false_alarms, quiet } = cells;
            let (precision, recall) = (number(cells.precision()), number(cells.recall()));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {category} | {found} | {missed} | {false_alarms} | {quiet} | {precision} | {recall} |"
            );
        }
        for (what, apps) in
            [("missed", &self.missed), ("false alarms", &self.false_alarms), ("no result", &self.absent)]
        {
            let apps = if apps.is_empty() { "none".to_owned() } else { apps.join(", ") };
            let _ = writeln!(text, "\n{what}: {apps}");
        }
        text
    }

    fn bars(&self) -> Result<()> {
        let reaches = |it: Option<f64>| it.is_some_and(|it| BAR <= it);
        ensure!(self.absent.is_empty(), "{} apps without a result", self.absent.len());
        ensure!(reaches(self.all.precision()) && reaches(self.all.recall()), "precision or recall is below {BAR}");
        Ok(())
    }
}

/// What precision and recall must reach.
const BAR: f64 = 0.95;

const TRUTH: &str = include_str!("../data/droidbench.csv");

#[cfg(test)]
mod tests {
    use super::*;

    fn row(leaky: bool) -> Row {
        row_of(&format!("A/B.apk,A,{0},{0},0,00", u8::from(leaky))).unwrap()
    }

    #[test]
    fn the_truth_names_each_app_once_with_its_hash() {
        let rows = rows().unwrap();
        let apps: std::collections::BTreeSet<&str> = rows.iter().map(|it| it.apk.as_str()).collect();
        assert_eq!((rows.len(), apps.len()), (121, 121));
        assert_eq!(rows.iter().filter(|it| it.counts()).count(), 117);
        assert!(rows.iter().all(|it| it.sha256.len() == 64 && it.apk.starts_with(&it.category)));
    }

    #[test]
    fn a_score_is_of_right_and_wrong_answers() {
        let mut score = Score::default();
        for (leaky, reported) in [(true, true), (true, true), (true, false), (false, true), (false, false)] {
            score.add(&row(leaky), Ok(reported));
        }
        assert_eq!(score.all, Cells { found: 2, missed: 1, false_alarms: 1, quiet: 1 });
        assert_eq!(score.categories["A"], score.all);
        let text = score.text();
        assert!(text.contains("| A | 2 | 1 | 1 | 1 | 0.667 | 0.667 |"), "{text}");
        assert!(text.contains("\nmissed: A/B.apk\n") && text.contains("\nno result: none\n"), "{text}");
        assert!(score.bars().is_err());
    }

    #[test]
    fn no_answer_is_a_wrong_one() {
        let mut score = Score::default();
        for leaky in [true, false] {
            score.add(&row(leaky), Err(anyhow::anyhow!("it broke down")));
        }
        assert_eq!(score.all, Cells { missed: 1, false_alarms: 1, ..Cells::default() });
        assert!(score.text().contains("no result: A/B.apk (it broke down), A/B.apk"));
    }

    #[test]
    fn the_bars_hold_only_with_all_results() {
        let mut score = Score::default();
        for n in 0..40 {
            score.add(&row(true), Ok(n != 0));
        }
        assert!(score.bars().is_ok());
        score.add(&row(true), Err(anyhow::anyhow!("it broke down")));
        assert!(score.bars().is_err());
        assert!(Score::default().bars().is_err(), "nothing scored is nothing reached");
    }

    #[test]
    fn an_app_is_reported_by_one_flow() {
        assert!(is_reported("{\"flows\":[]}\n{\"flows\":[{}]}\n").unwrap());
        assert!(!is_reported("{\"flows\":[]}").unwrap());
        assert!(is_reported("").is_err());
        assert!(is_reported("{\"error\":\"no app with code\",\"flows\":[]}").is_err());
    }
}
