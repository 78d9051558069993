//! The samples on every machine give the same facts; no bytes make the analysis panic.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use model::fact::native::{Native, Way};
use proptest::prelude::*;

macro_rules! samples {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("samples/daemon.", $name)).as_slice()),)*] };
}

const SAMPLES: &[(&str, &[u8])] = samples! { "arm64" "plain.arm64" "arm" "thumb" "x86" "x86_64" };

fn facts(bytes: &[u8]) -> Native {
    native::analyse(bytes).unwrap().native
}

/// Calls and comparisons of a way, without places.
fn text_of(way: &Way) -> String {
    let steps: Vec<String> = way.steps.iter().map(|it| format!("{} calls {}", it.function, it.callee)).collect();
    let gates: Vec<String> = way.gates.iter().map(|it| format!("{} {:?} {}", it.name, it.text, it.equal)).collect();
    format!("{} to {}, traced {}: {} | {}", way.source, way.sink, way.traced, steps.join(", "), gates.join(", "))
}

#[test]
fn what_is_received_is_followed_to_the_command_on_every_machine() {
    for (name, bytes) in SAMPLES {
        let ways: Vec<String> = facts(bytes).ways.iter().map(text_of).collect();
        let serve = "network-input to execute-command, traced true: daemon_main calls serve, serve calls recv, daemon_main \
                     calls serve, serve calls run, run calls system | strncmp \"open:\" true";
        assert_eq!(ways.first().map(String::as_str), Some(serve), "{name}");
        let late = ways.iter().find(|it| it.contains("late calls system"));
        assert!(late.is_some_and(|it| it.contains("calls read")), "{name}: by memory that all share: {ways:?}");
        assert_eq!(ways.len(), 2, "{name}: fixed, overwritten and numbered commands are no ways: {ways:?}");
    }
}

#[test]
fn constants_are_recovered_on_every_machine() {
    for (name, bytes) in SAMPLES {
        let native = facts(bytes);
        let door = native.bound.first().map(|it| (it.domain.as_str(), it.address.as_deref(), it.port));
        assert_eq!(door, Some(("internet", Some("0.0.0.0"), Some(4242))), "{name}");
        let argument = |function: &str, call: &str| {
            let call = native.calls.iter().find(|it| it.function == function && it.name == call);
            call.and_then(|it| it.args.first().cloned().flatten()).unwrap_or_default()
        };
        assert_eq!(argument("choose", "dlopen"), "\"/vendor/lib/libx.so\"", "{name}");
        assert_eq!(argument("choose", "property_set"), "\"sys.example.on\"", "{name}");
        assert_eq!(argument("choose", "gethostbyname"), "\"update.example.invalid\"", "{name}");
        assert_eq!(argument("harmless", "system"), "\"/system/bin/reset\"", "{name}");
        assert_eq!(argument("daemon_main", "socket"), "2", "{name}");
        let hosts: Vec<&str> = native.hosts.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(hosts, ["update.example.invalid"], "{name}");
    }
}

#[test]
fn a_constant_that_decides_about_a_command_is_a_gate_on_every_machine() {
    for (name, bytes) in SAMPLES {
        let mut gates: Vec<String> = facts(bytes)
            .gates
            .iter()
            .map(|it| format!("{} {} {:?} {}", it.function, it.name, it.text, it.equal))
            .collect();
        gates.dedup();
        assert_eq!(gates, ["serve strncmp \"open:\" true", "harmless strcmp \"reset\" true"], "{name}");
    }
}

#[test]
fn what_java_calls_is_found_by_name_and_by_table() {
    for (name, bytes) in SAMPLES {
        let jni: Vec<String> = facts(bytes)
            .jni
            .iter()
            .map(|it| format!("{:?} {} {:?}", it.class.as_deref(), it.method, it.descriptor.as_deref()))
            .collect();
        assert_eq!(jni, ["Some(\"com.example.Native\") run_it None", "None hidden Some(\"(I)I\")"], "{name}");
    }
}

#[test]
fn what_java_calls_is_told_with_what_it_leads_to() {
    for bytes in [include_bytes!("samples/jni.arm64").as_slice(), include_bytes!("samples/jni.thumb")] {
        let jni: Vec<String> =
            facts(bytes).jni.iter().map(|it| format!("{} {}", it.method, it.reaches.join(","))).collect();
        assert_eq!(jni.len(), 3);
        for said in ["go system", "say ", "hidden socket"] {
            assert!(jni.iter().any(|it| it == said), "{said}: {jni:?}");
        }
    }
}

#[test]
fn what_is_offered_by_binder_is_found_by_its_name_and_what_a_caller_sends_is_followed() {
    for (name, bytes) in [
        ("arm64", include_bytes!("samples/binder.arm64").as_slice()),
        ("arm", include_bytes!("samples/binder.arm")),
        ("thumb", include_bytes!("samples/binder.thumb")),
        ("x86_64", include_bytes!("samples/binder.x86_64")),
    ] {
        let native = facts(bytes);
        let offers: Vec<(&str, &str)> =
            native.offers.iter().map(|it| (it.function.as_str(), it.name.as_str())).collect();
        assert_eq!(offers, [("offer", "made.helper")], "{name}: what is asked for is not offered");
        let ways: Vec<(&str, &str, bool)> =
            native.ways.iter().map(|it| (it.source.as_str(), it.sink.as_str(), it.traced)).collect();
        assert_eq!(ways, [("binder-input", "execute-command", true)], "{name}: a fixed command is no way");
    }
}

#[test]
fn every_function_is_found_and_understood() {
    for (name, bytes) in SAMPLES {
        let native = facts(bytes);
        assert_eq!(native.n_understood, native.n_functions, "{name}");
        assert!(native.is_analysed(), "{name}: {} of {} bytes", native.covered_size, native.code_size);
    }
}

#[test]
fn without_sections_and_names_the_same_is_found() {
    for (name, bytes) in SAMPLES {
        let mut bytes = bytes.to_vec();
        // e_shoff, e_shnum and e_shstrndx.
        let (table, count) = if bytes[4] == 2 { (40..48, 60..64) } else { (32..36, 48..52) };
        bytes[table].fill(0);
        bytes[count].fill(0);
        let ways: Vec<String> = facts(&bytes).ways.iter().map(text_of).collect();
        assert!(ways.iter().any(|it| it.contains("run calls system | strncmp \"open:\" true")), "{name}: {ways:?}");
    }
}

#[test]
fn the_same_bytes_give_the_same_facts() {
    for (_, bytes) in SAMPLES {
        assert_eq!(native::analyse(bytes).unwrap(), native::analyse(bytes).unwrap());
    }
}

#[test]
fn no_prefix_and_no_flipped_byte_makes_it_panic() {
    for (n, (_, bytes)) in SAMPLES.iter().enumerate() {
        for len in (n..bytes.len()).step_by(193) {
            let _ = native::analyse(&bytes[..len]);
        }
        let mut bytes = bytes.to_vec();
        for at in (0..64).chain((64 + n..bytes.len()).step_by(61)) {
            let flip = [0x01, 0x80, 0xff][at % 3];
            bytes[at] ^= flip;
            let _ = native::analyse(&bytes);
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn what_is_no_program_is_a_fault() {
    for bytes in [&b""[..], b"\x7fELF", b"PK\x03\x04 no ELF file at all, of some length, so that a header would fit"] {
        assert!(native::analyse(bytes).is_err());
    }
    let mut sparc = SAMPLES[0].1.to_vec();
    sparc[18] = 2;
    assert_eq!(native::analyse(&sparc).unwrap_err().to_string(), "not supported: code of machine 2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random code in an otherwise honest file.
    #[test]
    fn random_code_is_bounded(n in 0..SAMPLES.len(), code in prop::collection::vec(any::<u8>(), 64..512), at in 0usize..1024) {
        let mut bytes = SAMPLES[n].1.to_vec();
        let start = (bytes.len() / 3 + at).min(bytes.len() - code.len());
        bytes[start..start + code.len()].copy_from_slice(&code);
        if let Ok(found) = native::analyse(&bytes) {
            prop_assert!(found.native.n_understood <= found.native.n_functions);
            prop_assert!(found.native.covered_size <= found.native.code_size);
        }
    }
}
