//! Writes dex files for tests from the specification: ids in the order of their first use, which only readers mind that
//! search the tables.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

use std::collections::HashMap;

/// A dex file that is being written.
#[derive(Default)]
pub struct Writer {
    strings: Vec<String>,
    string_ids: HashMap<String, u32>,
    types: Vec<u32>,
    type_ids: HashMap<String, u32>,
    protos: Vec<(u32, Vec<u32>)>,
    methods: Vec<(u32, u32, u32)>,
    method_ids: HashMap<String, u32>,
    classes: Vec<Class>,
    bodies: Vec<Body>,
}

struct Class {
    ty: u32,
    superclass: u32,
    direct: Vec<Member>,
    others: Vec<Member>,
}

/// Method, `access_flags`, body.
type Member = (u32, u32, Option<usize>);

/// What a method does.
#[derive(Default)]
pub struct Body {
    pub registers: u16,
    pub ins: u16,
    pub insns: Vec<u16>,
    /// Covered ranges: first code unit, how many. They share one list of handlers.
    pub tries: Vec<(u32, u16)>,
    /// Code units of the handlers of that list, each of another type.
    pub handlers: Vec<u32>,
}

pub const PUBLIC: u32 = 1;
pub const STATIC: u32 = 8;

impl Writer {
    pub fn string(&mut self, text: &str) -> u32 {
        if let Some(&idx) = self.string_ids.get(text) {
            return idx;
        }
        let idx = self.strings.len() as u32;
        self.strings.push(text.to_owned());
        self.string_ids.insert(text.to_owned(), idx);
        idx
    }

    pub fn ty(&mut self, descriptor: &str) -> u32 {
        if let Some(&idx) = self.type_ids.get(descriptor) {
            return idx;
        }
        let (idx, string) = (self.types.len() as u32, self.string(descriptor));
        self.types.push(string);
        self.type_ids.insert(descriptor.to_owned(), idx);
        idx
    }

    /// A method by class, name, parameters and return type.
    pub fn method(&mut self, class: &str, name: &str, params: &[&str], returns: &str) -> u32 {
        let key = format!("{class}->{name}({}){returns}", params.concat());
        if let Some(&idx) = self.method_ids.get(&key) {
            return idx;
        }
        let proto = (self.ty(returns), params.iter().map(|it| self.ty(it)).collect::<Vec<u32>>());
        let proto_idx = self.protos.iter().position(|it| *it == proto).unwrap_or_else(|| {
            self.protos.push(proto);
            self.protos.len() - 1
        });
        let method = (self.ty(class), proto_idx as u32, self.string(name));
        self.methods.push(method);
        let idx = self.methods.len() as u32 - 1;
        self.method_ids.insert(key, idx);
        idx
    }

    pub fn body(&mut self, body: Body) -> Option<usize> {
        self.bodies.push(body);
        Some(self.bodies.len() - 1)
    }

    /// Defines a class.
    pub fn class(&mut self, name: &str, superclass: &str, mut methods: Vec<Member>) {
        methods.sort_by_key(|it| it.0);
        let (direct, others) = methods.into_iter().partition(|it| it.1 & STATIC != 0);
        let class = Class { ty: self.ty(name), superclass: self.ty(superclass), direct, others };
        self.classes.push(class);
    }

    /// The bytes, version 035.
    pub fn write(self) -> Vec<u8> {
        let sizes = [(self.strings.len(), 4), (self.types.len(), 4), (self.protos.len(), 12), (0, 8)];
        let sizes = [&sizes[..], &[(self.methods.len(), 8), (self.classes.len(), 32)]].concat();
        let mut out = vec![0u8; 0x70 + sizes.iter().map(|it| it.0 * it.1).sum::<usize>()];
        let data_off = out.len();
        let string_offs: Vec<usize> = self
            .strings
            .iter()
            .map(|text| {
                let off = out.len();
                leb(&mut out, text.len() as u32);
                out.extend(text.as_bytes());
                out.push(0);
                off
            })
            .collect();
        let list_offs: Vec<usize> = self
            .protos
            .iter()
            .map(|(_, params)| {
                if params.is_empty() {
                    return 0;
                }
                out.resize(out.len().next_multiple_of(4), 0);
                let off = out.len();
                out.extend((params.len() as u32).to_le_bytes());
                out.extend(params.iter().flat_map(|it| (*it as u16).to_le_bytes()));
                off
            })
            .collect();
        let code_offs: Vec<usize> = self.bodies.iter().map(|it| write_body(it, &mut out)).collect();
        let class_offs: Vec<usize> = self
            .classes
            .iter()
            .map(|class| {
                let off = out.len();
                for n in [0, 0, class.direct.len(), class.others.len()] {
                    leb(&mut out, n as u32);
                }
                for list in [&class.direct, &class.others] {
                    let mut last = 0;
                    for (idx, flags, body) in list {
                        leb(&mut out, idx - last);
                        leb(&mut out, *flags);
                        leb(&mut out, body.map_or(0, |it| code_offs[it] as u32));
                        last = *idx;
                    }
                }
                off
            })
            .collect();
        let mut head = b"dex\n035\0".to_vec();
        head.resize(0x20, 0);
        words(&mut head, &[out.len(), 0x70, 0x1234_5678, 0, 0, 0]);
        let mut off = 0x70;
        for (n, width) in &sizes {
            words(&mut head, &[*n, if *n == 0 { 0 } else { off }]);
            off += n * width;
        }
        words(&mut head, &[out.len() - data_off, data_off]);
        words(&mut head, &string_offs);
        head.extend(self.types.iter().flat_map(|it| it.to_le_bytes()));
        for ((returns, _), list) in self.protos.iter().zip(&list_offs) {
            words(&mut head, &[0, *returns as usize, *list]);
        }
        for (class, proto, name) in &self.methods {
            head.extend((*class as u16).to_le_bytes());
            head.extend((*proto as u16).to_le_bytes());
            head.extend(name.to_le_bytes());
        }
        for (class, off) in self.classes.iter().zip(&class_offs) {
            let fields = [class.ty, PUBLIC, class.superclass, 0, u32::MAX, 0, *off as u32, 0];
            head.extend(fields.iter().flat_map(|it| it.to_le_bytes()));
        }
        out[..head.len()].copy_from_slice(&head);
        seal(&mut out);
        out
    }
}

fn write_body(body: &Body, out: &mut Vec<u8>) -> usize {
    out.resize(out.len().next_multiple_of(4), 0);
    let off = out.len();
    for value in [body.registers, body.ins, 0, body.tries.len() as u16] {
        out.extend(value.to_le_bytes());
    }
    words(out, &[0, body.insns.len()]);
    out.extend(body.insns.iter().flat_map(|it| it.to_le_bytes()));
    if !body.tries.is_empty() {
        out.resize(out.len().next_multiple_of(4), 0);
        for (start, count) in &body.tries {
            out.extend(start.to_le_bytes());
            out.extend(count.to_le_bytes());
            // Behind the number of lists.
            out.extend(1u16.to_le_bytes());
        }
        leb(out, 1);
        let n = body.handlers.len() as i32;
        // SLEB128 of two bytes.
        out.extend([n as u8 & 0x7f | 0x80, (n >> 7) as u8 & 0x7f]);
        for (ty, addr) in body.handlers.iter().enumerate() {
            leb(out, ty as u32);
            leb(out, *addr);
        }
    }
    off
}

/// Adler-32 over all that follows it (RFC 1950 section 8).
pub fn seal(dex: &mut [u8]) {
    let (mut low, mut high) = (1u32, 0u32);
    for &byte in &dex[12..] {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    dex[8..12].copy_from_slice(&(high << 16 | low).to_le_bytes());
}

/// Dex files in a VDEX file of version 027 (Android 12 to 15).
pub fn vdex(dexes: &[Vec<u8>]) -> Vec<u8> {
    let mut section = Vec::new();
    for dex in dexes {
        section.resize(section.len().next_multiple_of(4), 0);
        section.extend(dex);
    }
    let mut out = b"vdex027\0".to_vec();
    let checksums = 12 + 2 * 12;
    let start = checksums + dexes.len() * 4;
    words(&mut out, &[2, 0, checksums, dexes.len() * 4, 1, start, section.len()]);
    out.resize(start, 0);
    out.extend(section);
    out
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while 0x7f < value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn words(out: &mut Vec<u8>, words: &[usize]) {
    out.extend(words.iter().flat_map(|it| (*it as u32).to_le_bytes()));
}
