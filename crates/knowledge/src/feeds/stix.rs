//! Bundles of STIX 2.1.

use std::collections::HashMap;

use serde_json::Value;

use super::{Feed, FeedFormat, FeedIndicator, Unused, pattern};

/// Whether this is a bundle.
pub fn is_bundle(value: &Value) -> bool {
    value["type"] == "bundle" && value["objects"].is_array()
}

/// Reads the indicators of a bundle. What they indicate is named where one relationship says so.
pub fn read(name: &str, bundle: &Value) -> Feed {
    let objects: &[Value] = bundle["objects"].as_array().map_or(&[], |it| it);
    let text = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    let named: HashMap<String, String> =
        objects.iter().filter(|it| it["type"] != "indicator").map(|it| (text(it, "id"), text(it, "name"))).collect();
    let mut indicates: HashMap<String, String> = HashMap::new();
    for object in objects.iter().filter(|it| it["type"] == "relationship" && it["relationship_type"] == "indicates") {
        if let Some(name) = named.get(&text(object, "target_ref")) {
            indicates.insert(text(object, "source_ref"), name.clone());
        }
    }
    let mut feed = Feed { name: name.to_owned(), format: FeedFormat::Stix, indicators: Vec::new(), unused: Vec::new() };
    for (index, object) in objects.iter().enumerate().filter(|it| it.1["type"] == "indicator") {
        let id = match text(object, "id") {
            id if id.is_empty() => format!("object {index}"),
            id => id,
        };
        let groups = match object["pattern"].as_str() {
            Some(_) if object["pattern_type"].as_str().is_some_and(|it| it != "stix") => {
                Err(format!("a pattern of type {}", object["pattern_type"]))
            }
            Some(pattern) => pattern::read(pattern),
            None => Err("it has no pattern".to_owned()),
        };
        match groups {
            Ok(groups) => {
                let name = indicates.get(&id).cloned().unwrap_or_else(|| text(object, "name"));
                let date = [text(object, "valid_from"), text(object, "created")].into_iter().find(|it| !it.is_empty());
                feed.indicators.push(FeedIndicator { id, name, date: date.unwrap_or_default(), groups });
            }
            Err(why) => feed.unused.push(Unused { at: id, why }),
        }
    }
    feed
}
