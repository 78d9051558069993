//! Android sparse images: an image without its holes, as `img2simg` writes it and a boot loader flashes it.
//!
//! CRC32 chunks are passed over unchecked: a boot loader does not look at them either, and checking one would read
//! everything before it.

use model::fact::anomaly;
use model::{Artifact, Blob, Extent, Fault, Origin, Reader};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "sparse",
    title: "Android sparse image",
    spec: "AOSP system/core/libsparse/sparse_format.h",
    kind: Kind::Wrapper,
    matches: |_, bytes| is_sparse(bytes),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let map = map(&artifact.blob)?;
    for (at, detail) in &map.lies {
        out.anomaly(*at, (artifact.blob.len().saturating_sub(*at)).min(4), anomaly::Kind::LyingField, detail);
    }
    out.child(inner_name(artifact.file_name()), Blob::mapped(map.len, map.extents));
    map.fault.map_or(Ok(()), Err)
}

/// The image inside has the name of the sparse one, without what marks that as sparse.
fn inner_name(name: &[u8]) -> Vec<u8> {
    match (name.strip_suffix(b".simg"), name.strip_suffix(b".sparse")) {
        (Some(stem), _) => [stem, b".img"].concat(),
        (None, Some(stem)) => stem.to_vec(),
        (None, None) => name.to_vec(),
    }
}

/// Whether a file with this head is a sparse image.
pub(crate) fn is_sparse(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x3a, 0xff, 0x26, 0xed, 1, 0])
}

/// Where the bytes of the unpacked image lie in the sparse one.
#[derive(Debug)]
pub(crate) struct Map {
    /// How many bytes the unpacked image has.
    pub len: u64,
    /// Its data, in order; what is not covered was not written.
    pub extents: Vec<Extent>,
    /// Fields that do not fit the rest: where, and how.
    pub lies: Vec<(u64, String)>,
    /// What ended the reading early. What follows it is an extent of [`Origin::Missing`].
    pub fault: Option<Fault>,
}

/// Reads the headers of all chunks. The fault of a broken chunk is in the result, beside what came before it.
pub(crate) fn map(blob: &Blob) -> Result<Map, Fault> {
    let bytes = blob.read_at(0, HEADER_SIZE)?;
    let mut header = Reader::new(&bytes);
    header.skip(8, "magic")?;
    let file_hdr_sz = header.u16_le("file_hdr_sz")?;
    let chunk_hdr_sz = header.u16_le("chunk_hdr_sz")?;
    let blk_sz = header.u32_le("blk_sz")?;
    let total_blks = header.u32_le("total_blks")?;
    let total_chunks = header.u32_le("total_chunks")?;
    if u64::from(file_hdr_sz) < HEADER_SIZE {
        return Err(Fault::malformed("file_hdr_sz", 8));
    }
    if u64::from(chunk_hdr_sz) < CHUNK_HEADER_SIZE {
        return Err(Fault::malformed("chunk_hdr_sz", 10));
    }
    if blk_sz == 0 || blk_sz % 4 != 0 || BLOCK_MAX < blk_sz {
        return Err(Fault::malformed("blk_sz", 12));
    }

    let mut chunks = Walk { blob, blk_sz: blk_sz.into(), chunk_hdr_sz: chunk_hdr_sz.into(), ..Walk::new(blob) };
    chunks.pos = file_hdr_sz.into();
    let mut fault = None;
    for n in 0..total_chunks {
        let step =
            if n < CHUNKS_MAX { chunks.next() } else { Err(Fault::Limit { what: "chunks", bound: CHUNKS_MAX.into() }) };
        if let Err(it) = step {
            fault = Some(it);
            break;
        }
    }
    let told = u64::from(total_blks).saturating_mul(blk_sz.into());
    let Walk { pos, offset, mut extents, .. } = chunks;
    let mut lies = Vec::new();
    if let Some(fault) = &fault {
        let len = told.saturating_sub(offset);
        extents.push(Extent { offset, len, from: Origin::Missing(fault.clone()) });
    } else {
        if told != offset {
            let detail = format!("total_blks tells {told} bytes, the chunks {offset}");
            lies.push((16, detail));
        }
        if pos < blob.len() {
            lies.push((20, format!("{} bytes behind the last chunk", blob.len().saturating_sub(pos))));
        }
    }
    Ok(Map { len: told.max(offset), extents, lies, fault })
}

struct Walk<'a> {
    blob: &'a Blob,
    blk_sz: u64,
    chunk_hdr_sz: u64,
    /// Where the next chunk's header stands in the sparse image.
    pos: u64,
    /// Where the next chunk's data stands in the unpacked image.
    offset: u64,
    extents: Vec<Extent>,
}

impl<'a> Walk<'a> {
    fn new(blob: &'a Blob) -> Walk<'a> {
        Walk { blob, blk_sz: 0, chunk_hdr_sz: 0, pos: 0, offset: 0, extents: Vec::new() }
    }

    fn next(&mut self) -> Result<(), Fault> {
        let at = self.pos;
        let bytes = self.blob.read_at(at, CHUNK_HEADER_SIZE)?;
        let mut header = Reader::at(&bytes, at);
        let chunk_type = header.u16_le("chunk_type")?;
        header.skip(2, "reserved1")?;
        let blocks = u64::from(header.u32_le("chunk_sz")?);
        let total_sz = u64::from(header.u32_le("total_sz")?);
        let body = total_sz.checked_sub(self.chunk_hdr_sz).ok_or(Fault::malformed("total_sz", header.offset()))?;
        let data = at.saturating_add(self.chunk_hdr_sz);
        let end = data.saturating_add(body);
        let len = blocks.saturating_mul(self.blk_sz);

        let from = match chunk_type {
            RAW if body == len => {
                self.blob.slice(data, body)?;
                Some(Origin::Blob(self.blob.clone(), data))
            }
            FILL if body == 4 => {
                let fill = self.blob.read_at(data, 4)?;
                // A run of zeros is a hole.
                Reader::at(&fill, data).array("fill").map(|it| (it != [0; 4]).then_some(Origin::Fill(it)))?
            }
            DONT_CARE if body == 0 => None,
            CRC32 if body == 4 && blocks == 0 => None,
            RAW | FILL | DONT_CARE | CRC32 => return Err(Fault::malformed("total_sz", at.saturating_add(8))),
            _ => return Err(Fault::malformed("chunk_type", at)),
        };
        if let Some(from) = from {
            self.extents.push(Extent { offset: self.offset, len, from });
        }
        self.offset = self.offset.checked_add(len).ok_or(Fault::malformed("chunk_sz", at))?;
        self.pos = end;
        Ok(())
    }
}

/// `struct sparse_header`.
const HEADER_SIZE: u64 = 28;
/// `struct chunk_header`.
const CHUNK_HEADER_SIZE: u64 = 12;

const RAW: u16 = 0xcac1;
const FILL: u16 = 0xcac2;
const DONT_CARE: u16 = 0xcac3;
const CRC32: u16 = 0xcac4;

/// 4 KiB everywhere; with this, no image is longer than 2^52 bytes.
const BLOCK_MAX: u32 = 1 << 20;

/// `img2simg` makes some thousands of them; a million take some 80 MB while they are mapped.
const CHUNKS_MAX: u32 = 1 << 20;
