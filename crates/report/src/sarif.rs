//! The report as SARIF 2.1.0 (OASIS, 27 March 2020), for programs that collect results of many tools.
//!
//! Detectors are rules, findings of every grade are results, gaps are notifications of the one invocation. Offsets are
//! `byteOffset`: a phone has no lines.

use std::fmt::Write as _;
use std::io::{self, Write};

use model::report::{EvidenceLine, FlowStep, Row};
use model::{Class, Grade, Report, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Renderer, Style, escape};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "sarif", title: "SARIF 2.1.0", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(&log_of(report))?;
    writeln!(out, "{}", escape::json(&pretty))
}

/// Section 3.13. Written as structs where readers look first, so that the order of fields is stable and sensible.
#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

/// Section 3.14.
#[derive(Serialize)]
struct Run {
    tool: Value,
    invocations: [Value; 1],
    artifacts: Vec<Value>,
    results: Vec<SarifResult>,
    properties: Value,
}

/// Section 3.27.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    rank: f64,
    message: Value,
    locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code_flows: Vec<Value>,
    fingerprints: Value,
    properties: Value,
}

fn log_of(report: &Report) -> Log {
    let rows = || report.findings.iter().chain(&report.capabilities).chain(&report.privacy);
    let mut rules: Vec<(&str, Class)> = rows().map(|row| (row.detector.as_str(), row.class)).collect();
    rules.sort_unstable();
    rules.dedup();
    let index_of = |row: &Row| rules.binary_search(&(row.detector.as_str(), row.class)).unwrap_or(0);
    Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": rules.iter().map(|(detector, class)| rule_of(detector, *class)).collect::<Vec<_>>(),
            }}),
            invocations: [invocation_of(report)],
            artifacts: report.input.iter().map(artifact_of).collect(),
            results: rows().map(|row| result_of(row, index_of(row))).collect(),
            properties: json!({
                "verdict": report.verdict,
                "device": report.device,
                "coverage": report.coverage,
                "knowledge": report.tool.knowledge,
                "date": report.date,
            }),
        }],
    }
}

/// Section 3.49. A detector that claims two classes is two rules, told apart by a second component of the id
/// (section 3.49.3, hierarchical ids).
fn rule_of(detector: &str, class: Class) -> Value {
    json!({
        "id": rule_id_of(detector, class),
        "name": detector,
        "shortDescription": {"text": class.title()},
        "fullDescription": {"text": format!("Looks for {}.", class.looks_for())},
        "help": {"text": format!("What looks the same and is innocent: {}.", class.innocent())},
        "properties": {"tags": [class.id()]},
    })
}

fn rule_id_of(detector: &str, class: Class) -> String {
    format!("{detector}/{}", class.id())
}

/// Section 3.20: what was run, and as notifications where it could not look.
fn invocation_of(report: &Report) -> Value {
    let notifications: Vec<Value> = report
        .gaps
        .iter()
        .map(|gap| {
            json!({
                "level": "warning",
                "message": {"text": gap.why},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri_of(&gap.path)}}}],
                "properties": {"count": gap.count},
            })
        })
        .collect();
    json!({
        "executionSuccessful": true,
        "commandLine": report.command,
        "toolExecutionNotifications": notifications,
    })
}

/// Section 3.24.
fn artifact_of(input: &model::report::Input) -> Value {
    let mut artifact = json!({
        "location": {"uri": uri_of(&input.name)},
        "length": input.size,
        "roles": ["analysisTarget"],
        "properties": {"kind": input.kind},
    });
    if !input.sha256.is_empty() {
        artifact["hashes"] = json!({"sha-256": input.sha256});
    }
    artifact
}

fn result_of(row: &Row, rule_index: usize) -> SarifResult {
    let mut places = row.evidence.iter().map(|it| location_of(it, &row.device_path));
    SarifResult {
        rule_id: rule_id_of(&row.detector, row.class),
        rule_index,
        level: level_of(row),
        rank: rank_of(row.severity),
        message: json!({"text": format!("{}: {}", row.title, row.claim)}),
        // All locations of one result would have to be fixed together; what supports the first is related to it.
        locations: places.by_ref().take(1).collect(),
        related_locations: places.collect(),
        code_flows: if row.flow.is_empty() { Vec::new() } else { vec![code_flow_of(&row.flow)] },
        fingerprints: json!({"postern/v1": row.id}),
        properties: json!({
            "grade": row.grade,
            "severity": row.severity,
            "confidence": row.confidence,
            "factors": row.factors,
            "subject": row.subject,
            "benign": row.benign,
            "action": row.action,
            "references": row.references,
        }),
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

/// Section 3.28. The region is left out where the artifact as a whole is meant.
fn location_of(evidence: &EvidenceLine, device_path: &str) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri_of(&evidence.path)}});
    if 0 < evidence.size {
        physical["region"] = json!({"byteOffset": evidence.offset, "byteLength": evidence.size});
    }
    let mut location = json!({"physicalLocation": physical, "message": {"text": evidence.detail}});
    let device_path = if evidence.device_path.is_empty() { device_path } else { &evidence.device_path };
    if !device_path.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": device_path, "kind": "resource"}]);
    }
    if !evidence.sha256.is_empty() {
        location["properties"] = json!({"sha256": evidence.sha256});
    }
    location
}

/// Section 3.36.
fn code_flow_of(steps: &[FlowStep]) -> Value {
    let locations: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({"location": {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri_of(&step.path)},
                    "region": {"byteOffset": step.offset},
                },
                "logicalLocations": [{
                    "fullyQualifiedName": format!("{}.{}", step.class, step.method),
                    "kind": "function",
                }],
                "message": {"text": step.what},
            }})
        })
        .collect();
    json!({"threadFlows": [{"locations": locations}]})
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
