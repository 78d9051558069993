//! The words of postern: what flows from the input to the report. See `ARCHITECTURE.md`.

pub mod artifact;
pub mod blob;
pub mod fact;
mod fault;
pub mod finding;
mod gap;
pub mod gates;
pub mod observer;
pub mod policy;
mod reader;
pub mod report;
mod store;
pub mod verdict;

pub use artifact::{Artifact, ArtifactId, FileCapability, Node, NodeKind, Tree, path_name};
pub use blob::{Blob, Extent, Origin, Source};
pub use fact::{Facts, Location, Row};
pub use fault::Fault;
pub use finding::{Class, Confidence, Evidence, Factors, Finding, Grade, Severity};
pub use gap::{Gap, Layer};
pub use reader::Reader;
pub use report::Report;
pub use store::{CHUNK_MAX, Chunks, FileSource, Store};
pub use verdict::{Answer, Inspected, Subject, Verdict};
