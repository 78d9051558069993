//! A policy, prepared so that any question of who may do what to what is answered at once.

use std::collections::{BTreeMap, BTreeSet};

use super::policydb::{Kind, Policydb, Rule, Term};

/// A policy with what attributes stand for, and its rules by who and by what. Only rules that now hold.
pub struct Prepared<'a> {
    /// The policy.
    pub policydb: &'a Policydb,
    /// The types that an attribute stands for, sorted.
    members: BTreeMap<u32, Vec<u32>>,
    by_source: BTreeMap<u32, Vec<&'a Rule>>,
    by_target: BTreeMap<u32, Vec<&'a Rule>>,
}

/// A domain that may do something, and the rule that lets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// The domain.
    pub domain: &'a str,
    /// The rule.
    pub rule: &'a Rule,
}

/// At which level a domain runs, beside what it acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// At the same: services and nodes are at `s0`.
    Same,
    /// Above it: an app has categories of its own, and a node has none.
    Above,
}

impl Policydb {
    /// Prepares it.
    pub fn prepared(&self) -> Prepared<'_> {
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let is_type = |it: u32| self.types.get(&it).is_some_and(|it| !it.is_attribute);
        for (value, names) in self.attributes.iter().filter(|it| is_type(*it.0)) {
            for name in names.iter().filter(|it| !is_type(**it)) {
                members.entry(*name).or_default().push(*value);
            }
        }
        for value in self.types.keys().filter(|it| is_type(**it)) {
            members.insert(*value, vec![*value]);
        }
        let mut by_source: BTreeMap<u32, Vec<&Rule>> = BTreeMap::new();
        let mut by_target: BTreeMap<u32, Vec<&Rule>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|it| it.conditional != Some(false)) {
            by_source.entry(rule.source).or_default().push(rule);
            by_target.entry(rule.target).or_default().push(rule);
        }
        Prepared { policydb: self, members, by_source, by_target }
    }
}

impl<'a> Prepared<'a> {
    /// The types that a name in a rule stands for.
    pub fn members(&self, value: u32) -> &[u32] {
        self.members.get(&value).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rules about a domain, whether they name it or an attribute of it.
    pub fn rules_of(&self, source: u32) -> impl Iterator<Item = &'a Rule> + '_ {
        names_of(self.policydb, source).filter_map(|it| self.by_source.get(&it)).flatten().copied()
    }

    /// The rules about what is acted on, whether they name it or an attribute of it.
    pub fn rules_on(&self, target: u32) -> impl Iterator<Item = &'a Rule> + '_ {
        names_of(self.policydb, target).filter_map(|it| self.by_target.get(&it)).flatten().copied()
    }

    /// What a domain may do: permissions as bits by type and class.
    pub fn access_of(&self, source: u32) -> BTreeMap<(u32, u32), u32> {
        let mut all: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        // Rules with the same target and class are joined before attributes are written out.
        let mut rules: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for rule in self.rules_of(source).filter(|it| it.kind == Kind::Allow) {
            *rules.entry((rule.target, rule.class)).or_insert(0) |= rule.data;
        }
        for ((target, class), bits) in rules {
            for target in self.members(target) {
                *all.entry((*target, class)).or_insert(0) |= bits;
            }
        }
        all
    }

    /// The domains that may use one of some permissions of a class on a type, each with a rule that lets it; by name.
    pub fn who_may(&self, target: u32, class: u32, bits: u32) -> Vec<Allowed<'a>> {
        let mut found: BTreeMap<&str, &Rule> = BTreeMap::new();
        for rule in self.rules_on(target).filter(|it| it.kind == Kind::Allow) {
            if rule.class == class && rule.data & bits != 0 {
                for domain in self.members(rule.source).iter().filter_map(|it| self.policydb.name_of_type(*it)) {
                    found.entry(domain).or_insert(rule);
                }
            }
        }
        found.into_iter().map(|(domain, rule)| Allowed { domain, rule }).collect()
    }

    /// The numbers of `ioctl` that a domain may use on a type; nothing where rules do not limit them.
    pub fn numbers_of(&self, source: u32, target: u32, class: u32) -> Option<BTreeSet<u32>> {
        let targets: BTreeSet<u32> = names_of(self.policydb, target).collect();
        let rules = self
            .rules_of(source)
            .filter(|it| it.kind == Kind::AllowExtended && it.class == class && targets.contains(&it.target));
        let rules: Vec<&Rule> = rules.collect();
        if rules.is_empty() { None } else { Some(rules.into_iter().flat_map(Rule::numbers).collect()) }
    }

    /// Whether a constraint forbids what a rule allows; users and roles are not known, and do not forbid.
    pub fn is_constrained(&self, source: u32, target: u32, class: u32, bit: u32, level: Level) -> bool {
        let constraints = self.policydb.constraints.iter().filter(|it| it.class == class && it.permissions & bit != 0);
        constraints.into_iter().any(|it| holds(&it.terms, source, target, level) == Some(false))
    }

    /// The domains that a domain gets into by starting a program, with the type of the program's file: where the policy
    /// lets it start the file, change into the other domain, and the file be that domain's entry. By name.
    pub fn transitions_of(&self, source: u32) -> Vec<(&'a str, &'a str)> {
        let class = |name: &str| self.policydb.class_of(name);
        let (Some(process), Some(file)) = (class("process"), class("file")) else { return Vec::new() };
        let bit = |class: u32, name: &str| self.policydb.bit_of(class, name).unwrap_or(0);
        let access = self.access_of(source);
        let may = |target: u32, class: u32, bit: u32| access.get(&(target, class)).is_some_and(|it| it & bit != 0);
        let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (target, _) in access.keys().filter(|it| it.1 == process && it.0 != source) {
            if !may(*target, process, bit(process, "transition")) {
                continue;
            }
            for ((entry, class), bits) in self.access_of(*target) {
                let is_entry = class == file && bits & bit(file, "entrypoint") != 0;
                if is_entry && may(entry, file, bit(file, "execute")) {
                    let names = (self.policydb.name_of_type(*target), self.policydb.name_of_type(entry));
                    if let (Some(domain), Some(entry)) = names {
                        found.insert((domain, entry));
                    }
                }
            }
        }
        found.into_iter().collect()
    }
}

/// The names by which rules may mean a type: itself and its attributes.
fn names_of(policydb: &Policydb, value: u32) -> impl Iterator<Item = u32> + '_ {
    let names = policydb.attributes.get(&value).map(Vec::as_slice).unwrap_or_default();
    let own = (names.binary_search(&value).is_err()).then_some(value);
    names.iter().copied().chain(own)
}

/// Works out an expression; nothing where it depends on what is not known.
fn holds(terms: &[Term], source: u32, target: u32, level: Level) -> Option<bool> {
    let mut stack: Vec<Option<bool>> = Vec::new();
    for term in terms {
        let value = match term.kind {
            Term::NOT => stack.pop()?.map(|it| !it),
            Term::AND | Term::OR => {
                let (b, a) = (stack.pop()?, stack.pop()?);
                let decides = term.kind == Term::OR;
                match (a, b) {
                    (Some(it), _) | (_, Some(it)) if it == decides => Some(it),
                    (Some(_), Some(_)) => Some(!decides),
                    _ => None,
                }
            }
            Term::COMPARE => compared(term, source, target, level),
            _ if term.attr & Term::TYPE != 0 && term.attr & Term::THIRD == 0 => {
                let value = if term.attr & Term::TARGET != 0 { target } else { source };
                let is_in = term.names.contains(&value);
                Some(if term.op == EQ { is_in } else { !is_in })
            }
            _ => None,
        };
        stack.push(value);
    }
    stack.pop()?
}

fn compared(term: &Term, source: u32, target: u32, level: Level) -> Option<bool> {
    let same = match term.attr {
        Term::TYPE => source == target,
        Term::L1L2 | Term::L1H2 | Term::H1L2 | Term::H1H2 => level == Level::Same,
        // What runs has one level, and so has what it acts on.
        Term::L1H1 | Term::L2H2 => true,
        _ => return None,
    };
    Some(match term.op {
        EQ | DOMBY => same,
        NEQ => !same,
        DOM => true,
        _ => false,
    })
}

/// `CEXPR_EQ` and on.
const EQ: u32 = 1;
const NEQ: u32 = 2;
const DOM: u32 = 3;
const DOMBY: u32 = 4;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    fn policy() -> Policydb {
        let (policydb, _, result) = Policydb::read(include_bytes!("../../tests/samples/sepolicy/mls-30"));
        assert_eq!(result, Ok(()));
        policydb
    }

    #[test]
    fn prepared_answers_are_those_of_the_rules() {
        let policydb = policy();
        let prepared = policydb.prepared();
        for (value, it) in policydb.types.iter().filter(|it| !it.1.is_attribute) {
            let plain: BTreeSet<_> = policydb.access_of(*value).into_iter().collect();
            let name = |it: u32| policydb.name_of_type(it).unwrap_or_default().to_owned();
            let ours = prepared.access_of(*value).into_iter().map(|((target, class), bits)| super::super::Access {
                target: name(target),
                class: policydb.classes[&class].name.clone(),
                permissions: policydb.permissions(class, bits),
            });
            assert_eq!(ours.collect::<BTreeSet<_>>(), plain, "{}", it.name);
        }
    }

    #[test]
    fn who_may_is_told_with_the_rule_that_lets_it() {
        let policydb = policy();
        let (target, class) = (policydb.type_of("system_file").unwrap(), policydb.class_of("file").unwrap());
        let bit = policydb.bit_of(class, "open").unwrap();
        let found = policydb.prepared().who_may(target, class, bit).iter().map(|it| it.domain).collect::<Vec<_>>();
        assert_eq!(found, policydb.who_may(target, "file", "open"));
        let prepared = policydb.prepared();
        let found = prepared.who_may(target, class, bit);
        assert!(found.iter().all(|it| policydb.name_of_type(it.rule.source) == Some("domain")));
    }

    #[test]
    fn a_constraint_on_levels_forbids_to_apps_what_it_does_not_forbid_to_services() {
        // mlsconstrain process { transition dyntransition } (h1 dom h2 and l1 eq l2 or t1 == mlstrustedsubject)
        let policydb = policy();
        let prepared = policydb.prepared();
        let value = |name: &str| policydb.type_of(name).unwrap();
        let process = policydb.class_of("process").unwrap();
        let bit = policydb.bit_of(process, "transition").unwrap();
        let is = |source: &str, level| prepared.is_constrained(value(source), value("su"), process, bit, level);
        assert!(is("shell", Level::Above), "its level is not the same, and it is no trusted subject");
        assert!(!is("shell", Level::Same));
        assert!(!is("init", Level::Above), "a trusted subject");
        let fork = policydb.bit_of(process, "fork").unwrap();
        assert!(!prepared.is_constrained(value("shell"), value("su"), process, fork, Level::Above));
    }
}
