//! Properties, and values that a build for users must not have.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A property with values that it must not have in a build for users.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PropertyRule {
    /// The property.
    pub name: String,
    /// The values; `*` is any but the empty one, `0` and `-1`, and `*word*` any that holds the word.
    pub bad_values: Vec<String>,
    /// What such a value means.
    pub meaning: String,
    /// The reference that proves the row.
    pub source: String,
}

impl PropertyRule {
    /// Whether this value is one of those that must not be.
    pub fn forbids(&self, value: &str) -> bool {
        self.bad_values.iter().any(|bad| match bad.strip_prefix('*') {
            None => bad == value,
            Some("") => !matches!(value, "" | "0" | "-1"),
            Some(word) => value.contains(word.trim_end_matches('*')),
        })
    }
}

impl Row for PropertyRule {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<PropertyRule> {
    /// The rule that this property breaks with this value.
    pub fn broken_by(&self, name: &str, value: &str) -> Option<&PropertyRule> {
        self.get(name).filter(|rule| rule.forbids(value))
    }
}
