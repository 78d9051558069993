//! Whether the conditions of a case hold.

use knowledge::{Case, Indicator, IndicatorKind, Place, Predicate, Within};
use model::fact::flow::{Flow, Way};
use model::finding::Step;
use model::{ArtifactId, Evidence, Location};
use phone::InstalledApp;

use crate::presence::{self, Presence};
use crate::way::{self, evidence_of, flow_of};

/// One case, before the phone.
pub struct Trial<'p, 'a> {
    presence: &'p Presence<'a>,
    /// The apps that the case is about, also under another name: by package, by class, by signer.
    apps: Vec<&'a InstalledApp>,
}

/// Whether a condition holds.
pub enum Outcome {
    /// It does, and this shows it.
    Holds(Vec<Evidence>, Vec<Step>),
    /// It does not, for this reason.
    Fails(String),
}

impl Outcome {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        matches!(self, Outcome::Holds(..))
    }

    /// Why it does not hold.
    pub fn why_not(&self) -> Option<String> {
        match self {
            Outcome::Holds(..) => None,
            Outcome::Fails(why) => Some(why.clone()),
        }
    }

    /// What shows it.
    pub fn evidence(self) -> Vec<Evidence> {
        match self {
            Outcome::Holds(evidence, _) => evidence,
            Outcome::Fails(_) => Vec::new(),
        }
    }

    /// The way of a value, where one shows it.
    pub fn flow(&self) -> Option<Vec<Step>> {
        match self {
            Outcome::Holds(_, flow) if !flow.is_empty() => Some(flow.clone()),
            _ => None,
        }
    }

    fn of(evidence: Option<Evidence>, why: impl FnOnce() -> String) -> Outcome {
        match evidence {
            Some(evidence) => Outcome::Holds(vec![evidence], Vec::new()),
            None => Outcome::Fails(why()),
        }
    }
}

impl<'p, 'a> Trial<'p, 'a> {
    /// Finds the apps that a case is about.
    pub fn of(presence: &'p Presence<'a>, case: &Case) -> Trial<'p, 'a> {
        let phone = presence.context.phone;
        let packages = case.confirms.iter().flat_map(|it| match it {
            Predicate::Package { any, .. } => any.as_slice(),
            _ => &[],
        });
        let packages: Vec<&String> = packages.chain(values(case, IndicatorKind::Package)).collect();
        let classes: Vec<&String> =
            values(case, IndicatorKind::Class).chain(values(case, IndicatorKind::Component)).collect();
        let signers: Vec<&Indicator> =
            case.indicators.iter().filter(|it| it.kind == IndicatorKind::Certificate && it.is_decisive()).collect();
        let seen_in: Vec<ArtifactId> = classes
            .iter()
            .flat_map(|it| presence.texts(it))
            .flat_map(|it| phone.tree.ancestors(it.at.artifact).map(|it| it.id))
            .collect();
        let is_meant = |app: &&InstalledApp| {
            packages.contains(&&app.app.package)
                || app.app.components.iter().any(|it| classes.iter().any(|known| presence::names(known, &it.name)))
                || seen_in.contains(&app.artifact)
                || signers.iter().any(|it| app.is_signed_by(&it.value))
        };
        Trial { presence, apps: phone.apps.effective().filter(is_meant).collect() }
    }

    /// Whether a condition holds.
    pub fn outcome_of(&self, predicate: &Predicate) -> Outcome {
        let phone = self.presence.context.phone;
        match predicate {
            Predicate::Package { any, place } => {
                let app = any.iter().filter_map(|it| phone.apps.package(it)).find(|it| is_in(it, *place));
                let detail =
                    |it: &InstalledApp| format!("package {}, version {}", it.app.package, presence::version_of(it));
                Outcome::of(app.map(|it| Evidence::at(it.at, detail(it))), || match place {
                    Some(_) => "no app of these names lies there".to_owned(),
                    None => "no app has one of the package names".to_owned(),
                })
            }
            Predicate::VersionBelow { package, version } => self.version_below(package, version),
            Predicate::Class { any } => Outcome::of(any.iter().find_map(|it| self.presence.class(it)), || {
                format!("no code holds {}", any.join(" or "))
            }),
            Predicate::Certificate { any, place } => {
                let app = any.iter().find_map(|it| self.presence.signed_by(it).find(|it| is_in(it, *place)));
                let detail = |it: &InstalledApp| format!("{} is signed by it", it.app.package);
                Outcome::of(app.map(|it| Evidence::at(it.at, detail(it))), || match place {
                    Some(Place::Data) => "no user's app is signed by the certificate".to_owned(),
                    _ => "no app is signed by the certificate".to_owned(),
                })
            }
            Predicate::Hash { any } => {
                let seen = any.iter().find_map(|it| self.presence.seen(IndicatorKind::Hash, it));
                Outcome::of(seen, || "no file has the hash".to_owned())
            }
            Predicate::Path { any } => {
                let file = any.iter().find_map(|it| Some((it, self.presence.file(it)?)));
                Outcome::of(file.map(|(path, id)| Evidence::artifact(id, format!("the file {path}"))), || {
                    format!("there is no file {}", any.join(" or "))
                })
            }
            Predicate::Holds { any, path, within } => self.holds(any, path.as_deref(), *within),
            Predicate::Property { name, any } => {
                let found = phone.properties.iter().find(|it| it.0 == name);
                let fits = found.filter(|it| any.is_empty() || any.contains(&it.1.text));
                Outcome::of(fits.map(|it| Evidence::at(it.1.at, format!("{name}={}", it.1.text))), || match found {
                    Some((_, value)) => format!("the property {name} is \"{}\"", value.text),
                    None => format!("the property {name} is not set"),
                })
            }
            Predicate::Flow { source, sink } => self.flow(source, sink),
            Predicate::Unguarded { any } => self.unguarded(any),
        }
    }

    fn version_below(&self, package: &str, version: &str) -> Outcome {
        let Some(app) = self.presence.context.phone.apps.package(package) else {
            return Outcome::Fails(format!("{package} is not there"));
        };
        let stated = presence::version_of(app);
        match (numbers(stated), numbers(version)) {
            (Some(is), Some(bound)) if is < bound => {
                Outcome::Holds(vec![Evidence::at(app.at, format!("version {stated}, below {version}"))], Vec::new())
            }
            (Some(_), _) => Outcome::Fails(format!("{package} has version {stated}, which is not below {version}")),
            (None, _) => Outcome::Fails(format!("the version of {package} cannot be compared: {stated}")),
        }
    }

    fn holds(&self, any: &[String], path: Option<&str>, within: Within) -> Outcome {
        let phone = self.presence.context.phone;
        let fits = |id: ArtifactId| match (path, within) {
            (Some(path), _) => {
                let on_phone = phone.device_path(id);
                let name = phone.tree.artifact(id).file_name();
                if path.contains('/') { on_phone == path } else { name == path.as_bytes() }
            }
            (None, Within::Code) => true,
            (None, Within::Kernel) => phone.formats.get(id.0 as usize).is_some_and(|it| it.contains(&"kernel")),
            (None, Within::Partition) => phone.device_path(id).is_empty(),
        };
        let used = |row: &&model::Row<_>| within != Within::Code || path.is_some() || self.presence.is_used(row);
        let row = any
            .iter()
            .find_map(|it| self.presence.texts(it).filter(|it| fits(it.at.artifact)).find(used))
            .filter(|it| !self.presence.is_list(it.at.artifact));
        Outcome::of(row.map(presence::evidence), || format!("none of this stands in it: {}", any.join(", ")))
    }

    fn flow(&self, source: &[String], sink: &[String]) -> Outcome {
        let facts = &self.presence.context.phone.facts;
        let is_of = |package: &str| self.apps.iter().any(|it| it.app.package == package);
        let found = |at: Location, way: &Way| Outcome::Holds(evidence_of(at, way), flow_of(at, way));
        let door = |package: &str, class: &str| {
            self.presence.context.surface.entry_points.iter().any(|it| {
                it.app.app.package == package && way::class_of(it.component) == class && it.guard.is_open_to_any_app()
            })
        };
        // A value that is only compared does not arrive, and one of another app does not pass a guarded door.
        let arrives = |it: &&model::Row<Flow>| {
            let flow = &it.value;
            let passes = || flow.component.as_deref().is_some_and(|it| door(&flow.package, it));
            source.contains(&flow.source)
                && sink.contains(&flow.sink)
                && is_of(&flow.package)
                && !flow.bundled
                && flow.secret.is_none()
                && (flow.source != "exported-intent" || passes())
        };
        let is_plain = |way: &Way| !way.indirect && CHECKS.iter().all(|it| !way.has_check(it));
        let flows: Vec<&model::Row<Flow>> = facts.flows.iter().filter(arrives).collect();
        if let Some(row) = flows.iter().find(|it| is_plain(&it.value.way)) {
            return found(row.at, &row.value.way);
        }
        // What a component does whatever it is told, it does for everyone who may call it; settings of its own are no power.
        let matters = |it: &str| crate::exported_capability::UNTOLD.contains(&it);
        let reaches = facts
            .reaches
            .iter()
            .filter(|it| !it.value.bundled && is_of(&it.value.package) && matters(&it.value.sink));
        if source.iter().any(|it| it == "exported-intent") {
            let row = reaches
                .filter(|it| sink.contains(&it.value.sink) && is_plain(&it.value.way))
                .find(|it| door(&it.value.package, &it.value.component));
            if let Some(row) = row {
                return found(row.at, &row.value.way);
            }
        }
        let whole = self
            .apps
            .iter()
            .all(|app| facts.followed.iter().any(|it| it.at.artifact == app.artifact && it.value.whole));
        let sinks: Vec<&str> = sink.iter().map(|it| way::sink_words(it)).collect();
        Outcome::Fails(match (self.apps.is_empty(), whole) {
            _ if !flows.is_empty() => format!(
                "something from outside may reach {}, by way of a place that others write too, or past a check",
                sinks.join(" or ")
            ),
            (true, _) => "no app of the case is there".to_owned(),
            (false, true) => format!("its code was followed, and nothing from outside reaches {}", sinks.join(" or ")),
            (false, false) => format!("its code could not be followed to where something reaches {}", sinks.join(" or ")),
        })
    }

    fn unguarded(&self, any: &[String]) -> Outcome {
        let context = self.presence.context;
        let open = context.surface.entry_points.iter().find(|it| {
            any.iter().any(|known| presence::names(known, way::class_of(it.component))) && it.guard.is_open_to_any_app()
        });
        if let Some(entry) = open {
            let at = entry.app.declares_at(&entry.component.name);
            let detail = format!("{} of {} has no guard", entry.component.name, entry.app.app.package);
            return Outcome::Holds(vec![Evidence::at(at, detail)], Vec::new());
        }
        let declared = context.phone.apps.effective().find_map(|app| {
            let is_it = |it: &&model::fact::app::Component| any.iter().any(|known| presence::names(known, &it.name));
            app.app.components.iter().find(is_it).map(|it| (app, it))
        });
        Outcome::Fails(match declared {
            None => format!("no app has {}", any.join(" or ")),
            Some((app, component)) => match &component.permission {
                _ if !component.enabled || !app.app.enabled => format!("{} is switched off", component.name),
                Some(permission) => format!("{} is guarded by {permission}", component.name),
                None => format!("{} is guarded, or open to nobody", component.name),
            },
        })
    }
}

/// Kinds of checks that may turn away who should not come in.
const CHECKS: &[&str] = &["caller-check", "verification"];

/// The texts of the indicators of a kind.
fn values(case: &Case, kind: IndicatorKind) -> impl Iterator<Item = &String> {
    case.indicators.iter().filter(move |it| it.kind == kind).map(|it| &it.value)
}

fn is_in(app: &InstalledApp, place: Option<Place>) -> bool {
    match place {
        None => true,
        Some(Place::System) => app.place.is_system(),
        Some(Place::Data) => app.place == phone::Place::Data,
    }
}

/// The numbers that a version starts with (`5.4.0.1_eng`), without zeros at its end.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let start: &str = version.split(|it: char| !it.is_ascii_digit() && it != '.').next().unwrap_or_default();
    let numbers: Option<Vec<u64>> =
        start.split('.').filter(|it| !it.is_empty()).map(|it| it.parse().ok()).collect();
    let mut numbers = numbers?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    (!start.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(numbers("5.9") < numbers("5.10"));
        assert_eq!(numbers("5.4.0"), numbers("5.4"));
        assert!(numbers("5.4.0.1_eng") > numbers("5.4"));
        assert_eq!(numbers("release"), None);
        assert_eq!(numbers("not stated"), None);
    }
}
