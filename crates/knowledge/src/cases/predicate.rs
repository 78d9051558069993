//! Conditions of cases: a closed list, nothing nested. Of the values of one condition any will do.

use serde::{Deserialize, Serialize};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Predicate {
    /// An app of one of these packages is on the phone.
    Package {
        /// Names.
        any: Vec<String>,
        /// Where it must lie; anywhere if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
    },
    /// An app's version is lower than this.
    VersionBelow {
        /// The package.
        package: String,
        /// Numbers with dots, compared number by number with `versionName`.
        version: String,
    },
    /// A class is in the code, or a component of this class in the manifest, of an app or library.
    Class {
        /// Full names; `.*` at the end stands for all below.
        any: Vec<String>,
    },
    /// A certificate signs an app.
    Certificate {
        /// SHA-256 or SHA-1.
        any: Vec<String>,
        /// Where the app must lie; anywhere if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
    },
    /// A file has this hash.
    Hash {
        /// SHA-256, SHA-1 or MD5.
        any: Vec<String>,
    },
    /// A file is there.
    Path {
        /// Paths on the phone, or names of files.
        any: Vec<String>,
    },
    /// A file of code or configuration holds a host, an address, a path or a text, and not as one of a list of many.
    Holds {
        /// Hosts, addresses, paths, texts.
        any: Vec<String>,
        /// The file's path or name; any file of code or configuration if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Which files are looked at.
        #[serde(default)]
        within: Within,
    },
    /// A property has one of these values.
    Property {
        /// Its name.
        name: String,
        /// Values; none: any value.
        #[serde(default)]
        any: Vec<String>,
    },
    /// A value travels from one of these sources to one of these sinks in an app of the case.
    Flow {
        /// Kinds of sources.
        source: Vec<String>,
        /// Kinds of sinks.
        sink: Vec<String>,
    },
    /// A component is exported, enabled, and any app passes its guard.
    Unguarded {
        /// Full class names.
        any: Vec<String>,
    },
}

/// Where an app lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In a part of the system.
    System,
    /// Where users' apps lie.
    Data,
}

/// Which files are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// Bytecode, native code, scripts, init and properties.
    #[default]
    Code,
    /// The kernel.
    Kernel,
    /// Images that hold no files: bootloaders and the like.
    Partition,
}

impl Predicate {
    /// The word of data and reports.
    pub fn word(&self) -> &'static str {
        match self {
            Predicate::Package { .. } => "package",
            Predicate::VersionBelow { .. } => "version-below",
            Predicate::Class { .. } => "class",
            Predicate::Certificate { .. } => "certificate",
            Predicate::Hash { .. } => "hash",
            Predicate::Path { .. } => "path",
            Predicate::Holds { .. } => "holds",
            Predicate::Property { .. } => "property",
            Predicate::Flow { .. } => "flow",
            Predicate::Unguarded { .. } => "unguarded",
        }
    }

    /// Whether it is more than a name of something.
    pub fn is_more_than_a_name(&self) -> bool {
        !matches!(self, Predicate::Package { .. } | Predicate::Path { .. } | Predicate::VersionBelow { .. })
    }

    /// What it asks for, in words.
    pub fn words(&self) -> String {
        let or = |any: &[String]| any.join(" or ");
        let at = |place: &Option<Place>| match place {
            None => "",
            Some(Place::System) => " in the system",
            Some(Place::Data) => " among the users' apps",
        };
        match self {
            Predicate::Package { any, place } => format!("an app{} has the package name {}", at(place), or(any)),
            Predicate::VersionBelow { package, version } => format!("{package} has a version below {version}"),
            Predicate::Class { any } => format!("code holds the class {}", or(any)),
            Predicate::Certificate { any, place } => format!("an app{} is signed by {}", at(place), or(any)),
            Predicate::Hash { any } => format!("a file has the hash {}", or(any)),
            Predicate::Path { any } => format!("there is the file {}", or(any)),
            Predicate::Holds { any, path, within } => {
                let what = match (path, within) {
                    (Some(path), _) => path.as_str(),
                    (None, Within::Code) => "a file of code or configuration",
                    (None, Within::Kernel) => "the kernel",
                    (None, Within::Partition) => "an image without files",
                };
                format!("{what} holds {}", or(any))
            }
            Predicate::Property { name, any } if any.is_empty() => format!("the property {name} is set"),
            Predicate::Property { name, any } => format!("the property {name} is {}", or(any)),
            Predicate::Flow { source, sink } => {
                format!("in an app of the case a value travels from {} to {}", or(source), or(sink))
            }
            Predicate::Unguarded { any } => format!("any app may call {}", or(any)),
        }
    }
}
