//! Sections whose bytes look like noise: what is packed or encrypted, and keys, pictures and tables of codecs.

use model::fact::elf::{Elf, Noise};

use super::File;
use crate::Reading;
use crate::entropy::{LOOKED_AT, SIZE_MIN, millibits_of};

/// States them.
pub fn state(file: &File, elf: &mut Elf, out: &mut Reading) {
    let (noise, cut) = noise_of(file);
    elf.noise = noise;
    if cut {
        out.gap(format!("more than {PARTS_MAX} sections: whether the others look like noise was not looked at"));
    }
}

/// Those of a file, and whether there were more parts than are looked at. What is packed often has no section headers, which
/// the linker does not need: then segments are looked at.
fn noise_of(file: &File) -> (Vec<Noise>, bool) {
    let sections = file.sections.iter().filter(|it| it.kind == SHT_PROGBITS);
    let sections = sections.map(|it| (file.section_name(it), it.offset, it.size));
    let segments = file.segments.iter().filter(|it| file.sections.is_empty() && it.kind == super::PT_LOAD);
    let parts = sections.chain(segments.map(|it| (String::new(), it.offset, it.size)));
    let mut parts = parts.filter(|it| SIZE_MIN <= it.2);
    let mut noise: Vec<Noise> = Vec::new();
    for (name, offset, size) in parts.by_ref().take(PARTS_MAX) {
        let millibits = millibits_of(middle(file, offset, size));
        if Noise::MILLIBITS_MIN <= millibits {
            noise.push(Noise { name, offset, size, millibits });
        }
    }
    noise.sort();
    noise.dedup();
    (noise, parts.next().is_some())
}

/// What is looked at of a part: its middle, since a head may be plain.
fn middle<'a>(file: &File<'a>, offset: u64, size: u64) -> &'a [u8] {
    let skipped = size.saturating_sub(LOOKED_AT).wrapping_shr(1);
    file.range(offset.saturating_add(skipped), size.min(LOOKED_AT))
}

/// More than any program has.
const PARTS_MAX: usize = 256;

const SHT_PROGBITS: u32 = 1;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::super::{PT_LOAD, Section, Segment};
    use super::*;

    /// Bytes without a pattern (xorshift).
    fn random(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        (0..len).map(next).collect()
    }

    fn noise(bytes: &[u8], size: u64) -> Vec<Noise> {
        let section = Section { name: 0, kind: SHT_PROGBITS, flags: 0, address: 0, offset: 0, size, link: 0 };
        noise_in(bytes, Vec::new(), vec![section; 3]).0
    }

    fn noise_in(bytes: &[u8], segments: Vec<Segment>, sections: Vec<Section>) -> (Vec<Noise>, bool) {
        let file = File {
            bytes,
            wide: true,
            kind: 3,
            machine: 183,
            entry: 0,
            segments,
            sections,
            section_at: 0,
            n_sections: 3,
            section_names_at: 0,
        };
        noise_of(&file)
    }

    #[test]
    fn what_looks_like_noise_is_told_once_and_plain_bytes_are_not() {
        let found = noise(&random(100_000), 100_000);
        assert_eq!(found.len(), 1, "the same bytes under three headers are one");
        assert!(found[0].millibits > 7_950);
        assert!(noise(&b"if a constant decides, tell it. ".repeat(4000), 100_000).is_empty());
        assert!(noise(&[0; 100_000], 100_000).is_empty());
        assert!(noise(&random(1000), 1000).is_empty(), "too little to say");
    }

    #[test]
    fn a_file_without_section_headers_is_judged_by_its_segments() {
        let segment = |kind| Segment { kind, flags: 0, offset: 0, address: 0, size: 100_000 };
        let (found, cut) = noise_in(&random(100_000), vec![segment(PT_LOAD), segment(4)], Vec::new());
        assert!(!cut);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].size), ("", 100_000));
    }

    #[test]
    fn parts_without_end_are_not_all_looked_at_and_that_is_known() {
        let segment = |_| Segment { kind: PT_LOAD, flags: 0, offset: 0, address: 0, size: 100_000 };
        let cut = |n: usize| noise_in(&[0; 100_000], (0..n).map(segment).collect(), Vec::new()).1;
        assert!(!cut(PARTS_MAX) && cut(PARTS_MAX + 1));
    }

    #[test]
    fn a_section_that_reaches_past_the_end_is_judged_by_what_is_there() {
        assert!(noise(&random(100_000), u64::MAX).is_empty(), "its middle is not there");
        assert_eq!(noise(&random(100_000), 120_000).len(), 1);
    }
}
