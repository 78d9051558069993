//! Phone and surface to findings. A detector judges facts; it opens nothing and cannot fail.
//!
//! Adding a detector is one new file and its line in the list below. Its `CASES` show it firing, and staying silent on
//! what looks the same and is innocent; without them the list does not compile for tests.

mod controllers;
#[cfg(test)]
mod fixture;
mod plugin;
mod presence;
mod rank;
mod way;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use knowledge::{Feeds, Knowledge};
use model::finding::Factors;
use model::{Class, Confidence, Finding, Grade};
use phone::Phone;
use surface::Surface;

pub use controllers::controllers;
pub use way::{is_act, is_faint, sink_words, source_words};

/// A detector.
pub struct Detector {
    /// Kebab-case, names what is wrong, is never reused.
    pub id: &'static str,
    /// The class of backdoor.
    pub class: Class,
    /// A few words.
    pub title: &'static str,
    /// Judges.
    pub detect: fn(&Context, &mut Vec<Finding>),
}

/// What a detector sees.
pub struct Context<'a> {
    /// The phone.
    pub phone: &'a Phone,
    /// Its surface.
    pub surface: &'a Surface<'a>,
    /// What the world knows.
    pub knowledge: &'a Knowledge,
    /// What the user wants looked for.
    pub feeds: &'a Feeds,
}

/// Declares the modules, the list, and for tests the list with its cases.
macro_rules! detectors {
    ($($name:ident,)*) => {
        $(mod $name;)*

        /// Every detector.
        pub static DETECTORS: &[&Detector] = &[$(&$name::DETECTOR,)*];

        #[cfg(test)]
        static CASES: &[(&Detector, &fixture::Cases)] = &[$((&$name::DETECTOR, &$name::CASES),)*];
    };
}

detectors! {
    added_ca,
    altered_image,
    build_contradiction,
    chain_across_layers,
    cleartext_updater,
    code_outside_app_folders,
    covert_telemetry,
    data_for_any_app,
    dangling_service,
    debug_properties,
    debug_signed_app,
    debuggable_app,
    device_management,
    dormant_code,
    evasive_container,
    exported_capability,
    exported_privileged_component,
    foreign_system_uid,
    hidden_installer,
    hidden_plugin,
    imitates_system,
    known_case,
    magic_secret,
    managed_phone,
    modem_bridge,
    old_patch_level,
    ota_keys,
    password_in_program,
    permissive_domain,
    policy_opens_apps,
    privileged_files,
    privileged_service,
    published_indicator,
    remote_command,
    root_daemon,
    runtime_implant,
    secret_dialer_code,
    stale_policy,
    stranger_adb_key,
    test_keys,
    trojanised_app,
    verification_disabled,
    watched_file,
    weak_permission,
    world_writable_node,
}

/// Runs every detector, and sorts what they find by rank (`rank.rs`).
pub fn detect(context: &Context) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for detector in DETECTORS {
        (detector.detect)(context, &mut findings);
    }
    findings.sort_by(|a, b| rank::rank_of(a).cmp(&rank::rank_of(b)));
    merged(findings)
}

/// What is said twice about one place of the phone, because the input holds two copies of its file (an unpacked ramdisk
/// beside the packed one), is one finding: the gravest, with the evidence of all.
fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        match known.entry(finding.id()) {
            Entry::Vacant(entry) => {
                entry.insert(merged.len());
                merged.push(finding);
            }
            Entry::Occupied(entry) => {
                if let Some(first) = merged.get_mut(*entry.get()) {
                    first.evidence.extend(finding.evidence);
                }
            }
        }
    }
    merged
}

impl Detector {
    /// A finding with what is common to all of this detector; the caller adds subject, place, evidence, the benign
    /// reading and what to do.
    fn finding(&self, grade: Grade, confidence: Confidence, factors: Factors, claim: String) -> Finding {
        Finding {
            detector: self.id,
            class: self.class,
            grade,
            confidence,
            factors,
            title: self.title.to_owned(),
            claim,
            benign: String::new(),
            subject: String::new(),
            device_path: String::new(),
            evidence: Vec::new(),
            flow: Vec::new(),
            references: Vec::new(),
            action: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Files of `src` that are no detector.
    const NO_DETECTOR: &[&str] = &["controllers", "fixture", "lib", "plugin", "presence", "rank", "way"];

    #[test]
    fn the_list_equals_the_folder() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut files: Vec<String> = folder
            .map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .filter(|it| !NO_DETECTOR.contains(&it.as_str()))
            .collect();
        files.sort();
        let mut ids: Vec<String> = DETECTORS.iter().map(|it| it.id.replace('-', "_")).collect();
        ids.sort();
        assert_eq!(ids, files, "every file in src is a detector of that id, and stands in the list");
    }

    #[test]
    fn two_copies_of_a_file_are_one_finding_with_both_as_evidence() {
        let copy = || stranger_adb_key::CASES.fires[0]().detect(&stranger_adb_key::DETECTOR);
        let findings = merged(copy().into_iter().chain(copy()).collect());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].evidence.len(), 2);
    }

    #[test]
    fn an_app_that_only_hides_is_no_finding() {
        let app = model::fact::app::App { label: Some("System Service".to_owned()), ..fixture::app("com.android.sys") };
        for path in ["/system/priv-app/S/S.apk", "/data/app/S/base.apk"] {
            let case = || fixture::Fixture::phone().platform("CN=p").app(path, app.clone(), "CN=x");
            for detector in DETECTORS {
                // Who takes a name from Android in a folder of the system is another question than who hides.
                let findings = case().detect(detector);
                assert!(findings.is_empty() || detector.id == "trojanised-app", "{findings:?}");
            }
        }
    }

    #[test]
    fn plug_ins_that_load_themselves_and_each_other_are_followed_once() {
        let (app, one, two) = ("/system/priv-app/A/A.apk", "/system/etc/one.dat", "/system/etc/two.dat");
        let fixture = fixture::Fixture::phone().platform("CN=p").app(app, fixture::app("a.b"), "CN=p");
        let fixture = fixture.loads(app, one).loads(one, one).loads(one, two).loads(two, one).loads(two, two);
        let fixture = fixture.flow(two, "network-input", "execute-command", None, &[]);
        let findings = fixture.detect(&hidden_plugin::DETECTOR);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].claim.contains(one) && findings[0].claim.contains(two), "{}", findings[0].claim);
    }

    #[test]
    fn every_detector_fires_on_its_cases_and_is_silent_on_what_looks_alike() {
        for (detector, cases) in CASES {
            assert!(!cases.fires.is_empty() && !cases.silent.is_empty(), "{} lacks a case", detector.id);
            for (n, case) in cases.fires.iter().enumerate() {
                let findings = case().detect(detector);
                assert!(!findings.is_empty(), "{} does not fire on its case {n}", detector.id);
                let mut ids = BTreeSet::new();
                for finding in findings {
                    assert!(ids.insert(finding.id()), "{}: two findings with one id: {finding:?}", detector.id);
                    assert_eq!(finding.detector, detector.id);
                    // A documented case has the class of what it documents.
                    assert!(finding.class == detector.class || detector.id == "known-case");
                    assert!(!finding.evidence.is_empty(), "{}: no evidence", detector.id);
                    assert!(
                        ![&finding.claim, &finding.benign, &finding.subject, &finding.action]
                            .iter()
                            .any(|it| it.is_empty()),
                        "{}: an empty text in {finding:?}",
                        detector.id
                    );
                }
            }
            for (n, case) in cases.silent.iter().enumerate() {
                let findings = case().detect(detector);
                assert!(findings.is_empty(), "{} fires on its look-alike {n}: {findings:?}", detector.id);
            }
        }
    }
}
