//! The JAR scheme (v1) as Android verifies it: signature block over signature file over manifest over entries.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/v1/V1SchemeVerifier.java`.

use std::rc::Rc;

use model::Fault;
use rustc_hash::{FxHashMap, FxHashSet};

use super::jar::{self, Section};
use super::problem::{Kind, Problems};
use super::zip::Record;
use super::{Apk, Levels};
use crate::certificate::Certificate;
use crate::hash::Hash;
use crate::jca;
use crate::key::KeyFault;
use crate::pkcs7::{self, Attributes, SignedData, SignerInfo};

/// What the scheme says.
#[derive(Debug, Default)]
pub struct Verified {
    /// What is wrong; empty where it verifies.
    pub problems: Problems,
    /// Certificates of those who signed all entries.
    pub signers: Vec<Certificate>,
}

/// Verifies the scheme for a range of API levels. `known` are the newer schemes that these levels know, `found` those
/// that the package has.
pub fn verify(apk: &Apk, levels: Levels, known: &[u32], found: &[u32]) -> Result<Rc<Verified>, Fault> {
    let files = match apk.jar.get_or_init(|| Files::read(apk)) {
        Ok(Ok(files)) => files,
        Ok(Err(problems)) => return Ok(Rc::new(Verified { problems: problems.clone(), signers: Vec::new() })),
        Err(fault) => return Err(fault.clone()),
    };
    let class = Class::of(files, levels, known, found);
    if let Some((_, verified)) = apk.v1.borrow().iter().find(|it| it.0 == class) {
        return Ok(Rc::clone(verified));
    }
    let verified = Rc::new(verify_files(apk, files, levels, known, found)?);
    apk.v1.borrow_mut().push((class, Rc::clone(&verified)));
    Ok(verified)
}

/// The files of the scheme: the manifest, and pairs of signature block and signature file.
pub struct Files {
    manifest: Manifest,
    signers: Vec<Signer>,
}

struct Signer {
    block: Vec<u8>,
    file: Vec<u8>,
    sections: Vec<Section>,
}

impl Files {
    /// Reads them; problems where no version of Android goes on with what is there.
    fn read(apk: &Apk) -> Result<Result<Files, Problems>, Fault> {
        let mut problems = Problems::default();
        for name in duplicates(&apk.records) {
            problems.add_entry(Kind::JarDuplicateZipEntry, name);
        }
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let Some(manifest) = apk.record(MANIFEST) else {
            problems.add(Kind::JarNoManifest);
            return Ok(Err(problems));
        };
        let manifest = Manifest::read(apk.bytes(manifest)?, &apk.records, &mut problems);
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let mut pairs = Vec::new();
        for block in apk.records.iter().filter(|it| is_block(&it.name)) {
            let stem = block.name.rsplit_once('.').map_or("", |it| it.0);
            // A block without its file is passed over.
            if let Some(file) = apk.last_record(&format!("{stem}.SF")) {
                pairs.push((block, file));
            }
        }
        if pairs.is_empty() {
            problems.add(Kind::JarNoSignatures);
        } else if SIGNERS_MAX < pairs.len() {
            problems.add(Kind::JarMaxSignaturesExceeded);
        }
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let mut signers = Vec::new();
        for (block, file) in pairs {
            let (block, file) = (apk.bytes(block)?, apk.bytes(file)?);
            let sections = jar::sections(&file);
            signers.push(Signer { block, file, sections });
        }
        Ok(Ok(Files { manifest, signers }))
    }
}

/// What of a range of levels decides here: ranges of the same class come to the same.
#[derive(PartialEq, Eq)]
pub struct Class {
    min: usize,
    max: usize,
    /// Whether the range takes the algorithm of each signer.
    taken: Vec<bool>,
    known: Vec<u32>,
    found: Vec<u32>,
}

impl Class {
    fn of(files: &Files, levels: Levels, known: &[u32], found: &[u32]) -> Class {
        let reached = |level: i32| [GINGERBREAD, JELLY_BEAN_MR2, KITKAT, N].iter().filter(|it| **it <= level).count();
        let mut taken = Vec::new();
        for signer in &files.signers {
            // What is malformed is so at all levels.
            let Ok(data) = SignedData::read(&signer.block) else { continue };
            taken.extend(data.signers.iter().map(|it| is_taken(it, levels)));
        }
        // Schemes count from where the first newer one does.
        let schemes = |it: &[u32]| if levels.max < N { Vec::new() } else { it.to_vec() };
        Class {
            min: reached(levels.min),
            max: reached(levels.max),
            taken,
            known: schemes(known),
            found: schemes(found),
        }
    }
}

fn is_taken(signer: &SignerInfo, levels: Levels) -> bool {
    match (jca::digest(signer.digest), jca::signature(signer.algorithm)) {
        (Some(digest), Some(algorithm)) => jca::covers(jca::levels(digest, algorithm), levels.min, levels.max),
        _ => false,
    }
}

fn verify_files(apk: &Apk, files: &Files, levels: Levels, known: &[u32], found: &[u32]) -> Result<Verified, Fault> {
    let Files { manifest, signers } = files;
    let mut verified = Verified::default();
    let problems = &mut verified.problems;
    let mut verified_files = Vec::new();
    for signer in signers {
        match verify_block(&signer.block, &signer.file, levels) {
            Ok(certificate) => verified_files.push((certificate, signer)),
            Err(kind) => problems.add(kind),
        }
    }
    if !problems.is_empty() {
        return Ok(verified);
    }
    let mut signers: Vec<(Certificate, FxHashSet<&str>)> = Vec::new();
    for (certificate, signer) in verified_files {
        let mut own = Problems::default();
        match verify_file(&signer.sections, manifest, levels, known, found, &mut own)? {
            Some(entries) if own.is_empty() => signers.push((certificate, entries)),
            Some(_) => problems.merge(&own),
            // Android ignores the signer.
            None => {}
        }
    }
    if problems.is_empty() && signers.is_empty() {
        problems.add(Kind::JarNoSignatures);
    }
    if !problems.is_empty() {
        return Ok(verified);
    }
    let used = verify_entries(apk, levels, manifest, &signers, problems)?;
    verified.signers = used.iter().filter_map(|it| signers.get(*it)).map(|it| it.0.clone()).collect();
    Ok(verified)
}

/// The names that more than one entry has, each once.
fn duplicates(records: &[Record]) -> Vec<&str> {
    let mut seen: FxHashMap<&str, u64> = FxHashMap::default();
    let mut twice = Vec::new();
    for record in records {
        let count = seen.entry(record.name.as_str()).or_default();
        *count = count.saturating_add(1);
        if *count == 2 {
            twice.push(record.name.as_str());
        }
    }
    twice
}

/// Whether an entry is a signature block.
fn is_block(name: &str) -> bool {
    name.starts_with(FOLDER) && [".RSA", ".DSA", ".EC"].iter().any(|it| name.ends_with(it))
}

struct Manifest {
    bytes: Vec<u8>,
    main: Option<Section>,
    by_name: FxHashMap<String, Section>,
}

impl Manifest {
    fn read(bytes: Vec<u8>, records: &[Record], problems: &mut Problems) -> Manifest {
        let names: FxHashSet<&str> = records.iter().map(|it| it.name.as_str()).collect();
        let mut sections = jar::sections(&bytes).into_iter();
        let main = sections.next();
        let mut by_name: FxHashMap<String, Section> = FxHashMap::default();
        for section in sections {
            let Some(name) = section.name().map(str::to_owned) else {
                problems.add(Kind::JarUnnamedManifestSection);
                continue;
            };
            let missing = !names.contains(name.as_str());
            if by_name.insert(name.clone(), section).is_some() {
                problems.add_entry(Kind::JarDuplicateManifestSection, &name);
            } else if missing {
                problems.add_entry(Kind::JarMissingZipEntryReferencedInManifest, &name);
            }
        }
        Manifest { bytes, main, by_name }
    }
}

/// The certificate of the first signer of a block whose signature over the file holds.
fn verify_block(block: &[u8], file: &[u8], levels: Levels) -> Result<Certificate, Kind> {
    let data = SignedData::read(block).map_err(|_| Kind::JarParseException)?;
    if data.signers.is_empty() {
        return Err(Kind::JarNoSigners);
    }
    let certificates = data.certificates.iter().map(|it| Certificate::read_with_key(it)).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|_| Kind::JarParseException)?;
    // Before Android 7 only the first counts.
    let tried = if levels.min < N { 1 } else { SIGNER_INFOS_MAX };
    let mut first = None;
    for signer in data.signers.iter().take(tried) {
        let certificate = verify_signer(&data, &certificates, signer, file, levels)?;
        first = first.or(certificate);
    }
    first.cloned().ok_or(Kind::JarDidNotVerify)
}

/// The signer's certificate if its signature holds; a problem where Android would not go on with the next signer.
fn verify_signer<'a>(
    data: &SignedData,
    certificates: &'a [Certificate],
    signer: &SignerInfo,
    file: &[u8],
    levels: Levels,
) -> Result<Option<&'a Certificate>, Kind> {
    let (Some(digest), Some(algorithm)) = (jca::digest(signer.digest), jca::signature(signer.algorithm)) else {
        return Err(Kind::JarUnsupportedSigAlg);
    };
    if !is_taken(signer, levels) {
        return Err(Kind::JarUnsupportedSigAlg);
    }
    let issued = |it: &&Certificate| {
        signer.issued.as_ref().is_some_and(|(issuer, serial)| *issuer == it.issuer && *serial == it.serial)
    };
    let certificate = certificates.iter().find(issued).ok_or(Kind::JarVerifyException)?;
    if certificate.unknown_critical || !certificate.may_sign {
        return Err(Kind::JarVerifyException);
    }
    let key = certificate.key().map_err(|_| Kind::JarVerifyException)?;
    if !key.fits(algorithm.padding) {
        return Err(Kind::JarVerifyException);
    }
    let hash = algorithm.hash.unwrap_or(digest);
    let signed = match &signer.attributes {
        None => hash.of(&[file]),
        Some(set) => {
            if levels.min < KITKAT {
                return Err(Kind::JarVerifyException);
            }
            let attributes = Attributes::read(set).map_err(|_| Kind::JarParseException)?;
            let single = |oid| attributes.single(oid).map_err(|_| Kind::JarParseException);
            if N <= levels.max {
                let content_type = single(pkcs7::OID_CONTENT_TYPE)?.ok_or(Kind::JarVerifyException)?;
                if content_type.body != data.content_type {
                    return Ok(None);
                }
            }
            let expected = single(pkcs7::OID_MESSAGE_DIGEST)?.ok_or(Kind::JarVerifyException)?;
            if expected.body != digest.of(&[file]) {
                return Ok(None);
            }
            // Signed is the set, not the field that holds it.
            let rest = set.whole.get(1..).unwrap_or_default();
            hash.of(&[&[crate::ber::SET], rest])
        }
    };
    match key.verifies(algorithm.padding, hash, &signed, signer.signature) {
        Ok(verifies) => Ok(verifies.then_some(certificate)),
        Err(KeyFault::Malformed | KeyFault::Unsupported | KeyFault::NoSignature) => Err(Kind::JarVerifyException),
    }
}

/// The entries that a signature file names, after it was held against the manifest. `None` where Android ignores it.
fn verify_file<'a>(
    sections: &'a [Section],
    manifest: &Manifest,
    levels: Levels,
    known: &[u32],
    found: &[u32],
    problems: &mut Problems,
) -> Result<Option<FxHashSet<&'a str>>, Fault> {
    let mut sections = sections.iter();
    let main = sections.next().ok_or(Fault::malformed("signature file", 0))?;
    if main.attribute("Signature-Version").is_none() {
        return Ok(None);
    }
    if N <= levels.max && is_stripped(main, known, found) {
        problems.add(Kind::JarMissingApkSigReferenced);
        return Ok(Some(FxHashSet::default()));
    }
    let by_signtool = main.attribute("Created-By").is_some_and(|it| it.contains("signtool"));
    let suffix = if by_signtool { "-Digest" } else { "-Digest-Manifest" };
    let whole = digests(main, suffix, levels)?;
    let whole_verifies = !whole.is_empty() && whole.iter().all(|it| it.0.of(&[&manifest.bytes]) == it.1);
    if !by_signtool {
        let expected = digests(main, "-Digest-Manifest-Main-Attributes", levels)?;
        let range = manifest.main.as_ref().map_or(0..0, |it| it.range.clone());
        let bytes = manifest.bytes.get(range).unwrap_or_default();
        if expected.iter().any(|it| it.0.of(&[bytes]) != it.1) {
            problems.add(Kind::JarManifestMainSectionDigestDidNotVerify);
            return Ok(Some(FxHashSet::default()));
        }
    }
    let mut entries = FxHashSet::default();
    let mut is_ignored = false;
    for section in sections {
        let Some(name) = section.name() else { return Ok(None) };
        if !entries.insert(name) {
            return Ok(None);
        }
        if whole_verifies {
            continue;
        }
        let Some(stated) = manifest.by_name.get(name) else {
            is_ignored = true;
            continue;
        };
        let expected = digests(section, "-Digest", levels)?;
        if expected.is_empty() {
            problems.add_entry(Kind::JarNoZipEntryDigestInSigFile, name);
        }
        let mut bytes = manifest.bytes.get(stated.range.clone()).unwrap_or_default();
        if by_signtool && let Some(shorter) = bytes.strip_suffix(b"\n").filter(|it| it.ends_with(b"\n")) {
            bytes = shorter;
        }
        if expected.iter().any(|it| it.0.of(&[bytes]) != it.1) {
            problems.add_entry(Kind::JarManifestSectionDigestDidNotVerify, name);
        }
    }
    Ok(if is_ignored { None } else { Some(entries) })
}

/// Whether the signature file names a newer scheme that is not there.
fn is_stripped(main: &Section, known: &[u32], found: &[u32]) -> bool {
    let named = main.attribute("X-Android-APK-Signed").unwrap_or_default();
    let ids = named.split(',').filter_map(|it| it.trim().parse::<u32>().ok());
    ids.into_iter().any(|it| known.contains(&it) && !found.contains(&it))
}

/// Held against the manifest: every entry outside `META-INF` is signed by the same signers. Gives the numbers of these.
fn verify_entries(
    apk: &Apk,
    levels: Levels,
    manifest: &Manifest,
    signers: &[(Certificate, FxHashSet<&str>)],
    problems: &mut Problems,
) -> Result<Vec<usize>, Fault> {
    let mut first: Option<Vec<usize>> = None;
    for (idx, record) in apk.records.iter().enumerate() {
        let name = record.name.as_str();
        if name.starts_with(FOLDER) {
            continue;
        }
        let Some(section) = manifest.by_name.get(name) else {
            problems.add_entry(Kind::JarNoZipEntryDigestInManifest, name);
            continue;
        };
        let own = signers.iter().enumerate().filter(|(_, it)| it.1.contains(name)).map(|it| it.0).collect::<Vec<_>>();
        if own.is_empty() {
            problems.add_entry(Kind::JarZipEntryNotSigned, name);
            continue;
        }
        if *first.get_or_insert_with(|| own.clone()) != own {
            problems.add_entry(Kind::JarZipEntrySignersMismatch, name);
            continue;
        }
        let expected = digests(section, "-Digest", levels)?;
        if expected.is_empty() {
            problems.add_entry(Kind::JarNoZipEntryDigestInManifest, name);
            continue;
        }
        let hashes: Vec<Hash> = expected.iter().map(|it| it.0).collect();
        let actual = apk.entry_digests(idx, &hashes)?;
        if expected.iter().zip(actual).any(|(expected, actual)| expected.1 != actual) {
            problems.add_entry(Kind::JarZipEntryDigestDidNotVerify, name);
        }
    }
    if first.is_none() {
        problems.add(Kind::JarNoSignedZipEntries);
    }
    Ok(first.unwrap_or_default())
}

/// The digests of a section that some level of the range would look at.
fn digests(section: &Section, suffix: &str, levels: Levels) -> Result<Vec<(Hash, Vec<u8>)>, Fault> {
    let mut found: Vec<(Hash, Vec<u8>)> = Vec::new();
    // What is no Base64 makes AOSP's verifier fail as a whole.
    let decoded = |text: &str| jar::base64(text).ok_or(Fault::malformed("digest", section.range.start as u64));
    if levels.min < JELLY_BEAN_MR2 {
        let names = section.attribute("Digest-Algorithms").unwrap_or("SHA SHA1");
        for name in names.split([' ', '\t', '\n', '\r', '\x0c']).filter(|it| !it.is_empty()) {
            let Some(text) = section.attribute_of(&[name, suffix]) else { continue };
            let Some(hash) = hash_of(name).filter(|it| it.1 <= levels.min).map(|it| it.0) else { continue };
            found.push((hash, decoded(text)?));
            break;
        }
        if found.is_empty() {
            return Ok(found);
        }
    }
    if JELLY_BEAN_MR2 <= levels.max {
        for (hash, name) in
            [(Hash::Sha512, "SHA-512"), (Hash::Sha384, "SHA-384"), (Hash::Sha256, "SHA-256"), (Hash::Sha1, "SHA1")]
        {
            let Some(text) = section.attribute_of(&[name, suffix]) else { continue };
            let stronger = (hash, decoded(text)?);
            if !found.contains(&stronger) {
                found.push(stronger);
            }
            break;
        }
    }
    Ok(found)
}

/// A hash by the names that manifests used, with the first API level that knows it.
fn hash_of(name: &str) -> Option<(Hash, i32)> {
    Some(match name.to_ascii_uppercase().as_str() {
        "MD5" => (Hash::Md5, 0),
        "SHA" | "SHA1" | "SHA-1" => (Hash::Sha1, 0),
        "SHA-256" => (Hash::Sha256, 0),
        "SHA-384" => (Hash::Sha384, GINGERBREAD),
        "SHA-512" => (Hash::Sha512, GINGERBREAD),
        _ => return None,
    })
}

/// Where signatures lie.
const FOLDER: &str = "META-INF/";
/// The manifest.
pub const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// Android's own bound.
const SIGNERS_MAX: usize = 10;
/// A block has one signer, by the tests of AOSP two; each costs a verification.
const SIGNER_INFOS_MAX: usize = 64;

const GINGERBREAD: i32 = 9;
const JELLY_BEAN_MR2: i32 = 18;
const KITKAT: i32 = 19;
const N: i32 = 24;
