//! The command as a whole: what it promises about results, exit codes and hostile input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;

fn postern(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(args)
        .current_dir(root)
        .output()
        .unwrap()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Checks a file of these bytes: exit code and JSON report.
fn check(name: &str, bytes: &[u8]) -> (Option<i32>, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let run = postern(&["check", "-q", "--json", "-", path.to_str().unwrap()]);
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.code(), serde_json::from_slice(&run.stdout).unwrap())
}

fn gaps(report: &serde_json::Value) -> String {
    report["gaps"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_thread_and_many_give_the_same_report() {
    let one = postern(&["check", "demo/phone-b.zip", "--json", "-", "--threads", "1"]);
    let many = postern(&["check", "demo/phone-b.zip", "--json", "-", "--threads", "7"]);
    assert!(!one.stdout.is_empty());
    assert_eq!(one.stdout, many.stdout);
}

#[test]
fn one_thread_and_many_find_the_same_flows_each_time() {
    for phone in ["demo/phone-a.zip", "demo/phone-b.zip"] {
        let flows = |threads| postern(&["flows", phone, "--json", "--no-cache", "--threads", threads]).stdout;
        let one = flows("1");
        assert!(!one.is_empty());
        for threads in ["1", "2", "7"] {
            assert_eq!(one, flows(threads), "{phone} with {threads} threads");
        }
    }
}

#[test]
fn what_is_no_phone_gets_no_verdict_about_one() {
    for (name, bytes) in [("picture.jpg", &b"\xff\xd8\xff\xe0 not a phone"[..]), ("empty", b""), ("text.txt", b"hello")]
    {
        let (code, report) = check(name, bytes);
        assert_eq!(code, Some(3), "{name}");
        assert_eq!(report["verdict"]["answer"], "cannot say", "{name}");
    }
}

#[test]
fn nesting_without_end_is_a_gap() {
    let mut bytes = b"at the bottom".to_vec();
    for _ in 0..100 {
        bytes = packed(&bytes);
    }
    let (code, report) = check("deep.gz", &bytes);
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("nested deeper than"), "{}", gaps(&report));
}

#[test]
fn a_stream_that_unfolds_without_measure_is_cut_and_told() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![0u8; 1 << 20];
    for _ in 0..1100 {
        encoder.write_all(&block).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    // Packed twice, its inner stream is a thousandth of a thousandth of what it unfolds to.
    let (code, report) = check("bomb.gz.gz", &packed(&bomb));
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("decoded bytes exceeds the bound"), "{}", gaps(&report));
}

#[test]
fn a_wrong_path_cannot_run_and_says_which() {
    let run = postern(&["check", "/nonexistent/rom.zip"]);
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("/nonexistent/rom.zip"), "{said}");
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn a_finding_is_shown_again_by_the_command_that_its_report_names() {
    let run = postern(&["check", "demo/phone-b.zip", "--json", "-"]);
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let row = report["findings"].as_array().unwrap().iter().find(|it| it["detector"] == "debug-properties").unwrap();
    let evidence = &row["evidence"][0];
    let run = postern(&[
        "cat",
        "--offset",
        &evidence["offset"].to_string(),
        "--size",
        &evidence["size"].to_string(),
        "demo/phone-b.zip",
        evidence["path"].as_str().unwrap(),
    ]);
    assert_eq!(String::from_utf8(run.stdout).unwrap().trim_end(), evidence["detail"].as_str().unwrap());
}

#[test]
fn names_in_an_image_are_listed_extracted_and_never_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let listed = postern(&["ls", "demo/phone-a.zip", "**/build.prop"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("!/system/build.prop") || listed.contains("!/build.prop"), "{listed}");
    let run = postern(&["extract", "-q", "demo/phone-a.zip", "**/build.prop", "--to", to]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    fn files(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        entries.map(|it| if it.is_dir() { files(&it) } else { 1 }).sum()
    }
    assert_eq!(files(folder.path()), listed.lines().count());
}
