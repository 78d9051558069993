//! EROFS, the read-only file system of most Android partitions: flat, inline, chunked and compressed files.

mod data;
mod decode;
mod directory;
mod index;
mod inode;
mod superblock;
mod volume;

use std::sync::Arc;

use model::fact::anomaly;
use model::fact::file_system::FileSystem;
use model::{Artifact, Fault, NodeKind};

use crate::walk::{Tally, walk};
use crate::{Format, Kind, Reading, posix};
use directory::{Folders, Named};
use inode::Inode;
use superblock::Superblock;
use volume::Volume;

/// The format.
pub static FORMAT: Format = Format {
    id: "erofs",
    title: "EROFS image",
    spec: "https://erofs.docs.kernel.org/en/latest/core_ondisk.html",
    kind: Kind::FileSystem,
    matches: |_, bytes| bytes.get(1024..).is_some_and(|it| it.starts_with(&superblock::MAGIC)),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let superblock = Superblock::read(&artifact.blob)?;
    let file_system = FileSystem {
        kind: "erofs".into(),
        label: model::path_name(&superblock.volume_name),
        uuid: posix::uuid(&superblock.uuid),
        block_size: u32::try_from(superblock.block_size()).unwrap_or(0),
        size: superblock.block_offset(superblock.blocks.into()),
        features: superblock.features(),
        ..FileSystem::default()
    };
    let size = file_system.size;
    let row = out.row(superblock::OFFSET, superblock::SIZE, file_system);
    out.facts.file_systems.push(row);
    if superblock.unknown_features() != 0 {
        return Err(Fault::Unsupported(format!("feature_incompat {:#x}", superblock.unknown_features())));
    }
    match superblock.checksum_fits(&artifact.blob) {
        Ok(Some(false)) => out.anomaly(1028, 4, anomaly::Kind::BadChecksum, "superblock"),
        Ok(_) => {}
        Err(fault) => out.gap(format!("checksum of the superblock: {fault}")),
    }
    let missing = size.saturating_sub(artifact.blob.len());
    if missing != 0 {
        out.gap(format!("the image ends {missing} bytes before the file system does"));
    }
    let mut tally = Tally::default();
    let n_entries = list(Arc::new(Volume::new(artifact.blob.clone(), superblock)), out, &mut tally);
    tally.finish(out, superblock::OFFSET, superblock::SIZE);
    let n_entries = n_entries?;
    if let Some(row) = out.facts.file_systems.last_mut() {
        row.value.n_entries = n_entries;
    }
    Ok(())
}

/// Lists all that the root leads to, and says how much that is.
fn list(volume: Arc<Volume>, out: &mut Reading, tally: &mut Tally) -> Result<u64, Fault> {
    let packed = match volume.superblock.packed_nid {
        0 => None,
        // A packed inode whose data would come from itself gets none.
        nid => match Inode::read(&volume, nid).and_then(|it| data::data(&volume, None, &it, &out.store)) {
            Ok(packed) => Some(packed),
            Err(fault) => {
                out.gap(format!("packed inode: {fault}"));
                None
            }
        },
    };
    let prefixes = inode::prefixes(&volume, packed.as_ref()).unwrap_or_else(|fault| {
        out.gap(format!("prefixes of attribute names: {fault}"));
        Vec::new()
    });
    let root = Named { nid: volume.superblock.root_nid, file_type: 2 };
    if posix::kind_of(Inode::read(&volume, root.nid)?.mode) != Some(NodeKind::Directory) {
        return Err(Fault::malformed("root_nid", 1038));
    }
    let mut folders = Folders::new(volume, packed, prefixes, out.store.clone());
    Ok(walk(&mut folders, root, out, tally))
}
