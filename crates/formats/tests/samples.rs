//! Bytes to facts: every sample of every format beside a golden file of what is read of it, and a sweep that no prefix
//! and no flipped byte makes a reader panic.
//!
//! A sample is `samples/<format id>/<file>`; its name is what the reader sees. A file `<name>.gz` is unpacked first and
//! seen as `<name>` (images that are mostly zero), except for the format `gzip` itself. `sweep.txt` in the folder names
//! the ranges that are swept byte by byte: `<file> <start>..<end>`, one a line. A `%2F` in a file name stands for a `/`
//! in what the reader sees: the path of a file in its container.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

mod harness;

use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use formats::{FORMATS, Format, Reading};
use harness::{artifact, entries, ranges_in, samples_in, touch};
use model::{Blob, Extent, Node, Origin, Store};

#[test]
fn every_format_has_samples_and_every_sample_is_read_as_its_golden_file_says() {
    let mut folders: BTreeSet<String> =
        entries(&samples()).iter().map(|it| it.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for format in FORMATS {
        folders.remove(format.id);
        let samples = samples_in(&samples_folder(format));
        assert!(!samples.is_empty(), "{} has no sample", format.id);
        for (name, blob) in samples {
            let (matched, golden) = facts_of(&name, blob);
            assert!(matched.contains(&format.id), "{name} is not read as {}, but as {matched:?}", format.id);
            insta::with_settings!({
                snapshot_path => samples_folder(format), prepend_module_to_snapshot => false, omit_expression => true
            }, { insta::assert_json_snapshot!(name.as_str(), golden) });
        }
    }
    assert!(folders.is_empty(), "samples of no format: {folders:?}");
}

#[test]
fn no_prefix_of_a_sample_and_no_flipped_byte_makes_a_reader_panic() {
    let samples: Vec<(&Format, String, Blob)> = FORMATS
        .iter()
        .flat_map(|format| {
            samples_in(&samples_folder(format)).into_iter().map(move |(name, blob)| (*format, name, blob))
        })
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((format, name, blob)) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
                    sweep(format, name, blob);
                }
            });
        }
    });
}

fn sweep(format: &Format, name: &str, blob: &Blob) {
    let ranges = ranges_in(&samples_folder(format));
    for offset in offsets(name, blob.len(), &ranges) {
        touch(name, blob.clamp(0, offset));
        for flip in [0x01, 0x80, 0xff] {
            touch(name, flipped(blob, offset, flip));
        }
    }
}

/// Every byte up to 4 KiB, in the last KiB and in the ranges of `sweep.txt`; in between, one in 61.
fn offsets(name: &str, len: u64, ranges: &[(String, Range<u64>)]) -> BTreeSet<u64> {
    let mut offsets: BTreeSet<u64> = (0..len.min(4096)).chain(len.saturating_sub(1024)..len).collect();
    if len <= SWEPT_BY_STRIDE_MAX {
        offsets.extend((0..len).step_by(61));
    }
    for (_, range) in ranges.iter().filter(|(file, _)| file == name) {
        offsets.extend(range.start..range.end.min(len));
    }
    offsets
}

/// Longer samples (images that are mostly zero) are swept in the ranges of `sweep.txt` only.
const SWEPT_BY_STRIDE_MAX: u64 = 256 << 10;

/// The sample with one byte changed.
fn flipped(blob: &Blob, offset: u64, flip: u8) -> Blob {
    let Ok(byte) = blob.read_at(offset, 1) else { return blob.clone() };
    Blob::mapped(
        blob.len(),
        vec![
            Extent { offset: 0, len: blob.len(), from: Origin::Blob(blob.clone(), 0) },
            Extent { offset, len: 1, from: Origin::Blob(Blob::from_bytes([byte[0] ^ flip]), 0) },
        ],
    )
}

fn facts_of(name: &str, blob: Blob) -> (Vec<&'static str>, serde_json::Value) {
    let artifact = artifact(name, blob);
    let mut reading = Reading::new(&artifact, Store::small(), 16 << 20);
    let matched = formats::read(&artifact, &mut reading).iter().map(|it| it.id).collect();
    let children: Vec<_> = reading.children.iter().map(child_json).collect();
    let gaps: Vec<_> = reading.gaps.iter().map(|it| it.why.as_str()).collect();
    let golden = serde_json::json!({
        "formats": matched, "facts": reading.facts, "children": children, "gaps": gaps,
    });
    (matched, golden)
}

/// A child with a digest of its bytes (or why they cannot be read) and of what its container says about it.
fn child_json(child: &formats::Child) -> serde_json::Value {
    let mut bytes = Vec::new();
    let content = match child.blob.stream().read_to_end(&mut bytes) {
        Ok(_) => crc32(&bytes),
        Err(error) => error.to_string(),
    };
    let mut json =
        serde_json::json!({ "name": model::path_name(&child.name), "size": child.blob.len(), "crc32": content });
    if child.node != Node::file() {
        json["node"] = serde_json::to_value(&child.node).unwrap();
    }
    json
}

fn crc32(bytes: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    format!("{:08x}", crc.sum())
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn samples_folder(format: &Format) -> PathBuf {
    samples().join(format.id)
}
