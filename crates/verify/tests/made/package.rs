//! Signed packages.

use ml_dsa::signature::Keypair;
use ml_dsa::{MlDsa65, SigningKey};
use rsa::PrivateKey;
use verify::ber;
use verify::hash::Hash;

use super::{certificate, certificate_of, key, name, prefixed, sign, spki};

/// A package in the making: entries that are stored.
pub struct Package {
    pub entries: Vec<(String, Vec<u8>)>,
    /// What stands between entries and central directory.
    pub block: Vec<u8>,
}

impl Package {
    /// A package with a manifest that nobody reads, code and a resource.
    pub fn new() -> Package {
        let entries = [("AndroidManifest.xml", "manifest"), ("classes.dex", "code"), ("res/a.png", "picture")];
        let entries = entries.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        Package { entries, block: Vec::new() }
    }

    /// Entries, block, central directory, end record.
    pub fn bytes(&self) -> Vec<u8> {
        self.parts().concat()
    }

    fn parts(&self) -> [Vec<u8>; 4] {
        let (mut data, mut directory) = (Vec::new(), Vec::new());
        for (name, bytes) in &self.entries {
            let at = data.len() as u32;
            let fields = |out: &mut Vec<u8>| {
                out.extend([0; 8]);
                out.extend(0u32.to_le_bytes());
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend((name.len() as u16).to_le_bytes());
                out.extend([0; 2]);
            };
            data.extend(b"PK\x03\x04\x0a\0");
            fields(&mut data);
            data.extend(name.as_bytes());
            data.extend(bytes);
            directory.extend(b"PK\x01\x02\x0a\0\x0a\0");
            fields(&mut directory);
            directory.extend([0; 10]);
            directory.extend(at.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend((self.entries.len() as u16).to_le_bytes());
        end.extend((self.entries.len() as u16).to_le_bytes());
        end.extend((directory.len() as u32).to_le_bytes());
        end.extend(((data.len() + self.block.len()) as u32).to_le_bytes());
        end.extend([0; 2]);
        [data, self.block.clone(), directory, end]
    }

    /// Signs by the JAR scheme with this hash; `more` stands in the main section of the signature file.
    pub fn sign_v1(&mut self, key: &PrivateKey, hash: Hash, more: &str) {
        let (attribute, digest_oid): (_, &[u8]) = match hash {
            Hash::Sha1 => ("SHA1", &[0x2b, 0x0e, 3, 2, 0x1a]),
            _ => ("SHA-256", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]),
        };
        let mut manifest = "Manifest-Version: 1.0\r\n\r\n".to_owned();
        let mut file = String::new();
        for (name, bytes) in &self.entries {
            let section = format!("Name: {name}\r\n{attribute}-Digest: {}\r\n\r\n", base64(&hash.of(&[bytes])));
            let digest = base64(&hash.of(&[section.as_bytes()]));
            file += &format!("Name: {name}\r\n{attribute}-Digest: {digest}\r\n\r\n");
            manifest += &section;
        }
        let whole = base64(&hash.of(&[manifest.as_bytes()]));
        let file = format!("Signature-Version: 1.0\r\n{attribute}-Digest-Manifest: {whole}\r\n{more}\r\n{file}");
        let algorithm = |oid: &[u8]| {
            let mut body = ber::encoded(ber::OID, oid);
            body.extend([5, 0]);
            ber::encoded(ber::SEQUENCE, &body)
        };
        let issued = [name("maker"), ber::encoded(ber::INTEGER, &[7])].concat();
        let signer = [
            ber::encoded(ber::INTEGER, &[1]),
            ber::encoded(ber::SEQUENCE, &issued),
            algorithm(digest_oid),
            algorithm(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]),
            ber::encoded(ber::OCTET_STRING, &sign(key, hash, &[file.as_bytes()])),
        ];
        let data_oid = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
        let signed = [
            ber::encoded(ber::INTEGER, &[1]),
            ber::encoded(ber::SET, &algorithm(digest_oid)),
            ber::encoded(ber::SEQUENCE, &data_oid),
            ber::encoded(ber::CONTEXT_0, &certificate(key, "maker")),
            ber::encoded(ber::SET, &ber::encoded(ber::SEQUENCE, &signer.concat())),
        ];
        let signed = ber::encoded(ber::SEQUENCE, &signed.concat());
        let signed_oid = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
        let info = ber::encoded(ber::SEQUENCE, &[signed_oid, ber::encoded(ber::CONTEXT_0, &signed)].concat());
        self.entries.push(("META-INF/MANIFEST.MF".to_owned(), manifest.into_bytes()));
        self.entries.push(("META-INF/CERT.SF".to_owned(), file.into_bytes()));
        self.entries.push(("META-INF/CERT.RSA".to_owned(), info));
    }

    /// The signers of the scheme v3.2 for these API levels: one of RSA, one of ML-DSA, each with attributes.
    pub fn hybrid(&self, key: &PrivateKey, seed: u8, levels: (u32, u32), attributes: &[u8]) -> [Vec<u8>; 2] {
        // What is signed has its end record as if there were no block.
        let bare = Package { entries: self.entries.clone(), block: Vec::new() };
        let [data, _, directory, end] = bare.parts();
        let pqc = MlDsaKey::new(seed);
        let classical = (0x0103, chunked(Hash::Sha256, &[&data, &directory, &end]), certificate(key, "maker"));
        let own = (0x0501, chunked(Hash::Sha512, &[&data, &directory, &end]), pqc.certificate("maker"));
        [
            signer(classical, spki(key), Some(levels), attributes, |it| sign(key, Hash::Sha256, &[it])),
            signer(own, pqc.spki(), Some(levels), attributes, |it| pqc.sign(it)),
        ]
    }

    /// Signs by the scheme v2, or v3 for these API levels, with attributes.
    pub fn sign_block(&mut self, key: &PrivateKey, levels: Option<(u32, u32)>, attributes: &[u8]) {
        const RSA_PKCS1_SHA256: u32 = 0x0103;
        self.block.clear();
        let [data, _, directory, end] = self.parts();
        let digest = chunked(Hash::Sha256, &[&data, &directory, &end]);
        let own = (RSA_PKCS1_SHA256, digest, certificate(key, "maker"));
        let signer = signer(own, spki(key), levels, attributes, |it| sign(key, Hash::Sha256, &[it]));
        let value = prefixed(&prefixed(&signer));
        let pair_id: u32 = if levels.is_some() { 0xf053_68c0 } else { 0x7109_871a };
        let mut pair = ((value.len() + 4) as u64).to_le_bytes().to_vec();
        pair.extend(pair_id.to_le_bytes());
        pair.extend(value);
        let size = ((pair.len() + 24) as u64).to_le_bytes();
        self.block = [&size[..], &pair, &size, b"APK Sig Block 42"].concat();
    }
}

impl Package {
    /// Adds a pair to the signing block.
    pub fn add_pair(&mut self, id: u32, value: &[u8]) {
        let mut pairs = self.block[8..self.block.len() - 24].to_vec();
        pairs.extend((value.len() as u64 + 4).to_le_bytes());
        pairs.extend(id.to_le_bytes());
        pairs.extend(value);
        let size = (pairs.len() as u64 + 24).to_le_bytes();
        self.block = [&size[..], &pairs, &size, b"APK Sig Block 42"].concat();
    }
}

/// An attribute of signed data.
pub fn attribute(id: u32, value: &[u8]) -> Vec<u8> {
    prefixed(&[&id.to_le_bytes()[..], value].concat())
}

/// A signer: the number of the algorithm, the digest of the content and the certificate; the key; the API levels.
fn signer(
    (algorithm, digest, certificate): (u32, Vec<u8>, Vec<u8>),
    spki: Vec<u8>,
    levels: Option<(u32, u32)>,
    attributes: &[u8],
    sign: impl Fn(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let id = algorithm.to_le_bytes();
    let mut signed = prefixed(&prefixed(&[&id[..], &prefixed(&digest)].concat()));
    signed.extend(prefixed(&prefixed(&certificate)));
    let range: Vec<u8> = levels.iter().flat_map(|it| [it.0.to_le_bytes(), it.1.to_le_bytes()]).flatten().collect();
    signed.extend(&range);
    signed.extend(prefixed(attributes));
    let signature = sign(&signed);
    let mut signer = prefixed(&signed);
    signer.extend(&range);
    signer.extend(prefixed(&prefixed(&[&id[..], &prefixed(&signature)].concat())));
    signer.extend(prefixed(&spki));
    signer
}

/// A key of ML-DSA-65 that signs nothing but tests.
pub struct MlDsaKey(SigningKey<MlDsa65>);

impl MlDsaKey {
    pub fn new(seed: u8) -> MlDsaKey {
        MlDsaKey(SigningKey::from_seed(&[seed; 32].into()))
    }

    pub fn spki(&self) -> Vec<u8> {
        let algorithm = ber::encoded(ber::OID, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18]);
        let bits = [&[0][..], &self.0.verifying_key().encode()].concat();
        let parts = [ber::encoded(ber::SEQUENCE, &algorithm), ber::encoded(ber::BIT_STRING, &bits)];
        ber::encoded(ber::SEQUENCE, &parts.concat())
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.expanded_key().sign_deterministic(message, &[]).unwrap().encode().to_vec()
    }

    pub fn certificate(&self, subject: &str) -> Vec<u8> {
        certificate_of(&self.spki(), subject, (&key(), "maker"), &[])
    }
}

fn chunked(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    let digests: Vec<Vec<u8>> = parts
        .iter()
        .flat_map(|it| it.chunks(1 << 20))
        .map(|it| hash.of(&[&[0xa5], &(it.len() as u32).to_le_bytes(), it]))
        .collect();
    hash.of(&[&[0x5a], &(digests.len() as u32).to_le_bytes(), &digests.concat()])
}

pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().chain([0, 0].iter()).take(3).fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for n in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
