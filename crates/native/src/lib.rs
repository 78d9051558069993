//! ELF code: which functions a file has, what they call with which constants, where what is received goes.
//!
//! Judges nothing. What it says is a pure function of the file's bytes; work is bounded in steps, and what was not
//! understood is counted.

mod body;
mod functions;
mod image;
mod isa;
mod jni;
mod library;
mod lift;
mod offers;
mod run;
mod shape;
mod value;
mod ways;

use std::collections::BTreeSet;

use model::Fault;
use model::fact::native::{Bound, Call, Gate, Host, JniMethod, Native};
use rustc_hash::{FxHashMap, FxHashSet};

use body::{Body, Extent};
use functions::{Function, Functions};
use image::{Image, Slot};
use isa::Isa;
use library::{Act, model as model_of};
use run::{Context, Hop, Seen, Summary, name_of};
use value::{Content, Domain};

pub use shape::{Shape, shapes};

/// What was found, and what was not understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analysis {
    /// The facts.
    pub native: Native,
    /// What was not understood, in words.
    pub gaps: Vec<String>,
}

/// Analyses an ELF file.
///
/// # Errors
/// It is no ELF file, or one of a machine or kind whose code is not understood.
pub fn analyse(bytes: &[u8]) -> Result<Analysis, Fault> {
    let image = Image::of(bytes)?;
    let mut fuel = FUEL_READ;
    let functions = functions::find(&image, &mut fuel);
    let graph = Graph::of(&image, &functions);
    let mut fuel = FUEL_RUN;
    let file = follow(&image, &functions, &graph, &mut fuel);

    let size = |all: &[(u64, u64)]| all.iter().fold(0u64, |sum, it| sum.saturating_add(it.1.saturating_sub(it.0)));
    let extents: Vec<(u64, u64)> = functions.all.iter().map(|it| (it.at, it.end)).collect();
    let code_size = image.code_size;
    let mut native = Native {
        n_functions: functions.all.len() as u64,
        n_understood: functions.all.iter().filter(|it| it.understood).count() as u64,
        n_followed: file.n_followed,
        code_size,
        covered_size: size(&extents).min(code_size),
        cut: functions.cut || file.cut,
        jni: jni::methods(&image),
        ..Native::default()
    };
    let mut gaps = image.gaps.clone();
    if functions.cut {
        gaps.push(format!("more than {FUEL_READ} instructions: what lies behind them was not read"));
    }
    if file.cut {
        gaps.push(format!("following values took more than {FUEL_RUN} steps and was ended"));
    }
    let unknown = native.n_functions.saturating_sub(native.n_understood);
    if !native.is_analysed() {
        gaps.push(format!(
            "{unknown} of {} functions were not understood to their end; {} of {code_size} bytes of code lie in functions",
            native.n_functions, native.covered_size
        ));
    }
    tell(&image, &functions, &graph, file, &mut native, &mut gaps);
    if !reach(&image, &functions, &graph, &mut native.jni) {
        gaps.push("what the functions that Java calls lead to was not followed to its end".to_owned());
    }
    Ok(Analysis { native, gaps })
}

/// What was seen in all functions.
#[derive(Default)]
struct File {
    seen: Vec<Option<Seen>>,
    n_followed: u64,
    cut: bool,
}

/// Who calls whom.
struct Graph {
    /// Functions of this file, by the number of the caller.
    calls: Vec<Vec<usize>>,
    /// Whether a function leads to a sink.
    acts: Vec<bool>,
    /// Functions to follow, those that are called before those that call.
    order: Vec<usize>,
}

impl Graph {
    fn of(image: &Image, functions: &Functions) -> Graph {
        let n = functions.all.len();
        let mut calls: Vec<Vec<usize>> = Vec::with_capacity(n);
        let (mut receives, mut acts, mut matters) = (vec![false; n], vec![false; n], vec![false; n]);
        for (caller, function) in functions.all.iter().enumerate() {
            let mut callees = Vec::new();
            for (_, to) in &function.calls {
                let callee = callee_of(image, functions, *to);
                if let Callee::Function(callee) = callee {
                    callees.push(callee);
                }
                let name = match callee {
                    Callee::Import(n) => image.imports.get(n as usize).map(String::as_str),
                    Callee::Function(n) => functions.all.get(n).and_then(|it| it.name.as_deref()),
                    Callee::Unknown => None,
                };
                let Some(model) = name.and_then(model_of) else { continue };
                let set = |flags: &mut Vec<bool>, on: bool| {
                    if let Some(flag) = flags.get_mut(caller) {
                        *flag |= on;
                    }
                };
                set(&mut receives, matches!(model.act, Act::Receive { .. } | Act::Sent | Act::SentObject | Act::Curl));
                set(&mut acts, matches!(model.act, Act::Sink { .. }));
                set(&mut matters, library::is_listed(model.act) || library::is_followed(model.act));
            }
            callees.sort_unstable();
            callees.dedup();
            calls.push(callees);
        }
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); n];
        for (caller, callees) in calls.iter().enumerate() {
            for callee in callees {
                if let Some(list) = callers.get_mut(*callee) {
                    list.push(caller);
                }
            }
        }
        let mut wanted = matters;
        for (flag, on) in wanted.iter_mut().zip(receives.iter().zip(&acts)) {
            *flag |= *on.0 || *on.1;
        }
        let lead_in = closure(&receives, &callers);
        let acts = closure(&acts, &callers);
        // Where a way in and a way to act meet, and all that lies below it on either.
        let meet: Vec<bool> = lead_in.iter().zip(&acts).map(|(a, b)| *a && *b).collect();
        let below = closure(&meet, &calls);
        for (n, flag) in wanted.iter_mut().enumerate() {
            let on_a_way = lead_in.get(n).copied().unwrap_or(false) || acts.get(n).copied().unwrap_or(false);
            *flag |= on_a_way && below.get(n).copied().unwrap_or(false);
        }
        let order = bottom_up(&calls, &wanted);
        Graph { calls, acts, order }
    }
}

enum Callee {
    Import(u32),
    Function(usize),
    Unknown,
}

fn callee_of(image: &Image, functions: &Functions, to: u64) -> Callee {
    let plain = |at: u64| if image.isa == Isa::A32 { at & !1 } else { at };
    let to = plain(to);
    let slot = functions.thunks.get(&to).or_else(|| image.slots.get(&to).filter(|_| !image.is_code(to)));
    let at = match slot {
        Some(Slot::Import(n)) => return Callee::Import(*n),
        Some(Slot::Address(at)) => plain(*at),
        None => to,
    };
    functions.starting(at).map_or(Callee::Unknown, Callee::Function)
}

/// All from which one of `start` is reached by edges backwards; or forwards, if `edges` are turned round.
fn closure(start: &[bool], edges: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = start.to_vec();
    let mut stack: Vec<usize> = (0..start.len()).filter(|it| start.get(*it) == Some(&true)).collect();
    while let Some(n) = stack.pop() {
        for next in edges.get(n).into_iter().flatten() {
            if let Some(flag) = reached.get_mut(*next).filter(|it| !**it) {
                *flag = true;
                stack.push(*next);
            }
        }
    }
    reached
}

/// Those that are wanted, each behind what it calls; where calls go round, one of them comes first.
fn bottom_up(calls: &[Vec<usize>], wanted: &[bool]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; calls.len()];
    let is_wanted = |n: usize| wanted.get(n).copied().unwrap_or(false);
    for root in (0..calls.len()).filter(|it| is_wanted(*it)) {
        let mut stack = vec![(root, 0usize)];
        while let Some((n, next)) = stack.pop() {
            if next == 0 && seen.get_mut(n).is_none_or(|it| std::mem::replace(it, true)) {
                continue;
            }
            let callees = calls.get(n).map(Vec::as_slice).unwrap_or_default();
            match callees.get(next) {
                Some(callee) => {
                    stack.push((n, next.saturating_add(1)));
                    if is_wanted(*callee) && seen.get(*callee) == Some(&false) {
                        stack.push((*callee, 0));
                    }
                }
                None => order.push(n),
            }
        }
    }
    order
}

/// Runs the functions that matter. Twice, where something from outside comes to lie in the file's own data, or a
/// library calls back.
fn follow(image: &Image, functions: &Functions, graph: &Graph, fuel: &mut u64) -> File {
    let mut body = Body::default();
    let mut globals: Vec<(Content, Vec<Hop>)> = Vec::new();
    let mut callbacks: FxHashSet<u64> = FxHashSet::default();
    let mut file = File::default();
    for _ in 0..PASSES {
        let mut summaries: Vec<Option<Summary>> = vec![None; functions.all.len()];
        let mut seen: Vec<Option<Seen>> = Vec::new();
        seen.resize_with(functions.all.len(), || None);
        let (mut next_globals, mut next_callbacks) = (Vec::new(), FxHashSet::default());
        let called_back = callbacks.iter().filter_map(|it| functions.starting(*it));
        let mut order: Vec<usize> = called_back.filter(|it| !graph.order.contains(it)).collect();
        order.sort_unstable();
        order.extend(&graph.order);
        file.n_followed = 0;
        for number in order {
            let Some(function) = functions.all.get(number) else { continue };
            let extent = if function.sized { Extent::Known(function.end) } else { Extent::Limit(function.end) };
            let mut reading = FUNCTION_MAX;
            body.read(image, function.isa, function.at, extent, &mut reading);
            if reading == 0 {
                file.cut = true;
                continue;
            }
            let context = Context {
                image,
                functions,
                summaries: &summaries,
                acts: &graph.acts,
                globals: &globals,
                callbacks: &callbacks,
            };
            let mut result = run::run(&context, number, function, &body, fuel);
            file.cut |= result.cut;
            file.n_followed = file.n_followed.saturating_add(1);
            next_globals.append(&mut result.globals);
            next_callbacks.extend(result.callbacks.iter().copied());
            if let Some(slot) = summaries.get_mut(number) {
                *slot = Some(result.summary.clone());
            }
            if let Some(slot) = seen.get_mut(number) {
                *slot = Some(result);
            }
        }
        next_globals.truncate(GLOBALS_MAX);
        file.seen = seen;
        let settled = next_globals == globals && next_callbacks == callbacks;
        (globals, callbacks) = (next_globals, next_callbacks);
        if settled || file.cut {
            break;
        }
    }
    file
}

/// Puts together what was seen.
fn tell(image: &Image, functions: &Functions, graph: &Graph, file: File, native: &mut Native, gaps: &mut Vec<String>) {
    let offset = |at: u64| image.offset(at).unwrap_or(at);
    let name = |n: usize| functions.all.get(n).map_or_else(String::new, |it: &Function| name_of(it));
    let all = || file.seen.iter().flatten();
    native.bound = all()
        .flat_map(|it| &it.bound)
        .map(|it| Bound {
            function: name(it.function),
            offset: offset(it.at),
            domain: domain_name(it.domain).to_owned(),
            address: it.address.clone(),
            port: it.port,
        })
        .collect();
    native.bound.sort_by_key(|it| it.offset);
    native.offers = offers::of(image, functions, &file.seen, gaps);
    native.gates = all()
        .flat_map(|it| &it.gates)
        .flat_map(|it| {
            it.calls.iter().map(|to| Gate {
                function: name(it.function),
                offset: offset(it.at),
                name: it.name.to_owned(),
                text: it.text.clone(),
                equal: it.equal,
                leads_to: offset(*to),
            })
        })
        .collect();
    native.gates.sort_by_key(|it| (it.offset, it.leads_to, it.equal));
    native.ways = ways::of(image, functions, &graph.calls, &file.seen, &native.gates);
    native.calls = all()
        .flat_map(|it| &it.sites)
        .map(|it| Call {
            function: name(it.function),
            offset: offset(it.at),
            name: it.name.to_owned(),
            args: it.args.clone(),
        })
        .collect();
    native.calls.sort_by_key(|it| it.offset);
    native.hosts = file
        .seen
        .iter()
        .enumerate()
        .filter_map(|(n, it)| Some((n, it.as_ref()?)))
        .flat_map(|(n, it)| it.hosts.iter().map(move |host| (n, host)))
        .map(|(n, (at, text))| Host { function: name(n), offset: offset(*at), text: text.clone() })
        .collect();
    native.hosts.sort_by(|a, b| (a.offset, &a.text).cmp(&(b.offset, &b.text)));
    for (what, len) in
        [("calls", native.calls.len()), ("comparisons", native.gates.len()), ("hosts", native.hosts.len())]
    {
        if LIST_MAX < len {
            gaps.push(format!("{len} {what} that matter, of which {LIST_MAX} are kept"));
        }
    }
    native.calls.truncate(LIST_MAX);
    native.gates.truncate(LIST_MAX);
    native.hosts.truncate(LIST_MAX);
}

/// What the functions that Java calls lead to by calls; whether all of it was followed.
fn reach(image: &Image, functions: &Functions, graph: &Graph, methods: &mut [JniMethod]) -> bool {
    if methods.is_empty() {
        return true;
    }
    let numbers: FxHashMap<u64, usize> =
        functions.all.iter().enumerate().filter_map(|(n, it)| Some((image.offset(it.at)?, n))).collect();
    let mut left = FUEL_REACH;
    for method in methods {
        let Some(start) = numbers.get(&method.offset) else { continue };
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut seen: FxHashSet<usize> = FxHashSet::from_iter([*start]);
        let mut stack = vec![*start];
        while let Some(n) = stack.pop() {
            let calls = functions.all.get(n).map(|it| it.calls.as_slice()).unwrap_or_default();
            match left.checked_sub(calls.len().saturating_add(1)) {
                Some(rest) => left = rest,
                None => return false,
            }
            for (_, to) in calls {
                if let Callee::Import(import) = callee_of(image, functions, *to)
                    && let Some(model) = image.imports.get(import as usize).and_then(|it| model_of(it))
                    && library::is_listed(model.act)
                {
                    names.insert(model.name);
                }
            }
            stack.extend(graph.calls.get(n).into_iter().flatten().filter(|it| seen.insert(**it)));
        }
        method.reaches = names.into_iter().map(str::to_owned).collect();
    }
    true
}

fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::Internet => "internet",
        Domain::Local => "local",
        Domain::Kernel => "kernel",
        Domain::Unknown => "unknown",
    }
}

/// Instructions that are read of one file: the largest libraries (a browser engine) have 40 million.
const FUEL_READ: u64 = 64 << 20;

/// Instructions that are run of one file, loops and passes included: some seconds.
const FUEL_RUN: u64 = 16 << 20;

/// Instructions of one function.
const FUNCTION_MAX: u64 = 1 << 18;

/// How often the functions of a file are run, if what they share changes.
const PASSES: usize = 3;

/// Data of a file that is filled from outside.
const GLOBALS_MAX: usize = 32;

/// Calls that are looked at for what Java calls, over all functions of a file.
const FUEL_REACH: usize = 4 << 20;

/// What is kept of each list.
const LIST_MAX: usize = 2000;
