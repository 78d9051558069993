//! Models of code that is not in an app: what the methods of Java and Android give, take and pass on.
//!
//! Invariant: every row has a kind, and every kind is used by a rule; a test holds both.

mod framework;
mod port;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use framework::Framework;
pub use port::{Base, Part, Port};

/// What is known of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The value at the port comes from outside or is worth protecting.
    Source {
        /// What kind of value.
        kind: Box<str>,
        /// Where it is.
        port: Port,
        /// The calls that are meant; all, where nothing is said.
        when: Option<When>,
    },
    /// The values at the ports have an effect.
    Sink {
        /// What kind of effect.
        kind: Box<str>,
        /// Where they are.
        ports: Vec<Port>,
        /// The calls that are meant; all, where nothing is said.
        when: Option<When>,
    },
    /// A value passes on.
    Flow {
        /// From where.
        from: Port,
        /// To where.
        to: Port,
        /// Whether it is the same object that arrives, or only what it carries.
        how: How,
    },
    /// The framework calls a method of an object.
    Call {
        /// The object.
        receiver: Port,
        /// Name of the method; every overload that fits in number of arguments.
        name: Box<str>,
        /// What is passed.
        args: Vec<Port>,
        /// The variable that its result is bound to.
        result: Option<u8>,
    },
    /// A check.
    Guard {
        /// What kind of check.
        kind: Box<str>,
    },
    /// What the engine does itself.
    Builtin(Builtin),
    /// The object forgets what it holds.
    Clears(Port),
}

/// A constant text tells which calls of a method are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// Where the text is.
    pub port: Port,
    /// How it starts.
    pub starts: Vec<Box<str>>,
}

impl When {
    /// Whether a call with this text is meant.
    pub fn is_met(&self, text: &str) -> bool {
        self.starts.iter().any(|it| text.starts_with(&**it))
    }
}

/// How a value passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// What the one carries, the other carries.
    Taint,
    /// The same object.
    Alias,
    /// What the one carries and what its fields carry, the other carries: it is written out whole.
    Deep,
}

/// What the engine does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Builtin {
    IntentTarget,
    IntentAction,
    IntentComponent,
    StartActivity,
    StartActivityForResult,
    StartService,
    BindService,
    SendBroadcast,
    AskProvider,
    InterfaceToken,
    AttachInterface,
    Transact,
    WebBridge,
    FileNamed,
    FileWritten,
    FileRead,
    SetResult,
    GetIntent,
    SetIntent,
    RegisterReceiver,
    MessengerSend,
    StoreOpen,
    StorePut,
    StoreGet,
    ClassForName,
    NewInstance,
    GetMethod,
    Invoke,
    ObjectClass,
    CopyElements,
    PendingActivity,
    PendingService,
    PendingBroadcast,
    StringAppend,
    Compare,
    StringConcat,
    StringText,
    FindView,
    ContextShared,
    StreamToNetwork,
    StreamToCommand,
    StreamToPackage,
    Kill,
    Keep,
}

/// Which pairs of source and sink are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowRule {
    /// Its name.
    pub id: String,
    /// What it means.
    pub title: String,
    /// Kinds of sources.
    pub sources: Vec<String>,
    /// Kinds of sinks.
    pub sinks: Vec<String>,
    /// Whether the value itself must arrive, or the outcome of its comparison with a constant.
    #[serde(default)]
    pub by: By,
    /// Of the sinks those that only text decides about: a number that was worked out from the value picks nothing there.
    #[serde(default)]
    pub text: Vec<String>,
}

/// How a source decides about a sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Its value reaches it.
    #[default]
    Value,
    /// Its comparison with a constant decides whether it runs, or with what.
    Comparison,
}

/// The order in which the framework calls the methods of a component.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// `activity`, `service`, …
    pub component: String,
    /// Called once, in this order, before anything else happens.
    pub start: Vec<String>,
    /// Called in this order when the component goes, perhaps to come back.
    pub stop: Vec<String>,
}

/// Rows of a class by name of the method: its proto, or none for every overload.
type ByName = FxHashMap<Box<str>, Vec<(Option<Box<str>>, Vec<Rule>)>>;

/// Number of an argument, and the kind of source that it is.
type Argument = (u8, Box<str>);

/// All models.
#[derive(Debug)]
pub struct Models {
    methods: FxHashMap<Box<str>, ByName>,
    fields: FxHashMap<(Box<str>, Box<str>), Box<str>>,
    /// Texts of constants of the framework.
    constants: FxHashMap<(Box<str>, Box<str>), Arc<str>>,
    /// Kinds of sinks that sending an intent with an action is.
    actions: FxHashMap<Box<str>, Box<str>>,
    callbacks: FxHashMap<(Box<str>, Box<str>), Vec<Argument>>,
    /// Members of rows that are not in `seen.txt`, with what names them.
    documented: BTreeMap<String, String>,
    lifecycles: Vec<Lifecycle>,
    rules: Vec<FlowRule>,
    libraries: Vec<String>,
    bundled: Vec<String>,
    capabilities: Vec<String>,
    framework: LazyLock<Framework>,
    digest: [u8; 32],
}

impl Models {
    /// How many results of calls that the framework makes a row may bind: `r0` and on.
    pub const N_VARS: u8 = 4;

    /// The models that this program was built with.
    pub fn bundled() -> Models {
        match Models::parse(FILES) {
            Ok(models) => models,
            // The data is part of the program, and a test reads it.
            Err(error) => panic!("bundled models: {error}"),
        }
    }

    /// Reads models from the texts of their files.
    pub fn parse(texts: &[&str]) -> Result<Models, String> {
        let mut models = Models {
            methods: FxHashMap::default(),
            fields: FxHashMap::default(),
            constants: FxHashMap::default(),
            actions: FxHashMap::default(),
            callbacks: FxHashMap::default(),
            documented: BTreeMap::new(),
            lifecycles: Vec::new(),
            rules: Vec::new(),
            libraries: Vec::new(),
            bundled: Vec::new(),
            capabilities: Vec::new(),
            framework: LazyLock::new(|| Framework::parse(FRAMEWORK)),
            digest: digest_of(texts),
        };
        for text in texts {
            models.add(toml::from_str(text).map_err(|error| error.to_string())?)?;
        }
        Ok(models)
    }

    /// What is known of a method of exactly this class. A row with this proto wins over one for every overload.
    pub fn of(&self, class: &str, name: &str, proto: &str) -> Option<&[Rule]> {
        let rows = self.methods.get(class)?.get(name)?;
        let exact = rows.iter().find(|it| it.0.as_deref() == Some(proto));
        exact.or_else(|| rows.iter().find(|it| it.0.is_none())).map(|it| it.1.as_slice())
    }

    /// The rules of every overload of a method of exactly this class; the first row that there is.
    pub fn named(&self, class: &str, name: &str) -> Option<&[Rule]> {
        self.methods.get(class)?.get(name)?.first().map(|it| it.1.as_slice())
    }

    /// Every class with rows, and every name of a part or of a called method; in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let rules = self.methods.values().flat_map(|it| it.values()).flatten().flat_map(|it| &it.1);
        let used = rules.flat_map(|rule| {
            let ports: Vec<&Port> = match rule {
                Rule::Flow { from, to, .. } => vec![from, to],
                Rule::Call { receiver, args, .. } => std::iter::once(receiver).chain(args).collect(),
                _ => Vec::new(),
            };
            let name = match rule {
                Rule::Call { name, .. } => Some(&**name),
                _ => None,
            };
            let parts = ports.into_iter().flat_map(|it| &it.path).filter_map(|it| match it {
                Part::Named(name) => Some(&**name),
                _ => None,
            });
            parts.chain(name).collect::<Vec<_>>()
        });
        used.chain(self.methods.keys().map(|it| &**it))
    }

    /// Every member that a row is about, in order: `Lclass;->name`, `Lclass;->name(proto)`.
    pub fn rows(&self) -> BTreeSet<String> {
        let mut rows = BTreeSet::new();
        for (class, methods) in &self.methods {
            for (name, protos) in methods {
                rows.extend(protos.iter().map(|it| format!("{class}->{name}{}", it.0.as_deref().unwrap_or_default())));
            }
        }
        let others = self.callbacks.keys().chain(self.fields.keys()).chain(self.constants.keys());
        rows.extend(others.map(|(class, name)| format!("{class}->{name}")));
        rows
    }

    /// Members that nothing at hand has, with what names them; in order.
    pub fn documented(&self) -> &BTreeMap<String, String> {
        &self.documented
    }

    /// How many rows each kind of source, sink and check has, in order: what it is, its kind, how many.
    pub fn counts(&self) -> BTreeMap<(&'static str, &str), usize> {
        let rules = self.methods.values().flat_map(|it| it.values()).flatten().flat_map(|it| &it.1);
        let of_methods = rules.filter_map(|rule| match rule {
            Rule::Source { kind, .. } => Some(("source", &**kind)),
            Rule::Sink { kind, .. } => Some(("sink", &**kind)),
            Rule::Guard { kind } => Some(("guard", &**kind)),
            _ => None,
        });
        let of_values = self.fields.values().chain(self.callbacks.values().flatten().map(|it| &it.1));
        let of_values = of_values.map(|it| ("source", &**it));
        let of_intents = self.actions.values().map(|it| ("sink", &**it));
        let mut counts = BTreeMap::new();
        for key in of_methods.chain(of_values).chain(of_intents) {
            *counts.entry(key).or_default() += 1;
        }
        counts
    }

    /// The kind of source that a field is.
    pub fn field_source(&self, class: &str, name: &str) -> Option<&str> {
        self.fields.get(&(Box::from(class), Box::from(name))).map(|it| &**it)
    }

    /// The text of a constant of the framework.
    pub fn constant(&self, class: &str, name: &str) -> Option<&Arc<str>> {
        self.constants.get(&(Box::from(class), Box::from(name)))
    }

    /// The kind of sink that sending an intent with this action is.
    pub fn action_sink(&self, action: &str) -> Option<&str> {
        self.actions.get(action).map(|it| &**it)
    }

    /// The parameters of a callback that are sources.
    pub fn callback_sources(&self, class: &str, name: &str) -> &[(u8, Box<str>)] {
        self.callbacks.get(&(Box::from(class), Box::from(name))).map_or(&[], |it| it)
    }

    /// How a kind of component lives.
    pub fn lifecycle(&self, component: &str) -> Option<&Lifecycle> {
        self.lifecycles.iter().find(|it| it.component == component)
    }

    /// The first rule that tells of this pair.
    pub fn rule(&self, by: By, source: &str, sink: &str) -> Option<&FlowRule> {
        let has = |list: &[String], kind: &str| list.iter().any(|it| it == kind);
        self.rules.iter().find(|it| it.by == by && has(&it.sources, source) && has(&it.sinks, sink))
    }

    /// A rule of which the sink is one, whatever the source.
    pub fn any_rule_to(&self, sink: &str) -> Option<&FlowRule> {
        self.rules.iter().find(|it| it.by == By::Value && it.sinks.iter().any(|it| it == sink))
    }

    /// Whether it matters with what values of this kind are compared.
    pub fn is_compared(&self, kind: &str) -> bool {
        self.rules.iter().any(|it| it.by == By::Comparison && it.sources.iter().any(|it| it == kind))
    }

    /// Whether it matters what decides that this kind of sink is reached.
    pub fn is_decided(&self, kind: &str) -> bool {
        self.rules.iter().any(|it| it.by == By::Comparison && it.sinks.iter().any(|it| it == kind))
    }

    /// Whether a class belongs, by its name, to a library that apps bundle. A name is no proof.
    pub fn is_library(&self, class: &str) -> bool {
        self.libraries.iter().any(|it| class.starts_with(it.as_str()))
    }

    /// Whether a class belongs, by its name, to code that apps carry along and did not write. A name is no proof.
    pub fn is_bundled(&self, class: &str) -> bool {
        self.is_library(class) || self.bundled.iter().any(|it| class.starts_with(it.as_str()))
    }

    /// Whether a kind of sink is named wherever an entry point leads to it, whatever value it is given.
    pub fn is_capability(&self, kind: &str) -> bool {
        self.capabilities.iter().any(|it| it == kind)
    }

    /// All pairs that are told.
    pub fn rules(&self) -> &[FlowRule] {
        &self.rules
    }

    /// The bundled model of the framework: hierarchy, and what can be overridden.
    pub fn framework(&self) -> &Framework {
        &self.framework
    }

    /// SHA-256 of everything that these models were read from.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

fn digest_of(texts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts.iter().chain(FRAMEWORK) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

const FILES: &[&str] = &[
    include_str!("../../data/models/sources.toml"),
    include_str!("../../data/models/sinks.toml"),
    include_str!("../../data/models/sdks.toml"),
    include_str!("../../data/models/guards.toml"),
    include_str!("../../data/models/flows.toml"),
    include_str!("../../data/models/calls.toml"),
    include_str!("../../data/models/rules.toml"),
];

const FRAMEWORK: &[&str] =
    &[include_str!("../../data/models/framework.txt"), include_str!("../../data/models/others.txt")];
