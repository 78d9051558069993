//! The bundled model of Android's and Java's classes: who extends whom, and what can be overridden.
//!
//! The text has one line for each class: `class flags super interface…`, flags being `i` (interface), `r` (recent: not
//! on every phone) or `-`; then a line ` name proto` for each method that an app may override and the framework may call.

use rustc_hash::FxHashMap;

/// Classes of the framework by descriptor.
#[derive(Debug, Default)]
pub struct Framework {
    classes: FxHashMap<&'static str, Class>,
}

#[derive(Debug)]
struct Class {
    flags: &'static str,
    superclass: Option<&'static str>,
    interfaces: Vec<&'static str>,
    methods: Vec<(&'static str, &'static str)>,
}

impl Framework {
    pub(crate) fn parse(texts: &[&'static str]) -> Framework {
        let mut classes = FxHashMap::default();
        let mut last: Option<(&'static str, Class)> = None;
        for line in texts.iter().flat_map(|it| it.lines()).filter(|it| !it.starts_with('#')) {
            if let Some(method) = line.strip_prefix(' ') {
                if let (Some((_, class)), Some(method)) = (&mut last, method.split_once(' ')) {
                    class.methods.push(method);
                }
                continue;
            }
            let mut words = line.split(' ');
            let (Some(name), Some(flags)) = (words.next(), words.next()) else { continue };
            let superclass = words.next().filter(|it| *it != "-");
            let class = Class { flags, superclass, interfaces: words.collect(), methods: Vec::new() };
            if let Some((name, class)) = last.replace((name, class)) {
                classes.insert(name, class);
            }
        }
        classes.extend(last);
        Framework { classes }
    }

    /// Whether the class is known.
    pub fn has(&self, class: &str) -> bool {
        self.classes.contains_key(class)
    }

    /// Whether every phone that is still in use has the class, so that none loads an app's class of that name.
    pub fn is_everywhere(&self, class: &str) -> bool {
        self.classes.get(class).is_some_and(|it| !it.flags.contains('r'))
    }

    /// The superclass of a class.
    pub fn super_of(&self, class: &str) -> Option<&'static str> {
        self.classes.get(class)?.superclass
    }

    /// The interfaces that a class names itself.
    pub fn interfaces_of(&self, class: &str) -> impl Iterator<Item = &'static str> + '_ {
        self.classes.get(class).map(|it| it.interfaces.as_slice()).unwrap_or_default().iter().copied()
    }

    /// Whether it is an interface.
    pub fn is_interface(&self, class: &str) -> bool {
        self.classes.get(class).is_some_and(|it| it.flags.contains('i'))
    }

    /// Name and proto of the methods that an app may override and the framework may call.
    pub fn overridable(&self, class: &str) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.classes.get(class).map(|it| it.methods.as_slice()).unwrap_or_default().iter().copied()
    }
}
