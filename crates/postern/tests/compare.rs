//! `postern compare` as a whole: what differs is told, what matters most first, and what only looks so is not.

#[allow(dead_code, reason = "cases pack more")]
mod pack;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dalvik::{Dex, Insns, Program, op};
use serde_json::Value;

fn postern(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(args)
        .output()
        .unwrap()
}

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(name)
}

/// Compares: exit code and JSON report.
fn compare(inputs: &[&Path]) -> (i32, Value) {
    let inputs = inputs.iter().map(|it| it.to_str().unwrap());
    let args: Vec<&str> = ["compare", "-q", "--json", "-"].into_iter().chain(inputs).collect();
    let run = postern(&args);
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.code().unwrap(), serde_json::from_slice(&run.stdout).unwrap())
}

/// A difference as a line, without its place in the list.
fn line(difference: &Value) -> String {
    let text = |name: &str| difference[name].as_str().unwrap().to_owned();
    format!("{} {} {}", text("kind"), text("what"), text("device_path"))
}

fn lines(report: &Value) -> Vec<String> {
    report["differences"].as_array().unwrap().iter().map(line).collect()
}

fn brings(difference: &Value) -> Vec<&str> {
    difference["brings"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

/// Unpacks a phone of the demo as dump tools do.
fn dump(name: &str, to: &Path) {
    let work = tempfile::tempdir().unwrap();
    let run = postern(&["extract", "-q", demo(name).to_str().unwrap(), "--to", work.path().to_str().unwrap()]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let images = work.path().join(format!("{name}.d/images"));
    for (from, partition) in [
        ("super.img.d/super.img.d/system_a.d", "system"),
        ("super.img.d/super.img.d/product_a.d", "product"),
        ("super.img.d/super.img.d/vendor_a.d", "vendor"),
        ("boot.img.d/ramdisk.d/content.d", "boot/ramdisk"),
    ] {
        let target = to.join(partition);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(images.join(from), target).unwrap();
    }
}

fn write(path: PathBuf, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The small phone that the tests change: a dump with one app, one daemon, and pictures.
fn phone(to: &Path) {
    write(to.join("system/build.prop"), "ro.build.version.sdk=30\nro.product.brand=Example\nro.product.model=One\n");
    write(to.join("system/etc/init/doord.rc"), "service doord /system/bin/doord\n    user root\n    class main\n");
    write(to.join("system/bin/doord"), DAEMON);
    for n in 0..40 {
        write(to.join(format!("system/media/{n}.png")), format!("picture {n}"));
    }
    app(to, |it| it);
}

/// The daemon of the samples: it runs what it receives from the network behind `open:`.
const DAEMON: &[u8] = include_bytes!("../../native/tests/samples/daemon.arm64");

/// Writes the app of the demo's launcher into a phone, without its signature, its code changed by `change`.
fn app(to: &Path, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let work = tempfile::tempdir().unwrap();
    let entries = work.path().join("entries");
    for entry in ["AndroidManifest.xml", "classes.dex"] {
        let path = format!("images/super.img!super.img!product_a!{APP}!{entry}");
        let run = postern(&["cat", demo("phone-a.zip").to_str().unwrap(), &path]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let bytes = if entry == "classes.dex" { change(run.stdout) } else { run.stdout };
        write(entries.join(entry), bytes);
    }
    write(to.join("system/priv-app/Updater/Updater.apk"), pack::zip(&entries));
}

/// The updater, which loads a package and installs it when its signature is right.
const APP: &str = "/priv-app/Updater/Updater.apk";

/// Turns the first test of a result in a method of the updater round: what was refused is let through.
fn turn_a_test_round(mut dex: Vec<u8>) -> Vec<u8> {
    let program = Program::new(Dex::parse(dex.clone().into()));
    let at = program.methods.iter().find_map(|method| {
        let code = program.code(method)?;
        let title = program.title(method.reference);
        let is_own = title.starts_with("Lcom/larkspur/updater/");
        let test = Insns::new(code.insns).find(|it| is_own && (op::IF_EQ..=op::IF_LEZ).contains(&it.op))?;
        Some(code.insns_off + 2 * test.pc as usize)
    });
    // Tests stand beside their opposites.
    let at = at.expect("the updater tests something");
    dex[at] = op::IF_EQ + ((dex[at] - op::IF_EQ) ^ 1);
    dex
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|it| it == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + to.len()..]].concat()
}

#[test]
fn the_demo_pair_compares_to_what_was_planted() {
    let (exit, report) = compare(&[&demo("phone-a.zip"), &demo("phone-b.zip")]);
    assert_eq!((exit, &report["verdict"]["answer"]), (1, &Value::from("differs")));
    assert_eq!(report["gaps"].as_array().unwrap().len(), 0);
    let mut text = String::new();
    for difference in report["differences"].as_array().unwrap() {
        text += &format!("{}. {}\n", difference["rank"], line(difference));
        for (side, sign) in [("left", '-'), ("right", '+')] {
            let said = difference[side].as_str().unwrap();
            if !said.is_empty() {
                text += &format!("   {sign} {said}\n");
            }
        }
        for it in brings(difference) {
            text += &format!("   brings {it}\n");
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/demo-pair.txt");
    if std::env::var("INSTA_UPDATE").is_ok_and(|it| it == "always") {
        write(golden.clone(), &text);
    }
    let known = fs::read_to_string(&golden).unwrap_or_default();
    let line = known.lines().zip(text.lines()).position(|(a, b)| a != b).map_or(0, |it| it + 1);
    assert!(known == text, "the demo pair compares otherwise now, from line {line} on:\n{text}");
}

#[test]
fn the_order_of_the_sides_does_not_change_what_matters() {
    let (_, forth) = compare(&[&demo("phone-a.zip"), &demo("phone-b.zip")]);
    let (exit, back) = compare(&[&demo("phone-b.zip"), &demo("phone-a.zip")]);
    assert_eq!(exit, 1);
    let turned = |it: &str| match it.split_once(' ').unwrap() {
        ("added", rest) => format!("removed {rest}"),
        ("removed", rest) => format!("added {rest}"),
        _ => it.to_owned(),
    };
    let mut forth: Vec<String> = lines(&forth).iter().map(|it| turned(it)).collect();
    let mut back = lines(&back);
    assert_eq!(forth[..10], back[..10]);
    forth.sort();
    back.sort();
    assert_eq!(forth, back);
}

#[test]
fn one_phone_in_three_forms_has_no_difference() {
    let work = tempfile::tempdir().unwrap();
    let package = demo("phone-a.zip");
    let (exit, report) = compare(&[&package, &package]);
    assert_eq!((exit, lines(&report), &report["verdict"]["percent"]), (0, vec![], &Value::from(100)));
    // Images in a folder.
    let run = postern(&["extract", "-q", package.to_str().unwrap(), "images/*", "--to", work.path().to_str().unwrap()]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let images = work.path().join("phone-a.zip.d");
    let (exit, report) = compare(&[&package, &images]);
    assert_eq!((exit, lines(&report)), (0, vec![]), "{report:#}");
    // A dump, which has lost links, owners and modes: they are gaps.
    let folder = work.path().join("dump");
    dump("phone-a.zip", &folder);
    let (exit, report) = compare(&[&package, &folder]);
    assert_eq!((exit, lines(&report)), (0, vec![]), "{report:#}");
    let gaps: Vec<&str> = report["gaps"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect();
    assert!(gaps.iter().any(|it| it.contains("symbolic links")), "{gaps:?}");
}

#[test]
fn a_method_that_was_changed_stands_above_pictures_that_were() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    phone(&left);
    phone(&right);
    for n in 0..40 {
        write(right.join(format!("system/media/{n}.png")), format!("another picture {n}"));
    }
    app(&right, turn_a_test_round);
    let (exit, report) = compare(&[&left, &right]);
    let first = &report["differences"][0];
    assert_eq!(exit, 1);
    assert_eq!(line(first), "changed code of com.larkspur.updater /system/priv-app/Updater/Updater.apk");
    let right = first["right"].as_str().unwrap();
    assert!(right.contains("methods changed (1): com.larkspur.updater."), "{first:#}");
    assert_eq!(report["differences"].as_array().unwrap().len(), 41, "{:#?}", lines(&report));
}

#[test]
fn a_daemon_that_was_changed_stands_above_pictures_and_says_what_it_brings() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    phone(&left);
    phone(&right);
    for n in 0..40 {
        write(right.join(format!("system/media/{n}.png")), format!("another picture {n}"));
    }
    write(right.join("system/bin/doord"), replaced(DAEMON, b"open:", b"door:"));
    let (exit, report) = compare(&[&left, &right]);
    let first = &report["differences"][0];
    assert_eq!(exit, 1);
    assert_eq!(line(first), "changed program /system/bin/doord");
    assert!(brings(first).iter().any(|it| it.contains("door:") && it.contains("execute-command")), "{first:#}");
    assert_eq!(report["differences"].as_array().unwrap().len(), 41, "{:#?}", lines(&report));
}

#[test]
fn what_a_copy_lacks_is_a_gap_and_never_removed() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    phone(&left);
    phone(&right);
    write(left.join("vendor/bin/hidden"), DAEMON);
    // Its list names what the copy lacks; of an app only a pointer is here; a whole partition was not given.
    fs::remove_file(right.join("system/bin/doord")).unwrap();
    write(right.join("all_files.txt"), "./system/bin/doord\n./system/build.prop\n");
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n", "5".repeat(64));
    write(right.join("system/priv-app/Updater/Updater.apk"), pointer);
    for (inputs, has_all) in [([&left, &right], 0), ([&right, &left], 1)] {
        let (_, report) = compare(&[inputs[0], inputs[1]]);
        // The pointer says that the app is another one, and nothing else.
        assert_eq!(lines(&report), ["changed package /system/priv-app/Updater/Updater.apk"], "{has_all}");
        let gaps: Vec<String> = report["gaps"].as_array().unwrap().iter().map(|it| it.to_string()).collect();
        for what in ["doord", "Updater.apk", "partition vendor"] {
            assert!(gaps.iter().any(|it| it.contains(what)), "{what}: {gaps:#?}");
        }
    }
    // What is known to be gone is removed.
    fs::remove_file(right.join("system/media/1.png")).unwrap();
    let (_, report) = compare(&[&left, &right]);
    assert_eq!(lines(&report)[1..], ["removed file /system/media/1.png"]);
}

#[test]
fn a_pointer_to_the_same_file_is_the_same_file() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    phone(&left);
    phone(&right);
    let run = postern(&["check", "-q", "--no-flows", "--json", "-", left.join("system/bin/doord").to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let oid = report["input"][0]["sha256"].as_str().unwrap();
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", DAEMON.len());
    write(right.join("system/bin/doord"), pointer);
    let (exit, report) = compare(&[&left, &right]);
    assert_eq!((exit, lines(&report)), (0, vec![]));
    assert_eq!(report["verdict"]["percent"], 100);
}

#[test]
fn what_lies_elsewhere_is_moved() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    phone(&left);
    phone(&right);
    fs::create_dir_all(right.join("system/pictures")).unwrap();
    fs::rename(right.join("system/media/7.png"), right.join("system/pictures/7.png")).unwrap();
    let (exit, report) = compare(&[&left, &right]);
    assert_eq!((exit, lines(&report)), (0, vec!["moved file /system/pictures/7.png".to_owned()]));
    assert_eq!(report["differences"][0]["left"], "/system/media/7.png");
}

#[test]
fn of_three_phones_the_odd_one_is_named() {
    let work = tempfile::tempdir().unwrap();
    let phones = ["one", "two", "three"].map(|it| work.path().join(it));
    phones.iter().for_each(|it| phone(it));
    // The first is the odd one: it is not what the others are compared with, then.
    write(phones[0].join("system/bin/doord"), replaced(DAEMON, b"open:", b"door:"));
    let (exit, report) = compare(&[&phones[0], &phones[1], &phones[2]]);
    let summary = report["verdict"]["summary"].to_string();
    let odd = "The odd one out is one: it alone differs in 1 thing that matters; two in nothing, three in nothing.";
    assert!(summary.contains(odd), "{summary}");
    assert_eq!((exit, lines(&report)), (1, vec!["changed program /system/bin/doord".to_owned()]));
    let right = report["differences"][0]["right"].as_str().unwrap();
    assert!(right.starts_with("one: "), "{right}");
}

#[test]
fn of_three_phones_that_all_differ_none_stands_out_and_where_one_could_not_be_read_nobody_is_alone() {
    let work = tempfile::tempdir().unwrap();
    let phones = ["one", "two", "three"].map(|it| work.path().join(it));
    phones.iter().for_each(|it| phone(it));
    write(phones[1].join("system/bin/doord"), replaced(DAEMON, b"open:", b"door:"));
    write(phones[2].join("system/bin/doord"), replaced(DAEMON, b"open:", b"gate:"));
    let told = |phones: &[PathBuf; 3]| {
        let (_, report) = compare(&[&phones[0], &phones[1], &phones[2]]);
        report["verdict"]["summary"].to_string()
    };
    let none = "None of them alone stands out: of what matters, one in nothing, two in nothing, three in nothing.";
    assert!(told(&phones).contains(none), "{}", told(&phones));
    // The second has a pointer to a file that is not there: whether it is like the first is not known.
    write(
        phones[1].join("system/bin/doord"),
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9\n", "0".repeat(64)),
    );
    assert!(told(&phones).contains("None of them alone stands out"), "{}", told(&phones));
}

#[test]
fn a_form_that_a_comparison_does_not_have_is_refused_in_words() {
    let (a, b) = (demo("phone-a.zip"), demo("phone-b.zip"));
    for form in ["--sarif", "--stix", "--sbom"] {
        let run = postern(&["compare", form, "out", a.to_str().unwrap(), b.to_str().unwrap()]);
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains("a comparison is written as text, --html and --json"), "{said}");
    }
}

#[test]
fn versions_of_an_app_alone_are_compared() {
    let work = tempfile::tempdir().unwrap();
    let (left, right) = (work.path().join("left"), work.path().join("right"));
    app(&left, |it| it);
    app(&right, turn_a_test_round);
    let [left, right] = [left, right].map(|it| it.join("system/priv-app/Updater/Updater.apk"));
    let (exit, report) = compare(&[&left, &right]);
    assert_eq!(exit, 1);
    assert!(lines(&report)[0].starts_with("changed code of com.larkspur.updater"), "{report:#}");
    assert_eq!(compare(&[&left, &left]).0, 0);
}

#[test]
fn what_is_no_phone_cannot_be_compared() {
    let work = tempfile::tempdir().unwrap();
    write(work.path().join("a.txt"), "one");
    write(work.path().join("b.txt"), "two");
    let (exit, report) = compare(&[&work.path().join("a.txt"), &work.path().join("b.txt")]);
    assert_eq!((exit, &report["verdict"]["answer"]), (3, &Value::from("cannot say")));
    let run = postern(&["compare", "/nonexistent/a", "/nonexistent/b"]);
    assert_eq!(run.status.code(), Some(2));
    assert_eq!(
        postern(&["compare", demo("phone-a.zip").to_str().unwrap()]).status.code(),
        Some(2),
        "one is not enough"
    );
}

#[test]
fn a_check_against_a_reference_says_both() {
    let (a, b) = (demo("phone-a.zip"), demo("phone-b.zip"));
    let check = |phone: &Path, against: &Path| {
        let run =
            postern(&["check", "-q", "--json", "-", phone.to_str().unwrap(), "--against", against.to_str().unwrap()]);
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        (run.status.code().unwrap(), report)
    };
    let (exit, report) = check(&b, &a);
    let (_, compared) = compare(&[&a, &b]);
    assert_eq!(exit, 1);
    assert_eq!(report["differences"], compared["differences"]);
    assert_eq!(report["verdict"]["answer"], "undocumented remote control found");
    let (exit, report) = check(&a, &a);
    assert_eq!((exit, lines(&report)), (0, vec![]));
    // A phone without findings that is not the one from the shop.
    assert_eq!(check(&a, &b).0, 1);
}

#[test]
fn one_thread_and_many_give_the_same_comparison() {
    let (a, b) = (demo("phone-a.zip"), demo("phone-b.zip"));
    let run = |threads: &str| {
        let args = ["compare", "--json", "-", "--threads", threads, a.to_str().unwrap(), b.to_str().unwrap()];
        postern(&args).stdout
    };
    let one = run("1");
    assert!(!one.is_empty());
    assert_eq!(one, run("7"));
}
