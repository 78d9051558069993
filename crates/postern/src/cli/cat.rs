//! `postern cat`: the bytes of something inside.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use model::NodeKind;

use super::{Common, look, ls};

/// Write files from inside to standard output
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern cat rom.tgz '!/system/build.prop'
  postern cat super.img 'super.img!system_a!/app/Phone/Phone.apk!classes.dex' > classes.dex
  postern cat dump/ 'system/etc/hosts'

A path that starts with `!` or `/`, or that does not start with the input's name, is looked for at any depth.")]
pub struct Cat {
    /// A package, an image, an app, or a folder
    input: PathBuf,

    /// Paths inside it, or patterns (see `postern ls --help`)
    #[arg(required = true)]
    paths: Vec<String>,

    /// Start at this offset
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,

    /// Write at most so many bytes of each
    #[arg(long, value_name = "N")]
    size: Option<u64>,
}

impl Cat {
    /// Writes every match in the order of the paths; what cannot be read is an error, after what could.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let patterns: Vec<_> = self.paths.iter().map(|it| look::pattern_for(&self.input, it)).collect();
        let found = look::matching(&self.input, &patterns, common)?;
        let paths: Vec<String> = found.tree.iter().map(|it| found.tree.path(it.id)).collect();
        let mut out = io::stdout().lock();
        let mut missing = Vec::new();
        for (text, pattern) in self.paths.iter().zip(&patterns) {
            let mut any = false;
            for (artifact, path) in found.tree.iter().zip(&paths) {
                if artifact.node.kind != NodeKind::File || !pattern.matches(path) {
                    continue;
                }
                any = true;
                let size = self.size.unwrap_or(u64::MAX);
                let blob = artifact.blob.clamp(self.offset, size);
                scan::copy(&blob, &mut out).with_context(|| path.clone())?;
            }
            if !any {
                missing.push(text.as_str());
            }
        }
        out.flush()?;
        ls::tell_gaps(&found, common);
        if !missing.is_empty() {
            anyhow::bail!("nothing matches {}; `postern ls` shows the paths", missing.join(", "));
        }
        Ok(ExitCode::SUCCESS)
    }
}
