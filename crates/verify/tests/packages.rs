//! Packages that were signed here, and what happens when they are changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod made;

use made::package::{Package, attribute};
use model::Blob;
use model::fact::apk_signature::{Class, Scheme};
use verify::apk::{Apk, Decision, Levels, Versions};
use verify::hash::Hash;

const VERSIONS: Versions = Versions { min_sdk: 1, target_sdk: 1, target_sandbox: 1 };

fn decision(bytes: &[u8], min: i32, max: i32) -> Decision {
    let blob = Blob::from_bytes(bytes.to_vec());
    let apk = Apk::open(&blob, None, Some(VERSIONS)).unwrap();
    apk.verify(Levels { min, max }).unwrap()
}

fn kinds(bytes: &[u8], min: i32, max: i32) -> Vec<&'static str> {
    decision(bytes, min, max).problems.iter().map(|it| it.0.name()).collect()
}

fn signed_v1(more: &str) -> Package {
    let mut package = Package::new();
    package.sign_v1(&made::key(), Hash::Sha1, more);
    package
}

#[test]
fn a_package_is_accepted_by_each_scheme() {
    let v1 = signed_v1("").bytes();
    assert_eq!(decision(&v1, 1, i32::MAX).schemes, [Scheme::V1]);
    let mut package = signed_v1("");
    package.sign_block(&made::key(), None, &[]);
    assert_eq!(decision(&package.bytes(), 1, i32::MAX).schemes, [Scheme::V2, Scheme::V1]);
    assert_eq!(decision(&package.bytes(), 24, i32::MAX).schemes, [Scheme::V2]);
    package.sign_block(&made::other_key(), Some((28, i32::MAX as u32)), &[]);
    assert_eq!(decision(&package.bytes(), 28, i32::MAX).schemes, [Scheme::V3]);
    assert_eq!(kinds(&package.bytes(), 1, i32::MAX), ["v3-sig-past-signers-mismatch"], "another key than that of v1");
}

#[test]
fn a_package_without_signature_is_unsigned_and_not_altered() {
    let decision = decision(&Package::new().bytes(), 1, i32::MAX);
    let classes: Vec<Class> = decision.problems.iter().map(|it| it.0.class()).collect();
    assert_eq!(classes, [Class::Unsigned]);
}

#[test]
fn what_was_done_to_the_entries_is_told_by_entry() {
    let mut changed = signed_v1("");
    changed.entries[1].1 = b"CODE".to_vec();
    let found = decision(&changed.bytes(), 18, 23);
    let problems: Vec<_> = found.problems.iter().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].0.name(), "jar-sig-zip-entry-digest-did-not-verify");
    assert_eq!(problems[0].2, ["classes.dex"]);

    let mut added = signed_v1("");
    added.entries.push(("lib/arm/a.so".to_owned(), b"more".to_vec()));
    assert_eq!(kinds(&added.bytes(), 18, 23), ["jar-sig-no-zip-entry-digest-in-manifest"]);

    let mut removed = signed_v1("");
    removed.entries.remove(1);
    assert_eq!(kinds(&removed.bytes(), 18, 23), ["jar-sig-missing-zip-entry-referenced-in-manifest"]);

    let mut twice = signed_v1("");
    twice.entries.insert(0, ("classes.dex".to_owned(), b"other".to_vec()));
    assert_eq!(kinds(&twice.bytes(), 18, 23), ["jar-sig-duplicate-zip-entry"]);
}

#[test]
fn a_newer_signature_that_was_taken_away_is_missed() {
    let stripped = signed_v1("X-Android-APK-Signed: 2, 3\r\n").bytes();
    assert_eq!(kinds(&stripped, 24, 24), ["jar-sig-missing-apk-sig-referenced"]);
    assert_eq!(kinds(&stripped, 18, 23), Vec::<&str>::new(), "older versions do not know of it");
    let mut package = signed_v1("X-Android-APK-Signed: 2\r\n");
    package.sign_block(&made::key(), None, &attribute(0xbeef_f00d, &3u32.to_le_bytes()));
    assert_eq!(kinds(&package.bytes(), 28, 28), ["v2-sig-missing-apk-sig-referenced"]);
    assert_eq!(kinds(&package.bytes(), 24, 27), Vec::<&str>::new());
}

#[test]
fn facts_tell_each_range_of_versions_once() {
    let mut package = signed_v1("X-Android-APK-Signed: 2\r\n");
    package.sign_block(&made::key(), None, &[]);
    let mut bytes = package.bytes();
    // What v2 signs and the JAR scheme does not: the time of an entry.
    bytes[10] ^= 1;
    let blob = Blob::from_bytes(bytes);
    let facts = Apk::open(&blob, None, Some(VERSIONS)).unwrap().facts().unwrap();
    let levels: Vec<_> = facts.levels.iter().map(|it| (it.from, it.to, it.verifies())).collect();
    assert_eq!(levels, [(1, Some(23), true), (24, None, false)]);
    assert_eq!(facts.levels[1].problems[0].class, Class::Content);
    assert_eq!(facts.signers.len(), 1);
}

#[test]
fn what_a_newer_scheme_decides_is_left_open() {
    let mut package = Package::new();
    package.sign_block(&made::key(), None, &[]);
    package.add_pair(0x70e1_c89f, b"two signers");
    let blob = Blob::from_bytes(package.bytes());
    let apk = Apk::open(&blob, None, Some(Versions { min_sdk: 30, ..VERSIONS })).unwrap();
    assert_eq!(apk.undecided_from(), Some(37));
    let levels: Vec<_> = apk.facts().unwrap().levels.iter().map(|it| (it.from, it.to, it.verifies())).collect();
    assert_eq!(levels, [(30, Some(36), true)]);
}

#[test]
fn no_flipped_bit_of_a_signed_package_verifies_or_panics() {
    let mut package = Package::new();
    package.sign_block(&made::key(), None, &[]);
    let bytes = package.bytes();
    assert!(decision(&bytes, 24, 24).problems.is_empty());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let blob = Blob::from_bytes(flipped);
        let verified = Apk::open(&blob, None, Some(VERSIONS)).and_then(|it| it.verify(Levels { min: 24, max: 24 }));
        assert!(verified.is_err() || !verified.unwrap().problems.is_empty(), "byte {at:#x}");
    }
}

#[test]
fn no_prefix_of_a_signed_package_verifies_or_panics() {
    let mut package = signed_v1("");
    package.sign_block(&made::key(), Some((28, i32::MAX as u32)), &[]);
    let bytes = package.bytes();
    for len in 0..bytes.len() {
        let blob = Blob::from_bytes(bytes[..len].to_vec());
        let verified = Apk::open(&blob, None, Some(VERSIONS)).and_then(|it| it.facts());
        assert!(verified.is_err() || verified.unwrap().levels.iter().all(|it| !it.verifies()), "{len} bytes");
    }
}

#[test]
fn flipped_bits_of_the_jar_scheme_do_not_panic_and_nothing_signed_may_change() {
    let bytes = signed_v1("").bytes();
    let code = bytes.windows(4).position(|it| it == b"code").unwrap();
    for at in (0..bytes.len()).step_by(3).chain(code..code + 4) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        let blob = Blob::from_bytes(flipped);
        let Ok(apk) = Apk::open(&blob, None, Some(VERSIONS)) else { continue };
        let verifies = apk.verify(Levels { min: 18, max: 23 }).is_ok_and(|it| it.problems.is_empty());
        assert!(!verifies || !(code..code + 4).contains(&at), "byte {at:#x}");
    }
}

#[test]
fn a_key_of_rsa_has_no_parameters_but_null() {
    let spki = made::spki(&made::key());
    let read = |bytes: &[u8]| verify::key::PublicKey::read(bytes);
    assert!(read(&spki).is_ok());
    let null = spki.windows(2).position(|it| it == [5, 0]).unwrap();
    for (at, byte) in [(null, 4), (null + 1, 0x80), (null + 1, 1)] {
        let mut odd = spki.clone();
        odd[at] = byte;
        assert!(read(&odd).is_err(), "{at}: {byte}");
    }
}

#[test]
fn a_certificate_whose_key_cannot_be_read_is_refused_as_apksig_refuses_it() {
    let bytes = signed_v1("").bytes();
    let spki = made::spki(&made::key());
    let at = bytes.windows(spki.len()).position(|it| it == spki).unwrap();
    let null = at + spki.windows(2).position(|it| it == [5, 0]).unwrap();
    let mut odd = bytes.clone();
    odd[null] = 4;
    assert_eq!(kinds(&odd, 19, 23), ["jar-sig-parse-exception"]);
    // A modulus that is another one can be read.
    let mut other = bytes;
    other[at + spki.len() - 100] ^= 1;
    assert_eq!(kinds(&other, 19, 23), ["jar-sig-did-not-verify"]);
}

#[test]
fn content_that_v31_does_not_cover_is_refused_by_v31() {
    let mut package = Package::new();
    package.sign_block(&made::key(), Some((33, i32::MAX as u32)), &[]);
    // Behind size, length and number of the pair.
    let rotated = package.block[20..package.block.len() - 24].to_vec();
    package.sign_block(&made::key(), Some((28, 32)), &[]);
    package.add_pair(0x1b93_ad61, &rotated);
    assert_eq!(decision(&package.bytes(), 33, i32::MAX).schemes, [Scheme::V31, Scheme::V3]);
    package.entries[1].1[0] ^= 1;
    let changed = decision(&package.bytes(), 33, i32::MAX);
    assert_eq!(changed.schemes, []);
    assert_eq!(kinds(&package.bytes(), 33, i32::MAX), ["v3-sig-apk-digest-did-not-verify"]);
}
