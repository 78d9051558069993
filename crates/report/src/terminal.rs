//! The report as text for a terminal, in the order of a report: the answer first, then what it rests on.

use std::io::{self, Write};

use model::Answer;
use model::report::{AppLine, Controller, DaemonLine, Difference, EvidenceLine, FlowStep, LayerLine, LayerState, Row};
use model::{Grade, Report, Severity, Subject};

use crate::wrap::{LABEL_WIDTH, Page, Paint};
use crate::{Renderer, Style, code, shell, words};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "terminal", title: "text for a terminal", render };

fn render(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    if report.verdict.subject == Subject::Comparison {
        return comparison(page, report);
    }
    answer(page, report)?;
    coverage(page, report)?;
    findings(page, report)?;
    controllers(page, report)?;
    differences(page, report)?;
    privacy(page, report)?;
    not_inspected(page, report)?;
    next(page, &report.next)?;
    annex(page, report)
}

/// Phones beside each other: what differs, and how much of them could be compared. What is found on each of them is the
/// matter of a check.
fn comparison(page: &mut Page, report: &Report) -> io::Result<()> {
    answer(page, report)?;
    differences(page, report)?;
    coverage(page, report)?;
    gaps(page, report)?;
    next(page, &report.next)?;
    heading(page, "Annex")?;
    tool(page, report)
}

/// The first screen.
fn answer(page: &mut Page, report: &Report) -> io::Result<()> {
    let verdict = &report.verdict;
    let paint = match verdict.answer {
        Answer::Implant | Answer::RemoteControl | Answer::IntegrityBroken | Answer::Counterfeit => Paint::Alarm,
        Answer::SeriousWeakness | Answer::CannotSay | Answer::Differs => Paint::Yellow,
        Answer::ThirdParties | Answer::NothingFound | Answer::SameInWhatMatters => Paint::Strong,
    };
    page.blank()?;
    page.spans(INDENT, "", &[(paint, &words::verdict(verdict))])?;
    let mut under = format!("confidence {} · {}", words::confidence(verdict.confidence), words::inspected(verdict));
    if let Some(date) = &report.date {
        under += &format!(" · {date}");
    }
    page.spans(INDENT, "", &[(Paint::Faint, &under)])?;
    page.spans(INDENT, "", &[(Paint::Faint, words::subject(verdict.subject))])?;
    page.blank()?;

    let is_one = report.verdict.subject != Subject::Comparison;
    let device = if is_one { words::device(&report.device) } else { String::new() };
    if !device.is_empty() {
        page.field(INDENT, "phone", &device)?;
    }
    if is_one && !report.device.fingerprint.is_empty() {
        page.field_spans(INDENT, "", &[(Paint::Faint, &report.device.fingerprint)])?;
    }
    let shown = shown(page, report.input.len(), INPUTS_SHOWN);
    for (n, input) in report.input.iter().take(shown).enumerate() {
        let label = if n == 0 { "given" } else { "" };
        page.field(INDENT, label, &format!("{} ({})", input.name, words::input(input)))?;
        let hash = if input.sha256.is_empty() { "could not be read" } else { &input.sha256 };
        page.field_spans(INDENT, "sha256", &[(Paint::Faint, hash)])?;
    }
    and_more(page, INDENT + LABEL_WIDTH, report.input.len() - shown)?;

    if !report.input.is_empty() || !device.is_empty() {
        page.blank()?;
    }
    for sentence in &verdict.summary {
        page.text(INDENT, sentence)?;
    }
    if !verdict.summary.is_empty() {
        page.blank()?;
    }
    page.spans(INDENT, "", &[(Paint::Strong, &words::counts(report))])
}

fn coverage(page: &mut Page, report: &Report) -> io::Result<()> {
    heading(page, "Coverage")?;
    if report.coverage.layers.is_empty() {
        page.text(INDENT, "Nothing was read.")?;
    }
    for layer in &report.coverage.layers {
        layer_line(page, layer)?;
    }
    let code = &report.coverage.code;
    if 0 < code.methods {
        let analysed = words::number(code.analysed);
        page.blank()?;
        page.text(INDENT, &format!("{analysed} of {} methods were analysed.", words::number(code.methods)))?;
    }
    let signed = words::signed(&report.coverage.signed);
    if !signed.is_empty() {
        page.blank()?;
    }
    for (_, text) in &signed {
        page.text(INDENT, text)?;
    }
    Ok(())
}

fn layer_line(page: &mut Page, layer: &LayerLine) -> io::Result<()> {
    let paint = match layer.state {
        LayerState::Read => Paint::Plain,
        LayerState::Partial => Paint::Yellow,
        LayerState::Opaque => Paint::Red,
        LayerState::Absent => Paint::Faint,
    };
    let share = words::share(layer);
    let bar = share.map_or_else(|| " ".repeat(BAR_WIDTH), bar);
    let percent = share.map_or_else(String::new, |it| format!("{} %", it / 10));
    let mut text = format!("  {}", words::state(layer.state));
    let amount = words::amount(layer);
    for part in [&amount, &layer.why] {
        if !part.is_empty() {
            text += ", ";
            text += part;
        }
    }
    // A name that is too long for its column moves the bar, and nothing else.
    let first = format!("{:LAYER_WIDTH$}", layer.layer);
    page.spans(INDENT, &first, &[(paint, &bar), (Paint::Plain, &format!(" {percent:>5}")), (Paint::Plain, &text)])
}

/// A bar of whole and empty blocks. What is partly read has at least one of each.
fn bar(share: u64) -> String {
    let full = match (share as usize * BAR_WIDTH).div_ceil(1000) {
        BAR_WIDTH if share < 1000 => BAR_WIDTH - 1,
        full => full,
    };
    "█".repeat(full) + &"░".repeat(BAR_WIDTH.saturating_sub(full))
}

fn findings(page: &mut Page, report: &Report) -> io::Result<()> {
    heading(page, "Findings")?;
    if report.findings.is_empty() {
        return page.text(INDENT, words::NO_FINDINGS);
    }
    for (n, row) in report.findings.iter().enumerate() {
        if 0 < n {
            page.blank()?;
        }
        finding(page, report, row, &format!("{}.", n + 1))?;
    }
    Ok(())
}

/// A finding in full.
pub fn finding(page: &mut Page, report: &Report, row: &Row, first: &str) -> io::Result<()> {
    let place = words::place(row);
    let heading = [(Paint::Strong, row.title.as_str()), (Paint::Plain, "  "), (Paint::Cyan, place)];
    page.spans(INDENT, &format!("{first:NUMBER_WIDTH$}"), &heading)?;
    let indent = INDENT + NUMBER_WIDTH;
    page.spans(
        indent,
        "",
        &[
            (severity_paint(row.severity, row.grade), words::severity(row.severity)),
            (Paint::Plain, " "),
            (Paint::Plain, words::grade(row.grade)),
            (Paint::Faint, " · confidence "),
            (Paint::Faint, words::confidence(row.confidence)),
            (Paint::Faint, " · "),
            (Paint::Faint, row.class.id()),
            (Paint::Faint, " · "),
            (Paint::Faint, &row.detector),
            (Paint::Faint, " · "),
            (Paint::Faint, &row.id),
        ],
    )?;
    page.text(indent, &row.claim)?;
    page.blank()?;
    if !row.subject.is_empty() && row.subject != place {
        page.field(indent, "about", &row.subject)?;
    }
    page.field(indent, "who", words::reach(row.factors.reach))?;
    page.field(indent, "can", words::power(row.factors.power))?;
    page.field(indent, "hides", words::concealment(row.factors.concealment))?;
    page.field(indent, "holder", words::holder(row.factors.holder))?;
    let shown_evidence = shown(page, row.evidence.len(), EVIDENCE_SHOWN);
    for (n, line) in row.evidence.iter().take(shown_evidence).enumerate() {
        evidence(page, report, line, indent, if n == 0 { "evidence" } else { "" })?;
    }
    and_more(page, indent + LABEL_WIDTH, row.evidence.len() - shown_evidence)?;
    flow(page, report, &row.flow, indent)?;
    if !row.benign.is_empty() {
        page.field(indent, "innocent", &row.benign)?;
    }
    for (n, reference) in row.references.iter().enumerate() {
        page.field(indent, if n == 0 { "known" } else { "" }, reference)?;
    }
    if !row.action.is_empty() {
        page.field_spans(indent, "to do", &[(Paint::Strong, &row.action)])?;
    }
    Ok(())
}

fn evidence(page: &mut Page, report: &Report, line: &EvidenceLine, indent: usize, label: &str) -> io::Result<()> {
    page.field(indent, label, &code::readable(&line.detail))?;
    page.field_spans(indent, "", &[(Paint::Cyan, &line.path)])?;
    page.field_spans(indent, "", &[(Paint::Faint, &place(line, page.verbose()))])?;
    page.whole(indent + LABEL_WIDTH, "$ ", &shell::again(report, line))
}

/// Offset, size and hash of a piece of evidence. In a short report the beginning of the hash is enough to tell files
/// apart.
fn place(line: &EvidenceLine, verbose: bool) -> String {
    let mut place = match line.size {
        0 => "the whole of it".to_owned(),
        size => format!("offset {:#x}, {}", line.offset, words::many(size, "byte", "bytes")),
    };
    match line.sha256.get(..HASH_SHOWN).filter(|_| !verbose) {
        Some(start) => place += &format!(", sha256 {start}…"),
        None if line.sha256.is_empty() => {}
        None => place += &format!(", sha256 {}", line.sha256),
    }
    place
}

fn flow(page: &mut Page, report: &Report, steps: &[FlowStep], indent: usize) -> io::Result<()> {
    let shown = shown(page, steps.len(), STEPS_SHOWN);
    for (n, step) in steps.iter().take(shown).enumerate() {
        let label = if n == 0 { "flow" } else { "" };
        page.field(indent, label, &format!("{}. {}", n + 1, code::readable(&step.what)))?;
        let place = code::place(step);
        if !place.is_empty() {
            page.spans(indent + LABEL_WIDTH, "   ", &[(Paint::Faint, &format!("{place} at {:#x}", step.offset))])?;
        }
    }
    and_more(page, indent + LABEL_WIDTH, steps.len() - shown)?;
    match steps.iter().rev().find_map(|it| shell::code(report, it)) {
        Some(command) => page.whole(indent + LABEL_WIDTH, "$ ", &command),
        None => Ok(()),
    }
}

fn controllers(page: &mut Page, report: &Report) -> io::Result<()> {
    heading(page, "Who controls this phone")?;
    if report.controllers.is_empty() && report.capabilities.is_empty() {
        return page.text(INDENT, "Nobody was seen who holds a privileged power.");
    }
    let shown_controllers = shown(page, report.controllers.len(), CONTROLLERS_SHOWN);
    for Controller { role, package, signer, device_path } in report.controllers.iter().take(shown_controllers) {
        let spans = [(Paint::Plain, package.as_str()), (Paint::Faint, " signed by "), (Paint::Plain, signer.as_str())];
        page.spans(INDENT, &format!("{role:ROLE_WIDTH$} "), &spans[..if signer.is_empty() { 1 } else { 3 }])?;
        if page.verbose() && !device_path.is_empty() {
            page.spans(INDENT + ROLE_WIDTH + 1, "", &[(Paint::Faint, device_path)])?;
        }
    }
    and_more(page, INDENT, report.controllers.len() - shown_controllers)?;
    if report.capabilities.is_empty() {
        return Ok(());
    }
    if !report.controllers.is_empty() {
        page.blank()?;
    }
    page.text(INDENT, "Powers that their holders could abuse; none of them is a backdoor by itself:")?;
    rows(page, report, &report.capabilities)
}

/// Rows of a grade that raises no alarm: a line each, in full where everything is.
fn rows(page: &mut Page, report: &Report, rows: &[Row]) -> io::Result<()> {
    let shown = shown(page, rows.len(), ROWS_SHOWN);
    for row in rows.iter().take(shown) {
        if page.verbose() {
            page.blank()?;
            finding(page, report, row, "-")?;
            continue;
        }
        let place = words::place(row);
        let spans = [
            (severity_paint(row.severity, row.grade), words::severity(row.severity)),
            (Paint::Plain, " "),
            (Paint::Plain, row.title.as_str()),
            (Paint::Faint, " "),
            (Paint::Faint, place),
            (Paint::Faint, " "),
            (Paint::Faint, row.id.as_str()),
        ];
        page.spans(INDENT, "- ", &spans)?;
    }
    and_more(page, INDENT, rows.len() - shown)
}

fn differences(page: &mut Page, report: &Report) -> io::Result<()> {
    let differences = &report.differences;
    if differences.is_empty() {
        return Ok(());
    }
    heading(page, words::differences(report))?;
    let [left, right] = words::sides(report);
    if left != "left" {
        page.field(INDENT, "left", left)?;
        page.field(INDENT, "right", right)?;
        page.blank()?;
    }
    let shown = shown(page, differences.len(), DIFFERENCES_SHOWN);
    for difference in differences.iter().take(shown) {
        let Difference { rank, kind, what, left, right, device_path, brings } = difference;
        let spans = [
            (Paint::Strong, kind.as_str()),
            (Paint::Plain, " "),
            (Paint::Plain, what),
            (Paint::Plain, "  "),
            (Paint::Cyan, device_path),
        ];
        page.spans(
            INDENT,
            &format!("{:NUMBER_WIDTH$}", format!("{rank}.")),
            &spans[..if device_path.is_empty() { 3 } else { 5 }],
        )?;
        let indent = INDENT + NUMBER_WIDTH;
        for (side, value) in [("left", left), ("right", right)] {
            if !value.is_empty() {
                page.field(indent, side, &cut(page, value))?;
            }
        }
        let few = shown_brings(page, brings.len());
        for (n, brings) in brings.iter().take(few).enumerate() {
            page.field_spans(indent, if n == 0 { "brings" } else { "" }, &[(Paint::Yellow, brings)])?;
        }
        and_more(page, indent + LABEL_WIDTH, brings.len() - few)?;
    }
    and_more(page, INDENT, differences.len() - shown)
}

fn shown_brings(page: &Page, len: usize) -> usize {
    shown(page, len, BRINGS_SHOWN)
}

/// The start of a long text, in a report that is not verbose.
fn cut(page: &Page, text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN).filter(|_| !page.verbose()) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.trim_end().to_owned(),
    }
}

fn privacy(page: &mut Page, report: &Report) -> io::Result<()> {
    if report.privacy.is_empty() {
        return Ok(());
    }
    heading(page, "Privacy: what leaves the phone")?;
    rows(page, report, &report.privacy)
}

fn gaps(page: &mut Page, report: &Report) -> io::Result<()> {
    heading(page, words::unread(report))?;
    let groups = words::gap_groups(&report.gaps);
    let shown_groups = shown(page, groups.len(), GAP_GROUPS_SHOWN);
    for group in groups.iter().take(shown_groups) {
        page.spans(INDENT, &format!("{:>6} × ", words::number(group.count)), &[(Paint::Plain, group.why)])?;
        let shown_paths = shown(page, group.lines.len(), GAP_PATHS_SHOWN);
        for line in group.lines.iter().take(shown_paths) {
            page.spans(INDENT + 9, "", &[(Paint::Faint, &line.path)])?;
        }
        and_more(page, INDENT + 9, group.lines.len() - shown_paths)?;
    }
    and_more(page, INDENT, groups.len() - shown_groups)
}

fn not_inspected(page: &mut Page, report: &Report) -> io::Result<()> {
    gaps(page, report)?;
    if !report.gaps.is_empty() {
        page.blank()?;
    }
    page.text(INDENT, "What an image can never show:")?;
    for (what, why) in words::NEVER_SHOWN {
        page.spans(INDENT, "- ", &[(Paint::Strong, what), (Paint::Plain, ": "), (Paint::Plain, why)])?;
    }
    Ok(())
}

fn next(page: &mut Page, next: &[String]) -> io::Result<()> {
    if next.is_empty() {
        return Ok(());
    }
    heading(page, "What to do next")?;
    for (n, step) in next.iter().enumerate() {
        page.spans(INDENT, &format!("{:NUMBER_WIDTH$}", format!("{}.", n + 1)), &[(Paint::Plain, step)])?;
    }
    Ok(())
}

fn annex(page: &mut Page, report: &Report) -> io::Result<()> {
    heading(page, "Annex")?;
    let apps = words::many(report.apps.len() as u64, "app", "apps");
    let daemons = words::many(report.daemons.len() as u64, "program that init starts", "programs that init starts");
    let list = if page.verbose() { "" } else { " (listed with -v, and in the JSON and HTML reports)" };
    let list = if report.apps.is_empty() && report.daemons.is_empty() { "" } else { list };
    page.field(INDENT, "holds", &format!("{apps}, {daemons}{list}"))?;
    provenance(page, report)?;
    if page.verbose() {
        for AppLine { package, version, signer, device_path, in_aosp: _ } in &report.apps {
            page.spans(INDENT, "- ", &[(Paint::Strong, package), (Paint::Plain, " "), (Paint::Plain, version)])?;
            for part in [signer, device_path] {
                page.spans(INDENT + 2, "", &[(Paint::Faint, part)])?;
            }
        }
        for DaemonLine { name, device_path, user } in &report.daemons {
            let text = format!(" {device_path} as {user}");
            page.spans(INDENT, "- ", &[(Paint::Strong, name), (Paint::Plain, &text)])?;
        }
    }
    tool(page, report)
}

/// Who made what is inside: a few of each, by how many have them.
fn provenance(page: &mut Page, report: &Report) -> io::Result<()> {
    for (label, text) in words::provenance(report) {
        page.field(INDENT, label, &text)?;
    }
    let provenance = &report.provenance;
    let kits = provenance.sdks.iter().map(|it| (&it.name, &it.company, &it.country, &it.found_in));
    let hosts = provenance.hosts.iter().map(|it| (&it.host, &it.company, &it.country, &it.found_in));
    if page.verbose() {
        for (name, company, country, found_in) in kits.chain(hosts) {
            let whose = words::company(company, country);
            page.spans(INDENT, "- ", &[(Paint::Strong, name), (Paint::Plain, " "), (Paint::Plain, &whose)])?;
            page.spans(INDENT + 2, "", &[(Paint::Faint, &format!("in {}", found_in.join(", ")))])?;
        }
    }
    for record in &provenance.records {
        let text = format!(" names {} {}: {}; {}", record.package, record.version, record.exposes, record.standing);
        page.spans(INDENT, "- ", &[(Paint::Strong, &record.cve), (Paint::Plain, &text)])?;
    }
    Ok(())
}

fn tool(page: &mut Page, report: &Report) -> io::Result<()> {
    let tool = &report.tool;
    page.field(INDENT, "tool", &format!("{} {}, knowledge of {}", tool.name, tool.version, tool.knowledge))?;
    page.whole(INDENT, &format!("{:LABEL_WIDTH$}", "command"), &report.command)
}

fn heading(page: &mut Page, title: &str) -> io::Result<()> {
    page.blank()?;
    let rule = "─".repeat(page.width().saturating_sub(title.len() + 1));
    page.spans(0, "", &[(Paint::Strong, title), (Paint::Faint, " "), (Paint::Faint, &rule)])
}

/// How many of a list are shown.
fn shown(page: &Page, len: usize, few: usize) -> usize {
    // One more line costs as much as the line that says so.
    if page.verbose() || len <= few + 1 { len } else { few }
}

fn and_more(page: &mut Page, indent: usize, more: usize) -> io::Result<()> {
    match more {
        0 => Ok(()),
        _ => page.spans(indent, "", &[(Paint::Faint, &format!("and {} more", words::number(more as u64)))]),
    }
}

fn severity_paint(severity: Severity, grade: Grade) -> Paint {
    match (grade, severity) {
        (Grade::Privacy, _) => Paint::Magenta,
        (Grade::Capability, _) => Paint::Cyan,
        (_, Severity::Critical) => Paint::Alarm,
        (_, Severity::High) => Paint::Red,
        (_, Severity::Medium) => Paint::Yellow,
        (_, Severity::Low) => Paint::Cyan,
        (_, Severity::Info) => Paint::Faint,
    }
}

/// The margin.
const INDENT: usize = 2;
/// Three digits, a full stop and a space.
const NUMBER_WIDTH: usize = 5;
/// The longest name of a layer and a space.
const LAYER_WIDTH: usize = 16;
/// The longest role that is usual.
const ROLE_WIDTH: usize = 16;
/// Room for twentieths.
const BAR_WIDTH: usize = 20;

// How many of each list stand in a report that is not verbose: what a reader takes in before scrolling tires. The JSON
// and HTML reports have everything.
const INPUTS_SHOWN: usize = 8;
const EVIDENCE_SHOWN: usize = 4;
const HASH_SHOWN: usize = 16;
const STEPS_SHOWN: usize = 12;
const CONTROLLERS_SHOWN: usize = 20;
const ROWS_SHOWN: usize = 12;
const DIFFERENCES_SHOWN: usize = 20;
const BRINGS_SHOWN: usize = 4;
/// Some five lines.
const TEXT_SHOWN: usize = 400;
const GAP_GROUPS_SHOWN: usize = 12;
const GAP_PATHS_SHOWN: usize = 2;
