//! Text in lines of a width, with colours. Width is what a terminal shows: two columns for an ideograph, none for a mark.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::Style;
use crate::escape::visible;

/// How a piece of text looks, where colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Bold.
    Strong,
    /// Less than the rest.
    Faint,
    /// What must be seen first.
    Alarm,
    /// Red.
    Red,
    /// Yellow.
    Yellow,
    /// Cyan.
    Cyan,
    /// Magenta.
    Magenta,
}

impl Paint {
    /// Parameters of SGR (ECMA-48, 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Paint::Plain => "",
            Paint::Strong => "1",
            Paint::Faint => "2",
            Paint::Alarm => "1;31",
            Paint::Red => "31",
            Paint::Yellow => "33",
            Paint::Cyan => "36",
            Paint::Magenta => "35",
        }
    }
}

/// Where text goes. Everything that it is given is made [`visible`].
pub struct Page<'a> {
    style: Style,
    out: &'a mut dyn Write,
}

impl<'a> Page<'a> {
    /// A page. Its width is held between [`WIDTH_MIN`] and [`WIDTH_MAX`].
    pub fn new(style: &Style, out: &'a mut dyn Write) -> Page<'a> {
        let style = Style { width: style.width.clamp(WIDTH_MIN, WIDTH_MAX), ..*style };
        Page { style, out }
    }

    /// Whether long lists are written in full.
    pub fn verbose(&self) -> bool {
        self.style.verbose
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.style.width
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A paragraph.
    pub fn text(&mut self, indent: usize, text: &str) -> io::Result<()> {
        self.spans(indent, "", &[(Paint::Plain, text)])
    }

    /// A label, and what it labels in a column of its own.
    pub fn field(&mut self, indent: usize, label: &str, text: &str) -> io::Result<()> {
        self.field_spans(indent, label, &[(Paint::Plain, text)])
    }

    /// A label, and pieces of different colours.
    pub fn field_spans(&mut self, indent: usize, label: &str, spans: &[(Paint, &str)]) -> io::Result<()> {
        self.spans(indent, &format!("{label:LABEL_WIDTH$}"), spans)
    }

    /// A line behind a first word that must stay whole, for it is copied.
    pub fn whole(&mut self, indent: usize, first: &str, line: &str) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        self.paint(Paint::Faint, first)?;
        writeln!(self.out, "{}", visible(line))
    }

    /// Pieces of different colours as one paragraph behind a first word, which hangs out to the left.
    pub fn spans(&mut self, indent: usize, first: &str, spans: &[(Paint, &str)]) -> io::Result<()> {
        let hang = indent + first.width();
        let room = self.style.width.saturating_sub(hang).max(ROOM_MIN);
        write!(self.out, "{:indent$}", "")?;
        self.paint(Paint::Faint, first)?;
        for (n, line) in lines(spans, room).into_iter().enumerate() {
            if 0 < n {
                write!(self.out, "\n{:hang$}", "")?;
            }
            for (paint, piece) in line {
                self.paint(paint, &piece)?;
            }
        }
        writeln!(self.out)
    }

    fn paint(&mut self, paint: Paint, text: &str) -> io::Result<()> {
        if !self.style.colour || paint == Paint::Plain || text.is_empty() {
            return write!(self.out, "{text}");
        }
        write!(self.out, "\u{1b}[{}m{text}\u{1b}[0m", paint.code())
    }
}

type Line = Vec<(Paint, String)>;

/// Breaks pieces into lines at spaces; a word that is too long, where a path may be broken, or anywhere.
fn lines(spans: &[(Paint, &str)], room: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = vec![Vec::new()];
    let mut used = 0;
    for (paint, text) in spans {
        let text = visible(text);
        for (n, word) in text.split(' ').enumerate() {
            let space = usize::from(0 < n);
            if 0 < used && room < used + space + word.width() {
                // A long word starts on this line only if a good part of it has room here.
                if word.width() <= room || room < used + space + (room / 3).max(2) {
                    lines.push(Vec::new());
                    used = 0;
                }
            }
            if 0 < space && 0 < used {
                push(&mut lines, *paint, " ");
                used += 1;
            }
            let mut rest = word;
            loop {
                let piece = head(rest, room - used.min(room));
                push(&mut lines, *paint, piece);
                used += piece.width();
                rest = &rest[piece.len()..];
                if rest.is_empty() {
                    break;
                }
                lines.push(Vec::new());
                used = 0;
            }
        }
    }
    for line in &mut lines {
        trim_end(line);
    }
    lines
}

/// Takes the spaces away that a line break leaves behind.
fn trim_end(line: &mut Line) {
    while let Some((_, piece)) = line.last_mut() {
        piece.truncate(piece.trim_end_matches(' ').len());
        if !piece.is_empty() {
            break;
        }
        line.pop();
    }
}

fn push(lines: &mut [Line], paint: Paint, text: &str) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some((last, piece)) if *last == paint => piece.push_str(text),
        _ => line.push((paint, text.to_owned())),
    }
}

/// As much of a word as has room, broken behind a separator if one stands in its last two thirds. Never nothing of a
/// word that is not empty.
fn head(word: &str, room: usize) -> &str {
    let (mut used, mut end, mut separator) = (0, 0, None);
    for (at, char) in word.char_indices() {
        used += char.width().unwrap_or(0);
        if room < used && 0 < at {
            return &word[..separator.unwrap_or(end)];
        }
        end = at + char.len_utf8();
        if room / 3 < used && "/!.;:,-_&?=".contains(char) {
            separator = Some(end);
        }
    }
    word
}

/// A narrow phone turned upright.
const WIDTH_MIN: usize = 40;
/// Longer lines are hard to read.
const WIDTH_MAX: usize = 110;
/// Even a deep indent leaves room for a word.
const ROOM_MIN: usize = 16;
/// The longest label and two spaces.
pub const LABEL_WIDTH: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, room: usize) -> Vec<String> {
        let lines = lines(&[(Paint::Plain, text)], room);
        lines.into_iter().map(|it| it.into_iter().map(|(_, piece)| piece).collect()).collect()
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_at_separators() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("", 8), [""]);
        assert_eq!(wrapped("/system/priv-app/Ota", 14), ["/system/priv-", "app/Ota"]);
        assert_eq!(wrapped("aaaaaaaaaa", 4), ["aaaa", "aaaa", "aa"]);
        assert_eq!(wrapped("two  spaces", 20), ["two  spaces"]);
    }

    #[test]
    fn an_ideograph_takes_two_columns() {
        assert_eq!(wrapped("小米手机", 4), ["小米", "手机"]);
        assert_eq!(wrapped("小米 手机", 5), ["小米", "手机"]);
    }

    #[test]
    fn no_line_is_wider_than_its_room() {
        let text = "a path /system/priv-app/SomethingVeryLongIndeed/base.apk!classes2.dex and 漢字漢字漢字漢字 words";
        for room in 2..60 {
            for line in wrapped(text, room) {
                assert!(line.width() <= room, "{line:?} in {room}");
            }
        }
    }
}
