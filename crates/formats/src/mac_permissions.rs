//! `mac_permissions.xml`: which signer gets which `seinfo`, and with it which SELinux domain.

use model::fact::certificate::Role;
use model::fact::sysconfig::Entry;
use model::{Artifact, Fault};
use quick_xml::events::{BytesStart, Event};
use sha2::{Digest, Sha256};

use crate::x509;
use crate::x509::text::{bytes_of_hex, hex, latin_or_utf8};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "mac-permissions",
    title: "SELinux labels by signer",
    spec: "https://source.android.com/docs/security/features/selinux/implement#mac_permissions.xml",
    kind: Kind::Trust,
    matches: |artifact, _| artifact.file_name().ends_with(b"mac_permissions.xml"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("mac_permissions.xml", SIZE_MAX)?;
    let mut xml = quick_xml::Reader::from_reader(bytes.as_slice());
    xml.config_mut().check_end_names = false;
    // The signers of the element that is open, and where each starts.
    let mut signers: Vec<String> = Vec::new();
    loop {
        let start = xml.buffer_position();
        let event = xml.read_event().map_err(|_| Fault::malformed("element", start))?;
        let at = (start, xml.buffer_position().saturating_sub(start));
        match event {
            Event::Start(element) | Event::Empty(element) => match element.name().as_ref() {
                b"signer" => {
                    signers.clear();
                    signers.extend(attribute(&element, b"signature").map(|it| signer_of(&it, at, out)));
                }
                b"cert" => signers.extend(attribute(&element, b"signature").map(|it| signer_of(&it, at, out))),
                b"default" => signers = vec!["default".to_owned()],
                b"seinfo" => {
                    let seinfo = attribute(&element, b"value").map(|it| latin_or_utf8(&it)).unwrap_or_default();
                    if ENTRIES_MAX < out.facts.sysconfig.len().saturating_add(signers.len()) {
                        return Err(Fault::Limit { what: "labels by signer", bound: ENTRIES_MAX as u64 });
                    }
                    for signer in &signers {
                        let entry = Entry::MacPermissions { signer: signer.clone(), seinfo: seinfo.clone() };
                        let row = out.row(at.0, at.1, entry);
                        out.facts.sysconfig.push(row);
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The digest of a certificate, which is stated too; text that is none names a key of the build.
fn signer_of(signature: &[u8], at: (u64, u64), out: &mut Reading) -> String {
    let Some(der) = bytes_of_hex(signature) else { return latin_or_utf8(signature) };
    if let Err(fault) = x509::state(out, &der, 0, at, Role::MacPermissions) {
        out.gap(format!("certificate at offset {:#x}: {fault}", at.0));
    }
    hex(&Sha256::digest(&der))
}

fn attribute(element: &BytesStart, name: &[u8]) -> Option<Vec<u8>> {
    // An attribute that is malformed is none, as for Android's parser, which stops there.
    let found = element.attributes().flatten().find(|it| it.key.as_ref() == name)?;
    Some(found.value.into_owned())
}

/// Real files have under a hundred; each label of an element goes to each of its certificates.
const ENTRIES_MAX: usize = 100_000;

/// Real files stay under 100 KiB.
const SIZE_MAX: u64 = 4 << 20;
