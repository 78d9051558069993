//! What the world knows about phones, as data: keys, baselines, permissions. A row in `data/*.toml`, with the
//! reference that proves it.
//!
//! Invariant: knowledge decides nothing. It says that a key is published or that Android ships a file setuid; what
//! follows from that is a detector's.

mod permissions;
mod public_keys;
mod table;

use std::sync::LazyLock;

pub use permissions::{Permission, PermissionPower, Protection};
pub use public_keys::PublicKey;
pub use table::{Row, Table};

/// The day when the bundled knowledge was last changed, for reports.
pub const VERSION: &str = "2026-11-22";

/// All tables. Each is decoded when it is first looked at.
#[derive(Debug)]
pub struct Knowledge {
    /// Certificates whose private key is not private.
    pub public_keys: LazyLock<Table<PublicKey>>,
    /// Permissions of Android's framework.
    pub permissions: LazyLock<Table<Permission>>,
}

impl Knowledge {
    /// The knowledge that this program was built with.
    pub fn bundled() -> &'static Knowledge {
        static BUNDLED: Knowledge = Knowledge {
            public_keys: LazyLock::new(|| Table::bundled(PUBLIC_KEYS)),
            permissions: LazyLock::new(|| Table::bundled(PERMISSIONS)),
        };
        &BUNDLED
    }
}

const PUBLIC_KEYS: &str = include_str!("../data/public_keys.toml");
const PERMISSIONS: &str = include_str!("../data/permissions.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every table, decoded and held to the rules for all of them.
    #[test]
    fn every_row_has_a_source_and_no_two_rows_say_the_same() {
        check::<PublicKey>(PUBLIC_KEYS);
        check::<Permission>(PERMISSIONS);
    }

    fn check<R: Row>(text: &str) {
        let table = Table::<R>::decode(text).unwrap();
        assert!(!table.is_empty());
        let mut ids = BTreeSet::new();
        for row in table.iter() {
            assert!(ids.insert(row.id()), "{} stands twice", row.id());
            for key in row.keys() {
                assert!(table.all(&key).any(|found| found.id() == row.id()), "{key} does not find its row");
            }
        }
    }

    #[test]
    fn hashes_are_lower_case_hex_of_their_length() {
        for key in Knowledge::bundled().public_keys.iter() {
            assert!(is_hex(&key.sha256, 64), "{}", key.name);
            assert!(is_hex(&key.sha1, 40), "{}", key.name);
            assert!(is_hex(&key.public_key_sha256, 64), "{}", key.name);
        }
    }

    fn is_hex(text: &str, len: usize) -> bool {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn every_file_of_the_folder_is_bundled_and_small() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let here = include_str!("lib.rs");
        let mut total = 0;
        for entry in std::fs::read_dir(data).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            assert!(here.contains(&format!("include_str!(\"../data/{name}\")")), "{name} is not bundled");
            total += entry.metadata().unwrap().len();
        }
        assert!(total < DATA_MAX_SIZE, "{total} bytes of knowledge");
    }

    /// All tables together, in bytes: they live in the program's file.
    const DATA_MAX_SIZE: u64 = 8 << 20;

    #[test]
    fn the_test_key_is_known_by_each_of_its_hashes() {
        let keys = &Knowledge::bundled().public_keys;
        let testkey = keys.get("a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc").unwrap();
        assert_eq!(testkey.name, "testkey");
        assert_eq!(keys.get("61ed377e85d386a8dfee6b864bd85b0bfaa5af81").unwrap().name, "testkey");
        assert_eq!(keys.get(&testkey.public_key_sha256).unwrap().sha256, testkey.sha256);
        assert!(keys.get("").is_none());
    }

    #[test]
    fn the_debug_subject_is_known_in_either_order_and_no_other() {
        let keys = &Knowledge::bundled().public_keys;
        assert!(keys.is_debug_subject("CN=Android Debug,O=Android,C=US"));
        assert!(keys.is_debug_subject("C=US, O=Android, CN=Android Debug"));
        assert!(!keys.is_debug_subject("CN=Android,OU=Android,O=Android,C=US"));
    }
}
