//! Two phones beside each other: what is told, and what is a gap.

use model::fact::app::{App, Component, ComponentKind, UsesPermission};
use model::fact::certificate::Role;
use model::fact::elf::Elf;
use model::fact::init::Service;
use model::fact::policy::Policy;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Finding, Grade};

use crate::made::{Made, compared, compared_with, lines};
use crate::{Kind, Opened, Rules, Topic, Which, matters, native};

fn app(package: &str, version: i64, permissions: &[&str]) -> App {
    let asked = |name: &&str| UsesPermission { name: (*name).to_owned(), max_sdk: None };
    App {
        package: package.to_owned(),
        version_code: Some(version),
        enabled: true,
        uses_permissions: permissions.iter().map(asked).collect(),
        ..App::default()
    }
}

fn finding(path: &str, claim: &str) -> Finding {
    Finding {
        detector: "test",
        class: Class::RemoteCommand,
        grade: Grade::Finding,
        confidence: Confidence::High,
        factors: Factors {
            reach: Reach::Remote,
            power: Power::System,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        },
        title: "A title".to_owned(),
        claim: claim.to_owned(),
        benign: String::new(),
        subject: claim.to_owned(),
        device_path: path.to_owned(),
        evidence: Vec::new(),
        flow: Vec::new(),
        references: Vec::new(),
        action: String::new(),
    }
}

#[test]
fn files_are_added_removed_changed_and_moved_by_content() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    left.file("/system/same", "one", &[]);
    right.file("/system/same", "one", &[]);
    left.file("/system/changed", "one thing", &[]);
    right.file("/system/changed", "another", &[]);
    left.file("/system/gone", "gone", &[]);
    right.file("/system/new", "new", &[]);
    left.file("/system/here/it", "it is moved", &[]);
    right.file("/system/there/it", "it is moved", &[]);
    let it = compared(left, right);
    let told: Vec<(Kind, &str)> = it.deltas.iter().map(|it| (it.kind, it.device_path.as_str())).collect();
    let expected = [
        (Kind::Changed, "/system/changed"),
        (Kind::Removed, "/system/gone"),
        (Kind::Added, "/system/new"),
        (Kind::Moved, "/system/there/it"),
    ];
    assert_eq!(told, expected);
    assert!(it.gaps.is_empty() && it.deltas.iter().all(|it| !matters(it)));
}

#[test]
fn what_one_side_could_not_have_shown_is_a_gap() {
    type Change = fn(&mut Made);
    let cases: [(Change, Change, &str); 5] = [
        (|it| it.unread("/system/a"), |it| _ = it.file("/system/a", "a", &[]), "it is lost"),
        (|it| it.unread("/system/a"), |_| {}, "it is lost"),
        (|_| {}, |it| _ = it.file("/vendor/a", "a", &[]), "the partition vendor is not in it"),
        (|_| {}, |it| it.link("/system/a", "b"), "no symbolic links"),
        (|it| it.broken(), |it| _ = it.file("/system/a", "a", &[]), "could be listed"),
    ];
    for (n, (change_left, change_right, why)) in cases.into_iter().enumerate() {
        for turned in [false, true] {
            let (mut left, mut right) = (Made::dump(), Made::dump());
            change_left(&mut left);
            change_right(&mut right);
            let it = if turned { compared(right, left) } else { compared(left, right) };
            assert_eq!(lines(&it), Vec::<String>::new(), "{n}");
            assert!(it.gaps.iter().any(|it| it.why.contains(why)), "{n}: {:?}", it.gaps);
            assert!(it.shares[0].compared < it.shares[0].all, "{n}");
        }
    }
}

#[test]
fn an_app_is_compared_by_what_it_is_and_may_do() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    left.app("/system/app/A/A.apk", app("a.b", 1, &["android.permission.INTERNET"]), "vendor");
    let door = Component {
        kind: ComponentKind::Service,
        name: "a.b.Door".to_owned(),
        exported: Some(true),
        enabled: true,
        ..Component::default()
    };
    let mut other = app("a.b", 1, &["android.permission.INTERNET", "android.permission.INSTALL_PACKAGES"]);
    other.components.push(door);
    other.shared_user_id = Some("android.uid.system".to_owned());
    right.app("/system/priv-app/A/A.apk", other, "stranger");
    let told = lines(&compared(left, right));
    let expected = [
        "changed signer of a.b: vendor (sha256 …) | stranger (sha256 …)",
        "changed components of a.b:  | service a.b.Door: exported",
        "changed permissions of a.b:  | alone: INSTALL_PACKAGES (granted)",
        "changed user id of a.b: its own | android.uid.system",
        "moved app a.b, of other content: /system/app/A/A.apk | /system/priv-app/A/A.apk",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_version_alone_does_not_matter_and_a_signer_does() {
    let compare = |version: i64, signer: &str| {
        let (mut left, mut right) = (Made::dump(), Made::dump());
        left.app("/system/app/A/A.apk", app("a.b", 1, &[]), "vendor");
        right.app("/system/app/A/A.apk", app("a.b", version, &[]), signer);
        compared(left, right)
    };
    assert_eq!(lines(&compare(1, "vendor")), Vec::<String>::new());
    let update = compare(2, "vendor");
    assert_eq!(lines(&update), ["changed version of a.b: version unnamed (1) | version unnamed (2)"]);
    assert!(update.deltas.iter().all(|it| !matters(it)));
    assert!(matters(&compare(1, "other").deltas[0]));
}

#[test]
fn an_app_of_which_one_side_has_only_a_lost_file_is_not_removed() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    let id = left.app("/system/app/A/A.apk", app("a.b", 1, &[]), "vendor");
    left.flow(id, "a.b", "network-input", "execute-command");
    left.findings.push(finding("/system/app/A/A.apk", "it does something"));
    right.unread("/system/app/A/A.apk");
    let it = compared(left, right);
    assert_eq!(lines(&it), Vec::<String>::new(), "what it brings is not known to be new either");
    assert_eq!(it.gaps.len(), 1);
}

#[test]
fn services_properties_and_authorities_are_compared_by_what_they_say() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    let service = |user: Option<&str>| Service {
        name: "doord".to_owned(),
        args: vec!["/system/bin/doord".to_owned()],
        user: user.map(str::to_owned),
        ..Service::default()
    };
    left.service("/system/etc/init/doord.rc", service(Some("shell")));
    right.service("/system/etc/init/doord.rc", service(None));
    for (made, value) in [(&mut left, "1"), (&mut right, "0")] {
        made.property("ro.secure", value);
        made.property("ro.build.date", value);
        let id = made.file("/system/etc/security/cacerts/1.0", &format!("ca {value}"), &["x509"]);
        made.certificate(id, Role::SystemCa, &format!("CN=Authority {value}"));
    }
    let it = compared(left, right);
    let expected = [
        "added authority that the system trusts:  | CN=Authority 0 (sha256 …)",
        "removed authority that the system trusts: CN=Authority 1 (sha256 …) | ",
        "changed service doord: /system/bin/doord; as shell | /system/bin/doord; as root",
        "changed property ro.secure: 1 | 0",
        "changed property ro.build.date: 1 | 0",
    ];
    assert_eq!(lines(&it), expected);
    let topics: Vec<Topic> = it.deltas.iter().map(|it| it.topic).collect();
    assert_eq!(topics, [Topic::Trust, Topic::Trust, Topic::Power, Topic::Setting, Topic::Identity]);
}

#[test]
fn a_finding_belongs_to_the_difference_that_brings_it_and_stands_alone_where_none_does() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    for made in [&mut left, &mut right] {
        made.property("ro.secure", "1");
        made.findings.push(finding("/system/build.prop", "what both have"));
    }
    right.property("ro.adb.secure", "0");
    right.findings.push(finding("/system/build.prop", "it sets ro.adb.secure=0"));
    right.findings.push(finding("/dev/block/by-name/vbmeta", "nothing is verified"));
    let it = compared(left, right);
    let told: Vec<(&str, Vec<&str>)> =
        it.deltas.iter().map(|it| (it.what.as_str(), it.brings.iter().map(|it| it.words.as_str()).collect())).collect();
    let expected = [
        ("A title", vec!["critical FINDING: nothing is verified"]),
        ("property ro.adb.secure", vec!["critical FINDING: it sets ro.adb.secure=0"]),
    ];
    assert_eq!(told, expected);
    assert!(it.deltas.iter().flat_map(|it| &it.brings).all(|it| it.which == Which::Right));
}

#[test]
fn a_way_that_one_version_of_an_app_has_is_brought_by_it() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    let id = left.app("/system/app/A/A.apk", app("a.b", 1, &[]), "vendor");
    left.flow(id, "a.b", "network-input", "log");
    let id = right.app("/system/app/A/A.apk", app("a.b", 2, &[]), "vendor");
    right.flow(id, "a.b", "network-input", "log");
    right.flow(id, "a.b", "network-input", "execute-command");
    let it = compared(left, right);
    assert_eq!(it.deltas.len(), 1);
    let words: Vec<&str> = it.deltas[0].brings.iter().map(|it| it.words.as_str()).collect();
    assert_eq!(words, ["way: in a.b, what was received from the network reaches a command that is run"]);
    assert!(matters(&it.deltas[0]), "an update that brings a way matters");
}

#[test]
fn rules_of_a_policy_that_one_side_alone_has_are_told_and_permissive_domains_too() {
    let policy = |permissive: &[&str]| Policy {
        kind: "binary".to_owned(),
        permissive: permissive.iter().map(|it| (*it).to_owned()).collect(),
        ..Policy::default()
    };
    let (mut left, mut right) = (Made::dump(), Made::dump());
    left.policy("/system/etc/sepolicy", policy(&[]));
    right.policy("/system/etc/sepolicy", policy(&["doord"]));
    let rule = "allow untrusted_app su_exec:file {execute}".to_owned();
    let rules = Rules { added: vec![rule], removed: Vec::new() };
    let it = compared_with(left, right, &Opened { policies: vec![Some(rules)], ..Opened::default() });
    let expected = [
        "changed SELinux policy:  | permissive: doord",
        "changed rules of the SELinux policy:  | 1 here alone: allow untrusted_app su_exec:file {execute}",
    ];
    assert_eq!(lines(&it), expected);
    assert!(it.deltas.iter().all(|it| it.topic == Topic::Power && matters(it)));
}

#[test]
fn options_of_the_kernel_are_told_one_by_one() {
    let kernel = |dmesg: &str| {
        let mut made = Made::dump();
        made.kernel("Linux version 4.14", &[("CONFIG_DEVMEM", "n"), ("CONFIG_SECURITY_DMESG_RESTRICT", dmesg)]);
        made
    };
    let it = compared(kernel("y"), kernel("n"));
    let options = "changed options of the kernel: CONFIG_SECURITY_DMESG_RESTRICT=y | CONFIG_SECURITY_DMESG_RESTRICT=n";
    assert_eq!(lines(&it), [options]);
    assert!(matters(&it.deltas[0]));
    assert_eq!(lines(&compared(kernel("y"), kernel("y"))), Vec::<String>::new());
}

#[test]
fn a_program_is_compared_by_its_functions_imports_strings_and_sections() {
    let elf = |texts: [&str; 4]| {
        let [import, need, string, section] = texts.map(|it| vec![it.to_owned()]);
        Elf {
            kind: "dyn".to_owned(),
            imports: import,
            needed: need,
            strings: string,
            sections: section,
            ..Elf::default()
        }
    };
    let (mut left, mut right) = (Made::dump(), Made::dump());
    left.elf("/system/bin/doord", elf(["open", "libc.so", "/dev/door", ".text"]));
    right.elf("/system/bin/doord", elf(["system", "libnet.so", "door.example.com", ".evil"]));
    let changes = native::Changes {
        added: vec!["knock".to_owned()],
        removed: vec!["lock".to_owned()],
        changed: vec!["main".to_owned()],
        n_same: 3,
        partial: false,
    };
    let it = compared_with(left, right, &Opened { natives: vec![Some(changes)], ..Opened::default() });
    let expected = "changed program: has functions lock; calls open; needs libc.so; says /dev/door; has sections .text | \
                    has functions knock; has other code in main; calls system; needs libnet.so; says door.example.com; \
                    has sections .evil";
    assert_eq!(lines(&it), [expected]);
    assert_eq!(it.deltas[0].topic, Topic::Code);
}

#[test]
fn keys_of_adb_and_of_updates_and_commands_of_init_are_told() {
    let (mut left, mut right) = (Made::dump(), Made::dump());
    for (made, name) in [(&mut left, "maker"), (&mut right, "stranger")] {
        made.adb_key("/adb_keys", name);
        let id = made.file("/system/etc/security/otacerts.zip", name, &["zip"]);
        made.certificate(id, Role::OtaKey, &format!("CN={name}"));
    }
    left.action("/init.rc", "boot", &["start", "doord"]);
    right.action("/init.rc", "boot", &["chmod", "0666", "/dev/mem"]);
    let it = compared(left, right);
    let told = lines(&it);
    for expected in [
        "added key that signs updates:  | CN=stranger (sha256 …)",
        "removed key that signs updates: CN=maker (sha256 …) | ",
        "changed what init does: on boot: start doord | on boot: chmod 0666 /dev/mem",
    ] {
        assert!(told.iter().any(|it| it == expected), "{expected}: {told:#?}");
    }
    assert!(told.iter().any(|it| it.starts_with("changed keys of adb: ") && it.contains("stranger")), "{told:#?}");
}
