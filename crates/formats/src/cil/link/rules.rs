//! What a policy says: rules on access and transitions, what is never to be, and constraints.

use super::{Linker, Never, WORDS_MAX, number};
use crate::cil::expand::{Part, Statement};
use crate::cil::sets::{Bits, Sets};
use crate::sepolicy::{Constraint, Genfs, Rule, RuleKind, Term};

impl<'a> Linker<'_, '_, 'a> {
    /// Last, what the policy says.
    pub(super) fn rule(&mut self, keyword: &'a str, parts: &[Part], statement: Statement) -> Option<()> {
        let conditional = match statement.condition {
            Some((number, branch)) => {
                let condition = *self.text.conditions.get(number)?;
                Some(self.text.holds(condition, &self.booleans, 0)? == branch)
            }
            None => None,
        };
        let plain = |keyword| match keyword {
            "allow" => Some(RuleKind::Allow),
            "auditallow" => Some(RuleKind::AuditAllow),
            "dontaudit" => Some(RuleKind::DontAudit),
            _ => None,
        };
        match (keyword, parts) {
            ("allow" | "auditallow" | "dontaudit", [source, target, permissions]) => {
                let kind = plain(keyword)?;
                let source = self.value(*source)?;
                for (class, bits) in self.permissions_of(*permissions, 0)? {
                    for (source, target) in self.pairs(source, *target)? {
                        let key = (kind, source, target, class, conditional);
                        let data = self.rules.entry(key).or_insert(0);
                        *data |= bits;
                    }
                    if RULES_MAX < self.rules.len() {
                        _ = self.unread.insert(format!("more than {RULES_MAX} rules"));
                        self.rules.pop_last();
                    }
                }
            }
            ("allowx" | "auditallowx" | "dontauditx", [source, target, numbers]) => {
                let kind = match keyword {
                    "allowx" => RuleKind::AllowExtended,
                    "auditallowx" => RuleKind::AuditAllowExtended,
                    _ => RuleKind::DontAuditExtended,
                };
                self.extended_rule(kind, *source, *target, *numbers, conditional)?;
            }
            ("neverallow", [source, target, permissions]) => self.never(*source, *target, *permissions)?,
            ("typetransition", [source, target, class, rest @ .., result]) => {
                let [source, target, result] = [self.value(*source)?, self.value(*target)?, self.value(*result)?];
                let class = *self.text.find(*class, &self.classes)?;
                match rest {
                    [] => self.one(RuleKind::Transition, source, target, class, result, conditional),
                    _ => {
                        let n = &mut self.policydb.counts.filename_transitions;
                        *n = n.saturating_add(1);
                    }
                }
            }
            ("typechange" | "typemember", [source, target, class, result]) => {
                let kind = if keyword == "typechange" { RuleKind::Change } else { RuleKind::Member };
                let [source, target, result] = [self.value(*source)?, self.value(*target)?, self.value(*result)?];
                let class = *self.text.find(*class, &self.classes)?;
                self.one(kind, source, target, class, result, conditional);
            }
            ("typepermissive", [name]) => {
                let value = self.value(*name)?;
                self.policydb.permissive.push(value);
            }
            // `(genfscon fs path [kind] (user role type range))`.
            ("genfscon", [fs, path, .., context]) => {
                let type_ = self.text.items(*context).nth(2)?;
                let type_ = self.value(type_)?;
                let (fs, path) = (self.text.word(*fs)?.to_owned(), self.text.word(*path)?.to_owned());
                self.policydb.counts.genfs = self.policydb.counts.genfs.saturating_add(1);
                self.policydb.genfs.push(Genfs { fs, path, label: type_ });
            }
            ("constrain" | "mlsconstrain", [permissions, expression]) => {
                let mut terms = Vec::new();
                self.terms(*expression, &mut terms, 0)?;
                for (class, permissions) in self.permissions_of(*permissions, 0)? {
                    self.policydb.constraints.push(Constraint { class, permissions, terms: terms.clone() });
                }
            }
            ("call" | "blockinherit", _) => return None,
            (keyword, _) if !UNASKED.contains(&keyword) => {
                _ = self.unread.insert(format!("statements called {keyword}"));
            }
            _ => {}
        }
        Some(())
    }

    fn one(&mut self, kind: RuleKind, source: u32, target: u32, class: u32, data: u32, conditional: Option<bool>) {
        self.rules.insert((kind, source, target, class, conditional), data);
    }

    /// Whom a rule is about and what; `self` of an attribute is each of its types.
    fn pairs(&mut self, source: u32, target: Part) -> Option<Vec<(u32, u32)>> {
        if self.text.word(target) != Some("self") {
            return Some(vec![(source, self.value(target)?)]);
        }
        let members = self.members.get(&source);
        Some(match members {
            Some(members) => members.iter().map(number).map(|it| (it, it)).collect(),
            None => vec![(source, source)],
        })
    }

    fn never(&mut self, source: Part, target: Part, permissions: Part) -> Option<()> {
        let own = self.text.word(target) == Some("self");
        let sources = self.types(source)?;
        let targets = if own { Bits(vec![0; self.all.0.len()]) } else { self.types(target)? };
        for (class, permissions) in self.permissions_of(permissions, 0)? {
            if WORDS_MAX < self.nevers.len().saturating_mul(self.all.0.len()) {
                _ = self.unread.insert("neverallow statements beyond a bound".to_owned());
                return Some(());
            }
            self.nevers.push(Never { sources: sources.clone(), targets: targets.clone(), own, class, permissions });
        }
        Some(())
    }

    /// Classes with permissions: `(class (permission…))`, or the name of such a set.
    fn permissions_of(&mut self, part: Part, depth: usize) -> Option<Vec<(u32, u32)>> {
        if SETS_DEEP <= depth {
            return None;
        }
        let deeper = depth.saturating_add(1);
        if self.text.word(part).is_some() {
            let sets = self.text.find(part, &self.class_permissions)?.clone();
            return sets
                .into_iter()
                .map(|it| self.permissions_of(it, deeper))
                .collect::<Option<Vec<_>>>()
                .map(|it| it.concat());
        }
        let items: Vec<Part> = self.text.items(part).collect();
        let [class, permissions] = items.as_slice() else { return None };
        let Some(value) = self.text.find(*class, &self.classes).copied() else {
            let map = self.text.find(*class, &self.class_maps)?.clone();
            let names: Vec<&String> = map.keys().collect();
            let chosen = self.among(&names, *permissions)?;
            let sets: Vec<Part> = chosen.iter().filter_map(|it| map.get(*names.get(it)?)).flatten().copied().collect();
            return sets
                .into_iter()
                .map(|it| self.permissions_of(it, deeper))
                .collect::<Option<Vec<_>>>()
                .map(|it| it.concat());
        };
        let class = self.policydb.classes.get(&value)?.clone();
        let names: Vec<&String> = class.permissions.values().collect();
        let bits = self.among(&names, *permissions)?;
        Some(vec![(value, u32::try_from(bits.0.first().copied().unwrap_or(0) & u64::from(u32::MAX)).unwrap_or(0))])
    }

    /// Which of some names an expression chooses.
    fn among(&mut self, names: &[&String], part: Part) -> Option<Bits> {
        let mut all = Bits::none(names.len().max(1));
        (0..names.len()).for_each(|it| all.set(it));
        let leaf = |part: Part| {
            let word = self.text.word(part)?;
            if word == "all" {
                return Some(all.clone());
            }
            let mut one = Bits::none(names.len().max(1));
            one.set(names.iter().position(|it| *it == word)?);
            Some(one)
        };
        let mut fuel = self.fuel;
        let set = Sets { text: self.text, all: &all, leaf }.of(part, &mut fuel);
        self.spend(fuel);
        set
    }

    /// `(allowx a b (ioctl class (numbers)))`, or the name of such a set.
    fn extended_rule(
        &mut self,
        kind: RuleKind,
        source: Part,
        target: Part,
        numbers: Part,
        conditional: Option<bool>,
    ) -> Option<()> {
        let source = self.value(source)?;
        let set = match self.text.word(numbers) {
            Some(_) => *self.text.find(numbers, &self.extended)?,
            None => numbers,
        };
        let items: Vec<Part> = self.text.items(set).collect();
        let [_, class, numbers] = items.as_slice() else { return None };
        let class = *self.text.find(*class, &self.classes)?;
        let mut all = Bits::none(NUMBERS);
        all.0.fill(u64::MAX);
        let leaf = |part: Part| {
            let number = |part: Part| {
                let word = self.text.word(part)?;
                match word.strip_prefix("0x") {
                    Some(hex) => usize::from_str_radix(hex, 16).ok(),
                    None => word.parse().ok(),
                }
                .filter(|it| *it < NUMBERS)
            };
            let mut set = Bits::none(NUMBERS);
            if self.text.word(part).is_some() {
                set.set(number(part)?);
                return Some(set);
            }
            let [_, first, last] = self.text.items(part).collect::<Vec<_>>().try_into().ok()?;
            (number(first)?..=number(last)?).for_each(|it| set.set(it));
            Some(set)
        };
        let mut fuel = self.fuel;
        let set = Sets { text: self.text, all: &all, leaf }.of(*numbers, &mut fuel);
        self.spend(fuel);
        let set = set?;
        for (source, target) in self.pairs(source, target)? {
            for (driver, words) in (0u8..=u8::MAX).zip(set.0.chunks_exact(4)) {
                if words.iter().all(|it| *it == 0) {
                    continue;
                }
                let mut perms = [0u32; 8];
                for (pair, word) in perms.chunks_exact_mut(2).zip(words) {
                    if let [low, high] = pair {
                        *low = u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
                        *high = u32::try_from(word.wrapping_shr(32)).unwrap_or(0);
                    }
                }
                let extended = Some((FUNCTIONS, driver, perms));
                if RULES_MAX < self.rest.len() {
                    _ = self.unread.insert(format!("more than {RULES_MAX} rules on ioctl"));
                    return Some(());
                }
                self.rest.push(Rule { kind, source, target, class, data: 0, extended, conditional });
            }
        }
        Some(())
    }

    /// An expression of a constraint, operands first.
    fn terms(&mut self, part: Part, terms: &mut Vec<Term>, depth: usize) -> Option<()> {
        if SETS_DEEP.saturating_mul(8) <= depth {
            return None;
        }
        let deeper = depth.saturating_add(1);
        let items: Vec<Part> = self.text.items(part).collect();
        let [operator, operands @ ..] = items.as_slice() else { return None };
        let operator = self.text.word(*operator)?;
        let plain = |kind| Term { kind, attr: 0, op: 0, names: Vec::new() };
        match (operator, operands) {
            ("not", [one]) => {
                self.terms(*one, terms, deeper)?;
                terms.push(plain(Term::NOT));
            }
            ("and" | "or", [a, b]) => {
                self.terms(*a, terms, deeper)?;
                self.terms(*b, terms, deeper)?;
                terms.push(plain(if operator == "and" { Term::AND } else { Term::OR }));
            }
            (_, [a, b]) => {
                let op = u32::try_from(OPERATORS.iter().position(|it| *it == operator)?).ok()?.checked_add(1)?;
                let (first, second) = (self.text.word(*a)?, self.text.word(*b));
                let pair = COMPARED.iter().find(|it| it.0 == first && Some(it.1) == second);
                terms.push(match pair {
                    Some((_, _, attr)) => Term { kind: Term::COMPARE, attr: *attr, op, names: Vec::new() },
                    None => {
                        let attr = NAMED.iter().find(|it| it.0 == first)?.1;
                        let is_type = attr & Term::TYPE != 0;
                        let names = if is_type { self.types(*b)?.iter().map(number).collect() } else { Vec::new() };
                        Term { kind: Term::NAMES, attr, op, names }
                    }
                });
            }
            _ => return None,
        }
        Some(())
    }
}

/// Operators of constraints in the order of their numbers, `CEXPR_EQ` and on.
const OPERATORS: [&str; 5] = ["eq", "neq", "dom", "domby", "incomp"];

/// What is compared with each other.
const COMPARED: [(&str, &str, u32); 9] = [
    ("u1", "u2", Term::USER),
    ("r1", "r2", Term::ROLE),
    ("t1", "t2", Term::TYPE),
    ("l1", "l2", Term::L1L2),
    ("l1", "h2", Term::L1H2),
    ("h1", "l2", Term::H1L2),
    ("h1", "h2", Term::H1H2),
    ("l1", "h1", Term::L1H1),
    ("l2", "h2", Term::L2H2),
];

/// What is compared with names.
const NAMED: [(&str, u32); 9] = [
    ("u1", Term::USER),
    ("u2", Term::USER | Term::TARGET),
    ("u3", Term::USER | Term::THIRD),
    ("r1", Term::ROLE),
    ("r2", Term::ROLE | Term::TARGET),
    ("r3", Term::ROLE | Term::THIRD),
    ("t1", Term::TYPE),
    ("t2", Term::TYPE | Term::TARGET),
    ("t3", Term::TYPE | Term::THIRD),
];

/// Statements that say nothing about who may do what to what, or that were read before.
const UNASKED: &[&str] = &[
    "boolean",
    "category",
    "categoryalias",
    "categoryaliasactual",
    "categoryorder",
    "categoryset",
    "class",
    "classcommon",
    "classmap",
    "classmapping",
    "classorder",
    "classpermission",
    "classpermissionset",
    "common",
    "context",
    "defaultrange",
    "defaultrole",
    "defaulttype",
    "defaultuser",
    "devicetreecon",
    "expandtypeattribute",
    "filecon",
    "fsuse",
    "handleunknown",
    "ibendportcon",
    "ibpkeycon",
    "iomemcon",
    "ioportcon",
    "ipaddr",
    "level",
    "levelrange",
    "mls",
    "mlsvalidatetrans",
    "netifcon",
    "neverallowx",
    "nodecon",
    "pcidevicecon",
    "permissionx",
    "pirqcon",
    "policycap",
    "portcon",
    "rangetransition",
    "role",
    "roleallow",
    "roleattribute",
    "roleattributeset",
    "rolebounds",
    "roletransition",
    "roletype",
    "selinuxuser",
    "selinuxuserdefault",
    "sensitivity",
    "sensitivityalias",
    "sensitivityaliasactual",
    "sensitivitycategory",
    "sensitivityorder",
    "sid",
    "sidcontext",
    "sidorder",
    "type",
    "typealias",
    "typealiasactual",
    "typeattribute",
    "typeattributeset",
    "typebounds",
    "user",
    "userattribute",
    "userattributeset",
    "userbounds",
    "userlevel",
    "userprefix",
    "userrange",
    "userrole",
    "validatetrans",
];

/// `AVTAB_XPERMS_IOCTLFUNCTION`.
const FUNCTIONS: u8 = 1;

/// Numbers of `ioctl` have 16 bits.
const NUMBERS: usize = 1 << 16;

/// Rules of one kind; a real policy has 50,000.
const RULES_MAX: usize = 1 << 20;

/// Sets of sets of permissions.
const SETS_DEEP: usize = 8;
