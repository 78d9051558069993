//! From the text of CIL files to plain statements: blocks, macros, inheritance and `in` are written out, each statement
//! with the place whose names it sees.

use std::collections::BTreeMap;

use super::tree::{Items, Tree};

/// A part of a statement, and where its names are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The node.
    pub node: usize,
    /// The block it stands in.
    pub scope: usize,
    /// The call of a macro whose body it stands in.
    pub call: usize,
}

/// A statement as if it stood alone.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// Where.
    pub part: Part,
    /// The innermost `optional` around it.
    pub optional: Option<usize>,
    /// The `booleanif` around it, and which branch.
    pub condition: Option<(usize, bool)>,
}

/// All statements of some files.
pub struct Expanded<'t, 'a> {
    tree: &'t Tree<'a>,
    /// In the order of the text.
    pub statements: Vec<Statement>,
    /// The `optional` around each `optional`.
    pub optionals: Vec<Option<usize>>,
    /// Conditions of `booleanif`.
    pub conditions: Vec<Part>,
    /// Why something was left out.
    pub gaps: Vec<String>,
    scopes: Vec<Scope>,
    calls: Vec<Call<'a>>,
    macros: BTreeMap<String, Part>,
    blocks: BTreeMap<String, (Part, bool)>,
    /// What `in` adds to a block, by its full name.
    added: BTreeMap<String, Vec<Part>>,
    tunables: BTreeMap<String, bool>,
    /// How many nodes may still be written out.
    fuel: usize,
}

/// A block: the names in front of those declared in it, and the block around it.
struct Scope {
    path: String,
    parent: Option<usize>,
}

/// A call: what its parameters stand for, and the block that the macro stands in.
struct Call<'a> {
    parameters: Vec<(&'a str, Part)>,
    home: usize,
}

impl<'t, 'a> Expanded<'t, 'a> {
    /// Writes everything out.
    pub fn of(tree: &'t Tree<'a>) -> Expanded<'t, 'a> {
        let mut all = Expanded {
            tree,
            statements: Vec::new(),
            optionals: Vec::new(),
            conditions: Vec::new(),
            gaps: Vec::new(),
            scopes: vec![Scope { path: String::new(), parent: None }],
            calls: vec![Call { parameters: Vec::new(), home: 0 }],
            macros: BTreeMap::new(),
            blocks: BTreeMap::new(),
            added: BTreeMap::new(),
            tunables: BTreeMap::new(),
            fuel: FUEL,
        };
        all.collect(tree.top(), "", 0);
        all.expand(tree.top(), &Place { scope: 0, call: 0, optional: None, condition: None }, 0);
        all.gaps.sort();
        all.gaps.dedup();
        all
    }

    /// The word that a part is, through the parameters of macros.
    pub fn word(&self, part: Part) -> Option<&'a str> {
        self.tree.atom(self.meant(part).node)
    }

    /// What a part stands for, if it is a parameter.
    pub fn meant(&self, mut part: Part) -> Part {
        for _ in 0..DEPTH_MAX {
            let Some(word) = self.tree.atom(part.node) else { break };
            let parameters = self.calls.get(part.call).map(|it| it.parameters.as_slice()).unwrap_or_default();
            let Some((_, argument)) = parameters.iter().find(|it| it.0 == word) else { break };
            part = *argument;
        }
        part
    }

    /// What a list holds.
    pub fn items(&self, part: Part) -> impl Iterator<Item = Part> {
        let part = self.meant(part);
        self.tree.items(part.node).map(move |node| Part { node, ..part })
    }

    /// The keyword of a statement and what follows it.
    pub fn statement(&self, part: Part) -> Option<(&'a str, impl Iterator<Item = Part>)> {
        let (keyword, items) = self.tree.statement(part.node)?;
        Some((keyword, items.map(move |node| Part { node, ..part })))
    }

    /// All words of a part, however deep.
    pub fn words(&self, part: Part) -> impl Iterator<Item = Part> {
        let part = self.meant(part);
        let nodes = self.tree.within(part.node).filter(|it| self.tree.atom(*it).is_some());
        nodes.map(move |node| Part { node, ..part })
    }

    /// The full name of what a part declares.
    pub fn declared(&self, part: Part) -> Option<String> {
        let part = self.meant(part);
        let path = self.scopes.get(part.scope).map_or("", |it| &it.path);
        let name = self.tree.atom(part.node)?;
        (path.len().saturating_add(name.len()) <= NAME_MAX).then(|| format!("{path}{name}"))
    }

    /// What a name means where it stands: in its block, those around it, and those of the macro.
    pub fn find<'m, T>(&self, part: Part, map: &'m BTreeMap<String, T>) -> Option<&'m T> {
        self.entry(part, map).map(|it| it.1)
    }

    /// The full name under which it was declared.
    pub fn full<T>(&self, part: Part, map: &BTreeMap<String, T>) -> Option<String> {
        self.entry(part, map).map(|it| it.0.clone())
    }

    fn entry<'m, T>(&self, part: Part, map: &'m BTreeMap<String, T>) -> Option<(&'m String, &'m T)> {
        let part = self.meant(part);
        let name = self.tree.atom(part.node)?;
        if let Some(name) = name.strip_prefix('.') {
            return map.get_key_value(name);
        }
        let home = self.calls.get(part.call).map_or(0, |it| it.home);
        [part.scope, home].into_iter().find_map(|scope| self.entry_from(scope, name, map))
    }

    fn entry_from<'m, T>(&self, scope: usize, name: &str, map: &'m BTreeMap<String, T>) -> Option<(&'m String, &'m T)> {
        let mut scope = self.scopes.get(scope);
        while let Some(it) = scope {
            let found = match it.path.is_empty() {
                true => map.get_key_value(name),
                false => map.get_key_value(&format!("{}{name}", it.path)),
            };
            if found.is_some() {
                return found;
            }
            scope = it.parent.and_then(|it| self.scopes.get(it));
        }
        None
    }

    /// Macros, blocks, what is added to blocks, and tunables, by their full names.
    fn collect(&mut self, items: Items<'t, 'a>, path: &str, depth: usize) {
        if DEPTH_MAX <= depth || NAME_MAX < path.len() {
            self.gap(format!("blocks more than {DEPTH_MAX} deep, or with names longer than {NAME_MAX}, are left out"));
            return;
        }
        let tree = self.tree;
        for node in items {
            let Some((keyword, mut rest)) = tree.statement(node) else { continue };
            let Some(name) = rest.next().and_then(|it| tree.atom(it)) else { continue };
            let part = Part { node, scope: 0, call: 0 };
            let deeper = depth.saturating_add(1);
            match keyword {
                "macro" => _ = self.macros.insert(format!("{path}{name}"), part),
                "block" => {
                    let is_abstract =
                        rest.clone().any(|it| tree.statement(it).is_some_and(|it| it.0 == "blockabstract"));
                    self.blocks.insert(format!("{path}{name}"), (part, is_abstract));
                    self.collect(rest, &format!("{path}{name}."), deeper);
                }
                "in" => {
                    // `(in after NAME …)` since version 3.3.
                    let name = match name {
                        "before" | "after" => rest.next().and_then(|it| tree.atom(it)).unwrap_or_default(),
                        _ => name,
                    };
                    let name = name.trim_start_matches('.');
                    self.added.entry(format!("{path}{name}")).or_default().push(part);
                    self.collect(rest, &format!("{path}{name}."), deeper);
                }
                "optional" => self.collect(rest, path, deeper),
                "tunable" => {
                    let holds = rest.next().and_then(|it| tree.atom(it)) == Some("true");
                    self.tunables.insert(format!("{path}{name}"), holds);
                }
                _ => {}
            }
        }
    }

    fn expand(&mut self, items: impl Iterator<Item = usize>, place: &Place, depth: usize) {
        if DEPTH_MAX <= depth {
            self.gap(format!("blocks and macros more than {DEPTH_MAX} deep in each other are left out"));
            return;
        }
        let (tree, deeper) = (self.tree, depth.saturating_add(1));
        for node in items {
            let Some(fuel) = self.fuel.checked_sub(1) else {
                self.gap(format!("more than {FUEL} statements, blocks and calls: the others are left out"));
                return;
            };
            self.fuel = fuel;
            let Some((keyword, mut rest)) = tree.statement(node) else { continue };
            let part = Part { node, scope: place.scope, call: place.call };
            match keyword {
                "macro" | "tunable" | "in" | "blockabstract" => {}
                "block" => {
                    let Some(name) = rest.next().and_then(|it| tree.atom(it)) else { continue };
                    let path = format!("{}{name}", self.scopes.get(place.scope).map_or("", |it| &it.path));
                    if NAME_MAX < path.len() {
                        continue;
                    }
                    if self.blocks.get(&path).is_some_and(|it| it.1) {
                        continue;
                    }
                    let scope = self.scope(format!("{path}."), place.scope);
                    let inner = Place { scope, ..*place };
                    self.expand(rest, &inner, deeper);
                    for added in self.added.get(&path).cloned().unwrap_or_default() {
                        // The keyword, `before` or `after` and the name are words, and no statements.
                        self.expand(tree.items(added.node).skip(2), &inner, deeper);
                    }
                }
                "blockinherit" => {
                    let Some(name) = rest.next().map(|node| Part { node, ..part }) else { continue };
                    match self.find(name, &self.blocks).copied() {
                        Some((block, _)) => self.expand(tree.items(block.node).skip(2), place, deeper),
                        None => self.statements.push(place.statement(part)),
                    }
                }
                "call" => self.call(part, place, deeper),
                "optional" => {
                    let inner = Place { optional: Some(self.optionals.len()), ..*place };
                    self.optionals.push(place.optional);
                    self.expand(rest, &inner, deeper);
                }
                "tunableif" => {
                    let Some(condition) = rest.next().map(|node| Part { node, ..part }) else { continue };
                    let holds = self.holds(condition, &self.tunables, 0);
                    self.branches(rest, |branch| (holds == Some(branch)).then_some(*place), deeper);
                }
                "booleanif" => {
                    let Some(condition) = rest.next().map(|node| Part { node, ..part }) else { continue };
                    let number = self.conditions.len();
                    self.conditions.push(condition);
                    let inner = |branch| Some(Place { condition: Some((number, branch)), ..*place });
                    self.branches(rest, inner, deeper);
                }
                _ => self.statements.push(place.statement(part)),
            }
        }
    }

    /// `(true …)` and `(false …)`.
    fn branches(&mut self, rest: Items<'t, 'a>, place: impl Fn(bool) -> Option<Place>, depth: usize) {
        let tree = self.tree;
        for node in rest {
            let Some((branch, statements)) = tree.statement(node) else { continue };
            if let Some(place) = place(branch == "true") {
                self.expand(statements, &place, depth);
            }
        }
    }

    fn call(&mut self, part: Part, place: &Place, depth: usize) {
        let tree = self.tree;
        let mut items = tree.items(part.node).skip(1);
        let name = items.next().map(|node| Part { node, ..part });
        let Some(body) = name.and_then(|it| self.find(it, &self.macros).copied()) else {
            // Told where statements are resolved.
            self.statements.push(place.statement(part));
            return;
        };
        let arguments = items.next().map(|it| tree.items(it));
        let arguments: Vec<Part> = arguments.into_iter().flatten().map(|node| Part { node, ..part }).collect();
        // `(macro name ((type a) (class b)) …)`: each parameter is the last word of its list.
        let mut parts = tree.items(body.node).skip(2);
        let parameters = parts.next().map(|it| tree.items(it)).into_iter().flatten();
        let names = parameters.filter_map(|it| tree.items(it).last().and_then(|it| tree.atom(it)));
        let call = Call { parameters: names.zip(arguments).collect(), home: body.scope };
        self.calls.push(call);
        let inner = Place { call: self.calls.len().saturating_sub(1), ..*place };
        self.expand(parts, &inner, depth);
    }

    fn scope(&mut self, path: String, parent: usize) -> usize {
        self.scopes.push(Scope { path, parent: Some(parent) });
        self.scopes.len().saturating_sub(1)
    }

    /// Whether an expression of booleans or tunables holds; nothing where a name is not known.
    pub fn holds(&self, part: Part, states: &BTreeMap<String, bool>, depth: usize) -> Option<bool> {
        if DEPTH_MAX <= depth {
            return None;
        }
        let part = self.meant(part);
        if self.tree.atom(part.node).is_some() {
            return self.find(part, states).copied();
        }
        let mut items = self.items(part);
        let first = items.next()?;
        let deeper = depth.saturating_add(1);
        let mut next = || self.holds(items.next()?, states, deeper);
        Some(match self.word(first) {
            Some("and") => next()? & next()?,
            Some("or") => next()? | next()?,
            Some("xor" | "neq") => next()? != next()?,
            Some("eq") => next()? == next()?,
            Some("not") => !next()?,
            _ => return self.holds(first, states, deeper),
        })
    }

    fn gap(&mut self, why: String) {
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(why);
        }
    }
}

/// Where statements stand.
#[derive(Clone, Copy)]
struct Place {
    scope: usize,
    call: usize,
    optional: Option<usize>,
    condition: Option<(usize, bool)>,
}

impl Place {
    fn statement(&self, part: Part) -> Statement {
        Statement { part, optional: self.optional, condition: self.condition }
    }
}

/// Real ones go two deep; a macro that calls itself ends here.
const DEPTH_MAX: usize = 32;

/// The files of a phone have some 40,000 statements; macros that call each other make more.
const FUEL: usize = 1 << 20;

/// The longest in a shipped file has 70 bytes.
const NAME_MAX: usize = 1024;

/// Gaps that say the same are dropped later.
const GAPS_MAX: usize = 1024;
