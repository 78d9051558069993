//! `postern gates`: where someone from outside can come in, what guards it, and where it leads.

use std::io::{self, Write};

use model::gates::{ChannelLine, GateLine, Gates, GuardLine, LeadLine};

use crate::wrap::{Page, Paint};
use crate::{Style, code, escape};

/// Writes the gates as text: counts by kind, then the gates. Without `verbose` those alone that let someone through and lead
/// somewhere.
pub fn text(gates: &Gates, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    page.spans(
        0,
        "",
        &[(Paint::Strong, "Gates by kind: all, those that let an outsider through, those that lead one somewhere")],
    )?;
    for count in &gates.counts {
        let numbers = format!("{:>6} {:>6} {:>6}  ", count.total, count.open, count.leading);
        page.spans(0, &numbers, &[(Paint::Plain, &count.kind), (Paint::Faint, ": "), (Paint::Faint, &count.words)])?;
    }
    let verbose = page.verbose();
    let is_shown = |it: &&GateLine| verbose || it.leads.iter().any(|lead| !lead.open_to.is_empty());
    let mut n_left = 0u64;
    for gate in &gates.gates {
        if !is_shown(&gate) {
            n_left += 1;
            continue;
        }
        page.blank()?;
        let owner = format!(" of {}", gate.owner);
        page.spans(
            0,
            "",
            &[(Paint::Strong, &gate.kind), (Paint::Plain, " "), (Paint::Plain, &gate.name), (Paint::Faint, &owner)],
        )?;
        page.spans(2, "at       ", &[(Paint::Faint, &place_of(&gate.path, gate.offset))])?;
        guards(&gate.guards, 2, page)?;
        page.spans(2, "open to  ", &[(Paint::Plain, &listed(&gate.open_to))])?;
        if let Some(channel) = &gate.channel {
            self::channel(channel, page)?;
        }
        for lead in gate.leads.iter().filter(|it| verbose || !it.open_to.is_empty()) {
            self::lead(lead, page)?;
        }
    }
    page.blank()?;
    if n_left != 0 {
        let more = format!("{n_left} more gates let nobody through, or lead nowhere that is known; -v shows them.");
        page.spans(0, "", &[(Paint::Faint, &more)])?;
    }
    for bound in &gates.bounds {
        page.spans(0, "", &[(Paint::Yellow, "bound: "), (Paint::Plain, bound)])?;
    }
    if gates.gaps != 0 {
        let gaps = format!("{} places could not be looked into: they may hold more gates.", gates.gaps);
        page.spans(0, "", &[(Paint::Faint, &gaps)])?;
    }
    Ok(())
}

fn channel(channel: &ChannelLine, page: &mut Page) -> io::Result<()> {
    let transport = match channel.transport.as_str() {
        "tls" => "encrypted (TLS)",
        "clear" => "not encrypted",
        "both" => "encrypted or not, by the address",
        _ => "whether it is encrypted is not known",
    };
    let urls = match channel.urls.as_slice() {
        [] => "no address that is a constant".to_owned(),
        urls => urls.join(" "),
    };
    page.spans(2, "from     ", &[(Paint::Plain, &urls), (Paint::Faint, &format!("; {transport}"))])?;
    let verified = match channel.verification.as_slice() {
        [] => "none was seen on the way".to_owned(),
        all => all.join("; "),
    };
    page.spans(2, "verified ", &[(Paint::Plain, &verified)])
}

fn lead(lead: &LeadLine, page: &mut Page) -> io::Result<()> {
    let how = match (lead.told, lead.loose) {
        (true, false) => "what comes in reaches it",
        (true, true) => "what comes in may reach it: a link is not shown",
        (false, false) => "whatever comes in",
        (false, true) => "whatever comes in; a link is not shown",
    };
    let as_whom = format!(" as {}", lead.acts_as);
    let how = format!("; {how}");
    page.spans(2, "leads to ", &[(Paint::Red, &lead.capability), (Paint::Plain, &as_whom), (Paint::Faint, &how)])?;
    guards(&lead.guards, 4, page)?;
    if !lead.guards.is_empty() {
        page.spans(4, "open to  ", &[(Paint::Plain, &listed(&lead.open_to))])?;
    }
    for step in &lead.steps {
        page.spans(4, &format!("{:<9}", step.layer), &[(Paint::Plain, &code::readable(&step.what))])?;
        page.spans(13, "", &[(Paint::Faint, &place_of(&step.path, step.offset))])?;
    }
    Ok(())
}

fn guards(guards: &[GuardLine], indent: usize, page: &mut Page) -> io::Result<()> {
    for guard in guards {
        page.spans(
            indent,
            "guard    ",
            &[(Paint::Cyan, &guard.kind), (Paint::Plain, ": "), (Paint::Plain, &code::readable(&guard.text))],
        )?;
    }
    Ok(())
}

fn listed(outsiders: &[String]) -> String {
    if outsiders.is_empty() { "nobody that is known".to_owned() } else { outsiders.join(", ") }
}

fn place_of(path: &str, offset: u64) -> String {
    if offset == 0 { path.to_owned() } else { format!("{path} at {offset:#x}") }
}

/// Writes the gates as JSON: schema 1 of [`Gates`].
pub fn json(gates: &Gates, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(gates)?;
    writeln!(out, "{}", escape::json(&pretty))
}
