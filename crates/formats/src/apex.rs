//! APEX packages, plain and compressed (CAPEX): name and version. What lies in them is read by the zip reader.

use memchr::memmem;
use model::fact::package::Package;
use model::{Artifact, Fault};

use crate::{Format, Kind, Reading, proto, zip};

/// The format.
pub static FORMAT: Format = Format {
    id: "apex",
    title: "APEX package",
    spec: "https://source.android.com/docs/core/ota/apex",
    kind: Kind::Archive,
    // The names stand in the directory, at the end.
    matches: |artifact, bytes| {
        let len = artifact.blob.len();
        bytes.starts_with(b"PK\x03\x04")
            && (memmem::find(bytes, MANIFEST).is_some()
                || artifact
                    .blob
                    .read_up_to(len.saturating_sub(TAIL), TAIL)
                    .is_ok_and(|it| memmem::find(&it, MANIFEST).is_some()))
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let directory = zip::directory(&artifact.blob)?;
    let has = |name: &[u8]| directory.entry(name).is_some();
    let (is_plain, is_compressed) = (has(b"apex_payload.img"), has(b"original_apex"));
    if !is_plain && !is_compressed {
        // A zip that names a manifest somewhere, and no APEX.
        return Ok(());
    }
    let mut package = Package { kind: "apex".to_owned(), ..Package::default() };
    package.properties.push(("compressed".to_owned(), is_compressed.to_string()));
    let manifest = |name: &[u8]| {
        let entry = directory.entry(name)?;
        Some((entry.blob(&artifact.blob, &out.store).bytes("APEX manifest", MANIFEST_MAX), entry.central_offset))
    };
    let mut result = Ok(());
    if let Some((bytes, _)) = manifest(b"apex_manifest.pb") {
        result = bytes.and_then(|it| read_manifest(&it, &mut package));
    } else if let Some((bytes, _)) = manifest(b"apex_manifest.json") {
        match bytes {
            Ok(bytes) => read_json(&String::from_utf8_lossy(&bytes), &mut package),
            Err(fault) => result = Err(fault),
        }
    } else {
        out.gap("no manifest");
    }
    let row = out.row(0, artifact.blob.len(), package);
    out.facts.packages.push(row);
    result
}

/// `ApexManifest` (AOSP `system/apex/proto/apex_manifest.proto`).
fn read_manifest(bytes: &[u8], package: &mut Package) -> Result<(), Fault> {
    for field in proto::fields(bytes, 0) {
        let field = field?;
        let (name, value) = match field.number {
            1 => ("name", field.text()),
            2 => ("version", field.number_value().unwrap_or(0).to_string()),
            3 => ("preInstallHook", field.text()),
            4 => ("postInstallHook", field.text()),
            5 => ("versionName", field.text()),
            _ => continue,
        };
        package.properties.push((name.to_owned(), value));
    }
    Ok(())
}

/// The manifest of the first APEXes: one flat object.
fn read_json(text: &str, package: &mut Package) {
    for key in ["name", "version", "preInstallHook", "postInstallHook"] {
        let value = text.split_once(&format!("\"{key}\"")).and_then(|it| it.1.trim_start().strip_prefix(':'));
        let Some(value) = value.map(str::trim_start) else { continue };
        let value = match value.strip_prefix('"') {
            Some(value) => value.split('"').next(),
            None => value.split([',', '}', '\n']).next(),
        };
        package.properties.extend(value.map(|it| (key.to_owned(), it.trim().to_owned())));
    }
}

const MANIFEST: &[u8] = b"apex_manifest.";

/// An APEX has under ten entries: its directory takes less than this.
const TAIL: u64 = 16 << 10;

/// Manifests have some hundred bytes; those with many native libraries some KiB.
const MANIFEST_MAX: u64 = 1 << 20;
