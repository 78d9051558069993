//! SELinux contexts of files, properties, services, apps and keys: `file_contexts` (text and compiled) and its siblings.

use model::fact::context::{ContextKind, ContextRule};
use model::{Artifact, Fault, Reader};

use crate::text::{Line, read_lines, string};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "contexts",
    title: "SELinux contexts",
    spec: "libselinux label_file.c, label_file.h, label_backends_android.c; AOSP system/sepolicy README files",
    kind: Kind::Policy,
    matches: |artifact, head| kind_of(artifact.file_name()).is_some() || head.starts_with(&MAGIC),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    if artifact.blob.read_up_to(0, MAGIC.len() as u64)? == MAGIC {
        return read_compiled(artifact, out);
    }
    let kind = kind_of(artifact.file_name()).unwrap_or(ContextKind::File);
    read_lines(artifact, out, |out, line| {
        let Some(rule) = rule_of(kind, &line) else {
            // A rule for whoever builds the policy; a phone passes over it.
            return kind == ContextKind::Seapp && line.bytes.starts_with(b"neverallow");
        };
        let row = out.row(line.offset, line.size(), rule);
        out.facts.contexts.push(row);
        true
    })
}

/// What a file of this name labels: `file_contexts`, `plat_file_contexts`, `file_contexts.bin`…
fn kind_of(name: &[u8]) -> Option<ContextKind> {
    let name = name.strip_suffix(b".bin").unwrap_or(name).strip_suffix(b"_contexts")?;
    let of = |kind: &[u8]| name.strip_suffix(kind).is_some_and(|it| it.is_empty() || it.ends_with(b"_"));
    KINDS.iter().find(|it| of(it.0)).map(|it| it.1)
}

const KINDS: &[(&[u8], ContextKind)] = &[
    (b"file", ContextKind::File),
    (b"property", ContextKind::Property),
    (b"service", ContextKind::Service),
    (b"hwservice", ContextKind::HwService),
    (b"vndservice", ContextKind::VndService),
    (b"seapp", ContextKind::Seapp),
    (b"keystore2_key", ContextKind::KeystoreKey),
];

fn rule_of(kind: ContextKind, line: &Line) -> Option<ContextRule> {
    let words = line.words();
    let (pattern, context, qualifier) = match (kind, words.as_slice()) {
        (ContextKind::Seapp, words) => return seapp_rule_of(words),
        (ContextKind::File, [pattern, qualifier, context]) => (pattern, context, string(qualifier)),
        (ContextKind::File, [pattern, context]) => (pattern, context, String::new()),
        (ContextKind::File, _) => return None,
        (_, [pattern, context, rest @ ..]) => (pattern, context, string(&rest.join(&b' '))),
        _ => return None,
    };
    Some(ContextRule { kind, pattern: string(pattern), context: string(context), qualifier })
}

/// `key=value` words, of which some choose the app and the others say what it gets.
fn seapp_rule_of(words: &[&[u8]]) -> Option<ContextRule> {
    if !words.iter().all(|it| it.contains(&b'=')) {
        return None;
    }
    let is_output =
        |word: &&&[u8]| word.split(|&byte| byte == b'=').next().is_some_and(|it| SEAPP_OUTPUTS.contains(&it));
    let (outputs, inputs): (Vec<&[u8]>, Vec<&[u8]>) = words.iter().partition(|it| is_output(it));
    let (pattern, context) = (string(&inputs.join(&b' ')), string(&outputs.join(&b' ')));
    Some(ContextRule { kind: ContextKind::Seapp, pattern, context, qualifier: String::new() })
}

const SEAPP_OUTPUTS: &[&[u8]] = &[b"domain", b"type", b"level", b"levelFrom", b"levelFromUid"];

/// The compiled form (`sefcontext_compile`), versions 1 to 5: header, stems, then specs with a compiled expression each.
fn read_compiled(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("compiled file_contexts", COMPILED_MAX)?;
    let mut reader = Reader::new(&bytes);
    reader.expect(&MAGIC, "magic")?;
    let version = reader.u32_le("version")?;
    if !(1..=REGEX_ARCH).contains(&version) {
        return Err(Fault::Unsupported(format!("compiled file_contexts of version {version}")));
    }
    // PCRE up to 8 adds study data to each expression.
    let mut n_regex_parts = 2;
    if PCRE_VERSION <= version {
        let pcre = sized(&mut reader, 0, "regex version")?;
        n_regex_parts = if pcre.starts_with(b"8.") { 2 } else { 1 };
    }
    if REGEX_ARCH <= version {
        sized(&mut reader, 0, "regex arch")?;
    }
    let n_stems = reader.u32_le("number of stems")?;
    for _ in 0..reader.fits(n_stems.into(), 5, "number of stems")? {
        sized(&mut reader, 1, "stem")?;
    }
    let n_specs = reader.u32_le("number of specs")?;
    for _ in 0..reader.fits(n_specs.into(), 24, "number of specs")? {
        read_spec(&mut reader, version, n_regex_parts, out)?;
    }
    Ok(())
}

fn read_spec(reader: &mut Reader, version: u32, n_regex_parts: u32, out: &mut Reading) -> Result<(), Fault> {
    let offset = reader.offset();
    let context = sized(reader, 0, "context")?;
    let pattern = sized(reader, 0, "regex_str")?;
    let mode = reader.u32_le("mode")?;
    reader.skip(8, "stem_id, hasMetaChars")?;
    if PREFIX_LEN <= version {
        reader.skip(4, "prefix_len")?;
    }
    for _ in 0..n_regex_parts {
        sized(reader, 0, "regex")?;
    }
    let text = |bytes: &[u8]| string(bytes.strip_suffix(b"\0").unwrap_or(bytes));
    let qualifier = file_type_of(mode).to_owned();
    let rule = ContextRule { kind: ContextKind::File, pattern: text(pattern), context: text(context), qualifier };
    let row = out.row(offset, reader.offset().saturating_sub(offset), rule);
    out.facts.contexts.push(row);
    Ok(())
}

/// A field behind its length, and `more` bytes that the length leaves out.
fn sized<'a>(reader: &mut Reader<'a>, more: u64, what: &'static str) -> Result<&'a [u8], Fault> {
    let len = u64::from(reader.u32_le(what)?).saturating_add(more);
    let len = reader.fits(len, 1, what)?;
    reader.take(len, what)
}

/// `st_mode` as the text form writes it.
fn file_type_of(mode: u32) -> &'static str {
    match mode & 0o170_000 {
        0o010_000 => "-p",
        0o020_000 => "-c",
        0o040_000 => "-d",
        0o060_000 => "-b",
        0o100_000 => "--",
        0o120_000 => "-l",
        0o140_000 => "-s",
        _ => "",
    }
}

/// `SELINUX_MAGIC_COMPILED_FCONTEXT`, little-endian.
const MAGIC: [u8; 4] = 0xf97c_ff8a_u32.to_le_bytes();

/// `SELINUX_COMPILED_FCONTEXT_PCRE_VERS`.
const PCRE_VERSION: u32 = 2;

/// `SELINUX_COMPILED_FCONTEXT_PREFIX_LEN`.
const PREFIX_LEN: u32 = 4;

/// `SELINUX_COMPILED_FCONTEXT_REGEX_ARCH`.
const REGEX_ARCH: u32 = 5;

/// Shipped ones have some 500 KiB; sixteen times that.
const COMPILED_MAX: u64 = 8 << 20;
