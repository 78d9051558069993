//! The rules that hold for every case.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::Grade;
use model::fact::sighting::IndicatorKind;

use super::{Case, Indicator, Predicate};

/// What is wrong with a case, if anything is.
pub fn fault_of(case: &Case) -> Option<String> {
    let texts = [&case.title, &case.vendor, &case.devices, &case.mechanism];
    if texts.iter().any(|it| it.trim().is_empty()) {
        return Some("title, vendor, devices or mechanism is empty".to_owned());
    }
    let kebab = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    if case.id.is_empty() || !case.id.bytes().all(kebab) {
        return Some("the id is not in kebab-case".to_owned());
    }
    if case.years.is_empty() || case.years.iter().any(|it| !YEARS.contains(it)) {
        return Some(format!("years are {YEARS:?}"));
    }
    if case.sources.is_empty() {
        return Some("no source".to_owned());
    }
    let is_address = |it: &str| ["https://", "http://"].iter().any(|scheme| it.starts_with(scheme));
    if let Some(source) = case.sources.iter().find(|it| it.title.is_empty() || !is_address(&it.url)) {
        return Some(format!("source {:?} has no title or no address", source.title));
    }
    let mut seen = BTreeSet::new();
    for indicator in &case.indicators {
        if !is_well_formed(indicator) {
            return Some(format!("{:?} is no {}", indicator.value, indicator.kind.word()));
        }
        if !seen.insert((indicator.kind, &indicator.value)) {
            return Some(format!("{} {:?} stands twice", indicator.kind.word(), indicator.value));
        }
    }
    if let Some(fault) = case.confirms.iter().chain(&case.acquits).find_map(fault_of_predicate) {
        return Some(fault);
    }
    match (case.is_decidable(), case.undecided.is_empty()) {
        (false, true) => return Some("nothing confirms it, and it does not say why".to_owned()),
        (true, false) => return Some("something confirms it, and it says that nothing can".to_owned()),
        _ => {}
    }
    let only_names = !case.confirms.is_empty() && !case.confirms.iter().any(Predicate::is_more_than_a_name);
    if case.grade == Grade::Finding && only_names {
        return Some("names alone would confirm it".to_owned());
    }
    None
}

fn fault_of_predicate(predicate: &Predicate) -> Option<String> {
    let kind = match predicate {
        Predicate::Package { .. } => IndicatorKind::Package,
        Predicate::Class { .. } | Predicate::Unguarded { .. } => IndicatorKind::Class,
        Predicate::Certificate { .. } => IndicatorKind::Certificate,
        Predicate::Hash { .. } => IndicatorKind::Hash,
        Predicate::Path { .. } => IndicatorKind::Path,
        _ => IndicatorKind::String,
    };
    let values: &[String] = match predicate {
        Predicate::Package { any, .. }
        | Predicate::Class { any }
        | Predicate::Certificate { any, .. }
        | Predicate::Hash { any }
        | Predicate::Path { any }
        | Predicate::Holds { any, .. }
        | Predicate::Unguarded { any } => any,
        Predicate::Flow { source, sink } if source.is_empty() || sink.is_empty() => &[],
        Predicate::Flow { source, .. } => source,
        Predicate::VersionBelow { version, .. } if is_version(version) => return None,
        Predicate::VersionBelow { version, .. } => return Some(format!("{version:?} is no version")),
        Predicate::Property { name, .. } => std::slice::from_ref(name),
    };
    if values.is_empty() {
        return Some(format!("a condition of kind {} asks for nothing", predicate.word()));
    }
    let indicator = |value: &String| Indicator { kind, value: value.clone(), weak: String::new(), note: String::new() };
    let bad = values.iter().find(|it| !is_well_formed(&indicator(it)))?;
    Some(format!("{bad:?} is no value for a condition of kind {}", predicate.word()))
}

/// Whether the text of an indicator is what its kind says.
pub fn is_well_formed(indicator: &Indicator) -> bool {
    let value = indicator.value.as_str();
    let visible = !value.trim().is_empty() && value.trim() == value && !value.chars().any(char::is_control);
    let hex =
        |lens: &[usize]| lens.contains(&value.len()) && value.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    visible
        && match indicator.kind {
            IndicatorKind::Package => is_name(value),
            IndicatorKind::Component | IndicatorKind::Class => is_name(value.strip_suffix(".*").unwrap_or(value)),
            IndicatorKind::Path => !value.starts_with('*') && !value.contains("//"),
            IndicatorKind::Partition | IndicatorKind::Service | IndicatorKind::Property => {
                value.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-'))
            }
            IndicatorKind::Port => {
                let number = value.strip_suffix("/tcp").or(value.strip_suffix("/udp"));
                number.is_some_and(|it| it.parse::<u16>().is_ok_and(|it| it != 0))
            }
            IndicatorKind::Domain => is_domain(value),
            IndicatorKind::Ip => value.parse::<IpAddr>().is_ok(),
            IndicatorKind::Url => value.contains('/'),
            IndicatorKind::Email => value.split_once('@').is_some_and(|it| !it.0.is_empty() && is_domain(it.1)),
            IndicatorKind::Process => !value.contains(char::is_whitespace),
            IndicatorKind::Certificate => hex(&[64, 40, 32]),
            IndicatorKind::Hash => hex(&[64, 40, 32]),
            IndicatorKind::String => STRING_MIN <= value.len(),
            // Rules are feeds of their own.
            IndicatorKind::Rule => false,
        }
}

/// Words of a Java name with dots between them: two at least.
fn is_name(value: &str) -> bool {
    let word = |it: &str| {
        it.bytes().next().is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'$'))
    };
    value.contains('.') && value.split('.').all(word)
}

/// Labels in lower case, two at least, of which the last is no number.
pub fn is_domain(value: &str) -> bool {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            && !it.starts_with('-')
    };
    let last = value.rsplit('.').next().unwrap_or_default();
    value.contains('.') && value.split('.').all(label) && !last.bytes().all(|it| it.is_ascii_digit())
}

fn is_version(value: &str) -> bool {
    value.split('.').all(|it| it.parse::<u64>().is_ok())
}

/// From the first phone with Android on.
const YEARS: std::ops::RangeInclusive<u16> = 2008..=2030;

/// Shorter texts are found everywhere.
const STRING_MIN: usize = 3;
