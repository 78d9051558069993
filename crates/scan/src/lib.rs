//! The one pipeline: from paths on disk to a report. Threads are started here and nowhere else; nothing here prints.

mod cache;
mod check;
mod code;
mod conclude;
mod copy;
mod coverage;
mod flows;
mod glob;
mod images;
mod input;
mod native;
mod observe;
mod outcome;
mod progress;
mod signatures;
mod vbmeta_digest;
mod walk;
mod without_manifest;

pub use cache::{CACHE_SIZE, Cache};
pub use check::{Check, check};
pub use code::{Unit, open as open_code, units};
pub use copy::copy;
pub use flows::{UnitFlows, flows};
pub use glob::Pattern;
pub use input::{Given, InputError, open};
pub use progress::{Phase, Progress, Silent};
pub use taint::{Control, FlowStep};
pub use vbmeta_digest::{VbmetaDigest, vbmeta_digests};
pub use walk::{Found, Want, walk};
