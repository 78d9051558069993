//! The chain: each certificate signed by the next, the last by a root that is known.

use super::record::KeyDescription;
use crate::apk::base64;
use crate::ber::{self, NotBer, Value, Values};
use crate::certificate::Certificate;
use crate::hash::Hash;
use crate::jca;
use crate::key::{OID_ML_DSA_65, OID_ML_DSA_87, Padding, PublicKey};

/// A root that is known, by its key: roots are issued anew.
#[derive(Debug, Clone)]
pub struct Root {
    /// What it is called.
    pub name: String,
    /// Its `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// Whether its key lies in hardware makers' hands alone. The key of the root for software is published.
    pub is_hardware: bool,
}

/// A chain with what was verified of it.
#[derive(Debug)]
pub struct Chain {
    /// The certificates, that of the attested key first.
    pub links: Vec<Link>,
    /// The number of the root that the last one is, or is signed by.
    pub root: Option<usize>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What hardware states: of the certificate nearest to the root that states anything. One nearer to the leaf could
    /// have been made by whoever holds the attested key.
    pub description: Option<KeyDescription>,
}

/// A certificate of the chain.
#[derive(Debug)]
pub struct Link {
    /// The certificate.
    pub certificate: Certificate,
    /// How many certificates the provisioning server gave this phone lately; where it was provisioned remotely.
    pub certificates_issued: Option<u64>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    description: Option<Vec<u8>>,
    states_eat: bool,
}

/// What is wrong with a chain. Numbers count certificates from the leaf, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The certificate names another issuer than the next one.
    OtherIssuer(usize),
    /// Its signature is not by the key of the next one, or of the root.
    NotSigned(usize),
    /// Its signature is by an algorithm that is not known here.
    Unsupported(usize),
    /// Its validity does not cover the day that was asked for.
    NotValid(usize),
    /// It comes after a certificate whose key was attested: the phone's owner made it.
    Extended(usize),
    /// No certificate states anything.
    NoDescription,
    /// The statement cannot be read.
    BrokenDescription(usize),
    /// The statement is in a form that is not read here (`EAT`).
    OtherDescription(usize),
}

impl Chain {
    /// Reads certificates in PEM, or one DER behind the other, the leaf first, and verifies them up to one of the roots.
    /// `day` is `YYYYMMDD`, where validity is to be held against one.
    pub fn read(bytes: &[u8], roots: &[Root], day: Option<&str>) -> Result<Chain, NotBer> {
        let links = certificates(bytes)?.iter().map(|it| Link::read(it)).collect::<Result<Vec<_>, _>>()?;
        if links.is_empty() {
            return Err(NotBer);
        }
        let mut chain = Chain { links, root: None, problems: Vec::new(), description: None };
        chain.signatures(roots);
        if let Some(day) = day {
            chain.validity(day);
        }
        chain.describe();
        Ok(chain)
    }

    /// Whether all signatures hold up to a root of hardware makers, and nothing else is wrong.
    pub fn holds(&self, roots: &[Root]) -> bool {
        self.problems.is_empty() && self.root.and_then(|it| roots.get(it)).is_some_and(|it| it.is_hardware)
    }

    /// Whether the key came from a provisioning server, not from the factory.
    pub fn is_provisioned_remotely(&self) -> bool {
        self.links.iter().any(|it| it.certificates_issued.is_some())
    }

    fn signatures(&mut self, roots: &[Root]) {
        let mut problems = Vec::new();
        for (idx, pair) in self.links.windows(2).enumerate() {
            let [link, issuer] = pair else { continue };
            if link.certificate.issuer != issuer.certificate.subject {
                problems.push(Problem::OtherIssuer(idx));
            }
            problems.extend(link.signed_by(&issuer.certificate.spki).err().map(|it| it(idx)));
        }
        if let Some((last, idx)) = self.links.last().zip(self.links.len().checked_sub(1)) {
            let spki = &last.certificate.spki;
            let own = roots.iter().position(|it| it.spki == *spki);
            // A file may leave out the root.
            self.root = own.or_else(|| roots.iter().position(|it| last.signed_by(&it.spki).is_ok()));
            if self.root.is_none() || own.is_some() {
                problems.extend(last.signed_by(spki).err().map(|it| it(idx)));
            }
        }
        self.problems = problems;
    }

    /// The leaf's validity is set by the phone, and that of factory keys is never renewed: these are not held against
    /// the day.
    fn validity(&mut self, day: &str) {
        let remote = self.is_provisioned_remotely();
        for (idx, link) in self.links.iter().enumerate().skip(1) {
            let is_early = link.certificate.not_before.get(..8).is_some_and(|it| day < it);
            let is_late = link.certificate.not_after.get(..8).is_some_and(|it| it < day);
            if is_early || remote && is_late {
                self.problems.push(Problem::NotValid(idx));
            }
        }
    }

    fn describe(&mut self) {
        let states = |it: &Link| it.description.is_some() || it.states_eat;
        let Some(idx) = self.links.iter().rposition(states) else {
            self.problems.push(Problem::NoDescription);
            return;
        };
        match self.links.get(idx).and_then(|it| it.description.as_deref()).map(KeyDescription::read) {
            Some(Ok(description)) => self.description = Some(description),
            Some(Err(NotBer)) => self.problems.push(Problem::BrokenDescription(idx)),
            None => self.problems.push(Problem::OtherDescription(idx)),
        }
        self.problems.extend((0..idx).map(Problem::Extended));
    }
}

impl Link {
    fn read(bytes: &[u8]) -> Result<Link, NotBer> {
        let certificate = Certificate::read(bytes)?;
        let mut outer = Values::of(bytes).expect(ber::SEQUENCE)?.inner();
        let mut tbs = outer.expect(ber::SEQUENCE)?.inner();
        let algorithm = outer.expect(ber::SEQUENCE)?.inner().expect(ber::OID)?.body.to_vec();
        let bits = outer.expect(ber::BIT_STRING)?.body;
        let (_, signature) = bits.split_first().ok_or(NotBer)?;
        tbs.optional(ber::CONTEXT_0)?;
        tbs.expect(ber::INTEGER)?;
        // What is signed says by what algorithm; another one outside is a forgery.
        if tbs.expect(ber::SEQUENCE)?.inner().expect(ber::OID)?.body != algorithm {
            return Err(NotBer);
        }
        let mut link = Link {
            certificate,
            certificates_issued: None,
            algorithm,
            signature: signature.to_vec(),
            description: None,
            states_eat: false,
        };
        while let Some(value) = tbs.read()? {
            if value.tag == ber::CONTEXT_3 {
                for extension in value.inner().expect(ber::SEQUENCE)?.inner().all()? {
                    link.extension(&extension)?;
                }
            }
        }
        Ok(link)
    }

    fn extension(&mut self, extension: &Value) -> Result<(), NotBer> {
        let mut extension = extension.inner();
        let oid = extension.expect(ber::OID)?.body;
        extension.optional(BOOLEAN)?;
        let value = extension.expect(ber::OCTET_STRING)?.body;
        match oid.strip_prefix(OID_GOOGLE_KEYS) {
            Some([17]) => self.description = Some(value.to_vec()),
            Some([25]) => self.states_eat = true,
            Some([30]) => self.certificates_issued = Some(issued(value)),
            _ => {}
        }
        Ok(())
    }

    /// Whether the signature over it is by this key; else which problem that is.
    fn signed_by(&self, spki: &[u8]) -> Result<(), fn(usize) -> Problem> {
        let unsupported: fn(usize) -> Problem = Problem::Unsupported;
        let (padding, hash) = match self.algorithm.as_slice() {
            // It is over the message; the hash is not used.
            OID_ML_DSA_65 | OID_ML_DSA_87 => (Padding::MlDsa, Hash::Sha512),
            oid => {
                let algorithm = jca::signature(oid).ok_or(unsupported)?;
                (algorithm.padding, algorithm.hash.ok_or(unsupported)?)
            }
        };
        let not_signed: fn(usize) -> Problem = Problem::NotSigned;
        let key = PublicKey::read(spki).map_err(|_| not_signed)?;
        match key.fits(padding) && key.signed(padding, hash, &[&self.certificate.tbs], &self.signature) == Ok(true) {
            true => Ok(()),
            false => Err(not_signed),
        }
    }
}

/// The value of key 1 of a CBOR map that begins with it; 0 where it is not told.
fn issued(cbor: &[u8]) -> u64 {
    match cbor {
        [0xa0..=0xb7, 1, n @ 0..=23, ..] | [0xa0..=0xb7, 1, 0x18, n, ..] => u64::from(*n),
        [0xa0..=0xb7, 1, 0x19, high, low, ..] => u64::from(*high) << 8 | u64::from(*low),
        _ => 0,
    }
}

/// The certificates of a file: PEM, else DER one behind the other.
fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, NotBer> {
    let mut found = Vec::new();
    if bytes.starts_with(&[ber::SEQUENCE]) {
        let mut values = Values::of(bytes);
        while let Some(value) = values.read()? {
            if LINKS_MAX <= found.len() {
                return Err(NotBer);
            }
            found.push(value.whole.to_vec());
        }
        return Ok(found);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NotBer)?;
    for part in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = part.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let body: String = body.split_ascii_whitespace().collect();
        if LINKS_MAX <= found.len() {
            return Err(NotBer);
        }
        found.push(base64(&body).ok_or(NotBer)?);
    }
    Ok(found)
}

const BOOLEAN: u8 = 1;

/// 1.3.6.1.4.1.11129.2.1
const OID_GOOGLE_KEYS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 1];

/// Chains have three to six; each costs a verification.
const LINKS_MAX: usize = 32;
