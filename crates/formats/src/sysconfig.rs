//! What the system grants and promises its packages: `etc/permissions`, `etc/sysconfig`, `etc/default-permissions` and
//! `mac_permissions.xml`.

use model::fact::anomaly;
use model::fact::sysconfig::Entry;
use model::{Artifact, Fault};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha2::{Digest, Sha256};

use crate::text::{read_text, string};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "sysconfig",
    title: "system configuration",
    spec: "AOSP com/android/server/SystemConfig.java, DefaultPermissionGrantPolicy.java, SELinuxMMAC.java",
    kind: Kind::Config,
    matches: |artifact, _| {
        let name = artifact.raw_name.as_slice();
        let mut parts = name.rsplit(|&byte| byte == b'/').skip(1);
        let (folder, above) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        name.ends_with(b"mac_permissions.xml")
            || name.ends_with(b".xml") && above == b"etc" && FOLDERS.contains(&folder)
    },
    read,
};

/// Folders under `etc` whose XML files are read.
const FOLDERS: &[&[u8]] = &[b"permissions", b"sysconfig", b"default-permissions"];

/// Roots that Android's readers of these folders accept.
const ROOTS: &[&str] = &["permissions", "config", "exceptions", "policy"];

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    if artifact.blob.read_up_to(0, 4)? == b"ABX\0" {
        return Err(Fault::Unsupported("Android binary XML".to_owned()));
    }
    let bytes = read_text(artifact, out, XML_MAX)?;
    // Pull parsing: entities are not expanded, a document type is passed over, and nothing here calls itself.
    let mut reader = Reader::from_reader(bytes.as_slice());
    let mut open: Vec<Element> = Vec::new();
    let mut n_entries = 0u32;
    loop {
        let offset = reader.buffer_position();
        let event = reader.read_event().map_err(|_| Fault::malformed("XML", reader.error_position()))?;
        let end = reader.buffer_position();
        match event {
            Event::Start(_) | Event::Empty(_) if n_entries == ENTRIES_MAX => {
                return Err(Fault::Limit { what: "number of elements", bound: ENTRIES_MAX.into() });
            }
            Event::Start(start) => {
                n_entries = n_entries.saturating_add(1);
                if open.len() == DEPTH_MAX {
                    return Err(Fault::Limit { what: "depth of elements", bound: DEPTH_MAX as u64 });
                }
                let element = element_of(&start, offset, out)?;
                if open.is_empty() && !ROOTS.contains(&element.name.as_str()) {
                    let detail = format!("Android passes over a file of <{}>", element.name);
                    out.anomaly(offset, end.saturating_sub(offset), anomaly::Kind::Garbage, detail);
                    return Ok(());
                }
                open.push(element);
            }
            Event::Empty(start) => {
                n_entries = n_entries.saturating_add(1);
                let element = element_of(&start, offset, out)?;
                close(element, &mut open, end, out);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(element, &mut open, end, out);
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(Fault::Truncated { at: end, wanted: 1 }),
            _ => {}
        }
    }
}

/// An element whose end is still to come.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    offset: u64,
    /// Groups, granted permissions or signers: what its children add to it.
    given: Vec<String>,
    /// Denied permissions.
    denied: Vec<String>,
}

impl Element {
    /// The value of an attribute, empty where it is missing.
    fn attribute(&self, name: &str) -> String {
        self.attributes.iter().find(|it| it.0 == name).map(|it| it.1.clone()).unwrap_or_default()
    }
}

fn element_of(start: &BytesStart, offset: u64, out: &mut Reading) -> Result<Element, Fault> {
    let mut attributes = Vec::new();
    // Without the check for duplicates, whose cost is the square of their number. Android takes the first.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| Fault::malformed("attribute", offset))?;
        if attributes.len() == ATTRIBUTES_MAX {
            out.gap(format!("the element at offset {offset:#x} has more than {ATTRIBUTES_MAX} attributes"));
            break;
        }
        let raw = string(&attribute.value);
        // An entity that is not XML's own stays as written.
        let value = quick_xml::escape::unescape(&raw).map_or(raw.clone(), |it| it.into_owned());
        attributes.push((string(attribute.key.as_ref()), value));
    }
    let name = string(start.name().as_ref());
    Ok(Element { name, attributes, offset, given: Vec::new(), denied: Vec::new() })
}

/// An element has ended: it adds to its parent, or becomes an entry.
fn close(element: Element, open: &mut [Element], end: u64, out: &mut Reading) {
    let depth = open.len();
    let Some(parent) = open.last_mut() else { return };
    let entry = match (parent.name.as_str(), element.name.as_str()) {
        ("permission", "group") => return parent.given.push(element.attribute("gid")),
        ("privapp-permissions", "permission") => return parent.given.push(element.attribute("name")),
        ("privapp-permissions", "deny-permission") => return parent.denied.push(element.attribute("name")),
        ("signer", "cert") if parent.given.len() == CERTS_MAX => {
            return out
                .gap(format!("the signer at offset {:#x} has more than {CERTS_MAX} certificates", parent.offset));
        }
        ("signer", "cert") => return parent.given.push(signer_of(&element)),
        ("signer", "seinfo") => {
            let signer = if parent.given.is_empty() { signer_of(parent) } else { parent.given.join(" ") };
            Entry::MacPermissions { signer, seinfo: element.attribute("value") }
        }
        ("policy", "signer" | "default") => return,
        (_, "permission") if depth == 1 => {
            Entry::PermissionGroups { permission: element.attribute("name"), gids: element.given }
        }
        (_, "assign-permission") if depth == 1 => {
            Entry::AssignPermission { permission: element.attribute("name"), uid: element.attribute("uid") }
        }
        (_, "privapp-permissions") if depth == 1 => Entry::PrivappPermissions {
            package: element.attribute("package"),
            granted: element.given,
            denied: element.denied,
        },
        (_, "library") if depth == 1 => {
            Entry::Library { name: element.attribute("name"), file: element.attribute("file") }
        }
        (_, "feature") if depth == 1 => Entry::Feature { name: element.attribute("name") },
        (_, name) if depth == 1 => Entry::Other { element: name.to_owned(), attributes: element.attributes },
        // Below the first level, an element means something through the one it stands in.
        (above, name) => {
            let whose = parent.attributes.first().filter(|it| it.1.len() <= INHERITED_MAX).cloned();
            let attributes = whose.into_iter().chain(element.attributes).collect();
            Entry::Other { element: format!("{above}/{name}"), attributes }
        }
    };
    let row = out.row(element.offset, end.saturating_sub(element.offset), entry);
    out.facts.sysconfig.push(row);
}

/// The certificate in hex as its digest; a key's name (`@PLATFORM`) as written.
fn signer_of(element: &Element) -> String {
    let signature = element.attribute("signature");
    let digits: Option<Vec<u8>> =
        signature.chars().map(|it| it.to_digit(16).and_then(|it| it.try_into().ok())).collect();
    let Some(digits) = digits.filter(|it| !it.is_empty()) else { return signature };
    let certificate: Vec<u8> =
        digits.chunks(2).map(|it| it.iter().fold(0u8, |byte, digit| byte.wrapping_shl(4) | digit)).collect();
    Sha256::digest(&certificate).iter().map(|it| format!("{it:02x}")).collect()
}

/// The largest one seen has 42 KiB; a hundred times that.
const XML_MAX: u64 = 4 << 20;

/// The most elements seen are under 1,000; sixty times that.
const ENTRIES_MAX: u32 = 65_536;

/// SystemConfig's own files are three levels deep.
const DEPTH_MAX: usize = 32;

/// SystemConfig reads at most five.
const ATTRIBUTES_MAX: usize = 32;

/// A signer has one certificate, or as many as an app may be signed with: few.
const CERTS_MAX: usize = 16;

/// Names of packages are far shorter. What every child repeats must stay small.
const INHERITED_MAX: usize = 1_024;
