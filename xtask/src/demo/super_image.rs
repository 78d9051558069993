//! A super partition with its table of dynamic partitions (AOSP `fs_mgr/liblp/include/liblp/metadata_format.h`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::files;
use super::tools::sha256;

/// Writes the partitions behind each other, the table twice for each of two slots. A partition without a file is empty.
///
/// # Errors
/// A file cannot be read or written.
pub fn write(out: &Path, partitions: &[(&str, Option<PathBuf>)]) -> Result<()> {
    let mut image = vec![0u8; FIRST_BYTE];
    let (mut rows, mut extents) = (Vec::new(), Vec::new());
    for (name, file) in partitions {
        let group = if name.ends_with("_a") { 1u32 } else { 2 };
        let n_extents = u32::from(file.is_some());
        rows.extend(fixed::<36>(name));
        rows.extend([1, extents.len() as u32 / EXTENT, n_extents, group].iter().flat_map(|it| it.to_le_bytes()));
        if let Some(file) = file {
            let bytes = files::read(file)?;
            let first_sector = image.len() as u64 / SECTOR;
            image.extend(bytes);
            image.resize(image.len().next_multiple_of(ALIGNMENT), 0);
            let n_sectors = image.len() as u64 / SECTOR - first_sector;
            extents.extend(n_sectors.to_le_bytes());
            extents.extend(0u32.to_le_bytes());
            extents.extend(first_sector.to_le_bytes());
            extents.extend(0u32.to_le_bytes());
        }
    }
    let size = (image.len() as u64).next_multiple_of(1 << 20);
    image.resize(size as usize, 0);
    let mut groups = Vec::new();
    for (name, maximum) in [("default", 0), ("larkspur_a", size), ("larkspur_b", size)] {
        groups.extend(fixed::<36>(name));
        groups.extend(0u32.to_le_bytes());
        groups.extend(u64::to_le_bytes(maximum));
    }
    let mut device = Vec::new();
    device.extend((FIRST_BYTE as u64 / SECTOR).to_le_bytes());
    device.extend((ALIGNMENT as u32).to_le_bytes());
    device.extend(0u32.to_le_bytes());
    device.extend(size.to_le_bytes());
    device.extend(fixed::<36>("super"));
    device.extend(0u32.to_le_bytes());

    let metadata = metadata(&[(&rows, 52), (&extents, EXTENT as usize), (&groups, 48), (&device, 64)])?;
    let geometry = geometry()?;
    image[4096..4096 + geometry.len()].copy_from_slice(&geometry);
    image[8192..8192 + geometry.len()].copy_from_slice(&geometry);
    for copy in 0..2 * SLOTS as usize {
        let at = 12288 + copy * METADATA_SIZE as usize;
        image[at..at + metadata.len()].copy_from_slice(&metadata);
    }
    Ok(fs::write(out, image)?)
}

/// `LpMetadataGeometry`.
fn geometry() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.extend(0x616c_4467u32.to_le_bytes());
    bytes.extend(52u32.to_le_bytes());
    bytes.extend([0; 32]);
    bytes.extend([METADATA_SIZE, SLOTS, 4096].iter().flat_map(|it| it.to_le_bytes()));
    let checksum = sha256(&bytes)?;
    bytes[8..40].copy_from_slice(&checksum);
    Ok(bytes)
}

/// `LpMetadataHeader` and the tables behind it, each with the size of its rows.
fn metadata(tables: &[(&[u8], usize)]) -> Result<Vec<u8>> {
    let all: Vec<u8> = tables.iter().flat_map(|it| it.0).copied().collect();
    let mut header = Vec::new();
    header.extend(0x414c_5030u32.to_le_bytes());
    header.extend([10u16, 0].iter().flat_map(|it| it.to_le_bytes()));
    header.extend(128u32.to_le_bytes());
    header.extend([0; 32]);
    header.extend((all.len() as u32).to_le_bytes());
    header.extend(sha256(&all)?);
    let mut offset = 0;
    for (table, row) in tables {
        let words = [offset as u32, (table.len() / row) as u32, *row as u32];
        header.extend(words.iter().flat_map(|it| it.to_le_bytes()));
        offset += table.len();
    }
    let checksum = sha256(&header)?;
    header[12..44].copy_from_slice(&checksum);
    header.extend(all);
    Ok(header)
}

/// A name, filled up with zeros.
fn fixed<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes
}

const SECTOR: u64 = 512;
const EXTENT: u32 = 24;
const SLOTS: u32 = 2;
const METADATA_SIZE: u32 = 65536;
const ALIGNMENT: usize = 4096;
/// Where the first partition begins: behind the tables.
const FIRST_BYTE: usize = 1 << 20;
