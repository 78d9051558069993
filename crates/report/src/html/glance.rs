//! The phone at a glance: every app and daemon one cell, coloured by its worst finding, grouped by partition.
//!
//! Each cell is an SVG of its own, so that the picture flows into any width, on a phone as on paper.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use model::report::Row;
use model::{Grade, Report, Severity};

use crate::escape::Html;
use crate::words;

/// Writes the picture and its legend.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let partitions = partitions_of(report);
    if partitions.is_empty() {
        return writeln!(out, "<p class=\"quiet\">No app and no daemon was seen.</p>");
    }
    let mut partitions: Vec<_> = partitions.into_iter().collect();
    partitions.sort_by_key(|(partition, _)| order_of(partition));
    writeln!(out, "<div class=\"phone\">")?;
    for (partition, cells) in &partitions {
        let count = |kind| cells.iter().filter(|it| it.kind == kind).count() as u64;
        let mut holds = Vec::new();
        for (kind, one, more) in [
            (Kind::App, "app", "apps"),
            (Kind::Daemon, "daemon", "daemons"),
            (Kind::Other, "other place", "other places"),
        ] {
            if 0 < count(kind) {
                holds.push(format!("<span>{}</span>", words::many(count(kind), one, more)));
            }
        }
        writeln!(
            out,
            "<div class=\"stratum\"><p><b>{}</b> {}</p><div class=\"cells\">",
            Html(partition),
            holds.join(" ")
        )?;
        for cell in cells {
            write_cell(cell, out)?;
        }
        writeln!(out, "</div></div>")?;
    }
    writeln!(out, "</div>")?;
    write_legend(out)
}

/// Something on the phone that a finding can be about.
struct Cell<'a> {
    kind: Kind,
    name: &'a str,
    detail: &'a str,
    device_path: &'a str,
    worst: Option<Mark<'a>>,
    more: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    App,
    Daemon,
    Other,
}

/// A row with its anchor; the order of the rows is the order of rank.
#[derive(Clone, Copy)]
struct Mark<'a> {
    row: &'a Row,
    anchor: char,
    number: usize,
}

/// All rows, the worst first: findings and suspicions by rank, then capabilities, then privacy.
fn marks_of(report: &Report) -> Vec<Mark<'_>> {
    let lists = [('f', &report.findings), ('c', &report.capabilities), ('p', &report.privacy)];
    let marks = lists
        .into_iter()
        .flat_map(|(anchor, rows)| rows.iter().enumerate().map(move |(n, row)| Mark { row, anchor, number: n + 1 }));
    marks.collect()
}

/// Cells by partition.
fn partitions_of(report: &Report) -> BTreeMap<&str, Vec<Cell<'_>>> {
    let cell = |kind, name, detail, device_path| Cell { kind, name, detail, device_path, worst: None, more: 0 };
    let mut cells: Vec<Cell> = Vec::new();
    cells.extend(
        report.apps.iter().map(|it| cell(Kind::App, it.package.as_str(), it.version.as_str(), it.device_path.as_str())),
    );
    cells.extend(
        report.daemons.iter().map(|it| cell(Kind::Daemon, it.name.as_str(), it.user.as_str(), it.device_path.as_str())),
    );

    let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut folders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, cell) in cells.iter().enumerate() {
        by_path.entry(cell.device_path).or_default().push(n);
        if let (Kind::App, Some((folder, _))) = (cell.kind, cell.device_path.rsplit_once('/')) {
            folders.entry(folder).or_default().push(n);
        }
    }
    // A folder of several apps belongs to none of them.
    folders.retain(|_, apps| apps.len() == 1);
    for (folder, apps) in folders {
        by_path.entry(folder).or_default().extend(apps);
    }

    // What lies in an app or is the program of a daemon belongs to it; all else is a place of its own.
    let mut others: HashMap<&str, usize> = HashMap::new();
    for mark in marks_of(report) {
        let path = mark.row.device_path.as_str();
        let owners = match prefixes(path).find_map(|it| by_path.get(it)) {
            Some(owners) => owners.clone(),
            None => vec![*others.entry(path).or_insert_with(|| {
                cells.push(cell(Kind::Other, path, "", path));
                cells.len() - 1
            })],
        };
        for owner in owners {
            match cells[owner].worst {
                None => cells[owner].worst = Some(mark),
                Some(_) => cells[owner].more += 1,
            }
        }
    }

    let mut partitions: BTreeMap<&str, Vec<Cell>> = BTreeMap::new();
    for cell in cells {
        partitions.entry(partition_of(cell.device_path)).or_default().push(cell);
    }
    for cells in partitions.values_mut() {
        cells.sort_by(|a, b| (a.kind, a.device_path, a.name).cmp(&(b.kind, b.device_path, b.name)));
    }
    partitions
}

/// A path, and what it lies in: `/a/b!c/d`, `/a/b!c`, `/a/b`, `/a`. An empty path lies in nothing.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |it| it.rfind(['/', '!']).map(|at| &it[..at])).filter(|it| !it.is_empty())
}

/// The first component. A partition that is no file system stands under its own name.
fn partition_of(device_path: &str) -> &str {
    if let Some(partition) = device_path.strip_prefix("/dev/block/by-name/") {
        return partition;
    }
    let mut components = device_path.split('/').filter(|it| !it.is_empty());
    match (components.next(), components.next()) {
        (Some(partition), Some(_)) => partition,
        (Some(_), None) => ROOT,
        (None, _) => WHOLE,
    }
}

/// Where a partition stands: Android's own in their usual order, then others by name (the sort is stable), then what is
/// in none.
fn order_of(partition: &str) -> usize {
    let others = PARTITIONS.len();
    match partition {
        ROOT => others + 1,
        WHOLE => others + 2,
        _ => PARTITIONS.iter().position(|it| *it == partition).unwrap_or(others),
    }
}

const PARTITIONS: &[&str] = &["system", "system_ext", "product", "vendor", "odm", "apex", "data"];
const ROOT: &str = "root";
const WHOLE: &str = "the phone as a whole";

fn write_cell(cell: &Cell, out: &mut dyn Write) -> io::Result<()> {
    let name = if cell.name.is_empty() { WHOLE } else { cell.name };
    let colour = cell.worst.map_or("none", |it| colour_of(it.row));
    if let Some(mark) = cell.worst {
        write!(out, "<a href=\"#{}{}\">", mark.anchor, mark.number)?;
    }
    write!(out, "<svg class=\"cell k-{colour}\" viewBox=\"0 0 20 20\" role=\"img\"><title>{}", Html(name))?;
    match cell.kind {
        Kind::App if !cell.detail.is_empty() => write!(out, " {}", Html(cell.detail))?,
        Kind::Daemon if !cell.detail.is_empty() => write!(out, ", runs as {}", Html(cell.detail))?,
        _ => {}
    }
    if !cell.device_path.is_empty() && cell.device_path != name {
        write!(out, "\n{}", Html(cell.device_path))?;
    }
    if let Some(mark) = cell.worst {
        let (severity, grade) = (words::severity(mark.row.severity), words::grade(mark.row.grade));
        write!(out, "\n{severity} {grade}: {}", Html(&mark.row.title))?;
    }
    if 0 < cell.more {
        write!(out, "\nand {} more", cell.more)?;
    }
    write!(out, "</title>{}", shape_of(cell.kind))?;
    if let Some(mark) = cell.worst.filter(|it| it.anchor == 'f' && it.number < 1000) {
        let size = if mark.number < 100 { "" } else { " class=\"small\"" };
        write!(out, "<text x=\"10\" y=\"10\"{size}>{}</text>", mark.number)?;
    }
    write!(out, "</svg>")?;
    writeln!(out, "{}", if cell.worst.is_some() { "</a>" } else { "" })
}

/// Shapes tell kinds apart where colours cannot be seen.
fn shape_of(kind: Kind) -> &'static str {
    match kind {
        Kind::App => "<rect x=\"1\" y=\"1\" width=\"18\" height=\"18\" rx=\"3\"/>",
        Kind::Daemon => "<circle cx=\"10\" cy=\"10\" r=\"9\"/>",
        Kind::Other => "<path d=\"M10 .5 19.5 10 10 19.5 .5 10Z\"/>",
    }
}

/// The class of a row's colour in the style sheet.
pub fn colour_of(row: &Row) -> &'static str {
    match (row.grade, row.severity) {
        (Grade::Capability, _) => "capability",
        (Grade::Privacy, _) => "privacy",
        (Grade::Finding, Severity::Critical) => "critical",
        (Grade::Finding, Severity::High) => "high",
        (Grade::Finding, Severity::Medium) => "medium",
        (Grade::Finding, Severity::Low) => "low",
        (Grade::Finding, Severity::Info) => "info",
        (Grade::Suspicion, Severity::Critical) => "critical susp",
        (Grade::Suspicion, Severity::High) => "high susp",
        (Grade::Suspicion, Severity::Medium) => "medium susp",
        (Grade::Suspicion, Severity::Low) => "low susp",
        (Grade::Suspicion, Severity::Info) => "info susp",
    }
}

fn write_legend(out: &mut dyn Write) -> io::Result<()> {
    let colours = [
        ("critical", "critical finding"),
        ("high", "high"),
        ("medium", "medium"),
        ("low", "low"),
        ("info", "information"),
        ("high susp", "suspicion (outlined)"),
        ("capability", "capability"),
        ("privacy", "privacy"),
        ("none", "nothing seen"),
    ];
    writeln!(out, "<ul class=\"legend\">")?;
    for (class, text) in colours {
        let shape = shape_of(Kind::App);
        writeln!(out, "<li><svg class=\"cell k-{class}\" viewBox=\"0 0 20 20\">{shape}</svg> {text}</li>")?;
    }
    for (kind, text) in [(Kind::App, "app"), (Kind::Daemon, "daemon"), (Kind::Other, "other place")] {
        let shape = shape_of(kind);
        writeln!(out, "<li><svg class=\"cell k-shape\" viewBox=\"0 0 20 20\">{shape}</svg> {text}</li>")?;
    }
    writeln!(out, "</ul>\n<p class=\"quiet\">A number is that of the finding below.</p>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_the_first_component() {
        assert_eq!(partition_of("/system/app/A/A.apk"), "system");
        assert_eq!(partition_of("/init"), ROOT);
        assert_eq!(partition_of(""), WHOLE);
    }

    #[test]
    fn a_path_lies_in_its_prefixes() {
        let all: Vec<&str> = prefixes("/a/b.apk!lib/c").collect();
        assert_eq!(all, ["/a/b.apk!lib/c", "/a/b.apk!lib", "/a/b.apk", "/a"]);
        assert_eq!(prefixes("").count(), 0);
    }
}
