//! Google's list of attestation certificates that are not trusted any more.
//!
//! Source: <https://developer.android.com/privacy-and-security/security-key-attestation#certificate_status>

use std::collections::BTreeMap;

use serde::Deserialize;

/// The list, by serial number in lower-case hex without leading zeros.
#[derive(Debug, Deserialize)]
pub struct Revoked {
    entries: BTreeMap<String, Entry>,
}

/// Why a certificate stands on it.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// `REVOKED` or `SUSPENDED`.
    pub status: String,
    /// `KEY_COMPROMISE`, `SOFTWARE_FLAW` and others.
    #[serde(default)]
    pub reason: String,
}

impl Revoked {
    /// Reads the file; the message says why it is none.
    pub fn read(bytes: &[u8]) -> Result<Revoked, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// How many certificates stand on it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a certificate, by its serial number without leading zeros.
    pub fn entry(&self, serial: &[u8]) -> Option<&Entry> {
        let hex: String = serial.iter().map(|it| format!("{it:02x}")).collect();
        let hex = hex.trim_start_matches('0');
        self.entries.iter().find(|it| it.0.trim_start_matches('0').eq_ignore_ascii_case(hex)).map(|it| it.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_found_whatever_zeros_lead_it() {
        let list = br#"{"entries": {"0c6681": {"status": "REVOKED", "reason": "KEY_COMPROMISE"}, "a1": {"status": "SUSPENDED"}}}"#;
        let revoked = Revoked::read(list).unwrap();
        assert_eq!(revoked.len(), 2);
        assert_eq!(revoked.entry(&[0x0c, 0x66, 0x81]).unwrap().reason, "KEY_COMPROMISE");
        assert_eq!(revoked.entry(&[0xa1]).unwrap().status, "SUSPENDED");
        assert!(revoked.entry(&[0x66, 0x81]).is_none() && revoked.entry(&[]).is_none());
        assert!(Revoked::read(b"{}").is_err(), "a list without entries is none");
    }
}
