//! Apps of which only the code is there: a dump that keeps packages elsewhere, or a package that cannot be read.

use dalvik::{Class, Program, access};
use knowledge::models::Models;
use taint::Component;

/// What code says of an app without a manifest: each class that the framework would run as a component. That others can
/// open them is not taken for granted.
pub fn app_of(program: &Program, models: &Models, known: &taint::App) -> taint::App {
    let kind_of = |class: &Class| {
        let mut name = class.superclass.map(|it| program.names.text(it))?;
        for _ in 0..DEPTH_MAX {
            if let Some(kind) = COMPONENTS.iter().find(|it| it.0 == name) {
                return Some(kind.1);
            }
            let own = program.names.find(name).and_then(|it| program.class(program.class_of(it)?));
            name = match own {
                Some(class) => program.names.text(class.superclass?),
                None => models.framework().super_of(name).or_else(|| known.platform.super_of(name))?,
            };
        }
        None
    };
    let mut facts = known.clone();
    for class in program.classes.iter().filter(|it| it.access_flags & access::ABSTRACT == 0) {
        let Some(kind) = kind_of(class) else { continue };
        let class = program.names.text(class.name).to_owned();
        if kind == "application" {
            facts.application = Some(class);
            continue;
        }
        facts.components.push(Component { kind, class, exported: false, actions: Vec::new() });
    }
    facts
}

/// What code says of a file that something loads: whoever does may call every public method of every public class.
pub fn plugin_of(program: &Program, known: &taint::App) -> taint::App {
    let mut facts = known.clone();
    let public = |flags: u32| flags & access::PUBLIC != 0 && flags & access::ABSTRACT == 0;
    let mut names = std::collections::BTreeSet::new();
    for class in program.classes.iter().filter(|it| public(it.access_flags)).take(CLASSES_MAX) {
        facts.components.push(Component {
            kind: "service",
            class: program.names.text(class.name).to_owned(),
            exported: false,
            actions: Vec::new(),
        });
        let methods = class.methods.iter().filter_map(|it| program.method(*it));
        for method in methods.filter(|it| public(it.access_flags) && it.access_flags & access::CONSTRUCTOR == 0) {
            names.extend(program.reference(method.reference).map(|it| program.names.text(it.name).to_owned()));
        }
    }
    facts.click_handlers = names.into_iter().take(METHODS_MAX).collect();
    facts
}

/// A plug-in is small; work is bounded in any case.
const CLASSES_MAX: usize = 512;
const METHODS_MAX: usize = 1024;

/// What the framework runs, and as what.
const COMPONENTS: [(&str, &str); 5] = [
    ("Landroid/app/Activity;", "activity"),
    ("Landroid/app/Service;", "service"),
    ("Landroid/content/BroadcastReceiver;", "receiver"),
    ("Landroid/content/ContentProvider;", "provider"),
    ("Landroid/app/Application;", "application"),
];

/// Deeper than any real chain of superclasses; a chain that is a circle ends here.
const DEPTH_MAX: usize = 64;
