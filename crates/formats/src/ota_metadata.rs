//! What an update, or the files that it was made of, says about itself: for which build, where its parts stand, which
//! partitions there are.

use model::fact::claim::Claim;
use model::{Artifact, Fault};

use crate::proto::{self, Field};
use crate::text::read_lines;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "ota-metadata",
    title: "metadata of an update",
    spec: "AOSP build/make/tools/releasetools: ota_metadata.proto, ota_utils.py, common.py (LoadInfoDict)",
    kind: Kind::Trust,
    matches: |artifact, _| Which::of(artifact).is_some(),
    read,
};

#[derive(Clone, Copy)]
enum Which {
    /// `META-INF/com/android/metadata`
    Lines,
    /// `META-INF/com/android/metadata.pb`
    Message,
    /// `META/ab_partitions.txt`
    Partitions,
    /// `META/misc_info.txt`
    MiscInfo,
}

impl Which {
    fn of(artifact: &Artifact) -> Option<Which> {
        let is_in = |folder: &[u8], name: &[u8]| {
            let rest = artifact.raw_name.strip_suffix(name).and_then(|it| it.strip_suffix(folder));
            rest.is_some_and(|it| it.is_empty() || it.ends_with(b"/"))
        };
        Some(match () {
            () if is_in(b"META-INF/com/android/", b"metadata") => Which::Lines,
            () if is_in(b"META-INF/com/android/", b"metadata.pb") => Which::Message,
            () if is_in(b"META/", b"ab_partitions.txt") => Which::Partitions,
            () if is_in(b"META/", b"misc_info.txt") => Which::MiscInfo,
            () => return None,
        })
    }
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let Some(which) = Which::of(artifact) else { return Ok(()) };
    if matches!(which, Which::Message) {
        return message(artifact, out);
    }
    read_lines(artifact, out, |out, line| {
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        let claims = match (which, text.split_once('=')) {
            (Which::Partitions, _) => vec![Claim::Partition { name: text }],
            (Which::Lines, Some((key, value))) => stated(key, value),
            (Which::MiscInfo, Some((key, value))) => room(key, value).into_iter().collect(),
            (_, None) => return false,
            (Which::Message, _) => Vec::new(),
        };
        for claim in claims {
            let row = out.row(line.offset, line.size(), claim);
            out.facts.claims.push(row);
        }
        true
    })
}

/// A line of the older form (`ota_utils.py`, `BuildLegacyOtaMetadata`).
fn stated(key: &str, value: &str) -> Vec<Claim> {
    match key {
        "ota-property-files" | "ota-streaming-property-files" => places(value),
        _ => match LEGACY.iter().find(|it| it.0 == key) {
            Some((_, name)) => property(name, value.split('|').map(str::to_owned).collect()),
            None => Vec::new(),
        },
    }
}

fn property(name: &str, values: Vec<String>) -> Vec<Claim> {
    match values.iter().all(String::is_empty) {
        true => Vec::new(),
        false => vec![Claim::Property { name: name.to_owned(), values }],
    }
}

/// What the older form calls a property.
const LEGACY: [(&str, &str); 5] = [
    ("post-build", "ro.build.fingerprint"),
    ("post-build-incremental", "ro.build.version.incremental"),
    ("post-sdk-level", "ro.build.version.sdk"),
    ("post-security-patch-level", "ro.build.version.security_patch"),
    ("post-timestamp", "ro.build.date.utc"),
];

/// `NAME:OFFSET:SIZE` of parts of the package, with commas between; padded with blanks.
fn places(text: &str) -> Vec<Claim> {
    let place = |it: &str| {
        let mut parts = it.trim().rsplitn(3, ':');
        let (size, offset) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Claim::Stands { file: parts.next()?.to_owned(), offset, size })
    };
    text.split(',').filter_map(place).take(PLACES_MAX).collect()
}

/// `OtaMetadata`
fn message(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("bytes of update metadata", SIZE_MAX)?;
    for field in proto::fields(&bytes, 0) {
        let field = field?;
        let claims = match field.number {
            // `map<string, string> property_files`
            4 => places(&member(&field, 2)?.join("")),
            // `DeviceState postcondition`
            6 => {
                let mut claims = Vec::new();
                for (number, name) in
                    [(2, LEGACY[0].1), (3, LEGACY[1].1), (5, LEGACY[2].1), (6, LEGACY[3].1), (4, LEGACY[4].1)]
                {
                    claims.extend(property(name, member(&field, number)?));
                }
                claims
            }
            _ => continue,
        };
        for claim in claims {
            let row = out.row(0, artifact.blob.len(), claim);
            out.facts.claims.push(row);
        }
    }
    Ok(())
}

/// The values of a field of a message, as text.
fn member(message: &Field, number: u64) -> Result<Vec<String>, Fault> {
    let mut values = Vec::new();
    for field in proto::fields(message.bytes(), 0) {
        let field = field?;
        if field.number == number {
            values.push(field.number_value().map_or_else(|| field.text(), |it| it.to_string()));
        }
    }
    Ok(values)
}

/// `boot_size`, `system_image_size`: how large the image of a partition may be (`common.py`, `CheckSize`).
fn room(key: &str, value: &str) -> Option<Claim> {
    let partition = key.strip_suffix("_size")?;
    let partition = partition.strip_suffix("_image").unwrap_or(partition);
    let is_partition = ROOMS.contains(&partition);
    // `int(value, 0)`: 0x for hexadecimal.
    let size = match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => value.parse().ok()?,
    };
    (is_partition && size != 0).then(|| Claim::Room { partition: partition.to_owned(), size })
}

/// Partitions; other sizes of that file are of caches, blocks and the like.
const ROOMS: [&str; 17] = [
    "boot",
    "init_boot",
    "vendor_boot",
    "vendor_kernel_boot",
    "recovery",
    "dtbo",
    "pvmfw",
    "vbmeta",
    "system",
    "system_ext",
    "system_other",
    "vendor",
    "product",
    "odm",
    "vendor_dlkm",
    "odm_dlkm",
    "system_dlkm",
];

/// A package names half a dozen.
const PLACES_MAX: usize = 64;

/// A hundred times the usual.
const SIZE_MAX: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_files_are_read_and_what_is_none_is_passed_over() {
        let claims = places("payload.bin:1024:99,metadata:69:5  ,odd,a:b:c");
        let file = |file: &str, offset, size| Claim::Stands { file: file.to_owned(), offset, size };
        assert_eq!(claims, [file("payload.bin", 1024, 99), file("metadata", 69, 5)]);
    }

    #[test]
    fn a_size_is_that_of_a_partition() {
        assert_eq!(room("boot_size", "0x4000"), Some(Claim::Room { partition: "boot".into(), size: 0x4000 }));
        assert_eq!(room("system_image_size", "4096"), Some(Claim::Room { partition: "system".into(), size: 4096 }));
        assert!(room("blockimgdiff_size", "4").is_none() && room("boot_size", "").is_none());
    }
}
