//! What `cargo deny` checks of licences, sources and versions, from `cargo metadata` and `deny.toml` alone: a guard that
//! every machine has. `cargo deny` itself stays the authority.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Checks every package that the lock file names, for every platform.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    let deny: toml::Table = std::fs::read_to_string(root.join("deny.toml")).context("deny.toml")?.parse()?;
    let allowed = deny.get("licenses").and_then(|it| it.get("allow")).and_then(toml::Value::as_array);
    let allowed: BTreeSet<&str> =
        allowed.context("deny.toml: licenses.allow")?.iter().filter_map(|it| it.as_str()).collect();
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", output.status);
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let faults: Vec<String> = packages.iter().flat_map(|it| faults_of(it, &allowed)).collect();
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} faults", faults.len());
    }
    println!("{} packages", packages.len());
    Ok(())
}

/// What is wrong with one package of `cargo metadata`.
fn faults_of(package: &Value, allowed: &BTreeSet<&str>) -> Vec<String> {
    let name = format!("{} {}", package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"));
    let mut faults = Vec::new();
    match package["license"].as_str() {
        Some(licence) if is_allowed(licence, allowed) => {}
        Some(licence) => faults.push(format!("{name}: licence {licence} is not in deny.toml")),
        None => faults.push(format!("{name}: no licence")),
    }
    // Our own packages have no source: they are given by path.
    let source = package["source"].as_str();
    if source.is_some_and(|it| it != CRATES_IO) {
        faults.push(format!("{name}: comes from {}", source.unwrap_or_default()));
    }
    if source.is_none() {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["req"] == "*" && dependency["path"].is_null() {
                faults.push(format!("{name}: any version of {} will do", dependency["name"]));
            }
        }
    }
    faults
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether an SPDX expression can be met: `AND` binds stronger than `OR`, and an older `/` means `OR`. A licence `WITH`
/// an exception is one licence.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, allowed };
    parser.any() == Some(true) && parser.tokens.is_empty()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a BTreeSet<&'a str>,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.eat("OR") {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.eat("AND") {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.eat("(") {
            let met = self.any()?;
            return self.eat(")").then_some(met);
        }
        let licence = self.take()?;
        if self.eat("WITH") {
            let exception = self.take()?;
            return Some(self.allowed.contains(format!("{licence} WITH {exception}").as_str()));
        }
        Some(self.allowed.contains(licence))
    }

    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn eat(&mut self, word: &str) -> bool {
        let there = self.tokens.first() == Some(&word);
        if there {
            self.take();
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_expression_is_met_by_what_is_allowed() {
        let allowed = BTreeSet::from(["MIT", "Unicode-3.0"]);
        for met in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(is_allowed(met, &allowed), "{met}");
        }
        for unmet in ["GPL-3.0", "MIT AND GPL-3.0", "MIT WITH LLVM-exception", "(MIT", "MIT MIT", "", "OR MIT"] {
            assert!(!is_allowed(unmet, &allowed), "{unmet}");
        }
    }

    #[test]
    fn a_package_from_elsewhere_or_of_any_version_is_a_fault() {
        let allowed = BTreeSet::from(["MIT"]);
        let ours = serde_json::json!({ "name": "ours", "version": "1.0.0", "license": "MIT", "source": null,
            "dependencies": [{ "name": "theirs", "req": "*" }, { "name": "model", "req": "*", "path": "crates/model" }] });
        assert_eq!(faults_of(&ours, &allowed), ["ours 1.0.0: any version of \"theirs\" will do"]);
        let theirs =
            serde_json::json!({ "name": "theirs", "version": "1.0.0", "source": "git+https://example.invalid" });
        assert_eq!(faults_of(&theirs, &allowed).len(), 2);
    }
}
