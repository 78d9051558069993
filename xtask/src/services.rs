//! `cargo xtask baseline services API=DIR…`: the names under which AOSP's own services are found, from `service_contexts` and
//! `hwservice_contexts` of source trees of AOSP's `system/sepolicy` (before Android 7 `external/sepolicy`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Reads every tree, and writes the table.
pub fn run(args: &[&str]) -> Result<()> {
    let mut names: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut levels = BTreeSet::new();
    for arg in args {
        let (api, folder) = arg.split_once('=').context("API=DIR")?;
        let api: u32 = api.parse()?;
        levels.insert(api);
        let found = names_in(Path::new(folder))?;
        ensure!(!found.is_empty(), "{folder} names no service");
        found.into_iter().for_each(|it| _ = names.entry(it).or_default().insert(api));
    }
    let mut out = HEAD.to_owned();
    for (name, apis) in &names {
        writeln!(out, "    {{ name = \"{name}\", sdks = [{}], source = \"sepolicy\" }},", ranges_of(apis, &levels))?;
    }
    out += TAIL;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/knowledge/data/baseline_services.toml");
    fs::write(&path, out)?;
    println!("{}: {} names", path.display(), names.len());
    Ok(())
}

fn names_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in ["service_contexts", "private/service_contexts", "private/hwservice_contexts"] {
        let path = folder.join(file);
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        names.extend(lines.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "*").map(str::to_owned));
    }
    Ok(names)
}

/// Ranges of levels. A level that is not among those given is as the next that is.
fn ranges_of(apis: &BTreeSet<u32>, levels: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    let first = levels.first().copied().unwrap_or_default();
    let mut from = first;
    for level in levels {
        if apis.contains(level) {
            match ranges.last_mut().filter(|it| it[1] + 1 == from) {
                Some(range) => range[1] = *level,
                None => ranges.push([from, *level]),
            }
        }
        from = level + 1;
    }
    ranges.iter().map(|[first, last]| format!("[{first}, {last}]")).collect::<Vec<_>>().join(", ")
}

const HEAD: &str = "\
# Names under which AOSP's own services are found by binder (`service_contexts`) and by HIDL (`hwservice_contexts`), by version:
# a phone whose policy knows others was given them by a maker.
#
# Recipe: `cargo xtask baseline services` over the trees of AOSP's platform/system/sepolicy (before 24 platform/external/sepolicy)
# at the tags that policy.txt names, from 5.0 (SDK 21) to 14 (SDK 34). 24, 26 and 31 are as the next that is known. `sdks`: ranges of
# SDK levels, first and last.

rows = [
";

const TAIL: &str = "\
]

[sources]
sepolicy = \"AOSP platform/system/sepolicy and platform/external/sepolicy, android-5.0.0_r5 to android-14.0.0_r50, by way of LineageOS/android_system_sepolicy and CyanogenMod/android_external_sepolicy (public domain)\"
";
