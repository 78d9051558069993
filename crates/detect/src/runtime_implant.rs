//! Code that every app process has, and that brings in other code: a library of the framework, or a native library of the
//! process from which all apps are forked.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::elf::Elf;
use model::fact::native::{Gate, Native};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade, Location, Row};
use phone::Phone;

use crate::{Context, Detector, hidden_plugin};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "runtime-implant",
    class: Class::RuntimeImplant,
    title: "The runtime of all apps brings in other code",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut told: Vec<&str> = Vec::new();
    for plugin in hidden_plugin::farthest(context) {
        let path = phone.device_path(plugin.call.at.artifact);
        if is_of_framework(phone, path) && !told.contains(&plugin.path) {
            told.push(plugin.path);
            told.extend(plugin.through.iter().map(|it| it.1));
            findings.extend(hidden_plugin::judge(context, &DETECTOR, &plugin, &plugin.call.value.class));
        }
    }
    let natives: BTreeMap<ArtifactId, &Row<Native>> = phone.facts.natives.iter().map(|it| (it.at.artifact, it)).collect();
    for library in libraries_of_zygote(phone) {
        if let Some(native) = natives.get(&library) {
            findings.extend(of_library(phone, native));
        }
    }
}

/// A jar of the framework, the boot class path or the system server, or what is compiled from it.
fn is_of_framework(phone: &Phone, path: &str) -> bool {
    let jar = path.split('!').next().unwrap_or(path);
    jar.contains("/framework/") || jar.contains("/javalib/") || phone.boot_class_path.iter().any(|it| it == jar)
}

/// A native library that loads code from where it can be changed, or only in some processes.
fn of_library(phone: &Phone, native: &Row<Native>) -> Option<Finding> {
    let path = phone.device_path(native.at.artifact);
    let at = |offset: u64| Location { artifact: native.at.artifact, offset, size: INSTRUCTION };
    let acts = native.value.calls.iter().filter(|it| matches!(it.name.as_str(), "dlopen" | "android_dlopen_ext" | "system" | "popen" | "execve" | "execv" | "execl"));
    let mut evidence = Vec::new();
    let (mut loads, mut gated) = (false, false);
    for call in acts {
        let file = call.args.first().and_then(Option::as_deref).map(|it| it.trim_matches('"')).unwrap_or_default();
        let changeable = CHANGEABLE.iter().any(|it| file.starts_with(it));
        let gate = native.value.gates.iter().find(|it| it.leads_to == call.offset && is_process(it));
        if changeable {
            loads = true;
            evidence.push(Evidence::at(at(call.offset), format!("{} calls {} with {file:?}", call.function, call.name)));
        }
        if let Some(gate) = gate {
            gated = true;
            let what = format!("{}: {} with {:?} decides whether {} is called", gate.function, gate.name, gate.text, call.name);
            evidence.push(Evidence::at(at(gate.offset), what));
        }
    }
    if evidence.is_empty() {
        return None;
    }
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::System,
        concealment: if gated { Concealment::Hidden } else { Concealment::None },
        holder: Holder::Unknown,
    };
    let what = match (loads, gated) {
        (true, true) => "it loads or runs a file that can be changed, in processes of some names only",
        (true, false) => "it loads or runs a file that can be changed",
        (false, _) => "it loads or runs something in processes of some names only",
    };
    let grade = if loads && gated { Grade::Finding } else { Grade::Suspicion };
    let claim = format!("every app process has {path}, and {what}");
    Some(Finding {
        benign: "vendors tune single apps by name, and look for profilers and wrappers in /data".to_owned(),
        subject: path.to_owned(),
        device_path: path.to_owned(),
        evidence,
        action: "compare the library with that of a sibling build, and read the functions named below".to_owned(),
        ..DETECTOR.finding(grade, Confidence::Medium, factors, claim)
    })
}

/// The name of a package or of a process of the system.
fn is_process(gate: &Gate) -> bool {
    let text = gate.text.as_str();
    let package = 2 <= text.matches('.').count() && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._:".contains(&it));
    gate.equal && (package || text == "system_server")
}

/// The libraries that the process of all apps needs, and what they need.
fn libraries_of_zygote(phone: &Phone) -> BTreeSet<ArtifactId> {
    let elfs: BTreeMap<ArtifactId, &Elf> = phone.facts.elfs.iter().map(|it| (it.at.artifact, &it.value)).collect();
    let mut found = BTreeSet::new();
    let mut next: Vec<String> = ZYGOTE.iter().map(|it| (*it).to_owned()).collect();
    while let Some(path) = next.pop() {
        for id in phone.at(&path) {
            let Some(elf) = elfs.get(id).filter(|_| found.insert(*id)) else { continue };
            let folders: &[&str] = if elf.bits == 64 { &["/system/lib64/"] } else { &["/system/lib/"] };
            for needed in elf.needed.iter().filter(|it| !it.contains('/')) {
                next.extend(folders.iter().map(|it| format!("{it}{needed}")));
            }
        }
    }
    found
}

const ZYGOTE: &[&str] = &[
    "/system/bin/app_process", "/system/bin/app_process32", "/system/bin/app_process64", "/system/lib/libandroid_runtime.so",
    "/system/lib64/libandroid_runtime.so",
];

/// Where files can be changed without an update of the system.
const CHANGEABLE: &[&str] = &["/data/", "/sdcard/", "/storage/", "/mnt/", "/cache/"];

/// Enough to find it again.
const INSTRUCTION: u64 = 4;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::native::Call;

    fn jar(path: &str, source: &str) -> Fixture {
        let fixture = Fixture::phone().with_file("/system/framework/services.jar");
        fixture.loads("/system/framework/services.jar", path).flow(path, source, "network-output", None, &[])
    }

    fn library(needed: &str, load: &str, gate: Option<&str>) -> Fixture {
        let mut fixture = Fixture::phone();
        let (runtime, own) = (fixture.file("/system/lib/libandroid_runtime.so"), fixture.file("/system/lib/liblog.so"));
        let elf = Elf { bits: 32, needed: vec![needed.to_owned()], ..Elf::default() };
        fixture.facts.elfs.push(Fixture::row(runtime, elf));
        fixture.facts.elfs.push(Fixture::row(own, Elf { bits: 32, ..Elf::default() }));
        let call = Call { name: "dlopen".to_owned(), args: vec![Some(format!("{load:?}"))], offset: 8, ..Call::default() };
        let gates = gate.map(|text| Gate { text: text.to_owned(), equal: true, leads_to: 8, ..Gate::default() });
        let native = Native { calls: vec![call], gates: gates.into_iter().collect(), ..Native::default() };
        fixture.facts.natives.push(Fixture::row(own, native));
        fixture
    }

    Cases {
        fires: &[
            || jar("/system/etc/tz.dat", "device-identifier"),
            || library("liblog.so", "/data/misc/a.so", Some("com.tencent.mm.x")),
            || library("liblog.so", "liba.so", Some("com.tencent.mm")),
        ],
        silent: &[
            || jar("/system/framework/ext.jar", "device-identifier"),
            || library("liblog.so", "libc.so", None),
            || library("libother.so", "/data/misc/a.so", None),
            || library("liblog.so", "liba.so", Some("ro.debuggable")),
        ],
    }
};
