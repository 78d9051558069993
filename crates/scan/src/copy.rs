//! Copies the bytes of an artifact, decoded on all threads.

use std::io::{self, Write};

use model::{Blob, Fault};
use rayon::prelude::*;

/// Writes all bytes in order. What is decoded in independent pieces (the operations of an update, the clusters of a file
/// system) is decoded in parallel, a few pieces ahead. What came before a fault is written.
pub fn copy(blob: &Blob, out: &mut dyn Write) -> io::Result<()> {
    // A stream has one beginning; and in a short file there is nothing to share.
    if blob.is_stream() || blob.len() <= PIECE {
        return io::copy(&mut blob.stream(), out).map(|_| ());
    }
    // Who lies on a stream decodes it with the first piece: all of them at once would decode it several times.
    let mut pos = 0;
    let mut batch = 1;
    while pos < blob.len() {
        let starts: Vec<u64> = (0..batch).map(|n| pos.saturating_add(n * PIECE)).collect();
        let pieces: Vec<Result<Vec<u8>, Fault>> =
            starts.par_iter().map(|&start| blob.read_up_to(start, PIECE)).collect();
        for (piece, start) in pieces.into_iter().zip(starts) {
            match piece {
                Ok(piece) => out.write_all(&piece)?,
                // In smaller steps, up to the fault.
                Err(_) => _ = io::copy(&mut blob.clamp(start, PIECE).stream(), out)?,
            }
        }
        pos = pos.saturating_add(batch * PIECE);
        batch = AHEAD;
    }
    Ok(())
}

/// The size of an operation of an update, which then starts where a piece starts.
const PIECE: u64 = 2 << 20;

/// So many pieces are in memory at once: enough for as many threads.
const AHEAD: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_bytes_in_order_and_ends_at_a_fault() {
        let bytes: Vec<u8> = (0..(70u32 << 20)).map(|n| (n >> 12) as u8).collect();
        let blob = Blob::from_bytes(bytes.as_slice());
        let mut seen = Vec::new();
        copy(&blob, &mut seen).unwrap();
        assert!(seen == bytes);
        let len = blob.len();
        let missing = model::Origin::Missing(Fault::Unsupported("lost".into()));
        let extents = vec![
            model::Extent { offset: 0, len: (40 << 20) + 100_000, from: model::Origin::Blob(blob, 0) },
            model::Extent { offset: (40 << 20) + 100_000, len: 1 << 20, from: missing },
        ];
        seen.clear();
        assert!(copy(&Blob::mapped(len, extents), &mut seen).is_err());
        assert!(40 << 20 < seen.len() && bytes.starts_with(&seen));
    }
}
