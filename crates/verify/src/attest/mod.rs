//! Android key attestation: what a phone's secure hardware states about a key and the system that it booted, in a chain
//! of certificates up to a root of Google's.
//!
//! Source: <https://source.android.com/docs/security/features/keystore/attestation>, AOSP `hardware/interfaces`,
//! `security/keymint/aidl/…/KeyCreationResult.aidl`; which chains are taken: `android/keyattestation`,
//! `KeyAttestationCertPathValidator.kt`.

pub mod chain;
pub mod record;
pub mod revoked;
