//! What functions do, wherever the linker put them: so that code that was linked anew has the same form.
//!
//! An instruction stands for itself, byte by byte. One that names an address stands for what lies there: a function, a text,
//! an imported symbol. Which instructions do is told by reading each at two addresses.

use model::Fault;

use crate::body::{Body, Extent};
use crate::functions::{self, Function, Functions};
use crate::image::{Image, Slot};
use crate::isa::{Addr, Expr, Flow, Isa, N_REGS, Op, Reg, Target};
use crate::lift::lift;
use crate::run::name_of;
use crate::{Callee, FUEL_READ, callee_of};

/// A function and its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape<'a> {
    /// Its name, or `sub_` and its address.
    pub name: String,
    /// Whether the file names it.
    pub is_named: bool,
    /// What it does.
    pub form: &'a [u8],
}

/// Hands over every function of an ELF file; whether all of its code was read and understood.
///
/// # Errors
/// It is no ELF file, or one of a machine or kind whose code is not understood.
pub fn shapes(bytes: &[u8], mut each: impl FnMut(Shape)) -> Result<bool, Fault> {
    let image = Image::of(bytes)?;
    let mut fuel = FUEL_READ;
    let functions = functions::find(&image, &mut fuel);
    let mut fuel = FUEL_READ;
    let (mut body, mut form) = (Body::default(), Vec::new());
    let mut is_whole = !functions.cut;
    for function in &functions.all {
        form.clear();
        body.read(&image, function.isa, function.at, Extent::Known(function.end), &mut fuel);
        is_whole &= function.understood && fuel != 0;
        let mut writer = Writer {
            image: &image,
            functions: &functions,
            function,
            known: [None; N_REGS],
            first: [None; N_REGS],
            form: &mut form,
        };
        is_whole &= writer.write(&body);
        each(Shape { name: name_of(function), is_named: function.name.is_some(), form: &form });
    }
    Ok(is_whole)
}

struct Writer<'a> {
    image: &'a Image<'a>,
    functions: &'a Functions,
    function: &'a Function,
    /// Addresses that registers hold, as far as instructions in order say.
    known: [Option<u64>; N_REGS],
    /// The first address that each of them held: what a jump from afar most often still finds there.
    first: [Option<u64>; N_REGS],
    form: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// False where a bound was reached.
    fn write(&mut self, body: &Body) -> bool {
        let (mut read, mut moved) = (Vec::new(), Vec::new());
        let isa = self.function.isa;
        for (n, insn) in body.insns.iter().enumerate() {
            if FORM_MAX < self.form.len() {
                return false;
            }
            read.clear();
            moved.clear();
            let bytes = self.image.bytes(insn.at);
            let elsewhere = insn.at.wrapping_add(ELSEWHERE);
            let (Some(lifted), Some(_)) =
                (lift(isa, bytes, insn.at, &mut read), lift(isa, bytes, elsewhere, &mut moved))
            else {
                continue;
            };
            let ops = body.ops(n);
            let names_place = read != moved;
            // A jump inside the function is as far wherever it lies.
            let leaves = self.leaves(lifted.flow);
            let code = bytes.get(..usize::from(lifted.size)).unwrap_or_default();
            if names_place || leaves.is_some() || ops.iter().any(|op| self.address_of(*op).is_some()) {
                self.form.push(BOUND);
                self.form.extend(kept(isa, code));
                if let Some(to) = leaves {
                    self.callee(to);
                }
                for op in ops {
                    let place = self.address_of(*op).or_else(|| self.literal(*op, body, n));
                    place.into_iter().for_each(|it| self.place(it));
                }
            } else {
                self.form.push(PLAIN);
                self.form.extend(code);
            }
            // The next address, where a call leaves it in a register, is not what the instruction alone says.
            ops.iter().for_each(|op| self.follow(*op, names_place || leaves.is_some()));
            if matches!(lifted.flow, Flow::Return | Flow::Stop | Flow::Jump(_)) {
                self.known = self.first;
            }
        }
        true
    }

    /// Where a jump or call leads that leaves the function.
    fn leaves(&self, flow: Flow) -> Option<u64> {
        let to = match flow {
            Flow::Call(Target::Address(to)) | Flow::Jump(Target::Address(to)) | Flow::Branch(to, _) => to,
            _ => return None,
        };
        let plain = if self.image.isa == Isa::A32 { to & !1 } else { to };
        (!(self.function.at <= plain && plain < self.function.end)).then_some(to)
    }

    fn of(&self, reg: Reg) -> Option<u64> {
        self.known.get(usize::from(reg)).copied().flatten()
    }

    fn sum(&self, addr: Addr) -> Option<u64> {
        let index = addr.index.map_or(Some(0), |it| self.of(it))?;
        Some(self.of(addr.base?)?.wrapping_add(index).wrapping_add_signed(addr.offset) & self.mask())
    }

    /// The same; of a table the beginning, where the index is not known.
    fn near(&self, addr: Addr) -> Option<u64> {
        self.sum(addr).or_else(|| self.sum(Addr { index: None, ..addr }))
    }

    fn mask(&self) -> u64 {
        if self.image.isa.pointer() == 4 { 0xffff_ffff } else { u64::MAX }
    }

    /// The address that an effect works out or uses from one that a register holds.
    fn address_of(&self, op: Op) -> Option<u64> {
        match op {
            Op::Set(_, Expr::Add(reg, by)) => self.of(reg).map(|it| it.wrapping_add_signed(by) & self.mask()),
            Op::Set(_, Expr::Sum(one, other)) => {
                self.of(one).zip(self.of(other)).map(|(a, b)| a.wrapping_add(b) & self.mask())
            }
            Op::Set(_, Expr::Load(addr, _) | Expr::Address(addr)) | Op::Store(addr, ..) => self.near(addr),
            _ => None,
        }
    }

    /// The number that is loaded from behind the code; none where the place is added to it soon: then it is a distance.
    fn literal(&self, op: Op, body: &Body, n: usize) -> Option<u64> {
        let (reg, addr) = match op {
            Op::Set(reg, Expr::Load(addr, 4)) if addr.base.is_none() && addr.index.is_none() => (reg, addr),
            Op::Set(_, Expr::Address(addr)) if addr.base.is_none() && addr.index.is_none() => {
                return Some(addr.offset as u64);
            }
            _ => return None,
        };
        if !matches!(self.function.isa, Isa::A32 | Isa::T32) {
            return Some(addr.offset as u64);
        }
        let is_distance = (n.saturating_add(1)..n.saturating_add(DISTANCE_REACH)).any(|it| {
            body.ops(it).iter().any(|op| match op {
                Op::Set(_, Expr::Add(other, by)) => *other == reg && DISTANCE_MIN < *by,
                Op::Set(_, Expr::Load(addr, _)) => addr.index == Some(reg),
                _ => false,
            })
        });
        if is_distance { None } else { self.image.constant(addr.offset as u64, 4) }
    }

    fn follow(&mut self, op: Op, is_bound: bool) {
        let Op::Set(reg, expr) = op else { return };
        let value = match expr {
            Expr::Const(value) if is_bound => Some(value),
            Expr::Copy(other) => self.of(other),
            Expr::Load(addr, 4) if addr.base.is_none() && addr.index.is_none() && is_bound => {
                self.image.constant(addr.offset as u64, 4)
            }
            Expr::Add(..) | Expr::Sum(..) => self.address_of(op),
            Expr::Address(addr) => self.sum(addr),
            _ => None,
        };
        if let Some(slot) = self.known.get_mut(usize::from(reg)) {
            *slot = value;
        }
        if let Some(slot) = self.first.get_mut(usize::from(reg)) {
            // What is added to itself is one address in two steps.
            let goes_on = matches!(expr, Expr::Add(other, _) | Expr::Sum(other, _) if other == reg);
            *slot = if goes_on { value } else { slot.or(value) };
        }
    }

    fn callee(&mut self, to: u64) {
        match callee_of(self.image, self.functions, to) {
            Callee::Import(n) => self.text(self.image.imports.get(n as usize).map_or("", |it| it)),
            Callee::Function(n) => {
                let name = self.functions.all.get(n).and_then(|it| it.name.as_deref());
                self.text(name.unwrap_or("a function"));
            }
            Callee::Unknown => self.text("somewhere"),
        }
    }

    /// What lies at an address.
    fn place(&mut self, address: u64) {
        let image = self.image;
        match image.slots.get(&address) {
            Some(Slot::Import(n)) => return self.text(image.imports.get(*n as usize).map_or("", |it| it)),
            Some(Slot::Address(to)) if image.is_code(*to & !1) => return self.callee(*to),
            Some(Slot::Address(to)) => return self.text(image.text(*to).unwrap_or("data")),
            None => {}
        }
        match () {
            () if image.is_code(address & !1) => self.callee(address),
            () if image.offset(address).is_some() => self.text(image.text(address).unwrap_or("data")),
            // A number, and no address of this file.
            () => self.form.extend(address.to_le_bytes()),
        }
    }

    /// A text with its length; of a long one the beginning.
    fn text(&mut self, text: &str) {
        self.form.push(TEXT);
        self.form.extend((text.len() as u64).to_le_bytes());
        self.form.extend(text.as_bytes().iter().take(TEXT_MAX));
    }
}

/// What of an instruction that names an address is no address: for arm64 the bits that the specification does not give to
/// it, else the first byte of the code.
fn kept(isa: Isa, code: &[u8]) -> Vec<u8> {
    let Some(word) = code.first_chunk().map(|it| u32::from_le_bytes(*it)).filter(|_| isa == Isa::A64) else {
        return code.iter().take(1).copied().filter(|_| !matches!(isa, Isa::A32 | Isa::T32)).collect();
    };
    let mask = match word {
        _ if word & 0x7c00_0000 == 0x1400_0000 => 0xfc00_0000,
        _ if word & 0x1f00_0000 == 0x1000_0000 => 0x9f00_001f,
        _ if word & 0x3b00_0000 == 0x1800_0000 || word & 0x7e00_0000 == 0x3400_0000 => 0xff00_001f,
        _ if word & 0xff00_0010 == 0x5400_0000 => 0xff00_001f,
        _ if word & 0x7e00_0000 == 0x3600_0000 => 0xfff8_001f,
        // `add` and loads with an offset of twelve bits.
        _ => 0xffc0_03ff,
    };
    (word & mask).to_le_bytes().to_vec()
}

// What stands before an instruction, and before a text.
const PLAIN: u8 = 0;
const BOUND: u8 = 1;
const TEXT: u8 = 2;

/// Of a text, so much tells it from others.
const TEXT_MAX: usize = 1024;
/// The form of no real function is near it.
const FORM_MAX: usize = 16 << 20;

/// Some pages away: what names a page names another one there.
const ELSEWHERE: u64 = 0x10_0000;
/// How soon the place is added to a distance, in instructions.
const DISTANCE_REACH: usize = 16;
/// What is added is an address of code, and no small number.
const DISTANCE_MIN: i64 = 0x100;
