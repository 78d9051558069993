//! Events of MISP, in its JSON format.

use model::fact::sighting::IndicatorKind;
use serde_json::Value;

use super::{Feed, FeedFormat, FeedIndicator, Term, Unused, shown};

/// Whether this is an event, or an answer with several.
pub fn is_event(value: &Value) -> bool {
    value["Event"].is_object() || value["response"].is_array()
}

/// Reads the attributes of all events, also those in objects.
pub fn read(name: &str, value: &Value) -> Feed {
    let mut feed = Feed { name: name.to_owned(), format: FeedFormat::Misp, indicators: Vec::new(), unused: Vec::new() };
    let events: Vec<&Value> = match value["response"].as_array() {
        Some(several) => several.iter().map(|it| &it["Event"]).collect(),
        None => vec![&value["Event"]],
    };
    for event in events {
        let inner = array(event, "Object").iter().flat_map(|it| array(it, "Attribute"));
        for attribute in array(event, "Attribute").iter().chain(inner) {
            add(&mut feed, event, attribute);
        }
    }
    feed
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], |it| it)
}

fn add(feed: &mut Feed, event: &Value, attribute: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let id = match text(&attribute["uuid"]) {
        id if id.is_empty() => format!("attribute {}", feed.n_stated()),
        id => id,
    };
    match groups_of(attribute) {
        Ok(groups) => {
            let (name, date) = (text(&event["info"]), text(&event["date"]));
            feed.indicators.push(FeedIndicator { id, name, date, groups });
        }
        Err(why) => feed.unused.push(Unused { at: id, why }),
    }
}

/// Of a double type (`filename|sha256`) that part is taken which says more.
fn groups_of(attribute: &Value) -> Result<Vec<Vec<Term>>, String> {
    if attribute["to_ids"] == false {
        return Err("not meant for detection (to_ids)".to_owned());
    }
    let (Some(kind), Some(value)) = (attribute["type"].as_str(), attribute["value"].as_str()) else {
        return Err("no type or no value".to_owned());
    };
    let (first, second) = value.split_once('|').unwrap_or((value, ""));
    let (kind, value) = match kind {
        "domain" | "hostname" => (IndicatorKind::Domain, value),
        "domain|ip" | "hostname|port" => (IndicatorKind::Domain, first),
        "ip-src" | "ip-dst" => (IndicatorKind::Ip, value),
        "ip-src|port" | "ip-dst|port" => (IndicatorKind::Ip, first),
        "url" | "uri" => (IndicatorKind::Url, value),
        "md5" | "sha1" | "sha256" => (IndicatorKind::Hash, value),
        "filename|md5" | "filename|sha1" | "filename|sha256" => (IndicatorKind::Hash, second),
        "filename" => (IndicatorKind::Path, value),
        "email" | "email-src" | "email-dst" => (IndicatorKind::Email, value),
        "mobile-application-id" => (IndicatorKind::Package, value),
        "x509-fingerprint-sha1" | "x509-fingerprint-sha256" => (IndicatorKind::Certificate, value),
        "process-name" => (IndicatorKind::Process, value),
        other => return Err(format!("the type \"{}\" is nothing that is looked for", shown(other))),
    };
    Ok(vec![vec![Term::new(kind, value)?]])
}
