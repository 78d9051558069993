//! Extended attributes. Specification: Linux `Documentation/filesystems/ext4`, "Extended Attributes".

use model::{Fault, FileCapability, Node, Reader};

use crate::posix;

/// The attributes that the reader knows; the others do not change what a phone does with a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    pub selinux: Option<Vec<u8>>,
    pub capability: Option<Vec<u8>>,
    /// `system.data`: what of an inline file does not fit into `i_block`.
    pub data: Option<Vec<u8>>,
}

/// Reads the entries that follow the magic number in `reader`. `values` is what value offsets count from; `inode` reads
/// a value that is an inode of its own (feature `ea_inode`).
pub(super) fn read_entries(
    reader: &mut Reader,
    values: &[u8],
    found: &mut Attributes,
    inode: &mut dyn FnMut(u32, usize) -> Result<Vec<u8>, Fault>,
) -> Result<(), Fault> {
    // The list ends with four zero bytes; the end of the bytes is an end too.
    while 4 <= reader.remaining() && reader.rest().iter().take(4).any(|&byte| byte != 0) {
        let at = reader.offset();
        let name_len = reader.u8("e_name_len")?;
        let name_index = reader.u8("e_name_index")?;
        let value_offs = usize::from(reader.u16_le("e_value_offs")?);
        let value_inum = reader.u32_le("e_value_inum")?;
        let value_size = reader.u32_le("e_value_size")?;
        reader.skip(4, "e_hash")?;
        let name = reader.take(name_len.into(), "e_name")?;
        let padding = usize::from(name_len.wrapping_neg() % 4).min(reader.remaining());
        reader.skip(padding, "e_name")?;

        let slot = match (name_index, name) {
            (INDEX_SECURITY, b"selinux") => &mut found.selinux,
            (INDEX_SECURITY, b"capability") => &mut found.capability,
            (INDEX_SYSTEM, b"data") => &mut found.data,
            _ => continue,
        };
        let value_size = usize::try_from(value_size).ok().filter(|&it| it <= VALUE_MAX);
        let value_size = value_size.ok_or(Fault::malformed("e_value_size", at))?;
        // The first of several wins, as in the kernel.
        if slot.is_none() {
            *slot = Some(if value_inum != 0 {
                inode(value_inum, value_size)?
            } else {
                let end = value_offs.checked_add(value_size);
                let value = end.and_then(|end| values.get(value_offs..end));
                value.ok_or(Fault::malformed("e_value_offs", at))?.to_vec()
            });
        }
    }
    Ok(())
}

impl Attributes {
    /// Takes over what is not there yet.
    pub(super) fn fill(&mut self, other: &Attributes) {
        for (own, other) in [
            (&mut self.selinux, &other.selinux),
            (&mut self.capability, &other.capability),
            (&mut self.data, &other.data),
        ] {
            if own.is_none() {
                own.clone_from(other);
            }
        }
    }

    /// Puts what they say into a node. A capability that cannot be understood is a fault.
    pub(super) fn describe(&self, node: &mut Node, at: u64) -> Result<(), Fault> {
        node.selinux = self.selinux.as_deref().map(posix::label_of);
        if let Some(bytes) = &self.capability {
            node.capability = Some(FileCapability::read(bytes).ok_or(Fault::malformed("security.capability", at))?);
        }
        Ok(())
    }
}

/// `h_magic` of attributes in an inode and in a block.
pub(super) const MAGIC: u32 = 0xea02_0000;

const INDEX_SECURITY: u8 = 6;
const INDEX_SYSTEM: u8 = 7;

/// `XATTR_SIZE_MAX` of Linux.
const VALUE_MAX: usize = 64 << 10;
