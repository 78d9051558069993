//! `cargo xtask bench FOLDER`: CPU seconds and peak memory of the release build and of its peers on the same files, one
//! after the other, as a table in Markdown with the bounds that the project has set itself.
//!
//! What the folder has is measured; the names are the plan (see [`plan`]). Update and bombs are made here. Of several
//! rounds the best one counts, so that caches are warm and what else the machine does shows least.

mod bombs;
mod measure;
mod payload;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use measure::Measure;

/// What is asked for.
pub struct Options {
    folder: PathBuf,
    rounds: u32,
    /// Only rows whose text contains this.
    only: Option<String>,
    out: Option<PathBuf>,
    /// A program that was built already.
    postern: Option<PathBuf>,
}

impl Options {
    /// Reads `FOLDER [--rounds N] [--only TEXT] [--out FILE] [--postern FILE]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [folder, rest @ ..] = words else { bail!("bench wants a folder") };
        let mut options = Options { folder: PathBuf::from(folder), rounds: 3, only: None, out: None, postern: None };
        for pair in rest.chunks(2) {
            let [name, value] = pair else { bail!("{} wants a value", pair[0]) };
            match *name {
                "--rounds" => options.rounds = value.parse().context("--rounds")?,
                "--only" => options.only = Some((*value).to_owned()),
                "--postern" => options.postern = Some(PathBuf::from(value)),
                "--out" => options.out = Some(PathBuf::from(value)),
                _ => bail!("bench knows no option {name}"),
            }
        }
        Ok(options)
    }
}

/// Builds the release, measures, and writes the table.
pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let postern = match &options.postern {
        Some(postern) => postern.clone(),
        None => built(root)?,
    };
    let made = root.join("target/bench");
    fs::create_dir_all(&made)?;
    let bench = Bench { postern, out: made.join("out"), rounds: options.rounds };
    let mut table = head(root);
    for row in plan(&options.folder, &made)? {
        if options.only.as_ref().is_some_and(|it| !row.work.contains(it)) {
            continue;
        }
        let line = bench.row(&row)?;
        print!("{line}");
        table.push_str(&line);
    }
    match &options.out {
        Some(out) => fs::write(out, table).with_context(|| out.display().to_string()),
        None => Ok(()),
    }
}

/// The release build.
fn built(root: &Path) -> Result<PathBuf> {
    let built =
        Command::new("cargo").args(["build", "--release", "--locked", "-p", "postern"]).current_dir(root).status();
    ensure!(built.context("cargo build")?.success(), "the release does not build");
    Ok(root.join("target/release/postern"))
}

/// One thing to do, who else does it, and the bounds.
struct Row {
    /// As it stands in `docs/benchmarks.md`.
    work: &'static str,
    /// With which file.
    file: PathBuf,
    how: How,
}

enum How {
    /// What postern is told, what another program is told, and how many times its CPU and its wall-clock seconds we may
    /// take.
    Peer { ours: Vec<String>, program: &'static str, args: Vec<String>, cpu: f64, wall: Option<f64> },
    /// Ourselves at something else: how many times its CPU seconds for each byte, and its peak memory.
    Ourselves { ours: Vec<String>, other: Vec<String>, cpu: Option<f64>, memory: Option<f64> },
    /// Fixed numbers: CPU seconds and MB.
    Fixed { ours: Vec<String>, cpu: Option<f64>, megabytes: u64 },
    /// There is no such file, and what would have made it is not installed.
    Absent,
}

const NAMES: &str = "names of a sparse super image";
const ALL_NAMES: &str = "names in its archives, too";
const EROFS: &str = "extract EROFS";
const EXT4: &str = "extract ext4";
const SQUASHFS: &str = "extract squashfs";
const F2FS: &str = "extract F2FS";
const PAYLOAD: &str = "decode an update";
const LARGE: &str = "check a large image";
const APPS: &str = "check a folder of apps";
const BOMB: &str = "check a bomb";

/// What is done with which file, as far as it is there. `OUT` stands for a folder that is new each time.
///
/// - `tree.erofs`, `tree.ext4`, `tree.f2fs`, `tree.squashfs`: the same files in four file systems;
/// - `super.simg`: a sparse super image around that EROFS;
/// - `small.ext4`, `large.ext4`: the same files in a small and a large image;
/// - `payload.bin` and `payload.bin.xz`: an update, and its packed operations one behind the other; made of `tree.ext4`
///   where they are not there;
/// - `dump*`: unpacked phones, or folders of apps.
fn plan(folder: &Path, made: &Path) -> Result<Vec<Row>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|&it| it.to_owned()).collect() };
    let (simg, erofs, ext4, squashfs, f2fs) =
        (path("super.simg"), path("tree.erofs"), path("tree.ext4"), path("tree.squashfs"), path("tree.f2fs"));
    let fsck = |ours: &[&str], cpu| How::Peer {
        ours: words(ours),
        program: "fsck.erofs",
        args: words(&["--extract=OUT", "--overwrite", &erofs]),
        cpu,
        wall: None,
    };
    let extract = |image: &str| words(&["-q", "extract", "--to", "OUT", image]);
    let mut rows = vec![
        Row { work: NAMES, file: simg.clone().into(), how: fsck(&["-q", "ls", &simg], 1.0 / 20.0) },
        Row { work: ALL_NAMES, file: simg.clone().into(), how: fsck(&["-q", "ls", "-R", &simg], 0.5) },
        Row { work: EROFS, file: erofs.clone().into(), how: fsck(&["-q", "extract", "--to", "OUT", &erofs], 1.3) },
        Row {
            work: EXT4,
            file: ext4.clone().into(),
            how: How::Peer {
                ours: extract(&ext4),
                program: "debugfs",
                args: words(&["-R", "rdump / OUT", &ext4]),
                cpu: 1.3,
                wall: None,
            },
        },
        Row {
            work: SQUASHFS,
            file: squashfs.clone().into(),
            how: How::Peer {
                ours: extract(&squashfs),
                program: "unsquashfs",
                args: words(&["-quiet", "-no-progress", "-force", "-dest", "OUT", &squashfs]),
                cpu: 1.3,
                wall: None,
            },
        },
        Row {
            work: F2FS,
            file: f2fs.clone().into(),
            how: How::Ourselves { ours: extract(&f2fs), other: extract(&ext4), cpu: Some(1.5), memory: None },
        },
        Row {
            work: LARGE,
            file: folder.join("large.ext4"),
            how: How::Ourselves {
                ours: words(&["-q", "check", &path("large.ext4")]),
                other: words(&["-q", "check", &path("small.ext4")]),
                cpu: None,
                memory: Some(1.1),
            },
        },
    ];
    rows.retain(|it| it.file.exists());
    let whole = if folder.join("payload.bin").exists() { folder } else { made };
    if whole == folder || Path::new(&ext4).exists() {
        let how = payload::make(whole, Path::new(&ext4))?.map_or(How::Absent, |it| How::Peer {
            ours: words(&["-q", "cat", &it.payload.display().to_string(), "payload.bin!*"]),
            program: "xz",
            args: words(&["-dc", &it.xz.display().to_string()]),
            cpu: 1.2,
            wall: Some(0.65),
        });
        rows.push(Row { work: PAYLOAD, file: whole.join("payload.bin"), how });
    }
    for name in names(folder)?.iter().filter(|it| it.starts_with("dump")) {
        let how = How::Fixed { ours: words(&["-q", "check", &path(name)]), cpu: Some(5.0), megabytes: 500 };
        rows.push(Row { work: APPS, file: folder.join(name), how });
    }
    for name in bombs::NAMES {
        let how = bombs::make(made, name)?.map_or(How::Absent, |it| How::Fixed {
            ours: words(&["-q", "check", "--max-memory", "256M", &it.display().to_string()]),
            cpu: None,
            megabytes: 256 + 200,
        });
        rows.push(Row { work: BOMB, file: made.join(name), how });
    }
    Ok(rows)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn head(root: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root).output();
        output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} cores, commit {} of {}.\n\n\
         | work | CPU s | wall s | peak MB | beside it | CPU s | wall s | peak MB | bound | |\n\
         | --- | --: | --: | --: | --- | --: | --: | --: | --- | --- |\n",
        git(&["rev-parse", "--short", "HEAD"]),
        git(&["show", "-s", "--format=%cs", "HEAD"])
    )
}

struct Bench {
    postern: PathBuf,
    out: PathBuf,
    rounds: u32,
}

impl Bench {
    fn row(&self, row: &Row) -> Result<String> {
        let name = row.file.file_name().unwrap_or_default().display();
        let mut line = format!("| {} (`{name}`) |", row.work);
        let ours = match &row.how {
            How::Peer { ours, .. } | How::Ourselves { ours, .. } | How::Fixed { ours, .. } => ours,
            How::Absent => return Ok(format!("{line} | | | what packs it is not installed | | | | | |\n")),
        };
        let ours = self.best(&self.postern, ours)?.context("the release was not built")?;
        write!(line, " {} |", ours.columns())?;
        let mut bounds = Vec::new();
        match &row.how {
            How::Peer { program, args, cpu, wall, .. } => match self.best(Path::new(program), args)? {
                Some(peer) => {
                    write!(line, " `{program}` | {} |", peer.columns())?;
                    bounds.push(bound("CPU", ours.cpu / peer.cpu, *cpu));
                    bounds.extend(wall.map(|it| bound("wall", ours.wall / peer.wall, it)));
                }
                None => write!(line, " `{program}` is not installed | | | |")?,
            },
            How::Ourselves { other, cpu, memory, .. } => {
                let name = other.last().and_then(|it| Path::new(it).file_name()).unwrap_or_default();
                let other = self.best(&self.postern, other)?.context("the release was not built")?;
                write!(line, " the same with `{}` | {} |", name.display(), other.columns())?;
                bounds.extend(cpu.map(|it| bound("CPU", ours.cpu / other.cpu, it)));
                bounds.extend(memory.map(|it| bound("peak", ours.peak as f64 / other.peak as f64, it)));
            }
            How::Fixed { cpu, megabytes, .. } => {
                line.push_str(" | | | |");
                bounds.extend(cpu.map(|it| (format!("CPU ≤ {it} s"), ours.cpu <= it)));
                bounds.push((format!("peak ≤ {megabytes} MB"), ours.megabytes() <= *megabytes));
            }
            How::Absent => {}
        }
        let met = match bounds.iter().all(|it| it.1) {
            _ if bounds.is_empty() => "",
            true => "met",
            false => "**missed**",
        };
        let bounds: Vec<String> = bounds.into_iter().map(|it| it.0).collect();
        writeln!(line, " {} | {met} |", bounds.join(", "))?;
        Ok(line)
    }

    /// The best of all rounds; `None` if there is no such program.
    fn best(&self, program: &Path, args: &[String]) -> Result<Option<Measure>> {
        let out = self.out.display().to_string();
        let args: Vec<String> = args.iter().map(|it| it.replace("OUT", &out)).collect();
        let mut best: Option<Measure> = None;
        for _ in 0..self.rounds.max(1) {
            if self.out.exists() {
                fs::remove_dir_all(&self.out)?;
            }
            fs::create_dir_all(&self.out)?;
            let Some(measure) = Measure::of(program, &args)? else { return Ok(None) };
            best = Some(best.map_or(measure, |it| it.best(measure)));
        }
        fs::remove_dir_all(&self.out)?;
        Ok(best)
    }
}

fn bound(what: &str, ratio: f64, limit: f64) -> (String, bool) {
    (format!("{what} {ratio:.2} ≤ {limit:.2}"), ratio <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join("docs/benchmarks.md")).unwrap();
        for work in [NAMES, ALL_NAMES, EROFS, EXT4, SQUASHFS, F2FS, PAYLOAD, LARGE, APPS] {
            assert!(text.contains(&format!("| {work} (`")), "docs/benchmarks.md lacks the row \"{work}\"");
        }
        for name in bombs::NAMES {
            assert!(text.contains(&format!("| {BOMB} (`{name}`)")), "docs/benchmarks.md lacks the bomb {name}");
        }
    }
}
