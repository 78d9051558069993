//! The language of the tests: what a program is made of, and how its text is read.
//!
//! It is Java with the long parts left out. There are no generics, lambdas, annotations or modifiers of access (but
//! `private`), no packages (a program's classes have none, those of Android and Java are known by their last name), and
//! no checks: a value of any type may be given where another is wanted, as bytecode permits.

/// A program.
#[derive(Debug, Default)]
pub struct Program {
    pub classes: Vec<Class>,
    /// `layout { click name; password 7; }`
    pub click_handlers: Vec<String>,
    pub password_views: Vec<i64>,
}

/// `class`, `interface`, or a component that the manifest declares: `activity`, `service`, `receiver`, `provider`,
/// `application`, or a `fragment` that a layout names; `platform` is a class of the phone's own libraries.
#[derive(Debug, Default)]
pub struct Class {
    pub kind: String,
    pub name: String,
    pub exported: bool,
    pub is_abstract: bool,
    pub superclass: Option<String>,
    pub interfaces: Vec<String>,
    /// Actions of its filters.
    pub actions: Vec<String>,
    pub fields: Vec<Field>,
    pub methods: Vec<Method>,
    /// Every word of an anonymous class: among them what it uses of the method around it.
    pub words: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub ty: String,
    pub is_static: bool,
    pub init: Option<Expr>,
}

#[derive(Debug, Clone, Default)]
pub struct Method {
    /// `<init>` of a constructor, `<clinit>` of a `static` block.
    pub name: String,
    pub params: Vec<(String, String)>,
    pub returns: String,
    pub is_static: bool,
    pub is_private: bool,
    pub is_native: bool,
    pub body: Option<Vec<Stmt>>,
}

#[derive(Debug, Clone)]
pub enum Stmt {
    Local(String, String, Option<Expr>),
    Assign(Expr, Expr),
    Do(Expr),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    Block(Vec<Stmt>),
    Return(Option<Expr>),
    Throw(Expr),
    Try(Vec<Stmt>, Vec<Catch>, Option<Vec<Stmt>>),
    /// Values of each case; of `default` none.
    Switch(Expr, Vec<(Vec<i32>, Vec<Stmt>)>),
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub struct Catch {
    pub ty: String,
    pub name: String,
    pub body: Vec<Stmt>,
}

#[derive(Debug, Clone)]
pub enum Expr {
    Null,
    Bool(bool),
    Int(i64),
    Long(i64),
    Text(String),
    Name(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// `super` is a receiver by that name.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    /// Class, arguments of the constructor, body of an anonymous class: a number of [`Program`]'s list.
    New(String, Vec<Expr>, Option<usize>),
    NewArray(String, Box<Expr>),
    ArrayOf(String, Vec<Expr>),
    Class(String),
    Cast(String, Box<Expr>),
    InstanceOf(Box<Expr>, String),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Int(i64),
    Long(i64),
    Text(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &[
    ">>>", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "{", "}", "(", ")", "[", "]", ";", ",", ".", "=", "<", ">",
    "+", "-", "*", "/", "%", "&", "|", "^", "!", ":",
];

/// From the loosest to the tightest.
const OPERATORS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", ">", "<=", ">="],
    &["<<", ">>", ">>>"],
    &["+", "-"],
    &["*", "/", "%"],
];

fn tokens_of(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return tokens };
        let word_len =
            |text: &str| text.find(|it: char| !it.is_alphanumeric() && it != '_' && it != '$').unwrap_or(text.len());
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if first.is_ascii_digit() {
            let (number, more) = rest.split_at(word_len(rest));
            let digits = number.trim_end_matches('L');
            let value = match digits.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            let value = value.unwrap_or_else(|_| panic!("no number: {number}"));
            tokens.push(if number.ends_with('L') { Token::Long(value) } else { Token::Int(value) });
            rest = more;
        } else if first.is_alphabetic() || matches!(first, '_' | '$') {
            let (word, more) = rest.split_at(word_len(rest));
            tokens.push(Token::Word(word.to_owned()));
            rest = more;
        } else if first == '"' {
            let len = rest[1..].find('"').expect("a text ends");
            tokens.push(Token::Text(rest[1..=len].to_owned()));
            rest = &rest[len + 2..];
        } else if first == '\'' {
            tokens.push(Token::Int(i64::from(u32::from(rest[1..].chars().next().expect("a letter")))));
            rest = &rest[3..];
        } else {
            let sign = SIGNS.iter().find(|it| rest.starts_with(**it));
            let sign = sign.unwrap_or_else(|| panic!("cannot be read: {rest}"));
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
}

/// Reads a program. Classes stand in it in the order of the text, then anonymous ones.
pub fn parse(text: &str) -> Program {
    let mut parser = Parser { tokens: tokens_of(text), at: 0, anonymous: Vec::new() };
    let mut program = Program::default();
    let mut main = Class { kind: "activity".to_owned(), name: "Main".to_owned(), ..Class::default() };
    while parser.at < parser.tokens.len() {
        if parser.takes_word("layout") {
            parser.sign("{");
            while !parser.takes("}") {
                match parser.word().as_str() {
                    "click" => program.click_handlers.push(parser.word()),
                    "password" => program.password_views.push(parser.int()),
                    other => panic!("no part of a layout: {other}"),
                }
                parser.sign(";");
            }
        } else if parser.begins_class() {
            program.classes.push(parser.class());
        } else {
            parser.top_level(&mut main);
        }
    }
    if !main.methods.is_empty() || !main.fields.is_empty() {
        program.classes.push(main);
    }
    for (n, mut class) in parser.anonymous.into_iter().enumerate() {
        class.name = anonymous_name(n);
        program.classes.push(class);
    }
    program
}

/// Name of the n-th anonymous class.
pub fn anonymous_name(n: usize) -> String {
    format!("Anonymous${}", n + 1)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    anonymous: Vec<Class>,
}

const KINDS: &[&str] =
    &["class", "interface", "activity", "service", "receiver", "provider", "application", "fragment", "platform"];

impl Parser {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.peek(ahead), Some(Token::Sign(it)) if *it == sign)
    }

    fn word_at(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = self.is_sign(0, sign);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.word_at(0) == Some(word);
        self.at += usize::from(found);
        found
    }

    fn fail(&self, wanted: &str) -> ! {
        let near = &self.tokens[self.at.saturating_sub(6)..self.tokens.len().min(self.at + 3)];
        panic!("{wanted} is missing behind {near:?}")
    }

    fn sign(&mut self, sign: &str) {
        if !self.takes(sign) {
            self.fail(sign);
        }
    }

    fn word(&mut self) -> String {
        match self.word_at(0).map(str::to_owned) {
            Some(word) => {
                self.at += 1;
                word
            }
            None => self.fail("a word"),
        }
    }

    fn int(&mut self) -> i64 {
        let sign = if self.takes("-") { -1 } else { 1 };
        match self.peek(0) {
            Some(Token::Int(value)) => {
                let value = *value;
                self.at += 1;
                sign * value
            }
            _ => self.fail("a number"),
        }
    }

    fn text(&mut self) -> String {
        match self.peek(0).cloned() {
            Some(Token::Text(text)) => {
                self.at += 1;
                text
            }
            _ => self.fail("a text"),
        }
    }

    fn ty(&mut self) -> String {
        let mut ty = self.word();
        while self.is_sign(0, "[") && self.is_sign(1, "]") {
            self.at += 2;
            ty.push_str("[]");
        }
        ty
    }

    fn begins_class(&self) -> bool {
        let mut ahead = 0;
        while matches!(self.word_at(ahead), Some("exported" | "abstract")) {
            ahead += 1;
        }
        self.word_at(ahead).is_some_and(|it| KINDS.contains(&it)) && self.word_at(ahead + 1).is_some()
    }

    fn class(&mut self) -> Class {
        let mut class = Class::default();
        loop {
            match self.word().as_str() {
                "exported" => class.exported = true,
                "abstract" => class.is_abstract = true,
                kind => {
                    class.kind = kind.to_owned();
                    break;
                }
            }
        }
        class.name = self.word();
        if self.takes_word("extends") {
            let first = self.word();
            if class.kind == "interface" { class.interfaces.push(first) } else { class.superclass = Some(first) }
        }
        if self.takes_word("implements") {
            class.interfaces.push(self.word());
            while self.takes(",") {
                class.interfaces.push(self.word());
            }
        }
        if self.takes_word("on") {
            class.actions.push(self.text());
            while self.takes(",") {
                class.actions.push(self.text());
            }
        }
        self.members(&mut class);
        class
    }

    fn members(&mut self, class: &mut Class) {
        self.sign("{");
        while !self.takes("}") {
            self.member(class);
        }
    }

    /// Outside a class: `main() { … }` is what the only activity does when it is created; all else is static there.
    fn top_level(&mut self, main: &mut Class) {
        if self.takes_word("main") {
            self.sign("(");
            self.sign(")");
            let params = vec![("Bundle".to_owned(), "saved".to_owned())];
            let body = Some(self.block());
            let (name, returns) = ("onCreate".to_owned(), "void".to_owned());
            main.methods.push(Method { name, params, returns, body, ..Method::default() });
            return;
        }
        let (n_fields, n_methods) = (main.fields.len(), main.methods.len());
        self.member(main);
        main.fields[n_fields..].iter_mut().for_each(|it| it.is_static = true);
        main.methods[n_methods..].iter_mut().for_each(|it| it.is_static = true);
    }

    fn member(&mut self, class: &mut Class) {
        let mut method = Method::default();
        loop {
            match self.word_at(0) {
                Some("static") => method.is_static = true,
                Some("private") => method.is_private = true,
                Some("native") => method.is_native = true,
                Some("abstract") => {}
                _ => break,
            }
            self.at += 1;
        }
        if method.is_static && self.is_sign(0, "{") {
            (method.name, method.returns) = ("<clinit>".to_owned(), "void".to_owned());
            method.body = Some(self.block());
            class.methods.push(method);
            return;
        }
        if self.word_at(0) == Some(&class.name) && self.is_sign(1, "(") {
            self.at += 1;
            (method.name, method.returns) = ("<init>".to_owned(), "void".to_owned());
        } else {
            method.returns = self.ty();
            method.name = self.word();
        }
        if !self.takes("(") {
            let init = if self.takes("=") { Some(self.expr()) } else { None };
            self.sign(";");
            class.fields.push(Field { name: method.name, ty: method.returns, is_static: method.is_static, init });
            return;
        }
        while !self.takes(")") {
            let ty = self.ty();
            // What is only declared may leave names out.
            let name = self.word_at(0).map(str::to_owned);
            self.at += usize::from(name.is_some());
            method.params.push((ty, name.unwrap_or_default()));
            self.takes(",");
        }
        if !self.takes(";") {
            method.body = Some(self.block());
        }
        class.methods.push(method);
    }

    fn block(&mut self) -> Vec<Stmt> {
        self.sign("{");
        let mut stmts = Vec::new();
        while !self.takes("}") {
            stmts.push(self.stmt());
        }
        stmts
    }

    fn stmt(&mut self) -> Stmt {
        if self.is_sign(0, "{") {
            return Stmt::Block(self.block());
        }
        match self.word_at(0) {
            Some("if") => {
                self.at += 1;
                let condition = self.in_brackets();
                let then = Box::new(self.stmt());
                let other = if self.takes_word("else") { Some(Box::new(self.stmt())) } else { None };
                return Stmt::If(condition, then, other);
            }
            Some("while") => {
                self.at += 1;
                let condition = self.in_brackets();
                return Stmt::While(condition, Box::new(self.stmt()));
            }
            Some("return") => {
                self.at += 1;
                let value = if self.is_sign(0, ";") { None } else { Some(self.expr()) };
                self.sign(";");
                return Stmt::Return(value);
            }
            Some("throw") => {
                self.at += 1;
                let value = self.expr();
                self.sign(";");
                return Stmt::Throw(value);
            }
            Some(word @ ("break" | "continue")) => {
                let stmt = if word == "break" { Stmt::Break } else { Stmt::Continue };
                self.at += 1;
                self.sign(";");
                return stmt;
            }
            Some("try") => return self.try_stmt(),
            Some("switch") => return self.switch_stmt(),
            _ => {}
        }
        let before = self.at;
        if self.word_at(0).is_some() {
            let ty = self.ty();
            if let Some(name) = self.word_at(0).map(str::to_owned)
                && name != "instanceof"
                && ty != "new"
            {
                self.at += 1;
                let value = if self.takes("=") { Some(self.expr()) } else { None };
                self.sign(";");
                return Stmt::Local(ty, name, value);
            }
            self.at = before;
        }
        let expr = self.expr();
        let stmt = if self.takes("=") { Stmt::Assign(expr, self.expr()) } else { Stmt::Do(expr) };
        self.sign(";");
        stmt
    }

    fn try_stmt(&mut self) -> Stmt {
        self.at += 1;
        let body = self.block();
        let mut catches = Vec::new();
        while self.takes_word("catch") {
            self.sign("(");
            let (ty, name) = (self.ty(), self.word());
            self.sign(")");
            catches.push(Catch { ty, name, body: self.block() });
        }
        let last = if self.takes_word("finally") { Some(self.block()) } else { None };
        Stmt::Try(body, catches, last)
    }

    fn switch_stmt(&mut self) -> Stmt {
        self.at += 1;
        let value = self.in_brackets();
        self.sign("{");
        let mut cases: Vec<(Vec<i32>, Vec<Stmt>)> = Vec::new();
        while !self.takes("}") {
            let mut values = Vec::new();
            if self.takes_word("default") {
                self.sign(":");
            }
            while self.takes_word("case") {
                values.push(self.int() as i32);
                self.sign(":");
            }
            let mut body = Vec::new();
            while !matches!(self.word_at(0), Some("case" | "default")) && !self.is_sign(0, "}") {
                body.push(self.stmt());
            }
            cases.push((values, body));
        }
        Stmt::Switch(value, cases)
    }

    fn in_brackets(&mut self) -> Expr {
        self.sign("(");
        let expr = self.expr();
        self.sign(")");
        expr
    }

    fn expr(&mut self) -> Expr {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Expr {
        let Some(operators) = OPERATORS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1);
        loop {
            if level == 6 && self.takes_word("instanceof") {
                left = Expr::InstanceOf(Box::new(left), self.ty());
                continue;
            }
            let Some(operator) = operators.iter().find(|it| self.is_sign(0, it)) else { return left };
            self.at += 1;
            let right = self.binary(level + 1);
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Expr {
        if self.takes("!") {
            return Expr::Not(Box::new(self.unary()));
        }
        if self.takes("-") {
            return match self.unary() {
                Expr::Int(value) => Expr::Int(-value),
                Expr::Long(value) => Expr::Long(-value),
                other => Expr::Binary("-", Box::new(Expr::Int(0)), Box::new(other)),
            };
        }
        if self.is_cast() {
            self.at += 1;
            let ty = self.ty();
            self.sign(")");
            return Expr::Cast(ty, Box::new(self.unary()));
        }
        let mut expr = self.primary();
        loop {
            if self.takes(".") {
                let name = self.word();
                expr = match (&expr, name.as_str()) {
                    (Expr::Name(ty), "class") => Expr::Class(ty.clone()),
                    _ if self.is_sign(0, "(") => {
                        let args = self.args();
                        Expr::Call(Some(Box::new(expr)), name, args)
                    }
                    _ => Expr::Field(Box::new(expr), name),
                };
            } else if self.takes("[") {
                let index = self.expr();
                self.sign("]");
                expr = Expr::Index(Box::new(expr), Box::new(index));
            } else {
                return expr;
            }
        }
    }

    /// `(Type) value`, which has no operator behind the bracket.
    fn is_cast(&self) -> bool {
        let mut ahead = 2;
        if !self.is_sign(0, "(") || self.word_at(1).is_none() {
            return false;
        }
        while self.is_sign(ahead, "[") && self.is_sign(ahead + 1, "]") {
            ahead += 2;
        }
        let value = match self.peek(ahead + 1) {
            Some(Token::Sign(sign)) => matches!(*sign, "(" | "!"),
            Some(Token::Word(word)) => word != "instanceof",
            Some(_) => true,
            None => false,
        };
        self.is_sign(ahead, ")") && value
    }

    fn args(&mut self) -> Vec<Expr> {
        self.sign("(");
        let mut args = Vec::new();
        while !self.takes(")") {
            args.push(self.expr());
            self.takes(",");
        }
        args
    }

    fn primary(&mut self) -> Expr {
        if self.is_sign(0, "(") {
            return self.in_brackets();
        }
        let Some(token) = self.peek(0).cloned() else { self.fail("an expression") };
        if let Token::Sign(_) = token {
            self.fail("an expression");
        }
        self.at += 1;
        match token {
            Token::Int(value) => Expr::Int(value),
            Token::Long(value) => Expr::Long(value),
            Token::Text(text) => Expr::Text(text),
            Token::Sign(_) => unreachable!("seen above"),
            Token::Word(word) => match word.as_str() {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                "new" => self.new_expr(),
                _ if self.is_sign(0, "(") => Expr::Call(None, word, self.args()),
                _ => Expr::Name(word),
            },
        }
    }

    fn new_expr(&mut self) -> Expr {
        let ty = self.word();
        if self.is_sign(0, "[") && !self.is_sign(1, "]") {
            self.at += 1;
            let size = self.expr();
            self.sign("]");
            return Expr::NewArray(format!("{ty}[]"), Box::new(size));
        }
        if self.is_sign(0, "[") {
            self.at -= 1;
            let ty = self.ty();
            self.sign("{");
            let mut elements = Vec::new();
            while !self.takes("}") {
                elements.push(self.expr());
                self.takes(",");
            }
            return Expr::ArrayOf(ty, elements);
        }
        let args = self.args();
        if !self.is_sign(0, "{") {
            return Expr::New(ty, args, None);
        }
        let mut class = Class { kind: "class".to_owned(), superclass: Some(ty.clone()), ..Class::default() };
        let before = self.at;
        self.members(&mut class);
        let words = self.tokens[before..self.at].iter().filter_map(|it| match it {
            Token::Word(word) => Some(word.clone()),
            _ => None,
        });
        class.words = words.collect();
        self.anonymous.push(class);
        Expr::New(ty, args, Some(self.anonymous.len() - 1))
    }
}

/// Reads declarations of classes that are not in the program: `package a.b;`, then classes without bodies of methods.
pub fn parse_outside(text: &str) -> Vec<(String, Class)> {
    let mut parser = Parser { tokens: tokens_of(text), at: 0, anonymous: Vec::new() };
    let mut classes = Vec::new();
    let mut package = String::new();
    while parser.at < parser.tokens.len() {
        if parser.takes_word("package") {
            package = parser.word();
            while parser.takes(".") {
                package = format!("{package}.{}", parser.word());
            }
            parser.sign(";");
        } else {
            classes.push((package.clone(), parser.class()));
        }
    }
    classes
}
