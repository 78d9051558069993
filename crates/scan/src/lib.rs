//! The one pipeline: from paths on disk to a report. Threads are started here and nowhere else; nothing here prints.

mod cache;
mod calls;
mod check;
mod code;
mod compare;
mod conclude;
mod contents;
mod copy;
mod coverage;
mod flows;
mod gates;
mod glob;
mod images;
mod input;
mod inspect;
mod native;
mod observe;
mod outcome;
mod progress;
mod signatures;
mod walk;
mod without_manifest;

pub use cache::{CACHE_SIZE, Cache};
pub use check::{Check, check, gates};
pub use code::{Unit, open as open_code, units};
pub use compare::{Compare, compare};
pub use copy::copy;
pub use flows::{UnitFlows, flows};
pub use glob::Pattern;
pub use input::{Given, InputError, open};
pub use inspect::{Inspect, Inspected, inspect};
pub use progress::{Phase, Progress, Silent};
pub use surface::GateKind;
pub use taint::{Control, FlowStep};
pub use walk::{Found, Want, walk};
