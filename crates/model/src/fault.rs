//! What can go wrong when untrusted bytes are read.

use std::io;

/// Why something could not be read. A reader returns it; `formats::read` turns it into a gap, so that nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The input breaks its format: the field `what`, at this offset of the artifact.
    #[error("malformed {what} at offset {at:#x}")]
    Malformed {
        /// The field, named as its specification names it.
        what: &'static str,
        /// Offset from the start of the artifact.
        at: u64,
    },
    /// The bytes end before the field does.
    #[error("truncated: {wanted} bytes wanted at offset {at:#x}")]
    Truncated {
        /// Offset from the start of the artifact.
        at: u64,
        /// How many bytes were asked for.
        wanted: u64,
    },
    /// The machine could not deliver the bytes (disk, permission, file changed while it was read).
    #[error("{0}")]
    Io(String),
    /// A named bound was reached.
    #[error("{what} exceeds the bound of {bound}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// The bound.
        bound: u64,
    },
    /// The format, or this variant of it, is not understood.
    #[error("not supported: {0}")]
    Unsupported(String),
}

impl Fault {
    /// Shorthand for [`Fault::Malformed`].
    pub fn malformed(what: &'static str, at: u64) -> Fault {
        Fault::Malformed { what, at }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        match error.get_ref().and_then(|it| it.downcast_ref::<Fault>()) {
            Some(fault) => fault.clone(),
            None => Fault::Io(error.to_string()),
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        io::Error::other(fault)
    }
}
