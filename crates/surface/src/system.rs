//! Gates of the system: sockets of init and of native programs, properties, device nodes, files in writable places, adb, the
//! modem.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::native::{Native, Way};
use model::fact::script::Input;
use model::{Location, NodeKind, Row};
use phone::{InitService, Phone};

use crate::Reactions;
use crate::contexts::{Contexts, Says};
use crate::gate::{Gate, GateKind, Lead, LeadStep, Outsider, is_of_network};
use crate::guard::{ANY_APP, Barrier};

/// All of them.
pub(crate) fn gates(phone: &Phone, contexts: &Contexts, reactions: &Reactions) -> Vec<Gate> {
    let mut gates = Vec::new();
    sockets(phone, contexts, &mut gates);
    properties(phone, contexts, reactions, &mut gates);
    nodes(phone, contexts, &mut gates);
    files(phone, reactions, &mut gates);
    adb(phone, &mut gates);
    modem(phone, &mut gates);
    recovery(phone, &mut gates);
    gates
}

/// Sockets that init makes for a service, and those that a program binds.
fn sockets(phone: &Phone, contexts: &Contexts, gates: &mut Vec<Gate>) {
    let natives: BTreeMap<_, &Row<Native>> = phone.facts.natives.iter().map(|it| (it.at.artifact, it)).collect();
    let native_of = |service: &InitService| phone.at(service.program()).iter().find_map(|it| natives.get(it).copied());
    for service in phone.services.values() {
        let (program, user) = (service.program().to_owned(), service.user());
        let native = native_of(service);
        for socket in &service.service.sockets {
            let path = format!("/dev/socket/{}", socket.name);
            let mut barriers = Vec::new();
            let (owner, group) = (socket.user.as_deref().unwrap_or("root"), socket.group.as_deref().unwrap_or("root"));
            if socket.mode & 0o002 == 0 {
                let shell = owner == "shell" || group == "shell";
                let text = format!("mode {:04o}, {owner}:{group}", socket.mode);
                // Programs with the permission INTERNET are in the group inet.
                let passes: &[Outsider] = match () {
                    () if shell => &[Outsider::Usb],
                    () if group == "inet" => ANY_APP,
                    () => &[],
                };
                barriers.push(Barrier { kind: "file-mode", text, passes });
            }
            let target = socket.seclabel.as_deref().and_then(|it| it.split(':').nth(2));
            let target = target.or_else(|| contexts.type_of_path(&path));
            barriers.extend(policy(contexts.who(target, "sock_file", &["write"]), target));
            let start = LeadStep {
                layer: "init",
                what: format!("init makes {path} for {}", service.service.name),
                at: service.at,
            };
            let leads = native.map(|it| leads_of(it, user, &start, |way| !is_of_network(way))).unwrap_or_default();
            gates.push(Gate {
                channel: None,
                kind: GateKind::LocalSocket,
                name: path,
                owner: service.service.name.clone(),
                device_path: program.clone(),
                at: service.at,
                from: [ANY_APP, &[Outsider::Usb]].concat(),
                barriers,
                leads,
            });
        }
        let Some(native) = native else { continue };
        for bound in &native.value.bound {
            let at = Location { artifact: native.at.artifact, offset: bound.offset, size: INSTRUCTION };
            let address = bound.address.as_deref().unwrap_or("an address that is not known");
            let (kind, name, from): (_, _, &[Outsider]) = match bound.domain.as_str() {
                "internet" if address.starts_with("127.") || address == "::1" => {
                    (GateKind::LocalSocket, format!("{address}:{}", port_of(bound.port)), ANY_APP)
                }
                "internet" => {
                    let from = &[Outsider::Nearby, Outsider::App, Outsider::AskingApp];
                    (GateKind::ListeningSocket, format!("{address}:{}", port_of(bound.port)), from)
                }
                "local" => (GateKind::LocalSocket, address.to_owned(), ANY_APP),
                _ => continue,
            };
            let start = LeadStep { layer: "native", what: format!("{} binds {name}", bound.function), at };
            let leads = leads_of(native, user, &start, |_| true);
            gates.push(Gate {
                channel: None,
                kind,
                name,
                owner: service.service.name.clone(),
                device_path: program.clone(),
                at,
                from: from.to_vec(),
                barriers: Vec::new(),
                leads,
            });
        }
    }
}

fn port_of(port: Option<u16>) -> String {
    port.map_or("?".to_owned(), |it| it.to_string())
}

/// The ways of a program from what it receives to what it does.
pub(crate) fn leads_of(
    native: &Row<Native>,
    user: &str,
    start: &LeadStep,
    is_wanted: impl Fn(&Way) -> bool,
) -> Vec<Lead> {
    let mut leads: BTreeMap<&str, Lead> = BTreeMap::new();
    for way in native.value.ways.iter().filter(|it| is_wanted(it)) {
        let at = |offset: u64| Location { artifact: native.at.artifact, offset, size: INSTRUCTION };
        let gates = way.gates.iter().filter(|it| it.equal);
        let barriers = gates.map(|it| Barrier {
            kind: "secret",
            text: format!("{} with {:?}: who knows it passes", it.name, it.text),
            passes: Outsider::ALL,
        });
        let steps = way.steps.iter().map(|it| LeadStep {
            layer: "native",
            what: format!("{} calls {}", it.function, it.callee),
            at: at(it.offset),
        });
        let lead = Lead {
            capability: way.sink.clone(),
            acts_as: user.to_owned(),
            told: way.traced,
            loose: !way.traced,
            barriers: barriers.collect(),
            steps: std::iter::once(start.clone()).chain(steps).collect(),
        };
        let rank = |it: &Lead| (!it.told, it.barriers.len(), it.steps.len());
        match leads.get(way.sink.as_str()) {
            Some(known) if rank(known) <= rank(&lead) => {}
            _ => _ = leads.insert(&way.sink, lead),
        }
    }
    leads.into_values().collect()
}

/// Properties that init reacts to.
fn properties(phone: &Phone, contexts: &Contexts, reactions: &Reactions, gates: &mut Vec<Gate>) {
    for (name, at) in reactions.properties() {
        let target = contexts.type_of_property(name);
        let says = contexts.who(target, "property_service", &["set"]);
        let barrier = match says {
            // Before SELinux decided, init had a list (AOSP property_service.c, property_perms).
            Says::Unknown => {
                let shell = ["debug.", "log.", "service.adb."].iter().any(|it| name.starts_with(it));
                let passes: &[Outsider] = if shell { &[Outsider::Usb] } else { &[] };
                Some(Barrier {
                    kind: "user",
                    text: "init lets only named users of the system set it".to_owned(),
                    passes,
                })
            }
            says => policy(says, target),
        };
        let mut leads = reactions.of_property(name, None, true);
        for lead in &mut leads {
            lead.steps.insert(0, LeadStep { layer: "property", what: format!("{name} is set"), at });
        }
        gates.push(Gate {
            channel: None,
            kind: GateKind::Property,
            name: name.to_owned(),
            owner: "init".to_owned(),
            device_path: phone.device_path(at.artifact).to_owned(),
            at,
            from: [ANY_APP, &[Outsider::Usb]].concat(),
            barriers: barrier.into_iter().collect(),
            leads,
        });
    }
}

/// What SELinux says as a barrier; nothing where it lets everyone through, or is not known.
pub(crate) fn policy(says: Says, target: Option<&str>) -> Option<Barrier> {
    let target = target.unwrap_or("?");
    let (text, passes): (_, &'static [Outsider]) = match says {
        Says::Apps | Says::Unknown => return None,
        Says::Shell => (format!("SELinux lets the shell at {target}, and no app"), &[Outsider::Usb]),
        Says::Nobody => (format!("SELinux lets neither apps nor the shell at {target}"), &[]),
    };
    Some(Barrier { kind: "selinux", text, passes })
}

/// Device nodes that more than their owner and group may write.
fn nodes(phone: &Phone, contexts: &Contexts, gates: &mut Vec<Gate>) {
    let mut add = |path: &str, mode: u16, at: Location, class: &str| {
        let target = contexts.type_of_path(path.trim_end_matches('*'));
        let says = contexts.who(target, class, &["write", "append"]);
        let mut barriers: Vec<Barrier> = policy(says, target).into_iter().collect();
        if mode & 0o002 == 0 {
            barriers.push(Barrier { kind: "file-mode", text: format!("mode {mode:04o}"), passes: &[] });
        }
        let what = format!("{path} has mode {mode:04o}");
        gates.push(Gate {
            channel: None,
            kind: GateKind::DeviceNode,
            name: path.to_owned(),
            owner: "ueventd".to_owned(),
            device_path: phone.device_path(at.artifact).to_owned(),
            at,
            from: [ANY_APP, &[Outsider::Usb]].concat(),
            barriers,
            leads: vec![Lead {
                capability: "talk-to-driver".to_owned(),
                acts_as: "the kernel".to_owned(),
                told: true,
                loose: false,
                barriers: Vec::new(),
                steps: vec![LeadStep { layer: "file", what, at }],
            }],
        });
    };
    for row in phone.running(&phone.facts.ueventd) {
        let rule = &row.value;
        if rule.attribute.is_none() && rule.pattern.starts_with("/dev/") && rule.mode & 0o002 != 0 {
            add(&rule.pattern, rule.mode, row.at, "chr_file");
        }
    }
    for (artifact, path) in phone.files() {
        let (class, real) = match artifact.node.kind {
            NodeKind::CharDevice => ("chr_file", artifact.node.device != Some((0, 0))),
            NodeKind::BlockDevice => ("blk_file", artifact.node.device != Some((0, 0))),
            _ => continue,
        };
        if let Some(mode) = artifact.node.mode.filter(|it| real && it & 0o002 != 0) {
            let at = Location { artifact: artifact.id, offset: 0, size: 0 };
            add(path, mode & 0o7777, at, class);
        }
    }
}

/// Files in places that others may write, and that a service of init or its script runs.
fn files(phone: &Phone, reactions: &Reactions, gates: &mut Vec<Gate>) {
    let mut seen: BTreeSet<(String, Location)> = BTreeSet::new();
    for service in phone.services.values() {
        let user = service.user();
        let start = LeadStep {
            layer: "init",
            what: format!("service {} {} as {user}", service.service.name, service.service.args.join(" ")),
            at: service.at,
        };
        let mut add = |path: &str, told: LeadStep| {
            let Some(from) = writers_of(path) else { return };
            if !seen.insert((path.to_owned(), told.at)) {
                return;
            }
            gates.push(Gate {
                channel: None,
                kind: GateKind::WritableFile,
                name: path.to_owned(),
                owner: service.service.name.clone(),
                device_path: service.device_path.clone(),
                at: told.at,
                from: from.to_vec(),
                barriers: Vec::new(),
                leads: vec![Lead {
                    capability: "execute-command".to_owned(),
                    acts_as: user.to_owned(),
                    told: true,
                    loose: false,
                    barriers: Vec::new(),
                    steps: if told.at == start.at { vec![told] } else { vec![start.clone(), told] },
                }],
            });
        };
        for path in service.service.args.iter().take(2) {
            add(path, start.clone());
        }
        let scripts = service.service.args.iter().take(2).filter_map(|it| Some((it, reactions.script(it)?)));
        for (path, script) in scripts {
            for command in &script.value.commands {
                let at = Location { artifact: script.at.artifact, offset: command.offset, size: command.size };
                let step = || LeadStep { layer: "script", what: format!("{path}: {}", command.words.join(" ")), at };
                if let Some(program) = command.words.first() {
                    add(program, step());
                }
                for input in command.inputs.iter().filter(|_| command.runs_input) {
                    if let Input::File(file) = input {
                        add(file, step());
                    }
                }
            }
        }
    }
}

/// Who may write below a path, where that is known.
pub fn writers_of(path: &str) -> Option<&'static [Outsider]> {
    const SHARED: &[&str] =
        &["/sdcard/", "/mnt/sdcard/", "/storage/", "/data/media/", "/mnt/media_rw/", "/external_sd/"];
    match path {
        _ if SHARED.iter().any(|it| path.starts_with(it)) => Some(&[Outsider::AskingApp, Outsider::Usb]),
        _ if path.starts_with("/data/local/tmp/") => Some(&[Outsider::Usb]),
        _ => None,
    }
}

/// adb as the phone is set up when it is new.
fn adb(phone: &Phone, gates: &mut Vec<Gate>) {
    let value = |name: &str| phone.properties.find(name);
    let Some(secure) = value("ro.adb.secure").or_else(|| value("ro.debuggable")).or_else(|| value("ro.secure")) else {
        return;
    };
    let is = |name: &str, text: &str| phone.properties.value(name) == Some(text);
    let asks =
        is("ro.adb.secure", "1") || !is("ro.debuggable", "1") && phone.properties.value("ro.adb.secure").is_none();
    let enabled = ["persist.sys.usb.config", "ro.sys.usb.config"]
        .iter()
        .any(|it| phone.properties.value(it).is_some_and(|it| it.contains("adb")));
    let mut barriers = Vec::new();
    if asks {
        let text = "adb asks the user about each computer".to_owned();
        barriers.push(Barrier { kind: "adb", text, passes: &[] });
    }
    if !enabled {
        let text = "adb has to be switched on".to_owned();
        barriers.push(Barrier { kind: "user", text, passes: &[Outsider::Physical] });
    }
    let user = if is("ro.secure", "0") { "root" } else { "shell" };
    let network = ["service.adb.tcp.port", "persist.adb.tcp.port"]
        .iter()
        .any(|it| phone.properties.value(it).is_some_and(|it| !it.is_empty() && it != "-1"));
    let from: &[Outsider] = if network {
        &[Outsider::Nearby, Outsider::Usb, Outsider::Physical]
    } else {
        &[Outsider::Usb, Outsider::Physical]
    };
    gates.push(Gate {
        channel: None,
        kind: GateKind::Adb,
        name: "adb".to_owned(),
        owner: "adbd".to_owned(),
        device_path: phone.device_path(secure.at.artifact).to_owned(),
        at: secure.at,
        from: from.to_vec(),
        barriers,
        leads: vec![Lead {
            capability: "execute-command".to_owned(),
            acts_as: user.to_owned(),
            told: true,
            loose: false,
            barriers: Vec::new(),
            steps: vec![LeadStep { layer: "property", what: format!("adb gives a shell as {user}"), at: secure.at }],
        }],
    });
}

/// Services whose programs talk to the modem.
fn modem(phone: &Phone, gates: &mut Vec<Gate>) {
    let elfs: BTreeMap<_, _> = phone.facts.elfs.iter().map(|it| (it.at.artifact, it)).collect();
    let natives: BTreeMap<_, _> = phone.facts.natives.iter().map(|it| (it.at.artifact, it)).collect();
    for service in phone.services.values() {
        let ids = phone.at(service.program());
        let Some(elf) = ids.iter().find_map(|it| elfs.get(it)) else { continue };
        let Some(channel) = elf.value.strings.iter().find(|it| CHANNELS.iter().any(|channel| it.starts_with(channel)))
        else {
            continue;
        };
        let start = LeadStep { layer: "native", what: format!("{} names {channel}", service.program()), at: elf.at };
        let native = ids.iter().find_map(|it| natives.get(it));
        let leads =
            native.map(|it| leads_of(it, service.user(), &start, |way| way.source == "input")).unwrap_or_default();
        gates.push(Gate {
            channel: None,
            kind: GateKind::Modem,
            name: channel.clone(),
            owner: service.service.name.clone(),
            device_path: service.program().to_owned(),
            at: elf.at,
            from: vec![Outsider::Nearby],
            barriers: Vec::new(),
            leads,
        });
    }
}

/// What installs updates while the system is not running. What a bootloader understands no file of the system says.
fn recovery(phone: &Phone, gates: &mut Vec<Gate>) {
    for (path, name, kind, text, passes) in RECOVERY {
        let Some(&file) = phone.at(path).first() else { continue };
        let at = Location { artifact: file, offset: 0, size: 0 };
        gates.push(Gate {
            channel: None,
            kind: GateKind::Recovery,
            name: (*name).to_owned(),
            owner: (*path).to_owned(),
            device_path: (*path).to_owned(),
            at,
            from: vec![Outsider::Usb, Outsider::Physical],
            barriers: vec![Barrier { kind, text: (*text).to_owned(), passes }],
            leads: vec![Lead {
                capability: "system-update".to_owned(),
                acts_as: "root".to_owned(),
                told: true,
                loose: false,
                barriers: Vec::new(),
                steps: vec![LeadStep { layer: "native", what: format!("{path} takes what it is sent"), at }],
            }],
        });
    }
}

/// Path, name, and what stands before it (AOSP, "bootable/recovery" and "Fastboot in user space").
const RECOVERY: &[(&str, &str, &str, &str, &[Outsider])] = &[
    ("/system/bin/recovery", "recovery", "verification", "it installs what a key of its own list signs", &[]),
    ("/sbin/recovery", "recovery", "verification", "it installs what a key of its own list signs", &[]),
    ("/system/bin/fastbootd", "fastboot", "user", "the phone has to be unlocked by hand", &[Outsider::Physical]),
];

/// How modems of the large makers are reached.
const CHANNELS: &[&str] =
    &["/dev/smd", "/dev/qmi", "/dev/rmnet", "/dev/umts_", "/dev/ttyMT", "/dev/ccci", "/dev/stty_", "/dev/ttyUSB"];

/// Enough to find it again.
pub(crate) const INSTRUCTION: u64 = 4;
