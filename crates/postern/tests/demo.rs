//! The bundled demo pair: the ordinary phone has no finding, and of the other one every plant is found where it lies.
//! What is planted, and where its source is, stands in `demo/README.md`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn the_ordinary_phone_has_no_finding() {
    let (_, report) = check("phone-a.zip");
    let told: Vec<String> = findings(&report).filter(|it| it.grade != "CAPABILITY").map(|it| it.to_string()).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert_eq!(report["device"]["model"], "L1");
    assert_eq!(report["apps"].as_array().map(Vec::len), Some(14));
}

/// On the one phone the case is confirmed; on the other its namesake is told with the reason why it is not.
#[test]
fn each_documented_case_has_a_twin_that_is_acquitted() {
    let (_, planted) = check("phone-b.zip");
    let (_, ordinary) = check("phone-a.zip");
    for (case, path, why_not) in CASES {
        let row = |report: &Value, list: &str| {
            let rows = report[list].as_array().cloned().unwrap_or_default();
            let of_case = |it: &Value| it["detector"] == "known-case" && it["subject"] == *case;
            rows.into_iter().find(of_case)
        };
        let confirmed = row(&planted, "findings").unwrap_or_else(|| panic!("{case} is not told"));
        assert_eq!((&confirmed["grade"], &confirmed["device_path"]), (&"FINDING".into(), &(*path).into()), "{case}");
        assert!(confirmed["claim"].as_str().is_some_and(|it| it.starts_with("all that confirms")), "{confirmed:#}");
        assert!(row(&ordinary, "findings").is_none(), "{case}");
        let twin = row(&ordinary, "capabilities").unwrap_or_else(|| panic!("the twin of {case} is not told"));
        assert_eq!((&twin["severity"], &twin["device_path"]), (&"info".into(), &(*path).into()), "{case}");
        let claim = twin["claim"].as_str().unwrap_or_default();
        assert!(claim.contains("it is not confirmed") && claim.contains(why_not), "{claim}");
    }
}

/// Case, device path, and why the twin is not it.
const CASES: &[(&str, &str, &str)] = &[
    ("zte-scorem-2012", "/system/bin/sync_agent", "none of this stands in it: ztex1609523"),
    (
        "adups-skyelite-2018",
        "/system/app/SystemOperator/SystemOperator.apk",
        "WriteCommandReceiver is guarded by com.fw.upgrade.sysoper.permission.OPERATE",
    ),
    (
        "oneplus-engineermode-2017",
        "/system/app/EngineeringMode/EngineeringMode.apk",
        "no code holds com.android.engineeringmode.qualcomm.*",
    ),
];

#[test]
fn every_plant_is_found() {
    let (exit, report) = check("phone-b.zip");
    assert_eq!(exit, 1);
    let told: Vec<Told> = findings(&report).collect();
    let missing: Vec<_> = PLANTS
        .iter()
        .filter(|(detector, grade, path, word)| {
            !told.iter().any(|it| {
                it.detector == *detector && it.grade == *grade && it.device_path == *path && it.claim.contains(word)
            })
        })
        .collect();
    let told: Vec<String> = told.iter().map(Told::to_string).collect();
    assert!(missing.is_empty(), "missing: {missing:#?}\ntold: {told:#?}");
}

#[test]
fn what_gives_someone_far_away_the_phone_comes_first() {
    let (_, report) = check("phone-b.zip");
    let rows = report["findings"].as_array().unwrap();
    let reach = |it: &Value| it["factors"]["reach"].as_str().unwrap_or_default().to_owned();
    let first: Vec<&Value> = rows.iter().take(3).collect();
    assert!(first.iter().all(|it| it["severity"] == "critical"), "{first:#?}");
    assert!(first.iter().take(2).all(|it| reach(it) == "remote"), "{first:#?}");
    let hygiene = rows.iter().position(|it| it["class"] == "hygiene").unwrap_or(rows.len());
    let grave = rows.iter().rposition(|it| it["severity"] == "critical" || it["severity"] == "high").unwrap();
    assert!(grave < hygiene);
    let (_, ordinary) = check("phone-a.zip");
    assert!(ordinary["findings"].as_array().unwrap().len() <= 5);
}

#[test]
fn every_finding_of_the_demo_has_evidence_with_a_place() {
    let (_, report) = check("phone-b.zip");
    for list in LISTS {
        for finding in report[list].as_array().into_iter().flatten() {
            let evidence = finding["evidence"].as_array().map_or(&[][..], |it| it);
            assert!(!evidence.is_empty(), "{finding:#}");
            assert!(evidence.iter().all(|it| it["path"].as_str().is_some_and(|it| !it.is_empty())), "{finding:#}");
        }
    }
}

/// Detector, grade, device path, and a name that the claim gives. The number is that of `demo/README.md`.
const PLANTS: &[(&str, &str, &str, &str)] = &[
    ("test-keys", "FINDING", "/system/priv-app/FieldTest/FieldTest.apk", "testkey"), // 1
    ("debug-signed-app", "FINDING", "/product/app/Notes/Notes.apk", "Android Debug"), // 2
    ("debuggable-app", "FINDING", "/vendor/app/CameraTest/CameraTest.apk", "com.larkspur.cameratest"), // 3
    ("build-contradiction", "FINDING", "/system/build.prop", "orchid/o9"),           // 4
    ("build-contradiction", "FINDING", "/system/build.prop", "2019-03-05"),          // 4
    ("debug-properties", "FINDING", "/system/build.prop", "ro.debuggable=1"),        // 5
    ("debug-properties", "FINDING", "/system/build.prop", "ro.secure=0"),            // 5
    ("debug-properties", "FINDING", "/system/build.prop", "ro.adb.secure=0"),        // 5
    ("debug-properties", "FINDING", "/system/build.prop", "service.adb.tcp.port=5555"), // 5
    ("privileged-files", "FINDING", "/system/xbin/su", "4755"),                      // 6
    ("privileged-files", "SUSPICION", "/vendor/bin/netdiag", "CAP_SYS_ADMIN"),       // 6
    ("privileged-service", "FINDING", "/vendor/bin/flashd", "u:r:su:s0"),            // 7
    ("root-daemon", "FINDING", "/vendor/bin/remoted", "0.0.0.0:4242"),               // 7
    ("added-ca", "FINDING", "/system/etc/security/cacerts/0d6e0a9b.0", "Demo Interception CA"), // 8
    ("ota-keys", "SUSPICION", "/system/etc/security/otacerts.zip!larkspur-ota.x509.pem", "Partner updates"), // 9
    ("permissive-domain", "FINDING", "/vendor/etc/selinux/precompiled_sepolicy", "remoted"), // 10
    ("world-writable-node", "SUSPICION", "/vendor/ueventd.rc", "/dev/larkspur_mem"), // 11
    ("stranger-adb-key", "FINDING", "/product/etc/security/adb_keys", ""),           // 12
    ("code-outside-app-folders", "SUSPICION", "/system/etc/wifi/cal.bin", "com.larkspur.calibration"), // 13
    ("evasive-container", "FINDING", "/product/app/Weather/Weather.apk", "Weather.apk"), // 14
    ("weak-permission", "SUSPICION", "/system/priv-app/SystemHelper/SystemHelper.apk", "CALL_HELPER"), // 15
    ("exported-capability", "FINDING", "/product/priv-app/Provision/Provision.apk", "the installation of an app"), // 16
    ("exported-capability", "FINDING", "/product/priv-app/Provision/Provision.apk", "a system property"), // 16
    ("hidden-installer", "CAPABILITY", "/product/priv-app/SyncAgent/SyncAgent.apk", "com.larkspur.syncagent"), // 17
    ("foreign-system-uid", "SUSPICION", "/vendor/app/VendorTools/VendorTools.apk", "android.uid.system"), // 18
    ("secret-dialer-code", "CAPABILITY", "/system/priv-app/FieldTest/FieldTest.apk", "*#*#527577#*#*"), // 19
    ("cleartext-updater", "SUSPICION", "/product/priv-app/Updater/Updater.apk", "com.larkspur.updater"), // 20
    ("verification-disabled", "FINDING", "/dev/block/by-name/vbmeta", "flag 2"),     // 21
    ("remote-command", "FINDING", "/system/priv-app/SystemHelper/SystemHelper.apk", "a command that is run"), // 22
    ("magic-secret", "FINDING", "/product/priv-app/SyncAgent/SyncAgent.apk", "##larkspur-sync##"), // 23
    ("covert-telemetry", "PRIVACY", "/product/priv-app/SyncAgent/SyncAgent.apk", "not encrypted"), // 24
    ("known-case", "FINDING", "/system/bin/sync_agent", "ztex1609523"),              // 25
    ("known-case", "FINDING", "/system/app/SystemOperator/SystemOperator.apk", "WriteCommandReceiver"), // 26
    ("known-case", "FINDING", "/system/app/EngineeringMode/EngineeringMode.apk", "persist.sys.adbroot"), // 27
];

struct Told {
    detector: String,
    grade: String,
    device_path: String,
    claim: String,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} {} {}: {}", self.grade, self.detector, self.device_path, self.claim)
    }
}

const LISTS: [&str; 3] = ["findings", "capabilities", "privacy"];

fn findings(report: &Value) -> impl Iterator<Item = Told> {
    LISTS.iter().flat_map(|it| report[it].as_array().into_iter().flatten()).map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        Told {
            detector: text("detector"),
            grade: text("grade"),
            device_path: text("device_path"),
            claim: text("claim"),
        }
    })
}

/// The exit code and the report of `postern check` on a phone of the demo.
fn check(name: &str) -> (i32, Value) {
    let phone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(name);
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(["check", "--quiet", "--json"])
        .args([&json, &phone])
        .output()
        .expect("postern starts");
    let text = std::fs::read(&json).unwrap_or_else(|it| panic!("{it}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("it ends by itself"), serde_json::from_slice(&text).expect("the report is JSON"))
}
