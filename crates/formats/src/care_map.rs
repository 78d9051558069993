//! Care maps: the blocks that are read once after an update, so that dm-verity meets what is wrong before it is kept.

use model::fact::claim::Claim;
use model::{Artifact, Fault};

use crate::proto::{self, Value};
use crate::text::read_text;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "care-map",
    title: "care map",
    spec: "AOSP bootable/recovery/update_verifier: care_map.proto, update_verifier.cpp, otautil/rangeset.cpp",
    kind: Kind::Trust,
    matches: |artifact, _| matches!(artifact.file_name(), b"care_map.pb" | b"care_map.txt"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    if artifact.file_name() == b"care_map.txt" { text(artifact, out) } else { message(artifact, out) }
}

/// `CareMap`: one `PartitionInfo` for each partition.
fn message(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("bytes of a care map", SIZE_MAX)?;
    for field in proto::fields(&bytes, 0) {
        let field = field?;
        let (1, Value::Bytes(partition, at)) = (field.number, field.value) else { continue };
        let (mut name, mut ranges, mut id, mut fingerprint) = Default::default();
        for field in proto::fields(partition, at) {
            let field = field?;
            match field.number {
                1 => name = field.text(),
                2 => ranges = field.text(),
                3 => id = field.text(),
                4 => fingerprint = field.text(),
                _ => {}
            }
        }
        let size = partition.len() as u64;
        tell(name, &ranges, (at, size), out)?;
        // What a build could not say is written so (`build/make/tools/releasetools/add_img_to_target_files.py`).
        if !fingerprint.is_empty() && fingerprint != "unknown" && !id.is_empty() {
            let row = out.row(at, size, Claim::Property { name: id, values: vec![fingerprint] });
            out.facts.claims.push(row);
        }
    }
    Ok(())
}

/// Android 7 to 9: a line with the partition, or where its device is, and a line with its blocks.
fn text(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = read_text(artifact, out, SIZE_MAX)?;
    let (mut at, mut name) = (0u64, None);
    for line in bytes.split(|&it| it == b'\n') {
        let size = line.len() as u64;
        let said = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        if !said.is_empty() {
            match name.take() {
                None => name = Some(said.rsplit('/').next().unwrap_or_default().to_owned()),
                Some(name) => tell(name, &said, (at, size), out)?,
            }
        }
        at = at.saturating_add(size).saturating_add(1);
    }
    match name {
        None => Ok(()),
        Some(_) => Err(Fault::malformed("blocks of the last partition", at)),
    }
}

fn tell(partition: String, ranges: &str, (at, size): (u64, u64), out: &mut Reading) -> Result<(), Fault> {
    let blocks = blocks_of(ranges).ok_or(Fault::malformed("ranges of blocks", at))?;
    let row = out.row(at, size, Claim::Blocks { partition, blocks });
    out.facts.claims.push(row);
    Ok(())
}

/// `RangeSet::Parse`: how many numbers follow, then pairs of them, each ascending.
fn blocks_of(text: &str) -> Option<Vec<(u64, u64)>> {
    let mut numbers = text.split(',').map(|it| it.trim().parse::<u64>().ok());
    let count = numbers.next()??;
    let numbers: Vec<u64> = numbers.collect::<Option<_>>()?;
    if count == 0 || count != numbers.len() as u64 {
        return None;
    }
    let pair = |it: &[u64]| match it {
        [start, end] if start < end => Some((*start, *end)),
        _ => None,
    };
    numbers.chunks(2).map(pair).collect()
}

/// A care map of a fragmented partition has some KiB.
const SIZE_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_pairs_that_are_counted_and_ascend() {
        assert_eq!(blocks_of("4,0,10,12,20"), Some(vec![(0, 10), (12, 20)]));
        for wrong in ["", "2", "2,0", "3,0,1,2", "2,5,5", "2,9,1", "4,0,10", "2,0,x", "0"] {
            assert_eq!(blocks_of(wrong), None, "{wrong}");
        }
    }
}
