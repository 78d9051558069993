//! Feeds of indicators that others publish: STIX 2.1 bundles, MISP events, plain lists; read as they are.
//!
//! Invariant: nothing of a feed is lost in silence. What is not understood is counted, with its place and the reason.

mod misp;
mod pattern;
mod plain;
mod stix;

use model::fact::sighting::IndicatorKind;
use serde_json::Value;

use crate::Knowledge;
use crate::cases::{Indicator, is_well_formed};

/// All feeds that are in use.
#[derive(Debug, Default)]
pub struct Feeds {
    feeds: Vec<Feed>,
    #[cfg(feature = "yara")]
    rules: Option<crate::rules::Rules>,
}

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The name of its file.
    pub name: String,
    /// What it is written in.
    pub format: FeedFormat,
    /// What it warns of.
    pub indicators: Vec<FeedIndicator>,
    /// What of it is not used.
    pub unused: Vec<Unused>,
}

/// What a feed is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedFormat {
    /// A bundle of STIX 2.
    Stix,
    /// An event of MISP, or several.
    Misp,
    /// One indicator to a line.
    Plain,
    /// Rules of YARA.
    Yara,
}

/// One indicator of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedIndicator {
    /// Its id in the feed: that of the bundle, or `line 7`.
    pub id: String,
    /// What it warns of; empty where the feed does not say.
    pub name: String,
    /// Since when, as the feed writes it; empty where it does not say.
    pub date: String,
    /// Any of these groups will do; all of a group must be there.
    pub groups: Vec<Vec<Term>>,
}

/// A thing to look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term {
    /// Of what kind.
    pub kind: IndicatorKind,
    /// Its text.
    pub value: String,
}

/// A part of a feed that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Its place: an id, or a line.
    pub at: String,
    /// Why.
    pub why: String,
}

impl FeedFormat {
    /// A few words.
    pub fn title(self) -> &'static str {
        match self {
            FeedFormat::Stix => "STIX 2",
            FeedFormat::Misp => "MISP",
            FeedFormat::Plain => "list",
            FeedFormat::Yara => "YARA",
        }
    }
}

impl Feed {
    /// Reads a feed. The error says where it cannot be read at all.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Feed, String> {
        if FEED_MAX_SIZE < bytes.len() as u64 {
            return Err(format!("larger than {} MiB", FEED_MAX_SIZE >> 20));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes.iter().take(error.valid_up_to()).filter(|it| **it == b'\n').count() + 1;
            format!("line {line}: no UTF-8")
        })?;
        let text = text.trim_start_matches('\u{feff}');
        if !text.trim_start().starts_with(['{', '[']) {
            return Ok(plain::read(name, text));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match () {
            () if stix::is_bundle(&value) => Ok(stix::read(name, &value)),
            () if misp::is_event(&value) => Ok(misp::read(name, &value)),
            () => Err("JSON, but neither a bundle of STIX nor an event of MISP".to_owned()),
        }
    }

    /// How many indicators it has, with those that are not used.
    pub fn n_stated(&self) -> usize {
        self.indicators.len() + self.unused.len()
    }
}

impl Feeds {
    /// Takes feeds into use, in the order of their names.
    pub fn of(mut feeds: Vec<Feed>) -> Feeds {
        feeds.sort_by(|a, b| a.name.cmp(&b.name));
        Feeds {
            feeds,
            #[cfg(feature = "yara")]
            rules: None,
        }
    }

    /// The same with rules, which stand among the feeds by their files.
    #[cfg(feature = "yara")]
    pub fn with(mut self, rules: crate::rules::Rules) -> Feeds {
        self.rules = Some(rules);
        self
    }

    /// What looks for rules in bytes, where there are some.
    pub fn rules(&self) -> Option<&dyn model::observer::Observer> {
        #[cfg(feature = "yara")]
        return self.rules.as_ref().map(|it| it as &dyn model::observer::Observer);
        #[cfg(not(feature = "yara"))]
        None
    }

    /// The feeds.
    pub fn iter(&self) -> std::slice::Iter<'_, Feed> {
        self.feeds.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.feeds.is_empty()
    }

    /// Everything that is to be looked for.
    pub fn terms(&self) -> impl Iterator<Item = (IndicatorKind, &str)> {
        let indicators = self.feeds.iter().flat_map(|it| &it.indicators);
        indicators.flat_map(|it| it.groups.iter().flatten()).map(|it| (it.kind, it.value.as_str()))
    }
}

impl Term {
    /// A term whose text is what its kind says. Text is brought into the form that is looked for; the error says what
    /// is wrong with it.
    fn new(kind: IndicatorKind, value: &str) -> Result<Term, String> {
        let value = value.trim();
        // Feeds write addresses and pages where they promise domains.
        let kind = match kind {
            IndicatorKind::Domain if value.parse::<std::net::IpAddr>().is_ok() => IndicatorKind::Ip,
            IndicatorKind::Domain if value.contains('/') => IndicatorKind::Url,
            kind => kind,
        };
        let value = match kind {
            IndicatorKind::Domain => value.trim_end_matches('.').to_ascii_lowercase(),
            IndicatorKind::Hash | IndicatorKind::Certificate => value.replace(':', "").to_ascii_lowercase(),
            IndicatorKind::Email => value.to_ascii_lowercase(),
            IndicatorKind::Ip => value.parse::<std::net::IpAddr>().map_or(value.to_owned(), |it| it.to_string()),
            _ => value.to_owned(),
        };
        let indicator = Indicator { kind, value, weak: String::new(), note: String::new() };
        let shared = &Knowledge::bundled().shared_suffixes;
        if kind == IndicatorKind::Domain && shared.get(&indicator.value).is_some() {
            return Err(format!("anyone can have a name below \"{}\"", shown(&indicator.value)));
        }
        match is_well_formed(&indicator) {
            true => Ok(Term { kind, value: indicator.value }),
            false => Err(format!("\"{}\" is no {}", shown(&indicator.value), kind.word())),
        }
    }
}

/// A text of a feed for a message: not at any length.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect()
}

/// The largest feeds that are published have some hundred MB.
const FEED_MAX_SIZE: u64 = 1 << 30;

/// A line of a terminal.
const SHOWN_MAX: usize = 80;

#[cfg(test)]
mod tests;
