//! Questions to a policy: who may do what to what.

use std::collections::{BTreeMap, BTreeSet};

use super::policydb::{Kind, Policydb, Rule};

/// What a domain may do to something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The type of what is acted on.
    pub target: String,
    /// The class.
    pub class: String,
    /// Permissions, sorted.
    pub permissions: BTreeSet<String>,
}

impl Rule {
    /// The numbers of `ioctl` that a rule on extended permissions is about.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let (how, driver, bits) = self.extended.unwrap_or_default();
        let is_set = move |it: &u32| {
            let word = usize::try_from(it.wrapping_shr(5)).ok().and_then(|it| bits.get(it)).copied().unwrap_or(0);
            word & 1u32.wrapping_shl(*it & 31) != 0
        };
        (0..256u32).filter(is_set).flat_map(move |bit| match how {
            FUNCTIONS => u32::from(driver).wrapping_shl(8) | bit..=u32::from(driver).wrapping_shl(8) | bit,
            _ => bit.wrapping_shl(8)..=bit.wrapping_shl(8) | 0xff,
        })
    }
}

/// `AVTAB_XPERMS_IOCTLFUNCTION`; else the bits are of drivers, each with all its functions.
const FUNCTIONS: u8 = 1;

impl Policydb {
    /// The number of a type or attribute, by its name or another name of it.
    pub fn type_of(&self, name: &str) -> Option<u32> {
        let known = self.types.iter().find(|it| it.1.name == name).map(|it| *it.0);
        known.or_else(|| self.aliases.get(name).copied())
    }

    /// The number of a class.
    pub fn class_of(&self, name: &str) -> Option<u32> {
        self.classes.iter().find(|it| it.1.name == name).map(|it| *it.0)
    }

    /// The bit of a permission of a class.
    pub fn bit_of(&self, class: u32, permission: &str) -> Option<u32> {
        let permissions = &self.classes.get(&class)?.permissions;
        let value = permissions.iter().find(|it| it.1 == permission).map(|it| *it.0)?;
        Some(1u32.wrapping_shl(value.checked_sub(1).filter(|it| *it < u32::BITS)?))
    }

    /// The types that a name in a rule stands for: those of an attribute, or the type alone; sorted.
    pub fn members(&self, value: u32) -> Vec<u32> {
        if self.types.get(&value).is_some_and(|it| !it.is_attribute) {
            return vec![value];
        }
        // Before version 24 an attribute has a number and no name.
        let has = |it: &(&u32, &Vec<u32>)| it.1.binary_search(&value).is_ok();
        let is_type = |it: &u32| self.types.get(it).is_some_and(|it| !it.is_attribute);
        self.attributes.iter().filter(has).map(|it| *it.0).filter(is_type).collect()
    }

    /// Names of the permissions of a class that a set of bits stands for.
    pub fn permissions(&self, class: u32, bits: u32) -> BTreeSet<String> {
        let all = self.classes.get(&class).map(|it| &it.permissions);
        let is_set = |value: u32| value.checked_sub(1).is_some_and(|it| bits & 1u32.wrapping_shl(it) != 0);
        all.into_iter().flatten().filter(|it| is_set(*it.0)).map(|it| it.1.clone()).collect()
    }

    /// The rules that now hold and allow something to a domain, whether they name it or an attribute of it.
    pub fn allows_to(&self, source: u32) -> impl Iterator<Item = &Rule> {
        let names = self.names_of(source);
        self.allows().filter(move |it| names.binary_search(&it.source).is_ok())
    }

    /// What a domain may do, merged over all rules, by type and class.
    pub fn access_of(&self, source: u32) -> Vec<Access> {
        let mut all: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for rule in self.allows_to(source) {
            for target in self.members(rule.target) {
                let bits = all.entry((target, rule.class)).or_default();
                *bits |= rule.data;
            }
        }
        let mut access: Vec<Access> = all
            .into_iter()
            .filter_map(|((target, class), bits)| {
                Some(Access {
                    target: self.name_of_type(target)?.to_owned(),
                    class: self.classes.get(&class)?.name.clone(),
                    permissions: self.permissions(class, bits),
                })
            })
            .collect();
        access.sort();
        access
    }

    /// The domains that may use a permission of a class on a type; sorted by name.
    pub fn who_may(&self, target: u32, class: &str, permission: &str) -> Vec<&str> {
        let names = self.names_of(target);
        let Some((class, row)) = self.classes.iter().find(|it| it.1.name == class) else { return Vec::new() };
        let Some(value) = row.permissions.iter().find(|it| it.1 == permission).map(|it| *it.0) else {
            return Vec::new();
        };
        let Some(bit) = value.checked_sub(1).map(|it| 1u32.wrapping_shl(it)) else { return Vec::new() };
        let rules = self.allows().filter(|it| it.class == *class && it.data & bit != 0);
        let sources: BTreeSet<u32> =
            rules.filter(|it| names.binary_search(&it.target).is_ok()).map(|it| it.source).collect();
        let domains: BTreeSet<&str> =
            sources.into_iter().flat_map(|it| self.members(it)).filter_map(|it| self.name_of_type(it)).collect();
        domains.into_iter().collect()
    }

    fn allows(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|it| it.kind == Kind::Allow && it.conditional != Some(false))
    }

    /// The names by which rules may mean a type: itself and its attributes; sorted.
    fn names_of(&self, value: u32) -> Vec<u32> {
        let mut names = self.attributes.get(&value).cloned().unwrap_or_default();
        names.push(value);
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The samples of `tests/samples/sepolicy` that hold attributes; their source stands beside them.
    const SAMPLES: [(&str, &[u8]); 4] = [
        ("mls-23", include_bytes!("../../tests/samples/sepolicy/mls-23")),
        ("mls-26", include_bytes!("../../tests/samples/sepolicy/mls-26")),
        ("mls-30", include_bytes!("../../tests/samples/sepolicy/mls-30")),
        ("mls-33", include_bytes!("../../tests/samples/sepolicy/mls-33")),
    ];

    fn policy(name: &str, bytes: &[u8]) -> Policydb {
        let (policydb, end, result) = Policydb::read(bytes);
        assert_eq!((result, end), (Ok(()), bytes.len() as u64), "{name} is read to its end");
        policydb
    }

    #[test]
    fn what_an_attribute_may_do_all_its_members_may() {
        for (name, bytes) in SAMPLES {
            let policydb = policy(name, bytes);
            let who = policydb.type_of("system_file").map(|it| policydb.who_may(it, "file", "open"));
            assert_eq!(who, Some(vec!["hidden_d", "init", "kernel", "shell", "su"]), "{name}");
            assert_eq!(policydb.type_of("sh"), policydb.type_of("shell"), "{name}: another name");
        }
    }

    #[test]
    fn what_a_domain_may_do_is_told_by_target_and_class() {
        for (name, bytes) in SAMPLES {
            let policydb = policy(name, bytes);
            let access = |name: &str| -> Vec<String> {
                let access = policydb.type_of(name).map(|it| policydb.access_of(it)).unwrap_or_default();
                access.into_iter().map(|it| format!("{}:{} {:?}", it.target, it.class, it.permissions)).collect()
            };
            let files = "system_file:file {\"open\", \"read\"}";
            assert_eq!(access("init"), ["init:process {\"fork\"}", files], "{name}");
            assert_eq!(access("shell"), [files], "{name}");
            assert!(access("system_file").is_empty(), "{name}");
        }
    }

    #[test]
    fn a_policy_that_is_cut_off_keeps_what_was_read() {
        let [.., (name, bytes), _] = SAMPLES;
        let whole = policy(name, bytes);
        for len in 0..bytes.len() {
            let (policydb, end, result) = Policydb::read(bytes.get(..len).unwrap_or_default());
            assert!(result.is_err() && end <= len as u64 && policydb.rules.len() <= whole.rules.len());
        }
    }
}
