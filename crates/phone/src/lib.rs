//! [`Phone`]: the facts of one device put together. Opens nothing, judges nothing.

mod app;
mod init;
mod mount;
mod permission;
mod property;

use std::collections::BTreeMap;

use knowledge::Knowledge;
use model::fact::certificate::Role;
use model::{Artifact, ArtifactId, Facts, Gap, Location, Row, Tree};

pub use app::{Apps, InstalledApp, Place, Signer};
pub use init::{InitAction, InitService, services_of};
pub use mount::{Environment, Mount, Mounts};
pub use permission::{Permissions, ProtectionLevel};
pub use property::{Properties, Value};

/// The facts of one device put together.
pub struct Phone {
    /// All artifacts.
    pub tree: Tree,
    /// All facts, as readers stated them.
    pub facts: Facts,
    /// Where the tool could not look.
    pub gaps: Vec<Gap>,
    /// The ids of the formats that each artifact was read as, by artifact id.
    pub formats: Vec<Vec<&'static str>>,
    /// File systems and where the phone mounts them.
    pub mounts: Mounts,
    /// System properties as the running phone has them.
    pub properties: Properties,
    /// One effective app per package, and those it hides.
    pub apps: Apps,
    /// Permissions with the app that declares them.
    pub permissions: Permissions,
    /// Services of init, merged over all partitions, by name.
    pub services: BTreeMap<String, InitService>,
    /// What init does when something happens.
    pub actions: Vec<InitAction>,
    /// `BOOTCLASSPATH`, where init sets it.
    pub boot_class_path: Vec<String>,
}

impl Phone {
    /// Puts the facts together. `formats` holds format ids by artifact id.
    pub fn assemble(
        tree: Tree,
        mut facts: Facts,
        gaps: Vec<Gap>,
        formats: Vec<Vec<&'static str>>,
        knowledge: &Knowledge,
    ) -> Phone {
        let mounts = Mounts::of(&tree, &facts, &formats);
        settle_roles(&mut facts, &mounts);
        let properties = Properties::of(&facts, &mounts);
        let apps = Apps::of(&tree, &facts, &mounts);
        let sdk = properties.value("ro.build.version.sdk").and_then(|it| it.parse().ok());
        let permissions = Permissions::of(&apps, knowledge, sdk);
        let services = init::services_of(&facts, &mounts);
        let actions = init::actions_of(&facts, &mounts);
        let boot_class_path = init::boot_class_path_of(&facts, &mounts);
        Phone { tree, facts, gaps, formats, mounts, properties, apps, permissions, services, actions, boot_class_path }
    }

    /// Where the phone has an artifact; empty where it has no place there (a package, an image, a foreign file).
    pub fn device_path(&self, id: ArtifactId) -> &str {
        self.mounts.device_path(id)
    }

    /// Whether an artifact is part of the system that runs when the phone is switched on: not of the inactive slot, not
    /// of recovery, not outside any file system.
    pub fn is_running(&self, id: ArtifactId) -> bool {
        self.mounts.environment(id) == Some(Environment::Normal)
    }

    /// The artifacts of a device path. Several, where partitions hide each other.
    pub fn at(&self, device_path: &str) -> &[ArtifactId] {
        self.mounts.at(device_path)
    }

    /// The rows of one kind of fact that belong to the running system.
    pub fn running<'a, T>(&'a self, rows: &'a [Row<T>]) -> impl Iterator<Item = &'a Row<T>> {
        rows.iter().filter(|it| self.is_running(it.at.artifact))
    }

    /// Files, links, folders and nodes of the running system, with their device paths.
    pub fn files(&self) -> impl Iterator<Item = (&Artifact, &str)> {
        self.tree
            .iter()
            .filter(|it| self.is_running(it.id) && self.mounts.is_entry(it.id))
            .map(|it| (it, self.device_path(it.id)))
    }

    /// The artifact of a location.
    pub fn artifact(&self, at: Location) -> &Artifact {
        self.tree.artifact(at.artifact)
    }

    /// Whether a system was given: something that init or the package manager would start from.
    pub fn is_phone(&self) -> bool {
        let has = |path: &str| !self.at(path).is_empty();
        has("/system/build.prop") || has("/init.rc") || has("/system/etc/init/hw/init.rc") || has("/system/framework")
    }

    /// The signer of the platform: who signed the package `android` (framework-res.apk). Where that is not to be had,
    /// the signer of most system apps that share the system's user id.
    pub fn platform_signer(&self) -> Option<&Signer> {
        if let Some(signer) = self.apps.package("android").and_then(|it| it.signers.first()) {
            return Some(signer);
        }
        let mut counts: BTreeMap<&str, (usize, &Signer)> = BTreeMap::new();
        let shares =
            |it: &&InstalledApp| it.place.is_system() && it.app.shared_user_id.as_deref() == Some("android.uid.system");
        for signer in self.apps.effective().filter(shares).filter_map(|it| it.signers.first()) {
            counts.entry(&signer.certificate.sha256).or_insert((0, signer)).0 += 1;
        }
        let all: usize = counts.values().map(|it| it.0).sum();
        counts.into_values().find(|it| all < it.0 * 2).map(|it| it.1)
    }

    /// The SDK level (`ro.build.version.sdk`).
    pub fn sdk(&self) -> Option<u32> {
        self.properties.value("ro.build.version.sdk")?.parse().ok()
    }
}

/// A certificate inside `otacerts.zip` signs updates: its reader sees the certificate alone, its place tells the rest.
fn settle_roles(facts: &mut Facts, mounts: &Mounts) {
    for row in facts.certificates.iter_mut().filter(|it| it.value.role == Role::Other) {
        if mounts.device_path(row.at.artifact).contains("/otacerts.zip!") {
            row.value.role = Role::OtaKey;
        }
    }
}
