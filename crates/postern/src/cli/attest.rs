//! `postern attest`: what a phone's secure hardware states about the system that it booted, and whether to believe it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use knowledge::{AttestationUse, Knowledge};
use report::escape::visible;
use scan::Want;
use verify::apk::base64;
use verify::attest::chain::{Chain, Problem, Root};
use verify::attest::record::{Authorizations, BootState, KeyDescription, SecurityLevel};
use verify::attest::revoked::Revoked;
use verify::transparency::{self, Checkpoint, Proof};

use super::{Common, look};

/// Verify a key attestation: which system a phone booted, stated by its secure hardware
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern attest chain.pem                                     verify a chain, and say what it states
  postern attest chain.pem --revoked status.json --date 2026-03-01
  postern attest chain.pem --image vbmeta.img --image boot.img  is it the system of these images?
  postern attest chain.pem --fingerprint FP --checkpoint checkpoint.txt --proof proof.txt
                                                               does the system stand in Google's log?

CHAIN holds certificates in PEM, or DER one behind the other, that of the attested key first, as Android's KeyStore gives
them. Google's list of revoked certificates is https://android.googleapis.com/attestation/status; a proof is a line
`index N` and a hash a line in Base64 (c2sp.org/tlog-proof).

Exit codes: 0 the chain holds, the phone is locked and booted what its vendor signed, and all that was asked for agrees;
1 something of that is not so; 2 could not run; 3 cannot say.")]
pub struct Attest {
    /// The chain of certificates
    chain: PathBuf,

    /// Google's list of revoked certificates, as a file
    #[arg(long, value_name = "FILE")]
    revoked: Option<PathBuf>,

    /// Hold validity against this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,

    /// Images or a package whose verified-boot metadata the digest is held against
    #[arg(long, value_name = "INPUT")]
    image: Vec<PathBuf>,

    /// The build's fingerprint, as the log of Pixel images names it
    #[arg(long, requires_all = ["checkpoint", "proof"])]
    fingerprint: Option<String>,

    /// A saved checkpoint of that log
    #[arg(long, value_name = "FILE", requires = "fingerprint")]
    checkpoint: Option<PathBuf>,

    /// The proof that the build stands in it
    #[arg(long, value_name = "FILE", requires = "fingerprint")]
    proof: Option<PathBuf>,
}

/// What all lines come to: the worst that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Holds,
    CannotSay,
    DoesNotHold,
}

/// Lines for the reader, and what they come to.
struct Answer {
    lines: Vec<(&'static str, String)>,
    outcome: Outcome,
}

impl Answer {
    fn say(&mut self, what: &'static str, text: impl Into<String>) {
        self.lines.push((what, text.into()));
    }

    fn judge(&mut self, outcome: Outcome, what: &'static str, text: impl Into<String>) {
        self.say(what, text);
        self.outcome = self.outcome.max(outcome);
    }
}

impl Attest {
    /// Verifies and explains.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let day = self.date.as_deref().map(day_of).transpose()?;
        let roots = roots()?;
        let bytes = read(&self.chain)?;
        let Ok(chain) = Chain::read(&bytes, &roots, day.as_deref()) else {
            bail!("{}: no chain of certificates", self.chain.display());
        };
        let mut answer = Answer { lines: Vec::new(), outcome: Outcome::Holds };
        signatures(&chain, &roots, &mut answer);
        self.revocation(&chain, &mut answer)?;
        if let Some(description) = &chain.description {
            statement(description, &mut answer);
            let boot_hash = description.hardware.root_of_trust.as_ref().and_then(|it| it.verified_boot_hash.as_deref());
            self.images(boot_hash, common, &mut answer)?;
            self.log(boot_hash, &mut answer)?;
        }
        let (code, conclusion) = match answer.outcome {
            Outcome::Holds => (0, "secure hardware states that a locked phone booted what its vendor signed"),
            Outcome::DoesNotHold => (1, "what is stated is not to be believed, or not what one would want"),
            Outcome::CannotSay => (3, "it cannot be said what this phone booted"),
        };
        answer.say("conclusion", conclusion);
        let mut out = io::stdout().lock();
        for (what, text) in &answer.lines {
            writeln!(out, "{what:<12}{text}")?;
        }
        Ok(ExitCode::from(code))
    }

    fn revocation(&self, chain: &Chain, answer: &mut Answer) -> anyhow::Result<()> {
        let Some(path) = &self.revoked else {
            answer.say("revocation", "not looked up: give Google's list with --revoked");
            return Ok(());
        };
        let list = Revoked::read(&read(path)?);
        let list = list.map_err(|why| anyhow::anyhow!("{}: no list of revoked certificates: {why}", path.display()))?;
        let mut n = 0;
        for (idx, link) in chain.links.iter().enumerate() {
            if let Some(entry) = list.entry(&link.certificate.serial) {
                let (status, reason) = (visible(&entry.status), visible(&entry.reason));
                answer.judge(Outcome::DoesNotHold, "revocation", format!("certificate {idx} is {status}: {reason}"));
                n += 1;
            }
        }
        if n == 0 {
            answer.say("revocation", format!("none of the certificates is among the {} of the list", list.len()));
        }
        Ok(())
    }

    fn images(&self, boot_hash: Option<&[u8]>, common: &Common, answer: &mut Answer) -> anyhow::Result<()> {
        if self.image.is_empty() {
            return Ok(());
        }
        let Some(boot_hash) = boot_hash else {
            answer.judge(
                Outcome::CannotSay,
                "image",
                "the statement has no digest of the metadata: nothing to compare",
            );
            return Ok(());
        };
        let found = look::open(&self.image, &Want::Names, common)?;
        let digests = scan::vbmeta_digests(&found, &common.store());
        if digests.is_empty() {
            answer.judge(Outcome::CannotSay, "image", "no vbmeta partition in it: nothing to compare");
        }
        // Of several slots or packages, one is what runs.
        let is_one = digests.iter().any(|it| it.1.as_ref().is_ok_and(|it| it.sha256 == boot_hash));
        for (path, digest) in digests {
            let path = visible(&path).into_owned();
            match digest {
                Ok(digest) if digest.sha256 == boot_hash => {
                    answer.say("image", format!("{path}: this is what the phone booted"));
                }
                _ if is_one => answer.say("image", format!("{path}: not the one that the phone booted")),
                Ok(digest) if !digest.missing.is_empty() => {
                    let missing = visible(&digest.missing.join(", ")).into_owned();
                    answer.judge(
                        Outcome::CannotSay,
                        "image",
                        format!("{path}: the metadata of {missing} are not there"),
                    );
                }
                Ok(digest) => {
                    let text =
                        format!("{path}: its digest is {}, the phone booted another system", hex(&digest.sha256));
                    answer.judge(Outcome::DoesNotHold, "image", text);
                }
                Err(fault) => answer.judge(Outcome::CannotSay, "image", format!("{path}: {fault}")),
            }
        }
        Ok(())
    }

    fn log(&self, boot_hash: Option<&[u8]>, answer: &mut Answer) -> anyhow::Result<()> {
        let (Some(fingerprint), Some(checkpoint), Some(proof)) = (&self.fingerprint, &self.checkpoint, &self.proof)
        else {
            return Ok(());
        };
        let Some(boot_hash) = boot_hash else {
            answer.judge(Outcome::CannotSay, "log", "the statement has no digest of the metadata: nothing to look up");
            return Ok(());
        };
        let (checkpoint, proof) = (text(checkpoint)?, text(proof)?);
        let both = Checkpoint::read(&checkpoint).and_then(|it| Ok((it, Proof::read(&proof)?)));
        let (checkpoint, proof) = both.map_err(|it| anyhow::anyhow!("{}", it.0))?;
        let mut logs = Knowledge::bundled().attestation_keys.iter().filter(|it| it.signs == AttestationUse::Log);
        let signer = logs.find(|it| base64(&it.public_key).is_some_and(|key| checkpoint.is_signed_by(&it.name, &key)));
        let Some(signer) = signer else {
            answer.judge(Outcome::DoesNotHold, "log", "the checkpoint is not signed by a log that is known");
            return Ok(());
        };
        match proof.includes(&transparency::pixel_entry(fingerprint, boot_hash), &checkpoint) {
            true => answer.say("log", format!("the build is entry {} of {}", proof.index, signer.name)),
            false => {
                let text = format!("the proof does not lead from this build to the checkpoint of {}", signer.name);
                answer.judge(Outcome::DoesNotHold, "log", text);
            }
        }
        Ok(())
    }
}

fn signatures(chain: &Chain, roots: &[Root], answer: &mut Answer) {
    let n = chain.links.len();
    let issued = chain.links.iter().find_map(|it| it.certificates_issued);
    let keys = match issued {
        Some(issued) => format!("{n} certificates; keys provisioned remotely, {issued} lately"),
        None => format!("{n} certificates; keys provisioned in the factory"),
    };
    answer.say("chain", keys);
    for problem in &chain.problems {
        let text = match *problem {
            Problem::OtherIssuer(idx) => format!("certificate {idx} names another issuer than the next"),
            Problem::NotSigned(idx) => format!("the signature of certificate {idx} does not hold"),
            Problem::Unsupported(idx) => format!("the signature of certificate {idx} is by an unknown algorithm"),
            Problem::NotValid(idx) => format!("certificate {idx} is not valid on that day"),
            Problem::Extended(idx) => format!("certificate {idx} was made with the attested key: the hardware did not"),
            Problem::NoDescription => "no certificate carries a statement: this is no key attestation".to_owned(),
            Problem::BrokenDescription(idx) => format!("the statement of certificate {idx} cannot be read"),
            Problem::OtherDescription(idx) => {
                format!("the statement of certificate {idx} is in CBOR, which is not read")
            }
        };
        let outcome = match problem {
            Problem::Unsupported(_) | Problem::NoDescription | Problem::OtherDescription(_) => Outcome::CannotSay,
            _ => Outcome::DoesNotHold,
        };
        answer.judge(outcome, "chain", text);
    }
    match chain.root.and_then(|it| roots.get(it)) {
        Some(root) if root.is_hardware && chain.problems.is_empty() => {
            answer.say("root", format!("signed up to {}, Google's root for hardware", root.name));
        }
        Some(root) if root.is_hardware => answer.say("root", format!("{}, Google's root for hardware", root.name)),
        Some(root) => {
            let text = format!("{}: its keys are published, anyone can make such a chain", root.name);
            answer.judge(Outcome::DoesNotHold, "root", text);
        }
        None => answer.judge(Outcome::CannotSay, "root", "not known: anyone could have made this chain"),
    }
}

fn statement(description: &KeyDescription, answer: &mut Answer) {
    let level = |level| match level {
        SecurityLevel::Software => "the running system".to_owned(),
        SecurityLevel::TrustedEnvironment => "the trusted execution environment".to_owned(),
        SecurityLevel::StrongBox => "a secure chip (StrongBox)".to_owned(),
        SecurityLevel::Unknown(number) => format!("an unknown level ({number})"),
    };
    let (by, kept) = (level(description.attestation_level), level(description.keymint_level));
    let text = format!("version {}, made by {by}; the key is kept in {kept}", description.attestation_version);
    match description.is_hardware() {
        true => answer.say("statement", text),
        false => answer.judge(Outcome::CannotSay, "statement", text),
    }
    answer.say("challenge", hex(&description.challenge));
    let hardware = &description.hardware;
    match &hardware.root_of_trust {
        None => answer.judge(Outcome::CannotSay, "boot", "hardware states nothing about what was booted"),
        Some(root) => {
            let outcome = |is_well| if is_well { Outcome::Holds } else { Outcome::DoesNotHold };
            let lock = if root.device_locked { "locked" } else { "unlocked: anything can be flashed" };
            answer.judge(outcome(root.device_locked), "boot loader", lock);
            let state = match root.state {
                BootState::Verified => "verified with the vendor's key".to_owned(),
                BootState::SelfSigned => "verified with a key that the user set".to_owned(),
                BootState::Unverified => "not verified".to_owned(),
                BootState::Failed => "verification failed".to_owned(),
                BootState::Unknown(number) => format!("unknown ({number})"),
            };
            answer.judge(outcome(root.state == BootState::Verified), "boot state", state);
            boot_key(&root.verified_boot_key, root.state, answer);
            let metadata = root.verified_boot_hash.as_deref().map_or("not stated".to_owned(), hex);
            answer.say("metadata", metadata);
        }
    }
    answer.say("system", system(hardware));
    if !hardware.ids.is_empty() {
        let ids: Vec<String> = hardware.ids.iter().map(|it| format!("{} {}", it.0, visible(&it.1))).collect();
        answer.say("phone", ids.join(", "));
    }
    if let Some(app) = &description.software.app {
        let packages: Vec<String> = app.packages.iter().map(|it| format!("{} {}", visible(&it.0), it.1)).collect();
        let signers: Vec<String> = app.signatures.iter().map(|it| hex(it)).collect();
        answer.say("asked by", format!("{}, signed by {}", packages.join(", "), signers.join(", ")));
    }
    if let Some(hash) = hardware.module_hash.as_ref().or(description.software.module_hash.as_ref()) {
        answer.say("modules", hex(hash));
    }
}

/// The key that verified the system, by its hash.
fn boot_key(key: &[u8], state: BootState, answer: &mut Answer) {
    let hex = hex(key);
    let published = Knowledge::bundled().avb_keys.iter().find(|it| it.sha256 == hex);
    match (key.iter().any(|it| *it != 0), published) {
        (false, _) if state == BootState::Verified => {
            answer.judge(Outcome::CannotSay, "boot key", "none is named, although the system was verified");
        }
        (false, _) => answer.say("boot key", "none"),
        (true, Some(row)) if row.private_known => {
            let text = format!("{hex}: {}, whose private key is published: anyone can sign", row.name);
            answer.judge(Outcome::DoesNotHold, "boot key", text);
        }
        (true, Some(row)) => answer.say("boot key", format!("{hex}: {}", row.name)),
        (true, None) => answer.say("boot key", hex),
    }
}

/// Versions and patch levels that hardware states.
fn system(hardware: &Authorizations) -> String {
    let day = |level: u64| match level {
        ..1_000_000 => format!("{}-{:02}", level / 100, level % 100),
        _ => format!("{}-{:02}-{:02}", level / 10_000, level / 100 % 100, level % 100),
    };
    let version = hardware.os_version.map(|it| format!("Android {}.{}.{}", it / 10_000, it / 100 % 100, it % 100));
    let levels = [
        ("patches of", hardware.os_patch_level),
        ("vendor", hardware.vendor_patch_level),
        ("boot", hardware.boot_patch_level),
    ];
    let levels = levels.into_iter().filter_map(|it| Some(format!("{} {}", it.0, day(it.1?))));
    let all: Vec<String> = version.into_iter().chain(levels).collect();
    if all.is_empty() { "hardware states no version".to_owned() } else { all.join(", ") }
}

fn roots() -> anyhow::Result<Vec<Root>> {
    let keys = Knowledge::bundled().attestation_keys.iter().filter(|it| it.signs != AttestationUse::Log);
    keys.map(|it| {
        let spki = base64(&it.public_key).with_context(|| format!("the key {} is no Base64", it.name))?;
        Ok(Root { name: it.name.clone(), spki, is_hardware: it.signs == AttestationUse::Hardware })
    })
    .collect()
}

fn day_of(date: &str) -> anyhow::Result<String> {
    let digits: String = date.split('-').collect();
    if digits.len() != 8 || date.len() != 10 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        bail!("--date wants YYYY-MM-DD");
    }
    Ok(digits)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if FILE_MAX < size {
        bail!("{}: {size} bytes are more than such a file has", path.display());
    }
    fs::read(path).with_context(|| path.display().to_string())
}

fn text(path: &Path) -> anyhow::Result<String> {
    String::from_utf8(read(path)?).with_context(|| path.display().to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// The list of revoked certificates has a few hundred KiB.
const FILE_MAX: u64 = 64 << 20;
