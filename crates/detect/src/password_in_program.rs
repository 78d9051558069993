//! A native program carries the hash of a password: whoever knows the password is let in by it, on every phone alike.

use std::collections::BTreeMap;

use model::fact::elf::Elf;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade, Row};
use phone::InitService;

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "password-in-program",
    class: Class::MagicSecret,
    title: "A program holds the hash of a password",
    detect,
};

/// One finding a program.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut services: BTreeMap<ArtifactId, &InitService> = BTreeMap::new();
    for service in context.phone.services.values() {
        for id in context.phone.at(service.program()) {
            services.entry(*id).or_insert(service);
        }
    }
    for row in context.phone.running(&context.phone.facts.elfs) {
        // Readers keep a text that begins so only where it is a whole hash as crypt(3) writes it.
        let hashes: Vec<&str> = row.value.strings.iter().map(String::as_str).filter(|it| it.starts_with('$')).collect();
        // What compares no password has an example, or a vector for a test.
        if !hashes.is_empty() && row.value.imports.iter().any(|it| it.starts_with("crypt")) {
            findings.push(judge(context, row, &hashes, services.get(&row.at.artifact).copied()));
        }
    }
}

fn judge(context: &Context, row: &Row<Elf>, hashes: &[&str], service: Option<&InitService>) -> Finding {
    let native = context.phone.facts.natives.iter().find(|it| it.at.artifact == row.at.artifact);
    let listens = native.is_some_and(|it| it.value.bound.iter().any(|it| it.domain == "internet"));
    let acts = row.value.imports.iter().any(|it| ACTS.contains(&it.as_str()));
    let root = service.is_some_and(|it| it.user() == "root");
    let factors = Factors {
        reach: if listens { Reach::Adjacent } else { Reach::Physical },
        power: if root && acts { Power::System } else { Power::Data },
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let path = context.phone.device_path(row.at.artifact);
    let shown: Vec<&str> = hashes.iter().copied().take(HASHES_SHOWN).collect();
    let mut evidence: Vec<Evidence> =
        shown.iter().map(|it| Evidence::at(row.at, format!("the text {it}, and the import of crypt"))).collect();
    let mut whose = String::new();
    if let Some(service) = service {
        let what = format!("service {} {}", service.service.name, service.service.args.join(" "));
        evidence.push(Evidence::at(service.at, what));
        whose = format!(", which init starts as {},", service.user());
    }
    Finding {
        benign: "an example, or a vector by which a library tests itself; that what is typed is compared with it is not shown"
            .to_owned(),
        subject: "password hash".to_owned(),
        device_path: path.to_owned(),
        evidence,
        action: "find out in a disassembler what the right password opens, and who knows it".to_owned(),
        ..DETECTOR.finding(
            Grade::Suspicion,
            Confidence::Medium,
            factors,
            format!("{path}{whose} computes hashes of passwords, and holds one: {}", shown.join(", ")),
        )
    }
}

/// By which a program acts for who was let in.
const ACTS: &[&str] = &["system", "popen", "execl", "execle", "execlp", "execv", "execve", "execvp", "posix_spawn", "setuid"];

/// Enough to look them up.
const HASHES_SHOWN: usize = 4;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, service};

    fn with(text: &str, imports: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone().service(service("d", "/system/bin/d", None));
        let file = fixture.file("/system/bin/d");
        let elf = Elf {
            strings: vec![text.to_owned()],
            imports: imports.iter().map(|it| (*it).to_owned()).collect(),
            ..Elf::default()
        };
        fixture.facts.elfs.push(Fixture::row(file, elf));
        fixture
    }
    const HASH: &str = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/";

    Cases {
        fires: &[|| with(HASH, &["crypt", "system"])],
        silent: &[
            // A library that has an example in its text, and a program that reads the hash from a file.
            || with(HASH, &["printf"]),
            || with("/data/local/shadow", &["crypt", "system"]),
        ],
    }
};
