//! `MANIFEST.MF` and `.SF` files as Android reads them: sections of attributes, with the bytes that each section has.
//!
//! Source: AOSP `tools/apksig`, `internal/jar/ManifestParser.java`; JAR File Specification.

use std::ops::Range;

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its bytes, with the empty line that ends it.
    pub range: Range<usize>,
    attributes: Vec<(String, String)>,
}

impl Section {
    /// The entry that it is about: the value of its first attribute, if that is `Name`.
    pub fn name(&self) -> Option<&str> {
        let (name, value) = self.attributes.first()?;
        name.eq_ignore_ascii_case("Name").then_some(value)
    }

    /// The first attribute of this name, whose letters may have any case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_of(&[name])
    }

    /// The first attribute whose name is these parts, one behind the other.
    pub fn attribute_of(&self, parts: &[&str]) -> Option<&str> {
        let is_named = |name: &str| {
            let mut rest = name.as_bytes();
            let begins = |part: &&str| match rest.split_at_checked(part.len()) {
                Some((head, tail)) if head.eq_ignore_ascii_case(part.as_bytes()) => {
                    rest = tail;
                    true
                }
                _ => false,
            };
            parts.iter().all(begins) && rest.is_empty()
        };
        self.attributes.iter().find(|it| is_named(&it.0)).map(|it| it.1.as_str())
    }
}

/// All sections of a file; the first is the main one.
pub fn sections(bytes: &[u8]) -> Vec<Section> {
    let mut lines = Lines { bytes, at: 0 };
    let mut sections = Vec::new();
    loop {
        // Empty lines before a section are not part of it.
        let (start, first) = loop {
            let start = lines.at;
            match lines.next() {
                None => return sections,
                Some([]) => {}
                Some(line) => break (start, line),
            }
        };
        let mut attributes: Vec<Vec<u8>> = vec![first.to_vec()];
        loop {
            match (lines.next(), attributes.last_mut()) {
                (None | Some([]), _) | (_, None) => break,
                // A line that begins with a space goes on with the one before.
                (Some([b' ', more @ ..]), Some(last)) => last.extend_from_slice(more),
                (Some(line), _) => attributes.push(line.to_vec()),
            }
        }
        let attributes = attributes.iter().map(|it| attribute_of(&String::from_utf8_lossy(it))).collect();
        sections.push(Section { range: start..lines.at, attributes });
    }
}

/// Name and value; spaces at their ends belong to them, as obfuscators rely on.
fn attribute_of(line: &str) -> (String, String) {
    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
    (name.to_owned(), value.to_owned())
}

/// Lines that end in CR, LF or both.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..).filter(|it| !it.is_empty())?;
        let len = rest.iter().position(|it| matches!(it, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, end) = rest.split_at_checked(len)?;
        let end = match end {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        self.at = self.at.saturating_add(len).saturating_add(end);
        Some(line)
    }
}

/// Decodes standard Base64 with padding, as `java.util.Base64` does: nothing else may stand in it.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0u32, 0u32);
    let digits = text.trim_end_matches('=');
    let padding = text.len().checked_sub(digits.len())?;
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held = held.saturating_add(6);
        if 8 <= held {
            held = held.saturating_sub(8);
            bytes.push((bits >> held & 0xff).to_le_bytes().first().copied()?);
        }
    }
    match (digits.len() % 4, padding) {
        (0, 0) | (2, 0 | 2) | (3, 0 | 1) => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_their_bytes_and_continued_lines_are_joined() {
        let bytes = b"Manifest-Version: 1.0\r\n\r\n\nName: a/long\n er name\r\nSHA1-Digest: x\n\nName:  b \nX";
        let found = sections(bytes);
        assert_eq!(found.len(), 3);
        assert_eq!(&bytes[found[0].range.clone()], b"Manifest-Version: 1.0\r\n\r\n");
        assert_eq!(found[1].name(), Some("a/longer name"));
        assert_eq!(found[1].attribute("sha1-digest"), Some("x"));
        assert!(bytes[found[1].range.clone()].ends_with(b"x\n\n"));
        assert_eq!(found[2].name(), Some(" b "), "spaces belong to names");
        assert_eq!(found[2].attribute("X"), Some(""));
    }

    #[test]
    fn base64_is_strict() {
        assert_eq!(base64("aGk=").as_deref(), Some(&b"hi"[..]));
        assert_eq!(base64("aGk").as_deref(), Some(&b"hi"[..]));
        for bad in ["aGk==", "a", "aG k", "====", "aGk=="] {
            assert_eq!(base64(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn sections_lie_in_order_inside_the_file(bytes: Vec<u8>) {
            let mut end = 0;
            for section in sections(&bytes) {
                proptest::prop_assert!(end <= section.range.start && section.range.end <= bytes.len());
                end = section.range.end;
            }
        }
    }
}
