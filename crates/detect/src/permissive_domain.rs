//! A domain in which SELinux enforces nothing.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "permissive-domain",
    class: Class::DebugLeftOpen,
    title: "SELinux domain is permissive",
    detect,
};

/// One finding a policy that runs: the same policy as binary and as text is told once, by the binary.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut told: Vec<&[String]> = Vec::new();
    let mut policies: Vec<_> = phone.running(&phone.facts.policies).filter(|it| !it.value.permissive.is_empty()).collect();
    policies.sort_by_key(|it| (it.value.kind != "binary", it.at));
    for row in policies {
        if told.contains(&row.value.permissive.as_slice()) {
            continue;
        }
        told.push(&row.value.permissive);
        let domains = row.value.permissive.join(", ");
        let untrusted = row.value.permissive.iter().any(|it| it.starts_with("untrusted_app") || it == "shell");
        let factors = Factors {
            reach: Reach::AnyApp,
            power: if untrusted { Power::System } else { Power::Settings },
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        findings.push(Finding {
            benign: "development builds make single domains permissive; builds for users must have none (CTS tests it)"
                .to_owned(),
            subject: domains.clone(),
            device_path: phone.device_path(row.at.artifact).to_owned(),
            evidence: vec![Evidence::at(row.at, format!("permissive: {domains}"))],
            references: vec!["Android Compatibility Definition, 9.7: no permissive domains".to_owned()],
            action: "ask the maker for a build without permissive domains".to_owned(),
            ..DETECTOR.finding(
                Grade::Finding,
                Confidence::High,
                factors,
                format!("in the SELinux policy these domains are permissive, so that no rule holds for them: {domains}"),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::policy::Policy;

    fn policy(path: &str, permissive: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file(path);
        let permissive = permissive.iter().map(|it| (*it).to_owned()).collect();
        fixture.facts.policies.push(Fixture::row(file, Policy { permissive, ..Policy::default() }));
        fixture
    }

    Cases {
        fires: &[|| policy("/system/etc/selinux/precompiled_sepolicy", &["vendor_daemon"])],
        silent: &[
            || policy("/system/etc/selinux/precompiled_sepolicy", &[]),
            // Recovery is permissive in itself on many phones, and does not run beside apps.
            || policy("/recovery/ramdisk/sepolicy", &["recovery"]),
        ],
    }
};
