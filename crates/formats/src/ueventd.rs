//! `ueventd.rc`: who may open which device node.

use model::fact::ueventd::Rule;
use model::{Artifact, Fault};

use crate::rc::{Refused, Statement, Statements};
use crate::text::read_text;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "ueventd",
    title: "ueventd script",
    spec: "AOSP system/core/init/README.ueventd.md, ueventd_parser.cpp",
    kind: Kind::Config,
    matches: |artifact, _| {
        let name = artifact.file_name();
        name.starts_with(b"ueventd") && name.ends_with(b".rc")
    },
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = read_text(artifact, out, SCRIPT_MAX)?;
    let mut refused = Refused::default();
    for (n, statement) in Statements::of(&bytes).enumerate() {
        if n == STATEMENTS_MAX {
            out.gap(format!("not read from offset {:#x} on: more than {STATEMENTS_MAX} lines", statement.offset));
            break;
        }
        if let Some(rule) = rule_of(&statement) {
            let row = out.row(statement.offset, statement.size(), rule);
            out.facts.ueventd.push(row);
        } else if !DIRECTIVES.contains(&statement.word(0)) {
            refused.push(statement);
        }
    }
    refused.tell(out);
    Ok(())
}

/// `node mode user group` or `node attribute mode user group`, with options behind.
fn rule_of(statement: &Statement) -> Option<Rule> {
    let (attribute, rest) = match statement.from(1) {
        [attribute, rest @ ..] if mode_of(attribute).is_none() => (Some(attribute.clone()), rest),
        rest => (None, rest),
    };
    let [mode, user, group, ..] = rest else { return None };
    let pattern = statement.word(0).to_owned();
    Some(Rule { pattern, attribute, mode: mode_of(mode)?, user: user.clone(), group: group.clone() })
}

fn mode_of(word: &str) -> Option<u16> {
    u16::from_str_radix(word, 8).ok()
}

/// What is no rule: sections that name nodes, their lines, and settings of ueventd itself.
const DIRECTIVES: &[&str] = &[
    "subsystem",
    "devname",
    "dirname",
    "driver",
    "import",
    "firmware_directories",
    "external_firmware_handler",
    "modalias_handling",
    "uevent_socket_rcvbuf_size",
    "parallel_restorecon",
    "parallel_restorecon_dir",
    "parallel_restorecon_enabled",
    "parallel_ueventd_main_loop",
    "parallel_ueventd_main_loop_max_workers",
];

/// The largest script seen has 21 KiB; fifty times that.
const SCRIPT_MAX: u64 = 1 << 20;

/// The most lines seen are under 1,000; sixty times that.
const STATEMENTS_MAX: usize = 65_536;
