//! One policy from the files in CIL that a phone links when it starts: the platform's, the mapping, the vendor's and others.
//!
//! The result is what `secilc` writes, as far as questions are asked about it: who may do what to what.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::expand::{Expanded, Part, Statement};
use super::sets::{Bits, Sets};
use super::tree::Tree;
use crate::sepolicy::{Class, Policydb, Prepared, Rule, RuleKind, Type};

/// A linked policy.
#[derive(Debug, Default)]
pub struct Linked {
    /// The policy.
    pub policydb: Policydb,
    /// What its files forbid: a compiled policy does not hold it any more.
    pub nevers: Vec<Never>,
    /// What was not understood, or is not there.
    pub gaps: Vec<String>,
}

/// A `neverallow`, with attributes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Never {
    /// The types that may not.
    pub sources: Bits,
    /// The types to which they may not.
    pub targets: Bits,
    /// Whether it is about what a type does to itself, too.
    pub own: bool,
    /// The class.
    pub class: u32,
    /// What they may not, as bits.
    pub permissions: u32,
}

impl Linked {
    /// What a domain may do although a file of the policy forbids it: permissions as bits by type and class.
    pub fn broken_by(&self, prepared: &Prepared, domain: u32) -> BTreeMap<(u32, u32), u32> {
        let mut broken: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        let nevers: Vec<&Never> = self.nevers.iter().filter(|it| it.sources.has(index(domain))).collect();
        for ((target, class), bits) in prepared.access_of(domain) {
            let forbids = |it: &&&Never| {
                let hit = if it.own { target == domain } else { it.targets.has(index(target)) };
                it.class == class && it.permissions & bits != 0 && hit
            };
            let forbidden = nevers.iter().filter(forbids).fold(0, |sum, it| sum | it.permissions & bits);
            if forbidden != 0 {
                broken.insert((target, class), forbidden);
            }
        }
        broken
    }
}

/// Links files, in the order in which the phone names them.
pub fn link(files: &[(&str, &str)]) -> Linked {
    let mut tree = Tree::default();
    let mut gaps = Vec::new();
    for (name, text) in files {
        if let Err(fault) = tree.read(text) {
            gaps.push(format!("{name}: {fault}"));
        }
    }
    let text = Expanded::of(&tree);
    gaps.extend(text.gaps.iter().cloned());
    let mut off = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        let mut linker = Linker::new(&text, &off);
        linker.link();
        let failed: Vec<usize> = linker.failed.difference(&off).copied().collect();
        if failed.is_empty() {
            gaps.extend(linker.told());
            return Linked { policydb: linker.policydb, nevers: linker.nevers, gaps };
        }
        off.extend(failed);
    }
    gaps.push(format!("blocks that are optional depend on each other in more than {ROUNDS_MAX} steps"));
    Linked { gaps, ..Linked::default() }
}

/// How often blocks are left out because of what others, left out before, declared. Real ones are left out in two.
const ROUNDS_MAX: usize = 16;

struct Linker<'e, 't, 'a> {
    text: &'e Expanded<'t, 'a>,
    statements: Vec<Statement>,
    policydb: Policydb,
    nevers: Vec<Never>,
    /// Types and attributes by their full names.
    names: BTreeMap<String, u32>,
    aliases: BTreeMap<String, Part>,
    classes: BTreeMap<String, u32>,
    commons: BTreeMap<String, Vec<String>>,
    class_permissions: BTreeMap<String, Vec<Part>>,
    /// Permissions of a class that is made up, with what each stands for.
    class_maps: BTreeMap<String, BTreeMap<String, Vec<Part>>>,
    extended: BTreeMap<String, Part>,
    booleans: BTreeMap<String, bool>,
    /// What an attribute stands for.
    members: BTreeMap<u32, Rc<Bits>>,
    all: Bits,
    rules: BTreeMap<(RuleKind, u32, u32, u32, Option<bool>), u32>,
    rest: Vec<Rule>,
    fuel: u64,
    /// Blocks that are optional, of which a statement names what is not there.
    failed: BTreeSet<usize>,
    n_unknown: u64,
    first_unknown: Option<String>,
    unread: BTreeSet<String>,
}

impl<'e, 't, 'a> Linker<'e, 't, 'a> {
    fn new(text: &'e Expanded<'t, 'a>, off: &BTreeSet<usize>) -> Linker<'e, 't, 'a> {
        let is_on = |it: &&Statement| {
            let mut optional = it.optional;
            while let Some(number) = optional {
                if off.contains(&number) {
                    return false;
                }
                optional = text.optionals.get(number).copied().flatten();
            }
            true
        };
        Linker {
            text,
            statements: text.statements.iter().filter(is_on).copied().collect(),
            policydb: Policydb { has_types: true, ..Policydb::default() },
            nevers: Vec::new(),
            names: BTreeMap::new(),
            aliases: BTreeMap::new(),
            classes: BTreeMap::new(),
            commons: BTreeMap::new(),
            class_permissions: BTreeMap::new(),
            class_maps: BTreeMap::new(),
            extended: BTreeMap::new(),
            booleans: BTreeMap::new(),
            members: BTreeMap::new(),
            all: Bits::default(),
            rules: BTreeMap::new(),
            rest: Vec::new(),
            fuel: FUEL,
            failed: BTreeSet::new(),
            n_unknown: 0,
            first_unknown: None,
            unread: BTreeSet::new(),
        }
    }

    fn link(&mut self) {
        self.each(Linker::declare);
        self.each(Linker::relate);
        self.alias();
        self.attributes();
        self.each(Linker::rule);
        let rules = std::mem::take(&mut self.rules);
        let plain = rules.into_iter().map(|((kind, source, target, class, conditional), data)| Rule {
            kind,
            source,
            target,
            class,
            data,
            extended: None,
            conditional,
        });
        self.policydb.rules = plain.chain(std::mem::take(&mut self.rest)).collect();
        self.policydb.permissive.sort_unstable();
        self.policydb.permissive.dedup();
    }

    /// Gives every statement to a step; one that names what is not there is counted, or takes its optional block with it.
    fn each(&mut self, step: fn(&mut Self, &'a str, &[Part], Statement) -> Option<()>) {
        for statement in std::mem::take(&mut self.statements) {
            let Some((keyword, parts)) = self.text.statement(statement.part) else { continue };
            let parts: Vec<Part> = parts.collect();
            if step(self, keyword, &parts, statement).is_none() {
                match statement.optional {
                    Some(optional) => _ = self.failed.insert(optional),
                    None => {
                        self.n_unknown = self.n_unknown.saturating_add(1);
                        let words = self.text.words(statement.part).filter_map(|it| self.text.word(it)).take(SHOWN);
                        let words: Vec<&str> = words.collect();
                        self.first_unknown.get_or_insert_with(|| words.join(" "));
                    }
                }
            }
            self.statements.push(statement);
        }
    }

    /// First what has a name.
    fn declare(&mut self, keyword: &'a str, parts: &[Part], _: Statement) -> Option<()> {
        let name = || parts.first().and_then(|it| self.text.declared(*it));
        match keyword {
            "type" => self.add_type(name()?, false),
            "typeattribute" => self.add_type(name()?, true),
            "typealias" => {}
            "common" => {
                let permissions = parts.get(1).map(|it| self.words(*it)).unwrap_or_default();
                self.commons.insert(name()?, permissions);
            }
            "class" => {
                let value = u32::try_from(self.classes.len()).ok()?.checked_add(1)?;
                let (name, permissions) = (name()?, parts.get(1).map(|it| self.words(*it)).unwrap_or_default());
                let value = *self.classes.entry(name.clone()).or_insert(value);
                let class = Class { name, permissions: (1..).zip(permissions).collect() };
                self.policydb.classes.insert(value, class);
            }
            "classpermission" => _ = self.class_permissions.entry(name()?).or_default(),
            "classmap" => {
                let permissions = parts.get(1).map(|it| self.words(*it)).unwrap_or_default();
                self.class_maps.insert(name()?, permissions.into_iter().map(|it| (it, Vec::new())).collect());
            }
            "permissionx" => {
                let name = name()?;
                self.extended.insert(name, *parts.get(1)?);
            }
            "boolean" => {
                let holds = parts.get(1).and_then(|it| self.text.word(*it)) == Some("true");
                self.booleans.insert(name()?, holds);
                self.policydb.counts.booleans = self.booleans.len() as u64;
            }
            "user" => self.policydb.counts.users = self.policydb.counts.users.saturating_add(1),
            "role" => self.policydb.counts.roles = self.policydb.counts.roles.saturating_add(1),
            "sensitivity" => self.policydb.counts.levels = self.policydb.counts.levels.saturating_add(1),
            "category" => self.policydb.counts.categories = self.policydb.counts.categories.saturating_add(1),
            "sid" => self.policydb.counts.initial_sids = self.policydb.counts.initial_sids.saturating_add(1),
            "fsuse" => self.policydb.counts.fs_uses = self.policydb.counts.fs_uses.saturating_add(1),
            "portcon" => self.policydb.counts.ports = self.policydb.counts.ports.saturating_add(1),
            _ => {}
        }
        Some(())
    }

    fn add_type(&mut self, name: String, is_attribute: bool) {
        if TYPES_MAX <= self.names.len() {
            _ = self.unread.insert(format!("more than {TYPES_MAX} types"));
            return;
        }
        if self.names.contains_key(&name) {
            // The same type may be declared by several files.
            return;
        }
        let value = u32::try_from(self.names.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.names.insert(name.clone(), value);
        self.policydb.types.insert(value, Type { name, is_attribute });
        self.policydb.counts.types = self.names.len() as u64;
    }

    /// Then what says something about two names.
    fn relate(&mut self, keyword: &'a str, parts: &[Part], _: Statement) -> Option<()> {
        match (keyword, parts) {
            ("typealiasactual", [alias, actual]) => {
                let alias = self.text.declared(*alias)?;
                self.aliases.insert(alias, *actual);
            }
            ("classcommon", [class, common]) => {
                let class = *self.text.find(*class, &self.classes)?;
                let mut permissions = self.text.find(*common, &self.commons)?.clone();
                let class = self.policydb.classes.get_mut(&class)?;
                permissions.extend(std::mem::take(&mut class.permissions).into_values());
                class.permissions = (1..).zip(permissions).collect();
            }
            ("classpermissionset", [name, set]) => {
                let name = self.text.full(*name, &self.class_permissions)?;
                self.class_permissions.get_mut(&name)?.push(*set);
            }
            ("classmapping", [map, permission, set]) => {
                let map = self.text.full(*map, &self.class_maps)?;
                let permission = self.text.word(*permission)?;
                self.class_maps.get_mut(&map)?.get_mut(permission)?.push(*set);
            }
            _ => {}
        }
        Some(())
    }

    /// Other names of types, which may be other names of other names.
    fn alias(&mut self) {
        let aliases = std::mem::take(&mut self.aliases);
        for _ in 0..ALIAS_STEPS {
            for (alias, actual) in &aliases {
                if let Some(value) = self.text.find(*actual, &self.names).copied() {
                    self.names.entry(alias.clone()).or_insert(value);
                    self.policydb.aliases.insert(alias.clone(), value);
                }
            }
        }
        if let Some(missing) = aliases.keys().find(|it| !self.names.contains_key(*it)) {
            self.n_unknown = self.n_unknown.saturating_add(1);
            self.first_unknown.get_or_insert_with(|| format!("typealiasactual {missing}"));
        }
    }

    /// What every attribute stands for: those that others are made of first.
    fn attributes(&mut self) {
        let len = self.policydb.types.len().saturating_add(1);
        self.all = Bits::none(len);
        for (value, it) in &self.policydb.types {
            if !it.is_attribute {
                self.all.set(index(*value));
            }
        }
        let n_attributes = self.policydb.types.values().filter(|it| it.is_attribute).count();
        if WORDS_MAX < n_attributes.saturating_mul(self.all.0.len()) {
            _ = self.unread.insert(format!("{n_attributes} attributes of {len} types: what they stand for"));
            return;
        }
        let mut sets: BTreeMap<u32, Vec<(Part, Option<usize>)>> = BTreeMap::new();
        for statement in std::mem::take(&mut self.statements) {
            if let Some(("typeattributeset", parts)) = self.text.statement(statement.part) {
                let parts: Vec<Part> = parts.collect();
                match parts.as_slice() {
                    [name, set] if self.value(*name).is_some() => {
                        let value = self.value(*name).unwrap_or(0);
                        sets.entry(value).or_default().push((*set, statement.optional));
                    }
                    _ => self.fail(statement.optional, "typeattributeset"),
                }
            }
            self.statements.push(statement);
        }
        for value in self.in_order(&sets) {
            let mut sum = Bits::none(len);
            for (set, optional) in sets.get(&value).into_iter().flatten() {
                match self.types(*set) {
                    Some(set) => sum.join(&set, |a, b| a | b),
                    None => self.fail(*optional, "typeattributeset"),
                }
            }
            self.members.insert(value, Rc::new(sum));
        }
        let mut names: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (attribute, members) in &self.members {
            for member in members.iter() {
                names.entry(number(member)).or_default().push(*attribute);
            }
        }
        for value in self.policydb.types.keys() {
            let names = names.entry(*value).or_default();
            names.push(*value);
            names.sort_unstable();
        }
        self.policydb.attributes = names;
    }

    fn fail(&mut self, optional: Option<usize>, what: &str) {
        match optional {
            Some(optional) => _ = self.failed.insert(optional),
            None => {
                self.n_unknown = self.n_unknown.saturating_add(1);
                self.first_unknown.get_or_insert_with(|| what.to_owned());
            }
        }
    }

    /// All attributes, each behind those that its sets name. Where they go round, one of them comes first and is told.
    fn in_order(&mut self, sets: &BTreeMap<u32, Vec<(Part, Option<usize>)>>) -> Vec<u32> {
        let attributes: Vec<u32> = self.policydb.types.iter().filter(|it| it.1.is_attribute).map(|it| *it.0).collect();
        let needs: BTreeMap<u32, Vec<u32>> = sets
            .iter()
            .map(|(value, sets)| {
                let words = sets.iter().flat_map(|it| self.text.words(it.0));
                let named = words.filter_map(|it| self.value(it));
                let mut needs: Vec<u32> =
                    named.filter(|it| self.policydb.types.get(it).is_some_and(|it| it.is_attribute)).collect();
                needs.sort_unstable();
                needs.dedup();
                (*value, needs)
            })
            .collect();
        // Nothing yet, begun, done.
        let mut state: BTreeMap<u32, bool> = BTreeMap::new();
        let mut order = Vec::new();
        for root in attributes {
            let mut stack = vec![(root, 0usize)];
            while let Some((value, next)) = stack.pop() {
                if next == 0 && state.contains_key(&value) {
                    if state.get(&value) == Some(&false) {
                        _ = self.unread.insert("attributes that stand for each other in a circle".to_owned());
                    }
                    continue;
                }
                state.insert(value, false);
                match needs.get(&value).and_then(|it| it.get(next)) {
                    Some(need) => {
                        stack.push((value, next.saturating_add(1)));
                        stack.push((*need, 0));
                    }
                    None => {
                        state.insert(value, true);
                        order.push(value);
                    }
                }
            }
        }
        order
    }

    fn value(&self, part: Part) -> Option<u32> {
        self.text.find(part, &self.names).copied()
    }

    /// The types that an expression stands for.
    fn types(&mut self, part: Part) -> Option<Bits> {
        let mut fuel = self.fuel;
        let leaf = |part: Part| {
            let value = self.value(part)?;
            if let Some(members) = self.members.get(&value) {
                return Some(Bits::clone(members));
            }
            let mut one = Bits(vec![0; self.all.0.len()]);
            if self.policydb.types.get(&value).is_some_and(|it| !it.is_attribute) {
                one.set(index(value));
            }
            Some(one)
        };
        let set = Sets { text: self.text, all: &self.all, leaf }.of(part, &mut fuel);
        self.spend(fuel);
        set
    }

    fn spend(&mut self, left: u64) {
        self.fuel = left;
        if left == 0 {
            _ = self.unread.insert(format!("expressions over types: they take more than {FUEL} steps"));
        }
    }

    /// The words of a list.
    fn words(&self, part: Part) -> Vec<String> {
        self.text.items(part).filter_map(|it| self.text.word(it)).map(str::to_owned).collect()
    }

    /// What was not understood.
    fn told(&self) -> Vec<String> {
        let mut gaps: Vec<String> = self.unread.iter().map(|it| format!("not read: {it}")).collect();
        if let Some(first) = &self.first_unknown {
            gaps.push(format!("{} statements name what no file declares, the first is ({first})", self.n_unknown));
        }
        gaps
    }
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A binary policy numbers them in 16 bits.
const TYPES_MAX: usize = 65_535;

/// Words of 64 bits for what all attributes stand for: 64 MiB; a real policy takes a twentieth of it.
const WORDS_MAX: usize = 8 << 20;

/// Words of 64 bits that expressions go through: half a second; a real policy takes a hundredth.
const FUEL: u64 = 1 << 30;

/// Other names of other names.
const ALIAS_STEPS: usize = 3;

/// Words of a statement that is told.
const SHOWN: usize = 8;
