//! The words of Android's init language, which `init` and `ueventd` share.

use model::fact::anomaly;

use crate::Reading;
use crate::text::string;

/// A line of words: what stands before a line break that is not escaped.
pub(crate) struct Statement {
    /// Where its first word starts.
    pub offset: u64,
    /// Where its last word ends.
    pub end: u64,
    /// The line of its first word, from 1.
    pub line: u32,
    /// Its words, never none.
    pub words: Vec<String>,
}

impl Statement {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.offset)
    }

    /// Word `n`, empty where there is none.
    pub fn word(&self, n: usize) -> &str {
        self.words.get(n).map_or("", String::as_str)
    }

    /// The words from `n` on.
    pub fn from(&self, n: usize) -> &[String] {
        self.words.get(n..).unwrap_or_default()
    }
}

/// Lines that init or ueventd logs and passes over: how many, and the first.
#[derive(Default)]
pub(crate) struct Refused {
    n_lines: u32,
    first: Option<Statement>,
}

impl Refused {
    /// One more.
    pub fn push(&mut self, statement: Statement) {
        self.n_lines = self.n_lines.saturating_add(1);
        self.first.get_or_insert(statement);
    }

    /// States them, once for a file.
    pub fn tell(self, out: &mut Reading) {
        let Some(first) = self.first else { return };
        let (n_lines, line, word) = (self.n_lines, first.line, first.word(0));
        let detail = format!("lines that are passed over: {n_lines}, the first is line {line}, \"{word}\"");
        out.anomaly(first.offset, first.size(), anomaly::Kind::Garbage, detail);
    }
}

/// Splits text into statements as AOSP `system/core/init/tokenizer.cpp` does: `#` starts a comment where a word could
/// start, `"` quotes up to the next `"` without escapes, `\` escapes and joins lines.
pub(crate) struct Statements<'a> {
    bytes: &'a [u8],
    pos: usize,
    line: u32,
}

impl<'a> Statements<'a> {
    /// The statements of a text.
    pub fn of(bytes: &'a [u8]) -> Statements<'a> {
        Statements { bytes, pos: 0, line: 1 }
    }

    /// Passes over the next byte.
    fn bump(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.pos)?;
        self.pos = self.pos.saturating_add(1);
        self.line = self.line.saturating_add(u32::from(byte == b'\n'));
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn skip_while(&mut self, passed: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&passed) {
            self.bump();
        }
    }

    /// A word, from its first byte on.
    fn word(&mut self) -> Vec<u8> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => break,
                b'"' => {
                    self.bump();
                    while let Some(byte) = self.bump().filter(|&byte| byte != b'"') {
                        word.push(byte);
                    }
                }
                b'\\' => {
                    self.bump();
                    self.escape(&mut word);
                }
                _ => word.extend(self.bump()),
            }
        }
        word
    }

    /// What follows a `\`.
    fn escape(&mut self, word: &mut Vec<u8>) {
        match self.bump() {
            Some(b'n') => word.push(b'\n'),
            Some(b'r') => word.push(b'\r'),
            Some(b't') => word.push(b'\t'),
            Some(b'\r') if self.peek() != Some(b'\n') => {}
            Some(b'\r') => {
                self.bump();
                self.skip_while(|it| matches!(it, b' ' | b'\t'));
            }
            Some(b'\n') => self.skip_while(|it| matches!(it, b' ' | b'\t')),
            Some(byte) => word.push(byte),
            None => {}
        }
    }
}

impl Iterator for Statements<'_> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        let mut statement: Option<Statement> = None;
        loop {
            match self.peek() {
                None => return statement,
                Some(b' ' | b'\t' | b'\r') => _ = self.bump(),
                Some(b'#') => self.skip_while(|it| it != b'\n'),
                Some(b'\n') => {
                    self.bump();
                    if statement.is_some() {
                        return statement;
                    }
                }
                Some(_) => {
                    let (offset, line) = (self.pos as u64, self.line);
                    let word = string(&self.word());
                    let statement = statement.get_or_insert(Statement { offset, end: offset, line, words: Vec::new() });
                    statement.words.push(word);
                    statement.end = self.pos as u64;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&[&str]]) {
        let words: Vec<Vec<String>> = Statements::of(text.as_bytes()).map(|it| it.words).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn a_line_is_continued_behind_a_backslash() {
        check("a b \\\n   c\nd", &[&["a", "b", "c"], &["d"]]);
        check("a\\\r\n\tb\r\nc", &[&["ab"], &["c"]]);
    }

    #[test]
    fn quotes_keep_blanks_and_have_no_escapes() {
        check("a \"b c\\\" d\n\"\" x\"y z\"", &[&["a", "b c\\", "d"], &["", "xy z"]]);
        check("a \"open\nend", &[&["a", "open\nend"]]);
    }

    #[test]
    fn a_comment_starts_where_a_word_could() {
        check("# a\n b#c # d\n#", &[&["b#c"]]);
    }

    #[test]
    fn a_statement_knows_its_line_and_its_bytes() {
        let statement = Statements::of(b"\n\n  ab \\\n c # d\n").next().unwrap();
        assert_eq!((statement.line, statement.offset, statement.end), (3, 4, 11));
    }
}
