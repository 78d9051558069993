//! Update packages that were signed here, and what happens when they are changed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod made;

use made::package::Package;
use model::Blob;
use verify::ber;
use verify::certificate::Certificate;
use verify::hash::Hash;
use verify::key::PublicKey;
use verify::update::payload::Payload;
use verify::update::whole_file::WholeFile;

/// A zip with a signature over all but its comment, as `signapk -w` makes it.
fn signed_zip() -> Vec<u8> {
    let mut bytes = Package::new().bytes();
    let covered = bytes.len() - 2;
    let key = made::key();
    let algorithm = |oid: &[u8]| {
        let mut body = ber::encoded(ber::OID, oid);
        body.extend([5, 0]);
        ber::encoded(ber::SEQUENCE, &body)
    };
    let sha256 = algorithm(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]);
    let signer = [
        ber::encoded(ber::INTEGER, &[1]),
        ber::encoded(ber::SEQUENCE, &[made::name("maker"), ber::encoded(ber::INTEGER, &[7])].concat()),
        sha256.clone(),
        algorithm(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]),
        ber::encoded(ber::OCTET_STRING, &made::sign(&key, Hash::Sha256, &[&bytes[..covered]])),
    ];
    let data_oid = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    let signed = [
        ber::encoded(ber::INTEGER, &[1]),
        ber::encoded(ber::SET, &sha256),
        ber::encoded(ber::SEQUENCE, &data_oid),
        ber::encoded(ber::CONTEXT_0, &made::certificate(&key, "maker")),
        ber::encoded(ber::SET, &ber::encoded(ber::SEQUENCE, &signer.concat())),
    ];
    let signed = ber::encoded(ber::CONTEXT_0, &ber::encoded(ber::SEQUENCE, &signed.concat()));
    let signed_oid = ber::encoded(ber::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]);
    let signature = ber::encoded(ber::SEQUENCE, &[signed_oid, signed].concat());
    let mut comment = b"signed by SignApk\0".to_vec();
    let start = (signature.len() + 6) as u16;
    comment.extend(signature);
    let size = (comment.len() + 6) as u16;
    comment.extend(start.to_le_bytes());
    comment.extend([0xff, 0xff]);
    comment.extend(size.to_le_bytes());
    bytes.truncate(covered);
    bytes.extend(size.to_le_bytes());
    bytes.extend(comment);
    bytes
}

fn read(bytes: &[u8]) -> Option<WholeFile> {
    WholeFile::read(&Blob::from_bytes(bytes.to_vec())).unwrap()
}

#[test]
fn an_update_is_signed_by_its_key_and_by_no_other() {
    let file = read(&signed_zip()).unwrap();
    assert!(file.own.as_ref().unwrap().1);
    let other = Certificate::read(&made::certificate(&made::other_key(), "maker")).unwrap();
    assert!(!file.is_signed_by(&other), "the name of a certificate proves nothing");
    assert!(read(&Package::new().bytes()).is_none());
}

#[test]
fn no_flipped_bit_of_an_update_verifies_or_panics() {
    let bytes = signed_zip();
    let covered = read(&bytes).unwrap().covered as usize;
    for at in (0..bytes.len()).step_by(5).chain(0..covered) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let result = WholeFile::read(&Blob::from_bytes(flipped));
        let verifies = result.is_ok_and(|it| it.is_some_and(|it| it.own.is_some_and(|it| it.1)));
        assert!(!verifies || covered <= at, "byte {at:#x}");
    }
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while 0x7f < len {
        out.push(0x80 | (len & 0x7f) as u8);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend(bytes);
    out
}

/// A payload of one partition with two operations.
fn payload() -> Vec<u8> {
    let data = [vec![1; 100], vec![2; 50]];
    let operation = |offset: u8, data: &[u8]| {
        let numbers = [0x10, offset, 0x18, data.len() as u8];
        field(8, &[&numbers[..], &field(8, &Hash::Sha256.of(&[data]))].concat())
    };
    let partition = [field(1, b"system"), operation(0, &data[0]), operation(100, &data[1])].concat();
    let manifest = field(13, &partition);
    let signature_of = |bytes: &[u8]| field(1, &field(2, bytes));
    let mut head = b"CrAU\0\0\0\0\0\0\0\x02".to_vec();
    head.extend((manifest.len() as u64).to_be_bytes());
    head.extend((signature_of(&[0; 256]).len() as u32).to_be_bytes());
    let signature = made::sign(&made::key(), Hash::Sha256, &[&head, &manifest]);
    [head, manifest, signature_of(&signature), data.concat()].concat()
}

#[test]
fn a_payload_is_signed_and_each_piece_of_data_has_its_hash() {
    let bytes = payload();
    let blob = Blob::from_bytes(bytes.clone());
    let read = Payload::read(&blob).unwrap();
    let key = |of: &rsa::PrivateKey| PublicKey::read(&made::spki(of)).unwrap();
    assert!(read.is_signed_by(&key(&made::key())) && !read.is_signed_by(&key(&made::other_key())));
    assert_eq!(read.operations.len(), 2);
    assert!(read.operations.iter().all(|it| it.partition == "system" && it.verifies(&blob).unwrap()));
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 1;
    let blob = Blob::from_bytes(changed);
    let verified: Vec<bool> = read.operations.iter().map(|it| it.verifies(&blob).unwrap()).collect();
    assert_eq!(verified, [true, false]);
}

#[test]
fn no_flipped_bit_of_the_metadata_verifies_or_panics() {
    let bytes = payload();
    let key = PublicKey::read(&made::spki(&made::key())).unwrap();
    for at in 0..bytes.len() - 150 {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let read = Payload::read(&Blob::from_bytes(flipped));
        assert!(!read.is_ok_and(|it| it.is_signed_by(&key)), "byte {at:#x}");
    }
}
