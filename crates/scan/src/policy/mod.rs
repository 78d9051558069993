//! The SELinux policy that a phone loads: the one compiled for it, or what it links from its files in CIL; and what of it is
//! forbidden.

mod asked;

use std::borrow::Cow;
use std::collections::BTreeMap;

use formats::cil::{self, Linked};
use formats::sepolicy::{Policydb, Prepared, grant_of, grants_of, is_outside};
use knowledge::PolicyBaseline;
use model::fact::policy::{Broken, Policy};
use model::{ArtifactId, Blob, Gap, Layer, Location, Row};
use phone::Phone;

pub use asked::{Question, Unanswered, policy};

/// Adds to a phone's facts what its policy files say together.
pub(crate) fn add(phone: &mut Phone) {
    // A panic is a bug; then the files are told one by one.
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loaded(phone)));
    let Ok(Some(loaded)) = caught else {
        if caught.is_err() {
            let why = "internal error: linking the policy panicked".to_owned();
            phone.gaps.push(Gap { artifact: ArtifactId(0), why, layer: Layer::Policy });
        }
        return;
    };
    for (artifact, stale) in &loaded.stale {
        for row in phone.facts.policies.iter_mut().filter(|it| it.at.artifact == *artifact) {
            row.value.stale.clone_from(stale);
        }
    }
    let gap = |why: &String| Gap { artifact: loaded.at.artifact, why: why.clone(), layer: Layer::Policy };
    phone.gaps.extend(loaded.gaps.iter().map(gap));
    let broken = broken(&loaded, phone.sdk());
    if loaded.is_linked {
        let policydb = &loaded.policydb;
        let names = policydb.permissive.iter().filter_map(|it| policydb.name_of_type(*it));
        let mut permissive: Vec<String> = names.map(str::to_owned).collect();
        permissive.sort();
        let policy = Policy {
            kind: "linked".to_owned(),
            version: None,
            permissive,
            n_types: u32::try_from(policydb.n_types()).unwrap_or(u32::MAX),
            n_rules: policydb.rules.len() as u64,
            partial: !loaded.gaps.is_empty(),
            grants: grants_of(policydb),
            stale: Vec::new(),
            broken,
        };
        phone.facts.policies.push(Row { at: loaded.at, value: policy });
    } else if let Some(row) = phone.facts.policies.iter_mut().find(|it| it.at == loaded.at) {
        row.value.broken = broken;
    }
}

/// The policy that a phone loads.
pub(crate) struct Loaded {
    /// The policy.
    pub policydb: Policydb,
    /// The compiled file, or the platform's file in CIL.
    pub at: Location,
    /// Whether it was linked here.
    pub is_linked: bool,
    /// What the phone's own files forbid, where there are such files.
    linked: Option<Linked>,
    /// Compiled files that are not loaded, and why.
    stale: Vec<(ArtifactId, Vec<String>)>,
    gaps: Vec<String>,
}

/// Finds it, and reads or links it; nothing where a phone has none that can be read.
pub(crate) fn loaded(phone: &Phone) -> Option<Loaded> {
    let stale = stale(phone);
    let is_stale = |id: ArtifactId| stale.iter().any(|it| it.0 == id);
    let mut binaries: Vec<&Row<Policy>> = phone.running(&phone.facts.policies).collect();
    binaries.retain(|it| it.value.kind == "binary" && !it.value.partial && !is_stale(it.at.artifact));
    // As init looks for it: what the vendor compiled, else the one of the root file system.
    let rank = |it: &&Row<Policy>| COMPILED.iter().position(|path| *path == phone.device_path(it.at.artifact));
    binaries.sort_by_key(|it| (rank(it).is_none(), rank(it), it.at));
    let (files, mut gaps) = files(phone);
    let platform = files.first().map(|it| it.0);
    let linked = (!files.is_empty()).then(|| {
        let texts: Vec<(String, Cow<str>)> =
            files.iter().map(|(_, path, text)| (path.clone(), String::from_utf8_lossy(text))).collect();
        let named: Vec<(&str, &str)> = texts.iter().map(|it| (it.0.as_str(), it.1.as_ref())).collect();
        cil::link(&named)
    });
    let read = |row: &Row<Policy>| {
        let bytes = phone.tree.artifact(row.at.artifact).blob.bytes("bytes of a policy", FILE_MAX).ok()?;
        let (policydb, _, result) = Policydb::read(&bytes);
        result.ok().map(|()| (policydb, row.at))
    };
    if let Some((policydb, at)) = binaries.into_iter().find_map(read) {
        return Some(Loaded { policydb, at, is_linked: false, linked, stale, gaps: Vec::new() });
    }
    let mut linked = linked?;
    let artifact = platform?;
    gaps.append(&mut linked.gaps);
    let at = Location { artifact, offset: 0, size: phone.tree.artifact(artifact).blob.len() };
    let policydb = std::mem::take(&mut linked.policydb);
    Some(Loaded { policydb, at, is_linked: true, linked: Some(linked), stale, gaps })
}

type File = (ArtifactId, String, Vec<u8>);

/// The files that init links, in its order, and what of them cannot be had.
fn files(phone: &Phone) -> (Vec<File>, Vec<String>) {
    let (mut files, mut gaps) = (Vec::new(), Vec::new());
    let blob_at = |path: &str| -> Option<(ArtifactId, &Blob)> {
        let id = *phone.at(path).iter().find(|it| phone.is_running(**it))?;
        Some((id, &phone.tree.artifact(id).blob))
    };
    if blob_at(PLATFORM).is_none() {
        return (files, gaps);
    }
    let version = blob_at("/vendor/etc/selinux/plat_sepolicy_vers.txt");
    let version = version.and_then(|it| it.1.bytes("version of a policy", VERSION_MAX).ok());
    let version = version.map_or_else(|| "26.0".to_owned(), |it| String::from_utf8_lossy(&it).trim().to_owned());
    let mut left = ALL_MAX;
    for path in FILES {
        let path = path.replace("VERSION", &version);
        let Some((id, blob)) = blob_at(&path) else { continue };
        match blob.bytes("bytes of a policy", FILE_MAX.min(left)) {
            Ok(bytes) => {
                left = left.saturating_sub(bytes.len() as u64);
                files.push((id, path, bytes));
            }
            Err(fault) => gaps.push(format!("{path} is not linked: {fault}")),
        }
    }
    if !files.iter().any(|it| it.1.starts_with("/vendor/")) {
        gaps.push("the vendor's files of the policy are not there: it is linked without them".to_owned());
    }
    (files, gaps)
}

/// Compiled policies that init does not load, because a file that they were made from has another hash than they say.
fn stale(phone: &Phone) -> Vec<(ArtifactId, Vec<String>)> {
    let text_at = |path: &str| -> Option<(ArtifactId, String)> {
        let id = *phone.at(path).iter().find(|it| phone.is_running(**it))?;
        let bytes = phone.tree.artifact(id).blob.bytes("a hash", HASH_MAX).ok()?;
        Some((id, String::from_utf8_lossy(&bytes).trim().to_owned()))
    };
    let mut stale = Vec::new();
    for compiled in COMPILED {
        let Some(id) = phone.at(compiled).iter().find(|it| phone.is_running(**it)) else { continue };
        let mut why = Vec::new();
        for (own, name) in HASHES {
            let Some((_, has)) = text_at(own) else { continue };
            match text_at(&format!("{compiled}.{name}")) {
                Some((_, wants)) if wants == has => {}
                Some((_, wants)) => why.push(format!("{own} is {has}, it was compiled for {wants}")),
                // Before Android 10 there is one hash, for the platform alone.
                None if name.starts_with("plat") => {}
                None => why.push(format!("{own} is {has}, and it was compiled without that")),
            }
        }
        if !why.is_empty() {
            stale.push((*id, why));
        }
    }
    stale
}

/// What apps and the shell may do although the phone's own files, or Android's policy of this version, forbid it.
fn broken(loaded: &Loaded, sdk: Option<u32>) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut each = |by: &str, policydb: &Policydb, of: &dyn Fn(&Prepared, u32, &str) -> Forbidden| {
        let prepared = policydb.prepared();
        let outside = policydb.types.iter().filter(|it| !it.1.is_attribute && is_outside(&it.1.name));
        for (value, domain) in outside.take(DOMAINS_MAX) {
            let forbidden = of(&prepared, *value, &domain.name).into_iter();
            let grants =
                forbidden.filter_map(|((target, class), bits)| grant_of(policydb, &domain.name, target, class, bits));
            broken.extend(grants.map(|grant| Broken { grant, by: by.to_owned() }));
        }
    };
    // A compiled policy no longer holds what its files forbid; it was made from them.
    if let Some(linked) = &loaded.linked {
        let policydb = if loaded.is_linked { &loaded.policydb } else { &linked.policydb };
        each("platform", policydb, &|prepared, value, _| linked.broken_by(prepared, value));
    }
    if let Some(sdk) = sdk {
        each("aosp", &loaded.policydb, &|prepared, value, domain| against_android(prepared, value, domain, sdk));
    }
    broken.sort();
    broken.dedup();
    broken
}

/// Permissions as bits by type and class.
type Forbidden = BTreeMap<(u32, u32), u32>;

/// What a domain may do although Android's policy of this version forbids it, and does not do it itself. A name that a rule
/// uses and the policy does not know stands for nothing.
fn against_android(prepared: &Prepared, value: u32, domain: &str, sdk: u32) -> Forbidden {
    let policydb = prepared.policydb;
    let baseline = PolicyBaseline::bundled();
    let mut broken = Forbidden::new();
    let access = prepared.access_of(value);
    // A domain of apps that Android does not have is one of its apps all the same.
    let is_new = domain.starts_with("untrusted_app") && !baseline.has_domain(sdk, domain);
    let is_meant = |it: &&str| *it == domain || (is_new && *it == "untrusted_app");
    for rule in baseline.rules(sdk).filter(|it| it.domains.iter().any(&is_meant)) {
        let members = |name: &str| policydb.type_of(name).map(|it| prepared.members(it)).unwrap_or_default();
        let mut out: Vec<u32> =
            rule.targets.iter().filter_map(|it| it.strip_prefix('-')).flat_map(members).copied().collect();
        out.sort_unstable();
        let (all, own) = (rule.targets.contains(&"all"), rule.targets.contains(&"self"));
        let mut within: Vec<u32> =
            rule.targets.iter().filter(|it| !it.starts_with('-')).flat_map(|it| members(it)).copied().collect();
        within.sort_unstable();
        for class in rule.classes.iter().filter_map(|it| policydb.class_of(it)) {
            let bits = rule.permissions.iter().filter_map(|it| policydb.bit_of(class, it)).fold(0, |sum, it| sum | it);
            for ((target, of), has) in &access {
                let is_target = all || (own && *target == value) || within.binary_search(target).is_ok();
                if *of == class && has & bits != 0 && is_target && out.binary_search(target).is_err() {
                    *broken.entry((*target, class)).or_insert(0) |= has & bits;
                }
            }
        }
    }
    for ((target, class), bits) in &mut broken {
        let names = policydb.name_of_type(*target).zip(policydb.classes.get(class));
        let Some((target, name)) = names else { continue };
        for permission in policydb.permissions(*class, *bits) {
            if baseline.allows(sdk, domain, target, &name.name, &permission) {
                *bits &= !policydb.bit_of(*class, &permission).unwrap_or(0);
            }
        }
    }
    broken
}

/// Where init looks for a compiled policy, since Android 8; before, in the root file system.
const COMPILED: [&str; 3] =
    ["/odm/etc/selinux/precompiled_sepolicy", "/vendor/etc/selinux/precompiled_sepolicy", "/sepolicy"];

/// Hashes of what a policy is made from, and under what name a compiled one keeps its own.
const HASHES: [(&str, &str); 4] = [
    ("/system/etc/selinux/plat_sepolicy_and_mapping.sha256", "plat_sepolicy_and_mapping.sha256"),
    ("/system/etc/selinux/plat_and_mapping_sepolicy.cil.sha256", "plat_and_mapping.sha256"),
    ("/system_ext/etc/selinux/system_ext_sepolicy_and_mapping.sha256", "system_ext_sepolicy_and_mapping.sha256"),
    ("/product/etc/selinux/product_sepolicy_and_mapping.sha256", "product_sepolicy_and_mapping.sha256"),
];

const PLATFORM: &str = "/system/etc/selinux/plat_sepolicy.cil";

/// What init links, in its order (AOSP system/core/init/selinux.cpp).
const FILES: [&str; 13] = [
    PLATFORM,
    "/system/etc/selinux/mapping/VERSION.cil",
    "/system/etc/selinux/mapping/VERSION.compat.cil",
    "/system_ext/etc/selinux/system_ext_sepolicy.cil",
    "/system_ext/etc/selinux/mapping/VERSION.cil",
    "/system_ext/etc/selinux/mapping/VERSION.compat.cil",
    "/product/etc/selinux/product_sepolicy.cil",
    "/product/etc/selinux/mapping/VERSION.cil",
    "/vendor/etc/selinux/plat_pub_versioned.cil",
    "/vendor/etc/selinux/vendor_sepolicy.cil",
    // Android 8.
    "/vendor/etc/selinux/nonplat_sepolicy.cil",
    "/odm/etc/selinux/odm_sepolicy.cil",
    "/odm/etc/selinux/nonplat_sepolicy.cil",
];

/// As large as the readers of policies take one.
const FILE_MAX: u64 = 16 << 20;

/// All files of a phone; the largest seen have 4 MiB.
const ALL_MAX: u64 = 48 << 20;

/// `29.0`.
const VERSION_MAX: u64 = 64;

/// 64 digits.
const HASH_MAX: u64 = 256;

/// A policy has up to some ten.
const DOMAINS_MAX: usize = 32;
