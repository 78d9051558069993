//! What the class of a call that loads code opens under a constant name, and decrypts: a payload that no reader can look into.

use dalvik::{Insns, Method, MethodId, Name, Program, op};
use formats::entropy;
use model::fact::call::Payload;
use model::{ArtifactId, Tree};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Found;
use crate::calls::{is_call, java_name, joins_of};

/// What the methods of a class do, and those that they call: the asset that is opened first, where it is decrypted, and by
/// what. None where both are not done.
pub fn payload_of(program: &Program, class: Name) -> Option<Payload> {
    let class = program.class_of(class).and_then(|it| program.class(it))?;
    let mut seen = Seen::default();
    let mut called = Vec::new();
    for method in class.methods.iter().filter_map(|it| program.method(*it)) {
        look(program, method, &mut seen, Some(&mut called));
    }
    let mut known: FxHashSet<MethodId> = class.methods.iter().copied().collect();
    called.retain(|it| known.insert(*it));
    for method in called.into_iter().take(CALLED_MAX).filter_map(|it| program.method(it)) {
        look(program, method, &mut seen, None);
    }
    let (name, opened) = seen.opened?;
    let decrypted = seen.decrypted?;
    Some(Payload { name, opened, decrypted, constant_key: seen.constant_key, millibits: None })
}

/// The files of apps by name.
pub struct Files<'a>(FxHashMap<(ArtifactId, &'a [u8]), ArtifactId>);

impl<'a> Files<'a> {
    /// What lies in these apps.
    pub fn of(tree: &'a Tree, apps: &FxHashSet<ArtifactId>) -> Files<'a> {
        let files = tree.iter().filter_map(|it| {
            let app = it.parent.filter(|app| apps.contains(app))?;
            Some(((app, it.raw_name.as_slice()), it.id))
        });
        Files(files.collect())
    }

    /// The entropy of a file of an app, by its middle. None of what has a format, which is looked into elsewhere; of pictures
    /// and the like; and of what is not there or cannot be read, which is a gap of its own.
    pub fn millibits_of(&self, found: &Found, app: ArtifactId, name: &str) -> Option<u32> {
        let file = found.tree.artifact(*self.0.get(&(app, name.as_bytes()))?);
        if found.formats.get(file.id.0 as usize).is_some_and(|it| !it.is_empty()) {
            return None;
        }
        let head = file.blob.read_up_to(0, 12).ok()?;
        if MEDIA.iter().any(|it| head.get(it.0..).is_some_and(|head| head.starts_with(it.1))) {
            return None;
        }
        let skipped = file.blob.len().saturating_sub(entropy::LOOKED_AT) / 2;
        Some(entropy::millibits_of(&file.blob.read_up_to(skipped, entropy::LOOKED_AT).ok()?))
    }
}

#[derive(Default)]
struct Seen {
    /// The asset, and the method that opens it.
    opened: Option<(String, String)>,
    decrypted: Option<String>,
    constant_key: bool,
}

/// Goes through a method. What a register holds is known up to the next place where ways join.
fn look(program: &Program, method: &Method, seen: &mut Seen, mut calls: Option<&mut Vec<MethodId>>) {
    let (Some(code), Some(own)) = (program.code(method), program.reference(method.reference)) else { return };
    let text = |name| program.names.text(name);
    let here = || format!("{}.{}{}", java_name(text(own.class)), text(own.name), text(own.proto));
    let joins = joins_of(&code);
    // Constant texts, and constant bytes as an empty one.
    let mut known: FxHashMap<u16, String> = FxHashMap::default();
    let mut result: Option<String> = None;
    let (mut reads, mut writes, mut by) = (false, false, None);
    for insn in Insns::new(code.insns) {
        if joins.contains(&insn.pc) {
            known.clear();
        }
        let mut value = None;
        match insn.op {
            it if is_call(it) => {
                result = None;
                let Some(id) = program.method_ref(method.dex, insn.idx) else { continue };
                let Some(called) = program.reference(id) else { continue };
                if let (Some(calls), Some(method)) = (&mut calls, program.defined(id)) {
                    calls.push(method);
                }
                let arg = |n: usize| insn.args.reg(n).and_then(|it| known.get(&it));
                match (text(called.class), text(called.name)) {
                    ("Landroid/content/res/AssetManager;", "open") => {
                        if let (None, Some(name)) = (&seen.opened, arg(1)) {
                            seen.opened = Some((format!("assets/{name}"), here()));
                        }
                    }
                    ("Ljavax/crypto/Cipher;", "doFinal") | ("Ljavax/crypto/CipherInputStream;", "<init>") => {
                        seen.decrypted.get_or_insert_with(here);
                    }
                    ("Ljavax/crypto/spec/SecretKeySpec;", "<init>") => seen.constant_key |= arg(1).is_some(),
                    ("Ljava/lang/String;", "getBytes" | "toCharArray") => result = arg(0).cloned(),
                    _ => {}
                }
                continue;
            }
            op::CONST_STRING | op::CONST_STRING_JUMBO => value = program.text(method.dex, insn.idx),
            op::MOVE_RESULT_OBJECT => value = result.take(),
            op::MOVE..=op::MOVE_OBJECT_16 => value = known.get(&insn.b).cloned(),
            op::FILL_ARRAY_DATA => _ = known.insert(insn.a, String::new()),
            AGET_BYTE => reads = true,
            APUT_BYTE => writes = true,
            XOR_INT | XOR_INT_2ADDR => by = by.or(Some(false)),
            XOR_INT_LIT16 | XOR_INT_LIT8 => by = Some(true),
            _ => {}
        }
        if let Some(register) = insn.writes() {
            match value {
                Some(value) => _ = known.insert(register, value),
                None => _ = known.remove(&register),
            }
        }
    }
    // Bytes are changed one by one, if no cipher is used.
    if let (Some(constant), true, true, None) = (by, reads, writes, &seen.decrypted) {
        seen.decrypted = Some(here());
        seen.constant_key |= constant;
    }
}

const AGET_BYTE: u8 = op::AGET + 4;
const APUT_BYTE: u8 = op::APUT + 4;
const XOR_INT: u8 = op::BINOP_FIRST + 7;
const XOR_INT_2ADDR: u8 = op::BINOP_2ADDR_FIRST + 7;
const XOR_INT_LIT16: u8 = op::BINOP_LIT_FIRST + 7;
const XOR_INT_LIT8: u8 = op::BINOP_LIT_FIRST + 15;

/// Pictures, sounds and fonts look like noise and have their own heads: where each stands, and what it is.
const MEDIA: &[(usize, &[u8])] = &[
    (0, b"\x89PNG"),
    (0, b"\xff\xd8\xff"),
    (0, b"GIF8"),
    (0, b"RIFF"),
    (0, b"OggS"),
    (0, b"ID3"),
    (0, b"\xff\xfb"),
    (0, b"fLaC"),
    (0, b"wOF"),
    (4, b"ftyp"),
];

/// A class that calls more methods of its app does not decrypt in a helper of its own.
const CALLED_MAX: usize = 256;
