//! Policies in CIL, linked: what is allowed in the end, and what hostile files cost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use formats::cil::{Linked, link};
use formats::sepolicy::Level;

const CLASSES: &str = "
(common file (ioctl read write open))
(class file (entrypoint)) (classcommon file file)
(class chr_file ()) (classcommon chr_file file)
(class process (fork transition))
(classorder (file chr_file process))
";

fn linked(text: &str) -> Linked {
    let linked = link(&[("classes", CLASSES), ("policy", text)]);
    assert_eq!(linked.gaps, Vec::<String>::new());
    linked
}

/// `source target class permission…` for all types.
fn access(linked: &Linked) -> BTreeSet<String> {
    let policydb = &linked.policydb;
    let prepared = policydb.prepared();
    let types = policydb.types.iter().filter(|it| !it.1.is_attribute);
    let lines = types.flat_map(|(value, it)| {
        prepared.access_of(*value).into_iter().map(|((target, class), bits)| {
            let permissions: Vec<String> = policydb.permissions(class, bits).into_iter().collect();
            let target = policydb.name_of_type(target).unwrap_or("?");
            format!("{} {target} {} {}", it.name, policydb.classes[&class].name, permissions.join(" "))
        })
    });
    lines.collect()
}

fn check(text: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(access(&linked(text)), expected, "{text}");
}

#[test]
fn a_vendors_rule_reaches_the_type_that_the_mapping_names() {
    check(
        "(type shell) (type node) (typeattribute shell_29_0) (typeattribute node_29_0)
         (typeattributeset shell_29_0 (shell)) (typeattributeset node_29_0 (node))
         (allow shell_29_0 node_29_0 (chr_file (read write)))
         (allow shell node (chr_file (open)))",
        &["shell node chr_file open read write"],
    );
}

#[test]
fn sets_are_worked_out() {
    check(
        "(type a) (type b) (type c) (typeattribute all) (typeattribute some) (typeattribute none)
         (typeattributeset some (and (all) (not (all_but_a)))) (typeattribute all_but_a)
         (typeattributeset all_but_a (xor (a b) (or (a) (a c))))
         (allow some self (process (all)))
         (allow all_but_a a (file (not (read open ioctl))))
         (allow none a (file (read)))",
        &["a a process fork transition", "b a file entrypoint write", "c a file entrypoint write"],
    );
}

#[test]
fn an_optional_block_that_names_what_is_not_there_is_left_out_with_what_hangs_on_it() {
    check(
        "(type a) (type b)
         (optional one (type c) (allow c missing (file (read))))
         (optional two (allow a c (file (read))))
         (optional three (allow a b (file (read))) (optional inner (allow a missing (file (write)))))",
        &["a b file read"],
    );
}

#[test]
fn blocks_macros_and_other_names_are_written_out() {
    check(
        "(type t) (typealias old) (typealiasactual old t)
         (macro reads ((type who) (type what)) (allow who what (file (read))) (call opens (what who)))
         (macro opens ((type what) (type who)) (allow who what (file (open))))
         (block outer (type own) (call reads (own old)) (block inner (type own) (allow own .outer.own (process (transition)))))
         (in outer (type more) (allow more own (file (write))))
         (block base (blockabstract base) (type d) (allow d t (file (ioctl))))
         (block child (blockinherit base))",
        &[
            "child.d t file ioctl",
            "outer.inner.own outer.own process transition",
            "outer.more outer.own file write",
            "outer.own t file open read",
        ],
    );
}

#[test]
fn numbers_of_ioctl_are_read() {
    let linked = linked(
        "(type a) (type node) (permissionx some (ioctl chr_file (and (range 0x10 0x12) (not (0x11)))))
         (allowx a node some) (allowx a node (ioctl chr_file (0x100)))",
    );
    let policydb = &linked.policydb;
    let prepared = policydb.prepared();
    let value = |name: &str| policydb.type_of(name).unwrap();
    let class = policydb.class_of("chr_file").unwrap();
    let numbers = prepared.numbers_of(value("a"), value("node"), class);
    assert_eq!(numbers, Some(BTreeSet::from([0x10, 0x12, 0x100])));
    assert_eq!(prepared.numbers_of(value("node"), value("a"), class), None, "no rule limits them");
}

#[test]
fn a_constraint_is_kept_with_its_expression() {
    let linked = linked(
        "(type app) (type free) (type node) (typeattribute trusted) (typeattributeset trusted (free))
         (allow app node (file (write))) (allow free node (file (write)))
         (mlsconstrain (file (write)) (or (eq l1 l2) (eq t1 trusted)))",
    );
    let policydb = &linked.policydb;
    let prepared = policydb.prepared();
    let value = |name: &str| policydb.type_of(name).unwrap();
    let file = policydb.class_of("file").unwrap();
    let write = policydb.bit_of(file, "write").unwrap();
    assert!(prepared.is_constrained(value("app"), value("node"), file, write, Level::Above));
    assert!(!prepared.is_constrained(value("app"), value("node"), file, write, Level::Same));
    assert!(!prepared.is_constrained(value("free"), value("node"), file, write, Level::Above));
}

#[test]
fn a_rule_that_the_policy_itself_forbids_is_found() {
    let linked = linked(
        "(type app) (type node) (type other) (typeattribute nodes) (typeattributeset nodes (and (all) (not (app))))
         (neverallow app nodes (chr_file (write)))
         (allow app node (chr_file (read write))) (allow app other (chr_file (read)))",
    );
    let policydb = &linked.policydb;
    let value = |name: &str| policydb.type_of(name).unwrap();
    let class = policydb.class_of("chr_file").unwrap();
    let broken = linked.broken_by(&policydb.prepared(), value("app"));
    let write = policydb.bit_of(class, "write").unwrap();
    assert_eq!(broken.into_iter().collect::<Vec<_>>(), [((value("node"), class), write)]);
    assert!(linked.broken_by(&policydb.prepared(), value("other")).is_empty());
}

#[test]
fn what_is_not_declared_is_told() {
    let linked =
        link(&[("classes", CLASSES), ("vendor", "(type a) (allow a missing (file (read))) (allow a a (file (read)))")]);
    assert_eq!(linked.gaps, ["1 statements name what no file declares, the first is (allow a missing file read)"]);
    assert_eq!(access(&linked), BTreeSet::from(["a a file read".to_owned()]));
    let linked = link(&[("platform", "(type a) (wondrous a)")]);
    assert_eq!(linked.gaps, ["not read: statements called wondrous"]);
}

#[test]
fn hostile_files_end_within_their_bounds_and_are_told() {
    let twice = "(macro m () (call m ()) (call m ())) (call m ())";
    let inherits = "(block a (blockinherit a) (blockinherit a))";
    let circle = "(typeattribute a) (typeattribute b) (typeattributeset a (b)) (typeattributeset b (a))";
    let deep = format!("(typeattribute a) (typeattributeset a {}b{})", "(not ".repeat(60), ")".repeat(60));
    for text in [twice, inherits, circle, &deep] {
        assert!(!link(&[("hostile", text)]).gaps.is_empty(), "{}", text.get(..40).unwrap_or_default());
    }
    // A long chain of attributes, each made of the one before.
    let mut chain = "(type t) (typeattribute a0) (typeattributeset a0 (t))".to_owned();
    for n in 1..20_000 {
        chain.push_str(&format!("(typeattribute a{n})(typeattributeset a{n} (a{}))", n - 1));
    }
    chain.push_str("(allow a19999 t (file (read)))");
    assert_eq!(access(&linked(&chain)), BTreeSet::from(["t t file read".to_owned()]));
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_linking_panic() {
    let sample = include_str!("samples/cil/whole.cil");
    let more = "(macro m ((type x)) (allow x self (process (fork)))) (call m (init)) (optional o (allow init no (file (all))))
        (block b (type t) (in b (type u)))(permissionx p (ioctl file (range 1 0x20)))(allowx init init p)(booleanif (not x) (true))";
    let text = format!("{sample}{more}");
    for end in (0..text.len()).step_by(7).filter(|it| text.is_char_boundary(*it)) {
        link(&[("cut", &text[..end])]);
    }
    for at in (0..text.len()).step_by(3) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 0x11;
        link(&[("flipped", &String::from_utf8_lossy(&bytes))]);
    }
}
