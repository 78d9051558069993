//! Classes, methods and statements to bytecode, much as `javac` and `d8` write it.

use std::collections::BTreeMap;

use super::code::{Builder, Form, Label, Reg};
use super::dex::{self, FieldRef, MethodRef, Proto, Ref};
use super::names::{NULL, Names, OBJECT, is_primitive};
use super::syntax::{self, Catch, Expr, Program, Stmt, anonymous_name};

/// Which `source…` or `sink…` of the text an instruction is: by class, method with proto, and code unit.
pub type Marks = BTreeMap<(String, String, u32), String>;

/// The bytes of the program's dex file and of that of the phone's own classes, and which instruction is which source or
/// sink of the text.
pub fn compile(program: &Program, mut names: Names) -> (Vec<u8>, Vec<u8>, Marks) {
    let (named, anonymous): (Vec<_>, Vec<_>) = program.classes.iter().partition(|it| !it.name.contains('$'));
    named.iter().for_each(|it| names.announce(it));
    named.iter().for_each(|it| names.add(it));
    let mut compiler = Compiler { names, anonymous, classes: Vec::new(), marks: Marks::new() };
    let (platform, own): (Vec<_>, Vec<_>) = named.into_iter().partition(|it| it.kind == "platform");
    let [platform, own] = [platform, own].map(|it| {
        it.into_iter().for_each(|class| compiler.class(class, &[], &[]));
        dex::write(&std::mem::take(&mut compiler.classes))
    });
    (own, platform, compiler.marks)
}

pub struct Compiler<'p> {
    pub names: Names,
    anonymous: Vec<&'p syntax::Class>,
    classes: Vec<dex::Class>,
    marks: Marks,
}

impl Compiler<'_> {
    /// `captured` are fields that the constructor fills before all else, then come `args` for the one above.
    fn class(&mut self, class: &syntax::Class, captured: &[FieldRef], args: &[String]) {
        let descriptor = self.names.descriptor(&class.name);
        let known = self.names.class(&descriptor).cloned().expect("the class was added");
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let mut out = dex::Class {
            name: descriptor.clone(),
            superclass: known.superclass.clone().unwrap_or_else(|| OBJECT.to_owned()),
            interfaces: known.interfaces.clone(),
            flags: 1 | flag(known.is_interface, 0x600) | flag(class.is_abstract, 0x400),
            fields: Vec::new(),
            methods: Vec::new(),
        };
        for (field, is_static) in &known.fields {
            let (name, ty) = (field.name.clone(), field.ty.clone());
            out.fields.push(dex::Field {
                name,
                ty,
                flags: 1 | flag(*is_static, dex::STATIC) | flag(known.is_interface, 0x10),
            });
        }
        let mut methods: Vec<syntax::Method> = class.methods.clone();
        let inits = |is_static: bool| {
            let own = class.fields.iter().filter(move |it| it.is_static == is_static);
            own.filter_map(|it| Some(Stmt::Assign(Expr::Name(it.name.clone()), it.init.clone()?))).collect::<Vec<_>>()
        };
        if !known.is_interface && !methods.iter().any(|it| it.name == "<init>") {
            let (name, returns, body) = ("<init>".to_owned(), "void".to_owned(), Some(Vec::new()));
            methods.push(syntax::Method { name, returns, body, ..syntax::Method::default() });
        }
        if !inits(true).is_empty() && !methods.iter().any(|it| it.name == "<clinit>") {
            let (name, returns) = ("<clinit>".to_owned(), "void".to_owned());
            let body = Some(Vec::new());
            methods.push(syntax::Method { name, returns, is_static: true, body, ..syntax::Method::default() });
        }
        for method in &methods {
            let is_init = method.name == "<init>";
            let mut proto = self.names.proto(method);
            if is_init {
                let more = captured.iter().map(|it| it.ty.clone()).chain(args.iter().cloned());
                proto.params.splice(0..0, more);
            }
            let is_abstract = method.body.is_none() && !method.is_native;
            let flags = flag(method.is_private, dex::PRIVATE)
                | flag(!method.is_private, 1)
                | flag(method.is_static, dex::STATIC)
                | flag(method.name.starts_with('<'), dex::CONSTRUCTOR)
                | flag(method.is_native, 0x100)
                | flag(is_abstract, 0x400);
            let code = method.body.as_ref().map(|stmts| {
                let mut body = Body::new(self, &descriptor, method, &proto, captured.len() + args.len());
                if is_init {
                    body.constructor(captured, args, stmts, &inits(false));
                } else {
                    let first = if method.name == "<clinit>" { inits(true) } else { Vec::new() };
                    body.block(&first);
                    body.block(stmts);
                }
                body.finish(&method.name, &proto)
            });
            out.methods.push(dex::Method { name: method.name.clone(), proto, flags, code });
        }
        self.classes.push(out);
    }

    /// Whether the n-th anonymous class needs a field by that name for what is around it.
    pub fn uses(&self, n: usize, field: &str) -> bool {
        match field.strip_prefix("val$") {
            Some(name) => self.anonymous[n].words.iter().any(|it| it == name),
            None => true,
        }
    }

    /// Compiles the n-th anonymous class, and gives its constructor.
    pub fn anonymous(&mut self, n: usize, captured: &[(String, String)], args: &[String]) -> MethodRef {
        let source = self.anonymous[n];
        let descriptor = format!("L{};", anonymous_name(n));
        let above = source.superclass.clone().unwrap_or_default();
        let mut class = syntax::Class { name: source.name.clone(), kind: "class".to_owned(), ..Default::default() };
        let is_interface = self.names.class(&self.names.descriptor(&above)).is_some_and(|it| it.is_interface);
        if is_interface {
            class.interfaces = vec![above]
        } else {
            class.superclass = Some(above)
        }
        class.methods = source.methods.clone();
        class.fields = source.fields.clone();
        self.names.announce(&class);
        self.names.add(&class);
        let field =
            |(name, ty): &(String, String)| FieldRef { class: descriptor.clone(), name: name.clone(), ty: ty.clone() };
        let fields: Vec<FieldRef> = captured.iter().map(field).collect();
        self.names.add_fields(&descriptor, &fields);
        self.class(&class, &fields, args);
        let params = captured.iter().map(|it| it.1.clone()).chain(args.iter().cloned()).collect();
        MethodRef { class: descriptor, name: "<init>".to_owned(), proto: Proto { returns: "V".to_owned(), params } }
    }
}

/// The body of one method.
pub struct Body<'c, 'p> {
    pub compiler: &'c mut Compiler<'p>,
    pub class: String,
    pub out: Builder,
    /// Name, type, register.
    pub locals: Vec<(String, String, Reg)>,
    next: u16,
    most: u16,
    n_args: u16,
    returns: String,
    /// Where `break` and `continue` lead.
    loops: Vec<(Label, Label)>,
    /// What `return` has to do before.
    finals: Vec<Vec<Stmt>>,
}

impl<'c, 'p> Body<'c, 'p> {
    fn new(
        compiler: &'c mut Compiler<'p>,
        class: &str,
        method: &syntax::Method,
        proto: &Proto,
        n_hidden: usize,
    ) -> Body<'c, 'p> {
        let mut locals = Vec::new();
        let mut n_args = 0;
        if !method.is_static {
            locals.push(("this".to_owned(), class.to_owned(), Reg::Arg(0)));
            n_args = 1;
        }
        let n_hidden = if method.name == "<init>" { n_hidden } else { 0 };
        for (n, ty) in proto.params.iter().enumerate() {
            let name = if n < n_hidden { format!("hidden${n}") } else { method.params[n - n_hidden].1.clone() };
            locals.push((name, ty.clone(), Reg::Arg(n_args)));
            n_args += width(ty);
        }
        Body {
            compiler,
            class: class.to_owned(),
            out: Builder::default(),
            locals,
            next: 0,
            most: 0,
            n_args,
            returns: proto.returns.clone(),
            loops: Vec::new(),
            finals: Vec::new(),
        }
    }

    fn finish(mut self, name: &str, proto: &Proto) -> dex::Code {
        if self.returns == "V" && !self.out.has_ended() {
            self.out.plain(0x0e, Form::F10x, &[]);
        }
        let (code, marks) = self.out.finish(self.most, self.n_args);
        for (pc, text) in marks {
            self.compiler.marks.insert((self.class.clone(), format!("{name}{}", proto.text()), pc), text);
        }
        code
    }

    pub fn names(&self) -> &Names {
        &self.compiler.names
    }

    pub fn alloc(&mut self, ty: &str) -> Reg {
        let reg = Reg::Local(self.next);
        self.next += width(ty);
        self.most = self.most.max(self.next);
        reg
    }

    /// Registers that are taken now; [`Body::release`] gives back what was taken since.
    pub fn taken(&self) -> u16 {
        self.next
    }

    pub fn release(&mut self, to: u16) {
        self.next = to;
    }

    fn constructor(&mut self, captured: &[FieldRef], args: &[String], stmts: &[Stmt], inits: &[Stmt]) {
        let hidden = |n: usize| Expr::Name(format!("hidden${n}"));
        for (n, field) in captured.iter().enumerate() {
            let value = self.eval(&hidden(n));
            self.store_field(field, Some(Reg::Arg(0)), value.0);
        }
        let (mut rest, mut is_this) = (stmts, false);
        let mut values: Vec<Expr> = (captured.len()..captured.len() + args.len()).map(hidden).collect();
        if let Some(Stmt::Do(Expr::Call(None, name, given))) = stmts.first()
            && matches!(name.as_str(), "super" | "this")
        {
            (rest, is_this) = (&stmts[1..], name == "this");
            values.clone_from(given);
        }
        let above = self.names().class(&self.class).and_then(|it| it.superclass.clone()).unwrap_or_default();
        let of = if is_this { self.class.clone() } else { above };
        self.construct(&of, Reg::Arg(0), &values);
        if !is_this {
            self.block(inits);
        }
        self.block(rest);
    }

    pub fn block(&mut self, stmts: &[Stmt]) {
        let (n_locals, taken) = (self.locals.len(), self.next);
        stmts.iter().for_each(|it| self.stmt(it));
        self.locals.truncate(n_locals);
        self.release(taken);
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let taken = self.next;
        match stmt {
            Stmt::Local(ty, name, value) => return self.local(ty, name, value.as_ref()),
            Stmt::Assign(target, value) => self.assign(target, value),
            Stmt::Do(expr) => _ = self.eval(expr),
            Stmt::Block(stmts) => self.block(stmts),
            Stmt::If(condition, then, other) => {
                let (no, end) = (self.out.label(), self.out.label());
                self.branch(condition, no, false);
                self.stmt(then);
                if other.is_some() && !self.out.has_ended() {
                    self.goto(end);
                }
                self.out.put(no);
                other.iter().for_each(|it| self.stmt(it));
                self.out.put(end);
            }
            Stmt::While(condition, body) => {
                let (again, end) = (self.out.here(), self.out.label());
                self.branch(condition, end, false);
                self.loops.push((end, again));
                self.stmt(body);
                self.loops.pop();
                self.goto(again);
                self.out.put(end);
            }
            Stmt::Break => self.goto(self.loops.last().expect("a loop or a switch").0),
            Stmt::Continue => self.goto(self.loops.last().expect("a loop").1),
            Stmt::Return(value) => self.give_back(value.as_ref()),
            Stmt::Throw(value) => {
                let value = self.eval(value).0;
                self.out.plain(0x27, Form::F11x, &[value]);
            }
            Stmt::Try(body, catches, last) => self.guarded(body, catches, last.as_deref()),
            Stmt::Switch(value, cases) => {
                let value = self.eval(value).0;
                let (end, mut default, mut targets) = (self.out.label(), None, Vec::new());
                let labels: Vec<Label> = cases.iter().map(|_| self.out.label()).collect();
                for ((values, _), label) in cases.iter().zip(&labels) {
                    targets.extend(values.iter().map(|it| (*it, *label)));
                    if values.is_empty() {
                        default = Some(*label);
                    }
                }
                self.out.switch(value, targets);
                self.goto(default.unwrap_or(end));
                self.loops.push((end, end));
                for ((_, body), label) in cases.iter().zip(labels) {
                    self.out.put(label);
                    self.block(body);
                }
                self.loops.pop();
                self.out.put(end);
            }
        }
        self.release(taken);
    }

    pub fn goto(&mut self, label: Label) {
        self.out.jump(0x29, Form::F20t, &[], label);
    }

    fn local(&mut self, ty: &str, name: &str, value: Option<&Expr>) {
        let ty = match (ty, value) {
            ("var", Some(value)) => self.type_of(value),
            _ => self.names().descriptor(ty),
        };
        let reg = self.alloc(&ty);
        let taken = self.next;
        if let Some(value) = value {
            self.eval_as(value, &ty, reg);
        }
        self.release(taken);
        self.locals.push((name.to_owned(), ty, reg));
    }

    fn assign(&mut self, target: &Expr, value: &Expr) {
        match target {
            Expr::Index(array, index) => {
                let (array, array_ty) = self.eval(array);
                let index = self.eval(index).0;
                let element = array_ty.strip_prefix('[').expect("an array").to_owned();
                let value = self.eval_of(value, &element);
                self.out.plain(0x4b + kind_of(&element), Form::F23x, &[value, array, index]);
            }
            Expr::Name(name) if self.locals.iter().any(|it| it.0 == *name) => {
                let local = self.locals.iter().rev().find(|it| it.0 == *name).cloned();
                let (_, ty, reg) = local.expect("it was just seen");
                let reads_late = matches!(value, Expr::New(..) | Expr::NewArray(..) | Expr::ArrayOf(..));
                if reads_late {
                    let made = self.eval(value).0;
                    self.copy(made, reg, &ty);
                } else {
                    self.eval_as(value, &ty, reg);
                }
            }
            _ => {
                let (base, field) = self.place(target);
                let value = self.eval_of(value, &field.ty);
                self.store_field(&field, base, value);
            }
        }
    }

    pub fn store_field(&mut self, field: &FieldRef, base: Option<Reg>, value: Reg) {
        let kind = kind_of(&field.ty);
        match base {
            Some(base) => self.out.refer(0x59 + kind, Form::F22c, &[value, base], Ref::Field(field.clone())),
            None => self.out.refer(0x67 + kind, Form::F21c, &[value], Ref::Field(field.clone())),
        }
    }

    fn give_back(&mut self, value: Option<&Expr>) {
        let returns = self.returns.clone();
        let value = value.map(|it| self.eval_of(it, &returns));
        let finals = std::mem::take(&mut self.finals);
        for (n, stmts) in finals.iter().enumerate().rev() {
            self.finals = finals[..n].to_vec();
            self.block(stmts);
        }
        self.finals = finals;
        match value {
            None => self.out.plain(0x0e, Form::F10x, &[]),
            Some(value) => {
                let op = if is_reference(&returns) { 0x11 } else { 0x0e + width(&returns) as u8 };
                self.out.plain(op, Form::F11x, &[value]);
            }
        }
    }

    fn guarded(&mut self, body: &[Stmt], catches: &[Catch], last: Option<&[Stmt]>) {
        let end = self.out.label();
        let last_stmts = last.unwrap_or_default();
        self.finals.extend(last.map(<[Stmt]>::to_vec));
        let from = self.out.here();
        self.block(body);
        let ends = self.out.has_ended();
        let to = self.out.here();
        let handlers: Vec<Label> = catches.iter().map(|_| self.out.label()).collect();
        let types = catches.iter().map(|it| Some(self.names().descriptor(&it.ty)));
        self.out.covered(from, to, types.collect::<Vec<_>>().into_iter().zip(handlers.iter().copied()).collect());
        if !ends {
            self.leave_guarded(last_stmts, end);
        }
        for (catch, label) in catches.iter().zip(handlers) {
            let (n_locals, taken) = (self.locals.len(), self.next);
            self.out.put(label);
            let ty = self.names().descriptor(&catch.ty);
            let reg = self.alloc(&ty);
            self.out.plain(0x0d, Form::F11x, &[reg]);
            self.locals.push((catch.name.clone(), ty, reg));
            self.block(&catch.body);
            self.locals.truncate(n_locals);
            self.release(taken);
            if !self.out.has_ended() {
                self.leave_guarded(last_stmts, end);
            }
        }
        if last.is_some() {
            self.finals.pop();
            let covered = self.out.here();
            let handler = self.out.here();
            self.out.covered(from, covered, vec![(None, handler)]);
            let thrown = self.alloc(OBJECT);
            self.out.plain(0x0d, Form::F11x, &[thrown]);
            self.block(last_stmts);
            self.out.plain(0x27, Form::F11x, &[thrown]);
        }
        self.out.put(end);
    }

    /// The end of a way through a `try`.
    fn leave_guarded(&mut self, last: &[Stmt], end: Label) {
        let finals = self.finals.clone();
        if !last.is_empty() {
            self.finals.pop();
        }
        self.block(last);
        self.finals = finals;
        self.goto(end);
    }

    pub fn copy(&mut self, from: Reg, to: Reg, ty: &str) {
        let op = match (is_reference(ty), width(ty)) {
            (true, _) => 0x07,
            (false, 2) => 0x04,
            _ => 0x01,
        };
        if from != to {
            self.out.plain(op, Form::F12x, &[to, from]);
        }
    }
}

pub fn width(ty: &str) -> u16 {
    match ty {
        "V" => 0,
        "J" | "D" => 2,
        _ => 1,
    }
}

pub fn is_reference(ty: &str) -> bool {
    ty == NULL || !is_primitive(ty)
}

/// How far an access is from the first opcode of its kind: `iget`, `iget-wide`, `iget-object`, `iget-boolean`, …
pub fn kind_of(ty: &str) -> u8 {
    match ty {
        "I" | "F" => 0,
        "J" | "D" => 1,
        "Z" => 3,
        "B" => 4,
        "C" => 5,
        "S" => 6,
        _ => 2,
    }
}
