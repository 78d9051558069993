//! What a property that is set, or a service that is started, leads to: triggers of init, services, scripts.
//!
//! Invariant: every property, service, event and script is gone through once for a question, and again only where the
//! outsider has chosen more on the way to it, so that circles end; all questions together do at most [`WORK_MAX`] steps, a way
//! has at most [`STEPS_MAX`], and that a bound was reached is told.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use model::fact::script::{Command, Input, Script};
use model::{ArtifactId, Location, Row};
use phone::{InitAction, InitService, Phone};

use crate::gate::{Lead, LeadStep};

/// What init and scripts do when something happens.
pub struct Reactions<'a> {
    phone: &'a Phone,
    by_property: BTreeMap<&'a str, Vec<Trigger<'a>>>,
    by_event: BTreeMap<&'a str, Vec<&'a InitAction>>,
    by_class: BTreeMap<&'a str, Vec<&'a InitService>>,
    scripts: BTreeMap<ArtifactId, &'a Row<Script>>,
    left: Cell<u32>,
    deep: Cell<bool>,
}

struct Trigger<'a> {
    action: &'a InitAction,
    /// The value that it waits for; `*` for any.
    value: &'a str,
    /// What else must hold.
    others: Vec<&'a str>,
}

/// A way so far: the last step, and what lies before it.
#[derive(Clone)]
struct Trail(Option<Rc<(LeadStep, Trail)>>, u32);

impl Trail {
    fn and(&self, layer: &'static str, what: String, at: Location) -> Trail {
        Trail(Some(Rc::new((LeadStep { layer, what, at }, self.clone()))), self.1.saturating_add(1))
    }

    fn steps(&self) -> Vec<LeadStep> {
        let mut steps = Vec::new();
        let mut trail = self;
        while let Some(node) = &trail.0 {
            steps.push(node.0.clone());
            trail = &node.1;
        }
        steps.reverse();
        steps
    }
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Property { name: String, value: Option<String> },
    Start { service: String },
    Named { event: String },
    Run { words: Vec<String>, user: String },
}

struct Task {
    event: Event,
    /// Properties whose values are those that the outsider chose.
    told: BTreeSet<String>,
    trail: Trail,
}

impl<'a> Reactions<'a> {
    /// Those of a phone.
    pub fn of(phone: &'a Phone) -> Reactions<'a> {
        let mut by_property: BTreeMap<&str, Vec<Trigger>> = BTreeMap::new();
        let mut by_event: BTreeMap<&str, Vec<&InitAction>> = BTreeMap::new();
        for action in &phone.actions {
            for trigger in &action.action.triggers {
                let Some((name, value)) = property_of(trigger) else {
                    by_event.entry(trigger).or_default().push(action);
                    continue;
                };
                let others = action.action.triggers.iter().filter(|it| *it != trigger).map(String::as_str).collect();
                by_property.entry(name).or_default().push(Trigger { action, value, others });
            }
        }
        let mut by_class: BTreeMap<&str, Vec<&InitService>> = BTreeMap::new();
        for service in phone.services.values() {
            for class in &service.service.classes {
                by_class.entry(class).or_default().push(service);
            }
        }
        let scripts = phone.running(&phone.facts.scripts).map(|it| (it.at.artifact, it)).collect();
        Reactions { phone, by_property, by_event, by_class, scripts, left: Cell::new(WORK_MAX), deep: Cell::new(false) }
    }

    /// Whether a bound was reached, so that ways may be missing.
    pub fn is_cut(&self) -> bool {
        self.left.get() == 0 || self.deep.get()
    }

    /// Properties that something reacts to, with the first place that does.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Location)> {
        self.by_property.iter().filter_map(|(name, triggers)| Some((*name, triggers.first()?.action.at)))
    }

    /// The script of a path.
    pub fn script(&self, path: &str) -> Option<&'a Row<Script>> {
        self.phone.at(path).iter().find_map(|it| self.scripts.get(it).copied())
    }

    /// Where it leads that a property is set; `told` where the outsider chooses the value.
    pub fn of_property(&self, name: &str, value: Option<&str>, told: bool) -> Vec<Lead> {
        let told = if told { BTreeSet::from([name.to_owned()]) } else { BTreeSet::new() };
        self.follow(Event::Property { name: name.to_owned(), value: value.map(str::to_owned) }, told)
    }

    fn follow(&self, first: Event, told: BTreeSet<String>) -> Vec<Lead> {
        let mut leads: BTreeMap<(String, String, bool), Lead> = BTreeMap::new();
        let mut seen: BTreeMap<Event, BTreeSet<String>> = BTreeMap::from([(first.clone(), told.clone())]);
        let mut queue = VecDeque::from([Task { event: first, told, trail: Trail(None, 0) }]);
        while let Some(task) = queue.pop_front() {
            let Some(left) = self.left.get().checked_sub(1) else { break };
            self.left.set(left);
            let mut out = Out { leads: &mut leads, next: Vec::new(), told: task.told.clone() };
            match &task.event {
                Event::Property { name, value } => self.property(name, value.as_deref(), &task.trail, &mut out),
                Event::Start { service } => self.start(service, &task.trail, &mut out),
                Event::Named { event } => {
                    for action in self.by_event.get(event.as_str()).into_iter().flatten() {
                        self.action(action, &task.trail, &mut out);
                    }
                }
                Event::Run { words, user } => self.run(words, user, &task.trail, &mut out),
            }
            let Out { next, told, .. } = out;
            for (event, trail) in next {
                if STEPS_MAX <= trail.1 {
                    self.deep.set(true);
                } else if is_new(&mut seen, &event, &told) {
                    queue.push_back(Task { event, told: told.clone(), trail });
                }
            }
        }
        leads.into_values().collect()
    }

    fn property(&self, name: &str, value: Option<&str>, trail: &Trail, out: &mut Out) {
        let told = out.told.contains(name);
        if let Some(what) = name.strip_prefix("ctl.").filter(|it| !it.starts_with("stop")) {
            let trail = trail.and("property", format!("{name} has init {what} a service"), first_at(trail));
            match value {
                Some(service) => out.next(Event::Start { service: service.to_owned() }, trail),
                None if told => out.lead("start-any-service", "root", true, &trail),
                None => {}
            }
        }
        for trigger in self.by_property.get(name).into_iter().flatten() {
            // A value that is known decides; one that is not may be any.
            if trigger.value != "*" && value.is_some_and(|it| it != trigger.value) {
                continue;
            }
            let others = match trigger.others.as_slice() {
                [] => String::new(),
                others => format!(", where {} holds too", others.join(" and ")),
            };
            let what = format!("on property:{name}={}{others}", trigger.value);
            self.action(trigger.action, &trail.and("init", what, trigger.action.at), out);
        }
    }

    fn action(&self, action: &InitAction, trail: &Trail, out: &mut Out) {
        for command in &action.action.commands {
            let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
            let step = || trail.and("init", args.join(" "), action.at);
            match args.as_slice() {
                ["start" | "restart" | "exec_start", service] => {
                    out.next(Event::Start { service: (*service).to_owned() }, step());
                }
                ["class_start" | "class_restart" | "class_start_post_data", class] => {
                    for service in self.by_class.get(class).into_iter().flatten().take(CLASS_MAX) {
                        out.next(Event::Start { service: service.service.name.clone() }, step());
                    }
                }
                ["trigger", event] => out.next(Event::Named { event: (*event).to_owned() }, step()),
                ["setprop", name, value] => {
                    let known = if is_told(value, &out.told) {
                        out.told.insert((*name).to_owned());
                        None
                    } else {
                        Some((*value).to_owned()).filter(|it| !it.contains('$'))
                    };
                    out.next(Event::Property { name: (*name).to_owned(), value: known }, step());
                }
                ["exec" | "exec_background", rest @ ..] => {
                    let at = rest.iter().position(|it| *it == "--").map_or(0, |it| it + 1);
                    let user = if 2 < at { rest.get(1).copied().unwrap_or("root") } else { "root" };
                    let words = rest.iter().skip(at).map(|it| (*it).to_owned()).collect();
                    out.next(Event::Run { words, user: user.to_owned() }, step());
                }
                words => {
                    if let Some(capability) = capability_of(words) {
                        let told = words.iter().any(|it| is_told(it, &out.told));
                        out.lead(capability, "root", told, &step());
                    }
                }
            }
        }
    }

    fn start(&self, name: &str, trail: &Trail, out: &mut Out) {
        // `ctl.start` may hand arguments on: `name:argument`.
        let name = name.split(':').next().unwrap_or(name);
        let Some(service) = self.phone.services.get(name) else { return };
        let user = service.user();
        let what = format!("service {name} {} as {user}", service.service.args.join(" "));
        out.next(
            Event::Run { words: service.service.args.clone(), user: user.to_owned() },
            trail.and("init", what, service.at),
        );
    }

    /// A program with its arguments.
    fn run(&self, words: &[String], user: &str, trail: &Trail, out: &mut Out) {
        let Some(program) = words.first() else { return };
        let is_shell = matches!(program.rsplit('/').next(), Some("sh" | "mksh" | "toybox" | "busybox"));
        let told = words.iter().skip(1).any(|it| is_told(it, &out.told));
        if is_shell && words.get(1).is_some_and(|it| it == "-c") {
            if told {
                out.lead("execute-command", user, true, trail);
            }
            let text: Vec<&str> = words.get(2).map(|it| it.split_ascii_whitespace().collect()).unwrap_or_default();
            if let Some(capability) = capability_of(&text) {
                out.lead(capability, user, told, trail);
            }
            return;
        }
        let path = if is_shell { words.get(1).unwrap_or(program) } else { program };
        match self.script(path) {
            Some(script) => self.commands(path, script, user, told, trail, out),
            None => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match capability_of(&words) {
                    Some(capability) => out.lead(capability, user, told, trail),
                    None => out.lead("start-program", user, told, trail),
                }
            }
        }
    }

    fn commands(&self, path: &str, script: &Row<Script>, user: &str, told: bool, trail: &Trail, out: &mut Out) {
        for command in &script.value.commands {
            let at = Location { artifact: script.at.artifact, offset: command.offset, size: command.size };
            let step = || trail.and("script", format!("{path}: {}", line_of(command)), at);
            let is_told = command.inputs.iter().any(|it| match it {
                Input::Property(name) => out.told.contains(name),
                Input::Argument(_) => told,
                Input::File(_) => false,
            });
            if command.runs_input && is_told {
                out.lead("execute-command", user, true, &step());
                continue;
            }
            let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["setprop", name, rest @ ..] => {
                    if is_told {
                        out.told.insert((*name).to_owned());
                    }
                    let value = rest.first().filter(|it| !is_told && !it.is_empty()).map(|it| (*it).to_owned());
                    out.next(Event::Property { name: (*name).to_owned(), value }, step());
                }
                ["start", service] => out.next(Event::Start { service: (*service).to_owned() }, step()),
                ["." | "source" | "sh" | "/system/bin/sh", script, ..] if self.script(script).is_some() => {
                    let words = vec![(*script).to_owned()];
                    out.next(Event::Run { words, user: user.to_owned() }, step());
                }
                [program, ..] if program.starts_with('/') && self.script(program).is_some() => {
                    out.next(Event::Run { words: command.words.clone(), user: user.to_owned() }, step());
                }
                words => {
                    if let Some(capability) = capability_of(words) {
                        out.lead(capability, user, is_told, &step());
                    }
                }
            }
        }
    }
}

/// What a task brings.
struct Out<'b> {
    leads: &'b mut BTreeMap<(String, String, bool), Lead>,
    next: Vec<(Event, Trail)>,
    told: BTreeSet<String>,
}

impl Out<'_> {
    fn next(&mut self, event: Event, trail: Trail) {
        self.next.push((event, trail));
    }

    /// The first way to a capability is the shortest: what is nearer is gone through first.
    fn lead(&mut self, capability: &str, user: &str, told: bool, trail: &Trail) {
        let key = (capability.to_owned(), user.to_owned(), told);
        self.leads.entry(key).or_insert_with(|| Lead {
            capability: capability.to_owned(),
            acts_as: user.to_owned(),
            told,
            loose: false,
            barriers: Vec::new(),
            steps: trail.steps(),
        });
    }
}

/// Whether something happens for the first time, or with more that the outsider chose than ever before.
fn is_new(seen: &mut BTreeMap<Event, BTreeSet<String>>, event: &Event, told: &BTreeSet<String>) -> bool {
    match seen.get_mut(event) {
        Some(known) if told.is_subset(known) => false,
        Some(known) => {
            known.extend(told.iter().cloned());
            true
        }
        None => seen.insert(event.clone(), told.clone()).is_none(),
    }
}

fn first_at(trail: &Trail) -> Location {
    trail.0.as_ref().map_or(Location { artifact: ArtifactId(0), offset: 0, size: 0 }, |it| it.0.at)
}

/// `property:name=value`.
fn property_of(trigger: &str) -> Option<(&str, &str)> {
    let (name, value) = trigger.strip_prefix("property:")?.split_once('=')?;
    Some((name, value))
}

/// Whether a word of init holds the value of a property that an outsider chose: `${name}`, `${name:-default}`, `$name`.
fn is_told(word: &str, told: &BTreeSet<String>) -> bool {
    word.split('$').skip(1).any(|it| {
        let name = it.trim_start_matches('{');
        let name = name.split(['}', ':', '/', ' ']).next().unwrap_or(name);
        told.contains(name)
    })
}

fn line_of(command: &Command) -> String {
    let line = command.words.join(" ");
    let inputs: Vec<String> = command
        .inputs
        .iter()
        .map(|it| match it {
            Input::Property(name) => format!("property {name}"),
            Input::File(path) => format!("file {path}"),
            Input::Argument(n) => format!("argument {n}"),
        })
        .collect();
    match (command.runs_input, inputs.as_slice()) {
        (_, []) => line,
        (true, inputs) => format!("{line} (runs what it reads from {})", inputs.join(", ")),
        (false, inputs) => format!("{line} (with {})", inputs.join(", ")),
    }
}

/// What a command of init or of a shell can do, by its name; `None` for what gives no power worth telling.
pub(crate) fn capability_of(words: &[&str]) -> Option<&'static str> {
    let words: Vec<&str> = words.iter().copied().skip_while(|it| WRAPPERS.contains(&name_of(it))).collect();
    let first = name_of(words.first()?);
    let has = |text: &str| words.iter().skip(1).any(|it| *it == text);
    let starts = |text: &str| words.iter().skip(1).any(|it| it.starts_with(text));
    Some(match first {
        "pm" | "cmd" if has("install") => "install-package",
        "pm" | "cmd" if has("uninstall") || has("clear") => "remove-package",
        "pm" | "cmd" if has("grant") => "grant-permission",
        "pm" if has("disable") || has("hide") => "disable-app",
        "settings" if has("put") => "change-settings",
        "setenforce" => "selinux",
        "mount" if starts("remount") || starts("rw") || has("-o") => "mount",
        "insmod" | "modprobe" => "load-kernel-module",
        "chmod" if words.iter().skip(1).any(|it| opens(it)) => "file-permissions",
        "adbd" | "telnetd" | "dropbear" | "sshd" => "remote-shell",
        "nc" | "netcat" if has("-l") || has("-e") => "remote-shell",
        "dd" | "flash_image" if starts("of=/dev/block") || first == "flash_image" => "write-partition",
        "wipe" | "mkfs.ext4" | "make_ext4fs" => "factory-reset",
        "rm" if starts("/data") && words.iter().any(|it| it.starts_with('-') && it.contains('r')) => "delete-data",
        "reboot" | "powerctl" => "reboot",
        "screencap" | "screenrecord" | "tcpdump" => "record",
        "input" | "sendevent" => "input-injection",
        "service" if has("call") => "call-service",
        "wget" | "curl" => "download",
        "write" if starts("/sys/") || starts("/proc/") => "write-kernel",
        _ => return None,
    })
}

/// A mode that lets everyone write, or that makes a program run as its owner.
fn opens(mode: &str) -> bool {
    let octal = mode.len() <= 4 && 3 <= mode.len() && mode.bytes().all(|it| (b'0'..=b'7').contains(&it));
    let bits = u16::from_str_radix(mode, 8).unwrap_or(0);
    octal && (bits & 0o002 != 0 || bits & 0o6000 != 0) || matches!(mode, "a+w" | "o+w" | "u+s" | "+s")
}

fn name_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

const WRAPPERS: &[&str] = &["exec", "nohup", "busybox", "toybox", "toolbox", "sudo"];

/// All questions about a phone together. A phone of 2020 takes some thousands.
const WORK_MAX: u32 = 400_000;

/// A way of a real phone has under ten steps behind the app.
const STEPS_MAX: u32 = 64;

/// A class of services that is started at once.
const CLASS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_by_what_they_do() {
        let of = |text: &str| capability_of(&text.split(' ').collect::<Vec<_>>());
        assert_eq!(of("/system/bin/pm install -r /data/x"), Some("install-package"));
        assert_eq!(of("busybox chmod 4755 /x"), Some("file-permissions"));
        assert_eq!(of("chmod 0644 /x"), None);
        assert_eq!(of("log -t a b"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_property_is_told_by_its_name_in_braces() {
        let told = BTreeSet::from(["a.b".to_owned()]);
        for word in ["${a.b}", "$a.b", "x${a.b:-c}y", "/p/$a.b/q"] {
            assert!(is_told(word, &told), "{word}");
        }
        for word in ["a.b", "${a.bc}", "$c"] {
            assert!(!is_told(word, &told), "{word}");
        }
    }
}
