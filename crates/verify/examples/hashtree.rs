//! Hashes an image as a tree of SHA-256 over its blocks, on all cores, and prints the digest of its top:
//! `hashtree IMAGE [SALT]`. What `cargo xtask bench` measures beside `openssl dgst`.

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::thread;

use model::blob::Source;
use model::{Blob, Fault};
use verify::avb::hashtree::Hashtree;
use verify::hash::Hash;

struct Image(File, u64);

impl Source for Image {
    fn len(&self) -> u64 {
        self.1
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<(), Fault> {
        self.0.read_exact_at(buf, offset).map_err(|error| Fault::Io(error.to_string()))
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let path = words.next().ok_or("which image?")?;
    let salt = words.next().unwrap_or_default();
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    let image = Blob::new(Image(file, len));
    // The digest is not known yet: any other leaves the tree as it is.
    let tree = Hashtree::new(Hash::Sha256, salt.as_bytes(), 4096, len.div_ceil(4096), &[0; 32], len)?;
    let pieces = Mutex::new(tree.pieces().enumerate());
    let next = || pieces.lock().map_or(None, |mut it| it.next());
    let work = || -> Result<Vec<(usize, Vec<u8>)>, Fault> {
        std::iter::from_fn(next).map(|(idx, blocks)| Ok((idx, tree.leaves(&image, blocks)?))).collect()
    };
    let cores = thread::available_parallelism()?.get();
    let done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|it| it.join()).collect()
    });
    let mut leaves = Vec::new();
    for part in done {
        leaves.extend(part.map_err(|_| "a thread panicked")??);
    }
    leaves.sort_by_key(|it| it.0);
    let leaves: Vec<u8> = leaves.into_iter().flat_map(|it| it.1).collect();
    println!("{}", tree.root_of(leaves).iter().map(|it| format!("{it:02x}")).collect::<String>());
    Ok(())
}
