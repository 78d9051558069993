//! What a method does, whatever a compiler called its registers, wherever its tables put a name, and on whatever lines it
//! stood: code that was compiled anew has the same normal form.
//!
//! Invariant: two bodies with one form, whose [`Normal::own`] names agree, do the same. What cannot be resolved stands in
//! the form as the bytes that it is.

use rustc_hash::FxHashMap;

use crate::dex::{CodeItem, uleb128};
use crate::insn::{self, Args, Insn, Insns, op};
use crate::program::{Class, FieldRef, Method, Name, Program, RefId};

/// A name that the program gives to something of its own: renaming it everywhere changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Own {
    /// A class.
    Class(Name),
    /// A method of a class of the program.
    Method(RefId),
    /// A field of a class of the program.
    Field(FieldRef),
}

/// The normal form of a body, or of what else belongs to a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Normal {
    /// Everything but the program's own names.
    pub bytes: Vec<u8>,
    /// The program's own names, in the order in which they are used.
    pub own: Vec<Own>,
}

/// The name of a resource by its number.
pub type ResourceName<'a> = &'a dyn Fn(u32) -> Option<String>;

/// Brings methods of a program into their normal form.
pub struct Normaliser<'a> {
    program: &'a Program,
    resource: ResourceName<'a>,
    /// What may still be written: bodies that lie in each other are written again and again.
    room: usize,
    /// Names of types: how many dimensions an array of it has, and the class if the program defines it.
    types: FxHashMap<Name, (usize, Option<Name>)>,
    /// What registers of the body at work are called.
    registers: Vec<u16>,
    n_locals: u16,
    /// Its instructions: where, and how long.
    places: Vec<(u32, u32)>,
}

impl<'a> Normaliser<'a> {
    /// For a program. The numbers of resources change with every build, so they are written by name.
    pub fn new(program: &'a Program, resource: ResourceName<'a>) -> Normaliser<'a> {
        // Several may lie in one file, and what a header says of its size need not be so.
        let mut size = 0usize;
        let mut known: Vec<*const u8> = Vec::new();
        for dex in (0..program.n_dexes()).filter_map(|it| program.dex(u32::try_from(it).ok()?)) {
            if !known.contains(&dex.bytes().as_ptr()) {
                known.push(dex.bytes().as_ptr());
                size = size.saturating_add(dex.bytes().len());
            }
        }
        Normaliser {
            program,
            resource,
            room: size.saturating_mul(ROOM_FACTOR).saturating_add(ROOM_FREE),
            types: FxHashMap::default(),
            registers: Vec::new(),
            n_locals: 0,
            places: Vec::new(),
        }
    }

    /// Writes the form of a body into `out`, in place of what was there. None where no room is left: then nothing is known
    /// of it.
    pub fn method(&mut self, method: &Method, out: &mut Normal) -> Option<()> {
        out.clear();
        let program = self.program;
        let Some(code) = program.code(method) else {
            return (method.code_off == 0).then_some(());
        };
        // Reading it is work, too.
        self.take(code.insns.len())?;
        if self.body(method.dex, &code, out).is_none() {
            out.clear();
            self.take(code.insns.len())?;
            out.bytes.push(RAW);
            out.bytes.extend(program.dex(method.dex)?.identity()?);
            out.bytes.extend(code.insns);
        }
        Some(())
    }

    /// The same for what a class is beside its methods: what it extends, its static fields and what they begin with.
    pub fn class(&mut self, class: &Class, out: &mut Normal) -> Option<()> {
        out.clear();
        out.number(class.access_flags);
        for name in class.superclass.iter().chain(&class.interfaces) {
            self.ty(*name, out);
        }
        out.bytes.push(END);
        for name in &class.static_fields {
            out.text(self.program.names.text(*name).as_bytes());
        }
        out.bytes.push(END);
        let dex = self.program.dex(class.dex)?;
        let values = dex.data_from(class.static_values_off);
        let before = out.bytes.len();
        if let Some(mut values) = values {
            self.array(class.dex, &mut values, 0, out)?;
        }
        self.take(before)
    }

    fn take(&mut self, size: usize) -> Option<()> {
        self.room = self.room.checked_sub(size)?;
        Some(())
    }

    /// Instruction by instruction. None where it does not decode from its first to its last byte, or goes into the middle
    /// of an instruction.
    fn body(&mut self, dex: u32, code: &CodeItem, out: &mut Normal) -> Option<()> {
        let mut end = 0u32;
        self.places.clear();
        // Payloads and padding are no instructions; where they stand says nothing.
        for insn in Insns::new(code.insns) {
            end = insn.pc.checked_add(insn.len)?;
            if insn.op != 0 {
                self.places.push((insn.pc, insn.len));
            }
        }
        if usize::try_from(end).ok()?.checked_mul(2)? != code.insns.len() {
            return None;
        }
        self.registers.clear();
        self.registers.resize(code.registers_size.into(), UNNAMED);
        self.n_locals = 0;
        // The last registers are the parameters: they have their places.
        let first = code.registers_size.checked_sub(code.ins_size)?;
        for (n, register) in self.registers.iter_mut().skip(first.into()).enumerate() {
            *register = u16::try_from(n).ok()?.checked_add(PARAMETERS)?;
        }
        out.number(code.ins_size.into());
        let mut written = 0usize;
        for insn in Insns::new(code.insns).filter(|it| it.op != 0) {
            self.insn(dex, code, &insn, out)?;
            self.take(out.bytes.len().saturating_sub(written))?;
            written = out.bytes.len();
        }
        for covered in code.tries() {
            out.bytes.push(END);
            out.number(self.place(covered.start)?);
            out.number(self.place(covered.end)?);
            for handler in covered.handlers {
                match handler.type_idx {
                    Some(idx) => self.ty(self.program.type_name(dex, idx)?, out),
                    None => out.bytes.push(END),
                }
                out.number(self.place(handler.addr)?);
            }
        }
        self.take(out.bytes.len().saturating_sub(written))
    }

    fn insn(&mut self, dex: u32, code: &CodeItem, insn: &Insn, out: &mut Normal) -> Option<()> {
        let program = self.program;
        let canonical = canonical(insn.op);
        out.bytes.push(canonical);
        match insn.op {
            op::CONST_4..=op::CONST_WIDE_HIGH16 => {
                self.register(insn.a, out)?;
                self.constant(insn.lit, out);
            }
            op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => {
                self.register(insn.a, out)?;
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
            }
            op::BINOP_FIRST..=op::BINOP_LAST | op::CMPL_FLOAT..=op::CMP_LONG | op::AGET..=op::APUT_SHORT => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                self.register(insn.c, out)?;
            }
            op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                self.constant(insn.lit, out);
            }
            op::MOVE..=op::MOVE_OBJECT_16 | op::ARRAY_LENGTH | op::UNOP_FIRST..=op::UNOP_LAST => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
            }
            op::RETURN_VOID | RETURN_VOID_NO_BARRIER => {}
            // Results, returns, locks and `throw`.
            op::MOVE_RESULT..=op::RETURN_OBJECT | 0x1d | 0x1e | op::THROW => self.register(insn.a, out)?,
            op::CONST_STRING | op::CONST_STRING_JUMBO => {
                self.register(insn.a, out)?;
                out.text(program.dex(dex)?.string(insn.idx)?);
            }
            op::CONST_CLASS | op::CHECK_CAST | op::NEW_INSTANCE => {
                self.register(insn.a, out)?;
                self.ty(program.type_name(dex, insn.idx)?, out);
            }
            op::INSTANCE_OF | op::NEW_ARRAY => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                self.ty(program.type_name(dex, insn.idx)?, out);
            }
            op::FILLED_NEW_ARRAY | op::FILLED_NEW_ARRAY_RANGE => {
                self.args(insn.args, out)?;
                self.ty(program.type_name(dex, insn.idx)?, out);
            }
            op::FILL_ARRAY_DATA => {
                self.register(insn.a, out)?;
                let (width, data) = insn::array_data(code.insns, insn.target)?;
                out.number(width.into());
                out.number(u32::try_from(data.len()).ok()?);
                match width {
                    // It may list resources.
                    4 => {
                        data.as_chunks::<4>().0.iter().for_each(|it| self.constant(i32::from_le_bytes(*it).into(), out))
                    }
                    _ => out.bytes.extend(data),
                }
            }
            op::GOTO..=op::GOTO_32 => out.number(self.place(insn.target)?),
            op::PACKED_SWITCH | op::SPARSE_SWITCH => {
                self.register(insn.a, out)?;
                let targets = insn::switch_targets(code.insns, insn.pc, insn.target);
                let stated = insn::unit_at(code.insns, insn.target.checked_add(1)?)?;
                // A table that cannot be read is none.
                if targets.len() != usize::from(stated) {
                    return None;
                }
                out.number(stated.into());
                for (key, target) in targets {
                    self.constant(key.into(), out);
                    out.number(self.place(target)?);
                }
            }
            op::IF_EQ..=op::IF_LE => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                out.number(self.place(insn.target)?);
            }
            op::IF_EQZ..=op::IF_LEZ => {
                self.register(insn.a, out)?;
                out.number(self.place(insn.target)?);
            }
            op::IGET..=op::IPUT_SHORT => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                self.field(program.field_ref(dex, insn.idx)?, out);
            }
            op::SGET..=op::SPUT_SHORT => {
                self.register(insn.a, out)?;
                self.field(program.field_ref(dex, insn.idx)?, out);
            }
            op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE | op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE => {
                self.args(insn.args, out)?;
                self.callee(program.method_ref(dex, insn.idx)?, out);
            }
            op::INVOKE_VIRTUAL_QUICK | op::INVOKE_VIRTUAL_RANGE_QUICK => {
                self.args(insn.args, out)?;
                out.number(insn.idx);
            }
            op::IGET_QUICK..=op::IGET_SHORT_QUICK => {
                self.register(insn.a, out)?;
                self.register(insn.b, out)?;
                out.number(insn.idx);
            }
            // Tables of handles and call sites are not resolved: then the whole body stands for itself.
            _ => return None,
        }
        Some(())
    }

    /// The number of the instruction at a code unit, or of the first behind padding. None in the middle of one.
    fn place(&self, pc: u32) -> Option<u32> {
        let n = self.places.partition_point(|it| it.0 < pc);
        let before = n.checked_sub(1).and_then(|it| self.places.get(it));
        let inside = before.is_some_and(|it| pc < it.0.saturating_add(it.1));
        u32::try_from(n).ok().filter(|_| !inside)
    }

    fn register(&mut self, register: u16, out: &mut Normal) -> Option<()> {
        let name = self.registers.get_mut(usize::from(register))?;
        if *name == UNNAMED {
            *name = self.n_locals;
            self.n_locals = self.n_locals.checked_add(1).filter(|it| *it < PARAMETERS)?;
        }
        out.bytes.extend(name.to_le_bytes());
        Some(())
    }

    fn args(&mut self, args: Args, out: &mut Normal) -> Option<()> {
        out.number(u32::try_from(args.len()).ok()?);
        (0..args.len()).try_for_each(|n| self.register(args.reg(n)?, out))
    }

    /// A number; one that names a resource by that name.
    fn constant(&self, value: i64, out: &mut Normal) {
        let id = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
        let is_id = APP_RESOURCES <= id && i32::from_le_bytes(id.to_le_bytes()) == i32::try_from(value).unwrap_or(0);
        match is_id.then(|| (self.resource)(id)).flatten() {
            Some(name) => {
                out.bytes.push(RESOURCE);
                out.text(name.as_bytes());
            }
            None => {
                out.bytes.push(NUMBER);
                out.bytes.extend(value.to_le_bytes());
            }
        }
    }

    /// A type: of a class of the program's own how many dimensions, else its descriptor.
    fn ty(&mut self, name: Name, out: &mut Normal) {
        match self.class_of(name) {
            (dimensions, Some(class)) => {
                out.bytes.push(OWN);
                out.number(u32::try_from(dimensions).unwrap_or(u32::MAX));
                out.own.push(Own::Class(class));
            }
            (_, None) => out.text(self.program.names.text(name).as_bytes()),
        }
    }

    fn class_of(&mut self, name: Name) -> (usize, Option<Name>) {
        if let Some(known) = self.types.get(&name) {
            return *known;
        }
        let names = &self.program.names;
        let text = names.text(name);
        let element = text.trim_start_matches('[');
        let class = names.find(element).filter(|it| self.program.class_of(*it).is_some());
        let found = (text.len().saturating_sub(element.len()), class);
        self.types.insert(name, found);
        found
    }

    fn field(&mut self, field: FieldRef, out: &mut Normal) {
        match self.class_of(field.class).1 {
            Some(_) => {
                out.bytes.push(OWN);
                out.own.push(Own::Field(field));
            }
            None => [field.class, field.name, field.ty]
                .into_iter()
                .for_each(|it| out.text(self.program.names.text(it).as_bytes())),
        }
    }

    fn callee(&mut self, id: RefId, out: &mut Normal) {
        let Some(callee) = self.program.reference(id) else { return out.bytes.push(END) };
        match self.class_of(callee.class).1 {
            Some(_) => {
                out.bytes.push(OWN);
                out.own.push(Own::Method(id));
            }
            None => [callee.class, callee.name, callee.proto]
                .into_iter()
                .for_each(|it| out.text(self.program.names.text(it).as_bytes())),
        }
    }

    /// `encoded_array`.
    fn array(&mut self, dex: u32, bytes: &mut &[u8], depth: u32, out: &mut Normal) -> Option<()> {
        let (size, used) = uleb128(bytes)?;
        *bytes = bytes.get(used..)?;
        out.number(size);
        for _ in 0..size {
            self.value(dex, bytes, depth, out)?;
        }
        Some(())
    }

    /// `encoded_value`. None where it does not fit, or holds what stands in no static field.
    fn value(&mut self, dex: u32, bytes: &mut &[u8], depth: u32, out: &mut Normal) -> Option<()> {
        let before = out.bytes.len();
        let (&head, rest) = bytes.split_first()?;
        *bytes = rest;
        let (kind, argument) = (head & 0x1f, head >> 5);
        out.bytes.push(kind);
        match kind {
            VALUE_NULL => return Some(()),
            VALUE_BOOLEAN => {
                out.bytes.push(argument);
                return Some(());
            }
            VALUE_ARRAY if depth < DEPTH_MAX => return self.array(dex, bytes, depth.saturating_add(1), out),
            _ => {}
        }
        let (value, rest) = bytes.split_at_checked(usize::from(argument).checked_add(1)?)?;
        *bytes = rest;
        let mut wide = [0u8; 8];
        wide.get_mut(..value.len())?.copy_from_slice(value);
        let number = u64::from_le_bytes(wide);
        let idx = u32::try_from(number).ok();
        let program = self.program;
        match kind {
            VALUE_STRING => out.text(program.dex(dex)?.string(idx?)?),
            VALUE_TYPE => self.ty(program.type_name(dex, idx?)?, out),
            VALUE_FIELD | VALUE_ENUM => self.field(program.field_ref(dex, idx?)?, out),
            VALUE_METHOD => self.callee(program.method_ref(dex, idx?)?, out),
            VALUE_INT if argument == 3 => self.constant(i64::from(i32::from_le_bytes(*value.first_chunk()?)), out),
            0x00 | 0x02..=0x04 | 0x06 | 0x10 | 0x11 => {
                out.bytes.push(argument);
                out.bytes.extend(value);
            }
            _ => return None,
        }
        self.take(out.bytes.len().saturating_sub(before))
    }
}

impl Normal {
    fn clear(&mut self) {
        self.bytes.clear();
        self.own.clear();
    }

    fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// Behind its length, so that two texts are not one of another kind.
    fn text(&mut self, text: &[u8]) {
        self.bytes.push(TEXT);
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.bytes.extend(text);
    }
}

/// The opcode that stands for all that do the same to other registers, with other literals, over other distances.
fn canonical(code: u8) -> u8 {
    match code {
        0x01..=0x03 => 0x01,
        0x04..=0x06 => 0x04,
        0x07..=0x09 => 0x07,
        op::CONST_4..=op::CONST_HIGH16 => op::CONST_4,
        0x16..=op::CONST_WIDE_HIGH16 => 0x16,
        op::CONST_STRING_JUMBO => op::CONST_STRING,
        op::FILLED_NEW_ARRAY_RANGE => op::FILLED_NEW_ARRAY,
        op::GOTO..=op::GOTO_32 => op::GOTO,
        op::SPARSE_SWITCH => op::PACKED_SWITCH,
        RETURN_VOID_NO_BARRIER => op::RETURN_VOID,
        op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE => {
            code.wrapping_sub(op::INVOKE_VIRTUAL_RANGE).wrapping_add(op::INVOKE_VIRTUAL)
        }
        op::INVOKE_VIRTUAL_RANGE_QUICK => op::INVOKE_VIRTUAL_QUICK,
        op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => {
            code.wrapping_sub(op::BINOP_2ADDR_FIRST).wrapping_add(op::BINOP_FIRST)
        }
        // With 8 bits the same operations as with 16.
        0xd8..=0xdf => code.wrapping_sub(8),
        _ => code,
    }
}

const RETURN_VOID_NO_BARRIER: u8 = 0x73;

/// A local register that has no number yet.
const UNNAMED: u16 = u16::MAX;
/// Parameters are counted from here, locals from 0.
const PARAMETERS: u16 = 0x8000;

// What stands before an operand in the form, so that no two bodies have one form by chance of their lengths.
const OWN: u8 = 0xff;
const NUMBER: u8 = 0xfe;
const RESOURCE: u8 = 0xfd;
const END: u8 = 0xfc;
const RAW: u8 = 0xfb;
const TEXT: u8 = 0xfa;

/// Resources of the app itself; below lie those of libraries and, at `0x01`, of the framework.
const APP_RESOURCES: u32 = 0x0200_0000;

// `encoded_value`, dex format.
const VALUE_INT: u8 = 0x04;
const VALUE_STRING: u8 = 0x17;
const VALUE_TYPE: u8 = 0x18;
const VALUE_FIELD: u8 = 0x19;
const VALUE_METHOD: u8 = 0x1a;
const VALUE_ENUM: u8 = 0x1b;
const VALUE_ARRAY: u8 = 0x1c;
const VALUE_NULL: u8 = 0x1e;
const VALUE_BOOLEAN: u8 = 0x1f;

/// Arrays in arrays: Java has none in a static field.
const DEPTH_MAX: u32 = 8;

/// The form of a real program takes some fifteen times its file...
const ROOM_FACTOR: usize = 64;
/// ... and so much is free.
const ROOM_FREE: usize = 1 << 20;
