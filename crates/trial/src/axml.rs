//! Writes binary XML as Android's build tools do.
//!
//! Source: AOSP `frameworks/base/libs/androidfw/include/androidfw/ResourceTypes.h` (`ResXMLTree_*`, `ResStringPool_header`).

use std::collections::BTreeMap;

/// An element with its attributes and what is in it.
#[derive(Debug, Clone, Default)]
pub struct Element {
    /// Its name.
    pub name: &'static str,
    /// Attributes by resource id; 0 for `package`, which has none.
    pub attributes: BTreeMap<u32, Value>,
    /// What is in it.
    pub children: Vec<Element>,
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text.
    Text(String),
    /// `true` or `false`.
    Switch(bool),
    /// A number.
    Number(u32),
}

impl Element {
    /// An element without attributes.
    pub fn new(name: &'static str) -> Element {
        Element { name, ..Element::default() }
    }

    /// The same with a text.
    pub fn text(mut self, id: u32, text: &str) -> Element {
        self.attributes.insert(id, Value::Text(text.to_owned()));
        self
    }

    /// The same with a value.
    pub fn value(mut self, id: u32, value: Value) -> Element {
        self.attributes.insert(id, value);
        self
    }
}

/// The bytes of a document.
pub fn write(root: &Element) -> Vec<u8> {
    let mut ids = Vec::new();
    collect(root, &mut ids);
    ids.sort_unstable();
    ids.dedup();
    // The names of attributes come first, so that their places are those of their ids. Nobody reads the names.
    let mut pool = Pool { texts: ids.iter().map(|it| format!("a{it:08x}")).collect() };
    let package = pool.add("package");
    let mut body = Vec::new();
    write_element(root, &ids, package, &mut pool, &mut body);
    let strings = pool.write();
    let map = chunk(0x0180, 8, &[], &ids.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>());
    chunk(0x0003, 8, &[], &[strings, map, body].concat())
}

fn collect(element: &Element, ids: &mut Vec<u32>) {
    ids.extend(element.attributes.keys().filter(|it| **it != 0));
    element.children.iter().for_each(|it| collect(it, ids));
}

fn write_element(element: &Element, ids: &[u32], package: u32, pool: &mut Pool, out: &mut Vec<u8>) {
    let name = pool.add(element.name);
    let mut attributes = Vec::new();
    let named = element.attributes.iter().filter(|it| *it.0 != 0);
    for (id, value) in named.chain(element.attributes.get_key_value(&0)) {
        let attribute = ids.binary_search(id).map_or(package, |it| it as u32);
        let (raw, kind, data) = match value {
            Value::Text(text) => {
                let text = pool.add(text);
                (text, TYPE_STRING, text)
            }
            Value::Switch(on) => (NONE, TYPE_INT_BOOLEAN, if *on { NONE } else { 0 }),
            Value::Number(number) => (NONE, TYPE_INT_DEC, *number),
        };
        for word in [NONE, attribute, raw, 8 | kind << 24, data] {
            attributes.extend(word.to_le_bytes());
        }
    }
    let mut body = Vec::new();
    [NONE, name].iter().for_each(|it| body.extend(it.to_le_bytes()));
    for half in [20, 20, element.attributes.len() as u16, 0, 0, 0] {
        body.extend(half.to_le_bytes());
    }
    out.extend(chunk(0x0102, 16, &LINE, &[body, attributes].concat()));
    element.children.iter().for_each(|it| write_element(it, ids, package, pool, out));
    let end: Vec<u8> = [NONE, name].iter().flat_map(|it| it.to_le_bytes()).collect();
    out.extend(chunk(0x0103, 16, &LINE, &end));
}

/// A chunk: its type, the size of its header and what stands there behind the common part, and its body.
fn chunk(kind: u16, header_size: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend(header_size.to_le_bytes());
    out.extend(((8 + header.len() + body.len()) as u32).to_le_bytes());
    out.extend(header);
    out.extend(body);
    out
}

struct Pool {
    texts: Vec<String>,
}

impl Pool {
    fn add(&mut self, text: &str) -> u32 {
        let at = self.texts.iter().position(|it| it == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        at as u32
    }

    /// In UTF-16, as tools before UTF-8 did.
    fn write(&self) -> Vec<u8> {
        let (mut offsets, mut data) = (Vec::new(), Vec::<u8>::new());
        for text in &self.texts {
            offsets.extend((data.len() as u32).to_le_bytes());
            let units: Vec<u16> = text.encode_utf16().collect();
            data.extend((units.len() as u16).to_le_bytes());
            units.iter().chain(&[0]).for_each(|it| data.extend(it.to_le_bytes()));
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let mut header = Vec::new();
        for word in [self.texts.len() as u32, 0, 0, 28 + offsets.len() as u32, 0] {
            header.extend(word.to_le_bytes());
        }
        chunk(0x0001, 28, &header, &[offsets, data].concat())
    }
}

/// `lineNumber` and no `comment`.
const LINE: [u8; 8] = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
const NONE: u32 = u32::MAX;
const TYPE_STRING: u32 = 0x03;
const TYPE_INT_DEC: u32 = 0x10;
const TYPE_INT_BOOLEAN: u32 = 0x12;
