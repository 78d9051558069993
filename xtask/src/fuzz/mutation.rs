//! What is done to a sample: a few small changes, where its metadata lies more often than elsewhere.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Sample;
use super::random::Random;

/// Makes mutations.
pub struct Mutator {
    /// How the samples begin: magic numbers of all formats, and what follows them.
    heads: Vec<Vec<u8>>,
    /// The samples of each format.
    of_format: Vec<Vec<usize>>,
}

impl Mutator {
    /// Learns from the samples.
    pub fn new(corpus: &[Sample]) -> Mutator {
        let heads: BTreeSet<Vec<u8>> =
            corpus.iter().flat_map(|it| [4, 8, 32].map(|len| it.bytes[..len.min(it.bytes.len())].to_vec())).collect();
        let n_formats = corpus.iter().map(|it| it.format + 1).max().unwrap_or(0);
        let of_format = (0..n_formats)
            .map(|format| (0..corpus.len()).filter(|&it| corpus[it].format == format).collect::<Vec<_>>())
            .filter(|it| !it.is_empty())
            .collect();
        Mutator { heads: heads.into_iter().collect(), of_format }
    }

    /// A name and bytes. Every format is as likely as every other, however many samples it has.
    pub fn mutation(&self, corpus: &[Sample], random: &mut Random) -> (String, Vec<u8>) {
        let siblings = random.one_of(&self.of_format);
        let sample = &corpus[*random.one_of(siblings)];
        let mut bytes = sample.bytes.clone();
        for _ in 0..=random.below(4) {
            let other = if random.once_in(8) { random.one_of(corpus) } else { &corpus[*random.one_of(siblings)] };
            self.change(&mut bytes, &sample.ranges, &other.bytes, random);
        }
        // Some formats are told by name: now and then bytes go under the name of others.
        let name = if random.once_in(32) { &random.one_of(corpus).name } else { &sample.name };
        (name.clone(), bytes)
    }

    fn change(&self, bytes: &mut Vec<u8>, ranges: &[Range<u64>], other: &[u8], random: &mut Random) {
        let at = place(bytes.len(), ranges, random);
        match random.below(16) {
            0..=2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            3..=4 => write(bytes, at, &[*random.one_of(&[0, 1, 0x7f, 0x80, 0xfe, 0xff, b'/', b'!', b'\n', b'%'])]),
            5..=9 => {
                let number = number(bytes, at, random);
                let width = *random.one_of(&[2, 4, 4, 8]);
                let little = &number.to_le_bytes()[..width];
                let big = &number.to_be_bytes()[8 - width..];
                write(bytes, at, if random.once_in(4) { big } else { little });
            }
            10 => bytes.truncate(at),
            11 => {
                bytes.drain(at..at + length(bytes.len() - at, random));
            }
            12 => {
                let piece = piece(other, random);
                bytes.splice(at..at, piece);
            }
            13 => {
                let piece = piece(other, random);
                write(bytes, at, &piece);
            }
            14 => {
                // The head of one and the tail of another.
                let from = random.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ => {
                let head = random.one_of(&self.heads);
                write(bytes, at, head);
            }
        }
        bytes.truncate(INPUT_MAX);
    }
}

/// Splices may double a sample; the largest has a few MiB.
const INPUT_MAX: usize = 16 << 20;

/// An offset: in a range that `sweep.txt` names, near the start, near the end, or anywhere.
fn place(len: usize, ranges: &[Range<u64>], random: &mut Random) -> usize {
    let near = len.min(512);
    let at = match random.below(8) {
        0..=2 if !ranges.is_empty() => {
            let range = random.one_of(ranges);
            range.start as usize + random.below(range.end.saturating_sub(range.start) as usize)
        }
        0..=3 => random.below(near),
        4 => len - near + random.below(near),
        _ => random.below(len),
    };
    at.min(len)
}

/// A number on which readers stumble: a boundary, the length of the input, or a little more or less than what is there.
fn number(bytes: &[u8], at: usize, random: &mut Random) -> u64 {
    let len = bytes.len() as u64;
    let there = bytes.get(at..at + 4).map_or(0, |it| u64::from(u32::from_le_bytes([it[0], it[1], it[2], it[3]])));
    match random.below(4) {
        0 => 1 << random.below(64),
        1 => (1 << random.below(64)) - 1,
        2 => *random.one_of(&[
            0,
            u64::MAX,
            u64::MAX - 1,
            len,
            len - len.min(1),
            len + 1,
            len - len.min(at as u64),
            len * 2,
        ]),
        _ => there.wrapping_add(random.below(9) as u64).wrapping_sub(4),
    }
}

/// Overwrites what is there, and does not grow.
fn write(bytes: &mut [u8], at: usize, new: &[u8]) {
    let len = new.len().min(bytes.len() - at);
    bytes[at..at + len].copy_from_slice(&new[..len]);
}

/// Mostly short, now and then up to all that is left.
fn length(left: usize, random: &mut Random) -> usize {
    let most = if random.once_in(8) { left } else { left.min(64) };
    random.below(most + 1)
}

fn piece(other: &[u8], random: &mut Random) -> Vec<u8> {
    let from = random.below(other.len());
    other[from..from + length(other.len() - from, random)].to_vec()
}
