//! What packages state of their parts: what fits is told, what does not is a suspicion, what is not there is neither.

#[path = "../../verify/tests/made/mod.rs"]
mod made;

mod checked;

use std::path::Path;

use checked::check;
use made::avb;
use model::fact::image_check::{Method, State};
use model::report::Report;
use verify::avb::fec::Fec;
use verify::avb::structure::{Covers, Vbmeta};
use verify::hash::Hash;

/// The lines of statements: name, state, why.
fn stated(report: &Report) -> Vec<(String, State, String)> {
    let lines = report.coverage.signed.iter().filter(|it| it.method == Method::Statement);
    lines.map(|it| (it.name.clone(), it.state, it.why.clone())).collect()
}

fn state_of(report: &Report, name: &str) -> State {
    let all = stated(report);
    let mut of = all.iter().filter(|it| it.0 == name).map(|it| it.1);
    of.clone().find(|it| *it == State::Contradicted).or(of.next()).unwrap_or_else(|| panic!("{name}: {all:#?}"))
}

fn suspicions(report: &Report) -> Vec<String> {
    let is = |it: &&model::report::Row| it.detector == "altered-image" && it.title == "Not what the package states";
    report.findings.iter().filter(is).map(|it| it.claim.clone()).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A package for fastboot as Xiaomi makes them.
fn fastboot(folder: &Path) {
    let (boot, xbl) = (vec![1; 5000], vec![2; 3000]);
    let list = format!("CRC-LIST\nboot {:#x}\nxblbak {:#x}\nlost 0x1\n", crc32(&boot), crc32(&xbl));
    let script = "CURRENT_ANTI_VER=2\nfastboot $* flash xblbak `pwd`/images/xbl.elf\n";
    write(folder, "flash_all.sh", script.as_bytes());
    write(folder, "images/crclist.txt", list.as_bytes());
    write(folder, "images/sparsecrclist.txt", b"SPARSECRC-LIST\nboot 0x1 4\n");
    write(folder, "images/anti_version.txt", b"2\n");
    write(folder, "images/boot.img", &boot);
    write(folder, "images/xbl.elf", &xbl);
}

#[test]
fn checksums_of_a_fastboot_package_are_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    fastboot(folder.path());
    let report = check(folder.path(), false);
    let told: Vec<(String, State)> = stated(&report).into_iter().map(|it| (it.0, it.1)).collect();
    for (name, state) in [
        ("boot", State::Unsigned),
        ("boot", State::Unchecked),
        ("xblbak", State::Unsigned),
        ("lost", State::NotPresent),
        ("anti_version", State::Unsigned),
    ] {
        assert!(told.contains(&(name.to_owned(), state)), "{name}: {told:?}");
    }
    assert!(suspicions(&report).is_empty());
    write(folder.path(), "images/xbl.elf", &[3; 3000]);
    write(folder.path(), "images/anti_version.txt", b"1\n");
    let report = check(folder.path(), false);
    assert_eq!(state_of(&report, "xblbak"), State::Contradicted);
    assert_eq!(state_of(&report, "anti_version"), State::Contradicted);
    assert!(
        suspicions(&report).iter().any(|it| it.contains("xblbak") && it.contains("CRC-32")),
        "{:?}",
        report.findings
    );
}

#[test]
fn the_md5_in_the_name_of_a_package_is_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = made::package::Package::new().bytes();
    let md5: String = Hash::Md5.of(&[&bytes]).iter().map(|it| format!("{it:02x}")).collect();
    let name = format!("miui_LARKSPUR_V1_{}_11.0.zip", &md5[..10]);
    write(folder.path(), &name, &bytes);
    assert_eq!(state_of(&check(&folder.path().join(&name), false), &name), State::Unsigned);
    let other = "miui_LARKSPUR_V1_0123456789_11.0.zip";
    write(folder.path(), other, &bytes);
    assert_eq!(state_of(&check(&folder.path().join(other), false), other), State::Contradicted);
}

/// An update with metadata; `change` is made to its bytes before the places are stated.
fn update(folder: &Path, fingerprint: &str, payload: &[u8], stated_payload: &[u8]) {
    let mut made = made::package::Package::new();
    let sha256 = Hash::Sha256.of(&[stated_payload]);
    let base64 = made::package::base64(&sha256);
    let properties = format!("FILE_HASH={base64}\nFILE_SIZE={}\n", stated_payload.len());
    made.entries.push(("payload.bin".to_owned(), payload.to_vec()));
    made.entries.push(("payload_properties.txt".to_owned(), properties.into_bytes()));
    made.entries.push(("system/build.prop".to_owned(), b"ro.build.fingerprint=acme/l/l:11/A/1:user/r\n".to_vec()));
    let bytes = made.bytes();
    let at = bytes.windows(payload.len()).position(|it| it == payload).unwrap();
    let metadata = format!(
        "ota-property-files=payload.bin:{at}:{}\nota-type=AB\npost-build={fingerprint}\npost-sdk-level=30\n",
        stated_payload.len()
    );
    made.entries.push(("META-INF/com/android/metadata".to_owned(), metadata.into_bytes()));
    std::fs::write(folder.join("update.zip"), made.bytes()).unwrap();
}

#[test]
fn metadata_of_an_update_are_held_against_its_payload_and_its_build() {
    let folder = tempfile::tempdir().unwrap();
    let (payload, other) = (b"CrAU and what follows".to_vec(), b"CrAU and something new".to_vec());
    let input = folder.path().join("update.zip");
    update(folder.path(), "acme/l/l:11/A/1:user/r", &payload, &payload);
    let report = check(&input, false);
    assert_eq!(state_of(&report, "payload.bin"), State::Unsigned, "{:#?}", stated(&report));
    assert_eq!(state_of(&report, "ro.build.fingerprint"), State::Unsigned);
    assert_eq!(state_of(&report, "ro.build.version.sdk"), State::NotPresent, "the build does not say it");
    assert!(suspicions(&report).is_empty());
    update(folder.path(), "acme/l/l:12/B/2:user/r", &payload, &other);
    let report = check(&input, false);
    assert_eq!(state_of(&report, "payload.bin"), State::Contradicted);
    assert_eq!(state_of(&report, "ro.build.fingerprint"), State::Contradicted);
    assert!(suspicions(&report).iter().any(|it| it.contains("12/B/2") && it.contains("11/A/1")));
}

#[test]
fn a_care_map_names_blocks_that_the_partition_has() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "META/care_map.txt", b"system\n4,0,10,12,20\n");
    write(folder.path(), "META/ab_partitions.txt", b"system\nvendor\n");
    write(folder.path(), "META/misc_info.txt", b"system_size=81920\n");
    write(folder.path(), "IMAGES/system.img", &[9; 20 * 4096]);
    let report = check(folder.path(), false);
    assert_eq!(state_of(&report, "system"), State::Unsigned, "{:#?}", stated(&report));
    assert_eq!(state_of(&report, "vendor"), State::NotPresent);
    write(folder.path(), "IMAGES/system.img", &[9; 19 * 4096]);
    assert_eq!(state_of(&check(folder.path(), false), "system"), State::Contradicted);
    write(folder.path(), "IMAGES/system.img", &[9; 21 * 4096]);
    let report = check(folder.path(), false);
    assert!(suspicions(&report).iter().any(|it| it.contains("its partition 81920")), "{:?}", suspicions(&report));
}

/// A partition with a tree and error correction, and its metadata.
fn corrected(folder: &Path, change: impl Fn(&mut Vec<u8>)) {
    let image: Vec<u8> = (0..300 * 4096usize).map(|it| (it / 4096 * 3 + it) as u8).collect();
    let (mut descriptor, tree) = avb::hashtree("system", ("sha256", Hash::Sha256), &image);
    let mut bytes = [image, tree].concat();
    // Two codewords of blocks, each with two bytes of correction.
    let (at, size) = (bytes.len() as u64, 2 * 2 * 4096u64);
    // `fec_num_roots`, `fec_offset` and `fec_size` stand behind the block sizes.
    descriptor[16 + 36..16 + 40].copy_from_slice(&2u32.to_be_bytes());
    descriptor[16 + 40..16 + 48].copy_from_slice(&at.to_be_bytes());
    descriptor[16 + 48..16 + 56].copy_from_slice(&size.to_be_bytes());
    let vbmeta = avb::vbmeta(Some((&made::key(), Hash::Sha256)), 0, &[descriptor]);
    let read = Vbmeta::read(&model::Blob::from_bytes(vbmeta.clone()), 0).unwrap();
    let [Covers::Hashtree(descriptor)] = read.covers.as_slice() else { panic!("one descriptor") };
    let fec = Fec::of(descriptor).unwrap();
    let image = model::Blob::from_bytes(bytes.clone());
    fec.pieces().for_each(|it| bytes.extend(fec.parity(&image, it).unwrap()));
    change(&mut bytes);
    write(folder, "system.img", &bytes);
    write(folder, "vbmeta.img", &vbmeta);
}

#[test]
fn error_correction_is_told_recomputed_where_asked_and_not_believed_where_it_is_another() {
    let state = |folder: &Path, fec: bool| {
        let report = check(folder, fec);
        let line = report.coverage.signed.iter().find(|it| it.method == Method::Fec).cloned();
        let line = line.unwrap_or_else(|| panic!("{:#?}", report.coverage.signed));
        let hashtree = report.coverage.signed.iter().find(|it| it.method == Method::Hashtree).unwrap().state;
        (line.state, hashtree, suspicions(&report).len())
    };
    let folder = tempfile::tempdir().unwrap();
    corrected(folder.path(), |_| {});
    assert_eq!(state(folder.path(), false), (State::Unchecked, State::Verified, 0));
    assert_eq!(state(folder.path(), true), (State::Unsigned, State::Verified, 0));
    // What nobody signed may hold anything: only recomputing it shows that.
    corrected(folder.path(), |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_eq!(state(folder.path(), false), (State::Unchecked, State::Verified, 0));
    assert_eq!(state(folder.path(), true), (State::Contradicted, State::Verified, 1));
    corrected(folder.path(), |bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(state(folder.path(), false), (State::Contradicted, State::Verified, 1));
}
