//! The files of the models: rows as they are written, and what is made of them.
//!
//! Invariant: a row that says what another one says already, or names what cannot be, is refused.

use serde::Deserialize;

use super::{Base, Builtin, FlowRule, How, Lifecycle, Models, Part, Port, Rule, When};

/// A file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    sources: Vec<SourceRow>,
    sinks: Vec<SinkRow>,
    flows: Vec<FlowRow>,
    calls: Vec<CallRow>,
    guards: Vec<GuardRow>,
    builtins: Vec<BuiltinRow>,
    clears: Vec<ClearRow>,
    fields: Vec<FieldRow>,
    constants: Vec<ConstantRow>,
    actions: Vec<ActionRow>,
    callbacks: Vec<CallbackRow>,
    documented: Vec<DocumentedRow>,
    lifecycle: Vec<Lifecycle>,
    rules: Vec<FlowRule>,
    libraries: Vec<String>,
    bundled: Vec<String>,
    capabilities: Vec<String>,
}

/// `methods` of every row: `Lclass;->name` for every overload, `Lclass;->name(proto)` for one, `Lclass;->one,two` for
/// several names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    kind: String,
    #[serde(default = "port_return")]
    port: String,
    when: Option<WhenRow>,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SinkRow {
    kind: String,
    ports: Vec<String>,
    when: Option<WhenRow>,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenRow {
    port: String,
    starts: Vec<Box<str>>,
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
struct ConstantRow {
    text: String,
    fields: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionRow {
    kind: String,
    actions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackRow {
    kind: String,
    arg: u8,
    methods: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentedRow {
    by: String,
    members: Vec<String>,
}

fn port_return() -> String {
    "return".to_owned()
}

impl Models {
    pub(super) fn add(&mut self, file: File) -> Result<(), String> {
        for row in file.sources {
            let rule = Rule::Source {
                kind: row.kind.as_str().into(),
                port: place(&row.port)?,
                when: row.when.map(when_of).transpose()?,
            };
            self.rules_of(&row.methods, &[rule])?;
        }
        for row in file.sinks {
            let ports = row.ports.iter().map(|it| place(it)).collect::<Result<Vec<_>, _>>()?;
            let when = row.when.map(when_of).transpose()?;
            self.rules_of(&row.methods, &[Rule::Sink { kind: row.kind.as_str().into(), ports, when }])?;
        }
        // Calls first: flows pass on what they give.
        for row in file.calls {
            let rules = row.calls.iter().map(|it| call_of(it)).collect::<Result<Vec<_>, _>>()?;
            self.rules_of(&row.methods, &rules)?;
        }
        for row in file.flows {
            let rules = row.flow.iter().map(|it| flow_of(it)).collect::<Result<Vec<_>, _>>()?;
            self.rules_of(&row.methods, &rules)?;
        }
        for row in file.guards {
            self.rules_of(&row.methods, &[Rule::Guard { kind: row.kind.as_str().into() }])?;
        }
        for row in file.builtins {
            self.rules_of(&row.methods, &[Rule::Builtin(row.builtin)])?;
        }
        for row in file.clears {
            self.rules_of(&row.methods, &[Rule::Clears(place(&row.port)?)])?;
        }
        for row in file.fields {
            for (class, name) in members(&row.fields)? {
                if self.fields.insert((class.into(), name.into()), row.kind.as_str().into()).is_some() {
                    return Err(format!("twice: {class}->{name}"));
                }
            }
        }
        for row in file.constants {
            for (class, name) in members(&row.fields)? {
                if self.constants.insert((class.into(), name.into()), row.text.as_str().into()).is_some() {
                    return Err(format!("twice: {class}->{name}"));
                }
            }
        }
        for row in file.actions {
            for action in &row.actions {
                if self.actions.insert(action.as_str().into(), row.kind.as_str().into()).is_some() {
                    return Err(format!("twice: {action}"));
                }
            }
        }
        for row in file.callbacks {
            for (class, name) in members(&row.methods)? {
                let list = self.callbacks.entry((class.into(), name.into())).or_default();
                let argument = (row.arg, row.kind.as_str().into());
                if list.contains(&argument) {
                    return Err(format!("twice: {class}->{name}"));
                }
                list.push(argument);
            }
        }
        for row in file.documented {
            for (class, name) in members(&row.members)? {
                if self.documented.insert(format!("{class}->{name}"), row.by.clone()).is_some() {
                    return Err(format!("twice: {class}->{name}"));
                }
            }
        }
        self.lifecycles.extend(file.lifecycle);
        self.rules.extend(file.rules);
        self.libraries.extend(file.libraries);
        self.bundled.extend(file.bundled);
        self.capabilities.extend(file.capabilities);
        Ok(())
    }

    fn rules_of(&mut self, methods: &[String], rules: &[Rule]) -> Result<(), String> {
        for (class, member) in members(methods)? {
            let (name, proto) = match member.find('(') {
                Some(at) => (&member[..at], Some(&member[at..])),
                None => (member, None),
            };
            let rows = self.methods.entry(class.into()).or_default().entry(name.into()).or_default();
            let place = rows.iter().position(|it| it.0.as_deref() == proto);
            let place = place.unwrap_or_else(|| {
                rows.push((proto.map(Into::into), Vec::new()));
                rows.len() - 1
            });
            let known = &mut rows[place].1;
            if rules.iter().any(|it| known.contains(it)) {
                return Err(format!("twice: {class}->{member}"));
            }
            known.extend_from_slice(rules);
        }
        Ok(())
    }
}

/// Class and member of each text; several names stand with commas.
fn members(texts: &[String]) -> Result<Vec<(&str, &str)>, String> {
    let mut found = Vec::new();
    for text in texts {
        let (class, rest) = text.split_once("->").ok_or_else(|| format!("no member: {text}"))?;
        for name in rest.split(',') {
            let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
            if !class.starts_with('L') || !class.ends_with(';') || class.contains(['.', ' ']) || !is_name {
                return Err(format!("no member: {text}"));
            }
            found.push((class, name));
        }
    }
    Ok(found)
}

/// A port of a call as its caller sees it.
fn place(text: &str) -> Result<Port, String> {
    let port = Port::parse(text)?;
    if matches!(port.base, Base::Var(_)) || port.path.contains(&Part::Append) {
        return Err(format!("no port of a call: {text}"));
    }
    Ok(port)
}

fn when_of(row: WhenRow) -> Result<When, String> {
    if row.starts.is_empty() {
        return Err("a condition that nothing meets".to_owned());
    }
    Ok(When { port: place(&row.port)?, starts: row.starts })
}

fn flow_of(text: &str) -> Result<Rule, String> {
    let (from, to, how) = [("~>", How::Deep), ("=>", How::Alias), ("->", How::Taint)]
        .into_iter()
        .find_map(|(arrow, how)| text.split_once(arrow).map(|(from, to)| (from, to, how)))
        .ok_or_else(|| format!("no flow: {text}"))?;
    Ok(Rule::Flow { from: Port::parse(from.trim())?, to: Port::parse(to.trim())?, how })
}

fn call_of(text: &str) -> Result<Rule, String> {
    let wrong = || format!("no call: {text}");
    let (result, call) = match text.split_once('=') {
        Some((result, call)) => {
            let number = result.trim().strip_prefix('r').and_then(|it| it.parse().ok());
            let number = number.filter(|it| *it < Models::N_VARS).ok_or_else(wrong)?;
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
