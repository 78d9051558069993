//! The normal form of code: what a compiler may choose is not in it, and all that code does is.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

#[path = "../write/mod.rs"]
mod write;

use dalvik::{Dex, Normal, Normaliser, Own, Program};
use write::{Body, PUBLIC, STATIC, Writer};

/// What the one method of a class does, with the indices that its file gives to names.
type Code<'a> = dyn Fn(&mut Writer) -> Body + 'a;

/// A file with one method, `La/Main;->run(Ljava/lang/String;)V`, behind `padding` names that move every index.
fn file(padding: u32, code: &Code) -> Vec<u8> {
    let mut dex = Writer::default();
    for n in 0..padding {
        dex.string(&format!("padding {n}"));
        dex.method(&format!("Lp/P{n};"), "p", &[], "V");
    }
    let body = code(&mut dex);
    let body = dex.body(body);
    let run = dex.method("La/Main;", "run", &["Ljava/lang/String;"], "V");
    dex.class("La/Main;", "Ljava/lang/Object;", vec![(run, PUBLIC | STATIC, body)]);
    dex.write()
}

/// The form of that method, and what it names of the program's own.
fn normal(bytes: Vec<u8>) -> (Vec<u8>, Vec<String>) {
    let program = Program::new(Dex::parse(bytes.into()));
    let mut normal = Normal::default();
    let method = program.methods.first().unwrap();
    Normaliser::new(&program, &|id| (id == 0x7f01_0002).then(|| "string/title".to_owned()))
        .method(method, &mut normal)
        .unwrap();
    let own = normal.own.iter().map(|it| match it {
        Own::Class(name) => program.names.text(*name).to_owned(),
        Own::Method(id) => program.title(*id),
        Own::Field(field) => program.names.text(field.name).to_owned(),
    });
    (normal.bytes.clone(), own.collect())
}

fn form(padding: u32, code: &Code) -> Vec<u8> {
    normal(file(padding, code)).0
}

fn body(insns: Vec<u16>) -> Body {
    Body { registers: 6, ins: 1, insns, ..Body::default() }
}

/// `System.loadLibrary(text)` with the text in a register.
fn load(dex: &mut Writer, text: &str, register: u16) -> Body {
    let string = dex.string(text) as u16;
    let method = dex.method("Ljava/lang/System;", "loadLibrary", &["Ljava/lang/String;"], "V") as u16;
    body(vec![0x1a | register << 8, string, 0x1071, method, register, 0x0e])
}

#[test]
fn registers_and_indices_are_not_in_the_form() {
    let one = form(0, &|dex| load(dex, "one", 0));
    assert_eq!(one, form(7, &|dex| load(dex, "one", 3)));
    assert_ne!(one, form(0, &|dex| load(dex, "two", 0)));
    // The parameter has its place: it is not any register.
    let passed = |register: u16| {
        form(0, &move |dex| {
            let method = dex.method("Ljava/lang/System;", "loadLibrary", &["Ljava/lang/String;"], "V") as u16;
            body(vec![0x1071, method, register, 0x0e])
        })
    };
    assert_ne!(passed(5), passed(0));
    assert_eq!(passed(0), passed(1));
}

#[test]
fn short_and_long_instructions_of_one_meaning_are_one() {
    // if-eqz p0 :end; const/4 v0, 1; add-int/2addr v0, v0; goto :end; end: return-void
    let short = vec![0x0538, 5, 0x1012, 0x00b0, 0x0128, 0x0e];
    // if-eqz p0 :end; const v2, 1; add-int v2, v2, v2; nop; goto/16 :end; end: return-void
    let long = vec![0x0538, 10, 0x0214, 1, 0, 0x0290, 0x0202, 0x0000, 0x0029, 2, 0x0e];
    assert_eq!(form(0, &move |_| body(short.clone())), form(0, &move |_| body(long.clone())));
}

#[test]
fn what_is_done_is_in_the_form() {
    let all: Vec<Vec<u16>> = vec![
        vec![0x1012, 0x0e],                                         // const/4 v0, 1
        vec![0x2012, 0x0e],                                         // const/4 v0, 2
        vec![0x1012, 0x2112, 0x10b0, 0x0e],                         // v0 = 1; v1 = 2; v0 += v1
        vec![0x1012, 0x2112, 0x01b0, 0x0e],                         // ...; v1 += v0
        vec![0x1012, 0x2112, 0x10b1, 0x0e],                         // ...; v0 -= v1
        vec![0x0538, 2, 0x0e],                                      // if p0 == 0 :return
        vec![0x0539, 2, 0x0e],                                      // if p0 != 0 :return
        vec![0x0538, 3, 0x1012, 0x0e],                              // if p0 == 0 :return; v0 = 1
        vec![0x0538, 2, 0x1012, 0x0e],                              // if p0 == 0 :next; v0 = 1
        vec![0x1012, 0x002b, 5, 0, 0x0e, 0, 0x0100, 1, 7, 0, 3, 0], // switch (v0) { 7: return }
        vec![0x1012, 0x002b, 5, 0, 0x0e, 0, 0x0100, 1, 8, 0, 3, 0], // switch (v0) { 8: return }
        vec![0x0026, 4, 0, 0x0e, 0x0300, 1, 2, 0, 0x0201],          // fill-array-data {1, 2}
        vec![0x0026, 4, 0, 0x0e, 0x0300, 1, 2, 0, 0x0301],          // fill-array-data {1, 3}
        vec![0x0026, 4, 0, 0x0e, 0x0300, 2, 1, 0, 0x0301],          // of two bytes each
    ];
    let forms: Vec<Vec<u8>> = all.iter().map(|it| form(0, &|_| body(it.clone()))).collect();
    for (n, one) in forms.iter().enumerate() {
        for (m, other) in forms.iter().enumerate().skip(n + 1) {
            assert_ne!(one, other, "{n} and {m}");
        }
    }
}

#[test]
fn what_is_caught_and_where_is_in_the_form() {
    let caught = |start: u32, count: u16, handler: u32| {
        form(0, &move |_| Body {
            tries: vec![(start, count)],
            handlers: vec![handler],
            ..body(vec![0x1012, 0x2112, 0x0e, 0x000d, 0x0e])
        })
    };
    let all = [caught(0, 1, 3), caught(0, 2, 3), caught(1, 1, 3), caught(0, 1, 2)];
    for (n, one) in all.iter().enumerate() {
        assert!(all.iter().skip(n + 1).all(|it| it != one), "{n}");
    }
}

#[test]
fn a_resource_is_known_by_its_name() {
    let number = |low: u16, high: u16| form(0, &move |_| body(vec![0x0014, low, high, 0x0e]));
    assert_ne!(number(2, 0x7f01), number(3, 0x7f01));
    assert!(String::from_utf8_lossy(&number(2, 0x7f01)).contains("string/title"));
}

#[test]
fn names_of_the_program_stand_apart() {
    let calls = |name: &'static str| {
        normal(file(0, &move |dex| {
            let method = dex.method("La/Main;", name, &[], "V") as u16;
            body(vec![0x0071, method, 0, 0x0e])
        }))
    };
    let (one, other) = (calls("one"), calls("other"));
    assert_eq!(one.0, other.0);
    assert_eq!((one.1, other.1), (vec!["La/Main;->one()V".to_owned()], vec!["La/Main;->other()V".to_owned()]));
}

#[test]
fn code_that_jumps_into_an_instruction_stands_for_itself() {
    // goto into the middle of const/16, whose second half is another instruction.
    let hidden = |literal: u16| form(0, &move |_| body(vec![0x0228, 0x0013, literal, 0x0e]));
    assert_ne!(hidden(0x0e), hidden(0x1012));
    // Bytes that are no instruction, or end in the middle of one.
    let odd = |last: u16| form(0, &move |_| body(vec![0x0e, 0x0013 | last]));
    assert_ne!(odd(0), odd(0x0100));
}

#[test]
fn bodies_that_lie_in_each_other_have_an_end() {
    let mut dex = Writer::default();
    let string = dex.string(&"x".repeat(30_000)) as u16;
    let insns = (0..20_000).flat_map(|_| [0x001a, string]).chain([0x0e]).collect();
    let shared = dex.body(body(insns));
    let methods =
        (0..1000).map(|n| (dex.method("La/Main;", &format!("m{n}"), &[], "V"), PUBLIC | STATIC, shared)).collect();
    dex.class("La/Main;", "Ljava/lang/Object;", methods);
    let program = Program::new(Dex::parse(dex.write().into()));
    let (mut normal, resource) = (Normal::default(), |_| None);
    let mut normaliser = Normaliser::new(&program, &resource);
    let known = program.methods.iter().filter(|it| normaliser.method(it, &mut normal).is_some()).count();
    assert!(known < program.methods.len(), "what there is no room for is not known");
}

#[test]
fn no_flipped_byte_and_no_cut_makes_it_panic() {
    let whole = file(1, &|dex| load(dex, "one", 0));
    let touch = |bytes: Vec<u8>| {
        let Ok(dex) = Dex::parse(bytes.into()) else { return };
        let program = Program::new([dex]);
        let (mut normal, resource) = (Normal::default(), |_| None);
        let mut normaliser = Normaliser::new(&program, &resource);
        for class in &program.classes {
            normaliser.class(class, &mut normal);
        }
        for method in &program.methods {
            normaliser.method(method, &mut normal);
        }
    };
    for n in 0..whole.len() {
        touch(whole[..n].to_vec());
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[n] ^= flip;
            touch(bytes);
        }
    }
}
