//! Tables of device trees or overlays: the `dtbo` partition.

use std::io::Cursor;

use flate2::read::ZlibDecoder;
use model::{Artifact, Fault, Reader};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "dtbo",
    title: "device tree table",
    spec: "https://source.android.com/docs/core/architecture/dto/partitions",
    kind: Kind::Wrapper,
    matches: |_, bytes| bytes.starts_with(&[0xd7, 0xb7, 0xab, 0x1e]),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_at(0, 32)?;
    let mut header = Reader::new(&bytes);
    header.skip(12, "magic")?;
    let dt_entry_size = header.u32_be("dt_entry_size")?;
    let dt_entry_count = header.u32_be("dt_entry_count")?;
    let dt_entries_offset = header.u32_be("dt_entries_offset")?;
    header.skip(4, "page_size")?;
    let version = header.u32_be("version")?;
    if dt_entry_size < ENTRY_MIN {
        return Err(Fault::malformed("dt_entry_size", 12));
    }
    if ENTRIES_MAX < dt_entry_count {
        return Err(Fault::Limit { what: "dt_entry_count", bound: ENTRIES_MAX.into() });
    }
    for index in 0..dt_entry_count {
        let at = u64::from(dt_entries_offset).saturating_add(u64::from(index).saturating_mul(dt_entry_size.into()));
        let bytes = artifact.blob.read_at(at, ENTRY_MIN.into())?;
        let mut entry = Reader::at(&bytes, at);
        let dt_size = entry.u32_be("dt_size")?;
        let dt_offset = entry.u32_be("dt_offset")?;
        entry.skip(8, "id and rev")?;
        let flags = entry.u32_be("flags")?;
        let name = format!("dtb-{index}");
        match artifact.blob.slice(dt_offset.into(), dt_size.into()) {
            // Version 1 may compress: 1 is zlib; 2, gzip, is told by its own magic.
            Ok(tree) if version == 1 && flags & 0xf == 1 => {
                let packed = tree.bytes("compressed device tree", TREE_MAX)?;
                let allowance = out.allowance;
                out.allowance = allowance.min(TREE_MAX);
                out.stream(name, &mut ZlibDecoder::new(Cursor::new(packed)))?;
                out.allowance = allowance;
            }
            Ok(tree) => out.child(name, tree),
            Err(fault) => out.gap(format!("{name}: {fault}")),
        }
    }
    Ok(())
}

/// `struct dt_table_entry`.
const ENTRY_MIN: u32 = 32;

/// Phones have some dozens of overlays.
const ENTRIES_MAX: u32 = 4096;

/// A device tree has some hundred KiB.
const TREE_MAX: u64 = 16 << 20;
