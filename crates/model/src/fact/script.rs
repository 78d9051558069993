//! A script.

use serde::{Deserialize, Serialize};

/// What a script says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The program after `#!`, with its arguments; empty where it states none.
    pub interpreter: String,
    /// How many lines it has.
    pub n_lines: u32,
    /// Absolute paths that it names, sorted.
    pub paths: Vec<String>,
    /// Its commands, in order, of a script of a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
}

/// A command of a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Where it starts in the file, in bytes.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// The program and its arguments, with redirections. Variables stand for what they were set to, where that is known.
    pub words: Vec<String>,
    /// What decides about its words, or is handed to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Whether that is run itself: as a command, as a script, or as its name.
    #[serde(default)]
    pub runs_input: bool,
}

/// Where a word of a command comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// `getprop`.
    Property(String),
    /// What a file holds.
    File(String),
    /// An argument of the script, from 1; 0 stands for all.
    Argument(u32),
}
