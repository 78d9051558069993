//! A phone whose partitions are covered by signed metadata, from files to findings.

#[path = "../../verify/tests/made/mod.rs"]
mod made;

use std::path::Path;

use knowledge::Feeds;
use made::avb;
use model::Store;
use model::report::Report;
use scan::{Check, Silent};
use verify::hash::Hash;

const SHA256: (&str, Hash) = ("sha256", Hash::Sha256);

/// A folder with `vbmeta.img` over `system.img` (a file system with its tree) and `boot.img`.
fn phone(folder: &Path, flags: u32, change: impl Fn(&mut Vec<u8>)) -> Report {
    let mut system = std::fs::read("../formats/tests/samples/squashfs/long.squashfs").unwrap();
    let boot = vec![3; 8192];
    let (tree_descriptor, tree) = avb::hashtree("system", SHA256, &system);
    let descriptors = [tree_descriptor, avb::hash("boot", SHA256, &boot), avb::chain("vendor", b"key")];
    let vbmeta = avb::vbmeta(Some((&made::key(), Hash::Sha256)), flags, &descriptors);
    change(&mut system);
    system.extend(tree);
    for (name, bytes) in [("system_a.img", &system), ("boot_a.img", &boot), ("vbmeta_a.img", &vbmeta)] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let check = Check {
        inputs: vec![folder.to_path_buf()],
        against: None,
        command: String::new(),
        date: None,
        flows: false,
        feeds: Feeds::default(),
        version: String::new(),
    };
    scan::check(check, &Store::small(), None, &Silent).unwrap().0
}

fn altered(report: &Report) -> Vec<&model::report::Row> {
    report.findings.iter().filter(|it| it.detector == "altered-image").collect()
}

#[test]
fn what_was_signed_is_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 0, |_| {});
    assert!(altered(&report).is_empty(), "{:?}", report.findings);
}

#[test]
fn an_altered_block_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 0, |system| system[4096 + 7] ^= 1);
    let [finding] = altered(&report)[..] else { panic!("{:?}", report.findings) };
    assert_eq!(finding.device_path, "/system");
    assert!(finding.claim.contains("1 of its blocks"), "{}", finding.claim);
    // So small an image has its metadata in the same block as its files.
    assert!(finding.claim.contains("they belong to "), "{}", finding.claim);
    assert!(finding.evidence.iter().any(|it| it.offset == 4096 && it.size == 4096), "{:?}", finding.evidence);
}

#[test]
fn a_phone_that_its_user_opened_is_no_altered_image() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 2, |system| system[4096 + 7] ^= 1);
    assert!(altered(&report).is_empty(), "{:?}", report.findings);
    assert!(report.findings.iter().any(|it| it.detector == "verification-disabled"));
}
