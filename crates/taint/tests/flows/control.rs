//! Branches, switches, loops, dead code, and ways on which nothing runs any more.

use crate::support::{NOTHING, check};

#[test]
fn a_branch_that_is_never_taken_is_dead() {
    check("main() { int n = 1; if (n == 2) { sink(source()); } }", NOTHING);
}

#[test]
fn a_branch_that_is_always_taken_runs() {
    check("main() { int n = 1; if (n + 1 == 2) { sink(source()); } }", "source -> sink");
}

#[test]
fn an_unknown_branch_may_be_taken() {
    check("main() { if (maybe()) { sink(source()); } }", "source -> sink");
}

#[test]
fn a_branch_on_nothing_is_known() {
    check("main() { String x = null; if (x != null) { sink(source()); } }", NOTHING);
}

#[test]
fn a_case_that_is_never_taken_is_dead() {
    check(
        "main() { String x = source(); switch (2) { case 1: sink1(x); break; case 2: sink2(x); break; default: sink3(x); } }",
        "source -> sink2",
    );
}

#[test]
fn the_cases_of_an_unknown_number_may_all_be_taken() {
    check(
        "main() {
             String x = source();
             switch (new Random().nextInt(3)) { case 10: sink1(x); break; case -7: sink2(x); break; default: sink3(x); }
         }",
        "source -> sink1\nsource -> sink2\nsource -> sink3",
    );
}

#[test]
fn a_case_falls_through_to_the_next() {
    check(
        r#"main() { String x = "none"; switch (1) { case 1: x = source(); case 2: sink(x); break; default: x = "none"; } }"#,
        "source -> sink",
    );
}

#[test]
fn a_value_goes_round_a_loop() {
    check(
        r#"main() { String a = "none"; String b = "none"; String c = source(); while (maybe()) { sink(a); a = b; b = c; } }"#,
        "source -> sink",
    );
}

#[test]
fn a_loop_that_overwrites_first_is_clean() {
    check(r#"main() { String x = source(); int n = 0; while (n < 3) { x = "none"; sink(x); n = n + 1; } }"#, NOTHING);
}

#[test]
fn nothing_runs_behind_an_endless_loop() {
    check("main() { String x = source(); while (true) { x.length(); } }", NOTHING);
}

#[test]
fn nothing_runs_behind_the_end_of_the_process() {
    check("main() { String x = source(); System.exit(0); sink(x); }", NOTHING);
}

#[test]
fn nothing_runs_behind_a_method_that_ends_the_process() {
    check("void end() { System.exit(0); } main() { String x = source(); end(); sink(x); }", NOTHING);
}

#[test]
fn a_method_that_may_end_the_process_may_come_back() {
    check(
        "void end() { if (maybe()) { System.exit(0); } } main() { String x = source(); end(); sink(x); }",
        "source -> sink",
    );
}

#[test]
fn code_that_nobody_calls_is_silent() {
    check("void never() { sink(source()); } main() { }", NOTHING);
}

#[test]
fn a_constant_field_that_says_no_leaves_code_dead() {
    // wrong today: a number in a static field is not known where it is read (a final one javac puts in place itself).
    check("static int debug = 0; main() { if (debug == 1) { sink(source()); } }", "source -> sink");
}

#[test]
fn a_method_that_gives_a_constant_decides_a_branch() {
    check("boolean off() { return false; } main() { if (off()) { sink(source()); } }", NOTHING);
}

#[test]
fn an_argument_that_is_constant_decides_a_branch_of_the_callee() {
    // wrong today: a method is run once for all callers, and does not know their numbers.
    check("void send(boolean on) { if (on) { sink(source()); } } main() { send(false); }", "source -> sink");
}

#[test]
fn both_and_either_are_told_apart() {
    check(
        "main() { String x = source(); int n = 1; if (n == 1 && n == 2) { sink1(x); } if (n == 1 || n == 2) { sink2(x); } }",
        "source -> sink2",
    );
}

#[test]
fn what_an_object_is_decides_a_branch() {
    // wrong today: `instance-of` gives an unknown number even where the class is known (`interpret.rs`, `run`).
    check(
        "class A { } class B { } main() { Object it = new A(); if (it instanceof B) { sink(source()); } }",
        "source -> sink",
    );
}

#[test]
fn the_length_of_a_known_array_decides_a_branch() {
    // wrong today: `array-length` is unknown though the size of the array is kept (`interpret.rs`, `run`).
    check("main() { String[] a = new String[2]; if (a.length == 3) { sink(source()); } }", "source -> sink");
}
