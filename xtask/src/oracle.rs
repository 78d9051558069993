//! `cargo xtask oracle`: every sample that another program can unpack, beside what our readers make of it, byte for byte.
//!
//! Plain `cargo test` needs no such program. One that is not installed, or that refuses a sample (many are broken on
//! purpose), is told and counted; only two different contents are a fault.

pub mod apk;
pub mod avb;
mod avb_quirk;
pub mod feeds;
pub mod policy;
mod policy_linked;
mod policy_made;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use formats::{FORMATS, Reading};
use model::{Blob, NodeKind, Store};

use crate::fuzz::harness;

/// Compares all samples.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let work = root.join("target/oracle");
    let (mut same, mut refused, mut missing, mut faults) = (0, 0, Vec::new(), 0);
    for oracle in ORACLES {
        let format = FORMATS.iter().find(|it| it.id == oracle.format).context(oracle.format)?;
        for (name, blob) in harness::samples_in(&root.join("crates/formats/tests/samples").join(format.id)) {
            let sample = format!("{}/{name}", format.id);
            let theirs = match oracle.unpack(&work, &blob)? {
                Answer::NotInstalled => {
                    missing.push(oracle.program);
                    break;
                }
                Answer::Refused => {
                    println!("{sample}: {} refuses it", oracle.program);
                    refused += 1;
                    continue;
                }
                Answer::Files(files) => files,
            };
            let differences = differences(&ours(&name, blob), &theirs);
            let known = KNOWN.iter().find(|it| it.0 == sample);
            match (differences.is_empty(), known) {
                (true, None) => same += 1,
                (false, Some((_, why))) => println!("{sample}: differs from {}, rightly: {why}", oracle.program),
                (true, Some(_)) => {
                    println!("{sample}: does not differ from {} any more", oracle.program);
                    faults += 1;
                }
                (false, None) => {
                    println!("{sample}: {} says otherwise: {}", oracle.program, differences.join("; "));
                    faults += 1;
                }
            }
        }
    }
    if !missing.is_empty() {
        println!("not installed: {}", missing.join(", "));
    }
    println!("{same} samples are read as others read them, {refused} are refused by them, {faults} faults");
    if faults != 0 {
        bail!("{faults} samples are read otherwise");
    }
    Ok(())
}

/// A program that unpacks a format.
struct Oracle {
    format: &'static str,
    program: &'static str,
    /// `IN` stands for the sample, `OUT` for where it goes.
    args: &'static [&'static str],
    output: Output,
}

enum Output {
    /// One stream of bytes, on standard output.
    Stream,
    /// One file, `OUT`.
    File,
    /// A folder, `OUT`, which is there and in which the program is started.
    Folder,
}

const fn oracle(format: &'static str, program: &'static str, args: &'static [&'static str], output: Output) -> Oracle {
    Oracle { format, program, args, output }
}

const ORACLES: &[Oracle] = &[
    oracle("gzip", "gzip", &["-dc", "IN"], Output::Stream),
    oracle("xz", "xz", &["-dc", "IN"], Output::Stream),
    oracle("lzma", "xz", &["-dc", "--format=lzma", "IN"], Output::Stream),
    oracle("bzip2", "bzip2", &["-dc", "IN"], Output::Stream),
    oracle("zstd", "zstd", &["-qdc", "IN"], Output::Stream),
    oracle("lz4", "lz4", &["-qdc", "IN"], Output::Stream),
    oracle("brotli", "brotli", &["-dc", "IN"], Output::Stream),
    oracle("sparse", "simg2img", &["IN", "OUT"], Output::File),
    oracle("tar", "tar", &["-xf", "IN", "--no-same-owner"], Output::Folder),
    oracle("cpio", "cpio", &["-idm", "--quiet", "--no-absolute-filenames", "-F", "IN"], Output::Folder),
    oracle("ext4", "debugfs", &["-R", "rdump / OUT", "IN"], Output::Folder),
    oracle("erofs", "fsck.erofs", &["--extract=OUT", "--overwrite", "IN"], Output::Folder),
    oracle("squashfs", "unsquashfs", &["-quiet", "-no-progress", "-force", "-dest", "OUT", "IN"], Output::Folder),
    oracle("fat", "mcopy", &["-s", "-n", "-i", "IN", "::*", "OUT"], Output::Folder),
    oracle("boot-image", "unpack_bootimg", &["--boot_img", "IN", "--out", "OUT"], Output::Folder),
    oracle("vendor-boot", "unpack_bootimg", &["--boot_img", "IN", "--out", "OUT"], Output::Folder),
];

/// Samples that are read otherwise on purpose, and why.
const KNOWN: &[(&str, &str)] = &[];

enum Answer {
    NotInstalled,
    Refused,
    /// Content by name; a stream has the name "".
    Files(BTreeMap<String, Vec<u8>>),
}

impl Oracle {
    fn unpack(&self, work: &Path, sample: &Blob) -> Result<Answer> {
        if work.exists() {
            fs::remove_dir_all(work)?;
        }
        let (input, out) = (work.join("in"), work.join("out"));
        fs::create_dir_all(work)?;
        fs::write(&input, sample.read_at(0, sample.len())?)?;
        let mut command = Command::new(self.program);
        for arg in self.args {
            command.arg(arg.replace("OUT", &out.display().to_string()).replace("IN", &input.display().to_string()));
        }
        if matches!(self.output, Output::Folder) {
            fs::create_dir_all(&out)?;
            command.current_dir(&out);
        }
        let result = match command.stdin(Stdio::null()).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Answer::NotInstalled),
            result => result.with_context(|| self.program.to_owned())?,
        };
        if !result.status.success() {
            return Ok(Answer::Refused);
        }
        let mut files = BTreeMap::new();
        match self.output {
            Output::Stream => drop(files.insert(String::new(), result.stdout)),
            Output::File => drop(files.insert(String::new(), fs::read(&out)?)),
            Output::Folder => collect(&out, &out, &mut files)?,
        }
        Ok(Answer::Files(files))
    }
}

/// The regular files of a folder.
fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for path in harness::entries(folder) {
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            files.insert(name_of(root, &path), fs::read(&path)?);
        }
    }
    Ok(())
}

/// As `model` shows names: bytes that are no UTF-8 are `%XX`.
fn name_of(root: &Path, path: &Path) -> String {
    let relative: PathBuf = path.strip_prefix(root).unwrap_or(path).to_owned();
    model::path_name(relative.into_os_string().as_encoded_bytes())
}

/// What our reader makes of it: the files, or the one stream.
fn ours(name: &str, blob: Blob) -> BTreeMap<String, Result<Vec<u8>, String>> {
    let artifact = harness::artifact(name, blob);
    let mut reading = Reading::new(&artifact, Store::small(), 16 << 20);
    formats::read(&artifact, &mut reading);
    let files = reading.children.iter().filter(|it| it.node.kind == NodeKind::File);
    files
        .map(|it| {
            let mut bytes = Vec::new();
            let content = it.blob.stream().read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.to_string());
            (model::path_name(&it.name).trim_start_matches("./").trim_start_matches('/').to_owned(), content)
        })
        .collect()
}

fn differences(ours: &BTreeMap<String, Result<Vec<u8>, String>>, theirs: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let mut differences = Vec::new();
    // A stream has no name of its own.
    if let (Some(theirs), [ours]) = (theirs.get(""), ours.values().collect::<Vec<_>>().as_slice()) {
        if ours.as_ref() != Ok(theirs) {
            differences.push("other bytes".to_owned());
        }
        return differences;
    }
    for (name, theirs) in theirs {
        match ours.get(name) {
            Some(Ok(ours)) if ours == theirs => {}
            Some(Ok(_)) => differences.push(format!("other bytes in {name}")),
            Some(Err(why)) => differences.push(format!("{name}: {why}")),
            None => differences.push(format!("we lack {name}")),
        }
    }
    let more = ours.keys().filter(|it| !theirs.contains_key(*it));
    differences.extend(more.map(|it| format!("only we have {it}")));
    differences
}
