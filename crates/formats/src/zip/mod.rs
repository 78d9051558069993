//! Zip archives as Android reads them: the central directory rules, and what is odd about an archive is told.
//!
//! Android's own reader (AOSP `system/libziparchive/zip_archive.cc`) trusts the central directory, ignores the
//! encryption bit, checks no CRC and takes a stored entry's length from its uncompressed size; its asset manager
//! (`frameworks/base/libs/androidfw/AssetsProvider.cpp`) reads every method that is not deflate as stored. What newer
//! releases refuse and older ones read (a dex in front, duplicate names, disagreeing headers) is read here too.
//!
//! Folders are listed as [`NodeKind::Directory`] without bytes.

mod directory;
mod end;
mod entry;

use std::collections::BTreeSet;

use model::fact::anomaly;
use model::fact::package::Package;
use model::{Artifact, Blob, Fault, Node, NodeKind};

pub(crate) use directory::{Directory, directory, select};
pub(crate) use entry::Entry;

use crate::archive::{self, Odd};
use crate::{Format, Kind, Reading, Wanted};

/// The format.
pub static FORMAT: Format = Format {
    id: "zip",
    title: "zip archive",
    spec: "https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT",
    kind: Kind::Archive,
    matches,
    read,
};

fn matches(artifact: &Artifact, bytes: &[u8]) -> bool {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return true;
    }
    let name = artifact.file_name().to_ascii_lowercase();
    let likely = may_be_appended(bytes) || SUFFIXES.iter().any(|it| name.ends_with(it));
    // A tail that cannot be read is told by whoever reads the artifact.
    likely && end::find(&artifact.blob).is_ok()
}

/// Whether these are first bytes of something that zips are appended to.
pub(crate) fn may_be_appended(bytes: &[u8]) -> bool {
    HOSTS.iter().any(|it| bytes.starts_with(it))
}

/// What a zip is appended to so that something else is seen: code, scripts and pictures. The tail of anything else is
/// not read, because for a compressed file that would mean to decode all of it.
const HOSTS: &[&[u8]] = &[
    b"dex\n",
    b"\x7fELF",
    b"MZ",
    b"#!",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"BM",
    b"%PDF",
    b"OggS",
    b"ID3",
];

/// Names that are zips on Android: here the tail is read, whatever the head is.
const SUFFIXES: &[&[u8]] = &[b".apk", b".jar", b".zip", b".apks", b".xapk", b".apex", b".capex", b".aar"];

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let Directory { entries, mut odd, fault, archive_end, .. } = directory(&artifact.blob)?;
    for entry in &entries {
        emit(artifact, entry, &mut odd, out);
    }
    if archive_end < artifact.blob.len() {
        out.child(&b"(trailing data)"[..], artifact.blob.clamp(archive_end, u64::MAX));
    }
    let encrypted = entries.iter().filter(|it| it.is_encrypted()).count();
    if encrypted != 0 {
        out.gap(format!("{encrypted} entries are encrypted; the password is needed to read them"));
    }
    shared_names(&entries, &mut odd);
    if out.wanted == Wanted::Facts {
        check(artifact, &entries, &mut odd);
    }
    odd.tell(artifact, out);
    let names = entries.iter().map(|it| (it.name.as_slice(), it.uncompressed_size));
    if let Some(mut package) = archive::package_of(names) {
        read_metadata(artifact, &entries, &mut package, out);
        let row = out.row(0, artifact.blob.len(), package);
        out.facts.packages.push(row);
    }
    fault.map_or(Ok(()), Err)
}

fn emit(artifact: &Artifact, entry: &Entry, odd: &mut Odd, out: &mut Reading) {
    let mut node = Node { mode: entry.mode.map(|it| it & 0o7777), ..Node::file() };
    let mut name = entry.name.as_slice();
    if let Some(folder) = name.strip_suffix(b"/") {
        name = folder;
        if entry.uncompressed_size == 0 {
            node.kind = NodeKind::Directory;
            out.entry(name, Blob::empty(), node);
            return;
        }
        // Unpackers make a folder of it and lose the bytes.
        let detail = format!("{} ends like a folder and has bytes", model::path_name(&entry.name));
        odd.push(entry.central_offset, entry::CENTRAL_SIZE, anomaly::Kind::ShadowedName, detail);
    }
    let blob = entry.blob(&artifact.blob, &out.store);
    if entry.mode.is_some_and(|it| it & 0o170_000 == 0o120_000) && entry.uncompressed_size <= TARGET_MAX {
        match blob.read_at(0, blob.len()) {
            Ok(target) => {
                node.kind = NodeKind::Symlink;
                node.target = Some(model::path_name(&target));
                out.entry(name, Blob::empty(), node);
                return;
            }
            Err(fault) => out.gap(format!("target of the link {}: {fault}", model::path_name(name))),
        }
    }
    out.entry(name, blob, node);
}

/// `PATH_MAX` of Linux.
const TARGET_MAX: u64 = 4096;

/// What an update package says about itself (AOSP `build/make/tools/releasetools`, `WriteMetadata`): lines of `key=value`.
fn read_metadata(artifact: &Artifact, entries: &[Entry], package: &mut Package, out: &mut Reading) {
    let Some(entry) = entries.iter().find(|it| it.name == b"META-INF/com/android/metadata") else { return };
    let bytes = match entry.blob(&artifact.blob, &out.store).bytes("update metadata", METADATA_MAX) {
        Ok(bytes) => bytes,
        Err(fault) => return out.gap(format!("META-INF/com/android/metadata: {fault}")),
    };
    for line in bytes.split(|&it| it == b'\n') {
        let Some(equals) = line.iter().position(|&it| it == b'=') else { continue };
        let (key, value) = line.split_at(equals);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        package.properties.push((text(key), text(value.get(1..).unwrap_or_default())));
    }
    // An update from one certain build holds differences to it.
    package.incremental |= package.properties.iter().any(|it| it.0.starts_with("pre-build"));
}

/// A hundred times the usual.
const METADATA_MAX: u64 = 256 << 10;

/// Two entries of one name, and a file that is also the folder of another entry.
fn shared_names(entries: &[Entry], odd: &mut Odd) {
    let mut names: BTreeSet<&[u8]> = BTreeSet::new();
    for entry in entries {
        if !names.insert(&entry.name) {
            let detail = format!("a second entry is named {}", model::path_name(&entry.name));
            odd.push(entry.central_offset, entry::CENTRAL_SIZE, anomaly::Kind::DuplicateName, detail);
        }
    }
    for entry in entries {
        let folder = [&entry.name, &b"/"[..]].concat();
        if names.range(folder.as_slice()..).next().is_some_and(|it| it.starts_with(&folder)) {
            let detail = format!("{} is a file and a folder", model::path_name(&entry.name));
            odd.push(entry.central_offset, entry::CENTRAL_SIZE, anomaly::Kind::ShadowedName, detail);
        }
    }
}

/// Compares checksum and size of the entries that a phone runs. The others are not decoded for it: an archive is
/// listed without reading what lies in it.
fn check(artifact: &Artifact, entries: &[Entry], odd: &mut Odd) {
    let runs = |name: &[u8]| {
        matches!(name, b"AndroidManifest.xml" | b"resources.arsc")
            || (name.starts_with(b"classes") && name.ends_with(b".dex"))
    };
    for entry in entries.iter().filter(|it| runs(&it.name) && it.uncompressed_size <= CHECKED_MAX).take(CHECKED) {
        // What cannot be decoded is told by whoever reads the entry.
        let Ok((len, crc32)) = entry.measure(&artifact.blob, CHECKED_MAX) else { continue };
        let name = model::path_name(&entry.name);
        if len != entry.uncompressed_size {
            let detail = format!("{name}: {len} bytes lie under a stated size of {}", entry.uncompressed_size);
            odd.push(entry.central_offset, entry::CENTRAL_SIZE, anomaly::Kind::LyingField, detail);
        } else if crc32 != entry.crc32 {
            let detail = format!("{name}: stated {:#010x}, is {crc32:#010x}", entry.crc32);
            odd.push(entry.central_offset, entry::CENTRAL_SIZE, anomaly::Kind::BadChecksum, detail);
        }
    }
}

/// How many entries are checked: no app has more dex files.
const CHECKED: usize = 64;

/// Larger than any dex (the format's method table ends them near 12 MiB) and its like.
const CHECKED_MAX: u64 = 16 << 20;
