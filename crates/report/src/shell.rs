//! Commands that show a place again, quoted for a shell.

use std::fmt::Write;

use model::Report;
use model::artifact::path_name;
use model::report::{EvidenceLine, FlowStep};

use crate::escape::visible;

/// The command that shows the bytes of a piece of evidence again. A place in the artifact is shown as a hex dump, at most
/// [`SHOWN_MAX`] bytes of it; evidence without bytes (a folder, a link, a missing file) is listed.
pub fn again(report: &Report, evidence: &EvidenceLine) -> String {
    let input = input_of(report, &evidence.path);
    let path = literal(&evidence.path);
    // A word that starts with a dash would be an option.
    let dashes = if input.starts_with('-') || path.starts_with('-') { "-- " } else { "" };
    let words = format!("{dashes}{} {}", quoted(input), quoted(&path));
    match (evidence.offset, evidence.size) {
        _ if evidence.sha256.is_empty() => format!("postern ls -lR {words}"),
        (_, 0) => format!("postern cat {words}"),
        (offset, size) => {
            let size = size.min(SHOWN_MAX);
            format!("postern cat --offset {offset} --size {size} {words} | hexdump -C")
        }
    }
}

/// The command that shows the code of a step; `None` for a step that is no place in the code.
pub fn code(report: &Report, step: &FlowStep) -> Option<String> {
    let name = step.method.split('(').next().unwrap_or(&step.method);
    let input = input_of(report, &step.path);
    let dashes = if input.starts_with('-') { "-- " } else { "" };
    (!step.class.is_empty())
        .then(|| format!("postern dis {dashes}{} {}", quoted(input), quoted(&format!("{}.{name}", step.class))))
}

/// A path as a pattern that only this path matches: `*`, `?` and `[` in a set of their own.
fn literal(path: &str) -> String {
    let mut literal = String::with_capacity(path.len());
    for char in path.chars() {
        match char {
            '*' | '?' | '[' => literal.extend(['[', char, ']']),
            _ => literal.push(char),
        }
    }
    literal
}

/// The input that a path leads into: the first of its names is the name of an input.
fn input_of<'a>(report: &'a Report, path: &'a str) -> &'a str {
    let first = path.split('!').next().unwrap_or(path);
    let named = report.input.iter().find(|it| path_name(it.name.as_bytes()) == first || it.name == first);
    match (named, report.input.as_slice()) {
        (Some(input), _) => &input.name,
        (None, [input]) => &input.name,
        (None, _) => first,
    }
}

/// A word for a POSIX shell. Where it holds what must not be written to a terminal, as `$'…'` (POSIX.1-2024, 2.2.4).
pub fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:,@%=".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    // What would not be shown as it is must not stand in a command as it is.
    if visible(word) == word {
        return format!("'{}'", word.replace('\'', "'\\''"));
    }
    let mut quoted = "$'".to_owned();
    for char in word.chars() {
        match char {
            '\'' | '\\' => quoted.extend(['\\', char]),
            _ if !matches!(char, ' '..='~') => {
                // Octal bytes, which every such shell knows. Writing to a string cannot fail.
                char.encode_utf8(&mut [0; 4]).bytes().for_each(|it| _ = write!(quoted, "\\{it:03o}"));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('\'');
    quoted
}

/// A screenful in the layout of `hexdump -C`.
const SHOWN_MAX: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_pattern() {
        assert_eq!(literal("a!b*/c?[d]"), "a!b[*]/c[?][[]d]");
    }

    #[test]
    fn a_word_is_quoted_when_it_must_be() {
        assert_eq!(quoted("rom.tgz"), "rom.tgz");
        assert_eq!(quoted("rom.tgz!system.img!/a b"), "'rom.tgz!system.img!/a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("$(reboot)`x`"), "'$(reboot)`x`'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a\u{202e}'\\\n"), "$'a\\342\\200\\256\\'\\\\\\012'");
    }
}
