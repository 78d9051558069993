//! `cargo xtask oracle sepolicy FILE…`: SELinux policies beside what Debian's `setools` says of them; with `--made N`, so
//! many that are made up as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use formats::sepolicy::{Policydb, Rule, RuleKind};

use super::policy_made;

/// Compares counts, all rules that allow something, and who may use what, of every policy.
pub fn run(args: &[&str]) -> Result<()> {
    // With how many domains and types are asked for.
    let mut files: Vec<(String, usize, usize)> = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--made" {
            let n = args.next().and_then(|it| it.parse().ok()).context("how many? give a number")?;
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracle/policies");
            files.extend(policy_made::make(&folder, n)?.into_iter().map(|it| (it.display().to_string(), 3, 2)));
        } else {
            files.push(((*arg).to_owned(), DOMAINS, REVERSE));
        }
    }
    if files.is_empty() {
        bail!("name at least one binary policy, or say how many to make");
    }
    let mut faults = 0;
    for (file, n_domains, n_types) in &files {
        let bytes = fs::read(file).with_context(|| file.clone())?;
        let (policydb, end, result) = Policydb::read(&bytes);
        if let Err(fault) = result {
            println!("{file}: {fault}");
            faults += 1;
            continue;
        }
        if end != bytes.len() as u64 {
            println!("{file}: {} bytes are left", bytes.len() as u64 - end);
            faults += 1;
        }
        faults += counts(file, &policydb)? + rules(file, &policydb)? + domains(file, &policydb, *n_domains, *n_types)?;
    }
    match faults {
        0 => Ok(()),
        n => bail!("{n} answers differ"),
    }
}

/// `seinfo`, number by number.
fn counts(file: &str, policydb: &Policydb) -> Result<u64> {
    let text = said("seinfo", &[file])?;
    let theirs = |what: &str| -> Option<u64> {
        let rest = text.split_once(&format!("{what}:"))?.1;
        rest.split_whitespace().next()?.parse().ok()
    };
    let of = |kind: RuleKind| policydb.rules.iter().filter(|it| it.kind == kind).count() as u64;
    let attributes = policydb.types.values().filter(|it| it.is_attribute).count() as u64;
    let ours = [
        ("Classes", policydb.classes.len() as u64),
        ("Types", policydb.types.len() as u64 - attributes),
        ("Attributes", attributes),
        ("Users", policydb.counts.users),
        ("Roles", policydb.counts.roles),
        ("Booleans", policydb.counts.booleans),
        ("Sensitivities", policydb.counts.levels),
        ("Categories", policydb.counts.categories),
        ("Cond. Expr.", policydb.counts.conditionals),
        ("Allow", of(RuleKind::Allow)),
        ("Auditallow", of(RuleKind::AuditAllow)),
        ("Dontaudit", of(RuleKind::DontAudit)),
        ("Type_trans", of(RuleKind::Transition) + policydb.counts.filename_transitions),
        ("Type_change", of(RuleKind::Change)),
        ("Type_member", of(RuleKind::Member)),
        ("Permissives", policydb.permissive.len() as u64),
        ("Initial SIDs", policydb.counts.initial_sids),
        ("Fs_use", policydb.counts.fs_uses),
        ("Genfscon", policydb.counts.genfs),
        ("Portcon", policydb.counts.ports),
    ];
    let mut faults = 0;
    for (what, ours) in ours {
        let theirs = theirs(what).with_context(|| format!("seinfo does not tell {what}"))?;
        if ours != theirs {
            println!("{file}: {what}: {ours}, seinfo says {theirs}");
            faults += 1;
        }
    }
    println!("{file}: {} numbers of seinfo compared, {faults} differ", ours.len());
    Ok(faults)
}

/// `sesearch -A`: every rule that allows something, as text; those that a boolean decides about are counted.
fn rules(file: &str, policydb: &Policydb) -> Result<u64> {
    let ours: BTreeSet<String> = policydb
        .rules
        .iter()
        .filter(|it| it.kind == RuleKind::Allow && it.conditional.is_none())
        .map(|rule| {
            let permissions: Vec<String> = policydb.permissions(rule.class, rule.data).into_iter().collect();
            let name = |value| policydb.name_of_type(value).unwrap_or("?");
            let class = policydb.classes.get(&rule.class).map_or("?", |it| &it.name);
            line_of(name(rule.source), name(rule.target), class, &permissions)
        })
        .collect();
    let text = said("sesearch", &["-A", file])?;
    let theirs: BTreeSet<String> = text.lines().filter_map(normal).collect();
    let mut differ = ours.symmetric_difference(&theirs).count() as u64;
    let conditional = |it: &&Rule| it.kind == RuleKind::Allow && it.conditional.is_some();
    let (ours_conditional, theirs_conditional) =
        (policydb.rules.iter().filter(conditional).count(), text.lines().filter(|it| is_conditional(it)).count());
    if ours_conditional != theirs_conditional {
        println!("{file}: {ours_conditional} conditional rules, sesearch says {theirs_conditional}");
        differ += 1;
    }
    differ += extended(file, policydb)?;
    for line in ours.symmetric_difference(&theirs).take(5) {
        println!("{file}: only {}: {line}", if ours.contains(line) { "ours" } else { "sesearch" });
    }
    println!("{file}: {} rules of sesearch compared, {differ} differ", theirs.len());
    Ok(differ)
}

/// `sesearch --allowxperm`: the numbers of `ioctl` that are allowed.
fn extended(file: &str, policydb: &Policydb) -> Result<u64> {
    let mut ours: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for rule in policydb.rules.iter().filter(|it| it.kind == RuleKind::AllowExtended) {
        let Some((how, driver, bits)) = rule.extended else { continue };
        let name = |value| policydb.name_of_type(value).unwrap_or("?");
        let class = policydb.classes.get(&rule.class).map_or("?", |it| &it.name);
        let numbers = ours.entry(format!("{} {} {class}", name(rule.source), name(rule.target))).or_default();
        let set = (0..256u32).filter(|it| bits[(it / 32) as usize] & (1 << (it % 32)) != 0);
        for bit in set {
            match how {
                FUNCTIONS => _ = numbers.insert(u32::from(driver) << 8 | bit),
                _ => numbers.extend((0..256).map(|it| bit << 8 | it)),
            }
        }
    }
    let mut theirs: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for line in said("sesearch", &["--allowxperm", file])?.lines() {
        let Some((names, rest)) = line.strip_prefix("allowxperm ").and_then(|it| it.split_once(':')) else { continue };
        let Some((class, rest)) = rest.split_once(" ioctl ") else { continue };
        let numbers = theirs.entry(format!("{names} {class}")).or_default();
        for word in rest.trim_matches(|it| " {};".contains(it)).split_whitespace() {
            let number = |it: &str| u32::from_str_radix(it.trim_start_matches("0x"), 16);
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            numbers.extend(number(first)?..=number(last)?);
        }
    }
    if ours != theirs {
        println!("{file}: {} sets of ioctl numbers, sesearch says {}, or other numbers", ours.len(), theirs.len());
    }
    Ok(u64::from(ours != theirs))
}

/// `sesearch -A -s DOMAIN`: what a domain may do, by its attributes too; and who may do something to a type.
fn domains(file: &str, policydb: &Policydb, n_domains: usize, n_types: usize) -> Result<u64> {
    let mut types: Vec<(&u32, &str)> =
        policydb.types.iter().filter(|it| !it.1.is_attribute).map(|it| (it.0, it.1.name.as_str())).collect();
    types.sort_by_key(|it| it.1);
    let step = (types.len() / n_domains).max(1);
    let chosen: Vec<(u32, &str)> = types
        .iter()
        .enumerate()
        .filter(|it| it.0 % step == 0 || ALWAYS.contains(&it.1.1))
        .map(|it| (*it.1.0, it.1.1))
        .collect();
    let mut faults = 0;
    for (value, name) in &chosen {
        let mut ours: BTreeSet<String> = BTreeSet::new();
        for rule in policydb.allows_to(*value).filter(|it| it.conditional.is_none()) {
            let permissions: Vec<String> = policydb.permissions(rule.class, rule.data).into_iter().collect();
            let name = |value| policydb.name_of_type(value).unwrap_or("?");
            let class = policydb.classes.get(&rule.class).map_or("?", |it| &it.name);
            ours.insert(line_of(name(rule.source), name(rule.target), class, &permissions));
        }
        let theirs: BTreeSet<String> =
            said("sesearch", &["-A", "-s", name, file])?.lines().filter_map(normal).collect();
        if ours != theirs {
            println!("{file}: {name}: {} rules, sesearch says {}", ours.len(), theirs.len());
            faults += 1;
        }
    }
    // The other way round: who may open what, worked out from all rules of sesearch with the members of attributes.
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (value, it) in &policydb.types {
        let names = policydb.members(*value);
        members.insert(&it.name, names.into_iter().filter_map(|it| policydb.name_of_type(it)).collect());
    }
    let booleans = said("seinfo", &["-x", file, "-b"])?;
    for (value, name) in chosen.iter().take(n_types) {
        let ours: BTreeSet<&str> = policydb.who_may(*value, "file", "open").into_iter().collect();
        let text = said("sesearch", &["-A", "-t", name, "-c", "file", "-p", "open", file])?;
        let holding = text.lines().filter(|it| holds(it, &booleans));
        let sources = holding.filter_map(|it| it.strip_prefix("allow ")?.split_whitespace().next());
        let theirs: BTreeSet<&str> = sources.flat_map(|it| members.get(it).cloned().unwrap_or_default()).collect();
        if ours != theirs {
            println!("{file}: who may open {name}: {} domains, sesearch says {}", ours.len(), theirs.len());
            faults += 1;
        }
    }
    println!("{file}: {} domains and {} types compared, {faults} differ", chosen.len(), chosen.len().min(n_types));
    Ok(faults)
}

fn line_of(source: &str, target: &str, class: &str, permissions: &[String]) -> String {
    format!("{source} {target} {class} {}", permissions.join(" "))
}

/// `allow a b:c { d e }; [ boolean ]:True`.
fn is_conditional(line: &str) -> bool {
    line.starts_with("allow ") && line.contains("; [")
}

/// Whether a rule now holds: where `seinfo` says `bool b true;`, what is marked `[ b ]:True` does.
fn holds(line: &str, booleans: &str) -> bool {
    let Some((_, condition)) = line.split_once("; [") else { return true };
    let Some((name, branch)) = condition.split_once("]:") else { return true };
    let is_set = booleans.lines().any(|it| it.trim() == format!("bool {} true;", name.trim()));
    is_set == branch.trim().starts_with("True")
}

/// `allow a b:c { d e };` as we write it; `self` is the type itself. Nothing for a rule that a boolean decides about.
fn normal(line: &str) -> Option<String> {
    if is_conditional(line) {
        return None;
    }
    let rest = line.trim().strip_prefix("allow ")?;
    let (names, permissions) = rest.split_once(':')?;
    let (source, target) = names.split_once(' ')?;
    let (class, permissions) = permissions.trim_end_matches(';').split_once(' ')?;
    let mut permissions: Vec<String> =
        permissions.trim_matches(|it| matches!(it, '{' | '}' | ' ')).split_whitespace().map(str::to_owned).collect();
    permissions.sort();
    Some(line_of(source, if target == "self" { source } else { target }, class, &permissions))
}

fn said(program: &str, args: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(args).output().with_context(|| format!("{program} (Debian package setools)"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// `AVTAB_XPERMS_IOCTLFUNCTION`.
const FUNCTIONS: u8 = 1;

/// How many domains are asked for, spread over all, and how many types.
const DOMAINS: usize = 40;
const REVERSE: usize = 20;

/// Domains that matter most.
const ALWAYS: [&str; 5] = ["untrusted_app", "system_app", "shell", "init", "system_server"];
