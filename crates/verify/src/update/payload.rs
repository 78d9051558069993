//! `payload.bin`: whether its metadata are signed by a key, and whether its data have the hashes that the metadata state.
//!
//! Source: AOSP `system/update_engine`, `payload_consumer/payload_metadata.cc`, `update_metadata.proto`.

use std::ops::Range;

use model::{Blob, Fault, Reader};

use crate::apk::pieces;
use crate::hash::Hash;
use crate::key::{Padding, PublicKey};

/// The metadata of a payload.
#[derive(Debug)]
pub struct Payload {
    /// SHA-256 of header and manifest: what the metadata signature signs.
    pub digest: Vec<u8>,
    /// The signatures behind the manifest.
    pub signatures: Vec<Vec<u8>>,
    /// The data of each operation: where they stand, the partition, and the hash that they should have. Operations
    /// without a hash are left out.
    pub operations: Vec<Operation>,
    /// How many operations have data and no hash.
    pub n_unhashed: u64,
}

/// The data of an operation.
#[derive(Debug)]
pub struct Operation {
    /// The partition.
    pub partition: String,
    /// Where the data stand in the payload.
    pub range: Range<u64>,
    hash: Vec<u8>,
}

impl Payload {
    /// Reads the metadata.
    pub fn read(blob: &Blob) -> Result<Payload, Fault> {
        let head = blob.read_at(0, HEADER_SIZE)?;
        let mut header = Reader::new(&head);
        header.expect(b"CrAU", "magic")?;
        if header.u64_be("file_format_version")? != 2 {
            return Err(Fault::Unsupported("another version of payloads".to_owned()));
        }
        let manifest_size = header.u64_be("manifest_size")?;
        let signature_size = u64::from(header.u32_be("metadata_signature_size")?);
        if MANIFEST_MAX < manifest_size || SIGNATURE_MAX < signature_size {
            return Err(Fault::Limit { what: "manifest_size", bound: MANIFEST_MAX });
        }
        let manifest = blob.read_at(HEADER_SIZE, manifest_size)?;
        let signatures_at = HEADER_SIZE.saturating_add(manifest_size);
        let signatures = blob.read_at(signatures_at, signature_size)?;
        let data_at = signatures_at.saturating_add(signature_size);
        let mut payload = Payload {
            digest: Hash::Sha256.of(&[&head, &manifest]),
            signatures: Vec::new(),
            operations: Vec::new(),
            n_unhashed: 0,
        };
        for (number, value) in fields(&signatures)? {
            let (1, Value::Bytes(signature)) = (number, value) else { continue };
            let data = fields(signature)?.into_iter().find_map(|it| if it.0 == 2 { it.1.bytes() } else { None });
            payload.signatures.extend(data.map(<[u8]>::to_vec));
        }
        for (number, value) in fields(&manifest)? {
            if let (13, Value::Bytes(partition)) = (number, value) {
                payload.partition(partition, data_at)?;
            }
        }
        // Operations that share their data would be hashed far more often than the file is long.
        let size = |it: &Operation| it.range.end.saturating_sub(it.range.start);
        let hashed = payload.operations.iter().fold(0u64, |sum, it| sum.saturating_add(size(it)));
        let bound = blob.len().saturating_mul(HASHED_FACTOR);
        if bound < hashed {
            return Err(Fault::Limit { what: "bytes that operations of a payload share", bound });
        }
        Ok(payload)
    }

    /// Whether one of the signatures is by this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let padding = if key.fits(Padding::Pkcs1) { Padding::Pkcs1 } else { Padding::Ecdsa };
        self.signatures.iter().any(|it| key.verifies(padding, Hash::Sha256, &self.digest, it) == Ok(true))
    }

    /// `PartitionUpdate`: its name, then its operations.
    fn partition(&mut self, bytes: &[u8], data_at: u64) -> Result<(), Fault> {
        let fields_of = fields(bytes)?;
        let name = fields_of.iter().find(|it| it.0 == 1).and_then(|it| it.1.bytes()).unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        for (number, value) in fields_of {
            let (8, Value::Bytes(operation)) = (number, value) else { continue };
            if OPERATIONS_MAX <= self.operations.len() {
                return Err(Fault::Limit { what: "operations of a payload", bound: OPERATIONS_MAX as u64 });
            }
            let (mut offset, mut len, mut hash) = (0, 0, None);
            for (number, value) in fields(operation)? {
                match (number, value) {
                    (2, Value::Number(number)) => offset = number,
                    (3, Value::Number(number)) => len = number,
                    (8, Value::Bytes(bytes)) => hash = Some(bytes.to_vec()),
                    _ => {}
                }
            }
            let start = data_at.saturating_add(offset);
            match hash {
                _ if len == 0 => {}
                Some(hash) => {
                    let range = start..start.saturating_add(len);
                    self.operations.push(Operation { partition: name.clone(), range, hash });
                }
                None => self.n_unhashed = self.n_unhashed.saturating_add(1),
            }
        }
        Ok(())
    }
}

impl Operation {
    /// Whether its data have the hash.
    pub fn verifies(&self, payload: &Blob) -> Result<bool, Fault> {
        let mut running = Hash::Sha256.start();
        let data = payload.slice(self.range.start, self.range.end.saturating_sub(self.range.start))?;
        pieces(&data, &mut |piece| running.update(piece))?;
        Ok(*running.finalize() == *self.hash)
    }
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) => None,
        }
    }
}

/// The fields of a message, by number. Fixed numbers have no use here and are passed over.
fn fields(bytes: &[u8]) -> Result<Vec<(u64, Value<'_>)>, Fault> {
    let mut reader = Reader::new(bytes);
    let mut fields = Vec::new();
    while !reader.is_empty() {
        let key = varint(&mut reader)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut reader)?),
            2 => {
                let len = varint(&mut reader)?;
                let len = reader.fits(len, 1, "length of a field")?;
                Value::Bytes(reader.take(len, "field")?)
            }
            1 => {
                reader.skip(8, "field")?;
                continue;
            }
            5 => {
                reader.skip(4, "field")?;
                continue;
            }
            _ => return Err(Fault::malformed("wire type", reader.offset())),
        };
        fields.push((key >> 3, value));
    }
    Ok(fields)
}

fn varint(reader: &mut Reader) -> Result<u64, Fault> {
    let at = reader.offset();
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8("number")?;
        value |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::malformed("number", at))
}

const HEADER_SIZE: u64 = 24;

/// As the reader of payloads has it: a manifest of a full update has under a MiB, of a large difference tens.
const MANIFEST_MAX: u64 = 256 << 20;
const SIGNATURE_MAX: u64 = 1 << 20;

/// Each operation has data of its own.
const HASHED_FACTOR: u64 = 4;

/// A full update of 8 GB in pieces of 2 MiB has 4,000; differences some hundred thousand.
const OPERATIONS_MAX: usize = 4_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, sizes: (u16, u16)) {
            let mut payload = b"CrAU\0\0\0\0\0\0\0\x02\0\0\0\0\0\0".to_vec();
            payload.extend((sizes.0 % 64).to_be_bytes());
            payload.extend([0, 0]);
            payload.extend((sizes.1 % 64).to_be_bytes());
            payload.extend(bytes);
            let _ = Payload::read(&Blob::from_bytes(payload));
        }
    }
}
