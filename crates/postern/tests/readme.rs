//! The README's first command prints what the README says.

use std::path::Path;
use std::process::Command;

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("cargo run --release -- check demo/phone-b.zip"));
    let run = Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(["check", "demo/phone-b.zip"])
        .current_dir(&root)
        .output()
        .unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    let shown = readme.split("```text\n").nth(1).and_then(|it| it.split("```").next()).unwrap();
    let missing: Vec<&str> =
        shown.lines().filter(|line| !printed.lines().any(|it| it.trim_end() == line.trim_end())).collect();
    assert!(missing.is_empty(), "the README shows what is not printed: {missing:#?}\n{printed}");
    assert_eq!(run.status.code(), Some(1));
}
