//! The annex of who made what: what a phone's files say, held against what Android itself has.

mod checked;

use std::fs;

/// A phone of this version, whose policy has names for these services; the names that are told as added.
fn added(sdk: u32, services: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let system = folder.path().join("system");
    fs::create_dir_all(system.join("etc/selinux")).unwrap();
    fs::write(system.join("build.prop"), format!("ro.build.version.sdk={sdk}\n")).unwrap();
    fs::write(system.join("etc/selinux/plat_service_contexts"), services).unwrap();
    let interfaces =
        "android.hardware.nfc::INfc u:object_r:hal_nfc_hwservice:s0\nvendor.maker.door::IDoor u:object_r:door:s0\n";
    fs::write(system.join("etc/selinux/plat_hwservice_contexts"), interfaces).unwrap();
    let report = checked::check(folder.path(), false);
    report.provenance.added_services.iter().map(|it| format!("{} in {}", it.name, it.device_path)).collect()
}

#[test]
fn a_service_that_android_has_no_name_for_is_told_and_one_of_its_own_is_not() {
    let services = "activity u:object_r:activity_service:s0\nmaker.shell u:object_r:default_android_service:s0\n\
                    pinner u:object_r:pinner_service:s0\n* u:object_r:default_android_service:s0\n";
    let names = "/system/etc/selinux/plat_service_contexts";
    let interfaces = "/system/etc/selinux/plat_hwservice_contexts";
    let of_29 = [format!("maker.shell in {names}"), format!("vendor.maker.door::IDoor in {interfaces}")];
    assert_eq!(added(29, services), of_29);
    let of_21 = added(21, services);
    assert!(of_21.contains(&format!("pinner in {names}")), "Android got it later: {of_21:?}");
    assert!(added(19, services).is_empty(), "nothing is known of this version");
}
