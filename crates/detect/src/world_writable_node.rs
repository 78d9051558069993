//! A device node that the phone makes writable for everyone, and Android does not.

use std::collections::BTreeMap;

use model::fact::ueventd::Rule;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade, NodeKind, Row};

use surface::Says;

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "world-writable-node",
    class: Class::KernelHook,
    title: "Device nodes that everyone may write",
    detect,
};

/// One finding a file of rules, and one a node in an image.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut files: BTreeMap<ArtifactId, Vec<&Row<Rule>>> = BTreeMap::new();
    for row in phone.running(&phone.facts.ueventd) {
        let node = row.value.attribute.is_none() && row.value.pattern.starts_with("/dev/");
        let open = node && row.value.mode & 0o002 != 0 && !is_locked(context, &row.value.pattern);
        if open && context.knowledge.device_nodes.of_node(&row.value.pattern).is_none() {
            files.entry(row.at.artifact).or_default().push(row);
        }
    }
    for (file, rows) in files {
        let patterns: Vec<&str> = rows.iter().map(|it| it.value.pattern.as_str()).collect();
        let memory = patterns.iter().find(|it| MEMORY.contains(it));
        let path = phone.device_path(file);
        let claim = match memory {
            Some(memory) => format!("{path} lets everyone write {memory}, through which the kernel's memory can be changed"),
            None => format!("{path} lets everyone write {}", listed(&patterns)),
        };
        let mut evidence: Vec<Evidence> = rows
            .iter()
            .map(|it| Evidence::at(it.at, format!("{} {:04o} {} {}", it.value.pattern, it.value.mode, it.value.user, it.value.group)))
            .collect();
        let allowed: Vec<&str> = patterns.iter().copied().filter(|it| policy_says(context, it) == Says::Apps).collect();
        let claim = match (allowed.as_slice(), context.surface.contexts.at()) {
            ([], _) | (_, None) => claim,
            (allowed, Some(at)) => {
                evidence.push(Evidence::at(at, format!("the policy lets apps write {}", allowed.join(", "))));
                format!("{claim}; the SELinux policy lets apps write {}", listed(allowed))
            }
        };
        findings.push(Finding {
            benign: "graphics, camera and sensor nodes of vendors are open by design, and SELinux may keep apps from them"
                .to_owned(),
            subject: patterns.join(" "),
            device_path: path.to_owned(),
            evidence,
            action: "look whether the SELinux policy lets apps open these nodes, and what their drivers accept".to_owned(),
            ..finding(memory.is_some(), !allowed.is_empty(), claim)
        });
    }
    for (artifact, path) in phone.files() {
        let device = matches!(artifact.node.kind, NodeKind::CharDevice | NodeKind::BlockDevice);
        // Marks of overlay file systems are devices 0:0 that nobody can open.
        let real = artifact.node.device.is_some_and(|it| it != (0, 0));
        if device && real && artifact.node.mode.is_some_and(|it| it & 0o002 != 0) && context.knowledge.device_nodes.of_node(path).is_none() {
            findings.push(Finding {
                benign: "device nodes are made at start-up; one in an image is a leftover or a door".to_owned(),
                subject: path.to_owned(),
                device_path: path.to_owned(),
                evidence: vec![Evidence::artifact(artifact.id, format!("device node {:?}, writable for everyone", artifact.node.device))],
                action: "find out which driver stands behind these numbers".to_owned(),
                ..finding(false, false, format!("the image itself holds a device node that everyone may write: {path}"))
            });
        }
    }
}

/// What the policy lets apps do with a node.
fn policy_says(context: &Context, node: &str) -> Says {
    let contexts = &context.surface.contexts;
    contexts.who(contexts.type_of_path(node.trim_end_matches('*')), "chr_file", &["write", "append"])
}

/// Whether the policy keeps every app and the shell from a node.
fn is_locked(context: &Context, node: &str) -> bool {
    policy_says(context, node) == Says::Nobody
}

fn finding(memory: bool, allowed: bool, claim: String) -> Finding {
    let factors = Factors {
        reach: Reach::AnyApp,
        power: if memory { Power::System } else { Power::Settings },
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let grade = if memory { Grade::Finding } else { Grade::Suspicion };
    let confidence = match () {
        () if memory => Confidence::High,
        // File mode and policy agree.
        () if allowed => Confidence::Medium,
        () => Confidence::Low,
    };
    DETECTOR.finding(grade, confidence, factors, claim)
}

/// Nodes through which memory is written past every other guard.
const MEMORY: &[&str] = &["/dev/mem", "/dev/kmem", "/dev/exynos-mem", "/dev/graphics/s3cmem", "/dev/port"];

fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if 1 < names.len() && names.len() <= 4 => format!("{} and {last}", first.join(", ")),
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more nodes", rest.len()),
        _ => names.concat(),
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};

    fn with(pattern: &str, mode: u16) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/system/etc/ueventd.rc");
        let rule = Rule {
            pattern: pattern.to_owned(),
            attribute: None,
            mode,
            user: "root".to_owned(),
            group: "root".to_owned(),
        };
        fixture.facts.ueventd.push(Fixture::row(file, rule));
        fixture
    }

    /// With a label, and a policy that lets a domain write it.
    fn labelled(pattern: &str, domain: &str, target: &str) -> Fixture {
        use model::fact::context::{ContextKind, ContextRule};
        use model::fact::policy::{Grant, Policy};
        let mut fixture = with(pattern, 0o666);
        let file = fixture.file("/system/etc/selinux/precompiled_sepolicy");
        let rule = ContextRule {
            kind: ContextKind::File,
            pattern: pattern.to_owned(),
            context: "u:object_r:door_device:s0".to_owned(),
            qualifier: String::new(),
        };
        fixture.facts.contexts.push(Fixture::row(file, rule));
        let grant = Grant {
            domain: domain.to_owned(),
            target: target.to_owned(),
            class: "chr_file".to_owned(),
            permissions: vec!["write".to_owned()],
        };
        fixture.facts.policies.push(Fixture::row(file, Policy { grants: vec![grant], ..Policy::default() }));
        fixture
    }

    Cases {
        fires: &[
            || with("/dev/vendor_door", 0o666),
            || with("/dev/mem", 0o666),
            || labelled("/dev/vendor_door", "untrusted_app", "door_device"),
        ],
        silent: &[
            || with("/dev/null", 0o666),
            || with("/dev/vendor_door", 0o660),
            || labelled("/dev/vendor_door", "untrusted_app", "other_device"),
        ],
    }
};
