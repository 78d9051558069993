//! The APK Signature Scheme v3.2: one signer of ML-DSA and one of an older kind, of which both must hold.
//!
//! Source: AOSP `frameworks/base`, `ApkSignatureSchemeV3Verifier.java` of Android 17. It decides at one API level: for a range
//! the last one does.

use model::Fault;

use super::lineage::{Lineage, Node};
use super::problem::{Kind, Problems};
use super::signer::{self, SignerFault, prefixed};
use super::v3::{self, Asked, Ranged, Version};
use super::{Apk, Levels};

/// What the scheme says.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong; empty where it verifies.
    pub problems: Problems,
    /// The signers that the level goes by, that of ML-DSA first; none where it is for other levels.
    pub signers: Vec<Ranged>,
    /// The levels that its signers are for.
    pub range: Option<Levels>,
    /// The rotation, which ends with the key of ML-DSA.
    pub lineage: Option<Lineage>,
}

/// Verifies the value of the scheme for the last of the levels.
pub fn verify(apk: &Apk, value: &[u8], levels: Levels) -> Result<Verified, Fault> {
    let mut verified = Verified::default();
    let (mut signers, mut range): (Vec<Ranged>, Option<Levels>) = (Vec::new(), None);
    let level = levels.max;
    let asked = Asked { version: Version::V32, levels, hybrid: None };
    let names = [Kind::V3MalformedSigners, Kind::V3NoSigners, Kind::V3MalformedSigner];
    signer::signers(value, &mut verified.problems, names, |record, problems| {
        let own = levels_of(record.clone())?;
        if range.replace(own).is_some_and(|it| it != own) {
            problems.add(Kind::V32SdkRangeMismatch);
        }
        if level < own.min || own.max < level {
            return Ok(());
        }
        let mut ranged = Ranged::default();
        let read = v3::read_signer(record, &mut ranged, asked, problems);
        // A release does not go by what is meant for the version in development before it.
        if !(ranged.for_development && own.min == level) {
            signers.push(ranged);
        }
        read
    });
    verified.range = range;
    if !verified.problems.is_empty() {
        verified.signers = signers;
        return Ok(verified);
    }
    signers.sort_by_key(|it| !it.is_pqc());
    hold(&signers, &mut verified);
    apk.hold_content(signers.iter().map(|it| &it.signer), Kind::V3ApkDigestDidNotVerify, &mut verified.problems)?;
    verified.signers = signers;
    Ok(verified)
}

/// The levels that a signer says it is for.
fn levels_of(mut record: model::Reader) -> Result<Levels, SignerFault> {
    prefixed(&mut record)?;
    Ok(Levels { min: record.i32_le("minSdkVersion")?, max: record.i32_le("maxSdkVersion")? })
}

/// One signer of each kind, with one history and one content.
fn hold(signers: &[Ranged], verified: &mut Verified) {
    let problems = &mut verified.problems;
    let (pqc, classical) = match signers {
        [] => return,
        [pqc, classical] => (pqc, classical),
        _ => return problems.add(Kind::V32InvalidSignerCount),
    };
    if pqc.is_pqc() == classical.is_pqc() {
        problems.add(Kind::V32AlgoTypeCollision);
    }
    let other = |(kind, digest)| classical.signer.known_digests().any(|it| it.0 == kind && it.1 != digest);
    if pqc.signer.known_digests().any(other) {
        problems.add(Kind::V32InconsistentDigests);
    }
    let own = |it: &Ranged| it.signer.certificates.first().cloned();
    let mut lineage = match (&pqc.lineage, &classical.lineage) {
        (Some(pqc), Some(classical)) => {
            hold_history(&pqc.0, &classical.0, problems);
            classical.clone()
        }
        (None, None) => Lineage(own(classical).map(|it| Node { certificate: it, flags: FLAGS }).into_iter().collect()),
        _ => return problems.add(Kind::V32PorMissing),
    };
    // That of ML-DSA follows the other, with what that one was trusted with.
    let flags = lineage.0.last().map_or(FLAGS, |it| it.flags);
    lineage.0.extend(own(pqc).map(|certificate| Node { certificate, flags }));
    verified.lineage = Some(lineage);
}

/// What came before both signers is the same.
fn hold_history(pqc: &[Node], classical: &[Node], problems: &mut Problems) {
    if pqc.len() != classical.len() {
        return problems.add(Kind::V32PorMismatch);
    }
    for (one, other) in pqc.iter().zip(classical).rev().skip(1) {
        if one.certificate.encoded != other.certificate.encoded {
            problems.add(Kind::V32PorMismatch);
        } else if one.flags != other.flags {
            problems.add(Kind::V32PorCapabilityMismatch);
        }
    }
}

/// What a past certificate is trusted with where nothing is said: all but going back to it.
const FLAGS: u32 = 1 | 2 | 4 | 16;
