//! Public keys as certificates hold them, and whether a signature is theirs.

use dsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss};
use sha2::{Sha256, Sha512};

use crate::ber::{self, NotBer, Value, Values};
use crate::hash::Hash;

/// A public key.
#[derive(Debug)]
pub enum PublicKey {
    /// RSA.
    Rsa(Box<rsa::PublicKey>),
    /// DSA. None where the key is not of its own group: it can be read, and nothing is signed by it.
    Dsa(Option<Box<dsa::VerifyingKey>>),
    /// NIST P-256.
    P256(p256::ecdsa::VerifyingKey),
    /// NIST P-384.
    P384(p384::ecdsa::VerifyingKey),
    /// NIST P-521.
    P521(Box<p521::ecdsa::VerifyingKey>),
    /// A point of the right length that does not lie on its curve: as with DSA, it can be read, and nothing is signed by
    /// it (Java looks at the curve when it verifies).
    OffCurve,
}

/// What is done with a key besides hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1,
    /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash.
    Pss,
    /// DSA.
    Dsa,
    /// ECDSA.
    Ecdsa,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// Its encoding is broken, or its numbers are no key of any kind.
    Malformed,
    /// Its kind is not known here, its numbers are not taken, or it is not the one that the signature needs.
    Unsupported,
    /// The signature cannot be one of this key: another length, or numbers that cannot be read.
    NoSignature,
}

impl From<NotBer> for KeyFault {
    fn from(_: NotBer) -> KeyFault {
        KeyFault::Malformed
    }
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` (RFC 5280, 4.1).
    pub fn read(spki: &[u8]) -> Result<PublicKey, KeyFault> {
        let mut info = Values::of(spki).expect(ber::SEQUENCE)?.inner();
        let mut algorithm = info.expect(ber::SEQUENCE)?.inner();
        let oid = algorithm.expect(ber::OID)?;
        let bits = info.expect(ber::BIT_STRING)?;
        // The first byte counts unused bits, which keys do not have.
        let (_, bits) = bits.body.split_first().ok_or(KeyFault::Malformed)?;
        match oid.body {
            OID_RSA => {
                // Parameters are NULL (RFC 8017, A.1); parsers of Java and of Android take nothing else.
                if algorithm.read()?.is_some_and(|it| it.tag != ber::NULL || !it.body.is_empty()) {
                    return Err(KeyFault::Malformed);
                }
                let mut key = Values::of(bits).expect(ber::SEQUENCE)?.inner();
                let (n, e) = (key.expect(ber::INTEGER)?, key.expect(ber::INTEGER)?);
                PublicKey::rsa(n.magnitude(), e.magnitude())
            }
            OID_DSA => {
                let mut parameters = algorithm.expect(ber::SEQUENCE)?.inner();
                let [p, q, g] = [number(&mut parameters)?, number(&mut parameters)?, number(&mut parameters)?];
                let y = number(&mut Values::of(bits))?;
                let components = dsa::Components::from_components(p.clone(), q.clone(), g.clone())
                    .or_else(|_| dsa::Components::from_components_unchecked(p, q, g));
                let components = components.map_err(|_| KeyFault::Malformed)?;
                let key = dsa::VerifyingKey::from_components(components, y);
                // Why it is none does not matter.
                Ok(PublicKey::Dsa(key.ok().map(Box::new)))
            }
            OID_EC => {
                let curve = algorithm.expect(ber::OID)?;
                let off = |size: usize| match bits {
                    [4, point @ ..] if point.len() == size => Ok(PublicKey::OffCurve),
                    _ => Err(KeyFault::Malformed),
                };
                match curve.body {
                    OID_P256 => {
                        p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).map(PublicKey::P256).or_else(|_| off(64))
                    }
                    OID_P384 => {
                        p384::ecdsa::VerifyingKey::from_sec1_bytes(bits).map(PublicKey::P384).or_else(|_| off(96))
                    }
                    OID_P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(bits)
                        .map(|it| PublicKey::P521(Box::new(it)))
                        .or_else(|_| off(132)),
                    _ => Err(KeyFault::Unsupported),
                }
            }
            _ => Err(KeyFault::Unsupported),
        }
    }

    /// An RSA key from modulus and exponent, most significant byte first.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<PublicKey, KeyFault> {
        if RSA_BITS_MAX / 8 < n.len() || n.len() < RSA_BITS_MIN / 8 {
            return Err(KeyFault::Malformed);
        }
        if RSA_EXPONENT_MAX < e.len() {
            return Err(KeyFault::Unsupported);
        }
        let [n, e] = [BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e)];
        let key = rsa::PublicKey::new_with_size_limits(n, e, RSA_BITS_MIN..=RSA_BITS_MAX);
        // Java reads an even modulus as well, and nothing is signed by it.
        key.map(|it| PublicKey::Rsa(Box::new(it))).map_err(|_| KeyFault::Unsupported)
    }

    /// Whether this is a key for this padding.
    pub fn fits(&self, padding: Padding) -> bool {
        match self {
            PublicKey::Rsa(_) => matches!(padding, Padding::Pkcs1 | Padding::Pss),
            PublicKey::Dsa(_) => padding == Padding::Dsa,
            _ => padding == Padding::Ecdsa,
        }
    }

    /// Whether the signature over a message with this hash is by this key.
    pub fn verifies(&self, padding: Padding, hash: Hash, digest: &[u8], signature: &[u8]) -> Result<bool, KeyFault> {
        if digest.len() != hash.size() {
            return Ok(false);
        }
        match self {
            PublicKey::Rsa(key) => match padding {
                Padding::Pkcs1 => {
                    // AOSP's providers accept no signature that is shorter or longer than the modulus.
                    let scheme = |prefix: &[u8]| Pkcs1v15Sign { hash_len: Some(hash.size()), prefix: prefix.into() };
                    let prefix = digest_info_prefix(hash).ok_or(KeyFault::Unsupported)?;
                    if signature.len() != key.size() {
                        return Err(KeyFault::NoSignature);
                    }
                    Ok(key.verify(scheme(prefix), digest, signature).is_ok())
                }
                Padding::Pss if signature.len() != key.size() => Err(KeyFault::NoSignature),
                Padding::Pss => match hash {
                    Hash::Sha256 => Ok(key.verify(Pss::<Sha256>::new_with_salt(32), digest, signature).is_ok()),
                    Hash::Sha512 => Ok(key.verify(Pss::<Sha512>::new_with_salt(64), digest, signature).is_ok()),
                    _ => Err(KeyFault::Unsupported),
                },
                _ => Err(KeyFault::Unsupported),
            },
            PublicKey::Dsa(key) if padding == Padding::Dsa => {
                let (r, s) = pair(signature).ok_or(KeyFault::NoSignature)?;
                // Numbers that are longer than the group's order are no signature, whatever they cost.
                if DSA_ORDER_MAX < r.len() || DSA_ORDER_MAX < s.len() {
                    return Ok(false);
                }
                let signature = dsa::Signature::from_components(
                    BoxedUint::from_be_slice_vartime(r),
                    BoxedUint::from_be_slice_vartime(s),
                );
                let verifies = |key: &dsa::VerifyingKey, it| key.verify_prehash(digest, &it).is_ok();
                Ok(key.as_ref().zip(signature).is_some_and(|(key, it)| verifies(key, it)))
            }
            PublicKey::P256(key) if padding == Padding::Ecdsa => {
                let signature = fixed::<32>(pair(signature).ok_or(KeyFault::NoSignature)?);
                let signature = signature.and_then(|it| p256::ecdsa::Signature::from_slice(&it).ok());
                Ok(signature.is_some_and(|it| key.verify_prehash(&widened(digest, 32), &it).is_ok()))
            }
            PublicKey::P384(key) if padding == Padding::Ecdsa => {
                let signature = fixed::<48>(pair(signature).ok_or(KeyFault::NoSignature)?);
                let signature = signature.and_then(|it| p384::ecdsa::Signature::from_slice(&it).ok());
                Ok(signature.is_some_and(|it| key.verify_prehash(&widened(digest, 48), &it).is_ok()))
            }
            PublicKey::P521(key) if padding == Padding::Ecdsa => {
                let signature = fixed::<66>(pair(signature).ok_or(KeyFault::NoSignature)?);
                let signature = signature.and_then(|it| p521::ecdsa::Signature::from_slice(&it).ok());
                Ok(signature.is_some_and(|it| key.verify_prehash(&widened(digest, 66), &it).is_ok()))
            }
            PublicKey::OffCurve if padding == Padding::Ecdsa => Ok(false),
            _ => Err(KeyFault::Unsupported),
        }
    }
}

/// A `SubjectPublicKeyInfo` as DER with a modulus that is not negative: what Java and Android compare.
pub fn normalized(spki: &Value) -> Vec<u8> {
    let der = spki.to_der();
    let rsa = || -> Result<Option<Vec<u8>>, NotBer> {
        let mut info = Values::of(&der).expect(ber::SEQUENCE)?.inner();
        let algorithm = info.expect(ber::SEQUENCE)?;
        if algorithm.inner().expect(ber::OID)?.body != OID_RSA {
            return Ok(None);
        }
        let bits = info.expect(ber::BIT_STRING)?;
        let (_, bits) = bits.body.split_first().ok_or(NotBer)?;
        let mut key = Values::of(bits).expect(ber::SEQUENCE)?.inner();
        let mut numbers = Vec::new();
        for number in [key.expect(ber::INTEGER)?, key.expect(ber::INTEGER)?] {
            let mut body = number.magnitude().to_vec();
            if body.first().is_none_or(|it| it & 0x80 != 0) {
                body.insert(0, 0);
            }
            numbers.extend(ber::encoded(ber::INTEGER, &body));
        }
        let mut bits = vec![0];
        bits.extend(ber::encoded(ber::SEQUENCE, &numbers));
        let body = [algorithm.whole, &ber::encoded(ber::BIT_STRING, &bits)].concat();
        Ok(Some(ber::encoded(ber::SEQUENCE, &body)))
    };
    rsa().ok().flatten().unwrap_or(der)
}

fn number(values: &mut Values) -> Result<BoxedUint, KeyFault> {
    let bytes = values.expect(ber::INTEGER)?.magnitude();
    if bytes.is_empty() || DSA_BITS_MAX / 8 < bytes.len() {
        return Err(KeyFault::Malformed);
    }
    Ok(BoxedUint::from_be_slice_vartime(bytes))
}

/// Both numbers of a DSA or ECDSA signature.
fn pair(signature: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut values = Values::of(signature).expect(ber::SEQUENCE).ok()?.inner();
    let [r, s] = [values.expect(ber::INTEGER).ok()?, values.expect(ber::INTEGER).ok()?];
    let negative = |it: &Value| it.body.first().is_none_or(|it| it & 0x80 != 0);
    if negative(&r) || negative(&s) {
        return None;
    }
    Some((r.magnitude(), s.magnitude()))
}

/// An ECDSA signature with numbers of a fixed length, one behind the other.
fn fixed<const N: usize>((r, s): (&[u8], &[u8])) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(N.saturating_mul(2));
    for number in [r, s] {
        bytes.extend(std::iter::repeat_n(0, N.checked_sub(number.len())?));
        bytes.extend_from_slice(number);
    }
    Some(bytes)
}

/// A digest that is shorter than the field, as the number that it is: the curves refuse very short ones.
fn widened(digest: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len.saturating_sub(digest.len())];
    bytes.extend_from_slice(digest);
    bytes
}

/// What stands before the hash in a `DigestInfo` (RFC 8017, 9.2, note 1).
fn digest_info_prefix(hash: Hash) -> Option<&'static [u8]> {
    Some(match hash {
        Hash::Md5 => &[0x30, 0x20, 0x30, 0x0c, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5, 5, 0, 4, 0x10],
        Hash::Sha1 => &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14],
        Hash::Sha224 => &[0x30, 0x2d, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4, 5, 0, 4, 0x1c],
        Hash::Sha256 => &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20],
        Hash::Sha384 => &[0x30, 0x41, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30],
        Hash::Sha512 => &[0x30, 0x51, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40],
        Hash::Blake2b256 => return None,
    })
}

/// `rsaEncryption`, 1.2.840.113549.1.1.1
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// `id-dsa`, 1.2.840.10040.4.1
const OID_DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
/// `id-ecPublicKey`, 1.2.840.10045.2.1
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// `secp256r1`, 1.2.840.10045.3.1.7
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// `secp384r1`, 1.3.132.0.34
const OID_P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
/// `secp521r1`, 1.3.132.0.35
const OID_P521: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];

/// Java's and Android's limits of RSA keys.
const RSA_BITS_MIN: usize = 512;
const RSA_BITS_MAX: usize = 16384;
/// A long exponent makes one verification cost seconds; known keys have three bytes.
const RSA_EXPONENT_MAX: usize = 8;

/// The standard ends at 3072 bits with an order of 256.
const DSA_BITS_MAX: usize = 8192;
const DSA_ORDER_MAX: usize = 64;
