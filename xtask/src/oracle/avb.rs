//! Verified boot beside AOSP's avbtool: images that it makes, and the same with one byte changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use model::{Blob, Fault};
use verify::avb::hashtree::Hashtree;
use verify::avb::structure::{Covers, Signature, Vbmeta};

use crate::fuzz::random::Random;

/// What was asked for.
pub struct Options {
    avbtool: PathBuf,
    keys: PathBuf,
    mutate: u64,
}

impl Options {
    /// Reads `AVBTOOL KEYS [--mutate N]`.
    pub fn of(words: &[&str]) -> Result<Options> {
        let [avbtool, keys, rest @ ..] = words else { bail!("the oracle wants avbtool.py and a folder of keys") };
        let mutate = match rest {
            [] => 4,
            ["--mutate", n] => n.parse().context("--mutate")?,
            _ => bail!("the oracle knows only --mutate N"),
        };
        Ok(Options { avbtool: PathBuf::from(avbtool), keys: PathBuf::from(keys), mutate })
    }
}

/// Makes images, asks both, prints where they differ.
pub fn run(options: &Options) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let work = root.join("target/oracle/avb");
    fs::create_dir_all(&work)?;
    let image = work.join("image.img");
    let (mut n, mut wrong) = (0u64, 0u64);
    for (algorithm, key) in ALGORITHMS {
        for (footer, hash) in FOOTERS {
            let bytes: Vec<u8> = (0..BLOCKS * 4096).map(|it: usize| (it / 4096 * 7 + it) as u8).collect();
            fs::write(&image, bytes)?;
            let mut command = Command::new("python3");
            command.arg(&options.avbtool).arg(footer).arg("--image").arg(&image);
            command.args(["--partition_name", "image", "--partition_size", "2097152", "--hash_algorithm", hash]);
            command.args(["--algorithm", algorithm, "--salt", "aee087a5be3b982978c923f566a94613"]);
            if !key.is_empty() {
                command.arg("--key").arg(options.keys.join(key));
            }
            if footer == "add_hashtree_footer" {
                command.arg("--do_not_generate_fec");
            }
            let made = command.output().context("python3 cannot be started")?;
            if !made.status.success() {
                bail!("avbtool made no image: {}", String::from_utf8_lossy(&made.stderr));
            }
            let good = fs::read(&image)?;
            for case in 0..=options.mutate {
                let mut bytes = good.clone();
                let mut random = Random::new(1, n);
                let at = if random.once_in(2) { random.below(BLOCKS * 4096) } else { random.below(bytes.len()) };
                if case != 0 {
                    bytes[at] ^= 1 << random.below(8);
                    fs::write(&image, &bytes)?;
                }
                let mut avbtool = Command::new("python3");
                avbtool.arg(&options.avbtool).args(["verify_image", "--image"]).arg(&image);
                let theirs = avbtool.output()?.status.success();
                let ours = verifies(&Blob::from_bytes(bytes));
                n += 1;
                if ours.as_ref().is_ok_and(|it| *it) != theirs {
                    wrong += 1;
                    println!(
                        "{algorithm} {footer} {hash}, byte {at:#x} of case {case}: avbtool {theirs}, postern {ours:?}"
                    );
                }
            }
        }
    }
    println!("{n} images, {wrong} differ");
    Ok(())
}

/// Whether the metadata behind the footer are signed, or not meant to be, and the image is the one that they state, with
/// its tree.
fn verifies(image: &Blob) -> Result<bool, Fault> {
    let footer = image.read_at(image.len() - 64, 64)?;
    if !footer.starts_with(b"AVBf\0\0\0\x01") {
        return Ok(false);
    }
    let offset = footer[20..28].iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    let vbmeta = Vbmeta::read(image, offset)?;
    let mut holds = matches!(vbmeta.signature, Signature::Holds | Signature::None);
    for cover in &vbmeta.covers {
        holds &= match cover {
            Covers::Hash(descriptor) => verify::avb::equals(descriptor, image)?,
            Covers::Hashtree(descriptor) => {
                let tree = Hashtree::of(descriptor)?;
                let leaves: Result<Vec<Vec<u8>>, Fault> = tree.pieces().map(|it| tree.leaves(image, it)).collect();
                let checked = tree.check(image, leaves?.concat());
                checked.equal && checked.tree_equal
            }
            Covers::Chain { .. } => true,
        };
    }
    Ok(holds)
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

const FOOTERS: [(&str, &str); 5] = [
    ("add_hash_footer", "sha256"),
    ("add_hash_footer", "sha512"),
    ("add_hashtree_footer", "sha1"),
    ("add_hashtree_footer", "sha256"),
    ("add_hashtree_footer", "blake2b-256"),
];
