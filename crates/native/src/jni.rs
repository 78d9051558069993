//! Functions that Java calls: by their exported names, and by tables that are registered.

use model::fact::native::JniMethod;

use crate::image::Image;

/// All of them, in the order of where they stand.
pub fn methods(image: &Image) -> Vec<JniMethod> {
    let plain = |at: u64| if image.isa.pointer() == 4 { at & !1 } else { at };
    let mut methods: Vec<JniMethod> = image
        .symbols
        .iter()
        .filter(|it| it.exported)
        .filter_map(|symbol| {
            let (class, method, descriptor) = unmangled(&symbol.name)?;
            let offset = image.offset(plain(symbol.at))?;
            Some(JniMethod { class: Some(class), method, descriptor, offset, reaches: Vec::new() })
        })
        .collect();
    methods.sort_by(|a, b| (a.offset, &a.class, &a.method).cmp(&(b.offset, &b.class, &b.method)));
    methods.dedup();
    methods.extend(registered(image));
    methods.truncate(METHODS_MAX);
    methods
}

/// Tables of `JNINativeMethod`: name, descriptor, function.
fn registered(image: &Image) -> Vec<JniMethod> {
    let size = u64::from(image.isa.pointer());
    let mut methods = Vec::new();
    let mut left = DATA_MAX;
    let data = image.file.segments.iter().filter(|it| it.kind == PT_LOAD && it.flags & PF_W != 0);
    for segment in data {
        let len = (image.bytes(segment.address).len() as u64).min(left);
        left = left.saturating_sub(len);
        let end = segment.address.saturating_add(len);
        let Some(mut at) = segment.address.checked_next_multiple_of(size) else { continue };
        while at.saturating_add(size.saturating_mul(3)) <= end {
            match registered_at(image, at, size) {
                Some(method) => {
                    methods.push(method);
                    at = at.saturating_add(size.saturating_mul(3));
                }
                None => at = at.saturating_add(size),
            }
        }
    }
    methods
}

fn registered_at(image: &Image, at: u64, size: u64) -> Option<JniMethod> {
    let field = |n: u64| image.pointer(at.saturating_add(size.saturating_mul(n)));
    let function = field(2).filter(|it| image.is_code(*it & !1))?;
    let descriptor = image.text(field(1)?).filter(|it| it.starts_with('(') && it.contains(')'))?;
    let method = image.text(field(0)?).filter(|it| is_identifier(it))?;
    let function = if size == 4 { function & !1 } else { function };
    Some(JniMethod {
        class: None,
        method: method.to_owned(),
        descriptor: Some(descriptor.to_owned()),
        offset: image.offset(function)?,
        reaches: Vec::new(),
    })
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'$' | b'<' | b'>'))
}

/// Class, method and arguments of `Java_…` (JNI specification, "Resolving Native Method Names").
fn unmangled(name: &str) -> Option<(String, String, Option<String>)> {
    let mangled = name.strip_prefix("Java_")?;
    let (mangled, arguments) = match mangled.split_once("__") {
        Some((name, arguments)) => (name, Some(arguments)),
        None => (mangled, None),
    };
    let full = decoded(mangled);
    let (class, method) = full.rsplit_once('/')?;
    let descriptor = arguments.map(|it| format!("({})", decoded(it)));
    Some((class.replace('/', "."), method.to_owned(), descriptor))
}

/// `_` is a slash, `_1` to `_3` and `_0xxxx` stand for characters.
fn decoded(mangled: &str) -> String {
    let mut text = String::new();
    let mut rest = mangled;
    while let Some((plain, escaped)) = rest.split_once('_') {
        text.push_str(plain);
        let mut chars = escaped.chars();
        let (char, skip) = match chars.next() {
            Some('1') => ('_', 1),
            Some('2') => (';', 1),
            Some('3') => ('[', 1),
            Some('0') => {
                let code = escaped.get(1..5).and_then(|it| u32::from_str_radix(it, 16).ok());
                code.and_then(char::from_u32).map_or(('/', 0), |it| (it, 5))
            }
            _ => ('/', 0),
        };
        text.push(char);
        rest = escaped.get(skip..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

const PT_LOAD: u32 = 1;
const PF_W: u32 = 2;

/// As much data is looked through for tables.
const DATA_MAX: u64 = 16 << 20;

/// The libraries of Android's runtime register some thousand.
const METHODS_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangled_names_are_classes_and_methods() {
        let of = |name: &str| unmangled(name).map(|it| format!("{} {} {:?}", it.0, it.1, it.2));
        assert_eq!(of("Java_a_b_C_run").as_deref(), Some("a.b.C run None"));
        assert_eq!(of("Java_a_C_1x_do_1it__I_3B").as_deref(), Some("a.C_x do_it Some(\"(I[B)\")"));
        assert_eq!(of("Java_a_C_r_000e9").as_deref(), Some("a.C ré None"));
        assert_eq!(of("Java_run"), None);
        assert_eq!(of("JNI_OnLoad"), None);
    }
}
