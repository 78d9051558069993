//! Boot images (boot, recovery, init_boot), header versions 0 to 4.

use memchr::memmem;
use model::fact::boot::Boot;
use model::{Artifact, Blob, Fault, Reader};

use crate::{Format, Kind, Reading, dtb};

/// The format.
pub static FORMAT: Format = Format {
    id: "boot-image",
    title: "Android boot image",
    spec: "https://source.android.com/docs/core/architecture/bootloader/boot-image-header",
    kind: Kind::Wrapper,
    matches: |_, bytes| bytes.starts_with(b"ANDROID!"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_up_to(0, HEADER_MAX)?;
    let header_version = Reader::new(bytes.get(40..).unwrap_or_default()).u32_le("header_version")?;
    if matches!(header_version, 3 | 4) { read_v3(artifact, &bytes, out) } else { read_v0(artifact, &bytes, out) }
}

/// `boot_img_hdr_v0` to `v2`.
fn read_v0(artifact: &Artifact, bytes: &[u8], out: &mut Reading) -> Result<(), Fault> {
    let mut header = Reader::new(bytes);
    header.skip(8, "magic")?;
    let kernel_size = header.u32_le("kernel_size")?;
    header.skip(4, "kernel_addr")?;
    let ramdisk_size = header.u32_le("ramdisk_size")?;
    header.skip(4, "ramdisk_addr")?;
    let second_size = header.u32_le("second_size")?;
    header.skip(8, "second_addr")?;
    let page_size = header.u32_le("page_size")?;
    // Before version 1, Qualcomm kept the size of a table of device trees here.
    let (header_version, dt_size) = match header.u32_le("header_version")? {
        version @ 0..=2 => (version, 0),
        dt_size => (0, dt_size),
    };
    let (os_version, patch_level) = versions_of(header.u32_le("os_version")?);
    let board = text(header.padded(16, "name")?);
    let cmdline = header.padded(512, "cmdline")?;
    header.skip(32, "id")?;
    let cmdline = text(&[cmdline, header.padded(1024, "extra_cmdline")?].concat());
    let (mut recovery_dtbo_size, mut dtb_size) = (0, 0);
    if 1 <= header_version {
        recovery_dtbo_size = header.u32_le("recovery_dtbo_size")?;
        header.skip(12, "recovery_dtbo_offset")?;
    }
    if 2 <= header_version {
        dtb_size = header.u32_le("dtb_size")?;
    }
    let boot = Boot {
        header_version,
        os_version,
        patch_level,
        cmdline,
        board,
        kernel_size: kernel_size.into(),
        ramdisk_size: ramdisk_size.into(),
        ..Boot::default()
    };
    let row = out.row(0, u64::try_from(header.position()).unwrap_or(0), boot);
    out.facts.boots.push(row);
    let mut sections = Sections::new(&artifact.blob, page_size, 36)?;
    sections.pass(1);
    for (name, size) in [
        ("kernel", kernel_size),
        ("ramdisk", ramdisk_size),
        ("second", second_size),
        ("recovery_dtbo", recovery_dtbo_size),
        ("dtb", dtb_size),
        ("dt", dt_size),
    ] {
        sections.child(name, size, out);
    }
    Ok(())
}

/// `boot_img_hdr_v3` and `v4`.
fn read_v3(artifact: &Artifact, bytes: &[u8], out: &mut Reading) -> Result<(), Fault> {
    let mut header = Reader::new(bytes);
    header.skip(8, "magic")?;
    let kernel_size = header.u32_le("kernel_size")?;
    let ramdisk_size = header.u32_le("ramdisk_size")?;
    let (os_version, patch_level) = versions_of(header.u32_le("os_version")?);
    header.skip(20, "header_size")?;
    let header_version = header.u32_le("header_version")?;
    let cmdline = text(header.padded(1536, "cmdline")?);
    let signature_size = if header_version == 4 { header.u32_le("signature_size")? } else { 0 };
    let boot = Boot {
        header_version,
        os_version,
        patch_level,
        cmdline,
        kernel_size: kernel_size.into(),
        ramdisk_size: ramdisk_size.into(),
        ..Boot::default()
    };
    let row = out.row(0, u64::try_from(header.position()).unwrap_or(0), boot);
    out.facts.boots.push(row);
    let mut sections = Sections::new(&artifact.blob, 4096, 0)?;
    sections.pass(1);
    sections.child("kernel", kernel_size, out);
    sections.child("ramdisk", ramdisk_size, out);
    sections.child("signature", signature_size, out);
    Ok(())
}

/// The sections of a boot image: each starts on a page of its own.
pub(crate) struct Sections<'a> {
    blob: &'a Blob,
    page_size: u64,
    pos: u64,
}

impl<'a> Sections<'a> {
    /// At the start of the image. `at` is where `page_size` stands in it.
    pub fn new(blob: &'a Blob, page_size: u32, at: u64) -> Result<Sections<'a>, Fault> {
        if page_size.is_power_of_two() && PAGE_SIZES.contains(&page_size) {
            Ok(Sections { blob, page_size: page_size.into(), pos: 0 })
        } else {
            Err(Fault::malformed("page_size", at))
        }
    }

    /// Passes over a section of `size` bytes.
    pub fn pass(&mut self, size: u32) {
        self.pos = self.pos.saturating_add(size.into()).next_multiple_of(self.page_size);
    }

    /// The next section, as much of it as is there.
    pub fn next(&mut self, name: &str, size: u32, out: &mut Reading) -> (u64, Blob) {
        let at = self.pos;
        let section = self.blob.clamp(at, size.into());
        if section.len() < u64::from(size) {
            out.gap(format!(
                "{name}: {} of {size} bytes are behind the end",
                u64::from(size).saturating_sub(section.len())
            ));
        }
        self.pass(size);
        (at, section)
    }

    /// The next section as a child, if it has bytes.
    pub fn child(&mut self, name: &str, size: u32, out: &mut Reading) {
        let (_, section) = self.next(name, size, out);
        if section.is_empty() {
            return;
        }
        let section = without_mtk_header(section);
        let trees = if name == "kernel" { trees_behind(&section) } else { None };
        let at = trees.unwrap_or(section.len());
        out.child(name, section.clamp(0, at));
        if trees.is_some() {
            out.child("kernel_dtb", section.clamp(at, u64::MAX));
        }
    }
}

/// MediaTek puts a header of 512 bytes before kernel and ramdisk: magic, size of what follows, name.
fn without_mtk_header(section: Blob) -> Blob {
    match section.read_up_to(0, 4) {
        Ok(magic) if magic == MTK_MAGIC => section.clamp(MTK_HEADER_SIZE, u64::MAX),
        _ => section,
    }
}

/// Where the device trees start that some builds append to the kernel (`Image.gz-dtb`): a tree that another one or the
/// end follows. Trees that a kernel holds in its middle are none. A kernel that cannot be read is told by its own reader.
fn trees_behind(kernel: &Blob) -> Option<u64> {
    let mut at = 0;
    while at < kernel.len() {
        let window = kernel.read_up_to(at, WINDOW).ok()?;
        for found in memmem::find_iter(&window, &dtb::MAGIC) {
            let tree = at.saturating_add(u64::try_from(found).ok()?);
            let head = kernel.read_up_to(tree, 24).ok()?;
            if dtb::is_dtb(&head) {
                let size = Reader::new(head.get(4..)?).u32_be("totalsize").ok()?;
                let end = tree.saturating_add(size.into());
                let next = kernel.read_up_to(end, 24).ok()?;
                if end == kernel.len() || dtb::is_dtb(&next) || (end < kernel.len() && next.iter().all(|&it| it == 0)) {
                    return Some(tree);
                }
            }
        }
        // A mark may stand across the border of two windows.
        at = at.saturating_add(WINDOW.saturating_sub(3));
    }
    None
}

/// `os_version`: seven bits for each of A, B and C of `A.B.C`, seven for the year since 2000, four for the month.
pub(crate) fn versions_of(os_version: u32) -> (Option<String>, Option<String>) {
    let bits = |shift: u32, n: u32| os_version.checked_shr(shift).unwrap_or(0) & n;
    let version = format!("{}.{}.{}", bits(25, 0x7f), bits(18, 0x7f), bits(11, 0x7f));
    let patch_level = format!("{}-{:02}", bits(4, 0x7f).saturating_add(2000), bits(0, 0xf));
    (Some(version).filter(|_| bits(11, 0x1f_ffff) != 0), Some(patch_level).filter(|_| bits(0, 0x7ff) != 0))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The longest header, of version 2, has 1660 bytes.
const HEADER_MAX: u64 = 2048;

/// `mkbootimg` allows 2 to 16 KiB; there are images with smaller and larger pages.
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 512..=128 << 10;

/// How much of a kernel is searched at once.
const WINDOW: u64 = 1 << 20;

const MTK_MAGIC: [u8; 4] = 0x5888_1688u32.to_le_bytes();
const MTK_HEADER_SIZE: u64 = 512;
