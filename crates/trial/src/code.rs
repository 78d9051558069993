//! Assembles bytecode from a part of the notation of smali: straight code with branches, without exceptions.
//!
//! Source: Android's documentation "Dalvik bytecode" and "Dalvik executable instruction formats".

use std::collections::HashMap;

use crate::dex::{self, Class, Code, FieldRef, Method, MethodRef, Proto, Ref};

/// The classes of a program.
///
/// `.class NAME [extends NAME]`, then methods: `.method [static] name(params)result`, instructions, and `.end`. Classes
/// stand as descriptors (`La/B;`). Registers are `v0` to `v15` and, for what is passed, `p0` on; labels are `:name`.
pub fn assemble(text: &str) -> Result<Vec<Class>, String> {
    let mut classes: Vec<Class> = Vec::new();
    let mut body: Option<Body> = None;
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let at_line = |fault: String| format!("line {} of the code: {fault}", n + 1);
        match (line.split_once(' ').unwrap_or((line, "")), &mut body) {
            ((".class", rest), None) => classes.push(class_of(rest, &classes).map_err(at_line)?),
            ((".method", rest), None) => {
                let class = classes.last_mut().ok_or_else(|| at_line("a method stands in a class".to_owned()))?;
                let method = method_of(rest).map_err(at_line)?;
                body = Some(Body::of(&method));
                class.methods.push(method);
            }
            ((".end", _), Some(_)) => {
                let code = body.take().map(Body::finish).transpose().map_err(at_line)?;
                if let Some(method) = classes.last_mut().and_then(|it| it.methods.last_mut()) {
                    method.code = code;
                }
            }
            ((op, rest), Some(body)) => body.instruction(op, rest).map_err(at_line)?,
            ((word, _), None) => return Err(at_line(format!("\"{word}\" stands in no method"))),
        }
    }
    match body {
        Some(_) => Err("the last method has no end".to_owned()),
        None => Ok(classes),
    }
}

fn class_of(rest: &str, before: &[Class]) -> Result<Class, String> {
    let (name, above) = rest.split_once(" extends ").unwrap_or((rest, "Ljava/lang/Object;"));
    for descriptor in [name, above] {
        if !(descriptor.starts_with('L') && descriptor.ends_with(';')) {
            return Err(format!("no class: {descriptor}"));
        }
    }
    if name == above || before.iter().any(|it| it.name == name || it.superclass == name) {
        return Err(format!("{name} stands twice, or behind a class below it"));
    }
    let (name, superclass) = (name.to_owned(), above.to_owned());
    Ok(Class { name, superclass, interfaces: Vec::new(), flags: 1, fields: Vec::new(), methods: Vec::new() })
}

fn method_of(rest: &str) -> Result<Method, String> {
    let (flags, rest) = match rest.strip_prefix("static ") {
        Some(rest) => (1 | dex::STATIC, rest),
        None => (1, rest),
    };
    let at = rest.find('(').ok_or_else(|| format!("no method: {rest}"))?;
    let (name, proto) = rest.split_at(at);
    let flags = if name.starts_with('<') { flags | dex::CONSTRUCTOR } else { flags };
    Ok(Method { name: name.to_owned(), proto: proto_of(proto)?, flags, code: None })
}

/// `(Ljava/lang/String;I)V`.
fn proto_of(text: &str) -> Result<Proto, String> {
    let inner = text.strip_prefix('(').and_then(|it| it.split_once(')'));
    let (mut params, returns) = inner.ok_or_else(|| format!("no signature: {text}"))?;
    let mut list = Vec::new();
    while !params.is_empty() {
        let dims = params.len() - params.trim_start_matches('[').len();
        let len = match params.as_bytes().get(dims) {
            Some(b'L') => params.find(';').map(|it| it + 1),
            Some(b'Z' | b'B' | b'S' | b'C' | b'I' | b'J' | b'F' | b'D') => Some(dims + 1),
            _ => None,
        };
        let (param, rest) = params.split_at(len.ok_or_else(|| format!("no signature: {text}"))?);
        list.push(param.to_owned());
        params = rest;
    }
    Ok(Proto { returns: returns.to_owned(), params: list })
}

/// A method body that is being assembled.
#[derive(Default)]
struct Body {
    n_locals: u16,
    ins: u16,
    outs: u16,
    units: Vec<u16>,
    refs: Vec<(usize, Ref)>,
    labels: HashMap<String, usize>,
    /// Instruction, label.
    branches: Vec<(usize, String)>,
    /// Where in a unit the number of a passed register goes: unit, shift, which.
    passed: Vec<(usize, u32, u16)>,
}

/// A register: of the method's own, or of what is passed.
#[derive(Clone, Copy)]
enum Register {
    Own(u16),
    Passed(u16),
}

impl Body {
    fn of(method: &Method) -> Body {
        let this = u16::from(method.flags & dex::STATIC == 0);
        let wide = |it: &String| if matches!(it.as_str(), "J" | "D") { 2 } else { 1 };
        Body { ins: this + method.proto.params.iter().map(wide).sum::<u16>(), ..Body::default() }
    }

    fn instruction(&mut self, op: &str, rest: &str) -> Result<(), String> {
        if let Some(label) = op.strip_prefix(':') {
            self.labels.insert(label.to_owned(), self.units.len());
            return Ok(());
        }
        if let Some(kind) = op.strip_prefix("invoke-") {
            return self.invoke(kind, rest);
        }
        let (first, operand) = rest.split_once(", ").unwrap_or((rest, ""));
        match op {
            "return-void" => self.units.push(0x0e),
            "goto" => {
                self.branches.push((self.units.len(), first.trim_start_matches(':').to_owned()));
                self.units.push(0x28);
            }
            "move-result" => self.one(0x0a, first, &[])?,
            "move-result-object" => self.one(0x0c, first, &[])?,
            "return" => self.one(0x0f, first, &[])?,
            "return-object" => self.one(0x11, first, &[])?,
            "const" => {
                let value = operand.parse::<i32>().map_err(|_| format!("no number: {operand}"))?.cast_unsigned();
                self.one(0x14, first, &[value as u16, (value >> 16) as u16])?;
            }
            "if-eqz" | "if-nez" => {
                self.branches.push((self.units.len(), operand.trim_start_matches(':').to_owned()));
                self.one(if op == "if-eqz" { 0x38 } else { 0x39 }, first, &[0])?;
            }
            "const-string" => {
                let text = operand.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                let text = text.ok_or_else(|| format!("no text: {operand}"))?;
                self.one_with(0x1a, first, Ref::Text(text.to_owned()))?;
            }
            "check-cast" => self.one_with(0x1f, first, Ref::Type(operand.to_owned()))?,
            "new-instance" => self.one_with(0x22, first, Ref::Type(operand.to_owned()))?,
            "sget-object" => self.one_with(0x62, first, Ref::Field(field_of(operand)?))?,
            "sput-object" => self.one_with(0x69, first, Ref::Field(field_of(operand)?))?,
            _ => return Err(format!("no instruction: {op}")),
        }
        Ok(())
    }

    /// `{v0, p1}, La/B;->name(I)V`.
    fn invoke(&mut self, kind: &str, rest: &str) -> Result<(), String> {
        let kinds = ["virtual", "super", "direct", "static", "interface"];
        let op = kinds.iter().position(|it| *it == kind).ok_or_else(|| format!("no instruction: invoke-{kind}"))?;
        let parts = rest.strip_prefix('{').and_then(|it| it.split_once("}, "));
        let (registers, method) = parts.ok_or_else(|| format!("no call: {rest}"))?;
        let registers: Vec<&str> = registers.split(", ").filter(|it| !it.is_empty()).collect();
        if 5 < registers.len() {
            return Err(format!("more than five registers: {rest}"));
        }
        let at = self.units.len();
        self.units.extend([(0x6e + op as u16) | ((registers.len() as u16) << 12), 0, 0]);
        self.refs.push((at + 1, Ref::Method(method_ref(method)?)));
        self.outs = self.outs.max(registers.len() as u16);
        for (n, register) in registers.iter().enumerate() {
            let (unit, shift) = if n == 4 { (at, 8) } else { (at + 2, 4 * n as u32) };
            self.put(unit, shift, register_of(register)?);
        }
        Ok(())
    }

    fn one(&mut self, op: u16, register: &str, more: &[u16]) -> Result<(), String> {
        let at = self.units.len();
        self.units.push(op);
        self.units.extend(more);
        self.put(at, 8, register_of(register)?);
        Ok(())
    }

    fn one_with(&mut self, op: u16, register: &str, reference: Ref) -> Result<(), String> {
        self.refs.push((self.units.len() + 1, reference));
        self.one(op, register, &[0])
    }

    fn put(&mut self, unit: usize, shift: u32, register: Register) {
        match register {
            Register::Own(n) => {
                self.n_locals = self.n_locals.max(n + 1);
                self.units[unit] |= n << shift;
            }
            Register::Passed(n) => self.passed.push((unit, shift, n)),
        }
    }

    fn finish(mut self) -> Result<Code, String> {
        // What is passed lies in the last registers.
        let registers = self.n_locals + self.ins;
        for (unit, shift, n) in &self.passed {
            if self.ins <= *n || 16 < registers {
                return Err(format!("there is no register p{n}"));
            }
            self.units[*unit] |= (self.n_locals + n) << shift;
        }
        for (at, label) in &self.branches {
            let to = self.labels.get(label).ok_or_else(|| format!("there is no label {label}"))?;
            let offset = *to as i64 - *at as i64;
            match self.units[*at] & 0xff {
                0x28 => self.units[*at] |= (offset as i8 as u8 as u16) << 8,
                _ => self.units[*at + 1] = offset as i16 as u16,
            }
        }
        let (ins, outs, units, refs) = (self.ins, self.outs, self.units, self.refs);
        Ok(Code { registers, ins, outs, units, refs, tries: Vec::new() })
    }
}

fn register_of(text: &str) -> Result<Register, String> {
    let number = |it: &str| it.parse::<u16>().ok().filter(|it| *it < 16);
    let own = text.strip_prefix('v').and_then(number).map(Register::Own);
    own.or_else(|| text.strip_prefix('p').and_then(number).map(Register::Passed))
        .ok_or_else(|| format!("no register: {text}"))
}

fn method_ref(text: &str) -> Result<MethodRef, String> {
    let parts = text.split_once("->").and_then(|(class, rest)| Some((class, rest.split_at(rest.find('(')?))));
    let (class, (name, proto)) = parts.ok_or_else(|| format!("no method: {text}"))?;
    Ok(MethodRef { class: class.to_owned(), name: name.to_owned(), proto: proto_of(proto)? })
}

fn field_of(text: &str) -> Result<FieldRef, String> {
    let parts = text.split_once("->").and_then(|(class, rest)| Some((class, rest.split_once(':')?)));
    let (class, (name, ty)) = parts.ok_or_else(|| format!("no field: {text}"))?;
    Ok(FieldRef { class: class.to_owned(), name: name.to_owned(), ty: ty.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_told_with_its_line() {
        for (text, fault) in [
            (".class A", "line 1 of the code: no class: A"),
            (".class LA;\n.class LA;", "line 2 of the code: LA; stands twice"),
            ("return-void", "stands in no method"),
            (".class LA;\n.method a()V\nreturn-void", "has no end"),
            (".class LA;\n.method a()V\njump\n.end", "no instruction: jump"),
            (".class LA;\n.method a()V\nmove-result v16\n.end", "no register: v16"),
            (".class LA;\n.method a()V\nmove-result p1\n.end", "there is no register p1"),
            (".class LA;\n.method a()V\ngoto :b\n.end", "there is no label b"),
            (".class LA;\n.method a(Q)V\n.end", "no signature: (Q)V"),
        ] {
            let said = assemble(text).unwrap_err();
            assert!(said.contains(fault), "{text}: {said}");
        }
    }

    #[test]
    fn registers_of_what_is_passed_lie_behind_the_own() {
        let text = ".class LA;\n.method a(J[I)V\nconst v2, 7\nreturn-object p3\n.end";
        let code = assemble(text).unwrap().remove(0).methods.remove(0).code.unwrap();
        assert_eq!((code.registers, code.ins), (7, 4));
        assert_eq!(code.units, [0x0214, 7, 0, 0x0611]);
    }
}
