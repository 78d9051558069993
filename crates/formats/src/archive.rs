//! What archives have in common: how many entries they may have, what is odd about their names, and what packages their
//! names show.

use std::collections::BTreeMap;

use model::Artifact;
use model::fact::anomaly::Kind;
use model::fact::package::Package;

use crate::Reading;

/// Ten times what the largest factory archives hold, and more than a zip without zip64 can count.
pub(crate) const ENTRIES_MAX: u64 = 1 << 18;

/// What is odd about an archive: ranges in it, bounded in number for each kind.
#[derive(Debug, Default)]
pub(crate) struct Odd {
    /// What is told one by one.
    pub list: Vec<Oddity>,
    counts: BTreeMap<Kind, u64>,
}

/// One anomaly (see [`crate::Reading::anomaly`]).
#[derive(Debug, Clone)]
pub(crate) struct Oddity {
    /// Where it starts.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// What it is.
    pub kind: Kind,
    /// Which entry, and which values.
    pub detail: String,
}

impl Odd {
    /// Adds one, unless there are [`ODD_MAX`] of its kind.
    pub(crate) fn push(&mut self, offset: u64, size: u64, kind: Kind, detail: impl Into<String>) {
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        if *count <= ODD_MAX {
            self.list.push(Oddity { offset, size, kind, detail: detail.into() });
        }
    }

    /// Adds a name that a careless unpacker would trip over.
    pub(crate) fn name(&mut self, offset: u64, size: u64, name: &[u8]) {
        let what = if name.is_empty() {
            "empty"
        } else if name.starts_with(b"/") {
            "absolute"
        } else if name.split(|&it| it == b'/' || it == b'\\').any(|it| it == b"..") {
            "climbs with .."
        } else if std::str::from_utf8(name).is_err() {
            "not UTF-8"
        } else if name.iter().any(u8::is_ascii_control) {
            "holds control characters"
        } else if NAME_MAX < name.len() {
            "longer than a path can be"
        } else {
            return;
        };
        let detail = format!("{}: {what}", model::path_name(name.get(..NAME_MAX).unwrap_or(name)));
        self.push(offset, size, Kind::HostileName, detail);
    }

    /// Makes facts of what is odd; more of one kind than are told one by one leave a gap.
    pub(crate) fn tell(&self, artifact: &Artifact, out: &mut Reading) {
        for it in &self.list {
            let size = it.size.min(artifact.blob.len().saturating_sub(it.offset));
            out.anomaly(it.offset, size, it.kind, it.detail.clone());
        }
        for (kind, n) in &self.counts {
            if let Some(more) = n.checked_sub(ODD_MAX).filter(|&it| it != 0) {
                out.gap(format!("{more} more anomalies of the kind {kind:?} are not listed"));
            }
        }
    }
}

/// Enough to see what kind of archive it is; the rest is counted.
const ODD_MAX: u64 = 16;

/// `PATH_MAX` of Linux.
const NAME_MAX: usize = 4096;

/// The firmware or update package that names (with sizes) of an archive show.
pub(crate) fn package_of<'a>(names: impl Iterator<Item = (&'a [u8], u64)>) -> Option<Package> {
    let (mut update, mut fastboot, mut incremental) = (false, false, false);
    for (name, size) in names {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        let file = name.rsplit(|&it| it == b'/').next().unwrap_or_default();
        update |= name.starts_with(b"META-INF/com/google/android/update") || name == b"META-INF/com/android/metadata";
        update |= name == b"payload.bin";
        // Xiaomi's and Google's packages for fastboot bring the script that flashes them.
        fastboot |= file.starts_with(b"flash_all") || file.starts_with(b"flash-all");
        // Patches of files or blocks; in a full package the patch file is there and empty.
        incremental |= name.starts_with(b"patch/") && name.ends_with(b".p");
        incremental |= name.ends_with(b".patch.dat") && size != 0;
    }
    let kind = match (update, fastboot) {
        (true, _) => "recovery-zip",
        (false, true) => "fastboot",
        (false, false) => return None,
    };
    Some(Package { kind: kind.to_owned(), incremental, properties: Vec::new() })
}

/// The name of what a compressed file holds: its own without the suffix.
pub(crate) fn stem(artifact: &Artifact, suffixes: &[(&str, &str)]) -> Vec<u8> {
    let name = artifact.file_name();
    let lower = name.to_ascii_lowercase();
    for (suffix, instead) in suffixes {
        if let Some(stem) = lower.strip_suffix(suffix.as_bytes()).filter(|it| !it.is_empty()) {
            return [name.get(..stem.len()).unwrap_or_default(), instead.as_bytes()].concat();
        }
    }
    b"content".to_vec()
}
