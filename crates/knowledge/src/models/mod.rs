//! Models of code that is not in an app: what the methods of Java and Android give, take and pass on.
//!
//! Invariant: every row has a kind, and every kind is used by a rule; a test holds both.

mod framework;
mod port;

use std::sync::LazyLock;

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
    },
    /// The values at the ports have an effect.
    Sink {
        /// What kind of effect.
        kind: Box<str>,
        /// Where they are.
        ports: Vec<Port>,
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
    callbacks: FxHashMap<(Box<str>, Box<str>), Vec<Argument>>,
    lifecycles: Vec<Lifecycle>,
    rules: Vec<FlowRule>,
    libraries: Vec<String>,
    bundled: Vec<String>,
    capabilities: Vec<String>,
    framework: LazyLock<Framework>,
    digest: [u8; 32],
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    sources: Vec<SourceRow>,
    sinks: Vec<SinkRow>,
    flows: Vec<FlowRow>,
    calls: Vec<CallRow>,
    guards: Vec<GuardRow>,
    builtins: Vec<BuiltinRow>,
    clears: Vec<ClearRow>,
    fields: Vec<FieldRow>,
    callbacks: Vec<CallbackRow>,
    lifecycle: Vec<Lifecycle>,
    rules: Vec<FlowRule>,
    libraries: Vec<String>,
    bundled: Vec<String>,
    capabilities: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    kind: String,
    #[serde(default = "port_return")]
    port: String,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SinkRow {
    kind: String,
    ports: Vec<String>,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowRow {
    flow: Vec<String>,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallRow {
    calls: Vec<String>,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardRow {
    kind: String,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltinRow {
    builtin: Builtin,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClearRow {
    port: String,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRow {
    kind: String,
    fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackRow {
    kind: String,
    arg: u8,
    methods: Vec<String>,
}

fn port_return() -> String {
    "return".to_owned()
}

impl Models {
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
            callbacks: FxHashMap::default(),
            lifecycles: Vec::new(),
            rules: Vec::new(),
            libraries: Vec::new(),
            bundled: Vec::new(),
            capabilities: Vec::new(),
            framework: LazyLock::new(|| Framework::parse(FRAMEWORK)),
            digest: digest_of(texts),
        };
        for text in texts {
            let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
            models.add(file)?;
        }
        Ok(models)
    }

    fn add(&mut self, file: File) -> Result<(), String> {
        for row in file.sources {
            let port = Port::parse(&row.port)?;
            self.rows(&row.methods, || vec![Rule::Source { kind: row.kind.as_str().into(), port: port.clone() }])?;
        }
        for row in file.sinks {
            let ports = row.ports.iter().map(|it| Port::parse(it)).collect::<Result<Vec<_>, _>>()?;
            self.rows(&row.methods, || vec![Rule::Sink { kind: row.kind.as_str().into(), ports: ports.clone() }])?;
        }
        // Calls first: flows pass on what they give.
        for row in file.calls {
            let rules = row.calls.iter().map(|it| call_of(it)).collect::<Result<Vec<_>, _>>()?;
            self.rows(&row.methods, || rules.clone())?;
        }
        for row in file.flows {
            let rules = row.flow.iter().map(|it| flow_of(it)).collect::<Result<Vec<_>, _>>()?;
            self.rows(&row.methods, || rules.clone())?;
        }
        for row in file.guards {
            self.rows(&row.methods, || vec![Rule::Guard { kind: row.kind.as_str().into() }])?;
        }
        for row in file.builtins {
            self.rows(&row.methods, || vec![Rule::Builtin(row.builtin)])?;
        }
        for row in file.clears {
            let port = Port::parse(&row.port)?;
            self.rows(&row.methods, || vec![Rule::Clears(port.clone())])?;
        }
        for row in file.fields {
            for field in &row.fields {
                let (class, name) = field.split_once("->").ok_or_else(|| format!("no field: {field}"))?;
                self.fields.insert((class.into(), name.into()), row.kind.as_str().into());
            }
        }
        for row in file.callbacks {
            for method in &row.methods {
                let (class, name) = method.split_once("->").ok_or_else(|| format!("no method: {method}"))?;
                let list = self.callbacks.entry((class.into(), name.into())).or_default();
                list.push((row.arg, row.kind.as_str().into()));
            }
        }
        self.lifecycles.extend(file.lifecycle);
        self.rules.extend(file.rules);
        self.libraries.extend(file.libraries);
        self.bundled.extend(file.bundled);
        self.capabilities.extend(file.capabilities);
        Ok(())
    }

    fn rows(&mut self, methods: &[String], rules: impl Fn() -> Vec<Rule>) -> Result<(), String> {
        for method in methods {
            let (class, rest) = method.split_once("->").ok_or_else(|| format!("no method: {method}"))?;
            let (name, proto) = match rest.find('(') {
                Some(at) => (&rest[..at], Some(&rest[at..])),
                None => (rest, None),
            };
            let rows = self.methods.entry(class.into()).or_default().entry(name.into()).or_default();
            match rows.iter_mut().find(|it| it.0.as_deref() == proto) {
                Some(row) => row.1.extend(rules()),
                None => rows.push((proto.map(Into::into), rules())),
            }
        }
        Ok(())
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

    /// The kind of source that a field is.
    pub fn field_source(&self, class: &str, name: &str) -> Option<&str> {
        self.fields.get(&(Box::from(class), Box::from(name))).map(|it| &**it)
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
    for text in texts.iter().chain(&[FRAMEWORK]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

fn flow_of(text: &str) -> Result<Rule, String> {
    if let Some((from, to)) = text.split_once("~>") {
        return Ok(Rule::Flow { from: Port::parse(from.trim())?, to: Port::parse(to.trim())?, how: How::Deep });
    }
    let (from, to, how) = match (text.split_once("=>"), text.split_once("->")) {
        (Some((from, to)), _) => (from, to, How::Alias),
        (None, Some((from, to))) => (from, to, How::Taint),
        _ => return Err(format!("no flow: {text}")),
    };
    Ok(Rule::Flow { from: Port::parse(from.trim())?, to: Port::parse(to.trim())?, how })
}

fn call_of(text: &str) -> Result<Rule, String> {
    let wrong = || format!("no call: {text}");
    let (result, call) = match text.split_once('=') {
        Some((result, call)) => {
            let number = result.trim().strip_prefix('r').and_then(|it| it.parse().ok()).ok_or_else(wrong)?;
            (Some(number), call.trim())
        }
        None => (None, text.trim()),
    };
    let (target, args) = call.strip_suffix(')').and_then(|it| it.split_once('(')).ok_or_else(wrong)?;
    let (receiver, name) = target.rsplit_once('.').ok_or_else(wrong)?;
    let args = args.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Port::parse);
    Ok(Rule::Call {
        receiver: Port::parse(receiver)?,
        name: name.into(),
        args: args.collect::<Result<Vec<_>, _>>()?,
        result,
    })
}

const FILES: &[&str] = &[
    include_str!("../../data/models/sources.toml"),
    include_str!("../../data/models/sinks.toml"),
    include_str!("../../data/models/guards.toml"),
    include_str!("../../data/models/flows.toml"),
    include_str!("../../data/models/calls.toml"),
    include_str!("../../data/models/rules.toml"),
];

const FRAMEWORK: &str = include_str!("../../data/models/framework.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_models_can_be_read() {
        let models = Models::bundled();
        assert!(models.of("Ljava/lang/StringBuilder;", "append", "(I)Ljava/lang/StringBuilder;").is_some());
        assert_eq!(models.framework().super_of("Landroid/app/Activity;"), Some("Landroid/view/ContextThemeWrapper;"));
    }

    #[test]
    fn every_kind_of_a_rule_is_the_kind_of_a_row_and_the_other_way_round() {
        let models = Models::bundled();
        let (mut sources, mut sinks) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for rules in models.methods.values().flat_map(|it| it.values()).flatten() {
            for rule in &rules.1 {
                match rule {
                    Rule::Source { kind, .. } => _ = sources.insert(kind.to_string()),
                    Rule::Sink { kind, .. } => _ = sinks.insert(kind.to_string()),
                    _ => {}
                }
            }
        }
        sources.extend(models.fields.values().map(|it| it.to_string()));
        sources.extend(models.callbacks.values().flatten().map(|it| it.1.to_string()));
        sources.extend(OF_THE_ENGINE.iter().map(|it| it.to_string()));
        let told: std::collections::BTreeSet<String> = models.rules.iter().flat_map(|it| it.sources.clone()).collect();
        assert_eq!(told, sources);
        let told: std::collections::BTreeSet<String> = models.rules.iter().flat_map(|it| it.sinks.clone()).collect();
        assert_eq!(told, sinks);
        assert!(models.capabilities.iter().all(|it| sinks.contains(it)), "a capability is the kind of a sink");
    }

    /// Sources that the engine makes without a row.
    const OF_THE_ENGINE: &[&str] = &["activity-result", "exported-intent", "password"];
}
