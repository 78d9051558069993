//! How much bytes look like noise.

/// Shannon's entropy of bytes, in thousandths of a bit each; none of less than a page.
pub fn millibits_of(bytes: &[u8]) -> u32 {
    let n = bytes.len() as u64;
    if n < SIZE_MIN {
        return 0;
    }
    let mut counts = [0u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let share = |it: u32| f64::from(it) / n as f64;
    let bits: f64 = counts.into_iter().filter(|it| *it != 0).map(|it| -share(it) * share(it).log2()).sum();
    // From 0 to 8000: rounded so that the last place of a float does not show.
    (0..=8000).rev().find(|it| f64::from(*it) <= bits * 1000.0 + 0.001).unwrap_or(0)
}

/// Less tells nothing: 256 values come some 16 times each.
pub const SIZE_MIN: u64 = 4096;

/// How much of something is looked at.
pub const LOOKED_AT: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_formula() {
        let even: Vec<u8> = (0..=255u8).cycle().take(8192).collect();
        assert_eq!(millibits_of(&even), 8000);
        let two: Vec<u8> = [1u8, 2].into_iter().cycle().take(8192).collect();
        assert_eq!(millibits_of(&two), 1000);
    }
}
