//! VDEX files: dex files that were extracted and verified on the device, or at build time. For many pre-installed apps
//! this is the only place that holds their code.

use model::fact::anomaly;
use model::fact::code::{Code, Container};
use model::{Artifact, Blob, Fault, Reader};

use crate::dex::{self, Header};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "vdex",
    title: "VDEX file",
    spec: "AOSP art/runtime/vdex_file.h (Android 8 to 15)",
    kind: Kind::Code,
    matches: |_, head| dex::version_of(head, b"vdex").is_some(),
    read,
};

/// What the header says, brought to one form.
struct Layout {
    n_dex: u64,
    /// Where the dex section starts and how many bytes it has; none where the dex files stayed in the APK.
    dex: Option<(u64, u64)>,
    /// Bytes behind the dex section that its CompactDex files share.
    shared: u64,
    /// Whether instructions were replaced by quicker ones.
    quickened: bool,
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let blob = &artifact.blob;
    let head = blob.read_up_to(0, 64)?;
    let version = dex::version_of(&head, b"vdex").ok_or(Fault::malformed("version", 4))?;
    let layout = layout_of(&version, &head, blob);
    let mut code = Code { container: Container::Vdex, version, n_classes: None, n_methods: None, n_dex: None };
    let mut read = layout.as_ref().map(|_| ()).map_err(Fault::clone);
    if let Ok(layout) = &layout {
        code.n_dex = u32::try_from(layout.n_dex).ok();
        if let Some((start, size)) = layout.dex {
            read = dex_files(blob, layout, start, size, &mut code, out);
        }
    }
    let row = out.row(0, blob.len(), code);
    out.facts.code.push(row);
    read
}

fn layout_of(version: &str, head: &[u8], blob: &Blob) -> Result<Layout, Fault> {
    let mut header = Reader::new(head);
    header.skip(8, "magic")?;
    match version {
        // Android 8: one header, checksums, dex files.
        "003" | "006" | "010" | "011" => {
            let n_dex = u64::from(header.u32_le("number_of_dex_files")?);
            let dex_size = u64::from(header.u32_le("dex_size")?);
            header.skip(4, "verifier_deps_size")?;
            let quickening = header.u32_le("quickening_info_size")?;
            let start = header.offset().saturating_add(n_dex.saturating_mul(4));
            Ok(Layout { n_dex, dex: Some((start, dex_size)), shared: 0, quickened: quickening != 0 })
        }
        // Android 9 to 11: the dex section has a version and a header of its own.
        "019" | "021" => {
            let section = header.take(4, "dex_section_version")?;
            let n_dex = u64::from(header.u32_le("number_of_dex_files")?);
            let fields = if version == "019" { 4 } else { 12 };
            header.skip(fields, "sizes")?;
            let start = header.offset().saturating_add(n_dex.saturating_mul(4));
            if section == b"000\0" {
                return Ok(Layout { n_dex, dex: None, shared: 0, quickened: false });
            }
            let section = blob.read_at(start, 12)?;
            let mut section = Reader::at(&section, start);
            let dex_size = u64::from(section.u32_le("dex_size")?);
            let shared = u64::from(section.u32_le("dex_shared_data_size")?);
            let quickening = section.u32_le("quickening_info_size")?;
            Ok(Layout { n_dex, dex: Some((section.offset(), dex_size)), shared, quickened: quickening != 0 })
        }
        // Android 12 on: sections, of which the first holds checksums and the second dex files.
        "027" => {
            let n_sections = header.u32_le("number_of_sections")?;
            let (mut n_dex, mut dex) = (0, None);
            for _ in 0..n_sections.min(SECTIONS_READ) {
                let kind = header.u32_le("section_kind")?;
                let offset = u64::from(header.u32_le("section_offset")?);
                let size = u64::from(header.u32_le("section_size")?);
                match kind {
                    0 => n_dex = size / 4,
                    1 if size != 0 => dex = Some((offset, size)),
                    _ => {}
                }
            }
            Ok(Layout { n_dex, dex, shared: 0, quickened: false })
        }
        _ => Err(Fault::Unsupported(format!("VDEX version {version}: the code inside is not read yet"))),
    }
}

/// Dex files follow each other, aligned to four bytes; in some versions an offset stands before each.
fn dex_files(
    blob: &Blob,
    layout: &Layout,
    start: u64,
    size: u64,
    code: &mut Code,
    out: &mut Reading,
) -> Result<(), Fault> {
    let end = start.saturating_add(size);
    if blob.len() < end {
        let detail = format!("dex section of {size} bytes at {start:#x} reaches past the end");
        out.anomaly(0, blob.len().min(64), anomaly::Kind::LyingField, detail);
    }
    let end = end.min(blob.len());
    let mut pos = start;
    for n in 0..layout.n_dex {
        if DEX_MAX <= n {
            return Err(Fault::Limit { what: "dex files of a VDEX file", bound: DEX_MAX });
        }
        let aligned = pos.checked_next_multiple_of(4).unwrap_or(u64::MAX);
        let magic_at = |at: u64| blob.read_up_to(at, 4).unwrap_or_default();
        let is_dex = |at: u64| matches!(magic_at(at).as_slice(), b"dex\n" | b"cdex");
        let offset_before = aligned.saturating_add(4);
        let at = if is_dex(aligned) { aligned } else { offset_before };
        if end <= at || !is_dex(at) {
            return Err(Fault::malformed("dex file in the dex section", aligned));
        }
        let compact = magic_at(at) == b"cdex";
        let header = Header::read(blob, at, if compact { b"cdex" } else { b"dex\n" })?;
        let len = u64::from(header.file_size);
        if len < 0x70 || end < at.saturating_add(len) {
            return Err(Fault::malformed("file_size", at.saturating_add(32)));
        }
        code.n_classes = Some(code.n_classes.unwrap_or_default().saturating_add(header.class_defs.0));
        code.n_methods = Some(code.n_methods.unwrap_or_default().saturating_add(header.method_ids.0));
        let number = if n == 0 { String::new() } else { n.saturating_add(1).to_string() };
        let suffix = match (compact, layout.quickened) {
            (true, _) => "cdex",
            (false, true) => "quick.dex",
            (false, false) => "dex",
        };
        out.child(format!("classes{number}.{suffix}"), blob.slice(at, len)?);
        pos = at.saturating_add(len);
    }
    if layout.shared != 0 {
        out.child(&b"(shared data)"[..], blob.clamp(end, layout.shared));
    }
    Ok(())
}

/// Android defines three kinds of section, and one is newer; the rest of a lying count is not looked at.
const SECTIONS_READ: u32 = 4;

/// Real files hold a few dozen dex files.
const DEX_MAX: u64 = 4096;
