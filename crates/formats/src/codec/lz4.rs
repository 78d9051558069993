//! Lz4 frames (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>), and the legacy frames that kernels and
//! ramdisks use. The blocks are decoded by `lz4_flex`; its own frame reader takes a frame without an end for a whole one,
//! and does not know several legacy frames in a row.

use std::hash::Hasher;
use std::io::{self, BufRead, Read};

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

use super::Input;
use super::members::{Member, skip};

/// One frame.
pub(super) struct Lz4 {
    input: Input,
    frame: Option<Frame>,
    /// Decoded bytes of the current block, after those of [`Lz4::history`].
    block: Vec<u8>,
    pos: usize,
    /// The last bytes before the block, for blocks that refer to them.
    history: Vec<u8>,
    packed: Vec<u8>,
}

struct Frame {
    legacy: bool,
    linked: bool,
    block_checksum: bool,
    /// `None`: no checksum.
    content: Option<XxHash32>,
    /// How many bytes the frame says that it holds.
    size: Option<u64>,
    /// How many it held so far.
    decoded: u64,
    block_max: usize,
}

const MAGIC: u32 = 0x184d_2204;
const LEGACY: u32 = 0x184c_2102;

/// A legacy block unpacks to this, the last one to less.
const LEGACY_BLOCK: usize = 8 << 20;

/// What noise of that length packs to (`LZ4_compressBound`).
const LEGACY_PACKED: usize = LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16;

/// A byte of a match's length stands for at most 255 bytes.
const RATIO: usize = 255;

/// How far back a block may refer.
const HISTORY: usize = 64 << 10;

impl Read for Lz4 {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.pos == self.block.len() && self.frame.is_some() {
            self.next_block()?;
        }
        let rest = self.block.get(self.pos..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        self.pos = self.pos.saturating_add(n);
        Ok(n)
    }
}

impl Member for Lz4 {
    fn open(mut input: Input) -> io::Result<Lz4> {
        let magic = u32_of(&mut input)?;
        let frame = frame_of(magic, &mut input)?;
        Ok(Lz4 { input, frame, block: Vec::new(), pos: 0, history: Vec::new(), packed: Vec::new() })
    }

    fn close(self) -> Input {
        self.input
    }
}

impl Lz4 {
    /// Decodes the next block, or ends the frame.
    fn next_block(&mut self) -> io::Result<()> {
        let Some(frame) = &mut self.frame else { return Ok(()) };
        self.pos = 0;
        if frame.legacy && self.input.fill_buf()?.is_empty() {
            self.block.clear();
            self.frame = None;
            return Ok(());
        }
        let word = u32_of(&mut self.input)?;
        if frame.legacy
            && (frame.ends_at(word) || u64::from(word) == frame.decoded && self.input.fill_buf()?.is_empty())
        {
            self.block.clear();
            self.frame = if frame.ends_at(word) && word != 0 { frame_of(word, &mut self.input)? } else { None };
            return Ok(());
        }
        if word == 0 {
            self.block.clear();
            if frame.size.is_some_and(|it| it != frame.decoded) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if let Some(hash) = frame.content.take() {
                check(&mut self.input, hash.finish_32())?;
            }
            self.frame = None;
            return Ok(());
        }
        let plain = !frame.legacy && word >> 31 != 0;
        let len = if frame.legacy { word } else { word & 0x7fff_ffff };
        // A block that does not shrink is stored; a legacy one may grow a little.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let packed_max = if frame.legacy { LEGACY_PACKED } else { frame.block_max };
        if packed_max < len {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.packed.resize(len, 0);
        self.input.read_exact(&mut self.packed)?;
        if frame.block_checksum {
            check(&mut self.input, XxHash32::oneshot(0, &self.packed))?;
        }
        if frame.linked {
            self.history.extend_from_slice(&self.block);
            let drop = self.history.len().saturating_sub(HISTORY);
            self.history.drain(..drop);
        }
        if plain {
            std::mem::swap(&mut self.block, &mut self.packed);
        } else {
            self.block.resize(frame.block_max.min(len.saturating_mul(RATIO)), 0);
            let n = match self.history.as_slice() {
                [] => decompress_into(&self.packed, &mut self.block),
                history => decompress_into_with_dict(&self.packed, &mut self.block, history),
            };
            self.block.truncate(n.map_err(|_| io::ErrorKind::InvalidData)?);
        }
        if let Some(hash) = &mut frame.content {
            hash.write(&self.block);
        }
        frame.decoded = frame.decoded.saturating_add(self.block.len() as u64);
        Ok(())
    }
}

impl Frame {
    /// A legacy frame has no end mark. It ends with the input, before another frame, before zeros, or before its
    /// unpacked size in the last four bytes, as the kernel's build appends it.
    fn ends_at(&self, word: u32) -> bool {
        matches!(word, LEGACY | MAGIC | 0 | 0x184d_2a50..=0x184d_2a5f)
    }
}

/// The frame behind a magic number. A skippable frame is none: it delivers nothing.
fn frame_of(magic: u32, input: &mut Input) -> io::Result<Option<Frame>> {
    match magic {
        LEGACY => Ok(Some(Frame {
            legacy: true,
            linked: false,
            block_checksum: false,
            content: None,
            size: None,
            decoded: 0,
            block_max: LEGACY_BLOCK,
        })),
        MAGIC => descriptor(input).map(Some),
        0x184d_2a50..=0x184d_2a5f => {
            let len = u32_of(input)?;
            skip(input, len.into())?;
            Ok(None)
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The frame descriptor.
fn descriptor(input: &mut Input) -> io::Result<Frame> {
    let mut bytes = vec![0; 2];
    input.read_exact(&mut bytes)?;
    let &[flags, block] = bytes.as_slice() else { return Err(io::ErrorKind::InvalidData.into()) };
    let block_max = match (block >> 4) & 7 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    // Version 1; a dictionary is never there where this tool looks.
    if flags >> 6 != 1 || flags & 1 != 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut size = None;
    if flags & 8 != 0 {
        let mut field = [0; 8];
        input.read_exact(&mut field)?;
        bytes.extend_from_slice(&field);
        size = Some(u64::from_le_bytes(field));
    }
    let mut stated = [0];
    input.read_exact(&mut stated)?;
    if stated != [XxHash32::oneshot(0, &bytes).to_le_bytes()[1]] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Frame {
        legacy: false,
        linked: flags & 0x20 == 0,
        block_checksum: flags & 0x10 != 0,
        content: (flags & 4 != 0).then(|| XxHash32::with_seed(0)),
        size,
        decoded: 0,
        block_max,
    })
}

fn check(input: &mut Input, hash: u32) -> io::Result<()> {
    if u32_of(input)? == hash { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

fn u32_of(input: &mut Input) -> io::Result<u32> {
    let mut word = [0; 4];
    input.read_exact(&mut word)?;
    Ok(u32::from_le_bytes(word))
}
