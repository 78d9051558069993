//! Runs a method on constants, to see what text it makes: the decoder of a hidden name, of whatever kind.
//!
//! Invariant: whatever is not certain ends the run without a result. A result is what a phone would compute.

mod library;

use dalvik::insn::{array_data, insn_at, switch_targets};
use dalvik::{ClassId, Insn, MethodId, Name, Program, access, op};
use rustc_hash::FxHashMap;

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    /// A truth, character or number without fraction.
    Number(i64),
    Object(usize),
}

/// What an object is.
#[derive(Debug, Clone)]
pub(super) enum Object {
    /// A string, in UTF-16.
    Text(Vec<u16>),
    /// A builder of strings.
    Builder(Vec<u16>),
    /// An array of numbers, with the letter of its type.
    Numbers(u8, Vec<i64>),
    /// An array of objects.
    Objects(Vec<Value>),
    /// What was made and not yet initialised.
    Fresh,
    /// A key or vector of a cipher.
    Secret(Vec<u8>),
    /// A cipher: its name, key, vector, and whether it decrypts.
    Cipher { name: String, key: Vec<u8>, vector: Vec<u8>, decrypts: bool },
    /// A decoder of Base64.
    Decoder,
}

/// A run, with the objects that it made.
pub(crate) struct Run<'p> {
    program: &'p Program,
    objects: Vec<Object>,
    statics: FxHashMap<(Name, Name), Value>,
    initialised: Vec<ClassId>,
    fuel: u32,
    room: usize,
}

/// The text that a static method gives for constant arguments, and the steps that it took.
pub(crate) fn evaluate(program: &Program, method: MethodId, args: &[Constant]) -> (Option<String>, u32) {
    let mut run = Run {
        program,
        objects: Vec::new(),
        statics: FxHashMap::default(),
        initialised: Vec::new(),
        fuel: FUEL,
        room: ROOM,
    };
    let text = run.text_of(method, args);
    (text, FUEL - run.fuel)
}

/// An argument that is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Constant {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<i8>),
}

impl Run<'_> {
    fn text_of(&mut self, method: MethodId, args: &[Constant]) -> Option<String> {
        let mut values = Vec::new();
        for arg in args {
            values.push(match arg {
                Constant::Null => Value::Null,
                Constant::Number(number) => Value::Number(*number),
                Constant::Text(text) => self.make_text(text.encode_utf16().collect())?,
                Constant::Bytes(bytes) => {
                    self.make(Object::Numbers(b'B', bytes.iter().map(|it| i64::from(*it)).collect()))?
                }
            });
        }
        let value = self.call(method, &values, 0)?;
        let text = String::from_utf16(self.text(value)?).ok()?;
        // What was decoded with the wrong key is noise.
        let readable = text.chars().all(|it| !it.is_control() || it.is_whitespace());
        (readable && !text.is_empty()).then_some(text)
    }

    /// Runs a method of the program; the value that it returns, `Null` for none.
    fn call(&mut self, id: MethodId, args: &[Value], depth: u8) -> Option<Value> {
        let program = self.program;
        let method = program.method(id)?;
        let reference = program.reference(method.reference)?;
        if DEPTH_MAX <= depth || method.access_flags & access::STATIC == 0 {
            return None;
        }
        self.initialise(method.class, depth)?;
        let code = program.code(method)?;
        let n_regs = usize::from(code.registers_size);
        let mut regs = vec![None; n_regs];
        let mut at = n_regs.checked_sub(code.ins_size.into())?;
        for (value, ty) in args.iter().zip(reference.params.iter()) {
            *regs.get_mut(at)? = Some(*value);
            at += if matches!(program.names.text(*ty), "J" | "D") { 2 } else { 1 };
        }
        let mut frame = Frame { regs, result: None, dex: method.dex, class: method.class, depth };
        let mut pc = 0;
        loop {
            self.fuel = self.fuel.checked_sub(1)?;
            let insn = insn_at(code.insns, pc)?;
            pc += insn.len;
            match insn.op {
                op::RETURN_VOID => return Some(Value::Null),
                0x0f..=op::RETURN_OBJECT => return frame.get(insn.a),
                op::GOTO..=op::GOTO_32 => pc = insn.target,
                op::IF_EQ..=op::IF_LEZ => {
                    if frame.branches(&insn)? {
                        pc = insn.target;
                    }
                }
                op::PACKED_SWITCH | op::SPARSE_SWITCH => {
                    let value = frame.number(insn.a)?;
                    let targets = switch_targets(code.insns, insn.pc, insn.target);
                    if let Some(hit) = targets.iter().find(|it| i64::from(it.0) == value) {
                        pc = hit.1;
                    }
                }
                op::FILL_ARRAY_DATA => {
                    let (width, data) = array_data(code.insns, insn.target)?;
                    let Object::Numbers(_, numbers) = self.object_mut(frame.get(insn.a)?)? else { return None };
                    for (place, bytes) in numbers.iter_mut().zip(data.chunks_exact(width.into())) {
                        *place = signed(bytes)?;
                    }
                }
                _ => self.step(&insn, &mut frame)?,
            }
        }
    }

    /// An instruction that goes on to the next.
    fn step(&mut self, insn: &Insn, frame: &mut Frame) -> Option<()> {
        let program = self.program;
        match insn.op {
            0x00 => {}
            op::MOVE..=op::MOVE_OBJECT_16 => frame.set(insn.a, frame.get(insn.b)?)?,
            op::MOVE_RESULT..=op::MOVE_RESULT_OBJECT => {
                let value = frame.result.take()?;
                frame.set(insn.a, value)?;
            }
            op::CONST_4..=op::CONST_WIDE_HIGH16 => frame.set(insn.a, Value::Number(insn.lit))?,
            op::CONST_STRING | op::CONST_STRING_JUMBO => {
                let text = program.text(frame.dex, insn.idx)?;
                let value = self.make_text(text.encode_utf16().collect())?;
                frame.set(insn.a, value)?;
            }
            op::CHECK_CAST => {}
            op::ARRAY_LENGTH => {
                let len = match self.object(frame.get(insn.b)?)? {
                    Object::Numbers(_, numbers) => numbers.len(),
                    Object::Objects(values) => values.len(),
                    _ => return None,
                };
                frame.set(insn.a, Value::Number(len as i64))?;
            }
            op::NEW_INSTANCE => {
                let value = self.make(Object::Fresh)?;
                frame.set(insn.a, value)?;
            }
            op::NEW_ARRAY => {
                let len = usize::try_from(frame.number(insn.b)?).ok()?;
                let value = self.array(program.type_name(frame.dex, insn.idx)?, len)?;
                frame.set(insn.a, value)?;
            }
            op::FILLED_NEW_ARRAY | op::FILLED_NEW_ARRAY_RANGE => {
                let value = self.array(program.type_name(frame.dex, insn.idx)?, insn.args.len())?;
                for n in 0..insn.args.len() {
                    let element = frame.get(insn.args.reg(n)?)?;
                    self.put(value, n, element)?;
                }
                frame.result = Some(value);
            }
            op::AGET..=op::AGET_SHORT => {
                let at = usize::try_from(frame.number(insn.c)?).ok()?;
                let value = match self.object(frame.get(insn.b)?)? {
                    Object::Numbers(_, numbers) => Value::Number(*numbers.get(at)?),
                    Object::Objects(values) => *values.get(at)?,
                    _ => return None,
                };
                frame.set(insn.a, value)?;
            }
            op::APUT..=op::APUT_SHORT => {
                let at = usize::try_from(frame.number(insn.c)?).ok()?;
                self.put(frame.get(insn.b)?, at, frame.get(insn.a)?)?;
            }
            op::SGET..=op::SGET_SHORT => {
                let field = program.field_ref(frame.dex, insn.idx)?;
                self.initialise(program.class_of(field.class)?, frame.depth)?;
                let value = *self.statics.get(&(field.class, field.name))?;
                frame.set(insn.a, value)?;
            }
            op::SPUT..=op::SPUT_SHORT => {
                let field = program.field_ref(frame.dex, insn.idx)?;
                // Others may write it, too: only what a class initialiser writes for its own class is certain.
                (program.class_of(field.class)? == frame.class).then_some(())?;
                self.statics.insert((field.class, field.name), frame.get(insn.a)?);
            }
            op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE | op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE => {
                let id = program.method_ref(frame.dex, insn.idx)?;
                let reference = program.reference(id)?;
                let is_static = matches!(insn.op, op::INVOKE_STATIC | 0x77);
                let (mut args, mut n) = (Vec::new(), 0);
                if !is_static {
                    args.push(frame.get(insn.args.reg(0)?)?);
                    n = 1;
                }
                for ty in reference.params.iter() {
                    args.push(frame.get(insn.args.reg(n)?)?);
                    n += if matches!(program.names.text(*ty), "J" | "D") { 2 } else { 1 };
                }
                frame.result = Some(match program.class_of(reference.class) {
                    Some(class) if is_static => {
                        let target = program.resolve(class, reference.name, reference.proto)?;
                        self.call(target, &args, frame.depth + 1)?
                    }
                    Some(_) => return None,
                    None => self.library(reference, &args)?,
                });
            }
            op::CMP_LONG => {
                let order = frame.number(insn.b)?.cmp(&frame.number(insn.c)?);
                frame.set(insn.a, Value::Number(order as i64))?;
            }
            op::UNOP_FIRST..=op::UNOP_LAST => {
                let value = frame.number(insn.b)?;
                let value = match insn.op {
                    0x7b => i64::from((value as i32).wrapping_neg()),
                    0x7c => i64::from(!(value as i32)),
                    0x7d => value.wrapping_neg(),
                    0x7e => !value,
                    0x81 => value,
                    0x84 => i64::from(value as i32),
                    0x8d => i64::from(value as i8),
                    0x8e => i64::from(value as u16),
                    0x8f => i64::from(value as i16),
                    _ => return None,
                };
                frame.set(insn.a, Value::Number(value))?;
            }
            op::BINOP_FIRST..=op::BINOP_LAST => {
                let value = calculate(insn.op - op::BINOP_FIRST, frame.number(insn.b)?, frame.number(insn.c)?)?;
                frame.set(insn.a, Value::Number(value))?;
            }
            op::BINOP_2ADDR_FIRST..=op::BINOP_2ADDR_LAST => {
                let value = calculate(insn.op - op::BINOP_2ADDR_FIRST, frame.number(insn.a)?, frame.number(insn.b)?)?;
                frame.set(insn.a, Value::Number(value))?;
            }
            op::BINOP_LIT_FIRST..=op::BINOP_LIT_LAST => {
                let n = if insn.op < 0xd8 { insn.op - 0xd0 } else { insn.op - 0xd8 };
                let left = frame.number(insn.b)?;
                // The literal forms subtract the other way round.
                let (left, right) = if n == 1 { (insn.lit, left) } else { (left, insn.lit) };
                frame.set(insn.a, Value::Number(calculate(n, left, right)?))?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Runs the initialiser of a class, so that its static fields are known.
    fn initialise(&mut self, class: ClassId, depth: u8) -> Option<()> {
        if self.initialised.contains(&class) {
            return Some(());
        }
        self.initialised.push(class);
        let program = self.program;
        let initialiser = program.class(class)?.methods.iter().copied().find(|id| {
            let reference = program.method(*id).and_then(|it| program.reference(it.reference));
            reference.is_some_and(|it| program.names.text(it.name) == "<clinit>")
        });
        if let Some(initialiser) = initialiser {
            // A part of it that is not understood leaves the fields behind it unknown.
            _ = self.call(initialiser, &[], depth + 1);
        }
        Some(())
    }

    fn array(&mut self, ty: Name, len: usize) -> Option<Value> {
        match self.program.names.text(ty).as_bytes() {
            [b'[', kind] if kind.is_ascii_uppercase() && *kind != b'L' => {
                self.make_sized(Object::Numbers(*kind, Vec::new()), len)
            }
            [b'[', ..] => self.make_sized(Object::Objects(Vec::new()), len),
            _ => None,
        }
    }

    fn make_sized(&mut self, mut object: Object, len: usize) -> Option<Value> {
        self.room = self.room.checked_sub(len)?;
        match &mut object {
            Object::Numbers(_, numbers) => numbers.resize(len, 0),
            Object::Objects(values) => values.resize(len, Value::Null),
            _ => {}
        }
        self.make(object)
    }

    fn make_text(&mut self, text: Vec<u16>) -> Option<Value> {
        self.room = self.room.checked_sub(text.len())?;
        self.make(Object::Text(text))
    }

    fn make(&mut self, object: Object) -> Option<Value> {
        self.room = self.room.checked_sub(1)?;
        self.objects.push(object);
        Some(Value::Object(self.objects.len() - 1))
    }

    fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(n) => self.objects.get(n),
            _ => None,
        }
    }

    fn object_mut(&mut self, value: Value) -> Option<&mut Object> {
        match value {
            Value::Object(n) => self.objects.get_mut(n),
            _ => None,
        }
    }

    fn text(&self, value: Value) -> Option<&[u16]> {
        match self.object(value)? {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    fn put(&mut self, array: Value, at: usize, value: Value) -> Option<()> {
        match (self.object_mut(array)?, value) {
            (Object::Numbers(kind, numbers), Value::Number(number)) => {
                *numbers.get_mut(at)? = match kind {
                    b'B' => i64::from(number as i8),
                    b'C' => i64::from(number as u16),
                    b'S' => i64::from(number as i16),
                    b'I' => i64::from(number as i32),
                    _ => number,
                };
            }
            (Object::Objects(values), value) => *values.get_mut(at)? = value,
            _ => return None,
        }
        Some(())
    }
}

/// The registers of a method that runs.
struct Frame {
    regs: Vec<Option<Value>>,
    result: Option<Value>,
    dex: u32,
    class: ClassId,
    depth: u8,
}

impl Frame {
    fn get(&self, reg: u16) -> Option<Value> {
        *self.regs.get(usize::from(reg))?
    }

    fn set(&mut self, reg: u16, value: Value) -> Option<()> {
        *self.regs.get_mut(usize::from(reg))? = Some(value);
        Some(())
    }

    fn number(&self, reg: u16) -> Option<i64> {
        match self.get(reg)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn branches(&self, insn: &Insn) -> Option<bool> {
        let ordinal = |reg: u16| match self.get(reg)? {
            Value::Null => Some(0),
            Value::Number(number) => Some(number),
            // Two objects are the same where they are one; none is nothing.
            Value::Object(n) => Some(i64::MIN + 1 + n as i64),
        };
        let left = ordinal(insn.a)?;
        let (right, kind) =
            if insn.op < op::IF_EQZ { (ordinal(insn.b)?, insn.op - op::IF_EQ) } else { (0, insn.op - op::IF_EQZ) };
        Some(match kind {
            0 => left == right,
            1 => left != right,
            2 => left < right,
            3 => left >= right,
            4 => left > right,
            _ => left <= right,
        })
    }
}

/// The result of an operator, by the order of `add-int`, `sub-int`, …; `None` for fractions and a division by zero.
fn calculate(kind: u8, left: i64, right: i64) -> Option<i64> {
    let shift = (right & if kind < 11 { 31 } else { 63 }) as u32;
    let number = match (kind, kind % 11) {
        (22.., _) => return None,
        (_, 0) => left.wrapping_add(right),
        (_, 1) => left.wrapping_sub(right),
        (_, 2) => left.wrapping_mul(right),
        (_, 3) => left.checked_div(right)?,
        (_, 4) => left.checked_rem(right)?,
        (_, 5) => left & right,
        (_, 6) => left | right,
        (_, 7) => left ^ right,
        (_, 8) => left.wrapping_shl(shift),
        (_, 9) => left.wrapping_shr(shift),
        (..11, _) => i64::from(((left as u32) >> shift) as i32),
        _ => ((left as u64) >> shift) as i64,
    };
    Some(if kind < 11 { i64::from(number as i32) } else { number })
}

/// A number of one to eight bytes, the lowest first, with its sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let mut whole = [if bytes.last()? & 0x80 == 0 { 0 } else { 0xff }; 8];
    whole.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(whole))
}

/// Instructions of one run: a decoder of a name needs some thousands.
const FUEL: u32 = 40_000;

/// Characters and elements of all objects of one run.
const ROOM: usize = 1 << 16;

/// Calls within calls.
const DEPTH_MAX: u8 = 8;
