//! `postern gates`: where someone from outside can come in, what guards it, and where it leads.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use knowledge::Feeds;
use report::gates;

use super::{Common, cache, check};

/// List where someone from outside can come in, what guards it, and where it leads
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern gates dump/                     gates that let an outsider through and lead somewhere, step by step
  postern gates dump/ -v                  every gate, those that are shut too
  postern gates rom.tgz --json            all of it for programs, in one object
  postern gates app.apk --kind receiver   the receivers of an app

A gate is a place where someone can come in: a component that is exported, a socket, a property that init reacts to, a code
that is dialled, a file that a service runs. Outsiders are, from the farthest: internet, sms (who sends a message), nearby,
app (any app), asking-app (one with permissions that users give), usb, physical. A guard is told with its strength on
this phone. It lists and does not judge: `postern check` does.")]
pub struct Gates {
    /// Packages, images, apps or folders of one phone
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Gates of this kind alone (`receiver`, `local-socket`…); may be given again
    #[arg(long, value_name = "KIND", value_parser = kind_of)]
    kind: Vec<String>,

    /// Do not follow values through the code of apps: faster, and blind to where most gates lead
    #[arg(long)]
    no_flows: bool,

    #[command(flatten)]
    cache: cache::Cache,
}

impl Gates {
    /// Lists.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let check = scan::Check {
            inputs: self.inputs.clone(),
            command: String::new(),
            date: None,
            flows: !self.no_flows,
            fec: false,
            against: None,
            feeds: Feeds::default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let cache = if self.no_flows { None } else { self.cache.open(common) };
        let bars = common.progress();
        let result = scan::gates(&check, &common.store(), cache.as_ref(), &bars);
        bars.finish();
        cache::tell(cache.as_ref(), common);
        let mut found = result.context("cannot open the input")?;
        if !self.kind.is_empty() {
            found.gates.retain(|it| self.kind.contains(&it.kind));
            found.counts.retain(|it| self.kind.contains(&it.kind));
        }
        let mut out = BufWriter::new(io::stdout().lock());
        match self.json {
            true => gates::json(&found, &mut out)?,
            false => gates::text(&found, &check::style(common), &mut out)?,
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The id of a kind.
fn kind_of(text: &str) -> Result<String, String> {
    let ids: Vec<&str> = scan::GateKind::ALL.iter().map(|it| it.id()).collect();
    match ids.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("no such kind; there are {}", ids.join(", "))),
    }
}
