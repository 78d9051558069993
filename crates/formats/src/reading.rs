//! What a reader hands back: facts, children and gaps of one artifact.

use model::fact::anomaly::{self, Anomaly};
use model::{Artifact, Blob, Facts, Fault, Gap, Layer, Location, Node, Row, Store};

use crate::Format;

/// What was read of one artifact.
pub struct Reading {
    /// Where decoded bytes live.
    pub store: Store,
    /// How many bytes a stream of unknown length may decode to.
    pub allowance: u64,
    /// What the caller wants to know.
    pub wanted: Wanted,
    /// Facts.
    pub facts: Facts,
    /// What lies in the artifact, in the order of its directory.
    pub children: Vec<Child>,
    /// Where the reader could not look.
    pub gaps: Vec<Gap>,
    /// Whether an archive may be appended to the artifact, and for a [`Wanted::Listing`] nobody looked.
    pub end_unseen: bool,
    artifact: model::ArtifactId,
    format: &'static str,
    layer: Layer,
}

/// What a caller wants to know of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    Facts,
    /// What lies in it: whoever only lists need not decode what is told about the content.
    Names,
    /// What lies in it as far as a packed file shows it in its first bytes: whoever lists everything does not decode
    /// each picture and each program to its end, where an archive may have been appended to it.
    Listing,
}

/// Something that lies in an artifact.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name as bytes; a path inside the container, with `/`. Files of a file system start with `/`.
    pub name: Vec<u8>,
    /// Its bytes.
    pub blob: Blob,
    /// What the container says about it.
    pub node: Node,
}

impl Reading {
    /// Nothing read yet.
    pub fn new(artifact: &Artifact, store: Store, allowance: u64) -> Reading {
        Reading {
            store,
            allowance,
            wanted: Wanted::Facts,
            facts: Facts::default(),
            children: Vec::new(),
            gaps: Vec::new(),
            end_unseen: false,
            artifact: artifact.id,
            format: "",
            layer: Layer::Partitions,
        }
    }

    /// From here on, facts and gaps belong to this format.
    pub(crate) fn begin(&mut self, format: &Format) {
        self.format = format.id;
        self.layer = format.kind.layer();
    }

    /// Something with bytes.
    pub fn child(&mut self, name: impl Into<Vec<u8>>, blob: Blob) {
        self.entry(name, blob, Node::file());
    }

    /// An entry of a file system or archive, with what that says about it.
    pub fn entry(&mut self, name: impl Into<Vec<u8>>, blob: Blob, node: Node) {
        self.children.push(Child { name: name.into(), blob, node });
    }

    /// An entry that is named and cannot be read: it is listed, and reading it fails with this fault. Where its length
    /// is not known (0), it counts as one byte, so that it is not taken for an empty file.
    pub fn unreadable(&mut self, name: impl Into<Vec<u8>>, len: u64, node: Node, fault: Fault) {
        let missing = model::Extent { offset: 0, len: len.max(1), from: model::Origin::Missing(fault) };
        self.entry(name, Blob::mapped(len.max(1), vec![missing]), node);
    }

    /// Decodes a stream of unknown length into a child. A stream that breaks or grows past the allowance leaves a gap
    /// and what came before it.
    pub fn stream(&mut self, name: impl Into<Vec<u8>>, reader: &mut dyn std::io::Read) -> Result<(), Fault> {
        let (blob, fault) = self.store.spool(reader, self.allowance)?;
        if let Some(fault) = fault {
            self.gap(format!("decoded {} bytes, then: {fault}", blob.len()));
        }
        self.child(name, blob);
        Ok(())
    }

    /// A place where the reader could not look: why, in lower case, without a full stop.
    pub fn gap(&mut self, why: impl Into<String>) {
        let (artifact, layer) = (self.artifact, self.layer);
        self.gaps.push(Gap { artifact, why: why.into(), layer });
    }

    /// The artifact could not be read at all, and would have belonged to this layer.
    pub(crate) fn unread(&mut self, layer: Layer, why: String) {
        self.gaps.push(Gap { artifact: self.artifact, why, layer });
    }

    /// A fact at a range of bytes.
    pub fn row<T>(&self, offset: u64, size: u64, value: T) -> Row<T> {
        Row { at: Location { artifact: self.artifact, offset, size }, value }
    }

    /// The artifact is malformed here, and a phone reads it all the same.
    pub fn anomaly(&mut self, offset: u64, size: u64, kind: anomaly::Kind, detail: impl Into<String>) {
        let anomaly = Anomaly { format: self.format.to_owned(), kind, detail: detail.into() };
        let row = self.row(offset, size, anomaly);
        self.facts.anomalies.push(row);
    }
}
