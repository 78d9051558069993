//! A service of init that runs as root and takes orders: under the superuser's label, or listening on the network.

use model::fact::elf::Elf;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::InitService;

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "privileged-service",
    class: Class::RootDaemon,
    title: "Root service that takes orders",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for service in context.phone.services.values() {
        if service.service.seclabel.as_deref().is_some_and(is_superuser) {
            findings.push(under_superuser(context, service));
        } else if service.user() == "root"
            && let Some((at, elf)) = program_of(context, service)
            && listens(elf)
        {
            findings.push(listening(service, at, elf));
        }
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

fn listening(service: &InitService, at: model::Location, elf: &Elf) -> Finding {
    let runs = runs_commands(elf);
    let factors = Factors {
        reach: Reach::Adjacent,
        power: Power::System,
        concealment: Concealment::None,
        holder: Holder::Unknown,
    };
    let what = if runs { "and can run commands" } else { "" };
    let claim = format!(
        "init starts {} ({}) as root, and the program can listen on a network socket {what}",
        service.service.name,
        service.program()
    );
    let imports: Vec<&str> =
        NETWORK.iter().chain(COMMANDS).copied().filter(|it| elf.imports.iter().any(|name| name == it)).collect();
    Finding {
        benign: "debugging, time, DNS and tethering daemons listen too, most of them on unix sockets only; the address \
                 family is not told by the imports"
            .to_owned(),
        subject: service.service.name.clone(),
        device_path: service.program().to_owned(),
        evidence: vec![
            Evidence::at(service.at, format!("service {} {}", service.service.name, service.service.args.join(" "))),
            Evidence::at(at, format!("imports {}", imports.join(", "))),
        ],
        action: "look at which address it binds and what it does with what it receives".to_owned(),
        // A socket alone is ordinary; a socket and a shell in a root service is what a backdoor needs.
        ..DETECTOR.finding(
            if runs { Grade::Suspicion } else { Grade::Capability },
            Confidence::Low,
            Factors { power: if runs { Power::System } else { Power::None }, ..factors },
            claim.trim_end().to_owned(),
        )
    }
}

/// The program of a service, if it is there and native.
fn program_of<'a>(context: &'a Context, service: &InitService) -> Option<(model::Location, &'a Elf)> {
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
            // A unix socket, as most daemons have.
            || daemon(None, &["socket", "bind", "listen", "accept", "execv"]),
            || daemon(Some("system"), &["socket", "bind", "listen", "accept", "inet_addr", "system"]),
        ],
    }
};
