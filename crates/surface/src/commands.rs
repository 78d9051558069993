//! What a command that code runs can do, as far as the code says which it is.
//!
//! Invariant: what is not known for certain stays a command. Only a text whose program stands there in full counts, and only
//! programs that tell and change nothing are less than that.

use std::collections::BTreeMap;

use model::fact::call::CodeCall;
use model::fact::flow::Way;
use model::{ArtifactId, Row};
use phone::Phone;

use crate::reactions::capability_of;

/// Calls that run a command, by where they stand.
pub struct Commands<'a> {
    calls: BTreeMap<(ArtifactId, u64), &'a CodeCall>,
}

impl<'a> Commands<'a> {
    /// Those of a phone.
    pub fn of(phone: &'a Phone) -> Commands<'a> {
        let of_command = |it: &&Row<CodeCall>| it.value.what == "execute-command";
        let calls = phone.facts.calls.iter().filter(of_command);
        Commands { calls: calls.map(|it| ((it.at.artifact, it.at.offset), &it.value)).collect() }
    }

    /// The capability at the end of a way: for a command that is known, what that command does.
    pub fn capability(&self, sink: &'a str, way: &Way) -> &'a str {
        if sink != "execute-command" {
            return sink;
        }
        let end = way.steps.iter().rev().find_map(|it| it.at);
        let call = end.and_then(|at| self.calls.get(&(at.artifact, at.offset)));
        let text = call.and_then(|it| it.args.first()?.as_deref());
        let open = call.is_some_and(|it| 1 < it.args.len());
        text.map_or(sink, |text| capability_of_text(text, open))
    }
}

/// What a command does; `open` where more of it follows than is known.
fn capability_of_text(text: &str, open: bool) -> &'static str {
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    // The last word may go on.
    if open && !text.ends_with(|it: char| it.is_ascii_whitespace()) {
        words.pop();
    }
    if words.first().is_some_and(|it| name_of(it) == "sh") {
        if open || words.get(1) != Some(&"-c") {
            return COMMAND;
        }
        words.drain(..2);
        // One command, and nothing that a shell would take apart.
        if words.iter().any(|it| it.contains(['|', '&', ';', '>', '<', '`', '$', '(', '\n'])) {
            return COMMAND;
        }
    }
    let Some(program) = words.first() else { return COMMAND };
    if let Some(capability) = capability_of(&words) {
        return if open { COMMAND } else { capability };
    }
    let plain = !program.contains('/') || program.starts_with("/system/bin/");
    let tells = TELLS.contains(&name_of(program)) || !open && TELLS_AS_TOLD.contains(&name_of(program));
    if plain && tells { "fixed-program" } else { COMMAND }
}

fn name_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

const COMMAND: &str = "execute-command";

/// Programs that tell something, whatever they are told.
const TELLS: &[&str] = &[
    "ping",
    "ping6",
    "traceroute",
    "ls",
    "ps",
    "cat",
    "df",
    "du",
    "stat",
    "which",
    "type",
    "getprop",
    "md5sum",
    "sha1sum",
    "wc",
    "id",
    "uname",
    "uptime",
];

/// Programs that tell something, as long as nobody adds to what they are told.
const TELLS_AS_TOLD: &[&str] =
    &["logcat", "dumpsys", "top", "netstat", "ip", "dmesg", "vmstat", "date", "lsof", "free", "echo"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_what_its_program_does() {
        for (text, open, what) in [
            ("ping -c 1 ", true, "fixed-program"),
            ("/system/bin/ping -c 1 ", true, "fixed-program"),
            ("which su", false, "fixed-program"),
            ("sh -c type su", false, "fixed-program"),
            ("logcat -d", false, "fixed-program"),
            ("pm install /data/x.apk", false, "install-package"),
            // What follows may be anything.
            ("pm install ", true, COMMAND),
            ("logcat -d ", true, COMMAND),
            ("ping", true, COMMAND),
            ("sh -c ping ", true, COMMAND),
            ("sh -c ls; x", false, COMMAND),
            ("/data/local/tmp/ls", false, COMMAND),
            ("su", false, COMMAND),
            ("/system/xbin/helper run ", true, COMMAND),
            ("", true, COMMAND),
        ] {
            assert_eq!(capability_of_text(text, open), what, "{text:?}");
        }
    }
}
