//! Vendor boot images, header versions 3 and 4: the vendor's ramdisks, device trees and boot configuration.

use model::fact::boot::Boot;
use model::{Artifact, Blob, Fault, Reader};

use crate::boot_image::Sections;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "vendor-boot",
    title: "Android vendor boot image",
    spec: "https://source.android.com/docs/core/architecture/bootloader/boot-image-header#vendor-boot-header-v4",
    kind: Kind::Wrapper,
    matches: |_, bytes| bytes.starts_with(b"VNDRBOOT"),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_up_to(0, HEADER_MAX)?;
    let mut header = Reader::new(&bytes);
    header.skip(8, "magic")?;
    let header_version = header.u32_le("header_version")?;
    if !matches!(header_version, 3 | 4) {
        return Err(Fault::Unsupported(format!("vendor boot header version {header_version}")));
    }
    let page_size = header.u32_le("page_size")?;
    header.skip(8, "kernel_addr")?;
    let vendor_ramdisk_size = header.u32_le("vendor_ramdisk_size")?;
    let cmdline = text(header.padded(2048, "cmdline")?);
    header.skip(4, "tags_addr")?;
    let board = text(header.padded(16, "name")?);
    let header_size = header.u32_le("header_size")?;
    let dtb_size = header.u32_le("dtb_size")?;
    header.skip(8, "dtb_addr")?;
    let [mut table_size, mut entry_num, mut entry_size, mut bootconfig_size] = [0; 4];
    if header_version == 4 {
        table_size = header.u32_le("vendor_ramdisk_table_size")?;
        entry_num = header.u32_le("vendor_ramdisk_table_entry_num")?;
        entry_size = header.u32_le("vendor_ramdisk_table_entry_size")?;
        bootconfig_size = header.u32_le("bootconfig_size")?;
    }

    let mut sections = Sections::new(&artifact.blob, page_size, 12)?;
    sections.pass(header_size);
    let (_, ramdisks) = sections.next("vendor_ramdisk", vendor_ramdisk_size, out);
    let (_, dtb) = sections.next("dtb", dtb_size, out);
    let (table_at, table) = sections.next("vendor_ramdisk_table", table_size, out);
    let (_, bootconfig) = sections.next("bootconfig", bootconfig_size, out);
    let boot = Boot {
        vendor: true,
        header_version,
        cmdline,
        bootconfig: text(&bootconfig.bytes("bootconfig", BOOTCONFIG_MAX)?),
        board,
        ramdisk_size: vendor_ramdisk_size.into(),
        ..Boot::default()
    };
    let row = out.row(0, u64::try_from(header.position()).unwrap_or(0), boot);
    out.facts.boots.push(row);
    if !dtb.is_empty() {
        out.child("dtb", dtb);
    }
    if table.is_empty() {
        if !ramdisks.is_empty() {
            out.child("vendor_ramdisk", ramdisks);
        }
        return Ok(());
    }
    let table = table.bytes("vendor_ramdisk_table", TABLE_MAX)?;
    let mut entries = Reader::at(&table, table_at);
    let entry_size = entries.fits(entry_size.into(), 1, "vendor_ramdisk_table_entry_size")?;
    for _ in 0..entry_num {
        let at = entries.offset();
        let entry = entries.take(entry_size, "vendor_ramdisk_table_entry_num")?;
        ramdisk(&mut Reader::at(entry, at), &ramdisks, out)?;
    }
    Ok(())
}

/// `vendor_ramdisk_table_entry_v4`.
fn ramdisk(entry: &mut Reader, ramdisks: &Blob, out: &mut Reading) -> Result<(), Fault> {
    let at = entry.offset();
    let ramdisk_size = entry.u32_le("ramdisk_size")?;
    let ramdisk_offset = entry.u32_le("ramdisk_offset")?;
    let kind = match entry.u32_le("ramdisk_type")? {
        1 => "platform",
        2 => "recovery",
        3 => "dlkm",
        _ => "none",
    };
    let name = entry.padded(32, "ramdisk_name")?;
    let name = [&b"vendor_ramdisk-"[..], if name.is_empty() { kind.as_bytes() } else { name }].concat();
    let ramdisk = ramdisks.slice(ramdisk_offset.into(), ramdisk_size.into());
    out.child(name, ramdisk.map_err(|_| Fault::malformed("ramdisk_size", at))?);
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The longest header, of version 4, has 2128 bytes.
const HEADER_MAX: u64 = 4096;

/// An entry has 108 bytes, and images have up to a handful.
const TABLE_MAX: u64 = 1 << 20;

/// The kernel takes 32 KiB.
const BOOTCONFIG_MAX: u64 = 1 << 20;
