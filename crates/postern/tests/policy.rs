//! `postern policy`: from files of a phone to answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PLATFORM: &str = "
(handleunknown deny) (mls true)
(common file (ioctl read write open execute execute_no_trans entrypoint)) (class file ()) (classcommon file file)
(class chr_file ()) (classcommon chr_file file)
(class blk_file ()) (classcommon blk_file file)
(class process (fork transition)) (class property_service (set)) (class security (load_policy setenforce))
(classorder (file chr_file blk_file process property_service security))
(type init) (type untrusted_app) (type shell) (type gpu_device) (type secret_device) (type tool) (type tool_exec) (type default_prop)
(type proc_secret) (type boot_block_device)
(typeattribute appdomain) (typeattributeset appdomain (untrusted_app))
(typeattribute block_devices) (typeattributeset block_devices (boot_block_device))
(allow appdomain gpu_device (chr_file (ioctl read write open)))
(allowx appdomain gpu_device (ioctl chr_file ((range 0x10 0x12))))
(allow init default_prop (property_service (set)))
(allow init self (security (load_policy)))
(allow shell tool_exec (file (read open execute))) (allow shell tool (process (transition)))
(allow tool tool_exec (file (entrypoint))) (typetransition init tool_exec process tool)
(genfscon proc \"/secret\" (u object_r proc_secret ((s0) (s0))))
(allow untrusted_app proc_secret (file (write)))
(neverallow appdomain block_devices (blk_file (write)))
(mlsconstrain (file (write)) (or (eq l1 l2) (eq t1 shell)))
";

const MAPPING: &str = "(typeattribute untrusted_app_29_0) (typeattributeset untrusted_app_29_0 (untrusted_app))";

const VENDOR: &str = "
(allow untrusted_app_29_0 secret_device (chr_file (write)))
(allow untrusted_app_29_0 boot_block_device (blk_file (write)))
(type untrusted_app_25) (type app_data_file) (allow untrusted_app_25 app_data_file (file (execute_no_trans)))
(type untrusted_app_77) (allow untrusted_app_77 app_data_file (file (execute_no_trans)))
(allow untrusted_app_29_0 app_data_file (file (execute_no_trans)))
";

/// A dump of a phone that links its policy.
fn phone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("system/build.prop", "ro.build.version.sdk=29\nro.build.type=user\n");
    file("system/etc/selinux/plat_sepolicy.cil", PLATFORM);
    file("system/etc/selinux/mapping/29.0.cil", MAPPING);
    file("vendor/etc/selinux/plat_sepolicy_vers.txt", "29.0\n");
    file("vendor/etc/selinux/vendor_sepolicy.cil", VENDOR);
    file(
        "vendor/etc/selinux/vendor_file_contexts",
        "/dev/secret u:object_r:secret_device:s0\n/vendor/bin/tool u:object_r:tool_exec:s0\n",
    );
    file("system/etc/selinux/plat_property_contexts", "* u:object_r:default_prop:s0\n");
    file(
        "system/etc/selinux/plat_seapp_contexts",
        "user=_app domain=untrusted_app type=app_data_file levelFrom=user\n",
    );
    file("vendor/etc/init/tool.rc", "service tool /vendor/bin/tool\n    class main\n");
    folder
}

fn ran(folder: &Path, args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_postern")).arg("policy").arg(folder).args(args).output().unwrap()
}

fn asked(folder: &Path, args: &[&str]) -> Value {
    let output = ran(folder, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `domain: rule` of each that can.
fn who(folder: &Path, can: &str, on: &str) -> Vec<String> {
    let answer = asked(folder, &["--who-can", can, "--on", on]);
    let lines = answer["who"]["domains"].as_array().unwrap().iter();
    lines.map(|it| format!("{}: {}", it["domain"].as_str().unwrap(), it["rule"].as_str().unwrap())).collect()
}

#[test]
fn who_can_reach_a_node_a_property_and_a_file_of_proc() {
    let folder = phone();
    let folder = folder.path();
    let vendors = "untrusted_app: allow untrusted_app_29_0 secret_device:chr_file { write }";
    assert_eq!(who(folder, "chr_file:write", "/dev/secret"), [vendors]);
    assert_eq!(who(folder, "chr_file:write", "secret_device"), [vendors]);
    let sets = "init: allow init default_prop:property_service { set }";
    assert_eq!(who(folder, "property_service:set", "ctl.start"), [sets]);
    assert_eq!(who(folder, "file:write", "/proc/secret/now").len(), 1);
    assert!(who(folder, "chr_file:execute", "/dev/secret").is_empty());
}

#[test]
fn numbers_and_constraints_are_told() {
    let folder = phone();
    let answer = asked(folder.path(), &["--who-can", "chr_file:ioctl", "--on", "gpu_device"]);
    let line = &answer["who"]["domains"][0];
    assert_eq!((&line["numbers"][0], &line["constrained"]), (&Value::from("0x0010-0x0012"), &Value::from(false)));
    // Apps have a level of their own here, which is not that of the file.
    let answer = asked(folder.path(), &["--who-can", "file:write", "--on", "proc_secret"]);
    assert_eq!(answer["who"]["domains"][0]["constrained"], Value::from(true));
}

#[test]
fn the_overview_holds_the_policy_against_androids_own() {
    let folder = phone();
    let answer = asked(folder.path(), &[]);
    let said = |it: &Value| {
        format!(
            "{} {}:{}",
            it["domain"].as_str().unwrap(),
            it["target"].as_str().unwrap(),
            it["class"].as_str().unwrap()
        )
    };
    let more: Vec<String> = answer["more"].as_array().unwrap().iter().map(said).collect();
    assert!(more.contains(&"untrusted_app secret_device:chr_file".to_owned()), "{more:?}");
    assert!(!more.iter().any(|it| it.contains("gpu_device")), "Android lets apps draw: {more:?}");
    let broken: Vec<String> = answer["broken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} by {}", said(&it["grant"]), it["by"].as_str().unwrap()))
        .collect();
    assert!(broken.contains(&"untrusted_app boot_block_device:blk_file by platform".to_owned()), "{broken:?}");
    // Android 10 lets apps made for Android 7 run files of their own, and forbids it to those made for Android 10.
    let runs = |domain: &str| broken.contains(&format!("{domain} app_data_file:file by aosp"));
    assert!(runs("untrusted_app") && !runs("untrusted_app_25"), "{broken:?}");
    assert!(runs("untrusted_app_77"), "a domain that Android does not have: {broken:?}");
    assert_eq!(answer["unconfined"][0]["domain"], "init");
    assert_eq!(answer["transitions"][0]["domains"], serde_json::json!(["shell", "tool"]));
    assert_eq!(answer["transitions"][0]["root_services"], serde_json::json!(["tool"]));
    assert_eq!(answer["kind"], "linked");
    let text = String::from_utf8(ran(folder.path(), &[]).stdout).unwrap();
    assert!(text.contains("shell -> tool (by tool_exec; init runs as root in it: tool)"), "{text}");
}

#[test]
fn a_compiled_policy_counts_unless_it_was_made_from_other_files() {
    let folder = phone();
    let at = |path: &str| folder.path().join(path);
    let compiled = include_bytes!("../../formats/tests/samples/sepolicy/mls-30");
    fs::write(at("vendor/etc/selinux/precompiled_sepolicy"), compiled).unwrap();
    let (platform, own) = ("plat_sepolicy_and_mapping.sha256", "precompiled_sepolicy.plat_sepolicy_and_mapping.sha256");
    fs::write(at("system/etc/selinux").join(platform), "aa\n").unwrap();
    fs::write(at("vendor/etc/selinux").join(own), "aa\n").unwrap();
    assert_eq!(asked(folder.path(), &[])["kind"], "binary");
    fs::write(at("system/etc/selinux").join(platform), "bb\n").unwrap();
    let answer = asked(folder.path(), &[]);
    assert_eq!(answer["kind"], "linked");
    let why = answer["stale"][0].as_str().unwrap();
    assert!(why.ends_with("plat_sepolicy_and_mapping.sha256 is bb, it was compiled for aa"), "{why}");
}

#[test]
fn a_question_that_cannot_be_asked_is_told() {
    let folder = phone();
    for args in [
        &["--who-can", "chr_file:fly", "--on", "/dev/secret"] as &[&str],
        &["--who-can", "fly:write", "--on", "/dev/secret"],
        &["--who-can", "chr_file:write", "--on", "/nowhere"],
        &["--domain", "nobody"],
    ] {
        let output = ran(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    fs::remove_dir_all(folder.path().join("system/etc")).unwrap();
    let output = ran(folder.path(), &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no policy"), "{output:?}");
}
