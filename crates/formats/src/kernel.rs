//! Linux kernels: the banner and the built-in configuration; of a self-unpacking one, the kernel inside as a child.

use flate2::read::GzDecoder;
use memchr::memmem;
use model::fact::kernel::Kernel;
use model::{Artifact, Fault};
use std::io::Read;

use crate::codec::{Codec, decoder};
use crate::{Format, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "kernel",
    title: "Linux kernel",
    spec: "Linux Documentation/arch/arm64/booting.rst, arch/arm/boot/compressed/head.S, Documentation/arch/x86/boot.rst",
    kind: crate::Kind::Kernel,
    // A plain 32-bit kernel has no mark: there, the name that a boot image gives it counts.
    matches: |artifact, bytes| {
        is_arm64(bytes)
            || is_packed(bytes)
            || (artifact.file_name() == b"kernel" && KERNEL_MIN <= artifact.blob.len() && Codec::of(bytes).is_none())
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.bytes("kernel", KERNEL_MAX)?;
    if is_packed(&bytes) {
        return unpack(artifact, &bytes, out);
    }
    let banner = memmem::find_iter(&bytes, BANNER)
        .find(|at| bytes.get(at.saturating_add(BANNER.len())).is_some_and(u8::is_ascii_digit));
    let Some(at) = banner else {
        out.gap("no kernel banner found");
        return Ok(());
    };
    let rest = bytes.get(at..).unwrap_or_default();
    let banner: Vec<u8> = rest.iter().take(BANNER_MAX).take_while(|it| !matches!(it, 0 | b'\n')).copied().collect();
    let size = u64::try_from(banner.len()).unwrap_or(0);
    let kernel = Kernel { banner: String::from_utf8_lossy(&banner).into_owned(), config: config_of(&bytes, out) };
    let row = out.row(u64::try_from(at).unwrap_or(0), size, kernel);
    out.facts.kernels.push(row);
    Ok(())
}

/// An uncompressed 64-bit kernel.
fn is_arm64(bytes: &[u8]) -> bool {
    bytes.get(56..60) == Some(b"ARM\x64")
}

/// A kernel that unpacks itself: `zImage` of arm, `bzImage` of x86, EFI zboot of arm64.
fn is_packed(bytes: &[u8]) -> bool {
    bytes.get(36..40) == Some(&[0x18, 0x28, 0x6f, 0x01])
        || bytes.get(0x202..0x206) == Some(b"HdrS")
        || (bytes.starts_with(b"MZ") && bytes.get(4..8) == Some(b"zimg"))
}

/// The packed kernel inside: the first compressed stream that unpacks to something with a kernel's banner.
fn unpack(artifact: &Artifact, bytes: &[u8], out: &mut Reading) -> Result<(), Fault> {
    let mut n_tried = 0u32;
    for at in 0..bytes.len() {
        let Some(codec) = bytes.get(at..).and_then(Codec::of) else { continue };
        if TRIES_MAX <= n_tried {
            break;
        }
        n_tried = n_tried.saturating_add(1);
        let offset = u64::try_from(at).unwrap_or(u64::MAX);
        let packed = artifact.blob.clamp(offset, u64::MAX);
        let (kernel, fault) = out.store.spool(&mut decoder(codec, packed.stream()), out.allowance.min(KERNEL_MAX))?;
        let unpacked = kernel.bytes("kernel", KERNEL_MAX)?;
        if memmem::find(&unpacked, BANNER).is_none() {
            continue;
        }
        // What follows the stream is no stream, and a fault. Whether that was the end is told by the length of the
        // kernel, which stands behind it (gzip's own, or what the kernel's build appends).
        let length = u32::try_from(unpacked.len()).unwrap_or(0).to_le_bytes();
        if let Some(fault) = fault.filter(|_| memmem::find(bytes.get(at..).unwrap_or_default(), &length).is_none()) {
            out.gap(format!("unpacked {} bytes, then: {fault}", unpacked.len()));
        }
        out.child("kernel", kernel);
        return Ok(());
    }
    out.gap(format!("none of {n_tried} compressed streams in it is a kernel"));
    Ok(())
}

/// The options of the built-in configuration (`kernel/configs.c`: gzip between two marks).
fn config_of(bytes: &[u8], out: &mut Reading) -> Vec<(String, String)> {
    let Some(at) = memmem::find(bytes, b"IKCFG_ST\x1f\x8b") else { return Vec::new() };
    let packed = bytes.get(at.saturating_add(8)..).unwrap_or_default();
    let mut text = Vec::new();
    if let Err(error) = GzDecoder::new(packed).take(CONFIG_MAX).read_to_end(&mut text) {
        out.gap(format!("built-in configuration: {error}"));
    }
    let text = String::from_utf8_lossy(&text);
    let options = text.lines().filter(|it| it.starts_with("CONFIG_")).filter_map(|it| it.split_once('='));
    options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

const BANNER: &[u8] = b"Linux version ";

/// Banners name compiler and builder, and have some 200 bytes.
const BANNER_MAX: usize = 1024;

/// Smaller than any kernel that runs Android.
const KERNEL_MIN: u64 = 1 << 20;

/// Kernels have under 64 MiB unpacked; four times that leaves room.
const KERNEL_MAX: u64 = 256 << 20;

/// Code before the packed kernel may hold the marks of the codecs that it knows.
const TRIES_MAX: u32 = 16;

/// Configurations have some 200 KiB.
const CONFIG_MAX: u64 = 8 << 20;
