//! Exceptions: what they carry, where they are caught, what does not run because of them.

use crate::support::{NOTHING, check};

#[test]
fn a_message_is_carried_to_the_handler() {
    check(
        "main() { try { throw new RuntimeException(source()); } catch (RuntimeException e) { sink(e.getMessage()); } }",
        "source -> sink",
    );
}

#[test]
fn a_message_is_carried_out_of_a_method() {
    check(
        "void fail() { throw new RuntimeException(source()); }
         main() { try { fail(); } catch (RuntimeException e) { sink(e.getMessage()); } }",
        "source -> sink",
    );
}

#[test]
fn a_field_of_ones_own_exception_is_carried() {
    check(
        r#"class Failure extends RuntimeException { String f; String g; Failure(String x) { f = x; g = "none"; } }
           void fail() { throw new Failure(source()); }
           main() { try { fail(); } catch (Failure e) { sink1(e.f); sink2(e.g); } }"#,
        "source -> sink1",
    );
}

#[test]
fn a_handler_of_another_class_catches_nothing() {
    check(
        r#"void fail() { throw new IllegalStateException(source()); }
           main() {
               try { fail(); } catch (IllegalArgumentException e) { sink1(e.getMessage()); }
               catch (IllegalStateException e) { sink2(e.getMessage()); }
           }"#,
        "source -> sink2",
    );
}

#[test]
fn a_handler_of_the_class_above_catches() {
    check(
        "void fail() { throw new IllegalStateException(source()); }
         main() { try { fail(); } catch (Exception e) { sink(e.getMessage()); } }",
        "source -> sink",
    );
}

#[test]
fn an_exception_passes_handlers_that_do_not_fit() {
    check(
        "void fail() { throw new IllegalStateException(source()); }
         void between() { try { fail(); } catch (IllegalArgumentException e) { sink1(e.getMessage()); } }
         main() { try { between(); } catch (IllegalStateException e) { sink2(e.getMessage()); } }",
        "source -> sink2",
    );
}

#[test]
fn an_inner_handler_takes_what_the_outer_one_does_not_see() {
    check(
        "main() {
             try {
                 try { throw new RuntimeException(source()); } catch (RuntimeException e) { sink1(e.getMessage()); }
             } catch (RuntimeException e) { sink2(e.getMessage()); }
         }",
        "source -> sink1",
    );
}

#[test]
fn an_exception_that_is_thrown_again_goes_on() {
    check(
        "main() {
             try {
                 try { throw new RuntimeException(source()); } catch (RuntimeException e) { throw e; }
             } catch (RuntimeException e) { sink(e.getMessage()); }
         }",
        "source -> sink",
    );
}

#[test]
fn a_cause_carries_its_message() {
    check(
        r#"main() {
               try { throw new RuntimeException("none", new Exception(source())); }
               catch (RuntimeException e) { sink(e.getCause().getMessage()); }
           }"#,
        "source -> sink",
    );
}

#[test]
fn what_stands_behind_a_throw_does_not_run() {
    check(
        r#"void fail() { throw new RuntimeException("none"); }
           main() { String x = source(); fail(); sink(x); }"#,
        // `never_returns` ends the way, and a method that throws has not set it).
        NOTHING,
    );
}

#[test]
fn a_value_of_before_the_call_is_there_in_the_handler() {
    check(
        r#"void work() { throw new RuntimeException("none"); }
           main() { String x = "none"; try { x = source(); work(); x = "none"; } catch (RuntimeException e) { sink(x); } }"#,
        "source -> sink",
    );
}

#[test]
fn a_value_that_is_overwritten_before_anything_can_throw_is_clean() {
    check(
        r#"void work() { throw new RuntimeException("none"); }
           main() { String x = source(); try { x = "none"; work(); } catch (RuntimeException e) { sink(x); } }"#,
        NOTHING,
    );
}

#[test]
fn a_handler_that_nothing_can_reach_does_not_run() {
    check(
        r#"main() { String x = source(); int n = 1; try { n = n + 1; } catch (RuntimeException e) { sink(x); } }"#,
        NOTHING,
    );
}

#[test]
fn finally_runs_on_the_way_out() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); try { a.f = source(); } finally { sink(a.f); } }"#,
        "source -> sink",
    );
}

#[test]
fn finally_cleans_what_is_read_behind_it() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); try { a.f = source(); } finally { a.f = "none"; } sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn finally_runs_before_the_method_returns() {
    check(
        r#"static String kept;
           String get(String x) { try { return x; } finally { sink(x); } }
           main() { get(source()); }"#,
        "source -> sink",
    );
}

#[test]
fn an_exception_of_the_framework_carries_nothing_of_ones_own() {
    check(
        r#"main() { String x = source(); try { Integer.parseInt("x"); } catch (RuntimeException e) { sink(e.getMessage()); } }"#,
        NOTHING,
    );
}

#[test]
fn the_log_takes_what_an_exception_carries() {
    check(
        r#"main() { try { throw new RuntimeException(source()); } catch (RuntimeException e) { Log.e("t", "none", e); } }"#,
        "source -> log",
    );
}

#[test]
fn an_exception_that_is_caught_does_not_leave_the_method() {
    check(
        "void fail() { throw new IllegalStateException(source()); }
         void between() { try { fail(); } catch (IllegalStateException e) { } }
         main() { try { between(); } catch (IllegalStateException e) { sink(e.getMessage()); } }",
        NOTHING,
    );
}

#[test]
fn a_method_that_may_throw_comes_back_as_well() {
    check(
        r#"class A { String f; }
           void work(A a) { if (maybe()) { throw new RuntimeException(source1()); } a.f = source2(); }
           main() { A a = new A(); try { work(a); sink1(a.f); } catch (RuntimeException e) { sink2(e.getMessage()); } }"#,
        "source1 -> sink2\nsource2 -> sink1",
    );
}

#[test]
fn what_a_method_wrote_before_it_threw_is_there() {
    check(
        r#"class A { String f; }
           void work(A a) { a.f = source(); throw new RuntimeException("none"); }
           main() { A a = new A(); try { work(a); } catch (RuntimeException e) { sink(a.f); } }"#,
        "source -> sink",
    );
}

#[test]
fn what_a_method_wrote_to_a_static_field_before_it_threw_is_there() {
    check(
        r#"class A { static String f; }
           void work() { if (maybe()) { A.f = source(); throw new RuntimeException("none"); } }
           activity Second { void onCreate(Bundle saved) { sink(A.f); } }
           main() { work(); }"#,
        "source -> sink",
    );
}
