//! What is known of registers and memory at one place of a function.

use crate::isa::{N_REGS, Reg};

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub what: What,
    /// Where it, or what it points to, comes from.
    pub from: Mask,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Not known.
    Unknown,
    /// A number.
    Const(u64),
    /// An address in an object.
    At(Object, i64),
    /// An address in an object behind a place.
    Near(Object, i64),
    /// The address of an imported function.
    Import(u32),
    /// A socket.
    Socket(Domain),
    /// What a comparison gave, by its number in the function.
    Compared(usize),
}

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// The frame of this function; 0 is where the stack pointer was when it was called.
    Stack,
    /// What an argument points to.
    Param(u8),
    /// What a call at an address allocated.
    Heap(u64),
    /// The file's own data, by address.
    Global,
}

/// What a socket talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// Other machines.
    Internet,
    /// Programs of this phone.
    Local,
    /// The kernel.
    Kernel,
    /// It could not be told.
    Unknown,
}

impl Domain {
    /// By `AF_…` (Linux `include/linux/socket.h`).
    pub fn of(family: u64) -> Domain {
        match family & 0xffff {
            1 => Domain::Local,
            2 | 10 | 31 => Domain::Internet,
            16 | 29 => Domain::Kernel,
            _ => Domain::Unknown,
        }
    }
}

/// A set of places that a value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mask(pub u32);

impl Mask {
    /// Nowhere.
    pub const NONE: Mask = Mask(0);
    /// Received from other machines.
    pub const INTERNET: Mask = Mask(1 << 8);
    /// Received from other programs of this phone.
    pub const LOCAL: Mask = Mask(1 << 9);
    /// Received from a socket; from whom could not be told.
    pub const SOCKET: Mask = Mask(1 << 10);
    /// Read from something.
    pub const INPUT: Mask = Mask(1 << 11);
    /// What a caller of an object that is offered by Binder sends.
    pub const BINDER: Mask = Mask(1 << 12);
    /// All that comes from outside the program.
    pub const OUTSIDE: Mask = Mask(0x1f << 8);

    /// What an argument is, or points to.
    pub fn param(n: u8) -> Mask {
        if n < N_PARAMS { Mask(1u32.wrapping_shl(n.into())) } else { Mask::NONE }
    }

    /// Read from the descriptor that an argument is.
    pub fn read_from(n: u8) -> Mask {
        if n < N_PARAMS { Mask(1u32.wrapping_shl(u32::from(n).wrapping_add(16))) } else { Mask::INPUT }
    }

    /// Both.
    pub fn or(self, other: Mask) -> Mask {
        Mask(self.0 | other.0)
    }

    /// What both have.
    pub fn and(self, other: Mask) -> Mask {
        Mask(self.0 & other.0)
    }

    /// Whether it is nowhere.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Each place alone.
    pub fn each(self) -> impl Iterator<Item = Mask> {
        (0..32u32).map(|it| Mask(1u32.wrapping_shl(it))).filter(move |it| !it.and(self).is_none())
    }
}

/// How many arguments of a function are followed.
pub const N_PARAMS: u8 = 8;

impl Value {
    /// Nothing is known.
    pub const UNKNOWN: Value = Value { what: What::Unknown, from: Mask::NONE };

    /// Something that comes from nowhere special.
    pub fn of(what: What) -> Value {
        Value { what, from: Mask::NONE }
    }

    /// Unknown, but for where it comes from.
    pub fn from(from: Mask) -> Value {
        Value { what: What::Unknown, from }
    }

    /// The number that it is.
    pub fn number(self) -> Option<u64> {
        match self.what {
            What::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The memory that it points to, and whether exactly there.
    pub fn place(self) -> Option<(Object, i64, bool)> {
        match self.what {
            What::At(object, offset) => Some((object, offset, true)),
            What::Near(object, offset) => Some((object, offset, false)),
            What::Const(address) if NULL_END <= address => Some((Object::Global, address as i64, true)),
            _ => None,
        }
    }

    /// A number further.
    pub fn add(self, imm: i64, mask: u64) -> Value {
        let what = match self.what {
            What::Const(value) => What::Const(value.wrapping_add_signed(imm) & mask),
            What::At(object, offset) => What::At(object, offset.wrapping_add(imm)),
            What::Near(object, offset) => What::Near(object, offset),
            // Keeps what a descriptor or result is only where it stays itself.
            what if imm == 0 => what,
            _ => What::Unknown,
        };
        Value { what, from: self.from }
    }

    /// The sum of two.
    pub fn sum(self, other: Value, mask: u64) -> Value {
        let from = self.from.or(other.from);
        let signed = |value: u64| if mask == u64::MAX { value as i64 } else { i64::from(value as i32) };
        match (self.what, other.what) {
            (_, What::Const(imm)) => Value { from, ..self.add(signed(imm), mask) },
            (What::Const(imm), _) => match other.place() {
                Some(_) => Value { from, ..other.add(signed(imm), mask) },
                None => Value { from, ..self.near() },
            },
            _ if self.place().is_some() => Value { from, ..self.near() },
            _ => Value { from, ..other.near() },
        }
    }

    /// Somewhere behind.
    pub fn near(self) -> Value {
        let what = match self.place() {
            Some((object, offset, _)) => What::Near(object, offset),
            None => What::Unknown,
        };
        Value { what, from: self.from }
    }

    /// One or the other.
    pub fn join(self, other: Value) -> Value {
        let from = self.from.or(other.from);
        let what = match (self.what, other.what) {
            (a, b) if a == b => a,
            // A pointer that may be null, and a descriptor that may be an error, are what they else are.
            (What::Const(0) | What::Const(0xffff_ffff) | What::Const(u64::MAX), other @ What::Socket(_)) => other,
            (other @ What::Socket(_), What::Const(0) | What::Const(0xffff_ffff) | What::Const(u64::MAX)) => other,
            (What::Socket(_), What::Socket(_)) => What::Socket(Domain::Unknown),
            (What::Const(0), other @ (What::At(..) | What::Near(..))) => other,
            (other @ (What::At(..) | What::Near(..)), What::Const(0)) => other,
            _ => match (self.place(), other.place()) {
                (Some(a), Some(b)) if a.0 == b.0 && a.0 != Object::Global => What::Near(a.0, a.1.min(b.1)),
                _ => What::Unknown,
            },
        };
        Value { what, from }
    }
}

/// A range of memory whose content comes from somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The memory.
    pub object: Object,
    /// Where it starts.
    pub offset: i64,
    /// How long it is.
    pub len: i64,
    /// Where it comes from.
    pub from: Mask,
}

impl Content {
    fn end(&self) -> i64 {
        self.offset.saturating_add(self.len)
    }
}

/// A value in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    offset: i64,
    len: i64,
    value: Value,
}

/// What is known at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    regs: [Value; N_REGS],
    cells: Vec<Cell>,
    contents: Vec<Content>,
    /// What was compared last.
    pub compared: (Value, Value),
}

impl State {
    /// Nothing is known.
    pub fn new() -> State {
        State {
            regs: [Value::UNKNOWN; N_REGS],
            cells: Vec::new(),
            contents: Vec::new(),
            compared: (Value::UNKNOWN, Value::UNKNOWN),
        }
    }

    /// The value of a register.
    pub fn reg(&self, reg: Reg) -> Value {
        if reg == crate::isa::ZERO {
            return Value::of(What::Const(0));
        }
        self.regs.get(usize::from(reg)).copied().unwrap_or(Value::UNKNOWN)
    }

    /// Sets a register.
    pub fn set(&mut self, reg: Reg, value: Value) {
        if let Some(slot) = self.regs.get_mut(usize::from(reg)) {
            *slot = value;
        }
    }

    /// What lies in the frame.
    pub fn cell(&self, offset: i64, len: i64) -> Option<Value> {
        let n = self.cells.partition_point(|it| it.offset <= offset).checked_sub(1)?;
        let cell = self.cells.get(n)?;
        if cell.offset == offset && cell.len == len {
            return Some(cell.value);
        }
        let skip = offset.wrapping_sub(cell.offset);
        let inside = skip.saturating_add(len) <= cell.len;
        match cell.value.what {
            What::Const(0) if inside => Some(Value::of(What::Const(0))),
            What::Const(value) if inside && cell.len <= 8 => {
                let bits = (skip as u32).wrapping_mul(8);
                let mask = u64::MAX.wrapping_shr(64u32.wrapping_sub((len as u32).wrapping_mul(8)) & 63);
                Some(Value::of(What::Const(value.wrapping_shr(bits) & mask)))
            }
            _ => None,
        }
    }

    /// Puts a value into the frame.
    pub fn put(&mut self, offset: i64, len: i64, value: Value) {
        self.forget_cells(offset, len);
        if CELLS_MAX <= self.cells.len() {
            return;
        }
        let n = self.cells.partition_point(|it| it.offset < offset);
        self.cells.insert(n, Cell { offset, len, value });
    }

    /// Forgets what lies in a part of the frame; what is zero around it stays so.
    pub fn forget_cells(&mut self, offset: i64, len: i64) {
        let end = offset.saturating_add(len);
        let overlaps = |it: &Cell| it.offset < end && offset < it.offset.saturating_add(it.len);
        let hit: Vec<Cell> = self.cells.iter().filter(|it| overlaps(it)).copied().collect();
        if hit.is_empty() {
            return;
        }
        self.cells.retain(|it| !overlaps(it));
        for cell in hit.into_iter().filter(|it| it.value.what == What::Const(0)) {
            let rest = cell.offset.saturating_add(cell.len);
            for (start, stop) in [(cell.offset, offset), (end, rest)] {
                if start < stop {
                    let n = self.cells.partition_point(|it| it.offset < start);
                    self.cells.insert(n, Cell { offset: start, len: stop.wrapping_sub(start), ..cell });
                }
            }
        }
    }

    /// Where the values in a part of the frame come from: those of an array of pointers.
    pub fn cells_from(&self, offset: i64, len: i64) -> impl Iterator<Item = Value> {
        let end = offset.saturating_add(len);
        self.cells.iter().filter(move |it| offset <= it.offset && it.offset < end).map(|it| it.value)
    }

    /// Where what a value points to comes from.
    pub fn content(&self, value: Value) -> Mask {
        let Some((object, offset, _)) = value.place() else { return Mask::NONE };
        let near = |it: &&Content| {
            it.object == object
                && it.offset < offset.saturating_add(AHEAD)
                && offset < it.end().max(it.offset.saturating_add(1))
        };
        self.contents.iter().filter(near).fold(Mask::NONE, |all, it| all.or(it.from))
    }

    /// States where a range of memory comes from. What lay there before is gone, if the place is exact.
    pub fn write(&mut self, value: Value, len: i64, from: Mask) {
        let Some((object, offset, exact)) = value.place() else { return };
        let end = offset.saturating_add(len);
        if exact {
            self.contents.retain(|it| it.object != object || it.offset < offset || end <= it.offset);
        }
        self.add_content(Content { object, offset, len, from });
    }

    /// Adds where a range of memory comes from to what lies there.
    pub fn append(&mut self, value: Value, len: i64, from: Mask) {
        let Some((object, offset, _)) = value.place() else { return };
        self.add_content(Content { object, offset, len, from });
    }

    /// Adds a range.
    pub fn add_content(&mut self, content: Content) {
        if content.from.is_none() {
            return;
        }
        let same = |it: &&mut Content| it.object == content.object && it.offset == content.offset;
        if let Some(known) = self.contents.iter_mut().find(same) {
            known.from = known.from.or(content.from);
            known.len = known.len.max(content.len);
        } else if self.contents.len() < CONTENTS_MAX {
            self.contents.push(content);
        }
    }

    /// What holds whichever way one came; whether anything changed.
    pub fn join(&mut self, other: &State) -> bool {
        let before = self.clone();
        for (own, others) in self.regs.iter_mut().zip(&other.regs) {
            *own = own.join(*others);
        }
        self.cells.retain_mut(|cell| match other.cell(cell.offset, cell.len) {
            Some(value) => {
                cell.value = cell.value.join(value);
                true
            }
            None => false,
        });
        for content in &other.contents {
            self.add_content(*content);
        }
        self.compared = (self.compared.0.join(other.compared.0), self.compared.1.join(other.compared.1));
        before != *self
    }
}

/// Addresses below are no pointers.
const NULL_END: u64 = 4096;

/// What begins a little behind a place still belongs to the text there.
const AHEAD: i64 = 64;

/// Frames with more values, and functions with more buffers, than any that was seen.
const CELLS_MAX: usize = 512;
const CONTENTS_MAX: usize = 64;
