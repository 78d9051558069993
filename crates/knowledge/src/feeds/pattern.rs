//! Patterns of STIX 2.1 (section 9): comparisons for equality, joined by OR and AND, in square brackets.

use model::fact::sighting::IndicatorKind;

use super::{Term, shown};

/// Reads a pattern into groups: any of them will do, all of a group must be there.
pub fn read(pattern: &str) -> Result<Vec<Vec<Term>>, String> {
    let tokens = tokens_of(pattern)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let groups = parser.any()?;
    match parser.peek() {
        None if groups.len() <= GROUPS_MAX => Ok(groups),
        None => Err(format!("more than {GROUPS_MAX} alternatives")),
        Some(token) => Err(format!("{} is not understood here", token.words())),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A word: an object path or an operator.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// A bracket, a comma or a comparison.
    Mark(char),
}

impl Token {
    fn words(&self) -> String {
        match self {
            Token::Word(word) => format!("\"{}\"", shown(word)),
            Token::Text(text) => format!("the text \"{}\"", shown(text)),
            Token::Mark(mark) => format!("\"{mark}\""),
        }
    }
}

fn tokens_of(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(&first) = chars.peek() {
        match first {
            _ if first.is_whitespace() => _ = chars.next(),
            '\'' => {
                chars.next();
                tokens.push(Token::Text(text(&mut chars)?));
            }
            '[' | ']' | '(' | ')' | ',' | '=' | '!' | '<' | '>' => {
                tokens.push(Token::Mark(first));
                chars.next();
            }
            _ => {
                let mut word = String::new();
                while let Some(&char) = chars.peek() {
                    match char {
                        // A key of a path that is no plain word stands in quotes: `file:hashes.'SHA-256'`.
                        '\'' if word.ends_with('.') => {
                            chars.next();
                            word += &text(&mut chars)?;
                        }
                        _ if char.is_whitespace() || "[](),=!<>'".contains(char) => break,
                        _ => {
                            word.push(char);
                            chars.next();
                        }
                    }
                }
                tokens.push(Token::Word(word));
            }
        }
        if TOKENS_MAX < tokens.len() {
            return Err(format!("more than {TOKENS_MAX} parts"));
        }
    }
    Ok(tokens)
}

/// A text behind its opening quote. A backslash stands before a quote or a backslash.
fn text(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(char) = chars.next() {
        match char {
            '\'' => return Ok(text),
            '\\' => text.push(chars.next().ok_or("a text that does not end")?),
            _ => text.push(char),
        }
    }
    Err("a text that does not end".to_owned())
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        match self.take() {
            Some(Token::Mark(found)) if *found == mark => Ok(()),
            Some(token) => Err(format!("{} instead of \"{mark}\"", token.words())),
            None => Err(format!("the end instead of \"{mark}\"")),
        }
    }

    /// Groups joined by OR.
    fn any(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let mut groups = self.all()?;
        while self.is_word("OR") {
            self.at += 1;
            groups.extend(self.all()?);
            if GROUPS_MAX < groups.len() {
                return Err(format!("more than {GROUPS_MAX} alternatives"));
            }
        }
        Ok(groups)
    }

    /// Groups joined by AND: every one of the left with every one of the right.
    fn all(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let mut groups = self.one()?;
        while self.is_word("AND") {
            self.at += 1;
            let right = self.one()?;
            if GROUPS_MAX < groups.len().saturating_mul(right.len()) {
                return Err(format!("more than {GROUPS_MAX} alternatives"));
            }
            groups = groups
                .iter()
                .flat_map(|left| right.iter().map(move |right| left.iter().chain(right).cloned().collect()))
                .collect();
        }
        Ok(groups)
    }

    /// A bracket, or a comparison.
    fn one(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let close = match self.peek() {
            Some(Token::Mark('[')) => ']',
            Some(Token::Mark('(')) => ')',
            _ => return self.comparison(),
        };
        if DEPTH_MAX < self.depth {
            return Err(format!("brackets nested deeper than {DEPTH_MAX}"));
        }
        self.at += 1;
        self.depth += 1;
        let groups = self.any()?;
        self.depth -= 1;
        self.expect(close)?;
        Ok(groups)
    }

    fn comparison(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let path = match self.take() {
            Some(Token::Word(path)) => path.clone(),
            Some(token) => return Err(format!("{} instead of an object path", token.words())),
            None => return Err("the end instead of an object path".to_owned()),
        };
        let kind = kind_of(&path)?;
        let mut values = Vec::new();
        if self.is_word("IN") {
            self.at += 1;
            self.expect('(')?;
            loop {
                values.push(self.value()?);
                match self.take() {
                    Some(Token::Mark(',')) => {}
                    Some(Token::Mark(')')) => break,
                    _ => return Err("a list that does not end".to_owned()),
                }
            }
        } else {
            match self.take() {
                Some(Token::Mark('=')) => {}
                Some(token) => return Err(format!("the comparison {} is not supported", token.words())),
                None => return Err("the end instead of a comparison".to_owned()),
            }
            values.push(self.value()?);
        }
        values.iter().map(|it| Ok(vec![Term::new(kind, it)?])).collect()
    }

    fn value(&mut self) -> Result<String, String> {
        match self.take() {
            Some(Token::Text(text)) => Ok(text.clone()),
            Some(token) => Err(format!("{} instead of a text", token.words())),
            None => Err("the end instead of a text".to_owned()),
        }
    }
}

/// The object paths that MVT's bundles use.
fn kind_of(path: &str) -> Result<IndicatorKind, String> {
    let (object, property) = path.split_once(':').ok_or_else(|| format!("\"{}\" is no object path", shown(path)))?;
    let property = property.to_ascii_lowercase().replace('-', "");
    Ok(match (object, property.as_str()) {
        ("domain-name", "value") => IndicatorKind::Domain,
        ("url", "value") => IndicatorKind::Url,
        ("ipv4-addr" | "ipv6-addr", "value") => IndicatorKind::Ip,
        ("email-addr", "value") => IndicatorKind::Email,
        ("process", "name") => IndicatorKind::Process,
        ("file", "name" | "path") => IndicatorKind::Path,
        ("file", "hashes.md5" | "hashes.sha1" | "hashes.sha256") => IndicatorKind::Hash,
        ("app", "id") => IndicatorKind::Package,
        ("app", "cert.md5" | "cert.sha1" | "cert.sha256") => IndicatorKind::Certificate,
        ("android-property", "name") => IndicatorKind::Property,
        _ => return Err(format!("\"{}\" is nothing that is looked for", shown(path))),
    })
}

/// Real patterns have one comparison; those of whole lists some hundred.
const GROUPS_MAX: usize = 10_000;

/// As many as that may take.
const TOKENS_MAX: usize = 100_000;

/// Real patterns nest one bracket.
const DEPTH_MAX: usize = 32;
