//! `postern explain`: what a class means, and one finding of a report in full.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use report::explain;

use super::{Common, check};

/// Explain a class of backdoor, or a finding of a report
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern explain                                     all classes
  postern explain trust-root                          what a class means, and what looks the same and is innocent
  postern explain 3f9a12c07b55 --report report.json   one finding in full")]
pub struct Explain {
    /// The id of a class, or of a finding
    what: Option<String>,

    /// The JSON report that the finding stands in (`postern check --json FILE`)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Explain {
    /// Writes the explanation to standard output.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let style = check::style(common);
        let mut out = BufWriter::new(io::stdout().lock());
        match (&self.what, &self.report) {
            (None, None) => explain::classes(&style, &mut out)?,
            (Some(id), None) => match explain::class_of(id) {
                Some(class) => explain::class(class, &style, &mut out)?,
                None => bail!(
                    "\"{id}\" is no class (`postern explain` lists them); for a finding give its report with --report"
                ),
            },
            (what, Some(path)) => {
                let mut file = File::open(path).with_context(|| path.display().to_string())?;
                let report = explain::read(&mut file).with_context(|| path.display().to_string())?;
                let Some(id) = what else { bail!("which finding? give its id") };
                let Some(row) = explain::row_of(&report, id) else {
                    bail!("{} has no finding {id}", path.display());
                };
                explain::finding(&report, row, &style, &mut out)?;
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
