//! `postern policy`: the SELinux policy that a phone loads, and what it answers.

use std::collections::BTreeMap;
use std::io::{self, Write};

use model::fact::policy::Grant;
use model::policy::{PolicyAnswer, Transition, Who};

use crate::escape::visible;

/// Writes the answer as text: to what was asked, or an overview. Only `verbose` shows all of each list.
pub fn text(answer: &PolicyAnswer, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let shown = if verbose { usize::MAX } else { SHOWN };
    head(answer, out)?;
    match (&answer.who, &answer.may) {
        (None, None) => overview(answer, shown, out),
        (who, may) => {
            if let Some(it) = who {
                self::who(it, out)?;
            }
            if let Some(it) = may {
                writeln!(out, "\n{} may", visible(it.first().map_or("", |it| &it.domain)))?;
                grants(it, usize::MAX, out)?;
            }
            Ok(())
        }
    }
}

/// Writes it as one JSON object.
pub fn json(answer: &PolicyAnswer, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, answer)?;
    writeln!(out)
}

fn head(answer: &PolicyAnswer, out: &mut dyn Write) -> io::Result<()> {
    let version = answer.version.map_or(String::new(), |it| format!(", version {it}"));
    let how = if answer.kind == "linked" { "linked from its files in CIL" } else { "compiled" };
    writeln!(
        out,
        "{} ({how}{version}): {} types and attributes, {} rules",
        visible(&answer.device_path),
        answer.n_types,
        answer.n_rules
    )?;
    for why in &answer.stale {
        writeln!(out, "not loaded: {}", visible(why))?;
    }
    for gap in &answer.gaps {
        writeln!(out, "gap: {}", visible(gap))?;
    }
    Ok(())
}

fn overview(answer: &PolicyAnswer, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    let listed =
        |all: &[String]| if all.is_empty() { "none".to_owned() } else { visible(&all.join(", ")).into_owned() };
    writeln!(out, "\npermissive domains: {}", listed(&answer.permissive))?;
    writeln!(out, "\ndomains that may do everything, or change the policy:")?;
    for it in &answer.unconfined {
        writeln!(out, "  {}: {}", visible(&it.domain), visible(&it.why))?;
    }
    writeln!(out, "\nwhere apps and the shell get by starting programs:")?;
    for it in answer.transitions.iter().take(shown) {
        transition(it, out)?;
    }
    more(answer.transitions.len(), shown, out)?;
    match answer.android {
        None => writeln!(out, "\nno policy of Android's own is known for this version: nothing is held against it")?,
        Some(level) => {
            writeln!(out, "\nwhat they may do and Android's own policy (API level {level}) does not let them:")?;
            let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for it in &answer.more {
                let what = format!("{} {} {{ {} }}", it.domain, it.class, it.permissions.join(" "));
                alike.entry(what).or_default().push(&it.target);
            }
            for (what, targets) in alike.iter().take(shown) {
                let (first, left) = (targets.iter().take(shown).copied(), targets.len().saturating_sub(shown));
                let rest = if left == 0 { String::new() } else { format!(" and {left} more") };
                writeln!(out, "  {}: {}{rest}", visible(what), visible(&first.collect::<Vec<_>>().join(" ")))?;
            }
            more(alike.len(), shown, out)?;
        }
    }
    writeln!(out, "\nwhat they may do although it is forbidden:")?;
    let mut by: BTreeMap<&Grant, Vec<&str>> = BTreeMap::new();
    for it in &answer.broken {
        by.entry(&it.grant).or_default().push(if it.by == "aosp" {
            "Android's policy"
        } else {
            "the platform's own files"
        });
    }
    for (grant, by) in by.iter().take(shown) {
        writeln!(out, "  {} (forbidden by {})", line(grant), by.join(" and "))?;
    }
    more(by.len(), shown, out)
}

fn transition(it: &Transition, out: &mut dyn Write) -> io::Result<()> {
    let root = match it.root_services.as_slice() {
        [] => String::new(),
        services => format!("; init runs as root in it: {}", visible(&services.join(", "))),
    };
    writeln!(out, "  {} (by {}{root})", visible(&it.domains.join(" -> ")), visible(&it.entry))
}

fn who(who: &Who, out: &mut dyn Write) -> io::Result<()> {
    let on = if who.on == who.target { String::new() } else { format!(" ({})", visible(&who.on)) };
    writeln!(out, "\nwho can {} {}:{}{on}", visible(&who.permission), visible(&who.target), visible(&who.class))?;
    for it in &who.domains {
        let kept = if it.constrained { ", but a constraint on levels keeps it away" } else { "" };
        let numbers = match it.numbers.as_slice() {
            [] => String::new(),
            numbers => format!(", only {}", numbers.join(" ")),
        };
        writeln!(out, "  {}: {}{numbers}{kept}", visible(&it.domain), visible(&it.rule))?;
    }
    if who.domains.is_empty() {
        writeln!(out, "  nobody")?;
    }
    Ok(())
}

fn grants(all: &[Grant], shown: usize, out: &mut dyn Write) -> io::Result<()> {
    for grant in all.iter().take(shown) {
        writeln!(out, "  {}", line(grant))?;
    }
    more(all.len(), shown, out)
}

fn line(it: &Grant) -> String {
    visible(&format!("{} {}:{} {{ {} }}", it.domain, it.target, it.class, it.permissions.join(" "))).into_owned()
}

/// How many are not shown, or that there are none.
fn more(n: usize, shown: usize, out: &mut dyn Write) -> io::Result<()> {
    match n.saturating_sub(shown) {
        0 if n == 0 => writeln!(out, "  nothing"),
        0 => Ok(()),
        left => writeln!(out, "  … and {left} more; -v shows them"),
    }
}

/// Enough for a screen.
const SHOWN: usize = 20;
