//! A phone as a trial describes it: a few files beside a `build.prop`, packed as one zip.

use serde::Deserialize;

use crate::{Told, apk, elf, zip};

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phone {
    /// What it shows, in a line.
    pub about: String,
    /// What must be said of the case.
    pub told: Told,
    /// Words that the claim must have.
    #[serde(default)]
    pub because: Vec<String>,
    /// Android's version, as API level.
    #[serde(default = "sdk")]
    pub sdk: u32,
    /// Properties beside it, `name=value`.
    #[serde(default)]
    pub properties: Vec<String>,
    /// The files.
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct File {
    /// Where the phone has it; without a folder: beside the file systems, as images lie.
    pub path: String,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum Content {
    /// An app: its manifest, a line an element, and its code.
    App {
        /// See `apk::write`.
        app: String,
        /// See `code::assemble`.
        #[serde(default)]
        code: String,
    },
    /// A text as it is: a script, a list, a configuration.
    Text {
        /// The text.
        text: String,
    },
    /// A program or library whose data are these texts.
    Elf {
        /// Texts.
        elf: Vec<String>,
    },
    /// A kernel with these texts.
    Kernel {
        /// Texts.
        kernel: Vec<String>,
    },
    /// Bytes of no format, with these texts.
    Raw {
        /// Texts.
        raw: Vec<String>,
    },
}

impl Phone {
    /// The bytes of the zip, or what is wrong with the description.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut prop = format!("ro.build.version.sdk={}\nro.build.type=user\n", self.sdk);
        self.properties.iter().for_each(|it| prop += &format!("{it}\n"));
        let mut files = vec![("system/build.prop".to_owned(), prop.into_bytes())];
        for file in &self.files {
            let name = file.path.trim_start_matches('/').to_owned();
            if name.split('/').any(|it| it.is_empty() || it == "..") {
                return Err(format!("\"{}\" is no path", file.path));
            }
            let bytes = file.content.bytes().map_err(|fault| format!("{}: {fault}", file.path))?;
            files.push((name, bytes));
        }
        Ok(zip::write(&files))
    }
}

impl Content {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Content::App { app, code } => apk::write(app, code),
            Content::Text { text } => Ok(text.clone().into_bytes()),
            Content::Elf { elf } => Ok(elf::write(elf)),
            Content::Kernel { kernel } => Ok(kernel_of(kernel)),
            Content::Raw { raw } => Ok(texts_of(raw)),
        }
    }
}

/// Texts as a compiler leaves them: each ends with a zero.
pub fn texts_of(texts: &[String]) -> Vec<u8> {
    let mut bytes = vec![0];
    texts.iter().for_each(|it| bytes.extend(it.bytes().chain([0])));
    bytes
}

/// The header of an arm64 kernel (Linux, `Documentation/arch/arm64/booting.rst`), its banner, and texts.
fn kernel_of(texts: &[String]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[56..60].copy_from_slice(b"ARM\x64");
    bytes.extend(b"Linux version 3.4.39 (trial) #1\n\0");
    bytes.extend(texts_of(texts));
    bytes
}

/// Android 6: old enough for what most cases are about.
fn sdk() -> u32 {
    23
}
