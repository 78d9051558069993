//! `postern dis` follows a native method into the library that implements it.

#[path = "../../dalvik/tests/write/mod.rs"]
mod write;

use std::fs;
use std::process::Command;

use write::{PUBLIC, Writer};

/// What `dis` says of the class in a dump with this library.
fn listing(library: &[u8]) -> String {
    let mut dex = Writer::default();
    let methods = [("go", &[][..]), ("say", &[]), ("hidden", &["I"]), ("missing", &[])]
        .map(|(name, params)| (dex.method("Lcom/example/Native;", name, params, "I"), PUBLIC | NATIVE, None));
    dex.class("Lcom/example/Native;", "Ljava/lang/Object;", methods.to_vec());
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("d/system/app/App");
    fs::create_dir_all(app.join("oat/arm64")).unwrap();
    fs::create_dir_all(app.join("lib/arm64")).unwrap();
    fs::write(app.join("oat/arm64/App.vdex"), write::vdex(&[dex.write()])).unwrap();
    fs::write(app.join("lib/arm64/libapp.so"), library).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["dis", "-q", "d", "com.example.Native"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The line behind the head of a method.
fn said<'a>(listing: &'a str, method: &str) -> &'a str {
    listing.lines().skip_while(|it| !it.contains(&format!("native {method}("))).nth(1).unwrap()
}

#[test]
fn a_native_method_is_told_with_its_function_and_what_that_leads_to() {
    let listing = listing(include_bytes!("../../native/tests/samples/jni.arm64"));
    assert!(said(&listing, "go").ends_with("leads to system"), "{listing}");
    assert!(said(&listing, "go").contains("lib/arm64/libapp.so at 0x"), "{listing}");
    assert!(said(&listing, "say").ends_with("leads to nothing that matters"), "{listing}");
    assert!(said(&listing, "hidden").ends_with("leads to socket"), "by a table: {listing}");
    assert_eq!(said(&listing, "missing"), ".end method", "{listing}");
}

#[test]
fn a_library_that_cannot_be_read_changes_nothing_else() {
    let listing = listing(b"\x7fELF broken");
    assert_eq!(said(&listing, "go"), ".end method", "{listing}");
}

const NATIVE: u32 = 0x100;
