//! Opens every file of bytecode below some folders and checks that each instruction of each method decodes and that
//! each index in it resolves: `cargo run --release -p dalvik --example contents -- FOLDER...`. One line a folder, and
//! one for each file in which something does not hold. With `--to FOLDER` before them every dex file is written there as
//! it is read, for other programs to read: of a CompactDex file the rest of its file, in which its data lies.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dalvik::{Dex, Insns, container, op};

#[derive(Default)]
struct Sum {
    files: u64,
    bytes: u64,
    dexes: u64,
    compact: u64,
    elsewhere: u64,
    classes: u64,
    methods: u64,
    bodies: u64,
    insns: u64,
    restored: u64,
    unresolved: u64,
    exact: u64,
    odd: u64,
    faults: u64,
    opening: Duration,
    to: Option<PathBuf>,
}

fn main() {
    let mut folders: Vec<String> = std::env::args().skip(1).collect();
    let to = folders.first().is_some_and(|it| it == "--to").then(|| PathBuf::from(folders.drain(..2).nth(1).unwrap()));
    for folder in folders {
        let (mut files, mut sum) = (Vec::new(), Sum { to: to.clone(), ..Sum::default() });
        list(Path::new(&folder), &mut files);
        files.sort();
        for file in files {
            look(&file, &mut sum);
        }
        println!(
            "{folder}: files {} bytes {} dexes {} (compact {}) elsewhere {} classes {} methods {} bodies {} insns {} \
             restored {} unresolved {} exact {} odd {} faults {} opened in {:.3} s",
            sum.files,
            sum.bytes,
            sum.dexes,
            sum.compact,
            sum.elsewhere,
            sum.classes,
            sum.methods,
            sum.bodies,
            sum.insns,
            sum.restored,
            sum.unresolved,
            sum.exact,
            sum.odd,
            sum.faults,
            sum.opening.as_secs_f64()
        );
    }
}

fn list(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if !entry.file_type().unwrap().is_symlink() {
            list(&entry.path(), files);
        }
    }
}

fn look(file: &Path, sum: &mut Sum) {
    let bytes = std::fs::read(file).unwrap_or_default();
    let known: [&[u8]; 5] = [b"dex\n", b"cdex", b"vdex", b"dey\n", b"\x7fELF"];
    if !known.iter().any(|it| bytes.starts_with(it)) {
        return;
    }
    let is_elf = bytes.starts_with(b"\x7fELF");
    let len = bytes.len() as u64;
    let begin = Instant::now();
    let contents = container::open(bytes);
    sum.opening += begin.elapsed();
    let contents = match contents {
        Ok(contents) => contents,
        // Most ELF files are no OAT.
        Err(_) if is_elf => return,
        Err(fault) => {
            sum.faults += 1;
            println!("{}: {fault}", file.display());
            return;
        }
    };
    sum.files += 1;
    sum.bytes += len;
    sum.elsewhere += u64::from(contents.n_elsewhere);
    for fault in &contents.faults {
        sum.faults += 1;
        println!("{}: {fault}", file.display());
    }
    for contained in &contents.dexes {
        sum.dexes += 1;
        sum.compact += u64::from(contained.dex.is_compact());
        sum.restored += contained.n_restored;
        sum.unresolved += contained.n_unresolved;
        if let Some(to) = &sum.to {
            write(&contained.dex, &to.join(format!("{:05}.dex", sum.dexes)));
        }
        let exact = is_exact(&contained.dex);
        sum.exact += u64::from(exact);
        if !exact && !contained.dex.is_compact() && contained.n_unresolved == 0 {
            println!("{} at {:#x}: not as its checksum says", file.display(), contained.dex.start());
        }
        let odd = check(&contained.dex, sum);
        if odd != 0 {
            println!("{} at {:#x}: {odd} oddities", file.display(), contained.dex.start());
        }
        sum.odd += odd;
    }
}

/// The dex file alone, its length and checksum in its header.
fn write(dex: &Dex, path: &Path) {
    let mut bytes = dex.bytes()[dex.start()..].to_vec();
    if !dex.is_compact() {
        bytes.truncate(usize::try_from(dex.file_size()).unwrap());
    }
    let len = u32::try_from(bytes.len()).unwrap();
    bytes[0x20..0x24].copy_from_slice(&len.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

/// Whether the file is, byte for byte, the one over which a compiler computed the checksum.
fn is_exact(dex: &Dex) -> bool {
    let bytes = &dex.bytes()[dex.start()..];
    let Some(body) = bytes.get(12..usize::try_from(dex.file_size()).unwrap()) else { return false };
    let (mut low, mut high) = (1u64, 0u64);
    for chunk in body.chunks(5552) {
        for &byte in chunk {
            low += u64::from(byte);
            high += low;
        }
        (low, high) = (low % 65521, high % 65521);
    }
    (high << 16 | low).to_le_bytes()[..4] == bytes[8..12]
}

/// How many things do not hold.
fn check(dex: &Dex, sum: &mut Sum) -> u64 {
    let mut odd = 0;
    odd += (0..dex.n_strings()).filter(|&it| dex.string(it).is_none()).count() as u64;
    odd += (0..dex.n_types()).filter(|&it| dex.descriptor(it).is_none()).count() as u64;
    odd +=
        (0..dex.n_protos()).filter(|&it| dex.proto(it).is_none_or(|it| dex.descriptor(it.0).is_none())).count() as u64;
    for class in dex.class_defs() {
        sum.classes += 1;
        let name = dex.descriptor(class.class_idx).unwrap_or_default();
        if !name.starts_with(b"L") || !name.ends_with(b";") {
            odd += 1;
        }
        let members = dex.members(&class);
        odd += u64::from(members.truncated);
        for member in members.direct_methods.iter().chain(&members.virtual_methods) {
            sum.methods += 1;
            if dex.method(member.idx).is_none_or(|it| it.0 != class.class_idx) {
                odd += 1;
            }
            if member.code_off == 0 {
                continue;
            }
            sum.bodies += 1;
            let Some(code) = dex.code(member.code_off) else {
                odd += 1;
                continue;
            };
            odd += u64::from(code.registers_size < code.ins_size);
            odd += u64::from(code.tries().len() != usize::from(code.tries_size));
            let units = u32::try_from(code.insns.len() / 2).unwrap();
            odd += code
                .tries()
                .iter()
                .filter(|it| units < it.end || it.handlers.iter().any(|it| units <= it.addr))
                .count() as u64;
            let mut end = 0;
            for insn in Insns::new(code.insns) {
                sum.insns += 1;
                end = insn.pc + insn.len;
                let bound = match insn.op {
                    op::CONST_STRING | op::CONST_STRING_JUMBO => dex.n_strings(),
                    op::CONST_CLASS
                    | op::CHECK_CAST..=op::INSTANCE_OF
                    | op::NEW_INSTANCE..=op::FILLED_NEW_ARRAY_RANGE => dex.n_types(),
                    op::IGET..=op::SPUT_SHORT => dex.n_fields(),
                    op::INVOKE_VIRTUAL..=op::INVOKE_INTERFACE | 0x74..=0x78 | 0xfa | 0xfb => dex.n_methods(),
                    0x3e..=0x43 | 0x73 | 0x79 | 0x7a | 0xf3..=0xf9 => 0,
                    _ => u32::MAX,
                };
                odd += u64::from(bound <= insn.idx);
            }
            odd += u64::from(end != units);
        }
    }
    odd
}
