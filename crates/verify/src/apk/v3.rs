//! The APK Signature Schemes v3 to v3.2: signers by ranges of API levels, with their rotation.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/v3/V3SchemeVerifier.java`.

use model::{Fault, Reader};

use super::lineage::{Lineage, LineageFault};
use super::problem::{Kind, Problems};
use super::signer::{self, Kinds, Signatures, Signer, SignerFault, prefixed};
use super::{Apk, Levels};
use crate::key::PublicKey;

/// What the scheme says.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong; empty where it verifies.
    pub problems: Problems,
    /// The signers with their API levels.
    pub signers: Vec<Ranged>,
    /// The rotation of all signers.
    pub lineage: Option<Lineage>,
}

/// A signer for a range of API levels.
#[derive(Debug, Default)]
pub struct Ranged {
    /// The signer.
    pub signer: Signer,
    /// The first API level.
    pub min: i32,
    /// The last one.
    pub max: i32,
    pub(super) lineage: Option<Lineage>,
    pub(super) for_development: bool,
}

/// Which of the schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// v3.2.
    V32,
    /// v3.1.
    V31,
    /// v3, with the level from which a v3.1 signer takes over, if there is one.
    V3(Option<i32>),
}

/// What is asked of the signers of a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Which scheme it is.
    pub version: Version,
    /// The levels that decide.
    pub levels: Levels,
    /// The levels that v3.2 is for, if the package has it.
    pub hybrid: Option<Levels>,
}

/// Verifies the value of the scheme.
pub fn verify(apk: &Apk, value: &[u8], asked: Asked) -> Result<Verified, Fault> {
    let mut verified = Verified::default();
    let mut signers = Vec::new();
    let names = [Kind::V3MalformedSigners, Kind::V3NoSigners, Kind::V3MalformedSigner];
    signer::signers(value, &mut verified.problems, names, |record, problems| {
        let mut ranged = Ranged::default();
        let read = read_signer(record, &mut ranged, asked, problems);
        signers.push(ranged);
        read
    });
    verified.signers = signers;
    if !verified.problems.is_empty() {
        return Ok(verified);
    }
    let own: Vec<&Signer> = verified.signers.iter().map(|it| &it.signer).collect();
    apk.hold_content(own, Kind::V3ApkDigestDidNotVerify, &mut verified.problems)?;
    hold_ranges(&mut verified, asked);
    if MIN_SDK_V32 <= asked.levels.max && verified.signers.iter().any(Ranged::is_pqc) {
        verified.problems.add(Kind::V3PqcSingleSigner);
    }
    Ok(verified)
}

/// The signers cover the levels without holes, and their lineages only grow.
fn hold_ranges(verified: &mut Verified, Asked { version, levels, hybrid }: Asked) {
    let problems = &mut verified.problems;
    let mut sorted: Vec<&Ranged> = Vec::new();
    for ranged in &verified.signers {
        // Of two that end at one level the last counts.
        sorted.retain(|it| it.max != ranged.max);
        sorted.push(ranged);
    }
    sorted.sort_by_key(|it| it.max);
    let (mut first_min, mut last_max, mut last_len) = (0i32, 0i32, 0);
    let mut lineages: Vec<&Lineage> = Vec::new();
    for ranged in sorted {
        if first_min == 0 {
            first_min = ranged.min;
        } else if ranged.min != last_max.wrapping_add(1) && !(ranged.min == last_max && ranged.for_development) {
            problems.add(Kind::V3InconsistentSdkVersions);
            break;
        }
        last_max = ranged.max;
        if let Some(lineage) = &ranged.lineage {
            if lineage.0.len() < last_len {
                problems.add(Kind::V3InconsistentLineages);
                break;
            }
            last_len = lineage.0.len();
            lineages.push(lineage);
        }
    }
    // From where v3.2 takes over, the schemes before it need no signer.
    let levels = match hybrid {
        Some(hybrid) if hybrid.min <= levels.max && levels.max <= hybrid.max => {
            Levels { min: levels.min, max: hybrid.min.saturating_sub(1).max(1) }
        }
        _ => levels,
    };
    let (needed_min, needed_max) = match version {
        Version::V31 | Version::V32 => (levels.max, levels.max),
        Version::V3(None) => (levels.min, levels.max),
        Version::V3(Some(rotation)) => (levels.min, rotation.saturating_sub(1)),
    };
    if needed_min < first_min || last_max < needed_max {
        problems.add(Kind::V3MissingSdkVersions);
    }
    let mut lineages = lineages.into_iter();
    let mut merged = lineages.next().cloned();
    for lineage in lineages {
        match merged.as_ref().and_then(|it| it.merged(lineage)) {
            Some(both) => merged = Some(both),
            None => {
                problems.add(Kind::V3InconsistentLineages);
                break;
            }
        }
    }
    verified.lineage = merged;
}

/// Reads a signer and verifies its signatures.
pub(super) fn read_signer(
    mut record: Reader,
    ranged: &mut Ranged,
    asked: Asked,
    problems: &mut Problems,
) -> Result<(), SignerFault> {
    let signed = prefixed(&mut record)?;
    ranged.min = record.i32_le("minSdkVersion")?;
    ranged.max = record.i32_le("maxSdkVersion")?;
    if ranged.min < 0 || ranged.max < ranged.min {
        problems.add(Kind::V3InvalidSdkVersions);
    }
    let signatures = prefixed(&mut record)?;
    let key = prefixed(&mut record)?.rest();
    let signatures = Signatures::read(signatures, key, &KINDS)?;
    ranged.signer.contents = signatures.verify(signed.rest(), ranged.min, ranged.max, &KINDS)?;
    let mut signed = signed;
    let digests = prefixed(&mut signed)?;
    let certificates = prefixed(&mut signed)?;
    if signed.i32_le("minSdkVersion")? != ranged.min {
        problems.add(Kind::V3MinSdkMismatch);
    }
    if signed.i32_le("maxSdkVersion")? != ranged.max {
        problems.add(Kind::V3MaxSdkMismatch);
    }
    let mut attributes = prefixed(&mut signed)?;
    let mut stated = Stated::default();
    signatures.fill(&mut ranged.signer, digests, certificates, &KINDS)?;
    while !attributes.is_empty() {
        let attribute = prefixed(&mut attributes);
        let read = attribute.and_then(|it| read_attribute(it, ranged, &mut stated, asked, problems));
        read.map_err(|_| Kind::V3MalformedAdditionalAttribute)?;
    }
    if MIN_SDK_V32 <= asked.levels.max && asked.version != Version::V32 {
        stated.hold(asked.hybrid, problems);
    }
    Ok(())
}

/// The levels that a signer of v3 or v3.1 says v3.2 is for: else v3.2 could be taken away unnoticed.
#[derive(Default)]
struct Stated {
    min: Option<i32>,
    max: Option<i32>,
}

impl Stated {
    fn hold(&self, hybrid: Option<Levels>, problems: &mut Problems) {
        match (self, hybrid) {
            (Stated { min: None, max: None }, _) => {}
            (Stated { min: None, max: Some(_) }, _) => problems.add(Kind::V32MaxAttrWithoutMinAttr),
            (Stated { min: Some(_), .. }, None) => problems.add(Kind::V32BlockStripped),
            (Stated { min: Some(min), max }, Some(hybrid)) => {
                if *min != hybrid.min || max.is_some_and(|it| it != hybrid.max) {
                    problems.add(Kind::V32SdkAttrMismatch);
                }
            }
        }
    }
}

impl Ranged {
    /// Whether its key is of ML-DSA.
    pub(super) fn is_pqc(&self) -> bool {
        let key = self.signer.certificates.first().and_then(|it| it.key().ok());
        matches!(key, Some(PublicKey::MlDsa65(_) | PublicKey::MlDsa87(_)))
    }
}

fn read_attribute(
    mut attribute: Reader,
    ranged: &mut Ranged,
    stated: &mut Stated,
    Asked { version, levels, .. }: Asked,
    problems: &mut Problems,
) -> Result<(), Fault> {
    match attribute.u32_le("id of an attribute")? {
        PROOF_OF_ROTATION => match Lineage::read(attribute.rest()) {
            Ok(lineage) => {
                let own = ranged.signer.certificates.first();
                let position = own.and_then(|it| lineage.position(it));
                if position.is_none_or(|it| it.saturating_add(1) != lineage.0.len()) {
                    problems.add(Kind::V3PorCertMismatch);
                }
                ranged.lineage = Some(lineage);
            }
            Err(LineageFault::NotSigned) => problems.add(Kind::V3PorDidNotVerify),
            Err(LineageFault::Other) => problems.add(Kind::V3PorCertMismatch),
            Err(LineageFault::Malformed) => problems.add(Kind::V3MalformedLineage),
        },
        ROTATION_MIN_SDK if MIN_SDK_V31 <= levels.max => {
            let stated = attribute.i32_le("minSdkVersion of the rotation")?;
            match version {
                Version::V3(Some(rotation)) if rotation == stated => {}
                Version::V3(Some(_)) => problems.add(Kind::V31RotationMinSdkMismatch),
                Version::V3(None) | Version::V31 | Version::V32 => problems.add(Kind::V31BlockMissing),
            }
        }
        HYBRID_MIN_SDK => stated.min = Some(attribute.i32_le("minSdkVersion of v3.2")?),
        HYBRID_MAX_SDK => stated.max = Some(attribute.i32_le("maxSdkVersion of v3.2")?),
        ROTATION_ON_DEV_RELEASE => ranged.for_development = true,
        _ => {}
    }
    Ok(())
}

const KINDS: Kinds = Kinds {
    malformed_signature: Kind::V3MalformedSignature,
    no_signatures: Kind::V3NoSignatures,
    no_supported_signatures: Kind::V3NoSupportedSignatures,
    malformed_public_key: Kind::V3MalformedPublicKey,
    verify_exception: Kind::V3VerifyException,
    did_not_verify: Kind::V3DidNotVerify,
    malformed_certificate: Kind::V3MalformedCertificate,
    no_certificates: Kind::V3NoCertificates,
    public_key_mismatch: Kind::V3PublicKeyMismatch,
    malformed_digest: Kind::V3MalformedDigest,
    sig_alg_mismatch: Kind::V3SigAlgMismatch,
};

/// The number of the pair of v3 in the signing block.
pub const BLOCK_ID: u32 = 0xf053_68c0;
/// The number of the pair of v3.1.
pub const BLOCK_ID_V31: u32 = 0x1b93_ad61;
/// The number of the pair of v3.2.
pub const BLOCK_ID_V32: u32 = 0x70e1_c89f;
/// The first API level that looks for v3.2.
pub const MIN_SDK_V32: i32 = 37;
/// The first API level that looks for v3.1.
pub const MIN_SDK_V31: i32 = 33;

const PROOF_OF_ROTATION: u32 = 0x3ba0_6f8c;
const ROTATION_MIN_SDK: u32 = 0x559f_8b02;
const ROTATION_ON_DEV_RELEASE: u32 = 0xc2a6_b3ba;
const HYBRID_MIN_SDK: u32 = 0xbf94_0529;
const HYBRID_MAX_SDK: u32 = 0x9f06_b79c;
