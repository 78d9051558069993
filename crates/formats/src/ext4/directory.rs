//! Directories. Specification: Linux `Documentation/filesystems/ext4`, "Directory Entries".
//!
//! A directory with an index (htree) is read linearly: the index hides in entries that name nothing.

use model::{Blob, Fault, NodeKind, Reader};

use super::attributes::Attributes;
use super::{Volume, inode};
use crate::posix;
use crate::walk::{ENTRIES_MAX, Tally};

impl Volume {
    /// Reads the entries of a directory. What was read before a fault stays in `entries`.
    pub(super) fn read_directory(
        &mut self,
        number: u32,
        path: &[u8],
        tally: &mut Tally,
        entries: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), Fault> {
        let (inode, at) = self.inode(number)?;
        if inode.kind() != Some(NodeKind::Directory) {
            return Err(Fault::malformed("i_mode", at));
        }
        let mut found = Attributes::default();
        if inode.has(inode::INLINE_DATA_FL) {
            self.read_attributes(&inode, at, &mut found)?;
            // The number of the parent, then entries; the rest of them is a value of its own.
            let head = inode.block.get(4..).unwrap_or_default();
            let size = usize::try_from(inode.size).unwrap_or_default();
            let parts = [(head, at), (found.data.as_deref().unwrap_or_default(), at)];
            let mut left = size.saturating_sub(4);
            for (part, at) in parts {
                let part = part.get(..left.min(part.len())).unwrap_or_default();
                left = left.saturating_sub(part.len());
                self.read_block(part, at, false, entries)?;
            }
        } else {
            let (blob, fault) = self.content(&inode, at, &found)?;
            self.read_blocks(&blob, path, tally, entries)?;
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        if inode.has(inode::ENCRYPT_FL) {
            for (name, _) in entries.iter_mut() {
                tally.add("names are encrypted, and shown in hexadecimal", path);
                *name = posix::hex(name);
            }
        }
        Ok(())
    }

    fn read_blocks(
        &mut self,
        blob: &Blob,
        path: &[u8],
        tally: &mut Tally,
        entries: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), Fault> {
        let block_size = self.sb.block_size;
        let mut offset = 0u64;
        while offset < blob.len() {
            let hole = blob.zeros_at(offset);
            if block_size <= hole {
                let blocks = hole.checked_div(block_size).unwrap_or_default();
                offset = offset.saturating_add(blocks.saturating_mul(block_size));
                continue;
            }
            let exceeded = Fault::Limit { what: "bytes of all directories", bound: self.image.len() };
            self.directories_left = self.directories_left.checked_sub(block_size).ok_or(exceeded)?;
            let result = blob
                .read_up_to(offset, block_size)
                .and_then(|bytes| self.read_block(&bytes, offset, offset == 0, entries));
            match result {
                Err(fault @ Fault::Limit { .. }) => return Err(fault),
                Err(fault) => tally.fault("blocks of directories are malformed", path, &fault),
                Ok(()) => {}
            }
            offset = offset.saturating_add(block_size);
        }
        Ok(())
    }

    /// The entries of one block. The first block starts with the entries `.` and `..`.
    fn read_block(&self, bytes: &[u8], at: u64, first: bool, entries: &mut Vec<(Vec<u8>, u32)>) -> Result<(), Fault> {
        let mut reader = Reader::at(bytes, at);
        let mut dots = if first { &[b".".as_slice(), b".."][..] } else { &[] };
        while HEADER_LEN <= reader.remaining() {
            let (start, at) = (reader.position(), reader.offset());
            let number = reader.u32_le("inode")?;
            let rec_len = self.rec_len(reader.u16_le("rec_len")?);
            let name_len = usize::from(reader.u8("name_len")?);
            reader.skip(1, "file_type")?;
            let name = reader.take(name_len, "name")?;
            let own = name_len.saturating_add(HEADER_LEN);
            if rec_len < own || !rec_len.is_multiple_of(4) {
                return Err(Fault::malformed("rec_len", at));
            }
            reader.seek(start.saturating_add(rec_len), "rec_len")?;
            if let Some((dot, rest)) = dots.split_first() {
                dots = rest;
                if name == *dot {
                    continue;
                }
            }
            // An entry that names no inode is free space, an index or a checksum.
            if number != 0 {
                if ENTRIES_MAX <= entries.len() as u64 {
                    return Err(Fault::Limit { what: "entries of a directory", bound: ENTRIES_MAX });
                }
                entries.push((name.to_vec(), number));
            }
        }
        Ok(())
    }

    /// With blocks of 64 KiB, a length that needs 17 bits is packed into 16.
    fn rec_len(&self, rec_len: u16) -> usize {
        let len = usize::from(rec_len);
        if self.sb.block_size < 64 << 10 {
            len
        } else if matches!(rec_len, 0 | u16::MAX) {
            64 << 10
        } else {
            (len & 0xfffc) | (len & 3) << 16
        }
    }
}

/// An entry without its name.
const HEADER_LEN: usize = 8;
