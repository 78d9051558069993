use super::*;

fn terms(pattern: &str) -> Vec<String> {
    let groups = pattern::read(pattern).unwrap();
    let words = |group: &Vec<Term>| {
        group.iter().map(|it| format!("{} {}", it.kind.word(), it.value)).collect::<Vec<_>>().join(" + ")
    };
    groups.iter().map(words).collect()
}

#[test]
fn every_kind_of_pattern_of_mvt_is_read() {
    for (pattern, term) in [
        ("[domain-name:value='Example.com']", "domain example.com"),
        ("[url:value = 'http://example.com/a']", "url http://example.com/a"),
        ("[domain-name:value='10.0.0.1']", "ip 10.0.0.1"),
        ("[domain-name:value='example.com/a']", "url example.com/a"),
        ("[ipv4-addr:value='10.0.0.1']", "ip 10.0.0.1"),
        ("[ipv6-addr:value='2001:0db8::1']", "ip 2001:db8::1"),
        ("[file:name='a.apk']", "path a.apk"),
        ("[file:path='/data/local/tmp/wd']", "path /data/local/tmp/wd"),
        ("[file:hashes.md5='900150983CD24FB0D6963F7D28E17F72']", "hash 900150983cd24fb0d6963f7d28e17f72"),
        (
            "[file:hashes.'SHA-1'='a9993e364706816aba3e25717850c26c9cd0d89d']",
            "hash a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        ("[process:name='vsnprocd']", "process vsnprocd"),
        ("[app:id='com.example.a']", "package com.example.a"),
        (
            "[app:cert.sha1='A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D']",
            "certificate a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        (
            "[app:cert.md5='90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72']",
            "certificate 900150983cd24fb0d6963f7d28e17f72",
        ),
        ("[android-property:name='sys.brand.note']", "property sys.brand.note"),
        ("[email-addr:value='A@example.com']", "email a@example.com"),
    ] {
        assert_eq!(terms(pattern), [term], "{pattern}");
    }
}

#[test]
fn or_and_in_and_escapes_are_read() {
    assert_eq!(
        terms("[app:id='a.b' OR app:id='a.c'] OR [app:id = 'a.d']"),
        ["package a.b", "package a.c", "package a.d"]
    );
    assert_eq!(
        terms("[app:id='a.b' AND (file:name='x' OR file:name='y')]"),
        ["package a.b + path x", "package a.b + path y"]
    );
    assert_eq!(terms("[app:id IN ('a.b', 'a.c')]"), ["package a.b", "package a.c"]);
    assert_eq!(terms(r"[file:name = 'it\'s \\ a file']"), [r"path it's \ a file"]);
}

#[test]
fn a_pattern_that_is_not_understood_says_why() {
    for (pattern, why) in [
        ("[configuration-profile:id='x']", "nothing that is looked for"),
        ("[domain-name:value LIKE 'a%']", "comparison \"LIKE\" is not supported"),
        ("[domain-name:value != 'a.b']", "comparison \"!\" is not supported"),
        ("[app:id='a.b'] FOLLOWEDBY [app:id='a.c']", "FOLLOWEDBY"),
        ("[app:id='a.b", "does not end"),
        ("[app:id='a.b'", "the end instead of \"]\""),
        ("[domain-name:value='not a domain']", "is no domain"),
        ("", "the end instead of"),
    ] {
        let error = pattern::read(pattern).unwrap_err();
        assert!(error.contains(why), "{pattern}: {error}");
    }
    assert!(pattern::read(&"[".repeat(100_000)).is_err());
    assert!(pattern::read(&"(".repeat(50_000)).is_err());
    let many = "(app:id='a.a' OR app:id='a.b')";
    assert!(pattern::read(&[many; 64].join(" AND ")).unwrap_err().contains("alternatives"));
}

#[test]
fn a_bundle_gives_its_indicators_with_id_name_and_date_and_loses_none() {
    let bundle = r#"{"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "malware", "id": "malware--1", "name": "Spy"},
        {"type": "indicator", "id": "indicator--1", "pattern": "[app:id='com.example.a']", "pattern_type": "stix",
         "valid_from": "2024-12-16T00:00:00Z"},
        {"type": "indicator", "id": "indicator--2", "pattern": "[configuration-profile:id='x']"},
        {"type": "indicator", "id": "indicator--3", "pattern": 7},
        {"type": "relationship", "relationship_type": "indicates", "source_ref": "indicator--1", "target_ref": "malware--1"},
        {"type": "relationship", "relationship_type": "indicates", "source_ref": "malware--1", "target_ref": "indicator--1"},
        "not even an object"
    ]}"#;
    let feed = Feed::read("spy.stix2", bundle.as_bytes()).unwrap();
    assert_eq!((feed.indicators.len(), feed.n_stated()), (1, 3));
    let indicator = &feed.indicators[0];
    assert_eq!((indicator.id.as_str(), indicator.name.as_str()), ("indicator--1", "Spy"));
    assert_eq!(indicator.date, "2024-12-16T00:00:00Z");
    assert_eq!(feed.unused[1], Unused { at: "indicator--3".into(), why: "it has no pattern".into() });
}

#[test]
fn a_plain_list_tells_by_its_lines_and_names_bad_ones() {
    let list = "# a list\n\nexample.com\ncom.example.spy\nhxxp://a.example[.]org/x\n10.0.0.1  # a server\n\
                a9993e364706816aba3e25717850c26c9cd0d89d\n/data/local/tmp/x\na@example.com\nwhat is this\n";
    let feed = Feed::read("list.txt", list.as_bytes()).unwrap();
    let kinds: Vec<&str> = feed.indicators.iter().map(|it| it.groups[0][0].kind.word()).collect();
    assert_eq!(kinds, ["domain", "package", "url", "ip", "hash", "path", "email"]);
    assert_eq!(feed.indicators[2].groups[0][0].value, "http://a.example.org/x");
    assert_eq!(feed.unused.len(), 1);
    assert_eq!(feed.unused[0].at, "line 10");
    let certificates = Feed::read("package_cert_hashes.txt", b"a9993e364706816aba3e25717850c26c9cd0d89d").unwrap();
    assert_eq!(certificates.indicators[0].groups[0][0].kind, IndicatorKind::Certificate);
}

#[test]
fn a_name_that_everyone_shares_is_no_indicator() {
    let feed = Feed::read("domains.txt", b"co.uk\nGitHub.io\nspy.github.io\nspy.co.uk\n").unwrap();
    let values: Vec<&str> = feed.indicators.iter().map(|it| it.groups[0][0].value.as_str()).collect();
    assert_eq!(values, ["spy.github.io", "spy.co.uk"]);
    assert_eq!(feed.unused.len(), 2);
    assert!(feed.unused[0].why.contains("anyone can have a name below \"co.uk\""), "{:?}", feed.unused);
}

#[test]
fn an_event_of_misp_gives_its_attributes_also_those_of_objects() {
    let event = r#"{"response": [{"Event": {"info": "Campaign", "date": "2024-01-02",
        "Attribute": [
            {"type": "domain", "value": "example.com", "uuid": "u1", "to_ids": true},
            {"type": "filename|sha1", "value": "a.apk|a9993e364706816aba3e25717850c26c9cd0d89d", "uuid": "u2"},
            {"type": "comment", "value": "text", "uuid": "u3"},
            {"type": "ip-dst", "value": "10.0.0.1", "to_ids": false}],
        "Object": [{"Attribute": [{"type": "ip-dst|port", "value": "10.0.0.2|443", "uuid": "u4"}]}]}}]}"#;
    let feed = Feed::read("event.json", event.as_bytes()).unwrap();
    let values: Vec<&str> = feed.indicators.iter().map(|it| it.groups[0][0].value.as_str()).collect();
    assert_eq!(values, ["example.com", "a9993e364706816aba3e25717850c26c9cd0d89d", "10.0.0.2"]);
    assert_eq!((feed.indicators[0].name.as_str(), feed.indicators[0].date.as_str()), ("Campaign", "2024-01-02"));
    assert_eq!(feed.n_stated(), 5);
    // As libraries write an event, without the wrapper of a server.
    let bare = r#"{"uuid": "u", "info": "Apps", "Object": [{"name": "android-app", "Attribute": [
        {"type": "text", "object_relation": "appid", "value": "com.example.a", "to_ids": false},
        {"type": "sha1", "object_relation": "certificate", "value": "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"type": "text", "object_relation": "name", "value": "Example", "to_ids": false},
        {"type": "mobile-application-id", "value": "com.example.b"}]}]}"#;
    let feed = Feed::read("event.json", bare.as_bytes()).unwrap();
    let kinds: Vec<&str> = feed.indicators.iter().map(|it| it.groups[0][0].kind.word()).collect();
    assert_eq!(kinds, ["package", "certificate", "package"]);
    assert_eq!(feed.unused.len(), 1);
}

#[test]
fn what_cannot_be_read_at_all_says_where() {
    assert!(Feed::read("a", b"{\"type\": \n \"bundle\",,").unwrap_err().contains("line 2"));
    assert!(Feed::read("a", b"{}").unwrap_err().contains("neither"));
    assert!(Feed::read("a", b"ok\n\xff\xfe").unwrap_err().contains("line 2"));
    assert!(Feed::read("a", "[".repeat(100_000).as_bytes()).is_err());
}
