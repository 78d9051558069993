//! System property files: `build.prop`, `default.prop`, `prop.default`, `local.prop`.

use model::fact::property::Property;
use model::{Artifact, Fault};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "prop",
    title: "property file",
    spec: "AOSP system/core/init/property_service.cpp, LoadProperties",
    kind: Kind::Config,
    matches: |artifact, _| matches!(artifact.file_name(), b"prop.default") || artifact.file_name().ends_with(b".prop"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("property file", SIZE_MAX)?;
    let mut offset = 0u64;
    for line in bytes.split(|&byte| byte == b'\n') {
        let size = line.len() as u64;
        if let Some(property) = property_of(line.trim_ascii()) {
            let row = out.row(offset, size, property);
            out.facts.properties.push(row);
        }
        offset = offset.saturating_add(size).saturating_add(1);
    }
    Ok(())
}

/// One line, trimmed. Comments and lines without `=` are none.
fn property_of(line: &[u8]) -> Option<Property> {
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    if let Some(rest) = line.strip_prefix(b"import ") {
        let mut words = rest.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
        return Some(Property::Import { path: text(words.next()?), prefix: words.next().map(text) });
    }
    let equals = line.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (line.get(..equals)?, line.get(equals.checked_add(1)?..)?);
    Some(match name.strip_suffix(b"?") {
        Some(name) => Property::Default { name: text(name), value: text(value) },
        None => Property::Set { name: text(name), value: text(value) },
    })
}

/// Property files are a few KiB; a hundred times the largest one seen.
const SIZE_MAX: u64 = 4 << 20;
