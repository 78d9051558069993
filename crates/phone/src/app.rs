//! The apps of a phone: one effective app per package, and those that it hides.

use std::collections::{BTreeMap, HashMap};

use model::fact::app::App;
use model::fact::certificate::{Certificate, Role};
use model::{ArtifactId, Facts, Location, Tree};

use crate::Mounts;
use crate::mount::Environment;

/// All apps that were found.
#[derive(Debug, Default)]
pub struct Apps {
    /// Every app, splits left out, sorted by device path, then by artifact.
    pub all: Vec<InstalledApp>,
    effective: BTreeMap<String, usize>,
}

/// An app and where the phone has it.
#[derive(Debug, Clone)]
pub struct InstalledApp {
    /// The package file.
    pub artifact: ArtifactId,
    /// Where its manifest stands.
    pub at: Location,
    /// What the manifest says.
    pub app: App,
    /// Where the phone has it; empty for an app that was given alone.
    pub device_path: String,
    /// What kind of place that is.
    pub place: Place,
    /// Who signed it, by the newest scheme that the package has. More than one: all of them.
    pub signers: Vec<Signer>,
    /// Its splits.
    pub splits: Vec<ArtifactId>,
    /// Whether it is what the package manager would use of its package.
    pub effective: bool,
    /// What it is part of; `None` for an app that was given alone.
    pub environment: Option<Environment>,
}

/// A signer and where its certificate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Its certificate.
    pub certificate: Certificate,
    /// Where.
    pub at: Location,
}

/// What kind of place an app is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// `framework`: the platform's own resources.
    Framework,
    /// `priv-app`: may hold privileged permissions.
    Privileged,
    /// `app`.
    System,
    /// `overlay`.
    Overlay,
    /// `/data/app` and the like: installed by a user or by a preloader.
    Data,
    /// Anywhere else on the phone: no package manager looks there.
    Elsewhere,
    /// Not on a phone.
    Alone,
}

impl Place {
    fn of(device_path: &str) -> Place {
        if device_path.is_empty() {
            return Place::Alone;
        }
        if device_path.contains('!') {
            return Place::Elsewhere;
        }
        let folders: Vec<&str> = device_path.split('/').collect();
        let has = |name: &str| folders.iter().rev().skip(1).any(|it| *it == name);
        match () {
            () if device_path.starts_with("/data/") || has("data-app") => Place::Data,
            () if has("priv-app") => Place::Privileged,
            () if has("overlay") => Place::Overlay,
            () if has("framework") => Place::Framework,
            () if has("app") => Place::System,
            () => Place::Elsewhere,
        }
    }

    /// Whether the package manager treats it as part of the system.
    pub fn is_system(self) -> bool {
        matches!(self, Place::Framework | Place::Privileged | Place::System | Place::Overlay)
    }
}

impl InstalledApp {
    /// The subject of the first signer, or a word that there is none.
    pub fn signer_subject(&self) -> &str {
        self.signers.first().map_or("not signed", |it| &it.certificate.subject)
    }

    /// Whether this certificate (SHA-256) is among the signers.
    pub fn is_signed_by(&self, sha256: &str) -> bool {
        self.signers.iter().any(|it| it.certificate.sha256 == sha256)
    }

    /// Whether it asks for a permission.
    pub fn asks_for(&self, permission: &str) -> bool {
        self.app.uses_permissions.iter().any(|it| it.name == permission)
    }

    /// Whether it has an entry in the launcher.
    pub fn has_launcher(&self) -> bool {
        self.app.components.iter().flat_map(|it| &it.filters).any(|it| {
            it.actions.iter().any(|action| action == "android.intent.action.MAIN")
                && it.categories.iter().any(|category| {
                    matches!(
                        category.as_str(),
                        "android.intent.category.LAUNCHER"
                            | "android.intent.category.LEANBACK_LAUNCHER"
                            | "android.intent.category.HOME"
                    )
                })
        })
    }
}

impl Apps {
    pub(crate) fn of(tree: &Tree, facts: &Facts, mounts: &Mounts) -> Apps {
        let mut signers: HashMap<ArtifactId, Vec<Signer>> = HashMap::new();
        for row in &facts.certificates {
            if scheme_of(row.value.role).is_some() {
                let signer = Signer { certificate: row.value.clone(), at: row.at };
                signers.entry(row.at.artifact).or_default().push(signer);
            }
        }
        let mut all = Vec::new();
        let mut splits: Vec<(String, ArtifactId, String)> = Vec::new();
        for row in &facts.apps {
            let artifact = row.at.artifact;
            let device_path = mounts.device_path(artifact).to_owned();
            // An APEX has a manifest too; it is no app, and what lies in it is mounted on its own.
            if [".apex", ".capex"].iter().any(|it| tree.artifact(artifact).file_name().ends_with(it.as_bytes())) {
                continue;
            }
            if row.value.split.is_some() {
                splits.push((row.value.package.clone(), artifact, folder_of(tree, artifact)));
                continue;
            }
            all.push(InstalledApp {
                artifact,
                at: row.at,
                app: row.value.clone(),
                place: Place::of(&device_path),
                device_path,
                signers: newest(signers.remove(&artifact).unwrap_or_default()),
                splits: Vec::new(),
                effective: false,
                environment: mounts.environment(artifact),
            });
        }
        all.sort_by(|a, b| (&a.device_path, a.artifact).cmp(&(&b.device_path, b.artifact)));
        for (package, artifact, folder) in splits {
            let base = all.iter_mut().find(|it| it.app.package == package && folder_of(tree, it.artifact) == folder);
            if let Some(base) = base {
                base.splits.push(artifact);
            }
        }
        let mut apps = Apps { all, effective: BTreeMap::new() };
        apps.choose();
        apps
    }

    /// The effective app of a package.
    pub fn package(&self, name: &str) -> Option<&InstalledApp> {
        self.effective.get(name).and_then(|it| self.all.get(*it))
    }

    /// The effective apps, sorted by package.
    pub fn effective(&self) -> impl Iterator<Item = &InstalledApp> {
        self.effective.values().filter_map(|it| self.all.get(*it))
    }

    /// Of several apps of one package, an update in `/data` hides the system's own; of two in the system, the one in a
    /// better place is taken, then that of the higher version, then the first by path.
    fn choose(&mut self) {
        for (index, app) in self.all.iter().enumerate() {
            if !matches!(app.environment, None | Some(Environment::Normal)) {
                continue;
            }
            let rank = |it: &InstalledApp| {
                let place = match it.place {
                    Place::Data => 0,
                    Place::Framework | Place::Privileged | Place::System | Place::Overlay => 1,
                    Place::Elsewhere | Place::Alone => 2,
                };
                (place, std::cmp::Reverse(it.app.version_code))
            };
            let entry = self.effective.entry(app.app.package.clone()).or_insert(index);
            if rank(app) < rank(&self.all[*entry]) {
                *entry = index;
            }
        }
        let chosen: Vec<usize> = self.effective.values().copied().collect();
        for index in chosen {
            self.all[index].effective = true;
        }
    }
}

/// What splits and their base share: the artifact that holds them, and the folder in it.
fn folder_of(tree: &Tree, id: ArtifactId) -> String {
    let artifact = tree.artifact(id);
    let folder = artifact.name.rsplit_once('/').map_or("", |it| it.0);
    format!("{:?} {folder}", artifact.parent)
}

fn scheme_of(role: Role) -> Option<u8> {
    match role {
        Role::ApkV1 => Some(1),
        Role::ApkV2 => Some(2),
        Role::ApkV3 => Some(3),
        Role::ApkV31 => Some(4),
        Role::SystemCa | Role::OtaKey | Role::Apex | Role::MacPermissions | Role::Other => None,
    }
}

/// The signers of the newest scheme: a phone that knows it looks at no other.
fn newest(signers: Vec<Signer>) -> Vec<Signer> {
    let scheme = |it: &Signer| scheme_of(it.certificate.role);
    let newest = signers.iter().filter_map(scheme).max();
    signers.into_iter().filter(|it| scheme(it) == newest).collect()
}
