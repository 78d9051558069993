//! What of all that is known by name, address or hash is there at all.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use knowledge::{Case, Indicator, IndicatorKind, Predicate};
use model::fact::sighting::Sighting;
use model::{ArtifactId, Evidence, Row};
use phone::InstalledApp;

use crate::Context;

/// What was seen, by what it is.
pub struct Presence<'a> {
    /// The phone.
    pub context: &'a Context<'a>,
    sightings: HashMap<IndicatorKind, HashMap<&'a str, Vec<&'a Row<Sighting>>>>,
    values: HashMap<&'a str, Vec<&'a Row<Sighting>>>,
    lists: BTreeSet<ArtifactId>,
    names: OnceCell<HashMap<&'a [u8], Vec<ArtifactId>>>,
}

/// An indicator that is there.
pub struct Sign<'a> {
    /// The indicator.
    pub indicator: &'a Indicator,
    /// Where it is.
    pub evidence: Evidence,
}

/// Kinds of signs: those of one kind depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// What an app is called.
    App,
    /// What files, services and properties are called.
    Place,
    /// Where it talks to.
    Network,
    /// What stands in it.
    Text,
    /// The thing itself.
    Thing,
}

impl Sign<'_> {
    /// In words.
    pub fn words(&self) -> String {
        let what = match self.indicator.kind {
            IndicatorKind::Package => "an app with the package name",
            IndicatorKind::Component => "the component",
            IndicatorKind::Class => "the class",
            IndicatorKind::Path => "the file",
            IndicatorKind::Partition => "the partition",
            IndicatorKind::Service => "the service",
            IndicatorKind::Property => "the property",
            IndicatorKind::Port => "the port",
            IndicatorKind::Domain | IndicatorKind::Ip | IndicatorKind::Url => "the address",
            IndicatorKind::Certificate => "an app signed by",
            IndicatorKind::Hash => "a file with the hash",
            IndicatorKind::String => "the text",
            IndicatorKind::Email => "the mail address",
            IndicatorKind::Process => "the program",
            IndicatorKind::Rule => "what matches the rule",
        };
        format!("{what} {}", self.indicator.value)
    }

    /// What other signs it depends on.
    pub fn family(&self) -> Family {
        match self.indicator.kind {
            IndicatorKind::Package | IndicatorKind::Component | IndicatorKind::Class => Family::App,
            IndicatorKind::Path
            | IndicatorKind::Partition
            | IndicatorKind::Service
            | IndicatorKind::Property
            | IndicatorKind::Process
            | IndicatorKind::Port => Family::Place,
            IndicatorKind::Domain | IndicatorKind::Ip | IndicatorKind::Url => Family::Network,
            IndicatorKind::String | IndicatorKind::Email => Family::Text,
            IndicatorKind::Certificate | IndicatorKind::Hash | IndicatorKind::Rule => Family::Thing,
        }
    }
}

impl<'a> Presence<'a> {
    /// Sorts what was seen.
    pub fn of(context: &'a Context<'a>) -> Presence<'a> {
        let mut sightings: HashMap<_, HashMap<_, Vec<_>>> = HashMap::new();
        let mut values: HashMap<_, Vec<_>> = HashMap::new();
        let mut hosts: HashMap<ArtifactId, usize> = HashMap::new();
        let mut lists = BTreeSet::new();
        for row in &context.phone.facts.sightings {
            let seen = &row.value;
            sightings.entry(seen.kind).or_default().entry(seen.value.as_str()).or_default().push(row);
            values.entry(seen.value.as_str()).or_default().push(row);
            let is_host = matches!(seen.kind, IndicatorKind::Domain | IndicatorKind::Ip);
            let n_known = hosts.entry(row.at.artifact).or_default();
            *n_known += usize::from(is_host);
            if HOSTS_OF_A_LIST < seen.n_hosts || KNOWN_HOSTS_OF_A_LIST < *n_known {
                lists.insert(row.at.artifact);
            }
        }
        Presence { context, sightings, values, lists, names: OnceCell::new() }
    }

    /// The indicators of a case that are there, in its order.
    pub fn signs_of(&self, case: &'a Case) -> Vec<Sign<'a>> {
        let sign = |it: &'a Indicator| Some(Sign { indicator: it, evidence: self.place_of(it.kind, &it.value)? });
        case.indicators.iter().filter_map(sign).collect()
    }

    /// Whether a text was seen that a condition of a case asks for: it need not be an indicator.
    pub fn has_text_of(&self, case: &Case) -> bool {
        case.confirms.iter().any(|it| match it {
            Predicate::Holds { any, .. } => any.iter().any(|it| self.values.contains_key(it.as_str())),
            _ => false,
        })
    }

    /// Where something is. A host counts where it is used.
    pub fn place_of(&self, kind: IndicatorKind, value: &str) -> Option<Evidence> {
        let phone = self.context.phone;
        match kind {
            IndicatorKind::Package => {
                let app = phone.apps.package(value)?;
                Some(Evidence::at(app.at, format!("package {value}, version {}", version_of(app))))
            }
            IndicatorKind::Component | IndicatorKind::Class => self.class(value),
            IndicatorKind::Path => self.file(value).map(|it| Evidence::artifact(it, format!("the file {value}"))),
            IndicatorKind::Partition => {
                let row = phone.facts.partitions.iter().find(|it| it.value.name == value)?;
                Some(Evidence::at(row.at, format!("partition {value}")))
            }
            IndicatorKind::Service => {
                let service = phone.services.get(value)?;
                Some(Evidence::at(service.at, format!("service {value}")))
            }
            IndicatorKind::Property => {
                let (_, found) = phone.properties.iter().find(|it| it.0 == value)?;
                Some(Evidence::at(found.at, format!("{value}={}", found.text)))
            }
            IndicatorKind::Certificate => {
                let app = self.signed_by(value).next()?;
                Some(Evidence::at(app.at, format!("{} is signed by {value}", app.app.package)))
            }
            IndicatorKind::Port => None,
            IndicatorKind::Domain | IndicatorKind::Ip | IndicatorKind::Url => {
                let row = self.rows(kind, value).find(|it| self.is_used(it))?;
                Some(evidence(row))
            }
            IndicatorKind::Hash | IndicatorKind::String | IndicatorKind::Email | IndicatorKind::Rule => {
                self.seen(kind, value)
            }
            IndicatorKind::Process => {
                let program = || self.file(value).filter(|it| is_program(phone.device_path(*it)));
                let service = phone.services.get(value).map(|it| Evidence::at(it.at, format!("service {value}")));
                service.or_else(|| program().map(|it| Evidence::artifact(it, format!("the program {value}"))))
            }
        }
    }

    /// The apps that this certificate signs.
    pub fn signed_by(&self, hash: &str) -> impl Iterator<Item = &'a InstalledApp> {
        let signs = move |it: &&InstalledApp| {
            it.signers.iter().map(|it| &it.certificate).any(|it| [&*it.sha256, &*it.sha1, &*it.md5].contains(&hash))
        };
        self.context.phone.apps.effective().filter(signs)
    }

    /// A component of this class, or below this package (`a.b.*`), that a manifest declares.
    fn component(&self, name: &str) -> Option<Evidence> {
        let (app, component) = self
            .context
            .phone
            .apps
            .effective()
            .flat_map(|app| app.app.components.iter().map(move |it| (app, it)))
            .find(|it| names(name, crate::way::class_of(it.1)))?;
        Some(Evidence::at(app.declares_at(&component.name), format!("{} of {}", component.name, app.app.package)))
    }

    /// A class in a manifest or in code.
    pub fn class(&self, name: &str) -> Option<Evidence> {
        self.component(name).or_else(|| self.seen(IndicatorKind::Class, name))
    }

    /// The first place of something.
    pub fn seen(&self, kind: IndicatorKind, value: &str) -> Option<Evidence> {
        self.rows(kind, value).next().map(evidence)
    }

    fn rows(&self, kind: IndicatorKind, value: &str) -> impl Iterator<Item = &'a Row<Sighting>> {
        self.sightings.get(&kind).and_then(|it| it.get(value)).into_iter().flatten().copied()
    }

    /// Everywhere where a text was seen, of whatever kind it is.
    pub fn texts(&self, value: &str) -> impl Iterator<Item = &'a Row<Sighting>> {
        self.values.get(value).into_iter().flatten().copied()
    }

    /// Whether a name stands where it is used: in code or configuration, and not as one of a list.
    pub fn is_used(&self, row: &Row<Sighting>) -> bool {
        let formats = self.context.phone.formats.get(row.at.artifact.0 as usize);
        !self.is_list(row.at.artifact) && formats.is_some_and(|it| it.iter().any(|id| CODE.contains(id)))
    }

    /// Whether a file names many hosts.
    pub fn is_list(&self, artifact: ArtifactId) -> bool {
        self.lists.contains(&artifact)
    }

    /// A file of this path; of this name in any folder, where there is no folder in it; or whose path starts with this.
    pub fn file(&self, path: &str) -> Option<ArtifactId> {
        let phone = self.context.phone;
        if let Some(start) = path.strip_suffix('*') {
            let starts = |path: &str| match start.contains('/') {
                true => path.starts_with(start),
                false => path.rsplit('/').next().is_some_and(|it| it.starts_with(start)),
            };
            return phone.files().find(|it| starts(it.1)).map(|it| it.0.id);
        }
        if path.contains('/') {
            return phone.at(path).iter().copied().find(|it| phone.is_running(*it));
        }
        let names = self.names.get_or_init(|| {
            let mut names: HashMap<&[u8], Vec<ArtifactId>> = HashMap::new();
            phone.files().for_each(|it| names.entry(it.0.file_name()).or_default().push(it.0.id));
            names
        });
        names.get(path.as_bytes())?.first().copied()
    }
}

/// Whether a class is meant by this name, or by its package (`a.b.*`).
pub fn names(known: &str, class: &str) -> bool {
    match known.strip_suffix(".*") {
        Some(package) => class.strip_prefix(package).is_some_and(|it| it.starts_with('.')),
        None => known == class,
    }
}

/// Whether a phone starts programs from this folder.
fn is_program(path: &str) -> bool {
    ["/bin/", "/xbin/", "/sbin/", "/data/local/tmp/"].iter().any(|it| path.contains(it))
}

/// What was seen where, in words.
pub fn evidence(row: &Row<Sighting>) -> Evidence {
    let seen = &row.value;
    let detail = match seen.found == seen.value {
        true => format!("{} {}", seen.kind.word(), seen.value),
        false => format!("{} {} in \"{}\"", seen.kind.word(), seen.value, seen.found),
    };
    Evidence::at(row.at, detail)
}

/// The version of an app, as it states it.
pub fn version_of(app: &InstalledApp) -> &str {
    app.app.version_name.as_deref().unwrap_or("not stated")
}

/// Formats that a phone runs, or is set up by.
const CODE: &[&str] =
    &["dex", "cdex", "vdex", "oat", "dalvik-odex", "elf", "script", "init-rc", "prop", "kernel", "art"];

/// Real programs name some dozen hosts; browsers and stores a few hundred in code.
const HOSTS_OF_A_LIST: u32 = 1000;

/// A program that talks to more known hosts than the largest family has is one that knows them, as a guard does.
const KNOWN_HOSTS_OF_A_LIST: usize = 30;
