//! The declarations of Android's public classes in TypeScript that NativeScript publishes for recent levels. They tell
//! less than bytecode: one `number` for all of Java's, one `string` for `String` and `CharSequence`. Each meaning is kept.

use anyhow::Result;

use super::{ABSTRACT, Class, INTERFACE, Method, PUBLIC, STATIC};

/// All classes that a text declares.
pub fn read(text: &str) -> Result<Vec<(String, Class)>> {
    let mut found: Vec<(String, Class)> = Vec::new();
    // The modules that are open; a class stands for itself with an empty name.
    let mut open: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().filter(|it| !MODIFIERS.contains(it)).collect();
        match words.as_slice() {
            ["module", name, "{"] => open.push((*name).to_owned()),
            ["class" | "interface", rest @ ..] if line.ends_with('{') => {
                let name = bare(rest.first().copied().unwrap_or_default());
                let after = |word: &str| line.split_once(word).map(|it| it.1).unwrap_or_default();
                let superclass = after(" extends ").split(" implements ").next().unwrap_or_default();
                let types = |text: &str| -> Vec<String> {
                    list(text.trim_end_matches('{')).into_iter().map(descriptor).filter(|it| !it.is_empty()).collect()
                };
                let class = Class {
                    access: if line.contains("abstract ") { PUBLIC | ABSTRACT } else { PUBLIC },
                    superclass: types(superclass).into_iter().next(),
                    interfaces: types(after(" implements ")),
                    fields: Vec::new(),
                    methods: Vec::new(),
                };
                let full: Vec<String> = open.iter().cloned().chain([name.to_owned()]).collect();
                found.push((name_of(&full), class));
                open.push(String::new());
            }
            ["}"] => _ = open.pop(),
            _ if open.last().is_some_and(String::is_empty) => {
                let Some((_, class)) = found.last_mut() else { continue };
                // An interface is written as a class that can be made of its methods.
                if line.starts_with("public constructor(implementation") {
                    class.access |= INTERFACE | ABSTRACT;
                } else if let Some(method) = method_of(line) {
                    class.methods.push(method);
                } else if let Some((name, _)) = line.strip_prefix("public static ").and_then(|it| it.split_once(": ")) {
                    class.fields.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// `public onStart(param0: number): void;`
fn method_of(line: &str) -> Option<Method> {
    let rest = line.strip_prefix("public ").or_else(|| line.strip_prefix("protected "))?;
    let (rest, access) = match rest.strip_prefix("static ") {
        Some(rest) => (rest, PUBLIC | STATIC),
        None => (rest, PUBLIC),
    };
    let (name, rest) = rest.split_once('(')?;
    let name = bare(name);
    if name == "constructor" {
        return Some(Method { name: "<init>".to_owned(), protos: Vec::new(), access, exact: false });
    }
    if name.contains([':', ' ']) {
        return None;
    }
    let (params, returns) = rest.rsplit_once("): ")?;
    let mut protos = vec!["(".to_owned()];
    for param in list(params) {
        protos = each(&protos, &meanings(param.split_once(": ")?.1));
    }
    let closed: Vec<String> = protos.iter().map(|it| format!("{it})")).collect();
    let protos = each(&closed, &meanings(returns.trim_end_matches(';')));
    Some(Method { name: name.to_owned(), protos, access, exact: false })
}

/// Every text with every ending; none where it would be too many to be worth it.
fn each(texts: &[String], endings: &[String]) -> Vec<String> {
    if MEANINGS_MAX < texts.len() * endings.len() {
        return Vec::new();
    }
    texts.iter().flat_map(|text| endings.iter().map(move |it| format!("{text}{it}"))).collect()
}

/// The types of Java that a type may stand for.
fn meanings(ty: &str) -> Vec<String> {
    let ty = ty.trim().trim_end_matches(" | null");
    let one = |text: &str| vec![text.to_owned()];
    if let Some(inner) = ty.strip_prefix("androidNative.Array<").and_then(|it| it.strip_suffix('>')) {
        let inner = if inner == "number" { vec!["B".to_owned(), "I".to_owned()] } else { meanings(inner) };
        return inner.iter().map(|it| format!("[{it}")).collect();
    }
    match ty {
        "void" => one("V"),
        "boolean" => one("Z"),
        "number" => ["I", "J", "F"].map(str::to_owned).to_vec(),
        "string" => ["Ljava/lang/String;", "Ljava/lang/CharSequence;"].map(str::to_owned).to_vec(),
        "any" => one("Ljava/lang/Object;"),
        _ => vec![descriptor(ty)],
    }
}

/// `android.app.Activity.Callback<T>` as a descriptor: what starts with a capital letter lies in a class.
fn descriptor(name: &str) -> String {
    let words: Vec<String> = bare(name.trim()).split('.').map(str::to_owned).collect();
    if words.len() < 2 { String::new() } else { name_of(&words) }
}

fn name_of(words: &[String]) -> String {
    let mut text = String::from("L");
    let mut in_class = false;
    for word in words.iter().filter(|it| !it.is_empty()) {
        if text.len() != 1 {
            text.push(if in_class { '$' } else { '/' });
        }
        text.push_str(word);
        in_class |= word.starts_with(|it: char| it.is_uppercase());
    }
    text + ";"
}

/// Without the parameters of a type.
fn bare(name: &str) -> &str {
    name.split('<').next().unwrap_or_default()
}

/// The parts between commas that stand in no brackets.
fn list(text: &str) -> Vec<&str> {
    let (mut depth, mut start) = (0i32, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|it| !it.is_empty());
    parts
}

const MODIFIERS: [&str; 3] = ["declare", "export", "abstract"];

/// A method with more meanings than this has many numbers, and is no callback.
const MEANINGS_MAX: usize = 18;
