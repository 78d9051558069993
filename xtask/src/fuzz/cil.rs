//! Files of a policy in CIL, linked to one and asked. The target in `fuzz/` does the same.

use formats::cil;

/// Links a file alone, and with itself as the vendor's; asks of every domain what it may do that is forbidden.
pub fn touch(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    cil::link(&[("/system/etc/selinux/plat_sepolicy.cil", &text)]);
    let linked = cil::link(&[
        ("/system/etc/selinux/plat_sepolicy.cil", &text),
        ("/vendor/etc/selinux/vendor_sepolicy.cil", &text),
    ]);
    let prepared = linked.policydb.prepared();
    for domain in linked.policydb.types.keys().take(DOMAINS) {
        linked.broken_by(&prepared, *domain);
        prepared.access_of(*domain);
    }
}

/// Enough to come to every kind of rule.
const DOMAINS: usize = 16;
