//! Who collects what devices do: kits that apps carry along, and hosts, with their company and its country.

use serde::Deserialize;

use crate::table::{Row, Table};

/// A kit for advertising, analytics or tracking that apps carry along.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    /// What it is called.
    pub name: String,
    /// Whose it is; empty where that is not known.
    #[serde(default)]
    pub company: String,
    /// The company's country, two letters; empty where that is not known.
    #[serde(default)]
    pub country: String,
    /// What for.
    #[serde(default)]
    pub does: Vec<String>,
    /// Packages of its classes, or classes.
    pub classes: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

/// A host of a company that collects what devices do; it stands for all names below it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompanyHost {
    /// Its name, in lower case.
    pub host: String,
    /// Whose it is; the kit that talks to it, where no company is known.
    pub company: String,
    /// The company's country, two letters; empty where that is not known.
    #[serde(default)]
    pub country: String,
    /// What for.
    #[serde(default)]
    pub does: Vec<String>,
    /// The reference that proves the row.
    pub source: String,
}

impl Row for Sdk {
    fn id(&self) -> String {
        self.name.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Row for CompanyHost {
    fn id(&self) -> String {
        self.host.clone()
    }

    fn source(&mut self) -> &mut String {
        &mut self.source
    }
}

impl Table<Sdk> {
    /// Every package or class with its kit.
    pub fn classes(&self) -> impl Iterator<Item = (&str, &Sdk)> {
        self.iter().flat_map(|sdk| sdk.classes.iter().map(move |it| (it.as_str(), sdk)))
    }
}
