//! What the line-based configuration formats share: text as a phone reads it, and its lines.

use model::fact::anomaly;
use model::{Artifact, Fault};

use crate::Reading;

/// A line that is neither empty nor a comment, without blanks at its ends.
pub(crate) struct Line<'a> {
    /// Where it starts in the artifact.
    pub offset: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Its parts between blanks.
    pub fn words(&self) -> Vec<&'a [u8]> {
        self.bytes.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty()).collect()
    }
}

/// Calls `each` for the lines that say something, in order; it tells whether it understood. What was not understood, is
/// no text, too long or too much is a gap.
pub(crate) fn read_lines(
    artifact: &Artifact,
    out: &mut Reading,
    mut each: impl FnMut(&mut Reading, Line) -> bool,
) -> Result<(), Fault> {
    let bytes = read_text(artifact, out, TEXT_MAX)?;
    let (mut offset, mut n_lines) = (0u64, 0u32);
    let (mut n_refused, mut first_refused) = (0u32, 0u64);
    for raw in bytes.split(|&byte| byte == b'\n') {
        let blanks = raw.len().saturating_sub(raw.trim_ascii_start().len()) as u64;
        let line = Line { offset: offset.saturating_add(blanks), bytes: raw.trim_ascii() };
        offset = offset.saturating_add(raw.len() as u64).saturating_add(1);
        if line.bytes.is_empty() || line.bytes.starts_with(b"#") {
            continue;
        }
        if n_lines == LINES_MAX {
            out.gap(format!("lines from offset {:#x} on are not read: more than {LINES_MAX}", line.offset));
            break;
        }
        n_lines = n_lines.saturating_add(1);
        if LINE_MAX < line.bytes.len() {
            // Few: each takes its share of the bytes.
            out.gap(format!("the line at offset {:#x} is not read: longer than {LINE_MAX} bytes", line.offset));
            continue;
        }
        let start = line.offset;
        if !each(out, line) {
            first_refused = if n_refused == 0 { start } else { first_refused };
            n_refused = n_refused.saturating_add(1);
        }
    }
    if n_refused != 0 {
        out.gap(format!("lines that are not understood: {n_refused}, the first at offset {first_refused:#x}"));
    }
    Ok(())
}

/// The text of a configuration file, up to `bound` bytes. A byte order mark, which no Android parser knows, becomes
/// blanks.
pub(crate) fn read_text(artifact: &Artifact, out: &mut Reading, bound: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = artifact.blob.read_up_to(0, bound)?;
    if !is_text(&bytes) {
        out.gap("binary content under the name of a text file");
        return Ok(Vec::new());
    }
    end_at_nul(artifact, &mut bytes, out);
    if let Some(at) = bytes.iter().position(|&it| is_control(it)) {
        out.anomaly(at as u64, 1, anomaly::Kind::Garbage, "a control character in a text");
    }
    if let Some(mark) = bytes.get_mut(..BYTE_ORDER_MARK.len()).filter(|it| *it == BYTE_ORDER_MARK) {
        mark.fill(b' ');
        out.anomaly(0, BYTE_ORDER_MARK.len() as u64, anomaly::Kind::Garbage, "byte order mark before the first line");
    }
    Ok(bytes)
}

/// Cuts the first bytes of an artifact at the first NUL, as Android's parsers of text do. What is not read is a gap.
pub(crate) fn end_at_nul(artifact: &Artifact, bytes: &mut Vec<u8>, out: &mut Reading) {
    if let Some(end) = memchr::memchr(0, bytes) {
        out.gap(format!("not read from offset {end:#x} on: a NUL ends the text"));
        bytes.truncate(end);
    } else if (bytes.len() as u64) < artifact.blob.len() {
        out.gap(format!("not read from offset {0:#x} on: longer than {0} bytes", bytes.len()));
    }
}

/// Whether bytes begin like text: hardly a control character but blanks before the first NUL, and something there. One of
/// them does not keep a phone from reading the rest.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..TEXT_HEAD).unwrap_or(bytes);
    let head = head.split(|&byte| byte == 0).next().unwrap_or_default();
    let n_controls = head.iter().filter(|&&it| is_control(it)).count();
    (bytes.is_empty() || !head.is_empty()) && n_controls.saturating_mul(CONTROLS_SHARE) <= head.len()
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace()
}

/// Bytes as a string of a fact.
pub(crate) fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// So many first bytes tell text from binary.
const TEXT_HEAD: usize = 256;

/// Text has at most one control character in so many bytes; in random bytes one of nine is one.
const CONTROLS_SHARE: usize = 16;

/// The largest such file of a phone (a `file_contexts`) has 100 KiB; forty times that.
const TEXT_MAX: u64 = 4 << 20;

/// The longest line seen (a list of packages in a property) has 3 KiB; twenty times that.
const LINE_MAX: usize = 64 << 10;

/// The most lines seen in one file are under 2,000; thirty times that.
const LINES_MAX: u32 = 65_536;
