//! One certificate: the parts that identify it and its key.
//!
//! Source: RFC 5280 section 4.1; names as RFC 4514 writes them.

use md5::Md5;
use model::Fault;
use model::fact::certificate::{Certificate, Role};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::der::{self, Der, Tlv};
use super::text::{hex, latin_or_utf8};

/// A certificate, and what is wrong with it.
pub struct Read {
    /// The certificate.
    pub certificate: Certificate,
    /// What a strict reader refuses.
    pub odd: Vec<&'static str>,
}

/// The certificate in `der`, which starts at `base` in the artifact. Reads whatever a phone would: weak keys and
/// digests, negative serial numbers, broken times and encodings.
pub fn certificate_of(der: &[u8], base: u64, role: Role) -> Result<Read, Fault> {
    let mut odd = Vec::new();
    let mut certificate = Der::at(der, base).expect(der::SEQUENCE, "certificate")?.inner();
    let mut tbs = certificate.expect(der::SEQUENCE, "tbsCertificate")?.inner();
    tbs.optional(der::CONTEXT_0, "version")?;
    let serial = serial_of(&tbs.expect(der::INTEGER, "serialNumber")?);
    let inner_algorithm = algorithm_of(&tbs.expect(der::SEQUENCE, "signature")?);
    let issuer = name_of(&tbs.expect(der::SEQUENCE, "issuer")?)?;
    let mut validity = tbs.expect(der::SEQUENCE, "validity")?.inner();
    let mut time = |what| {
        let seconds = validity.read(what).ok().and_then(|it| seconds_of(it.body));
        if seconds.is_none() {
            odd.push("a time of the validity is none");
        }
        seconds.unwrap_or_default()
    };
    let (not_before, not_after) = (time("notBefore"), time("notAfter"));
    let subject = name_of(&tbs.expect(der::SEQUENCE, "subject")?)?;
    let key = tbs.expect(der::SEQUENCE, "subjectPublicKeyInfo")?;
    let (key_algorithm, key_bits) = key_of(&key);
    // The signature itself is looked at by nobody here: what comes before it may be read without it.
    let algorithm = certificate.expect(der::SEQUENCE, "signatureAlgorithm").map(|it| algorithm_of(&it));
    if algorithm.as_ref() != Ok(&inner_algorithm) {
        odd.push("the two signature algorithms differ");
    }
    if x509_parser::parse_x509_certificate(der).is_err() {
        odd.push("a strict reader refuses it");
    }
    let certificate = Certificate {
        role,
        sha256: hex(&Sha256::digest(der)),
        sha1: hex(&Sha1::digest(der)),
        md5: hex(&Md5::digest(der)),
        public_key_sha256: hex(&Sha256::digest(key.whole)),
        subject,
        issuer,
        serial,
        not_before,
        not_after,
        key_algorithm,
        key_bits,
        signature_algorithm: algorithm.unwrap_or(inner_algorithm),
    };
    Ok(Read { certificate, odd })
}

/// In hex without leading zeros, with a sign where it is negative.
fn serial_of(number: &Tlv) -> String {
    let negative = number.body.first().is_some_and(|it| it & 0x80 != 0);
    let mut digits = number.body.to_vec();
    if negative {
        // Two's complement: all bits turned, plus one from the right as long as it carries.
        let mut carry = true;
        for byte in digits.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let zeros = digits.iter().take_while(|&&byte| byte == 0).count().min(digits.len().saturating_sub(1));
    let sign = if negative { "-" } else { "" };
    format!("{sign}{}", hex(digits.get(zeros..).unwrap_or_default()))
}

/// `AlgorithmIdentifier`: its name, or its object identifier.
fn algorithm_of(sequence: &Tlv) -> String {
    let oid = sequence.inner().read("algorithm").map(|it| it.oid()).unwrap_or_default();
    match SIGNATURE_ALGORITHMS.iter().find(|(id, _)| *id == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => oid,
    }
}

/// `SubjectPublicKeyInfo`: what kind of key, and its length. A key that cannot be read has none.
fn key_of(info: &Tlv) -> (String, Option<u32>) {
    let mut inner = info.inner();
    let Ok(algorithm) = inner.read("algorithm") else { return (String::new(), None) };
    let bit_string = inner.read("subjectPublicKey").map(|it| it.body).unwrap_or_default();
    let key = bit_string.get(1..).unwrap_or_default();
    let mut algorithm = algorithm.inner();
    let oid = algorithm.read("algorithm").map(|it| it.oid()).unwrap_or_default();
    let parameters = algorithm.read("parameters").ok();
    let first_number = |bytes| {
        let mut numbers = Der::at(bytes, 0).read("key").ok()?.inner();
        numbers.expect(der::INTEGER, "key").ok().map(|it| it.bits())
    };
    match oid.as_str() {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.7" | "1.2.840.113549.1.1.10" => ("RSA".into(), first_number(key)),
        "1.2.840.10040.4.1" => ("DSA".into(), parameters.and_then(|it| first_number(it.whole))),
        "1.2.840.10045.2.1" => {
            let curve = parameters.filter(|it| it.tag == der::OID).map(|it| it.oid()).unwrap_or_default();
            let known = CURVES.iter().find(|(id, _)| *id == curve).map(|it| it.1);
            ("EC".into(), known.or_else(|| u32::try_from(key.len().saturating_sub(1) / 2).ok()?.checked_mul(8)))
        }
        "1.3.101.112" => ("Ed25519".into(), Some(256)),
        _ => (oid, None),
    }
}

/// `Name`, the last part first.
fn name_of(name: &Tlv) -> Result<String, Fault> {
    let mut parts = Vec::new();
    let mut sets = name.inner();
    while !sets.is_empty() {
        let mut attributes = sets.read("RelativeDistinguishedName")?.inner();
        let mut part = Vec::new();
        while !attributes.is_empty() {
            let mut attribute = attributes.read("AttributeTypeAndValue")?.inner();
            let oid = attribute.read("type")?.oid();
            let value = attribute.read("value")?;
            let key = ATTRIBUTES.iter().find(|(id, _)| *id == oid).map_or(oid.as_str(), |it| it.1);
            part.push(format!("{key}={}", value_of(&value)));
        }
        parts.push(part.join("+"));
    }
    parts.reverse();
    Ok(parts.join(", "))
}

/// The text of an attribute's value (RFC 4514 section 2.4).
fn value_of(value: &Tlv) -> String {
    let text = match value.tag {
        UTF8_STRING | PRINTABLE_STRING | T61_STRING | IA5_STRING | NUMERIC_STRING | VISIBLE_STRING => {
            latin_or_utf8(value.body)
        }
        BMP_STRING => {
            let units = value.body.chunks_exact(2).filter_map(|it| it.try_into().ok().map(u16::from_be_bytes));
            String::from_utf16_lossy(&units.collect::<Vec<_>>())
        }
        UNIVERSAL_STRING => {
            let points = value.body.chunks_exact(4).filter_map(|it| it.try_into().ok().map(u32::from_be_bytes));
            points.map(|it| char::from_u32(it).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return format!("#{}", hex(value.whole)),
    };
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (n, char) in text.chars().enumerate() {
        let at_edge = char == ' ' && (n == 0 || n == last) || char == '#' && n == 0;
        if at_edge || matches!(char, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// `UTCTime` or `GeneralizedTime` in seconds since 1970. Seconds and the zone may be missing.
fn seconds_of(text: &[u8]) -> Option<i64> {
    let digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    let (number, zone) = text.split_at_checked(digits)?;
    let year_len = if digits >= 14 || digits == 12 && zone.is_empty() { 4 } else { 2 };
    let year = decimal(number.get(..year_len)?);
    let year = match year_len {
        2 if year < 50 => year.saturating_add(2000),
        2 => year.saturating_add(1900),
        _ => year,
    };
    let rest = number.get(year_len..)?;
    let field = |n: usize| rest.get(n.saturating_mul(2)..).and_then(|it| it.get(..2)).map(decimal);
    let (month, day) = (field(0)?, field(1)?);
    let (hour, minute, second) = (field(2)?, field(3)?, field(4).unwrap_or_default());
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_of(year, month, day);
    let of_day = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Some(days.saturating_mul(86_400).saturating_add(of_day).saturating_sub(zone_of(zone)))
}

/// `+hhmm` or `-hhmm` in seconds; fractions and anything else count as none.
fn zone_of(zone: &[u8]) -> i64 {
    let Some(start) = zone.iter().position(|it| matches!(it, b'+' | b'-')) else { return 0 };
    let digits = zone.get(start.saturating_add(1)..).unwrap_or_default();
    let part = |n: usize| digits.get(n..n.saturating_add(2)).map(decimal).unwrap_or_default();
    let seconds = part(0).saturating_mul(3600).saturating_add(part(2).saturating_mul(60));
    if zone.get(start) == Some(&b'-') { seconds.saturating_neg() } else { seconds }
}

fn decimal(digits: &[u8]) -> i64 {
    digits.iter().fold(0i64, |n, digit| n.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0'))))
}

/// Days since 1970 of a date of the Gregorian calendar, counted from March so that leap days come last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let month = if month <= 2 { month.saturating_add(9) } else { month.saturating_sub(3) };
    let leaps = (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    let of_year = month.saturating_mul(153).saturating_add(2) / 5;
    year.saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(of_year)
        .saturating_add(day)
        .saturating_sub(DAYS_TO_1970)
}

/// Days from the first of March of the year 0 to 1970, plus one since days of a month start at one.
const DAYS_TO_1970: i64 = 719_469;

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// Attribute types and their short names (RFC 4514 section 3, RFC 2985, X.520).
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// Signature algorithms and their names (RFC 3279, RFC 4055, RFC 5758, RFC 8410).
const SIGNATURE_ALGORITHMS: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption"),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption"),
    ("1.2.840.10040.4.3", "dsaWithSHA1"),
    ("2.16.840.1.101.3.4.3.1", "dsaWithSHA224"),
    ("2.16.840.1.101.3.4.3.2", "dsaWithSHA256"),
    ("1.2.840.10045.4.1", "ecdsaWithSHA1"),
    ("1.2.840.10045.4.3.1", "ecdsaWithSHA224"),
    ("1.2.840.10045.4.3.2", "ecdsaWithSHA256"),
    ("1.2.840.10045.4.3.3", "ecdsaWithSHA384"),
    ("1.2.840.10045.4.3.4", "ecdsaWithSHA512"),
    ("1.3.101.112", "Ed25519"),
];

/// Named curves and the length of their keys (RFC 5480, SEC 2).
const CURVES: &[(&str, u32)] = &[
    ("1.2.840.10045.3.1.1", 192),
    ("1.3.132.0.33", 224),
    ("1.2.840.10045.3.1.7", 256),
    ("1.3.132.0.10", 256),
    ("1.3.132.0.34", 384),
    ("1.3.132.0.35", 521),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_seconds_since_1970() {
        assert_eq!(seconds_of(b"700101000000Z"), Some(0));
        assert_eq!(seconds_of(b"20380119031408Z"), Some(2_147_483_648));
        assert_eq!(seconds_of(b"080229120000+0100"), Some(1_204_282_800));
        assert_eq!(seconds_of(b"0802291200Z"), Some(1_204_286_400));
        assert_eq!(seconds_of(b"99991231235959Z"), Some(253_402_300_799), "RFC 5280: no end");
        assert_eq!(seconds_of(b"garbage"), None);
    }

    #[test]
    fn a_negative_serial_number_keeps_its_sign() {
        let serial = |bytes: &[u8]| serial_of(&Der::at(bytes, 0).read("serial").unwrap());
        assert_eq!(serial(&[2, 2, 0x00, 0x80]), "80");
        assert_eq!(serial(&[2, 1, 0xff]), "-01");
        assert_eq!(serial(&[2, 2, 0xff, 0x00]), "-0100");
        assert_eq!(serial(&[2, 0]), "");
    }
}
