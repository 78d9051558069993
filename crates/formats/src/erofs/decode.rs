//! One compressed cluster to its bytes.

use std::io::Read;

use flate2::FlushDecompress;
use lzma_rust2::LzmaReader;
use model::{Fault, Reader};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::index::DECODED_MAX;
use crate::codec::inflater;

/// Fills `out` from a cluster without its padding. `partial`: the cluster may hold more than is wanted, or be followed
/// by bytes that are none of it. `at` is where it stands, for the fault.
pub fn decode(algorithm: u8, input: &[u8], out: &mut [u8], partial: bool, at: u64) -> Result<(), Fault> {
    let (what, done) = match algorithm {
        0 => ("lz4 cluster", lz4(input, out, partial)),
        1 => ("lzma cluster", lzma(input, out)),
        2 => ("deflate cluster", deflate(input, out)),
        3 => ("zstd cluster", zstd(input, out, partial)),
        other => return Err(Fault::Unsupported(format!("compression algorithm {other}"))),
    };
    done.ok_or(Fault::malformed(what, at))
}

fn lz4(input: &[u8], out: &mut [u8], partial: bool) -> Option<()> {
    if !partial && lz4_flex::block::decompress_into(input, out).is_ok_and(|len| len == out.len()) {
        return Some(());
    }
    lz4_partial(input, out)
}

/// The LZ4 block format, until `out` is full: the library decodes whole blocks only.
fn lz4_partial(input: &[u8], out: &mut [u8]) -> Option<()> {
    let mut reader = Reader::new(input);
    let mut pos = 0usize;
    loop {
        let token = usize::from(reader.u8("token").ok()?);
        let len = lz4_length(token >> 4, &mut reader)?.min(out.len().saturating_sub(pos));
        let end = pos.checked_add(len)?;
        out.get_mut(pos..end)?.copy_from_slice(reader.take(len, "literals").ok()?);
        pos = end;
        if pos == out.len() {
            return Some(());
        }
        let distance = usize::from(reader.u16_le("distance").ok()?);
        let len = lz4_length(token & 15, &mut reader)?.checked_add(4)?.min(out.len().saturating_sub(pos));
        let end = pos.checked_add(len)?;
        let from = pos.checked_sub(distance).filter(|_| distance != 0)?;
        // A match may reach into what it writes: each run copies all that is there already.
        while pos < end {
            let run = pos.saturating_sub(from).min(end.saturating_sub(pos));
            out.copy_within(from..from.checked_add(run)?, pos);
            pos = pos.checked_add(run)?;
        }
        if pos == out.len() {
            return Some(());
        }
    }
}

/// A length of 15 goes on in the bytes that follow.
fn lz4_length(nibble: usize, reader: &mut Reader<'_>) -> Option<usize> {
    let mut length = nibble;
    let mut more = nibble == 15;
    while more {
        let byte = reader.u8("length").ok()?;
        length = length.checked_add(usize::from(byte))?;
        more = byte == 255;
    }
    Some(length)
}

/// MicroLZMA: an LZMA stream without a header, whose first byte, always zero, is taken by the inverted properties.
fn lzma(input: &[u8], out: &mut [u8]) -> Option<()> {
    let (properties, stream) = input.split_first()?;
    let stream = [0].chain(stream);
    let mut reader = LzmaReader::new_with_props(stream, out.len() as u64, !properties, LZMA_DICT_MAX, None).ok()?;
    reader.read_exact(out).ok()
}

fn deflate(input: &[u8], out: &mut [u8]) -> Option<()> {
    let mut decompress = inflater(false);
    decompress.decompress(input, out, FlushDecompress::Finish).ok()?;
    (decompress.total_out() == out.len() as u64).then_some(())
}

fn zstd(input: &[u8], out: &mut [u8], partial: bool) -> Option<()> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(DECODED_MAX);
    if partial {
        return StreamingDecoder::new_with_decoder(input, decoder).ok()?.read_exact(out).ok();
    }
    (decoder.decode_all(input, out).ok()? == out.len()).then_some(())
}

/// `Z_EROFS_LZMA_MAX_DICT_SIZE`.
const LZMA_DICT_MAX: u32 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_lz4_block_is_its_start() {
        let bytes: Vec<u8> = (0..5000u32)
            .flat_map(|n| [b'a', b'b', (n / 300).to_le_bytes()[0], ((n * n) >> 7).to_le_bytes()[0]])
            .collect();
        let mut input = lz4_flex::block::compress(&bytes);
        for trailing in [0, 9] {
            input.extend(vec![0xff; trailing]);
            for len in [0, 1, 2, 15, 16, 17, 300, 4096, bytes.len() - 1, bytes.len()] {
                let mut out = vec![0; len];
                assert_eq!(lz4_partial(&input, &mut out), Some(()), "{len} bytes");
                assert_eq!(out, bytes[..len], "{len} bytes");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_cluster_panics(input: Vec<u8>, algorithm in 0u8..5, len in 0usize..2000, partial: bool) {
            let _ = decode(algorithm, &input, &mut vec![0; len], partial, 0);
        }
    }
}
