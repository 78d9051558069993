//! Recomputes what signatures cover: packages, verified boot, updates.
//!
//! Invariant: nothing is told as verified unless every byte that the claim covers was read and hashed here.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

pub mod apk;
pub mod attest;
pub mod avb;
pub mod ber;
pub mod certificate;
pub mod hash;
pub mod jca;
pub mod key;
pub mod pkcs7;
pub mod transparency;
pub mod update;
