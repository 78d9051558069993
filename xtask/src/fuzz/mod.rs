//! `cargo xtask fuzz`: mutates the samples of all formats on the stable toolchain, and reads what comes out as the tests
//! do; files of code in every container, which are followed as a scan does; and policies in CIL, which are linked. Looks for
//! panics, for time and memory out of proportion, and for locations outside the artifact.
//!
//! A case is made from the seed and its number alone, so that `--seed S --case N` makes it again on any machine.

mod cil;
mod code;
#[path = "../../../crates/formats/tests/harness/mod.rs"]
pub mod harness;
mod mutation;
#[path = "../../../crates/dalvik/tests/containers/pack.rs"]
mod pack;
pub mod random;

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use formats::FORMATS;
use model::Blob;

use mutation::Mutator;
use random::Random;

/// What is asked for.
pub struct Options {
    /// How long to mutate.
    pub seconds: u64,
    /// Where the chance comes from.
    pub seed: u64,
    /// Only this case.
    pub case: Option<u64>,
    /// Only files of code.
    pub code: bool,
    /// Where to write the samples as the corpus of the target in `fuzz/`, instead of fuzzing.
    pub corpus: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options { seconds: 60, seed: 1, case: None, code: false, corpus: None }
    }
}

impl Options {
    /// Reads `--seconds N --seed S --case N --only code|all --corpus DIR`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let mut options = Options::default();
        for pair in words.chunks(2) {
            let [name, value] = pair else { bail!("{} wants a value", pair[0]) };
            match *name {
                "--seconds" => options.seconds = value.parse().context("--seconds")?,
                "--seed" => options.seed = value.parse().context("--seed")?,
                "--case" => options.case = Some(value.parse().context("--case")?),
                "--only" => options.code = *value == "code",
                "--corpus" => options.corpus = Some(PathBuf::from(value)),
                _ => bail!("fuzz knows no option {name}"),
            }
        }
        Ok(options)
    }
}

/// Fuzzes until the time is over; an error if anything was found.
pub fn run(options: &Options) -> Result<()> {
    let mut corpus = corpus();
    if options.code {
        corpus.retain(|it| it.is_code());
    }
    if let Some(folder) = &options.corpus {
        return write_corpus(&corpus, folder);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    fs::create_dir_all(&folder).context("target/fuzz")?;
    let first = options.case.unwrap_or(0);
    let run = &Run {
        mutator: Mutator::new(&corpus),
        corpus,
        seed: options.seed,
        folder,
        next: AtomicU64::new(first),
        end: options.case.map_or(u64::MAX, |it| it.saturating_add(1)),
        deadline: Instant::now() + Duration::from_secs(options.seconds),
        faults: Mutex::default(),
        slowest: Mutex::default(),
    };
    let threads = if options.case.is_some() { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let workers: Vec<Worker> = (0..threads).map(|_| Worker::default()).collect();
    // A panic is told once, with the others, at the end.
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map_or_else(String::new, |it| format!("{}:{}", it.file(), it.line()));
        *locked(&PANIC) = format!("{at}: {}", panic.payload_as_str().unwrap_or("a panic"));
    }));
    thread::scope(|scope| {
        let running: Vec<_> =
            workers.iter().enumerate().map(|(index, worker)| scope.spawn(move || run.work(worker, index))).collect();
        while running.iter().any(|it| !it.is_finished()) {
            thread::sleep(WATCH);
            run.watch(&workers);
        }
    });
    let _ = panic::take_hook();
    run.conclude(first)
}

/// A sample.
struct Sample {
    format: usize,
    name: String,
    bytes: Vec<u8>,
    /// Where its metadata lies, as `sweep.txt` says.
    ranges: Vec<std::ops::Range<u64>>,
}

impl Sample {
    /// Whether it is a file of code that is followed; then its format is no format of the list.
    fn is_code(&self) -> bool {
        FORMATS.len() <= self.format
    }
}

/// Every sample of every format, in the order of the list, then code in every container.
fn corpus() -> Vec<Sample> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/formats/tests/samples");
    let mut corpus = Vec::new();
    for (format, folder) in FORMATS.iter().map(|it| samples.join(it.id)).enumerate() {
        let ranges = harness::ranges_in(&folder);
        for (name, blob) in harness::samples_in(&folder) {
            let ranges = ranges.iter().filter(|it| it.0 == name).map(|it| it.1.clone()).collect();
            let bytes = blob.read_at(0, blob.len()).expect("a sample lies in memory");
            corpus.push(Sample { format, name, bytes, ranges });
        }
    }
    for (n, (form, bytes)) in pack::forms(DEX).into_iter().enumerate() {
        let name = format!("{form}{CODE}");
        corpus.push(Sample { format: FORMATS.len() + n, name, bytes: bytes.to_vec(), ranges: Vec::new() });
    }
    corpus
}

const DEX: &[u8] = include_bytes!("../../../crates/dalvik/tests/samples/quick.dex");

/// How the names of files of code end that are followed.
const CODE: &str = ".code";

/// How the names of policies end that are linked.
const CIL: &str = ".cil";

/// The samples for libFuzzer: the first byte picks the format. Those of the other targets lie in the folders `code` and `cil`
/// beside.
fn write_corpus(corpus: &[Sample], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let code = folder.with_file_name("code");
    let cil = folder.with_file_name("cil");
    for beside in [&code, &cil] {
        fs::create_dir_all(beside)?;
    }
    for sample in corpus.iter().filter(|it| it.bytes.len() <= CORPUS_MAX) {
        if sample.is_code() {
            fs::write(code.join(&sample.name), &sample.bytes)?;
            continue;
        }
        if sample.name.ends_with(CIL) {
            fs::write(cil.join(&sample.name), &sample.bytes)?;
        }
        let mut bytes = vec![u8::try_from(sample.format).context("more than 256 formats want two bytes")?];
        bytes.extend(&sample.bytes);
        fs::write(folder.join(format!("{}-{}", FORMATS[sample.format].id, sample.name)), bytes)?;
    }
    Ok(())
}

/// libFuzzer keeps its corpus in memory and slows down with its size.
const CORPUS_MAX: usize = 1 << 20;

/// How often time and memory are looked at.
const WATCH: Duration = Duration::from_millis(100);

/// A case takes milliseconds; a machine that is busy with other things may take a hundred times as long.
const CASE_TIME_MAX: Duration = Duration::from_secs(10);

/// No sample is larger than a few MiB and a case decodes 4 MiB at most, but a single read may take 256 MiB.
const MEMORY_MAX_KIB: u64 = 1 << 20;

/// The last panic: code is followed on a thread of its own.
static PANIC: Mutex<String> = Mutex::new(String::new());

struct Run {
    corpus: Vec<Sample>,
    mutator: Mutator,
    seed: u64,
    folder: PathBuf,
    next: AtomicU64,
    end: u64,
    deadline: Instant,
    /// The first case of each fault.
    faults: Mutex<BTreeMap<String, String>>,
    slowest: Mutex<(Duration, u64, String)>,
}

/// What a thread is busy with: the number of the case, and since when.
#[derive(Default)]
struct Worker(Mutex<Option<(u64, Instant)>>);

impl Run {
    fn work(&self, worker: &Worker, index: usize) {
        // Where a case ends the process itself (a stack that overflows), this file names it.
        let running = self.folder.join(format!("running-{index}"));
        loop {
            let case = self.next.fetch_add(1, Ordering::Relaxed);
            // One case is made however little time there is.
            if self.end <= case || (self.end == u64::MAX && self.deadline <= Instant::now()) {
                let _ = fs::remove_file(running);
                return;
            }
            let _ = fs::write(&running, format!("--seed {} --case {case}\n", self.seed));
            let (name, bytes) = self.input(case);
            let started = Instant::now();
            *locked(&worker.0) = Some((case, started));
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
                if name.ends_with(CODE) {
                    code::touch(&bytes);
                }
                if name.ends_with(CIL) {
                    cil::touch(&bytes);
                }
                harness::touch(&name, Blob::from_bytes(bytes));
            }));
            *locked(&worker.0) = None;
            let taken = started.elapsed();
            if outcome.is_err() {
                self.fault(std::mem::take(&mut *locked(&PANIC)), case);
            }
            let mut slowest = locked(&self.slowest);
            if slowest.0 < taken {
                *slowest = (taken, case, name);
            }
        }
    }

    /// The first cases are the samples as they are; then each is a mutation of one.
    fn input(&self, case: u64) -> (String, Vec<u8>) {
        let whole = usize::try_from(case).ok().and_then(|it| self.corpus.get(it));
        if let Some(sample) = whole {
            return (sample.name.clone(), sample.bytes.clone());
        }
        self.mutator.mutation(&self.corpus, &mut Random::new(self.seed, case))
    }

    fn watch(&self, workers: &[Worker]) {
        let busy = || workers.iter().filter_map(|it| *locked(&it.0));
        if let Some((case, _)) = busy().find(|it| CASE_TIME_MAX < it.1.elapsed()) {
            self.give_up(format!("takes longer than {} s", CASE_TIME_MAX.as_secs()), &[case]);
        }
        let memory = memory_kib();
        if MEMORY_MAX_KIB < memory {
            let cases: Vec<u64> = busy().map(|it| it.0).collect();
            self.give_up(format!("{} MiB in use", memory >> 10), &cases);
        }
    }

    /// A thread cannot be stopped from outside: what hangs or eats memory ends the whole run.
    fn give_up(&self, why: String, cases: &[u64]) {
        cases.iter().for_each(|&case| self.fault(format!("{why} (case {case})"), case));
        if let Err(error) = self.conclude(0) {
            eprintln!("{error:#}");
        }
        std::process::exit(1);
    }

    /// Keeps the first case of a fault, with its input.
    fn fault(&self, what: String, case: u64) {
        let mut faults = locked(&self.faults);
        if faults.contains_key(&what) {
            return;
        }
        let (name, bytes) = self.input(case);
        let path = self.folder.join(format!("{}-{case}-{name}", self.seed));
        let saved = match fs::write(&path, bytes) {
            Ok(()) => path.display().to_string(),
            Err(error) => format!("not saved: {error}"),
        };
        faults.insert(what, format!("--seed {} --case {case}, {saved}", self.seed));
    }

    fn conclude(&self, first: u64) -> Result<()> {
        let n_cases = self.next.load(Ordering::Relaxed).min(self.end).saturating_sub(first);
        let (taken, case, name) = locked(&self.slowest).clone();
        println!(
            "{n_cases} cases from {} samples of {} formats and code; slowest {} ms (case {case}, {name}); peak {} MiB",
            self.corpus.len(),
            FORMATS.len(),
            taken.as_millis(),
            memory_kib() >> 10
        );
        let faults = locked(&self.faults);
        for (what, how) in faults.iter() {
            println!("{what}\n    {how}");
        }
        if !faults.is_empty() {
            bail!("{} faults", faults.len());
        }
        Ok(())
    }
}

/// The most memory that this process had, in KiB; 0 where the system does not say.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// A panic is caught before a lock is held, so what a lock guards is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_made_from_seed_and_number_alone() {
        let corpus = corpus();
        let mutator = Mutator::new(&corpus);
        let mutation = |seed, case| mutator.mutation(&corpus, &mut Random::new(seed, case));
        for case in 0..50 {
            assert_eq!(mutation(7, case), mutation(7, case));
        }
        assert!((0..50).any(|case| mutation(7, case) != mutation(8, case)));
    }
}
