//! SELinux policy as the kernel loads it.

mod policydb;
mod prepared;
mod query;

use model::fact::policy::{Grant, Policy};
use model::{Artifact, Fault};

use crate::{Format, Kind, Reading};

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
    };
    let row = out.row(0, end, policy);
    out.facts.policies.push(row);
    parsed
}

/// What the domains of apps and of the shell may do to what they can name.
fn grants_of(policydb: &Policydb) -> Vec<Grant> {
    let mut domains: Vec<u32> =
        policydb.types.iter().filter(|it| !it.1.is_attribute && is_outside(&it.1.name)).map(|it| *it.0).collect();
    domains.truncate(DOMAINS_MAX);
    let mut grants: Vec<Grant> = Vec::new();
    for domain in domains {
        let Some(name) = policydb.name_of_type(domain) else { continue };
        for access in policydb.access_of(domain).into_iter().filter(|it| OBJECTS.contains(&it.class.as_str())) {
            grants.push(Grant {
                domain: name.to_owned(),
                target: access.target,
                class: access.class,
                permissions: access.permissions.into_iter().filter(|it| ACTS.contains(&it.as_str())).collect(),
            });
        }
    }
    grants.retain(|it| !it.permissions.is_empty());
    grants.sort();
    grants
}

/// Domains that someone from outside gets into: apps of any kind that is not the platform's, and the shell of adb.
fn is_outside(domain: &str) -> bool {
    domain.starts_with("untrusted_app") || domain == "isolated_app" || domain == "shell" || domain == "ephemeral_app"
}

/// A policy has up to some ten of them.
const DOMAINS_MAX: usize = 32;

/// Classes of what has a name that a program can open.
const OBJECTS: &[&str] = &[
    "chr_file",
    "blk_file",
    "file",
    "dir",
    "fifo_file",
    "sock_file",
    "unix_stream_socket",
    "unix_dgram_socket",
    "property_service",
    "service_manager",
    "binder",
    "process",
];

/// What gives a say, not what is looked at.
const ACTS: &[&str] = &[
    "write",
    "append",
    "ioctl",
    "connectto",
    "sendto",
    "set",
    "find",
    "add",
    "call",
    "create",
    "add_name",
    "execute_no_trans",
    "transition",
];

/// The newest version whose layout is known here.
const VERSION_MAX: u32 = 33;

/// The largest one seen has 1 MiB; sixteen times that.
const POLICY_MAX: u64 = 16 << 20;
