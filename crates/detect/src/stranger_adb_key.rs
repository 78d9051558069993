//! A key in the image with which somebody may use adb without being asked for.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "stranger-adb-key",
    class: Class::DebugLeftOpen,
    title: "adb lets a stranger in without asking",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    for row in phone.running(&phone.facts.adb_keys) {
        let path = phone.device_path(row.at.artifact);
        // Keys that a user accepted lie in the data partition.
        if path.starts_with("/data/") || path.contains('!') {
            continue;
        }
        let key = &row.value;
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::System,
            concealment: Concealment::Hidden,
            holder: Holder::Unknown,
        };
        let who = if key.comment.is_empty() { "nobody named".to_owned() } else { format!("\"{}\"", key.comment) };
        findings.push(Finding {
            benign: "test farms and engineering builds have such keys; an image for sale has none".to_owned(),
            subject: key.sha256.clone(),
            device_path: path.to_owned(),
            evidence: vec![Evidence::at(row.at, format!("key of {who}, SHA-256 {}", key.sha256))],
            references: vec!["AOSP packages/modules/adb: adbd accepts the keys of /adb_keys without a question".to_owned()],
            action: "keep adb off, and ask the maker for a build without this key".to_owned(),
            ..DETECTOR.finding(
                Grade::Finding,
                Confidence::High,
                factors,
                format!("the image holds an adb key of {who}: whoever has its private half may use adb without a question"),
            )
        });
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::adb_key::AdbKey;

    fn with(path: &str) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file(path);
        let key = AdbKey { sha256: "ab".to_owned(), bits: Some(2048), comment: "lab@host".to_owned() };
        fixture.facts.adb_keys.push(Fixture::row(file, key));
        fixture
    }

    Cases { fires: &[|| with("/system/etc/security/adb_keys")], silent: &[|| with("/data/misc/adb/adb_keys")] }
};
