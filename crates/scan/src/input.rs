//! Opens what the user handed over: files, and folders that hold an unpacked phone.
//!
//! Invariant: a symbolic link inside a folder is listed and never followed.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use formats::Child;
use model::{Blob, Fault, FileSource, Node, NodeKind, path_name};

/// What the user handed over, opened.
pub struct Given {
    /// One for each path: a file, or a folder without bytes of its own.
    pub roots: Vec<Child>,
    /// The entries of each root that is a folder, else empty; names start with `/`.
    pub entries: Vec<Vec<Child>>,
    /// What could not be listed: root, path below it, why.
    pub unlisted: Vec<(usize, String, String)>,
}

/// A path that cannot be opened: the machine's failure, not the input's.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct InputError {
    /// The path.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// Opens all paths. Paths given together belong to one phone.
pub fn open(paths: &[PathBuf]) -> Result<Given, InputError> {
    let mut given = Given { roots: Vec::new(), entries: Vec::new(), unlisted: Vec::new() };
    for path in paths {
        let failed = |source| InputError { path: path.clone(), source };
        let name = name_of(path).map_err(failed)?;
        let metadata = fs::metadata(path).map_err(failed)?;
        let mut entries = Vec::new();
        let root = if metadata.is_dir() {
            // A folder that cannot be listed at all is the user's mistake, not the phone's.
            fs::read_dir(path).map_err(failed)?;
            let mut folder = Folder { root: path, entries: Vec::new(), unlisted: Vec::new() };
            folder.list(Path::new(""), 0);
            folder.drop_lost_owners();
            folder.compare_with_listing();
            entries = folder.entries;
            let index = given.roots.len();
            given.unlisted.extend(folder.unlisted.into_iter().map(|(path, why)| (index, path, why)));
            Child { name, blob: Blob::empty(), node: Node { kind: NodeKind::Directory, ..Node::default() } }
        } else {
            let file = File::open(path).map_err(failed)?;
            Child { name, blob: Blob::new(FileSource::new(file).map_err(failed)?), node: Node::file() }
        };
        given.roots.push(root);
        given.entries.push(entries);
    }
    Ok(given)
}

/// The last component of a path, also of `.` and `a/..`.
fn name_of(path: &Path) -> std::io::Result<Vec<u8>> {
    match path.file_name() {
        Some(name) => Ok(name.as_bytes().to_vec()),
        None => {
            let full = fs::canonicalize(path)?;
            Ok(full.file_name().map_or(b"/".to_vec(), |it| it.as_bytes().to_vec()))
        }
    }
}

struct Folder<'a> {
    root: &'a Path,
    entries: Vec<Child>,
    unlisted: Vec<(String, String)>,
}

impl Folder<'_> {
    fn list(&mut self, below: &Path, depth: usize) {
        let shown = |path: &Path| format!("/{}", path_name(path.as_os_str().as_bytes()));
        if DEPTH_MAX < depth {
            self.unlisted.push((shown(below), format!("folders nest deeper than {DEPTH_MAX}")));
            return;
        }
        let listing = match fs::read_dir(self.root.join(below)) {
            Ok(listing) => listing,
            Err(error) => return self.unlisted.push((shown(below), format!("folder cannot be listed: {error}"))),
        };
        let mut names = Vec::new();
        for entry in listing {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => self.unlisted.push((shown(below), format!("folder cannot be listed: {error}"))),
            }
        }
        names.sort();
        for name in names {
            // Version control is about the copy, not about the phone.
            if depth == 0 && name == ".git" {
                continue;
            }
            let path = below.join(&name);
            if ENTRIES_MAX <= self.entries.len() {
                self.unlisted.push((shown(&path), format!("more than {ENTRIES_MAX} entries")));
                return;
            }
            match fs::symlink_metadata(self.root.join(&path)) {
                Ok(metadata) => self.entry(&path, &metadata),
                Err(error) => self.unlisted.push((shown(&path), error.to_string())),
            }
            if self.entries.last().is_some_and(|it| it.node.kind == NodeKind::Directory) {
                self.list(&path, depth + 1);
            }
        }
    }

    fn entry(&mut self, path: &Path, metadata: &Metadata) {
        let node = self.node_of(path, metadata);
        let name = [b"/", path.as_os_str().as_bytes()].concat();
        let blob = if node.kind == NodeKind::File {
            match File::open(self.root.join(path)).and_then(FileSource::new) {
                Ok(_) => Blob::new(Reopened::new(self.root.join(path), metadata.len())),
                Err(error) => {
                    let missing = model::Origin::Missing(Fault::Io(error.to_string()));
                    let len = metadata.len().max(1);
                    Blob::mapped(len, vec![model::Extent { offset: 0, len, from: missing }])
                }
            }
        } else {
            Blob::empty()
        };
        self.entries.push(Child { name, blob, node });
    }

    fn node_of(&self, path: &Path, metadata: &Metadata) -> Node {
        let kind = metadata.file_type();
        let kind = match () {
            () if kind.is_dir() => NodeKind::Directory,
            () if kind.is_symlink() => NodeKind::Symlink,
            () if kind.is_char_device() => NodeKind::CharDevice,
            () if kind.is_block_device() => NodeKind::BlockDevice,
            () if kind.is_fifo() => NodeKind::Fifo,
            () if kind.is_socket() => NodeKind::Socket,
            () => NodeKind::File,
        };
        let target = match kind {
            NodeKind::Symlink => fs::read_link(self.root.join(path)).ok(),
            _ => None,
        };
        let device = metadata.rdev();
        Node {
            kind,
            mode: Some((metadata.mode() & 0o7777) as u16),
            uid: Some(metadata.uid()),
            gid: Some(metadata.gid()),
            device: matches!(kind, NodeKind::CharDevice | NodeKind::BlockDevice)
                .then_some(((device >> 8 & 0xfff) as u32, (device & 0xff | device >> 12 & 0xfff00) as u32)),
            selinux: None,
            capability: None,
            target: target.map(|it| path_name(it.as_os_str().as_bytes())),
        }
    }

    /// Dumps come with a list of the files that the phone had. What it names and the folder lacks was lost on the way:
    /// it is listed, and reading it fails.
    fn compare_with_listing(&mut self) {
        let Some(listing) = self.entries.iter().find(|it| it.name == LISTING).map(|it| it.blob.clone()) else { return };
        let text = match listing.bytes("listing of a dump", LISTING_MAX) {
            Ok(text) => text,
            Err(fault) => return self.unlisted.push(("/all_files.txt".to_owned(), fault.to_string())),
        };
        let have: HashSet<&[u8]> = self.entries.iter().map(|it| it.name.as_slice()).collect();
        let tops: HashSet<&[u8]> = have.iter().filter_map(|it| top_of(it)).collect();
        let mut missing: Vec<Vec<u8>> = Vec::new();
        for line in text.split(|&byte| byte == b'\n') {
            let path = line.strip_prefix(b"./").unwrap_or(line).trim_ascii();
            let name = [b"/", path].concat();
            // A folder of which nothing is there was left out, and not lost.
            let known_top = top_of(&name).is_some_and(|it| tops.contains(it));
            if path.is_empty()
                || have.contains(name.as_slice())
                || !known_top
                || path.split(|&it| it == b'/').any(|it| it == b"..")
            {
                continue;
            }
            missing.push(name);
        }
        for name in missing {
            if ENTRIES_MAX <= self.entries.len() {
                break;
            }
            let fault = Fault::Io("the dump's own list names this file, and the dump lacks it".to_owned());
            let blob = Blob::mapped(1, vec![model::Extent { offset: 0, len: 1, from: model::Origin::Missing(fault) }]);
            self.entries.push(Child { name, blob, node: Node::file() });
        }
        self.entries.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Where everything belongs to one user, owners and modes are the copy's and not the phone's: on a phone, root,
    /// system and shell own files.
    fn drop_lost_owners(&mut self) {
        let mut owners = self.entries.iter().map(|it| (it.node.uid, it.node.gid));
        let first = owners.next();
        if owners.all(|it| Some(it) == first) {
            for entry in &mut self.entries {
                (entry.node.mode, entry.node.uid, entry.node.gid) = (None, None, None);
            }
        }
    }
}

/// A file of a folder. A phone has more files than a process may hold open: each thread keeps the one that it read last.
struct Reopened {
    id: u64,
    path: PathBuf,
    len: u64,
}

impl Reopened {
    fn new(path: PathBuf, len: u64) -> Reopened {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Reopened { id: NEXT.fetch_add(1, Ordering::Relaxed), path, len }
    }

    fn opened<T>(&self, look: impl FnOnce(&FileSource) -> T) -> io::Result<T> {
        thread_local!(static LAST: RefCell<Option<(u64, FileSource)>> = const { RefCell::new(None) });
        LAST.with(|last| {
            let mut last = last.borrow_mut();
            let kept = last.take().filter(|it| it.0 == self.id);
            let (_, file) = match kept {
                Some(kept) => last.insert(kept),
                None => last.insert((self.id, FileSource::with_len(File::open(&self.path)?, self.len))),
            };
            Ok(look(file))
        })
    }
}

impl model::Source for Reopened {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.opened(|file| file.read(offset, buf))?
    }

    fn zeros_at(&self, offset: u64) -> u64 {
        self.opened(|file| file.zeros_at(offset)).unwrap_or(0)
    }

    fn stream(&self) -> Option<Box<dyn io::Read + Send>> {
        let file = File::open(&self.path).ok()?;
        Some(Blob::new(FileSource::with_len(file, self.len)).stream())
    }
}

/// The list that dump tools leave (`find . -type f`, one path a line).
const LISTING: &[u8] = b"/all_files.txt";

/// A phone has under 100,000 files with paths of some 60 bytes.
const LISTING_MAX: u64 = 64 << 20;

/// The first component of `/a/b`, where there is a second.
fn top_of(name: &[u8]) -> Option<&[u8]> {
    let rest = name.strip_prefix(b"/")?;
    let end = rest.iter().position(|&byte| byte == b'/')?;
    rest.get(..end)
}

/// No phone nests folders deeper than a few dozen.
const DEPTH_MAX: usize = 128;

/// A phone has under 100,000 files; forty times that leaves room for several unpacked side by side.
const ENTRIES_MAX: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_a_folder_is_listed_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("system")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("system/etc")).unwrap();
        fs::write(folder.path().join("system/a"), "x").unwrap();
        let given = open(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = given.entries[0].iter().map(|it| String::from_utf8_lossy(&it.name)).collect();
        assert_eq!(names, ["/system", "/system/a", "/system/etc"]);
        assert_eq!(given.entries[0][2].node.target.as_deref(), Some("/etc"));
        assert_eq!(given.entries[0][1].node.mode, None, "one owner: modes are the copy's");
    }

    #[test]
    fn a_file_that_the_listing_names_and_the_dump_lacks_is_listed_and_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("system")).unwrap();
        fs::write(folder.path().join("system/a"), "x").unwrap();
        fs::write(folder.path().join("all_files.txt"), "./system/a\nsystem/big.apk\nrepo/readme\nsystem/../x\n")
            .unwrap();
        let given = open(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = given.entries[0].iter().map(|it| String::from_utf8_lossy(&it.name)).collect();
        assert_eq!(names, ["/all_files.txt", "/system", "/system/a", "/system/big.apk"]);
        let fault = given.entries[0][3].blob.read_at(0, 1).unwrap_err();
        assert!(fault.to_string().contains("the dump lacks it"), "{fault}");
    }

    #[test]
    fn a_path_that_does_not_exist_is_an_error_with_its_name() {
        let error = open(&["/nonexistent/rom.zip".into()]).map(drop).unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/rom.zip");
    }
}
