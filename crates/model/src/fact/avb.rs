//! Verified-boot metadata (AOSP `external/avb`, `libavb/avb_vbmeta_image.h`).

use serde::{Deserialize, Serialize};

/// One vbmeta structure, of a partition of its own or behind a footer. Parsed, not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vbmeta {
    /// Whether it was found through an AVB footer at the end of another image.
    pub from_footer: bool,
    /// `algorithm_type` as `avbtool` names it (`NONE`, `SHA256_RSA4096`…).
    pub algorithm: String,
    /// `flags`: bit 0 hashtree disabled, bit 1 verification disabled.
    pub flags: u32,
    /// `rollback_index`.
    pub rollback_index: u64,
    /// SHA-256 of the public key blob, in hex; `None` where there is no key.
    pub public_key_sha256: Option<String>,
    /// Length of the key in bits.
    pub public_key_bits: Option<u32>,
    /// `release_string`.
    pub release: String,
    /// The descriptors, in their order.
    pub descriptors: Vec<Descriptor>,
}

/// `flags` bit: dm-verity is off for all partitions.
pub const FLAG_HASHTREE_DISABLED: u32 = 1;
/// `flags` bit: no descriptor is looked at.
pub const FLAG_VERIFICATION_DISABLED: u32 = 2;

/// A descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Descriptor {
    /// A property.
    Property {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// A whole image is hashed.
    Hash {
        /// The partition.
        partition: String,
        /// How many bytes are hashed.
        image_size: u64,
        /// The hash's name.
        algorithm: String,
        /// The digest, in hex.
        digest: String,
    },
    /// An image is hashed block by block.
    Hashtree {
        /// The partition.
        partition: String,
        /// How many bytes are hashed.
        image_size: u64,
        /// The hash's name.
        algorithm: String,
        /// The root digest, in hex.
        root_digest: String,
    },
    /// Text for the kernel command line.
    KernelCmdline {
        /// The text.
        cmdline: String,
        /// Bit 0: only with hashtree on; bit 1: only with hashtree off.
        flags: u32,
    },
    /// Another partition carries its own vbmeta under this key.
    Chain {
        /// The partition.
        partition: String,
        /// Where its rollback index is kept.
        rollback_index_location: u32,
        /// SHA-256 of the public key, in hex.
        public_key_sha256: String,
    },
    /// A kind that the specification does not know.
    Unknown {
        /// Its tag.
        tag: u64,
    },
}
