//! Compressed clusters. Specification: Linux `Documentation/filesystems/f2fs.rst`, "Compression implementation", and
//! `struct compress_data` of `fs/f2fs/f2fs.h`.

use std::io::{Cursor, Read};

use model::{Blob, Fault, Reader};

use super::lzo;
use crate::codec::{Codec, decoder};

/// One file's compressed clusters.
pub(super) struct Clusters {
    pub image: Blob,
    pub block_size: u64,
    /// Bytes of a cluster, decompressed.
    pub cluster_size: u64,
    /// Bytes of the file.
    pub size: u64,
    pub algorithm: u8,
    /// The number of each cluster and the blocks that hold it, sorted by number.
    pub clusters: Vec<(u64, Vec<u32>)>,
}

impl model::Chunks for Clusters {
    fn len(&self) -> u64 {
        self.size
    }

    fn piece_at(&self, offset: u64) -> Result<(u64, u64), Fault> {
        let within = offset.checked_rem(self.cluster_size).ok_or(Fault::malformed("i_log_cluster_size", offset))?;
        let start = offset.saturating_sub(within);
        Ok((start, self.cluster_size.min(self.size.saturating_sub(start))))
    }

    fn decode(&self, start: u64) -> Result<Vec<u8>, Fault> {
        let number = start.checked_div(self.cluster_size).unwrap_or_default();
        let found = self.clusters.binary_search_by_key(&number, |it| it.0).ok().and_then(|it| self.clusters.get(it));
        let (_, blocks) = found.ok_or(Fault::malformed("cluster", start))?;
        let at = blocks.first().map_or(0, |&it| u64::from(it).saturating_mul(self.block_size));

        let mut packed = Vec::new();
        for &block in blocks {
            let offset = u64::from(block).saturating_mul(self.block_size);
            packed.extend(self.image.read_at(offset, self.block_size)?);
        }
        let mut reader = Reader::at(&packed, at);
        let clen = usize::try_from(reader.u32_le("clen")?).unwrap_or(usize::MAX);
        reader.skip(20, "reserved")?;
        let mut bytes = self.decompress(reader.take(clen, "clen")?, at)?;
        // A cluster is always compressed whole; the file may end within it.
        bytes.truncate(usize::try_from(self.size.saturating_sub(start)).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

impl Clusters {
    fn decompress(&self, packed: &[u8], at: u64) -> Result<Vec<u8>, Fault> {
        let len = usize::try_from(self.cluster_size).unwrap_or_default();
        let malformed = || Fault::malformed("compressed cluster", at);
        let bytes = match self.algorithm {
            // Both write the same stream; runs of zeros are marked by its first bytes.
            LZO | LZO_RLE => lzo::decompress(packed, len).ok_or_else(malformed)?,
            LZ4 => lz4_flex::block::decompress(packed, len).map_err(|_| malformed())?,
            ZSTD => {
                let mut bytes = Vec::new();
                decoder(Codec::Zstd, Box::new(Cursor::new(packed.to_vec())))
                    .take(self.cluster_size)
                    .read_to_end(&mut bytes)?;
                bytes
            }
            other => return Err(Fault::Unsupported(format!("compression algorithm {other}"))),
        };
        if bytes.len() == len { Ok(bytes) } else { Err(malformed()) }
    }
}

const LZO: u8 = 0;
const LZ4: u8 = 1;
const ZSTD: u8 = 2;
const LZO_RLE: u8 = 3;
