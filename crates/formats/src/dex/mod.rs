//! Dex files, and containers of several (version 041): headers and tables. The code itself is read elsewhere.

mod layout;

use model::fact::anomaly;
use model::fact::code::{Code, Container};
use model::{Artifact, Blob, Fault, Reader};

use crate::{Format, Kind, Reading, Wanted};

/// The format.
pub static FORMAT: Format = Format {
    id: "dex",
    title: "dex file",
    spec: "https://source.android.com/docs/core/runtime/dex-format",
    kind: Kind::Code,
    matches: |_, head| version_of(head, b"dex\n").is_some(),
    read,
};

/// The header of a dex or CompactDex file.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// The version, three digits.
    pub version: String,
    /// `checksum`: Adler-32 of all that follows it.
    pub checksum: u32,
    /// `file_size`.
    pub file_size: u32,
    /// `header_size`.
    pub header_size: u32,
    /// `endian_tag`.
    pub endian_tag: u32,
    /// `method_ids_size` and `method_ids_off`.
    pub method_ids: (u32, u32),
    /// `class_defs_size` and `class_defs_off`.
    pub class_defs: (u32, u32),
    /// `container_size` from version 041 on.
    pub container_size: Option<u32>,
}

impl Header {
    /// Reads the header of the file that starts at `at`.
    pub fn read(blob: &Blob, at: u64, magic: &[u8]) -> Result<Header, Fault> {
        let bytes = blob.read_up_to(at, V41_HEADER_SIZE.into())?;
        let version = version_of(&bytes, magic).ok_or(Fault::malformed("magic", at))?;
        let mut header = Reader::at(&bytes, at);
        header.skip(8, "magic")?;
        let checksum = header.u32_le("checksum")?;
        header.skip(20, "signature")?;
        let file_size = header.u32_le("file_size")?;
        let header_size = header.u32_le("header_size")?;
        let endian_tag = header.u32_le("endian_tag")?;
        header.skip(44, "sizes and offsets")?;
        let method_ids = (header.u32_le("method_ids_size")?, header.u32_le("method_ids_off")?);
        let class_defs = (header.u32_le("class_defs_size")?, header.u32_le("class_defs_off")?);
        header.skip(8, "data")?;
        let container_size =
            if magic == b"dex\n" && version.as_str() >= "041" { Some(header.u32_le("container_size")?) } else { None };
        Ok(Header { version, checksum, file_size, header_size, endian_tag, method_ids, class_defs, container_size })
    }
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    let first = Header::read(blob, 0, b"dex\n")?;
    check(artifact, &first, 0, out);
    // Of a lying count only what there is room for is counted.
    let fitting = |(count, offset): (u32, u32), width: u64| {
        let room = blob.len().saturating_sub(offset.into()).checked_div(width).unwrap_or(0);
        count.min(u32::try_from(room).unwrap_or(u32::MAX))
    };
    let (mut n_classes, mut n_methods) = (fitting(first.class_defs, 32), fitting(first.method_ids, 8));
    let mut n_dex = 1u32;
    let stated = u64::from(first.container_size.unwrap_or(first.file_size));
    // The dex files of a container follow each other; each has at least its header.
    let mut pos = u64::from(first.file_size);
    let mut fault = None;
    while first.container_size.is_some() && pos < stated {
        match Header::read(blob, pos, b"dex\n") {
            Ok(header) if V41_HEADER_SIZE <= header.file_size => {
                check(artifact, &header, pos, out);
                n_dex = n_dex.saturating_add(1);
                n_classes = n_classes.saturating_add(fitting(header.class_defs, 32));
                n_methods = n_methods.saturating_add(fitting(header.method_ids, 8));
                pos = pos.saturating_add(header.file_size.into());
            }
            Ok(_) => fault = Some(Fault::malformed("file_size", pos)),
            Err(error) => fault = Some(error),
        }
        if N_DEX_MAX <= n_dex {
            fault = Some(Fault::Limit { what: "dex files of a container", bound: N_DEX_MAX.into() });
        }
        if fault.is_some() {
            break;
        }
    }
    let code = Code {
        container: Container::Dex,
        version: first.version.clone(),
        n_classes: Some(n_classes),
        n_methods: Some(n_methods),
        n_dex: Some(n_dex),
    };
    let row = out.row(0, blob.len().min(stated), code);
    out.facts.code.push(row);
    if stated < blob.len() {
        let more = blob.len().saturating_sub(stated);
        let detail = format!("{more} bytes behind the end of the dex file");
        out.anomaly(stated, more, anomaly::Kind::TrailingData, detail);
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    if blob.len() < stated {
        return Err(Fault::Truncated { at: blob.len(), wanted: stated.saturating_sub(blob.len()) });
    }
    if first.container_size.is_none() { check_sum(artifact, &first, out) } else { Ok(()) }
}

/// What is odd about the header of the file at `at`.
fn check(artifact: &Artifact, header: &Header, at: u64, out: &mut Reading) {
    let size = u64::from(V35_HEADER_SIZE).min(artifact.blob.len().saturating_sub(at));
    let mut odd = |kind, detail: String| out.anomaly(at, size, kind, detail);
    let lying = anomaly::Kind::LyingField;
    if !VERSIONS.contains(&header.version.as_str()) {
        odd(anomaly::Kind::OddMagic, format!("version {}", header.version));
    }
    if header.endian_tag != ENDIAN_CONSTANT {
        odd(lying, format!("endian_tag {:#x}", header.endian_tag));
    }
    let expected = if header.container_size.is_some() { V41_HEADER_SIZE } else { V35_HEADER_SIZE };
    if header.header_size != expected {
        odd(lying, format!("header_size {:#x}", header.header_size));
    }
    // Tables of a container may lie anywhere in it.
    let tables = [("method_ids", header.method_ids, 8u64), ("class_defs", header.class_defs, 32)];
    for (name, (count, offset), width) in tables {
        let end = u64::from(count).saturating_mul(width).saturating_add(offset.into());
        if count != 0 && artifact.blob.len() < end {
            odd(lying, format!("{name}: {count} at {offset:#x} reach past the end"));
        }
    }
    // An optimiser that rewrites a file in place leaves its tables.
    if out.wanted == Wanted::Facts {
        layout::check(&artifact.blob, at, header.header_size, out);
    }
}

/// Compares the checksum, if the file is not too long and was not rewritten in place by an optimiser, which leaves the
/// checksum of the original.
fn check_sum(artifact: &Artifact, header: &Header, out: &mut Reading) -> Result<(), Fault> {
    let size = u64::from(header.file_size);
    if out.wanted != Wanted::Facts || !(12..=CHECKED_MAX).contains(&size) || artifact.file_name().ends_with(QUICKENED) {
        return Ok(());
    }
    // Read whole: whoever reads the code next finds it in the cache.
    let bytes = artifact.blob.read_at(0, size)?;
    let found = adler32(bytes.get(12..).unwrap_or_default());
    if found != header.checksum {
        let detail = format!("stated {:#010x}, is {found:#010x}", header.checksum);
        out.anomaly(8, 4, anomaly::Kind::BadChecksum, detail);
    }
    Ok(())
}

/// Adler-32 (RFC 1950 section 8).
fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for chunk in bytes.chunks(ADLER_CHUNK) {
        for &byte in chunk {
            low = low.wrapping_add(byte.into());
            high = high.wrapping_add(low);
        }
        low %= ADLER_BASE;
        high %= ADLER_BASE;
    }
    high << 16 | low
}

/// Three digits between `magic` and a NUL.
pub(crate) fn version_of(bytes: &[u8], magic: &[u8]) -> Option<String> {
    let version = bytes.strip_prefix(magic)?.get(..4)?.strip_suffix(b"\0")?;
    let text = std::str::from_utf8(version).ok()?;
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.to_owned())
}

/// How the name of a dex file ends that an optimiser rewrote in place.
pub(crate) const QUICKENED: &[u8] = b".quick.dex";

/// What Android accepts.
const VERSIONS: &[&str] = &["035", "037", "038", "039", "040", "041"];

const ENDIAN_CONSTANT: u32 = 0x1234_5678;
const V35_HEADER_SIZE: u32 = 0x70;
const V41_HEADER_SIZE: u32 = 0x78;

/// The largest number below 2^16 that is prime, and how many bytes are added before the sums could overflow.
const ADLER_BASE: u32 = 65_521;
const ADLER_CHUNK: usize = 5552;

/// Larger than any dex (the method table ends them near 12 MiB), and cheap.
const CHECKED_MAX: u64 = 64 << 20;

/// Real containers hold a few dozen.
const N_DEX_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_adler_32() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&[0xff; 100_000]), 0x149a_302c, "sums that wrap");
    }
}
