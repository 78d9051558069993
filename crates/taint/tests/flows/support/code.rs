//! One method's code: instructions with registers and labels by name, laid out and encoded at the end.

use super::dex::{Code, Ref, Try};

/// Registers of locals count from the bottom; those of arguments stand behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reg {
    Local(u16),
    Arg(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(usize);

/// Layouts by the names of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    F10x,
    F11x,
    F11n,
    F12x,
    F20t,
    F21c,
    F21s,
    F21t,
    F22b,
    F22c,
    F22t,
    F23x,
    F31i,
    F31t,
    F35c,
    F3rc,
    F51l,
}

#[derive(Debug)]
struct Insn {
    op: u8,
    form: Form,
    regs: Vec<Reg>,
    lit: i64,
    target: Option<Label>,
    refers: Option<Ref>,
}

#[derive(Debug)]
enum Item {
    Insn(Insn),
    Label(Label),
    /// Keys and targets of the switch whose payload lies here, and the label of the instruction.
    Switch(Label, Label, Vec<(i32, Label)>),
}

/// What was emitted so far.
#[derive(Debug, Default)]
pub struct Builder {
    items: Vec<Item>,
    n_labels: usize,
    payloads: Vec<Item>,
    /// Of two that overlap the inner one stands first.
    tries: Vec<Try<Label>>,
    /// What is told about the instruction that comes next.
    marks: Vec<(Label, String)>,
    outs: u16,
}

impl Builder {
    pub fn label(&mut self) -> Label {
        self.n_labels += 1;
        Label(self.n_labels - 1)
    }

    /// Puts a label here.
    pub fn put(&mut self, label: Label) {
        self.items.push(Item::Label(label));
    }

    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.put(label);
        label
    }

    pub fn mark(&mut self, text: &str) {
        let label = self.here();
        self.marks.push((label, text.to_owned()));
    }

    fn add(&mut self, op: u8, form: Form, regs: &[Reg], lit: i64, target: Option<Label>, refers: Option<Ref>) {
        self.items.push(Item::Insn(Insn { op, form, regs: regs.to_vec(), lit, target, refers }));
    }

    pub fn plain(&mut self, op: u8, form: Form, regs: &[Reg]) {
        self.add(op, form, regs, 0, None, None);
    }

    pub fn literal(&mut self, op: u8, form: Form, regs: &[Reg], lit: i64) {
        self.add(op, form, regs, lit, None, None);
    }

    pub fn jump(&mut self, op: u8, form: Form, regs: &[Reg], target: Label) {
        self.add(op, form, regs, 0, Some(target), None);
    }

    pub fn refer(&mut self, op: u8, form: Form, regs: &[Reg], refers: Ref) {
        self.add(op, form, regs, 0, None, Some(refers));
    }

    /// `kind` is the opcode of the call with listed registers.
    pub fn invoke(&mut self, kind: u8, regs: &[Reg], method: Ref) {
        self.outs = self.outs.max(regs.len() as u16);
        if regs.len() <= 5 {
            self.refer(kind, Form::F35c, regs, method)
        } else {
            self.refer(kind + 6, Form::F3rc, regs, method)
        }
    }

    pub fn switch(&mut self, value: Reg, mut cases: Vec<(i32, Label)>) {
        cases.sort_unstable_by_key(|it| it.0);
        let in_a_row = cases.windows(2).all(|it| it[0].0 + 1 == it[1].0);
        let (at, payload) = (self.here(), self.label());
        self.jump(if in_a_row { 0x2b } else { 0x2c }, Form::F31t, &[value], payload);
        self.payloads.push(Item::Switch(payload, at, cases));
    }

    pub fn covered(&mut self, start: Label, end: Label, handlers: Vec<(Option<String>, Label)>) {
        self.tries.push(Try { start, end, handlers });
    }

    /// Whether nothing runs on from here.
    pub fn has_ended(&self) -> bool {
        matches!(self.items.last(), Some(Item::Insn(Insn { op: 0x0e..=0x11 | 0x27 | 0x29, .. })))
    }

    /// The code, and where each mark stands in it.
    pub fn finish(mut self, n_locals: u16, n_args: u16) -> (Code, Vec<(u32, String)>) {
        self.items.append(&mut self.payloads);
        let mut places = vec![u32::MAX; self.n_labels];
        let mut pc = 0;
        for item in &self.items {
            match item {
                Item::Insn(insn) => pc += len_of(insn.form),
                Item::Label(label) => places[label.0] = pc,
                Item::Switch(label, _, cases) => {
                    pc += pc % 2;
                    places[label.0] = pc;
                    pc += if is_packed(cases) { 4 + 2 * cases.len() as u32 } else { 2 + 4 * cases.len() as u32 };
                }
            }
        }
        let at = |label: Label| places[label.0];
        let mut code = Code { registers: n_locals + n_args, ins: n_args, outs: self.outs, ..Code::default() };
        for item in &self.items {
            match item {
                Item::Label(_) => {}
                Item::Insn(insn) => encode(insn, n_locals, insn.target.map(at), &mut code),
                Item::Switch(_, insn, cases) => {
                    if code.units.len() % 2 == 1 {
                        code.units.push(0);
                    }
                    let word = |units: &mut Vec<u16>, value: i32| units.extend([value as u16, (value >> 16) as u16]);
                    code.units.extend([if is_packed(cases) { 0x0100 } else { 0x0200 }, cases.len() as u16]);
                    let n_keys = if is_packed(cases) { 1 } else { cases.len() };
                    cases.iter().take(n_keys).for_each(|it| word(&mut code.units, it.0));
                    cases.iter().for_each(|it| word(&mut code.units, at(it.1) as i32 - at(*insn) as i32));
                }
            }
        }
        let ranges = self.tries.iter().map(|it| {
            let handlers = it.handlers.iter().map(|(ty, to)| (ty.clone(), at(*to))).collect();
            Try { start: at(it.start), end: at(it.end), handlers }
        });
        let ranges: Vec<Try> = ranges.collect();
        code.tries = apart(&ranges);
        let marks = self.marks.iter().map(|(label, text)| (at(*label), text.clone())).collect();
        (code, marks)
    }
}

/// Ranges that lie in each other as ranges that do not overlap: an inner one has the handlers of the outer one, too.
fn apart(ranges: &[Try]) -> Vec<Try> {
    let mut edges: Vec<u32> = ranges.iter().flat_map(|it| [it.start, it.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut tries = Vec::new();
    for edge in edges.windows(2) {
        let (start, end) = (edge[0], edge[1]);
        let mut handlers: Vec<(Option<String>, u32)> = Vec::new();
        for (ty, to) in ranges.iter().filter(|it| it.start <= start && end <= it.end).flat_map(|it| &it.handlers) {
            let is_covered = handlers.iter().any(|it| it.0.is_none() || it.0 == *ty);
            if !is_covered {
                handlers.push((ty.clone(), *to));
            }
        }
        if !handlers.is_empty() {
            tries.push(Try { start, end, handlers });
        }
    }
    tries
}

fn is_packed(cases: &[(i32, Label)]) -> bool {
    cases.windows(2).all(|it| it[0].0 + 1 == it[1].0)
}

fn len_of(form: Form) -> u32 {
    use Form::*;
    match form {
        F10x | F11x | F11n | F12x => 1,
        F20t | F21c | F21s | F21t | F22b | F22c | F22t | F23x => 2,
        F31i | F31t | F35c | F3rc => 3,
        F51l => 5,
    }
}

fn encode(insn: &Insn, n_locals: u16, target: Option<u32>, code: &mut Code) {
    let reg = |n: usize| match insn.regs.get(n).copied() {
        Some(Reg::Local(n)) => n,
        Some(Reg::Arg(n)) => n_locals + n,
        None => 0,
    };
    // Half a byte holds a register; what does not fit is a method that wants to be two.
    let nibble = |n: usize| {
        assert!(reg(n) < 16, "a method of a test has at most 16 registers");
        reg(n)
    };
    let op = u16::from(insn.op);
    let pc = code.units.len();
    let by = target.map_or(0, |it| it as i32 - pc as i32);
    if insn.refers.is_some() {
        code.refs.extend(insn.refers.clone().map(|it| (pc + 1, it)));
    }
    let lit = insn.lit;
    use Form::*;
    let units: Vec<u16> = match insn.form {
        F10x => vec![op],
        F11x => vec![op | reg(0) << 8],
        F11n => vec![op | nibble(0) << 8 | (lit as u16 & 0xf) << 12],
        F12x => vec![op | nibble(0) << 8 | nibble(1) << 12],
        F20t => vec![op, by as u16],
        F21c => vec![op | reg(0) << 8, 0],
        F21s => vec![op | reg(0) << 8, lit as u16],
        F21t => vec![op | reg(0) << 8, by as u16],
        F22b => vec![op | reg(0) << 8, reg(1) | (lit as u16 & 0xff) << 8],
        F22c => vec![op | nibble(0) << 8 | nibble(1) << 12, 0],
        F22t => vec![op | nibble(0) << 8 | nibble(1) << 12, by as u16],
        F23x => vec![op | reg(0) << 8, reg(1) | reg(2) << 8],
        F31i => vec![op | reg(0) << 8, lit as u16, (lit >> 16) as u16],
        F31t => vec![op | reg(0) << 8, by as u16, (by >> 16) as u16],
        F35c => {
            let list = |n: usize| if n < insn.regs.len() { nibble(n) } else { 0 };
            let low = list(0) | list(1) << 4 | list(2) << 8 | list(3) << 12;
            vec![op | list(4) << 8 | (insn.regs.len() as u16) << 12, 0, low]
        }
        F3rc => {
            let in_a_row = (1..insn.regs.len()).all(|n| reg(n) == reg(0) + n as u16);
            assert!(in_a_row, "the registers of a range stand in a row");
            vec![op | (insn.regs.len() as u16) << 8, 0, reg(0)]
        }
        F51l => vec![op | reg(0) << 8, lit as u16, (lit >> 16) as u16, (lit >> 32) as u16, (lit >> 48) as u16],
    };
    code.units.extend(units);
}
