//! Signed verified-boot metadata.

use rsa::PrivateKey;
use verify::hash::Hash;

use super::{modulus, sign};

/// `AvbRSAPublicKeyHeader` with modulus; what Montgomery's multiplication needs is left zero, since nobody here uses it.
pub fn public_key(key: &PrivateKey) -> Vec<u8> {
    let n = modulus(key.as_public_key());
    let mut bytes = ((n.len() * 8) as u32).to_be_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(&n);
    bytes.extend(vec![0; n.len()]);
    bytes
}

/// A vbmeta structure with these descriptors, signed with SHA-256 or SHA-512 by a key of 2048 bits; or not signed.
pub fn vbmeta(key: Option<(&PrivateKey, Hash)>, flags: u32, descriptors: &[Vec<u8>]) -> Vec<u8> {
    let mut descriptors = descriptors.concat();
    let n_descriptors = descriptors.len() as u64;
    let public_key = key.map(|it| public_key(it.0)).unwrap_or_default();
    descriptors.extend(&public_key);
    let mut auxiliary = descriptors;
    auxiliary.resize(auxiliary.len().next_multiple_of(64), 0);
    let (algorithm, hash_size, signature_size) = match key {
        None => (0u32, 0u64, 0u64),
        Some((_, Hash::Sha512)) => (4, 64, 256),
        Some(_) => (1, 32, 256),
    };
    let authentication_size = (hash_size + signature_size).next_multiple_of(64);
    let mut header = b"AVB0\0\0\0\x01\0\0\0\0".to_vec();
    header.extend(authentication_size.to_be_bytes());
    header.extend((auxiliary.len() as u64).to_be_bytes());
    header.extend(algorithm.to_be_bytes());
    let spans = [
        (0, hash_size),
        (hash_size, signature_size),
        (n_descriptors, public_key.len() as u64),
        (0, 0),
        (0, n_descriptors),
    ];
    for (offset, size) in spans {
        header.extend(offset.to_be_bytes());
        header.extend(size.to_be_bytes());
    }
    header.extend(3u64.to_be_bytes());
    header.extend(flags.to_be_bytes());
    header.resize(256, 0);
    let mut authentication = Vec::new();
    if let Some((key, hash)) = key {
        authentication = hash.of(&[&header, &auxiliary]);
        authentication.extend(sign(key, hash, &[&header, &auxiliary]));
    }
    authentication.resize(authentication_size as usize, 0);
    [header, authentication, auxiliary].concat()
}

fn descriptor(tag: u64, mut body: Vec<u8>) -> Vec<u8> {
    body.resize(body.len().next_multiple_of(8), 0);
    [&tag.to_be_bytes()[..], &(body.len() as u64).to_be_bytes(), &body].concat()
}

fn digest_of(algorithm: &str, partition: &str, salt: &[u8], digest: &[u8]) -> Vec<u8> {
    let mut body = algorithm.as_bytes().to_vec();
    body.resize(32, 0);
    for len in [partition.len(), salt.len(), digest.len()] {
        body.extend((len as u32).to_be_bytes());
    }
    body.extend([0; 64]);
    [&body, partition.as_bytes(), salt, digest].concat()
}

/// A hash descriptor of an image.
pub fn hash(partition: &str, algorithm: (&str, Hash), image: &[u8]) -> Vec<u8> {
    let digest = algorithm.1.of(&[b"salt", image]);
    let mut body = (image.len() as u64).to_be_bytes().to_vec();
    body.extend(digest_of(algorithm.0, partition, b"salt", &digest));
    descriptor(2, body)
}

/// A hashtree descriptor of an image, and the tree that stands behind it.
pub fn hashtree(partition: &str, algorithm: (&str, Hash), image: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (name, hash) = algorithm;
    let stride = hash.size().next_power_of_two();
    let digest = |block: &[u8]| {
        let mut digest = hash.of(&[b"salt", block]);
        digest.resize(stride, 0);
        digest
    };
    let (mut tree, mut level) = (Vec::new(), image.to_vec());
    while 4096 < level.len() {
        level = level.chunks(4096).flat_map(digest).collect();
        level.resize(level.len().next_multiple_of(4096), 0);
        tree.splice(0..0, level.clone());
    }
    let root = digest(&level)[..hash.size()].to_vec();
    let mut body = 1u32.to_be_bytes().to_vec();
    body.extend((image.len() as u64).to_be_bytes());
    body.extend((image.len() as u64).to_be_bytes());
    body.extend((tree.len() as u64).to_be_bytes());
    body.extend([4096u32.to_be_bytes(), 4096u32.to_be_bytes(), [0; 4]].concat());
    body.extend([0; 16]);
    body.extend(digest_of(name, partition, b"salt", &root));
    (descriptor(1, body), tree)
}

/// A chain descriptor.
pub fn chain(partition: &str, key: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in [1, partition.len(), key.len()] {
        body.extend((number as u32).to_be_bytes());
    }
    body.extend([0; 64]);
    descriptor(4, [&body, partition.as_bytes(), key].concat())
}
