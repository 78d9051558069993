//! Which files hold the code of which app: dex files in it, and the files of the runtime beside it.

use dalvik::{Dex, container};
use model::fact::app::App;
use model::fact::code::Container;
use model::{ArtifactId, Facts, Fault, Gap, Layer, NodeKind, Tree};
use rustc_hash::{FxHashMap, FxHashSet};

/// Code that a phone loads together.
#[derive(Debug)]
pub struct Unit<'a> {
    /// The app, or the file that others load: a library of Java code, an image of the runtime.
    pub artifact: ArtifactId,
    /// The app; none for a library, and where no manifest could be read.
    pub app: Option<&'a App>,
    /// The name of the folder of an app whose package is not there, or could not be read: all that tells it apart.
    pub folder: Option<String>,
    /// Whether it is neither app nor library of the runtime: something has to load it, by whatever it offers.
    pub plugin: bool,
    /// The files of its code, in the order in which a phone searches them; what lies in another of them is not named.
    pub files: Vec<ArtifactId>,
}

/// Every app with its code in the order of the apps, then every library.
///
/// An app whose package holds no `classes.dex` has its code in `oat/<isa>/Name.vdex` or `.odex` beside it (Android 6
/// on), in `<isa>/Name.odex` (5) or in `Name.odex` (before). Where no package can be read there, such files in a folder
/// of apps are an app all the same.
pub fn units<'a>(tree: &Tree, facts: &'a Facts) -> Vec<Unit<'a>> {
    let known: FxHashSet<ArtifactId> = facts.code.iter().map(|it| it.at.artifact).collect();
    // Dex files of a VDEX are opened with it.
    let outer = |id: ArtifactId| tree.ancestors(id).all(|it| it.id == id || !known.contains(&it.id));
    let mut files: Vec<ArtifactId> = facts
        .code
        .iter()
        .filter(|it| it.value.container != Container::Art && outer(it.at.artifact))
        .map(|it| it.at.artifact)
        .collect();
    files.sort_unstable();
    files.dedup();
    let mut beside: FxHashMap<String, Vec<ArtifactId>> = FxHashMap::default();
    let mut inside: FxHashMap<ArtifactId, Vec<ArtifactId>> = FxHashMap::default();
    let apps: FxHashMap<ArtifactId, &App> = facts.apps.iter().map(|it| (it.at.artifact, &it.value)).collect();
    for id in files {
        let parents = tree.ancestors(id).filter(|it| it.id != id);
        let owner = parents.map(|it| it.id).find(|it| apps.contains_key(it));
        let library = || tree.artifact(id).parent.filter(|it| tree.artifact(*it).node.kind != NodeKind::Directory);
        let holder = owner.or_else(|| library().filter(|_| is_classes(&tree.artifact(id).raw_name)));
        match holder {
            Some(holder) => inside.entry(holder).or_default().push(id),
            None => beside.entry(place_of(&tree.path(id))).or_default().push(id),
        }
    }
    let mut units = Vec::new();
    let mut holders: Vec<ArtifactId> = inside.keys().chain(apps.keys()).copied().collect();
    // Apps first, each kind in the order of the tree.
    holders.sort_unstable_by_key(|it| (!apps.contains_key(it), *it));
    holders.dedup();
    for artifact in holders {
        let mut files = inside.remove(&artifact).unwrap_or_default();
        files.sort_by_cached_key(|it| (order_of(&tree.artifact(*it).raw_name), *it));
        let has_main = files.iter().any(|it| is_classes(&tree.artifact(*it).raw_name));
        let others = beside.remove(&place_of(&tree.path(artifact)));
        if !has_main {
            let mut all = others.unwrap_or_default();
            all.extend(files);
            files = all;
        }
        let app = apps.get(&artifact).copied();
        let plugin = app.is_none() && is_plugin(&tree.path(artifact));
        units.push(Unit { artifact, app, folder: None, plugin, files });
    }
    let mut rest: Vec<(Vec<ArtifactId>, String)> = beside.into_iter().map(|(place, files)| (files, place)).collect();
    rest.sort_unstable();
    let packages: FxHashMap<String, ArtifactId> = tree
        .iter()
        .filter(|it| it.file_name().ends_with(b".apk") && !apps.contains_key(&it.id))
        .map(|it| (place_of(&tree.path(it.id)), it.id))
        .collect();
    let others = rest.into_iter().filter_map(|(files, place)| {
        let folder = app_folder(&place).map(str::to_owned);
        let package = folder.as_ref().and_then(|_| packages.get(&place).copied());
        let plugin = folder.is_none() && is_plugin(&tree.path(*files.first()?));
        Some(Unit { artifact: package.or(files.first().copied())?, app: None, folder, plugin, files })
    });
    units.extend(others);
    units
}

/// The dex files of a unit with the file that holds each, and what could not be read of them. Of two with the same content (the code of an app for
/// two instruction sets) the first counts.
pub fn open(tree: &Tree, unit: &Unit) -> (Vec<(Dex, ArtifactId)>, Vec<Gap>) {
    opened(unit, read(tree, unit))
}

/// The bytes of the files of a unit, or why there are none.
pub fn read(tree: &Tree, unit: &Unit) -> Vec<Result<Vec<u8>, Fault>> {
    let read = |it: &ArtifactId| tree.artifact(*it).blob.bytes("bytes of a file of code", FILE_MAX);
    unit.files.iter().map(read).collect()
}

/// As [`open`], of bytes that were read.
pub fn opened(unit: &Unit, files: Vec<Result<Vec<u8>, Fault>>) -> (Vec<(Dex, ArtifactId)>, Vec<Gap>) {
    let (mut dexes, mut gaps) = (Vec::new(), Vec::new());
    let mut seen: FxHashSet<Vec<u8>> = FxHashSet::default();
    let mut elsewhere = None;
    for (&artifact, bytes) in unit.files.iter().zip(files) {
        let mut gap = |why: String| gaps.push(Gap { artifact, why, layer: Layer::Code });
        let contents = match bytes.and_then(container::open) {
            Ok(contents) => contents,
            Err(fault) => {
                gap(format!("its code was not read: {fault}"));
                continue;
            }
        };
        for fault in contents.faults {
            gap(format!("not all of its code was read: {fault}"));
        }
        if contents.n_elsewhere != 0 {
            elsewhere.get_or_insert(artifact);
        }
        for contained in contents.dexes {
            if !contained.dex.identity().is_none_or(|it| seen.insert(it.to_vec())) {
                continue;
            }
            if contained.n_unresolved != 0 {
                gap(format!(
                    "{} of its instructions name a field or method only by its place in memory",
                    contained.n_unresolved
                ));
            }
            dexes.push((contained.dex, artifact));
        }
    }
    if let Some(artifact) = elsewhere.filter(|_| dexes.is_empty()) {
        gaps.push(Gap { artifact, why: "its code lies in a file that is not there".to_owned(), layer: Layer::Code });
    }
    (dexes, gaps)
}

/// Where the app of a file of the runtime would lie, without its extension: `app/Name/oat/arm64/Name.vdex` belongs to
/// `app/Name/Name`.
fn place_of(path: &str) -> String {
    let path = stem(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = match folder.rsplit_once('/') {
        Some((outer, last)) if ISAS.contains(&last) => outer.strip_suffix("/oat").unwrap_or(outer),
        _ => folder,
    };
    format!("{folder}/{name}")
}

/// The folder that an app has to itself in a folder of apps: `Name` of `system/app/Name/Name`, and of `system/app/Name`.
fn app_folder(place: &str) -> Option<&str> {
    let mut parts = place.rsplit(['/', '!']);
    let (name, folder, outer) = (parts.next()?, parts.next()?, parts.next());
    match outer {
        _ if APP_FOLDERS.contains(&folder) => Some(name),
        Some(outer) if APP_FOLDERS.contains(&outer) => Some(folder),
        _ => None,
    }
}

/// A path without the extension of the file.
fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |it| it + 1);
    path[name..].rfind('.').map_or(path, |it| &path[..name + it])
}

/// Whether code lies on a phone where the runtime looks for no library, and in no app.
fn is_plugin(path: &str) -> bool {
    path.contains(['/', '!']) && !LIBRARY_FOLDERS.iter().any(|it| path.contains(it))
}

fn is_classes(name: &[u8]) -> bool {
    let number = name.strip_prefix(b"classes").and_then(|it| it.strip_suffix(b".dex"));
    number.is_some_and(|it| it.iter().all(u8::is_ascii_digit))
}

/// `classes.dex` first, then by number, then what lies elsewhere by name.
fn order_of(name: &[u8]) -> Vec<u8> {
    let number = name.strip_prefix(b"classes").and_then(|it| it.strip_suffix(b".dex"));
    match number.map(|it| std::str::from_utf8(it).unwrap_or("?")) {
        Some("") => vec![0, 0, 0, 1],
        Some(text) if text.parse::<u16>().is_ok() => {
            let number = text.parse::<u16>().unwrap_or(u16::MAX).to_be_bytes();
            vec![0, 0, number[0], number[1]]
        }
        _ => [b"\x01", name].concat(),
    }
}

/// Larger than any file of code: the boot image of a phone has 60 MiB.
const FILE_MAX: u64 = 256 << 20;

/// Folders in which the package manager looks for apps.
const APP_FOLDERS: [&str; 3] = ["app", "priv-app", "data-app"];

/// Folders in which libraries of Java code lie, and what is compiled from them.
const LIBRARY_FOLDERS: [&str; 4] = ["framework/", "/javalib/", "/oat/", "/dalvik-cache/"];

/// Folders that Android names after an instruction set.
const ISAS: [&str; 7] = ["arm", "arm64", "x86", "x86_64", "mips", "mips64", "riscv64"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_runtime_belongs_to_the_app_beside_it() {
        for path in [
            "dump!/system/app/Name/oat/arm64/Name.vdex",
            "dump!/system/app/Name/oat/arm/Name.odex",
            "dump!/system/app/Name/arm/Name.odex",
            "dump!/system/app/Name/Name.odex",
        ] {
            assert_eq!(place_of(path), place_of("dump!/system/app/Name/Name.apk"), "{path}");
        }
        assert_eq!(place_of("Name.odex"), place_of("Name.apk"));
        assert_eq!(stem("a.b/Name"), "a.b/Name");
        assert_eq!(app_folder("dump!/system/priv-app/Name/Other"), Some("Name"));
        assert_eq!(app_folder("system.img!app/Name"), Some("Name"));
        assert_eq!(app_folder("dump!/system/framework/services"), None);
    }
}
