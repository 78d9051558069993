//! Small apps in Java, as `javac` and `d8` compile them: sources and code in `tests/java`, made by
//! `cargo xtask fixtures programs`.
//!
//! What must be found arrives in the log; what must not be found would arrive in a text message.

use taint::{App, Component};

use crate::support::{NOTHING, analyse, assert_lines};

/// Expects these flows of an app whose manifest declares these components: `exported activity app.Main`, one a line.
#[track_caller]
fn check_app(name: &str, manifest: &str, expected: &str) {
    let path = format!("{}/tests/java/{name}/classes.dex", env!("CARGO_MANIFEST_DIR"));
    let dex = std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let mut app = App { package: "app".to_owned(), ..App::default() };
    for line in manifest.lines() {
        let (exported, line) = match line.trim().strip_prefix("exported ") {
            Some(rest) => (true, rest),
            None => (false, line.trim()),
        };
        let (kind, class) = line.split_once(' ').expect("a kind and a class");
        let class = format!("L{};", class.replace('.', "/"));
        let kind = match kind {
            "application" => {
                app.application = Some(class);
                continue;
            }
            "activity" => "activity",
            "service" => "service",
            "receiver" => "receiver",
            other => panic!("no component: {other}"),
        };
        app.components.push(Component { kind, class, exported, actions: Vec::new() });
    }
    let flows = analyse(&dex, &app).flows;
    let told = |it: &taint::Flow| {
        let secret = it.secret.as_ref().map(|it| format!(" == {it}")).unwrap_or_default();
        format!("{}{secret} -> {}", it.source, it.sink)
    };
    assert_lines(&mut flows.iter().map(told).collect(), expected);
}

const FOUND: &str = "device-identifier -> log";

#[test]
fn names_of_one_object() {
    check_app("aliasing", "activity app.Main", FOUND);
}

#[test]
fn a_switch_on_text() {
    check_app("string_switch", "activity app.Main", FOUND);
}

#[test]
fn generic_collections() {
    check_app("arrays_and_lists", "activity app.Main", FOUND);
}

#[test]
fn inner_and_anonymous_listeners() {
    check_app("callbacks", "activity app.Main", FOUND);
}

#[test]
fn code_from_shared_storage() {
    check_app("dynamic_loading", "activity app.Main", "shared-storage-input -> load-code");
}

#[test]
fn a_phone_that_is_no_emulator() {
    check_app("emulator_detection", "activity app.Main", FOUND);
}

#[test]
fn generic_classes_and_builders() {
    check_app("fields_and_objects", "activity app.Main", FOUND);
}

#[test]
fn exceptions_enums_varargs_and_resources() {
    check_app("general_java", "activity app.Main", FOUND);
}

#[test]
fn a_word_that_opens_the_door() {
    check_app("secret_command", "exported receiver app.Main", "exported-intent == \"xyzzy\" -> execute-command");
}

#[test]
fn a_receiver_that_no_other_app_reaches_has_no_secret() {
    check_app("secret_command", "receiver app.Main", NOTHING);
}

#[test]
fn a_chain_of_components() {
    check_app(
        "components",
        "activity app.Main
         service app.Relay
         receiver app.Last
         activity app.Asked",
        FOUND,
    );
}

#[test]
fn a_chain_with_a_link_that_is_not_declared() {
    check_app("components", "activity app.Main\nservice app.Relay\nactivity app.Asked", NOTHING);
}

#[test]
fn commands_of_other_apps_and_broadcasts_to_them() {
    check_app(
        "other_apps",
        "exported activity app.Main",
        "exported-intent -> execute-command\ndevice-identifier -> intent-send",
    );
}

#[test]
fn the_lives_of_an_application_an_activity_and_a_fragment() {
    check_app("lifecycle", "application app.App\nactivity app.Main", FOUND);
}

#[test]
fn native_methods() {
    check_app("native_code", "activity app.Main", FOUND);
}

#[test]
fn reflection_by_names_that_are_put_together() {
    check_app("reflection", "activity app.Main", FOUND);
}

#[test]
fn an_intent_for_a_class_that_is_found_by_its_name() {
    check_app("reflection_between_components", "activity app.Main\nactivity app.Second\nactivity app.Third", FOUND);
}

#[test]
fn a_thread_a_message_and_a_task() {
    check_app("threading", "activity app.Main", FOUND);
}

#[test]
fn code_that_never_runs() {
    check_app("unreachable", "activity app.Main", NOTHING);
}

#[test]
fn a_messenger_of_a_service() {
    check_app("messenger", "activity app.Main\nservice app.Post", FOUND);
}

#[test]
fn a_stub_of_aidl() {
    check_app(
        "aidl",
        "exported service app.Main",
        "exported-intent -> execute-command\nexported-intent -> load-native",
    );
}

#[test]
fn an_alarm() {
    check_app("pending_intent", "activity app.Main\nreceiver app.Alarm", FOUND);
}

#[test]
fn lambdas_and_method_references() {
    check_app("lambdas", "activity app.Main", FOUND);
}

#[test]
fn pools_futures_and_schedules() {
    check_app("executors", "activity app.Main", FOUND);
}

#[test]
fn what_the_compiler_of_kotlin_writes() {
    check_app("kotlin_like", "activity app.Main", FOUND);
}

#[test]
fn interfaces_with_bodies() {
    check_app("default_methods", "activity app.Main", FOUND);
}

#[test]
fn names_that_are_decoded() {
    // wrong today: neither a loop of the program nor base64 is run on constants.
    check_app("string_decoder", "activity app.Main", NOTHING);
}

#[test]
fn a_server_that_decides() {
    check_app("network_command", "service app.Main", "network-input -> execute-command\nnetwork-input -> load-native");
}

#[test]
fn what_a_web_page_may_call() {
    check_app("web_page", "activity app.Main", "network-input -> execute-command");
}
