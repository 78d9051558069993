//! What one phone has that another has not: file by file, then by what the files mean, ranked by what matters.
//!
//! Opens nothing. It holds two [`Side`]s beside each other, says which code and programs must be looked into for their
//! bytes are not the same ([`Plan`]), and is given what they hold.
//!
//! Invariant: what one side could not read is a gap. Only what is known to be on one side and not on the other is
//! `added` or `removed`.

mod apps;
mod brings;
pub mod code;
mod config;
mod contents;
mod delta;
mod files;
#[cfg(test)]
mod made;
mod many;
pub mod native;
mod rank;
mod sides;
#[cfg(test)]
mod tests;

use model::{ArtifactId, Finding};
use phone::Phone;

use crate::contents::Contents;
use crate::sides::Pair;

pub use delta::{Bring, Delta, Kind, Standing, Topic};
pub use files::Share;
pub use many::{Merged, alone, base, merge, odd_one_out};
pub use rank::matters;

/// SHA-256.
pub type Digest = [u8; 32];

/// What an artifact holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The hash of all its bytes; of a link or node, of what it says.
    Known(Digest),
    /// The hash of a file of which only a pointer is here.
    Elsewhere(Digest),
    /// It could not be read, and why.
    Unknown(String),
}

/// One of the phones.
pub struct Side<'a> {
    /// What it is called.
    pub name: String,
    /// The phone.
    pub phone: &'a Phone,
    /// What detectors claim about it.
    pub findings: &'a [Finding],
    /// What its artifacts hold, by their id.
    pub contents: &'a [Content],
    /// What its files of code belong to.
    pub units: Vec<Unit>,
}

/// Code that is loaded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The app, or the file that others load.
    pub artifact: ArtifactId,
    /// The files that hold its code.
    pub files: Vec<ArtifactId>,
}

/// What must be looked into.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Units of code, by their place in [`Side::units`].
    pub units: Vec<(usize, usize)>,
    /// Programs and libraries.
    pub natives: Vec<(ArtifactId, ArtifactId)>,
    /// SELinux policies.
    pub policies: Vec<(ArtifactId, ArtifactId)>,
}

/// What was seen in what a [`Plan`] names; in its order.
#[derive(Debug, Default)]
pub struct Opened {
    /// What differs in the code of each pair; none where one of the two could not be read.
    pub units: Vec<Option<code::Changes>>,
    /// The same of programs.
    pub natives: Vec<Option<native::Changes>>,
    /// The same of policies.
    pub policies: Vec<Option<Rules>>,
}

/// Rules of a policy, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Those that only the right side has.
    pub added: Vec<String>,
    /// Those that only the left side has.
    pub removed: Vec<String>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Comparison {
    /// What differs, what matters most first.
    pub deltas: Vec<Delta>,
    /// What could not be compared.
    pub gaps: Vec<Unread>,
    /// How much could be.
    pub shares: Vec<Share>,
}

/// Something that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The side that has it.
    pub which: Which,
    /// What it is there.
    pub artifact: ArtifactId,
    /// Why.
    pub why: String,
    /// How many files it is about.
    pub count: u64,
}

/// Which of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The first: what is compared with.
    Left,
    /// The second.
    Right,
}

/// Two sides, file by file: what must be looked into before they can be compared by what they mean.
pub struct Beside<'a> {
    pair: Pair<'a>,
}

impl<'a> Beside<'a> {
    /// Holds them beside each other.
    pub fn of(left: &'a Side<'a>, right: &'a Side<'a>) -> Beside<'a> {
        Beside { pair: Pair::of(left, right) }
    }

    /// What must be looked into.
    pub fn plan(&self) -> Plan {
        let files = files::files(&self.pair);
        Contents::of(&self.pair, &files).plan(&self.pair)
    }

    /// What differs, by what was seen in it.
    pub fn compare(&self, plan: &Plan, opened: &Opened) -> Comparison {
        let pair = &self.pair;
        let files = files::files(pair);
        let contents = Contents::of(pair, &files);
        let mut comparison = Comparison::default();
        let mut explained = files::Explained::new();
        apps::deltas(pair, &contents.apps, &mut comparison.deltas);
        config::deltas(pair, &files, &mut explained, &mut comparison.deltas);
        contents.deltas(pair, &files, (plan, opened), &mut explained, &mut comparison);
        files::deltas(pair, &files, &explained, &mut comparison.deltas);
        files::images(pair, &mut comparison);
        brings::attach(pair, &files, &mut comparison.deltas);
        rank::sort(&mut comparison.deltas);
        files::tell(pair, &files, &mut comparison);
        comparison
    }
}
