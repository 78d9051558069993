//! A full update (`payload.bin`) of one partition: the first bytes of an image in operations of 2 MiB, packed by `xz`, each
//! with its digest.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// An update, and its packed operations one behind the other, which is a file that `xz` decodes as one.
pub struct Payload {
    /// `payload.bin`.
    pub payload: PathBuf,
    /// The operations' data alone.
    pub xz: PathBuf,
}

/// Makes both in `folder` unless they are there; `None` where `xz` is not installed.
pub fn make(folder: &Path, image: &Path) -> Result<Option<Payload>> {
    let made = Payload { payload: folder.join("payload.bin"), xz: folder.join("payload.bin.xz") };
    if made.payload.exists() && made.xz.exists() {
        return Ok(Some(made));
    }
    let (mut data, mut operations) = (Vec::new(), Vec::new());
    let mut image = File::open(image).with_context(|| image.display().to_string())?.take(IMAGE_MAX);
    let mut hash = Sha256::new();
    let mut block = 0;
    loop {
        let mut piece = Vec::new();
        image.by_ref().take(OPERATION).read_to_end(&mut piece)?;
        piece.resize(piece.len().next_multiple_of(BLOCK as usize), 0);
        if piece.is_empty() {
            break;
        }
        hash.update(&piece);
        let Some(packed) = packed(piece.clone())? else { return Ok(None) };
        let n_blocks = piece.len() as u64 / BLOCK;
        let mut operation = Message::default();
        operation.number(1, REPLACE_XZ).number(2, data.len() as u64).number(3, packed.len() as u64);
        operation.bytes(6, &Message::default().number(1, block).number(2, n_blocks).0);
        operation.bytes(8, &Sha256::digest(&packed));
        operations.push(operation);
        data.extend(packed);
        block += n_blocks;
    }
    let mut partition = Message::default();
    partition.bytes(1, b"system");
    partition.bytes(7, &Message::default().number(1, block * BLOCK).bytes(2, &hash.finalize()).0);
    for operation in &operations {
        partition.bytes(8, &operation.0);
    }
    let mut manifest = Message::default();
    manifest.number(3, BLOCK).number(12, 0).bytes(13, &partition.0);
    // Magic, major version, sizes of manifest and of the signature of both.
    let mut head = b"CrAU".to_vec();
    head.extend(2u64.to_be_bytes());
    head.extend((manifest.0.len() as u64).to_be_bytes());
    head.extend(0u32.to_be_bytes());
    fs::write(&made.payload, [head, manifest.0, data.clone()].concat())?;
    fs::write(&made.xz, data)?;
    Ok(Some(made))
}

/// What `xz` makes of the bytes, as AOSP's `delta_generator` calls it: without a checksum of its own.
fn packed(bytes: Vec<u8>) -> Result<Option<Vec<u8>>> {
    let child = Command::new("xz")
        .args(["-6", "-T1", "--check=none", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("xz"),
    };
    let mut stdin = child.stdin.take().context("stdin")?;
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &bytes));
    let output = child.wait_with_output()?;
    writer.join().ok().context("the writer panicked")??;
    ensure!(output.status.success(), "xz: {}", output.status);
    Ok(Some(output.stdout))
}

/// A message of AOSP's `system/update_engine/update_metadata.proto` as it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u64, value: u64) -> &mut Message {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Message {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// `InstallOperation.Type.REPLACE_XZ`.
const REPLACE_XZ: u64 = 8;

const BLOCK: u64 = 4096;

/// As AOSP's `delta_generator` cuts full updates.
const OPERATION: u64 = 2 << 20;

/// Packing takes a minute for so much.
const IMAGE_MAX: u64 = 128 << 20;
