//! Why a package does not verify, by the names that AOSP gives it.
//!
//! Source: `com.android.apksig.ApkVerifier.Issue`; those of v3.2 by what Android 17 calls them
//! (`ApkSignatureVerifierMetrics.VerificationResult`).

use std::collections::BTreeMap;

use model::fact::apk_signature::Class;

macro_rules! kinds {
    ($($name:ident, $text:literal, $class:ident;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "they are AOSP's, and so is what they mean")]
        pub enum Kind {
            $($name,)*
        }

        impl Kind {
            /// AOSP's name in kebab-case.
            pub fn name(self) -> &'static str {
                match self {
                    $(Kind::$name => $text,)*
                }
            }

            /// What it means.
            pub fn class(self) -> Class {
                match self {
                    $(Kind::$name => Class::$class,)*
                }
            }
        }
    };
}

kinds! {
    MalformedApk, "malformed-apk", Malformed;
    NoSigForTargetSandboxVersion, "no-sig-for-target-sandbox-version", Rule;
    MinSigSchemeForTargetSdkNotMet, "min-sig-scheme-for-target-sdk-not-met", Rule;

    JarNoSignatures, "jar-sig-no-signatures", Unsigned;
    JarMaxSignaturesExceeded, "jar-sig-max-signatures-exceeded", Rule;
    JarNoSignedZipEntries, "jar-sig-no-signed-zip-entries", Content;
    JarDuplicateZipEntry, "jar-sig-duplicate-zip-entry", Content;
    JarDuplicateManifestSection, "jar-sig-duplicate-manifest-section", Malformed;
    JarUnnamedManifestSection, "jar-sig-unnnamed-manifest-section", Malformed;
    JarUnnamedSigFileSection, "jar-sig-unnnamed-sig-file-section", Malformed;
    JarNoManifest, "jar-sig-no-manifest", Unsigned;
    JarMissingZipEntryReferencedInManifest, "jar-sig-missing-zip-entry-referenced-in-manifest", Missing;
    JarNoZipEntryDigestInManifest, "jar-sig-no-zip-entry-digest-in-manifest", Content;
    JarNoZipEntryDigestInSigFile, "jar-sig-no-zip-entry-digest-in-sig-file", Content;
    JarZipEntryNotSigned, "jar-sig-zip-entry-not-signed", Content;
    JarZipEntrySignersMismatch, "jar-sig-zip-entry-signers-mismatch", Content;
    JarZipEntryDigestDidNotVerify, "jar-sig-zip-entry-digest-did-not-verify", Content;
    JarManifestMainSectionDigestDidNotVerify, "jar-sig-manifest-main-section-digest-did-not-verify", Content;
    JarManifestSectionDigestDidNotVerify, "jar-sig-manifest-section-digest-did-not-verify", Content;
    JarVerifyException, "jar-sig-verify-exception", Signature;
    JarUnsupportedSigAlg, "jar-sig-unsupported-sig-alg", Unsupported;
    JarParseException, "jar-sig-parse-exception", Malformed;
    JarDidNotVerify, "jar-sig-did-not-verify", Signature;
    JarNoSigners, "jar-sig-no-signers", Malformed;
    JarDuplicateSigFileSection, "jar-sig-duplicate-sig-file-section", Malformed;
    JarMissingVersionAttrInSigFile, "jar-sig-missing-version-attr-in-sig-file", Malformed;
    JarMissingApkSigReferenced, "jar-sig-missing-apk-sig-referenced", Stripped;
    JarMissing, "jar-sig-missing", Rule;

    V2Missing, "v2-sig-missing", Rule;
    V2MalformedSigners, "v2-sig-malformed-signers", Malformed;
    V2MalformedSigner, "v2-sig-malformed-signer", Malformed;
    V2MalformedPublicKey, "v2-sig-malformed-public-key", Malformed;
    V2MalformedCertificate, "v2-sig-malformed-certificate", Malformed;
    V2MalformedSignature, "v2-sig-malformed-signature", Malformed;
    V2MalformedDigest, "v2-sig-malformed-digest", Malformed;
    V2MalformedAdditionalAttribute, "v2-sig-malformed-additional-attribute", Malformed;
    V2MissingApkSigReferenced, "v2-sig-missing-apk-sig-referenced", Stripped;
    V2MaxSignaturesExceeded, "v2-sig-max-signatures-exceeded", Rule;
    V2NoSigners, "v2-sig-no-signers", Malformed;
    V2VerifyException, "v2-sig-verify-exception", Signature;
    V2DidNotVerify, "v2-sig-did-not-verify", Signature;
    V2NoSignatures, "v2-sig-no-signatures", Malformed;
    V2NoSupportedSignatures, "v2-sig-no-supported-signatures", Unsupported;
    V2NoCertificates, "v2-sig-no-certificates", Malformed;
    V2PublicKeyMismatch, "v2-sig-public-key-mismatch-between-certificate-and-signatures-record", Signature;
    V2SigAlgMismatch, "v2-sig-sig-alg-mismatch-between-signatures-and-digests-records", Malformed;
    V2ApkDigestDidNotVerify, "v2-sig-apk-digest-did-not-verify", Content;

    V3MalformedSigners, "v3-sig-malformed-signers", Malformed;
    V3MalformedSigner, "v3-sig-malformed-signer", Malformed;
    V3MalformedPublicKey, "v3-sig-malformed-public-key", Malformed;
    V3MalformedCertificate, "v3-sig-malformed-certificate", Malformed;
    V3MalformedSignature, "v3-sig-malformed-signature", Malformed;
    V3MalformedDigest, "v3-sig-malformed-digest", Malformed;
    V3MalformedAdditionalAttribute, "v3-sig-malformed-additional-attribute", Malformed;
    V3NoSigners, "v3-sig-no-signers", Malformed;
    V3MultipleSigners, "v3-sig-multiple-signers", Rule;
    V3MultiplePastSigners, "v3-sig-multiple-past-signers", Rule;
    V3PastSignersMismatch, "v3-sig-past-signers-mismatch", Rule;
    V3VerifyException, "v3-sig-verify-exception", Signature;
    V3InvalidSdkVersions, "v3-sig-invalid-sdk-versions", Malformed;
    V3DidNotVerify, "v3-sig-did-not-verify", Signature;
    V3NoSignatures, "v3-sig-no-signatures", Malformed;
    V3NoSupportedSignatures, "v3-sig-no-supported-signatures", Unsupported;
    V3NoCertificates, "v3-sig-no-certificates", Malformed;
    V3MinSdkMismatch, "v3-min-sdk-version-mismatch-between-signer-and-signed-data-record", Malformed;
    V3MaxSdkMismatch, "v3-max-sdk-version-mismatch-between-signer-and-signed-data-record", Malformed;
    V3PublicKeyMismatch, "v3-sig-public-key-mismatch-between-certificate-and-signatures-record", Signature;
    V3SigAlgMismatch, "v3-sig-sig-alg-mismatch-between-signatures-and-digests-records", Malformed;
    V3ApkDigestDidNotVerify, "v3-sig-apk-digest-did-not-verify", Content;
    V3PorDidNotVerify, "v3-sig-por-did-not-verify", Signature;
    V3MalformedLineage, "v3-sig-malformed-lineage", Malformed;
    V3PorCertMismatch, "v3-sig-por-cert-mismatch", Rule;
    V3InconsistentSdkVersions, "v3-inconsistent-sdk-versions", Rule;
    V3MissingSdkVersions, "v3-missing-sdk-versions", Rule;
    V3InconsistentLineages, "v3-inconsistent-lineages", Rule;
    V31BlockMissing, "v31-block-missing", Stripped;
    V31RotationMinSdkMismatch, "v31-rotation-min-sdk-mismatch", Rule;
    V31BlockFoundWithoutV3Block, "v31-block-found-without-v3-block", Stripped;
    V3PqcSingleSigner, "pqc-single-signer", Rule;

    V32InvalidSignerCount, "v32-invalid-signer-count", Rule;
    V32AlgoTypeCollision, "v32-algo-type-collision", Rule;
    V32SdkRangeMismatch, "v32-sdk-range-mismatch", Rule;
    V32PorMissing, "v32-por-missing", Rule;
    V32PorMismatch, "v32-por-mismatch", Rule;
    V32PorCapabilityMismatch, "v32-por-capability-mismatch", Rule;
    V32InconsistentDigests, "v32-inconsistent-digests", Content;
    V32BlockStripped, "v32-block-stripped", Stripped;
    V32SdkAttrMismatch, "v32-sdk-attr-mismatch", Rule;
    V32MaxAttrWithoutMinAttr, "v32-max-attr-without-min-attr", Rule;

    V4NoSignatures, "v4-sig-no-signatures", Malformed;
    V4UnknownSigAlgorithm, "v4-sig-unknown-sig-algorithm", Unsupported;
    V4DidNotVerify, "v4-sig-did-not-verify", Signature;
    V4VerifyException, "v4-sig-verify-exception", Signature;
    V4MalformedPublicKey, "v4-sig-malformed-public-key", Malformed;
    V4MalformedCertificate, "v4-sig-malformed-certificate", Malformed;
    V4PublicKeyMismatch, "v4-sig-public-key-mismatch-between-certificate-and-signatures-record", Signature;
    V4ApkRootDidNotVerify, "v4-sig-apk-root-did-not-verify", Content;
    V4ApkTreeDidNotVerify, "v4-sig-apk-tree-did-not-verify", Content;
    V4MultipleSigners, "v4-sig-multiple-signers", Rule;
    V4SignersMismatch, "v4-sig-v2-v3-signers-mismatch", Rule;
    V4DigestsMismatch, "v4-sig-v2-v3-digests-mismatch", Content;

    StampSigMissing, "source-stamp-sig-missing", Stripped;
    StampMalformedCertificate, "source-stamp-malformed-certificate", Malformed;
    StampMalformedSignature, "source-stamp-malformed-signature", Malformed;
    StampVerifyException, "source-stamp-verify-exception", Signature;
    StampDidNotVerify, "source-stamp-did-not-verify", Signature;
    StampNoSignature, "source-stamp-no-signature", Malformed;
    StampNoSupportedSignature, "source-stamp-no-supported-signature", Unsupported;
    StampCertificateMismatch, "source-stamp-certificate-mismatch-between-signature-block-and-apk", Content;
    StampMalformedAttribute, "source-stamp-malformed-attribute", Malformed;
    StampMalformedLineage, "source-stamp-malformed-lineage", Malformed;
    StampPorCertMismatch, "source-stamp-por-cert-mismatch", Rule;
    StampPorDidNotVerify, "source-stamp-por-did-not-verify", Signature;
    StampInvalidTimestamp, "source-stamp-invalid-timestamp", Malformed;
}

/// Problems by kind, each with how often and the first few entries that it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<Kind, (u64, Vec<String>)>);

impl Problems {
    /// Adds a problem of the package as a whole.
    pub fn add(&mut self, kind: Kind) {
        self.count(kind, 1, &[]);
    }

    /// Adds a problem of one entry.
    pub fn add_entry(&mut self, kind: Kind, entry: &str) {
        self.count(kind, 1, &[entry.to_owned()]);
    }

    /// Takes over all of another.
    pub fn merge(&mut self, other: &Problems) {
        for (kind, count, entries) in other.iter() {
            self.count(kind, count, entries);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Kind, count and first entries of each, sorted by kind.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64, &[String])> {
        self.0.iter().map(|(kind, (count, entries))| (*kind, *count, entries.as_slice()))
    }

    fn count(&mut self, kind: Kind, count: u64, entries: &[String]) {
        let (known, told) = self.0.entry(kind).or_default();
        *known = known.saturating_add(count);
        let left = ENTRIES_TOLD.saturating_sub(told.len());
        told.extend(entries.iter().take(left).cloned());
    }
}

/// A reader wants examples, not a list.
const ENTRIES_TOLD: usize = 16;
