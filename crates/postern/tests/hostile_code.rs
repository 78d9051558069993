//! Code that wants the tool to hang or to swell: each file is answered, and what was left out is told.

#[path = "../../dalvik/tests/write/mod.rs"]
mod write;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use write::{Body, PUBLIC, STATIC, Writer};

/// An app of these files of code, as far as both commands understand it: what `flows` says of it, and the gaps.
fn answer(dexes: &[Vec<u8>]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("d/system/app/Bomb/oat/arm64");
    fs::create_dir_all(&app).unwrap();
    fs::write(app.join("Bomb.vdex"), write::vdex(dexes)).unwrap();
    let flows = postern(&["flows", "-q", "--json", "d"], folder.path());
    assert_eq!(flows.status.code(), Some(0), "{}", String::from_utf8_lossy(&flows.stderr));
    let check = postern(&["check", "-q", "--json", "-", "d"], folder.path());
    assert!(check.status.code().is_some_and(|it| it != 2), "{}", String::from_utf8_lossy(&check.stderr));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let gaps = report["gaps"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap());
    let gaps = gaps.collect::<Vec<_>>().join("\n");
    assert!(!gaps.contains("internal error"), "{gaps}");
    (serde_json::from_slice(&flows.stdout).unwrap(), gaps)
}

fn postern(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postern")).args(args).current_dir(folder).output().unwrap()
}

/// A screen whose `onCreate` does this; `v0` is free, and the command at the end is the one flow.
fn screen(dex: &mut Writer, registers: u16, insns: &[u16]) {
    let body = Body { registers, ins: 2, insns: [insns, &exec(dex), &[RETURN]].concat(), ..Body::default() };
    let on_create = dex.method("La/Main;", "onCreate", &["Landroid/os/Bundle;"], "V");
    let body = dex.body(body);
    dex.class("La/Main;", "Landroid/app/Activity;", vec![(on_create, PUBLIC, body)]);
}

/// Runs what the network says as a command.
fn exec(dex: &mut Writer) -> Vec<u16> {
    let entity = ["Lorg/apache/http/HttpEntity;"];
    let read = dex.method("Lorg/apache/http/util/EntityUtils;", "toString", &entity, "Ljava/lang/String;") as u16;
    let exec = dex.method("Ljava/lang/Runtime;", "exec", &["Ljava/lang/String;"], "Ljava/lang/Process;") as u16;
    // const/4 v0, 0; invoke-static {v0}, read; move-result-object v0; invoke-virtual {v0, v0}, exec
    vec![0x0012, 0x1071, read, 0, 0x000c, 0x206e, exec, 0]
}

/// `invoke-static {}`.
fn call(method: u32) -> [u16; 3] {
    [0x0071, method as u16, 0]
}

const RETURN: u16 = 0x000e;

/// How many flows from the network to a command there are.
fn commands(flows: &Value) -> usize {
    let flows = flows["flows"].as_array().unwrap().iter();
    flows.filter(|it| it["source"] == "network-input" && it["sink"] == "execute-command").count()
}

#[test]
fn an_app_without_a_manifest_is_followed_from_the_components_of_its_code() {
    let mut dex = Writer::default();
    screen(&mut dex, 4, &[]);
    let (flows, gaps) = answer(&[dex.write()]);
    assert_eq!((&flows["package"], &flows["manifest"]), (&Value::from("Bomb"), &Value::from(false)));
    assert_eq!(commands(&flows), 1, "{flows:#}");
    assert!(gaps.contains("its manifest could not be read"), "{gaps}");
}

#[test]
fn two_million_empty_methods() {
    let mut dex = Writer::default();
    screen(&mut dex, 4, &[]);
    let (empty, body) = (dex.method("La/Empty;", "m", &[], "V"), Body { insns: vec![RETURN], ..Body::default() });
    let body = dex.body(body);
    dex.class("La/Empty;", "Ljava/lang/Object;", vec![(empty, STATIC, body); 2_000_000]);
    let (flows, _) = answer(&[dex.write()]);
    assert_eq!(commands(&flows), 1);
}

#[test]
fn a_method_of_all_registers() {
    let mut dex = Writer::default();
    // move/16 along all registers, and a branch back after each: 20,000 blocks of 65,535 registers.
    let moves = (0..20_000u16).flat_map(|n| [0x0003, n * 3 + 1, n * 3, 0x0038, (-3i16) as u16]);
    let moves: Vec<u16> = moves.collect();
    screen(&mut dex, 65_535, &moves);
    let (flows, gaps) = answer(&[dex.write()]);
    assert!(commands(&flows) == 1 || gaps.contains("La/Main;->onCreate"), "{gaps}");
}

#[test]
fn switches_that_share_one_long_table() {
    let (n_switches, n_targets) = (20_000u32, 60_000u32);
    let mut dex = Writer::default();
    let mut insns = Vec::new();
    let end = n_switches * 3 + exec(&mut Writer::default()).len() as u32 + 1;
    let table = end.next_multiple_of(2);
    for n in 0..n_switches {
        let by = table - n * 3;
        insns.extend([0x002b, by as u16, (by >> 16) as u16]);
    }
    let mut all = [insns, exec(&mut dex), vec![RETURN]].concat();
    all.resize(table as usize, 0);
    all.extend([0x0100, n_targets as u16, 0, 0]);
    for n in 0..n_targets {
        let by = n % n_switches * 3;
        all.extend([by as u16, (by >> 16) as u16]);
    }
    let on_create = dex.method("La/Main;", "onCreate", &["Landroid/os/Bundle;"], "V");
    let body = dex.body(Body { registers: 4, ins: 2, insns: all, ..Body::default() });
    dex.class("La/Main;", "Landroid/app/Activity;", vec![(on_create, PUBLIC, body)]);
    let (flows, gaps) = answer(&[dex.write()]);
    assert!(commands(&flows) == 1 || gaps.contains("La/Main;->onCreate"), "{gaps}");
}

#[test]
fn ranges_that_share_one_long_list_of_handlers() {
    let mut dex = Writer::default();
    let insns = [vec![0; 60_000], exec(&mut dex), vec![RETURN]].concat();
    let tries = (0..60_000).map(|n| (n, 30_000)).collect();
    let handlers = (0..1000).collect();
    let on_create = dex.method("La/Main;", "onCreate", &["Landroid/os/Bundle;"], "V");
    let body = dex.body(Body { registers: 4, ins: 2, insns, tries, handlers });
    dex.class("La/Main;", "Landroid/app/Activity;", vec![(on_create, PUBLIC, body)]);
    let (flows, gaps) = answer(&[dex.write()]);
    assert!(commands(&flows) == 1 || gaps.contains("La/Main;->onCreate"), "{gaps}");
}

#[test]
fn a_chain_of_ten_thousand_classes_and_a_circle_of_two() {
    let mut dex = Writer::default();
    let name = |n: u32| format!("La/C{n};");
    let (last, circle) = (dex.method(&name(9999), "m", &[], "V"), dex.method("La/X;", "m", &[], "V"));
    let new = |ty: u32, method: u32| [0x0022, ty as u16, 0x106e, method as u16, 0];
    let (deep, round) = (dex.ty(&name(9999)), dex.ty("La/X;"));
    screen(&mut dex, 4, &[new(deep, last), new(round, circle)].concat());
    let found = exec(&mut dex);
    let body = dex.body(Body { registers: 2, ins: 1, insns: [found, vec![RETURN]].concat(), ..Body::default() });
    let first = dex.method(&name(0), "m", &[], "V");
    dex.class(&name(0), "Ljava/lang/Object;", vec![(first, PUBLIC, body)]);
    for n in 1..10_000 {
        dex.class(&name(n), &name(n - 1), Vec::new());
    }
    dex.class("La/X;", "La/Y;", Vec::new());
    dex.class("La/Y;", "La/X;", Vec::new());
    let (flows, _) = answer(&[dex.write()]);
    assert!(1 <= commands(&flows), "{flows:#}");
}

#[test]
fn a_call_that_may_go_to_a_hundred_thousand_methods() {
    let mut dexes = Vec::new();
    for part in ["A", "B"] {
        let mut dex = Writer::default();
        let base = dex.method("La/Base;", "m", &[], "V");
        if part == "A" {
            // The class of the object comes from outside.
            let make = dex.method("La/Maker;", "make", &[], "La/Base;") as u16;
            screen(&mut dex, 4, &[0x0071, make, 0, 0x000c, 0x106e, base as u16, 0]);
            let body = dex.body(Body { registers: 1, ins: 1, insns: vec![RETURN], ..Body::default() });
            dex.class("La/Base;", "Ljava/lang/Object;", vec![(base, PUBLIC, body)]);
        }
        let insns = [exec(&mut dex), vec![RETURN]].concat();
        let body = dex.body(Body { registers: 2, ins: 1, insns, ..Body::default() });
        for n in 0..50_000 {
            let name = format!("L{part}/C{n};");
            let method = dex.method(&name, "m", &[], "V");
            dex.class(&name, "La/Base;", vec![(method, PUBLIC, body)]);
        }
        dexes.push(dex.write());
    }
    let (flows, gaps) = answer(&dexes);
    assert!(1 <= commands(&flows), "{gaps}");
}

#[test]
fn methods_without_end() {
    let mut dex = Writer::default();
    let (circle, other) = (dex.method("La/L;", "circle", &[], "V"), dex.method("La/L;", "other", &[], "V"));
    let (forever, falls) = (dex.method("La/L;", "forever", &[], "V"), dex.method("La/L;", "falls", &[], "V"));
    screen(&mut dex, 4, &[call(circle), call(forever), call(falls)].concat());
    let found = exec(&mut dex);
    let mut add = |insns: Vec<u16>| dex.body(Body { registers: 2, insns, ..Body::default() });
    let bodies = [
        add([&found, &call(other)[..], &[RETURN]].concat()),
        add([&call(circle)[..], &call(other), &found, &[RETURN]].concat()),
        // goto +0 behind the command.
        add([&found[..], &[0xff28]].concat()),
        add(found.clone()),
    ];
    let methods = [circle, other, forever, falls].into_iter().zip(bodies).map(|(it, body)| (it, STATIC, body));
    dex.class("La/L;", "Ljava/lang/Object;", methods.collect());
    let (flows, _) = answer(&[dex.write()]);
    assert!(3 <= commands(&flows), "{flows:#}");
}

#[test]
fn fifty_thousand_names_that_lie_in_each_other() {
    let mut dex = Writer::default();
    screen(&mut dex, 4, &[]);
    for n in 0..50_000 {
        dex.ty(&format!("LT{n};"));
    }
    dex.string(&"x".repeat(2_000_000));
    let mut bytes = dex.write();
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap());
    let (n, ids) = (word(&bytes, 0x38) as usize, word(&bytes, 0x3c) as usize);
    let long = word(&bytes, ids + (n - 1) * 4);
    // Every name of these types is the rest of the long one.
    for k in 0..50_000 {
        let at = ids + (n - 2 - k) * 4;
        bytes[at..at + 4].copy_from_slice(&(long + 3 + k as u32).to_le_bytes());
    }
    write::seal(&mut bytes);
    let (flows, gaps) = answer(&[bytes]);
    assert_eq!(commands(&flows), 1, "{gaps}");
    assert!(gaps.contains("names lie in each other"), "{gaps}");
}

#[test]
fn a_long_text_that_is_loaded_again_and_again() {
    let mut dex = Writer::default();
    let long = dex.string(&"x".repeat(1_000_000));
    let loads = [0x001a, long as u16].repeat(60_000);
    screen(&mut dex, 4, &loads);
    let (flows, gaps) = answer(&[dex.write()]);
    assert!(commands(&flows) == 1 || gaps.contains("La/Main;->onCreate"), "{gaps}");
}
