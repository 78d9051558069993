//! Expressions to bytecode.

use super::code::{Form, Label, Reg};
use super::compile::{Body, is_reference, kind_of, width};
use super::dex::{FieldRef, MethodRef, Proto, Ref};
use super::names::{Method, NULL, OBJECT, TEXT, is_primitive};
use super::syntax::Expr;

/// What a call means.
enum Callee {
    /// A method, and the type of what it is called on.
    Method(Method, String, Receiver),
    /// `source…()`, a serial number; `sink…(value)`, a line of the log; `maybe()`, which nobody knows before.
    Source,
    Sink,
    Maybe,
}

enum Receiver {
    None,
    /// `this`, or what lies around it: the fields that lead there.
    Around(Vec<FieldRef>),
    Super,
    Value(Expr),
}

/// Where a name leads: a local, or from `this` through fields.
enum Place {
    Local(String, Reg),
    Field(Vec<FieldRef>, FieldRef, bool),
}

impl Body<'_, '_> {
    /// Evaluates into any register.
    pub fn eval(&mut self, expr: &Expr) -> (Reg, String) {
        self.eval_to(expr, None)
    }

    /// Evaluates as a value of a type.
    pub fn eval_of(&mut self, expr: &Expr, ty: &str) -> Reg {
        let (reg, from) = self.eval(expr);
        self.converted(reg, &from, ty)
    }

    /// Evaluates as a value of a type into a register.
    pub fn eval_as(&mut self, expr: &Expr, ty: &str, to: Reg) {
        let from = self.type_of(expr);
        if is_reference(&from) || conversion(&from, ty).is_none() {
            let (reg, _) = self.eval_to(expr, Some(to));
            self.copy(reg, to, ty);
        } else {
            let reg = self.eval(expr).0;
            self.convert(reg, &from, ty, to);
        }
    }

    fn converted(&mut self, reg: Reg, from: &str, ty: &str) -> Reg {
        if conversion(from, ty).is_none() {
            return reg;
        }
        let to = self.alloc(ty);
        self.convert(reg, from, ty, to);
        to
    }

    fn convert(&mut self, reg: Reg, from: &str, ty: &str, to: Reg) {
        match conversion(from, ty) {
            Some(op) => self.out.plain(op, Form::F12x, &[to, reg]),
            None => self.copy(reg, to, ty),
        }
    }

    fn target(&mut self, to: Option<Reg>, ty: &str) -> Reg {
        match to {
            Some(reg) => reg,
            None => self.alloc(ty),
        }
    }

    fn eval_to(&mut self, expr: &Expr, to: Option<Reg>) -> (Reg, String) {
        let taken = self.taken();
        match expr {
            Expr::Null => (self.number(0, NULL, to), NULL.to_owned()),
            Expr::Bool(value) => (self.number(i64::from(*value), "Z", to), "Z".to_owned()),
            Expr::Int(value) => (self.number(*value, "I", to), "I".to_owned()),
            Expr::Long(value) => (self.number(*value, "J", to), "J".to_owned()),
            Expr::Text(text) => {
                let reg = self.target(to, TEXT);
                self.out.refer(0x1a, Form::F21c, &[reg], Ref::Text(text.clone()));
                (reg, TEXT.to_owned())
            }
            Expr::Class(ty) => {
                let reg = self.target(to, OBJECT);
                let ty = self.names().descriptor(ty);
                self.out.refer(0x1c, Form::F21c, &[reg], Ref::Type(ty));
                (reg, self.names().descriptor("Class"))
            }
            Expr::Name(name) if name == "this" || self.is_local(name) => match self.place_of(name) {
                Some(Place::Local(ty, reg)) => (reg, ty),
                _ => panic!("no \"{name}\" here"),
            },
            Expr::Field(array, name) if name == "length" && self.type_of(array).starts_with('[') => {
                let array = self.eval(array).0;
                self.release(taken);
                let reg = self.target(to, "I");
                self.out.plain(0x21, Form::F12x, &[reg, array]);
                (reg, "I".to_owned())
            }
            Expr::Field(around, name) if name == "this" => {
                let Expr::Name(ty) = &**around else { panic!("no class before \"this\"") };
                let (path, class) = self.way_to(|it| it == format!("L{ty};")).expect("a class around");
                (self.walk(&path), class)
            }
            Expr::Name(_) | Expr::Field(..) => {
                let (base, field) = self.place(expr);
                self.release(taken);
                let reg = self.target(to, &field.ty);
                let kind = kind_of(&field.ty);
                match base {
                    Some(base) => self.out.refer(0x52 + kind, Form::F22c, &[reg, base], Ref::Field(field.clone())),
                    None => self.out.refer(0x60 + kind, Form::F21c, &[reg], Ref::Field(field.clone())),
                }
                (reg, field.ty)
            }
            Expr::Index(array, index) => {
                let (array, ty) = self.eval(array);
                let index = self.eval(index).0;
                let element = ty.strip_prefix('[').expect("an array").to_owned();
                self.release(taken);
                let reg = self.target(to, &element);
                self.out.plain(0x44 + kind_of(&element), Form::F23x, &[reg, array, index]);
                (reg, element)
            }
            Expr::Call(..) => self.call(expr, to),
            Expr::New(ty, args, body) => self.new_object(ty, args, *body, to),
            Expr::NewArray(ty, size) => {
                let (reg, ty) = (self.target(to, OBJECT), self.names().descriptor(ty));
                let size = self.eval(size).0;
                self.out.refer(0x23, Form::F22c, &[reg, size], Ref::Type(ty.clone()));
                (reg, ty)
            }
            Expr::ArrayOf(ty, elements) => {
                let (reg, ty) = (self.target(to, OBJECT), self.names().descriptor(ty));
                let element = ty[1..].to_owned();
                let inner = self.taken();
                let size = self.number(elements.len() as i64, "I", None);
                self.out.refer(0x23, Form::F22c, &[reg, size], Ref::Type(ty.clone()));
                for (n, value) in elements.iter().enumerate() {
                    self.release(inner);
                    let index = self.number(n as i64, "I", None);
                    let value = self.eval_of(value, &element);
                    self.out.plain(0x4b + kind_of(&element), Form::F23x, &[value, reg, index]);
                }
                self.release(inner);
                (reg, ty)
            }
            Expr::Cast(ty, value) => {
                let ty = self.names().descriptor(ty);
                if is_primitive(&ty) {
                    let reg = self.target(to, &ty);
                    let (value, from) = self.eval(value);
                    self.convert(value, &from, &ty, reg);
                    return (reg, ty);
                }
                let reg = self.target(to, &ty);
                let value = self.eval_to(value, Some(reg)).0;
                self.copy(value, reg, &ty);
                self.out.refer(0x1f, Form::F21c, &[reg], Ref::Type(ty.clone()));
                (reg, ty)
            }
            Expr::InstanceOf(value, ty) => {
                let value = self.eval(value).0;
                self.release(taken);
                let reg = self.target(to, "Z");
                let ty = self.names().descriptor(ty);
                self.out.refer(0x20, Form::F22c, &[reg, value], Ref::Type(ty));
                (reg, "Z".to_owned())
            }
            Expr::Binary("+", ..) if self.type_of(expr) == TEXT => self.concat(expr, to),
            Expr::Binary("+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>" | ">>>", ..) => {
                self.arithmetic(expr, to)
            }
            Expr::Binary(..) | Expr::Not(_) => {
                let reg = self.target(to, "Z");
                let (yes, end) = (self.out.label(), self.out.label());
                self.branch(expr, yes, true);
                self.number(0, "Z", Some(reg));
                self.goto(end);
                self.out.put(yes);
                self.number(1, "Z", Some(reg));
                self.out.put(end);
                (reg, "Z".to_owned())
            }
        }
    }

    fn number(&mut self, value: i64, ty: &str, to: Option<Reg>) -> Reg {
        let reg = self.target(to, ty);
        match (width(ty), value) {
            (2, -0x8000..0x8000) => self.out.literal(0x16, Form::F21s, &[reg], value),
            (2, _) => self.out.literal(0x18, Form::F51l, &[reg], value),
            (_, -8..8) => self.out.literal(0x12, Form::F11n, &[reg], value),
            (_, -0x8000..0x8000) => self.out.literal(0x13, Form::F21s, &[reg], value),
            _ => self.out.literal(0x14, Form::F31i, &[reg], value),
        }
        reg
    }

    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|it| it.0 == name)
    }

    /// The fields that lead from `this` to an object around it.
    fn way_to(&self, wanted: impl Fn(&str) -> bool) -> Option<(Vec<FieldRef>, String)> {
        let (mut path, mut class) = (Vec::new(), self.class.clone());
        while !wanted(&class) {
            let (field, _) = self.names().field(&class, AROUND)?;
            class.clone_from(&field.ty);
            path.push(field);
        }
        Some((path, class))
    }

    fn place_of(&self, name: &str) -> Option<Place> {
        if let Some((_, ty, reg)) = self.locals.iter().rev().find(|it| it.0 == name) {
            return Some(Place::Local(ty.clone(), *reg));
        }
        let field_in = |class: &str| {
            let captured = self.names().field(class, &format!("val${name}"));
            captured.or_else(|| self.names().field(class, name))
        };
        let (path, class) = self.way_to(|it| field_in(it).is_some())?;
        let (field, is_static) = field_in(&class)?;
        Some(Place::Field(path, field, is_static))
    }

    /// The object at the end of a path of fields.
    fn walk(&mut self, path: &[FieldRef]) -> Reg {
        let mut base = Reg::Arg(0);
        for field in path {
            let reg = self.alloc(OBJECT);
            self.out.refer(0x54, Form::F22c, &[reg, base], Ref::Field(field.clone()));
            base = reg;
        }
        base
    }

    /// The object of a field, none of a static one, and the field.
    pub fn place(&mut self, expr: &Expr) -> (Option<Reg>, FieldRef) {
        match expr {
            Expr::Name(name) => match self.place_of(name) {
                Some(Place::Field(_, field, true)) => (None, field),
                Some(Place::Field(path, field, false)) => (Some(self.walk(&path)), field),
                _ => panic!("no \"{name}\" here"),
            },
            Expr::Field(base, name) => {
                if let Some(class) = self.class_named(base) {
                    let (field, _) = self.names().field(&class, name).unwrap_or_else(|| panic!("no {class}.{name}"));
                    return (None, field);
                }
                let (reg, class) = self.eval(base);
                let (field, _) = self.names().field(&class, name).unwrap_or_else(|| panic!("no {class}.{name}"));
                (Some(reg), field)
            }
            other => panic!("no place: {other:?}"),
        }
    }

    /// The class that an expression names.
    fn class_named(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) if name != "this" && self.place_of(name).is_none() => self.names().find(name),
            _ => None,
        }
    }

    pub fn type_of(&self, expr: &Expr) -> String {
        let text = |it: &str| it.to_owned();
        match expr {
            Expr::Null => text(NULL),
            Expr::Bool(_) | Expr::Not(_) | Expr::InstanceOf(..) => text("Z"),
            Expr::Int(_) => text("I"),
            Expr::Long(_) => text("J"),
            Expr::Text(_) => text(TEXT),
            Expr::Class(_) => self.names().descriptor("Class"),
            Expr::Name(name) => match self.place_of(name) {
                Some(Place::Local(ty, _)) => ty,
                Some(Place::Field(_, field, _)) => field.ty,
                None => panic!("no \"{name}\" here"),
            },
            Expr::Field(around, name) if name == "this" => match &**around {
                Expr::Name(ty) => self.names().descriptor(ty),
                _ => panic!("no class before \"this\""),
            },
            Expr::Field(base, name) => {
                let class = self.class_named(base).unwrap_or_else(|| self.type_of(base));
                if name == "length" && class.starts_with('[') {
                    return text("I");
                }
                self.names().field(&class, name).unwrap_or_else(|| panic!("no {class}.{name}")).0.ty
            }
            Expr::Index(array, _) => self.type_of(array)[1..].to_owned(),
            Expr::Call(receiver, name, args) => match self.callee(receiver.as_deref(), name, args) {
                Callee::Method(method, ..) => method.reference.proto.returns,
                Callee::Source => text(TEXT),
                Callee::Sink => text("V"),
                Callee::Maybe => text("Z"),
            },
            Expr::New(ty, ..) | Expr::NewArray(ty, _) | Expr::ArrayOf(ty, _) | Expr::Cast(ty, _) => {
                self.names().descriptor(ty)
            }
            Expr::Binary("==" | "!=" | "<" | ">" | "<=" | ">=" | "&&" | "||", ..) => text("Z"),
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.type_of(left), self.type_of(right));
                if *operator == "+" && [&left, &right].iter().any(|it| is_reference(it)) {
                    return text(TEXT);
                }
                let wider = ["D", "F", "J"].into_iter().find(|it| *it == left || *it == right);
                if operator.len() != 1 { promoted(&left) } else { text(wider.unwrap_or("I")) }
            }
        }
    }

    fn callee(&self, receiver: Option<&Expr>, name: &str, args: &[Expr]) -> Callee {
        let types: Vec<String> = args.iter().map(|it| self.type_of(it)).collect();
        let find = |class: &str| self.names().method(class, name, &types);
        let fail = |class: &str| -> ! { panic!("no method {class}->{name}({})", types.concat()) };
        match receiver {
            None => {
                let Some((path, class)) = self.way_to(|it| find(it).is_some()) else {
                    return match name {
                        _ if name.starts_with("source") => Callee::Source,
                        _ if name.starts_with("sink") => Callee::Sink,
                        "maybe" => Callee::Maybe,
                        _ => fail(&self.class),
                    };
                };
                let method = find(&class).expect("it was just found");
                let receiver = if method.is_static { Receiver::None } else { Receiver::Around(path) };
                Callee::Method(method, class, receiver)
            }
            Some(Expr::Name(word)) if word == "super" => {
                let above = self.names().class(&self.class).and_then(|it| it.superclass.clone()).unwrap_or_default();
                Callee::Method(find(&above).unwrap_or_else(|| fail(&above)), above, Receiver::Super)
            }
            Some(receiver) => {
                if let Some(class) = self.class_named(receiver) {
                    return Callee::Method(find(&class).unwrap_or_else(|| fail(&class)), class, Receiver::None);
                }
                let class = self.type_of(receiver);
                let method = find(&class).unwrap_or_else(|| fail(&class));
                Callee::Method(method, class, Receiver::Value(receiver.clone()))
            }
        }
    }

    fn call(&mut self, expr: &Expr, to: Option<Reg>) -> (Reg, String) {
        let Expr::Call(receiver, name, args) = expr else { panic!("no call") };
        let taken = self.taken();
        let string = |it: &str| it.to_owned();
        let (method, of, receiver) = match self.callee(receiver.as_deref(), name, args) {
            Callee::Method(method, of, receiver) => (method, of, receiver),
            Callee::Source => {
                self.out.mark(name);
                self.static_call("Build", "getSerial", &[], &[]);
                return self.result(TEXT, to);
            }
            Callee::Sink => {
                let tag = self.eval(&Expr::Text(string("tag"))).0;
                let (mut value, ty) = self.eval(&args[0]);
                if is_primitive(&ty) {
                    self.static_call("String", "valueOf", &[value], &[ty]);
                    value = self.result(TEXT, None).0;
                }
                self.out.mark(name);
                self.static_call("Log", "i", &[tag, value], &[string(TEXT), string(TEXT)]);
                return (tag, string("V"));
            }
            Callee::Maybe => {
                self.static_call("Debug", "isDebuggerConnected", &[], &[]);
                return self.result("Z", to);
            }
        };
        let proto = &method.reference.proto;
        let of_interface = self.names().class(&of).is_some_and(|it| it.is_interface);
        let class = if of_interface && !method.of_interface { string(OBJECT) } else { of };
        let kind = match receiver {
            Receiver::None => 0x71,
            Receiver::Super => 0x6f,
            _ if method.is_private => 0x70,
            _ if of_interface && method.of_interface => 0x72,
            _ => 0x6e,
        };
        let this = match receiver {
            Receiver::None => None,
            Receiver::Super => Some(Reg::Arg(0)),
            Receiver::Around(path) => Some(self.walk(&path)),
            Receiver::Value(value) => Some(self.eval(&value).0),
        };
        let regs = self.arguments(this, args, &proto.params);
        let reference = MethodRef { class, name: method.reference.name.clone(), proto: proto.clone() };
        self.out.invoke(kind, &regs, Ref::Method(reference));
        self.release(taken);
        if proto.returns == "V" { (Reg::Local(0), string("V")) } else { self.result(&proto.returns, to) }
    }

    /// The registers of a call; of many they stand in a row.
    fn arguments(&mut self, this: Option<Reg>, args: &[Expr], params: &[String]) -> Vec<Reg> {
        let n_regs = params.iter().map(|it| width(it)).sum::<u16>() + u16::from(this.is_some());
        if n_regs <= 5 {
            let mut regs: Vec<Reg> = this.into_iter().collect();
            for (arg, ty) in args.iter().zip(params) {
                let reg = self.eval_of(arg, ty);
                push_wide(&mut regs, reg, ty);
            }
            return regs;
        }
        let mut regs = Vec::new();
        if let Some(this) = this {
            let first = self.alloc(OBJECT);
            self.copy(this, first, OBJECT);
            regs.push(first);
        }
        let places: Vec<Reg> = params.iter().map(|it| self.alloc(it)).collect();
        for ((arg, ty), reg) in args.iter().zip(params).zip(places) {
            let inner = self.taken();
            self.eval_as(arg, ty, reg);
            self.release(inner);
            push_wide(&mut regs, reg, ty);
        }
        regs
    }

    fn result(&mut self, ty: &str, to: Option<Reg>) -> (Reg, String) {
        let reg = self.target(to, ty);
        let op = if is_reference(ty) { 0x0c } else { 0x09 + width(ty) as u8 };
        self.out.plain(op, Form::F11x, &[reg]);
        (reg, ty.to_owned())
    }

    fn static_call(&mut self, class: &str, name: &str, regs: &[Reg], types: &[String]) {
        let class = self.names().descriptor(class);
        let method = self.names().method(&class, name, types).unwrap_or_else(|| panic!("no {class}->{name}"));
        let mut list = Vec::new();
        regs.iter().zip(&method.reference.proto.params).for_each(|(reg, ty)| push_wide(&mut list, *reg, ty));
        self.out.invoke(0x71, &list, Ref::Method(method.reference));
    }

    /// Calls a constructor of exactly this class.
    pub fn construct(&mut self, class: &str, this: Reg, args: &[Expr]) {
        let types: Vec<String> = args.iter().map(|it| self.type_of(it)).collect();
        let known = self.names().method(class, "<init>", &types).map(|it| it.reference);
        let reference = known.unwrap_or_else(|| {
            assert!(args.is_empty(), "no constructor {class}({})", types.concat());
            let proto = Proto { returns: "V".to_owned(), params: Vec::new() };
            MethodRef { class: class.to_owned(), name: "<init>".to_owned(), proto }
        });
        let taken = self.taken();
        let regs = self.arguments(Some(this), args, &reference.proto.params);
        self.out.invoke(0x70, &regs, Ref::Method(reference));
        self.release(taken);
    }

    fn new_object(&mut self, ty: &str, args: &[Expr], body: Option<usize>, to: Option<Reg>) -> (Reg, String) {
        let reg = self.target(to, OBJECT);
        let Some(n) = body else {
            let class = self.names().descriptor(ty);
            self.out.refer(0x22, Form::F21c, &[reg], Ref::Type(class.clone()));
            self.construct(&class, reg, args);
            return (reg, class);
        };
        // What is around: the object, then the locals that it uses.
        let (mut captured, mut names) = (Vec::new(), Vec::new());
        let taken = self.taken();
        for (name, ty, _) in self.locals.clone() {
            let field = if name == "this" { AROUND.to_owned() } else { format!("val${name}") };
            if self.compiler.uses(n, &field) {
                captured.push((field, ty));
                names.push(name);
            }
        }
        let types: Vec<String> = args.iter().map(|it| self.type_of(it)).collect();
        let constructor = self.compiler.anonymous(n, &captured, &types);
        let class = constructor.class.clone();
        self.out.refer(0x22, Form::F21c, &[reg], Ref::Type(class.clone()));
        let values: Vec<Expr> = names.into_iter().map(Expr::Name).chain(args.iter().cloned()).collect();
        let regs = self.arguments(Some(reg), &values, &constructor.proto.params);
        self.out.invoke(0x70, &regs, Ref::Method(constructor));
        self.release(taken);
        (reg, class)
    }

    /// Texts are put together by a builder.
    fn concat(&mut self, expr: &Expr, to: Option<Reg>) -> (Reg, String) {
        let taken = self.taken();
        let mut parts = Vec::new();
        let mut rest = expr;
        while let Expr::Binary("+", left, right) = rest
            && self.type_of(rest) == TEXT
        {
            parts.push(right.as_ref());
            rest = left;
        }
        parts.push(rest);
        let (builder, class) = self.new_object("StringBuilder", &[], None, None);
        for part in parts.into_iter().rev() {
            let inner = self.taken();
            let (value, ty) = self.eval(part);
            let method = self.names().method(&class, "append", &[ty]).expect("everything can be appended").reference;
            let mut regs = vec![builder];
            push_wide(&mut regs, value, &method.proto.params[0].clone());
            self.out.invoke(0x6e, &regs, Ref::Method(method));
            self.release(inner);
        }
        let method = self.names().method(&class, "toString", &[]).expect("a method of every object").reference;
        let method = MethodRef { class, ..method };
        self.out.invoke(0x6e, &[builder], Ref::Method(method));
        self.release(taken);
        self.result(TEXT, to)
    }

    fn arithmetic(&mut self, expr: &Expr, to: Option<Reg>) -> (Reg, String) {
        let Expr::Binary(operator, left, right) = expr else { panic!("no arithmetic") };
        let ty = self.type_of(expr);
        let taken = self.taken();
        let number = OPERATORS.iter().position(|it| it == operator).expect("an operator") as u8;
        let left = self.eval_of(left, &ty);
        if let (Expr::Int(value @ -128..128), "I") = (&**right, ty.as_str()) {
            // Instructions with a small literal know no subtraction.
            let (number, value) = if *operator == "-" { (0, -*value) } else { (number, *value) };
            let op = if number == 0 { 0xd8 } else { 0xd8 + number };
            self.release(taken);
            let reg = self.target(to, "I");
            self.out.literal(op, Form::F22b, &[reg, left], value);
            return (reg, ty);
        }
        let shift = operator.len() != 1;
        let right = if shift { self.eval_of(right, "I") } else { self.eval_of(right, &ty) };
        self.release(taken);
        let reg = self.target(to, &ty);
        let first = match ty.as_str() {
            "J" => 0x9b,
            "F" => 0xa6,
            "D" => 0xab,
            _ => 0x90,
        };
        self.out.plain(first + number, Form::F23x, &[reg, left, right]);
        (reg, ty)
    }

    /// Jumps if the condition is what is wanted, and goes on otherwise.
    pub fn branch(&mut self, condition: &Expr, target: Label, wanted: bool) {
        let taken = self.taken();
        match condition {
            Expr::Not(inner) => self.branch(inner, target, !wanted),
            Expr::Binary(operator @ ("&&" | "||"), left, right) => {
                if (*operator == "&&") == wanted {
                    let end = self.out.label();
                    self.branch(left, end, !wanted);
                    self.branch(right, target, wanted);
                    self.out.put(end);
                } else {
                    self.branch(left, target, wanted);
                    self.branch(right, target, wanted);
                }
            }
            Expr::Binary(operator @ ("==" | "!=" | "<" | ">=" | ">" | "<="), left, right) => {
                let mut number = COMPARISONS.iter().position(|it| it == operator).expect("a comparison") as u8;
                if !wanted {
                    number ^= 1;
                }
                let types = [self.type_of(left), self.type_of(right)];
                let wide = ["D", "F", "J"].into_iter().find(|it| types.iter().any(|ty| ty == it));
                if let Some(ty) = wide {
                    let (left, right) = (self.eval_of(left, ty), self.eval_of(right, ty));
                    let reg = self.alloc("I");
                    let op = match ty {
                        "J" => 0x31,
                        "F" => 0x2d,
                        _ => 0x2f,
                    };
                    self.out.plain(op, Form::F23x, &[reg, left, right]);
                    self.out.jump(0x38 + number, Form::F21t, &[reg], target);
                } else if matches!(**right, Expr::Int(0) | Expr::Null | Expr::Bool(false)) {
                    let left = self.eval(left).0;
                    self.out.jump(0x38 + number, Form::F21t, &[left], target);
                } else {
                    let (left, right) = (self.eval(left).0, self.eval(right).0);
                    self.out.jump(0x32 + number, Form::F22t, &[left, right], target);
                }
            }
            Expr::Bool(value) if *value == wanted => self.goto(target),
            Expr::Bool(_) => {}
            other => {
                let value = self.eval(other).0;
                self.out.jump(if wanted { 0x39 } else { 0x38 }, Form::F21t, &[value], target);
            }
        }
        self.release(taken);
    }
}

fn push_wide(regs: &mut Vec<Reg>, reg: Reg, ty: &str) {
    regs.push(reg);
    if width(ty) == 2 {
        regs.push(match reg {
            Reg::Local(n) => Reg::Local(n + 1),
            Reg::Arg(n) => Reg::Arg(n + 1),
        });
    }
}

fn promoted(ty: &str) -> String {
    if matches!(ty, "J" | "F" | "D") { ty.to_owned() } else { "I".to_owned() }
}

/// The instruction that makes one number of another.
fn conversion(from: &str, to: &str) -> Option<u8> {
    let small = |it: &str| matches!(it, "I" | "B" | "S" | "C" | "Z");
    Some(match (from, to) {
        (from, "J") if small(from) => 0x81,
        (from, "F") if small(from) => 0x82,
        (from, "D") if small(from) => 0x83,
        ("J", "I") => 0x84,
        ("J", "D") => 0x86,
        ("D", "I") => 0x8a,
        ("D", "J") => 0x8b,
        ("I", "B") => 0x8d,
        ("I", "C") => 0x8e,
        ("I", "S") => 0x8f,
        _ => return None,
    })
}

/// In the order of `add-int`, `sub-int`, …
const OPERATORS: &[&str] = &["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>"];

/// In the order of `if-eq`, `if-ne`, …: each beside its opposite.
const COMPARISONS: &[&str] = &["==", "!=", "<", ">=", ">", "<="];

/// The field of an anonymous class that holds the object around it.
const AROUND: &str = "this$0";
