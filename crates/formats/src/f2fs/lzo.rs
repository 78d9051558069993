//! LZO1X, and its variant with runs of zeros. Specification: Linux `Documentation/staging/lzo.rst`.

/// Decompresses a whole stream to at most `max` bytes. `None`: it is malformed.
pub(super) fn decompress(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    let mut stream = Stream { packed, out: Vec::with_capacity(max), max };
    let mut version = 0;
    if let [17, bitstream_version, rest @ ..] = packed
        && 5 <= packed.len()
    {
        version = *bitstream_version;
        stream.packed = rest;
    }
    // How many literals the last instruction copied; four stands for more.
    let mut state = 0u8;
    if let [first, rest @ ..] = stream.packed
        && 17 < *first
    {
        let literals = first.saturating_sub(17);
        stream.packed = rest;
        stream.literals(literals.into())?;
        state = literals.min(4);
    }
    loop {
        let instruction = stream.byte()?;
        let code = usize::from(instruction);
        let (distance, len, literals) = match instruction {
            0..16 if state == 0 => {
                let len = stream.length(code, 15)?.checked_add(3)?;
                stream.literals(len)?;
                state = 4;
                continue;
            }
            0..16 => {
                let high = usize::from(stream.byte()?) << 2;
                let (base, len) = if state == 4 { (2049, 3) } else { (1, 2) };
                (high.checked_add(code >> 2)?.checked_add(base)?, len, instruction & 3)
            }
            16..32 => {
                let len_bits = code & 7;
                // The length's further bytes come before the distance; a run of zeros has none.
                let run = version != 0 && code & 8 != 0 && matches!(stream.packed, [0xfc..=0xff, 0xff, ..]);
                if run {
                    let low = stream.byte()?;
                    stream.byte()?;
                    let len = (usize::from(stream.byte()?) << 3 | len_bits).checked_add(4)?;
                    stream.zeros(len)?;
                    state = low & 3;
                    stream.literals(state.into())?;
                    continue;
                }
                let len = stream.length(len_bits, 7)?.checked_add(2)?;
                let word = stream.word()?;
                let distance = ((code & 8) << 11).checked_add(usize::from(word >> 2))?;
                if distance == 0 {
                    return stream.packed.is_empty().then_some(stream.out);
                }
                (distance.checked_add(16384)?, len, u8::try_from(word & 3).ok()?)
            }
            32..64 => {
                let len = stream.length(code & 31, 31)?.checked_add(2)?;
                let word = stream.word()?;
                (usize::from(word >> 2).checked_add(1)?, len, u8::try_from(word & 3).ok()?)
            }
            64.. => {
                let high = usize::from(stream.byte()?) << 3;
                let len = if code < 128 { (code >> 5 & 1).checked_add(3)? } else { (code >> 5 & 3).checked_add(5)? };
                (high.checked_add(code >> 2 & 7)?.checked_add(1)?, len, instruction & 3)
            }
        };
        stream.copy(distance, len)?;
        state = literals;
        stream.literals(state.into())?;
    }
}

struct Stream<'a> {
    packed: &'a [u8],
    out: Vec<u8>,
    max: usize,
}

impl Stream<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.packed.split_first()?;
        self.packed = rest;
        Some(*byte)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// A length of `bits`; where these are zero, `base` and more: each zero byte counts 255, the last byte what it says.
    fn length(&mut self, bits: usize, base: usize) -> Option<usize> {
        if bits != 0 {
            return Some(bits);
        }
        let zeros = self.packed.iter().take_while(|&&byte| byte == 0).count();
        self.packed = self.packed.get(zeros..)?;
        zeros.checked_mul(255)?.checked_add(base)?.checked_add(self.byte()?.into())
    }

    fn room(&self, len: usize) -> Option<usize> {
        self.out.len().checked_add(len).filter(|&end| end <= self.max)
    }

    fn literals(&mut self, len: usize) -> Option<()> {
        self.room(len)?;
        let (literals, rest) = self.packed.split_at_checked(len)?;
        self.out.extend_from_slice(literals);
        self.packed = rest;
        Some(())
    }

    fn zeros(&mut self, len: usize) -> Option<()> {
        let end = self.room(len)?;
        self.out.resize(end, 0);
        Some(())
    }

    fn copy(&mut self, distance: usize, len: usize) -> Option<()> {
        let end = self.room(len)?;
        let start = self.out.len().checked_sub(distance)?;
        // A copy that reaches into what it writes repeats it.
        while self.out.len() < end {
            let left = end.checked_sub(self.out.len())?;
            let run = distance.min(left);
            self.out.extend_from_within(start..start.checked_add(run)?);
            if run < left && distance < SHORT {
                // Doubling keeps short distances from being copied byte by byte.
                let have = self.out.len().checked_sub(start)?;
                let run = have.checked_sub(have.checked_rem(distance)?)?.min(end.checked_sub(self.out.len())?);
                self.out.extend_from_within(start..start.checked_add(run)?);
            }
        }
        Some(())
    }
}

/// Distances below this are worth doubling.
const SHORT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of every stream.
    const END: [u8; 3] = [17, 0, 0];

    fn check(parts: &[&[u8]], expected: &[u8]) {
        let packed = [&parts.concat(), &END[..]].concat();
        assert_eq!(decompress(&packed, expected.len()).as_deref(), Some(expected));
        assert_eq!(decompress(&packed, expected.len() - 1), None, "more than the bound");
        for len in 0..packed.len() {
            assert_eq!(decompress(&packed[..len], expected.len()), None, "a stream that is cut off");
        }
    }

    #[test]
    fn literals_and_matches_of_each_kind_are_read() {
        check(&[&[17 + 4], b"abcd"], b"abcd");
        // Two literals, a match of two bytes, a literal behind it.
        check(&[&[17 + 2], b"ab", &[0b0000_0101, 0], b"c"], b"ababc");
        // A match of five bytes that reaches into what it writes.
        check(&[&[17 + 4], b"abcd", &[0b1000_0100, 0]], b"abcdcdcdc");
        // A long match: 2 + 31 + 255 + 7 bytes at distance 1.
        check(&[&[17 + 4], b"abcd", &[32, 0, 7, 0, 0]], &[b"abc", &[b'd'; 296][..]].concat());
        // A long run of literals: 3 + 15 + 2 bytes.
        check(&[&[0, 2], b"01234567890123456789"], b"01234567890123456789");
    }

    #[test]
    fn a_run_of_zeros_is_read_in_version_1_only() {
        // Four literals, then 4 + (2 << 3 | 1) zeros and a literal.
        let run = [17 + 4, b'a', b'b', b'c', b'd', 0x19, 0xfd, 0xff, 2, b'e'];
        check(&[&[17, 1], &run], &[b"abcd", &[0; 21][..], b"e"].concat());
        assert_eq!(decompress(&[&run[..], &END].concat(), 100), None);
    }
}
