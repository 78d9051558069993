//! Methods of a program that hand what they are given to a call that matters, so that who calls them names the thing: a method
//! that sets any property, a class that watches any file. A call by reflection counts as the call itself.
//!
//! Invariant: a parameter counts up to where its register is written; behind a place where ways join, where it is never written.

use dalvik::{CodeItem, Insn, Insns, Method, MethodId, Program, RefId, access, op};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{APUT_OBJECT, is_call, java_name, joins_of};

/// A method that hands on what it is given.
#[derive(Debug, Clone)]
pub struct Helper {
    /// What is done at its end (`set-property`).
    pub what: &'static str,
    /// What names the thing.
    pub name: Arg,
    /// What it is set to; for what is watched nothing.
    pub value: Arg,
    /// The class of the object that watches.
    pub class: Option<String>,
}

/// An argument of a call, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// The word of the arguments of the method around it, `this` included.
    Word(u16),
    /// A constant.
    Text(String),
    /// Something else.
    Other,
}

/// What is known of all calls that matter.
#[derive(Default)]
pub struct Helpers {
    /// By the reference to them.
    pub by_ref: FxHashMap<RefId, Helper>,
    /// Methods that call what matters, or a helper.
    pub callers: FxHashSet<usize>,
    /// Calls by reflection whose name is known: the method, where in it, and the arguments.
    pub reflected: FxHashMap<usize, Vec<(u32, Helper)>>,
    /// Whether there were more than are known.
    pub cut: bool,
}

impl Helpers {
    /// Those of a program, and who calls what is wanted.
    pub fn of(program: &Program, wanted: &FxHashMap<RefId, &'static str>) -> Helpers {
        let mut found = Helpers::default();
        let invoke = invoke_of(program);
        let mut seen: FxHashSet<MethodId> = FxHashSet::default();
        let mut new: FxHashSet<RefId> = wanted.keys().copied().chain(invoke).collect();
        for _ in 0..ROUNDS {
            if new.is_empty() {
                break;
            }
            let mut helpers: Vec<(MethodId, Helper)> = Vec::new();
            for (n, method) in program.methods.iter().enumerate() {
                let Some(code) = program.code(method) else { continue };
                let is_new = |it: &Insn| {
                    is_call(it.op) && program.method_ref(method.dex, it.idx).is_some_and(|it| new.contains(&it))
                };
                if !Insns::new(code.insns).any(|it| is_new(&it)) {
                    continue;
                }
                found.callers.insert(n);
                let look = Look { program, method, wanted, helpers: &found.by_ref, invoke };
                let (handed, reflected) = look.at(&code);
                if !reflected.is_empty() {
                    found.reflected.insert(n, reflected);
                }
                let Some(id) = u32::try_from(n).ok().map(MethodId) else { continue };
                let Some(helper) = handed.filter(|_| !seen.contains(&id)) else { continue };
                if HELPERS_MAX <= seen.len() {
                    found.cut = true;
                    continue;
                }
                seen.insert(id);
                helpers.push((id, helper));
            }
            new.clear();
            for (id, helper) in helpers {
                let Some(own) = program.method(id).map(|it| it.reference) else { continue };
                new.insert(own);
                found.by_ref.insert(own, helper);
            }
        }
        found
    }
}

/// The call by which a method is called whose name is a text.
fn invoke_of(program: &Program) -> Option<RefId> {
    let find = |text: &str| program.names.find(text);
    program.find_ref(
        find("Ljava/lang/reflect/Method;")?,
        find("invoke")?,
        find("(Ljava/lang/Object;[Ljava/lang/Object;)Ljava/lang/Object;")?,
    )
}

/// A method that is gone through.
struct Look<'a> {
    program: &'a Program,
    method: &'a Method,
    wanted: &'a FxHashMap<RefId, &'static str>,
    helpers: &'a FxHashMap<RefId, Helper>,
    invoke: Option<RefId>,
}

impl Look<'_> {
    /// The first call that is given what the method is given; and calls by reflection.
    fn at(&self, code: &CodeItem) -> (Option<Helper>, Vec<(u32, Helper)>) {
        let first = code.registers_size.saturating_sub(code.ins_size);
        let written: FxHashSet<u16> = Insns::new(code.insns).filter_map(|it| it.writes()).collect();
        let sets_by_name = self.names_properties(code);
        let joins = joins_of(code);
        let words = (0..code.ins_size).map(|it| (first.saturating_add(it), Arg::Word(it)));
        let lasting: Vec<(u16, Arg)> = words.clone().filter(|it| !written.contains(&it.0)).collect();
        let mut known: FxHashMap<u16, Arg> = words.collect();
        let mut numbers: FxHashMap<u16, usize> = FxHashMap::default();
        let mut arrays: FxHashMap<u16, Vec<Arg>> = FxHashMap::default();
        let (mut handed, mut reflected) = (None, Vec::new());
        // What the last instruction made for the next one to take.
        let mut made: Option<Vec<Arg>> = None;
        for insn in Insns::new(code.insns) {
            if joins.contains(&insn.pc) {
                known.clear();
                known.extend(lasting.iter().cloned());
                numbers.clear();
                arrays.clear();
            }
            let arg = |known: &FxHashMap<u16, Arg>, register: Option<u16>| -> Arg {
                register.and_then(|it| known.get(&it).cloned()).unwrap_or(Arg::Other)
            };
            if is_call(insn.op) {
                made = None;
                let id = self.program.method_ref(self.method.dex, insn.idx);
                let at = |n: u16| arg(&known, insn.args.reg(n.into()));
                let by_name = id.is_some() && self.invoke == id && sets_by_name;
                if let Some(array) = insn.args.reg(2).and_then(|it| arrays.get(&it)).filter(|_| by_name)
                    && let [name, value] = array.as_slice()
                {
                    let helper = Helper { what: SET, name: name.clone(), value: value.clone(), class: None };
                    match name {
                        Arg::Word(_) => handed = handed.or(Some(helper)),
                        Arg::Text(_) => reflected.push((insn.pc, helper)),
                        Arg::Other => {}
                    }
                } else if let Some(helper) = id.and_then(|it| self.handed(it, at))
                    && matches!(helper.name, Arg::Word(_))
                {
                    handed = handed.or(Some(helper));
                }
                continue;
            }
            if matches!(insn.op, op::FILLED_NEW_ARRAY | op::FILLED_NEW_ARRAY_RANGE) {
                made = Some((0..insn.args.len().min(ARRAY_MAX)).map(|it| arg(&known, insn.args.reg(it))).collect());
                continue;
            }
            if insn.op == APUT_OBJECT {
                let value = arg(&known, Some(insn.a));
                if let Some(slot) = numbers.get(&insn.c).and_then(|n| arrays.get_mut(&insn.b)?.get_mut(*n)) {
                    *slot = value;
                }
                continue;
            }
            let Some(register) = insn.writes() else { continue };
            let value = match insn.op {
                op::CONST_STRING | op::CONST_STRING_JUMBO => {
                    self.program.text(self.method.dex, insn.idx).map(Arg::Text)
                }
                op::MOVE..=op::MOVE_OBJECT_16 => Some(arg(&known, Some(insn.b))),
                _ => None,
            };
            let array = match insn.op {
                op::NEW_ARRAY => numbers.get(&insn.b).filter(|it| **it <= ARRAY_MAX).map(|n| vec![Arg::Other; *n]),
                op::MOVE..=op::MOVE_OBJECT_16 => arrays.get(&insn.b).cloned(),
                op::MOVE_RESULT_OBJECT => made.take(),
                _ => None,
            };
            let is_number = (op::CONST_4..=op::CONST_HIGH16).contains(&insn.op);
            let number = usize::try_from(insn.lit).ok().filter(|_| is_number);
            set(&mut known, register, value);
            set(&mut arrays, register, array);
            set(&mut numbers, register, number);
        }
        (handed, reflected)
    }

    /// What a call hands on.
    fn handed(&self, id: RefId, at: impl Fn(u16) -> Arg) -> Option<Helper> {
        if let Some(helper) = self.helpers.get(&id) {
            let through = |it: &Arg| match it {
                Arg::Word(n) => at(*n),
                other => other.clone(),
            };
            return Some(Helper { name: through(&helper.name), value: through(&helper.value), ..helper.clone() });
        }
        let what = *self.wanted.get(&id)?;
        let own = || self.program.class(self.method.class).map(|it| java_name(self.program.names.text(it.name)));
        match what {
            SET => Some(Helper { what, name: at(0), value: at(1), class: None }),
            WATCH if self.method.access_flags & access::STATIC == 0 => {
                Some(Helper { what, name: at(1), value: Arg::Other, class: own() })
            }
            _ => None,
        }
    }

    /// Whether a method names the class of properties and the method that sets one.
    fn names_properties(&self, code: &CodeItem) -> bool {
        let texts = Insns::new(code.insns)
            .filter(|it| matches!(it.op, op::CONST_STRING | op::CONST_STRING_JUMBO))
            .filter_map(|it| self.program.text(self.method.dex, it.idx));
        let (mut class, mut method) = (false, false);
        for text in texts {
            class |= text == "android.os.SystemProperties";
            method |= text == "set";
        }
        class && method
    }
}

fn set<T>(map: &mut FxHashMap<u16, T>, register: u16, value: Option<T>) {
    match value {
        Some(value) => _ = map.insert(register, value),
        None => _ = map.remove(&register),
    }
}

/// A property is set.
pub const SET: &str = "set-property";
/// A file is watched.
pub const WATCH: &str = "watch-file";

/// A helper calls a helper, and that one another; more are not followed.
const ROUNDS: usize = 4;

/// The framework has some twenty.
const HELPERS_MAX: usize = 1024;

/// Arguments of a call by reflection.
const ARRAY_MAX: usize = 16;
