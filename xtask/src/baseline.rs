//! `cargo xtask baseline sepolicy API=DIR…`: what Android's own policy lets apps and the shell do, and what it forbids to
//! them, from source trees of AOSP's `system/sepolicy` (before Android 7 `external/sepolicy`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use formats::sepolicy::{ACTS, OBJECTS, Policydb, is_outside};

/// Compiles every tree with `m4` and `checkpolicy`, and writes the table.
pub fn run(args: &[&str]) -> Result<()> {
    let mut grants: BTreeMap<[String; 3], BTreeMap<String, BTreeSet<u32>>> = BTreeMap::new();
    let mut rules: BTreeMap<Rule, BTreeSet<u32>> = BTreeMap::new();
    for arg in args {
        let (api, folder) = arg.split_once('=').context("API=DIR")?;
        let api: u32 = api.parse()?;
        let (text, policydb) = compiled(api, Path::new(folder)).with_context(|| folder.to_owned())?;
        for grant in formats::sepolicy::grants_of(&policydb) {
            let of = grants.entry([grant.domain, grant.target, grant.class]).or_default();
            for permission in grant.permissions {
                of.entry(permission).or_default().insert(api);
            }
        }
        for rule in rules_of(&text, &policydb) {
            rules.entry(rule).or_default().insert(api);
        }
    }
    let all: BTreeSet<u32> = args.iter().filter_map(|it| it.split_once('=')?.0.parse().ok()).collect();
    // What differs only in the type stands in one line.
    let mut lines: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for ([domain, target, class], permissions) in &grants {
        let mut by_range: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (permission, apis) in permissions {
            by_range.entry(ranges_of(apis, &all)).or_default().push(permission);
        }
        for (apis, permissions) in by_range {
            lines.entry(format!("allow {apis} {domain} {class} {}", permissions.join(","))).or_default().insert(target);
        }
    }
    let mut apart: Vec<String> = Vec::new();
    for (rule, apis) in &rules {
        let [domains, classes, permissions] = [&rule.domains, &rule.classes, &rule.permissions].map(|it| it.join(","));
        let line = format!("never {} {domains} {classes} {permissions}", ranges_of(apis, &all));
        match rule.targets.iter().any(|it| it.starts_with('-')) {
            true => apart.push(format!("{line} {}", rule.targets.join(","))),
            false => lines.entry(line).or_default().extend(rule.targets.iter().map(String::as_str)),
        }
    }
    let mut out = HEAD.to_owned();
    for (line, targets) in &lines {
        writeln!(out, "{line} {}", targets.iter().copied().collect::<Vec<_>>().join(","))?;
    }
    for line in apart {
        writeln!(out, "{line}")?;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/knowledge/data/policy.txt");
    fs::write(&path, out)?;
    println!("{}: {} grants, {} rules", path.display(), grants.len(), rules.len());
    Ok(())
}

/// A `neverallow` as far as it is about outsiders and what they can name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    domains: Vec<String>,
    /// Types and attributes; with `-` in front, such as are left out; `all`, `self`.
    targets: Vec<String>,
    classes: Vec<String>,
    permissions: Vec<String>,
}

/// The text after `m4`, and what `checkpolicy` makes of it.
fn compiled(api: u32, folder: &Path) -> Result<(String, Policydb)> {
    let work = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/baseline");
    fs::create_dir_all(&work)?;
    let places: &[&str] = if folder.join("private").is_dir() { &["public", "private"] } else { &["."] };
    let mut files = Vec::new();
    for (name, everywhere) in ORDER {
        let mut found = Vec::new();
        for place in places {
            let of = folder.join(place);
            if let Some(end) = name.strip_prefix('*') {
                let mut all: Vec<_> = fs::read_dir(&of)?.flatten().map(|it| it.path()).collect();
                all.retain(|it| it.to_string_lossy().ends_with(end));
                all.sort();
                found.extend(all);
            } else if of.join(name).is_file() {
                found.push(of.join(name));
            }
        }
        // Some files exist once for the platform and once for vendors; the platform's is the last.
        files.extend(if *everywhere { found } else { found.pop().into_iter().collect() });
    }
    let mut m4 = Command::new("m4");
    m4.args(DEFINES.iter().map(|it| format!("-D{it}")));
    let flags = folder.join("flagging/te_macros");
    m4.arg("-s").args(flags.is_file().then_some(&flags)).args(&files);
    let output = m4.output().context("m4 (Debian package m4)")?;
    let text = String::from_utf8(output.stdout)?;
    let text = without_numbers(&without_comments(&text));
    let (source, policy) = (work.join(format!("{api}.conf")), work.join(format!("{api}.bin")));
    fs::write(&source, &text)?;
    let output = Command::new("checkpolicy").args(["-M", "-c", "30", "-o"]).arg(&policy).arg(&source).output()?;
    if !output.status.success() {
        bail!("checkpolicy: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    let (policydb, _, result) = Policydb::read(&fs::read(&policy)?);
    result?;
    Ok((text, policydb))
}

fn without_comments(text: &str) -> String {
    text.lines().map(|it| format!("{}\n", it.split('#').next().unwrap_or_default())).collect()
}

/// Before `allowxperm` there was, in Android 6, `allow` with numbers, which `checkpolicy` does not know any more.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for statement in text.split_inclusive(';') {
        match statement.rfind("\nallow ") {
            Some(at) if statement[at..].contains("0x") => out.push_str(&statement[..at]),
            _ => out.push_str(statement),
        }
    }
    out
}

/// What is forbidden to an outsider.
fn rules_of(text: &str, policydb: &Policydb) -> Vec<Rule> {
    let mut plain = text.to_owned();
    for sign in ["{", "}", ";", ":", "~"] {
        plain = plain.replace(sign, &format!(" {sign} "));
    }
    let mut words = plain.split_whitespace().peekable();
    let mut rules = Vec::new();
    while let Some(word) = words.next() {
        if word != "neverallow" {
            continue;
        }
        let mut set = || set_of(&mut words);
        let (sources, targets) = (set(), set());
        words.next_if_eq(&":");
        let (classes, permissions) = (set_of(&mut words), set_of(&mut words));
        let domains: Vec<String> = policydb
            .types
            .iter()
            .filter(|it| !it.1.is_attribute && is_outside(&it.1.name) && has(policydb, &sources, *it.0))
            .map(|it| it.1.name.clone())
            .collect();
        let mut domains: Vec<String> = domains.into_iter().collect();
        domains.sort();
        let classes: Vec<String> = OBJECTS.iter().filter(|it| named(&classes, it)).map(|it| (*it).to_owned()).collect();
        let permissions: Vec<String> =
            ACTS.iter().filter(|it| named(&permissions, it)).map(|it| (*it).to_owned()).collect();
        if !domains.is_empty() && !classes.is_empty() && !permissions.is_empty() {
            rules.push(Rule { domains, targets, classes, permissions });
        }
    }
    rules
}

/// `a`, `{ a -b { c d } }`, `~{ a }`, `*`: flat, with `all` for everything.
fn set_of<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Vec<String> {
    let mut set: Vec<String> = Vec::new();
    let not = words.next_if_eq(&"~").is_some();
    if not {
        set.push("all".to_owned());
    }
    let (mut depth, mut minus) = (0u32, false);
    for word in words.by_ref() {
        match word {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "-" => {
                minus = true;
                continue;
            }
            "*" => set.push("all".to_owned()),
            _ => {
                let (plain, is_minus) = word.strip_prefix('-').map_or((word, minus), |it| (it, true));
                set.push(if not || is_minus { format!("-{plain}") } else { plain.to_owned() });
                minus = false;
            }
        }
        if depth == 0 {
            break;
        }
    }
    set
}

/// Whether a set of classes or permissions has a name.
fn named(set: &[String], name: &str) -> bool {
    set.iter().any(|it| it == name || it == "all") && !set.iter().any(|it| it.strip_prefix('-') == Some(name))
}

/// Whether a set of types has one.
fn has(policydb: &Policydb, set: &[String], value: u32) -> bool {
    let is = |name: &str| {
        name == "all" || policydb.type_of(name).is_some_and(|it| policydb.members(it).binary_search(&value).is_ok())
    };
    set.iter().any(|it| !it.starts_with('-') && is(it)) && !set.iter().any(|it| it.strip_prefix('-').is_some_and(is))
}

/// `21-25,29`: what follows each other among all levels is a range.
fn ranges_of(apis: &BTreeSet<u32>, all: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut before = None;
    for api in all {
        if apis.contains(api) {
            match ranges.last_mut().filter(|it| before == Some(it.1)) {
                Some(range) => range.1 = *api,
                None => ranges.push((*api, *api)),
            }
        }
        before = Some(*api);
    }
    let said = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(said).collect::<Vec<_>>().join(",")
}

/// Files in the order of AOSP's build, and whether all of a name are taken.
const ORDER: &[(&str, bool)] = &[
    ("security_classes", false),
    ("initial_sids", false),
    ("access_vectors", false),
    ("global_macros", true),
    ("neverallow_macros", true),
    ("mls_macros", false),
    ("mls_decl", false),
    ("mls", false),
    ("policy_capabilities", false),
    ("te_macros", true),
    ("attributes", true),
    ("ioctl_defines", true),
    ("ioctl_macros", true),
    ("*.te", true),
    ("roles_decl", true),
    ("roles", true),
    ("users", true),
    ("initial_sid_contexts", false),
    ("fs_use", false),
    ("genfs_contexts", false),
    ("port_contexts", false),
];

/// As a build for users is made.
const DEFINES: &[&str] = &[
    "mls_num_sens=1",
    "mls_num_cats=1024",
    "target_arch=arm64",
    "target_with_asan=false",
    "target_with_dexpreopt=false",
    "target_with_native_coverage=false",
    "target_build_variant=user",
    "target_full_treble=true",
    "target_compatible_property=true",
    "target_treble_sysprop_neverallow=true",
    "target_enforce_sysprop_owner=true",
    "target_exclude_build_test=false",
    "target_requires_insecure_execmem_for_swiftshader=false",
    "target_enforce_debugfs_restriction=true",
    "target_board_api_level=202404",
    "target_recovery=false",
    "force_permissive_to_unconfined=true",
];

const HEAD: &str = "\
# What Android's own SELinux policy lets apps and the shell do, and what it forbids to them, by API level. Derived by
# `cargo xtask baseline sepolicy` from AOSP's platform/system/sepolicy (before 24 platform/external/sepolicy; public domain),
# compiled as for users' builds, at these tags and commits:
# 21 android-5.0.0_r5 296b3f5e10b903cbd7594701c8eaf9ed2418ec3b
# 22 android-5.1.0_r1 37e296f19c9e69aa74df710ad7f0f58ce585bdcf
# 23 android-6.0.1_r74 21658af93cc6f83902a6d883957a353ed4700b13
# 25 android-7.1.2_r24 8c466c017fc2e7f577b216998546452af3bba75f
# 27 android-8.1.0_r46 aefde2e9bb1436b455f95b8ca0938afff74e7883
# 28 android-9.0.0_r37 3feb8646fe27f3ca87b590d163eb0645c8281398
# 29 android-10.0.0_r46 6ec9b2e9e20213a19f8a05d0c20e903399cfd581
# 30 android-11.0.0_r43 80bd0163f02aff932a8f091f3bfc11ea8c8d9959
# 32 android-12.1.0_r7 561e0b0286912db6ab4522cbb3a40aa4d2e62b21
# 33 android-13.0.0_r52 4f969f2af9cd16bec1c10d98669656b7c8544284
# 34 android-14.0.0_r50 5e74aa10bef5df5451c9dfdf3fb93d13d58f0de5
# `allow LEVELS DOMAIN CLASS PERMISSIONS TARGETS`; `never LEVELS DOMAINS CLASSES PERMISSIONS TARGETS`, where a target is a type or an
# attribute, with `-` in front one that is left out, or `all` or `self`. A range of levels is of those above alone.
";
