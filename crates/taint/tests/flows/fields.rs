//! Registers, fields, aliases, and what overwrites them.

use crate::support::{NOTHING, check};

#[test]
fn a_value_survives_a_register() {
    check("main() { String x = source(); String y = x; sink(y); }", "source -> sink");
}

#[test]
fn an_overwritten_register_is_clean() {
    check(r#"main() { String x = source(); x = "none"; sink(x); }"#, NOTHING);
}

#[test]
fn a_sink_before_the_source_gets_nothing() {
    check(r#"main() { String x = "none"; sink(x); x = source(); }"#, NOTHING);
}

#[test]
fn two_sources_of_one_method_are_told_apart() {
    check(
        "main() { String x = source1(); String y = source2(); sink1(y); sink2(x); }",
        "source1 -> sink2\nsource2 -> sink1",
    );
}

#[test]
fn a_value_survives_a_field() {
    check("class A { String f; } main() { A a = new A(); a.f = source(); sink(a.f); }", "source -> sink");
}

#[test]
fn another_field_of_the_object_is_clean() {
    check("class A { String f; String g; } main() { A a = new A(); a.f = source(); sink(a.g); }", NOTHING);
}

#[test]
fn the_same_field_of_another_object_is_clean() {
    check("class A { String f; } main() { A a = new A(); A b = new A(); a.f = source(); sink(b.f); }", NOTHING);
}

#[test]
fn an_overwritten_field_is_clean() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); a.f = source(); a.f = "none"; sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn a_field_that_is_overwritten_on_one_way_only_is_not_clean() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); a.f = source(); if (maybe()) { a.f = "none"; } sink(a.f); }"#,
        "source -> sink",
    );
}

#[test]
fn a_field_that_is_overwritten_on_both_ways_is_clean() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); a.f = source(); if (maybe()) { a.f = "a"; } else { a.f = null; } sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn a_field_of_a_field_keeps_its_value() {
    check(
        "class A { B b; } class B { String f; }
         main() { A a = new A(); a.b = new B(); a.b.f = source(); sink(a.b.f); }",
        "source -> sink",
    );
}

#[test]
fn a_field_is_read_through_another_name_of_its_object() {
    check("class A { String f; } main() { A a = new A(); A b = a; b.f = source(); sink(a.f); }", "source -> sink");
}

#[test]
fn an_object_that_is_overwritten_through_another_name_is_clean() {
    check(
        r#"class A { String f; }
           main() { A a = new A(); A b = a; a.f = source(); b.f = "none"; sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn a_field_of_an_object_in_a_field_has_two_names() {
    check(
        "class A { B b; } class B { String f; }
         main() { A a = new A(); B b = new B(); a.b = b; b.f = source(); sink(a.b.f); }",
        "source -> sink",
    );
}

#[test]
fn a_name_that_may_mean_two_objects_overwrites_neither() {
    check(
        r#"class A { String f; }
           main() {
               A a = new A(); A b = new A(); a.f = source();
               A either = b; if (maybe()) { either = a; }
               either.f = "none";
               sink1(a.f); sink2(b.f);
           }"#,
        "source -> sink1",
    );
}

#[test]
fn an_object_that_a_field_no_longer_holds_is_not_changed_through_it() {
    check(
        "class A { B b; } class B { String f; }
         main() { A a = new A(); a.b = new B(); B old = a.b; a.b = new B(); a.b.f = source(); sink(old.f); }",
        NOTHING,
    );
}

#[test]
fn objects_of_a_loop_are_one() {
    check(
        "class A { String f; A next; }
         main() {
             A list = null;
             while (maybe()) { A a = new A(); a.next = list; list = a; }
             list.f = source();
             sink(list.next.f);
         }",
        "source -> sink",
    );
}

#[test]
fn a_linked_list_passes_a_value_on() {
    check(
        "class Node { String value; Node next; }
         main() {
             Node first = new Node(); Node second = new Node();
             first.next = second; second.value = source();
             sink1(first.next.value); sink2(first.value);
         }",
        "source -> sink1",
    );
}

#[test]
fn a_field_initialiser_runs_with_the_constructor() {
    check("class A { String f = source(); } main() { A a = new A(); sink(a.f); }", "source -> sink");
}

#[test]
fn what_the_constructor_overwrites_of_the_initialiser_is_clean() {
    check(
        r#"class A { String f = source(); A() { f = "none"; } }
           main() { A a = new A(); sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn a_field_of_the_superclass_is_the_same_field() {
    check(
        "class A { String f; } class B extends A { String read() { return f; } }
         main() { B b = new B(); b.f = source(); sink(b.read()); }",
        "source -> sink",
    );
}

#[test]
fn a_field_that_hides_one_of_the_superclass_is_another() {
    // wrong today: a field is known by its name alone.
    check(
        "class A { String f; } class B extends A { String f; }
         main() { B b = new B(); A a = b; a.f = source(); sink(b.f); }",
        "source -> sink",
    );
}

#[test]
fn a_number_of_two_registers_survives_a_field() {
    check(
        r#"class A { double f; }
           main() {
               LocationManager manager = (LocationManager) this.getSystemService("location");
               A a = new A(); a.f = manager.getLastKnownLocation("gps").getLatitude();
               sink(a.f);
           }"#,
        "location -> sink",
    );
}

#[test]
fn a_computed_number_carries_what_it_is_made_of() {
    check("main() { int n = source().charAt(0); sink1(n * 2 + 1); sink2(n - n); }", "source -> sink1\nsource -> sink2");
}
