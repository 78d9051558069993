//! Results on disk: flat files in one folder, each named by the hash of everything that its content follows from.
//!
//! Invariant: an entry is what was stored under its key, or it is none. What is damaged, cut, foreign or of another format is
//! removed and found anew. A cache that cannot be written to costs time, never a result.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

/// A folder of results. Any number of threads and processes may use one folder at a time.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    max_bytes: u64,
    /// Bytes of all entries as far as this process knows; none until something is stored.
    used: Mutex<Option<u64>>,
    fault: Mutex<Option<String>>,
}

/// What an entry follows from, as a SHA-256.
pub type Key = [u8; 32];

/// How large a cache may become where nobody says: the entries of some thousand builds.
pub const CACHE_SIZE: u64 = 2 << 30;

impl Cache {
    /// The cache in a folder, which is made where it is not there. Entries that were not used for longest go where all
    /// together have more than `max_bytes`.
    pub fn open(dir: &Path, max_bytes: u64) -> io::Result<Cache> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        // Whoever can write here can change what is found.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
        fs::read_dir(dir)?;
        Ok(Cache { dir: dir.to_owned(), max_bytes, used: Mutex::default(), fault: Mutex::default() })
    }

    /// What was stored under a key.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path_of(key);
        // Most often there is none.
        let len = fs::metadata(&path).ok().filter(|it| it.is_file())?.len();
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        let read = len <= ENTRY_MAX && (&file).take(ENTRY_MAX).read_to_end(&mut bytes).is_ok();
        if !read || opened(key, &mut bytes).is_none() {
            // Where it cannot be removed, it is no entry the next time either.
            let _ = fs::remove_file(&path);
            return None;
        }
        // In a folder that may only be read, the order of use is not kept.
        let _ = file.set_modified(SystemTime::now());
        Some(bytes)
    }

    /// Stores under a key. A failure is kept for [`Cache::fault`].
    pub fn put(&self, key: &Key, bytes: &[u8]) {
        if let Err(error) = self.try_put(key, bytes) {
            lock(&self.fault).get_or_insert_with(|| format!("{}: {error}", self.dir.display()));
        }
    }

    /// Why something could not be stored, the first time.
    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    fn try_put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let entry = sealed(key, bytes);
        let size = entry.len() as u64;
        if self.max_bytes.min(ENTRY_MAX) < size {
            return Ok(());
        }
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.dir)?;
        file.write_all(&entry)?;
        // A reader sees the whole file or none. Should the machine stop now, the checksum tells.
        file.persist(self.path_of(key)).map_err(|it| it.error)?;
        let mut used = lock(&self.used);
        let sum = match *used {
            Some(used) => used + size,
            None => self.entries()?.iter().map(|it| it.size).sum(),
        };
        *used = Some(if self.max_bytes < sum { self.evict()? } else { sum });
        Ok(())
    }

    /// Removes what was not used for longest, and somewhat more than is needed so that it need not happen each time; the
    /// size of what is left.
    fn evict(&self) -> io::Result<u64> {
        let mut entries = self.entries()?;
        entries.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        let mut sum: u64 = entries.iter().map(|it| it.size).sum();
        let now = SystemTime::now();
        for entry in entries {
            let age = now.duration_since(entry.modified).unwrap_or_default();
            let goes = if entry.temporary { ABANDONED < age } else { self.max_bytes / 4 * 3 < sum };
            // Another process may have been faster.
            if goes && fs::remove_file(&entry.path).is_ok() {
                sum = sum.saturating_sub(entry.size);
            }
        }
        Ok(sum)
    }

    /// The files of this cache; nothing else that lies in its folder is touched.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let temporary = name.starts_with(TEMPORARY);
            if !temporary && name.strip_suffix(EXTENSION).is_none_or(|it| it.len() != 64) {
                continue;
            }
            // One that is gone by now has no size.
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push(Entry { path: entry.path(), size: metadata.len(), modified, temporary });
        }
        Ok(entries)
    }

    fn path_of(&self, key: &Key) -> PathBuf {
        self.dir.join(format!("{}{EXTENSION}", crate::conclude::hex(key)))
    }
}

struct Entry {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
    temporary: bool,
}

/// An entry as it lies on disk: magic, format, key, size of the content, content, and the SHA-256 of all before it.
fn sealed(key: &Key, content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u64).to_le_bytes();
    let mut entry = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), key, &size, content].concat();
    let sum = Sha256::digest(&entry);
    entry.extend(sum);
    entry
}

/// Leaves the content of an entry, if that is what it is.
fn opened(key: &Key, entry: &mut Vec<u8>) -> Option<()> {
    let (body, sum) = entry.split_last_chunk::<32>()?;
    let head = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), key].concat();
    let rest = body.strip_prefix(head.as_slice())?;
    let (size, content) = rest.split_first_chunk::<8>()?;
    if u64::from_le_bytes(*size) != content.len() as u64 || Sha256::digest(body)[..] != sum[..] {
        return None;
    }
    let content_off = entry.len() - 32 - content.len();
    entry.truncate(entry.len() - 32);
    entry.drain(..content_off);
    Some(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|it| it.into_inner())
}

const MAGIC: &[u8; 8] = b"postern\0";
const FORMAT: u32 = 1;
const EXTENSION: &str = ".flows";
const TEMPORARY: &str = ".postern-";

/// No result of one app is near it; what is larger is not worth reading back.
const ENTRY_MAX: u64 = 64 << 20;

/// A temporary file that nobody has written to for so long was left by a process that is no more.
const ABANDONED: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key(n: u8) -> Key {
        [n; 32]
    }

    fn cache(max_bytes: u64) -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("made"), max_bytes).unwrap();
        (folder, cache)
    }

    fn used(cache: &Cache) -> u64 {
        cache.entries().unwrap().iter().map(|it| it.size).sum()
    }

    #[test]
    fn what_was_stored_is_what_is_found() {
        let (_folder, cache) = cache(1 << 20);
        assert_eq!(cache.get(&key(1)), None);
        for content in [&b""[..], b"flows", &[7; 100_000]] {
            cache.put(&key(1), content);
            assert_eq!(cache.get(&key(1)).as_deref(), Some(content));
        }
        assert_eq!(cache.get(&key(2)), None);
        assert_eq!(cache.fault(), None);
        assert_eq!(cache.entries().unwrap().len(), 1, "no temporary file is left");
    }

    #[test]
    fn a_flipped_bit_a_cut_and_an_addition_are_no_entry_and_removed() {
        let (_folder, cache) = cache(1 << 20);
        let whole = sealed(&key(1), b"{\"analysis\":null}");
        let path = cache.path_of(&key(1));
        let refused = |bytes: &[u8], what: &str| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.get(&key(1)), None, "{what}");
            assert!(!path.exists(), "{what}");
        };
        for n in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[n] ^= 1 << (n % 8);
            refused(&bytes, &format!("bit in byte {n}"));
            refused(&whole[..n], &format!("cut to {n}"));
        }
        refused(&[whole.as_slice(), b"\0"].concat(), "one byte more");
        refused(&[whole.as_slice(), &whole].concat(), "twice");
        fs::write(&path, &whole).unwrap();
        assert!(cache.get(&key(1)).is_some());
    }

    #[test]
    fn an_entry_under_another_name_or_of_another_format_is_none() {
        let (_folder, cache) = cache(1 << 20);
        fs::write(cache.path_of(&key(2)), sealed(&key(1), b"of another")).unwrap();
        assert_eq!(cache.get(&key(2)), None);
        let mut older = sealed(&key(3), b"older");
        older.truncate(older.len() - 32);
        older[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        older.extend(Sha256::digest(&older));
        fs::write(cache.path_of(&key(3)), older).unwrap();
        assert_eq!(cache.get(&key(3)), None);
        assert!(cache.entries().unwrap().is_empty());
    }

    #[test]
    fn what_was_not_used_for_longest_goes_and_the_bound_holds() {
        let (_folder, cache) = cache(100_000);
        for n in 0..50 {
            cache.put(&key(n), &[n; 4000]);
            let old = SystemTime::now() - Duration::from_secs(1000 - u64::from(n));
            File::options().write(true).open(cache.path_of(&key(n))).unwrap().set_modified(old).unwrap();
            assert!(cache.get(&key(0)).is_some(), "it is used all the time");
            assert!(used(&cache) <= 100_000, "after {n}");
        }
        assert!(cache.get(&key(49)).is_some());
        assert!(cache.get(&key(1)).is_none());
        assert!(50_000 < used(&cache), "not more goes than must");
    }

    #[test]
    fn what_is_larger_than_the_whole_cache_is_not_kept() {
        let (_folder, cache) = cache(1000);
        cache.put(&key(1), &[0; 1000]);
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.fault(), None);
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let (_folder, cache) = cache(10_000);
        for name in ["notes.txt", "short.flows"] {
            fs::write(cache.dir.join(name), [0; 20_000]).unwrap();
        }
        let left = cache.dir.join(format!("{TEMPORARY}x"));
        fs::write(&left, [0; 9000]).unwrap();
        let old = SystemTime::now() - 2 * ABANDONED;
        File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
        for n in 0..10 {
            cache.put(&key(n), &[n; 4000]);
        }
        assert!(cache.dir.join("notes.txt").exists() && cache.dir.join("short.flows").exists());
        assert!(!left.exists(), "a process that is no more left it");
    }

    #[test]
    fn threads_share_a_cache_and_see_whole_entries_only() {
        let (_folder, cache) = cache(200_000);
        let content = |n: u8| vec![n; 10_000 + usize::from(n)];
        std::thread::scope(|scope| {
            for thread in 0..8u8 {
                let cache = &cache;
                scope.spawn(move || {
                    for n in 0..200u8 {
                        let n = n.wrapping_mul(thread) % 40;
                        cache.put(&key(n), &content(n));
                        // It may have been evicted already; never is it another.
                        assert!(cache.get(&key(n)).is_none_or(|it| it == content(n)));
                    }
                });
            }
        });
        assert_eq!(cache.fault(), None);
        assert!(used(&cache) <= 200_000);
        assert!(cache.entries().unwrap().iter().all(|it| !it.temporary));
    }

    #[test]
    fn a_folder_that_cannot_be_had_is_an_error_and_one_that_goes_away_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Cache::open(&folder.path().join("file/cache"), 1 << 20).is_err());
        let dir = folder.path().join("cache");
        let cache = Cache::open(&dir, 1 << 20).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir(&dir).unwrap();
        cache.put(&key(1), b"lost");
        assert_eq!(cache.get(&key(1)), None);
        let fault = cache.fault().unwrap();
        assert!(fault.contains("cache"), "{fault}");
    }
}
