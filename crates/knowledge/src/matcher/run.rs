//! Runs of text: what they are cut into, and how the pieces are looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::fact::company::CompanySignKind;
use model::fact::sighting::IndicatorKind;

use super::{Matcher, What};

/// Whether a byte belongs to a run.
pub fn is_text(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & TEXT != 0
}

/// What a run has, by its bytes.
pub fn class_of(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Looks everything up that a run can be. `told` takes the indicator as it is known, and what stands there. Returns
/// how many names of hosts the run has.
pub fn look_up(
    matcher: &Matcher,
    run: &[u8],
    has: u8,
    lower: &mut String,
    told: &mut dyn FnMut(What, &str, &str),
) -> u32 {
    let Ok(text) = std::str::from_utf8(run) else { return 0 };
    let mut n_hosts = 0;
    if has & DOT != 0 {
        let mut rest = text;
        while !rest.is_empty() {
            let len = rest.bytes().position(|it| class_of(it) & LABEL == 0).unwrap_or(rest.len());
            let piece = rest.get(..len).unwrap_or_default();
            n_hosts += u32::from(host(matcher, piece, lower, told));
            rest = rest.get(len + 1..).unwrap_or_default();
        }
        // A string of a dex file has its length before it, which is a letter where it has as many characters.
        if run.first().is_some_and(|it| usize::from(*it) + 1 == run.len()) {
            host(matcher, text.get(1..).unwrap_or_default(), lower, told);
        }
    }
    if has & COLON != 0 {
        let several = 1 < text.bytes().filter(|it| *it == b':').count();
        let ip = text.parse::<Ipv6Addr>().ok().map(IpAddr::V6).filter(|it| several && matcher.ips.contains(it));
        if let Some(ip) = ip {
            told(What::Indicator(IndicatorKind::Ip), &ip.to_string(), text);
        }
        if let Some((_, bare)) = text.split_once("://").filter(|_| !matcher.urls.is_empty()) {
            let path = bare.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
            if let Some(known) = matcher.urls.get(path).or_else(|| matcher.urls.get(bare)) {
                told(What::Indicator(IndicatorKind::Url), known, text);
            }
        }
    }
    if has & AT != 0 && !matcher.emails.is_empty() {
        let bare = text.strip_prefix("mailto:").unwrap_or(text).to_ascii_lowercase();
        if let Some(known) = matcher.emails.get(bare.as_str()) {
            told(What::Indicator(IndicatorKind::Email), known, text);
        }
    }
    if has & SLASH != 0 {
        paths(matcher, text, told);
        class(matcher, text, told);
    }
    n_hosts
}

/// Looks up a name and every name above it. Returns whether it is the name of a host.
fn host(matcher: &Matcher, piece: &str, lower: &mut String, told: &mut dyn FnMut(What, &str, &str)) -> bool {
    let piece = piece.trim_matches('.');
    let Some(dot) = piece.bytes().rposition(|it| it == b'.') else { return false };
    let last = piece.get(dot + 1..).unwrap_or_default();
    if HOST_MAX < piece.len() || dot == 0 {
        return false;
    }
    if last.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        let Ok(ip) = piece.parse::<Ipv4Addr>() else { return false };
        if matcher.ips.contains(&IpAddr::V4(ip)) {
            told(What::Indicator(IndicatorKind::Ip), &ip.to_string(), piece);
        }
        return true;
    }
    let into_lower = |text: &str, lower: &mut String| {
        lower.clear();
        lower.push_str(text);
        lower.make_ascii_lowercase();
    };
    into_lower(last, lower);
    let Some(label) = matcher.last_labels.get(lower.as_str()) else { return false };
    let is_host = label.is_top_level && !piece.bytes().any(|it| it == b'_');
    if !label.is_known {
        return is_host;
    }
    into_lower(piece, lower);
    let mut name = lower.as_str();
    loop {
        if let Some((known, name)) = matcher.domains.get_key_value(name) {
            if let Some(kind) = name.indicator {
                told(What::Indicator(kind), known, piece);
            }
            if name.is_company {
                told(What::Company(CompanySignKind::Host), known, piece);
            }
        }
        match name.split_once('.') {
            Some((_, above)) if above.contains('.') => name = above,
            _ => return is_host,
        }
    }
}

/// Looks up a path, and every folder on its way.
fn paths(matcher: &Matcher, text: &str, told: &mut dyn FnMut(What, &str, &str)) {
    let Some(at) = text.bytes().position(|it| it == b'/') else { return };
    let path = text.get(at..).unwrap_or_default();
    if !matcher.path_heads.contains(path_head_of(path)) {
        return;
    }
    let mut end = path.len();
    while let Some(part) = path.get(..end).filter(|it| !it.is_empty()) {
        if let Some(known) = matcher.paths.get(part) {
            told(What::Indicator(IndicatorKind::Path), known, path);
        }
        end = part.rfind('/').unwrap_or(0);
    }
}

/// The first label of a path, which begins with a slash.
pub fn path_head_of(path: &str) -> &str {
    let end = path.bytes().skip(1).position(|it| it == b'/').map_or(path.len(), |it| it + 1);
    path.get(1..end).unwrap_or_default()
}

/// Looks up the descriptor of a class (`Lcom/example/Name`), perhaps behind `[` or the length of the string.
fn class(matcher: &Matcher, text: &str, told: &mut dyn FnMut(What, &str, &str)) {
    let bytes = text.as_bytes();
    for at in 0..2 {
        if bytes.get(at) != Some(&b'L') {
            continue;
        }
        let Some(name) = text.get(at + 1..) else { continue };
        if !matcher.heads.contains(head_of(name)) {
            continue;
        }
        if let Some(known) = matcher.classes.get(name) {
            told(What::Indicator(IndicatorKind::Class), known, name);
        }
        let mut end = name.len();
        while let Some(part) = name.get(..end).filter(|it| !it.is_empty()) {
            if let Some(known) = matcher.packages.get(part) {
                told(What::Indicator(IndicatorKind::Class), known, name);
            }
            if let Some(known) = matcher.kits.get(part) {
                told(What::Company(CompanySignKind::Sdk), known, name);
            }
            end = part.rfind('/').unwrap_or(0);
        }
    }
}

/// The first two labels of a class.
pub fn head_of(name: &str) -> &str {
    let mut slashes = name.bytes().enumerate().filter(|it| it.1 == b'/');
    let second = slashes.nth(1).map_or(name.len(), |it| it.0);
    name.get(..second).unwrap_or(name)
}

/// It belongs to a run.
pub const TEXT: u8 = 1;
/// A dot.
pub const DOT: u8 = 2;
/// A slash.
pub const SLASH: u8 = 4;
/// A colon.
pub const COLON: u8 = 8;
/// An at sign.
pub const AT: u8 = 16;
/// It belongs to the name of a host or file.
const LABEL: u8 = 32;

const CLASSES: [u8; 256] = {
    let mut classes = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let char = byte as u8;
        if char.is_ascii_alphanumeric()
            || matches!(char, b'-' | b'_' | b'$' | b'~' | b'%' | b'+' | b'=' | b'?' | b'&' | b'#')
        {
            classes[byte] = TEXT;
        }
        if char.is_ascii_alphanumeric() || matches!(char, b'-' | b'_') {
            classes[byte] |= LABEL;
        }
        byte += 1;
    }
    classes[b'.' as usize] = TEXT | DOT | LABEL;
    classes[b'/' as usize] = TEXT | SLASH;
    classes[b':' as usize] = TEXT | COLON;
    classes[b'@' as usize] = TEXT | AT;
    classes
};

/// Longer names do not exist (RFC 1035 section 2.3.4).
const HOST_MAX: usize = 253;

/// Endings that most names of hosts have, and that few names of anything else have.
pub const TOP_LEVEL: &[&str] = &[
    "com", "net", "org", "cn", "ru", "info", "biz", "top", "xyz", "cc", "io", "co", "de", "uk", "fr", "jp", "kr", "br",
    "club", "site", "online", "shop", "work", "vip",
];
