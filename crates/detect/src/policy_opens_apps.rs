//! The SELinux policy lets any app do what Android's own policy forbids to all of them.

use std::collections::BTreeMap;

use knowledge::PolicyBaseline;
use model::fact::policy::Grant;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "policy-opens-apps",
    class: Class::KernelHook,
    title: "The policy lets apps do what Android forbids",
    detect,
};

/// One finding a policy and power that it gives. What Android's own policy of this version allows, and what gives no power, is
/// not told here: vendors add rules, and `postern policy` lists them.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let Some(policy) = context.surface.contexts.policy() else { return };
    let baseline = PolicyBaseline::bundled();
    let level = context.phone.sdk().filter(|it| baseline.knows(*it));
    let mut given: BTreeMap<usize, Vec<Grant>> = BTreeMap::new();
    for grant in policy.value.grants.iter().filter(|it| it.domain.starts_with("untrusted_app")) {
        for (n, rule) in RULES.iter().enumerate() {
            let mut grant = grant.clone();
            let Grant { domain, target, class, permissions } = &mut grant;
            permissions.retain(|it| {
                let is_androids = |level| baseline.allows(level, domain, target, class, it);
                rule.permissions.contains(&it.as_str()) && !level.is_some_and(is_androids)
            });
            if rule.is_about(&grant) && !grant.permissions.is_empty() {
                given.entry(n).or_default().push(grant);
                break;
            }
        }
    }
    for (n, grants) in given {
        let Some(rule) = RULES.get(n) else { continue };
        let mut targets: Vec<&str> = grants.iter().map(|it| it.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        let shown: Vec<&str> = targets.iter().take(SHOWN).copied().collect();
        let factors =
            Factors { reach: Reach::AnyApp, power: rule.power, concealment: Concealment::None, holder: Holder::Unknown };
        let evidence = grants.iter().take(SHOWN).map(|it| {
            Evidence::at(policy.at, format!("allow {} {}:{} {{ {} }}", it.domain, it.target, it.class, it.permissions.join(" ")))
        });
        let forbidden = |grant: &&Grant| {
            let by = policy.value.broken.iter().map(|it| &it.grant);
            let same = |it: &&Grant| (&it.domain, &it.target, &it.class) == (&grant.domain, &grant.target, &grant.class);
            by.filter(same).flat_map(|it| &it.permissions).any(|it| grant.permissions.contains(it))
        };
        let why = match (grants.iter().filter(forbidden).count(), level) {
            (0, Some(level)) => format!("which Android's own policy does not let apps (API level {level})"),
            (0, None) => "which Android's own policy lets no app".to_owned(),
            (n, _) => format!("which Android's policy forbids to apps ({n} of {} rules)", grants.len()),
        };
        findings.push(Finding {
            benign: "a vendor opened it for an app of its own that has no domain of its own".to_owned(),
            subject: format!("{} {}", rule.class, shown.join(" ")),
            device_path: context.phone.device_path(policy.at.artifact).to_owned(),
            evidence: evidence.collect(),
            references: vec!["AOSP system/sepolicy, private/app_neverallows.te and public/domain.te".to_owned()],
            action: "ask the maker why apps may do this, and look whether file modes keep them from it".to_owned(),
            ..DETECTOR.finding(
                Grade::Suspicion,
                Confidence::High,
                factors,
                format!("the policy lets any app {} ({}), {why}", rule.what, shown.join(", ")),
            )
        });
    }
}

/// Something that gives an app a power.
struct Rule {
    class: &'static str,
    permissions: &'static [&'static str],
    /// Types; every one where there are none.
    targets: &'static [&'static str],
    what: &'static str,
    power: Power,
}

impl Rule {
    fn is_about(&self, grant: &Grant) -> bool {
        grant.class == self.class && (self.targets.is_empty() || self.targets.contains(&grant.target.as_str()))
    }
}

const RULES: &[Rule] = &[
    Rule { class: "blk_file", permissions: &["write", "append"], targets: &[], what: "write to partitions", power: Power::System },
    Rule {
        class: "chr_file",
        permissions: &["write", "append"],
        targets: &["kmem_device", "port_device", "mtd_device", "device"],
        what: "write to the memory of the kernel, or to devices without a label",
        power: Power::System,
    },
    Rule { class: "property_service", permissions: &["set"], targets: &[], what: "set properties of the system", power: Power::Settings },
    Rule { class: "service_manager", permissions: &["add"], targets: &[], what: "offer services of the system", power: Power::Settings },
    Rule {
        class: "file",
        permissions: &["write", "append"],
        targets: &["system_file", "vendor_file", "system_data_file", "proc_security", "sysfs_usermodehelper"],
        what: "write files of the system",
        power: Power::System,
    },
];

/// Enough to see which.
const SHOWN: usize = 8;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::policy::Policy;

    fn with(domain: &str, target: &str, class: &str, permission: &str) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/system/etc/selinux/precompiled_sepolicy");
        let grant = Grant {
            domain: domain.to_owned(),
            target: target.to_owned(),
            class: class.to_owned(),
            permissions: vec![permission.to_owned()],
        };
        let policy = Policy { kind: "binary".to_owned(), grants: vec![grant], ..Policy::default() };
        fixture.facts.policies.push(Fixture::row(file, policy));
        fixture
    }

    fn at(level: u32, fixture: Fixture) -> Fixture {
        fixture.property("ro.build.version.sdk", &level.to_string())
    }

    Cases {
        fires: &[
            || with("untrusted_app", "kmem_device", "chr_file", "write"),
            || with("untrusted_app_27", "boot_block_device", "blk_file", "write"),
            || with("untrusted_app", "vendor_prop", "property_service", "set"),
            || at(29, with("untrusted_app", "kmem_device", "chr_file", "write")),
        ],
        silent: &[
            // A vendor's addition that gives no power.
            || at(29, with("untrusted_app", "vendor_light_device", "chr_file", "write")),
            || with("untrusted_app", "gpu_device", "chr_file", "write"),
            || with("shell", "shell_prop", "property_service", "set"),
            || with("untrusted_app", "app_data_file", "file", "write"),
        ],
    }
};
