//! `postern attest`: chains that phones gave, and one that is made here over an image at hand.

#[path = "../../verify/tests/made/mod.rs"]
mod made;

use std::path::Path;
use std::process::Command;

use made::avb;
use verify::ber;
use verify::hash::Hash;

const SAMPLES: &str = "../verify/tests/attest";

/// The exit code and the lines.
fn attest(args: &[&str]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_postern")).arg("attest").args(args).output().unwrap();
    let said = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
    (run.status.code().unwrap(), said)
}

fn sample(name: &str) -> String {
    format!("{SAMPLES}/{name}.pem")
}

#[test]
fn a_chain_of_a_locked_phone_holds_and_is_explained() {
    let (code, said) = attest(&[&sample("v400-remote-ca1"), "--date", "2026-02-26"]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "root        signed up to Key Attestation CA1, Google's root for hardware",
        "boot loader locked",
        "boot state  verified with the vendor's key",
        "boot key    3327af62d84ab897af2523a16dcb5801e60c5d5b97f41ca1bd099c4784f7b743",
        "metadata    ecec32afd4f465fc889f3ed20e6f79aaca1fd1ab3adf9d7f197ecabb0c9a3856",
        "system      Android 16.0.0, patches of 2026-02, vendor 2026-02-05, boot 2026-02-05",
    ] {
        assert!(said.contains(line), "{line} is not in\n{said}");
    }
    let (code, said) = attest(&[&sample("v400-remote-ca1"), "--date", "2036-01-01"]);
    assert!(code == 1 && said.contains("is not valid on that day"), "{said}");
}

#[test]
fn an_open_phone_a_software_root_and_an_unknown_root_are_told() {
    let (code, said) = attest(&[&sample("v3-factory-rsa")]);
    assert!(code == 1 && said.contains("boot loader unlocked"), "{said}");
    let (code, said) = attest(&[&sample("v2-software")]);
    assert!(code == 1 && said.contains("anyone can make such a chain"), "{said}");
    let (_, said) = attest(&[&sample("v3-strongbox-rsa")]);
    assert!(said.contains("root        not known"), "{said}");
}

#[test]
fn an_altered_and_a_revoked_chain_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let pem = std::fs::read_to_string(sample("v400-remote-ca1")).unwrap();
    // A letter in the middle of the first certificate.
    let at = pem.len() / 10;
    let letter = if &pem[at..=at] == "A" { "B" } else { "A" };
    std::fs::write(path("altered.pem"), [&pem[..at], letter, &pem[at + 1..]].concat()).unwrap();
    let (code, said) = attest(&[&path("altered.pem")]);
    assert!(code == 1 || code == 2, "{said}");
    let second = pem.split("-----BEGIN CERTIFICATE-----").nth(2).unwrap();
    let second: String = second.split("-----END").next().unwrap().split_whitespace().collect();
    let second = verify::certificate::Certificate::read(&verify::apk::base64(&second).unwrap()).unwrap();
    let serial: String = second.serial.iter().map(|it| format!("{it:02x}")).collect();
    let list = format!(r#"{{"entries": {{"{serial}": {{"status": "REVOKED", "reason": "KEY_COMPROMISE"}}}}}}"#);
    std::fs::write(path("status.json"), list).unwrap();
    let (code, said) = attest(&[&sample("v400-remote-ca1"), "--revoked", &path("status.json")]);
    assert!(code == 1 && said.contains("certificate 1 is REVOKED: KEY_COMPROMISE"), "{said}");
    std::fs::write(path("status.json"), "no list").unwrap();
    assert_eq!(attest(&[&sample("v400-remote-ca1"), "--revoked", &path("status.json")]).0, 2);
}

/// A chain of two whose statement has this digest of the metadata.
fn chain_over(digest: &[u8]) -> Vec<u8> {
    let root = [
        ber::encoded(ber::OCTET_STRING, &[9; 32]),
        vec![1, 1, 0xff, 10, 1, 0],
        ber::encoded(ber::OCTET_STRING, digest),
    ];
    let root = ber::encoded(ber::SEQUENCE, &root.concat());
    let tagged = [&[0xbf, 0x85, 0x40, root.len() as u8][..], &root].concat();
    let description =
        [vec![2, 1, 4, 10, 1, 1, 2, 1, 4, 10, 1, 1, 4, 0, 4, 0, 0x30, 0], ber::encoded(ber::SEQUENCE, &tagged)];
    let description = ber::encoded(ber::SEQUENCE, &description.concat());
    let oid = ber::encoded(ber::OID, &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 1, 17]);
    let extension = [oid, ber::encoded(ber::OCTET_STRING, &description)].concat();
    made::certificate_with(&made::key(), "phone", &ber::encoded(ber::SEQUENCE, &extension))
}

#[test]
fn the_digest_of_an_image_at_hand_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let key = made::key();
    let chained = avb::vbmeta(Some((&key, Hash::Sha256)), 0, &[]);
    let descriptors =
        [avb::chain("vbmeta_system", &avb::public_key(&key)), avb::hash("boot", ("sha256", Hash::Sha256), b"boot")];
    let vbmeta = avb::vbmeta(Some((&key, Hash::Sha256)), 0, &descriptors);
    let digest = Hash::Sha256.of(&[&vbmeta, &chained]);
    let chain = write("chain.der", &chain_over(&digest));
    let images = [write("vbmeta.img", &vbmeta), write("vbmeta_system.img", &[&chained[..], &[0; 4096]].concat())];
    // Nobody knows the root of this chain.
    let (code, said) = attest(&[&chain, "--image", &images[0], "--image", &images[1]]);
    assert!(code == 3 && said.contains("vbmeta.img: this is what the phone booted"), "{said}");
    let (code, said) = attest(&[&chain, "--image", &images[0]]);
    assert!(code == 3 && said.contains("the metadata of vbmeta_system are not there"), "{said}");
    let other = write("vbmeta.img", &avb::vbmeta(Some((&key, Hash::Sha256)), 0, &descriptors[1..]));
    let (code, said) = attest(&[&chain, "--image", &other]);
    assert!(code == 1 && said.contains("the phone booted another system"), "{said}");
    assert!(Path::new(&other).exists());
}

#[test]
fn a_build_that_no_log_signed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let note = format!(
        "developers.google.com/android/binary_transparency/0\n1\n{hash}\n\n\u{2014} pixel_transparency_log AAAAAAAA\n"
    );
    let (checkpoint, proof) = (write("checkpoint.txt", &note), write("proof.txt", "index 0\n"));
    let sample = sample("v400-remote-ca1");
    let log = ["--fingerprint", "google/tegu", "--checkpoint", &checkpoint, "--proof", &proof];
    let (code, said) = attest(&[&[sample.as_str()][..], &log].concat());
    assert!(code == 1 && said.contains("not signed by a log that is known"), "{said}");
}
