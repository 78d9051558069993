//! `postern policy`: what the SELinux policy of a phone lets whom do.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Common;

/// Ask the SELinux policy of a phone who can do what to what
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern policy dump/                                                what matters: see below
  postern policy dump/ --who-can chr_file:write --on /dev/kgsl-3d0    which domains can write to a node, by which rule
  postern policy dump/ --who-can property_service:set --on ctl.start  who may set a property
  postern policy dump/ --who-can service_manager:find --on phone      who may ask for a service
  postern policy dump/ --who-can process:transition --on su           who gets into a domain
  postern policy rom.tgz --domain untrusted_app --json                all that a domain may do

The policy is the one that the phone loads: compiled, or linked from its files in CIL where there is none, or where it was
compiled from other files. Without a question it tells permissive and unconfined domains, where apps and the shell get by
starting programs, what they may do that Android's own policy of this version does not let them, and what is forbidden by it.
A policy alone opens nothing: file modes and the code behind a door are asked, too. It lists and does not judge.")]
pub struct Policy {
    /// Packages, images or folders of one phone
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// Which domains have this permission; with --on
    #[arg(long, value_name = "CLASS:PERMISSION", value_parser = permission_of, requires = "on")]
    who_can: Option<(String, String)>,

    /// On a type, a path, a property or a service
    #[arg(long, value_name = "WHAT", requires = "who_can")]
    on: Option<String>,

    /// All that a domain may do
    #[arg(long)]
    domain: Option<String>,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Policy {
    /// Asks.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let question =
            scan::Question { who_can: self.who_can.clone(), on: self.on.clone(), domain: self.domain.clone() };
        let bars = common.progress();
        let answer = scan::policy(&self.inputs, &question, &common.store(), &bars);
        bars.finish();
        let answer = answer?;
        let mut out = BufWriter::new(io::stdout().lock());
        match self.json {
            true => report::policy::json(&answer, &mut out)?,
            false => report::policy::text(&answer, 0 < common.verbose, &mut out)?,
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `chr_file:write`.
fn permission_of(text: &str) -> Result<(String, String), String> {
    let (class, permission) = text.split_once(':').ok_or("a class and a permission, as in chr_file:write")?;
    Ok((class.to_owned(), permission.to_owned()))
}
