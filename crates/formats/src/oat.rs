//! OAT files: what the runtime compiled ahead of time, in an ELF file (`.odex`, `.oat`): the header.

use model::fact::code::{Code, Container};
use model::{Artifact, Blob, Fault, Reader};

use crate::dex;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "oat",
    title: "OAT file",
    spec: "AOSP art/runtime/oat/oat.h",
    kind: Kind::Code,
    matches: |artifact, head| head.starts_with(b"\x7fELF") && oat_data(&artifact.blob, head).is_some(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let head = artifact.blob.read_up_to(0, crate::HEAD_SIZE)?;
    let at = oat_data(&artifact.blob, &head).ok_or(Fault::malformed("oatdata", 0))?;
    let bytes = artifact.blob.read_at(at, 24)?;
    let version = dex::version_of(&bytes, b"oat\n").ok_or(Fault::malformed("version", at))?;
    let mut header = Reader::at(&bytes, at);
    header.skip(20, "magic, checksum and instruction set")?;
    // Before Android 5 the header had no features of the instruction set.
    let n_dex = header.u32_le("dex_file_count")?;
    let n_dex = (version.as_str() >= FIRST_KNOWN && n_dex <= DEX_MAX).then_some(n_dex);
    if n_dex.is_none() {
        out.gap(format!("OAT version {version}: the number of dex files is not known"));
    }
    let has_dex = version.as_str() < FIRST_WITH_VDEX;
    let code = Code { container: Container::Oat, version, n_classes: None, n_methods: None, n_dex };
    let row = out.row(at, 24, code);
    out.facts.code.push(row);
    if !has_dex {
        out.gap("OAT: the compiled code is not read yet");
    }
    Ok(())
}

/// Where `oatdata` lies: at the start of `.rodata`, the first page behind the ELF headers.
fn oat_data(blob: &Blob, head: &[u8]) -> Option<u64> {
    let is_oat = |at: u64| match usize::try_from(at).ok().and_then(|it| head.get(it..)?.get(..8)) {
        Some(bytes) => dex::version_of(bytes, b"oat\n").is_some(),
        // What cannot be read is told when the file is read as ELF.
        None => blob.read_at(at, 8).is_ok_and(|it| dex::version_of(&it, b"oat\n").is_some()),
    };
    PAGES.into_iter().find(|&at| is_oat(at))
}

/// The page sizes that Android was built for.
const PAGES: [u64; 3] = [0x1000, 0x4000, 0x1_0000];

/// OAT version of Android 5, from which on the place of the count did not change.
const FIRST_KNOWN: &str = "039";

/// OAT version of Android 8, from which on dex files lie in a VDEX file.
const FIRST_WITH_VDEX: &str = "124";

/// Real files name under a hundred.
const DEX_MAX: u32 = 4096;
