//! Which methods of an app its components come to, as far as calls show.
//!
//! More than is really called, by design: an object that is made may be called back in every method, a name of a class in a text
//! may be loaded, every override of a method may be the one that is meant. So what is not come to is code that an app carries along.

use dalvik::{ClassId, Insns, MethodId, Program, RefId, access, op};
use rustc_hash::FxHashSet;

/// The methods that components, and what they call, come to.
pub fn come_to(program: &Program, app: &taint::App) -> FxHashSet<MethodId> {
    let mut walk = Walk {
        program,
        methods: FxHashSet::default(),
        refs: FxHashSet::default(),
        live: FxHashSet::default(),
        queue: Vec::new(),
    };
    let named = app.components.iter().map(|it| it.class.as_str());
    let named = named.chain(app.application.as_deref()).chain(app.fragments.iter().map(String::as_str));
    for class in named {
        walk.whole(class);
    }
    for (n, class) in program.classes.iter().enumerate() {
        // Layouts make views by their names.
        let is_view = class.methods.iter().filter_map(|it| program.method(*it)).any(|it| {
            let proto = program.reference(it.reference).map(|it| program.names.text(it.proto));
            proto.is_some_and(|it| it.starts_with("(Landroid/content/Context;Landroid/util/AttributeSet;"))
        });
        if is_view && let Ok(n) = u32::try_from(n) {
            walk.made(ClassId(n));
        }
    }
    while let Some(method) = walk.queue.pop() {
        walk.body(method);
    }
    walk.methods
}

struct Walk<'a> {
    program: &'a Program,
    methods: FxHashSet<MethodId>,
    refs: FxHashSet<(RefId, bool)>,
    live: FxHashSet<ClassId>,
    queue: Vec<MethodId>,
}

impl Walk<'_> {
    fn method(&mut self, id: MethodId) {
        if self.methods.insert(id) {
            self.queue.push(id);
        }
    }

    /// Everything in a class that the framework or a name in a text may come to.
    fn whole(&mut self, class: &str) {
        let program = self.program;
        let Some(class) = program.names.find(class).and_then(|it| program.class_of(it)) else { return };
        self.made(class);
        for method in program.class(class).map(|it| it.methods.as_slice()).unwrap_or_default() {
            self.method(*method);
        }
    }

    /// A class of which an object is made: whoever it is handed to may call it.
    fn made(&mut self, class: ClassId) {
        let program = self.program;
        if !self.live.insert(class) {
            return;
        }
        for ancestor in program.superclasses(class) {
            let Some(class) = program.class_of(ancestor).and_then(|it| program.class(it)) else { continue };
            for &id in &class.methods {
                if program
                    .method(id)
                    .is_some_and(|it| it.access_flags & access::STATIC == 0 || is_initialiser(program, id))
                {
                    self.method(id);
                }
            }
        }
    }

    /// A class whose static parts are used.
    fn used(&mut self, class: dalvik::Name) {
        let program = self.program;
        let class = program.class_of(class).and_then(|it| program.class(it));
        for &id in class.map(|it| it.methods.as_slice()).unwrap_or_default() {
            if is_initialiser(program, id) {
                self.method(id);
            }
        }
    }

    fn body(&mut self, id: MethodId) {
        let program = self.program;
        let Some((method, code)) = program.method(id).and_then(|it| Some((it, program.code(it)?))) else { return };
        for insn in Insns::new(code.insns) {
            match insn.op {
                op::NEW_INSTANCE | op::CONST_CLASS => {
                    let class = program.type_name(method.dex, insn.idx).and_then(|it| program.class_of(it));
                    if let Some(class) = class {
                        self.made(class);
                    }
                }
                op::CONST_STRING | op::CONST_STRING_JUMBO => {
                    let text = program.text(method.dex, insn.idx).filter(|it| it.contains('.') && it.len() < 256);
                    if let Some(text) = text {
                        self.whole(&format!("L{};", text.replace('.', "/")));
                    }
                }
                it if (op::SGET..=op::SPUT_SHORT).contains(&it) => {
                    if let Some(field) = program.field_ref(method.dex, insn.idx) {
                        self.used(field.class);
                    }
                }
                it if (op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE).contains(&it)
                    || (op::INVOKE_VIRTUAL_RANGE..=op::INVOKE_INTERFACE_RANGE).contains(&it) =>
                {
                    let fixed = matches!(it, op::INVOKE_SUPER..=op::INVOKE_STATIC)
                        || (op::INVOKE_VIRTUAL_RANGE + 1..=op::INVOKE_VIRTUAL_RANGE + 3).contains(&it);
                    if let Some(id) = program.method_ref(method.dex, insn.idx) {
                        self.call(id, fixed);
                    }
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, id: RefId, fixed: bool) {
        let program = self.program;
        if !self.refs.insert((id, fixed)) {
            return;
        }
        let Some(reference) = program.reference(id) else { return };
        let Some(class) = program.class_of(reference.class) else { return };
        self.used(reference.class);
        let mut classes = vec![class];
        if !fixed {
            classes.extend(program.subclasses(class, SUBCLASSES_MAX).0);
        }
        for class in classes {
            if let Some(method) = program.resolve(class, reference.name, reference.proto) {
                self.method(method);
            }
        }
    }
}

fn is_initialiser(program: &Program, id: MethodId) -> bool {
    let reference = program.method(id).and_then(|it| program.reference(it.reference));
    reference.is_some_and(|it| program.names.text(it.name) == "<clinit>")
}

/// Overrides that are looked at of one method; real hierarchies of apps stay under a tenth of it.
const SUBCLASSES_MAX: usize = 16_384;
