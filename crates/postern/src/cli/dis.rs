//! `postern dis`: code as text, and who calls what.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use dalvik::{Annotation, Class, HiddenMembers, Insn, Insns, Method, MethodId, Program, RefId, Value, Visibility, op};
use formats::Resources;
use model::ArtifactId;
use report::escape::visible;
use scan::{Found, Implementations, Want};

use super::{Common, look, ls};

/// Show code as text: of an app, a library, or any file of the runtime (dex, VDEX, ODEX, OAT)
#[derive(Args)]
#[command(after_help = "\
Examples:
  postern dis app.apk                                         everything
  postern dis app.apk com.example.Main                        one class
  postern dis app.apk com.example.Main.onCreate               one method
  postern dis dump/ java.lang.Runtime.exec --callers          who calls it, in every app of a phone
  postern dis services.vdex com.example.Service --callees     what it calls")]
pub struct Dis {
    /// App, library, file of the runtime, package, image, folder
    input: PathBuf,

    /// A class, or a class and a method: `p.Main`, `p.Main.run`, `Lp/Main;->run()V`
    target: Option<String>,

    /// Where the methods are called
    #[arg(long, requires = "target", conflicts_with = "callees")]
    callers: bool,

    /// What the methods call
    #[arg(long)]
    callees: bool,
}

/// What is asked for: a class, and a method of it with or without its proto.
struct Target {
    class: String,
    method: Option<String>,
}

type Out = BufWriter<StdoutLock<'static>>;

impl Dis {
    /// Prints, and says on standard error what could not be looked into.
    pub fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let found = look::open(std::slice::from_ref(&self.input), &Want::All, common)?;
        let units = scan::units(&found.tree, &found.facts);
        let targets = self.target.as_deref().map(targets_of).unwrap_or_default();
        let (mut out, mut all_gaps, mut n_printed) = (BufWriter::new(io::stdout().lock()), Vec::new(), 0u64);
        for unit in units.iter().filter(|it| !it.files.is_empty()) {
            let (dexes, gaps) = scan::open_code(&found.tree, unit);
            all_gaps.extend(gaps);
            let program = Program::new(dexes.into_iter().map(|it| it.0).collect::<Vec<_>>());
            let resources = resources_of(&found, unit.artifact);
            let hidden = (0..program.n_dexes())
                .map(|it| {
                    u32::try_from(it).ok().and_then(|it| program.dex(it)).map(|it| it.hidden_api()).unwrap_or_default()
                })
                .collect();
            let natives = || Implementations::of(&found, unit);
            let mut text = Unit {
                program: &program,
                out: &mut out,
                resources,
                hidden,
                found: &found,
                natives: LazyCell::new(Box::new(natives)),
                title: None,
                n_printed: 0,
            };
            if 1 < units.len() {
                text.title = Some(found.tree.path(unit.artifact));
            }
            match (self.callers, self.callees) {
                (true, _) => text.callers(&targets)?,
                (_, true) => text.callees(&targets)?,
                _ => text.listing(&targets)?,
            }
            n_printed += text.n_printed;
        }
        out.flush()?;
        ls::tell(&found, &[found.gaps.as_slice(), &all_gaps].concat(), common);
        match &self.target {
            Some(target) if n_printed == 0 => anyhow::bail!("nothing found for {target}"),
            _ => Ok(ExitCode::SUCCESS),
        }
    }
}

/// The ways to read a target: `a.b.c` is a class, or the method `c` of the class `a.b`.
fn targets_of(text: &str) -> Vec<Target> {
    let class_of = |text: &str| match text.starts_with('L') && text.ends_with(';') {
        true => text.to_owned(),
        false => format!("L{};", text.replace('.', "/")),
    };
    if let Some((class, method)) = text.split_once("->") {
        return vec![Target { class: class_of(class), method: Some(method.to_owned()) }];
    }
    // The proto of a method may hold dots of its own.
    let name = text.split('(').next().unwrap_or(text);
    let whole = Target { class: class_of(text), method: None };
    let split =
        name.rfind('.').map(|at| Target { class: class_of(&text[..at]), method: Some(text[at + 1..].to_owned()) });
    std::iter::once(whole).chain(split).collect()
}

struct Unit<'a> {
    program: &'a Program,
    out: &'a mut Out,
    /// The app's own.
    resources: Option<Resources>,
    /// By dex file and class definition: what apps may use of it.
    hidden: Vec<Vec<HiddenMembers>>,
    found: &'a Found,
    /// What implements its native methods; its libraries are read when there is one.
    natives: LazyCell<Implementations, Box<dyn FnOnce() -> Implementations + 'a>>,
    /// Printed before the first line.
    title: Option<String>,
    n_printed: u64,
}

impl Unit<'_> {
    fn listing(&mut self, targets: &[Target]) -> io::Result<()> {
        let program = self.program;
        for class in &program.classes {
            let methods: Vec<&Method> = class
                .methods
                .iter()
                .filter_map(|it| program.method(*it))
                .filter(|it| self.is_wanted(it, targets))
                .collect();
            let name = program.names.text(class.name);
            let is_whole = targets.is_empty() || targets.iter().any(|it| it.method.is_none() && it.class == name);
            if methods.is_empty() && !is_whole {
                continue;
            }
            let extras = Extras::of(program, class, &self.hidden);
            self.class(class, &extras)?;
            for method in methods {
                self.method(method, &extras)?;
            }
        }
        Ok(())
    }

    fn class(&mut self, class: &Class, extras: &Extras) -> io::Result<()> {
        let names = &self.program.names;
        let flags = flags_of(class.access_flags, &CLASS_FLAGS);
        self.line(&format!(".class {flags}{}", names.text(class.name)))?;
        if let Some(superclass) = class.superclass {
            self.line(&format!(".super {}", names.text(superclass)))?;
        }
        for interface in &class.interfaces {
            self.line(&format!(".implements {}", names.text(*interface)))?;
        }
        if let Some(source) = &extras.source {
            self.line(&format!(".source {source:?}"))?;
        }
        for annotation in &extras.class {
            self.line(&format!(".annotation {annotation}"))?;
        }
        self.line("")
    }

    fn method(&mut self, method: &Method, extras: &Extras) -> io::Result<()> {
        let program = self.program;
        let title = program.title(method.reference);
        let name = title.split_once("->").map_or(title.as_str(), |it| it.1);
        let hidden = extras.hidden.get(&method.reference).map(|it| format!("{it} ")).unwrap_or_default();
        self.line(&format!(".method {}{hidden}{name}", flags_of(method.access_flags, &METHOD_FLAGS)))?;
        for annotation in extras.methods.get(&method.reference).into_iter().flatten() {
            self.line(&format!("    .annotation {annotation}"))?;
        }
        if method.access_flags & NATIVE != 0 {
            self.native(method)?;
        }
        if let Some(code) = program.code(method) {
            self.line(&format!("    .registers {}", code.registers_size))?;
            let lines = program.dex(method.dex).map(|it| it.lines(code.debug_info_off)).unwrap_or_default();
            let mut lines = lines.iter().peekable();
            let mut room = code.insns.len();
            for insn in Insns::new(code.insns) {
                let resource = self.resource(&insn).map(|it| format!("  # {it}")).unwrap_or_default();
                let text = dalvik::text_of(program, method.dex, &insn);
                while let Some(line) = lines.next_if(|it| it.pc <= insn.pc) {
                    self.line(&format!("    .line {}", line.line))?;
                }
                self.line(&format!("    {:04x}: {text}{resource}", insn.pc))?;
                if matches!(insn.op, op::PACKED_SWITCH | op::SPARSE_SWITCH) {
                    // Tables may lie in each other: all of them have no more targets than there is code.
                    let targets = dalvik::insn::switch_targets(code.insns, insn.pc, insn.target);
                    match room.checked_sub(targets.len()) {
                        Some(left) => room = left,
                        None => {
                            self.line(&format!("          {} targets, left out", targets.len()))?;
                            continue;
                        }
                    }
                    for (key, target) in targets {
                        self.line(&format!("          {key} -> :{target:04x}"))?;
                    }
                }
            }
            for covered in code.tries() {
                for handler in covered.handlers {
                    let kind = match handler.type_idx {
                        Some(idx) => program.type_name(method.dex, idx).map_or("?", |it| program.names.text(it)),
                        None => "all",
                    };
                    let (start, end) = (covered.start, covered.end);
                    self.line(&format!("    .catch {kind} {{:{start:04x} .. :{end:04x}}} :{:04x}", handler.addr))?;
                }
            }
        }
        self.line(".end method")?;
        self.line("")
    }

    /// Where a native method stands in native code, and what it leads to there.
    fn native(&mut self, method: &Method) -> io::Result<()> {
        let Some(named) = self.program.reference(method.reference) else { return Ok(()) };
        let text = |name| self.program.names.text(name);
        let class = text(named.class).trim_start_matches('L').trim_end_matches(';').replace('/', ".");
        let functions = self.natives.find(&class, text(named.name), text(named.proto));
        let lines: Vec<String> = functions
            .into_iter()
            .map(|(library, it)| {
                let reaches =
                    if it.reaches.is_empty() { "nothing that matters".to_owned() } else { it.reaches.join(", ") };
                format!("    # {} at {:#x}, leads to {reaches}", self.found.tree.path(library), it.offset)
            })
            .collect();
        lines.iter().try_for_each(|it| self.line(it))
    }

    /// The resource that a constant names: `string/title "Settings"`.
    fn resource(&self, insn: &Insn) -> Option<String> {
        let resources = self.resources.as_ref()?;
        let id = u32::try_from(insn.lit).ok()?;
        if !matches!(insn.op, op::CONST | op::CONST_HIGH16) || id < APP_RESOURCES {
            return None;
        }
        let name = resources.name(id)?;
        let value = name.starts_with("string/").then(|| resources.text(id)).flatten();
        Some(value.map_or(name.clone(), |it| format!("{name} {it:?}")))
    }

    fn callees(&mut self, targets: &[Target]) -> io::Result<()> {
        let program = self.program;
        for method in &program.methods {
            if self.is_wanted(method, targets) {
                self.calls(method, |_| true)?;
            }
        }
        Ok(())
    }

    /// Calls that name a method asked for, or that run it since no class between defines it.
    fn callers(&mut self, targets: &[Target]) -> io::Result<()> {
        let program = self.program;
        let refs = 0..u32::try_from(program.n_refs()).unwrap_or(u32::MAX);
        let wanted: BTreeSet<RefId> = refs
            .map(RefId)
            .filter(|it| {
                let runs = || self.run_by(*it).and_then(|it| program.method(it));
                self.is_named(*it, targets) || runs().is_some_and(|it| self.is_wanted(it, targets))
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        for method in &program.methods {
            self.calls(method, |reference| wanted.contains(&reference))?;
        }
        Ok(())
    }

    /// The calls of a method that `accepts` takes.
    fn calls(&mut self, method: &Method, accepts: impl Fn(RefId) -> bool) -> io::Result<()> {
        let program = self.program;
        let Some(code) = program.code(method) else { return Ok(()) };
        for insn in Insns::new(code.insns) {
            if !is_call(insn.op) {
                continue;
            }
            let Some(reference) = program.method_ref(method.dex, insn.idx) else { continue };
            if accepts(reference) {
                let (title, text) = (program.title(method.reference), dalvik::text_of(program, method.dex, &insn));
                self.line(&format!("{title} +{:#x}: {text}", insn.pc))?;
            }
        }
        Ok(())
    }

    fn run_by(&self, reference: RefId) -> Option<MethodId> {
        let named = self.program.reference(reference)?;
        self.program.resolve(self.program.class_of(named.class)?, named.name, named.proto)
    }

    fn is_wanted(&self, method: &Method, targets: &[Target]) -> bool {
        targets.is_empty() || self.is_named(method.reference, targets)
    }

    fn is_named(&self, reference: RefId, targets: &[Target]) -> bool {
        let Some(named) = self.program.reference(reference) else { return false };
        let text = |name| self.program.names.text(name);
        let (class, name, proto) = (text(named.class), text(named.name), text(named.proto));
        targets.iter().any(|it| {
            it.class == class
                && it
                    .method
                    .as_deref()
                    .is_none_or(|it| it.strip_prefix(name).is_some_and(|it| it.is_empty() || it == proto))
        })
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        if let Some(title) = self.title.take() {
            writeln!(self.out, "# {}", visible(&title))?;
        }
        self.n_printed += 1;
        writeln!(self.out, "{}", visible(text))
    }
}

/// What a dex file says about a class beside its code.
#[derive(Default)]
struct Extras {
    source: Option<String>,
    class: Vec<String>,
    methods: BTreeMap<RefId, Vec<String>>,
    hidden: BTreeMap<RefId, &'static str>,
}

impl Extras {
    fn of(program: &Program, class: &Class, hidden: &[Vec<HiddenMembers>]) -> Extras {
        let mut extras = Extras::default();
        let (Some(dex), Some(def)) = (program.dex(class.dex), program.def(class)) else { return extras };
        extras.source = program.text(class.dex, def.source_file_idx);
        let told = |all: Vec<Annotation>| -> Vec<String> {
            // What compilers note for the system says nothing that is not seen elsewhere.
            let kept = all.into_iter().filter(|it| it.visibility != Visibility::System);
            kept.map(|it| annotation_text(program, class.dex, it.type_idx, &it.elements)).collect()
        };
        let annotations = dex.annotations(&def);
        extras.class = told(annotations.class);
        for (idx, all) in annotations.methods {
            if let Some(reference) = program.method_ref(class.dex, idx) {
                extras.methods.insert(reference, told(all));
            }
        }
        let place = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
        if let Some(flags) = hidden.get(place(class.dex)).and_then(|it| it.get(place(class.def))) {
            let members = dex.members(&def);
            let methods = members.direct_methods.iter().chain(&members.virtual_methods);
            for (member, flags) in methods.zip(&flags.methods) {
                if let Some(reference) = program.method_ref(class.dex, member.idx) {
                    extras.hidden.insert(reference, flags.name());
                }
            }
        }
        extras
    }
}

fn annotation_text(program: &Program, dex: u32, type_idx: u32, elements: &[(u32, Value)]) -> String {
    let ty = program.type_name(dex, type_idx).map_or("?", |it| program.names.text(it));
    let element = |(name, value): &(u32, Value)| {
        format!("{}={}", program.text(dex, *name).unwrap_or_default(), value_text(program, dex, value))
    };
    format!("@{ty}({})", elements.iter().map(element).collect::<Vec<_>>().join(", "))
}

fn value_text(program: &Program, dex: u32, value: &Value) -> String {
    let ty = |idx: u32| program.type_name(dex, idx).map_or("?", |it| program.names.text(it)).to_owned();
    let field = |idx: u32| {
        let field = program.field_ref(dex, idx);
        field.map_or("?".to_owned(), |it| format!("{}->{}", program.names.text(it.class), program.names.text(it.name)))
    };
    match value {
        Value::Int(it) => it.to_string(),
        Value::Float(it) => it.to_string(),
        Value::Bool(it) => it.to_string(),
        Value::Null => "null".to_owned(),
        Value::String(it) => format!("{:?}", program.text(dex, *it).unwrap_or_default()),
        Value::Type(it) => ty(*it),
        Value::Field(it) | Value::Enum(it) => field(*it),
        Value::Method(it) => program.method_ref(dex, *it).map_or("?".to_owned(), |it| program.title(it)),
        Value::MethodType(it) => format!("proto {it}"),
        Value::MethodHandle(it) => format!("handle {it}"),
        Value::Array(all) => {
            format!("[{}]", all.iter().map(|it| value_text(program, dex, it)).collect::<Vec<_>>().join(", "))
        }
        Value::Annotation(of, elements) => annotation_text(program, dex, *of, elements),
    }
}

/// The compiled resources of an app.
fn resources_of(found: &Found, app: ArtifactId) -> Option<Resources> {
    let table = found.tree.iter().find(|it| it.parent == Some(app) && it.raw_name == b"resources.arsc")?;
    Some(Resources::read(&table.blob))
}

fn is_call(code: u8) -> bool {
    (op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE).contains(&code)
        || (op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE).contains(&code)
        || matches!(code, op::INVOKE_POLYMORPHIC | op::INVOKE_POLYMORPHIC_RANGE)
}

fn flags_of(flags: u32, names: &[(u32, &str)]) -> String {
    names.iter().filter(|it| flags & it.0 != 0).map(|it| format!("{} ", it.1)).collect()
}

/// Resources of the app itself; below lie those of libraries and, at `0x01`, of the framework.
const APP_RESOURCES: u32 = 0x0200_0000;

/// Of a class, in the order of the specification.
const CLASS_FLAGS: [(u32, &str); 7] = [
    (0x1, "public"),
    (0x10, "final"),
    (0x200, "interface"),
    (0x400, "abstract"),
    (0x1000, "synthetic"),
    (0x2000, "annotation"),
    (0x4000, "enum"),
];

/// `ACC_NATIVE`.
const NATIVE: u32 = 0x100;

const METHOD_FLAGS: [(u32, &str); 12] = [
    (0x1, "public"),
    (0x2, "private"),
    (0x4, "protected"),
    (0x8, "static"),
    (0x10, "final"),
    (0x20, "synchronized"),
    (0x40, "bridge"),
    (0x80, "varargs"),
    (0x100, "native"),
    (0x400, "abstract"),
    (0x1000, "synthetic"),
    (0x1_0000, "constructor"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_class_or_a_method_of_one() {
        let read = |text| targets_of(text).into_iter().map(|it| (it.class, it.method)).collect::<Vec<_>>();
        let method = |class: &str, method: &str| (class.to_owned(), Some(method.to_owned()));
        assert_eq!(read("p.A.run"), [("Lp/A/run;".to_owned(), None), method("Lp/A;", "run")]);
        assert_eq!(read("Lp/A;->run()V"), [method("Lp/A;", "run()V")]);
        assert_eq!(read("p.A.run(Lp.B;)V")[1], method("Lp/A;", "run(Lp.B;)V"));
    }
}
