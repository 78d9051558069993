//! A public key that adb accepts without asking the user (`/adb_keys`, `/product/etc/security/adb_keys`).

use serde::{Deserialize, Serialize};

/// One line of an `adb_keys` file (AOSP `packages/modules/adb`: base64 of `struct RSAPublicKey`, then a comment).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdbKey {
    /// SHA-256 over the decoded key structure, in hex; of the line itself where it does not decode.
    pub sha256: String,
    /// Length of the modulus in bits; `None` where the key does not decode.
    pub bits: Option<u32>,
    /// What stands after the key, usually `user@host`.
    pub comment: String,
}
