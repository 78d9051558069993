//! A service of init that would run as root, and whose program is not there.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "dangling-service",
    class: Class::Hygiene,
    title: "Root services without a program",
    detect,
};

/// One finding a script: vendors leave dozens of such lines.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let mut scripts: std::collections::BTreeMap<&str, Vec<&phone::InitService>> = std::collections::BTreeMap::new();
    for service in phone.services.values().filter(|it| it.user() == "root") {
        let program = service.program();
        // Only where the folder is there: a partition that was not given would make everything dangle.
        let folder = program.rsplit_once('/').map_or("", |it| it.0);
        let folder_is_there = phone.files().any(|(_, path)| path.strip_prefix(folder).is_some_and(|it| it.starts_with('/')));
        if phone.at(program).is_empty() && folder_is_there && LINKED.iter().all(|it| !program.starts_with(it)) {
            scripts.entry(&service.device_path).or_default().push(service);
        }
    }
    for (script, services) in scripts {
        let names: Vec<&str> = services.iter().map(|it| it.service.name.as_str()).collect();
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::None,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let claim = format!(
            "{script} starts {} as root, and the program is not on the phone: whoever could write it would run as root",
            names.join(", ")
        );
        let evidence = services
            .iter()
            .map(|it| Evidence::at(it.at, format!("service {} {}", it.service.name, it.service.args.join(" "))));
        findings.push(Finding {
            benign: "left over from another model or an engineering build; the system partition cannot be written"
                .to_owned(),
            subject: names.join(" "),
            device_path: script.to_owned(),
            evidence: evidence.collect(),
            action: "nothing to do; told so that a later difference is noticed".to_owned(),
            ..DETECTOR.finding(Grade::Suspicion, Confidence::Medium, factors, claim)
        });
    }
}

/// Folders that are links on many phones, so that a dump has their files elsewhere.
const LINKED: &[&str] = &["/vendor/", "/odm/", "/product/", "/system_ext/", "/sbin/", "/bin/", "/apex/"];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, service};
    Cases {
        fires: &[|| {
            Fixture::phone().with_file("/system/bin/sh").service(service("gone", "/system/bin/gone", None))
        }],
        silent: &[
            || Fixture::phone().with_file("/system/bin/sh").service(service("sh", "/system/bin/sh", None)),
            || Fixture::phone().with_file("/system/bin/sh").service(service("x", "/system/bin/x", Some("system"))),
            // The partition was not given.
            || Fixture::phone().service(service("gone", "/odm/bin/gone", None)),
        ],
    }
};
