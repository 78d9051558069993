//! A difference while it is being worked out: with what its rank follows from.

use model::report::Difference;
use model::{Grade, Severity};

use crate::Which;

/// How the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Only the right side has it.
    Added,
    /// Only the left side has it.
    Removed,
    /// Both have it, and not the same.
    Changed,
    /// Both have it, in different places.
    Moved,
}

impl Kind {
    /// The word in a report.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
            Kind::Moved => "moved",
        }
    }
}

/// What a difference is about, in the order in which it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Who is trusted: signers, authorities, keys of updates, of adb and of verified boot.
    Trust,
    /// What something may do: permissions, shared user ids, doors to others, services of init, policy, set-user-id.
    Power,
    /// What code does.
    Code,
    /// How the system is set up: properties, mounts, kernel options.
    Setting,
    /// Firmware that nobody here can read.
    Opaque,
    /// What it calls itself: versions, dates, names of builds.
    Identity,
    /// What is shown or kept: resources, pictures, data.
    Data,
    /// The same thing elsewhere, or packed otherwise.
    Form,
}

/// Who runs what a difference is about, the mightiest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The kernel, root, or every app's own process.
    Root,
    /// The system's user or the platform's signer.
    System,
    /// A privileged app, or a daemon of its own user.
    Privileged,
    /// An app.
    App,
    /// Nobody is known to.
    #[default]
    Nobody,
}

/// A finding, capability or way of a value that one side has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bring {
    /// In words.
    pub words: String,
    /// How much its evidence carries.
    pub grade: Grade,
    /// How bad it would be.
    pub severity: Severity,
    /// The side that has it.
    pub which: Which,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// How the sides differ.
    pub kind: Kind,
    /// What it is about.
    pub topic: Topic,
    /// What differs.
    pub what: String,
    /// On the left.
    pub left: String,
    /// On the right.
    pub right: String,
    /// Where the phone has it: on the right side, if it has it.
    pub device_path: String,
    /// What one side has by it.
    pub brings: Vec<Bring>,
    /// Who runs it.
    pub standing: Standing,
    /// Whether it is of another content under the same version.
    pub unannounced: bool,
    /// Names of which a finding that belongs to it may speak.
    pub names: Vec<String>,
}

impl Delta {
    /// A difference of which nothing more is known yet.
    pub fn new(kind: Kind, topic: Topic, what: impl Into<String>, device_path: &str) -> Delta {
        Delta {
            kind,
            topic,
            what: what.into(),
            left: String::new(),
            right: String::new(),
            device_path: device_path.to_owned(),
            brings: Vec::new(),
            standing: Standing::Nobody,
            unannounced: false,
            names: Vec::new(),
        }
    }

    /// The same, with what stands on each side.
    pub fn with(mut self, left: impl Into<String>, right: impl Into<String>) -> Delta {
        (self.left, self.right) = (left.into(), right.into());
        self
    }

    /// The same, of something that is run.
    pub fn run_by(mut self, standing: Standing) -> Delta {
        self.standing = standing;
        self
    }

    /// As it is reported.
    pub fn told(&self, rank: u32) -> Difference {
        let brings = self.brings.iter().map(|it| match it.which {
            Which::Right => it.words.clone(),
            Which::Left => format!("the left side alone has: {}", it.words),
        });
        Difference {
            rank,
            kind: self.kind.word().to_owned(),
            what: self.what.clone(),
            left: self.left.clone(),
            right: self.right.clone(),
            device_path: self.device_path.clone(),
            brings: brings.collect(),
        }
    }
}

/// The parts of two lists that only one of them has, as text: `+` on the right, each list shortened.
pub(crate) fn listed(items: &[String]) -> String {
    let mut text = items.iter().take(LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = items.len().checked_sub(LISTED_MAX).filter(|it| *it != 0) {
        text += &format!(" and {more} more");
    }
    text
}

/// A reader takes in so many names; the numbers say the rest.
const LISTED_MAX: usize = 12;
