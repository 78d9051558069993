//! Who may sign an update: a published key, or more than one.

use std::collections::BTreeMap;

use model::fact::certificate::{Certificate, Role};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Row};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "ota-keys",
    class: Class::TrustRoot,
    title: "More than the maker may sign updates",
    detect,
};

/// One finding for each published key, and one where there are several keys.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut keys: BTreeMap<&str, &Row<Certificate>> = BTreeMap::new();
    for row in phone.running(&phone.facts.certificates).filter(|it| it.value.role == Role::OtaKey) {
        keys.entry(&row.value.sha256).or_insert(row);
    }
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::System,
        concealment: Concealment::None,
        holder: Holder::Everyone,
    };
    let evidence =
        |row: &Row<Certificate>| Evidence::at(row.at, format!("{}, SHA-256 {}", row.value.subject, row.value.sha256));
    for row in keys.values() {
        let Some(key) = context.knowledge.public_keys.get(&row.value.sha256) else { continue };
        findings.push(Finding {
            benign: "a build system that never replaced its default, while recovery has the maker's own key".to_owned(),
            subject: row.value.sha256.clone(),
            device_path: phone.device_path(row.at.artifact).to_owned(),
            evidence: vec![evidence(row)],
            references: vec![key.source.clone()],
            action: "ask for a build whose update key is private; keep recovery out of strangers' hands".to_owned(),
            ..DETECTOR.finding(
                Grade::Finding,
                Confidence::High,
                factors,
                format!(
                    "the published key \"{}\" is among the keys with which the phone checks updates; recovery has a list of \
                     its own, which decides in the end",
                    key.name
                ),
            )
        });
    }
    if 1 < keys.len() {
        let rows: Vec<&&Row<Certificate>> = keys.values().collect();
        let subjects: Vec<&str> = rows.iter().map(|it| it.value.subject.as_str()).collect();
        let Some(first) = rows.first() else { return };
        findings.push(Finding {
            benign: "a maker that changes its key, or has one key per region, ships several".to_owned(),
            subject: "several".to_owned(),
            device_path: phone.device_path(first.at.artifact).to_owned(),
            evidence: rows.iter().map(|it| evidence(it)).collect(),
            action: "ask the maker whose keys these are".to_owned(),
            ..DETECTOR.finding(
                Grade::Suspicion,
                Confidence::Medium,
                Factors { holder: Holder::Unknown, ..factors },
                format!("the phone accepts updates from {} signers: {}", keys.len(), subjects.join("; ")),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    const TESTKEY: &str = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc";
    const A: &str = "/system/etc/security/otacerts.zip!a.x509.pem";
    const B: &str = "/system/etc/security/otacerts.zip!b.x509.pem";
    Cases {
        fires: &[
            || Fixture::phone().certificate(A, Role::OtaKey, TESTKEY),
            || Fixture::phone().certificate(A, Role::OtaKey, "CN=maker").certificate(B, Role::OtaKey, "CN=other"),
        ],
        silent: &[
            || Fixture::phone().certificate(A, Role::OtaKey, "CN=maker"),
            // The same key twice: in the system and in recovery.
            || Fixture::phone().certificate(A, Role::OtaKey, "CN=maker").certificate(B, Role::OtaKey, "CN=maker"),
        ],
    }
};
