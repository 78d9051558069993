//! What Android's own SELinux policy lets apps and the shell do, and what it forbids to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// API levels from and to.
type Ranges = Vec<(u32, u32)>;

fn is_in(ranges: &[(u32, u32)], level: u32) -> bool {
    ranges.iter().any(|it| (it.0..=it.1).contains(&level))
}

/// `21-25,29`.
fn ranges_of(text: &str) -> Ranges {
    let range = |it: &str| {
        let (first, last) = it.split_once('-').unwrap_or((it, it));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split(',').filter_map(range).collect()
}

/// Source, target and class of a rule.
type Triple = (&'static str, &'static str, &'static str);

/// By API level, for those that were compiled.
#[derive(Debug, Default)]
pub struct PolicyBaseline {
    levels: BTreeSet<u32>,
    /// Levels at which a domain is there.
    domains: BTreeMap<&'static str, Ranges>,
    /// Levels at which a permission is there, by domain, type, class and permission.
    allowed: BTreeMap<Triple, Vec<(&'static str, Ranges)>>,
    rules: Vec<PolicyRule>,
}

/// Something that Android's policy forbids.
#[derive(Debug)]
pub struct PolicyRule {
    levels: Ranges,
    /// To whom.
    pub domains: Vec<&'static str>,
    /// Types and attributes: with `-` in front, such as are left out; `all`; `self`.
    pub targets: Vec<&'static str>,
    /// Classes.
    pub classes: Vec<&'static str>,
    /// What.
    pub permissions: Vec<&'static str>,
}

impl PolicyBaseline {
    /// The one that this program was built with.
    pub fn bundled() -> &'static PolicyBaseline {
        static BUNDLED: LazyLock<PolicyBaseline> =
            LazyLock::new(|| PolicyBaseline::of(include_str!("../data/policy.txt")));
        &BUNDLED
    }

    fn of(text: &'static str) -> PolicyBaseline {
        let mut baseline = PolicyBaseline::default();
        let list = |it: &'static str| it.split(',').collect::<Vec<_>>();
        for line in text.lines().filter(|it| !it.starts_with('#')) {
            let words: Vec<&'static str> = line.split(' ').collect();
            match words.as_slice() {
                ["allow", at, domain, class, permissions, targets] => {
                    let at = ranges_of(at);
                    baseline.levels.extend(at.iter().flat_map(|it| [it.0, it.1]));
                    let of = baseline.domains.entry(domain).or_default();
                    of.extend(at.iter().filter(|it| !of.contains(it)).copied().collect::<Vec<_>>());
                    for target in list(targets) {
                        let of = baseline.allowed.entry((domain, target, class)).or_default();
                        of.extend(list(permissions).into_iter().map(|it| (it, at.clone())));
                    }
                }
                ["never", at, domains, classes, permissions, targets] => baseline.rules.push(PolicyRule {
                    levels: ranges_of(at),
                    domains: list(domains),
                    targets: list(targets),
                    classes: list(classes),
                    permissions: list(permissions),
                }),
                _ => {}
            }
        }
        baseline
    }

    /// The levels that answer for one: itself, or those beside it where it was not compiled; none outside of all.
    fn near(&self, level: u32) -> Vec<u32> {
        if self.levels.contains(&level) {
            return vec![level];
        }
        let below = self.levels.range(..level).next_back();
        let above = self.levels.range(level..).next();
        below.zip(above).map(|(a, b)| vec![*a, *b]).unwrap_or_default()
    }

    /// Whether anything is known of a level.
    pub fn knows(&self, level: u32) -> bool {
        !self.near(level).is_empty()
    }

    /// Whether Android's own policy of a level has a domain.
    pub fn has_domain(&self, level: u32, domain: &str) -> bool {
        let ranges = self.domains.get(domain).map(Vec::as_slice).unwrap_or_default();
        self.near(level).iter().any(|level| is_in(ranges, *level))
    }

    /// Whether Android's own policy of a level lets a domain do something; for a level between two that are known, either.
    /// A domain of apps that Android does not have there is held against what `untrusted_app` may.
    pub fn allows(&self, level: u32, domain: &str, target: &str, class: &str, permission: &str) -> bool {
        let is_new = domain.starts_with("untrusted_app") && !self.has_domain(level, domain);
        let domain = if is_new { "untrusted_app" } else { domain };
        let near = self.near(level);
        let of = self.allowed.get(&(domain, target, class)).into_iter().flatten();
        of.filter(|it| it.0 == permission).any(|it| near.iter().any(|level| is_in(&it.1, *level)))
    }

    /// What Android's own policy of a level forbids; for a level between two that are known, what both forbid.
    pub fn rules(&self, level: u32) -> impl Iterator<Item = &PolicyRule> {
        let near = self.near(level);
        self.rules.iter().filter(move |it| !near.is_empty() && near.iter().all(|level| is_in(&it.levels, *level)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let text = include_str!("../data/policy.txt");
        let lines: Vec<&str> = text.lines().filter(|it| !it.starts_with('#')).collect();
        let baseline = PolicyBaseline::bundled();
        assert_eq!(baseline.levels, BTreeSet::from([21, 22, 23, 25, 27, 28, 29, 30, 32, 33, 34]));
        let n_rules = lines.iter().filter(|it| it.starts_with("never ")).count();
        assert_eq!(baseline.rules.len(), n_rules);
        let allows =
            lines.iter().filter_map(|it| it.strip_prefix("allow ")?.split(' ').collect::<Vec<_>>().try_into().ok());
        let permissions = allows.map(|it: [&str; 5]| it[3].split(',').count() * it[4].split(',').count());
        assert_eq!(baseline.allowed.values().map(Vec::len).sum::<usize>(), permissions.sum::<usize>());
        assert_eq!(lines.iter().filter(|it| it.starts_with("allow ")).count() + n_rules, lines.len());
        assert!(baseline.rules.iter().all(|it| !it.levels.is_empty() && !it.permissions.is_empty()));
        assert!(baseline.allowed.values().flatten().all(|it| !it.1.is_empty()));
    }

    #[test]
    fn android_lets_apps_use_the_graphics_node_and_no_partition() {
        let baseline = PolicyBaseline::bundled();
        assert!(baseline.allows(29, "untrusted_app", "gpu_device", "chr_file", "write"));
        assert!(baseline.allows(31, "untrusted_app", "gpu_device", "chr_file", "write"), "between two known levels");
        let runs = |domain| baseline.allows(29, domain, "app_data_file", "file", "execute_no_trans");
        assert!(runs("untrusted_app_25") && !runs("untrusted_app") && !runs("untrusted_app_77"));
        assert!(!baseline.allows(29, "untrusted_app", "boot_block_device", "blk_file", "write"));
        assert!(!baseline.knows(19) && !baseline.knows(99));
        assert!(baseline.has_domain(29, "untrusted_app_27") && !baseline.has_domain(22, "untrusted_app_27"));
    }

    #[test]
    fn android_forbids_apps_to_set_properties() {
        let sets = |it: &&PolicyRule| {
            it.classes.contains(&"property_service")
                && it.permissions.contains(&"set")
                && it.domains.contains(&"untrusted_app")
        };
        let baseline = PolicyBaseline::bundled();
        assert!(baseline.rules(29).any(|it| sets(&it)));
        assert!(baseline.rules(99).next().is_none());
    }
}
