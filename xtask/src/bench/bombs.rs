//! Small files that decode to 4 GiB of zeros, one for each codec, and one that decodes to 4 PiB.
//!
//! What can be put together from pieces is: compressing 4 GiB would take longer than the whole benchmark.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use flate2::{Compress, Compression, Crc, FlushCompress};

/// The bombs, as `docs/benchmarks.md` names them.
pub const NAMES: [&str; 9] = [
    "zeros.zip",
    "zeros.zip.zip",
    "zips.zip",
    "zeros.gz",
    "zeros.gz.gz",
    "zeros.bz2",
    "zeros.xz",
    "zeros.zst",
    "zeros.br",
];

/// The bomb of that name, made unless it is there; `None` where the program that packs it is not installed.
pub fn make(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    let path = folder.join(name);
    if path.exists() {
        return Ok(Some(path));
    }
    let bytes = match name {
        "zeros.zip" => Some(zip(&Deflated::zeros()?, 1)),
        "zeros.zip.zip" => Some(zip(&Deflated::of(&zip(&Deflated::zeros()?, 1))?, 1)),
        "zips.zip" => Some(zips()?),
        "zeros.gz" => Some(gzip(&Deflated::zeros()?)),
        "zeros.gz.gz" => Some(gzip(&Deflated::of(&gzip(&Deflated::zeros()?))?)),
        "zeros.zst" => Some(zstd()),
        // Both allow several streams one behind the other.
        "zeros.bz2" => packed_by("bzip2", &["-9"], PIECE)?.map(|it| it.repeat(PIECES)),
        "zeros.xz" => packed_by("xz", &["-T1"], PIECE)?.map(|it| it.repeat(PIECES)),
        _ => packed_by("brotli", &["-q", "1"], PIECE * PIECES)?,
    };
    let Some(bytes) = bytes else { return Ok(None) };
    fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    Ok(Some(path))
}

const PIECE: usize = 64 << 20;
const PIECES: usize = 64;

/// What a program makes of so many zeros.
fn packed_by(program: &str, args: &[&str], len: usize) -> Result<Option<Vec<u8>>> {
    let child = Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(program.to_owned()),
    };
    let mut stdin = child.stdin.take().context("stdin")?;
    let zeros = std::thread::spawn(move || {
        // A program that ends early is told below.
        let _ = std::io::copy(&mut std::io::repeat(0).take(len as u64), &mut stdin);
    });
    let output = child.wait_with_output()?;
    zeros.join().ok().context("the writer panicked")?;
    anyhow::ensure!(output.status.success(), "{program}: {}", output.status);
    Ok(Some(output.stdout))
}

/// A raw deflate stream, and what zip and gzip state about it.
struct Deflated {
    bytes: Vec<u8>,
    len: u64,
    crc: u32,
}

impl Deflated {
    /// A piece that ends at a byte and refers to nothing before it, as often as needed.
    fn zeros() -> Result<Deflated> {
        let piece = vec![0; PIECE];
        let mut one = deflate(&piece, FlushCompress::Full)?;
        let (mut crc, mut sum) = (Crc::new(), Crc::new());
        crc.update(&piece);
        (0..PIECES).for_each(|_| sum.combine(&crc));
        one = one.repeat(PIECES);
        one.extend([3, 0]);
        Ok(Deflated { bytes: one, len: (PIECE * PIECES) as u64, crc: sum.sum() })
    }

    fn of(bytes: &[u8]) -> Result<Deflated> {
        let mut crc = Crc::new();
        crc.update(bytes);
        Ok(Deflated { bytes: deflate(bytes, FlushCompress::Finish)?, len: bytes.len() as u64, crc: crc.sum() })
    }
}

fn deflate(bytes: &[u8], flush: FlushCompress) -> Result<Vec<u8>> {
    let mut packed = Vec::with_capacity(bytes.len() / 100 + 4096);
    Compress::new(Compression::best(), false).compress_vec(bytes, &mut packed, flush)?;
    Ok(packed)
}

/// RFC 1952.
fn gzip(deflated: &Deflated) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend(&deflated.bytes);
    out.extend(deflated.crc.to_le_bytes());
    out.extend((deflated.len as u32).to_le_bytes());
    out
}

/// In the shape of 42.zip: five levels of sixteen zips each, and zeros at each end.
fn zips() -> Result<Vec<u8>> {
    (0..5).try_fold(zip(&Deflated::zeros()?, 1), |inner, _| Ok(zip(&Deflated::of(&inner)?, 16)))
}

/// A zip of so many equal entries (APPNOTE 4.3.7, 4.3.12, 4.3.16). A size that does not fit is stated as the largest that
/// does.
fn zip(deflated: &Deflated, n_entries: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for n in 0..n_entries {
        let name = format!("{n}.zip");
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
        common.extend(deflated.crc.to_le_bytes());
        common.extend((deflated.bytes.len() as u32).to_le_bytes());
        common.extend((deflated.len.min(u64::from(u32::MAX) - 1) as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let offset = (out.len() as u32).to_le_bytes();
        directory.extend([b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 10], &offset, name.as_bytes()].concat());
        out.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), &deflated.bytes].concat());
    }
    let central = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([n_entries.to_le_bytes(), n_entries.to_le_bytes()].concat());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(central.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// A frame of blocks that repeat one byte (RFC 8878, 3.1.1.2.2: `RLE_Block`), each of the largest size.
fn zstd() -> Vec<u8> {
    const BLOCK: u32 = 128 << 10;
    let n_blocks = ((PIECE * PIECES) as u64 / u64::from(BLOCK)) as u32;
    // No size, no checksum, a window of 128 KiB (exponent 7).
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    for n in 1..=n_blocks {
        let header = BLOCK << 3 | 1 << 1 | u32::from(n == n_blocks);
        out.extend(&header.to_le_bytes()[..3]);
        out.push(0);
    }
    out
}
