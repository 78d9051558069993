//! A container that is malformed so that tools lose what a phone finds.

use std::collections::BTreeMap;

use model::fact::anomaly::{Anomaly, Kind};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade, Row};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "evasive-container",
    class: Class::EvasiveFormat,
    title: "Malformed so that tools are blind",
    detect,
};

/// One finding an artifact.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut by_artifact: BTreeMap<ArtifactId, Vec<&Row<Anomaly>>> = BTreeMap::new();
    for row in phone.facts.anomalies.iter().filter(|it| hides(it.value.kind) && runs(context, it.at.artifact)) {
        by_artifact.entry(row.at.artifact).or_default().push(row);
    }
    for (artifact, rows) in by_artifact {
        let mut kinds: Vec<Kind> = rows.iter().map(|it| it.value.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let words: Vec<&str> = kinds.iter().map(|it| words(*it)).collect();
        // One oddity is made by bad tools every day; two different ones that both hide content are not.
        let grade = if 1 < kinds.len() { Grade::Finding } else { Grade::Suspicion };
        let factors = Factors {
            reach: Reach::AnyApp,
            power: Power::Settings,
            concealment: Concealment::Hidden,
            holder: Holder::Unknown,
        };
        let place = match phone.device_path(artifact) {
            "" => phone.tree.path(artifact),
            path => path.to_owned(),
        };
        let claim = format!(
            "{place} breaks its format in a way that a phone accepts and analysis tools stumble over: {}",
            words.join("; ")
        );
        let evidence = rows.iter().take(EVIDENCE_MAX).map(|it| {
            Evidence::at(it.at, format!("{} ({}): {}", self::words(it.value.kind), it.value.format, it.value.detail))
        });
        findings.push(Finding {
            benign: "a broken build tool, or a packer that protects an app against copying".to_owned(),
            subject: words.join("; "),
            device_path: phone.device_path(artifact).to_owned(),
            evidence: evidence.collect(),
            action: "look at what the malformed part holds: postern reads it as a phone would".to_owned(),
            ..DETECTOR.finding(grade, Confidence::Medium, factors, claim)
        });
    }
}

/// Enough to see the pattern.
const EVIDENCE_MAX: usize = 8;

/// Whether a phone would run what lies in it: an app, bytecode, an archive of bytecode, a whole image.
fn runs(context: &Context, artifact: ArtifactId) -> bool {
    const RUN: &[&str] = &["apk", "dex", "cdex", "vdex", "oat", "dalvik-odex", "apex", "elf", "boot-image", "ext4", "erofs"];
    let formats = context.phone.formats.get(artifact.0 as usize).map_or(&[][..], |it| it);
    let name = context.phone.tree.artifact(artifact).file_name();
    formats.iter().any(|it| RUN.contains(it)) || name.ends_with(b".apk") || name.ends_with(b".jar")
}

/// Whether an oddity hides content from tools. Wrong checksums, bytes behind the end and odd numbers do not.
fn hides(kind: Kind) -> bool {
    match kind {
        Kind::FakeEncryption
        | Kind::HeaderMismatch
        | Kind::UnknownMethod
        | Kind::DuplicateName
        | Kind::ShadowedName
        | Kind::LeadingData
        | Kind::Overlap
        | Kind::HiddenData => true,
        Kind::BadChecksum
        | Kind::HostileName
        | Kind::TrailingData
        | Kind::LyingField
        | Kind::OddMagic
        | Kind::Garbage => false,
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::FakeEncryption => "entries that say they are encrypted and are not",
        Kind::HeaderMismatch => "local and central headers disagree",
        Kind::UnknownMethod => "an unknown compression method that a phone reads as stored",
        Kind::DuplicateName => "two entries of one name",
        Kind::ShadowedName => "a file and a folder of one name",
        Kind::LeadingData => "bytes before the container's start",
        Kind::Overlap => "structures that claim the same bytes",
        Kind::HiddenData => "data in what should be empty",
        Kind::BadChecksum => "a wrong checksum",
        Kind::HostileName => "a name that leads outside",
        Kind::TrailingData => "bytes behind the container's end",
        Kind::LyingField => "a field that lies",
        Kind::OddMagic => "an odd magic number",
        Kind::Garbage => "content that does not belong there",
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    const APK: &str = "/system/app/A/A.apk";
    Cases {
        fires: &[
            || Fixture::phone().anomaly(APK, "zip", Kind::FakeEncryption),
            || Fixture::phone().anomaly(APK, "zip", Kind::UnknownMethod).anomaly(APK, "zip", Kind::DuplicateName),
        ],
        silent: &[
            || Fixture::phone(),
            // A dictionary, packed by a tool that writes folders twice.
            || Fixture::phone().anomaly("/system/media/words.zip", "zip", Kind::DuplicateName),
            || Fixture::phone().anomaly(APK, "zip", Kind::BadChecksum).anomaly(APK, "zip", Kind::TrailingData),
        ],
    }
};
