//! Bytes to artifacts and facts. All parsing is here; nothing here judges, opens a file or fails a scan.
//!
//! Adding a format is one new file and its two lines below: `mod` and an entry of [`FORMATS`].

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

mod adb_keys;
mod apex;
mod apk;
mod apks;
mod archive;
mod art;
mod avb_footer;
mod boot_image;
mod brotli;
mod bzip2;
mod care_map;
mod cdex;
pub mod cil;
mod codec;
mod contexts;
mod cpio;
mod dalvik_odex;
mod dex;
mod dtb;
mod dtbo;
pub mod elf;
pub mod entropy;
mod erofs;
mod ext4;
mod f2fs;
mod fat;
mod fstab;
mod gpt;
mod gzip;
mod init_rc;
mod join;
mod kernel;
mod layout;
mod lz4;
mod lzma;
mod mac_permissions;
mod oat;
mod ota_metadata;
mod package_sums;
mod pages;
mod payload;
mod posix;
mod prop;
mod proto;
mod qcdt;
mod rc;
mod reading;
mod runs;
mod samsung_signer;
mod script;
pub mod sepolicy;
mod sparse;
mod squashfs;
mod super_image;
mod sysconfig;
mod tar;
mod text;
mod ueventd;
mod unread;
pub mod vbmeta;
mod vdex;
mod vendor_boot;
mod walk;
mod x509;
mod xz;
mod zip;
mod zstd;

use model::{Artifact, Blob, Extent, Fault, Origin};

pub use apk::arsc::Table as Resources;
pub use codec::{Inflater, inflater};
pub use join::{Joined, join};
pub use reading::{Child, Reading, Wanted};

/// A format: how to tell it, and how to read it.
pub struct Format {
    /// Kebab-case, stable.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Where it is specified.
    pub spec: &'static str,
    /// What kind of thing it is: who descends into it, and which layer a gap belongs to.
    pub kind: Kind,
    /// Whether these are its bytes, from the artifact and its first [`HEAD_SIZE`] bytes. Must be strict: every format
    /// that matches is read.
    pub matches: fn(&Artifact, &[u8]) -> bool,
    /// Reads facts and children. What was read before a fault stays.
    pub read: fn(&Artifact, &mut Reading) -> Result<(), Fault>,
}

/// What kind of thing a format is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A compressed stream or a container around images: always descended into.
    Wrapper,
    /// A file system or a ramdisk: `ls` stops behind it.
    FileSystem,
    /// An archive of files: `ls -R` descends into it.
    Archive,
    /// An application package.
    App,
    /// Bytecode.
    Code,
    /// Native code.
    Native,
    /// A kernel.
    Kernel,
    /// SELinux policy or contexts.
    Policy,
    /// Certificates and keys.
    Trust,
    /// Configuration.
    Config,
    /// Recognised, and not read: the reader tells a gap.
    Unread,
}

/// How many of the first bytes [`Format::matches`] sees: the LP geometry at 4096 is the farthest magic number.
pub const HEAD_SIZE: u64 = 8 << 10;

/// Every format. The order is the order in which several that match are read.
pub static FORMATS: &[&Format] = &[
    &sparse::FORMAT,
    &super_image::FORMAT,
    &prop::FORMAT,
    &cil::FORMAT,
    &contexts::FORMAT,
    &fstab::FORMAT,
    &init_rc::FORMAT,
    &script::FORMAT,
    &sepolicy::FORMAT,
    &sysconfig::FORMAT,
    &ueventd::FORMAT,
    &zip::FORMAT,
    &payload::FORMAT,
    &tar::FORMAT,
    &cpio::FORMAT,
    &gzip::FORMAT,
    &xz::FORMAT,
    &lzma::FORMAT,
    &bzip2::FORMAT,
    &zstd::FORMAT,
    &lz4::FORMAT,
    &brotli::FORMAT,
    &ext4::FORMAT,
    &erofs::FORMAT,
    &squashfs::FORMAT,
    &boot_image::FORMAT,
    &vendor_boot::FORMAT,
    &dtb::FORMAT,
    &dtbo::FORMAT,
    &qcdt::FORMAT,
    &vbmeta::FORMAT,
    &avb_footer::FORMAT,
    &apk::FORMAT,
    &apks::FORMAT,
    &x509::FORMAT,
    &elf::FORMAT,
    &dex::FORMAT,
    &cdex::FORMAT,
    &vdex::FORMAT,
    &oat::FORMAT,
    &dalvik_odex::FORMAT,
    &art::FORMAT,
    &adb_keys::FORMAT,
    &mac_permissions::FORMAT,
    &unread::FORMAT,
    &kernel::FORMAT,
    &layout::FORMAT,
    &gpt::FORMAT,
    &apex::FORMAT,
    &f2fs::FORMAT,
    &fat::FORMAT,
    &care_map::FORMAT,
    &ota_metadata::FORMAT,
    &package_sums::FORMAT,
    &samsung_signer::FORMAT,
];

/// The formats whose bytes these are.
pub fn identify(artifact: &Artifact) -> Result<Vec<&'static Format>, Fault> {
    let head = artifact.blob.read_up_to(0, HEAD_SIZE)?;
    Ok(FORMATS.iter().copied().filter(|it| (it.matches)(artifact, &head)).collect())
}

/// The same for a listing: of what cannot hold other artifacts nothing is asked where something can, and a compressed
/// stream is not decoded behind its first bytes.
fn identify_head(artifact: &Artifact, out: &mut Reading) -> Result<Vec<&'static Format>, Fault> {
    let head = artifact.blob.first(HEAD_SIZE)?;
    let head_len = head.len() as u64;
    // An image may begin with more zeros than the head has.
    let cut = head_len < artifact.blob.len() && artifact.blob.is_stream() && head.iter().any(|&byte| byte != 0);
    let known = (cut || head_len == artifact.blob.len()).then(|| {
        let unread = Fault::Unsupported("the end of a stream, for a listing".into());
        let rest = artifact.blob.len().saturating_sub(head_len);
        let extents = vec![
            Extent { offset: 0, len: head_len, from: Origin::Blob(Blob::from_bytes(head.as_slice()), 0) },
            Extent { offset: head_len, len: rest, from: Origin::Missing(unread) },
        ];
        Artifact { blob: Blob::mapped(artifact.blob.len(), extents), ..artifact.clone() }
    });
    let known = known.as_ref().unwrap_or(artifact);
    let of = |wanted: fn(Kind) -> bool| -> Vec<&'static Format> {
        FORMATS.iter().copied().filter(|it| wanted(it.kind) && (it.matches)(known, &head)).collect()
    };
    let holders = of(Kind::may_hold_children);
    out.end_unseen = cut && zip::may_be_appended(&head);
    if !holders.is_empty() {
        return Ok(holders);
    }
    // Every app is an archive, too.
    Ok(of(|kind| !kind.may_hold_children() && kind != Kind::App))
}

/// Reads one artifact by every format that matches, and returns these. A format that fails leaves a gap, and what it
/// read before.
pub fn read(artifact: &Artifact, out: &mut Reading) -> Vec<&'static Format> {
    let identified = match out.wanted {
        Wanted::Facts | Wanted::Names => identify(artifact),
        Wanted::Listing => identify_head(artifact, out),
    };
    let formats = match identified {
        Ok(formats) => formats,
        Err(fault) => {
            out.unread(layer_of_name(artifact.file_name()), format!("cannot be read: {fault}"));
            return Vec::new();
        }
    };
    for format in &formats {
        if out.wanted != Wanted::Facts && !format.kind.may_hold_children() {
            continue;
        }
        out.begin(format);
        if let Err(fault) = (format.read)(artifact, out) {
            out.gap(format!("{}: {fault}", format.title));
        }
    }
    formats
}

/// The layer that something unreadable would have belonged to, as far as its name tells.
fn layer_of_name(file_name: &[u8]) -> model::Layer {
    use model::Layer;
    let extension = file_name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    match extension {
        b"apk" => Layer::Apps,
        b"jar" | b"dex" | b"odex" | b"oat" | b"vdex" | b"art" => Layer::Code,
        b"so" | b"ko" => Layer::Native,
        b"rc" | b"prop" | b"xml" => Layer::Config,
        _ => Layer::Partitions,
    }
}

impl Kind {
    /// Whether something of this kind can hold other artifacts.
    fn may_hold_children(self) -> bool {
        match self {
            Kind::Wrapper | Kind::FileSystem | Kind::Archive | Kind::Code | Kind::Kernel | Kind::Unread => true,
            Kind::App | Kind::Native | Kind::Policy | Kind::Trust | Kind::Config => false,
        }
    }

    /// The layer that a gap in such a thing belongs to.
    pub fn layer(self) -> model::Layer {
        use model::Layer;
        match self {
            Kind::Wrapper | Kind::FileSystem | Kind::Archive | Kind::Unread => Layer::Partitions,
            Kind::App => Layer::Apps,
            Kind::Code => Layer::Code,
            Kind::Native => Layer::Native,
            Kind::Kernel => Layer::Kernel,
            Kind::Policy => Layer::Policy,
            Kind::Trust => Layer::Trust,
            Kind::Config => Layer::Config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends with a zip of no entries, and is `len` bytes long.
    fn picture(len: usize) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.resize(len - 22, b'.');
        bytes.extend_from_slice(b"PK\x05\x06");
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn a_listing_does_not_decode_a_packed_picture_to_its_end_and_says_so() {
        let store = model::Store::small();
        let packed = |bytes: Vec<u8>| {
            let len = bytes.len() as u64;
            store.streamed(len, move || Ok(Box::new(std::io::Cursor::new(bytes.clone()))))
        };
        let (small, large) = (picture(1 << 10), picture(20 << 10));
        for (blob, found, end_unseen) in [
            (packed(small), 1, false),
            (packed(large.clone()), 0, true),
            (packed(large.iter().map(|it| it.wrapping_add(1)).collect()), 0, false),
            (Blob::from_bytes(large), 1, false),
        ] {
            let artifact = Artifact {
                id: model::ArtifactId(0),
                parent: None,
                name: "a".into(),
                raw_name: b"a".to_vec(),
                depth: 0,
                blob,
                node: model::Node::file(),
            };
            let mut out = Reading::new(&artifact, store.clone(), 0);
            out.wanted = Wanted::Listing;
            assert_eq!((read(&artifact, &mut out).len(), out.end_unseen), (found, end_unseen));
        }
    }

    /// Files of `src` that are no format.
    const NO_FORMAT: &[&str] = &[
        "archive", "codec", "entropy", "join", "lib", "pages", "posix", "proto", "rc", "reading", "runs", "text",
        "walk",
    ];

    #[test]
    fn the_list_equals_the_folder() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut files: Vec<String> = folder
            .map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .filter(|it| !NO_FORMAT.contains(&it.as_str()))
            .collect();
        files.sort();
        let mut ids: Vec<String> = FORMATS.iter().map(|it| it.id.replace('-', "_")).collect();
        ids.sort();
        assert_eq!(ids, files, "every file in src is a format of that id, and stands in FORMATS");
    }
}
