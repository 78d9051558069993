//! Who made what is inside a phone, beside who signed it: what AOSP has too, kits, hosts, and CVE records. Facts for the
//! annex, of which none is a finding.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use knowledge::{AppCve, Knowledge};
use model::ArtifactId;
use model::fact::app::{App, Component};
use model::fact::company::CompanySignKind;
use model::fact::context::ContextKind;
use model::report::{HostLine, JarLine, Provenance, RecordLine, SdkLine, ServiceLine};
use phone::{InstalledApp, Phone};
use surface::Guard;

use crate::conclude::version_of;

/// Looks everything up.
pub fn of(phone: &Phone) -> Provenance {
    let knowledge = Knowledge::bundled();
    let signs = signs_of(phone);
    let found = |kind, name: &str| signs.get(&(kind, name)).map(|it| it.iter().cloned().collect::<Vec<_>>());
    let mut sdks: Vec<SdkLine> = knowledge
        .sdks
        .iter()
        .filter_map(|row| {
            Some(SdkLine {
                found_in: found(CompanySignKind::Sdk, &row.name)?,
                name: row.name.clone(),
                company: row.company.clone(),
                country: row.country.clone(),
                does: row.does.clone(),
                source: row.source.clone(),
            })
        })
        .collect();
    sdks.sort();
    let mut hosts: Vec<HostLine> = knowledge
        .company_hosts
        .iter()
        .filter_map(|row| {
            Some(HostLine {
                found_in: found(CompanySignKind::Host, &row.host)?,
                host: row.host.clone(),
                company: row.company.clone(),
                country: row.country.clone(),
                does: row.does.clone(),
                source: row.source.clone(),
            })
        })
        .collect();
    hosts.sort();
    let sdk = sdk_of(phone);
    let boot_class_path = phone.boot_class_path.iter().map(|path| JarLine {
        device_path: path.clone(),
        in_aosp: sdk.and_then(|it| knowledge.baseline_boot_jars.has(path, it)),
    });
    Provenance {
        sdks,
        hosts,
        boot_class_path: boot_class_path.collect(),
        added_services: added_services_of(phone, sdk),
        records: records_of(phone, knowledge),
    }
}

/// What the policy that the phone runs has a name for, and AOSP's has not.
fn added_services_of(phone: &Phone, sdk: Option<u32>) -> Vec<ServiceLine> {
    let Some(sdk) = sdk else { return Vec::new() };
    let known = &Knowledge::bundled().baseline_services;
    let mut added: BTreeMap<&str, ServiceLine> = BTreeMap::new();
    for row in phone.running(&phone.facts.contexts) {
        let rule = &row.value;
        let is_service = matches!(rule.kind, ContextKind::Service | ContextKind::HwService);
        if is_service && rule.pattern != "*" && known.has(&rule.pattern, sdk) == Some(false) {
            added.entry(&rule.pattern).or_insert_with(|| ServiceLine {
                name: rule.pattern.clone(),
                label: rule.context.clone(),
                device_path: phone.device_path(row.at.artifact).to_owned(),
            });
        }
    }
    added.into_values().collect()
}

/// The version that the phone says it has.
pub fn sdk_of(phone: &Phone) -> Option<u32> {
    phone.properties.value("ro.build.version.sdk").and_then(|it| it.parse().ok())
}

/// Whether AOSP of this version has such a package.
pub fn in_aosp(app: &InstalledApp, sdk: Option<u32>) -> Option<bool> {
    Knowledge::bundled().baseline_packages.has(&app.app.package, sdk?)
}

/// Where each kit and host was seen: in the app that the file lies in, else in the file. A host is left out where it is one of
/// very many.
fn signs_of(phone: &Phone) -> HashMap<(CompanySignKind, &str), BTreeSet<String>> {
    let mut apps: HashMap<ArtifactId, &str> = HashMap::new();
    for app in &phone.apps.all {
        let files = std::iter::once(app.artifact).chain(app.splits.iter().copied());
        apps.extend(files.map(|it| (it, app.app.package.as_str())));
    }
    let mut signs: HashMap<(CompanySignKind, &str), BTreeSet<String>> = HashMap::new();
    for row in &phone.facts.company_signs {
        let sign = &row.value;
        if sign.kind == CompanySignKind::Host && HOSTS_OF_A_LIST < sign.n_hosts {
            continue;
        }
        let around = || phone.tree.ancestors(row.at.artifact).map(|it| it.id);
        let app = around().find_map(|it| apps.get(&it)).map(|it| (*it).to_owned());
        let file = || around().map(|it| phone.device_path(it)).find(|it| !it.is_empty());
        let place = app.or_else(|| file().map(str::to_owned));
        let place = place.unwrap_or_else(|| phone.tree.path(row.at.artifact));
        signs.entry((sign.kind, sign.name.as_str())).or_default().insert(place);
    }
    signs
}

/// Records whose app is here, with a component that they name or in a version that they are about: a package name alone
/// says nothing.
fn records_of(phone: &Phone, knowledge: &Knowledge) -> Vec<RecordLine> {
    let fingerprint = phone.properties.build("fingerprint").unwrap_or_default();
    let mut records: BTreeMap<(String, String), RecordLine> = BTreeMap::new();
    for app in phone.apps.effective() {
        for record in knowledge.preinstalled_cves.of_package(&app.app.package) {
            let guard = |it: &Component| surface::guard_of(phone, it);
            let Some(standing) = standing_of(record, &app.app, fingerprint, &guard) else { continue };
            let line = RecordLine {
                cve: record.cve.clone(),
                package: app.app.package.clone(),
                version: version_of(app),
                exposes: format!("{} to {}", record.exposes.words(), record.to.words()),
                standing,
                device_path: app.device_path.clone(),
            };
            records.insert((line.cve.clone(), line.package.clone()), line);
        }
    }
    records.into_values().collect()
}

/// Whether a record is about this app, in words; `None` where nothing but the package's name says so.
fn standing_of(
    record: &AppCve,
    app: &App,
    fingerprint: &str,
    guard_of: &dyn Fn(&Component) -> Guard,
) -> Option<String> {
    let named: Vec<_> = app.components.iter().filter(|it| record.components.contains(&it.name)).collect();
    let is_named_build = record.builds.iter().any(|it| it == fingerprint);
    let is_named_version = app.version_code.is_some_and(|it| record.version_codes.contains(&it));
    if !record.components.is_empty() && named.is_empty() {
        return None;
    }
    let target = app.effective_target_sdk();
    let open: Vec<_> = named.iter().filter(|it| it.is_exported(target) && it.enabled).collect();
    if !named.is_empty() && open.is_empty() {
        return Some("the component that it names is closed here".to_owned());
    }
    // What guards all that are left, if no other app can get past it.
    let guards: Option<BTreeSet<String>> = open
        .iter()
        .map(|it| match guard_of(it) {
            Guard::Closed { permission, .. } => Some(permission),
            _ => None,
        })
        .collect();
    if let Some(guards) = guards.filter(|it| !it.is_empty()) {
        let guards: Vec<String> = guards.into_iter().collect();
        return Some(format!(
            "the component that it names is guarded here by {}, which only apps of the same signer or privileged ones get",
            guards.join(" and ")
        ));
    }
    let standing = match () {
        () if is_named_build => "this is the build that it is about",
        () if is_named_version => "this is the version that it is about, in a build that it may not be about",
        () => match (numbers(app.version_name.as_deref().unwrap_or_default()), numbers(&record.below)) {
            (Some(is), Some(below)) if is < below => "this version is affected",
            (Some(_), Some(_)) => "this version is corrected",
            _ if named.is_empty() => return None,
            _ => "the component that it names is here; whether this version is affected is not known",
        },
    };
    Some(standing.to_owned())
}

/// A version as numbers.
fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|it| it.parse().ok()).collect()
}

/// Real programs name some dozen hosts, browsers and stores a few hundred; what names more knows them, as a guard does.
const HOSTS_OF_A_LIST: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> &'static AppCve {
        Knowledge::bundled().preinstalled_cves.get("CVE-2018-15007").unwrap()
    }

    fn app(code: i64, components: &[(&str, bool)]) -> App {
        let component = |(name, exported): &(&str, bool)| Component {
            name: (*name).to_owned(),
            exported: Some(*exported),
            enabled: true,
            ..Component::default()
        };
        let components = components.iter().map(component).collect();
        App { package: record().packages[0].clone(), version_code: Some(code), components, ..App::default() }
    }

    #[test]
    fn a_record_is_told_by_component_and_version_and_never_by_a_package_alone() {
        let named = "com.adups.fota.sysoper.WriteCommandReceiver";
        let open = |_: &Component| Guard::None;
        assert_eq!(standing_of(record(), &app(238, &[]), "", &open), None);
        let of = |code, exported, build: &str| {
            standing_of(record(), &app(code, &[(named, exported)]), build, &open).unwrap()
        };
        assert!(of(999, true, "").ends_with("whether this version is affected is not known"));
        assert!(of(238, true, "").starts_with("this is the version"));
        assert!(of(999, true, &record().builds[0]).starts_with("this is the build"));
        assert!(of(238, false, &record().builds[0]).ends_with("is closed here"));
    }

    #[test]
    fn a_record_whose_component_is_guarded_by_a_signature_says_so() {
        let named = "com.adups.fota.sysoper.WriteCommandReceiver";
        let told = |guard: Guard| standing_of(record(), &app(238, &[(named, true)]), "", &|_| guard.clone()).unwrap();
        let permission = "com.fw.upgrade.sysoper.WRITE".to_owned();
        let closed = Guard::Closed { permission: permission.clone(), declared_by: "com.fw.upgrade".to_owned() };
        assert!(
            told(closed).starts_with("the component that it names is guarded here by com.fw.upgrade.sysoper.WRITE")
        );
        let level = phone::ProtectionLevel(0);
        for guard in [Guard::Undeclared { permission: permission.clone() }, Guard::None] {
            assert!(told(guard).starts_with("this is the version"), "anyone who asks gets past it");
        }
        let open = Guard::Open { permission, declared_by: "com.fw.upgrade".to_owned(), level };
        assert!(told(open).starts_with("this is the version"));
    }
}
