//! Documented cases: what was found in phones before, by what it can be told, and what confirms or acquits it.
//!
//! Invariant: a name is no evidence. A case of grade FINDING has a condition that is more than a name, or a hash or
//! certificate of the thing itself; a case that a phone cannot decide says why.

mod check;
mod list;
mod predicate;

use std::collections::HashMap;

use model::fact::sighting::IndicatorKind;
use model::finding::{Power, Reach};
use model::{Class, Grade};
use serde::{Deserialize, Serialize};

pub use check::{is_domain, is_well_formed};
pub use predicate::{Place, Predicate, Within};

/// A documented case: a file of `data/cases/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Kebab-case, the name of the file.
    pub id: String,
    /// A few words.
    pub title: String,
    /// The class of backdoor.
    pub class: Class,
    /// What it is where it is confirmed.
    pub grade: Grade,
    /// Who can use it.
    pub reach: Reach,
    /// What they get.
    pub power: Power,
    /// The years in which it became known.
    pub years: Vec<u16>,
    /// Whose it is, as far as sources say.
    pub vendor: String,
    /// Where it was found.
    pub devices: String,
    /// How it works, in a few sentences.
    pub mechanism: String,
    /// How sure the sources are.
    pub certainty: Certainty,
    /// Why a phone alone cannot decide it; empty where it can.
    #[serde(default)]
    pub undecided: String,
    /// CVE records about it.
    #[serde(default)]
    pub cves: Vec<String>,
    /// By what it can be told.
    #[serde(default)]
    pub indicators: Vec<Indicator>,
    /// All of these confirm it.
    #[serde(default)]
    pub confirms: Vec<Predicate>,
    /// Any of these acquits.
    #[serde(default)]
    pub acquits: Vec<Predicate>,
    /// Who says so.
    pub sources: Vec<CaseSource>,
}

/// How sure the sources of a case are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Shown in public, and not disputed.
    Confirmed,
    /// Stated by sources that show it in part, or at second hand.
    Partial,
    /// Whether it is what it was called is disputed.
    Disputed,
}

/// Something by which a case, or what a feed warns of, can be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Of what kind.
    pub kind: IndicatorKind,
    /// Its text. Hex is in lower case; so are domains.
    pub value: String,
    /// Why it is no sign by itself; empty where it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub weak: String,
    /// What the source says about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSource {
    /// Publisher or title.
    pub title: String,
    /// Where it is to be read.
    pub url: String,
}

impl Certainty {
    /// The word of data and reports.
    pub fn word(self) -> &'static str {
        match self {
            Certainty::Confirmed => "confirmed",
            Certainty::Partial => "partial",
            Certainty::Disputed => "disputed",
        }
    }
}

impl Indicator {
    /// Whether it is the thing itself: the hash of a file, the certificate of a signer.
    pub fn is_decisive(&self) -> bool {
        self.weak.is_empty() && matches!(self.kind, IndicatorKind::Hash | IndicatorKind::Certificate)
    }
}

impl Case {
    /// Decodes a file of `data/cases/` and holds it to the rules.
    pub fn decode(text: &str) -> Result<Case, String> {
        let case = toml::from_str::<Case>(text).map_err(|error| error.to_string())?;
        match check::fault_of(&case) {
            None => Ok(case),
            Some(fault) => Err(format!("{}: {fault}", case.id)),
        }
    }

    /// Whether a phone can confirm it.
    pub fn is_decidable(&self) -> bool {
        !self.confirms.is_empty() || self.indicators.iter().any(Indicator::is_decisive)
    }
}

/// All cases.
#[derive(Debug)]
pub struct Cases {
    cases: Vec<Case>,
    by_id: HashMap<String, usize>,
}

impl Cases {
    /// The cases that this program was built with: a test holds that every file decodes.
    pub(crate) fn bundled() -> Cases {
        let cases: Vec<Case> =
            list::FILES.iter().map(|(_, text)| Case::decode(text).expect("bundled cases decode")).collect();
        let by_id = cases.iter().enumerate().map(|(index, case)| (case.id.clone(), index)).collect();
        Cases { cases, by_id }
    }

    /// A case by its id.
    pub fn get(&self, id: &str) -> Option<&Case> {
        self.by_id.get(id).and_then(|index| self.cases.get(*index))
    }

    /// All cases, by id.
    pub fn iter(&self) -> std::slice::Iter<'_, Case> {
        self.cases.iter()
    }
}

#[cfg(test)]
mod tests;
