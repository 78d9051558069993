use model::Facts;
use model::observer::Observation;
use sha2::{Digest, Sha256};

use super::*;
use crate::Knowledge;

fn matcher(indicators: &[(IndicatorKind, &str)]) -> Matcher {
    Matcher::of(std::iter::empty(), indicators.iter().copied())
}

/// What is found, as `kind value (found)`, in bytes that come in pieces of a size.
fn found_in_pieces(matcher: &Matcher, bytes: &[u8], size: usize) -> Vec<String> {
    let mut seen = Box::new(observation::Seen::new(matcher, model::ArtifactId(0), Part::Content));
    bytes.chunks(size).for_each(|it| seen.bytes(it));
    let mut facts = Facts::default();
    let sha256 = Sha256::digest(bytes).into();
    assert!(seen.finish(Some(&sha256), &mut facts).is_empty());
    for row in &facts.sightings {
        let range = row.at.offset as usize..(row.at.offset + row.at.size) as usize;
        let there = String::from_utf8_lossy(&bytes[range]).into_owned();
        assert!(row.value.kind == IndicatorKind::Hash || there.contains(&row.value.found), "{row:?} is not at {there}");
    }
    facts.sightings.iter().map(|it| format!("{} {}", it.value.kind.word(), it.value.value)).collect()
}

fn found(indicators: &[(IndicatorKind, &str)], text: &[u8]) -> Vec<String> {
    let matcher = matcher(indicators);
    let whole = found_in_pieces(&matcher, text, text.len().max(1));
    for size in [1, 3, 7, 64] {
        assert_eq!(found_in_pieces(&matcher, text, size), whole, "in pieces of {size}");
    }
    whole
}

#[test]
fn a_domain_is_matched_label_by_label() {
    let known = &[(IndicatorKind::Domain, "cbphe.com")];
    for text in ["cbphe.com", "http://A.b.CBPHE.com:8080/x", "x cbphe.com.", "\u{1}https://cbphe.com/?q", "u@cbphe.com"]
    {
        assert_eq!(found(known, text.as_bytes()), ["domain cbphe.com"], "{text}");
    }
    for text in ["xcbphe.com", "cbphe.com.example.org", "cbphe.common", "cbphe,com", "acbphe.com/cbphe", "com"] {
        assert!(found(known, text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn a_string_of_a_dex_file_begins_with_its_length() {
    let host = "pandoramain-1794008345.us-west-2.elb.amazonaws.com";
    let mut text = vec![0, host.len() as u8];
    text.extend_from_slice(host.as_bytes());
    text.push(0);
    assert!(text[1].is_ascii_alphanumeric());
    assert_eq!(found(&[(IndicatorKind::Domain, host)], &text), [format!("domain {host}")]);
}

#[test]
fn an_address_is_matched_as_an_address() {
    let known = &[(IndicatorKind::Ip, "10.1.2.3"), (IndicatorKind::Ip, "2001:db8::1")];
    assert_eq!(found(known, b"connect 10.1.2.3:80"), ["ip 10.1.2.3"]);
    assert_eq!(found(known, b"2001:0db8:0:0::1"), ["ip 2001:db8::1"]);
    assert!(found(known, b"110.1.2.3 10.1.2.34 10.1.2.3.4").is_empty());
}

#[test]
fn an_address_with_a_path_is_matched_as_a_whole() {
    let known = &[(IndicatorKind::Url, "http://example.net/a/update.conf")];
    assert_eq!(found(known, b"https://example.net/a/update.conf?x=1"), ["url http://example.net/a/update.conf"]);
    assert!(found(known, b"http://example.net/a/update.config http://example.net/a").is_empty());
}

#[test]
fn a_class_is_matched_by_its_descriptor_and_a_package_by_its_labels() {
    let known = &[(IndicatorKind::Class, "com.adups.fota.Task"), (IndicatorKind::Class, "com.lovelyfont.*")];
    assert_eq!(found(known, b"\x14Lcom/adups/fota/Task;\0"), ["class com.adups.fota.Task"]);
    assert_eq!(found(known, b"\0ALcom/lovelyfont/a/B;\0[Lcom/lovelyfont/C;"), ["class com.lovelyfont.*"]);
    assert!(found(known, b"Lcom/adups/fota/Tasks; Lcom/lovelyfonts/A; com/adups/fota/Task").is_empty());
}

#[test]
fn a_text_is_matched_as_a_whole_word() {
    let known = &[(IndicatorKind::String, "rootmydevice"), (IndicatorKind::String, "+79584971255")];
    assert_eq!(found(known, b"\0rootmydevice\n"), ["string rootmydevice"]);
    assert_eq!(found(known, b"n=+79584971255;"), ["string +79584971255"]);
    assert!(found(known, b"rootmydevices xrootmydevice +795849712550").is_empty());
}

#[test]
fn a_file_is_matched_by_its_hash() {
    let known = &[
        (IndicatorKind::Hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (IndicatorKind::Hash, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (IndicatorKind::Hash, "900150983cd24fb0d6963f7d28e17f72"),
    ];
    assert_eq!(found(known, b"abc").len(), 3);
    assert!(found(known, b"abd").is_empty());
}

#[test]
fn the_hashes_that_cases_name_are_those_of_programs_and_md5_those_of_apps() {
    // Of `#!abc`, `abc` and `PKabc`.
    let sha1 = ["da551cc7769538ba3dc6385300e961e134c5b803", "a9993e364706816aba3e25717850c26c9cd0d89d"];
    let md5 =
        ["09a813c5d73abad7959ca6b08f4e5836", "900150983cd24fb0d6963f7d28e17f72", "d975ed8eda8e792ce0838bc86c9eecc6"];
    let known: Vec<(IndicatorKind, &str)> = sha1.iter().chain(&md5).map(|it| (IndicatorKind::Hash, *it)).collect();
    let mut matcher = matcher(&known);
    assert_eq!(found_in_pieces(&matcher, b"#!abc", 5).len(), 2);
    assert_eq!(found_in_pieces(&matcher, b"abc", 3).len(), 2);
    (matcher.sha1_of_any, matcher.md5_of_any) = (false, false);
    assert_eq!(found_in_pieces(&matcher, b"#!abc", 5), [format!("hash {}", sha1[0])]);
    assert_eq!(found_in_pieces(&matcher, b"PKabc", 5), [format!("hash {}", md5[2])]);
    assert!(found_in_pieces(&matcher, b"abc", 3).is_empty());
}

#[test]
fn a_feed_without_such_hashes_makes_nobody_compute_them_of_every_file() {
    let of = |lens: &[usize]| {
        let hashes: Vec<String> = lens.iter().map(|it| "a".repeat(*it)).collect();
        let more = hashes.iter().map(|it| (IndicatorKind::Hash, it.as_str()));
        let matcher = Matcher::of(Knowledge::bundled().cases.iter(), more);
        (matcher.hashes(b"dex\n035\0"), matcher.hashes(b"\x7fELF"))
    };
    assert_eq!(of(&[64]), ((false, false), (true, false)));
    assert_eq!(of(&[40]), ((true, false), (true, false)));
    assert_eq!(of(&[32]), ((false, true), (true, true)));
}

#[test]
fn a_hole_ends_a_text_and_places_count_it() {
    let matcher = matcher(&[(IndicatorKind::Domain, "a.com"), (IndicatorKind::String, "some text")]);
    let mut seen = Box::new(observation::Seen::new(&matcher, model::ArtifactId(0), Part::Content));
    seen.bytes(b"some text");
    seen.zeros(1 << 40);
    seen.bytes(b"a.com");
    let mut facts = Facts::default();
    seen.finish(None, &mut facts);
    let places: Vec<(u64, &str)> = facts.sightings.iter().map(|it| (it.at.offset, it.value.value.as_str())).collect();
    assert_eq!(places, [((1 << 40) + 9, "a.com"), (0, "some text")]);
}

#[test]
fn kits_and_hosts_of_companies_are_no_indicators() {
    let text = b"\0Lcom/umeng/analytics/a/B; http://alog.umeng.com/x Lcom/umeng/analyticsx/A; xumeng.com";
    let mut seen = Box::new(observation::Seen::new(&Knowledge::bundled().matcher, model::ArtifactId(0), Part::Content));
    seen.bytes(text);
    let mut facts = Facts::default();
    seen.finish(None, &mut facts);
    assert!(facts.sightings.is_empty(), "{:?}", facts.sightings);
    let signs = facts.company_signs.iter().map(|it| (it.value.name.as_str(), it.value.found.as_str()));
    assert_eq!(
        signs.collect::<Vec<_>>(),
        [("Umeng Analytics", "com/umeng/analytics/a/B"), ("umeng.com", "alog.umeng.com")]
    );
}

#[test]
fn data_in_letters_is_no_text() {
    let known = &[(IndicatorKind::Domain, "a.com")];
    let mut text = vec![b'x'; 10_000];
    text.extend_from_slice(b"/a.com");
    assert!(found(known, &text).is_empty());
    text.extend_from_slice(b" a.com");
    assert_eq!(found(known, &text), ["domain a.com"]);
}

#[test]
fn every_indicator_of_every_case_is_found_in_bytes_that_hold_it_and_not_in_what_looks_alike() {
    let trials: Vec<Trial> = Knowledge::bundled().cases.iter().flat_map(trials_of).collect();
    assert!(200 <= trials.len(), "{}", trials.len());
    for trial in trials {
        assert_eq!(trial.fault, None);
    }
}
