//! Parts of a certificate's subject, written as RFC 4514 says.

/// The first value of a type (`O`, `C`, `CN`), without its escapes.
pub fn part(subject: &str, kind: &str) -> Option<String> {
    let mut parts = Vec::new();
    let (mut part, mut chars) = (String::new(), subject.chars());
    while let Some(char) = chars.next() {
        match char {
            '\\' => part.extend(chars.next()),
            // Values of one element may be joined.
            ',' | '+' => parts.push(std::mem::take(&mut part)),
            _ => part.push(char),
        }
    }
    parts.push(part);
    let value = parts.iter().find_map(|it| it.trim_start().strip_prefix(kind)?.strip_prefix('=').map(str::to_owned));
    value.filter(|it| !it.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_told_by_its_type_and_without_escapes() {
        let subject = "CN=A, OU=O=x,O=Chunghwa Telecom Co.\\, Ltd.+C=TW";
        assert_eq!(part(subject, "O").as_deref(), Some("Chunghwa Telecom Co., Ltd."));
        assert_eq!(part(subject, "C").as_deref(), Some("TW"));
        assert_eq!(part(subject, "CN").as_deref(), Some("A"));
        assert_eq!(part(subject, "L"), None);
        assert_eq!(part("O=", "O"), None);
        assert_eq!(part("\\", "O"), None);
    }
}
