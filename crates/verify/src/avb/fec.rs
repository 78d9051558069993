//! Bytes behind an image that correct errors in it: whether their header fits, and whether they are what the image gives.
//!
//! No signature covers them, and a phone reads them only where a block is damaged: what else lies there, nobody looks at.
//!
//! Source: Linux `drivers/md/dm-verity-fec.c`; AOSP `system/extras/libfec/include/fec/io.h` (`fec_header`),
//! `external/avb/avbtool.py` (`generate_fec_data`).

use std::ops::Range;

use model::{Blob, Fault, Reader};

use super::structure::HashtreeDescriptor;
use crate::apk::pieces;
use crate::hash::Hash;

/// Where the bytes stand, and over what they are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fec {
    /// Bytes of the image that they are made over, from its start.
    covered: u64,
    /// How many for each 255.
    roots: u32,
    /// Where they stand.
    at: u64,
    /// How many there are.
    size: u64,
}

impl Fec {
    /// What a descriptor states; `None` where it states none.
    pub fn of(descriptor: &HashtreeDescriptor) -> Option<Fec> {
        let covered = descriptor.tree_offset.saturating_add(descriptor.tree_size);
        let fec =
            Fec { covered, roots: descriptor.fec_num_roots, at: descriptor.fec_offset, size: descriptor.fec_size };
        (fec.roots != 0 || fec.size != 0).then_some(fec)
    }

    /// What the last block of an image without AVB states, and whether the bytes have the hash that it states.
    pub fn behind(image: &Blob) -> Result<Option<(Fec, bool)>, Fault> {
        let Some(header_at) = image.len().checked_sub(BLOCK) else { return Ok(None) };
        let bytes = image.read_at(header_at, HEADER_SIZE)?;
        let mut header = Reader::at(&bytes, header_at);
        if header.u32_le("magic")? != MAGIC {
            return Ok(None);
        }
        let (version, header_size) = (header.u32_le("version")?, u64::from(header.u32_le("size")?));
        if version != 0 || header_size != HEADER_SIZE {
            return Err(Fault::Unsupported("version of error correction".to_owned()));
        }
        let (roots, size) = (header.u32_le("roots")?, u64::from(header.u32_le("fec_size")?));
        let covered = header.u64_le("inp_size")?;
        let stated = header.rest();
        let at = header_at.checked_sub(size).ok_or(Fault::malformed("fec_size", header_at))?;
        let mut running = Hash::Sha256.start();
        pieces(&image.slice(at, size)?, &mut |piece| running.update(piece))?;
        Ok(Some((Fec { covered, roots, at, size }, *running.finalize() == *stated)))
    }

    /// Why the header does not fit the image; `None` where it does.
    pub fn misfit(&self, image: &Blob) -> Option<String> {
        if !(ROOTS_MIN..=ROOTS_MAX).contains(&self.roots) {
            return Some(format!("{} bytes of error correction for each 255 are not possible", self.roots));
        }
        let wanted = self.rounds().checked_mul(u64::from(self.roots)).and_then(|it| it.checked_mul(BLOCK));
        if wanted != Some(self.size) {
            return Some(format!("{} bytes of error correction do not belong to {} bytes", self.size, self.covered));
        }
        let end = self.at.checked_add(self.size);
        if self.at < self.covered || end.is_none_or(|it| image.len() < it) {
            return Some("it does not lie behind what it is made over".to_owned());
        }
        None
    }

    /// Codewords are spread over the image, so that a run of lost bytes hits each of them once: this is the distance of two
    /// bytes of one, in blocks.
    fn rounds(&self) -> u64 {
        let data = 255u64.saturating_sub(self.roots.into()).max(1);
        self.covered.div_ceil(BLOCK).div_ceil(data)
    }

    /// Runs of codewords: each can be done on a thread of its own.
    pub fn pieces(&self) -> impl Iterator<Item = Range<u64>> + use<> {
        let n = self.rounds().saturating_mul(BLOCK);
        let step = usize::try_from(CODEWORDS).unwrap_or(usize::MAX);
        (0..n).step_by(step).map(move |it| it..n.min(it.saturating_add(CODEWORDS)))
    }

    /// What of the bytes of a run of codewords is not what the image gives: offsets of blocks in the image, ascending.
    pub fn differing(&self, image: &Blob, codewords: Range<u64>) -> Result<Vec<u64>, Fault> {
        let at = self.at.saturating_add(codewords.start.saturating_mul(self.roots.into()));
        let given = self.parity(image, codewords)?;
        let stated = image.read_at(at, given.len() as u64)?;
        let mut blocks = Vec::new();
        for ((given, stated), offset) in given.iter().zip(&stated).zip(at..) {
            let block = offset.saturating_sub(offset % BLOCK);
            if given != stated && blocks.last() != Some(&block) {
                blocks.push(block);
            }
        }
        Ok(blocks)
    }

    /// What the image gives for a run of codewords.
    pub fn parity(&self, image: &Blob, codewords: Range<u64>) -> Result<Vec<u8>, Fault> {
        let code = Code::of(self.roots)?;
        let count = usize::try_from(codewords.end.saturating_sub(codewords.start)).unwrap_or(usize::MAX);
        let (mut state, mut buffer) = (vec![0u64; count], vec![0u8; count]);
        let distance = self.rounds().saturating_mul(BLOCK);
        for n in 0..255u64.saturating_sub(self.roots.into()) {
            let at = n.saturating_mul(distance).saturating_add(codewords.start);
            // Behind its end an image counts as zeros.
            let there = usize::try_from(self.covered.saturating_sub(at)).unwrap_or(usize::MAX).min(count);
            let (bytes, zeros) = buffer.split_at_mut_checked(there).unwrap_or_default();
            if !bytes.is_empty() {
                image.read_into(at, bytes)?;
            }
            zeros.fill(0);
            code.take(&mut state, &buffer);
        }
        let unused = 8usize.saturating_sub(usize::try_from(self.roots).unwrap_or(8));
        let parity = state.iter().flat_map(|it| it.to_be_bytes().into_iter().skip(unused));
        Ok(parity.collect())
    }
}

/// A Reed-Solomon code of 255 bytes over GF(256), `init_rs(8, 0x11d, 0, 1, roots)` of Linux.
struct Code {
    /// What the bytes of correction become when a byte leaves them at the top, by that byte.
    step: [u64; 256],
    roots: u32,
}

impl Code {
    fn of(roots: u32) -> Result<Code, Fault> {
        if !(ROOTS_MIN..=8).contains(&roots) {
            return Err(Fault::Unsupported(format!("error correction of {roots} bytes for each 255")));
        }
        // The product of all (x - 2^i), without its highest term; the highest of the others first.
        let (mut generator, mut power) = (vec![1u8], 1u8);
        for _ in 0..roots {
            let mut next = generator.clone();
            next.push(0);
            for (low, high) in next.iter_mut().skip(1).zip(&generator) {
                *low ^= times(*high, power);
            }
            generator = next;
            power = times(power, 2);
        }
        let mut step = [0u64; 256];
        for (byte, step) in (0u8..=255).zip(step.iter_mut()) {
            *step = generator.iter().skip(1).fold(0u64, |packed, it| packed << 8 | u64::from(times(*it, byte)));
        }
        Ok(Code { step, roots })
    }

    /// Takes the next byte of each codeword.
    fn take(&self, state: &mut [u64], bytes: &[u8]) {
        let bits = self.roots.saturating_mul(8);
        let (top, mask) = (bits.saturating_sub(8), u64::MAX.checked_shr(64u32.saturating_sub(bits)).unwrap_or(0));
        for (state, byte) in state.iter_mut().zip(bytes) {
            let leaves = state.wrapping_shr(top).to_le_bytes()[0] ^ byte;
            let step = self.step.get(usize::from(leaves)).copied().unwrap_or_default();
            *state = (state.wrapping_shl(8) & mask) ^ step;
        }
    }
}

/// The product in the field of the code: polynomials over bits, modulo 0x11d.
fn times(a: u8, b: u8) -> u8 {
    let (mut a, mut product) = (u32::from(a), 0u32);
    for bit in 0..8 {
        if u32::from(b) >> bit & 1 == 1 {
            product ^= a;
        }
        a <<= 1;
        if a & 0x100 != 0 {
            a ^= 0x11d;
        }
    }
    product.to_le_bytes()[0]
}

/// `FEC_BLOCKSIZE`
const BLOCK: u64 = 4096;
/// `FEC_MAGIC`
const MAGIC: u32 = 0xfecf_ecfe;
const HEADER_SIZE: u64 = 60;
/// `DM_VERITY_FEC_MIN_RSN` and `_MAX_RSN`: of 255 bytes 231 to 253 are data.
const ROOTS_MIN: u32 = 2;
const ROOTS_MAX: u32 = 24;
/// So many at once: their state stays in the processor's cache.
const CODEWORDS: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn image(len: usize, roots: u32) -> (Vec<u8>, Fec) {
        let mut bytes: Vec<u8> = (0..len).map(|it| (it * 7 + it / 251) as u8).collect();
        let fec = Fec { covered: len as u64, roots, at: len as u64, size: 0 };
        let size = fec.rounds() * u64::from(roots) * BLOCK;
        let fec = Fec { size, ..fec };
        let code = Code::of(roots).unwrap();
        for codeword in 0..fec.rounds() * BLOCK {
            let mut state = [0];
            for n in 0..u64::from(255 - roots) {
                let at = (n * fec.rounds() * BLOCK + codeword) as usize;
                code.take(&mut state, &[if at < len { bytes[at] } else { 0 }]);
            }
            bytes.extend(&state[0].to_be_bytes()[8 - roots as usize..]);
        }
        (bytes, fec)
    }

    #[test]
    fn a_codeword_has_no_rest_at_any_root() {
        for roots in [2, 4, 8] {
            let code = Code::of(roots).unwrap();
            let data: Vec<u8> = (0..255 - roots).map(|it| (it * 91 + 5) as u8).collect();
            let mut state = [0];
            data.iter().for_each(|it| code.take(&mut state, &[*it]));
            let word = [&data[..], &state[0].to_be_bytes()[8 - roots as usize..]].concat();
            let mut root = 1;
            for _ in 0..roots {
                assert_eq!(word.iter().fold(0, |sum, it| times(sum, root) ^ it), 0);
                root = times(root, 2);
            }
        }
    }

    #[test]
    fn what_is_made_over_an_image_is_found_to_be_so_and_what_is_changed_is_not() {
        let (bytes, fec) = image(300 * 4096, 2);
        assert_eq!(fec.misfit(&Blob::from_bytes(bytes.clone())), None);
        let differing = |bytes: Vec<u8>| -> Vec<u64> {
            let image = Blob::from_bytes(bytes);
            fec.pieces().flat_map(|it| fec.differing(&image, it).unwrap()).collect()
        };
        assert_eq!(differing(bytes.clone()), Vec::<u64>::new());
        let mut hidden = bytes.clone();
        hidden[300 * 4096 + 4096 + 9] ^= 1;
        assert_eq!(differing(hidden), [301 * 4096]);
        let mut altered = bytes;
        altered[5000] ^= 1;
        assert_eq!(differing(altered).len(), 1);
    }

    #[test]
    fn a_header_that_does_not_fit_is_told() {
        let (bytes, fec) = image(10 * 4096, 2);
        let image = Blob::from_bytes(bytes);
        for wrong in [
            Fec { roots: 1, ..fec.clone() },
            Fec { roots: 25, ..fec.clone() },
            Fec { size: fec.size + 1, ..fec.clone() },
            Fec { covered: 300 * 4096, ..fec.clone() },
            Fec { at: 4096, ..fec.clone() },
            Fec { at: u64::MAX, ..fec.clone() },
        ] {
            assert!(wrong.misfit(&image).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn the_header_of_an_image_without_avb_is_read_with_its_hash() {
        let (mut bytes, fec) = image(20 * 4096, 2);
        let hash = Hash::Sha256.of(&[&bytes[20 * 4096..]]);
        let mut header = Vec::new();
        for number in [MAGIC, 0, 60, 2, fec.size as u32] {
            header.extend(number.to_le_bytes());
        }
        header.extend(fec.covered.to_le_bytes());
        header.extend(hash);
        header.resize(4096, 0);
        bytes.extend(header);
        assert_eq!(Fec::behind(&Blob::from_bytes(bytes.clone())).unwrap(), Some((fec.clone(), true)));
        bytes[20 * 4096] ^= 1;
        assert_eq!(Fec::behind(&Blob::from_bytes(bytes.clone())).unwrap(), Some((fec, false)));
        assert_eq!(Fec::behind(&Blob::from_bytes(vec![0; 9000])).unwrap(), None);
    }
}
