//! What a package states of what lies in it, to be held against it. Nobody need have signed the statement.

use serde::{Deserialize, Serialize};

/// One statement. Files are named as the package names them, in the folder of whoever states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Claim {
    /// A file has so many bytes.
    Size {
        /// The file.
        file: String,
        /// In bytes.
        size: u64,
    },
    /// The SHA-256 of the first bytes of a file.
    Sha256 {
        /// The file.
        file: String,
        /// How many bytes; none where all are meant.
        first: Option<u64>,
        /// In hex.
        sha256: String,
    },
    /// A file of the archive stands at a place of it, unpacked: who loads only that range gets the same bytes.
    Stands {
        /// The file, in the archive.
        file: String,
        /// Where, in the archive.
        offset: u64,
        /// In bytes; at most those of the file, from its start.
        size: u64,
    },
    /// The CRC-32 of the file that is flashed to a partition.
    Crc32 {
        /// The partition.
        partition: String,
        /// As it is printed.
        crc32: u32,
    },
    /// CRC-32s of the parts that a flashing tool cuts a sparse image into.
    SparseCrc32 {
        /// The partition.
        partition: String,
    },
    /// The first digits of the MD5 of what states it, in its own name.
    Md5 {
        /// In hex.
        digits: String,
    },
    /// A script flashes a file to a partition.
    Flashed {
        /// The partition.
        partition: String,
        /// The file, in the folder `images`.
        file: String,
    },
    /// The version below which the phone takes no package any more.
    AntiRollback {
        /// As it is printed.
        version: u64,
    },
    /// Blocks of 4,096 bytes that are read once after an update, so that dm-verity finds what is wrong: from, to.
    Blocks {
        /// The partition.
        partition: String,
        /// Ascending.
        blocks: Vec<(u64, u64)>,
    },
    /// The build has one of these values of a property, or of the one of that name of a partition.
    Property {
        /// The property.
        name: String,
        /// The values.
        values: Vec<String>,
    },
    /// A partition belongs to the build.
    Partition {
        /// The partition.
        name: String,
    },
    /// The image of a partition has at most so many bytes.
    Room {
        /// The partition.
        partition: String,
        /// In bytes.
        size: u64,
    },
}
