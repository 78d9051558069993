//! Packs a dex file as the tools of Android do: quickened, compact, in VDEX, OAT, ODEX and containers.

use std::sync::Arc;

use dalvik::{Dex, Insns, op};

/// What quickening took away from a body.
pub struct Body {
    pub method_idx: u32,
    pub code_off: u32,
    /// Code unit and index; of a cast register and type, of a `nop` that was none [`NO_CAST`].
    pub entries: Vec<(u32, u16)>,
}

pub const NO_CAST: u16 = 0xffff;

/// The dex file as ART leaves it, and what it puts into the table.
pub fn quicken(dex: &[u8]) -> (Vec<u8>, Vec<Body>) {
    rewrite(dex, |insn, units, entries| {
        let quick = match insn.op {
            op::RETURN_VOID => 0x73,
            0x52 => 0xe3,
            0x53 => 0xe4,
            0x54 => 0xe5,
            0x59 => 0xe6,
            0x5a => 0xe7,
            0x5b => 0xe8,
            0x5c..=0x5f => insn.op - 0x5c + 0xeb,
            0x55..=0x58 => insn.op - 0x55 + 0xef,
            op::INVOKE_VIRTUAL => 0xe9,
            op::INVOKE_VIRTUAL_RANGE => 0xea,
            op::CHECK_CAST => {
                entries.push((insn.pc, insn.a));
                entries.push((insn.pc, u16::try_from(insn.idx).unwrap()));
                units[..4].fill(0);
                return;
            }
            0 => {
                entries.push((insn.pc, NO_CAST));
                return;
            }
            _ => return,
        };
        units[0] = quick;
        if quick != 0x73 {
            entries.push((insn.pc, u16::try_from(insn.idx).unwrap()));
            units[2..4].copy_from_slice(&24u16.to_le_bytes());
        }
    })
}

/// The dex file as Dalvik leaves it: names survive in volatile accesses and in calls that it runs itself.
pub fn optimise(dex: &[u8]) -> Vec<u8> {
    let parsed = Dex::parse(dex.into()).unwrap();
    let is = |idx: u32, name: &[u8]| parsed.method(idx).and_then(|it| parsed.string(it.2)) == Some(name);
    rewrite(dex, |insn, units, _| {
        let (code, idx) = match insn.op {
            op::RETURN_VOID => (0xf1, None),
            0x52 => (0xe3, None),
            0x59 => (0xe4, None),
            0x60 => (0xe5, None),
            0x67 => (0xe6, None),
            0x54 => (0xf4, Some(24)),
            op::INVOKE_VIRTUAL if is(insn.idx, b"length") => (0xee, Some(6)),
            op::INVOKE_STATIC if is(insn.idx, b"max") => (0xee, Some(12)),
            op::INVOKE_VIRTUAL => (0xf8, Some(24u16)),
            _ => return,
        };
        units[0] = code;
        if let Some(idx) = idx {
            units[2..4].copy_from_slice(&idx.to_le_bytes());
        }
    })
    .0
}

fn rewrite(dex: &[u8], mut each: impl FnMut(&dalvik::Insn, &mut [u8], &mut Vec<(u32, u16)>)) -> (Vec<u8>, Vec<Body>) {
    let (mut bytes, mut bodies) = (dex.to_vec(), Vec::new());
    let dex = Dex::parse(dex.into()).unwrap();
    for class in dex.class_defs() {
        let members = dex.members(&class);
        for member in members.direct_methods.iter().chain(&members.virtual_methods) {
            let Some(code) = dex.code(member.code_off) else { continue };
            let mut entries = Vec::new();
            for insn in Insns::new(code.insns) {
                let at = code.insns_off + insn.pc as usize * 2;
                each(&insn, &mut bytes[at..], &mut entries);
            }
            bodies.push(Body { method_idx: member.idx, code_off: member.code_off, entries });
        }
    }
    (bytes, bodies)
}

/// VDEX 006 (Android 8.0) and 010 (8.1) of one dex file twice.
pub fn vdex_8(dex: &[u8], version: &[u8; 4]) -> Vec<u8> {
    let (quick_dex, bodies) = quicken(dex);
    let deps = [7; 6];
    let mut quick = Vec::new();
    if version == b"006\0" {
        for body in bodies.iter().chain(&bodies) {
            let mut pairs = Vec::new();
            for (pc, idx) in body.entries.iter().filter(|it| it.1 != NO_CAST) {
                leb(&mut pairs, *pc);
                leb(&mut pairs, (*idx).into());
            }
            words(&mut quick, &[len(&pairs)]);
            quick.extend(pairs);
        }
    } else {
        let mut pairs = Vec::new();
        for body in bodies.iter().filter(|it| !it.entries.is_empty()) {
            words(&mut pairs, &[body.code_off, len(&quick)]);
            words(&mut quick, &[len(&body.entries) * 2]);
            quick.extend(body.entries.iter().flat_map(|it| it.1.to_le_bytes()));
        }
        let starts = [len(&quick), len(&quick) + len(&pairs)];
        quick.extend([pairs.as_slice(), &pairs].concat());
        words(&mut quick, &starts);
    }
    let mut out = [b"vdex".as_slice(), version].concat();
    words(&mut out, &[2, len(&quick_dex) * 2, len(&deps), len(&quick), 0, 0]);
    [out.as_slice(), &quick_dex, &quick_dex, &deps, &quick].concat()
}

/// VDEX 019 (Android 9) and 021 (10 and 11) of one dex file twice, standard or compact.
pub fn vdex_9(dex: &[u8], version: &[u8; 4], compact: bool) -> Vec<u8> {
    let (quick_dex, bodies) = quicken(dex);
    let n_methods = Dex::parse(dex.into()).unwrap().n_methods() as usize;
    let mut quick = vec![0xee; 40];
    let mut offsets = vec![0; n_methods];
    // Backwards, so that offsets fall.
    for body in bodies.iter().rev().filter(|it| !it.entries.is_empty()) {
        offsets[body.method_idx as usize] = len(&quick) + 1;
        leb(&mut quick, len(&body.entries));
        quick.extend(body.entries.iter().flat_map(|it| it.1.to_le_bytes()));
    }
    quick.resize(quick.len().next_multiple_of(4), 0);
    let table = len(&quick);
    quick.extend(compact_offsets(&offsets));

    let (mut main, data) = if compact { compacted(&quick_dex) } else { (quick_dex, Vec::new()) };
    main.resize(main.len().next_multiple_of(4), 0);
    let deps = [7; 6];
    let mut out = [b"vdex".as_slice(), version, b"002\0"].concat();
    words(&mut out, &[2, len(&deps)]);
    if version == b"021\0" {
        words(&mut out, &[0, 0]);
    }
    words(&mut out, &[0, 0, (len(&main) + 4) * 2, len(&data), len(&quick)]);
    let shared = out.len() + (main.len() + 4) * 2;
    for _ in 0..2 {
        words(&mut out, &[table]);
        let start = out.len();
        out.extend(&main);
        if compact {
            set(&mut out, start + 0x6c, (shared - start) as u32);
        }
    }
    [out.as_slice(), &data, &deps, &quick].concat()
}

/// VDEX 027 (Android 12 on): never quickened.
pub fn vdex_12(dex: &[u8]) -> Vec<u8> {
    let mut out = b"vdex027\0".to_vec();
    words(&mut out, &[4, 0, 60, 4, 1, 64, len(dex), 2, 0, 0, 3, 0, 0, 0]);
    [out.as_slice(), dex].concat()
}

/// A compact dex file: header and tables, and the data that its `data_off` (left 0) has to point to.
fn compacted(dex: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let parsed = Dex::parse(dex.into()).unwrap();
    let tables_end = get(dex, 0x64) as usize + get(dex, 0x60) as usize * 32;
    let more = 24;
    let mut main = [&dex[..0x70], &[0; 24], &dex[0x70..tables_end]].concat();
    main[..8].copy_from_slice(b"cdex001\0");
    let size = len(&main);
    set(&mut main, 0x20, size);
    for at in [0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64] {
        let off = get(dex, at) + more;
        set(&mut main, at, off);
    }
    let mut data = dex.to_vec();
    for (n, class) in parsed.class_defs().enumerate() {
        let members = parsed.members(&class);
        let mut item = Vec::new();
        let lists =
            [&members.static_fields, &members.instance_fields, &members.direct_methods, &members.virtual_methods];
        lists.iter().for_each(|it| leb(&mut item, len(it)));
        for (kind, list) in lists.iter().enumerate() {
            let mut last = 0;
            for member in *list {
                leb(&mut item, member.idx - last);
                leb(&mut item, member.access_flags);
                last = member.idx;
                if 2 <= kind {
                    let off = if member.code_off == 0 { 0 } else { compact_code(dex, member.code_off, &mut data) };
                    leb(&mut item, off);
                }
            }
        }
        let at = main.len() - parsed.class_defs().count() * 32 + n * 32 + 24;
        set(&mut main, at, if class.class_data_off == 0 { 0 } else { len(&data) });
        data.extend(item);
    }
    data.resize(data.len().next_multiple_of(4), 0);
    (main, data)
}

/// Appends a code item in the compact form, with sizes in front where they do not fit, and every second time where
/// they do.
fn compact_code(dex: &[u8], off: u32, data: &mut Vec<u8>) -> u32 {
    let item = &dex[off as usize..];
    let half = |at: usize| u16::from_le_bytes([item[at], item[at + 1]]);
    let (registers, ins, outs, tries) = (half(0) - half(2), half(2), half(4), half(6));
    let insns_size = get(item, 12);
    let in_front = (data.len() / 2).is_multiple_of(2) || 2048 <= insns_size;
    data.resize(data.len().next_multiple_of(4), 0);
    let mut front: Vec<u16> = Vec::new();
    let mut flags = (insns_size as u16 & 0x7ff) << 5;
    let mut fields = 0;
    if in_front {
        // A length of which nothing stands in the item.
        flags = 0x10;
        front.extend([insns_size as u16, (insns_size >> 16) as u16]);
    }
    for (n, size) in [registers, ins, outs, tries].into_iter().enumerate() {
        let inside = if in_front { 0 } else { size & 0xf };
        fields |= inside << (12 - 4 * n);
        if size != inside {
            flags |= 1 << n;
            front.push(size - inside);
        }
    }
    front.iter().rev().for_each(|it| data.extend(it.to_le_bytes()));
    let at = len(data);
    data.extend([fields.to_le_bytes(), flags.to_le_bytes()].concat());
    data.extend(&item[16..16 + insns_size as usize * 2]);
    if tries != 0 {
        data.resize(data.len().next_multiple_of(4), 0);
        let from = (16 + insns_size as usize * 2).next_multiple_of(4);
        // More than the handlers, which say themselves where they end.
        data.extend(&item[from..(from + 64).min(item.len())]);
    }
    at
}

fn compact_offsets(offsets: &[u32]) -> Vec<u8> {
    let least = offsets.iter().copied().filter(|&it| it != 0).min().unwrap_or(0);
    let (mut blocks, mut starts) = (Vec::new(), Vec::new());
    for block in offsets.chunks(16) {
        starts.push(len(&blocks));
        let mask = block.iter().enumerate().fold(0u16, |mask, (n, &it)| mask | u16::from(it != 0) << n);
        blocks.extend(mask.to_be_bytes());
        let mut last = least;
        for &offset in block.iter().filter(|&&it| it != 0) {
            leb(&mut blocks, offset.wrapping_sub(last));
            last = offset;
        }
    }
    blocks.resize(blocks.len().next_multiple_of(4), 0);
    let mut out = Vec::new();
    words(&mut out, &[least, len(&blocks)]);
    out.extend(blocks);
    words(&mut out, &starts);
    out
}

/// OAT in ELF of two dex files (Android 5.1, 6, 7), or (8 on) of none.
pub fn oat(dex: &[u8], version: &[u8; 4]) -> Vec<u8> {
    let dex = quicken(dex).0;
    let header = if version == b"045\0" { 84 } else { 72 };
    let key_values = b"key\0value\0..";
    let n_classes = get(&dex, 0x60) as usize;
    let behind = if version <= b"064\0" { n_classes * 4 } else { 8 };
    let location = b"/system/app/Quick.apk";
    let entry = 4 + location.len() + 8 + behind;
    let first = (header + key_values.len() + entry * 2).next_multiple_of(4);
    let mut data = vec![0; header];
    data[..8].copy_from_slice(&[b"oat\n".as_slice(), version].concat());
    set(&mut data, 20, 2);
    set(&mut data, header - 4, len(key_values));
    data.extend(key_values);
    for n in 0..2 {
        words(&mut data, &[len(location)]);
        data.extend(location);
        words(&mut data, &[0, (first + n * dex.len()) as u32]);
        data.extend(vec![0; behind]);
    }
    data.resize(first, 0);
    let mut out = b"\x7fELF".to_vec();
    out.resize(0x1000, 0);
    [out, data, dex.clone(), dex].concat()
}

/// ODEX of Dalvik.
pub fn dey(dex: &[u8]) -> Vec<u8> {
    let dex = optimise(dex);
    let mut out = b"dey\n036\0".to_vec();
    words(&mut out, &[40, len(&dex), 0, 0, 0, 0, 0, 0]);
    [out, dex].concat()
}

/// A container of version 041 with the dex file in two headers. The first stands where that of the dex file stood,
/// the strings that it covers at the end.
pub fn container(dex: &[u8]) -> Vec<u8> {
    let n_strings = get(dex, 0x38) as usize;
    let strings = dex[0x70..0x70 + n_strings * 4].to_vec();
    let mut out = dex.to_vec();
    let second = out.len() as u32;
    let mut header = dex[..0x70].to_vec();
    header[4..8].copy_from_slice(b"041\0");
    set(&mut header, 0x24, 0x78);
    set(&mut header, 0x3c, second + 0x78);
    let size = second + 0x78 + len(&strings);
    words(&mut header, &[size, 0]);
    set(&mut header, 0x20, second);
    out[..0x78].copy_from_slice(&header);
    set(&mut header, 0x20, size - second);
    set(&mut header, 0x74, second);
    [out, header, strings].concat()
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while 0x80 <= value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|it| it.to_le_bytes()));
}

fn get(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn len<T>(list: &[T]) -> u32 {
    list.len() as u32
}

/// Every form, by name.
pub fn forms(dex: &[u8]) -> Vec<(&'static str, Arc<[u8]>)> {
    vec![
        ("dex", dex.into()),
        ("container 041", container(dex).into()),
        ("vdex 006", vdex_8(dex, b"006\0").into()),
        ("vdex 010", vdex_8(dex, b"010\0").into()),
        ("vdex 019", vdex_9(dex, b"019\0", false).into()),
        ("vdex 019 compact", vdex_9(dex, b"019\0", true).into()),
        ("vdex 021", vdex_9(dex, b"021\0", false).into()),
        ("vdex 021 compact", vdex_9(dex, b"021\0", true).into()),
        ("vdex 027", vdex_12(dex).into()),
        ("oat 045", oat(dex, b"045\0").into()),
        ("oat 064", oat(dex, b"064\0").into()),
        ("oat 088", oat(dex, b"088\0").into()),
        ("odex 036", dey(dex).into()),
    ]
}
