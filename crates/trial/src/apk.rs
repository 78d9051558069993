//! Writes an app that nobody signed: a manifest from lines, and one dex file.

use crate::axml::{self, Element, Value};
use crate::{code, dex, zip};

/// The bytes of an app.
///
/// The manifest has a line for each element: `package NAME [VERSION]` first; then `user NAME` (the shared user id),
/// `uses PERMISSION`, `permission NAME LEVEL`, and components: `activity|service|receiver|provider CLASS`, followed by
/// any of `exported`, `closed` (not exported), `off` (not enabled), `guard PERMISSION`, `at AUTHORITY`, `on ACTION`.
pub fn write(manifest: &str, program: &str) -> Result<Vec<u8>, String> {
    let document = axml::write(&manifest_of(manifest)?);
    let mut files = vec![("AndroidManifest.xml".to_owned(), document)];
    let classes = code::assemble(program)?;
    if !classes.is_empty() {
        files.push(("classes.dex".to_owned(), dex::write(&classes)));
    }
    Ok(zip::write(&files))
}

fn manifest_of(text: &str) -> Result<Element, String> {
    let mut manifest = Element::new("manifest");
    let mut application = Element::new("application");
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["package", name, rest @ ..] => {
                manifest = manifest.text(0, name);
                for version in rest {
                    manifest = manifest.text(VERSION_NAME, version);
                }
            }
            ["user", name] => manifest = manifest.text(SHARED_USER_ID, name),
            ["uses", name] => manifest.children.push(Element::new("uses-permission").text(NAME, name)),
            ["permission", name, level] => {
                let level = level.parse().map_err(|_| format!("no level of protection: {line}"))?;
                let permission = Element::new("permission").text(NAME, name);
                manifest.children.push(permission.value(PROTECTION_LEVEL, Value::Number(level)));
            }
            [kind, class, rest @ ..] => application.children.push(component(kind, class, rest)?),
            _ => return Err(format!("no line of a manifest: {line}")),
        }
    }
    if manifest.attributes.is_empty() {
        return Err("the manifest names no package".to_owned());
    }
    manifest.children.push(application);
    Ok(manifest)
}

fn component(kind: &str, class: &str, mut rest: &[&str]) -> Result<Element, String> {
    let kind = COMPONENTS.iter().find(|it| **it == kind).ok_or_else(|| format!("no kind of component: {kind}"))?;
    let mut element = Element::new(kind).text(NAME, class);
    let mut filter = Element::new("intent-filter");
    loop {
        (element, rest) = match rest {
            [] => break,
            ["exported", rest @ ..] => (element.value(EXPORTED, Value::Switch(true)), rest),
            ["closed", rest @ ..] => (element.value(EXPORTED, Value::Switch(false)), rest),
            ["off", rest @ ..] => (element.value(ENABLED, Value::Switch(false)), rest),
            ["guard", permission, rest @ ..] => (element.text(PERMISSION, permission), rest),
            ["at", authority, rest @ ..] => (element.text(AUTHORITIES, authority), rest),
            ["on", action, rest @ ..] => {
                filter.children.push(Element::new("action").text(NAME, action));
                (element, rest)
            }
            [word, ..] => return Err(format!("not said of a component: {word}")),
        };
    }
    if !filter.children.is_empty() {
        element.children.push(filter);
    }
    Ok(element)
}

const COMPONENTS: &[&str] = &["activity", "service", "receiver", "provider"];

// Resource ids of attributes (AOSP `frameworks/base/core/res/res/values/public-final.xml`).
const NAME: u32 = 0x0101_0003;
const PERMISSION: u32 = 0x0101_0006;
const PROTECTION_LEVEL: u32 = 0x0101_0009;
const SHARED_USER_ID: u32 = 0x0101_000b;
const ENABLED: u32 = 0x0101_000e;
const EXPORTED: u32 = 0x0101_0010;
const AUTHORITIES: u32 = 0x0101_0018;
const VERSION_NAME: u32 = 0x0101_021c;
