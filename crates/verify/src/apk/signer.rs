//! What the signers of the schemes v2 and v3 have in common: signatures over signed data, and in that digests and
//! certificates.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning/v2>.

use model::{Fault, Reader};

use super::algorithm::{self, Algorithm, Content, Known};
use super::problem::{Kind, Problems};
use crate::certificate::Certificate;
use crate::key::{KeyFault, PublicKey};

/// A signer whose signatures were verified, as far as it could be read.
#[derive(Debug, Default)]
pub struct Signer {
    /// Its certificates, its own first.
    pub certificates: Vec<Certificate>,
    /// The digests that it states, with the number of their algorithm.
    pub digests: Vec<(u32, Vec<u8>)>,
    /// How its verified signatures digest the content.
    pub contents: Vec<Content>,
}

impl Signer {
    /// The digests of known algorithms.
    pub fn known_digests(&self) -> impl Iterator<Item = (Content, &[u8])> {
        self.digests.iter().filter_map(|(id, bytes)| Some((algorithm::by_id(*id)?.content, bytes.as_slice())))
    }
}

/// The names that a scheme has for what can be wrong.
pub struct Kinds {
    /// A record of a signature is malformed.
    pub malformed_signature: Kind,
    /// There is none.
    pub no_signatures: Kind,
    /// None that the versions know.
    pub no_supported_signatures: Kind,
    /// The key is malformed.
    pub malformed_public_key: Kind,
    /// A signature cannot be looked at.
    pub verify_exception: Kind,
    /// A signature is not by the key.
    pub did_not_verify: Kind,
    /// A certificate is malformed.
    pub malformed_certificate: Kind,
    /// There is none.
    pub no_certificates: Kind,
    /// The certificate has another key.
    pub public_key_mismatch: Kind,
    /// A record of a digest is malformed.
    pub malformed_digest: Kind,
    /// Signatures and digests are of different algorithms.
    pub sig_alg_mismatch: Kind,
}

/// The signatures and the key of a signer.
pub struct Signatures<'a> {
    /// The number of each algorithm with its signature.
    pub records: Vec<(u32, &'a [u8])>,
    /// A `SubjectPublicKeyInfo`.
    pub key: &'a [u8],
}

impl<'a> Signatures<'a> {
    /// Reads the records.
    pub fn read(records: Reader<'a>, key: &'a [u8], kinds: &Kinds) -> Result<Signatures<'a>, Kind> {
        let records = pairs(records).map_err(|_| kinds.malformed_signature)?;
        if records.is_empty() {
            return Err(kinds.no_signatures);
        }
        Ok(Signatures { records, key })
    }

    /// Verifies those that some level of the range picks, and gives how they digest the content.
    pub fn verify(&self, signed: &[u8], min: i32, max: i32, kinds: &Kinds) -> Result<Vec<Content>, Kind> {
        let supported: Vec<(&'static Algorithm, &[u8])> =
            self.records.iter().filter_map(|(id, bytes)| Some((algorithm::by_id(*id)?, *bytes))).collect();
        let picked = algorithm::picked(&supported, min, max, Known::ToScheme).ok_or(kinds.no_supported_signatures)?;
        let mut contents = Vec::new();
        for (algorithm, signature) in picked {
            let key =
                PublicKey::read(self.key).ok().filter(|it| algorithm.fits(it)).ok_or(kinds.malformed_public_key)?;
            match algorithm.verifies(&key, signed, signature) {
                Ok(true) => contents.push(algorithm.content),
                Ok(false) => return Err(kinds.did_not_verify),
                Err(KeyFault::Malformed | KeyFault::Unsupported | KeyFault::NoSignature) => {
                    return Err(kinds.verify_exception);
                }
            }
        }
        Ok(contents)
    }

    /// Reads digests and certificates of the signed data into a signer, and holds them against the signatures.
    pub fn fill(
        &self,
        signer: &mut Signer,
        digests: Reader,
        certificates: Reader,
        kinds: &Kinds,
    ) -> Result<(), SignerFault> {
        let mut certificates = certificates;
        while !certificates.is_empty() {
            let bytes = prefixed(&mut certificates)?.rest();
            signer.certificates.push(Certificate::read_with_key(bytes).map_err(|_| kinds.malformed_certificate)?);
        }
        let own = signer.certificates.first().ok_or(kinds.no_certificates)?;
        if own.spki != self.key {
            return Err(kinds.public_key_mismatch.into());
        }
        signer.digests =
            pairs(digests).map_err(|_| kinds.malformed_digest)?.into_iter().map(|(id, it)| (id, it.to_vec())).collect();
        let stated = signer.digests.iter().map(|it| it.0);
        if !self.records.iter().map(|it| it.0).eq(stated) {
            return Err(kinds.sig_alg_mismatch.into());
        }
        Ok(())
    }
}

/// Why a signer was not read to its end.
pub enum SignerFault {
    /// A problem that has a name.
    Kind(Kind),
    /// Its record is malformed as a whole, and what follows it cannot be read.
    Record,
}

impl From<Kind> for SignerFault {
    fn from(kind: Kind) -> SignerFault {
        SignerFault::Kind(kind)
    }
}

impl From<Fault> for SignerFault {
    fn from(_: Fault) -> SignerFault {
        SignerFault::Record
    }
}

/// Walks over the signers of a scheme's value. A malformed record ends it.
pub fn signers<'a>(
    value: &'a [u8],
    problems: &mut Problems,
    malformed: [Kind; 3],
    mut read: impl FnMut(Reader<'a>, &mut Problems) -> Result<(), SignerFault>,
) {
    let [malformed_signers, no_signers, malformed_signer] = malformed;
    let Ok(mut list) = prefixed(&mut Reader::new(value)) else {
        problems.add(malformed_signers);
        return;
    };
    if list.is_empty() {
        problems.add(no_signers);
    }
    for n in 0.. {
        if list.is_empty() {
            return;
        }
        if SIGNERS_MAX <= n {
            problems.add(malformed_signer);
            return;
        }
        match prefixed(&mut list).map_err(SignerFault::from).and_then(|it| read(it, problems)) {
            Ok(()) => {}
            Err(SignerFault::Kind(kind)) => problems.add(kind),
            Err(SignerFault::Record) => {
                problems.add(malformed_signer);
                return;
            }
        }
    }
}

/// Bytes behind their length.
pub fn prefixed<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Fault> {
    let len = usize::try_from(reader.u32_le("length")?).unwrap_or(usize::MAX);
    let at = reader.offset();
    Ok(Reader::at(reader.take(len, "value")?, at))
}

/// Records of a number and bytes.
fn pairs(mut list: Reader<'_>) -> Result<Vec<(u32, &[u8])>, Fault> {
    let mut pairs = Vec::new();
    while !list.is_empty() {
        let mut record = prefixed(&mut list)?;
        let id = record.u32_le("number")?;
        pairs.push((id, prefixed(&mut record)?.rest()));
    }
    Ok(pairs)
}

/// Android takes ten signers of v2, and one of v3 for each range of versions; each costs verifications.
const SIGNERS_MAX: usize = 64;
