//! `payload.bin`: the partitions of an A/B update, cut into operations that are decoded one by one.
//!
//! Each operation is decoded when it is read, and only after its `data_sha256_hash` was checked, as the phone does: a
//! mismatch is a fault of that read. What no operation writes cannot be read either.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use model::fact::anomaly;
use model::fact::package::Package;
use model::fact::partition::Partition;
use model::{Artifact, Blob, CHUNK_MAX, Chunks, Extent, Fault, Origin, Reader};
use sha2::{Digest, Sha256};

use crate::codec::{Codec, decoder};
use crate::proto::{self, Field, Value};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "payload",
    title: "A/B update payload",
    spec: "AOSP system/update_engine/update_metadata.proto",
    kind: Kind::Wrapper,
    matches: |_, bytes| bytes.starts_with(b"CrAU\0\0\0\0\0\0\0"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let head = artifact.blob.read_at(0, HEADER_SIZE)?;
    let mut header = Reader::new(&head);
    header.skip(4, "magic")?;
    let version = header.u64_be("file_format_version")?;
    if version != 2 {
        return Err(Fault::Unsupported(format!("payload version {version}")));
    }
    let manifest_size = header.u64_be("manifest_size")?;
    let metadata_signature_size = header.u32_be("metadata_signature_size")?;
    if MANIFEST_MAX < manifest_size {
        return Err(Fault::Limit { what: "manifest_size", bound: MANIFEST_MAX });
    }
    let bytes = artifact.blob.read_at(HEADER_SIZE, manifest_size)?;
    let manifest = Manifest::read(&bytes)?;
    let data_start = HEADER_SIZE.saturating_add(manifest_size).saturating_add(metadata_signature_size.into());
    let data = artifact.blob.clamp(data_start, u64::MAX);

    let mut package = Package { kind: "payload".to_owned(), incremental: false, properties: manifest.properties };
    let mut fuel = OPERATIONS_MAX;
    let mut result = Ok(());
    for (bytes, at) in manifest.partitions {
        let size = u64::try_from(bytes.len()).unwrap_or(0);
        match Update::read(bytes, at, &mut fuel) {
            Ok(update) => {
                let group = manifest.groups.get(&update.name).cloned();
                package.incremental |= partition(&update, (at, size), group, manifest.block_size, &data, out);
            }
            Err(fault @ Fault::Limit { .. }) => {
                result = Err(fault);
                break;
            }
            Err(fault) => out.gap(format!("partition: {fault}")),
        }
    }
    let row = out.row(0, HEADER_SIZE, package);
    out.facts.packages.push(row);
    result
}

/// `DeltaArchiveManifest`.
struct Manifest<'a> {
    block_size: u64,
    properties: Vec<(String, String)>,
    /// The group of dynamic partitions that a partition belongs to.
    groups: BTreeMap<String, String>,
    /// `PartitionUpdate` messages, with their offsets.
    partitions: Vec<(&'a [u8], u64)>,
}

impl<'a> Manifest<'a> {
    fn read(bytes: &'a [u8]) -> Result<Manifest<'a>, Fault> {
        let mut manifest =
            Manifest { block_size: 4096, properties: Vec::new(), groups: BTreeMap::new(), partitions: Vec::new() };
        for field in proto::fields(bytes, HEADER_SIZE) {
            let field = field?;
            let property = match (field.number, field.value) {
                (3, Value::Varint(size)) => {
                    manifest.block_size = size;
                    "block_size"
                }
                (12, Value::Varint(_)) => "minor_version",
                (14, Value::Varint(_)) => "max_timestamp",
                (16, Value::Varint(_)) => "partial_update",
                (18, Value::Bytes(..)) => "security_patch_level",
                (13, Value::Bytes(bytes, at)) => {
                    if PARTITIONS_MAX <= manifest.partitions.len() {
                        return Err(Fault::malformed("partitions", at));
                    }
                    manifest.partitions.push((bytes, at));
                    continue;
                }
                (15, Value::Bytes(bytes, at)) => {
                    manifest.dynamic(bytes, at)?;
                    continue;
                }
                _ => continue,
            };
            let value = field.number_value().map_or_else(|| field.text(), |it| it.to_string());
            manifest.properties.push((property.to_owned(), value));
        }
        let is_usual = manifest.block_size.is_power_of_two() && (512..=BLOCK_MAX).contains(&manifest.block_size);
        if is_usual { Ok(manifest) } else { Err(Fault::malformed("block_size", HEADER_SIZE)) }
    }

    /// `DynamicPartitionMetadata`.
    fn dynamic(&mut self, bytes: &[u8], at: u64) -> Result<(), Fault> {
        for group in proto::fields(bytes, at) {
            let group = group?;
            let (1, Value::Bytes(bytes, at)) = (group.number, group.value) else { continue };
            let fields = proto::fields(bytes, at).collect::<Result<Vec<Field>, Fault>>()?;
            let name = fields.iter().find(|it| it.number == 1).map(Field::text).unwrap_or_default();
            let partitions = fields.iter().filter(|it| it.number == 3);
            self.groups.extend(partitions.map(|it| (it.text(), name.clone())));
        }
        Ok(())
    }
}

/// `PartitionUpdate`.
#[derive(Default)]
struct Update {
    name: String,
    raw_name: Vec<u8>,
    size: Option<u64>,
    run_postinstall: bool,
    operations: Vec<Operation>,
}

/// `InstallOperation`.
#[derive(Default)]
struct Operation {
    /// Where it stands in the payload.
    at: u64,
    kind: u64,
    data_offset: u64,
    data_length: u64,
    digest: Option<Vec<u8>>,
    /// First block and number of blocks.
    dst_extents: Vec<(u64, u64)>,
}

impl Update {
    fn read(bytes: &[u8], at: u64, fuel: &mut u64) -> Result<Update, Fault> {
        let mut update = Update::default();
        for field in proto::fields(bytes, at) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Bytes(bytes, _)) => {
                    update.name = field.text();
                    update.raw_name = bytes.to_vec();
                }
                (2, Value::Varint(value)) => update.run_postinstall = value != 0,
                (7, Value::Bytes(bytes, at)) => {
                    for field in proto::fields(bytes, at) {
                        let field = field?;
                        update.size = field.number_value().filter(|_| field.number == 1).or(update.size);
                    }
                }
                (8, Value::Bytes(bytes, at)) => update.operations.push(Operation::read(bytes, at, fuel)?),
                _ => {}
            }
        }
        Ok(update)
    }
}

impl Operation {
    fn read(bytes: &[u8], at: u64, fuel: &mut u64) -> Result<Operation, Fault> {
        let mut operation = Operation { at, ..Operation::default() };
        let mut spend = || {
            fuel.checked_sub(1).map(|it| *fuel = it).ok_or(Fault::Limit { what: "operations", bound: OPERATIONS_MAX })
        };
        spend()?;
        for field in proto::fields(bytes, at) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Varint(value)) => operation.kind = value,
                (2, Value::Varint(value)) => operation.data_offset = value,
                (3, Value::Varint(value)) => operation.data_length = value,
                (6, Value::Bytes(bytes, at)) => {
                    spend()?;
                    let mut extent = (0, 0);
                    for field in proto::fields(bytes, at) {
                        let field = field?;
                        match (field.number, field.value) {
                            (1, Value::Varint(value)) => extent.0 = value,
                            (2, Value::Varint(value)) => extent.1 = value,
                            _ => {}
                        }
                    }
                    operation.dst_extents.push(extent);
                }
                (8, Value::Bytes(bytes, _)) => operation.digest = Some(bytes.to_vec()),
                _ => {}
            }
        }
        Ok(operation)
    }
}

/// One partition: its fact, and its image as a child. Tells whether an operation needs the version before it.
fn partition(
    update: &Update,
    (at, at_size): (u64, u64),
    group: Option<String>,
    block_size: u64,
    data: &Blob,
    out: &mut Reading,
) -> bool {
    let mut image = Image { block_size, extents: Vec::new(), pieces: Pieces::new(data.clone()), difference: None };
    for operation in &update.operations {
        if let Err(fault) = image.operation(operation, out) {
            out.gap(format!("partition {}: {fault}", update.name));
        }
    }
    let Image { mut extents, mut pieces, difference, .. } = image;
    let end = extents.iter().map(|it| it.0.saturating_add(it.1)).max().unwrap_or(0);
    let size = update.size.unwrap_or(end);
    let attributes = if update.run_postinstall { vec!["postinstall".to_owned()] } else { Vec::new() };
    let fact = Partition {
        name: update.name.clone(),
        size,
        group,
        metadata_slot: None,
        table: "payload".to_owned(),
        attributes,
    };
    let row = out.row(at, at_size, fact);
    out.facts.partitions.push(row);
    if IMAGE_MAX < size {
        out.gap(format!(
            "partition {}: {}",
            update.name,
            Fault::Limit { what: "new_partition_info", bound: IMAGE_MAX }
        ));
        return difference.is_some();
    }
    if let Some(kind) = difference {
        out.gap(format!("partition {}: incremental update: operation {kind} needs the version before it", update.name));
    }

    let (written, overlap) = coverage(&extents, size);
    if overlap != 0 {
        let detail = format!("partition {}: {overlap} bytes are written twice", update.name);
        out.anomaly(at, at_size, anomaly::Kind::Overlap, detail);
    }
    let mut mapped = Vec::with_capacity(extents.len().saturating_add(1));
    if written < size {
        let lost = size.saturating_sub(written);
        out.gap(format!("partition {}: {lost} bytes are written by no operation", update.name));
        let fault = Fault::Unsupported("a block that no operation of the payload writes".to_owned());
        mapped.push(Extent { offset: 0, len: size, from: Origin::Missing(fault) });
    }
    pieces.pieces.shrink_to_fit();
    let decoded = out.store.chunked(pieces);
    mapped.extend(extents.drain(..).map(|(offset, len, content)| {
        let from = match content {
            Content::Decoded(start) => Origin::Blob(decoded.clone(), start),
            Content::Streamed(blob, start) => Origin::Blob(blob, start),
            Content::Zero => Origin::Fill([0; 4]),
            Content::Lost(fault) => Origin::Missing(fault),
        };
        Extent { offset, len, from }
    }));
    out.child(update.raw_name.clone(), Blob::mapped(size, mapped));
    difference.is_some()
}

/// How many bytes of an image of this size are written, and how many of them more than once.
fn coverage(extents: &[(u64, u64, Content)], size: u64) -> (u64, u64) {
    let mut runs: Vec<(u64, u64)> = extents.iter().map(|it| (it.0, it.0.saturating_add(it.1).min(size))).collect();
    runs.sort_unstable();
    let (mut written, mut overlap, mut end) = (0u64, 0u64, 0u64);
    for (from, to) in runs {
        overlap = overlap.saturating_add(end.min(to).saturating_sub(from));
        written = written.saturating_add(to.saturating_sub(from.max(end)));
        end = end.max(to);
    }
    (written, overlap)
}

/// An image while its operations are read.
struct Image {
    block_size: u64,
    /// Where a run starts, its length, and what it holds.
    extents: Vec<(u64, u64, Content)>,
    pieces: Pieces,
    /// The first operation that needs an earlier version.
    difference: Option<u64>,
}

enum Content {
    /// From here on in the decoded pieces.
    Decoded(u64),
    /// From here on in what one operation alone decodes to.
    Streamed(Blob, u64),
    Zero,
    Lost(Fault),
}

impl Image {
    fn operation(&mut self, operation: &Operation, out: &mut Reading) -> Result<(), Fault> {
        let mut runs = Vec::with_capacity(operation.dst_extents.len());
        let mut len = 0u64;
        for &(start_block, num_blocks) in &operation.dst_extents {
            let fault = Fault::malformed("dst_extents", operation.at);
            let start = start_block.checked_mul(self.block_size).ok_or(fault.clone())?;
            let run = num_blocks.checked_mul(self.block_size).ok_or(fault.clone())?;
            len = len.checked_add(run).filter(|it| *it <= IMAGE_MAX).ok_or(fault)?;
            runs.push((start, run));
        }
        let (start, content): (u64, fn(u64) -> Content) = match operation.kind {
            ZERO | DISCARD => (0, |_| Content::Zero),
            REPLACE | REPLACE_BZ | REPLACE_XZ | REPLACE_ZSTD if len <= CHUNK_MAX => {
                (self.pieces.push(operation, len), Content::Decoded)
            }
            REPLACE | REPLACE_BZ | REPLACE_XZ | REPLACE_ZSTD => return self.large(operation, &runs, len, out),
            kind => {
                self.difference = self.difference.or(Some(kind));
                (0, |_| Content::Lost(Fault::Unsupported("an operation on the version before".to_owned())))
            }
        };
        let mut pos = start;
        for (offset, run) in runs {
            self.extents.push((offset, run, content(pos)));
            pos = pos.saturating_add(run);
        }
        Ok(())
    }

    /// An operation that is too long to be decoded at once.
    fn large(&mut self, operation: &Operation, runs: &[(u64, u64)], len: u64, out: &mut Reading) -> Result<(), Fault> {
        let data = self.pieces.data.slice(operation.data_offset, operation.data_length)?;
        out.gap(format!("the digest of an operation that decodes to {len} bytes was not checked"));
        let kind = operation.kind;
        let blob = out.store.streamed(len, move || Ok(unpacked(kind, data.stream())));
        let mut pos = 0u64;
        for &(offset, run) in runs {
            self.extents.push((offset, run, Content::Streamed(blob.clone(), pos)));
            pos = pos.saturating_add(run);
        }
        Ok(())
    }
}

/// The operations of one partition that carry data, one after the other.
struct Pieces {
    data: Blob,
    /// Sorted by `start`.
    pieces: Vec<Piece>,
    len: u64,
}

struct Piece {
    start: u64,
    len: u64,
    kind: u64,
    data_offset: u64,
    data_length: u64,
    digest: Option<Vec<u8>>,
}

impl Pieces {
    fn new(data: Blob) -> Pieces {
        Pieces { data, pieces: Vec::new(), len: 0 }
    }

    /// Adds an operation; where its first byte will stand.
    fn push(&mut self, operation: &Operation, len: u64) -> u64 {
        let start = self.len;
        if len != 0 {
            let Operation { kind, data_offset, data_length, .. } = *operation;
            let digest = operation.digest.clone();
            self.pieces.push(Piece { start, len, kind, data_offset, data_length, digest });
        }
        self.len = start.saturating_add(len);
        start
    }

    fn piece(&self, offset: u64) -> Result<&Piece, Fault> {
        let index = self.pieces.partition_point(|it| it.start.saturating_add(it.len) <= offset);
        self.pieces.get(index).ok_or(Fault::Truncated { at: offset, wanted: 1 })
    }
}

impl Chunks for Pieces {
    fn len(&self) -> u64 {
        self.len
    }

    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault> {
        self.piece(offset).map(|it| (it.start, it.len))
    }

    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault> {
        let piece = self.piece(start)?;
        if DATA_MAX < piece.data_length {
            return Err(Fault::Limit { what: "data_length", bound: DATA_MAX });
        }
        let data = self.data.read_at(piece.data_offset, piece.data_length)?;
        if piece.digest.as_ref().is_some_and(|it| **it != *Sha256::digest(&data)) {
            return Err(Fault::malformed("data_sha256_hash", piece.data_offset));
        }
        let len = usize::try_from(piece.len).map_err(|_| Fault::malformed("dst_extents", piece.data_offset))?;
        if piece.kind == REPLACE {
            let mut bytes = data;
            if len < bytes.len() {
                return Err(Fault::malformed("dst_extents", piece.data_offset));
            }
            bytes.resize(len, 0);
            return Ok(bytes);
        }
        // The phone pads the last block with zeros.
        let mut bytes = vec![0; len];
        let mut reader = unpacked(piece.kind, Box::new(Cursor::new(data)));
        let mut filled = 0usize;
        while let Some(rest) = bytes.get_mut(filled..).filter(|it| !it.is_empty()) {
            match reader.read(rest)? {
                0 => return Ok(bytes),
                n => filled = filled.saturating_add(n),
            }
        }
        match reader.read(&mut [0])? {
            0 => Ok(bytes),
            _ => Err(Fault::malformed("dst_extents", piece.data_offset)),
        }
    }
}

/// The bytes that an operation writes.
fn unpacked(kind: u64, data: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    match kind {
        REPLACE_BZ => decoder(Codec::Bzip2, data),
        REPLACE_XZ => decoder(Codec::Xz, data),
        REPLACE_ZSTD => decoder(Codec::Zstd, data),
        _ => data,
    }
}

/// `InstallOperation.Type`.
const REPLACE: u64 = 0;
const REPLACE_BZ: u64 = 1;
const ZERO: u64 = 6;
const DISCARD: u64 = 7;
const REPLACE_XZ: u64 = 8;
const REPLACE_ZSTD: u64 = 14;

/// Magic, version, and the sizes of manifest and metadata signature.
const HEADER_SIZE: u64 = 24;

/// Manifests have some hundred KiB; those of incremental updates a few MiB.
const MANIFEST_MAX: u64 = 64 << 20;

/// Phones have about forty partitions that are updated.
const PARTITIONS_MAX: usize = 4096;

/// Operations and destination extents together. Full updates have one operation for 2 MiB: this is for 1 TiB.
const OPERATIONS_MAX: u64 = 1 << 20;

/// 4 KiB everywhere.
const BLOCK_MAX: u64 = 1 << 20;

/// No phone has 16 TiB.
const IMAGE_MAX: u64 = 16 << 40;

/// What packs to more than it unpacks to does so by little.
const DATA_MAX: u64 = CHUNK_MAX.saturating_mul(2);
