//! What a dex file says beside its code, of a file that was compiled, and of the same with a section that a compiler of
//! a phone adds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use dalvik::{Annotation, ClassDef, Dex, Line, Value, Visibility};

const DEX: &[u8] = include_bytes!("../samples/annotated.dex");

fn text(dex: &Dex, idx: u32) -> String {
    String::from_utf8_lossy(dex.string(idx).unwrap()).into_owned()
}

fn class(dex: &Dex, name: &str) -> ClassDef {
    dex.class_defs().find(|it| dex.descriptor(it.class_idx) == Some(name.as_bytes())).unwrap()
}

/// As Java writes it.
fn told(dex: &Dex, value: &Value) -> String {
    let ty = |idx: u32| String::from_utf8_lossy(dex.descriptor(idx).unwrap()).into_owned();
    let elements = |all: &[(u32, Value)]| {
        let mut all: Vec<String> =
            all.iter().map(|(name, it)| format!("{}={}", text(dex, *name), told(dex, it))).collect();
        all.sort();
        all.join(", ")
    };
    match value {
        Value::Int(it) => it.to_string(),
        Value::Float(it) => format!("{it:?}"),
        Value::Bool(it) => it.to_string(),
        Value::String(it) => format!("{:?}", text(dex, *it)),
        Value::Type(it) => ty(*it),
        Value::Enum(it) => text(dex, dex.field(*it).unwrap().2),
        Value::Array(all) => format!("[{}]", all.iter().map(|it| told(dex, it)).collect::<Vec<_>>().join(", ")),
        Value::Annotation(of, all) => format!("@{}({})", ty(*of), elements(all)),
        other => format!("{other:?}"),
    }
}

fn annotation(dex: &Dex, it: &Annotation) -> String {
    format!("{:?} {}", it.visibility, told(dex, &Value::Annotation(it.type_idx, it.elements.clone())))
}

#[test]
fn annotations_are_read_with_all_kinds_of_values() {
    let dex = Dex::parse(DEX.into()).unwrap();
    let all = dex.annotations(&class(&dex, "LAnnotated;"));
    assert!(!all.truncated);
    let names = |list: &[(u32, Vec<Annotation>)], name: &dyn Fn(u32) -> u32| -> Vec<String> {
        list.iter()
            .flat_map(|(idx, all)| all.iter().map(move |it| (idx, it)))
            .map(|(idx, it)| format!("{}: {}", text(&dex, name(*idx)), annotation(&dex, it)))
            .collect()
    };
    assert_eq!(
        names(&all.methods, &|idx| dex.method(idx).unwrap().2),
        ["marked: Runtime @LAnnotated$Mark;(far=-5000000000, inner=@LAnnotated$Inner;(truth=true), name=\"method\", \
          numbers=[1, -2, 70000], part=0.5, size=LARGE, type=Ljava/lang/String;)"]
    );
    assert_eq!(
        names(&all.fields, &|idx| dex.field(idx).unwrap().2),
        ["field: Runtime @LAnnotated$Mark;(name=\"field\")"]
    );
    let parameters: Vec<String> =
        all.parameters.iter().flat_map(|it| &it.1).flatten().map(|it| annotation(&dex, it)).collect();
    assert_eq!(parameters, ["Runtime @Ljava/lang/Deprecated;()"]);
    assert!(all.class.iter().all(|it| it.visibility == Visibility::System), "what the compiler adds: {:?}", all.class);
}

#[test]
fn lines_are_those_that_dexdump_lists() {
    let dex = Dex::parse(DEX.into()).unwrap();
    let members = dex.members(&class(&dex, "LAnnotated;"));
    let marked =
        members.virtual_methods.iter().find(|it| text(&dex, dex.method(it.idx).unwrap().2) == "marked").unwrap();
    let code = dex.code(marked.code_off).unwrap();
    let lines: Vec<(u32, u32)> = dex.lines(code.debug_info_off).iter().map(|it: &Line| (it.pc, it.line)).collect();
    assert_eq!(lines, [(0, 26), (4, 27), (7, 28), (9, 30)]);
    let source = class(&dex, "LAnnotated;").source_file_idx;
    assert_eq!(text(&dex, source), "Annotated.java");
}

/// With a section that says what is hidden: the member of the class with that number is `flags`, all others are open.
fn with_hidden(flags: u8) -> Vec<u8> {
    let dex = Dex::parse(DEX.into()).unwrap();
    let mut bytes = DEX.to_vec();
    let map_off = u32::from_le_bytes(DEX[0x34..0x38].try_into().unwrap()) as usize;
    let n_items = u32::from_le_bytes(DEX[map_off..map_off + 4].try_into().unwrap()) as usize;
    let n_classes = dex.class_defs().count();
    let section = bytes.len();
    let mut offsets = vec![0u32; n_classes];
    let mut data = Vec::new();
    for (n, def) in dex.class_defs().enumerate() {
        if dex.descriptor(def.class_idx) == Some(b"LAnnotated;") {
            offsets[n] = (4 + 4 * n_classes) as u32;
            data = vec![0; dex.members(&def).len() as usize];
            *data.last_mut().unwrap() = flags;
        }
    }
    bytes.extend(((4 + 4 * n_classes + data.len()) as u32).to_le_bytes());
    bytes.extend(offsets.iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let new_map = bytes.len() as u32;
    bytes.extend((n_items as u32 + 1).to_le_bytes());
    bytes.extend(&DEX[map_off + 4..map_off + 4 + 12 * n_items]);
    bytes.extend([0x00, 0xf0, 0, 0, 1, 0, 0, 0]);
    bytes.extend((section as u32).to_le_bytes());
    bytes[0x34..0x38].copy_from_slice(&new_map.to_le_bytes());
    bytes
}

#[test]
fn what_is_hidden_from_apps_is_read_of_each_member() {
    assert_eq!(Dex::parse(DEX.into()).unwrap().hidden_api(), [], "the file of an app says nothing");
    let dex = Dex::parse(with_hidden(0x0a).into()).unwrap();
    let hidden = dex.hidden_api();
    let place = dex.class_defs().position(|it| dex.descriptor(it.class_idx) == Some(b"LAnnotated;")).unwrap();
    let names: Vec<&str> = hidden[place].methods.iter().map(|it| it.name()).collect();
    assert_eq!(names, ["sdk", "sdk", "blocked"], "the constructor, marked, plain");
    assert_eq!(hidden[place].fields.iter().map(|it| it.name()).collect::<Vec<_>>(), ["sdk"]);
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_it_panic() {
    let whole = with_hidden(1);
    let read = |bytes: &[u8]| {
        let Ok(dex) = Dex::parse(bytes.into()) else { return };
        dex.hidden_api();
        for class in dex.class_defs() {
            dex.annotations(&class);
            for method in dex.members(&class).virtual_methods {
                dex.code(method.code_off).map(|it| dex.lines(it.debug_info_off));
            }
        }
    };
    for at in 0..whole.len() {
        read(&whole[..at]);
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            read(&bytes);
        }
    }
}
