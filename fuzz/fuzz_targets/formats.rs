//! Bytes to facts, for every format on the list: the first byte picks the format, and with it the name under which the
//! other bytes are read. `cargo xtask fuzz --corpus fuzz/corpus/formats` writes the samples as its corpus.

#![no_main]

#[path = "../../crates/formats/tests/harness/mod.rs"]
mod harness;

use std::path::Path;
use std::sync::LazyLock;

use formats::FORMATS;
use libfuzzer_sys::fuzz_target;
use model::Blob;

/// The name of the first sample of each format: some formats are told by name.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/formats/tests/samples");
    let first = |folder: &Path| harness::samples_in(folder).into_iter().next().map(|(name, _)| name);
    FORMATS.iter().map(|it| first(&samples.join(it.id)).unwrap_or_default()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((&format, bytes)) = data.split_first() else { return };
    let Some(name) = NAMES.get(usize::from(format) % NAMES.len()) else { return };
    harness::touch(name, Blob::from_bytes(bytes));
});
