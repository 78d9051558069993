//! `KeyDescription`: the extension of a certificate in which secure hardware states what it knows.
//!
//! Invariant: what hardware enforces and what the running system merely says stay apart.

use crate::ber::{self, NotBer, Value, Values};

/// A `KeyDescription`, of any version from 1 on: later ones add fields to its lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDescription {
    /// `attestationVersion`: 1 to 4 of Keymaster, from 100 on of KeyMint.
    pub attestation_version: u64,
    /// Who made the statement.
    pub attestation_level: SecurityLevel,
    /// `keymasterVersion`, later `keyMintVersion`.
    pub keymint_version: u64,
    /// Who keeps the key.
    pub keymint_level: SecurityLevel,
    /// What whoever asked wanted to see in the answer.
    pub challenge: Vec<u8>,
    /// An id of the phone for one app; mostly empty.
    pub unique_id: Vec<u8>,
    /// What the running system says.
    pub software: Authorizations,
    /// What the secure hardware enforces.
    pub hardware: Authorizations,
}

/// Where something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityLevel {
    /// In the running system: it can say what it likes.
    Software,
    /// In the trusted execution environment of the processor.
    TrustedEnvironment,
    /// In a chip of its own.
    StrongBox,
    /// A number that nobody documents.
    Unknown(u64),
}

/// `AuthorizationList`, as far as it says something about the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorizations {
    /// What was booted.
    pub root_of_trust: Option<RootOfTrust>,
    /// `osVersion`, as `MMmmss`.
    pub os_version: Option<u64>,
    /// `osPatchLevel`, as `YYYYMM`.
    pub os_patch_level: Option<u64>,
    /// `vendorPatchLevel`, as `YYYYMMDD`.
    pub vendor_patch_level: Option<u64>,
    /// `bootPatchLevel`, as `YYYYMMDD`.
    pub boot_patch_level: Option<u64>,
    /// `creationDateTime`, in milliseconds since 1970.
    pub created: Option<u64>,
    /// `origin`: 0 where the key was made in there.
    pub origin: Option<u64>,
    /// The apps that asked.
    pub app: Option<AppId>,
    /// What the phone is called: which of its ids, and its value.
    pub ids: Vec<(&'static str, String)>,
    /// `moduleHash`: SHA-256 over the names and hashes of the APEX modules.
    pub module_hash: Option<Vec<u8>>,
    /// All tags, in their order.
    pub tags: Vec<u32>,
}

/// `RootOfTrust`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootOfTrust {
    /// SHA-256 of the key that verified the system, or the key itself; zeros where none did.
    pub verified_boot_key: Vec<u8>,
    /// Whether the boot loader is locked.
    pub device_locked: bool,
    /// How the boot went.
    pub state: BootState,
    /// The digest of all verified-boot metadata; from version 3 on.
    pub verified_boot_hash: Option<Vec<u8>>,
}

/// `VerifiedBootState`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootState {
    /// Verified with the vendor's key.
    Verified,
    /// Verified with a key that the user set.
    SelfSigned,
    /// Not verified.
    Unverified,
    /// Verification failed.
    Failed,
    /// A number that nobody documents.
    Unknown(u64),
}

/// `AttestationApplicationId`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppId {
    /// Packages with their versions.
    pub packages: Vec<(String, u64)>,
    /// SHA-256 of the certificates that signed them.
    pub signatures: Vec<Vec<u8>>,
}

impl KeyDescription {
    /// Reads the value of the extension.
    pub fn read(bytes: &[u8]) -> Result<KeyDescription, NotBer> {
        let mut fields = Values::of(bytes).expect(ber::SEQUENCE)?.inner();
        let attestation_version = number(&fields.expect(ber::INTEGER)?)?;
        let attestation_level = level(&fields.expect(ENUMERATED)?)?;
        let keymint_version = number(&fields.expect(ber::INTEGER)?)?;
        let keymint_level = level(&fields.expect(ENUMERATED)?)?;
        Ok(KeyDescription {
            attestation_version,
            attestation_level,
            keymint_version,
            keymint_level,
            challenge: fields.expect(ber::OCTET_STRING)?.body.to_vec(),
            unique_id: fields.expect(ber::OCTET_STRING)?.body.to_vec(),
            software: Authorizations::read(&fields.expect(ber::SEQUENCE)?)?,
            hardware: Authorizations::read(&fields.expect(ber::SEQUENCE)?)?,
        })
    }

    /// Whether hardware stands behind both the statement and the key.
    pub fn is_hardware(&self) -> bool {
        let is_hardware = |it| matches!(it, SecurityLevel::TrustedEnvironment | SecurityLevel::StrongBox);
        is_hardware(self.attestation_level) && is_hardware(self.keymint_level)
    }
}

impl Authorizations {
    fn read(list: &Value) -> Result<Authorizations, NotBer> {
        let mut found = Authorizations::default();
        let mut values = list.inner();
        while let Some(field) = values.read()? {
            let tag = tag_of(&field)?;
            if TAGS_MAX <= found.tags.len() {
                return Err(NotBer);
            }
            found.tags.push(tag);
            let value = field.inner().read()?.ok_or(NotBer)?;
            match tag {
                701 => found.created = Some(number(&value)?),
                702 => found.origin = Some(number(&value)?),
                704 => found.root_of_trust = Some(RootOfTrust::read(&value)?),
                705 => found.os_version = Some(number(&value)?),
                706 => found.os_patch_level = Some(number(&value)?),
                709 => found.app = Some(AppId::read(&value)?),
                718 => found.vendor_patch_level = Some(number(&value)?),
                719 => found.boot_patch_level = Some(number(&value)?),
                724 => found.module_hash = Some(value.body.to_vec()),
                _ => {
                    if let Some((_, name)) = IDS.iter().find(|it| it.0 == tag) {
                        found.ids.push((name, String::from_utf8_lossy(value.body).into_owned()));
                    }
                }
            }
        }
        Ok(found)
    }
}

impl RootOfTrust {
    fn read(value: &Value) -> Result<RootOfTrust, NotBer> {
        let mut fields = value.inner();
        let verified_boot_key = fields.expect(ber::OCTET_STRING)?.body.to_vec();
        let device_locked = fields.expect(BOOLEAN)?.body.first().is_some_and(|it| *it != 0);
        let state = match number(&fields.expect(ENUMERATED)?)? {
            0 => BootState::Verified,
            1 => BootState::SelfSigned,
            2 => BootState::Unverified,
            3 => BootState::Failed,
            other => BootState::Unknown(other),
        };
        let hash = fields.optional(ber::OCTET_STRING)?;
        Ok(RootOfTrust { verified_boot_key, device_locked, state, verified_boot_hash: hash.map(|it| it.body.to_vec()) })
    }
}

impl AppId {
    /// A structure inside the bytes of a string.
    fn read(value: &Value) -> Result<AppId, NotBer> {
        let mut fields = Values::of(value.body).expect(ber::SEQUENCE)?.inner();
        let mut app = AppId::default();
        for package in fields.expect(ber::SET)?.inner().all()? {
            let mut package = package.inner();
            let name = String::from_utf8_lossy(package.expect(ber::OCTET_STRING)?.body).into_owned();
            app.packages.push((name, number(&package.expect(ber::INTEGER)?)?));
        }
        for signature in fields.expect(ber::SET)?.inner().all()? {
            app.signatures.push(signature.body.to_vec());
        }
        Ok(app)
    }
}

/// The number of a context-specific tag, in one byte or several.
fn tag_of(value: &Value) -> Result<u32, NotBer> {
    let (first, more) = value.whole.split_first().ok_or(NotBer)?;
    if first & 0xe0 != 0xa0 {
        return Err(NotBer);
    }
    if first & 0x1f != 0x1f {
        return Ok(u32::from(first & 0x1f));
    }
    let mut tag = 0u32;
    for byte in more.iter().take(TAG_BYTES_MAX) {
        tag = tag << 7 | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(tag);
        }
    }
    Err(NotBer)
}

fn number(value: &Value) -> Result<u64, NotBer> {
    let bytes = value.magnitude();
    if 8 < bytes.len() || value.body.first().is_none_or(|it| it & 0x80 != 0) {
        return Err(NotBer);
    }
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn level(value: &Value) -> Result<SecurityLevel, NotBer> {
    Ok(match number(value)? {
        0 => SecurityLevel::Software,
        1 => SecurityLevel::TrustedEnvironment,
        2 => SecurityLevel::StrongBox,
        other => SecurityLevel::Unknown(other),
    })
}

const BOOLEAN: u8 = 1;
const ENUMERATED: u8 = 10;

/// Tags of KeyMint stay under 2^14.
const TAG_BYTES_MAX: usize = 3;

/// There are under fifty.
const TAGS_MAX: usize = 256;

/// Tags of ids.
const IDS: [(u32, &str); 9] = [
    (710, "brand"),
    (711, "device"),
    (712, "product"),
    (713, "serial number"),
    (714, "IMEI"),
    (715, "MEID"),
    (716, "manufacturer"),
    (717, "model"),
    (723, "second IMEI"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_several_bytes_is_its_number() {
        let value = |bytes: &'static [u8]| Values::of(bytes).read().unwrap().unwrap();
        assert_eq!(tag_of(&value(&[0xa1, 0])), Ok(1));
        assert_eq!(tag_of(&value(&[0xbf, 0x85, 0x40, 0])), Ok(704));
        assert_eq!(tag_of(&value(&[0x30, 0])), Err(NotBer));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = KeyDescription::read(&bytes);
        }
    }
}
