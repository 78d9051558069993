//! Commands of a shell script (POSIX.1-2017, Shell Command Language, as far as scripts of phones use it): what is run, and
//! whether a property, a file or an argument decides about it.
//!
//! Nothing is evaluated. A variable stands for what it was last set to before, in the order of the text.

use std::collections::BTreeMap;

use model::fact::script::{Command, Input};

use crate::text::string;

/// The commands of a script, and whether there are more than are kept.
pub fn commands_of(bytes: &[u8]) -> (Vec<Command>, bool) {
    let mut shell = Shell::default();
    shell.run(bytes, 0, 0);
    (shell.commands, shell.cut)
}

#[derive(Default)]
struct Shell {
    commands: Vec<Command>,
    cut: bool,
    variables: BTreeMap<Vec<u8>, Word>,
    /// How many braces of the function that is being defined are open.
    function: u32,
}

/// A word with where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Word {
    text: Vec<u8>,
    inputs: Vec<Input>,
}

impl Word {
    fn add(&mut self, other: &Word) {
        let room = WORD_MAX.saturating_sub(self.text.len());
        self.text.extend(other.text.iter().take(room));
        for input in &other.inputs {
            if !self.inputs.contains(input) && self.inputs.len() < INPUTS_MAX {
                self.inputs.push(input.clone());
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < WORD_MAX {
            self.text.push(byte);
        }
    }
}

/// A command while it is read.
#[derive(Default)]
struct Open {
    start: usize,
    words: Vec<Word>,
    /// What the command before a `|` hands over.
    piped: Vec<Input>,
}

impl Shell {
    /// Reads a text that stands at `base` in the file; what it leaves as output is what its last command reads.
    fn run(&mut self, bytes: &[u8], base: usize, depth: u32) -> Vec<Input> {
        let mut output = Vec::new();
        if DEPTH_MAX <= depth {
            self.cut = true;
            return output;
        }
        let (mut at, mut parens, mut open) = (0usize, 0u32, Open::default());
        let mut waiting: Vec<Vec<u8>> = Vec::new();
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' => at = at.saturating_add(1),
                b'\n' | b';' | b'&' => {
                    output = self.close(&mut open, base, at, false, depth);
                    at = at.saturating_add(1);
                    if byte == b'\n' {
                        for end in std::mem::take(&mut waiting) {
                            at = behind_document(bytes, at, &end);
                        }
                    }
                }
                b'|' if parens == 0 && is_pattern(bytes, at.saturating_add(1)) => {
                    open = Open::default();
                    at = at.saturating_add(1);
                }
                b'|' => {
                    let is_or = bytes.get(at.saturating_add(1)) == Some(&b'|');
                    output = self.close(&mut open, base, at, !is_or, depth);
                    at = at.saturating_add(if is_or { 2 } else { 1 });
                }
                b'(' => {
                    // `name()` defines a function; its body is read like any other.
                    if open.words.len() == 1 && bytes.get(at.saturating_add(1)) == Some(&b')') {
                        self.function = 1;
                        open = Open::default();
                        at = at.saturating_add(2);
                        continue;
                    }
                    self.close(&mut open, base, at, false, depth);
                    parens = parens.saturating_add(1);
                    at = at.saturating_add(1);
                }
                b')' => {
                    match parens.checked_sub(1) {
                        Some(left) => {
                            parens = left;
                            output = self.close(&mut open, base, at, false, depth);
                        }
                        // The pattern of a `case` is no command.
                        None => open = Open::default(),
                    }
                    at = at.saturating_add(1);
                }
                b'#' => at = end_of_line(bytes, at),
                b'<' if bytes.get(at..at.saturating_add(2)) == Some(b"<<") => {
                    at = at.saturating_add(2);
                    at = at.saturating_add(usize::from(bytes.get(at) == Some(&b'-')));
                    while bytes.get(at) == Some(&b' ') {
                        at = at.saturating_add(1);
                    }
                    let (word, end) = self.word(bytes, at, base, depth);
                    waiting.push(word.text);
                    at = end.max(at.saturating_add(1));
                }
                b'<' | b'>' => {
                    open.words.push(Word { text: vec![byte], inputs: Vec::new() });
                    at = at.saturating_add(1);
                    while bytes.get(at).is_some_and(|it| matches!(it, b'>' | b'&')) {
                        at = at.saturating_add(1);
                    }
                }
                _ => {
                    if open.words.is_empty() {
                        open.start = at;
                    }
                    let (word, end) = self.word(bytes, at, base, depth);
                    if open.words.len() < WORDS_MAX {
                        open.words.push(word);
                    }
                    at = end.max(at.saturating_add(1));
                }
            }
        }
        let last = self.close(&mut open, base, bytes.len(), false, depth);
        if last.is_empty() { output } else { last }
    }

    /// One word from `at` on, and where it ends.
    fn word(&mut self, bytes: &[u8], mut at: usize, base: usize, depth: u32) -> (Word, usize) {
        let mut word = Word::default();
        let mut quoted = false;
        while let Some(&byte) = bytes.get(at) {
            let next = at.saturating_add(1);
            match byte {
                b'"' => {
                    quoted = !quoted;
                    at = next;
                }
                b'\'' if !quoted => {
                    let end = position(bytes, next, |it| it == b'\'');
                    bytes.get(next..end).unwrap_or_default().iter().for_each(|it| word.push(*it));
                    at = end.saturating_add(1);
                }
                b'\\' => {
                    if let Some(&escaped) = bytes.get(next).filter(|it| **it != b'\n') {
                        word.push(escaped);
                    }
                    at = next.saturating_add(1);
                }
                b'$' => at = self.expansion(bytes, next, base, depth, &mut word),
                b'`' => {
                    let end = position(bytes, next, |it| it == b'`');
                    let inputs = self.run(
                        bytes.get(next..end).unwrap_or_default(),
                        base.saturating_add(next),
                        depth.saturating_add(1),
                    );
                    word.add(&Word { text: Vec::new(), inputs });
                    at = end.saturating_add(1);
                }
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' if !quoted => break,
                _ => {
                    word.push(byte);
                    at = next;
                }
            }
        }
        (word, at)
    }

    /// What stands behind a `$`, and where it ends.
    fn expansion(&mut self, bytes: &[u8], at: usize, base: usize, depth: u32, word: &mut Word) -> usize {
        match bytes.get(at) {
            Some(b'(') => {
                let from = at.saturating_add(1);
                let end = behind_parenthesis(bytes, from);
                let inner = bytes.get(from..end).unwrap_or_default();
                // `$((1 + 2))` is a number.
                if inner.first() != Some(&b'(') {
                    let inputs = self.run(inner, base.saturating_add(from), depth.saturating_add(1));
                    word.add(&Word { text: Vec::new(), inputs });
                }
                end.saturating_add(1)
            }
            Some(b'{') => {
                let from = at.saturating_add(1);
                let end = position(bytes, from, |it| it == b'}');
                let inner = bytes.get(from..end).unwrap_or_default();
                let len = inner.iter().take_while(|it| is_name(**it)).count();
                self.variable(inner.get(..len).unwrap_or_default(), word);
                end.saturating_add(1)
            }
            Some(&byte) if byte.is_ascii_digit() || matches!(byte, b'@' | b'*') => {
                self.variable(&[byte], word);
                at.saturating_add(1)
            }
            Some(&byte) if is_name(byte) => {
                let end = position(bytes, at, |it| !is_name(it));
                self.variable(bytes.get(at..end).unwrap_or_default(), word);
                end
            }
            Some(b'#' | b'?' | b'$' | b'!' | b'-') => at.saturating_add(1),
            _ => {
                word.push(b'$');
                at
            }
        }
    }

    fn variable(&mut self, name: &[u8], word: &mut Word) {
        let argument = match name {
            b"@" | b"*" => Some(0),
            [digit] if digit.is_ascii_digit() && *digit != b'0' => Some(u32::from(digit.saturating_sub(b'0'))),
            _ => None,
        };
        match (argument, self.variables.get(name)) {
            // Arguments of a function are none of the script.
            (Some(n), _) if self.function == 0 => {
                word.add(&Word { text: Vec::new(), inputs: vec![Input::Argument(n)] });
            }
            (None, Some(value)) => word.add(&value.clone()),
            _ => {}
        }
    }

    /// Takes a command in that ends at `at`. Tells what it would write: what it reads.
    fn close(&mut self, open: &mut Open, base: usize, at: usize, piped: bool, depth: u32) -> Vec<Input> {
        let Open { start, words, piped: handed } = std::mem::take(open);
        let mut words: &[Word] = &words;
        while let Some(word) = words.first() {
            match word.text.as_slice() {
                b"{" if self.function != 0 => self.function = self.function.saturating_add(1),
                b"}" if self.function != 0 => {
                    self.function = self.function.saturating_sub(1);
                    if self.function == 1 {
                        self.function = 0;
                    }
                }
                b"for" => {
                    let mut value = Word::default();
                    words
                        .iter()
                        .skip(3)
                        .for_each(|it| value.add(&Word { text: Vec::new(), inputs: it.inputs.clone() }));
                    if let Some(name) = words.get(1) {
                        self.set(&name.text, value);
                    }
                    return Vec::new();
                }
                b"case" => return Vec::new(),
                it if KEYWORDS.contains(&it) => {}
                it => match assigned(it) {
                    Some((name, len)) => {
                        let (name, value) = (name.to_vec(), it.get(len..).unwrap_or_default().to_vec());
                        self.set(&name, Word { text: value, inputs: word.inputs.clone() });
                    }
                    None => break,
                },
            }
            words = words.get(1..).unwrap_or_default();
        }
        let mut inputs: Vec<Input> = handed;
        let Some(first) = words.first() else {
            open.piped = if piped { inputs.clone() } else { Vec::new() };
            return inputs;
        };
        for input in words.iter().flat_map(|it| &it.inputs).chain(read_by(words).iter()) {
            if !inputs.contains(input) && inputs.len() < INPUTS_MAX {
                inputs.push(input.clone());
            }
        }
        if first.text == b"read" {
            for name in words.iter().skip(1).take_while(|it| it.text != b"<").filter(|it| !it.text.starts_with(b"-")) {
                self.set(&name.text, Word { text: Vec::new(), inputs: inputs.clone() });
            }
        }
        let runs_input = self.runs(words, &inputs, base.saturating_add(start), depth);
        if self.commands.len() < COMMANDS_MAX {
            self.commands.push(Command {
                offset: base.saturating_add(start) as u64,
                size: at.saturating_sub(start) as u64,
                words: words.iter().map(|it| string(&it.text)).collect(),
                inputs: inputs.clone(),
                runs_input,
            });
        } else {
            self.cut = true;
        }
        if piped {
            open.piped = inputs.clone();
        }
        inputs
    }

    /// Whether what comes in is run. Goes into the text that `sh -c` and `eval` are given.
    fn runs(&mut self, words: &[Word], inputs: &[Input], base: usize, depth: u32) -> bool {
        let words: Vec<&Word> = words.iter().skip_while(|it| WRAPPERS.contains(&file_name(&it.text))).collect();
        let Some(first) = words.first() else { return false };
        let name = file_name(&first.text);
        if first.text.is_empty() && !first.inputs.is_empty() {
            return true;
        }
        let is_shell = SHELLS.contains(&name);
        let text = match name {
            b"eval" => words.get(1),
            _ if is_shell => {
                words.iter().position(|it| it.text == b"-c").and_then(|it| words.get(it.saturating_add(1)))
            }
            _ => None,
        };
        if let Some(text) = text {
            let (bytes, before) = (text.text.clone(), self.commands.len());
            self.run(&bytes, base, depth.saturating_add(1));
            // Offsets in a text that was put together are none in the file.
            self.commands.iter_mut().skip(before).for_each(|it| (it.offset, it.size) = (base as u64, 0));
            return !text.inputs.is_empty();
        }
        let sources = matches!(name, b"." | b"source");
        match words.get(1) {
            Some(script) if sources || is_shell && !script.text.starts_with(b"-") => {
                !script.inputs.is_empty() || script.text.starts_with(b"/")
            }
            None if is_shell => !inputs.is_empty(),
            _ => false,
        }
    }

    fn set(&mut self, name: &[u8], value: Word) {
        if self.variables.len() < VARIABLES_MAX || self.variables.contains_key(name) {
            self.variables.insert(name.to_vec(), value);
        } else {
            self.cut = true;
        }
    }
}

/// What a command reads by what it is.
fn read_by(words: &[Word]) -> Vec<Input> {
    let mut inputs = Vec::new();
    let plain: Vec<&Word> = words.iter().skip_while(|it| WRAPPERS.contains(&file_name(&it.text))).collect();
    let name = plain.first().map(|it| file_name(&it.text)).unwrap_or_default();
    let argument = plain.iter().skip(1).find(|it| !it.text.starts_with(b"-"));
    match (name, argument) {
        (b"getprop", Some(it)) if !it.text.is_empty() => inputs.push(Input::Property(string(&it.text))),
        (b"cat" | b"." | b"source" | b"head" | b"tail", Some(it)) if it.text.starts_with(b"/") => {
            inputs.push(Input::File(string(&it.text)));
        }
        (name, Some(it)) if SHELLS.contains(&name) && it.text.starts_with(b"/") => {
            inputs.push(Input::File(string(&it.text)));
        }
        _ => {}
    }
    for pair in words.windows(2) {
        if let [sign, file] = pair
            && sign.text == b"<"
            && file.text.starts_with(b"/")
        {
            inputs.push(Input::File(string(&file.text)));
        }
    }
    inputs
}

/// `NAME=`: the name, and how long both are.
fn assigned(text: &[u8]) -> Option<(&[u8], usize)> {
    let len = text.iter().position(|it| *it == b'=')?;
    let name = text.get(..len).filter(|it| !it.is_empty() && it.iter().all(|byte| is_name(*byte)))?;
    Some((name, len.saturating_add(1)))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|it| *it == b'/').next().unwrap_or(path)
}

/// Where the first byte from `at` on is that is wanted, or the end.
fn position(bytes: &[u8], at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|it| wanted(*it)).map_or(bytes.len(), |it| at.saturating_add(it))
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    position(bytes, at, |it| it == b'\n')
}

/// Whether what stands between `|` and the next sign is closed by a parenthesis that was not opened: one of several
/// patterns of a `case`.
fn is_pattern(bytes: &[u8], at: usize) -> bool {
    let at = position(bytes, at, |it| it != b' ');
    let end = position(bytes, at, |it| b" \t\n;&|()".contains(&it));
    at < end && bytes.get(end) == Some(&b')')
}

/// Where the parenthesis that closes is.
fn behind_parenthesis(bytes: &[u8], from: usize) -> usize {
    let mut depth = 1u32;
    for (n, byte) in bytes.get(from..).unwrap_or_default().iter().enumerate() {
        match byte {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return from.saturating_add(n);
        }
    }
    bytes.len()
}

/// Where the text behind `<<end` ends.
fn behind_document(bytes: &[u8], mut at: usize, end: &[u8]) -> usize {
    while at < bytes.len() {
        let line_end = end_of_line(bytes, at);
        let line = bytes.get(at..line_end).unwrap_or_default();
        at = line_end.saturating_add(1);
        if line.trim_ascii() == end {
            break;
        }
    }
    at.min(bytes.len())
}

const KEYWORDS: [&[u8]; 14] = [
    b"if",
    b"then",
    b"else",
    b"elif",
    b"fi",
    b"while",
    b"until",
    b"do",
    b"done",
    b"esac",
    b"!",
    b"{",
    b"}",
    b"function",
];

/// Programs that run what follows.
const WRAPPERS: [&[u8]; 8] = [b"exec", b"nohup", b"busybox", b"toybox", b"toolbox", b"time", b"command", b"nice"];

const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"mksh", b"ash", b"su"];

/// No script of a phone that was seen has half as many.
const COMMANDS_MAX: usize = 8_192;

/// Enough to see what a command does.
const WORDS_MAX: usize = 24;
const WORD_MAX: usize = 256;
const INPUTS_MAX: usize = 16;
const VARIABLES_MAX: usize = 2_048;

/// Substitutions in substitutions.
const DEPTH_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let (commands, cut) = commands_of(text.as_bytes());
        assert!(!cut);
        let line = |it: Command| {
            let inputs: Vec<String> = it.inputs.iter().map(|it| format!("{it:?}")).collect();
            let runs = if it.runs_input { " runs" } else { "" };
            format!("{}{}{runs}", it.words.join(" "), inputs.iter().map(|it| format!(" <{it}>")).collect::<String>())
        };
        commands.into_iter().map(line).collect()
    }

    #[test]
    fn a_property_that_is_run_is_told_through_variables_and_substitutions() {
        for text in ["C=$(getprop a.b)\n$C", "C=`getprop a.b`; eval $C", "sh -c \"$(getprop a.b)\"", "getprop a.b | sh"]
        {
            let told = told(text);
            assert_eq!(told.first().map(String::as_str), Some("getprop a.b <Property(\"a.b\")>"), "{text}");
            assert!(told.iter().any(|it| it.ends_with("<Property(\"a.b\")> runs")), "{text}: {told:?}");
        }
        let shown = told("x=$(getprop a.b)\nlog -t me \"$x\"\n");
        assert_eq!(shown.last().map(String::as_str), Some("log -t me  <Property(\"a.b\")>"));
    }

    #[test]
    fn a_file_that_is_sourced_or_read_by_lines_is_an_input() {
        assert_eq!(told(". /data/x"), [". /data/x <File(\"/data/x\")> runs"]);
        let lines = told("cat /sdcard/list | while read l; do $l; done");
        assert_eq!(lines.last().map(String::as_str), Some(" <File(\"/sdcard/list\")> runs"), "{lines:?}");
        assert_eq!(told("echo 1 > /sys/x 2>&1"), ["echo 1 > /sys/x 2 > 1"]);
    }

    #[test]
    fn control_words_comments_documents_and_functions_are_no_commands() {
        let text = "#!/bin/sh\nif [ \"$1\" = a ]; then # why\n  f x\nfi\ncase $y in\n a|b) g;;\nesac\nh() {\n i \"$1\"\n}\ncat <<E\nj\nE\nk";
        let names: Vec<String> =
            told(text).iter().map(|it| it.split(' ').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(names, ["[", "f", "g", "i", "cat", "k"]);
        assert!(
            !told(text).iter().any(|it| it.starts_with("i ") && it.contains("Argument")),
            "an argument of a function"
        );
        assert!(told("sh \"$1\"")[0].ends_with("runs"));
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = "$(".repeat(100_000);
        assert!(commands_of(deep.as_bytes()).1);
        let many = "a;".repeat(COMMANDS_MAX + 1);
        let (commands, cut) = commands_of(many.as_bytes());
        assert_eq!((commands.len(), cut), (COMMANDS_MAX, true));
    }
}
