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
    /// Every app, sorted by device path, then by artifact. What a split declares is part of its base; a split whose base
    /// is not there stands alone.
    pub all: Vec<InstalledApp>,
    /// Apps of which only the code could be read: nothing of the manifest is known, their name is that of their folder.
    pub without_manifest: Vec<InstalledApp>,
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
    /// Its splits, by artifact.
    pub splits: Vec<ArtifactId>,
    /// The components that only a split declares, and where.
    pub split_components: Vec<(String, Location)>,
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

    /// Where a component of this name is declared: in a split, or in the app's own manifest.
    pub fn declares_at(&self, component: &str) -> Location {
        self.split_components.iter().find(|it| it.0 == component).map_or(self.at, |it| it.1)
    }

    /// Takes over what a split declares: the package manager treats base and splits as one app, and takes components,
    /// permissions and code from all of them.
    fn join(&mut self, split: InstalledApp) {
        self.splits.push(split.artifact);
        for component in split.app.components {
            if self.app.components.iter().all(|it| it.name != component.name) {
                self.split_components.push((component.name.clone(), split.at));
                self.app.components.push(component);
            }
        }
        for permission in split.app.uses_permissions {
            if !self.app.uses_permissions.contains(&permission) {
                self.app.uses_permissions.push(permission);
            }
        }
        for permission in split.app.permissions {
            if self.app.permissions.iter().all(|it| it.name != permission.name) {
                self.app.permissions.push(permission);
            }
        }
        self.app.has_code |= split.app.has_code;
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
        let mut splits: Vec<InstalledApp> = Vec::new();
        for row in &facts.apps {
            let artifact = row.at.artifact;
            let device_path = mounts.device_path(artifact).to_owned();
            // An APEX has a manifest too; it is no app, and what lies in it is mounted on its own.
            if [".apex", ".capex"].iter().any(|it| tree.artifact(artifact).file_name().ends_with(it.as_bytes())) {
                continue;
            }
            let app = InstalledApp {
                artifact,
                at: row.at,
                app: row.value.clone(),
                place: Place::of(&device_path),
                device_path,
                signers: newest(signers.remove(&artifact).unwrap_or_default()),
                splits: Vec::new(),
                split_components: Vec::new(),
                effective: false,
                environment: mounts.environment(artifact),
            };
            if row.value.split.is_some() { &mut splits } else { &mut all }.push(app);
        }
        splits.sort_by_key(|it| it.artifact);
        for split in splits {
            let folder = folder_of(tree, split.artifact);
            let is_base =
                |it: &&mut InstalledApp| it.app.package == split.app.package && folder_of(tree, it.artifact) == folder;
            match all.iter_mut().find(is_base) {
                Some(base) => base.join(split),
                None => all.push(split),
            }
        }
        all.sort_by(|a, b| (&a.device_path, a.artifact).cmp(&(&b.device_path, b.artifact)));
        let without_manifest = facts.followed.iter().filter_map(|row| {
            let package = format!("{} (by its folder)", row.value.folder.as_ref()?);
            let device_path = mounts.device_path(row.at.artifact).to_owned();
            Some(InstalledApp {
                artifact: row.at.artifact,
                at: row.at,
                app: App { package, ..App::default() },
                place: Place::of(&device_path),
                device_path,
                signers: Vec::new(),
                splits: Vec::new(),
                split_components: Vec::new(),
                effective: false,
                environment: mounts.environment(row.at.artifact),
            })
        });
        let mut apps = Apps { all, without_manifest: without_manifest.collect(), effective: BTreeMap::new() };
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
        // Beside its key of ML-DSA, v3.2 has one of the schemes before it, and the app goes by that.
        Role::ApkV32 => None,
        Role::SystemCa | Role::OtaKey | Role::Apex | Role::MacPermissions | Role::Other => None,
    }
}

/// The signers of the newest scheme: a phone that knows it looks at no other.
fn newest(signers: Vec<Signer>) -> Vec<Signer> {
    let scheme = |it: &Signer| scheme_of(it.certificate.role);
    let newest = signers.iter().filter_map(scheme).max();
    signers.into_iter().filter(|it| scheme(it) == newest).collect()
}

#[cfg(test)]
mod tests {
    use model::fact::app::Component;
    use model::{Artifact, Blob, Node, Row};

    use super::*;

    #[test]
    fn base_and_splits_of_a_set_are_one_app_and_a_split_alone_is_told() {
        let mut tree = Tree::default();
        let mut facts = Facts::default();
        let mut add = |parent: Option<u32>, name: &str, app: Option<App>| {
            let id = tree.next_id();
            tree.push(Artifact {
                id,
                parent: parent.map(ArtifactId),
                name: name.to_owned(),
                raw_name: name.as_bytes().to_vec(),
                depth: 0,
                blob: Blob::empty(),
                node: Node::file(),
            });
            if let Some(value) = app {
                facts.apps.push(Row { at: Location { artifact: id, offset: 0, size: 1 }, value });
            }
        };
        let app = |package: &str, split: Option<&str>, component: &str| App {
            package: package.to_owned(),
            split: split.map(str::to_owned),
            components: vec![Component { name: component.to_owned(), ..Component::default() }],
            ..App::default()
        };
        add(None, "app.xapk", None);
        add(Some(0), "config.arm64.apk", Some(app("a.b", Some("config.arm64"), "a.b.Main")));
        add(Some(0), "a.b.apk", Some(app("a.b", None, "a.b.Main")));
        add(Some(0), "feature.apk", Some(app("a.b", Some("feature"), "a.b.Door")));
        add(Some(0), "lost.apk", Some(app("c.d", Some("feature"), "c.d.Door")));
        let apps = Apps::of(&tree, &facts, &Mounts::default());
        let base = apps.package("a.b").unwrap();
        assert_eq!(base.splits, [ArtifactId(1), ArtifactId(3)]);
        let names: Vec<&str> = base.app.components.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a.b.Main", "a.b.Door"]);
        assert_eq!(base.declares_at("a.b.Door").artifact, ArtifactId(3), "evidence is where the split says it");
        assert_eq!(base.declares_at("a.b.Main").artifact, ArtifactId(2));
        assert!(apps.package("c.d").is_some(), "what has no base does not vanish");
    }
}
