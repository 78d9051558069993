//! The certificates that a signer followed, each signed by the one before.
//!
//! Source: AOSP `tools/apksig`, `internal/apk/v3/V3SigningCertificateLineage.java`, `SigningCertificateLineage.java`.

use model::Reader;
use model::fact::apk_signature::{Ancestor, Capability};

use super::algorithm;
use super::signer::prefixed;
use crate::certificate::Certificate;

/// A lineage, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Lineage(pub Vec<Node>);

/// A certificate of a lineage.
#[derive(Debug, Clone)]
pub struct Node {
    /// The certificate.
    pub certificate: Certificate,
    /// What it is still trusted with.
    pub flags: u32,
}

/// Why a lineage is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineageFault {
    /// A certificate is not signed by the one before, or stands twice.
    NotSigned,
    /// It has another version, or none at all.
    Other,
    /// It cannot be read.
    Malformed,
}

impl Lineage {
    /// Reads and verifies the value of an attribute.
    pub fn read(value: &[u8]) -> Result<Lineage, LineageFault> {
        let malformed = |_| LineageFault::Malformed;
        if value.is_empty() {
            return Err(LineageFault::Other);
        }
        let mut reader = Reader::new(value);
        if reader.u32_le("version").map_err(malformed)? != VERSION {
            return Err(LineageFault::Other);
        }
        let mut nodes: Vec<Node> = Vec::new();
        let mut next_id = 0;
        while !reader.is_empty() {
            if NODES_MAX <= nodes.len() {
                return Err(LineageFault::Malformed);
            }
            let mut node = prefixed(&mut reader).map_err(malformed)?;
            let mut signed = prefixed(&mut node).map_err(malformed)?;
            let flags = node.u32_le("flags").map_err(malformed)?;
            let algorithm_id = node.u32_le("algorithm").map_err(malformed)?;
            let signature = prefixed(&mut node).map_err(malformed)?.rest();
            if let Some(last) = nodes.last() {
                let algorithm = algorithm::by_id(next_id).ok_or(LineageFault::Malformed)?;
                let key = last.certificate.key().map_err(|_| LineageFault::NotSigned)?;
                if algorithm.verifies(&key, signed.rest(), signature) != Ok(true) {
                    return Err(LineageFault::NotSigned);
                }
            }
            let encoded = prefixed(&mut signed).map_err(malformed)?.rest();
            let signed_id = signed.u32_le("algorithm").map_err(malformed)?;
            let certificate = Certificate::read_with_key(encoded).map_err(|_| LineageFault::NotSigned)?;
            let is_twice = nodes.iter().any(|it| it.certificate.encoded == certificate.encoded);
            if is_twice || !nodes.is_empty() && signed_id != next_id {
                return Err(LineageFault::NotSigned);
            }
            next_id = algorithm_id;
            nodes.push(Node { certificate, flags });
        }
        Ok(Lineage(nodes))
    }

    /// Where a certificate stands in it.
    pub fn position(&self, certificate: &Certificate) -> Option<usize> {
        self.0.iter().position(|it| it.certificate.encoded == certificate.encoded)
    }

    /// Both as one, where one goes on with the other or they are the same; `None` where they part.
    pub fn merged(&self, other: &Lineage) -> Option<Lineage> {
        let (old, new) = match self.0.first() {
            Some(first) if other.position(&first.certificate).is_some() => (other, self),
            _ => (self, other),
        };
        let start = old.position(&new.0.first()?.certificate)?;
        let (before, shared) = old.0.split_at_checked(start)?;
        let same = |(a, b): (&Node, &Node)| a.certificate.encoded == b.certificate.encoded;
        if !shared.iter().zip(&new.0).all(same) {
            return None;
        }
        let longer = if new.0.len() < shared.len() { shared } else { &new.0 };
        Some(Lineage([before, longer].concat()))
    }

    /// As facts.
    pub fn ancestors(&self) -> Vec<Ancestor> {
        self.0
            .iter()
            .map(|node| Ancestor {
                certificate_sha256: algorithm::sha256_of(&node.certificate),
                capabilities: CAPABILITIES.iter().filter(|it| node.flags & it.0 != 0).map(|it| it.1).collect(),
            })
            .collect()
    }
}

const VERSION: u32 = 1;

/// A rotation a year for a human life; each costs a verification.
const NODES_MAX: usize = 128;

const CAPABILITIES: [(u32, Capability); 5] = [
    (1, Capability::InstalledData),
    (2, Capability::SharedUid),
    (4, Capability::Permission),
    (8, Capability::Rollback),
    (16, Capability::Auth),
];

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Lineage::read(&[&[1, 0, 0, 0], &bytes[..]].concat());
        }
    }
}
