//! SELinux policy as the kernel loads it.

mod grants;
mod policydb;
mod prepared;
mod query;

use model::fact::policy::Policy;
use model::{Artifact, Fault};

use crate::{Format, Kind, Reading};

pub use grants::{ACTS, OBJECTS, grant_of, grants_of, is_outside};
pub use policydb::{Class, Constraint, Counts, Genfs, Kind as RuleKind, Policydb, Rule, Term, Type};
pub use prepared::{Allowed, Level, Prepared};
pub use query::Access;

/// The format.
pub static FORMAT: Format = Format {
    id: "sepolicy",
    title: "SELinux binary policy",
    spec: "Linux security/selinux/ss/policydb.c, policydb_read; ebitmap.c, ebitmap_read; avtab.c, conditional.c",
    kind: Kind::Policy,
    matches: |_, head| head.starts_with(&policydb::MAGIC) && head.get(8..16) == Some(policydb::TARGET),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_up_to(0, POLICY_MAX)?;
    let (policydb, end, parsed) = Policydb::read(&bytes);
    if VERSION_MAX < policydb.version {
        out.gap(format!("version {} is newer than {VERSION_MAX}: read like that", policydb.version));
    }
    // A number in place of a name still tells that there is one.
    let nameless = policydb.permissive.iter().filter(|it| policydb.name_of_type(**it).is_none()).count();
    let mut permissive: Vec<String> = policydb
        .permissive
        .iter()
        .map(|it| policydb.name_of_type(*it).map_or_else(|| format!("#{it}"), str::to_owned))
        .collect();
    permissive.sort();
    permissive.dedup();
    if nameless != 0 && policydb.has_types {
        out.gap(format!("{nameless} permissive domains have no name"));
    }
    let unknown = nameless != 0 || VERSION_MAX < policydb.version;
    let policy = Policy {
        kind: "binary".to_owned(),
        version: Some(policydb.version).filter(|it| *it != 0),
        permissive,
        n_types: u32::try_from(policydb.n_types()).unwrap_or(u32::MAX),
        n_rules: policydb.rules.len() as u64,
        partial: unknown || parsed.is_err(),
        grants: grants_of(&policydb),
        ..Policy::default()
    };
    let row = out.row(0, end, policy);
    out.facts.policies.push(row);
    parsed
}

/// The newest version whose layout is known here.
const VERSION_MAX: u32 = 33;

/// The largest one seen has 1 MiB; sixteen times that.
const POLICY_MAX: u64 = 16 << 20;
