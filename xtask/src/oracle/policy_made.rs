//! Policies that are made up: every kind of statement, in every version that `checkpolicy` writes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Makes so many policies in a folder. The same number gives the same policies.
///
/// # Errors
/// `checkpolicy` (Debian package checkpolicy) is not there, or refuses one.
pub fn make(folder: &Path, n: u64) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for seed in 0..n {
        let version = VERSIONS[usize::try_from(seed)? % VERSIONS.len()];
        let mls = dice_of(seed).below(3) != 0;
        let (source, policy) = (folder.join(format!("{seed}.te")), folder.join(format!("{seed}-v{version}")));
        fs::write(&source, text_of(seed, version, mls))?;
        let mut command = Command::new("checkpolicy");
        if mls {
            command.arg("-M");
        }
        command.args(["-c", &version.to_string(), "-o"]).arg(&policy).arg(&source);
        let output = command.output().context("checkpolicy (Debian package checkpolicy)")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("checkpolicy refuses {}: {said}", source.display());
        }
        files.push(policy);
    }
    Ok(files)
}

/// Those that `seinfo` reads: setools 4.4.1 crashes on version 23 and before. The newest is the last that Android's kernels
/// load.
const VERSIONS: [u32; 10] = [24, 25, 26, 27, 28, 29, 30, 31, 32, 33];

/// Numbers that look random and are the same everywhere (xorshift).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n.max(1) as u64).unwrap_or(0)
    }

    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let n = self.below(all.len());
        &all[n]
    }
}

pub(super) fn dice_of(seed: u64) -> Dice {
    Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
}

const SIDS: &[&str] = &[
    "kernel",
    "security",
    "unlabeled",
    "fs",
    "file",
    "file_labels",
    "init",
    "any_socket",
    "port",
    "netif",
    "netmsg",
    "node",
    "igmp_packet",
    "icmp_socket",
    "tcp_socket",
    "sysctl_modprobe",
    "sysctl",
    "sysctl_fs",
    "sysctl_kernel",
    "sysctl_net",
    "sysctl_net_unix",
    "sysctl_vm",
    "sysctl_dev",
    "kmod",
    "policy",
    "scmp_packet",
    "devnull",
];

const CLASSES: &[(&str, &[&str])] = &[
    ("file", &["ioctl", "read", "write", "open", "execute", "entrypoint"]),
    ("chr_file", &["ioctl", "read", "write", "open", "execute"]),
    ("dir", &["ioctl", "read", "write", "open", "execute", "search", "add_name"]),
    ("process", &["fork", "transition", "ptrace"]),
    ("unix_stream_socket", &["connectto", "listen"]),
    ("property_service", &["set"]),
];

/// The source of a policy.
fn text_of(seed: u64, version: u32, mls: bool) -> String {
    let mut dice = dice_of(seed);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |it: String| _ = writeln!(text, "{it}");
    for (class, _) in CLASSES {
        line(format!("class {class}"));
    }
    for sid in SIDS {
        line(format!("sid {sid}"));
    }
    line("common file { ioctl read write open execute }".to_owned());
    line("class file inherits file { entrypoint }\nclass chr_file inherits file\nclass dir inherits file { search add_name }".to_owned());
    for (class, permissions) in CLASSES.iter().skip(3) {
        line(format!("class {class} {{ {} }}", permissions.join(" ")));
    }
    let range = if mls { ":s0" } else { "" };
    if mls {
        line("sensitivity s0;\ndominance { s0 }".to_owned());
        let n = 1 + dice.below(70);
        for category in 0..n {
            line(format!("category c{category};"));
        }
        line(format!("level s0:c0.c{};", n - 1));
        line("mlsconstrain file { read } (l1 dom l2 or t1 == attr0);".to_owned());
    }
    line("policycap open_perms;".to_owned());
    let (n_types, n_attributes) = (4 + dice.below(60), 1 + dice.below(8));
    let attributes: Vec<String> = (0..n_attributes).map(|it| format!("attr{it}")).collect();
    let types: Vec<String> = (0..n_types).map(|it| format!("ty{it}")).collect();
    for attribute in &attributes {
        line(format!("attribute {attribute};"));
    }
    for name in &types {
        let alias = if dice.below(5) == 0 { format!(" alias other_{name}") } else { String::new() };
        let of: Vec<&String> = attributes.iter().filter(|_| dice.below(3) == 0).collect();
        let of: String = of.iter().map(|it| format!(", {it}")).collect();
        line(format!("type {name}{alias}{of};"));
    }
    let booleans: Vec<String> = (0..dice.below(4)).map(|it| format!("b{it}")).collect();
    for boolean in &booleans {
        line(format!("bool {boolean} {};", dice.of(&["true", "false"])));
    }
    let names: Vec<String> = types.iter().chain(&attributes).cloned().collect();
    let rule = |dice: &mut Dice, kind: &str| {
        let (class, permissions) = dice.of(CLASSES);
        let mut chosen: Vec<&str> = permissions.iter().copied().filter(|_| dice.below(2) == 0).collect();
        if chosen.is_empty() {
            chosen.push(permissions[0]);
        }
        let set = match dice.below(6) {
            0 => "*".to_owned(),
            1 if chosen.len() < permissions.len() => format!("~{{ {} }}", chosen.join(" ")),
            _ => format!("{{ {} }}", chosen.join(" ")),
        };
        let target = if dice.below(6) == 0 { "self".to_owned() } else { dice.of(&names).clone() };
        let source = match dice.below(6) {
            0 => format!("{{ {} {} }}", dice.of(&names), dice.of(&names)),
            1 => format!("{{ attr0 -{} }}", dice.of(&types)),
            _ => dice.of(&names).clone(),
        };
        format!("{kind} {source} {target}:{class} {set};")
    };
    for _ in 0..dice.below(200) {
        let kind = dice.of(&["allow", "allow", "allow", "auditallow", "dontaudit"]).to_string();
        line(rule(&mut dice, &kind));
    }
    for n in 0..dice.below(6) {
        let (a, b, c) = (dice.of(&types), &types[n % types.len()], dice.of(&types));
        // Each key is given once: two answers to one question are refused.
        line(format!("type_transition {a} {b}:process {c};"));
        if 25 <= version {
            line(format!("type_transition {a} {b}:dir {c} \"name{n}\";"));
        }
    }
    if 30 <= version {
        for _ in 0..dice.below(6) {
            let (a, b) = (dice.of(&types), dice.of(&types));
            let (low, len) = (dice.below(0xff00), dice.below(600));
            line(format!("allowxperm {a} {b}:chr_file ioctl {{ {low:#x}-{:#x} }};", low + len));
        }
    }
    for name in types.iter().filter(|_| dice.below(8) == 0) {
        line(format!("permissive {name};"));
    }
    for boolean in &booleans {
        let (yes, no) = (rule(&mut dice, "allow"), rule(&mut dice, "allow"));
        line(format!("if ({boolean}) {{ {yes} }} else {{ {no} }}"));
    }
    line(format!("role r;\nrole r types {{ {} }};", types.join(" ")));
    line(format!("user u roles r{};", if mls { " level s0 range s0" } else { "" }));
    line("constrain process { transition } (u1 == u2 or t1 == attr0);".to_owned());
    for sid in SIDS {
        line(format!("sid {sid} u:r:ty0{range}"));
    }
    line(format!("fs_use_xattr ext4 u:r:ty1{range};\ngenfscon proc / u:r:ty2{range}\ngenfscon proc /x u:r:ty3{range}"));
    line(format!("portcon tcp 80 u:r:ty0{range}"));
    text
}
