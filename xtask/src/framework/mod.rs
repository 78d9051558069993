//! Makes `framework.txt` and `seen.txt`, which the models of `knowledge` rest on, from what Android itself ships.

mod classfile;
mod typescript;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use knowledge::models::Models;

/// What a class says of itself.
#[derive(Debug, Clone)]
struct Class {
    access: u32,
    superclass: Option<String>,
    interfaces: Vec<String>,
    /// Names of its fields; of bytecode the static ones.
    fields: Vec<String>,
    methods: Vec<Method>,
}

/// A method; several protos where the input does not tell them apart.
#[derive(Debug, Clone)]
struct Method {
    name: String,
    protos: Vec<String>,
    access: u32,
    /// Whether the proto and the flags are what the phone has, not what can be told from declarations.
    exact: bool,
}

/// Classes of all inputs, each with the labels of those that define it.
type Classes = BTreeMap<String, (Class, Vec<String>)>;

/// Reads every `LABEL=PATH`, the newest first, and writes both files.
pub fn run(inputs: &[&str]) -> Result<()> {
    let mut all: Vec<(String, BTreeMap<String, Class>)> = Vec::new();
    for input in inputs {
        let (label, path) = input.split_once('=').with_context(|| format!("{input}: not LABEL=PATH"))?;
        let mut classes: BTreeMap<String, Class> = BTreeMap::new();
        for file in files_of(Path::new(path))? {
            for (name, class) in classes_of(&file).with_context(|| file.display().to_string())? {
                match classes.get_mut(&name) {
                    None => _ = classes.insert(name, class),
                    Some(known) => known.methods.extend(class.methods),
                }
            }
        }
        println!("{label}: {} classes", classes.len());
        match all.iter_mut().find(|it| it.0 == label) {
            Some((_, known)) => known.extend(classes),
            None => all.push((label.to_owned(), classes)),
        }
    }
    if !all.iter().any(|it| it.0 == EVERYWHERE) {
        bail!("an input labelled {EVERYWHERE} says which classes every phone has");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/knowledge");
    std::fs::write(root.join("data/models/framework.txt"), framework_of(&all))?;
    let (seen, unseen) = seen_of(&all);
    std::fs::write(root.join("src/models/seen.txt"), seen)?;
    for row in &unseen {
        println!("in no input: {row}");
    }
    Ok(())
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())? {
        files.extend(files_of(&entry?.path())?);
    }
    files.sort();
    Ok(files)
}

fn classes_of(path: &Path) -> Result<Vec<(String, Class)>> {
    let bytes = || std::fs::read(path).context("cannot be read");
    match path.extension().and_then(|it| it.to_str()) {
        Some("class") => Ok(vec![classfile::read(&bytes()?)?]),
        Some("ts") => typescript::read(&String::from_utf8(bytes()?)?),
        Some("dex" | "vdex" | "odex" | "oat") => {
            let contents = dalvik::container::open(bytes()?).map_err(|it| anyhow::anyhow!("{it}"))?;
            Ok(contents.dexes.into_iter().flat_map(|it| bytecode(it.dex)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn bytecode(dex: dalvik::Dex) -> Vec<(String, Class)> {
    let program = dalvik::Program::new([dex]);
    let text = |name| program.names.text(name).to_owned();
    let class_of = |class: &dalvik::Class| {
        let methods = class.methods.iter().filter_map(|it| {
            let method = program.method(*it)?;
            let reference = program.reference(method.reference)?;
            Some(Method {
                name: text(reference.name),
                protos: vec![text(reference.proto)],
                access: method.access_flags,
                exact: true,
            })
        });
        Class {
            access: class.access_flags,
            superclass: class.superclass.map(text),
            interfaces: class.interfaces.iter().copied().map(text).collect(),
            fields: class.static_fields.iter().copied().map(text).collect(),
            methods: methods.collect(),
        }
    };
    let mut classes: Vec<(String, Class)> = program.classes.iter().map(|it| (text(it.name), class_of(it))).collect();
    // What code calls and does not define is there on the phone that runs it.
    for reference in (0..program.n_refs()).filter_map(|it| program.reference(dalvik::RefId(u32::try_from(it).ok()?))) {
        if program.class_of(reference.class).is_none() {
            let method =
                Method { name: text(reference.name), protos: vec![text(reference.proto)], access: PUBLIC, exact: true };
            let class =
                Class { access: 0, superclass: None, interfaces: vec![], fields: vec![], methods: vec![method] };
            classes.push((text(reference.class), class));
        }
    }
    classes
}

/// The hierarchy of the platform, and what can be overridden in it.
fn framework_of(all: &[(String, BTreeMap<String, Class>)]) -> String {
    let mut text = String::from(HEAD);
    let mut merged: Classes = BTreeMap::new();
    for (label, classes) in all.iter().filter(|it| it.0.parse::<u32>().is_ok()) {
        for (name, class) in classes.iter().filter(|it| is_of_the_platform(it.0)) {
            match merged.get_mut(name) {
                Some((known, labels)) => {
                    labels.push(label.clone());
                    let more = class.interfaces.iter().filter(|it| !known.interfaces.contains(it));
                    let more: Vec<String> = more.cloned().collect();
                    known.interfaces.extend(more);
                    known.methods.extend(class.methods.iter().cloned());
                    known.access |= class.access & FINAL;
                }
                None => _ = merged.insert(name.clone(), (class.clone(), vec![label.clone()])),
            }
        }
    }
    for (name, (class, labels)) in &merged {
        let everywhere = labels.iter().any(|it| it == EVERYWHERE);
        // Declarations repeat what is inherited, and what bytecode tells exactly.
        let own = class.methods.iter().filter(|it| it.exact);
        let known: BTreeSet<&str> = own.chain(inherited(&merged, class)).map(|it| it.name.as_str()).collect();
        let open: BTreeSet<(&str, &str)> = class
            .methods
            .iter()
            .filter(|it| is_open(class, it, !everywhere) && (it.exact || !known.contains(it.name.as_str())))
            .flat_map(|it| it.protos.iter().map(|proto| (it.name.as_str(), proto.as_str())))
            .collect();
        let plain = class.interfaces.is_empty() && class.superclass.as_deref().is_none_or(|it| it == OBJECT);
        if !everywhere && plain && open.iter().all(|it| it.0 == "toString" || it.0 == "finalize") {
            continue;
        }
        let mut flags = String::new();
        for (flag, set) in [('i', class.access & INTERFACE != 0), ('r', !everywhere)] {
            if set {
                flags.push(flag);
            }
        }
        if flags.is_empty() {
            flags.push('-');
        }
        _ = write!(text, "{name} {flags} {}", class.superclass.as_deref().unwrap_or("-"));
        for interface in &class.interfaces {
            _ = write!(text, " {interface}");
        }
        text.push('\n');
        for (name, proto) in open {
            _ = writeln!(text, " {name} {proto}");
        }
    }
    text
}

/// Methods of all superclasses.
fn inherited<'a>(classes: &'a Classes, class: &'a Class) -> impl Iterator<Item = &'a Method> {
    let above = |class: &'a Class| class.superclass.as_ref().and_then(|it| classes.get(it)).map(|it| &it.0);
    std::iter::successors(above(class), move |it| above(it)).take(DEPTH_MAX).flat_map(|it| &it.methods)
}

/// Whether apps name the class: no code of libraries, nothing anonymous or made by a compiler.
fn is_of_the_platform(name: &str) -> bool {
    let numbered = name.split('$').skip(1).any(|it| it.starts_with(|it: char| it.is_ascii_digit()));
    PLATFORM.iter().any(|it| name.starts_with(it))
        && !numbered
        && !name.contains("-$$")
        && !name.contains("$$Lambda")
        && !name.ends_with("$Stub$Proxy;")
}

/// Whether an app may override the method and the framework may call it.
fn is_open(class: &Class, method: &Method, recent: bool) -> bool {
    class.access & FINAL == 0
        && method.access & (STATIC | FINAL | PRIVATE) == 0
        && method.access & (PUBLIC | PROTECTED) != 0
        && !method.name.starts_with('<')
        && (method.access & ABSTRACT != 0
            || (class.access & INTERFACE != 0 && (method.exact || recent))
            || method.name.starts_with("on")
            || (method.exact && CALLED.contains(&method.name.as_str())))
}

/// For each row of the models the inputs that define the method in the class or in what it inherits from; and the rows
/// that none does.
fn seen_of(all: &[(String, BTreeMap<String, Class>)]) -> (String, Vec<String>) {
    let mut seen = String::from(SEEN);
    let mut unseen = Vec::new();
    let models = Models::bundled();
    for row in models.rows() {
        let labels: Vec<&str> =
            all.iter().filter(|(_, classes)| defines(classes, &row)).map(|it| it.0.as_str()).collect();
        if labels.is_empty() && !models.documented().contains_key(&row) {
            unseen.push(row);
        } else if !labels.is_empty() {
            _ = writeln!(seen, "{row} {}", labels.join(" "));
        }
    }
    (seen, unseen)
}

/// Whether a class has, or inherits, the member of a row: `Lclass;->name` or `Lclass;->name(proto)`.
fn defines(classes: &BTreeMap<String, Class>, row: &str) -> bool {
    let Some((class, member)) = row.split_once("->") else { return false };
    let (name, proto) = member.find('(').map_or((member, None), |at| (&member[..at], Some(&member[at..])));
    let mut waiting = vec![class.to_owned()];
    let mut next = 0;
    while let Some(class) = waiting.get(next) {
        next += 1;
        let Some(class) = classes.get(class) else { continue };
        let fits = |it: &Method| it.name == name && proto.is_none_or(|proto| it.protos.iter().any(|it| it == proto));
        if class.methods.iter().any(fits) || class.fields.iter().any(|it| it == name) {
            return true;
        }
        if name != "<init>" {
            let parents: Vec<String> = class.superclass.iter().chain(&class.interfaces).cloned().collect();
            waiting.extend(parents);
        }
    }
    false
}

/// Access flags, as class files and dex files have them.
const PUBLIC: u32 = 0x1;
const PRIVATE: u32 = 0x2;
const PROTECTED: u32 = 0x4;
const STATIC: u32 = 0x8;
const FINAL: u32 = 0x10;
const INTERFACE: u32 = 0x200;
const ABSTRACT: u32 = 0x400;

/// Longer than any chain of superclasses in Android.
const DEPTH_MAX: usize = 32;

const OBJECT: &str = "Ljava/lang/Object;";

/// The label of the level that every phone has that is still in use.
const EVERYWHERE: &str = "19";

/// Where the classes lie that the framework defines and apps name.
const PLATFORM: [&str; 14] = [
    "Ljunit/",
    "Lorg/apache/commons/logging/",
    "Landroid/",
    "Ldalvik/",
    "Ljava/",
    "Ljavax/",
    "Lcom/android/internal/",
    "Lorg/apache/http/",
    "Lorg/json/",
    "Lorg/w3c/",
    "Lorg/xml/",
    "Lorg/xmlpull/",
    "Lmiui/",
    "Lsun/misc/",
];

/// Methods that the framework calls although they are neither abstract nor named like a callback.
const CALLED: [&str; 24] = [
    "attachBaseContext",
    "bulkInsert",
    "call",
    "delete",
    "deliverResult",
    "dispatchKeyEvent",
    "dispatchMessage",
    "dispatchTouchEvent",
    "draw",
    "finalize",
    "getType",
    "handleMessage",
    "insert",
    "openAssetFile",
    "openFile",
    "query",
    "run",
    "shouldInterceptRequest",
    "shouldOverrideKeyEvent",
    "shouldOverrideUrlLoading",
    "toString",
    "update",
    "applyBatch",
    "openTypedAssetFile",
];

const HEAD: &str = "\
# Who extends whom in Java and Android, and what an app may override. Made by `cargo xtask framework`; facts from the
# public classes of API level 19 and the declarations of level 37. Flags: i interface, r not in level 19. What these lack
# stands in others.txt.
";

const SEEN: &str = "\
# Where each row of the models was seen to exist: the API levels and the libraries of phones that define the method.
# Made by `cargo xtask framework`.
";
