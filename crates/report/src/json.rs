//! The report as JSON: schema 1, `docs/report.schema.json`. Fields stand in the order of [`Report`].

use std::io::{self, Write};

use model::Report;

use crate::{Renderer, Style, escape};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "json", title: "JSON, schema 1", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(report)?;
    writeln!(out, "{}", escape::json(&pretty))
}
