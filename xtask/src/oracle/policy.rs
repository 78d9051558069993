//! `cargo xtask oracle sepolicy FILE…`: SELinux policies beside what Debian's `setools` says of them; with `--made N`, so
//! many that are made up as well; a folder with policies in CIL is linked, and held against `secilc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use formats::sepolicy::{Policydb, Rule, RuleKind};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{policy_linked, policy_made};

/// Compares counts, all rules that allow something, and who may use what, of every policy.
pub fn run(args: &[&str]) -> Result<()> {
    let mut files: Vec<(String, How)> = Vec::new();
    let (mut faults, mut linked) = (0, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--made" {
            let n = args.next().and_then(|it| it.parse().ok()).context("how many? give a number")?;
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracle/policies");
            files.extend(policy_made::make(&folder, n)?.into_iter().map(|it| (it.display().to_string(), MADE)));
        } else if *arg == "--made-cil" {
            let n = args.next().and_then(|it| it.parse().ok()).context("how many? give a number")?;
            faults += policy_linked::made(n)?;
            linked = true;
        } else if let Some(texts) = arg.strip_prefix("--cil=") {
            let texts: Vec<&Path> = texts.split(',').map(Path::new).collect();
            faults += policy_linked::compare(&texts)?;
            linked = true;
        } else {
            files.push(((*arg).to_owned(), REAL));
        }
    }
    if files.is_empty() && linked {
        return if faults == 0 { Ok(()) } else { bail!("{faults} linked policies differ") };
    }
    if files.is_empty() {
        bail!("name at least one binary policy, or say how many to make");
    }
    let mut oracle = Oracle::start()?;
    let mut asked = 0;
    for (file, how) in &files {
        let bytes = fs::read(file).with_context(|| file.clone())?;
        let (policydb, end, result) = Policydb::read(&bytes);
        let told = Told { file, policydb: &policydb };
        let mut tally = Tally::default();
        match result {
            Err(fault) => tally.differ(format!("{file}: {fault}")),
            Ok(()) if end != bytes.len() as u64 => {
                tally.differ(format!("{file}: {} bytes are left", bytes.len() as u64 - end));
            }
            Ok(()) => told.compare(&mut oracle, *how, &mut tally)?,
        }
        println!("{file}: {} answers compared, {} differ", tally.n, tally.faults);
        (asked, faults) = (asked + tally.n, faults + tally.faults);
    }
    println!("{} policies, {asked} answers compared, {faults} differ", files.len());
    match faults {
        0 => Ok(()),
        n => bail!("{n} answers differ"),
    }
}

/// How many domains are asked for what they may do, spread over all; how many types for who may open them.
#[derive(Clone, Copy)]
struct How {
    domains: usize,
    types: usize,
}

/// A real policy has a thousand domains, and each question takes half a second.
const REAL: How = How { domains: 40, types: 20 };

/// A made one has at most 64 types.
const MADE: How = How { domains: 64, types: 8 };

/// What was compared, and what differs.
#[derive(Default)]
pub(super) struct Tally {
    pub n: u64,
    pub faults: u64,
}

impl Tally {
    fn differ(&mut self, what: String) {
        self.faults += 1;
        println!("{what}");
    }

    /// One answer beside another.
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, ours: &T, theirs: &T) {
        self.n += 1;
        if ours != theirs {
            let cut = |it: &T| format!("{it:?}").chars().take(SHOWN).collect::<String>();
            self.differ(format!("{what}: {}, setools says {}", cut(ours), cut(theirs)));
        }
    }

    /// One set of lines beside another.
    fn same_lines(&mut self, what: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
        self.n += 1;
        if ours == theirs {
            return;
        }
        self.differ(format!("{what}: {} lines, setools says {}", ours.len(), theirs.len()));
        for line in ours.symmetric_difference(theirs).take(5) {
            println!("  only {}: {line}", if ours.contains(line) { "ours" } else { "setools" });
        }
    }
}

const SHOWN: usize = 200;

/// A policy, and where it stands.
struct Told<'a> {
    file: &'a str,
    policydb: &'a Policydb,
}

impl Told<'_> {
    fn compare(&self, oracle: &mut Oracle, how: How, tally: &mut Tally) -> Result<()> {
        self.counts(oracle, tally)?;
        self.rules(oracle, tally)?;
        self.extended(oracle, tally)?;
        self.names(oracle, tally)?;
        self.domains(oracle, how, tally)
    }

    /// `seinfo`, number by number.
    fn counts(&self, oracle: &mut Oracle, tally: &mut Tally) -> Result<()> {
        let theirs: BTreeMap<String, u64> = oracle.ask(self.file, "counts", &[])?;
        let Policydb { counts, rules, types, .. } = self.policydb;
        let of = |kind: RuleKind| rules.iter().filter(|it| it.kind == kind).count() as u64;
        let attributes = types.values().filter(|it| it.is_attribute).count() as u64;
        let ours = [
            ("Classes", self.policydb.classes.len() as u64),
            ("Types", types.len() as u64 - attributes),
            ("Attributes", attributes),
            ("Users", counts.users),
            ("Roles", counts.roles),
            ("Booleans", counts.booleans),
            ("Sensitivities", counts.levels),
            ("Categories", counts.categories),
            ("Cond. Expr.", counts.conditionals),
            ("Allow", of(RuleKind::Allow)),
            ("Auditallow", of(RuleKind::AuditAllow)),
            ("Dontaudit", of(RuleKind::DontAudit)),
            ("Type_trans", of(RuleKind::Transition) + counts.filename_transitions),
            ("Type_change", of(RuleKind::Change)),
            ("Type_member", of(RuleKind::Member)),
            ("Permissives", self.policydb.permissive.len() as u64),
            ("Initial SIDs", counts.initial_sids),
            ("Fs_use", counts.fs_uses),
            ("Genfscon", counts.genfs),
            ("Portcon", counts.ports),
            ("Constraints", counts.constraints),
        ];
        for (what, ours) in ours {
            let theirs = theirs.get(what).with_context(|| format!("setools does not tell {what}"))?;
            tally.same(&format!("{}: {what}", self.file), &ours, theirs);
        }
        Ok(())
    }

    /// `sesearch -A`: every rule that allows something; those that a boolean decides about are counted.
    fn rules(&self, oracle: &mut Oracle, tally: &mut Tally) -> Result<()> {
        let allows = || self.policydb.rules.iter().filter(|it| it.kind == RuleKind::Allow);
        let ours: BTreeSet<String> =
            allows().filter(|it| it.conditional.is_none()).map(|it| self.line_of(it)).collect();
        let theirs: BTreeSet<String> = oracle.ask(self.file, "allows", &[])?;
        tally.same_lines(&format!("{}: rules", self.file), &ours, &theirs);
        let ours = allows().filter(|it| it.conditional.is_some()).count() as u64;
        let theirs: u64 = oracle.ask(self.file, "conditional_allows", &[])?;
        tally.same(&format!("{}: conditional rules", self.file), &ours, &theirs);
        Ok(())
    }

    /// `sesearch --allowxperm`: the numbers of `ioctl` that are allowed.
    fn extended(&self, oracle: &mut Oracle, tally: &mut Tally) -> Result<()> {
        let mut ours: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        for rule in self.policydb.rules.iter().filter(|it| it.kind == RuleKind::AllowExtended) {
            let key = format!("{} {} {}", self.name(rule.source), self.name(rule.target), self.class(rule.class));
            ours.entry(key).or_default().extend(rule.numbers());
        }
        let theirs: BTreeMap<String, BTreeSet<u32>> = oracle.ask(self.file, "extended", &[])?;
        tally.same(&format!("{}: numbers of ioctl", self.file), &ours, &theirs);
        Ok(())
    }

    /// Permissive domains, members of attributes, transitions of processes.
    fn names(&self, oracle: &mut Oracle, tally: &mut Tally) -> Result<()> {
        let ours: BTreeSet<String> = self.policydb.permissive.iter().map(|it| self.name(*it)).collect();
        tally.same_lines(&format!("{}: permissive", self.file), &ours, &oracle.ask(self.file, "permissive", &[])?);
        let members = |value: u32| -> BTreeSet<String> {
            self.policydb.members(value).into_iter().map(|it| self.name(it)).collect()
        };
        let attributes = self.policydb.types.iter().filter(|it| it.1.is_attribute);
        let ours: BTreeMap<String, BTreeSet<String>> =
            attributes.map(|(value, it)| (it.name.clone(), members(*value))).collect();
        tally.same(&format!("{}: attributes", self.file), &ours, &oracle.ask(self.file, "attributes", &[])?);
        let mut ours: BTreeSet<String> = BTreeSet::new();
        for rule in self.policydb.rules.iter().filter(|it| it.kind == RuleKind::Transition) {
            if rule.conditional.is_none() && self.class(rule.class) == "process" {
                for source in members(rule.source) {
                    ours.extend(
                        members(rule.target).iter().map(|it| format!("{source} {it} {}", self.name(rule.data))),
                    );
                }
            }
        }
        tally.same_lines(&format!("{}: transitions", self.file), &ours, &oracle.ask(self.file, "transitions", &[])?);
        Ok(())
    }

    /// What a domain may do, by its attributes too; and who may do something to a type.
    fn domains(&self, oracle: &mut Oracle, how: How, tally: &mut Tally) -> Result<()> {
        let mut types: Vec<(u32, &str)> = Vec::new();
        types.extend(self.policydb.types.iter().filter(|it| !it.1.is_attribute).map(|it| (*it.0, it.1.name.as_str())));
        types.sort_by_key(|it| it.1);
        let step = types.len().div_ceil(how.domains).max(1);
        let chosen: Vec<(u32, &str)> = types
            .iter()
            .enumerate()
            .filter(|it| it.0 % step == 0 || ALWAYS.contains(&it.1.1))
            .map(|it| *it.1)
            .collect();
        for (value, name) in &chosen {
            let rules = self.policydb.allows_to(*value).filter(|it| it.conditional.is_none());
            let ours: BTreeSet<String> = rules.map(|it| self.line_of(it)).collect();
            tally.same_lines(
                &format!("{}: rules for {name}", self.file),
                &ours,
                &oracle.ask(self.file, "source", &[name])?,
            );
            let ours: BTreeSet<String> = access_of(self.policydb, *value);
            tally.same_lines(
                &format!("{}: what {name} may do", self.file),
                &ours,
                &oracle.ask(self.file, "access", &[name])?,
            );
        }
        for ((value, name), (class, permission)) in chosen.iter().zip(QUESTIONS.iter().cycle()).take(how.types) {
            let ours = self.policydb.who_may(*value, class, permission).into_iter().map(str::to_owned).collect();
            let theirs: BTreeSet<String> = match self.policydb.classes.values().any(|it| it.name == *class) {
                true => oracle.ask(self.file, "who", &[name, class, permission])?,
                false => BTreeSet::new(),
            };
            tally.same_lines(&format!("{}: who may {permission} {name}:{class}", self.file), &ours, &theirs);
        }
        Ok(())
    }

    fn line_of(&self, rule: &Rule) -> String {
        let permissions: Vec<String> = self.policydb.permissions(rule.class, rule.data).into_iter().collect();
        let (source, target) = (self.name(rule.source), self.name(rule.target));
        format!("{source} {target} {} {}", self.class(rule.class), permissions.join(" "))
    }

    fn name(&self, value: u32) -> String {
        self.policydb.name_of_type(value).unwrap_or("?").to_owned()
    }

    fn class(&self, value: u32) -> &str {
        self.policydb.classes.get(&value).map_or("?", |it| &it.name)
    }
}

/// What a domain may do, a line for each type and class.
fn access_of(policydb: &Policydb, domain: u32) -> BTreeSet<String> {
    let said = |it: formats::sepolicy::Access| {
        let permissions: Vec<String> = it.permissions.into_iter().collect();
        format!("{} {} {}", it.target, it.class, permissions.join(" "))
    };
    policydb.access_of(domain).into_iter().map(said).collect()
}

/// A process that answers questions with `setools`: one for all of them, because it takes a second to start.
struct Oracle {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Result<Oracle> {
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", include_str!("../../data/sepolicy_oracle.py")]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("Debian's python3 (packages python3-setools, setools)")?;
        let questions = child.stdin.take().context("no pipe to the oracle")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe from the oracle")?);
        Ok(Oracle { child, questions, answers })
    }

    fn ask<T: DeserializeOwned>(&mut self, policy: &str, ask: &str, of: &[&str]) -> Result<T> {
        writeln!(self.questions, "{}", json!({ "policy": policy, "ask": ask, "of": of }))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let mut answer: serde_json::Value = serde_json::from_str(&line).context("setools gives no answer")?;
        if let Some(why) = answer.get("error").and_then(|it| it.as_str()) {
            bail!("{policy}: setools cannot say {ask} {of:?}: {why}");
        }
        let answer = answer.get_mut("answer").map(serde_json::Value::take).unwrap_or_default();
        serde_json::from_value(answer).with_context(|| format!("the answer to {ask}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Domains that matter most.
const ALWAYS: [&str; 5] = ["untrusted_app", "system_app", "shell", "init", "system_server"];

/// What is asked about types, one after the other.
const QUESTIONS: [(&str, &str); 6] = [
    ("file", "open"),
    ("chr_file", "ioctl"),
    ("process", "transition"),
    ("unix_stream_socket", "connectto"),
    ("property_service", "set"),
    ("dir", "add_name"),
];
