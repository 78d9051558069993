//! Which file system the phone mounts where, and so where it has each file.
//!
//! Invariant: a device path is the same for an image, a package and an unpacked dump.

use std::borrow::Cow;
use std::collections::HashMap;

use model::{Artifact, ArtifactId, Facts, NodeKind, Tree};

/// What a file system is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Environment {
    /// The system that runs when the phone is switched on.
    Normal,
    /// Recovery.
    Recovery,
    /// The slot that is not started.
    InactiveSlot,
}

/// A file system, or a folder of a dump that stands for one, and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The file system, or the folder on disk.
    pub artifact: ArtifactId,
    /// The part of it that is mounted: empty for all, `/system` for that folder of a dump.
    pub prefix: String,
    /// The partition's name without slot suffix.
    pub partition: String,
    /// `a` or `b`.
    pub slot: Option<char>,
    /// Where it is mounted, without a slash at the end; empty for the root.
    pub point: String,
    /// What it is part of.
    pub environment: Environment,
}

/// All mounts, and the device path of every artifact.
#[derive(Debug, Default)]
pub struct Mounts {
    /// The mounts, in the order of their artifacts.
    pub all: Vec<Mount>,
    places: Vec<Option<Place>>,
    by_path: HashMap<String, Vec<ArtifactId>>,
}

#[derive(Debug, Clone)]
struct Place {
    device_path: String,
    environment: Environment,
    partition: u32,
    /// Whether it is an entry of the file system itself, not something inside a file.
    entry: bool,
}

impl Mounts {
    /// Finds the file systems and gives every artifact its place.
    pub(crate) fn of(tree: &Tree, facts: &Facts, formats: &[Vec<&'static str>]) -> Mounts {
        let mut all = Vec::new();
        let listing = Listing::of(tree, formats);
        for artifact in tree.iter() {
            let ids = formats.get(artifact.id.0 as usize).map_or(&[][..], |it| it);
            if artifact.parent.is_none() && artifact.node.kind == NodeKind::Directory {
                all.extend(mounts_of_dump(artifact, "", &listing));
            } else if listing.is_archive(artifact.id) {
                if let Some(root) = listing.root_of_archive(artifact.id) {
                    all.extend(mounts_of_dump(artifact, &root, &listing));
                }
            } else if ids.iter().any(|it| FILE_SYSTEMS.contains(it)) {
                all.extend(mount_of_image(tree, facts, artifact.id, &listing));
            }
        }
        settle_slots(&mut all, &listing);
        let mut mounts = Mounts { all, places: vec![None; tree.len()], by_path: HashMap::new() };
        mounts.place(tree);
        mounts
    }

    /// Where the phone has an artifact; empty where it has none.
    pub fn device_path(&self, id: ArtifactId) -> &str {
        self.places.get(id.0 as usize).and_then(Option::as_ref).map_or("", |it| &it.device_path)
    }

    /// What an artifact is part of; `None` outside every mount.
    pub fn environment(&self, id: ArtifactId) -> Option<Environment> {
        self.places.get(id.0 as usize)?.as_ref().map(|it| it.environment)
    }

    /// The mount that an artifact belongs to.
    pub fn mount(&self, id: ArtifactId) -> Option<&Mount> {
        let place = self.places.get(id.0 as usize)?.as_ref()?;
        self.all.get(place.partition as usize)
    }

    /// Whether an artifact is an entry of a file system itself, and not something inside one of its files.
    pub fn is_entry(&self, id: ArtifactId) -> bool {
        self.places.get(id.0 as usize).and_then(Option::as_ref).is_some_and(|it| it.entry)
    }

    /// The artifacts of a device path, of all environments.
    pub fn at(&self, device_path: &str) -> &[ArtifactId] {
        self.by_path.get(device_path).map_or(&[], |it| it)
    }

    fn place(&mut self, tree: &Tree) {
        let mut mounts_of: HashMap<ArtifactId, Vec<u32>> = HashMap::new();
        for (n, mount) in self.all.iter().enumerate() {
            mounts_of.entry(mount.artifact).or_default().push(n as u32);
        }
        for artifact in tree.iter() {
            let Some(parent) = artifact.parent else { continue };
            let place = match mounts_of.get(&parent) {
                Some(mounts) => self.entry_place(mounts, &artifact.name),
                // Something inside a file that has a place. A parent stands before its children.
                None => self.places[parent.0 as usize].as_ref().map(|it| Place {
                    device_path: format!("{}!{}", it.device_path, artifact.name),
                    entry: false,
                    ..it.clone()
                }),
            };
            if let Some(place) = place {
                if place.entry {
                    self.by_path.entry(place.device_path.clone()).or_default().push(artifact.id);
                }
                self.places[artifact.id.0 as usize] = Some(place);
            }
        }
    }

    /// The place of an entry of a file system: by the longest prefix that holds it.
    fn entry_place(&self, mounts: &[u32], name: &str) -> Option<Place> {
        let name: &str = &rooted(name);
        let inside = |prefix: &str| match name.strip_prefix(prefix) {
            Some(rest) => rest.is_empty() || rest.starts_with('/'),
            None => false,
        };
        let index = *mounts
            .iter()
            .filter(|&&it| inside(&self.all[it as usize].prefix))
            .max_by_key(|&&it| self.all[it as usize].prefix.len())?;
        let mount = &self.all[index as usize];
        let path = format!("{}{}", mount.point, &name[mount.prefix.len()..]);
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let device_path = match (mount.environment, mount.slot) {
            (Environment::Normal, _) => path,
            (Environment::Recovery, _) => format!("recovery:{path}"),
            (Environment::InactiveSlot, Some(slot)) => format!("slot {slot}:{path}"),
            (Environment::InactiveSlot, None) => format!("inactive slot:{path}"),
        };
        Some(Place { device_path, environment: mount.environment, partition: index, entry: true })
    }
}

/// Formats that are file systems (ids of `formats`).
const FILE_SYSTEMS: &[&str] = &["ext4", "erofs", "f2fs", "squashfs", "fat", "cpio"];

/// Partitions that hold files, and where Android mounts them. A name that is not here gets a mount of its own name.
const POINTS: &[(&str, &str)] = &[
    ("system", "/system"),
    ("system_root", ""),
    ("vendor", "/vendor"),
    ("product", "/product"),
    ("system_ext", "/system_ext"),
    ("odm", "/odm"),
    ("oem", "/oem"),
    ("cust", "/cust"),
    ("mi_ext", "/mi_ext"),
    ("odm_dlkm", "/odm_dlkm"),
    ("vendor_dlkm", "/vendor_dlkm"),
    ("system_dlkm", "/system_dlkm"),
    ("system_other", "/postinstall"),
    ("userdata", "/data"),
    ("data", "/data"),
    ("cache", "/cache"),
    ("persist", "/mnt/vendor/persist"),
    ("preload", "/preload"),
    ("hidden", "/preload"),
    ("prism", "/prism"),
    ("optics", "/optics"),
    ("omr", "/omr"),
    ("my_product", "/my_product"),
    ("my_engineering", "/my_engineering"),
    ("my_company", "/my_company"),
    ("my_carrier", "/my_carrier"),
    ("my_region", "/my_region"),
    ("my_heytap", "/my_heytap"),
    ("my_stock", "/my_stock"),
    ("my_preload", "/my_preload"),
    ("my_bigball", "/my_bigball"),
    ("my_manifest", "/my_manifest"),
    ("modem", "/vendor/firmware_mnt"),
    ("non-hlos", "/vendor/firmware_mnt"),
    ("firmware", "/vendor/firmware_mnt"),
    ("bluetooth", "/vendor/bt_firmware"),
    ("btfm", "/vendor/bt_firmware"),
    ("dsp", "/vendor/dsp"),
    ("boot", ""),
    ("init_boot", ""),
    ("vendor_boot", ""),
    ("recovery", ""),
];

/// What files lie directly below which artifact: the questions that mounts need answered.
struct Listing {
    names: HashMap<ArtifactId, Vec<String>>,
    /// Archives that may hold an unpacked phone: what is given, or what it is packed in.
    archives: Vec<ArtifactId>,
}

/// The formats of archives of files. (The package and app formats that are zip as well say so beside it.)
const ARCHIVES: &[&str] = &["tar", "zip"];

/// What an archive may be packed in and still be the phone that was given.
const PACKERS: &[&str] = &["gzip", "xz", "bzip2", "zstd", "lz4", "lzma", "brotli"];

/// Entries of archives have no slash in front.
fn rooted(name: &str) -> Cow<'_, str> {
    let plain = name.strip_prefix("./").unwrap_or(name);
    if plain.starts_with('/') { Cow::Borrowed(plain) } else { Cow::Owned(format!("/{plain}")) }
}

impl Listing {
    fn of(tree: &Tree, formats: &[Vec<&'static str>]) -> Listing {
        let ids = |id: ArtifactId| formats.get(id.0 as usize).map_or(&[][..], |it| it);
        let is_packer = |it: &Artifact| ids(it.id).iter().any(|it| PACKERS.contains(it));
        let archives: Vec<ArtifactId> = tree
            .iter()
            .filter(|it| it.depth <= PACKERS_MAX && ids(it.id).iter().all(|it| ARCHIVES.contains(it)))
            .filter(|it| !ids(it.id).is_empty() && tree.ancestors(it.id).skip(1).all(is_packer))
            .map(|it| it.id)
            .collect();
        let mut names: HashMap<ArtifactId, Vec<String>> = HashMap::new();
        for artifact in tree.iter() {
            if let Some(parent) = artifact.parent
                && (artifact.name.starts_with('/') || archives.contains(&parent))
            {
                names.entry(parent).or_default().push(rooted(&artifact.name).into_owned());
            }
        }
        for list in names.values_mut() {
            list.sort_unstable();
        }
        Listing { names, archives }
    }

    fn is_archive(&self, id: ArtifactId) -> bool {
        self.archives.contains(&id)
    }

    /// The folder of an archive in which a phone lies unpacked: its top, or its only folder. `None` where there is none.
    fn root_of_archive(&self, id: ArtifactId) -> Option<String> {
        let has_system = |root: &str| {
            ["/system/build.prop", "/system/system/build.prop"].iter().any(|it| self.has(id, &format!("{root}{it}")))
        };
        if has_system("") {
            return Some(String::new());
        }
        let [top] = self.tops(id, "")[..] else { return None };
        let root = format!("/{top}");
        has_system(&root).then_some(root)
    }

    /// Whether something of this name, or below it, is there.
    fn has(&self, id: ArtifactId, name: &str) -> bool {
        let Some(list) = self.names.get(&id) else { return false };
        let first = list.partition_point(|it| it.as_str() < name);
        list.get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(|it| it.starts_with(name))
            .any(|it| it.len() == name.len() || it.as_bytes()[name.len()] == b'/')
    }

    /// The names directly in a folder of it (`""` for the top).
    fn tops(&self, id: ArtifactId, folder: &str) -> Vec<&str> {
        let mut tops: Vec<&str> = self
            .names
            .get(&id)
            .into_iter()
            .flatten()
            .filter_map(|it| it.strip_prefix(folder)?.strip_prefix('/')?.split('/').next())
            .collect();
        tops.dedup();
        tops
    }

    fn is_empty(&self, id: ArtifactId) -> bool {
        // A file system that holds nothing but `lost+found` was never filled.
        self.tops(id, "").iter().all(|it| matches!(*it, "" | "lost+found"))
    }
}

/// A system image holds either `/system`'s files or the root with `/system` in it.
fn system_point(listing: &Listing, id: ArtifactId, prefix: &str) -> String {
    let has = |name: &str| listing.has(id, &format!("{prefix}{name}"));
    if has("/system/build.prop") || has("/system/framework") || has("/system/bin") { "" } else { "/system" }.to_owned()
}

/// The mounts of an unpacked phone, a folder on disk or an archive: its folders that are named like partitions; the
/// folder itself where it looks like a root or like `/system`, or where it is named like a partition and looks like one.
/// `root` is the folder of an archive in which the phone lies.
fn mounts_of_dump(dump: &Artifact, root: &str, listing: &Listing) -> Vec<Mount> {
    let id = dump.id;
    let mut mounts = Vec::new();
    let mut mount = |prefix: String, partition: &str, slot: Option<char>, point: String, environment| {
        mounts.push(Mount { artifact: id, prefix, partition: partition.to_owned(), slot, point, environment });
    };
    let has = |name: &str| listing.has(id, &format!("{root}{name}"));
    if !has("/system") && (has("/build.prop") || has("/etc/build.prop")) {
        let (partition, slot) = partition_of(&String::from_utf8_lossy(dump.file_name()));
        if let Some(point) = point_of(&partition).filter(|it| !it.is_empty()) {
            mount(root.to_owned(), &partition, slot, point.to_owned(), Environment::Normal);
            return mounts;
        }
    }
    if has("/build.prop") && (has("/framework") || has("/bin")) {
        mount(root.to_owned(), "system", None, "/system".to_owned(), Environment::Normal);
        return mounts;
    }
    if ["/init.rc", "/init"].iter().any(|it| has(it)) {
        mount(root.to_owned(), "root", None, String::new(), Environment::Normal);
        return mounts;
    }
    for top in listing.tops(id, root) {
        let (partition, slot) = partition_of(top);
        let prefix = format!("{root}/{top}");
        let Some(point) = point_of(&partition) else { continue };
        match partition.as_str() {
            "system" => {
                mount(prefix.clone(), &partition, slot, system_point(listing, id, &prefix), Environment::Normal)
            }
            "boot" | "init_boot" | "vendor_boot" | "recovery" => {
                let environment = match partition.as_str() {
                    "recovery" => Environment::Recovery,
                    _ => Environment::Normal,
                };
                let ramdisk = format!("{prefix}/ramdisk");
                if listing.has(id, &ramdisk) {
                    mount(ramdisk, &partition, slot, String::new(), environment);
                }
            }
            _ => mount(prefix, &partition, slot, point.to_owned(), Environment::Normal),
        }
    }
    mounts
}

/// A phone that somebody packed is packed once or twice (`.tar.gz`).
const PACKERS_MAX: u32 = 2;

/// What only the root of a phone has. (A dump has `/system/build.prop` too, in its folder for that partition.)
const ROOT_FILES: &[&str] = &["/init.rc", "/init", "/system/build.prop"];

/// What only recovery's ramdisk has.
const RECOVERY: &[&str] = &["/system/bin/recovery", "/sbin/recovery"];

/// The mount of an image: by the name of the partition, of the image, or of a container that it lies in.
fn mount_of_image(tree: &Tree, facts: &Facts, id: ArtifactId, listing: &Listing) -> Option<Mount> {
    if listing.is_empty(id) {
        return None;
    }
    let mut found = None;
    for artifact in tree.ancestors(id) {
        let file_name = String::from_utf8_lossy(artifact.file_name()).into_owned();
        if file_name == "apex_payload.img" {
            return Some(apex_mount(tree, facts, id, artifact.parent?));
        }
        let (partition, slot) = partition_of(&file_name);
        if let Some(point) = point_of(&partition) {
            found = Some((partition, slot, point));
            break;
        }
    }
    let mount = |partition: &str, slot, point: &str, environment| {
        let (partition, point) = (partition.to_owned(), point.to_owned());
        Some(Mount { artifact: id, prefix: String::new(), partition, slot, point, environment })
    };
    let Some((partition, slot, point)) = found else {
        // Nothing says what it is: its content may.
        if ROOT_FILES.iter().any(|it| listing.has(id, it)) {
            return mount("root", None, "", Environment::Normal);
        }
        if listing.has(id, "/build.prop") && listing.has(id, "/framework") {
            return mount("system", None, "/system", Environment::Normal);
        }
        return None;
    };
    match partition.as_str() {
        "system" => mount(&partition, slot, &system_point(listing, id, ""), Environment::Normal),
        "recovery" => mount(&partition, slot, point, Environment::Recovery),
        // Phones with two slots keep recovery in the ramdisk of boot.
        "boot" | "vendor_boot" if RECOVERY.iter().any(|it| listing.has(id, it)) => {
            mount(&partition, slot, point, Environment::Recovery)
        }
        _ => mount(&partition, slot, point, Environment::Normal),
    }
}

fn apex_mount(tree: &Tree, facts: &Facts, id: ArtifactId, apex: ArtifactId) -> Mount {
    let stated = facts
        .packages
        .iter()
        .filter(|it| it.at.artifact == apex && it.value.kind == "apex")
        .flat_map(|it| &it.value.properties)
        .find(|it| it.0 == "name")
        .map(|it| it.1.clone());
    let name = stated.unwrap_or_else(|| {
        let file = String::from_utf8_lossy(tree.artifact(apex).file_name()).into_owned();
        file.split('.').take_while(|it| *it != "apex" && *it != "capex").collect::<Vec<_>>().join(".")
    });
    Mount {
        artifact: id,
        prefix: String::new(),
        partition: "apex".to_owned(),
        slot: None,
        point: format!("/apex/{name}"),
        environment: Environment::Normal,
    }
}

fn point_of(partition: &str) -> Option<&'static str> {
    POINTS.iter().find(|it| it.0 == partition).map(|it| it.1)
}

/// The partition that a file or entry is named after, and its slot: `system_a`, `vendor.img`, `super_system.raw.img`.
fn partition_of(file_name: &str) -> (String, Option<char>) {
    let lower = file_name.to_ascii_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    match stem.strip_suffix("_a").map(|it| (it, 'a')).or(stem.strip_suffix("_b").map(|it| (it, 'b'))) {
        Some((stem, slot)) => (stem.to_owned(), Some(slot)),
        None => (stem.to_owned(), None),
    }
}

/// Where both slots of a partition hold files, the first one runs: no image tells which one the boot loader would take,
/// and factory images fill slot a.
fn settle_slots(mounts: &mut [Mount], listing: &Listing) {
    let filled: Vec<(String, char)> = mounts
        .iter()
        .filter(|it| !listing.is_empty(it.artifact))
        .filter_map(|it| Some((it.partition.clone(), it.slot?)))
        .collect();
    let active = if filled.iter().any(|it| it.1 == 'a') { 'a' } else { 'b' };
    for mount in mounts {
        if mount.environment == Environment::Normal
            && mount.slot.is_some_and(|it| it != active)
            && filled.contains(&(mount.partition.clone(), active))
        {
            mount.environment = Environment::InactiveSlot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Blob, Node};

    fn tree(entries: &[(&str, Option<u32>, NodeKind)]) -> Tree {
        let mut tree = Tree::default();
        for (name, parent, kind) in entries {
            tree.push(Artifact {
                id: tree.next_id(),
                parent: parent.map(ArtifactId),
                name: (*name).to_owned(),
                raw_name: name.as_bytes().to_vec(),
                depth: 0,
                blob: Blob::empty(),
                node: Node { kind: *kind, ..Node::default() },
            });
        }
        tree
    }

    fn paths(tree: &Tree, formats: &[Vec<&'static str>]) -> Vec<String> {
        let mounts = Mounts::of(tree, &Facts::default(), formats);
        tree.iter().map(|it| mounts.device_path(it.id).to_owned()).collect()
    }

    use NodeKind::{Directory, File};

    #[test]
    fn a_dump_an_image_and_a_root_give_one_device_path() {
        let dump = tree(&[("dump", None, Directory), ("/system/app/A.apk", Some(0), File)]);
        assert_eq!(paths(&dump, &[])[1], "/system/app/A.apk");
        let image = tree(&[("super.img", None, File), ("system_a", Some(0), File), ("/app/A.apk", Some(1), File)]);
        assert_eq!(paths(&image, &[vec!["super-image"], vec!["ext4"]])[2], "/system/app/A.apk");
        let root = tree(&[
            ("system.img", None, File),
            ("/system/build.prop", Some(0), File),
            ("/system/app/A.apk", Some(0), File),
            ("classes.dex", Some(2), File),
        ]);
        let found = paths(&root, &[vec!["erofs"]]);
        assert_eq!(found[2], "/system/app/A.apk");
        assert_eq!(found[3], "/system/app/A.apk!classes.dex");
    }

    #[test]
    fn a_packed_dump_and_single_partitions_are_mounted_like_the_whole_dump() {
        let packed = tree(&[
            ("dump.tgz", None, File),
            ("dump.tar", Some(0), File),
            ("dump/system/build.prop", Some(1), File),
            ("dump/vendor/bin/a", Some(1), File),
        ]);
        let formats = [vec!["gzip"], vec!["tar"]];
        assert_eq!(paths(&packed, &formats)[2..], ["/system/build.prop", "/vendor/bin/a"]);
        let vendor = tree(&[("vendor", None, Directory), ("/build.prop", Some(0), File), ("/bin/a", Some(0), File)]);
        assert_eq!(paths(&vendor, &[])[2], "/vendor/bin/a");
        let app = tree(&[("a.apk", None, File), ("system/build.prop", Some(0), File)]);
        assert_eq!(paths(&app, &[vec!["zip", "apk"]])[1], "", "an app that holds such a file is no phone");
    }

    #[test]
    fn the_second_of_two_filled_slots_does_not_run() {
        let both = tree(&[
            ("super.img", None, File),
            ("system_a", Some(0), File),
            ("system_b", Some(0), File),
            ("/app/A.apk", Some(1), File),
            ("/app/A.apk", Some(2), File),
        ]);
        let found = paths(&both, &[vec!["super-image"], vec!["ext4"], vec!["ext4"]]);
        assert_eq!(found[3..], ["/system/app/A.apk", "slot b:/system/app/A.apk"]);
    }

    #[test]
    fn a_ramdisk_of_recovery_is_not_the_running_root() {
        let image = tree(&[("recovery.img", None, File), ("ramdisk", Some(0), File), ("/init.rc", Some(1), File)]);
        let found = paths(&image, &[vec!["boot-image"], vec!["cpio"]]);
        assert_eq!(found[2], "recovery:/init.rc");
    }
}
