//! Binary transparency: whether what a build is known by stands in a log that many watch, by a saved checkpoint and proof.
//!
//! Source: AOSP `external/avb`, `tools/transparency`; RFC 6962, 2.1; signed notes: `golang.org/x/mod/sumdb/note`; proofs:
//! <https://c2sp.org/tlog-proof>.

use crate::apk::base64;
use crate::hash::Hash;
use crate::key::{Padding, PublicKey};

/// A signed statement of a log about its size and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The first line: which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The hash over all of them.
    pub root: Vec<u8>,
    text: Vec<u8>,
    /// Name of the key, its hint and the signature.
    signatures: Vec<(String, Vec<u8>, Vec<u8>)>,
}

/// A way from one entry up to the hash over all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The entry's number.
    pub index: u64,
    /// The hashes beside the way, the lowest first.
    pub hashes: Vec<Vec<u8>>,
}

/// What is wrong with a checkpoint or proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl Checkpoint {
    /// Reads a signed note: origin, size and root each on a line, an empty line, signatures.
    pub fn read(note: &str) -> Result<Checkpoint, Malformed> {
        let (text, signed) = note.split_once("\n\n").ok_or(Malformed("the checkpoint is not signed"))?;
        let mut lines = text.lines();
        let origin = lines.next().ok_or(Malformed("the checkpoint names no log"))?.to_owned();
        let size = lines.next().and_then(|it| it.parse().ok()).ok_or(Malformed("the checkpoint states no size"))?;
        let root = lines.next().and_then(base64).ok_or(Malformed("the checkpoint states no hash"))?;
        if root.len() != HASH_SIZE || lines.next().is_some() {
            return Err(Malformed("the checkpoint is no note of origin, size and hash"));
        }
        let mut signatures = Vec::new();
        for line in signed.lines().filter(|it| !it.is_empty()).take(SIGNATURES_MAX) {
            let line = line.strip_prefix("\u{2014} ").ok_or(Malformed("a signature of the checkpoint is none"))?;
            let (name, bytes) = line.split_once(' ').ok_or(Malformed("a signature of the checkpoint is none"))?;
            let bytes = base64(bytes).ok_or(Malformed("a signature of the checkpoint is no Base64"))?;
            let (hint, signature) = bytes.split_at_checked(4).ok_or(Malformed("a signature is too short"))?;
            signatures.push((name.to_owned(), hint.to_vec(), signature.to_vec()));
        }
        Ok(Checkpoint { origin, size, root, text: format!("{text}\n").into_bytes(), signatures })
    }

    /// Whether it is signed under this name by this key (ECDSA over SHA-256).
    pub fn is_signed_by(&self, name: &str, spki: &[u8]) -> bool {
        let Ok(key) = PublicKey::read(spki) else { return false };
        let digest = Hash::Sha256.of(&[&self.text]);
        let hint = Hash::Sha256.of(&[spki]);
        let hint = hint.get(..4).unwrap_or_default();
        self.signatures.iter().any(|(own, own_hint, signature)| {
            own == name
                && own_hint == hint
                && key.fits(Padding::Ecdsa)
                && key.verifies(Padding::Ecdsa, Hash::Sha256, &digest, signature) == Ok(true)
        })
    }
}

impl Proof {
    /// Reads a proof: a line `index N`, then a hash a line in Base64. What stands before the index, and what follows an
    /// empty line (a checkpoint), is passed over.
    pub fn read(text: &str) -> Result<Proof, Malformed> {
        let mut lines = text.lines().skip_while(|it| !it.starts_with("index "));
        let index = lines.next().and_then(|it| it.strip_prefix("index ")).and_then(|it| it.trim().parse().ok());
        let index = index.ok_or(Malformed("the proof states no index"))?;
        let mut hashes = Vec::new();
        for line in lines.take_while(|it| !it.trim().is_empty()) {
            let hash = base64(line.trim()).filter(|it| it.len() == HASH_SIZE);
            if HASHES_MAX <= hashes.len() {
                return Err(Malformed("the proof has more hashes than any log needs"));
            }
            hashes.push(hash.ok_or(Malformed("a line of the proof is no hash"))?);
        }
        Ok(Proof { index, hashes })
    }

    /// Whether it leads from this entry to the root of the checkpoint (RFC 9162, 2.1.3.2).
    pub fn includes(&self, entry: &[u8], checkpoint: &Checkpoint) -> bool {
        let Some(last) = checkpoint.size.checked_sub(1).filter(|it| self.index <= *it) else { return false };
        let (mut node, mut last) = (self.index, last);
        let mut hash = Hash::Sha256.of(&[&[0], entry]);
        for beside in &self.hashes {
            if last == 0 {
                return false;
            }
            if node & 1 == 1 || node == last {
                hash = Hash::Sha256.of(&[&[1], beside, &hash]);
                // Levels at which the way has no neighbour.
                while node & 1 == 0 && node != 0 {
                    (node, last) = (node >> 1, last >> 1);
                }
            } else {
                hash = Hash::Sha256.of(&[&[1], &hash, beside]);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        last == 0 && hash == checkpoint.root
    }
}

/// The entry of a Pixel's build: fingerprint and digest of the verified-boot metadata, each on a line.
pub fn pixel_entry(fingerprint: &str, vbmeta_digest: &[u8]) -> Vec<u8> {
    let digest: String = vbmeta_digest.iter().map(|it| format!("{it:02x}")).collect();
    format!("{}\n{digest}\n", fingerprint.trim()).into_bytes()
}

const HASH_SIZE: usize = 32;

/// A tree of 2^64 entries.
const HASHES_MAX: usize = 64;

/// The log, and witnesses.
const SIGNATURES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash over entries, straight from RFC 6962, 2.1.
    fn root(entries: &[Vec<u8>]) -> Vec<u8> {
        match entries {
            [one] => Hash::Sha256.of(&[&[0], one]),
            many => {
                let left = many.len().next_power_of_two() / 2;
                Hash::Sha256.of(&[&[1], &root(&many[..left]), &root(&many[left..])])
            }
        }
    }

    /// RFC 6962, 2.1.1.
    fn path(index: usize, entries: &[Vec<u8>]) -> Vec<Vec<u8>> {
        if entries.len() == 1 {
            return Vec::new();
        }
        let left = entries.len().next_power_of_two() / 2;
        let (mut hashes, beside) = match index < left {
            true => (path(index, &entries[..left]), root(&entries[left..])),
            false => (path(index - left, &entries[left..]), root(&entries[..left])),
        };
        hashes.push(beside);
        hashes
    }

    fn checkpoint(entries: &[Vec<u8>]) -> Checkpoint {
        let (text, signatures) = (Vec::new(), Vec::new());
        Checkpoint { origin: "log".to_owned(), size: entries.len() as u64, root: root(entries), text, signatures }
    }

    #[test]
    fn every_entry_of_every_log_is_included_and_no_other() {
        for size in 1..20usize {
            let entries: Vec<Vec<u8>> = (0..size).map(|it| vec![it as u8]).collect();
            let checkpoint = checkpoint(&entries);
            for index in 0..size {
                let proof = Proof { index: index as u64, hashes: path(index, &entries) };
                assert!(proof.includes(&entries[index], &checkpoint), "{index} of {size}");
                assert!(!proof.includes(b"other", &checkpoint));
                let moved = Proof { index: index as u64 + 1, ..proof.clone() };
                assert!(!moved.includes(&entries[index], &checkpoint), "{index} of {size}, at another place");
                let longer = Proof { hashes: [&proof.hashes[..], &[vec![0; 32]]].concat(), ..proof.clone() };
                assert!(!longer.includes(&entries[index], &checkpoint));
                for at in 0..proof.hashes.len() {
                    let mut broken = proof.clone();
                    broken.hashes[at][0] ^= 1;
                    assert!(!broken.includes(&entries[index], &checkpoint));
                }
            }
        }
    }

    #[test]
    fn a_checkpoint_is_signed_by_its_log_over_all_its_lines() {
        use p256::ecdsa::signature::hazmat::PrehashSigner;
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let spki = [SPKI_P256, point.as_bytes()].concat();
        let text = format!("example.org/log\n3\n{}\n", ENTRY_HASH);
        let signature: p256::ecdsa::Signature = key.sign_prehash(&Hash::Sha256.of(&[text.as_bytes()])).unwrap();
        let signed = [&Hash::Sha256.of(&[&spki])[..4], signature.to_der().as_bytes()].concat();
        let note = format!("{text}\n\u{2014} log {}\n", base64_of(&signed));
        let checkpoint = Checkpoint::read(&note).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.org/log", 3));
        assert!(checkpoint.is_signed_by("log", &spki));
        assert!(!checkpoint.is_signed_by("other", &spki));
        let forged = Checkpoint::read(&note.replace("\n3\n", "\n4\n")).unwrap();
        assert!(!forged.is_signed_by("log", &spki));
        // Base64 may go without its padding.
        for at in 0..note.trim_end().trim_end_matches('=').len() {
            let cut = note.get(..at).map(Checkpoint::read);
            assert!(!cut.is_some_and(|it| it.is_ok_and(|it| it.is_signed_by("log", &spki))), "{at} bytes");
        }
    }

    const SPKI_P256: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        3, 0x42, 0,
    ];
    const ENTRY_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn base64_of(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for three in bytes.chunks(3) {
            let number = three.iter().fold(0u32, |it, byte| it << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for digit in 0..=three.len() {
                text.push(char::from(DIGITS[(number >> (18 - 6 * digit) & 63) as usize]));
            }
            text.extend(std::iter::repeat_n('=', 3 - three.len()));
        }
        text
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text: String, bytes: Vec<u8>) {
            let _ = (Checkpoint::read(&text), Proof::read(&text), Proof::read(&format!("index 1\n{text}")));
            let proof = Proof { index: bytes.len() as u64, hashes: vec![bytes.clone(); 3] };
            let _ = proof.includes(&bytes, &checkpoint(std::slice::from_ref(&bytes)));
        }
    }
}
