//! Who signed a package: certificates of the JAR scheme and of the APK signing block. Whether the signatures hold is
//! not looked at here.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning>, RFC 5652 (SignedData).

use model::fact::certificate::Role;
use model::{Artifact, Fault, Reader};

use crate::Reading;
use crate::x509;
use crate::x509::der::{self, Der, Tlv};
use crate::zip::Directory;

use super::range_of;

/// Whether an entry of this name is a signature of the JAR scheme.
pub fn is_signature_block(name: &[u8]) -> bool {
    let upper = name.to_ascii_uppercase();
    let Some(file) = upper.strip_prefix(b"META-INF/") else { return false };
    [&b".RSA"[..], b".DSA", b".EC"].iter().any(|it| file.ends_with(it)) && !file.contains(&b'/')
}

/// States the certificates of all schemes. A scheme that cannot be read leaves a gap.
pub fn state_certificates(artifact: &Artifact, directory: &Directory, out: &mut Reading) -> Result<(), Fault> {
    let blocks = directory.entries.iter().filter(|it| is_signature_block(&it.name));
    for (n, entry) in blocks.enumerate() {
        if JAR_BLOCKS_MAX <= n {
            return Err(Fault::Limit { what: "signature files", bound: JAR_BLOCKS_MAX as u64 });
        }
        let stated = entry
            .blob(&artifact.blob, &out.store)
            .bytes("bytes of a signature file", BLOCK_MAX)
            .and_then(|it| state_signed_data(&it, range_of(artifact, entry), out));
        if let Err(fault) = stated {
            out.gap(format!("signature {}: {fault}", model::path_name(&entry.name)));
        }
    }
    match schemes_of(artifact, directory.central_offset) {
        Ok(schemes) => {
            for (scheme, at, size) in schemes {
                let stated = artifact.blob.read_at(at, size).and_then(|it| state_scheme(&it, at, scheme.role, out));
                if let Err(fault) = stated {
                    out.gap(format!("signature of scheme {}: {fault}", scheme.name));
                }
            }
            Ok(())
        }
        Err(fault) => Err(fault),
    }
}

/// A scheme of the signing block.
struct Scheme {
    id: u32,
    name: &'static str,
    role: Role,
}

const SCHEMES: [Scheme; 4] = [
    Scheme { id: 0x7109_871a, name: "v2", role: Role::ApkV2 },
    Scheme { id: 0xf053_68c0, name: "v3", role: Role::ApkV3 },
    Scheme { id: 0x1b93_ad61, name: "v3.1", role: Role::ApkV31 },
    Scheme { id: 0x70e1_c89f, name: "v3.2", role: Role::ApkV32 },
];

/// The schemes in the signing block before the central directory, each with offset and size of its value. Of several
/// with one id the first counts, as for Android.
fn schemes_of(artifact: &Artifact, central_offset: u64) -> Result<Vec<(&'static Scheme, u64, u64)>, Fault> {
    let mut found: Vec<(&Scheme, u64, u64)> = Vec::new();
    let Some(footer_at) = central_offset.checked_sub(FOOTER_SIZE) else { return Ok(found) };
    let footer = artifact.blob.read_at(footer_at, FOOTER_SIZE)?;
    let mut footer = Reader::at(&footer, footer_at);
    let size = footer.u64_le("size of the signing block")?;
    if footer.rest() != MAGIC {
        return Ok(found);
    }
    let lying = Fault::malformed("size of the signing block", footer_at);
    let start = central_offset.checked_sub(size).and_then(|it| it.checked_sub(8)).ok_or(lying.clone())?;
    let stated = artifact.blob.read_at(start, 8)?;
    if Reader::at(&stated, start).u64_le("size of the signing block")? != size || size < FOOTER_SIZE {
        return Err(lying);
    }
    let mut pos = start.saturating_add(8);
    for _ in 0..PAIRS_MAX {
        if footer_at.saturating_sub(pos) < 12 {
            return Ok(found);
        }
        let head = artifact.blob.read_at(pos, 12)?;
        let mut head = Reader::at(&head, pos);
        let len = head.u64_le("size of a pair")?;
        let id = head.u32_le("id of a pair")?;
        let next = pos.checked_add(8).and_then(|it| it.checked_add(len)).filter(|it| *it <= footer_at);
        let (Some(next), Some(len)) = (next, len.checked_sub(4)) else {
            return Err(Fault::malformed("size of a pair of the signing block", pos));
        };
        if let Some(scheme) = SCHEMES.iter().find(|it| it.id == id)
            && found.iter().all(|it| it.0.id != id)
        {
            found.push((scheme, pos.saturating_add(12), len.min(BLOCK_MAX)));
        }
        pos = next;
    }
    Err(Fault::Limit { what: "pairs of the signing block", bound: PAIRS_MAX })
}

/// Signers of the schemes v2 to v3.2: each begins with its signed data, and that with digests and certificates.
fn state_scheme(bytes: &[u8], at: u64, role: Role, out: &mut Reading) -> Result<(), Fault> {
    let mut block = Reader::at(bytes, at);
    let mut signers = prefixed(&mut block, "signers")?;
    while !signers.is_empty() {
        let mut signer = prefixed(&mut signers, "signer")?;
        let mut signed = prefixed(&mut signer, "signed data")?;
        prefixed(&mut signed, "digests")?;
        let mut certificates = prefixed(&mut signed, "certificates")?;
        while !certificates.is_empty() {
            let certificate = prefixed(&mut certificates, "certificate")?;
            let (der, at) = (certificate.rest(), certificate.offset());
            x509::state(out, der, at, (at, der.len() as u64), role)?;
        }
    }
    Ok(())
}

/// Bytes behind their length.
fn prefixed<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<Reader<'a>, Fault> {
    let len = usize::try_from(reader.u32_le(what)?).unwrap_or(usize::MAX);
    let at = reader.offset();
    Ok(Reader::at(reader.take(len, what)?, at))
}

/// The certificates of a PKCS #7 `SignedData`, those of signers first. The facts stand at the range of the entry.
fn state_signed_data(bytes: &[u8], at: (u64, u64), out: &mut Reading) -> Result<(), Fault> {
    let mut info = Der::at(bytes, 0).expect(der::SEQUENCE, "ContentInfo")?.inner();
    info.expect(der::OID, "contentType")?;
    let content = info.expect(der::CONTEXT_0, "content")?;
    let mut signed_data = content.inner().expect(der::SEQUENCE, "SignedData")?.inner();
    signed_data.expect(der::INTEGER, "version")?;
    signed_data.expect(der::SET, "digestAlgorithms")?;
    signed_data.expect(der::SEQUENCE, "encapContentInfo")?;
    let mut certificates = Vec::new();
    if let Some(set) = signed_data.optional(der::CONTEXT_0, "certificates")? {
        let mut set = set.inner();
        while !set.is_empty() {
            certificates.push(set.read("certificate")?);
        }
    }
    signed_data.optional(CONTEXT_1, "crls")?;
    // Certificates without a readable signer are still certificates.
    let signers = signed_data.read("signerInfos").map(|it| signers_of(&it)).unwrap_or_default();
    let rank = |it: &Tlv| {
        let issued = issued_of(it).ok();
        signers.iter().position(|signer| Some(signer) == issued.as_ref()).unwrap_or(usize::MAX)
    };
    certificates.sort_by_cached_key(rank);
    for certificate in certificates.iter().filter(|it| it.tag == der::SEQUENCE) {
        x509::state(out, certificate.whole, certificate.at, at, Role::ApkV1)?;
    }
    Ok(())
}

/// Issuer and serial number: what names a certificate.
type Issued<'a> = (&'a [u8], &'a [u8]);

fn signers_of<'a>(set: &Tlv<'a>) -> Vec<Issued<'a>> {
    let mut infos = set.inner();
    let mut signers = Vec::new();
    // A signer that cannot be read leaves the certificates in the order of the file.
    while let Ok(info) = infos.read("signerInfo") {
        let mut info = info.inner();
        let issued = || -> Result<Issued<'a>, Fault> {
            info.expect(der::INTEGER, "version")?;
            let mut issued = info.expect(der::SEQUENCE, "issuerAndSerialNumber")?.inner();
            Ok((issued.read("issuer")?.body, issued.read("serialNumber")?.body))
        };
        signers.extend({ issued }());
        if SIGNERS_MAX <= signers.len() {
            break;
        }
    }
    signers
}

fn issued_of<'a>(certificate: &Tlv<'a>) -> Result<Issued<'a>, Fault> {
    let mut tbs = certificate.inner().expect(der::SEQUENCE, "tbsCertificate")?.inner();
    tbs.optional(der::CONTEXT_0, "version")?;
    let serial = tbs.expect(der::INTEGER, "serialNumber")?;
    tbs.expect(der::SEQUENCE, "signature")?;
    Ok((tbs.read("issuer")?.body, serial.body))
}

const CONTEXT_1: u8 = 0xa1;

/// Size and magic number at the end of the signing block.
const FOOTER_SIZE: u64 = 24;
const MAGIC: &[u8] = b"APK Sig Block 42";

/// Android takes at most ten signers; signature files are a few KiB.
const SIGNERS_MAX: usize = 64;
const JAR_BLOCKS_MAX: usize = 64;
const BLOCK_MAX: u64 = 4 << 20;

/// The block of a real package has under ten pairs.
const PAIRS_MAX: u64 = 1024;
