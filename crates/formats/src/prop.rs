//! System property files: `build.prop`, `default.prop`, `prop.default`, `local.prop`.

use model::fact::property::Property;
use model::{Artifact, Fault};

use crate::text::{Line, read_lines, string};
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
    read_lines(artifact, out, |out, line| {
        if let Some(property) = property_of(&line) {
            let row = out.row(line.offset, line.size(), property);
            out.facts.properties.push(row);
        }
        true
    })
}

/// One line; one without `=` says nothing. There are no continuation lines: a `\` at the end belongs to the value.
fn property_of(line: &Line) -> Option<Property> {
    if let Some(rest) = line.bytes.strip_prefix(b"import ") {
        let mut words = rest.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
        return Some(Property::Import { path: string(words.next()?), prefix: words.next().map(string) });
    }
    let equals = line.bytes.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (line.bytes.get(..equals)?, line.bytes.get(equals.checked_add(1)?..)?);
    let (name, value) = (name.trim_ascii(), string(value.trim_ascii()));
    Some(match name.strip_suffix(b"?") {
        Some(name) => Property::Default { name: string(name), value },
        None => Property::Set { name: string(name), value },
    })
}
