//! The dex files of one app as one program: names, classes, methods, and who overrides whom.
//!
//! Invariant: ids are given in the order of the files and their tables, so that the same bytes give the same ids.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::dex::{ClassDef, CodeItem, Dex, Members, access};
use crate::extras::Annotation;

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
    pub params: Arc<[Name]>,
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
    /// `static_values_off` in its dex file, 0 where there are none.
    pub static_values_off: u32,
    /// Which of the class definitions of its dex file it is.
    pub def: u32,
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

/// What may still be read of files whose items overlap, in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    texts: usize,
    protos: usize,
    members: usize,
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
    /// Names and protos that were left out for the same reason.
    pub n_nameless: u32,
    room: Room,
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

    /// The definition of a class in its dex file.
    pub fn def(&self, class: &Class) -> Option<ClassDef> {
        self.dex(class.dex)?.class_def(class.def)
    }

    /// The methods of a class that have an annotation of this type.
    pub fn annotated(&self, class: ClassId, descriptor: &str) -> Vec<MethodId> {
        let Some(class) = self.class(class) else { return Vec::new() };
        let (Some(dex), Some(def)) = (self.dex(class.dex), self.def(class)) else { return Vec::new() };
        let is_meant = |it: &Annotation| dex.descriptor(it.type_idx) == Some(descriptor.as_bytes());
        let mut found = Vec::new();
        for (idx, annotations) in dex.annotations(&def).methods {
            if annotations.iter().any(is_meant) {
                found.extend(self.method_ref(class.dex, idx).and_then(|it| self.defined(it)));
            }
        }
        found
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

    /// A string index of a dex file, as text; what is no text in it is replaced, what is very long is cut.
    pub fn text(&self, dex: u32, idx: u32) -> Option<String> {
        let dex = &self.tables(dex)?.dex;
        let bytes = dex.string_up_to(idx, TEXT_MAX)?;
        Some(utf8_of(bytes))
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
        let mut seen: FxHashSet<Name> = FxHashSet::default();
        let supers = self.superclasses(class);
        let mut waiting: Vec<Name> = Vec::new();
        for name in supers {
            let Some(class) = self.class_of(name).and_then(|it| self.class(it)) else { continue };
            waiting.extend(&class.interfaces);
        }
        while let Some(name) = waiting.pop() {
            if INTERFACES_MAX <= found.len() {
                break;
            }
            if !seen.insert(name) {
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
        let mut seen: FxHashSet<ClassId> = found.iter().copied().collect();
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

    /// Room for the items of a file: those of honest files lie beside each other, or are shared by the dex files of a
    /// container.
    fn make_room(&mut self, dex: &Dex) {
        if self.dexes.iter().any(|it| Arc::ptr_eq(it.dex.bytes(), dex.bytes())) {
            return;
        }
        let size = dex.bytes().len();
        let room = &mut self.room;
        room.texts = room.texts.saturating_add(size.saturating_mul(TEXTS));
        room.protos = room.protos.saturating_add(size.saturating_mul(PROTOS));
        room.members = room.members.saturating_add(size);
    }

    /// The id of a string of a dex file. `known` holds those that were asked for before.
    fn name_of(&mut self, dex: &Dex, known: &mut [Option<Name>], idx: u32) -> Name {
        let place = usize::try_from(idx).ok().and_then(|it| known.get_mut(it));
        if let Some(&mut Some(name)) = place {
            return name;
        }
        let room = self.room.texts.min(NAME_MAX);
        let bytes = dex.string_up_to(idx, room.saturating_add(1)).unwrap_or_default();
        let name = if bytes.len() <= room {
            self.room.texts = self.room.texts.saturating_sub(bytes.len());
            match std::str::from_utf8(bytes) {
                Ok(text) => self.names.intern(text),
                Err(_) => self.names.intern(&utf8_of(bytes)),
            }
        } else {
            self.n_nameless = self.n_nameless.saturating_add(1);
            self.names.intern("")
        };
        if let Some(place) = place {
            *place = Some(name);
        }
        name
    }

    fn proto_of(&mut self, dex: &Dex, types: &[Name], idx: u32) -> (Name, Name, Arc<[Name]>) {
        let nameless = self.names.intern("");
        let type_of = |idx: u32| usize::try_from(idx).ok().and_then(|idx| types.get(idx)).copied().unwrap_or(nameless);
        let (returns, params) = dex.proto(idx).unwrap_or_default();
        let params: Arc<[Name]> = params.into_iter().map(type_of).collect();
        let returns = type_of(returns);
        let parts = || params.iter().chain([&returns]).map(|it| self.names.text(*it));
        let Some(left) = parts().try_fold(self.room.protos, |left, it| left.checked_sub(it.len())) else {
            self.room.protos = 0;
            self.n_nameless = self.n_nameless.saturating_add(1);
            return (nameless, returns, params);
        };
        self.room.protos = left;
        let mut text = String::from("(");
        params.iter().for_each(|it| text.push_str(self.names.text(*it)));
        text.push(')');
        text.push_str(self.names.text(returns));
        (self.names.intern(&text), returns, params)
    }

    fn add(&mut self, dex: Dex) {
        let number = u32::try_from(self.dexes.len()).unwrap_or(u32::MAX);
        self.make_room(&dex);
        let mut known = vec![None; usize::try_from(dex.n_strings()).unwrap_or(0)];
        let types: Vec<Name> = (0..dex.n_types())
            .map(|idx| self.name_of(&dex, &mut known, dex.type_string(idx).unwrap_or(Dex::NO_INDEX)))
            .collect();
        let type_of = |idx: u32| usize::try_from(idx).ok().and_then(|idx| types.get(idx)).copied();
        let nameless = self.names.intern("");
        let protos: Vec<(Name, Name, Arc<[Name]>)> =
            (0..dex.n_protos()).map(|idx| self.proto_of(&dex, &types, idx)).collect();
        let fields: Vec<FieldRef> = (0..dex.n_fields())
            .map(|idx| {
                let (class, ty, name) = dex.field(idx).unwrap_or((Dex::NO_INDEX, Dex::NO_INDEX, Dex::NO_INDEX));
                let name = self.name_of(&dex, &mut known, name);
                FieldRef { class: type_of(class).unwrap_or(nameless), name, ty: type_of(ty).unwrap_or(nameless) }
            })
            .collect();
        let mut methods = Vec::new();
        for idx in 0..dex.n_methods() {
            let (class, proto, name) = dex.method(idx).unwrap_or((Dex::NO_INDEX, Dex::NO_INDEX, Dex::NO_INDEX));
            let name = self.name_of(&dex, &mut known, name);
            let class = type_of(class).unwrap_or(nameless);
            let (proto, returns, params) = usize::try_from(proto)
                .ok()
                .and_then(|it| protos.get(it))
                .cloned()
                .unwrap_or((nameless, nameless, Arc::default()));
            methods.push(self.intern_ref(MethodRef { class, name, proto, params, returns }));
        }
        for (number_of_def, def) in (0u32..).zip(dex.class_defs()) {
            let Some(name) = type_of(def.class_idx) else { continue };
            if self.class_ids.contains_key(&name) {
                self.n_shadowed = self.n_shadowed.saturating_add(1);
                continue;
            }
            let id = ClassId(u32::try_from(self.classes.len()).unwrap_or(u32::MAX));
            let mut members = Members::default();
            let mut interfaces = Vec::new();
            // Every member and interface takes two bytes at least.
            if self.room.members == 0 {
                self.n_overlapping = self.n_overlapping.saturating_add(1);
            } else {
                members = dex.members(&def);
                interfaces = dex.type_list(def.interfaces_off);
                let n_members = usize::try_from(members.len()).unwrap_or(usize::MAX);
                self.room.members = self.room.members.saturating_sub(n_members).saturating_sub(interfaces.len());
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
                static_values_off: def.static_values_off,
                def: number_of_def,
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

/// Strings of honest files take no more than the file; the dex files of a container share theirs.
const TEXTS: usize = 4;

/// A proto repeats the names of its types: in real files all of them take a tenth of the file.
const PROTOS: usize = 4;

/// A name and a constant of Java have 65,535 bytes at most (Java virtual machine specification, 4.4.7).
const NAME_MAX: usize = 1 << 16;
const TEXT_MAX: usize = 1 << 16;

/// Deeper than any real chain of superclasses; a chain that is a circle ends here.
const DEPTH_MAX: usize = 256;

/// More interfaces than any real class has.
const INTERFACES_MAX: usize = 4096;
