//! Feeds of indicators: from files and folders that are named, and from the user's data folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use knowledge::{Feed, Feeds};

/// Reads the feeds of these files and folders and, unless told not to, those that are installed. What cannot be used of
/// them is said.
pub fn open(paths: &[PathBuf], installed: bool, tell: &mut dyn FnMut(String)) -> anyhow::Result<Feeds> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_of(path, ENDINGS, tell)?);
    }
    if let Some(folder) = folder().filter(|it| installed && it.is_dir()) {
        files.extend(files_of(&folder, ENDINGS, tell)?);
    }
    let mut feeds: Vec<Feed> = Vec::new();
    for (file, name) in files {
        match read(&file, &name) {
            Ok(feed) if feeds.contains(&feed) => {}
            Ok(feed) => {
                told(&feed, tell);
                feeds.push(feed);
            }
            Err(error) => tell(format!("{}: not used: {error}", file.display())),
        }
    }
    Ok(Feeds::of(feeds))
}

/// Adds the rules of these files and folders. What does not compile of them is said.
#[cfg(feature = "yara")]
pub fn with_rules(feeds: Feeds, paths: &[PathBuf], tell: &mut dyn FnMut(String)) -> anyhow::Result<Feeds> {
    let mut files = Vec::new();
    for path in paths {
        for (file, name) in files_of(path, RULE_ENDINGS, tell)? {
            let size = fs::metadata(&file).with_context(|| file.display().to_string())?.len();
            if RULES_MAX_SIZE < size {
                tell(format!("{}: not used: larger than {} MiB", file.display(), RULES_MAX_SIZE >> 20));
                continue;
            }
            let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    if files.is_empty() {
        return Ok(feeds);
    }
    let (rules, of_rules) = knowledge::rules::compile(&files);
    of_rules.iter().for_each(|it| told(it, tell));
    let feeds: Vec<Feed> = feeds.iter().cloned().chain(of_rules).collect();
    Ok(Feeds::of(feeds).with(rules))
}

/// The engine is not built in: says how to get it.
#[cfg(not(feature = "yara"))]
pub fn with_rules(feeds: Feeds, paths: &[PathBuf], _: &mut dyn FnMut(String)) -> anyhow::Result<Feeds> {
    if !paths.is_empty() {
        bail!("this build has no engine for YARA rules; one that has: cargo build --release --features yara");
    }
    Ok(feeds)
}

/// Copies feeds into the user's data folder, those that can be read. Returns their names.
pub fn install(from: &Path, tell: &mut dyn FnMut(String)) -> anyhow::Result<Vec<String>> {
    let Some(folder) = folder() else { bail!("there is no data folder: neither XDG_DATA_HOME nor HOME is set") };
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut names = Vec::new();
    for (file, name) in files_of(from, ENDINGS, tell)? {
        match read(&file, &name) {
            Ok(feed) => {
                told(&feed, tell);
                // Through a file beside it: nobody reads a feed that is half written.
                let name = feed.name.replace('/', "_");
                let (to, beside) = (folder.join(&name), folder.join(format!(".{name}.new")));
                fs::copy(&file, &beside).with_context(|| beside.display().to_string())?;
                fs::rename(&beside, &to).with_context(|| to.display().to_string())?;
                names.push(name);
            }
            Err(error) => tell(format!("{}: not installed: {error}", file.display())),
        }
    }
    Ok(names)
}

/// `$XDG_DATA_HOME/postern/feeds`, or below `~/.local/share`.
pub fn folder() -> Option<PathBuf> {
    let named = |variable: &str| std::env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
    let data = named("XDG_DATA_HOME").or_else(|| named("HOME").map(|it| it.join(".local/share")));
    data.map(|it| it.join("postern/feeds"))
}

fn read(file: &Path, name: &str) -> Result<Feed, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    Feed::read(name, &bytes)
}

/// A line for what of a feed is not used: how much, and the first place.
fn told(feed: &Feed, tell: &mut dyn FnMut(String)) {
    if let Some(first) = feed.unused.first() {
        let n = feed.unused.len();
        tell(format!("{}: {n} of {} are not used; first {}: {}", feed.name, feed.n_stated(), first.at, first.why));
    }
}

/// A file, or the feeds below a folder in the order of their paths, with their names: below a folder, the way from there.
/// Files with other endings are passed over, aloud.
fn files_of(path: &Path, endings: &[&str], tell: &mut dyn FnMut(String)) -> anyhow::Result<Vec<(PathBuf, String)>> {
    if !path.is_dir() {
        fs::metadata(path).with_context(|| path.display().to_string())?;
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        return Ok(vec![(path.to_owned(), name)]);
    }
    let (mut files, mut folders, mut passed) = (Vec::new(), vec![path.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry.with_context(|| folder.display().to_string())?;
            let kind = entry.file_type().with_context(|| entry.path().display().to_string())?;
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.');
            let extension = entry.path().extension().map(|it| it.to_string_lossy().to_ascii_lowercase());
            match () {
                () if hidden => {}
                () if kind.is_dir() => folders.push(entry.path()),
                () if kind.is_file() && extension.is_some_and(|it| endings.contains(&it.as_str())) => {
                    let way = entry.path();
                    let name = way.strip_prefix(path).unwrap_or(&way).to_string_lossy().into_owned();
                    files.push((way, name));
                }
                () => passed += 1,
            }
        }
    }
    if passed != 0 {
        tell(format!("{}: {passed} files are no feeds by their endings ({})", path.display(), endings.join(", ")));
    }
    files.sort();
    Ok(files)
}

/// What files of rules are called.
#[cfg(feature = "yara")]
const RULE_ENDINGS: &[&str] = &["yar", "yara", "rule", "rules"];

/// The largest collections have some ten MB.
#[cfg(feature = "yara")]
const RULES_MAX_SIZE: u64 = 256 << 20;

/// What feeds are called.
const ENDINGS: &[&str] = &["stix2", "stix", "json", "txt", "list", "ioc"];
