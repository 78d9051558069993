//! RSA public keys in the two forms that Android precomputes: adb's and verified boot's.

use std::path::Path;

use anyhow::{Context, Result};

use super::tools::Tool;

/// A modulus with what Montgomery's multiplication needs, in 32-bit words, lowest first.
struct Modulus {
    n: Vec<u32>,
    /// -1 / n mod 2^32.
    n0inv: u32,
    /// 2^(2 * bits) mod n.
    rr: Vec<u32>,
}

/// A line of `adb_keys` (AOSP `system/core/libcrypto_utils/android_pubkey.c`): base64 of `struct RSAPublicKey`.
///
/// # Errors
/// As [`Tool::run`].
pub fn adb_key(private: &Path, comment: &str) -> Result<String> {
    let key = Modulus::of(private)?;
    let mut bytes = Vec::new();
    bytes.extend((key.n.len() as u32).to_le_bytes());
    bytes.extend(key.n0inv.to_le_bytes());
    bytes.extend(key.n.iter().chain(&key.rr).flat_map(|it| it.to_le_bytes()));
    bytes.extend(EXPONENT.to_le_bytes());
    let text = Tool::new("openssl").args(["base64", "-A"]).pipe(&bytes)?;
    Ok(format!("{} {comment}\n", String::from_utf8(text)?.trim()))
}

/// `AvbRSAPublicKeyHeader` and the two numbers behind it (AOSP `external/avb/libavb/avb_crypto.h`).
///
/// # Errors
/// As [`Tool::run`].
pub fn avb_key(private: &Path) -> Result<Vec<u8>> {
    let key = Modulus::of(private)?;
    let mut bytes = Vec::new();
    bytes.extend((key.n.len() as u32 * 32).to_be_bytes());
    bytes.extend(key.n0inv.to_be_bytes());
    for number in [&key.n, &key.rr] {
        bytes.extend(number.iter().rev().flat_map(|it| it.to_be_bytes()));
    }
    Ok(bytes)
}

const EXPONENT: u32 = 65537;

impl Modulus {
    fn of(private: &Path) -> Result<Modulus> {
        let text = Tool::new("openssl").args(["rsa", "-noout", "-modulus", "-in"]).arg(private).read()?;
        let hex = text.trim().strip_prefix("Modulus=").context("openssl names no modulus")?;
        let word = |at: usize| u32::from_str_radix(&hex[at..at + 8], 16);
        let n: Vec<u32> = (0..hex.len()).step_by(8).rev().map(word).collect::<Result<_, _>>()?;
        // Newton's iteration doubles the correct bits of 1 / n each time.
        let inverse = (0..5).fold(n[0], |x, _| x.wrapping_mul(2u32.wrapping_sub(n[0].wrapping_mul(x))));
        let mut rr = vec![0; n.len()];
        rr[0] = 1;
        for _ in 0..2 * 32 * n.len() {
            double(&mut rr, &n);
        }
        Ok(Modulus { n0inv: inverse.wrapping_neg(), n, rr })
    }
}

/// `x = 2 x mod n`, for `x` below `n`.
fn double(x: &mut [u32], n: &[u32]) {
    let mut carry = 0;
    for word in x.iter_mut() {
        (*word, carry) = (*word << 1 | carry, *word >> 31);
    }
    let is_below = x.iter().rev().lt(n.iter().rev());
    if carry == 0 && is_below {
        return;
    }
    let mut borrow = false;
    for (word, n) in x.iter_mut().zip(n) {
        let (less, first) = word.overflowing_sub(*n);
        let (less, second) = less.overflowing_sub(u32::from(borrow));
        (*word, borrow) = (less, first || second);
    }
}
