//! What the domains of apps and of the shell may do to what they can name.

use model::fact::policy::Grant;

use super::Policydb;

/// All of it, sorted.
pub fn grants_of(policydb: &Policydb) -> Vec<Grant> {
    let prepared = policydb.prepared();
    let domains = policydb.types.iter().filter(|it| !it.1.is_attribute && is_outside(&it.1.name));
    let mut grants: Vec<Grant> = Vec::new();
    for (value, domain) in domains.take(DOMAINS_MAX) {
        for ((target, class), bits) in prepared.access_of(*value) {
            grants.extend(grant_of(policydb, &domain.name, target, class, bits));
        }
    }
    grants.sort();
    grants
}

/// What of an access gives a say over something that has a name; nothing where none of it does.
pub fn grant_of(policydb: &Policydb, domain: &str, target: u32, class: u32, bits: u32) -> Option<Grant> {
    let class_name = policydb.classes.get(&class).map(|it| it.name.as_str()).filter(|it| OBJECTS.contains(it))?;
    let permissions: Vec<String> =
        policydb.permissions(class, bits).into_iter().filter(|it| ACTS.contains(&it.as_str())).collect();
    let target = policydb.name_of_type(target)?.to_owned();
    (!permissions.is_empty()).then(|| Grant {
        domain: domain.to_owned(),
        target,
        class: class_name.to_owned(),
        permissions,
    })
}

/// Domains that someone from outside gets into: apps of any kind that is not the platform's, and the shell of adb.
pub fn is_outside(domain: &str) -> bool {
    domain.starts_with("untrusted_app") || domain == "isolated_app" || domain == "shell" || domain == "ephemeral_app"
}

/// A policy has up to some ten of them.
const DOMAINS_MAX: usize = 32;

/// Classes of what has a name that a program can open.
pub const OBJECTS: &[&str] = &[
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
    "hwservice_manager",
    "binder",
    "process",
];

/// What gives a say, not what is looked at.
pub const ACTS: &[&str] = &[
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
