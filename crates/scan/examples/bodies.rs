//! How much of the code of a phone is there more than once: `cargo run --release -p scan --example bodies -- PHONE`.
//!
//! Counts code units of methods whose body stands in an earlier app, too; and of those, which call the same as well, down to
//! ten calls deep: only what these do could be taken over from the other app. Virtual calls count with every override that
//! an app has. An upper bound: static fields, what lies deeper, and how an app is entered are not held against each other.

#![allow(missing_docs, clippy::print_stdout)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use dalvik::{Insns, Method, MethodId, Normal, Normaliser, Own, Program, RefId, op};
use model::Store;
use rustc_hash::{FxHashMap, FxHashSet};

const DEPTH: u32 = 10;
const OVERRIDES_MAX: usize = 24;

fn hash_of(it: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// Every method with code: the hash of its body, and how long it is.
fn bodies(program: &Program) -> Vec<Option<(u64, u64)>> {
    let mut normaliser = Normaliser::new(program, &|_| None);
    let mut normal = Normal::default();
    let text = |name| program.names.text(name);
    let mut body = |method: &Method| {
        let code = program.code(method)?;
        normaliser.method(method, &mut normal)?;
        let own: Vec<String> = normal
            .own
            .iter()
            .map(|it| match *it {
                Own::Class(name) => text(name).to_owned(),
                Own::Method(reference) => program.title(reference),
                Own::Field(field) => format!("{}->{}", text(field.class), text(field.name)),
            })
            .collect();
        Some((hash_of((&normal.bytes, own, program.title(method.reference))), code.insns.len() as u64 / 2))
    };
    program.methods.iter().map(&mut body).collect()
}

/// The methods of the program that a method may call.
fn callees(program: &Program, targets: &mut FxHashMap<RefId, Vec<MethodId>>, method: &Method) -> Vec<MethodId> {
    let mut all = Vec::new();
    for insn in program.code(method).iter().flat_map(|it| Insns::new(it.insns)) {
        if !(op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE_RANGE).contains(&insn.op) {
            continue;
        }
        let Some(id) = program.method_ref(method.dex, insn.idx) else { continue };
        let found = targets.entry(id).or_insert_with(|| {
            let Some(reference) = program.reference(id) else { return Vec::new() };
            let Some(class) = program.class_of(reference.class) else { return Vec::new() };
            let below = program.subclasses(class, 512).0;
            let mut found: Vec<MethodId> =
                below.into_iter().filter_map(|it| program.resolve(it, reference.name, reference.proto)).collect();
            found.sort_unstable();
            found.dedup();
            if OVERRIDES_MAX < found.len() { Vec::new() } else { found }
        });
        all.extend(found.iter().copied());
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let store = Store::new(1 << 30, std::env::temp_dir());
    let found = scan::walk(scan::open(&inputs)?, &scan::Want::All, &store, &scan::Silent);
    let (mut bodies_seen, mut deep_seen) = (FxHashSet::<u64>::default(), FxHashSet::<u64>::default());
    let (mut all, mut twice, mut deep_twice, mut n_units) = (0u64, 0u64, 0u64, 0u64);
    for unit in scan::units(&found.tree, &found.facts) {
        let dexes = scan::open_code(&found.tree, &unit).0;
        if dexes.is_empty() {
            continue;
        }
        n_units += 1;
        let program = Program::new(dexes.into_iter().map(|it| it.0));
        let own = bodies(&program);
        let mut targets = FxHashMap::default();
        let calls: Vec<Vec<MethodId>> = program.methods.iter().map(|it| callees(&program, &mut targets, it)).collect();
        let mut deep: Vec<u64> = own.iter().map(|it| it.map_or(0, |it| it.0)).collect();
        for _ in 0..DEPTH {
            let next = |(n, calls): (usize, &Vec<MethodId>)| {
                let mut below: Vec<u64> = calls.iter().map(|it| deep[it.0 as usize]).collect();
                below.sort_unstable();
                hash_of((own[n].map_or(0, |it| it.0), below))
            };
            deep = calls.iter().enumerate().map(next).collect();
        }
        for (body, deep) in own.iter().zip(&deep) {
            let Some((hash, len)) = body else { continue };
            all += len;
            if bodies_seen.contains(hash) {
                twice += len;
                deep_twice += if deep_seen.contains(deep) { *len } else { 0 };
            }
        }
        bodies_seen.extend(own.iter().flatten().map(|it| it.0));
        deep_seen.extend(deep);
    }
    println!(
        "{n_units} apps and libraries, {all} code units, {twice} of them in a body that an earlier one has, {deep_twice} with all that it calls"
    );
    Ok(())
}
