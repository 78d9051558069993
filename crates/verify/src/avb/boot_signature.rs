//! Signatures of boot images before AVB 2.0: a structure behind the image, over the image and its own attributes.
//!
//! Source: <https://source.android.com/docs/security/features/verifiedboot/verified-boot>, AOSP `system/extras`,
//! `verity/BootSignature.java`.

use model::{Blob, Fault, Reader};

use crate::apk::pieces;
use crate::ber::{self, NotBer, Value, Values};
use crate::certificate::Certificate;
use crate::jca;

/// A signature of a boot image.
#[derive(Debug)]
pub struct BootSignature {
    /// The partition that it was made for (`/boot`).
    pub target: String,
    /// Whether it holds: by the key of its own certificate.
    pub holds: bool,
    /// Its certificate.
    pub certificate: Certificate,
    /// How many bytes of the image it covers.
    pub covered: u64,
}

/// Reads and verifies the signature behind a boot image; `None` where there is none.
pub fn read(image: &Blob) -> Result<Option<BootSignature>, Fault> {
    let Some(end) = end_of(image)? else { return Ok(None) };
    let bytes = image.read_up_to(end, SIZE_MAX)?;
    if bytes.first() != Some(&ber::SEQUENCE) {
        return Ok(None);
    }
    let malformed = |_: NotBer| Fault::malformed("boot signature", end);
    let mut fields = Values::of(&bytes).expect(ber::SEQUENCE).map_err(malformed)?.inner();
    fields.expect(ber::INTEGER).map_err(malformed)?;
    let certificate = fields.expect(ber::SEQUENCE).map_err(malformed)?;
    let algorithm = fields.expect(ber::SEQUENCE).map_err(malformed)?.inner().expect(ber::OID).map_err(malformed)?;
    let attributes = fields.expect(ber::SEQUENCE).map_err(malformed)?;
    let signature = fields.expect(ber::OCTET_STRING).map_err(malformed)?;
    let certificate = Certificate::read(certificate.whole).map_err(malformed)?;
    let (target, covered) = attributes_of(&attributes).map_err(malformed)?;
    if covered != end {
        return Err(Fault::malformed("length of a boot signature", end));
    }
    let named = jca::signature(algorithm.body).and_then(|it| Some((it.padding, it.hash?)));
    let Some((padding, hash)) = named else {
        return Err(Fault::Unsupported("algorithm of a boot signature".to_owned()));
    };
    let mut running = hash.start();
    pieces(&image.slice(0, covered)?, &mut |piece| running.update(piece))?;
    running.update(attributes.whole);
    let digest = running.finalize();
    let key = certificate.key().map_err(|_| Fault::malformed("certificate of a boot signature", end))?;
    let holds = key.verifies(padding, hash, &digest, signature.body) == Ok(true);
    Ok(Some(BootSignature { target, holds, certificate, covered }))
}

/// Target and length.
fn attributes_of(attributes: &Value) -> Result<(String, u64), NotBer> {
    let mut fields = attributes.inner();
    let target = fields.read()?.ok_or(NotBer)?;
    let length = fields.expect(ber::INTEGER)?.magnitude();
    if 8 < length.len() {
        return Err(NotBer);
    }
    let length = length.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    Ok((String::from_utf8_lossy(target.body).into_owned(), length))
}

/// Where a boot image of the header versions 0 to 2 ends.
fn end_of(image: &Blob) -> Result<Option<u64>, Fault> {
    if image.len() < HEADER_SIZE {
        return Ok(None);
    }
    let bytes = image.read_at(0, HEADER_SIZE)?;
    let mut header = Reader::new(&bytes);
    if header.take(8, "magic")? != MAGIC {
        return Ok(None);
    }
    let kernel_size = header.u32_le("kernel_size")?;
    header.skip(4, "kernel_addr")?;
    let ramdisk_size = header.u32_le("ramdisk_size")?;
    header.skip(4, "ramdisk_addr")?;
    let second_size = header.u32_le("second_size")?;
    header.skip(8, "second_addr and tags_addr")?;
    let page_size = u64::from(header.u32_le("page_size")?);
    let header_version = header.u32_le("header_version")?;
    if !page_size.is_power_of_two() || page_size < 512 {
        return Ok(None);
    }
    let mut sizes = vec![HEADER_SIZE, kernel_size.into(), ramdisk_size.into(), second_size.into()];
    // What older images call the size of a device tree is the version now.
    if VERSION_MAX < header_version {
        sizes.push(header_version.into());
    } else if header_version != 0 {
        header.seek(1632, "recovery_dtbo_size")?;
        sizes.push(header.u32_le("recovery_dtbo_size")?.into());
        header.seek(1648, "dtb_size")?;
        sizes.push(if header_version == 2 { header.u32_le("dtb_size")?.into() } else { 0 });
    }
    let end = sizes.iter().fold(0u64, |end, size| end.saturating_add(size.next_multiple_of(page_size)));
    Ok(if end < image.len() { Some(end) } else { None })
}

const MAGIC: &[u8] = b"ANDROID!";
const HEADER_SIZE: u64 = 1660;
/// Versions 3 and 4 have another layout, and came after this signature.
const VERSION_MAX: u32 = 4;

/// A certificate and a signature.
const SIZE_MAX: u64 = 64 << 10;
