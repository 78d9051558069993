//! `postern check`: the verdict about a phone.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use model::Report;
use report::Style;

use super::{Common, cache, feeds};

/// Give an explained verdict about a phone
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern check rom.tgz                                 a firmware package
  postern check super.img boot.img vbmeta.img           images of one phone
  postern check dump/                                   an unpacked phone
  postern check app.apk                                 an app: the verdict is about it alone
  postern check rom.zip --html report.html --json -     a report to read, and one for programs on standard output
  postern check dump/ --iocs spyware.stix2              with a feed of indicators
  postern check gift.zip --against shop.zip             and what differs from the same model from a shop

What is given together belongs to one phone. The verdict is never \"clean\": it says what was found, how much was
inspected, and what was not.

Exit codes: 0 nothing found, 1 findings, or it differs from the reference in what matters, 2 could not run, 3 cannot say.")]
pub struct Check {
    /// Packages, images, apps or folders of one phone
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// Write the JSON report to a file, or to standard output with `-`
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    json: Option<PathBuf>,

    /// Write a report to read or print, one HTML file without scripts
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    html: Option<PathBuf>,

    /// Write a SARIF report for other tools
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    sarif: Option<PathBuf>,

    /// Write what is on the phone as a CycloneDX 1.6 bill of materials
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    sbom: Option<PathBuf>,

    /// Write what was found as a STIX 2.1 bundle
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    stix: Option<PathBuf>,

    /// The report's day [default: the day the phone's software was built]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day_of, help_heading = "Reports")]
    date: Option<String>,

    /// Indicators to look for: STIX 2, MISP or plain lists; files, or folders of them
    #[arg(long, value_name = "FILE|DIR", help_heading = "Feeds")]
    iocs: Vec<PathBuf>,

    /// YARA rules to try on every file; files, or folders of them (only in builds with the feature `yara`)
    #[arg(long, value_name = "FILE|DIR", help_heading = "Feeds")]
    yara: Vec<PathBuf>,

    /// Do not use the feeds that `postern knowledge update` installed
    #[arg(long, help_heading = "Feeds")]
    no_feeds: bool,

    /// Also say what it has and this phone has not, and the other way round: the same model from a shop, or an earlier state
    #[arg(long, value_name = "REF")]
    against: Option<PathBuf>,

    /// Do not follow values through the code of apps: faster, and blind to what code does
    #[arg(long)]
    no_flows: bool,

    /// Recompute the error correction of partitions, too, which no signature covers: slower than hashing them
    #[arg(long)]
    fec: bool,

    #[command(flatten)]
    cache: cache::Cache,
}

impl Check {
    /// Checks, and writes what was asked for; text to standard output, unless another report goes there.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let mut tell = |it: String| {
            if !common.quiet {
                super::complain(&it)
            }
        };
        let feeds = feeds::open(&self.iocs, !self.no_feeds, &mut tell).context("cannot open the feeds")?;
        let feeds = feeds::with_rules(feeds, &self.yara, &mut tell).context("cannot open the rules")?;
        let bars = common.progress();
        let check = scan::Check {
            inputs: self.inputs.clone(),
            against: self.against.clone(),
            command: self.command(),
            date: self.date.clone(),
            flows: !self.no_flows,
            fec: self.fec,
            feeds,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let cache = if self.no_flows { None } else { self.cache.open(common) };
        let result = scan::check(check, &common.store(), cache.as_ref(), &bars);
        bars.finish();
        cache::tell(cache.as_ref(), common);
        let (report, code) = result.context("cannot open the input")?;
        let reports = [
            ("json", &self.json),
            ("html", &self.html),
            ("sarif", &self.sarif),
            ("sbom", &self.sbom),
            ("stix", &self.stix),
        ];
        deliver(&report, &reports, common)?;
        Ok(ExitCode::from(code))
    }

    /// The command line without options that cannot change the result: with the names of the inputs, not with where
    /// they lay.
    fn command(&self) -> String {
        let mut words = vec!["postern".to_owned(), "check".to_owned()];
        for input in &self.inputs {
            words.push(name_of(input));
        }
        if let Some(against) = &self.against {
            words.push(format!("--against {}", name_of(against)));
        }
        for (option, feeds) in [("--iocs", &self.iocs), ("--yara", &self.yara)] {
            for feed in feeds {
                words.push(format!("{option} {}", name_of(feed)));
            }
        }
        if self.no_feeds {
            words.push("--no-feeds".to_owned());
        }
        if let Some(date) = &self.date {
            words.push(format!("--date {date}"));
        }
        if self.no_flows {
            words.push("--no-flows".to_owned());
        }
        if self.fec {
            words.push("--fec".to_owned());
        }
        words.join(" ")
    }
}

/// Writes the reports that are asked for, and for people what none of them took the output for.
pub fn deliver(report: &Report, reports: &[(&str, &Option<PathBuf>)], common: &Common) -> anyhow::Result<()> {
    for (id, target) in reports {
        if let Some(target) = target {
            write(report, id, target)?;
        }
    }
    let taken = reports.iter().any(|(_, target)| target.as_deref() == Some(Path::new("-")));
    if !taken {
        let mut out = BufWriter::new(io::stdout().lock());
        render(report, "terminal", &style(common), &mut out)?;
        out.flush()?;
    }
    Ok(())
}

/// What a path is called in a command line that does not tell where it lay.
pub fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |it| it.to_string_lossy().into_owned())
}

fn write(report: &Report, id: &str, target: &Path) -> anyhow::Result<()> {
    let style = Style { colour: false, width: 100, verbose: true };
    if target == Path::new("-") {
        let mut out = BufWriter::new(io::stdout().lock());
        render(report, id, &style, &mut out)?;
        return Ok(out.flush()?);
    }
    let file = File::create(target).with_context(|| target.display().to_string())?;
    let mut out = BufWriter::new(file);
    render(report, id, &style, &mut out).with_context(|| target.display().to_string())?;
    out.flush().with_context(|| target.display().to_string())
}

fn render(report: &Report, id: &str, style: &Style, out: &mut dyn Write) -> anyhow::Result<()> {
    let renderer = report::renderer(id).context("no such rendering")?;
    Ok((renderer.render)(report, style, out)?)
}

/// Colours on a terminal that wants them, the width of the terminal, plain text of 100 columns when piped.
pub fn style(common: &Common) -> Style {
    let terminal = io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let width = if terminal { terminal_width() } else { PIPED_WIDTH };
    Style { colour, width, verbose: 0 < common.verbose }
}

fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(PIPED_WIDTH, |(width, _)| usize::from(width.0)).clamp(40, 160)
}

const PIPED_WIDTH: usize = 100;

/// `2024-02-29`.
pub fn day_of(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |n: usize, len: usize| {
        let part = parts.get(n).filter(|it| it.len() == len && it.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<u32>().ok()
    };
    match (parts.len(), number(0, 4), number(1, 2), number(2, 2)) {
        (3, Some(_), Some(1..=12), Some(1..=31)) => Ok(text.to_owned()),
        _ => Err("expected a day as YYYY-MM-DD".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day() {
        assert!(day_of("2024-02-29").is_ok());
        assert!(day_of("2024-13-01").is_err());
        assert!(day_of("24-1-1").is_err());
        assert!(day_of("2024-01-01-").is_err());
    }
}
