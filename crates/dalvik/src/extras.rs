//! What a dex file says beside its code: annotations, lines of the source, and what of a library is hidden from apps.
//!
//! Invariant: what is read is bounded by the bytes it is read from; annotations in annotations end at a depth.

use crate::dex::{ClassDef, Dex, Leb, u32_at};

/// An annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Who sees it.
    pub visibility: Visibility,
    /// The type, an index into the types.
    pub type_idx: u32,
    /// Names (indices into the strings) and values.
    pub elements: Vec<(u32, Value)>,
}

/// `visibility` of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Compilers only.
    Build,
    /// Who asks for it at run time.
    Runtime,
    /// The system: signatures, inner classes, exceptions.
    System,
}

/// `encoded_value`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number of any width, a character.
    Int(i64),
    /// A `float` or `double`.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// `null`.
    Null,
    /// Index into the strings.
    String(u32),
    /// Index into the types.
    Type(u32),
    /// Index into the fields.
    Field(u32),
    /// Index into the methods.
    Method(u32),
    /// A constant of an enumeration: index into the fields.
    Enum(u32),
    /// Index into the protos.
    MethodType(u32),
    /// Index into the method handles.
    MethodHandle(u32),
    /// Values in a row.
    Array(Vec<Value>),
    /// An annotation in an annotation: type, elements.
    Annotation(u32, Vec<(u32, Value)>),
}

/// The annotations of a class and its members.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// Of the class itself.
    pub class: Vec<Annotation>,
    /// By index of the field.
    pub fields: Vec<(u32, Vec<Annotation>)>,
    /// By index of the method.
    pub methods: Vec<(u32, Vec<Annotation>)>,
    /// By index of the method, for each parameter.
    pub parameters: Vec<(u32, Vec<Vec<Annotation>>)>,
    /// Whether a part of them could not be read.
    pub truncated: bool,
}

/// What apps may do with a member of a library of the system (AOSP `art/libartbase/base/hiddenapi_flags.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hidden(pub u32);

impl Hidden {
    /// As Android calls it: whether, and up to which version, an app may use the member.
    pub fn name(self) -> &'static str {
        match self.0 & 0x7 {
            0 => "sdk",
            1 => "unsupported",
            2 => "blocked",
            3 => "max-target-o",
            4 => "max-target-p",
            5 => "max-target-q",
            6 => "max-target-r",
            _ => "max-target-s",
        }
    }
}

/// The flags of a class: fields and methods in the order of its members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenMembers {
    /// Static fields, then instance fields.
    pub fields: Vec<Hidden>,
    /// Direct methods, then virtual methods.
    pub methods: Vec<Hidden>,
}

/// A line of the source, from a code unit on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// First code unit.
    pub pc: u32,
    /// Number of the line.
    pub line: u32,
}

impl Dex {
    /// The annotations of a class and its members.
    pub fn annotations(&self, class: &ClassDef) -> Annotations {
        let mut all = Annotations::default();
        if class.annotations_off != 0 && self.read_directory(class.annotations_off, &mut all).is_none() {
            all.truncated = true;
        }
        all
    }

    fn read_directory(&self, off: u32, all: &mut Annotations) -> Option<()> {
        let directory = self.data_from(off)?;
        let header = |n: usize| u32_at(directory, n.checked_mul(4)?);
        let mut left = ANNOTATIONS_MAX;
        if let Some(off) = header(0).filter(|it| *it != 0) {
            all.class = self.annotation_set(off, &mut left)?;
        }
        let (n_fields, n_methods, n_parameters) = (header(1)?, header(2)?, header(3)?);
        let mut at = 16usize;
        let mut next = || {
            let pair = (u32_at(directory, at)?, u32_at(directory, at.checked_add(4)?)?);
            at = at.checked_add(8)?;
            Some(pair)
        };
        for _ in 0..n_fields {
            let (idx, off) = next()?;
            all.fields.push((idx, self.annotation_set(off, &mut left)?));
        }
        for _ in 0..n_methods {
            let (idx, off) = next()?;
            all.methods.push((idx, self.annotation_set(off, &mut left)?));
        }
        for _ in 0..n_parameters {
            let (idx, off) = next()?;
            let list = self.data_from(off)?;
            let mut sets = Vec::new();
            for n in 0..u32_at(list, 0)? {
                let at = usize::try_from(n).ok()?.checked_mul(4)?.checked_add(4)?;
                let off = u32_at(list, at)?;
                left = left.checked_sub(1)?;
                sets.push(if off == 0 { Vec::new() } else { self.annotation_set(off, &mut left)? });
            }
            all.parameters.push((idx, sets));
        }
        Some(())
    }

    fn annotation_set(&self, off: u32, left: &mut u32) -> Option<Vec<Annotation>> {
        // Sets may be shared, so that their bytes bound nothing.
        *left = left.checked_sub(1)?;
        let set = self.data_from(off)?;
        let mut annotations = Vec::new();
        for n in 0..u32_at(set, 0)? {
            *left = left.checked_sub(1)?;
            let at = usize::try_from(n).ok()?.checked_mul(4)?.checked_add(4)?;
            let item = self.data_from(u32_at(set, at)?)?;
            let (visibility, rest) = item.split_first()?;
            let visibility = match visibility {
                0 => Visibility::Build,
                1 => Visibility::Runtime,
                _ => Visibility::System,
            };
            let mut values = Values { leb: Leb { bytes: rest }, left };
            let (type_idx, elements) = values.annotation(0)?;
            annotations.push(Annotation { visibility, type_idx, elements });
        }
        Some(annotations)
    }

    /// Which lines of the source the code of a method was made from, in the order of the code.
    pub fn lines(&self, debug_info_off: u32) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(bytes) = self.data_from(debug_info_off) {
            // What is read before the list breaks off is right.
            let _ = read_lines(bytes, &mut lines);
        }
        lines
    }

    /// What apps may do with the members of each class; empty where the file does not say.
    pub fn hidden_api(&self) -> Vec<HiddenMembers> {
        self.try_hidden_api().unwrap_or_default()
    }

    fn try_hidden_api(&self) -> Option<Vec<HiddenMembers>> {
        let off = self.map_item(HIDDEN_API)?;
        let section = self.data_from(off)?;
        let mut all = Vec::new();
        for (n, class) in self.class_defs().enumerate() {
            let at = n.checked_mul(4)?.checked_add(4)?;
            let off = usize::try_from(u32_at(section, at)?).ok()?;
            let mut members = HiddenMembers::default();
            if off != 0 {
                let listed = self.members(&class);
                let mut leb = Leb { bytes: section.get(off..)? };
                for _ in listed.static_fields.iter().chain(&listed.instance_fields) {
                    members.fields.push(Hidden(leb.next()?));
                }
                for _ in listed.direct_methods.iter().chain(&listed.virtual_methods) {
                    members.methods.push(Hidden(leb.next()?));
                }
            }
            all.push(members);
        }
        Some(all)
    }

    /// Where the map says that items of a type lie.
    fn map_item(&self, wanted: u16) -> Option<u32> {
        let map_off = u32_at(self.bytes().get(self.start()..)?, MAP_OFF)?;
        let map = self.data_from(map_off)?;
        let items = map.get(4..)?.as_chunks::<12>().0;
        let items = items.iter().take(usize::try_from(u32_at(map, 0)?.min(MAP_MAX)).ok()?);
        let found = items.into_iter().find(|it| it.starts_with(&wanted.to_le_bytes()))?;
        u32_at(found, 8)
    }
}

/// Values in a row.
struct Values<'a, 'l> {
    leb: Leb<'a>,
    /// How many may still be read.
    left: &'l mut u32,
}

impl Values<'_, '_> {
    fn annotation(&mut self, depth: u8) -> Option<(u32, Vec<(u32, Value)>)> {
        let type_idx = self.leb.next()?;
        let mut elements = Vec::new();
        for _ in 0..self.leb.next()? {
            let name = self.leb.next()?;
            elements.push((name, self.value(depth)?));
        }
        Some((type_idx, elements))
    }

    fn value(&mut self, depth: u8) -> Option<Value> {
        *self.left = self.left.checked_sub(1)?;
        let (&head, rest) = self.leb.bytes.split_first()?;
        self.leb.bytes = rest;
        let (kind, arg) = (head & 0x1f, head >> 5);
        let deeper = depth.checked_add(1).filter(|it| *it < DEPTH_MAX);
        Some(match kind {
            0x1c => {
                let mut values = Vec::new();
                for _ in 0..self.leb.next()? {
                    values.push(self.value(deeper?)?);
                }
                Value::Array(values)
            }
            0x1d => {
                let (type_idx, elements) = self.annotation(deeper?)?;
                Value::Annotation(type_idx, elements)
            }
            0x1e => Value::Null,
            0x1f => Value::Bool(arg != 0),
            _ => {
                let bytes = self.leb.bytes.get(..usize::from(arg).checked_add(1)?)?;
                self.leb.bytes = self.leb.bytes.get(bytes.len()..)?;
                return scalar(kind, bytes);
            }
        })
    }
}

/// A value of one to eight bytes, the lowest first; what is cut off is the sign, or zeros (on the right of a fraction).
fn scalar(kind: u8, bytes: &[u8]) -> Option<Value> {
    let mut unsigned = [0u8; 8];
    unsigned.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(unsigned);
    let shift = 64u32.checked_sub(u32::try_from(bytes.len()).ok()?.checked_mul(8)?)?;
    let left = unsigned.checked_shl(shift).unwrap_or(0);
    let signed = left.cast_signed().checked_shr(shift).unwrap_or(0);
    let index = u32::try_from(unsigned).ok();
    Some(match kind {
        0x00 | 0x02 | 0x04 | 0x06 => Value::Int(signed),
        0x03 => Value::Int(unsigned.cast_signed()),
        0x10 => {
            let bits = u32::try_from(left >> 32).ok()?;
            Value::Float(f32::from_bits(bits).into())
        }
        0x11 => Value::Float(f64::from_bits(left)),
        0x15 => Value::MethodType(index?),
        0x16 => Value::MethodHandle(index?),
        0x17 => Value::String(index?),
        0x18 => Value::Type(index?),
        0x19 => Value::Field(index?),
        0x1a => Value::Method(index?),
        0x1b => Value::Enum(index?),
        _ => return None,
    })
}

/// Runs `debug_info_item`, of which only the lines are kept.
fn read_lines(bytes: &[u8], lines: &mut Vec<Line>) -> Option<()> {
    let mut leb = Leb { bytes };
    let mut line = leb.next()?;
    for _ in 0..leb.next()? {
        leb.next()?;
    }
    let mut pc = 0u32;
    while lines.len() < LINES_MAX {
        let (&op, rest) = leb.bytes.split_first()?;
        leb.bytes = rest;
        match op {
            0x00 => break,
            0x01 => pc = pc.checked_add(leb.next()?)?,
            0x02 => line = line.wrapping_add_signed(leb.signed()?),
            // A local begins: register, name, type, and its signature.
            0x03 | 0x04 => {
                for _ in 0..op {
                    leb.next()?;
                }
            }
            0x05 | 0x06 | 0x09 => _ = leb.next()?,
            0x07 | 0x08 => {}
            _ => {
                let special = u32::from(op.checked_sub(0x0a)?);
                pc = pc.checked_add(special / 15)?;
                line = line.wrapping_add(special % 15).wrapping_sub(4);
                lines.push(Line { pc, line });
            }
        }
    }
    Some(())
}

/// Where `map_off` lies in the header.
const MAP_OFF: usize = 0x34;

/// `hiddenapi_class_data_item` in the map.
const HIDDEN_API: u16 = 0xf000;

/// The format knows 21 types of items.
const MAP_MAX: u32 = 64;

/// Values in the annotations of one class: more than any real one has.
const ANNOTATIONS_MAX: u32 = 1 << 16;

/// Annotations in annotations, arrays in arrays.
const DEPTH_MAX: u8 = 8;

/// A method has no more code units.
const LINES_MAX: usize = 1 << 16;
