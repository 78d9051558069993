//! What a value decides without being passed on.

use crate::support::{NOTHING, check, check_decided};

const YES_OR_NO: &str = r#"main() { if (source().equals("x")) { sink("yes"); } else { sink("no"); } }"#;

#[test]
fn a_branch_on_a_value_gives_it_away() {
    check_decided(YES_OR_NO, "source == \"x\" -> sink");
}

#[test]
fn that_is_not_told_where_only_secrets_are_looked_for() {
    check(YES_OR_NO, NOTHING);
}

#[test]
fn a_value_that_is_chosen_by_another_gives_it_away() {
    check_decided(
        r#"main() { String x = "no"; if (source().equals("x")) { x = "yes"; } sink(x); }"#,
        "source == \"x\" -> sink",
    );
}

#[test]
fn a_switch_on_a_value_gives_it_away() {
    check_decided(
        r#"main() {
               String from = source(); StringBuilder out = new StringBuilder(); int n = 0;
               while (n < from.length()) {
                   switch (from.charAt(n)) { case 48: out.append("a"); break; case 49: out.append("b"); break; default: }
                   n = n + 1;
               }
               sink(out.toString());
           }"#,
        "source -> sink",
    );
}

#[test]
fn the_number_of_rounds_gives_a_value_away() {
    check_decided("main() { int n = 0; while (n < source().charAt(0)) { n = n + 1; } sink(n); }", "source -> sink");
}

#[test]
fn a_value_that_a_method_chooses_gives_it_away() {
    check_decided(
        r#"String say(String x) { if (x.equals("x")) { return "yes"; } return "no"; } main() { sink(say(source())); }"#,
        "source == \"x\" -> sink",
    );
}

#[test]
fn an_exception_that_a_value_causes_gives_it_away() {
    // wrong today: that an instruction throws is decided by nothing but branches before it (`interpret.rs`,
    // `govern`).
    check_decided(
        r#"main() { int n = 0; try { n = 7 / source().charAt(0); sink("no"); } catch (ArithmeticException e) { sink("yes"); } }"#,
        NOTHING,
    );
}

#[test]
fn a_branch_on_something_else_gives_nothing_away() {
    check_decided(r#"main() { String x = source(); if (maybe()) { sink("yes"); } else { sink("no"); } }"#, NOTHING);
}

#[test]
fn what_runs_behind_a_branch_on_a_value_gives_nothing_away() {
    check_decided(r#"main() { int n = 0; if (source().equals("x")) { n = 1; } sink("done"); }"#, NOTHING);
}

#[test]
fn a_constant_that_another_app_must_know_is_a_secret() {
    check(
        r#"exported receiver R {
               void onReceive(Context context, Intent intent) {
                   if (intent.getStringExtra("code").equals("open sesame")) { Runtime.getRuntime().exec("id"); }
               }
           }"#,
        "exported-intent == \"open sesame\" -> execute-command",
    );
}

#[test]
fn a_number_that_another_app_must_know_is_a_secret() {
    // wrong today: of numbers only dates are looked at (`interpret.rs`, `outcome`).
    check(
        r#"exported receiver R {
               void onReceive(Context context, Intent intent) {
                   if (intent.getIntExtra("code", 0) == 4711) { Runtime.getRuntime().exec("id"); }
               }
           }"#,
        NOTHING,
    );
}

#[test]
fn a_secret_that_a_method_compares_is_found() {
    check(
        r#"class Door { static boolean opens(String x) { return "open sesame".equals(x); } }
           exported receiver R {
               void onReceive(Context context, Intent intent) {
                   if (!Door.opens(intent.getStringExtra("code"))) { return; }
                   Runtime.getRuntime().exec("id");
               }
           }"#,
        "exported-intent == \"open sesame\" -> execute-command",
    );
}

#[test]
fn a_command_before_the_comparison_is_not_decided_by_it() {
    check(
        r#"exported receiver R {
               void onReceive(Context context, Intent intent) {
                   Runtime.getRuntime().exec("id");
                   if (intent.getStringExtra("code").equals("open sesame")) { int n = 1; }
               }
           }"#,
        NOTHING,
    );
}

#[test]
fn a_comparison_of_an_internal_component_is_no_secret() {
    check(
        r#"receiver R {
               void onReceive(Context context, Intent intent) {
                   if (intent.getStringExtra("code").equals("open sesame")) { Runtime.getRuntime().exec("id"); }
               }
           }"#,
        NOTHING,
    );
}

#[test]
fn a_date_that_is_waited_for_is_dormant() {
    check(
        r#"main() { if (System.currentTimeMillis() > 1893456000000L) { Runtime.getRuntime().exec("id"); } }"#,
        "time == 1893456000000 -> execute-command",
    );
}

#[test]
fn a_span_of_time_is_not_dormant() {
    check(
        r#"static long last;
           main() { if (System.currentTimeMillis() - last > 60000L) { Runtime.getRuntime().exec("id"); } }"#,
        NOTHING,
    );
}
