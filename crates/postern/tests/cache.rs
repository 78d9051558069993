//! The cache: it changes how long a check takes, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const PHONES: [&str; 2] = ["demo/phone-a.zip", "demo/phone-b.zip"];

fn postern(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(args).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command.env_remove("HOME").env_remove("XDG_CACHE_HOME");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A report, which is not empty.
fn report(output: Output) -> Vec<u8> {
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn check(phone: &str, options: &[&str]) -> Vec<u8> {
    report(postern(&[&["check", phone, "--json", "-"], options].concat()).output().unwrap())
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    entries
}

#[test]
fn warm_and_cold_say_the_same_in_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for phone in PHONES {
        let none = check(phone, &["--no-cache"]);
        assert_eq!(none, check(phone, &["--cache-dir", dir]), "cold, {phone}");
        let kept = entries(folder.path());
        assert!(!kept.is_empty());
        assert_eq!(none, check(phone, &["--cache-dir", dir]), "warm, {phone}");
        assert_eq!(kept, entries(folder.path()), "the second time nothing is new");

        let flows =
            |options: &[&str]| report(postern(&[&["flows", phone, "--json"], options].concat()).output().unwrap());
        assert_eq!(flows(&["--no-cache"]), flows(&["--cache-dir", dir]), "flows of {phone}");
        assert_eq!(kept, entries(folder.path()), "flows and check share what is kept");
    }
}

#[test]
fn a_report_with_what_is_kept_is_made_of_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let flows = || report(postern(&["flows", PHONES[1], "--json", "--cache-dir", dir]).output().unwrap());
    let cold = flows();
    // Were the entries not read, nobody would notice that they are gone.
    let times = |entries: Vec<PathBuf>| entries.iter().map(|it| fs::metadata(it).unwrap().modified().unwrap()).max();
    let before = times(entries(folder.path()));
    assert_eq!(cold, flows());
    assert!(before < times(entries(folder.path())), "what is read is marked as used");
}

#[test]
fn damaged_entries_are_replaced_and_never_believed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let cold = check(PHONES[1], &["--cache-dir", dir]);
    let whole: Vec<Vec<u8>> = entries(folder.path()).iter().map(|it| fs::read(it).unwrap()).collect();
    for (n, path) in entries(folder.path()).iter().enumerate() {
        let mut bytes = whole[n].clone();
        let len = bytes.len();
        match n % 4 {
            0 => bytes[len / 2] ^= 1,
            1 => bytes.truncate(len / 2),
            2 => bytes.clear(),
            _ => bytes = whole[(n + 1) % whole.len()].clone(),
        }
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(cold, check(PHONES[1], &["--cache-dir", dir]));
    let now: Vec<Vec<u8>> = entries(folder.path()).iter().map(|it| fs::read(it).unwrap()).collect();
    assert_eq!(whole, now, "all are whole again");
}

#[test]
fn processes_share_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let start = |_| postern(&["check", PHONES[1], "--json", "-", "--cache-dir", dir]).spawn().unwrap();
    let children: Vec<Child> = (0..3).map(start).collect();
    let expected = check(PHONES[1], &["--no-cache"]);
    for child in children {
        assert_eq!(expected, report(child.wait_with_output().unwrap()));
    }
    assert!(entries(folder.path()).iter().all(|it| it.extension().is_some_and(|it| it == "flows")));
}

/// As on a full disk: no file may have more than 512 or 1024 bytes, as the shell counts. The signal of that bound is ignored, the
/// error stays.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_time_and_is_told_once_to_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let expected = check(PHONES[1], &["--no-cache"]);
    let full = |options: &[&str]| {
        let inner = postern(&[&["check", PHONES[1], "--json", "-", "--cache-dir", dir], options].concat());
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]);
        shell.arg(inner.get_program()).args(inner.get_args()).current_dir(inner.get_current_dir().unwrap());
        shell.stdin(Stdio::null()).output().unwrap()
    };
    let quiet = full(&[]);
    assert_eq!(expected, quiet.stdout);
    assert!(quiet.stderr.is_empty(), "{}", String::from_utf8_lossy(&quiet.stderr));
    let told = String::from_utf8(full(&["-v"]).stderr).unwrap();
    assert_eq!(told.matches("results are not cached").count(), 1, "{told}");
    for entry in entries(folder.path()) {
        let size = fs::metadata(&entry).unwrap().len();
        assert!(entry.extension().is_some_and(|it| it == "flows") && size <= 1024, "{}", entry.display());
    }
    assert_eq!(expected, check(PHONES[1], &["--cache-dir", dir]));
}

#[test]
fn a_folder_that_cannot_be_made_costs_time_and_is_told_to_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("cache");
    let options = ["--cache-dir", below.to_str().unwrap()];
    assert_eq!(check(PHONES[0], &["--no-cache"]), check(PHONES[0], &options));
    let run = postern(&["check", PHONES[0], "-v", "--cache-dir", options[1]]).output().unwrap();
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(told.matches("results are not cached").count(), 1, "{told}");
}

#[test]
fn the_users_cache_folder_is_taken_unless_another_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = |variable: &str| postern(&["flows", PHONES[0]]).env(variable, folder.path()).output().unwrap();
    run("XDG_CACHE_HOME");
    assert!(!entries(&folder.path().join("postern")).is_empty());
    run("HOME");
    assert!(!entries(&folder.path().join(".cache/postern")).is_empty());
    let nowhere = postern(&["flows", PHONES[0], "-v"]).output().unwrap();
    assert!(String::from_utf8(nowhere.stderr).unwrap().contains("results are not cached"));
}
