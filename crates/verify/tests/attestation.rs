//! Chains of key attestation that phones gave, chains that are made here, and both altered.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

mod made;

use verify::attest::chain::{Chain, Problem, Root};
use verify::attest::record::{BootState, SecurityLevel};
use verify::ber;
use verify::certificate::Certificate;

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/attest/{name}.pem")).unwrap()
}

/// The certificates of a file in DER.
fn ders(pem: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(pem).unwrap();
    let parts = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = parts.map(|it| it.split("-----END").next().unwrap().split_whitespace().collect::<String>());
    bodies.map(|it| verify::apk::base64(&it).unwrap()).collect()
}

/// The key of the last certificate as the only root.
fn roots_of(ders: &[Vec<u8>]) -> Vec<Root> {
    let spki = Certificate::read(ders.last().unwrap()).unwrap().spki;
    vec![Root { name: "root".to_owned(), spki, is_hardware: true }]
}

#[test]
fn chains_that_phones_gave_verify_and_say_what_was_published_of_them() {
    // Name, certificates, version, who made the statement, locked, state, provisioned remotely.
    let expected = [
        ("v2-software", 3, 2, SecurityLevel::Software, None, false),
        ("v3-factory-ec", 4, 3, SecurityLevel::TrustedEnvironment, Some((false, BootState::Unverified)), false),
        ("v3-strongbox-rsa", 4, 3, SecurityLevel::StrongBox, Some((false, BootState::Unverified)), false),
        ("v3-factory-rsa", 4, 3, SecurityLevel::TrustedEnvironment, Some((false, BootState::Unverified)), false),
        ("v300-remote-strongbox", 5, 300, SecurityLevel::StrongBox, Some((true, BootState::Verified)), true),
        ("v400-remote-ca1", 5, 400, SecurityLevel::TrustedEnvironment, Some((true, BootState::Verified)), true),
        ("v500-remote-mldsa", 5, 500, SecurityLevel::TrustedEnvironment, Some((false, BootState::Unverified)), true),
    ];
    for (name, n, version, level, boot, remote) in expected {
        let pem = sample(name);
        let roots = roots_of(&ders(&pem));
        let chain = Chain::read(&pem, &roots, None).unwrap();
        assert!(chain.holds(&roots), "{name}: {:?}", chain.problems);
        assert_eq!((chain.links.len(), chain.is_provisioned_remotely()), (n, remote), "{name}");
        let description = chain.description.unwrap();
        assert_eq!((description.attestation_version, description.attestation_level), (version, level), "{name}");
        let root = description.hardware.root_of_trust.map(|it| (it.device_locked, it.state));
        assert_eq!(root, boot, "{name}");
        // One DER behind the other is the same file, and the root may be left out.
        let ders = ders(&pem);
        assert!(Chain::read(&ders.concat(), &roots, None).unwrap().holds(&roots), "{name} in DER");
        assert!(Chain::read(&ders[..n - 1].concat(), &roots, None).unwrap().holds(&roots), "{name} without its root");
        assert!(!Chain::read(&pem, &[], None).unwrap().holds(&[]), "{name} under no root");
    }
}

#[test]
fn a_statement_is_read_to_its_fields() {
    let pem = sample("v300-remote-strongbox");
    let chain = Chain::read(&pem, &[], None).unwrap();
    let description = chain.description.unwrap();
    let hardware = &description.hardware;
    assert_eq!((hardware.os_version, hardware.os_patch_level), (Some(160_000), Some(202_511)));
    assert_eq!((hardware.vendor_patch_level, hardware.boot_patch_level), (Some(20_251_105), Some(20_251_105)));
    assert!(hardware.ids.contains(&("model", "Pixel 9 Pro".to_owned())), "{:?}", hardware.ids);
    let hash = hardware.root_of_trust.as_ref().unwrap().verified_boot_hash.as_deref().unwrap();
    assert_eq!(hash[..4], [0x06, 0xa2, 0x39, 0x25]);
    let app = description.software.app.unwrap();
    assert_eq!(app.packages, [("com.google.android.attestation".to_owned(), 0)]);
    assert_eq!(app.signatures[0].len(), 32);
}

/// Flips bits at these places, and cuts there: what is still believed says the same in what is signed.
fn sweep(ders: &[Vec<u8>], places: impl Iterator<Item = usize>) {
    let roots = roots_of(ders);
    let whole = ders.concat();
    let without_root = whole.len() - ders.last().unwrap().len();
    let good = Chain::read(&whole, &roots, None).unwrap();
    assert!(good.holds(&roots));
    for at in places.take_while(|it| *it < whole.len()) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        if let Some(chain) = Chain::read(&flipped, &roots, None).ok().filter(|it| it.holds(&roots)) {
            assert_eq!(chain.description, good.description, "byte {at:#x}");
            for (link, own) in chain.links.iter().zip(&good.links) {
                assert_eq!(link.certificate.tbs, own.certificate.tbs, "byte {at:#x}");
            }
        }
        let cut = Chain::read(&whole[..at], &roots, None);
        assert_eq!(cut.is_ok_and(|it| it.holds(&roots)), at == without_root, "{at} bytes");
    }
}

#[test]
fn no_flipped_bit_and_no_cut_changes_what_is_believed() {
    sweep(&ders(&sample("v400-remote-ca1")), (0..).step_by(17));
    let key = made::key();
    let leaf = certificate(&key, "leaf", &key, "root", &extension(17, &description(3, true)));
    sweep(&[leaf, certificate(&key, "root", &key, "root", &[])], 0..);
}

#[test]
fn validity_counts_where_keys_are_renewed() {
    let (remote, factory) = (sample("v400-remote-ca1"), sample("v3-factory-rsa"));
    let problems = |pem: &[u8], day| Chain::read(pem, &roots_of(&ders(pem)), Some(day)).unwrap().problems;
    assert_eq!(problems(&remote, "20260226"), []);
    assert!(problems(&remote, "20290101").contains(&Problem::NotValid(1)));
    assert!(problems(&remote, "20200101").contains(&Problem::NotValid(1)));
    assert_eq!(problems(&factory, "20990101"), [], "a factory key is never renewed");
}

/// `KeyDescription` with a root of trust in the hardware's list.
fn description(version: u8, locked: bool) -> Vec<u8> {
    let mut root = ber::encoded(ber::OCTET_STRING, &[5; 32]);
    root.extend([1, 1, if locked { 0xff } else { 0 }, 10, 1, 0]);
    let root = ber::encoded(ber::SEQUENCE, &root);
    let mut tagged = vec![0xbf, 0x85, 0x40, root.len() as u8];
    tagged.extend(root);
    let parts = [
        vec![2, 1, version, 10, 1, 1, 2, 1, version, 10, 1, 1],
        ber::encoded(ber::OCTET_STRING, b"challenge"),
        ber::encoded(ber::OCTET_STRING, b""),
        ber::encoded(ber::SEQUENCE, &[]),
        ber::encoded(ber::SEQUENCE, &tagged),
    ];
    ber::encoded(ber::SEQUENCE, &parts.concat())
}

fn extension(last: u8, value: &[u8]) -> Vec<u8> {
    let oid = ber::encoded(ber::OID, &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 1, last]);
    ber::encoded(ber::SEQUENCE, &[oid, ber::encoded(ber::OCTET_STRING, value)].concat())
}

fn certificate(key: &rsa::PrivateKey, subject: &str, signer: &rsa::PrivateKey, issuer: &str, more: &[u8]) -> Vec<u8> {
    made::certificate_by(key, subject, (signer, issuer), more)
}

#[test]
fn every_version_of_the_statement_is_read() {
    let key = made::key();
    let root = certificate(&key, "root", &key, "root", &[]);
    for version in [1, 2, 3, 4, 100] {
        let leaf = certificate(&key, "leaf", &key, "root", &extension(17, &description(version, true)));
        let roots = roots_of(std::slice::from_ref(&root));
        let chain = Chain::read(&[&leaf[..], &root].concat(), &roots, None).unwrap();
        assert!(chain.holds(&roots), "{:?}", chain.problems);
        assert_eq!(chain.description.unwrap().attestation_version, u64::from(version));
    }
}

#[test]
fn an_attested_key_cannot_attest_in_the_name_of_the_hardware() {
    let (key, own) = (made::key(), made::other_key());
    let root = certificate(&key, "root", &key, "root", &[]);
    let attested = certificate(&own, "attested", &key, "root", &extension(17, &description(4, false)));
    let forged = certificate(&own, "forged", &own, "attested", &extension(17, &description(4, true)));
    let roots = roots_of(std::slice::from_ref(&root));
    let chain = Chain::read(&[forged, attested, root].concat(), &roots, None).unwrap();
    assert_eq!(chain.problems, [Problem::Extended(0)]);
    let hardware = chain.description.unwrap().hardware;
    assert!(!hardware.root_of_trust.unwrap().device_locked, "what hardware states is read, not what the owner added");
}

#[test]
fn what_is_wrong_with_a_chain_is_named() {
    let (key, other) = (made::key(), made::other_key());
    let root = certificate(&key, "root", &key, "root", &[]);
    let roots = roots_of(std::slice::from_ref(&root));
    let problems = |leaf: Vec<u8>| Chain::read(&[&leaf[..], &root].concat(), &roots, None).unwrap().problems;
    let stated = extension(17, &description(3, true));
    assert_eq!(problems(certificate(&key, "leaf", &other, "root", &stated)), [Problem::NotSigned(0)]);
    assert_eq!(problems(certificate(&key, "leaf", &key, "elsewhere", &stated)), [Problem::OtherIssuer(0)]);
    assert_eq!(problems(certificate(&key, "leaf", &key, "root", &[])), [Problem::NoDescription]);
    assert_eq!(
        problems(certificate(&key, "leaf", &key, "root", &extension(17, b"x"))),
        [Problem::BrokenDescription(0)]
    );
    assert_eq!(problems(certificate(&key, "leaf", &key, "root", &extension(25, b"x"))), [Problem::OtherDescription(0)]);
    assert!(Chain::read(b"", &roots, None).is_err() && Chain::read(b"no chain", &roots, None).is_err());
}
