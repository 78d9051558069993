//! `postern flows`: every way of a value from a source to a sink.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use knowledge::Knowledge;
use report::escape::visible;
use scan::{Control, FlowStep, Phase, Progress, UnitFlows, Want};

use super::{Common, cache, look, ls};

/// List how values travel through apps, from where they come in to where they have an effect
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern flows app.apk                  every flow with its steps
  postern flows app.apk --json           one JSON object for each app
  postern flows rom.tgz                  the flows of every app of a phone")]
pub struct Flows {
    /// Apps, packages, images, folders
    #[arg(required = true)]
    inputs: Vec<PathBuf>,

    /// One JSON object for each app, one to a line
    #[arg(long)]
    json: bool,

    /// Follow what values decide, too, wherever they are tested; otherwise only where what someone sends or types in is
    /// compared with a constant. Many of these ways tell little
    #[arg(long)]
    implicit: bool,

    #[command(flatten)]
    cache: cache::Cache,
}

impl Flows {
    /// Lists, and says on standard error what could not be looked into.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let control = if self.implicit { Control::All } else { Control::Secrets };
        let cache = self.cache.open(common);
        for input in &self.inputs {
            let found = look::open(std::slice::from_ref(input), &Want::All, common)?;
            let progress = common.progress();
            progress.begin(Phase::Follow);
            let models = &Knowledge::bundled().models;
            let (units, gaps) = scan::flows(&found, models, control, cache.as_ref(), &progress);
            progress.end(Phase::Follow);
            progress.finish();
            let apps: Vec<(&str, &UnitFlows)> =
                units.iter().filter_map(|it| Some((it.package.as_deref()?, it))).collect();
            for (package, app) in &apps {
                let path = found.tree.path(app.artifact);
                // The input as it was given: a path below it only where there is more than one app.
                let path = match path.split_once('!') {
                    Some((_, inside)) => format!("{}!{inside}", input.display()),
                    None => input.display().to_string(),
                };
                if self.json {
                    let line = serde_json::json!({
                        "apk": path,
                        "package": package,
                        "manifest": app.has_manifest,
                        "methods": app.analysis.n_methods,
                        "analysed": app.analysis.n_analysed,
                        "flows": app.analysis.flows,
                        "reaches": app.analysis.reaches,
                        "limits": app.analysis.limits,
                    });
                    writeln!(out, "{line}")?;
                    continue;
                }
                let of = if app.has_manifest { "" } else { ", by its folder" };
                writeln!(out, "{} ({}{of})", visible(&path), visible(package))?;
                for reach in &app.analysis.reaches {
                    writeln!(out, "  {} -> {}", visible(&reach.component), reach.sink)?;
                    tell(&reach.steps, &mut out)?;
                }
                for flow in &app.analysis.flows {
                    writeln!(out, "  {} -> {} ({})", flow.source, flow.sink, flow.rule)?;
                    tell(&flow.steps, &mut out)?;
                }
            }
            if apps.is_empty() && self.json {
                let line =
                    serde_json::json!({"apk": input.display().to_string(), "error": "no app with code", "flows": []});
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            ls::tell(&found, &[found.gaps.as_slice(), &gaps].concat(), common);
        }
        cache::tell(cache.as_ref(), common);
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(steps: &[FlowStep], out: &mut dyn Write) -> io::Result<()> {
    for step in steps {
        if step.class.is_empty() {
            writeln!(out, "    {}", visible(&step.what))?;
            continue;
        }
        let place = format!("{}->{} +{:#x}", step.class, step.method, step.offset);
        writeln!(out, "    {}: {}", visible(&place), visible(&step.what))?;
    }
    Ok(())
}
