//! Trials: whether what a case looks for is found in bytes that hold it, and not in bytes that only look alike.

use model::fact::sighting::IndicatorKind;
use model::observer::{Observation, Part};
use model::{ArtifactId, Facts};

use super::{Matcher, observation};
use crate::cases::Case;

/// The trial of one indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The indicator's text.
    pub value: String,
    /// What went wrong, if anything did.
    pub fault: Option<String>,
}

/// Tries every indicator of a case that is looked for in bytes.
pub fn trials_of(case: &Case) -> Vec<Trial> {
    let matcher = Matcher::of(std::iter::once(case), std::iter::empty());
    let mut trials = Vec::new();
    for indicator in &case.indicators {
        let value = &indicator.value;
        let Some((holding, alike)) = bytes_of(indicator.kind, value) else { continue };
        let fault = match (finds(&matcher, &holding, value), finds(&matcher, &alike, value)) {
            (true, false) => None,
            (false, _) => Some(format!("{value} is not found where it is")),
            (true, true) => Some(format!("{value} is found where it is not")),
        };
        trials.push(Trial { value: value.clone(), fault });
    }
    trials
}

/// Bytes as they lie in files, with the indicator and with what looks like it.
fn bytes_of(kind: IndicatorKind, value: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (text, alike) = match kind {
        IndicatorKind::Domain => (format!("https://{value}/a"), format!("x{value} {value}.example.org")),
        IndicatorKind::Ip => (format!("connect {value}:80"), format!("1{value}9")),
        IndicatorKind::Url if value.contains("://") => (value.to_owned(), format!("{value}x")),
        IndicatorKind::String => (value.to_owned(), value.chars().rev().chain("_".chars()).collect()),
        IndicatorKind::Class | IndicatorKind::Component => {
            let name = value.replace('.', "/");
            match name.strip_suffix("/*") {
                Some(package) => (format!("L{package}/A;"), format!("L{package}s/A;")),
                None => (format!("L{name};"), format!("L{name}s;")),
            }
        }
        _ => return None,
    };
    let between_zeros = |it: String| [b"\0\x07".as_slice(), it.as_bytes(), b"\0"].concat();
    Some((between_zeros(text), between_zeros(alike)))
}

fn finds(matcher: &Matcher, bytes: &[u8], value: &str) -> bool {
    let mut seen = Box::new(observation::Seen::new(matcher, ArtifactId(0), Part::Content, None));
    let mut facts = Facts::default();
    seen.bytes(bytes);
    seen.finish(None, &mut facts);
    facts.sightings.iter().any(|it| it.value.value == value)
}
