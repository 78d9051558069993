//! Functions that were linked elsewhere have the same form; those that do something else have not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

macro_rules! samples {
    ($($name:literal)*) => {
        &[$((
            $name,
            include_bytes!(concat!("samples/daemon.", $name)).as_slice(),
            include_bytes!(concat!("samples/moved.", $name)).as_slice(),
        ),)*]
    };
}

/// The daemon, and the same behind a function and texts that move all of it, with one other function.
const SAMPLES: &[(&str, &[u8], &[u8])] = samples! { "arm64" "arm" "thumb" "x86" "x86_64" };

fn shapes(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut keep = |it: native::Shape| _ = all.insert(it.name.clone(), it.form.to_vec());
    // What the file does not name is called after where it lies.
    native::shapes(bytes, |it| {
        if it.is_named {
            keep(it)
        }
    })
    .unwrap();
    all
}

#[test]
fn only_what_does_something_else_has_another_form() {
    for (name, left, right) in SAMPLES {
        let (left, right) = (shapes(left), shapes(right));
        let changed: Vec<&str> =
            left.iter().filter(|it| right.get(it.0).is_some_and(|form| form != it.1)).map(|it| it.0.as_str()).collect();
        assert_eq!(changed, ["overwritten"], "{name}");
        assert!(right.contains_key("padding") && !left.contains_key("padding"), "{name}");
    }
}

#[test]
fn another_text_is_another_form() {
    for (name, bytes, _) in SAMPLES {
        let at = bytes.windows(6).position(|it| it == b"open:\0").unwrap();
        let mut other = bytes.to_vec();
        other[at] = b'O';
        let (left, right) = (shapes(bytes), shapes(&other));
        let changed: Vec<&String> = left.iter().filter(|it| right.get(it.0) != Some(it.1)).map(|it| it.0).collect();
        assert_eq!(changed, ["serve"], "{name}");
    }
}

#[test]
fn no_cut_and_no_flipped_byte_makes_it_panic() {
    for (_, bytes, _) in SAMPLES {
        for n in (0..bytes.len()).step_by(7) {
            _ = native::shapes(&bytes[..n], |_| {});
            let mut flipped = bytes.to_vec();
            flipped[n] ^= 0xff;
            _ = native::shapes(&flipped, |_| {});
        }
    }
}
