//! The APK Signature Scheme v4: an `.idsig` file beside the package, with a tree over all its bytes.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning/v4>, AOSP `tools/apksig`,
//! `internal/apk/v4/V4Signature.java`, `V4SchemeVerifier.java`.

use model::{Blob, Fault, Reader};

use super::algorithm;
use super::digest;
use super::problem::{Kind, Problems};
use super::signer::prefixed;
use crate::certificate::Certificate;
use crate::key::PublicKey;

/// What the scheme says.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong; empty where it verifies.
    pub problems: Problems,
    /// Each signer's certificate and the digest of the package that it states.
    pub signers: Vec<(Certificate, Vec<u8>)>,
}

/// Verifies the file against the package.
pub fn verify(apk: &Blob, idsig: &Blob) -> Result<Verified, Fault> {
    let bytes = idsig.bytes("bytes of a v4 signature", FILE_MAX)?;
    let mut file = Reader::new(&bytes);
    let mut verified = Verified::default();
    if file.u32_le("version")? != VERSION {
        return Err(Fault::malformed("version", 0));
    }
    let mut hashing = prefixed(&mut file)?;
    let hashing_bytes = hashing.rest();
    hashing.skip(5, "algorithm and block size")?;
    prefixed(&mut hashing)?;
    let root = prefixed(&mut hashing)?.rest();
    let hashed_len = hashing_bytes.len().saturating_sub(hashing.remaining());
    let hashing_bytes = hashing_bytes.get(..hashed_len).unwrap_or_default();
    let mut infos = prefixed(&mut file)?;
    // The tree is optional; one that is cut short is none.
    let stated_tree = prefixed(&mut file).ok().map(|it| it.rest());
    verify_info(&mut infos, apk.len(), hashing_bytes, &mut verified)?;
    while verified.problems.is_empty() && !infos.is_empty() {
        if SIGNERS_MAX <= verified.signers.len() {
            return Err(Fault::Limit { what: "signers of a v4 signature", bound: SIGNERS_MAX as u64 });
        }
        infos.skip(4, "id of a block")?;
        let mut info = prefixed(&mut infos)?;
        verify_info(&mut info, apk.len(), hashing_bytes, &mut verified)?;
    }
    if !verified.problems.is_empty() {
        return Ok(verified);
    }
    // As AOSP does: SHA-256 over pages of 4 KiB without salt, whatever the file states.
    let tree = digest::tree(apk, &[])?;
    if tree.root != root {
        verified.problems.add(Kind::V4ApkRootDidNotVerify);
    } else if stated_tree.is_some_and(|it| it != tree.bytes) {
        verified.problems.add(Kind::V4ApkTreeDidNotVerify);
    }
    Ok(verified)
}

fn verify_info(info: &mut Reader, apk_len: u64, hashing: &[u8], verified: &mut Verified) -> Result<(), Fault> {
    let start = info.rest();
    let apk_digest = prefixed(info)?.rest();
    let encoded = prefixed(info)?.rest();
    prefixed(info)?;
    let signed_len = start.len().saturating_sub(info.remaining());
    let signed_info = start.get(..signed_len).unwrap_or_default();
    let key = prefixed(info)?.rest();
    let id = info.u32_le("signature algorithm")?;
    let signature = prefixed(info)?.rest();
    let problems = &mut verified.problems;
    let Some(algorithm) = algorithm::by_id(id) else {
        problems.add(Kind::V4UnknownSigAlgorithm);
        return Ok(());
    };
    let Some(public_key) = PublicKey::read(key).ok().filter(|it| algorithm.fits(it)) else {
        problems.add(Kind::V4MalformedPublicKey);
        return Ok(());
    };
    let size = hashing.len().saturating_add(signed_info.len()).saturating_add(12);
    let size = u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    let message = [&size, &apk_len.to_le_bytes()[..], hashing, signed_info].concat();
    match algorithm.verifies(&public_key, &message, signature) {
        Ok(true) => {}
        Ok(false) => {
            problems.add(Kind::V4DidNotVerify);
            return Ok(());
        }
        Err(_) => {
            problems.add(Kind::V4VerifyException);
            return Ok(());
        }
    }
    match Certificate::read_with_key(encoded) {
        Ok(certificate) if certificate.spki == key => verified.signers.push((certificate, apk_digest.to_vec())),
        Ok(_) => problems.add(Kind::V4PublicKeyMismatch),
        Err(_) => problems.add(Kind::V4MalformedCertificate),
    }
    Ok(())
}

const VERSION: u32 = 2;

/// A tree has a 127th of the package.
const FILE_MAX: u64 = 128 << 20;

/// AOSP allows 7 KiB for all.
const SIGNERS_MAX: usize = 16;
