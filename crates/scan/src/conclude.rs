//! From findings and gaps to the report.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use model::finding::{Finding, Grade, Holder};
use model::report::{
    AppLine, DaemonLine, Device, EvidenceLine, FlowStep, GapLine, Input, Report, Row, SCHEMA, Tool, VerdictLine,
};
use model::verdict::{Inspected, Subject, Verdict};
use model::{Answer, ArtifactId, Blob, Severity};
use phone::Phone;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::{coverage, provenance};

/// What the report needs beside the phone.
pub struct Frame {
    /// Name and versions.
    pub tool: Tool,
    /// The command line, without options that cannot change the result.
    pub command: String,
    /// `YYYY-MM-DD`; where it is missing, the build date of the phone is taken.
    pub date: Option<String>,
    /// What was given.
    pub input: Vec<Input>,
}

/// Writes the report together. Returns the exit code with it.
pub fn conclude(seen: &crate::Inspected, frame: Frame) -> (Report, u8) {
    let (phone, findings) = (&seen.phone, &seen.findings);
    let (coverage, inspected) = coverage::of(phone);
    let subject = match () {
        () if phone.is_phone() => Subject::Phone,
        () if !phone.apps.all.is_empty() => Subject::Apps,
        () => Subject::Neither,
    };
    let third_parties =
        findings.iter().any(|it| it.grade == Grade::Capability && it.factors.holder != Holder::Legitimate);
    let verdict = Verdict::of(findings, inspected, subject, third_parties);
    let hashes = hashes_of(phone, findings, &frame.input);
    let rows = |wanted: &[Grade]| -> Vec<Row> {
        findings.iter().filter(|it| wanted.contains(&it.grade)).map(|it| row_of(phone, it, &hashes)).collect()
    };
    let device = device_of(phone);
    let gaps = gaps_of(phone);
    let summary = summary_of(&verdict, inspected, &device, findings, &gaps, phone);
    let report = Report {
        schema: SCHEMA,
        tool: frame.tool,
        date: frame.date.or_else(|| build_date_of(phone)),
        command: frame.command,
        input: frame.input,
        verdict: VerdictLine {
            answer: verdict.answer,
            confidence: verdict.confidence,
            percent: verdict.percent,
            subject: verdict.subject,
            summary,
        },
        device,
        findings: rows(&[Grade::Finding, Grade::Suspicion]),
        capabilities: rows(&[Grade::Capability]),
        privacy: rows(&[Grade::Privacy]),
        controllers: seen.controllers.clone(),
        next: next_of(verdict.subject, &coverage, findings),
        coverage,
        gaps,
        differences: Vec::new(),
        apps: apps_of(phone),
        daemons: daemons_of(phone),
        surface: seen.surface.clone(),
        provenance: provenance::of(phone),
    };
    (report, verdict.exit_code(findings))
}

/// SHA-256 of a stream in hex; the fault where it cannot be read to its end.
pub fn sha256_of(blob: &Blob) -> io::Result<String> {
    digest_of(blob).map(|it| hex(&it))
}

/// SHA-256 of a stream.
pub fn digest_of(blob: &Blob) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut stream = blob.stream();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buffer[..n]),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// SHA-256 of every artifact that is cited. An artifact without bytes, or one that cannot be read, has none.
fn hashes_of(phone: &Phone, findings: &[Finding], input: &[Input]) -> FxHashMap<ArtifactId, String> {
    let cited: BTreeSet<ArtifactId> = findings.iter().flat_map(|it| &it.evidence).map(|it| it.at.artifact).collect();
    let cited: Vec<ArtifactId> = cited.into_iter().collect();
    cited
        .par_iter()
        .filter_map(|&id| {
            let artifact = phone.tree.artifact(id);
            // What was given is hashed already.
            let given = artifact.parent.is_none().then(|| input.iter().find(|it| it.name == artifact.name)).flatten();
            let hash = match given {
                Some(given) => Some(given.sha256.clone()),
                None if artifact.blob.is_empty() => None,
                None => sha256_of(&artifact.blob).ok(),
            };
            hash.map(|it| (id, it))
        })
        .collect()
}

fn row_of(phone: &Phone, finding: &Finding, hashes: &FxHashMap<ArtifactId, String>) -> Row {
    let evidence = finding.evidence.iter().map(|it| EvidenceLine {
        path: phone.tree.path(it.at.artifact),
        device_path: phone.device_path(it.at.artifact).to_owned(),
        sha256: hashes.get(&it.at.artifact).cloned().unwrap_or_default(),
        offset: it.at.offset,
        size: it.at.size,
        detail: it.detail.clone(),
    });
    let flow = finding.flow.iter().map(|it| FlowStep {
        path: phone.tree.path(it.at.artifact),
        class: it.class.clone(),
        method: it.method.clone(),
        offset: it.at.offset,
        what: it.what.clone(),
    });
    Row {
        id: finding.id(),
        detector: finding.detector.to_owned(),
        class: finding.class,
        grade: finding.grade,
        severity: finding.severity(),
        confidence: finding.confidence,
        title: finding.title.clone(),
        claim: finding.claim.clone(),
        benign: finding.benign.clone(),
        factors: finding.factors,
        subject: finding.subject.clone(),
        device_path: finding.device_path.clone(),
        evidence: evidence.collect(),
        flow: flow.collect(),
        references: finding.references.clone(),
        action: finding.action.clone(),
    }
}

pub(crate) fn device_of(phone: &Phone) -> Device {
    let properties = &phone.properties;
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    Device {
        brand: text(properties.product("brand")),
        model: text(properties.product("model")),
        fingerprint: text(properties.build("fingerprint")),
        android: text(properties.build("version.release")),
        patch_level: text(properties.value("ro.build.version.security_patch")),
        build_type: text(properties.build("type")),
        tags: text(properties.build("tags")),
    }
}

/// The day the phone's software was built: `ro.build.date.utc` in seconds since 1970.
pub(crate) fn build_date_of(phone: &Phone) -> Option<String> {
    let seconds: i64 = phone.properties.build("date.utc")?.parse().ok()?;
    date_of(seconds)
}

/// A day of the proleptic Gregorian calendar from seconds since 1970, by counting in eras of 400 years that start in
/// March.
fn date_of(seconds: i64) -> Option<String> {
    if !(0..=253_402_300_799).contains(&seconds) {
        return None;
    }
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Equal reasons in one artifact become one line.
fn gaps_of(phone: &Phone) -> Vec<GapLine> {
    let mut counts: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for gap in &phone.gaps {
        *counts.entry((phone.tree.path(gap.artifact), &gap.why)).or_default() += 1;
    }
    counts.into_iter().map(|((path, why), count)| GapLine { path, why: why.to_owned(), count }).collect()
}

fn apps_of(phone: &Phone) -> Vec<AppLine> {
    let sdk = provenance::sdk_of(phone);
    let mut apps: Vec<AppLine> = phone
        .apps
        .all
        .iter()
        .map(|it| AppLine {
            package: it.app.package.clone(),
            version: version_of(it),
            signer: it.signer_subject().to_owned(),
            device_path: match it.device_path.as_str() {
                "" => phone.tree.path(it.artifact),
                path => path.to_owned(),
            },
            in_aosp: provenance::in_aosp(it, sdk),
        })
        .collect();
    apps.sort();
    apps
}

/// An app's version, name and code.
pub(crate) fn version_of(app: &phone::InstalledApp) -> String {
    match (&app.app.version_name, app.app.version_code) {
        (Some(name), Some(code)) => format!("{name} ({code})"),
        (Some(name), None) => name.clone(),
        (None, Some(code)) => format!("({code})"),
        (None, None) => String::new(),
    }
}

fn daemons_of(phone: &Phone) -> Vec<DaemonLine> {
    let daemons = phone.services.iter().map(|(name, service)| DaemonLine {
        name: name.clone(),
        device_path: service.program().to_owned(),
        user: service.user().to_owned(),
    });
    daemons.collect()
}

/// A few plain sentences: what it is, what was found, what was not looked at.
fn summary_of(
    verdict: &Verdict,
    inspected: Inspected,
    device: &Device,
    findings: &[Finding],
    gaps: &[GapLine],
    phone: &Phone,
) -> Vec<String> {
    let mut summary = Vec::new();
    let apps = match phone.apps.effective().count() {
        1 => "one app".to_owned(),
        n => format!("{n} apps"),
    };
    match verdict.subject {
        Subject::Phone => {
            let name = match (device.brand.as_str(), device.model.as_str()) {
                ("", "") => "a phone that does not say what it is".to_owned(),
                (brand, model) => format!("{brand} {model}").trim().to_owned(),
            };
            let android = match device.android.as_str() {
                "" => String::new(),
                release => format!(", Android {release}"),
            };
            let patch = match device.patch_level.as_str() {
                "" => String::new(),
                level => format!(", security patch level {level}"),
            };
            summary.push(format!("This is {name}{android}{patch}, with {apps}."));
        }
        Subject::Apps => summary.push(format!(
            "Given is {apps} without a phone: the verdict is about that alone, not about the phone it came from."
        )),
        // Of a phone in a comparison other sentences are said.
        Subject::Comparison => {}
        Subject::Neither => summary
            .push("What was given holds neither a phone's system nor an app; nothing can be said about it.".to_owned()),
    }
    let count = |grade: Grade, severity: Severity| {
        findings.iter().filter(|it| it.grade == grade && it.severity() == severity).count()
    };
    for grade in [Grade::Finding, Grade::Suspicion] {
        let counts: Vec<String> = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info]
            .into_iter()
            .map(|it| (it, count(grade, it)))
            .filter(|it| it.1 != 0)
            .map(|(severity, n)| format!("{n} {}", word_of(severity)))
            .collect();
        let what = if grade == Grade::Finding { "Findings" } else { "Suspicions" };
        if counts.is_empty() {
            summary.push(format!("{what}: none."));
        } else {
            summary.push(format!("{what}: {}.", counts.join(", ")));
        }
    }
    // What decided the verdict, not what else is as severe.
    let decides = |it: &&Finding| it.grade == Grade::Finding && Answer::of(it) == Some(verdict.answer);
    if let Some(first) = findings.iter().find(decides) {
        summary.push(format!("What matters most: {}.", lower_first(&first.claim)));
    }
    let places: u64 = gaps.iter().map(|it| it.count).sum();
    let places = match places {
        0 => "every place could be looked into, as far as this version goes".to_owned(),
        1 => "one place could not be looked into: it may hold anything".to_owned(),
        _ => format!("{places} places could not be looked into: they may hold anything"),
    };
    summary.push(format!("{}, and {places}.", analysed_of(inspected)));
    summary
}

/// How much of its code was analysed, layer by layer: the verdict's percentage is that of the lowest.
fn analysed_of(inspected: Inspected) -> String {
    let layers = [
        (inspected.methods_analysed, inspected.methods, "methods"),
        (inspected.executables_analysed, inspected.executables, "programs and libraries"),
    ];
    let layers: Vec<String> =
        layers.iter().filter(|it| it.1 != 0).map(|(done, all, what)| format!("{done} of {all} {what}")).collect();
    match layers.is_empty() {
        true => "No code was found in it".to_owned(),
        false => format!("Of its code, {} were analysed", layers.join(" and ")),
    }
}

fn word_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "for information",
    }
}

fn lower_first(text: &str) -> String {
    let trimmed = text.trim_end_matches('.');
    let mut chars = trimmed.chars();
    match chars.next() {
        // A name (a path, a package) keeps its spelling.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) && trimmed.contains(' ') => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => trimmed.to_owned(),
    }
}

/// What to do next: the actions of the first findings, then what would close the largest holes.
fn next_of(subject: Subject, coverage: &model::report::Coverage, findings: &[Finding]) -> Vec<String> {
    let mut next: Vec<String> = Vec::new();
    let grave = findings.iter().filter(|it| it.grade <= Grade::Suspicion && it.severity() <= Severity::Medium);
    for finding in grave {
        if !next.contains(&finding.action) && next.len() < NEXT_MAX {
            next.push(finding.action.clone());
        }
    }
    if subject == Subject::Neither {
        next.push(
            "give the phone's firmware package, its images, an unpacked dump, or an app: none was recognised"
                .to_owned(),
        );
        return next;
    }
    for layer in &coverage.layers {
        if let Some(advice) = coverage::advice(layer) {
            next.push(advice);
        }
    }
    next
}

/// A list of things to do is read if it is short.
const NEXT_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_days() {
        assert_eq!(date_of(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date_of(951_782_400).as_deref(), Some("2000-02-29"));
        assert_eq!(date_of(1_735_689_599).as_deref(), Some("2024-12-31"));
        assert_eq!(date_of(-1), None);
        assert_eq!(date_of(i64::MAX), None);
    }
}
