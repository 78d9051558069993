//! The checksum of f2fs: CRC-32 without the usual inversions.

/// Continues a checksum over more bytes.
pub(super) fn crc(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |crc, &byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default() ^ (crc >> 8)
    })
}

static TABLE: [u32; 256] = {
    let mut table = [0u32; 256];
    let mut rest: &mut [u32] = &mut table;
    let mut n = 0u32;
    while let Some((entry, tail)) = rest.split_first_mut() {
        let mut crc = n;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit = u32::wrapping_add(bit, 1);
        }
        *entry = crc;
        n = n.wrapping_add(1);
        rest = tail;
    }
    table
};
