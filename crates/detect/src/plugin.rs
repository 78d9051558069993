//! What detectors share that judge code which loads other code of the phone: from which file, and what that file does.

use std::collections::BTreeSet;

use model::fact::call::CodeCall;
use model::fact::flow::Flow;
use model::finding::{Concealment, Power, Reach, Step};
use model::{ArtifactId, Evidence, Location, Row};

use crate::Context;
use crate::way::{evidence_of, flow_of, power_of};

/// A file of code that something else loads by its path.
pub(crate) struct Plugin<'a> {
    /// The call that loads, or the first that leads there.
    pub call: &'a Row<CodeCall>,
    /// Where the phone has the file.
    pub path: &'a str,
    /// The file.
    pub file: ArtifactId,
    /// The call that loads this file: another one than the first, in a chain.
    pub load: &'a Row<CodeCall>,
    /// Whether that call itself is given the path; else its class names it.
    pub direct: bool,
    /// Files on the way to the last one, each loaded by the one before.
    pub through: Way<'a>,
}

/// Calls that load, each with the file that it loads.
type Way<'a> = Vec<(&'a Row<CodeCall>, &'a str)>;

/// Every file of code outside the folders of apps and libraries that code outside it loads by name; followed from file to
/// file.
pub(crate) fn plugins<'a>(context: &Context<'a>) -> Vec<Plugin<'a>> {
    let mut plugins = Vec::new();
    let mut seen: BTreeSet<(ArtifactId, ArtifactId)> = BTreeSet::new();
    let loads =
        || context.phone.facts.calls.iter().filter(|it| matches!(it.value.what.as_str(), "load-code" | "load-native"));
    for call in loads().filter(|it| context.phone.is_running(it.at.artifact)) {
        let mut next: Vec<(&Row<CodeCall>, Way)> = vec![(call, Vec::new())];
        while let Some((load, through)) = next.pop() {
            for (path, direct) in paths_of(&load.value) {
                let Some((path, file)) = file_at(context, path) else { continue };
                let own = |id: ArtifactId| context.phone.tree.ancestors(id).any(|it| it.id == file);
                if own(load.at.artifact) || through.len() == DEPTH_MAX || !seen.insert((call.at.artifact, file)) {
                    continue;
                }
                let mut longer = through.clone();
                longer.push((load, path));
                for inner in loads().filter(|it| own(it.at.artifact)) {
                    next.push((inner, longer.clone()));
                }
                plugins.push(Plugin { call, path, file, load, direct, through: through.clone() });
            }
        }
    }
    plugins
}

fn paths_of(call: &CodeCall) -> Vec<(&str, bool)> {
    let direct: Vec<&str> = call.args.first().into_iter().flatten().flat_map(|it| it.split(':')).collect();
    let beside = call.paths.iter().map(String::as_str).filter(|it| !direct.contains(it));
    direct.iter().map(|it| (*it, true)).chain(beside.map(|it| (it, false))).collect()
}

/// A file of code at a path, where neither the package manager nor the runtime looks for any.
fn file_at<'a>(context: &Context<'a>, path: &str) -> Option<(&'a str, ArtifactId)> {
    const USUAL: &[&str] =
        &["/app/", "/priv-app/", "/framework/", "/lib/", "/lib64/", "/overlay/", "/apex/", "/data-app/"];
    if USUAL.iter().any(|it| path.contains(it)) || is_library(context, path) {
        return None;
    }
    let facts = &context.phone.facts;
    let file = *context.phone.at(path).first()?;
    let inside = |at: &Location| context.phone.tree.ancestors(at.artifact).any(|it| it.id == file);
    let is_code = facts.code.iter().any(|it| inside(&it.at)) || facts.elfs.iter().any(|it| it.at.artifact == file);
    is_code.then(|| (context.phone.device_path(file), file))
}

/// Whether the phone declares a file as a library that apps may use.
fn is_library(context: &Context, path: &str) -> bool {
    use model::fact::sysconfig::Entry;
    let entries = context.phone.running(&context.phone.facts.sysconfig);
    entries.into_iter().any(|it| matches!(&it.value, Entry::Library { file, .. } if file == path))
}

/// What a plug-in does: the flow that weighs most, with who can use it and what they get.
pub(crate) struct Deed<'a> {
    pub row: &'a Row<Flow>,
    pub reach: Reach,
    pub power: Power,
}

impl<'a> Plugin<'a> {
    /// The gravest of its flows: orders from the network, then data that leaves.
    pub fn deed(&self, context: &Context<'a>) -> Option<Deed<'a>> {
        let flows = context.phone.facts.flows.iter().filter(|it| it.at.artifact == self.file && !it.value.bundled);
        let deed = |row: &'a Row<Flow>| {
            let flow = &row.value;
            let remote = matches!(flow.source.as_str(), "network-input" | "push-message" | "sms-content");
            match power_of(&flow.sink) {
                Some(power) if remote && flow.secret.is_none() => Some(Deed { row, reach: Reach::Remote, power }),
                _ if IDENTIFIERS.contains(&flow.source.as_str()) && flow.sink == "network-output" => {
                    Some(Deed { row, reach: Reach::Remote, power: Power::Data })
                }
                _ => None,
            }
        };
        flows.filter_map(deed).min_by_key(|it| (it.power, it.row.value.way.indirect, it.row.value.way.steps.len()))
    }

    /// Whether its name says that it is code.
    pub fn concealment(&self) -> Concealment {
        let name = self.path.to_ascii_lowercase();
        let plain = [".jar", ".apk", ".dex", ".zip", ".so", ".odex", ".vdex"].iter().any(|it| name.ends_with(it));
        if plain { Concealment::None } else { Concealment::Misleading }
    }

    /// How the file is come to.
    pub fn evidence(&self, deed: Option<&Deed>) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        let load = |call: &Row<CodeCall>, path: &str| {
            let how = if call.value.args.iter().flatten().any(|it| it.contains(path)) {
                "loads"
            } else {
                "loads code, and its class names"
            };
            Evidence::at(call.at, format!("{}.{} {how} {path}", call.value.class, call.value.method))
        };
        for (call, path) in &self.through {
            evidence.push(load(call, path));
        }
        evidence.push(load(self.load, self.path));
        evidence.push(Evidence::artifact(self.file, format!("{} holds code", self.path)));
        if let Some(deed) = deed {
            evidence.extend(evidence_of(deed.row.at, &deed.row.value.way));
        }
        evidence
    }

    /// The way of what it does.
    pub fn flow(&self, deed: Option<&Deed>) -> Vec<Step> {
        let load = |call: &Row<CodeCall>, path: &str| Step {
            at: call.at,
            class: call.value.class.clone(),
            method: call.value.method.clone(),
            what: format!("loads {path}"),
        };
        let loads = self.through.iter().map(|it| load(it.0, it.1)).chain([load(self.load, self.path)]);
        let way = deed.map(|it| flow_of(it.row.at, &it.row.value.way)).unwrap_or_default();
        loads.chain(way).collect()
    }
}

/// What tells a person or a phone apart.
const IDENTIFIERS: &[&str] = &[
    "device-identifier",
    "subscriber-identifier",
    "phone-number",
    "network-identifier",
    "location",
    "account",
    "contacts",
    "provider-data",
    "sms-content",
    "call-log",
    "installed-apps",
    "browser-history",
    "media",
    "calendar",
];

/// A plug-in that loads a plug-in, and so on. A file is gone to once for each that loads it, so that circles end; a longer chain
/// than this nobody could read.
const DEPTH_MAX: usize = 64;
