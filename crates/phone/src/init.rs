//! What init would start, merged over all partitions.

use std::collections::BTreeMap;

use model::fact::init::{Action, Section, Service};
use model::{Facts, Location};

use crate::Mounts;
use crate::mount::Environment;

/// A service of init.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitService {
    /// What the script says.
    pub service: Service,
    /// Where.
    pub at: Location,
    /// The script.
    pub device_path: String,
    /// Other definitions of the same name, which init ignores or which this one overrides.
    pub others: Vec<Location>,
}

impl InitService {
    /// The program, without arguments.
    pub fn program(&self) -> &str {
        self.service.args.first().map_or("", |it| it)
    }

    /// The user it runs as: root where none is stated.
    pub fn user(&self) -> &str {
        self.service.user.as_deref().unwrap_or("root")
    }
}

/// The services of the running system by name: the first definition stays, unless a later one says `override`.
pub fn services_of(facts: &Facts, mounts: &Mounts) -> BTreeMap<String, InitService> {
    let mut services: BTreeMap<String, InitService> = BTreeMap::new();
    for (path, at, section) in sections(facts, mounts) {
        let Section::Service(service) = section else { continue };
        let new = || InitService { service: (**service).clone(), at, device_path: path.to_owned(), others: Vec::new() };
        match services.get_mut(&service.name) {
            None => {
                services.insert(service.name.clone(), new());
            }
            Some(old) if service.overrides => {
                let mut others = std::mem::take(&mut old.others);
                others.push(old.at);
                *old = InitService { others, ..new() };
            }
            Some(old) => old.others.push(at),
        }
    }
    services
}

/// An `on` section of the running system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitAction {
    /// Triggers that all must hold, and commands.
    pub action: Action,
    /// Where.
    pub at: Location,
}

/// The actions of the running system, in init's order.
pub(crate) fn actions_of(facts: &Facts, mounts: &Mounts) -> Vec<InitAction> {
    let action = |(_, at, section): (&str, Location, &Section)| match section {
        Section::Action(action) => Some(InitAction { action: action.clone(), at }),
        Section::Service(_) | Section::Import(_) => None,
    };
    sections(facts, mounts).into_iter().filter_map(action).collect()
}

/// `export BOOTCLASSPATH a:b:c`.
pub(crate) fn boot_class_path_of(facts: &Facts, mounts: &Mounts) -> Vec<String> {
    for (_, _, section) in sections(facts, mounts) {
        let Section::Action(action) = section else { continue };
        for command in &action.commands {
            if let [export, name, value, ..] = command.args.as_slice()
                && export == "export"
                && name == "BOOTCLASSPATH"
            {
                return value.split(':').map(str::to_owned).collect();
            }
        }
    }
    Vec::new()
}

/// The sections of the running system in init's order: the root's script first, then system, vendor, odm, product.
fn sections<'a>(facts: &'a Facts, mounts: &'a Mounts) -> Vec<(&'a str, Location, &'a Section)> {
    let rank = |path: &str| {
        ["/init.rc", "/init", "/system/etc/init/hw", "/system/etc", "/system_ext", "/vendor", "/odm", "/product", ""]
            .iter()
            .position(|it| path.starts_with(it))
    };
    let mut sections: Vec<_> = facts
        .init
        .iter()
        .filter(|it| mounts.environment(it.at.artifact) == Some(Environment::Normal))
        .map(|it| (mounts.device_path(it.at.artifact), it.at, &it.value))
        .collect();
    sections.sort_by_key(|it| (rank(it.0), it.0, it.1));
    sections
}
