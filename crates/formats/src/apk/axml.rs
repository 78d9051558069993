//! Binary XML, read as Android's `ResXMLTree` reads it: what that passes over is passed over and told as odd, what that
//! refuses ends the document.
//!
//! Source: AOSP `frameworks/base/libs/androidfw/ResourceTypes.cpp` (`ResXMLTree::setTo`, `ResXMLParser::nextNode`) and
//! `AttributeResolution.cpp` (`RetrieveAttributes`).

use model::fact::anomaly::Kind;
use model::{Blob, Fault, Reader};

use super::Oddities;
use super::string_pool::StringPool;

/// A document: its elements in order, with names and values that are looked up when they are asked for.
#[derive(Debug, Default)]
pub struct Document {
    /// Elements in document order.
    pub elements: Vec<Element>,
    /// What is malformed and read by a phone all the same.
    pub oddities: Oddities,
    /// Why a phone would refuse the document, or the rest of it.
    pub fault: Option<Fault>,
    attributes: Vec<Attribute>,
    strings: Option<StringPool>,
    /// Resource ids by index of the attribute's name.
    resource_ids: Vec<u32>,
}

/// An element.
#[derive(Debug, Clone, Copy)]
pub struct Element {
    /// How many elements it lies in.
    pub depth: u32,
    /// Where it starts in the document.
    at: u64,
    name: u32,
    /// The first of its attributes, and how many there are.
    attributes: (usize, usize),
}

/// An attribute, as it is stored.
#[derive(Debug, Clone, Copy)]
struct Attribute {
    namespace: u32,
    name: u32,
    raw: u32,
    value: Value,
}

/// A typed value (`Res_value`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// `dataType`.
    pub kind: u8,
    /// `data`.
    pub data: u32,
}

impl Document {
    /// Reads a document. Never fails: what could not be read is its `fault`.
    pub fn read(bytes: Vec<u8>) -> Document {
        let mut document = Document::default();
        if let Err(fault) = document.walk(&bytes) {
            document.fault = Some(fault);
        }
        if let Some(strings) = &document.strings {
            document.oddities.merge(&strings.oddities.take());
        }
        document.look_for_odd_attributes();
        document
    }

    /// The name of an element, without its namespace, which Android's parsers do not look at.
    pub fn name(&self, element: &Element) -> String {
        self.string(element.name).unwrap_or_default()
    }

    /// The value of an attribute by its resource id, as `obtainAttributes` finds it: names and namespaces do not count,
    /// and an attribute that stands behind one of an equal or greater id is not seen.
    pub fn by_id(&self, element: &Element, id: u32) -> Option<Value> {
        let mut highest = 0;
        for attribute in self.attributes_of(element) {
            let found = self.resource_id(attribute);
            if found == id {
                return (highest < id).then_some(attribute.value);
            }
            highest = highest.max(found);
        }
        None
    }

    /// The text of an attribute without a namespace by its name (`getAttributeValue(null, name)`): the raw string where
    /// there is one, else the typed value.
    pub fn by_name(&self, element: &Element, name: &str) -> Option<String> {
        let attribute = self
            .attributes_of(element)
            .iter()
            .find(|it| it.namespace == NONE && self.string(it.name).is_some_and(|found| found == name))?;
        if attribute.raw != NONE {
            return self.string(attribute.raw);
        }
        self.plain_text(attribute.value)
    }

    /// The text of a value that is no reference.
    pub fn plain_text(&self, value: Value) -> Option<String> {
        match value.kind {
            Value::STRING => self.string(value.data),
            _ => value.number_text(),
        }
    }

    /// Whether so much text was asked for that the rest is not decoded.
    pub fn exhausted(&self) -> bool {
        self.strings.as_ref().is_some_and(StringPool::exhausted)
    }

    /// What was odd in strings that were asked for since the document was read.
    pub fn late_oddities(&self) -> Oddities {
        self.strings.as_ref().map(|it| it.oddities.take()).unwrap_or_default()
    }

    fn string(&self, index: u32) -> Option<String> {
        self.strings.as_ref()?.string(index)
    }

    fn attributes_of(&self, element: &Element) -> &[Attribute] {
        let (start, count) = element.attributes;
        self.attributes.get(start..start.saturating_add(count)).unwrap_or_default()
    }

    fn resource_id(&self, attribute: &Attribute) -> u32 {
        usize::try_from(attribute.name).ok().and_then(|it| self.resource_ids.get(it)).copied().unwrap_or_default()
    }

    /// `ResXMLTree::setTo`: chunks up to the first node.
    fn walk(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut header = Reader::new(bytes);
        let (kind, header_size) = (header.u16_le("type")?, header.u16_le("headerSize")?);
        let size = size_of_u32(header.u32_le("size")?);
        if kind != XML_TYPE {
            self.oddities.add(Kind::OddMagic, "document whose type is not binary XML", 0);
        }
        if usize::from(header_size) != CHUNK_HEADER_SIZE {
            self.oddities.add(Kind::LyingField, "document with an odd header size", 2);
        }
        if bytes.len() < size {
            // A phone refuses this; what is there is read all the same.
            self.fault = Some(Fault::malformed("size", 4));
        } else if size < bytes.len() {
            self.oddities.add(Kind::TrailingData, "bytes behind the end of the document", size as u64);
        }
        let end = size.min(bytes.len());
        let document = Blob::from_bytes(bytes);
        let mut pos = usize::from(header_size);
        while pos.saturating_add(CHUNK_HEADER_SIZE) < end {
            let chunk = Chunk::read(bytes, pos, end, CHUNK_HEADER_SIZE)?;
            match chunk.kind {
                STRING_POOL_TYPE => {
                    if self.strings.is_some() {
                        self.oddities.add(Kind::Garbage, "second string pool: the last one counts", pos as u64);
                    }
                    self.strings = Some(StringPool::read(&document, pos as u64, chunk.size as u64)?);
                }
                RESOURCE_MAP_TYPE => self.resource_ids = numbers(chunk.body(bytes)),
                FIRST_NODE..=LAST_NODE => return self.nodes(bytes, pos, end),
                _ => self.oddities.add(Kind::Garbage, "chunk of an unknown type", pos as u64),
            }
            pos = pos.saturating_add(chunk.size);
        }
        Err(Fault::malformed("root element", pos as u64))
    }

    /// `ResXMLParser::nextNode`, up to the end of the document.
    fn nodes(&mut self, bytes: &[u8], mut pos: usize, end: usize) -> Result<(), Fault> {
        let mut depth = 0u32;
        while pos < end {
            let chunk = Chunk::read(bytes, pos, end, NODE_SIZE)?;
            if chunk.header_size != NODE_SIZE {
                self.oddities.add(Kind::LyingField, "node with an odd header size", pos as u64);
            }
            match chunk.kind {
                START_ELEMENT => {
                    self.start_element(&chunk, bytes, depth)?;
                    depth = depth.saturating_add(1);
                }
                END_ELEMENT if depth == 0 => {
                    self.oddities.add(Kind::Garbage, "end of an element that did not start", pos as u64);
                }
                END_ELEMENT => depth = depth.saturating_sub(1),
                START_NAMESPACE | END_NAMESPACE | CDATA => {}
                _ => self.oddities.add(Kind::Garbage, "node of an unknown type", pos as u64),
            }
            pos = pos.saturating_add(chunk.size);
        }
        if depth != 0 {
            self.oddities.add(Kind::Garbage, "elements that do not end", pos as u64);
        }
        Ok(())
    }

    fn start_element(&mut self, chunk: &Chunk, bytes: &[u8], depth: u32) -> Result<(), Fault> {
        let at = chunk.at as u64;
        let body = chunk.body(bytes);
        let mut ext = Reader::at(body, at);
        ext.skip(4, "ns")?;
        let name = ext.u32_le("name")?;
        let start = usize::from(ext.u16_le("attributeStart")?);
        let size = usize::from(ext.u16_le("attributeSize")?);
        let count = usize::from(ext.u16_le("attributeCount")?);
        if body.len() < start.saturating_add(size.saturating_mul(count)) {
            return Err(Fault::malformed("attributeCount", at));
        }
        if start != ATTRIBUTES_START && count != 0 {
            self.oddities.add(Kind::LyingField, "attributes at an odd place", at);
        }
        if size != ATTRIBUTE_SIZE && count != 0 {
            self.oddities.add(Kind::LyingField, "attributes of an odd size", at);
        }
        // Attributes of no size are all the same one.
        let count = if size == 0 { count.min(1) } else { count };
        let first = self.attributes.len();
        if ATTRIBUTES_MAX < first.saturating_add(count) {
            return Err(Fault::Limit { what: "attributes of a document", bound: ATTRIBUTES_MAX as u64 });
        }
        for index in 0..count {
            let from = start.saturating_add(size.saturating_mul(index));
            let mut field = Reader::at(body.get(from..).unwrap_or_default(), at);
            let namespace = field.u32_le("ns")?;
            let name = field.u32_le("name")?;
            let raw = field.u32_le("rawValue")?;
            field.skip(3, "typedValue")?;
            let value = Value { kind: field.u8("dataType")?, data: field.u32_le("data")? };
            self.attributes.push(Attribute { namespace, name, raw, value });
        }
        self.elements.push(Element { depth, at, name, attributes: (first, count) });
        Ok(())
    }

    fn look_for_odd_attributes(&mut self) {
        let mut odd = Oddities::default();
        for element in &self.elements {
            let (at, mut highest) = (element.at, 0);
            for attribute in self.attributes_of(element) {
                let id = self.resource_id(attribute);
                if id != 0 && id <= highest {
                    odd.add(
                        Kind::Garbage,
                        "attribute behind one of a greater resource id: a phone does not see it",
                        at,
                    );
                }
                highest = highest.max(id);
                if id == 0
                    && attribute.namespace != NONE
                    && self.string(attribute.namespace).is_some_and(|it| it == ANDROID)
                {
                    odd.add(
                        Kind::Garbage,
                        "attribute of Android's namespace without a resource id: a phone does not see it",
                        at,
                    );
                }
                if id >> 24 == 1 && attribute.namespace == NONE {
                    odd.add(Kind::Garbage, "Android's attribute without its namespace", at);
                }
                if attribute.value.kind == Value::STRING
                    && attribute.raw != NONE
                    && attribute.raw != attribute.value.data
                {
                    odd.add(Kind::LyingField, "attribute whose raw and typed value differ", at);
                }
            }
        }
        self.oddities.merge(&odd);
    }
}

impl Value {
    /// `TYPE_NULL`.
    pub const NULL: u8 = 0;
    /// `TYPE_REFERENCE`.
    pub const REFERENCE: u8 = 1;
    /// `TYPE_ATTRIBUTE`.
    pub const ATTRIBUTE: u8 = 2;
    /// `TYPE_STRING`.
    pub const STRING: u8 = 3;
    /// `TYPE_FLOAT`.
    pub const FLOAT: u8 = 4;
    /// `TYPE_DYNAMIC_REFERENCE`.
    pub const DYNAMIC_REFERENCE: u8 = 7;
    /// `TYPE_INT_DEC`.
    pub const INT_DEC: u8 = 0x10;
    /// `TYPE_INT_BOOLEAN`.
    pub const BOOLEAN: u8 = 0x12;
    /// `TYPE_LAST_INT`.
    pub const LAST_INT: u8 = 0x1f;

    /// The resource that it refers to; reference 0 is "nothing".
    pub fn reference(self) -> Option<u32> {
        matches!(self.kind, Value::REFERENCE | Value::DYNAMIC_REFERENCE).then_some(self.data).filter(|it| *it != 0)
    }

    /// The number of any integer type (booleans and colours are such).
    pub fn integer(self) -> Option<u32> {
        (Value::INT_DEC..=Value::LAST_INT).contains(&self.kind).then_some(self.data)
    }

    /// The text of what is no string (`TypedValue.coerceToString`); references as `@0x…`.
    pub fn number_text(self) -> Option<String> {
        Some(match self.kind {
            Value::NULL | Value::STRING => return None,
            Value::REFERENCE | Value::DYNAMIC_REFERENCE => reference_text(self.data),
            Value::ATTRIBUTE => format!("?{:#010x}", self.data),
            Value::FLOAT => f32::from_bits(self.data).to_string(),
            Value::INT_DEC => self.data.cast_signed().to_string(),
            Value::BOOLEAN => (self.data != 0).to_string(),
            _ => format!("{:#x}", self.data),
        })
    }
}

/// A reference that nothing here resolves.
pub fn reference_text(id: u32) -> String {
    format!("@{id:#010x}")
}

/// `ResChunk_header`, checked by `validate_chunk`.
struct Chunk {
    kind: u16,
    header_size: usize,
    size: usize,
    at: usize,
}

impl Chunk {
    fn read(bytes: &[u8], at: usize, end: usize, header_min: usize) -> Result<Chunk, Fault> {
        let mut header = Reader::at(bytes.get(at..end).unwrap_or_default(), at as u64);
        let left = header.remaining();
        let kind = header.u16_le("type")?;
        let header_size = usize::from(header.u16_le("headerSize")?);
        let size = size_of_u32(header.u32_le("size")?);
        if header_size < header_min || size < header_size || left < size || (header_size | size) & 3 != 0 {
            return Err(Fault::malformed("chunk", at as u64));
        }
        Ok(Chunk { kind, header_size, size, at })
    }

    fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.at.saturating_add(self.header_size);
        bytes.get(start..self.at.saturating_add(self.size)).unwrap_or_default()
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).filter_map(|it| it.try_into().ok().map(u32::from_le_bytes)).collect()
}

fn size_of_u32(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

const STRING_POOL_TYPE: u16 = 0x0001;
const XML_TYPE: u16 = 0x0003;
const FIRST_NODE: u16 = 0x0100;
const START_NAMESPACE: u16 = 0x0100;
const END_NAMESPACE: u16 = 0x0101;
const START_ELEMENT: u16 = 0x0102;
const END_ELEMENT: u16 = 0x0103;
const CDATA: u16 = 0x0104;
const LAST_NODE: u16 = 0x017f;
const RESOURCE_MAP_TYPE: u16 = 0x0180;

const CHUNK_HEADER_SIZE: usize = 8;
/// `sizeof(ResXMLTree_node)`.
const NODE_SIZE: usize = 16;
/// `sizeof(ResXMLTree_attrExt)`.
const ATTRIBUTES_START: usize = 20;
/// `sizeof(ResXMLTree_attribute)`.
const ATTRIBUTE_SIZE: usize = 20;
/// The index of no string.
const NONE: u32 = u32::MAX;

const ANDROID: &str = "http://schemas.android.com/apk/res/android";

/// Attributes of a lying size overlap, so that their number is not bounded by the bytes; the largest manifests seen
/// have under 20,000.
const ATTRIBUTES_MAX: usize = 1 << 20;
