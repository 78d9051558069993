//! A program that talks to the modem hands orders on: from the modem to a command, or from any app to the modem.

use std::collections::BTreeMap;

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use surface::{Gate, GateKind, Outsider};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "modem-bridge",
    class: Class::ModemBridge,
    title: "A bridge between the modem and the system",
    detect,
};

/// One finding a program and direction.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let gates = &context.surface.gates;
    let mut programs: BTreeMap<&str, &Gate> = BTreeMap::new();
    for gate in gates.iter().filter(|it| it.kind == GateKind::Modem) {
        programs.entry(&gate.device_path).or_insert(gate);
    }
    for (program, modem) in programs {
        if let Some(lead) = modem.leads.iter().find(|it| it.told && matches!(it.capability.as_str(), "execute-command" | "load-native")) {
            let mut evidence = vec![Evidence::at(modem.at, format!("{program} names {}", modem.name))];
            evidence.extend(lead.steps.iter().map(|it| Evidence::at(it.at, format!("{}: {}", it.layer, it.what))));
            let claim = format!(
                "{program}, which opens {}, runs as {} what it reads; whether it reads it from the modem is not shown",
                modem.name, lead.acts_as
            );
            findings.push(finding(program, Grade::Suspicion, Reach::Adjacent, "modem to system", evidence, claim));
        }
        let orders = context.phone.facts.elfs.iter().find(|it| it.at == modem.at);
        let speaks = orders.is_some_and(|it| it.value.strings.iter().any(|it| it.starts_with("AT+") || it.starts_with("AT%")));
        let open = gates.iter().find(|it| {
            matches!(it.kind, GateKind::LocalSocket | GateKind::ListeningSocket)
                && it.device_path == program
                && it.open_to().any(|it| matches!(it, Outsider::App | Outsider::Nearby))
        });
        if let Some(socket) = open.filter(|_| speaks) {
            let reach = if socket.kind == GateKind::LocalSocket { Reach::AnyApp } else { Reach::Adjacent };
            let evidence = vec![
                Evidence::at(socket.at, format!("socket {}", socket.name)),
                Evidence::at(modem.at, format!("{program} names {} and commands to it (AT+…)", modem.name)),
            ];
            let claim = format!(
                "{program}, which gives the modem commands by {}, has a socket that {} may open: {}",
                modem.name,
                if reach == Reach::AnyApp { "any app" } else { "who is on the network" },
                socket.name
            );
            findings.push(finding(program, Grade::Suspicion, reach, "apps to modem", evidence, claim));
        }
    }
}

fn finding(program: &str, grade: Grade, reach: Reach, way: &str, evidence: Vec<Evidence>, claim: String) -> Finding {
    let power = if way == "modem to system" { Power::System } else { Power::Data };
    let factors = Factors { reach, power, concealment: Concealment::None, holder: Holder::Unknown };
    Finding {
        benign: "a daemon for the modem starts fixed programs, and factory tools talk to it through sockets; what is received \
                 may be checked in a way that was not recognised"
            .to_owned(),
        subject: format!("{program} {way}"),
        device_path: program.to_owned(),
        evidence,
        action: "read what the program does with what it receives".to_owned(),
        ..DETECTOR.finding(grade, Confidence::Medium, factors, claim)
    }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, service};
    use model::fact::elf::Elf;
    use model::fact::init::{Service, Socket};
    use model::fact::native::{Native, Way};

    fn daemon(strings: &[&str], mode: u16, sink: &str) -> Fixture {
        let sockets = vec![Socket { name: "atd".to_owned(), mode, ..Socket::default() }];
        let mut fixture = Fixture::phone().service(Service { sockets, ..service("atd", "/vendor/bin/atd", None) });
        let file = fixture.file("/vendor/bin/atd");
        let strings = strings.iter().map(|it| (*it).to_owned()).collect();
        fixture.facts.elfs.push(Fixture::row(file, Elf { strings, ..Elf::default() }));
        let way = Way { source: "input".to_owned(), sink: sink.to_owned(), traced: true, ..Way::default() };
        fixture.facts.natives.push(Fixture::row(file, Native { ways: vec![way], ..Native::default() }));
        fixture
    }

    Cases {
        fires: &[|| daemon(&["AT+CFUN", "/dev/smd7"], 0o666, "none"), || daemon(&["/dev/umts_rfs0"], 0o660, "execute-command")],
        silent: &[
            || daemon(&["AT+CFUN", "/dev/smd7"], 0o660, "none"),
            || daemon(&["/dev/smd7"], 0o666, "none"),
            || daemon(&["AT+CFUN", "/dev/null"], 0o666, "execute-command"),
        ],
    }
};
