//! The findings as a bundle of STIX 2.1 (OASIS, 10 June 2021), for programs that exchange what was seen.
//!
//! A file that shows something is a `file` in an `observed-data`; what is claimed of it is a `note`, with its confidence;
//! one `report` holds them together. Nothing is an `indicator`: what is on this phone is no pattern for others.
//!
//! Invariant: the same report gives the same bundle, so ids are made from what they stand for (UUID version 5).

use std::io::{self, Write};

use model::report::Row;
use model::{Confidence, Report};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::{Renderer, Style, escape};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "stix", title: "STIX 2.1", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(&bundle_of(report))?;
    writeln!(out, "{}", escape::json(&pretty))
}

fn bundle_of(report: &Report) -> Value {
    let inputs: String = report.input.iter().map(|it| format!("{} {}\n", it.name, it.sha256)).collect();
    let maker = Maker {
        // A report without a day has none to give; the field is required.
        day: format!("{}T00:00:00.000Z", report.date.as_deref().unwrap_or("1970-01-01")),
        seed: format!("{} {inputs}", report.tool.name),
        author: id("identity", &report.tool.name),
    };
    let mut objects = vec![json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": maker.author,
        "created": maker.day,
        "modified": maker.day,
        "name": report.tool.name,
        "identity_class": "system",
    })];
    for row in report.findings.iter().chain(&report.capabilities).chain(&report.privacy) {
        objects.extend(maker.objects_of(row));
    }
    // A file that shows several things is one object.
    let mut seen = std::collections::BTreeSet::new();
    objects.retain(|it| seen.insert(it["id"].to_string()));
    let refs: Vec<Value> = objects.iter().map(|it| it["id"].clone()).collect();
    let mut closing = maker.sdo("report", &report.verdict.summary.join("\n"));
    closing["name"] = json!(format!("postern: {}", report.verdict.summary.first().map_or("", |it| it)));
    closing["description"] = json!(report.verdict.summary.join("\n"));
    closing["published"] = json!(maker.day);
    closing["report_types"] = json!(["observed-data"]);
    closing["object_refs"] = json!(refs);
    objects.push(closing);
    json!({ "type": "bundle", "id": id("bundle", &maker.seed), "objects": objects })
}

/// What all objects share.
struct Maker {
    day: String,
    seed: String,
    author: String,
}

impl Maker {
    /// The files that show a finding, as one observation, and what is claimed of them.
    fn objects_of(&self, row: &Row) -> Vec<Value> {
        let mut files: Vec<Value> = Vec::new();
        for evidence in &row.evidence {
            let path = if evidence.device_path.is_empty() { &evidence.path } else { &evidence.device_path };
            let id = file_id(path);
            if files.iter().all(|it| it["id"] != id.as_str()) {
                files.push(json!({ "type": "file", "spec_version": "2.1", "id": id, "name": path }));
            }
        }
        let mut objects = Vec::new();
        let mut about = self.author.clone();
        if !files.is_empty() {
            let refs: Vec<&Value> = files.iter().map(|it| &it["id"]).collect();
            let mut seen = self.sdo("observed-data", &row.id);
            seen["first_observed"] = json!(self.day);
            seen["last_observed"] = json!(self.day);
            seen["number_observed"] = json!(1);
            seen["object_refs"] = json!(refs);
            about = seen["id"].as_str().unwrap_or_default().to_owned();
            objects.push(seen);
        }
        let mut note = self.sdo("note", &row.id);
        note["abstract"] = json!(row.title);
        note["content"] = json!(format!("{}\n\nBenign reading: {}\nAction: {}", row.claim, row.benign, row.action));
        note["labels"] = json!([row.class.id(), row.detector]);
        note["confidence"] = json!(confidence_of(row.confidence));
        note["object_refs"] = json!([about]);
        let sources: Vec<Value> = row
            .references
            .iter()
            .map(|it| json!({ "source_name": row.detector, "description": it }))
            .chain([json!({ "source_name": "postern", "external_id": row.id })])
            .collect();
        note["external_references"] = json!(sources);
        objects.push(note);
        objects.extend(files);
        objects
    }

    fn sdo(&self, kind: &str, name: &str) -> Value {
        json!({
            "type": kind,
            "spec_version": "2.1",
            "id": id(kind, &format!("{} {name}", self.seed)),
            "created_by_ref": self.author,
            "created": self.day,
            "modified": self.day,
        })
    }
}

/// The scale "None / Low / Med / High" of appendix A.
fn confidence_of(confidence: Confidence) -> u8 {
    match confidence {
        Confidence::Low => 15,
        Confidence::Medium => 50,
        Confidence::High => 85,
    }
}

/// The id of an object that a report gives rise to.
fn id(kind: &str, name: &str) -> String {
    format!("{kind}--{}", uuid(NAMESPACE_OID, &format!("postern {kind} {name}")))
}

/// The id of a file, made from its name as section 2.9 says: whoever names the same file gives it the same id.
fn file_id(path: &str) -> String {
    format!("file--{}", uuid(NAMESPACE_STIX, &json!({ "name": path }).to_string()))
}

/// A UUID of version 5 (RFC 9562, section 5.5).
fn uuid(namespace: [u8; 16], name: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(namespace);
    hash.update(name);
    let mut bytes: [u8; 20] = hash.finalize().into();
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes[..16].iter().map(|it| format!("{it:02x}")).collect();
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// `6ba7b812-9dad-11d1-80b4-00c04fd430c8` (RFC 9562, section 6.6).
const NAMESPACE_OID: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

/// `00abedb4-aa42-466c-9c01-fed23315a9b7` (section 2.9).
const NAMESPACE_STIX: [u8; 16] =
    [0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_specification() {
        // RFC 9562, appendix A.4.
        let dns = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        assert_eq!(uuid(dns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }
}
