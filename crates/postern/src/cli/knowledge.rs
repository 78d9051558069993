//! `postern knowledge`: what the program knows of the world, and whether that holds together.

mod page;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use knowledge::{AppCve, Case, IndicatorKind, Knowledge, Predicate};
use report::escape::visible;
use serde_json::{Value, json};

use super::{Common, feeds};

/// Show what the program knows: documented cases, their indicators, their sources
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern knowledge list                        all cases, one to a line
  postern knowledge list --class root-daemon    those of one class
  postern knowledge show adups-fota-2016        one case in full
  postern knowledge show CVE-2018-14996         a record about a pre-installed app
  postern knowledge test                        whether every case holds to the rules
  postern knowledge test new-case.toml          whether a file of your own does
  postern knowledge test cases/                 whether those of a folder do
  postern knowledge update feeds/               use these feeds of indicators from now on
  postern knowledge stats --json                how much there is, for programs")]
pub struct KnowledgeCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the documented cases
    List {
        /// Only those of this class (`postern explain` lists classes)
        #[arg(long, value_name = "ID")]
        class: Option<String>,
        /// One JSON object with `cases`
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// The page of the documentation
        #[arg(long)]
        markdown: bool,
    },
    /// Show a case, or a CVE record, in full
    Show {
        /// Its id
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Check that cases hold to the rules and that what they look for is found; the bundled ones also on inert phones,
    /// made for each case to confirm it and to acquit a twin
    Test {
        /// Case files, or folders with such (`*.toml`)
        files: Vec<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Install feeds of indicators for `postern check`; what is built in stays as it is
    Update {
        /// A folder of feeds, or one: STIX 2, MISP, plain lists
        from: PathBuf,
    },
    /// Count what there is
    Stats {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl KnowledgeCommand {
    /// Writes to standard output.
    pub fn run(&self, _: &Common) -> anyhow::Result<ExitCode> {
        let mut out = BufWriter::new(io::stdout().lock());
        let knowledge = Knowledge::bundled();
        let code = match &self.what {
            What::List { markdown: true, .. } => {
                out.write_all(page::render(knowledge).as_bytes())?;
                ExitCode::SUCCESS
            }
            What::List { class, json, .. } => list(knowledge, class.as_deref(), *json, &mut out)?,
            What::Show { id, json } => show(knowledge, id, *json, &mut out)?,
            What::Test { files, json } => test(knowledge, files, *json, &mut out)?,
            What::Update { from } => {
                let mut tell = |it: String| super::complain(&it);
                for name in feeds::install(from, &mut tell)? {
                    writeln!(out, "installed {}", visible(&name))?;
                }
                ExitCode::SUCCESS
            }
            What::Stats { json } => stats(knowledge, *json, &mut out)?,
        };
        out.flush()?;
        Ok(code)
    }
}

fn list(knowledge: &Knowledge, class: Option<&str>, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(class) = class.filter(|it| report::explain::class_of(it).is_none()) {
        bail!("\"{class}\" is no class (`postern explain` lists them)");
    }
    let cases = knowledge.cases.iter().filter(|it| class.is_none_or(|class| class == it.class.id()));
    if json {
        let cases: Vec<Value> = cases.map(summary_of).collect();
        writeln!(out, "{}", json!({ "version": knowledge::VERSION, "cases": cases }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for case in cases {
        writeln!(out, "{:28} {:20} {} {}", case.id, case.class.id(), case.years[0], visible(&case.title))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn summary_of(case: &Case) -> Value {
    json!({
        "id": case.id,
        "title": case.title,
        "class": case.class,
        "grade": case.grade,
        "years": case.years,
        "vendor": case.vendor,
        "devices": case.devices,
        "certainty": case.certainty,
        "decidable": case.is_decidable(),
        "indicators": case.indicators.len(),
        "sources": case.sources.len(),
        "cves": case.cves,
    })
}

fn show(knowledge: &Knowledge, id: &str, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match (knowledge.cases.get(id), knowledge.preinstalled_cves.get(id)) {
        (Some(case), _) if json => writeln!(out, "{}", serde_json::to_string(case)?)?,
        (Some(case), _) => show_case(case, out)?,
        (None, Some(record)) if json => writeln!(out, "{}", serde_json::to_string(record)?)?,
        (None, Some(record)) => show_record(record, out)?,
        (None, None) => bail!("there is no case and no record \"{id}\" (`postern knowledge list` lists the cases)"),
    }
    Ok(ExitCode::SUCCESS)
}

fn show_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let years: Vec<String> = case.years.iter().map(u16::to_string).collect();
    writeln!(out, "{}\n", case.title)?;
    writeln!(out, "id         {}", case.id)?;
    writeln!(out, "class      {} ({})", case.class.id(), case.class.title())?;
    writeln!(out, "vendor     {}", case.vendor)?;
    writeln!(out, "devices    {}", case.devices)?;
    writeln!(out, "years      {}", years.join(", "))?;
    writeln!(out, "certainty  {}", case.certainty.word())?;
    if !case.cves.is_empty() {
        writeln!(out, "CVE        {}", case.cves.join(", "))?;
    }
    writeln!(out, "\n{}\n", case.mechanism)?;
    if !case.undecided.is_empty() {
        writeln!(out, "A phone alone does not decide it: {}.\n", case.undecided)?;
    }
    conditions("Confirmed where all of this holds:", &case.confirms, out)?;
    conditions("Acquitted where any of this holds:", &case.acquits, out)?;
    if !case.indicators.is_empty() {
        writeln!(out, "Indicators:")?;
    }
    for indicator in &case.indicators {
        let weak =
            if indicator.weak.is_empty() { String::new() } else { format!("  (no sign alone: {})", indicator.weak) };
        writeln!(out, "  {:12} {}{weak}", indicator.kind.word(), visible(&indicator.value))?;
    }
    writeln!(out, "\nSources:")?;
    for source in &case.sources {
        writeln!(out, "  {}: {}", source.title, source.url)?;
    }
    Ok(())
}

fn conditions(title: &str, predicates: &[Predicate], out: &mut dyn Write) -> io::Result<()> {
    if predicates.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}")?;
    for predicate in predicates {
        writeln!(out, "  - {}", predicate.words())?;
    }
    writeln!(out)
}

fn show_record(record: &AppCve, out: &mut dyn Write) -> io::Result<()> {
    let codes: Vec<String> = record.version_codes.iter().map(i64::to_string).collect();
    writeln!(
        out,
        "{}: {} gives {} to {}",
        record.cve,
        record.packages.join(", "),
        record.exposes.words(),
        record.to.words()
    )?;
    for (title, values) in [
        ("component", &record.components),
        ("version code", &codes),
        ("build", &record.builds),
        ("source", &vec![record.source.clone()]),
    ] {
        for value in values {
            writeln!(out, "  {title}: {}", visible(value))?;
        }
    }
    Ok(())
}

/// What is given, and the case files of what is a folder, by name.
fn case_files(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
        let mut inside: Vec<PathBuf> = entries.map(|it| it.map(|it| it.path())).collect::<io::Result<_>>()?;
        inside.retain(|it| it.extension().is_some_and(|it| it == "toml"));
        if inside.is_empty() {
            bail!("{} holds no case file (*.toml)", path.display());
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

/// Exit code 1 where something breaks a rule.
fn test(knowledge: &Knowledge, files: &[PathBuf], json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut faults: Vec<(String, String)> = Vec::new();
    let mut cases: Vec<(String, Case)> = Vec::new();
    for file in case_files(files)? {
        let text = std::fs::read_to_string(&file).map_err(|fault| format!("cannot be read: {fault}"));
        match text.and_then(|it| Case::decode(&it)) {
            Ok(case) => cases.push((file.display().to_string(), case)),
            Err(fault) => faults.push((file.display().to_string(), fault)),
        }
    }
    if files.is_empty() {
        cases.extend(knowledge.cases.iter().map(|it| (it.id.clone(), it.clone())));
    }
    let (mut n_tried, mut n_phones, n_cases) = (0, 0, cases.len() + faults.len());
    for (at, case) in &cases {
        let trials = knowledge::matcher::trials_of(case);
        n_tried += trials.len();
        faults.extend(trials.into_iter().filter_map(|it| Some((at.clone(), it.fault?))));
    }
    if files.is_empty() {
        for (case, trials) in trial::bundled() {
            n_phones += trials.phones.len();
            let found = trials.run(case)?;
            faults.extend(found.into_iter().map(|it| (case.id.clone(), format!("{}: {}", it.about, it.what))));
        }
    }
    if json {
        let faults: Vec<Value> = faults.iter().map(|(at, what)| json!({ "at": at, "what": what })).collect();
        writeln!(out, "{}", json!({ "cases": n_cases, "trials": n_tried, "phones": n_phones, "faults": faults }))?;
    } else {
        for (at, what) in &faults {
            writeln!(out, "{}: {}", visible(at), visible(what.trim_end()))?;
        }
        let n_faults = faults.len();
        writeln!(out, "{n_cases} cases, {n_tried} indicators tried, {n_phones} phones made, {n_faults} faults")?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn stats(knowledge: &Knowledge, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let cases: Vec<&Case> = knowledge.cases.iter().collect();
    let count = |word: &dyn Fn(&Case) -> &'static str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        cases.iter().for_each(|it| *counts.entry(word(it)).or_default() += 1);
        counts
    };
    let indicators: BTreeMap<&str, usize> = IndicatorKind::ALL
        .iter()
        .map(|kind| (kind.word(), cases.iter().flat_map(|it| &it.indicators).filter(|it| it.kind == *kind).count()))
        .collect();
    let groups = [
        ("class", count(&|it| it.class.id())),
        ("certainty", count(&|it| it.certainty.word())),
        ("decided", count(&|it| if it.is_decidable() { "by the phone" } else { "not by the phone" })),
        ("indicator", indicators),
    ];
    let sources: usize = cases.iter().map(|it| it.sources.len()).sum();
    let records = knowledge.preinstalled_cves.len();
    if json {
        let groups: BTreeMap<&str, _> = groups.into_iter().collect();
        let all = json!({
            "version": knowledge::VERSION,
            "cases": cases.len(),
            "sources": sources,
            "cve_records": records,
            "by": groups,
        });
        writeln!(out, "{all}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "knowledge of {}", knowledge::VERSION)?;
    writeln!(out, "{} cases from {sources} sources, {records} CVE records", cases.len())?;
    for (title, counts) in groups {
        writeln!(out, "\nby {title}")?;
        for (word, count) in counts.iter().filter(|it| *it.1 != 0) {
            writeln!(out, "  {word:20} {count:5}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
