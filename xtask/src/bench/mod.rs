//! `cargo xtask bench FOLDER`: CPU seconds and peak memory of the release build and of its peers on the same files, one
//! after the other, as a table in Markdown with the bounds that the project has set itself.
//!
//! What the folder has is measured; the names are the plan (see [`rows`]). Of several rounds the best one counts, so that
//! caches are warm and what else the machine does shows least.

mod measure;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use measure::Measure;

/// What is asked for.
pub struct Options {
    folder: PathBuf,
    rounds: u32,
    /// Only rows whose text contains this.
    only: Option<String>,
    out: Option<PathBuf>,
}

impl Options {
    /// Reads `FOLDER [--rounds N] [--only TEXT] [--out FILE]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [folder, rest @ ..] = words else { bail!("bench wants a folder") };
        let mut options = Options { folder: PathBuf::from(folder), rounds: 3, only: None, out: None };
        for pair in rest.chunks(2) {
            let [name, value] = pair else { bail!("{} wants a value", pair[0]) };
            match *name {
                "--rounds" => options.rounds = value.parse().context("--rounds")?,
                "--only" => options.only = Some((*value).to_owned()),
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
    let built =
        Command::new("cargo").args(["build", "--release", "--locked", "-p", "postern"]).current_dir(root).status();
    if !built.context("cargo build")?.success() {
        bail!("the release does not build");
    }
    let work = root.join("target/bench");
    let bench = Bench { postern: root.join("target/release/postern"), out: work.join("out"), rounds: options.rounds };
    fs::create_dir_all(&work)?;
    let mut table = head(root);
    for row in rows(&options.folder)? {
        if options.only.as_ref().is_some_and(|it| !row.work.contains(it)) {
            continue;
        }
        let lines = bench.row(&row)?;
        print!("{lines}");
        table.push_str(&lines);
    }
    match &options.out {
        Some(out) => fs::write(out, table).with_context(|| out.display().to_string()),
        None => Ok(()),
    }
}

/// One thing to do, who else does it, and the bounds.
struct Row {
    work: String,
    ours: Vec<String>,
    against: Against,
}

enum Against {
    /// Another program, and how many times its CPU and its wall-clock seconds we may take.
    Peer { program: &'static str, args: Vec<String>, cpu: f64, wall: Option<f64> },
    /// Ourselves at something else: how many times its CPU seconds and its peak memory.
    Ourselves { args: Vec<String>, cpu: Option<f64>, memory: Option<f64> },
    /// Fixed numbers: CPU seconds and MB.
    Fixed { cpu: Option<f64>, megabytes: u64 },
}

/// The plan: what is done with which file, as far as it is there. `OUT` stands for a folder that is new each time.
///
/// - `tree.erofs`, `tree.ext4`, `tree.f2fs`, `tree.squashfs`: the same files in four file systems;
/// - `super.simg`: a sparse super image around that EROFS;
/// - `small.ext4`, `large.ext4`: the same files in a small and a large image;
/// - `payload.bin` and `payload.bin.xz`: an update, and its compressed operations one after the other;
/// - `dump*`: unpacked phones, or folders of apps;
/// - `bombs/*`: small files that decode to far more than the memory that they are allowed.
fn rows(folder: &Path) -> Result<Vec<Row>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let ours = |words: &[&str], name: &str| -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).chain([path(name)]).collect()
    };
    let peer = |program, words: &[&str], cpu, wall| Against::Peer {
        program,
        args: words.iter().map(|it| (*it).to_owned()).collect(),
        cpu,
        wall,
    };
    let extract = ["-q", "extract", "--to", "OUT"];
    let (erofs, ext4, squashfs, xz) =
        (path("tree.erofs"), path("tree.ext4"), path("tree.squashfs"), path("payload.bin.xz"));
    let fsck_erofs = |cpu| peer("fsck.erofs", &["--extract=OUT", &erofs], cpu, None);
    let mut payload = ours(&["-q", "cat"], "payload.bin");
    payload.push("payload.bin!*".to_owned());
    let plan = [
        ("super.simg", "names of a sparse super image", ours(&["-q", "ls"], "super.simg"), fsck_erofs(1.0 / 20.0)),
        ("super.simg", "the same, into archives", ours(&["-q", "ls", "-R"], "super.simg"), fsck_erofs(0.5)),
        ("tree.erofs", "extract EROFS", ours(&extract, "tree.erofs"), fsck_erofs(1.3)),
        (
            "tree.ext4",
            "extract ext4",
            ours(&extract, "tree.ext4"),
            peer("debugfs", &["-R", "rdump / OUT", &ext4], 1.3, None),
        ),
        (
            "tree.squashfs",
            "extract squashfs",
            ours(&extract, "tree.squashfs"),
            peer("unsquashfs", &["-quiet", "-no-progress", "-force", "-dest", "OUT", &squashfs], 1.3, None),
        ),
        (
            "tree.f2fs",
            "extract F2FS",
            ours(&extract, "tree.f2fs"),
            Against::Ourselves { args: ours(&extract, "tree.ext4"), cpu: Some(1.5), memory: None },
        ),
        ("payload.bin", "decode an update", payload, peer("xz", &["-dc", &xz], 1.2, Some(0.65))),
        (
            "large.ext4",
            "check a large image",
            ours(&["-q", "check"], "large.ext4"),
            Against::Ourselves { args: ours(&["-q", "check"], "small.ext4"), cpu: None, memory: Some(1.1) },
        ),
    ];
    let mut rows: Vec<Row> = plan
        .into_iter()
        .filter(|it| folder.join(it.0).exists())
        .map(|(name, work, ours, against)| Row { work: format!("{work} (`{name}`)"), ours, against })
        .collect();
    for name in names(folder)?.iter().filter(|it| it.starts_with("dump")) {
        rows.push(Row {
            work: format!("check `{name}`"),
            ours: ours(&["-q", "check"], name),
            against: Against::Fixed { cpu: Some(5.0), megabytes: 500 },
        });
    }
    for name in names(&folder.join("bombs")).unwrap_or_default() {
        rows.push(Row {
            work: format!("check `bombs/{name}`, `--max-memory 256M`"),
            ours: ours(&["-q", "check", "--max-memory", "256M"], &format!("bombs/{name}")),
            against: Against::Fixed { cpu: None, megabytes: 256 + 200 },
        });
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
        let ours = self.best(&self.postern, &row.ours)?.context("the release was not built")?;
        let mut line = format!("| {} | {} |", row.work, ours.columns());
        let mut bounds = Vec::new();
        match &row.against {
            Against::Peer { program, args, cpu, wall } => match self.best(Path::new(program), args)? {
                Some(peer) => {
                    write!(line, " `{program}` | {} |", peer.columns())?;
                    bounds.push(bound("CPU", ours.cpu / peer.cpu, *cpu));
                    bounds.extend(wall.map(|it| bound("wall", ours.wall / peer.wall, it)));
                }
                None => write!(line, " `{program}` is not installed | | | |")?,
            },
            Against::Ourselves { args, cpu, memory } => {
                let other = self.best(&self.postern, args)?.context("the release was not built")?;
                let name = args.last().and_then(|it| Path::new(it).file_name()).unwrap_or_default();
                write!(line, " the same of `{}` | {} |", name.display(), other.columns())?;
                bounds.extend(cpu.map(|it| bound("CPU", ours.cpu / other.cpu, it)));
                bounds.extend(memory.map(|it| bound("peak", ours.peak as f64 / other.peak as f64, it)));
            }
            Against::Fixed { cpu, megabytes } => {
                line.push_str(" | | | |");
                bounds.extend(cpu.map(|it| (format!("CPU ≤ {it} s"), ours.cpu <= it)));
                bounds.push((format!("peak ≤ {megabytes} MB"), ours.megabytes() <= *megabytes));
            }
        }
        let met = if bounds.is_empty() {
            ""
        } else if bounds.iter().all(|it| it.1) {
            "met"
        } else {
            "**missed**"
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
