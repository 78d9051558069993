//! A call of the framework by which the code of an app or library opens, offers, loads or sets something that has a name.

use serde::{Deserialize, Serialize};

/// A call with the constants that it is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCall {
    /// What it does: `set-property`, `load-code`, `load-native`, `execute-command`, `offer-service`, `listen`,
    /// `listen-local`, `listen-bluetooth`, `register-receiver`, `load-class`, `watch-file`. A call of a method of the program that
    /// hands on what names the thing counts, too; so does one by reflection, where a property is set.
    pub what: String,
    /// The class that calls, in Java notation.
    pub class: String,
    /// The method that calls, with its descriptor.
    pub method: String,
    /// Arguments as far as they are constants: a text, a number; `None` where it is not known. Of `register-receiver` the
    /// receiver's class, the actions with spaces between them, the permission (empty where none is asked), and flags; of
    /// `offer-service` the name and the class of the object; of `watch-file` the path and the class that watches; of
    /// `execute-command` the command, and `…` where more follows.
    pub args: Vec<Option<String>>,
    /// Absolute paths that the class that calls names, for what loads: a path that is put together elsewhere in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Whether no component of its app comes to it, as far as calls show: code that an app carries along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    /// What the class of a call that loads code opens and decrypts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
}

/// A file of an app that is opened by a constant name, and something that is decrypted, in a class that loads code or in what it
/// calls. That it is the same bytes that are loaded is not shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Its name in the app (`assets/a.bin`).
    pub name: String,
    /// The method that opens it, with class and descriptor.
    pub opened: String,
    /// The method that decrypts.
    pub decrypted: String,
    /// Whether a key is a constant there; else none was found.
    pub constant_key: bool,
    /// Its entropy in thousandths of a bit a byte, of at most 64 KiB in its middle; none where there is no such file, where its
    /// form is known, or where it could not be read.
    pub millibits: Option<u32>,
}
