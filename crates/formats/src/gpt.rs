//! GUID partition tables: the partitions of a whole disk, or (`gpt_main0.bin` of flashing packages) of the table alone.

use model::fact::anomaly;
use model::fact::partition::Partition;
use model::{Artifact, Extent, Fault, Origin, Reader};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "gpt",
    title: "GUID partition table",
    spec: "UEFI Specification 2.10, section 5.3",
    kind: Kind::Wrapper,
    matches: |_, bytes| block_size_of(bytes).is_some(),
    read,
};

/// Flash of the UFS kind has blocks of 4 KiB, eMMC of 512 bytes. The header stands in the second block.
fn block_size_of(bytes: &[u8]) -> Option<u64> {
    [512usize, 4096]
        .into_iter()
        .find(|&it| bytes.get(it..).is_some_and(|it| it.starts_with(MAGIC)))
        .and_then(|it| u64::try_from(it).ok())
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    let Some(block) = block_size_of(&blob.read_up_to(0, crate::HEAD_SIZE)?) else { return Ok(()) };
    let bytes = blob.read_at(block, 512)?;
    let mut header = Reader::at(&bytes, block);
    header.skip(12, "Signature")?;
    let header_size = header.u32_le("HeaderSize")?;
    let header_crc = header.u32_le("HeaderCRC32")?;
    header.skip(20, "MyLBA")?;
    let first_usable = header.u64_le("FirstUsableLBA")?;
    header.skip(24, "LastUsableLBA")?;
    let entries_lba = header.u64_le("PartitionEntryLBA")?;
    let n_entries = header.u32_le("NumberOfPartitionEntries")?;
    let entry_size = header.u32_le("SizeOfPartitionEntry")?;
    let entries_crc = header.u32_le("PartitionEntryArrayCRC32")?;
    if entry_size < ENTRY_MIN {
        return Err(Fault::malformed("SizeOfPartitionEntry", block.saturating_add(84)));
    }
    let at = entries_lba.checked_mul(block).ok_or(Fault::malformed("PartitionEntryLBA", block.saturating_add(72)))?;
    let size = u64::from(n_entries).saturating_mul(entry_size.into());
    if TABLE_MAX < size {
        return Err(Fault::Limit { what: "NumberOfPartitionEntries", bound: TABLE_MAX });
    }
    let table = blob.read_at(at, size)?;
    let mut summed = bytes.get(..usize::try_from(header_size).unwrap_or(usize::MAX)).unwrap_or_default().to_vec();
    summed.iter_mut().skip(16).take(4).for_each(|it| *it = 0);
    if crc32(&summed) != header_crc || crc32(&table) != entries_crc {
        out.anomaly(block, 92, anomaly::Kind::BadChecksum, "header or entries");
    }
    // A file that ends before the first partition holds the table alone.
    let has_data = first_usable.saturating_mul(block) < blob.len();
    let mut entries = Reader::at(&table, at);
    for _ in 0..n_entries {
        let at = entries.offset();
        let entry = entries.take(usize::try_from(entry_size).unwrap_or(usize::MAX), "entries")?;
        if let Err(fault) = partition(artifact, Reader::at(entry, at), block, has_data, out) {
            out.gap(format!("partition entry: {fault}"));
        }
    }
    Ok(())
}

/// One entry; those of the type zero are unused.
fn partition(
    artifact: &Artifact,
    mut entry: Reader,
    block: u64,
    has_data: bool,
    out: &mut Reading,
) -> Result<(), Fault> {
    let at = entry.offset();
    if entry.array::<16>("PartitionTypeGUID")? == [0; 16] {
        return Ok(());
    }
    entry.skip(16, "UniquePartitionGUID")?;
    let first = entry.u64_le("StartingLBA")?;
    let last = entry.u64_le("EndingLBA")?;
    let attributes = entry.u64_le("Attributes")?;
    let mut units = Vec::new();
    for _ in 0..36 {
        units.push(entry.u16_le("PartitionName")?);
    }
    let units = units.split(|&it| it == 0).next().unwrap_or_default();
    let name = String::from_utf16_lossy(units);
    let n_blocks = last.checked_sub(first).and_then(|it| it.checked_add(1));
    let range = n_blocks.and_then(|it| it.checked_mul(block)).zip(first.checked_mul(block));
    let (size, start) =
        range.filter(|it| it.0 <= SIZE_MAX).ok_or(Fault::malformed("EndingLBA", at.saturating_add(40)))?;
    let fact = Partition {
        name: name.clone(),
        size,
        group: None,
        metadata_slot: None,
        table: "gpt".to_owned(),
        attributes: if attributes >> 60 & 1 == 1 { vec!["readonly".to_owned()] } else { Vec::new() },
    };
    let row = out.row(at, u64::from(ENTRY_MIN), fact);
    out.facts.partitions.push(row);
    if !has_data {
        return Ok(());
    }
    let there = artifact.blob.clamp(start, size);
    let lost = size.saturating_sub(there.len());
    if lost == 0 {
        out.child(name, there);
        return Ok(());
    }
    let fault = Fault::Truncated { at: start.saturating_add(there.len()), wanted: lost };
    out.gap(format!("partition {name} is incomplete: {fault}"));
    let have = there.len();
    let extents = vec![
        Extent { offset: 0, len: have, from: Origin::Blob(there, 0) },
        Extent { offset: have, len: lost, from: Origin::Missing(fault) },
    ];
    out.child(name, model::Blob::mapped(size, extents));
    Ok(())
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// `Signature`, and revision 1.0.
const MAGIC: &[u8] = b"EFI PART\0\0\x01\0";

const ENTRY_MIN: u32 = 128;

/// Phones have up to 128 entries of 128 bytes.
const TABLE_MAX: u64 = 4 << 20;

/// No phone has 16 TiB.
const SIZE_MAX: u64 = 16 << 40;
