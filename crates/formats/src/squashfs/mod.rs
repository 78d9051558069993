//! Squashfs 4.0, little-endian: some vendor partitions, OEM overlays, and APEX payloads of other systems.

mod data;
mod decode;
mod directory;
mod inode;
mod volume;

use std::sync::Arc;

use model::fact::file_system::FileSystem;
use model::{Artifact, Blob, Fault, Reader};

use crate::walk::{Tally, walk};
use crate::{Format, Kind, Reading};
use directory::{Folders, Named};
use volume::Volume;

/// The format.
pub static FORMAT: Format = Format {
    id: "squashfs",
    title: "squashfs image",
    spec: "https://dr-emann.github.io/squashfs/squashfs.html",
    kind: Kind::FileSystem,
    matches: |_, bytes| bytes.starts_with(b"hsqs"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let superblock = Superblock::read(&artifact.blob)?;
    let mut fact = FileSystem {
        kind: "squashfs".into(),
        block_size: superblock.block_size,
        size: superblock.bytes_used,
        features: superblock.features(),
        ..FileSystem::default()
    };
    let missing = superblock.bytes_used.saturating_sub(artifact.blob.len());
    if missing != 0 {
        out.gap(format!("the image ends {missing} bytes before the file system does"));
    }
    let mut tally = Tally::default();
    let root = Named { inode: superblock.root_inode, kind: 1 };
    let n_entries = Volume::open(artifact.blob.clone(), superblock, out).and_then(|volume| {
        let mut folders = Folders::new(Arc::new(volume), out.store.clone());
        folders.check(root)?;
        Ok(walk(&mut folders, root, out, &mut tally))
    });
    fact.n_entries = n_entries.as_ref().copied().unwrap_or(0);
    out.facts.file_systems.push(out.row(0, SUPERBLOCK_SIZE, fact));
    tally.finish(out, 0, SUPERBLOCK_SIZE);
    n_entries.map(drop)
}

/// `squashfs_super_block`. Offsets of tables count from the start of the image.
struct Superblock {
    block_size: u32,
    n_fragments: u32,
    compressor: u16,
    flags: u16,
    n_ids: u16,
    root_inode: u64,
    bytes_used: u64,
    id_table: u64,
    xattr_table: u64,
    inode_table: u64,
    directory_table: u64,
    fragment_table: u64,
}

impl Superblock {
    fn read(blob: &Blob) -> Result<Superblock, Fault> {
        let bytes = blob.read_at(0, SUPERBLOCK_SIZE)?;
        let mut reader = Reader::new(&bytes);
        reader.expect(b"hsqs", "magic")?;
        reader.skip(8, "inode_count")?;
        let block_size = reader.u32_le("block_size")?;
        let n_fragments = reader.u32_le("fragment_entry_count")?;
        let compressor = reader.u16_le("compression_id")?;
        reader.skip(2, "block_log")?;
        let flags = reader.u16_le("flags")?;
        let n_ids = reader.u16_le("id_count")?;
        let (major, minor) = (reader.u16_le("version_major")?, reader.u16_le("version_minor")?);
        if major != 4 {
            return Err(Fault::Unsupported(format!("version {major}.{minor}")));
        }
        if !block_size.is_power_of_two() || !(BLOCK_SIZE_MIN..=BLOCK_SIZE_MAX).contains(&block_size) {
            return Err(Fault::malformed("block_size", 12));
        }
        let root_inode = reader.u64_le("root_inode_ref")?;
        let bytes_used = reader.u64_le("bytes_used")?;
        let id_table = reader.u64_le("id_table_start")?;
        let xattr_table = reader.u64_le("xattr_id_table_start")?;
        let inode_table = reader.u64_le("inode_table_start")?;
        let directory_table = reader.u64_le("directory_table_start")?;
        let fragment_table = reader.u64_le("fragment_table_start")?;
        Ok(Superblock {
            block_size,
            n_fragments,
            compressor,
            flags,
            n_ids,
            root_inode,
            bytes_used,
            id_table,
            xattr_table,
            inode_table,
            directory_table,
            fragment_table,
        })
    }

    fn features(&self) -> Vec<String> {
        let named = FLAGS.iter().filter(|it| self.flags & it.0 != 0).map(|it| it.1.to_owned());
        named.chain([decode::name_of(self.compressor)]).collect()
    }
}

const SUPERBLOCK_SIZE: u64 = 96;

/// What Linux accepts.
const BLOCK_SIZE_MIN: u32 = 4 << 10;
const BLOCK_SIZE_MAX: u32 = 1 << 20;

const FLAGS: [(u16, &str); 10] = [
    (0x001, "uncompressed_inodes"),
    (0x002, "uncompressed_data"),
    (0x008, "uncompressed_fragments"),
    (0x010, "no_fragments"),
    (0x020, "always_fragments"),
    (0x040, "duplicates"),
    (0x080, "exportable"),
    (0x100, "uncompressed_xattrs"),
    (0x200, "no_xattrs"),
    (0x400, "compressor_options"),
];
