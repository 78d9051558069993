//! Public keys that adb accepts without asking: `adb_keys`, `adbkey.pub`.

use model::fact::adb_key::AdbKey;
use model::{Artifact, Fault, Reader};
use sha2::{Digest, Sha256};

use crate::x509::text::{bytes_of_base64, hex, latin_or_utf8};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "adb-keys",
    title: "adb public keys",
    spec: "AOSP packages/modules/adb/daemon/auth.cpp, system/core/libcrypto_utils/android_pubkey.cpp",
    kind: Kind::Trust,
    matches: |artifact, head| {
        let name = artifact.file_name();
        let named = matches!(name, b"adb_keys" | b"adbkey.pub") || name.ends_with(b".adb_key");
        named && !head.contains(&0)
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("adb key file", SIZE_MAX)?;
    let mut offset = 0u64;
    for line in bytes.split(|&byte| byte == b'\n') {
        let size = line.len() as u64;
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            let row = out.row(offset, size, key_of(line));
            out.facts.adb_keys.push(row);
        }
        offset = offset.saturating_add(size).saturating_add(1);
    }
    Ok(())
}

/// One line: the key in base64, then a comment.
fn key_of(line: &[u8]) -> AdbKey {
    let mut words = line.splitn(2, u8::is_ascii_whitespace);
    let key = words.next().and_then(bytes_of_base64);
    let bits = key.as_deref().and_then(bits_of);
    let digest = match (&key, bits) {
        (Some(key), Some(_)) => Sha256::digest(key),
        _ => Sha256::digest(line),
    };
    let comment = latin_or_utf8(words.next().unwrap_or_default().trim_ascii());
    AdbKey { sha256: hex(&digest), bits, comment }
}

/// The length of the modulus of a `struct RSAPublicKey`: the number of its words, which also gives the whole length.
fn bits_of(key: &[u8]) -> Option<u32> {
    let words = Reader::new(key).u32_le("modulus_size_words").ok()?;
    // Number of words, inverse, modulus, its square's remainder, exponent.
    let len = words.checked_mul(8)?.checked_add(12)?;
    (words != 0 && u32::try_from(key.len()).ok()? == len).then(|| words.checked_mul(32))?
}

/// A key is 720 bytes; real files hold under ten.
const SIZE_MAX: u64 = 1 << 20;
