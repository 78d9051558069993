//! Calls of the framework that open, offer, load or set something with a name, and the constants that name it.
//!
//! A constant is followed through the instructions before the call, up to the last place where another way joins; through
//! `java.io.File`, `StringBuilder` and `IntentFilter` objects, too. What is put together elsewhere is not known, and is said so.

use std::collections::BTreeSet;

use dalvik::{CodeItem, Insn, Insns, Method, MethodId, Name, Program, RefId, op};
use model::fact::call::{CodeCall, Payload};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::helpers::{self, Arg, Helpers};
use crate::payload;

/// What the code of a unit calls.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Calls with the number of the dex file and where in it the call stands, in order.
    pub calls: Vec<(u32, u64, CodeCall)>,
    /// Whether there are more.
    pub cut: bool,
}

/// All calls of a program; of an app with the methods that its components come to.
pub fn calls_of(program: &Program, come_to: Option<&FxHashSet<MethodId>>) -> Calls {
    let mut all = Calls::default();
    let wanted = wanted_of(program);
    let words = Words::of(program);
    let mut paths: FxHashMap<Name, Vec<String>> = FxHashMap::default();
    let mut payloads: FxHashMap<Name, Option<Payload>> = FxHashMap::default();
    let helpers = Helpers::of(program, &wanted);
    all.cut = helpers.cut;
    for (n, method) in program.methods.iter().enumerate().filter(|it| helpers.callers.contains(&it.0)) {
        let Some(code) = program.code(method) else { continue };
        let mut body = Body {
            program,
            method,
            wanted: &wanted,
            helpers: &helpers,
            words: &words,
            values: FxHashMap::default(),
            built: Vec::new(),
            result: None,
        };
        let mut calls = body.calls(&code);
        let text_of = |it: &Arg| match it {
            Arg::Text(text) => Some(text.clone()),
            Arg::Word(_) | Arg::Other => None,
        };
        let reflected = helpers.reflected.get(&n).into_iter().flatten();
        calls.extend(reflected.map(|(pc, it)| (*pc, it.what, vec![text_of(&it.name), text_of(&it.value)])));
        calls.sort_by_key(|it| it.0);
        // Who calls a class that watches what it is told names it.
        let is_told = helpers.by_ref.get(&method.reference).is_some_and(|it| it.what == helpers::WATCH);
        calls.retain(|it| it.1 != helpers::WATCH || !is_told || it.2.first().is_some_and(Option::is_some));
        for (pc, what, args) in calls {
            if all.calls.len() == CALLS_MAX {
                all.cut = true;
                return all;
            }
            let Some(own) = program.reference(method.reference) else { continue };
            let loads = matches!(what, "load-code" | "load-native");
            let paths = match loads {
                true => paths.entry(own.class).or_insert_with(|| paths_of(program, own.class)).clone(),
                false => Vec::new(),
            };
            let payload = match what {
                "load-code" => {
                    payloads.entry(own.class).or_insert_with(|| payload::payload_of(program, own.class)).clone()
                }
                _ => None,
            };
            let text = |name| program.names.text(name);
            let call = CodeCall {
                what: what.to_owned(),
                class: java_name(text(own.class)),
                method: format!("{}{}", text(own.name), text(own.proto)),
                args,
                paths,
                idle: come_to.is_some_and(|it| u32::try_from(n).is_ok_and(|n| !it.contains(&MethodId(n)))),
                payload,
            };
            all.calls.push((method.dex, code.insns_off as u64 + 2 * u64::from(pc), call));
        }
    }
    all
}

/// The methods that count, by the reference to them.
fn wanted_of(program: &Program) -> FxHashMap<RefId, &'static str> {
    let mut names: FxHashMap<(Name, Name), &'static str> = FxHashMap::default();
    for (what, class, methods) in WANTED {
        let Some(class) = program.names.find(class) else { continue };
        for method in *methods {
            if let Some(method) = program.names.find(method) {
                names.insert((class, method), what);
            }
        }
    }
    // Every context registers receivers, and every service of the system offers objects; a class need not say so of itself.
    let find = |names: &[&str]| -> Vec<Name> { names.iter().filter_map(|it| program.names.find(it)).collect() };
    let register = find(&["registerReceiver", "registerReceiverAsUser", "registerReceiverForAllUsers"]);
    let publish = find(&["publishBinderService"]);
    // What a receiver registered there hears stays in the app.
    let local = find(&[
        "Landroid/support/v4/content/LocalBroadcastManager;",
        "Landroidx/localbroadcastmanager/content/LocalBroadcastManager;",
    ]);
    let refs = 0..u32::try_from(program.n_refs()).unwrap_or(u32::MAX);
    refs.map(RefId)
        .filter_map(|id| {
            let reference = program.reference(id)?;
            let what = names.get(&(reference.class, reference.name)).copied();
            let registers = register.contains(&reference.name) && !local.contains(&reference.class);
            let offers = publish.contains(&reference.name) && 2 <= reference.params.len();
            let what = what.or_else(|| registers.then_some("register-receiver"));
            Some((id, what.or_else(|| offers.then_some("offer-service"))?))
        })
        .collect()
}

/// Absolute paths among the constants of a class.
fn paths_of(program: &Program, class: Name) -> Vec<String> {
    let mut paths = BTreeSet::new();
    let class = program.class_of(class).and_then(|it| program.class(it));
    for method in class.into_iter().flat_map(|it| &it.methods).filter_map(|it| program.method(*it)) {
        let Some(code) = program.code(method) else { continue };
        for insn in Insns::new(code.insns).filter(|it| matches!(it.op, op::CONST_STRING | op::CONST_STRING_JUMBO)) {
            let path = program.text(method.dex, insn.idx).filter(|it| is_path(it));
            if let Some(path) = path.filter(|_| paths.len() < PATHS_MAX) {
                paths.insert(path);
            }
        }
    }
    paths.into_iter().collect()
}

fn is_path(text: &str) -> bool {
    text.len() < 256 && text.starts_with('/') && 2 <= text.matches('/').count() && !text.contains([' ', '\n', '%'])
}

/// What is known of a register.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Number(i64),
    /// An object of a class.
    Object(Name),
    /// The actions of a filter.
    Filter(Vec<String>),
    /// A text that is put together, by its number in [`Body::built`].
    Built(usize),
}

/// A text as far as it is known.
#[derive(Debug, Clone, Default)]
struct Built {
    text: String,
    /// Whether more follows that is not known.
    more: bool,
    /// Of an array how many elements are known.
    len: usize,
}

/// Names of what constants are followed through.
struct Words {
    file: Option<Name>,
    filter: Option<Name>,
    init: Option<Name>,
    add_action: Option<Name>,
    path_of: Vec<Name>,
    builders: Vec<Name>,
    append: Option<Name>,
    to_string: Option<Name>,
    text: Option<Name>,
    format: Option<Name>,
    texts: Option<Name>,
    environment: Option<Name>,
    shared: Option<Name>,
}

impl Words {
    fn of(program: &Program) -> Words {
        let find = |text: &str| program.names.find(text);
        let path_of = ["getPath", "getAbsolutePath", "getCanonicalPath", "toString", "getAbsoluteFile"];
        Words {
            file: find("Ljava/io/File;"),
            filter: find("Landroid/content/IntentFilter;"),
            init: find("<init>"),
            add_action: find("addAction"),
            path_of: path_of.iter().filter_map(|it| find(it)).collect(),
            builders: ["Ljava/lang/StringBuilder;", "Ljava/lang/StringBuffer;"]
                .iter()
                .filter_map(|it| find(it))
                .collect(),
            append: find("append"),
            to_string: find("toString"),
            text: find("Ljava/lang/String;"),
            format: find("format"),
            texts: find("[Ljava/lang/String;"),
            environment: find("Landroid/os/Environment;"),
            shared: find("getExternalStorageDirectory"),
        }
    }
}

/// A method while its instructions are gone through.
struct Body<'a> {
    program: &'a Program,
    method: &'a Method,
    wanted: &'a FxHashMap<RefId, &'static str>,
    helpers: &'a Helpers,
    words: &'a Words,
    values: FxHashMap<u16, Value>,
    /// Texts that are put together.
    built: Vec<Built>,
    /// What the last call gave back.
    result: Option<Value>,
}

impl Body<'_> {
    fn calls(&mut self, code: &CodeItem) -> Vec<(u32, &'static str, Vec<Option<String>>)> {
        let joins = joins_of(code);
        let mut calls = Vec::new();
        // An object may offer or register itself.
        let own = self.program.class(self.method.class).map(|it| it.name);
        if let (Some(own), Some(this)) = (own, code.registers_size.checked_sub(code.ins_size))
            && self.method.access_flags & dalvik::access::STATIC == 0
        {
            self.values.insert(this, Value::Object(own));
        }
        for insn in Insns::new(code.insns) {
            if joins.contains(&insn.pc) {
                self.values.clear();
            }
            if is_call(insn.op) {
                if let Some(call) = self.call(&insn) {
                    calls.push((insn.pc, call.0, call.1));
                }
                continue;
            }
            self.let_go(&insn);
            let value = self.value_of(&insn);
            if let Some(register) = insn.writes() {
                match value {
                    Some(value) => _ = self.values.insert(register, value),
                    None => _ = self.values.remove(&register),
                }
            }
        }
        calls
    }

    /// What an instruction writes, where it is known.
    fn value_of(&mut self, insn: &Insn) -> Option<Value> {
        match insn.op {
            op::CONST_STRING | op::CONST_STRING_JUMBO => {
                Some(Value::Text(self.program.text(self.method.dex, insn.idx)?))
            }
            op::NEW_INSTANCE => {
                let class = self.program.type_name(self.method.dex, insn.idx)?;
                Some(match () {
                    () if Some(class) == self.words.filter => Value::Filter(Vec::new()),
                    () if self.words.builders.contains(&class) => self.build(Built::default()),
                    () => Value::Object(class),
                })
            }
            op::NEW_ARRAY if self.program.type_name(self.method.dex, insn.idx) == self.words.texts => {
                Some(self.build(Built::default()))
            }
            IGET_OBJECT | SGET_OBJECT => Some(Value::Object(self.program.field_ref(self.method.dex, insn.idx)?.ty)),
            op::MOVE_RESULT_OBJECT => self.result.take(),
            op::MOVE..=op::MOVE_OBJECT_16 => self.values.get(&insn.b).cloned(),
            it if (op::CONST_4..=op::CONST_HIGH16).contains(&it) => Some(Value::Number(insn.lit)),
            _ => None,
        }
    }

    fn call(&mut self, insn: &Insn) -> Option<(&'static str, Vec<Option<String>>)> {
        self.result = None;
        let id = self.program.method_ref(self.method.dex, insn.idx)?;
        let reference = self.program.reference(id)?;
        let is_static = matches!(insn.op, op::INVOKE_STATIC | INVOKE_STATIC_RANGE);
        let register = |n: usize| insn.args.reg(n + usize::from(!is_static));
        let of_file = Some(reference.class) == self.words.file;
        if of_file && Some(reference.name) == self.words.init {
            let parts: Vec<String> = (0..reference.params.len()).filter_map(|n| self.text(register(n)?)).collect();
            let path = (parts.len() == reference.params.len()).then(|| parts.join("/").replace("//", "/"));
            match (insn.args.reg(0), path) {
                (Some(object), Some(path)) => _ = self.values.insert(object, Value::Text(path)),
                (Some(object), None) => _ = self.values.remove(&object),
                (None, _) => {}
            }
        }
        if Some(reference.name) == self.words.shared && Some(reference.class) == self.words.environment {
            self.result = Some(Value::Text("/sdcard".to_owned()));
        }
        if of_file && self.words.path_of.contains(&reference.name) {
            self.result = insn.args.reg(0).and_then(|it| self.values.get(&it).cloned());
        }
        if Some(reference.class) == self.words.filter
            && (Some(reference.name) == self.words.add_action || Some(reference.name) == self.words.init)
            && let Some(action) = register(0).and_then(|it| self.text(it))
            && let Some(Value::Filter(actions)) = insn.args.reg(0).and_then(|it| self.values.get_mut(&it))
            && actions.len() < ACTIONS_MAX
        {
            actions.push(action);
        }
        self.put_together(insn, reference);
        if self.result.is_none() && self.program.class_of(reference.returns).is_some() {
            self.result = Some(Value::Object(reference.returns));
        }
        if let Some(helper) = self.helpers.by_ref.get(&id) {
            let of = |it: &Arg| match it {
                Arg::Word(word) => insn.args.reg((*word).into()).and_then(|it| self.text(it)),
                Arg::Text(text) => Some(text.clone()),
                Arg::Other => None,
            };
            let second = if helper.what == helpers::WATCH { helper.class.clone() } else { of(&helper.value) };
            return Some((helper.what, vec![of(&helper.name), second]));
        }
        let what = *self.wanted.get(&id)?;
        match what {
            helpers::WATCH => {
                let own = self.program.class(self.method.class).map(|it| java_name(self.program.names.text(it.name)));
                Some((what, vec![register(0).and_then(|it| self.text(it)), own]))
            }
            "register-receiver" => Some((what, self.registered(&reference.params, register)?)),
            "offer-service" => {
                let object = reference.params.get(1).and_then(|_| self.class_of(register(1)));
                Some((what, vec![register(0).and_then(|it| self.text(it)), object]))
            }
            "execute-command" => Some((what, register(0).map(|it| self.command(it)).unwrap_or_default())),
            _ => Some((what, self.arguments(reference.params.iter().map(|it| self.program.names.text(*it)), register))),
        }
    }

    /// The receiver's class, its actions, the permission that is asked, and flags; each by the type of its parameter.
    fn registered(&self, params: &[Name], register: impl Fn(usize) -> Option<u16>) -> Option<Vec<Option<String>>> {
        let is = |n: usize, text: &str| params.get(n).is_some_and(|it| self.program.names.text(*it) == text);
        let of = |text: &str| (0..params.len()).find(|it| is(*it, text));
        let filter = of("Landroid/content/IntentFilter;")?;
        let receiver = of("Landroid/content/BroadcastReceiver;")?;
        let permission = match (filter..params.len()).find(|it| is(*it, "Ljava/lang/String;")) {
            None => Some(String::new()),
            Some(n) => register(n).and_then(|it| match self.values.get(&it)? {
                Value::Number(0) => Some(String::new()),
                Value::Text(text) => Some(text.clone()),
                _ => None,
            }),
        };
        let flags = (filter..params.len()).find(|it| is(*it, "I")).and_then(|it| self.text(register(it)?));
        let actions = match self.values.get(&register(filter)?) {
            Some(Value::Filter(actions)) if !actions.is_empty() => Some(actions.join(" ")),
            _ => None,
        };
        Some(vec![self.class_of(register(receiver)), actions, permission, flags])
    }

    /// A command, and a mark where more of it follows that is not known.
    fn command(&self, register: u16) -> Vec<Option<String>> {
        let (text, more) = match self.values.get(&register) {
            Some(Value::Text(text)) => (text.clone(), false),
            Some(Value::Built(n)) => match self.built.get(*n) {
                Some(built) => (built.text.clone(), built.more),
                None => return vec![None],
            },
            _ => return vec![None],
        };
        let mut args = vec![Some(text).filter(|it| !it.is_empty())];
        args.extend(more.then(|| Some(MORE.to_owned())));
        args
    }

    fn build(&mut self, built: Built) -> Value {
        self.built.push(built);
        Value::Built(self.built.len() - 1)
    }

    /// What a call does to a text that is put together. One that goes elsewhere may be changed there.
    fn put_together(&mut self, insn: &Insn, reference: &dalvik::MethodRef) {
        let is_builder = self.words.builders.contains(&reference.class);
        let first = insn.args.reg(0).and_then(|it| self.values.get(&it).cloned());
        let Some(Value::Built(n)) = first.filter(|_| is_builder) else {
            if Some(reference.class) == self.words.text && Some(reference.name) == self.words.format {
                self.result = self.formatted(insn, reference);
                return;
            }
            let arrays = matches!(self.wanted.get(&self.id_of(insn)), Some(&"execute-command"));
            let others: Vec<u16> = (0..insn.args.len()).filter_map(|it| insn.args.reg(it)).collect();
            for register in others.into_iter().filter(|_| !arrays) {
                self.forget(register);
            }
            return;
        };
        match Some(reference.name) {
            name if name == self.words.append || name == self.words.init => {
                let more = match reference.params.first() {
                    Some(ty) if Some(*ty) == self.words.text => {
                        insn.args.reg(1).map(|it| self.known(it)).unwrap_or_default()
                    }
                    // A capacity.
                    Some(_) if name == self.words.init => (String::new(), false),
                    Some(_) => (String::new(), true),
                    None => (String::new(), false),
                };
                if let Some(built) = self.built.get_mut(n).filter(|it| !it.more) {
                    built.text.push_str(&more.0);
                    built.more = more.1 || TEXT_MAX < built.text.len();
                }
                self.result = Some(Value::Built(n));
            }
            name if name == self.words.to_string => {
                let now = self.built.get(n).cloned().unwrap_or_default();
                self.result = Some(self.build(now));
            }
            _ => _ = insn.args.reg(0).map(|it| self.forget(it)),
        }
    }

    fn id_of(&self, insn: &Insn) -> RefId {
        self.program.method_ref(self.method.dex, insn.idx).unwrap_or(RefId(u32::MAX))
    }

    /// `String.format`, up to the first place that is filled in.
    fn formatted(&mut self, insn: &Insn, reference: &dalvik::MethodRef) -> Option<Value> {
        let at = reference.params.iter().position(|it| Some(*it) == self.words.text)?;
        let (text, _) = self.known(insn.args.reg(at)?);
        let (text, more) = text.split_once('%').map_or((text.as_str(), false), |it| (it.0, true));
        let built = Built { text: text.to_owned(), more: more || text.is_empty(), len: 0 };
        Some(self.build(built))
    }

    /// A text in a register, and whether more of it is not known.
    fn known(&self, register: u16) -> (String, bool) {
        match self.values.get(&register) {
            Some(Value::Text(text)) => (text.clone(), false),
            Some(Value::Built(n)) => {
                self.built.get(*n).map(|it| (it.text.clone(), it.more)).unwrap_or((String::new(), true))
            }
            _ => (String::new(), true),
        }
    }

    fn forget(&mut self, register: u16) {
        if let Some(Value::Built(n)) = self.values.get(&register)
            && let Some(built) = self.built.get_mut(*n)
        {
            *built = Built { more: true, ..Built::default() };
        }
    }

    /// What is written into an array of texts; and what is put where others may change it.
    fn let_go(&mut self, insn: &Insn) {
        match insn.op {
            APUT_OBJECT => {
                let (text, more) = self.known(insn.a);
                let index = match self.values.get(&insn.c) {
                    Some(Value::Number(n)) => usize::try_from(*n).ok(),
                    _ => None,
                };
                if let Some(Value::Built(n)) = self.values.get(&insn.b)
                    && let Some(array) = self.built.get_mut(*n).filter(|it| !it.more)
                {
                    // Elements are written in their order, or are not known; a program's name has no spaces.
                    let fits = index == Some(array.len) && (array.len != 0 || !text.contains(' '));
                    if fits {
                        array.text = format!("{} {text}", array.text).trim_start().to_owned();
                        array.len += 1;
                    }
                    array.more = more || !fits || TEXT_MAX < array.text.len();
                }
            }
            it if (op::IPUT..=op::IPUT_SHORT).contains(&it) || (op::SPUT..=op::SPUT_SHORT).contains(&it) => {
                self.forget(insn.a);
            }
            _ => {}
        }
    }

    fn arguments<'t>(
        &self,
        params: impl Iterator<Item = &'t str>,
        register: impl Fn(usize) -> Option<u16>,
    ) -> Vec<Option<String>> {
        let mut at = 0;
        let mut args = Vec::new();
        for param in params.take(ARGS_MAX) {
            args.push(register(at).and_then(|it| self.text(it)));
            at += if matches!(param, "J" | "D") { 2 } else { 1 };
        }
        args
    }

    fn text(&self, register: u16) -> Option<String> {
        match self.values.get(&register)? {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Built(n) => self.built.get(*n).filter(|it| !it.more).map(|it| it.text.clone()),
            Value::Object(_) | Value::Filter(_) => None,
        }
    }

    /// The class of an object.
    fn class_of(&self, register: Option<u16>) -> Option<String> {
        match self.values.get(&register?)? {
            Value::Object(class) => Some(java_name(self.program.names.text(*class))),
            Value::Filter(_) | Value::Text(_) | Value::Number(_) | Value::Built(_) => None,
        }
    }
}

/// Where another way joins: targets of branches and switches, and handlers.
pub fn joins_of(code: &CodeItem) -> FxHashSet<u32> {
    let mut joins = FxHashSet::default();
    for insn in Insns::new(code.insns) {
        match insn.op {
            op::PACKED_SWITCH | op::SPARSE_SWITCH => {
                // Tables may lie in each other: all of them have no more targets than there is code.
                let targets = dalvik::insn::switch_targets(code.insns, insn.pc, insn.target);
                joins.extend(targets.into_iter().take(code.insns.len()).map(|it| it.1));
            }
            op::GOTO..=op::GOTO_32 | op::IF_EQ..=op::IF_LEZ => _ = joins.insert(insn.target),
            _ => {}
        }
    }
    joins.extend(code.tries().into_iter().flat_map(|it| it.handlers).map(|it| it.addr));
    joins
}

pub fn is_call(code: u8) -> bool {
    (op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE).contains(&code)
        || (op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE).contains(&code)
}

/// `La/b/C;` as `a.b.C`.
pub fn java_name(descriptor: &str) -> String {
    let inner = descriptor.strip_prefix('L').and_then(|it| it.strip_suffix(';'));
    inner.map_or_else(|| descriptor.to_owned(), |it| it.replace('/', "."))
}

/// What is done, by which methods of which class.
const WANTED: &[(&str, &str, &[&str])] = &[
    (helpers::SET, "Landroid/os/SystemProperties;", &["set"]),
    (helpers::WATCH, "Landroid/os/FileObserver;", &["<init>"]),
    ("load-code", "Ldalvik/system/DexClassLoader;", &["<init>"]),
    ("load-code", "Ldalvik/system/PathClassLoader;", &["<init>"]),
    ("load-code", "Ldalvik/system/BaseDexClassLoader;", &["<init>"]),
    ("load-code", "Ldalvik/system/InMemoryDexClassLoader;", &["<init>"]),
    ("load-code", "Ldalvik/system/DexFile;", &["<init>", "loadDex"]),
    ("load-native", "Ljava/lang/System;", &["load"]),
    ("load-native", "Ljava/lang/Runtime;", &["load"]),
    ("execute-command", "Ljava/lang/Runtime;", &["exec"]),
    ("offer-service", "Landroid/os/ServiceManager;", &["addService"]),
    ("listen-local", "Landroid/net/LocalServerSocket;", &["<init>"]),
    ("listen", "Ljava/net/ServerSocket;", &["<init>"]),
    ("listen", "Ljava/net/DatagramSocket;", &["<init>"]),
    (
        "listen-bluetooth",
        "Landroid/bluetooth/BluetoothAdapter;",
        &["listenUsingRfcommWithServiceRecord", "listenUsingInsecureRfcommWithServiceRecord"],
    ),
    ("load-class", "Ljava/lang/ClassLoader;", &["loadClass"]),
    ("load-class", "Ldalvik/system/DexClassLoader;", &["loadClass"]),
];

/// Opcodes that stand in a row with the first of their kind.
const IGET_OBJECT: u8 = op::IGET + 2;
const SGET_OBJECT: u8 = op::SGET + 2;
pub const APUT_OBJECT: u8 = op::APUT + 2;
const INVOKE_STATIC_RANGE: u8 = op::INVOKE_VIRTUAL_RANGE + 3;

/// Stands for what follows and is not known.
const MORE: &str = "…";

/// A command is short.
const TEXT_MAX: usize = 1024;

/// Far more than any app has; the framework's largest library has some thousands.
const CALLS_MAX: usize = 16_384;

/// Enough to find the file that is loaded.
const PATHS_MAX: usize = 64;

/// Filters have up to some forty.
const ACTIONS_MAX: usize = 64;

/// No method of the list has more that matter.
const ARGS_MAX: usize = 4;
