//! The stamp of a store over the digests of the other schemes.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/stamp/SourceStampVerifier.java`.

use model::{Fault, Reader};

use super::Levels;
use super::algorithm::{self, Known};
use super::lineage::{Lineage, LineageFault};
use super::problem::Kind;
use super::signer::prefixed;
use crate::certificate::Certificate;
use crate::hash::Hash;

/// The digests of a scheme, by its number: AOSP's number of each digest's kind (`ContentDigestAlgorithm`) and its bytes.
pub type SchemeDigests = Vec<(u32, Vec<(u32, Vec<u8>)>)>;

/// The kind of the digest that the JAR scheme contributes: SHA-256 of the manifest.
pub const MANIFEST_SHA256: u32 = 4;

/// The stamp's certificate, if it can be read.
pub fn certificate_of(value: &[u8]) -> Option<Certificate> {
    let mut stamp = prefixed(&mut Reader::new(value)).ok()?;
    Certificate::read(prefixed(&mut stamp).ok()?.rest()).ok()
}

/// Verifies the stamp's value. `expected` is the hash of its certificate that the package's entry states.
pub fn verify(value: &[u8], expected: &[u8], schemes: &SchemeDigests, levels: Levels) -> Result<(), Kind> {
    let mut stamp = prefixed(&mut Reader::new(value)).map_err(malformed)?;
    let encoded = prefixed(&mut stamp).map_err(malformed)?.rest();
    let certificate = Certificate::read_with_key(encoded).map_err(|_| Kind::StampMalformedCertificate)?;
    if Hash::Sha256.of(&[encoded]) != expected {
        return Err(Kind::StampCertificateMismatch);
    }
    let mut list = prefixed(&mut stamp).map_err(malformed)?;
    let mut signed: Vec<(u32, Reader)> = Vec::new();
    while !list.is_empty() {
        let mut scheme = prefixed(&mut list).map_err(malformed)?;
        let id = scheme.u32_le("scheme").map_err(malformed)?;
        signed.push((id, prefixed(&mut scheme).map_err(malformed)?));
    }
    for (id, digests) in schemes {
        let signatures = signed.iter().rev().find(|it| it.0 == *id).ok_or(Kind::StampNoSignature)?.1.clone();
        let mut sorted = digests.clone();
        sorted.sort_by_key(|it| it.0);
        let mut message = Vec::new();
        for (kind, digest) in sorted {
            let len = u32::try_from(digest.len()).unwrap_or(u32::MAX);
            message.extend_from_slice(&len.saturating_add(8).to_le_bytes());
            message.extend_from_slice(&kind.to_le_bytes());
            message.extend_from_slice(&len.to_le_bytes());
            message.extend_from_slice(&digest);
        }
        verify_signatures(&certificate, &message, signatures, levels)?;
    }
    if stamp.is_empty() {
        return Ok(());
    }
    let attributes = prefixed(&mut stamp).map_err(malformed)?;
    let signatures = prefixed(&mut stamp).map_err(malformed)?;
    verify_signatures(&certificate, attributes.rest(), signatures, levels)?;
    let mut attributes = attributes;
    let mut list = prefixed(&mut attributes).map_err(malformed)?;
    while !list.is_empty() {
        verify_attribute(&mut list, &certificate)?;
    }
    Ok(())
}

fn verify_attribute(list: &mut Reader, certificate: &Certificate) -> Result<(), Kind> {
    let malformed = |_| Kind::StampMalformedAttribute;
    let mut attribute = prefixed(list).map_err(malformed)?;
    match attribute.u32_le("id of an attribute").map_err(malformed)? {
        PROOF_OF_ROTATION => match Lineage::read(attribute.rest()) {
            Ok(lineage) if lineage.0.last().is_some_and(|it| it.certificate.encoded == certificate.encoded) => Ok(()),
            Ok(lineage) if lineage.0.is_empty() => Err(Kind::StampMalformedLineage),
            Ok(_) | Err(LineageFault::Other) => Err(Kind::StampPorCertMismatch),
            Err(LineageFault::NotSigned) => Err(Kind::StampPorDidNotVerify),
            Err(LineageFault::Malformed) => Err(Kind::StampMalformedLineage),
        },
        STAMP_TIME => match attribute.i64_le("timestamp").map_err(malformed)? {
            1.. => Ok(()),
            _ => Err(Kind::StampInvalidTimestamp),
        },
        _ => Ok(()),
    }
}

fn verify_signatures(
    certificate: &Certificate,
    message: &[u8],
    mut records: Reader,
    levels: Levels,
) -> Result<(), Kind> {
    let mut supported = Vec::new();
    while !records.is_empty() {
        let mut record = prefixed(&mut records).map_err(malformed)?;
        let id = record.u32_le("algorithm").map_err(malformed)?;
        let signature = prefixed(&mut record).map_err(malformed)?.rest();
        if let Some(algorithm) = algorithm::by_id(id) {
            supported.push((algorithm, signature));
        }
    }
    if supported.is_empty() {
        return Err(Kind::StampNoSignature);
    }
    let picked = algorithm::picked(&supported, levels.min, levels.max, Known::ToLibrary);
    for (algorithm, signature) in picked.ok_or(Kind::StampNoSupportedSignature)? {
        let key = certificate.key().map_err(|_| Kind::StampVerifyException)?;
        match algorithm.verifies(&key, message, signature) {
            Ok(true) => {}
            Ok(false) => return Err(Kind::StampDidNotVerify),
            Err(_) => return Err(Kind::StampVerifyException),
        }
    }
    Ok(())
}

fn malformed(_: Fault) -> Kind {
    Kind::StampMalformedSignature
}

/// The number of the stamp's pair in the signing block.
pub const BLOCK_ID: u32 = 0x6dff_800d;
/// The entry with the hash of its certificate.
pub const ENTRY: &str = "stamp-cert-sha256";

const PROOF_OF_ROTATION: u32 = 0x9d63_03f7;
const STAMP_TIME: u32 = 0xe43c_5946;
