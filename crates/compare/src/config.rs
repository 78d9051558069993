//! How the system is set up: services of init, properties, policy, keys, the kernel.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::certificate::Role;
use model::fact::init::Section;
use model::{ArtifactId, Facts, Location, Row};
use serde::Serialize;
use serde_json::Value;

use crate::delta::{Delta, Kind, Standing, Topic, listed};
use crate::files::{self, Explained, File, State};
use crate::sides::{Pair, Seen, apart};

/// What differs, and which files it explains.
pub(crate) fn deltas<'a>(pair: &Pair, files: &[File<'a>], explained: &mut Explained<'a>, deltas: &mut Vec<Delta>) {
    let dark = files::dark(pair, files);
    properties(pair, &dark, deltas);
    services(pair, &dark, deltas);
    kernels(pair, deltas);
    certificates(pair, &dark, deltas);
    for kind in STATEMENTS {
        statements(pair, &dark, kind, deltas);
    }
    // What was read to its end and says what was said above, says it to the full.
    for file in files.iter().filter(|it| matches!(it.state, State::Changed | State::Added | State::Removed)) {
        let is = |format: &&str| {
            file.left.iter().any(|it| pair.left.is(*it, format))
                || file.right.iter().any(|it| pair.right.is(*it, format))
        };
        let is_about = |it: &Delta| it.device_path.split('!').next() == Some(file.path);
        let is_store = |it: &Delta| it.topic == Topic::Trust && it.device_path != file.path;
        if deltas.iter().any(|it| is_about(it) && (is_store(it) || TOLD.iter().any(&is))) {
            explained.insert(file.path);
        }
    }
}

/// Where images are that are no file.
const IMAGE: &str = "/dev/block/";

/// Places of which one side does not say what they hold.
type Dark<'a> = BTreeSet<&'a str>;

/// Formats whose facts are compared above.
const TOLD: &[&str] = &[
    "prop",
    "init-rc",
    "fstab",
    "ueventd",
    "sysconfig",
    "contexts",
    "adb-keys",
    "x509",
    "mac-permissions",
    "sepolicy",
    "cil",
];

/// The properties as the running phone has them.
fn properties(pair: &Pair, dark: &Dark, deltas: &mut Vec<Delta>) {
    let of = |seen: &Seen| -> BTreeMap<String, (String, Location)> {
        seen.phone().properties.iter().map(|(name, it)| (name.to_owned(), (it.text.clone(), it.at))).collect()
    };
    let (lefts, rights) = (of(&pair.left), of(&pair.right));
    if lefts.is_empty() || rights.is_empty() {
        return;
    }
    let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
    for name in names {
        let (left, right) = (lefts.get(name), rights.get(name));
        let (kind, path) = match (left, right) {
            (Some(left), Some(right)) if left.0 == right.0 => continue,
            (_, Some(right)) => {
                (if left.is_some() { Kind::Changed } else { Kind::Added }, pair.right.path(right.1.artifact))
            }
            (Some(left), None) => (Kind::Removed, pair.left.path(left.1.artifact)),
            (None, None) => continue,
        };
        if dark.contains(path) {
            continue;
        }
        let topic = if is_name_of_build(name) { Topic::Identity } else { Topic::Setting };
        let text = |it: Option<&(String, Location)>| it.map(|it| it.0.clone()).unwrap_or_default();
        let delta = Delta::new(kind, topic, format!("property {name}"), path).with(text(left), text(right));
        deltas.push(Delta { names: vec![name.clone()], ..delta });
    }
}

/// Properties that say what a build is called, where and when it was made.
fn is_name_of_build(name: &str) -> bool {
    const PREFIXES: [&str; 7] = [
        "ro.build.",
        "ro.product.",
        "ro.system.",
        "ro.vendor.build.",
        "ro.odm.build.",
        "ro.bootimage.",
        "ro.com.google.",
    ];
    const NAMES: [&str; 3] = ["ro.build.type", "ro.build.tags", "ro.build.selinux"];
    PREFIXES.iter().any(|it| name.starts_with(it)) && !NAMES.contains(&name)
}

/// Services and actions of init.
fn services(pair: &Pair, dark: &Dark, deltas: &mut Vec<Delta>) {
    let (lefts, rights) = (&pair.left.phone().services, &pair.right.phone().services);
    let names: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
    for name in names {
        let (left, right) = (lefts.get(name), rights.get(name));
        let (kind, service, path) = match (left, right) {
            (Some(left), Some(right)) if left.service == right.service => continue,
            (Some(_), Some(right)) => (Kind::Changed, right, &right.device_path),
            (None, Some(right)) => (Kind::Added, right, &right.device_path),
            (Some(left), None) => (Kind::Removed, left, &left.device_path),
            (None, None) => continue,
        };
        if dark.contains(path.as_str()) || lefts.is_empty() || rights.is_empty() {
            continue;
        }
        let standing = if service.user() == "root" { Standing::Root } else { Standing::Privileged };
        let text = |it: Option<&phone::InitService>| it.map(|it| service_of(&it.service)).unwrap_or_default();
        let delta = Delta::new(kind, Topic::Power, format!("service {name}"), path).with(text(left), text(right));
        let names = vec![name.clone(), service.program().to_owned()];
        deltas.push(Delta { names, ..delta.run_by(standing) });
    }
    let actions = |seen: &Seen| -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let rows = seen.phone().facts.init.iter();
        for row in rows {
            let lines: Vec<String> = match &row.value {
                Section::Action(action) => {
                    let on = action.triggers.join(" && ");
                    action.commands.iter().map(|it| format!("on {on}: {}", it.args.join(" "))).collect()
                }
                Section::Import(path) => vec![format!("import {path}")],
                Section::Service(_) => continue,
            };
            all.entry(seen.path(row.at.artifact).to_owned()).or_default().extend(lines);
        }
        all
    };
    lists(dark, &actions(&pair.left), &actions(&pair.right), "what init does", Topic::Power, Standing::Root, deltas);
}

fn service_of(service: &model::fact::init::Service) -> String {
    let mut said = vec![service.args.join(" "), format!("as {}", service.user.as_deref().unwrap_or("root"))];
    let mut add = |what: &str, items: &[String]| {
        if !items.is_empty() {
            said.push(format!("{what} {}", items.join(" ")));
        }
    };
    add("groups", &service.groups);
    add("class", &service.classes);
    add("capabilities", service.capabilities.as_deref().unwrap_or_default());
    add("label", service.seclabel.as_slice());
    let sockets: Vec<String> =
        service.sockets.iter().map(|it| format!("{} {} {:o}", it.name, it.kind, it.mode)).collect();
    add("sockets", &sockets);
    let flags = [(service.disabled, "disabled"), (service.oneshot, "oneshot"), (service.critical, "critical")];
    let flags: Vec<String> = flags.iter().filter(|it| it.0).map(|it| it.1.to_owned()).collect();
    add("", &flags);
    let other: Vec<String> = service.other.iter().chain(&service.on_restart).map(|it| it.join(" ")).collect();
    add("", &other);
    said.join("; ")
}

/// Banner and configuration of the kernel.
fn kernels(pair: &Pair, deltas: &mut Vec<Delta>) {
    let of = |seen: &Seen| -> (BTreeSet<String>, BTreeSet<String>) {
        let rows = &seen.phone().facts.kernels;
        let banners = rows.iter().map(|it| it.value.banner.clone()).collect();
        let options =
            rows.iter().flat_map(|it| &it.value.config).map(|(name, value)| format!("{name}={value}")).collect();
        (banners, options)
    };
    let ((left, left_options), (right, right_options)) = (of(&pair.left), of(&pair.right));
    if left.is_empty() || right.is_empty() {
        return;
    }
    if left != right {
        let join = |it: &BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join("; ");
        deltas.push(Delta::new(Kind::Changed, Topic::Identity, "kernel", "").with(join(&left), join(&right)));
    }
    let (one, other) = apart(&left_options, &right_options);
    if !left_options.is_empty() && !right_options.is_empty() && (!one.is_empty() || !other.is_empty()) {
        let delta = Delta::new(Kind::Changed, Topic::Setting, "options of the kernel", "");
        deltas.push(delta.with(listed(&one), listed(&other)).run_by(Standing::Root));
    }
}

/// Who is trusted: authorities, keys of updates, keys of `mac_permissions.xml`.
fn certificates(pair: &Pair, dark: &Dark, deltas: &mut Vec<Delta>) {
    type Known = BTreeMap<(Role, String), (String, String)>;
    let of = |seen: &Seen| -> Known {
        let trusts = |role| matches!(role, Role::SystemCa | Role::OtaKey | Role::MacPermissions | Role::Apex);
        let rows = seen.phone().facts.certificates.iter().filter(|it| trusts(it.value.role));
        rows.map(|it| {
            let value = &it.value;
            ((value.role, value.sha256.clone()), (value.subject.clone(), seen.path(it.at.artifact).to_owned()))
        })
        .collect()
    };
    let (lefts, rights) = (of(&pair.left), of(&pair.right));
    for (mine, other, kind) in [(&lefts, &rights, Kind::Removed), (&rights, &lefts, Kind::Added)] {
        for ((role, sha256), (subject, path)) in mine.iter().filter(|it| !other.contains_key(it.0)) {
            let file = path.split('!').next().unwrap_or_default();
            // Where it lies, one side could not look; an input without places has no store.
            if path.is_empty() || dark.contains(file) {
                continue;
            }
            let what = match role {
                Role::SystemCa => "authority that the system trusts",
                Role::OtaKey => "key that signs updates",
                Role::Apex => "key of a module",
                _ => "signer that the policy knows",
            };
            let said = format!("{subject} (sha256 {}…)", sha256.get(..16).unwrap_or_default());
            let mut delta = Delta::new(kind, Topic::Trust, what, path).run_by(Standing::System);
            *if kind == Kind::Added { &mut delta.right } else { &mut delta.left } = said;
            deltas.push(Delta { names: vec![subject.clone()], ..delta });
        }
    }
}

/// A kind of fact whose rows are compared as they are.
struct Statements {
    what: &'static str,
    topic: Topic,
    standing: Standing,
    lines: fn(&Facts) -> Vec<(ArtifactId, String)>,
}

const STATEMENTS: &[Statements] = &[
    Statements { what: "keys of adb", topic: Topic::Trust, standing: Standing::Root, lines: |it| lines(&it.adb_keys) },
    Statements {
        what: "verified boot",
        topic: Topic::Trust,
        standing: Standing::Root,
        lines: |it| fields(&it.vbmetas),
    },
    Statements { what: "boot image", topic: Topic::Setting, standing: Standing::Root, lines: |it| fields(&it.boots) },
    Statements { what: "mounts", topic: Topic::Setting, standing: Standing::Root, lines: |it| lines(&it.fstab) },
    Statements { what: "device nodes", topic: Topic::Power, standing: Standing::Root, lines: |it| lines(&it.ueventd) },
    Statements {
        what: "permissions and settings of the system",
        topic: Topic::Power,
        standing: Standing::System,
        lines: |it| lines(&it.sysconfig),
    },
    Statements {
        what: "SELinux policy",
        topic: Topic::Power,
        standing: Standing::Root,
        lines: |it| fields(&it.policies),
    },
    Statements {
        what: "SELinux contexts",
        topic: Topic::Power,
        standing: Standing::Root,
        lines: |it| lines(&it.contexts),
    },
];

/// A row as a text: what it states, without what it leaves open.
fn lines<T: Serialize>(rows: &[Row<T>]) -> Vec<(ArtifactId, String)> {
    rows.iter().map(|row| (row.at.artifact, said(&serde_json::to_value(&row.value).unwrap_or_default()))).collect()
}

/// Each statement of a row as a text of its own.
fn fields<T: Serialize>(rows: &[Row<T>]) -> Vec<(ArtifactId, String)> {
    let mut lines = Vec::new();
    for row in rows {
        let value = serde_json::to_value(&row.value).unwrap_or_default();
        for (name, value) in value.as_object().into_iter().flatten() {
            match value {
                Value::Array(items) => {
                    items.iter().for_each(|it| lines.push((row.at.artifact, format!("{name}: {}", said(it)))))
                }
                _ => lines.push((row.at.artifact, format!("{name}: {}", said(value)))),
            }
        }
    }
    lines
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(" "),
        Value::Object(members) => {
            let stated = members.iter().map(|(name, value)| (name, said(value))).filter(|it| !it.1.is_empty());
            stated.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn statements(pair: &Pair, dark: &Dark, kind: &Statements, deltas: &mut Vec<Delta>) {
    let of = |seen: &Seen| -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (artifact, line) in (kind.lines)(&seen.phone().facts) {
            all.entry(seen.place(artifact)).or_default().insert(line);
        }
        all
    };
    lists(dark, &of(&pair.left), &of(&pair.right), kind.what, kind.topic, kind.standing, deltas);
}

/// Texts by the file that states them.
#[allow(clippy::too_many_arguments)]
fn lists(
    dark: &Dark,
    lefts: &BTreeMap<String, BTreeSet<String>>,
    rights: &BTreeMap<String, BTreeSet<String>>,
    what: &str,
    topic: Topic,
    standing: Standing,
    deltas: &mut Vec<Delta>,
) {
    let paths: BTreeSet<&String> = lefts.keys().chain(rights.keys()).collect();
    let none = BTreeSet::new();
    for path in paths {
        let both = lefts.contains_key(path) && rights.contains_key(path);
        // What is in no file system may be there, and was not given.
        if dark.contains(path.split('!').next().unwrap_or_default()) || path.starts_with(IMAGE) && !both {
            continue;
        }
        let (one, other) = apart(lefts.get(path).unwrap_or(&none), rights.get(path).unwrap_or(&none));
        let kind = match (one.is_empty(), other.is_empty()) {
            (true, true) => continue,
            (true, false) if !lefts.contains_key(path) => Kind::Added,
            (false, true) if !rights.contains_key(path) => Kind::Removed,
            _ => Kind::Changed,
        };
        let delta = Delta::new(kind, topic, what, path).with(listed(&one), listed(&other)).run_by(standing);
        let names = one.iter().chain(&other).cloned().collect();
        deltas.push(Delta { names, ..delta });
    }
}
