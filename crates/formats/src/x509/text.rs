//! Bytes as text and text as bytes: hex and base64.

use std::fmt::Write;

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes of hex digits; `None` where they are none.
pub fn bytes_of_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The bytes of base64; white space is passed over, and the padding may be missing. `None` where a character is none of
/// its alphabet.
pub fn bytes_of_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut n_bits) = (0u32, 0u32);
    for &char in text.iter().filter(|it| !it.is_ascii_whitespace()).take_while(|&&it| it != b'=') {
        let digit = match char {
            b'A'..=b'Z' => char.wrapping_sub(b'A'),
            b'a'..=b'z' => char.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => char.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        n_bits = n_bits.wrapping_add(6);
        if n_bits >= 8 {
            n_bits = n_bits.wrapping_sub(8);
            bytes.push(bits.wrapping_shr(n_bits).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

/// UTF-8 where it is, else each byte a character.
pub fn latin_or_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(bytes_of_base64(b"cG9z\ndGVybg==").unwrap(), b"postern");
        assert_eq!(bytes_of_base64(b"cG9zdGVybg").unwrap(), b"postern");
        assert_eq!(bytes_of_base64(b"cG9z*"), None);
    }

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(bytes_of_hex(b"00fF"), Some(vec![0, 255]));
        assert_eq!(hex(&[0, 255]), "00ff");
        assert_eq!(bytes_of_hex(b"0"), None);
        assert_eq!(bytes_of_hex("0é".as_bytes()), None);
    }
}
