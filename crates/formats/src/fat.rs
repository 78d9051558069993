//! FAT12, FAT16 and FAT32: the partitions of modems and boot loaders. Read-only; files are views of the image.

use model::fact::file_system::FileSystem;
use model::{Artifact, Blob, Fault, Node, NodeKind, Reader};

use crate::pages::Pages;
use crate::runs::{Blocks, Runs};
use crate::walk::{Directories, ENTRIES_MAX, Tally, walk};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "fat",
    title: "FAT file system",
    spec: "Microsoft Extensible Firmware Initiative FAT32 File System Specification 1.03",
    kind: Kind::FileSystem,
    matches: |_, head| head.get(..SECTOR).is_some_and(|it| Boot::read(it).is_ok()),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let image = &artifact.blob;
    let boot = Boot::read(&image.read_at(0, SECTOR as u64)?)?;
    let mut fact = FileSystem {
        kind: "fat".to_owned(),
        label: model::path_name(boot.label.trim_ascii_end()),
        uuid: format!("{:04x}-{:04x}", boot.serial >> 16, boot.serial & 0xffff),
        block_size: u32::try_from(boot.sector.saturating_mul(boot.cluster)).unwrap_or(u32::MAX),
        size: boot.n_sectors.saturating_mul(boot.sector),
        mounted_at: None,
        features: vec![format!("fat{}", boot.bits)],
        n_entries: 0,
    };
    if image.len() < fact.size {
        out.gap(format!("the image has {} bytes of the {} that its boot sector says", image.len(), fact.size));
    }
    let root = Entry { cluster: boot.root_cluster, size: 0, attributes: DIRECTORY, at: 0 };
    let mut volume = Volume {
        pages: Pages::new(image.clone()),
        blocks: Blocks::new(image.clone(), boot.sector, boot.n_sectors),
        chain_left: boot.n_clusters,
        boot,
    };
    let mut tally = Tally::default();
    fact.n_entries = walk(&mut volume, root, out, &mut tally);
    out.facts.file_systems.push(out.row(0, SECTOR as u64, fact));
    tally.finish(out, 0, SECTOR as u64);
    Ok(())
}

/// "Boot Sector and BPB".
struct Boot {
    /// Bytes of a sector.
    sector: u64,
    /// Sectors of a cluster.
    cluster: u64,
    /// `BPB_RsvdSecCnt`: the table starts here.
    table: u64,
    n_sectors: u64,
    /// Where the root directory of FAT12 and FAT16 starts, and its sectors.
    root: (u64, u64),
    /// 0 for FAT12 and FAT16.
    root_cluster: u32,
    /// Where cluster 2 starts.
    data: u64,
    n_clusters: u64,
    /// Bits of an entry of the table.
    bits: u32,
    serial: u32,
    label: Vec<u8>,
}

impl Boot {
    /// Strict, since the format has no magic number of its own: what a file system needs must be there and fit together.
    fn read(bytes: &[u8]) -> Result<Boot, Fault> {
        let mut reader = Reader::new(bytes);
        let jump = reader.take(3, "BS_jmpBoot")?;
        if !matches!(jump, [0xeb, _, 0x90] | [0xe9, ..]) {
            return Err(Fault::malformed("BS_jmpBoot", 0));
        }
        reader.skip(8, "BS_OEMName")?;
        let sector = u64::from(reader.u16_le("BPB_BytsPerSec")?);
        let cluster = u64::from(reader.u8("BPB_SecPerClus")?);
        let table = u64::from(reader.u16_le("BPB_RsvdSecCnt")?);
        let n_tables = u64::from(reader.u8("BPB_NumFATs")?);
        let n_root = u64::from(reader.u16_le("BPB_RootEntCnt")?);
        let n_sectors_16 = u64::from(reader.u16_le("BPB_TotSec16")?);
        let media = reader.u8("BPB_Media")?;
        let table_size_16 = u64::from(reader.u16_le("BPB_FATSz16")?);
        reader.skip(8, "BPB_SecPerTrk")?;
        let n_sectors_32 = u64::from(reader.u32_le("BPB_TotSec32")?);
        let wide = table_size_16 == 0;
        let (mut table_size, mut root_cluster) = (table_size_16, 0);
        if wide {
            table_size = reader.u32_le("BPB_FATSz32")?.into();
            reader.skip(4, "BPB_ExtFlags")?;
            root_cluster = reader.u32_le("BPB_RootClus")?;
            reader.skip(16, "BPB_FSInfo")?;
        }
        reader.skip(3, "BS_DrvNum")?;
        let serial = reader.u32_le("BS_VolID")?;
        let label = reader.take(11, "BS_VolLab")?.to_vec();
        reader.seek(510, "signature")?;
        reader.expect(&[0x55, 0xaa], "signature")?;

        let n_sectors = if n_sectors_16 != 0 { n_sectors_16 } else { n_sectors_32 };
        let root_start = table.saturating_add(n_tables.saturating_mul(table_size));
        let root_size = n_root.saturating_mul(ENTRY_LEN).div_ceil(sector.max(1));
        let data = root_start.saturating_add(root_size);
        let n_clusters = n_sectors.checked_sub(data).and_then(|it| it.checked_div(cluster)).unwrap_or_default();
        let bits = match n_clusters {
            _ if wide => 32,
            0..4085 => 12,
            _ => 16,
        };
        let table_bits = table_size.saturating_mul(sector).saturating_mul(8);
        let fits = n_clusters.saturating_add(2).saturating_mul(bits.into()) <= table_bits;
        let sane = sector.is_power_of_two()
            && (512..=4096).contains(&sector)
            && cluster.is_power_of_two()
            && table != 0
            && matches!(n_tables, 1 | 2)
            && matches!(media, 0xf0 | 0xf8..)
            && wide == (n_root == 0)
            && (n_sectors_16 == 0) != (n_sectors_32 == 0)
            && n_clusters != 0
            && n_clusters < CLUSTERS_MAX
            && fits;
        if !sane {
            return Err(Fault::malformed("BPB", 11));
        }
        Ok(Boot {
            sector,
            cluster,
            table,
            n_sectors,
            root: (root_start, root_size),
            root_cluster,
            data,
            n_clusters,
            bits,
            serial,
            label,
        })
    }
}

/// A directory entry.
#[derive(Debug, Clone)]
struct Entry {
    cluster: u32,
    size: u32,
    attributes: u8,
    /// Where it stands, in its directory.
    at: u64,
}

struct Volume {
    boot: Boot,
    pages: Pages,
    blocks: Blocks,
    /// How many clusters may still be followed: none belongs to two files, so that all have no more than there are.
    chain_left: u64,
}

impl Volume {
    /// The bytes of a chain of clusters, and why not all of them can be read: at most `size` bytes, or all of it.
    fn chain(&mut self, first: u32, size: Option<u64>) -> (Blob, Option<Fault>) {
        let cluster_size = self.boot.cluster.saturating_mul(self.boot.sector);
        let wanted = size.map_or(u64::MAX, |it| it.div_ceil(cluster_size.max(1)));
        let mut clusters = Vec::new();
        let mut next = u64::from(first);
        let mut fault = None;
        while (clusters.len() as u64) < wanted {
            match self.step(next) {
                Ok(Some(after)) => {
                    clusters.push(next);
                    next = after;
                }
                Ok(None) if size.is_none() && !clusters.is_empty() => break,
                Ok(None) => {
                    let at = self.entry_offset(next);
                    fault = Some(Fault::malformed("chain of clusters", at));
                    break;
                }
                Err(broken) => {
                    fault = Some(broken);
                    break;
                }
            }
        }
        let n_clusters = clusters.len() as u64;
        let mut runs = Runs::new(&self.blocks, size.unwrap_or(n_clusters.saturating_mul(cluster_size)));
        for (cluster, n) in clusters.into_iter().zip(0u64..) {
            let start = cluster.saturating_sub(2).saturating_mul(self.boot.cluster).saturating_add(self.boot.data);
            runs.push(n.saturating_mul(self.boot.cluster), start, self.boot.cluster, 0);
        }
        if let Some(fault) = fault.clone() {
            let logical = n_clusters.saturating_mul(self.boot.cluster);
            runs.missing(logical, runs.n_blocks().saturating_sub(logical), fault);
        }
        let (blob, missing) = runs.content();
        (blob, fault.or(missing))
    }

    /// The cluster after this one; itself no cluster, it is the end.
    fn step(&mut self, cluster: u64) -> Result<Option<u64>, Fault> {
        if cluster < 2 || self.boot.n_clusters.saturating_add(2) <= cluster {
            return Ok(None);
        }
        let exceeded = Fault::Limit { what: "clusters of all files", bound: self.boot.n_clusters };
        self.chain_left = self.chain_left.checked_sub(1).ok_or(exceeded)?;
        let at = self.entry_offset(cluster);
        let len = if self.boot.bits == 32 { 4 } else { 2 };
        let bytes = self.pages.read(at, len)?;
        let value = bytes.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        Ok(Some(match self.boot.bits {
            12 if cluster & 1 != 0 => value >> 4,
            12 => value & 0xfff,
            16 => value,
            _ => value & 0x0fff_ffff,
        }))
    }

    fn entry_offset(&self, cluster: u64) -> u64 {
        let offset = cluster.saturating_mul(self.boot.bits.into()) >> 3;
        self.boot.table.saturating_mul(self.boot.sector).saturating_add(offset)
    }
}

impl Directories for Volume {
    type Id = Entry;

    fn key(&self, id: &Entry) -> u64 {
        id.cluster.into()
    }

    fn list(&mut self, directory: &Entry, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, Entry)> {
        let (start, len) = self.boot.root;
        let (blob, fault) = if directory.cluster == 0 {
            let (offset, len) = (start.saturating_mul(self.boot.sector), len.saturating_mul(self.boot.sector));
            let blob = self.blocks.image.clamp(offset, len);
            let fault = (blob.len() < len).then_some(Fault::Truncated { at: offset, wanted: len });
            (blob, fault)
        } else {
            self.chain(directory.cluster, None)
        };
        let mut entries = Vec::new();
        if let Some(fault) = read_directory(&blob, &mut entries).err().or(fault) {
            tally.fault("directories are not listed, or in part", path, &fault);
        }
        entries
    }

    fn open(&mut self, id: &Entry, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault> {
        if id.attributes & DIRECTORY != 0 {
            if id.cluster == 0 {
                return Err(Fault::malformed("DIR_FstClusLO", id.at));
            }
            return Ok((Node { kind: NodeKind::Directory, ..Node::default() }, Blob::empty()));
        }
        if id.size == 0 {
            return Ok((Node::file(), Blob::empty()));
        }
        let (blob, fault) = self.chain(id.cluster, Some(id.size.into()));
        if let Some(fault) = fault {
            tally.fault("files cannot be read, or in part", path, &fault);
        }
        Ok((Node::file(), blob))
    }
}

/// "FAT Directory Structure". What was read before a fault stays in `entries`.
fn read_directory(blob: &Blob, entries: &mut Vec<(Vec<u8>, Entry)>) -> Result<(), Fault> {
    let mut long = LongName::default();
    let mut offset = 0u64;
    while offset < blob.len() {
        let chunk = blob.read_up_to(offset, CHUNK)?;
        for (record, n) in chunk.chunks_exact(32).zip(0u64..) {
            let at = offset.saturating_add(n.saturating_mul(ENTRY_LEN));
            let mut reader = Reader::at(record, at);
            let short: [u8; 11] = reader.array("DIR_Name")?;
            let attributes = reader.u8("DIR_Attr")?;
            match short {
                [0, ..] => return Ok(()),
                [0xe5, ..] => {
                    long = LongName::default();
                    continue;
                }
                _ => {}
            }
            if attributes & LONG_NAME_MASK == LONG_NAME {
                long.push(record);
                continue;
            }
            let name = std::mem::take(&mut long).finish(&short);
            let case = reader.u8("DIR_NTRes")?;
            reader.skip(7, "DIR_CrtTimeTenth")?;
            let high = reader.u16_le("DIR_FstClusHI")?;
            reader.skip(4, "DIR_WrtTime")?;
            let low = reader.u16_le("DIR_FstClusLO")?;
            let size = reader.u32_le("DIR_FileSize")?;
            if attributes & VOLUME_ID != 0 || matches!(&short, b".          " | b"..         ") {
                continue;
            }
            if ENTRIES_MAX <= entries.len() as u64 {
                return Err(Fault::Limit { what: "entries of a directory", bound: ENTRIES_MAX });
            }
            let cluster = u32::from(low) | u32::from(high) << 16;
            let name = name.unwrap_or_else(|| short_name(&short, case));
            entries.push((name, Entry { cluster, size, attributes, at }));
        }
        offset = offset.saturating_add(CHUNK);
    }
    Ok(())
}

/// A name of eight and three characters, in the case that `DIR_NTRes` says.
fn short_name(short: &[u8; 11], case: u8) -> Vec<u8> {
    let (base, extension) = short.split_at(8);
    let part = |bytes: &[u8], lower: bool| {
        let bytes = bytes.trim_ascii_end();
        if lower { bytes.to_ascii_lowercase() } else { bytes.to_vec() }
    };
    let mut name = part(base, case & 8 != 0);
    // This value stands for a first character that would mean "deleted".
    if let Some(first @ 5) = name.first_mut() {
        *first = 0xe5;
    }
    let extension = part(extension, case & 16 != 0);
    if !extension.is_empty() {
        name.push(b'.');
        name.extend(extension);
    }
    name
}

/// The entries of a long name, which stand before the short one, last part first.
#[derive(Default)]
struct LongName {
    parts: Vec<Vec<u16>>,
    /// The number that the next part must have; 0 when all are there.
    next: u8,
    checksum: u8,
}

impl LongName {
    fn push(&mut self, record: &[u8]) {
        let (Some(&order), Some(&checksum)) = (record.first(), record.get(13)) else { return };
        if order & LAST_PART != 0 {
            *self = LongName { parts: Vec::new(), next: order & !LAST_PART, checksum };
        }
        if order & !LAST_PART != self.next || self.next == 0 || checksum != self.checksum {
            // Parts that do not belong together name nothing.
            *self = LongName::default();
            return;
        }
        let fields = [record.get(1..11), record.get(14..26), record.get(28..32)];
        let units = fields.into_iter().flatten().flat_map(|it| it.chunks_exact(2));
        self.parts.push(units.map(|it| u16::from_le_bytes(it.try_into().unwrap_or_default())).collect());
        self.next = self.next.saturating_sub(1);
    }

    /// The name, if it is whole and belongs to this short one.
    fn finish(self, short: &[u8; 11]) -> Option<Vec<u8>> {
        let checksum = short.iter().fold(0u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte));
        if self.parts.is_empty() || self.next != 0 || self.checksum != checksum {
            return None;
        }
        let units: Vec<u16> = self.parts.into_iter().rev().flatten().take_while(|&it| it != 0).collect();
        Some(String::from_utf16_lossy(&units).into_bytes())
    }
}

/// The boot sector, whatever the size of a sector.
const SECTOR: usize = 512;
const ENTRY_LEN: u64 = 32;
/// How much of a directory is read at once.
const CHUNK: u64 = 64 << 10;
/// Numbers of clusters have 28 bits, and the last few mean other things.
const CLUSTERS_MAX: u64 = 0x0fff_fff5;

const VOLUME_ID: u8 = 0x8;
const DIRECTORY: u8 = 0x10;
const LONG_NAME: u8 = 0xf;
const LONG_NAME_MASK: u8 = 0x3f;
const LAST_PART: u8 = 0x40;
