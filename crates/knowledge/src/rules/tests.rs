use model::{Blob, Node};

use super::*;

fn artifact(name: &str) -> Artifact {
    Artifact {
        id: ArtifactId(7),
        parent: None,
        name: name.to_owned(),
        raw_name: name.as_bytes().to_vec(),
        depth: 0,
        blob: Blob::empty(),
        node: Node::file(),
    }
}

/// What is seen in these bytes, shown in pieces: value, what stands there, where; and gaps.
fn seen(rules: &Rules, name: &str, bytes: &[u8]) -> (Vec<(String, String, u64)>, Vec<String>) {
    let artifact = artifact(name);
    let mut observation = rules.observe(&artifact, Part::Content, &Facts::default()).unwrap();
    bytes.chunks(5).for_each(|it| observation.bytes(it));
    let mut facts = Facts::default();
    let gaps = observation.finish(None, &mut facts);
    let rows = facts.sightings.into_iter();
    (rows.map(|it| (it.value.value, it.value.found, it.at.offset)).collect(), gaps)
}

fn compiled(text: &str) -> (Rules, Feed) {
    let (rules, mut feeds) = compile(&[("a.yar".to_owned(), text.to_owned())]);
    (rules, feeds.remove(0))
}

const RULE: &str = r#"
rule spy : tag {
    meta:
        description = "a made spy"
        date = "2025-01-02"
    strings:
        $host = "spy.example"
    condition:
        $host
}
"#;

#[test]
fn a_rule_is_an_indicator_with_its_meta_and_is_found_with_its_place() {
    let (rules, feed) = compiled(RULE);
    let [indicator] = &feed.indicators[..] else { panic!("{feed:?}") };
    assert_eq!((indicator.id.as_str(), indicator.name.as_str()), ("spy", "a made spy"));
    assert_eq!(indicator.date, "2025-01-02");
    let (found, gaps) = seen(&rules, "x", b"0123 http://spy.example/");
    assert_eq!(found, [("a.yar:spy".to_owned(), "spy by $host".to_owned(), 12)]);
    assert_eq!(found[0].0, indicator.groups[0][0].value);
    assert!(gaps.is_empty());
    assert!(seen(&rules, "x", b"0123 http://spy.exampl/").0.is_empty());
}

#[test]
fn a_rule_that_does_not_compile_is_told_with_its_line_and_the_others_are_used() {
    let text = format!(
        "{RULE}\nrule broken {{\n  condition:\n    nothing.of.this\n}}\n\nrule last {{ condition: filesize == 3 }}\n"
    );
    let (rules, feed) = compiled(&text);
    let ids: Vec<&str> = feed.indicators.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["spy", "last"]);
    assert_eq!(feed.unused.len(), 1);
    assert_eq!(feed.unused[0].at, "line 14", "{:?}", feed.unused);
    assert!(feed.unused[0].why.contains("unknown"), "{:?}", feed.unused);
    assert_eq!(seen(&rules, "x", b"abc").0.len(), 1);
}

#[test]
fn what_is_no_rule_file_is_told_and_never_panics() {
    for text in [
        "",
        "words of a text",
        "rule a {",
        "rule { condition: true }",
        "import \"nothing\"\n",
        "include \"/etc/passwd\"\n",
    ] {
        let (_, feed) = compiled(text);
        assert!(feed.indicators.is_empty(), "{text}");
        assert_eq!(feed.unused.is_empty(), text.is_empty(), "{text}: {:?}", feed.unused);
    }
    for end in 0..RULE.len() {
        let (_, feed) = compiled(&RULE[..end]);
        assert!(feed.n_stated() <= 2, "{end}: {feed:?}");
    }
    let deep = format!("rule a {{ condition: {}true{} }}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(compiled(&deep).1.unused.len(), 1);
}

#[test]
fn rules_that_explode_are_refused_or_end() {
    let (_, feed) = compiled("rule a { strings: $a = /((((a{1000}){1000}){1000}){1000})/ condition: $a }");
    assert_eq!((feed.indicators.len(), feed.unused.len()), (0, 1), "{feed:?}");
    let (rules, _) = compiled("rule a { strings: $a = /(x+x+)+y/ condition: $a }");
    assert!(seen(&rules, "x", &[b'x'; 1 << 16]).1.is_empty());
}

#[test]
fn modules_and_names_of_files_are_known() {
    let text = "import \"elf\"\nimport \"math\"\nimport \"hash\"\n\
                rule so { condition: elf.machine == elf.EM_AARCH64 }\n\
                rule named { condition: filename == \"a.apk\" and extension == \"apk\" }\n\
                rule hashed { condition: hash.md5(0, filesize) == \"900150983cd24fb0d6963f7d28e17f72\" }\n";
    let (rules, feed) = compiled(text);
    assert!(feed.unused.is_empty(), "{:?}", feed.unused);
    assert_eq!(seen(&rules, "dir/a.apk", b"x").0, [("a.yar:named".to_owned(), "named".to_owned(), 0)]);
    assert_eq!(seen(&rules, "b", b"abc").0, [("a.yar:hashed".to_owned(), "hashed".to_owned(), 0)]);
}

#[test]
fn private_rules_and_rules_of_another_file_keep_apart() {
    let files =
        ["a.yar", "b.yar"].map(|name| (name.to_owned(), format!("private rule p {{ condition: true }}\n{RULE}")));
    let (rules, feeds) = compile(&files);
    assert!(feeds.iter().all(|it| it.indicators.len() == 1));
    let found = seen(&rules, "x", b"spy.example").0;
    assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["a.yar:spy", "b.yar:spy"]);
}

#[test]
fn what_is_too_large_is_a_gap() {
    let (rules, _) = compiled(RULE);
    let artifact = artifact("large");
    let mut observation = rules.observe(&artifact, Part::Content, &Facts::default()).unwrap();
    observation.bytes(b"spy.example");
    observation.zeros(SIZE_MAX);
    let mut facts = Facts::default();
    assert_eq!(observation.finish(None, &mut facts).len(), 1);
    assert!(facts.sightings.is_empty());
}
