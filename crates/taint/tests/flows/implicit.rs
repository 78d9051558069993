//! What a value decides without being passed on.
//!
//! wrong today, all of them: only explicit flows are followed.

use crate::support::{NOTHING, check};

#[test]
fn a_branch_on_a_value_gives_it_away() {
    check(r#"main() { if (source().equals("x")) { sink("yes"); } else { sink("no"); } }"#, NOTHING);
}

#[test]
fn a_value_that_is_chosen_by_another_gives_it_away() {
    check(r#"main() { String x = "no"; if (source().equals("x")) { x = "yes"; } sink(x); }"#, NOTHING);
}

#[test]
fn a_switch_on_a_value_gives_it_away() {
    check(
        r#"main() {
               String from = source(); StringBuilder out = new StringBuilder(); int n = 0;
               while (n < from.length()) {
                   switch (from.charAt(n)) { case 48: out.append("a"); break; case 49: out.append("b"); break; default: }
                   n = n + 1;
               }
               sink(out.toString());
           }"#,
        NOTHING,
    );
}

#[test]
fn the_number_of_rounds_gives_a_value_away() {
    check("main() { int n = 0; while (n < source().charAt(0)) { n = n + 1; } sink(n); }", NOTHING);
}

#[test]
fn an_exception_that_a_value_causes_gives_it_away() {
    check(
        r#"main() { int n = 0; try { n = 7 / source().charAt(0); sink("no"); } catch (ArithmeticException e) { sink("yes"); } }"#,
        NOTHING,
    );
}

#[test]
fn a_branch_on_something_else_gives_nothing_away() {
    check(r#"main() { String x = source(); if (maybe()) { sink("yes"); } else { sink("no"); } }"#, NOTHING);
}

#[test]
fn what_runs_behind_a_branch_on_a_value_gives_nothing_away() {
    check(r#"main() { int n = 0; if (source().equals("x")) { n = 1; } sink("done"); }"#, NOTHING);
}
