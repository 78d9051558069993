//! X.509 certificates: PEM files with any number of them, and DER.

pub mod certificate;
pub mod der;
pub mod text;

use memchr::memmem;
use model::fact::anomaly;
use model::fact::certificate::Role;
use model::{Artifact, Fault};

use self::certificate::certificate_of;
use self::der::Der;
use self::text::bytes_of_base64;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "x509",
    title: "X.509 certificate",
    spec: "RFC 5280, RFC 7468",
    kind: Kind::Trust,
    matches: |artifact, head| is_der(head, artifact.blob.len()) || memmem::find(head, BEGIN).is_some(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("certificate file", SIZE_MAX)?;
    let role = role_of(&artifact.raw_name);
    if is_der(&bytes, artifact.blob.len()) {
        let der = Der::at(&bytes, 0).read("certificate")?.whole;
        return state(out, der, 0, (0, der.len() as u64), role);
    }
    let mut end = 0usize;
    for start in memmem::find_iter(&bytes, BEGIN) {
        // A mark inside of a block that was read is text of that block.
        if start < end {
            continue;
        }
        let from = start.saturating_add(BEGIN.len());
        let rest = bytes.get(from..).unwrap_or_default();
        let Some(len) = memmem::find(rest, END) else {
            return Err(Fault::malformed("end of a certificate", start as u64));
        };
        end = from.saturating_add(len);
        let at = (start as u64, end.saturating_add(END.len()).saturating_sub(start) as u64);
        let der = rest.get(..len).and_then(bytes_of_base64);
        match der.ok_or(Fault::malformed("base64", from as u64)) {
            Ok(der) => {
                // A broken certificate does not hide the next one.
                if let Err(fault) = state(out, &der, 0, at, role) {
                    out.gap(format!("certificate at offset {start:#x}: {fault}"));
                }
            }
            Err(fault) => out.gap(format!("certificate at offset {start:#x}: {fault}")),
        }
    }
    Ok(())
}

/// States a certificate whose DER starts at `base`, and what is odd about it, at a range of bytes of the artifact.
pub fn state(out: &mut Reading, der: &[u8], base: u64, at: (u64, u64), role: Role) -> Result<(), Fault> {
    let read = certificate_of(der, base, role)?;
    for odd in read.odd {
        out.anomaly(at.0, at.1, anomaly::Kind::Garbage, format!("certificate: {odd}"));
    }
    let row = out.row(at.0, at.1, read.certificate);
    out.facts.certificates.push(row);
    Ok(())
}

/// What a certificate of a folder stands for. `otacerts.zip` names its entries freely: that they sign updates follows
/// from the archive they lie in, which whoever knows the tree adds.
fn role_of(name: &[u8]) -> Role {
    let mut folders = name.rsplit(|&byte| byte == b'/').skip(1);
    if folders.any(|it| it.starts_with(b"cacerts")) { Role::SystemCa } else { Role::Other }
}

/// A sequence as long as the file, that starts with a sequence, a version or a serial number, and an algorithm.
fn is_der(head: &[u8], len: u64) -> bool {
    let starts = || -> Result<bool, Fault> {
        // Only the first bytes are at hand: the outer two lengths are taken at their word.
        let [0x30, 0x82, high, low, 0x30, 0x82, _, _, rest @ ..] = head else { return Ok(false) };
        let size = u64::from(u16::from_be_bytes([*high, *low])).saturating_add(4);
        if len < size || size.saturating_add(TRAILING_MAX) < len {
            return Ok(false);
        }
        let mut tbs = Der::at(rest, 0);
        tbs.optional(der::CONTEXT_0, "version")?;
        tbs.expect(der::INTEGER, "serialNumber")?;
        let algorithm = tbs.expect(der::SEQUENCE, "signature")?.inner().expect(der::OID, "algorithm");
        Ok(algorithm.is_ok() && tbs.peek() == Some(der::SEQUENCE))
    };
    // A failure to read means that these are not its bytes.
    starts().unwrap_or(false)
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// A line feed or padding behind a certificate is still the certificate's file.
const TRAILING_MAX: u64 = 16;

/// The largest bundles hold under a thousand certificates of 2 KiB; a few files tell much text around them.
const SIZE_MAX: u64 = 16 << 20;
