//! Writes an ELF file for arm64 without code: one loaded segment of read-only data.
//!
//! Source: System V ABI, chapter 4 (`Elf64_Ehdr`, `Elf64_Phdr`, `Elf64_Shdr`).

use crate::phone::texts_of;

/// The bytes of a program whose data are these texts.
pub fn write(texts: &[String]) -> Vec<u8> {
    let data = texts_of(texts);
    let names = b"\0.rodata\0.shstrtab\0";
    let names_at = DATA_AT + data.len() as u64;
    let sections_at = (names_at + names.len() as u64).next_multiple_of(8);
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    half(&mut out, &[ET_DYN, EM_AARCH64]);
    word(&mut out, &[1]);
    long(&mut out, &[0, EHDR_SIZE, sections_at]);
    word(&mut out, &[0]);
    half(&mut out, &[64, 56, 1, 64, 3, 2]);
    word(&mut out, &[PT_LOAD, PF_R]);
    long(&mut out, &[0, 0, 0, names_at, names_at, 0x1000]);
    out.extend(&data);
    out.extend(names);
    out.resize(sections_at as usize + 64, 0);
    section(&mut out, 1, SHT_PROGBITS, SHF_ALLOC, DATA_AT, data.len() as u64);
    section(&mut out, 9, SHT_STRTAB, 0, names_at, names.len() as u64);
    out
}

fn section(out: &mut Vec<u8>, name: u32, kind: u32, flags: u64, at: u64, size: u64) {
    word(out, &[name, kind]);
    long(out, &[flags, if flags == 0 { 0 } else { at }, at, size]);
    word(out, &[0, 0]);
    long(out, &[1, 0]);
}

fn half(out: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|it| out.extend(it.to_le_bytes()));
}

fn word(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|it| out.extend(it.to_le_bytes()));
}

fn long(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|it| out.extend(it.to_le_bytes()));
}

const EHDR_SIZE: u64 = 64;
/// Behind the header and one program header.
const DATA_AT: u64 = EHDR_SIZE + 56;
const ET_DYN: u16 = 3;
const EM_AARCH64: u16 = 183;
const PT_LOAD: u32 = 1;
const PF_R: u32 = 4;
const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;
const SHF_ALLOC: u64 = 2;
