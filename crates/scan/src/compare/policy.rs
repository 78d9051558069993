//! SELinux policies rule by rule.

use std::collections::BTreeSet;

use compare::Rules;
use formats::sepolicy::{Policydb, Rule, RuleKind};
use model::{ArtifactId, Blob};
use phone::Phone;

/// What rules only one of two policies has; none where one of them cannot be read to its end.
pub fn compare(left: &Phone, left_id: ArtifactId, right: &Phone, right_id: ArtifactId) -> Option<Rules> {
    let work = || {
        let rules = |phone: &Phone, id: ArtifactId| {
            let is_binary = phone.formats.get(id.0 as usize).is_some_and(|it| it.contains(&"sepolicy"));
            let blob = &phone.tree.artifact(id).blob;
            if is_binary { binary(blob) } else { text(blob) }
        };
        let (left, right) = (rules(left, left_id)?, rules(right, right_id)?);
        Some(Rules {
            added: right.difference(&left).cloned().collect(),
            removed: left.difference(&right).cloned().collect(),
        })
    };
    // A panic is a bug; then the rules are not told, and that the file differs is.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok().flatten()
}

/// The types and rules of a binary policy.
fn binary(blob: &Blob) -> Option<BTreeSet<String>> {
    let bytes = blob.bytes("bytes of a policy", POLICY_MAX).ok()?;
    let (policy, _, result) = Policydb::read(&bytes);
    result.ok()?;
    let types =
        policy.types.values().map(|it| format!("{} {}", if it.is_attribute { "attribute" } else { "type" }, it.name));
    let permissive = policy.permissive.iter().map(|it| format!("permissive {}", name_of(&policy, *it)));
    let rules = policy.rules.iter().map(|it| said(&policy, it));
    Some(types.chain(permissive).chain(rules).collect())
}

fn name_of(policy: &Policydb, value: u32) -> String {
    policy.name_of_type(value).map_or_else(|| format!("#{value}"), str::to_owned)
}

fn said(policy: &Policydb, rule: &Rule) -> String {
    let class = policy.classes.get(&rule.class).map_or_else(|| format!("#{}", rule.class), |it| it.name.clone());
    let what = match rule.kind {
        RuleKind::Allow => "allow",
        RuleKind::AuditAllow => "auditallow",
        RuleKind::DontAudit => "dontaudit",
        RuleKind::Transition => "type_transition",
        RuleKind::Change => "type_change",
        RuleKind::Member => "type_member",
        RuleKind::AllowExtended => "allowxperm",
        RuleKind::AuditAllowExtended => "auditallowxperm",
        RuleKind::DontAuditExtended => "dontauditxperm",
    };
    let data = match rule.kind {
        RuleKind::Allow | RuleKind::AuditAllow | RuleKind::DontAudit => {
            let names: Vec<String> = policy.permissions(rule.class, rule.data).into_iter().collect();
            format!("{{{}}}", names.join(" "))
        }
        RuleKind::Transition | RuleKind::Change | RuleKind::Member => name_of(policy, rule.data),
        _ => format!("{:x?}", rule.extended),
    };
    let when = match rule.conditional {
        None => "",
        Some(true) => " (by a boolean)",
        Some(false) => " (by a boolean, now off)",
    };
    format!("{what} {} {}:{class} {data}{when}", name_of(policy, rule.source), name_of(policy, rule.target))
}

/// The statements of a policy in CIL: compilers write one a line.
fn text(blob: &Blob) -> Option<BTreeSet<String>> {
    let bytes = blob.bytes("bytes of a policy", POLICY_MAX).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with(';'));
    Some(lines.map(str::to_owned).collect())
}

/// As large as the reader of policies takes them.
const POLICY_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_permissive_domains_of_a_binary_policy_are_lines() {
        let bytes = std::fs::read("../formats/tests/samples/sepolicy/mls-33").unwrap();
        let rules = binary(&Blob::from_bytes(bytes.clone())).unwrap();
        for rule in ["allow domain system_file:file {open read}", "permissive hidden_d", "type shell"] {
            assert!(rules.contains(rule), "{rule}: {rules:?}");
        }
        assert!(binary(&Blob::from_bytes(&bytes[..bytes.len() / 2])).is_none(), "half a policy says nothing of rules");
    }

    #[test]
    fn statements_of_a_policy_in_text_are_lines() {
        let rules =
            text(&Blob::from_bytes(&b"(allow a b (file (read)))\n; a comment\n\n(typepermissive c)\n"[..])).unwrap();
        assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["(allow a b (file (read)))", "(typepermissive c)"]);
    }
}
