//! Arrays: elements with known indices, and with unknown ones.

use crate::support::{NOTHING, check};

#[test]
fn an_element_keeps_its_value() {
    check("main() { String[] a = new String[2]; a[1] = source(); sink(a[1]); }", "source -> sink");
}

#[test]
fn another_element_is_clean() {
    check("main() { String[] a = new String[2]; a[1] = source(); sink(a[0]); }", NOTHING);
}

#[test]
fn an_overwritten_element_is_clean() {
    check(r#"main() { String[] a = new String[2]; a[1] = source(); a[1] = "none"; sink(a[1]); }"#, NOTHING);
}

#[test]
fn a_computed_index_is_known() {
    check(
        "main() { String[] a = new String[9]; int n = 2; a[n * 3 - 1] = source(); sink1(a[5]); sink2(a[6]); }",
        "source -> sink1",
    );
}

#[test]
fn an_element_under_an_unknown_index_may_be_any() {
    check(
        "main() { int n = new Random().nextInt(2); String[] a = new String[2]; a[n] = source(); sink(a[0]); }",
        "source -> sink",
    );
}

#[test]
fn an_unknown_index_may_read_any_element() {
    check(
        "main() { int n = new Random().nextInt(2); String[] a = new String[2]; a[1] = source(); sink(a[n]); }",
        "source -> sink",
    );
}

#[test]
fn an_unknown_index_overwrites_nothing_for_certain() {
    check(
        r#"main() {
               int n = new Random().nextInt(2); String[] a = new String[2];
               a[0] = source(); a[n] = "none"; sink(a[0]);
           }"#,
        "source -> sink",
    );
}

#[test]
fn elements_that_ways_merge_keep_both_values() {
    check(
        r#"main() {
               String[] a = new String[2];
               if (maybe()) { a[0] = source(); a[1] = "none"; } else { a[0] = "none"; a[1] = "none"; }
               sink1(a[0]); sink2(a[1]);
           }"#,
        "source -> sink1",
    );
}

#[test]
fn an_index_that_ways_merge_may_be_either() {
    check(
        r#"main() {
               String[] a = new String[3]; int n = 0; if (maybe()) { n = 1; }
               a[0] = "none"; a[1] = source(); a[2] = "none";
               sink(a[n]);
           }"#,
        "source -> sink",
    );
}

#[test]
fn an_array_in_one_go_keeps_its_elements_apart() {
    check(r#"main() { String[] a = new String[] { "none", source() }; sink1(a[0]); sink2(a[1]); }"#, "source -> sink2");
}

#[test]
fn a_whole_array_carries_its_elements() {
    check("main() { String[] a = new String[1]; a[0] = source(); sink(Arrays.toString(a)); }", "source -> sink");
}

#[test]
fn the_length_of_an_array_is_no_element() {
    check("main() { String[] a = new String[] { source() }; sink(a.length); }", NOTHING);
}

#[test]
fn a_copied_array_has_what_the_other_had() {
    check(
        "main() {
             String[] a = new String[] { source() }; String[] b = new String[1];
             System.arraycopy(a, 0, b, 0, 1); sink(b[0]);
         }",
        "source -> sink",
    );
}

#[test]
fn an_array_of_arrays_keeps_its_rows_apart() {
    check(
        r#"main() {
               Object[] a = new Object[2]; a[0] = new String[] { source() }; a[1] = new String[] { "none" };
               String[] first = (String[]) a[0]; String[] second = (String[]) a[1];
               sink1(first[0]); sink2(second[0]);
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_method_fills_the_array_that_it_is_given() {
    check(
        "void fill(String[] a) { a[0] = source(); }
         main() { String[] a = new String[2]; fill(a); sink1(a[0]); sink2(a[1]); }",
        "source -> sink1",
    );
}

#[test]
fn a_method_that_is_given_the_index_reads_that_element() {
    // wrong today: an index that the caller knows is any index in the callee.
    check(
        r#"String at(String[] a, int n) { return a[n]; }
           main() { String[] a = new String[] { source(), "none" }; sink(at(a, 1)); }"#,
        "source -> sink",
    );
}

#[test]
fn characters_are_passed_on_one_by_one() {
    check(
        "main() {
             char[] from = source().toCharArray(); char[] to = new char[from.length]; int n = 0;
             while (n < from.length) { to[n] = from[n]; n = n + 1; }
             sink(new String(to));
         }",
        "source -> sink",
    );
}
