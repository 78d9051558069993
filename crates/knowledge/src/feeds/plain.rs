//! Lists with one indicator to a line.

use std::net::IpAddr;

use model::fact::sighting::IndicatorKind;

use super::{Feed, FeedFormat, FeedIndicator, Term, Unused, shown};
use crate::cases::is_domain;

/// Reads a list. What a line is, is told by its look, and where that leaves room by the name of the file.
pub fn read(name: &str, text: &str) -> Feed {
    let mut feed =
        Feed { name: name.to_owned(), format: FeedFormat::Plain, indicators: Vec::new(), unused: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        // A remark stands alone or behind blank space: `#` may be a part of an address.
        let line = line.trim();
        let value = line.split_once(" #").map_or(line, |it| it.0).trim();
        if value.is_empty() || value.starts_with('#') || value.starts_with("//") {
            continue;
        }
        let id = format!("line {}", index + 1);
        match term_of(name, &whole(value)) {
            Ok(term) => feed.indicators.push(FeedIndicator {
                id,
                name: String::new(),
                date: String::new(),
                groups: vec![vec![term]],
            }),
            Err(why) => feed.unused.push(Unused { at: id, why }),
        }
    }
    feed
}

/// Writers make addresses unusable, so that nobody follows one by accident.
fn whole(value: &str) -> String {
    let value = value.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").replace("[@]", "@");
    match value.strip_prefix("hxxp") {
        Some(rest) => format!("http{rest}"),
        None => value,
    }
}

fn term_of(file: &str, value: &str) -> Result<Term, String> {
    let file = file.to_ascii_lowercase();
    let is_about = |word: &str| file.contains(word);
    let is_hash = matches!(value.len(), 32 | 40 | 64) && value.bytes().all(|it| it.is_ascii_hexdigit());
    let kind = match () {
        () if is_hash && is_about("cert") => IndicatorKind::Certificate,
        () if is_hash => IndicatorKind::Hash,
        () if value.parse::<IpAddr>().is_ok() => IndicatorKind::Ip,
        () if value.contains("://") => IndicatorKind::Url,
        () if value.contains('@') => IndicatorKind::Email,
        () if value.starts_with('/') || is_about("path") => IndicatorKind::Path,
        () if is_about("propert") => IndicatorKind::Property,
        () if is_about("process") => IndicatorKind::Process,
        () if is_about("package") || is_about("app_id") => IndicatorKind::Package,
        () if is_about("domain") || is_about("host") => IndicatorKind::Domain,
        () if is_package(value) => IndicatorKind::Package,
        () if value.contains('/') => IndicatorKind::Url,
        () if is_domain(&value.to_ascii_lowercase()) => IndicatorKind::Domain,
        () => return Err(format!("\"{}\" is nothing that is known", shown(value))),
    };
    Term::new(kind, value)
}

/// A name that begins as packages do, and does not end as domains do.
fn is_package(value: &str) -> bool {
    let (first, last) = (value.split('.').next().unwrap_or_default(), value.rsplit('.').next().unwrap_or_default());
    FIRST_OF_PACKAGES.contains(&first) && !FIRST_OF_PACKAGES.contains(&last) && !last.contains('-')
}

const FIRST_OF_PACKAGES: &[&str] = &["com", "net", "org", "cn", "io", "ru", "de", "kr", "jp", "br", "in"];
