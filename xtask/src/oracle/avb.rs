//! Verified boot beside AOSP's avbtool: images and metadata that it makes, APEX files, and the same with bytes changed.
//!
//! Both agree, but for three things that are avbtool's alone and not the boot loader's (`avb_quirk.rs`): each difference has
//! to be one of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use formats::Reading;
use formats::vbmeta::structure;
use model::{Artifact, ArtifactId, Blob, Fault, Node, Store};
use scan::{Silent, Want};
use verify::avb::fec::Fec;
use verify::avb::hashtree::Hashtree;
use verify::avb::structure::{Covers, Signature, Vbmeta};

use super::avb_quirk;
use crate::fuzz::random::Random;

/// What was asked for.
pub struct Options {
    avbtool: PathBuf,
    keys: PathBuf,
    mutate: u64,
    apex: Option<PathBuf>,
    fec: bool,
}

impl Options {
    /// Reads `AVBTOOL KEYS [--mutate N] [--apex FOLDER] [--fec yes]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [avbtool, keys, rest @ ..] = words else { bail!("the oracle wants avbtool.py and a folder of keys") };
        let mut options = Options {
            avbtool: PathBuf::from(avbtool),
            keys: PathBuf::from(keys),
            mutate: 1000,
            apex: None,
            fec: false,
        };
        for pair in rest.chunks(2) {
            match pair {
                ["--mutate", n] => options.mutate = n.parse().context("--mutate")?,
                ["--apex", folder] => options.apex = Some(PathBuf::from(folder)),
                ["--fec", "yes"] => options.fec = true,
                _ => bail!("the oracle knows no {}", pair.join(" ")),
            }
        }
        Ok(options)
    }
}

/// Makes images, asks both, prints a table and where they differ.
pub fn run(options: &Options) -> Result<()> {
    let work = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?.join("target/oracle/avb");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let mut cases = made(options, &work)?;
    if let Some(folder) = &options.apex {
        cases.extend(apexes(folder, &work)?);
    }
    let n_corrected = cases.iter().map(Case::corrections).sum::<Result<u64>>()?;
    digests(options, &work)?;
    let mut avbtool = Avbtool::start(&options.avbtool, &work)?;
    let mut table: BTreeMap<&str, Row> = BTreeMap::new();
    let mut quirks: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..options.mutate + cases.len() as u64 {
        let case = &cases[number as usize % cases.len()];
        let changed = if number < cases.len() as u64 { String::new() } else { case.change(number)? };
        let theirs = avbtool.ask(case)?;
        let ours = case.verifies();
        let image = fs::read(case.folder.join(&case.image))?;
        case.restore()?;
        let row = table.entry(&case.kind).or_default();
        let verifies = theirs == "verifies";
        match changed.is_empty() {
            true => row.made += 1,
            false => row.changed += 1,
        }
        row.verify += u64::from(verifies);
        if ours.as_ref().is_ok_and(|it| *it) != verifies {
            let quirk = if verifies { avb_quirk::verifies_alone(&image) } else { avb_quirk::refuses_alone(&image) };
            match quirk {
                Some(quirk) => {
                    row.own += 1;
                    *quirks.entry(quirk).or_default() += 1;
                }
                None => {
                    row.differ += 1;
                    println!("{} {changed}\n  avbtool: {theirs}\n  postern: {ours:?}", case.name);
                }
            }
        }
    }
    println!("{:<34}{:>6}{:>9}{:>9}{:>14}{:>8}", "", "made", "changed", "verify", "avbtool alone", "differ");
    for (kind, row) in &table {
        println!("{kind:<34}{:>6}{:>9}{:>9}{:>14}{:>8}", row.made, row.changed, row.verify, row.own, row.differ);
    }
    for (quirk, n) in &quirks {
        println!("avbtool alone: {n} with {quirk}");
    }
    println!("the error correction of {n_corrected} images is what fec made");
    match table.values().map(|it| it.differ).sum::<u64>() {
        0 => Ok(()),
        n => bail!("{n} images are judged in another way, and avbtool's own ways do not explain it"),
    }
}

#[derive(Default)]
struct Row {
    made: u64,
    changed: u64,
    verify: u64,
    /// Differences that are avbtool's alone.
    own: u64,
    /// All others.
    differ: u64,
}

/// Metadata with the images that they cover, in a folder of their own.
struct Case {
    /// What the table counts it under.
    kind: String,
    name: String,
    folder: PathBuf,
    /// The file with the metadata.
    image: String,
    /// The partition that it names by key, and that key.
    chain: Option<(String, Vec<u8>)>,
    /// Its files as they were made.
    files: Vec<(String, Vec<u8>)>,
}

impl Case {
    fn new(kind: &str, name: &str, folder: PathBuf, image: &str) -> Result<Case> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "img") {
                let file = path.file_name().and_then(|it| it.to_str()).context("name")?.to_owned();
                files.push((file, fs::read(&path)?));
            }
        }
        files.sort();
        let (kind, name, image) = (kind.to_owned(), name.to_owned(), image.to_owned());
        Ok(Case { kind, name, folder, image, chain: None, files })
    }

    /// Changes a byte or a few: as often in the metadata as in all the rest.
    fn change(&self, number: u64) -> Result<String> {
        let mut random = Random::new(1, number);
        let (file, bytes) = random.one_of(&self.files);
        let mut bytes = bytes.clone();
        let metadata = match (bytes.windows(4).position(|it| it == b"AVB0"), bytes.len().checked_sub(64)) {
            (Some(start), Some(footer)) if random.once_in(2) => {
                if random.once_in(4) {
                    footer..bytes.len()
                } else {
                    start..(start + 4096).min(bytes.len())
                }
            }
            _ => 0..bytes.len(),
        };
        let mut places = Vec::new();
        for _ in 0..=random.below(2) {
            let at = metadata.start + random.below(metadata.len());
            bytes[at] =
                if random.once_in(3) { *random.one_of(&[0, 0x7f, 0xff]) } else { bytes[at] ^ 1 << random.below(8) };
            places.push(format!("{at:#x}"));
        }
        fs::write(self.folder.join(file), bytes)?;
        Ok(format!("with {file} changed at {}", places.join(", ")))
    }

    fn restore(&self) -> Result<()> {
        for (file, bytes) in &self.files {
            fs::write(self.folder.join(file), bytes)?;
        }
        Ok(())
    }

    fn blob(&self, file: &str) -> Result<Blob, Fault> {
        Ok(Blob::from_bytes(fs::read(self.folder.join(file)).map_err(|it| Fault::Io(it.to_string()))?))
    }

    /// How many images have error correction; each is to be what ours makes of it.
    fn corrections(&self) -> Result<u64> {
        let own = self.blob(&self.image)?;
        let vbmeta = Vbmeta::read(&own, structure::behind(&own)?.unwrap_or(0))?;
        let mut n = 0;
        for cover in &vbmeta.covers {
            let Covers::Hashtree(descriptor) = cover else { continue };
            let Some(fec) = Fec::of(descriptor) else { continue };
            let image = match descriptor.digest.partition.as_str() {
                "" => own.clone(),
                name => self.blob(&format!("{name}.img"))?,
            };
            let differing: Result<Vec<_>, _> = fec.pieces().map(|it| fec.differing(&image, it)).collect();
            if let Some(why) = fec.misfit(&image).or(differing?.concat().first().map(|it| format!("other at {it:#x}")))
            {
                bail!("{}: {why}", self.name);
            }
            n += 1;
        }
        Ok(n)
    }

    /// Whether the metadata are signed, or not meant to be, and cover the images that are there with their trees.
    fn verifies(&self) -> Result<bool, Fault> {
        let own = self.blob(&self.image)?;
        let vbmeta = Vbmeta::read(&own, structure::behind(&own)?.unwrap_or(0))?;
        let mut holds = matches!(vbmeta.signature, Signature::Holds | Signature::None);
        for cover in &vbmeta.covers {
            let image = |partition: &str| match partition {
                "" => Ok(own.clone()),
                name => self.blob(&format!("{name}.img")),
            };
            holds &= match cover {
                Covers::Hash(descriptor) => verify::avb::equals(descriptor, &image(&descriptor.digest.partition)?)?,
                Covers::Hashtree(descriptor) => {
                    let image = image(&descriptor.digest.partition)?;
                    let tree = Hashtree::of(descriptor)?;
                    let leaves: Result<Vec<Vec<u8>>, Fault> = tree.pieces().map(|it| tree.leaves(&image, it)).collect();
                    let checked = tree.check(&image, leaves?.concat());
                    checked.equal && checked.tree_equal
                }
                Covers::Chain { partition, public_key, rollback_index_location } => {
                    *rollback_index_location == 1
                        && self.chain.as_ref().is_some_and(|it| it.0 == *partition && it.1 == *public_key)
                }
            };
        }
        Ok(holds)
    }
}

/// Images for every algorithm and kind of descriptor.
fn made(options: &Options, work: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (algorithm, key) in ALGORITHMS {
        let mut own =
            vec!["--algorithm".to_owned(), algorithm.to_owned(), "--rollback_index".to_owned(), "7".to_owned()];
        own.extend(["--prop", "com.android.build.boot.os_version:13"].map(str::to_owned));
        if !key.is_empty() {
            own.extend(["--key".to_owned(), options.keys.join(key).display().to_string()]);
        }
        for (footer, hash) in FOOTERS {
            let folder = work.join(format!("{algorithm}-{footer}-{hash}"));
            fs::create_dir_all(&folder)?;
            let bytes: Vec<u8> = (0..BLOCKS * 4096).map(|it: usize| (it / 4096 * 7 + it) as u8).collect();
            fs::write(folder.join("image.img"), bytes)?;
            let mut command = options.command(footer);
            command.arg("--image").arg(folder.join("image.img")).args(&own);
            command.args(["--partition_name", "image", "--partition_size", "1048576", "--hash_algorithm", hash]);
            command.args(["--salt", "aee087a5be3b982978c923f566a94613"]);
            let with_fec = options.fec && footer == "add_hashtree_footer" && hash != "sha1";
            if footer == "add_hashtree_footer" && !with_fec {
                command.arg("--do_not_generate_fec");
            }
            run_made(command)?;
            let kind = if with_fec { format!("{footer} {hash}, FEC") } else { format!("{footer} {hash}") };
            let name = format!("{algorithm} {footer} {hash}");
            cases.push(Case::new(&kind, &name, folder.clone(), "image.img")?);
            if hash != "sha256" {
                continue;
            }
            // Metadata of their own over this image, with text for the kernel and a partition that is named by key.
            let chained = options.keys.join("testkey_rsa4096.pem");
            let (vbmeta, key) = (folder.join("vbmeta.img"), folder.join("chain.bin"));
            let mut command = options.command("extract_public_key");
            command.arg("--key").arg(chained).arg("--output").arg(&key);
            run_made(command)?;
            let mut command = options.command("make_vbmeta_image");
            command.arg("--output").arg(&vbmeta).args(&own).arg("--include_descriptors_from_image");
            command.arg(folder.join("image.img")).args(["--kernel_cmdline", "androidboot.vbmeta=1"]);
            command.args(["--chain_partition", &format!("vendor:1:{}", key.display()), "--padding_size", "4096"]);
            run_made(command)?;
            let name = format!("{algorithm} make_vbmeta_image over {footer}");
            let chain = Some(("vendor".to_owned(), fs::read(&key)?));
            cases.push(Case { chain, ..Case::new("make_vbmeta_image", &name, folder, "vbmeta.img")? });
        }
    }
    Ok(cases)
}

/// The digest over metadata and those that they name by key, as avbtool computes it and as an attestation is compared.
fn digests(options: &Options, work: &Path) -> Result<()> {
    let mut n = 0;
    for (algorithm, key) in ALGORITHMS.iter().filter(|it| !it.1.is_empty()) {
        let folder = work.join(format!("digest-{algorithm}"));
        fs::create_dir_all(&folder)?;
        let own = ["--algorithm", algorithm, "--key"].map(str::to_owned);
        let own = own.into_iter().chain([options.keys.join(key).display().to_string()]).collect::<Vec<_>>();
        let public = folder.join("chain.bin");
        let mut command = options.command("extract_public_key");
        command.args(&own[2..]).arg("--output").arg(&public);
        run_made(command)?;
        let mut command = options.command("make_vbmeta_image");
        command.arg("--output").arg(folder.join("vbmeta.img")).args(&own).args(["--padding_size", "4096"]);
        for (location, (partition, footer)) in
            [("boot", "add_hash_footer"), ("vendor", "add_hashtree_footer")].into_iter().enumerate()
        {
            let image = folder.join(format!("{partition}.img"));
            fs::write(&image, vec![location as u8 + 1; BLOCKS * 4096])?;
            let mut footer = options.command(footer);
            footer.arg("--image").arg(&image).args(&own).args(["--partition_name", partition]);
            footer.args(["--partition_size", "1048576"]);
            if partition == "vendor" {
                footer.arg("--do_not_generate_fec");
            }
            run_made(footer)?;
            command.args(["--chain_partition", &format!("{partition}:{}:{}", location + 1, public.display())]);
        }
        run_made(command)?;
        let mut command = options.command("calculate_vbmeta_digest");
        let said = command.arg("--image").arg(folder.join("vbmeta.img")).output()?;
        let theirs = String::from_utf8(said.stdout)?.trim().to_owned();
        let store = Store::small();
        let found = scan::walk(scan::open(&[folder])?, &Want::Names, &store, &Silent);
        let digests = scan::vbmeta_digests(&found, &store);
        let [(_, Ok(ours))] = digests.as_slice() else { bail!("{algorithm}: {digests:?}") };
        let ours: String = ours.sha256.iter().map(|it| format!("{it:02x}")).collect();
        if ours != theirs {
            bail!("{algorithm}: the digest over all metadata is {theirs} for avbtool, {ours} for postern");
        }
        n += 1;
    }
    println!("the digest over metadata that name two others is the same in {n} of {n} sets");
    Ok(())
}

impl Options {
    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new("python3");
        command.arg(&self.avbtool).arg(subcommand);
        command
    }
}

fn run_made(mut command: Command) -> Result<()> {
    let made = command.output().context("python3 cannot be started")?;
    if !made.status.success() {
        bail!("avbtool made no image: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(())
}

/// The payloads of all APEX files under a folder.
fn apexes(folder: &Path, work: &Path) -> Result<Vec<Case>> {
    let (mut cases, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "apex") {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let into = work.join(format!("{}-{name}", cases.len()));
                fs::create_dir_all(&into)?;
                fs::write(into.join("apex_payload.img"), payload_of(&fs::read(&path)?)?)?;
                cases.push(Case::new("APEX", &name, into, "apex_payload.img")?);
            }
        }
    }
    Ok(cases)
}

fn payload_of(apex: &[u8]) -> Result<Vec<u8>> {
    let artifact = Artifact {
        id: ArtifactId(0),
        parent: None,
        name: "module.apex".to_owned(),
        raw_name: b"module.apex".to_vec(),
        depth: 0,
        blob: Blob::from_bytes(apex.to_vec()),
        node: Node::file(),
    };
    let mut reading = Reading::new(&artifact, Store::small(), u64::MAX);
    formats::read(&artifact, &mut reading);
    let payload = reading.children.iter().find(|it| it.name == b"apex_payload.img").context("no payload")?;
    Ok(payload.blob.bytes("bytes of a payload", 1 << 28)?)
}

/// avbtool, loaded once.
struct Avbtool {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Avbtool {
    fn start(avbtool: &Path, work: &Path) -> Result<Avbtool> {
        let script = work.join("avb_verify.py");
        fs::write(&script, include_str!("avb_verify.py"))?;
        let mut command = Command::new("python3");
        command.arg(script).arg(avbtool).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("python3 cannot be started")?;
        let (input, output) = (child.stdin.take().context("stdin")?, child.stdout.take().context("stdout")?);
        Ok(Avbtool { child, input, output: BufReader::new(output) })
    }

    /// `verifies`, or why not.
    fn ask(&mut self, case: &Case) -> Result<String> {
        let image = case.folder.join(&case.image);
        let key = case.folder.join("chain.bin");
        let chain = case.chain.as_ref().map(|it| format!("{}:1:{}", it.0, key.display())).unwrap_or_default();
        writeln!(self.input, "{}\t{chain}", image.display())?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("avbtool ended");
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Avbtool {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = (self.child.kill(), self.child.wait());
    }
}

const BLOCKS: usize = 150;

const ALGORITHMS: [(&str, &str); 7] = [
    ("NONE", ""),
    ("SHA256_RSA2048", "testkey_rsa2048.pem"),
    ("SHA256_RSA4096", "testkey_rsa4096.pem"),
    ("SHA256_RSA8192", "testkey_rsa8192.pem"),
    ("SHA512_RSA2048", "testkey_rsa2048.pem"),
    ("SHA512_RSA4096", "testkey_rsa4096.pem"),
    ("SHA512_RSA8192", "testkey_rsa8192.pem"),
];

const FOOTERS: [(&str, &str); 6] = [
    ("add_hash_footer", "sha256"),
    ("add_hash_footer", "sha512"),
    ("add_hashtree_footer", "sha1"),
    ("add_hashtree_footer", "sha256"),
    ("add_hashtree_footer", "sha512"),
    ("add_hashtree_footer", "blake2b-256"),
];
