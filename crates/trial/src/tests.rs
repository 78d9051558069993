use std::collections::BTreeSet;
use std::path::Path;

use model::finding::Grade;

use super::*;

#[test]
fn the_list_equals_the_folder_and_every_file_is_of_a_case() {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("data")).unwrap();
    let mut files: Vec<String> =
        folder.map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_owned()).collect();
    files.sort();
    let names: Vec<&str> = tried().collect();
    assert_eq!(names, files, "every file of data stands in the list, in order");
    for (name, text) in list::FILES {
        Trials::decode(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(Knowledge::bundled().cases.get(name).is_some(), "{name} is no case");
    }
}

#[test]
fn every_case_that_bytes_of_ours_can_confirm_is_confirmed_by_some_and_not_by_a_twin() {
    // A certificate or a hash cannot be made.
    let makeable = |it: &knowledge::Predicate| {
        !matches!(it, knowledge::Predicate::Certificate { .. } | knowledge::Predicate::Hash { .. })
    };
    let mut n_tried = 0;
    for case in Knowledge::bundled().cases.iter() {
        if case.confirms.is_empty() || !case.confirms.iter().all(makeable) {
            continue;
        }
        let trials = Trials::of(&case.id).unwrap_or_else(|| panic!("{} has no trials", case.id));
        assert!(0 < trials.count(Told::Confirmed), "nothing confirms {}", case.id);
        assert!(trials.count(Told::Confirmed) < trials.phones.len(), "{} has no twin", case.id);
        n_tried += 1;
    }
    assert!(50 <= n_tried, "{n_tried}");
}

/// One phone after the other, so that each is told by its name.
#[test]
fn each_phone_is_told_as_its_trial_says() {
    let mut faults = Vec::new();
    for (case, trials) in bundled() {
        let found = trials.run(case).unwrap();
        faults.extend(found.into_iter().map(|it| format!("{}: {}: {}", case.id, it.about, it.what)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_trial_can_go_wrong() {
    let case = Knowledge::bundled().cases.get("zte-scorem-2012").unwrap();
    let trials = Trials::of(&case.id).unwrap();
    let mut wrong: BTreeSet<String> = BTreeSet::new();
    for told in [Told::Confirmed, Told::Suspected, Told::Present, Told::Nothing] {
        let phones = trials.phones.iter().take(1).map(|it| Phone { told, ..it.clone() }).collect();
        let faults = Trials { phones }.run(case).unwrap();
        wrong.extend(faults.into_iter().map(|_| told.word().to_owned()));
    }
    assert_eq!(wrong.into_iter().collect::<Vec<_>>(), ["nothing", "present", "suspected"]);
    let because = vec!["words that nobody says".to_owned()];
    let phones = vec![Phone { because, ..trials.phones[0].clone() }];
    assert_eq!(Trials { phones }.run(case).unwrap().len(), 1);
}

#[test]
fn a_path_that_leaves_the_phone_is_refused() {
    let text = "[[phone]]\nabout = \"a\"\ntold = \"nothing\"\nfile = [{ path = \"/a/../../b\", text = \"\" }]\n";
    assert!(Trials::decode(text).unwrap_err().contains("is no path"));
}

#[test]
fn what_is_made_is_read_as_what_it_is() {
    let text = r#"
        [[phone]]
        about = "one of each"
        told = "nothing"
        properties = ["sys.a.b=1"]
        file = [
            { path = "/system/app/A/A.apk", app = "package a.b 1.2\nuser android.uid.phone\nuses a.b.P\npermission a.b.Q 2\nreceiver a.b.R exported on a.b.GO guard a.b.Q", code = ".class La/b/R; extends Landroid/content/BroadcastReceiver;" },
            { path = "/system/bin/a", elf = ["a text"] },
            { path = "kernel.img", kernel = ["a text"] },
        ]
    "#;
    let trials = Trials::decode(text).unwrap();
    let report = report_of(&trials.phones[0].bytes().unwrap()).unwrap();
    let gaps: Vec<&str> = report.gaps.iter().map(|it| it.why.as_str()).collect();
    assert!(!gaps.iter().any(|it| it.contains("malformed")), "{gaps:#?}");
    assert_eq!(report.apps.len(), 1);
    assert_eq!((report.apps[0].package.as_str(), report.apps[0].version.as_str()), ("a.b", "1.2"));
    assert!(report.findings.iter().all(|it| it.grade != Grade::Finding), "{:#?}", report.findings);
}
