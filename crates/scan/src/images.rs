//! Partitions and images held against the metadata that cover them.

use formats::{Kind, Reading};
use model::fact::avb::{FLAG_HASHTREE_DISABLED, FLAG_VERIFICATION_DISABLED};
use model::fact::image_check::{ImageCheck, Method, State};
use model::{Artifact, ArtifactId, Blob, Extent, Fault, Gap, Layer, Location, NodeKind, Origin, Row, Store};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use verify::avb::fec::Fec;
use verify::avb::hashtree::{Checked, Hashtree};
use verify::avb::structure::{Covers, Signature, Vbmeta};
use verify::avb::verity_table::VerityTable;
use verify::avb::{self, boot_signature};
use verify::certificate::Certificate;
use verify::hash::Hash;
use verify::update::payload::Payload;
use verify::update::whole_file::WholeFile;

use crate::Progress;
use crate::walk::Found;

/// Rows and gaps of everything that is covered by metadata.
pub fn verify(context: &Context, fec: bool, progress: &dyn Progress) -> (Vec<Row<ImageCheck>>, Vec<Gap>) {
    let found = context.found;
    let mut jobs = context.jobs();
    context.corrections(fec, &mut jobs);
    let id_of = |job: &Job| job.image.unwrap_or(job.at.artifact);
    let size = |job: &Job| found.tree.artifact(id_of(job)).blob.len();
    progress.ahead(jobs.iter().map(size).sum());
    let results: Vec<Result<Option<Row<ImageCheck>>, Gap>> = jobs
        .par_iter()
        .map(|job| {
            let id = id_of(job);
            let gap = |why: String| Gap { artifact: id, why, layer: Layer::Trust };
            let work = || context.run(job);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            progress.done(size(job), &found.tree.artifact(id).name);
            match result {
                Ok(Ok(check)) => {
                    Ok(check.map(|value| Row { at: job.image.map_or(job.at, |it| context.whole(it)), value }))
                }
                Ok(Err(fault)) => Err(gap(format!("not held against its signature: {fault}"))),
                Err(_) => Err(gap("internal error: its signature could not be verified".to_owned())),
            }
        })
        .collect();
    let (mut rows, mut gaps) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(row) => rows.extend(row),
            Err(gap) => gaps.push(gap),
        }
    }
    (rows, gaps)
}

/// Something to be recomputed.
struct Job {
    /// Where the metadata stand.
    at: Location,
    /// The image that they cover, if it is there.
    image: Option<ArtifactId>,
    what: What,
}

enum What {
    /// The metadata of verified boot at `at` themselves.
    Structure {
        name: String,
        key: Option<Vec<u8>>,
    },
    /// A descriptor of these, with what covers it.
    Covered {
        cover: Covers,
        by: Cover,
    },
    Boot,
    /// The size of the file system in front of the table.
    Verity(u64),
    /// Error correction by a descriptor; whether it is recomputed.
    Fec(Fec, bool),
    /// Error correction behind an image without such metadata; likewise.
    FecBehind(bool),
    WholeFile,
    Payload,
}

/// What covers a descriptor.
#[derive(Clone)]
struct Cover {
    signature: Signature,
    key: Vec<u8>,
    rollback_index: u64,
    flags: u32,
}

/// What is looked up for many images.
pub(crate) struct Context<'a> {
    found: &'a Found,
    store: &'a Store,
    /// Files outside file systems, by the name of the partition that they would be.
    images: FxHashMap<String, Vec<&'a Artifact>>,
    /// The key that each APEX carries for its payload, by the APEX.
    apex_keys: FxHashMap<Option<ArtifactId>, &'a Blob>,
    /// `verity_key` of ramdisks.
    verity_keys: Vec<Vec<u8>>,
    /// Certificates that may sign updates: those of `otacerts.zip`, and the one that a package carries.
    update_keys: Vec<Certificate>,
}

impl<'a> Context<'a> {
    pub(crate) fn of(found: &'a Found, store: &'a Store) -> Context<'a> {
        let mut context = Context {
            found,
            store,
            images: FxHashMap::default(),
            apex_keys: FxHashMap::default(),
            verity_keys: Vec::new(),
            update_keys: Vec::new(),
        };
        for artifact in found.tree.iter().filter(|it| it.node.kind == NodeKind::File && !it.blob.is_empty()) {
            let is_in = |kind| artifact.parent.is_some_and(|it| context.is_read_as(it, kind));
            if !is_in(Kind::FileSystem) && !is_in(Kind::App) {
                context.images.entry(stem(artifact.file_name()).0).or_default().push(artifact);
            }
            match artifact.file_name() {
                b"apex_pubkey" => {
                    context.apex_keys.insert(artifact.parent, &artifact.blob);
                }
                // A key that cannot be read is told where its file is read.
                b"verity_key" => context.verity_keys.extend(artifact.blob.bytes("bytes of a key", KEY_MAX)),
                name if name == b"otacert" || name.ends_with(b".pem") => context.update_key(artifact),
                _ => {}
            }
        }
        context
    }

    fn update_key(&mut self, artifact: &Artifact) {
        let path = self.found.tree.path(artifact.id);
        if path.contains("otacerts.zip!") || path.ends_with("META-INF/com/android/otacert") {
            let bytes = artifact.blob.bytes("bytes of a certificate", KEY_MAX);
            self.update_keys.extend(bytes.ok().and_then(|it| Certificate::read(&pem(&it).unwrap_or(it)).ok()));
        }
    }

    fn is_read_as(&self, id: ArtifactId, kind: Kind) -> bool {
        self.found.formats.get(id.0 as usize).is_some_and(|it| it.iter().any(|it| it.kind == kind))
    }

    fn whole(&self, id: ArtifactId) -> Location {
        Location { artifact: id, offset: 0, size: self.found.tree.artifact(id).blob.len() }
    }

    /// Everything that can be recomputed.
    fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut done: FxHashSet<ArtifactId> = FxHashSet::default();
        let facts = &self.found.facts;
        for row in facts.vbmetas.iter().filter(|it| !it.value.from_footer) {
            self.structure(row.at, None, &mut done, &mut jobs);
        }
        // What a structure covers by a digest or names by key is done with it.
        let footers: Vec<_> = facts.vbmetas.iter().filter(|it| it.value.from_footer).collect();
        for row in footers.into_iter().filter(|it| !done.contains(&it.at.artifact)) {
            self.structure(row.at, None, &mut FxHashSet::default(), &mut jobs);
        }
        let mut add = |id: ArtifactId, what| jobs.push(Job { at: self.whole(id), image: None, what });
        for row in &facts.boots {
            add(row.at.artifact, What::Boot);
        }
        for row in facts.file_systems.iter().filter(|it| it.value.kind == "ext4") {
            add(row.at.artifact, What::Verity(row.value.size));
        }
        for (artifact, formats) in self.found.tree.iter().zip(&self.found.formats) {
            let has = |id: &str| formats.iter().any(|it| it.id == id);
            if has("payload") {
                add(artifact.id, What::Payload);
            }
            // Updates stand at the top, or in what is handed over; not in what a phone has installed.
            if has("zip") && !has("apk") && !has("apex") && artifact.depth <= UPDATE_DEPTH_MAX {
                add(artifact.id, What::WholeFile);
            }
        }
        jobs
    }

    /// The error correction of what the jobs cover, and of file systems that nothing covers so.
    fn corrections(&self, is_recomputed: bool, jobs: &mut Vec<Job>) {
        let of = |job: &Job| match (&job.what, job.image) {
            (What::Covered { cover: Covers::Hashtree(descriptor), .. }, Some(image)) => {
                Fec::of(descriptor).map(|it| Job { at: job.at, image: Some(image), what: What::Fec(it, is_recomputed) })
            }
            (What::Verity(_), _) => Some(Job { at: job.at, image: None, what: What::FecBehind(is_recomputed) }),
            _ => None,
        };
        let more: Vec<Job> = jobs.iter().filter_map(of).collect();
        jobs.extend(more);
    }

    /// A structure, what it covers, and what it names by key.
    fn structure(
        &self,
        at: Location,
        named: Option<(&str, &[u8])>,
        done: &mut FxHashSet<ArtifactId>,
        jobs: &mut Vec<Job>,
    ) {
        let artifact = self.found.tree.artifact(at.artifact);
        let (name, key) = match named {
            Some((name, key)) => (name.to_owned(), Some(key.to_vec())),
            None => (stem(artifact.file_name()).0, self.apex_key(artifact)),
        };
        jobs.push(Job { at, image: None, what: What::Structure { name, key } });
        // What is malformed is told by that job.
        let Ok(vbmeta) = Vbmeta::read(&artifact.blob, at.offset) else { return };
        let by = Cover {
            signature: vbmeta.signature,
            key: vbmeta.public_key,
            rollback_index: vbmeta.rollback_index,
            flags: vbmeta.flags,
        };
        let vbmetas = &self.found.facts.vbmetas;
        let is_own = vbmetas.iter().any(|it| it.at == at && it.value.from_footer);
        for cover in vbmeta.covers.into_iter().take(COVERS_MAX) {
            let (partition, size) = match &cover {
                Covers::Hash(it) => (it.digest.partition.as_str(), it.image_size),
                Covers::Hashtree(it) => (it.digest.partition.as_str(), it.image_size),
                Covers::Chain { partition, .. } => (partition.as_str(), 0),
            };
            let image = if is_own { Some(at.artifact) } else { self.image(artifact, partition, size) };
            let chain = match (&cover, image) {
                (Covers::Chain { partition, public_key, .. }, Some(image)) => vbmetas
                    .iter()
                    .find(|it| it.at.artifact == image && it.at != at)
                    .map(|row| (row.at, partition.clone(), public_key.clone())),
                _ => None,
            };
            // Only metadata that nobody names may name others (libavb refuses the rest).
            let chain = chain.filter(|_| named.is_none());
            done.extend(image.filter(|_| !is_own && chain.is_none()));
            match chain {
                // A chain that comes back to where it was is followed once.
                Some((at, partition, key)) if done.insert(at.artifact) => {
                    self.structure(at, Some((&partition, &key)), done, jobs);
                }
                Some(_) => {}
                None => jobs.push(Job { at, image, what: What::Covered { cover, by: by.clone() } }),
            }
        }
    }

    /// The image of a partition: of those with its name, the one of the same slot that is long enough and lies nearest.
    pub(crate) fn image(&self, metadata: &Artifact, partition: &str, size: u64) -> Option<ArtifactId> {
        let slot = stem(metadata.file_name()).1;
        let tree = &self.found.tree;
        let own: Vec<ArtifactId> = tree.ancestors(metadata.id).map(|it| it.id).collect();
        let nearness = |it: &Artifact| tree.ancestors(it.id).filter(|it| own.contains(&it.id)).count();
        self.images
            .get(partition)?
            .iter()
            .filter(|it| it.id != metadata.id)
            .filter(|it| !matches!((slot, stem(it.file_name()).1), (Some(own), Some(other)) if own != other))
            .max_by_key(|it| (size <= it.blob.len(), nearness(it), it.depth, std::cmp::Reverse(it.id)))
            .map(|it| it.id)
    }

    fn apex_key(&self, artifact: &Artifact) -> Option<Vec<u8>> {
        let key = self.apex_keys.get(&artifact.parent).filter(|_| artifact.name == "apex_payload.img")?;
        // A key that cannot be read is told where its file is read.
        key.bytes("bytes of a key", KEY_MAX).ok()
    }

    /// What is recomputed; `None` where there is no signature.
    fn run(&self, job: &Job) -> Result<Option<ImageCheck>, Fault> {
        let artifact = self.found.tree.artifact(job.at.artifact);
        let name = stem(artifact.file_name()).0;
        Ok(match &job.what {
            What::Structure { name, key } => Some(structure_check(artifact, job.at, name, key.as_deref())?),
            What::Covered { cover, by } => Some(self.covered(job.image, cover, by)?),
            What::Boot => boot_signature::read(&artifact.blob)?.map(|signature| ImageCheck {
                public_key_sha256: Some(sha256(&signature.certificate.spki)),
                ..match signature.holds {
                    true => check(name, Method::BootSignature, State::Verified, ""),
                    false => check(name, Method::BootSignature, State::Altered, "it is not the image that was signed"),
                }
            }),
            What::Verity(size) => match VerityTable::read(&artifact.blob, *size)? {
                Some(table) => Some(self.verity(artifact, name, &table)?),
                None => None,
            },
            What::Fec(fec, is_recomputed) => {
                let image = self.found.tree.artifact(job.image.unwrap_or(artifact.id));
                Some(corrected(stem(image.file_name()).0, fec, &image.blob, *is_recomputed)?)
            }
            What::FecBehind(is_recomputed) => match Fec::behind(&artifact.blob)? {
                Some((fec, true)) => Some(corrected(name, &fec, &artifact.blob, *is_recomputed)?),
                Some((_, false)) => {
                    let why = "it is not the one that its header has the hash of";
                    Some(check(correction_of(&name), Method::Fec, State::Contradicted, why))
                }
                None => None,
            },
            What::WholeFile => WholeFile::read(&artifact.blob)?.map(|it| self.whole_file(&artifact.name, &it)),
            What::Payload => Some(self.payload(artifact)?),
        })
    }
}

/// The name of a partition and its slot: `system_a.img` is `system` of the slot `a`.
pub(crate) fn stem(file_name: &[u8]) -> (String, Option<char>) {
    let name = String::from_utf8_lossy(file_name).into_owned();
    let name = [".img", ".bin", ".raw"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(&name);
    match name.strip_suffix("_a").map(|it| (it, 'a')).or(name.strip_suffix("_b").map(|it| (it, 'b'))) {
        Some((name, slot)) => (name.to_owned(), Some(slot)),
        None => (name.to_owned(), None),
    }
}

pub(crate) fn check(name: String, method: Method, state: State, why: &str) -> ImageCheck {
    ImageCheck {
        name,
        method,
        state,
        algorithm: String::new(),
        public_key_sha256: None,
        rollback_index: None,
        is_disabled: false,
        altered: Vec::new(),
        n_altered: 0,
        n_unknown: 0,
        files: Vec::new(),
        why: why.to_owned(),
    }
}

/// The metadata themselves: signed, and where another structure or an APEX names the key, by that one.
fn structure_check(artifact: &Artifact, at: Location, name: &str, key: Option<&[u8]>) -> Result<ImageCheck, Fault> {
    let vbmeta = Vbmeta::read(&artifact.blob, at.offset)?;
    if COVERS_MAX < vbmeta.covers.len() {
        return Err(Fault::Limit { what: "images that verified-boot metadata cover", bound: COVERS_MAX as u64 });
    }
    let is_named = key.is_none_or(|it| it == vbmeta.public_key);
    let (state, why) = match vbmeta.signature {
        Signature::Holds if is_named => (State::Verified, ""),
        Signature::Holds => (State::Altered, "they are signed by another key than the one that is named for them"),
        Signature::None if key.is_some() => (State::Altered, "they are not signed, and a key is named for them"),
        Signature::None => (State::Unsigned, ""),
        Signature::OtherBytes => (State::Altered, "they are not the metadata that were signed"),
        Signature::OtherKey => (State::Altered, "their signature is not by their key"),
        Signature::Unsupported(id) => return Err(Fault::Unsupported(format!("algorithm {id} of verified boot"))),
    };
    let method = if key.is_some() { Method::Chain } else { Method::Vbmeta };
    Ok(ImageCheck {
        public_key_sha256: (!vbmeta.public_key.is_empty()).then(|| sha256(&vbmeta.public_key)),
        rollback_index: Some(vbmeta.rollback_index),
        is_disabled: is_disabled(vbmeta.flags),
        ..check(name.to_owned(), method, state, why)
    })
}

fn is_disabled(flags: u32) -> bool {
    flags & (FLAG_HASHTREE_DISABLED | FLAG_VERIFICATION_DISABLED) != 0
}

/// Whether error correction fits an image, and where asked, whether it is what the image gives.
fn corrected(name: String, fec: &Fec, image: &Blob, is_recomputed: bool) -> Result<ImageCheck, Fault> {
    let name = correction_of(&name);
    if let Some(why) = fec.misfit(image) {
        return Ok(check(name, Method::Fec, State::Contradicted, &why));
    }
    if !is_recomputed {
        let why = "it has the size that belongs to the image, and was not recomputed (--fec)";
        return Ok(check(name, Method::Fec, State::Unchecked, why));
    }
    let pieces: Vec<_> = fec.pieces().collect();
    let blocks: Vec<Vec<u64>> =
        pieces.into_par_iter().map(|it| fec.differing(image, it)).collect::<Result<_, Fault>>()?;
    let blocks: Vec<u64> = blocks.concat();
    let why = match blocks.len() {
        0 => "it is what the image gives; no signature covers that".to_owned(),
        n => format!(
            "{n} of its blocks are not what the image gives: no signature covers them, and nothing reads them \
             unless a block is damaged"
        ),
    };
    let state = if blocks.is_empty() { State::Unsigned } else { State::Contradicted };
    Ok(ImageCheck {
        n_altered: blocks.len() as u64,
        altered: blocks.iter().take(RUNS_TOLD).map(|it| (*it, FEC_BLOCK)).collect(),
        ..check(name, Method::Fec, state, &why)
    })
}

fn correction_of(name: &str) -> String {
    format!("error correction of {name}")
}

/// Of error correction.
const FEC_BLOCK: u64 = 4096;

/// Hashes an image on all threads, and holds it against its tree.
fn held(tree: &Hashtree, image: &Blob) -> Result<Checked, Fault> {
    let pieces: Vec<_> = tree.pieces().collect();
    let leaves: Result<Vec<Vec<u8>>, Fault> = pieces.into_par_iter().map(|it| tree.leaves(image, it)).collect();
    Ok(tree.check(image, leaves?.concat()))
}

impl Context<'_> {
    /// An image against a descriptor.
    fn covered(&self, image: Option<ArtifactId>, cover: &Covers, by: &Cover) -> Result<ImageCheck, Fault> {
        let image = image.map(|it| self.found.tree.artifact(it));
        let (partition, method, digest, size) = match cover {
            Covers::Hash(it) => (&it.digest.partition, Method::Hash, Some(&it.digest), it.image_size),
            Covers::Hashtree(it) => (&it.digest.partition, Method::Hashtree, Some(&it.digest), it.image_size),
            Covers::Chain { partition, .. } => (partition, Method::Chain, None, 0),
        };
        let name = match (partition.as_str(), image) {
            ("", Some(image)) => stem(image.file_name()).0,
            (name, _) => name.to_owned(),
        };
        let checked = |state, why: &str| ImageCheck {
            algorithm: digest.map_or_else(String::new, |it| it.algorithm.clone()),
            public_key_sha256: (!by.key.is_empty()).then(|| sha256(&by.key)),
            rollback_index: Some(by.rollback_index),
            is_disabled: is_disabled(by.flags),
            ..check(name.clone(), method, state, why)
        };
        let Some(image) = image else { return Ok(checked(State::NotPresent, "")) };
        if image.blob.len() < size {
            return Ok(checked(State::NotPresent, "the image is shorter than what its metadata cover"));
        }
        if digest.is_some_and(|it| it.bytes.is_empty()) {
            return Ok(checked(State::NotPresent, "its digest is kept in the phone, not in the metadata"));
        }
        // What is equal is worth as much as the signature over the metadata.
        let equal = match by.signature {
            Signature::Holds => (State::Verified, ""),
            Signature::None => (State::Unsigned, "it is the image that the metadata state; nobody signed these"),
            Signature::OtherBytes | Signature::OtherKey => {
                (State::Unsigned, "it is the image that the metadata state; their signature does not hold")
            }
            Signature::Unsupported(_) => {
                (State::KeyUnknown, "the signature of the metadata is by an unknown algorithm")
            }
        };
        match cover {
            Covers::Chain { .. } => Ok(checked(State::NotPresent, "the image carries no metadata of its own")),
            Covers::Hash(descriptor) => match avb::equals(descriptor, &image.blob)? {
                true => Ok(checked(equal.0, equal.1)),
                false => Ok(checked(State::Altered, "")),
            },
            Covers::Hashtree(descriptor) => {
                let tree = Hashtree::of(descriptor)?;
                match held(&tree, &image.blob)? {
                    result if result.equal => Ok(checked(equal.0, equal.1)),
                    result => Ok(self.with_altered(checked(State::Altered, ""), image, &tree, result)),
                }
            }
        }
    }

    /// Which blocks and which files are not those that were signed.
    fn with_altered(&self, check: ImageCheck, image: &Artifact, tree: &Hashtree, checked: Checked) -> ImageCheck {
        let block = tree.block_size();
        let runs: Vec<(u64, u64)> = checked
            .altered
            .iter()
            .map(|it| (it.start.saturating_mul(block), it.end.saturating_sub(it.start).saturating_mul(block)))
            .collect();
        ImageCheck {
            files: if runs.is_empty() { Vec::new() } else { self.files_in(image, &runs) },
            altered: runs.into_iter().take(RUNS_TOLD).collect(),
            n_altered: checked.n_altered,
            n_unknown: checked.n_unknown,
            ..check
        }
    }

    /// The files that altered bytes belong to: the file system is read once more with these bytes taken away, and what
    /// cannot be read then is it. Knows nothing of any file system, so it holds for all.
    fn files_in(&self, image: &Artifact, runs: &[(u64, u64)]) -> Vec<String> {
        if !self.is_read_as(image.id, Kind::FileSystem) {
            return Vec::new();
        }
        let len = image.blob.len();
        let mut extents = vec![Extent { offset: 0, len, from: Origin::Blob(image.blob.clone(), 0) }];
        let missing = || Origin::Missing(Fault::Io("altered".to_owned()));
        extents.extend(runs.iter().map(|&(offset, len)| Extent { offset, len, from: missing() }));
        let without = Artifact { blob: Blob::mapped(len, extents), ..image.clone() };
        let mut reading = Reading::new(&without, self.store.clone(), len);
        formats::read(&without, &mut reading);
        let mut files = Vec::new();
        if !reading.gaps.is_empty() {
            files.push("(the file system's own metadata)".to_owned());
        }
        let mut left = len.saturating_mul(READ_FACTOR);
        for child in reading.children.iter().filter(|it| it.node.kind == NodeKind::File) {
            left = left.saturating_sub(child.blob.len());
            if left == 0 || FILES_TOLD <= files.len() {
                break;
            }
            if std::io::copy(&mut child.blob.stream(), &mut std::io::sink()).is_err() {
                files.push(model::path_name(&child.name));
            }
        }
        files
    }

    /// A file system with a signed table behind it.
    fn verity(&self, image: &Artifact, name: String, table: &VerityTable) -> Result<ImageCheck, Fault> {
        let signer = self.verity_keys.iter().find(|it| table.is_signed_by(it) == Some(true));
        let checked = held(&table.tree, &image.blob)?;
        let (state, why) = match (checked.equal, signer, self.verity_keys.is_empty()) {
            (false, ..) => (State::Altered, ""),
            (true, Some(_), _) => (State::Verified, ""),
            (true, None, true) => (State::KeyUnknown, "it is the image that its table states"),
            (true, None, false) => (State::Altered, "the table is not signed by the key of the ramdisk"),
        };
        let result = ImageCheck {
            public_key_sha256: signer.map(|it| sha256(it)),
            ..check(name, Method::VerityTable, state, why)
        };
        Ok(if checked.equal { result } else { self.with_altered(result, image, &table.tree, checked) })
    }

    fn whole_file(&self, name: &str, file: &WholeFile) -> ImageCheck {
        let known = self.update_keys.iter().find(|it| file.is_signed_by(it));
        let (state, why, key) = match (known, &file.own) {
            (Some(known), _) => (State::Verified, "", Some(known)),
            (None, Some((own, true))) => {
                (State::KeyUnknown, "its signature holds, by the key that it carries", Some(own))
            }
            (None, Some((_, false))) => (State::Altered, "its signature is not by the key that it carries", None),
            (None, None) => {
                (State::KeyUnknown, "its signature carries no certificate, and none in the input fits", None)
            }
        };
        ImageCheck {
            public_key_sha256: key.map(|it| sha256(&it.spki)),
            ..check(name.to_owned(), Method::WholeFile, state, why)
        }
    }

    fn payload(&self, artifact: &Artifact) -> Result<ImageCheck, Fault> {
        let name = artifact.name.clone();
        let payload = Payload::read(&artifact.blob)?;
        let equal: Result<Vec<bool>, Fault> =
            payload.operations.par_iter().map(|it| it.verifies(&artifact.blob)).collect();
        let wrong: Vec<_> = payload.operations.iter().zip(equal?).filter(|it| !it.1).map(|it| it.0).collect();
        let mut partitions: Vec<&str> = wrong.iter().map(|it| it.partition.as_str()).collect();
        partitions.dedup();
        let is_by = |it: &&Certificate| it.key().is_ok_and(|key| payload.is_signed_by(&key));
        let signer = self.update_keys.iter().find(is_by);
        let (state, why) = match (wrong.is_empty(), payload.signatures.is_empty(), signer) {
            (false, ..) => (State::Altered, format!("data of {} have other hashes", partitions.join(", "))),
            (true, true, _) => (State::Unsigned, "its data have the hashes that it states".to_owned()),
            (true, false, None) => (State::KeyUnknown, "its data have the hashes that it states".to_owned()),
            (true, false, Some(_)) if payload.n_unhashed == 0 => (State::Verified, String::new()),
            (true, false, Some(_)) => {
                (State::Unsigned, format!("{} of its operations state no hash of their data", payload.n_unhashed))
            }
        };
        Ok(ImageCheck {
            public_key_sha256: signer.map(|it| sha256(&it.spki)),
            n_altered: wrong.len() as u64,
            altered: wrong
                .iter()
                .map(|it| (it.range.start, it.range.end.saturating_sub(it.range.start)))
                .take(RUNS_TOLD)
                .collect(),
            ..check(name, Method::Payload, state, &why)
        })
    }
}

/// The bytes of a certificate in PEM.
fn pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.split("-----BEGIN CERTIFICATE-----").nth(1)?.split("-----END").next()?;
    verify::apk::base64(&body.split_ascii_whitespace().collect::<String>())
}

fn sha256(bytes: &[u8]) -> String {
    crate::conclude::hex(&Hash::Sha256.of(&[bytes]))
}

/// A key or a certificate has a few KiB.
const KEY_MAX: u64 = 64 << 10;

/// A phone has under a hundred partitions; each of these may cost the hashing of a whole one.
const COVERS_MAX: usize = 128;

/// Package, folder, archive.
const UPDATE_DEPTH_MAX: u32 = 2;

/// Files unpack to a few times their image.
const READ_FACTOR: u64 = 8;

/// A reader wants examples, not a list.
const FILES_TOLD: usize = 64;
const RUNS_TOLD: usize = 64;
