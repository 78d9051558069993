//! `cargo xtask ci`: what a reviewer would run. The tests come last, and the last line sums them up.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{fuzz, licences};

/// Runs every step, and stops at the first that fails.
pub fn run() -> Result<()> {
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("licences, sources, versions", licences::run)?;
    if cargo_deny_is_there() {
        step("cargo deny", || cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    } else {
        println!("== cargo deny: SKIPPED, it is not installed (cargo install cargo-deny --locked)");
    }
    step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    step("docs", || {
        let mut command = Command::new(CARGO);
        command.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"]);
        succeeds(command.env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("YARA rules, which the default build leaves out", || {
        let features = "knowledge/yara,postern/yara";
        let of_both = ["-p", "knowledge", "-p", "postern", "--features", features, "--locked"];
        cargo(&[&["clippy"], &of_both[..], &["--all-targets", "--", "-D", "warnings"]].concat())?;
        cargo(&["test", "-p", "knowledge", "--features", "yara", "--locked", "--lib", "rules"])?;
        cargo(&["test", "-p", "postern", "--features", "yara", "--locked", "--test", "yara"])
    })?;
    step("a short fuzz", || fuzz::run(&fuzz::Options::default()))?;
    step("tests", tests)
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let started = Instant::now();
    run().with_context(|| name.to_owned())?;
    // The tests close with their own line.
    if name != "tests" {
        println!("== {name}: {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The README's own command. Each test program prints its own result, and one without tests may come last: so they are
/// counted, and the sum is the closing line.
fn tests() -> Result<()> {
    let mut command = Command::new(CARGO);
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cargo test")?;
    let mut sum = Sum::default();
    for line in BufReader::new(child.stdout.take().context("cargo test has no output")?).lines() {
        let line = line?;
        println!("{line}");
        sum.add(&line);
    }
    let status = child.wait()?;
    println!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.ignored);
    match (status.success(), sum.failed) {
        (true, 0) if sum.passed != 0 => Ok(()),
        (true, 0) => bail!("no test was run"),
        _ => bail!("cargo test: {status}"),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Sum {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Sum {
    /// Adds a line such as `test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let words: Vec<&str> = result.split([' ', ';', '.']).filter(|it| !it.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(n) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += n,
                "failed" => self.failed += n,
                "ignored" => self.ignored += n,
                _ => {}
            }
        }
    }
}

fn cargo_deny_is_there() -> bool {
    let mut command = Command::new(CARGO);
    command.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn cargo(args: &[&str]) -> Result<()> {
    succeeds(Command::new(CARGO).args(args))
}

fn succeeds(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().context("cargo")?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

const CARGO: &str = "cargo";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_test_programs_are_summed() {
        let mut sum = Sum::default();
        sum.add("running 3 tests");
        sum.add("test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 7 filtered out; finished in 0.00s");
        sum.add("test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.40s");
        assert_eq!(sum, Sum { passed: 42, failed: 1, ignored: 4 });
    }
}
