//! Events of MISP, in its JSON format.

use model::fact::sighting::IndicatorKind;
use serde_json::Value;

use super::{Feed, FeedFormat, FeedIndicator, Term, Unused, shown};

/// Whether this is an event, bare or wrapped, or an answer with several.
pub fn is_event(value: &Value) -> bool {
    value["Event"].is_object() || value["response"].is_array() || is_bare(value)
}

/// An event as libraries write it, without the wrapper of the server.
fn is_bare(value: &Value) -> bool {
    value["uuid"].is_string() && (value["Attribute"].is_array() || value["Object"].is_array())
}

/// Reads the attributes of all events, also those in objects.
pub fn read(name: &str, value: &Value) -> Feed {
    let mut feed = Feed { name: name.to_owned(), format: FeedFormat::Misp, indicators: Vec::new(), unused: Vec::new() };
    let events: Vec<&Value> = match value["response"].as_array() {
        Some(several) => several.iter().map(|it| &it["Event"]).collect(),
        None if is_bare(value) => vec![value],
        None => vec![&value["Event"]],
    };
    for event in events {
        array(event, "Attribute").iter().for_each(|it| add(&mut feed, event, "", it));
        for object in array(event, "Object") {
            let name = object["name"].as_str().unwrap_or_default();
            array(object, "Attribute").iter().for_each(|it| add(&mut feed, event, name, it));
        }
    }
    feed
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], |it| it)
}

fn add(feed: &mut Feed, event: &Value, object: &str, attribute: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let id = match text(&attribute["uuid"]) {
        id if id.is_empty() => format!("attribute {}", feed.n_stated()),
        id => id,
    };
    match groups_of(object, attribute) {
        Ok(groups) => {
            let (name, date) = (text(&event["info"]), text(&event["date"]));
            feed.indicators.push(FeedIndicator { id, name, date, groups });
        }
        Err(why) => feed.unused.push(Unused { at: id, why }),
    }
}

/// Of a double type (`filename|sha256`) that part is taken which says more. In the object of an app, what an attribute is
/// to the app counts before its type: a name is a plain text there, which events never mark for detection.
fn groups_of(object: &str, attribute: &Value) -> Result<Vec<Vec<Term>>, String> {
    if let ("android-app", Some(relation), Some(value)) =
        (object, attribute["object_relation"].as_str(), attribute["value"].as_str())
    {
        match relation {
            "appid" => return Ok(vec![vec![Term::new(IndicatorKind::Package, value)?]]),
            "certificate" => return Ok(vec![vec![Term::new(IndicatorKind::Certificate, value)?]]),
            _ => {}
        }
    }
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
        "x509-fingerprint-md5" | "x509-fingerprint-sha1" | "x509-fingerprint-sha256" => {
            (IndicatorKind::Certificate, value)
        }
        "process-name" => (IndicatorKind::Process, value),
        other => return Err(format!("the type \"{}\" is nothing that is looked for", shown(other))),
    };
    Ok(vec![vec![Term::new(kind, value)?]])
}
