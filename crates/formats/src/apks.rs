//! One app as several APKs in an archive: what `bundletool` (`.apks`) and app stores (`.xapk`, `.apkm`) make. The APKs
//! themselves are children of the zip format.

use model::fact::package::Package;
use model::{Artifact, Fault};

use crate::zip;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "apks",
    title: "set of APKs",
    spec: "https://developer.android.com/tools/bundletool",
    kind: Kind::App,
    matches: |artifact, head| {
        (zip::FORMAT.matches)(artifact, head)
            && zip::select(&artifact.blob, is_index).is_ok_and(|it| !it.entries.is_empty())
            && zip::select(&artifact.blob, is_apk).is_ok_and(|it| !it.entries.is_empty())
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let directory = zip::select(&artifact.blob, is_apk)?;
    let named = directory.entries.iter().take(NAMED_MAX);
    let properties = named.map(|it| ("apk".to_owned(), model::path_name(&it.name))).collect();
    if NAMED_MAX < directory.entries.len() {
        out.gap(format!("{} APKs, of which {NAMED_MAX} are named", directory.entries.len()));
    }
    let package = Package { kind: "apks".to_owned(), incremental: false, properties };
    let row = out.row(directory.central_offset, directory.central_size, package);
    out.facts.packages.push(row);
    Ok(())
}

/// What says that the APKs belong together.
fn is_index(name: &[u8]) -> bool {
    matches!(name, b"toc.pb" | b"manifest.json" | b"info.json" | b"base.apk")
}

/// APKs of one app lie at the top, or where `bundletool` puts them.
fn is_apk(name: &[u8]) -> bool {
    let folders = [&b"splits/"[..], b"standalones/", b"instant/", b"system/", b"archive/"];
    let file = folders.iter().find_map(|it| name.strip_prefix(*it)).unwrap_or(name);
    file.ends_with(b".apk") && !file.contains(&b'/')
}

/// A set has one APK for each language, density and architecture: some hundreds.
const NAMED_MAX: usize = 1024;
