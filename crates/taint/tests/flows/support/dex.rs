//! Writes a dex file (version 035): tables sorted as the specification demands, references brought to indices.
//!
//! Invariant: what is written here passes `dexdump`, which checks far more than our reader does.

use std::collections::{BTreeMap, BTreeSet};

/// What instructions refer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    Text(String),
    Type(String),
    Field(FieldRef),
    Method(MethodRef),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldRef {
    pub class: String,
    pub name: String,
    pub ty: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MethodRef {
    pub class: String,
    pub name: String,
    pub proto: Proto,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proto {
    pub returns: String,
    pub params: Vec<String>,
}

#[derive(Debug)]
pub struct Class {
    pub name: String,
    pub superclass: String,
    pub interfaces: Vec<String>,
    pub flags: u32,
    pub fields: Vec<Field>,
    pub methods: Vec<Method>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub ty: String,
    pub flags: u32,
}

#[derive(Debug)]
pub struct Method {
    pub name: String,
    pub proto: Proto,
    pub flags: u32,
    pub code: Option<Code>,
}

#[derive(Debug, Default)]
pub struct Code {
    pub registers: u16,
    pub ins: u16,
    pub outs: u16,
    pub units: Vec<u16>,
    /// Where the index of a reference goes.
    pub refs: Vec<(usize, Ref)>,
    /// In order, without overlap.
    pub tries: Vec<Try>,
}

/// A covered range, with places in code units or, before those are known, labels.
#[derive(Debug)]
pub struct Try<Place = u32> {
    pub start: Place,
    pub end: Place,
    /// Caught type, none for all; and where.
    pub handlers: Vec<(Option<String>, Place)>,
}

pub const STATIC: u32 = 0x8;
pub const PRIVATE: u32 = 0x2;
pub const CONSTRUCTOR: u32 = 0x1_0000;

impl Proto {
    pub fn text(&self) -> String {
        format!("({}){}", self.params.concat(), self.returns)
    }

    fn shorty(&self) -> String {
        let short = |it: &String| if it.starts_with('[') { 'L' } else { it.chars().next().unwrap_or('V') };
        std::iter::once(&self.returns).chain(&self.params).map(short).collect()
    }
}

/// The tables, each in its order.
#[derive(Default)]
struct Tables {
    texts: Vec<String>,
    types: Vec<String>,
    protos: Vec<Proto>,
    fields: Vec<FieldRef>,
    methods: Vec<MethodRef>,
}

impl Tables {
    fn of(classes: &[Class]) -> Tables {
        let (mut texts, mut types, mut protos) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut fields, mut methods) = (BTreeSet::new(), BTreeSet::new());
        for class in classes {
            types.extend([class.name.clone(), class.superclass.clone()]);
            types.extend(class.interfaces.iter().cloned());
            for field in &class.fields {
                let (class, name, ty) = (class.name.clone(), field.name.clone(), field.ty.clone());
                fields.insert(FieldRef { class, name, ty });
            }
            for method in &class.methods {
                let (class, name, proto) = (class.name.clone(), method.name.clone(), method.proto.clone());
                methods.insert(MethodRef { class, name, proto });
                let code = method.code.as_ref();
                for (_, reference) in code.iter().flat_map(|it| &it.refs) {
                    match reference.clone() {
                        Ref::Text(text) => _ = texts.insert(text),
                        Ref::Type(ty) => _ = types.insert(ty),
                        Ref::Field(field) => _ = fields.insert(field),
                        Ref::Method(method) => _ = methods.insert(method),
                    }
                }
                types.extend(
                    code.iter().flat_map(|it| &it.tries).flat_map(|it| &it.handlers).filter_map(|it| it.0.clone()),
                );
            }
        }
        for field in &fields {
            types.extend([field.class.clone(), field.ty.clone()]);
            texts.insert(field.name.clone());
        }
        for method in &methods {
            types.insert(method.class.clone());
            texts.insert(method.name.clone());
            protos.insert(method.proto.clone());
        }
        for proto in &protos {
            types.insert(proto.returns.clone());
            types.extend(proto.params.iter().cloned());
            texts.insert(proto.shorty());
        }
        texts.extend(types.iter().cloned());
        // In all tables the order of indices is the order of their texts, field by field.
        Tables {
            texts: texts.into_iter().collect(),
            types: types.into_iter().collect(),
            protos: protos.into_iter().collect(),
            fields: fields.into_iter().collect(),
            methods: methods.into_iter().collect(),
        }
    }

    fn text(&self, text: &str) -> u32 {
        place(self.texts.binary_search_by(|it| it.as_str().cmp(text)))
    }

    fn ty(&self, ty: &str) -> u32 {
        place(self.types.binary_search_by(|it| it.as_str().cmp(ty)))
    }

    fn proto(&self, proto: &Proto) -> u32 {
        place(self.protos.binary_search(proto))
    }

    fn field(&self, field: &FieldRef) -> u32 {
        place(self.fields.binary_search(field))
    }

    fn method(&self, method: &MethodRef) -> u32 {
        place(self.methods.binary_search(method))
    }

    fn index(&self, reference: &Ref) -> u32 {
        match reference {
            Ref::Text(text) => self.text(text),
            Ref::Type(ty) => self.ty(ty),
            Ref::Field(field) => self.field(field),
            Ref::Method(method) => self.method(method),
        }
    }
}

fn place(found: Result<usize, usize>) -> u32 {
    found.expect("everything that is named is in the tables") as u32
}

/// The bytes of a dex file with these classes.
pub fn write(classes: &[Class]) -> Vec<u8> {
    let tables = Tables::of(classes);
    let classes = supers_first(classes);
    let sizes = [
        (0x0001, tables.texts.len(), 4),
        (0x0002, tables.types.len(), 4),
        (0x0003, tables.protos.len(), 12),
        (0x0004, tables.fields.len(), 8),
        (0x0005, tables.methods.len(), 8),
        (0x0006, classes.len(), 32),
    ];
    let mut map: Vec<(u16, u32, u32)> = vec![(0x0000, 1, 0)];
    let mut at = HEADER_SIZE;
    let mut header_tables = Vec::new();
    for (kind, count, width) in sizes {
        header_tables.extend([count as u32, if count == 0 { 0 } else { at }]);
        if count != 0 {
            map.push((kind, count as u32, at));
        }
        at += (count * width) as u32;
    }
    let data_off = at;
    let mut data = Data { bytes: Vec::new(), start: data_off };

    let mut lists: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let types_of = |list: &[String]| list.iter().map(|it| tables.ty(it)).collect::<Vec<u32>>();
    let wanted = tables.protos.iter().map(|it| &it.params).chain(classes.iter().map(|it| &it.interfaces));
    let first = data.here();
    for list in wanted.map(|it| types_of(it)).filter(|it| !it.is_empty()) {
        if !lists.contains_key(&list) {
            data.align();
            lists.insert(list.clone(), data.here());
            data.u32(list.len() as u32);
            list.iter().for_each(|it| data.u16(*it as u16));
        }
    }
    if !lists.is_empty() {
        map.push((0x1001, lists.len() as u32, first));
    }
    let list_off = |list: &[String]| lists.get(&types_of(list)).copied().unwrap_or(0);

    data.align();
    let (first, mut n_codes) = (data.here(), 0);
    let mut code_offs: BTreeMap<MethodRef, u32> = BTreeMap::new();
    for class in &classes {
        for method in &class.methods {
            let Some(code) = &method.code else { continue };
            data.align();
            n_codes += 1;
            code_offs.insert(reference(class, method), data.here());
            write_code(code, &tables, &mut data);
        }
    }
    if n_codes != 0 {
        map.push((0x2001, n_codes, first));
    }

    let (first, mut class_offs) = (data.here(), Vec::new());
    for class in &classes {
        class_offs.push(data.here());
        write_class_data(class, &tables, &code_offs, &mut data);
    }
    if !classes.is_empty() {
        map.push((0x2000, classes.len() as u32, first));
    }

    let (first, mut text_offs) = (data.here(), Vec::new());
    for text in &tables.texts {
        text_offs.push(data.here());
        data.uleb(text.encode_utf16().count() as u32);
        // Texts of tests have neither NUL nor anything beyond the first plane, where MUTF-8 is UTF-8.
        data.bytes.extend(text.bytes().chain([0]));
    }
    map.push((0x2002, tables.texts.len() as u32, first));

    data.align();
    let map_off = data.here();
    map.push((0x1000, 1, map_off));
    data.u32(map.len() as u32);
    for (kind, count, off) in map {
        data.u16(kind);
        data.u16(0);
        data.u32(count);
        data.u32(off);
    }

    let mut out = Data { bytes: b"dex\n035\0".to_vec(), start: 0 };
    out.u32(0);
    out.bytes.extend([0; 20]);
    let file_size = data_off + data.bytes.len() as u32;
    for word in [file_size, HEADER_SIZE, 0x1234_5678, 0, 0, map_off] {
        out.u32(word);
    }
    header_tables.iter().for_each(|it| out.u32(*it));
    out.u32(data.bytes.len() as u32);
    out.u32(data_off);
    text_offs.iter().for_each(|it| out.u32(*it));
    tables.types.iter().for_each(|it| out.u32(tables.text(it)));
    for proto in &tables.protos {
        out.u32(tables.text(&proto.shorty()));
        out.u32(tables.ty(&proto.returns));
        out.u32(list_off(&proto.params));
    }
    for field in &tables.fields {
        out.u16(tables.ty(&field.class) as u16);
        out.u16(tables.ty(&field.ty) as u16);
        out.u32(tables.text(&field.name));
    }
    for method in &tables.methods {
        out.u16(tables.ty(&method.class) as u16);
        out.u16(tables.proto(&method.proto) as u16);
        out.u32(tables.text(&method.name));
    }
    for (class, class_data_off) in classes.iter().zip(class_offs) {
        let (this, above) = (tables.ty(&class.name), tables.ty(&class.superclass));
        let interfaces_off = list_off(&class.interfaces);
        for word in [this, class.flags, above, interfaces_off, u32::MAX, 0, class_data_off, 0] {
            out.u32(word);
        }
    }
    out.bytes.extend(data.bytes);
    let sum = adler32(&out.bytes[12..]);
    out.bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    out.bytes
}

fn reference(class: &Class, method: &Method) -> MethodRef {
    MethodRef { class: class.name.clone(), name: method.name.clone(), proto: method.proto.clone() }
}

/// A class stands behind its superclass and its interfaces.
fn supers_first(classes: &[Class]) -> Vec<&Class> {
    let mut ordered: Vec<&Class> = Vec::new();
    while ordered.len() < classes.len() {
        let missing: Vec<&Class> =
            classes.iter().filter(|it| ordered.iter().all(|done| done.name != it.name)).collect();
        let is_missing = |name: &String| missing.iter().any(|it| it.name == *name);
        let next = missing.iter().find(|it| !is_missing(&it.superclass) && !it.interfaces.iter().any(is_missing));
        ordered.push(next.expect("no class is above itself, and none occurs twice"));
    }
    ordered
}

fn write_code(code: &Code, tables: &Tables, data: &mut Data) {
    let mut units = code.units.clone();
    for (at, reference) in &code.refs {
        units[*at] = tables.index(reference) as u16;
    }
    for size in [code.registers, code.ins, code.outs, code.tries.len() as u16] {
        data.u16(size);
    }
    data.u32(0);
    data.u32(units.len() as u32);
    units.iter().for_each(|it| data.u16(*it));
    if code.tries.is_empty() {
        return;
    }
    data.align();
    let mut lists = Data { bytes: Vec::new(), start: 0 };
    lists.uleb(code.tries.len() as u32);
    for range in &code.tries {
        data.u32(range.start);
        data.u16((range.end - range.start) as u16);
        data.u16(lists.here() as u16);
        let n_typed = range.handlers.iter().filter(|it| it.0.is_some()).count() as i32;
        let catches_all = n_typed < range.handlers.len() as i32;
        lists.sleb(if catches_all { -n_typed } else { n_typed });
        for (ty, addr) in &range.handlers {
            ty.iter().for_each(|it| lists.uleb(tables.ty(it)));
            lists.uleb(*addr);
        }
    }
    data.bytes.extend(lists.bytes);
}

fn write_class_data(class: &Class, tables: &Tables, code_offs: &BTreeMap<MethodRef, u32>, data: &mut Data) {
    let field_idx = |field: &Field| {
        let (class, name, ty) = (class.name.clone(), field.name.clone(), field.ty.clone());
        tables.field(&FieldRef { class, name, ty })
    };
    let fields = |is_static: bool| {
        let own = class.fields.iter().filter(move |it| (it.flags & STATIC != 0) == is_static);
        let mut own: Vec<(u32, u32)> = own.map(|it| (field_idx(it), it.flags)).collect();
        own.sort_unstable();
        own
    };
    let methods = |is_direct: bool| {
        let direct = |it: &Method| it.flags & (STATIC | PRIVATE | CONSTRUCTOR) != 0;
        let own = class.methods.iter().filter(move |it| direct(it) == is_direct);
        let mut own: Vec<(u32, u32, u32)> = own
            .map(|it| {
                let reference = reference(class, it);
                (tables.method(&reference), it.flags, code_offs.get(&reference).copied().unwrap_or(0))
            })
            .collect();
        own.sort_unstable();
        own
    };
    let (statics, instances, direct, others) = (fields(true), fields(false), methods(true), methods(false));
    for count in [statics.len(), instances.len(), direct.len(), others.len()] {
        data.uleb(count as u32);
    }
    for list in [statics, instances] {
        let mut before = 0;
        for (idx, flags) in list {
            data.uleb(idx - before);
            data.uleb(flags);
            before = idx;
        }
    }
    for list in [direct, others] {
        let mut before = 0;
        for (idx, flags, code_off) in list {
            data.uleb(idx - before);
            data.uleb(flags);
            data.uleb(code_off);
            before = idx;
        }
    }
}

/// Bytes that lie from `start` on.
struct Data {
    bytes: Vec<u8>,
    start: u32,
}

impl Data {
    fn here(&self) -> u32 {
        self.start + self.bytes.len() as u32
    }

    fn align(&mut self) {
        while !self.here().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn uleb(&mut self, mut value: u32) {
        while 0x80 <= value {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Of the small numbers that stand here one byte is enough.
    fn sleb(&mut self, value: i32) {
        assert!((-64..64).contains(&value), "too many catch clauses");
        self.bytes.push(value as u8 & 0x7f);
    }
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    high << 16 | low
}

const HEADER_SIZE: u32 = 0x70;
