//! A service of init that runs as root, and whose code passes what it receives from a socket, or from a caller by Binder, to a
//! command.

use std::collections::BTreeMap;

use model::fact::native::{Native, Way};
use model::finding::{Concealment, Factors, Holder, Power, Reach, Step};
use model::{Class, Confidence, Evidence, Finding, Grade, Location, Row};
use phone::InitService;
use surface::GateKind;

use crate::{Context, Detector, privileged_service};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "root-daemon",
    class: Class::RootDaemon,
    title: "Root service that runs what it receives",
    detect,
};

/// One finding a program.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut programs: BTreeMap<&str, Vec<&InitService>> = BTreeMap::new();
    for service in context.phone.services.values().filter(|it| it.user() == "root") {
        programs.entry(service.program()).or_default().push(service);
    }
    for (program, services) in programs {
        if let Some(native) = native_of(context, program)
            && let Some((way, entry)) = way_in(context, program, &native.value, &services)
        {
            findings.push(judge(context, program, &services, native, way, entry));
        }
    }
}

/// Who can send what reaches a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    /// It listens for other machines.
    Listens,
    /// It listens for programs of this phone, any of which may connect.
    ListensInside,
    /// It offers an object under a name that any app may find.
    Offers,
    /// It asks another machine.
    Asks,
}

/// The code of a program.
pub(crate) fn native_of<'a>(context: &'a Context, program: &str) -> Option<&'a Row<Native>> {
    let ids = context.phone.at(program);
    context.phone.facts.natives.iter().find(|it| ids.contains(&it.at.artifact))
}

/// Whether this detector tells of a program.
pub(crate) fn tells_of(context: &Context, program: &str, services: &[&InitService]) -> bool {
    native_of(context, program).is_some_and(|it| way_in(context, program, &it.value, services).is_some())
}

/// The way by which most can come in, and who may use it.
fn way_in<'a>(
    context: &Context,
    program: &str,
    native: &'a Native,
    services: &[&InitService],
) -> Option<(&'a Way, Entry)> {
    let family = |number: &str| {
        native.calls.iter().any(|it| it.name == "socket" && it.args.first().and_then(Option::as_deref) == Some(number))
    };
    let internet = native.bound.iter().any(|it| it.domain == "internet") || family("2") || family("10");
    let listens = native.calls.iter().any(|it| matches!(it.name.as_str(), "listen" | "accept" | "accept4"));
    let bound: Vec<&str> = native.bound.iter().filter_map(|it| it.address.as_deref()).collect();
    let inside = !bound.is_empty() && bound.iter().all(|it| it.starts_with("127."));
    // A socket that init makes has a mode; one that only its owner and group may open is a door for them alone.
    let open_socket = services.iter().flat_map(|it| &it.service.sockets).any(|it| it.mode & 0o002 != 0);
    // A name that the policy keeps from apps, or a program that looks who calls, is no door for them.
    let offers = !native.offers.is_empty()
        && context.surface.gates.iter().any(|gate| {
            gate.kind == GateKind::BinderService
                && gate.device_path == program
                && gate.leads.iter().any(|it| it.told && gate.open_along(it).next().is_some())
        });
    let entry_of = |way: &Way| match way.source.as_str() {
        "network-input" | "socket-input" if internet => Some(match () {
            () if inside => Entry::ListensInside,
            () if listens || !native.bound.is_empty() => Entry::Listens,
            () => Entry::Asks,
        }),
        "local-socket-input" | "socket-input" if open_socket => Some(Entry::ListensInside),
        "binder-input" if offers => Some(Entry::Offers),
        _ => None,
    };
    let runs = |way: &&Way| way.traced && matches!(way.sink.as_str(), "execute-command" | "load-native");
    native.ways.iter().filter(runs).filter_map(|it| Some((it, entry_of(it)?))).min_by_key(|it| it.1)
}

fn judge(
    context: &Context,
    program: &str,
    services: &[&InitService],
    native: &Row<Native>,
    way: &Way,
    entry: Entry,
) -> Finding {
    let known = privileged_service::known(context, program);
    let grade = match entry {
        _ if known.is_some() => Grade::Capability,
        Entry::Listens | Entry::ListensInside | Entry::Offers => Grade::Finding,
        // Whether what is asked for is verified is not shown.
        Entry::Asks => Grade::Suspicion,
    };
    let factors = Factors {
        reach: match entry {
            Entry::Listens => Reach::Adjacent,
            Entry::ListensInside | Entry::Offers => Reach::AnyApp,
            Entry::Asks => Reach::Remote,
        },
        power: Power::System,
        concealment: Concealment::None,
        holder: if known.is_some() { Holder::Legitimate } else { Holder::Unknown },
    };
    let names: Vec<&str> = services.iter().map(|it| it.service.name.as_str()).collect();
    let (door, words) = (door_of(&native.value), words_of(way));
    let from = match entry {
        Entry::Listens => format!("it listens on the network{door}, and what it receives"),
        Entry::ListensInside => format!("it listens on a socket that any app may open{door}, and what it receives"),
        Entry::Offers => {
            let names: Vec<&str> = native.value.offers.iter().take(NAMES_SHOWN).map(|it| it.name.as_str()).collect();
            format!("it offers {} by Binder, which nothing that was read keeps from apps, and what a caller sends", names.join(", "))
        }
        Entry::Asks => "what it receives from the network".to_owned(),
    };
    let end = match way.sink.as_str() {
        "load-native" => "code that is loaded",
        _ => "a command that is run",
    };
    let claim = format!("init starts {program} as root ({}); {from} reaches {end}{words}", names.join(", "));
    let at = |offset: u64| Location { artifact: native.at.artifact, offset, size: INSTRUCTION };
    let mut evidence: Vec<Evidence> = services
        .iter()
        .map(|it| Evidence::at(it.at, format!("service {} {}", it.service.name, it.service.args.join(" "))))
        .collect();
    for bound in native.value.bound.iter().filter(|it| it.domain == "internet") {
        let (address, port) = (bound.address.as_deref().unwrap_or("?"), bound.port.map(|it| it.to_string()));
        let port = port.as_deref().unwrap_or("?");
        evidence.push(Evidence::at(at(bound.offset), format!("{} binds {address}:{port}", bound.function)));
    }
    for offer in native.value.offers.iter().filter(|_| entry == Entry::Offers).take(NAMES_SHOWN) {
        evidence.push(Evidence::at(at(offer.offset), format!("{} offers {}", offer.function, offer.name)));
    }
    for step in &way.steps {
        evidence.push(Evidence::at(at(step.offset), format!("{} calls {}", step.function, step.callee)));
    }
    for gate in way.gates.iter().take(GATES_SHOWN) {
        let which = if gate.equal { "if it is" } else { "unless it is" };
        evidence.push(Evidence::at(at(gate.offset), format!("{}: {} {which} {:?}", gate.function, gate.name, gate.text)));
    }
    let class = program.rsplit('/').next().unwrap_or_default();
    let flow = way.steps.iter().map(|it| Step {
        at: at(it.offset),
        class: class.to_owned(),
        method: it.function.clone(),
        what: format!("calls {}", it.callee),
    });
    Finding {
        benign: match known {
            Some(_) => "Android has this daemon itself; whether this is Android's own code is not told by its name",
            None => {
                "a diagnosis or factory service that was left in; what is received may be one of a few fixed words, which \
                 the comparisons below would show"
            }
        }
        .to_owned(),
        subject: program.to_owned(),
        device_path: program.to_owned(),
        evidence,
        flow: flow.collect(),
        references: known.map(str::to_owned).into_iter().collect(),
        action: "read the way below in a disassembler; do not connect this phone to a network that others use".to_owned(),
        ..DETECTOR.finding(grade, Confidence::Medium, factors, claim)
    }
}

/// Address and port, where both are known.
fn door_of(native: &Native) -> String {
    let known = native.bound.iter().find_map(|it| Some((it.address.as_deref()?, it.port?)));
    known.map_or_else(String::new, |(address, port)| format!(" ({address}:{port})"))
}

/// The words without which nothing happens.
fn words_of(way: &Way) -> String {
    let words: Vec<String> = way.gates.iter().filter(|it| it.equal).map(|it| format!("{:?}", it.text)).collect();
    match words.as_slice() {
        [] => String::new(),
        words => format!(", after a comparison with {}", words.iter().take(GATES_SHOWN).cloned().collect::<Vec<_>>().join(" and ")),
    }
}

/// Enough to find it again.
const INSTRUCTION: u64 = 4;

/// Enough to see what it waits for.
const GATES_SHOWN: usize = 4;

/// Names of objects that are told.
const NAMES_SHOWN: usize = 4;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, service};
    use model::fact::init::{Service, Socket};
    use model::fact::native::{Bound, Call, Step as NativeStep};

    fn daemon(source: &str, traced: bool, calls: &[(&str, &str)], bound: &[&str], service: Service) -> Fixture {
        let mut fixture = Fixture::phone().service(service);
        let file = fixture.file("/system/bin/d");
        let call = |(name, arg): &(&str, &str)| Call {
            name: (*name).to_owned(),
            args: vec![Some((*arg).to_owned())],
            ..Call::default()
        };
        let steps = [("serve", "recv"), ("serve", "system")].map(|(function, callee)| NativeStep {
            function: function.to_owned(),
            offset: 0,
            callee: callee.to_owned(),
        });
        let native = Native {
            calls: calls.iter().map(call).collect(),
            bound: bound
                .iter()
                .map(|it| Bound {
                    domain: "internet".to_owned(),
                    address: Some((*it).to_owned()),
                    port: Some(4242),
                    ..Bound::default()
                })
                .collect(),
            ways: vec![Way {
                source: source.to_owned(),
                sink: "execute-command".to_owned(),
                traced,
                steps: steps.to_vec(),
                gates: Vec::new(),
            }],
            ..Native::default()
        };
        fixture.facts.natives.push(Fixture::row(file, native));
        fixture
    }
    fn root() -> Service {
        service("d", "/system/bin/d", None)
    }
    fn with_socket(mode: u16) -> Service {
        Service { sockets: vec![Socket { name: "d".to_owned(), mode, ..Socket::default() }], ..root() }
    }
    fn offers(imports: &[&str]) -> Fixture {
        use model::fact::elf::Elf;
        use model::fact::native::Offer;
        let mut fixture = daemon("binder-input", true, &[], &[], root());
        let offer = Offer { name: "made.helper".to_owned(), ..Offer::default() };
        fixture.facts.natives.iter_mut().for_each(|it| it.value.offers.push(offer.clone()));
        let imports = imports.iter().map(|it| (*it).to_owned()).collect();
        let at = fixture.facts.natives.first().map(|it| it.at).expect("a program");
        fixture.facts.elfs.push(model::Row { at, value: Elf { imports, ..Elf::default() } });
        fixture
    }
    const LISTENS: &[(&str, &str)] = &[("socket", "2"), ("listen", "3")];

    Cases {
        fires: &[
            || daemon("network-input", true, LISTENS, &["0.0.0.0"], root()),
            || daemon("socket-input", true, LISTENS, &["127.0.0.1"], root()),
            || daemon("network-input", true, &[("socket", "2"), ("connect", "3")], &[], root()),
            || daemon("local-socket-input", true, &[], &[], with_socket(0o666)),
            || offers(&["_ZN7android21defaultServiceManagerEv"]),
        ],
        silent: &[
            // The one only leads to where the other is.
            || daemon("network-input", false, LISTENS, &["0.0.0.0"], root()),
            || daemon("network-input", true, LISTENS, &["0.0.0.0"], service("d", "/system/bin/d", Some("shell"))),
            // It looks who calls.
            || offers(&["_ZNK7android14IPCThreadState13getCallingUidEv"]),
            // A crash daemon and its kin: the socket is for the system alone.
            || daemon("local-socket-input", true, &[("socket", "1"), ("listen", "3")], &[], with_socket(0o660)),
            // A thermal daemon reads a file.
            || daemon("input", true, &[("socket", "1")], &[], root()),
        ],
    }
};
