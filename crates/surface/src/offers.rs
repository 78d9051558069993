//! Objects that native programs offer by Binder: who can find them, whose they are, where what a caller sends leads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::fact::elf::Elf;
use model::fact::native::{Native, Offer, Way};
use model::{ArtifactId, Location, Row};
use phone::{InitService, Phone};

use crate::contexts::Contexts;
use crate::gate::{Gate, GateKind, LeadStep};
use crate::guard::{ANY_APP, Barrier};
use crate::system::{INSTRUCTION, leads_of, policy};

/// One for each name that a program or library offers, with the first service of init that brings it.
pub(crate) fn gates(phone: &Phone, contexts: &Contexts, gates: &mut Vec<Gate>) {
    let elfs: BTreeMap<ArtifactId, &Row<Elf>> = phone.facts.elfs.iter().map(|it| (it.at.artifact, it)).collect();
    let offering: Vec<&Row<Native>> =
        phone.running(&phone.facts.natives).filter(|it| !it.value.offers.is_empty()).collect();
    if offering.is_empty() {
        return;
    }
    let libraries = libraries_of(phone, &elfs);
    let brought = Brought::of(phone, &elfs, &libraries);
    for native in offering {
        let path = phone.device_path(native.at.artifact);
        let service = brought.by.get(&native.at.artifact).copied();
        let (owner, user) = service.map_or((path, "?"), |it| (it.service.name.as_str(), it.user()));
        // Where nothing here reads what callers send, what is offered is the object of a library that is needed.
        let is_own = native.value.ways.iter().any(is_sent);
        let asks = elfs.get(&native.at.artifact).and_then(|it| {
            let needed = it.value.needed.iter().filter(|_| !is_own);
            let needed = needed.filter_map(|it| libraries.get(it.as_str())).flatten();
            let needed = needed.filter_map(|id| Some((phone.device_path(*id), &elfs.get(id)?.value)));
            [("it", &it.value)].into_iter().chain(needed).find_map(|(who, elf)| asks_who_calls(who, elf))
        });
        for offer in &native.value.offers {
            let at = Location { artifact: native.at.artifact, offset: offer.offset, size: INSTRUCTION };
            let start = LeadStep { layer: "native", what: format!("{} offers {}", offer.function, offer.name), at };
            gates.push(Gate {
                channel: None,
                kind: GateKind::BinderService,
                name: offer.name.clone(),
                owner: owner.to_owned(),
                device_path: path.to_owned(),
                at,
                from: ANY_APP.to_vec(),
                barriers: found_by(contexts, offer).into_iter().chain(asks.clone()).collect(),
                leads: leads_of(native, user, &start, is_sent),
            });
        }
    }
}

/// Whether a way begins with what a caller sends.
fn is_sent(way: &Way) -> bool {
    way.source == "binder-input"
}

/// Whom the policy lets find it.
fn found_by(contexts: &Contexts, offer: &Offer) -> Option<Barrier> {
    let (target, class) = match offer.hidl {
        // Labels name the interface without its version.
        true => {
            let (package, rest) = offer.name.split_once('@').unwrap_or((&offer.name, ""));
            let interface = rest.split_once("::").map_or("", |it| it.1);
            (contexts.type_of_hardware_service(&format!("{package}::{interface}")), "hwservice_manager")
        }
        false => (contexts.type_of_service(&offer.name), "service_manager"),
    };
    policy(contexts.who(target, class, &["find"]), target)
}

/// What a program or library links that tells who calls.
fn asks_who_calls(who: &str, elf: &Elf) -> Option<Barrier> {
    let asks = elf.imports.iter().find(|it| ASKS.iter().any(|asks| it.contains(asks)))?;
    let text = format!("{who} asks who calls ({asks}): that this guards what follows is not shown");
    Some(Barrier { kind: "caller-check", text, passes: &[] })
}

/// Programs and libraries by the name under which others need them.
fn libraries_of<'a>(phone: &'a Phone, elfs: &BTreeMap<ArtifactId, &'a Row<Elf>>) -> BTreeMap<&'a str, Vec<ArtifactId>> {
    let mut libraries: BTreeMap<&str, Vec<ArtifactId>> = BTreeMap::new();
    for (id, elf) in elfs {
        let path = phone.device_path(*id);
        let name = elf.value.soname.as_deref().or_else(|| path.rsplit('/').next()).unwrap_or_default();
        libraries.entry(name).or_default().push(*id);
    }
    libraries
}

/// Which service of init brings a program or library.
struct Brought<'a> {
    by: BTreeMap<ArtifactId, &'a InitService>,
}

impl<'a> Brought<'a> {
    fn of(
        phone: &'a Phone,
        elfs: &BTreeMap<ArtifactId, &Row<Elf>>,
        libraries: &BTreeMap<&str, Vec<ArtifactId>>,
    ) -> Brought<'a> {
        let mut by: BTreeMap<ArtifactId, &InitService> = BTreeMap::new();
        for service in phone.services.values() {
            let mut queue: VecDeque<ArtifactId> =
                phone.at(service.program()).iter().copied().filter(|it| elfs.contains_key(it)).collect();
            let mut seen: BTreeSet<ArtifactId> = queue.iter().copied().collect();
            let wide = queue.front().and_then(|it| elfs.get(it)).map(|it| it.value.bits);
            while let Some(id) = queue.pop_front() {
                by.entry(id).or_insert(service);
                let needed = elfs.get(&id).into_iter().flat_map(|it| &it.value.needed);
                let found = needed.filter_map(|it| libraries.get(it.as_str())).flatten();
                queue.extend(
                    found.copied().filter(|it| elfs.get(it).map(|it| it.value.bits) == wide && seen.insert(*it)),
                );
                if NEEDED_MAX < seen.len() {
                    break;
                }
            }
        }
        Brought { by }
    }
}

/// Methods of libbinder, libbinder_ndk and libhwbinder (AOSP) that tell who calls, or whether a caller may.
const ASKS: &[&str] = &["getCallingUid", "getCallingPid", "getCallingSid", "checkCallingPermission", "checkPermission"];

/// A program needs some hundred libraries.
const NEEDED_MAX: usize = 1000;
