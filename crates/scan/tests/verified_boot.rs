//! A phone whose partitions are covered by signed metadata, from files to findings.

#[path = "../../verify/tests/made/mod.rs"]
mod made;

mod checked;

use std::io::Read;
use std::path::Path;

use made::avb;
use model::report::Report;
use verify::hash::Hash;

const SHA256: (&str, Hash) = ("sha256", Hash::Sha256);

/// A folder with `vbmeta.img` over `system.img` (a file system of 128 blocks with its tree) and `boot.img`.
fn phone(folder: &Path, flags: u32, change: impl Fn(&mut Vec<u8>)) -> Report {
    let packed = std::fs::read("../formats/tests/samples/ext4/modern.img.gz").unwrap();
    let mut system = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut system).unwrap();
    let boot = vec![3; 8192];
    let (tree_descriptor, tree) = avb::hashtree("system", SHA256, &system);
    let descriptors = [tree_descriptor, avb::hash("boot", SHA256, &boot), avb::chain("vendor", b"key")];
    let vbmeta = avb::vbmeta(Some((&made::key(), Hash::Sha256)), flags, &descriptors);
    change(&mut system);
    system.extend(tree);
    for (name, bytes) in [("system_a.img", &system), ("boot_a.img", &boot), ("vbmeta_a.img", &vbmeta)] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    checked::check(folder, false)
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

/// Blocks 7 and 8 of the image are the data of `/system/bin/ping`, 10 and 11 those of `/system/bin/su`.
fn with_ping_altered(system: &mut [u8]) {
    system[7 * 4096 + 7] ^= 1;
}

#[test]
fn an_altered_block_is_told_with_the_file_that_it_belongs_to() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 0, |system| with_ping_altered(system));
    let [finding] = altered(&report)[..] else { panic!("{:?}", report.findings) };
    assert_eq!(finding.device_path, "/system");
    assert!(finding.claim.contains("1 of its blocks"), "{}", finding.claim);
    assert!(finding.claim.contains("they belong to /system/bin/ping"), "{}", finding.claim);
    assert!(!finding.claim.contains("/su") && !finding.claim.contains("metadata"), "{}", finding.claim);
    assert!(finding.evidence.iter().any(|it| it.offset == 7 * 4096 && it.size == 4096), "{:?}", finding.evidence);
}

#[test]
fn altered_blocks_of_two_files_are_told_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 0, |system| {
        with_ping_altered(system);
        system[11 * 4096] ^= 1;
    });
    let [finding] = altered(&report)[..] else { panic!("{:?}", report.findings) };
    assert!(finding.claim.contains("2 of its blocks"), "{}", finding.claim);
    // The other file has two names.
    assert!(finding.claim.contains("they belong to /system/bin/ping and 2 more"), "{}", finding.claim);
    assert!(finding.evidence.iter().any(|it| it.offset == 11 * 4096 && it.size == 4096), "{:?}", finding.evidence);
}

#[test]
fn a_phone_that_its_user_opened_is_no_altered_image() {
    let folder = tempfile::tempdir().unwrap();
    let report = phone(folder.path(), 2, |system| with_ping_altered(system));
    assert!(altered(&report).is_empty(), "{:?}", report.findings);
    assert!(report.findings.iter().any(|it| it.detector == "verification-disabled"));
}
