//! Finds known indicators in bytes that are read anyway: runs of text are cut into hosts, paths and classes and looked
//! up in sets; only free texts are searched for.
//!
//! Invariant: what is found is stated, not judged. A domain is matched label by label, an address as an address.

mod observation;
mod run;
mod trial;

use std::net::IpAddr;

use aho_corasick::{AhoCorasick, MatchKind, packed};
use model::fact::app::App;
use model::fact::company::CompanySignKind;
use model::fact::sighting::IndicatorKind;
use model::observer::{Observation, Observer, Part};
use model::{Artifact, Facts, Row};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Knowledge;
use crate::cases::{Case, Predicate, is_domain};

pub use trial::{Trial, trials_of};

/// Everything that is looked for.
#[derive(Debug, Default)]
pub struct Matcher {
    /// Domains, and other names of labels with dots between them.
    domains: FxHashMap<Box<str>, Name>,
    /// Their last labels, and those that hosts have: what ends otherwise need not be looked up.
    last_labels: FxHashMap<Box<str>, Label>,
    ips: FxHashSet<IpAddr>,
    /// There is one that is told by colons.
    colons: bool,
    /// Addresses without their scheme, and as they are known.
    urls: FxHashMap<Box<str>, Box<str>>,
    emails: FxHashSet<Box<str>>,
    /// Paths that stand in text.
    paths: FxHashSet<Box<str>>,
    /// The first labels of these.
    path_heads: FxHashSet<Box<str>>,
    /// Classes with slashes, and as they are known.
    classes: FxHashMap<Box<str>, Box<str>>,
    /// Packages of classes with slashes, of which any class will do.
    packages: FxHashMap<Box<str>, Box<str>>,
    /// Packages and classes of kits with slashes, and what the kit is called.
    kits: FxHashMap<Box<str>, Box<str>>,
    /// The first two labels of all three.
    heads: FxHashSet<Box<str>>,
    strings: Vec<Box<str>>,
    search: Option<AhoCorasick>,
    /// Whether there is one at all, by the rarest part of each; none where there are too many texts.
    quick: Option<packed::Searcher>,
    /// How far into its text a rare part begins at most.
    rare_max: usize,
    string_max: usize,
    sha256: FxHashMap<[u8; 32], Box<str>>,
    sha1: FxHashMap<[u8; 20], Box<str>>,
    md5: FxHashMap<[u8; 16], Box<str>>,
    /// Hashes of this kind may be those of any file: a feed has one. Those of cases are of programs and what packs them.
    sha1_of_any: bool,
    md5_of_any: bool,
    /// Packages of cases that name a SHA-1 or MD5: where it is that of an app, the app is called so.
    hashed_packages: FxHashSet<Box<str>>,
}

/// What ends in a label.
#[derive(Debug, Clone, Copy, Default)]
struct Label {
    /// A name that is known.
    is_known: bool,
    /// Most names of hosts, and few of anything else.
    is_top_level: bool,
}

/// What a name of labels is known as.
#[derive(Debug, Clone, Copy, Default)]
struct Name {
    indicator: Option<IndicatorKind>,
    /// It is the host of a company.
    is_company: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Indicator(IndicatorKind),
    Company(CompanySignKind),
}

impl Matcher {
    /// Of all that is built in, and of more indicators.
    pub fn bundled<'a>(more: impl Iterator<Item = (IndicatorKind, &'a str)>) -> Matcher {
        let knowledge = Knowledge::bundled();
        let mut matcher = Matcher::of(knowledge.cases.iter(), more);
        for host in knowledge.company_hosts.iter() {
            matcher.domains.entry(host.host.as_str().into()).or_default().is_company = true;
        }
        for (class, sdk) in knowledge.sdks.classes() {
            matcher.kits.insert(class.replace('.', "/").into(), sdk.name.as_str().into());
        }
        matcher.prepare();
        matcher
    }

    /// Of indicators and of what conditions of cases ask for.
    pub fn of<'a>(
        cases: impl Iterator<Item = &'a Case>,
        more: impl Iterator<Item = (IndicatorKind, &'a str)>,
    ) -> Matcher {
        let mut matcher = Matcher::default();
        for case in cases {
            for indicator in &case.indicators {
                matcher.add(indicator.kind, &indicator.value);
            }
            for predicate in case.confirms.iter().chain(&case.acquits) {
                matcher.add_predicate(predicate);
            }
            matcher.add_hashed_packages(case);
        }
        for (kind, value) in more {
            matcher.sha1_of_any |= kind == IndicatorKind::Hash && value.len() == SHA1_LEN;
            matcher.md5_of_any |= kind == IndicatorKind::Hash && value.len() == MD5_LEN;
            matcher.add(kind, value);
        }
        matcher.prepare();
        matcher
    }

    /// The names of a case that names a SHA-1 or MD5. Without a name, these may be those of anything.
    fn add_hashed_packages(&mut self, case: &Case) {
        let of = |kind| case.indicators.iter().filter(move |it| it.kind == kind).map(|it| it.value.as_str());
        let conditions = case.confirms.iter().chain(&case.acquits).filter_map(|it| match it {
            Predicate::Hash { any } => Some(any.iter().map(String::as_str)),
            _ => None,
        });
        let lens: Vec<usize> = of(IndicatorKind::Hash).chain(conditions.flatten()).map(str::len).collect();
        let is_named = of(IndicatorKind::Package).next().is_some();
        self.sha1_of_any |= !is_named && lens.contains(&SHA1_LEN);
        self.md5_of_any |= !is_named && lens.contains(&MD5_LEN);
        if lens.contains(&SHA1_LEN) || lens.contains(&MD5_LEN) {
            self.hashed_packages.extend(of(IndicatorKind::Package).map(Box::from));
        }
    }

    fn add_predicate(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::Class { any } | Predicate::Unguarded { any } => {
                any.iter().for_each(|it| self.add(IndicatorKind::Class, it));
            }
            Predicate::Hash { any } => any.iter().for_each(|it| self.add(IndicatorKind::Hash, it)),
            Predicate::Holds { any, .. } => any.iter().for_each(|it| self.add_text(it)),
            _ => {}
        }
    }

    /// A text that a file may hold: what it looks like decides how it is looked for.
    fn add_text(&mut self, text: &str) {
        match () {
            () if text.parse::<IpAddr>().is_ok() => self.add(IndicatorKind::Ip, text),
            () if is_domain(text) => {
                // A name of a file or property looks the same; a domain that is known as one stays one.
                self.domains.entry(text.into()).or_default().indicator.get_or_insert(IndicatorKind::String);
            }
            () if text.starts_with('/') && text.bytes().all(run::is_text) => _ = self.paths.insert(text.into()),
            () => self.add(IndicatorKind::String, text),
        }
    }

    /// Kinds that are told by manifests, certificates and the tree of files are not looked for in bytes.
    fn add(&mut self, kind: IndicatorKind, value: &str) {
        match kind {
            IndicatorKind::Domain => self.domains.entry(value.into()).or_default().indicator = Some(kind),
            IndicatorKind::Ip => self.ips.extend(value.parse::<IpAddr>().ok()),
            IndicatorKind::Url => {
                let bare = value.split_once("://").map_or(value, |it| it.1);
                self.urls.insert(bare.trim_end_matches('/').into(), value.into());
            }
            IndicatorKind::Class | IndicatorKind::Component => match value.strip_suffix(".*") {
                Some(package) => _ = self.packages.insert(package.replace('.', "/").into(), value.into()),
                None => _ = self.classes.insert(value.replace('.', "/").into(), value.into()),
            },
            IndicatorKind::Email => _ = self.emails.insert(value.into()),
            IndicatorKind::Hash => self.add_hash(value),
            IndicatorKind::String => self.strings.push(value.into()),
            _ => {}
        }
    }

    fn add_hash(&mut self, hex: &str) {
        let mut bytes = [0u8; 32];
        let len = hex.len() / 2;
        for (byte, at) in bytes.iter_mut().zip(0..len) {
            let Some(value) = hex.get(at * 2..at * 2 + 2).and_then(|it| u8::from_str_radix(it, 16).ok()) else {
                return;
            };
            *byte = value;
        }
        let known = hex.into();
        match len {
            32 => _ = self.sha256.insert(bytes, known),
            20 => _ = bytes[..20].try_into().map(|it| self.sha1.insert(it, known)),
            16 => _ = bytes[..16].try_into().map(|it| self.md5.insert(it, known)),
            _ => {}
        }
    }

    /// Builds what is derived from the sets.
    fn prepare(&mut self) {
        self.colons = self.ips.iter().any(IpAddr::is_ipv6);
        self.last_labels.clear();
        for domain in self.domains.keys() {
            let last = domain.rsplit('.').next().unwrap_or_default();
            self.last_labels.entry(last.to_ascii_lowercase().into()).or_default().is_known = true;
        }
        for label in run::TOP_LEVEL {
            self.last_labels.entry((*label).into()).or_default().is_top_level = true;
        }
        self.path_heads = self.paths.iter().map(|it| run::path_head_of(it).into()).collect();
        let names = self.classes.keys().chain(self.packages.keys()).chain(self.kits.keys());
        self.heads = names.map(|it| run::head_of(it).into()).collect();
        self.strings.sort();
        self.strings.dedup();
        self.string_max = self.strings.iter().map(|it| it.len()).max().unwrap_or(0);
        let texts = self.strings.iter().map(|it| it.as_bytes());
        // Too many patterns for an automaton of this size: the test of the bundled ones says so, and feeds are bounded.
        self.search = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts).ok();
        let rare: Vec<usize> = self.strings.iter().map(|it| rare_part_of(it.as_bytes())).collect();
        self.rare_max = rare.iter().copied().max().unwrap_or(0);
        let parts = self.strings.iter().zip(&rare).map(|(text, from)| text.as_bytes().get(*from..).unwrap_or_default());
        self.quick = packed::Searcher::new(parts);
        if self.strings.is_empty() {
            (self.search, self.quick) = (None, None);
        }
    }

    /// How many hashes, domains, addresses, classes and texts it looks for.
    pub fn len(&self) -> usize {
        self.domains.len()
            + self.ips.len()
            + self.urls.len()
            + self.emails.len()
            + self.paths.len()
            + self.classes.len()
            + self.packages.len()
            + self.kits.len()
            + self.strings.len()
            + self.n_hashes()
    }

    /// Whether it looks for nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From where on there may be a text.
    fn first_text(&self, area: &[u8]) -> Option<usize> {
        match &self.quick {
            Some(quick) => quick.find(area).map(|it| it.start().saturating_sub(self.rare_max)),
            None => (!area.is_empty()).then_some(0),
        }
    }

    /// Whether the SHA-1 of a file that starts so may be known. Of an app it is said whether it is called as one whose hash is.
    fn wants_sha1(&self, start: &[u8], is_named: Option<bool>) -> bool {
        let is_program = || PROGRAMS.iter().any(|it| start.starts_with(it)) && start.get(OAT_AT) != Some(OAT);
        !self.sha1.is_empty() && (self.sha1_of_any || is_named.unwrap_or_else(is_program))
    }

    /// Whether the MD5 may be known.
    fn wants_md5(&self, is_named: Option<bool>) -> bool {
        !self.md5.is_empty() && (self.md5_of_any || is_named == Some(true))
    }

    /// Of a file that states apps: whether one is called as an app of which a case names such a hash.
    fn is_named(&self, apps: &[Row<App>]) -> Option<bool> {
        let is_named = || apps.iter().any(|it| self.hashed_packages.contains(it.value.package.as_str()));
        (!apps.is_empty()).then(is_named)
    }

    fn n_hashes(&self) -> usize {
        self.sha256.len() + self.sha1.len() + self.md5.len()
    }
}

/// Where in a text the few bytes begin that stand in files least: a search by `com.` would stop at every name.
fn rare_part_of(text: &[u8]) -> usize {
    let rarity = |byte: &u8| match byte {
        b'a' | b'c' | b'd' | b'e' | b'i' | b'l' | b'm' | b'n' | b'o' | b'r' | b's' | b't' | b'.' | b' ' => 0,
        b'a'..=b'z' | b'_' => 1,
        b'A'..=b'Z' => 2,
        _ => 3u32,
    };
    let sums = text.windows(RARE_LEN).map(|it| it.iter().map(rarity).sum::<u32>());
    sums.enumerate().max_by_key(|(at, sum)| (*sum, std::cmp::Reverse(*at))).map_or(0, |it| it.0)
}

/// By so many bytes a quick search tells what may be a text.
const RARE_LEN: usize = 4;

impl Observer for Matcher {
    fn observe(&self, artifact: &Artifact, part: Part, stated: &Facts) -> Option<Box<dyn Observation + '_>> {
        let wanted = match part {
            Part::Content => !self.is_empty(),
            Part::Packing => self.n_hashes() != 0,
        };
        let seen = || observation::Seen::new(self, artifact.id, part, self.is_named(&stated.apps));
        wanted.then(|| Box::new(seen()) as Box<dyn Observation>)
    }
}

/// How apps and archives, native code and scripts start. The SHA-1 that cases name are of nothing else, not even of bytecode
/// by itself.
const PROGRAMS: &[&[u8]] = &[b"PK", b"\x7fELF", b"#!"];

/// Where bytecode that a phone compiled begins in the ELF file that holds it, and how (`OatHeader`, after one page).
const OAT_AT: std::ops::Range<usize> = 0x1000..0x1004;
const OAT: &[u8] = b"oat\n";

/// In letters.
const SHA1_LEN: usize = 40;
const MD5_LEN: usize = 32;

#[cfg(test)]
mod tests;
