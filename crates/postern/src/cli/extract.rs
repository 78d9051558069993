//! `postern extract`: the only command that writes files.
//!
//! Invariant: nothing is written outside the folder that was named. Every component of a path is made of a name, never
//! of `..`; folders are made by us, and a link that stands in the way is refused.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use model::{Artifact, NodeKind};

use super::{Common, complain, look, ls};

/// Write files from inside into a folder
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern extract rom.tgz '**/*.apk' --to apps/
  postern extract super.img --to files/         every file of every partition

Files are laid out by their path; `!` begins a folder of its own. Links, device nodes, owners and modes are not made;
`postern ls -l` shows them. A file that exists is not replaced without --force.")]
pub struct Extract {
    /// A package, an image, an app, or a folder
    input: PathBuf,

    /// Only paths that match (see `postern ls --help`)
    patterns: Vec<String>,

    /// The folder to write into; it is made if it does not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Look into archives and apps inside file systems, too
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

impl Extract {
    /// Writes what matches. A file that cannot be read whole is not kept; the rest is written, and the exit code is 2.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let patterns: Vec<_> = self.patterns.iter().map(|it| look::pattern_for(&self.input, it)).collect();
        let found = match (patterns.is_empty(), self.recursive) {
            (true, true) => look::open(std::slice::from_ref(&self.input), &scan::Want::AllNames, common)?,
            (true, false) => look::open(std::slice::from_ref(&self.input), &scan::Want::Names, common)?,
            (false, _) => look::matching(&self.input, &patterns, common)?,
        };
        fs::create_dir_all(&self.to).with_context(|| self.to.display().to_string())?;
        let mut containers = vec![false; found.tree.len()];
        for artifact in found.tree.iter() {
            if let Some(parent) = artifact.parent {
                containers[parent.0 as usize] = true;
            }
        }
        let (mut written, mut failed) = (0u64, 0u64);
        for artifact in found.tree.iter().filter(|it| it.node.kind == NodeKind::File) {
            let path = found.tree.path(artifact.id);
            let wanted = match patterns.is_empty() {
                true => !containers[artifact.id.0 as usize],
                false => patterns.iter().any(|it| it.matches(&path)),
            };
            if !wanted {
                continue;
            }
            match self.write(artifact, &path) {
                Ok(()) => written += 1,
                Err(error) => {
                    complain(&format!("{path}: {error:#}"));
                    failed += 1;
                }
            }
        }
        ls::tell_gaps(&found, common);
        if written == 0 && failed == 0 && !patterns.is_empty() {
            bail!("nothing matches; `postern ls` shows the paths");
        }
        if !common.quiet {
            complain(&format!("{written} files written to {}, {failed} failed", self.to.display()));
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    fn write(&self, artifact: &Artifact, path: &str) -> anyhow::Result<()> {
        let target = place(&self.to, path)?;
        let mut options = File::options();
        options.write(true);
        if self.force {
            // Removing first means that a link is replaced, and not written through.
            match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let mut file = options.create_new(true).open(&target)?;
        if let Err(error) = io::copy(&mut artifact.blob.stream(), &mut file) {
            drop(file);
            fs::remove_file(&target).context("a file that could not be read whole could not be removed")?;
            return Err(error.into());
        }
        Ok(())
    }
}

/// Where a path goes in the folder, with all folders on the way made. Names that mean something to the file system are
/// changed so that they do not; a folder that is a link is refused.
fn place(to: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let mut components = Vec::new();
    for (n, name) in path.split('!').enumerate() {
        let inside = name.split('/').filter(|it| !it.is_empty() && *it != ".");
        // A container that is written itself and what lies in it cannot share a name.
        if 0 < n
            && let Some(last) = components.last_mut()
        {
            let last: &mut String = last;
            last.push_str(".d");
        }
        components.extend(inside.map(|it| match it {
            ".." => "%2E%2E".to_owned(),
            _ => it.to_owned(),
        }));
    }
    let Some(file) = components.pop() else { bail!("the entry has no name") };
    let mut target = to.to_owned();
    for component in components {
        target.push(component);
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => bail!("{} is no folder", target.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&target).with_context(|| target.display().to_string())?;
            }
            Err(error) => return Err(error).with_context(|| target.display().to_string()),
        }
    }
    target.push(file);
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.zip!../../x", "a.zip!/etc/passwd", "a.zip!..", "a!/../..//b/./c", "a.zip!C:/x"] {
            let target = place(folder.path(), path).unwrap();
            assert!(target.starts_with(folder.path()), "{}", target.display());
            assert!(target.components().all(|it| it != std::path::Component::ParentDir), "{}", target.display());
        }
    }

    #[test]
    fn a_link_on_the_way_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("a.zip.d")).unwrap();
        assert!(place(folder.path(), "a.zip!x").is_err());
    }
}
