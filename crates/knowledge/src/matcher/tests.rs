use model::Facts;
use model::observer::Observation;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::*;
use crate::Knowledge;

fn matcher(indicators: &[(IndicatorKind, &str)]) -> Matcher {
    Matcher::of(std::iter::empty(), indicators.iter().copied())
}

/// What is found, as `kind value (found)`, in bytes that come in pieces of a size.
fn found_in_pieces(matcher: &Matcher, bytes: &[u8], size: usize) -> Vec<String> {
    let mut seen = Box::new(observation::Seen::new(matcher, model::ArtifactId(0), Part::Content, None));
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

fn app(package: &str) -> Row<App> {
    let at = model::Location { artifact: model::ArtifactId(0), offset: 0, size: 0 };
    Row { at, value: App { package: package.to_owned(), ..App::default() } }
}

/// How many hashes of an app are found.
fn n_hashes_found(matcher: &Matcher, package: &str, bytes: &[u8]) -> usize {
    let is_named = matcher.is_named(&[app(package)]);
    let mut seen = Box::new(observation::Seen::new(matcher, model::ArtifactId(0), Part::Packing, is_named));
    bytes.chunks(3).for_each(|it| seen.bytes(it));
    let mut facts = Facts::default();
    seen.finish(None, &mut facts);
    facts.sightings.len()
}

#[test]
fn the_sha1_that_cases_name_are_those_of_programs() {
    let mut oat = b"\x7fELF".to_vec();
    oat.resize(0x1000, 0);
    let elf = oat.clone();
    oat.extend_from_slice(b"oat\n039\0");
    let files: [&[u8]; 4] = [b"#!abc", b"abc", &elf, &oat];
    let known = files.map(|it| Sha1::digest(it).iter().map(|it| format!("{it:02x}")).collect::<String>());
    let mut matcher = matcher(&known.each_ref().map(|it| (IndicatorKind::Hash, it.as_str())));
    let found = |matcher: &Matcher, bytes: &[u8]| found_in_pieces(matcher, bytes, bytes.len()).len();
    assert_eq!(files.map(|it| found(&matcher, it)), [1, 1, 1, 1]);
    matcher.sha1_of_any = false;
    assert_eq!(files.map(|it| found(&matcher, it)), [1, 0, 1, 0]);
}

#[test]
fn the_hashes_that_a_case_names_are_those_of_apps_of_its_names() {
    // MD5 and SHA-1 of `PKabc`.
    let hashes = ["d975ed8eda8e792ce0838bc86c9eecc6", "993ca9beeb406a9ae482e7982390f4f72842001d"];
    let case = |package: &str, hash: &str| {
        let text = format!(
            "id = 'a'\ntitle = 'A'\nclass = 'remote-command'\ngrade = 'FINDING'\nreach = 'remote'\npower = 'system'\n\
             years = [2020]\nvendor = 'V'\ndevices = 'D'\nmechanism = 'M'\ncertainty = 'confirmed'\nconfirms = []\nsources = []\n\
             indicators = [{package} {{ kind = 'hash', value = '{hash}' }}]\n"
        );
        toml::from_str::<Case>(&text).unwrap()
    };
    let of = |case: &Case, more: &[(IndicatorKind, &str)], package: &str| {
        n_hashes_found(&Matcher::of(std::iter::once(case), more.iter().copied()), package, b"PKabc")
    };
    for hash in hashes {
        let named = case("{ kind = 'package', value = 'com.a' },", hash);
        assert_eq!([of(&named, &[], "com.a"), of(&named, &[], "com.b")], [1, 0], "{hash}");
        assert_eq!(of(&case("", hash), &[], "com.b"), 1, "a case without a name may be any file");
        let feed = (IndicatorKind::Hash, &"0".repeat(hash.len())[..]);
        assert_eq!(of(&named, &[feed], "com.b"), 1, "it is computed for the feed anyway");
    }
}

#[test]
fn a_feed_without_such_hashes_makes_nobody_compute_them_of_every_file() {
    let of = |lens: &[usize]| {
        let hashes: Vec<String> = lens.iter().map(|it| "a".repeat(*it)).collect();
        let more = hashes.iter().map(|it| (IndicatorKind::Hash, it.as_str()));
        let matcher = Matcher::of(Knowledge::bundled().cases.iter(), more);
        let other = matcher.is_named(&[app("com.b")]);
        (matcher.wants_sha1(b"dex\n035\0", None), matcher.wants_sha1(b"\x7fELF", None), matcher.wants_md5(other))
    };
    assert_eq!(of(&[64]), (false, true, false));
    assert_eq!(of(&[40]), (true, true, false));
    assert_eq!(of(&[32]), (false, true, true));
}

#[test]
fn texts_are_found_that_overlap_and_that_lie_across_areas_and_pieces() {
    let texts = ["com.a-XYZW", "XYZW-com.b", "the end of it all", "ZW-co"];
    let known: Vec<(IndicatorKind, &str)> = texts.iter().map(|it| (IndicatorKind::String, *it)).collect();
    let matcher = matcher(&known);
    assert!(matcher.quick.is_some());
    for it in texts {
        // A second one behind the first, at every distance up to where another area begins.
        for at in (111..1300).step_by(7) {
            let mut bytes = vec![b'.'; 5000];
            bytes[100..100 + texts[0].len()].copy_from_slice(texts[0].as_bytes());
            bytes[at..at + it.len()].copy_from_slice(it.as_bytes());
            let found = found_in_pieces(&matcher, &bytes, bytes.len());
            assert!(found.contains(&format!("string {it}")), "{it} at {at}: {found:?}");
        }
    }
    assert_eq!(found(&known[..2], b"com.a-XYZW-com.b"), ["string XYZW-com.b", "string com.a-XYZW"]);
}

#[test]
fn a_hole_ends_a_text_and_places_count_it() {
    let matcher = matcher(&[(IndicatorKind::Domain, "a.com"), (IndicatorKind::String, "some text")]);
    let mut seen = Box::new(observation::Seen::new(&matcher, model::ArtifactId(0), Part::Content, None));
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
    let mut seen =
        Box::new(observation::Seen::new(&Knowledge::bundled().matcher, model::ArtifactId(0), Part::Content, None));
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
