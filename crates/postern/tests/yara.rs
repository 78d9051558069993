//! `check --yara`, in builds that have it.
#![cfg(feature = "yara")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const RULES: &str = r#"
rule spy_host {
    meta:
        description = "a made spy"
        date = "2025-01-02"
    strings:
        $host = "spy.example"
    condition:
        $host
}

rule broken {
    condition:
        nothing.of.this
}

import "elf"
rule arm64_program {
    condition:
        elf.machine == elf.EM_AARCH64
}
"#;

/// A host in a script, in the code of an app (a dex file in a zip), in a program, and in a file that is packed twice.
const PHONE: &str = r##"
[[phone]]
about = "a host in many places"
told = "nothing"
file = [
    { path = "/system/bin/up", text = "#!/system/bin/sh\nwget http://spy.example/\n" },
    { path = "/system/bin/prog", elf = ["http://spy.example/"] },
    { path = "/system/app/A/A.apk", app = "package a.b 1", code = ".class La/B;\n.method a()V\nconst-string v0, \"spy.example\"\nreturn-void\n.end" },
    { path = "/system/etc/clean.txt", text = "example" },
]
"##;

fn check(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["check", "phone.zip", "--no-feeds", "--no-cache", "--json", "r.json"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn rows(folder: &Path) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&fs::read(folder.join("r.json")).unwrap()).unwrap();
    let rows = report["findings"].as_array().unwrap().iter();
    rows.filter(|it| it["detector"] == "published-indicator").cloned().collect()
}

#[test]
fn rules_are_tried_on_files_code_and_programs_and_told_with_their_meta() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("phone.zip"), trial::Trials::decode(PHONE).unwrap().phones[0].bytes().unwrap()).unwrap();
    fs::create_dir(folder.join("rules")).unwrap();
    fs::write(folder.join("rules/spy.yar"), RULES).unwrap();
    let run = check(folder, &["--yara", "rules"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("spy.yar: 1 of 3 are not used; first line 14: unknown"), "{said}");
    let rows = rows(folder);
    assert_eq!(rows.len(), 2, "{rows:#?}");
    let row = rows.iter().find(|it| it["claim"].as_str().unwrap().contains("spy_host")).unwrap();
    let claim = row["claim"].as_str().unwrap();
    for part in ["spy.yar", "spy_host", "a made spy", "2025-01-02"] {
        assert!(claim.contains(part), "{part}: {claim}");
    }
    assert_eq!(row["grade"], "SUSPICION", "a rule is no proof");
    let report: Value = serde_json::from_slice(&fs::read(folder.join("r.json")).unwrap()).unwrap();
    let gaps = report["gaps"].to_string();
    assert!(gaps.contains("feed spy.yar: 1 of 3 are not used"), "{gaps}");
}

#[test]
fn each_place_of_content_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("host.yar"), RULES).unwrap();
    for keep in ["/system/bin/up", "/system/bin/prog", "/system/app/A/A.apk", "/system/etc/clean.txt"] {
        let mut phone = trial::Trials::decode(PHONE).unwrap().phones.remove(0);
        phone.files.retain(|it| it.path == keep);
        fs::write(folder.join("phone.zip"), phone.bytes().unwrap()).unwrap();
        check(folder, &["--yara", "host.yar"]);
        let found: Vec<Value> =
            rows(folder).into_iter().filter(|it| it["claim"].as_str().unwrap().contains("spy_host")).collect();
        assert_eq!(found.len(), usize::from(!keep.ends_with("clean.txt")), "{keep}: {found:#?}");
        for row in &found {
            let evidence = &row["evidence"][0];
            assert!(evidence["size"].as_u64().unwrap() == 11, "the text itself is shown: {evidence}");
        }
    }
}

#[test]
fn one_thread_and_many_give_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("phone.zip"), trial::Trials::decode(PHONE).unwrap().phones[0].bytes().unwrap()).unwrap();
    fs::write(folder.join("host.yar"), RULES).unwrap();
    let report = |threads| {
        check(folder, &["--yara", "host.yar", "--threads", threads]);
        fs::read(folder.join("r.json")).unwrap()
    };
    assert!(report("1") == report("7"));
}
