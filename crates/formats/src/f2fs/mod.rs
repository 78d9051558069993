//! F2FS: the file system of many Android data partitions, and in its read-only form of system images.
//!
//! Files are views of the image: only metadata is read, and compressed clusters are decoded where someone reads.

mod checkpoint;
mod compress;
mod crc;
mod directory;
mod inode;
mod lzo;
mod superblock;

use std::collections::HashMap;

use model::fact::anomaly;
use model::fact::file_system::FileSystem;
use model::{Artifact, Blob, Extent, Fault, FileCapability, Node, NodeKind, Origin, Reader, Store};

use crate::pages::Pages;
use crate::runs::{Blocks, Runs};
use crate::walk::{Directories, Tally, walk};
use crate::{Format, Kind, Reading, posix};
use checkpoint::Checkpoint;
use inode::Inode;
use superblock::Superblock;

/// The format.
pub static FORMAT: Format = Format {
    id: "f2fs",
    title: "F2FS",
    spec: "Linux Documentation/filesystems/f2fs.rst and include/linux/f2fs_fs.h",
    kind: Kind::FileSystem,
    matches: |_, head| {
        let copies = [superblock::OFFSET, superblock::OFFSET.saturating_add(SMALLEST_BLOCK)];
        copies
            .into_iter()
            .any(|at| usize::try_from(at).ok().and_then(|at| head.get(at..)).is_some_and(superblock::matches))
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let image = &artifact.blob;
    let read_copy = |at: u64| Superblock::read(&image.read_up_to(at, superblock::SIZE)?, at);
    let second = superblock::OFFSET.saturating_add(SMALLEST_BLOCK);
    let (sb, at) = match read_copy(superblock::OFFSET) {
        Ok(sb) => (sb, superblock::OFFSET),
        Err(first) => {
            let sb = read_copy(second).map_err(|_| first.clone())?;
            let detail = format!("the first superblock is not valid ({first}): its copy is read");
            out.anomaly(superblock::OFFSET, superblock::SIZE, anomaly::Kind::Garbage, detail);
            (sb, second)
        }
    };
    let size = superblock::SIZE.min(image.len().saturating_sub(at));
    let mut fact = FileSystem {
        kind: "f2fs".to_owned(),
        label: model::path_name(sb.volume_name.as_bytes()),
        uuid: posix::uuid(&sb.uuid),
        block_size: u32::try_from(sb.block_size()).unwrap_or(u32::MAX),
        size: sb.block_count.saturating_mul(sb.block_size()),
        mounted_at: None,
        features: sb.features(),
        n_entries: 0,
    };
    if image.len() < fact.size {
        out.gap(format!("the image has {} bytes of the {} that its superblock says", image.len(), fact.size));
    }
    if sb.multi_device {
        out.gap("it spans several devices: what lies on the others is not read");
    }
    let checkpoint = match Checkpoint::read(image, &sb) {
        Ok(checkpoint) => checkpoint,
        Err(fault) => {
            out.facts.file_systems.push(out.row(at, size, fact));
            return Err(fault);
        }
    };
    if checkpoint.flags & checkpoint::UMOUNT == 0 {
        out.gap("it was not unmounted cleanly: what was written after the last checkpoint is not read");
    }
    let mut tally = Tally::default();
    let root = sb.root_ino;
    let mut volume = Volume::new(image.clone(), sb, checkpoint, out.store.clone());
    fact.n_entries = walk(&mut volume, root, out, &mut tally);
    out.facts.file_systems.push(out.row(at, size, fact));
    tally.finish(out, at, size);
    Ok(())
}

/// The second superblock starts one block behind the first.
const SMALLEST_BLOCK: u64 = 4096;

/// A file system, and what was read of it.
struct Volume {
    image: Blob,
    sb: Superblock,
    checkpoint: Checkpoint,
    store: Store,
    pages: Pages,
    blocks: Blocks,
    /// Files with several names.
    linked: HashMap<u32, (Node, Blob)>,
    /// How many bytes of directories may still be read: no block belongs to two, so all have less than the image.
    directories_left: u64,
}

impl Volume {
    fn new(image: Blob, sb: Superblock, checkpoint: Checkpoint, store: Store) -> Volume {
        Volume {
            pages: Pages::new(image.clone()),
            blocks: Blocks::new(image.clone(), sb.block_size(), sb.block_count),
            linked: HashMap::new(),
            directories_left: image.len(),
            image,
            sb,
            checkpoint,
            store,
        }
    }

    /// Reads a node block; the second value is where it stands.
    fn node(&mut self, nid: u32) -> Result<(Vec<u8>, u64), Fault> {
        let address = match self.checkpoint.journal.get(&nid) {
            Some(&address) => address,
            None => self.address(nid)?,
        };
        let at = self.blocks.node(address.into())?;
        let bytes = self.pages.read(at, usize::try_from(self.sb.block_size()).unwrap_or_default())?;
        let mut reader = Reader::at(&bytes, at);
        reader.seek(bytes.len().saturating_sub(inode::NODE_FOOTER_LEN), "node_footer")?;
        if reader.u32_le("nid")? != nid {
            return Err(Fault::malformed("nid", at));
        }
        Ok((bytes, at))
    }

    /// The address of a node, from the node address table.
    fn address(&mut self, nid: u32) -> Result<u32, Fault> {
        let table = u64::from(self.sb.nat_blkaddr);
        let malformed = Fault::malformed("nid", table.saturating_mul(self.sb.block_size()));
        let nid = u64::from(nid);
        let per_block = self.sb.block_size().checked_div(NAT_ENTRY_LEN).unwrap_or(1);
        let (block, within) = (nid.checked_div(per_block), nid.checked_rem(per_block));
        let (Some(block), Some(within)) = (block, within) else { return Err(malformed) };
        // Segments come in pairs: the first copy of 512 blocks, then the second.
        let per_seg = self.sb.blocks_per_seg();
        let pair = block.wrapping_shr(self.sb.log_blocks_per_seg);
        if u64::from(self.sb.segment_count_nat >> 1) <= pair {
            return Err(malformed);
        }
        let second = self.checkpoint.second_copy(block).ok_or(malformed)?;
        let block = table
            .saturating_add(pair.saturating_mul(per_seg).saturating_mul(2))
            .saturating_add(block & per_seg.saturating_sub(1))
            .saturating_add(if second { per_seg } else { 0 });
        let at = block.saturating_mul(self.sb.block_size()).saturating_add(within.saturating_mul(NAT_ENTRY_LEN));
        let bytes = self.pages.read(at, 9)?;
        let mut reader = Reader::at(&bytes, at);
        reader.skip(5, "ino")?;
        reader.u32_le("block_addr")
    }

    fn inode(&mut self, ino: u32) -> Result<(Inode, u64), Fault> {
        let (bytes, at) = self.node(ino)?;
        Ok((Inode::read(&bytes, at, &self.sb)?, at))
    }

    /// The bytes of a file, directory or link, and why not all of them can be read.
    fn content(&mut self, inode: &Inode, at: u64) -> Result<(Blob, Option<Fault>), Fault> {
        if SIZE_MAX < inode.size {
            return Err(Fault::malformed("i_size", at));
        }
        if let Some(data) = inode.inline_data() {
            let data = Extent { offset: 0, len: data.len() as u64, from: Origin::Blob(Blob::from_bytes(data), 0) };
            return Ok((Blob::mapped(inode.size, vec![data]), None));
        }
        if inode.flags & inode::DEVICE_ALIAS_FL != 0 {
            return Err(Fault::Unsupported("a file that stands for a device".into()));
        }
        let cluster_blocks = inode.cluster_blocks().unwrap_or(1);
        if CLUSTER_BLOCKS_MAX < cluster_blocks {
            return Err(Fault::malformed("i_log_cluster_size", at));
        }
        let mut file = File {
            runs: Runs::new(&self.blocks, inode.size),
            logical: 0,
            cluster_blocks,
            compressed: inode.cluster_blocks().is_some(),
            clusters: Vec::new(),
        };
        file.addresses(&inode.addrs, at);
        for (nid, level) in inode.nids.into_iter().zip([0, 0, 1, 1, 2]) {
            self.indirect(nid, level, &mut file);
        }
        if !file.clusters.is_empty() {
            let cluster_size = cluster_blocks.saturating_mul(self.sb.block_size());
            let numbers: Vec<u64> = file.clusters.iter().map(|it| it.0).collect();
            let blob = self.store.chunked(compress::Clusters {
                image: self.image.clone(),
                block_size: self.sb.block_size(),
                cluster_size,
                size: inode.size,
                algorithm: inode.compress_algorithm,
                clusters: file.clusters,
            });
            for number in numbers {
                let offset = number.saturating_mul(cluster_size);
                file.runs.add(Extent { offset, len: cluster_size, from: Origin::Blob(blob.clone(), offset) });
            }
        }
        Ok(file.runs.content())
    }

    /// A node of the map: of addresses (level 0), or of nodes.
    fn indirect(&mut self, nid: u32, level: u32, file: &mut File) {
        let per_node = self.sb.block_size().saturating_sub(inode::NODE_FOOTER_LEN as u64) >> 2;
        let covered = file.whole_clusters(per_node).saturating_mul(per_node.saturating_pow(level));
        let end = file.logical.saturating_add(covered);
        if nid != 0 && file.logical < file.runs.n_blocks() {
            match self.node(nid) {
                Ok((bytes, at)) => {
                    let len = bytes.len().saturating_sub(inode::NODE_FOOTER_LEN);
                    let bytes = bytes.get(..len).unwrap_or_default();
                    match level.checked_sub(1) {
                        None => file.addresses(bytes, at),
                        Some(below) => {
                            for nid in bytes.chunks_exact(4) {
                                if file.runs.n_blocks() <= file.logical {
                                    break;
                                }
                                let nid = u32::from_le_bytes(nid.try_into().unwrap_or_default());
                                self.indirect(nid, below, file);
                            }
                        }
                    }
                }
                Err(fault) => file.runs.missing(file.logical, covered, fault),
            }
        }
        file.logical = end;
    }

    /// All attributes, of the inode and of its node, put into `node`.
    fn read_attributes(&mut self, inode: &Inode, at: u64, node: &mut Node) -> Result<(), Fault> {
        let mut bytes = inode.inline_xattr.clone();
        let mut at = at;
        if inode.xattr_nid != 0 {
            let (block, block_at) = self.node(inode.xattr_nid)?;
            if bytes.is_empty() {
                at = block_at;
            }
            bytes
                .extend_from_slice(block.get(..block.len().saturating_sub(inode::NODE_FOOTER_LEN)).unwrap_or_default());
        }
        let mut reader = Reader::at(&bytes, at);
        // An area that was never written to has no magic number.
        if reader.remaining() < XATTR_HEADER_LEN || reader.u32_le("h_magic")? != XATTR_MAGIC {
            return Ok(());
        }
        reader.seek(XATTR_HEADER_LEN, "h_reserved")?;
        while 4 <= reader.remaining() && reader.rest().iter().take(4).any(|&byte| byte != 0) {
            let name_index = reader.u8("e_name_index")?;
            let name_len = reader.u8("e_name_len")?;
            let value_size = reader.u16_le("e_value_size")?;
            let name = reader.take(name_len.into(), "e_name")?;
            let value = reader.take(value_size.into(), "e_value")?;
            let len = u32::from(name_len).saturating_add(value_size.into());
            let padding = usize::try_from(len.wrapping_neg() & 3).unwrap_or_default().min(reader.remaining());
            reader.skip(padding, "e_value")?;
            match (name_index, name) {
                (XATTR_SECURITY, b"selinux") if node.selinux.is_none() => node.selinux = Some(posix::label_of(value)),
                (XATTR_SECURITY, b"capability") if node.capability.is_none() => {
                    let capability = FileCapability::read(value);
                    node.capability = Some(capability.ok_or(Fault::malformed("security.capability", at))?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A file while its map is read.
struct File {
    runs: Runs,
    /// The next block of the file.
    logical: u64,
    cluster_blocks: u64,
    compressed: bool,
    /// Clusters that are compressed, by number.
    clusters: Vec<(u64, Vec<u32>)>,
}

impl File {
    /// The addresses of an inode or a direct node. In a compressed file, each holds whole clusters only.
    fn addresses(&mut self, bytes: &[u8], at: u64) {
        let n_addresses = self.whole_clusters((bytes.len() >> 2) as u64);
        let start = self.logical;
        let cluster_len = usize::try_from(self.cluster_blocks.saturating_mul(4)).unwrap_or(4);
        let len = usize::try_from(n_addresses.saturating_mul(4)).unwrap_or_default();
        for cluster in bytes.get(..len).unwrap_or_default().chunks(cluster_len) {
            if self.runs.n_blocks() <= self.logical {
                break;
            }
            self.cluster(cluster, at);
        }
        self.logical = start.saturating_add(n_addresses);
    }

    fn cluster(&mut self, cluster: &[u8], at: u64) {
        let addresses = cluster.chunks_exact(4).map(|it| u32::from_le_bytes(it.try_into().unwrap_or_default()));
        if self.compressed && addresses.clone().next() == Some(COMPRESS_ADDR) {
            let number = self.logical.checked_div(self.cluster_blocks).unwrap_or_default();
            let blocks = addresses.skip(1).take_while(|it| !matches!(*it, NULL_ADDR | NEW_ADDR)).collect();
            self.clusters.push((number, blocks));
            self.logical = self.logical.saturating_add(self.cluster_blocks);
            return;
        }
        for address in addresses {
            // A block that is not there, or reserved and not yet written, is a hole.
            if !matches!(address, NULL_ADDR | NEW_ADDR) {
                self.runs.push(self.logical, address.into(), 1, at);
            }
            self.logical = self.logical.saturating_add(1);
        }
    }

    /// So many addresses, without those of a cluster that does not fit.
    fn whole_clusters(&self, n_addresses: u64) -> u64 {
        n_addresses.saturating_sub(n_addresses.checked_rem(self.cluster_blocks).unwrap_or_default())
    }
}

impl Directories for Volume {
    type Id = u32;

    fn key(&self, id: &u32) -> u64 {
        (*id).into()
    }

    fn list(&mut self, directory: &u32, path: &[u8], tally: &mut Tally) -> Vec<(Vec<u8>, u32)> {
        let mut entries = Vec::new();
        if let Err(fault) = self.read_directory(*directory, path, tally, &mut entries) {
            tally.fault("directories are not listed, or in part", path, &fault);
        }
        entries
    }

    fn open(&mut self, id: &u32, path: &[u8], tally: &mut Tally) -> Result<(Node, Blob), Fault> {
        if let Some(known) = self.linked.get(id) {
            return Ok(known.clone());
        }
        let (inode, at) = self.inode(*id)?;
        let kind = posix::kind_of(inode.mode).ok_or(Fault::malformed("i_mode", at))?;
        let mut node = Node {
            kind,
            mode: Some(inode.mode & 0o7777),
            uid: Some(inode.uid),
            gid: Some(inode.gid),
            ..Node::default()
        };
        if let Err(fault) = self.read_attributes(&inode, at, &mut node) {
            tally.fault("entries have attributes that cannot be read", path, &fault);
        }
        let mut blob = Blob::empty();
        match kind {
            NodeKind::File if inode.encrypted() => {
                tally.add("files are encrypted", path);
                let fault = Fault::Unsupported("encrypted file".into());
                blob =
                    Blob::mapped(inode.size, vec![Extent { offset: 0, len: inode.size, from: Origin::Missing(fault) }]);
            }
            NodeKind::File => {
                let (content, fault) = self.content(&inode, at)?;
                if let Some(fault) = fault {
                    tally.fault("files cannot be read, or in part", path, &fault);
                }
                blob = content;
            }
            NodeKind::Symlink if inode.encrypted() => tally.add("links are encrypted", path),
            NodeKind::Symlink => match self.target(&inode, at) {
                Ok(target) => node.target = Some(model::path_name(&target)),
                Err(fault) => tally.fault("links cannot be read", path, &fault),
            },
            NodeKind::CharDevice | NodeKind::BlockDevice => node.device = inode.device(),
            NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => {}
        }
        if kind == NodeKind::File && 1 < inode.links {
            self.linked.insert(*id, (node.clone(), blob.clone()));
        }
        Ok((node, blob))
    }
}

impl Volume {
    /// Where a symbolic link points to.
    fn target(&mut self, inode: &Inode, at: u64) -> Result<Vec<u8>, Fault> {
        if self.sb.block_size() < inode.size {
            return Err(Fault::malformed("i_size", at));
        }
        let (blob, _) = self.content(inode, at)?;
        blob.read_at(0, blob.len())
    }
}

/// Version, inode and address.
const NAT_ENTRY_LEN: u64 = 9;

/// No block, and one that is reserved.
const NULL_ADDR: u32 = 0;
const NEW_ADDR: u32 = u32::MAX;
/// The first address of a compressed cluster.
const COMPRESS_ADDR: u32 = u32::MAX - 1;

/// `log_cluster_size` is 2 to 8.
const CLUSTER_BLOCKS_MAX: u64 = 256;

/// Three levels of nodes of 1018 addresses reach 3.94 TiB with blocks of 4 KiB, and 256 times as much with 64 KiB.
const SIZE_MAX: u64 = 1 << 50;

const XATTR_MAGIC: u32 = 0xf2f5_2011;
const XATTR_HEADER_LEN: usize = 24;
const XATTR_SECURITY: u8 = 6;
