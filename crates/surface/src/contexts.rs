//! SELinux as far as it says who may open what: labels of nodes, sockets, properties and services, and what the policy lets
//! apps and the shell do to them.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::context::{ContextKind, ContextRule};
use model::fact::policy::{Grant, Policy};
use model::{Location, Row};
use phone::Phone;
use regex::bytes::RegexBuilder;

/// The labels and the policy of a phone.
pub struct Contexts<'a> {
    policy: Option<&'a Row<Policy>>,
    /// What the policy allows, by type and class.
    grants: BTreeMap<(&'a str, &'a str), Vec<&'a Grant>>,
    files: Vec<&'a ContextRule>,
    properties: Vec<&'a ContextRule>,
    services: BTreeMap<&'a str, &'a str>,
    hardware_services: BTreeMap<&'a str, &'a str>,
}

/// What the policy says about an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It is allowed to a domain of apps.
    Apps,
    /// To the shell of adb, not to apps.
    Shell,
    /// To none of them.
    Nobody,
    /// There is no policy, or no label.
    Unknown,
}

impl<'a> Contexts<'a> {
    /// Those of a phone.
    pub fn of(phone: &'a Phone) -> Contexts<'a> {
        let mut policies: Vec<&Row<Policy>> =
            phone.running(&phone.facts.policies).filter(|it| !it.value.grants.is_empty()).collect();
        // The policy that was compiled for the phone, before one that an early ramdisk holds; one that was compiled for
        // other files is not loaded.
        policies.retain(|it| it.value.stale.is_empty());
        policies.sort_by_key(|it| (it.value.partial, it.value.kind != "binary", it.at));
        let policy = policies.first().copied();
        let mut grants: BTreeMap<(&str, &str), Vec<&Grant>> = BTreeMap::new();
        for grant in policy.iter().flat_map(|it| &it.value.grants) {
            grants.entry((&grant.target, &grant.class)).or_default().push(grant);
        }
        let of = |kind: ContextKind| {
            phone.running(&phone.facts.contexts).map(|it| &it.value).filter(move |it| it.kind == kind)
        };
        let named = |kind: ContextKind| -> BTreeMap<&'a str, &'a str> {
            of(kind).filter_map(|it| Some((it.pattern.as_str(), type_of(&it.context)?))).collect()
        };
        let mut services = named(ContextKind::VndService);
        services.extend(named(ContextKind::Service));
        Contexts {
            policy,
            grants,
            files: of(ContextKind::File).collect(),
            properties: of(ContextKind::Property).collect(),
            services,
            hardware_services: named(ContextKind::HwService),
        }
    }

    /// The policy that answers.
    pub fn policy(&self) -> Option<&'a Row<Policy>> {
        self.policy
    }

    /// The type of a file, node or socket by its path: the last rule that matches, one without signs before others.
    pub fn type_of_path(&self, path: &str) -> Option<&'a str> {
        let exact = self.files.iter().rev().find(|it| it.pattern == path);
        let rule = exact.or_else(|| self.files.iter().rev().find(|it| matches(&it.pattern, path)))?;
        type_of(&rule.context)
    }

    /// The type of a property: the longest rule that it begins with.
    pub fn type_of_property(&self, name: &str) -> Option<&'a str> {
        let rule = self.properties.iter().filter(|it| match it.qualifier.starts_with("exact") {
            true => it.pattern == name,
            false => it.pattern == "*" || name.starts_with(it.pattern.trim_end_matches('*')),
        });
        type_of(&rule.max_by_key(|it| if it.pattern == "*" { 0 } else { it.pattern.len() })?.context)
    }

    /// The type of a service by its name; of one that no rule names, that of all others.
    pub fn type_of_service(&self, name: &str) -> Option<&'a str> {
        self.services.get(name).or_else(|| self.services.get("*")).copied()
    }

    /// The type of a service of hardware by its interface (`android.hardware.power::IPower`).
    pub fn type_of_hardware_service(&self, interface: &str) -> Option<&'a str> {
        self.hardware_services.get(interface).or_else(|| self.hardware_services.get("*")).copied()
    }

    /// Whom the policy lets do one of these things to a type.
    pub fn who(&self, target: Option<&str>, class: &str, permissions: &[&str]) -> Says {
        let (Some(_), Some(target)) = (self.policy, target) else { return Says::Unknown };
        let grants = self.grants.get(&(target, class)).into_iter().flatten();
        let domains: BTreeSet<&str> = grants
            .filter(|it| it.permissions.iter().any(|it| permissions.contains(&it.as_str())))
            .map(|it| it.domain.as_str())
            .collect();
        match () {
            () if domains.iter().any(|it| *it != "shell") => Says::Apps,
            () if !domains.is_empty() => Says::Shell,
            () => Says::Nobody,
        }
    }

    /// Where the policy stands.
    pub fn at(&self) -> Option<Location> {
        self.policy.map(|it| it.at)
    }
}

/// `u:object_r:type:s0`.
fn type_of(context: &str) -> Option<&str> {
    context.split(':').nth(2)
}

/// Whether a pattern of `file_contexts` matches a whole path. One that is no expression, or too large a one, matches nothing.
fn matches(pattern: &str, path: &str) -> bool {
    let literal = pattern.split(['.', '[', '(', '*', '+', '?', '\\', '^', '$', '{', '|']).next().unwrap_or_default();
    // The last sign before `?`, `*` or `{` may be missing.
    let sure = literal.get(..literal.len().saturating_sub(1)).unwrap_or_default();
    if !path.starts_with(sure) {
        return false;
    }
    let regex = RegexBuilder::new(&format!("^(?:{pattern})$")).unicode(false).size_limit(PATTERN_MAX).build();
    regex.is_ok_and(|it| it.is_match(path.as_bytes()))
}

/// Room for a compiled pattern; the largest seen takes a twentieth.
const PATTERN_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_paths() {
        assert!(matches("/dev/block(/.*)?", "/dev/block/sda"));
        assert!(matches("/dev/ttyS[0-9]*", "/dev/ttyS"));
        assert!(!matches("/dev/tty", "/dev/ttyS0"));
        assert!(!matches("/dev/(", "/dev/("));
        assert!(!matches(&"(a{1000}){1000}".repeat(10), "a"));
    }
}
