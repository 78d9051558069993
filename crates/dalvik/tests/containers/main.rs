//! One dex file in every container: what is read is what was packed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod pack;

use std::fmt::Write;
use std::sync::Arc;

use dalvik::{Dex, Insns, Program, container};

const DEX: &[u8] = include_bytes!("../samples/quick.dex");

/// Everything that code can ask of a dex file, but no offset.
fn listing(dex: &Dex) -> String {
    let mut out = String::new();
    let text = |bytes: Option<&[u8]>| bytes.map_or("?".into(), |it| String::from_utf8_lossy(it).into_owned());
    for idx in 0..dex.n_strings() {
        writeln!(out, "string {}", text(dex.string(idx))).unwrap();
    }
    for idx in 0..dex.n_protos() {
        writeln!(out, "proto {:?}", dex.proto(idx)).unwrap();
    }
    for class in dex.class_defs() {
        writeln!(out, "class {} {:#x}", text(dex.descriptor(class.class_idx)), class.access_flags).unwrap();
        writeln!(out, "{:?}", dex.type_list(class.interfaces_off)).unwrap();
        let members = dex.members(&class);
        assert!(!members.truncated);
        for field in members.static_fields.iter().chain(&members.instance_fields) {
            writeln!(out, "field {:?} {:#x}", dex.field(field.idx), field.access_flags).unwrap();
        }
        for method in members.direct_methods.iter().chain(&members.virtual_methods) {
            writeln!(out, "method {:?} {:#x}", dex.method(method.idx), method.access_flags).unwrap();
            let Some(code) = dex.code(method.code_off) else { continue };
            writeln!(out, "{} {} {:?}", code.registers_size, code.ins_size, code.tries()).unwrap();
            for insn in Insns::new(code.insns) {
                writeln!(out, "{insn:?}").unwrap();
            }
        }
    }
    out
}

fn open(form: &str) -> container::Contents {
    let bytes = pack::forms(DEX).into_iter().find(|it| it.0 == form).unwrap().1;
    let contents = container::open(bytes).unwrap();
    assert_eq!(contents.faults, [], "{form}");
    contents
}

#[test]
fn a_dex_file_is_the_same_in_every_container_that_keeps_its_names() {
    let original = listing(&Dex::parse(DEX.into()).unwrap());
    assert_eq!(original.matches("Insn {").count(), 166, "as many as dexdump lists");
    for (form, n_dex, n_restored) in [
        ("dex", 1, 0),
        ("container 041", 2, 0),
        ("vdex 006", 2, 38),
        ("vdex 010", 2, 38),
        ("vdex 019", 2, 38),
        ("vdex 019 compact", 2, 38),
        ("vdex 021", 2, 38),
        ("vdex 021 compact", 2, 38),
        ("vdex 027", 1, 0),
    ] {
        let contents = open(form);
        assert_eq!(contents.dexes.len(), n_dex, "{form}");
        for (n, contained) in contents.dexes.iter().enumerate() {
            assert_eq!(contained.n_unresolved, 0, "{form}");
            assert_eq!(contained.dex.is_compact(), form.ends_with("compact"), "{form}");
            let listing = listing(&contained.dex);
            assert!(listing == original, "{form}: file {n}\n{}", first_difference(&original, &listing));
            assert_eq!(contained.n_restored, n_restored, "{form}");
        }
    }
}

fn first_difference(a: &str, b: &str) -> String {
    let mut lines = a.lines().zip(b.lines());
    lines.find(|it| it.0 != it.1).map_or("one is longer".to_owned(), |it| format!("{}\n{}", it.0, it.1))
}

#[test]
fn names_that_no_table_gives_back_are_counted() {
    for form in ["oat 045", "oat 064", "oat 088"] {
        let contents = open(form);
        assert_eq!(contents.dexes.len(), 2, "{form}");
        for contained in &contents.dexes {
            assert_eq!((contained.n_restored, contained.n_unresolved), (2, 34), "{form}");
            assert_eq!(unresolved(&contained.dex), 34);
        }
    }
    let contents = open("odex 036");
    let contained = &contents.dexes[0];
    assert_eq!((contained.n_restored, contained.n_unresolved), (12, 13));
    let (original, listing) = (listing(&Dex::parse(DEX.into()).unwrap()), listing(&contained.dex));
    let n_different = original.lines().zip(listing.lines()).filter(|it| it.0 != it.1).count() as u64;
    assert_eq!(n_different, unresolved(&contained.dex), "volatile accesses and inlined calls are as they were");
}

fn unresolved(dex: &Dex) -> u64 {
    let mut count = 0;
    for class in dex.class_defs() {
        let members = dex.members(&class);
        for method in members.direct_methods.iter().chain(&members.virtual_methods) {
            let code = dex.code(method.code_off).unwrap();
            count += Insns::new(code.insns).filter(dalvik::Insn::is_unresolved).count() as u64;
        }
    }
    count
}

#[test]
fn files_that_only_speak_of_dex_files_say_so() {
    let contents = container::open(pack::oat(DEX, b"170\0")).unwrap();
    assert_eq!((contents.dexes.len(), contents.n_elsewhere), (0, 2));
    let mut vdex = pack::vdex_9(DEX, b"021\0", false);
    vdex[8..12].copy_from_slice(b"000\0");
    let contents = container::open(vdex).unwrap();
    assert_eq!((contents.dexes.len(), contents.n_elsewhere), (0, 2));
}

#[test]
fn what_is_no_code_is_a_fault() {
    for bytes in [&b""[..], b"PK\x03\x04", b"dex\n035\0", b"\x7fELF", b"vdex", b"vdex021\x00002\0", b"dey\n036\0"] {
        assert!(container::open(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_vdex_of_an_unknown_version_is_searched() {
    let mut vdex = pack::vdex_12(DEX);
    vdex[4..7].copy_from_slice(b"099");
    let contents = container::open(vdex).unwrap();
    assert_eq!((contents.dexes.len(), contents.faults.len()), (1, 1));
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_it_panic() {
    for (_, bytes) in pack::forms(DEX) {
        let step = bytes.len().div_ceil(600);
        for len in (0..bytes.len()).step_by(step) {
            walk(bytes[..len].into());
        }
        for at in 0..bytes.len() {
            for mask in [0xff, 0x01, 0x80] {
                // Between the headers of an ELF file and the page behind lies nothing.
                if bytes[at] == 0 && (0x20..0x1000).contains(&at) && bytes.starts_with(b"\x7fELF") {
                    continue;
                }
                let mut bytes = bytes.to_vec();
                bytes[at] ^= mask;
                walk(bytes.into());
            }
        }
    }
}

fn walk(bytes: Arc<[u8]>) {
    let Ok(contents) = container::open(bytes) else { return };
    for contained in &contents.dexes {
        let dex = &contained.dex;
        for idx in 0..dex.n_strings().min(1000) {
            dex.string(idx);
        }
        for class in dex.class_defs() {
            let members = dex.members(&class);
            for method in members.direct_methods.iter().chain(&members.virtual_methods) {
                let Some(code) = dex.code(method.code_off) else { continue };
                code.tries();
                Insns::new(code.insns).for_each(drop);
            }
        }
    }
}

#[test]
fn instructions_are_written_as_smali_writes_them() {
    let program = Program::new([Dex::parse(DEX.into()).unwrap()]);
    let method = program.methods.iter().find(|it| program.title(it.reference).contains("describe")).unwrap();
    let code = program.code(method).unwrap();
    let lines: Vec<String> = Insns::new(code.insns).map(|it| dalvik::text_of(&program, 0, &it)).collect();
    for line in [
        "check-cast v13, Ljava/lang/String;",
        "invoke-static {v14, v1}, Ljava/lang/Math;->max(II)I",
        "if-ne v0, v2, :0010",
        "iget-object v13, v12, Lq/Quick;->name:Ljava/lang/String;",
        "const-wide/16 v8, 2",
        "invoke-virtual/range {v5 .. v11}, Lq/Quick;->wide(JJII)J",
        "packed-switch v14, :00a0",
        "const-string v13, \"eight\"",
        "sget v14, Lq/Quick;->total:I",
        "nop (20 code units of data)",
    ] {
        assert!(lines.iter().any(|it| it == line), "{line}\n{}", lines.join("\n"));
    }
}

#[test]
fn classes_that_share_one_long_list_of_members_cost_no_more_than_the_file() {
    let (n_classes, n_methods) = (20_000u32, 200_000u32);
    let list = 0x70 + n_classes * 32;
    let mut dex = b"dex\n035\0".to_vec();
    dex.resize(list as usize, 0);
    let mut set = |at: usize, value: u32| dex[at..at + 4].copy_from_slice(&value.to_le_bytes());
    set(0x60, n_classes);
    set(0x64, 0x70);
    for n in 0..n_classes as usize {
        set(0x70 + n * 32 + 24, list);
    }
    // 200,000 methods (LEB128) of three bytes.
    dex.extend([0, 0, 0xc0, 0x9a, 0x0c, 0]);
    dex.resize(dex.len() + n_methods as usize * 3, 0);
    dex.resize(dex.len().next_multiple_of(4), 0);
    let size = dex.len() as u32;
    dex[0x20..0x24].copy_from_slice(&size.to_le_bytes());
    let mut vdex = b"vdex010\0".to_vec();
    vdex.extend([1, size, 0, 0, 0].iter().flat_map(|it: &u32| it.to_le_bytes()));
    vdex.extend(dex);
    let contents = container::open(vdex).unwrap();
    assert!(matches!(contents.faults[..], [model::Fault::Limit { .. }]), "{:?}", contents.faults);
}
