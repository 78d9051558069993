//! A compiled SELinux policy that the phone does not load, because it was made from other files than the phone has.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "stale-policy",
    class: Class::Hygiene,
    title: "A compiled policy that is not loaded",
    detect,
};

/// One finding a policy.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for row in context.phone.running(&context.phone.facts.policies).filter(|it| !it.value.stale.is_empty()) {
        let path = context.phone.device_path(row.at.artifact);
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::None,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let instead = match context.surface.contexts.policy() {
            Some(it) if it.value.kind == "linked" => "what the phone links from its files in CIL was judged instead",
            Some(_) => "another compiled policy was judged instead",
            None => "no policy was judged instead: what it lets apps do is not known",
        };
        findings.push(Finding {
            benign: "system and vendor partition of two updates, as many phones have after an update of the system alone"
                .to_owned(),
            subject: "policy".to_owned(),
            device_path: path.to_owned(),
            evidence: row.value.stale.iter().map(|it| Evidence::at(row.at, it.clone())).collect(),
            action: "nothing to do; compare the partitions with those of the maker's package if they should be of one update"
                .to_owned(),
            ..DETECTOR.finding(
                Grade::Suspicion,
                Confidence::High,
                factors,
                format!("{path} was compiled from other files than this phone has, and init does not load it; {instead}"),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::policy::Policy;

    fn with(stale: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/vendor/etc/selinux/precompiled_sepolicy");
        let stale = stale.iter().map(|it| (*it).to_owned()).collect();
        let policy = Policy { kind: "binary".to_owned(), stale, ..Policy::default() };
        fixture.facts.policies.push(Fixture::row(file, policy));
        fixture
    }

    Cases { fires: &[|| with(&["plat_sepolicy_and_mapping.sha256 is 1, it was compiled for 2"])], silent: &[|| with(&[])] }
};
