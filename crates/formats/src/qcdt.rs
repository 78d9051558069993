//! Qualcomm's table of device trees, behind kernel and ramdisk of older boot images: one tree for each board, and boards
//! that share a tree.

use std::collections::BTreeSet;

use model::{Artifact, Fault, Reader};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "qcdt",
    title: "Qualcomm device tree table",
    spec: "Code Aurora platform/system/core, dtbtool/dtbtool.txt, versions 1 to 3",
    kind: Kind::Wrapper,
    matches: |_, bytes| bytes.starts_with(b"QCDT"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_at(0, HEADER_SIZE)?;
    let mut header = Reader::new(&bytes);
    header.skip(4, "magic")?;
    let version = header.u32_le("version")?;
    let num_entries = header.u32_le("num_entries")?;
    // Numbers that tell boards apart: platform, variant, from version 2 on subtype, revision, from version 3 on four PMICs.
    let board_size: u64 = match version {
        1 => 12,
        2 => 16,
        3 => 32,
        _ => return Err(Fault::malformed("version", 4)),
    };
    if ENTRIES_MAX < num_entries {
        return Err(Fault::Limit { what: "num_entries", bound: ENTRIES_MAX.into() });
    }
    let mut known = BTreeSet::new();
    for index in 0..u64::from(num_entries) {
        let entry_size = board_size.saturating_add(8);
        let at = HEADER_SIZE.saturating_add(index.saturating_mul(entry_size)).saturating_add(board_size);
        let bytes = artifact.blob.read_at(at, 8)?;
        let mut entry = Reader::at(&bytes, at);
        let offset = entry.u32_le("offset")?;
        let size = entry.u32_le("size")?;
        if !known.insert((offset, size)) {
            continue;
        }
        let name = format!("dtb-{index}");
        match artifact.blob.slice(offset.into(), size.into()) {
            Ok(tree) => out.child(name, tree),
            Err(fault) => out.gap(format!("{name}: {fault}")),
        }
    }
    Ok(())
}

/// Magic, version, number of entries.
const HEADER_SIZE: u64 = 12;

/// A table for a whole family of chips has some hundreds.
const ENTRIES_MAX: u32 = 4096;
