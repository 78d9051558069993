//! Strings of a hostile input made harmless for the eye, for a terminal, for HTML and for JSON.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write};

use unicode_width::UnicodeWidthChar;

/// The string with every character that controls a terminal, turns the direction of text, or cannot be seen written as
/// `\u{1b}`. Line ends are such characters too: a name from the input has one line.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|it| matches!(it, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    let mut marks = 0;
    for char in text.chars() {
        marks = if char.width() == Some(0) { marks + 1 } else { 0 };
        if is_deceptive(char) || MARKS_MAX < marks {
            // Writing to a string cannot fail.
            let _ = write!(seen, "{}", char.escape_unicode());
        } else {
            seen.push(char);
        }
    }
    Cow::Owned(seen)
}

/// Whether a character acts on the text around it instead of being seen.
pub fn is_deceptive(char: char) -> bool {
    char.is_control()
        || matches!(char,
            // Direction: marks, embeddings and overrides, isolates, deprecated shaping controls.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Line and paragraph separators.
            | '\u{2028}' | '\u{2029}'
            // Without width or without ink. The joiners U+200C and U+200D stay: Persian and emoji need them.
            | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            // Tags, which spell invisible ASCII, and the supplementary variation selectors.
            | '\u{e0000}'..='\u{e0fff}')
}

/// A string for HTML, as text or as the value of a quoted attribute.
pub struct Html<'a>(pub &'a str);

impl Display for Html<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for char in visible(self.0).chars() {
            match char {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                _ => out.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// Pretty-printed JSON that can be shown on a terminal: equal as JSON, but deceptive characters are `\uXXXX`.
pub fn json(pretty: &str) -> String {
    let mut json = String::with_capacity(pretty.len());
    for char in pretty.chars() {
        // A line end in JSON text stands between values; inside a string the serializer has escaped it.
        if char != '\n' && is_deceptive(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{unit:04x}");
            }
        } else {
            json.push(char);
        }
    }
    json
}

/// Three marks on one letter are the most that living scripts use (Vietnamese, Thai, pointed Hebrew); more of them paint
/// over the lines above and below.
const MARKS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_text_is_written_out() {
        assert_eq!(visible("plain name.apk"), "plain name.apk");
        assert_eq!(visible("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\u{d}\\u{a}");
        assert_eq!(visible("gpj.\u{202e}apk\u{2066}\u{200f}"), "gpj.\\u{202e}apk\\u{2066}\\u{200f}");
        assert_eq!(visible("zero\u{200b}width\u{9b}31m"), "zero\\u{200b}width\\u{9b}31m");
        assert_eq!(visible("小米 ü é ไทย"), "小米 ü é ไทย");
        assert_eq!(visible("e\u{301}\u{302}\u{303}\u{304}"), "e\u{301}\u{302}\u{303}\\u{304}");
    }

    #[test]
    fn html_is_text_and_never_markup() {
        assert_eq!(Html("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({"a": "x\u{202e}\u{7f}\u{e0041}\u{1b}\ny"});
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.contains(|char| char != '\n' && is_deceptive(char)));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
