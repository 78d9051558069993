//! A check of a folder without code, as the tests of this crate ask for it.

use std::path::Path;

use knowledge::Feeds;
use model::Store;
use model::report::Report;
use scan::{Check, Silent};

/// The report on what lies there; `fec`: error correction is recomputed.
pub fn check(input: &Path, fec: bool) -> Report {
    let check = Check {
        inputs: vec![input.to_path_buf()],
        against: None,
        command: String::new(),
        date: None,
        flows: false,
        fec,
        feeds: Feeds::default(),
        version: String::new(),
    };
    scan::check(check, &Store::small(), None, &Silent).unwrap().0
}
