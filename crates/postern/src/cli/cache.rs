//! Where results of the analysis of code are kept, so that the same code is not analysed twice.

use std::path::PathBuf;

use clap::Args;

use super::{Common, complain, size_of};

/// Options about the cache. None of them changes a result.
#[derive(Args)]
pub struct Cache {
    /// Analyse all code anew, and keep nothing
    #[arg(long, help_heading = "Cache")]
    no_cache: bool,

    /// Folder for results of analyses [default: postern in the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = "Cache")]
    cache_dir: Option<PathBuf>,

    /// Size of the cache; what was not used for longest goes first
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = size_of, help_heading = "Cache")]
    cache_size: u64,
}

impl Cache {
    /// The cache; none where it is not wanted, or cannot be had.
    pub fn open(&self, common: &Common) -> Option<scan::Cache> {
        if self.no_cache {
            return None;
        }
        let Some(dir) = self.cache_dir.clone().or_else(default_dir) else {
            remark("this user has no folder for one", common);
            return None;
        };
        let opened = scan::Cache::open(&dir, self.cache_size);
        opened.inspect_err(|error| remark(&format!("{}: {error}", dir.display()), common)).ok()
    }
}

/// Says what could not be kept.
pub fn tell(cache: Option<&scan::Cache>, common: &Common) {
    if let Some(fault) = cache.and_then(|it| it.fault()) {
        remark(&fault, common);
    }
}

fn remark(why: &str, common: &Common) {
    if 0 < common.verbose && !common.quiet {
        complain(&format!("results are not cached: {why}"));
    }
}

/// `$XDG_CACHE_HOME/postern`, or `~/.cache/postern` (XDG Base Directory Specification: a relative path is none).
fn default_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("postern"))
}
