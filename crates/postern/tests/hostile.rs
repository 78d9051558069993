//! Inputs that want the tool to hang, to fall or to mislead, and inputs that are no phone: each gets a clear answer.

mod quine;

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

fn postern(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Checks an entry of a folder: exit code and JSON report.
fn check(folder: &Path, name: &str) -> (Option<i32>, Value) {
    let run = postern(&["check", "-q", "--json", "-", name], folder);
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.code(), serde_json::from_slice(&run.stdout).unwrap())
}

/// Checks a file of these bytes.
fn check_bytes(name: &str, bytes: &[u8]) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    check(folder.path(), name)
}

fn gaps(report: &Value) -> String {
    let gaps = report["gaps"].as_array().unwrap().iter();
    gaps.map(|it| format!("{}: {}", it["path"].as_str().unwrap(), it["why"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_archive_that_contains_itself_is_followed_to_a_bound_and_told() {
    let file = quine::gzip();
    let mut unpacked = Vec::new();
    GzDecoder::new(&file[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, file, "it unpacks to itself");
    let (code, report) = check_bytes("self.gz", &file);
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("nested deeper than"), "{}", gaps(&report));
}

#[test]
fn an_image_that_contains_itself_is_followed_to_a_bound_and_told() {
    // A table of device trees whose only entry is the table (AOSP, dt_table.h): header, then size and offset.
    let table: [u32; 16] = [0xd7b7_ab1e, 64, 32, 32, 1, 32, 2048, 0, 64, 0, 0, 0, 0, 0, 0, 0];
    let bytes: Vec<u8> = table.iter().flat_map(|it| it.to_be_bytes()).collect();
    let (code, report) = check_bytes("dtbo.img", &bytes);
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("nested deeper than"), "{}", gaps(&report));
}

#[test]
fn ten_thousand_layers_are_a_gap() {
    let mut bytes = b"at the bottom".to_vec();
    for _ in 0..10_000 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
    }
    let (code, report) = check_bytes("deep.gz", &bytes);
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("nested deeper than"), "{}", gaps(&report));
}

#[test]
fn ten_thousand_elements_in_each_other_are_a_gap_and_no_overflow() {
    let folder = tempfile::tempdir().unwrap();
    let permissions = folder.path().join("d/system/etc/permissions");
    fs::create_dir_all(&permissions).unwrap();
    fs::write(folder.path().join("d/system/build.prop"), "ro.build.type=user\n").unwrap();
    let xml = format!("<permissions>{}{}</permissions>", "<group>".repeat(10_000), "</group>".repeat(10_000));
    fs::write(permissions.join("deep.xml"), xml).unwrap();
    let (code, report) = check(folder.path(), "d");
    assert_eq!(code, Some(3), "{report:#}");
}

#[test]
fn a_path_of_ten_thousand_folders_is_listed_in_one_line() {
    let name = format!("{}file", "a/".repeat(10_000));
    let mut tar = Vec::new();
    for (kind, name, content) in [(b'L', "././@LongLink", name.as_bytes()), (b'0', "file", &b"x"[..])] {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = header.iter().map(|it| u32::from(*it)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(header);
        tar.extend(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("deep.tar"), tar).unwrap();
    let run = postern(&["ls", "deep.tar"], folder.path());
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let (code, _) = check(folder.path(), "deep.tar");
    assert_eq!(code, Some(3));
}

#[test]
fn twenty_gigabytes_of_holes_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("userdata.img")).unwrap();
    file.set_len(20 << 30).unwrap();
    file.write_all_at(b"something", 10 << 30).unwrap();
    let run = postern(&["ls", "userdata.img"], folder.path());
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    // A check states the SHA-256 of what was given, and that takes its time on zeros too.
    file.set_len(2 << 30).unwrap();
    let (code, report) = check(folder.path(), "userdata.img");
    assert_eq!(code, Some(3));
    assert_eq!(report["input"][0]["size"], 2u64 << 30);
    assert!(!gaps(&report).is_empty(), "what it is could not be told");
}

#[test]
fn what_may_not_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("d");
    fs::create_dir_all(dump.join("system")).unwrap();
    fs::write(dump.join("system/build.prop"), "ro.build.type=user\n").unwrap();
    let locked = dump.join("system/locked.bin");
    fs::write(&locked, "secret").unwrap();
    fs::set_permissions(&locked, Permissions::from_mode(0o000)).unwrap();
    if File::open(&locked).is_ok() {
        // Nothing is locked for root.
        return;
    }
    let (code, report) = check(folder.path(), "d");
    assert_eq!(code, Some(3));
    assert!(gaps(&report).contains("locked.bin"), "{}", gaps(&report));
    let run = postern(&["check", "d/system/locked.bin"], folder.path());
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("locked.bin"));
}

#[test]
fn an_empty_folder_a_disc_image_and_a_picture_are_no_phone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let mut disc = vec![0u8; 18 * 2048];
    disc[16 * 2048..][..8].copy_from_slice(b"\x01CD001\x01\0");
    disc[17 * 2048..][..8].copy_from_slice(b"\xffCD001\x01\0");
    fs::write(folder.path().join("disc.iso"), disc).unwrap();
    fs::write(folder.path().join("picture.jpg"), b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9")
        .unwrap();
    for name in ["empty", "disc.iso", "picture.jpg"] {
        let (code, report) = check(folder.path(), name);
        assert_eq!(code, Some(3), "{name}");
        assert_eq!(report["verdict"]["answer"], "cannot say", "{name}");
        assert!(report["verdict"]["summary"][0].as_str().unwrap().contains("neither a phone"), "{name}");
    }
}

#[test]
fn names_and_values_that_carry_code_are_shown_and_not_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "\u{1b}]0;owned\u{7}<script>alert(1)<\u{202e}gpj";
    let app = folder.path().join("d/system/etc");
    fs::create_dir_all(&app).unwrap();
    let prop = format!("ro.build.type=user\nro.debuggable=1\nro.product.model={evil}\n");
    fs::write(folder.path().join("d/system/build.prop"), prop).unwrap();
    let evil_file = evil.replace('/', "");
    fs::create_dir_all(app.join("init")).unwrap();
    let service = format!("service {evil_file} /system/bin/{evil_file}\n    seclabel u:r:su:s0\n");
    fs::write(app.join("init").join(format!("{evil_file}.rc")), service).unwrap();
    fs::write(app.join(format!("{evil_file}.zip")), "PK\x03\x04 cut off").unwrap();
    let run = postern(&["check", "-v", "d", "--html", "r.html", "--sarif", "r.sarif"], folder.path());
    assert_eq!(run.status.code(), Some(1));
    let printed = String::from_utf8(run.stdout).unwrap();
    assert!(printed.contains("owned"), "{printed}");
    let steers = |it: char| it != '\n' && (it.is_control() || it == '\u{202e}');
    assert!(!printed.contains(steers), "the terminal is not steered");
    let html = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(html.contains("owned") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("<script") && !html.contains(steers), "a name is text and nothing else");
    let sarif = fs::read_to_string(folder.path().join("r.sarif")).unwrap();
    assert!(!sarif.contains(steers));
    let listed = postern(&["ls", "-l", "d"], folder.path());
    assert!(!String::from_utf8(listed.stdout).unwrap().contains(steers));
}
