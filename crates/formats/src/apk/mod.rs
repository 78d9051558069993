//! Android packages: what the manifest says, resolved through the package's own resources, and who signed it.
//!
//! The entries themselves are children of the zip format. An APEX is a package too: it has a manifest and signatures.

pub(crate) mod arsc;
pub(crate) mod axml;
mod manifest;
mod signing;
mod string_pool;

use std::collections::BTreeMap;

use model::fact::anomaly;
use model::{Artifact, Fault};

use crate::zip::{self, Directory, Entry};
use crate::{Format, Kind, Reading};

use self::arsc::Table;
use self::axml::Document;

/// The format.
pub static FORMAT: Format = Format {
    id: "apk",
    title: "Android package",
    spec: "https://developer.android.com/guide/topics/manifest/manifest-intro",
    kind: Kind::App,
    matches: |artifact, head| {
        (zip::FORMAT.matches)(artifact, head)
            && zip::select(&artifact.blob, |name| name == MANIFEST).is_ok_and(|it| !it.entries.is_empty())
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let directory =
        zip::select(&artifact.blob, |name| matches!(name, MANIFEST | RESOURCES) || signing::is_signature_block(name))?;
    let signed = signing::state_certificates(artifact, &directory, out);
    if let Some(entry) = directory.entry(MANIFEST) {
        read_manifest(artifact, &directory, entry, out)?;
    }
    signed
}

fn read_manifest(artifact: &Artifact, directory: &Directory, entry: &Entry, out: &mut Reading) -> Result<(), Fault> {
    let at = range_of(artifact, entry);
    let bytes = entry.blob(&artifact.blob, &out.store).bytes("bytes of a manifest", MANIFEST_MAX)?;
    let mut document = Document::read(bytes);
    let resources = directory.entry(RESOURCES);
    let table = resources.map(|it| Table::read(&it.blob(&artifact.blob, &out.store)));
    let (app, unresolved) = manifest::app_of(&document, table.as_ref());
    if document.elements.is_empty() {
        // No element, no statement: only the fault is told.
        return Err(document.fault.unwrap_or(Fault::malformed("manifest", at.0)));
    }
    if app.package.is_empty() {
        out.gap("the manifest names no package: a phone would not install this");
    }
    let row = out.row(at.0, at.1, app);
    out.facts.apps.push(row);
    for what in unresolved {
        out.gap(format!("the manifest's {what}, which is not in the package"));
    }
    document.oddities.merge(&document.late_oddities());
    document.oddities.tell("AndroidManifest.xml", at, out);
    if document.exhausted() {
        out.gap("strings of the manifest: more text than the bound");
    }
    if let (Some(table), Some(resources)) = (table, resources) {
        let at = range_of(artifact, resources);
        table.oddities.tell("resources.arsc", at, out);
        table.late_oddities().tell("resources.arsc", at, out);
        if table.exhausted() {
            out.gap("resources of the package: more look-ups than the bound");
        }
        if let Some(fault) = table.fault {
            out.gap(format!("resources.arsc: {fault}"));
        }
    }
    if let Some(fault) = document.fault {
        out.gap(format!("AndroidManifest.xml cannot be read further: {fault}"));
    }
    Ok(())
}

/// The packed bytes of an entry.
fn range_of(artifact: &Artifact, entry: &Entry) -> (u64, u64) {
    let offset = entry.data_offset.min(artifact.blob.len());
    (offset, entry.occupied().min(artifact.blob.len().saturating_sub(offset)))
}

/// What is malformed in a document and read all the same: each way once, with how often and where first.
#[derive(Debug, Clone, Default)]
pub struct Oddities(BTreeMap<&'static str, (anomaly::Kind, u64, u64)>);

impl Oddities {
    /// Something odd at an offset of the document.
    fn add(&mut self, kind: anomaly::Kind, what: &'static str, at: u64) {
        let (_, count, _) = self.0.entry(what).or_insert((kind, 0, at));
        *count = count.saturating_add(1);
    }

    fn merge(&mut self, other: &Oddities) {
        for (what, &(kind, count, at)) in &other.0 {
            let (_, known, _) = self.0.entry(what).or_insert((kind, 0, at));
            *known = known.saturating_add(count);
        }
    }

    fn tell(&self, document: &str, range: (u64, u64), out: &mut Reading) {
        for (what, (kind, count, at)) in &self.0 {
            let detail = format!("{document}: {what} ({count} times, first at {at:#x})");
            out.anomaly(range.0, range.1, *kind, detail);
        }
    }
}

const MANIFEST: &[u8] = b"AndroidManifest.xml";
const RESOURCES: &[u8] = b"resources.arsc";

/// The largest manifests (Google Play services) have 600 KiB.
const MANIFEST_MAX: u64 = 16 << 20;
