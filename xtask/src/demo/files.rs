//! The files of a phone before they are packed, and zips that are the same every time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::tools::{TIME, Tool};

/// What a phone holds, by path; `/ramdisk` is the ramdisk's root.
#[derive(Default, Clone)]
pub struct Tree {
    /// Files and links, by absolute path. Folders follow from them.
    pub entries: BTreeMap<String, Entry>,
}

/// A file or a link.
#[derive(Clone)]
pub struct Entry {
    /// Content, or where a link leads.
    pub bytes: Vec<u8>,
    /// Whether it is a link.
    pub is_link: bool,
}

impl Tree {
    /// Adds a file, over one of the same path.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.entries.insert(path.to_owned(), Entry { bytes, is_link: false });
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, to: &str) {
        self.entries.insert(path.to_owned(), Entry { bytes: to.as_bytes().to_vec(), is_link: true });
    }

    /// Adds the files of a folder, over those of the same paths.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn lay(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => self.lay(&entry.path(), &path)?,
                false => self.add(&path, read(&entry.path())?),
            }
        }
        Ok(())
    }

    /// Replaces a word in a text file.
    ///
    /// # Errors
    /// There is no such file, or it is no text.
    pub fn replace(&mut self, path: &str, from: &str, to: &str) -> Result<()> {
        let entry = self.entries.get_mut(path).with_context(|| format!("no {path}"))?;
        entry.bytes = String::from_utf8(std::mem::take(&mut entry.bytes))?.replace(from, to).into_bytes();
        Ok(())
    }

    /// What lies below a folder, with paths from there.
    pub fn below(&self, folder: &str) -> Tree {
        let inside = |path: &str| path.strip_prefix(folder).filter(|it| it.starts_with('/')).map(str::to_owned);
        Tree { entries: self.entries.iter().filter_map(|(path, it)| Some((inside(path)?, it.clone()))).collect() }
    }

    /// All but what lies below some folders.
    pub fn without(&self, folders: &[&str]) -> Tree {
        let kept = self.entries.iter().filter(|(path, _)| folders.iter().all(|it| !path.starts_with(it)));
        Tree { entries: kept.map(|(path, it)| (path.clone(), it.clone())).collect() }
    }

    /// The folders that the paths need, parents first, without the root.
    pub fn folders(&self) -> Vec<String> {
        let mut folders: Vec<String> = self
            .entries
            .keys()
            .flat_map(|path| path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned()))
            .collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }

    /// Writes all into a folder, with modes and times.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        use std::os::unix::fs::{PermissionsExt, symlink};
        fs::create_dir_all(folder)?;
        for path in self.folders() {
            fs::create_dir_all(folder.join(&path[1..]))?;
        }
        for (path, entry) in &self.entries {
            let file = folder.join(&path[1..]);
            if entry.is_link {
                symlink(String::from_utf8(entry.bytes.clone())?, &file)?;
                continue;
            }
            write(&file, &entry.bytes)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(mode_of(path)))?;
        }
        for path in std::iter::once(String::new()).chain(self.folders()) {
            fs::set_permissions(folder.join(path.trim_start_matches('/')), fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}

/// The permission bits of a file.
pub fn mode_of(path: &str) -> u32 {
    match path {
        "/system/xbin/su" => 0o4755,
        _ if path.contains("/bin/") || path.contains("/xbin/") || path == "/init" => 0o755,
        _ => 0o644,
    }
}

/// Reads a file.
///
/// # Errors
/// As [`fs::read`], with the path.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// Writes a file, with the one time that all files have.
///
/// # Errors
/// As [`fs::write`], with the path.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    set_time(path)
}

fn set_time(path: &Path) -> Result<()> {
    Ok(fs::File::options().append(true).open(path)?.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(TIME))?)
}

/// Packs files of a folder in the order in which they are named. Those with an ending of `stored` (`.arsc:.xml`) are not
/// compressed.
///
/// # Errors
/// As [`Tool::run`].
pub fn zip(folder: &Path, out: &Path, names: &[&str], stored: &str) -> Result<()> {
    for name in names {
        set_time(&folder.join(name))?;
    }
    if out.exists() {
        fs::remove_file(out)?;
    }
    let out = std::path::absolute(out)?;
    let zip = Tool::new("zip").args(["-q", "-X", "-D"]);
    // The best compression would not heed the endings.
    let zip = if stored.is_empty() { zip.arg("-9") } else { zip.args(["-n", stored]) };
    zip.arg(out).args(names).within(folder).run()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
