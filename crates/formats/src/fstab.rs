//! `fstab` files: what is mounted where, and how it is verified and encrypted.

use model::fact::fstab::FstabEntry;
use model::{Artifact, Fault};

use crate::text::{Line, read_lines, string};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "fstab",
    title: "fstab",
    spec: "AOSP fs_mgr/libfstab/fstab.cpp; bootable/recovery README and roots.cpp before Android 4.3; vold main.cpp before 4.3",
    kind: Kind::Config,
    matches: |artifact, _| {
        let name = artifact.file_name();
        let mut parts = name.split(|byte| matches!(byte, b'.' | b'_'));
        parts.any(|it| it == b"fstab") && !OTHERS.iter().any(|it| name.ends_with(it))
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    read_lines(artifact, out, |out, line| {
        let Some(entry) = entry_of(&line) else { return false };
        let row = out.row(line.offset, line.size(), entry);
        out.facts.fstab.push(row);
        true
    })
}

fn entry_of(line: &Line) -> Option<FstabEntry> {
    Some(match line.words().as_slice() {
        // vold.fstab: label, mount point, partition, sysfs paths. Told in the words that later fstabs use for it.
        [b"dev_mount", label, mount_point, part, device, rest @ ..] => FstabEntry {
            device: string(device),
            mount_point: string(mount_point),
            fs_type: "auto".to_owned(),
            options: list(rest),
            flags: vec![format!("voldmanaged={}:{}", string(label), string(part))],
        },
        // recovery.fstab, version 1.
        [mount_point, fs_type, device, flags @ ..] if is_mount_point(mount_point) && !is_place(fs_type) => FstabEntry {
            device: string(device),
            mount_point: string(mount_point),
            fs_type: string(fs_type),
            options: Vec::new(),
            flags: list(flags),
        },
        [device, mount_point, fs_type, rest @ ..] => FstabEntry {
            device: string(device),
            mount_point: string(mount_point),
            fs_type: string(fs_type),
            options: list(rest.get(..1).unwrap_or_default()),
            flags: list(rest.get(1..).unwrap_or_default()),
        },
        _ => return None,
    })
}

/// Whether a first column names a place in the phone's tree, and no device.
fn is_mount_point(word: &[u8]) -> bool {
    word.starts_with(b"/") && ![&b"/dev/"[..], b"/devices/", b"/sys/"].iter().any(|it| word.starts_with(it))
}

/// Whether a second column is a mount point, and no file system.
fn is_place(word: &[u8]) -> bool {
    word.contains(&b'/') || matches!(word, b"none" | b"auto")
}

/// The parts of comma-separated words.
fn list(words: &[&[u8]]) -> Vec<String> {
    words.iter().flat_map(|it| it.split(|&byte| byte == b',')).filter(|it| !it.is_empty()).map(string).collect()
}

/// Files that are about an fstab and none.
const OTHERS: &[&[u8]] = &[b".rc", b".xml", b".so"];
