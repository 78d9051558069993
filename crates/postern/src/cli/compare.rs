//! `postern compare`: what one phone has and another has not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use super::check::{day_of, deliver, name_of};
use super::{Common, cache};

/// Say what one phone has and another has not, what matters most first
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern compare shop.zip gift.zip                     the phone from a shop, and the one that was given
  postern compare china/ global/ --html report.html     two builds side by side
  postern compare before/ after/ --json -               before and after, for programs
  postern compare a/ b/ c/                              who of them is the odd one out
  postern compare old.apk new.apk                       two versions of an app
  postern compare a/ b/ --no-flows                      faster: what code differs, and not what it brings

Each input is one phone, in any form: a package, an image, a dump, a folder with the images of one phone. Files are held
beside each other by their content; apps, code, programs and settings by what they mean. What one of the inputs lacks or
cannot be read is a gap, and never \"removed\".

Exit codes: 0 the same in what matters, 1 differs, 2 could not run, 3 too little could be compared.")]
pub struct Compare {
    /// Two or more phones; the others are compared with the first
    #[arg(required = true, num_args = 2.., value_names = ["A", "B"])]
    inputs: Vec<PathBuf>,

    /// Write the JSON report to a file, or to standard output with `-`
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    json: Option<PathBuf>,

    /// Write a report to read or print, side by side, one HTML file without scripts
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    html: Option<PathBuf>,

    #[arg(long, value_name = "FILE", hide = true)]
    sarif: Option<PathBuf>,

    #[arg(long, value_name = "FILE", hide = true)]
    stix: Option<PathBuf>,

    #[arg(long, value_name = "FILE", hide = true)]
    sbom: Option<PathBuf>,

    /// The report's day [default: the day the last phone's software was built]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day_of, help_heading = "Reports")]
    date: Option<String>,

    /// Do not follow values through the code of apps: faster, and blind to what changed code brings
    #[arg(long)]
    no_flows: bool,

    #[command(flatten)]
    cache: cache::Cache,
}

impl Compare {
    /// Compares, and writes what was asked for; text to standard output, unless another report goes there.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        for (form, asked) in [("--sarif", &self.sarif), ("--stix", &self.stix), ("--sbom", &self.sbom)] {
            if asked.is_some() {
                bail!(
                    "a comparison is written as text, --html and --json; {form} is of one phone: \
                     `postern check {form} FILE PHONE`, with --against the other"
                );
            }
        }
        let bars = common.progress();
        let compare = scan::Compare {
            inputs: self.inputs.clone(),
            command: self.command(),
            date: self.date.clone(),
            flows: !self.no_flows,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let cache = if self.no_flows { None } else { self.cache.open(common) };
        let result = scan::compare(compare, &common.store(), cache.as_ref(), &bars);
        bars.finish();
        cache::tell(cache.as_ref(), common);
        let (report, code) = result.context("cannot open the input")?;
        let reports = [("json", &self.json), ("html", &self.html)];
        deliver(&report, &reports, common)?;
        Ok(ExitCode::from(code))
    }

    /// The command line without options that cannot change the result, as that of a check.
    fn command(&self) -> String {
        let mut words = vec!["postern".to_owned(), "compare".to_owned()];
        for input in &self.inputs {
            words.push(name_of(input));
        }
        if let Some(date) = &self.date {
            words.push(format!("--date {date}"));
        }
        if self.no_flows {
            words.push("--no-flows".to_owned());
        }
        words.join(" ")
    }
}
