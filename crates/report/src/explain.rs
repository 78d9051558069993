//! `postern explain`: what a class means, and one finding of a report in full.

use std::io::{self, Read, Write};

use model::report::{Row, SCHEMA};
use model::{Class, Report};

use crate::wrap::{Page, Paint};
use crate::{Style, terminal};

/// Why a report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON, or lacks what a report has.
    #[error("not a JSON report: {0}")]
    NoReport(#[from] serde_json::Error),
    /// It is of another schema.
    #[error("a report of schema {0}; this postern reads schema {SCHEMA}")]
    OtherSchema(u64),
}

/// Reads a JSON report. Fields that a later postern added are left out.
pub fn read(json: &mut dyn Read) -> Result<Report, ReportError> {
    let value: serde_json::Value = serde_json::from_reader(io::BufReader::new(json))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema != u64::from(SCHEMA) => Err(ReportError::OtherSchema(schema)),
        _ => Ok(serde_json::from_value(value)?),
    }
}

/// The class of an id.
pub fn class_of(id: &str) -> Option<Class> {
    Class::ALL.iter().copied().find(|it| it.id() == id)
}

/// The finding of an id, of any grade; a beginning of the id is enough where only one starts so.
pub fn row_of<'a>(report: &'a Report, id: &str) -> Option<&'a Row> {
    let mut rows = report.findings.iter().chain(&report.capabilities).chain(&report.privacy);
    let mut like = rows.clone().filter(|it| !id.is_empty() && it.id.starts_with(id));
    match (like.next(), like.next()) {
        (one, None) => one,
        _ => rows.find(|it| it.id == id),
    }
}

/// Writes what a class is.
pub fn class(class: Class, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    page.spans(0, "", &[(Paint::Strong, class.title()), (Paint::Faint, " · "), (Paint::Faint, class.id())])?;
    page.blank()?;
    page.spans(0, "looks for  ", &[(Paint::Plain, class.looks_for())])?;
    page.spans(0, "innocent   ", &[(Paint::Plain, class.innocent())])
}

/// Writes the ids of all classes with a few words each.
pub fn classes(style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    let width = Class::ALL.iter().map(|it| it.id().len()).max().unwrap_or(0);
    for class in Class::ALL {
        page.spans(0, &format!("{:width$}  ", class.id()), &[(Paint::Plain, class.title())])?;
    }
    Ok(())
}

/// Writes one finding in full, and what its class is.
pub fn finding(report: &Report, row: &Row, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { verbose: true, ..*style };
    terminal::finding(&mut Page::new(&style, out), report, row, "")?;
    writeln!(out)?;
    class(row.class, &style, out)
}
