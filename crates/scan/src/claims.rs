//! What packages state of their parts, held against these.
//!
//! No signature covers a statement on its own: what fits is no proof of anything, what does not fit was changed by
//! somebody, or was never one package.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::claim::Claim;
use model::fact::image_check::{ImageCheck, Method, State};
use model::fact::property::Property;
use model::{Artifact, ArtifactId, Fault, Gap, Layer, Location, NodeKind, Row};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use verify::hash::Hash;
use verify::update::stated;

use crate::conclude::hex;
use crate::images::{Context, check, stem};
use crate::walk::Found;

/// Rows and gaps of all statements; in the order of the statements.
pub fn verify(found: &Found, context: &Context) -> (Vec<Row<ImageCheck>>, Vec<Gap>) {
    let beside = Beside::of(found, context);
    let rows = &found.facts.claims;
    let results: Vec<Result<Option<Row<ImageCheck>>, Gap>> = rows
        .par_iter()
        .take(CLAIMS_MAX)
        .map(|row| {
            let work = || beside.held(row);
            let gap = |why| Gap { artifact: row.at.artifact, why, layer: Layer::Trust };
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                Ok(Ok(check)) => Ok(check),
                Ok(Err(fault)) => Err(gap(format!("what it states was not held against the rest: {fault}"))),
                Err(_) => Err(gap("internal error: what it states could not be held against the rest".to_owned())),
            }
        })
        .collect();
    let (mut checks, mut gaps) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(row) => checks.extend(row),
            Err(gap) => gaps.push(gap),
        }
    }
    if let Some(row) = rows.get(CLAIMS_MAX) {
        let why = format!("more than {CLAIMS_MAX} statements of packages: the others were not held against the rest");
        gaps.push(Gap { artifact: row.at.artifact, why, layer: Layer::Trust });
    }
    (checks, gaps)
}

/// Where to look for what is stated.
struct Beside<'a> {
    found: &'a Found,
    context: &'a Context<'a>,
    /// The files of containers, by their names.
    files: FxHashMap<(Option<ArtifactId>, &'a [u8]), &'a Artifact>,
    /// Which file a package flashes to a partition.
    flashed: BTreeMap<(Option<ArtifactId>, &'a str), &'a str>,
    /// The values that the build gives a property.
    properties: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// What came of a statement: the artifact that it is about, the state, and why.
type Answer = (Option<ArtifactId>, State, String);

impl<'a> Beside<'a> {
    fn of(found: &'a Found, context: &'a Context<'a>) -> Beside<'a> {
        let mut beside = Beside {
            found,
            context,
            files: FxHashMap::default(),
            flashed: BTreeMap::new(),
            properties: BTreeMap::new(),
        };
        if found.facts.claims.is_empty() {
            return beside;
        }
        for artifact in found.tree.iter().filter(|it| it.node.kind == NodeKind::File) {
            beside.files.entry((artifact.parent, &artifact.raw_name)).or_insert(artifact);
        }
        for row in &found.facts.claims {
            if let Claim::Flashed { partition, file } = &row.value {
                let parent = found.tree.artifact(row.at.artifact).parent;
                beside.flashed.entry((parent, partition)).or_insert(file);
            }
        }
        for row in &found.facts.properties {
            if let Property::Set { name, value } | Property::Default { name, value } = &row.value {
                beside.properties.entry(name).or_default().insert(value);
            }
        }
        beside
    }

    fn held(&self, row: &Row<Claim>) -> Result<Option<Row<ImageCheck>>, Fault> {
        let stating = self.found.tree.artifact(row.at.artifact);
        let (name, answer) = match &row.value {
            Claim::Size { file, size } => (file.clone(), self.size(stating, file, *size)),
            Claim::Sha256 { file, first, sha256 } => (file.clone(), self.sha256(stating, file, *first, sha256)?),
            Claim::Stands { file, offset, size } => (file.clone(), self.stands(stating, file, *offset, *size)?),
            Claim::Crc32 { partition, crc32 } => (partition.clone(), self.crc32(stating, partition, *crc32)?),
            Claim::SparseCrc32 { partition } => (partition.clone(), self.sparse(stating, partition)),
            Claim::Md5 { digits } => (stating.name.clone(), md5(stating, digits)?),
            Claim::AntiRollback { version } => ("anti_version".to_owned(), self.anti_rollback(stating, *version)),
            Claim::Blocks { partition, blocks } => (partition.clone(), self.blocks(stating, partition, blocks)),
            Claim::Property { name, values } => (name.clone(), self.property(name, values)),
            Claim::Partition { name } => (name.clone(), self.partition(stating, name)),
            Claim::Room { partition, size } => (partition.clone(), self.room(stating, partition, *size)),
            // What a script flashes is needed for the others.
            Claim::Flashed { .. } => return Ok(None),
        };
        let (about, state, why) = answer;
        let at = about.filter(|it| *it != stating.id).map_or(row.at, |artifact| {
            let size = self.found.tree.artifact(artifact).blob.len();
            Location { artifact, offset: 0, size }
        });
        let by = model::path_name(stating.file_name());
        Ok(Some(Row { at, value: check(name, Method::Statement, state, &format!("{by}: {why}")) }))
    }

    /// A file in the folder of what states it.
    fn file(&self, stating: &Artifact, file: &str) -> Option<&'a Artifact> {
        let folder = stating.raw_name.strip_suffix(stating.file_name()).unwrap_or_default();
        let name = [folder, file.as_bytes()].concat();
        self.files.get(&(stating.parent, name.as_slice())).copied()
    }

    fn size(&self, stating: &Artifact, file: &str, size: u64) -> Answer {
        let Some(found) = self.file(stating, file) else { return absent() };
        let has = found.blob.len();
        compared(found, has == size, format!("it has {has} bytes"), format!("{size} bytes"))
    }

    fn sha256(&self, stating: &Artifact, file: &str, first: Option<u64>, stated: &str) -> Result<Answer, Fault> {
        let Some(found) = self.file(stating, file) else { return Ok(absent()) };
        let (blob, which) = match first {
            None => (found.blob.clone(), String::new()),
            Some(first) if first <= found.blob.len() => {
                (found.blob.slice(0, first)?, format!(" of its first {first} bytes"))
            }
            Some(first) => return Ok(contradicted(found, format!("it has less than {first} bytes"))),
        };
        let has = match self.found.hashes.get(&found.id).filter(|_| first.is_none()) {
            Some(hashed) => hex(hashed),
            None => hex(&stated::hash(Hash::Sha256, &blob)?),
        };
        Ok(compared(found, has == stated, format!("the SHA-256{which} is {has}"), stated.to_owned()))
    }

    /// The same file, by the directory of the archive and by its place.
    fn stands(&self, stating: &Artifact, file: &str, offset: u64, size: u64) -> Result<Answer, Fault> {
        let Some(archive) = stating.parent.map(|it| self.found.tree.artifact(it)) else { return Ok(absent()) };
        // `payload_metadata.bin` is the start of the payload and no file of its own.
        let named = if file == "payload_metadata.bin" { "payload.bin" } else { file };
        let all = [named, &format!("META-INF/com/android/{named}")].map(str::to_owned);
        let known = all.iter().find_map(|it| self.files.get(&(Some(archive.id), it.as_bytes())));
        let Some(found) = known.copied() else { return Ok(absent()) };
        let place = archive.blob.slice(offset, size);
        let is_same = match (place, found.blob.slice(0, size)) {
            (Ok(place), Ok(head)) if named != file || found.blob.len() == size => stated::are_same(&place, &head)?,
            _ => false,
        };
        let other = "other bytes stand where it is stated to stand, and a phone that loads only these installs them";
        Ok(match is_same {
            true => (Some(found.id), State::Unsigned, "it stands where that is stated".to_owned()),
            false => contradicted(found, other.to_owned()),
        })
    }

    /// The file that is flashed to a partition: by the script of the package, or the one of its name.
    fn flashed(&self, stating: &Artifact, partition: &str) -> Option<&'a Artifact> {
        match self.flashed.get(&(stating.parent, partition)) {
            Some(file) => self.file(stating, file),
            None => ["img", "bin", "mbn", "elf"].iter().find_map(|it| self.file(stating, &format!("{partition}.{it}"))),
        }
    }

    fn crc32(&self, stating: &Artifact, partition: &str, stated: u32) -> Result<Answer, Fault> {
        let Some(found) = self.flashed(stating, partition) else { return Ok(absent()) };
        let has = stated::crc32(&found.blob)?;
        Ok(compared(found, has == stated, format!("its CRC-32 is {has:#010x}"), format!("{stated:#010x}")))
    }

    fn sparse(&self, stating: &Artifact, partition: &str) -> Answer {
        let why = "the sums are of the parts that the flashing tool cuts the image into".to_owned();
        match self.flashed(stating, partition) {
            Some(found) => (Some(found.id), State::Unchecked, why),
            None => absent(),
        }
    }

    /// All scripts of a package and its list name one version.
    fn anti_rollback(&self, stating: &Artifact, version: u64) -> Answer {
        let package: Vec<ArtifactId> = self.found.tree.ancestors(stating.id).map(|it| it.id).collect();
        let others = self.found.facts.claims.iter().filter_map(|row| match row.value {
            Claim::AntiRollback { version } => Some((row.at.artifact, version)),
            _ => None,
        });
        let top = package.last().copied();
        let is_of_package = |it: &(ArtifactId, u64)| self.found.tree.ancestors(it.0).last().map(|it| it.id) == top;
        match others.filter(is_of_package).find(|it| it.1 != version) {
            Some((other, stated)) => {
                let name = &self.found.tree.artifact(other).name;
                let why = format!("anti-rollback version {version}, and {name} says {stated}");
                (None, State::Contradicted, why)
            }
            None => (None, State::Unsigned, format!("anti-rollback version {version}, wherever the package says one")),
        }
    }

    /// Whether the blocks that are read after an update lie in the partition.
    fn blocks(&self, stating: &Artifact, partition: &str, blocks: &[(u64, u64)]) -> Answer {
        let end = blocks.iter().map(|it| it.1).max().unwrap_or_default();
        let count = blocks.iter().fold(0u64, |sum, it| sum.saturating_add(it.1.saturating_sub(it.0)));
        let Some(found) = self.image(stating, partition) else { return absent() };
        let has = found.blob.len().div_ceil(BLOCK);
        if has < end {
            return contradicted(found, format!("blocks up to {end} are to be read after an update, and it has {has}"));
        }
        (Some(found.id), State::Unsigned, format!("{count} of its {has} blocks are read after an update"))
    }

    fn image(&self, stating: &Artifact, partition: &str) -> Option<&'a Artifact> {
        self.context.image(stating, &stem(partition.as_bytes()).0, 0).map(|it| self.found.tree.artifact(it))
    }

    /// `ro.build.X`, or `ro.PARTITION.build.X`: a build states it for each partition, and the update for one of these.
    fn property(&self, name: &str, values: &[String]) -> Answer {
        let tail = name.strip_prefix("ro.").and_then(|it| it.split_once("build.")).map_or(name, |it| it.1);
        let is_of_family = |it: &str| {
            let rest = it.strip_prefix("ro.").and_then(|it| it.strip_suffix(tail));
            it == name || rest.is_some_and(|it| it.ends_with("build.") && it.matches('.').count() <= 2)
        };
        let family = self.properties.iter().filter(|it| is_of_family(it.0));
        let has: BTreeSet<&str> = family.flat_map(|it| it.1).copied().collect();
        let stated = values.join(" or ");
        if has.is_empty() {
            return absent();
        }
        match has.iter().any(|it| values.iter().any(|value| value == it)) {
            true => (None, State::Unsigned, format!("the build says {stated}, too")),
            false => {
                let has = has.into_iter().collect::<Vec<_>>().join(" or ");
                (None, State::Contradicted, format!("stated is {stated}, and the build says {has}"))
            }
        }
    }

    fn partition(&self, stating: &Artifact, name: &str) -> Answer {
        match self.image(stating, name) {
            Some(found) => (Some(found.id), State::Unsigned, "it is there".to_owned()),
            None => absent(),
        }
    }

    fn room(&self, stating: &Artifact, partition: &str, room: u64) -> Answer {
        let Some(found) = self.image(stating, partition) else { return absent() };
        let has = found.blob.len();
        match has <= room {
            true => (Some(found.id), State::Unsigned, format!("it fits into the {room} bytes of its partition")),
            false => contradicted(found, format!("it has {has} bytes, and its partition {room}")),
        }
    }
}

fn md5(package: &Artifact, digits: &str) -> Result<Answer, Fault> {
    let has = hex(&stated::hash(Hash::Md5, &package.blob)?);
    let stated = format!("{digits} in the name");
    Ok(compared(package, has.starts_with(digits), format!("the MD5 is {has}"), stated))
}

fn compared(found: &Artifact, is_equal: bool, has: String, stated: String) -> Answer {
    match is_equal {
        true => (Some(found.id), State::Unsigned, format!("{has}, as stated")),
        false => contradicted(found, format!("{has}, and stated is {stated}")),
    }
}

fn contradicted(found: &Artifact, why: String) -> Answer {
    (Some(found.id), State::Contradicted, why)
}

fn absent() -> Answer {
    (None, State::NotPresent, "what it speaks of is not in the input".to_owned())
}

/// Of an update.
const BLOCK: u64 = 4096;

/// A package states some dozens; each may cost the hashing of a file.
const CLAIMS_MAX: usize = 2048;
