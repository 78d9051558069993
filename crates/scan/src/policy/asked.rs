//! Questions to the policy that a phone loads: who can reach something, what a domain may do, where outsiders get.

use std::collections::{BTreeMap, BTreeSet};

use formats::sepolicy::{Level, Policydb, Prepared, Rule, RuleKind, grants_of, is_outside};
use knowledge::{Feeds, PolicyBaseline};
use model::Store;
use model::fact::context::ContextKind;
use model::fact::policy::Grant;
use model::policy::{PolicyAnswer, Transition, Unconfined, Who, WhoLine};
use phone::Phone;
use surface::Contexts;

use super::{Loaded, broken, loaded};
use crate::inspect::{Inspect, assemble};
use crate::{InputError, Progress};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// A class and a permission: who has it.
    pub who_can: Option<(String, String)>,
    /// On what: a type, a path, a property or a service.
    pub on: Option<String>,
    /// What this domain may do.
    pub domain: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The input cannot be opened.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The question cannot be asked.
    #[error("{0}")]
    Question(String),
}

/// Opens a phone and asks its policy.
pub fn policy(
    inputs: &[std::path::PathBuf],
    question: &Question,
    store: &Store,
    progress: &dyn Progress,
) -> Result<PolicyAnswer, Unanswered> {
    let feeds = Feeds::default();
    let inspect = Inspect { inputs, flows: false, feeds: &feeds, contents: false, fec: false };
    let (phone, _, _) = assemble(&inspect, store, None, progress)?;
    let Some(loaded) = loaded(&phone) else {
        return Err(Unanswered::Question("there is no policy in it that can be read".to_owned()));
    };
    answer(&phone, &loaded, question)
}

fn answer(phone: &Phone, loaded: &Loaded, question: &Question) -> Result<PolicyAnswer, Unanswered> {
    let policydb = &loaded.policydb;
    let prepared = policydb.prepared();
    let contexts = Contexts::of(phone);
    let name = |it: u32| policydb.name_of_type(it).unwrap_or("?").to_owned();
    let mut permissive: Vec<String> = policydb.permissive.iter().map(|it| name(*it)).collect();
    permissive.sort();
    let android = phone.sdk().filter(|it| PolicyBaseline::bundled().knows(*it));
    let stale = loaded
        .stale
        .iter()
        .flat_map(|(id, why)| why.iter().map(|it| format!("{}: {it}", phone.device_path(*id))).collect::<Vec<_>>());
    let who = match (&question.who_can, &question.on) {
        (Some((class, permission)), Some(on)) => Some(who(phone, &prepared, &contexts, class, permission, on)?),
        (None, None) => None,
        _ => return Err(Unanswered::Question("who can do what, and on what? both are needed".to_owned())),
    };
    let may = question.domain.as_deref().map(|it| may(policydb, &prepared, it)).transpose()?;
    Ok(PolicyAnswer {
        schema: 1,
        device_path: phone.device_path(loaded.at.artifact).to_owned(),
        kind: if loaded.is_linked { "linked" } else { "binary" }.to_owned(),
        version: Some(policydb.version).filter(|it| *it != 0),
        n_types: policydb.n_types() as u64,
        n_rules: policydb.rules.len() as u64,
        stale: stale.collect(),
        gaps: loaded.gaps.clone(),
        permissive,
        unconfined: unconfined(&prepared),
        transitions: transitions(phone, &prepared, &contexts),
        android,
        more: android.map(|it| more(policydb, it)).unwrap_or_default(),
        broken: broken(loaded, phone.sdk()),
        who,
        may,
    })
}

/// What outsiders may do that Android's own policy does not let them.
fn more(policydb: &Policydb, level: u32) -> Vec<Grant> {
    let baseline = PolicyBaseline::bundled();
    let mut more = grants_of(policydb);
    // The table says nothing of services of hardware.
    more.retain(|it| it.class != "hwservice_manager");
    for grant in &mut more {
        let Grant { domain, target, class, permissions } = grant;
        permissions.retain(|it| !baseline.allows(level, domain, target, class, it));
    }
    more.retain(|it| !it.permissions.is_empty());
    more
}

/// Who has a permission on something; those in which nothing is enforced have all.
fn who(
    phone: &Phone,
    prepared: &Prepared,
    contexts: &Contexts,
    class: &str,
    permission: &str,
    on: &str,
) -> Result<Who, Unanswered> {
    let policydb = prepared.policydb;
    let wrong = |what: String| Unanswered::Question(what);
    let number = policydb.class_of(class).ok_or_else(|| wrong(format!("the policy has no class {class}")))?;
    let bit = policydb.bit_of(number, permission);
    let bit = bit.ok_or_else(|| wrong(format!("the class {class} has no permission {permission}")))?;
    let target = type_of(policydb, contexts, class, on);
    let target = target.ok_or_else(|| wrong(format!("no type, and no label of {on} is known")))?;
    let value = policydb.type_of(&target).filter(|it| policydb.types.get(it).is_some_and(|it| !it.is_attribute));
    let value = value.ok_or_else(|| wrong(format!("{on} is labelled {target}, which the policy does not have")))?;
    let above = levelled(phone);
    let mut domains: BTreeMap<&str, WhoLine> = BTreeMap::new();
    for allowed in prepared.who_may(value, number, bit) {
        let Some(source) = policydb.type_of(allowed.domain) else { continue };
        let level = if above.contains(allowed.domain) { Level::Above } else { Level::Same };
        let numbers = match permission {
            "ioctl" => prepared.numbers_of(source, value, number).map(|it| ranges_of(&it)).unwrap_or_default(),
            _ => Vec::new(),
        };
        domains.insert(
            allowed.domain,
            WhoLine {
                domain: allowed.domain.to_owned(),
                rule: said(policydb, allowed.rule),
                constrained: prepared.is_constrained(source, value, number, bit, level),
                numbers,
            },
        );
    }
    for domain in policydb.permissive.iter().filter_map(|it| policydb.name_of_type(*it)) {
        let line = WhoLine { domain: domain.to_owned(), rule: "permissive".to_owned(), ..WhoLine::default() };
        domains.insert(domain, line);
    }
    Ok(Who {
        class: class.to_owned(),
        permission: permission.to_owned(),
        on: on.to_owned(),
        target,
        domains: domains.into_values().collect(),
    })
}

/// The type of what is asked about: its name, or what labels a path, a property or a service.
fn type_of(policydb: &Policydb, contexts: &Contexts, class: &str, on: &str) -> Option<String> {
    if policydb.type_of(on).is_some() {
        return Some(on.to_owned());
    }
    let label = match class {
        "property_service" => contexts.type_of_property(on),
        "service_manager" => contexts.type_of_service(on),
        _ => None,
    };
    let label = label.or_else(|| contexts.type_of_path(on).filter(|_| on.starts_with('/')));
    // What has no label of its own: proc, sys and kin; the longest beginning that is named.
    let generic = || {
        let within = |mount: &str| on.strip_prefix(mount);
        let (fs, path) = MOUNTS.iter().find_map(|(mount, fs)| Some((*fs, within(mount)?)))?;
        let rules = policydb.genfs.iter().filter(|it| it.fs == fs && path.starts_with(it.path.trim_end_matches('/')));
        policydb.name_of_type(rules.max_by_key(|it| it.path.len())?.label)
    };
    // The rule for everything below `/` says nothing of them.
    let label = if MOUNTS.iter().any(|it| on.starts_with(it.0)) { generic().or(label) } else { label };
    label.map(str::to_owned)
}

/// Domains of apps that run at a level of their own, by `seapp_contexts`.
fn levelled(phone: &Phone) -> BTreeSet<String> {
    let rules = phone.running(&phone.facts.contexts).filter(|it| it.value.kind == ContextKind::Seapp);
    let words =
        rules.map(|it| it.value.context.split(' ').filter_map(|it| it.split_once('=')).collect::<BTreeMap<_, _>>());
    let own = words.filter(|it| {
        it.get("levelFrom").is_some_and(|it| *it != "none") || it.get("levelFromUid").is_some_and(|it| *it == "true")
    });
    own.filter_map(|it| it.get("domain").map(|it| (*it).to_owned())).collect()
}

/// What a domain may do, all of it.
fn may(policydb: &Policydb, prepared: &Prepared, domain: &str) -> Result<Vec<Grant>, Unanswered> {
    let value = policydb.type_of(domain).filter(|it| policydb.types.get(it).is_some_and(|it| !it.is_attribute));
    let value = value.ok_or_else(|| Unanswered::Question(format!("the policy has no domain {domain}")))?;
    let grants = prepared.access_of(value).into_iter().filter_map(|((target, class), bits)| {
        Some(Grant {
            domain: domain.to_owned(),
            target: policydb.name_of_type(target)?.to_owned(),
            class: policydb.classes.get(&class)?.name.clone(),
            permissions: policydb.permissions(class, bits).into_iter().collect(),
        })
    });
    let mut grants: Vec<Grant> = grants.collect();
    grants.sort();
    Ok(grants)
}

/// Domains that may do everything by name, or change what is enforced.
fn unconfined(prepared: &Prepared) -> Vec<Unconfined> {
    let policydb = prepared.policydb;
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    if let Some(attribute) = policydb.type_of("unconfineddomain") {
        for domain in prepared.members(attribute).iter().filter_map(|it| policydb.name_of_type(*it)) {
            found.insert(domain, "it has the attribute unconfineddomain".to_owned());
        }
    }
    if let Some(class) = policydb.class_of("security") {
        for permission in ["load_policy", "setenforce"] {
            let Some(bit) = policydb.bit_of(class, permission) else { continue };
            let rules = policydb.rules.iter().filter(|it| it.kind == RuleKind::Allow && it.conditional != Some(false));
            for rule in rules.filter(|it| it.class == class && it.data & bit != 0) {
                for domain in prepared.members(rule.source).iter().filter_map(|it| policydb.name_of_type(*it)) {
                    found.entry(domain).or_insert_with(|| said(policydb, rule));
                }
            }
        }
    }
    found.into_iter().map(|(domain, why)| Unconfined { domain: domain.to_owned(), why }).collect()
}

/// Where apps and the shell get by starting programs, nearest first.
fn transitions(phone: &Phone, prepared: &Prepared, contexts: &Contexts) -> Vec<Transition> {
    let policydb = prepared.policydb;
    let roots = root_services(phone, prepared, contexts);
    let mut found = Vec::new();
    for (value, domain) in policydb.types.iter().filter(|it| !it.1.is_attribute && is_outside(&it.1.name)) {
        let mut seen: BTreeSet<u32> = BTreeSet::from([*value]);
        let mut ends = vec![(*value, vec![domain.name.clone()])];
        for _ in 0..STEPS_MAX {
            let mut next = Vec::new();
            for (end, domains) in &ends {
                for (to, entry) in prepared.transitions_of(*end) {
                    let Some(to_value) = policydb.type_of(to).filter(|it| seen.insert(*it)) else { continue };
                    let mut domains = domains.clone();
                    domains.push(to.to_owned());
                    found.push(Transition {
                        domains: domains.clone(),
                        entry: entry.to_owned(),
                        root_services: roots.get(to).cloned().unwrap_or_default(),
                    });
                    next.push((to_value, domains));
                }
            }
            ends = next;
        }
    }
    found.sort_by(|a, b| (a.domains.len(), &a.domains).cmp(&(b.domains.len(), &b.domains)));
    found
}

/// Services that init runs as root, by the domain in which they run.
fn root_services(phone: &Phone, prepared: &Prepared, contexts: &Contexts) -> BTreeMap<String, Vec<String>> {
    let policydb = prepared.policydb;
    let init = policydb.type_of("init");
    let mut roots: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for service in phone.services.values().filter(|it| it.user() == "root") {
        let stated = service.service.seclabel.as_deref().and_then(|it| it.split(':').nth(2));
        let by_file = || {
            let file = policydb.type_of(contexts.type_of_path(service.program())?)?;
            let mut rules = prepared.rules_of(init?).filter(|it| it.kind == RuleKind::Transition);
            let rule = rules.find(|it| prepared.members(it.target).contains(&file))?;
            policydb.name_of_type(rule.data)
        };
        if let Some(domain) = stated.or_else(by_file) {
            roots.entry(domain.to_owned()).or_default().push(service.service.name.clone());
        }
    }
    roots
}

/// `allow a b:c { d e }`.
fn said(policydb: &Policydb, rule: &Rule) -> String {
    let name = |it: u32| policydb.name_of_type(it).unwrap_or("?");
    let class = policydb.classes.get(&rule.class).map_or("?", |it| &it.name);
    let permissions: Vec<String> = policydb.permissions(rule.class, rule.data).into_iter().collect();
    format!("allow {} {}:{class} {{ {} }}", name(rule.source), name(rule.target), permissions.join(" "))
}

/// `0x5401-0x5403`.
fn ranges_of(numbers: &BTreeSet<u32>) -> Vec<String> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut().filter(|it| it.1.checked_add(1) == Some(*number)) {
            Some(range) => range.1 = *number,
            None => ranges.push((*number, *number)),
        }
    }
    let said = |(first, last): (u32, u32)| match first == last {
        true => format!("{first:#06x}"),
        false => format!("{first:#06x}-{last:#06x}"),
    };
    ranges.into_iter().map(said).collect()
}

/// File systems whose files are labelled by their path within.
const MOUNTS: [(&str, &str); 4] =
    [("/proc", "proc"), ("/sys/kernel/debug", "debugfs"), ("/sys/fs/selinux", "selinuxfs"), ("/sys", "sysfs")];

/// Programs that start programs.
const STEPS_MAX: usize = 3;
