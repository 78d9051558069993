//! The certificates in `mac_permissions.xml`, which give apps their SELinux domain. Who gets which label is read by
//! `sysconfig`.

use model::fact::certificate::Role;
use model::{Artifact, Fault};
use quick_xml::events::{BytesStart, Event};

use crate::x509;
use crate::x509::text::bytes_of_hex;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "mac-permissions",
    title: "certificates with an SELinux label",
    spec: "https://source.android.com/docs/security/features/selinux/implement#mac_permissions.xml",
    kind: Kind::Trust,
    matches: |artifact, _| artifact.file_name().ends_with(b"mac_permissions.xml"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("mac_permissions.xml", SIZE_MAX)?;
    let mut xml = quick_xml::Reader::from_reader(bytes.as_slice());
    xml.config_mut().check_end_names = false;
    loop {
        let start = xml.buffer_position();
        let event = xml.read_event().map_err(|_| Fault::malformed("element", start))?;
        let at = (start, xml.buffer_position().saturating_sub(start));
        match event {
            Event::Start(element) | Event::Empty(element) if matches!(element.name().as_ref(), b"signer" | b"cert") => {
                // Text that is no hex names a key of the build, which was not replaced.
                if let Some(der) = signature_of(&element).and_then(|it| bytes_of_hex(&it))
                    && let Err(fault) = x509::state(out, &der, 0, at, Role::MacPermissions)
                {
                    out.gap(format!("certificate at offset {:#x}: {fault}", at.0));
                }
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn signature_of(element: &BytesStart) -> Option<Vec<u8>> {
    // An attribute that is malformed is none, as for Android's parser, which stops there.
    let found = element.attributes().flatten().find(|it| it.key.as_ref() == b"signature")?;
    Some(found.value.into_owned())
}

/// Real files stay under 100 KiB.
const SIZE_MAX: u64 = 4 << 20;
