//! Components that code makes and no manifest names: receivers that it registers, objects that it offers under a name.

use std::collections::BTreeMap;

use taint::Component;

use crate::calls::Calls;

/// Those of the calls of a program, each class once.
pub fn components_of(calls: &Calls) -> Vec<Component> {
    let mut found: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
    for (_, _, call) in &calls.calls {
        let arg = |n: usize| call.args.get(n).and_then(Option::as_deref);
        let (kind, class, actions) = match call.what.as_str() {
            "register-receiver" => ("registered", arg(0), arg(1)),
            "offer-service" => ("binder", arg(1), None),
            _ => continue,
        };
        let Some(class) = class else { continue };
        let known = found.entry((kind, format!("L{};", class.replace('.', "/")))).or_default();
        known.extend(actions.into_iter().flat_map(|it| it.split(' ')).map(str::to_owned));
    }
    let component = |((kind, class), mut actions): ((&'static str, String), Vec<String>)| {
        actions.sort();
        actions.dedup();
        Component { kind, class, exported: true, actions }
    };
    found.into_iter().take(COMPONENTS_MAX).map(component).collect()
}

/// The framework offers some hundred; each gets its share of the work.
const COMPONENTS_MAX: usize = 512;
