use knowledge::{IndicatorKind, Feeds, Knowledge, Place, Within};
use model::Location;
use model::fact::app::{App, ComponentKind};
use model::fact::flow::{Flow, Step, Way};

use super::*;
use crate::fixture::{Fixture, app, component};
use knowledge::Predicate;

/// A phone on which every condition of a case holds, but for one.
fn phone_of(case: &Case, without: Option<usize>) -> Fixture {
    let conditions: Vec<&Predicate> =
        case.confirms.iter().enumerate().filter(|it| Some(it.0) != without).map(|it| it.1).collect();
    let mut it = App { package: "a.b".to_owned(), ..app("a.b") };
    let (mut signer, mut path) = ("CN=p", "/system/priv-app/A/A.apk");
    let mut fixture = Fixture::phone().platform("CN=p");
    for condition in &conditions {
        match condition {
            Predicate::Package { any, place } => {
                it.package.clone_from(&any[0]);
                if *place == Some(Place::Data) {
                    path = "/data/app/A/A.apk";
                }
            }
            Predicate::Certificate { any, place } => {
                signer = &any[0];
                if *place == Some(Place::Data) {
                    path = "/data/app/A/A.apk";
                }
            }
            Predicate::Unguarded { any } => {
                it.components.push(component(ComponentKind::Receiver, &any[0], None, &["a.b.DO"]));
            }
            Predicate::Class { any } => {
                let class = any[0].clone();
                fixture = fixture.sighting("/system/lib/a.dex", &["dex"], IndicatorKind::Class, &class, 0);
            }
            Predicate::Hash { any } => {
                fixture = fixture.sighting("/system/bin/a", &["elf"], IndicatorKind::Hash, &any[0], 0);
            }
            Predicate::Path { any } => _ = fixture.file(&any[0]),
            Predicate::Holds { any, path, within } => {
                let (path, formats): (String, &[&'static str]) = match (path, within) {
                    (Some(path), _) if path.contains('/') => (path.clone(), &["elf"]),
                    (Some(path), _) => (format!("/system/lib/{path}"), &["elf"]),
                    (None, Within::Code) => ("/system/lib/b.so".to_owned(), &["elf"]),
                    (None, Within::Kernel) => ("/system/k".to_owned(), &["kernel"]),
                    (None, Within::Partition) => ("aboot.img".to_owned(), &[]),
                };
                // As it is looked for: as what the case says it is.
                let known = case.indicators.iter().find(|it| it.value == any[0]);
                let kind = known.map_or(IndicatorKind::String, |it| it.kind);
                fixture = fixture.sighting(&path, formats, kind, &any[0], 0);
            }
            Predicate::Property { name, any } => {
                fixture = fixture.property(name, any.first().map_or("1", |it| it));
            }
            Predicate::Flow { .. } => {
                it.components.push(component(ComponentKind::Receiver, "a.C", None, &["a.b.DO"]));
            }
            Predicate::VersionBelow { .. } => {}
        }
    }
    let package = it.package.clone();
    fixture = fixture.app(path, it, signer);
    for condition in conditions {
        let Predicate::Flow { source, sink } = condition else { continue };
        let file = fixture.tree.iter().find(|it| it.name == path).map(|it| it.id).unwrap();
        let at = Location { artifact: file, offset: 0, size: 0 };
        let step = Step { at: Some(at), class: "a.C".into(), method: "m()V".into(), what: "it".into() };
        let flow = Flow {
            package: package.clone(),
            rule: "rule".into(),
            source: source[0].clone(),
            sink: sink[0].clone(),
            component: Some("a.C".into()),
            way: Way { steps: vec![step], ..Way::default() },
            bundled: false,
            secret: None,
            into: None,
        };
        fixture.facts.flows.push(Fixture::row(file, flow));
    }
    fixture
}

/// Whether a case is told as what it is, and not for information.
fn is_confirmed(case: &Case, fixture: Fixture) -> bool {
    fixture
        .detect(&DETECTOR)
        .iter()
        .any(|it| it.subject == case.id && it.grade == case.grade && it.factors.power == case.power)
}

#[test]
fn every_case_is_confirmed_by_all_its_conditions_and_by_no_fewer() {
    let mut n_confirmed = 0;
    for case in Knowledge::bundled().cases.iter().filter(|it| !it.confirms.is_empty()) {
        assert!(is_confirmed(case, phone_of(case, None)), "{} is not confirmed", case.id);
        for (index, condition) in case.confirms.iter().enumerate() {
            assert!(
                !is_confirmed(case, phone_of(case, Some(index))),
                "{} is confirmed although this is not so: {}",
                case.id,
                condition.words()
            );
        }
        n_confirmed += 1;
    }
    assert!(50 <= n_confirmed, "{n_confirmed}");
}

#[test]
fn a_value_through_a_shared_place_or_a_guarded_door_confirms_nothing() {
    let case = Knowledge::bundled().cases.get("xiaomi-preinstalled-2019").unwrap();
    assert!(is_confirmed(case, phone_of(case, None)));
    let mut indirect = phone_of(case, None);
    for row in &mut indirect.facts.flows {
        row.value.way.indirect = true;
    }
    assert!(!is_confirmed(case, indirect), "what lies in a field of the app may be somebody else's");
    let mut guarded = phone_of(case, None);
    for row in &mut guarded.facts.apps {
        for it in &mut row.value.components {
            it.permission = Some("android.permission.DUMP".to_owned());
        }
    }
    assert!(!is_confirmed(case, guarded));
}

#[test]
fn the_thing_itself_confirms_its_case() {
    let mut n = 0;
    for case in Knowledge::bundled().cases.iter() {
        for indicator in case.indicators.iter().filter(|it| it.is_decisive()) {
            let fixture = match indicator.kind {
                IndicatorKind::Hash => {
                    Fixture::phone().sighting("/system/bin/a", &["elf"], IndicatorKind::Hash, &indicator.value, 0)
                }
                _ => Fixture::phone().app("/data/app/A/A.apk", app("a.b"), &indicator.value),
            };
            assert!(is_confirmed(case, fixture), "{}: {}", case.id, indicator.value);
            n += 1;
        }
    }
    assert!(20 <= n, "{n}");
}

#[test]
fn names_alone_are_never_a_finding() {
    for case in Knowledge::bundled().cases.iter() {
        for indicator in case.indicators.iter().filter(|it| it.kind == IndicatorKind::Package) {
            let findings = Fixture::phone().app("/system/app/A/A.apk", app(&indicator.value), "CN=a").detect(&DETECTOR);
            assert!(findings.iter().all(|it| Grade::Suspicion < it.grade), "{}: {}", case.id, indicator.value);
        }
    }
}

#[test]
fn a_guarded_component_is_told_for_information_with_its_guard() {
    let name = "com.dropboxchmod.DropboxChmodService";
    let service = component(ComponentKind::Service, name, Some("android.permission.DUMP"), &[]);
    let phone = Fixture::phone()
        .platform("CN=p")
        .app("/system/app/A/A.apk", App { components: vec![service], ..app("com.dropboxchmod") }, "CN=p");
    let findings = phone.detect(&DETECTOR);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].grade, findings[0].factors.power), (Grade::Capability, Power::None));
    assert!(findings[0].claim.contains("is guarded by android.permission.DUMP"), "{}", findings[0].claim);
}

#[test]
fn two_independent_signs_are_a_suspicion_and_say_what_is_missing() {
    let phone = Fixture::phone()
        .with_file("/system/bin/pandoraspear")
        .sighting("/system/app/A/A.dex", &["dex"], IndicatorKind::Hash, "0", 0);
    assert_eq!(phone.detect(&DETECTOR)[0].grade, Grade::Capability, "one name of a file");
    let phone = Fixture::phone()
        .with_file("/data/system/Corejava/node")
        .app("/system/app/A/A.apk", app("com.www.intallapp"), "CN=a");
    let findings = phone.detect(&DETECTOR);
    let t95 = findings.iter().find(|it| it.subject == "t95-2023").unwrap();
    assert_eq!(t95.grade, Grade::Suspicion);
    assert!(t95.claim.contains("not confirmed: none of this stands in it"), "{}", t95.claim);
}

#[test]
fn a_host_counts_where_it_is_used_and_not_in_a_list() {
    let with = |path: &str, formats: &[&'static str], n_hosts| {
        let host = "ycxrl.com";
        let phone = Fixture::phone().sighting(path, formats, IndicatorKind::Domain, host, n_hosts);
        phone.detect(&DETECTOR).iter().filter(|it| it.grade == Grade::Finding).count()
    };
    assert_ne!(with("/system/bin/a", &["elf"], 3), 0);
    assert_eq!(with("/system/etc/list.txt", &[], 3), 0);
    assert_eq!(with("/system/bin/a", &["elf"], 3000), 0);
    let mut guard = Fixture::phone();
    for domain in Knowledge::bundled().cases.iter().flat_map(|it| &it.indicators) {
        if domain.kind == IndicatorKind::Domain {
            guard = guard.sighting("/system/bin/a", &["elf"], IndicatorKind::Domain, &domain.value, 200);
        }
    }
    assert!(guard.detect(&DETECTOR).iter().all(|it| it.grade != Grade::Finding), "a program that knows them all");
}

#[test]
fn what_acquits_is_said() {
    let text = r#"
        id = "made"
        title = "Made"
        class = "root-daemon"
        grade = "FINDING"
        reach = "any-app"
        power = "system"
        years = [2020]
        vendor = "someone"
        devices = "some"
        mechanism = "It does."
        certainty = "confirmed"
        indicators = [{ kind = "package", value = "a.b" }]
        confirms = [
            { kind = "version-below", package = "a.b", version = "2.10" },
            { kind = "property", name = "a.c" },
        ]
        acquits = [{ kind = "property", name = "ro.build.type", any = ["eng"] }]
        sources = [{ title = "a report", url = "https://example.org/report" }]
    "#;
    let case = Case::decode(text).unwrap();
    let told = |version: &str, build: &str| {
        let it = App { version_name: Some(version.to_owned()), ..app("a.b") };
        let phone = Fixture::phone()
            .property("ro.build.type", build)
            .property("a.c", "1")
            .app("/system/app/A/A.apk", it, "CN=a")
            .assemble();
        let surface = surface::Surface::of(&phone);
        let feeds = Feeds::default();
        let context = Context { phone: &phone, surface: &surface, knowledge: Knowledge::bundled(), feeds: &feeds };
        let presence = Presence::of(&context);
        let signs = presence.signs_of(&case);
        let finding = judge(&presence, &case, &signs).unwrap();
        (finding.grade, finding.claim)
    };
    assert_eq!(told("2.9", "user").0, Grade::Finding);
    let (grade, claim) = told("2.10.1", "user");
    assert_eq!(grade, Grade::Capability);
    assert!(claim.contains("a.b has version 2.10.1, which is not below 2.10"), "{claim}");
    let (grade, claim) = told("2.9", "eng");
    assert_eq!(grade, Grade::Capability);
    assert!(claim.contains("acquitted: the property ro.build.type is eng"), "{claim}");
}
