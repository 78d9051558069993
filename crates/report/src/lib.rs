//! A report as something to read: terminal text, HTML, JSON, SARIF, CycloneDX, STIX. Nothing here adds a judgement.
//!
//! Adding a rendering is one new file and its two lines below: `mod` and an entry of [`RENDERERS`].
//!
//! Invariant: whatever a report holds came from a hostile input. No rendering writes a string of it without
//! [`escape`].

mod code;
pub mod escape;
pub mod explain;
pub mod gates;
mod html;
mod json;
pub mod policy;
mod sarif;
mod sbom;
mod shell;
mod stix;
mod subject;
mod terminal;
mod words;
mod wrap;

use std::io;

use model::Report;

/// A rendering: how a report is written.
pub struct Renderer {
    /// Kebab-case, stable.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// Writes it. Fails only where the writer fails.
    pub render: fn(&Report, &Style, &mut dyn io::Write) -> io::Result<()>,
}

/// How text is laid out. Files are the same in every style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are written. The caller knows of `NO_COLOR` and of pipes.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether long lists are written in full.
    pub verbose: bool,
}

/// Every rendering.
pub static RENDERERS: &[&Renderer] =
    &[&terminal::RENDERER, &json::RENDERER, &html::RENDERER, &sarif::RENDERER, &sbom::RENDERER, &stix::RENDERER];

/// The rendering of an id.
pub fn renderer(id: &str) -> Option<&'static Renderer> {
    RENDERERS.iter().copied().find(|it| it.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of `src` that are no rendering.
    const NO_RENDERER: &[&str] =
        &["code", "escape", "explain", "gates", "lib", "policy", "shell", "subject", "words", "wrap"];

    #[test]
    fn the_list_equals_the_folder() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut files: Vec<String> = folder
            .map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .filter(|it| !NO_RENDERER.contains(&it.as_str()))
            .collect();
        files.sort();
        let mut ids: Vec<String> = RENDERERS.iter().map(|it| it.id.replace('-', "_")).collect();
        ids.sort();
        assert_eq!(ids, files, "every file in src is a rendering of that id, and stands in RENDERERS");
    }
}
