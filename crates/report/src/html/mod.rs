//! The report as one HTML file that needs no network, no script and no other file.
//!
//! Invariant: every string of the report is written through [`Html`], and none of them becomes a tag, an attribute name,
//! an address or a style. The policy in the head forbids what a mistake here could still load.

mod glance;
mod surface;

use std::io::{self, Write};

use model::Answer;
use model::fact::image_check::State;
use model::report::{Difference, EvidenceLine, LayerLine, LayerState, Provenance, Row};
use model::{Grade, Report, Subject};

use crate::escape::Html;
use crate::{Renderer, Style, code, shell, words};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "html", title: "HTML, one file", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let title = words::verdict(&report.verdict);
    let device = match report.verdict.subject {
        Subject::Comparison => report.input.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(" and "),
        _ => words::device(&report.device),
    };
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}{}{} – postern</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        Html(&title),
        if device.is_empty() { "" } else { ": " },
        Html(&device)
    )?;
    write!(out, "<header class=\"top\"><div class=\"mark\">{MARK}<b>postern</b></div>")?;
    write!(
        out,
        "<p>Is there a back gate in it, who can open it, and where does it lead?</p></header>\n<div class=\"sheet\">\n"
    )?;
    let is_comparison = report.verdict.subject == Subject::Comparison;
    contents(report, out)?;
    writeln!(out, "<main>")?;
    answer(report, out)?;
    if is_comparison {
        differences(report, out)?;
        coverage(report, out)?;
        gaps(report, out)?;
        writeln!(out, "</section>")?;
        next(report, out)?;
        annex(report, out)?;
        return writeln!(out, "</main>\n</div>\n</body>\n</html>");
    }
    glance_section(report, out)?;
    gates(report, out)?;
    coverage(report, out)?;
    findings(report, out)?;
    controllers(report, out)?;
    differences(report, out)?;
    privacy(report, out)?;
    not_inspected(report, out)?;
    next(report, out)?;
    annex(report, out)?;
    writeln!(out, "</main>\n</div>\n</body>\n</html>")
}

fn contents(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let lines: [(&str, &str, Option<u64>); 11] = [
        ("verdict", "Verdict", None),
        ("glance", "At a glance", None),
        ("gates", "Gates", Some(report.surface.ways.len() as u64)),
        ("coverage", "Coverage", None),
        ("findings", "Findings", Some(report.findings.len() as u64)),
        ("control", "Who controls it", Some((report.controllers.len() + report.capabilities.len()) as u64)),
        ("differences", "Differences", Some(report.differences.len() as u64)),
        ("privacy", "Privacy", Some(report.privacy.len() as u64)),
        ("unread", words::unread(report), Some(words::gap_count(report))),
        ("next", "What to do next", None),
        ("annex", "Annex", None),
    ];
    let is_comparison = report.verdict.subject == Subject::Comparison;
    let is_shown = |anchor: &str| !is_comparison || !NO_COMPARISON.contains(&anchor);
    writeln!(out, "<nav aria-label=\"Contents\"><ol>")?;
    for (anchor, title, count) in lines.into_iter().filter(|it| is_shown(it.0)) {
        let count = count.map_or_else(String::new, |it| format!(" <span>{}</span>", words::number(it)));
        writeln!(out, "<li><a href=\"#{anchor}\">{title}{count}</a></li>")?;
    }
    writeln!(out, "</ol></nav>")
}

/// Sections that a comparison has not.
const NO_COMPARISON: &[&str] = &["glance", "gates", "findings", "control", "privacy"];

fn answer(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let percent = verdict.percent.min(100);
    writeln!(out, "<section id=\"verdict\" class=\"verdict a-{}\">", colour_of(verdict.answer))?;
    writeln!(out, "<div class=\"says\"><p class=\"over\">{}</p>", words::subject(verdict.subject))?;
    writeln!(out, "<h1>{}</h1>", Html(&words::verdict(verdict)))?;
    write!(out, "<p class=\"sure\">Confidence <b>{}</b>", words::confidence(verdict.confidence))?;
    if let Some(date) = &report.date {
        write!(out, " <i>·</i> <span>{}</span>", Html(date))?;
    }
    writeln!(out, "</p></div>")?;
    let is_comparison = verdict.subject == Subject::Comparison;
    let caption = if is_comparison { "of both sides could be compared" } else { "of what runs was inspected" };
    // The ring has a circumference of 100.
    writeln!(
        out,
        "<figure class=\"ring\"><svg viewBox=\"0 0 40 40\" role=\"img\"><title>{}</title>\
         <circle class=\"all\" cx=\"20\" cy=\"20\" r=\"15.9155\"/>\
         <circle class=\"part\" cx=\"20\" cy=\"20\" r=\"15.9155\" stroke-dasharray=\"{percent} 100\" transform=\"rotate(-90 20 20)\"/>\
         <text x=\"20\" y=\"20\">{percent} %</text></svg><figcaption>{caption}</figcaption></figure>",
        Html(&words::inspected(verdict))
    )?;
    writeln!(out, "</section>")?;

    if !verdict.summary.is_empty() {
        writeln!(out, "<div class=\"summary\">")?;
        for sentence in &verdict.summary {
            writeln!(out, "<p>{}</p>", Html(sentence))?;
        }
        writeln!(out, "</div>")?;
    }
    writeln!(out, "<p class=\"counts\">{}</p>", Html(&words::counts(report)))?;

    writeln!(out, "<dl class=\"facts\">")?;
    let device = &report.device;
    for (label, value) in [("Phone", &words::device(device)), ("Fingerprint", &device.fingerprint)] {
        // Of a comparison the summary says what each phone is.
        if !value.is_empty() && !is_comparison {
            writeln!(out, "<dt>{label}</dt><dd>{}</dd>", Html(value))?;
        }
    }
    writeln!(out, "<dt>Given</dt>")?;
    for input in &report.input {
        let hash = if input.sha256.is_empty() { "could not be read" } else { &input.sha256 };
        writeln!(
            out,
            "<dd><b>{}</b> <span>{}</span><br><code class=\"hash\">sha256 {}</code></dd>",
            Html(&input.name),
            Html(&words::input(input)),
            Html(hash)
        )?;
    }
    if report.input.is_empty() {
        writeln!(out, "<dd>nothing</dd>")?;
    }
    writeln!(out, "</dl>")
}

/// No answer is green: there is no word for "safe".
fn colour_of(answer: Answer) -> &'static str {
    match answer {
        Answer::Implant | Answer::RemoteControl => "critical",
        Answer::IntegrityBroken | Answer::Counterfeit => "high",
        Answer::SeriousWeakness | Answer::Differs => "medium",
        Answer::CannotSay => "unknown",
        Answer::ThirdParties | Answer::NothingFound | Answer::SameInWhatMatters => "quiet",
    }
}

fn glance_section(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"glance\"><h2>The phone at a glance</h2>")?;
    glance::write(report, out)?;
    writeln!(out, "</section>")
}

fn gates(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"gates\"><h2>Who can come in, and where it leads</h2>")?;
    surface::write(report, out)?;
    writeln!(out, "</section>")
}

fn coverage(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"coverage\"><h2>Coverage</h2>")?;
    let code = &report.coverage.code;
    if 0 < code.methods {
        let (analysed, methods) = (words::number(code.analysed), words::number(code.methods));
        writeln!(out, "<p>{analysed} of {methods} methods were analysed.</p>")?;
    }
    if report.coverage.layers.is_empty() {
        writeln!(out, "<p class=\"quiet\">Nothing was read.</p>")?;
    }
    writeln!(out, "<div class=\"layers\">")?;
    for layer in &report.coverage.layers {
        layer_line(layer, out)?;
    }
    writeln!(out, "</div>")?;
    for (state, text) in words::signed(&report.coverage.signed) {
        let class = if matches!(state, State::Altered | State::Contradicted) { "" } else { " class=\"quiet\"" };
        writeln!(out, "<p{class}>{}</p>", Html(&text))?;
    }
    writeln!(out, "</section>")
}

fn layer_line(layer: &LayerLine, out: &mut dyn Write) -> io::Result<()> {
    let state = match layer.state {
        LayerState::Read => "read",
        LayerState::Partial => "partial",
        LayerState::Opaque => "opaque",
        LayerState::Absent => "absent",
    };
    let share = words::share(layer);
    let percent = share.map_or_else(|| "–".to_owned(), |it| format!("{} %", it / 10));
    let mut text = words::state(layer.state).to_owned();
    let amount = words::amount(layer);
    for part in [&amount, &layer.why] {
        if !part.is_empty() {
            text += ", ";
            text += part;
        }
    }
    writeln!(
        out,
        "<div class=\"layer l-{state}\"><b>{}</b><svg class=\"bar\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\"><rect class=\"all\" width=\"1000\" height=\"12\"/>\
         <rect class=\"part\" width=\"{}\" height=\"12\"/></svg><span class=\"percent\">{percent}</span><span>{}</span></div>",
        Html(&layer.layer),
        share.unwrap_or(0),
        Html(&text)
    )
}

fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"findings\"><h2>Findings</h2>")?;
    if report.findings.is_empty() {
        writeln!(out, "<p class=\"quiet\">{}</p>", words::NO_FINDINGS)?;
    }
    if 1 < report.findings.len() {
        index(&report.findings, out)?;
    }
    rows(report, &report.findings, "f", out)?;
    writeln!(out, "</section>")
}

/// The titles alone, for who wants to see them all at once.
fn index(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ol class=\"index\">")?;
    for (n, row) in rows.iter().enumerate() {
        let (number, colour, severity) = (n + 1, glance::colour_of(row), words::severity(row.severity));
        writeln!(
            out,
            "<li class=\"k-{colour}\"><b>{number}</b><div><a href=\"#f{number}\">{}</a> <span>{severity}{}</span>\
             <br><code>{}</code></div></li>",
            Html(&row.title),
            if row.grade == Grade::Suspicion { " suspicion" } else { "" },
            Html(&place_among(rows, row))
        )?;
    }
    writeln!(out, "</ol>")
}

/// The place of a finding, and what it is about where others of its title are in that place.
fn place_among(rows: &[Row], row: &Row) -> String {
    let place = words::place(row);
    let same = rows.iter().filter(|it| it.title == row.title && words::place(it) == place).count();
    if 1 < same && row.subject != place { format!("{place} · {}", row.subject) } else { place.to_owned() }
}

fn rows(report: &Report, rows: &[Row], anchor: &str, out: &mut dyn Write) -> io::Result<()> {
    for (n, row) in rows.iter().enumerate() {
        card(report, row, anchor, n + 1, out)?;
    }
    Ok(())
}

/// A finding. What is no alarm starts folded.
fn card(report: &Report, row: &Row, anchor: &str, number: usize, out: &mut dyn Write) -> io::Result<()> {
    let open = if matches!(row.grade, Grade::Finding | Grade::Suspicion) { " open" } else { "" };
    let (grade, severity) = (words::grade(row.grade), words::severity(row.severity));
    writeln!(out, "<article class=\"card k-{}\" id=\"{anchor}{number}\">", glance::colour_of(row))?;
    writeln!(
        out,
        "<header><span class=\"number\">{number}</span><h3>{}</h3><p class=\"tags\"><b class=\"tag\">{severity} {grade}</b> \
         <span>confidence {}</span> <span>{}</span></p></header>",
        Html(&row.title),
        words::confidence(row.confidence),
        row.class.title()
    )?;
    writeln!(out, "<p class=\"claim\">{}</p>", Html(&row.claim))?;
    if !row.device_path.is_empty() {
        writeln!(out, "<p class=\"path\"><code>{}</code></p>", Html(&row.device_path))?;
    }
    let count = row.evidence.len() as u64;
    writeln!(
        out,
        "<details{open}><summary>Who, what, and {}</summary>",
        words::many(count, "piece of evidence", "pieces of evidence")
    )?;
    writeln!(out, "<dl class=\"factors\">")?;
    let factors = [
        ("Who can trigger it", words::reach(row.factors.reach)),
        ("What they can do", words::power(row.factors.power)),
        ("Whether it hides", words::concealment(row.factors.concealment)),
        ("Whose it is", words::holder(row.factors.holder)),
    ];
    for (label, text) in factors {
        writeln!(out, "<div><dt>{label}</dt><dd>{text}</dd></div>")?;
    }
    if !row.subject.is_empty() {
        writeln!(out, "<div><dt>What it is about</dt><dd>{}</dd></div>", Html(&row.subject))?;
    }
    writeln!(out, "</dl>")?;
    flow(report, row, out)?;
    for line in &row.evidence {
        evidence(report, row, line, out)?;
    }
    if !row.benign.is_empty() {
        writeln!(
            out,
            "<p class=\"note\"><b>The innocent explanation that was considered</b> {}</p>",
            Html(&row.benign)
        )?;
    }
    if !row.references.is_empty() {
        writeln!(out, "<div class=\"note\"><b>Known</b><ul>")?;
        for reference in &row.references {
            writeln!(out, "<li>{}</li>", Html(reference))?;
        }
        writeln!(out, "</ul></div>")?;
    }
    writeln!(out, "</details>")?;
    if !row.action.is_empty() {
        writeln!(out, "<p class=\"todo\"><b>What to do</b> {}</p>", Html(&row.action))?;
    }
    writeln!(
        out,
        "<footer><code>{}</code> <span>{} · {}</span></footer></article>",
        Html(&row.id),
        row.class.id(),
        Html(&row.detector)
    )
}

fn evidence(report: &Report, row: &Row, line: &EvidenceLine, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<div class=\"evidence\"><p class=\"quote\">{}</p>", Html(&code::readable(&line.detail)))?;
    writeln!(out, "<p class=\"path\"><code>{}</code></p>", Html(&line.path))?;
    let place = match line.size {
        0 => "the whole of it".to_owned(),
        size => format!("offset {:#x}, {}", line.offset, words::many(size, "byte", "bytes")),
    };
    write!(out, "<p class=\"place\">{place}")?;
    if !line.device_path.is_empty() && line.device_path != row.device_path {
        write!(out, ", on the phone <code>{}</code>", Html(&line.device_path))?;
    }
    if !line.sha256.is_empty() {
        write!(out, "<br><code class=\"hash\">sha256 {}</code>", Html(&line.sha256))?;
    }
    writeln!(out, "</p><pre class=\"again\">{}</pre></div>", Html(&shell::again(report, line)))
}

/// The way of a value, step by step. The file is named where it changes.
fn flow(report: &Report, row: &Row, out: &mut dyn Write) -> io::Result<()> {
    if row.flow.is_empty() {
        return Ok(());
    }
    writeln!(out, "<div class=\"note\"><b>From source to sink</b><ol class=\"flow\">")?;
    let mut path = "";
    for step in &row.flow {
        write!(out, "<li>{}", Html(&code::readable(&step.what)))?;
        let place = code::place(step);
        if !place.is_empty() {
            write!(out, "<br><code>{}</code> <span class=\"place\">at {:#x}", Html(&place), step.offset)?;
            if step.path != path {
                write!(out, " in <code>{}</code>", Html(&step.path))?;
                path = &step.path;
            }
            write!(out, "</span>")?;
        }
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ol>")?;
    if let Some(command) = row.flow.iter().rev().find_map(|it| shell::code(report, it)) {
        writeln!(out, "<pre class=\"again\">{}</pre>", Html(&command))?;
    }
    writeln!(out, "</div>")
}

fn controllers(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"control\"><h2>Who controls this phone</h2>")?;
    if report.controllers.is_empty() && report.capabilities.is_empty() {
        writeln!(out, "<p class=\"quiet\">Nobody was seen who holds a privileged power.</p>")?;
    }
    let lines = report.controllers.iter().map(|it| [&it.role, &it.package, &it.signer, &it.device_path]);
    table(["Role", "Who", "Signed by", "Where"], lines, out)?;
    if !report.capabilities.is_empty() {
        writeln!(out, "<h3 class=\"sub\">Powers that their holders could abuse</h3>")?;
        writeln!(out, "<p class=\"quiet\">None of them is a backdoor by itself.</p>")?;
        rows(report, &report.capabilities, "c", out)?;
    }
    writeln!(out, "</section>")
}

/// A table, or nothing where it would be empty.
fn table<'a, const N: usize>(
    heads: [&str; N],
    lines: impl ExactSizeIterator<Item = [&'a String; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if lines.len() == 0 {
        return Ok(());
    }
    write!(out, "<table><thead><tr>")?;
    for head in heads {
        write!(out, "<th>{head}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for line in lines {
        write!(out, "<tr>")?;
        for (head, value) in heads.iter().zip(line) {
            write!(out, "<td data-head=\"{head}\">{}</td>", Html(value))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")
}

fn differences(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"differences\"><h2>{}</h2>", words::differences(report))?;
    if report.differences.is_empty() {
        let is_comparison = report.verdict.subject == Subject::Comparison;
        let none = if is_comparison { "Nothing differs." } else { "No reference was given, or nothing differs." };
        writeln!(out, "<p class=\"quiet\">{none}</p>")?;
    }
    let (first, rest) = report.differences.split_at(report.differences.len().min(DIFFERENCES_OPEN));
    first.iter().try_for_each(|it| difference(report, it, out))?;
    if !rest.is_empty() {
        let count = words::many(rest.len() as u64, "more difference", "more differences");
        writeln!(out, "<details class=\"annex\"><summary>{count}</summary>")?;
        rest.iter().try_for_each(|it| difference(report, it, out))?;
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</section>")
}

/// A difference, its sides beside each other.
fn difference(report: &Report, it: &Difference, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<article class=\"difference\"><p><span class=\"number\">{}</span> <b class=\"tag\">{}</b> {} <code>{}</code></p>",
        it.rank,
        Html(&it.kind),
        Html(&it.what),
        Html(&it.device_path)
    )?;
    writeln!(out, "<dl class=\"sides\">")?;
    for (side, value) in words::sides(report).iter().zip([&it.left, &it.right]) {
        let value = if value.is_empty() { "–" } else { value };
        writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Html(side), Html(value))?;
    }
    writeln!(out, "</dl>")?;
    for brings in &it.brings {
        writeln!(out, "<p class=\"brings\">brings {}</p>", Html(brings))?;
    }
    writeln!(out, "</article>")
}

/// So many differences are open; what is ranked behind them is seldom looked at.
const DIFFERENCES_OPEN: usize = 100;

fn privacy(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"privacy\"><h2>Privacy: what leaves the phone</h2>")?;
    if report.privacy.is_empty() {
        writeln!(out, "<p class=\"quiet\">Nothing was seen in what was inspected.</p>")?;
    }
    rows(report, &report.privacy, "p", out)?;
    writeln!(out, "</section>")
}

/// The open section of gaps.
fn gaps(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"unread\"><h2>{}</h2>", words::unread(report))?;
    if report.gaps.is_empty() {
        writeln!(out, "<p class=\"quiet\">No gap was met.</p>")?;
    }
    for group in words::gap_groups(&report.gaps) {
        writeln!(
            out,
            "<details class=\"gap\"><summary><b>{}</b> {}</summary><ul>",
            words::number(group.count),
            Html(group.why)
        )?;
        for line in group.lines {
            write!(out, "<li><code>{}</code>", Html(&line.path))?;
            if 1 < line.count {
                write!(out, " × {}", words::number(line.count))?;
            }
            writeln!(out, "</li>")?;
        }
        writeln!(out, "</ul></details>")?;
    }
    Ok(())
}

fn not_inspected(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    gaps(report, out)?;
    writeln!(out, "<h3 class=\"sub\">What an image can never show</h3><dl class=\"never\">")?;
    for (what, why) in words::NEVER_SHOWN {
        writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Html(what), Html(why))?;
    }
    writeln!(out, "</dl></section>")
}

fn next(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"next\"><h2>What to do next</h2>")?;
    if report.next.is_empty() {
        writeln!(out, "<p class=\"quiet\">The report names no step.</p></section>")?;
        return Ok(());
    }
    writeln!(out, "<ol class=\"next\">")?;
    for step in &report.next {
        writeln!(out, "<li>{}</li>", Html(step))?;
    }
    writeln!(out, "</ol></section>")
}

fn annex(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let tool = &report.tool;
    writeln!(out, "<section id=\"annex\"><h2>Annex</h2><dl class=\"facts\">")?;
    writeln!(out, "<dt>Tool</dt><dd>{} {}</dd>", Html(&tool.name), Html(&tool.version))?;
    writeln!(out, "<dt>Knowledge</dt><dd>of {}</dd>", Html(&tool.knowledge))?;
    writeln!(out, "<dt>Command</dt><dd><code>{}</code></dd></dl>", Html(&report.command))?;
    if report.verdict.subject == Subject::Comparison {
        return writeln!(out, "</section>");
    }
    let apps = report.apps.iter().map(|it| [&it.package, &it.version, &it.signer, &it.device_path]);
    let provenance = words::provenance(report);
    if !provenance.is_empty() {
        writeln!(out, "<dl class=\"facts\">")?;
        for (label, text) in &provenance {
            writeln!(out, "<dt>{}</dt><dd>{}</dd>", Html(label), Html(text))?;
        }
        writeln!(out, "</dl>")?;
    }
    let daemons = report.daemons.iter().map(|it| [&it.name, &it.user, &it.device_path]);
    writeln!(out, "<details class=\"annex\"><summary>{}</summary>", words::many(apps.len() as u64, "app", "apps"))?;
    table(["Package", "Version", "Signed by", "Where"], apps, out)?;
    let count = words::many(daemons.len() as u64, "program that init starts", "programs that init starts");
    writeln!(out, "</details><details class=\"annex\"><summary>{count}</summary>")?;
    table(["Service", "Runs as", "Program"], daemons, out)?;
    writeln!(out, "</details>")?;
    made_by(&report.provenance, out)?;
    writeln!(out, "</section>")
}

/// Kits, hosts and CVE records, where there are any.
fn made_by(provenance: &Provenance, out: &mut dyn Write) -> io::Result<()> {
    let (sdks, hosts, records) = (&provenance.sdks, &provenance.hosts, &provenance.records);
    if !sdks.is_empty() {
        let count = words::many(sdks.len() as u64, "kit of others inside", "kits of others inside");
        writeln!(out, "<details class=\"annex\"><summary>{count}</summary>")?;
        let rows: Vec<[String; 4]> = sdks
            .iter()
            .map(|it| [it.name.clone(), it.company.clone(), it.country.clone(), it.found_in.join(", ")])
            .collect();
        table(["Kit", "Company", "Country", "In"], rows.iter().map(|it| it.each_ref()), out)?;
        writeln!(out, "</details>")?;
    }
    if !hosts.is_empty() {
        let count = words::many(hosts.len() as u64, "host of a known company", "hosts of known companies");
        writeln!(out, "<details class=\"annex\"><summary>{count}</summary>")?;
        let rows: Vec<[String; 4]> = hosts
            .iter()
            .map(|it| [it.host.clone(), it.company.clone(), it.country.clone(), it.found_in.join(", ")])
            .collect();
        table(["Host", "Company", "Country", "In"], rows.iter().map(|it| it.each_ref()), out)?;
        writeln!(out, "</details>")?;
    }
    if !records.is_empty() {
        let count = words::many(records.len() as u64, "CVE record about an app", "CVE records about apps");
        writeln!(out, "<details class=\"annex\"><summary>{count}</summary>")?;
        let rows = records.iter().map(|it| [&it.cve, &it.package, &it.version, &it.exposes, &it.standing]);
        table(["Record", "Package", "Version", "Gives", "Standing"], rows, out)?;
        writeln!(out, "</details>")?;
    }
    Ok(())
}

/// Nothing may be loaded, not even from the file's own place; no form may be sent, no base be set.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";

const STYLE: &str = include_str!("style.css");

/// A wall with its small gate.
const MARK: &str = "<svg class=\"wall\" viewBox=\"0 0 28 28\" aria-hidden=\"true\">\
    <path d=\"M2 26V5h4v4h4V5h4v4h4V5h4v4h4v17h-6v-6a4 4 0 0 0-8 0v6Z\"/></svg>";
