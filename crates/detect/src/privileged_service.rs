//! A service of init that runs as root and takes orders: under the superuser's label, or listening on the network.

use std::collections::BTreeMap;

use model::fact::elf::Elf;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade, Location};
use phone::InitService;

use crate::{Context, Detector, root_daemon};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "privileged-service",
    class: Class::RootDaemon,
    title: "Root service that takes orders",
    detect,
};

/// One finding a service under the superuser's label, one a program that listens.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut listeners: BTreeMap<&str, Vec<&InitService>> = BTreeMap::new();
    for service in context.phone.services.values() {
        if service.service.seclabel.as_deref().is_some_and(is_superuser) {
            findings.push(under_superuser(context, service));
        } else if service.user() == "root" && program_of(context, service).is_some_and(|it| listens(it.1)) {
            listeners.entry(service.program()).or_default().push(service);
        }
    }
    // What the code shows is told once.
    listeners.retain(|program, services| !root_daemon::tells_of(context, program, services));
    for (program, services) in listeners {
        let Some((at, elf)) = services.first().and_then(|it| program_of(context, it)) else { continue };
        findings.push(listening(context, program, &services, at, elf));
    }
}

/// Domains in which SELinux stops nothing; AOSP has them in engineering builds only.
fn is_superuser(label: &str) -> bool {
    let domain = label.split(':').nth(2).unwrap_or_default();
    matches!(domain, "su" | "sudaemon" | "magisk" | "supersu")
}

fn under_superuser(context: &Context, service: &InitService) -> Finding {
    let label = service.service.seclabel.as_deref().unwrap_or_default();
    let user = context.phone.properties.build("type") == Some("user");
    let factors = Factors {
        reach: if service.service.sockets.is_empty() { Reach::Physical } else { Reach::AnyApp },
        power: Power::System,
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let claim = format!(
        "init starts {} ({}) as {} with the label {label}, under which SELinux stops nothing",
        service.service.name,
        service.program(),
        service.user()
    );
    Finding {
        benign: "engineering and userdebug builds have such services; a build for users has none".to_owned(),
        subject: service.service.name.clone(),
        device_path: service.program().to_owned(),
        evidence: vec![Evidence::at(service.at, format!("service {} … seclabel {label}", service.service.name))],
        references: vec!["AOSP system/sepolicy, su.te: the domain exists in userdebug and eng builds only".to_owned()],
        action: "ask the maker what this service is for; do not use the phone for anything confidential until then"
            .to_owned(),
        ..DETECTOR.finding(if user { Grade::Finding } else { Grade::Suspicion }, Confidence::High, factors, claim)
    }
}

fn listening(context: &Context, program: &str, services: &[&InitService], at: Location, elf: &Elf) -> Finding {
    let names: Vec<&str> = services.iter().map(|it| it.service.name.as_str()).collect();
    let known = known(context, program);
    // A socket alone is ordinary, and so are Android's own daemons; a socket and a shell in a root service that Android
    // does not have is what a backdoor needs.
    let suspicious = runs_commands(elf) && known.is_none() && !runs_fixed_commands_only(context, program);
    let factors = Factors {
        // Whether the socket is one of the network or one of the phone, imports do not tell.
        reach: Reach::AnyApp,
        power: if suspicious { Power::System } else { Power::None },
        concealment: Concealment::None,
        holder: if known.is_some() { Holder::Legitimate } else { Holder::Unknown },
    };
    let commands = if runs_commands(elf) { ", and run commands" } else { "" };
    let imports: Vec<&str> =
        NETWORK.iter().chain(COMMANDS).copied().filter(|it| elf.imports.iter().any(|name| name == it)).collect();
    let mut evidence: Vec<Evidence> = services
        .iter()
        .map(|it| Evidence::at(it.at, format!("service {} {}", it.service.name, it.service.args.join(" "))))
        .collect();
    evidence.push(Evidence::at(at, format!("imports {}", imports.join(", "))));
    Finding {
        benign: match known {
            Some(_) => "Android has this daemon itself; whether this is Android's own code is not told by its name",
            None => "debugging, quality and tethering daemons of vendors listen too, many on sockets inside the phone only",
        }
        .to_owned(),
        subject: program.to_owned(),
        device_path: program.to_owned(),
        evidence,
        references: known.map(str::to_owned).into_iter().collect(),
        action: "look at which address it binds, and what it does with what it receives".to_owned(),
        ..DETECTOR.finding(
            if suspicious { Grade::Suspicion } else { Grade::Capability },
            Confidence::Low,
            factors,
            format!("init starts {program} as root ({}); the program can listen on a socket{commands}", names.join(", ")),
        )
    }
}

/// Where Android has a daemon of this name itself: the reference.
pub(crate) fn known<'a>(context: &Context<'a>, program: &str) -> Option<&'a str> {
    let file_name = program.rsplit('/').next().unwrap_or_default();
    let known = context.knowledge.init_root.iter().find(|it| it.program == program).map(|it| it.source.as_str());
    known.or_else(|| context.knowledge.network_daemons.get(file_name).map(|it| it.source.as_str()))
}

/// Whether the code of a program was understood, and every command that it runs is written in it.
fn runs_fixed_commands_only(context: &Context, program: &str) -> bool {
    let Some(native) = root_daemon::native_of(context, program).map(|it| &it.value) else { return false };
    let mut commands = native.calls.iter().filter(|it| COMMANDS.contains(&it.name.as_str())).peekable();
    let fixed = |args: &[Option<String>]| matches!(args.first(), Some(Some(text)) if text.starts_with('"'));
    native.is_analysed() && commands.peek().is_some() && commands.all(|it| fixed(&it.args)) && native.ways.is_empty()
}

/// The program of a service, if it is there and native.
fn program_of<'a>(context: &'a Context, service: &InitService) -> Option<(Location, &'a Elf)> {
    let ids = context.phone.at(service.program());
    let elf = context.phone.facts.elfs.iter().find(|it| ids.contains(&it.at.artifact))?;
    Some((elf.at, &elf.value))
}

/// Whether a program can listen on an address of the internet: it binds, listens, and knows of internet addresses.
fn listens(elf: &Elf) -> bool {
    let imports = |name: &str| elf.imports.iter().any(|it| it == name);
    let internet = ["inet_addr", "inet_pton", "inet_ntoa", "inet_ntop", "inet_aton", "getaddrinfo", "htons"];
    imports("bind") && imports("listen") && imports("accept") && internet.iter().any(|it| imports(it))
}

fn runs_commands(elf: &Elf) -> bool {
    COMMANDS.iter().any(|it| elf.imports.iter().any(|name| name == it))
}

const NETWORK: &[&str] = &["socket", "bind", "listen", "accept", "inet_addr", "inet_pton", "inet_aton", "getaddrinfo"];
const COMMANDS: &[&str] = &["system", "popen", "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "posix_spawn"];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, service};
    use model::fact::init::Service;

    fn daemon(user: Option<&str>, imports: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone().service(service("d", "/system/bin/d", user));
        let file = fixture.file("/system/bin/d");
        let imports = imports.iter().map(|it| (*it).to_owned()).collect();
        fixture.facts.elfs.push(Fixture::row(file, Elf { imports, ..Elf::default() }));
        fixture
    }

    Cases {
        fires: &[
            || {
                Fixture::phone().property("ro.build.type", "user").service(Service {
                    seclabel: Some("u:r:su:s0".to_owned()),
                    ..service("flash", "/system/bin/flash", None)
                })
            },
            || daemon(None, &["socket", "bind", "listen", "accept", "inet_addr", "system"]),
        ],
        silent: &[
            || {
                Fixture::phone().service(Service {
                    seclabel: Some("u:r:surfaceflinger:s0".to_owned()),
                    ..service("sf", "/system/bin/surfaceflinger", None)
                })
            },
            // A listening socket inside the phone, as most daemons have.
            || daemon(None, &["socket", "bind", "listen", "accept", "execv"]),
            || daemon(Some("system"), &["socket", "bind", "listen", "accept", "inet_addr", "system"]),
        ],
    }
};
