//! What POSIX file systems have in common: modes, labels, UUIDs.

use std::fmt::Write;

use model::NodeKind;

/// The kind of a POSIX `st_mode`.
pub(crate) fn kind_of(mode: u16) -> Option<NodeKind> {
    Some(match mode & 0xf000 {
        0x1000 => NodeKind::Fifo,
        0x2000 => NodeKind::CharDevice,
        0x4000 => NodeKind::Directory,
        0x6000 => NodeKind::BlockDevice,
        0x8000 => NodeKind::File,
        0xa000 => NodeKind::Symlink,
        0xc000 => NodeKind::Socket,
        _ => return None,
    })
}

/// Major and minor number, from the old encoding of `dev_t`, or where that is zero from the new one.
pub(crate) fn device_of(old: u32, new: u32) -> (u32, u32) {
    match old {
        0 => ((new >> 8) & 0xfff, (new & 0xff) | ((new >> 12) & 0xfff00)),
        _ => ((old >> 8) & 0xff, old & 0xff),
    }
}

/// A label without its NUL; bytes that are no text are escaped like those of a path.
pub(crate) fn label_of(value: &[u8]) -> String {
    let value = value.strip_suffix(b"\0").unwrap_or(value);
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => model::path_name(value),
    }
}

/// A UUID in the usual form.
pub(crate) fn uuid(bytes: &[u8; 16]) -> String {
    bytes.iter().enumerate().fold(String::new(), |mut text, (n, byte)| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{byte:02x}", if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" });
        text
    })
}

/// An encrypted name.
pub(crate) fn hex(name: &[u8]) -> Vec<u8> {
    let text = name.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    text.into_bytes()
}
