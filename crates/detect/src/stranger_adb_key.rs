//! A key in the image with which somebody may use adb without being asked for.

use std::collections::BTreeMap;

use model::fact::adb_key::AdbKey;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade, Row};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "stranger-adb-key",
    class: Class::DebugLeftOpen,
    title: "adb lets a stranger in without asking",
    detect,
};

/// One finding a file.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut files: BTreeMap<ArtifactId, Vec<&Row<AdbKey>>> = BTreeMap::new();
    for row in phone.running(&phone.facts.adb_keys) {
        let path = phone.device_path(row.at.artifact);
        // Keys that a user accepted lie in the data partition.
        if !path.starts_with("/data/") && !path.contains('!') {
            files.entry(row.at.artifact).or_default().push(row);
        }
    }
    for (file, rows) in files {
        let path = phone.device_path(file);
        // adbd of AOSP looks in two places; whether it looks elsewhere, its strings tell.
        let looks = ADBD_PATHS.contains(&path) || adbd_names(context, path);
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::System,
            concealment: Concealment::Hidden,
            holder: Holder::Unknown,
        };
        let n = rows.len();
        let keys = if n == 1 { "an adb key".to_owned() } else { format!("{n} adb keys") };
        let claim = match looks {
            true => format!("{path} holds {keys}: whoever has a private half may use adb without the user being asked"),
            false => format!("{path} holds {keys}; whether adbd looks there is not known"),
        };
        let evidence = rows.iter().map(|row| {
            let who = if row.value.comment.is_empty() { "no comment" } else { &row.value.comment };
            Evidence::at(row.at, format!("key SHA-256 {} ({who})", row.value.sha256))
        });
        findings.push(Finding {
            benign: "the maker's service centres and test farms use such keys; an image for sale has none".to_owned(),
            subject: path.to_owned(),
            device_path: path.to_owned(),
            evidence: evidence.collect(),
            references: vec!["AOSP packages/modules/adb, daemon/auth.cpp: keys of these files need no question".to_owned()],
            action: "keep adb switched off; ask the maker whose keys these are".to_owned(),
            ..DETECTOR.finding(
                if looks { Grade::Finding } else { Grade::Suspicion },
                Confidence::High,
                factors,
                claim,
            )
        });
    }
}

/// Where adbd of AOSP looks for keys.
const ADBD_PATHS: &[&str] = &["/adb_keys", "/product/etc/security/adb_keys", "/system/product/etc/security/adb_keys"];

/// Whether the phone's own adbd names this file.
fn adbd_names(context: &Context, path: &str) -> bool {
    let phone = context.phone;
    phone.running(&phone.facts.elfs).any(|it| {
        phone.device_path(it.at.artifact).ends_with("/adbd") && it.value.strings.iter().any(|string| string == path)
    })
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};

    fn with(path: &str) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file(path);
        let key = AdbKey { sha256: "ab".to_owned(), bits: Some(2048), comment: "lab@host".to_owned() };
        fixture.facts.adb_keys.push(Fixture::row(file, key));
        fixture
    }

    Cases { fires: &[|| with("/system/etc/security/adb_keys")], silent: &[|| with("/data/misc/adb/adb_keys")] }
};
