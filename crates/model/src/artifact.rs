//! Something with bytes, found in the input or in another artifact, and the tree that all of them form.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::Blob;

/// The place of an artifact in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArtifactId(pub u32);

/// Something with bytes.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its place in the tree.
    pub id: ArtifactId,
    /// The artifact that it was found in; `None` for what the user handed over.
    pub parent: Option<ArtifactId>,
    /// Its name in its parent, as its parent spells it, made unique (see [`path_name`]). Files of a file system start
    /// with `/`.
    pub name: String,
    /// The name as bytes, before escaping.
    pub raw_name: Vec<u8>,
    /// How many artifacts it lies in.
    pub depth: u32,
    /// Its bytes. Empty for what has none (folders, links, device nodes).
    pub blob: Blob,
    /// What a file system says about it.
    pub node: Node,
}

impl Artifact {
    /// The last component of the name.
    pub fn file_name(&self) -> &[u8] {
        self.raw_name.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }
}

/// What kind of entry of a file system or archive something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A regular file, or anything that is simply bytes.
    #[default]
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
}

/// What a file system or an archive says about an entry. `None`: it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Permission bits with setuid, setgid and sticky (`st_mode & 0o7777`).
    pub mode: Option<u16>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Major and minor number of a device node.
    pub device: Option<(u32, u32)>,
    /// SELinux label (`security.selinux`), without its NUL.
    pub selinux: Option<String>,
    /// File capabilities (`security.capability`).
    pub capability: Option<FileCapability>,
    /// Where a symbolic link points to, as bytes escaped like a path.
    pub target: Option<String>,
}

impl Node {
    /// A regular file of which nothing is known.
    pub fn file() -> Node {
        Node::default()
    }
}

/// `struct vfs_ns_cap_data` of the Linux kernel (`include/uapi/linux/capability.h`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCapability {
    /// Whether the permitted set is effective at once.
    pub effective: bool,
    /// Bit n is capability n.
    pub permitted: u64,
    /// Bit n is capability n.
    pub inheritable: u64,
}

impl FileCapability {
    /// Reads the value of a `security.capability` attribute, revision 1 to 3.
    pub fn read(bytes: &[u8]) -> Option<FileCapability> {
        let word = |n: usize| bytes.get(n * 4..n * 4 + 4)?.try_into().ok().map(u32::from_le_bytes);
        let magic = word(0)?;
        let high = |n| if magic >> 24 == 1 { Some(0) } else { word(n) };
        if !(1..=3).contains(&(magic >> 24)) {
            return None;
        }
        Some(FileCapability {
            effective: magic & 1 != 0,
            permitted: u64::from(word(1)?) | u64::from(high(3)?) << 32,
            inheritable: u64::from(word(2)?) | u64::from(high(4)?) << 32,
        })
    }
}

/// All artifacts. An artifact stands after its parent.
#[derive(Debug, Default)]
pub struct Tree {
    artifacts: Vec<Artifact>,
}

impl Tree {
    /// Adds an artifact, whose id is the next free one.
    pub fn push(&mut self, artifact: Artifact) {
        self.artifacts.push(artifact);
    }

    /// The id that the next artifact gets.
    pub fn next_id(&self) -> ArtifactId {
        ArtifactId(self.artifacts.len() as u32)
    }

    /// All artifacts, in the order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, Artifact> {
        self.artifacts.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.artifacts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.artifacts.is_empty()
    }

    /// One artifact. Ids come from this tree.
    pub fn artifact(&self, id: ArtifactId) -> &Artifact {
        &self.artifacts[id.0 as usize]
    }

    /// The artifact and all it lies in, innermost first.
    pub fn ancestors(&self, id: ArtifactId) -> impl Iterator<Item = &Artifact> {
        std::iter::successors(Some(self.artifact(id)), |it| it.parent.map(|parent| self.artifact(parent)))
    }

    /// The way through the nesting: names joined by `!`.
    pub fn path(&self, id: ArtifactId) -> String {
        let mut names: Vec<&str> = self.ancestors(id).map(|it| it.name.as_str()).collect();
        names.reverse();
        names.join("!")
    }
}

/// A name from the input as a part of a path: `!` and `%` are `%21` and `%25`, bytes that are no UTF-8 and control
/// characters are `%XX`, and a literal `#` before trailing digits is `%23`, so that `#2` always means "the second entry
/// of this name". Different names give different results.
pub fn path_name(raw: &[u8]) -> String {
    // Nearly all names: nothing in them stands for anything else.
    if raw.iter().all(|it| matches!(it, b' '..=b'~') && !matches!(it, b'!' | b'#' | b'%')) {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let mut name = String::with_capacity(raw.len());
    let digits = raw.iter().rev().take_while(|it| it.is_ascii_digit()).count();
    let hash = if digits == 0 { None } else { raw.len().checked_sub(digits + 1) };
    let mut pos = 0;
    for chunk in raw.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '!' | '%' => push_hex(&mut name, char as u8),
                '#' if Some(pos) == hash => push_hex(&mut name, b'#'),
                _ if char.is_control() => char.encode_utf8(&mut [0; 4]).bytes().for_each(|it| push_hex(&mut name, it)),
                _ => name.push(char),
            }
            pos += char.len_utf8();
        }
        for &byte in chunk.invalid() {
            push_hex(&mut name, byte);
            pos += 1;
        }
    }
    name
}

fn push_hex(name: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(name, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_marks_and_broken_bytes_is_escaped() {
        assert_eq!(path_name(b"a!b%c\xff\x1b[31m/d"), "a%21b%25c%FF%1B[31m/d");
        assert_eq!(path_name(b"classes.dex#2"), "classes.dex%232");
        assert_eq!(path_name(b"a#b"), "a#b");
        assert_eq!(path_name("größe".as_bytes()), "größe");
    }

    #[test]
    fn a_file_capability_of_revision_2_is_read() {
        let bytes = [1, 0, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let capability = FileCapability::read(&bytes).unwrap();
        assert!(capability.effective);
        assert_eq!(capability.permitted, 0x1_0000_0080);
        assert_eq!(FileCapability::read(&bytes[..19]), None);
    }

    proptest::proptest! {
        #[test]
        fn different_names_give_different_path_names(a: Vec<u8>, b: Vec<u8>) {
            proptest::prop_assert_eq!(a == b, path_name(&a) == path_name(&b));
        }
    }
}
