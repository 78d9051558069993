//! Signatures of Android packages: whether a range of API levels accepts a package, decided as AOSP's `apksigner verify`
//! decides it.
//!
//! Invariant: what a level decides is worked out from the package's bytes and the manifest's versions alone, and reading
//! it at one level or at all gives the same.
//!
//! Source: <https://source.android.com/docs/security/features/apksigning>, AOSP `tools/apksig`, `ApkVerifier.java`.

mod algorithm;
mod block;
mod digest;
mod jar;
mod lineage;
pub mod problem;
mod signer;
mod stamp;
mod v1;
mod v2;
mod v3;
mod v32;
mod v4;
mod zip;

use std::borrow::Borrow;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use model::fact::apk_signature::{self, ApkSignature, Level, Scheme};
use model::fact::app::App;
use model::{Blob, Fault};
use rustc_hash::FxHashMap;

use self::algorithm::Content;
use self::block::Block;
use self::digest::Parts;
pub use self::jar::base64;
use self::lineage::Lineage;
use self::problem::{Kind, Problems};
use self::signer::Signer;
pub use self::zip::pieces;
use self::zip::{Allowance, Record, Sections, Unpacker};
use crate::certificate::Certificate;
use crate::hash::Hash;

/// A range of API levels, both ends included; `i32::MAX` is no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// The first.
    pub min: i32,
    /// The last.
    pub max: i32,
}

/// What the manifest says that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// `minSdkVersion`, 1 where it is not stated.
    pub min_sdk: i32,
    /// `targetSdkVersion`, else the minimum.
    pub target_sdk: i32,
    /// `targetSandboxVersion`, 1 where it is not stated.
    pub target_sandbox: i32,
}

impl Versions {
    /// What a manifest says. What cannot be read of it stands as where it is not stated.
    pub fn of(app: &App) -> Versions {
        let level = |it: Option<u32>| it.and_then(|it| i32::try_from(it).ok());
        let min_sdk = level(app.min_sdk).unwrap_or(1).max(1);
        Versions {
            min_sdk,
            target_sdk: level(app.target_sdk).unwrap_or(min_sdk),
            target_sandbox: level(app.target_sandbox).unwrap_or(1),
        }
    }
}

/// What a range of API levels decides.
#[derive(Debug, Default)]
pub struct Decision {
    /// Schemes that verify.
    pub schemes: Vec<Scheme>,
    /// What is wrong; empty where the package verifies.
    pub problems: Problems,
    /// The certificates of who signed by which scheme.
    pub signers: Vec<(Scheme, Certificate)>,
    /// The rotation.
    pub lineage: Option<Lineage>,
    /// The stamp, if there is one: what is wrong with it.
    pub stamp: Option<Result<(), Kind>>,
}

/// A package that is open for verification. What was hashed once is kept.
pub struct Apk<'a> {
    blob: &'a Blob,
    idsig: Option<&'a Blob>,
    versions: Option<Versions>,
    sections: Sections,
    records: Vec<Record>,
    /// Why the central directory could not be read: what is signed by a block is verified all the same.
    unread: Option<Fault>,
    block: Option<Block>,
    allowance: Allowance,
    unpacker: RefCell<Unpacker>,
    entries: RefCell<FxHashMap<(usize, Hash), Vec<u8>>>,
    contents: RefCell<FxHashMap<Content, Option<Vec<u8>>>>,
    files: RefCell<FxHashMap<String, Vec<u8>>>,
    /// The files of the JAR scheme, and what ranges of levels decide of them.
    jar: OnceCell<Result<Result<v1::Files, Problems>, Fault>>,
    v1: RefCell<Vec<(v1::Class, Rc<v1::Verified>)>>,
    v4: OnceCell<Result<v4::Verified, Fault>>,
}

impl<'a> Apk<'a> {
    /// Opens a package, with its `.idsig` file and what its manifest says, where they are there.
    pub fn open(blob: &'a Blob, idsig: Option<&'a Blob>, versions: Option<Versions>) -> Result<Apk<'a>, Fault> {
        let sections = Sections::read(blob)?;
        let (records, unread) = match zip::records(blob, &sections) {
            Ok(records) => (records, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        let block = Block::read(blob, &sections)?;
        Ok(Apk {
            blob,
            idsig,
            versions: versions.filter(|_| records.iter().any(|it| it.name == ANDROID_MANIFEST)),
            sections,
            records,
            unread,
            block,
            allowance: Allowance::of(blob),
            unpacker: RefCell::default(),
            entries: RefCell::default(),
            contents: RefCell::default(),
            files: RefCell::default(),
            jar: OnceCell::new(),
            v1: RefCell::default(),
            v4: OnceCell::new(),
        })
    }

    /// What the range of API levels decides. A fault is a bound or a machine that failed: then nothing is decided.
    pub fn verify(&self, levels: Levels) -> Result<Decision, Fault> {
        let mut decision = Decision::default();
        match self.decide(levels, &mut decision) {
            Ok(()) => {}
            // AOSP's verifier gives up on a package that it cannot read.
            Err(Fault::Malformed { .. } | Fault::Truncated { .. }) => decision.problems.add(Kind::MalformedApk),
            Err(fault) => return Err(fault),
        }
        Ok(decision)
    }

    fn decide(&self, levels: Levels, decision: &mut Decision) -> Result<(), Fault> {
        let known: &[u32] = match levels.max {
            P.. => &[2, 3],
            N.. => &[2],
            _ => &[],
        };
        let mut found: Vec<u32> = Vec::new();
        let mut digests: stamp::SchemeDigests = Vec::new();
        let from = |min: i32| Levels { min: levels.min.max(min), max: levels.max };
        let value = |id: u32| self.block.as_ref().and_then(|it| it.value(id));
        let (mut v32, mut v31, mut v3, mut v2) = (None, None, None, None);
        if N <= levels.max {
            let (mut hybrid, mut rotation) = (None, None);
            if v3::MIN_SDK_V32 <= levels.max
                && let Some(value) = value(v3::BLOCK_ID_V32)
            {
                let verified = v32::verify(self, value, from(v3::MIN_SDK_V32))?;
                hybrid = verified.range;
                if !verified.problems.is_empty() || !verified.signers.is_empty() {
                    found.push(32);
                    if !decision.take(Scheme::V32, &verified.problems) {
                        return Ok(());
                    }
                    v32 = Some(verified);
                }
            }
            let asked = |version, min| v3::Asked { version, levels: from(min), hybrid };
            if v3::MIN_SDK_V31 <= levels.max
                && let Some(value) = value(v3::BLOCK_ID_V31)
            {
                let verified = v3::verify(self, value, asked(v3::Version::V31, v3::MIN_SDK_V31))?;
                found.push(31);
                rotation = verified.signers.iter().map(|it| it.min).min().filter(|it| 0 < *it);
                if !decision.take(Scheme::V31, &verified.problems) {
                    return Ok(());
                }
                v31 = Some(verified);
            }
            if P <= levels.max {
                match value(v3::BLOCK_ID) {
                    Some(value) => {
                        let verified = v3::verify(self, value, asked(v3::Version::V3(rotation), P))?;
                        found.push(3);
                        digests.push((3, known_digests(verified.signers.iter().map(|it| &it.signer))));
                        if !decision.take(Scheme::V3, &verified.problems) {
                            return Ok(());
                        }
                        v3 = Some(verified);
                    }
                    None if v31.is_some() => {
                        decision.problems.add(Kind::V31BlockFoundWithoutV3Block);
                        return Ok(());
                    }
                    None => {}
                }
            }
            if (levels.min < P || found.is_empty())
                && let Some(value) = value(v2::BLOCK_ID)
            {
                let verified = v2::verify(self, value, from(N), known, &found)?;
                found.push(2);
                digests.push((2, known_digests(&verified.signers)));
                if !decision.take(Scheme::V2, &verified.problems) {
                    return Ok(());
                }
                v2 = Some(verified);
            }
            if let Some(idsig) = self.idsig {
                match self.v4.get_or_init(|| v4::verify(self.blob, idsig)) {
                    Ok(verified) => {
                        found.push(4);
                        if !decision.take(Scheme::V4, &verified.problems) {
                            return Ok(());
                        }
                    }
                    Err(fault) => return Err(fault.clone()),
                }
            }
        }
        if let Some(fault) = &self.unread {
            return Err(fault.clone());
        }
        if O <= levels.max {
            let versions = self.versions.ok_or(Fault::malformed("AndroidManifest.xml", 0))?;
            if 1 < versions.target_sandbox && found.is_empty() {
                decision.problems.add(Kind::NoSigForTargetSandboxVersion);
            }
        }
        let mut v1 = None;
        if levels.min < N || found.is_empty() {
            let verified = v1::verify(self, levels, known, &found)?;
            digests.push((1, self.manifest_digest()?));
            if decision.take(Scheme::V1, &verified.problems) {
                v1 = Some(verified);
            }
        }
        if !decision.problems.is_empty() {
            return Ok(());
        }
        if let Some(entry) = self.record(stamp::ENTRY) {
            let expected = self.bytes(entry)?;
            decision.stamp = Some(match value(stamp::BLOCK_ID) {
                Some(value) => stamp::verify(value, &expected, &digests, from(R)),
                None => Err(Kind::StampSigMissing),
            });
        }
        let v1: Vec<&Certificate> = v1.iter().flat_map(|it| &it.signers).collect();
        let v2: Vec<&Signer> = v2.iter().flat_map(|it| &it.signers).collect();
        self.hold_schemes(levels, &v1, &v2, v3.as_ref(), v31.as_ref(), decision);
        let lineage = v32.as_ref().and_then(|it| it.lineage.as_ref());
        let lineage = lineage.or(v31.as_ref().and_then(|it| it.lineage.as_ref()));
        decision.lineage = lineage.or(v3.as_ref().and_then(|it| it.lineage.as_ref())).cloned();
        decision.signers.extend(v1.iter().map(|it| (Scheme::V1, (*it).clone())));
        decision.signers.extend(v2.iter().filter_map(|it| Some((Scheme::V2, it.certificates.first()?.clone()))));
        let of_block = [
            (Scheme::V3, v3.as_ref().map(|it| &it.signers)),
            (Scheme::V31, v31.as_ref().map(|it| &it.signers)),
            (Scheme::V32, v32.as_ref().map(|it| &it.signers)),
        ];
        for (scheme, signers) in of_block {
            let own = signers.into_iter().flatten().filter_map(|it| it.signer.certificates.first());
            decision.signers.extend(own.map(|it| (scheme, it.clone())));
        }
        Ok(())
    }

    /// The signers of different schemes are the same, or follow each other.
    fn hold_schemes(
        &self,
        levels: Levels,
        v1: &[&Certificate],
        v2: &[&Signer],
        v3: Option<&v3::Verified>,
        v31: Option<&v3::Verified>,
        decision: &mut Decision,
    ) {
        let problems = &mut decision.problems;
        let v2_own: Vec<&Certificate> = v2.iter().filter_map(|it| it.certificates.first()).collect();
        let lacks = |of: &[&Certificate], it: &Certificate| of.iter().all(|own| own.encoded != it.encoded);
        if !v1.is_empty() && !v2_own.is_empty() {
            if v1.iter().any(|it| lacks(&v2_own, it)) {
                problems.add(Kind::V2Missing);
            }
            if v2_own.iter().any(|it| lacks(v1, it)) {
                problems.add(Kind::JarMissing);
            }
        }
        let old = if v1.is_empty() { &v2_own[..] } else { v1 };
        if let (Some(v3), Some(first)) = (v3, old.first()) {
            if old.len() != 1 {
                problems.add(Kind::V3MultiplePastSigners);
            }
            let lineage = v31.and_then(|it| it.lineage.as_ref()).or(v3.lineage.as_ref());
            let follows = match lineage {
                Some(lineage) => lineage.position(first) == Some(0),
                None => {
                    if v3.signers.len() != 1 {
                        problems.add(Kind::V3MultipleSigners);
                    }
                    own_of(v3).is_some_and(|it| it.encoded == first.encoded)
                }
            };
            if !follows {
                problems.add(Kind::V3PastSignersMismatch);
            }
        }
        if let Some(Ok(v4)) = self.v4.get().filter(|_| self.idsig.is_some() && N <= levels.max) {
            hold_v4(v4, v2, v3, v31, problems);
        }
        if let Some(versions) = self.versions
            && R <= versions.target_sdk
            && versions.target_sdk <= levels.max
            && v2.is_empty()
            && v3.is_none()
            && v31.is_none()
            && !decision.schemes.contains(&Scheme::V32)
        {
            problems.add(Kind::MinSigSchemeForTargetSdkNotMet);
        }
    }

    /// The content has the digests that the signers state, as far as their verified signatures count.
    fn hold_content<S: Borrow<Signer>>(
        &self,
        signers: impl IntoIterator<Item = S>,
        kind: Kind,
        problems: &mut Problems,
    ) -> Result<(), Fault> {
        let signers: Vec<S> = signers.into_iter().collect();
        let mut contents: Vec<Content> = signers.iter().flat_map(|it| it.borrow().contents.clone()).collect();
        contents.sort_unstable();
        contents.dedup();
        for content in contents {
            let Some(actual) = self.content_digest(content)? else {
                problems.add(Kind::MalformedApk);
                continue;
            };
            for signer in &signers {
                let wrong = |it: &(Content, &[u8])| it.0 == content && it.1 != actual;
                if signer.borrow().known_digests().any(|it| wrong(&it)) {
                    problems.add(kind);
                }
            }
        }
        Ok(())
    }

    fn content_digest(&self, content: Content) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(known) = self.contents.borrow().get(&content) {
            return Ok(known.clone());
        }
        let Some(block) = &self.block else { return Ok(None) };
        let digest = Parts::of(self.blob, &self.sections, block)?.digest(content, &self.sections)?;
        self.contents.borrow_mut().insert(content, digest.clone());
        Ok(digest)
    }

    /// Hashes of an entry's bytes.
    fn entry_digests(&self, idx: usize, hashes: &[Hash]) -> Result<Vec<Vec<u8>>, Fault> {
        let missing: Vec<Hash> =
            hashes.iter().copied().filter(|it| !self.entries.borrow().contains_key(&(idx, *it))).collect();
        if !missing.is_empty() {
            let record = self.records.get(idx).ok_or(Fault::malformed("entry", 0))?;
            let mut running: Vec<_> = missing.iter().map(|it| it.start()).collect();
            record.unpack(
                self.blob,
                &self.sections,
                &mut self.unpacker.borrow_mut(),
                &self.allowance,
                &mut |piece| {
                    running.iter_mut().for_each(|it| it.update(piece));
                },
            )?;
            let mut entries = self.entries.borrow_mut();
            for (hash, running) in missing.iter().zip(running) {
                entries.insert((idx, *hash), running.finalize().into_vec());
            }
        }
        let entries = self.entries.borrow();
        Ok(hashes.iter().map(|it| entries.get(&(idx, *it)).cloned().unwrap_or_default()).collect())
    }

    /// The unpacked bytes of a file of signatures.
    fn bytes(&self, record: &Record) -> Result<Vec<u8>, Fault> {
        if let Some(known) = self.files.borrow().get(&record.name) {
            return Ok(known.clone());
        }
        let bytes = record.bytes(self.blob, &self.sections, &mut self.unpacker.borrow_mut(), &self.allowance)?;
        self.files.borrow_mut().insert(record.name.clone(), bytes.clone());
        Ok(bytes)
    }

    /// What the stamp signs of the JAR scheme.
    fn manifest_digest(&self) -> Result<Vec<(u32, Vec<u8>)>, Fault> {
        let Some(manifest) = self.record(v1::MANIFEST) else { return Ok(Vec::new()) };
        Ok(vec![(stamp::MANIFEST_SHA256, Hash::Sha256.of(&[&self.bytes(manifest)?]))])
    }

    fn record(&self, name: &str) -> Option<&Record> {
        self.records.iter().find(|it| it.name == name)
    }

    fn last_record(&self, name: &str) -> Option<&Record> {
        self.records.iter().rev().find(|it| it.name == name)
    }

    /// What each version of Android decides, who signed and by whom the signer was followed.
    pub fn facts(&self) -> Result<ApkSignature, Fault> {
        let mut facts = ApkSignature { has_v4_file: self.idsig.is_some(), ..ApkSignature::default() };
        let min_sdk = self.versions.map_or(1, |it| it.min_sdk).clamp(1, LEVEL_MAX);
        let mut starts = vec![min_sdk];
        starts.extend(LEVELS_THAT_DIFFER);
        starts.extend(self.versions.map(|it| it.target_sdk));
        starts.extend(self.signer_levels());
        starts.retain(|it| (min_sdk..=LEVEL_MAX).contains(it));
        starts.sort_unstable();
        starts.dedup();
        for (idx, start) in starts.iter().enumerate() {
            let end = starts.get(idx.saturating_add(1)).map(|it| it.saturating_sub(1));
            let decision = self.verify(Levels { min: *start, max: *start })?;
            for (scheme, certificate) in &decision.signers {
                let certificate_sha256 = algorithm::sha256_of(certificate);
                let signer = apk_signature::Signer { scheme: *scheme, certificate_sha256 };
                if !facts.signers.contains(&signer) {
                    facts.signers.push(signer);
                }
            }
            if let Some(lineage) = &decision.lineage {
                facts.lineage = lineage.ancestors();
            }
            if let Some(verified) = decision.stamp {
                let value = self.block.as_ref().and_then(|it| it.value(stamp::BLOCK_ID));
                let certificate = value.and_then(stamp::certificate_of);
                facts.stamp = Some(apk_signature::Stamp {
                    certificate_sha256: certificate.map(|it| algorithm::sha256_of(&it)),
                    problems: verified.err().map(|it| it.name().to_owned()).into_iter().collect(),
                });
            }
            let problems = decision.problems.iter().map(|(kind, count, entries)| apk_signature::Problem {
                kind: kind.name().to_owned(),
                class: kind.class(),
                entries: entries.to_vec(),
                count,
            });
            let to_u32 = |it: i32| u32::try_from(it).unwrap_or_default();
            let level = Level {
                from: to_u32(*start),
                to: end.map(to_u32),
                schemes: decision.schemes.clone(),
                problems: problems.collect(),
            };
            match facts.levels.last_mut() {
                Some(last) if last.schemes == level.schemes && last.problems == level.problems => last.to = level.to,
                _ => facts.levels.push(level),
            }
        }
        Ok(facts)
    }

    /// The levels at which signers of v3, v3.1 and v3.2 begin and end.
    fn signer_levels(&self) -> Vec<i32> {
        let mut levels = Vec::new();
        for id in [v3::BLOCK_ID, v3::BLOCK_ID_V31, v3::BLOCK_ID_V32] {
            let Some(value) = self.block.as_ref().and_then(|it| it.value(id)) else { continue };
            signer::signers(value, &mut Problems::default(), [Kind::MalformedApk; 3], |mut record, _| {
                signer::prefixed(&mut record)?;
                levels.push(record.i32_le("minSdkVersion")?);
                levels.push(record.i32_le("maxSdkVersion")?.saturating_add(1));
                Ok(())
            });
        }
        levels.truncate(SIGNER_LEVELS_MAX);
        levels
    }
}

impl Decision {
    /// Takes over what a scheme says; whether it verifies.
    fn take(&mut self, scheme: Scheme, problems: &Problems) -> bool {
        if problems.is_empty() {
            self.schemes.push(scheme);
        }
        self.problems.merge(problems);
        problems.is_empty()
    }
}

fn hold_v4(
    v4: &v4::Verified,
    v2: &[&Signer],
    v3: Option<&v3::Verified>,
    v31: Option<&v3::Verified>,
    problems: &mut Problems,
) {
    let mut hold = |position: usize, signer: Option<&Signer>| {
        let own = signer.and_then(|it| Some((it.certificates.first()?, it.known_digests().max_by_key(|it| it.0)?.1)));
        let stated = v4.signers.get(position);
        if stated.map(|it| &it.0.encoded) != own.map(|it| &it.0.encoded) {
            problems.add(Kind::V4SignersMismatch);
        }
        if v4.signers.first().map(|it| it.1.as_slice()) != own.map(|it| it.1) {
            problems.add(Kind::V4DigestsMismatch);
        }
    };
    let expected = match (v3, v31) {
        (Some(v3), _) => {
            hold(0, v3.signers.first().map(|it| &it.signer));
            if let Some(v31) = v31 {
                hold(1, v31.signers.first().map(|it| &it.signer));
            }
            let single = v3.signers.len() == 1 && v31.is_none_or(|it| it.signers.len() == 1);
            single.then_some(if v31.is_some() { 2 } else { 1 })
        }
        (None, _) => {
            hold(0, v2.first().copied());
            (v2.len() == 1).then_some(1)
        }
    };
    if expected != Some(v4.signers.len()) {
        problems.add(Kind::V4MultipleSigners);
    }
}

fn own_of(verified: &v3::Verified) -> Option<&Certificate> {
    verified.signers.first()?.signer.certificates.first()
}

/// The digests that all signers of a scheme state, of one kind the last.
fn known_digests<'a>(signers: impl IntoIterator<Item = &'a Signer>) -> Vec<(u32, Vec<u8>)> {
    let mut digests: Vec<(u32, Vec<u8>)> = Vec::new();
    for signer in signers {
        for (content, digest) in signer.known_digests() {
            digests.retain(|it| it.0 != content.id());
            digests.push((content.id(), digest.to_vec()));
        }
    }
    digests
}

const ANDROID_MANIFEST: &str = "AndroidManifest.xml";

/// Android 7, which brought v2.
const N: i32 = 24;
/// Android 8, which brought `targetSandboxVersion`.
const O: i32 = 26;
/// Android 9, which brought v3.
const P: i32 = 28;
/// Android 11, which asks for v2 and brought the stamp.
const R: i32 = 30;

/// API levels from which something is decided in another way: algorithms of the JAR scheme, schemes, rules.
const LEVELS_THAT_DIFFER: [i32; 14] = [1, 9, 18, 19, 21, 22, 23, 24, 26, 28, 30, 33, 34, 37];

/// Above all levels that there are; 10000 stands for a version in development.
const LEVEL_MAX: i32 = 10_000;

/// A package has one signer of v3, a rotated one two or three.
const SIGNER_LEVELS_MAX: usize = 32;
