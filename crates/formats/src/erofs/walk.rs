//! The folders of an image, from the root down.

use std::collections::HashSet;
use std::sync::Arc;

use model::fact::anomaly;
use model::{Blob, Fault, Node, NodeKind, Reader};

use super::data::data;
use super::inode::{Inode, Prefix};
use super::volume::Volume;
use crate::Reading;

/// A walk through all folders.
pub struct Walk<'a> {
    volume: Arc<Volume>,
    packed: Option<Blob>,
    prefixes: Vec<Prefix>,
    out: &'a mut Reading,
    /// Folders that were read: a folder has one name.
    seen: HashSet<u64>,
    n_entries: u64,
    n_path_bytes: u64,
    n_faults: u64,
}

/// A folder that is being read.
struct Folder {
    /// Its path, without a `/` at the end.
    path: Vec<u8>,
    entries: std::vec::IntoIter<Entry>,
}

/// `erofs_dirent`.
struct Entry {
    nid: u64,
    name: Vec<u8>,
    file_type: u8,
    /// Where it stands, if that is one place of the image, for anomalies.
    at: u64,
}

impl<'a> Walk<'a> {
    pub fn new(volume: Arc<Volume>, packed: Option<Blob>, prefixes: Vec<Prefix>, out: &'a mut Reading) -> Walk<'a> {
        let (seen, n_entries, n_path_bytes, n_faults) = (HashSet::new(), 0, 0, 0);
        Walk { volume, packed, prefixes, out, seen, n_entries, n_path_bytes, n_faults }
    }

    /// Lists all that `root` leads to, each folder before what is in it, and says how much that is.
    pub fn run(mut self, root: u64) -> Result<u64, Fault> {
        let inode = Inode::read(&self.volume, root)?;
        let mut folders = Vec::new();
        if inode.kind() != Some(NodeKind::Directory) {
            return Err(Fault::malformed("root_nid", 1038));
        }
        self.descend(&mut folders, &inode, Vec::new());
        while let Some(folder) = folders.last_mut() {
            let Some(entry) = folder.entries.next() else {
                folders.pop();
                continue;
            };
            let mut path = folder.path.clone();
            path.push(b'/');
            path.extend_from_slice(&entry.name);
            self.n_entries = self.n_entries.saturating_add(1);
            self.n_path_bytes = self.n_path_bytes.saturating_add(path.len() as u64);
            if ENTRIES_MAX < self.n_entries || PATH_BYTES_MAX < self.n_path_bytes {
                self.out.gap(format!("more than {ENTRIES_MAX} entries or {PATH_BYTES_MAX} bytes of names: not listed"));
                break;
            }
            self.entry(&mut folders, path, &entry);
        }
        if FAULTS_MAX < self.n_faults {
            let more = self.n_faults.saturating_sub(FAULTS_MAX);
            self.out.gap(format!("{more} more entries could not be read"));
        }
        Ok(self.n_entries)
    }

    fn entry(&mut self, folders: &mut Vec<Folder>, path: Vec<u8>, entry: &Entry) {
        let inode = match Inode::read(&self.volume, entry.nid) {
            Ok(inode) => inode,
            Err(fault) => {
                self.fault(&path, &fault);
                self.out.unreadable(path, 0, Node::file(), fault);
                return;
            }
        };
        let Some(kind) = inode.kind() else {
            let fault = Fault::malformed("i_mode", inode.body_offset);
            self.fault(&path, &fault);
            self.out.unreadable(path, 0, Node::file(), fault);
            return;
        };
        if kind != kind_of(entry.file_type) {
            let detail = format!("{}: file_type {}, i_mode {:o}", model::path_name(&path), entry.file_type, inode.mode);
            self.anomaly(entry.at, anomaly::Kind::LyingField, detail);
        }
        let mut node = inode.node(kind);
        if let Err(fault) = inode.attributes(&self.volume, &self.prefixes, &mut node) {
            self.fault(&path, &fault);
        }
        match kind {
            NodeKind::File => match data(&self.volume, self.packed.as_ref(), &inode, &self.out.store) {
                Ok(blob) => self.out.entry(path, blob, node),
                Err(fault) => self.out.unreadable(path, inode.size, node, fault),
            },
            NodeKind::Symlink => {
                let target = data(&self.volume, self.packed.as_ref(), &inode, &self.out.store)
                    .and_then(|it| it.bytes("target of a link", TARGET_MAX));
                match target {
                    Ok(target) => node.target = Some(model::path_name(&target)),
                    Err(fault) => self.fault(&path, &fault),
                }
                self.out.entry(path, Blob::empty(), node);
            }
            NodeKind::Directory => {
                self.out.entry(path.clone(), Blob::empty(), node);
                self.descend(folders, &inode, path);
            }
            _ => self.out.entry(path, Blob::empty(), node),
        }
    }

    /// Reads a folder, to be walked next.
    fn descend(&mut self, folders: &mut Vec<Folder>, inode: &Inode, path: Vec<u8>) {
        if !self.seen.insert(inode.nid) {
            let fault = Fault::malformed("folder that has another name already", inode.body_offset);
            self.fault(&path, &fault);
            return;
        }
        if DEPTH_MAX <= folders.len() {
            self.fault(&path, &Fault::Limit { what: "folders in folders", bound: DEPTH_MAX as u64 });
            return;
        }
        let mut entries = Vec::new();
        if let Err(fault) = self.directory(inode, &mut entries) {
            self.fault(&path, &fault);
        }
        for pair in entries.windows(2) {
            let [before, after] = pair else { continue };
            // Linux searches a folder by halves.
            let (kind, what) = match before.name.cmp(&after.name) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => (anomaly::Kind::DuplicateName, "twice"),
                std::cmp::Ordering::Greater => (anomaly::Kind::Garbage, "out of order"),
            };
            let detail = format!("{}/{} stands {what}", model::path_name(&path), model::path_name(&after.name));
            self.anomaly(after.at, kind, detail);
        }
        entries.retain(|it| it.name != b"." && it.name != b"..");
        for entry in entries.iter().filter(|it| it.name.is_empty() || it.name.iter().any(|it| matches!(it, 0 | b'/'))) {
            let detail = format!("{}/{}", model::path_name(&path), model::path_name(&entry.name));
            self.anomaly(entry.at, anomaly::Kind::HostileName, detail);
        }
        folders.push(Folder { path, entries: entries.into_iter() });
    }

    /// All entries of a folder, block by block. What was read before a fault stays.
    fn directory(&self, inode: &Inode, entries: &mut Vec<Entry>) -> Result<(), Fault> {
        let block_size = self.volume.superblock.block_size();
        let blob = data(&self.volume, self.packed.as_ref(), inode, &self.out.store)?;
        let mut offset = 0;
        while offset < blob.len() {
            let block = blob.read_up_to(offset, block_size)?;
            block_of(&block, inode.body_offset, entries)?;
            if ENTRIES_MAX < self.n_entries.saturating_add(entries.len() as u64) {
                return Err(Fault::Limit { what: "entries", bound: ENTRIES_MAX });
            }
            offset = offset.saturating_add(block_size);
        }
        Ok(())
    }

    fn fault(&mut self, path: &[u8], fault: &Fault) {
        self.n_faults = self.n_faults.saturating_add(1);
        if self.n_faults <= FAULTS_MAX {
            let path = if path.is_empty() { b"/" } else { path };
            self.out.gap(format!("{}: {fault}", model::path_name(path)));
        }
    }

    fn anomaly(&mut self, at: u64, kind: anomaly::Kind, detail: String) {
        if (self.out.facts.anomalies.len() as u64) < FAULTS_MAX {
            let at = at.min(self.volume.blob.len());
            self.out.anomaly(at, 0, kind, detail);
        }
    }
}

/// One block of a folder: the entries, then their names. The first name starts where the entries end.
fn block_of(block: &[u8], at: u64, entries: &mut Vec<Entry>) -> Result<(), Fault> {
    let mut reader = Reader::at(block, 0);
    let malformed = Fault::malformed("nameoff", at);
    let first = Reader::new(block.get(8..).unwrap_or_default()).u16_le("nameoff")?;
    if usize::from(first) < DIRENT || block.len() < usize::from(first) {
        return Err(malformed);
    }
    let n = usize::from(first) / DIRENT;
    let mut next = usize::from(first);
    for left in (0..n).rev() {
        let nid = reader.u64_le("nid")?;
        let start = usize::from(reader.u16_le("nameoff")?);
        let file_type = reader.u8("file_type")?;
        reader.skip(1, "reserved")?;
        if start != next {
            return Err(malformed);
        }
        let rest = block.get(start..).ok_or(malformed.clone())?;
        let name = match left {
            0 => rest.split(|&byte| byte == 0).next().unwrap_or_default(),
            _ => {
                next = block.get(reader.position()..).and_then(|it| it.get(8..10)).map_or(0, |it| {
                    it.iter().rev().fold(0usize, |sum, &byte| sum.saturating_mul(256).saturating_add(byte.into()))
                });
                block.get(start..next).ok_or(malformed.clone())?
            }
        };
        if NAME_MAX < name.len() {
            return Err(Fault::malformed("name", at));
        }
        entries.push(Entry { nid, name: name.to_vec(), file_type, at });
    }
    Ok(())
}

fn kind_of(file_type: u8) -> NodeKind {
    match file_type {
        2 => NodeKind::Directory,
        3 => NodeKind::CharDevice,
        4 => NodeKind::BlockDevice,
        5 => NodeKind::Fifo,
        6 => NodeKind::Socket,
        7 => NodeKind::Symlink,
        _ => NodeKind::File,
    }
}

/// A system partition has some 10,000 entries; a hundred times as many fit in memory.
const ENTRIES_MAX: u64 = 1 << 20;

/// Names of a hundred bytes for as many.
const PATH_BYTES_MAX: u64 = 100 << 20;

/// Android's folders are some 10 deep, and Linux gives no longer path than 4096 bytes to a program.
const DEPTH_MAX: usize = 256;

/// `PATH_MAX` of Linux.
const TARGET_MAX: u64 = 4096;

/// `EROFS_NAME_LEN`.
const NAME_MAX: usize = 255;

/// More broken entries than anyone reads one by one; the others are counted.
const FAULTS_MAX: u64 = 200;

const DIRENT: usize = 12;
