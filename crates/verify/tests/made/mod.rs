//! Keys, signatures and signed things for tests: written here from the specifications, not by the code under test.

#![allow(dead_code, reason = "each test takes what it needs")]

pub mod avb;
pub mod package;

use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey, PublicKey};
use verify::ber;
use verify::hash::Hash;

/// A key that signs nothing but tests.
pub fn key() -> PrivateKey {
    let number = |hex: &str| BoxedUint::from_be_slice_vartime(&unhex(hex));
    PrivateKey::from_p_q(number(P), number(Q), BoxedUint::from(65537u32)).unwrap()
}

/// Another one, of 1024 bits.
pub fn other_key() -> PrivateKey {
    let number = |hex: &str| BoxedUint::from_be_slice_vartime(&unhex(hex));
    PrivateKey::from_p_q(number(P_1024), number(Q_1024), BoxedUint::from(65537u32)).unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    (0..hex.len() / 2).map(|it| u8::from_str_radix(&hex[it * 2..it * 2 + 2], 16).unwrap()).collect()
}

/// RSASSA-PKCS1-v1_5 over the pieces.
pub fn sign(key: &PrivateKey, hash: Hash, pieces: &[&[u8]]) -> Vec<u8> {
    // SHA-1, SHA-256 and SHA-512 differ in identifier and length only.
    let oid: &[u8] = match hash {
        Hash::Sha1 => &[0x2b, 0x0e, 3, 2, 0x1a],
        Hash::Sha256 => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1],
        _ => &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3],
    };
    let mut algorithm = ber::encoded(ber::OID, oid);
    algorithm.extend([5, 0]);
    let algorithm = ber::encoded(ber::SEQUENCE, &algorithm);
    let digest = hash.of(pieces);
    let whole = ber::encoded(ber::SEQUENCE, &[algorithm, ber::encoded(ber::OCTET_STRING, &digest)].concat());
    let prefix = whole[..whole.len() - digest.len()].into();
    key.sign(Pkcs1v15Sign { hash_len: Some(digest.len()), prefix }, &digest).unwrap()
}

/// The modulus, most significant byte first.
pub fn modulus(key: &PublicKey) -> Vec<u8> {
    let bytes = key.n().to_be_bytes();
    let zeros = bytes.iter().take_while(|it| **it == 0).count();
    bytes[zeros..].to_vec()
}

/// A `SubjectPublicKeyInfo`.
pub fn spki(key: &PrivateKey) -> Vec<u8> {
    let mut n = modulus(key.as_public_key());
    n.insert(0, 0);
    let numbers = [ber::encoded(ber::INTEGER, &n), ber::encoded(ber::INTEGER, &[1, 0, 1])].concat();
    let mut bits = vec![0];
    bits.extend(ber::encoded(ber::SEQUENCE, &numbers));
    let mut algorithm = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
    algorithm.extend([5, 0]);
    ber::encoded(
        ber::SEQUENCE,
        &[ber::encoded(ber::SEQUENCE, &algorithm), ber::encoded(ber::BIT_STRING, &bits)].concat(),
    )
}

/// A name with one common name.
pub fn name(text: &str) -> Vec<u8> {
    let part = [ber::encoded(ber::OID, &[0x55, 4, 3]), ber::encoded(0x0c, text.as_bytes())].concat();
    ber::encoded(ber::SEQUENCE, &ber::encoded(ber::SET, &ber::encoded(ber::SEQUENCE, &part)))
}

/// A certificate that signs itself.
pub fn certificate(key: &PrivateKey, subject: &str) -> Vec<u8> {
    certificate_with(key, subject, &[])
}

/// A certificate that signs itself, with extensions.
pub fn certificate_with(key: &PrivateKey, subject: &str, extensions: &[u8]) -> Vec<u8> {
    certificate_by(key, subject, (key, subject), extensions)
}

/// A certificate of a key for a subject, by a signer of this name, with extensions.
pub fn certificate_by(key: &PrivateKey, subject: &str, by: (&PrivateKey, &str), extensions: &[u8]) -> Vec<u8> {
    certificate_of(&spki(key), subject, by, extensions)
}

/// The same of any key.
pub fn certificate_of(spki: &[u8], subject: &str, by: (&PrivateKey, &str), extensions: &[u8]) -> Vec<u8> {
    let mut algorithm = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
    algorithm.extend([5, 0]);
    let algorithm = ber::encoded(ber::SEQUENCE, &algorithm);
    let time = ber::encoded(0x17, b"200101000000Z");
    let tbs = [
        ber::encoded(ber::CONTEXT_0, &ber::encoded(ber::INTEGER, &[2])),
        ber::encoded(ber::INTEGER, &[7]),
        algorithm.clone(),
        name(by.1),
        ber::encoded(ber::SEQUENCE, &[time.clone(), time].concat()),
        name(subject),
        spki.to_vec(),
    ];
    let mut tbs = tbs.concat();
    if !extensions.is_empty() {
        tbs.extend(ber::encoded(ber::CONTEXT_3, &ber::encoded(ber::SEQUENCE, extensions)));
    }
    let tbs = ber::encoded(ber::SEQUENCE, &tbs);
    let mut bits = vec![0];
    bits.extend(sign(by.0, Hash::Sha256, &[&tbs]));
    ber::encoded(ber::SEQUENCE, &[tbs, algorithm, ber::encoded(ber::BIT_STRING, &bits)].concat())
}

/// Bytes behind their length.
pub fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// Made by `openssl genrsa 2048` for these tests.
const P: &str = "\
    bc02354d56aa8e1f67c20663e2d7ec954973913448d3147dac5aaa8366619e88d2693061fafd7282b2da0c8bae383e30\
    43d61824d6c8cd181bf2dcfcd7950abc1bd288555177d0e658624cb587190418cf3b3c50b5c5977777b1076bb0e99029\
    efd723778c28eb8f4acece5f6adcfc530381aa46171b1b2039b67159c4b017fb";
/// The other prime.
const Q: &str = "\
    baeeb58aa88f9db7c41884c868229f0112e1d91fdd243a7ebaa40ef3b541fb57a3a1521feef8376bc81b55512ffa4dd7\
    b0f958cd5240f5779befc98c17cb483f1fef0d15de4b870aea7d19bf921f49fe3d7e72939691422d6ce4a3dcbfccf820\
    28980a31e450531ca4389bfc6f34f1e0bce2ef68cc0bd0479e3d7a8074a2dc7f";
/// Made by `openssl genrsa 1024`.
const P_1024: &str = "\
    ffd628842f292a12bce815e93b85a2006daad9d1347c373d9983a12cd4801e3a9cad60d728887737a6de93940ab0810e\
    dcbd657d02c1464c3945b5fbbbd853f9";
/// The other prime.
const Q_1024: &str = "\
    daaeef7b493392dfb83ddfc1b7095f1d133d8c4fea421e3d3a677bd4030256fd64c5be2ae6950e4b6eec5064938e4ae7\
    c9a77fe3ea8059973a77a0153f6ce1ed";
