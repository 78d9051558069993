//! Where avbtool judges an image other than the boot loader does: read off the bytes, not off postern's answer.
//!
//! - Where the offset of a footer points past the end of the file, avbtool reads nothing there, takes that for an unsigned
//!   structure without descriptors (`AvbVBMetaHeader` of no data), and says that it verifies; libavb refuses it
//!   (`avb_slot_verify.c`).
//! - Descriptors that end behind the block that they are in are refused by libavb (`avb_descriptor.c`); avbtool reads what
//!   it can (`parse_descriptors`).
//! - Where a footer states more than 64 KiB of metadata, libavb does not look at them; avbtool does not look at their size.
//! - A footer of another version is none for libavb (`avb_footer.c`), while avbtool looks at its magic only.
//! - The name of a hash ends at its first zero for libavb (`avb_strcmp`), while avbtool stumbles over what follows.

/// Why avbtool verifies what the boot loader refuses, if it does.
pub fn verifies_alone(image: &[u8]) -> Option<&'static str> {
    let footer = footer(image)?;
    if 1 < number(image, footer + 4, 4)? {
        return Some("a footer of another version");
    }
    let (at, len) = (place(image, footer + 20)?, image.len());
    if len <= at {
        return Some("an offset of the footer past the end");
    }
    if 64 << 10 < number(image, footer + 28, 8)? {
        return Some("a footer of more than 64 KiB of metadata");
    }
    let descriptors = place(image, at + 96)?.checked_add(place(image, at + 104)?)?;
    (place(image, at + 20)? < descriptors).then_some("descriptors that end behind their block")
}

/// Why avbtool refuses what the boot loader takes, if it does.
pub fn refuses_alone(image: &[u8]) -> Option<&'static str> {
    let at = match footer(image) {
        Some(footer) => place(image, footer + 20)?,
        None => 0,
    };
    let start = (at + HEADER).checked_add(place(image, at + 12)?)?.checked_add(place(image, at + 96)?)?;
    let end = start.checked_add(place(image, at + 104)?)?.min(image.len());
    let mut pos = start;
    while pos + 16 <= end {
        let name = match number(image, pos, 8)? {
            1 => pos + 72,
            2 => pos + 24,
            _ => end,
        };
        let name = image.get(name..name + 32).unwrap_or_default();
        if name.iter().skip_while(|it| **it != 0).any(|it| *it != 0) {
            return Some("a name of a hash with more behind its end");
        }
        pos = pos.checked_add(16)?.checked_add(place(image, pos + 8)?)?;
    }
    None
}

/// Where the footer stands, if there is one.
fn footer(image: &[u8]) -> Option<usize> {
    let at = image.len().checked_sub(64)?;
    image.get(at..at + 4).filter(|it| *it == b"AVBf").map(|_| at)
}

/// A number of this many bytes, the highest first.
fn number(image: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = image.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// An offset or a size of eight bytes.
fn place(image: &[u8], at: usize) -> Option<usize> {
    usize::try_from(number(image, at, 8)?).ok().map(|it| it.min(usize::MAX / 8))
}

/// The size of `AvbVBMetaImageHeader`.
const HEADER: usize = 256;
