//! What is recognised and not read: vendor containers, file systems of raw flash, encrypted images, pointers to files
//! that are not there. Each leaves a gap that says what it is and what would help.

use model::{Artifact, Fault};

use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "unread",
    title: "recognised and not read",
    spec: "the sources named in the table of this file",
    kind: Kind::Unread,
    matches: |artifact, bytes| !gaps(artifact, bytes).is_empty(),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let head = artifact.blob.read_up_to(0, crate::HEAD_SIZE)?;
    for gap in gaps(artifact, &head) {
        out.gap(gap);
    }
    Ok(())
}

fn gaps(artifact: &Artifact, bytes: &[u8]) -> Vec<String> {
    let has = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|it| it.starts_with(magic));
    let name = artifact.file_name().to_ascii_lowercase();
    let mut gaps: Vec<String> = MAGICS
        .iter()
        .filter(|it| has(it.at, it.magic))
        .chain(NAMES.iter().filter(|it| name.ends_with(it.magic)))
        .map(|it| format!("{} is not read; {}", it.what, it.help))
        .collect();
    gaps.extend(lfs_pointer(bytes));
    if has(0, b"ANDROID BACKUP\n") {
        gaps.push(
            "an adb backup is not read; unpacked with the owner's password it can be given as a folder".to_owned(),
        );
    }
    if is_scatter(bytes) {
        gaps.push(
            "a MediaTek scatter file is not read: the images beside it are, and not where they belong".to_owned(),
        );
    }
    if is_iso(artifact, bytes) {
        gaps.push("an ISO 9660 image is not read; no phone boots from one".to_owned());
    }
    gaps.dedup();
    gaps
}

/// A kind of file that a few bytes tell.
struct Known {
    at: usize,
    magic: &'static [u8],
    what: &'static str,
    help: &'static str,
}

const fn known(at: usize, magic: &'static [u8], what: &'static str, help: &'static str) -> Known {
    Known { at, magic, what, help }
}

const EXTRACT: &str = "give what the vendor's or a free extractor makes of it";
const DECRYPT: &str = "it is encrypted; give what a decryption tool makes of it";
const UNPACK: &str = "give it unpacked";
const MOUNT: &str = "give its files as a folder or a tar";

/// Sources: `[a]` `file(1)`, Magdir; `[b]` unblob, docs/handlers.md; `[k]` the Linux kernel, include/uapi/linux/magic.h and
/// the file system's own header; others by name.
const MAGICS: &[Known] = &[
    // kdztools, unkdz.py: header length and magic of three generations; undz.py.
    known(0, b"\x28\x05\x00\x00\x24\x38\x22\x25", "an LG firmware package (KDZ)", EXTRACT),
    known(0, b"\x18\x05\x00\x00\x32\x79\x44\x50", "an LG firmware package (KDZ)", EXTRACT),
    known(0, b"\x28\x05\x00\x00\x34\x31\x25\x80", "an LG firmware package (KDZ)", EXTRACT),
    known(0, b"\x32\x96\x18\x74", "an LG firmware archive (DZ)", EXTRACT),
    // pacextractor, pacextractor.h: dwMagic 0xfffafffa near the end of the header.
    known(2116, b"\xfa\xff\xfa\xff", "a Spreadtrum/Unisoc firmware package (PAC)", EXTRACT),
    // oppo_ozip_decrypt, ozipdecrypt.py.
    known(0, b"OPPOENCRYPT!", "an Oppo update package (OZIP)", DECRYPT),
    // split_update.pl: records start so, the first often behind 92 bytes.
    known(0, b"\x55\xaa\x5a\xa5", "a Huawei firmware package (UPDATE.APP)", EXTRACT),
    known(92, b"\x55\xaa\x5a\xa5", "a Huawei firmware package (UPDATE.APP)", EXTRACT),
    // rkbin's and rk2918_tools' headers; awimage.
    known(0, b"RKFW", "a Rockchip firmware image (RKFW)", EXTRACT),
    known(0, b"RKAF", "a Rockchip update image (RKAF)", EXTRACT),
    known(0, b"IMAGEWTY", "an Allwinner firmware image (PhoenixSuit)", EXTRACT),
    // Anyxperia, sin.c: version and name.
    known(0, b"\x02SIN", "a Sony partition image (SIN)", EXTRACT),
    known(0, b"\x03SIN", "a Sony partition image (SIN)", EXTRACT),
    // [k] drivers/mtd/ubi/ubi-media.h, fs/ubifs/ubifs-media.h, fs/jffs2; yaffs by [a].
    known(0, b"UBI#", "a UBI flash image", MOUNT),
    known(0, b"\x31\x18\x10\x06", "a UBIFS file system", MOUNT),
    known(0, b"\x03\x00\x00\x00\x01\x00\x00\x00\xff\xff", "a YAFFS2 file system", MOUNT),
    known(0, b"\x85\x19\x01\xe0", "a JFFS2 file system", MOUNT),
    known(0, b"\x85\x19\x02\xe0", "a JFFS2 file system", MOUNT),
    known(0, b"\x85\x19\x03\x20", "a JFFS2 file system", MOUNT),
    known(0, b"\x45\x3d\xcd\x28", "a cramfs file system", MOUNT),
    known(0, b"-rom1fs-", "a romfs file system", MOUNT),
    known(0, b"XFSB", "an XFS file system", MOUNT),
    known(3, b"NTFS    ", "an NTFS file system", MOUNT),
    known(3, b"EXFAT   ", "an exFAT file system", MOUNT),
    // LUKS on-disk format, section 2.3.
    known(0, b"LUKS\xba\xbe", "a LUKS encrypted volume", "it needs its passphrase; give the opened volume"),
    // 7zFormat.txt; RAR technote; MS-CAB; [a] for the rest.
    known(0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    known(0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    known(0, b"MSCF\x00\x00\x00\x00", "a Microsoft cabinet", UNPACK),
    known(0, b"\x89LZO\x00\x0d\x0a\x1a\x0a", "an lzop stream", UNPACK),
    known(0, b"LZIP\x01", "an lzip stream", UNPACK),
    known(0, b"QFI\xfb", "a QEMU disk image (qcow2)", "convert it to a raw image"),
    // [MS-CFB] 2.2: phones' modem settings (QCN) are kept in such files.
    known(
        0,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an OLE compound file",
        "a QCN of modem settings is of no use without its modem",
    ),
];

/// What has no mark of its own in its first bytes: `magic` is the end of the file's name.
const NAMES: &[Known] = &[
    // oppo_decrypt, ofp_qc_decrypt.py and opscrypto.py: encrypted from the first byte.
    known(0, b".ofp", "an Oppo firmware package (OFP)", DECRYPT),
    known(0, b".ops", "a OnePlus firmware package (OPS)", DECRYPT),
    // Nb0 tools: a bare table of names and offsets.
    known(0, b".nb0", "a Foxconn firmware package (NB0)", EXTRACT),
];

/// A file that git keeps elsewhere (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
fn lfs_pointer(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"version https://git-lfs.github.com/spec/v1\n")?;
    let field = |key: &str| {
        let lines = rest.split(|&it| it == b'\n');
        lines.filter_map(|it| std::str::from_utf8(it).ok()?.strip_prefix(key)).next().unwrap_or("unknown")
    };
    let (size, oid) = (field("size "), field("oid "));
    let clean = |text: &str| model::path_name(text.get(..OID_LEN).unwrap_or(text).as_bytes());
    Some(format!(
        "is a git-lfs pointer, not the file; size {}, {}; fetch the file with git-lfs",
        clean(size),
        clean(oid)
    ))
}

/// `sha256:` and its digits.
const OID_LEN: usize = 71;

/// SP Flash Tool's text listing of partitions and their files.
fn is_scatter(bytes: &[u8]) -> bool {
    let text = bytes.starts_with(b"#") || bytes.starts_with(b"- general") || bytes.starts_with(b"<?xml");
    text && memchr::memmem::find(bytes, b"MTK_PLATFORM_CFG").is_some()
}

/// ECMA-119 section 8.1: the volume descriptors start at sector 16. Looked for only where the first bytes are what a
/// disc leaves empty or boots from: elsewhere it would mean to decode every file that far.
fn is_iso(artifact: &Artifact, bytes: &[u8]) -> bool {
    let boots = bytes.get(510..512) == Some(b"\x55\xaa");
    let empty = bytes.len() as u64 == crate::HEAD_SIZE && bytes.iter().all(|&it| it == 0);
    // A read that fails is told by whoever reads the artifact.
    (boots || empty) && artifact.blob.read_at(0x8001, 5).is_ok_and(|it| it == b"CD001")
}
