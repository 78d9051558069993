//! One compressed block to its bytes.

use std::io::Read;

use flate2::FlushDecompress;
use lzma_rust2::{LzmaReader, XzReader};
use model::Fault;
use ruzstd::decoding::FrameDecoder;

use crate::codec::inflater;

/// The name of a compressor.
pub fn name_of(compressor: u16) -> String {
    match compressor {
        1 => "gzip".into(),
        2 => "lzma".into(),
        3 => "lzo".into(),
        4 => "xz".into(),
        5 => "lz4".into(),
        6 => "zstd".into(),
        other => format!("compressor {other}"),
    }
}

/// Decodes a block into `out` and says how many bytes it has. `at` is where it stands, for the fault.
pub fn decode(compressor: u16, input: &[u8], out: &mut [u8], at: u64) -> Result<usize, Fault> {
    let len = match compressor {
        1 => gzip(input, out),
        2 => LzmaReader::new_mem_limit(input, MEMORY_MAX, None).ok().and_then(|it| read(it, out)),
        4 => read(XzReader::new_mem_limit(input, false, MEMORY_MAX), out),
        5 => lz4_flex::block::decompress_into(input, out).ok(),
        6 => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(WINDOW_MAX);
            decoder.decode_all(input, out).ok()
        }
        other => return Err(Fault::Unsupported(format!("{} compression", name_of(other)))),
    };
    len.ok_or(Fault::malformed("compressed block", at))
}

fn gzip(input: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut decompress = inflater(true);
    decompress.decompress(input, out, FlushDecompress::Finish).ok()?;
    usize::try_from(decompress.total_out()).ok()
}

fn read(mut reader: impl Read, out: &mut [u8]) -> Option<usize> {
    let mut len = 0usize;
    while let Some(rest) = out.get_mut(len..).filter(|it| !it.is_empty()) {
        match reader.read(rest).ok()? {
            0 => break,
            n => len = len.checked_add(n)?,
        }
    }
    Some(len)
}

/// In KiB. Windows are at most as long as a block, a MiB; lzma has fixed tables besides.
const MEMORY_MAX: u32 = 16 << 10;

/// In bytes: zstd rounds the window of a block of a MiB up.
const WINDOW_MAX: u64 = 8 << 20;
