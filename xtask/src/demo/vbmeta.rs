//! Metadata of verified boot (AOSP `external/avb/libavb/avb_vbmeta_image.h`), signed with a key of the demo's.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::tools::{Tool, sha256};
use super::{files, rsa};

/// The flag with which the boot loader verifies nothing at all.
pub const VERIFICATION_DISABLED: u32 = 2;

/// Writes it: a digest of the boot image, and properties of the build.
///
/// # Errors
/// As [`Tool::run`]; the boot image cannot be read.
pub fn write(out: &Path, private: &Path, boot: &Path, flags: u32) -> Result<()> {
    let key = rsa::avb_key(private)?;
    let mut aux = hash_descriptor("boot", &files::read(boot)?)?;
    for partition in ["system", "vendor", "product"] {
        aux.extend(property(&format!("com.android.build.{partition}.os_version"), "11"));
        aux.extend(property(&format!("com.android.build.{partition}.security_patch"), "2021-08-05"));
    }
    let descriptors_size = aux.len() as u64;
    aux.extend(&key);
    aux.resize(aux.len().next_multiple_of(64), 0);

    let mut header = Vec::new();
    header.extend(b"AVB0");
    be32(&mut header, &[1, 0]);
    let authentication_size = (HASH_SIZE + SIGNATURE_SIZE).next_multiple_of(64);
    be64(&mut header, &[authentication_size, aux.len() as u64]);
    be32(&mut header, &[SHA256_RSA2048]);
    be64(&mut header, &[0, HASH_SIZE, HASH_SIZE, SIGNATURE_SIZE]);
    // Key, metadata of the key, descriptors: offset and size of each; then the rollback index.
    be64(
        &mut header,
        &[descriptors_size, key.len() as u64, descriptors_size + key.len() as u64, 0, 0, descriptors_size],
    );
    be64(&mut header, &[ROLLBACK_INDEX]);
    be32(&mut header, &[flags, 0]);
    header.extend(b"postern demo 1");
    header.resize(256, 0);

    let signed = [header.as_slice(), &aux].concat();
    let signature = Tool::new("openssl").args(["dgst", "-sha256", "-sign"]).arg(private).pipe(&signed)?;
    let mut image = header;
    image.extend(sha256(&signed)?);
    image.extend(signature);
    image.resize(256 + authentication_size as usize, 0);
    image.extend(aux);
    image.resize(image.len().next_multiple_of(4096), 0);
    Ok(fs::write(out, image)?)
}

/// `AvbHashDescriptor`: SHA-256 over salt and image.
fn hash_descriptor(partition: &str, image: &[u8]) -> Result<Vec<u8>> {
    let salt = [0x5a; 32];
    let digest = sha256(&[&salt[..], image].concat())?;
    let mut body = Vec::new();
    be64(&mut body, &[image.len() as u64]);
    let mut algorithm = b"sha256".to_vec();
    algorithm.resize(32, 0);
    body.extend(algorithm);
    be32(&mut body, &[partition.len() as u32, salt.len() as u32, digest.len() as u32, 0]);
    body.extend([0; 60]);
    body.extend(partition.as_bytes());
    body.extend(salt);
    body.extend(digest);
    Ok(descriptor(2, body))
}

/// `AvbPropertyDescriptor`.
fn property(key: &str, value: &str) -> Vec<u8> {
    let mut body = Vec::new();
    be64(&mut body, &[key.len() as u64, value.len() as u64]);
    body.extend(key.as_bytes());
    body.push(0);
    body.extend(value.as_bytes());
    body.push(0);
    descriptor(0, body)
}

/// `AvbDescriptor`: tag and length before the body, which is filled up to eight bytes.
fn descriptor(tag: u64, mut body: Vec<u8>) -> Vec<u8> {
    body.resize(body.len().next_multiple_of(8), 0);
    let mut bytes = Vec::new();
    be64(&mut bytes, &[tag, body.len() as u64]);
    bytes.extend(body);
    bytes
}

fn be32(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|it| it.to_be_bytes()));
}

fn be64(bytes: &mut Vec<u8>, words: &[u64]) {
    bytes.extend(words.iter().flat_map(|it| it.to_be_bytes()));
}

const SHA256_RSA2048: u32 = 1;
const HASH_SIZE: u64 = 32;
const SIGNATURE_SIZE: u64 = 256;
/// The patch level as seconds, as makers do it.
const ROLLBACK_INDEX: u64 = super::tools::TIME;
