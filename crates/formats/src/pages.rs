//! Reading small structures of an image in larger runs: the inode tables and address tables of a file system.

use std::collections::{HashMap, VecDeque};

use model::{Blob, Fault};

/// A bounded cache over an image, for metadata that is read in small pieces near each other.
pub(crate) struct Pages {
    image: Blob,
    pages: HashMap<u64, Vec<u8>>,
    /// In the order in which they were read: the oldest is forgotten first.
    order: VecDeque<u64>,
}

impl Pages {
    pub(crate) fn new(image: Blob) -> Pages {
        Pages { image, pages: HashMap::new(), order: VecDeque::new() }
    }

    /// `len` bytes from `offset` of the image.
    pub(crate) fn read(&mut self, offset: u64, len: usize) -> Result<Vec<u8>, Fault> {
        let start = offset.saturating_sub(offset % PAGE);
        if let Some(bytes) = self.page(start).and_then(|page| part(page, offset.saturating_sub(start), len)) {
            return Ok(bytes.to_vec());
        }
        // It spans two pages, or the rest of its page is not readable.
        self.image.read_at(offset, len as u64)
    }

    fn page(&mut self, start: u64) -> Option<&[u8]> {
        if !self.pages.contains_key(&start) {
            // A fault is told by the exact read that follows.
            let page = self.image.read_up_to(start, PAGE).unwrap_or_default();
            if PAGES_MAX <= self.order.len()
                && let Some(oldest) = self.order.pop_front()
            {
                self.pages.remove(&oldest);
            }
            self.order.push_back(start);
            self.pages.insert(start, page);
        }
        self.pages.get(&start).map(Vec::as_slice)
    }
}

fn part(page: &[u8], offset: u64, len: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    page.get(start..start.checked_add(len)?)
}

/// A run of an inode table: 256 inodes of the usual size.
const PAGE: u64 = 64 << 10;

/// 16 MiB: the inodes of a directory of 60,000 files, which lie in the order of a hash.
const PAGES_MAX: usize = 256;
