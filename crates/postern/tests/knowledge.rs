//! `postern knowledge`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn knowledge(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern")).arg("knowledge").args(args).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let run = knowledge(args);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn the_page_of_cases_is_what_the_data_says() {
    let printed = String::from_utf8(knowledge(&["list", "--markdown"]).stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cases.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|it| it == "always") {
        std::fs::write(&path, &printed).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == printed, "docs/cases.md is not what the data says");
}

#[test]
fn every_case_of_the_list_can_be_shown_and_has_a_source() {
    let list = json(&["list", "--json"]);
    let cases = list["cases"].as_array().unwrap();
    assert!(90 <= cases.len());
    for id in ["adups-fota-2016", "pegasus-android"] {
        assert!(cases.iter().any(|it| it["id"] == id), "{id}");
        let case = json(&["show", id, "--json"]);
        assert_eq!(case["id"], id);
        assert!(!case["sources"].as_array().unwrap().is_empty());
        assert!(knowledge(&["show", id]).status.success());
    }
    assert_eq!(json(&["show", "CVE-2018-14996", "--json"])["packages"][0], "com.dropboxchmod");
    assert_eq!(knowledge(&["show", "no-such-case"]).status.code(), Some(2));
}

#[test]
fn a_class_narrows_the_list() {
    let run = knowledge(&["list", "--class", "root-daemon"]);
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("ragentek-2016") && !text.contains("adups"), "{text}");
    assert_eq!(knowledge(&["list", "--class", "rootdaemon"]).status.code(), Some(2));
}

#[test]
fn a_case_of_your_own_is_held_to_the_rules() {
    let all = json(&["test", "--json"]);
    assert_eq!(all["faults"].as_array().unwrap().len(), 0);
    assert!(200 <= all["trials"].as_u64().unwrap());
    assert!(106 <= all["phones"].as_u64().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/data/cases/zte-scorem-2012.toml");
    let text = std::fs::read_to_string(known).unwrap();
    std::fs::write(&file, &text).unwrap();
    assert!(knowledge(&["test", file.to_str().unwrap()]).status.success());
    std::fs::write(&file, text.replace("reach = \"any-app\"", "reach = 3")).unwrap();
    let run = knowledge(&["test", file.to_str().unwrap()]);
    let told = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(told.contains("mine.toml: ") && told.contains("line 5, column 9"), "names file and place: {told}");
    assert!(told.contains("reach"), "{told}");
}

#[test]
fn a_folder_of_cases_is_tested_to_its_end_and_each_fault_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    assert_eq!(knowledge(&["test", at]).status.code(), Some(2), "an empty folder tests nothing");
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/data/cases");
    for (from, to) in [("zte-scorem-2012", "good"), ("adups-skyelite-2018", "also-good")] {
        std::fs::copy(known.join(format!("{from}.toml")), folder.path().join(format!("{to}.toml"))).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), "no case").unwrap();
    let run = knowledge(&["test", at]);
    let told = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success() && told.contains("2 cases"), "{told}");
    std::fs::write(folder.path().join("bytes.toml"), b"id = \"\xff\"").unwrap();
    std::fs::write(folder.path().join("kind.toml"), "id = 1\n").unwrap();
    let run = knowledge(&["test", at]);
    let told = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(1));
    for part in ["bytes.toml: cannot be read", "kind.toml: TOML parse error at line 1, column 6", "4 cases", "2 faults"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_numbers_add_up() {
    let stats = json(&["stats", "--json"]);
    let sum =
        |group: &str| stats["by"][group].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum::<u64>();
    for group in ["class", "certainty", "decided"] {
        assert_eq!(sum(group), stats["cases"].as_u64().unwrap(), "{group}");
    }
    assert!(400 <= sum("indicator"));
}
