//! `postern ls`: what is inside, without unpacking.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use model::{Artifact, NodeKind};
use report::escape::visible;
use scan::{Found, Want};

use super::{Common, complain, look};

/// List what is inside, through any nesting, without unpacking
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern ls rom.tgz                          every file of every partition
  postern ls rom.tgz '**/*.apk' -l            apps, with size, owner and label
  postern ls -R rom.tgz '!/Settings.apk!**'   what is inside an app

A path is the way through the nesting, joined by `!`: rom.tgz!images/super.img!system_a!/build.prop.
In a pattern `*` and `?` stay within a name, `**` stands for any number of names and nestings.")]
pub struct Ls {
    /// A package, an image, an app, or a folder
    input: PathBuf,

    /// Only paths that match; the input's own name may be left out
    patterns: Vec<String>,

    /// Look into archives and apps inside file systems, too; an archive that is appended to a packed picture or program
    /// is found by `check` alone
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Type, mode, owner, size, SELinux label and link target
    #[arg(short, long)]
    long: bool,
}

impl Ls {
    /// Lists, and says on standard error what could not be looked into.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let patterns: Vec<_> = self.patterns.iter().map(|it| look::pattern_for(&self.input, it)).collect();
        let found = match (patterns.is_empty(), self.recursive) {
            (true, true) => look::open(std::slice::from_ref(&self.input), &Want::AllNames, common)?,
            (false, true) => look::matching(&self.input, &patterns, common)?,
            (_, false) => look::open(std::slice::from_ref(&self.input), &Want::Names, common)?,
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut shown = 0;
        for (artifact, path) in in_tree_order(&found) {
            if patterns.is_empty() || patterns.iter().any(|it| it.matches(&path)) {
                self.line(&mut out, artifact, &path)?;
                shown += 1;
            }
        }
        out.flush()?;
        tell_gaps(&found, common);
        if shown == 0 && !patterns.is_empty() {
            anyhow::bail!("nothing matches; `postern ls -R` also looks into archives and apps");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn line(&self, out: &mut impl Write, artifact: &Artifact, path: &str) -> io::Result<()> {
        if !self.long {
            return writeln!(out, "{}", visible(path));
        }
        let node = &artifact.node;
        let number = |it: Option<u32>| it.map_or("?".to_owned(), |it| it.to_string());
        let mode = node.mode.map_or("????".to_owned(), |it| format!("{it:04o}"));
        let size = match node.device {
            Some((major, minor)) => format!("{major},{minor}"),
            None => artifact.blob.len().to_string(),
        };
        write!(
            out,
            "{}{mode} {:>5} {:>5} {size:>12} {:32} {}",
            look::letter(artifact),
            number(node.uid),
            number(node.gid),
            visible(node.selinux.as_deref().unwrap_or("-")),
            visible(path)
        )?;
        match &node.target {
            Some(target) => writeln!(out, " -> {}", visible(target)),
            None => writeln!(out),
        }
    }
}

/// The artifacts as a person would list them: what lies in one right behind it.
fn in_tree_order(found: &Found) -> Vec<(&Artifact, String)> {
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); found.tree.len()];
    let mut roots = Vec::new();
    for artifact in found.tree.iter() {
        match artifact.parent {
            Some(parent) => children[parent.0 as usize].push(artifact.id.0),
            None => roots.push(artifact.id.0),
        }
    }
    let mut ordered = Vec::with_capacity(found.tree.len());
    let mut stack: Vec<u32> = roots.into_iter().rev().collect();
    while let Some(id) = stack.pop() {
        let artifact = found.tree.artifact(model::ArtifactId(id));
        let folder_on_disk = artifact.parent.is_none() && artifact.node.kind == NodeKind::Directory;
        if !folder_on_disk {
            ordered.push((artifact, found.tree.path(artifact.id)));
        }
        stack.extend(children[id as usize].iter().rev());
    }
    ordered
}

/// What could not be looked into: a count, or every gap with `-v`.
pub fn tell_gaps(found: &Found, common: &Common) {
    tell(found, &found.gaps, common);
}

/// The same for any gaps.
pub fn tell(found: &Found, gaps: &[model::Gap], common: &Common) {
    if common.quiet || gaps.is_empty() {
        return;
    }
    if common.verbose == 0 {
        let places = if gaps.len() == 1 { "one place".to_owned() } else { format!("{} places", gaps.len()) };
        complain(&format!("{places} could not be looked into (-v shows them)"));
        return;
    }
    for gap in gaps {
        complain(&format!("{}: {}", found.tree.path(gap.artifact), gap.why));
    }
}
