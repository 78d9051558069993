//! The signature over a whole update package, in the comment of its zip: what recovery verifies before it installs.
//!
//! Source: AOSP `bootable/recovery/install/verifier.cpp`, `verify_file`.

use model::{Blob, Fault, Reader};

use crate::apk::pieces;
use crate::ber;
use crate::certificate::Certificate;
use crate::jca;
use crate::pkcs7::SignedData;

/// A signature over a whole file.
#[derive(Debug)]
pub struct WholeFile {
    /// How many bytes it covers: all before the length of the comment.
    pub covered: u64,
    /// The certificate that the signature carries, and whether the signature is by its key.
    pub own: Option<(Certificate, bool)>,
    digests: Vec<(crate::hash::Hash, Vec<u8>)>,
    bytes: Vec<u8>,
}

impl WholeFile {
    /// Reads the signature and hashes what it covers; `None` where the file has none.
    pub fn read(blob: &Blob) -> Result<Option<WholeFile>, Fault> {
        let Some(footer_at) = blob.len().checked_sub(FOOTER_SIZE) else { return Ok(None) };
        let footer = blob.read_at(footer_at, FOOTER_SIZE)?;
        let mut reader = Reader::at(&footer, footer_at);
        let signature_start = u64::from(reader.u16_le("signature_start")?);
        let mark = reader.u16_le("mark")?;
        let comment_size = u64::from(reader.u16_le("comment_size")?);
        if mark != MARK {
            return Ok(None);
        }
        let end_size = comment_size.saturating_add(END_SIZE);
        let Some(end_at) = blob.len().checked_sub(end_size) else { return Ok(None) };
        let end = blob.read_at(end_at, end_size)?;
        if !end.starts_with(END_MAGIC) {
            return Ok(None);
        }
        let malformed = Fault::malformed("signature_start", footer_at);
        if comment_size < signature_start || signature_start <= FOOTER_SIZE {
            return Err(malformed);
        }
        // A second end record inside the comment would make others read another archive.
        if end.windows(END_MAGIC.len()).skip(1).any(|it| it == END_MAGIC) {
            return Err(Fault::malformed("comment", end_at));
        }
        let start = end.len().checked_sub(usize::try_from(signature_start).unwrap_or(usize::MAX)).ok_or(malformed)?;
        let signature = end.get(start..).and_then(|it| it.get(..it.len().checked_sub(FOOTER_SIZE_USIZE)?));
        let bytes = signature.unwrap_or_default().to_vec();
        let covered = blob.len().saturating_sub(comment_size).saturating_sub(2);
        let mut file = WholeFile { covered, own: None, digests: Vec::new(), bytes };
        let signed = SignedData::read(&file.bytes).map_err(|_| Fault::malformed("signature of the package", end_at))?;
        let mut hashes: Vec<_> = signed.signers.iter().filter_map(|it| jca::digest(it.digest)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let own = signed.certificates.first().and_then(|it| Certificate::read(it).ok());
        let mut running: Vec<_> = hashes.iter().map(|it| (*it, it.start())).collect();
        pieces(&blob.slice(0, covered)?, &mut |piece| running.iter_mut().for_each(|it| it.1.update(piece)))?;
        file.digests = running.into_iter().map(|it| (it.0, it.1.finalize().into_vec())).collect();
        file.own = own.map(|it| {
            let holds = file.is_signed_by(&it);
            (it, holds)
        });
        Ok(Some(file))
    }

    /// Whether a signer's signature is by the key of this certificate. Recovery takes any of its keys, whatever
    /// certificate the signature names.
    pub fn is_signed_by(&self, certificate: &Certificate) -> bool {
        let (Ok(signed), Ok(key)) = (SignedData::read(&self.bytes), certificate.key()) else { return false };
        signed.signers.iter().any(|signer| {
            let digest = jca::digest(signer.digest);
            let known = self.digests.iter().find(|it| Some(it.0) == digest);
            let algorithm = jca::signature(signer.algorithm);
            let (Some((hash, digest)), Some(algorithm)) = (known, algorithm) else { return false };
            let digest = match &signer.attributes {
                None => digest.clone(),
                Some(set) => match crate::pkcs7::Attributes::read(set)
                    .and_then(|it| it.single(crate::pkcs7::OID_MESSAGE_DIGEST))
                {
                    Ok(Some(stated)) if stated.body == digest => {
                        hash.of(&[&[ber::SET], set.whole.get(1..).unwrap_or_default()])
                    }
                    _ => return false,
                },
            };
            key.fits(algorithm.padding) && key.verifies(algorithm.padding, *hash, &digest, signer.signature) == Ok(true)
        })
    }
}

const FOOTER_SIZE: u64 = 6;
const FOOTER_SIZE_USIZE: usize = 6;
const MARK: u16 = 0xffff;
const END_MAGIC: &[u8] = b"PK\x05\x06";
const END_SIZE: u64 = 22;
