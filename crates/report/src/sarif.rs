//! The report as SARIF 2.1.0 (OASIS, 27 March 2020), for programs that collect results of many tools.
//!
//! Detectors are rules, findings of every grade are results, gaps are notifications of the one invocation. Offsets are
//! `byteOffset`: a phone has no lines. Numbers of sections are those of the standard.

use std::fmt::Write as _;
use std::io::{self, Write};

use model::finding::Factors;
use model::report::{Coverage, Device, EvidenceLine, FlowStep, GapLine, Input, Row, VerdictLine};
use model::{Class, Confidence, Grade, Report, Severity};
use serde::Serialize;

use crate::{Renderer, Style, escape};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "sarif", title: "SARIF 2.1.0", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(&log_of(report))?;
    writeln!(out, "{}", escape::json(&pretty))
}

fn log_of(report: &Report) -> Log<'_> {
    let rows = || report.findings.iter().chain(&report.capabilities).chain(&report.privacy);
    let mut rules: Vec<(&str, Class)> = rows().map(|row| (row.detector.as_str(), row.class)).collect();
    rules.sort_unstable();
    rules.dedup();
    let index_of = |row: &Row| rules.binary_search(&(row.detector.as_str(), row.class)).unwrap_or(0);
    Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: &report.tool.name,
                    version: &report.tool.version,
                    rules: rules.iter().map(|(detector, class)| rule_of(detector, *class)).collect(),
                },
            },
            invocations: [Invocation {
                command_line: &report.command,
                execution_successful: true,
                tool_execution_notifications: report.gaps.iter().map(notification_of).collect(),
            }],
            artifacts: report.input.iter().map(artifact_of).collect(),
            results: rows().map(|row| result_of(row, index_of(row))).collect(),
            properties: RunProperties {
                verdict: &report.verdict,
                device: &report.device,
                coverage: &report.coverage,
                knowledge: &report.tool.knowledge,
                date: report.date.as_deref(),
            },
        }],
    }
}

fn rule_of(detector: &str, class: Class) -> Rule<'_> {
    Rule {
        id: rule_id_of(detector, class),
        name: detector,
        short_description: text(class.title()),
        full_description: text(format!("Looks for {}.", class.looks_for())),
        help: text(format!("What looks the same and is innocent: {}.", class.innocent())),
        properties: Tags { tags: [class.id()] },
    }
}

/// A detector that claims two classes is two rules, told apart by the second component of the id (3.5.4, hierarchical
/// strings).
fn rule_id_of(detector: &str, class: Class) -> String {
    format!("{detector}/{}", class.id())
}

fn notification_of(gap: &GapLine) -> Notification<'_> {
    Notification {
        level: "warning",
        message: text(&gap.why),
        locations: [place_of(&gap.path)],
        properties: Count { count: gap.count },
    }
}

fn artifact_of(input: &Input) -> Artifact<'_> {
    Artifact {
        location: ArtifactLocation { uri: uri_of(&input.name) },
        length: input.size,
        roles: ["analysisTarget"],
        hashes: (!input.sha256.is_empty()).then_some(Hashes { sha256: &input.sha256 }),
        properties: Kind { kind: &input.kind },
    }
}

fn result_of(row: &Row, rule_index: usize) -> Finding<'_> {
    let mut places = row.evidence.iter().map(|it| location_of(it, &row.device_path));
    Finding {
        rule_id: rule_id_of(&row.detector, row.class),
        rule_index,
        level: level_of(row),
        rank: rank_of(row.severity),
        message: text(format!("{}: {}", row.title, row.claim)),
        // All locations of one result would have to be mended together (3.27.12); what supports the first is related.
        locations: places.by_ref().take(1).collect(),
        related_locations: places.collect(),
        code_flows: if row.flow.is_empty() { Vec::new() } else { vec![code_flow_of(&row.flow)] },
        fingerprints: Fingerprints { id: &row.id },
        properties: RowProperties {
            grade: row.grade,
            severity: row.severity,
            confidence: row.confidence,
            factors: row.factors,
            subject: &row.subject,
            benign: &row.benign,
            action: &row.action,
            references: &row.references,
        },
    }
}

/// Section 3.27.10. A capability is never an alarm, however far it reaches.
fn level_of(row: &Row) -> &'static str {
    match (row.grade, row.severity) {
        (Grade::Finding, Severity::Critical | Severity::High) => "error",
        (Grade::Finding | Grade::Suspicion, Severity::Critical | Severity::High | Severity::Medium) => "warning",
        _ => "note",
    }
}

/// Section 3.27.25: 0 to 100.
fn rank_of(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 100.0,
        Severity::High => 80.0,
        Severity::Medium => 60.0,
        Severity::Low => 30.0,
        Severity::Info => 10.0,
    }
}

/// The region is left out where the artifact as a whole is meant.
fn location_of<'a>(evidence: &'a EvidenceLine, device_path: &'a str) -> Location<'a> {
    let device_path = if evidence.device_path.is_empty() { device_path } else { &evidence.device_path };
    let mut location = place_of(&evidence.path);
    if 0 < evidence.size {
        location.physical_location.region =
            Some(Region { byte_offset: evidence.offset, byte_length: Some(evidence.size) });
    }
    if !device_path.is_empty() {
        location
            .logical_locations
            .push(LogicalLocation { fully_qualified_name: device_path.to_owned(), kind: "resource" });
    }
    location.message = Some(text(&evidence.detail));
    location.properties = (!evidence.sha256.is_empty()).then_some(Hash { sha256: &evidence.sha256 });
    location
}

fn place_of(path: &str) -> Location<'_> {
    Location {
        physical_location: PhysicalLocation { artifact_location: ArtifactLocation { uri: uri_of(path) }, region: None },
        logical_locations: Vec::new(),
        message: None,
        properties: None,
    }
}

fn code_flow_of(steps: &[FlowStep]) -> CodeFlow<'_> {
    fn step_of(step: &FlowStep) -> ThreadFlowLocation<'_> {
        let mut location = place_of(&step.path);
        location.physical_location.region = Some(Region { byte_offset: step.offset, byte_length: None });
        let name = format!("{}.{}", step.class, step.method);
        location.logical_locations.push(LogicalLocation { fully_qualified_name: name, kind: "function" });
        location.message = Some(text(&step.what));
        ThreadFlowLocation { location }
    }
    CodeFlow { thread_flows: [ThreadFlow { locations: steps.iter().map(step_of).collect() }] }
}

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

/// A path as a relative reference (RFC 3986, 4.2). `:` is encoded, so that no name becomes a scheme, and empty segments
/// are, so that none becomes a host.
fn uri_of(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    let mut last = b'/';
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@".contains(&byte) || (byte == b'/' && last != b'/') {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
        last = byte;
    }
    uri
}

/// Declares objects of the standard: fields in camel case, in this order, left out where they are empty.
macro_rules! objects {
    ($($(#[$doc:meta])* struct $name:ident $(<$life:lifetime>)? { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct $name $(<$life>)? { $($(#[$meta])* $field: $type,)* })*
    };
}

objects! {
    /// 3.13
    struct Log<'a> {
        #[serde(rename = "$schema")]
        schema: &'static str,
        version: &'static str,
        runs: [Run<'a>; 1],
    }
    /// 3.14
    struct Run<'a> {
        tool: Tool<'a>,
        invocations: [Invocation<'a>; 1],
        artifacts: Vec<Artifact<'a>>,
        results: Vec<Finding<'a>>,
        properties: RunProperties<'a>,
    }
    /// 3.18
    struct Tool<'a> {
        driver: Driver<'a>,
    }
    /// 3.19
    struct Driver<'a> {
        name: &'a str,
        version: &'a str,
        rules: Vec<Rule<'a>>,
    }
    /// 3.49
    struct Rule<'a> {
        id: String,
        name: &'a str,
        short_description: Text,
        full_description: Text,
        help: Text,
        properties: Tags,
    }
    /// 3.8.2
    struct Tags {
        tags: [&'static str; 1],
    }
    /// 3.11 and 3.12
    struct Text {
        text: String,
    }
    /// 3.20
    struct Invocation<'a> {
        command_line: &'a str,
        execution_successful: bool,
        tool_execution_notifications: Vec<Notification<'a>>,
    }
    /// 3.58
    struct Notification<'a> {
        level: &'static str,
        message: Text,
        locations: [Location<'a>; 1],
        properties: Count,
    }
    /// 3.8
    struct Count {
        count: u64,
    }
    /// 3.24
    struct Artifact<'a> {
        location: ArtifactLocation,
        length: u64,
        roles: [&'static str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        hashes: Option<Hashes<'a>>,
        properties: Kind<'a>,
    }
    /// 3.24.11
    struct Hashes<'a> {
        #[serde(rename = "sha-256")]
        sha256: &'a str,
    }
    /// 3.8
    struct Kind<'a> {
        kind: &'a str,
    }
    /// 3.4
    struct ArtifactLocation {
        uri: String,
    }
    /// 3.27, `result`
    struct Finding<'a> {
        rule_id: String,
        rule_index: usize,
        level: &'static str,
        rank: f64,
        message: Text,
        locations: Vec<Location<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        related_locations: Vec<Location<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        code_flows: Vec<CodeFlow<'a>>,
        fingerprints: Fingerprints<'a>,
        properties: RowProperties<'a>,
    }
    /// 3.27.16
    struct Fingerprints<'a> {
        #[serde(rename = "postern/v1")]
        id: &'a str,
    }
    /// 3.28
    struct Location<'a> {
        physical_location: PhysicalLocation,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        logical_locations: Vec<LogicalLocation>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Text>,
        #[serde(skip_serializing_if = "Option::is_none")]
        properties: Option<Hash<'a>>,
    }
    /// 3.8
    struct Hash<'a> {
        sha256: &'a str,
    }
    /// 3.29
    struct PhysicalLocation {
        artifact_location: ArtifactLocation,
        #[serde(skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
    }
    /// 3.30
    struct Region {
        byte_offset: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        byte_length: Option<u64>,
    }
    /// 3.33
    struct LogicalLocation {
        fully_qualified_name: String,
        kind: &'static str,
    }
    /// 3.36
    struct CodeFlow<'a> {
        thread_flows: [ThreadFlow<'a>; 1],
    }
    /// 3.37
    struct ThreadFlow<'a> {
        locations: Vec<ThreadFlowLocation<'a>>,
    }
    /// 3.38
    struct ThreadFlowLocation<'a> {
        location: Location<'a>,
    }
    /// What SARIF has no field for (3.8).
    struct RowProperties<'a> {
        grade: Grade,
        severity: Severity,
        confidence: Confidence,
        factors: Factors,
        subject: &'a str,
        benign: &'a str,
        action: &'a str,
        references: &'a [String],
    }
    /// What SARIF has no field for (3.8).
    struct RunProperties<'a> {
        verdict: &'a VerdictLine,
        device: &'a Device,
        coverage: &'a Coverage,
        knowledge: &'a str,
        date: Option<&'a str>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference() {
        assert_eq!(uri_of("rom.tgz!images/super.img!/a b"), "rom.tgz!images/super.img!/a%20b");
        assert_eq!(uri_of("//host/x"), "%2F%2Fhost/x");
        assert_eq!(uri_of("javascript:x"), "javascript%3Ax");
        assert_eq!(uri_of("50%25\u{202e}<"), "50%2525%E2%80%AE%3C");
    }
}
