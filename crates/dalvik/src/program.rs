//! The dex files of one app as one program: names, classes, methods, and who overrides whom.
//!
//! Invariant: ids are given in the order of the files and their tables, so that the same bytes give the same ids.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dex::{CodeItem, Dex, Members, access};

/// An interned string: a descriptor, a name, a proto, a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub u32);

/// A method as code names it, which need not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefId(pub u32);

/// A class that the program defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// A method that the program defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodId(pub u32);

/// Strings, each once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    ids: FxHashMap<Arc<str>, Name>,
    texts: Vec<Arc<str>>,
}

/// What a `method_id` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRef {
    /// Descriptor of the class.
    pub class: Name,
    /// Name of the method.
    pub name: Name,
    /// `(Ljava/lang/String;I)V`.
    pub proto: Name,
    /// Descriptors of the parameters, without `this`.
    pub params: Box<[Name]>,
    /// Descriptor of the return type.
    pub returns: Name,
}

/// What a `field_id` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldRef {
    /// Descriptor of the class.
    pub class: Name,
    /// Name of the field.
    pub name: Name,
    /// Descriptor of its type.
    pub ty: Name,
}

/// A class that the program defines.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its descriptor.
    pub name: Name,
    /// Descriptor of its superclass.
    pub superclass: Option<Name>,
    /// Descriptors of the interfaces that it names itself.
    pub interfaces: Vec<Name>,
    /// `access_flags`.
    pub access_flags: u32,
    /// Which dex file of the program defines it.
    pub dex: u32,
    /// Names of its static fields.
    pub static_fields: Vec<Name>,
    /// Its methods.
    pub methods: Vec<MethodId>,
    /// Classes of the program that extend or implement it directly.
    pub children: Vec<ClassId>,
}

/// A method that the program defines.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// What it is called.
    pub reference: RefId,
    /// The class that defines it.
    pub class: ClassId,
    /// Which dex file of the program holds it.
    pub dex: u32,
    /// `access_flags`.
    pub access_flags: u32,
    /// `code_off`, 0 where it has no code.
    pub code_off: u32,
}

/// Tables of one dex file with the indices of the file brought to ids of the program.
#[derive(Debug, Clone)]
struct Tables {
    dex: Dex,
    types: Vec<Name>,
    fields: Vec<FieldRef>,
    methods: Vec<RefId>,
}

/// All classes of an app.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Every name in it.
    pub names: Names,
    /// The classes, in the order of the files; of two with one name the first counts, as on a phone.
    pub classes: Vec<Class>,
    /// Their methods.
    pub methods: Vec<Method>,
    /// Classes that were left out since an earlier file defines the same name.
    pub n_shadowed: u32,
    /// Classes whose members were left out since those of the others take more than the file has room for: their lists
    /// overlap.
    pub n_overlapping: u32,
    dexes: Vec<Tables>,
    refs: Vec<MethodRef>,
    ref_ids: FxHashMap<(Name, Name, Name), RefId>,
    class_ids: FxHashMap<Name, ClassId>,
    method_ids: FxHashMap<RefId, MethodId>,
}

impl Names {
    /// The id of a text, new if need be.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.ids.get(text) {
            return name;
        }
        let name = Name(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.ids.insert(text, name);
        name
    }

    /// The id of a text that occurs.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.ids.get(text).copied()
    }

    /// The text of an id.
    pub fn text(&self, name: Name) -> &str {
        usize::try_from(name.0).ok().and_then(|n| self.texts.get(n)).map_or("?", |it| it)
    }
}

impl Program {
    /// Joins dex files, in the order in which a phone searches them.
    pub fn new(dexes: impl IntoIterator<Item = Dex>) -> Program {
        let mut program = Program::default();
        for dex in dexes {
            program.add(dex);
        }
        program.link();
        program
    }

    /// The class of a descriptor.
    pub fn class_of(&self, descriptor: Name) -> Option<ClassId> {
        self.class_ids.get(&descriptor).copied()
    }

    /// A class. Ids of another program give the first class or nothing.
    pub fn class(&self, id: ClassId) -> Option<&Class> {
        self.classes.get(usize::try_from(id.0).ok()?)
    }

    /// A method.
    pub fn method(&self, id: MethodId) -> Option<&Method> {
        self.methods.get(usize::try_from(id.0).ok()?)
    }

    /// What code calls a method.
    pub fn reference(&self, id: RefId) -> Option<&MethodRef> {
        self.refs.get(usize::try_from(id.0).ok()?)
    }

    /// How many different methods code names.
    pub fn n_refs(&self) -> usize {
        self.refs.len()
    }

    /// The method that is defined exactly where the reference says.
    pub fn defined(&self, id: RefId) -> Option<MethodId> {
        self.method_ids.get(&id).copied()
    }

    /// The id of a reference that occurs, or that a class defines.
    pub fn find_ref(&self, class: Name, name: Name, proto: Name) -> Option<RefId> {
        self.ref_ids.get(&(class, name, proto)).copied()
    }

    /// `Lcls;->name(proto)`.
    pub fn title(&self, id: RefId) -> String {
        self.reference(id).map_or_else(String::new, |it| {
            format!("{}->{}{}", self.names.text(it.class), self.names.text(it.name), self.names.text(it.proto))
        })
    }

    /// The body of a method.
    pub fn code(&self, method: &Method) -> Option<CodeItem<'_>> {
        self.tables(method.dex)?.dex.code(method.code_off)
    }

    /// The dex file with that number.
    pub fn dex(&self, number: u32) -> Option<&Dex> {
        self.tables(number).map(|it| &it.dex)
    }

    /// How many dex files there are.
    pub fn n_dexes(&self) -> usize {
        self.dexes.len()
    }

    /// A type index of a dex file.
    pub fn type_name(&self, dex: u32, idx: u32) -> Option<Name> {
        self.tables(dex)?.types.get(usize::try_from(idx).ok()?).copied()
    }

    /// A field index of a dex file.
    pub fn field_ref(&self, dex: u32, idx: u32) -> Option<FieldRef> {
        self.tables(dex)?.fields.get(usize::try_from(idx).ok()?).copied()
    }

    /// A method index of a dex file.
    pub fn method_ref(&self, dex: u32, idx: u32) -> Option<RefId> {
        self.tables(dex)?.methods.get(usize::try_from(idx).ok()?).copied()
    }

    /// A string index of a dex file, as text; what is no text in it is replaced.
    pub fn text(&self, dex: u32, idx: u32) -> Option<String> {
        self.tables(dex)?.dex.string(idx).map(utf8_of)
    }

    /// The method that a call with exactly this class as receiver runs: the class itself, its superclasses, then
    /// methods with a body in interfaces. None where it is not in the program.
    pub fn resolve(&self, class: ClassId, name: Name, proto: Name) -> Option<MethodId> {
        let mut at = Some(class);
        for _ in 0..DEPTH_MAX {
            let Some(class) = at.and_then(|it| self.class(it)) else { break };
            if let Some(id) = self.find_ref(class.name, name, proto).and_then(|it| self.defined(it)) {
                return Some(id);
            }
            at = class.superclass.and_then(|it| self.class_of(it));
        }
        self.all_interfaces(class).into_iter().find_map(|interface| {
            let id = self.find_ref(interface, name, proto).and_then(|it| self.defined(it))?;
            self.method(id).filter(|it| it.access_flags & access::ABSTRACT == 0).map(|_| id)
        })
    }

    /// Descriptors of a class and its superclasses, from the class up, up to and with the first that the program does
    /// not define.
    pub fn superclasses(&self, class: ClassId) -> Vec<Name> {
        let mut names = Vec::new();
        let mut at = self.class(class);
        while let Some(class) = at {
            names.push(class.name);
            at = None;
            if let Some(superclass) = class.superclass
                && names.len() < DEPTH_MAX
            {
                match self.class_of(superclass) {
                    Some(id) => at = self.class(id),
                    None => names.push(superclass),
                }
            }
        }
        names
    }

    /// Descriptors of the interfaces of a class and its superclasses, with those that these extend.
    pub fn all_interfaces(&self, class: ClassId) -> Vec<Name> {
        let mut found: Vec<Name> = Vec::new();
        let supers = self.superclasses(class);
        let mut waiting: Vec<Name> = Vec::new();
        for name in supers {
            let Some(class) = self.class_of(name).and_then(|it| self.class(it)) else { continue };
            waiting.extend(&class.interfaces);
        }
        while let Some(name) = waiting.pop() {
            if found.contains(&name) || INTERFACES_MAX <= found.len() {
                continue;
            }
            found.push(name);
            if let Some(class) = self.class_of(name).and_then(|it| self.class(it)) {
                waiting.extend(&class.interfaces);
            }
        }
        found
    }

    /// A class and all that extend or implement it, in the order of their ids; at most `limit`, and whether there are
    /// more.
    pub fn subclasses(&self, class: ClassId, limit: usize) -> (Vec<ClassId>, bool) {
        let mut found = vec![class];
        let mut seen: rustc_hash::FxHashSet<ClassId> = found.iter().copied().collect();
        let mut next = 0usize;
        while let Some(&id) = found.get(next) {
            next = next.saturating_add(1);
            for &child in self.class(id).map(|it| it.children.as_slice()).unwrap_or_default() {
                if limit <= found.len() {
                    return (found, true);
                }
                if seen.insert(child) {
                    found.push(child);
                }
            }
        }
        found.sort_unstable();
        (found, false)
    }

    fn tables(&self, number: u32) -> Option<&Tables> {
        self.dexes.get(usize::try_from(number).ok()?)
    }

    fn add(&mut self, dex: Dex) {
        let number = u32::try_from(self.dexes.len()).unwrap_or(u32::MAX);
        let types: Vec<Name> = (0..dex.n_types())
            .map(|idx| self.names.intern(&dex.descriptor(idx).map(utf8_of).unwrap_or_default()))
            .collect();
        let type_of = |idx: u32| usize::try_from(idx).ok().and_then(|idx| types.get(idx)).copied();
        let nameless = self.names.intern("");
        let protos: Vec<(Name, Name, Box<[Name]>)> = (0..dex.n_protos())
            .map(|idx| {
                let (returns, params) = dex.proto(idx).unwrap_or_default();
                let params: Box<[Name]> = params.into_iter().map(|it| type_of(it).unwrap_or(nameless)).collect();
                let returns = type_of(returns).unwrap_or(nameless);
                let mut text = String::from("(");
                params.iter().for_each(|it| text.push_str(self.names.text(*it)));
                text.push(')');
                text.push_str(self.names.text(returns));
                (self.names.intern(&text), returns, params)
            })
            .collect();
        let name_of = |names: &mut Names, idx| names.intern(&dex.string(idx).map(utf8_of).unwrap_or_default());
        let fields: Vec<FieldRef> = (0..dex.n_fields())
            .map(|idx| {
                let (class, ty, name) = dex.field(idx).unwrap_or((Dex::NO_INDEX, Dex::NO_INDEX, Dex::NO_INDEX));
                let name = name_of(&mut self.names, name);
                FieldRef { class: type_of(class).unwrap_or(nameless), name, ty: type_of(ty).unwrap_or(nameless) }
            })
            .collect();
        let mut methods = Vec::new();
        for idx in 0..dex.n_methods() {
            let (class, proto, name) = dex.method(idx).unwrap_or((Dex::NO_INDEX, Dex::NO_INDEX, Dex::NO_INDEX));
            let name = name_of(&mut self.names, name);
            let class = type_of(class).unwrap_or(nameless);
            let (proto, returns, params) = usize::try_from(proto)
                .ok()
                .and_then(|it| protos.get(it))
                .cloned()
                .unwrap_or((nameless, nameless, Box::default()));
            methods.push(self.intern_ref(MethodRef { class, name, proto, params, returns }));
        }
        // Every member and interface takes two bytes at least.
        let mut room = u64::try_from(dex.bytes().len()).unwrap_or(u64::MAX);
        for def in dex.class_defs() {
            let Some(name) = type_of(def.class_idx) else { continue };
            if self.class_ids.contains_key(&name) {
                self.n_shadowed = self.n_shadowed.saturating_add(1);
                continue;
            }
            let id = ClassId(u32::try_from(self.classes.len()).unwrap_or(u32::MAX));
            let mut members = Members::default();
            let mut interfaces = Vec::new();
            if room == 0 {
                self.n_overlapping = self.n_overlapping.saturating_add(1);
            } else {
                members = dex.members(&def);
                interfaces = dex.type_list(def.interfaces_off);
                room = room
                    .saturating_sub(members.len())
                    .saturating_sub(u64::try_from(interfaces.len()).unwrap_or(u64::MAX));
            }
            let mut own = Vec::new();
            for member in members.direct_methods.iter().chain(&members.virtual_methods) {
                let Some(&reference) = usize::try_from(member.idx).ok().and_then(|it| methods.get(it)) else {
                    continue;
                };
                let method = MethodId(u32::try_from(self.methods.len()).unwrap_or(u32::MAX));
                self.methods.push(Method {
                    reference,
                    class: id,
                    dex: number,
                    access_flags: member.access_flags,
                    code_off: member.code_off,
                });
                self.method_ids.entry(reference).or_insert(method);
                own.push(method);
            }
            let static_fields = members
                .static_fields
                .iter()
                .filter_map(|it| fields.get(usize::try_from(it.idx).ok()?))
                .map(|it| it.name)
                .collect();
            let interfaces = interfaces.into_iter().filter_map(type_of).collect();
            self.classes.push(Class {
                name,
                superclass: type_of(def.superclass_idx),
                interfaces,
                access_flags: def.access_flags,
                dex: number,
                static_fields,
                methods: own,
                children: Vec::new(),
            });
            self.class_ids.insert(name, id);
        }
        self.dexes.push(Tables { dex, types, fields, methods });
    }

    /// The id of a reference, new if need be.
    pub fn intern_ref(&mut self, reference: MethodRef) -> RefId {
        let next = RefId(u32::try_from(self.refs.len()).unwrap_or(u32::MAX));
        let key = (reference.class, reference.name, reference.proto);
        let id = *self.ref_ids.entry(key).or_insert(next);
        if id == next {
            self.refs.push(reference);
        }
        id
    }

    fn link(&mut self) {
        let mut edges = Vec::new();
        for (n, class) in self.classes.iter().enumerate() {
            let child = ClassId(u32::try_from(n).unwrap_or(u32::MAX));
            for parent in class.superclass.iter().chain(&class.interfaces) {
                edges.extend(self.class_of(*parent).filter(|it| *it != child).map(|parent| (parent, child)));
            }
        }
        for (parent, child) in edges {
            if let Some(class) = usize::try_from(parent.0).ok().and_then(|it| self.classes.get_mut(it)) {
                class.children.push(child);
            }
        }
    }
}

/// MUTF-8 as text: what is no UTF-8 in it (surrogates, an encoded NUL) is replaced.
fn utf8_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Deeper than any real chain of superclasses; a chain that is a circle ends here.
const DEPTH_MAX: usize = 256;

/// More interfaces than any real class has.
const INTERFACES_MAX: usize = 4096;
