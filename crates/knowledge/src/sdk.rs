//! Ranges of Android versions.

use serde::Deserialize;

/// SDK levels as ranges, first and last of each included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SdkRanges(pub Vec<(u32, u32)>);

impl SdkRanges {
    /// Whether this SDK level lies in one of the ranges.
    pub fn contains(&self, sdk: u32) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&sdk))
    }

    /// The newest SDK level; `None` without ranges.
    pub fn last(&self) -> Option<u32> {
        self.0.iter().map(|(_, last)| *last).max()
    }
}
