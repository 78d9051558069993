//! One artifact, piece by piece.

use std::collections::BTreeMap;

use md5::Md5;
use model::fact::company::{CompanySign, CompanySignKind};
use model::fact::sighting::{IndicatorKind, Sighting};
use model::observer::{Observation, Part};
use model::{ArtifactId, Facts, Location, Row};
use sha1::{Digest, Sha1};

use super::run;
use super::{Matcher, What};

/// What was seen of an artifact.
pub struct Seen<'a> {
    matcher: &'a Matcher,
    artifact: ArtifactId,
    part: Part,
    is_named: Option<bool>,
    /// Begun with the first bytes, where they may be those of a known file.
    sha1: Option<Sha1>,
    md5: Option<Md5>,
    /// What of the bytes before is still needed, and then the bytes at hand.
    buffer: Vec<u8>,
    /// Where the buffer starts in the artifact.
    start: u64,
    /// Where in the buffer runs were not looked at yet.
    next_run: usize,
    /// How much of the buffer was searched for texts.
    searched: usize,
    /// The run at the end was too long to be text, and goes on.
    overlong: bool,
    lower: String,
    n_hosts: u32,
    found: BTreeMap<(IndicatorKind, String), (Location, String)>,
    /// As many as there are rows at most, so without a bound of their own.
    companies: BTreeMap<(CompanySignKind, String), (Location, String)>,
    dropped: u64,
}

impl<'a> Seen<'a> {
    /// Nothing yet. Of an app it is said whether it is called as one whose hash is known.
    pub fn new(matcher: &'a Matcher, artifact: ArtifactId, part: Part, is_named: Option<bool>) -> Seen<'a> {
        Seen {
            matcher,
            artifact,
            part,
            is_named,
            sha1: None,
            md5: matcher.wants_md5(is_named).then(Md5::new),
            buffer: Vec::new(),
            start: 0,
            next_run: 0,
            searched: 0,
            overlong: false,
            lower: String::new(),
            n_hosts: 0,
            found: BTreeMap::new(),
            companies: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Looks up the runs that are complete; the last one only if nothing follows. A run that holds none of the marks of
    /// a host, a path or an address is passed over without being looked at.
    fn runs(&mut self, last: bool) {
        let buffer = std::mem::take(&mut self.buffer);
        let end_of = |from: usize| {
            let rest = buffer.get(from..).unwrap_or_default();
            from + rest.iter().position(|it| !run::is_text(*it)).unwrap_or(rest.len())
        };
        let start_of = |from: usize, to: usize| {
            let before = buffer.get(from..to).unwrap_or_default();
            from + before.iter().rposition(|it| !run::is_text(*it)).map_or(0, |it| it + 1)
        };
        let mut at = self.next_run;
        if self.overlong {
            at = end_of(at);
            self.overlong = at == buffer.len();
        }
        let mark_in = |rest: &[u8]| match self.matcher.colons {
            true => memchr::memchr3(b'.', b'/', b':', rest),
            false => memchr::memchr2(b'.', b'/', rest),
        };
        while let Some(mark) = mark_in(buffer.get(at..).unwrap_or_default()) {
            let mark = at + mark;
            // In bytes that are no text most marks stand alone; one at the end of its run means nothing.
            if buffer.get(mark + 1).is_some_and(|it| !run::is_text(*it)) {
                at = mark + 1;
                continue;
            }
            let (start, end, has) = run_around(&buffer, at, mark);
            at = start;
            if end == buffer.len() && !last {
                break;
            }
            if (RUN_MIN..=RUN_MAX).contains(&(end - start)) {
                self.run(&buffer[start..end], has, start);
            }
            at = end;
        }
        let open = start_of(at, buffer.len());
        self.overlong |= RUN_MAX < buffer.len() - open;
        self.next_run = if self.overlong { buffer.len() } else { open };
        self.buffer = buffer;
    }

    fn run(&mut self, run: &[u8], has: u8, at: usize) {
        let at = Location { artifact: self.artifact, offset: self.start + at as u64, size: run.len() as u64 };
        let mut lower = std::mem::take(&mut self.lower);
        let matcher = self.matcher;
        let n_hosts =
            run::look_up(matcher, run, has, &mut lower, &mut |kind, value, found| self.tell(kind, value, found, at));
        self.lower = lower;
        self.n_hosts = self.n_hosts.saturating_add(n_hosts);
    }

    /// Searches for texts. One that ends where the buffer does waits for what follows it.
    fn texts(&mut self, last: bool) {
        let Some(search) = &self.matcher.search else { return };
        let buffer = std::mem::take(&mut self.buffer);
        let before = self.matcher.string_max;
        let mut from = self.searched.saturating_sub(before);
        let step = if self.matcher.quick.is_some() { AREA.max(before) } else { buffer.len() };
        // Most pieces hold none, which is told much faster than which one it is; so that is asked near to one only.
        while let Some(start) = self.matcher.first_text(buffer.get(from..).unwrap_or_default()) {
            let area = from + start..buffer.len().min(from + start + before + step);
            for found in search.find_overlapping_iter(buffer.get(area.clone()).unwrap_or_default()) {
                let (start, end) = (area.start + found.start(), area.start + found.end());
                if end < self.searched || end == buffer.len() && !last {
                    continue;
                }
                self.text(&buffer, start, end, &self.matcher.strings[found.pattern().as_usize()]);
            }
            // What begins later may end beyond the area.
            from = if area.end == buffer.len() { area.end } else { area.end - before };
        }
        self.searched = buffer.len();
        self.buffer = buffer;
    }

    /// Tells a text that was found, if it is a word of its own.
    fn text(&mut self, buffer: &[u8], start: usize, end: usize, text: &str) {
        let word = |it: Option<&u8>| it.is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_');
        let before = start.checked_sub(1).and_then(|it| buffer.get(it));
        // In a dex file the length of a string stands before it, which may be a letter.
        let length = before.is_some_and(|it| usize::from(*it) == text.len());
        let opens = word(text.as_bytes().first());
        let closes = word(text.as_bytes().last());
        if opens && word(before) && !length || closes && word(buffer.get(end)) {
            return;
        }
        let at = Location { artifact: self.artifact, offset: self.start + start as u64, size: text.len() as u64 };
        self.tell(What::Indicator(IndicatorKind::String), text, text, at);
    }

    fn tell(&mut self, what: What, value: &str, found: &str, at: Location) {
        let kind = match what {
            What::Indicator(kind) => kind,
            What::Company(kind) => {
                self.companies.entry((kind, value.to_owned())).or_insert_with(|| (at, found.to_owned()));
                return;
            }
        };
        let key = (kind, value.to_owned());
        if self.found.len() < SIGHTINGS_MAX || self.found.contains_key(&key) {
            self.found.entry(key).or_insert_with(|| (at, found.to_owned()));
        } else {
            self.dropped += 1;
        }
    }

    /// Forgets what neither a run nor a text can need any more.
    fn forget(&mut self) {
        let needed = self.next_run.min(self.buffer.len().saturating_sub(self.matcher.string_max + 1));
        self.buffer.drain(..needed);
        self.start += needed as u64;
        self.next_run -= needed;
        self.searched = self.searched.saturating_sub(needed);
    }

    fn hash(&mut self, known: Option<&str>, len: u64) {
        if let Some(known) = known {
            let at = Location { artifact: self.artifact, offset: 0, size: len };
            self.tell(What::Indicator(IndicatorKind::Hash), known, known, at);
        }
    }
}

impl Observation for Seen<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if self.start == 0 && self.buffer.is_empty() {
            self.sha1 = self.matcher.wants_sha1(bytes, self.is_named).then(Sha1::new);
        }
        if let Some(hash) = &mut self.sha1 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut self.md5 {
            hash.update(bytes);
        }
        if self.part == Part::Packing {
            self.start += bytes.len() as u64;
            return;
        }
        self.buffer.extend_from_slice(bytes);
        self.runs(false);
        self.texts(false);
        self.forget();
    }

    fn zeros(&mut self, n: u64) {
        // Nobody publishes the hash of a file with such holes.
        (self.sha1, self.md5) = (None, None);
        if self.part == Part::Content {
            self.runs(true);
            self.texts(true);
        }
        self.start += self.buffer.len() as u64 + n;
        self.buffer.clear();
        (self.next_run, self.searched, self.overlong) = (0, 0, false);
    }

    fn finish(mut self: Box<Self>, sha256: Option<&[u8; 32]>, facts: &mut Facts) -> Vec<String> {
        if self.part == Part::Content {
            self.runs(true);
            self.texts(true);
        }
        let len = self.start + self.buffer.len() as u64;
        let matcher = self.matcher;
        self.hash(sha256.and_then(|it| matcher.sha256.get(it)).map(|it| &**it), len);
        let digest = self.sha1.take().map(|it| <[u8; 20]>::from(it.finalize()));
        self.hash(digest.and_then(|it| matcher.sha1.get(&it)).map(|it| &**it), len);
        let digest = self.md5.take().map(|it| <[u8; 16]>::from(it.finalize()));
        self.hash(digest.and_then(|it| matcher.md5.get(&it)).map(|it| &**it), len);
        let n_hosts = self.n_hosts;
        facts.sightings.extend(
            std::mem::take(&mut self.found)
                .into_iter()
                .map(|((kind, value), (at, found))| Row { at, value: Sighting { kind, value, found, n_hosts } }),
        );
        facts.company_signs.extend(
            std::mem::take(&mut self.companies)
                .into_iter()
                .map(|((kind, name), (at, found))| Row { at, value: CompanySign { kind, name, found, n_hosts } }),
        );
        match self.dropped {
            0 => Vec::new(),
            _ => vec![format!("more than {SIGHTINGS_MAX} known indicators: the others are not told")],
        }
    }
}

/// The run in which a mark stands, from a place on, and what it has.
fn run_around(buffer: &[u8], from: usize, mark: usize) -> (usize, usize, u8) {
    let (mut start, mut end, mut has) = (mark, mark, 0);
    for byte in buffer.get(from..mark).unwrap_or_default().iter().rev() {
        let class = run::class_of(*byte);
        if class == 0 {
            break;
        }
        has |= class;
        start -= 1;
    }
    for byte in buffer.get(mark..).unwrap_or_default() {
        let class = run::class_of(*byte);
        if class == 0 {
            break;
        }
        has |= class;
        end += 1;
    }
    (start, end, has)
}

/// Shorter runs hold neither a host nor a path that is known.
const RUN_MIN: usize = 4;

/// Longer runs are data in letters (base64, hex); a path has at most 4096 bytes (`PATH_MAX`).
const RUN_MAX: usize = 4096;

/// Bytes around a text that are searched for others before the quick search goes on.
const AREA: usize = 1024;

/// No file but a list of indicators has more.
const SIGHTINGS_MAX: usize = 1024;
