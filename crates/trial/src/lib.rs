//! Inert phones that are made from a text, byte by byte, and what is said of a documented case on them.
//!
//! A case tells by what it is known; a trial is written apart from it, as the sources describe the thing: an app with
//! its code, a program, a script. The whole pipeline reads the bytes. For each trial that confirms a case there is a
//! twin that looks alike and must not.
//!
//! Invariant: nothing that is made here runs or is sent anywhere. Hosts in it are text.

mod apk;
mod axml;
mod code;
// The writer of the tests that follow programs: one writer of dex files is enough.
#[path = "../../taint/tests/flows/support/dex.rs"]
#[allow(dead_code, reason = "its tests write more than phones need")]
mod dex;
mod elf;
mod list;
mod phone;
pub mod zip;

use std::io;

use knowledge::{Case, Knowledge};
use model::report::{Report, Row};
use model::{Grade, Store};
use scan::{Check, Silent};
use serde::Deserialize;

pub use phone::{Content, File, Phone};

/// The trials of one case: a file of `data/`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trials {
    /// The phones, each with what must be said on it.
    #[serde(rename = "phone")]
    pub phones: Vec<Phone>,
}

/// What is said of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// That it is there: its own grade, and its power.
    Confirmed,
    /// That several signs of it are there.
    Suspected,
    /// That a sign of it is there, and that it is acquitted or not confirmed.
    Present,
    /// Nothing.
    Nothing,
}

impl Told {
    /// The word of data and messages.
    pub fn word(self) -> &'static str {
        match self {
            Told::Confirmed => "confirmed",
            Told::Suspected => "suspected",
            Told::Present => "present",
            Told::Nothing => "nothing",
        }
    }
}

/// A trial that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the trial is about.
    pub about: String,
    /// What is wrong.
    pub what: String,
}

/// The machine's failure: no trial could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The phone could not be written.
    #[error("cannot write a phone to try")]
    Write(#[from] io::Error),
    /// It could not be opened again.
    #[error("cannot open a phone to try")]
    Open(#[from] scan::InputError),
}

impl Trials {
    /// Decodes a file of `data/`, and makes every phone of it once.
    pub fn decode(text: &str) -> Result<Trials, String> {
        let trials = toml::from_str::<Trials>(text).map_err(|error| error.to_string())?;
        for phone in &trials.phones {
            phone.bytes().map_err(|fault| format!("{}: {fault}", phone.about))?;
        }
        Ok(trials)
    }

    /// The trials of a case that this program was built with: a test holds that every file decodes.
    pub fn of(case: &str) -> Option<Trials> {
        let (_, text) = list::FILES.iter().find(|it| it.0 == case)?;
        Some(Trials::decode(text).expect("bundled trials decode"))
    }

    /// Checks every phone, and gives what went wrong.
    pub fn run(&self, case: &Case) -> Result<Vec<Fault>, Error> {
        let mut faults = Vec::new();
        for phone in &self.phones {
            faults.extend(fault_of(phone, case)?.map(|what| Fault { about: phone.about.clone(), what }));
        }
        Ok(faults)
    }

    /// How many of its phones must give this answer.
    pub fn count(&self, told: Told) -> usize {
        self.phones.iter().filter(|it| it.told == told).count()
    }
}

fn fault_of(phone: &Phone, case: &Case) -> Result<Option<String>, Error> {
    let bytes = match phone.bytes() {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Some(fault)),
    };
    let report = report_of(&bytes)?;
    let row = row_of(&report, case);
    let told = told_of(row, case);
    let claim = row.map(|it| it.claim.as_str()).unwrap_or_default();
    if told != phone.told {
        return Ok(Some(format!("{} is wanted and {} is told: {claim}", phone.told.word(), told.word())));
    }
    let missing = phone.because.iter().find(|it| !claim.contains(it.as_str()));
    Ok(missing.map(|it| format!("\"{it}\" is not said: {claim}")))
}

/// What the pipeline says of a phone.
fn report_of(bytes: &[u8]) -> Result<Report, Error> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("phone.zip");
    std::fs::write(&path, bytes)?;
    let check = Check {
        inputs: vec![path],
        command: String::new(),
        date: None,
        flows: true,
        fec: false,
        against: None,
        feeds: knowledge::Feeds::default(),
        version: String::new(),
    };
    Ok(scan::check(check, &Store::small(), None, &Silent)?.0)
}

fn row_of<'a>(report: &'a Report, case: &Case) -> Option<&'a Row> {
    let rows = report.findings.iter().chain(&report.capabilities).chain(&report.privacy);
    rows.filter(|it| it.detector == "known-case").find(|it| it.subject == case.id)
}

/// What a row says, by its grade and by what it gives: what is only present gives nothing.
fn told_of(row: Option<&Row>, case: &Case) -> Told {
    match row {
        None => Told::Nothing,
        Some(row) if row.grade == case.grade && row.factors.power == case.power => Told::Confirmed,
        Some(row) if row.grade == Grade::Suspicion => Told::Suspected,
        Some(_) => Told::Present,
    }
}

/// The ids of the bundled cases that have trials.
pub fn tried() -> impl Iterator<Item = &'static str> {
    list::FILES.iter().map(|it| it.0)
}

/// The bundled cases, each with its trials.
pub fn bundled() -> impl Iterator<Item = (&'static Case, Trials)> {
    Knowledge::bundled().cases.iter().filter_map(|case| Some((case, Trials::of(&case.id)?)))
}

#[cfg(test)]
mod tests;
