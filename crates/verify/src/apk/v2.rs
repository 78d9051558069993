//! The APK Signature Scheme v2.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/v2/V2SchemeVerifier.java`.

use model::{Fault, Reader};

use super::problem::{Kind, Problems};
use super::signer::{self, Kinds, Signatures, Signer, SignerFault, prefixed};
use super::{Apk, Levels};

/// What the scheme says.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong; empty where it verifies.
    pub problems: Problems,
    /// The signers.
    pub signers: Vec<Signer>,
}

/// Verifies the value of the scheme. `known` are the schemes that the levels know, `found` the newer ones that the
/// package has.
pub fn verify(apk: &Apk, value: &[u8], levels: Levels, known: &[u32], found: &[u32]) -> Result<Verified, Fault> {
    let mut problems = Problems::default();
    let mut signers = Vec::new();
    let names = [Kind::V2MalformedSigners, Kind::V2NoSigners, Kind::V2MalformedSigner];
    signer::signers(value, &mut problems, names, |record, _| {
        let mut signer = Signer::default();
        let read = read_signer(record, &mut signer, levels, known, found);
        signers.push(signer);
        read
    });
    if SIGNERS_MAX < signers.len() {
        problems.add(Kind::V2MaxSignaturesExceeded);
    }
    if problems.is_empty() {
        apk.hold_content(&signers, Kind::V2ApkDigestDidNotVerify, &mut problems)?;
    }
    Ok(Verified { problems, signers })
}

fn read_signer(
    mut record: Reader,
    signer: &mut Signer,
    levels: Levels,
    known: &[u32],
    found: &[u32],
) -> Result<(), SignerFault> {
    let signed = prefixed(&mut record)?;
    let signatures = prefixed(&mut record)?;
    let key = prefixed(&mut record)?.rest();
    let signatures = Signatures::read(signatures, key, &KINDS)?;
    signer.contents = signatures.verify(signed.rest(), levels.min, levels.max, &KINDS)?;
    let mut signed = signed;
    let digests = prefixed(&mut signed)?;
    let certificates = prefixed(&mut signed)?;
    let mut attributes = prefixed(&mut signed)?;
    signatures.fill(signer, digests, certificates, &KINDS)?;
    let mut is_stripped = false;
    while !attributes.is_empty() {
        let read = |attributes: &mut Reader| -> Result<(u32, Option<u32>), Fault> {
            let mut attribute = prefixed(attributes)?;
            let id = attribute.u32_le("id of an attribute")?;
            let scheme = if id == STRIPPING_PROTECTION { Some(attribute.u32_le("scheme")?) } else { None };
            Ok((id, scheme))
        };
        let (_, scheme) = read(&mut attributes).map_err(|_| Kind::V2MalformedAdditionalAttribute)?;
        is_stripped |= scheme.is_some_and(|it| known.contains(&it) && !found.contains(&it));
    }
    if is_stripped { Err(Kind::V2MissingApkSigReferenced.into()) } else { Ok(()) }
}

const KINDS: Kinds = Kinds {
    malformed_signature: Kind::V2MalformedSignature,
    no_signatures: Kind::V2NoSignatures,
    no_supported_signatures: Kind::V2NoSupportedSignatures,
    malformed_public_key: Kind::V2MalformedPublicKey,
    verify_exception: Kind::V2VerifyException,
    did_not_verify: Kind::V2DidNotVerify,
    malformed_certificate: Kind::V2MalformedCertificate,
    no_certificates: Kind::V2NoCertificates,
    public_key_mismatch: Kind::V2PublicKeyMismatch,
    malformed_digest: Kind::V2MalformedDigest,
    sig_alg_mismatch: Kind::V2SigAlgMismatch,
};

/// The number of the scheme's pair in the signing block.
pub const BLOCK_ID: u32 = 0x7109_871a;
const STRIPPING_PROTECTION: u32 = 0xbeef_f00d;

/// Android's own bound.
const SIGNERS_MAX: usize = 10;
