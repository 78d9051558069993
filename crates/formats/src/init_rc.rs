//! Android init scripts: services, actions and imports.

use model::fact::init::{Action, Command, Section, Service, Socket};
use model::{Artifact, Fault};

use crate::rc::{Refused, Statement, Statements};
use crate::text::{is_text, read_text};
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "init-rc",
    title: "init script",
    spec: "AOSP system/core/init/README.md, parser.cpp, service_parser.cpp",
    kind: Kind::Config,
    matches,
    read,
};

/// A script that init reads by its folder or name, or one elsewhere (an APEX keeps them in `etc`) that starts like one.
fn matches(artifact: &Artifact, head: &[u8]) -> bool {
    let name = artifact.file_name();
    // An APEX may say in the extension from which version on a script is read: `x.34rc`.
    let extension = name.rsplit(|&byte| byte == b'.').next().and_then(|it| it.strip_suffix(b"rc"));
    if !extension.is_some_and(|it| it.len() < name.len() && it.iter().all(u8::is_ascii_digit))
        || name.starts_with(b".")
        || name.starts_with(b"ueventd")
    {
        return false;
    }
    let by_place = name.starts_with(b"init.") || artifact.raw_name.split(|&byte| byte == b'/').any(|it| it == b"init");
    by_place || is_text(head) && Statements::of(head).next().is_some_and(|it| starts_section(&it))
}

fn starts_section(statement: &Statement) -> bool {
    match statement.word(0) {
        "service" => 3 <= statement.words.len() && statement.word(2).starts_with('/'),
        "on" => 2 <= statement.words.len(),
        "import" => statement.word(1).starts_with('/'),
        _ => false,
    }
}

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = read_text(artifact, out, SCRIPT_MAX)?;
    let (mut open, mut refused): (Option<Open>, _) = (None, Refused::default());
    for (n, statement) in Statements::of(&bytes).enumerate() {
        if n == STATEMENTS_MAX {
            out.gap(format!("not read from offset {:#x} on: more than {STATEMENTS_MAX} lines", statement.offset));
            break;
        }
        let section = match statement.word(0) {
            "service" => service_of(&statement),
            "on" => action_of(&statement),
            "import" => (statement.words.len() == 2).then(|| Section::Import(statement.word(1).to_owned())),
            _ => {
                match &mut open {
                    Some(Open { section: Section::Service(service), end, .. }) => {
                        read_option(service, &statement);
                        *end = statement.end;
                    }
                    Some(Open { section: Section::Action(action), end, .. }) => {
                        action.commands.push(Command { args: statement.words, line: statement.line });
                        *end = statement.end;
                    }
                    Some(Open { section: Section::Import(_), .. }) | None => refused.push(statement),
                }
                continue;
            }
        };
        close(out, open.take());
        match section {
            Some(section) => open = Some(Open { offset: statement.offset, end: statement.end, section }),
            None => refused.push(statement),
        }
    }
    close(out, open);
    refused.tell(out);
    Ok(())
}

/// A section whose lines are still coming.
struct Open {
    offset: u64,
    end: u64,
    section: Section,
}

fn close(out: &mut Reading, open: Option<Open>) {
    if let Some(Open { offset, end, section }) = open {
        let row = out.row(offset, end.saturating_sub(offset), section);
        out.facts.init.push(row);
    }
}

fn service_of(statement: &Statement) -> Option<Section> {
    let (name, args) = (statement.word(1).to_owned(), statement.from(2).to_vec());
    let classes = vec!["default".to_owned()];
    (!args.is_empty()).then(|| Section::Service(Box::new(Service { name, args, classes, ..Service::default() })))
}

fn action_of(statement: &Statement) -> Option<Section> {
    let triggers: Vec<String> = statement.from(1).iter().filter(|it| *it != "&&").cloned().collect();
    (!triggers.is_empty()).then_some(Section::Action(Action { triggers, commands: Vec::new() }))
}

/// An option of a service. One that init would refuse, and one without a field of its own, is kept as written.
fn read_option(service: &mut Service, statement: &Statement) {
    let args = statement.from(1);
    match (statement.word(0), args) {
        ("class", [_, ..]) => service.classes = args.to_vec(),
        ("user", [user]) => service.user = Some(user.clone()),
        ("group", [_, ..]) => service.groups = args.to_vec(),
        ("capabilities", _) => service.capabilities = Some(args.to_vec()),
        ("seclabel", [label]) => service.seclabel = Some(label.clone()),
        ("disabled", []) => service.disabled = true,
        ("oneshot", []) => service.oneshot = true,
        ("critical", _) => service.critical = true,
        ("override", []) => service.overrides = true,
        ("interface", [_, ..]) => service.interfaces.push(args.join(" ")),
        ("onrestart", [_, ..]) => service.on_restart.push(args.to_vec()),
        ("socket", [name, kind, mode, rest @ ..]) if let Ok(mode) = u16::from_str_radix(mode, 8) => {
            let [user, group, seclabel] = [0, 1, 2].map(|n| rest.get(n).cloned());
            service.sockets.push(Socket { name: name.clone(), kind: kind.clone(), mode, user, group, seclabel });
        }
        _ => service.other.push(statement.words.clone()),
    }
}

/// The largest script seen has 91 KiB; ten times that. Words take up to thirty times their bytes in memory.
const SCRIPT_MAX: u64 = 1 << 20;

/// The most lines seen in one script are under 3,000; twenty times that.
const STATEMENTS_MAX: usize = 65_536;
