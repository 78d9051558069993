//! An X.509 certificate as far as verification needs it.
//!
//! Source: RFC 5280; which certificates Android refuses: AOSP `libcore/…/sun/security/pkcs/SignerInfo.java`.

use crate::ber::{self, NotBer, Value, Values};
use crate::key::{self, KeyFault, PublicKey};

/// A certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The bytes as they were found.
    pub encoded: Vec<u8>,
    /// Serial number without leading zeros.
    pub serial: Vec<u8>,
    /// The issuer, comparable.
    pub issuer: Vec<u8>,
    /// Validity, as `YYYYMMDDhhmm` and what may follow.
    pub not_before: String,
    /// Validity, as `YYYYMMDDhhmm` and what may follow.
    pub not_after: String,
    /// The subject, comparable.
    pub subject: Vec<u8>,
    /// The `SubjectPublicKeyInfo`, as DER and mended as Android mends it.
    pub spki: Vec<u8>,
    /// Whether its key may sign: the `keyUsage` extension says so, or is not there.
    pub may_sign: bool,
    /// Whether it has a critical extension that nobody knows.
    pub unknown_critical: bool,
    /// What was signed of it, for chains.
    pub tbs: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate. Bytes behind it are no concern of Android's.
    pub fn read(bytes: &[u8]) -> Result<Certificate, NotBer> {
        let whole = Values::of(bytes).expect(ber::SEQUENCE)?;
        let mut outer = whole.inner();
        let tbs_value = outer.expect(ber::SEQUENCE)?;
        outer.expect(ber::SEQUENCE)?;
        outer.expect(ber::BIT_STRING)?;
        let mut tbs = tbs_value.inner();
        tbs.optional(ber::CONTEXT_0)?;
        let serial = tbs.expect(ber::INTEGER)?;
        tbs.expect(ber::SEQUENCE)?;
        let issuer = tbs.expect(ber::SEQUENCE)?;
        let mut validity = tbs.expect(ber::SEQUENCE)?.inner();
        let [not_before, not_after] = [time(validity.read()?)?, time(validity.read()?)?];
        let subject = tbs.expect(ber::SEQUENCE)?;
        let spki = tbs.expect(ber::SEQUENCE)?;
        let (mut may_sign, mut unknown_critical) = (true, false);
        while let Some(value) = tbs.read()? {
            if value.tag != ber::CONTEXT_3 {
                continue;
            }
            let mut extensions = value.inner().expect(ber::SEQUENCE)?.inner();
            while let Some(extension) = extensions.read()? {
                let mut extension = extension.inner();
                let oid = extension.expect(ber::OID)?;
                let critical = extension.optional(BOOLEAN)?.is_some_and(|it| it.body != [0]);
                let value = extension.expect(ber::OCTET_STRING)?;
                if oid.body == KEY_USAGE {
                    may_sign = usage_signs(value.body)?;
                }
                unknown_critical |= critical && !KNOWN_EXTENSIONS.contains(&oid.body);
            }
        }
        Ok(Certificate {
            encoded: bytes.to_vec(),
            serial: serial.magnitude().to_vec(),
            issuer: comparable(&issuer)?,
            not_before,
            not_after,
            subject: comparable(&subject)?,
            spki: key::normalized(&spki),
            may_sign,
            unknown_critical,
            tbs: tbs_value.whole.to_vec(),
        })
    }

    /// Reads a certificate as AOSP's apksig does, whose Java refuses one with a key of a kind that it knows and cannot read
    /// (`sun.security.x509.X509Key.buildX509Key`).
    pub fn read_with_key(bytes: &[u8]) -> Result<Certificate, NotBer> {
        let certificate = Certificate::read(bytes)?;
        match certificate.key() {
            Err(KeyFault::Malformed) => Err(NotBer),
            _ => Ok(certificate),
        }
    }

    /// Its key.
    pub fn key(&self) -> Result<PublicKey, KeyFault> {
        PublicKey::read(&self.spki)
    }
}

/// Whether `digitalSignature` or `nonRepudiation` is set.
fn usage_signs(extension: &[u8]) -> Result<bool, NotBer> {
    let bits = Values::of(extension).expect(ber::BIT_STRING)?;
    Ok(bits.body.get(1).is_some_and(|it| it & 0xc0 != 0))
}

/// `UTCTime` or `GeneralizedTime` with four digits of the year; no month is the thirteenth. Java refuses a certificate
/// for that (`sun.security.util.DerInputBuffer`), although nobody asks for its validity.
fn time(value: Option<Value>) -> Result<String, NotBer> {
    let value = value.ok_or(NotBer)?;
    let text = std::str::from_utf8(value.body).map_err(|_| NotBer)?;
    let text = match value.tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return Err(NotBer),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (numbers, zone) = text.split_at_checked(digits).ok_or(NotBer)?;
    let part = |at: usize| numbers.get(at..at.saturating_add(2)).and_then(|it| it.parse::<u8>().ok());
    let is_within = |at, range: std::ops::RangeInclusive<u8>| part(at).is_some_and(|it| range.contains(&it));
    let has_seconds = digits == 14;
    let is_time = is_within(4, 1..=12) && is_within(6, 1..=31) && is_within(8, 0..=23) && is_within(10, 0..=59);
    let is_zone = match zone.as_bytes() {
        [b'Z'] => true,
        [b'+' | b'-', offset @ ..] => offset.len() == 4 && offset.iter().all(u8::is_ascii_digit),
        // Fractions of a second.
        [b'.' | b',', fraction @ .., b'Z'] => has_seconds && fraction.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let is_whole = digits == 12 || has_seconds && is_within(12, 0..=59);
    if is_time && is_zone && is_whole { Ok(text) } else { Err(NotBer) }
}

/// A distinguished name in the form in which two are compared: types and values, letters lower, spaces single (as
/// `X500Principal.equals` of Java does).
pub fn comparable(name: &Value) -> Result<Vec<u8>, NotBer> {
    let mut out = Vec::new();
    for set in name.inner().all()? {
        let mut parts = Vec::new();
        for part in set.inner().all()? {
            let mut part = part.inner();
            let oid = part.expect(ber::OID)?;
            let value = part.read()?.ok_or(NotBer)?;
            let mut bytes = vec![oid.tag];
            bytes.extend_from_slice(oid.body);
            bytes.push(0);
            match text(&value) {
                Some(text) => {
                    let words: Vec<String> = text.split_ascii_whitespace().map(str::to_lowercase).collect();
                    bytes.extend_from_slice(words.join(" ").as_bytes());
                }
                None => bytes.extend(value.to_der()),
            }
            parts.push(bytes);
        }
        parts.sort();
        for part in parts {
            out.extend_from_slice(&part.len().to_be_bytes());
            out.extend_from_slice(&part);
        }
        out.push(0xff);
    }
    Ok(out)
}

/// The text of a string type.
fn text(value: &Value) -> Option<String> {
    match value.tag {
        // UTF8String, NumericString, PrintableString, IA5String
        0x0c | 0x12 | 0x13 | 0x16 => std::str::from_utf8(value.body).ok().map(str::to_owned),
        // T61String, as everyone reads it
        0x14 => Some(value.body.iter().map(|it| char::from(*it)).collect()),
        // BMPString
        0x1e => {
            let units: Vec<u16> =
                value.body.chunks_exact(2).map(|it| it.iter().fold(0, |n, b| n << 8 | u16::from(*b))).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

const UTC_TIME: u8 = 23;
const GENERALIZED_TIME: u8 = 24;
const BOOLEAN: u8 = 0x01;
/// 2.5.29.15
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];

/// Critical extensions that Java and Android understand (`sun.security.x509.X509CertImpl.isSupported…`): subject and
/// authority key, key usage, private key usage, subject and issuer names, constraints, policies, extended usage, CRL
/// distribution.
const KNOWN_EXTENSIONS: [&[u8]; 13] = [
    &[0x55, 0x1d, 14],
    &[0x55, 0x1d, 35],
    KEY_USAGE,
    &[0x55, 0x1d, 16],
    &[0x55, 0x1d, 17],
    &[0x55, 0x1d, 18],
    &[0x55, 0x1d, 19],
    &[0x55, 0x1d, 30],
    &[0x55, 0x1d, 31],
    &[0x55, 0x1d, 32],
    &[0x55, 0x1d, 33],
    &[0x55, 0x1d, 36],
    &[0x55, 0x1d, 37],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_space_and_string_type_are_one() {
        let name = |tag: u8, text: &str| {
            let mut part = ber::encoded(ber::OID, &[0x55, 4, 3]);
            part.extend(ber::encoded(tag, text.as_bytes()));
            let part = ber::encoded(ber::SEQUENCE, &part);
            ber::encoded(ber::SEQUENCE, &ber::encoded(ber::SET, &part))
        };
        let compared = |bytes: &[u8]| comparable(&Values::of(bytes).read().unwrap().unwrap()).unwrap();
        assert_eq!(compared(&name(0x13, "Some  Vendor")), compared(&name(0x0c, " some vendor")));
        assert_ne!(compared(&name(0x13, "Some Vendor")), compared(&name(0x13, "SomeVendor")));
    }

    #[test]
    fn no_month_is_the_thirteenth() {
        let time = |tag: u8, text: &str| time(Values::of(&ber::encoded(tag, text.as_bytes())).read().unwrap());
        assert_eq!(time(UTC_TIME, "430817153057Z").as_deref(), Ok("20430817153057Z"));
        assert_eq!(time(UTC_TIME, "9908171530+0200").as_deref(), Ok("199908171530+0200"));
        assert!(time(GENERALIZED_TIME, "20430817153057.25Z").is_ok());
        for bad in
            ["168331153057Z", "160032153057Z", "160831243057Z", "1608311530", "160831153057", "x", "16083115305Z"]
        {
            assert_eq!(time(UTC_TIME, bad), Err(NotBer), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = (Certificate::read(&bytes), PublicKey::read(&bytes));
        }
    }
}
