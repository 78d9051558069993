//! dm-verity before AVB: a signed table behind the file system, and a tree behind that.
//!
//! Source: <https://source.android.com/docs/security/features/verifiedboot/dm-verity>, AOSP `system/extras/verity`,
//! `system/core/fs_mgr/fs_mgr_verity.cpp` (Android 7).

use model::{Blob, Fault, Reader};

use super::hashtree::Hashtree;
use super::structure::by_name;
use crate::hash::Hash;
use crate::key::{Padding, PublicKey};

/// A table and its signature.
#[derive(Debug)]
pub struct VerityTable {
    /// The table as it was signed.
    pub text: Vec<u8>,
    signature: Vec<u8>,
    /// The tree that it states.
    pub tree: Hashtree,
}

impl VerityTable {
    /// Reads the metadata behind a file system of this size; `None` where there is none.
    pub fn read(image: &Blob, file_system_size: u64) -> Result<Option<VerityTable>, Fault> {
        if image.len() < file_system_size.saturating_add(METADATA_SIZE) {
            return Ok(None);
        }
        let bytes = image.read_at(file_system_size, METADATA_SIZE)?;
        let mut reader = Reader::at(&bytes, file_system_size);
        if reader.u32_le("magic")? != MAGIC {
            return Ok(None);
        }
        if reader.u32_le("protocol version")? != 0 {
            return Err(Fault::Unsupported("version of verity metadata".to_owned()));
        }
        let signature = reader.take(SIGNATURE_SIZE, "signature")?.to_vec();
        let len = reader.u32_le("table length")?;
        let len = reader.fits(len.into(), 1, "table length")?;
        let text = reader.take(len, "table")?.to_vec();
        let tree = tree_of(&text).ok_or(Fault::malformed("verity table", file_system_size))?;
        Ok(Some(VerityTable { text, signature, tree }))
    }

    /// Whether its signature is by this key (`/verity_key`, in the form of mincrypt). `None` where that is no key.
    pub fn is_signed_by(&self, key: &[u8]) -> Option<bool> {
        let key = mincrypt_key(key)?;
        key.verifies(Padding::Pkcs1, Hash::Sha256, &Hash::Sha256.of(&[&self.text]), &self.signature).ok()
    }
}

/// `version data_dev hash_dev data_block hash_block num_blocks hash_start algorithm root salt …`
fn tree_of(text: &[u8]) -> Option<Hashtree> {
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let [_, _, _, data_block, hash_block, n_blocks, hash_start, algorithm, root, salt] =
        std::array::from_fn(|_| fields.next());
    if data_block? != hash_block? {
        return None;
    }
    let block: u32 = data_block?.parse().ok()?;
    let tree_at = hash_start?.parse::<u64>().ok()?.checked_mul(block.into())?;
    let salt = if salt? == "-" { Vec::new() } else { unhex(salt?)? };
    Hashtree::new(by_name(algorithm?)?, &salt, block, n_blocks?.parse().ok()?, &unhex(root?)?, tree_at).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|it| it.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    digits?.chunks(2).map(|it| if let [high, low] = it { Some(high << 4 | low) } else { None }).collect()
}

/// `RSAPublicKey` of AOSP's mincrypt: words, the least significant first.
fn mincrypt_key(bytes: &[u8]) -> Option<PublicKey> {
    let mut reader = Reader::new(bytes);
    let words = usize::try_from(reader.u32_le("len").ok()?).ok().filter(|it| *it <= WORDS_MAX)?;
    reader.skip(4, "n0inv").ok()?;
    let mut modulus = reader.take(words.checked_mul(4)?, "n").ok()?.to_vec();
    modulus.reverse();
    reader.skip(words.checked_mul(4)?, "rr").ok()?;
    let exponent = reader.u32_le("exponent").ok()?;
    PublicKey::rsa(&modulus, &exponent.to_be_bytes()).ok()
}

const MAGIC: u32 = 0xb001_b001;
const METADATA_SIZE: u64 = 32 << 10;
const SIGNATURE_SIZE: usize = 256;

/// 2,048 bits are 64 words.
const WORDS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_states_its_tree() {
        let root = "ab".repeat(32);
        let text = format!("1 /dev/block/system /dev/block/system 4096 4096 300 308 sha256 {root} aee087");
        let tree = tree_of(text.as_bytes()).unwrap();
        assert_eq!(tree.len(), 300 * 4096);
        assert!(tree_of(b"1 a b 4096 4096 300").is_none());
        assert!(tree_of(text.replace("ab", "zz").as_bytes()).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (tree_of(&bytes), mincrypt_key(&bytes));
        }
    }
}
