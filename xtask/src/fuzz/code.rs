//! Bytecode: files of every kind, and what is done with those that may be broken. The target in `fuzz/` does the same.

#![allow(dead_code, reason = "the target makes no samples")]

use std::thread;

use dalvik::insn::{array_data, switch_targets};
use dalvik::{ClassId, Dex, Insns, Normal, Normaliser, Program, container, op};
use knowledge::Knowledge;
use taint::{App, Component};

/// Opens a file of code, reads all of it, and follows values through it as far as little fuel leads.
pub fn touch(bytes: &[u8]) {
    let Ok(contents) = container::open(bytes) else { return };
    let dexes: Vec<Dex> = contents.dexes.into_iter().map(|it| it.dex).collect();
    // Files that lie in each other are each as long as the whole.
    let mut left = 4 * bytes.len() + 10_000;
    for dex in &dexes {
        read(dex, &mut left);
    }
    let work = || {
        let mut program = Program::new(dexes);
        for n in 0..program.classes.len().min(1000) {
            let class = ClassId(u32::try_from(n).unwrap_or(u32::MAX));
            program.superclasses(class);
            program.all_interfaces(class);
            program.subclasses(class, 100);
        }
        for method in program.methods.iter().take(1000) {
            let Some(code) = program.code(method) else { continue };
            for insn in Insns::new(code.insns).take(100) {
                dalvik::text_of(&program, method.dex, &insn);
            }
        }
        let mut normaliser = Normaliser::new(&program, &|_| None);
        let mut normal = Normal::default();
        for class in &program.classes {
            normaliser.class(class, &mut normal);
        }
        for method in &program.methods {
            normaliser.method(method, &mut normal);
        }
        // Whatever could be a screen is one.
        let screen = |class: &dalvik::Class| Component {
            kind: "activity",
            class: program.names.text(class.name).to_owned(),
            exported: true,
            actions: Vec::new(),
        };
        let app = App { components: program.classes.iter().take(20).map(screen).collect(), ..App::default() };
        taint::analyse(&mut program, &Knowledge::bundled().models, &app, FUEL);
    };
    // Frames of the analysis lie on the stack of a thread of its own, as in a scan.
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).expect("a thread");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Everything that code can ask of a dex file.
fn read(dex: &Dex, left: &mut usize) {
    for idx in 0..dex.n_strings().min(1000) {
        dex.string(idx);
    }
    for idx in 0..dex.n_protos().min(1000) {
        dex.proto(idx);
    }
    for class in dex.class_defs() {
        dex.type_list(class.interfaces_off);
        let members = dex.members(&class);
        for member in members.direct_methods.iter().chain(&members.virtual_methods) {
            let Some(code) = dex.code(member.code_off) else { continue };
            let Some(rest) = left.checked_sub(code.insns.len() + 100) else { return };
            *left = rest;
            for range in code.tries() {
                assert!(range.start <= range.end);
            }
            let mut end = 0;
            for insn in Insns::new(code.insns) {
                assert!(end == insn.pc && insn.len != 0, "instructions follow each other");
                end = insn.pc + insn.len;
                match insn.op {
                    op::PACKED_SWITCH | op::SPARSE_SWITCH => {
                        let n_targets = switch_targets(code.insns, insn.pc, insn.target).len();
                        *left = left.saturating_sub(n_targets);
                    }
                    op::FILL_ARRAY_DATA => drop(array_data(code.insns, insn.target)),
                    _ => {}
                }
            }
        }
    }
}

/// A thousandth of what a scan gives an app.
const FUEL: u64 = 32_000;

/// Room for the deepest chain of calls that is followed.
const STACK: usize = 256 << 20;
