use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::Knowledge;
use crate::models::By;

/// The smallest case that passes.
const CASE: &str = r#"
id = "a-case"
title = "A case"
class = "root-daemon"
grade = "FINDING"
reach = "any-app"
power = "system"
years = [2020]
vendor = "someone"
devices = "some"
mechanism = "It does."
certainty = "confirmed"
indicators = [{ kind = "hash", value = "0123456789abcdef0123456789abcdef" }]
sources = [{ title = "a report", url = "https://example.org/report" }]
"#;

fn fault(change: (&str, &str)) -> String {
    assert!(CASE.contains(change.0), "{change:?}");
    Case::decode(&CASE.replace(change.0, change.1)).unwrap_err()
}

#[test]
fn the_smallest_case_passes() {
    assert_eq!(Case::decode(CASE).unwrap().id, "a-case");
}

#[test]
fn a_case_without_source_or_with_an_untyped_indicator_is_refused() {
    assert!(fault(("{ title = \"a report\", url = \"https://example.org/report\" }", "")).contains("no source"));
    assert!(fault(("https://example.org/report", "somewhere")).contains("no address"));
    assert!(fault(("kind = \"hash\", ", "")).contains("missing field `kind`"));
    assert!(fault(("kind = \"hash\"", "kind = \"colour\"")).contains("unknown variant `colour`"));
    assert!(fault(("mechanism", "mechanics")).contains("unknown field"));
}

#[test]
fn an_indicator_that_is_not_of_its_kind_is_refused() {
    for (kind, value) in [
        ("hash", "0123"),
        ("hash", "0123456789ABCDEF0123456789ABCDEF"),
        ("package", "one word"),
        ("domain", "Example.com"),
        ("domain", "10.0.0.1"),
        ("ip", "10.0.0.256"),
        ("port", "5555"),
        ("certificate", "0123456789abcdef"),
        ("class", "a.b.*.c"),
        ("string", "a"),
    ] {
        let change = format!("kind = \"{kind}\", value = \"{value}\"");
        let fault = fault(("kind = \"hash\", value = \"0123456789abcdef0123456789abcdef\"", &change));
        assert!(fault.contains(&format!("is no {kind}")), "{fault}");
    }
}

#[test]
fn names_alone_confirm_nothing() {
    let with = |confirms: &str| {
        let change = format!("indicators = []\nconfirms = [{confirms}]");
        Case::decode(
            &CASE.replace("indicators = [{ kind = \"hash\", value = \"0123456789abcdef0123456789abcdef\" }]", &change),
        )
    };
    assert!(with("{ kind = \"package\", any = [\"a.b\"] }").unwrap_err().contains("names alone"));
    assert!(with("{ kind = \"path\", any = [\"/a\"] }").unwrap_err().contains("names alone"));
    assert!(with("{ kind = \"package\", any = [] }").unwrap_err().contains("asks for nothing"));
    assert!(with("").unwrap_err().contains("does not say why"));
    assert!(with("{ kind = \"unguarded\", any = [\"a.b.C\"] }").is_ok());
}

#[test]
fn the_list_equals_the_folder_and_every_file_decodes() {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cases")).unwrap();
    let mut files: Vec<String> =
        folder.map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_owned()).collect();
    files.sort();
    let names: Vec<&str> = list::FILES.iter().map(|it| it.0).collect();
    assert_eq!(names, files, "every file of data/cases stands in the list, in order");
    for (name, text) in list::FILES {
        let case = Case::decode(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(case.id, *name, "a file is named after its case");
    }
}

#[test]
fn ids_are_unique_and_every_flow_is_of_kinds_that_a_rule_tells_of() {
    let knowledge = Knowledge::bundled();
    let mut ids = BTreeSet::new();
    for case in knowledge.cases.iter() {
        assert!(ids.insert(&case.id), "{} stands twice", case.id);
        for predicate in case.confirms.iter().chain(&case.acquits) {
            let Predicate::Flow { source, sink } = predicate else { continue };
            let told = |source: &String, sink: &String| knowledge.models.rule(By::Value, source, sink).is_some();
            assert!(source.iter().all(|it| sink.iter().any(|sink| told(it, sink))), "{}: {source:?}", case.id);
            assert!(sink.iter().all(|it| source.iter().any(|source| told(source, it))), "{}: {sink:?}", case.id);
        }
    }
    assert!(90 <= ids.len());
}

#[test]
fn no_case_looks_for_a_name_that_everyone_shares() {
    let knowledge = Knowledge::bundled();
    for case in knowledge.cases.iter() {
        let mut domains = case.indicators.iter().filter(|it| it.kind == IndicatorKind::Domain);
        assert!(domains.all(|it| knowledge.shared_suffixes.get(&it.value).is_none()), "{}", case.id);
    }
}

#[test]
fn a_cve_of_a_case_is_a_cve() {
    for case in Knowledge::bundled().cases.iter() {
        for cve in &case.cves {
            let parts: Vec<&str> = cve.split('-').collect();
            assert!(matches!(parts[..], ["CVE", year, number] if year.len() == 4 && 4 <= number.len()), "{cve}");
        }
    }
}
