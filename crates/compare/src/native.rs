//! Programs and libraries: what they call, say and hold, and which of their functions do something else.

use std::collections::BTreeSet;

use model::ArtifactId;
use model::fact::elf::Elf;
use model::fact::native::Native;

use crate::delta::listed;
use crate::sides::{Seen, apart};

/// Functions of a program by what they do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Functions that only the right side has.
    pub added: Vec<String>,
    /// ... that only the left side has.
    pub removed: Vec<String>,
    /// Functions that do something else.
    pub changed: Vec<String>,
    /// Those that are the same.
    pub n_same: u64,
    /// Whether not all functions could be found or read.
    pub partial: bool,
}

/// What differs of two programs, as two texts; empty where nothing that was read does.
pub(crate) fn told(
    left: (&Seen, ArtifactId),
    right: (&Seen, ArtifactId),
    changes: Option<&Changes>,
) -> (String, String) {
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    let mut add = |what: &str, one: &[String], other: &[String]| {
        for (items, said) in [(one, &mut lefts), (other, &mut rights)] {
            if !items.is_empty() {
                said.push(format!("{what} {}", listed(items)));
            }
        }
    };
    if let Some(changes) = changes {
        add("has functions", &changes.removed, &changes.added);
        add("has other code in", &[], &changes.changed);
    }
    let ((left, left_code), (right, right_code)) = (statements(left), statements(right));
    let set = |elf: Option<&Elf>, of: fn(&Elf) -> &Vec<String>| -> BTreeSet<String> {
        elf.map(|it| of(it).iter().cloned().collect()).unwrap_or_default()
    };
    for (what, of) in LISTS {
        let (one, other) = apart(&set(left, *of), &set(right, *of));
        add(what, &one, &other);
    }
    let (one, other) = apart(&acts(left_code), &acts(right_code));
    add("code that", &one, &other);
    (lefts.join("; "), rights.join("; "))
}

/// What was read of a program.
fn statements<'a>((seen, id): (&Seen<'a>, ArtifactId)) -> (Option<&'a Elf>, Option<&'a Native>) {
    let facts = &seen.phone().facts;
    let elf = facts.elfs.iter().find(|it| it.at.artifact == id).map(|it| &it.value);
    let native = facts.natives.iter().find(|it| it.at.artifact == id).map(|it| &it.value);
    (elf, native)
}

type List = fn(&Elf) -> &Vec<String>;

/// What an ELF file lists.
const LISTS: &[(&str, List)] = &[
    ("calls", |it| &it.imports),
    ("needs", |it| &it.needed),
    ("offers", |it| &it.exports),
    ("says", |it| &it.strings),
    ("has sections", |it| &it.sections),
];

/// What code does that matters, in words, without the places where it stands.
fn acts(native: Option<&Native>) -> BTreeSet<String> {
    let Some(native) = native else { return BTreeSet::new() };
    let calls = native.calls.iter().map(|it| {
        let args: Vec<&str> = it.args.iter().map(|it| it.as_deref().unwrap_or("?")).collect();
        format!("calls {}({})", it.name, args.join(", "))
    });
    let bound = native.bound.iter().map(|it| {
        let port = it.port.map(|it| format!(":{it}")).unwrap_or_default();
        format!("binds {} {}{port}", it.domain, it.address.as_deref().unwrap_or("an address"))
    });
    let hosts = native.hosts.iter().map(|it| format!("names the host {}", it.text));
    let ways = native.ways.iter().map(way_of);
    calls.chain(bound).chain(hosts).chain(ways).collect()
}

/// A way in words.
pub(crate) fn way_of(way: &model::fact::native::Way) -> String {
    let gates: Vec<String> = way.gates.iter().map(|it| format!("{:?}", it.text)).collect();
    let gates = if gates.is_empty() { String::new() } else { format!(" behind {}", gates.join(", ")) };
    let traced = if way.traced { "leads" } else { "may lead" };
    format!("{traced} from {} to {}{gates}", way.source, way.sink)
}
