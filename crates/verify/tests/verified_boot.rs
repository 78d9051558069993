//! Verified-boot metadata that was signed here, for every hash and kind of descriptor, and what happens when it or the
//! image is changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod made;

use made::avb;
use model::Blob;
use verify::avb::hashtree::{Checked, Hashtree};
use verify::avb::structure::{Covers, Signature, Vbmeta};
use verify::hash::Hash;

const HASHES: [(&str, Hash); 4] =
    [("sha1", Hash::Sha1), ("sha256", Hash::Sha256), ("sha512", Hash::Sha512), ("blake2b-256", Hash::Blake2b256)];

fn read(bytes: &[u8]) -> Vbmeta {
    Vbmeta::read(&Blob::from_bytes(bytes.to_vec()), 0).unwrap()
}

fn image(blocks: usize) -> Vec<u8> {
    (0..blocks * 4096).map(|it| (it / 4096 * 7 + it) as u8).collect()
}

fn checked(vbmeta: &Vbmeta, image: &Blob) -> Checked {
    let Covers::Hashtree(descriptor) = &vbmeta.covers[0] else { panic!("no tree") };
    let tree = Hashtree::of(descriptor).unwrap();
    let leaves: Vec<u8> = tree.pieces().flat_map(|it| tree.leaves(image, it).unwrap()).collect();
    tree.check(image, leaves)
}

#[test]
fn a_structure_is_signed_by_its_key_or_by_none() {
    let key = made::key();
    for hash in [Hash::Sha256, Hash::Sha512] {
        let signed = read(&avb::vbmeta(Some((&key, hash)), 0, &[avb::chain("vendor", b"key")]));
        assert_eq!(signed.signature, Signature::Holds, "{}", hash.name());
        assert_eq!(signed.public_key, avb::public_key(&key));
        assert!(matches!(&signed.covers[..], [Covers::Chain { partition, .. }] if partition == "vendor"));
    }
    assert_eq!(read(&avb::vbmeta(None, 2, &[])).signature, Signature::None);
    assert_eq!(read(&avb::vbmeta(None, 2, &[])).flags, 2);
}

#[test]
fn no_flipped_bit_of_a_signed_structure_verifies_or_panics() {
    let bytes = avb::vbmeta(Some((&made::key(), Hash::Sha256)), 0, &[avb::hash("boot", HASHES[1], b"image")]);
    let authentication = 256..256 + 320;
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let result = Vbmeta::read(&Blob::from_bytes(flipped), 0);
        // The block of hash and signature ends with padding that nothing covers.
        let is_padding = authentication.contains(&at) && 256 + 288 <= at;
        let holds = result.is_ok_and(|it| it.signature == Signature::Holds);
        assert_eq!(holds, is_padding, "byte {at:#x}");
    }
}

#[test]
fn an_image_equals_its_hash_and_no_other_does() {
    for algorithm in HASHES {
        let image = image(3);
        let vbmeta = read(&avb::vbmeta(None, 0, &[avb::hash("boot", algorithm, &image)]));
        let Covers::Hash(descriptor) = &vbmeta.covers[0] else { panic!("no hash") };
        let padded = Blob::from_bytes([&image[..], &[9; 4096]].concat());
        assert_eq!(verify::avb::equals(descriptor, &padded), Ok(true), "{}", algorithm.0);
        let mut changed = image.clone();
        changed[5000] ^= 1;
        assert_eq!(verify::avb::equals(descriptor, &Blob::from_bytes(changed)), Ok(false));
        assert!(verify::avb::equals(descriptor, &Blob::from_bytes(image[..4096].to_vec())).is_err(), "not all there");
    }
}

#[test]
fn an_image_equals_its_tree_and_a_changed_block_is_named() {
    for algorithm in HASHES {
        let mut image = image(200);
        let (descriptor, tree) = avb::hashtree("system", algorithm, &image);
        let vbmeta = read(&avb::vbmeta(Some((&made::key(), Hash::Sha256)), 0, &[descriptor]));
        let whole = checked(&vbmeta, &Blob::from_bytes([&image[..], &tree].concat()));
        assert!(whole.equal && whole.tree_equal, "{}", algorithm.0);
        image[150 * 4096 + 17] ^= 1;
        let changed = checked(&vbmeta, &Blob::from_bytes([&image[..], &tree].concat()));
        assert!(!changed.equal);
        assert_eq!((changed.altered.first(), changed.n_altered), (Some(&(150..151)), 1), "{}", algorithm.0);
        // A dump that lost its tree is still held against the root.
        let bare = checked(&vbmeta, &Blob::from_bytes(image.clone()));
        assert_eq!((bare.equal, bare.n_altered, bare.n_unknown), (false, 0, 200));
    }
}

#[test]
fn no_prefix_of_a_structure_panics() {
    let (descriptor, _) = avb::hashtree("system", HASHES[1], &image(2));
    let bytes = avb::vbmeta(Some((&made::key(), Hash::Sha256)), 0, &[descriptor]);
    for len in 0..bytes.len() {
        assert!(Vbmeta::read(&Blob::from_bytes(bytes[..len].to_vec()), 0).is_err(), "{len} bytes");
    }
}
