//! Sets that expressions of CIL stand for: of types, of permissions, of numbers of `ioctl`.

use super::expand::{Expanded, Part};

/// A set of numbers below some bound, one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits(pub Vec<u64>);

impl Bits {
    /// None of so many.
    pub fn none(len: usize) -> Bits {
        Bits(vec![0; len.div_ceil(64)])
    }

    /// Adds one.
    pub fn set(&mut self, bit: usize) {
        if let Some(word) = self.0.get_mut(bit.wrapping_shr(6)) {
            *word |= 1u64.wrapping_shl(u32::try_from(bit & 63).unwrap_or(0));
        }
    }

    /// Whether it is in.
    pub fn has(&self, bit: usize) -> bool {
        let word = self.0.get(bit.wrapping_shr(6)).copied().unwrap_or(0);
        word & 1u64.wrapping_shl(u32::try_from(bit & 63).unwrap_or(0)) != 0
    }

    /// All that are in, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let words = self.0.iter().enumerate().filter(|it| *it.1 != 0);
        words.flat_map(|(n, word)| {
            (0..64u32)
                .filter(move |it| word & 1u64.wrapping_shl(*it) != 0)
                .map(move |it| n.wrapping_mul(64).saturating_add(usize::try_from(it).unwrap_or(0)))
        })
    }

    /// Joins, word by word.
    pub fn join(&mut self, other: &Bits, how: impl Fn(u64, u64) -> u64) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a = how(*a, *b));
    }
}

/// Works out expressions over one kind of thing.
pub struct Sets<'e, 't, 'a, F> {
    /// Where words get their meaning.
    pub text: &'e Expanded<'t, 'a>,
    /// All there are.
    pub all: &'e Bits,
    /// What a word, or a list that is no expression, stands for.
    pub leaf: F,
}

impl<F: FnMut(Part) -> Option<Bits>> Sets<'_, '_, '_, F> {
    /// The set; nothing where a name in it is not known, or there is no fuel left.
    pub fn of(&mut self, part: Part, fuel: &mut u64) -> Option<Bits> {
        self.at(part, fuel, 0)
    }

    fn at(&mut self, part: Part, fuel: &mut u64, depth: usize) -> Option<Bits> {
        *fuel = fuel.checked_sub((self.all.0.len() as u64).saturating_add(1))?;
        if DEPTH_MAX <= depth {
            return None;
        }
        let part = self.text.meant(part);
        if self.text.word(part).is_some() {
            return (self.leaf)(part);
        }
        let deeper = depth.saturating_add(1);
        let items: Vec<Part> = self.text.items(part).collect();
        let [first, rest @ ..] = items.as_slice() else { return Some(self.none()) };
        let operator = self.text.word(*first).unwrap_or_default();
        match (operator, rest) {
            ("all", []) => Some(self.all.clone()),
            ("not", [one]) => {
                let mut not = self.all.clone();
                not.join(&self.at(*one, fuel, deeper)?, |a, b| a & !b);
                Some(not)
            }
            ("and", [a, b]) => self.two(*a, *b, |a, b| a & b, fuel, deeper),
            ("or", [a, b]) => self.two(*a, *b, |a, b| a | b, fuel, deeper),
            ("xor", [a, b]) => self.two(*a, *b, |a, b| a ^ b, fuel, deeper),
            ("range", [_, _]) => (self.leaf)(part),
            _ => {
                let mut sum = self.none();
                for item in items {
                    sum.join(&self.at(item, fuel, deeper)?, |a, b| a | b);
                }
                Some(sum)
            }
        }
    }

    fn two(&mut self, a: Part, b: Part, how: fn(u64, u64) -> u64, fuel: &mut u64, depth: usize) -> Option<Bits> {
        let mut set = self.at(a, fuel, depth)?;
        set.join(&self.at(b, fuel, depth)?, how);
        Some(set)
    }

    fn none(&self) -> Bits {
        Bits(vec![0; self.all.0.len()])
    }
}

/// As deep as lists are read, and through parameters of macros once more.
const DEPTH_MAX: usize = 128;
