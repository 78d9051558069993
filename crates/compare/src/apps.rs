//! Apps by what they are: who signed them, what they may do, what they open to others.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::app::{App, Component};
use phone::{InstalledApp, Phone, Place};

use crate::delta::{Delta, Kind, Standing, Topic, listed};
use crate::files::{self, File};
use crate::sides::{Pair, Seen, apart};

/// An app that both sides have.
pub(crate) struct Both<'a> {
    pub left: &'a InstalledApp,
    pub right: &'a InstalledApp,
}

/// The apps of both sides.
#[derive(Default)]
pub(crate) struct Apps<'a> {
    pub both: Vec<Both<'a>>,
    pub added: Vec<&'a InstalledApp>,
    pub removed: Vec<&'a InstalledApp>,
    /// How many are on one side, while it is not known whether they are on the other.
    pub unknown: u64,
}

/// Finds the apps that belong together: by package, and of several of one package first those in one place.
pub(crate) fn pair<'a>(sides: &'a Pair<'a>, files: &[File]) -> Apps<'a> {
    let of = |seen: &Seen<'a>| {
        let mut apps: BTreeMap<&str, Vec<&InstalledApp>> = BTreeMap::new();
        for app in &seen.phone().apps.all {
            apps.entry(&app.app.package).or_default().push(app);
        }
        apps
    };
    let (lefts, mut rights) = (of(&sides.left), of(&sides.right));
    let dark = files::dark(sides, files);
    let known: BTreeSet<&str> = files.iter().map(|it| it.path).collect();
    // Alone, an app says nothing about what else a phone has.
    let is_known = |app: &InstalledApp, other: &Seen| {
        let file = app.device_path.split('!').next().unwrap_or_default();
        if known.contains(file) { !dark.contains(file) } else { !other.phone().is_phone() }
    };
    let mut apps = Apps::default();
    let add = |apps: &mut Apps<'a>, app: &'a InstalledApp, is_left: bool| {
        let other = if is_left { &sides.right } else { &sides.left };
        match (is_known(app, other), is_left) {
            (false, _) => apps.unknown += 1,
            (true, true) => apps.removed.push(app),
            (true, false) => apps.added.push(app),
        }
    };
    for (package, mut left) in lefts {
        let mut right = rights.remove(package).unwrap_or_default();
        left.retain(|app| match right.iter().position(|it| it.device_path == app.device_path) {
            Some(at) => {
                apps.both.push(Both { left: app, right: right.remove(at) });
                false
            }
            None => true,
        });
        let n = left.len().min(right.len());
        for (left, right) in left.drain(..n).zip(right.drain(..n)) {
            apps.both.push(Both { left, right });
        }
        left.into_iter().for_each(|it| add(&mut apps, it, true));
        right.into_iter().for_each(|it| add(&mut apps, it, false));
    }
    rights.into_values().flatten().for_each(|it| add(&mut apps, it, false));
    apps
}

impl Both<'_> {
    /// Whether base and splits are the same files.
    pub fn is_same(&self, sides: &Pair) -> bool {
        let digests = |seen: &Seen, app: &InstalledApp| {
            let all = std::iter::once(&app.artifact).chain(&app.splits);
            all.map(|it| seen.digest(*it).copied()).collect::<Option<BTreeSet<_>>>()
        };
        let left = digests(&sides.left, self.left);
        left.is_some() && left == digests(&sides.right, self.right)
    }

    /// Whether both say that they are the same version.
    pub fn is_same_version(&self) -> bool {
        let version = |it: &App| (it.version_code, it.version_name.clone());
        version(&self.left.app) == version(&self.right.app)
    }
}

/// What differs in the manifests, the signers and the places of an app.
pub(crate) fn deltas(sides: &Pair, apps: &Apps, deltas: &mut Vec<Delta>) {
    for (app, kind, seen) in apps
        .removed
        .iter()
        .map(|it| (it, Kind::Removed, &sides.left))
        .chain(apps.added.iter().map(|it| (it, Kind::Added, &sides.right)))
    {
        deltas.push(alone(seen.phone(), app, kind));
    }
    for both in &apps.both {
        place(sides, both, deltas);
        if !both.is_same(sides) {
            manifests(sides, both, deltas);
        } else {
            granted_otherwise(sides, both, deltas);
        }
    }
}

/// An app that one side has.
fn alone(phone: &Phone, app: &InstalledApp, kind: Kind) -> Delta {
    let granted: Vec<String> = app
        .app
        .uses_permissions
        .iter()
        .filter(|it| is_granted(phone, app, &it.name))
        .map(|it| short(&it.name))
        .collect();
    let mut said = vec![version_of(&app.app), format!("signed by {}", app.signer_subject())];
    if let Some(uid) = &app.app.shared_user_id {
        said.push(format!("shares the user id {uid}"));
    }
    if !granted.is_empty() {
        said.push(format!("is granted {}", listed(&granted)));
    }
    let said = said.join("; ");
    let delta = Delta::new(kind, Topic::Power, format!("app {}", app.app.package), &app.device_path);
    let mut delta = delta.run_by(standing(app));
    *if kind == Kind::Added { &mut delta.right } else { &mut delta.left } = said;
    delta
}

fn place(sides: &Pair, both: &Both, deltas: &mut Vec<Delta>) {
    let (left, right) = (both.left, both.right);
    // An app that was given alone has no place.
    if left.device_path == right.device_path || left.place == Place::Alone || right.place == Place::Alone {
        return;
    }
    let same = both.is_same(sides);
    let (topic, kind) = match left.place == right.place {
        true => (Topic::Form, Kind::Moved),
        false if left.place == Place::Privileged || right.place == Place::Privileged => (Topic::Power, Kind::Moved),
        false => (Topic::Setting, Kind::Moved),
    };
    let what = format!("app {}{}", right.app.package, if same { "" } else { ", of other content" });
    let delta = Delta::new(kind, topic, what, &right.device_path);
    deltas.push(delta.with(&left.device_path, &right.device_path).run_by(standing(right)));
}

fn manifests(sides: &Pair, both: &Both, deltas: &mut Vec<Delta>) {
    let (left, right) = (&both.left.app, &both.right.app);
    let package = &right.package;
    let mut add = |topic: Topic, what: &str, lefts: String, rights: String, names: Vec<String>| {
        let delta = Delta::new(Kind::Changed, topic, format!("{what} of {package}"), &both.right.device_path);
        let delta = delta.with(lefts, rights).run_by(standing(both.right));
        deltas.push(Delta { names, unannounced: both.is_same_version(), ..delta });
    };
    if !both.is_same_version() {
        add(Topic::Identity, "version", version_of(left), version_of(right), Vec::new());
    }
    let signers =
        |app: &InstalledApp| app.signers.iter().map(|it| it.certificate.sha256.clone()).collect::<BTreeSet<_>>();
    if signers(both.left) != signers(both.right) {
        add(Topic::Trust, "signer", signer_of(both.left), signer_of(both.right), vec!["signed".to_owned()]);
    }
    if left.shared_user_id != right.shared_user_id {
        let of = |app: &App| app.shared_user_id.clone().unwrap_or_else(|| "its own".to_owned());
        add(Topic::Power, "user id", of(left), of(right), Vec::new());
    }
    let asked = |seen: &Seen, app: &InstalledApp| -> BTreeSet<String> {
        let words = |name: &String| match is_granted(seen.phone(), app, name) {
            true => format!("{} (granted)", short(name)),
            false => short(name),
        };
        app.app.uses_permissions.iter().map(|it| words(&it.name)).collect()
    };
    let (lefts, rights) = apart(&asked(&sides.left, both.left), &asked(&sides.right, both.right));
    if !lefts.is_empty() || !rights.is_empty() {
        let is_power = lefts.iter().chain(&rights).any(|it| it.ends_with("(granted)"));
        let topic = if is_power { Topic::Power } else { Topic::Setting };
        let names = lefts.iter().chain(&rights).map(|it| it.trim_end_matches(" (granted)").to_owned()).collect();
        add(topic, "permissions", only(&lefts), only(&rights), names);
    }
    let declared = |app: &App| -> BTreeSet<String> {
        app.permissions.iter().map(|it| format!("{} at level {:#x}", it.name, it.protection_level)).collect()
    };
    let (lefts, rights) = apart(&declared(left), &declared(right));
    if !lefts.is_empty() || !rights.is_empty() {
        let names = lefts.iter().chain(&rights).filter_map(|it| it.split(' ').next()).map(str::to_owned).collect();
        add(Topic::Power, "permissions declared by", only(&lefts), only(&rights), names);
    }
    let components = |app: &App| -> BTreeMap<String, String> {
        app.components.iter().map(|it| (format!("{} {}", kind_of(it), it.name), component_of(it, app))).collect()
    };
    let (lefts, rights) = (components(left), components(right));
    let names: BTreeSet<&String> =
        lefts.keys().chain(rights.keys()).filter(|it| lefts.get(*it) != rights.get(*it)).collect();
    if !names.is_empty() {
        let side = |of: &BTreeMap<String, String>| {
            let all: Vec<String> = names.iter().filter_map(|it| Some(format!("{it}: {}", of.get(*it)?))).collect();
            listed(&all)
        };
        let is_open = |of: &BTreeMap<String, String>| {
            names.iter().filter_map(|it| of.get(*it)).any(|it| it.starts_with("exported"))
        };
        let topic = if is_open(&lefts) || is_open(&rights) { Topic::Power } else { Topic::Setting };
        let names: Vec<String> = names.iter().filter_map(|it| it.split(' ').nth(1)).map(str::to_owned).collect();
        add(topic, "components", side(&lefts), side(&rights), names);
    }
    let (lefts, rights) = apart(&rest_of(left), &rest_of(right));
    if !lefts.is_empty() || !rights.is_empty() {
        add(Topic::Setting, "manifest", listed(&lefts), listed(&rights), Vec::new());
    }
}

/// The same app, and what it asks for is granted on one side only: for its place, its signer, or who declares the
/// permission.
fn granted_otherwise(sides: &Pair, both: &Both, deltas: &mut Vec<Delta>) {
    let granted = |seen: &Seen, app: &InstalledApp| -> BTreeSet<String> {
        let names = app.app.uses_permissions.iter().filter(|it| is_granted(seen.phone(), app, &it.name));
        names.map(|it| short(&it.name)).collect()
    };
    let (lefts, rights) = apart(&granted(&sides.left, both.left), &granted(&sides.right, both.right));
    if both.left.place == Place::Alone || both.right.place == Place::Alone || (lefts.is_empty() && rights.is_empty()) {
        return;
    }
    let what = format!("permissions granted to {}", both.right.app.package);
    let delta = Delta::new(Kind::Changed, Topic::Power, what, &both.right.device_path);
    deltas.push(delta.with(only(&lefts), only(&rights)).run_by(standing(both.right)));
}

/// Whether an app is given a permission without anybody being asked: by its level, its signer, or its place.
fn is_granted(phone: &Phone, app: &InstalledApp, permission: &str) -> bool {
    let Some(declared) = phone.permissions.find(permission) else { return false };
    match declared.level.base() {
        "normal" => true,
        "dangerous" => false,
        _ => {
            let owner = phone.apps.package(&declared.package);
            let signers = match owner {
                Some(owner) => owner.signers.as_slice(),
                None => phone.platform_signer().map(std::slice::from_ref).unwrap_or_default(),
            };
            let is_signed = signers.iter().any(|it| app.is_signed_by(&it.certificate.sha256));
            is_signed || declared.level.is_privileged() && matches!(app.place, Place::Privileged | Place::Framework)
        }
    }
}

/// As whom an app runs.
pub(crate) fn standing(app: &InstalledApp) -> Standing {
    match app.app.shared_user_id.as_deref() {
        Some("android.uid.system") => Standing::System,
        Some(uid) if uid.starts_with("android.uid.") => Standing::Privileged,
        _ if app.app.package == "android" => Standing::System,
        _ if app.place == Place::Privileged => Standing::Privileged,
        _ => Standing::App,
    }
}

/// What stands on one side only.
fn only(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("alone: {}", listed(items)) }
}

fn version_of(app: &App) -> String {
    let code = app.version_code.map(|it| format!(" ({it})")).unwrap_or_default();
    format!("version {}{code}", app.version_name.as_deref().unwrap_or("unnamed"))
}

fn signer_of(app: &InstalledApp) -> String {
    let all: Vec<String> = app
        .signers
        .iter()
        .map(|it| {
            format!("{} (sha256 {}…)", it.certificate.subject, it.certificate.sha256.get(..16).unwrap_or_default())
        })
        .collect();
    if all.is_empty() { "not signed".to_owned() } else { all.join(", ") }
}

/// Android's own permissions without what they all begin with.
fn short(permission: &str) -> String {
    permission.strip_prefix("android.permission.").unwrap_or(permission).to_owned()
}

fn kind_of(component: &Component) -> &'static str {
    use model::fact::app::ComponentKind::*;
    match component.kind {
        Activity => "activity",
        ActivityAlias => "activity-alias",
        Service => "service",
        Receiver => "receiver",
        Provider => "provider",
    }
}

/// A component in words: whether others can open it, and what stands before it.
fn component_of(component: &Component, app: &App) -> String {
    let mut said = Vec::new();
    let guard = component.permission.as_deref().filter(|it| !it.is_empty());
    match (component.is_exported(app.effective_target_sdk()), guard) {
        (true, None) => said.push("exported".to_owned()),
        (true, Some(guard)) => said.push(format!("exported behind {guard}")),
        (false, _) => said.push("internal".to_owned()),
    }
    if !component.enabled {
        said.push("disabled".to_owned());
    }
    for (what, value) in [
        ("read", &component.read_permission),
        ("write", &component.write_permission),
        ("process", &component.process),
        ("for", &component.target_activity),
    ] {
        if let Some(value) = value {
            said.push(format!("{what} {value}"));
        }
    }
    let actions: Vec<String> = component.filters.iter().flat_map(|it| it.actions.clone()).collect();
    if !actions.is_empty() {
        said.push(format!("listens to {}", actions.join(" ")));
    }
    let rest = serde_json::json!({
        "authorities": component.authorities,
        "grants": component.grant_uri_permissions,
        "paths": component.path_permissions,
        "isolated": component.isolated,
        "single": component.single_user,
        "filters": component.filters.iter().map(|it| (&it.categories, &it.data, it.priority)).collect::<Vec<_>>(),
    });
    // What is seldom set is part of what is compared, and told only where it is set.
    for (name, value) in rest.as_object().into_iter().flatten() {
        let is_empty = value.as_array().is_some_and(|it| it.is_empty()) || *value == serde_json::Value::Bool(false);
        if !is_empty && name != "filters" {
            said.push(format!("{name} {value}"));
        } else if name == "filters"
            && value.as_array().is_some_and(|it| it.iter().any(|it| it[1] != serde_json::json!([])))
        {
            said.push(format!("filters {value}"));
        }
    }
    said.join(", ")
}

/// What else a manifest says, one text a statement.
fn rest_of(app: &App) -> BTreeSet<String> {
    let rest = App {
        package: String::new(),
        version_code: None,
        version_name: None,
        shared_user_id: None,
        uses_permissions: Vec::new(),
        permissions: Vec::new(),
        components: Vec::new(),
        // Resources are compared as such.
        label: None,
        ..app.clone()
    };
    let statements = serde_json::to_value(rest).unwrap_or_default();
    let lines = statements.as_object().into_iter().flatten();
    lines.filter(|it| !it.1.is_null()).map(|(name, value)| format!("{name} {value}")).collect()
}
