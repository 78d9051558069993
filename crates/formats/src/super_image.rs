//! Super images: the dynamic partitions of one or more block devices, described by LP metadata.
//!
//! Every metadata slot is read. A slot whose primary copy is broken is read from its backup, as Android does; where
//! both fail their checksum, the primary is read and the anomaly says so.

use std::collections::BTreeSet;

use model::fact::anomaly;
use model::fact::partition::Partition;
use model::{Artifact, Blob, Extent, Fault, Origin, Reader};
use sha2::{Digest, Sha256};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "super-image",
    title: "super image",
    spec: "AOSP system/core/fs_mgr/liblp/include/liblp/metadata_format.h",
    kind: Kind::Wrapper,
    matches: |artifact, bytes| {
        let magic_at = |at: usize| bytes.get(at..).is_some_and(|it| it.starts_with(&GEOMETRY_MAGIC));
        // The backup geometry stands behind the head; it is asked for only where nothing else does.
        let backup = || {
            bytes.iter().take(4096).all(|&it| it == 0)
                && artifact.blob.read_up_to(BACKUP_GEOMETRY, 4).is_ok_and(|it| it == GEOMETRY_MAGIC)
        };
        magic_at(0) || magic_at(4096) || backup()
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    // `super_empty.img` has no reserved bytes in front, one geometry and one copy of the metadata.
    if blob.read_up_to(0, 4)? == GEOMETRY_MAGIC {
        let geometry = Geometry::read(blob, 0)?;
        geometry.check(out);
        let table = Table::read(blob, GEOMETRY_SIZE, geometry.metadata_max_size)?;
        table.check(out);
        return emit(blob, &table, 0, &mut BTreeSet::new(), out);
    }
    let geometry = geometry_of(blob, out)?;
    let slots = geometry.metadata_slot_count.min(SLOTS_MAX);
    if slots < geometry.metadata_slot_count {
        out.gap(format!("only {SLOTS_MAX} of {} metadata slots are read", geometry.metadata_slot_count));
    }
    let (mut seen, mut n_read, mut last) = (BTreeSet::new(), 0u32, Fault::malformed("metadata_slot_count", 44));
    for slot in 0..slots {
        match table_of(blob, &geometry, slot, out) {
            Ok(Some(table)) => {
                n_read = n_read.saturating_add(1);
                emit(blob, &table, slot, &mut seen, out)?;
            }
            Ok(None) => {}
            Err(fault) => {
                out.gap(format!("metadata slot {slot}: {fault}"));
                last = fault;
            }
        }
    }
    if n_read == 0 { Err(last) } else { Ok(()) }
}

/// The primary geometry, or where it is broken, the backup.
fn geometry_of(blob: &Blob, out: &mut Reading) -> Result<Geometry, Fault> {
    let primary = Geometry::read(blob, PRIMARY_GEOMETRY);
    let backup = Geometry::read(blob, BACKUP_GEOMETRY);
    let geometry = match (&primary, &backup) {
        (Ok(primary), _) if primary.is_intact => *primary,
        (_, Ok(backup)) if backup.is_intact => {
            out.anomaly(PRIMARY_GEOMETRY, 4, anomaly::Kind::BadChecksum, "primary geometry, the backup is read");
            *backup
        }
        _ => primary?,
    };
    geometry.check(out);
    Ok(geometry)
}

/// `LpMetadataGeometry`.
#[derive(Clone, Copy)]
struct Geometry {
    at: u64,
    metadata_max_size: u32,
    metadata_slot_count: u32,
    is_intact: bool,
}

impl Geometry {
    fn read(blob: &Blob, at: u64) -> Result<Geometry, Fault> {
        let bytes = blob.read_at(at, GEOMETRY_SIZE)?;
        let mut reader = Reader::at(&bytes, at);
        reader.expect(&GEOMETRY_MAGIC, "magic")?;
        let struct_size = reader.u32_le("struct_size")?;
        let checksum = reader.array::<32>("checksum")?;
        let metadata_max_size = reader.u32_le("metadata_max_size")?;
        let metadata_slot_count = reader.u32_le("metadata_slot_count")?;
        if metadata_max_size % 512 != 0 || METADATA_MAX < metadata_max_size {
            return Err(Fault::malformed("metadata_max_size", at.saturating_add(40)));
        }
        let summed = bytes.get(..usize::try_from(struct_size).unwrap_or(usize::MAX));
        let is_intact = summed.is_some_and(|it| digest_without(it, 8) == Some(checksum));
        Ok(Geometry { at, metadata_max_size, metadata_slot_count, is_intact })
    }

    fn check(&self, out: &mut Reading) {
        if !self.is_intact {
            out.anomaly(self.at.saturating_add(8), 32, anomaly::Kind::BadChecksum, "geometry");
        }
    }

    /// Where a copy of a slot's metadata stands: the primaries of all slots, then the backups.
    fn metadata_at(&self, slot: u32, copy: u64) -> u64 {
        let index = copy.saturating_mul(self.metadata_slot_count.into()).saturating_add(slot.into());
        METADATA.saturating_add(u64::from(self.metadata_max_size).saturating_mul(index))
    }
}

/// The metadata of one slot; `None` where neither copy was ever written.
fn table_of(blob: &Blob, geometry: &Geometry, slot: u32, out: &mut Reading) -> Result<Option<Table>, Fault> {
    let [first, second] = [0, 1].map(|copy| geometry.metadata_at(slot, copy));
    let is_zero = |at: u64| blob.read_at(at, 4).is_ok_and(|it| it == [0; 4]);
    if is_zero(first) && is_zero(second) {
        return Ok(None);
    }
    let primary = Table::read(blob, first, geometry.metadata_max_size);
    let backup = Table::read(blob, second, geometry.metadata_max_size);
    let table = match (primary, backup) {
        (Ok(primary), backup) if primary.is_intact => {
            if backup.is_ok_and(|it| it.is_intact && it.bytes != primary.bytes) {
                out.anomaly(
                    second,
                    4,
                    anomaly::Kind::HeaderMismatch,
                    format!("the copies of metadata slot {slot} differ"),
                );
            }
            primary
        }
        (_, Ok(backup)) if backup.is_intact => {
            let detail = format!("primary metadata of slot {slot}, the backup is read");
            out.anomaly(first.min(blob.len()), 0, anomaly::Kind::BadChecksum, detail);
            backup
        }
        (primary, _) => primary?,
    };
    table.check(out);
    Ok(Some(table))
}

/// `LpMetadataHeader` and the bytes of its tables.
struct Table {
    at: u64,
    /// Where the tables start in the image.
    base: u64,
    bytes: Vec<u8>,
    partitions: Descriptor,
    extents: Descriptor,
    groups: Descriptor,
    block_devices: Descriptor,
    is_intact: bool,
}

/// `LpMetadataTableDescriptor`.
struct Descriptor {
    offset: usize,
    num_entries: usize,
    entry_size: usize,
}

impl Table {
    fn read(blob: &Blob, at: u64, max_size: u32) -> Result<Table, Fault> {
        let head = blob.read_up_to(at, HEADER_MAX)?;
        let mut header = Reader::at(&head, at);
        header.expect(&METADATA_MAGIC, "magic")?;
        let major = header.u16_le("major_version")?;
        header.skip(2, "minor_version")?;
        if major != 10 {
            return Err(Fault::Unsupported(format!("LP metadata version {major}")));
        }
        let header_size = header.u32_le("header_size")?;
        let header_checksum = header.array::<32>("header_checksum")?;
        let tables_size = header.u32_le("tables_size")?;
        let tables_checksum = header.array::<32>("tables_checksum")?;
        let summed = head
            .get(..usize::try_from(header_size).unwrap_or(usize::MAX))
            .filter(|it| HEADER_MIN <= it.len())
            .ok_or(Fault::malformed("header_size", at.saturating_add(8)))?;
        if max_size < tables_size {
            return Err(Fault::malformed("tables_size", at.saturating_add(44)));
        }
        let base = at.saturating_add(header_size.into());
        let bytes = blob.read_at(base, tables_size.into())?;
        let mut descriptor = |least: usize, what| {
            let at = header.offset();
            let [offset, num_entries, entry_size] = [header.u32_le(what)?, header.u32_le(what)?, header.u32_le(what)?]
                .map(|it| usize::try_from(it).unwrap_or(usize::MAX));
            let end = num_entries.checked_mul(entry_size).and_then(|it| it.checked_add(offset));
            match end {
                Some(end) if end <= bytes.len() && least <= entry_size => {
                    Ok(Descriptor { offset, num_entries, entry_size })
                }
                _ => Err(Fault::malformed(what, at)),
            }
        };
        let partitions = descriptor(PARTITION_SIZE, "partitions")?;
        let extents = descriptor(EXTENT_SIZE, "extents")?;
        let groups = descriptor(GROUP_SIZE, "groups")?;
        let block_devices = descriptor(BLOCK_DEVICE_SIZE, "block_devices")?;
        let is_intact = digest_without(summed, 12) == Some(header_checksum) && digest(&bytes) == tables_checksum;
        Ok(Table { at, base, bytes, partitions, extents, groups, block_devices, is_intact })
    }

    fn check(&self, out: &mut Reading) {
        if !self.is_intact {
            out.anomaly(self.at, 128, anomaly::Kind::BadChecksum, "metadata header or tables");
        }
    }

    /// One entry of a table, with its offset in the image.
    fn entry(&self, table: &Descriptor, index: usize) -> Option<Reader<'_>> {
        let start = index.checked_mul(table.entry_size)?.checked_add(table.offset)?;
        let bytes = self.bytes.get(start..start.checked_add(table.entry_size)?)?;
        Some(Reader::at(bytes, self.base.saturating_add(u64::try_from(start).ok()?)))
    }

    fn extent(&self, index: usize) -> Result<LpExtent, Fault> {
        let mut entry = self.entry(&self.extents, index).ok_or(Fault::malformed("first_extent_index", self.at))?;
        Ok(LpExtent {
            num_sectors: entry.u64_le("num_sectors")?,
            target_type: entry.u32_le("target_type")?,
            target_data: entry.u64_le("target_data")?,
            target_source: entry.u32_le("target_source")?,
        })
    }

    fn group(&self, index: u32, suffix: &str) -> Option<String> {
        let mut entry = self.entry(&self.groups, usize::try_from(index).ok()?)?;
        let name = String::from_utf8_lossy(entry.padded(36, "name").ok()?).into_owned();
        let flags = entry.u32_le("flags").ok()?;
        Some(if flags & SLOT_SUFFIXED_GROUP == 0 { name } else { name + suffix })
    }

    fn device(&self, index: u32) -> Option<String> {
        let mut entry = self.entry(&self.block_devices, usize::try_from(index).ok()?)?;
        entry.skip(24, "first_logical_sector").ok()?;
        Some(String::from_utf8_lossy(entry.padded(36, "partition_name").ok()?).into_owned())
    }
}

/// `LpMetadataExtent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LpExtent {
    num_sectors: u64,
    target_type: u32,
    target_data: u64,
    target_source: u32,
}

/// A partition by its name and where it lies: slots usually describe the same ones.
type Seen = BTreeSet<(Vec<u8>, Vec<LpExtent>)>;

/// All partitions of one slot: facts, and a child for each that has bytes and was not seen in an earlier slot.
fn emit(blob: &Blob, table: &Table, slot: u32, seen: &mut Seen, out: &mut Reading) -> Result<(), Fault> {
    let suffix = if slot == 0 { "_a" } else { "_b" };
    let mut claimed = Vec::new();
    // Every extent belongs to one partition: a table that shares them is refused before it multiplies.
    let mut left = table.extents.num_entries;
    for index in 0..table.partitions.num_entries {
        let Some(mut entry) = table.entry(&table.partitions, index) else { break };
        let at = entry.offset();
        let mut name = entry.padded(36, "name")?.to_vec();
        let attributes = entry.u32_le("attributes")?;
        let first = usize::try_from(entry.u32_le("first_extent_index")?).unwrap_or(usize::MAX);
        let num_extents = usize::try_from(entry.u32_le("num_extents")?).unwrap_or(usize::MAX);
        let group_index = entry.u32_le("group_index")?;
        if attributes & SLOT_SUFFIXED != 0 {
            name.extend_from_slice(suffix.as_bytes());
        }
        left = left.checked_sub(num_extents).ok_or(Fault::malformed("num_extents", at.saturating_add(44)))?;
        let mut extents = Vec::new();
        for index in first..first.saturating_add(num_extents) {
            extents.push(table.extent(index)?);
        }
        let sectors = extents.iter().fold(0u64, |sum, it| sum.saturating_add(it.num_sectors));
        let size = sectors.saturating_mul(SECTOR);
        if PARTITION_MAX < size {
            return Err(Fault::malformed("num_sectors", at));
        }
        let partition = Partition {
            name: String::from_utf8_lossy(&name).into_owned(),
            size,
            group: table.group(group_index, suffix),
            metadata_slot: Some(slot),
            table: "lp".to_owned(),
            attributes: attributes_of(attributes),
        };
        let row = out.row(at, 52, partition);
        out.facts.partitions.push(row);
        claimed.extend(extents.iter().filter(|it| it.target_type == LINEAR).copied());
        if size != 0 && seen.insert((name.clone(), extents.clone())) {
            let image = assemble(blob, table, &name, &extents, size, out);
            out.child(name, image);
        }
    }
    check_overlap(claimed, table, out);
    Ok(())
}

/// A partition as a view of the image.
fn assemble(blob: &Blob, table: &Table, name: &[u8], lp: &[LpExtent], size: u64, out: &mut Reading) -> Blob {
    let mut extents = Vec::with_capacity(lp.len());
    let mut offset = 0u64;
    let mut lost = None;
    for it in lp {
        let len = it.num_sectors.saturating_mul(SECTOR);
        let start = it.target_data.saturating_mul(SECTOR);
        let have = match it.target_type {
            ZERO => len,
            LINEAR if it.target_source == 0 => blob.len().saturating_sub(start).min(len),
            _ => 0,
        };
        if it.target_type == LINEAR && have != 0 {
            extents.push(Extent { offset, len: have, from: Origin::Blob(blob.clone(), start) });
        }
        if have < len {
            let fault = match (it.target_type, it.target_source) {
                (LINEAR, 0) => Fault::Truncated { at: start.saturating_add(have), wanted: len.saturating_sub(have) },
                (LINEAR, device) => Fault::Unsupported(match table.device(device) {
                    Some(device) => format!("extent on block device {device}, which is another image"),
                    None => format!("extent on block device {device}, which the metadata does not name"),
                }),
                (other, _) => Fault::Unsupported(format!("extent of type {other}")),
            };
            let offset = offset.saturating_add(have);
            let len = len.saturating_sub(have);
            extents.push(Extent { offset, len, from: Origin::Missing(fault.clone()) });
            lost = lost.or(Some(fault));
        }
        offset = offset.saturating_add(len);
    }
    if let Some(fault) = lost {
        out.gap(format!("partition {} is incomplete: {fault}", model::path_name(name)));
    }
    Blob::mapped(size, extents)
}

fn attributes_of(bits: u32) -> Vec<String> {
    let names = [(1, "readonly"), (SLOT_SUFFIXED, "slot-suffixed"), (4, "updated"), (8, "disabled")];
    names.iter().filter(|(bit, _)| bits & bit != 0).map(|&(_, name)| name.to_owned()).collect()
}

/// Two extents of one slot that claim the same sectors.
fn check_overlap(mut claimed: Vec<LpExtent>, table: &Table, out: &mut Reading) {
    claimed.sort_by_key(|it| (it.target_source, it.target_data));
    let overlaps = claimed.windows(2).filter(|pair| match pair {
        [a, b] => a.target_source == b.target_source && b.target_data < a.target_data.saturating_add(a.num_sectors),
        _ => false,
    });
    let n = overlaps.count();
    if n != 0 {
        let detail = format!("{n} extents share sectors with another one");
        out.anomaly(table.base, 0, anomaly::Kind::Overlap, detail);
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The digest of a header in which the 32 bytes at `at`, the digest itself, are zero.
fn digest_without(bytes: &[u8], at: usize) -> Option<[u8; 32]> {
    let mut bytes = bytes.to_vec();
    bytes.get_mut(at..at.checked_add(32)?)?.fill(0);
    Some(digest(&bytes))
}

/// `LP_METADATA_GEOMETRY_MAGIC`.
const GEOMETRY_MAGIC: [u8; 4] = 0x616c_4467u32.to_le_bytes();
/// `LP_METADATA_HEADER_MAGIC`.
const METADATA_MAGIC: [u8; 4] = 0x414c_5030u32.to_le_bytes();

const SECTOR: u64 = 512;
const GEOMETRY_SIZE: u64 = 4096;
const PRIMARY_GEOMETRY: u64 = 4096;
const BACKUP_GEOMETRY: u64 = 8192;
/// The first copy of the first slot.
const METADATA: u64 = 12288;

/// `LpMetadataHeaderV1_0` has 128 bytes, `V1_2` 256; a later minor version may add some.
const HEADER_MIN: usize = 128;
const HEADER_MAX: u64 = 4096;

const PARTITION_SIZE: usize = 52;
const EXTENT_SIZE: usize = 24;
const GROUP_SIZE: usize = 48;
const BLOCK_DEVICE_SIZE: usize = 64;

const LINEAR: u32 = 0;
const ZERO: u32 = 1;
const SLOT_SUFFIXED: u32 = 2;
const SLOT_SUFFIXED_GROUP: u32 = 1;

/// Android uses 64 KiB; this holds 160,000 partitions.
const METADATA_MAX: u32 = 8 << 20;

/// Phones have two or three.
const SLOTS_MAX: u32 = 16;

/// No phone has 16 TiB; above it, the number of sectors is a lie.
const PARTITION_MAX: u64 = 16 << 40;
