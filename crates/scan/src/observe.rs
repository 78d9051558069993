//! Shows the bytes of what was opened to an observer.

use std::io::Read;

use formats::{Format, Kind, Reading};
use model::observer::{Observation, Observer, Part};
use model::{Artifact, Blob, Facts, Fault};
use sha2::{Digest, Sha256};

/// Shows one artifact. Bytes that cannot be read, and a panic of the observer, become gaps. Returns the SHA-256 of what
/// was shown whole and has no holes.
pub fn show(
    artifact: &Artifact,
    formats: &[&'static Format],
    observer: &dyn Observer,
    reading: &mut Reading,
) -> Option<[u8; 32]> {
    let part = part_of(formats, !reading.children.is_empty())?;
    let look = || {
        let Some(seen) = observer.observe(artifact, part, &reading.facts) else { return Default::default() };
        let mut shown = Shown { seen, hash: Some(Sha256::new()) };
        let broken = feed(&artifact.blob, &mut shown).err();
        let hash = shown.hash.filter(|_| broken.is_none()).map(|it| it.finalize().into());
        let mut facts = Facts::default();
        let mut gaps = shown.seen.finish(hash.as_ref(), &mut facts);
        gaps.extend(
            broken.map(|it| format!("known indicators were looked for up to a place that cannot be read: {it}")),
        );
        (hash, facts, gaps)
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look));
    match result {
        Ok((hash, facts, gaps)) => {
            reading.facts.merge(facts);
            gaps.into_iter().for_each(|it| reading.gap(it));
            hash
        }
        Err(_) => {
            reading.gap("internal error: the search for known indicators panicked");
            None
        }
    }
}

/// An observation, and the hash of what it is shown.
struct Shown<'a> {
    seen: Box<dyn Observation + 'a>,
    hash: Option<Sha256>,
}

impl Shown<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.seen.bytes(bytes);
    }

    /// Nobody publishes the hash of a file with such holes, and nobody waits for one.
    fn zeros(&mut self, n: u64) {
        self.hash = None;
        self.seen.zeros(n);
    }
}

/// Shows all bytes in order. Holes are not read.
fn feed(blob: &Blob, seen: &mut Shown) -> Result<(), Fault> {
    let mut buffer = vec![0; usize::try_from(blob.len()).unwrap_or(BUFFER).clamp(1, BUFFER)];
    if blob.is_stream() {
        let mut stream = blob.stream();
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => seen.bytes(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let mut offset = 0;
    while offset < blob.len() {
        let zeros = blob.zeros_at(offset);
        if BUFFER as u64 <= zeros {
            seen.zeros(zeros);
            offset += zeros;
            continue;
        }
        let n = (blob.len() - offset).min(BUFFER as u64);
        let Some(part) = buffer.get_mut(..n as usize) else { break };
        blob.read_into(offset, part)?;
        seen.bytes(part);
        offset += n;
    }
    Ok(())
}

/// What the bytes of an artifact are; none where they are shown by what lies in it and nobody knows the whole by its
/// hash.
fn part_of(formats: &[&'static Format], packs: bool) -> Option<Part> {
    let has = |kind| formats.iter().any(|it| it.kind == kind);
    match () {
        () if formats.is_empty() => Some(Part::Content),
        () if has(Kind::FileSystem) => None,
        () if has(Kind::Code) => Some(if packs { Part::Packing } else { Part::Content }),
        () if has(Kind::Native) => Some(Part::Content),
        () if has(Kind::App) || has(Kind::Archive) => Some(Part::Packing),
        () if packs => None,
        () => Some(Part::Content),
    }
}

/// Several observers, each shown the same bytes.
pub struct Together<'a>(pub Vec<&'a dyn Observer>);

impl Observer for Together<'_> {
    fn observe(&self, artifact: &Artifact, part: Part, stated: &Facts) -> Option<Box<dyn Observation + '_>> {
        let mut seen: Vec<Box<dyn Observation + '_>> =
            self.0.iter().filter_map(|it| it.observe(artifact, part, stated)).collect();
        match seen.len() {
            0 | 1 => seen.pop(),
            _ => Some(Box::new(All(seen))),
        }
    }
}

struct All<'a>(Vec<Box<dyn Observation + 'a>>);

impl Observation for All<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.iter_mut().for_each(|it| it.bytes(bytes));
    }

    fn zeros(&mut self, n: u64) {
        self.0.iter_mut().for_each(|it| it.zeros(n));
    }

    fn finish(self: Box<Self>, sha256: Option<&[u8; 32]>, facts: &mut Facts) -> Vec<String> {
        self.0.into_iter().flat_map(|it| it.finish(sha256, facts)).collect()
    }
}

/// Large enough that a call costs nothing beside its bytes.
const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::{ArtifactId, Store};

    use super::*;
    use crate::{Silent, Want, walk};

    /// Notes what it is shown.
    struct Notes(Mutex<Vec<(ArtifactId, Part, Vec<u8>)>>);

    struct Note<'a>(&'a Notes, ArtifactId, Part, Vec<u8>);

    impl Observer for Notes {
        fn observe(&self, artifact: &Artifact, part: Part, _: &Facts) -> Option<Box<dyn Observation + '_>> {
            Some(Box::new(Note(self, artifact.id, part, Vec::new())))
        }
    }

    impl Observation for Note<'_> {
        fn bytes(&mut self, bytes: &[u8]) {
            self.3.extend_from_slice(bytes);
        }

        fn zeros(&mut self, n: u64) {
            self.3.resize(self.3.len() + n as usize, 0);
        }

        fn finish(self: Box<Self>, _: Option<&[u8; 32]>, _: &mut Facts) -> Vec<String> {
            let Note(notes, id, part, bytes) = *self;
            notes.0.lock().unwrap().push((id, part, bytes));
            Vec::new()
        }
    }

    #[test]
    fn every_byte_of_content_is_shown_once_and_an_archive_only_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let content = vec![b'x'; BUFFER + 5];
        std::fs::write(folder.path().join("plain.txt"), &content).unwrap();
        // A tar of one file.
        let mut tar = vec![0u8; 512];
        tar[..5].copy_from_slice(b"inner");
        tar[100..108].copy_from_slice(b"0000644\0");
        tar[124..136].copy_from_slice(b"00000000003\0");
        tar[148..156].copy_from_slice(b"        ");
        tar[156] = b'0';
        tar[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = tar.iter().map(|it| u32::from(*it)).sum();
        tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(b"abc");
        tar.resize(2048, 0);
        std::fs::write(folder.path().join("a.tar"), &tar).unwrap();

        let notes = Notes(Mutex::new(Vec::new()));
        let given = crate::open(&[folder.path().to_path_buf()]).unwrap();
        let found = walk(given, &Want::Observed(&notes), &Store::small(), &Silent);
        let mut shown: Vec<(String, Part, Vec<u8>)> = notes
            .0
            .into_inner()
            .unwrap()
            .into_iter()
            .map(|(id, part, bytes)| (found.tree.artifact(id).name.clone(), part, bytes))
            .collect();
        shown.sort_by(|a, b| a.0.cmp(&b.0));
        let names: Vec<(&str, Part, usize)> = shown.iter().map(|it| (it.0.as_str(), it.1, it.2.len())).collect();
        assert_eq!(
            names,
            [("/a.tar", Part::Packing, 2048), ("/plain.txt", Part::Content, BUFFER + 5), ("inner", Part::Content, 3)]
        );
    }
}
