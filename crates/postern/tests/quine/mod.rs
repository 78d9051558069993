//! A gzip stream that unpacks to itself, byte for byte.
//!
//! The program is Russ Cox's ("Zip Files All The Way Down", 2010): a stream of commands "print these bytes" (a stored
//! block, whose header has five bytes) and "print the last bytes again" (a block of copies, made to have five bytes too),
//! written so that what it prints is the program. The checksum stands in what it sums up, so it is solved for: CRC-32 is
//! linear in the bits of its input.

use flate2::Crc;

/// The file. Unpacking it gives the file.
pub fn gzip() -> Vec<u8> {
    let zero = quine(0);
    let base = sum(&zero);
    // sum(quine(x)) = base ^ M x, and x is wanted for which it is x: (M ^ 1) x = base.
    let columns: Vec<u32> = (0..32).map(|bit| sum(&quine(1 << bit)) ^ base ^ (1 << bit)).collect();
    quine(solved(&columns, base))
}

fn quine(crc: u32) -> Vec<u8> {
    let mut header = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03".to_vec();
    header.extend(b"self\0");
    // The last block, which is empty, the checksum, and the size.
    let mut trailer = b"\x01\0\0\xff\xff".to_vec();
    trailer.extend(crc.to_le_bytes());
    trailer.extend(SIZE.to_le_bytes());

    let repeat_head = again(header.len() + 5);
    let repeat_tail = again(trailer.len() + 5);
    let (r4, l0, l1, l4) = (again(20), print(0), print(5), print(20));
    let print_head = print(header.len() + 5);
    let print_tail = print(trailer.len() + 5);
    let parts: Vec<&[u8]> = vec![
        &header,
        &print_head,
        &header,
        &print_head,
        &repeat_head,
        &l1,
        &repeat_head,
        &l1,
        &l1,
        &l4,
        &repeat_head,
        &l1,
        &l1,
        &l4,
        &r4,
        &l4,
        &r4,
        &l4,
        &r4,
        &l4,
        &r4,
        &l4,
        &r4,
        &l0,
        &l0,
        &print_tail,
        &r4,
        &l0,
        &l0,
        &print_tail,
        &repeat_tail,
        &trailer,
        &repeat_tail,
        &trailer,
    ];
    let file = parts.concat();
    assert_eq!(file.len(), SIZE as usize);
    file
}

/// The header of a stored block of `len` bytes (RFC 1951, 3.2.4).
fn print(len: usize) -> [u8; 5] {
    let [a, b] = (len as u16).to_le_bytes();
    [0, a, b, !a, !b]
}

/// A block that prints the last `len` bytes again, in forty bits: two copies with fixed codes (RFC 1951, 3.2.6). Distances
/// of 17 to 32 have three extra bits, lengths up to 10 have none.
fn again(len: usize) -> [u8; 5] {
    assert!((17..=20).contains(&len));
    let mut bits: Vec<bool> = vec![false, true, false];
    let code = |bits: &mut Vec<bool>, value: usize, n: usize| bits.extend((0..n).rev().map(|it| value >> it & 1 != 0));
    for part in [len / 2, len - len / 2] {
        // Length 3 is symbol 257, whose code is 1.
        code(&mut bits, part - 2, 7);
        code(&mut bits, 8, 5);
        bits.extend((0..3).map(|it| (len - 17) >> it & 1 != 0));
    }
    code(&mut bits, 0, 7);
    let mut bytes = [0u8; 5];
    for (n, bit) in bits.iter().enumerate() {
        bytes[n / 8] |= u8::from(*bit) << (n % 8);
    }
    bytes
}

fn sum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The x for which the xor of the columns of its bits is `wanted`: Gauss, over bits.
fn solved(columns: &[u32], wanted: u32) -> u32 {
    let mut basis: Vec<(u32, u32)> = Vec::new();
    let reduce = |basis: &[(u32, u32)], mut value: u32, mut used: u32| {
        for &(column, of) in basis {
            if value ^ column < value {
                (value, used) = (value ^ column, used ^ of);
            }
        }
        (value, used)
    };
    for (bit, &column) in columns.iter().enumerate() {
        let (value, used) = reduce(&basis, column, 1 << bit);
        if value != 0 {
            basis.push((value, used));
            basis.sort_by_key(|it| std::cmp::Reverse(*it));
        }
    }
    let (rest, used) = reduce(&basis, wanted, 0);
    assert_eq!(rest, 0, "no checksum fits; another name in the header may have one");
    used
}

/// Of the whole file: 15 + 13 bytes of header and trailer, twice each, and 30 commands of five.
const SIZE: u32 = 206;
