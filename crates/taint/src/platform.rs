//! The classes of a phone itself: who extends whom in its own boot class path and libraries, and what apps may override there.
//! Vendors add classes to Android's (an activity of their own that all their apps extend), and Android has many that it does
//! not show to apps; the bundled table has neither.

use dalvik::{ClassDef, Dex, access};
use knowledge::models::Framework;
use rustc_hash::FxHashMap;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Classes that a phone has besides those of the bundled table, by descriptor.
#[derive(Debug, Default)]
pub struct Platform {
    classes: FxHashMap<String, Class>,
    digest: [u8; 32],
}

/// A class of the phone.
#[derive(Debug, Default)]
struct Class {
    superclass: Option<String>,
    interfaces: Vec<String>,
    /// Name and proto of what an app may override.
    methods: Vec<(String, String)>,
}

impl Platform {
    /// The classes of a library that the table does not have; of two of one name the first.
    pub fn of<'d>(dexes: impl IntoIterator<Item = &'d Dex>, framework: &Framework) -> Platform {
        let mut classes: FxHashMap<String, Class> = FxHashMap::default();
        for dex in dexes {
            for def in dex.class_defs() {
                let Some(name) = text_of_type(dex, def.class_idx) else { continue };
                if !framework.has(&name) {
                    classes.entry(name).or_insert_with(|| class_of(dex, &def));
                }
            }
        }
        Platform { classes, digest: [0; 32] }
    }

    /// All libraries of a phone as one; of two classes of one name the first.
    pub fn joined(libraries: impl IntoIterator<Item = Platform>) -> Platform {
        let mut classes: FxHashMap<String, Class> = FxHashMap::default();
        for (name, class) in libraries.into_iter().flat_map(|it| it.classes) {
            classes.entry(name).or_insert(class);
        }
        let mut names: Vec<&String> = classes.keys().collect();
        names.sort_unstable();
        let mut hash = Sha256::new();
        for name in names {
            let Some(class) = classes.get(name) else { continue };
            let methods = class.methods.iter().flat_map(|it| [&it.0, &it.1]);
            for text in [name].into_iter().chain(&class.superclass).chain(&class.interfaces).chain(methods) {
                hash.update(text);
                hash.update([0]);
            }
            hash.update([1]);
        }
        let digest = hash.finalize().into();
        Platform { classes, digest }
    }

    /// The superclass and the interfaces that a class names itself.
    pub(crate) fn parents_of<'p>(&'p self, class: &str) -> impl Iterator<Item = &'p str> + use<'p> {
        let class = self.classes.get(class);
        class.into_iter().flat_map(|it| it.superclass.iter().chain(&it.interfaces)).map(String::as_str)
    }

    /// The superclass of a class.
    pub fn super_of(&self, class: &str) -> Option<&str> {
        self.classes.get(class)?.superclass.as_deref()
    }

    /// Name and proto of the methods of a class that an app may override.
    pub(crate) fn overridable<'p>(&'p self, class: &str) -> impl Iterator<Item = (&'p str, &'p str)> + use<'p> {
        self.classes.get(class).into_iter().flat_map(|it| &it.methods).map(|it| (it.0.as_str(), it.1.as_str()))
    }
}

/// As what it comes to: results that rest on one platform are not those of another.
impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.digest.serialize(serializer)
    }
}

fn class_of(dex: &Dex, def: &ClassDef) -> Class {
    let mut methods = Vec::new();
    if def.access_flags & access::FINAL == 0 {
        for member in dex.members(def).virtual_methods {
            if member.access_flags & (access::PUBLIC | access::PROTECTED) == 0
                || member.access_flags & access::FINAL != 0
            {
                continue;
            }
            methods.extend(dex.method(member.idx).and_then(|(_, proto, name)| {
                let name = String::from_utf8(dex.string(name)?.to_vec()).ok()?;
                Some((name, text_of_proto(dex, proto)?))
            }));
        }
    }
    let interfaces = dex.type_list(def.interfaces_off);
    Class {
        superclass: text_of_type(dex, def.superclass_idx),
        interfaces: interfaces.into_iter().filter_map(|it| text_of_type(dex, it)).collect(),
        methods,
    }
}

fn text_of_type(dex: &Dex, idx: u32) -> Option<String> {
    String::from_utf8(dex.descriptor(idx)?.to_vec()).ok()
}

/// `(parameters)result`.
fn text_of_proto(dex: &Dex, idx: u32) -> Option<String> {
    let (result, parameters) = dex.proto(idx)?;
    let mut text = "(".to_owned();
    for parameter in parameters {
        text += &text_of_type(dex, parameter)?;
    }
    text.push(')');
    text += &text_of_type(dex, result)?;
    Some(text)
}
