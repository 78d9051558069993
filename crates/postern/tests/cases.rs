//! The cases of `cases/`: each is an input, what must be found in it and what must not, and the report as it is printed.
//! `cases/README.md` says how a case is made.

mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// One test a case, and the list, which equals the folder.
macro_rules! cases {
    ($($name:ident,)*) => {
        $(#[test] fn $name() { check(&stringify!($name).replace('_', "-")); })*

        const CASES: &[&str] = &[$(stringify!($name),)*];
    };
}

cases! {
    a_router,
    adb_key_in_image,
    adb_key_of_the_user,
    added_authority,
    agent_by_message,
    agent_by_push,
    agent_by_wap_push,
    agent_of_the_user,
    agent_without_messages,
    android_game,
    androids_open_nodes,
    app_as_data,
    app_with_a_comment,
    before_verification,
    clock_as_signed,
    clock_changed,
    clock_repacked,
    clock_stripped,
    commands_from_the_modem,
    commands_to_the_modem,
    constant_away,
    custom_build,
    debug_properties,
    desk_password,
    desk_password_file,
    desk_service,
    desk_service_asked,
    device_owner,
    dialer_code,
    engineering_build,
    fingerprint_of_another,
    help_line,
    help_line_inside,
    helper_by_name,
    helper_by_name_asked,
    init_own_label,
    init_su_label,
    log_for_all,
    log_for_one_app,
    mail_with_rules,
    malformed_app,
    malformed_dictionary,
    message_kept,
    message_word,
    messages_away,
    modem_for_the_system,
    modem_log,
    name_asked,
    node_locked_by_policy,
    node_open_in_mode_and_policy,
    number_kept,
    number_over_http,
    older_than_its_android,
    open_node,
    ota_own_key,
    ota_test_key,
    panel_helper,
    panel_helper_other,
    panel_mode,
    panel_reflection,
    patches_of_another_year,
    permissive_domain,
    permissive_in_a_comment,
    plain_build,
    policy_opens_partitions,
    public_authority,
    retail_agent,
    router_image,
    screen_of_settings,
    screen_reader,
    sealed_pictures,
    sealed_words,
    second_debug_daemon,
    server_code,
    server_line,
    server_line_of_a_user,
    server_text,
    service_of_another_partition,
    service_on_data,
    service_without_program,
    sound_profile,
    sound_profile_guarded,
    sound_profile_listed,
    store_with_icon,
    strong_permission,
    su_of_engineers,
    su_set_id,
    sync_helper,
    system_service,
    system_ui_of_a_maker,
    system_ui_of_another,
    system_ui_of_the_platform,
    system_ui_twice,
    theme_overlay,
    time_zones,
    time_zones_data,
    time_zones_library,
    two_manifests,
    two_services_without_program,
    unverified_system,
    watched_line,
    watched_own_line,
    weak_permission,
    word_list,
    word_plugin,
}

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the input is, in a line.
    title: String,
    /// The class of backdoor that it shows, or looks like.
    class: String,
    /// Why the answer is right.
    why: String,
    /// By what it is told; two cases of a class are told by different things.
    mechanism: Option<String>,
    /// The exit code.
    exit: i32,
    /// The answer of the verdict, where the case is about it.
    answer: Option<String>,
    /// `tar`: the input is given as one archive, with modes.
    packed: Option<String>,
    /// Modes of files in it, in octal. Everything belongs to root.
    #[serde(default)]
    modes: BTreeMap<String, String>,
    /// All that is found: nothing else may be.
    #[serde(default)]
    found: Vec<Found>,
    /// The detectors for which the input is a look-alike.
    #[serde(default)]
    silent: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    detector: String,
    grade: String,
    device_path: String,
    /// Words of the claim, where the first three do not tell findings apart.
    #[serde(default)]
    claim: String,
}

fn check(name: &str) {
    let folder = root().join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let case: Case = toml::from_str(&read("case.toml")).unwrap();
    assert!(!case.found.is_empty() || !case.silent.is_empty(), "{name} says neither what is found nor what is not");

    let work = tempfile::tempdir().unwrap();
    let input = match case.packed.as_deref() {
        None => pack::copy(&folder.join("input"), &work.path().join("input")),
        Some("tar") => pack::tar(&folder.join("input"), &case.modes, &work.path().join("input.tar")),
        Some(other) => panic!("{name}: a case is not packed as {other}"),
    };
    let run = Command::new(env!("CARGO_BIN_EXE_postern"))
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("XDG_DATA_HOME")
        .args(["check", "--json", "report.json"])
        .arg(input.file_name().unwrap())
        .current_dir(work.path())
        .output()
        .unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    let report: Value = serde_json::from_slice(&fs::read(work.path().join("report.json")).unwrap()).unwrap();

    assert_eq!(run.status.code(), Some(case.exit), "{name}: exit code\n{printed}");
    if let Some(answer) = &case.answer {
        assert_eq!(report["verdict"]["answer"], answer.as_str(), "{name}");
    }
    let mut told: Vec<&Value> =
        ["findings", "capabilities", "privacy"].iter().flat_map(|it| report[it].as_array().unwrap()).collect();
    for found in &case.found {
        let at = told.iter().position(|it| {
            it["detector"] == found.detector.as_str()
                && it["grade"] == found.grade.as_str()
                && it["device_path"] == found.device_path.as_str()
                && it["claim"].as_str().unwrap().contains(&found.claim)
        });
        let at = at.unwrap_or_else(|| panic!("{name}: {} {} is not found\n{printed}", found.detector, found.claim));
        let finding = told.remove(at);
        if case.found.len() == 1 {
            assert_eq!(finding["class"], case.class.as_str(), "{name}");
        }
    }
    assert!(told.is_empty(), "{name}: more is found than the case says: {told:#?}");
    golden(&folder.join("report.md"), &report_of(&case, &printed));
}

/// The report as it is printed, without what is the same for every input or changes with the version.
fn report_of(case: &Case, printed: &str) -> String {
    let mut text = format!("# {}\n\n{}\n\n```text\n", case.title, case.why);
    let mut skipped = false;
    for line in printed.lines() {
        if line.starts_with("Annex ") {
            break;
        }
        skipped = (skipped || line.contains("What an image can never show:")) && !line.is_empty();
        if !skipped {
            text += line.trim_end();
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n```\n"
}

/// Compares with the golden file, or writes it where `INSTA_UPDATE=always` says so, as for all golden files.
fn golden(path: &Path, text: &str) {
    if std::env::var("INSTA_UPDATE").is_ok_and(|it| it == "always") {
        fs::write(path, text).unwrap();
    }
    let known = fs::read_to_string(path).unwrap_or_default();
    let line = known.lines().zip(text.lines()).position(|(a, b)| a != b).map_or(0, |it| it + 1);
    assert!(known == text, "{} is another report now, from line {line} on:\n{text}", path.display());
}

#[test]
fn the_list_equals_the_folder() {
    let mut folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|it| it.unwrap())
        .filter(|it| it.path().is_dir())
        .map(|it| it.file_name().into_string().unwrap().replace('-', "_"))
        .collect();
    folders.sort();
    assert_eq!(CASES, folders, "every folder of cases/ stands in the list, in order");
}

#[test]
fn every_class_is_told_by_two_mechanisms_and_has_two_cases_that_look_alike() {
    let mut told: BTreeMap<String, (BTreeSet<String>, u32)> = BTreeMap::new();
    for name in CASES {
        let text = fs::read_to_string(root().join(name.replace('_', "-")).join("case.toml")).unwrap();
        let case: Case = toml::from_str(&text).unwrap();
        let of_class = told.entry(case.class).or_default();
        assert_eq!(case.found.is_empty(), case.mechanism.is_none(), "{name}: what is told is told by something");
        match case.mechanism {
            Some(mechanism) => _ = of_class.0.insert(mechanism),
            None => of_class.1 += 1,
        }
    }
    for class in model::Class::ALL {
        let (mechanisms, silent) = told.get(class.id()).cloned().unwrap_or_default();
        assert!(2 <= mechanisms.len(), "{} is told by {mechanisms:?} alone", class.id());
        assert!(2 <= silent, "{}: {silent} cases look alike", class.id());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases")
}
