//! SELinux policy in the common intermediate language, as vendors ship it to be linked on the phone.

mod expand;
mod link;
mod sets;
mod tree;

use std::collections::BTreeSet;

use model::fact::policy::Policy;
use model::{Artifact, Fault};

use crate::text::{read_text, string};
use crate::{Format, Kind, Reading};

pub use link::{Linked, Never, link};
pub use sets::Bits;

/// The format.
pub static FORMAT: Format = Format {
    id: "cil",
    title: "SELinux policy in CIL",
    spec: "SELinux CIL reference guide, typepermissive, type, typeattribute",
    kind: Kind::Policy,
    matches: |artifact, _| artifact.file_name().ends_with(b".cil"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = read_text(artifact, out, CIL_MAX)?;
    let mut policy = Policy { kind: "cil".to_owned(), ..Policy::default() };
    let mut permissive = BTreeSet::new();
    let walked = walk(&bytes, |keyword, name| match keyword {
        b"typepermissive" if permissive.len() < PERMISSIVE_MAX => _ = permissive.insert(string(name)),
        b"typepermissive" => policy.partial = true,
        b"type" | b"typeattribute" => policy.n_types = policy.n_types.saturating_add(1),
        _ => {}
    });
    if policy.partial {
        out.gap(format!("more than {PERMISSIVE_MAX} permissive domains are not told"));
    }
    policy.permissive = permissive.into_iter().collect();
    policy.partial |= walked.is_err() || (bytes.len() as u64) < artifact.blob.len();
    let row = out.row(0, artifact.blob.len(), policy);
    out.facts.policies.push(row);
    walked
}

/// Calls `each` with the first two atoms of every list, however deep: nothing but the depth is kept.
fn walk<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Result<(), Fault> {
    let (mut rest, mut depth) = (bytes, 0u64);
    // How many atoms of the innermost open list were seen, and its first.
    let (mut n_atoms, mut keyword): (u64, &[u8]) = (0, b"");
    while let Some(&byte) = rest.first() {
        let at = (bytes.len().saturating_sub(rest.len())) as u64;
        let mut len = 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b';' => len = rest.iter().position(|&it| it == b'\n').unwrap_or(rest.len()),
            b'(' => (depth, n_atoms, keyword) = (depth.saturating_add(1), 0, b""),
            // Back in the outer list, whose keyword is gone: what follows is no name.
            b')' => {
                (depth, n_atoms) = (depth.checked_sub(1).ok_or(Fault::malformed("closing parenthesis", at))?, 2);
            }
            _ => {
                len = atom_len(rest);
                let atom = rest.get(..len).unwrap_or_default();
                match n_atoms {
                    0 => keyword = atom,
                    1 => each(keyword, atom),
                    _ => {}
                }
                n_atoms = n_atoms.saturating_add(1);
            }
        }
        if depth == 0 && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b')') {
            return Err(Fault::malformed("statement", at));
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    if depth == 0 { Ok(()) } else { Err(Fault::malformed("open parenthesis", bytes.len() as u64)) }
}

/// How long a word or a quoted string is, at least 1.
fn atom_len(rest: &[u8]) -> usize {
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        return quoted.iter().position(|&it| it == b'"').map_or(rest.len(), |it| it.saturating_add(2));
    }
    let end = |&it: &u8| matches!(it, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"');
    rest.iter().position(end).unwrap_or(rest.len()).max(1)
}

/// The largest one seen has 1.5 MiB; ten times that.
const CIL_MAX: u64 = 16 << 20;

/// More types than any policy has.
const PERMISSIVE_MAX: usize = 65_536;
