//! System properties as the running phone has them.

use std::collections::BTreeMap;

use model::fact::property::Property;
use model::{Facts, Location};

use crate::Mounts;
use crate::mount::Environment;

/// All properties of the running system.
#[derive(Debug, Default)]
pub struct Properties {
    effective: BTreeMap<String, Value>,
    /// Every statement, in the order in which init would read it.
    pub all: Vec<(String, Value)>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The text.
    pub text: String,
    /// Where.
    pub at: Location,
}

impl Properties {
    /// Merges the property files in the order of init (AOSP `property_service.cpp`, `PropertyLoadBootDefaults`): since
    /// Android 10 a later file overrides an earlier one, before it the first value of a `ro.` property stays.
    pub(crate) fn of(facts: &Facts, mounts: &Mounts) -> Properties {
        let mut rows: Vec<_> = facts
            .properties
            .iter()
            .filter(|it| mounts.environment(it.at.artifact) == Some(Environment::Normal))
            .map(|it| (rank_of(mounts.device_path(it.at.artifact)), mounts.device_path(it.at.artifact), it))
            .collect();
        rows.retain(|it| it.0.is_some());
        rows.sort_by_key(|it| (it.0, it.1, it.2.at));
        let mut all = Vec::new();
        for (_, _, row) in rows {
            let (name, value, weak) = match &row.value {
                Property::Set { name, value } => (name, value, false),
                Property::Default { name, value } => (name, value, true),
                Property::Import { .. } => continue,
            };
            let known = weak && all.iter().any(|(it, _): &(String, Value)| it == name);
            if !known {
                all.push((name.clone(), Value { text: value.clone(), at: row.at }));
            }
        }
        let sdk: Option<u32> =
            all.iter().find(|it| it.0 == "ro.build.version.sdk").and_then(|it| it.1.text.parse().ok());
        let mut effective: BTreeMap<String, Value> = BTreeMap::new();
        for (name, value) in &all {
            let first_stays = sdk.is_some_and(|it| it < SDK_LAST_WINS) && name.starts_with("ro.");
            if first_stays && effective.contains_key(name) {
                continue;
            }
            effective.insert(name.clone(), value.clone());
        }
        Properties { effective, all }
    }

    /// The effective value of a property.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.effective.get(name)
    }

    /// The effective text of a property.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name).map(|it| it.text.as_str())
    }

    /// The text of `ro.product.<what>`, or of the first partition that states it, in the order that
    /// `ro.product.property_source_order` gives, as init derives it.
    pub fn product(&self, what: &str) -> Option<&str> {
        let order = self.value("ro.product.property_source_order").unwrap_or("product,odm,vendor,system_ext,system");
        self.value(&format!("ro.product.{what}"))
            .or_else(|| order.split(',').find_map(|it| self.value(&format!("ro.product.{}.{what}", it.trim()))))
    }

    /// The text of `ro.build.<what>`, or of the first partition that states it.
    pub fn build(&self, what: &str) -> Option<&str> {
        self.first_of(&["ro.build.{}", "ro.system.build.{}", "ro.product.build.{}", "ro.vendor.build.{}"], what)
    }

    /// All effective properties, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.effective.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn first_of(&self, names: &[&str], what: &str) -> Option<&str> {
        names.iter().find_map(|it| self.value(&it.replace("{}", what)))
    }
}

/// Android 10: properties are collected before they are set, and the last one wins.
const SDK_LAST_WINS: u32 = 29;

/// The place of a property file in init's order; `None` for one that init does not read.
fn rank_of(device_path: &str) -> Option<usize> {
    ORDER.iter().position(|it| *it == device_path)
}

const ORDER: &[&str] = &[
    "/default.prop",
    "/prop.default",
    "/system/etc/prop.default",
    "/system/build.prop",
    "/system/default.prop",
    "/system_ext/build.prop",
    "/system_ext/etc/build.prop",
    "/system/system_ext/build.prop",
    "/system/system_ext/etc/build.prop",
    "/system_dlkm/etc/build.prop",
    "/system/vendor/default.prop",
    "/vendor/default.prop",
    "/system/vendor/build.prop",
    "/vendor/build.prop",
    "/vendor_dlkm/etc/build.prop",
    "/odm_dlkm/etc/build.prop",
    "/vendor/odm/etc/build.prop",
    "/odm/etc/build.prop",
    "/odm/default.prop",
    "/odm/build.prop",
    "/factory/factory.prop",
    "/system/product/build.prop",
    "/system/product/etc/build.prop",
    "/product/build.prop",
    "/product/etc/build.prop",
    "/cust/build.prop",
    "/mi_ext/etc/build.prop",
    "/data/local.prop",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_one_place_in_the_order() {
        let mut names = ORDER.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ORDER.len());
        assert!(rank_of("/default.prop") < rank_of("/vendor/build.prop"));
        assert_eq!(rank_of("/system/app/x/test.prop"), None);
    }
}
