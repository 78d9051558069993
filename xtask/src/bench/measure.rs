//! What one run of a program takes, from `/proc` alone.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a run took.
#[derive(Clone, Copy)]
pub struct Measure {
    /// Seconds of user and system time together.
    pub cpu: f64,
    /// Seconds.
    pub wall: f64,
    /// The most memory that it had, in bytes.
    pub peak: u64,
}

impl Measure {
    /// Runs a program with its output thrown away; `None` if there is no such program, or it says so itself. Exit codes up to 3 are answers.
    pub fn of(program: &Path, args: &[String]) -> Result<Option<Measure>> {
        let before = children_ticks()?;
        let started = Instant::now();
        let mut command = Command::new(program);
        let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| program.display().to_string()),
        };
        let (status, peak) = wait(&mut child)?;
        let wall = started.elapsed().as_secs_f64();
        if status.code() == Some(ABSENT) {
            return Ok(None);
        }
        if status.code().is_none_or(|it| !matches!(it, 0 | 1 | 3)) {
            bail!("{} {}: {status}", program.display(), args.join(" "));
        }
        let cpu = (children_ticks()? - before) as f64 / TICKS_A_SECOND;
        Ok(Some(Measure { cpu: cpu.max(1.0 / TICKS_A_SECOND), wall, peak }))
    }

    /// The smallest of each.
    pub fn best(self, other: Measure) -> Measure {
        Measure { cpu: self.cpu.min(other.cpu), wall: self.wall.min(other.wall), peak: self.peak.min(other.peak) }
    }

    /// Peak memory in MB.
    pub fn megabytes(&self) -> u64 {
        self.peak / 1_000_000
    }

    /// The three as columns of a table.
    pub fn columns(&self) -> String {
        format!("{:.2} | {:.2} | {}", self.cpu, self.wall, self.megabytes())
    }
}

/// What a shell says of a program that it does not find.
const ABSENT: i32 = 127;

/// Looks at the memory until the program ends: the kernel keeps the highest mark, so that only the last moment is missed. What
/// the program starts counts, too; of several the largest.
fn wait(child: &mut Child) -> Result<(ExitStatus, u64)> {
    let mut peak = 0;
    for n in 0u64.. {
        peak = peak.max(peak_of(child.id()));
        if n.is_multiple_of(CHILDREN_EVERY) {
            peak = started_by(child.id()).into_iter().map(peak_of).fold(peak, u64::max);
        }
        if let Some(status) = child.try_wait()? {
            return Ok((status, peak));
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("it does not end")
}

/// The highest mark of a process, in bytes; 0 where there is none any more.
fn peak_of(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
    kib.unwrap_or_default() << 10
}

/// The processes that one has started.
fn started_by(process: u32) -> Vec<u32> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = ids.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|it| parent_of(*it) == Some(process)).collect()
}

/// `proc_pid_stat(5)`, field 4.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Looking for them costs some milliseconds.
const CHILDREN_EVERY: u64 = 100;

/// User and system time of all programs that were started here and have ended (`proc_pid_stat(5)`, fields 16 and 17).
fn children_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat").context("this needs /proc")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let mut fields = fields.split_whitespace().skip(13).map(str::parse::<u64>);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok(user + system),
        _ => bail!("/proc/self/stat"),
    }
}

/// `USER_HZ`: the same on every Linux.
const TICKS_A_SECOND: f64 = 100.0;
