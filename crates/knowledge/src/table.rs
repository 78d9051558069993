//! A table of knowledge: rows with a reference each, found by key.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Rows of one kind, decoded from a file of `data/`.
///
/// Invariant: every row names its source in full, and no two rows share a [`Row::id`]; a test holds both.
#[derive(Debug)]
pub struct Table<R> {
    rows: Vec<R>,
    by_key: HashMap<String, Vec<u32>>,
}

/// A row of a [`Table`].
pub trait Row: DeserializeOwned {
    /// What tells it from every other row.
    fn id(&self) -> String;

    /// What it is looked up by. Several rows may share a key.
    fn keys(&self) -> Vec<String> {
        vec![self.id()]
    }

    /// The reference that proves it: in the file the short name of one of its `[sources]`, in a decoded table that
    /// source's text.
    fn source(&mut self) -> &mut String;
}

impl<R: Row> Table<R> {
    /// Decodes a file of `data/`. The error says what is wrong with it.
    pub(crate) fn decode(text: &str) -> Result<Table<R>, String> {
        let File { sources, mut rows } = toml::from_str::<File<R>>(text).map_err(|error| error.to_string())?;
        let mut by_key: HashMap<String, Vec<u32>> = HashMap::with_capacity(rows.len());
        for (row_idx, row) in (0..).zip(&mut rows) {
            let id = row.id();
            let source = row.source();
            let reference = sources.get(source).filter(|reference| !reference.is_empty());
            *source = reference.ok_or_else(|| format!("{id}: no source {source:?}"))?.clone();
            for key in row.keys() {
                by_key.entry(key).or_default().push(row_idx);
            }
        }
        Ok(Table { rows, by_key })
    }

    /// Decodes a bundled file: a test holds that every one of them decodes.
    pub(crate) fn bundled(text: &str) -> Table<R> {
        Table::decode(text).expect("bundled tables decode")
    }

    /// The first row with this key. Hashes are lower-case hex.
    pub fn get(&self, key: &str) -> Option<&R> {
        self.all(key).next()
    }

    /// All rows with this key, in the order of the file.
    pub fn all<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a R> + use<'a, R> {
        self.by_key.get(key).into_iter().flatten().filter_map(|row_idx| self.rows.get(*row_idx as usize))
    }

    /// All rows, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, R> {
        self.rows.iter()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A file of `data/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<R> {
    /// Short name to full reference.
    sources: BTreeMap<String, String>,
    rows: Vec<R>,
}
