//! What must be true of the rows that the program is built with, and what the loader refuses.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_bundled_models_can_be_read() {
    let models = Models::bundled();
    assert!(models.of("Ljava/lang/StringBuilder;", "append", "(I)Ljava/lang/StringBuilder;").is_some());
    let framework = models.framework();
    assert_eq!(framework.super_of("Landroid/app/Activity;"), Some("Landroid/view/ContextThemeWrapper;"));
    assert_eq!(framework.super_of("Landroid/app/job/JobService;"), Some("Landroid/app/Service;"));
    let installed = framework.overridable("Landroid/content/pm/IPackageInstallObserver$Stub;").next();
    assert_eq!(installed, Some(("packageInstalled", "(Ljava/lang/String;I)V")));
}

#[test]
fn only_what_every_phone_has_hides_an_apps_own_class() {
    let models = Models::bundled();
    let framework = models.framework();
    assert!(framework.has("Landroid/app/Activity;") && framework.is_everywhere("Landroid/app/Activity;"));
    assert!(framework.has("Landroid/app/job/JobService;") && !framework.is_everywhere("Landroid/app/job/JobService;"));
    assert!(!framework.is_everywhere("La/b/Mine;"));
}

#[test]
fn every_kind_of_a_rule_is_the_kind_of_a_row_and_the_other_way_round() {
    let models = Models::bundled();
    let kinds = |what: &str| -> BTreeSet<String> {
        models.counts().into_keys().filter(|it| it.0 == what).map(|it| it.1.to_owned()).collect()
    };
    let (mut sources, sinks) = (kinds("source"), kinds("sink"));
    sources.extend(OF_THE_ENGINE.iter().map(|it| it.to_string()));
    let told: BTreeSet<String> = models.rules.iter().flat_map(|it| it.sources.clone()).collect();
    assert_eq!(told, sources);
    let told: BTreeSet<String> = models.rules.iter().flat_map(|it| it.sinks.clone()).collect();
    assert_eq!(told, sinks);
    assert!(models.capabilities.iter().all(|it| sinks.contains(it)), "a capability is the kind of a sink");
}

#[test]
fn no_row_names_a_member_that_never_was() {
    let models = Models::bundled();
    let seen: BTreeSet<&str> =
        SEEN.lines().filter(|it| !it.starts_with('#')).filter_map(|it| it.split(' ').next()).collect();
    let rows = models.rows();
    let known = |it: &&String| !seen.contains(it.as_str()) && !models.documented().contains_key(it.as_str());
    let unknown: Vec<&String> = rows.iter().filter(known).collect();
    assert!(unknown.is_empty(), "run `cargo xtask framework`, or say what documents {unknown:?}");
    let stale: Vec<&&str> = seen.iter().filter(|it| !rows.contains(**it)).collect();
    assert!(stale.is_empty(), "no row any more: {stale:?}");
    let stale: Vec<&String> = models.documented().keys().filter(|it| !rows.contains(*it)).collect();
    assert!(stale.is_empty(), "no row any more: {stale:?}");
}

#[test]
fn the_page_on_the_models_tells_the_truth() {
    let models = Models::bundled();
    let mut told: Vec<String> = Vec::new();
    for ((what, kind), n) in models.counts() {
        told.push(format!("| {what} | `{kind}` | {n} |"));
    }
    let lacks: Vec<&String> =
        told.iter().filter(|line| !PAGE.lines().any(|it| it.starts_with(line.as_str()))).collect();
    assert!(lacks.is_empty(), "docs/models.md lacks\n{lacks:#?}");
    let n = PAGE.lines().filter(|it| ["| source |", "| sink |", "| guard |"].iter().any(|start| it.starts_with(start)));
    assert_eq!(n.count(), told.len(), "docs/models.md tells of a kind that is none");
    for rule in models.rules() {
        assert!(PAGE.contains(&format!("`{}`", rule.id)), "docs/models.md lacks the rule {}", rule.id);
    }
}

#[test]
fn a_condition_is_met_by_what_starts_like_it() {
    let text = r#"
        [[sinks]]
        kind = "k"
        ports = ["args"]
        when = { port = "arg0", starts = ["ctl."] }
        methods = ["La;->set"]
    "#;
    let models = Models::parse(&[text]).unwrap();
    let Some([Rule::Sink { when: Some(when), .. }]) = models.of("La;", "set", "()V") else { panic!("no sink") };
    assert!(when.is_met("ctl.start") && !when.is_met("persist.ctl.start"));
}

#[test]
fn several_names_of_one_class_stand_in_one_text() {
    let text = "[[guards]]\nkind = \"k\"\nmethods = [\"La;->one,two\"]";
    let models = Models::parse(&[text]).unwrap();
    assert_eq!(models.rows(), ["La;->one".to_owned(), "La;->two".to_owned()].into());
}

#[test]
fn the_loader_refuses_what_it_does_not_know() {
    for (text, why) in [
        ("[[sources]]\nkind = \"k\"\nmethods = [\"La;->b\"]\ncolour = 1", "colour"),
        ("[[sauces]]\nkind = \"k\"", "sauces"),
        ("[[rules]]\nid = \"a\"\ntitle = \"b\"\nsources = []\nsinks = []\nmore = 1", "more"),
        ("[[lifecycle]]\ncomponent = \"a\"\nstart = []\nstop = []\nmore = 1", "more"),
        ("[[sources]]\nkind = \"k\"\nport = \"somewhere\"\nmethods = [\"La;->b\"]", "no port"),
        ("[[sources]]\nkind = \"k\"\nport = \"r0\"\nmethods = [\"La;->b\"]", "no port"),
        ("[[sinks]]\nkind = \"k\"\nports = [\"arg\"]\nmethods = [\"La;->b\"]", "no port"),
        ("[[flows]]\nflow = [\"this = return\"]\nmethods = [\"La;->b\"]", "no flow"),
        ("[[calls]]\ncalls = [\"r9 = this.run()\"]\nmethods = [\"La;->b\"]", "no call"),
        ("[[builtins]]\nbuiltin = \"dance\"\nmethods = [\"La;->b\"]", "dance"),
        ("[[guards]]\nkind = \"k\"\nmethods = [\"a.b.c\"]", "no member"),
        ("[[guards]]\nkind = \"k\"\nmethods = [\"a.b.C->d\"]", "no member"),
        ("[[guards]]\nkind = \"k\"\nmethods = [\"La;->\"]", "no member"),
        (
            "[[sinks]]\nkind = \"k\"\nports = []\nwhen = { port = \"arg0\", starts = [] }\nmethods = [\"La;->b\"]",
            "nothing",
        ),
    ] {
        let error = Models::parse(&[text]).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn the_loader_refuses_a_row_that_says_what_another_says() {
    for text in [
        "[[guards]]\nkind = \"k\"\nmethods = [\"La;->b\", \"La;->b\"]",
        "[[sources]]\nkind = \"k\"\nmethods = [\"La;->b\"]\n[[sources]]\nkind = \"k\"\nmethods = [\"La;->b\"]",
        "[[flows]]\nflow = [\"this -> return\"]\nmethods = [\"La;->b\"]\n[[flows]]\nflow = [\"arg0 -> this\", \"this -> return\"]\nmethods = [\"La;->b\"]",
        "[[fields]]\nkind = \"k\"\nfields = [\"La;->b\"]\n[[fields]]\nkind = \"l\"\nfields = [\"La;->b\"]",
        "[[actions]]\nkind = \"k\"\nactions = [\"a\", \"a\"]",
        "[[callbacks]]\nkind = \"k\"\narg = 0\nmethods = [\"La;->b\", \"La;->b\"]",
    ] {
        let error = Models::parse(&[text]).expect_err(text);
        assert!(error.starts_with("twice"), "{text}: {error}");
    }
    let two = "[[guards]]\nkind = \"k\"\nmethods = [\"La;->b\"]\n[[guards]]\nkind = \"l\"\nmethods = [\"La;->b\"]";
    assert!(Models::parse(&[two]).is_ok(), "two kinds are no repetition");
}

/// Sources that the engine makes without a row.
const OF_THE_ENGINE: &[&str] = &["activity-result", "exported-intent", "password"];

/// Members of rows that were found in Android or in apps, with where.
const SEEN: &str = include_str!("seen.txt");

const PAGE: &str = include_str!("../../../../docs/models.md");
