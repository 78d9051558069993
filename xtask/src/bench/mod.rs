//! `cargo xtask bench FOLDER`: CPU seconds and peak memory of the release build and of its peers on the same files, one
//! after the other, as a table in Markdown with the bounds that the project has set itself.
//!
//! What the folder has is measured; the names are the plan (see [`plan`]). Update and bombs are made here. Of several
//! rounds the best one counts, so that caches are warm and what else the machine does shows least.

mod bombs;
mod flows;
mod matching;
mod measure;
mod payload;
mod signatures;
mod system;

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
        None => built()?,
    };
    let made = root.join("target/bench");
    fs::create_dir_all(&made)?;
    let rows = plan(&options.folder, &made)?.into_iter().map(|it| (postern.clone(), it));
    let mut table = head(root);
    let is_wanted = |work: &str| options.only.as_ref().is_none_or(|it| work.contains(it));
    let examples = signatures::rows(&options.folder, &made, &is_wanted)?;
    let examples = examples.into_iter().chain(matching::rows(&options.folder, &made, &is_wanted)?);
    for (program, row) in rows.chain(examples).chain(system::rows(&options.folder, &is_wanted)?) {
        if !is_wanted(row.work) {
            continue;
        }
        let bench = Bench { postern: program, out: made.join("out"), rounds: options.rounds };
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
pub fn built() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
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
    /// What postern is told.
    ours: Vec<String>,
    beside: Beside,
    bounds: Bounds,
}

enum Beside {
    /// A program, and what it is told.
    Program(&'static str, Vec<String>),
    /// Postern, told something else.
    Ourselves(Vec<String>),
    Nobody,
    /// Postern told the same once before, so that its cache is full.
    Before,
    /// There is no such file, and what would have made it is not installed.
    Absent,
}

/// What may be taken: so many times what the one beside takes, or so much.
#[derive(Default, Clone, Copy)]
struct Bounds {
    cpu: Option<f64>,
    wall: Option<f64>,
    peak: Option<f64>,
    seconds: Option<f64>,
    megabytes: Option<u64>,
}

impl Bounds {
    fn cpu(times: f64) -> Bounds {
        Bounds { cpu: Some(times), ..Bounds::default() }
    }

    /// Each bound as text, and whether it is met.
    fn met(&self, ours: Measure, peer: Option<Measure>) -> Vec<(String, bool)> {
        let mut met = Vec::new();
        let mut times = |what: &str, ratio: f64, bound: Option<f64>| {
            met.extend(bound.map(|it| (format!("{what} {ratio:.2} ≤ {it:.2}"), ratio <= it)));
        };
        if let Some(peer) = peer {
            times("CPU", ours.cpu / peer.cpu, self.cpu);
            times("wall", ours.wall / peer.wall, self.wall);
            times("peak", ours.peak as f64 / peer.peak as f64, self.peak);
        }
        met.extend(self.seconds.map(|it| (format!("CPU ≤ {it} s"), ours.cpu <= it)));
        met.extend(self.megabytes.map(|it| (format!("peak ≤ {it} MB"), ours.megabytes() <= it)));
        met
    }
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
const DECODE: &str = "decode all code of an app";
const CALLERS: &str = "who calls a method";
const BOMB: &str = "check a bomb";

/// What is done with which file, as far as it is there. `OUT` stands for a folder that is new each time.
///
/// - `tree.erofs`, `tree.ext4`, `tree.f2fs`, `tree.squashfs`: the same files in four file systems;
/// - `super.simg`: a sparse super image around that EROFS;
/// - `small.ext4`, `large.ext4`: the same files in a small and a large image;
/// - `payload.bin` and `payload.bin.xz`: an update, and its packed operations one behind the other; made of `tree.ext4`
///   where they are not there;
/// - `dump*`: unpacked phones, or folders of apps;
/// - `files`: a folder with 1 GB of files of phones, in which known indicators are looked for;
/// - `app*.apk`: apps with up to 7 MB of bytecode each, and `android.jar` for the analysis beside us.
fn plan(folder: &Path, made: &Path) -> Result<Vec<Row>> {
    let path = |name: &str| folder.join(name).display().to_string();
    let (simg, erofs, ext4, squashfs, f2fs) =
        (path("super.simg"), path("tree.erofs"), path("tree.ext4"), path("tree.squashfs"), path("tree.f2fs"));
    let row = |work, file: &str, ours: &[&str], beside, bounds| Row {
        work,
        file: file.into(),
        ours: words(ours),
        beside,
        bounds,
    };
    let program = |name, args: &[&str]| Beside::Program(name, words(args));
    let fsck = || program("fsck.erofs", &["--extract=OUT", "--overwrite", &erofs]);
    let extract = ["-q", "extract", "--to", "OUT"];
    let from = |image: &str| words(&[&extract[..], &[image]].concat());
    let mut rows = vec![
        row(NAMES, &simg, &["-q", "ls", &simg], fsck(), Bounds::cpu(1.0 / 20.0)),
        row(ALL_NAMES, &simg, &["-q", "ls", "-R", &simg], fsck(), Bounds::cpu(0.5)),
        Row { work: EROFS, file: erofs.clone().into(), ours: from(&erofs), beside: fsck(), bounds: Bounds::cpu(1.3) },
        Row {
            work: EXT4,
            file: ext4.clone().into(),
            ours: from(&ext4),
            beside: program("debugfs", &["-R", "rdump / OUT", &ext4]),
            bounds: Bounds::cpu(1.3),
        },
        Row {
            work: SQUASHFS,
            file: squashfs.clone().into(),
            ours: from(&squashfs),
            beside: program("unsquashfs", &["-quiet", "-no-progress", "-force", "-dest", "OUT", &squashfs]),
            bounds: Bounds::cpu(1.3),
        },
        Row {
            work: F2FS,
            file: f2fs.clone().into(),
            ours: from(&f2fs),
            beside: Beside::Ourselves(from(&ext4)),
            bounds: Bounds::cpu(1.5),
        },
        row(
            LARGE,
            &path("large.ext4"),
            &["-q", "check", "--no-flows", &path("large.ext4")],
            Beside::Ourselves(words(&["-q", "check", "--no-flows", &path("small.ext4")])),
            Bounds { peak: Some(1.1), ..Bounds::default() },
        ),
    ];
    rows.retain(|it| it.file.exists());
    let whole = if folder.join("payload.bin").exists() { folder } else { made };
    if whole == folder || Path::new(&ext4).exists() {
        let file = whole.join("payload.bin");
        let packed = payload::make(whole, Path::new(&ext4))?;
        let xz = |it: payload::Payload| program("xz", &["-dc", &it.xz.display().to_string()]);
        rows.push(Row {
            work: PAYLOAD,
            ours: words(&["-q", "cat", &file.display().to_string(), "payload.bin!*"]),
            file,
            beside: packed.map_or(Beside::Absent, xz),
            bounds: Bounds { cpu: Some(1.2), wall: Some(0.65), ..Bounds::default() },
        });
    }
    for name in names(folder)?.iter().filter(|it| it.starts_with("dump")) {
        let bounds = Bounds { seconds: Some(5.0), megabytes: Some(500), ..Bounds::default() };
        let ours = ["-q", "check", "--no-flows", &path(name)];
        rows.push(row(APPS, &path(name), &ours, Beside::Nobody, bounds));
    }
    rows.extend(flows::rows(folder, made)?);
    for name in names(folder)?.iter().filter(|it| it.starts_with("app") && it.ends_with(".apk")) {
        // Every instruction is decoded to find the calls.
        let ours = ["-q", "dis", &path(name), "java.lang.Runtime.exec", "--callers"];
        let dexdump = program("dexdump", &["-d", &path(name)]);
        let androguard = program("python3", &["-c", ANDROGUARD, &path(name)]);
        rows.push(row(DECODE, &path(name), &ours, dexdump, Bounds::cpu(1.0 / 3.0)));
        rows.push(row(CALLERS, &path(name), &ours, androguard, Bounds::cpu(1.0 / 20.0)));
    }
    for name in bombs::NAMES {
        let file = made.join(name);
        let there = bombs::make(made, name)?.is_some();
        let ours = ["-q", "check", "--max-memory", "256M", &file.display().to_string()];
        let beside = if there { Beside::Nobody } else { Beside::Absent };
        let bounds = Bounds { megabytes: Some(256 + 200), ..Bounds::default() };
        rows.push(Row { work: BOMB, ours: words(&ours), file, beside, bounds });
    }
    Ok(rows)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&it| it.to_owned()).collect()
}

/// Cross-references of an app by androguard. As a shell does, it says 127 where there is no such program.
const ANDROGUARD: &str = "\
import sys
try:
    from loguru import logger
    from androguard.misc import AnalyzeAPK
except ImportError:
    sys.exit(127)
logger.remove()
AnalyzeAPK(sys.argv[1])";

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
        match row.beside {
            Beside::Absent => return Ok(format!("{line} | | | what packs it is not installed | | | | | |\n")),
            Beside::Before => _ = Measure::of(&self.postern, &row.ours)?,
            _ => {}
        }
        let ours = self.best(&self.postern, &row.ours)?.context("the release was not built")?;
        write!(line, " {} |", ours.columns())?;
        let (what, peer) = match &row.beside {
            Beside::Program(program, args) => (format!("`{program}`"), self.best(Path::new(program), args)?),
            Beside::Ourselves(other) => {
                let name = other.last().and_then(|it| Path::new(it).file_name()).unwrap_or_default();
                (format!("the same with `{}`", name.display()), self.best(&self.postern, other)?)
            }
            _ => (String::new(), None),
        };
        match (&peer, what.as_str()) {
            (Some(peer), what) => write!(line, " {what} | {} |", peer.columns())?,
            (None, "") => line.push_str(" | | | |"),
            (None, what) => write!(line, " {what} is not installed | | | |")?,
        }
        let bounds = row.bounds.met(ours, peer);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_row() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join("docs/benchmarks.md")).unwrap();
        for work in [
            NAMES,
            ALL_NAMES,
            EROFS,
            EXT4,
            SQUASHFS,
            F2FS,
            PAYLOAD,
            LARGE,
            APPS,
            flows::PHONE,
            flows::AGAIN,
            flows::APP,
            flows::PEER,
            DECODE,
            CALLERS,
            matching::INDICATORS,
            matching::RULES,
            matching::PEER,
            system::NATIVE,
            system::POLICY,
        ] {
            assert!(text.contains(&format!("| {work} (`")), "docs/benchmarks.md lacks the row \"{work}\"");
        }
        for name in bombs::NAMES {
            assert!(text.contains(&format!("| {BOMB} (`{name}`)")), "docs/benchmarks.md lacks the bomb {name}");
        }
    }
}
