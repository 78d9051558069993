//! Directories. Specification: Linux `Documentation/filesystems/f2fs.rst`, "Directory Structure".
//!
//! The levels of the hash table are read linearly: a name's place in them changes nothing.

use model::{Blob, Fault, NodeKind, Reader};

use super::{Inode, Volume};
use crate::posix;
use crate::walk::{ENTRIES_MAX, Tally};

impl Volume {
    /// Reads the entries of a directory. What was read before a fault stays in `entries`.
    pub(super) fn read_directory(
        &mut self,
        ino: u32,
        path: &[u8],
        tally: &mut Tally,
        entries: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), Fault> {
        let (inode, at) = self.inode(ino)?;
        if posix::kind_of(inode.mode) != Some(NodeKind::Directory) {
            return Err(Fault::malformed("i_mode", at));
        }
        let result = self.read_entries(&inode, at, path, tally, entries);
        if inode.encrypted() {
            for (name, _) in entries.iter_mut() {
                tally.add("names are encrypted, and shown in hexadecimal", path);
                *name = posix::hex(name);
            }
        }
        result
    }

    fn read_entries(
        &mut self,
        inode: &Inode,
        at: u64,
        path: &[u8],
        tally: &mut Tally,
        entries: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), Fault> {
        if let Some(data) = inode.inline_data() {
            return read_block(data, at, entries);
        }
        let (blob, fault) = self.content(inode, at)?;
        self.read_blocks(&blob, path, tally, entries)?;
        fault.map_or(Ok(()), Err)
    }

    fn read_blocks(
        &mut self,
        blob: &Blob,
        path: &[u8],
        tally: &mut Tally,
        entries: &mut Vec<(Vec<u8>, u32)>,
    ) -> Result<(), Fault> {
        let block_size = self.sb.block_size();
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
            let result = blob.read_at(offset, block_size).and_then(|bytes| read_block(&bytes, offset, entries));
            match result {
                Err(fault @ Fault::Limit { .. }) => return Err(fault),
                Err(fault) => tally.fault("blocks of directories are malformed", path, &fault),
                Ok(()) => {}
            }
            offset = offset.saturating_add(block_size);
        }
        Ok(())
    }
}

/// The entries of one block, or of an inode: a bitmap of slots, the slots, and eight bytes of name for each. A longer
/// name takes those of the slots that follow.
fn read_block(bytes: &[u8], at: u64, entries: &mut Vec<(Vec<u8>, u32)>) -> Result<(), Fault> {
    let per_slot = DENTRY_LEN.saturating_add(SLOT_LEN);
    let bits = bytes.len().saturating_mul(8);
    let n_slots = bits.checked_div(per_slot.saturating_mul(8).saturating_add(1)).unwrap_or_default();
    let names = bytes.len().saturating_sub(n_slots.saturating_mul(SLOT_LEN));
    let dentries = names.saturating_sub(n_slots.saturating_mul(DENTRY_LEN));
    let mut reader = Reader::at(bytes, at);
    let mut slot = 0usize;
    while slot < n_slots {
        let used =
            bytes.get(slot >> 3).is_some_and(|it| it.wrapping_shr(u32::try_from(slot & 7).unwrap_or(0)) & 1 != 0);
        if !used {
            slot = slot.saturating_add(1);
            continue;
        }
        reader.seek(dentries.saturating_add(slot.saturating_mul(DENTRY_LEN)), "dentry")?;
        reader.skip(4, "hash_code")?;
        let ino = reader.u32_le("ino")?;
        let name_at = reader.offset();
        let name_len = usize::from(reader.u16_le("name_len")?);
        if NAME_MAX < name_len {
            return Err(Fault::malformed("name_len", name_at));
        }
        reader.seek(names.saturating_add(slot.saturating_mul(SLOT_LEN)), "filename")?;
        let name = reader.take(name_len, "filename")?;
        // Its own names stand in the first two slots.
        let own = matches!((slot, name), (0, b".") | (1, b".."));
        if !own && name_len != 0 {
            if ENTRIES_MAX <= entries.len() as u64 {
                return Err(Fault::Limit { what: "entries of a directory", bound: ENTRIES_MAX });
            }
            entries.push((name.to_vec(), ino));
        }
        slot = slot.saturating_add(name_len.div_ceil(SLOT_LEN).max(1));
    }
    Ok(())
}

/// `struct f2fs_dir_entry`.
const DENTRY_LEN: usize = 11;
/// `F2FS_SLOT_LEN`.
const SLOT_LEN: usize = 8;
/// `F2FS_NAME_LEN`.
const NAME_MAX: usize = 255;
