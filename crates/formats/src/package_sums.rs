//! Checksums that packages bring of their own parts: of an update's payload, and Xiaomi's of images, of scripts that
//! flash them, and in the names of packages.

use std::collections::BTreeSet;

use model::fact::claim::Claim;
use model::{Artifact, Fault};

use crate::text::{Line, read_lines};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "package-sums",
    title: "checksums of a package",
    // Xiaomi's by the programs in its packages: flash_gen_crc_list.py (github.com search: "SPARSECRC-LIST"), flash_all.sh;
    // by names of packages: onfix.cn/course/3840.
    spec: "AOSP system/update_engine/payload_consumer/payload_constants.h; the files of Xiaomi's fastboot packages",
    kind: Kind::Trust,
    matches: |artifact, head| {
        let name = artifact.file_name();
        match name {
            b"payload_properties.txt" => true,
            b"crclist.txt" => head.starts_with(b"CRC-LIST"),
            b"sparsecrclist.txt" => head.starts_with(b"SPARSECRC-LIST"),
            b"anti_version.txt" => true,
            _ if is_script(name) => true,
            _ => artifact.parent.is_none() && md5_digits(name).is_some(),
        }
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let name = artifact.file_name();
    if let Some(digits) = md5_digits(name) {
        let row = out.row(0, artifact.blob.len(), Claim::Md5 { digits });
        out.facts.claims.push(row);
        return Ok(());
    }
    // `FILE_` or `METADATA_`, with the size that its hash belongs to.
    let mut metadata = (None, None);
    let mut flashed = BTreeSet::new();
    read_lines(artifact, out, |out, line| {
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        let claim = match name {
            b"payload_properties.txt" => payload_property(&text, &mut metadata),
            b"anti_version.txt" => Ok(text.parse().ok().map(|version| Claim::AntiRollback { version })),
            b"crclist.txt" | b"sparsecrclist.txt" => crc(&text),
            _ => Ok(script_claim(&text).filter(|it| flashed.insert(format!("{it:?}")))),
        };
        let Ok(claim) = claim else { return false };
        tell(claim, &line, out);
        true
    })?;
    if let (Some(first), Some(sha256)) = metadata {
        let claim = Claim::Sha256 { file: PAYLOAD.to_owned(), first: Some(first), sha256 };
        let row = out.row(0, artifact.blob.len(), claim);
        out.facts.claims.push(row);
    }
    Ok(())
}

fn tell(claim: Option<Claim>, line: &Line, out: &mut Reading) {
    let row = claim.map(|it| out.row(line.offset, line.size(), it));
    out.facts.claims.extend(row);
}

const PAYLOAD: &str = "payload.bin";

/// `kPayloadPropertyFileSize` and its like; others are for the updater (`POWERWASH`, `NETWORK_ID`).
fn payload_property(text: &str, metadata: &mut (Option<u64>, Option<String>)) -> Result<Option<Claim>, ()> {
    let (key, value) = text.split_once('=').ok_or(())?;
    let (key, value) = (key.trim(), value.trim());
    let file = PAYLOAD.to_owned();
    Ok(match key {
        "FILE_SIZE" => Some(Claim::Size { file, size: value.parse().map_err(|_| ())? }),
        "FILE_HASH" => Some(Claim::Sha256 { file, first: None, sha256: hex_of_base64(value).ok_or(())? }),
        "METADATA_SIZE" => {
            metadata.0 = Some(value.parse().map_err(|_| ())?);
            None
        }
        "METADATA_HASH" => {
            metadata.1 = Some(hex_of_base64(value).ok_or(())?);
            None
        }
        _ => None,
    })
}

/// 32 bytes as 44 characters.
fn hex_of_base64(text: &str) -> Option<String> {
    let digits = text.strip_suffix('=').filter(|it| it.len() == 43)?;
    let (mut hex, mut bits, mut n_bits) = (String::new(), 0u32, 0u32);
    for byte in digits.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte.checked_sub(b'A')?,
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(26)?,
            b'0'..=b'9' => byte.checked_sub(b'0')?.checked_add(52)?,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        n_bits = n_bits.checked_add(6)?;
        if 8 <= n_bits {
            n_bits = n_bits.checked_sub(8)?;
            hex.push_str(&format!("{:02x}", bits >> n_bits & 0xff));
        }
    }
    Some(hex)
}

/// `PARTITION 0xCRC`, and with how many parts, or the sum of each, for what is flashed in parts.
fn crc(text: &str) -> Result<Option<Claim>, ()> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["CRC-LIST" | "SPARSECRC-LIST"] => Ok(None),
        [partition, crc32] => {
            let hex = crc32.strip_prefix("0x").unwrap_or(crc32).trim_end_matches('L');
            let crc32 = u32::from_str_radix(hex, 16).map_err(|_| ())?;
            Ok(Some(Claim::Crc32 { partition: (*partition).to_owned(), crc32 }))
        }
        [partition, _, ..] => Ok(Some(Claim::SparseCrc32 { partition: (*partition).to_owned() })),
        _ => Err(()),
    }
}

fn is_script(name: &[u8]) -> bool {
    name.starts_with(b"flash_all") && (name.ends_with(b".sh") || name.ends_with(b".bat"))
}

/// `fastboot $* flash PARTITION …images/FILE`, `CURRENT_ANTI_VER=N`.
fn script_claim(text: &str) -> Option<Claim> {
    if let Some((_, version)) = text.split_once("CURRENT_ANTI_VER=") {
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        return Some(Claim::AntiRollback { version: digits.parse().ok()? });
    }
    let (_, rest) = text.split_once(" flash ")?;
    let mut words = rest.split_ascii_whitespace().filter(|it| !it.starts_with('-'));
    let partition = words.next()?;
    let path = words.next()?.replace('\\', "/");
    let (_, file) = path.rsplit_once("images/")?;
    Some(Claim::Flashed { partition: partition.to_owned(), file: file.trim_matches('"').to_owned() })
}

/// The ten digits in the name of a package of Xiaomi's: `…_images_…_c2bc57807e.tgz`, `miui_…_ff2061c1f8_10.0.zip`.
fn md5_digits(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let stem = [".tgz", ".tar.gz", ".zip"].iter().find_map(|it| name.strip_suffix(it))?;
    if !(stem.starts_with("miui") || stem.contains("_images_") || stem.contains("-ota_full-")) {
        return None;
    }
    let is_sum = |it: &&str| it.len() == MD5_DIGITS && it.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    stem.rsplit(['_', '-']).take(2).find(is_sum).map(str::to_owned)
}

const MD5_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_xiaomis_packages_hold_the_first_digits_of_their_md5() {
        let digits = |name: &str| md5_digits(name.as_bytes());
        let fastboot = "apollo_global_images_V12.0.7.0.QJDMIXM_20201111.0000.00_10.0_global_c2bc57807e.tgz";
        assert_eq!(digits(fastboot).as_deref(), Some("c2bc57807e"));
        assert_eq!(digits("miui_APOLLOGlobal_V12.0.7.0.QJDMIXM_ff2061c1f8_10.0.zip").as_deref(), Some("ff2061c1f8"));
        let update = "miui-blockota-apollo_global-V12.0.6.0.QJDMIXM-V12.0.7.0.QJDMIXM-ab51f270f7-10.0.zip";
        assert_eq!(digits(update).as_deref(), Some("ab51f270f7"));
        assert_eq!(
            digits("my_holiday_images_2020111112.zip").as_deref(),
            Some("2020111112"),
            "digits alone may be one"
        );
        for other in ["apollo_images_10.0.tgz", "miui_V12_10.0.zip", "rom_c2bc57807e.zip", "miui_c2bc57807e.img"] {
            assert_eq!(digits(other), None, "{other}");
        }
    }

    #[test]
    fn lines_of_scripts_say_what_is_flashed_where() {
        let flashed = |partition: &str, file: &str| {
            Some(Claim::Flashed { partition: partition.to_owned(), file: file.to_owned() })
        };
        assert_eq!(script_claim("fastboot $* flash xblbak `pwd`/images/xbl.elf"), flashed("xblbak", "xbl.elf"));
        assert_eq!(
            script_claim(r"fastboot %* flash boot %~dp0images\boot.img || @echo x"),
            flashed("boot", "boot.img")
        );
        assert_eq!(script_claim("CURRENT_ANTI_VER=4"), Some(Claim::AntiRollback { version: 4 }));
        assert_eq!(script_claim("set CURRENT_ANTI_VER=3 "), Some(Claim::AntiRollback { version: 3 }));
        assert_eq!(script_claim("if [ $ver -gt $CURRENT_ANTI_VER ]; then"), None);
    }

    #[test]
    fn a_digest_in_base64_is_told_in_hex() {
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex_of_base64(empty).as_deref(), Some(hex));
        assert_eq!(hex_of_base64("AAAA"), None);
    }
}
